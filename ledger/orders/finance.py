"""The finance review (财审): an order that costs more than a bound of the policy is looked at by
finance before it is packed and sent."""

from datetime import datetime
from typing import Annotated

from ledger.common.bounds import Words
from ledger.common.errors import Refused
from ledger.common.personal import Personal, Plain
from ledger.common.signed import StoodIn
from ledger.core.aggregate import Aggregate, event
from ledger.orders.money import Sums
from ledger.orders.review import OrderReview
from ledger.orders.values import CANCELLED, CLOSED

FINANCE = "finance_review"
"""The exception of an order that finance has to look at, and its kind."""

OUTCOMES = APPROVED, REFUSED = ("approved", "refused")


class FinanceReviewOpen(Refused):
    """{order} costs {amount_minor} {currency} (minor units): above {bound_minor}, finance looks at
    it before it is packed and sent, and has approved up to {seen_minor}. Let finance review it
    (order.review_finance)."""

    code = "finance_review_open"
    rule = "R-ORD-70"


class NothingToReview(Refused):
    """Finance has nothing to review of {order}: it costs {amount_minor} {currency} (minor units),
    is {state}, and the bound of the policy of its day is {bound_minor}."""

    code = "nothing_to_review"
    rule = "R-ORD-71"


class OrderFinance(OrderReview):
    """The part of an order that knows what finance has seen of it. `seen_minor` is the amount that
    finance approved last, 0 if none or refused since; `refused_minor` the one that it refused.
    """

    def begin(self) -> None:
        """Finance has not looked at it."""
        super().begin()
        self.seen_minor = 0
        self.refused_minor: int | None = None

    # -- facts ------------------------------------------------------------------------------------

    class FinanceReviewed(Aggregate.Event):
        """Finance looked at an order that costs more than the bound of the policy; `reviewed_by`
        signed it. Units: minor units."""

        TOPIC = "order.finance_reviewed.v1"
        outcome: Annotated[str, Words(*OUTCOMES)]
        amount_minor: int
        bound_minor: int
        reviewed_by: str
        stood_in: StoodIn | None = None
        note: Personal | None = None

    # -- mutators ---------------------------------------------------------------------------------

    @event(FinanceReviewed)
    def _finance_reviewed(self, outcome, amount_minor):
        approved = outcome == APPROVED
        self.seen_minor = amount_minor if approved else 0
        self.refused_minor = None if approved else amount_minor

    # -- rules ------------------------------------------------------------------------------------

    def costs_minor(self) -> int:
        """What it costs: as stated, else as its lines say, else what was paid. Units: minor units.
        """
        if (total := self.amounts.total()) is not None:
            return total
        if self.lines is None:
            return self.balance.paid_minor
        return Sums.of(self.lines.values(), self.dropped()).total_of(self.amounts)

    def waits_for_finance(self, bound_minor: int | None) -> bool:
        """Whether it costs more than the bound, and more than finance has seen. None: no bound."""
        if bound_minor is None or self.ended in (CLOSED, CANCELLED):
            return False
        return self.costs_minor() > max(bound_minor, self.seen_minor)

    def must_be_reviewed(self, bound_minor: int | None) -> None:
        """Errors: FinanceReviewOpen (R-ORD-70)."""
        if bound_minor is not None and self.waits_for_finance(bound_minor):
            raise FinanceReviewOpen(
                order=self.id, amount_minor=self.costs_minor(), currency=self.currency,
                bound_minor=bound_minor, seen_minor=self.seen_minor)

    def must_be_reviewable(self, bound_minor: int | None) -> int:
        """There is something for finance to look at; the bound. Errors: R-ORD-03, NothingToReview
        (R-ORD-71)."""
        self.must_be_known()
        if bound_minor is None or self.ended in (CLOSED, CANCELLED) \
                or self.costs_minor() <= bound_minor:
            raise NothingToReview(
                order=self.id, amount_minor=self.costs_minor(), currency=self.currency,
                state=self.ended or "open", bound_minor="none" if bound_minor is None
                else bound_minor)
        return bound_minor

    def review_finance(
        self, outcome: str, bound_minor: int, by: str, stood_in: StoodIn | None = None, *,
        note: Plain | None, occurred_at: datetime,
    ) -> None:
        """Finance approves or refuses what it costs now; the same again changes nothing."""
        amount = self.costs_minor()
        known = self.seen_minor if outcome == APPROVED else self.refused_minor
        if known != amount:
            self._finance_reviewed(
                outcome=outcome, amount_minor=amount, bound_minor=bound_minor, reviewed_by=by,
                stood_in=stood_in, note=note, occurred_at=occurred_at)

    def settle_finance(self, bound_minor: int | None, *, occurred_at: datetime) -> None:
        """Open the exception where it waits for finance, and close it where it does not any more.
        Rules: R-ORD-70, R-ORD-72."""
        if self.waits_for_finance(bound_minor):
            self.open_exception(FINANCE, FINANCE, occurred_at=occurred_at)
        elif self.exceptions.get(FINANCE) == FINANCE:
            self.close_exception(FINANCE, None, occurred_at=occurred_at)
