"""A narrowed list is what is left of the whole one, now and in the past."""

from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tried_so_often
from sqlalchemy import Engine, event

from ledger.common.errors import LedgerError
from ledger.settings import Settings, open_ledger
from projections.asking.clocks import NOW, AsOf
from projections.asking.filters import (
    UnknownWord,
    counted_to,
    filters_of,
    oldest,
    passing,
    period_asked,
    words_of,
)
from projections.asking.names import AGE, FILTERS, FROM, TO
from projections.asking.periods import PeriodReversed
from projections.asking.questions import PRESENT, Question
from projections.asking.typed import type_of
from projections.catalogue import PROJECTIONS
from projections.orders.answers import FulfilmentRow, OrderRow
from projections.reports import REPORTS
from projections.store.models import ReadModels
from tests.support.builders import place
from tests.support.days import IN_SHANGHAI, day_of
from tests.support.demo import demo_in
from tests.support.projecting import histories, put, try_all
from tests.support.thorough import tried

SUBJECTS = {"stock-card": "sku:QM-001"}
DAYS = ("2026-08-20", "2026-09-10", "2026-09-30")
AGES = ("0m", "36h", "20d", "9999d")


def values(rows: list[dict[str, Any]], path: list[str]) -> list[Any]:
    """What a column holds, of all rows: looked up here in another way than the filters do."""
    found: list[Any] = rows
    for name in path:
        found = [part for one in found for part in (
            one[name] if isinstance(one[name], list) else [one[name]])]
    return found


def tried_texts(field: str, column: str, rows: list[dict[str, Any]]) -> list[str]:
    """What is asked of a filter: what is there, and what is not."""
    if field == AGE:
        return list(AGES)
    if field.endswith((FROM, TO)):
        return list(DAYS)
    known = sorted({one for one in values(rows, column.split(".")) if one})
    if field == "number_ends":
        return [*{one[-2:] for one in known[:9]}, *known[:1], "no such"]
    return [*known[:4], *known[-2:], "no such"]


def lets_through(field: str, text: str, value: Any, as_of: dict[str, Any]) -> bool:
    """Whether a filter is to let a value through, as a person would say it."""
    if field == AGE:
        until = datetime.now(UTC) if as_of["open"] else datetime.fromisoformat(
            as_of["recorded_at"] or value)
        if as_of["occurred_as_of"]:
            until = datetime.fromisoformat(as_of["occurred_as_of"])
        unit = {"m": "minutes", "h": "hours", "d": "days"}[text[-1]]
        return until - datetime.fromisoformat(value) >= timedelta(**{unit: int(text[:-1])})
    if field.endswith(FROM):
        return day_of(datetime.fromisoformat(value)) >= text
    if field.endswith(TO):
        return day_of(datetime.fromisoformat(value)) <= text
    return bool(value == text or (field == "number_ends" and value.endswith(text)))


def must_be_left(models: ReadModels, name: str, as_of: AsOf) -> set[str]:
    """Check every filter of a report; the names of those that let some rows through, not all."""
    report, told = REPORTS[name], set()
    whole = Question(as_of=as_of, subject=SUBJECTS.get(name))
    row, rows = type_of(report).row, report(models, "main", whole).rows
    for field, column in FILTERS[name].items():
        for text in tried_texts(field, column, rows):
            asked = whole._replace(**{field: text})
            if text not in words_of(name, row).get(field, [text]):
                continue
            answer = report(models, "main", asked)
            found = answer.rows
            wanted = [one for one in rows if any(
                value is not None and lets_through(field, text, value, answer.as_of)
                for value in values([one], column.split(".")))]
            assert found == wanted, (name, field, text)
            if 0 < len(found) < len(rows):
                told.add(field)
    return told



