"""The verbs of a history on the command line, as a person types them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.program import program
from api.cli.trial import COMMANDS
from tests.support.demo import demo_in

ORDER = "order:taobao:栖墨图书旗舰店:demo-3"


@pytest.fixture(scope="module", autouse=True)
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The demo's ledger."""
    with demo_in(tmp_path_factory.mktemp("demo")):
        yield


def run(*words: str, code: int = 0, lang: str = "C") -> Result:
    """A command as it is typed."""
    found = CliRunner(env={"LC_ALL": lang}).invoke(program, list(words))
    assert found.exit_code == code, (found.output, found.stderr)
    return found


def as_json(*words: str) -> dict[str, Any]:
    """What a command answers a program."""
    found: dict[str, Any] = json.loads(run(*words, "--json").output)
    return found


def test_log__is_a_line_an_event_and_json_has_all() -> None:
    told = run("log", ORDER).output.splitlines()
    assert told[0].startswith("as of position ")
    assert "review_status pending_review → approved" in "\n".join(told)
    assert told[2].endswith(" more")  # what an order begins with is long
    answer = as_json("log", ORDER)
    assert len(answer["items"]) == len(told) - 2
    assert len(answer["items"][0]["changes"]) > 20
    assert as_json("log", ORDER, "--after", str(answer["items"][-2]["position"]))[
        "items"] == answer["items"][-1:]


def test_blame_bisect_diff_and_show__name_the_event() -> None:
    (due,) = as_json("blame", ORDER, "refunded_minor")["items"]
    assert (due["value"], due["type"]) == (11940, "order.refund_recorded.v1")
    turns = as_json("bisect", ORDER, "refunded_minor>=11940")["items"]
    assert [one["position"] for one in turns] == [due["position"]]
    span = f"{due['position'] - 1}..{due['position']}"
    assert as_json("diff", ORDER, "--positions", span)["items"] == [
        {"field": "payment_status", "before": "paid", "after": "refunded",
         "because": [due["position"]]},
        {"field": "refunded_minor", "before": 3980, "after": 11940,
         "because": [due["position"]]}]
    shown = as_json("show", str(due["position"]))["item"]
    assert (shown["type"], shown["stream"]) == ("order.refund_recorded.v1", ORDER)
    table = run("diff", ORDER, "--positions", span).output
    assert [line.split() for line in table.splitlines()[1:]] == [
        ["field", "before", "after", "because"],
        ["payment_status", "paid", "refunded", str(due["position"])],
        ["refunded_minor", "3980", "11940", str(due["position"])]]
    for words in (("blame", ORDER), ("bisect", ORDER, "paid_minor"), ("show", "2")):
        assert run(*words).output


def test_tables__say_both_times_only_of_what_was_known_late() -> None:
    for words in (("blame", "deduction:2609-7"), ("bisect", "deduction:2609-7", "points<3")):
        rows = as_json(*words)["items"]
        lines = run(*words).output.splitlines()
        told = {row["recorded_at"]: any(row["recorded_at"] in line for line in lines[2:])
                for row in rows}
        assert told == {row["recorded_at"]: row["late"] for row in rows}


def test_show__says_of_what_changed_only_that() -> None:
    """A charge is one of several: those beside it stand in neither its line nor its payload."""
    lines = dict(re.split(r"\s+", line, maxsplit=1)
                 for line in run("show", "2080").output.splitlines())
    assert "charges/deduction:2609-7/points 1" in lines["changes"]
    assert "2609-6" not in lines["changes"]
    assert lines["caused"] == "-" != lines["together"]


def test_diff__of_the_whole_ledger_says_what_is_sealed() -> None:
    note = "what is marked ‹personal› is sealed"
    assert note in run("diff", "--positions", "2121..2124").output
    assert note not in run("diff", "--positions", "2124..2127").output


def test_replay__without_an_event_says_what_it_leaves_open() -> None:
    (dispatched,) = (one["position"] for one in as_json("log", ORDER)["items"]
                     if one["type"] == "order.dispatched.v1")
    told = run("replay", ORDER, "--without", str(dispatched)).output
    assert told.splitlines()[-1].startswith(f"  without the events at {dispatched}")
    assert "order.dispatched.v1" not in told
    found = as_json("diff", ORDER, "--without", str(dispatched))["items"]
    assert {"field": "delivery_status", "before": "dispatched", "after": "unsent",
            "because": [dispatched]} in found


