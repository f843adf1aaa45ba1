"""What after-sales cases are made of: kinds, lines, and what becomes of pieces that came back."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec

from ledger.common.between import OF_GOODS
from ledger.common.bounds import (
    AnyInteger,
    Id,
    NameOrNone,
    Note,
    PriceScale,
    Quantity,
    Title,
    Words,
)

MAX_LINES = 2000
REFUND_ONLY, RETURN_AND_REFUND, REFUSED = KINDS = ("refund_only", "return_and_refund", "refused")
"""Kinds of cases. What is refused comes back by the courier: the buyer never had it."""

WITH_GOODS = (RETURN_AND_REFUND, REFUSED)
"""Kinds of cases in which goods come back."""

DISPOSITIONS = ("restocked", "quarantined", "damaged", "written_off", "missing", "not_ours")
"""What the inspection finds of a piece."""

NOT_BACK = ("missing", "not_ours")
"""What never came back, although its parcel did."""


class CaseLine(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True,
               forbid_unknown_fields=True):
    """One line of a case. Units: quantity in pieces, above 0; prices as in a line of an order.

    `order_line` is the line of the order that it is about, where that has another name. A fee is
    not goods: it moves no stock.
    """

    BETWEEN: ClassVar[Mapping[str, Any]] = OF_GOODS
    line: Id
    sku: Id | None = None
    title: Title | None = None
    quantity: Quantity
    order_line: Id | None = None
    unit_price: AnyInteger = 0
    unit_price_scale: PriceScale = 2
    amount_minor: AnyInteger = 0
    fee: bool = False


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of a case and the order's line that it turned out to be."""

    line: Id
    order_line: Id


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the inspection found of so many pieces of a line: one of `DISPOSITIONS`.

    `bin` is where they lie now; empty where it is not known. `sku` is a part of what the line is:
    then the quantity is pieces of that part.
    """

    line: Id
    quantity: Quantity
    disposition: Annotated[str, Words(*DISPOSITIONS)]
    bin: NameOrNone = ""
    note: Note | None = None
    sku: Id | None = None


class PartLine(msgspec.Struct, frozen=True):
    """A line of a case that an inspection made: pieces of a SKU out of the pieces of another line,
    `of`, that were taken apart. Units: quantity in pieces."""

    line: str
    of: str
    sku: str
    quantity: int


class Sums(NamedTuple):
    """The refund leg of a case, in minor units: what was asked for (None: not known), approved and
    paid."""

    asked_minor: int | None = None
    approved_minor: int = 0
    paid_minor: int = 0
