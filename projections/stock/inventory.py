"""Inventory: how much is where, each change as a signed delta, low stock, discrepancies.

The present levels are rows of their own. A past level is the sum of the deltas that a cut takes: a
late entry is one more delta, and rewrites nothing of what was recorded before it.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import unquote

import msgspec
from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from ledger.log.envelope import Outline
from ledger.stock.item import PHYSICAL, StockItem
from ledger.stock.pieces import NAMES, PIECE
from ledger.stock.places import AVAILABLE, INSIDE, ON_HAND, OUTSIDE
from ledger.stock.skus import Sku
from projections.store.folding import Fact
from projections.store.rows import IN_CHUNK, Change, Key, Rows, ledger_column, metadata

THRESHOLD = 10
"""Fewer available pieces than this are too few, where nobody set another threshold."""

PLACES = (*INSIDE, *OUTSIDE)

levels = Table(
    "stock_levels", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("warehouse", Key, nullable=False),
    *(Column(place, BigInteger, nullable=False) for place in PLACES),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "sku", "warehouse", name="stock_levels_pk"),
    sqlite_with_rowid=False,
)

deltas = Table(
    "stock_deltas", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("warehouse", Key, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("issued", BigInteger, nullable=False),
    *(Column(place, BigInteger, nullable=False) for place in PLACES),
    PrimaryKeyConstraint("ledger", "sku", "warehouse", "position", name="stock_deltas_pk"),
    sqlite_with_rowid=False,
)

bins = Table(
    "stock_bins", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("warehouse", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("bin", Key, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "sku", "warehouse", "state", "bin", name="stock_bins_pk"),
    sqlite_with_rowid=False,
)

thresholds = Table(
    "sku_thresholds", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "sku", name="sku_thresholds_pk"),
    sqlite_with_rowid=False,
)

units = Table(
    "sku_units", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("unit", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "sku", name="sku_units_pk"),
    sqlite_with_rowid=False,
)
"""What SKUs are counted in that are not counted in pieces."""

notices = Table(
    "stock_notices", metadata,
    ledger_column(),
    Column("sku", Key, nullable=False),
    Column("warehouse", Key, nullable=False),
    Column("place", Key, nullable=False),
    Column("opened_position", BigInteger, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("lowest", BigInteger, nullable=False),
    Column("document", Text),
    Column("closed_position", BigInteger),
    Column("closed_at", BigInteger),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint(
        "ledger", "sku", "warehouse", "place", "opened_position", name="stock_notices_pk"),
    Index("stock_notices_open", "ledger", "closed_position", "sku"),
)
"""Low stock and discrepancies, each from its opening to its closing. Low stock has place ""."""

LOW = ""
"""What stands for the place in a notice of low stock."""

Item = tuple[str, str]
"""A SKU and a warehouse."""


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
    """The stock that a batch touches: levels by item, what was loaded, and what is new."""

    ledger: bytes
    levels: dict[Item, dict[str, int]]
    loaded: set[Item]
    positions: dict[Item, int]
    bins: dict[tuple[str, str, str, str], tuple[int, int]]
    thresholds: dict[str, tuple[int, int]]
    thresholds_set: set[str]
    units: dict[str, tuple[str, int]]
    open: dict[tuple[str, str, str], Notice]
    closed: list[tuple[tuple[str, str, str], Notice]]
    deltas: list[tuple[Any, ...]]


class Stock:
    """Folds movements of stock. Its rows are those of all reports on stock."""

    name: ClassVar[str] = "stock"
    version: ClassVar[int] = 2
    tables: ClassVar[tuple[Table, ...]] = (levels, deltas, bins, thresholds, units, notices)

    def load(self, rows: Rows, ledger: bytes, entries: Sequence[Outline]) -> Inventory:
        """Everything of the SKUs that the entries are about."""
        skus = sorted({sku for entry in entries if (sku := _sku_of(entry)) is not None})
        found = Inventory(ledger, {}, set(), {}, {}, {}, set(), {}, {}, [], [])
        for row in rows.among(levels, ledger, "sku", skus):
            item = (row.sku, row.warehouse)
            found.levels[item] = dict(zip(PLACES, row[3 : 3 + len(PLACES)], strict=True))
            found.positions[item] = row.position
            found.loaded.add(item)
        for row in rows.among(bins, ledger, "sku", skus):
            found.bins[row.sku, row.warehouse, row.state, row.bin] = row.quantity, row.position
        for row in rows.among(thresholds, ledger, "sku", skus):
            found.thresholds[row.sku] = row.threshold, row.position
        for row in _open(rows, ledger, skus):
            found.open[row.sku, row.warehouse, row.place] = Notice(*row[4:])
        return found

    def fold(self, state: Inventory, facts: Iterable[Fact]) -> None:
        """Take movements into the levels."""
        for entry, event in facts:
            if entry.type == StockItem.Moved.TOPIC:
                _moved(state, entry, event)
            elif entry.type == Sku.Registered.TOPIC:
                if event.unit != PIECE:
                    state.units[event.sku] = event.unit, entry.position
            elif entry.type == Sku.ThresholdSet.TOPIC:
                state.thresholds[event.sku] = event.threshold, entry.position
                state.thresholds_set.add(event.sku)
                for item in [item for item in state.levels if item[0] == event.sku]:
                    _look(state, item, entry, None, touched=[AVAILABLE])

    def changes(self, state: Inventory) -> Iterator[Change]:
        """The rows that the state now has."""
        ledger = state.ledger
        rows = {item: (ledger, *item, *(found[place] for place in PLACES), state.positions[item])
                for item, found in sorted(state.levels.items())}
        yield Change(levels, [row for item, row in rows.items() if item not in state.loaded],
                     [row for item, row in rows.items() if item in state.loaded])
        yield Change(deltas, sorted(state.deltas), [])
        yield Change(bins, [], [(ledger, *key, *held)
                                for key, held in sorted(state.bins.items())])
        yield Change(thresholds, [], [(ledger, sku, *state.thresholds[sku])
                                      for sku in sorted(state.thresholds_set)])
        yield Change(units, [], [(ledger, sku, *held)
                                 for sku, held in sorted(state.units.items())])
        touched = [*state.closed, *state.open.items()]
        yield Change(notices, [], sorted(
            ((ledger, *key, *msgspec.structs.astuple(notice)) for key, notice in touched),
            key=lambda row: row[:5]))


def _sku_of(entry: Outline) -> str | None:
    """The SKU of an entry of a stock or a SKU, else None."""
    if entry.type == StockItem.Moved.TOPIC:
        return _item_of(entry.stream)[0]
    if entry.type == Sku.ThresholdSet.TOPIC:
        return unquote(entry.stream.split(":")[1])
    return None


@lru_cache(NAMES)
def _item_of(stream: str) -> Item:
    """The SKU and the warehouse of a stock's stream."""
    _, warehouse, sku = stream.split(":")
    return unquote(sku), unquote(warehouse)


