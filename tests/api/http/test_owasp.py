"""The OWASP API Security Top 10 of 2023, one by one: docs/threats.md has the table."""

import re
from typing import Any

import pytest

from api.http.routes import LARGEST_BODY, PERMITS, PUBLIC
from tests.support import source
from tests.support.bodies import at, order
from tests.support.routes import of_api
from tests.support.source import imports
from tests.support.web import Web, problem

CLIENTS = {"aiohttp", "ftplib", "http", "httpx", "requests", "smtplib", "urllib3"}
"""What sends requests; `urllib.request` is looked for by its whole name."""

OWN = {"http.HTTPStatus"}


@pytest.fixture
def ordered(web: Web) -> Web:
    """An order in the ledger `main`, beside another ledger."""
    web.done("/v1/orders", order(1))
    web.ledger("other")
    return web


def test_api1__a_thing_of_another_ledger_is_not_there(ordered: Web) -> None:
    assert ordered.get(at(1)).status_code == 200
    problem(ordered.get(at(1), ledger="other"), 404, "nothing_recorded")
    found = ordered.get("/v1/orders", ledger="other").json
    assert found is not None
    assert found["items"] == []
    cursor = ordered.get("/v1/orders?limit=1", ledger="main").json
    assert cursor is not None
    ordered.done("/v1/orders", order(2))
    following = (ordered.get("/v1/orders?limit=1").json or {})["next"]
    problem(ordered.get(following, ledger="other"), 400, "bad_cursor")


@pytest.mark.parametrize("header", [
    "", "Bearer", "Bearer x", "Basic bWU6cHc=", "Bearer ol_" + "0" * 32 + "_1-secret",
    "Bearer ol_{id}_1-secret", "Bearer {token}x"])
def test_api2__nothing_but_a_good_key_opens_anything(ordered: Web, header: str) -> None:
    token = ordered.token()
    said = header.format(id=ordered.edge.store.id_of("main").hex(), token=token)
    answer = ordered.client.get("/v1/orders", headers={"Authorization": said} if said else {})
    assert token not in str(problem(answer, 401, "unauthorized"))
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("name", ["actor", "recorded_at", "ledger", "role", "state", "version"])
def test_api3__no_member_is_set_that_is_not_the_caller_s(ordered: Web, name: str) -> None:
    answer = ordered.post("/v1/orders", order(2) | {name: "x"})
    found = problem(answer, 422, "invalid_values")
    assert [(one["pointer"], one["code"]) for one in found["errors"]] == [
        (f"/{name}", "unknown_field")]


@pytest.mark.parametrize(("path", "status"), [
    ("/v1/orders?limit=501", 400), ("/v1/orders?limit=0", 400),
    ("/v1/orders?channel=" + "x" * 101, 400)])
def test_api4__no_answer_is_longer_than_a_page(ordered: Web, path: str, status: int) -> None:
    assert ordered.get(path).status_code == status


def test_api4__no_body_is_larger_than_it_may_be(ordered: Web) -> None:
    problem(ordered.post("/v1/orders", b" " * (LARGEST_BODY + 1)), 413, "request_entity_too_large")


def test_api5__each_route_says_who_may_use_it_and_refuses_all_others(ordered: Web) -> None:
    rules = {rule.endpoint: rule for rule in of_api(ordered.app)}
    assert rules.keys() == PERMITS.keys()
    for endpoint, roles in PERMITS.items():
        if roles == PUBLIC or "member" in roles:
            continue
        rule = rules[endpoint]
        path = re.sub("<[^>]*>", "x", rule.rule)
        method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        answer = ordered.client.open(path, method=method,
                                     headers=ordered.headers("member", "main", {}))
        problem(answer, 403, "forbidden")


def test_api6__what_is_sent_again_happens_once(ordered: Web) -> None:
    before = ordered.edge.store.head("main").position
    first = ordered.post("/v1/orders", order(2), key="one")
    again = ordered.post("/v1/orders", order(2), key="one")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    problem(ordered.post("/v1/orders", order(3), key="one"), 422, "command_reused")
    placed = [row for row in ordered.edge.store.read("main", after=before)
              if row.type.startswith("order.placed")]
    assert len(placed) == 1


def _calls_out(target: str) -> bool:
    top = target.partition(".")[0]
    return (top in CLIENTS and target not in OWN) or target.startswith("urllib.request")


def test_api7_and_api10__the_server_asks_no_other_server() -> None:
    """No address that a client sends is ever fetched, and no other API is believed."""
    source.check(
        f"{source.name(path)}:{line}: {target}"
        for path in source.python_files("ledger", "projections", "api")
        for line, target in imports(path) if _calls_out(target))


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/nothing", "/livez"])
def test_api8__answers_are_kept_nowhere_and_run_nothing(ordered: Web, path: str) -> None:
    answer = ordered.client.get(path, headers={
        **ordered.headers("manager", "main", {}), "Origin": "https://elsewhere.example"})
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]


def test_api8__a_fault_of_the_code_says_nothing_of_it(
    ordered: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("in /a/secret/path")

    monkeypatch.setattr(ordered.edge, "begin", broken)
    answer = ordered.client.get("/v1/orders", headers=ordered.headers("manager", "main", {}))
    problem(answer, 500, "our_fault")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_api9__every_route_is_in_the_description(ordered: Web) -> None:
    said = ordered.app.extensions["description"].spec["paths"]
    served = {re.sub("<([^>]*)>", r"{\1}", rule.rule) for rule in of_api(ordered.app)}
    assert served == said.keys()
