"""The log in PostgreSQL: how it connects, locks the head row and inserts by binary COPY."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url

from ledger.log.envelope import Entry
from ledger.log.schema import COLUMNS, POSTGRES_GUARDS
from ledger.log.sql import SqlReader, SqlStore, SqlWriting

_COPY = f"COPY events ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
_TYPES = [
    "text", "int8", "text", "int4", "text", "int8", "int8", "bytea", "int4", "bytea", "text",
    "text", "text", "text", "bytea", "int8", "text", "text", "bytea", "bytea", "bytea", "bytea",
]


def make_engine(url: str) -> Engine:
    """An engine on a PostgreSQL database through psycopg, in autocommit, commits durable."""
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        pool_size=8,
        max_overflow=64,
        pool_pre_ping=True,
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO on")
            cursor.execute("SET TIME ZONE 'UTC'")

    return engine


class _Reader(SqlReader):
    mark = "%s"


class _Writing(_Reader, SqlWriting):
    def insert(self, entries: Sequence[Entry]) -> None:
        driver: Any = self.connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for entry in entries:
                copy.write_row(entry)


class PostgresStore(SqlStore):
    """The log in one PostgreSQL database. The head row's lock orders all processes."""

    reader = _Reader
    writer = _Writing

    def __init__(self, url: str, *, admin_url: str | None = None) -> None:
        super().__init__(url, make_engine(url))
        self.admin_url = admin_url

    def take(self, writing: SqlWriting, ledger: str) -> None:
        lock = "SELECT 1 FROM heads WHERE ledger = ? FOR UPDATE"
        if not writing.rows(lock, (ledger,)):
            writing._execute(
                "INSERT INTO heads (ledger, position, recorded_at, frontier)"
                " VALUES (?, 0, 0, ?) ON CONFLICT DO NOTHING", (ledger, b""))
            writing.rows(lock, (ledger,))

    def missing_guards(self) -> list[str]:
        with self.reading() as reader:
            found = {row[0] for row in reader.rows(
                "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'", ())}
        return sorted(POSTGRES_GUARDS - found)

    def durability(self) -> dict[str, str]:
        with self.reading() as reader:
            names = ("fsync", "synchronous_commit", "full_page_writes")
            return {name: str(reader.rows(f"SHOW {name}", ())[0][0]) for name in names}
