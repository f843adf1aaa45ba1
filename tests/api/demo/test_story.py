"""What the demo leaves behind answers what a shop owner asks of people, deductions and scores."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from api import sheets
from api.cli.commands import COMMANDS
from api.demo.scores import SEALED_ON
from ledger.common.decimals import is_decimal
from projections.asking.columns import Kind, columns_of
from projections.asking.typed import type_of
from projections.reports import REPORTS

Ask = Callable[..., Any]

FIELDS = ["member", "post", "committee", "second", "bonus", "deductions", "score", "coefficient",
          "policy_version", "sealed", "restatement", "share", "days", "part", "rests_on"]
MONTH = ("--month", "2026-09")


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """What `ledger NAME …` says of the demo's database, as JSON."""
    folder: Path = tmp_path_factory.mktemp("demo")
    commands = {command.name: command for command in COMMANDS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{folder}/demo.db")
        for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE", "LC_ALL", "LC_MESSAGES"):
            patch.delenv(name, raising=False)
        patch.setenv("LANG", "en_GB.UTF-8")

        def invoke(name: str, *arguments: str) -> Any:
            result = CliRunner().invoke(commands[name], arguments)
            assert result.exit_code == 0, result.output
            if not arguments:
                return result.stdout
            found = json.loads(result.stdout)
            return found["items"] if name == "report" else found

        invoke("demo")
        yield invoke


def scores(ask: Ask, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask("report", "scores", *more, "--format", "json")
    return found


def test_demo__seals_scores_that_add_up_exactly(ask: Ask) -> None:
    rows = scores(ask, *MONTH)
    assert len(rows) == 8
    for row in rows:
        assert list(row) == FIELDS
        assert row["sealed"] is True
        assert row["restatement"] == 1
        exact = {name: Decimal(row[name]) for name in FIELDS[2:7]}
        assert exact["score"] == Decimal("0.75") * exact["committee"] \
            + Decimal("0.25") * exact["second"] + exact["bonus"] - exact["deductions"]
    assert scores(ask) == rows


def test_demo__has_its_decimals_in_columns_of_numbers_and_its_names_as_texts(ask: Ask) -> None:
    """Who adds a decimal to a report says so of its column, or Excel gets a text."""
    marked, decimals = set(), set()
    for name in ("orders", "inventory", "bins", "stock-ledger", "scores", "score-history",
                 "deductions", "appeals", "staff", "shifts", "rosters", "leave", "policies",
                 "closings", "low-stock", "reconciliation", "returns"):
        columns = columns_of(type_of(REPORTS[name]).row)
        for row in ask("report", name, "--format", "json"):
            for column in columns:
                value = row.get(column.name)
                told = sheets.as_csv([row], [column]).decode("utf-8-sig").split("\r\n")[1]
                if told.startswith("'"):
                    marked.add(column.name)
                if isinstance(value, str) and is_decimal(value) and "." in value:
                    decimals.add(column.name)
                    assert column.kind is Kind.DECIMAL, (name, column)
    assert marked == {"number"}
    assert {"score", "committee", "points"} <= decimals


def test_demo__restates_what_an_appeal_changed(ask: Ask) -> None:
    after = scores(ask, *MONTH)
    before = scores(ask, *MONTH, "--recorded-as-of", SEALED_ON)
    assert {row["restatement"] for row in before} == {0}
    changed = {old["member"]: (Decimal(new["score"]) - Decimal(old["score"]),
                               old["coefficient"], new["coefficient"])
               for old, new in zip(before, after, strict=True) if old["score"] != new["score"]}
    assert changed == {"member:7f3a": (Decimal(1), "1.2", "1.5"),
                       "member:b08e": (Decimal(2), "1.0", "1.2")}


def test_demo__explains_every_score_by_terms_that_add_up(ask: Ask) -> None:
    for row in scores(ask, *MONTH):
        terms = ask("report", "score-terms", row["member"], *MONTH, "--json")
        assert sum(Decimal(term["amount"]) for term in terms) == Decimal(row["score"])
        assert all(term["positions"] for term in terms if "/" not in term["what"])
    late = ask("report", "score-terms", "member:2c91", *MONTH, "--json")
    factors = [term["factor"] for term in late if term["what"].startswith("CS-FOLLOWUP")]
    assert factors == ["-1", "-1", "-2"]


def test_demo__shows_a_deduction_in_every_state(ask: Ask) -> None:
    rows = ask("report", "deductions", *MONTH, "--json")
    assert {row["rule"]: row["state"] for row in rows} == {
        "CS-FOLLOWUP": "confirmed", "CS-FEEDBACK": "confirmed", "CS-ONLINE-LUNCH": "confirmed",
        "CS-ONLINE-STATUS": "overturned", "DS-MATERIAL": "confirmed", "CS-MEETING": "waived",
        "DP-DISPATCH-LATE": "dismissed"}
    shares = {row["rule"]: {share["party"]: share["stands"] for share in row["shares"]}
              for row in rows}
    assert shares["CS-ONLINE-STATUS"] == {"offender": False, "supervisor": False}
    assert shares["CS-ONLINE-LUNCH"] == {"all_of_post": True}
    (appeal,) = ask("report", "appeals", "--json")
    assert (appeal["member"], appeal["state"]) == ("member:7f3a", "overturned")
    decided = {row["by"] for row in ask("report", "decisions", "--json")
               if row["what"] not in ("proposed", "appealed")}
    assert decided == {"member:4be0", "member:f51a"}


def test_demo__points_at_events_that_show_it(ask: Ask) -> None:
    shown = {"CS-FOLLOWUP": "order.closed.v1", "CS-FEEDBACK": "order.refund_recorded.v1",
             "CS-ONLINE-LUNCH": "order.placed.v1", "CS-ONLINE-STATUS": "order.submitted.v1",
             "DP-DISPATCH-LATE": "order.dispatched.v1", "DS-MATERIAL": "stock.counted.v1"}
    for row in ask("report", "deductions", *MONTH, "--json"):
        if row["rule"] in shown:
            types = {event["position"]: event["type"]
                     for event in ask("report", "timeline", row["about"], "--json")}
            assert [types[position] for position in row["evidence"]] == [shown[row["rule"]]]


def test_demo__shows_the_same_entries_from_both_sides(ask: Ask) -> None:
    """What an order and its case did to a book stands in their timelines, and on the card of it."""
    card = ask("report", "stock-card", "sku:QM-001", "--json")
    told = {}
    for document in dict.fromkeys(row["document"] for row in card):
        for event in ask("report", "timeline", document, "--json"):
            if any(one["account"] == "stock:hangzhou:QM-001" for name in (
                    "postings", "observations") for one in event["payload"].get(name, ())):
                told[event["position"]] = event
    assert {row["position"]: (row["document"], row["type"], row["actor"]) for row in card} == {
        position: (event["stream"], event["type"], event["actor"])
        for position, event in told.items()}
    assert [row["document"].split(":")[0] for row in card] == [
        "count", *["order"] * 10, *["case"] * 4, "count"]
    account = ask("report", "timeline", "stock:hangzhou:QM-001", "--json")
    assert [event["position"] for event in account] == sorted(told)
    sale = next(event for event in account if event["type"] == "order.placed.v1")
    assert sale["summary"].endswith(", QM-001 available → reserved 3")


def test_demo__warns_of_who_is_below_the_pass_mark(ask: Ask) -> None:
    (row,) = ask("report", "score-warnings", "--json")
    assert (row["member"], row["months"], row["warning"]) == ("member:c3d8", ["2026-09"], False)


def test_demo__verifies_and_keeps_names_sealed(ask: Ask) -> None:
    report = ask("verify", "--json")
    assert (report["ok"], report["problems"]) == (True, [])
    events = ask("report", "timeline", "member:7f3a", "--json")
    joined = next(event for event in events if event["type"] == "member.joined.v1")
    assert "乔安" not in json.dumps(joined, ensure_ascii=False)


def test_demo__keeps_the_refusal_of_who_proposed_and_would_decide(ask: Ask) -> None:
    events = ask("report", "timeline", "deduction:2609-5", "--json")
    (refused,) = (event for event in events if event["type"] == "command.refused.v1")
    assert (refused["actor"], refused["payload"]["rule"]) == ("member:0a47", "R-DED-04")
