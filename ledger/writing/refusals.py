"""Refusals on record: what a rule refused leaves an event, and too much of the same is counted.

The first 20 refusals within an hour of one actor and rule are recorded one by one, whatever they
are about, each before its caller has the answer. The 20th names the time until which more of the
same are only counted. The count is kept in memory and recorded as one event when the hour is over,
when the ledger is closed, and earlier whenever it has grown to as many as the log holds of that
hour. A process that is killed therefore loses less than half of what it refused in that hour, and
the 20th refusal shows that a count may be missing. Each process has hours and twenties of its own.
A refusal that could not be recorded is counted, too. One of which nobody knows whether it was,
since the connection broke at the commit, is looked up and recorded later, under the same id.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from ledger.common.context import Context
from ledger.common.errors import Refused
from ledger.common.phrases import Phrase
from ledger.common.values import from_us, subject
from ledger.core.accounts import Account
from ledger.core.aggregate import Aggregate, event
from ledger.core.postings import held_in
from ledger.log.bounds import NAME_BYTES
from ledger.log.envelope import Entry
from ledger.log.randomness import random_16, uuid7
from ledger.log.store import Head
from ledger.writing.entries import Origin, entry_of
from ledger.writing.tasks import DONE, Task
from ledger.writing.work import Work

EACH = 20
"""Refusals of one actor and rule that are recorded one by one in an hour."""

HOUR_US = 3_600_000_000
RETRY_US = 60_000_000
MAX_HOURS = 10_000
"""Hours that are kept; beyond that the oldest is forgotten, and its twenty begin again."""

_subject = re.compile("[a-z]+(:[0-9A-Za-z㐀-鿿._%~@-]+)+").fullmatch
"""What a subject looks like. Any other text may be a person's name, so it is not recorded."""

Detail = str | int | bool | None


class Attempts(Aggregate):
    """What came of one command id but for its changes; its stream is `command:<id>`. A count of
    refusals has an id of its own."""

    KIND = "command"

    def begin(self) -> None:
        """The state before the first event: nothing was refused, and nothing was done."""
        self.refused = 0
        self.done = False

    class Refused(Aggregate.Event):
        """A rule refused the command, which changed nothing.

        `details` are the values that the rule's message names. The 20th refusal within an hour of
        one actor and rule has `counted_until`: until then more of them are counted.
        """

        TOPIC = "command.refused.v1"
        command: str
        rule: str
        code: str
        subjects: list[str] = []
        details: dict[str, Detail] = {}
        counted_until: datetime | None = None

        def about(self) -> list[str]:
            """The streams that the command named."""
            return self.subjects

    class RefusalsCounted(Aggregate.Event):
        """This many refusals of one actor and rule are not recorded one by one.

        The first of them was at `since`, the last at `until`; the request's hash is the last one's.
        `subjects` are the first 20 streams that they were about.
        """

        TOPIC = "command.refusals_counted.v1"
        rule: str
        code: str
        count: int
        since: datetime
        until: datetime
        subjects: list[str] = []

        def about(self) -> list[str]:
            """The first streams that the commands named."""
            return self.subjects

    class Done(Aggregate.Event):
        """The command was accepted and changed nothing; a repeat of it does nothing, either.

        Only a command whose id its client chose leaves it.
        """

        TOPIC = DONE
        command: str
        subjects: list[str] = []

        def about(self) -> list[str]:
            """The streams that the command named."""
            return self.subjects

    @event(Refused)
    def _refused(self):
        self.refused += 1

    @event(RefusalsCounted)
    def _refusals_counted(self, count):
        self.refused += count

    @event(Done)
    def _done(self):
        self.done = True


def done(task: Task, work: Work) -> list[Any]:
    """The fact that a command was accepted and changed nothing."""
    attempts: Attempts = work.load(Attempts, task.stream)
    attempts._done(command=task.command.NAME, subjects=_subjects(task),
                   occurred_at=from_us(work.now))
    del work.touched[Attempts, task.stream]  # nobody asks for it again
    return list(attempts.collect_events())


