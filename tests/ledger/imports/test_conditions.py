"""The tests that a profile makes of rows, in each way that they are written."""

from typing import Any

import pytest
from marshmallow import ValidationError

from ledger.imports.conditions import OF_RAW, Test, TestOf, passes


@pytest.mark.parametrize(("test", "yes", "no"), [
    ("negative", [-1], [0, 1, None]),
    ("zero", [0], [1, -1, None]),
    ("blank", [None], ["a", 0]),
    ("not_blank", ["a", 0], [None]),
    ("begins POST AGE", ["POST AGE", "POST AGE 2"], ["POST", None]),
    ({"begins": "#"}, ["#note"], ["note #", None]),
    ("equals 合 计", ["合 计"], ["合", "合 计 ", None]),
    ({"equals": "合计"}, ["合计"], ["总计", None]),
    ("matches [A-Z]{2}[0-9]+", ["AB1"], ["AB1x", "xAB1", None]),
    ({"one_of": ["合计", "总计"]}, ["合计", "总计"], ["计", None]),
])
def test_test__holds_for_what_it_says(test: Test, yes: list[Any], no: list[Any]) -> None:
    assert TestOf().deserialize(test) == test
    assert [passes(test)(value) for value in (*yes, *no)] == [True] * len(yes) + [False] * len(no)


@pytest.mark.parametrize("test", [
    "", "begins", "begins ", "equals", "blank x", "one_of A", {"one_of": []}, {"one_of": [1]},
    {"one_of": "A"}, {"equals": 1}, {"equals": "a", "begins": "b"}, {}, 7, None, "matches (",
    {"matches": "["}, {1: "a"}, "is 7",
])
def test_test__rejected_when_it_is_none(test: Any) -> None:
    with pytest.raises(ValidationError):
        TestOf().deserialize(test)


@pytest.mark.parametrize("test", ["negative", "zero"])
def test_test__of_a_cell_that_is_not_read_yet_asks_for_no_number(test: str) -> None:
    with pytest.raises(ValidationError, match="blank, not_blank"):
        TestOf(OF_RAW).deserialize(test)
