"""Files for spreadsheet programs: nothing is a formula, decimals are numbers, names stay names."""

import csv
import io
from datetime import date, datetime
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from api import sheets
from api.labels import label
from ledger.common.days import Days
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
    assert told["scores"][0] == [label(name) for name in NAMES]
    assert told["scores"][1:] == [["007", 87.5, "=HYPERLINK(1)", True, "", '[{"a":1}]', 3.0,
                                   -2.5, "10.5"]]
    assert told["as of"] == [["position", "7"], ["notes", '["open"]']]
    assert told["columns"][:2] == [["Number", "number"], ["Score", "score"]]


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


def test_labels__head_workbooks_beside_the_names_and_never_csv(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"sku": "A", "total_minor": 5}]
    named = [*columns("sku"), Column("total_minor", Kind.MONEY, "")]
    assert read(sheets.as_xlsx({"orders": (named, rows)})) == {
        "orders": [["SKU", "total_minor"], ["A", 5.0]],
        "columns": [["SKU", "sku"], ["total_minor", "total_minor"]]}
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert read(sheets.as_xlsx({"orders": (named, rows)})) == {
        "orders": [["SKU", "应付（最小单位）"], ["A", 5.0]],
        "columns": [["SKU", "sku"], ["应付（最小单位）", "total_minor"]]}
    assert sheets.as_csv(rows, named).decode("utf-8-sig") == "sku,total_minor\r\nA,5\r\n"


MONEY = [Column("number", Kind.TEXT, ""), Column("currency", Kind.CURRENCY, ""),
         Column("total_minor", Kind.MONEY, ""), Column("paid_at", Kind.TIME, ""),
         Column("day", Kind.DAY, "")]


def paid(number: str, minor: int | str | None, currency: str = "CNY") -> dict[str, Any]:
    """A row with an amount and times."""
    return {"number": number, "currency": currency, "total_minor": minor,
            "paid_at": "2026-09-30T17:46:21.500000Z", "day": "2026-10-01"}


def test_xlsx__has_amounts_in_whole_units_dates_by_the_shops_clock_and_a_sum(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [paid("1", 17550), paid("2", -50), paid("3", None)]
    shanghai = Days("Asia/Shanghai")
    found = read(sheets.as_xlsx({"orders": (MONEY, rows)}, days=shanghai))["orders"]
    moment = datetime.fromisoformat("2026-10-01T01:46:21.500000")
    assert found == [
        ["Number", "Currency", "Total", "Paid at", "Day"],
        ["1", "CNY", 175.5, moment, date(2026, 10, 1)],
        ["2", "CNY", -0.5, moment, date(2026, 10, 1)],
        ["3", "CNY", "", moment, date(2026, 10, 1)], ["Total", "", 175.0, "", ""]]
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    found = read(sheets.as_xlsx({"orders": (MONEY, rows)}, days=shanghai))["orders"]
    assert (found[0][2], found[-1][0]) == ("应付", "合计")


def test_xlsx__without_the_days_of_a_shop_has_times_as_they_are() -> None:
    assert read(sheets.as_xlsx({"orders": (MONEY, [paid("1", 5)])}))["orders"][1][3] == (
        "2026-09-30T17:46:21.500000Z")


def test_xlsx__adds_up_no_currencies_and_no_prices() -> None:
    two = [paid("1", 5), paid("2", 5, "JPY")]
    assert read(sheets.as_xlsx({"orders": (MONEY, two)}))["orders"][1:] == [
        ["1", "CNY", 0.05, two[0]["paid_at"], date(2026, 10, 1)],
        ["2", "JPY", 5.0, two[0]["paid_at"], date(2026, 10, 1)]]
    assert len(read(sheets.as_xlsx({"prices": (MONEY, two[:1])}))["prices"]) == 2


def test_xlsx__keeps_the_digits_of_amounts_that_a_cell_would_round() -> None:
    found = read(sheets.as_xlsx({"orders": (MONEY, [paid("1", "12345678901234567890")])}))
    assert [row[2] for row in found["orders"]] == [
        "Total", "123456789012345678.90", "123456789012345678.90"]


def test_xlsx__has_its_heads_and_filters_without_any_row() -> None:
    raw = sheets.as_xlsx({"orders": (MONEY, [])})
    assert read(raw)["orders"] == [["Number", "Currency", "Total", "Paid at", "Day"]]
    with ZipFile(io.BytesIO(raw)) as parts:
        assert b'<autoFilter ref="A1:E1"/>' in parts.read("xl/worksheets/sheet1.xml")
