"""`ledger profiles` and what `ledger import` guesses, on the command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.cli.commands import COMMANDS, import_command
from api.cli.profiles import profiles_group
from tests.support.shops import SAMPLES

GENERIC = SAMPLES / "platforms" / "generic-orders.csv"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/x.db")


def run(*words: str, code: int = 0) -> Result:
    found = CliRunner(env={"LC_ALL": "C"}).invoke(profiles_group, list(words))
    assert found.exit_code == code, (found.output, found.stderr)
    return found


def bring(*words: str, code: int = 0) -> Result:
    found = CliRunner(env={"LC_ALL": "C"}).invoke(import_command, list(words))
    assert found.exit_code == code, (found.output, found.stderr)
    return found


def test_check__says_all_that_is_wrong_at_once(tmp_path: Path) -> None:
    assert profiles_group in COMMANDS
    assert "Nothing is wrong in profile generic." in run("check", "generic").stdout
    path = tmp_path / "own.yaml"
    path.write_text("name: x\nversion: y\nfiles: {}\n", "utf-8")
    said = run("check", str(path), code=1).stderr
    assert said.count("[R-IMP-01, ") >= 4
    assert "/version: " in said
    assert "profile_unknown" in run("check", "none", code=1).stderr


def test_check__says_what_a_sample_becomes(tmp_path: Path) -> None:
    found = run("check", "generic", "--sample", str(GENERIC), "--json").stdout.splitlines()
    assert json.loads(found[0])["becomes"] == "order.record"
    assert "rows 2" in run("check", "generic", "--sample", str(GENERIC)).stdout
    (tmp_path / "bad.csv").write_text("谁\n1\n", "utf-8")
    assert "unknown_column" in run(
        "check", "generic", "--sample", str(tmp_path / "bad.csv"), code=1).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv"]


def test_new__is_read_at_once_and_overwrites_nothing(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_text("订单号,下单时间,货号,数量,单价\n1,2026-03-01 10:00,A,2,3.00\n", "utf-8")
    own = tmp_path / "own.yaml"
    run("new", str(export), "-o", str(own))
    assert run("new", str(export)).stdout == own.read_text("utf-8")
    run("new", str(export), "-o", str(own), code=1)
    assert "[R-IMP-37, nothing_to_draft]" in run("new", str(own), code=1).stderr
    found = bring(str(export))
    assert "Read by the profile export" in found.stderr
    assert "Of 1 row(s): 1 recorded" in found.stdout


def test_import__without_a_profile_is_refused_where_none_fits(tmp_path: Path) -> None:
    """R-IMP-35"""
    other = tmp_path / "other.csv"
    other.write_text("谁\n", "utf-8")
    assert "[R-IMP-35, no_profile_fits]" in bring(str(other), code=1).stderr
    assert not (tmp_path / "x.db").exists()


def test_template__is_made_and_nothing_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    assert str(path) in bring("--template", "generic", str(path)).stderr
    assert "[R-IMP-36, no_template]" in bring("--template", "generic", str(path), code=1).stderr
    bring("--template", "generic", str(path), str(path), code=2)
    assert "profile_unknown" in bring("--template", "no", str(tmp_path / "a.csv"), code=1).stderr
    assert not (tmp_path / "x.db").exists()
