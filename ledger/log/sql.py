"""The log on SQL: what SQLite and PostgreSQL have in common.

SQLAlchemy brings the engine, the connections and the tables; the few statements of the hot path are
texts, run by the driver itself.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError, IntegrityError

from ledger.log import migrations
from ledger.log.envelope import Entry
from ledger.log.schema import COLUMNS
from ledger.log.store import (
    NOTHING,
    Head,
    LogConflict,
    NewerDatabase,
    OlderDatabase,
    StorageFailed,
    Tile,
)

IN_CHUNK = 500


class SqlReader:
    """Reads over one connection."""

    mark = "?"

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def rows(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        """Run a statement written with `?` marks, by the driver's own mark."""
        sql = statement if self.mark == "?" else statement.replace("?", self.mark)
        return list(self.connection.exec_driver_sql(sql, tuple(parameters)).fetchall())

    def head(self, ledger: str) -> Head:
        rows = self.rows(
            "SELECT position, recorded_at, frontier, keys_id FROM heads WHERE ledger = ?", (ledger,)
        )
        return Head(*rows[0]) if rows else NOTHING

    def read(
        self, ledger: str, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Entry]:
        bound = 2**62 if until is None else until
        rows = self.rows(
            f"SELECT {COLUMNS} FROM events WHERE ledger = ? AND position > ? AND position <= ?"
            " ORDER BY position LIMIT ?",
            (ledger, after, bound, limit),
        )
        return list(map(Entry._make, rows))

    def _among(self, ledger: str, column: str, values: Sequence[Any], *, after: int = 0) -> Any:
        unique = list(dict.fromkeys(values))
        for start in range(0, len(unique), IN_CHUNK):
            chunk = unique[start : start + IN_CHUNK]
            marks = ", ".join("?" * len(chunk))
            behind = " AND position > ?" if after else ""
            yield from self.rows(
                f"SELECT {COLUMNS} FROM events WHERE ledger = ? AND {column} IN ({marks}){behind}",
                (ledger, *chunk, *([after] if after else ())),
            )

    def streams(self, ledger: str, names: Sequence[str], *, after: int = 0) -> list[Entry]:
        found = map(Entry._make, self._among(ledger, "stream", names, after=after))
        return sorted(found, key=lambda entry: entry.position)

    def commands(self, ledger: str, ids: Sequence[bytes]) -> list[Entry]:
        found = map(Entry._make, self._among(ledger, "command_id", ids))
        return sorted(found, key=lambda entry: entry.position)

    def once(self, ledger: str, values: Sequence[str]) -> dict[str, int]:
        found = map(Entry._make, self._among(ledger, "once", values))
        return {entry.once: entry.position for entry in found if entry.once is not None}

    def position_at(self, ledger: str, recorded_at: int) -> int:
        """By bisection over positions: recorded_at never falls, so it needs no index of its own."""
        low, high = 0, self.head(ledger).position
        while low < high:
            middle = (low + high + 1) // 2
            rows = self.rows(
                "SELECT recorded_at FROM events WHERE ledger = ? AND position = ?", (ledger, middle)
            )
            low, high = (middle, high) if rows[0][0] <= recorded_at else (low, middle - 1)
        return low

    def tiles(self, ledger: str, level: int, first: int, count: int) -> list[Tile]:
        rows = self.rows(
            "SELECT level, number, hashes FROM tiles WHERE ledger = ? AND level = ?"
            " AND number >= ? ORDER BY number LIMIT ?",
            (ledger, level, first, count),
        )
        return [Tile(*row) for row in rows]


class SqlWriting(SqlReader):
    """The transaction of the writer: it holds the head row of its ledger."""

    def append(self, entries: Sequence[Entry], head: Head, tiles: Iterable[Tile]) -> None:
        if not entries:
            return
        self.insert(entries)
        ledger = entries[0].ledger
        self._execute(
            "UPDATE heads SET position = ?, recorded_at = ?, frontier = ?, keys_id = ?"
            " WHERE ledger = ?",
            (*head, ledger),
        )
        for tile in tiles:
            self._execute("INSERT INTO tiles (ledger, level, number, hashes) VALUES (?, ?, ?, ?)",
                          (ledger, *tile))

    def insert(self, entries: Sequence[Entry]) -> None:
        """Insert the rows of entries."""
        raise NotImplementedError

    def _execute(self, statement: str, parameters: Sequence[Any]) -> None:
        sql = statement if self.mark == "?" else statement.replace("?", self.mark)
        self.connection.exec_driver_sql(sql, tuple(parameters))


