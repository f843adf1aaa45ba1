"""Reports of all that the log holds about a subject."""

from projections.asking.clocks import NOW, header
from projections.asking.past import NothingRecorded
from projections.asking.questions import Answer, Question, SubjectNeeded, noted
from projections.audit import timeline as timelines
from projections.store.models import ReadModels
from projections.store.rows import Rows


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
