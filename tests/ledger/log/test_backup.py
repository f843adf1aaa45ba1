"""Backups: whole and provable, log and keys apart, restored all or nothing."""

import base64
import gzip
import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log import backup, keys_backup, merkle, sqlite
from ledger.log.backup_files import FileExists, new_file
from ledger.log.envelope import leaf_hash
from ledger.log.master_key import MissingMasterKey
from ledger.log.memory import MemoryStore
from ledger.log.missing_keys import MissingKeys
from ledger.log.persons import Keys
from ledger.log.sections import KeysBackup, LogBackup
from ledger.log.store import BadLedgerName, LedgerHere, LedgerTaken, Store
from ledger.log.verify import verify
from ledger.log.wrapping import KeyDamaged, OtherMasterKey
from ledger.settings import Settings, open_ledger, sqlite_path
from ledger.writing.genesis import keys_of
from tests.support import tamper
from tests.support.envelopes import CONTEXT, entry, first, write
from tests.support.jars import HANDLERS, adding
from tests.support.logs import add_jars, open_log, settings_in
from tests.support.thorough import THOROUGH


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a ledger of 300 jars and its two backups."""
    folder = tmp_path / "source"
    opened = open_log(settings_in(folder))
    add_jars(opened, 1, 300)
    backup.backup_log(opened.store, "main", folder / "log.gz")
    keys_backup.backup_keys(opened.keys, folder / "keys.gz")
    opened.close()
    return folder


def elsewhere(source: Path, tmp_path: Path) -> Settings:
    """Settings for a new place that has the old master key."""
    return Settings.from_environment({
        "LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/new/log.db",
        "LEDGER_MASTER_KEY_FILE": str(source / "log.master.key"),
    })


def test_restore__accepted(source: Path, tmp_path: Path) -> None:
    new = elsewhere(source, tmp_path)
    store, keys = new.open_store(), new.open_keys()
    backup.restore_log(store, source / "log.gz")
    keys_backup.restore_keys(keys, source / "keys.gz")
    old = settings_in(source).open_store()
    assert store.read("main", limit=1000) == old.read("main", limit=1000)
    assert store.head("main") == old.head("main")
    assert store.known("main") == old.known("main")
    assert store.read("main.access") == old.read("main.access")
    assert store.known("main.access") == old.known("main.access")
    assert verify(store, "main").ok
    for one in (store, keys, old):
        one.close()
    opened = open_log(new)
    add_jars(opened, 1000, 1)
    assert opened.ledger.head().position == 303  # with the event that says where it goes on
    opened.close()


def test_restore__rejected_when_the_ledger_is_there(source: Path) -> None:
    store = settings_in(source).open_store()
    for name in (None, "other"):  # it is the same ledger, whatever it is called
        with pytest.raises(LedgerHere, match="called 'main'"):
            backup.restore_log(store, source / "log.gz", name=name)
    store.close()


def test_restore__rejected_when_another_ledger_has_the_name(source: Path, tmp_path: Path) -> None:
    """R-LDG-03, and the message says what to do."""
    new = elsewhere(source, tmp_path)
    open_log(new).close()
    store = new.open_store()
    with pytest.raises(LedgerTaken, match="--name") as refused:
        backup.restore_log(store, source / "log.gz")
    assert not isinstance(refused.value, LedgerHere)
    assert list(backup.restore_log(store, source / "log.gz", name="other")) == [
        "other", "other.access"]
    store.close()


def test_restore__rejected_when_it_is_the_other_kind_of_backup(source: Path) -> None:
    """R-BAK-06, R-BAK-07: `--keys` is missing, or one too many."""
    opened = open_log(settings_in(source))
    with pytest.raises(KeysBackup, match="--keys"):
        backup.restore_log(opened.store, source / "keys.gz")
    with pytest.raises(LogBackup, match="--keys"):
        keys_backup.restore_keys(opened.keys, source / "log.gz")
    opened.close()


def test_restore__accepted_under_another_name(source: Path, tmp_path: Path) -> None:
    """It stays the same ledger, whose keys open: the name is of this database only."""
    new = elsewhere(source, tmp_path)
    store, keys = new.open_store(), new.open_keys()
    backup.restore_log(store, source / "log.gz", name="second")
    keys_backup.restore_keys(keys, source / "keys.gz")
    assert store.ledgers() == ["second", "second.access"]
    assert verify(store, "second").ok
    for one in (store, keys):
        one.close()
    opened = open_ledger(new, name="second", handlers=HANDLERS)
    opened.ledger.handle(adding(1), CONTEXT)
    opened.close()


@pytest.mark.parametrize("column", ["once", "command_id"])
def test_restore__rejected_when_something_stands_in_it_twice(
    store: Store, tmp_path: Path, column: str
) -> None:
    """A file that is whole in itself, of a log whose indexes somebody took off."""
    other = MemoryStore(kinds=ACCOUNT_KINDS)
    write(other, first(), entry(2, once="x"), entry(3))
    backup.backup_log(other, "main", tmp_path / "sound.gz")
    header, one, two, three, _ = lines_of(tmp_path / "sound.gz")
    three[column] = two[column]
    changed = backup._entry(three)
    changed = changed._replace(leaf_hash=leaf_hash(changed))
    root = merkle.root_of([*(base64.b64decode(line["leaf_hash"]) for line in (one, two)),
                           changed.leaf_hash])
    path = rewritten(tmp_path / "sound.gz", [
        header, one, two, backup._plain(changed), {"events": 3, "root": root.hex()}])
    what = {"once": "once value", "command_id": "command"}[column]
    with pytest.raises(backup.BadBackup, match=f"the same {what} twice"):
        backup.restore_log(store, path)
    assert store.ledgers() == []


def emptied(line: bytes) -> bytes:
    """A line whose payload has passed into its salt, byte by byte."""
    values = json.loads(line)
    whole = base64.b64decode(values["salt"]) + base64.b64decode(values["payload"])
    return json.dumps({**values, "salt": base64.b64encode(whole).decode(), "payload": ""}
                      ).encode() + b"\n"


@pytest.mark.parametrize("damage", ["flip", "cut", "drop_line", "not_gzip", "empty_payload"])
def test_restore__rejected_when_the_file_is_damaged(
    source: Path, tmp_path: Path, damage: str
) -> None:
    lines = gzip.decompress((source / "log.gz").read_bytes()).splitlines(keepends=True)
    if damage == "flip":
        lines[200] = lines[200].replace(b'"jar.opened.v1"', b'"jar.opened.v2"')
    elif damage == "empty_payload":
        lines[200] = emptied(lines[200])
    elif damage == "drop_line":
        del lines[200]
    elif damage == "cut":
        lines = lines[:-1]
    content = b"no gzip" if damage == "not_gzip" else gzip.compress(b"".join(lines))
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(content)
    store = elsewhere(source, tmp_path).open_store()
    with pytest.raises(backup.BadBackup):
        backup.restore_log(store, damaged)
    assert store.head("main").position == 0
    assert store.read("main") == []
    store.close()


def test_backup__rejected_when_the_file_exists(source: Path) -> None:
    store = settings_in(source).open_store()
    with pytest.raises(FileExists):
        backup.backup_log(store, "main", source / "log.gz")
    store.close()


def test_backups__at_once_under_one_name_leave_the_first_one_whole(
    store: Store, keys: Keys, ledger: Ledger, tmp_path: Path
) -> None:
    """Another one begins while one runs, and ends after it or before it: what was reported is in
    the file, and the second is refused."""
    log, late = tmp_path / "log.gz", tmp_path / "keys.gz"
    with pytest.raises(FileExists), ExitStack() as other:
        def begin(done: int, of: int) -> None:
            other.enter_context(new_file(log)).write(b"another")

        backup.backup_log(store, "main", log, begin)
    assert lines_of(log)[-1]["root"] == store.head("main.access").root.hex()
    with pytest.raises(FileExists), new_file(late) as slow:
        slow.write(b"another")
        count = keys_backup.backup_keys(keys, late)
    assert lines_of(late)[-1] == {"keys": count.keys}
    assert not list(tmp_path.glob("*.partial"))


def test_restore_keys__rejected_when_the_master_key_is_another(
    source: Path, tmp_path: Path
) -> None:
    other = Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/new/log.db"})
    keys = other.open_keys()
    with pytest.raises(OtherMasterKey, match="rotate-master"):
        keys_backup.restore_keys(keys, source / "keys.gz")
    keys.close()


def test_open__rejected_when_the_log_is_restored_without_its_keys(
    source: Path, tmp_path: Path
) -> None:
    new = elsewhere(source, tmp_path)
    store = new.open_store()
    backup.restore_log(store, source / "log.gz")
    store.close()
    with pytest.raises(MissingKeys, match="new"):
        open_log(new)


def test_backup__holds_no_key_and_no_plain_personal_value(source: Path) -> None:
    content = gzip.decompress((source / "log.gz").read_bytes())
    assert "某人".encode() not in content
    keys = gzip.decompress((source / "keys.gz").read_bytes())
    assert b"jar.opened" not in keys
    assert (source / "log.master.key").read_bytes() not in keys


ODD: list[Any] = [None, True, -1, 0, 2**63, 2**70, 1e300, float("nan"), "", "[", "\ud800", "\0",
                  "AA", "==", [], ["main"], {}, {"a": 1}]
"""Values that a field of a backup does not have."""

STEP = 1 if THOROUGH else 3


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def rewritten(path: Path, lines: list[Any]) -> Path:
    made = path.with_name("odd.gz")
    made.write_bytes(gzip.compress(b"".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
        for line in lines)))
    return made


@pytest.mark.parametrize("number", [0, 1, -1], ids=["first", "event", "closing"])
def test_restore__rejected_with_a_sentence_whatever_a_field_holds(
    source: Path, tmp_path: Path, number: int
) -> None:
    store = elsewhere(source, tmp_path).open_store()
    lines = lines_of(source / "log.gz")
    for at, (name, value) in enumerate(lines[number].items()):
        for odd in ODD[at % STEP::STEP]:
            if odd == value and type(odd) is type(value):
                continue
            changed = [*lines]
            changed[number] = {**lines[number], name: odd}
            with pytest.raises(backup.BadBackup):
                backup.restore_log(store, rewritten(source / "log.gz", changed))
        less = {key: kept for key, kept in lines[number].items() if key != name}
        changed = [*lines]
        changed[number] = less
        with pytest.raises(backup.BadBackup):
            backup.restore_log(store, rewritten(source / "log.gz", changed))
    assert store.read("main") == []
    store.close()


@pytest.mark.parametrize("line", [b"[]\n", b"7\n", b"null\n", b"[" * 100_000 + b"\n", b"\xff\n",
                                  b"1" * 5000 + b"\n", b"\n", b"{}\n"])
@pytest.mark.parametrize("number", [0, 1, -1])
def test_restore__rejected_with_a_sentence_whatever_a_line_is(
    source: Path, tmp_path: Path, number: int, line: bytes
) -> None:
    new = elsewhere(source, tmp_path)
    for name, restore, one in (("log.gz", backup.restore_log, new.open_store()),
                               ("keys.gz", keys_backup.restore_keys, new.open_keys())):
        lines: list[Any] = list(lines_of(source / name))
        lines[number] = line
        with pytest.raises(LedgerError):
            restore(one, rewritten(source / name, lines))  # type: ignore[operator]
        one.close()


@pytest.mark.parametrize("name", ["log.gz", "keys.gz"])
def test_restore__rejected_with_a_sentence_wherever_a_byte_of_the_file_is_changed(
    source: Path, tmp_path: Path, name: str
) -> None:
    content = (source / name).read_bytes()
    new = elsewhere(source, tmp_path)
    store, keys = new.open_store(), new.open_keys()
    damaged = source / "odd.gz"
    start = content.index(b"\0", 10) + 1  # before it stands only the name that the file had
    for at in range(start, len(content), len(content) // 60):
        damaged.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1:])
        with pytest.raises(LedgerError):
            if name == "log.gz":
                backup.restore_log(store, damaged)
            else:
                keys_backup.restore_keys(keys, damaged)
    store.close()
    keys.close()


def test_restore_keys__mends_what_is_damaged_and_names_what_is_damaged_itself(
    source: Path, tmp_path: Path
) -> None:
    """R-BAK-01, R-KEY-12"""
    settings = settings_in(source)
    keys = settings.open_keys()
    with keys.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE persons SET wrapped = zeroblob(92)")
    assert keys_backup.backup_keys(keys, tmp_path / "less.gz") == (2, 1)
    own = keys_of(settings.open_store(), keys, "main")
    with pytest.raises(KeyDamaged):
        own.find(["owner:某人"])
    assert keys_backup.restore_keys(keys, source / "keys.gz") == (3, 0)
    assert len(own.find(["owner:某人"])) == 1
    lines = lines_of(source / "keys.gz")
    broken = {**lines[3], "wrapped": base64.b64encode(bytes(92)).decode()}
    with pytest.raises(LedgerError, match="line 4: its key does not open"):
        keys_backup.restore_keys(keys, rewritten(
            source / "keys.gz", [*lines[:3], broken, *lines[4:]]))
    keys.close()


def test_restore_keys__takes_nobody_who_was_erased(source: Path) -> None:
    """R-KEY-09: they are counted."""
    settings = settings_in(source)
    keys = settings.open_keys()
    own = keys_of(settings.open_store(), keys, "main")
    (person,) = own.find(["owner:某人"]).values()
    own.destroy({person.id: 3})
    assert keys_backup.restore_keys(keys, source / "keys.gz") == (3, 1)
    assert own.find(["owner:某人"]) == {}
    assert own.is_erased(person.id)
    keys.close()


def test_restore_keys__makes_no_master_key(source: Path, tmp_path: Path) -> None:
    """On a new machine the one that the backup needs is asked for."""
    new = elsewhere(source, tmp_path)
    assert new.master_key_file is not None
    new.master_key_file.unlink()
    with pytest.raises(MissingMasterKey):
        new.open_keys(make=False)
    assert not new.master_key_file.exists()


def test_restore_keys__rejected_with_a_sentence_whatever_a_field_holds(
    source: Path, tmp_path: Path
) -> None:
    keys = elsewhere(source, tmp_path).open_keys()
    lines = lines_of(source / "keys.gz")
    for number in (0, 1, 2, 3, -1):
        for at, (name, value) in enumerate(lines[number].items()):
            for odd in ODD[at % STEP::STEP]:
                if odd == value or (name in ("created_at", "lookup", "current")
                                    or (name, odd) == ("logs", [])):
                    continue
                changed = [*lines]
                changed[number] = {**lines[number], name: odd}
                with pytest.raises(LedgerError):
                    keys_backup.restore_keys(keys, rewritten(source / "keys.gz", changed))
    for name, odd in (("created_at", -1), ("created_at", "1"), ("lookup", None), ("lookup", 7)):
        changed = [*lines]
        changed[3] = {**lines[3], name: odd}
        with pytest.raises(backup.BadBackup):
            keys_backup.restore_keys(keys, rewritten(source / "keys.gz", changed))
    keys.close()


@pytest.mark.parametrize("statement", [
    "UPDATE events SET payload = x'00' WHERE position = 7",
    "UPDATE events SET actor = x'00' WHERE position = 7",
    "UPDATE events SET salt = 'text' WHERE position = 7",
    "UPDATE events SET subjects = '[' WHERE position = 7",
    "UPDATE events SET actor = NULL WHERE position = 7",
    "UPDATE events SET actor = CAST(x'ff' AS TEXT) WHERE position = 7",
    "UPDATE events SET position = 7.5 WHERE position = 7",
    "UPDATE events SET recorded_at = 'x' WHERE position = 7",
    "DELETE FROM events WHERE position = 7",
    "UPDATE heads SET frontier = NULL",
    "UPDATE heads SET frontier = x'00'",
    "UPDATE heads SET position = 'x'",
    "UPDATE heads SET position = 299",
    "UPDATE heads SET position = 302",
    "UPDATE heads SET keys_id = 7",
    f"DELETE FROM heads WHERE ledger = {tamper.MAIN}",
    f"DELETE FROM heads WHERE ledger <> {tamper.MAIN}",
    f"UPDATE heads SET position = 0, frontier = x'', recorded_at = 0 WHERE ledger = {tamper.MAIN}",
    f"UPDATE heads SET keys_id = zeroblob(32) WHERE ledger = {tamper.MAIN}",
    f"UPDATE heads SET keys_id = zeroblob(32) WHERE ledger <> {tamper.MAIN}",
    "UPDATE ledgers SET name = 'other' WHERE name = 'main.access'",
    "UPDATE ledgers SET \"of\" = NULL WHERE name = 'main.access'",
    "UPDATE ledgers SET \"of\" = zeroblob(16) WHERE name = 'main.access'",
    "UPDATE ledgers SET \"of\" = zeroblob(16) WHERE name = 'main'",
])
def test_backup__rejected_when_nothing_could_be_restored_from_it(
    source: Path, statement: str
) -> None:
    tamper.intrude(settings_in(source), statement)
    store = settings_in(source).open_store()
    with pytest.raises(LedgerError) as raised:
        backup.backup_log(store, "main", source / "second.gz")
    assert raised.value.code in ("unsound_log", "storage_failed")
    assert not (source / "second.gz").exists()
    store.close()


def test_backup__rejected_of_a_head_wound_back_to_what_it_truly_was(
    source: Path, tmp_path: Path
) -> None:
    store = settings_in(source).open_store()
    entries = store.read("main", limit=1000)
    for kept in (entries[:1], entries[:256], entries[:-1]):
        tamper.intrude(
            settings_in(source), "UPDATE heads SET position = ?, recorded_at = ?, frontier = ?"
            f" WHERE ledger = {tamper.MAIN}", len(kept), kept[-1].recorded_at,
            merkle.grown(b"", 0, [one.leaf_hash for one in kept]))
        with pytest.raises(backup.UnsoundLog, match=f"position {len(kept) + 1}, it lies beyond"):
            backup.backup_log(store, "main", tmp_path / "log.gz")
    assert not list(tmp_path.glob("*.gz*"))
    store.close()


@pytest.mark.parametrize("change", [{"version": 3}, {"stream": "s:" + "x" * 5000}])
def test_backup__rejected_of_an_event_that_no_database_would_take(
    source: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    """Its hashes and the tree fit, and only the database's own checks speak against it."""
    path = sqlite_path(settings_in(source).database_url)
    connection = sqlite.driver().connect(str(path), isolation_level=None)
    tamper.unguard(connection)
    tamper.lay_again(connection, 7, **change)
    connection.close()
    store = settings_in(source).open_store()
    with pytest.raises(backup.UnsoundLog, match="version 3 of|no database would store it"):
        backup.backup_log(store, "main", tmp_path / "log.gz")
    store.close()


