"""`ledger imports` on the command line."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.commands import COMMANDS, import_command
from api.cli.importing import imports_group
from ledger.common.errors import Unavailable
from ledger.log.store import SUFFIX
from ledger.settings import open_ledger
from tests.support.shops import SAMPLES

BROKEN = SAMPLES / "broken" / "bad-dates.csv"
GOOD = SAMPLES / "taobao" / "ExportOrderList202608312359.csv"
NAME = "贺晚禾"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger in a file, with an import, and one that was refused."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/x.db")
    for path, code in ((GOOD, 0), (BROKEN, 1)):
        found = CliRunner().invoke(import_command, [str(path), "--profile", "taobao-orders"])
        assert found.exit_code == code, found.output


def run(*words: str, code: int = 0, lang: str = "C") -> Result:
    found = CliRunner(env={"LC_ALL": lang}).invoke(imports_group, list(words))
    assert found.exit_code == code, (found.output, found.stderr)
    return found


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("list", "--json").stdout)
    return found


def refused() -> str:
    """The import that was refused, which is the newest."""
    newest, *_ = listed()
    assert newest["state"] == "rejected"
    return str(newest["import"])


def test_imports__are_listed_the_newest_first_and_shown() -> None:
    assert imports_group in COMMANDS
    assert [(one["files"][0]["name"], one["state"]) for one in listed()] == [
        (BROKEN.name, "rejected"), (GOOD.name, "done")]
    said = run("show", refused()).stdout
    assert "bad-dates.csv: not_time × 4, rows 2-5" in said
    assert run("show", refused().partition(":")[2]).stdout == said
    heads, *rows = run("list", lang="zh_CN.UTF-8").stdout.splitlines()
    assert heads.split()[-4:] == ["已记录", "被拒绝", "没有新内容", "错误数"]
    assert "bad-dates.csv" in rows[0]


@pytest.mark.parametrize("words", [("show",), ("faults",)])
def test_import__rejected_when_it_is_not_there(words: tuple[str, ...]) -> None:
    for name in ("import:0123456789abcdef0123", "order:a:b:1", "x"):
        assert "[R-PRJ-07, nothing_recorded]" in run(*words, name, code=1).stderr


def test_warnings__of_an_import_are_shown_and_listed(tmp_path: Path) -> None:
    """As they were said when it was imported, and in a process that did not import it."""
    header, line, *_ = GOOD.read_bytes().decode("gbk").splitlines()
    path = tmp_path / "w.csv"
    path.write_text(f"{header}\n{line.replace('1002013921475789347', '１２3')}\n", "utf-8")
    made = CliRunner().invoke(import_command, [str(path), "--profile", "taobao-orders"])
    assert made.exit_code == 0, made.output
    said = [one for one in made.stderr.splitlines() if "full_width" in one]
    own = str(listed()[0]["import"])
    assert "warning: w.csv: full_width × 1, rows 2" in run("show", own).stdout
    assert len(said) == 1
    assert run("faults", own).stderr.splitlines() == said
    found = json.loads(run("faults", own, "--json").stdout)
    assert (found["code"], found["warning"]) == ("full_width", True)


def test_faults__are_those_of_the_import_and_its_rows_masked(tmp_path: Path) -> None:
    assert len(run("faults", refused()).stderr.splitlines()) == 4
    path = tmp_path / "rows.csv"
    run("faults", refused(), "-o", str(path))
    text = path.read_text("utf-8-sig")
    assert "994109261320502953" in text
    assert NAME not in text
    assert notes() == []


def notes() -> list[dict[str, Any]]:
    """Who read what."""
    found = open_ledger(name="main" + SUFFIX)
    try:
        return [json.loads(one.payload) for one in found.store.read("main" + SUFFIX)
                if one.type == "reading.noted.v1"]
    finally:
        found.close()


def test_faults__with_what_is_personal_are_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, book = tmp_path / "rows.csv", tmp_path / "rows.xlsx"
    name = refused()
    for file in (path, book):
        run("faults", name, "-o", str(file), "--with-personal")
    assert NAME in path.read_text("utf-8-sig")
    assert [(one["route"], one["subjects"], one["purpose"], one["fields"]) for one in notes()] == [
        ("ledger imports faults", [name], "import", ["rows"])] * 2
    path.unlink()

    def fail(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr("api.slips.take", fail)
    assert "[R-ACC-05, reading_not_noted]" in run(
        "faults", name, "-o", str(path), "--with-personal", code=1).stderr
    assert not path.exists()


def test_faults__rejected_with_files_that_nobody_can_mean(tmp_path: Path) -> None:
    assert ".csv or .xlsx" in run("faults", refused(), "-o", "rows.txt", code=2).stderr
    assert "-o" in run("faults", refused(), "--with-personal", code=2).stderr
    for own in ("x.imports.db", "x.db"):
        (tmp_path / f"{own}.csv").symlink_to(tmp_path / own)
        said = run("faults", refused(), "-o", str(tmp_path / f"{own}.csv"), code=1).stderr
        assert "[R-SET-08, own_file]" in said


def test_rows__are_destroyed_when_they_are_old(tmp_path: Path) -> None:
    """R-IMP-32"""
    assert "The rows of 0 import(s)" in run("forget").stdout
    with sqlite3.connect(tmp_path / "x.imports.db") as found:
        found.execute("UPDATE faulty_imports SET kept_at = kept_at - 31 * 86400000000")
    assert "faulty_rows_gone" in run("faults", refused(), code=1).stderr
    assert "The rows of 1 import(s)" in run("forget").stdout
    assert "not_time" in run("show", refused()).stdout


def test_rows__of_a_damaged_side_file_hinder_nothing(tmp_path: Path) -> None:
    """R-IMP-33: imports and their list go on."""
    (tmp_path / "x.imports.db").write_bytes(b"?" * 5000)
    assert "side_file_unusable" in run("faults", refused(), code=1).stderr
    assert "side_file_unusable" in run("forget", code=1).stderr
    again = CliRunner().invoke(import_command, [str(BROKEN), "--profile", "taobao-orders",
                                                "--policy", "reject_failed_rows"])
    assert "rows_not_kept" in again.stderr
    assert listed()[0]["state"] == "part"
