"""How a report is answered: what it reads, as of when that is, and what is to be said about it.

The present is always in the rows of a read model; where the past is depends on the report.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import Enum, auto
from functools import wraps
from itertools import islice
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Select

from ledger.common.days import Days
from ledger.common.phrases import Phrase
from ledger.log.zones import days_of
from projections.asking.clocks import AsOf, Cut
from projections.asking.clocks import header as header_of
from projections.asking.columns import Columns
from projections.asking.filters import filters_of, passing
from projections.asking.headers import Header
from projections.asking.later import is_spoken_of, must_know
from projections.asking.names import ORDERS
from projections.asking.notes import nothing_there
from projections.asking.past import nothing_of, past_of
from projections.asking.periods import Period, period_of
from projections.asking.questions import PRESENT, Answer, Question
from projections.asking.sorting import Sort, sort_of
from projections.asking.typed import typed
from projections.store.folding import Projection
from projections.store.models import ReadModels
from projections.store.rows import Progress


class Past(Enum):
    """Where a report finds the past.

    ROWS: the rows serve every cut, by themselves or with the streams that they name. REPLAY: the
    log is folded again, into tables that are thrown away. STREAM: likewise, but only the
    subject's own stream. LOG: the rows are an index only, and the log itself is read, to its head.
    """

    ROWS = auto()
    REPLAY = auto()
    STREAM = auto()
    LOG = auto()


class Reading(NamedTuple):
    """What a report reads. `as_of` is the header of its answer, to which it may add.

    `connection` reads the tables of the report's projection, folded up to the position `folded`,
    whose event has the hash `leaf` where the rows say so;
    `cut` is the part of the log that is to answer. `of_log`: the rows are an index only, and the
    log itself is read, to the end of the cut. `sort` is the order that is asked for.
    """

    models: ReadModels
    ledger: str
    projection: str
    question: Question
    connection: Connection
    cut: Cut
    folded: int
    as_of: dict[str, Any]
    of_log: bool = False
    leaf: bytes | None = None
    sort: Sort | None = None
    knows: "KnownByRows | None" = None

    @property
    def id(self) -> bytes:
        """The id of the ledger, under which the tables keep its rows."""
        return self.models.store.id_of(self.ledger)

    @property
    def days(self) -> Days:
        """The days of the ledger."""
        return days_of(self.models.store, self.ledger)

    @property
    def now(self) -> bool:
        """Whether the present is asked for."""
        return self.question.as_of.now

    def note(self, *sentences: str) -> None:
        """Add notes to the answer."""
        self.as_of["notes"].extend(sentences)

    def period(self) -> Period:
        """The period that is asked about, which is noted. Errors: those of `period_of`."""
        found = period_of(self.question, self.days)
        if found.note is not None:
            self.note(found.note)
        return found

    def in_order(self, query: Select[Any], columns: Mapping[str, Any]) -> Select[Any]:
        """A query in the order that is asked for, after the place where it begins; `columns` hold
        in its tables what the rows have."""
        assert self.sort is not None
        return self.sort.of_query(query, columns, self.question.beyond)

    def must_know(self, *subjects: str) -> None:
        """Check that nothing which the rows do not hold yet is about subjects. Errors: NotYetKnown
        (R-PRJ-18)."""
        cut = self.cut
        must_know(self.models.store, self.ledger, self.projection, subjects, between=(
            self.folded, cut.head.position if self.now else cut.position))

    def _must_hold(self, subject: str) -> None:
        """Errors: NothingRecorded (R-PRJ-07)."""
        knows = self.knows
        if knows is not None and self.now and not knows.holds(self.connection, self.id, subject):
            raise nothing_of(self.ledger, subject)

    def wanted(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """As many rows as are wanted; an empty answer says what it is empty of. Errors:
        NothingRecorded (R-PRJ-07), where rows say what is known and none is about the subject."""
        row = None
        for row in islice(rows, self.question.limit):
            yield row
        if row is not None:
            return
        if self.question.subject is not None and not self.of_log:
            self.must_know(self.question.subject)
            self._must_hold(self.question.subject)
        self.note(*nothing_there(self.question, self.as_of))


class Report(Protocol):
    """A report. Errors: R-PRJ-01, R-PRJ-05, R-PRJ-18, R-PRJ-07 for a subject that the ledger does
    not know."""

    def __call__(
        self, models: ReadModels, ledger: str, question: Question = PRESENT, /
    ) -> Answer:
        """Answer a question."""
        ...


class Listing(NamedTuple):
    """An answer whose rows come one by one; what it is as of is known once they all have. `leaf` as
    `Answer` has it."""

    as_of: dict[str, Any]
    rows: Iterator[dict[str, Any]]
    leaf: bytes = b""


Knows = Callable[[ReadModels, str, str, Cut], bool]
"""Whether a ledger knows a subject. Where the cut is closed any that may ever begin is known:
what begins later must not change the answer."""


class KnownByRows:
    """Subjects that rows of a report's own projection are about. `holds` looks them up: of the
    present in the snapshot that the report itself reads, and only where that has no row of it."""

    def __init__(
        self, projection: Callable[[], Projection], holds: Callable[[Connection, bytes, str], bool]
    ) -> None:
        self.projection = projection
        self.holds = holds

    def __call__(self, models: ReadModels, ledger: str, subject: str, cut: Cut) -> bool:
        """As `Knows`."""
        if cut.closed:
            return True
        with models.reading(ledger, self.projection().name, cut.head) as (connection, _):
            return self.holds(connection, models.store.id_of(ledger), subject)


def recorded(*kinds: str) -> Knows:
    """Subjects that are streams, of some kinds or of any, and hold an event."""
    def knows(models: ReadModels, ledger: str, subject: str, cut: Cut) -> bool:
        return (not kinds or subject.partition(":")[0] in kinds) and (
            cut.closed or bool(models.store.streams(ledger, [subject], upto=1)))

    return knows


@contextmanager
def answering(
    models: ReadModels, ledger: str, projection: Callable[[], Projection], question: Question, *,
    past: Past, knows: Knows | None = None,
) -> Iterator[Reading]:
    """What a report reads to answer a question. `knows` says which subjects may be asked for.

    Errors: R-PRJ-01, R-PRJ-05, NothingRecorded (R-PRJ-07) for a subject that is not known.
    """
    subject, name = question.subject, projection().name
    cut = question.as_of.resolve(models.store, ledger)  # before anything else is read
    now = question.as_of.now
    if now and isinstance(knows, KnownByRows):
        with _of_present(models, ledger, projection, question, cut=cut, past=past) as reading:
            yield reading._replace(knows=knows)
        return
    if knows is not None and subject is not None and not knows(models, ledger, subject, cut):
        if now:
            with _present(models, ledger, projection, cut, subject=subject, past=past):
                pass  # it may be known by now
        if not now or not knows(models, ledger, subject, cut):
            with reading_log(models, ledger, projection, cut) as reading:
                must_know(models.store, ledger, name, (subject,), between=(
                    reading.folded, cut.head.position))
            raise nothing_of(ledger, subject)
    if past in (Past.REPLAY, Past.STREAM) and not now:
        with past_of(models.store, ledger, cut, projection(),
                     stream=subject if past is Past.STREAM else None) as connection:
            yield Reading(models, ledger, name, question, connection, cut, cut.position,
                          header_of(models.store, ledger, cut))
        return
    with _of_present(models, ledger, projection, question, cut=cut, past=past) as reading:
        yield reading


@contextmanager
def _of_present(
    models: ReadModels, ledger: str, projection: Callable[[], Projection], question: Question, *,
    cut: Cut, past: Past,
) -> Iterator[Reading]:
    """The rows of a read model as they are, with their header. Errors: R-PRJ-01."""
    with _present(models, ledger, projection, cut, past=past, subject=(
            question.subject if question.as_of.now else None)) as (connection, progress):
        yield _of_rows(Reading(models, ledger, projection().name, question, connection, cut,
                               progress.position, {}), progress, past)


@contextmanager
def _present(
    models: ReadModels, ledger: str, projection: Callable[[], Projection], cut: Cut, *,
    subject: str | None, past: Past,
) -> Iterator[tuple[Connection, Progress]]:
    """The rows of a read model, which know all that was recorded about a subject: what is late is
    folded by whoever asks for it. Where that is too much at a time, or the read model has stopped,
    what hangs on its own stream alone is folded from that. Errors: R-PRJ-01. Rule: R-PRJ-33.
    """
    name, head = projection().name, cut.head.position
    with models.reading(ledger, name, cut.head) as found:
        late: bool | None = False
        if subject is not None and past is not Past.LOG:
            late = is_spoken_of(models.store, ledger, (subject,), (found[1].position, head))
        if late is False or (late is None and past is not Past.STREAM):
            yield found
            return
    if late:  # the snapshot is given back first: what is in memory cannot be read and written
        models.catch_up(ledger)
        with models.reading(ledger, name) as found:
            if past is not Past.STREAM or found[1].position >= head:
                yield found
                return
    with past_of(models.store, ledger, cut, projection(), stream=subject) as connection:
        yield connection, Progress(name, projection().version, cut.position, None)


@contextmanager
def reading_log(
    models: ReadModels, ledger: str, index: Callable[[], Projection], cut: Cut
) -> Iterator[Reading]:
    """The log as a cut has it, and an index of it that is a read model. Errors: R-PRJ-01."""
    name = index().name
    with models.reading(ledger, name, cut.head) as (connection, progress):
        yield Reading(models, ledger, name, Question(as_of=AsOf(*cut.asked)), connection, cut,
                      progress.position, {})


def _of_rows(reading: Reading, progress: Progress, past: Past) -> Reading:
    """A reading of the rows of a read model, with its header. They answer for the present as of
    where they stand; an index answers as of the log's own head."""
    cut, now = reading.cut, reading.now
    if past is not Past.LOG and now:
        cut = cut._replace(position=progress.position)
    elif past is not Past.LOG and progress.position < cut.position:
        cut = cut._replace(closed=False)  # the rows do not hold all of it yet
    found = reading._replace(
        cut=cut, of_log=past is Past.LOG,
        as_of=header_of(reading.models.store, reading.ledger, cut),
        leaf=progress.leaf if cut.position == progress.position else None)
    stopped = progress.error_position
    if stopped is not None and (now or stopped <= cut.position):
        found.note(Phrase("the read model {projection} stopped before position {position}",
                          projection=reading.projection, position=stopped))
    return found


