"""Backups that any store can read back: the log in one file, the keys in another, never together.

A log's backup is gzipped JSON lines: a header, one line per event with every column, and a closing
line with the count and the root. Restoring hashes every event again and refuses the whole file if
one of them is not what was recorded, so a backup is as provable as the log.
"""

import base64
import gzip
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ledger.common.errors import Invalid, Misconfigured
from ledger.log import merkle
from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.persons import Keys, ledger_secrets, persons
from ledger.log.store import Head, Store, Tile, gapless

LOG_FORMAT = "order-ledger/backup-log/v1"
KEYS_FORMAT = "order-ledger/backup-keys/v1"
BATCH = 5_000

_BYTES = {"command_id", "request_hash", "correlation", "payload", "salt", "payload_hash",
          "leaf_hash"}

Progress = Callable[[int, int], None]


class BadBackup(Invalid):
    """{path} is damaged, incomplete or not a backup: {why}"""

    code = "bad_backup"
    rule = "R-BAK-01"


class NotEmpty(Misconfigured):
    """Ledger {ledger!r} already holds {events} events. Restore into an empty database."""

    code = "not_empty"
    rule = "R-BAK-02"


class FileExists(Misconfigured):
    """{path} exists. Give the backup a new name; an old one is never overwritten."""

    code = "file_exists"
    rule = "R-BAK-03"


@contextmanager
def _new_file(path: Path) -> Iterator[gzip.GzipFile]:
    """A gzip file that appears under its name only when it is whole and on disk."""
    if path.exists():
        raise FileExists(path=path)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, mtime=0) as file:
                yield file
            raw.flush()
            os.fsync(raw.fileno())
        os.link(partial, path)
    except FileExistsError:
        raise FileExists(path=path) from None
    finally:
        partial.unlink(missing_ok=True)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        name: base64.b64encode(value).decode() if name in _BYTES and value is not None else value
        for name, value in entry._asdict().items()
    }


def _entry(line: dict[str, Any]) -> Entry:
    values: dict[str, Any] = {
        name: base64.b64decode(value) if name in _BYTES and value is not None else value
        for name, value in line.items()
    }
    return Entry(**values)


def backup_log(store: Store, ledger: str, path: Path, progress: Progress | None = None) -> Head:
    """Write the log of a ledger, as it is now, into a new file. Errors: FileExists (R-BAK-03)."""
    head = store.head(ledger)
    with _new_file(path) as file:
        file.write(_line({"format": LOG_FORMAT, "ledger": ledger, "events": head.position,
                          "keys_id": head.keys_id.hex() if head.keys_id else None}))
        after = 0
        while rows := store.read(ledger, after=after, until=head.position, limit=BATCH):
            gapless(rows, ledger, after=after)
            file.writelines(_line(_plain(entry)) for entry in rows)
            after = rows[-1].position
            if progress is not None:
                progress(after, head.position)
        gapless([], ledger, after=after, until=head.position)
        root = merkle.root(merkle.unpack(head.frontier))
        file.write(_line({"events": head.position, "root": root.hex()}))
    return head


def _lines(path: Path, expected: str) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path, "rb") as file:
            for number, raw in enumerate(file):
                line = json.loads(raw)
                if number == 0 and line.get("format") != expected:
                    raise BadBackup(path=path, why=f"its first line does not say {expected}")
                yield line
    except (OSError, EOFError, ValueError) as error:
        raise BadBackup(path=path, why=str(error)) from error


