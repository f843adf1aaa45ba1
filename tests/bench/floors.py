"""The floors: raw rows by the same drivers, without any code of the ledger."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import psycopg

try:
    import pysqlite3 as sqlite3
except ImportError:  # the wheel is left out where the standard module is new enough
    import sqlite3

SQLITE = f"SQLite {sqlite3.sqlite_version} ({sqlite3.__name__})"


def connect(path: Path, *, synchronous: str = "FULL") -> Any:
    """A bare connection to an SQLite file in WAL mode, in autocommit."""
    connection = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    return connection


@contextmanager
def as_shipped() -> Iterator[None]:
    """The driver without the adapters that the ledger registers with it, which make it bind bytes
    and NULL several times faster."""
    ours = {key: sqlite3.adapters[key] for key in list(sqlite3.adapters)
            if key[0] in (bytes, type(None))}
    for key in ours:
        del sqlite3.adapters[key]
    try:
        yield
    finally:
        sqlite3.adapters.update(ours)


def bytes_of(rows: Iterable[Sequence[Any]]) -> list[bytes]:
    """Each row's columns one behind the other, an integer as 8 bytes: what has to be stored."""
    return [b"".join(_raw(value) for value in row) for row in rows]


def _raw(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, int):
        return value.to_bytes(8, "big", signed=True)
    return value.encode() if isinstance(value, str) else bytes(value)


def per_second(step: Callable[[], object], seconds: float) -> float:
    """How often a step can be done, one after the other."""
    done, begun = 0, time.perf_counter()
    until = begun + seconds
    while time.perf_counter() < until:
        step()
        done += 1
    return done / (time.perf_counter() - begun)


def together(callers: int, work: Callable[[int, float], int], seconds: float) -> float:
    """What threads do in a second together. `work` gets its number and the time to end, says how
    much it did. Errors: the first one of a thread."""
    done, errors = [0] * callers, list[BaseException]()
    ready = threading.Barrier(callers + 1)
    begun = 0.0

    def run(number: int) -> None:
        ready.wait()
        try:
            done[number] = work(number, begun + seconds)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    begun = time.perf_counter()
    ready.wait()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(done) / (time.perf_counter() - begun)


BATCH = 64
"""Rows of a transaction of the second reference, which is near what the disk and driver can do."""


class SqliteRows:
    """One row a transaction into one SQLite table, by one thread, each durable."""

    def __init__(self, path: Path, body: bytes) -> None:
        self.connection = connect(path)
        self.connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        self.body = (body,)

    def rate(self, seconds: float) -> float:
        """Rows a second."""
        execute, body = self.connection.execute, self.body
        return per_second(
            lambda: execute("INSERT INTO rows (body) VALUES (?)", body), seconds)

    def batched(self, seconds: float) -> float:
        """Rows a second, `BATCH` of them a transaction."""
        def write() -> None:
            self.connection.execute("BEGIN")
            self.connection.executemany("INSERT INTO rows (body) VALUES (?)", [self.body] * BATCH)
            self.connection.execute("COMMIT")

        return BATCH * per_second(write, seconds)

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()


class PostgresRows:
    """One row a transaction into one table, by as many threads as connections, each durable."""

    def __init__(self, url: str, body: bytes, connections: int = 16) -> None:
        self.connections = [psycopg.connect(url, autocommit=True) for _ in range(connections)]
        self.connections[0].execute(
            "CREATE TABLE rows (id bigserial PRIMARY KEY, body bytea NOT NULL)")
        self.body = (body,)

    def rate(self, seconds: float) -> float:
        """Rows a second."""
        return together(len(self.connections), self._work, seconds)

    def _work(self, number: int, until: float) -> int:
        done = 0
        with self.connections[number].cursor() as cursor:
            while time.perf_counter() < until:
                cursor.execute("INSERT INTO rows (body) VALUES (%b)", self.body)
                done += 1
        return done

    def batched(self, seconds: float) -> float:
        """Rows a second over one connection, `BATCH` of them copied in a transaction."""
        def write() -> None:
            with self.connections[0].cursor() as cursor, cursor.copy(
                    "COPY rows (body) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["bytea"])
                for _ in range(BATCH):
                    copy.write_row(self.body)

        return BATCH * per_second(write, seconds)

    def settings(self) -> dict[str, str]:
        """The server's version and what makes a commit durable."""
        names = ("server_version", "fsync", "synchronous_commit", "wal_sync_method")
        found = (self.connections[0].execute(f"SHOW {name}").fetchone() for name in names)
        return {name: str(row and row[0]) for name, row in zip(names, found, strict=True)}

    def close(self) -> None:
        """Let go of the connections."""
        for connection in self.connections:
            connection.close()


def scan(path: Path, batch: int) -> Iterator[list[tuple[Any, ...]]]:
    """All columns of all events of a log in order, in batches."""
    connection = connect(path)
    after = 0
    try:
        names = [row[1] for row in connection.execute("PRAGMA table_info(events)")]
        at = names.index("position")
        statement = (f"SELECT {', '.join(names)} FROM events WHERE ledger ="
                     " (SELECT id FROM ledgers WHERE name = 'main')"
                     " AND position > ? ORDER BY position LIMIT ?")
        while rows := connection.execute(statement, (after, batch)).fetchall():
            yield rows
            after = rows[-1][at]
    finally:
        connection.close()


def hash_payloads(path: Path, batch: int) -> int:
    """Read all of a log and hash each payload, no more. The number of events."""
    events = 0
    at = column(path, "payload")
    for rows in scan(path, batch):
        for row in rows:
            sha256(row[at]).digest()
        events += len(rows)
    return events


def decode_payloads(path: Path, batch: int) -> Iterator[int]:
    """Read all of a log and decode each payload, no more. The number of events of each batch."""
    decode = msgspec.json.Decoder().decode
    at = column(path, "payload")
    for rows in scan(path, batch):
        for row in rows:
            decode(row[at])
        yield len(rows)


def column(path: Path, name: str) -> int:
    """Where a column of the events stands."""
    connection = connect(path)
    try:
        return [row[1] for row in connection.execute("PRAGMA table_info(events)")].index(name)
    finally:
        connection.close()


class Tables:
    """The tables of an SQLite file with all their rows, to be written once more by bare hands."""

    def __init__(self, path: Path) -> None:
        connection = connect(path)
        found = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
            " AND name NOT LIKE 'sqlite_%' ORDER BY type DESC").fetchall()
        self.schema = [sql for _, _, sql in found]
        self.rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall()
                     for kind, name, _ in found if kind == "table"}
        self.settings = {name: connection.execute(f"PRAGMA {name}").fetchone()[0]
                         for name in ("page_size",)}
        connection.close()

    def count(self) -> int:
        """How many rows there are."""
        return sum(map(len, self.rows.values()))

    def make(self, path: Path) -> Any:
        """A fresh file with the same tables, empty; durable at its checkpoints, as read models."""
        connection = connect(path, synchronous="NORMAL")
        connection.execute("PRAGMA cache_size = -8192")
        connection.execute("PRAGMA wal_autocheckpoint = 20000")
        for statement in self.schema:
            connection.execute(statement)
        return connection

    def write(self, connection: Any, share: int, shares: int) -> None:
        """The n-th of equal shares of every table's rows, in one transaction."""
        connection.execute("BEGIN")
        for name, rows in self.rows.items():
            part = rows[len(rows) * share // shares : len(rows) * (share + 1) // shares]
            if part:
                marks = ", ".join("?" * len(part[0]))
                connection.executemany(f"INSERT INTO {name} VALUES ({marks})", part)
        connection.execute("COMMIT")
