"""The package: built, installed where the checkout cannot be imported, and run in an empty folder.

Its dependencies are those of the environment that runs the tests: nothing is downloaded.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ledger import __version__
from tests.support import source
from tests.support.source import check

PROJECT: dict[str, Any] = tomllib.loads((source.ROOT / "pyproject.toml").read_text("utf-8"))
SAMPLES = ("broken", "policies", "profiles", "taobao")
NOT_IMPORTED_BY_NAME = {"pysqlite3", "tzdata", "python-calamine"}
"""One is looked for where Python's own SQLite is affected, one is data, and
one reads the workbooks that are written, which only tests do so far."""


class Installed(NamedTuple):
    """Where the package was installed, and the wheel that it came from."""

    folder: Path
    wheel: Path

    def run(self, program: str, *arguments: str, within: Path) -> str:
        """What an installed program prints in a folder."""
        done = subprocess.run([self.folder / "bin" / program, *arguments], cwd=within, text=True,
                              capture_output=True, check=False, env=self.environment())
        assert done.returncode == 0, done.stderr
        return done.stdout

    def environment(self, **settings: str) -> dict[str, str]:
        """An environment in which neither the checkout nor a setting is known."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("LEDGER_", "PYTHON", "LC_", "PYTEST_"))}
        return {**kept, "LANG": "C.UTF-8", **settings}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in a new environment that sees the packages of this one, and not the checkout."""
    folder: Path = tmp_path_factory.mktemp("package")
    quiet = {"check": True, "capture_output": True, "cwd": source.ROOT}
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
                   **quiet)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", symlinks=True)
    python = folder / "env" / "bin" / "python"
    (packages,) = (folder / "env").glob("lib/python*/site-packages")
    seen = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (packages / "dependencies.pth").write_text("".join(f"{path}\n" for path in sorted(seen)))
    subprocess.run([sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-cache",
                    "--no-deps", "--python", str(python), str(wheel)], **quiet)
    return Installed(folder / "env", wheel)


def test_package__holds_every_file_of_the_program_and_the_samples(installed: Installed) -> None:
    wanted = {source.name(path) for path in source.tracked()
              if source.name(path).split("/")[0] in (*source.FOLDERS, "wsgi.py")}
    wanted |= {f"api/{source.name(path)}" for name in SAMPLES
               for path in (source.ROOT / "samples" / name).iterdir()}
    names = zipfile.ZipFile(installed.wheel).namelist()
    assert {name for name in names if ".dist-info/" not in name} == wanted


def test_package__is_not_the_checkout(installed: Installed, tmp_path: Path) -> None:
    for module in (*source.FOLDERS, "wsgi"):
        told = installed.run("python", "-c", f"import {module}; print({module}.__file__)",
                             within=tmp_path)
        assert Path(told).is_relative_to(installed.folder)


def test_package__explains_its_commands_under_both_names(
    installed: Installed, tmp_path: Path
) -> None:
    told = installed.run("ledger", "--help", within=tmp_path)
    assert told.startswith("Usage: ledger COMMAND …\n")
    assert installed.run("order-ledger", "--help", within=tmp_path) == told
    assert __version__ in installed.run("ledger", "--version", within=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_package__records_the_demo_in_an_empty_folder(installed: Installed, tmp_path: Path) -> None:
    told = installed.run("ledger", "demo", within=tmp_path)
    position, root = re.findall(r"^  (\d+):([0-9a-f]{64})$", told, re.M)[-1]
    assert told.splitlines()[-1].endswith("ledger serve")
    found = json.loads(installed.run("ledger", "verify", "--json", within=tmp_path))
    assert (found["ok"], found["position"], found["root"]) == (True, int(position), root)
    assert [path.name for path in tmp_path.iterdir()] == ["var"]


def test_package__imports_its_sample_and_reports_it(installed: Installed, tmp_path: Path) -> None:
    (file,) = installed.folder.glob("lib/*/site-packages/api/samples/taobao/*OrderList202608*")
    installed.run("ledger", "import", str(file), "--profile", "taobao-orders", within=tmp_path)
    (row,) = json.loads(installed.run("ledger", "report", "reconciliation", "--json",
                                      within=tmp_path))["items"]
    assert row["orders"] == 247


@pytest.fixture
def served(installed: Installed, tmp_path: Path) -> Iterator[http.client.HTTPConnection]:
    """A connection to `ledger serve` in an empty folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [installed.folder / "bin" / "ledger", "serve"], cwd=tmp_path, stdout=log, stderr=log,
            env=installed.environment(LEDGER_BIND=f"127.0.0.1:{port}"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    until = time.monotonic() + 60
    while True:
        try:
            connection.connect()
            break
        except OSError:
            assert time.monotonic() < until, (tmp_path / "server.log").read_text("utf-8")
            time.sleep(0.05)
    yield connection
    connection.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_package__serves_the_api_and_its_page(served: http.client.HTTPConnection) -> None:
    for path in ("/readyz", "/v1/openapi.json", "/v1/docs", "/v1/docs/place_order"):
        served.request("GET", path)
        answer = served.getresponse()
        assert (answer.status, len(answer.read()) > 0) == (200, True), path


# -- dependencies ---------------------------------------------------------------------------------


def declared() -> dict[str, Requirement]:
    """What the package says that it needs, by normal names."""
    found = map(Requirement, PROJECT["project"]["dependencies"])
    return {canonicalize_name(one.name): one for one in found}


def test_dependencies__are_what_the_program_imports() -> None:
    known = packages_distributions()
    imported = {canonicalize_name(known[top][0])
                for path in source.code() for _, target in source.imports(path)
                if (top := target.split(".")[0]) not in (*source.FOLDERS, "__future__")
                and top not in sys.stdlib_module_names}
    brought = {"werkzeug", "webargs", "apispec"}  # by Flask and flask-smorest, at what they need
    assert imported - brought == declared().keys() - NOT_IMPORTED_BY_NAME


def test_dependencies__are_ranges_that_hold_what_is_pinned() -> None:
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", (source.ROOT / "requirements.txt").read_text(),
                             re.M))
    check(f"{name} is pinned at {pinned.get(name)}, and {one} is asked for"
          for name, one in declared().items()
          if name not in pinned or pinned[name] not in one.specifier
          or any(part.operator == "==" for part in one.specifier))
