"""What is still to be done on an order: whether it waits to be reviewed, to be picked, to be sent.

These words are what the queues are narrowed by. They follow from the order alone, so that a queue
cannot say anything else than the rules decide on.
"""

from typing import NamedTuple

from ledger.orders.order import Order
from ledger.orders.values import ON_DELIVERY, OPEN

ON_HOLD, UNPAID = "on_hold", "unpaid"

REVIEW = ("imported", "pending_review", ON_HOLD, UNPAID)
"""Of an order that nobody has approved: a file told of it, or somebody placed it; nobody may work
on it for now; nothing was paid, nor is it paid on delivery."""

PICK = ("ready", "in_part", ON_HOLD)
"""Of an order at its warehouse with reserved pieces: all that are still to be taken from the shelf
are reserved, or others are waited for; nobody may work on it for now."""

SEND = ("picked", "packed", ON_HOLD)
"""Of an order with pieces that were taken from the shelf and not handed over: some are in no parcel
yet, or all are; nobody may work on it for now."""


class Work(NamedTuple):
    """In which queues an order is: its status there, None where it is in none of that kind."""

    review: str | None
    pick: str | None
    send: str | None


NONE = Work(None, None, None)


def work_on(order: Order, *, imported: bool) -> Work:
    """What is to be done on an order. Of one that has ended it is nothing."""
    if order.ended:
        return NONE
    return Work(_to_review(order, imported=imported), _to_pick(order), _to_send(order))


def _to_review(order: Order, *, imported: bool) -> str | None:
    if order.approved or not _is_to_be_sent(order):
        return None
    if order.held_for is not None:
        return ON_HOLD
    if is_unpaid(order):
        return UNPAID
    return "imported" if imported else "pending_review"


def _is_to_be_sent(order: Order) -> bool:
    """Whether any piece is; of an order without known lines, whether nothing was."""
    return order.goods.has(*OPEN) or (not order.goods and order.dispatched_at is None)


def is_unpaid(order: Order) -> bool:
    """Whether nobody need work on it before something is paid: it costs something, and is not paid
    on delivery."""
    return (order.paid_at is None and order.balance.total_minor != 0
            and order.terms != ON_DELIVERY)


def _to_pick(order: Order) -> str | None:
    if not order.submitted or not order.goods.has("reserved"):
        return None
    if order.held_for is not None:
        return ON_HOLD
    return "in_part" if order.goods.has("unreserved", "short") else "ready"


def _to_send(order: Order) -> str | None:
    if not order.goods.has("picked", "packed"):
        return None
    if order.held_for is not None:
        return ON_HOLD
    return "picked" if order.goods.has("picked") else "packed"
