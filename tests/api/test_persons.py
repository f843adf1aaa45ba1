"""Persons over HTTP: who may, two who erase, and what is held shown to those whose work it is."""

from typing import Any

import pytest
from sqlalchemy import event

from ledger.core import event_types
from ledger.erasure.finding import of_account
from ledger.log.store import SUFFIX
from ledger.orders.commands import HoldOrder, LiftHold
from ledger.settings import Settings, open_ledger
from tests.conftest import durable, on_sqlite
from tests.support.builders import CONTEXT, NOON, place, remark, stream
from tests.support.erasing import erase
from tests.support.web import Web, problem

ACCOUNT, PHONE = "旧信先生", "13800000001"


@pytest.fixture
def shop(web: Web) -> Web:
    """A shop with an order."""
    web.ledger().handle_many([(place(account=ACCOUNT, phone=PHONE), CONTEXT),
                              (remark(), CONTEXT)])
    return web


def find(shop: Web, body: dict[str, str], role: str = "manager") -> Any:
    return shop.post("/v1/persons/find", body, role)


def person(shop: Web) -> str:
    (found,) = find(shop, {"about": stream()}).json["persons"]
    return str(found)


def item(shop: Web, path: str) -> dict[str, Any]:
    answer = shop.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json["item"]  # type: ignore[index]
    return found


def test_find__by_a_stream_or_an_account(shop: Web) -> None:
    one = person(shop)
    assert find(shop, {"channel": "taobao", "account": ACCOUNT}).json == {"persons": [one]}
    for body in ({"channel": "taobao", "account": "nobody"}, {"about": "order:none"}):
        problem(find(shop, body), 422, "nobody_found")
    for body in ({}, {"about": stream(), "channel": "taobao"}, {"channel": "taobao"}):
        told = problem(find(shop, body), 422, "invalid_values")
        assert [one["pointer"] for one in told["errors"]] == ["/about"]
        assert told["detail"].endswith("/about: is needed alone, or `channel` and `account` in its "
                                       "place")
    told = problem(shop.post("/v1/persons/find", [], "manager"), 422, "invalid_values")
    assert told["detail"].endswith("cannot be taken: is not an object")


def test_persons__are_for_the_office_only(shop: Web) -> None:
    one = f"/v1/persons/{person(shop)}"
    for role in ("service", "member", "auditor", "integration"):
        assert find(shop, {"about": stream()}, role).status_code == 403
        assert shop.get(one, role).status_code == 403
        assert shop.get(f"{one}/events", role).status_code == 403
        assert shop.post(f"{one}/erasure-requests", {"ground": "requested"}, role
                         ).status_code == 403


def test_person__is_erased_by_two(shop: Web) -> None:
    one = f"/v1/persons/{person(shop)}"
    problem(shop.post(f"{one}/erasure-confirmations", {}), 422, "erasure_not_requested")
    shop.done(f"{one}/holds", {"reason": "纠纷"})
    shop.done(f"{one}/erasure-requests", {"ground": "requested"})
    assert item(shop, one) == {
        "person": person(shop), "requested": "requested", "requested_by": "member:manager",
        "held": True, "erased": False, "waits_for": []}
    problem(shop.post(f"{one}/erasure-confirmations", {}), 422, "asker_confirms")
    problem(shop.post(f"{one}/erasure-confirmations", {}, "admin"), 422, "person_held")
    shop.done(f"{one}/hold-lifts", {})
    first = shop.post(f"{one}/erasure-confirmations", {}, "admin", key="k")
    again = shop.post(f"{one}/erasure-confirmations", {}, "admin", key="k")
    assert (first.status_code, again.status_code, again.json) == (201, 200, first.json)
    assert item(shop, one)["erased"]
    left_out = [shop.post(f"/v1/orders/{stream()}/remarks", {"remark": "x"}, key="r").json
                for _ in range(2)]
    assert [one["left_out"] for one in left_out] == [True, True]
    problem(shop.post(f"{one}/holds", {"reason": "x"}), 422, "already_erased")
    order = shop.get(f"/v1/orders/{stream()}").text
    assert PHONE not in order


def test_person__that_nobody_knows_is_not_found(shop: Web) -> None:
    for path in ("/v1/persons/person:nobody", "/v1/persons/order:1",
                 "/v1/persons/person:nobody/events"):
        problem(shop.get(path), 404, "person_unknown")
    problem(shop.post("/v1/persons/person:nobody/erasure-requests", {"ground": "requested"}),
            404, "person_unknown")
    problem(shop.post("/v1/persons/person:nobody/erasure-confirmations", {}),
            404, "person_unknown")
    assert shop.post(f"/v1/persons/{person(shop)}/erasure-confirmations",
                     {"together": ["person:nobody"]}).status_code == 422


