"""Months that finance signs, with the figures as the report shows them."""

from ledger.application import Ledger
from ledger.reconciliation.commands import SignReconciliation
from ledger.reconciliation.figures import Difference
from projections import reports
from projections.asking.questions import Question
from projections.store.models import ReadModels
from tests.support.builders import context
from tests.support.team import at

SIGNED = "2026-10"


def sign(
    ledger: Ledger, models: ReadModels, signer: str, *, name: str = "main", **place: str
) -> None:
    """October is signed, of all or of one shop; what differs is under investigation."""
    rows = reports.run(models, name, "reconciliation", Question(month=SIGNED, **place)).rows
    ledger.handle(SignReconciliation(
        month=SIGNED, digest=rows[0]["digest"], occurred_at=at("2026-11-02"), **place,
        differences=[Difference(currency=row["currency"], amount_minor=row["difference_minor"],
                                cause="under_investigation")
                     for row in rows if row["difference_minor"]]),
        context(actor=signer, role="finance"))
