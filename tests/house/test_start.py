"""What a command loads before it does anything: no more than it needs, so that it starts at once.

How long that takes is measured by the benchmark `cli_start`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.commands import COMMANDS
from projections.asking import names
from projections.reports import REPORTS
from tests.support import source

OURS = {*source.FOLDERS, "wsgi"}
SLOW = {"alembic", "babel", "flask", "flask_smorest", "marshmallow", "prometheus_client", "psycopg",
        "python_calamine", "rich", "xlsxwriter", "yaml"}
"""What takes long to load and what no report as JSON from an SQLite ledger needs."""


STARTED_BY_PYTHON = {"__main__", "sitecustomize", "usercustomize", "_distutils_hack", "_virtualenv"}
"""What an installation of Python may load by itself before any program."""


DUMPS = """
import atexit, json, runpy, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__")
"""
"""Runs a module as `python -m` does, and says at the end what is loaded."""


def loaded(folder: Path, *command: str) -> set[str]:
    """The modules that a command loads, those of Python itself left out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    done = subprocess.run(
        [sys.executable, "-c", DUMPS, *command], cwd=folder, capture_output=True,
        text=True, check=False, env={**kept, "PYTHONPATH": str(source.ROOT), "LC_ALL": "C.UTF-8",
                                     "FLASK_APP": str(source.ROOT / "wsgi.py")})
    assert done.returncode == 0, done.stderr
    return {module for module in json.loads(done.stderr.splitlines()[-1])
            if module.split(".")[0] not in {*sys.stdlib_module_names, *STARTED_BY_PYTHON}}


def packages(modules: set[str]) -> set[str]:
    """The packages that are not ours."""
    return {module.split(".")[0] for module in modules} - OURS


@pytest.mark.parametrize("arguments", [[], *([str(one.name)] for one in COMMANDS)],
                         ids=lambda arguments: " ".join(arguments) or "ledger")
def test_help__loads_click_and_nothing_else(tmp_path: Path, arguments: list[str]) -> None:
    found = loaded(tmp_path, "api.cli", *arguments, "--help")
    assert packages(found) == {"click"}
    assert not {"api.http", "ledger.settings", "ledger.application", "projections.reports"} & found


def test_flask__builds_no_routes_for_a_command(tmp_path: Path) -> None:
    found = loaded(tmp_path, "flask", "report", "--help")
    assert not (SLOW - {"flask"} | {"sqlalchemy", "eventsourcing"}) & packages(found)
    assert "api.orders" not in found


def test_report__loads_no_other_engine_and_nothing_of_http(tmp_path: Path) -> None:
    loaded(tmp_path, "api.cli", "keys", "issue", "--owner", "system", "--role", "admin")
    found = loaded(tmp_path, "api.cli", "report", "orders", "--json")
    assert {"sqlalchemy", "projections.reports"} <= found
    assert not SLOW & packages(found)


def test_flask__serves_all_routes_when_it_runs_them(tmp_path: Path) -> None:
    assert {"flask_smorest", "api.orders"} <= loaded(tmp_path, "flask", "routes")


def test_reports__are_offered_by_their_names() -> None:
    assert list(names.REPORTS) == sorted(REPORTS)
