"""What limits answer over HTTP."""

import re
from typing import Any
from urllib.parse import unquote

import pytest

from api.http.limiting import network_of
from api.http.limits import BAD_KEYS, PAST, REQUESTS, Quota
from projections.asking import past as replaying
from tests.support.bodies import at, order
from tests.support.operations import resolved
from tests.support.web import Web, problem


def limited(web: Web, **quotas: Quota) -> None:
    """Let limits hold that are small."""
    web.ledger()
    web.edge.limits.quotas.clear()
    web.edge.limits.quotas.update(quotas)


def sold(web: Web) -> int:
    """Some orders, and the position of the last one."""
    for number in range(3):
        web.done("/v1/orders", order(number))
    return web.edge.store.head("main").position


def test_requests__of_one_key_are_limited_and_of_another_are_not(web: Web) -> None:
    sold(web)
    limited(web, **{REQUESTS: Quota(3, 3600)})
    left = []
    for _ in range(3):
        answer = web.get("/v1/orders")
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"requests";q=3;w=3600'
        left.append(int(re.fullmatch('"requests";r=([0-9]+);t=[0-9]+',
                                     answer.headers["RateLimit"])[1]))  # type: ignore[index]
    assert left == [2, 1, 0]
    answer = web.get("/v1/orders")
    assert "3 requests in 3600 s" in problem(answer, 429, "rate_limited")["detail"]
    wait = int(answer.headers["Retry-After"])
    assert 1190 <= wait <= 1200
    assert answer.headers["RateLimit"] == f'"requests";r=0;t={wait}'
    assert web.get("/v1/orders", "auditor").status_code == 200


@pytest.mark.parametrize(("status", "method", "path", "body"), [
    (200, "GET", "/v1/orders", None), (200, "GET", f"{at(1)}", None),
    (200, "POST", "/v1/orders?preview=true", order("new")),
    (201, "POST", "/v1/orders", order("new")),
    (400, "GET", "/v1/orders?month=x", None), (400, "POST", "/v1/orders", b"{"),
    (403, "GET", "/metrics", None), (404, "GET", f"{at('none')}", None),
    (404, "GET", "/v1/orders?position=999999", None), (409, "POST", "/v1/orders", order(1)),
    (415, "POST", "/v1/orders", "text"), (422, "POST", "/v1/orders", {}),
    (428, "POST", f"{at(1)}/approvals", {})])
def test_headers__stand_on_every_answer_and_are_described(
    web: Web, status: int, method: str, path: str, body: Any
) -> None:
    sold(web)
    limited(web, **{REQUESTS: Quota(100, 3600)})
    sent = {"data": body} if isinstance(body, bytes | str) else {"json": body}
    kind = {"content_type": "application/json"} if isinstance(body, bytes) else {}
    answer = web.client.open(path, method=method, **({} if body is None else {**sent, **kind}),
                             headers=web.headers("manager", "main", {"Idempotency-Key": "new"}))
    assert answer.status_code == status, answer.text
    assert answer.headers["RateLimit"].startswith('"requests";r=99;')
    spec = web.app.extensions["description"].spec
    rule = web.app.url_map.bind("").match(unquote(path.partition("?")[0]), method, return_rule=True)
    told = spec["paths"][re.sub("<(.*?)>", r"{\1}", rule[0].rule)][method.lower()]["responses"]
    found = resolved(spec, told[str(status)])["headers"]
    assert {name for name, _ in answer.headers if name.startswith("RateLimit")} <= set(found)


def test_requests__refused_are_not_recorded_and_may_come_again(web: Web) -> None:
    sold(web)
    limited(web, **{REQUESTS: Quota(1, 3600)})
    web.done("/v1/orders", order("a"), key="ka")
    problem(web.post("/v1/orders", order("b"), key="kb"), 429, "rate_limited")
    limited(web)
    web.done("/v1/orders", order("b"), key="kb")


def test_requests__are_not_limited_unless_that_is_asked_for(web: Web) -> None:
    sold(web)
    answer = web.get("/v1/orders")
    assert "RateLimit" not in answer.headers
    assert "RateLimit-Policy" not in answer.headers


def test_keys__that_open_nothing_are_limited_by_address_and_good_ones_are_not(web: Web) -> None:
    """Behind one proxy all have its address: nobody is locked out by another's guesses."""
    limited(web, **{BAD_KEYS: Quota(2, 3600)})
    bad = {"Authorization": "Bearer ol_" + "0" * 32 + "_guess"}
    for _ in range(2):
        problem(web.client.get("/v1/orders", headers=bad), 401, "unauthorized")
    answer = web.client.get("/v1/orders", headers=bad)
    problem(answer, 429, "too_many_bad_keys")
    assert int(answer.headers["Retry-After"]) > 0
    assert "RateLimit" not in answer.headers
    assert web.get("/v1/orders").status_code == 200
    problem(web.client.get("/v1/orders"), 401, "unauthorized")
    other = web.client.get("/v1/orders", headers=bad, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    problem(other, 401, "unauthorized")


def test_past__costs_the_events_that_are_folded(web: Web) -> None:
    last = sold(web)
    limited(web, **{PAST: Quota(2 * last, 3600)})
    answer = web.get(f"/v1/orders?position={last}")
    assert answer.headers["RateLimit-Policy"] == f'"past";q={2 * last};qu="events";w=3600'
    assert answer.headers["RateLimit"].startswith(f'"past";r={last};')
    assert "RateLimit" not in web.get(f"/v1/orders?position={last}").headers  # it was kept
    assert web.get(f"/v1/orders?position={last - 1}").status_code == 200
    answer = web.get(f"/v1/orders?position={last - 2}")
    problem(answer, 429, "past_spent")
    assert int(answer.headers["Retry-After"]) > 0
    assert replaying.under_way() == 0
    assert web.get("/v1/orders").status_code == 200
    assert web.get(f"/v1/orders?position={last - 2}", "auditor").status_code == 200


@pytest.mark.parametrize("path", ["/v1/audit?limit=1", "/v1/audit?format=csv", "/v1/refusals"])
def test_trail__costs_the_events_that_are_looked_at(web: Web, path: str) -> None:
    last = sold(web)
    limited(web, **{PAST: Quota(last, 3600)})
    assert web.get(path, "auditor").status_code == 200
    problem(web.get(path, "auditor"), 429, "past_spent")
    assert replaying.under_way() == 0


@pytest.mark.parametrize("path", ["/v1/log/root?position=1", "/v1/audit?format=ndjson"])
def test_log__rejected_while_all_turns_are_taken(
    web: Web, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """R-PRJ-34. Where the log ends is known without reading it."""
    sold(web)
    monkeypatch.setattr(replaying, "_replays", replaying.BoundedSemaphore(1))
    with replaying.turn(0):
        replaying._replaying.now = False  # as another thread sees it
        problem(web.get(path, "auditor"), 503, "past_busy")
        assert web.get("/v1/log/head", "auditor").status_code == 200
    assert web.get(path, "auditor").status_code == 200


@pytest.mark.parametrize(("address", "network"), [
    ("203.0.113.9", "203.0.113.9"), ("2001:db8::1", "2001:0db8:0000:0000"),
    ("2001:db8::2", "2001:0db8:0000:0000"), ("", "")])
def test_network__of_ipv6_is_a_customer_s(address: str, network: str) -> None:
    assert network_of(address) == network
