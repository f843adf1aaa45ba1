"""Lists of things: in either order, narrowed, and read one by one as they were written."""

from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from api.http.routes import PERMITS, READERS
from api.orders import TAKINGS
from api.stock import FLOOR, SEES_PRICES, SEES_WAITING
from ledger.common.values import subject
from ledger.log.store import SUFFIX
from tests.conftest import on_sqlite
from tests.support.bodies import WHEN, joined, order, stocked
from tests.support.web import Web, problem

PREFER = {"Prefer": "return=representation"}


def pages(web: Web, address: str | None) -> list[dict[str, Any]]:
    """All rows of a list, page by page."""
    rows: list[dict[str, Any]] = []
    while address:
        answer = web.get(address)
        assert answer.status_code == 200, answer.text
        rows += (answer.json or {})["items"]
        address = (answer.json or {})["next"]
    return rows


def test_things__come_by_their_names_either_way(web: Web) -> None:
    for name in ("b", "A", "钢笔", "c/d"):
        web.done("/v1/skus", {"sku": name})
        web.done("/v1/warehouses", {"name": name, "occurred_at": WHEN})
    for path, column in (("skus", "sku"), ("warehouses", "name")):
        names = [row[column] for row in pages(web, f"/v1/{path}?limit=1")]
        assert names == ["A", "b", "c/d", "钢笔"]
        for word, wanted in ((column, names), (f"-{column}", names[::-1])):
            assert [row[column] for row in pages(web, f"/v1/{path}?limit=3&sort={word}")] == wanted


@on_sqlite
@pytest.mark.parametrize("query", ["sort=title", "sort=", "sort=-", "kind=x"])
def test_things__rejected_in_an_order_that_there_is_not(web: Web, query: str) -> None:
    problem(web.get(f"/v1/warehouses?{query}"), 400, "not_understood")


# -- what was written -----------------------------------------------------------------------------


def written(web: Web, number: str) -> dict[str, TestResponse]:
    """What answers one of each thing that is written, by its kind; those of stock have a number of
    their own, or get one."""
    stocked(web)
    joined(web, "finance", "warehouse")
    web.done("/v1/warehouses", {"name": "二 仓"})
    web.done("/v1/orders", order(occurred_at="2026-09-10T12:00:00+08:00"), "service")
    named = {"number": number} if number else {}
    (row,) = (web.get("/v1/reconciliation?month=2026-09", "finance").json or {})["items"]
    sent = {
        "movement": ("/v1/stock-movements", {
            "warehouse": "main", **named, "reason": "wet", "moves": [
                {"sku": "SH-001", "quantity": 1, "from": "available", "to": "written_off",
                 "cause": "write_off"}]}, "warehouse"),
        "count": ("/v1/stock-counts", {"warehouse": "main", **named, "counts": [
            {"sku": "SH-001", "quantity": 9}]}, "warehouse"),
        "transfer": ("/v1/transfers", {"number": number or "T", "from": "main", "to": "二 仓",
                                       "lines": [{"sku": "SH-001", "quantity": 1}]}, "manager"),
        "sku": ("/v1/skus", {"sku": number or "S", "title": "钢笔"}, "manager"),
        "warehouse": ("/v1/warehouses", {"name": number or "W"}, "manager"),
        "reconciliation": ("/v1/reconciliations", {
            "month": "2026-09", "digest": row["digest"], "differences": [
                {"currency": "CNY", "amount_minor": row["difference_minor"],
                 "cause": "unpaid"}]}, "finance")}
    return {kind: web.post(path, body, role, **PREFER)
            for kind, (path, body, role) in sent.items()}


@pytest.mark.parametrize("number", ["", "a b/c:d%2F仓?&#"])
def test_written__leads_to_its_own_address_and_answers_as_that_does(web: Web, number: str) -> None:
    for kind, made in written(web, number).items():
        assert made.status_code == 201, (kind, made.text)
        body = made.json or {}
        about = body["receipt"]["subject"]
        assert about.partition(":")[0] == kind
        assert made.headers["ETag"] == f'"{body["receipt"]["versions"][about]}"' == '"1"'
        found = web.client.get(made.headers["Location"], headers=web.headers(
            "finance", "main", {}))
        assert found.status_code == 200, (kind, found.text)
        assert found.headers["ETag"] == made.headers["ETag"]
        assert (found.json or {})["item"] == body["item"], kind
        assert about in (body["item"].get(kind), body["item"].get("subject"))
        again = web.get(f"{made.headers['Location']}?position={body['as_of']['position'] - 1}",
                        "finance")
        problem(again, 404, "nothing_recorded_then")


