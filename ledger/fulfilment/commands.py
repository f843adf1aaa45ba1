"""The commands that move the goods of orders, and their handlers: orders and stock in one save."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.fulfilment.reserving import (
    allot,
    follow,
    follow_declared,
    lines_wanted,
    must_fit,
    picked_from,
    reserve,
    serve,
    wait,
)
from ledger.orders import commands as order_commands
from ledger.orders.commands import EndOrder, OnOrder, PlaceOrder
from ledger.orders.declared import RecordOrder, record_order
from ledger.orders.order import Order
from ledger.orders.values import MAX_LINES, PickedFrom, Reservation
from ledger.stock.commands import CountStock, MoveStock, count_stock, move_stock, must_be_open
from ledger.stock.item import StockItem
from ledger.stock.parts import Part, sku_of
from ledger.stock.pieces import Count, LineParts
from ledger.stock.places import AVAILABLE, QUARANTINE, Move, stock_of
from ledger.stock.skus import Sku, parts_of
from ledger.stock.warehouses import Warehouse, warehouse_of

Wanted = list[tuple[type[Aggregate], str]]


class SellOrder(PlaceOrder, frozen=True, kw_only=True):
    """Take a new order and reserve all its goods in a warehouse, or refuse it."""

    NAME: ClassVar[str] = "order.sell"
    warehouse: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/warehouse", self.warehouse, longest=100)
        if not lines_wanted(self.lines or ()):
            checks.fault("/lines", "empty", "has no goods to reserve")
        for index, line in enumerate(self.lines or ()):
            if line.sku is None and not line.fee:
                checks.fault(f"/lines/{index}/sku", "missing", "is needed to reserve it")

    def streams(self) -> Wanted:
        wanted: Wanted = [(Order, self.subject), (Warehouse, warehouse_of(self.warehouse))]
        for line in self.lines or ():
            if line.sku is not None and not line.fee:
                wanted.append((Sku, sku_of(line.sku)))
                wanted.append((StockItem, stock_of(self.warehouse, line.sku)))
        return wanted


def sell_order(command: SellOrder, work: Work) -> list[Aggregate]:
    """Place and reserve. Errors: R-ORD-01, R-ORD-07, R-STK-01, R-STK-03, R-STK-04."""
    must_be_open(work, command.warehouse)
    order: Order = work.load(Order, command.subject)
    lines = command.lines or []
    found = allot(work, order.id, command.warehouse, lines_wanted(lines))
    must_fit(work, order, command.warehouse, found)
    told = found.told({line.line: line.sku or "" for line in lines})
    before = {count.line: {"unreserved": count.quantity} for count in found.lines}
    order.place({**command.facts(work), "reserved": Reservation(command.warehouse, told)},
                occurred_at=command.occurred_at)
    return [order, *follow(work, order, before, occurred_at=command.occurred_at)]


class ReserveOrder(OnOrder, frozen=True, kw_only=True):
    """Reserve an order's goods in a warehouse; what is not there is back-ordered."""

    NAME: ClassVar[str] = "order.reserve"
    warehouse: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/warehouse", self.warehouse, longest=100)


class MoveReservation(ReserveOrder, frozen=True, kw_only=True):
    """Reserve an order's goods in another warehouse instead, all of them or none."""

    NAME: ClassVar[str] = "order.move_reservation"


class ReleaseReservation(OnOrder, frozen=True, kw_only=True):
    """Let go of all that is reserved for an order, or waited for."""

    NAME: ClassVar[str] = "order.release_reservation"
    reason: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/reason", self.reason, longest=500)


class ReleaseBackOrders(Command, frozen=True, kw_only=True):
    """Reserve what came in of a SKU for the orders that wait for it, first in, first served."""

    NAME: ClassVar[str] = "stock.release_back_orders"
    warehouse: str
    sku: str
    occurred_at: datetime

    def check(self, checks: Checks) -> None:
        checks.text("/warehouse", self.warehouse, longest=100)
        checks.text("/sku", self.sku, longest=100)
        checks.moment("/occurred_at", self.occurred_at)

    def streams(self) -> Wanted:
        return [(StockItem, stock_of(self.warehouse, self.sku))]


class _OnLines(OnOrder, frozen=True, kw_only=True):
    """A command on pieces of an order's lines."""

    def check(self, checks: Checks) -> None:
        super().check(checks)
        for name in ("lines", "faulty"):
            for index, count in enumerate(getattr(self, name, ())):
                checks.text(f"/{name}/{index}/line", count.line, longest=100)
                checks.integer(f"/{name}/{index}/quantity", count.quantity, least=1, most=10**9)
            if len(getattr(self, name, ())) > MAX_LINES:
                checks.fault(f"/{name}", "too_many", f"are more than {MAX_LINES}")


