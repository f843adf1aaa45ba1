"""The side file: the rows of imports in which something is wrong, as they were, for some days, and
what their files were warned of.

It lies beside the ledger, `x.imports.db` for `x.db`, and is no part of it: whatever becomes of it,
the events say which rows of which file had which fault. The rows of an import are sealed under a
key of their own, which lies among the keys of persons. Both are destroyed after some days. No
backup holds either.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ledger.common.errors import Misconfigured, NotFound
from ledger.log.envelope import frame_bytes, frame_text
from ledger.log.import_keys import destroy_key, key_of, make_key
from ledger.log.keys_database import KeysDatabase
from ledger.log.sqlite import make_engine, memory_engine
from ledger.log.wrapping import NONCE_BYTES

DAYS = 30
"""After how many days rows are destroyed, if nothing else is set."""

DAY_US = 86_400_000_000
BATCH = 1_000
PREFIX = b"order-ledger/faulty-row/v1"
END = b""
"""Sealed after the last row of an import, so that a row that is missing there is noticed, too."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS faulty_imports (ledger BLOB, import TEXT, kept_at INTEGER NOT NULL,"
    " whole INTEGER NOT NULL, PRIMARY KEY (ledger, import)) STRICT",
    "CREATE TABLE IF NOT EXISTS faulty_rows (ledger BLOB, import TEXT, number INTEGER, sealed BLOB"
    " NOT NULL, PRIMARY KEY (ledger, import, number)) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS runs (ledger BLOB, run BLOB, import TEXT NOT NULL, begun_at INTEGER"
    " NOT NULL, PRIMARY KEY (ledger, run)) STRICT",
)
_OLD = "SELECT ledger, import FROM faulty_imports WHERE kept_at <= ?"
_OWN = "WHERE ledger = ? AND import = ?"


class FaultyRowsGone(NotFound):
    """The faulty rows of import:{import_id} are not here any more: they are destroyed after {days}
    days, and they are kept nowhere but where the import ran. The import itself says which rows of
    which file had which fault."""

    code = "faulty_rows_gone"
    rule = "R-IMP-32"


class SideFileUnusable(Misconfigured):
    """The file of faulty rows, {path}, cannot be used: {why}. Nothing in the log hangs on it. Make
    room, or move it away: a new one is made, and the same files, imported again, fill it."""

    code = "side_file_unusable"
    rule = "R-IMP-33"


