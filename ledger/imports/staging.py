"""The staging file: the rows that were read, and the faults that were found.

It is an SQLite file that only this process can read: the values of a row are encrypted with a key
that exists in memory alone, and the file's name is removed as soon as it is open, so that it is
gone whenever the process ends. That holds on PostgreSQL, too: no row is staged in the log's
database. The values of the first rows, which are all that most imports have, are not even written.
Memory stays bounded by these and SQLite's page cache: every query is ordered by an index, because
sorting would be done in memory.
"""

import contextlib
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.imports.faults import RowFault
from ledger.imports.rows import Row
from ledger.log.sqlite import driver

PREFIX = "import-"
SUFFIX = ".staging"
BATCH = 1000
HELD = 20_000
"""Rows whose values stay in memory, as long as they have room."""

HELD_CHARACTERS = 8_000_000
"""About how many characters these have in all: up to 32 MB."""

UNDECIDED, REJECTED, BEFORE, ACCEPTED = 0, 1, 2, 3
"""What became of a row; where several orders share it, the highest counts. `BEFORE` means that an
earlier run of the same import recorded it."""

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -16384;
CREATE TABLE row (seq INTEGER PRIMARY KEY, kind INTEGER, file INTEGER, number INTEGER,
                  key BLOB, digest BLOB, bad INTEGER, data BLOB);
CREATE INDEX row_key ON row (kind, key, digest);
CREATE TABLE outcome (seq INTEGER PRIMARY KEY, state INTEGER);
CREATE TABLE fault (file TEXT, row INTEGER, seq INTEGER, column TEXT, value TEXT,
                    code TEXT, rule TEXT, reason TEXT,
                    PRIMARY KEY (file, row, seq)) WITHOUT ROWID;
CREATE TABLE warning (file TEXT, row INTEGER, seq INTEGER, column TEXT, value TEXT,
                      code TEXT, rule TEXT, reason TEXT,
                      PRIMARY KEY (file, row, seq)) WITHOUT ROWID;
"""
_GROUP = """
CREATE TABLE again (key BLOB PRIMARY KEY, first INTEGER) WITHOUT ROWID;
INSERT INTO again SELECT key, MIN(seq) FROM row WHERE kind = 0 AND key IS NOT NULL
    GROUP BY key HAVING COUNT(*) > 1;
