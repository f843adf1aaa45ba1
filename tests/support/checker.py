"""A checker of a log, written from docs/log-format.md alone and sharing nothing with the program.

It says of each fault at which position it stands: 0 where no position can be named. Whatever a
cell holds, it reports and does not raise.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.checker_bytes import (
    COLUMNS,
    Row,
    Tree,
    leaf_hash,
    payload_hash,
    sha256,
    subjects_fault,
    value_fault,
    whole,
)

TILE = 256
ACCOUNT = "stock:"
OPENING = ("log.opened.v1", "log:ledger", 1)
FORMAT = 2
OPENED = ("id", "keys_id", "program", "host", "zone")
CONTINUED = ("log.continued.v1", "log:ledger")
KEYS = re.compile(r"[0-9a-f]{64}", re.ASCII)
NOTED = re.compile(r"([0-9]{1,19}):([0-9a-fA-F]{64})", re.ASCII)


class Finding(NamedTuple):
    """A fault and the position at which it stands."""

    position: int
    what: str


def opens(row: Row, ledger: bytes) -> bool:
    """Whether an event is the one that opens the ledger of this id."""
    payload = row.get("payload")
    try:
        fields = json.loads(payload) if isinstance(payload, bytes) else None
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(fields, dict)
        and (row.get("type"), row.get("stream"), row.get("version")) == OPENING
        and (row.get("ledger"), fields.get("id")) == (ledger, ledger.hex())
        and _of_format(fields)
        and all(isinstance(fields.get(name), str) for name in OPENED)
        and KEYS.fullmatch(fields["keys_id"]) is not None
        and all(isinstance(fields.get(name), str | None) for name in ("access", "of"))
        and isinstance(fields.get("continues", []), list)
        and all(_ended(one) and isinstance(one.get("id"), str)
                for one in fields.get("continues", []))
    )


def _of_format(fields: Mapping[str, Any]) -> bool:
    return type(fields.get("format")) is int and fields["format"] == FORMAT


def _ended(where: Any) -> bool:
    """Whether it says a position and a root."""
    return isinstance(where, dict) and type(where.get("position")) is int and isinstance(
        where.get("root"), str)


Fields = Mapping[str, Any]


def continues(row: Row, last: Fields, before: tuple[int, str]) -> Fields | None:
    """What an event says that goes on with a ledger; None where it cannot be so.

    After the fields of the one before it, and the position and the root of the log there.
    """
    payload = row.get("payload")
    try:
        fields = json.loads(payload) if isinstance(payload, bytes) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or (row.get("type"), row.get("stream")) != CONTINUED:
        return None
    fits = _of_format(fields) and all(
        isinstance(fields.get(name), str) for name in ("keys_id", "program", "host"))
    return fields if fits and _went(fields, last, before) else None


def _went(fields: Fields, last: Fields, before: tuple[int, str]) -> bool:
    """Whether keys and a restore are as such an event may have them."""
    lost, back, keys = (fields.get(name) for name in ("keys_lost", "restored", "keys_id"))
    if not KEYS.fullmatch(str(keys)) or (last and (lost is None) != (keys == last["keys_id"])):
        return False
    return (lost is None or named(lost)) and (
        back is None or (named(back) and _ended(back)
                         and (back.get("position"), back.get("root")) == before))


def named(who: Any) -> bool:
    """Whether it says by whom and why."""
    return isinstance(who, dict) and all(isinstance(who.get(name), str)
                                          for name in ("by", "reason"))


class Walk:
    """One walk over the events of a ledger."""

    def __init__(self, ledger: bytes, tiles: Mapping[int, object], noted: Mapping[int, set[str]]):
        """Over the ledger of an id, with its tiles and the roots noted of it."""
        self.ledger, self.tiles, self.noted = ledger, tiles, noted
        self.findings: list[Finding] = []
        self.tree = Tree()
        self.block: list[bytes] = []
        self.position = 0
        self.recorded_at: int | None = None
        self.versions: dict[object, int] = {}
        self.seen: set[object] = set()
        self.own: Mapping[str, Any] = {}
        self.accounts: set[tuple[str, int]] = set()

    def report(self, what: str, position: int | None = None) -> None:
        """A fault, at the position where the walk is if none is named."""
        self.findings.append(Finding(self.position if position is None else position, what))

    def event(self, row: Row) -> None:
        """The next event in order."""
        before = self.position
        self._position(row)
        for column in COLUMNS:
            if fault := value_fault(column, row.get(column.name)):
                self.report(fault)
        subjects = row.get("subjects")
        fault = subjects_fault(subjects) if isinstance(subjects, str) else "no text"
        if fault and isinstance(subjects, str):
            self.report(fault)
        named = set(accounts_named(subjects))
        self.accounts |= {(name, self.position) for name in named}
        if self.tree.size == 0:
            if not opens(row, self.ledger):
                self.report("the first event does not open this ledger", 1)
            else:
                self.own = json.loads(row["payload"])
        elif row.get("ledger") != self.ledger:
            self.report("ledger is another")
        if self.tree.size and (row.get("stream") == OPENING[1]
                               or row.get("type") in (OPENING[0], CONTINUED[0])):
            self._continue(row, before)
        self._order(row)
        self._before(row)
        found = len(self.findings)
        self._leaf(row)
        if not fault and len(self.findings) == found:
            for name in named ^ accounts_touched(row.get("payload")):
                self.report(f"the account {name!r} is only named, or only posted to")
        self._compare()

    def _continue(self, row: Row, before: int) -> None:
        """What the log says of itself after it was opened."""
        fields = continues(row, self.own, (before, self.tree.root().hex()))
        if fields is None:
            self.report("the ledger cannot go on so")
        else:
            self.own = fields

    def _position(self, row: Row) -> None:
        """The position is the one before + 1; where it is none, that one is taken."""
        position = row.get("position")
        expected = self.position + 1
        self.position = position if isinstance(position, int) and whole(position) else expected
        if position != expected:
            self.report(f"position where {expected} should be")

    def _order(self, row: Row) -> None:
        """The times and the versions of a stream rise."""
        recorded_at = row.get("recorded_at")
        if isinstance(recorded_at, int):
            if self.recorded_at is not None and recorded_at < self.recorded_at:
                self.report("recorded_at is before the one before")
            self.recorded_at = recorded_at
        stream, version = row.get("stream"), row.get("version")
        if isinstance(stream, str) and isinstance(version, int):
            last = self.versions.get(stream)
            if version not in ((0, 1) if last is None else (last + 1,)):
                self.report(f"version {version} after {last}")
            self.versions[stream] = version

    def _before(self, row: Row) -> None:
        """A number inside a command and a `once` are there once."""
        for names in (("command_id", "command_seq"), ("once",)):
            values = tuple(row.get(name) for name in names)
            if not all(isinstance(value, (bytes, int, str)) for value in values):
                continue
            if (names, values) in self.seen:
                self.report(f"{' with '.join(names)} that was there before")
            self.seen.add((names, values))

    def _leaf(self, row: Row) -> None:
        """The hashes are those of the row; the tree grows by the leaf as it is stored."""
        stored = row.get("leaf_hash")
        leaf = stored if isinstance(stored, bytes) else b""
        try:
            if payload_hash(row.get("salt"), row.get("payload")) != row.get("payload_hash"):
                self.report("payload_hash is not that of salt and payload")
        except ValueError as error:
            self.report(f"payload {error}")
        try:
            if leaf_hash(row) != stored:
                self.report("leaf_hash is not that of the row")
        except ValueError as error:
            self.report(f"event {error}")
        self.tree.add(leaf)
        self.block.append(leaf)

    def _compare(self) -> None:
        """The tile that this leaf completes, and the root noted here."""
        for root in sorted(self.noted.get(self.position, ())):
            if root != self.tree.root().hex():
                self.report("the root is not the noted one")
        if len(self.block) == TILE:
            number = self.tree.size // TILE - 1
            if number not in self.tiles:
                self.report(f"tile {number} is missing", TILE * number + 1)
            elif self.tiles[number] != b"".join(self.block):
                self.report(f"tile {number} is not of its leaves", TILE * number + 1)
            self.block = []


def head_faults(walk: Walk, head: Row) -> Iterator[Finding]:
    """What the head says of the last event and of the tree."""
    position, last = head.get("position"), walk.position
    if head.get("ledger") != walk.ledger:
        yield Finding(0, "the head is of another ledger")
    if not whole(position):
        yield Finding(0, "the head's position is no integer")
    elif position != last:
        yield Finding(min(position, last) + 1, f"the last is {last}, by the head {position}")
    if head.get("recorded_at") != walk.recorded_at:
        yield Finding(last, "recorded_at of the head is not that of the last event")
    if head.get("frontier") != b"".join(walk.tree.frontier):
        yield Finding(last, "the frontier is not that of the leaves")


def listed(subjects: object) -> list[str] | None:
    """The subjects of an event as they are stored; None if they are no list of texts."""
    try:
        texts = json.loads(subjects) if isinstance(subjects, str) else None
    except (ValueError, RecursionError):
        return None
    fits = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    return texts if fits else None


def accounts_named(subjects: object) -> Iterator[str]:
    """The accounts among the subjects of an event as they are stored."""
    yield from (text for text in listed(subjects) or () if text.startswith(ACCOUNT))


def accounts_touched(payload: object) -> set[str]:
    """The accounts that an event posts to or observes, by its payload."""
    try:
        event = json.loads(payload) if isinstance(payload, bytes) else None
        lists = [event.get(name, []) for name in ("postings", "observations")]
        accounts = {deed["account"] for deeds in lists for deed in deeds}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return set()
    fits = all(isinstance(one, list) for one in lists) and all(
        isinstance(name, str) for name in accounts)
    return accounts if fits else set()


def account_faults(walk: Walk, rows: Iterable[Row]) -> Iterator[Finding]:
    """What is wrong with the rows that say which events name an account."""
    held: Counter[tuple[str, int]] = Counter()
    for row in rows:
        subject, position = row.get("subject"), row.get("position")
        if not isinstance(position, int) or not whole(position):
            yield Finding(0, f"the account {subject!r} at no position")
        elif not isinstance(subject, str) or (subject, position) not in walk.accounts:
            yield Finding(position, f"the account {subject!r}, which no event here names")
        else:
            held[subject, position] += 1
    for subject, position in walk.accounts:
        if (count := held[subject, position]) != 1:
            yield Finding(position, f"the account {subject!r} {count} times")


def by_number(rows: Iterable[Row]) -> tuple[dict[int, object], list[str]]:
    """The tiles by their numbers, and what is said of those that can be none."""
    tiles: dict[int, object] = {}
    wrong = []
    for row in rows:
        level, number = row.get("level"), row.get("number")
        if level != 0 or not isinstance(number, int) or number < 0 or number in tiles:
            wrong.append(f"a tile of level {level!r}, number {number!r}")
        else:
            tiles[number] = row.get("hashes")
    return tiles, wrong


def by_position(lines: Iterable[str]) -> tuple[dict[int, set[str]], list[Finding]]:
    """The noted roots by their positions, and the lines that are none."""
    noted: dict[int, set[str]] = {}
    findings = []
    for line in lines:
        if match := NOTED.fullmatch(line.strip()):
            noted.setdefault(int(match[1]), set()).add(match[2].lower())
        else:
            findings.append(Finding(0, f"{line!r} is not POSITION:ROOT"))
    return noted, findings


def ledger_id(ledgers: Iterable[Row], name: str) -> bytes | None:
    """The id of a ledger's name."""
    ids = [row.get("id") for row in ledgers if row.get("name") == name]
    return ids[0] if len(ids) == 1 and isinstance(ids[0], bytes) else None


