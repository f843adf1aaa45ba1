"""Rows are what their classes say, in every report, now and in the past; one name has one value."""

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as tried_so_often

from ledger.common.errors import LedgerError
from ledger.settings import Settings, open_ledger
from projections.asking.clocks import NOW, AsOf
from projections.asking.columns import Column, Kind, columns_of, says
from projections.asking.names import TAKES
from projections.asking.questions import Question
from projections.asking.typed import type_of
from projections.asking.words import WORDS
from projections.catalogue import PROJECTIONS
from projections.reports import REPORTS
from projections.store.models import ReadModels
from tests.support.days import IN_SHANGHAI
from tests.support.demo import demo_in
from tests.support.projecting import histories, try_all
from tests.support.thorough import tried
from tests.support.typed import declared, must_be_typed, optional

ALWAYS_OF = {"stock-card": "sku:QM-001", "prices": "sku:QM-001", "score-terms": "member:7f3a",
             "timeline": "member:7f3a"}
"""Reports that are always about a subject."""

MONTHLY = ("closings", "scores", "grading", "score-terms", "score-warnings", "reconciliation",
           "attendance", "leave")

KEYS = ("subject", "order", "deduction", "transfer", "movement")
"""The columns that name what a row is about."""


def questions(name: str, as_of: AsOf) -> Iterator[Question]:
    """What a report is asked."""
    asked = Question(as_of=as_of, subject=ALWAYS_OF.get(name))
    yield asked
    if name in MONTHLY:
        yield asked._replace(month="2026-09")
    if "by" in TAKES[name]:
        yield from (asked._replace(by=way) for way in ("agent", "day"))
    if "status" in TAKES[name]:
        yield asked._replace(status="on_hold")


def rows_of(models: ReadModels, as_of: AsOf) -> dict[str, list[dict[str, Any]]]:
    """The rows of every report, each of which is as it is declared."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, report in REPORTS.items():
        for question in questions(name, as_of):
            with suppress(LedgerError):
                answer = report(models, "main", question)
                must_be_typed(answer, report)
                found.setdefault(name, answer.rows)
    return found


def must_agree(found: dict[str, list[dict[str, Any]]]) -> None:
    """What two reports say of one thing under one name is the same, where it means the same."""
    known: dict[tuple[str, str, str], tuple[str, Any]] = {}
    for name, rows in found.items():
        columns = columns_of(type_of(REPORTS[name]).row)
        key = next((one.name for one in columns if one.name in KEYS), None)
        said = [one for one in columns if one.meaning == WORDS.get(one.name)
                and one.name not in ("position", "recorded_at", *KEYS) and not one.many]
        for row in rows if key else ():
            for column in said:
                if column.name in row and key in row:
                    _note(known, name, (row[key], column.name, column.meaning), row[column.name])


def must_know_what_is_late(found: dict[str, list[dict[str, Any]]]) -> set[bool]:
    """Rows say truly whether they were known late. What is returned: what they say."""
    said = set()
    for row in (row for rows in found.values() for row in rows if "occurred_at" in row):
        happened, known = map(datetime.fromisoformat, (row["occurred_at"], row["recorded_at"]))
        assert row["late"] is IN_SHANGHAI.is_late(happened, known), row
        said.add(row["late"])
    return said


OF_A_ROW = {"deductions", "appeals", "decisions", "exceptions", "takings", "timeline"}
"""Reports with several rows of a thing: only what is the thing's own is compared."""

OF_A_THING = {"rule", "month", "currency", "owner"}


def _note(known: dict[Any, Any], name: str, what: tuple[str, str, str], value: Any) -> None:
    if name in OF_A_ROW and what[1] not in OF_A_THING:
        return
    first, said = known.setdefault(what, (name, value))
    assert said == value, (what, first, said, name, value)


def test_rows__of_the_demo_are_as_declared_and_agree(
    tmp_path_factory: pytest.TempPathFactory
) -> None:
    with demo_in(tmp_path_factory.mktemp("demo")) as settings, closing(
            open_ledger(settings)) as opened, closing(
            ReadModels(opened.store, PROJECTIONS)) as models:
        models.catch_up("main")
        head = opened.ledger.head().position
        for as_of in (NOW, AsOf(head // 2), AsOf(head - 60), AsOf(0),
                      AsOf.parse(None, None, "2026-08-31")):
            found = rows_of(models, as_of)
            must_agree(found)
            late = must_know_what_is_late(found)
            if as_of is NOW:
                assert late == {True, False}
                assert {name for name, rows in found.items() if rows} > {
                    "orders", "fulfilment", "inventory", "stock-card", "scores", "deductions",
                    "grading", "score-terms", "timeline", "closings", "staff", "rosters"}


@given(history=histories)
@tried_so_often(max_examples=tried(25))
def test_rows__of_any_orders_are_as_declared_and_agree(history: list[Any]) -> None:
    made = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    with closing(made), closing(ReadModels(made.store, PROJECTIONS)) as models:
        try_all(made.ledger, history)
        models.catch_up("main")
        for as_of in (NOW, AsOf(made.ledger.head().position // 2)):
            must_agree(rows_of(models, as_of))


def test_classes__have_names_of_their_own_and_say_what_each_column_means() -> None:
    names = [one.__name__ for one in declared()]
    assert len(names) == len(set(names)) > 60
    for one in declared():
        for column in columns_of(one):
            assert column.meaning[0].isupper(), (one, column)
            assert column.meaning.endswith("."), (one, column)


def test_column__that_may_be_missing_says_when() -> None:
    for one in declared():
        for column in columns_of(one):
            if column.name in optional(one) and one.__name__ not in ("TermDetails", "Check"):
                assert "there" in column.meaning, (one.__name__, column)


def test_classes__that_have_both_times_say_what_was_known_late() -> None:
    """R-PRJ-47"""
    both = [one for one in declared()
            if {"occurred_at", "recorded_at"} <= {column.name for column in columns_of(one)}]
    assert len(both) >= 7
    for one in both:
        assert "column:known_late" in {column.key for column in columns_of(one)}, one


def test_words__are_all_of_some_column() -> None:
    used = {column.name for one in declared() for column in columns_of(one)
            if column.meaning == WORDS.get(column.name)}
    assert set(WORDS) == used


def test_says__calls_a_column_otherwise_where_it_is_told() -> None:
    assert says("The days.", "weekdays").extra == {"called": "weekdays"}
    assert Column("days", Kind.DAY, "The days.", called="weekdays").key == "column:weekdays"
    assert Column("days", Kind.DAY, "The days.").key == "column:days"
