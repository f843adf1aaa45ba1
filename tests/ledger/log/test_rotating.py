"""Another master key: all keys open, the old one is gone, and a kill at any step does no harm."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.common.personal import Person
from ledger.log.key_rows import Upto
from ledger.log.keys_backup import backup_keys, restore_keys
from ledger.log.master_key import beside
from ledger.log.persons import Keys, LedgerKeys, new_person
from ledger.log.rotating import MasterKeyFixed, rotate
from ledger.log.wrapping import DamagedKeys, KeyDamaged, Master, WrongMasterKey
from ledger.settings import Settings, sqlite_path
from tests.conftest import durable, on_sqlite
from tests.support.children import Child, go_on_with_keys, rotate_and_die
from tests.support.envelopes import known
from tests.support.logs import settings_in

STEPS = ["_keep_old", "note_next", "_write_new", "wrap_anew", "_put_in_place", "_destroy",
         "replace", "unlink", "fchmod"]


@pytest.fixture
def kept(settings: Settings) -> Settings:
    """Settings with the keys in a database of the same kind as the log's."""
    return replace(settings, keys_url=settings.admin_url or settings.keys_url)


def people(own: LedgerKeys, count: int) -> dict[str, Person]:
    made = {f"buyer:{number}": new_person() for number in range(count)}
    own.make(made, 0)
    return made


def file_of(settings: Settings) -> Path:
    assert settings.master_key_file is not None
    return settings.master_key_file


def files(settings: Settings) -> list[str]:
    return sorted(name for name in os.listdir(file_of(settings).parent) if "master" in name)


@durable
def test_rotate__wraps_all_keys_of_all_ledgers(kept: Settings, tmp_path: Path) -> None:
    """R-KEY-11: and nothing opens any more with the old one: neither a file nor a backup."""
    keys, file = kept.open_keys(), file_of(kept)
    held = {name: people(keys.of(known(name), keys_id=None), 600) for name in ("main", "other")}
    backup_keys(keys, tmp_path / "old.gz")
    was, mode = file.read_bytes(), file.stat().st_mode
    assert rotate(keys) == (1202, 0)
    assert file.read_bytes() != was
    assert file.stat().st_mode == mode
    assert files(kept) == [file.name]
    again = kept.open_keys()
    for reader in (keys, again):
        for name, some in held.items():
            own = reader.of(known(name), keys_id=None)
            own.forget_opened()
            assert own.find(list(some)) == some
    with pytest.raises(WrongMasterKey):
        restore_keys(keys, tmp_path / "old.gz")
    file.write_bytes(was)
    with pytest.raises(WrongMasterKey):
        kept.open_keys()
    for one in (keys, again):
        one.close()


@durable
def test_rotate__is_met_by_who_has_the_old_one_in_memory(kept: Settings) -> None:
    """It reads and adds keys, and one that it has wrapped with the old one is in no row."""
    keys = kept.open_keys()
    own = keys.of(known(), keys_id=None)
    held = people(own, 3)
    other = kept.open_keys()
    reader = other.of(known(), keys_id=None)
    for _ in range(2):
        rotate(keys)
        assert reader.by_id(held["buyer:1"].id) == held["buyer:1"]
        reader.forget_opened()
        rotate(keys)
        new = new_person()
        reader.make({"buyer:new": new}, 1)
        own.forget_opened()
        assert own.find(["buyer:new", "buyer:2"]) == {"buyer:new": new,
                                                      "buyer:2": held["buyer:2"]}
        reader.destroy({new.id: 1})
        own.forget_opened()
    for one in (keys, other):
        one.close()


@durable
def test_rotate__lets_running_processes_go_on(kept: Settings) -> None:
    children = [Child(go_on_with_keys, kept, name) for name in ("张", "李")]
    for child in children:
        assert child.hear() == "ready"
    keys = kept.open_keys()
    seen = number = 0
    for _ in range(3):
        for child in children:
            number += 1
            child.say(number)
        rotate(keys)
        for child in children:
            found = child.hear()
            assert None not in found
            seen = max(seen, len(found))
    for child in children:
        child.say(None)
        assert child.end() == 0
    assert seen == number
    keys.close()


