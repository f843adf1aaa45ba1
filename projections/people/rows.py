"""Members, posts, rosters and attendance: one row a stream, and the same as of any pair of clocks.

The present is read from the rows. The past is folded from the streams that a question is about,
which the rows name, by the same code: its cost does not grow with the log.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    and_,
    or_,
    select,
)

from ledger.common.values import to_us
from ledger.core import event_types
from ledger.core.aggregate import Aggregate
from ledger.log.envelope import Entry, Outline
from ledger.log.store import gapless
from ledger.people.attendance import Attendance
from ledger.people.kept import KeptAttendance, KeptMember, KeptPost, KeptRoster
from ledger.people.member import Member
from ledger.people.posts import Post
from ledger.people.rosters import Roster
from projections.asking.answering import Reading
from projections.asking.written import Sealed
from projections.store.rows import Key, ledger_column, metadata
from projections.store.stream_rows import StreamRows, text_of, topics_of

people = Table(
    "people", metadata,
    ledger_column(),
    Column("subject", Key, nullable=False),
    Column("kind", Key, nullable=False),
    Column("month", Key, nullable=False),
    Column("state", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", name="people_pk"),
    Index("people_kind", "ledger", "kind", "month", "subject"),
    sqlite_with_rowid=False,
)
"""`state` is `Notes` and what is kept of the aggregate, as one JSON object; `month` is that of
attendance, and empty for all else."""


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """What reports show of leave, or of a fact of attendance, and no rule needs.

    `position` is that of the last event about it, `at` when it was recorded. Units: `at` in
    microseconds UTC.
    """

    position: int
    at: int
    reason: Sealed | None = None
    recorded_by: str | None = None
    corrected_by: str | None = None
    shift: str | None = None
    minutes: int | None = None
    minutes_early: int | None = None
    reported_at: int | None = None
    attachments: Sealed | None = None


class Notes(msgspec.Struct, omit_defaults=True):
    """What a row keeps besides."""

    notes: dict[str, Note] = {}


KINDS: dict[str, tuple[type[Aggregate], Any]] = {
    Member.KIND: (Member, KeptMember), Post.KIND: (Post, KeptPost),
    Roster.KIND: (Roster, KeptRoster), Attendance.KIND: (Attendance, KeptAttendance)}
"""The aggregate of each kind, and what is kept of it."""

TAKEN = topics_of(*(cls for cls, _ in KINDS.values()))


def kind_of(stream: str) -> str:
    """The kind of a stream."""
    return stream.partition(":")[0]


class Tracked(msgspec.Struct):
    """A member, a post, a roster or a month of attendance while events are folded into it."""

    thing: Any
    notes: dict[str, Note]
    position: int

    @classmethod
    def blank(cls, stream: str) -> "Tracked":
        """Nothing is known of it."""
        return cls(KINDS[kind_of(stream)][0].blank(stream), {}, 0)

    @classmethod
    def of_row(cls, row: Row[Any]) -> "Tracked":
        """What a row keeps."""
        kept = msgspec.json.decode(row.state, type=KINDS[row.kind][1])
        notes = msgspec.json.decode(row.state, type=Notes).notes
        return cls(kept.restored(row.subject), notes, row.position)

    def row(self, ledger: bytes) -> tuple[Any, ...]:
        """The row that stores this."""
        stream, kind = self.thing.id, kind_of(self.thing.id)
        kept = KINDS[kind][1].of(self.thing)
        month = self.thing.month if kind == Attendance.KIND else ""
        return ledger, stream, kind, month, text_of(Notes(self.notes), kept), self.position

    def take(self, entry: Entry | Outline, event: Any) -> None:
        """Take an event. As of a moment of the business, what it is about may not be known yet."""
        event.apply(self.thing)
        self.position = entry.position
        number = str(getattr(event, "number", ""))
        note = _note(self.notes.get(number), entry, event)
        if note is not None:
            self.notes = {**self.notes, number: note}


def _note(before: Note | None, entry: Entry | Outline, event: Any) -> Note | None:
    """What is to be noted after an event; None where what it is about is not known."""
    if isinstance(event, Member.LeaveRequested):
        return Note(entry.position, entry.occurred_at, Sealed.of(entry, event.reason, "reason"),
                    reported_at=None if event.reported_at is None else to_us(event.reported_at),
                    attachments=Sealed.of(entry, event.attachments, "attachments"))
    if isinstance(event, Attendance.Recorded):
        return Note(entry.position, entry.occurred_at, recorded_by=event.recorded_by,
                    shift=event.shift, minutes=event.minutes,
                    minutes_early=event.minutes_early)
    if before is None:
        return None
    return msgspec.structs.replace(
        before, position=entry.position,
        reason=Sealed.of(entry, getattr(event, "reason", None), "reason") or before.reason,
        corrected_by=getattr(event, "corrected_by", None))


class People(StreamRows[Tracked]):
    """Folds members, posts, rosters and attendance."""

    name: ClassVar[str] = "people"
    tables: ClassVar[tuple[Table, ...]] = (people,)
    taken: ClassVar[frozenset[str]] = TAKEN

    def blank(self, entry: Entry | Outline, event: Any) -> Tracked:
        """Nothing is known of it."""
        return Tracked.blank(entry.stream)

    def of_row(self, row: Row[Any]) -> Tracked:
        """What a row keeps."""
        return Tracked.of_row(row)


def _take(found: dict[str, Tracked], entry: Entry, event: Any) -> None:
    if entry.stream not in found:
        found[entry.stream] = Tracked.blank(entry.stream)
    found[entry.stream].take(entry, event)


# -- as of any moment -----------------------------------------------------------------------------


class Wanted(NamedTuple):
    """Which streams a question is about, by kind: these (None: all); attendance of one month."""

    streams: Mapping[str, Collection[str] | None]
    month: str | None = None

    def takes(self, stream: str) -> bool:
        """Whether a stream is one of them."""
        kind = kind_of(stream)
        if (only := self.streams.get(kind, ())) is not None:
            return stream in only
        return kind != Attendance.KIND or stream.endswith(f":{self.month}")

    def where(self) -> ColumnElement[bool]:
        """The same as a condition on rows."""
        return or_(*(self._of(kind, only) for kind, only in self.streams.items()))

    def _of(self, kind: str, only: Collection[str] | None) -> ColumnElement[bool]:
        if only is not None:
            return people.c.subject.in_(only)
        if kind == Attendance.KIND:
            return and_(people.c.kind == kind, people.c.month == self.month)
        return people.c.kind == kind


class Known(dict[str, Tracked]):
    """What was known at a cut, by stream."""

    def of(self, kind: str) -> dict[str, Tracked]:
        """Those of a kind, sorted by stream."""
        return {stream: self[stream] for stream in sorted(self) if kind_of(stream) == kind}


def known_at(reading: Reading, wanted: Wanted) -> Known:
    """What was known of some streams."""
    store, ledger, cut = reading.models.store, reading.ledger, reading.cut
    rows = reading.connection.execute(
        select(people if reading.now else people.c.subject).where(
            people.c.ledger == reading.id, wanted.where())).fetchall()
    if reading.now:
        return Known({row.subject: Tracked.of_row(row) for row in rows})
    streams = {row.subject for row in rows} | set(_newer(reading, wanted))
    found = Known()
    for entry in store.streams(ledger, sorted(streams)) if streams else ():
        if cut.takes(entry):
            _take(found, entry, event_types.decode(entry))
    return found


def _newer(reading: Reading, wanted: Wanted) -> Iterator[str]:
    """The streams of events that the rows do not know yet."""
    after, until = reading.folded, reading.cut.position
    while after < until and (found := reading.models.store.outlines(
            reading.ledger, after=after, until=until)):
        gapless(found, reading.ledger, after=after)
        yield from (one.stream for one in found if one.type in TAKEN and wanted.takes(one.stream))
        after = found[-1].position
