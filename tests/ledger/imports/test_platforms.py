"""Exports of platforms come in by a profile alone, and their figures are those that the file shows:
shipped samples, and small ones that once failed, where they are here."""

import csv
from typing import Any

import pytest

from ledger.imports import profiles
from tests.support.reporting import report
from tests.support.shops import SAMPLES, Shop, codes, counts
from tests.support.source import ROOT

SMALL = ROOT / "../shared/faults/imports"

small = pytest.mark.skipif(not SMALL.exists(), reason=f"no small exports at {SMALL}")


def bring(shop: Shop, file: str, profile: str | None = None) -> Any:
    """Import one of the small files, with the profile beside it."""
    path = SMALL / (profile or file.replace(".csv", ".yaml"))
    return shop.bring(SMALL / file, profile=profiles.find(
        str(path) if path.exists() else str(profile)))


def money(shop: Shop) -> dict[str, tuple[Any, ...]]:
    """Of each order, by its number, its total, what was paid and refunded, and how it stands."""
    return {row["number"]: (row["total_minor"], row["paid_minor"], row["refunded_minor"],
                            row["payment_status"], row["review_status"])
            for row in report(shop, "orders")}


@small
@pytest.mark.parametrize(("file", "expected"), [
    ("min_blank_key.csv", [(3, "order", "no_key")]),
    ("min_blank_price.csv", [(2, "price", "empty")])])
def test_small_file__rejected_at_its_cell(
    shop: Shop, file: str, expected: list[tuple[int, str, str]]
) -> None:
    assert codes(bring(shop, file)) == expected


@small
def test_rows_that_say_what_was_paid__rejected_where_they_disagree(shop: Shop) -> None:
    summary = bring(shop, "generic_paid_per_row.csv", "generic")
    assert codes(summary) == [(3, "paid", "rows_disagree")]


@small
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


@small
def test_row_that_stands_there_twice__is_one_line(shop: Shop) -> None:
    assert counts(bring(shop, "min_doubled_row.csv")) == (2, 2, 0, 0)
    assert lines(shop) == [("A", 1, 0, 0)]


@small
def test_row_of_no_pieces__makes_no_line_and_a_warning(shop: Shop) -> None:
    summary = bring(shop, "min_qty_zero.csv")
    assert [(one.row, one.code) for one in summary.warnings] == [(2, "no_pieces")]
    assert (counts(summary), lines(shop)) == ((1, 1, 0, 0), [])


@small
def test_row_status__ends_the_order_and_cancels_the_item(shop: Shop) -> None:
    bring(shop, "min_row_status.csv")
    assert lines(shop) == [("A", 1, 0, 1), ("B", 1, 1, 0)]


@small
def test_returns__come_in_whichever_sign_their_pieces_have(shop: Shop) -> None:
    bring(shop, "min_return.csv")
    assert [row["pieces"]["awaiting_inspection"] for row in report(shop, "returns")] == [1, 1]


@small
def test_count_of_nothing__is_a_count(shop: Shop) -> None:
    bring(shop, "min_zero_count.csv", "stock-count")
    assert [(row["sku"], row["on_hand"]) for row in report(shop, "inventory")] == [
        ("EMPTY-1", 0), ("FULL-1", 3)]


@small
@pytest.mark.parametrize("weeks", [["week1.csv", "week2.csv"], ["week2.csv", "week1.csv"]])
@pytest.mark.parametrize("together", [True, False])
def test_exports_that_overlap__are_one_order(
    shop: Shop, weeks: list[str], *, together: bool
) -> None:
    files = [SMALL / week for week in weeks]
    for some in ([files] if together else [[file] for file in files]):
        shop.bring(*some, profile="jushuitan-orders")
    (order,), (pieces,) = report(shop, "orders"), report(shop, "fulfilment")
    assert (order["total_minor"], order["paid_minor"]) == (6000, 6000)
    assert [(line["sku"], line["ordered"], line["in_transit"]) for line in pieces["lines"]] == [
        ("A", 1, 1), ("B", 1, 1)]


# -- shipped profiles and their samples -----------------------------------------------------------


def sample(shop: Shop, name: str) -> None:
    """Import a shipped sample; all of its rows come in."""
    summary = shop.bring(SAMPLES / "platforms" / f"{name}.csv", profile=name)
    assert (summary.rejected, summary.fault_count) == (0, 0)


def test_jushuitan__has_each_line_by_its_own_dispatch(shop: Shop) -> None:
    sample(shop, "jushuitan-orders")
    assert money(shop) == {
        "8800260901001": (7800, 7800, None, "paid", "imported"),
        "8800260901002": (6400, 6400, None, "paid", "imported"),
        "8800260901003": (2650, 0, None, "unpaid", "imported"),
        "8800260901004": (2650, 0, None, "unpaid", "cancelled"),
        "8800260901005": (11700, 11700, None, "paid", "completed")}
    assert [sent["waybill"] for sent in shop.payloads("order.dispatched.v1")] == [
        "SF8800000001", "ZT8800000002", "SF8800000003"]