class Made(NamedTuple):
    """What a report is made of: the projection that it reads, where it finds the past, what yields
    its rows, and how these are read: with what they are read from, and as they are wanted."""

    projection: Callable[[], Projection]
    past: Past
    rows: Callable[[Reading], Iterable[dict[str, Any]]]
    read: Callable[..., AbstractContextManager[tuple[Reading, Iterator[dict[str, Any]]]]]


_MADE: dict[Callable[..., Any], Made] = {}


def made_of(report: Callable[..., Any]) -> Made:
    """What a report is made of. Errors: KeyError for one that is made of no projection."""
    return _MADE[report]


def replays(report: Callable[..., Any], question: Question) -> bool:
    """Whether a question is answered by folding a whole log again."""
    past = _MADE[report].past if report in _MADE else None
    return not question.as_of.now and (
        past is Past.REPLAY or (past is Past.STREAM and question.subject is None))


_LISTINGS: dict[Callable[..., Answer], Callable[..., AbstractContextManager[Listing]]] = {}


@contextmanager
def listed(
    report: Report, models: ReadModels, ledger: str, question: Question
) -> Iterator[Listing]:
    """What a report answers, row by row, so that it may be longer than memory. Errors: those of the
    report, some only with its rows."""
    if report in _LISTINGS:
        with _LISTINGS[report](models, ledger, question) as found:
            yield found
    else:
        answer = report(models, ledger, question)
        yield Listing(answer.as_of, iter(answer.rows))


