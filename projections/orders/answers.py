"""What the reports on orders hold: a class a row, see `projections.asking.columns`."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from ledger.orders.money import PAYMENT_STATUSES
from ledger.orders.review import EXCEPTIONS
from ledger.orders.values import AMOUNT_FIELDS, PARCEL_STATES, REVIEW_STATUSES, STATES
from ledger.reconciliation.figures import CAUSES
from projections.asking.columns import (
    FOR_MONEY,
    Columns,
    Currency,
    Decimal,
    Hash,
    Money,
    Subject,
    Sum,
    Time,
    Written,
    code,
    says,
)
from projections.orders.rows import DELIVERY_STATUSES, FLAGS
from projections.orders.signatures import CHANGED, FIGURES, HOLDS, NOBODY
from projections.orders.statuses import FULFILMENT_STATUSES
from projections.orders.work import PICK, REVIEW, SEND

ReviewStatus = Annotated[str, code(*REVIEW_STATUSES)]
PaymentStatus = Annotated[str, code(*PAYMENT_STATUSES)]
FulfilmentStatus = Annotated[str, code(*FULFILMENT_STATUSES)]
ExceptionKind = Annotated[str, code(*EXCEPTIONS)]
Figure = Annotated[str, code(*FIGURES)]


class OrderRow(Columns, kw_only=True):
    """An order with its statuses and sums."""

    subject: Subject
    channel: str
    shop: str
    number: str
    review_status: ReviewStatus
    payment_status: PaymentStatus
    delivery_status: Annotated[str, code(*DELIVERY_STATUSES)]
    owner: str | None
    exception_kinds: list[ExceptionKind]
    flags: list[Annotated[str, code(*FLAGS)]]
    currency: Currency
    total_minor: Annotated[Money | UnsetType | None, says(
        f"What it costs; null where that was never stated. {FOR_MONEY}")] = UNSET
    paid_minor: Annotated[Money | UnsetType, says(f"What was paid in all. {FOR_MONEY}")] = UNSET
    refunded_minor: Annotated[Money | UnsetType | None, says(
        f"What was refunded in all; null where nobody knows. {FOR_MONEY}")] = UNSET
    placed_at: Time
    paid_at: Time | None
    dispatched_at: Time | None
    completed_at: Time | None
    recorded_at: Annotated[Time, says("When its last event was recorded.")]
    position: int


class Pieces(Columns):
    """The pieces of an order, or of a line of it, by state."""

    cancelled: int
    unreserved: int
    short: int
    reserved: Annotated[int, says("Pieces that are reserved in its warehouse.")]
    picked: Annotated[int, says("Pieces that were taken from the shelf.")]
    packed: Annotated[int, says("Pieces that are in a parcel, and not handed over.")]
    in_transit: int
    returning_to_sender: int
    delivered: int
    returning: int
    returned: int
    lost: Annotated[int, says("Pieces that a courier lost.")]


assert Pieces.__struct_fields__ == STATES


class PartBack(Columns):
    """Parts of delivered pieces that come back apart from them."""

    sku: str
    returning: int
    returned: int


class OrderLine(Pieces):
    """A line of an order with its pieces by state."""

    line: str
    sku: str | None
    ordered: int
    parts: Annotated[list[PartBack], says(
        "The parts of delivered pieces that are back, or on their way back.")]


class DescribedLine(OrderLine):
    """A line of an order as it was sold."""

    title: str | None
    attributes: str | None
    amount_minor: Annotated[Money | None, says("What its pieces cost that nobody cancelled.")]
    discount_minor: Annotated[Money | None, says("Its share of the order's discount.")]
    net_minor: Annotated[Money | None, says("What it costs after that.")]


class LinePieces(Columns):
    """Pieces of a line."""

    line: str
    quantity: int


class ParcelRow(Columns):
    """A parcel of an order."""

    parcel: str
    state: Annotated[str, code(*PARCEL_STATES)]
    lines: Annotated[list[LinePieces], says("What is in it.")]
    courier: str | None
    waybill: str | None


class OpenException(Columns):
    """An open exception of an order."""

    exception: str
    kind: Annotated[ExceptionKind, says("What is wrong.")]
    note: Annotated[Written | None, says("The last note on it.")]
    owner: Annotated[str | None, says("Who settles it.")]
    opened_at: Time
    opened_position: int


class ExceptionRow(Columns):
    """An open exception, and of which order."""

    subject: Subject
    exception: str
    kind: Annotated[ExceptionKind, says("What is wrong.")]
    note: Annotated[Written | None, says("The last note on it.")]
    owner: Annotated[str | None, says("Who settles it.")]
    opened_at: Time
    opened_position: int


class FulfilmentRow(Columns):
    """Where the pieces of an order are."""

    subject: Subject
    placed_at: Time
    warehouse: str | None
    review_status: ReviewStatus
    held: Written | None
    fulfilment_status: FulfilmentStatus
    pieces: Annotated[Pieces, says("Its pieces by state, over all lines.")]
    lines: Annotated[list[OrderLine], says("Its lines.")]
    parcels: list[ParcelRow]
    exceptions: Annotated[list[OpenException], says("Its open exceptions.")]
    position: int


class QueueRow(Columns):
    """An order on which something is to be done."""

    subject: Subject
    status: Annotated[str, code(*dict.fromkeys((*REVIEW, *PICK, *SEND)))]
    owner: str | None
    placed_at: Time
    age_minutes: int
    warehouse: str | None
    pieces_to_do: int
    skus: list[str]
    exception_kinds: list[ExceptionKind]
    payment_status: PaymentStatus
    due_at: Time | None
    late: bool | None
    position: int


class SignedDifference(Columns):
    """The cause of a difference, as it was signed."""

    amount_minor: Money
    cause: Annotated[str, code(*CAUSES)]
    note: str | None


OF_A_MONTH = "It is there of a month that can be signed: of all shops, or of one."


class ReconciliationRow(Columns):
    """What the orders, payments and refunds in a currency add up to."""

    currency: Currency
    orders: Annotated[int, says("How many orders.")]
    unpaid_orders: int
    paid_orders: int
    refunded_orders: int | None
    fully_refunded_orders: int | None
    goods_minor: Sum | None
    postage_minor: Sum | None
    discount_minor: Annotated[Sum | None, says("What was let off.")]
    total_minor: Annotated[Sum | None, says("What the orders cost that state a total.")]
    paid_minor: Annotated[Sum, says("What was paid.")]
    refunded_minor: Annotated[Sum | None, says("What was refunded; null where nobody knows.")]
    net_minor: Annotated[Sum | None, says("What was paid less what was refunded.")]
    lines: Annotated[int | None, says("How many lines of orders.", "number_of_lines")]
    pieces_sold: int | None
    pieces_cancelled: int | None
    pieces_written_off: int | None
    pieces_found: int | None
    value: Annotated[Decimal | None, says(
        "Quantity times unit price, in the currency.", "worth")]
    difference_minor: Annotated[Sum | UnsetType, says(
        f"What the orders cost less what was paid and kept. {OF_A_MONTH}")] = UNSET
    differences: Annotated[list[SignedDifference] | UnsetType, says(
        f"The causes of it that were signed. {OF_A_MONTH}")] = UNSET
    digest: Annotated[Hash | UnsetType, says(
        f"The hash of the figures as they are now. {OF_A_MONTH}")] = UNSET
    signed: Annotated[str, code(NOBODY, HOLDS, CHANGED), says(
        f"Whether somebody signed it, and that still holds. {OF_A_MONTH}")] | UnsetType = UNSET
    signed_by: Annotated[str | UnsetType | None, says(
        f"Who signed it last. {OF_A_MONTH}")] = UNSET
    signed_at: Annotated[Time | UnsetType | None, says(
        f"When it was signed last. {OF_A_MONTH}")] = UNSET
    signed_position: Annotated[int | UnsetType | None, says(
        f"The position of the last signature. {OF_A_MONTH}")] = UNSET
    signatures: Annotated[int | UnsetType, says(
        f"How many signatures there are. {OF_A_MONTH}")] = UNSET
    rests_on: Annotated[list[Figure] | UnsetType, says(
        f"The figures that are others than those that were signed. {OF_A_MONTH}")] = UNSET


class RevenueRow(Columns):
    """What came in and went out."""

    currency: Currency
    of: Annotated[str, says(
        "The shop, whoever owns the orders (empty: nobody), or the day.", "belongs_to")]
    orders: Annotated[int, says("How many orders were placed.")]
    total_minor: Annotated[Sum, says("What the orders cost that state a total.")]
    paid_minor: Annotated[Sum, says("What was paid.")]
    refunded_minor: Annotated[Sum, says("What was refunded.")]
    net_minor: Annotated[Sum, says("What was paid less what was refunded.")]


class TakingRow(Columns):
    """A payment, a refund or a correction."""

    position: Annotated[int, says("The position of the event.")]
    subject: Annotated[Subject, says("Its order.")]
    currency: Currency
    owner: str | None
    at: Annotated[Time, says("When it counts.")]
    paid_minor: Annotated[Money, says("What it adds to what was paid; below 0 takes away.")]
    refunded_minor: Annotated[Money, says("What it adds to what was refunded.")]


# -- one order ------------------------------------------------------------------------------------


class OneOrder(OrderRow):
    """An order: its statuses and sums, its lines, parcels and open exceptions."""

    warehouse: str | None
    held: Written | None
    fulfilment_status: FulfilmentStatus
    pieces: Annotated[Pieces, says("Its pieces by state, over all lines.")]
    lines: Annotated[list[DescribedLine], says("Its lines.")]
    parcels: list[ParcelRow]
    exceptions: Annotated[list[OpenException], says("Its open exceptions.")]


class AmountTerm(Columns):
    """What an event contributes to a sum: factor × value."""

    position: Annotated[int, says("The position of the event.")]
    type: str
    pointer: str
    factor: Annotated[int, says("Plus or minus 1.")]
    value: Annotated[Money, says("What stands there.")]


class ExplainedAmount(Columns):
    """A sum of an order and what it adds up from."""

    value: Annotated[Money | None, says("The sum; null where it was never stated.")]
    terms: list[AmountTerm]


class ExplainedAmounts(Columns):
    """The sums of an order."""

    goods_minor: ExplainedAmount
    postage_minor: Annotated[ExplainedAmount, says("The postage.")]
    discount_minor: Annotated[ExplainedAmount, says("The discount.")]
    tax_minor: Annotated[ExplainedAmount, says("A tax that comes on top of prices.")]
    total_minor: Annotated[ExplainedAmount, says("What it costs.")]
    paid_minor: Annotated[ExplainedAmount, says("What was paid.")]
    refunded_minor: Annotated[ExplainedAmount, says("What was refunded.")]


assert ExplainedAmounts.__struct_fields__[:5] == AMOUNT_FIELDS


class ExplainedOrder(Columns):
    """Every sum of an order with the events that it adds up from."""

    subject: Subject
    currency: Currency
    figures: ExplainedAmounts
