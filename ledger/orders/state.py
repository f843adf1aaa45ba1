"""The order as the read models see it: the one fold of order events into figures and times.

The reports on orders and the reconciliation both stand on it. It holds no personal values.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from ledger.common.decoding import decoded
from ledger.log.envelope import Entry, Outline
from ledger.orders.money import Balance
from ledger.orders.order import Order
from ledger.orders.values import AMOUNT_FIELDS, Amounts, Line

VALUE_SCALE = 8
"""`value` counts in 10**-8 of the currency: the finest unit price that a line can have."""

POWERS = [10 ** (VALUE_SCALE - scale) for scale in range(VALUE_SCALE + 1)]
"""What a unit price of each scale is multiplied with to count like `value`."""


class Marks(msgspec.Struct, gc=False):
    """What is true of an order. In a row each is a bit of one number, the first the lowest."""

    imported: bool = False
    price_changed: bool = False
    corrected: bool = False
    completed: bool = False
    closed: bool = False
    cancelled: bool = False
    inferred_placed: bool = False
    inferred_paid: bool = False
    inferred_dispatched: bool = False
    inferred_delivered: bool = False
    inferred_ended: bool = False
    inferred_refunded: bool = False
    refunds_unstated: bool = False
    approved: bool = False
    submitted: bool = False
    held: bool = False

    @classmethod
    def of_bits(cls, bits: int) -> "Marks":
        """The marks that a row has."""
        return cls(*_holding(bits))

    def bits(self) -> int:
        """The marks as a row has them."""
        return _packed(msgspec.structs.astuple(self))

    def has_inferred_time(self) -> bool:
        """Whether any of its times was inferred."""
        return (self.inferred_placed or self.inferred_paid or self.inferred_dispatched
                or self.inferred_delivered or self.inferred_ended or self.inferred_refunded)


# Of the marks that there might be together few ever are: a batch of orders has the same ones over
# and over, so looking them up costs less than counting bits.


@cache
def _packed(marks: tuple[bool, ...]) -> int:
    return sum(1 << bit for bit, holds in enumerate(marks) if holds)


@cache
def _holding(bits: int) -> tuple[bool, ...]:
    return tuple(bool(bits >> bit & 1) for bit in range(len(Marks.__struct_fields__)))


def bit_of(mark: str) -> int:
    """The bit of a mark in a row."""
    return 1 << Marks.__struct_fields__.index(mark)


def review_status(marks: Marks) -> str:
    """How the review of an order stands: the first of these that holds, or pending_review."""
    standing = (
        ("completed", marks.completed), ("closed", marks.closed), ("cancelled", marks.cancelled),
        ("on_hold", marks.held), ("submitted", marks.submitted), ("approved", marks.approved),
        ("imported", marks.imported))
    return next((status for status, holds in standing if holds), "pending_review")


class OrderState(msgspec.Struct, gc=False):
    """One order after some of its events.

    Units: times are microseconds since 1970-01-01 UTC, amounts minor units; None is what was never
    stated. `value` is the sum over the lines of quantity x unit price, a whole number of 10**-8 of
    the currency as text (it may pass 64 bits). `…_version` is the
    stream's version that last stated the amounts, a payment or a refund. `exceptions` are the open
    ones as JSON, their kinds by name, or None. `last_paid_at` and `last_refunded_at` are when that
    occurred which a correction would put right. `recorded_at` and `position` are those of the last
    event.
    """

    ledger: bytes
    subject: str
    currency: str
    goods_minor: int | None
    postage_minor: int | None
    discount_minor: int | None
    tax_minor: int | None
    total_minor: int | None
    lines: int | None
    pieces: int | None
    value: str | None
    paid_minor: int
    refunded_minor: int
    credited_minor: int
    claimed_minor: int
    placed_at: int
    paid_at: int | None
    dispatched_at: int | None
    delivered_at: int | None
    ended_at: int | None
    marks: Marks
    amounts_version: int
    paid_version: int
    refunded_version: int
    exceptions: str | None
    owner: str | None
    last_paid_at: int
    last_refunded_at: int
    recorded_at: int
    position: int


_MARKS = OrderState.__struct_fields__.index("marks")

Change = Callable[[OrderState, Outline, Any], None]


class _Source(msgspec.Struct):
    import_: str | None = msgspec.field(default=None, name="import")


_source = msgspec.json.Decoder(_Source)
_exceptions = msgspec.json.Decoder(dict[str, str])


def is_imported(entry: Entry | Outline) -> bool:
    """Whether an import recorded this entry."""
    return entry.source is not None and decoded(_source.decode, entry.source).import_ is not None


def placed_as(entry: Outline, event: Any) -> OrderState:
    """The order as it is placed."""
    marks = Marks(imported=is_imported(entry), inferred_placed=bool(event.inferred),
                  refunds_unstated="refunds" in event.unstated)
    amounts = event.amounts
    lines, pieces, value = _of_lines(event.lines)
    return OrderState(
        entry.ledger, entry.stream, event.currency, amounts.goods_minor, amounts.postage_minor,
        amounts.discount_minor, amounts.tax_minor, amounts.total_minor, lines,
        event.pieces if pieces is None else pieces, value, 0, 0, 0, 0, entry.occurred_at, None,
        None, None, None, marks, entry.version, 0, 0, None, None, 0, 0,
        entry.recorded_at, entry.position)


def _of_lines(lines: Sequence[Line] | None) -> tuple[int | None, int | None, str | None]:
    """Number of lines, pieces and value; all None where no lines were declared."""
    if lines is None:
        return None, None, None
    pieces = value = 0
    for line in lines:
        pieces += line.quantity
        value += line.quantity * line.unit_price * POWERS[line.unit_price_scale]
    return len(lines), pieces, str(value)


def total_of(order: OrderState) -> int | None:
    """The total as stated, else what its parts add up to where these were stated."""
    return order.total_minor if order.total_minor is not None else sum_of(order)


def sum_of(order: OrderState) -> int | None:
    """Goods + postage - discount + tax, where the first three were stated."""
    if order.goods_minor is None or order.postage_minor is None or order.discount_minor is None:
        return None
    return order.goods_minor + order.postage_minor - order.discount_minor + (order.tax_minor or 0)


def balance_of(order: OrderState) -> Balance:
    """What is owed and paid of an order."""
    return Balance(total_of(order), order.paid_minor, order.refunded_minor,
                   order.credited_minor, order.claimed_minor)


def _set_balance(order: OrderState, balance: Balance) -> None:
    (_, order.paid_minor, order.refunded_minor, order.credited_minor,
     order.claimed_minor) = balance


def payment_status(order: OrderState) -> str:
    """One of `PAYMENT_STATUSES`."""
    marks = order.marks
    return balance_of(order).status(
        was_paid=order.paid_at is not None,
        is_void=(marks.closed or marks.cancelled) and not marks.refunds_unstated)


def _set_amounts(order: OrderState, amounts: Amounts) -> None:
    _set_balance(order, balance_of(order).costing(amounts.total()))
    for name in AMOUNT_FIELDS:
        setattr(order, name, getattr(amounts, name))


def _price_changed(order: OrderState, entry: Outline, event: Any) -> None:
    _set_amounts(order, event.new)
    order.marks.price_changed = True
    order.amounts_version = entry.version


def _corrected(order: OrderState, entry: Outline, event: Any) -> None:
    """Correct a figure, unless the event with the wrong one was not taken: as of a moment of the
    business, nothing is there yet to correct."""
    if event.fact == "lines":
        if order.lines is not None:
            _know_lines(order, msgspec.convert(event.new["lines"], list[Line]))
            order.marks.corrected = True
        return
    corrected = getattr(order, f"{event.fact}_version")
    if event.corrected_version > corrected:
        return
    if event.fact == "amounts":
        _set_amounts(order, msgspec.convert(event.new, Amounts))
    else:
        name = f"{event.fact}_minor"
        _set_balance(order, balance_of(order).corrected(
            event.fact, event.new[name] - event.old[name]))
        if event.fact == "paid":
            _know_paid(order, entry)
    setattr(order, f"{event.fact}_version", entry.version)
    order.marks.corrected = True


def _know_paid(order: OrderState, entry: Outline) -> None:
    """Where all that was paid turned out to be wrong, it is unpaid again."""
    if not order.paid_minor:
        order.paid_at, order.marks.inferred_paid = None, False
    elif order.paid_at is None:
        order.paid_at = entry.occurred_at


def _paid(order: OrderState, entry: Outline, event: Any) -> None:
    _set_balance(order, balance_of(order).paid(event.amount_minor))
    order.paid_version = entry.version
    if order.paid_at is None:
        order.paid_at = entry.occurred_at
        order.marks.inferred_paid = bool(event.inferred)


def _refund_recorded(order: OrderState, entry: Outline, event: Any) -> None:
    _set_balance(order, balance_of(order).refunded(
        event.amount_minor, claimed=event.case is not None))
    order.refunded_version = entry.version
    order.marks.refunds_unstated = False
    order.marks.inferred_refunded |= bool(event.inferred)


def _dispatched(order: OrderState, entry: Outline, event: Any) -> None:
    if order.dispatched_at is None:
        order.dispatched_at = entry.occurred_at
        order.marks.inferred_dispatched = bool(event.inferred)


def _delivered(order: OrderState, entry: Outline, event: Any) -> None:
    if order.delivered_at is None:
        order.delivered_at = entry.occurred_at
        order.marks.inferred_delivered = bool(event.inferred)


def _step_corrected(order: OrderState, _entry: Outline, event: Any) -> None:
    if event.unsent:
        order.dispatched_at, order.marks.inferred_dispatched = None, False
    if event.undelivered:
        order.delivered_at, order.marks.inferred_delivered = None, False


def _ended(order: OrderState, entry: Outline, event: Any) -> None:
    """An order has one end: as of a moment of the business, the one that was recorded last."""
    marks = order.marks
    marks.completed = entry.type == Order.Completed.TOPIC
    marks.closed = entry.type == Order.Closed.TOPIC
    marks.cancelled = entry.type == Order.Cancelled.TOPIC
    marks.inferred_ended = bool(event.inferred)
    order.ended_at = entry.occurred_at


def _owner_assigned(order: OrderState, _entry: Outline, event: Any) -> None:
    order.owner = event.owner


def _know_lines(order: OrderState, lines: Sequence[Line]) -> None:
    order.lines, order.pieces, order.value = _of_lines(lines)


def _lines_changed(order: OrderState, entry: Outline, event: Any) -> None:
    _know_lines(order, event.new)
    _costs_instead(order, entry, event)


def _costs_instead(order: OrderState, entry: Outline, event: Any) -> None:
    if event.new_amounts is not None:
        _set_amounts(order, event.new_amounts)
        order.amounts_version = entry.version


def _lines_declared(order: OrderState, entry: Outline, event: Any) -> None:
    _know_lines(order, event.lines)


def _approved(order: OrderState, _entry: Outline, _event: Any) -> None:
    order.marks.approved = True


def _submitted(order: OrderState, _entry: Outline, _event: Any) -> None:
    order.marks.submitted = True


def _held(order: OrderState, _entry: Outline, _event: Any) -> None:
    order.marks.held = True


def _hold_lifted(order: OrderState, _entry: Outline, _event: Any) -> None:
    order.marks.held = False


def _exception_opened(order: OrderState, entry: Outline, event: Any) -> None:
    _keep(order, {**open_exceptions(order), event.exception: event.kind})


def _exception_closed(order: OrderState, entry: Outline, event: Any) -> None:
    _keep(order, {name: kind for name, kind in open_exceptions(order).items()
                  if name != event.exception})


def open_exceptions(order: OrderState) -> dict[str, str]:
    """The kinds of the exceptions that are open, by name."""
    return {} if order.exceptions is None else _exceptions.decode(order.exceptions)


def _keep(order: OrderState, exceptions: dict[str, str]) -> None:
    order.exceptions = msgspec.json.encode(exceptions).decode() if exceptions else None


def _noted(_order: OrderState, _entry: Outline, _event: Any) -> None:
    """An event of the order that changes no figure."""


UNFIGURED: tuple[type[Order.Event], ...] = (
    Order.DetailsChanged, Order.Remarked, Order.FinanceReviewed, Order.BelowFloorPriced,
    Order.BelowFloorSigned, Order.ExceptionNoted, Order.Reserved, Order.ReservationReleased,
    Order.ReservationTakenBack, Order.Picked, Order.Unpicked, Order.Checked, Order.Packed,
    Order.ParcelVoided, Order.TransitReported, Order.ParcelRefused, Order.ParcelLost,
    Order.ReturnExpected, Order.ReturnReceived, Order.ReturnEnded, Order.BuyerErased,
    Order.Stated)
"""Events of the order that change no figure."""

CHANGES: dict[str, Change] = {
    **{event.TOPIC: _noted for event in UNFIGURED},
    Order.PriceChanged.TOPIC: _price_changed,
    Order.Corrected.TOPIC: _corrected,
    Order.Paid.TOPIC: _paid,
    Order.RefundRecorded.TOPIC: _refund_recorded,
    Order.Dispatched.TOPIC: _dispatched,
    Order.Delivered.TOPIC: _delivered,
    Order.Completed.TOPIC: _ended,
    Order.Closed.TOPIC: _ended,
    Order.Cancelled.TOPIC: _ended,
    Order.OwnerAssigned.TOPIC: _owner_assigned,
    Order.LinesChanged.TOPIC: _lines_changed,
    Order.LinesDeclared.TOPIC: _lines_declared,
    Order.Approved.TOPIC: _approved,
    Order.Submitted.TOPIC: _submitted,
    Order.Held.TOPIC: _held,
    Order.HoldLifted.TOPIC: _hold_lifted,
    Order.ExceptionOpened.TOPIC: _exception_opened,
    Order.ExceptionClosed.TOPIC: _exception_closed,
    Order.PiecesCancelled.TOPIC: _costs_instead,
    Order.StepCorrected.TOPIC: _step_corrected,
}


def state_of(row: Iterable[Any]) -> OrderState:
    """The state that a row of the table stores: its columns are the fields of a state."""
    order = OrderState(*row)
    order.marks = Marks.of_bits(order.marks)  # type: ignore[arg-type]  # the column's number
    return order


def row_of(order: OrderState) -> tuple[Any, ...]:
    """The row that stores a state."""
    values = msgspec.structs.astuple(order)
    return (*values[:_MARKS], order.marks.bits(), *values[_MARKS + 1 :])
