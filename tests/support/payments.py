"""Commands on the money of the order that `builders` make."""

from datetime import timedelta
from typing import Any

from ledger.orders.commands import ChangePrice, CorrectOrder, RefundOrder
from tests.support.builders import NOON, costing, line, stream

LATER = NOON + timedelta(hours=1)


def refund(amount_minor: int, **fields: Any) -> RefundOrder:
    """Pay back so much."""
    return RefundOrder(**{"order": stream(), "occurred_at": LATER, "amount_minor": amount_minor,
                          "reference": f"R{amount_minor}", **fields})


def change(total_minor: int) -> ChangePrice:
    """Ask for another total of a book for 49.90."""
    return ChangePrice(order=stream(), occurred_at=LATER, amounts=costing(
        [line()], total_minor))


def correct(fact: str, amount_minor: int) -> CorrectOrder:
    """Another sum paid or refunded than was recorded."""
    return CorrectOrder(order=stream(), occurred_at=LATER, fact=fact, amount_minor=amount_minor,
                        reason="typed twice")
