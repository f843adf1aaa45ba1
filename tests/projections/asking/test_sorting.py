"""Lists come in the order that is asked for; a page goes on behind the last row that was seen."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import CursorResult

from ledger.common.errors import LedgerError
from ledger.common.values import to_us
from ledger.settings import open_ledger
from projections.asking.columns import Kind, columns_of
from projections.asking.filters import UnknownWord
from projections.asking.names import DOWN, ORDERS
from projections.asking.questions import PRESENT, Question
from projections.asking.sorting import Sort, orders_of, sort_of
from projections.asking.typed import type_of
from projections.catalogue import PROJECTIONS
from projections.orders.answers import OrderRow
from projections.reports import REPORTS
from projections.store.models import ReadModels
from tests.support.demo import demo_in

ABOUT = {"stock-card": "sku:QM-001", "prices": "sku:QM-001"}
"""Reports that are always about a subject, with one of the demo."""

LEVELS = {"quantity", "available", "on_hand", "closing", "issued", "received", "score"}
"""What may become another of a row, and still be sorted by: its pages are as of one position, which
costs no more where the rows keep the past."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadModels]:
    """The read models of the demo."""
    with demo_in(tmp_path_factory.mktemp("demo")) as settings, closing(
            open_ledger(settings)) as opened, closing(
            ReadModels(opened.store, PROJECTIONS)) as models:
        models.catch_up("main")
        yield models


@pytest.mark.parametrize("name", ORDERS)
def test_orders__are_by_columns_that_everybody_sees_and_that_are_there(name: str) -> None:
    """What some do not see, or nobody may see sealed, would show by the place of its row."""
    columns = {one.name: one for one in columns_of(type_of(REPORTS[name]).row)}
    order = ORDERS[name]
    used = {one.removeprefix(DOWN) for one in (*order.by, *order.key)}
    assert set(order.moving) <= LEVELS
    for one in (*used, *order.moving):
        assert columns[one].kind not in (Kind.WRITTEN, Kind.OBJECT, Kind.MAP, Kind.ANY, Kind.MONEY)
        assert not columns[one].many
        assert not columns[one].optional
        assert not columns[one].nullable or one in order.moving, one


def test_orders__of_what_has_a_time_begin_with_the_newest() -> None:
    for name, order in ORDERS.items():
        row = columns_of(type_of(REPORTS[name]).row)
        timed = {one.name for one in row if one.kind is Kind.TIME and not one.nullable} - {
            "recorded_at"}
        if timed and name != "stock-card":
            assert order.by[0].startswith(DOWN), name


def rank(value: Any) -> Any:
    """A value as people sort it: said here in another way than the reports do."""
    if isinstance(value, str) and value[:1].isdigit() and value.endswith("Z"):
        return to_us(datetime.fromisoformat(value))
    try:
        return Decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        return value


@pytest.mark.parametrize("name", ORDERS)
def test_rows__of_the_demo_come_as_they_are_asked_for_and_go_on_behind_each(
    demo: ReadModels, name: str
) -> None:
    report, declared = REPORTS[name], type_of(REPORTS[name])
    whole = report(demo, "main", Question(subject=ABOUT.get(name))).rows
    keys = [tuple(row[one] for one in ORDERS[name].key) for row in whole]
    assert len(set(keys)) == len(keys)
    for word in orders_of(name):
        asked = Question(subject=ABOUT.get(name), sort=word)
        rows, sort = report(demo, "main", asked).rows, sort_of(name, declared.row, asked)
        column = word.removeprefix(DOWN)
        known = [row[column] for row in rows if row[column] is not None]
        ranked = sorted(known, key=rank, reverse=word.startswith(DOWN))
        assert list(map(rank, known)) == list(map(rank, ranked)), word
        assert rows[:len(known)] == [row for row in rows if row[column] is not None]
        assert sorted(map(repr, rows)) == sorted(map(repr, whole))
        for at in {0, len(rows) // 2, len(rows) - 1} & set(range(len(rows))):
            place = sort.place(rows[at])
            assert sort.behind(rows, place) == rows[at + 1:]
            if declared.in_pages:
                page = report(demo, "main", asked._replace(beyond=tuple(place), limit=2)).rows
                assert page == rows[at + 1:at + 3], word


def test_sort__rejected_by_a_column_that_there_is_not() -> None:
    """R-PRJ-35."""
    for word in ("colour", "--placed_at", "total_minor", "", "placed_at,subject", "-"):
        with pytest.raises(UnknownWord) as caught:
            sort_of("orders", OrderRow, PRESENT._replace(sort=word))
        assert caught.value.details["known"] == "-placed_at, placed_at, subject, -subject"


def test_sort__rejected_before_anything_is_read(demo: ReadModels) -> None:
    for name in ORDERS:
        with pytest.raises(LedgerError) as caught:
            REPORTS[name](demo, "main", Question(subject=ABOUT.get(name), sort="weather"))
        assert caught.value.code == "unknown_word"


def test_times__are_not_sorted_as_texts() -> None:
    """A text with a part of a second would come before the one without."""
    sort = sort_of("orders", OrderRow, PRESENT)
    rows = [{"placed_at": f"2026-10-01T00:00:0{at}Z", "subject": "a"} for at in ("1", "1.5", "2")]
    assert isinstance(sort, Sort)
    assert sort.sorted(rows) == rows[::-1]



@pytest.mark.parametrize("name", sorted(
    name for name in ORDERS if type_of(REPORTS[name]).in_pages))
def test_page__is_cut_by_the_database(
    demo: ReadModels, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows there are, a page takes no more of them than it has, by one statement."""
    taken: list[int] = []
    fetch = CursorResult.fetchmany

    def counted(result: Any, size: int | None = None) -> Any:
        rows = fetch(result, size)
        taken.append(len(rows))
        return rows

    whole = len(REPORTS[name](demo, "main", Question(subject=ABOUT.get(name))).rows)
    monkeypatch.setattr(CursorResult, "fetchmany", counted)
    rows = REPORTS[name](demo, "main", Question(subject=ABOUT.get(name), limit=3)).rows
    assert len(rows) == min(3, whole)
    assert sum(taken) <= 6, taken  # a row that nobody wants is left out, such as one of the queues
