"""A `.env` file is read by every way into the program, and never wins over the environment."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import source

BIN = Path(sys.executable).parent


def called(
    folder: Path, *command: object, **settings: str
) -> subprocess.CompletedProcess[str]:
    """A command in a folder, with no settings but these and those of its `.env`."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("LEDGER_", "FLASK_"))}
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)], cwd=folder, check=False, text=True,
        capture_output=True, env={**kept, "PYTHONPATH": str(source.ROOT), **settings,
                                  "FLASK_APP": str(source.ROOT / "wsgi.py"), "LANG": "C.UTF-8"})


def run(folder: Path, *command: object, **settings: str) -> str:
    """What such a command prints."""
    done = called(folder, *command, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a `.env` above the one that commands run in."""
    (tmp_path / ".env").write_text(
        f"LEDGER_DATABASE_URL=sqlite:///{tmp_path}/named.db\nLEDGER_BIND='127.0.0.1:8123'\n")
    (tmp_path / "within").mkdir()
    return tmp_path


@pytest.mark.parametrize("program", ["api.cli", "flask"])
def test_env_file__is_read_by_commands(folder: Path, program: str) -> None:
    run(folder / "within", program, "upgrade")
    assert (folder / "named.db").exists()
    assert list((folder / "within").iterdir()) == []


@pytest.mark.parametrize("program", ["api.cli", "flask"])
def test_env_file__loses_against_the_environment(folder: Path, program: str) -> None:
    run(folder / "within", program, "upgrade",
        LEDGER_DATABASE_URL=f"sqlite:///{folder}/other.db")
    assert (folder / "other.db").exists()
    assert not (folder / "named.db").exists()


def test_env_file__is_read_by_the_server(folder: Path) -> None:
    """It is asked to listen where something listens already."""
    with socket.create_server(("127.0.0.1", 0)) as first, \
            socket.create_server(("127.0.0.1", 0)) as second:
        taken, other = (f"127.0.0.1:{one.getsockname()[1]}" for one in (first, second))
        (folder / ".env").write_text(f"LEDGER_BIND={taken}\n")
        for settings, named in (({}, taken), ({"LEDGER_BIND": other}, other)):
            done = called(folder / "within", "api.cli", "serve", **settings)
            assert done.returncode == 1
            assert f"LEDGER_BIND is {named}, and the server cannot listen there" in done.stderr


def test_env_file__is_read_by_the_served_application(folder: Path) -> None:
    """As any server does that is not ours: it imports `wsgi` and finds `app`."""
    code = "import wsgi, os; print(os.environ['LEDGER_DATABASE_URL'], len(wsgi.app.view_functions))"
    (folder / "within" / "server.py").write_text(code)
    url, routes = run(folder / "within", "server").split()
    assert url.endswith("/named.db")
    assert int(routes) > 50


@pytest.mark.parametrize("program", [("-m", "api.cli", "verify"), ("-c", "import wsgi")])
@pytest.mark.parametrize("written", ["A=中文 # 注释\n".encode("gbk"), "A=1\n".encode("utf-16")])
def test_env_file__rejected_in_one_line_when_it_is_not_utf_8(
    tmp_path: Path, program: tuple[str, ...], written: bytes
) -> None:
    (tmp_path / ".env").write_bytes(written)
    done = subprocess.run(
        [sys.executable, *program], cwd=tmp_path, check=False, text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(source.ROOT), "LANG": "C.UTF-8"})
    assert done.returncode == 1
    assert "Save it as UTF-8" in done.stderr
    assert "Traceback" not in done.stderr


def test_env_file__names_itself_and_the_line_that_it_cannot_use(folder: Path) -> None:
    with (folder / ".env").open("a") as file:
        file.write("what is this\n")
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "upgrade"], cwd=folder, check=False, text=True,
        capture_output=True, env={**os.environ, "PYTHONPATH": str(source.ROOT), "LANG": "C.UTF-8"})
    assert (done.returncode, done.stderr.splitlines()) == (0, [
        f"{folder / '.env'}, line 3: this is not NAME=value, and is left out."])
