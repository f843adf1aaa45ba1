"""The log in an SQLite file: which driver, which settings, and how it locks."""

import ctypes
import importlib
import os
import sqlite3
import struct
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool, StaticPool

from ledger.common.errors import LedgerError
from ledger.log import migrations
from ledger.log.accounts import Kinds
from ledger.log.damage import DatabaseDamaged
from ledger.log.envelope import Entry
from ledger.log.kept import KeptConnections
from ledger.log.schema import COLUMNS, SQLITE_GUARDS, SUBJECTS_REFUSED
from ledger.log.sql import SqlStore, reason
from ledger.log.sql_reading import SqlReader
from ledger.log.sql_writing import SqlWriting
from ledger.log.store import AffectedSqlite, StorageFailed, ValueNotStored, Which

_INSERT = f"INSERT INTO events ({COLUMNS}) VALUES ({', '.join('?' * len(Entry._fields))})"
_INDEX = "INSERT INTO accounts (ledger, subject, position) VALUES (?, ?, ?)"

_NOT_BEGUN = {5, 6, 19}
"""SQLITE_BUSY, SQLITE_LOCKED and SQLITE_CONSTRAINT: primary codes, the low byte of an error's."""

_UNSTORABLE = ("CHECK constraint failed", "cannot store ", SUBJECTS_REFUSED)
"""How SQLite begins to say that a value is not what its column holds."""

_DAMAGED = ("database disk image is malformed", "file is not a database",
            "malformed database schema")
"""How SQLite begins to say that a page is not what it wrote."""

_BY_POSITION = "events INDEXED BY sqlite_autoindex_events_1"
"""The events themselves, which lie in the order of their primary key, and no other index."""

MAX_DAMAGE = 100
"""How many lines of what is damaged are enough."""
_CANNOT_OPEN = "unable to open database file"
"""What SQLite says where it can neither find nor make the files beside a database in WAL mode."""

_AT_FDCWD, _STATX_BTIME = -100, 0x800

_REPLACED = "its file was moved away or replaced"

TIMEOUT_S = 60
"""How long to wait for another process's lock."""


def safe(version: tuple[int, ...]) -> bool:
    """Whether this SQLite is free of the fault that corrupts a database when its WAL is reset."""
    return (
        version >= (3, 51, 3)
        or (3, 50, 7) <= version < (3, 51)
        or (3, 44, 6) <= version < (3, 45)
    )


def driver() -> ModuleType:
    """The standard module if it is safe, else the `pysqlite3` wheel. Errors: R-LOG-07."""
    if safe(sqlite3.sqlite_version_info):
        return _adapted(sqlite3)
    found = sqlite3.sqlite_version
    try:
        module = importlib.import_module("pysqlite3")
    except ImportError:
        raise AffectedSqlite(found=found) from None
    if not safe(module.sqlite_version_info):
        raise AffectedSqlite(found=module.sqlite_version)
    return _adapted(module)


def _adapted(module: ModuleType) -> ModuleType:
    """Register bytes and None as they are: otherwise the module searches in vain for an adapter of
    every such value of every row, which takes half the time of an insert."""
    module.register_adapter(bytes, bytes)
    module.register_adapter(type(None), lambda none: none)
    return module


