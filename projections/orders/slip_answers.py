"""What a slip holds: see `projections.asking.columns`."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from ledger.orders.values import PARCEL_STATES, TERMS
from projections.asking.columns import Columns, Subject, Time, Written, code, says
from projections.orders.answers import (
    ExceptionKind,
    FulfilmentStatus,
    LinePieces,
    PaymentStatus,
    ReviewStatus,
)


class SlipException(Columns):
    """An open exception of the order."""

    exception: str
    kind: Annotated[ExceptionKind, says("What is wrong.")]
    note: Annotated[Written | None, says("The last note on it.")]
    owner: Annotated[str | None, says("Who settles it.")]
    opened_at: Time


class Remark(Columns):
    """A remark on the order."""

    remark: Annotated[Written, says("What was remarked.")]
    at: Annotated[Time, says("When.")]
    by: str


class SlipBin(Columns):
    """Where pieces lie."""

    bin: str
    quantity: int


class SlipPart(Columns):
    """What pieces of a line are made of."""

    sku: str
    each: Annotated[int, says("Pieces of it in a piece of the line.")]
    quantity: Annotated[int, says("All pieces of it.")]
    to_pick: Annotated[int, says("Pieces of it that are to be taken from the shelf.")]
    bins: Annotated[list[SlipBin], says("Where it lies, in the order in which to go there.")]


class OrderedLine(Columns):
    """A line as it was ordered."""

    line: str
    sku: str | None
    title: str | None
    attributes: str | None
    ordered: int


class SlipLine(OrderedLine):
    """A line of goods with what is to be done with it."""

    pieces: Annotated[dict[str, int], says("Its pieces by state, of the states that there are.")]
    to_pick: Annotated[int, says("Pieces that are to be taken from the shelf.")]
    to_pack: Annotated[int, says("Pieces that are to be packed.")]
    to_send: Annotated[int, says("Pieces that are to be handed over.")]
    parts: Annotated[list[SlipPart], says("What it is made of.")]


class SlipParcel(Columns):
    """A parcel of the order."""

    parcel: str
    state: Annotated[str, code(*PARCEL_STATES)]
    courier: str | None
    waybill: str | None
    lines: Annotated[list[LinePieces], says("What is in it.")]


class SlipChange(Columns, kw_only=True):
    """What changed since the approval."""

    what: Annotated[str, code("lines", "pieces", "details", "price", "remark"), says(
        "What changed.")]
    old: Annotated[list[OrderedLine] | UnsetType, says("The lines before; there of lines.")] = UNSET
    new: Annotated[list[OrderedLine] | UnsetType, says("The lines after; there of lines.")] = UNSET
    lines: Annotated[list[LinePieces] | UnsetType, says(
        "The pieces that were cancelled; there of pieces.")] = UNSET
    fields: Annotated[list[str] | UnsetType, says(
        "The names of what changed; there of details.")] = UNSET
    at: Annotated[Time, says("When.")]
    by: str
    position: Annotated[int, says("The position of the event.")]


class SlipRow(Columns):
    """What whoever picks, checks, packs and sends an order has to read."""

    order: Subject
    channel: str
    shop: str
    number: str
    warehouse: str | None
    placed_at: Time
    owner: str | None
    review_status: ReviewStatus
    payment_status: PaymentStatus
    fulfilment_status: FulfilmentStatus
    terms: Annotated[str, code(*TERMS), says("When it is paid.")]
    held: Written | None
    exceptions: Annotated[list[SlipException], says("Its open exceptions.")]
    recipient: Annotated[Written | None, says("Whom it goes to.")]
    phone: Annotated[Written | None, says("Their phone.")]
    address: Annotated[Written | None, says("Where it goes.")]
    buyer_remark: Annotated[Written | None, says("What the buyer remarked.")]
    province: Annotated[str | None, says("The province that it goes to.")]
    remarks: Annotated[list[Remark], says("What was remarked, the oldest first.")]
    gifts: Annotated[list[str], says("What goes with it for nothing.")]
    lines: Annotated[list[SlipLine], says("Its lines of goods.")]
    parcels: Annotated[list[SlipParcel], says("Its parcels.")]
    approved_at: Annotated[Time | None, says("When it was approved last.")]
    changed_since_approval: Annotated[list[SlipChange] | None, says(
        "What has changed since; null before an approval.")]
    position: int
