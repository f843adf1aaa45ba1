"""What comes back: files of cases, and rows of a list of orders that are about it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger.imports import profiles
from ledger.imports.profile import Profile
from tests.support.erasing import erase
from tests.support.reporting import report
from tests.support.shops import SAMPLES, Shop, codes, counts

ORDERS, RETURNS = (SAMPLES / "platforms" / f"generic-{name}.csv" for name in ("orders", "returns"))

HEADER = "kind,no,order,sku,qty,price,at,sent,came,found"
COLUMNS: dict[str, Any] = {
    "kind": {"field": "kind", "kind": "choice", "values": ["sold", "back", "refused", "money"]},
    "no": {"field": "number", "kind": "id", "required": True},
    "order": {"field": "order", "kind": "id"},
    "sku": {"field": "sku", "kind": "id"},
    "qty": {"field": "quantity", "kind": "integer", "default": 0},
    "price": {"field": "price", "kind": "money", "default": 0},
    "at": {"field": "at", "kind": "time", "required": True},
    "sent": {"field": "sent", "kind": "time"},
    "came": {"field": "came", "kind": "time"},
    "found": {"field": "found", "kind": "choice",
              "values": {"": "", "ok": "restocked", "broken": "damaged"}}}
LINES = {"of": "rows", "sku": "sku", "quantity": "quantity", "unit_price": "price"}


MIXED: dict[str, Any] = {
    "name": "mixed", "version": 1, "channel": "x", "shop": "x", "stock": {"warehouse": "main"},
    "money": {"currency": "CNY", "exponent": 2},
    "times": {"zone": "Asia/Shanghai", "formats": ["%Y-%m-%d"]},
    "files": {"rows": {"columns": COLUMNS}},
    "order": {"file": "rows", "number": "number", "lines": LINES, "placed": {"at": "at"},
              "dispatched": {"at": "sent"}, "paid": {"at": "at"}, "paid_minor": {"lines": "all"},
              "rows": [{"are": "returned", "when": {"kind": "equals back"}},
                       {"are": "refused", "when": {"kind": "equals refused"}},
                       {"are": "sale"}]},
    "return": {"file": "rows", "number": "number", "order": "order",
               "lines": {**LINES, "disposition": "found"},
               "requested": {"at": "at"}, "came": {"at": "came"}}}


def mixed(**changes: Any) -> Profile:
    """A list of orders, some of whose rows are about what comes back of them; None: without."""
    raw = {key: value for key, value in {**MIXED, **changes}.items() if value is not None}
    return profiles.parse(yaml.safe_dump(raw), "mixed")


def bring(shop: Shop, *rows: str, profile: Profile | None = None, **more: Any) -> Any:
    """Import a list of orders and what comes back of them."""
    return shop.bring(shop.file(rows, header=HEADER), profile=profile or mixed(), **more)


SOLD = ("sold,1,,A,2,5.00,2026-09-01,2026-09-02,,", "sold,1,,B,1,7.00,2026-09-01,2026-09-02,,")


def pieces(shop: Shop) -> dict[str, dict[str, int]]:
    """Of each case, its pieces by state, as far as there are any."""
    return {row["subject"].rpartition(":")[2]: {
        state: count for state, count in row["pieces"].items() if count}
        for row in report(shop, "returns")}


def lines(shop: Shop) -> dict[str, dict[str, int]]:
    """Of each line of orders, by its SKU, its pieces by state."""
    states = ("in_transit", "delivered", "returning", "returned", "lost")
    return {line["sku"]: {state: line[state] for state in states if line[state]}
            for row in report(shop, "fulfilment") for line in row["lines"]}


def levels(shop: Shop, place: str = "available") -> dict[str, int]:
    """How many pieces of each SKU lie in a place."""
    return {row["sku"]: row[place] for row in report(shop, "inventory")}


# -- a file of cases -------------------------------------------------------------------------------


def test_sample__has_each_case_with_its_order_its_goods_and_its_money(shop: Shop) -> None:
    shop.bring(ORDERS, profile="generic")
    summary = shop.bring(RETURNS, profile="generic-returns")
    assert (counts(summary), codes(summary), summary.warning_count) == ((6, 6, 0, 0), [], 0)
    assert {row["subject"].rpartition(":")[2]: (
        row["state"], row["kind"], (row["order"] or "").rpartition(":")[2], row["paid_minor"])
        for row in report(shop, "returns")} == {
            "R-501": ("closed", "return_and_refund", "G-1001", 4500),
            "R-502": ("authorised", "refused", "G-1002", 0),
            "R-503": ("authorised", "refund_only", "G-1001", 500),
            "R-504": ("authorised", "return_and_refund", "G-1003", 0),
            "R-505": ("declared", "return_and_refund", "", 0)}
    assert pieces(shop) == {
        "R-501": {"restocked": 1, "damaged": 1}, "R-502": {"restocked": 2}, "R-503": {},
        "R-504": {"awaited": 1}, "R-505": {"awaiting_inspection": 1}}
    assert {row["number"]: row["refunded_minor"] for row in report(shop, "orders")} == {
        "G-1001": 5000, "G-1002": None, "G-1003": None}


def test_sample__brings_nothing_a_second_time(shop: Shop) -> None:
    shop.bring(ORDERS, profile="generic")
    shop.bring(RETURNS, profile="generic-returns")
    again = shop.file(RETURNS.read_bytes(), "another-name.csv")
    assert counts(shop.bring(again, profile="generic-returns")) == (6, 0, 0, 6)
    assert counts(shop.bring(ORDERS, profile="generic")) == (4, 0, 0, 4)


def test_return__of_an_order_that_is_not_known_is_refused_with_its_row(shop: Shop) -> None:
    summary = shop.bring(RETURNS, profile="generic-returns")
    assert {(row, code) for row, _, code in codes(summary)} == {
        (2, "order_unknown"), (4, "order_unknown"), (5, "order_unknown"), (6, "order_unknown")}
    assert shop.log() == []


def test_return__leaves_out_what_is_personal_of_somebody_who_was_erased(shop: Shop) -> None:
    header, *rows = ORDERS.read_text("utf-8").splitlines()
    shop.bring(shop.file([f"{row},ann" for row in rows], header=f"{header},buyer"),
               profile="generic")
    (person,) = {placed["account"]["p"] for placed in shop.payloads("order.placed.v1")}
    erase(shop.opened.ledger, person)
    summary = shop.bring(RETURNS, profile="generic-returns")
    assert (counts(summary), summary.erased) == ((6, 6, 0, 0), 4)
    assert [case for case in shop.payloads("case.requested.v1") if "reason" in case] == []


# -- rows of a list of orders ----------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False])
def test_row_that_came_back__follows_the_order_of_the_same_file(
    shop: Shop, *, first: bool
) -> None:
    back = "back,R1,1,A,1,,2026-09-05,,2026-09-08,broken"
    rows = (back, *SOLD) if first else (*SOLD, back)
    assert counts(bring(shop, *rows)) == (3, 3, 0, 0)
    assert (pieces(shop), lines(shop)) == (
        {"R1": {"damaged": 1}}, {"A": {"delivered": 1, "returned": 1}, "B": {"delivered": 1}})
    assert (levels(shop), levels(shop, "damaged")) == ({"A": -2, "B": -1}, {"A": 1, "B": 0})
    assert counts(bring(shop, *rows)) == (3, 0, 0, 3)


def test_pieces_below_zero__are_as_many_that_came_back(shop: Shop) -> None:
    columns = {**COLUMNS, "qty": {"field": "quantity", "kind": "integer", "negative": True}}
    profile = mixed(files={"rows": {"columns": columns}})
    bring(shop, *SOLD, "back,R1,1,A,-2,5.00,2026-09-05,,2026-09-08,ok", profile=profile)
    assert pieces(shop) == {"R1": {"restocked": 2}}


def test_row_that_is_coming_back__comes_with_a_later_file(shop: Shop) -> None:
    bring(shop, *SOLD, "back,R1,1,A,1,,2026-09-05,,,")
    assert (pieces(shop), lines(shop)["A"]) == (
        {"R1": {"awaited": 1}}, {"delivered": 1, "returning": 1})
    summary = bring(shop, *SOLD, "back,R1,1,A,1,,2026-09-05,,2026-09-08,ok")
    assert counts(summary) == (3, 1, 0, 2)
    assert (pieces(shop), lines(shop)["A"]) == (
        {"R1": {"restocked": 1}}, {"delivered": 1, "returned": 1})


def test_refused_row__never_got_to_the_buyer(shop: Shop) -> None:
    bring(shop, *SOLD, "refused,R1,1,A,2,,2026-09-05,,2026-09-08,ok")
    assert lines(shop) == {"A": {"returned": 2}, "B": {"in_transit": 1}}
    assert levels(shop) == {"A": 0, "B": -1}


@pytest.mark.parametrize(("row", "code"), [
    ("back,R1,1,A,3,,2026-09-05,,2026-09-08,", "not_that_many"),
    ("back,R1,1,C,1,,2026-09-05,,2026-09-08,", "line_not_ordered"),
    ("back,R1,2,A,1,,2026-09-05,,2026-09-08,", "order_unknown")])
def test_what_cannot_have_come_back__is_a_fault_of_its_row(
    shop: Shop, row: str, code: str
) -> None:
    summary = bring(shop, *SOLD, row)
    assert (code, 4) in [(code, row) for row, _, code in codes(summary)]
    assert shop.log() == []


def test_history__brings_cases_without_stock(shop: Shop) -> None:
    for came in ("", "2026-09-08"):
        bring(shop, *SOLD, f"back,R1,1,A,1,,2026-09-05,,{came},", stock="none")
    assert (pieces(shop), report(shop, "inventory")) == ({"R1": {"awaiting_inspection": 1}}, [])
    assert lines(shop)["A"] == {"delivered": 1, "returned": 1}


@pytest.mark.parametrize(("fact", "state", "exception"), [
    ("refused", "returning_to_sender", "parcel_refused"), ("lost", "lost", "courier_lost")])
def test_order__may_say_that_what_was_sent_never_arrived(
    shop: Shop, fact: str, state: str, exception: str
) -> None:
    profile = mixed(order={**MIXED["order"], fact: {"at": "came"}, "rows": [{"are": "sale"}]},
                    **{"return": None})
    rows = [row.replace("09-02,,", "09-02,2026-09-09,") for row in SOLD]
    for _ in range(2):
        bring(shop, *rows, profile=profile)
    assert report(shop, "orders")[0]["exception_kinds"] == [exception]
    (order,) = report(shop, "fulfilment")
    assert [line[state] for line in order["lines"]] == [2, 1]


# -- money that a list of orders has told before ---------------------------------------------------


def test_refund__that_a_list_of_orders_has_is_not_refunded_again(
    shop: Shop, tmp_path: Path
) -> None:
    header, first, *rest = ORDERS.read_text("utf-8").splitlines()
    text = "\n".join([f"{header},refunded_at,refunded", f"{first},2026-09-09 16:00:00,45.00",
                      *(f"{row},," for row in rest)])
    orders = tmp_path / "orders.csv"
    orders.write_text(text + "\n", "utf-8")
    shop.bring(orders, profile="generic")
    shop.bring(RETURNS, profile="generic-returns")
    assert [row["refunded_minor"] for row in report(shop, "orders")] == [5000, None, None]
    assert sum(row["paid_minor"] for row in report(shop, "returns")) == 5000


# -- what a profile has to agree in ----------------------------------------------------------------


@pytest.mark.parametrize(("changes", "where"), [
    ({"return": None}, "/return"),
    ({"order": {"file": "rows", "number": "number", "placed": {"at": "at"}}}, "/return"),
    ({"return": {"file": "rows", "number": "number", "requested": {"at": "at"}}}, "/return/file"),
    ({"return": {"file": "rows", "number": "number", "requested": {"at": "at"},
                 "lines": {**LINES, "disposition": "kind"}}}, "/return/lines/disposition")])
def test_profile__rejected_where_its_returns_do_not_fit(
    changes: dict[str, Any], where: str
) -> None:
    with pytest.raises(profiles.InvalidProfile) as found:
        mixed(**changes)
    assert where in [fault.where for fault in found.value.faults]