class _Restoring:
    """A restore under way: what the entries so far add up to."""

    def __init__(self, path: Path, ledger: str) -> None:
        self.path = path
        self.ledger = ledger
        self.frontier: list[bytes] = []
        self.size = 0
        self.recorded_at = 0
        self.leaves: list[bytes] = []

    def check(self, line: dict[str, Any]) -> Entry:
        """The entry of a line, hashed again and added to the tree. Errors: BadBackup (R-BAK-01)."""
        try:
            entry = _entry(line)
        except (TypeError, ValueError) as error:
            raise BadBackup(path=self.path, why=f"line {self.size + 2}: {error}") from error
        whole = (
            entry.ledger == self.ledger
            and entry.position == self.size + 1
            and payload_hash(entry.salt, entry.payload) == entry.payload_hash
            and leaf_hash(entry) == entry.leaf_hash
        )
        if not whole:
            raise BadBackup(path=self.path,
                            why=f"line {self.size + 2} is not the event that was recorded")
        merkle.push(self.frontier, self.size, entry.leaf_hash)
        self.size += 1
        self.recorded_at = entry.recorded_at
        return entry

    def tiles(self, entries: list[Entry]) -> list[Tile]:
        """The tiles that these entries complete."""
        self.leaves.extend(entry.leaf_hash for entry in entries)
        made = []
        while len(self.leaves) >= merkle.TILE_LEAVES:
            number = (self.size - len(self.leaves)) // merkle.TILE_LEAVES
            made.append(Tile(0, number, b"".join(self.leaves[: merkle.TILE_LEAVES])))
            del self.leaves[: merkle.TILE_LEAVES]
        return made


def restore_log(store: Store, path: Path, progress: Progress | None = None) -> tuple[str, Head]:
    """Read a log's backup into a database that has no events of that ledger yet.

    All or nothing: it is one transaction. Returns the ledger's name and its head.
    Errors: BadBackup (R-BAK-01), NotEmpty (R-BAK-02).
    """
    lines = _lines(path, LOG_FORMAT)
    header = next(lines, None)
    if header is None:
        raise BadBackup(path=path, why="it is empty")
    ledger, events = str(header["ledger"]), int(header["events"])
    keys_id = bytes.fromhex(header["keys_id"]) if header["keys_id"] else None
    state = _Restoring(path, ledger)
    head = Head(0, 0, b"", keys_id)
    with store.writing(ledger) as writing:
        if (found := writing.head(ledger).position) > 0:
            raise NotEmpty(ledger=ledger, events=found)
        while state.size < events:
            batch = [state.check(line)
                     for line in islice(lines, min(BATCH, events - state.size))]
            if not batch:
                raise BadBackup(path=path, why=f"it ends after {state.size} of {events} events")
            head = Head(state.size, state.recorded_at, merkle.pack(state.frontier), keys_id)
            writing.append(batch, head, state.tiles(batch))
            if progress is not None:
                progress(state.size, events)
        closing = next(lines, {})
        if closing.get("root") != merkle.root(state.frontier).hex():
            raise BadBackup(path=path, why="its closing line is missing or names another root")
    return ledger, head


def backup_keys(keys: Keys, path: Path) -> int:
    """Write all wrapped keys into a new file; the master key is not in it. Returns their number."""
    count = 0
    with _new_file(path) as file, keys.engine.connect() as connection:
        file.write(_line({"format": KEYS_FORMAT}))
        for table in (ledger_secrets, persons):
            for row in connection.execute(select(table)):
                values = {name: base64.b64encode(value).decode() if isinstance(value, bytes)
                          else value for name, value in row._mapping.items()}
                file.write(_line({"table": table.name, **values}))
                count += 1
        file.write(_line({"keys": count}))
    return count


def restore_keys(keys: Keys, path: Path) -> int:
    """Add the keys of a backup to a keys database; keys that it holds already stay as they are.

    Errors: BadBackup (R-BAK-01); WrongMasterKey (R-KEY-03) when a key does not open.
    """
    lines = list(_lines(path, KEYS_FORMAT))
    if len(lines) < 2 or lines[-1].get("keys") != len(lines) - 2:
        raise BadBackup(path=path, why="its closing line is missing or gives another count")
    for table in (ledger_secrets, persons):
        keys.adopt(table, [
            {column.name: base64.b64decode(line[column.name])
             if column.name in ("lookup", "wrapped") else line[column.name]
             for column in table.columns}
            for line in lines[1:-1] if line["table"] == table.name
        ])
    return len(lines) - 2
