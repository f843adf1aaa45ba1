"""Read models of a store: they follow the log, are rebuilt from it and compared with a rebuild."""

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from ledger.common.errors import NotFound, Unavailable
from ledger.log.envelope import Outline
from ledger.log.sql import SqlStore
from ledger.log.sqlite import SqliteStore
from ledger.log.store import NOBODY, NOTHING, Head, StorageFailed, Store
from ledger.log.zones import days_of
from projections.store.databases import (
    FilePlace,
    Generation,
    MemoryPlace,
    Place,
    in_a_file,
    takes_no_writes,
)
from projections.store.digests import Parting, digest_of, parting_of
from projections.store.folding import Folder, Projection
from projections.store.live import ATTEMPTS, REPLACED, ReadDatabase
from projections.store.rows import Progress, Rows

BATCH = 20_000
"""Events that are folded in one transaction."""

READ = 2_000
"""Events that are read with one query."""

Step = Callable[[int, int], None]
"""Called with how many events are done and how many there are."""


class ReadModelsUnready(Unavailable):
    """The read model {projection} of ledger {ledger!r} was not built from this log by this version.
    Run `ledger rebuild`, or wait: it is rebuilt when it next catches up."""

    code = "read_models_unready"
    rule = "R-PRJ-01"


class UnknownProjection(NotFound):
    """There is no read model named {name!r}. There are: {known}."""

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
    """Where the read models of a store are."""
    if isinstance(store, SqliteStore):
        return FilePlace(store.path)
    if isinstance(store, SqlStore):  # the other one: PostgreSQL, whose driver is slow to import
        from projections.store.postgres import SchemaPlace

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
        self._fitting: dict[tuple[bytes, str], tuple[Head, int, int, bytes | None]] = {}
        """Which rows were found to fit the log, and what its head was, by ledger and projection."""

    def close(self) -> None:
        """Let go of all connections."""
        self.database.close()
        self.place.close()

    # -- following the log ------------------------------------------------------------------------

    def catch_up(self, ledger: str, step: Step | None = None) -> list[Status]:
        """Fold what was recorded since; rebuild first what belongs to another log or version.

        A projection that had stopped tries its event again. If another process moves the pointer
        meanwhile, its read database is followed instead. On a standby nothing is folded: what the
        primary has folded comes with the log. Errors: R-LOG-04.
        """
        own = self.store.id_of(ledger)
        if own == NOBODY:
            return self.status(ledger)
        with self._lock:
            for _ in range(ATTEMPTS):
                generation = self._usable(own, step)
                try:
                    self._advance(generation, own, self.projections, step=step)
                except (StorageFailed, DBAPIError) as error:
                    if takes_no_writes(error):
                        return self.status(ledger)
                    if not self.database.moved_from(generation):
                        raise
                if not self.database.moved_from(generation):
                    return self.status(ledger)
            raise StorageFailed(why=REPLACED)

    def _usable(self, ledger: bytes, step: Step | None) -> Generation:
        """The read database that counts, rebuilt first if it must be."""
        if self._unfit(ledger) is not None:
            with self.place.exclusively():
                if (unfit := self._unfit(ledger)) is not None:  # nobody else was faster
                    self._rebuild(ledger, unfit, step)
        generation = self.database.generation()
        assert generation is not None
        return generation

    def _unfit(self, ledger: bytes) -> set[str] | None:
        """The projections that must be rebuilt; None if the read database can be used."""
        try:
            with self.database.reading() as connection:
                if connection is None:
                    return set(self.names())
                found = Rows(connection).progress(ledger)
        except DatabaseError as error:
            if isinstance(error, OperationalError):
                raise
            return set(self.names())  # the file is damaged
        unfit = {p.name for p in self.projections
                 if (at := found.get(p.name)) is not None and not self._fits(ledger, p, at)}
        return unfit or None

    def _fits(self, ledger: bytes, projection: Projection, known: Progress) -> bool:
        """Whether the rows come from this version's fold of this log."""
        if known.version != projection.version:
            return False
        if known.position == 0:
            return True
        at = self.store.outlines(ledger, after=known.position - 1, limit=1)
        return bool(at) and at[0].leaf_hash == known.leaf

    def _advance(
        self, generation: Generation, ledger: bytes, projections: Sequence[Projection], *,
        step: Step | None = None, until: int | None = None,
    ) -> None:
        """Fold up to a position or the head; a projection that stopped tries its event once."""
        folder = Folder(generation, ledger, days_of(self.store, ledger))
        until = self.store.head(ledger).position if until is None else until
        tried: set[str] = set()
        while True:
            known = [(p, at) for p, at in folder.progress(projections)
                     if at.error_position is None or p.name not in tried]
            lagging = [(p, at) for p, at in known if at.position < until]
            start = min((at.position for _, at in lagging), default=until)
            if step is not None:
                step(start, until)
            if not lagging:
                return
            group = [(p, at) for p, at in lagging if at.position == start]
            tried |= {p.name for p, _ in group}
            ahead = [at.position for _, at in known if start < at.position < until]
            failing = any(at.error_position is not None for _, at in group)
            with _uncollected():
                folder.step(group, self._batch(
                    ledger, start, until=min([until, *ahead]), limit=1 if failing else self.batch))

    def _batch(self, ledger: bytes, after: int, *, until: int, limit: int) -> list[Outline]:
        entries: list[Outline] = []
        while len(entries) < limit and (more := self.store.outlines(
                ledger, after=after, until=until, limit=min(READ, limit - len(entries)))):
            entries += more
            after = more[-1].position
        return entries

    # -- rebuilding -------------------------------------------------------------------------------

    def rebuild(
        self, ledger: str, names: Sequence[str] = (), step: Step | None = None
    ) -> list[Status]:
        """Fill the next read database from the log and move the pointer to it.

        `names` are the projections of this ledger to make again, by default all; what else the
        present database holds is taken over, unless it belongs to another log or version: that is
        made again too. Errors: R-PRJ-02, R-LOG-04.
        """
        for name in names:
            self.projection(name)
        with self._lock, self.place.exclusively():
            self._rebuild(self.store.id_of(ledger), set(names or self.names()), step)
        return self.status(ledger)

    def _rebuild(self, ledger: bytes, remade: set[str], step: Step | None) -> None:
        fresh = self.place.create()
        try:
            ledgers = {ledger, *self._take_over(fresh, ledger, remade)}
            for other in sorted(ledgers - {ledger}):
                self._advance(fresh, other, self.projections)
            self._advance(fresh, ledger, self.projections, step=step)
        except BaseException:
            self.place.discard(fresh)
            raise
        self.place.publish(fresh)

    def _take_over(self, fresh: Generation, ledger: bytes, remade: set[str]) -> list[bytes]:
        """Copy what need not be made again. The ids of all ledgers of the present database."""
        try:
            with self.database.reading() as connection:
                if connection is None:
                    return []
                old = Rows(connection)
                ledgers = [row[0] for row in old.select("SELECT DISTINCT ledger FROM progress", ())]
                for one in ledgers:
                    self._copy(old, fresh, one, remade if one == ledger else set())
                return ledgers
        except (StorageFailed, DBAPIError):  # it is damaged: nothing of it counts
            return [self.store.id_of(name) for name in self.store.ledgers()]

    def _copy(self, old: Rows, fresh: Generation, ledger: bytes, remade: set[str]) -> None:
        found = old.progress(ledger)
        for projection in self.projections:
            known = found.get(projection.name)
            if known is None or projection.name in remade:
                continue
            if self._fits(ledger, projection, known):
                with fresh.writing() as connection:
                    copy(old, Rows(connection), ledger, (projection, known))

    # -- looking ----------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The names of the projections."""
        return [p.name for p in self.projections]

    def projection(self, name: str) -> Projection:
        """The projection of a name. Errors: UnknownProjection (R-PRJ-02)."""
        for projection in self.projections:
            if projection.name == name:
                return projection
        raise UnknownProjection(name=name, known=", ".join(self.names()))

    def status(self, ledger: str) -> list[Status]:
        """Where every projection of a ledger is; one that has not begun is at 0."""
        own = self.store.id_of(ledger)
        head = self.store.head(own).position
        with self.database.reading() as connection:
            found = {} if connection is None else Rows(connection).progress(own)
        statuses = []
        for p in self.projections:
            at = found.get(p.name) or Progress(p.name, p.version, 0, None)
            error = None if at.error_position is None else f"{at.error_type}: {at.error_message}"
            statuses.append(Status(p.name, at.version, at.position, head, error, at.error_position))
        return statuses

    @contextmanager
    def reading(
        self, ledger: str, name: str, head: Head = NOTHING
    ) -> Iterator[tuple[Connection, Progress]]:
        """A snapshot of a projection's tables, and how far it has folded.

        `head` is that of the log, if the caller has just read it: rows that were found to fit a log
        with that head need no other look at the log. Errors: UnknownProjection (R-PRJ-02),
        ReadModelsUnready (R-PRJ-01).
        """
        projection, own = self.projection(name), self.store.id_of(ledger)
        with self.database.snapshot(lambda one: Rows(one).progress_of(own, name)) as found:
            if found is None or found[1] is None or not self._fits_log_of(
                    head, own, projection, found[1]):
                raise ReadModelsUnready(projection=name, ledger=ledger)
            yield found[0], found[1]

    def _fits_log_of(
        self, head: Head, ledger: bytes, projection: Projection, known: Progress
    ) -> bool:
        """As `_fits`. What was found is remembered for as long as the log has this very head, since
        its frontier stands for every event before it: a backup that is put in its place has another
        one, and so has the log when it goes on."""
        seen = head, known.version, known.position, known.leaf
        if 0 < known.position <= head.position and self._fitting.get(
                (ledger, projection.name)) == seen:
            return True
        found = self._fits(ledger, projection, known)
        if found:
            self._fitting[ledger, projection.name] = seen
        return found

    def digest(self, ledger: str, name: str) -> str:
        """SHA-256 over all rows of a projection, in hex: equal rows, equal digest."""
        with self.reading(ledger, name) as (connection, _):
            return digest_of(Rows(connection), self.projection(name), self.store.id_of(ledger))

    def compare_with_rebuild(self, ledger: str, step: Step | None = None) -> list[Parting]:
        """Fold the log again, to be thrown away, and find where the live rows differ from that.

        Shapes: at most one difference a projection, its earliest; [] if all is equal.
        """
        partings, own = [], self.store.id_of(ledger)
        with self.database.reading() as connection, in_a_file() as fresh:
            if connection is None:
                return []
            live = Rows(connection)
            found = live.progress(own)
            for p in self.projections:
                if (known := found.get(p.name)) is None:
                    continue
                if not self._fits(own, p, known):
                    partings.append(Parting(p.name, known.position, "", None, None))
                    continue
                self._advance(fresh, own, [p], step=step, until=known.position)
                with fresh.reading() as other:
                    parting = parting_of(live, Rows(other), p, own)
                partings += [parting] if parting else []
        return partings


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles: a batch makes many objects and no cycle, and the search would take a
    third of a rebuild."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def copy(old: Rows, fresh: Rows, ledger: bytes, of: tuple[Projection, Progress]) -> None:
    """Take a projection's rows and progress over into another read database."""
    projection, known = of
    for table in projection.tables:
        rows = old.all_of(table, ledger)
        while chunk := [tuple(row) for row in islice(rows, BATCH)]:
            fresh.insert(table, chunk)
    fresh.begin(ledger, projection.name, projection.version)
    fresh.move(ledger, Progress(projection.name, projection.version, 0, None), known)
