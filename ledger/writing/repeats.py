"""What was recorded before: whether a command that comes again is the same request.

The hash of a client's request says so but for personal values, which it does not cover: they are
compared with those that the command's events sealed. A value whose key was erased is compared no
more.

A statement of a file has no hash. Its id is made of what is not personal in it, and of a number: 0
for the first, and the next one where it names a personal value and that one recorded, or left as it
was known, another. What that one left out whatever it said makes no difference: nobody knows what
it was, so it would be another statement every time. Nor does what is personal make one of a
statement about somebody who was erased: nothing of it is taken, and the rest has been recorded.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from ledger.common.personal import Personal
from ledger.common.values import taken
from ledger.core import event_types
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command
from ledger.log.envelope import Entry
from ledger.log.persons import LedgerKeys
from ledger.log.store import Reader, StorageFailed
from ledger.writing.requests import statement_id
from ledger.writing.tasks import Task


class _Sealed(NamedTuple):
    """A sealed value with its place."""

    value: Personal
    stream: str
    version: int
    field: str


def is_same(task: Task, recorded: Sequence[Entry], keys: LedgerKeys) -> bool:
    """Whether events are those of this very request. Errors: StorageFailed (R-LOG-04)."""
    return recorded[0].request_hash == task.request_hash and not any(
        _differs(task.command, name, sealed, keys)
        for name, sealed in _values(_compared(task), recorded))


def _compared(task: Task) -> Collection[str]:
    """The personal fields that make a difference: of a request all; of a statement those with a
    value, since an empty cell takes none away, that are recorded for themselves."""
    command = task.command
    if task.context.statement is None:
        return command.PERSONAL
    return [name for name in command.PERSONAL
            if name not in command.INCIDENTAL and getattr(command, name) is not None]


def _values(names: Collection[str], recorded: Sequence[Entry]) -> Iterator[tuple[str, _Sealed]]:
    """The personal values in a command's events, of these among its fields."""
    for entry in recorded if names else ():
        fact = event_types.decode(entry)
        for name in type(fact).PERSONAL:
            if name in names and (value := getattr(fact, name)) is not None:
                yield name, _Sealed(value, entry.stream, entry.version, f"/{name}")


def _differs(command: Command, name: str, sealed: _Sealed, keys: LedgerKeys) -> bool:
    """Whether a command says otherwise than a sealed value that can still be read.

    The person on record says which key opens it: looked up, it might be another by now.
    """
    known, given = keys.reveal(*sealed), command.said(name)
    return known is not None and (given is None or taken(known) != taken(given))


