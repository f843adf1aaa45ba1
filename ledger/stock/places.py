"""Where pieces are and why they move: the places between which documents post, and the causes.

Stock is kept by double entry. What leaves one place enters another, so that the sum over all places
is zero for every SKU at every moment.
"""

from functools import lru_cache
from typing import Annotated, NamedTuple

from ledger.common.bounds import Words
from ledger.common.values import subject
from ledger.stock.pieces import NAMES

RECEIVING, AVAILABLE, RESERVED = "receiving", "available", "reserved"
PICKED, PACKED = "picked", "packed"
RETURNS_INSPECTION, QUARANTINE, DAMAGED = "returns_inspection", "quarantine", "damaged"
INSIDE = (RECEIVING, AVAILABLE, RESERVED, PICKED, PACKED, RETURNS_INSPECTION, QUARANTINE, DAMAGED)
"""The places inside a warehouse."""

ON_HAND = INSIDE[1:]
"""The places that make up what is on hand; what is still being received is not."""

SUPPLIER, BETWEEN_WAREHOUSES, WITH_COURIER = "supplier", "between_warehouses", "with_courier"
OTHER_WAREHOUSE, CUSTOMER, REPAIR = "other_warehouse", "customer", "repair"
WRITTEN_OFF, STOCKTAKE_GAIN_LOSS = "written_off", "stocktake_gain_loss"
OUTSIDE = (SUPPLIER, BETWEEN_WAREHOUSES, OTHER_WAREHOUSE, WITH_COURIER, CUSTOMER, REPAIR,
           WRITTEN_OFF, STOCKTAKE_GAIN_LOSS)
PLACES = frozenset((*INSIDE, *OUTSIDE))
"""The places of goods."""

PHYSICAL = frozenset((*INSIDE, BETWEEN_WAREHOUSES, WITH_COURIER))
"""Places that cannot hold less than nothing. What a warehouse sent to another is between the two
until it arrives there, or is known to be lost."""

DEMAND, WAITING = MEMO = ("demand", "waiting")
"""Places of no goods: between them goes what orders wait for. They are in no sum of goods."""

SHELF = "shelf"
COUNTED = {SHELF: (AVAILABLE, RESERVED), **{place: (place,) for place in INSIDE
                                           if place not in (AVAILABLE, RESERVED)}}
"""What can be counted, and the places that lie there: on a shelf nobody sees what is reserved."""

AREA = {place: area for area, places in COUNTED.items() for place in places}
"""Where the pieces of a place are counted."""

STORED = (AVAILABLE, QUARANTINE, DAMAGED, RETURNS_INSPECTION, RECEIVING)
"""Where pieces lie that are of no order: those of orders move by the events of these alone."""


class Cause(NamedTuple):
    """What a cause may move: from where, to where; whether it is a decision or a fact, and whether
    it needs a reason."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    decision: bool
    reasoned: bool = False


CAUSES = {
    "opening": Cause((STOCKTAKE_GAIN_LOSS,), STORED, decision=False),
    "receipt": Cause((SUPPLIER,), (RECEIVING, AVAILABLE, QUARANTINE), decision=False),
    "put_away": Cause((RECEIVING,), (AVAILABLE, QUARANTINE), decision=True),
    "return_to_supplier": Cause(STORED, (SUPPLIER,), decision=True),
    "adjustment": Cause((*STORED, PICKED, PACKED, STOCKTAKE_GAIN_LOSS),
                        (*STORED, PICKED, PACKED, STOCKTAKE_GAIN_LOSS),
                        decision=False, reasoned=True),
    "write_off": Cause(STORED, (WRITTEN_OFF,), decision=False, reasoned=True),
    "found": Cause((STOCKTAKE_GAIN_LOSS, WRITTEN_OFF), STORED, decision=False),
    "damage": Cause((AVAILABLE, RECEIVING, QUARANTINE), (DAMAGED,), decision=False, reasoned=True),
    "quarantine": Cause((AVAILABLE, RECEIVING), (QUARANTINE,), decision=True, reasoned=True),
    "quarantine_lifted": Cause((QUARANTINE,), (AVAILABLE,), decision=True, reasoned=True),
    "gift": Cause((AVAILABLE,), (CUSTOMER,), decision=True),
    "internal_use": Cause((AVAILABLE,), (WRITTEN_OFF,), decision=True, reasoned=True),
    "bin_move": Cause((AVAILABLE,), (AVAILABLE,), decision=True),
}
"""The causes that a client may name. Those of orders, cases, counts and transfers come from their
own commands."""

REASONED = tuple(name for name, cause in CAUSES.items() if cause.reasoned)
"""Those that need a reason."""

ALREADY_COUNTED, CORRECTION = "already_counted", "correction"
OF_DOCUMENTS = (
    "sale", "reservation", "release", "back_order", "back_order_ended", "picking", "unpicking",
    "packing", "unpacking", "dispatch", "return_to_sender", "delivery", "loss", "return",
    "inspection", "count", "transfer", ALREADY_COUNTED, CORRECTION)
"""The causes of what an order, a case, a count, a transfer or a correction posts."""

Place = Annotated[str, Words(*sorted(PLACES))]
Area = Annotated[str, Words(*sorted(COUNTED))]


@lru_cache(NAMES)
def stock_of(warehouse: str, sku: str) -> str:
    """The account of a SKU in a warehouse."""
    return subject("stock", warehouse, sku)
