"""The plots of pages: which rows of the API they show."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from api.console import pages, pictures
from api.console.asking import Answered
from ledger.common.days import Days

LOW = {"sku": "QM-001", "warehouse": "hz", "opened_at": "2026-09-28T04:00:00Z"}
CARD = [
    {"warehouse": "hz", "occurred_at": "2026-09-30T09:00:00Z", "on_hand": 9, "available": 7},
    {"warehouse": "bj", "occurred_at": "2026-09-29T09:00:00Z", "on_hand": 3, "available": 3},
    {"warehouse": "hz", "occurred_at": "2026-09-27T09:00:00Z", "on_hand": 12, "available": 12}]


@pytest.fixture(autouse=True)
def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the API answers: a notice, and that the visitor may not ask for discrepancies."""
    def answered(endpoint: str, path: str, query: Mapping[str, Any]) -> Answered | None:
        rows = [LOW, {**LOW, "sku": "QM-002"}, {**LOW, "warehouse": "bj"}]
        return Answered({"items": rows}, {}) if endpoint.endswith("low-stock") else None

    monkeypatch.setattr(pictures, "ask_if", answered)
    monkeypatch.setattr(pages, "days", lambda: Days("Asia/Shanghai"))


def test_stock__is_a_plot_for_each_warehouse_with_its_own_notices() -> None:
    drawn = pictures.stock(CARD, "QM-001", {})
    assert list(drawn) == ["bj", "hz"]
    assert drawn["hz"].count("plot-notice") == 1
    assert drawn["bj"].count("plot-notice") == 0  # it was before what the card shows
    assert "Stock over time in hz" in drawn["hz"]
    assert "Low stock" in drawn["hz"]


def test_sales__have_a_bar_for_each_day_and_a_plot_for_each_currency() -> None:
    rows = [{"currency": "CNY", "of": "2026-09-02", "net_minor": 17500},
            {"currency": "JPY", "of": "2026-09-03", "net_minor": "900"}]
    drawn = pictures.sales(rows, date(2026, 9, 1), date(2026, 9, 30))
    assert drawn.count("<svg") == 2
    assert drawn.count("plot-bar") == 60
    assert "2026-09-02: ¥175.00" in drawn
    assert "2026-09-03: JPY 900" in drawn
    assert "2026-09-01: ¥0.00" in drawn


def test_scores__are_those_of_months_whatever_the_posts() -> None:
    rows = [{"month": "2026-09", "score": "80.24"}, {"month": "2026-09", "score": "80.24"},
            {"month": "2026-08", "score": None}, {"month": "2026-07", "score": "91"}]
    drawn = pictures.scores(rows)
    assert drawn.count("<circle") == 2
    assert "2026-09: 80.24" in drawn
