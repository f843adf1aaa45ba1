"""Orders: one row each, with its statuses and flags derived from facts."""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    select,
    text,
)

from ledger.common.values import from_us, rfc3339
from ledger.orders.state import (
    Marks,
    OrderState,
    bit_of,
    open_exceptions,
    payment_status,
    review_status,
    state_of,
    sum_of,
    total_of,
)
from projections.store.rows import Key, ledger_column, metadata

_ENDED = sum(map(bit_of, ("completed", "closed", "cancelled", "imported")))
REVIEWED = _ENDED | sum(map(bit_of, ("held", "submitted", "approved")))
"""The marks that say how the review of an order stands."""

UNDER_WAY = ("pending_review", "approved", "submitted", "on_hold")
"""How it stands that is neither ended nor imported: so stand few of many orders."""

IS_UNDER_WAY = text(f"marks & {_ENDED} = 0")
"""What is true of these. Their index is used where a question says it word by word."""

orders = Table(
    "orders", metadata,
    ledger_column(),
    Column("subject", Key, nullable=False),
    Column("currency", Text, nullable=False),
    Column("goods_minor", BigInteger),
    Column("postage_minor", BigInteger),
    Column("discount_minor", BigInteger),
    Column("tax_minor", BigInteger),
    Column("total_minor", BigInteger),
    Column("lines", Integer),
    Column("pieces", BigInteger),
    Column("value", Text),
    Column("paid_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("credited_minor", BigInteger, nullable=False),
    Column("claimed_minor", BigInteger, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("paid_at", BigInteger),
    Column("dispatched_at", BigInteger),
    Column("delivered_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("marks", Integer, nullable=False),
    Column("amounts_version", Integer, nullable=False),
    Column("paid_version", Integer, nullable=False),
    Column("refunded_version", Integer, nullable=False),
    Column("exceptions", Text),
    Column("owner", Text),
    Column("last_paid_at", BigInteger, nullable=False),
    Column("last_refunded_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="orders_pk"),
    Index("orders_under_way", "ledger", "placed_at", "subject",
          sqlite_where=IS_UNDER_WAY, postgresql_where=IS_UNDER_WAY),
    Index("orders_placed", "ledger", "placed_at", "subject"),
    Index("orders_owner", "ledger", "owner", "placed_at", "subject",
          sqlite_where=text("owner IS NOT NULL"),
          postgresql_where=text("owner IS NOT NULL")),
    sqlite_with_rowid=False,
)


def every(connection: Connection, ledger: bytes) -> Iterator[dict[str, Any]]:
    """All orders, by subject. Shapes: objects as `shown` makes them."""
    query = select(orders).where(orders.c.ledger == ledger).order_by(orders.c.subject)
    return (shown(state_of(row)) for row in connection.execute(query))


def shown(order: OrderState) -> dict[str, Any]:
    """An order as reports show it.

    Shapes: `exception_kinds` are those of the open ones, sorted. Units: minor units; times RFC 3339
    in UTC.
    """
    _, channel, shop, number = order.subject.split(":")
    completed_at = order.ended_at if order.marks.completed else None
    return {
        "subject": order.subject,
        "channel": unquote(channel),
        "shop": unquote(shop),
        "number": unquote(number.split("~")[0]),
        "review_status": review_status(order.marks),
        "payment_status": payment_status(order),
        "delivery_status": delivery_status(order),
        "owner": order.owner,
        "exception_kinds": sorted(open_exceptions(order).values()),
        "flags": flags(order),
        "currency": order.currency,
        "total_minor": total_of(order),
        "paid_minor": order.paid_minor,
        "refunded_minor": None if order.marks.refunds_unstated else order.refunded_minor,
        "placed_at": _time(order.placed_at),
        "paid_at": _time(order.paid_at),
        "dispatched_at": _time(order.dispatched_at),
        "completed_at": _time(completed_at),
        "recorded_at": _time(order.recorded_at),
        "position": order.position,
    }


@cache
def marks_of(status: str) -> list[int]:
    """Which of the marks in `REVIEWED` there may be where a review stands so."""
    found, bits = [], REVIEWED
    while True:  # every choice of these bits, from all of them down to none
        if review_status(Marks.of_bits(bits)) == status:
            found.append(bits)
        if not bits:
            return found
        bits = (bits - 1) & REVIEWED


def _time(at: int | None) -> str | None:
    return None if at is None else rfc3339(from_us(at))


UNSENT, DISPATCHED, DELIVERED = DELIVERY_STATUSES = ("unsent", "dispatched", "delivered")
"""Whether the first parcel of an order is with a courier, or has arrived."""


def delivery_status(order: OrderState) -> str:
    """One of `DELIVERY_STATUSES`. The report `fulfilment` says what became of each piece."""
    if order.delivered_at is not None:
        return DELIVERED
    return UNSENT if order.dispatched_at is None else DISPATCHED


FLAGS = ("corrected", "inferred_times", "paid_differs_from_total", "price_changed",
         "times_out_of_order", "total_disagrees")
"""What is worth a look: see `flags`."""


def flags(order: OrderState) -> list[str]:
    """What is worth a look, sorted.

    corrected: a later event corrected an earlier one. inferred_times: a time was not stated but
    inferred. paid_differs_from_total: paid, but another sum than the total, besides what was paid
    too much and refunded. price_changed: before
    payment. times_out_of_order: of the stated times, that of a later stage (placed, paid,
    dispatched, delivered, completed) is before that of an earlier one. total_disagrees: the total
    is not goods + postage - discount.
    """
    total = total_of(order)
    paid_minor = order.paid_minor - order.refunded_minor + (
        order.credited_minor + order.claimed_minor)
    found = {
        "corrected": order.marks.corrected,
        "inferred_times": order.marks.has_inferred_time(),
        "paid_differs_from_total": (order.paid_at is not None and total is not None
                                    and total != paid_minor),
        "price_changed": order.marks.price_changed,
        "times_out_of_order": _out_of_order(order),
        "total_disagrees": sum_of(order) not in (None, total),
    }
    return [name for name, holds in found.items() if holds]


def _out_of_order(order: OrderState) -> bool:
    marks = order.marks
    stages = (
        (order.placed_at, marks.inferred_placed),
        (order.paid_at, marks.inferred_paid),
        (order.dispatched_at, marks.inferred_dispatched),
        (order.delivered_at, marks.inferred_delivered),
        (order.ended_at if marks.completed else None, marks.inferred_ended),
    )
    stated = [at for at, inferred in stages if at is not None and not inferred]
    return any(later < earlier for earlier, later in pairwise(stated))
