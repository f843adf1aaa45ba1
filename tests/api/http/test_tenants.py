"""Two shops in one installation: what one is answered does not depend on the other being there.

The first shop asks and sends the same in two installations. In one it is alone; in the other there
is a second shop with the same numbers of orders, SKUs and members and other facts, which sends each
request as well, under the same `Idempotency-Key` and a moment before.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from api.http.routes import PERMITS, PUBLIC
from ledger.settings import Settings
from tests.support.fullness import STAFF, commands, fill, said
from tests.support.routes import filled, rules
from tests.support.waiting import eventually
from tests.support.web import Web, problem

FIRST, SECOND = "main", "other"
ROLES = ("manager", "auditor", "operations", "service")
"""One of these may use each route."""


def role_of(endpoint: str) -> str:
    """A role that may use a route."""
    return next(one for one in ROLES if one in PERMITS[endpoint])


@pytest.fixture
def alone() -> Iterator[Web]:
    """An installation with one shop."""
    web = Web(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    fill(web, FIRST)
    yield web
    web.close()


@pytest.fixture
def shared() -> Iterator[Web]:
    """An installation in which another shop was there before."""
    web = Web(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    fill(web, SECOND, STAFF._replace(paid_minor=777, refund_minor=555, words="ANOTHER"))
    web.done("/v1/skus", {"sku": "SH-777", "title": "ANOTHER"}, ledger=SECOND)
    web.done("/v1/warehouses", {"name": "three"}, ledger=SECOND)
    fill(web, FIRST)
    yield web
    web.close()


def test_reads__do_not_depend_on_another_tenant(alone: Web, shared: Web) -> None:
    """The same status, headers and body, of what is there, and of what only the other one has."""
    asked = 0
    for rule, endpoint in rules(alone):
        role = "manager" if PERMITS[endpoint] == PUBLIC else role_of(endpoint)
        first, second = filled(rule, alone), filled(rule, shared)
        if endpoint != "read_docs":
            shared.get(second, role, SECOND)
        one, other = said(alone.get(first, role)), said(shared.get(second, role))
        assert one == other, rule
        assert "ANOTHER" not in other[2]
        asked += 1
    assert asked > 70
    for path in ("/v1/skus/sku%3ASH-777", "/v1/warehouses/warehouse%3Athree", "/v1/search?q=SH-77",
                 "/v1/inventory/sku%3ASH-777", "/v1/audit?subject=sku%3ASH-777", "/readyz"):
        assert said(alone.get(path, "auditor")) == said(shared.get(path, "auditor")), path


def test_writes__do_not_depend_on_another_tenant(alone: Web, shared: Web) -> None:
    """Nor do keys collide, and the other shop's log grows by its own requests only."""
    sent = 0
    for number, (one, other) in enumerate(zip(list(commands(alone)), list(commands(shared)),
                                              strict=True)):
        role, key = role_of(one.endpoint), f"the-same-{number}"
        shared.post(other.address, other.body, role, SECOND, key=key, **other.seen)
        before = shared.edge.store.head(SECOND)
        answers = [said(web.post(each.address, each.body, role, key=key,
                                 Prefer="return=representation", **each.seen))
                   for web, each in ((alone, one), (shared, other))]
        assert answers[0] == answers[1], one.endpoint
        assert shared.edge.store.head(SECOND) == before, one.endpoint
        sent += 1
    assert sent > 80


def test_cursors__of_another_tenant_are_refused(shared: Web) -> None:
    for ledger, other in ((FIRST, SECOND), (SECOND, FIRST)):
        found = shared.get("/v1/orders?limit=1", ledger=ledger).json
        assert found is not None
        assert shared.get(found["next"], ledger=ledger).status_code == 200
        problem(shared.get(found["next"], ledger=other), 400, "bad_cursor")


def test_marks__of_another_tenant_are_those_of_another_log(shared: Web) -> None:
    seen = shared.get("/v1/orders", ledger=SECOND).headers["Ledger-Position"]
    problem(shared.get("/v1/orders", Ledger_Position=seen), 409, "ledger_went_back")


def test_imports__of_another_tenant_are_unknown_and_are_not_pushed_out(shared: Web) -> None:
    """However many imports one has, those of the other can still be asked about."""
    def upload(ledger: str, key: str) -> Any:
        return shared.client.post("/v1/imports?preview=true", headers=shared.headers(
            "manager", ledger, {"Idempotency-Key": key}), data={
                "profile": "generic", "file": (BytesIO(key.encode()), "a.csv")}).json

    own = upload(FIRST, "own")["import"]
    for number in range(60):
        theirs = upload(SECOND, f"{number}")["import"]
        eventually(lambda: '"running"' not in shared.get(
            f"/v1/imports/{theirs}", ledger=SECOND).text)  # noqa: B023
    assert shared.get(f"/v1/imports/{own}").status_code == 200
    refused = [problem(shared.get(f"/v1/imports/{name}"), 404, "import_unknown")["detail"]
               for name in (theirs, "none")]
    assert refused[0] == refused[1]


def test_metrics__count_the_own_requests_only(shared: Web) -> None:
    def counted() -> list[str]:
        text = shared.get("/metrics", "operations").text
        return [line for line in text.splitlines() if "list-bins" in line]

    shared.get("/v1/bins")
    before = counted()
    for _ in range(3):
        shared.get("/v1/bins", ledger=SECOND)
    assert before
    assert counted() == before
