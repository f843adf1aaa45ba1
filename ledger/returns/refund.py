"""The refund of a case: so much is approved, so much is paid."""

from datetime import datetime

from ledger.common.personal import Personal, Plain
from ledger.common.phrases import Phrase
from ledger.common.signed import StoodIn
from ledger.core.aggregate import Aggregate, event
from ledger.returns.errors import RefundExceedsCase
from ledger.returns.standing import CaseStanding


class CaseRefund(CaseStanding):
    """The leg of a case in which money goes back."""

    class RefundApproved(Aggregate.Event):
        """So much more may be paid back."""

        TOPIC = "case.refund_approved.v1"
        amount_minor: int
        note: Personal | None = None
        approved_by: str = ""
        stood_in: StoodIn | None = None

    class Refunded(Aggregate.Event):
        """So much was paid back."""

        TOPIC = "case.refunded.v1"
        amount_minor: int
        paid_by: str = ""
        stood_in: StoodIn | None = None

    @event(RefundApproved)
    def _refund_approved(self, amount_minor, approved_by):
        self.approvers = self.approvers | {approved_by}
        self.sums = self.sums._replace(approved_minor=self.sums.approved_minor + amount_minor)

    @event(Refunded)
    def _refunded(self, amount_minor):
        self.sums = self.sums._replace(paid_minor=self.sums.paid_minor + amount_minor)

    def approve_refund(
        self, amount_minor: int, note: Plain | None, *, by: str, stood_in: StoodIn | None,
        occurred_at: datetime,
    ) -> None:
        """No more than was asked. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-06."""
        self.must_be("authorised")
        approved = self.sums.approved_minor + amount_minor
        self._at_most(amount_minor, approved, self.sums.asked_minor, Phrase("asked for"))
        self._refund_approved(amount_minor=amount_minor, note=note, approved_by=by,
                              stood_in=stood_in, occurred_at=occurred_at)

    def pay_refund(
        self, amount_minor: int, *, by: str, stood_in: StoodIn | None, occurred_at: datetime,
    ) -> None:
        """No more than was approved. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-06."""
        self.must_be("authorised")
        paid = self.sums.paid_minor + amount_minor
        self._at_most(amount_minor, paid, self.sums.approved_minor,
                      Phrase("approved"))
        self._refunded(amount_minor=amount_minor, paid_by=by, stood_in=stood_in,
                       occurred_at=occurred_at)

    @property
    def unpaid_minor(self) -> int:
        """What is approved and not paid yet."""
        return self.sums.approved_minor - self.sums.paid_minor

    def _at_most(self, amount_minor: int, sum_minor: int, most: int | None, what: str) -> None:
        if most is not None and sum_minor > most:
            raise RefundExceedsCase(case=self.id, amount_minor=amount_minor, sum_minor=sum_minor,
                                    max_minor=most, what=what)
