"""`ledger policies`: checked, published, listed and compared, as a person does it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.commands import do_command
from api.cli.policies import policies_group
from tests.support import source

SAMPLES = source.ROOT / "samples" / "policies"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`ledger policies …` on a new ledger, in English."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/shop.db")
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    return lambda *arguments: CliRunner().invoke(policies_group, [str(a) for a in arguments])


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_policies_check__names_every_overlap_and_every_sum_in_one_run(run: Run) -> None:
    result = run("check", SAMPLES / "flagship-as-printed.yaml",
                 SAMPLES / "scorecards-as-printed.yaml")
    assert result.exit_code == 1
    told = result.stderr
    assert "overlap: 60–70 pays 0.4 and 60–70 pays 0.8" in told
    assert told.count("add up to 110, not 100") == 2
    assert told.count("add up to 112, not 100") == 1


def test_policies_check__accepts_those_that_are_shipped(run: Run) -> None:
    result = run("check", "rules", "scorecards", "pay", "deadlines")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(("text", "told"), [
    ("rules: [", "R-POL-02"), ("a: &x 1\ntitle: *x", "there is a reference (*name) here"),
    ("[" * 3000, "nested too deeply"), ("title: t\ntitle: u", "a key appears twice"),
    ("title: t\nrules: []", "/rules: is empty"),
    ("title: t\ncoefficients: []", "/coefficients: is empty"),
    ("title: t\nrules:\n- {code: A, posts: [customer_service], zh: a, en: a, per: occurrence,\n"
     "   charges: {offender: ０.5}}", "is '０.5', not a decimal"),
    ('title: t\nthresholds:\n- {threshold: a, value: 1, unit: "a\\0", zh: a, en: a}', "NUL")])
def test_policies_check__rejected_with_what_is_wrong(
    run: Run, tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(text, "utf-8")
    result = run("check", path)
    assert result.exit_code == 1
    assert told in result.stderr


def test_policies__published_listed_and_compared(run: Run, tmp_path: Path) -> None:
    for name in ("rules", "scorecards"):
        assert run("publish", name, "--from", "2026-09-01").exit_code == 0
    listed = rows(run("list", "--json"))
    assert [(row["version"], row["effective_from"]) for row in listed] == [
        (1, "2026-09-01"), (2, "2026-09-01")]
    assert rows(run("diff", "2", "rules", "--json")) == []
    path = tmp_path / "ours.yaml"
    path.write_text("title: t\nscoring: {pass_mark: 70}\n", "utf-8")
    assert {"where": "/scoring/pass_mark", "before": "65", "after": "70"} in rows(
        run("diff", "2", path, "--json"))
    assert run("diff", "1", "9").exit_code == 1
    assert "R-POL-04" in run("publish", "pay", "--from", "2026-08-01").stderr


def test_policies__say_whether_a_retention_was_confirmed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("title: t\nretention: {buyers: 30}\n", "utf-8")
    said = run("publish", path, "--from", "2026-09-01", "--actor", "member:1").stdout
    assert "echo '{\"version\": 1}' | ledger do policy.confirm_retention" in said
    path.write_text("title: t\nscoring: {pass_mark: 70}\n", "utf-8")
    assert "confirm" not in run("publish", path, "--from", "2026-09-01").stdout

    def listed() -> list[tuple[object, object]]:
        return [(row["retention"], row["retention_confirmed_by"])
                for row in rows(run("list", "--json"))]

    assert listed() == [("waits", None), (None, None)]
    done = CliRunner().invoke(do_command, [
        "policy.confirm_retention", "--actor", "member:2"], input='{"version": 1}')
    assert done.exit_code == 0, done.output
    assert listed() == [("confirmed", "member:2"), (None, None)]