@pytest.mark.parametrize(("words", "code", "said"), [
    (("log", "order:x:y:z"), 1, "nothing_recorded"),
    (("log", "nonsense"), 1, "no_subject"),
    (("blame", ORDER, "price"), 1, "unknown_fact"),
    (("bisect", ORDER, "="), 1, "bad_condition"),
    (("diff", ORDER, "--positions", "3"), 1, "bad_span"),
    (("diff", ORDER, "--positions", "3..x"), 1, "bad_position"),
    (("diff", ORDER, "--recorded", "yesterday.."), 1, "bad_time"),
    (("diff", ORDER, "--positions", "3..4", "--recorded", ".."), 1, "two_recordings"),
    (("diff", ORDER, "--positions", "3..99999999"), 1, "position_beyond_head"),
    (("log", ORDER, "--position", "99999999"), 1, "position_beyond_head"),
    (("log", ORDER, "--occurred-as-of", "2020-01-01"), 1, "nothing_occurred_then"),
    (("replay", ORDER, "--without", "1"), 1, "not_among_them"),
    (("show", "99999999"), 1, "position_beyond_head"),
    (("show", "0"), 2, "POSITION"),
    (("log", ORDER, "--ledger", "other"), 1, "other"),
])
def test_verbs__rejected_with_what_is_wrong(words: tuple[str, ...], code: int, said: str) -> None:
    assert said in run(*words, code=code).stderr


@pytest.mark.parametrize(("words", "head"), [
    (("log", ORDER), "变更"), (("blame", ORDER), "事实"), (("diff", ORDER), "出自位置"),
    (("bisect", ORDER, "paid_minor"), "成立"), (("show", "9"), "叶哈希"),
    (("replay", ORDER), "变更")])
def test_tables__are_headed_in_chinese_where_that_is_spoken(
    words: tuple[str, ...], head: str
) -> None:
    said = run(*words, lang="zh_CN.UTF-8").output
    assert head in said
    assert "column:" not in said


def test_help__is_in_both_languages() -> None:
    for one in COMMANDS:
        assert run(str(one.name), "--help", lang="zh_CN.UTF-8").output != run(
            str(one.name), "--help").output


def test_what_if__of_commands_in_a_file_or_on_stdin(tmp_path: Path) -> None:
    refund = {"command": "order.refund", "order": ORDER, "amount_minor": 100, "reference": "x"}
    file = tmp_path / "commands.json"
    file.write_text(json.dumps([refund]), "utf-8")
    words = ("diff", ORDER, "--positions", "2000..2000", "--with")
    (status, refunded) = as_json(*words, str(file))["items"]
    assert (refunded["before"], refunded["after"], refunded["because"]) == (3980, 4080, [2001])
    assert status["field"] == "payment_status"
    piped = CliRunner(env={"LC_ALL": "C"}).invoke(
        program, [*words, "-", "--json"], input=json.dumps(refund))
    assert json.loads(piped.output)["items"] == [status, refunded]
    last = as_json("replay", ORDER, "--position", "2000", "--with", str(file))["items"][-1]
    assert (last["position"], last["type"]) == (2001, "order.refund_recorded.v1")
    refused = run("diff", ORDER, "--with", str(file), code=1)
    assert "refund_exceeds_payment" in refused.stderr


@pytest.mark.parametrize("verb", ["diff", "replay"])
@pytest.mark.parametrize("text", ["", "[]", "\ufeff\n"])
def test_what_if__rejected_with_a_file_of_no_commands(
    tmp_path: Path, text: str, verb: str
) -> None:
    """R-SUP-02. What is not supposed is no answer to what would be."""
    (file := tmp_path / "none.json").write_text(text, encoding="utf-8")
    found = run(verb, ORDER, "--with", str(file), code=1)
    assert "nothing_supposed" in found.stderr


def test_what_if__says_in_chinese_what_is_supposed() -> None:
    said = run("diff", "month:7f3a:2026-09", "--positions", "2115..2115", "--without", "2080",
               lang="zh_CN.UTF-8").output
    assert "略去位置 2080 的事件" in said
    said = run("diff", "month:7f3a:2026-09", "--policy", "1", lang="zh_CN.UTF-8").output
    assert "制度第 1 版" in said
    assert "as if" not in said


def test_diff__of_the_whole_ledger_names_subjects_facts_and_events() -> None:
    answer = as_json("diff", "--positions", "2115..2127")
    assert answer["as_of"]["before"]["position"] == 2115
    (one,) = (row for row in answer["items"] if row["subject"] == "month:7f3a:2026-09")
    assert (one["events"], one["too_long"]) == ([2120, 2123, 2125, 2127], False)
    assert one["differences"] == as_json(
        "diff", "month:7f3a:2026-09", "--positions", "2115..2127")["items"]
    shown = run("diff", "--positions", "2115..2127").output.splitlines()
    assert len(shown) == 3 + sum(len(row["differences"]) or 1 for row in answer["items"])
    run("diff", "--without", "2080", code=2)
    assert "one_time_for_all" in run("diff", "--occurred", "2026-09-01..2026-09-02", code=1).stderr
