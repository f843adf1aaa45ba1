"""What `verify` finds when someone with the database file changed history."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log import damage, merkle, sqlite
from ledger.log.backup import UnsoundLog, backup_log
from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.memory import MemoryStore
from ledger.log.milestones import (
    STREAM,
    BadContinuation,
    BadOpening,
    Continued,
    gave_up_at,
    last_own,
    opened_as,
)
from ledger.log.persons import Keys
from ledger.log.schema import COLUMNS
from ledger.log.sqlite import SqliteStore
from ledger.log.store import Head, Known, LedgerUnknown, StorageFailed, Store
from ledger.log.verify import (
    BadExpectation,
    Expectation,
    HeadUnsound,
    Report,
    verify,
    verify_with_access,
)
from ledger.settings import Settings, open_ledger
from ledger.writing.genesis import begun
from tests.conftest import durable
from tests.support import children, tamper
from tests.support.children import Child
from tests.support.envelopes import CONTEXT, LEDGER, write
from tests.support.envelopes import entry as raw
from tests.support.envelopes import first as raw_first
from tests.support.jars import HANDLERS, adding, opening
from tests.support.logs import add_jars, open_log, settings_in
from tests.support.thorough import THOROUGH

BESIDE_S = 60 if THOROUGH else 2
"""How long it runs beside writers."""

JARS = 300
LAST = JARS + 2
"""The opening, and one more."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of 302 events, closed."""
    opened = open_log(settings_in(tmp_path))
    add_jars(opened, 1, JARS)
    opened.ledger.handle(adding(1), CONTEXT)
    opened.close()
    return tmp_path


def checked(folder: Path, *expected: Expectation) -> Report:
    store = settings_in(folder).open_store()
    try:
        return verify(store, "main", expected=list(expected))
    finally:
        store.close()


def execute(folder: Path, statement: str, *parameters: object) -> None:
    """Run SQL as an intruder would: without the triggers."""
    connection = sqlite.driver().connect(str(folder / "log.db"), isolation_level=None)
    tamper.unguard(connection)
    connection.execute(statement, parameters)
    connection.close()


def noted(folder: Path) -> Expectation:
    report = checked(folder)
    return Expectation(report.position, report.root)


def test_verify__accepted_when_untouched(log: Path) -> None:
    report = checked(log)
    assert report.ok
    assert report.problems == []
    assert report.events == report.position == LAST


def test_verify__rejected_when_there_is_no_such_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnknown):
        checked(tmp_path)


@pytest.mark.parametrize("statements", [
    ["UPDATE ledgers SET id = zeroblob(16) WHERE name = 'main'"],
    ["UPDATE ledgers SET name = 'x' WHERE name = 'main'",
     "UPDATE ledgers SET name = 'main' WHERE name = 'main.access'"],
])
def test_verify__rejected_when_a_name_leads_elsewhere(log: Path, statements: list[str]) -> None:
    """Nobody can show nothing, or the other ledger, under a ledger's name without its being seen,
    if a line of it was noted."""
    before = noted(log)
    for statement in statements:
        execute(log, statement)
    assert not checked(log, before).ok


@pytest.mark.parametrize("change", [
    {"type": "test.happened.v1"}, {"stream": "log:other"}, {"payload": b"{}"},
    {"payload": b"x"}, {"ledger": bytes(16)}])
def test_verify__rejected_when_the_ledger_was_not_opened(
    store: Store, change: dict[str, Any]
) -> None:
    """A whole other log that is sound in itself is shown by its first event."""
    if "ledger" in change:
        with store.beginning(Known(bytes(16), "main")):
            pass
    write(store, again(raw_first(), change))
    (problem,) = verify(store, "main").problems
    assert (problem.position, "opened" in problem.what) == (1, True)


def again(entry: Entry, change: dict[str, Any]) -> Entry:
    """An entry with other fields and the hashes that belong to them."""
    changed = entry._replace(**change)
    changed = changed._replace(payload_hash=payload_hash(changed.salt, changed.payload))
    return changed._replace(leaf_hash=leaf_hash(changed))


