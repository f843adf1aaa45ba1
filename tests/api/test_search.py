"""Finding what somebody types, and reading back what was written."""

from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import event

from ledger.log.store import SUFFIX
from tests.conftest import on_sqlite
from tests.support.bodies import at, joined, order, stocked
from tests.support.builders import stream
from tests.support.web import Web, problem


def found(web: Web, text: str, role: str = "manager", **asked: Any) -> list[tuple[str, str, str]]:
    """What is found for a text: kind, subject and by what."""
    answer = web.get(f"/v1/search?{urlencode({'q': text, **asked})}", role)
    assert answer.status_code == 200, answer.text
    return [(row["kind"], row["subject"], row["found_by"]) for row in (answer.json or {})["items"]]


def shop(web: Web) -> None:
    """A shop with something of each kind."""
    stocked(web)
    joined(web, "7f3a", "manager")
    web.done("/v1/skus", {"sku": "钢笔-黑", "title": "钢笔 100% + 墨水"})
    for number in ("10020139214001234", "10020139214009234", "B-7"):
        web.done("/v1/orders", order(number))
    web.done("/v1/sales", {**order("S1"), "warehouse": "main"})
    web.done(f"{at('S1')}/payments", {"amount_minor": 4990})
    version = web.get(at("S1")).headers["ETag"]
    web.done(f"{at('S1')}/approvals", {}, If_Match=version)
    for step, body in (("submissions", {"warehouse": "main"}),
                       ("picks", {"lines": [{"line": "1", "quantity": 1}]}),
                       ("checks", {"passed": True}),
                       ("parcels", {"parcel": "P1", "lines": [{"line": "1", "quantity": 1}]}),
                       ("dispatches", {"parcel": "P1", "courier": "SF",
                                       "waybill": "SF1234567890"})):
        web.done(f"{at('S1')}/{step}", body)


def test_search__finds_by_the_whole_the_beginning_or_the_end(web: Web) -> None:
    shop(web)
    first, second = (("order", stream(one), "order")
                     for one in ("10020139214001234", "10020139214009234"))
    assert found(web, "10020139214001234") == [first]
    assert found(web, "1234") == [first]
    assert found(web, "234") == [second, first]  # the newest first
    assert found(web, "10020139") == [second, first]
    assert found(web, stream("B-7")) == found(web, "b-7") == [("order", stream("B-7"), "order")]
    assert found(web, "钢笔") == [("sku", "sku:钢笔-黑", "sku")]
    assert found(web, "7f3a") == [("member", "member:7f3a", "member")]
    assert found(web, "main") == [("warehouse", "warehouse:main", "warehouse")]
    assert found(web, "3921400") == []  # in the middle of a number


def test_search__finds_orders_by_their_waybills(web: Web) -> None:
    shop(web)
    for text in ("SF1234567890", "sf1234567890", "7890"):
        assert found(web, text) == [("order", stream("S1"), "waybill")]
    assert found(web, "7890", kind="order") == []


@on_sqlite
def test_search__says_whether_there_is_more(web: Web) -> None:
    shop(web)
    answer = web.get("/v1/search?q=234&limit=1").json or {}
    assert (len(answer["items"]), answer["as_of"]["more"]) == (1, True)
    assert (web.get("/v1/search?q=234&limit=2").json or {})["as_of"]["more"] is False


@on_sqlite
def test_search__shows_what_the_caller_may_read(web: Web) -> None:
    """R-ACC-11. A member and who keeps the keys find nothing, who keeps the warehouse no member."""
    shop(web)
    assert found(web, "7f3a", "warehouse") == []
    assert found(web, "1234", "warehouse") == [("order", stream("10020139214001234"), "order")]
    for role in ("member", "admin"):
        problem(web.get("/v1/search?q=1234", role), 403, "forbidden")
    web.ledger("other")
    assert (web.get("/v1/search?q=1234", ledger="other").json or {})["items"] == []


@on_sqlite
def test_search__of_members_is_noted(web: Web) -> None:
    shop(web)
    web.get("/v1/search?q=1234")
    before = web.edge.store.head("main" + SUFFIX).position
    found(web, "7f3a")
    assert web.edge.store.head("main" + SUFFIX).position == before + 1


@on_sqlite
@pytest.mark.parametrize("query", ["", "q=", "q=1", "q=12&kind=person", "q=12&limit=0",
                                   "q=12&fuzzy=1", f"q={'1' * 201}"])
