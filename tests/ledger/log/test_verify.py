"""What `verify` finds when someone with the database file changed history."""

from pathlib import Path

import pytest

from ledger.log import merkle, sqlite
from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.verify import BadExpectation, Expectation, Report, verify
from tests.support import tamper
from tests.support.envelopes import CONTEXT
from tests.support.jars import adding
from tests.support.logs import add_jars, open_log, settings_in

JARS = 300


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of 301 events, closed."""
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
    assert report.events == report.position == JARS + 1


def test_verify__accepted_when_empty(tmp_path: Path) -> None:
    report = checked(tmp_path, Expectation(0, merkle.EMPTY_ROOT))
    assert (report.ok, report.events, report.root) == (True, 0, merkle.EMPTY_ROOT)


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
    assert report.problems[0].position == JARS + 1 - 9


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
