"""The JSON API: commands in, answers with their cut out, and every wrong input its own problem."""

import csv
import io
import json
import os
import pkgutil
import re
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from api.http.edge_errors import EDGE
from api.http.operations import checks
from ledger.application import LedgerClosed
from ledger.log.store import SUFFIX, StorageFailed
from ledger.log.verify import Expectation, verify
from ledger.people.commands import AssignPost
from ledger.writing import writer
from tests.conftest import on_postgres, on_sqlite
from tests.support import shops, source
from tests.support.bodies import LINE, WHEN, at, joined, order, stocked
from tests.support.builders import CHANNEL, CONTEXT, NOON, SHOP, stream
from tests.support.postgres_server import Server
from tests.support.waiting import eventually
from tests.support.web import Web, problem


def items(web: Web, path: str, role: str = "manager") -> list[dict[str, Any]]:
    """The items of a list."""
    answer = web.get(path, role)
    assert answer.json is not None, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found


# -- a whole story --------------------------------------------------------------------------------


def test_order__accepted_from_the_shelf_to_the_buyer_and_back(web: Web) -> None:
    stocked(web)
    web.done("/v1/sales", order(warehouse="main"), "service")
    web.done(f"{at()}/payments", {"amount_minor": 4990}, "finance")
    seen = web.get(at()).headers["ETag"]
    joined(web, "service", "manager", "finance")
    web.done(f"{at()}/approvals", {}, "service", If_Match=seen)
    web.done(f"{at()}/submissions", {"warehouse": "main"}, "service")
    one = [{"line": "1", "quantity": 1}]
    for path, body in {
            "picks": {"lines": one}, "checks": {"passed": True},
            "parcels": {"parcel": "P1", "lines": one},
            "dispatches": {"parcel": "P1", "courier": "顺丰", "waybill": "SF1"},
            "deliveries": {"parcel": "P1"}}.items():
        web.done(f"{at()}/{path}", body, "warehouse")
    web.done("/v1/returns", {
        "channel": CHANNEL, "shop": SHOP, "number": "R1", "currency": "CNY", "order": stream(),
        "kind": "return_and_refund", "lines": one, "refund_minor": 4990}, "service")
    case = at("R1", "case")
    web.done(f"{case}/authorisations", {}, "service")
    web.done(f"{case}/receipts", {"warehouse": "main", "lines": one}, "warehouse")
    web.done(f"{case}/inspections", {"lines": [{**one[0], "disposition": "restocked"}]},
             "warehouse")
    for who, post in (("manager", "shop_manager"), ("finance", "finance")):
        web.ledger().handle(AssignPost(post=post, member=f"member:{who}", since="2026-01-01",
                                       occurred_at=NOON), CONTEXT)
    web.done(f"{case}/refund-approvals", {"amount_minor": 4990}, "manager")
    problem(web.post(f"{case}/refunds", {"amount_minor": 4990}, "manager"), 422, "same_signer")
    last = web.done(f"{case}/refunds", {"amount_minor": 4990}, "finance")
    found = web.get(at(), Ledger_Min_Position=str(last["position"])).json
    assert found is not None
    assert (found["item"]["payment_status"], found["item"]["fulfilment_status"]) == (
        "refunded", "returned")
    before = web.get(f"{at()}?position=6").json
    assert before is not None
    assert before["item"]["payment_status"] == "paid"
    assert before["as_of"]["position"] == 6
    (level,) = items(web, "/v1/inventory/sku:SH-001")
    assert (level["available"], level["on_hand"]) == (10, 10)
    (shown,) = items(web, "/v1/returns")
    assert (shown["pieces"]["restocked"], shown["paid_minor"]) == (1, 4990)
    assert web.get(case).headers["ETag"] == '"6"'


def test_history__tells_who_when_and_what_changed(web: Web) -> None:
    web.done("/v1/orders", order())
    web.done(f"{at()}/payments", {"amount_minor": 4990, "occurred_at": WHEN}, "finance")
    answer = web.get(f"{at()}/history").json
    assert answer is not None
    placed, paid = answer["items"]
    assert (placed["type"], placed["actor"], placed["changes"]["placed_at"]["before"]) == (
        "order.placed.v1", "member:manager", None)
    assert paid["changes"]["paid_minor"] == {"before": 0, "after": 4990}
    assert (paid["role"], paid["occurred_at"]) == ("finance", "2026-10-01T04:00:00Z")
    first = web.get(f"{at()}/history?limit=1").json
    assert first is not None
    assert [one["position"] for one in first["items"]] == [2]
    assert [one["position"] for one in items(web, first["next"])] == [3]
    problem(web.get(f"{at('9')}/history"), 404, "nothing_recorded")
    problem(web.get(f"/v1/returns/{quote(stream())}/history"), 404, "nothing_recorded")