def test_filters__of_the_demo_leave_what_they_say(
    tmp_path_factory: pytest.TempPathFactory
) -> None:
    told: dict[str, set[str]] = {}
    with demo_in(tmp_path_factory.mktemp("demo")) as settings, closing(
            open_ledger(settings)) as opened, closing(
            ReadModels(opened.store, PROJECTIONS)) as models:
        models.catch_up("main")
        head = opened.ledger.head().position
        for as_of in (NOW, AsOf(head // 2), AsOf.parse(None, None, "2026-09-10")):
            for name in FILTERS:
                with suppress(LedgerError):
                    told.setdefault(name, set()).update(must_be_left(models, name, as_of))
    assert told["orders"] >= {"review_status", "payment_status", "delivery_status", "number_ends",
                              "older_than", "paid_from", "paid_to", "dispatched_from"}
    assert told["fulfilment"] >= {"fulfilment_status", "sku", "waybill", "courier", "warehouse"}


@given(history=histories)
@tried_so_often(max_examples=tried(15))
def test_filters__of_any_orders_leave_what_they_say(history: list[Any]) -> None:
    made = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    with closing(made), closing(ReadModels(made.store, PROJECTIONS)) as models:
        try_all(made.ledger, history)
        models.catch_up("main")
        for as_of in (NOW, AsOf(made.ledger.head().position // 2)):
            for name in ("orders", "fulfilment", "exceptions", "returns"):
                must_be_left(models, name, as_of)


@pytest.mark.parametrize(("name", "field", "known"), [
    ("orders", "payment_status", "paid"), ("fulfilment", "exception", "address_invalid"),
    ("deductions", "state", "proposed"), ("returns", "kind", "return_and_refund")])
def test_filter__rejected_with_a_word_that_there_is_not(name: str, field: str, known: str) -> None:
    """R-PRJ-35. The words that there are stand in the message; nothing is read first."""
    row = type_of(REPORTS[name]).row
    with pytest.raises(UnknownWord) as caught:
        filters_of(name, row, PRESENT._replace(**{field: "weather"}), {}, days=IN_SHANGHAI)
    assert f"'weather' is no {field} of the report {name}. There are " in str(caught.value)
    assert known in words_of(name, row)[field] == caught.value.details["known"].split(", ")


def test_filter__lets_nothing_through_where_nothing_is() -> None:
    (one,) = filters_of("fulfilment", FulfilmentRow, PRESENT._replace(waybill="SF1"), {},
                        days=IN_SHANGHAI)
    assert one.takes({"parcels": [{"waybill": None}, {"waybill": "SF1"}]})
    assert not one.takes({"parcels": [{"waybill": None}]})
    assert not one.takes({"parcels": []})
    assert not one.takes({})
    assert [*passing([one], [{}, {"parcels": [{"waybill": "SF1"}]}])] == [
        {"parcels": [{"waybill": "SF1"}]}]
    assert [*passing([], [{}])] == [{}]
    assert filters_of("to-pick", OrderRow, PRESENT._replace(sku="PEN"), {}, days=IN_SHANGHAI) == []


NOT_CUT = {"occurred_as_of": None, "recorded_as_of": None}


def test_period_and_age__are_asked_of_a_filter() -> None:
    asked = PRESENT._replace(paid_from="2026-09-02", paid_to="2026-09-01", older_than="1m")
    with pytest.raises(PeriodReversed):
        period_asked(asked, "paid", IN_SHANGHAI)
    assert period_asked(PRESENT, "paid", IN_SHANGHAI) == (None, None, None)
    past = asked._replace(as_of=AsOf(1))
    assert oldest(past, {**NOT_CUT, "recorded_at": "1970-01-01T00:01:00.000001Z"}) == 1
    assert oldest(past, {**NOT_CUT, "recorded_at": None}) == -60_000_000
    assert oldest(PRESENT, {}) is None
    assert counted_to(PRESENT._replace(as_of=AsOf.parse(None, None, "1970-01-01T00:00:01Z")),
                      {**NOT_CUT, "occurred_as_of": "1970-01-01T00:00:01Z"}) == 1_000_000


@pytest.mark.parametrize(("fields", "plan"), [
    ({"owner": "member:7f3a"}, "USING INDEX orders_owner (ledger=? AND owner=?)"),
    ({"owner": "member:7f3a", "beyond": ("2026-10-01T00:00:00Z", "order:a")},
     "USING INDEX orders_owner (ledger=? AND owner=? AND (placed_at,subject)<(?,?))"),
    ({"review_status": "on_hold"}, "USING INDEX orders_under_way (ledger=?)"),
    ({"review_status": "completed"}, "USING INDEX orders_placed (ledger=?)"),
    ({"older_than": "2d"}, "USING INDEX orders_placed (ledger=? AND placed_at<?)"),
    ({"number_ends": "12"}, "USING INDEX orders_placed (ledger=?)"),
    ({"beyond": ("2026-10-01T00:00:00Z", "order:a")},
     "USING INDEX orders_placed (ledger=? AND (placed_at,subject)<(?,?))"),
    ({"sort": "subject", "beyond": ("order:a",)}, "USING PRIMARY KEY (ledger=? AND subject>?)")])
def test_orders__are_narrowed_by_the_database(
    tmp_path: Path, fields: dict[str, Any], plan: str
) -> None:
    """The rows that it hands over are as good as those that are left."""
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'a.db'}", keys_url="memory:",
                        master_key_file=None)
    made, seen = open_ledger(settings), []
    with closing(made), closing(ReadModels(made.store, PROJECTIONS)) as models:
        put(made.ledger, *(place(number) for number in range(1, 31)))
        models.catch_up("main")
        report = REPORTS["orders"]

        def note(connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
            if "FROM orders" in statement and "EXPLAIN" not in statement:
                seen.append(" ".join(row[-1] for row in connection.connection.execute(
                    f"EXPLAIN QUERY PLAN {statement}", values)))
                seen.append(len(connection.connection.execute(statement, values).fetchall()))

        event.listen(Engine, "before_cursor_execute", note)
        try:
            found = report(models, "main", Question(**fields)).rows
        finally:
            event.remove(Engine, "before_cursor_execute", note)
    plans = [one for one in seen if isinstance(one, str)]
    assert plans
    assert all(plan in one for one in plans), plans
    assert sum(one for one in seen if isinstance(one, int)) == len(found)
