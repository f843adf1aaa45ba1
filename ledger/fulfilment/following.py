"""Stock follows orders: as the pieces of a line change state, stock moves between places.

Pieces in each state lie in one place of stock. An event of an order moves pieces between states;
`follow` moves the stock between their places, in the same transaction. What a file declares is
always recorded; a place that it leaves below zero is a discrepancy.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Protocol

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Work
from ledger.orders.order import Order
from ledger.orders.values import STATES, PickedFrom, States
from ledger.stock.item import StockItem
from ledger.stock.pieces import Part, sku_of
from ledger.stock.places import (
    AVAILABLE,
    CUSTOMER,
    PACKED,
    RESERVED,
    WITH_COURIER,
    WRITTEN_OFF,
    Move,
    stock_of,
)
from ledger.stock.skus import Sku, parts_of
from ledger.stock.warehouses import must_be_open

PLACE = {
    "cancelled": AVAILABLE, "unreserved": AVAILABLE, "short": AVAILABLE, "reserved": RESERVED,
    "picked": RESERVED, "packed": PACKED, "in_transit": WITH_COURIER, "delivered": CUSTOMER,
    "returning": CUSTOMER, "returned": CUSTOMER, "lost": WRITTEN_OFF,
}
"""Where the pieces of a state lie. Returned ones enter the stock by their case, not here."""

CAUSE = {
    (AVAILABLE, RESERVED): "reservation", (RESERVED, PACKED): "packing",
    (PACKED, WITH_COURIER): "dispatch", (WITH_COURIER, CUSTOMER): "delivery",
    (WITH_COURIER, WRITTEN_OFF): "loss", (RESERVED, AVAILABLE): "release",
    (PACKED, AVAILABLE): "release", (AVAILABLE, CUSTOMER): "sale",
}
"""Why stock moves between two places; for all others, because of a dispatch."""


def parts_of_line(work: Work, order: Order, line: str) -> tuple[Part, ...]:
    """What a piece of a line is made of: as recorded when it was reserved, else just its SKU."""
    if line in order.parts:
        return tuple(Part(part.sku, part.each) for part in order.parts[line])
    assert order.lines is not None
    return (Part(order.lines[line].sku or "", 1),)


def shifts(before: States, after: States) -> Iterator[tuple[str, str, int]]:
    """How many pieces went from which state to which.

    Only the sums before and after are known. The pieces of a line are alike, so whichever left is
    matched with whichever came, both in the order of `STATES`: no more pieces move than have to.
    """
    touched = [state for state in STATES if before.get(state) != after.get(state)]
    gone = [(state, pieces) for state in touched
            if (pieces := before.get(state, 0) - after.get(state, 0)) > 0]
    for target in touched:
        come = after.get(target, 0) - before.get(target, 0)
        while come > 0:
            source, there = gone.pop(0)
            taken = min(come, there)
            if taken < there:
                gone.insert(0, (source, there - taken))
            come -= taken
            yield source, target, taken


def moves_of(
    work: Work, order: Order, before: Mapping[str, States]
) -> dict[str, list[Move]]:
    """The movements of stock, by SKU, that follow from how the lines of an order changed."""
    found: dict[str, list[Move]] = {}
    for line, states in order.goods.items():
        # A line that was not there before begins unreserved: its pieces lie where they always did.
        had = before.get(line) or {"unreserved": sum(states.values())}
        if states == had:
            continue
        for source, target, pieces in shifts(had, states):
            left, entered = PLACE[source], PLACE[target]
            if left == entered:
                continue
            cause = CAUSE.get((left, entered), "dispatch")
            for part in parts_of_line(work, order, line):
                found.setdefault(part.sku, []).append(Move(
                    quantity=pieces * part.each, source=left, target=entered, cause=cause,
                    line=line))
    return found


def follow(
    work: Work, order: Order, before: Mapping[str, States], *, occurred_at: datetime
) -> list[StockItem]:
    """Move the stock as the lines of an order moved; none where the order has no warehouse.

    Errors: OutOfStock (R-STK-01), PlaceEmpty (R-STK-02).
    """
    if not order.warehouse:
        return []
    items = []
    followed = moves_of(work, order, before)
    prefetch_stock(work, order.warehouse, followed)
    for sku, moves in followed.items():
        item: StockItem = work.load(StockItem, stock_of(order.warehouse, sku))
        item.decide(sku, moves, occurred_at=occurred_at, document=order.id)
        items.append(item)
    return items


def follow_declared(work: Work, order: Order, before: Order) -> list[StockItem]:
    """The same for what has happened already, each step at its own time.

    `before` is the order before its pending events, and catches up with them here, one time after
    the other, so that the stock moves by each difference. Errors: CountedBeforeDeclared (R-STK-13).
    """
    found: dict[str, StockItem] = {}
    for occurred_at, facts in groupby(order.pending_events, attrgetter("occurred_at")):
        goods = before.goods
        for fact in facts:
            fact.apply(before)
        moved = moves_of(work, before, goods) if before.warehouse else {}
        prefetch_stock(work, before.warehouse, moved)
        for sku, moves in moved.items():
            item: StockItem = work.load(StockItem, stock_of(before.warehouse, sku))
            item.declare(sku, moves, occurred_at=occurred_at, document=order.id, late=None)
            found[item.id] = item
    return list(found.values())


def take_from_bins(
    work: Work, order: Order, lines: Iterable[PickedFrom], *, occurred_at: datetime
) -> list[StockItem]:
    """Take the picked pieces out of their bins.

    Until then they lay among the available ones: reserving moves pieces in the books, and not on
    the shelf.
    """
    moves: dict[str, list[Move]] = {}
    for picked in lines:
        if picked.bin:
            for part in parts_of_line(work, order, picked.line):
                moves.setdefault(part.sku, []).append(Move(
                    quantity=picked.quantity * part.each, source=AVAILABLE, target=AVAILABLE,
                    cause="picking", line=picked.line, bin=picked.bin))
    items = []
    for sku, found in moves.items():
        item: StockItem = work.load(StockItem, stock_of(order.warehouse, sku))
        item.decide(sku, found, occurred_at=occurred_at, document=order.id)
        items.append(item)
    return items


def prefetch_stock(work: Work, warehouse: str, skus: Collection[str]) -> None:
    """Load the stock of several SKUs with one query."""
    if len(skus) > 1:
        work.fetch([(StockItem, stock_of(warehouse, sku)) for sku in skus])


class _Line(Protocol):
    """A line of a slip or a case. Units: pieces."""

    @property
    def line(self) -> str: ...
    @property
    def sku(self) -> str | None: ...
    @property
    def quantity(self) -> int: ...
    @property
    def fee(self) -> bool: ...


def declare_lines(
    work: Work, warehouse: str, lines: Iterable[_Line], way: tuple[str, str, str], *,
    document: str, occurred_at: datetime,
) -> list[Aggregate]:
    """Move the goods of a document's lines, one event for each SKU.

    Shapes: `way` is (from, to, cause). Errors: WarehouseUnknown (R-STK-04), CountedBeforeDeclared
    (R-STK-13).
    """
    must_be_open(work, warehouse)
    source, target, cause = way
    goods = [line for line in lines if line.sku and not line.fee]
    work.fetch([(Sku, sku_of(line.sku)) for line in goods if line.sku])
    moves: dict[str, list[Move]] = {}
    for line in goods:
        for part in parts_of(work, line.sku or ""):
            moves.setdefault(part.sku, []).append(Move(
                quantity=line.quantity * part.each, source=source, target=target, cause=cause,
                line=line.line))
    prefetch_stock(work, warehouse, moves)
    items: list[Aggregate] = []
    for sku, found in moves.items():
        item: StockItem = work.load(StockItem, stock_of(warehouse, sku))
        item.declare(sku, found, occurred_at=occurred_at, document=document, late=None)
        items.append(item)
    return items