@durable
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_rotate__heals_when_it_was_killed(kept: Settings, step: str, after: bool) -> None:
    keys = kept.open_keys()
    own = keys.of(known(), keys_id=None)
    held = people(own, 3)
    was = file_of(kept).read_bytes()
    child = Child(rotate_and_die, kept, step, after)
    assert child.end() == -signal.SIGKILL
    own.forget_opened()
    assert own.find(list(held)) == held  # who was running goes on
    again = kept.open_keys()
    assert files(kept) == [file_of(kept).name]
    assert again.of(known(), keys_id=None).find(list(held)) == held
    done = step in ("_put_in_place", "_destroy", "replace") or (step, after) in {
        ("wrap_anew", True), ("unlink", False), ("unlink", True)}
    assert done or file_of(kept).read_bytes() == was
    rotate(again)
    assert own.by_id(held["buyer:1"].id) == held["buyer:1"]
    for one in (keys, again):
        one.close()


@on_sqlite
def test_rotate__rejected_where_the_file_cannot_be_changed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-KEY-11: before anything is done."""
    keys, file = settings.open_keys(), file_of(settings)
    keys.of(known(), keys_id=None)
    was = file.read_bytes()
    with monkeypatch.context() as other:
        other.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
        with pytest.raises(MasterKeyFixed, match="another user"):
            rotate(keys)

    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as other:
        other.setattr(os, "link", read_only)
        with pytest.raises(MasterKeyFixed, match="Read-only file system"):
            rotate(keys)
    beside(file, "new").write_bytes(bytes(32))
    with pytest.raises(MasterKeyFixed, match="another keys database"):
        rotate(keys)
    assert beside(file, "new").read_bytes() == bytes(32)
    beside(file, "new").unlink()
    assert file.read_bytes() == was
    assert files(settings) == [file.name]
    rotate(keys)
    keys.close()
    was = file.read_bytes()
    file.write_bytes(bytes(32))
    keys = Keys(settings._keys_engine(), was, named="", key_file=file)
    with pytest.raises(WrongMasterKey):
        rotate(keys)
    assert (file.read_bytes(), files(settings)) == (bytes(32), [file.name])
    keys.close()
    memory = Settings(database_url="memory:", keys_url="memory:", master_key_file=None).open_keys()
    with pytest.raises(MasterKeyFixed):
        rotate(memory)


@durable
def test_pending__is_what_an_erasure_waits_for(kept: Settings) -> None:
    keys = kept.open_keys()
    own = keys.of(known(), keys_id=None)
    one, two = people(own, 2).values()
    assert own.pending() == []
    assert own.pending(7) == ["keys"]
    own.destroy({one.id: 7}, Upto(8, bytes(32)))
    assert own.pending() == own.pending(7) == ["master"]
    assert own.pending(8) == []  # nobody had a key
    assert own.pending(9) == ["keys"]
    rotate(keys)
    assert own.pending() == own.pending(7) == []
    own.destroy({two.id: 9})
    assert own.pending(9) == own.pending() == ["master"]
    assert own.pending(7) == []
    beside(file_of(kept), "old").write_bytes(bytes(31))
    assert own.pending(7) == ["old_master"]
    keys.close()


@on_sqlite
def test_rotate__follows_a_link_to_the_file(settings: Settings, tmp_path: Path) -> None:
    keys, file = settings.open_keys(), file_of(settings)
    held = people(keys.of(known(), keys_id=None), 1)
    keys.close()
    (tmp_path / "elsewhere").mkdir()
    os.rename(file, tmp_path / "elsewhere/key")
    file.symlink_to(tmp_path / "elsewhere/key")
    keys = settings.open_keys()
    rotate(keys)
    assert file.is_symlink()
    assert os.listdir(tmp_path / "elsewhere") == ["key"]
    again = settings.open_keys()
    assert again.of(known(), keys_id=None).find(["buyer:0"]) == held
    for one in (keys, again):
        one.close()


@on_sqlite
def test_rotate__rejected_with_damaged_keys_unless_they_are_left(
    settings: Settings, tmp_path: Path
) -> None:
    """R-KEY-16: after it no backup could mend them."""
    keys = settings.open_keys()
    own = keys.of(known(), keys_id=None)
    one, two = people(own, 2).values()
    backup_keys(keys, tmp_path / "whole.gz")
    with keys.engine.connect() as connection:
        connection.exec_driver_sql(
            "UPDATE persons SET wrapped = zeroblob(92) WHERE person = ?", (one.id,))
    before = file_of(settings).read_bytes()
    with pytest.raises(DamagedKeys, match="1 key"):
        rotate(keys)
    assert (file_of(settings).read_bytes(), files(settings)) == (before, [file_of(settings).name])
    assert rotate(keys, leave_damaged=True) == (2, 1)
    assert own.by_id(two.id) == two
    with pytest.raises(KeyDamaged):
        own.by_id(one.id)
    with keys.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE ledger_secrets SET wrapped = zeroblob(60)")
    with pytest.raises(DamagedKeys, match="2 key"):
        rotate(keys, leave_damaged=True)
    keys.close()


@durable
def test_rotate__goes_on_once_a_backup_has_mended_what_was_damaged(
    kept: Settings, tmp_path: Path
) -> None:
    """Also where somebody came meanwhile under the lookup that the damaged row had lost."""
    keys = kept.open_keys()
    own = keys.of(known(), keys_id=None)
    (one,) = people(own, 1).values()
    backup_keys(keys, tmp_path / "whole.gz")
    with keys.engine.connect() as connection:
        connection.exec_driver_sql(keys.marked("UPDATE persons SET lookup = ?"), (bytes(32),))
    own.forget_opened()
    newer = new_person()
    own.make({"buyer:0": newer}, 1)
    with pytest.raises(DamagedKeys):
        rotate(keys)
    assert restore_keys(keys, tmp_path / "whole.gz") == (2, 0)
    assert rotate(keys) == (3, 0)
    own.forget_opened()
    assert (own.by_id(one.id), own.find(["buyer:0"])) == (one, {"buyer:0": newer})
    assert own.sharing(one.id) == {one.id, newer.id}
    keys.close()


@durable
def test_rotate__changes_lookups_too(kept: Settings, tmp_path: Path) -> None:
    """Whoever has an old backup, the ledger's secret and the new master key tries names in vain."""
    keys = kept.open_keys()
    own = keys.of(known(), keys_id=None)
    names = list(people(own, 3))

    def lookups() -> set[bytes]:
        with keys.engine.connect() as connection:
            return {bytes(row[0]) for row in connection.exec_driver_sql(
                "SELECT lookup FROM persons")}

    def guesses() -> set[bytes]:
        macs = [own.mac("person", name.encode()) for name in names]
        return {*macs, *map(Master(file_of(kept).read_bytes()).lookup, macs)}

    before = lookups()
    assert before <= guesses()
    rotate(keys)
    assert lookups() <= guesses()
    assert not before & guesses()
    keys.close()