def test_written__is_read_by_those_who_may(web: Web) -> None:
    """Rights are those of the lists and the writes; what the shop takes is noted."""
    rights = {"movement": FLOOR | SEES_WAITING, "count": READERS, "transfer": READERS,
              "sku": READERS, "warehouse": READERS, "reconciliation": TAKINGS}
    for kind, made in written(web, "1").items():
        before = web.edge.store.head("main" + SUFFIX).position
        for role in sorted(READERS):
            answer = web.get(made.headers["Location"], role)
            assert answer.status_code == (200 if role in rights[kind] else 403), (kind, role)
        noted = [one for one in web.edge.store.read("main" + SUFFIX, after=before)
                 if one.type == "reading.noted.v1"]
        assert len(noted) == (len(TAKINGS) if kind == "reconciliation" else 0)
        assert all(made.headers["Location"].rpartition("/")[2] in one.subjects for one in noted)
    assert rights["movement"] == PERMITS["stock.movement"]


def test_sku__says_what_it_costs_to_those_who_may_read_prices(web: Web) -> None:
    """And where all its prices are; of another name, nothing but which."""
    name = "笔 50%?a:b"
    made = web.post("/v1/skus", {"sku": name}, **PREFER)
    assert (made.json or {})["item"]["price"] is None
    for minor, day in ((500, 2), (450, 1)):
        web.done(f"/v1/skus/{quote(name)}/prices", {
            "amount_minor": minor, "floor_minor": minor - 100, "currency": "CNY",
            "occurred_at": f"2026-10-0{day}T12:00:00+08:00"}, "finance")
    web.done("/v1/skus/OLD/aliases", {"target": name})
    for role in sorted(READERS):
        item = (web.get(made.headers["Location"], role).json or {})["item"]
        listed = {row["sku"]: row for row in pages(web, "/v1/skus")} if role == "manager" else {}
        assert ("price" in item, "prices" in item) == (role in SEES_PRICES,) * 2, role
        assert not listed or listed[name] == item
        if role in SEES_PRICES:
            assert item["price"] == {"amount_minor": 500, "floor_minor": 400, "currency": "CNY",
                                     "since": "2026-10-02T04:00:00Z"}
            history = (web.get(item["prices"], role).json or {})["items"]
            assert [row["amount_minor"] for row in history] == [500, 450]
            assert [row["amount_minor"] for row in history if row["in_force"]] == [500]
    item = (web.get("/v1/skus/sku:OLD").json or {})["item"]
    assert (item["price"], item["other_name_of"]) == (None, name)


def test_transfers__that_arrived_are_listed_too_in_the_order_in_which_they_were_sent(
    web: Web
) -> None:
    stocked(web)
    web.done("/v1/warehouses", {"name": "two", "occurred_at": WHEN})
    names = ["b", "T 2/仓", "a", "c"]
    for number in names:
        web.done("/v1/transfers", {"number": number, "from": "main", "to": "two", "lines": [
            {"sku": "SH-001", "quantity": 1}]})
    for number in ("a", "b"):
        web.done(f"/v1/transfers/{number}/receipts", {"lines": [
            {"sku": "SH-001", "quantity": 1}]})
    for query, wanted in (("", names[::-1]), ("&sort=sent_position", names),
                          ("&sort=-sent_position", names[::-1])):
        for limit in (1, 3, 5):
            rows = pages(web, f"/v1/sent-transfers?limit={limit}{query}")
            assert [row["transfer"] for row in rows] == [
                subject("transfer", one) for one in wanted]
    left = {row["transfer"]: len(row["underway"]) for row in pages(web, "/v1/sent-transfers")}
    assert sorted(left.values()) == [0, 0, 1, 1]
    assert {row["transfer"] for row in pages(web, "/v1/transfers")} == {
        one for one, pieces in left.items() if pieces}