def check(
    name: str,
    head: Row | None,
    events: Iterable[Row],
    *,
    tiles: Iterable[Row],
    accounts: Iterable[Row],
    ledgers: Iterable[Row],
    noted: Iterable[str] = (),
) -> list[Finding]:
    """Every fault of a ledger's rows, which are of one moment, the events in order."""
    ledger = ledger_id(ledgers, name)
    if ledger is None:
        return [Finding(0, f"no ledger is called {name!r}")]
    blocks, astray = by_number(tiles)
    roots, wrong = by_position(noted)
    walk = Walk(ledger, blocks, roots)
    walk.findings += wrong
    if len(ledger) != 16:
        walk.report("the id of the ledger is not 16 bytes")
    positions = set()
    for row in events:
        walk.event(row)
        positions.add(walk.position)
    if not positions:
        walk.report("no event opens this ledger", 1)
    if head is None:
        walk.report("the ledger has no head", 0)
    else:
        walk.findings += head_faults(walk, head)
    walk.findings += account_faults(walk, accounts)
    complete = walk.tree.size // TILE
    astray += [f"tile {number} is not complete" for number in sorted(blocks) if number >= complete]
    for what in astray:
        walk.report(what)
    for position in sorted(roots.keys() - positions):
        if position != 0 or roots[0] != {sha256().hex()}:
            walk.report("nothing stands here that was noted", min(position, walk.position + 1))
    return walk.findings


