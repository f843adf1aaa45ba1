"""A single thing is read as soon as it was acknowledged, and may be the answer to its own write."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import event

from api.http.single import SINGLES
from projections.store.models import ReadModelsUnready
from tests.conftest import on_sqlite
from tests.support.bodies import at, order, stocked
from tests.support.builders import CHANNEL, SHOP, stream
from tests.support.serving import Served
from tests.support.web import Web

TRIES = 30
PREFER = {"Prefer": "return=representation"}
CASE = {"channel": CHANNEL, "shop": SHOP, "number": "R1", "currency": "CNY", "order": stream(),
        "kind": "refund_only", "lines": [], "refund_minor": 1}


def plainly(web: Web, path: str, role: str = "manager") -> Any:
    """What is answered at once, whatever the read models hold by then."""
    return web.client.get(path, headers=web.headers(role, "main", {}))


def test_written__is_read_at_once_whoever_projects(web: Web) -> None:
    """R-PRJ-33. Nothing but the request itself folds what was recorded."""
    stocked(web)
    web.get("/v1/orders")
    web.edge.models.catch_up("main")
    web.edge._closing = True  # the projector ends
    web.edge._wakes.set()
    web.edge._projector.join()
    for number in range(TRIES):
        made = web.post("/v1/orders", order(number))
        assert plainly(web, made.headers["Location"]).status_code == 200
        web.done(f"{at(number)}/payments", {"amount_minor": 4990})
        assert plainly(web, at(number)).json["item"]["payment_status"] == "paid"
    made = web.post("/v1/returns", {**CASE, "order": stream(1)}, "service")
    assert plainly(web, made.headers["Location"]).status_code == 200
    web.done("/v1/members", {"member": "member:x", "joined_on": "2026-01-01"})
    assert len(plainly(web, "/v1/members/member:x").json["items"]) == 1
    web.done("/v1/stock-movements", {"warehouse": "main", "moves": [
        {"sku": "SH-009", "quantity": 1, "from": "supplier", "to": "available",
         "cause": "receipt"}]}, "warehouse")
    assert plainly(web, "/v1/inventory/sku:SH-009").json["items"][0]["available"] == 1


@on_sqlite
def test_written__costs_nothing_to_read_where_nothing_of_it_is_late(web: Web) -> None:
    """What is recorded about others is folded by others, and read models that know all are read as
    ever: no statement of a read depends on what is late elsewhere."""
    stocked(web)
    web.done("/v1/orders", order())
    web.get(at())
    web.edge.models.catch_up("main")
    told: list[str] = []
    generation = web.edge.models.database.generation()
    assert generation is not None
    event.listen(generation.engine, "before_cursor_execute",
                 lambda _c, _u, statement, *_: told.append(statement))

    def statements() -> list[str]:
        told.clear()
        assert plainly(web, at()).status_code == 200
        return list(told)

    with web.edge.models._lock:  # nobody catches up meanwhile
        quiet = statements()
        web.done("/v1/orders", order(2))
        assert statements() == quiet
    told.clear()
    web.done(f"{at()}/payments", {"amount_minor": 1})
    assert plainly(web, at()).status_code == 200
    assert any("INSERT INTO orders" in statement for statement in told)  # by whoever came first


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path)
    found.start()
    yield found
    found.stop()


def test_written__is_read_at_once_over_a_socket(served: Served) -> None:
    """R-PRJ-33. Over one connection, and over another that knows nothing of the first."""
    key, connection = served.issue(), served.connect()
    for number in range(TRIES):
        connection.request("POST", "/v1/orders", json.dumps(order(number)), {
            "Authorization": f"Bearer {key}", "Content-Type": "application/json",
            "Idempotency-Key": str(number)})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201
        status, found = served.request("GET", answer.headers["Location"], key=key)
        assert (status, found["item"]["number"]) == (200, str(number))
    connection.close()



# -- the thing itself as the answer ---------------------------------------------------------------


def test_preferred__thing_is_answered_as_its_own_address_answers(web: Web) -> None:
    stocked(web)
    made = web.post("/v1/orders", order(), key="a", **PREFER)
    assert (made.status_code, made.headers["Preference-Applied"]) == (201, PREFER["Prefer"])
    body = made.json or {}
    again = plainly(web, made.headers["Location"])
    assert body["item"] == again.json["item"]
    assert made.headers["ETag"] == again.headers["ETag"] == '"1"'
    assert body["receipt"]["versions"] == {stream(): 1}
    assert made.headers["Ledger-Position"].startswith(f"{body['as_of']['position']}:")
    paid = web.post(f"{at()}/payments", {"amount_minor": 4990}, **PREFER)
    assert (paid.json or {})["item"]["payment_status"] == "paid"
    assert paid.headers["ETag"] == '"2"'
    replayed = web.post("/v1/orders", order(), key="a", **PREFER)
    assert replayed.status_code == 200
    assert (replayed.json or {})["receipt"]["positions"] == body["receipt"]["positions"]
    assert (replayed.json or {})["item"]["payment_status"] == "paid"  # as it is by now


@on_sqlite
@pytest.mark.parametrize(("sent", "applied"), [
    ("return=minimal", "return=minimal"), ("return=minimal, return=representation",
                                           "return=minimal"),
    ("respond-async", None), ("return=everything", None), ("", None),
    ('wait=3, return="representation"', "return=representation"),
    ("Return=Representation; x=1", "return=representation")])
def test_preferred__what_is_followed_is_said(web: Web, sent: str, applied: str | None) -> None:
    answer = web.post("/v1/orders", order(), Prefer=sent)
    assert answer.headers.get("Preference-Applied") == applied
    assert ("item" in (answer.json or {})) is (applied == "return=representation")


def test_preferred__thing_is_only_for_who_may_read_it(web: Web) -> None:
    """A member reads no orders, and of deductions those that they are charged for."""
    stocked(web)
    answer = web.post("/v1/members", {"member": "member:x", "joined_on": "2026-01-01"}, "admin",
                      **PREFER)
    assert answer.status_code == 201
    assert "Preference-Applied" not in answer.headers
    assert "item" not in (answer.json or {})


@on_sqlite
def test_preferred__receipt_alone_where_the_thing_cannot_be_read(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was accepted is not answered with an error, or it would be sent again for nothing."""
    def unready(*_: Any) -> Any:
        raise ReadModelsUnready(projection="orders", ledger="main")

    monkeypatch.setitem(SINGLES, "order", SINGLES["order"]._replace(read=unready))
    answer = web.post("/v1/orders", order(), **PREFER)
    assert answer.status_code == 201
    assert "Preference-Applied" not in answer.headers


@on_sqlite
def test_location__leads_to_what_was_made(web: Web) -> None:
    made = web.post("/v1/orders", order("a b+c/d%2F订"))
    subject = unquote(made.headers["Location"].rpartition("/")[2])
    assert (plainly(web, made.headers["Location"]).json or {})["item"]["subject"] == subject
    assert (plainly(web, made.headers["Location"]).json or {})["item"]["number"] == "a b+c/d%2F订"
