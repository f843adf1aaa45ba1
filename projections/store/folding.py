"""What a projection is, and how a batch of events moves one on.

Live catch-up, rebuild and replay all come through `Folder.step`: the same fold, the same rows.
"""

import traceback
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any, ClassVar, Protocol, runtime_checkable

from sqlalchemy import Table
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from ledger.common.days import Days
from ledger.common.errors import LedgerError
from ledger.core import event_types
from ledger.log.envelope import Outline
from ledger.log.store import EventMissing, StorageFailed, gapless
from projections.store.databases import Generation
from projections.store.rows import Change, Progress, Rows, progress

Fact = tuple[Outline, Any]
"""The outline of an entry, and its event."""

CHUNK = 256
"""Events that are decoded at a time: they are gone before the garbage collector counts them."""


class Projection(Protocol):
    """A pure fold over events and the tables that it fills.

    `version` grows with every change of the tables or of the fold. The rows depend on the events
    and their order alone, never on how they are cut into batches. One that folds only some types of
    events may name them as `taken`: it is left alone where there are none of them.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    tables: ClassVar[tuple[Table, ...]]

    def load(self, rows: Rows, ledger: bytes, entries: Sequence[Outline], *, days: Days) -> Any:
        """What of the tables the fold of these entries needs to know, in memory; `days` are those
        of the ledger."""
        ...

    def fold(self, state: Any, facts: Iterable[Fact]) -> None:
        """Take facts into the state, in order. It does nothing else: no I/O, no clock."""
        ...

    def changes(self, state: Any) -> Iterable[Change]:
        """The rows that the state now has, full and sorted by key."""
        ...


@runtime_checkable
class Cutting(Protocol):
    """A projection of events that tell of other times than their own: it cuts the past itself."""

    def cut_at(self, occurred_us: int | None) -> None:
        """Fold only what happened up to a time; None: all of it."""
        ...


Group = Sequence[tuple[Projection, Progress]]
"""Projections that stand at the same position, each with how far it is."""


class Outrun(Exception):
    """Another projector moved this projection first: what was folded here is not needed."""


class Folder:
    """Moves projections of one ledger, which has these days, on in one read database. `between` is
    called between the pieces of a batch."""

    def __init__(
        self, generation: Generation, ledger: bytes, days: Days, *,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self.generation = generation
        self.ledger = ledger
        self.days = days
        self.between = between

    def progress(self, projections: Iterable[Projection]) -> list[tuple[Projection, Progress]]:
        """How far each projection is; one that never began is at 0."""
        projections = tuple(projections)
        with self.generation.reading() as connection:
            found = Rows(connection).progress(self.ledger)
        if all(p.name in found for p in projections):
            return [(p, found[p.name]) for p in projections]
        with self.generation.writing() as connection:
            rows = Rows(connection)
            for projection in projections:
                rows.begin(self.ledger, projection.name, projection.version)
            found = rows.progress(self.ledger)
        return [(p, found[p.name]) for p in projections]

    def step(self, group: Group, entries: Sequence[Outline]) -> None:
        """Fold entries into projections that all stand before the first of them.

        What cannot be read or folded stops the projection whose fault it is, at that event; the
        others go on. After an error a part may be left to do: look at the progress again. An event
        that is missing stops all of them where it belongs.
        """
        try:
            after = group[0][1].position
            gapless(list(entries), self.ledger, after=after, until=after + 1)
        except EventMissing as error:
            whole = list(takewhile(lambda pair: pair[0] == pair[1].position,
                                   enumerate(entries, after + 1)))
            if not whole:
                self.stop(group, after + 1, error)
                return
            entries = [entry for _, entry in whole]
        try:
            self.fold(group, entries)
        except Outrun:
            return
        except StorageFailed:
            raise
        except Exception as error:
            if len(group) > 1:
                for one in group:
                    self.step([one], entries)
            elif len(entries) > 1:
                self.step(group, entries[: len(entries) // 2])
            else:
                self.stop(group, entries[0].position, error)

    def fold(self, group: Group, entries: Sequence[Outline]) -> None:
        """Fold entries into projections and move these on to the last one, in one transaction.

        Errors: Outrun; whatever makes an event unreadable or a fold fail, and then nothing has
        changed.
        """
        with self.generation.writing() as connection:
            fold_rows(Rows(connection), self.ledger, group, entries, days=self.days,
                      between=self.between)

    def stop(self, group: Group, position: int, error: Exception) -> None:
        """Note that projections cannot get past the event at a position, and why."""
        with self.generation.writing() as connection:
            for _, before in group:
                Rows(connection).move(self.ledger, before, before._replace(
                    error_position=position, error_type=type(error).__name__,
                    error_message=_message(error)))


def tables_of(projection: Projection) -> tuple[Table, ...]:
    """The tables that a projection fills and moves on in."""
    return (progress, *projection.tables)


def fold_rows(
    rows: Rows, ledger: bytes, group: Group, entries: Sequence[Outline], *, days: Days,
    between: Callable[[], None] = lambda: None,
) -> None:
    """Fold entries into projections in the transaction that rows are read in; `between` two pieces
    of it something may be done. Errors: as `Folder.fold`."""
    last = entries[-1]
    for projection, before in group:
        after = Progress(projection.name, projection.version, last.position, last.leaf_hash)
        if not rows.move(ledger, before, after):
            raise Outrun
    kinds = {entry.type for entry in entries}
    states = [(p, p.load(rows, ledger, entries, days=days)) for p, _ in group
              if _takes_any(p, kinds)]
    for start in range(0, len(entries), CHUNK):
        between()
        chunk = entries[start : start + CHUNK]
        facts = list(zip(chunk, event_types.decode_payloads(chunk), strict=True))
        kinds = {entry.type for entry in chunk}
        for projection, state in states:
            if _takes_any(projection, kinds):
                projection.fold(state, facts)
    for projection, state in states:
        for change in projection.changes(state):
            between()
            rows.write(change)


def _takes_any(projection: Projection, kinds: set[str]) -> bool:
    """Whether a projection folds events of one of these types."""
    taken: frozenset[str] | None = getattr(projection, "taken", None)
    return taken is None or not taken.isdisjoint(kinds)


def _message(error: Exception) -> str:
    """What an error says, without values of the event: only our own errors speak for themselves."""
    if isinstance(error, LedgerError):
        return str(error)
    if isinstance(error, DataError | IntegrityError | ProgrammingError):
        return f"the read database refused a row ({type(error.orig).__name__})"
    frames = traceback.extract_tb(error.__traceback__)
    at = next((f for f in reversed(frames) if "projections" in f.filename), None)
    return "" if at is None else f"in {at.name}, line {at.lineno}"
