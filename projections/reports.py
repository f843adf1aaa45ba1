"""Reports by name, each as of any moment: what the command line and the API ask for.

The present is answered from the read models, the past by a replay of the log.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from ledger.common.errors import NotFound
from projections import deductions, policies, returns
from projections.asking.answering import Listing, Report, listed
from projections.asking.questions import PRESENT, Answer, Question
from projections.audit.reports import timeline
from projections.orders import fulfilment, queues
from projections.orders.reports import orders, reconciliation, revenue, takings_of
from projections.people import reports as people_reports
from projections.scores import grading
from projections.scores import reports as score_table
from projections.scores import terms as score_terms
from projections.stock import approvals, prices, transfers
from projections.stock import reports as stock_reports
from projections.store.models import ReadModels


class UnknownReport(NotFound):
    """There is no report named {name!r}. There are: {known}."""

    code: ClassVar[str] = "unknown_report"
    rule: ClassVar[str] = "R-PRJ-09"


def run(models: ReadModels, ledger: str, name: str, question: Question = PRESENT) -> Answer:
    """A report by its name, after the read models caught up with the log.

    Errors: UnknownReport (R-PRJ-09); those of the report.
    """
    report = _named(name)
    models.catch_up(ledger)
    return report(models, ledger, question)


@contextmanager
def listing(
    models: ReadModels, ledger: str, name: str, question: Question = PRESENT
) -> Iterator[Listing]:
    """The same, row by row. Errors: those of `run`, some only with the rows."""
    report = _named(name)
    models.catch_up(ledger)
    with listed(report, models, ledger, question) as found:
        yield found


def _named(name: str) -> Report:
    report = REPORTS.get(name)
    if report is None:
        raise UnknownReport(name=name, known=", ".join(sorted(REPORTS)))
    return report


REPORTS: dict[str, Report] = {
    **stock_reports.REPORTS,
    **transfers.REPORTS,
    **approvals.REPORTS,
    **prices.REPORTS,
    **fulfilment.REPORTS,
    **queues.REPORTS,
    **returns.REPORTS,
    **deductions.REPORTS,
    **people_reports.REPORTS,
    "scores": score_table.scores,
    "grading": grading.grading,
    "score-history": score_table.history,
    "score-terms": score_terms.terms,
    "score-warnings": score_table.warnings,
    "closings": score_table.closings,
    "policies": policies.policies,
    "orders": orders,
    "reconciliation": reconciliation,
    "revenue": revenue,
    "takings": takings_of,
    "timeline": timeline,
}
