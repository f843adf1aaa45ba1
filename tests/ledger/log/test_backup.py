"""Backups: whole and provable, log and keys apart, restored all or nothing."""

import base64
import gzip
import json
from pathlib import Path

import pytest

from ledger.log import backup
from ledger.log.persons import WrongKeys, WrongMasterKey
from ledger.log.verify import verify
from ledger.settings import Settings
from tests.support.logs import add_jars, open_log, settings_in


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a ledger of 300 jars and its two backups."""
    folder = tmp_path / "source"
    opened = open_log(settings_in(folder))
    add_jars(opened, 1, 300)
    backup.backup_log(opened.store, "main", folder / "log.gz")
    backup.backup_keys(opened.keys, folder / "keys.gz")
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
    backup.restore_keys(keys, source / "keys.gz")
    old = settings_in(source).open_store()
    assert store.read("main", limit=1000) == old.read("main", limit=1000)
    assert store.head("main") == old.head("main")
    assert verify(store, "main").ok
    for one in (store, keys, old):
        one.close()
    opened = open_log(new)
    add_jars(opened, 1000, 1)
    assert opened.ledger.head().position == 301
    opened.close()


def test_restore__rejected_when_the_ledger_has_events(source: Path) -> None:
    store = settings_in(source).open_store()
    with pytest.raises(backup.NotEmpty):
        backup.restore_log(store, source / "log.gz")
    store.close()


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
    with pytest.raises(backup.FileExists):
        backup.backup_log(store, "main", source / "log.gz")
    store.close()


def test_restore_keys__rejected_when_the_master_key_is_another(
    source: Path, tmp_path: Path
) -> None:
    other = Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/new/log.db"})
    keys = other.open_keys()
    with pytest.raises(WrongMasterKey):
        backup.restore_keys(keys, source / "keys.gz")
    keys.close()


def test_open__rejected_when_the_log_is_restored_without_its_keys(
    source: Path, tmp_path: Path
) -> None:
    new = elsewhere(source, tmp_path)
    store = new.open_store()
    backup.restore_log(store, source / "log.gz")
    store.close()
    with pytest.raises(WrongKeys):
        open_log(new)


def test_backup__holds_no_key_and_no_plain_personal_value(source: Path) -> None:
    content = gzip.decompress((source / "log.gz").read_bytes())
    assert "某人".encode() not in content
    keys = gzip.decompress((source / "keys.gz").read_bytes())
    assert b"jar.opened" not in keys
    assert (source / "log.master.key").read_bytes() not in keys