@pytest.mark.parametrize("column, value", [
    ("occurred_at", 1), ("actor", "member:other"), ("subjects", "[]"), ("once", "x"),
    ("source", "{}"), ("salt", b"\0" * 16), ("causation", 3), ("type", "jar.sealed.v1"),
])
def test_verify__rejected_when_one_column_is_changed(
    log: Path, column: str, value: object
) -> None:
    execute(log, f"UPDATE events SET {column} = ? WHERE position = 7", value)
    report = checked(log)
    assert not report.ok
    assert report.problems[0].position == 7


def test_verify__rejected_when_a_payload_byte_is_changed(log: Path) -> None:
    connection = sqlite.driver().connect(str(log / "log.db"), isolation_level=None)
    tamper.unguard(connection)
    tamper.flip(connection, 7)
    connection.close()
    assert [problem.position for problem in checked(log).problems] == [7]


@pytest.mark.parametrize("at", [0, 15, 17, 30, -1, None])
def test_verify__rejected_when_bytes_pass_between_salt_and_payload(
    log: Path, at: int | None
) -> None:
    """All that was salt and payload is still there, in this order, but parted elsewhere."""
    store = settings_in(log).open_store()
    (entry,) = store.read("main", after=6, until=7)
    store.close()
    whole = entry.salt + entry.payload
    execute(log, "UPDATE events SET salt = ?, payload = ? WHERE position = 7",
            whole[:at], b"" if at is None else whole[at:])
    assert [problem.position for problem in checked(log).problems] == [7]


def test_verify__rejected_when_an_event_is_replaced_with_fitting_hashes(log: Path) -> None:
    """The forger recomputes payload and leaf hash: the tree still shows it."""
    store = settings_in(log).open_store()
    (entry,) = store.read("main", after=6, until=7)
    store.close()
    forged = forge(entry)
    execute(log, "UPDATE events SET payload = ?, payload_hash = ?, leaf_hash = ? "
            "WHERE position = 7", forged.payload, forged.payload_hash, forged.leaf_hash)
    problems = checked(log).problems
    assert any("tree" in problem.what for problem in problems)


def forge(entry: Entry) -> Entry:
    payload = entry.payload.replace(b'"A"', b'"B"')
    forged = entry._replace(payload=payload, payload_hash=payload_hash(entry.salt, payload))
    return forged._replace(leaf_hash=leaf_hash(forged))


@contextmanager
def intruder(folder: Path) -> Iterator[Any]:
    """A connection of somebody who took off whatever guards an SQLite log, its indexes too."""
    connection = sqlite.driver().connect(str(folder / "log.db"), isolation_level=None)
    tamper.unguard(connection)
    tamper.unindex(connection)
    yield connection
    connection.close()


@pytest.mark.parametrize("column", ["command_id", "once"])
def test_verify__rejected_when_a_command_or_a_once_stands_twice(log: Path, column: str) -> None:
    """All hashes fit, and the database's own indexes are gone: it shows nowhere else."""
    store = settings_in(log).open_store()
    (entry,) = store.read("main", after=6, until=7)
    store.close()
    with intruder(log) as connection:
        tamper.lay_again(connection, 7, once="x")
        assert checked(log).ok
        same = {"once": "x"} if column == "once" else {
            "command_id": entry.command_id, "command_seq": entry.command_seq}
        tamper.lay_again(connection, 9, **same)
    assert checked(log).problems == [(9, f"its {column} stands at an earlier position already")]
    store = settings_in(log).open_store()
    with pytest.raises(UnsoundLog, match=f"at position\n? ?9, its {column} stands"):
        backup_log(store, "main", log / "log.gz")
    store.close()


def test_verify__rejected_when_the_opening_is_of_another_format(log: Path) -> None:
    store = settings_in(log).open_store()
    (entry,) = store.read("main", limit=1)
    store.close()
    with intruder(log) as connection:
        tamper.lay_again(connection, 1, payload=entry.payload.replace(
            b'"format":2', b'"format":3'))
    assert checked(log).problems == [
        (1, "this cannot be how the ledger was opened: it is of format 3, and this version knows "
            "format 2")]


