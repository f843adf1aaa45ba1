"""What happens to the goods of an order: each command decides about it, and its events post to
stock."""

from datetime import datetime

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
    RefuseParcel,
    ReleaseBackOrders,
    ReleaseReservation,
    ReportTransit,
    ReserveOrder,
    SellOrder,
    UnpickOrder,
    VoidParcel,
)
from ledger.fulfilment.counting import follow
from ledger.fulfilment.postings import post_order
from ledger.fulfilment.reserving import (
    allot,
    lines_wanted,
    must_not_be_short,
    reserve,
    serve_waiting,
)
from ledger.fulfilment.selling import sell_ordinary
from ledger.fulfilment.waybills import claim_to
from ledger.handlers.prices import must_be_signed, priced
from ledger.orders.commands import known_order
from ledger.orders.order import Order
from ledger.orders.placing import noted_of, written_of
from ledger.orders.review import COURIER_LOST
from ledger.orders.settling import must_be_reviewed, settle_finance
from ledger.orders.values import Reservation
from ledger.stock.account import StockAccount
from ledger.stock.places import stock_of
from ledger.stock.posting import post
from ledger.stock.warehouses import must_be_open


def sell_order(command: SellOrder, work: Work) -> list[Aggregate]:
    """Place and reserve. Errors: R-ORD-01, R-ORD-07, R-STK-01, R-STK-03, R-STK-04, R-STK-18,
    R-SIG-01, R-PPL-13."""
    if sell_ordinary(command, work):  # it has told `work` of the sale
        return []
    must_be_open(work, command.warehouse)
    order: Order = work.load(Order, command.subject)
    lines = command.lines or []
    found = allot(work, order.id, command.warehouse, lines_wanted(lines))
    must_not_be_short(work, order, command.warehouse, found)
    parts = found.parts_to_record({line.line: line.sku or "" for line in lines})
    order.place({**command.facts(work), "reserved": Reservation(command.warehouse, parts)},
                occurred_at=command.occurred_at)
    post(work, order.newest, found.postings(command.warehouse), decided=True)
    settle_finance(work, order, occurred_at=command.occurred_at)
    priced(work, order, occurred_at=command.occurred_at)
    return [order]


def reserve_order(command: ReserveOrder, work: Work) -> list[Aggregate]:
    """Reserve, or wait. What is short opens the exception out_of_stock on the same day."""
    must_be_open(work, command.warehouse)
    order = command.load(work)
    reserve(work, order, command.warehouse, occurred_at=command.occurred_at)
    return [order]


def move_reservation(command: MoveReservation, work: Work) -> list[Aggregate]:
    """Release here, reserve there: checked like a new reservation. Errors: R-STK-01, R-STK-03."""
    must_be_open(work, command.warehouse)
    order = command.load(work)
    before = order.clone()
    order.release(None, command.warehouse, occurred_at=command.occurred_at)
    freed = post_order(work, order, before)
    reserve(work, order, command.warehouse, occurred_at=command.occurred_at, all_or_none=True)
    served = serve_waiting(work, freed, occurred_at=command.occurred_at)
    return list({one.id: one for one in (order, *served)}.values())


