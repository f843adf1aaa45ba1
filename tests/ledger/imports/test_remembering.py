"""What is remembered of the cells of a column: the values of those that come again, and ids."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.common.values import to_us
from ledger.imports import profiles, remembering
from ledger.imports.cells import converter
from ledger.imports.faults import BadCell
from ledger.imports.profile import Field
from ledger.imports.remembering import Remembered, Spellings

TMALL = profiles.find("tmall-report")
NOW = to_us(datetime(2026, 11, 24, tzinfo=UTC))


@given(st.lists(st.sampled_from(["", "1", "2.50", "-3", "¥4", "x", f"{'0' * 70}5"]), max_size=30),
       st.integers(1, 4))
def test_cell__has_the_same_value_whenever_it_comes(cells: list[str], most: int) -> None:
    convert = converter(Field(field="it", kind="money"), TMALL, NOW)

    def outcome(read: Callable[[str], object], cell: str) -> object:
        try:
            return read(cell)
        except BadCell as bad:
            return bad.code, bad.details

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remembering, "REMEMBERED", most)
        known = Remembered(convert)
        assert [outcome(known.__getitem__, cell) for cell in cells] == [
            outcome(convert, cell) for cell in cells]
        assert len(known) <= most


def test_cell__is_converted_once_while_it_is_remembered() -> None:
    asked: list[str] = []
    known = Remembered(lambda cell: asked.append(cell) or len(cell))
    long = "a" * (remembering.LONGEST_REMEMBERED + 1)
    assert [known[cell] for cell in ("a", "b", "a", long, long, "b")] == [1, 1, 1, 65, 65, 1]
    assert asked == ["a", "b", long, long]


# -- ids that differ in case -----------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.text("aAbB1é", max_size=3)), max_size=40))
def test_spellings__are_found_once_each_and_only_within_a_column(
    cells: list[tuple[str, str]]
) -> None:
    spellings = Spellings()
    noting = {column: spellings.noting(column, str) for column in ("a", "b")}
    found = []
    for column, text in cells:
        assert noting[column](text) == text
        found += spellings.taken()
    firsts: dict[tuple[str, str], str] = {}
    expected = []
    for column, text in dict.fromkeys(cells):
        first = firsts.setdefault((column, text.casefold()), text)
        if first != text:
            expected.append((column, text, first))
    assert found == expected


def test_spellings__are_kept_in_bounded_memory() -> None:
    spellings = Spellings()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remembering, "MOST_SPELLINGS", 3)
        note = spellings.noting("sku", str)
        for text in ("a", "b", "c", "d", "D", "A"):
            note(text)
    assert spellings.taken() == [("sku", "A", "a")]