class SideFile:
    """The side file of a database; it is made when the first row is kept."""

    def __init__(
        self, connect: Callable[[bool], Engine | None], keys: KeysDatabase, *, named: str,
        days: int = DAYS,
    ) -> None:
        """`connect` opens it, and makes it if it is asked to; None where there is none."""
        self._connect, self._keys = connect, keys
        self._engine: Engine | None = None
        self.named, self.days = named, days

    def keep(
        self, ledger: bytes, import_id: str, rows: Iterable[bytes], *, now: int
    ) -> None:
        """Keep the faulty rows of an import, in place of those that are kept of it; none is empty.

        Units: `now` in microseconds since 1970. Errors: SideFileUnusable (R-IMP-33), and those of
        the keys database.
        """
        own = (ledger, import_id)
        with self._changing() as connection:  # first: what is begun is found when it is old
            self._begin(connection, own, now)
        with self._changing() as connection:  # nobody else makes its key, or destroys it, meanwhile
            self._begin(connection, own, now)
            seal = _Seal(make_key(self._keys, ledger, import_id), ledger, import_id)
            numbered = enumerate(chain(rows, [END]))
            while some := [(*own, number, seal.closed(number, content))
                           for number, content in islice(numbered, BATCH)]:
                connection.exec_driver_sql("INSERT INTO faulty_rows VALUES (?, ?, ?, ?)", some)
            connection.exec_driver_sql(f"UPDATE faulty_imports SET whole = 1 {_OWN}", own)

    def open(self, ledger: bytes, import_id: str, *, now: int) -> Iterator[bytes]:
        """The faulty rows of an import, as they were given, in order.

        Errors: FaultyRowsGone (R-IMP-32), SideFileUnusable (R-IMP-33), and those of the keys.
        """
        own, gone = (ledger, import_id), FaultyRowsGone(import_id=import_id, days=self.days)
        with self._asking() as connection:
            found = connection and connection.exec_driver_sql(
                f"SELECT kept_at, whole FROM faulty_imports {_OWN}", own).first()
        if not found or not found[1] or found[0] <= now - self.days * DAY_US:
            raise gone
        key = key_of(self._keys, ledger, import_id)
        if key is None:
            raise gone
        return self._read(_Seal(key, ledger, import_id), *own)

    def _read(self, seal: "_Seal", ledger: bytes, import_id: str) -> Iterator[bytes]:
        """What is sealed, in order, to the end. Errors: SideFileUnusable (R-IMP-33)."""
        number = 0
        while some := self._some(number, ledger, import_id):
            for sealed in some:
                opened = seal.opened(number, sealed)
                if opened is None:
                    raise SideFileUnusable(
                        path=self.named, why="a row is missing, or is not what was kept")
                if opened == END:
                    return
                yield opened
                number += 1
        raise SideFileUnusable(path=self.named, why="the last rows of an import are missing")

    def _some(self, number: int, ledger: bytes, import_id: str) -> Sequence[bytes]:
        """Sealed rows from a number on. Errors: SideFileUnusable (R-IMP-33)."""
        with self._asking() as connection:
            assert connection is not None
            return connection.exec_driver_sql(
                f"SELECT sealed FROM faulty_rows {_OWN} AND number >= ? ORDER BY number"
                f" LIMIT {BATCH}", (ledger, import_id, number)).scalars().all()

    def forget_old(self, *, now: int) -> int:
        """Destroy the rows that were kept for so many days, with their keys. Returns of how many
        imports. Units: `now` in microseconds since 1970. Errors: SideFileUnusable (R-IMP-33), and
        those of the keys database."""
        until = now - self.days * DAY_US
        with self._asking() as connection:
            if connection is None:
                return 0
        with self._changing() as connection:
            old = connection.exec_driver_sql(_OLD, (until,)).fetchall()
            for ledger, import_id in old:
                destroy_key(self._keys, ledger, import_id)
                self._remove(connection, ledger, import_id)
            connection.exec_driver_sql("DELETE FROM runs WHERE begun_at <= ?", (until,))
        if old:
            with suppress(SideFileUnusable), self._asking() as connection:
                assert connection is not None
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return len(old)

    def _begin(self, connection: Connection, own: tuple[bytes, str], now: int) -> None:
        self._remove(connection, *own)
        connection.exec_driver_sql("INSERT INTO faulty_imports VALUES (?, ?, ?, 0)", (*own, now))

    def _remove(self, connection: Connection, ledger: bytes, import_id: str) -> None:
        for table in ("faulty_rows", "faulty_imports"):
            connection.exec_driver_sql(f"DELETE FROM {table} {_OWN}", (ledger, import_id))

    # -- runs -------------------------------------------------------------------------------------

    def begin(self, ledger: bytes, run: bytes, import_id: str, *, now: int) -> None:
        """Keep which import a run makes: who only knows the run finds it again.

        Errors: SideFileUnusable (R-IMP-33).
        """
        with self._changing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO runs VALUES (?, ?, ?, ?) ON CONFLICT (ledger, run) DO UPDATE SET"
                " import = excluded.import, begun_at = excluded.begun_at",
                (ledger, run, import_id, now))

    def import_of(self, ledger: bytes, run: bytes) -> str | None:
        """The import that a run makes, if it is known. Errors: SideFileUnusable (R-IMP-33)."""
        with self._asking() as connection:
            found = connection and connection.exec_driver_sql(
                "SELECT import FROM runs WHERE ledger = ? AND run = ?", (ledger, run)).scalar()
        return found or None

    # -- the file ---------------------------------------------------------------------------------

    @contextmanager
    def _using(self, *, make: bool) -> Iterator[Engine | None]:
        """Errors: SideFileUnusable (R-IMP-33) for whatever the system or the driver raises."""
        try:
            if self._engine is None and (engine := self._connect(make)) is not None:
                with engine.connect() as connection:
                    for table in _TABLES:
                        connection.exec_driver_sql(table)
                self._engine = engine
            yield self._engine
        except DBAPIError as error:
            raise SideFileUnusable(path=self.named, why=error.orig) from error
        except OSError as error:
            raise SideFileUnusable(path=self.named, why=error) from error

    @contextmanager
    def _asking(self) -> Iterator[Connection | None]:
        """A connection for reads; None where there is no file."""
        with self._using(make=False) as engine:
            if engine is None:
                yield None
            else:
                with engine.connect() as connection:
                    yield connection

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A transaction, committed at the end of the block."""
        with self._using(make=True) as engine:
            assert engine is not None
            with engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.exec_driver_sql("COMMIT")
                except BaseException:
                    with suppress(DBAPIError):
                        connection.exec_driver_sql("ROLLBACK")
                    raise

    def close(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            self._engine.dispose()


def side_file_at(path: Path | None, keys: KeysDatabase, *, days: int) -> SideFile:
    """The side file at a path, or one in memory."""
    if path is None:
        engine = memory_engine()
        return SideFile(lambda make: engine, keys, named="memory", days=days)
    return SideFile(
        lambda make: make_engine(path, cache_kib=2048, secure_delete=True)
        if make or path.exists() else None, keys, named=str(path), days=days)


class _Seal:
    """Seals and opens the rows of one import, each for its place."""

    def __init__(self, key: bytes, ledger: bytes, import_id: str) -> None:
        self._cipher = AESGCM(key)
        self._place = PREFIX + frame_bytes(ledger) + frame_text(import_id)

    def closed(self, number: int, content: bytes) -> bytes:
        """Some bytes, sealed."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, self._at(number))

    def opened(self, number: int, sealed: bytes) -> bytes | None:
        """The bytes again; None if they are not those that were sealed for this place."""
        try:
            return self._cipher.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._at(number))
        except (InvalidTag, ValueError, TypeError):
            return None

    def _at(self, number: int) -> bytes:
        return self._place + number.to_bytes(8, "big")
