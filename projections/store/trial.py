"""Read models as they would be if some entries were recorded: folded in a transaction of the read
database that is undone at the end, by the same folds as ever. Nobody else sees any of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from sqlalchemy import Connection

from ledger.log.beyond import Beyond, head_at
from ledger.log.envelope import Entry, Outline
from ledger.log.store import NOTHING, Head, Store
from ledger.log.zones import days_of
from projections.store.folding import Projection, fold_rows
from projections.store.live import ATTEMPTS
from projections.store.models import ReadModels, ReadModelsUnready, Status, Step
from projections.store.rows import Progress, Rows


class Trial(ReadModels):
    """The read models of one ledger within one transaction. What reads them as a report does finds
    the log up to `position`, and after `fold` the entries behind it, too."""

    def __init__(self, models: ReadModels, ledger: bytes, connection: Connection) -> None:
        self.projections: tuple[Projection, ...] = models.projections
        self.ledger = ledger
        self._real = models.store
        self._rows = Rows(connection)
        self._connection = connection

    def begin(self) -> int | None:
        """Hold where all projections are: nobody moves one on meanwhile. The position; None where
        they do not stand at one."""
        self._rows.execute("UPDATE progress SET version = version WHERE ledger = ?", (self.ledger,))
        found = self._rows.progress(self.ledger)
        at = {found[p.name].position if p.name in found else 0 for p in self.projections}
        if len(at) != 1 or any(one.error_position is not None for one in found.values()):
            return None
        self.position, = at
        for projection in self.projections:
            self._rows.begin(self.ledger, projection.name, projection.version)
        self.follow([])
        return self.position

    def follow(self, entries: Sequence[Entry]) -> None:
        """Let the log hold entries after the position."""
        self.store = cast(Store, Beyond(
            self._real, self.ledger, head_at(self._real, self.ledger, self.position), entries))

    def fold(self, entries: Sequence[Entry]) -> None:
        """Take entries that would follow, once."""
        if not entries:
            return
        self.follow(entries)
        found = self._rows.progress(self.ledger)
        fold_rows(self._rows, self.ledger, [(p, found[p.name]) for p in self.projections],
                  list(map(Outline.of, entries)), days=days_of(self._real, self.ledger))

    def catch_up(self, ledger: str, step: Step | None = None) -> list[Status]:
        """Nothing follows the log here."""
        return []

    @contextmanager
    def reading(
        self, ledger: str, name: str, head: Head = NOTHING
    ) -> Iterator[tuple[Connection, Progress]]:
        """As `ReadModels.reading`, within the transaction."""
        yield self._connection, self._rows.progress(self.ledger)[self.projection(name).name]


@contextmanager
def trying(models: ReadModels, ledger: str) -> Iterator[Trial]:
    """Read models that stand at one position, caught up, for something to be tried with.

    Who follows the log waits meanwhile, nobody who reads does. Errors: ReadModelsUnready (R-PRJ-01)
    where a projection has stopped.
    """
    own = models.store.id_of(ledger)
    for _ in range(ATTEMPTS):
        models.catch_up(ledger)
        generation = models.database.generation()
        if generation is None:
            break
        with generation.trying() as connection:
            trial = Trial(models, own, connection)
            if trial.begin() is not None:
                yield trial
                return
    stopped = next((one.projection for one in models.status(ledger) if one.error is not None),
                   models.names()[0])
    raise ReadModelsUnready(projection=stopped, ledger=ledger)