class SqlStore:
    """One database that holds the log. Subclasses say how it connects, locks and inserts."""

    reader: type[SqlReader] = SqlReader
    writer: type[SqlWriting] = SqlWriting
    begin = "BEGIN"

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self.engine = engine
        self._writing = threading.RLock()
        self._connection: Connection | None = None

    # -- schema -----------------------------------------------------------------------------------

    def schema(self) -> tuple[str | None, str]:
        """The database's revision (None: no tables yet) and the one that this version needs."""
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None, migrations.HEAD
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            return found, migrations.HEAD

    def prepare(self) -> None:
        """Make the tables of an empty database. Errors: R-LOG-05, R-LOG-06."""
        found, needed = self.schema()
        if found is None:
            self.upgrade()
        elif found not in migrations.KNOWN:
            raise NewerDatabase(found=found)
        elif found != needed:
            raise OlderDatabase(found=found, needed=needed)

    def upgrade(self) -> None:
        found, _ = self.schema()
        if found is not None and found not in migrations.KNOWN:
            raise NewerDatabase(found=found)
        with self.engine.connect() as connection, migrations.exclusively(connection):
            migrations.upgrade(connection)

    # -- reads ------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[SqlReader]:
        """A connection for reads, given back at the end."""
        try:
            with self.engine.connect() as connection:
                yield self.reader(connection)
        except DBAPIError as error:
            raise StorageFailed(why=str(error.orig)) from error

    def head(self, ledger: str) -> Head:
        with self.reading() as reader:
            return reader.head(ledger)

    def read(
        self, ledger: str, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Entry]:
        with self.reading() as reader:
            return reader.read(ledger, after=after, until=until, limit=limit)

    def streams(self, ledger: str, names: Sequence[str], *, after: int = 0) -> list[Entry]:
        with self.reading() as reader:
            return reader.streams(ledger, names, after=after)

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
            return [row[0] for row in reader.rows(
                "SELECT ledger FROM heads WHERE position > 0 ORDER BY ledger", ())]

    # -- writes -----------------------------------------------------------------------------------

    @contextmanager
    def writing(self, ledger: str) -> Iterator[SqlWriting]:
        with self._writing:
            try:
                connection = self._open()
                connection.exec_driver_sql(self.begin)
            except DBAPIError as error:
                self._drop()
                raise StorageFailed(why=str(error.orig)) from error
            writing = self.writer(connection)
            try:
                self.take(writing, ledger)
                yield writing
                connection.exec_driver_sql("COMMIT")
            except BaseException as error:
                self._undo(connection)
                raise _translated(error) from error

    def take(self, writing: SqlWriting, ledger: str) -> None:
        """Take the head row of a ledger, making it if it is the first time."""
        raise NotImplementedError

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self.engine.connect()
        return self._connection

    def _undo(self, connection: Connection) -> None:
        try:
            connection.exec_driver_sql("ROLLBACK")
        except DBAPIError:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()

    def close(self) -> None:
        with self._writing:
            self._drop()
            self.engine.dispose()


def _translated(error: BaseException) -> BaseException:
    """A database's error in the ledger's words; any other error as it is."""
    if not isinstance(error, DBAPIError):
        return error
    why = str(error.orig)
    if isinstance(error, IntegrityError) or "events: " in why:
        for word, what in (("position", "position"), ("events_pk", "position"),
                           ("version", "version of the stream"),
                           ("events_stream", "version of the stream"),
                           ("command", "command"), ("once", "once value")):
            if word in why:
                return LogConflict(what=what)
    return StorageFailed(why=why)
