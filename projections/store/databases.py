"""Where read models are: numbered databases next to the log, and a pointer to the one that counts.

A rebuild fills the next number and moves the pointer; whoever reads the old one finishes there.
"""

import fcntl
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Table, create_engine, create_mock_engine, event
from sqlalchemy.exc import (
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import QueuePool, StaticPool

from ledger.log import sqlite
from ledger.log.kept import KeptConnections
from ledger.log.store import StorageFailed
from projections.store.rows import metadata, run

CACHE_KIB = 8192
FOLLOWING = ("synchronous = NORMAL",)
FILLING = ("synchronous = OFF", "wal_autocheckpoint = 20000")
"""A database that is filled counts for nothing until it is whole and on disk: see `publish`."""

THROWN_AWAY = ("locking_mode = EXCLUSIVE", "journal_mode = PERSIST", "synchronous = OFF",
               f"cache_size = -{CACHE_KIB}")
"""A journal that is kept open: there is no folder in which another could be made."""

FAILED = (OperationalError, InterfaceError)
"""What says that the database itself failed, or the connection to it."""

READ_ONLY = "25006"
"""How PostgreSQL says that it takes no writes: it is a standby."""


@contextmanager
def noticing_failure() -> Iterator[None]:
    """Errors: StorageFailed (R-LOG-04) where the database itself fails, or takes no writes."""
    try:
        yield
    except FAILED as error:
        raise StorageFailed(why=str(error.orig)) from error
    except InternalError as error:
        if not takes_no_writes(error):
            raise
        raise StorageFailed(why=str(error.orig)) from error


def takes_no_writes(error: BaseException | None) -> bool:
    """Whether an error, or what it comes from, says that the database is a standby."""
    return error is not None and (
        getattr(getattr(error, "orig", None), "sqlstate", "") == READ_ONLY
        or takes_no_writes(error.__cause__))


class _Undone(Exception):
    """What was tried in a transaction is not kept."""


class Generation:
    """One read database. Thread-safe."""

    begin_reading = "BEGIN"
    begin_writing = "BEGIN IMMEDIATE"
    outlives = False
    """Whether what is open of it can still be read once it is removed."""

    def __init__(self, number: int, engine: Engine, turn: Any = None) -> None:
        self.number = number
        self.engine = engine
        self._turn = turn
        """A lock that lends out the only connection of a database in memory."""

    def _lent(self) -> AbstractContextManager[Connection]:
        return self.engine.connect()

    @contextmanager
    def transaction(self, begin: str) -> Iterator[Connection]:
        """A connection in a transaction that is committed at the end or undone by an error.

        Errors: StorageFailed (R-LOG-04) where the database itself fails.
        """
        with self._turn or nullcontext(), noticing_failure(), self._lent() as connection:
            run(connection, begin)
            try:
                yield connection
                run(connection, "COMMIT")
            except BaseException:
                _undo(connection)
                raise

    def reading(self) -> AbstractContextManager[Connection]:
        """One snapshot of all tables."""
        return self.transaction(self.begin_reading)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that may write."""
        return self.transaction(self.begin_writing)

    @contextmanager
    def trying(self) -> Iterator[Connection]:
        """A transaction that may write and is undone at the end, whatever happens in it."""
        try:
            with self.transaction(self.begin_writing) as connection:
                yield connection
                raise _Undone
        except _Undone:
            pass

    def make_tables(self) -> None:
        """Make those tables that are missing."""
        with self.writing() as connection:
            metadata.create_all(connection, checkfirst=True)

    def close(self) -> None:
        """Let go of the connections that nobody uses; the others go when their user ends."""
        with self._turn or nullcontext():
            self.engine.dispose()


def _undo(connection: Connection) -> None:
    try:
        connection.exec_driver_sql("ROLLBACK")
    except SQLAlchemyError:  # also its word that a connection broke: PendingRollbackError
        connection.invalidate()


class FileGeneration(Generation):
    """An SQLite file."""

    outlives = True

    def __init__(self, number: int, engine: Engine) -> None:
        super().__init__(number, engine)
        self._kept = KeptConnections(engine)

    def _lent(self) -> AbstractContextManager[Connection]:
        return self._kept.lent()

    def close(self) -> None:
        self._kept.close()
        super().close()


class Place(Protocol):
    """Where the read databases of one log are."""

    def live(self) -> int | None:
        """The number that the pointer names; None before the first rebuild."""
        ...

    def open(self, number: int) -> Generation:
        """An existing read database. Errors: StorageFailed, at its first use, if it is gone."""
        ...

    def create(self) -> Generation:
        """A new empty read database with the next number, to be filled."""
        ...

    def publish(self, generation: Generation) -> None:
        """Move the pointer to a filled database, durably, then remove those with lower numbers."""
        ...

    def discard(self, generation: Generation) -> None:
        """Remove a read database that was never published."""
        ...

    def exclusively(self) -> AbstractContextManager[Any]:
        """Only one rebuild at a time, over all processes."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class FilePlace:
    """Next to an SQLite log `x.db`: `x.read.<n>.db`, the pointer `x.read`, a lock for rebuilds."""

    def __init__(self, log: Path) -> None:
        stem = log.stem if log.suffix == ".db" else log.name
        self.folder = log.parent
        self.stem = f"{stem}.read"
        self.pointer = self.folder / self.stem
        self._seen: tuple[tuple[int, ...], int, Path] | None = None
        """The pointer as it was read last, by what tells its file from the next one: what it named,
        and where that is."""

    def path(self, number: int) -> Path:
        """The file of a read database."""
        return self.folder / f"{self.stem}.{number}.db"

    def _named(self) -> int:
        try:
            return int(self.pointer.read_bytes())
        except (FileNotFoundError, ValueError):
            return 0

    def live(self) -> int | None:
        """As `Place.live`: two looks at the folder, and nothing is opened, as long as the pointer
        is the file that was read last."""
        try:
            at, seen = _file(self.pointer), self._seen
            if seen is None or seen[0] != at:
                number = self._named()
                seen = self._seen = at, number, self.path(number)
            os.stat(seen[2])
        except FileNotFoundError:
            return self._found()
        return seen[1]

    def _found(self) -> int | None:
        """What the pointer names, if that is there."""
        number = self._named()
        # A file that is gone was perhaps removed since: then the pointer names another by now.
        while number and not self.path(number).exists():
            before, number = number, self._named()
            if number == before:
                return None
        return number or None

    def open(self, number: int) -> Generation:
        return FileGeneration(number, _engine(self.path(number), "rw"))

    def create(self) -> Generation:
        number = max([self._named(), *self._numbers()]) + 1
        generation = Generation(
            number, _engine(self.path(number), "rwc", FILLING))
        generation.make_tables()
        return generation

    def _numbers(self) -> list[int]:
        pattern = re.compile(re.escape(self.stem) + r"\.(\d+)\.db(-wal|-shm)?")
        found = (pattern.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted({int(match[1]) for match in found if match})

    def publish(self, generation: Generation) -> None:
        generation.close()
        number = generation.number
        with self.path(number).open("rb") as file:
            os.fsync(file.fileno())
        fresh = self.pointer.with_name(f"{self.stem}.new")
        with fresh.open("w") as file:
            file.write(f"{number}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.pointer)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        for older in self._numbers():
            if older < number:
                self._remove(older)

    def discard(self, generation: Generation) -> None:
        generation.close()
        self._remove(generation.number)

    def _remove(self, number: int) -> None:
        """Unlink a read database. Whoever has it open keeps it until they close it (POSIX)."""
        path = self.path(number)
        for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            name.unlink(missing_ok=True)

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        with (self.folder / f"{self.stem}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def close(self) -> None:
        return None


def _file(path: Path) -> tuple[int, ...]:
    """What tells a file that takes the place of another from that. Errors: FileNotFoundError."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_ctime_ns


class MemoryPlace:
    """Read databases in memory, for a log in memory and for what is thrown away."""

    def __init__(self) -> None:
        self._live: Generation | None = None
        self._last = 0
        self._lock = threading.Lock()

    def live(self) -> int | None:
        return None if self._live is None else self._live.number

    def open(self, number: int) -> Generation:
        """The one that counts, even if that is a later one by now."""
        if self._live is None:
            raise StorageFailed(why="the read models are closed")
        return self._live

    def create(self) -> Generation:
        self._last += 1
        return in_memory(self._last)

    def publish(self, generation: Generation) -> None:
        self._live = generation

    def discard(self, generation: Generation) -> None:
        generation.close()

    def exclusively(self) -> AbstractContextManager[Any]:
        return self._lock

    def close(self) -> None:
        self._live = None


def in_memory(number: int = 0, tables: Sequence[Table] | None = None) -> Generation:
    """A read database in memory with empty tables, by default all; it is gone when nobody holds
    it."""
    return _of_one(number, tables, connect_args={
        "check_same_thread": False, "isolation_level": None})


def _of_one(number: int, tables: Sequence[Table] | None, **how: Any) -> Generation:
    """A new read database that has one connection, with empty tables."""
    generation = Generation(number, create_engine(
        "sqlite://", poolclass=StaticPool, module=sqlite.driver(), isolation_level="AUTOCOMMIT",
        **how), threading.RLock())
    with generation.writing() as connection:
        for statement in _making(None if tables is None else tuple(tables)):
            run(connection, statement)
    return generation


@cache
def _making(tables: tuple[Table, ...] | None) -> list[str]:
    """What makes some tables in an empty SQLite database. To look for each of them, and to spell
    it, takes SQLAlchemy as long as a hundred events take to be folded."""
    statements: list[str] = []
    engine: Any = create_mock_engine("sqlite://", lambda statement, *_: statements.append(
        str(statement.compile(dialect=engine.dialect))))
    metadata.create_all(engine, tables, checkfirst=False)
    return statements


@contextmanager
def in_a_file(tables: Sequence[Table] | None = None) -> Iterator[Generation]:
    """A read database in a temporary file with empty tables, by default all, for what is thrown
    away and may be large. The file, and its journal, have no name any more once they are open: they
    are gone with the process, however that ends. One connection has them."""
    with TemporaryDirectory(prefix="read-models-") as folder:
        connection = sqlite.driver().connect(
            Path(folder) / "thrown-away.db", isolation_level=None, check_same_thread=False)
        for setting in THROWN_AWAY:
            connection.execute(f"PRAGMA {setting}").close()
        generation = _of_one(0, tables, creator=lambda: connection)
    try:
        yield generation
    finally:
        generation.close()


def _engine(path: Path, mode: str, settings: Sequence[str] = FOLLOWING) -> Engine:
    """An engine on an SQLite file that need not be durable, only whole: it can be made again."""
    module = sqlite.driver()
    uri = f"{path.resolve().as_uri()}?mode={mode}"

    def connect() -> Any:
        return module.connect(uri, uri=True, timeout=60, isolation_level=None,
                              check_same_thread=False)

    engine = create_engine("sqlite://", module=module, creator=connect, poolclass=QueuePool,
                           isolation_level="AUTOCOMMIT", pool_size=8, max_overflow=64)

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for setting in ("journal_mode = WAL", f"cache_size = -{CACHE_KIB}", *settings):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    return engine
