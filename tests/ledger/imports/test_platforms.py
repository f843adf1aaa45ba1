"""Exports of platforms come in by a profile alone, and their figures are those that the file shows:
small ones that once failed, where they are here."""

from contextlib import closing
from typing import Any

import pytest

from ledger.imports import profiles
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run
from projections.store.models import ReadModels
from tests.support.shops import Shop, codes, counts
from tests.support.source import ROOT

SMALL = ROOT / "../shared/faults/imports"

pytestmark = pytest.mark.skipif(not SMALL.exists(), reason=f"no small exports at {SMALL}")


def bring(shop: Shop, file: str, profile: str | None = None) -> Any:
    """Import one of the small files, with the profile beside it."""
    path = SMALL / (profile or file.replace(".csv", ".yaml"))
    return shop.bring(SMALL / file, profile=profiles.find(
        str(path) if path.exists() else str(profile)))


def report(shop: Shop, name: str, **asked: Any) -> list[dict[str, Any]]:
    """The rows of a report."""
    with closing(ReadModels(shop.opened.store, PROJECTIONS)) as models:
        return run(models, "main", name, Question(**asked)).rows


def money(shop: Shop) -> dict[str, tuple[Any, ...]]:
    """Of each order, by its number, its total, what was paid and refunded, and how it stands."""
    return {row["number"]: (row["total_minor"], row["paid_minor"], row["refunded_minor"],
                            row["payment_status"], row["review_status"])
            for row in report(shop, "orders")}


@pytest.mark.parametrize(("file", "expected"), [
    ("min_blank_key.csv", [(3, "order", "no_key")]),
    ("min_blank_price.csv", [(2, "price", "empty")])])
def test_small_file__rejected_at_its_cell(
    shop: Shop, file: str, expected: list[tuple[int, str, str]]
) -> None:
    assert codes(bring(shop, file)) == expected


def test_rows_that_say_what_was_paid__rejected_where_they_disagree(shop: Shop) -> None:
    summary = bring(shop, "generic_paid_per_row.csv", "generic")
    assert codes(summary) == [(3, "paid", "rows_disagree")]


@pytest.mark.parametrize(("file", "profile", "expected"), [
    ("min_sum_rows.csv", None, {"1001": (7780, 7780, None, "paid", "imported")}),
    ("min_unpaid_total.csv", None, {"1001": (3500, 3500, None, "paid", "imported"),
                                    "1002": (2000, 0, None, "unpaid", "imported")}),
    ("generic_second_row.csv", "generic", {"1": (None, 1200, None, "paid", "imported")}),
    ("shopify_orders_export.csv", "shopify.yaml", {
        "#1001": (5629, 5629, 0, "paid", "imported"),
        "#1002": (2500, 2500, 2500, "refunded", "imported")}),
    ("douyin_orders.csv", "douyin.yaml", {
        "6917926768823643751": (2890, 2890, None, "paid", "completed"),
        "6917926768823643752": (7780, 7780, None, "paid", "imported"),
        "6917926768823643760": (2000, 0, None, "unpaid", "closed")}),
    ("jd_orders.csv", "jd.yaml", {
        "300000000001": (6000, 6000, None, "paid", "completed"),
        "300000000002": (2000, 0, None, "unpaid", "cancelled"),
        "300000000003": (2000, 2000, None, "paid", "imported")})])
def test_small_file__has_the_money_that_it_shows(
    shop: Shop, file: str, profile: str | None, expected: dict[str, tuple[Any, ...]]
) -> None:
    summary = bring(shop, file, profile)
    assert (summary.rejected, summary.fault_count) == (0, 0)
    assert money(shop) == expected


def lines(shop: Shop) -> list[tuple[Any, ...]]:
    """Of each line its SKU, and how many pieces were ordered, cancelled and delivered."""
    return [(line["sku"], line["ordered"], line["cancelled"], line["delivered"])
            for row in report(shop, "fulfilment") for line in row["lines"]]


def test_row_that_stands_there_twice__is_one_line(shop: Shop) -> None:
    assert counts(bring(shop, "min_doubled_row.csv")) == (2, 2, 0, 0)
    assert lines(shop) == [("A", 1, 0, 0)]


def test_row_of_no_pieces__makes_no_line_and_a_warning(shop: Shop) -> None:
    summary = bring(shop, "min_qty_zero.csv")
    assert [(one.row, one.code) for one in summary.warnings] == [(2, "no_pieces")]
    assert (counts(summary), lines(shop)) == ((1, 1, 0, 0), [])


def test_row_status__ends_the_order_and_cancels_the_item(shop: Shop) -> None:
    bring(shop, "min_row_status.csv")
    assert lines(shop) == [("A", 1, 0, 1), ("B", 1, 1, 0)]


def test_returns__come_in_whichever_sign_their_pieces_have(shop: Shop) -> None:
    bring(shop, "min_return.csv")
    assert [row["pieces"]["awaiting_inspection"] for row in report(shop, "returns")] == [1, 1]


def test_count_of_nothing__is_a_count(shop: Shop) -> None:
    bring(shop, "min_zero_count.csv", "stock-count")
    assert [(row["sku"], row["on_hand"]) for row in report(shop, "inventory")] == [
        ("EMPTY-1", 0), ("FULL-1", 3)]