class Database(NamedTuple):
    """The rows of a ledger, read in one snapshot."""

    ledgers: list[Row]
    head: Row | None
    tiles: list[Row]
    accounts: list[Row]
    events: Iterator[Row]

    def checked(self, name: str, noted: Iterable[str]) -> list[Finding]:
        """Every fault of them."""
        return check(name, self.head, self.events, tiles=self.tiles, accounts=self.accounts,
                     ledgers=self.ledgers, noted=noted)


def _read(cursor: Any, big: Any, name: str, mark: str) -> Database:
    """The rows of one ledger, through a cursor, and another one for the events."""

    def rows(cursor: Any, query: str, *values: object) -> Iterator[Row]:
        cursor.execute(query.replace("?", mark), values)
        for row in cursor:
            yield dict(zip((column[0] for column in cursor.description), row, strict=True))

    ledgers = list(rows(cursor, "SELECT * FROM ledgers"))
    ledger = ledger_id(ledgers, name)
    head = next(iter(list(rows(cursor, "SELECT * FROM heads WHERE ledger = ?", ledger))), None)
    tiles = list(rows(cursor, "SELECT * FROM tiles WHERE ledger = ?", ledger))
    accounts = list(rows(cursor, "SELECT * FROM accounts WHERE ledger = ?", ledger))
    events = rows(big, "SELECT * FROM events WHERE ledger = ? ORDER BY position", ledger)
    return Database(ledgers, head, tiles, accounts, events)


def check_sqlite(path: Path, name: str, noted: Iterable[str] = ()) -> list[Finding]:
    """Every fault of a ledger in a file of SQLite, which is not written to."""
    try:
        import pysqlite3 as sqlite3
    except ImportError:
        import sqlite3
    address = path.resolve().as_uri() + "?mode=ro"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        connection.execute("BEGIN")
        data = _read(connection.cursor(), connection.cursor(), name, "?")
        return data.checked(name, noted)


def check_postgres(address: str, name: str, noted: Iterable[str] = ()) -> list[Finding]:
    """Every fault of a ledger in PostgreSQL, in the schema that the address leads to."""
    import psycopg

    with closing(psycopg.connect(address, client_encoding="utf8")) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        data = _read(connection.cursor(), connection.cursor("events"), name, "%s")
        return data.checked(name, noted)