def report(
    projection: Callable[[], Projection], past: Past, *, name: str, row: type[Columns],
    header: type[Header] = Header, knows: Knows | None = None, in_pages: bool = False,
) -> Callable[[Callable[[Reading], Iterable[dict[str, Any]]]], Report]:
    """Make a report, called `name` in `names`, of a function that yields its rows, which hold what
    `row` says; `in_pages` as `Typed` has it. Errors: of `answering`, `filters_of`, `sort_of`."""
    def decorate(rows: Callable[[Reading], Iterable[dict[str, Any]]]) -> Report:
        @contextmanager
        def read(
            models: ReadModels, ledger: str, question: Question = PRESENT
        ) -> Iterator[tuple[Reading, Iterator[dict[str, Any]]]]:
            with answering(models, ledger, projection, question, past=past, knows=knows) as reading:
                filters = filters_of(name, row, question, reading.as_of, days=reading.days)
                sort = sort_of(name, row, question) if name in ORDERS else None
                found = passing(filters, rows(reading._replace(sort=sort)))
                if sort is not None and not in_pages:
                    found = sort.sorted(found)
                yield reading, reading.wanted(found)

        @contextmanager
        def listing(
            models: ReadModels, ledger: str, question: Question = PRESENT
        ) -> Iterator[Listing]:
            with read(models, ledger, question) as (reading, found):
                yield Listing(reading.as_of, found, reading.leaf or b"")

        @wraps(rows)
        def made(models: ReadModels, ledger: str, question: Question = PRESENT) -> Answer:
            with listing(models, ledger, question) as (as_of, found, leaf):
                return Answer(as_of, list(found), leaf)

        _LISTINGS[made] = listing
        _MADE[made] = Made(projection, past, rows, read)
        typed(row, header, in_pages=in_pages)(made)
        return made

    return decorate


def alongside(
    models: ReadModels, ledger: str, report: Report, question: Question, *, answer: Answer
) -> Answer:
    """What a further report answers to a question, as of the position of an answer to it.

    Errors: those of the report.
    """
    position = answer.as_of["position"]
    found = report(models, ledger, question)
    if found.as_of["position"] == position:
        return found
    # Something was recorded between the two.
    return report(models, ledger, question._replace(as_of=question.as_of.pinned(position)))