class PickOrder(_OnLines, frozen=True, kw_only=True):
    """Take pieces from their bins."""

    NAME: ClassVar[str] = "order.pick"
    lines: list[PickedFrom]


class CheckOrder(_OnLines, frozen=True, kw_only=True):
    """Hold what was picked against the slip. Faulty pieces go to quarantine."""

    NAME: ClassVar[str] = "order.check"
    passed: bool
    faulty: list[Count] = []
    note: str | None = None


class PackOrder(_OnLines, frozen=True, kw_only=True):
    """Pack picked pieces into a parcel."""

    NAME: ClassVar[str] = "order.pack"
    parcel: str
    lines: list[Count]


class DispatchParcel(OnOrder, frozen=True, kw_only=True):
    """Hand a parcel to a courier."""

    NAME: ClassVar[str] = "order.dispatch"
    parcel: str
    courier: str
    waybill: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        for name in ("parcel", "courier"):
            checks.text(f"/{name}", getattr(self, name), longest=100)
        if self.waybill is not None:
            checks.text("/waybill", self.waybill, longest=100)


class _OnParcel(OnOrder, frozen=True, kw_only=True):
    """A command on a parcel that is on its way."""

    parcel: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/parcel", self.parcel, longest=100)


class ReportTransit(_OnParcel, frozen=True, kw_only=True):
    """Note what the courier tells of a parcel."""

    NAME: ClassVar[str] = "order.report_transit"
    note: str


class DeliverParcel(_OnParcel, frozen=True, kw_only=True):
    """The buyer has a parcel."""

    NAME: ClassVar[str] = "order.deliver"


class LoseParcel(_OnParcel, frozen=True, kw_only=True):
    """The courier lost a parcel."""

    NAME: ClassVar[str] = "order.lose"
    reason: str


# -- handlers -------------------------------------------------------------------------------------


def reserve_order(command: ReserveOrder, work: Work) -> list[Aggregate]:
    """Reserve, or wait. What is short opens the exception out_of_stock on the same day."""
    must_be_open(work, command.warehouse)
    order = command.load(work)
    changed = reserve(work, order, command.warehouse, occurred_at=command.occurred_at)
    short = sum(states.get("short", 0) for states in order.goods.values())
    if short:
        order.open_exception("out_of_stock", "out_of_stock", f"{short} pieces are short", None,
                             occurred_at=command.occurred_at)
    return changed


def move_reservation(command: MoveReservation, work: Work) -> list[Aggregate]:
    """Release here, reserve there: checked like a new reservation. Errors: R-STK-01."""
    must_be_open(work, command.warehouse)
    order = command.load(work)
    freed = _release(order, work, command, f"moved to {command.warehouse}")
    taken = reserve(work, order, command.warehouse, occurred_at=command.occurred_at,
                    all_or_none=True)
    return [*freed, *taken]


