"""Rows of read models: what SQLite and PostgreSQL need to load, insert and replace them in bulk.

SQLAlchemy Core describes the tables and asks the questions; the statements that carry a rebuild are
texts, run by the driver itself.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

IN_CHUNK = 500
FETCHED = 2000


class Key(UserDefinedType[str]):
    """A text that is sorted by its bytes on every engine."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        """The type as SQLite calls it: it knows no other order than that of the bytes."""
        return "TEXT"


@compiles(Key, "postgresql")
def _key_of_postgres(_type: Key, _compiler: Any, **_options: Any) -> str:
    return 'TEXT COLLATE "C"'


metadata = MetaData()


def ledger_column() -> Column[bytes]:
    """The first column of every table and of its key: the id of the ledger."""
    return Column("ledger", LargeBinary, nullable=False)


progress = Table(
    "progress", metadata,
    ledger_column(),
    Column("projection", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("leaf", LargeBinary),
    Column("error_position", BigInteger),
    Column("error_type", Text),
    Column("error_message", Text),
    PrimaryKeyConstraint("ledger", "projection", name="progress_pk"),
)


class Progress(NamedTuple):
    """How far a projection has folded a ledger's log.

    `leaf` is the leaf hash of the event at `position`: a log that has another event there is
    another log. The error fields say where it stopped and why, without personal data.
    """

    projection: str
    version: int
    position: int
    leaf: bytes | None
    error_position: int | None = None
    error_type: str | None = None
    error_message: str | None = None


class Change(NamedTuple):
    """What a batch does to a table: rows with new keys, and rows that replace those they find.

    Shapes: both are lists of full rows in the order of the table's columns, sorted by key.
    """

    table: Table
    inserts: list[tuple[Any, ...]]
    upserts: list[tuple[Any, ...]]


def run(connection: Connection, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
    """Run a statement in the driver's own marks; its rows, if it has any, as the driver's tuples.

    On SQLite that goes past SQLAlchemy, which takes several times as long to describe a result as
    SQLite takes to find it. Errors: as SQLAlchemy's.
    """
    if connection.dialect.name == "postgresql":
        result: Any = connection.exec_driver_sql(statement, tuple(parameters))
        return list(result.cursor.fetchall()) if result.returns_rows else []
    driver: Any = connection.connection.driver_connection
    base: Any = connection.dialect.loaded_dbapi.Error
    try:
        found: list[Any] = driver.execute(statement, tuple(parameters)).fetchall()
    except base as error:
        raise DBAPIError.instance(statement, None, error, base, dialect=connection.dialect) \
            from error
    return found


class Rows:
    """Statements over one connection of a read database, written with `?` marks."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.postgres = connection.dialect.name == "postgresql"

    def _sql(self, statement: str) -> str:
        return statement.replace("?", "%s") if self.postgres else statement

    def select(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows of a query, as tuples."""
        return run(self.connection, self._sql(statement), parameters)

    def _named(self, statement: str, parameters: Sequence[Any]) -> Sequence[Row[Any]]:
        """The rows of a query, whose values have the names of their columns."""
        return self.connection.exec_driver_sql(self._sql(statement), tuple(parameters)).fetchall()

    def execute(self, statement: str, parameters: Sequence[Any]) -> int:
        """Run a statement; the number of rows that it changed."""
        return self.connection.exec_driver_sql(self._sql(statement), tuple(parameters)).rowcount

    def among(
        self, table: Table, ledger: bytes, column: str, values: Sequence[Any]
    ) -> Iterator[Row[Any]]:
        """The rows of a ledger whose column has one of these values."""
        names = ", ".join(table.c.keys())
        for start in range(0, len(values), IN_CHUNK):
            chunk = values[start : start + IN_CHUNK]
            marks = ", ".join("?" * len(chunk))
            yield from self._named(
                f"SELECT {names} FROM {table.name} WHERE ledger = ? AND {column} IN ({marks})",
                (ledger, *chunk))

    def write(self, change: Change) -> None:
        """Insert and replace the rows of a change."""
        if change.inserts:
            self.insert(change.table, change.inserts)
        if change.upserts:
            self.connection.exec_driver_sql(self._sql(_upsert(change.table)), change.upserts)

    def insert(self, table: Table, rows: list[tuple[Any, ...]]) -> None:
        """Add rows with new keys: on PostgreSQL by COPY."""
        if not self.postgres:
            self.connection.exec_driver_sql(_insert(table), rows)
            return
        driver: Any = self.connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(_copy(table)) as copy:
            for row in rows:
                copy.write_row(row)

    def all_of(self, table: Table, ledger: bytes) -> Iterator[Row[Any]]:
        """Every row of a ledger, sorted by key, in bounded memory."""
        keys = [column.name for column in table.primary_key]
        names, order = ", ".join(table.c.keys()), ", ".join(keys)
        places = [list(table.c.keys()).index(key) for key in keys[1:]]
        following, last = "", ()
        while True:
            rows = self._named(
                f"SELECT {names} FROM {table.name} WHERE ledger = ?{following}"
                f" ORDER BY {order} LIMIT {FETCHED}", (ledger, *last))
            yield from rows
            if len(rows) < FETCHED:
                return
            last = tuple(rows[-1][place] for place in places)
            following = f" AND ({', '.join(keys[1:])}) > ({', '.join('?' * len(last))})"

    # -- progress ---------------------------------------------------------------------------------

    def progress(self, ledger: bytes) -> dict[str, Progress]:
        """How far each projection is that has begun with this ledger."""
        found = map(_progress_of, self.select(f"{_PROGRESS} WHERE ledger = ?", (ledger,)))
        return {one.projection: one for one in found}

    def progress_of(self, ledger: bytes, projection: str) -> Progress | None:
        """How far a projection is; None if it has not begun with this ledger."""
        found = self.select(f"{_PROGRESS} WHERE ledger = ? AND projection = ?",
                            (ledger, projection))
        return _progress_of(found[0]) if found else None

    def begin(self, ledger: bytes, projection: str, version: int) -> None:
        """Note that a projection is at position 0, unless it has begun already."""
        self.execute(
            "INSERT INTO progress (ledger, projection, version, position) VALUES (?, ?, ?, 0)"
            " ON CONFLICT DO NOTHING", (ledger, projection, version))

    def move(self, ledger: bytes, before: Progress, after: Progress) -> bool:
        """Move a projection on; False if another projector moved it since `before` was read."""
        sets = ", ".join(f"{name} = ?" for name in Progress._fields[2:])
        changed = self.execute(
            f"UPDATE progress SET {sets} WHERE ledger = ? AND projection = ? AND version = ?"
            " AND position = ?",
            (*after[2:], ledger, before.projection, before.version, before.position))
        return changed == 1


_PROGRESS = f"SELECT {', '.join(Progress._fields)} FROM progress"


def _progress_of(row: Sequence[Any]) -> Progress:
    found = Progress._make(row)
    return found if found.leaf is None else found._replace(leaf=bytes(found.leaf))


@cache
def _insert(table: Table) -> str:
    marks = ", ".join("?" * len(table.c))
    return f"INSERT INTO {table.name} ({', '.join(table.c.keys())}) VALUES ({marks})"


@cache
def _copy(table: Table) -> str:
    return f"COPY {table.name} ({', '.join(table.c.keys())}) FROM STDIN"


@cache
def _upsert(table: Table) -> str:
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.c if not column.primary_key]
    sets = ", ".join(f"{name} = excluded.{name}" for name in others)
    return f"{_insert(table)} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sets}"
