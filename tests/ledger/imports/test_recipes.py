"""What rows that make a statement together say of all of it."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.imports.faults import HIDDEN
from ledger.imports.profile import Profile
from ledger.imports.profiles import parse
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run
from projections.store.models import ReadModels
from tests.support.shops import Shop, codes, counts

HEADER = "order,sku,qty,price,due,placed,paid_at,status"


def profile(*, extra: dict[str, Any] | None = None, **columns: dict[str, Any]) -> Profile:
    """A file of one row a line, with what some columns say besides."""
    known = {
        "order": {"field": "number", "kind": "id"},
        "sku": {"field": "sku", "kind": "id"},
        "qty": {"field": "quantity", "kind": "integer"},
        "price": {"field": "price", "kind": "money"},
        "due": {"field": "due", "kind": "money"},
        "placed": {"field": "placed", "kind": "time"},
        "paid_at": {"field": "paid_at", "kind": "time"},
        "status": {"field": "status", "kind": "choice",
                   "values": {"done": "completed", "gone": "cancelled", "shut": "closed",
                              "open": ""}}}
    return parse(yaml.safe_dump({
        "name": "shop", "version": 1, "channel": "shop", "shop": "one",
        "money": {"currency": "CNY", "exponent": 2},
        "times": {"zone": "Asia/Shanghai", "formats": ["%Y-%m-%d %H:%M"]},
        "files": {"lines": {"columns": {
            name: {**field, **columns.get(name, {})} for name, field in known.items()}}},
        "order": {
            "file": "lines", "number": "number", "placed": {"at": "placed"},
            "lines": {"of": "lines", "sku": "sku", "quantity": "quantity", "unit_price": "price"},
            "total_minor": {"sum": ["due"]}, "paid": {"at": "paid_at"},
            "paid_minor": {"sum": ["lines.due"]},
            "ended": {"by": "status", "completed": {"at": "placed"}, "closed": {"at": "placed"},
                      "cancelled": {"at": "placed"}},
            **(extra or {})}}), "shop.yaml")


def joined(columns: dict[str, dict[str, Any]], **facts: Any) -> Profile:
    """A file of one row an order, and `more`, which says more of orders `of` a number."""
    return parse(yaml.safe_dump({
        "name": "shop", "version": 1, "channel": "shop", "shop": "one",
        "money": {"currency": "CNY", "exponent": 2},
        "times": {"zone": "Asia/Shanghai", "formats": ["%Y-%m-%d"]},
        "files": {
            "orders": {"columns": {"order": {"field": "number", "kind": "id"},
                                   "placed": {"field": "placed", "kind": "time"}}},
            "more": {"join": {"own": "of", "main": "number"}, "columns": {
                "of": {"field": "of", "kind": "id"},
                **{name: {"field": name, **field} for name, field in columns.items()}}}},
        "order": {"file": "orders", "number": "number", "placed": {"at": "placed"}, **facts}}),
        "shop.yaml")


def row(number: str = "1", sku: str = "A", *, qty: str = "1", price: str = "5.00",
        due: str = "", placed: str = "2026-09-01 10:00", paid: str = "2026-09-01 11:00",
        status: str = "open") -> str:
    """A row of such a file."""
    return f"{number},{sku},{qty},{price},{due or price},{placed},{paid},{status}"


def bring(shop: Shop, rows: Sequence[str], known: Profile | None = None) -> Any:
    """Import rows."""
    return shop.bring(shop.file(rows, header=HEADER), profile=known or profile())


def order(shop: Shop, number: str = "1") -> dict[str, Any]:
    """An order as reports have it, with its pieces."""
    with closing(ReadModels(shop.opened.store, PROJECTIONS)) as models:
        asked = Question(subject=f"order:shop:one:{number}")
        found: dict[str, Any] = {}
        for name in ("orders", "fulfilment"):
            (shown,) = run(models, "main", name, asked).rows
            found |= shown
        return found


def test_sum__of_one_field_adds_up_what_the_rows_say(shop: Shop) -> None:
    bring(shop, [row(due="57.80", qty="2", price="28.90"), row(sku="B", due="20.00", price="20")])
    found = order(shop)
    assert (found["total_minor"], found["paid_minor"]) == (7780, 7780)


def test_sum__of_several_fields_is_of_what_holds_for_the_order(shop: Shop) -> None:
    known = profile(extra={"total_minor": "due", "paid_minor": "due", "discount_minor": {
        "sum": ["due", "due"], "less": ["due"]}})
    assert counts(bring(shop, [row(due="60.00"), row(sku="B", due="60.00")], known))[1] == 2
    (placed,) = shop.payloads("order.placed.v1")
    assert placed["amounts"] == {"discount_minor": 6000, "total_minor": 6000}


def test_order_fact__rejected_where_rows_disagree_in_it(shop: Shop) -> None:
    summary = bring(shop, [row(), row("2"), row(sku="B", paid="2026-09-01 12:00"),
                           row(sku="C", placed="2026-09-02 09:00")])
    assert codes(summary) == [(4, "paid_at", "rows_disagree"), (5, "placed", "rows_disagree")]
    assert "row 2" in next(iter(summary.faults)).reason


def test_order_fact__is_that_of_the_rows_that_say_something(shop: Shop) -> None:
    bring(shop, [row(paid=""), row(sku="B", paid="2026-09-01 11:30")])
    assert order(shop)["paid_at"] == "2026-09-01T03:30:00Z"


@pytest.mark.parametrize(("how", "paid_at"), [
    ("first", "2026-09-01T04:00:00Z"), ("last", "2026-09-01T05:00:00Z"),
    ("least", "2026-09-01T03:00:00Z"), ("most", "2026-09-01T05:00:00Z")])
def test_across_rows__says_which_counts(shop: Shop, how: str, paid_at: str) -> None:
    known = profile(paid_at={"across_rows": how})
    bring(shop, [row(paid="2026-09-01 12:00"), row(sku="B", paid="2026-09-01 11:00"),
                 row(sku="C", paid="2026-09-01 13:00")], known)
    assert order(shop)["paid_at"] == paid_at


def test_across_rows__sums_amounts(shop: Shop) -> None:
    known = profile(due={"across_rows": "sum"}, extra={"total_minor": "due", "paid_minor": "due"})
    bring(shop, [row(due="1.00"), row(sku="B", due="2.50")], known)
    assert order(shop)["total_minor"] == 350


def test_status_of_lines__cancels_those_and_ends_the_order_with_the_others(shop: Shop) -> None:
    bring(shop, [row(status="done"), row(sku="B", status="gone", price="7.00")])
    found = order(shop)
    assert found["review_status"] == "completed"
    assert [(line["sku"], line["delivered"], line["cancelled"]) for line in found["lines"]] == [
        ("A", 1, 0), ("B", 0, 1)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["done", "open", "gone", "shut"]), min_size=1, max_size=5))
def test_status_of_lines__no_order_ends_before_all_its_lines_do(
    tmp_path_factory: pytest.TempPathFactory, states: list[str]
) -> None:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    bring(shop, [row(sku=f"S{at}", status=state) for at, state in enumerate(states)])
    found, said = order(shop), set(states)
    left = said - {"gone", "shut"}
    ended = {"done": "completed", "gone": "cancelled", "shut": "closed"}
    expected = (ended[said.pop()] if len(said) == 1 and "open" not in said
                else "closed" if not left else "completed" if left == {"done"} else "imported")
    assert found["review_status"] == expected
    if left:
        assert [bool(line["cancelled"]) for line in found["lines"]] == [
            state in ("gone", "shut") for state in states]
    shop.close()


def test_status_of_lines__comes_again_without_another_event(shop: Shop) -> None:
    rows = [row(status="open"), row(sku="B", status="gone")]
    bring(shop, rows)
    assert bring(shop, [*rows, row("2")]).events == 4
    cancelled = shop.payloads("order.pieces_cancelled.v1")
    assert [one["lines"] for one in cancelled] == [[{"line": "2", "quantity": 1}]]


def test_printed_total__is_no_payment_without_its_time(shop: Shop) -> None:
    bring(shop, [row(paid="")])
    assert (order(shop)["payment_status"], order(shop)["total_minor"]) == ("unpaid", 500)


def test_when__an_amount_holds_only_where_a_field_is_filled(shop: Shop) -> None:
    known = profile(extra={"total_minor": {"lines": "goods"},
                           "paid_minor": {"of": "due", "when": "paid_at"}})
    bring(shop, [row(paid=""), row("2")], known)
    assert [order(shop, number)["paid_minor"] for number in ("1", "2")] == [0, 500]


@pytest.mark.parametrize(("paid", "expected"), [
    ((True, True), 350), ((True, False), 100), ((False, True), 250), ((False, False), 0)])
def test_when__a_sum_of_one_field_is_of_the_rows_in_which_another_is_filled(
    shop: Shop, paid: tuple[bool, bool], expected: int
) -> None:
    known = profile(extra={"total_minor": {"lines": "goods"},
                           "paid_minor": {"sum": ["due"], "when": "paid_at"}})
    first, second = ("2026-09-01 11:00" if so else "" for so in paid)
    bring(shop, [row(due="1.00", paid=first), row(sku="B", due="2.50", paid=second)], known)
    assert order(shop)["paid_minor"] == expected


@pytest.mark.parametrize(("rows", "expected"), [
    (["1,2.00,x", "1,3.00,", "1,4.00,x"], 600), (["1,2.00,"], None), (["1,2.00,x", "1,,x"], None)])
def test_when__a_sum_of_joined_rows_is_known_if_all_in_which_it_holds_are(
    shop: Shop, rows: list[str], expected: int | None
) -> None:
    known = joined({"cost": {"kind": "money"}, "sent": {"kind": "text"}},
                   postage_minor={"sum": ["more.cost"], "when": "more.sent"})
    shop.bring(shop.file(["1,2026-09-01"], "orders.csv", "order,placed"),
               shop.file(rows, "more.csv", "of,cost,sent"), profile=known)
    (placed,) = shop.payloads("order.placed.v1")
    assert placed["amounts"].get("postage_minor") == expected


def test_paid__rejected_where_money_that_came_in_has_no_time(shop: Shop) -> None:
    known = profile(extra={"total_minor": {"lines": "goods"}, "paid_minor": "due"})
    assert codes(bring(shop, [row(paid="")], known)) == [(2, "due", "amount_without_time")]


def test_paid__is_not_the_total_where_something_is_taken_off_it(shop: Shop) -> None:
    known = profile(extra={"total_minor": {"sum": ["due"]},
                           "paid_minor": {"sum": ["due"], "less": ["price"]}})
    assert codes(bring(shop, [row(paid="", due="7.00")], known)) == [
        (2, "due", "amount_without_time")]


# -- rows that cannot be placed -------------------------------------------------------------------


def test_blank_number__rejected_with_its_row(shop: Shop) -> None:
    summary = bring(shop, [row(), row("", "B"), row("2")])
    assert counts(summary) == (3, 0, 3, 0)
    assert codes(summary) == [(3, "order", "no_key")]


def test_continues__a_row_without_a_number_goes_on_what_stands_above(shop: Shop) -> None:
    known = profile(extra={"continues": True})
    bring(shop, [row(), row("", "B", placed="", paid="", status=""), row("2")], known)
    assert [len(placed["lines"]) for placed in shop.payloads("order.placed.v1")] == [2, 1]


def test_continues__rejected_where_nothing_stands_above(shop: Shop) -> None:
    known = profile(extra={"continues": True})
    assert codes(bring(shop, [row("", "B"), row("2")], known)) == [(2, "order", "no_key")]


@pytest.mark.parametrize("column", ["qty", "price"])
def test_blank__rejected_where_a_line_needs_it(shop: Shop, column: str) -> None:
    assert codes(bring(shop, [row(**{column: ""}, due="1.00")])) == [(2, column, "empty")]


def test_blank__rejected_where_an_order_has_no_time(shop: Shop) -> None:
    assert codes(bring(shop, [row(placed="")])) == [(2, "placed", "empty")]


def test_rows__say_where_each_line_comes_from(shop: Shop) -> None:
    """A fault of a line stands at its own row, whatever rows before it make no line."""
    summary = bring(shop, [row(qty="0"), row(sku="B", qty="9999999999")])
    assert codes(summary) == [(3, "qty", "out_of_range")]
    assert not Path(shop.folder / "none").exists()


WHO = {"account": {"kind": "text", "personal": True}}
ORDERED = (["1,2026-09-01", "2,2026-09-01"], "orders.csv", "order,placed")


def test_order_fact__rejected_where_joined_rows_disagree_in_it(shop: Shop) -> None:
    """R-IMP-26: in one file or in two, in whatever order they are named; a blank says nothing."""
    known = joined(WHO, account="more.account")
    orders = shop.file(*ORDERED)
    ours = shop.file(["1,甲", "2,乙", "2,"], "ours.csv", "of,account")
    theirs = shop.file(["1,丙", "2,乙"], "theirs.csv", "of,account")
    for files in ((ours, theirs), (theirs, ours)):
        summary = shop.bring(orders, *files, profile=known)
        last = files[1].name
        assert [(one.file, one.row, one.column, one.value, one.code) for one in summary.faults] == [
            (last, 2, "account", HIDDEN, "rows_disagree")]
    assert counts(shop.bring(orders, ours, profile=known)) == (5, 5, 0, 0)


@pytest.mark.parametrize(("how", "day"), [("first", 5), ("last", 7), ("least", 3), ("most", 9)])
def test_across_rows__says_which_of_joined_rows_counts(shop: Shop, how: str, day: int) -> None:
    known = joined({"at": {"kind": "time", "across_rows": how}}, placed={"at": "more.at"})
    days = [f"1,2026-09-{number:02}" for number in (5, 3, 9, 7)]
    shop.bring(shop.file(["1,2026-01-01"], "orders.csv", "order,placed"),
               shop.file(["1,", *days], "more.csv", "of,at"), profile=known)
    assert order(shop)["placed_at"].startswith(f"2026-09-{day - 1:02}T16:00")


@pytest.mark.parametrize("what", ["paid", "refunded"])
def test_amount__that_holds_where_a_status_says_so_needs_its_time(shop: Shop, what: str) -> None:
    """R-IMP-13: it is no total that stands on every order, paid or not, so that it is never
    dropped where the time is missing."""
    columns = ["order", "placed", "total", "state", "when"]
    kinds = dict(zip(columns, ("id", "time", "money", "text", "time"), strict=True))
    known = parse(yaml.safe_dump({
        "name": "shop", "version": 1, "channel": "shop", "shop": "one",
        "money": {"currency": "CNY", "exponent": 2},
        "times": {"zone": "Asia/Shanghai", "formats": ["%Y-%m-%d"]},
        "files": {"orders": {"columns": {
            name: {"field": name, "kind": kind} for name, kind in kinds.items()}}},
        "order": {"file": "orders", "number": "order", "placed": {"at": "placed"},
                  "total_minor": "total", what: {"at": "when"},
                  f"{what}_minor": {"of": "total", "when": "state"}}}), "shop.yaml")
    rows = ["1,2026-09-01,9.00,yes,2026-09-02", "2,2026-09-01,9.00,,", "3,2026-09-01,9.00,yes,"]
    summary = shop.bring(shop.file(rows, header=",".join(columns)), profile=known)
    assert codes(summary) == [(4, "total", "amount_without_time")]


def test_no_pieces__warn_and_make_no_line(shop: Shop) -> None:
    summary = bring(shop, [row(qty="0", price="647.62"), row(sku="B")])
    assert [(one.row, one.column, one.code) for one in summary.warnings] == [
        (2, "qty", "no_pieces")]
    (placed,) = shop.payloads("order.placed.v1")
    assert [line["sku"] for line in placed["lines"]] == ["B"]
    assert json.dumps(placed["lines"]).count('"line"') == 1


def test_ended__may_be_said_by_a_joined_file(shop: Shop) -> None:
    known = joined({"state": {"kind": "choice", "values": {"done": "completed", "open": ""}}},
                   ended={"by": "more.state", "completed": {"at": "placed"}})
    shop.bring(shop.file(["1,2026-09-01", "2,2026-09-01"], "orders.csv", "order,placed"),
               shop.file(["1,done", "2,open"], "more.csv", "of,state"), profile=known)
    assert [order(shop, number)["review_status"] for number in ("1", "2")] == [
        "completed", "imported"]