def _subjects(task: Task) -> list[str]:
    """The streams that a command named, if an event can be about them, and what the accounts that
    it named hold: a refusal posts to none, so it is about none."""
    names = (held_in(name) if issubclass(cls, Account) else name
             for cls, name in task.command.streams())
    return [name for name in dict.fromkeys(names)
            if _subject(name) and len(name.encode()) <= NAME_BYTES]


class Refusal:
    """A refused attempt, as it goes on record.

    Its entry has an id of its own, not the command's: what was refused may be tried again under the
    same id, and each attempt counts.
    """

    __slots__ = ("at", "context", "entry_id", "fields", "hour", "id", "new_stream", "request_hash")

    def __init__(self, task: Task, at: int) -> None:
        error = task.result
        assert isinstance(error, Refused)
        subjects = _subjects(task)
        shown = set(subjects)  # a count names thousands
        odd = [stream for _, stream in task.command.streams() if stream not in shown]
        self.at = at
        self.id = task.command_id
        self.new_stream = task.context.command_id is None
        self.entry_id = uuid5(self.id, f"refused:{random_16().hex()}")
        self.request_hash = task.request_hash
        self.context = msgspec.structs.replace(
            task.context, correlation=task.context.correlation or self.id)
        self.hour: Hour | None = None
        self.fields: dict[str, Any] = {
            "command": task.command.NAME, "rule": error.rule, "code": error.code,
            "subjects": subjects,
            "details": {name: _detail(value) for name, value in error.details.items()
                        if value not in odd}}

    @property
    def key(self) -> tuple[str, ...]:
        """Whose repeats are counted together: actor, rule. A subject is easily made up."""
        return self.context.actor, self.fields["rule"]

    def record_in(self, attempts: Attempts) -> None:
        """Record the event."""
        attempts._refused(**self.fields, occurred_at=from_us(self.at))


def _detail(value: Any) -> Detail:
    return value if isinstance(value, Detail) and not isinstance(value, Phrase) else str(value)


class Hour:
    """An hour of refusals of one actor and rule. Units: microseconds.

    `single` is how many were to be recorded one by one, `recorded` how many the log holds in all,
    `counted` how many it does not hold yet, and `about` the first subjects of these.
    """

    __slots__ = ("about", "begins", "counted", "ends", "first", "last", "recorded", "single")

    def __init__(self, begins: int) -> None:
        self.begins, self.ends = begins, begins + HOUR_US
        self.single = self.recorded = self.counted = 0
        self.first = begins
        self.last: Refusal | None = None
        self.about: dict[str, None] = {}

    def is_over(self, now: int) -> bool:
        """Whether it has passed, or has not begun, since somebody has set the clock back."""
        return not self.begins <= now < self.ends

    def count(self, refusal: Refusal) -> None:
        """Count a refusal that is not recorded by itself."""
        if not self.counted:
            self.first = refusal.at
        self.counted += 1
        self.last = refusal
        if len(self.about) < EACH:
            self.about.update(dict.fromkeys(refusal.fields["subjects"][:1]))


class Count:
    """What an hour has counted so far, as it goes on record."""

    __slots__ = ("at", "context", "entry_id", "hour", "id", "new_stream", "number",
                 "request_hash")

    def __init__(self, hour: Hour) -> None:
        last = hour.last
        assert last is not None
        self.hour = hour
        self.number = hour.counted
        self.at = last.at
        self.id: UUID = uuid7()
        self.new_stream = True
        self.entry_id = uuid5(self.id, "counted")
        self.request_hash = last.request_hash
        self.context = Context(
            actor=last.context.actor, role=last.context.role, client=last.context.client)

    def record_in(self, attempts: Attempts) -> None:
        """Record the event."""
        assert self.hour.last is not None
        fields = self.hour.last.fields
        attempts._refusals_counted(
            rule=fields["rule"], code=fields["code"], count=self.number,
            since=from_us(self.hour.first), until=from_us(self.at),
            subjects=[*self.hour.about], occurred_at=from_us(self.at))


