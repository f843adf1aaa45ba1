"""Formulas: what they work out, and that rows of them give it again."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.explaining import formulas
from projections.explaining.formulas import (
    AT_LEAST,
    BAND,
    BANDS,
    FORMULAS,
    GREATEST,
    LEAST,
    LOWEST,
    NUMBER,
    PRODUCT,
    RATIO,
    READ,
    ROUNDING,
    ROUNDING_DOWN,
    SEALED,
    SUM,
    TENTHS,
    Step,
    Where,
    add,
    evaluated,
    less,
    number,
    number_at,
    rows_of,
    step,
)


@pytest.mark.parametrize(("formula", "values", "found"), [
    (SUM, (1, "2.5"), "3.5"), (SUM, (), "0"), (PRODUCT, (3, "0.5"), "1.5"), (PRODUCT, (), "1"),
    (RATIO, (1, 8), "0.125"), (ROUNDING, ("2.25", "0.1"), "2.3"), (ROUNDING, ("-2.25", "0.1"),
                                                                     "-2.3"),
    (ROUNDING_DOWN, ("2.29", "0.1"), "2.2"), (TENTHS, (2,), "0.01"), (TENTHS, (0,), "1"),
    (GREATEST, (0, -3), "0"), (LEAST, (0, -3), "-3"), (AT_LEAST, (2, 2), "1"),
    (LOWEST, (5, -7, 3, -1), "-2"), (LOWEST, (3,), "3"),
    (AT_LEAST, (1, 2), "0"), (SEALED, (7, 8), "7")])
def test_formula__works_out(formula: str, values: Sequence[Any], found: str) -> None:
    assert step(formula, [number(Decimal(one)) for one in values]).value == Decimal(found)


def test_formula__knows_every_name() -> None:
    assert FORMULAS.keys() == {READ, NUMBER, *formulas._WORKED_OUT}


@pytest.mark.parametrize(("score", "found"), [("59.9", "0.5"), ("60", "1"), ("89.99", "1"),
                                              ("90", "1.5"), ("120", "1.5")])
def test_band__is_the_first_that_holds_it(score: str, found: str) -> None:
    bounds: list[dict[str, str]] = [{"below": "60", "coefficient": "0.5"}, {
        "at_least": "60", "below": "90", "coefficient": "1"}, {
        "at_least": "90", "coefficient": "1.5"}]
    bands = [step(BAND, [number(Decimal(value), name) for name, value in one.items()])
             for one in bounds]
    assert step(BANDS, [number(Decimal(score)), *bands]).value == Decimal(found)


def test_sum__is_exact_whatever_its_size() -> None:
    large = 10 ** 40
    assert add([number(large), number(1)]).value == Decimal(large + 1)
    assert less(number(large), number(1)).value == Decimal(large - 1)


@pytest.mark.parametrize(("pointer", "found"), [
    ("", 1), ("/lines", 2), ("/lines/1/quantity", 3), ("/a~1b", 7), ("/rate", "1.50"),
    ("/m~0n", -4)])
def test_number_at__reads_what_stands_there(pointer: str, found: int | str) -> None:
    payload = {"lines": [{"quantity": 2}, {"quantity": 3}], "a/b": 7, "rate": "1.50", "m~n": -4}
    assert number_at(payload, pointer) == Decimal(found)


@pytest.mark.parametrize(("pointer", "error"), [
    ("/none", KeyError), ("/lines/2", IndexError), ("/lines/-1", KeyError), ("/yes", ValueError),
    ("/text", ArithmeticError), ("/lines/0", ValueError)])
def test_number_at__reads_nothing_else(pointer: str, error: type[Exception]) -> None:
    payload = {"lines": [{"quantity": 2}, {}], "yes": True, "text": "taobao"}
    with pytest.raises(error):
        number_at(payload, pointer)


values = st.decimals(-10**6, 10**6, places=2, allow_nan=False)
leaves = st.builds(
    lambda value, at: Step(READ, value, where=Where(at, "order.paid.v1", f"/{at}")),
    values, st.integers(1, 50)) | st.builds(number, values)
trees = st.recursive(leaves, lambda inner: st.builds(
    lambda formula, terms, factor: step(formula, terms).times(factor),
    st.sampled_from((SUM, PRODUCT, GREATEST, LEAST)), st.lists(inner, min_size=1, max_size=4),
    st.sampled_from((-1, 1, 2))), max_leaves=20)


@given(trees)
def test_rows__give_the_value_again(tree: Step) -> None:
    """R-PRJ-43: from the numbers in events, whatever the values of the other rows are."""
    rows = list(rows_of(tree))
    read = {(row["position"], row["pointer"], row["step"]): Decimal(row["value"])
            for row in rows if row["formula"] == READ}
    stands = {key[:2]: value for key, value in read.items()}
    if len({key[:2] for key in read}) < len(read):
        return  # two leaves claim the same place
    wrong = [{**row, "value": "0"} if row["formula"] not in (READ, NUMBER) else row
             for row in rows]
    value = evaluated(wrong, lambda position, pointer: stands[position, pointer])
    assert value == tree.value
