"""The log on SQL: what SQLite and PostgreSQL have in common.

SQLAlchemy provides the engine, the connections and the tables; the few statements of the hot path
are texts that the driver itself runs.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from ledger.common.errors import LedgerError
from ledger.common.values import MAX_INTEGER
from ledger.log import migrations
from ledger.log.envelope import Entry, Outline
from ledger.log.schema import COLUMNS
from ledger.log.store import (
    NOTHING,
    ConnectionLost,
    FirstEdition,
    Forked,
    Head,
    LogConflict,
    NewerDatabase,
    OlderDatabase,
    StorageFailed,
    Tile,
    must_fit,
)

_HEAD = "SELECT position, recorded_at, frontier, keys_id FROM heads WHERE ledger = ?"

IN_CHUNK = 500
AFTER = " AND +position > ? AND version <= ?"
"""The plus keeps SQLite from using the primary key: these reads have an index of their own."""

CONFLICTS = {
    "events: not the next position": "position",
    "events: not the next version": "version of the stream",
    "events: the command is recorded": "command",
    "events: this may happen only once": "once value",
}
"""How the messages of the triggers begin, and what another writer then recorded first."""

_POSITION_AT = """
WITH RECURSIVE search (low, high) AS (
  SELECT CAST(0 AS BIGINT), position FROM heads WHERE ledger = ?
  UNION ALL
  SELECT CASE WHEN e.recorded_at <= ? THEN e.position ELSE low END,
         CASE WHEN e.recorded_at <= ? THEN high ELSE e.position - 1 END
  FROM search JOIN events e ON e.ledger = ? AND e.position = (low + high + 1) / 2
  WHERE low < high)
SELECT low FROM search WHERE low = high
"""

_OUTLINE = ", ".join(Outline._fields)
_BETWEEN = ("FROM events WHERE ledger = ? AND position > ? AND position <= ?"
            " ORDER BY position LIMIT ?")


def _between(ledger: str, after: int, until: int | None, limit: int) -> tuple[str, int, int, int]:
    return ledger, after, 2**62 if until is None else until, max(limit, 0)


class SqlReader:
    """Reads over one connection."""

    mark = "?"

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def rows(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows of a statement written with `?` marks: the driver's own tuples, since turning
        them into SQLAlchemy's takes as long as reading them."""
        result = self.run(statement, parameters)
        try:
            return list(result.cursor.fetchall())
        finally:
            result.close()

    def run(self, statement: str, parameters: Sequence[Any]) -> Any:
        """Run a statement written with `?` marks, by the driver's own mark; its result."""
        sql = statement if self.mark == "?" else statement.replace("?", self.mark)
        return self.connection.exec_driver_sql(sql, tuple(parameters))

    def head(self, ledger: str) -> Head:
        rows = self.rows(_HEAD, (ledger,))
        return Head(*rows[0]) if rows else NOTHING

    def read(
        self, ledger: str, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Entry]:
        rows = self.rows(f"SELECT {COLUMNS} {_BETWEEN}", _between(ledger, after, until, limit))
        return list(map(Entry._make, rows))

    def outlines(
        self, ledger: str, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Outline]:
        rows = self.rows(f"SELECT {_OUTLINE} {_BETWEEN}", _between(ledger, after, until, limit))
        return list(map(Outline._make, rows))

    def among(
        self, ledger: str, column: str, values: Sequence[Any], after: int,
        *, upto: int = MAX_INTEGER,
    ) -> list[Entry]:
        """The entries after a position that have one of these values, in order, of each stream up
        to a version."""
        unique = list(dict.fromkeys(values))
        found: list[Entry] = []
        for start in range(0, len(unique), IN_CHUNK):
            chunk = unique[start : start + IN_CHUNK]
            marks = ", ".join("?" * len(chunk))
            found += map(Entry._make, self.rows(
                f"SELECT {COLUMNS} FROM events WHERE ledger = ? AND {column} IN ({marks})"
                f"{AFTER}", (ledger, *chunk, after, upto)))
        found.sort(key=lambda entry: entry.position)
        return found

    def streams(
        self, ledger: str, names: Sequence[str], *, after: int = 0, upto: int = MAX_INTEGER
    ) -> list[Entry]:
        return self.among(ledger, "stream", names, after, upto=upto)

    def commands(self, ledger: str, ids: Sequence[bytes]) -> list[Entry]:
        return self.among(ledger, "command_id", ids, 0)

    def once(self, ledger: str, values: Sequence[str]) -> dict[str, int]:
        found = self.among(ledger, "once", values, 0)
        return {entry.once: entry.position for entry in found if entry.once is not None}

    def position_at(self, ledger: str, recorded_at: int) -> int:
        """By bisection over positions: recorded_at never falls, so it needs no index of its own."""
        rows = self.rows(_POSITION_AT, (ledger, recorded_at, recorded_at, ledger))
        return int(rows[0][0]) if rows else 0

    def tiles(self, ledger: str, level: int, first: int, count: int) -> list[Tile]:
        rows = self.rows(
            "SELECT level, number, hashes FROM tiles WHERE ledger = ? AND level = ?"
            " AND number >= ? ORDER BY number LIMIT ?",
            (ledger, level, first, max(count, 0)),
        )
        return [Tile(*row) for row in rows]


