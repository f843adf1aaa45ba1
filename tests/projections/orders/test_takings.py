"""Figures of a period: every order, payment, refund and paper in the period of its own time."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from ledger.application import Ledger
from ledger.common.days import month_of
from ledger.common.errors import Invalid
from ledger.common.moments import Moment
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.orders.commands import AssignOrder, PayOrder
from ledger.orders.values import Amounts
from ledger.settings import Settings, open_ledger
from ledger.writing.genesis import begun
from projections import reports
from projections.asking.clocks import NOW, AsOf
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.orders.takings import WAYS
from projections.store.models import ReadModels
from tests.support.builders import NOON, line, place, stream
from tests.support.days import day_of
from tests.support.projecting import (
    correct,
    histories,
    naive,
    naive_total,
    put,
    tell,
    try_all,
)
from tests.support.thorough import tried

SEPTEMBER, OCTOBER = {"month": "2026-09"}, {"month": "2026-10"}
LAST = datetime(2026, 9, 30, 15, 59, 59, 999999, tzinfo=UTC)
"""The last instant of September in the shop."""

FIRST = datetime(2026, 8, 31, 16, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    opened = ReadModels(store, PROJECTIONS)
    yield opened
    opened.close()


def rows(models: ReadModels, name: str, **question: Any) -> list[dict[str, Any]]:
    """The rows of a report."""
    return reports.run(models, "main", name, Question(**question)).rows


def sold(number: int, minor: int, at: datetime, **more: Any) -> Any:
    """A declared order of one total."""
    return tell(number, amounts=Amounts(total_minor=minor), placed=Moment(at), **more)


def test_period__takes_its_first_and_last_instant_and_no_other(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, sold(1, 1, FIRST - TICK), sold(2, 10, FIRST), sold(3, 100, LAST),
        sold(4, 1000, LAST + TICK))

    for period in (SEPTEMBER, {"since": "2026-09-01", "until": "2026-09-30"}):
        (row,) = rows(models, "reconciliation", **period)
        assert (row["orders"], row["total_minor"]) == (2, 110)
        for name in ("orders", "fulfilment"):
            assert [one["subject"] for one in rows(models, name, **period)] == [
                stream(3), stream(2)]
        (row,) = rows(models, "revenue", **period)
        assert (row["orders"], row["total_minor"]) == (2, 110)


def test_period__has_payments_and_refunds_by_their_own_time(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, sold(1, 100, LAST, paid=Moment(LAST + TICK), paid_minor=100),
        sold(2, 50, FIRST - TICK, paid=Moment(FIRST), paid_minor=50, refunded=Moment(LAST + TICK),
             refunded_minor=20))

    (row,) = rows(models, "reconciliation", **SEPTEMBER)
    assert (row["orders"], row["total_minor"], row["paid_minor"]) == (1, 100, 50)
    (row,) = rows(models, "reconciliation", **OCTOBER)
    assert (row["orders"], row["paid_minor"], row["refunded_minor"], row["net_minor"]) == (
        0, 100, 20, 80)


def test_period__has_a_correction_where_what_it_puts_right_is(
    ledger: Ledger, models: ReadModels
) -> None:
    put(ledger, sold(1, 100, FIRST, paid=Moment(LAST), paid_minor=100))
    models.catch_up("main")
    put(ledger, correct(1, "paid", 60, occurred_at=LAST + timedelta(days=20)))

    assert [row["paid_minor"] for row in rows(models, "reconciliation", **SEPTEMBER)] == [60]
    assert rows(models, "reconciliation", **OCTOBER) == []


def test_period_revenue__by_shop_agent_and_day(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, place(1, amounts=Amounts(total_minor=5)),
        place(2, amounts=Amounts(total_minor=7), shop="别店"),
        AssignOrder(order=stream(1), owner="member:a", occurred_at=NOON))
    put(ledger, PayOrder(order=stream(1), amount_minor=5, occurred_at=NOON + timedelta(days=1)))

    found = {way: [(row["of"], row["orders"], row["paid_minor"])
                   for row in rows(models, "revenue", by=way)] for way in WAYS}
    channel, shop = stream(1).split(":")[1:3]
    assert sorted(found["shop"]) == sorted([
        (f"{channel}:{shop}", 1, 5), (f"{channel}:别店", 1, 0)])
    assert found["agent"] == [("", 1, 0), ("member:a", 1, 5)]
    assert found["day"] == [(day_of(NOON), 2, 0), (day_of(NOON + timedelta(days=1)), 0, 5)]
    assert rows(models, "revenue", shop="别店") == rows(models, "revenue", shop="别店", by="shop")


@pytest.mark.parametrize(("name", "fields", "code"), [
    ("reconciliation", {"month": "2026-09", "since": "2026-09-01"}, "two_periods"),
    ("orders", {"month": "2026-09", "until": "2026-09-01"}, "two_periods"),
    ("revenue", {"month": "2026-13"}, "bad_month"),
    ("returns", {"since": "2026-09-31"}, "day_needed"),
    ("fulfilment", {"since": "2026-09-02", "until": "2026-09-01"}, "period_reversed"),
    ("stock-ledger", {"since": "2026-09-02T00:00:00Z"}, "day_needed"),
    ("stock-ledger", {"month": "2026-09", "since": "2026-09-01"}, "two_periods"),
    ("revenue", {"by": "weather"}, "unknown_way")])
def test_period__rejected(
    ledger: Ledger, models: ReadModels, name: str, fields: dict[str, str], code: str
) -> None:
    """R-PRJ-12, R-PRJ-27, R-PRJ-28, R-PRJ-30."""
    put(ledger, place(1, lines=[line()]))
    with pytest.raises(Invalid) as caught:
        rows(models, name, **fields)
    assert caught.value.code == code


def test_period__of_the_past_is_as_it_was(ledger: Ledger, models: ReadModels) -> None:
    put(ledger, sold(1, 100, FIRST))
    before = ledger.head().position
    put(ledger, sold(2, 7, FIRST, paid=Moment(LAST), paid_minor=7))

    for name in ("reconciliation", "revenue"):
        (row,) = rows(models, name, **SEPTEMBER, as_of=AsOf(before))
        assert (row["orders"], row["paid_minor"]) == (1, 0)
        moment = AsOf.parse(None, None, (LAST - TICK).isoformat())
        (row,) = rows(models, name, **SEPTEMBER, as_of=moment)
        assert (row["orders"], row["paid_minor"]) == (2, 0)


def test_days__are_the_ledgers_wherever_the_program_runs(
    store: Store, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folded now, folded again and folded up to a time in the past, under the clock of any place.
    """
    ledger = Ledger(store, begun(store, keys, zone="America/New_York"))
    put(ledger, *(sold(number, 1, NOON + timedelta(hours=3 * number), paid=Moment(
        NOON + timedelta(hours=5 * number)), paid_minor=1) for number in range(12)))
    answers, digests = [], set()
    for zone in ("UTC", "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        with closing(ReadModels(store, PROJECTIONS)) as models:
            models.rebuild("main")
            digests.add(tuple(models.digest("main", name) for name in models.names()))
            answers += [rows(models, "revenue", by="day", as_of=as_of) for as_of in (
                NOW, AsOf(ledger.head().position), AsOf.parse(None, None, "9990-01-01"))]
    monkeypatch.undo()
    time.tzset()
    assert len(digests) == 1
    assert all(one == answers[0] for one in answers)
    assert {row["of"] for row in answers[0]} == {
        f"{(NOON + timedelta(hours=hours)).astimezone(ZoneInfo('America/New_York')):%Y-%m-%d}"
        for number in range(12) for hours in (3 * number, 5 * number)}
    ledger.close()


@hypothesis_settings(max_examples=tried(40), deadline=None)
@given(history=histories)
def test_periods__side_by_side_add_up_to_what_a_plain_model_says(history: Any) -> None:
    """R-PRJ-29. Orders by their day, and the money of all days by the model of the whole."""
    opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                  master_key_file=None))
    models = ReadModels(opened.store, PROJECTIONS, batch=3)
    for item in history:
        try_all(opened.ledger, [item])
        models.catch_up("main")
    orders = naive(opened.store.read("main"))
    placed = {entry.stream: entry for entry in opened.store.read("main")
              if entry.type == "order.placed.v1"}
    total: Counter[str] = Counter()
    for row in rows(models, "revenue", by="day"):
        (alone,) = rows(models, "reconciliation", since=row["of"], until=row["of"])
        assert (alone["orders"], alone["total_minor"] or 0, alone["paid_minor"]) == (
            row["orders"], row["total_minor"], row["paid_minor"])
        assert row["orders"] == sum(
            day_of(datetime.fromtimestamp(0, UTC) + timedelta(microseconds=one.occurred_at))
            == row["of"] for one in placed.values())
        total.update({name: row[name] for name in (
            "orders", "total_minor", "paid_minor", "refunded_minor")})
    whole = {"orders": len(orders), "total_minor": sum(
        naive_total(one) or 0 for one in orders.values()), "paid_minor": sum(
        one["paid"] for one in orders.values()), "refunded_minor": sum(
        one["refunded"] for one in orders.values())}
    assert {name: total[name] for name in whole} == whole
    for way in ("shop", "agent"):
        assert sum(row["paid_minor"] for row in rows(
            models, "revenue", by=way, month=month_of(day_of(NOON)))) <= whole["paid_minor"]
    assert models.compare_with_rebuild("main") == []
    models.close()
    opened.close()
