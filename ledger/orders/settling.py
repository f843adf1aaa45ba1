"""What follows for an order by itself where its sums change: its exceptions about money, and
whether finance has to look at it, by the policy of the day on which it was placed."""

from datetime import datetime

from ledger.core.commands import Work
from ledger.orders.order import Order
from ledger.policies.book import policy_on
from ledger.policies.values import FINANCE_REVIEW

CURRENCY = "CNY"
"""What amounts of policies are in: an order in another currency is held against none of them."""


def finance_bound(work: Work, order: Order) -> int | None:
    """Above which amount finance looks at an order; None if at none. Units: fen."""
    return None if order.placed_at is None else finance_bound_of(
        work, order.placed_at, order.currency)


def finance_bound_of(work: Work, placed_at: datetime, currency: str) -> int | None:
    """The same of an order that is placed at a time."""
    if currency != CURRENCY:
        return None
    return policy_on(work, work.days.day_of(placed_at)).threshold(FINANCE_REVIEW)


def settle(work: Work, order: Order, before: Order, *, occurred_at: datetime) -> None:
    """Open and close what the ledger says of an order's sums by itself."""
    order.settle_money(before, occurred_at=occurred_at)
    settle_finance(work, order, occurred_at=occurred_at)


def settle_finance(work: Work, order: Order, *, occurred_at: datetime) -> None:
    """Open or close the exception that finance has to look at it."""
    order.settle_finance(finance_bound(work, order), occurred_at=occurred_at)


def must_be_reviewed(work: Work, order: Order) -> None:
    """Finance has seen what it costs, where it has to. Errors: R-ORD-70."""
    order.must_be_reviewed(finance_bound(work, order))
