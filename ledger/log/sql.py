"""The log on SQL: what SQLite and PostgreSQL have in common.

SQLAlchemy provides the engine and the connections; `sql_reading.py` and
`sql_writing.py` have the statements.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from ledger.common.errors import LedgerError
from ledger.common.values import MAX_INTEGER
from ledger.log import migrations
from ledger.log.accounts import Balance, Kinds, Span
from ledger.log.envelope import Entry, Outline
from ledger.log.sql_reading import Names, SqlReader
from ledger.log.sql_writing import SqlWriting
from ledger.log.store import (
    ConnectionLost,
    FirstEdition,
    Forked,
    Head,
    Known,
    LedgerHere,
    LedgerTaken,
    LogConflict,
    NewerDatabase,
    OlderDatabase,
    StorageFailed,
    Tile,
    Which,
)

CONFLICTS = {
    "events: not the next position": "position",
    "events: not the next version": "version of the stream",
    "events: the command is recorded": "command",
    "events: this may happen only once": "once value",
}
"""How the messages of the triggers begin, and what another writer then recorded first."""


class SqlStore:
    """One database that holds the log. Subclasses say how it connects, locks and inserts."""

    reader: type[SqlReader] = SqlReader
    writer: type[SqlWriting] = SqlWriting
    begin = "BEGIN"
    failures: tuple[type[Exception], ...] = (DBAPIError, NoFreeConnection)

    def __init__(self, url: str, engine: Engine, kinds: Kinds) -> None:
        self.url = url
        self.kinds = kinds
        self.engine = engine
        self._writing = threading.Lock()
        self._connection: Connection | None = None
        self._process = os.getpid()
        self._names = Names()
        self._host: str | None = None

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
            with self.lent() as connection:
                yield self.reader(connection, self._names, self.kinds)
        except self.failures as error:
            raise self.as_ledger_error(error) from error

    def lent(self) -> AbstractContextManager[Connection]:
        """A connection to read with."""
        return self.engine.connect()

    def id_of(self, ledger: Which) -> bytes:
        if isinstance(ledger, bytes):
            return ledger
        if (kept := self._names.get(ledger)) is not None:
            return kept  # without a connection: every request over HTTP asks
        with self.reading() as reader:
            return reader.id_of(ledger)

    def known(self, ledger: Which) -> Known | None:
        with self.reading() as reader:
            return reader.known(ledger)

    def head(self, ledger: Which) -> Head:
        with self.reading() as reader:
            return reader.head(ledger)

    def read(
        self, ledger: Which, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Entry]:
        with self.reading() as reader:
            return reader.read(ledger, after=after, until=until, limit=limit)

    def outlines(
        self, ledger: Which, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Outline]:
        with self.reading() as reader:
            return reader.outlines(ledger, after=after, until=until, limit=limit)

    def streams(
        self, ledger: Which, names: Sequence[str], *, after: int = 0, upto: int = MAX_INTEGER
    ) -> list[Entry]:
        with self.reading() as reader:
            return reader.streams(ledger, names, after=after, upto=upto)

    def commands(self, ledger: Which, ids: Sequence[bytes]) -> list[Entry]:
        with self.reading() as reader:
            return reader.commands(ledger, ids)

    def once(self, ledger: Which, values: Sequence[str]) -> dict[str, int]:
        with self.reading() as reader:
            return reader.once(ledger, values)

    def repeated(self, ledger: Which, *, until: int, limit: int) -> list[tuple[str, int]]:
        with self.reading() as reader:
            return reader.repeated(ledger, until=until, limit=limit)

    def position_at(self, ledger: Which, recorded_at: int) -> int:
        with self.reading() as reader:
            return reader.position_at(ledger, recorded_at)

    def tiles(self, ledger: Which, level: int, first: int, count: int) -> list[Tile]:
        with self.reading() as reader:
            return reader.tiles(ledger, level, first, count)

    def odd_tiles(self, ledger: Which, limit: int) -> list[tuple[int, int]]:
        with self.reading() as reader:
            return reader.odd_tiles(ledger, limit)

    def odd_positions(self, ledger: Which, limit: int) -> list[int]:
        with self.reading() as reader:
            return reader.odd_positions(ledger, limit)

    def accounts(
        self, ledger: Which, subjects: Sequence[str], *, after: int = 0, until: int | None = None,
        limit: int = 10_000, descending: bool = False,
    ) -> list[Entry]:
        with self.reading() as reader:
            return reader.accounts(ledger, subjects, after=after, until=until, limit=limit,
                                   descending=descending)

    def touching(
        self, ledger: Which, known: Mapping[str, int], *, until: int | None = None,
        limit: int = 10_000,
    ) -> list[Outline]:
        with self.reading() as reader:
            return reader.touching(ledger, known, until=until, limit=limit)

    def balances(self, ledger: Which, subjects: Sequence[str]) -> list[Balance]:
        with self.reading() as reader:
            return reader.balances(ledger, subjects)

    def balances_after(self, ledger: Which, subject: str, limit: int) -> list[Balance]:
        with self.reading() as reader:
            return reader.balances_after(ledger, subject, limit)

    def indexed(
        self, ledger: Which, subjects: Sequence[str], first: int, last: int
    ) -> list[tuple[str, int]]:
        with self.reading() as reader:
            return reader.indexed(ledger, subjects, first, last)

    def count_indexed(self, ledger: Which, until: int) -> int:
        with self.reading() as reader:
            return reader.count_indexed(ledger, until)

    def odd_accounts(
        self, ledger: Which, limit: int, *, beyond: int = 0
    ) -> list[tuple[str, int]]:
        with self.reading() as reader:
            return reader.odd_accounts(ledger, limit, beyond=beyond)

    def streams_of(
        self, ledger: Which, kind: str, *, naming: str | None = None,
        during: Span | None = None, after: str = "", limit: int = 10_000,
    ) -> list[str]:
        with self.reading() as reader:
            return reader.streams_of(ledger, kind, naming=naming, during=during, after=after,
                                     limit=limit)

    def standing(self, known: Known) -> dict[str, int]:
        with self.reading() as reader:
            return reader.standing(known)

    def ledgers(self) -> list[str]:
        with self.reading() as reader:
            return sorted(reader.names())

    # -- writes -----------------------------------------------------------------------------------

    @contextmanager
    def writing(self, ledger: Which) -> Iterator[SqlWriting]:
        with self._transaction() as connection:
            yield self.writer(connection, self._names, self.kinds, ledger)

    @contextmanager
    def beginning(self, *ledgers: Known) -> Iterator[list[SqlWriting]]:
        with self._transaction() as connection:
            reader = self.reader(connection, Names(), self.kinds)
            for one in ledgers:  # who makes the same ones at the same time waits at the first
                added = reader.run('INSERT INTO ledgers (id, name, "of") VALUES (?, ?, ?)'
                                   " ON CONFLICT DO NOTHING", one).rowcount
                if not added:
                    raise _taken(reader, one)
                reader.run("INSERT INTO heads (ledger, position, recorded_at, frontier)"
                           " VALUES (?, 0, 0, ?)", (one.id, b""))
            yield [self.writer(connection, Names(), self.kinds, one.id) for one in ledgers]

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """The writer's connection, for one thread at a time; committed at the end of the block."""
        self._must_be_ours()
        with self._writing:
            connection, committing = self._begun(), False
            try:
                yield connection
                committing = True
                connection.exec_driver_sql("COMMIT")
                if self.moved(connection):
                    raise ConnectionLost(why="another database took the place of the one that this "
                                         "was written to")
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

    def moved(self, connection: Connection) -> bool:
        """Whether what a connection leads to is no longer the database of this store."""
        return False

    def undone(self, error: Exception) -> bool:
        """Whether an error that answers a COMMIT proves a rollback, as a server's does."""
        return True

    def host(self) -> str:
        """Which database this is, as it was found for the writer's present connection."""
        if self._host is None:
            self._host = self.find_host()
        return self._host

    def find_host(self) -> str:
        """Look up which database this is."""
        raise NotImplementedError

    def connect_writer(self) -> Connection:
        """A connection that the writer keeps."""
        return self.engine.connect()

    def _begun(self) -> Connection:
        """The writer's connection in a new transaction.

        A kept connection may have broken while nothing was written, or its database was replaced;
        nothing is lost then, so it is replaced by a new one. A new one that fails is an error.
        """
        if self._connection is not None and self.moved(self._connection):
            self._drop()
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
        self._host = None  # whoever answers next may be another server
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


def _taken(reader: SqlReader, known: Known) -> LedgerTaken:
    """Why a ledger cannot be made: it is here already, or another has its name."""
    for (name,) in reader.rows("SELECT name FROM ledgers WHERE id = ?", (known.id,)):
        return LedgerHere(name=name)
    return LedgerTaken(name=known.name)


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