def release_reservation(command: ReleaseReservation, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-03."""
    return _release(command.load(work), work, command, command.reason)


def _release(order: Order, work: Work, command: OnOrder, reason: str) -> list[Aggregate]:
    before = order.goods
    order.release(reason, occurred_at=command.occurred_at)
    items = follow(work, order, before, occurred_at=command.occurred_at)
    return [order, *items,
            *wait(work, order, before, occurred_at=command.occurred_at, reason="released")]


def release_back_orders(command: ReleaseBackOrders, work: Work) -> list[Aggregate]:
    """The orders that wait get what is there."""
    return [work.load(StockItem, stock_of(command.warehouse, command.sku))]


def _followed(decide: Callable[[Order, Any], None]) -> Handler:
    """A handler that lets an order decide and moves the stock as its lines moved."""

    def handler(command: OnOrder, work: Work) -> list[Aggregate]:
        order = command.load(work)
        before = order.goods
        decide(order, command)
        return [order, *follow(work, order, before, occurred_at=command.occurred_at)]

    return handler


def pick_order(command: PickOrder, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-20, R-ORD-21, R-ORD-22."""
    order = command.load(work)
    order.pick(command.lines, occurred_at=command.occurred_at)
    return [order, *picked_from(work, order, command.lines, occurred_at=command.occurred_at)]


def check_order(command: CheckOrder, work: Work) -> list[Aggregate]:
    """A faulty piece is never sent: it goes to quarantine, and customer service is told."""
    order = command.load(work)
    before = order.goods
    order.check(command.passed, command.faulty, command.note, occurred_at=command.occurred_at)
    items = follow(work, order, before, occurred_at=command.occurred_at)
    for item in items:
        freed: Any = item.pending_events[-1]
        item.decide(freed.sku, [
            Move(quantity=move.quantity, source=AVAILABLE, target=QUARANTINE, cause="quarantine",
                 line=move.line) for move in freed.moves], occurred_at=command.occurred_at,
            document=order.id, reason=command.note)
    if not command.passed:
        order.open_exception("check_failed", "check_failed", command.note or "the check failed",
                             None, occurred_at=command.occurred_at)
    return [order, *items]


def end_order(command: EndOrder, work: Work) -> list[Aggregate]:
    """The order ended; what was reserved for it is released. Errors: R-ORD-06, R-ORD-10."""
    order = command.load(work)
    before = order.goods
    order_commands.end_order(command, work)
    items = follow(work, order, before, occurred_at=command.occurred_at)
    return [order, *items,
            *wait(work, order, before, occurred_at=command.occurred_at, reason=command.ended_as)]


def record_declared(command: RecordOrder, work: Work) -> list[Aggregate]:
    """What a file tells of an order moves the stock, if it names a warehouse: declared facts."""
    order: Order = work.load(Order, command.subject)
    before = order.clone()
    goods, sent = order.goods, order.dispatched_at
    record_order(command, work, _parts_declared(command, order, work))
    items = follow_declared(work, order, before)
    if not order.warehouse or not order.pending_events:
        return [order, *items]
    at = order.pending_events[-1].timestamp
    if order.submitted and sent is None and order.dispatched_at is not None:
        order.open_exception(
            "platform_already_shipped", "platform_already_shipped",
            "the platform tells a dispatch that the warehouse did not", None, occurred_at=at)
    return [order, *items, *wait(work, order, goods, occurred_at=at, reason="declared")]


def _parts_declared(command: RecordOrder, order: Order, work: Work) -> list[LineParts]:
    """The parts of the lines whose dispatch tells for the first time where they lay."""
    if command.warehouse is None or command.dispatched is None or order.warehouse:
        return []
    must_be_open(work, command.warehouse)
    lines = command.lines if order.placed_at is None else (order.lines or {}).values()
    goods = [line for line in lines or () if line.sku is not None and not line.fee]
    work.fetch([(Sku, sku_of(line.sku)) for line in goods if line.sku])
    return [LineParts(line.line, part.sku, part.each)
            for line in goods if line.sku
            if (parts := parts_of(work, line.sku)) != (Part(line.sku, 1),)
            for part in parts]


def serving(decide: Handler) -> Handler:
    """A handler after which the orders that wait get what became available."""

    def handler(command: Command, work: Work) -> list[Aggregate]:
        changed = {aggregate.id: aggregate for aggregate in decide(command, work)}
        items = [item for item in changed.values() if isinstance(item, StockItem)]
        at = command.occurred_at  # type: ignore[attr-defined]
        for aggregate in serve(work, items, occurred_at=at):
            changed[aggregate.id] = aggregate
        return list(changed.values())

    return handler


HANDLERS: dict[type[Command], Handler] = {
    SellOrder: sell_order,
    ReserveOrder: reserve_order,
    MoveReservation: serving(move_reservation),
    ReleaseReservation: serving(release_reservation),
    ReleaseBackOrders: serving(release_back_orders),
    PickOrder: pick_order,
    CheckOrder: serving(check_order),
    PackOrder: _followed(lambda order, told: order.pack(
        told.parcel, told.lines, occurred_at=told.occurred_at)),
    DispatchParcel: _followed(lambda order, told: order.dispatch(
        told.parcel, told.courier, told.waybill, occurred_at=told.occurred_at)),
    ReportTransit: _followed(lambda order, told: order.report_transit(
        told.parcel, told.note, occurred_at=told.occurred_at)),
    DeliverParcel: _followed(lambda order, told: order.deliver(
        told.parcel, occurred_at=told.occurred_at)),
    LoseParcel: _followed(lambda order, told: order.lose(
        told.parcel, told.reason, occurred_at=told.occurred_at)),
    EndOrder: serving(end_order),
    MoveStock: serving(move_stock),
    CountStock: serving(count_stock),
    RecordOrder: record_declared,
}
