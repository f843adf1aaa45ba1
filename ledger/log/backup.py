"""Backups that any store can read back: the log in one file, the keys in another, never together.

A log's backup is gzipped JSON lines: a header, then for the ledger and its access ledger one line
per event with every column, and a closing line with the count and the root. Both making one and
restoring it hash every event again and refuse the whole file if one of them is not what was
recorded, so a backup is as provable as the log.
"""

import base64
import gzip
import json
import os
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import LargeBinary, Table, select

from ledger.common.errors import Misconfigured
from ledger.log import merkle
from ledger.log.damage import UNHASHABLE, unfit
from ledger.log.envelope import Entry, canonical_subjects, leaf_hash, payload_hash
from ledger.log.key_tables import ledger_secrets, persons
from ledger.log.milestones import Course, misopened, opening
from ledger.log.persons import Keys
from ledger.log.sections import BadBackup, Section, called, must_say, sections_of
from ledger.log.store import (
    Head,
    Known,
    LedgerUnknown,
    LogConflict,
    Store,
    Tile,
    Which,
    Writing,
    shown,
)

LOG_FORMAT = "order-ledger/backup-log/v2"
KEYS_FORMAT = "order-ledger/backup-keys/v2"
BATCH = 5_000

_BYTES = {"ledger", "command_id", "request_hash", "correlation", "payload", "salt", "payload_hash",
          "leaf_hash"}

Progress = Callable[[int, int], None]
Then = Callable[[Known, Writing, Head, Entry], Head]
"""Adds to a ledger that was restored, up to a head; the last event of the log itself is given."""


class FileExists(Misconfigured):
    """{path} exists. Give the backup a new name; an old one is never overwritten."""

    code = "file_exists"
    rule = "R-BAK-03"


class UnsoundLog(Misconfigured):
    """Ledger {ledger!r} is not backed up, since nothing could be restored from it: at position
    {position}, {why}. Run `ledger verify`, and keep a copy of the database as it is."""

    code = "unsound_log"
    rule = "R-BAK-04"


@contextmanager
def _new_file(path: Path) -> Iterator[gzip.GzipFile]:
    """A gzip file that appears under its name only when it is whole and on disk.

    Until then it has a name of its own: two that are made at once do not write into one file, and
    the one that is done first has the name.
    """
    if path.exists():
        raise FileExists(path=path)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}.partial")
    raw = partial.open("xb")
    try:
        with raw:
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


class _Tree:
    """What the events of a backup so far add up to, each of them hashed again."""

    def __init__(self, ledger: bytes) -> None:
        self.ledger = ledger
        self.frontier: list[bytes] = []
        self.size = 0
        self.recorded_at = 0
        self.leaves: list[bytes] = []
        self.first: Entry | None = None
        self.course = Course()

    def add(self, entry: Entry) -> str | None:
        """Add the next event. Returns what is wrong with it, or None."""
        if (column := unfit(entry)) is not None:
            return f"the column {column} holds what nobody can have recorded"
        try:
            whole = (
                entry.ledger == self.ledger
                and entry.position == self.size + 1
                and entry.recorded_at >= self.recorded_at
                and payload_hash(entry.salt, entry.payload) == entry.payload_hash
                and leaf_hash(entry) == entry.leaf_hash
                and canonical_subjects(entry.subjects)
                and self.course.misfit(entry, self.size, self.frontier) is None
            )
        except UNHASHABLE:
            whole = False
        if not whole:
            return "this is not the event that was recorded"
        self.first = self.first or entry
        merkle.push(self.frontier, self.size, entry.leaf_hash)
        self.size += 1
        self.recorded_at = entry.recorded_at
        return None

    def tiles(self, entries: list[Entry]) -> list[Tile]:
        """The tiles that these entries complete."""
        self.leaves.extend(entry.leaf_hash for entry in entries)
        made = []
        while len(self.leaves) >= merkle.TILE_LEAVES:
            number = (self.size - len(self.leaves)) // merkle.TILE_LEAVES
            made.append(Tile(0, number, b"".join(self.leaves[: merkle.TILE_LEAVES])))
            del self.leaves[: merkle.TILE_LEAVES]
        return made


