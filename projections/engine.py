"""Read models of a store: they follow the log, are rebuilt from it and compared with a rebuild."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection

from ledger.errors import NotFound, Unavailable
from ledger.log.postgres import PostgresStore
from ledger.log.sqlite import SqliteStore
from ledger.log.store import Store
from projections.database import (
    FilePlace,
    Generation,
    MemoryPlace,
    Place,
    ReadDatabase,
    in_a_file,
)
from projections.digests import Parting, digest_of, parting_of
from projections.postgres import SchemaPlace
from projections.projection import Folder, Projection, Undecodable, decoded
from projections.rows import Progress, Rows

BATCH = 20_000
"""Events that are folded in one transaction."""

Step = Callable[[int, int], None]
"""Told how many events are done and how many there are."""


class ReadModelsUnready(Unavailable):
    """The read model {projection} of ledger {ledger!r} is not built for this log and this version.
    It is rebuilt by `flask rebuild`, or by itself with the next catch-up."""

    code = "read_models_unready"
    rule = "R-PRJ-01"


class UnknownProjection(NotFound):
    """There is no projection {name!r}; there are {known}."""

    code = "unknown_projection"
    rule = "R-PRJ-02"


class Status(NamedTuple):
    """Where a projection is. `error` says why it stopped, None while it goes on."""

    projection: str
    version: int
    position: int
    head: int
    error: str | None = None
    error_position: int | None = None

    @property
    def lag(self) -> int:
        """How many events it has yet to fold."""
        return self.head - self.position


def place_of(store: Store) -> Place:
    """Where the read models of a store lie."""
    if isinstance(store, SqliteStore):
        return FilePlace(store.path)
    if isinstance(store, PostgresStore):
        return SchemaPlace(store.url)
    return MemoryPlace()


class ReadModels:
    """The read models of all ledgers of a store. Thread-safe; close them before the store."""

    def __init__(
        self, store: Store, projections: Sequence[Projection], *, batch: int = BATCH
    ) -> None:
        self.store = store
        self.projections = tuple(projections)
        self.place = place_of(store)
        self.database = ReadDatabase(self.place)
        self.batch = batch
        self._lock = threading.RLock()

    def close(self) -> None:
        """Let go of all connections."""
        self.database.close()
        self.place.close()

    # -- following the log ------------------------------------------------------------------------

    def catch_up(self, ledger: str, step: Step | None = None) -> list[Status]:
        """Fold what was recorded since; rebuild first what belongs to another log or version.

        A projection that had stopped tries its event again. Errors: R-LOG-04.
        """
        with self._lock:
            unfit = self._unfit(ledger)
            if unfit is None or unfit:
                return self.rebuild(ledger, unfit or (), step, only_if_needed=True)
            generation = self.database.generation()
            assert generation is not None
            self._advance(generation, ledger, self.projections, step)
            return self.status(ledger)

    def _unfit(self, ledger: str) -> list[str] | None:
        """The projections that must be rebuilt; None where there is no read database at all."""
        with self.database.reading() as connection:
            if connection is None:
                return None
            found = Rows(connection).progress(ledger)
        return [p.name for p in self.projections
                if (known := found.get(p.name)) is not None and not self._fits(ledger, p, known)]

    def _fits(self, ledger: str, projection: Projection, known: Progress) -> bool:
        """Whether the rows come from this version's fold of this log."""
        if known.version != projection.version:
            return False
        if known.position == 0:
            return True
        at = self.store.read(ledger, after=known.position - 1, limit=1)
        return bool(at) and at[0].leaf_hash == known.leaf

    def _advance(
        self, generation: Generation, ledger: str, projections: Sequence[Projection],
        step: Step | None = None, until: int | None = None,
    ) -> None:
        """Fold up to a position or the head; each projection that stopped gets one more try."""
        folder = Folder(generation, ledger)
        until = self.store.head(ledger).position if until is None else until
        stopped: set[str] = set()
        while True:
            known = [(p, at) for p, at in folder.progress(projections) if p.name not in stopped]
            behind = [(p, at) for p, at in known if at.position < until]
            if step is not None:
                step(min((at.position for _, at in behind), default=until), until)
            if not behind:
                return
            start = min(at.position for _, at in behind)
            group = [(p, at) for p, at in behind if at.position == start]
            if any(at.error_position for _, at in group):
                self._try_again(folder, group, stopped)
                continue
            end = min([at.position for _, at in known if at.position > start] + [until])
            self._fold_batch(folder, group, end)
            stopped |= {p.name for p, at in folder.progress(projections)
                        if at.error_position is not None}

    def _fold_batch(
        self, folder: Folder, group: list[tuple[Projection, Progress]], end: int
    ) -> None:
        entries = self.store.read(
            folder.ledger, after=group[0][1].position, until=end, limit=self.batch)
        try:
            facts = decoded(entries)
        except Undecodable as found:
            folder.stop(group, entries[0].position, found.error)
            return
        folder.step(group, facts)
