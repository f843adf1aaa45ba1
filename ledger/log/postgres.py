"""The log in PostgreSQL: how it connects, locks the head row and inserts by binary COPY.

Two roles. The owner of the database (LEDGER_ADMIN_DATABASE_URL) makes and changes the schema. The
application (LEDGER_DATABASE_URL) may read; it may insert ledgers, events, tiles and accounts and
update heads, and do all of it to balances, which are no part of the log; it owns no table of the
log, so it cannot delete there, truncate or take a trigger off.
After every migration the owner grants it just that, and CREATE on the database: read models live in
schemas `read_<n>` that the application makes, owns and drops, since they can always be made again.
Without an admin URL one role does everything, and only the triggers guard the events.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy import Connection, Engine, create_engine, event, make_url

from ledger.common.errors import LedgerError
from ledger.common.values import MAX_INTEGER
from ledger.log import migrations
from ledger.log.accounts import Kinds
from ledger.log.envelope import Entry
from ledger.log.schema import COLUMNS, POSTGRES_FOUND, POSTGRES_GUARDS, PostgresGuard
from ledger.log.sql import SqlStore, reason
from ledger.log.sql_reading import AFTER, SqlReader
from ledger.log.sql_writing import SqlWriting
from ledger.log.store import AdminNeeded, LogConflict, OtherDatabase, ValueNotStored, Which

_COPY = f"COPY events ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
_TYPES = [
    "bytea", "int8", "text", "int8", "text", "int8", "int8", "bytea", "int8", "bytea", "text",
    "text", "text", "text", "bytea", "int8", "text", "text", "bytea", "bytea", "bytea", "bytea",
]
"""Never int4: psycopg silently truncates what does not fit into one."""

_INDEX = "COPY accounts (ledger, subject, position) FROM STDIN (FORMAT BINARY)"
"""One statement, and so one call of the guard, for all rows; an INSERT takes a fifth longer."""

_CONSTRAINTS = {"events_pk": "position", "events_stream": "version of the stream",
                "events_command": "command", "events_once": "once value"}

_HOST = ("SELECT (SELECT system_identifier FROM pg_control_system()),"
         " pg_walfile_name(pg_current_wal_lsn())")
"""A name of WAL begins with the timeline in 8 hexadecimal digits. The control file names it, too,
but of the last checkpoint: for a while after a fail-over the old one."""

_DURABILITY = (
    "SELECT name, reset_val FROM pg_settings WHERE name IN ('fsync', 'full_page_writes',"
    " 'synchronous_commit', 'synchronous_standby_names') ORDER BY name")
"""As sessions of this role begin in this database: what this one has set for itself, it keeps only
as long as no pooler gives it another session."""

_STANDBYS = (
    "SELECT count(*) FROM pg_stat_replication WHERE pid NOT IN (SELECT active_pid FROM"
    " pg_replication_slots WHERE slot_type = 'logical' AND active_pid IS NOT NULL)")
"""Whatever receives the whole WAL; a role that sees no more of others may still count them."""

_WAITING = ("SELECT set_config('synchronous_commit', 'on', {local})"
            " WHERE current_setting('synchronous_commit') IN ('off', 'local')")
"""Makes commits wait for the disk where they would not."""

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BEGIN_POOLED = (
    f"{_BEGIN}; SET LOCAL lock_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout ="
    f" '60s'; {_WAITING.format(local='true')}")
"""The same for one transaction as otherwise for the writer's connection."""

_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""How long to wait for a server that no longer answers; a URL may set other values."""


def make_engine(url: str) -> Engine:
    """An engine on a PostgreSQL database through psycopg, in autocommit, commits durable.

    Its errors do not repeat the values of a statement: they may be personal.
    """
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(
        parsed.update_query_dict({k: v for k, v in _PATIENCE.items() if k not in parsed.query}),
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        pool_size=8,
        max_overflow=64,
        pool_pre_ping=True,
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_WAITING.format(local="false"))
            cursor.execute("SET TIME ZONE 'UTC'")
        if pooled(connection):
            connection.prepare_threshold = None

    return engine


def pooled(connection: Any) -> bool:
    """Whether a pooler stands between a connection of psycopg and the server: it gives a client
    another process id than the server's own.

    Each transaction may then run in another session of the server: what was prepared or set in one
    is not there in the next, and is in the way of others.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return bool(cursor.fetchone() != (connection.info.backend_pid,))


class _Reader(SqlReader):
    mark = "%s"
    whole = "pg_typeof(a.position) = 'bigint'::regtype"
    named = "strpos(e.subjects, to_json(a.subject)::text) > 0"
    holds = "strpos(subjects, ?) > 0"

    def names(self) -> Iterator[str]:
        yield from (name for (name,) in self.rows("SELECT name FROM ledgers", ()))

    def among(
        self, ledger: Which, column: str, values: Sequence[Any], after: int,
        *, upto: int = MAX_INTEGER,
    ) -> list[Entry]:
        """The entries after a position that have one of these values, in order, of each stream up
        to a version."""
        rows = self.rows(
            f"SELECT {COLUMNS} FROM events WHERE ledger = ? AND {column} = ANY(?)"
            f"{AFTER} ORDER BY position", (self.id_of(ledger), list(values), after, upto))
        return list(map(Entry._make, rows))