def test_search__rejected(web: Web, query: str) -> None:
    problem(web.get(f"/v1/search?{query}"), 400, "not_understood")


@on_sqlite
def test_search__looks_at_an_index_only(web: Web) -> None:
    """However many orders there are: no statement scans a table."""
    shop(web)
    found(web, "1234")
    generation = web.edge.models.database.generation()
    assert generation is not None
    asked: list[tuple[str, Any]] = []
    event.listen(generation.engine, "before_cursor_execute",
                 lambda _c, _u, statement, values, *_: asked.append((statement, values)))
    found(web, "1234")
    looked = [one for one in asked if "FROM names" in one[0]]
    with generation.reading() as connection:
        plans = [str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}",
                                                values).fetchall())
                 for statement, values in looked]
    assert len(plans) > 10
    assert all("SEARCH names USING" in plan and "SCAN" not in plan and "TEMP" not in plan
               for plan in plans), plans


# -- what was written -----------------------------------------------------------------------------


def test_things__are_listed_by_their_names_in_pages_that_never_shift(web: Web) -> None:
    shop(web)
    for name in ("b", "a", "C", "c"):
        web.done("/v1/skus", {"sku": name})
    rows, address = [], "/v1/skus?limit=2"
    while address:
        page = web.get(address).json or {}
        rows += [row["sku"] for row in page["items"]]
        address = page["next"]
        if len(rows) == 2:
            web.done("/v1/skus", {"sku": "A0"})
    assert rows == ["a", "b", "C", "c", "钢笔-黑"]


def test_things__are_read_back_as_they_were_written(web: Web) -> None:
    shop(web)
    made = web.post("/v1/warehouses", {"name": "二 号/仓", "title": "second"}, Prefer=(
        "return=representation"))
    assert web.client.get(made.headers["Location"], headers=web.headers("warehouse", "main", {})
                          ).json["item"] == (made.json or {})["item"]
    assert (made.json or {})["item"]["title"] == "second"
    names = [row["name"] for row in (web.get("/v1/warehouses").json or {})["items"]]
    assert names == ["main", "二 号/仓"]
    web.done("/v1/skus/SH-001/thresholds", {"threshold": 3})
    web.done("/v1/skus/SET/parts", {"parts": [{"sku": "SH-001", "each": 2}]})
    web.done("/v1/skus/X/aliases", {"target": "SH-001"})
    one, bundle, other = ((web.get(f"/v1/skus/sku:{name}").json or {})["item"]
                          for name in ("SH-001", "SET", "X"))
    assert one["threshold"] == 3
    assert bundle["parts"] == [{"sku": "SH-001", "each": 2}]
    assert other["other_name_of"] == "SH-001"
    pen = (web.get("/v1/skus/sku:钢笔-黑").json or {})["item"]
    assert (pen["title"], pen["registered"]) == ("钢笔 100% + 墨水", True)
    problem(web.get("/v1/skus/sku:NONE"), 404, "nothing_recorded")
    problem(web.get(f"/v1/skus/{stream('B-7')}"), 404, "nothing_recorded")


def test_transfer__is_read_back_with_what_arrived(web: Web) -> None:
    shop(web)
    web.done("/v1/warehouses", {"name": "two"})
    made = web.post("/v1/transfers", {"number": "T-1", "from": "main", "to": "two",
                                      "lines": [{"sku": "SH-001", "quantity": 3}]}, "warehouse")
    assert made.headers["Location"] == "/v1/transfers/transfer:T-1"
    web.done("/v1/transfers/T-1/receipts", {"lines": [{"sku": "SH-001", "quantity": 2}]},
             "warehouse")
    item = (web.get(made.headers["Location"]).json or {})["item"]
    assert (item["from"], item["to"]) == ("main", "two")
    assert item["underway"] == [{"sku": "SH-001", "quantity": 1}]
    assert item["arrivals"][0]["lines"][0]["quantity"] == 2
    assert ("transfer", "transfer:T-1", "transfer") in found(web, "T-1")


@on_sqlite
def test_things__of_the_past_are_as_they_were(web: Web) -> None:
    shop(web)
    before = web.ledger().head().position
    web.done("/v1/skus", {"sku": "late"})
    web.done("/v1/skus/钢笔-黑/thresholds", {"threshold": 3})
    then = (web.get(f"/v1/skus?position={before}").json or {})["items"]
    assert [(row["sku"], row["threshold"]) for row in then] == [("钢笔-黑", None)]
