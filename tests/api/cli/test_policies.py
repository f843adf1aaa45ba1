"""`ledger policies`: checked, published, listed and compared, as a person does it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from api.cli.commands import do_command
from api.cli.policies import policies_group
from ledger.policies.reader import read
from projections.policies import differences
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


SIGNED = """title: t
signing:
- {act: case.pay_refund, posts: [finance]}
"""


def test_policies__publishing_names_what_falls_away_of_a_section_that_is_replaced(
    run: Run, tmp_path: Path
) -> None:
    """R-PRV-08: by its names, previewed and published; other sections stay."""
    for name in ("signing", "deadlines"):
        said = run("publish", name, "--from", "2026-09-01")
        assert "falls away" not in said.stdout
    path = tmp_path / "ours.yaml"
    path.write_text(SIGNED, "utf-8")
    found = json.loads(run("publish", path, "--from", "2026-09-01", "--preview", "--json").stdout)
    assert {(row["of"]["section"], row["after"]) for row in found["falls_away"]["rows"]} == {
        ("signing", None)}
    named = {row["of"]["name"]: row["before"]["posts"] for row in found["falls_away"]["rows"]}
    assert named["case.approve_refund"][0] == "customer_service_head"
    assert "case.pay_refund" not in named
    table = run("publish", path, "--from", "2026-09-01", "--preview").stdout
    assert "falls away" in table
    assert "stock.approve_write_off" in table

    said = run("publish", path, "--from", "2026-09-01")
    assert "Section signing is replaced whole." in said.stdout
    assert all(act in said.stdout for act in named)
    path.write_text("title: t\nscoring: {pass_mark: 70, bonus_posts: [finance]}\n", "utf-8")
    assert "falls away" not in run("publish", path, "--from", "2026-09-01").stdout
    path.write_text("title: t\nscoring: {pass_mark: 75}\n", "utf-8")
    said = run("publish", path, "--from", "2026-09-01", "--json")
    assert json.loads(said.stdout)["falls_away"] == {"scoring": ["bonus_posts"]}


def test_policies__of_two_orders_of_the_same_parts_do_not_differ(
    run: Run, tmp_path: Path
) -> None:
    """Parts are the same by their name, wherever they stand; one that is new changes no other."""
    for name in ("signing", "deadlines", "scorecards", "rules", "pay"):
        sections = read(name).sections
        turned = {part: list(reversed(value)) for part in sections.__struct_fields__
                  if isinstance(value := getattr(sections, part), list)}
        found = differences(sections, msgspec.structs.replace(sections, **turned))
        assert [row["where"] for row in found] == []

    path = tmp_path / "ours.yaml"
    path.write_text("title: t\nsigning:\n- {act: order.approve, posts: [finance]}\n", "utf-8")
    both = tmp_path / "both.yaml"
    both.write_text("title: t\nsigning:\n- {act: order.allow_price_change, posts: [finance]}\n"
                    "- {act: order.approve, posts: [finance]}\n", "utf-8")
    assert {row["where"].split("/")[2] for row in rows(run("diff", path, both, "--json"))} == {
        "order.allow_price_change"}
