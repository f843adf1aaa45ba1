"""The usual events of an order, taken as far as its row keeps what they say: faster versions of
the mutators, which are their oracle (tests/projections/orders/test_usual.py).

The order's own mutators take every event. They know much that no row keeps, such as each payment by
its reference, and that costs most of their time; since a row is all that the next batch knows of an
order, it cannot matter here. These take the events that nearly every order has, where it is sent as
a whole; what they leave, the mutators take.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ledger.common.values import from_us
from ledger.orders.goods import Goods
from ledger.orders.order import Order
from ledger.orders.values import CANCELLED, CLOSED, COMPLETED, OPEN

Usual = Callable[[Order, int, Any], bool]
"""Takes an event into an order, which happened at a time in microseconds UTC; False, with nothing
changed, if that is for its mutator."""


def _first(known: datetime | None, at: int) -> datetime:
    return from_us(at) if known is None else known


def _placed(order: Order, at: int, event: Any) -> bool:
    order.placed_at, order.terms, order.amounts = from_us(at), event.terms, event.amounts
    order.balance = order.balance.costing(event.amounts.total())
    order.refunds_known = "refunds" not in event.unstated
    order.lines = None if event.lines is None else {line.line: line for line in event.lines}
    order.goods = Goods.of(
        event.lines or (), "unreserved" if event.reserved is None else "reserved")
    if event.reserved is not None:
        order.warehouse = event.reserved.warehouse
    return True


def _paid(order: Order, at: int, event: Any) -> bool:
    order.balance = order.balance.paid(event.amount_minor)
    order.paid_at = _first(order.paid_at, at)
    return True


def _refunded(order: Order, _at: int, event: Any) -> bool:
    order.balance = order.balance.refunded(event.amount_minor, claimed=event.case is not None)
    order.refunds_known = True
    return True


def _dispatched(order: Order, at: int, event: Any) -> bool:
    if order.parcels or event.parcel is not None or event.lines:
        return False
    order.dispatched_at = _first(order.dispatched_at, at)
    if event.warehouse is not None:
        order.warehouse = event.warehouse
    order.goods = order.goods.all_moved(OPEN, "in_transit")
    return True


def _delivered(order: Order, at: int, event: Any) -> bool:
    if order.parcels or event.parcel is not None or event.loose:
        return False
    order.delivered_at = _first(order.delivered_at, at)
    order.goods = order.goods.all_moved(("in_transit",), "delivered")
    return True


def _completed(order: Order, _at: int, event: Any) -> bool:
    return not event.unsent and _ended(order, COMPLETED, "delivered")


def _closed(order: Order, _at: int, _event: Any) -> bool:
    return _ended(order, CLOSED, "cancelled")


def _cancelled(order: Order, _at: int, _event: Any) -> bool:
    return _ended(order, CANCELLED, "cancelled")


def _ended(order: Order, ended: str, left: str) -> bool:
    if order.parcels:
        return False
    order.ended = ended
    order.goods = order.goods.all_moved(OPEN, left)
    return True


USUAL: dict[str, Usual] = {
    Order.Placed.TOPIC: _placed,
    Order.Paid.TOPIC: _paid,
    Order.RefundRecorded.TOPIC: _refunded,
    Order.Dispatched.TOPIC: _dispatched,
    Order.Delivered.TOPIC: _delivered,
    Order.Completed.TOPIC: _completed,
    Order.Closed.TOPIC: _closed,
    Order.Cancelled.TOPIC: _cancelled,
}
