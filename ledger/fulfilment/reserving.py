"""Reserving: which pieces an order gets, which it waits for, and who gets those that come in.

The check is over the whole order, with bundles taken apart: two lines that share a part share its
stock.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Work
from ledger.fulfilment.following import follow, parts_of_line, prefetch_stock
from ledger.orders.errors import LineWithoutSku
from ledger.orders.order import Order
from ledger.orders.values import Line, States
from ledger.stock.errors import OutOfStock, SkuUnknown
from ledger.stock.item import StockItem
from ledger.stock.pieces import Count, LineParts, Part, sku_of
from ledger.stock.places import AVAILABLE, stock_of
from ledger.stock.skus import Sku, parts_of

MAX_SERVED = 100
"""How many waiting orders one command serves at most; `ReleaseBackOrders` serves the next."""


class Allotment(NamedTuple):
    """What can be reserved of some lines, what is short, and what their pieces are made of."""

    lines: list[Count]
    short: list[Count]
    parts: dict[str, tuple[Part, ...]]

    def parts_to_record(self, skus: Mapping[str, str]) -> list[LineParts]:
        """Each line's parts, except where a piece of the line is just one piece of its own SKU."""
        return [LineParts(line, part.sku, part.each)
                for line, parts in self.parts.items() if parts != (Part(skus[line], 1),)
                for part in parts]


# -- reserving ------------------------------------------------------------------------------------


def allot(
    work: Work, order: str, warehouse: str, wanted: Iterable[tuple[str, str, int]]
) -> Allotment:
    """What can be reserved for an order of (line, SKU, quantity), over the sum of all lines.

    No order gets a piece for which an earlier one waits. Errors: SkuUnknown (R-STK-03).
    """
    left: dict[str, int] = {}
    found = Allotment([], [], {})
    wanted = list(wanted)
    made_of = [parts_of(work, sku) for _, sku, _ in wanted]
    prefetch_stock(work, warehouse, {part.sku for parts in made_of for part in parts})
    for (line, _, quantity), parts in zip(wanted, made_of, strict=True):
        for part in parts:
            if part.sku not in left:
                item = known_item(work, warehouse, part.sku)
                left[part.sku] = _free_for(item, order)
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


def _free_for(item: StockItem, order: str) -> int:
    """The available pieces less those for which earlier orders wait. An order that is not in the
    queue yet ranks last."""
    ahead = 0
    for name, quantity in item.waiting.items():
        if name == order:
            break
        ahead += quantity
    return max(0, item.levels.get(AVAILABLE, 0) - ahead)


def must_not_be_short(work: Work, order: Order, warehouse: str, found: Allotment) -> None:
    """Nothing is short. Errors: OutOfStock (R-STK-01), for the first SKU that is."""
    if not found.short:
        return
    wanted: dict[str, int] = {}
    for count in (*found.lines, *found.short):
        for part in found.parts[count.line]:
            wanted[part.sku] = wanted.get(part.sku, 0) + count.quantity * part.each
    for sku, pieces in wanted.items():
        item = work.load(StockItem, stock_of(warehouse, sku))
        free = _free_for(item, order.id)
        if pieces > free:
            raise OutOfStock(stock=item.id, wanted=pieces, available=free)


def reserve(
    work: Work, order: Order, warehouse: str, *, occurred_at: datetime, all_or_none: bool = False,
    states: tuple[str, ...] = ("unreserved", "short"),
) -> list[Aggregate]:
    """Reserve for an order what is there; it waits for what is not.

    Errors: OutOfStock (R-STK-01) for `all_or_none`, SkuUnknown (R-STK-03), R-ORD-06, R-ORD-20,
    R-ORD-32, LineWithoutSku (R-ORD-33).
    """
    order.must_be_open()
    lines = order.lines or {}
    wanted = [(line, _sku(order, line), pieces) for line, known in order.goods.items()
              if (pieces := sum(known.get(state, 0) for state in states))]
    found = allot(work, order.id, warehouse, wanted)
    if all_or_none:
        must_not_be_short(work, order, warehouse, found)
    before = order.goods
    # Lines that were short already stay so: an event records only what is short in addition.
    newly = [Count(count.line, new) for count in found.short
             if (new := count.quantity - before[count.line].get("short", 0)) > 0]
    if not found.lines and not newly:
        return [order]
    parts = found.parts_to_record({line: lines[line].sku or "" for line in found.parts})
    order.reserve(warehouse, found.lines, newly, parts, occurred_at=occurred_at)
    items = follow(work, order, before, occurred_at=occurred_at)
    return [order, *items, *update_waiting(work, order, before, occurred_at=occurred_at)]


def _sku(order: Order, line: str) -> str:
    assert order.lines is not None
    if (sku := order.lines[line].sku) is None:
        raise LineWithoutSku(order=order.id, line=line)
    return sku


def update_waiting(
    work: Work, order: Order, before: Mapping[str, States], *, occurred_at: datetime,
    reason: str = "reserved",
) -> list[Aggregate]:
    """Note in the stock that an order now waits for more, or for fewer, pieces than before."""
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
    """What a command changed, and the waiting orders that get what it made available: first in,
    first served."""
    found = {aggregate.id: aggregate for aggregate in changed}
    for item in [one for one in found.values() if isinstance(one, StockItem)]:
        if item.waiting and item.levels.get(AVAILABLE, 0) > 0:
            for served in _serve_orders(work, item, occurred_at=occurred_at):
                found[served.id] = served
    return list(found.values())


def _serve_orders(work: Work, item: StockItem, *, occurred_at: datetime) -> list[Aggregate]:
    """The orders that wait for one SKU, each with what it gets.

    An order on hold keeps its place and its claim; so once an order can get nothing, nobody after
    it can.
    """
    changed: list[Aggregate] = []
    for name in list(item.waiting)[:MAX_SERVED]:
        if not _free_for(item, name):
            break
        order: Order = work.load(Order, name)
        if order.held_for is None and not order.ended:
            changed += reserve(work, order, order.warehouse, occurred_at=occurred_at,
                               states=("short",))
    return changed


def lines_wanted(lines: Iterable[Line]) -> list[tuple[str, str, int]]:
    """The goods of lines as `allot` wants them."""
    return [(line.line, line.sku or "", line.quantity) for line in lines if not line.fee]
