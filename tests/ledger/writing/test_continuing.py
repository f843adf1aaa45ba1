"""What changes about a log is in the log: program, database, keys, a restore; nothing else is."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from ledger import __version__
from ledger.application import Ledger
from ledger.common.context import Receipt
from ledger.common.errors import InvalidValues, LedgerError
from ledger.common.personal import Personal
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log import sqlite
from ledger.log.backup import UnsoundLog, backup_log
from ledger.log.envelope import Entry
from ledger.log.keys_backup import backup_keys, restore_keys
from ledger.log.memory import MemoryStore
from ledger.log.milestones import FORMAT, STREAM, BadContinuation, Continued, KeysLost, Restored
from ledger.log.persons import Keys, WrongKeys
from ledger.log.store import SUFFIX, Store
from ledger.log.verify import verify
from ledger.settings import Opened, Settings, open_ledger
from ledger.writing import continuing
from ledger.writing.continuing import (
    Attribution,
    KeysNotLost,
    OlderProgram,
    give_up_keys,
    release_order,
    restore,
)
from ledger.writing.errors import CommandReused, RecordedUnderLostKeys
from ledger.writing.genesis import OtherFormat, begun, keys_of
from ledger.writing.requests import command_id
from tests.conftest import durable, on_postgres, on_sqlite
from tests.support import children
from tests.support.builders import context, pay, place, remark
from tests.support.children import Child
from tests.support.clocks import Time
from tests.support.envelopes import CONTEXT, entry, named, write
from tests.support.jars import HANDLERS, opening
from tests.support.postgres_server import Server
from tests.support.thorough import tried
from tests.support.waiting import in_thread

NEWER, NEWEST = "1000.0.0", "1000.0.1"
WHO = Attribution("member:7f3a", "the disk broke")


def said_by(store: Store, name: str = "main") -> list[Continued]:
    """What a log says of how it was continued."""
    return [msgspec.json.decode(one.payload, type=Continued) for one in rows_of(store, name)]


def rows_of(store: Store, name: str = "main") -> list[Entry]:
    return [one for one in store.read(name) if one.type == Continued.TOPIC]


def opened_as(program: str, store: Store, keys: Keys, name: str = "main") -> Ledger:
    """A ledger as another version opens it."""
    ledger = Ledger(store, keys_of(store, keys, name), name=name, handlers=HANDLERS)
    ledger._writer.continuing.program = program
    return ledger


# -- nothing changes -----------------------------------------------------------------------------


def test_same__says_nothing(store: Store, keys: Keys) -> None:
    """However often it is opened, by whom, and whatever comes: an order, a refusal, a repeat."""
    begun(store, keys)
    for number in range(3):
        for name in ("main", "main" + SUFFIX):
            ledger = opened_as(__version__, store, keys, name)
            ledger.handle(opening(number), named(number))
            ledger.handle(opening(number), named(number))
            with pytest.raises(LedgerError, match="already"):
                ledger.handle(opening(number), CONTEXT)
            ledger.close()
    assert said_by(store) == said_by(store, "main" + SUFFIX) == []


# -- the program ---------------------------------------------------------------------------------


def test_newer__says_so_once_and_the_older_records_no_more(store: Store, keys: Keys) -> None:
    """R-LDG-08, in each ledger and in that of its keys and readings; what was there can be read."""
    begun(store, keys)
    old, new = (opened_as(one, store, keys) for one in (__version__, NEWER))
    access = opened_as(NEWER, store, keys, "main" + SUFFIX)
    older = opened_as(__version__, store, keys, "main" + SUFFIX)
    older.handle(opening(9), CONTEXT)
    old.handle(opening(1), CONTEXT)
    assert new.handle(opening(2), CONTEXT).positions == (4,)
    new.handle(opening(3), CONTEXT)
    assert [(one.position, one.actor) for one in rows_of(store)] == [(3, "system")]
    assert said_by(store) == [Continued(
        program=NEWER, format=FORMAT, keys_id=new.keys.id.hex(), host=store.host())]
    with pytest.raises(OlderProgram, match=NEWER):
        old.handle(opening(4), CONTEXT)
    assert old.preview([(opening(4), CONTEXT)]) == [1]
    assert old.head().position == 5
    assert said_by(store, "main" + SUFFIX) == []
    with pytest.raises(OlderProgram, match=f"'main' was last written to by version {NEWER}"):
        older.handle(opening(8), CONTEXT)
    access.handle(opening(1), CONTEXT)
    assert [one.program for one in said_by(store, "main" + SUFFIX)] == [NEWER]
    for name in store.ledgers():
        assert verify(store, name).ok
    for ledger in (old, new, access, older):
        ledger.close()


@pytest.mark.parametrize(("one", "other"), [
    (__version__, f"{__version__}.post1"), (f"{__version__}+a", f"{__version__}+b"),
    ("9.0", "9.0.0"), ("9.0.0.post2", "9.0+here")])
def test_equal_age__is_on_record_once_however_often_they_take_turns(
    store: Store, keys: Keys, one: str, other: str
) -> None:
    """Both write at once; the log names the greater text of the two, and no turn between them."""
    begun(store, keys)
    both = [opened_as(version, store, keys) for version in (one, other)]
    for number in range(6):
        both[number % 2].handle(opening(number), CONTEXT)
    programs = [said.program for said in said_by(store)]
    assert programs[-1] == max(one, other)
    assert len(programs) <= 2


def test_newer__says_so_before_it_closes_the_day(store: Store, keys: Keys) -> None:
    time = Time()
    ledger = Ledger(store, begun(store, keys, clock=time.clock()), clock=time.clock(),
                    handlers=HANDLERS)
    ledger.handle(opening(1), CONTEXT)
    ledger._writer.continuing.program = NEWER
    time.pass_by(86_400)
    with pytest.raises(LedgerError, match="already"):
        ledger.handle(opening(1), CONTEXT)
    ledger.handle_many([(opening(2), CONTEXT), (opening(3), CONTEXT)])
    assert [one.type for one in store.read("main", after=2)][:2] == [
        Continued.TOPIC, "log.day_closed.v1"]
    assert len(said_by(store)) == 1
    assert verify(store, "main").ok
    ledger.close()


PROGRAMS = (__version__, NEWER, NEWEST)


@given(steps=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12))
@hypothesis_settings(max_examples=tried(25))
def test_any_order__leaves_one_event_a_change_and_never_goes_back(
    steps: list[tuple[int, int]]
) -> None:
    """Three processes of three versions take turns; now and then one forgets what it has seen."""
    store, keys = MemoryStore(kinds=ACCOUNT_KINDS), Keys(
        sqlite.memory_engine(), bytes(32), named="memory", key_file=None)
    begun(store, keys)
    ledgers = [opened_as(one, store, keys) for one in PROGRAMS]
    expected, newest = [], 0
    for number, (who, forget) in enumerate(steps):
        if not forget:
            ledgers[who]._writer._cache.drop()
        if who < newest:
            with pytest.raises(OlderProgram):
                ledgers[who].handle(opening(number), CONTEXT)
            continue
        if who > newest:
            expected.append(PROGRAMS[who])
        newest = who
        ledgers[who].handle(opening(number), CONTEXT)
    assert [one.program for one in said_by(store)] == expected
    assert verify(store, "main").ok
    for ledger in ledgers:
        ledger.close()


@durable
def test_processes__of_two_versions_never_write_at_once(settings: Settings) -> None:
    """R-LDG-08, found by a process that runs already when the newer one begins."""
    opened = open_ledger(settings, handlers=HANDLERS)
    opened.ledger.handle(opening(1), CONTEXT)
    child = Child(children.open_jar_as, settings, NEWER, 2)
    assert child.hear() == (4,)
    for _ in range(2):
        with pytest.raises(OlderProgram, match=NEWER):
            opened.ledger.handle(opening(3), CONTEXT)
    assert child.end() == 0
    assert opened.ledger.head().position == 4
    opened.close()


@durable
def test_starters__say_it_once_when_they_race(settings: Settings) -> None:
    open_ledger(settings, handlers=HANDLERS).close()
    all_ = [open_ledger(settings, handlers=HANDLERS) for _ in range(4)]

    def start(opened: Opened, number: int) -> None:
        opened.ledger._writer.continuing.program = NEWER
        opened.ledger.handle(opening(number), CONTEXT)

    for thread in [in_thread(lambda n=n, one=one: start(one, n)) for n, one in enumerate(all_)]:
        thread.join()
    assert [one.program for one in said_by(all_[0].store)] == [NEWER]
    assert all_[0].ledger.head().position == 6
    for opened in all_:
        opened.close()


def test_age__orders_versions() -> None:
    rising = ["no version", "0.9", "0.10.0.dev2", "0.10.0.dev10", "0.10a1", "0.10b1", "0.10.0rc1",
              "0.10.0rc2", "0.10", "0.10.1", "1.0.0.dev1", "1", "10.0"]
    assert all(release_order(one) < release_order(other) for one, other in pairwise(rising))
    for same in ("0.10.0", "0.10.0.post1", "0.10+here"):
        assert release_order(same) == release_order("0.10")


def test_format__rejected_when_the_ledger_went_on_in_another(
    store: Store, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LDG-04, also when it is opened to be read."""
    begun(store, keys)
    new = opened_as(NEWER, store, keys)
    with monkeypatch.context() as patch:
        patch.setattr(continuing, "FORMAT", FORMAT + 1)
        patch.setattr(continuing, "must_be_new_enough", lambda *_: None)
        new.handle(opening(1), CONTEXT)
    with pytest.raises(OtherFormat):
        keys_of(store, keys, "main")
    with pytest.raises(OtherFormat):
        new.handle(opening(2), CONTEXT)
    new.close()


