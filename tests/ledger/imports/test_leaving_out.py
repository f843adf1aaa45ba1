"""Rows that a profile leaves out: counted, and never one that it does not say."""

import time
from typing import Any

import pytest

from ledger.imports.conditions import Test
from ledger.imports.leaving_out import LeftOut, is_total, leaving_out
from ledger.imports.profile import Field, File

COLUMNS = {"Nr": (Field(field="number", kind="id"),), "Note": (Field(field="note", kind="text"),)}


def leaves(*ignored_rows: dict[str, Test]) -> Any:
    """What says whether a row is left out, of a file with three columns."""
    file = File(kind="orders", columns=COLUMNS, ignored=frozenset({"Sum"}),
                ignored_rows=ignored_rows)
    return leaving_out(file, {"Nr": 0, "Note": 1, "Sum": 2})


@pytest.mark.parametrize(("rules", "cells", "out"), [
    ([{"number": "equals 合计"}], [" 合计 ", "", "5"], True),
    ([{"Nr": "equals 合计"}], ["合计"], True),
    ([{"number": "equals 合计"}], ["合", "合计", "合计"], False),
    ([{"number": "blank", "Sum": "not_blank"}], ["", "x", "5"], True),
    ([{"number": "blank", "Sum": "not_blank"}], ["", "x", " "], False),
    ([{"number": "begins #"}, {"note": {"one_of": ["a", "b"]}}], ["1", "b", ""], True),
    ([{"Sum": "blank"}], ["1"], True),
    ([{"number": "matches [0-9]+ rows"}], ["12 rows"], True),
])
def test_row__is_left_out_by_the_tests_of_one_entry(
    rules: list[dict[str, Test]], cells: list[str], out: bool
) -> None:
    assert leaves(*rules)(cells) is out


def test_rows__that_are_left_out_are_counted() -> None:
    left = LeftOut(leaves({"number": "equals T"}))
    assert [left.takes(number, [cell]) for number, cell in enumerate("aTbT", 2)] == [
        False, True, False, True]
    assert (left.count, left.first) == (2, 3)


def test_none__is_left_out_where_nothing_says_so() -> None:
    assert leaves() is None
    assert not LeftOut().takes(2, ["合计"])


def test_none__is_left_out_by_a_column_that_is_missing() -> None:
    rules = ({"Nr": "not_blank", "note": "blank"},)
    file = File(kind="orders", columns=COLUMNS, ignored_rows=rules)
    assert leaving_out(file, {"Nr": 0}) is None


@pytest.mark.parametrize("text", [
    "合计", " 总 计：", "Total", "total : ", "GRAND TOTAL:", "Sub-total", "小计", "合計"])
def test_total__is_known_by_its_word(text: str) -> None:
    assert is_total(text)


@pytest.mark.parametrize("text", ["", "合计1", "A合计", "total-1", "TOTALLY", "计"])
def test_total__is_not_what_only_holds_its_word(text: str) -> None:
    assert not is_total(text)


def test_total__is_looked_for_once_however_many_blanks_there_are() -> None:
    began = time.process_time()
    assert not is_total(f"total{' ' * 130_000}x")
    assert not is_total(f"total{' ' * 65_000}:{' ' * 65_000}x")
    assert time.process_time() - began < 1
