"""Each person in a log has a key, was erased, is lost or was in no backup; each field opens."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ledger.log import verify_keys as module
from ledger.log.append import append
from ledger.log.key_rows import Upto
from ledger.log.keys_backup import backup_keys, restore_keys
from ledger.log.verify_keys import KeysReport, sealed_in, verify_keys
from ledger.settings import Opened, Settings, open_ledger
from ledger.writing.following import follow
from tests.conftest import durable, on_sqlite
from tests.support import tamper
from tests.support.envelopes import CONTEXT, entry
from tests.support.erased import erase
from tests.support.jars import HANDLERS, opening

NAMES = ("张三", "李四", "王五", "赵六")


@pytest.fixture
def opened(settings: Settings) -> Iterator[Opened]:
    """Eight jars of four people; each has two."""
    found = open_ledger(settings, handlers=HANDLERS)
    found.ledger.handle_many([(opening(number, owner=NAMES[number % 4]), CONTEXT)
                              for number in range(8)])
    yield found
    found.close()


def checked(opened: Opened) -> KeysReport:
    report = verify_keys(opened.store, opened.ledger.keys)
    assert not any(name in str(report) for name in NAMES)
    assert report.ok is (not report.problems)
    return report


def people(opened: Opened) -> list[str]:
    return [msgspec.json.decode(entry.payload)["owner"]["p"]
            for entry in opened.store.read("main", after=1)]


def forget(opened: Opened, *persons: str) -> None:
    with opened.keys.engine.connect() as connection:
        for person in persons:
            connection.exec_driver_sql("DELETE FROM persons WHERE person = ?", (person,))


def test_keys__are_well(opened: Opened) -> None:
    assert checked(opened) == KeysReport(True, 9, 8, 4, 0, 0, 0, [])


@durable
def test_erased__is_no_fault(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "HELD", 1)
    erase(opened.store, people(opened)[0])
    follow(opened.store, opened.ledger.keys)
    assert checked(opened) == KeysReport(True, 10, 6, 3, 1, 0, 0, [])


@on_sqlite
def test_sealed__for_whom_was_erased_before_is_named(opened: Opened) -> None:
    """Nobody can ever read it: a process went on with a key that was destroyed."""
    one = people(opened)[0]
    erase(opened.store, one)
    follow(opened.store, opened.ledger.keys)
    jar = opening(30).jar
    with opened.store.writing("main") as writing:
        head = writing.head("main")
        append(writing, head, [entry(
            head.position + 1, ledger=opened.ledger.id, stream=jar, type="jar.opened.v1",
            recorded_at=head.recorded_at + 1, subjects=f'["{jar}"]', payload=msgspec.json.encode(
                {"owner": {"p": one, "n": "", "c": "", "h": ""}}))])
    found = checked(opened)
    assert [problem.position for problem in found.problems] == [11]
    assert found.problems[0].what == f"/owner is sealed for {one}, who was erased at 10"


@on_sqlite
def test_lost__is_told_from_never_backed_up(opened: Opened, tmp_path: Path) -> None:
    """And from erased: three answers."""
    backup_keys(opened.keys, tmp_path / "keys.gz", opened.store)
    opened.ledger.handle(opening(20, owner="后来"), CONTEXT)
    opened.ledger.handle(opening(21, owner="再后来"), CONTEXT)
    one, two, late, later = (people(opened)[number] for number in (0, 1, 8, 9))
    forget(opened, one, late, later)
    found = checked(opened)
    assert (found.lost, found.never_backed_up) == (3, 0)
    restore_keys(opened.keys, tmp_path / "keys.gz")
    found = checked(opened)
    assert (found.persons, found.lost, found.never_backed_up) == (4, 0, 2)
    assert [problem.position for problem in found.problems] == [10]
    assert late in found.problems[0].what
    forget(opened, two)
    erase(opened.store, later)
    follow(opened.store, opened.ledger.keys)
    found = checked(opened)
    assert (found.persons, found.erased, found.lost, found.never_backed_up) == (3, 1, 1, 1)
    assert [problem.position for problem in found.problems] == [3, 10]
    opened.keys.engine.dispose()
    with opened.keys.engine.connect() as connection:  # a backup of another log
        connection.exec_driver_sql("UPDATE restored SET leaf = zeroblob(32)")
    assert checked(opened).lost == 2


@on_sqlite
def test_keys_and_log__contradict_each_other(opened: Opened) -> None:
    """Tombstones that no event made, and keys of whom the log says to be erased."""
    keys, (one, two, three, _) = opened.ledger.keys, people(opened)[:4]
    keys.destroy({one: 3})
    erase(opened.store, two)
    last = opened.store.read("main", after=9)[0]
    keys.destroy({}, Upto(last.position, last.leaf_hash))  # as if it had been followed
    found = checked(opened)
    assert [(problem.position, "by this event" in problem.what, "still there" in problem.what,
             "do not know" in problem.what) for problem in found.problems] == [
        (3, True, False, False), (10, False, True, False), (10, False, False, True)]
    assert one in found.problems[0].what
    assert two in found.problems[1].what
    assert three not in str(found)


@durable
def test_fields__are_opened_each(opened: Opened, settings: Settings) -> None:
    rows = opened.store.read("main", after=1)
    owners = [msgspec.json.decode(row.payload)["owner"] for row in rows]
    changes = {
        3: {**owners[0]}, 4: {**owners[2], "h": owners[0]["h"]}, 5: {**owners[3], "n": "!"},
        6: {**owners[4], "p": 1}, 7: {**owners[5], "c": ""}}
    for position, owner in changes.items():
        body = {**msgspec.json.decode(rows[position - 2].payload), "owner": owner}
        tamper.intrude(settings, f"UPDATE events SET payload = ? WHERE position = {position}"
                       f" AND ledger = {tamper.MAIN}", msgspec.json.encode(body))
    tamper.intrude(settings, "UPDATE events SET payload = ? WHERE position = 8 AND ledger = "
                   + tamper.MAIN, b'{"p":')
    found = checked(opened)
    assert [problem.position for problem in found.problems] == [3, 4, 5, 6, 7, 8]
    whys = [problem.what for problem in found.problems]
    assert whys[:2] == ["/owner: not sealed for this place", "/owner: value and hash disagree"]
    assert whys[3] == "/owner: this is no sealed value"
    assert whys[5] == "the payload cannot be read"
    assert found.fields == 2


@on_sqlite
def test_damaged__is_one_key(opened: Opened) -> None:
    one = people(opened)[0]
    with opened.keys.engine.connect() as connection:
        connection.exec_driver_sql(
            "UPDATE persons SET wrapped = zeroblob(92) WHERE person = ?", (one,))
    found = checked(opened)
    assert [problem.position for problem in found.problems] == [2]
    assert found.problems[0].what == f"the key of {one} is damaged"
    assert found.fields == 6


def test_sealed_in__finds_them_wherever_they_stand() -> None:
    value = {"p": "x", "n": "", "c": "", "h": ""}
    body = {"a": value, "b": [value, {"c/d": {"~": value}}], "p": {**value, "more": 1}, "e": 1}
    assert [pointer for pointer, _ in sealed_in(body)] == ["/a", "/b/0", "/b/1/c~1d/~0"]