def test_restore__rejected_when_the_first_line_says_of_a_ledger_what_its_log_does_not(
    source: Path, tmp_path: Path
) -> None:
    """No hash covers the names, and which ledger belongs to which: the openings say it, too."""
    store = elsewhere(source, tmp_path).open_store()
    lines = lines_of(source / "log.gz")
    own, access = lines[0]["ledgers"]
    odd = [*ODD, "ab" * 16, "ab" * 32, "main.access", own["id"], access["id"]]
    for which, said in enumerate((own, access)):
        for at, name in enumerate(said):
            for value in odd[at % STEP::STEP]:
                free = name == "name" and which == 0 and value == "AA"
                if value == said[name] or (name, value) == ("keys_id", None) or free:
                    continue
                changed = json.loads(json.dumps(lines))
                changed[0]["ledgers"][which][name] = value
                with pytest.raises(backup.BadBackup):
                    backup.restore_log(store, rewritten(source / "log.gz", changed))
    for ledgers in ([access, own], [own, own], [own, access, access], [access], [own]):
        changed = [{**lines[0], "ledgers": ledgers}, *lines[1:]]
        with pytest.raises(backup.BadBackup):
            backup.restore_log(store, rewritten(source / "log.gz", changed))
    assert store.ledgers() == []
    store.close()


