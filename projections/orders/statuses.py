"""How far an order is, in a word, from where its pieces are."""

from collections.abc import Mapping

from ledger.orders.kept import Kept
from ledger.orders.values import BACK, OPEN

READY = {"packed": ("packed",), "picked": ("packed", "picked"),
         "reserved": ("packed", "picked", "reserved")}
"""An order of which nothing was sent has got this far if all its pieces are in these states."""


FULFILMENT_STATUSES = (
    "unfulfilled", "back_ordered", "part_reserved", "reserved", "picked", "packed",
    "part_dispatched", "dispatched", "part_delivered", "delivered", "returning", "part_returned",
    "returned", "lost", "cancelled")
"""How far an order can be: see `fulfilment_status`."""


def fulfilment_status(kept: Kept, pieces: Mapping[str, int]) -> str:
    """How far an order is; pieces that were cancelled do not count, where others are.

    Nothing sent yet: unfulfilled; back_ordered (it waits for pieces); part_reserved; reserved,
    picked, packed (all pieces are at least so far). Then part_dispatched (others are still to be
    sent); dispatched (all are, none has arrived); part_delivered; delivered (none is on its way any
    more); returning (some are expected or on their way back); part_returned; returned; lost (all
    are). All pieces cancelled: cancelled. Of an order without known lines: what its times say.
    """
    to_send = sum(pieces[state] for state in OPEN)
    sent = sum(pieces.values()) - to_send - pieces["cancelled"]
    if not any(pieces.values()):
        return ("delivered" if kept.delivered_at else
                "dispatched" if kept.dispatched_at else "unfulfilled")
    if to_send:
        return "part_dispatched" if sent else _prepared(pieces, to_send)
    return _after_dispatch(pieces, sent, _parts_back(kept)) if sent else "cancelled"


def _parts_back(kept: Kept) -> str:
    """Whether parts of delivered pieces are on their way back, or are back."""
    parts = [part for line in kept.parts_back.values() for part in line.values()]
    return "returning" if any(part.returning for part in parts) else (
        "part_returned" if parts else "")


def _prepared(pieces: Mapping[str, int], to_send: int) -> str:
    if pieces["short"]:
        return "back_ordered"
    for status, states in READY.items():
        if sum(pieces[state] for state in states) == to_send:
            return status
    return "unfulfilled" if pieces["unreserved"] == to_send else "part_reserved"


def _after_dispatch(pieces: Mapping[str, int], sent: int, parts: str) -> str:
    if pieces["returning"] or pieces[BACK] or parts == "returning":
        return "returning"
    if pieces["in_transit"]:
        return "dispatched" if pieces["in_transit"] == sent else "part_delivered"
    if pieces["returned"]:
        return "part_returned" if pieces["delivered"] else "returned"
    return (parts or "delivered") if pieces["delivered"] else "lost"
