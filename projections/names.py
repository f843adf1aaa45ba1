"""What things are called: their numbers and names, found by how they begin or end.

A row says of a word whose it is, so that what somebody types, such as the last digits of an order's
number, is found by an index. Nothing in it is personal.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple
from urllib.parse import unquote

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    false,
    select,
    tuple_,
)

from ledger.common.days import Days
from ledger.common.values import taken
from ledger.deductions.deduction import Deduction
from ledger.imports.record import Import
from ledger.log.envelope import Entry, Outline
from ledger.orders.order import Order
from ledger.people.member import Member
from ledger.returns.case import Case
from ledger.stock.movements import Movement
from ledger.stock.skus import Sku
from ledger.stock.transfers import Transfer
from ledger.stock.warehouses import Warehouse
from projections.asking.answering import Past, Reading, answering
from projections.asking.by_subject import LAST, in_chunks
from projections.asking.columns import Columns, Subject, code, says
from projections.asking.headers import Header
from projections.asking.questions import PRESENT, Question
from projections.store.folding import Fact
from projections.store.models import ReadModels
from projections.store.rows import Change, Key, Rows, ledger_column, metadata
from projections.store.stream_rows import topics_of

WAYBILL = "waybill"
OWN = tuple(cls.KIND for cls in (
    Order, Case, Sku, Warehouse, Transfer, Movement, Import, Member, Deduction))
"""The kinds of things that are called by the last part of their stream."""

KINDS = (*OWN, WAYBILL)
"""What a word can be."""

SHORTEST = 2
"""Characters of a text that is looked for, at the least."""

names = Table(
    "names", metadata,
    ledger_column(),
    Column("kind", Key, nullable=False),
    Column("word", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("backwards", Key, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "kind", "word", "subject", name="names_pk"),
    Index("names_backwards", "ledger", "kind", "backwards"),
    sqlite_with_rowid=False,
)
"""`word` is in small letters, `backwards` is it from its end; `position` is that of the event that
said it last."""


def word_of(subject: str) -> str:
    """What a thing is called: the last part of its stream. A number that was used again is the same
    word."""
    return _folded(unquote(subject.rpartition(":")[2].partition("~")[0]))


def _folded(text: str) -> str:
    return taken(text).lower()


class Names:
    """Folds what things are called."""

    name: ClassVar[str] = "names"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (names,)
    taken: ClassVar[frozenset[str]] = frozenset({
        Order.Placed.TOPIC, Order.Dispatched.TOPIC, Import.Started.TOPIC,
        Import.Refused.TOPIC, Deduction.Proposed.TOPIC,
        Case.Requested.TOPIC, Case.ParcelReceived.TOPIC, Case.Declared.TOPIC}) | topics_of(
            Sku, Warehouse, Transfer, Movement, Member)

    def load(
        self, rows: Rows, ledger: bytes, entries: Sequence[Outline], *, days: Days
    ) -> dict[Any, Any]:
        """Nothing: a row hangs on its event alone."""
        return {"ledger": ledger}

    def fold(self, state: dict[Any, Any], facts: Iterable[Fact]) -> None:
        """Take what begins, and the waybills."""
        for entry, event in facts:
            if entry.version == 1 and entry.type in self.taken:
                kind = entry.stream.partition(":")[0]
                state[kind, word_of(entry.stream), entry.stream] = entry.position
            if entry.type == Order.Dispatched.TOPIC and event.waybill is not None:
                state[WAYBILL, _folded(event.waybill), entry.stream] = entry.position

    def changes(self, state: dict[Any, Any]) -> Iterator[Change]:
        """The rows."""
        ledger = state.pop("ledger")
        yield Change(names, [], [
            (ledger, *key, key[1][::-1], position) for key, position in sorted(state.items())])


class NameRow(Columns):
    """Something that was found by what it is called."""

    kind: Annotated[str, code(*OWN), says("What it is.")]
    subject: Annotated[Subject, says("Its stream.")]
    found_by: Annotated[str, code(*KINDS), says("Which of its names it was found by.")]
    text: Annotated[str, says("All of that name, in small letters.")]
    position: Annotated[int, says("The position of the event that gave it the name.")]


class SearchHeader(Header, kw_only=True):
    """As of what a search is."""

    more: Annotated[bool, says("Whether there is more than is shown.")]


class Found(NamedTuple):
    """What was found: as of when, and rows of kind (of the thing), subject, found_by (what the text
    is part of: one of `KINDS`), text (all of it) and position; `more` where there are more."""

    as_of: dict[str, Any]
    rows: list[dict[str, Any]]
    more: bool


def find(
    models: ReadModels, ledger: str, text: str, *, kinds: Collection[str], limit: int
) -> Found:
    """The things of some kinds that are called by a text, then those whose name ends or begins with
    it, the newest first. Errors: ReadModelsUnready (R-PRJ-01)."""
    word = _folded(text)
    if ":" in word and word.partition(":")[0] in OWN:  # a subject, as other answers have it
        word = word_of(word)
    with answering(models, ledger, Names, PRESENT, past=Past.ROWS) as reading:
        rows = {(row.kind, row.subject): row
                for kind in kinds for row in _called(reading, kind, word, limit + 1)}
    ranked = sorted(rows.values(), key=lambda row: (row.word != word, -row.position, row.kind,
                                                    row.subject))
    return Found(reading.as_of, [
        {"kind": row.subject.partition(":")[0], "subject": row.subject, "found_by": row.kind,
         "text": row.word, "position": row.position} for row in ranked[:limit]],
        len(ranked) > limit)


def _called(reading: Reading, kind: str, word: str, limit: int) -> Iterator[Any]:
    """Rows of a kind whose word ends or begins with a text: two looks at an index."""
    for column, begin in ((names.c.word, word), (names.c.backwards, word[::-1])):
        yield from reading.connection.execute(_beginning(reading.id, kind, column, begin)
                                              .limit(limit))


def _beginning(ledger: bytes, kind: str, column: Any, begin: str) -> Any:
    return select(names).where(
        names.c.ledger == ledger, names.c.kind == kind, column >= begin,
        column <= begin + LAST).order_by(column)


Row = dict[str, Any]


def _any(row: Row) -> bool:
    return True


class Wanted(NamedTuple):
    """Which things are listed: those of a kind of which `shown` makes rows that `takes` lets
    through; by their names, or `by_age` by when they began; `down`: the last ones first."""

    kind: str
    shown: Callable[[Sequence[Entry]], Row]
    takes: Callable[[Row], bool] = _any
    by_age: bool = False
    down: bool = False


class Page(NamedTuple):
    """Some things of a kind: as of when, and the row of each by its stream."""

    as_of: dict[str, Any]
    things: dict[str, Row]


def things(models: ReadModels, ledger: str, wanted: Wanted, question: Question) -> Page:
    """The things of a kind in their order, as many as are wanted, each as of when it is asked:
    those of which nothing is known then are left out. They begin after the thing whose stream is
    `beyond`. Errors: R-PRJ-01, R-PRJ-05."""
    with answering(models, ledger, Names, question, past=Past.ROWS) as reading:
        found: dict[str, Row] = {}
        for chunk in in_chunks(reading, _listed(reading, wanted)):
            entries: dict[str, list[Entry]] = {row.subject: [] for row in chunk}
            for entry in filter(reading.cut.takes, models.store.streams(ledger, list(entries))):
                entries[entry.stream].append(entry)
            rows = {one: wanted.shown(known) for one, known in entries.items() if known}
            found |= {one: row for one, row in rows.items() if wanted.takes(row)}
            if question.limit is not None and len(found) >= question.limit:
                break
        return Page(reading.as_of, dict(list(found.items())[:question.limit]))


def _listed(reading: Reading, wanted: Wanted) -> Any:
    """The subjects of a kind, in an order that never changes."""
    query = select(names.c.subject).where(
        names.c.ledger == reading.id, names.c.kind == wanted.kind,
        names.c.position <= reading.cut.position)
    order = [names.c.position] if wanted.by_age else [names.c.word, names.c.subject]
    if reading.question.beyond is not None:
        (last,) = reading.question.beyond
        place = reading.connection.execute(select(*order).where(
            names.c.ledger == reading.id, names.c.kind == wanted.kind,
            names.c.subject == last)).first() or ()
        query = query.where(tuple_(*order) < tuple_(*place) if wanted.down else
                            tuple_(*order) > tuple_(*place)) if place else query.where(false())
    return query.order_by(*(one.desc() if wanted.down else one for one in order))
