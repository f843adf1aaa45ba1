"""Plots: where values lie, which ticks they have, and that nothing in them is markup or style."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.console.plots import (
    MANY,
    STRETCHES,
    WIDTH,
    Mark,
    Series,
    Words,
    bars,
    line,
    spread_ticks,
    steps,
    thinned,
    time_ticks,
    whole_ticks,
)
from api.console.words import money
from ledger.common.days import Days

SHANGHAI = Days("Asia/Shanghai")
STOCK = Words("stock", "Stock of QM-001", "On hand and available")
SVG = "{http://www.w3.org/2000/svg}"


def at(minutes: float) -> str:
    """A time so many minutes after the beginning of a day in Shanghai."""
    return (datetime(2026, 9, 26, 16, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat()


def drawn(plot: str) -> ElementTree.Element:
    """A plot as a tree; it is well formed, and has no style or script of its own."""
    assert not re.search(r"\bstyle=|<style|<script|\bon\w+=|nan|inf|None", plot)
    return ElementTree.fromstring(plot)


def texts(plot: str) -> list[str]:
    """What is written in a plot."""
    return ["".join(one.itertext()) for one in drawn(plot).iter("text")]


def of_class(plot: str, name: str) -> list[ElementTree.Element]:
    """What is drawn in a class."""
    return [one for one in drawn(plot).iter() if name in one.get("class", "").split()]


def titles(plot: str) -> list[str]:
    """What is said of single things in a plot."""
    return ["".join(one.itertext()) for one in drawn(plot).iter("title")][1:]


# -- steps ----------------------------------------------------------------------------------------

def test_steps__hold_a_value_up_to_the_next_one() -> None:
    plot = steps([Series("on-hand", "On hand", [(at(0), 12), (at(60), 9), (at(120), 9)])],
                 STOCK, SHANGHAI, until=at(240))
    path = of_class(plot, "plot-on-hand")[0].get("d", "")
    first, down, end = re.fullmatch(r"M([\d.]+) [\d.]+H([\d.]+)V[\d.]+H([\d.]+)", path).groups()
    assert float(end) == WIDTH - 12
    assert float(down) - float(first) == pytest.approx((float(end) - float(first)) / 4, abs=0.2)


def test_steps__of_two_quantities_with_marks() -> None:
    plot = steps(
        [Series("on-hand", "On hand", [(at(0), 3)]), Series("available", "Available", [
            (at(0), 3), (at(30), -2)])],
        STOCK, SHANGHAI, marks=[Mark(at(30), "discrepancy", "Below zero", -2),
                                Mark(at(50), "notice", "Low"), Mark(at(-50), "notice", "Before")],
        until=at(600))
    assert {"On hand", "Available"} <= {*texts(plot)}
    assert titles(plot) == ["Below zero", "Low"]
    assert [len(of_class(plot, name)) for name in (
        "plot-on-hand", "plot-available", "plot-discrepancy", "plot-notice", "plot-zero")] == [
            2, 2, 1, 1, 1]


def test_steps__say_what_they_are_to_those_who_do_not_see_them() -> None:
    root = drawn(steps([Series("a", "A", [(at(0), 1)])], STOCK, SHANGHAI))
    assert root.get("role") == "img"
    named = {one.get("id"): one.text for one in root if one.get("id")}
    assert [named[name] for name in root.get("aria-labelledby", "").split()] == [
        STOCK.title, STOCK.about]


def test_steps__of_nothing_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    none = steps([Series("a", "A", [])], STOCK, SHANGHAI)
    assert none == bars([], STOCK) == line([("2026-09", None)], STOCK)
    assert "nothing to show" in none
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "暂无数据" in bars([], STOCK)


def test_plots__escape_all_that_is_written_in_them() -> None:
    bad = '<script>"\'&'
    words = Words("a", bad, bad)
    for plot in (steps([Series("x", bad, [(at(0), 1)])], words, SHANGHAI,
                       marks=[Mark(at(0), "notice", bad)]),
                 bars([(bad, 1)], words), line([(bad, 1)], words)):
        assert "<script" not in plot
        assert drawn(plot).find("title").text == bad  # type: ignore[union-attr]


def test_steps__of_very_many_points_stay_small_and_keep_extremes() -> None:
    points = [(at(number), number % 7) for number in range(100_000)]
    points[54_321] = points[54_321][0], 900
    points[70_000] = points[70_000][0], -40
    plot = steps([Series("a", "A", points)], STOCK, SHANGHAI)
    assert len(plot) < 40_000
    path = of_class(plot, "plot-a")[0].get("d", "")
    heights = [float(y) for y in re.findall(r"V([\d.]+)", path)]
    ordinary = heights[5]
    assert min(heights) < ordinary - 80  # 900 pieces
    assert max(heights) > ordinary + 3  # 40 below zero


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=9000))
def test_thinned__keeps_ends_and_extremes(values: list[int]) -> None:
    points = [(float(number), float(value)) for number, value in enumerate(values)]
    kept = thinned(points)
    assert len(kept) <= max(MANY, 4 * (STRETCHES + 1))
    assert [kept[0], kept[-1]] == [points[0], points[-1]]
    assert list(kept) == sorted(set(kept))
    assert {max(y for _, y in kept), min(y for _, y in kept)} == {max(values), min(values)}


# -- bars and lines -------------------------------------------------------------------------------

def test_bars__are_a_value_a_day() -> None:
    sales = [(f"2026-09-{day:02d}", day * 10_000) for day in range(1, 31)]
    plot = bars(sales, Words("sales", "Sales"), shown=lambda minor: money(str(minor), "CNY"))
    assert titles(plot)[-1] == "2026-09-30: ¥3,000.00"
    assert len(of_class(plot, "plot-bar")) == 30
    written = texts(plot)
    assert {"¥0", "¥1,000", "¥3,000", "09-01", "09-26"} <= {*written}
    assert len(written) <= 14


def test_bars__below_zero_hang_from_it() -> None:
    up, none, down = of_class(bars([("a", 10), ("b", 0), ("c", -5)], STOCK), "plot-bar")
    zero = float(up.get("y", "")) + float(up.get("height", ""))
    assert float(down.get("y", "")) == pytest.approx(zero, abs=0.1)
    assert float(none.get("height", "")) == 0


def test_line__has_gaps_where_nothing_is_known() -> None:
    plot = line([("2026-05", Decimal("80.5")), ("2026-06", None), ("2026-07", Decimal("91")),
                 ("2026-08", Decimal("88.25"))], STOCK, bound=Decimal(60))
    path = of_class(plot, "plot-score")[0].get("d", "")
    assert re.fullmatch(r"M[\d.]+ [\d.]+M[\d.]+ [\d.]+L[\d.]+ [\d.]+", path)
    assert titles(plot) == ["2026-05: 80.5", "2026-07: 91", "2026-08: 88.25"]
    assert len(of_class(plot, "plot-bound")) == 1


# -- axes -----------------------------------------------------------------------------------------

@pytest.mark.parametrize(("values", "ticks"), [
    ([0], [0, 1]), ([0, 3], [0, 1, 2, 3]), ([0, 12], [0, 5, 10, 15]),
    ([-3, 12], [-5, 0, 5, 10, 15]), ([0, 400_000], [0, 100_000, 200_000, 300_000, 400_000]),
    ([5], [4, 5, 6])])
def test_whole_ticks__are_round_and_whole(values: list[float], ticks: list[float]) -> None:
    assert whole_ticks(values) == ticks


def test_spread_ticks__begin_near_the_lowest_value() -> None:
    assert spread_ticks([80.5, 91]) == [80, 85, 90, 95]
    assert spread_ticks([0.1, 0.2]) == [0.1, 0.15, 0.2] or spread_ticks([0.1, 0.2])[0] == 0.1


@given(st.lists(st.floats(-1e12, 1e12), min_size=1))
def test_ticks__hold_all_values_and_are_few(values: list[float]) -> None:
    for ticks in (whole_ticks(values), spread_ticks(values)):
        assert ticks[0] <= min(values)
        assert ticks[-1] >= max(values)
        assert 2 <= len(ticks) <= 7


@pytest.mark.parametrize(("minutes", "said"), [
    (3 * 60, ["09-27", "01:00"]), (36 * 60, ["06:00", "18:00"]),
    (4 * 1440, ["09-28"]), (80 * 1440, ["10-11"]),
    (90 * 1440, ["2026-10", "2026-12"]), (400 * 1440, ["2026-10", "2027-01"]),
    (365 * 9 * 1440, ["2028", "2030"])])
def test_time_ticks__suit_the_span(minutes: int, said: list[str]) -> None:
    begin = datetime.fromisoformat(at(0)).timestamp()
    found = time_ticks(begin, begin + minutes * 60, SHANGHAI)
    assert {*said} <= {text for _, text in found}
    assert 2 <= len(found) <= 8
    assert [time for time, _ in found] == sorted({time for time, _ in found})


def test_time_ticks__of_hours_name_the_day_at_midnight() -> None:
    begin = datetime.fromisoformat(at(-120)).timestamp()
    assert "09-27" in {said for _, said in time_ticks(begin, begin + 6 * 3600, SHANGHAI)}
