"""Events of orders, taken into the orders that they are about, and what each adds to the money.

When a coin came is its own event's time, not its order's: what was taken in a month is known only
event by event.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ledger.common.values import to_us
from ledger.log.envelope import Outline
from ledger.orders.order import Order
from ledger.orders.state import CHANGES, OrderState, placed_as

Fact = tuple[Outline, Any]
"""The outline of an entry, and its event."""


class Taking(NamedTuple):
    """What an event adds to what was paid or refunded of an order; `at` is when that occurred. A
    correction belongs to when what it puts right occurred. Units: minor units; microseconds."""

    position: int
    subject: str
    at: int
    paid_minor: int
    refunded_minor: int


def _taking(order: OrderState, fact: Fact, paid: int, refunded: int) -> Taking:
    entry, event = fact
    corrects = entry.type == Order.Corrected.TOPIC
    if order.paid_minor != paid:
        at = order.last_paid_at = order.last_paid_at if corrects else entry.occurred_at
    if order.refunded_minor != refunded:
        at = order.last_refunded_at = order.last_refunded_at if corrects else entry.occurred_at
    if corrects and event.corrected_at is not None:  # one of several, and not the last
        at = to_us(event.corrected_at)
    return Taking(entry.position, order.subject, at, order.paid_minor - paid,
                  order.refunded_minor - refunded)


def fold(orders: dict[str, OrderState], facts: Iterable[Fact], takings: list[Taking]) -> None:
    """Take facts into the orders that they are about; what they add to what was paid or refunded
    goes to `takings`.

    An order begins when it is placed: as of a moment before that, its other events count for
    nothing.
    """
    placed = Order.Placed.TOPIC
    for entry, event in facts:
        if entry.type == placed:
            orders[entry.stream] = placed_as(entry, event)
            continue
        change = CHANGES.get(entry.type)
        order = None if change is None else orders.get(entry.stream)
        if change is not None and order is not None:
            paid, refunded = order.paid_minor, order.refunded_minor
            change(order, entry, event)
            if order.paid_minor != paid or order.refunded_minor != refunded:
                takings.append(_taking(order, (entry, event), paid, refunded))
            order.recorded_at = entry.recorded_at
            order.position = entry.position


def total_of(order: Any) -> int:
    """What an order, or its row, costs in minor units: as stated, else by its parts; 0 where that
    is not known."""
    if order.total_minor is not None:
        return int(order.total_minor)
    parts = (order.goods_minor, order.postage_minor, order.discount_minor)
    return 0 if None in parts else int(parts[0] + parts[1] - parts[2] + (order.tax_minor or 0))


def streams_of(entries: Iterable[Outline]) -> tuple[list[str], list[str]]:
    """The order streams of entries, and those of them that earlier batches wrote: their first event
    here is not their opening. Both sorted."""
    placed = Order.Placed.TOPIC
    opened: dict[str, bool] = {}
    for entry in entries:
        if entry.stream not in opened and entry.type.startswith("order."):
            opened[entry.stream] = entry.type == placed
    return sorted(opened), sorted(stream for stream, here in opened.items() if not here)