class Tally:
    """Decides which refusals are recorded one by one, and counts the others.

    `due_at` is when a count has to be recorded even if nothing more is refused.
    """

    def __init__(self) -> None:
        self.due_at: int | None = None
        self._hours: OrderedDict[tuple[str, ...], Hour] = OrderedDict()
        self._counting: list[Hour] = []
        self._doubtful: dict[UUID, Refusal | Count] = {}

    @property
    def in_doubt(self) -> bool:
        """Whether there are records of which nobody knows if they are in the log."""
        return bool(self._doubtful)

    def take(self, refusals: Iterable[Refusal], now: int, closing: bool) -> list[Refusal | Count]:
        """Take refusals in. Returns what is to be recorded now; `settle` must hear what was."""
        records: list[Refusal | Count] = []
        for refusal in refusals:
            refusal.hour = hour = self._hour(refusal, now)
            if hour.single < EACH:
                hour.single += 1
                if hour.single == EACH:
                    refusal.fields["counted_until"] = from_us(hour.ends)
                records.append(refusal)
            else:
                self._count(refusal, hour)
        recorded = {id(hour): 0 for hour in self._counting}
        for record in records:
            recorded[id(record.hour)] = recorded.get(id(record.hour), 0) + 1
        # A count goes on record as soon as it equals what the log will hold of its hour: a kill
        # loses less than half, and the counts on record grow only with the refusals' logarithm.
        records += [Count(hour) for hour in self._counting
                    if closing or hour.is_over(now)
                    or hour.counted >= hour.recorded + recorded[id(hour)]]
        return [*self._doubtful.values(), *records]

    def settle(
        self, records: Sequence[Refusal | Count], written: set[UUID] | None, now: int
    ) -> None:
        """Take note of which records are in the log; refusals that are not are counted.

        If nobody knows (None), they are taken for written until the next attempt looks them up.
        """
        for record in records:
            if record.entry_id in self._doubtful:
                if written is not None and record.entry_id in written:
                    del self._doubtful[record.entry_id]
                continue
            if written is None:
                self._doubtful[record.entry_id] = record
            self._settle(record, written is None or record.entry_id in written)
        self._counting = [hour for hour in self._counting if hour.counted]
        due = [max(min(hour.ends for hour in self._counting), now + RETRY_US)] \
            if self._counting else []
        self.due_at = min([*due, now + RETRY_US] if self._doubtful else due, default=None)

    def _settle(self, record: Refusal | Count, is_written: bool) -> None:
        hour = record.hour
        assert hour is not None
        if isinstance(record, Refusal) and not is_written:
            self._count(record, hour)
        elif isinstance(record, Refusal):
            hour.recorded += 1
        elif is_written:
            hour.counted -= record.number
            hour.recorded += record.number
            hour.about = {}

    def _count(self, refusal: Refusal, hour: Hour) -> None:
        if hour not in self._counting:
            self._counting.append(hour)
        hour.count(refusal)

    def _hour(self, refusal: Refusal, now: int) -> Hour:
        """The running hour of a refusal, or a new one; passed and surplus hours are forgotten."""
        while self._hours and (len(self._hours) > MAX_HOURS
                               or next(iter(self._hours.values())).is_over(now)):
            self._hours.popitem(last=False)
        hour = self._hours.get(refusal.key)
        if hour is None or hour.is_over(now):
            self._hours.pop(refusal.key, None)
            hour = self._hours[refusal.key] = Hour(now)
        return hour


def entries_of(
    records: Iterable[Refusal | Count], work: Work, head: Head, first: int = 0
) -> list[Entry]:
    """The entries of records after a head, and after so many first ones of the same commit. A
    record that makes no entry is left out."""
    records = list(records)
    streams = [subject(Attempts.KIND, str(record.id)) for record in records]
    work.known.update(((Attempts, stream), Attempts.blank(stream))
                      for stream, record in zip(streams, records, strict=True) if record.new_stream)
    work.fetch([(Attempts, stream) for stream in streams])
    now = max(work.now, head.recorded_at + 1)
    entries: list[Entry] = []
    for stream, record in zip(streams, records, strict=True):
        work.touched = {}
        origin = Origin(work.ledger, now, record.entry_id.bytes, record.request_hash,
                        record.context)
        try:
            attempts: Attempts = work.load(Attempts, stream)
            record.record_in(attempts)
            (fact,) = attempts.collect_events()
            entries.append(entry_of(
                fact, origin, head.position + first + len(entries) + 1, 1))
        except Exception:  # it costs this record, which is then counted, and no other
            continue
        work.keep(1)
    return entries
