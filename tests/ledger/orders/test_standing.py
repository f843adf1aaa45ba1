"""What an order is made of: parts that do not know one another, joined on what all of them need."""

from collections import Counter
from datetime import timedelta

import pytest

from ledger.common.moments import Moment
from ledger.core.aggregate import Aggregate
from ledger.orders.changing import OrderChanges
from ledger.orders.order import DECLARABLE, Order
from ledger.orders.packing import OrderPacking
from ledger.orders.payment import OrderPayment
from ledger.orders.returning import OrderReturns
from ledger.orders.review import OrderReview
from ledger.orders.shipping import OrderShipping
from ledger.orders.standing import OrderStanding
from ledger.orders.values import Amounts
from tests.support import source
from tests.support.builders import NOON, stream

PARTS = (OrderPayment, OrderReview, OrderChanges, OrderPacking, OrderShipping, OrderReturns)
OF_ORDERS = [cls for topic, cls in source.events().items() if topic.startswith("order.")]

PLACED = {"channel": "taobao", "shop": "pine", "number": "1", "currency": "CNY",
          "amounts": Amounts(total_minor=4990)}


def fields(part: type[Aggregate]) -> set[str]:
    """The fields that a part begins with."""
    return {name for name in vars(part.blank(stream())) if not name.startswith("_")}


def test_parts__are_siblings_that_share_only_what_they_stand_on() -> None:
    own = Counter(name for part in PARTS for name in fields(part) - fields(OrderStanding))
    assert [name for name, parts in own.items() if parts > 1] == []
    assert set(own) | fields(OrderStanding) < fields(Order)
    for part in PARTS:
        assert not any(issubclass(part, other) for other in PARTS if other is not part)


def test_order__has_every_event_as_it_is_recorded_and_read() -> None:
    """One class a fact, wherever it is looked up: what is read back is an `Order.Picked`, too."""
    assert {cls for cls in OF_ORDERS if getattr(Order, cls.__name__, None) is not cls} == set()


def test_declare__accepted_at_the_moment_of_the_file() -> None:
    order = Order.blank(stream())
    order.declare(Order.Placed, Moment(NOON, printed="12:00"), **PLACED)
    order.declare(Order.Paid, Moment(NOON + timedelta(hours=1), inferred=True), amount_minor=4990)
    placed, paid = order.pending_events
    assert (placed.timestamp, placed.printed, placed.inferred) == (NOON, "12:00", [])
    assert (paid.timestamp, paid.inferred) == (NOON + timedelta(hours=1), ["occurred_at"])
    assert (order.version, order.paid_minor, order.placed_at) == (2, 4990, NOON)


@pytest.mark.parametrize("decided", sorted(
    set(OF_ORDERS) - DECLARABLE, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
def test_declare__takes_nothing_that_has_to_be_decided(decided: type[Aggregate.Event]) -> None:
    with pytest.raises(AssertionError, match="is decided"):
        Order.blank(stream()).declare(decided, Moment(NOON))