class SqlWriting(SqlReader):
    """The transaction of the writer: it holds the head row of its ledger."""

    lock = ""
    """The end of a query that locks the rows it finds."""

    def __init__(self, connection: Connection, ledger: str) -> None:
        super().__init__(connection)
        self.ledger = ledger
        self._head = self._taken() or self._made()

    def _taken(self) -> Head | None:
        rows = self.rows(f"{_HEAD}{self.lock}", (self.ledger,))
        return Head(*rows[0]) if rows else None

    def _made(self) -> Head:
        self.run("INSERT INTO heads (ledger, position, recorded_at, frontier) VALUES (?, 0, 0, ?)"
                 " ON CONFLICT DO NOTHING", (self.ledger, b""))
        return self._taken() or NOTHING

    def head(self, ledger: str) -> Head:
        return self._head if ledger == self.ledger else super().head(ledger)

    def leaves(self, after: int, until: int) -> list[bytes]:
        rows = self.rows(
            "SELECT leaf_hash FROM events WHERE ledger = ? AND position > ? AND position <= ?"
            " ORDER BY position", (self.ledger, after, until))
        return [row[0] for row in rows]

    def append(self, entries: Sequence[Entry], head: Head, tiles: Iterable[Tile]) -> None:
        if not entries:
            return
        must_fit(entries, head, self.ledger)
        self.insert(entries)
        self.run("UPDATE heads SET position = ?, recorded_at = ?, frontier = ?, keys_id = ?"
                 " WHERE ledger = ?", (*head, self.ledger))
        self._head = head
        for tile in tiles:
            self.run("INSERT INTO tiles (ledger, level, number, hashes) VALUES (?, ?, ?, ?)",
                     (self.ledger, *tile))

    def insert(self, entries: Sequence[Entry]) -> None:
        """Insert the rows of entries."""
        raise NotImplementedError


