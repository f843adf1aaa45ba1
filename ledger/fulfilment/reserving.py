"""Reserving: which pieces an order gets, which it waits for, and who is served when some come in.

What is reserved is checked over the sum of an order's lines and of the parts of their bundles.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Work
from ledger.fulfilment.following import follow, parts_of_line, ready
from ledger.orders.errors import LineWithoutSku
from ledger.orders.order import Order
from ledger.orders.values import Line, States
from ledger.stock.errors import OutOfStock, SkuUnknown
from ledger.stock.item import StockItem
from ledger.stock.pieces import Count, LineParts, Part, sku_of
from ledger.stock.places import (
    AVAILABLE,
    stock_of,
)
from ledger.stock.skus import Sku, parts_of

MAX_SERVED = 100
"""Waiting orders that one command serves; `ReleaseBackOrders` serves the next."""


class Allotment(NamedTuple):
    """What of some lines can be reserved, what is short, and what their pieces are made of."""

    lines: list[Count]
    short: list[Count]
    parts: dict[str, tuple[Part, ...]]

    def told(self, skus: Mapping[str, str]) -> list[LineParts]:
        """The parts that are told in an event: those that are not just the line's own SKU."""
        return [LineParts(line, part.sku, part.each)
                for line, parts in self.parts.items() if parts != (Part(skus[line], 1),)
                for part in parts]


# -- reserving ------------------------------------------------------------------------------------


def allot(
    work: Work, order: str, warehouse: str, wanted: Iterable[tuple[str, str, int]]
) -> Allotment:
    """Which of (line, SKU, quantity) can be reserved for an order, over the sum of all lines.

    Nobody gets a piece that someone waits for who came before. Errors: SkuUnknown (R-STK-03).
    """
    left: dict[str, int] = {}
    found = Allotment([], [], {})
    wanted = list(wanted)
    made_of = [parts_of(work, sku) for _, sku, _ in wanted]
    ready(work, warehouse, {part.sku for parts in made_of for part in parts})
    for (line, _, quantity), parts in zip(wanted, made_of, strict=True):
        for part in parts:
            if part.sku not in left:
                item = known_item(work, warehouse, part.sku)
                left[part.sku] = max(0, item.levels.get(AVAILABLE, 0) - _ahead(item, order))
        units = min(quantity, *(left[part.sku] // part.each for part in parts))
        for part in parts:
            left[part.sku] -= units * part.each
        found.parts[line] = parts
        if units:
            found.lines.append(Count(line, units))
        if units < quantity:
            found.short.append(Count(line, quantity - units))
    return found


def known_item(work: Work, warehouse: str, sku: str) -> StockItem:
    """The stock of a SKU. Errors: SkuUnknown (R-STK-03)."""
    item: StockItem = work.load(StockItem, stock_of(warehouse, sku))
    if not item.version and not work.load(Sku, sku_of(sku)).version:
        raise SkuUnknown(sku=sku, warehouse=warehouse)
    return item


def _ahead(item: StockItem, order: str) -> int:
    """Pieces that orders wait for which came before this one."""
    pieces = 0
    for name, quantity in item.waiting.items():
        if name == order:
            break
        pieces += quantity
    return pieces


def must_fit(work: Work, order: Order, warehouse: str, found: Allotment) -> None:
    """Nothing is short. Errors: OutOfStock (R-STK-01), for the SKU that is."""
    if not found.short:
        return
    wanted: dict[str, int] = {}
    for count in (*found.lines, *found.short):
        for part in found.parts[count.line]:
            wanted[part.sku] = wanted.get(part.sku, 0) + count.quantity * part.each
    for sku, pieces in wanted.items():
        item = work.load(StockItem, stock_of(warehouse, sku))
        free = max(0, item.levels.get(AVAILABLE, 0) - _ahead(item, order.id))
        if pieces > free:
            raise OutOfStock(stock=item.id, wanted=pieces, available=free)


def reserve(
    work: Work, order: Order, warehouse: str, *, occurred_at: datetime, all_or_none: bool = False,
    states: tuple[str, ...] = ("unreserved", "short"),
) -> list[Aggregate]:
    """Reserve what is there for an order; what is not, it waits for.

    Errors: OutOfStock (R-STK-01) if all is wanted, SkuUnknown (R-STK-03), R-ORD-06, R-ORD-20,
    R-ORD-32, LineWithoutSku (R-ORD-33).
    """
    order.must_be_open()
    lines = order.lines or {}
    wanted = [(line, _sku(order, line), pieces) for line, known in order.goods.items()
              if (pieces := sum(known.get(state, 0) for state in states))]
    found = allot(work, order.id, warehouse, wanted)
    if all_or_none:
        must_fit(work, order, warehouse, found)
    before = order.goods
    newly = [Count(count.line, new) for count in found.short
             if (new := count.quantity - before[count.line].get("short", 0)) > 0]
    if not found.lines and not newly:
        return [order]
    told = found.told({line: lines[line].sku or "" for line in found.parts})
    order.reserve(warehouse, found.lines, newly, told, occurred_at=occurred_at)
    items = follow(work, order, before, occurred_at=occurred_at)
    return [order, *items, *wait(work, order, before, occurred_at=occurred_at)]


def _sku(order: Order, line: str) -> str:
    assert order.lines is not None
    if (sku := order.lines[line].sku) is None:
        raise LineWithoutSku(order=order.id, line=line)
    return sku


def wait(
    work: Work, order: Order, before: Mapping[str, States], *, occurred_at: datetime,
    reason: str = "reserved",
) -> list[Aggregate]:
    """Let stock know for how many more, or fewer, pieces an order waits now."""
    changes: dict[str, int] = {}
    for line, states in order.goods.items():
        if change := states.get("short", 0) - before.get(line, {}).get("short", 0):
            for part in parts_of_line(work, order, line):
                changes[part.sku] = changes.get(part.sku, 0) + change * part.each
    items: list[Aggregate] = []
    for sku, change in changes.items():
        item: StockItem = work.load(StockItem, stock_of(order.warehouse, sku))
        if change > 0:
            item.wait(sku, order.id, change, occurred_at=occurred_at)
        else:
            item.end_wait(sku, order.id, -change, reason, occurred_at=occurred_at)
        items.append(item)
    return items


def serve_waiting(
    work: Work, changed: Iterable[Aggregate], *, occurred_at: datetime
) -> list[Aggregate]:
    """What a command changed, then the waiting orders that get what became available by it, first
    in, first served."""
    found = {aggregate.id: aggregate for aggregate in changed}
    for item in [one for one in found.values() if isinstance(one, StockItem)]:
        if item.waiting and item.levels.get(AVAILABLE, 0) > 0:
            for served in _serve_one(work, item, occurred_at=occurred_at):
                found[served.id] = served
    return list(found.values())


def _serve_one(work: Work, item: StockItem, *, occurred_at: datetime) -> list[Aggregate]:
    changed: list[Aggregate] = []
    for name in list(item.waiting)[:MAX_SERVED]:
        if item.levels.get(AVAILABLE, 0) <= _ahead(item, name):
            break
        order: Order = work.load(Order, name)
        if not order.held and not order.ended:
            changed += reserve(work, order, order.warehouse, occurred_at=occurred_at,
                               states=("short",))
    return changed


# -- following ------------------------------------------------------------------------------------


def lines_wanted(lines: Iterable[Line]) -> list[tuple[str, str, int]]:
    """The goods of lines as `allot` wants them."""
    return [(line.line, line.sku or "", line.quantity) for line in lines if not line.fee]