"""
_OUTCOME = ("INSERT INTO outcome (seq, state) VALUES (?, ?)"
            " ON CONFLICT (seq) DO UPDATE SET state = MAX(state, excluded.state)")
_SAME = ("SELECT MIN(seq), file, number, digest, bad, data FROM row WHERE kind = ? AND key = ?"
         " GROUP BY digest ORDER BY 1 LIMIT ?")
_TWINS = ("SELECT seq, file, number, digest, bad, data FROM row WHERE kind = ? AND key = ?"
          " ORDER BY seq")
_ORDERS = ("SELECT r.seq, r.file, r.number, r.digest, r.bad, r.data, r.key, a.first"
           " FROM row r NOT INDEXED LEFT JOIN again a ON a.key = r.key"
           " WHERE r.kind = 0 AND r.key IS NOT NULL AND (a.first IS NULL OR a.first = r.seq)"
           " ORDER BY r.seq")
_FILES = "SELECT MIN(file), MAX(file) FROM row WHERE kind = ? AND key = ?"
_UNMATCHED = ("SELECT MIN(r.seq), r.kind, r.file, r.number FROM row r"
              " WHERE r.kind > 0 AND NOT r.bad GROUP BY r.kind, r.key, r.digest"
              " HAVING NOT MAX(EXISTS (SELECT 1 FROM outcome o WHERE o.seq = r.seq))")
_COUNTS = ("SELECT COUNT(CASE WHEN o.state = 3 THEN 1 END),"
           " COUNT(CASE WHEN o.state = 2 THEN 1 END),"
           " COUNT(CASE WHEN o.state = 1 OR r.bad THEN 1 END)"
           " FROM row r LEFT JOIN outcome o ON o.seq = r.seq")
_FAULTS = ("SELECT file, row, column, value, code, rule, reason FROM fault"
           " ORDER BY file, row, seq")
_FAULTS_OF = _FAULTS.replace(" ORDER BY file, row", " WHERE file = ? ORDER BY row")
_REJECTED = ("SELECT r.file, r.number FROM row r NOT INDEXED LEFT JOIN outcome o ON o.seq = r.seq"
             " WHERE o.state = 1 OR r.bad ORDER BY r.seq")
_WARNINGS = _FAULTS.replace("FROM fault", "FROM warning")
UNSORTED = (_ORDERS, _UNMATCHED, _COUNTS, _FAULTS, _FAULTS_OF, _REJECTED, _WARNINGS)
"""Queries over all rows, which must stream."""


class Staged(NamedTuple):
    """A row as it is read back. Where it has a fault (`bad`), the values that failed are None.
    `open_digest`: see `Row`."""

    seq: int
    file: int
    number: int
    bad: bool
    open_digest: bytes
    values: list[Any]


class Staging:
    """Rows by kind (0 is the main one) and key, with what became of each."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        remove_stale(folder)
        path = folder / f"{PREFIX}{os.getpid()}-{os.urandom(6).hex()}{SUFFIX}"
        self._path = path
        self._connection = driver().connect(
            str(path), isolation_level=None, check_same_thread=False)
        try:
            self._connection.executescript(_TABLES)
        finally:
            remove(path)
        self._cipher = AESGCM(os.urandom(32))
        self._key = os.urandom(32)
        self._rows: list[tuple[Any, ...]] = []
        self._held: list[tuple[bytes, list[Any]]] = []
        self._room = HELD_CHARACTERS
        self._outcomes: list[tuple[int, int]] = []
        self._faults: list[tuple[Any, ...]] = []
        self._warnings: list[tuple[Any, ...]] = []
        self.count = 0
        self.fault_count = 0
        self.warning_count = 0
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder().decode

    # -- filling ----------------------------------------------------------------------------------

    def hashed(self, *parts: str) -> bytes:
        """A digest in place of a key: equal for equal parts, and readable by nobody."""
        text = parts[0] if len(parts) == 1 else "\0".join(parts)
        return blake2b(text.encode(), key=self._key, digest_size=16).digest()

    def add(self, kind: int, file: int, key: bytes | None, row: Row) -> None:
        """Stage a row with its faults. Shapes: file is its number in the import."""
        for fault in row.faults:
            self.fault(fault)
        for warning in row.warnings:
            self.warning(warning)
        self.count = seq = self.count + 1
        values, data = (row.open_digest, row.values), None
        if seq <= HELD and self._room > 0:
            self._held.append(values)
            self._room -= sum(len(value) for value in row.values if type(value) is str)
        else:
            data = self._cipher.encrypt(seq.to_bytes(12, "big"), self._encode(values), None)
        self._rows.append((seq, kind, file, row.number, key, row.digest, bool(row.faults), data))
        if len(self._rows) >= BATCH:
            self._write_rows()

    def _write_rows(self) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO row VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._rows)
        self._connection.execute("COMMIT")
        self._rows.clear()

    def fault(self, fault: RowFault) -> None:
        """Note a fault."""
        self.fault_count += 1
        file, row, *rest = fault
        self._faults.append((file, row, self.fault_count, *rest))
        if len(self._faults) >= BATCH:
            self._write_faults()

    def _write_faults(self) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT INTO fault VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._faults)
        self._connection.execute("COMMIT")
        self._faults.clear()

    def warning(self, warning: RowFault) -> None:
        """Note a warning: nothing is refused for it."""
        self.warning_count += 1
        file, row, *rest = warning
        self._warnings.append((file, row, self.warning_count, *rest))
        if len(self._warnings) >= BATCH:
            self._write_warnings()

    def _write_warnings(self) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT INTO warning VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._warnings)
        self._connection.execute("COMMIT")
        self._warnings.clear()

    def warnings(self) -> Iterator[RowFault]:
        """All warnings, by file and row."""
        self._write_warnings()
        return map(RowFault._make, self._connection.execute(_WARNINGS))

    def faults(self) -> Iterator[RowFault]:
        """All faults, by file and row."""
        self._write_faults()
        return map(RowFault._make, self._connection.execute(_FAULTS))

    def faults_of(self, file: str) -> Iterator[RowFault]:
        """The faults of a file, by row."""
        self._write_faults()
        return map(RowFault._make, self._connection.execute(_FAULTS_OF, (file,)))

    # -- reading back -----------------------------------------------------------------------------

    def group(self) -> None:
        """Prepare the rows, which are all in, to be found by key."""
        self._write_rows()
        self._connection.executescript(_GROUP)

    def _staged(self, row: Sequence[Any]) -> Staged:
        seq, file, number, _, bad, data = row
        values = self._held[seq - 1] if data is None else self._decode(
            self._cipher.decrypt(seq.to_bytes(12, "big"), data, None))
        return Staged(seq, file, number, bad, *values)

    def firsts(self) -> Iterator[tuple[bytes, Staged | None]]:
        """The keys of all main rows, by their first row; with that row if it is the only one."""
        for *row, key, first in self._connection.execute(_ORDERS):
            yield key, self._staged(row) if first is None else None

    def same(self, kind: int, key: bytes, limit: int) -> list[Staged]:
        """The different rows of a kind under a key, at most `limit`, in order."""
        return [self._staged(row) for row in self._connection.execute(_SAME, (kind, key, limit))]

    def twins(self, kind: int, key: bytes, limit: int) -> list[Staged]:
        """The rows of a kind under a key, at most `limit`, in order.

        Equal rows of one file are several rows, those of different files the same one.
        """
        here: defaultdict[tuple[int, bytes], int] = defaultdict(int)
        most: defaultdict[bytes, int] = defaultdict(int)
        found: list[Staged] = []
        for row in self._connection.execute(_TWINS, (kind, key)):
            _, file, _, digest, _, _ = row
            here[file, digest] += 1
            if here[file, digest] > most[digest] and len(found) < limit:
                most[digest] += 1
                found.append(self._staged(row))
        return found

    def is_of_one_file(self, kind: int, key: bytes) -> bool:
        """Whether all rows of a kind under a key, of which there are some, are of one file."""
        first, last = self._connection.execute(_FILES, (kind, key)).fetchone()
        return bool(first == last)

    def all_of(self, kind: int, key: bytes, limit: int) -> list[Staged]:
        """All rows of a kind under a key, equal ones too, at most `limit`, in order."""
        rows = islice(self._connection.execute(_TWINS, (kind, key)), limit)
        return [self._staged(row) for row in rows]

    # -- what became of a row ---------------------------------------------------------------------

    def outcome(self, seqs: Sequence[int], state: int) -> None:
        """Note what became of rows."""
        self._outcomes.extend((seq, state) for seq in seqs)
        if len(self._outcomes) >= BATCH:
            self._write_outcomes()

    def _write_outcomes(self) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany(_OUTCOME, self._outcomes)
        self._connection.execute("COMMIT")
        self._outcomes.clear()

    def reject(self, kind: int, key: bytes) -> None:
        """Note that all rows of a kind under a key are rejected, repeats included."""
        rows = self._connection.execute("SELECT seq FROM row WHERE kind = ? AND key = ?",
                                        (kind, key))
        self._outcomes.extend((seq, REJECTED) for seq, in rows)
        if len(self._outcomes) >= BATCH:
            self._write_outcomes()

    def unmatched(self) -> Iterator[tuple[int, int, int, int]]:
        """Joined rows that no order used: (seq, kind, file, number)."""
        self._write_outcomes()
        return iter(self._connection.execute(_UNMATCHED))

    def counts(self) -> tuple[int, int, int]:
        """How many rows were accepted, accepted by an earlier run, and rejected.

        All other rows brought nothing new.
        """
        self._write_outcomes()
        accepted, before, rejected = self._connection.execute(_COUNTS).fetchone()
        return accepted, before, rejected

    def rejected(self) -> Iterator[tuple[int, int]]:
        """The rows that were rejected, in order: the number of the file, and that of the row."""
        self._write_outcomes()
        return iter(self._connection.execute(_REJECTED))

    def plan(self, query: str) -> list[str]:
        """How SQLite runs a query, for the test that none of `UNSORTED` sorts."""
        return [row[3] for row in self._connection.execute(
            f"EXPLAIN QUERY PLAN {query}", [""] * query.count("?"))]

    def close(self) -> None:
        """Close the file, which is then gone."""
        self._connection.close()
        remove(self._path)


def remove(path: Path) -> None:
    """Remove a file's name, if the system allows it."""
    with contextlib.suppress(OSError):
        path.unlink()


def remove_stale(folder: Path) -> None:
    """Remove what a killed import may have left; a process that has such a file open keeps it.

    Earlier versions also kept uploaded files, in a folder for each request.
    """
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        remove(path)
    for upload in folder.glob("upload-*"):
        with contextlib.suppress(OSError):
            found = list(upload.iterdir())
            if found and all(map(_uploaded, found)) and upload.stat().st_uid == os.getuid():
                shutil.rmtree(upload)


_uploaded_name = re.compile("[0-9]{3}-.+", re.DOTALL).fullmatch


def _uploaded(path: Path) -> bool:
    """Whether a file is called as uploads were: the folder may be the system's, and others use it.
    """
    return path.is_file() and not path.is_symlink() and bool(_uploaded_name(path.name))