class Repeats:
    """What the log, and the batch so far, hold of commands, by command id; none: an empty list."""

    def __init__(self, ledger: bytes, reader: Reader, keys: LedgerKeys) -> None:
        self.ledger = ledger
        self.reader = reader
        self.keys = keys
        self.found: dict[bytes, list[Entry]] = {}
        self._added: dict[str, list[Entry]] = {}

    def look_up(self, tasks: Iterable[Task]) -> None:
        """Look commands up by their ids, with one query."""
        missing = [key for task in tasks if (key := task.key) not in self.found]
        self.found.update((key, []) for key in missing)
        for entry in self.reader.commands(self.ledger, missing) if missing else ():
            self.found[entry.command_id].append(entry)

    def of(self, task: Task) -> list[Entry]:
        """What is known to be recorded of a task."""
        return self.found.get(task.key, [])

    def add(self, task: Task) -> None:
        """Note what a task of this batch will record."""
        self.found[task.key] = task.entries
        for entry in task.entries if task.context.statement is not None else ():
            self._added.setdefault(entry.stream, []).append(entry)

    def left_out(self, task: Task) -> bool:
        """Whether a client's request names something personal that is in none of its events, and
        its subject's person is erased by now."""
        look = None if task.context.statement is not None else self._look(task)
        if look is None or look.own or all(
                getattr(task.command, name) is None for name in look.unsaid):
            return False
        with suppress(Exception):
            return self._is_erased(look)
        return False

    # -- statements -------------------------------------------------------------------------------

    def number(self, tasks: Iterable[Task]) -> None:
        """Give each statement that is not the one on record under its id the next id, until it is,
        or none is on record. One that cannot be compared keeps its id, and fails by itself."""
        again = [task for task in tasks if task.context.statement is not None and self.of(task)]
        while again:
            others = self._others([look for task in again if (look := self._look(task))])
            for task in others:
                task.number += 1
                task.be_named(statement_id(task.context.statement or b"", task.number))
            self.look_up(others)
            again = [task for task in others if self.of(task)]

    def _look(self, task: Task) -> "_Look | None":
        """A statement beside its events; None if it has nothing personal, or they are unreadable.
        """
        with suppress(Exception):
            names = _compared(task)
            own = list(_values(names, self.of(task)))
            held = {name for name, _ in own}
            return _Look(task, own, [name for name in names if name not in held]) \
                if names else None
        return None

    def _others(self, looks: Sequence["_Look"]) -> list[Task]:
        """The statements that say otherwise than the ones on record under their ids."""
        known = self._known(looks)
        persons = {sealed.value.p for look in looks for _, sealed in look.own}
        persons.update(sealed.value.p for values in known for sealed in values.values() if sealed)
        with suppress(StorageFailed):
            self.keys.load(persons)
        found = []
        for look, values in zip(looks, known, strict=True):
            with suppress(Exception):
                if look.says_otherwise(values, self.keys) and not self._is_erased(look):
                    found.append(look.task)
        return found

    def _is_erased(self, look: "_Look") -> bool:
        """Whether the person of a statement that was recorded is erased by now."""
        persons: set[str | None] = {sealed.value.p for _, sealed in look.own}
        if not persons:
            stream = look.task.command.subject
            for cls, name in look.task.command.streams():
                if name == stream and issubclass(cls, Aggregate):
                    now = cls.blank(stream)
                    _replay(now, self.reader.streams(self.ledger, [stream]))
                    _replay(now, self._added.get(stream, ()))
                    persons.add(now.whose())
        return any(person is not None and self.keys.is_erased(person) for person in persons)

    def _known(self, looks: Sequence["_Look"]) -> list[dict[str, _Sealed | None]]:
        """What was known of each statement's subject when the statement was recorded: of the
        fields that its events do not hold although they would if it had said otherwise."""
        kinds = {
            stream: cls for look in looks if look.unsaid
            for cls, stream in look.task.command.streams()
            if stream == look.task.command.subject and issubclass(cls, Aggregate)}
        streams: dict[str, list[Entry]] = {stream: [] for stream in kinds}
        for entry in self.reader.streams(self.ledger, list(kinds)) if kinds else ():
            streams[entry.stream].append(entry)
        found: list[dict[str, _Sealed | None]] = []
        for look in looks:
            found.append({})
            if look.unsaid:
                stream, first = look.task.command.subject, self.of(look.task)[0].position
                entries = [*streams[stream], *self._added.get(stream, ())]
                with suppress(Exception):
                    before = kinds[stream].blank(stream)
                    _replay(before, (one for one in entries if one.position < first))
                    found[-1] = look.known_of(before)
        return found


def _replay(aggregate: Aggregate, entries: Iterable[Entry]) -> None:
    for entry in entries:
        event_types.decode(entry).mutate(aggregate)


class _Look(NamedTuple):
    """A statement, the personal values in the events on record under its id, and the fields with a
    value that these do not hold."""

    task: Task
    own: list[tuple[str, _Sealed]]
    unsaid: list[str]

    def known_of(self, before: Aggregate) -> dict[str, _Sealed | None]:
        """What was known of these fields in a state of the subject, without those that leave
        nothing there; none if it is not kept."""
        if (declared := before.declared()) is None:
            return {}
        passed = self.task.command.passed_over(before)
        return {name: _Sealed(known[0], before.id, *known[1:])
                if (known := declared.get(name)) is not None else None
                for name in self.unsaid if name not in passed}

    def says_otherwise(self, known: Mapping[str, _Sealed | None], keys: LedgerKeys) -> bool:
        """Whether a personal value is another than the one that was recorded, or known, then."""
        command = self.task.command
        return any(_differs(command, name, sealed, keys) for name, sealed in self.own) or any(
            sealed is None or _differs(command, name, sealed, keys)
            for name, sealed in known.items())
