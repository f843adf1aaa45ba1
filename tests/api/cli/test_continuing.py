"""Who restores a ledger, or gives up its keys, is on record, by a pseudonym and with a reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from api.cli.commands import COMMANDS
from ledger.log.milestones import Continued
from ledger.settings import Settings, default_actor, open_ledger
from tests.support.builders import CONTEXT, place

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