@on_sqlite
def test_rotate__leaves_no_byte_of_the_old_key(settings: Settings, tmp_path: Path) -> None:
    keys = settings.open_keys()
    own = keys.of(known(), keys_id=None)
    people(own, 20)
    with keys.engine.connect() as connection:
        old = [bytes(row[0]) for row in connection.exec_driver_sql("SELECT wrapped FROM persons")]
    rotate(keys)
    path = sqlite_path(settings.keys_url)
    assert path is not None
    kept = [one.read_bytes() for one in path.parent.iterdir() if one.name.startswith(path.name)]
    assert not any(wrapped in raw for wrapped in old for raw in kept)
    keys.close()


@pytest.mark.parametrize("wrong", [False, True])
def test_databases_of_before__get_what_they_lack(tmp_path: Path, wrong: bool) -> None:
    """A keys database without the newer tables, with the right master key and with another one."""
    settings = settings_in(tmp_path)
    keys = settings.open_keys()
    held = people(keys.of(known(), keys_id=None), 2)
    with keys.engine.connect() as connection:
        for table in ("master", "erased", "followed", "restored"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    keys.close()
    was = file_of(settings).read_bytes()
    if wrong:
        file_of(settings).write_bytes(bytes(32))
        with pytest.raises(WrongMasterKey):
            settings.open_keys()
        file_of(settings).write_bytes(was)
    again: Keys = settings.open_keys()
    assert again.of(known(), keys_id=None).find(list(held)) == held
    rotate(again)
    again.close()
