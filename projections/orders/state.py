"""The order as the read models see it: the one fold of order events into figures and times.

The reports on orders and the reconciliation both stand on it. It holds no personal values.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from ledger.log.envelope import Entry, Outline
from ledger.orders.order import Order
from ledger.orders.values import Amounts, Line
from projections.store.folding import Fact

VALUE_SCALE = 8
"""`value` counts in 10**-8 of the currency: the finest unit price that a line can have."""

POWERS = [10 ** (VALUE_SCALE - scale) for scale in range(VALUE_SCALE + 1)]
"""What a unit price of each scale is multiplied with to count like `value`."""

IMPORTED = 1
PRICE_CHANGED = 2
CORRECTED = 4
COMPLETED = 8
CLOSED = 16
CANCELLED = 32
INFERRED_PLACED = 64
INFERRED_PAID = 128
INFERRED_DISPATCHED = 256
INFERRED_DELIVERED = 512
INFERRED_ENDED = 1024
INFERRED_REFUNDED = 2048
REFUNDS_UNTOLD = 4096
APPROVED = 8192
SUBMITTED = 16384
HELD = 32768
ENDS = COMPLETED | CLOSED | CANCELLED
INFERRED = (INFERRED_PLACED | INFERRED_PAID | INFERRED_DISPATCHED | INFERRED_DELIVERED
            | INFERRED_ENDED | INFERRED_REFUNDED)
REVIEW = {
    COMPLETED: "completed", CLOSED: "closed", CANCELLED: "cancelled", HELD: "on_hold",
    SUBMITTED: "submitted", APPROVED: "approved", IMPORTED: "imported",
}
"""What marks say of the review: of those that an order has, the first one counts."""


def review_status(marks: int) -> str:
    """One of `REVIEW`, or pending_review."""
    return next((status for mark, status in REVIEW.items() if marks & mark), "pending_review")


class OrderState(msgspec.Struct, gc=False):
    """One order after some of its events.

    Units: times are microseconds since 1970-01-01 UTC, amounts minor units; None is what nobody
    told. `value` is the sum over the lines of quantity x unit price, a whole number of 10**-8 of
    the currency as text (it may pass 64 bits). `marks` are the bits above. `…_version` is the
    stream's version that told the amounts, a payment or a refund last. `exceptions` are the open
    ones as JSON, their kinds by name, or None. `recorded_at` and `position` are those of the last
    event.
    """

    ledger: str
    subject: str
    currency: str
    goods_minor: int | None
    postage_minor: int | None
    discount_minor: int | None
    total_minor: int | None
    lines: int | None
    pieces: int | None
    value: str | None
    paid_minor: int
    refunded_minor: int
    placed_at: int
    paid_at: int | None
    dispatched_at: int | None
    delivered_at: int | None
    ended_at: int | None
    marks: int
    amounts_version: int
    paid_version: int
    refunded_version: int
    exceptions: str | None
    recorded_at: int
    position: int


Change = Callable[[OrderState, Outline, Any], None]


class _Source(msgspec.Struct):
    import_: str | None = msgspec.field(default=None, name="import")


_source = msgspec.json.Decoder(_Source)
_exceptions = msgspec.json.Decoder(dict[str, str])


def is_imported(entry: Entry | Outline) -> bool:
    """Whether an import recorded this entry."""
    return entry.source is not None and _source.decode(entry.source).import_ is not None


def _placed(entry: Outline, event: Any) -> OrderState:
    marks = INFERRED_PLACED if event.inferred else 0
    if is_imported(entry):
        marks |= IMPORTED
    if "refunds" in event.untold:
        marks |= REFUNDS_UNTOLD
    amounts = event.amounts
    lines, pieces, value = _of_lines(event.lines)
    return OrderState(
        entry.ledger, entry.stream, event.currency, amounts.goods_minor, amounts.postage_minor,
        amounts.discount_minor, amounts.total_minor, lines,
        event.pieces if pieces is None else pieces, value, 0, 0, entry.occurred_at, None, None,
        None, None, marks, entry.version, 0, 0, None, entry.recorded_at,
        entry.position)


def _of_lines(lines: Sequence[Line] | None) -> tuple[int | None, int | None, str | None]:
    """Number of lines, pieces and value; all None where no lines were told."""
    if lines is None:
        return None, None, None
    pieces = value = 0
    for line in lines:
        pieces += line.quantity
        value += line.quantity * line.unit_price * POWERS[line.unit_price_scale]
    return len(lines), pieces, str(value)


def _tell(order: OrderState, amounts: Amounts) -> None:
    order.goods_minor = amounts.goods_minor
    order.postage_minor = amounts.postage_minor
    order.discount_minor = amounts.discount_minor
    order.total_minor = amounts.total_minor


def _price_changed(order: OrderState, entry: Outline, event: Any) -> None:
    _tell(order, event.new)
    order.marks |= PRICE_CHANGED
    order.amounts_version = entry.version


def _corrected(order: OrderState, entry: Outline, event: Any) -> None:
    """A correction of an event that was not taken finds nothing to correct."""
    if event.fact == "lines":
        if order.lines is not None:
            _know_lines(order, msgspec.convert(event.new["lines"], list[Line]))
            order.marks |= CORRECTED
        return
    corrected = getattr(order, f"{event.fact}_version")
    if event.corrects > corrected:
        return
    if event.fact == "paid":
        order.paid_minor += event.new["paid_minor"] - event.old["paid_minor"]
        order.paid_version = entry.version
    elif event.fact == "refunded":
        order.refunded_minor += event.new["refunded_minor"] - event.old["refunded_minor"]
        order.refunded_version = entry.version
    else:
        _tell(order, msgspec.convert(event.new, Amounts))
        order.amounts_version = entry.version
    order.marks |= CORRECTED


def _paid(order: OrderState, entry: Outline, event: Any) -> None:
    order.paid_minor += event.amount_minor
    order.paid_version = entry.version
    if order.paid_at is None:
        order.paid_at = entry.occurred_at
        order.marks |= INFERRED_PAID if event.inferred else 0


def _refund_recorded(order: OrderState, entry: Outline, event: Any) -> None:
    order.refunded_minor += event.amount_minor
    order.refunded_version = entry.version
    order.marks = order.marks & ~REFUNDS_UNTOLD | (INFERRED_REFUNDED if event.inferred else 0)


def _dispatched(order: OrderState, entry: Outline, event: Any) -> None:
    if order.dispatched_at is None:
        order.dispatched_at = entry.occurred_at
        order.marks |= INFERRED_DISPATCHED if event.inferred else 0


def _delivered(order: OrderState, entry: Outline, event: Any) -> None:
    if order.delivered_at is None:
        order.delivered_at = entry.occurred_at
        order.marks |= INFERRED_DELIVERED if event.inferred else 0


def _ends(mark: int) -> Change:
    def ended(order: OrderState, entry: Outline, event: Any) -> None:
        inferred = INFERRED_ENDED if event.inferred else 0
        order.marks = order.marks & ~(ENDS | INFERRED_ENDED) | mark | inferred
        order.ended_at = entry.occurred_at

    return ended


def _know_lines(order: OrderState, lines: Sequence[Line]) -> None:
    order.lines, order.pieces, order.value = _of_lines(lines)


def _lines_changed(order: OrderState, entry: Outline, event: Any) -> None:
    _know_lines(order, event.new)


def _lines_told(order: OrderState, entry: Outline, event: Any) -> None:
    _know_lines(order, event.lines)


def _marks(mark: int, *, lifted: bool = False) -> Change:
    def marked(order: OrderState, entry: Outline, event: Any) -> None:
        order.marks = order.marks & ~mark | (0 if lifted else mark)

    return marked


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


CHANGES: dict[str, Change] = {
    Order.DetailsChanged.TOPIC: _noted,
    Order.PriceChanged.TOPIC: _price_changed,
    Order.Corrected.TOPIC: _corrected,
    Order.Paid.TOPIC: _paid,
    Order.Remarked.TOPIC: _noted,
    Order.RefundRecorded.TOPIC: _refund_recorded,
    Order.Dispatched.TOPIC: _dispatched,
    Order.Delivered.TOPIC: _delivered,
    Order.Completed.TOPIC: _ends(COMPLETED),
    Order.Closed.TOPIC: _ends(CLOSED),
    Order.Cancelled.TOPIC: _ends(CANCELLED),
    Order.OwnerAssigned.TOPIC: _noted,
    Order.LinesChanged.TOPIC: _lines_changed,
    Order.LinesTold.TOPIC: _lines_told,
    Order.Approved.TOPIC: _marks(APPROVED),
    Order.Submitted.TOPIC: _marks(SUBMITTED),
    Order.Held.TOPIC: _marks(HELD),
    Order.HoldLifted.TOPIC: _marks(HELD, lifted=True),
    Order.ExceptionOpened.TOPIC: _exception_opened,
    Order.ExceptionNoted.TOPIC: _noted,
    Order.ExceptionClosed.TOPIC: _exception_closed,
    Order.Reserved.TOPIC: _noted,
    Order.ReservationReleased.TOPIC: _noted,
    Order.Picked.TOPIC: _noted,
    Order.Checked.TOPIC: _noted,
    Order.Packed.TOPIC: _noted,
    Order.TransitReported.TOPIC: _noted,
    Order.ParcelLost.TOPIC: _noted,
    Order.ReturnExpected.TOPIC: _noted,
    Order.ReturnReceived.TOPIC: _noted,
    Order.ReturnEnded.TOPIC: _noted,
}


def fold(orders: dict[str, OrderState], facts: Iterable[Fact]) -> None:
    """Take facts into the orders that they are about.

    An order begins when it is placed: as of a moment before that, what else is known of it counts
    for nothing, since nobody knows yet what it is.
    """
    placed = Order.Placed.TOPIC
    for entry, event in facts:
        if entry.type == placed:
            orders[entry.stream] = _placed(entry, event)
            continue
        change = CHANGES.get(entry.type)
        order = None if change is None else orders.get(entry.stream)
        if change is not None and order is not None:
            change(order, entry, event)
            order.recorded_at = entry.recorded_at
            order.position = entry.position


def streams_of(entries: Iterable[Outline]) -> tuple[list[str], list[str]]:
    """The order streams of entries, and those of them that earlier batches wrote: their first event
    here is not their opening. Both sorted."""
    placed = Order.Placed.TOPIC
    opened: dict[str, bool] = {}
    for entry in entries:
        if entry.stream not in opened and entry.type.startswith("order."):
            opened[entry.stream] = entry.type == placed
    return sorted(opened), sorted(stream for stream, here in opened.items() if not here)


def state_of(row: Iterable[Any]) -> OrderState:
    """A row of the table, whose columns are the fields of a state, as a state."""
    return OrderState(*row)


def row_of(order: OrderState) -> tuple[Any, ...]:
    """A state as a row of the table."""
    return msgspec.structs.astuple(order)