def test_history__of_an_account_is_what_documents_did_to_it(web: Web) -> None:
    stocked(web)
    receipt = web.done("/v1/sales", order(warehouse="main"), "service")
    received, sold = items(web, "/v1/stock/stock:main:SH-001/history")
    assert [(one["stream"].split(":")[0], one["type"]) for one in (received, sold)] == [
        ("movement", "stock.moved.v1"), ("order", "order.placed.v1")]
    assert received["changes"] == {
        "levels": {"before": {}, "after": {"supplier": -10, "available": 10}},
        "bins": {"before": {}, "after": {"": 10}}}
    assert sold["changes"] == {"levels": {
        "before": {"supplier": -10, "available": 10},
        "after": {"supplier": -10, "available": 9, "reserved": 1}}}
    assert sold["summary"].endswith("SH-001 available → reserved 1")
    assert items(web, f"{at()}/history")[0]["changes"]["placed_at"]["before"] is None
    assert receipt["versions"] == {stream(): 1, "stock:main:SH-001": sold["position"]}
    problem(web.get("/v1/stock/stock:main:OTHER/history"), 404, "nothing_recorded")


def test_history__of_an_account_gives_the_version_that_a_decision_rests_on(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ETag of an account is the last position that touched it, wherever it is given."""
    stocked(web, 1)
    web.done("/v1/orders", order(lines=[{**LINE, "quantity": 2, "amount_minor": 9980}],
                                   amounts={"total_minor": 9980}), "service")
    joined(web, "service")
    web.done(f"{at()}/approvals", {}, "service", If_Match='"1"')
    web.done(f"{at()}/submissions", {"warehouse": "main"}, "service")
    web.done(f"{at()}/reservations", {"warehouse": "main"}, "service")
    history, release = "/v1/stock/stock:main:SH-001/history", "/v1/back-order-releases"
    seen = web.get(history).headers["ETag"]
    assert seen == f'"{items(web, history)[-1]["position"]}"'
    assert "ETag" not in web.get(f"{history}?position=4").headers
    body = {"warehouse": "main", "sku": "SH-001"}
    unchanged = web.post(release, body, "warehouse", If_Match=seen)
    assert (unchanged.status_code, "ETag" in unchanged.headers) == (200, False)
    monkeypatch.setattr("ledger.fulfilment.reserving.MAX_SERVED", 0)
    web.done("/v1/stock-movements", {"warehouse": "main", "moves": [
        {"sku": "SH-001", "quantity": 5, "from": "supplier", "to": "available",
         "cause": "receipt"}]}, "warehouse")
    monkeypatch.undo()
    problem(web.post(release, body, "warehouse", If_Match=seen), 412, "stale_version")
    seen = web.get(history).headers["ETag"]
    served = web.post(release, body, "warehouse", If_Match=seen)
    assert served.status_code == 201
    assert served.headers["ETag"] != seen
    assert served.headers["ETag"] == web.get(history).headers["ETag"]
    assert items(web, history)[-1]["summary"].endswith(
        "SH-001 available → reserved 1, SH-001 waiting → demand 1")


def test_parcel__refused_by_the_buyer_comes_back(web: Web) -> None:
    stocked(web)
    web.done("/v1/sales", order(warehouse="main"), "service")
    joined(web, "service")
    web.done(f"{at()}/approvals", {}, "service", If_Match='"1"')
    web.done(f"{at()}/submissions", {"warehouse": "main"}, "service")
    web.done(f"{at()}/payments", {"amount_minor": 4990}, "finance")
    one = [{"line": "1", "quantity": 1}]
    for path, body in {
            "picks": {"lines": one}, "checks": {"passed": True},
            "parcels": {"parcel": "P1", "lines": one},
            "dispatches": {"parcel": "P1", "courier": "顺丰", "waybill": "SF1"},
            "parcel-refusals": {"parcel": "P1", "reason": "拒收"}}.items():
        last = web.done(f"{at()}/{path}", body, "warehouse")
    shown = web.get(at(), Ledger_Min_Position=str(last["position"])).json["item"]  # type: ignore
    assert [parcel["state"] for parcel in shown["parcels"]] == ["returning_to_sender"]
    again = web.post(f"{at()}/parcel-refusals", {"parcel": "P1", "reason": "拒收"}, "service")
    assert (again.status_code, again.json["positions"]) == (200, [])  # type: ignore[index]
    problem(web.post(f"{at()}/parcel-refusals", {"parcel": "P1", "reason": "拒收"}, "finance"),
            403, "forbidden")


def test_history__of_a_long_stream_tells_no_changes(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.audit.trail.FOLDED", 1)
    web.done("/v1/orders", order())
    web.done(f"{at()}/payments", {"amount_minor": 4990}, "finance")
    placed, paid = items(web, f"{at()}/history")
    assert placed["changes"]["currency"] == {"before": "", "after": "CNY"}
    assert paid["changes"] is None


def test_explain__adds_up_to_what_is_told(web: Web) -> None:
    web.done("/v1/orders", order(lines=None, amounts={
        "goods_minor": 4990, "postage_minor": 600, "discount_minor": 100}))
    web.done(f"{at()}/payments", {"amount_minor": 4000}, "finance")
    web.done(f"{at()}/payments", {"amount_minor": 1490}, "finance")
    web.done(f"{at()}/refunds", {"amount_minor": 500, "reference": "TK-1"}, "finance")
    web.done(f"{at()}/corrections", {"fact": "paid", "amount_minor": 5480, "reason": "typo"},
             "finance", If_Match='"6"')
    figures = web.get(f"{at()}/explain").json["item"]["figures"]  # type: ignore[index]
    told = web.get(at()).json["item"]  # type: ignore[index]
    for name in ("total_minor", "paid_minor", "refunded_minor"):
        terms = figures[name]["terms"]
        assert figures[name]["value"] == told[name] == sum(
            term["factor"] * term["value"] for term in terms)
    assert [(term["pointer"], term["factor"]) for term in figures["total_minor"]["terms"]] == [
        ("/amounts/goods_minor", 1), ("/amounts/postage_minor", 1),
        ("/amounts/discount_minor", -1)]


def test_explain_stock__adds_up_to_the_levels_from_its_documents(web: Web) -> None:
    stocked(web, 10)
    web.done("/v1/sales", {**order(), "warehouse": "main"})
    found = web.get("/v1/stock/stock:main:SH-001/explain").json["item"]  # type: ignore[index]
    (told,) = items(web, "/v1/inventory/stock:main:SH-001")
    for place in ("available", "reserved"):
        figure = found["figures"][place]
        assert figure["value"] == told[place] == sum(
            term["factor"] * term["value"] for term in figure["terms"])
    assert found["bins"][""]["value"] == 10
    term = found["figures"]["reserved"]["terms"][0]
    assert (term["pointer"], term["factor"], term["document"].split(":")[0]) == (
        "/postings/0/quantity", 1, "order")
    then = web.get("/v1/stock/stock:main:SH-001/explain?position=3").json
    assert then["item"]["figures"]["available"]["value"] == 10  # type: ignore[index]
    assert web.get("/v1/stock/stock:main:NEW/explain").status_code == 404


# -- repeats and versions -------------------------------------------------------------------------


def test_repeat__is_answered_with_the_first_receipt(web: Web) -> None:
    first = web.post("/v1/orders", order(), key="a")
    again = web.post("/v1/orders", order(), key="a")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.headers["Location"] == again.headers["Location"]
    problem(web.post("/v1/orders", order(currency="EUR"), key="a"), 422, "command_reused")
    other = web.post("/v1/orders", order(2), "service", key="a")
    assert other.status_code == 201


def test_repeat__is_what_was_named_wherever_it_stood(web: Web) -> None:
    """Another order's payment under the same key is another request; another spelling is not."""
    for number in (1, 2):
        web.done("/v1/orders", order(number))
    body = b'{"amount_minor":4990,"occurred_at":"2026-10-01T13:00:00+08:00"}'
    first = web.post(f"{at()}/payments", body, key="p")
    spelled = (b'{ "payments": [], "occurred_at": "2026-10-01T05:00:00Z",\n'
               b' "amount_minor": 4990}')
    assert web.post(f"{at()}/payments", spelled, key="p").json == first.json
    problem(web.post(f"{at(2)}/payments", body, key="p"), 422, "command_reused")
    problem(web.post(f"{at()}/approvals", {}, key="p", If_Match='"2"'), 422, "command_reused")
    problem(web.post(f"{at()}/payments", body, key="p", If_Match='"1"'), 422, "command_reused")
    named = {"amount_minor": 4990}
    timeless = web.post(f"{at(2)}/payments", named, key="q")
    assert web.post(f"{at(2)}/payments", named, key="q").json == timeless.json
    problem(web.post(f"{at(2)}/payments", body, key="q"), 422, "command_reused")


def test_repeat__decided_again_when_it_was_not_accepted(web: Web) -> None:
    """Refusals are on record, and use no key up: what has changed since counts."""
    stocked(web, 1)
    two = order(warehouse="main", lines=[{**LINE, "quantity": 2, "amount_minor": 9980}],
                amounts={"total_minor": 9980})
    for _ in range(2):
        problem(web.post("/v1/sales", two, key="a"), 422, "out_of_stock")
    paid = {"amount_minor": 9980}
    problem(web.post(f"{at()}/payments", paid, key="p"), 404, "order_unknown")
    web.done("/v1/stock-movements", {"warehouse": "main", "moves": [
        {"sku": "SH-001", "quantity": 5, "from": "supplier", "to": "available",
         "cause": "receipt"}]}, "warehouse")
    again = web.post("/v1/sales", two, key="a")
    assert (again.status_code, "Idempotency-Replayed" in again.headers) == (201, False)
    assert web.post("/v1/sales", two, key="a").headers["Idempotency-Replayed"] == "true"
    problem(web.post("/v1/sales", {**two, "currency": "EUR"}, key="a"), 422, "command_reused")
    assert web.post(f"{at()}/payments", paid, key="p").status_code == 201
    assert [one["payload"]["rule"] for one in items(web, "/v1/refusals")] == [
        "R-ORD-03", "R-STK-01", "R-STK-01"]


def test_repeat__ignored_when_the_first_changed_nothing(web: Web) -> None:
    """The key is used up all the same: no other body takes it."""
    web.done("/v1/warehouses", {"name": "main", "occurred_at": WHEN})
    body = {"name": "main", "occurred_at": WHEN}
    first = web.post("/v1/warehouses", body, key="w")
    again = web.post("/v1/warehouses", body, key="w")
    assert (first.status_code, first.json["positions"]) == (200, [])
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    problem(web.post("/v1/warehouses", {**body, "name": "other"}, key="w"), 422,
            "command_reused")


def test_version__must_be_the_one_that_was_seen(web: Web) -> None:
    web.done("/v1/orders", order())
    problem(web.post(f"{at()}/approvals", {}), 428, "precondition_required")
    problem(web.post(f"{at()}/approvals", {}, If_Match='"7"'), 412, "stale_version")
    for wrong in ('"x"', '"0"', "*"):
        problem(web.post(f"{at()}/approvals", {}, If_Match=wrong), 400, "not_understood")
    joined(web, "manager")
    answer = web.post(f"{at()}/approvals", {}, If_Match='"1"')
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"2"')


def test_version__of_a_sku_can_be_asked_for(web: Web) -> None:
    path, body = "/v1/skus/SH-001/thresholds", {"threshold": 3, "occurred_at": WHEN}
    made = web.post(path, body)
    problem(web.post(path, {**body, "threshold": 4}, If_Match='"7"'), 412, "stale_version")
    web.done(path, {**body, "threshold": 4}, If_Match=made.headers["ETag"])


def test_count__accepted_of_an_empty_shelf(web: Web) -> None:
    stocked(web)
    web.done("/v1/stock-counts", {"warehouse": "main", "occurred_at": WHEN, "counts": [
        {"sku": "SH-001", "quantity": 0}]}, "warehouse")
    (row,) = items(web, "/v1/inventory")
    assert row["available"] == 0


# -- wrong input ----------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize(("body", "status", "code", "pointers"), [
    (b"[" * 100_000, 400, "malformed_json", []),
    (b"", 400, "malformed_json", []),
    (b"{" + b" " * (2 << 20), 413, "request_entity_too_large", []),
    (b"[]", 422, "invalid_values", [""]),
    ({"number": "\0"}, 422, "invalid_values", ["/number"]),
    ({"shop": 7}, 422, "invalid_values", ["/shop"]),
    ({"nmber": "7"}, 422, "invalid_values", ["/nmber"]),
    ({"occurred_at": "2026-10-01T12:00:00"}, 422, "invalid_values", ["/occurred_at"]),
    ({"occurred_at": "2099-10-01T12:00:00Z"}, 422, "occurred_in_future", []),
    ({"lines": [{**LINE, "quantity": 1.5}]}, 422, "invalid_values", ["/lines/0/quantity"]),
    ({"lines": [{**LINE, "quantity": "12"}]}, 422, "invalid_values", ["/lines/0/quantity"]),
    ({"lines": [{**LINE, "quantity": True}]}, 422, "invalid_values", ["/lines/0/quantity"]),
    ({"lines": [{**LINE, "quantity": 0}]}, 422, "invalid_values", ["/lines/0/quantity"]),
    ({"lines": [{**LINE, "unit_price": 2**53}]}, 422, "invalid_values", ["/lines/0/unit_price"]),
    ({"lines": [LINE, LINE]}, 422, "invalid_values", ["/lines/1/line"]),
    ({"channel": "", "currency": "yuan", "shop": "x" * 101, "lines": "none"}, 422,
     "invalid_values", ["/channel", "/currency", "/lines", "/shop"]),
])
def test_body__rejected_with_all_that_is_wrong(
    web: Web, body: Any, status: int, code: str, pointers: list[str]
) -> None:
    told = body if isinstance(body, bytes) else order(**body)
    found = problem(web.post("/v1/orders", told), status, code)
    assert sorted({fault["pointer"] for fault in found["errors"]}) == pointers
    assert web.edge.store.head("main").position == 1 + (code == "occurred_in_future")


