"""What is said when a server starts: what is wrong, and commands that work as they are printed."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.commands import serve_command
from api.http import serving
from api.http.starting import command_for, fault_of
from ledger.log.damage import DatabaseDamaged
from ledger.settings import Settings
from tests.conftest import on_sqlite
from tests.support import tamper
from tests.support.serving import Served
from tests.support.web import Web


def test_key__of_the_printed_command_opens_the_served_ledger(tmp_path: Path) -> None:
    """Run as it is, in another folder, by a shell that has no setting of the ledger."""
    served, elsewhere = Served(tmp_path), tmp_path / "else where"
    elsewhere.mkdir()
    served.start()
    try:
        said = (tmp_path / "server.log").read_text("utf-8")
        line = re.search("a key for it +(.+)", said)
        assert line is not None
        bare = {name: value for name, value in os.environ.items()
                if not name.startswith(("LEDGER_", "PYTHONPATH"))}
        done = subprocess.run(line[1], shell=True, cwd=elsewhere, env={**bare, "LANG": "C.UTF-8"},
                              capture_output=True, text=True, check=True)
        token = re.search(r"ol_[0-9a-f]{32}_\S+", done.stdout)
        assert token is not None
        assert served.request("GET", "/v1/orders", key=token[0])[0] == 200
    finally:
        served.stop()


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a server says that it is ready with, once it would serve."""
    said: list[str] = []
    monkeypatch.setattr(serving, "serve", lambda *_, ready, **__: said.append(ready))
    monkeypatch.setenv("LEDGER_BIND", "127.0.0.1:1")
    monkeypatch.setattr("api.http.binding.must_be_free", lambda _: None)
    monkeypatch.setenv("LANG", "C.UTF-8")
    return said


def test_server__says_that_its_database_cannot_be_reached(
    starts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And serves: it goes on by itself once the database is there."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", "postgresql://app:hidden@127.0.0.1:1/x")
    done = CliRunner().invoke(serve_command)
    assert (done.exit_code, len(starts)) == (0, 1)
    assert done.stderr.startswith("The server starts, and answers 503 until this is mended: ")
    assert "127.0.0.1" in done.stderr
    assert "hidden" not in done.stderr + starts[0]


@on_sqlite
def test_server__rejected_where_the_schema_is_another_one(
    web: Web, settings: Settings, starts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    web.token()
    web.edge.close()
    assert fault_of(settings) is None
    tamper.intrude(settings, "UPDATE alembic_version SET version_num = 'older'")
    monkeypatch.setenv("LEDGER_DATABASE_URL", settings.database_url)
    done = CliRunner().invoke(serve_command)
    assert (done.exit_code, starts) == (1, [])
    assert "schema" in done.stderr


def test_fault__of_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database, and long enough to be read as one" * 100)
    found = fault_of(Settings(database_url=f"sqlite:///{tmp_path}/x.db", keys_url="memory:",
                              master_key_file=None))
    assert isinstance(found, DatabaseDamaged)


def test_command__names_what_is_served_and_no_password() -> None:
    settings = Settings(database_url="postgresql://app:hidden@db/x", keys_url="memory:",
                        master_key_file=None)
    assert "hidden" not in command_for(settings, {"LEDGER_DATABASE_URL": settings.database_url})
    named = command_for(settings, {"LEDGER_DATABASE_URL": "sqlite:///a b.db"})
    assert f"LEDGER_DATABASE_URL='sqlite:///{Path.cwd()}/a b.db' " in named
