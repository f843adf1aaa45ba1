"""How an answer is shown: the same in a file as on the terminal."""

import json
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
from click.testing import CliRunner

from api.cli import reports
from api.cli.commands import report_command
from api.cli.reports import Layout, LongAnswer, OptionNotTaken, question, show
from ledger.common.days import Days
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


# -- what is shown of an answer -------------------------------------------------------------------

PAID = [{"subject": f"order:taobao:pine:{number}", "currency": "CNY", "paid_minor": 100 * number,
         "payment_status": "paid"} for number in range(1, 4)]
COLUMNS = [Column("subject", Kind.SUBJECT, ""), Column("currency", Kind.CURRENCY, ""),
           Column("paid_minor", Kind.MONEY, ""), Column("payment_status", Kind.CODE, "")]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody reads what is printed."""
    monkeypatch.setattr(reports, "on_terminal", lambda: True)


def orders() -> LongAnswer:
    """An answer of the report of orders."""
    return LongAnswer(AS_OF, PAID, COLUMNS, "orders", Days("Asia/Shanghai"))


def test_show__for_a_program_has_the_values_of_the_data(
    capsys: pytest.CaptureFixture[str]
) -> None:
    show(orders(), "table")
    assert capsys.readouterr().out.splitlines()[2:4] == [
        "subject              currency  paid_minor  payment_status",
        "order:taobao:pine:1  CNY              100  paid"]


def test_show__on_a_terminal_has_words_and_the_usual_columns(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    show(orders(), "table")
    assert capsys.readouterr().out.splitlines()[2:4] == [
        "Subject  Payment status   Paid", "1        paid            ¥1.00"]
    show(orders(), "table", layout=Layout(wide=True))
    assert "Currency" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_show__has_only_the_columns_and_rows_that_are_asked_for(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(orders(), form, layout=Layout(("paid_minor", "subject"), limit=2))
    found = capsys.readouterr()
    assert "2 of 3 rows" in found.err
    assert "CNY" not in found.out
    assert "order:taobao:pine:2" in found.out
    assert "order:taobao:pine:3" not in found.out
    assert found.out.index("paid_minor") < found.out.index("subject")


def test_show__of_some_columns_on_a_terminal_still_knows_the_currency(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    show(orders(), "table", layout=Layout(("paid_minor",)))
    assert "¥2.00" in capsys.readouterr().out


def test_layout__is_read_off_the_options() -> None:
    assert Layout.given("subject, paid_minor", wide=False, limit=2) == Layout(
        ("subject", "paid_minor"), limit=2)
    assert Layout.given(None, wide=False, limit=None) == Layout()


def test_show__rejected_for_a_column_that_the_report_does_not_have() -> None:
    with pytest.raises(click.UsageError, match="no column 'payed'.*paid_minor"):
        show(orders(), "csv", layout=Layout(("payed",)))
    with pytest.raises(click.UsageError, match="--wide is for tables"):
        show(orders(), "json", layout=Layout(wide=True))
