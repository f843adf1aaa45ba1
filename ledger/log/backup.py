"""Backups of the log that any store can read back; those of keys stand in `keys_backup`.

A backup is gzipped JSON lines: a header, then for the ledger and its access ledger one line
per event with every column, and a closing line with the count and the root. Both making one and
restoring it hash every event again and refuse the whole file if one of them is not what was
recorded, so a backup is as provable as the log. Making one asks by the rules of restoring it.
"""

import base64
import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ledger.common.errors import Misconfigured
from ledger.log import merkle
from ledger.log.backup_files import LOG_FORMAT, line_of, lines_of, new_file
from ledger.log.beside import check_beyond
from ledger.log.bounds import must_be_storable
from ledger.log.damage import UNHASHABLE, unfit
from ledger.log.envelope import Entry, canonical_subjects, leaf_hash, payload_hash
from ledger.log.milestones import OwnEvents, fault_in_current_opening, opening
from ledger.log.sections import BadBackup, Section, called, must_say, sections_of
from ledger.log.store import (
    Head,
    Known,
    LedgerUnknown,
    LogConflict,
    Store,
    Tile,
    ValueNotStored,
    Which,
    Writing,
    must_be_owner,
    shown,
)

BATCH = 5_000

_BYTES = {"ledger", "command_id", "request_hash", "correlation", "payload", "salt", "payload_hash",
          "leaf_hash"}

Progress = Callable[[int, int], None]
Then = Callable[[Known, Writing, Head, Entry], Head]
"""Adds to a ledger that was restored, up to a head; the last event of the log itself is given."""


class UnsoundLog(Misconfigured):
    """Ledger {ledger!r} is not backed up, since nothing could be restored from it: at position
    {position}, {why}. Run `ledger verify`, and keep a copy of the database as it is."""

    code = "unsound_log"
    rule = "R-BAK-04"


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        name: base64.b64encode(value).decode() if name in _BYTES and value is not None else value
        for name, value in entry._asdict().items()
    }