def test_douyin__has_the_rows_of_an_order_each_by_itself(shop: Shop) -> None:
    sample(shop, "douyin-orders")
    assert money(shop) == {
        "6921000000000001235": (2560, 2560, None, "paid", "completed"),
        "6921000000000001246": (4250, 4250, None, "paid", "imported"),
        "6921000000000001258": (990, 0, None, "unpaid", "closed"),
        "6921000000000001269": (4490, 4490, None, "paid", "imported")}
    assert {row["subject"].rpartition(":")[2]: row["fulfilment_status"]
            for row in report(shop, "fulfilment")} == {
        "6921000000000001235": "dispatched", "6921000000000001246": "part_dispatched",
        "6921000000000001258": "cancelled", "6921000000000001269": "dispatched"}
    assert lines(shop)[-1] == ("SNK-305", 1, 1, 0)


def test_jd__has_sums_of_the_order_once(shop: Shop) -> None:
    sample(shop, "jd-orders")
    assert money(shop) == {
        "310000000101": (9200, 9200, None, "paid", "completed"),
        "310000000102": (3000, 3000, None, "paid", "imported"),
        "310000000103": (3600, 0, None, "unpaid", "cancelled"),
        "310000000104": (13400, 13400, None, "paid", "imported")}
    assert [placed["amounts"].get("discount_minor")
            for placed in shop.payloads("order.placed.v1")] == [500, 0, 0, 1000]


def test_shopify__has_taxes_on_top_and_what_is_blank_on_later_rows(shop: Shop) -> None:
    sample(shop, "shopify-orders")
    assert money(shop) == {
        "#2001": (6532, 6532, 0, "paid", "imported"), "#2002": (2592, 0, 0, "unpaid", "imported"),
        "#2003": (4588, 4588, 1296, "part_refunded", "imported")}
    assert [row["exception_kinds"] for row in report(shop, "orders")] == [[], [], []]
    assert shop.payloads("order.placed.v1")[0]["amounts"] == {
        "goods_minor": 6000, "postage_minor": 700, "discount_minor": 600, "tax_minor": 432,
        "total_minor": 6532}


def test_pinduoduo__has_what_the_shop_gets_whatever_the_platform_gives_off(shop: Shop) -> None:
    sample(shop, "pinduoduo-orders")
    assert money(shop) == {
        "260902-100000000000101": (3480, 3480, None, "paid", "completed"),
        "260902-100000000000102": (3090, 3090, None, "paid", "imported"),
        "260902-100000000000103": (4500, 4500, 4500, "refunded", "closed"),
        "260902-100000000000104": (4900, 4900, 4900, "refunded", "closed"),
        "260902-100000000000105": (1890, 1890, None, "paid", "imported"),
        "260902-100000000000106": (1890, 0, None, "unpaid", "cancelled")}
    assert [row["exception_kinds"] for row in report(shop, "orders")] == [[]] * 6
    assert lines(shop)[:4] == [
        ("BSK-S", 2, 0, 2), ("BSK-L", 1, 0, 0), ("TBL-140", 1, 1, 0), ("TBL-140", 1, 0, 0)]
    assert [placed["lines"][0].get("unit_price")
            for placed in shop.payloads("order.placed.v1")][:2] == [1890, 2590]


def test_kuaishou__has_each_order_as_far_as_it_is(shop: Shop) -> None:
    sample(shop, "kuaishou-orders")
    assert money(shop) == {
        "2624500000000101": (6700, 6700, None, "paid", "completed"),
        "2624500000000102": (7200, 7200, None, "paid", "imported"),
        "2624500000000103": (1990, 0, None, "unpaid", "imported"),
        "2624500000000104": (3580, 3580, 3580, "refunded", "closed")}
    assert [row["exception_kinds"] for row in report(shop, "orders")] == [[]] * 4


def test_woocommerce__has_taxes_on_top_and_takes_statuses_for_times(shop: Shop) -> None:
    sample(shop, "woocommerce-orders")
    assert money(shop) == {
        "4101": (4888, 4888, 0, "paid", "completed"), "4102": (1872, 1872, 0, "paid", "imported"),
        "4103": (1060, 1060, 1060, "refunded", "closed"),
        "4104": (530, 0, 0, "unpaid", "cancelled")}
    assert [row["exception_kinds"] for row in report(shop, "orders")] == [[]] * 4
    assert shop.payloads("order.placed.v1")[0]["amounts"] == {
        "goods_minor": 4400, "postage_minor": 600, "discount_minor": 400, "tax_minor": 288,
        "total_minor": 4888}


@pytest.mark.parametrize("name", [path.stem for path in sorted((SAMPLES / "platforms").iterdir())
                                  if path.stem not in ("generic-orders", "generic-returns",
                                                       "generic-stock-movements")])
def test_rows_sorted_otherwise__bring_nothing_new(shop: Shop, name: str) -> None:
    sample(shop, name)
    rows = list(csv.reader((SAMPLES / "platforms" / f"{name}.csv").read_text("utf-8").splitlines(
        keepends=True)))
    path = shop.folder / "sorted.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([rows[0], *reversed(rows[1:])])
    summary = shop.bring(path, profile=name)
    assert (summary.rejected, summary.events, summary.duplicates) == (0, 0, summary.rows)
