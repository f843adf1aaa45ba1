"""The read database that counts, and snapshots of it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ledger.log.store import StorageFailed
from projections.store.databases import Generation, Place
from projections.store.rows import run

ATTEMPTS = 20
_WHOLE = "whole"
REPLACED = "the read models were replaced again and again while they were opened"

Found = TypeVar("Found")


class ReadDatabase:
    """The read database that counts, whoever moves the pointer."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._generation: Generation | None = None
        self._lock = threading.Lock()

    def generation(self) -> Generation | None:
        """The read database that the pointer names now; None before the first rebuild."""
        with self._lock:
            number, known = self.place.live(), self._generation
            if known is not None and known.number == number:
                return known
            self._generation = found = None if number is None else self.place.open(number)
        if known is not None:
            known.close()
        return found

    def moved_from(self, generation: Generation) -> bool:
        """Whether the pointer names another read database by now: what fails in this one, or is
        written to it, does not matter."""
        return self.place.live() != generation.number

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """A snapshot of the read database that counts; None before the first rebuild.

        Errors: StorageFailed (R-LOG-04).
        """
        with self.snapshot(_anything) as found:
            yield None if found is None else found[0]

    @contextmanager
    def snapshot(
        self, first: Callable[[Connection], Found]
    ) -> Iterator[tuple[Connection, Found] | None]:
        """A snapshot, and what was read `first` in it; None before the first rebuild. Errors: as
        `reading`."""
        with ExitStack() as stack:
            yield self._snapshot(stack, first)

    def _snapshot(
        self, stack: ExitStack, first: Callable[[Connection], Found]
    ) -> tuple[Connection, Found] | None:
        """Open a snapshot, then look at the pointer again: a database that was being removed while
        it was opened is never read. What was open before is whole, whoever removes it."""
        for _ in range(ATTEMPTS):
            generation = self.generation()
            if generation is None:
                return None
            try:
                with ExitStack() as attempt:
                    connection = attempt.enter_context(generation.reading())
                    found = first(connection)
                    if connection.info.get(_WHOLE) or not self.moved_from(generation):
                        connection.info[_WHOLE] = generation.outlives
                        stack.push(attempt.pop_all())
                        return connection, found
            except (StorageFailed, DBAPIError):
                if not self.moved_from(generation):
                    raise
        raise StorageFailed(why=REPLACED)

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            if self._generation is not None:
                self._generation.close()
                self._generation = None


def _anything(connection: Connection) -> None:
    """Read something: a snapshot begins with what is read first."""
    run(connection, "SELECT 1 FROM progress LIMIT 1")
