"""Inventory: how much is where, each change as a signed delta, low stock, discrepancies.

It folds what documents post, whichever they are. The present levels are rows of their own. A past
level is the sum of the deltas that a cut takes: a late entry is one more delta, and rewrites
nothing of what was recorded before it. What an event posts at different times are different deltas.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple
from urllib.parse import unquote

import msgspec
from sqlalchemy import Table

from ledger.common.values import to_us
from ledger.core.event_types import UnknownMember
from ledger.core.postings import Posting
from ledger.log.accounts import accounts_in
from ledger.log.envelope import Outline
from ledger.stock.account import StockAccount
from ledger.stock.pieces import NAMES, PIECE
from ledger.stock.places import (
    ALREADY_COUNTED,
    AVAILABLE,
    BETWEEN_WAREHOUSES,
    CORRECTION,
    COUNTED,
    MEMO,
    ON_HAND,
    OTHER_WAREHOUSE,
    PHYSICAL,
    SHELF,
)
from ledger.stock.skus import Sku
from projections.stock import low
from projections.stock.tables import (
    FLOWS,
    LEVELS,
    LOW,
    bin_deltas,
    bins,
    deltas,
    levels,
    low_rules,
    notices,
    standing,
    thresholds,
    units,
)
from projections.store.folding import Fact
from projections.store.rows import IN_CHUNK, Change, Rows

KINDS = (f"{StockAccount.KIND}:",)

STANDING = (Sku.Aliased.TOPIC, Sku.Bundled.TOPIC)
"""What says that a SKU stands for others, or for itself again."""

Item = tuple[str, str]
"""A SKU and a warehouse."""

Noticed = tuple[str, str, str, str]
"""What a notice is about: an item, a place, and a bin of the shelf."""


class Notice(msgspec.Struct, gc=False):
    """A notice while it is open, and when it is closed."""

    opened_position: int
    opened_at: int
    threshold: int
    lowest: int
    document: str | None
    closed_position: int | None
    closed_at: int | None
    position: int


class Inventory(msgspec.Struct):
    """The stock that a batch touches: levels by item, what was loaded, and what is new. `until` is
    the business time up to which it is folded; None: all of it."""

    ledger: bytes
    until: int | None = None
    levels: dict[Item, dict[str, int]] = {}
    loaded: set[Item] = set()
    positions: dict[Item, int] = {}
    bins: dict[tuple[str, str, str], tuple[int, int]] = {}
    thresholds: dict[str, tuple[int, int]] = {}
    thresholds_set: set[str] = set()
    for_others: dict[str, tuple[int, int]] = {}
    for_others_set: set[str] = set()
    units: dict[str, tuple[str, int]] = {}
    open: dict[Noticed, Notice] = {}
    closed: list[tuple[Noticed, Notice]] = []
    rules: dict[int, low.Rule] = {}
    deltas: list[tuple[Any, ...]] = []
    bin_deltas: list[tuple[Any, ...]] = []


class Stock:
    """Folds what is posted to stock. Its rows are those of all reports on stock.

    What an event posts may have another time than the event. So it gets all events that a past may
    take something of, and leaves out what was posted at a later time.
    """

    name: ClassVar[str] = "stock"
    version: ClassVar[int] = 5
    tables: ClassVar[tuple[Table, ...]] = (
        levels, deltas, bins, bin_deltas, thresholds, low_rules, standing, units, notices)

    def __init__(self) -> None:
        self.until: int | None = None

    def cut_at(self, occurred_us: int | None) -> None:
        """Fold only what happened up to a time. What SKUs are counted in never changes, so that is
        folded whenever it was said."""
        self.until = occurred_us

    def load(self, rows: Rows, ledger: bytes, entries: Sequence[Outline]) -> Inventory:
        """Everything of the SKUs that the entries are about: of all, where another rule of low
        stock may come into force."""
        skus = sorted({sku for entry in entries for sku in _skus_of(entry)})
        found = Inventory(ledger, self.until, rules=low.load(rows, ledger))
        if low.may_change(found.rules, entries):
            skus = sorted({*skus, *(row[0] for row in rows.select(
                "SELECT DISTINCT sku FROM stock_levels WHERE ledger = ?", (ledger,)))})
        for row in rows.among(levels, ledger, "sku", skus):
            item = (row.sku, row.warehouse)
            found.levels[item] = dict(zip(LEVELS, row[3 : 3 + len(LEVELS)], strict=True))
            found.positions[item] = row.position
            found.loaded.add(item)
        for row in rows.among(bins, ledger, "sku", skus):
            found.bins[row.sku, row.warehouse, row.bin] = row.quantity, row.position
        for row in rows.among(thresholds, ledger, "sku", skus):
            found.thresholds[row.sku] = row.threshold, row.position
        for row in rows.among(standing, ledger, "sku", skus):
            found.for_others[row.sku] = row.for_others, row.position
        for row in _open(rows, ledger, skus):
            found.open[row.sku, row.warehouse, row.place, row.bin] = Notice(*row[5:])
        return found

    def fold(self, state: Inventory, facts: Iterable[Fact]) -> None:
        """Take what is posted into the levels."""
        for entry, event in facts:
            if _taken(state, entry.occurred_at):
                _look_at_rules(state, entry, event)
            if getattr(event, "postings", ()) or getattr(event, "observations", ()):
                _posted(state, entry, event)
            elif entry.type == Sku.Registered.TOPIC:
                if event.unit != PIECE:
                    state.units[event.sku] = event.unit, entry.position
            elif entry.type == Sku.ThresholdSet.TOPIC and _taken(state, entry.occurred_at):
                state.thresholds[event.sku] = event.threshold, entry.position
                state.thresholds_set.add(event.sku)
                _look_again(state, event.sku, entry)
            elif entry.type in STANDING and _taken(state, entry.occurred_at):
                others = event.target if entry.type == Sku.Aliased.TOPIC else event.parts
                state.for_others[event.sku] = int(bool(others)), entry.position
                state.for_others_set.add(event.sku)
                _look_again(state, event.sku, entry)

    def changes(self, state: Inventory) -> Iterator[Change]:
        """The rows that the state now has."""
        ledger = state.ledger
        rows = {item: (ledger, *item, *(found[place] for place in LEVELS), state.positions[item])
                for item, found in sorted(state.levels.items())}
        yield Change(levels, [row for item, row in rows.items() if item not in state.loaded],
                     [row for item, row in rows.items() if item in state.loaded])
        yield Change(deltas, sorted(state.deltas), [])
        yield Change(bins, [], [(ledger, *key, *held)
                                for key, held in sorted(state.bins.items())])
        yield Change(bin_deltas, sorted(state.bin_deltas), [])
        yield Change(thresholds, [], [(ledger, sku, *state.thresholds[sku])
                                      for sku in sorted(state.thresholds_set)])
        yield Change(low_rules, [], [(ledger, number, *msgspec.structs.astuple(rule))
                                     for number, rule in sorted(state.rules.items())])
        yield Change(standing, [], [(ledger, sku, *state.for_others[sku])
                                    for sku in sorted(state.for_others_set)])
        yield Change(units, [], [(ledger, sku, *held)
                                 for sku, held in sorted(state.units.items())])
        touched = [*state.closed, *state.open.items()]
        yield Change(notices, [], sorted(
            ((ledger, *key, *msgspec.structs.astuple(notice)) for key, notice in touched),
            key=lambda row: row[:6]))


def _skus_of(entry: Outline) -> list[str]:
    """The SKUs to whose stock an entry posts, or of which it says when they are low."""
    if entry.type in (Sku.ThresholdSet.TOPIC, *STANDING):
        return [unquote(entry.stream.split(":")[1])]
    return [_item_of(account)[0] for account in accounts_in(entry.subjects, KINDS)]


@lru_cache(NAMES)
def _item_of(account: str) -> Item:
    """The SKU and the warehouse of an account."""
    _, warehouse, sku = account.split(":")
    return unquote(sku), unquote(warehouse)


def _open(rows: Rows, ledger: bytes, skus: Sequence[str]) -> Iterator[Any]:
    names = ", ".join(notices.c.keys())
    for start in range(0, len(skus), IN_CHUNK):
        chunk = skus[start : start + IN_CHUNK]
        yield from rows.select(
            f"SELECT {names} FROM stock_notices WHERE ledger = ? AND closed_position IS NULL"
            f" AND sku IN ({', '.join('?' * len(chunk))})", (ledger, *chunk))


def _taken(state: Inventory, at: int) -> bool:
    """Whether what happened at a time is folded."""
    return state.until is None or at <= state.until


def _posted(state: Inventory, entry: Outline, event: Any) -> None:
    """Take what an event posts and observes: one delta for each account and time. Notices look at
    what all of it led to, which happened when the last of it did. Errors: UnknownMember (R-LOG-40).
    """
    by_item: dict[Item, dict[int, list[Posting]]] = {}
    for index, posting in enumerate(event.postings):
        for where, place in (("from", posting.source), ("to", posting.target)):
            if place not in _known:
                raise UnknownMember(position=entry.position, type=entry.type,
                                    where=f"/postings/{index}/{where}", what=f"is {place!r}")
        at = entry.occurred_at if posting.at is None else to_us(posting.at)
        by_item.setdefault(_item_of(posting.account), {}).setdefault(at, []).append(posting)
    for seen in event.observations:
        by_item.setdefault(_item_of(seen.account), {}).setdefault(to_us(seen.at), [])
    for item, by_time in by_item.items():
        taken = {at: postings for at, postings in by_time.items() if _taken(state, at)}
        if taken:
            places, names = _take(state, item, entry.position, taken)
            _look(state, item, _when(entry, max(taken)), places, names=names)


def _take(
    state: Inventory, item: Item, position: int, by_time: Mapping[int, list[Posting]]
) -> tuple[set[str], set[str]]:
    """Take what an event posts to an item, by time: the places and the bins that it touches."""
    places, names = set(), set()
    if item not in state.levels:
        state.levels[item] = dict.fromkeys(LEVELS, 0)
        places.add(AVAILABLE)
    known = state.levels[item]
    state.positions[item] = position
    for at, postings in by_time.items():
        changed, flows = _delta(postings)
        for place, change in changed.items():
            if change and place in known:
                known[place] += change
                places.add(place)
        state.deltas.append((state.ledger, *item, position, at, *flows.values(),
                             *[*{**_NOTHING, **changed}.values()][:len(LEVELS)]))
        for name, change in _of_bins(postings).items():
            held, _ = state.bins.get((*item, name), (0, 0))
            state.bins[*item, name] = held + change, position
            state.bin_deltas.append((state.ledger, *item, name, position, at, change))
            names.add(name)
    return places, names


_NOTHING = dict.fromkeys((*LEVELS, *MEMO), 0)
_on_hand, _shelf, _known = frozenset(ON_HAND), frozenset(COUNTED[SHELF]), {*LEVELS, *MEMO}


def _delta(postings: Iterable[Posting]) -> tuple[dict[str, int], dict[str, int]]:
    """By how much postings change each level, and what flowed. What a correction takes back counts
    against what it was, and not as having gone the other way; and so does what is posted back in
    all, which a count had found to be more or fewer than the books said."""
    changed, flows = dict[str, int](), dict.fromkeys(FLOWS, 0)
    counted = 0
    for one in postings:
        quantity, source, target = one.quantity, one.source, one.target
        changed[source] = changed.get(source, 0) - quantity
        changed[target] = changed.get(target, 0) + quantity
        leaves, enters = source in _on_hand, target in _on_hand
        if one.cause == CORRECTION:
            source, target, quantity = target, source, -quantity
            leaves, enters = enters, leaves
        if one.cause == ALREADY_COUNTED:
            counted += quantity * (enters - leaves)
        elif enters and not leaves:
            flows["received"] += quantity
        elif leaves and not enters:
            flows["issued"] += quantity
        if target == BETWEEN_WAREHOUSES:
            flows["sent"] += quantity
        elif source == BETWEEN_WAREHOUSES:
            flows["arrived" if target == OTHER_WAREHOUSE else "lost"] += quantity
    flows["received" if counted < 0 else "issued"] -= abs(counted)
    return changed, flows


def _of_bins(postings: Iterable[Posting]) -> dict[str, int]:
    """By how much postings change what lies in each bin, where they do."""
    found: dict[str, int] = {}
    for one in postings:
        if one.source in _shelf:
            found[one.bin] = found.get(one.bin, 0) - one.quantity
        if one.target in _shelf:
            found[one.to_bin] = found.get(one.to_bin, 0) + one.quantity
    return {name: change for name, change in found.items() if change}


class _When(NamedTuple):
    """Since or until when a notice is open: an event, its time of the business, its document."""

    position: int
    at: int
    document: str


def _when(entry: Outline, at: int) -> _When:
    return _When(entry.position, at, entry.stream)


def _look_at_rules(state: Inventory, entry: Outline, event: Any) -> None:
    """Take what a policy says of low stock, and look at everything where another rule holds now."""
    low.take(state.rules, event)
    if state.rules and low.reach(state.rules, entry):
        for sku in sorted({sku for sku, _ in state.levels} - set(state.thresholds)):
            _look_again(state, sku, entry)


def _look_again(state: Inventory, sku: str, entry: Outline) -> None:
    """Something was said of when a SKU is low: in each warehouse it may be, or be no more."""
    for item in [item for item in state.levels if item[0] == sku]:
        _look(state, item, _when(entry, entry.occurred_at), {AVAILABLE})


def _look(
    state: Inventory, item: Item, when: _When, places: Iterable[str], *,
    names: Iterable[str] = (),
) -> None:
    """Open, keep or close the notices of an item, by what lies in places and bins that changed."""
    known = state.levels[item]
    for place in sorted(places):
        if place == AVAILABLE:
            threshold, _ = state.thresholds.get(item[0], (low.in_force(state.rules), 0))
            if state.for_others.get(item[0], (0, 0))[0]:
                threshold = known[place]  # without stock of its own it is never low
            _notice(state, (*item, LOW, ""), when, known[place], threshold=threshold)
        if place in PHYSICAL:
            _notice(state, (*item, place, ""), when, known[place], threshold=0)
    for name in sorted(filter(None, names)):
        held, _ = state.bins[*item, name]
        _notice(state, (*item, SHELF, name), when, held, threshold=0)


def _notice(
    state: Inventory, key: Noticed, when: _When, level: int, *, threshold: int
) -> None:
    known = state.open.get(key)
    if level < threshold:
        if known is None:
            state.open[key] = Notice(when.position, when.at, threshold, level, when.document, None,
                                     None, when.position)
        elif level < known.lowest:
            known.lowest, known.position = level, when.position
    elif known is not None:
        known.closed_position = known.position = when.position
        known.closed_at = when.at
        state.closed.append((key, known))
        del state.open[key]
