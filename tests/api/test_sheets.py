"""Files for spreadsheet programs: nothing is a formula, decimals are numbers, names stay names."""

import csv
import io
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from api import sheets

ROWS = [{"number": "007", "score": "87.5", "what": "=HYPERLINK(1)", "sealed": True, "none": None,
         "terms": [{"a": 1}], "count": 3, "loss": "-2.5"}]
NAMES = list(ROWS[0])


def read(raw: bytes) -> dict[str, list[list[Any]]]:
    """The sheets of a workbook."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_xlsx__holds_numbers_and_texts() -> None:
    told = read(sheets.as_xlsx({"scores": (NAMES, ROWS)}, {"position": 7, "notes": ["open"]}))
    assert told["scores"] == [NAMES, ["007", 87.5, "=HYPERLINK(1)", True, "", '[{"a":1}]', 3.0,
                                      -2.5]]
    assert told["as of"] == [["position", "7"], ["notes", '["open"]']]


def test_xlsx__keeps_the_digits_of_what_a_cell_would_round() -> None:
    rows = [{"sum": 2**53 - 1, "more": -2**53, "terms": {"of": 2**70}}]
    told = read(sheets.as_xlsx({"orders": (list(rows[0]), rows)}))
    assert told["orders"][1] == [2**53 - 1, str(-2**53), f'{{"of":"{2**70}"}}']


def test_xlsx__is_the_same_bytes_for_the_same_rows() -> None:
    tables = {"scores": (NAMES, ROWS)}
    assert sheets.as_xlsx(tables) == sheets.as_xlsx(tables)


@pytest.mark.parametrize("text", ["=1", "+1+1", "-x", "@a", "\tx", "\rx"])
def test_csv__neutralises_formulas(text: str) -> None:
    told = sheets.as_csv([{"a": text}], ["a"]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(told, newline=""))) == [["a"], [f"'{text}"]]


def test_csv__leaves_decimals_alone() -> None:
    assert sheets.as_csv([{"a": "-2.5"}], ["a"]).decode("utf-8-sig") == "a\r\n-2.5\r\n"
