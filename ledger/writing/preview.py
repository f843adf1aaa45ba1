"""What commands would do: decided like others, and forgotten."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from ledger.common.context import Context
from ledger.common.personal import Person, Personal, Plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handlers
from ledger.log.beyond import Beyond
from ledger.log.envelope import Entry
from ledger.log.persons import LedgerKeys, PersonLost
from ledger.log.store import Head, Reader, Store, Writing
from ledger.writing import outcomes
from ledger.writing.batch import Batch
from ledger.writing.reading import folded_over_gaps
from ledger.writing.repeats import Repeats, is_same
from ledger.writing.requests import request_hash
from ledger.writing.tasks import Task, Turn
from ledger.writing.work import Work


class Preview(Work):
    """A work that changes nothing: it makes no keys and seals nothing. With `gaps` events may be
    missing of a stream."""

    def __init__(
        self, ledger: bytes, reader: Reader, keys: LedgerKeys, *, handlers: Handlers, now: int = 0,
        gaps: bool = False,
    ) -> None:
        super().__init__(ledger, reader, keys, now, handlers=handlers)
        self.sealer = _Unsealed(keys)
        if gaps:
            self.fold = folded_over_gaps

    def is_erased(self, person: str | None) -> bool:
        """As of now: no lock keeps anybody from being erased meanwhile."""
        return person is not None and self.keys.is_erased(person)

    def person(self, lookup: str, *beside: Aggregate) -> Person:
        for aggregate in beside:
            try:
                if (there := self._on_record(aggregate)) is not None and there.is_erased:
                    return there
            except PersonLost:
                if self._found(lookup) is None:
                    raise
        return self._by_id.setdefault(lookup, Person(lookup, b"none"))


class _Unsealed:
    """Lets a preview compare values that it has not sealed: it holds them open, in memory only, and
    an event has no more of them than a number, in `n`."""

    def __init__(self, keys: LedgerKeys) -> None:
        self.keys = keys
        self._open: list[str] = []

    def seal(self, plain: Plain, stream: str, version: int, field: str) -> Personal:
        self._open.append(plain.value)
        return Personal(plain.person.id, str(len(self._open) - 1), "", "")

    def reveal(self, sealed: Personal, stream: str, version: int, field: str) -> str | None:
        if sealed.c:
            return self.keys.reveal(sealed, stream, version, field)
        return self._open[int(sealed.n)] if sealed.n else None


class Foreseen(NamedTuple):
    """What commands would record after the head that they were decided at: entries that are in no
    log, whose personal values are empty. `replayed` says that all of it was recorded before."""

    head: Head
    entries: list[Entry]
    replayed: bool


def foresee(
    items: Sequence[tuple[Command, Context]], store: Store, keys: LedgerKeys, *,
    handlers: Handlers, head: Head, now: int, gaps: bool = False,
) -> Foreseen:
    """What commands would record, in order, each on what the ones before leave, in a log that ends
    at a head. Nothing is written, and no key of a person is made. Rule: R-PRV-03. With `gaps` the
    store leaves events out.

    Errors: those of the first command that is refused; CommandReused (R-LOG-09) and
    RecordedUnderLostKeys (R-LOG-41), OccurredInFuture (R-LOG-10), OnceTaken (R-LOG-11) as when they
    are recorded.
    """
    reader: Any = Beyond(store, keys.ledger, head)
    work = Preview(keys.ledger, reader, keys, handlers=handlers, now=now, gaps=gaps)
    work.base = head.position
    tasks = [Task(command, context, request_hash(keys.mac, command, context.filled)
                  if context.by_client else None, Turn()) for command, context in items]
    repeats = Repeats(keys.ledger, reader, keys)
    repeats.look_up(task for task in tasks if task.context.command_id is not None)
    batch = Batch(head, now, cast(Writing, reader), repeats, [], {})
    work.fetch([wanted for command, _ in items for wanted in command.streams()])
    replayed = False
    for task in tasks:
        repeats.number([task])
        if recorded := repeats.of(task):
            if not is_same(task, recorded, keys):
                raise outcomes.another(recorded, reader, keys.ledger)
            replayed = True
            continue
        batch.take(task, work.decide(task.command, task.context.actor))
        work.keep(len(task.entries))
    return Foreseen(head, batch.entries, replayed and not batch.entries)
