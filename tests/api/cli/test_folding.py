"""Cells and values that are wider than a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from api.cli.folding import GAP, LEAST, fitting, folded


@pytest.mark.parametrize(("text", "width", "lines"), [
    ("", 8, [""]),
    ("lines/1/picked 2 → 0; and 2 more", 20, ["lines/1/picked 2 →", " 0; and 2 more"]),
    ("appeals/member:7f3a/decided_at", 13, ["appeals/", "member:7f3a/", "decided_at"]),
    ("2026-09-30T15:59:59.000088Z", 13, ["2026-09-30", "T15:59:59", ".000088Z"]),
    ("CS-ONLINE-STATUS", 12, ["CS-ONLINE-", "STATUS"]),
    ("order.picked.v1", 9, ["order.", "picked.v1"]),
    ("92.4330375", 8, ["92.43303", "75"]),
    ("栖墨图书旗舰店", 9, ["栖墨图书", "旗舰店"])])
def test_folded__at_the_seams_of_what_is_too_wide(text: str, width: int, lines: list[str]) -> None:
    assert [line.lstrip() for line in folded(text, width)] == [line.lstrip() for line in lines]


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z", "M"))),
       st.integers(2, 40))
def test_folded__loses_nothing_and_is_never_too_wide(text: str, width: int) -> None:
    lines = folded(text, width)
    assert "".join(lines) == text
    assert all(cell_len(line) <= width for line in lines)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=9), st.integers(40, 200))
def test_fitting__takes_from_the_widest_until_all_have_room(widths: list[int], room: int) -> None:
    found = fitting(widths, room)
    assert all(new == old or new >= LEAST for new, old in zip(found, widths, strict=True))
    most = max(found)
    assert all(new in (old, most) for new, old in zip(found, widths, strict=True))
    assert sum(found) + GAP * (len(widths) - 1) <= room or most <= LEAST
