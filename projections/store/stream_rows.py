"""Read models that keep one row a stream: as JSON what its aggregate knows, and what they add."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec
from sqlalchemy import Row, Table

from ledger.common.days import Days
from ledger.core.aggregate import Aggregate
from ledger.log.envelope import Entry, Outline
from projections.store.folding import Fact
from projections.store.rows import Change, Rows


class Tracked(Protocol):
    """A thing while events are folded into it."""

    def take(self, entry: Entry | Outline, event: Any) -> None:
        """Take an event. As of a moment of the business, what that is about may not be known yet:
        then it changes nothing."""
        ...

    def row(self, ledger: bytes) -> tuple[Any, ...]:
        """The row that stores this."""
        ...


Thing = TypeVar("Thing", bound=Tracked)


def text_of(*parts: msgspec.Struct) -> str:
    """Structs as one JSON object, the fields of one after those of another: a row can so add to
    what is kept of an aggregate, and each part is decoded from the whole by itself."""
    fields = (msgspec.json.encode(part)[1:-1] for part in parts)
    return f"{{{b','.join(filter(None, fields)).decode()}}}"


def topics_of(*aggregates: type[Aggregate]) -> frozenset[str]:
    """The types of the events of some aggregates, also of the parts that they are made of."""
    return frozenset(topic for cls in aggregates for part in cls.__mro__
                     for fact in vars(part).values() if (topic := getattr(fact, "TOPIC", "")))


class Batch(msgspec.Struct):
    """The things of a batch by stream, and those that earlier batches wrote."""

    ledger: bytes
    found: dict[str, Any]
    loaded: frozenset[str]


class StreamRows(Generic[Thing]):
    """A projection with one table, whose key is ledger and `subject`: the stream.

    `taken` are the types of events that it folds. What is folded is an aggregate and what the read
    model adds to it, here called the thing.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]]
    taken: ClassVar[frozenset[str]]

    def blank(self, entry: Entry | Outline, event: Any) -> Thing | None:
        """The thing before an event of its stream; None where that cannot be its first."""
        raise NotImplementedError

    def of_row(self, row: Row[Any]) -> Thing:
        """The thing that a row keeps."""
        raise NotImplementedError

    def load(
        self, rows: Rows, ledger: bytes, entries: Sequence[Outline], *, days: Days
    ) -> Batch:
        """The things that earlier batches wrote."""
        first = {entry.stream: entry.version for entry in reversed(entries)
                 if entry.type in self.taken}
        earlier = sorted(stream for stream, version in first.items() if version > 1)
        found = {row.subject: self.of_row(row)
                 for row in rows.among(self.tables[0], ledger, "subject", earlier)}
        return Batch(ledger, found, frozenset(found))

    def fold(self, state: Batch, facts: Iterable[Fact]) -> None:
        """Let each thing take the facts of its stream."""
        for entry, event in facts:
            if entry.type not in self.taken:
                continue
            known = state.found.get(entry.stream)
            if known is None and (known := self.blank(entry, event)) is not None:
                state.found[entry.stream] = known
            if known is not None:
                known.take(entry, event)

    def changes(self, state: Batch) -> Iterator[Change]:
        """The rows of the things, new ones and others."""
        rows = {name: state.found[name].row(state.ledger) for name in sorted(state.found)}
        yield Change(self.tables[0],
                     [row for name, row in rows.items() if name not in state.loaded],
                     [row for name, row in rows.items() if name in state.loaded])