@pytest.mark.parametrize("position", [7, 14, 0, -1, None, 2**62 + 1, "x", b"x", 7.5])
def test_verify__finds_an_event_that_was_added_beside_the_others(
    log: Path, position: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an index two may stand at one position, also where a page of rows ends; and where no
    log has any, whoever reads a stream would find it."""
    monkeypatch.setattr(damage, "PAGE", 7)
    names = ", ".join({"position": "?", "command_id": "randomblob(16)"}.get(name, name)
                      for name in Entry._fields)
    with intruder(log) as connection:
        connection.execute(f"INSERT INTO events ({COLUMNS}) SELECT {names} FROM events"
                           f" WHERE position = 7 AND ledger = {tamper.MAIN}", (position,))
    said = [problem.what for problem in checked(log).problems]
    assert any("out of order" in one or "which no log has" in one or "whole number" in one
               for one in said), said


@pytest.mark.parametrize("level, number", [(1, 0), (0, -1), (-1, 5), (0, None), (0, 0.5)])
def test_verify__rejected_when_there_is_a_tile_of_no_tree(
    log: Path, level: int, number: Any
) -> None:
    execute(log, f"INSERT INTO tiles SELECT ledger, ?, ?, hashes FROM tiles"
            f" WHERE ledger = {tamper.MAIN}", level, number)
    assert checked(log).problems == [
        (LAST, f"the stored tile {number!r} of level {level} is of no tree")]


def test_repeats__are_found_in_the_order_of_an_index(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sorted or kept, however long the log."""
    store = settings_in(log).open_store()
    assert isinstance(store, SqliteStore)
    with store.reading() as reader:
        statements: list[tuple[str, Any]] = []
        rows = reader.rows

        def noted(text: str, values: Any) -> Any:
            statements.append((text, values))
            return rows(text, values)

        monkeypatch.setattr(reader, "rows", noted)
        assert reader.repeated("main", until=LAST, limit=9) == []
        asked = [(text, values) for text, values in statements if "HAVING" in text]
        assert len(asked) == 2
        for text, values in asked:
            plan = [row[-1] for row in rows(f"EXPLAIN QUERY PLAN {text}", values)]
            assert ["USING COVERING INDEX" in step for step in plan] == [True]
    store.close()


def test_verify__rejected_when_an_event_is_taken_out_of_the_middle(log: Path) -> None:
    execute(log, "DELETE FROM events WHERE position = 20")
    assert checked(log).problems[0].position in (20, 21)


def test_verify__rejected_when_a_tile_is_changed(log: Path) -> None:
    execute(log, "UPDATE tiles SET hashes = zeroblob(length(hashes))")
    assert [problem.position for problem in checked(log).problems] == [1]


def test_verify__rejected_when_a_tile_is_missing(log: Path) -> None:
    execute(log, "DELETE FROM tiles")
    assert [problem.position for problem in checked(log).problems] == [1]


def test_verify__rejected_when_the_head_is_changed(log: Path) -> None:
    execute(log, "UPDATE heads SET frontier = zeroblob(length(frontier))")
    assert "head" in checked(log).problems[0].what


def test_verify__rejected_when_rows_lie_beyond_the_head(log: Path) -> None:
    execute(log, "UPDATE heads SET position = 299")
    assert checked(log).problems[-1].position == 300


def cut_tail(folder: Path, number: int) -> None:
    connection = sqlite.driver().connect(str(folder / "log.db"), isolation_level=None)
    tamper.unguard(connection)
    tamper.cut(connection, number)
    connection.close()


def test_verify__rejected_when_the_tail_is_cut_off_and_the_root_was_noted(log: Path) -> None:
    before = noted(log)
    cut_tail(log, 10)
    assert checked(log).ok, "a log that fits its head looks sound from inside"
    report = checked(log, before)
    assert not report.ok
    assert report.problems[0].position == LAST - 9


def test_verify__rejected_when_the_tail_is_cut_off_and_grown_again(log: Path) -> None:
    before = noted(log)
    cut_tail(log, 10)
    opened = open_log(settings_in(log))
    add_jars(opened, 5000, 50)
    opened.close()
    assert checked(log).ok
    assert not checked(log, before).ok


def test_verify__accepted_when_honest_events_follow_the_noted_root(log: Path) -> None:
    before = noted(log)
    opened = open_log(settings_in(log))
    add_jars(opened, 5000, 300)
    opened.close()
    assert checked(log, before).ok


@pytest.mark.parametrize("text", ["", "7", "7:", "x:00", "7:00", "-1:" + "00" * 32])
def test_expectation__rejected_when_it_is_not_a_position_and_a_root(text: str) -> None:
    with pytest.raises(BadExpectation):
        Expectation.parse(text)


@pytest.mark.parametrize("text", ["７:" + "00" * 32, "+7:" + "00" * 32, "1_0:" + "00" * 32,
                                  "7: " + "00" * 32, "7:" + "00 " * 32, "7:00 " + "00" * 31,
                                  " 7:" + "00" * 32, "7:" + "00" * 32 + "\n"])
def test_expectation__rejected_when_the_position_is_not_plain_digits(text: str) -> None:
    with pytest.raises(BadExpectation):
        Expectation.parse(text)


# -- beside writers -------------------------------------------------------------------------------


class Busy:
    """A store on which somebody records more events each time after the head was read."""

    def __init__(self, store: Store, more: int) -> None:
        self.store, self.more = store, more

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def head(self, ledger: str) -> Head:
        """The head as it was before they came."""
        found = self.store.head(ledger)
        grow(self.store, self.more)
        return found


def grow(store: Store, number: int, ledger: bytes = LEDGER) -> None:
    """Record events whose tiles are stored as they are completed."""
    size, recorded_at = store.head("main")[:2]
    entries = [raw_first(ledger) if one == 1 else
               raw(one, ledger=ledger, recorded_at=max(recorded_at, 1_000_000) + one)
               for one in range(size + 1, size + number + 1)]
    leaves = [row.leaf_hash for row in store.read("main")] + [row.leaf_hash for row in entries]
    tiles = [merkle_tile(leaves, tile) for tile in range(size // 256, (size + number) // 256)]
    write(store, *entries, tiles=tiles)


def merkle_tile(leaves: list[bytes], number: int) -> Any:
    from ledger.log.store import Tile

    return Tile(0, number, b"".join(leaves[number * 256 : (number + 1) * 256]))


@pytest.mark.parametrize("more", [1, 256, 300])
def test_verify__accepted_beside_writers(store: Store, more: int) -> None:
    grow(store, 250)
    report = verify(Busy(store, more), "main")
    assert (report.ok, report.problems, report.position) == (True, [], 250)


@durable
def test_verify__is_quiet_beside_four_writers(settings: Settings) -> None:
    """No false alarm, and each line that it gave holds for all that come after it."""
    open_ledger(settings, handlers=HANDLERS).close()
    writers = [Child(children.write_until_stopped, settings, number) for number in range(4)]
    assert [writer.hear() for writer in writers] == ["ready"] * 4
    store, kept, until = settings.open_store(), list[Expectation](), time.monotonic() + BESIDE_S
    try:
        while time.monotonic() < until or len(kept) < 3:
            report, access = verify_with_access(store, "main", expected=kept)
            assert access is not None
            assert (report.problems, access.problems) == ([], [])
            kept.append(Expectation(report.position, report.root))
    finally:
        for writer in writers:
            writer.say("stop")
    recorded = sum(writer.hear() for writer in writers)
    assert [writer.end() for writer in writers] == [0] * 4
    assert verify(store, "main", expected=kept).ok
    assert store.head("main").position == recorded + 1
    assert len({one.position for one in kept}) > 1
    store.close()


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that everybody may read; who owns it takes away the right to write."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


def test_verify__reads_a_copy_where_nothing_may_be_written(log: Path, readable: Path) -> None:
    """By a user who owns nothing, next to what is left of a WAL that was written back."""
    store = settings_in(log).open_store()
    whole = verify_with_access(store, "main")
    store.close()
    copy = readable / "copy.db"
    shutil.copy(log / "log.db", copy)
    for ending in ("-wal", "-shm"):
        (readable / f"copy.db{ending}").touch()
    for path in readable.iterdir():
        path.chmod(0o444)
    readable.chmod(0o555)
    before = {path.name: path.stat().st_mtime_ns for path in [readable, *readable.iterdir()]}
    child = Child(children.verify_as_nobody, settings_in(log), copy)
    assert child.hear() == whole
    assert child.end() == 0
    assert {path.name: path.stat().st_mtime_ns
            for path in [readable, *readable.iterdir()]} == before


def test_verify__sees_what_a_killed_process_left_in_its_wal(log: Path) -> None:
    """The file alone ends where the WAL was written back last: a kept line shows what is missing,
    and with the WAL next to it all is there."""
    opened = open_log(settings_in(log))
    opened.ledger.handle(adding(2), CONTEXT)
    for path in (killed := log / "killed", alone := log / "alone"):
        path.mkdir()
        shutil.copy(log / "log.db", path)
    shutil.copy(log / "log.db-wal", killed)
    opened.close()
    now = noted(log)
    assert checked(killed, now).ok
    report = checked(alone, now)
    assert [problem.what for problem in report.problems] == [
        f"the log ends at {LAST}, but position {now.position} was noted earlier: events were cut "
        "off"]


def test_verify__raises_when_the_database_is_away(log: Path) -> None:
    """A database that cannot be reached says nothing about the log."""
    store = settings_in(log).open_store()
    (log / "log.db").rename(log / "away.db")
    store.close()
    (log / "log.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageFailed):
        verify(store, "main")


def test_verify__finds_an_index_that_does_not_fit_its_table(tmp_path: Path) -> None:
    """An index page as it was earlier: SQLite reads it without a complaint."""
    opened = open_log(settings_in(tmp_path))
    add_jars(opened, 1, 3)
    opened.close()
    earlier = tamper.page(tmp_path / "log.db", "sqlite_autoindex_events_3")
    opened = open_log(settings_in(tmp_path))
    add_jars(opened, 4, 3)
    opened.close()
    tamper.put(tmp_path / "log.db", "sqlite_autoindex_events_3", earlier)
    assert checked(tmp_path).ok
    store = settings_in(tmp_path).open_store()
    report, access = verify_with_access(store, "main")
    store.close()
    assert access is not None
    assert access.ok
    assert [problem.position for problem in report.problems] == [0] * len(report.problems)
    assert "entries in index sqlite_autoindex_events_3" in report.problems[1].what


# -- damaged rows and expectations ----------------------------------------------------------------


def test_verify__names_only_the_rows_that_cannot_be_read(log: Path) -> None:
    execute(log, "UPDATE events SET actor = CAST(x'ff' AS TEXT) WHERE position IN (7, 8, 120)")
    report = checked(log)
    unreadable = [p.position for p in report.problems if "cannot read" in p.what]
    assert unreadable == [7, 8, 120]
    assert report.position == LAST


def test_verify__keeps_all_expectations_of_a_position(log: Path) -> None:
    good, bad = noted(log), Expectation(LAST, bytes(32))
    for expected in ((good, bad), (bad, good)):
        assert not checked(log, *expected).ok
    assert checked(log, good, good).ok
    nothing = Expectation(0, merkle.EMPTY_ROOT)
    assert not checked(log, nothing, Expectation(0, bytes(32))).ok


@durable
def test_verify__compares_the_heads_time_with_the_last_events(
    store: Store, settings: Settings
) -> None:
    grow(store, 3)
    assert verify(store, "main").ok
    tamper.intrude(settings, "UPDATE heads SET recorded_at = ?", 4_039_000_000_000_000)
    (problem,) = verify(store, "main").problems
    assert (problem.position, "4039000000000000" in problem.what) == (3, True)


# -- a head on which the writer builds ------------------------------------------------------------


@durable
@pytest.mark.parametrize("more", [0, 300])
@pytest.mark.parametrize("column, value", [
    ("recorded_at", 4_039_000_000_000_000), ("recorded_at", 0), ("position", 2),
    ("frontier", b""), ("frontier", bytes(64)),
])
def test_writer__refuses_a_head_that_was_changed(
    store: Store, settings: Settings, keys: Keys, column: str, value: object, more: int
) -> None:
    """Neither built upon nor, by a clock that seems late, a reason to accept the year 2098."""
    ledger = Ledger(store, begun(store, keys), handlers=HANDLERS)
    grow(store, 3 + more, ledger.id)
    before = store.head("main")
    tamper.intrude(settings, f"UPDATE heads SET {column} = ?", value)
    for write_one in (lambda: ledger.handle(opening(1), CONTEXT),
                      lambda: ledger.accept_clock("it is right", CONTEXT)):
        with pytest.raises(HeadUnsound) as raised:
            write_one()
        assert raised.value.details["column"] == column
    assert len(store.read("main")) == before.position
    tamper.intrude(settings, f"UPDATE heads SET {column} = ?", getattr(before, column))
    assert ledger.handle(opening(1), CONTEXT).positions == (before.position + 1,)
    ledger.close()
    assert verify(store, "main").ok


@durable
@pytest.mark.parametrize("more", [0, 2], ids=["alone", "with another's events"])
@pytest.mark.parametrize("column", ["recorded_at", "frontier"])
def test_writer__refuses_a_head_that_was_changed_while_it_was_open(
    store: Store, settings: Settings, keys: Keys, column: str, more: int
) -> None:
    ledger = Ledger(store, begun(store, keys), handlers=HANDLERS)
    ledger.handle(opening(1), CONTEXT)
    grow(store, more, ledger.id)
    frontier = bytes(len(store.head("main").frontier))
    tamper.intrude(settings, f"UPDATE heads SET {column} = ?",
                   frontier if column == "frontier" else 4_039_000_000_000_000)
    with pytest.raises(HeadUnsound) as raised:
        ledger.handle(opening(2), CONTEXT)
    assert raised.value.details["column"] == column
    ledger.close()


class Relaid(MemoryStore):
    """A log whose second event somebody changed and hashed again, past what the databases check."""

    def __init__(self, **change: Any) -> None:
        super().__init__(kinds=ACCOUNT_KINDS)
        self.change = change

    def read(self, *arguments: Any, **limits: Any) -> list[Entry]:
        found = super().read(*arguments, **limits)
        for at, one in enumerate(found):
            if one.position == 2:
                other = one._replace(**self.change)
                other = other._replace(payload_hash=payload_hash(other.salt, other.payload))
                found[at] = other._replace(leaf_hash=leaf_hash(other))
        return found


@pytest.mark.parametrize(("change", "what"), [
    ({"salt": bytes(15)}, "salt is 15 bytes long"),
    ({"payload": b"x" * 1_048_577}, "1048577"),
    ({"stream": "s" * 1_001}, "1001"),
    ({"version": -1}, "version -1"),
    ({"version": 2}, "version 2"),
], ids=["salt", "payload", "stream", "negative", "skipped"])
def test_verify__reports_what_no_event_may_hold_though_every_hash_fits(
    change: dict[str, Any], what: str
) -> None:
    store = Relaid()
    write(store, raw_first(), raw(2))
    assert verify(store, "main").ok
    store.change = change
    assert any(problem.position == 2 and what in problem.what
               for problem in verify(store, "main").problems)


@pytest.mark.parametrize("payload", [b"[" * 60_000, b'{"x":' * 3_000, b"null", b"\xff"])
def test_own_event__rejected_with_a_sentence_however_deep_it_nests(payload: bytes) -> None:
    """R-LDG-01, R-LDG-07: what reads it says so, and verify names its position."""
    store = MemoryStore(kinds=ACCOUNT_KINDS)
    own = raw(2, stream=STREAM, version=2, type=Continued.TOPIC, payload=payload)
    write(store, raw_first(), own)
    for read in (lambda: last_own(store, LEDGER, "main"), lambda: gave_up_at(store, LEDGER)):
        with pytest.raises(BadContinuation, match="^Position 2 of"):
            read()
    assert [one.position for one in verify(store, "main").problems] == [2]
    other = MemoryStore(kinds=ACCOUNT_KINDS)
    write(other, raw_first(payload=payload))
    with pytest.raises(BadOpening):
        opened_as(other, LEDGER, "main")
