"""What a client's JSON says: a number is whole by its value, exactly."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.common.decoding import sent_json

JSON_NUMBER = r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?"


@given(st.from_regex(JSON_NUMBER, fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_number__is_whole_if_its_value_is(text: str) -> None:
    found, value = sent_json(text), Decimal(text)
    assert (type(found) is int) == (value == value.to_integral_value() and value.adjusted() < 19)
    assert type(found) is not int or found == value


@pytest.mark.parametrize(("text", "expected"), [
    ("1770.0", 1770), ("1.77e3", 1770), ("1770e-1", 177), ("-0.0", 0), ("12.9", 12.9),
    ("0.99999999999999999999", 1.0), ("9007199254740990.6", 9007199254740991.0),
    ('["1.0", {"1.0": 1.0}]', ["1.0", {"1.0": 1}]), ("1e999999999999999999999", float("inf")),
    ("1e-999999999999999999999", 0.0), ("9" * 100_000, float("inf"))])
def test_number__is_never_rounded_to_a_whole_one(text: str, expected: Any) -> None:
    found = sent_json(text)
    assert (found, type(found)) == (expected, type(expected))