def test_backup__rejected_without_what_belongs_to_it(source: Path, tmp_path: Path) -> None:
    """A ledger and that of its keys and readings are saved and restored together, or not at all."""
    old = settings_in(source).open_store()
    with pytest.raises(BadLedgerName):
        backup.backup_log(old, "main.access", tmp_path / "access.gz")
    old.close()
    tamper.intrude(settings_in(source), "DELETE FROM heads WHERE ledger <> "
                   "(SELECT id FROM ledgers WHERE name = 'main')")
    tamper.intrude(settings_in(source), "DELETE FROM ledgers WHERE name = 'main.access'")
    old = settings_in(source).open_store()
    with pytest.raises(backup.UnsoundLog, match="which is not here"):
        backup.backup_log(old, "main", tmp_path / "log.gz")
    old.close()


def test_restore__rejected_without_what_belongs_to_it(source: Path) -> None:
    """Cut off with its header and closing line, so that the rest is whole by itself."""
    lines = lines_of(source / "log.gz")
    own, access = lines[0]["ledgers"]
    events = own["events"] + 2
    for ledgers, kept, missing in (([own], lines[1:events], access["id"]),
                                   ([access], lines[events:], own["id"])):
        store = MemoryStore(kinds=ACCOUNT_KINDS)
        with pytest.raises(backup.BadBackup, match=missing):
            backup.restore_log(store, rewritten(
                source / "log.gz", [{**lines[0], "ledgers": ledgers}, *kept]))
        assert store.ledgers() == []


def test_restore__says_in_words_which_columns_a_line_lacks(source: Path) -> None:
    lines = lines_of(source / "log.gz")
    for change, why in (({"more": 1}, "besides, more"), ({"salt": 5}, "in base64: salt")):
        changed = [lines[0], {**lines[1], **change}, *lines[2:]]
        with pytest.raises(backup.BadBackup, match=why):
            backup.restore_log(MemoryStore(kinds=ACCOUNT_KINDS),
                               rewritten(source / "log.gz", changed))


def test_restore__rejected_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(backup.BadBackup, match="not a regular file"):
        backup.restore_log(MemoryStore(kinds=ACCOUNT_KINDS), tmp_path / "pipe")
