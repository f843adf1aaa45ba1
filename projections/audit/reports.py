"""Reports of all that the log holds about a subject."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from ledger.log.envelope import Entry
from ledger.log.zones import days_of
from projections.asking.answering import Past, Reading, reading_log, report
from projections.asking.clocks import Cut
from projections.asking.questions import SubjectNeeded
from projections.audit.answers import EventRow
from projections.audit.corrections import Corrections
from projections.audit.timeline import Timeline, about, marked
from projections.store.models import ReadModels
from projections.store.rows import FETCHED


def is_known(models: ReadModels, ledger: str, subject: str, cut: Cut) -> bool:
    """Whether any event is about a subject, up to the position of a cut. Errors: R-PRJ-01."""
    if models.store.streams(ledger, [subject], upto=1):
        return True
    with reading_log(models, ledger, Timeline, cut._replace(occurred_us=None)) as reading:
        return next(about(reading, subject), None) is not None


def _may_be_asked(models: ReadModels, ledger: str, subject: str, cut: Cut) -> bool:
    return cut.closed or is_known(models, ledger, subject, cut)


@report(Timeline, Past.LOG, name="timeline", knows=_may_be_asked, row=EventRow)
def timeline(reading: Reading) -> Iterator[dict[str, Any]]:
    """Every event about a subject in log order. Shapes: objects as `timeline.shown` makes them.

    Errors: SubjectNeeded (R-PRJ-10), NothingRecorded (R-PRJ-07), PositionBeyondHead (R-PRJ-05),
    ReadModelsUnready (R-PRJ-01).
    """
    if reading.question.subject is None:
        raise SubjectNeeded(example="order:taobao:云杉书店:123")
    return _rows(reading, about(reading, reading.question.subject, after=reading.question.after))


def _rows(reading: Reading, entries: Iterator[Entry]) -> Iterator[dict[str, Any]]:
    store, ledger = reading.models.store, reading.ledger
    days = days_of(store, ledger)
    while page := list(islice(entries, FETCHED)):
        corrections = Corrections.about(store, ledger, page, takes=reading.cut.takes)
        for entry in page:
            yield marked(entry, days, corrections.of(entry.position))
