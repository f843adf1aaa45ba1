"""Second persons over HTTP: who asks for a movement, who approves it, and with which keys."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from tests.conftest import on_sqlite
from tests.support.bodies import WHEN, stocked
from tests.support.builders import CONTEXT
from tests.support.team import JOINED, printed
from tests.support.web import Web, problem

MOVEMENT = "/v1/stock-movements"
ASKER, HEAD = "member:warehouse", "member:warehouse-head"


def asked(web: Web, number: str = "W1", role: str = "warehouse", **more: Any) -> TestResponse:
    """Somebody asks to write pieces off."""
    return web.post(MOVEMENT, {
        "warehouse": "main", "number": number, "reason": "broken", "moves": [{
            "sku": "SH-001", "quantity": 4, "from": "available", "to": "written_off",
            "cause": "write_off"}], **more}, role)


def address(act: str, number: str = "W1") -> str:
    """Where a movement is approved or refused."""
    return f"{MOVEMENT}/{quote(f'movement:main:{number}')}/{act}"


def on_hand(web: Web) -> int:
    """The pieces that can be sold."""
    answer = web.get("/v1/inventory/sku:SH-001", "manager")
    assert answer.json is not None, answer.text
    return int(answer.json["items"][0]["available"])


def sent(web: Web, path: str, token: str, key: str = "k") -> TestResponse:
    """A command without a body of its own, under a token."""
    return web.client.post(path, json={}, headers={
        "Authorization": f"Bearer {token}", "Idempotency-Key": key})


@pytest.fixture
def shop(web: Web) -> Web:
    """Ten pieces, and somebody who asks for four of them to be written off."""
    for who in (ASKER, HEAD, "member:manager", "member:other"):
        web.done("/v1/members", {"member": who, "joined_on": JOINED}, "admin")
    stocked(web)
    answer = asked(web)
    assert answer.status_code == 201, answer.text
    assert on_hand(web) == 10
    return web


@on_sqlite
def test_signing__of_two_approvers_at_once_one_is_taken(shop: Web) -> None:
    tokens = [shop.token("warehouse_head"), shop.token("manager")] * 3
    with ThreadPoolExecutor(len(tokens)) as pool:
        answers = list(pool.map(
            lambda one: sent(shop, address("approvals"), one[1], key=f"a{one[0]}"),
            enumerate(tokens)))
    assert sorted(one.status_code for one in answers) == [201, *[422] * (len(tokens) - 1)]
    assert {one.json["code"] for one in answers  # type: ignore[index]
            if one.status_code == 422} == {"not_waiting"}
    assert on_hand(shop) == 6


@on_sqlite
def test_signing__two_keys_of_one_person_are_one_person(shop: Web) -> None:
    for role in ("warehouse", "warehouse_head", "manager"):
        token = shop.token(role, owner=ASKER)
        problem(sent(shop, address("approvals"), token, key=role), 422, "same_signer")
    assert on_hand(shop) == 10
    assert sent(shop, address("approvals"), shop.token("warehouse", owner="member:other")
                ).status_code == 201
    assert on_hand(shop) == 6


@on_sqlite
def test_signing__what_was_refused_is_approved_by_nobody(shop: Web) -> None:
    shop.done(address("refusals"), {"reason": "they are whole"}, "warehouse_head")
    for role in ("warehouse_head", "manager"):
        problem(shop.post(address("approvals"), {}, role), 422, "not_waiting")
        problem(shop.post(address("refusals"), {"reason": "x"}, role), 422, "not_waiting")
    assert on_hand(shop) == 10
    assert asked(shop).status_code == 409  # the number is used
    assert shop.get("/v1/to-approve", "warehouse").json["items"] == []  # type: ignore[index]


@on_sqlite
def test_signing__no_machine_and_no_role_beside_the_warehouse_approves(shop: Web) -> None:
    for role in ("integration", "auditor", "service", "finance", "purchasing", "admin"):
        problem(shop.post(address("approvals"), {}, role), 403, "forbidden")
    problem(sent(shop, address("approvals"), shop.token("warehouse", owner="system")),
            403, "role_not_held")
    problem(shop.post(address("approvals"), {"occurred_at": WHEN}, "manager"),
            422, "decided_before_request")
    assert on_hand(shop) == 10


def look_again(web: Web) -> None:
    """Do not wait for the second after which the posts of the head are looked up again."""
    who = web.edge.caller(web.token("warehouse_head"))
    assert who is not None
    web.edge.rights(who, fresh=True)


@on_sqlite
def test_signing__a_leaver_and_who_changed_posts_approve_nothing(web: Web) -> None:
    for command in printed("rules", "scorecards"):
        web.ledger().handle(command, CONTEXT)
    for who, post in ((ASKER, "dispatcher"), (HEAD, "warehouse_head")):
        web.done("/v1/members", {"member": who, "joined_on": JOINED}, "admin")
        web.done("/v1/post-terms", {"member": who, "post": post, "since": JOINED}, "admin")
    stocked(web)
    for number in ("W1", "W2"):
        assert asked(web, number).status_code == 201
    web.done("/v1/post-term-ends", {"member": HEAD, "post": "warehouse_head",
                                    "until": "2026-01-31"}, "admin")
    look_again(web)
    problem(web.post(address("approvals"), {}, "warehouse_head"), 403, "role_not_held")
    web.done("/v1/post-terms", {"member": HEAD, "post": "warehouse_head",
                                "since": "2026-03-01"}, "admin")
    web.done(address("approvals"), {}, "warehouse_head")
    web.done(f"/v1/members/{HEAD}/departures", {"last_day": "2026-06-30"}, "admin")
    look_again(web)
    problem(web.post(address("approvals", "W2"), {}, "warehouse_head"), 403, "role_not_held")
    assert on_hand(web) == 6
