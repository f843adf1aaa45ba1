"""Commands on the money of the order that `builders` make."""

from datetime import timedelta
from typing import Any

from ledger.orders.commands import ChangePrice, CorrectOrder, RefundOrder
from ledger.orders.values import Amounts
from tests.support.builders import NOON, stream

LATER = NOON + timedelta(hours=1)


def refund(amount_minor: int, **fields: Any) -> RefundOrder:
    """Pay back so much."""
    return RefundOrder(order=stream(), occurred_at=LATER, amount_minor=amount_minor, **fields)


def change(total_minor: int) -> ChangePrice:
    """Ask for another total."""
    return ChangePrice(order=stream(), occurred_at=LATER, amounts=Amounts(total_minor=total_minor))


def correct(fact: str, amount_minor: int) -> CorrectOrder:
    """Another sum paid or refunded than was recorded."""
    return CorrectOrder(order=stream(), occurred_at=LATER, fact=fact, amount_minor=amount_minor,
                        reason="typed twice")
