"""Files for spreadsheet programs: nothing is a formula, decimals are numbers, names stay names."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from api import sheets
from projections.asking.columns import Column, Kind

ROWS = [{"number": "007", "score": "87.5", "what": "=HYPERLINK(1)", "sealed": True, "none": None,
         "terms": [{"a": 1}], "count": 3, "amount": "-2.5", "sku": "10.5"}]
KINDS = {"score": Kind.DECIMAL, "amount": Kind.DECIMAL, "sealed": Kind.TRUTH, "count": Kind.WHOLE,
         "day": Kind.DAY, "month": Kind.MONTH, "start": Kind.CLOCK}
"""What the columns hold that hold no texts."""


def columns(*names: str) -> list[Column]:
    """The columns of these names."""
    return [Column(name, KINDS.get(name, Kind.TEXT), "") for name in names]


NAMES = list(ROWS[0])
COLUMNS = columns(*NAMES)


def read(raw: bytes) -> dict[str, list[list[Any]]]:
    """The sheets of a workbook."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_xlsx__holds_numbers_and_texts() -> None:
    told = read(sheets.as_xlsx({"scores": (COLUMNS, ROWS)}, {"position": 7, "notes": ["open"]}))
    assert told["scores"] == [NAMES, ["007", 87.5, "=HYPERLINK(1)", True, "", '[{"a":1}]', 3.0,
                                      -2.5, "10.5"]]
    assert told["as of"] == [["position", "7"], ["notes", '["open"]']]


def test_xlsx__keeps_the_digits_of_what_a_cell_would_round() -> None:
    rows = [{"sum": 2**53 - 1, "more": -2**53, "terms": {"of": 2**70}}]
    told = read(sheets.as_xlsx({"orders": (columns(*rows[0]), rows)}))
    assert told["orders"][1] == [2**53 - 1, str(-2**53), f'{{"of":"{2**70}"}}']


def test_xlsx__is_the_same_bytes_for_the_same_rows() -> None:
    tables = {"scores": (COLUMNS, ROWS)}
    assert sheets.as_xlsx(tables) == sheets.as_xlsx(tables)


def test_xlsx__shows_that_a_text_is_too_long_for_a_cell() -> None:
    told = read(sheets.as_xlsx({"orders": (columns("remark"), [{"remark": "x" * 40_000}])}))
    (_, (found,)) = told["orders"]
    assert (len(found), found[-1]) == (32_767, "…")


@pytest.mark.parametrize("text", ["=1", "+1+1", "-x", "@a", "\tx", "\rx", "\nx", "＝1", "＠a"])
def test_csv__neutralises_formulas(text: str) -> None:
    told = sheets.as_csv([{"a": text}], columns("a")).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(told, newline=""))) == [["a"], [f"'{text}"]]


def cell(value: Any, name: str = "sku") -> str:
    """What CSV has for a value."""
    told = sheets.as_csv([{name: value}], columns(name)).decode("utf-8-sig")
    _, (found,) = csv.reader(io.StringIO(told, newline=""))
    return found


def test_csv__leaves_numbers_alone() -> None:
    assert cell("-2.5", "amount") == "-2.5"
    assert (cell(-5), cell(123_456_789_012)) == ("-5", "123456789012")
    assert cell(2**53) == f"'{2**53}"


@pytest.mark.parametrize("text", [
    "2022072512345928259", "0012345678901234", "1234567890123456", "123456789012", "0012", "007",
    "3E5", "1e10", "10.50", "10.5", "1,000", "1-2", "1/2", "5%", "12:30", "3 PM", "(5)", " 12",
    "2026-09-01", "MAR1", "1-Dec", "SEPT2", "9月1日", "2026年9月", "-2.5", "'x", "'0012"])
def test_csv__keeps_texts_that_a_spreadsheet_would_change(text: str) -> None:
    """hutool#2477, react-csv#136: order numbers lost their last digits."""
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", [
    "12", "0", "13900000000", "A1", "QM-LS406-P", "order:c:s:1", "2026-09-01T02:00:00Z", "顺丰",
    "", "decor", "march 12b", "e", "MARS1"])
def test_csv__leaves_texts_alone_that_no_spreadsheet_changes(text: str) -> None:
    assert cell(text) == text


@given(text=st.text(st.sampled_from("0123456789.,-+=@'\tEe:/年月ab \u4e91")))
def test_csv__has_each_text_behind_at_most_one_mark(text: str) -> None:
    """Whoever takes one ' from the beginning has the text itself."""
    assert cell(text, "title").removeprefix("'") == text


def test_csv__leaves_days_and_months_in_their_columns() -> None:
    assert (cell("2026-09-01", "day"), cell("2026-09", "month"), cell("08:30", "start")) == (
        "2026-09-01", "2026-09", "08:30")


def test_csv__names_its_columns_without_any_row_and_leaves_out_none() -> None:
    """Whatever is missing in a row that may be missing, the columns are the same."""
    told = sheets.as_csv([], columns("sku", "score")).decode("utf-8-sig")
    assert told == "sku,score\r\n"
    told = sheets.as_csv([{"score": "1"}], columns("sku", "score")).decode("utf-8-sig")
    assert told == "sku,score\r\n,1\r\n"


def test_labels__head_workbooks_in_chinese_beside_the_names_and_never_csv(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"sku": "A", "total_minor": 5}]
    named = columns("sku", "total_minor")
    assert read(sheets.as_xlsx({"orders": (named, rows)})) == {
        "orders": [["sku", "total_minor"], ["A", 5.0]]}
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert read(sheets.as_xlsx({"orders": (named, rows)})) == {
        "orders": [["SKU", "应付（最小单位）"], ["A", 5.0]],
        "columns": [["SKU", "sku"], ["应付（最小单位）", "total_minor"]]}
    assert sheets.as_csv(rows, named).decode("utf-8-sig") == "sku,total_minor\r\nA,5\r\n"
