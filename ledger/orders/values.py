"""What orders are made of: lines, amounts, payments, parcels, and the states of their pieces."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec

from ledger.common.between import OF_GOODS
from ledger.common.bounds import (
    AnyInteger,
    Each,
    Id,
    Items,
    LongText,
    NameOrNone,
    PriceScale,
    Quantity,
    Title,
    Whole,
)
from ledger.stock.pieces import Count, LineParts

MAX_LINES = 2000
MAX_PARTS_FROM = 400
PERSONAL_FIELDS = ("account", "recipient", "phone", "address", "buyer_remark")
ENDED = COMPLETED, CLOSED, CANCELLED = ("completed", "closed", "cancelled")
"""How an order ends."""

AMOUNT_FIELDS = ("goods_minor", "postage_minor", "discount_minor", "tax_minor", "total_minor")
ADDED_UP = AMOUNT_FIELDS[:3]
"""Where these are known, so is what an order costs in all."""

OPEN = ("unreserved", "short", "reserved", "picked", "packed")
"""States of pieces that are still to be sent."""

BACK = "returning_to_sender"
SENT = ("in_transit", BACK)
"""States of pieces that a courier has, on the way to the buyer or back."""

ARRIVED = ("delivered", "returning", "returned")
"""States of pieces that the buyer has or had."""

STATES = ("cancelled", *OPEN, *SENT, *ARRIVED, "lost")
"""All states of a piece. One that was dispatched is in transit or in a state after it."""

ON_ITS_WAY = ("dispatched", "in_transit")
"""States of a parcel that a courier has."""

UNSENT_PARCELS = ("packed", "voided")
"""States of a parcel that no courier got."""

PARCEL_STATES = (*UNSENT_PARCELS, *ON_ITS_WAY, BACK, "delivered", "lost", "returned")
"""All states of a parcel."""

REVIEW_STATUSES = ("pending_review", "imported", "approved", "submitted", "on_hold", "cancelled",
                   "closed", "completed")
"""How the review of an order can stand."""

PREPAID, ON_DELIVERY = TERMS = ("prepaid", "on_delivery")
"""When an order is paid: before it is sent, or at the door."""


class Line(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One line of an order.

    Units: quantity in pieces; unit_price / 10**unit_price_scale is a price in the order's currency;
    amount_minor is quantity x unit price rounded half to even into minor units. A fee (postage,
    a charge, a voucher) is not goods: it moves no stock. `attributes` are style, colour, size and
    the like, as the platform prints them.
    """

    BETWEEN: ClassVar[Mapping[str, Any]] = OF_GOODS
    line: Id
    sku: Id | None = None
    title: Title | None = None
    attributes: LongText | None = None
    quantity: Quantity
    unit_price: AnyInteger
    unit_price_scale: PriceScale = 2
    amount_minor: AnyInteger
    fee: bool = False


class Payment(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One means by which an order was paid, in minor units."""

    method: Title
    amount_minor: AnyInteger


class LineRefund(msgspec.Struct, frozen=True, gc=False):
    """How much of a refund is for a line; with no name, for the postage. Units: minor units."""

    line: str
    amount_minor: int


class Amounts(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What an order costs, in minor units; None where it is not known.

    total = goods + postage - discount + tax, where the first three are known. `tax_minor` is a tax
    that comes on top of prices; None where prices hold theirs.
    """

    goods_minor: AnyInteger | None = None
    postage_minor: AnyInteger | None = None
    discount_minor: AnyInteger | None = None
    tax_minor: AnyInteger | None = None
    total_minor: AnyInteger | None = None

    def total(self) -> int | None:
        """The total as stated, else what the others add up to; None where that is not known."""
        if self.total_minor is not None:
            return self.total_minor
        goods, postage, discount = self.goods_minor, self.postage_minor, self.discount_minor
        if goods is None or postage is None or discount is None:
            return None
        return goods + postage - discount + (self.tax_minor or 0)


Price = Annotated[Amounts, Each(Whole(least=0), name="Price")]
"""What the shop asks for an order: nothing below 0. A file may declare what is."""


class PartFrom(msgspec.Struct, frozen=True, gc=False, omit_defaults=True,
               forbid_unknown_fields=True):
    """So many pieces of a part of a bundle, and their bin; empty where it is not known."""

    sku: Id
    quantity: Quantity
    bin: NameOrNone = ""


class PickedFrom(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """So many pieces of a line, and the bin that they leave or go back to; empty where it is not
    known. Of a bundle whose parts lie in several bins, `parts` say which lie where: all of each
    part that they name."""

    line: Id
    quantity: Quantity
    bin: NameOrNone = ""
    parts: Annotated[list[PartFrom], Items(most=MAX_PARTS_FROM)] = []


class Parcel(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A parcel of an order: packed, voided, dispatched, in_transit, returning_to_sender, delivered,
    lost or returned. It has a courier and a waybill since it was dispatched, if it got any."""

    state: str
    lines: list[Count]
    courier: str | None = None
    waybill: str | None = None

    def now(self, state: str) -> "Parcel":
        """It, in another state; one that is not sent any more has no waybill."""
        if state in UNSENT_PARCELS:
            return Parcel(state, self.lines)
        return msgspec.structs.replace(self, state=state)


class PartCount(msgspec.Struct, frozen=True, gc=False):
    """So many pieces of a SKU of which `each` are in a piece of a line."""

    line: str
    sku: str
    quantity: int
    each: int


class PartsBack(NamedTuple):
    """How many pieces of a SKU come back, or have come, of delivered pieces of a line whose other
    parts stay with the buyer; `each` are in one."""

    each: int
    returning: int = 0
    returned: int = 0

    @property
    def pieces(self) -> int:
        """All that the buyer does not keep."""
        return self.returning + self.returned


class Reservation(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """All goods of an order were reserved in a warehouse. `parts`: see `LineParts`."""

    warehouse: str
    parts: list[LineParts] = []