@pytest.mark.parametrize("change", [{"type": "test.happened.v1"}, {"payload": b"{"}])
def test_writer__rejected_when_the_log_says_nothing_that_it_knows(
    store: Store, keys: Keys, change: dict[str, Any]
) -> None:
    """R-LDG-07"""
    begun(store, keys)
    ledger = opened_as(__version__, store, keys)
    write(store, entry(2, **{"stream": STREAM, "version": 2, "type": Continued.TOPIC,
                             "recorded_at": store.head("main").recorded_at + 1, **change}))
    with pytest.raises(BadContinuation, match="position 2|Position 2"):
        ledger.handle(opening(1), CONTEXT)
    assert not verify(store, "main").ok
    ledger.close()


# -- the database --------------------------------------------------------------------------------


@on_sqlite
def test_file__is_another_one_when_it_was_copied_and_the_same_when_it_was_moved(
    settings: Settings, tmp_path: Path
) -> None:
    """Also a copy in the place of a file that was removed, which may get its inode."""
    path = tmp_path / "ledger.db"

    def write_one(number: int, at: Path) -> list[str]:
        opened = open_ledger(replace(settings, database_url=f"sqlite:///{at}"), handlers=HANDLERS)
        opened.ledger.handle(opening(number), CONTEXT)
        found, host = said_by(opened.store), opened.store.host()
        opened.close()
        assert not found or found[-1].host == host
        return [one.host for one in found]

    assert write_one(1, path) == []
    moved = path.rename(tmp_path / "moved.db")
    assert write_one(2, moved) == []
    copied = Path(shutil.copy(moved, tmp_path / "copied.db"))
    assert len(write_one(3, copied)) == 1
    shutil.copy(moved, tmp_path / "aside.db")
    moved.unlink()
    shutil.copy(tmp_path / "aside.db", moved)
    assert len(write_one(4, moved)) == 1
    assert len(write_one(5, moved)) == 1