def test_request__rejected_without_its_key_or_type(web: Web) -> None:
    headers = {"Authorization": f"Bearer {web.token()}"}
    found = problem(web.client.post("/v1/orders", json=order(), headers=headers), 400,
                    "not_understood")
    assert found["errors"][0]["pointer"] == "/headers/Idempotency-Key"
    headers["Idempotency-Key"] = "1"
    problem(web.client.post("/v1/orders", data="a=b", headers=headers), 415, "not_json")
    answer = web.client.delete("/v1/orders", headers=headers)
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    problem(web.get("/v1/nowhere"), 404, "not_found")


def test_order__that_is_unknown_is_not_found(web: Web) -> None:
    problem(web.get(at()), 404, "nothing_recorded")
    found = problem(web.post(f"{at()}/payments", {"amount_minor": 1}, "auditor"), 403, "forbidden")
    assert found["rule"] is None
    assert problem(web.post(f"{at()}/payments", {"amount_minor": 1}, "finance"), 404,
                   "order_unknown")["rule"] == "R-ORD-03"


@on_sqlite
def test_order__that_had_not_begun_then_is_said_not_to_have(web: Web) -> None:
    """R-PRJ-19, R-PRJ-20: as of what was asked, and the same once more is recorded."""
    stocked(web)
    position = web.edge.store.head("main").position
    web.done("/v1/orders", {**order(), "occurred_at": WHEN})
    for more in ("", "/history", "/explain"):
        path = f"{at()}{more}"
        found = problem(web.get(f"{path}?position={position}"), 404, "nothing_recorded_then")
        assert f"at position {position}." in found["detail"]
        assert found["open"] is False
        found = problem(web.get(f"{path}?occurred_as_of=2001-01-01"), 404, "nothing_occurred_then")
        assert "by 2001-01-01T15:59:59" in found["detail"]
        assert found["open"] is True
        problem(web.get(f"{at(2)}{more}?position={position}"), 404, "nothing_recorded_then")
        assert problem(web.get(f"{at(2)}{more}"), 404, "nothing_recorded")["open"] is True