class _Writing(_Reader, SqlWriting):
    lock = " FOR UPDATE"

    def insert(self, entries: Sequence[Entry]) -> None:
        self._copy(_COPY, _TYPES, entries)

    def index(self, rows: list[tuple[str, int]]) -> None:
        self._copy(_INDEX, ["bytea", "text", "int8"], [(self.ledger, *row) for row in rows])

    def _copy(self, statement: str, types: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
        driver: Any = self.connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


class PostgresStore(SqlStore):
    """The log in one PostgreSQL database. The head row's lock orders all processes."""

    reader = _Reader
    writer = _Writing
    begin = _BEGIN
    failures = (*SqlStore.failures, psycopg.Error)

    def __init__(self, url: str, *, admin_url: str | None = None, kinds: Kinds) -> None:
        super().__init__(url, make_engine(url), kinds)
        self.admin_url = admin_url

    # -- schema -----------------------------------------------------------------------------------

    def migrate(self) -> None:
        """Migrate as the admin URL's role, if there is one, and grant the application its part.

        Errors: AdminNeeded (R-LOG-16), OtherDatabase (R-LOG-17).
        """
        role = self._role()
        engine = self.engine if self.admin_url is None else make_engine(self.admin_url)
        try:
            with engine.connect() as connection, migrations.exclusively(connection):
                migrations.upgrade(connection)
                _grant(connection, role)
        except self.failures as error:
            if isinstance(getattr(error, "orig", error), errors.InsufficientPrivilege):
                raise AdminNeeded(role=engine.url.username or role, why=reason(error)) from error
            raise
        finally:
            if engine is not self.engine:
                engine.dispose()
        if self.schema()[0] != migrations.HEAD:
            raise OtherDatabase

    def _role(self) -> str:
        with self.reading() as reader:
            return str(reader.rows("SELECT current_user", ())[0][0])

    # -- writes -----------------------------------------------------------------------------------

    def as_ledger_error(self, error: Exception) -> LedgerError:
        """The ledger's error for one of the database."""
        original = getattr(error, "orig", None) or error
        if isinstance(original, errors.UniqueViolation):
            what = _CONSTRAINTS.get(original.diag.constraint_name or "")
            if what is not None:
                return LogConflict(what=what)
        if isinstance(original, psycopg.DataError | errors.CheckViolation):
            return ValueNotStored(why=reason(error))
        return super().as_ledger_error(error)

    def lost(self, connection: Connection) -> bool:
        """Whether a connection is broken."""
        driver: Any = None if connection.invalidated else connection.connection.driver_connection
        return driver is None or bool(driver.closed)

    def connect_writer(self) -> Connection:
        """A connection that waits for no lock for ever, and whose own lock ends soon after its
        process stands still."""
        connection = super().connect_writer()
        if pooled(connection.connection.driver_connection):
            self.begin = _BEGIN_POOLED
            return connection
        self.begin = _BEGIN
        connection.exec_driver_sql("SET lock_timeout = '60s'")
        connection.exec_driver_sql("SET idle_in_transaction_session_timeout = '60s'")
        return connection

    def find_host(self) -> str:
        with self.reading() as reader:
            ((system, wal),) = reader.rows(_HOST, ())
            return f"postgresql:{system}:{int(wal[:8], 16)}"

    # -- what the doctor asks ---------------------------------------------------------------------

    def missing_guards(self) -> list[str]:
        with self.reading() as reader:
            found = {name: (PostgresGuard(*guard), schema)
                     for name, *guard, schema in reader.rows(POSTGRES_FOUND, ())}
        return sorted(
            name for name, guard in POSTGRES_GUARDS.items() if name not in found
            or found[name][0] != guard._replace(
                body=guard.body.replace("{schema}", found[name][1])))

    def damage(self, *, quickly: bool = False) -> list[str] | None:
        """For its owner, with PostgreSQL's own tools."""
        return None

    def durability(self) -> dict[str, str]:
        with self.reading() as reader:
            found = {name: str(value) for name, value in reader.rows(_DURABILITY, ())}
            ((standbys,),) = reader.rows(_STANDBYS, ())
        if not standbys:
            del found["synchronous_standby_names"]
            return found
        return {**found, "standbys": str(standbys)}

    def refuses_writes(self) -> str | None:
        with self.reading() as reader:
            ((read_only,),) = reader.rows("SHOW transaction_read_only", ())
        return None if read_only == "off" else "transaction_read_only = on"


def _grant(connection: Connection, role: str) -> None:
    """What the application's role needs, unless it is the one that migrates."""
    names = connection.exec_driver_sql(
        "SELECT current_user, current_schema(), current_database()").one()
    if names[0] == role:
        return
    to, schema, database = (
        '"' + name.replace('"', '""').replace("%", "%%") + '"' for name in (role, *names[1:]))
    for grant in (
        f"CONNECT, CREATE ON DATABASE {database}",
        f"USAGE ON SCHEMA {schema}",
        "SELECT ON alembic_version",
        "SELECT, INSERT ON ledgers, events, tiles, accounts",
        "SELECT, INSERT, UPDATE ON heads",
        "SELECT, INSERT, UPDATE, DELETE ON balances",
    ):
        connection.exec_driver_sql(f"GRANT {grant} TO {to}")