def test_events__show_all_that_is_held(shop: Web) -> None:
    one = person(shop)
    found = item(shop, f"/v1/persons/{one}/events")
    assert found["together"] == [one]
    assert [(event["type"], event["stream"]) for event in found["events"]] == [
        ("order.placed.v1", stream()), ("order.remarked.v1", stream())]
    assert found["events"][0]["event"]["phone"] == PHONE
    assert found["events"][1]["event"]["remark"] == "请尽快发货"
    shop.done(f"/v1/persons/{one}/erasure-requests", {"ground": "requested"})
    shop.done(f"/v1/persons/{one}/erasure-confirmations", {}, "admin")
    after = item(shop, f"/v1/persons/{one}/events")
    assert after["events"][0]["event"]["phone"] == "‹erased›"


def held(shop: Web, query: str = "") -> Any:
    """Why the order is held, as whoever works on it reads it."""
    answer = shop.get(f"/v1/fulfilment{query}", "service")
    assert answer.json is not None, answer.text
    return answer.json["items"][0]["held"]


@on_sqlite
def test_reports__show_that_it_was_erased_now_and_in_the_past(shop: Web) -> None:
    """What was written before the erasure, and what is written after it."""
    ledger = shop.ledger()
    why = HoldOrder(order=stream(), reason="改地址", occurred_at=NOON)
    before = f"?position={ledger.handle(why, CONTEXT).position}"
    assert (held(shop), held(shop, before)) == ("改地址", "改地址")
    erase(ledger, person(shop))
    assert (held(shop), held(shop, before)) == ("‹erased›", "‹erased›")
    ledger.handle_many([(LiftHold(order=stream(), occurred_at=NOON), CONTEXT),
                        (HoldOrder(order=stream(), reason="再改", occurred_at=NOON), CONTEXT)])
    assert held(shop) == "‹erased›"


@durable
def test_reading__follows_whom_another_process_erased(shop: Web, settings: Settings) -> None:
    """R-KEY-09: what this process has opened before is held no more, the next time it is asked."""
    why = HoldOrder(order=stream(), reason="改地址", occurred_at=NOON)
    shop.ledger().handle(why, CONTEXT)
    one = person(shop)
    assert held(shop) == "改地址"
    assert item(shop, f"/v1/persons/{one}/events")["events"][0]["event"]["phone"] == PHONE
    other = open_ledger(settings)
    erase(other.ledger, one)
    other.close()
    assert held(shop) == "‹erased›"
    events = item(shop, f"/v1/persons/{one}/events")["events"]
    assert events[0]["event"]["phone"] == "‹erased›"
    problem(find(shop, {"channel": "taobao", "account": ACCOUNT}), 422, "nobody_found")


@on_sqlite
def test_reading__asks_the_keys_nothing_where_nobody_was_erased(shop: Web) -> None:
    shop.ledger().handle(HoldOrder(order=stream(), reason="改地址", occurred_at=NOON), CONTEXT)
    assert held(shop) == "改地址"
    shop.ledger().handle(remark(), CONTEXT)
    asked: list[str] = []
    event.listen(shop.edge.keys.engine, "before_cursor_execute",
                 lambda *given: asked.append(given[2]))
    assert [held(shop), held(shop)] == ["改地址"] * 2
    assert asked == []


@on_sqlite
def test_persons__who_are_found_or_shown_are_noted(shop: Web) -> None:
    """By whom, and without the account that was asked for, whichever way that was done."""
    one = person(shop)
    for body in ({"channel": "taobao", "account": ACCOUNT},
                 {"about": of_account("taobao", ACCOUNT)}):
        assert find(shop, body).json == {"persons": [one]}
    item(shop, f"/v1/persons/{one}/events")
    entries = [entry for entry in shop.edge.open().store.read("main" + SUFFIX)
               if entry.type == "reading.noted.v1"]
    notes = [event_types.decode(entry) for entry in entries]
    assert [(note.route, note.persons, note.filters) for note in notes] == [
        *[("/v1/persons/find", [one], [])] * 3, ("/v1/persons/<person>/events", [one], [])]
    assert {entry.actor for entry in entries} == {"member:manager"}
    assert ACCOUNT not in "".join(str(entry) for entry in entries)