def make_engine(
    path: Path, *, read_only: bool = False, immutable: bool = False, cache_kib: int = 16_384,
    secure_delete: bool = False,
) -> Engine:
    """An engine on an SQLite file, durable (WAL, synchronous FULL), in autocommit.

    Transactions are begun and ended by statements of our own, so that a writer can take the lock
    before it reads. Errors do not repeat the values of a statement: they may be personal. A file
    that is `immutable` is only read and never locked, so its folder need not be writable either.
    A connection is only lent out as long as its file is the one at the path; the file is made only
    if it was not there at first. With `secure_delete`, what is deleted is overwritten in the file.
    Units: `cache_kib` is the page cache of one connection.
    """
    module = driver()
    read_only = read_only or immutable
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    path = path.absolute()
    modes = ["ro" if read_only else "rw" if path.exists() else "rwc"]
    kind = type("Connection", (module.Connection,), {"file": None})

    def connect() -> Any:
        before = _file(path)
        uri = f"{path.as_uri()}?mode={modes[0]}{'&immutable=1' if immutable else ''}"
        connection = module.connect(uri, uri=True, timeout=TIMEOUT_S, isolation_level=None,
                                    check_same_thread=False, factory=kind)
        connection.file = before or _file(path)
        modes[0] = "ro" if read_only else "rw"
        return connection

    engine = create_engine(
        "sqlite://",
        module=module,
        creator=connect,
        poolclass=QueuePool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        pool_size=8,
        max_overflow=64,
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        if not read_only:
            cursor.execute("PRAGMA page_size = 8192")  # 4096 gives a long event a page of its own
            _use_wal(cursor, module)
            cursor.execute("PRAGMA wal_autocheckpoint = 4000")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA cache_size = -{cache_kib}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA secure_delete = {int(secure_delete)}")
        cursor.close()

    @event.listens_for(engine, "checkout")
    def _is_there(connection: Any, _record: Any, _proxy: Any) -> None:
        if connection.file != _file(path):
            raise DisconnectionError(_REPLACED)

    return engine


def _file(path: Path) -> tuple[int, int] | None:
    """Which file is at a path, as long as somebody has it open; None if there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def memory_engine() -> Engine:
    """An engine on a database in memory, for keys that are forgotten with the process. All threads
    share its one connection: another one would open another database. Whoever gives it back leaves
    it as it is: a rollback would end the transaction that another thread has open."""
    return create_engine("sqlite://", poolclass=StaticPool, skip_autocommit_rollback=True,
                         module=driver(), isolation_level="AUTOCOMMIT",
                         connect_args={"check_same_thread": False, "isolation_level": None})


def _use_wal(cursor: Any, module: ModuleType) -> None:
    """Two processes may switch a new file at once: a lock that SQLite does not always wait for."""
    until = time.monotonic() + TIMEOUT_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except module.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def born(path: Path) -> int:
    """When a file was made, in nanoseconds; 0 where the system does not say.

    An inode alone does not tell files apart: ext4 gives that of a file that was removed to the
    next one, which is then the copy in its place. Python's own `stat` has this time on some
    systems only.
    """
    if (found := getattr(path.stat(), "st_birthtime", None)) is not None:
        return int(found * 1e9)
    statx = getattr(ctypes.CDLL(None), "statx", None)
    buffer = ctypes.create_string_buffer(256)
    if statx is None or statx(_AT_FDCWD, os.fsencode(path), 0, _STATX_BTIME, buffer):
        return 0
    (mask,) = struct.unpack_from("I", buffer)
    seconds, nanoseconds = struct.unpack_from("qI", buffer, 0x50)
    return int(seconds * 1_000_000_000 + nanoseconds) if mask & _STATX_BTIME else 0


class _Reader(SqlReader):
    """Reads past SQLAlchemy: to describe a result takes it several times as long as the result."""

    def rows(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        driver: Any = self.connection.connection.driver_connection
        found: list[Any] = driver.execute(statement, tuple(parameters)).fetchall()
        return found


class _Writing(_Reader, SqlWriting):
    def insert(self, entries: Sequence[Entry]) -> None:
        self.connection.exec_driver_sql(_INSERT, list(entries))

    def index(self, rows: list[tuple[str, int]]) -> None:
        self.connection.exec_driver_sql(_INDEX, [(self.ledger, *row) for row in rows])


class SqliteStore(SqlStore):
    """The log in one SQLite file. Its write lock orders all processes that use it."""

    reader = _Reader
    writer = _Writing
    begin = "BEGIN IMMEDIATE"

    def __init__(
        self, path: Path, *, kinds: Kinds, read_only: bool = False, immutable: bool = False
    ) -> None:
        engine = make_engine(path, read_only=read_only, immutable=immutable)
        super().__init__(f"sqlite:///{path}", engine, kinds)
        self.failures = (*self.failures, driver().Error)
        self.path = path
        self.immutable = immutable
        self._kept = KeptConnections(engine, lambda one: not self.moved(one))

    def lent(self) -> AbstractContextManager[Connection]:
        return self._kept.lent()

    def close(self) -> None:
        self._kept.close()
        super().close()

    def prepare(self) -> None:
        """As `Store.prepare`; a copy that is only read is also taken without what is beside the
        log."""
        if not (self.immutable and self.schema()[0] in migrations.SAME_LOG):
            super().prepare()

    def as_ledger_error(self, error: Exception) -> LedgerError:
        """The ledger's error for one of the database."""
        if (why := reason(error)).startswith(_UNSTORABLE):
            return ValueNotStored(why=why)
        if why.startswith(_DAMAGED):
            return DatabaseDamaged(why=why)
        if why.startswith(_CANNOT_OPEN) and self.path.is_file():
            return StorageFailed(why=f"{why}; where nothing can be written beside it, as on media "
                                 "that are read-only, `ledger verify FILE` reads a whole copy")
        return super().as_ledger_error(error)

    def undone(self, error: Exception) -> bool:
        """Only where SQLite did not begin to write: the transaction is then still open. After a
        failed write or fsync (IOERR, FULL) the whole commit may lie in the WAL file, and whoever
        opens the database after a crash finds it there."""
        code = getattr(getattr(error, "orig", None) or error, "sqlite_errorcode", 0)
        return code & 0xFF in _NOT_BEGUN

    def moved(self, connection: Connection) -> bool:
        """Whether another file is at the path than a connection has open, or none."""
        opened: Any = connection.connection.dbapi_connection
        return bool(opened.file != _file(self.path))

    def find_host(self) -> str:
        file_system, inode = os.statvfs(self.path).f_fsid, self.path.stat().st_ino
        return f"sqlite:{file_system:x}:{inode}:{born(self.path)}"

    def missing_guards(self) -> list[str]:
        with self.reading() as reader:
            found = {name: " ".join(str(text).split()) for name, text in reader.rows(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'", ())}
        return sorted(name for name, text in SQLITE_GUARDS.items() if found.get(name) != text)

    def repeated(self, ledger: Which, *, until: int, limit: int) -> list[tuple[str, int]]:
        """Where an index is damaged, by the events themselves: so that they can be saved."""
        try:
            return super().repeated(ledger, until=until, limit=limit)
        except DatabaseDamaged:
            with self.reading() as reader:
                return reader.repeated(ledger, until=until, limit=limit, table=_BY_POSITION)

    def damage(self, *, quickly: bool = False) -> list[str] | None:
        check = "quick_check" if quickly else "integrity_check"
        with self.reading() as reader:
            reader.connection.exec_driver_sql("BEGIN")  # one state, whatever is written meanwhile
            try:
                found = [line for (text,) in reader.rows(f"PRAGMA {check}({MAX_DAMAGE})", ())
                         for line in str(text).splitlines() if not line.startswith("***")]
            except self.failures as error:
                if not reason(error).startswith(_DAMAGED):
                    raise
                found = [reason(error)]
            finally:
                reader.connection.exec_driver_sql("ROLLBACK")
        return [] if found == ["ok"] else found

    def durability(self) -> dict[str, str]:
        with self.reading() as reader:
            names = ("journal_mode", "synchronous")
            return {name: str(reader.rows(f"PRAGMA {name}", ())[0][0]) for name in names}

    def refuses_writes(self) -> str | None:
        """It waits for the lock, as a writer does, and gives it back. To begin is not enough: in a
        file that is only read, SQLite takes it for the beginning of a read."""
        try:
            with self.engine.connect() as connection:
                connection.exec_driver_sql(self.begin)
                try:
                    connection.exec_driver_sql("DELETE FROM heads WHERE 1 = 0")
                finally:
                    connection.exec_driver_sql("ROLLBACK")
        except self.failures as error:
            return reason(error)
        return None