def backup_log(
    store: Store, ledger: Which, path: Path, progress: Progress | None = None
) -> dict[str, Head]:
    """Write the log of a ledger and of its access ledger, as they are now, into a new file.

    Shapes: the heads by name, the ledger's own first. What the log says of its access ledger is in
    the backup, too: that one is read last. Errors: FileExists (R-BAK-03), UnsoundLog (R-BAK-04),
    LedgerUnknown (R-LDG-02).
    """
    ledgers = _together(store, ledger)
    heads = {one: store.head(one.id) for one in ledgers}
    for one, head in heads.items():
        if (column := unfit(head)) is not None:
            raise UnsoundLog(ledger=one.name, position=0, why=f"the head's {column} holds what "
                             "nobody can have recorded")
    with _new_file(path) as file:
        file.write(_line({"format": LOG_FORMAT, "ledgers": [
            {"id": one.id.hex(), "name": one.name, "of": one.of.hex() if one.of else None,
             "events": head.position, "keys_id": head.keys_id.hex() if head.keys_id else None}
            for one, head in heads.items()]}))
        for one, head in heads.items():
            _back_up(store, one, head, file, progress=progress)
    return {one.name: head for one, head in heads.items()}


def _together(store: Store, ledger: Which) -> list[Known]:
    """A ledger and the one of its keys and readings, if it is here."""
    known = store.known(ledger)
    if known is None:
        raise LedgerUnknown(ledger=shown(ledger))
    first = next(iter(store.read(known.id, limit=1)), None)
    if (why := misopened(first)) is not None:
        raise UnsoundLog(ledger=known.name, position=1, why=why)
    access = opening(first, known.name).access
    other = None if access is None else store.known(bytes.fromhex(access))
    return [known] if other is None else [known, other]


def _back_up(
    store: Store, ledger: Known, head: Head, file: gzip.GzipFile, *, progress: Progress | None
) -> None:
    tree = _Tree(ledger.id)
    while rows := store.read(ledger.id, after=tree.size, until=head.position, limit=BATCH):
        for entry in rows:
            if (why := tree.add(entry)) is not None:
                raise UnsoundLog(ledger=ledger.name, position=tree.size + 1, why=why)
            file.write(_line(_plain(entry)))
        if progress is not None:
            progress(tree.size, head.position)
    if (tree.size, merkle.pack(tree.frontier)) != (head.position, head.frontier):
        raise UnsoundLog(ledger=ledger.name, position=tree.size, why="the head's tree is not the "
                         "tree of the events")
    for column, position in store.repeated(ledger.id, until=head.position, limit=1):
        raise UnsoundLog(ledger=ledger.name, position=position,
                         why=f"its {column} stands at an earlier position already")
    file.write(_line({"events": head.position, "root": merkle.root(tree.frontier).hex()}))


def _lines(path: Path, expected: str) -> Iterator[dict[str, Any]]:
    """The lines of a backup, all objects; at their end the file is known to be whole."""
    try:
        with gzip.open(path, "rb") as file:
            for number, raw in enumerate(file):
                line = json.loads(raw)
                if not isinstance(line, dict):
                    raise BadBackup(path=path, why=f"line {number + 1} is not a JSON object")
                if number == 0 and line.get("format") != expected:
                    raise BadBackup(path=path, why=f"its first line does not say {expected}")
                yield line
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        raise BadBackup(path=path, why=str(error)) from error


def _read_entry(path: Path, line: dict[str, Any], tree: _Tree) -> Entry:
    """The entry of a line, hashed again and added to the tree. Errors: BadBackup (R-BAK-01)."""
    where = f"the line of event {tree.size + 1} of ledger {tree.ledger.hex()}"
    try:
        entry = _entry(line)
    except (TypeError, ValueError) as error:
        raise BadBackup(path=path, why=f"{where}: {error}") from error
    if (why := tree.add(entry)) is not None:
        raise BadBackup(path=path, why=f"{where}: {why}")
    return entry


def known_in(path: Path) -> tuple[Known, bytes | None]:
    """The ledger of a backup, and which keys are its own. Errors: BadBackup (R-BAK-01)."""
    own = sections_of(path, next(_lines(path, LOG_FORMAT), None))[0]
    return own.known, own.keys_id


