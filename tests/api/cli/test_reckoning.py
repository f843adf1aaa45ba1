"""`ledger policies due`, `pay` and `calendar`: what a policy comes to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.policies import policies_group
from ledger.policies.reader import parse

Run = Callable[..., Result]
START = "2026-09-30T16:00:00+08:00"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`ledger policies …` where no ledger is yet, in English."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/shop.db")
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    return lambda *arguments: CliRunner().invoke(policies_group, [str(a) for a in arguments])


def answer(result: Result) -> Any:
    """The answer of a command that ended well."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_policies_due__answers_of_a_file_without_a_ledger(run: Run) -> None:
    assert answer(run("due", "dispatch_same_day", "--start", START, "--policy", "deadlines",
                      "--json")) == {
        "deadline": "dispatch_same_day", "version": 0, "starts_at": "ready",
        "start": "2026-09-30T08:00:00Z", "due_at": "2026-10-08T10:00:00Z",
        "late_from": "2026-10-09T04:00:00Z", "start_local": "2026-09-30 16:00 Wednesday",
        "due_at_local": "2026-10-08 18:00 Thursday", "late_from_local": "2026-10-09 12:00 Friday",
        "late_from_unknown": None, "clock": "occurred", "suspended_by": None,
        "to": ["dispatcher"]}


def test_policies_due__needs_no_calendar_for_what_none_counts(run: Run) -> None:
    """48 hours run on in a year that nobody has announced; only the grace counts its days."""
    found = answer(run("due", "dispatch", "--start", "2026-12-30T10:00:00+08:00", "--policy",
                       "deadlines", "--json"))
    assert (found["due_at"], found["late_from"]) == ("2027-01-01T02:00:00Z", None)
    assert "The working days of 2027 are not announced yet" in found["late_from_unknown"]
    assert "`ledger policies calendar 2026`" in found["late_from_unknown"]


def test_policies_due__of_no_deadlines_says_how_they_are_published(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("title: t\nscoring: {pass_mark: 70}\n", "utf-8")
    told = run("due", "dispatch", "--start", START, "--policy", path).stderr
    assert "`ledger policies publish deadlines --from DAY`" in told
    assert "none" not in told


def test_policies_due__answers_by_the_version_in_force_when_it_started(
    run: Run, tmp_path: Path
) -> None:
    assert run("publish", "deadlines", "--from", "2026-01-01").exit_code == 0
    path = tmp_path / "ours.yaml"
    path.write_text("title: t\ndeadlines:\n- {deadline: dispatch, zh: a, en: a, within: 12,"
                    " unit: hours, starts_at: payment}\n", "utf-8")
    assert run("publish", path, "--from", "2026-10-01").exit_code == 0

    def due(start: str, *more: str) -> tuple[int, str]:
        found = answer(run("due", "dispatch", "--start", start, "--json", *more))
        return found["version"], found["due_at"]

    assert due(START) == (1, "2026-10-02T08:00:00Z")
    assert due("2026-10-01T16:00:00+08:00") == (2, "2026-10-01T20:00:00Z")
    assert due(START, "--policy", "2") == (0, "2026-09-30T20:00:00Z")


@pytest.mark.parametrize(("arguments", "said"), [
    (["tea", "--start", START, "--policy", "deadlines"], "has no deadline 'tea'"),
    (["dispatch", "--start", "soon", "--policy", "deadlines"], "--start is 'soon'"),
    (["dispatch", "--start", "9001-01-01T00:00:00Z", "--policy", "deadlines"], "R-PRJ-03"),
    (["daily_report", "--start", "2026-12-31T09:00:00+08:00", "--policy", "deadlines"],
     "The working days of 2027 are not announced yet"),
    (["dispatch", "--start", START], "R-SET-03"),
])
def test_policies_due__rejected_with_what_to_do(run: Run, arguments: list[str], said: str) -> None:
    result = run("due", *arguments)

    assert result.exit_code != 0
    assert said in result.stderr


def test_policies_pay__says_each_term(run: Run) -> None:
    found = answer(run("pay", "scheme_1", "customer_service", "--score", "80", "--orders",
                       "1000000", "--policy", "scorecards", "--policy", "pay", "--json"))

    assert [(one["term"], one["min_minor"], one["max_minor"], one["per"]) for one in found] == [
        ("base", 240000, 240000, None), ("commission", 20000, 20000, None),
        ("rating_amended_by_service", 1000, 2000, "rating"),
        ("rating_caused_by_own_service", -10000, -5000, "rating")]
    assert "There are: flagship_designer, scheme_1" in run(
        "pay", "plan", "designer", "--policy", "pay").stderr


def test_policies_calendar__writes_a_policy_file(run: Run) -> None:
    result = run("calendar", 2026)

    assert result.exit_code == 0
    assert parse("x", result.stdout).title == "工作日历 2026"
    assert "Compare them with the announcement" in result.stderr
    refused = run("calendar", 2999)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "R-POL-17" in refused.stderr
