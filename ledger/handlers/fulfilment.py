"""What happens to the goods of an order: each command decides about it, and the stock follows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ledger.common.personal import Plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.fulfilment.commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    LoseParcel,
    MoveReservation,
    PackOrder,
    PickOrder,
    ReleaseBackOrders,
    ReleaseReservation,
    ReportTransit,
    ReserveOrder,
    SellOrder,
)
from ledger.fulfilment.following import follow, take_from_bins
from ledger.fulfilment.reserving import (
    allot,
    lines_wanted,
    must_not_be_short,
    reserve,
    serve_waiting,
    update_waiting,
)
from ledger.orders.commands import OnOrder
from ledger.orders.order import Order
from ledger.orders.placing import noted_of, written_of
from ledger.orders.values import Reservation, States
from ledger.stock.item import StockItem
from ledger.stock.places import AVAILABLE, QUARANTINE, Move, stock_of
from ledger.stock.warehouses import must_be_open


def sell_order(command: SellOrder, work: Work) -> list[Aggregate]:
    """Place and reserve. Errors: R-ORD-01, R-ORD-07, R-STK-01, R-STK-03, R-STK-04."""
    must_be_open(work, command.warehouse)
    order: Order = work.load(Order, command.subject)
    lines = command.lines or []
    found = allot(work, order.id, command.warehouse, lines_wanted(lines))
    must_not_be_short(work, order, command.warehouse, found)
    parts = found.parts_to_record({line.line: line.sku or "" for line in lines})
    before = {count.line: {"unreserved": count.quantity} for count in found.lines}
    order.place({**command.facts(work), "reserved": Reservation(command.warehouse, parts)},
                occurred_at=command.occurred_at)
    return [order, *follow(work, order, before, occurred_at=command.occurred_at)]


def reserve_order(command: ReserveOrder, work: Work) -> list[Aggregate]:
    """Reserve, or wait. What is short opens the exception out_of_stock on the same day."""
    must_be_open(work, command.warehouse)
    order = command.load(work)
    changed = reserve(work, order, command.warehouse, occurred_at=command.occurred_at)
    if any(states.get("short") for states in order.goods.values()):
        order.open_exception("out_of_stock", "out_of_stock", occurred_at=command.occurred_at)
    return changed


def move_reservation(command: MoveReservation, work: Work) -> list[Aggregate]:
    """Release here, reserve there: checked like a new reservation. Errors: R-STK-01, R-STK-03."""
    must_be_open(work, command.warehouse)
    order = command.load(work)
    freed = _release(order, work, command, moved_to=command.warehouse)
    taken = reserve(work, order, command.warehouse, occurred_at=command.occurred_at,
                    all_or_none=True)
    return serve_waiting(work, [*freed, *taken], occurred_at=command.occurred_at)


def release_reservation(command: ReleaseReservation, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-03."""
    order = command.load(work)
    changed = _release(order, work, command, reason=written_of(order, work, command.reason))
    return serve_waiting(work, changed, occurred_at=command.occurred_at)


def _release(
    order: Order, work: Work, command: OnOrder, *, reason: Plain | None = None,
    moved_to: str | None = None,
) -> list[Aggregate]:
    before = order.goods
    order.release(reason, moved_to, occurred_at=command.occurred_at)
    items = follow(work, order, before, occurred_at=command.occurred_at)
    return [order, *items,
            *update_waiting(work, order, before, occurred_at=command.occurred_at,
                            reason="released")]


def release_back_orders(command: ReleaseBackOrders, work: Work) -> list[Aggregate]:
    """The orders that wait get what is there."""
    item = work.load(StockItem, stock_of(command.warehouse, command.sku))
    return serve_waiting(work, [item], occurred_at=command.occurred_at)


def _with_stock(
    work: Work, order: Order, before: Mapping[str, States], occurred_at: datetime
) -> list[Aggregate]:
    """An order and its stock, which moved as the lines moved."""
    return [order, *follow(work, order, before, occurred_at=occurred_at)]


def pack_order(command: PackOrder, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-20 to R-ORD-22, R-ORD-27, R-ORD-29, R-ORD-31."""
    order = command.load(work)
    before = order.goods
    order.pack(command.parcel, command.lines, occurred_at=command.occurred_at)
    return _with_stock(work, order, before, command.occurred_at)


def dispatch_parcel(command: DispatchParcel, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-20, R-ORD-21, R-ORD-23, R-ORD-30."""
    order = command.load(work)
    before = order.goods
    order.dispatch(command.parcel, command.courier, command.waybill,
                   occurred_at=command.occurred_at)
    return _with_stock(work, order, before, command.occurred_at)


def report_transit(command: ReportTransit, work: Work) -> list[Aggregate]:
    """No piece moves: a courier's report is kept with its parcel. Errors: R-ORD-23, R-ORD-30."""
    order = command.load(work)
    order.report_transit(command.parcel, written_of(order, work, command.note),
                         occurred_at=command.occurred_at)
    return [order]


def deliver_parcel(command: DeliverParcel, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-23, R-ORD-30."""
    order = command.load(work)
    before = order.goods
    order.deliver(command.parcel, occurred_at=command.occurred_at)
    return _with_stock(work, order, before, command.occurred_at)


def lose_parcel(command: LoseParcel, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-23, R-ORD-30."""
    order = command.load(work)
    before = order.goods
    order.lose(command.parcel, written_of(order, work, command.reason),
               occurred_at=command.occurred_at)
    return _with_stock(work, order, before, command.occurred_at)


def pick_order(command: PickOrder, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-20 to R-ORD-22, R-ORD-29."""
    order = command.load(work)
    order.pick(command.lines, occurred_at=command.occurred_at)
    return [order, *take_from_bins(work, order, command.lines, occurred_at=command.occurred_at)]


def check_order(command: CheckOrder, work: Work) -> list[Aggregate]:
    """A faulty piece is never sent: it goes to quarantine. A failed check opens an exception, so
    that customer service knows. Errors: R-ORD-20 to R-ORD-22, R-ORD-28, R-ORD-29."""
    order = command.load(work)
    before, note = order.goods, noted_of(order, work, command.note)
    order.check(command.passed, command.faulty, note, occurred_at=command.occurred_at)
    items = follow(work, order, before, occurred_at=command.occurred_at)
    for item in items:
        # The order let go of the faulty pieces, which made them available: from there they go on.
        freed: Any = item.pending_events[-1]
        item.decide(freed.sku, [
            Move(quantity=move.quantity, source=AVAILABLE, target=QUARANTINE, cause="quarantine",
                 line=move.line) for move in freed.moves], occurred_at=command.occurred_at,
            document=order.id)
    if not command.passed:
        order.open_exception("check_failed", "check_failed", note, occurred_at=command.occurred_at)
    return serve_waiting(work, [order, *items], occurred_at=command.occurred_at)


HANDLERS: dict[type[Command], Handler] = {
    SellOrder: sell_order,
    ReserveOrder: reserve_order,
    MoveReservation: move_reservation,
    ReleaseReservation: release_reservation,
    ReleaseBackOrders: release_back_orders,
    PickOrder: pick_order,
    CheckOrder: check_order,
    PackOrder: pack_order,
    DispatchParcel: dispatch_parcel,
    ReportTransit: report_transit,
    DeliverParcel: deliver_parcel,
    LoseParcel: lose_parcel,
}