@on_sqlite
@pytest.mark.parametrize("query", [
    "limit=0", "limit=10000", "limit=1e3", "cursor=Zm9yZ2Vk", "cursor=%F0", "position=-1",
    "position=x", "recorded_as_of=yesterday", "recorded_as_of=2026-02-30", "sort=x"])
def test_query__rejected(web: Web, query: str) -> None:
    answer = web.get(f"/v1/orders?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.content_type == "application/problem+json"


def test_position__that_is_not_written_is_not_found(web: Web) -> None:
    problem(web.get("/v1/orders?position=99"), 404, "position_beyond_head")
    problem(web.get("/v1/log/root?position=99"), 404, "position_beyond_head")


@on_sqlite
def test_position__rejected_when_two_recordings_are_asked_for(web: Web) -> None:
    problem(web.get("/v1/orders?position=1&recorded_as_of=2026-10-01"), 422, "two_recordings")


def test_unexpected__shows_nothing_inside(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret path")

    monkeypatch.setattr("api.http.writing.edge", broken)
    answer = web.post("/v1/orders", order())
    problem(answer, 500, "our_fault")
    assert "secret" not in answer.text


# -- lists ----------------------------------------------------------------------------------------


def test_pages__never_shift_under_writes(web: Web) -> None:
    for number in range(10, 16):
        web.done("/v1/orders", order(number))
    seen, following = [], "/v1/orders?limit=2"
    while following:
        answer = web.get(following)
        assert answer.json is not None
        seen += [one["number"] for one in answer.json["items"]]
        following = answer.json["next"]
        web.done(f"{at(10)}/remarks", {"remark": "again"})
        web.post("/v1/orders", order("100"))
    assert [one for one in seen if one != "100"] == ["15", "14", "13", "12", "11", "10"]
    assert len(set(seen)) == len(seen)


def test_pages__of_stock_hold_every_row_once(web: Web) -> None:
    web.done("/v1/warehouses", {"name": "main", "occurred_at": WHEN})
    for sku, quantity, day in (("C", 5, "03"), ("A", 50, "02"), ("B", 2, "01"), ("A", 7, "01")):
        web.done("/v1/stock-movements", {"warehouse": "main", "moves": [
            {"sku": sku, "quantity": quantity, "from": "supplier", "to": "available",
             "cause": "receipt", "to_bin": f"{sku}-{day}"},
            {"sku": sku, "quantity": 1, "from": "available", "to": "damaged", "cause": "damage"},
        ], "reason": "wet", "occurred_at": f"2026-10-{day}T12:00:00+08:00"})
    web.done("/v1/stock-movements", {"warehouse": "main", "moves": [
        {"sku": "C", "quantity": 20, "from": "supplier", "to": "available", "cause": "receipt"}]})
    for path in ("alerts", "bins", "stock-cards/sku:A", "inventory", "stock-ledger"):
        whole = items(web, f"/v1/{path}")
        paged, following = [], f"/v1/{path}?limit=1"
        while following:
            answer = web.get(following).json
            assert answer is not None
            paged += answer["items"]
            following = answer["next"]
        assert paged == whole, path
        assert len(whole) > 1
    assert [one["on_hand"] for one in items(web, "/v1/stock-cards/sku:A")] == [7, 57]


def test_cursor__is_of_one_list_and_one_ledger(web: Web) -> None:
    for ledger in ("main", "other"):
        for number in (1, 2):
            web.done("/v1/orders", order(number), ledger=ledger)
    following = web.get("/v1/orders?limit=1").json["next"]  # type: ignore[index]
    cursor = following.split("cursor=")[1]
    problem(web.get(f"/v1/returns?cursor={cursor}"), 400, "bad_cursor")
    problem(web.get(f"/v1/orders?shop=x&cursor={cursor}"), 400, "bad_cursor")
    problem(web.get(following, ledger="other"), 400, "bad_cursor")
    assert web.get(following).status_code == 200


def test_audit__by_whom_about_what_and_when(web: Web) -> None:
    stocked(web)
    web.done("/v1/sales", order(warehouse="main"), "service")

    def types(query: str) -> list[str]:
        return [one["type"] for one in items(web, f"/v1/audit?{query}&sort=position", "auditor")]

    assert types("actor=member:service") == ["order.placed.v1"]
    assert types("type=warehouse.opened.v1") == ["warehouse.opened.v1"]
    for subject in ("sku:SH-001", "stock:main:SH-001"):
        assert types(f"subject={subject}") == ["stock.moved.v1", "order.placed.v1"]
    assert types("day=2020-01-01") == []
    assert types("client=key:nobody") == []
    sold = items(web, "/v1/audit?actor=member:service")[0]
    assert types(f"command_id={sold['command_id']}") == ["order.placed.v1"]
    problem(web.get("/v1/audit?day=soon", "auditor"), 400, "not_understood")


def test_audit__is_exported_whole_and_harmless(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.done("/v1/orders", order(number="=1+1", shop="@shop"))
    lines = web.get("/v1/audit?format=ndjson", "auditor").text.splitlines()
    closing = json.loads(lines[-1])
    assert (closing["count"], closing["position"]) == (len(lines) - 1, 2)
    rows = list(csv.reader(io.StringIO(web.get("/v1/audit?format=csv", "auditor").text)))
    assert len(rows) == 3
    assert not any(cell[:1] in ("=", "+", "-", "@") for cell in rows[2])
    excel = web.get("/v1/audit?format=xlsx", "auditor")
    assert excel.data[:2] == b"PK"
    monkeypatch.setattr("api.log.EXPORTED", 0)
    problem(web.get("/v1/audit?format=csv", "auditor"), 422, "too_much")


def test_audit__leaves_a_note_of_who_read(web: Web) -> None:
    web.done("/v1/orders", order())
    before = web.edge.store.head("main").position
    web.get(f"/v1/audit?subject={quote(stream())}", "auditor")
    notes = [one for one in web.edge.store.read("main.access") if one.type == "reading.noted.v1"]
    assert notes[0].actor == "member:auditor"
    assert web.edge.store.head("main").position == before


def test_log__root_is_the_one_that_verify_takes(web: Web) -> None:
    for number in (1, 2, 3):
        web.done("/v1/orders", order(number))
    head = web.get("/v1/log/head").json["item"]  # type: ignore[index]
    earlier = web.get("/v1/log/root?position=2").json["item"]  # type: ignore[index]
    report = verify(web.edge.store, "main", expected=[
        Expectation.parse(head["expect"]), Expectation.parse(earlier["expect"])])
    assert report.ok


# -- imports --------------------------------------------------------------------------------------


def upload(web: Web, path: str | Path, key: str, **form: str) -> Any:
    """Send a file."""
    with open(path, "rb") as file:
        return web.client.post("/v1/imports", data={
            "profile": "taobao-orders", "file": (file, Path(path).name), **form},
            headers=web.headers("integration", "main", {"Idempotency-Key": key}))


def finished(web: Web, answer: Any) -> dict[str, Any]:
    """An import when it has ended."""
    assert answer.status_code == 202, answer.text
    until = time.monotonic() + 30
    while (found := dict(web.get(answer.headers["Location"]).json or {}))["state"] == "running":
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


@on_sqlite
def test_import__goes_on_behind_its_answer(web: Web) -> None:
    sample = "samples/taobao/ExportOrderList202608312359.csv"
    broken = "samples/broken/bad-money.csv"
    done = finished(web, upload(web, sample, "a"))
    assert (done["state"], done["counts"]["rows"]) == ("done", 247)
    assert finished(web, upload(web, sample, "a")) == done
    again = finished(web, upload(web, sample, "b"))
    assert (again["counts"]["accepted"], again["counts"]["duplicates"]) == (0, 247)
    problem(upload(web, broken, "a"), 422, "command_reused")
    faulty = finished(web, upload(web, broken, "c"))
    assert (faulty["state"], faulty["faults"]) == ("rejected", 4)
    faults = web.get(f"/v1/imports/{faulty['import']}/faults?after=1&limit=2").json
    assert faults is not None
    assert [one["row"] for one in faults["items"]] == [3, 4]
    problem(upload(web, sample, "d", profile="../x.yaml", policy="maybe"), 422, "invalid_values")
    problem(web.get("/v1/imports/nothing"), 404, "import_unknown")
    assert not list(Path(web.edge.store.url.removeprefix("sqlite:///")).parent.glob("upload-*"))


@on_sqlite
def test_import__takes_long_numbers_that_end_in_zeros_once_they_are_trusted(
    web: Web, tmp_path: Path
) -> None:
    export = tmp_path / "export.csv"
    export.write_text(f"{shops.HEADER}\n{shops.order('1000756800252750000')}\n")
    refused = finished(web, upload(web, export, "a", profile="tmall-report"))
    assert (refused["state"], refused["faults"]) == ("rejected", 1)
    told = web.get(f"/v1/imports/{refused['import']}/faults").json
    assert told is not None
    assert [one["code"] for one in told["items"]] == ["rounded"]
    problem(upload(web, export, "b", profile="tmall-report", trust_numbers="maybe"), 422,
            "invalid_values")
    taken = finished(web, upload(web, export, "c", profile="tmall-report", trust_numbers="true"))
    assert (taken["state"], taken["counts"]["accepted"]) == ("done", 1)


@on_sqlite
def test_import__lists_what_was_read_otherwise_than_it_is_printed(
    web: Web, tmp_path: Path
) -> None:
    rows = (shops.HEADER, *(shops.order(number) for number in ("Ａ１２", "13", "１４")))
    export = tmp_path / "export.csv"
    export.write_text("".join(f"{row}\n" for row in rows))
    done = finished(web, upload(web, export, "a", profile="tmall-report"))
    assert (done["state"], done["faults"], done["warnings"]) == ("done", 0, 2)
    listed = f"/v1/imports/{done['import']}/warnings"

    def shown(query: str = "") -> list[tuple[Any, ...]]:
        found: Any = web.get(listed + query).json
        return [(one["file"], one["row"], one["value"], one["code"]) for one in found["items"]]

    every = [("export.csv", 2, "Ａ１２", "full_width"),
             ("export.csv", 4, "１４", "full_width")]
    assert (shown(), shown("?limit=1"), shown("?after=1")) == (every, every[:1], every[1:])
    problem(web.get("/v1/imports/nothing/warnings"), 404, "import_unknown")
    problem(web.get(listed, "member"), 403, "forbidden")


# -- operations -----------------------------------------------------------------------------------


@on_sqlite
def test_operations__say_how_it_does(web: Web) -> None:
    web.done("/v1/orders", order())
    assert web.client.get("/livez").json == {"ok": True}
    ready = web.client.get("/readyz")
    assert ready.status_code == 200, ready.text
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "access", lambda path, mode: Path(path).is_dir())  # a file of mode 444
        refused = web.client.get("/readyz")
    assert (refused.status_code, refused.json["checks"]["writable"]) == (503, {"ok": False})
    assert web.client.get("/version").json == {"version": "0.1.0", "api": "v1"}
    metrics = web.get("/metrics", "operations").text
    assert 'ledger_head_position{ledger="main"} 2.0' in metrics
    assert web.client.get("/v1/docs").status_code == 200
    assert web.client.get("/v1/problems/out_of_stock").status_code == 200
    problem(web.client.get("/v1/problems/none"), 404, "problem_unknown")


CHINESE = re.compile("[\u4e00-\u9fff]")


@on_sqlite
@pytest.mark.parametrize(("path", "status", "code"), [
    ("/nowhere", 404, "not_found"), ("/v1", 404, "not_found"), ("/v1/nothing", 404, "not_found"),
    ("/v1/orders?limit=many", 400, "not_understood"), ("/v1/orders?x=1", 400, "not_understood"),
    ("/v1/orders?cursor=abc", 400, "bad_cursor"), ("/v1/problems/none", 404, "problem_unknown")])
def test_errors__of_the_edge_are_told_in_chinese_and_have_a_page(
    web: Web, path: str, status: int, code: str
) -> None:
    found = problem(web.get(path, Accept_Language="zh"), status, code)
    said = [found["detail"], *(one["detail"] for one in found["errors"])]
    assert all(map(CHINESE.search, said)), said
    if code == "not_found":
        assert "/v1/docs" in found["detail"]
    page = web.client.get(found["type"], headers={"Accept-Language": "zh"})
    assert page.status_code == 200
    assert CHINESE.search(page.text)


@on_sqlite
def test_errors__of_values_are_told_in_chinese(web: Web) -> None:
    body = {"channel": 7, "lines": "x", "unknown": 1}
    found = problem(web.post("/v1/orders", body, Accept_Language="zh"), 422, "invalid_values")
    said = [found["detail"], *(one["detail"] for one in found["errors"])]
    assert len(said) > 4
    assert all(map(CHINESE.search, said)), said


@on_sqlite
def test_body__rejected_where_a_name_stands_twice(web: Web) -> None:
    sent = b'{"name": "a", "name": "b"}'
    found = problem(web.post("/v1/warehouses", sent), 400, "malformed_json")
    assert "'name' stands twice" in found["detail"]


@on_sqlite
@pytest.mark.parametrize(("language", "said"), [
    ("en", "The body is not JSON: it is not UTF-8 from byte 10 on. Send it in UTF-8."),
    ("zh", "请求体不是 JSON：从第 10 个字节起不是 UTF-8。请以 UTF-8 发送。")])
def test_body__in_another_encoding_says_which_is_wanted(
    web: Web, language: str, said: str
) -> None:
    sent = '{"name": "杭州"}'.encode("gb18030")
    found = problem(web.post("/v1/warehouses", sent, Accept_Language=language), 400,
                    "malformed_json")
    assert found["detail"] == said


@on_sqlite
def test_error__has_a_page_whatever_its_code(web: Web) -> None:
    for code in (*EDGE, *(cls.code for cls in source.errors())):
        page = web.client.get(f"/v1/problems/{code}")
        assert (page.status_code, "{" in page.text) == (200, False), code


@on_sqlite
def test_messages__are_told_in_the_language_that_is_asked_for(web: Web) -> None:
    answer = web.get(at(), Accept_Language="zh-CN,zh;q=0.9")
    assert "没有" in problem(answer, 404, "nothing_recorded")["detail"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("name", ["main", "main" + SUFFIX])
def test_readyz__rejected_while_a_writer_is_dead(
    web: Web, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A ledger that cannot write does not look alive; then its writer is replaced."""
    web.done("/v1/orders", order())
    eventually(lambda: web.edge.store.read("main" + SUFFIX)[-1].type == "key.used.v1")
    with web.edge._lock:  # nobody can replace it meanwhile
        ledger = web.edge.ledger(name)

        def out_of_memory() -> None:
            raise MemoryError

        assert checks(web.edge)[f"{name}/writer"] == {"ok": True}
        monkeypatch.setattr(ledger._writer, "_linger", out_of_memory)
        with pytest.raises(LedgerClosed):
            ledger.accept_clock("it is right", CONTEXT)
        eventually(lambda: ledger.closed)
        ready = web.client.get("/readyz")
        assert ready.status_code == 503
        assert checks(web.edge)[f"{name}/writer"]["code"] == "ledger_closed"
    eventually(lambda: web.client.get("/readyz").status_code == 200)
    web.edge.ledger(name).accept_clock("it is right", CONTEXT)
    assert web.edge.ledger(name) is not ledger


# -- read models that are late, or gone -----------------------------------------------------------


def plainly(web: Web, path: str) -> TestResponse:
    """Read what the read models hold by now."""
    return web.client.get(path, headers=web.headers("manager", "main", {}))


def test_subject__not_yet_known_while_its_read_model_is_late(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked(web)
    web.get("/v1/orders")
    monkeypatch.setattr(web.edge.models, "catch_up", lambda *_: None)
    with web.edge.models._lock:  # whoever is catching up ends first
        web.done("/v1/orders", order())
    web.done(f"{at()}/payments", {"amount_minor": 1})
    web.done("/v1/returns", {
        "channel": CHANNEL, "shop": SHOP, "number": "R1", "currency": "CNY", "order": stream(),
        "kind": "refund_only", "lines": [], "refund_minor": 1}, "service")
    web.done("/v1/stock-movements", {"warehouse": "main", "occurred_at": WHEN, "moves": [
        {"sku": "SH-002", "quantity": 1, "from": "supplier", "to": "available",
         "cause": "receipt"}]}, "warehouse")
    answer = plainly(web, "/v1/inventory/sku:SH-002")
    assert "of 9 events" in problem(answer, 503, "not_yet_known")["detail"]
    assert answer.headers["Retry-After"]
    for path in (at(), at("R1", "case"), f"{at()}/history", f"{at()}/explain",
                 "/v1/inventory/sku:SH-001"):
        assert plainly(web, path).status_code == 200, path
    for path in (at(2), at("R2", "case"), "/v1/inventory/sku:SH-003"):
        problem(plainly(web, path), 404, "nothing_recorded")
    monkeypatch.undo()
    assert web.get(at()).status_code == 200


@on_postgres
@pytest.mark.parametrize("broken", [
    "projections.store.rows.Rows.progress_of",
    "projections.store.postgres.SchemaPlace.live", "ledger.log.sql.SqlReader.head"])
def test_read__unavailable_when_its_connection_breaks(
    web: Web, postgres: Server, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    stocked(web)
    web.done("/v1/orders", order())
    web.get("/v1/orders")
    owner, _, name = broken.rpartition(".")
    real = getattr(pkgutil.resolve_name(owner), name)
    asking = threading.get_ident()

    def breaking(*given: Any, **more: Any) -> Any:
        # Not when the work after an answer comes by: it would break what is asked next.
        if threading.get_ident() == asking:
            postgres.admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE usename = 'ledger_app'")
        return real(*given, **more)

    seen = set()
    for path in (at(), "/v1/orders", "/v1/inventory", f"{at()}/history", "/v1/log/head",
                 "/v1/audit"):
        with monkeypatch.context() as patch:
            patch.setattr(broken, breaking)
            answer = plainly(web, path)
        seen.add(answer.status_code)
        if answer.status_code != 200:
            problem(answer, 503, "storage_failed")
        assert web.get(path).status_code == 200
    assert 503 in seen or broken.endswith("live")


def test_command__under_a_key_that_was_not_looked_up_is_not_said_to_be_unrecorded(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LOG-13: the first request under the key may be recorded, whatever failed since, and
    wherever: who calls, the ledger itself, its writer."""
    web.done("/v1/orders", order(), key="k")
    down = StorageFailed(why="the server is down")

    def fail(*_: Any, **__: Any) -> Any:
        raise down

    for owner, name in ((web.edge, "caller"), (web.edge.store, "id_of"),
                        (web.edge.store, "writing")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            problem(web.post("/v1/orders", order(), key="k"), 503, "connection_lost")
    with monkeypatch.context() as patch:
        patch.setattr(web.edge, "caller", fail)
        problem(plainly(web, at()), 503, "storage_failed")
    assert web.post("/v1/orders", order(), key="k").status_code == 200


def test_command__that_was_looked_up_and_failed_is_not_recorded(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked(web)
    with monkeypatch.context() as patch:
        patch.setattr(writer, "append", lambda *_: (_ for _ in ()).throw(
            StorageFailed(why="the disk is full")))
        problem(web.post("/v1/orders", order(), key="k"), 503, "storage_failed")
    assert web.post("/v1/orders", order(), key="k").status_code == 201


@pytest.mark.parametrize("key", ["a\tb", "\xe9", "\xa0", "k" * 201, " "])
def test_key__rejected_when_it_is_not_printable_ascii(web: Web, key: str) -> None:
    found = problem(web.post("/v1/orders", order(), key=key), 400, "not_understood")
    assert {one["pointer"] for one in found["errors"]} == {"/headers/Idempotency-Key"}


def test_key__accepted_with_every_printable_character(web: Web) -> None:
    key = "".join(map(chr, range(0x21, 0x7F))) + " x"
    assert web.post("/v1/orders", order(), key=key).status_code == 201
    assert web.post("/v1/orders", order(), key=key).status_code == 200


def test_command__sent_again_in_another_spelling_is_the_same(web: Web) -> None:
    """Blanks around a value, and letters composed otherwise; in personal values, too."""
    first = order("e\u0301", recipient="Jose\u0301")
    assert web.post("/v1/orders", first, key="k").status_code == 201
    again = order(" \xe9 ", recipient=" Jos\xe9 ")
    assert web.post("/v1/orders", again, key="k").status_code == 200
    problem(web.post("/v1/orders", {**again, "recipient": "Jos"}, key="k"), 422, "command_reused")
