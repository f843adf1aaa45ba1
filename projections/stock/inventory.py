"""Inventory: how much is where, each change as a signed delta, low stock, discrepancies.

It folds what documents post, whichever they are. The present levels are rows of their own. A past
level is the sum of the deltas that a cut takes: a late entry is one more delta, and rewrites
nothing of what was recorded before it. What an event posts at different times are different deltas.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import unquote

import msgspec
from sqlalchemy import Table

from ledger.common.days import Days
from ledger.common.values import to_us
from ledger.core.event_types import UnknownMember
from ledger.log.envelope import Outline, listed_subjects
from ledger.stock.account import StockAccount
from ledger.stock.pieces import PIECE
from ledger.stock.skus import Sku
from projections.stock import low
from projections.stock.effects import KNOWN, Move, UnknownPlace, effect_of, move_of
from projections.stock.notices import AVAILABLE_ONLY, look, look_again, look_at_rules, look_in_bins
from projections.stock.state import Inventory, Notice, Stocked, item_of
from projections.stock.tables import (
    LEVELS,
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

KIND = f"{StockAccount.KIND}:"

STANDING = (Sku.Aliased.TOPIC, Sku.Bundled.TOPIC)
"""What says that a SKU stands for others, or for itself again."""

SAYING = (Sku.ThresholdSet.TOPIC, *STANDING)
"""What says when a SKU is low."""


NONE_HELD = (0, 0)
"""What a bin that nothing was put into holds, and since when."""


class Stock:
    """Folds what is posted to stock. Its rows are those of all reports on stock.

    What an event posts may have another time than the event. So it gets all events that a past may
    take something of, and leaves out what was posted at a later time.
    """

    name: ClassVar[str] = "stock"
    version: ClassVar[int] = 6
    tables: ClassVar[tuple[Table, ...]] = (
        levels, deltas, bins, bin_deltas, thresholds, low_rules, standing, units, notices)

    def __init__(self) -> None:
        self.until: int | None = None

    def cut_at(self, occurred_us: int | None) -> None:
        """Fold only what happened up to a time. What SKUs are counted in never changes, so that is
        folded whenever it was said."""
        self.until = occurred_us

    def load(
        self, rows: Rows, ledger: bytes, entries: Sequence[Outline], *, days: Days
    ) -> Inventory:
        """Everything of the SKUs that the entries are about: of all, where another rule of low
        stock may come into force."""
        skus = sorted(_skus_of(entries))
        found = Inventory(ledger, days, self.until, rules=low.load(rows, ledger))
        if low.may_change(found.rules, entries):
            skus = sorted({*skus, *(row[0] for row in rows.select(
                "SELECT DISTINCT sku FROM stock_levels WHERE ledger = ?", (ledger,)))})
        for row in rows.among(levels, ledger, "sku", skus):
            one = found.item(row.sku, row.warehouse)
            one.levels, one.position = list(row[3 : 3 + len(LEVELS)]), row.position
            one.stored = True
        for row in rows.among(bins, ledger, "sku", skus):
            found.item(row.sku, row.warehouse).bins[row.bin] = row.quantity, row.position
        for row in rows.among(thresholds, ledger, "sku", skus):
            found.thresholds[row.sku] = row.threshold, row.position
        for row in rows.among(standing, ledger, "sku", skus):
            found.for_others[row.sku] = row.for_others, row.position
        for _, sku, warehouse, place, name, *rest in _open(rows, ledger, skus):
            found.item(sku, warehouse).open[place, name] = Notice(*rest)
        return found

    def fold(self, state: Inventory, facts: Iterable[Fact]) -> None:
        """Take what is posted into the levels."""
        for entry, event in facts:
            if (state.rules or entry.type in low.SAYING) and state.takes(entry.occurred_at):
                look_at_rules(state, entry, event)
            if getattr(event, "postings", None) or getattr(event, "observations", None):
                _posted(state, entry, event)
            elif entry.type == Sku.Registered.TOPIC:
                if event.unit != PIECE:
                    state.units[event.sku] = event.unit, entry.position
            elif entry.type in SAYING and state.takes(entry.occurred_at):
                _said(state, entry, event)

    def changes(self, state: Inventory) -> Iterator[Change]:
        """The rows that the state now has."""
        ledger, items = state.ledger, [state.items[key] for key in sorted(state.items)]
        yield Change(levels, [_row_of(one) for one in items if not one.stored],
                     [_row_of(one) for one in items if one.stored])
        yield Change(deltas, [row for one in items for row in sorted(one.deltas)], [])
        yield Change(bins, [], [(*one.key, name, *held) for one in items
                                for name, held in sorted(one.bins.items())])
        yield Change(bin_deltas, [row for one in items for row in sorted(one.bin_deltas)], [])
        yield Change(thresholds, [], [(ledger, sku, *state.thresholds[sku])
                                      for sku in sorted(state.thresholds_set)])
        yield Change(low_rules, [], [(ledger, number, *msgspec.structs.astuple(rule))
                                     for number, rule in sorted(state.rules.items())])
        yield Change(standing, [], [(ledger, sku, *state.for_others[sku])
                                    for sku in sorted(state.for_others_set)])
        yield Change(units, [], [(ledger, sku, *held)
                                 for sku, held in sorted(state.units.items())])
        yield Change(notices, [], [
            row for one in items for row in sorted((
                (*one.key, *about, *msgspec.structs.astuple(notice))
                for about, notice in (*one.closed, *one.open.items())), key=lambda row: row[:6])])


def _row_of(one: Stocked) -> tuple[Any, ...]:
    """The row of the levels of an item."""
    return (*one.key, *one.levels, one.position)


def _skus_of(entries: Iterable[Outline]) -> set[str]:
    """The SKUs to whose stock entries post, or of which they say when they are low."""
    said: set[str] = set()
    named: set[str] = set()
    for entry in entries:
        if f'"{KIND}' in entry.subjects:
            named.update(listed_subjects(entry.subjects))
        elif entry.type in SAYING:
            said.add(unquote(entry.stream.split(":")[1]))
    return said | {item_of(one)[0] for one in named if one.startswith(KIND)}


def _open(rows: Rows, ledger: bytes, skus: Sequence[str]) -> Iterator[Any]:
    names = ", ".join(notices.c.keys())
    for start in range(0, len(skus), IN_CHUNK):
        chunk = skus[start : start + IN_CHUNK]
        yield from rows.select(
            f"SELECT {names} FROM stock_notices WHERE ledger = ? AND closed_position IS NULL"
            f" AND sku IN ({', '.join('?' * len(chunk))})", (ledger, *chunk))


def _said(state: Inventory, entry: Outline, event: Any) -> None:
    """Take what says when a SKU is low."""
    if entry.type == Sku.ThresholdSet.TOPIC:
        state.thresholds[event.sku] = event.threshold, entry.position
        state.thresholds_set.add(event.sku)
    else:
        others = event.target if entry.type == Sku.Aliased.TOPIC else event.parts
        state.for_others[event.sku] = int(bool(others)), entry.position
        state.for_others_set.add(event.sku)
    look_again(state, event.sku, entry)


def _posted(state: Inventory, entry: Outline, event: Any) -> None:
    """Take what an event posts and observes: one delta for each account and time. Errors:
    UnknownMember (R-LOG-40)."""
    by_account: dict[str, dict[int, tuple[Move, ...]]] = {}
    for posting in event.postings:
        at = entry.occurred_at if posting.at is None else to_us(posting.at)
        by_time = by_account.get(posting.account)
        if by_time is None:
            by_account[posting.account] = {at: (move_of(posting),)}
        else:
            by_time[at] = (*by_time.get(at, ()), move_of(posting))
    for seen in event.observations:
        by_account.setdefault(seen.account, {}).setdefault(to_us(seen.at), ())
    try:
        for account, by_time in by_account.items():
            if state.until is not None:
                by_time = {at: moves for at, moves in by_time.items() if state.takes(at)}
            if by_time:
                _take(state, state.of_account(account), entry, by_time)
    except UnknownPlace:
        raise _unknown(entry, event) from None


def _unknown(entry: Outline, event: Any) -> UnknownMember:
    """The first place that an event names and that is not known."""
    index, where, place = next(
        (index, where, place) for index, posting in enumerate(event.postings)
        for where, place in (("from", posting.source), ("to", posting.target))
        if place not in KNOWN)
    return UnknownMember(position=entry.position, type=entry.type,
                         where=f"/postings/{index}/{where}", what=f"is {place!r}")


def _take(
    state: Inventory, one: Stocked, entry: Outline, by_time: Mapping[int, tuple[Move, ...]]
) -> None:
    """Take what an event posts to an item, by time. Notices look at what all of it led to, which
    happened when the last of it did. Errors: UnknownPlace."""
    places: tuple[tuple[int, str], ...] = () if one.position else AVAILABLE_ONLY
    names: tuple[str, ...] = ()
    position = one.position = entry.position
    for at, moves in by_time.items():
        row, changes, physical, of_bins = effect_of(moves)
        for level, change in changes:
            one.levels[level] += change
        one.deltas.append(one.key + (position, at) + row)  # noqa: RUF005 - twice as fast
        for name, change in of_bins:
            held, _ = one.bins.get(name, NONE_HELD)
            one.bins[name] = held + change, position
            one.bin_deltas.append((*one.key, name, position, at, change))
            names += (name,)
        places += physical
    when = entry, at if len(by_time) == 1 else max(by_time)
    look(state, one, when, places)
    if names:
        look_in_bins(one, when, names)
