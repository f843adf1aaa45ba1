"""What movements of stock are made of: places, causes, and the moves between places.

Stock is kept by double entry. What leaves one place enters another, so that the sum over all places
is zero for every SKU at every moment.
"""

from functools import lru_cache
from typing import Annotated, NamedTuple

import msgspec

from ledger.common.bounds import Words
from ledger.common.values import subject
from ledger.stock.pieces import NAMES

RECEIVING, AVAILABLE, RESERVED, PACKED = "receiving", "available", "reserved", "packed"
RETURNS_INSPECTION, QUARANTINE, DAMAGED = "returns_inspection", "quarantine", "damaged"
INSIDE = (RECEIVING, AVAILABLE, RESERVED, PACKED, RETURNS_INSPECTION, QUARANTINE, DAMAGED)
"""The places inside a warehouse."""

ON_HAND = INSIDE[1:]
"""The places that make up what is on hand; what is still being received is not."""

SUPPLIER, BETWEEN_WAREHOUSES, WITH_COURIER = "supplier", "between_warehouses", "with_courier"
CUSTOMER, REPAIR, WRITTEN_OFF = "customer", "repair", "written_off"
STOCKTAKE_GAIN_LOSS = "stocktake_gain_loss"
OUTSIDE = (SUPPLIER, BETWEEN_WAREHOUSES, WITH_COURIER, CUSTOMER, REPAIR, WRITTEN_OFF,
           STOCKTAKE_GAIN_LOSS)
PLACES = frozenset((*INSIDE, *OUTSIDE))

FROM_SHELF = (AVAILABLE, QUARANTINE, DAMAGED, RETURNS_INSPECTION, RECEIVING)


class Cause(NamedTuple):
    """What a cause may move: from where, to where; whether it is a decision or a fact, and whether
    it needs a reason."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    decision: bool
    reasoned: bool = False


CAUSES = {
    "opening": Cause((STOCKTAKE_GAIN_LOSS,), INSIDE, decision=False),
    "receipt": Cause((SUPPLIER,), (RECEIVING, AVAILABLE, QUARANTINE), decision=False),
    "put_away": Cause((RECEIVING,), (AVAILABLE, QUARANTINE), decision=True),
    "return_to_supplier": Cause(FROM_SHELF, (SUPPLIER,), decision=True),
    "adjustment": Cause((*INSIDE, STOCKTAKE_GAIN_LOSS), (*INSIDE, STOCKTAKE_GAIN_LOSS),
                        decision=False, reasoned=True),
    "write_off": Cause(INSIDE, (WRITTEN_OFF,), decision=False, reasoned=True),
    "found": Cause((STOCKTAKE_GAIN_LOSS, WRITTEN_OFF), INSIDE, decision=False),
    "damage": Cause((AVAILABLE, RECEIVING, QUARANTINE), (DAMAGED,), decision=False, reasoned=True),
    "quarantine": Cause((AVAILABLE, RECEIVING), (QUARANTINE,), decision=True, reasoned=True),
    "quarantine_lifted": Cause((QUARANTINE,), (AVAILABLE,), decision=True, reasoned=True),
    "gift": Cause((AVAILABLE,), (CUSTOMER,), decision=True),
    "internal_use": Cause((AVAILABLE,), (WRITTEN_OFF,), decision=True, reasoned=True),
    "bin_move": Cause(INSIDE, INSIDE, decision=False),
}
"""The causes that a client may name. Those of orders, cases, counts and transfers come from their
own commands."""

OF_DOCUMENTS = ("sale", "reservation", "release", "picking", "packing", "dispatch", "delivery",
                "loss", "return", "inspection", "count", "already_counted", "transfer")
"""The causes of movements that follow an order, a case, a count or a transfer."""


Place = Annotated[str, Words(*sorted(PLACES))]
AnyCause = Annotated[str, Words(*CAUSES, *OF_DOCUMENTS)]


class Move(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """So many pieces from one place to another. Units: pieces, above 0.

    `bin` is where they lay, `to_bin` where they lie now: empty where it is not known. `line` names
    the line of the document.
    """

    quantity: int
    source: Place = msgspec.field(name="from")
    target: Place = msgspec.field(name="to")
    cause: AnyCause
    line: str = ""
    bin: str = ""
    to_bin: str = ""


class InBin(msgspec.Struct, frozen=True):
    """So many pieces in a bin; empty where it is not known which."""

    bin: str
    quantity: int


class Below(msgspec.Struct, frozen=True):
    """A place that a declared fact left below zero, and its level in pieces."""

    place: Place
    level: int


@lru_cache(NAMES)
def stock_of(warehouse: str, sku: str) -> str:
    """The stream of a SKU in a warehouse."""
    return subject("stock", warehouse, sku)
