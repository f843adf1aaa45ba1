"""Read models in PostgreSQL: a schema for each read database, a row that names the one that counts.

The role that the application connects with needs CREATE on the database.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from ledger.common.errors import Misconfigured
from ledger.log import postgres
from ledger.log.sql import reason
from projections.store.databases import Generation, noticing_failure

_LOCK = 5_118_223_907_466_120_883
_NUMBERS = ("SELECT substr(nspname, 6)::bigint FROM pg_namespace WHERE nspname ~ '^read_[0-9]+$'"
            " ORDER BY 1")

_POINTER = "SELECT to_regclass('read_models.live')"


class SchemasForbidden(Misconfigured):
    """The role {role} may not make the schemas of read models in this database: {why}. Run `ledger
    upgrade` with LEDGER_ADMIN_DATABASE_URL as the database's owner: it grants what is missing. The
    log itself can be read, written to and verified as it is."""

    code = "schemas_forbidden"
    rule = "R-PRJ-21"


class _Generation(Generation):
    """A schema. Each transaction names it: a pooler between us and the server gives each another
    connection, and passes no settings of a connection on."""

    def __init__(self, number: int, engine: Engine) -> None:
        super().__init__(number, engine)
        here = f"SET LOCAL search_path TO read_{number}"
        self.begin_reading = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {here}"
        # What a crash loses is folded again.
        self.begin_writing = f"BEGIN; {here}; SET LOCAL synchronous_commit TO off"


class SchemaPlace:
    """In the database of the log: the schemas `read_<n>` and the table `read_models.live`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: Engine = postgres.make_engine(url)
        self._made = False

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Errors: StorageFailed (R-LOG-04), SchemasForbidden (R-PRJ-21)."""
        with noticing_failure(), self.engine.connect() as connection:
            try:
                yield connection
            except ProgrammingError as error:
                if isinstance(error.orig, InsufficientPrivilege):
                    raise SchemasForbidden(role=self.engine.url.username,
                                           why=reason(error)) from error
                raise

    def _make(self) -> None:
        """Make the pointer, unless it is there."""
        if self._made:
            return
        with self._connected() as connection:
            if connection.exec_driver_sql(_POINTER).scalar() is not None:
                self._made = True
                return
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK + 1})")
            connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS read_models")
            connection.exec_driver_sql(
                "CREATE TABLE IF NOT EXISTS read_models.live"
                " (one boolean PRIMARY KEY CHECK (one), number bigint NOT NULL)")
            connection.exec_driver_sql(
                "INSERT INTO read_models.live VALUES (true, 0) ON CONFLICT DO NOTHING")
            connection.exec_driver_sql("COMMIT")
        self._made = True

    def _named(self) -> int:
        made = self._made
        self._make()
        try:
            with self._connected() as connection:
                found = connection.exec_driver_sql("SELECT number FROM read_models.live").scalar()
                return int(found or 0)
        except ProgrammingError:
            if not made:
                raise
            self._made = False  # the database was made again: what was there once is gone
            return self._named()

    def _numbers(self) -> list[int]:
        with self._connected() as connection:
            return [row[0] for row in connection.exec_driver_sql(_NUMBERS)]

    def live(self) -> int | None:
        return self._named() or None

    def open(self, number: int) -> Generation:
        return _Generation(number, postgres.make_engine(self.url))

    def create(self) -> Generation:
        number = max([self._named(), *self._numbers()]) + 1
        with self._connected() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA read_{number}")
        generation = self.open(number)
        generation.make_tables()
        return generation

    def publish(self, generation: Generation) -> None:
        generation.close()
        number = generation.number
        with self._connected() as connection:
            connection.exec_driver_sql("UPDATE read_models.live SET number = %s", (number,))
        for older in self._numbers():
            if older < number:
                self._remove(older)

    def discard(self, generation: Generation) -> None:
        generation.close()
        self._remove(generation.number)

    def _remove(self, number: int) -> None:
        """Drop a schema, unless somebody reads it: then a later rebuild does."""
        with self._connected() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                connection.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")
                connection.exec_driver_sql(f"DROP SCHEMA read_{number} CASCADE")
                connection.exec_driver_sql("COMMIT")
            except OperationalError:
                connection.exec_driver_sql("ROLLBACK")

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        with self._connected() as connection:
            # Of a transaction, which keeps its session of the server whatever pooler is between:
            # a lock of the session would stay locked in one that others are given.
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            try:
                yield
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def close(self) -> None:
        self.engine.dispose()
