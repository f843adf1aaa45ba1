"""What was recorded before: whether a command that comes again is the same request.

The hash of a client's request says so but for personal values, which it does not cover: they are
compared with those that the command's events sealed. A value whose key was erased is compared no
more.

A statement of a file has no hash. Its id is made of what is not personal in it, and of a number: 0
for the first, and the next one where the statement before says the same but for a personal value.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ledger.common.personal import Personal
from ledger.core import event_types
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
        for name, sealed in _values(task.command, recorded))


def _values(command: Command, recorded: Sequence[Entry]) -> Iterator[tuple[str, _Sealed]]:
    """The personal values in a command's events, under the names of its fields."""
    for entry in recorded if command.PERSONAL else ():
        fact = event_types.decode(entry)
        for name in type(fact).PERSONAL:
            if name in command.PERSONAL and (value := getattr(fact, name)) is not None:
                yield name, _Sealed(value, entry.stream, entry.version, f"/{name}")


def _differs(command: Command, name: str, sealed: _Sealed, keys: LedgerKeys) -> bool:
    """Whether a command says otherwise than a sealed value that can still be read.

    The person on record says which key opens it: looked up, it might be another by now.
    """
    return keys.reveal(*sealed) not in (None, getattr(command, name))


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
        missing = [key for task in tasks if (key := task.command_id.bytes) not in self.found]
        self.found.update((key, []) for key in missing)
        for entry in self.reader.commands(self.ledger, missing) if missing else ():
            self.found[entry.command_id].append(entry)

    def of(self, task: Task) -> list[Entry]:
        """What is known to be recorded of a task."""
        return self.found.get(task.command_id.bytes, [])

    def add(self, task: Task) -> None:
        """Note what a task of this batch will record."""
        self.found[task.command_id.bytes] = task.entries
        for entry in task.entries if task.context.statement is not None else ():
            self._added.setdefault(entry.stream, []).append(entry)

    # -- statements -------------------------------------------------------------------------------

    def number(self, tasks: Iterable[Task]) -> None:
        """Give each statement that is not the one on record under its id the next id, until it is,
        or none is on record. One that cannot be compared keeps its id, and fails by itself."""
        again = [task for task in tasks if task.context.statement is not None and self.of(task)]
        while again:
            others = self._others([look for task in again if (look := self._look(task))])
            for task in others:
                task.number += 1
                task.command_id = statement_id(
                    self.keys.mac, task.context.statement or b"", task.number)
            self.look_up(others)
            again = [task for task in others if self.of(task)]

    def _look(self, task: Task) -> "_Look | None":
        """A statement beside its events; None if it has nothing personal, or they are unreadable.
        """
        command = task.command
        own: list[tuple[str, _Sealed]] = []
        with suppress(Exception):
            own = list(_values(command, self.of(task)))
            held = {name for name, _ in own}
            names = [name for name in command.PERSONAL
                     if name not in held and getattr(command, name) is not None]
            return _Look(task, own, names) if own or names else None
        return None

    def _others(self, looks: Sequence["_Look"]) -> list[Task]:
        """The statements that say otherwise than the ones on record under their ids."""
        known = self._known([look.task for look in looks if look.unsaid])
        persons = {sealed.value.p for look in looks for _, sealed in look.own}
        persons.update(sealed.value.p for values in known.values() for sealed in values.values())
        with suppress(StorageFailed):
            self.keys.load(persons)
        found = []
        for look in looks:
            with suppress(Exception):
                if look.says_otherwise(known.get(look.task.command_id.bytes), self.keys):
                    found.append(look.task)
        return found

    def _known(self, tasks: Sequence[Task]) -> dict[bytes, dict[str, _Sealed]]:
        """What was known of each statement's subject once the statement was recorded, by command
        id: of the fields that its events do not hold, it said nothing new."""
        kinds = {stream: cls for task in tasks for cls, stream in task.command.streams()
                 if stream == task.command.subject}
        streams: dict[str, list[Entry]] = {stream: [] for stream in kinds}
        for entry in self.reader.streams(self.ledger, list(kinds)) if kinds else ():
            streams[entry.stream].append(entry)
        found = {}
        for task in tasks:
            stream, last = task.command.subject, self.of(task)[-1].position
            with suppress(Exception):
                aggregate: Any = kinds[stream].blank(stream)
                for entry in [*streams[stream], *self._added.get(stream, ())]:
                    if entry.position <= last:
                        event_types.decode(entry).mutate(aggregate)
                if (declared := aggregate.declared()) is not None:
                    found[task.command_id.bytes] = {
                        name: _Sealed(value, stream, version, field)
                        for name, (value, version, field) in declared.items()}
        return found


class _Look(NamedTuple):
    """A statement, the personal values in the events on record under its id, and the fields with a
    value that these do not hold."""

    task: Task
    own: list[tuple[str, _Sealed]]
    unsaid: list[str]

    def says_otherwise(self, known: dict[str, _Sealed] | None, keys: LedgerKeys) -> bool:
        """Whether a personal value is another than the one that was recorded, or known, then."""
        command = self.task.command
        return any(_differs(command, name, sealed, keys) for name, sealed in self.own) or (
            known is not None and any(
                name not in known or _differs(command, name, known[name], keys)
                for name in self.unsaid))
