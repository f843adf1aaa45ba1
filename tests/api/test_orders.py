"""The slip of an order and the queues, over HTTP: who may, what is noted, what is refused."""

import json
from typing import Any

from ledger.access.readings import PURPOSES
from ledger.common.values import rfc3339
from ledger.log.store import SUFFIX
from ledger.settings import Settings
from projections.asking.written import ERASED
from tests.conftest import durable, on_sqlite
from tests.support.bodies import LINE, at, order, stocked
from tests.support.builders import NOON, stream
from tests.support.erasing import buyer, erase
from tests.support.refusing import refusing
from tests.support.web import Web, problem

PHONE = "13800000001"
SLIP = f"{at()}/slip"
PICKING = {"purpose": "pick"}


def ordered(web: Web) -> None:
    """An order whose goods are reserved."""
    stocked(web)
    web.done("/v1/sales", order(warehouse="main", phone=PHONE, account="a1"), "service")


def notes(web: Web) -> list[dict[str, Any]]:
    """The payloads of the notes in the ledger of keys and readings, with who read."""
    return [{**json.loads(one.payload), "actor": one.actor, "role": one.role}
            for one in web.edge.store.read("main" + SUFFIX) if one.type == "reading.noted.v1"]


@durable
def test_slip__is_read_by_those_who_send_and_is_noted(web: Web) -> None:
    ordered(web)
    answer = web.post(SLIP, PICKING, "warehouse")
    assert answer.status_code == 200, answer.text
    found = answer.json
    assert found is not None
    head = web.ledger().head().position
    assert (found["item"]["phone"], found["as_of"]["position"]) == (PHONE, head)
    assert answer.headers["ETag"] == '"1"'
    assert notes(web) == [{
        "route": "/v1/orders/<order>/slip", "position": head, "subjects": [stream()],
        "persons": [buyer(web.ledger())], "purpose": "pick", "fields": ["phone"],
        "actor": "member:warehouse", "role": "warehouse"}]
    assert PHONE not in str(notes(web))


@on_sqlite
def test_slip__rejected_for_other_roles_and_without_a_purpose(web: Web) -> None:
    ordered(web)
    for role in ("manager", "auditor", "finance", "integration", "operations", "admin", "member"):
        problem(web.post(SLIP, PICKING, role), 403, "forbidden")
    for body in ({}, {"purpose": "curious"}, {"purpose": ""}, {"purpose": None}, {"purpose": 1},
                 {**PICKING, "why": "x"}):
        found = problem(web.post(SLIP, body, "warehouse"), 422, "invalid_values")
        assert PHONE not in str(found)
    assert all(word in web.post(SLIP, {"purpose": "curious"}, "warehouse").text
               for word in PURPOSES)
    problem(web.post(f"{SLIP}?purpose=pick", PICKING, "warehouse"), 400, "not_understood")
    problem(web.post(f"{at('9')}/slip", PICKING, "warehouse"), 404, "nothing_recorded")
    problem(web.post("/v1/orders/sku:SH-001/slip", PICKING, "warehouse"), 404, "nothing_recorded")
    assert notes(web) == []
    for role in ("warehouse", "warehouse_head", "service"):
        for purpose in PURPOSES:
            assert web.post(SLIP, {"purpose": purpose}, role).status_code == 200
    assert [(note["role"], note["purpose"]) for note in notes(web)] == [
        (role, purpose) for role in ("warehouse", "warehouse_head", "service")
        for purpose in PURPOSES]


@durable
def test_slip__rejected_where_it_cannot_be_noted(web: Web, settings: Settings) -> None:
    """R-ACC-05."""
    ordered(web)
    web.token("warehouse")
    with refusing(settings, web.edge.store.id_of("main" + SUFFIX)):
        answer = web.post(SLIP, PICKING, "warehouse")
    problem(answer, 503, "reading_not_noted")
    assert PHONE not in answer.text
    assert notes(web) == []


@on_sqlite
def test_slip__of_one_shop_is_nothing_to_another(web: Web) -> None:
    ordered(web)
    problem(web.post(SLIP, PICKING, "warehouse", "other"), 404, "nothing_recorded")
    assert notes(web) == []


