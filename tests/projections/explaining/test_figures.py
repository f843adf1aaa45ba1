"""Every figure of every report is its formula: of the demo, and of shops in which anything happens.
"""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from itertools import groupby
from random import Random

import pytest
from hypothesis import settings

from projections.asking.columns import Kind, columns_of
from projections.asking.questions import Question
from projections.asking.typed import type_of
from projections.catalogue import PROJECTIONS
from projections.explaining import limits
from projections.explaining.figures import EXPLAINED, NotExplained, UnknownFigure, explain
from projections.explaining.formulas import number
from projections.explaining.limits import TooLongToExplain
from projections.explaining.stock import Stock
from projections.reports import REPORTS
from projections.store.models import ReadModels
from tests.support.demo import demo_in
from tests.support.explaining import must_explain
from tests.support.score_shop import Shop as ScoreShop
from tests.support.stock_shop import Shop as StockShop
from tests.support.thorough import tried

NOT_MADE = {"low-stock": {"threshold", "opened_position", "closed_position"},
            "discrepancies": {"opened_position", "closed_position"},
            "stock-card": {"position"}, "orders": {"position"}, "takings": {"position"},
            "reconciliation": {"signed_position", "signatures"},
            "scores": {"policy_version", "restatement"},
            "score-history": {"policy_version", "restatement"}}
"""What is a number in a report and stands as it is in one event, or numbers it."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadModels]:
    """The read models of the demo."""
    with demo_in(tmp_path_factory.mktemp("demo")) as shop, closing(
            shop.open_store()) as store, closing(ReadModels(store, PROJECTIONS)) as found:
        found.catch_up("main")
        yield found


def test_explain__evaluates_to_itself_at_random_clocks(models: ReadModels) -> None:
    """R-PRJ-43"""
    found = must_explain(models, Random(20), tried(100))
    assert set(EXPLAINED) - {"discrepancies"} <= set(found), "of each some figure was looked at"


@pytest.mark.parametrize("report", EXPLAINED)
def test_explain__leaves_no_figure_out(models: ReadModels, report: str) -> None:
    """A column that holds a number is explained, or listed here."""
    numbers = {one.name for one in columns_of(type_of(REPORTS[report]).row)
               if one.kind in (Kind.WHOLE, Kind.MONEY, Kind.DECIMAL) and not one.many}
    question = Question(subject="sku:QM-001" if report == "stock-card" else None, month=(
        "2026-09" if report in ("reconciliation", "scores", "grading") else None))
    rows = REPORTS[report](models, "main", question).rows
    there = {name for row in rows for name in row if row[name] is not None} & numbers
    known = {row["figure"] for row in explain(models, "main", report, question).rows}
    assert there - known == NOT_MADE.get(report, set()) & there
    assert known <= numbers


class ExplainedScores(ScoreShop):
    """Months of members, graded, charged, sealed and restated at random."""

    def all_agrees(self) -> None:
        """What they come to is explained."""
        with closing(ReadModels(self.opened.store, PROJECTIONS)) as found:
            found.catch_up("main")
            must_explain(found, Random(self.head), 3)


class ExplainedStock(StockShop):
    """Orders, stock, counts and returns at random."""

    def teardown(self) -> None:
        """What they come to is explained."""
        if hasattr(self, "opened"):
            with closing(ReadModels(self.opened.store, PROJECTIONS)) as found:
                found.catch_up("main")
                must_explain(found, Random(self.ledger.head().position), 3)
        super().teardown()


TestExplainedScores = ExplainedScores.TestCase
TestExplainedScores.settings = settings(
    max_examples=tried(30), stateful_step_count=40, deadline=None)
TestExplainedStock = ExplainedStock.TestCase
TestExplainedStock.settings = settings(
    max_examples=tried(30), stateful_step_count=40, deadline=None)


def test_explain__names_one_figure(models: ReadModels) -> None:
    rows = explain(models, "main", "inventory", Question(subject="stock:hangzhou:QM-001"),
                   figure="available").rows
    top, *terms = rows
    assert (top["figure"], top["formula"], top["step"]) == ("available", "sum", "1")
    assert top["row"] == "sku QM-001, warehouse hangzhou"
    assert {one["formula"] for one in terms} == {"read"}
    assert sum(Decimal(one["factor"]) * Decimal(one["value"]) for one in terms) == Decimal(
        top["value"])


def test_explain__says_what_it_does_not_know(models: ReadModels) -> None:
    with pytest.raises(NotExplained) as found:
        explain(models, "main", "staff")
    assert "reconciliation" in str(found.value)
    with pytest.raises(UnknownFigure) as unknown:
        explain(models, "main", "inventory", figure="in_stock")
    assert "available" in str(unknown.value)


def test_explain__refused_when_too_much_makes_it(
    models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_STEPS", 10)
    with pytest.raises(TooLongToExplain):
        explain(models, "main", "reconciliation")
    assert explain(models, "main", "inventory", Question(subject="stock:hangzhou:QM-001"),
                   figure="damaged").rows
    monkeypatch.setattr(limits, "MOST", 3)
    with pytest.raises(TooLongToExplain):
        explain(models, "main", "orders", figure="paid_minor")


def test_explain__notes_where_a_row_is_not_what_its_events_give(
    models: ReadModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-PRJ-46"""
    question = Question(subject="stock:hangzhou:QM-001")

    def notes() -> list[str]:
        return [note for note in explain(models, "main", "inventory", question).as_of["notes"]
                if "rebuild" in note]

    assert not notes()
    monkeypatch.setattr(Stock, "of_level", lambda *_: {"damaged": lambda: number(7)})
    assert notes() == [
        "the read model says 0 for damaged of sku QM-001, warehouse hangzhou, and its events give "
        "7: run `ledger rebuild`, and report it if that changes nothing"]


def test_explain__has_rows_in_order(models: ReadModels) -> None:
    rows = explain(models, "main", "scores", Question(month="2026-09")).rows
    for _, group in groupby(rows, key=lambda row: (row["row"], row["figure"])):
        numbers = [tuple(map(int, row["step"].split("."))) for row in group]
        assert numbers == sorted(numbers)
        assert numbers[0] == (1,)