@on_postgres
def test_server__is_the_one_that_the_control_file_names(store: Store) -> None:
    with store.reading() as reader:  # type: ignore[attr-defined]
        ((system, timeline),) = reader.rows(
            "SELECT (SELECT system_identifier FROM pg_control_system()),"
            " (SELECT timeline_id FROM pg_control_checkpoint())", ())
    assert store.host() == f"postgresql:{system}:{timeline}"


@on_postgres
def test_server__is_looked_at_again_when_the_connection_broke(
    settings: Settings, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fail-over while nothing is written: the next connection leads to another server."""
    opened = open_ledger(settings, handlers=HANDLERS)
    opened.ledger.handle(opening(1), CONTEXT)
    monkeypatch.setattr(opened.store, "find_host", lambda: "postgresql:1:2")
    opened.ledger.handle(opening(2), CONTEXT)
    assert said_by(opened.store) == []
    postgres.admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = %s", (make_url(settings.database_url).database,))
    opened.ledger.handle(opening(3), CONTEXT)
    assert [one.host for one in said_by(opened.store)] == ["postgresql:1:2"]
    opened.close()


# -- a restore -----------------------------------------------------------------------------------


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[tuple[Path, Keys, Time]]:
    """The backup of a ledger with two jars, made a day ago in another database."""
    time = Time()
    store, keys = MemoryStore(kinds=ACCOUNT_KINDS), Keys(
        sqlite.memory_engine(), bytes(32), named="memory", key_file=None)
    ledger = Ledger(store, begun(store, keys, clock=time.clock()), clock=time.clock(),
                    handlers=HANDLERS)
    for number in (1, 2):
        ledger.handle(opening(number), CONTEXT)
    backup_log(store, "main", tmp_path / "log.gz")
    ledger.close()
    yield tmp_path / "log.gz", keys, time
    keys.close()


def test_restore__is_on_record(store: Store, backup: tuple[Path, Keys, Time]) -> None:
    """In both ledgers, with where the backup ended; nothing more is said when they go on."""
    path, keys, time = backup
    heads = restore(store, path, WHO)
    assert heads == {name: store.head(name) for name in ("main", "main" + SUFFIX)}
    assert [head.position for head in heads.values()] == [4, 2]
    for name, head in heads.items():
        (said,), (row,) = said_by(store, name), rows_of(store, name)
        before = store.read(name)[-2]
        assert (row.position, row.actor, row.role) == (head.position, WHO.actor, "admin")
        assert row.recorded_at == before.recorded_at + 1
        assert said.restored is not None
        assert (said.program, said.host) == (__version__, store.host())
        assert (said.restored.by, said.restored.reason) == (WHO.actor, WHO.reason)
        assert said.restored.position == before.position
        assert verify(store, name).ok
    time.pass_by(86_400)
    ledger = Ledger(store, keys_of(store, keys, "main"), clock=time.clock(), handlers=HANDLERS)
    assert ledger.handle(opening(3), CONTEXT).positions == (6,)  # the day was closed before it
    assert len(said_by(store)) == 1
    ledger.close()


def test_restore__rejected_by_an_older_program(
    store: Store, backup: tuple[Path, Keys, Time], monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LDG-08: to restore is to write. Nothing of it is there then."""
    monkeypatch.setattr(continuing, "__version__", "0.0.1")
    with pytest.raises(OlderProgram):
        restore(store, backup[0], WHO)
    assert store.ledgers() == []


@pytest.mark.parametrize("by", [("张三", "why"), ("member:7f3a", " "), ("", "")])
def test_attribution__rejected_without_a_pseudonym_and_a_reason(by: tuple[str, str]) -> None:
    with pytest.raises(InvalidValues):
        Attribution(*by)


# -- lost keys -----------------------------------------------------------------------------------


def owners(store: Store) -> list[tuple[Entry, Personal]]:
    """The accounts that orders were placed with, sealed."""
    return [(one, msgspec.convert(msgspec.json.decode(one.payload)["account"], Personal))
            for one in store.read("main") if one.type == "order.placed.v1"]


def test_lost_keys__let_no_command_be_recorded_twice(store: Store, keys: Keys) -> None:
    old = Ledger(store, begun(store, keys))
    old.handle(place(1), CONTEXT)

    def sent(ledger: Ledger) -> Receipt:
        return ledger.handle(pay(1), context(
            command_id=command_id(ledger.id, CONTEXT.actor, "7"), by_client=True))

    first = sent(old)
    assert sent(old).replayed
    other = Keys(sqlite.memory_engine(), bytes(32), named="other", key_file=None)
    give_up_keys(store, other, "main", WHO)
    ledger = Ledger(store, keys_of(store, other, "main"))
    with pytest.raises(RecordedUnderLostKeys, match=f"at position {first.positions[0]},"):
        sent(ledger)
    assert ledger.handle(place(2), named(2)).positions
    with pytest.raises(CommandReused):
        ledger.handle(place(3), named(2))  # this one was recorded since
    assert [one.position for one in store.read("main") if one.type == "order.paid.v1"] == list(
        first.positions)
    for one in (old, ledger):
        one.close()


def test_lost_keys__do_not_end_a_ledger(
    store: Store, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-KEY-05, R-KEY-07. Others than the log names open it only when somebody says so;
    the same buyer is then another person, old orders go on with a new one, and the old keys read
    again if they are found."""
    old = Ledger(store, begun(store, keys))
    old.handle(place(1, account="某账号"), CONTEXT)
    backup_keys(keys, tmp_path / "keys.gz")
    other = Keys(sqlite.memory_engine(), bytes(32), named="other", key_file=None)
    monkeypatch.setattr(other, "_master", keys._master)  # the same master key
    other._acquaint()
    with pytest.raises(WrongKeys):
        keys_of(store, other, "main")
    with pytest.raises(KeysNotLost):
        give_up_keys(store, keys, "main", WHO)
    heads = give_up_keys(store, other, "main", WHO)
    assert [(name, head.position) for name, head in heads.items()] == [
        ("main", 3), ("main" + SUFFIX, 2)]
    with pytest.raises(KeysNotLost):
        give_up_keys(store, other, "main", WHO)
    for name in store.ledgers():
        (said,) = said_by(store, name)
        assert said.keys_lost == KeysLost(WHO.actor, WHO.reason)
        assert said.keys_id == keys_of(store, other, name).id.hex()
        assert verify(store, name).ok
    with pytest.raises(WrongKeys):
        old.handle(place(2), CONTEXT)
    ledger = Ledger(store, keys_of(store, other, "main"))
    ledger.handle(place(3, account="某账号"), CONTEXT)
    (before, lost), (after, kept) = owners(store)
    assert lost.p != kept.p
    read = ledger.keys.reveal
    assert read(lost, before.stream, before.version, "/account") is None
    assert read(kept, after.stream, after.version, "/account") == "某账号"
    ledger.handle(remark(1), CONTEXT)
    assert len(said_by(store)) == 1
    ledger.close()
    restore_keys(other, tmp_path / "keys.gz")
    found = keys_of(store, other, "main")
    assert [found.reveal(value, row.stream, row.version, "/account")
            for row, value in owners(store)] == ["某账号", "某账号"]
    for one in (old, ledger):
        one.close()
    other.close()


# -- what no log can say -------------------------------------------------------------------------


def test_verify__finds_what_cannot_have_been_recorded(
    store: Store, backup: tuple[Path, Keys, Time]
) -> None:
    """It is sound as it is; each change of it, hashed again, is not, nor can it be backed up."""
    restore(store, backup[0], WHO)
    (row,) = rows_of(store)
    whole = msgspec.json.decode(row.payload, type=Continued)
    back = whole.restored
    assert back is not None
    for number, fact in enumerate((
        whole, msgspec.structs.replace(whole, format=3),
        msgspec.structs.replace(whole, keys_id="ab" * 32),
        msgspec.structs.replace(whole, keys_id="x"),
        msgspec.structs.replace(whole, keys_lost=KeysLost("a:b", "c")),
        msgspec.structs.replace(whole, restored=Restored(2, back.root, back.by, back.reason)),
        msgspec.structs.replace(whole, restored=Restored(3, "00" * 32, back.by, back.reason)),
    )):
        other = MemoryStore(kinds=ACCOUNT_KINDS)
        known, access = store.known("main"), store.known("main.access")
        assert known is not None
        assert access is not None
        with other.beginning(known, access):
            pass
        write(other, *store.read("main.access"), ledger="main.access",
              keys_id=store.head("main.access").keys_id)
        write(other, *store.read("main", until=3), entry(
            4, stream=STREAM, version=2, type=Continued.TOPIC, recorded_at=row.recorded_at,
            subjects=row.subjects, payload=msgspec.json.encode(fact)),
            keys_id=bytes.fromhex(whole.keys_id))
        found = verify(other, "main").problems
        assert [one.position for one in found] == ([4] if number else []), (fact, found)
        if number:
            with pytest.raises(UnsoundLog, match="position 4"):
                backup_log(other, "main", backup[0].with_name("second.gz"))