@on_sqlite
def test_slip__of_a_buyer_who_was_erased(web: Web) -> None:
    ordered(web)
    erase(web.ledger(), buyer(web.ledger()))
    found = web.post(SLIP, PICKING, "warehouse").json
    assert found is not None
    assert found["item"]["phone"] == ERASED
    assert [(note.get("fields"), note.get("persons")) for note in notes(web)] == [(None, None)]


@on_sqlite
def test_queues__are_listed_in_pages_and_narrowed(web: Web) -> None:
    stocked(web)
    free = {**LINE, "unit_price": 0, "amount_minor": 0}
    for number in range(1, 6):
        web.done("/v1/orders", order(number, amounts={"total_minor": 0}, lines=[free],
                                     occurred_at=rfc3339(NOON)), "service")
    seen: list[str] = []
    address: str | None = "/v1/to-review?limit=2&older_than=1m&status=pending_review"
    while address is not None:
        page = web.get(address, "service").json
        assert page is not None
        assert len(page["items"]) <= 2
        seen += [row["subject"] for row in page["items"]]
        address = page["next"]
    assert seen == [stream(number) for number in (5, 4, 3, 2, 1)]
    for name in ("review", "pick", "send"):
        problem(web.get(f"/v1/to-{name}?older_than=2", "service"), 400, "bad_age")
        problem(web.get(f"/v1/to-{name}?status=no", "service"), 400, "unknown_status")
        problem(web.get(f"/v1/to-{name}?subject=x", "service"), 400, "not_understood")
        problem(web.get(f"/v1/to-{name}", "member"), 403, "forbidden")
    assert notes(web) == []


@on_sqlite
def test_order__shows_titles_and_attributes_of_its_lines_as_of_any_moment(web: Web) -> None:
    stocked(web)
    named = {**LINE, "title": "云杉集", "attributes": "蓝色"}
    web.done("/v1/orders", order(lines=[named]), "service")
    changed = web.post(f"{at()}/line-changes", {"consent": "电话", "lines": [
        {**named, "attributes": "红色"}]}, "service", If_Match='"1"')
    assert changed.status_code == 201, changed.text
    for query, attributes in (("", "红色"), ("?position=4", "蓝色")):
        answer = web.get(f"{at()}{query}", "auditor").json
        assert answer is not None
        (row,) = answer["item"]["lines"]
        assert (row["title"], row["attributes"], row["sku"]) == ("云杉集", attributes, "SH-001")


# -- signed months --------------------------------------------------------------------------------

SEPTEMBER = "/v1/reconciliation?month=2026-09"


@durable
def test_signing_a_period__over_http_is_previewed_done_and_shown(web: Web) -> None:
    web.done("/v1/members", {"member": "member:finance", "joined_on": "2026-01-01"}, "admin")
    web.done("/v1/orders", order(lines=[LINE], occurred_at="2026-09-10T12:00:00+08:00"), "service")
    (row,) = read(web, SEPTEMBER)
    body = {"month": "2026-09", "digest": row["digest"], "differences": [
        {"currency": "CNY", "amount_minor": row["difference_minor"], "cause": "unpaid"}]}
    assert row["difference_minor"] > 0

    problem(web.post("/v1/reconciliations", body, "service"), 403, "forbidden")
    problem(web.post("/v1/reconciliations", {**body, "differences": []}, "finance"), 422,
            "differences_do_not_add_up")
    found = web.post("/v1/reconciliations?preview=true", body, "finance")
    assert found.status_code == 200, found.text
    assert read(web, SEPTEMBER)[0]["signed"] == "no"
    web.done("/v1/reconciliations", body, "finance")
    (row,) = read(web, SEPTEMBER)
    assert (row["signed"], row["signed_by"]) == ("holds", "member:finance")


def read(web: Web, path: str) -> list[dict[str, Any]]:
    """The items of a list, as finance reads it."""
    answer = web.get(path, "finance")
    assert answer.json is not None, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found