class SqlStore:
    """One database that holds the log. Subclasses say how it connects, locks and inserts."""

    reader: type[SqlReader] = SqlReader
    writer: type[SqlWriting] = SqlWriting
    begin = "BEGIN"
    failures: tuple[type[Exception], ...] = (DBAPIError, NoFreeConnection)

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.engine = engine
        self._writing = threading.Lock()
        self._connection: Connection | None = None
        self._process = os.getpid()

    # -- schema -----------------------------------------------------------------------------------

    def schema(self) -> tuple[str | None, str]:
        """The database's revision (None: no tables yet) and the one that this version needs."""
        with self.reading() as reader:
            if not inspect(reader.connection).has_table("alembic_version"):
                return None, migrations.HEAD
            rows = reader.rows("SELECT version_num FROM alembic_version", ())
            return (rows[0][0] if rows else None), migrations.HEAD

    def prepare(self) -> None:
        """Make the tables of an empty database, check those of another.

        Errors: R-LOG-05, R-LOG-06, R-LOG-16, R-LOG-17, R-LOG-20.
        """
        found, needed = self.schema()
        if found is None:
            self.upgrade()
            return
        _must_be_known(found)
        if found != needed:
            raise OlderDatabase(found=found, needed=needed)

    def upgrade(self) -> None:
        found, _ = self.schema()
        if found is not None:
            _must_be_known(found)
        try:
            self.migrate()
        except self.failures as error:
            raise self.as_ledger_error(error) from error

    def migrate(self) -> None:
        """Run the migrations, one process at a time."""
        with self.engine.connect() as connection, migrations.exclusively(connection):
            migrations.upgrade(connection)

    # -- reads ------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[SqlReader]:
        """A connection for reads, given back at the end."""
        self._must_be_ours()
        try:
            with self.engine.connect() as connection:
                yield self.reader(connection)
        except self.failures as error:
            raise self.as_ledger_error(error) from error

    def head(self, ledger: str) -> Head:
        with self.reading() as reader:
            return reader.head(ledger)

    def read(
        self, ledger: str, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Entry]:
        with self.reading() as reader:
            return reader.read(ledger, after=after, until=until, limit=limit)

    def outlines(
        self, ledger: str, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Outline]:
        with self.reading() as reader:
            return reader.outlines(ledger, after=after, until=until, limit=limit)

    def streams(
        self, ledger: str, names: Sequence[str], *, after: int = 0, upto: int = MAX_INTEGER
    ) -> list[Entry]:
        with self.reading() as reader:
            return reader.streams(ledger, names, after=after, upto=upto)

    def commands(self, ledger: str, ids: Sequence[bytes]) -> list[Entry]:
        with self.reading() as reader:
            return reader.commands(ledger, ids)

    def once(self, ledger: str, values: Sequence[str]) -> dict[str, int]:
        with self.reading() as reader:
            return reader.once(ledger, values)

    def position_at(self, ledger: str, recorded_at: int) -> int:
        with self.reading() as reader:
            return reader.position_at(ledger, recorded_at)

    def tiles(self, ledger: str, level: int, first: int, count: int) -> list[Tile]:
        with self.reading() as reader:
            return reader.tiles(ledger, level, first, count)

    def ledgers(self) -> list[str]:
        with self.reading() as reader:
            return sorted(row[0] for row in reader.rows(
                "SELECT ledger FROM heads WHERE position > 0", ()))

    # -- writes -----------------------------------------------------------------------------------

    @contextmanager
    def writing(self, ledger: str) -> Iterator[SqlWriting]:
        self._must_be_ours()
        with self._writing:
            connection, committing = self._begun(), False
            try:
                yield self.writer(connection, ledger)
                committing = True
                connection.exec_driver_sql("COMMIT")
            except self.failures as error:
                found = self.as_ledger_error(error)
                if self.lost(connection) or (committing and not self.undone(error)):
                    found = ConnectionLost(why=reason(error))
                self._undo(connection)
                raise found from error
            except BaseException:
                self._undo(connection)
                raise

    def as_ledger_error(self, error: Exception) -> LedgerError:
        """The ledger's error for one of the database."""
        why = reason(error)
        for message, what in CONFLICTS.items():
            if message in why:
                return LogConflict(what=what)
        return StorageFailed(why=why)

    def lost(self, connection: Connection) -> bool:
        """Whether a connection is broken."""
        return connection.invalidated

    def undone(self, error: Exception) -> bool:
        """Whether an error that answers a COMMIT proves a rollback, as a server's does."""
        return True

    def connect_writer(self) -> Connection:
        """A connection that the writer keeps."""
        return self.engine.connect()

    def _begun(self) -> Connection:
        """The writer's connection in a new transaction.

        A kept connection may have broken while nothing was written; nothing is lost then, so it is
        replaced by a new one. A new connection that fails is an error.
        """
        while True:
            kept = self._connection is not None
            try:
                if self._connection is None:
                    self._connection = self.connect_writer()
                self._connection.exec_driver_sql(self.begin)
                return self._connection
            except self.failures as error:
                broke_idle = kept and self._connection is not None and self.lost(self._connection)
                self._drop()
                if not broke_idle:
                    raise self.as_ledger_error(error) from error

    def _undo(self, connection: Connection) -> None:
        try:
            connection.exec_driver_sql("ROLLBACK")
        except Exception:  # whatever it is, this connection is of no more use
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(Exception):
                connection.invalidate()
                connection.close()

    def _must_be_ours(self) -> None:
        if os.getpid() != self._process:
            raise Forked

    def close(self) -> None:
        if os.getpid() == self._process:
            with self._writing:
                self._drop()
                self.engine.dispose()


def _must_be_known(revision: str) -> None:
    """Errors: FirstEdition (R-LOG-20), NewerDatabase (R-LOG-05)."""
    if revision in migrations.FIRST_EDITION:
        raise FirstEdition(found=revision)
    if revision not in migrations.KNOWN:
        raise NewerDatabase(found=revision)


def reason(error: Exception) -> str:
    """What the database itself says, without the statement and its values."""
    original = getattr(error, "orig", None) or error
    diagnosis = getattr(original, "diag", None)
    return str((diagnosis and diagnosis.message_primary) or original)
