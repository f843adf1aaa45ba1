"""Connections to an SQLite file that are kept as they are between two uses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

KEPT = 32
"""How many connections are kept at the most; more than that are given back to their engine."""


class KeptConnections:
    """Connections of an engine for one use at a time. To lend one out and take it back takes the
    engine longer than most reads take. Whoever uses one leaves no transaction open in it.

    `usable` says whether one may be used once more. Thread-safe.
    """

    def __init__(self, engine: Engine, usable: Callable[[Connection], bool] | None = None) -> None:
        self._engine = engine
        self._usable = usable
        self._kept: list[Connection] = []
        self._closed = False

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """A connection; after an error it is not kept. Errors: as the engine's."""
        connection = self._taken() or self._engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if len(self._kept) >= KEPT:
            connection.close()
            return
        self._kept.append(connection)
        if self._closed:
            self.close()

    def _taken(self) -> Connection | None:
        while True:
            try:
                connection = self._kept.pop()
            except IndexError:
                return None
            if self._usable is None or self._usable(connection):
                return connection
            connection.invalidate()
            connection.close()

    def close(self) -> None:
        """Give all of them back, and from now on each after its use."""
        self._closed = True
        while self._kept:
            try:
                self._kept.pop().close()
            except IndexError:
                return