def release_reservation(command: ReleaseReservation, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-03."""
    order = command.load(work)
    before = order.clone()
    order.release(written_of(order, work, command.reason), None, occurred_at=command.occurred_at)
    return follow(work, order, before, occurred_at=command.occurred_at)


def release_back_orders(command: ReleaseBackOrders, work: Work) -> list[Aggregate]:
    """The orders that wait get what is there."""
    account = work.load(StockAccount, stock_of(command.warehouse, command.sku))
    return serve_waiting(work, [account], occurred_at=command.occurred_at)


def pick_order(command: PickOrder, work: Work) -> list[Aggregate]:
    """Pieces leave the shelf, out of their bins. Where a count saw it without them already, more
    lies there than the books said, for those who wait.

    Errors: R-ORD-20 to R-ORD-22, R-ORD-29, R-ORD-43, R-STK-16 to R-STK-18.
    """
    order = command.load(work)
    before = order.clone()
    order.pick(command.lines, occurred_at=command.occurred_at)
    return follow(work, order, before, occurred_at=command.occurred_at)


def unpick_order(command: UnpickOrder, work: Work) -> list[Aggregate]:
    """Pieces lie in their bins again. Errors: R-ORD-03, R-ORD-06, R-ORD-22, R-ORD-29, R-ORD-43."""
    order = command.load(work)
    before = order.clone()
    order.unpick(command.lines, written_of(order, work, command.reason),
                 occurred_at=command.occurred_at)
    return follow(work, order, before, occurred_at=command.occurred_at)


def check_order(command: CheckOrder, work: Work) -> list[Aggregate]:
    """A faulty piece is never sent: it goes to quarantine. A failed check opens an exception, so
    that customer service knows; a passed one closes it. Errors: R-ORD-20 to R-ORD-22, R-ORD-28,
    R-ORD-29."""
    order = command.load(work)
    before, note = order.clone(), noted_of(order, work, command.note)
    order.check(command.passed, command.faulty, note, occurred_at=command.occurred_at)
    found = follow(work, order, before, occurred_at=command.occurred_at)
    if not command.passed:
        order.open_exception("check_failed", "check_failed", note, occurred_at=command.occurred_at)
    return found


def pack_order(command: PackOrder, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-20 to R-ORD-22, R-ORD-27, R-ORD-29, R-ORD-31, R-ORD-37, R-ORD-70,
    R-ORD-73."""
    order = command.load(work)
    before = order.clone()
    order.pack(command.parcel, command.lines, occurred_at=command.occurred_at)
    must_be_reviewed(work, order)
    must_be_signed(work, order)
    return follow(work, order, before, occurred_at=command.occurred_at)


def void_parcel(command: VoidParcel, work: Work) -> list[Aggregate]:
    """Its pieces are picked again. Errors: R-ORD-03, R-ORD-06, R-ORD-23, R-ORD-30."""
    order = command.load(work)
    before = order.clone()
    order.void_parcel(command.parcel, written_of(order, work, command.reason),
                      occurred_at=command.occurred_at)
    return follow(work, order, before, occurred_at=command.occurred_at)


def dispatch_parcel(command: DispatchParcel, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-20, R-ORD-21, R-ORD-23, R-ORD-30, R-ORD-38, R-ORD-40, R-ORD-41, R-ORD-44,
    R-ORD-48, R-ORD-70, R-ORD-73."""
    order = command.load(work)
    before = order.clone()
    other = None if command.merged_with is None else known_order(work, command.merged_with)
    order.must_be_packed(command.parcel)
    claim = None if other is not None else claim_to(
        work, order.id, command.courier, command.waybill)
    order.dispatch(command.parcel, command.courier, command.waybill, claim=claim,
                   merged_with=other, occurred_at=command.occurred_at)
    order.must_be_sendable()
    must_be_reviewed(work, order)
    must_be_signed(work, order)
    return follow(work, order, before, occurred_at=command.occurred_at)


def report_transit(command: ReportTransit, work: Work) -> list[Aggregate]:
    """No piece moves: a courier's report is kept with its parcel. Errors: R-ORD-23, R-ORD-30."""
    order = command.load(work)
    order.report_transit(command.parcel, written_of(order, work, command.note),
                         occurred_at=command.occurred_at)
    return [order]


def refuse_parcel(command: RefuseParcel, work: Work) -> list[Aggregate]:
    """The pieces stay with the courier until they are received; somebody has to expect them, which
    is an exception as long as they are under way. Errors: R-ORD-23, R-ORD-30, R-ORD-47."""
    order = command.load(work)
    before = order.clone()
    order.refuse_parcel(command.parcel, written_of(order, work, command.reason),
                        occurred_at=command.occurred_at)
    return _followed_by(work, order, before, kind="parcel_refused", at=command.occurred_at)


def _followed_by(
    work: Work, order: Order, before: Order, *, kind: str, at: datetime
) -> list[Aggregate]:
    """What follows, and an exception of a kind that opens if anything happened."""
    happened = order.version > before.version
    found = follow(work, order, before, occurred_at=at)
    if happened:
        order.open_exception(kind, kind, occurred_at=at)
    return found


def deliver_parcel(command: DeliverParcel, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-23, R-ORD-30, R-ORD-47."""
    order = command.load(work)
    before = order.clone()
    order.deliver(command.parcel, occurred_at=command.occurred_at)
    return follow(work, order, before, occurred_at=command.occurred_at)


def lose_parcel(command: LoseParcel, work: Work) -> list[Aggregate]:
    """The courier has to answer for it, which is an exception until it is found. Errors: R-ORD-23,
    R-ORD-30, R-ORD-47."""
    order = command.load(work)
    before = order.clone()
    order.lose(command.parcel, written_of(order, work, command.reason),
               occurred_at=command.occurred_at)
    return _followed_by(work, order, before, kind=COURIER_LOST, at=command.occurred_at)


HANDLERS: dict[type[Command], Handler] = {
    SellOrder: sell_order,
    ReserveOrder: reserve_order,
    MoveReservation: move_reservation,
    ReleaseReservation: release_reservation,
    ReleaseBackOrders: release_back_orders,
    PickOrder: pick_order,
    UnpickOrder: unpick_order,
    CheckOrder: check_order,
    PackOrder: pack_order,
    VoidParcel: void_parcel,
    DispatchParcel: dispatch_parcel,
    ReportTransit: report_transit,
    RefuseParcel: refuse_parcel,
    DeliverParcel: deliver_parcel,
    LoseParcel: lose_parcel,
}
