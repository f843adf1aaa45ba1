"""Reports by name, each as of any moment: what the command line and the API ask for.

The present is answered from the read models, the past by a replay of the log.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any, ClassVar

from ledger.common.errors import NotFound
from projections import deductions, policies, returns
from projections.asking.clocks import NOW, Cut, header
from projections.asking.questions import PRESENT, Answer, Question, SubjectNeeded, noted
from projections.audit import timeline as timelines
from projections.orders import fulfilment
from projections.orders import reconciliation as sums
from projections.orders import rows as order_rows
from projections.orders.book import OrderBook
from projections.orders.replay import NothingRecorded, past, replay
from projections.people import reports as people_reports
from projections.scores import grading
from projections.scores import reports as score_table
from projections.scores import terms as score_terms
from projections.stock import reports as stock_reports
from projections.store.models import ReadModels
from projections.store.rows import Rows


class UnknownReport(NotFound):
    """There is no report {name!r}; there are {known}."""

    code: ClassVar[str] = "unknown_report"
    rule: ClassVar[str] = "R-PRJ-09"



Report = Callable[[ReadModels, str, Question], Answer]


def run(models: ReadModels, ledger: str, name: str, question: Question = PRESENT) -> Answer:
    """A report by its name, after the read models caught up with the log.

    Errors: UnknownReport (R-PRJ-09); those of the report.
    """
    report = REPORTS.get(name)
    if report is None:
        raise UnknownReport(name=name, known=", ".join(sorted(REPORTS)))
    models.catch_up(ledger)
    return report(models, ledger, question)


def orders(models: ReadModels, ledger: str, question: Question = PRESENT) -> Answer:
    """The orders of a channel and shop, or one by its subject, sorted by subject.

    Errors: ReadModelsUnready (R-PRJ-01), PositionBeyondHead (R-PRJ-05), NothingRecorded (R-PRJ-07)
    for a subject that the ledger does not know.
    """
    subject = question.subject
    if subject is not None and not models.store.streams(ledger, [subject], upto=1):
        raise NothingRecorded(ledger=ledger, subject=subject)

    def rows(connection: Any) -> list[dict[str, Any]]:
        if subject is not None:
            return list(order_rows.report(connection, ledger, subjects=[subject]))
        found = sums.places(connection, ledger, question.channel, question.shop)
        prefixes = [f"order:{channel}:{shop}:" for channel, shop in found]
        if question.channel is None and question.shop is None:
            prefixes = ["order:"]
        found_rows = order_rows.report(connection, ledger, prefixes=prefixes,
                                       beyond=question.beyond)
        return list(islice(found_rows, question.limit))

    if subject is None or question.as_of.now:
        return _answer(models, ledger, question, rows)
    replayed = replay(models.store, ledger, [subject], until=question.as_of)
    return noted(Answer(replayed.as_of, replayed.orders), question)


def reconciliation(models: ReadModels, ledger: str, question: Question = PRESENT) -> Answer:
    """What orders, payments and refunds add up to: one object per currency.

    Errors: ReadModelsUnready (R-PRJ-01), PositionBeyondHead (R-PRJ-05).
    """
    return _answer(models, ledger, question, lambda connection: sums.report(
        connection, ledger, channel=question.channel, shop=question.shop))


def _answer(
    models: ReadModels, ledger: str, question: Question,
    rows: Callable[[Any], list[dict[str, Any]]],
) -> Answer:
    as_of = question.as_of
    if as_of.now:
        with models.reading(ledger, OrderBook.name) as (connection, known):
            found = rows(connection)
        head = header(models.store, ledger, as_of, Cut(known.position))
        if known.error_position is not None:
            head["notes"].append(f"the read model {known.projection} stopped before position "
                                 f"{known.error_position}")
        return noted(Answer(head, found), question)
    cut = as_of.resolve(models.store, ledger)
    with past(models.store, ledger, cut, OrderBook()) as connection:
        answer = Answer(header(models.store, ledger, as_of, cut), rows(connection))
    return noted(answer, question)


def timeline(models: ReadModels, ledger: str, question: Question) -> Answer:
    """Every event about a subject in log order. Shapes: objects as `timeline.shown` makes them.

    Errors: SubjectNeeded (R-PRJ-10), NothingRecorded (R-PRJ-07), PositionBeyondHead (R-PRJ-05),
    ReadModelsUnready (R-PRJ-01).
    """
    if question.subject is None:
        raise SubjectNeeded
    store, subject = models.store, question.subject
    cut = question.as_of.resolve(store, ledger)
    everything = NOW.resolve(store, ledger)
    with models.reading(ledger, timelines.Timeline.name) as (connection, known):
        at = (store, Rows(connection), known, subject)
        if not list(timelines.about(*at, ledger=ledger, cut=everything, limit=1)):
            raise NothingRecorded(ledger=ledger, subject=subject)
        found = timelines.about(*at, ledger=ledger, cut=cut, after=question.after,
                                limit=question.limit)
        rows = [timelines.shown(entry) for entry in found]
    return noted(Answer(header(store, ledger, question.as_of, cut), rows), question)


def streams_about(models: ReadModels, ledger: str, subjects: list[str]) -> list[str]:
    """The streams whose events are about these subjects: what a dispute over them replays.

    Errors: NothingRecorded (R-PRJ-07).
    """
    streams: set[str] = set()
    cut = NOW.resolve(models.store, ledger)
    with models.reading(ledger, timelines.Timeline.name) as (connection, known):
        for subject in subjects:
            found = {entry.stream for entry in timelines.about(
                models.store, Rows(connection), known, subject, ledger=ledger, cut=cut)}
            if not found:
                raise NothingRecorded(ledger=ledger, subject=subject)
            streams |= found
    return sorted(streams)


REPORTS: dict[str, Report] = {
    **stock_reports.REPORTS,
    **fulfilment.REPORTS,
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
    "timeline": timeline,
}
