"""How an answer is shown: the same in a file as on the terminal."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from api.cli.commands import report_command
from api.cli.reports import LongAnswer, OptionNotTaken, question, show
from ledger.common.values import MAX_INTEGER
from projections.asking.columns import Column, Kind
from projections.asking.names import OPTIONS, TAKES, takers

AS_OF = {"ledger": "main", "position": 3, "head": 5, "recorded_at": "2026-10-31T15:59:59Z",
         "recorded_as_of": None, "occurred_as_of": None, "open": True, "notes": ["a note"]}

WORTH = {"month": "2026-09", "since": "2026-09-01", "until": "2026-09-02", "day": "2026-09-01"}

NUMBERS = [0, MAX_INTEGER, MAX_INTEGER + 1, -MAX_INTEGER - 1, 2**63, 2**64, -(2**70)]


def answer_of(rows: list[dict[str, Any]], **as_of: Any) -> LongAnswer:
    """An answer as of some position."""
    names = rows[0] if rows else {}
    return LongAnswer({**AS_OF, **as_of}, rows, [Column(name, Kind.TEXT, "") for name in names])


@pytest.mark.parametrize("as_of, said", [
    ({}, "as of position 3 of 5, open: what is recorded later may change it"),
    ({"open": False, "recorded_as_of": "2026-10-31T15:59:59Z"},
     "as of position 3 of 5, recorded up to 2026-10-31T15:59:59Z, closed: it does not change any "
     "more"),
    ({"clock": "ahead"}, "as of position 3 of 5, open: what is recorded later may change it, the "
                         "log's times are ahead of the clock")])
def test_show__says_as_of_when_and_whether_it_is_open(
    as_of: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every form: JSON has the members that it has over HTTP; CSV itself holds rows alone."""
    answer = answer_of([{"number": 1, "also": 2}], **as_of)
    show(answer, "table")
    assert capsys.readouterr().out.splitlines()[:2] == [said, "  a note"]
    show(answer, "csv")
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [said, "  a note"]
    assert shown.out.removeprefix("\ufeff").splitlines() == ["number,also", "1,2"]
    show(answer, "json")
    whole = json.loads(capsys.readouterr().out)
    assert whole == {"as_of": answer.as_of, "items": answer.rows, "next": None}


def test_show__writes_numbers_that_every_reader_keeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever they stand: JSON has one spelling of a number, in a file as on the terminal."""
    answer = answer_of([{"number": one, "also": [{"of": one}]} for one in NUMBERS])
    show(answer, "json")
    shown = json.loads(capsys.readouterr().out)
    for form in ("json", "table"):
        show(answer, form, tmp_path / form)
        assert json.loads((tmp_path / form).read_bytes()) == shown
    assert [row["number"] for row in shown["items"]] == [*NUMBERS[:2], *map(str, NUMBERS[2:])]
    show(answer, "csv", tmp_path / "csv")
    cells = [line.split(",")[0] for line in (tmp_path / "csv").read_text("utf-8-sig").splitlines()]
    assert cells == ["number", *map(str, NUMBERS[:2]), *(f"'{one}" for one in NUMBERS[2:])]


def test_show__writes_the_same_json_row_by_row_as_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"lines": [{"sku": "云\n杉", "parts": []}], "none": None, "items": []}, {"a": {}}, {}]
    for count in range(4):
        answer = answer_of(rows[:count])
        whole = {"as_of": answer.as_of, "items": rows[:count], "next": None}
        show(answer, "json")
        assert capsys.readouterr().out == json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
        show(answer, "json", tmp_path / "json")
        assert (tmp_path / "json").read_bytes() == orjson.dumps(whole, option=orjson.OPT_INDENT_2)


def test_show__pads_the_cells_of_a_table_to_their_widest(
    capsys: pytest.CaptureFixture[str]
) -> None:
    """Chinese characters are two wide; numbers stand to the right; empty columns are left out."""
    show(answer_of([{"name": "云杉", "n": 5, "none": None, "last": "a"},
                    {"name": "x", "n": 1234, "none": None, "last": ""}]), "table")
    assert capsys.readouterr().out.splitlines()[2:] == [
        "name     n  last", "云杉     5  a", "x     1234"]


@pytest.mark.parametrize("name", TAKES)
def test_question__rejected_with_what_the_report_does_not_take(name: str) -> None:
    """An option without effect would pass for an answer to it."""
    for field in OPTIONS:
        fields = {"subject": None, field: WORTH.get(field, "a")}
        if field in TAKES[name]:
            assert getattr(question(name, **fields), field) == fields[field]
            continue
        with pytest.raises(OptionNotTaken) as caught:
            question(name, **fields)
        assert f"takes no {OPTIONS[field]}." in str(caught.value)


@pytest.mark.parametrize("field", [field for field in OPTIONS if field != "subject"])
def test_period_and_every_option__rejected_when_given_twice(field: str) -> None:
    """R-PRJ-31. The first of two values would be dropped without a word."""
    option, value = OPTIONS[field], WORTH.get(field, "a")
    name = next(iter(takers(field)))
    found = CliRunner().invoke(report_command, [name, option, value, option, value])
    assert found.exit_code == 2
    assert f"{option} is given twice" in found.output