def _open(rows: Rows, ledger: bytes, skus: Sequence[str]) -> Iterator[Any]:
    names = ", ".join(notices.c.keys())
    for start in range(0, len(skus), IN_CHUNK):
        chunk = skus[start : start + IN_CHUNK]
        yield from rows.select(
            f"SELECT {names} FROM stock_notices WHERE ledger = ? AND closed_position IS NULL"
            f" AND sku IN ({', '.join('?' * len(chunk))})", (ledger, *chunk))


def _moved(state: Inventory, entry: Outline, event: Any) -> None:
    item = _item_of(entry.stream)
    known = state.levels.get(item)
    first = AVAILABLE if known is None else ""
    if known is None:
        known = state.levels[item] = dict.fromkeys(PLACES, 0)
    changed = dict.fromkeys(PLACES, 0)
    received = issued = 0
    for move in event.moves:
        quantity, source, target = move.quantity, move.source, move.target
        changed[source] -= quantity
        changed[target] += quantity
        leaves, enters = source in _on_hand, target in _on_hand
        if enters and not leaves:
            received += quantity
        elif leaves and not enters:
            issued += quantity
        if move.bin:
            _bin(state, (*item, source, move.bin), -quantity, entry)
        if move.to_bin:
            _bin(state, (*item, target, move.to_bin), quantity, entry)
    touched = [place for place, change in changed.items() if change or place == first]
    for place in touched:
        known[place] += changed[place]
    state.positions[item] = entry.position
    state.deltas.append((state.ledger, *item, entry.position, entry.occurred_at,
                         received, issued, *changed.values()))
    _look(state, item, entry, event.document, touched=touched)


_on_hand = frozenset(ON_HAND)


def _bin(
    state: Inventory, key: tuple[str, str, str, str], change: int, entry: Outline
) -> None:
    held, _ = state.bins.get(key, (0, 0))
    state.bins[key] = held + change, entry.position


def _look(
    state: Inventory, item: Item, entry: Outline, document: str | None, *, touched: list[str]
) -> None:
    """Open, keep or close the notices of an item, by its levels in places that changed."""
    known = state.levels[item]
    for place in touched:
        if place == AVAILABLE:
            threshold = state.thresholds.get(item[0], (THRESHOLD, 0))[0]
            _notice(state, (*item, LOW), entry, known[place], threshold=threshold,
                    document=document)
        if place in PHYSICAL:
            _notice(state, (*item, place), entry, known[place], threshold=0, document=document)


def _notice(
    state: Inventory, key: tuple[str, str, str], entry: Outline, level: int, *,
    threshold: int, document: str | None,
) -> None:
    known = state.open.get(key)
    if level < threshold:
        if known is None:
            state.open[key] = Notice(entry.position, entry.occurred_at, threshold, level, document,
                                     None, None, entry.position)
        elif level < known.lowest:
            known.lowest, known.position = level, entry.position
    elif known is not None:
        known.closed_position = known.position = entry.position
        known.closed_at = entry.occurred_at
        state.closed.append((key, known))
        del state.open[key]
