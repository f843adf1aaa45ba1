"""What orders are told with: lines, amounts, payments, and moments as a file prints them."""

from datetime import datetime
from typing import Any

import msgspec

MAX_LINES = 2000
PERSONAL_FIELDS = ("account", "recipient", "phone", "address", "buyer_remark")
AMOUNT_FIELDS = ("goods_minor", "postage_minor", "discount_minor", "total_minor")


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an order.

    Units: quantity in pieces; unit_price / 10**unit_price_scale is a price in the order's currency;
    amount_minor is quantity x unit price rounded half to even into minor units.
    """

    line: str
    sku: str | None = None
    title: str | None = None
    quantity: int
    unit_price: int
    unit_price_scale: int = 2
    amount_minor: int


class Payment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One means by which an order was paid, in minor units."""

    method: str
    amount_minor: int


class Amounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an order costs, in minor units; None is what nobody told.

    total = goods + postage - discount, where all of them are known.
    """

    goods_minor: int | None = None
    postage_minor: int | None = None
    discount_minor: int | None = None
    total_minor: int | None = None


class Moment(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a file says something happened: the time, its text as printed, and if we inferred it."""

    at: datetime
    printed: str = ""
    inferred: bool = False

    def envelope(self) -> dict[str, Any]:
        """The envelope's part of an event that happened then."""
        return {"occurred_at": self.at, "printed": self.printed}

    def marks(self) -> list[str]:
        """What of the event is inferred."""
        return ["occurred_at"] if self.inferred else []