def _entry(line: dict[str, Any]) -> Entry:
    """The entry of a line. Errors: ValueError, TypeError."""
    if odd := sorted(line.keys() ^ set(Entry._fields)):
        raise ValueError(f"it lacks, or has besides, {', '.join(odd)}")
    if odd := sorted(name for name in _BYTES if not isinstance(line[name], str | None)):
        raise ValueError(f"no bytes in base64: {', '.join(odd)}")
    values: dict[str, Any] = {
        name: base64.b64decode(value) if name in _BYTES and value is not None else value
        for name, value in line.items()}
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
        self.own_events = OwnEvents()
        self.versions: dict[str, int] = {}

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
                and canonical_subjects(entry.subjects) is not None
                and self.own_events.fault_in(entry, self.size, self.frontier) is None
            )
            must_be_storable(entry)
        except ValueNotStored as error:
            return f"no database would store it: {str(error.details['why']).rstrip('.')}"
        except UNHASHABLE:
            whole = False
        if not whole:
            return "this is not the event that was recorded"
        last = self.versions.get(entry.stream)
        if entry.version != (last + 1 if last is not None else max(min(entry.version, 1), 0)):
            return f"version {entry.version} of {entry.stream} follows {last}"
        self.versions[entry.stream] = entry.version
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
    LedgerUnknown (R-LDG-02), BadLedgerName (R-LDG-09) for a ledger of keys and readings alone.
    """
    ledgers = _together(store, ledger)
    heads = {one: store.head(one.id) for one in ledgers}
    for one, head in heads.items():
        _must_end_there(store, one, head)
    first = {"format": LOG_FORMAT, "ledgers": [
        {"id": one.id.hex(), "name": one.name, "of": one.of.hex() if one.of else None,
         "events": head.position, "keys_id": head.keys_id.hex() if head.keys_id else None}
        for one, head in heads.items()]}
    with _as_restored(ledgers[0]):
        sections = sections_of(path, first)
    with new_file(path) as file:
        file.write(line_of(first))
        access = None
        for section, head in zip(sections, heads.values(), strict=True):
            tree = _back_up(store, section.known, head, file, progress=progress)
            with _as_restored(section.known):
                access = must_say(path, section, tree.first, tree.own_events.last, access=access)
    return {one.name: head for one, head in heads.items()}


def _must_end_there(store: Store, ledger: Known, head: Head) -> None:
    """Errors: UnsoundLog (R-BAK-04) where a head is none, or is not the last that there was."""
    if (column := unfit(head)) is not None:
        raise UnsoundLog(ledger=ledger.name, position=0, why=f"the head's {column} holds what "
                         "nobody can have recorded")

    def refuse(position: int, what: str) -> None:
        raise UnsoundLog(ledger=ledger.name, position=position, why=what)

    check_beyond(store, ledger.id, head.position, refuse)


@contextmanager
def _as_restored(ledger: Known) -> Iterator[None]:
    """What a restore would not take is not backed up. Errors: UnsoundLog (R-BAK-04)."""
    try:
        yield
    except BadBackup as error:
        raise UnsoundLog(ledger=ledger.name, position=0, why="no restore would take the backup: "
                         f"{error.details['why']}") from error


def _together(store: Store, ledger: Which) -> list[Known]:
    """A ledger and the one of its keys and readings, if it has one."""
    known = store.known(ledger)
    if known is None:
        raise LedgerUnknown(ledger=shown(ledger))
    must_be_owner(known.name)
    first = next(iter(store.read(known.id, limit=1)), None)
    if (why := fault_in_current_opening(first)) is not None:
        raise UnsoundLog(ledger=known.name, position=1, why=why)
    access = opening(first, known.name).access
    if access is None:
        return [known]
    if (other := store.known(bytes.fromhex(access))) is None:
        raise UnsoundLog(ledger=known.name, position=1, why=f"it names ledger {access} as that of "
                         "its keys and readings, which is not here")
    return [known, other]


def _back_up(
    store: Store, ledger: Known, head: Head, file: gzip.GzipFile, *, progress: Progress | None
) -> _Tree:
    tree = _Tree(ledger.id)
    while rows := store.read(ledger.id, after=tree.size, until=head.position, limit=BATCH):
        for entry in rows:
            if (why := tree.add(entry)) is not None:
                raise UnsoundLog(ledger=ledger.name, position=tree.size + 1, why=why)
            file.write(line_of(_plain(entry)))
        if progress is not None:
            progress(tree.size, head.position)
    if (tree.size, merkle.pack(tree.frontier)) != (head.position, head.frontier):
        raise UnsoundLog(ledger=ledger.name, position=tree.size, why="the head's tree is not the "
                         "tree of the events")
    for column, position in store.repeated(ledger.id, until=head.position, limit=1):
        raise UnsoundLog(ledger=ledger.name, position=position,
                         why=f"its {column} stands at an earlier position already")
    file.write(line_of({"events": head.position, "root": merkle.root(tree.frontier).hex()}))
    return tree


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
    own = sections_of(path, next(lines_of(path, LOG_FORMAT), None))[0]
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
    lines = lines_of(path, LOG_FORMAT)
    sections = called(sections_of(path, next(lines, None)), name)
    heads: dict[str, Head] = {}
    access = None
    try:
        with store.beginning(*(one.known for one in sections)) as writings:
            for section, writing in zip(sections, writings, strict=True):
                tree, head = _restored(path, lines, section, writing, progress=progress)
                access = must_say(path, section, tree.first, tree.own_events.last, access=access)
                if access is not None and len(sections) == 1:
                    raise BadBackup(path=path, why=f"ledger {access} is not in it, which holds the "
                                    f"keys and readings of {section.known.name}")
                if then is not None and tree.own_events.last is not None:
                    head = then(section.known, writing, head, tree.own_events.last)
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