def restore_log(
    store: Store, path: Path, progress: Progress | None = None, *, name: str | None = None,
    then: Then | None = None,
) -> dict[str, Head]:
    """Read a log's backup into a database that knows none of its ledgers, by id or by name.

    They are taken as they are, their openings too: they stay the same ledgers under another `name`.
    `then` may add to each of them when it is whole. All or nothing: it is one transaction.
    Shapes: the heads by name, as `backup_log`.
    Errors: BadBackup (R-BAK-01), LedgerTaken (R-LDG-03), BadLedgerName (R-LDG-09): it goes under
    another `name` only.
    """
    lines = _lines(path, LOG_FORMAT)
    sections = called(sections_of(path, next(lines, None)), name)
    heads: dict[str, Head] = {}
    access = None
    try:
        with store.beginning(*(one.known for one in sections)) as writings:
            for section, writing in zip(sections, writings, strict=True):
                tree, head = _restored(path, lines, section, writing, progress=progress)
                access = must_say(path, section, tree.first, tree.course.last, access=access)
                if then is not None and tree.course.last is not None:
                    head = then(section.known, writing, head, tree.course.last)
                heads[section.known.name] = head
            if any(True for _ in lines):
                raise BadBackup(path=path, why="it goes on after its closing line")
    except LogConflict as error:  # nobody else can write to ledgers that are only being made
        raise BadBackup(path=path, why=f"it has the same {error.details['what']} twice") from error
    return heads


def _restored(
    path: Path, lines: Iterator[dict[str, Any]], section: Section, writing: Writing, *,
    progress: Progress | None,
) -> tuple[_Tree, Head]:
    tree, events = _Tree(section.known.id), section.events
    head = Head(0, 0, b"", section.keys_id)
    while tree.size < events:
        batch = [_read_entry(path, line, tree)
                 for line in islice(lines, min(BATCH, events - tree.size))]
        if not batch:
            raise BadBackup(path=path, why=f"it ends after {tree.size} of {events} events")
        head = Head(tree.size, tree.recorded_at, merkle.pack(tree.frontier), section.keys_id)
        writing.append(batch, head, tree.tiles(batch))
        if progress is not None:
            progress(tree.size, events)
    closing, root = next(lines, {}), merkle.root(tree.frontier).hex()
    if closing != {"events": events, "root": root} or type(closing["events"]) is not int:
        raise BadBackup(path=path, why="a closing line is missing or names another root or number "
                        "of events")
    return tree, head


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
    """Add the keys of a backup to a keys database; keys that it holds already stay as they are, and
    none is dropped.

    Errors: BadBackup (R-BAK-01); WrongMasterKey (R-KEY-03) when a key does not open.
    """
    lines = list(_lines(path, KEYS_FORMAT))
    if len(lines) < 2 or lines[-1].get("keys") != len(lines) - 2:
        raise BadBackup(path=path, why="its closing line is missing or gives another count")
    for line in lines[1:-1]:
        if line.get("table") not in (ledger_secrets.name, persons.name):
            raise BadBackup(path=path, why="a line is of no table of the keys")
    for table in (ledger_secrets, persons):
        keys.adopt(table, [_row(path, table, line) for line in lines[1:-1]
                           if line["table"] == table.name])
    return len(lines) - 2


def _row(path: Path, table: Table, line: dict[str, Any]) -> dict[str, Any]:
    """A row of the keys, of the types that its table has. Errors: BadBackup (R-BAK-01)."""
    found: dict[str, Any] = {}
    for column in table.columns:
        value: Any = line.get(column.name)
        try:
            if isinstance(column.type, LargeBinary):
                value, fits = base64.b64decode(value, validate=True), True
            elif column.type.python_type is str:
                fits = bool(value.encode())
            else:
                fits = type(value) is int and 0 <= value < 2**63
        except (TypeError, ValueError, AttributeError):
            fits = False
        found[column.name] = value
        if not fits:
            raise BadBackup(path=path, why=f"a line of the keys has no fit {column.name}")
    return found
