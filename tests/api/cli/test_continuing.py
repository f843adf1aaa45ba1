"""Who restores a ledger, or gives up its keys, is on record, by a pseudonym and with a reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from api.cli.commands import COMMANDS
from ledger.application import default_actor
from ledger.log.milestones import Continued
from ledger.settings import Settings, open_ledger
from tests.support.builders import CONTEXT, place
from tests.support.erased import erase

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`ledger NAME …` on a ledger with one order, of which there are backups."""
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/shop.db")
    opened = open_ledger()
    opened.ledger.handle(place(1, account="某账号"), CONTEXT)
    opened.close()
    commands = {command.name: command for command in COMMANDS}

    def invoke(name: str, *arguments: object) -> Result:
        return CliRunner().invoke(commands[name], [str(a) for a in arguments])

    assert invoke("backup", tmp_path / "log.gz").exit_code == 0
    assert invoke("backup", "--keys", tmp_path / "keys.gz").exit_code == 0
    return invoke


def last(name: str = "main") -> tuple[Any, Continued]:
    """The last event of a ledger, and what it says of the log."""
    store = Settings.from_environment().open_store()
    entry = store.read(name)[-1]
    store.close()
    return entry, msgspec.json.decode(entry.payload, type=Continued)


def test_restore__names_who_and_why(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-BAK-05: by the pseudonym of the login, as everywhere; without keys there is none."""
    opened = open_ledger()
    pseudonym = default_actor(opened.ledger)
    opened.close()
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/other/shop.db")
    monkeypatch.setenv("LEDGER_MASTER_KEY_FILE", str(tmp_path / "shop.master.key"))
    refused = run("restore", tmp_path / "log.gz", "--reason", "the disk broke")
    assert (refused.exit_code, "R-BAK-05" in refused.stderr) == (1, True)
    assert not (tmp_path / "other").exists()
    monkeypatch.setenv("LEDGER_KEYS_URL", f"sqlite:///{tmp_path}/empty.keys.db")
    Settings.from_environment().open_keys().close()
    refused = run("restore", tmp_path / "log.gz", "--reason", "the disk broke")
    assert (refused.exit_code, "R-BAK-05" in refused.stderr) == (1, True)
    done = run("restore", tmp_path / "log.gz", "--reason", "a copy", "--name", "copy", "--actor",
               "member:7f3a", "--json")
    assert done.exit_code == 0, done.output
    assert [(row["ledger"], row["events"]) for row in json.loads(done.stdout)] == [
        ("copy", 3), ("copy.access", 2)]
    for name in ("copy", "copy.access"):
        entry, said = last(name)
        assert said.restored is not None
        assert (entry.actor, said.restored.by, said.restored.reason) == (
            "member:7f3a", "member:7f3a", "a copy")
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/third/shop.db")
    monkeypatch.delenv("LEDGER_KEYS_URL")
    assert run("restore", "--keys", tmp_path / "keys.gz").exit_code == 0
    assert run("restore", tmp_path / "log.gz", "--reason", "the disk broke").exit_code == 0
    assert last()[0].actor == pseudonym
    assert run("verify").exit_code == 0


def test_give_up_keys__lets_a_ledger_go_on(run: Run, tmp_path: Path) -> None:
    """R-KEY-05 until then; the order can be read, and of its buyer nothing."""
    for name in ("shop.keys.db", "shop.master.key"):
        (tmp_path / name).unlink()
    refused = run("close-log")
    assert (refused.exit_code, "give-up-keys" in refused.stderr) == (1, True)
    assert run("backup", tmp_path / "before.gz").exit_code == 0
    done = run("give-up-keys", "--actor", "member:7f3a", "--reason", "the disk broke", "--json")
    assert done.exit_code == 0, done.output
    for name in ("main", "main.access"):
        entry, said = last(name)
        assert said.keys_lost is not None
        assert (entry.actor, said.keys_lost.by, said.keys_lost.reason) == (
            "member:7f3a", "member:7f3a", "the disk broke")
    assert run("give-up-keys", "--actor", "a:b", "--reason", "again").exit_code == 1
    assert run("close-log").exit_code == 0
    assert run("verify").exit_code == 0
    shown = run("report", "orders", "--json")
    assert shown.exit_code == 0
    assert "某账号" not in shown.stdout


def test_restore_keys__asks_for_the_master_key_and_makes_none(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-KEY-01: on a new machine."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/new/shop.db")
    refused = run("restore", "--keys", tmp_path / "keys.gz")
    assert (refused.exit_code, "R-KEY-01" in refused.stderr) == (1, True)
    assert "keys.gz" in refused.stderr
    master = tmp_path / "new/shop.master.key"
    assert not master.parent.exists()
    for file in ("log.gz", "shop.db"):
        assert run("restore", "--keys", tmp_path / file).exit_code == 1
    assert not master.parent.exists()
    master.parent.mkdir()
    master.write_bytes((tmp_path / "shop.master.key").read_bytes())
    assert run("restore", "--keys", tmp_path / "keys.gz").exit_code == 0


def test_keys__are_not_changed_by_an_older_version(run: Run, tmp_path: Path) -> None:
    """R-LDG-08: once a newer one has written to the ledger whose keys they are."""
    opened = open_ledger()
    opened.ledger._writer.continuing.program = "1000.0.0"
    opened.ledger.handle(place(2), CONTEXT)
    opened.close()
    before = (tmp_path / "shop.master.key").read_bytes()
    for arguments in (["rotate-master"], ["issue", "--owner", "a:b", "--role", "manager"]):
        refused = run("keys", *arguments)
        assert (refused.exit_code, "R-LDG-08" in refused.stderr) == (1, True)
    assert (tmp_path / "shop.master.key").read_bytes() == before


def test_verify__goes_on_after_a_line_that_was_interrupted(run: Run, tmp_path: Path) -> None:
    """R-VFY-06: as soon as a whole line follows it."""
    kept = tmp_path / "kept"
    kept.write_text("2:435e63")
    refused = run("verify", "--expect", f"@{kept}")
    assert (refused.exit_code, f"Line 1 of {kept} is '2:435e63'" in refused.stderr) == (1, True)
    assert run("verify", "--append-to", kept).exit_code == 0
    sound = run("verify", "--expect", f"@{kept}")
    assert (sound.exit_code, f"Line 1 of {kept} was interrupted" in sound.stderr) == (0, True)


def test_log_without_its_keys__is_given_no_empty_keys_database(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-KEY-13: neither by the restore of the log, nor by what is done to keys."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/new/shop.db")
    (tmp_path / "new").mkdir()
    master = (tmp_path / "shop.master.key").read_bytes()
    (tmp_path / "new/shop.master.key").write_bytes(master)
    assert run("restore", tmp_path / "log.gz", "--reason", "a test", "--actor", "a:b"
               ).exit_code == 0
    issue = ["issue", "--owner", "a:b", "--role", "manager"]
    for arguments in (["rotate-master"], ["list"], issue):
        refused = run("keys", *arguments)
        assert (refused.exit_code, "R-KEY-13" in refused.stderr) == (1, True), arguments
    assert not (tmp_path / "new/shop.keys.db").exists()
    assert (tmp_path / "new/shop.master.key").read_bytes() == master


def test_restore__lets_the_keys_follow(run: Run, tmp_path: Path) -> None:
    """Keys that were restored into a ledger whose log says that somebody was erased."""
    opened = open_ledger()
    (person,) = opened.ledger.keys.find(["buyer:taobao:某账号"]).values()
    erase(opened.store, person.id)
    with opened.keys.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM persons")
    keys = opened.ledger.keys
    opened.close()
    found = run("restore", "--keys", tmp_path / "keys.gz", "--json")
    assert json.loads(found.stdout)["erased"] == 0  # nobody had followed
    opened = open_ledger()
    assert opened.ledger.keys.buried() == {person.id: 3}
    assert keys.id == opened.ledger.keys.id
    opened.close()
    assert json.loads(run("restore", "--keys", tmp_path / "keys.gz", "--json").stdout)[
        "erased"] == 1


def test_verify_keys__says_what_became_of_each(run: Run, tmp_path: Path) -> None:
    found = run("verify", "--keys", "--json")
    assert found.exit_code == 0
    none = {"ok": True, "events": 1, "fields": 0, "persons": 0, "erased": 0, "lost": 0,
            "never_backed_up": 0, "problems": []}
    assert json.loads(found.stdout) == {
        **none, "events": 2, "fields": 1, "persons": 1, "access": none}
    rotated = run("verify", "--keys", "--expect", f"1:{bytes(32).hex()}")
    assert rotated.exit_code == 2
    opened = open_ledger()
    with opened.keys.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM persons")
    opened.close()
    lost = run("verify", "--keys")
    assert lost.exit_code == 1
    assert "2: lost, with neither key nor erasure: 1, the first" in lost.stdout
    assert "某账号" not in lost.stdout
    assert lost.stdout.endswith("The ledger of keys and readings has its keys. 1 event\n")


@pytest.mark.parametrize(("sql", "said"), [
    ("DELETE FROM ledger_secrets WHERE ledger = ?", "R-KEY-05"),
    ("UPDATE ledger_secrets SET wrapped = zeroblob(60) WHERE ledger = ?", "R-KEY-12"),
    ("INSERT INTO erased VALUES (?, 'person:x', 1, 1)", "person:x counts as erased")])
def test_verify_keys__looks_at_the_ledger_of_keys_and_readings(
    run: Run, sql: str, said: str
) -> None:
    assert run("verify", "--keys").stdout.endswith("has its keys, too. 1 event\n")
    opened = open_ledger()
    access = opened.store.known("main.access")
    assert access is not None
    with opened.keys.engine.connect() as connection:
        connection.exec_driver_sql(sql, (access.id,))
    opened.close()
    found = run("verify", "--keys")
    assert (found.exit_code, said in found.stdout) == (1, True), found.output
    assert "The ledger of keys and readings lacks keys." in found.stdout
    report = json.loads(run("verify", "--keys", "--json").stdout)
    assert (report["ok"], report["problems"], report["access"]["ok"]) == (False, [], False)
