"""Ledgers of all releases since 0.1.0 are opened, verified, read, written to, backed up and
restored by this version: what a shop has recorded stays usable for ever.

`tests/data/releases` holds a ledger as each release stored it, with its backups and with what it
answered. How one is made: `tests/support/releases.py`. A ledger from before them is refused:
`test_history.py`.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger import __version__
from ledger.settings import Settings
from tests.conftest import durable
from tests.support.bodies import order
from tests.support.releases import (
    FILES,
    FOLDER,
    REPEATED,
    answers,
    ledger_command,
    settings_of,
    unpack,
)
from tests.support.web import Web

RELEASES = sorted(path.name for path in FOLDER.iterdir())
MASTER = "ledger.master.key"


class Release:
    """The files of a release, unpacked, and what it answered."""

    def __init__(self, name: str, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.said = folder, unpack(FOLDER / name, folder)
        self.settings = settings_of(folder)


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Release:
    """Each release in turn."""
    return Release(request.param, tmp_path / "release")


@contextmanager
def served(settings: Settings, said: dict[str, Any]) -> Iterator[Web]:
    """A ledger with the keys of the API that it had."""
    web = Web(settings)
    web.tokens = {(role, "main"): token for role, token in said["tokens"].items()}
    try:
        yield web
    finally:
        web.close()


def run(settings: Settings, name: str, *arguments: str) -> str:
    """What a command prints; it must succeed."""
    done = ledger_command(settings, name, *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def must_hold(found: Any, recorded: Any, where: str = "") -> None:
    """An answer says all that was recorded; what a later version adds does not matter."""
    if isinstance(recorded, dict):
        for name, value in recorded.items():
            must_hold(found[name], value, f"{where}/{name}")
    elif isinstance(recorded, list):
        assert len(found) == len(recorded), where
        for number, (one, value) in enumerate(zip(found, recorded, strict=True)):
            must_hold(one, value, f"{where}/{number}")
    else:
        assert found == recorded, where


def must_answer(settings: Settings, said: dict[str, Any]) -> None:
    """The ledger answers what it answered, opened texts included, and goes on."""
    with served(settings, said) as web:
        must_hold(answers(web, said["position"]), said["answers"])
        again = web.post(REPEATED["path"], REPEATED["body"], REPEATED["role"],
                         key=REPEATED["key"])
        assert again.status_code == 200, again.text  # nothing new
        must_hold({**(again.json or {}), "position": None}, {**said["receipt"], "position": None})
        web.done("/v1/orders", order("new", account="买书的人"), "service", key="afterwards")
        must_hold(answers(web, said["position"]), said["answers"])


def test_releases__hold_this_one() -> None:
    assert __version__ in RELEASES, "run `python -m tests.support.releases`"


def test_release__opens_texts_and_is_noted(release: Release) -> None:
    """What is recorded is worth comparing: it holds opened and masked texts, and every kind."""
    text = str(release.said["answers"])
    assert all(word in text for word in ("改地址", "要发票", "‹personal›", "command.refused.v1"))
    assert all(release.said["answers"].values())


def test_release__is_verified_read_and_written_to(release: Release) -> None:
    log = release.folder / "ledger.db"
    heads = release.said["heads"]
    stored = log.read_bytes()
    assert heads["main"] in run(release.settings, "verify", str(log), "--expect", heads["main"])
    assert log.read_bytes() == stored
    run(release.settings, "upgrade")
    run(release.settings, "rebuild")
    run(release.settings, "verify", "--keys")
    must_answer(release.settings, release.said)
    run(release.settings, "verify", "--expect", heads["main"])
    run(release.settings, "verify", "--keys")


@durable
@pytest.mark.parametrize("backed_up_by", ["that release", "this version"])
def test_release__is_restored(
    release: Release, settings: Settings, tmp_path: Path, backed_up_by: str
) -> None:
    """Into a new database of either kind, from the backups of then and of now."""
    files = {True: release.folder / "keys.backup", False: release.folder / "log.backup"}
    if backed_up_by == "this version":
        run(release.settings, "upgrade")
        for keys, path in files.items():
            path.unlink()
            run(release.settings, "backup", *(["--keys"] if keys else []), str(path))
    assert settings.master_key_file is not None
    shutil.copy(release.folder / MASTER, settings.master_key_file)
    settings.master_key_file.chmod(0o600)
    run(settings, "restore", "--keys", str(files[True]))
    run(settings, "restore", "--actor", "member:keeper", "--reason", "a new machine",
        str(files[False]))
    must_answer(settings, release.said)
    run(settings, "verify", "--expect", release.said["heads"]["main"])
    run(settings, "verify", "--keys")


def test_release__is_made_of_the_files_that_are_told(release: Release) -> None:
    for name in RELEASES:
        assert sorted(path.name for path in (FOLDER / name).iterdir()) == sorted(
            ["answers.json", *(f"{file}.xz" for file in FILES)])
