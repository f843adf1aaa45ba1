"""What answers hold is what the description says of them, whatever is read, and nothing else."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from openapi_schema_validator import OAS31Validator

from api.http.reading import LISTS
from api.http.routes import PERMITS, PUBLIC
from projections.asking.typed import type_of
from projections.reports import REPORTS
from tests.support.bodies import WHEN, joined, order, stocked
from tests.support.bodies import at as address_of
from tests.support.builders import stream
from tests.support.demo import demo_in
from tests.support.routes import of_api
from tests.support.typed import optional
from tests.support.web import Web

ONE = {"order": stream("new"), "case": stream("back").replace("order:", "case:"), "job": "?",
       "person": "?", "month": "2026-09", "name": "dispatch", "code": "not_found",
       "version": "1", "position": "2", "movement": "movement:main:M",
       "report": "inventory"}
SUBJECTS = {"inventory": "sku:SH-001", "bins": "sku:SH-001",
            "stock-cards": "sku:SH-001", "stock": "stock:main:SH-001",
            "prices": "sku:SH-001", "skus": "sku:SH-001", "warehouses": "warehouse:main",
            "transfers": "transfer:T", "stock-counts": "count:main:C",
            "reconciliations": "reconciliation:2026-08", "subjects": stream("new")}
QUERIES = {"/v1/search": ["q=SH"],
           "/v1/subjects/<subject>/turns": ["condition=payment_status"],
           "/v1/deadlines/<name>": ["start=2026-09-30T12:00:00Z"],
           "/v1/policy-differences": ["before=1&after=2"], "/v1/log/root": ["position=7"],
           "/v1/reconciliation": ["month=2026-09"], "/v1/grading": ["month=2026-09"],
           "/v1/deductions": ["month=2026-09"], "/v1/revenue": ["by=day", "by=agent"],
           "/v1/to-review": ["status=unpaid"], "/v1/leaves": ["month=2026-09"],
           "/v1/attendance": ["month=2026-09"], "/v1/members": ["day=2026-09-12"],
           "/v1/shifts": ["day=2026-09-12"]}
"""What else the routes are asked."""

ASKED_ONLY = {"/v1/deadlines/<name>", "/v1/policy-differences", "/v1/log/root", "/v1/search",
              "/v1/subjects/<subject>/turns"}
"""Routes that have to be asked something."""


def everything(web: Web) -> None:
    """Record what the demo lacks."""
    joined(web, "warehouse", "finance")
    stocked(web)
    web.done("/v1/warehouses", {"name": "north", "occurred_at": WHEN})
    web.done("/v1/skus/SH-001/prices", {"amount_minor": 4990, "floor_minor": 500,
                                        "currency": "CNY", "occurred_at": WHEN}, "finance")
    web.done("/v1/stock-counts", {"warehouse": "main", "number": "C", "counts": [
        {"sku": "SH-001", "quantity": 9}], "occurred_at": WHEN}, "warehouse")
    asked = {"month": "2026-08"}
    (row,) = web.get(f"/v1/reconciliation?{urlencode(asked)}", "finance").json["items"]
    web.done("/v1/reconciliations", {**asked, "digest": row["digest"], "differences": [
        {"currency": "CNY", "amount_minor": row["difference_minor"], "cause": "unpaid"}]},
        "finance")
    web.done("/v1/stock-movements", {"warehouse": "main", "number": "M", "reason": "wet",
        "moves": [{"sku": "SH-001", "quantity": 1, "from": "available", "to": "written_off",
        "cause": "write_off"}], "occurred_at": WHEN}, "warehouse")
    web.done("/v1/transfers", {"number": "T", "from": "main", "to": "north", "lines": [
        {"sku": "SH-001", "quantity": 2}], "occurred_at": WHEN}, "warehouse")
    web.done("/v1/sales", order("new", warehouse="main", account="买家"), "service")
    one = address_of("new")
    web.done(f"{one}/exceptions", {"exception": "e", "kind": "buyer_remark", "note": "要发票"},
             "service")
    web.done(f"{one}/payments", {"amount_minor": 4990, "reference": "P1", "occurred_at": WHEN},
             "service")
    web.done(f"{one}/holds", {"reason": "改地址"}, "service")
    taken = order("back")
    web.done("/v1/returns", {
        **{name: taken[name] for name in ("channel", "shop", "number", "currency", "occurred_at")},
        "kind": "refund_only", "order": stream("new"), "refund_minor": 100}, "service")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The demo over HTTP, and what it lacks."""
    with demo_in(tmp_path_factory.mktemp("demo")) as settings:
        web = Web(settings)
        everything(web)
        yield web
        web.close()


def closed(schema: Any) -> Any:
    """A schema that allows no member which it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(part) for name, part in schema.items()}
    if isinstance(found.get("properties"), dict):
        found["additionalProperties"] = False
    return found


@cache
def described(web: Web) -> Any:
    """The description, with nothing allowed that it does not say."""
    return closed(web.app.extensions["description"].spec)


def must_be_as_described(web: Web, rule: str, answer: Any) -> None:
    """An answer of a route is what the description says of it."""
    path = rule.replace("<", "{").replace(">", "}")
    told = described(web)["paths"][path]["get"]["responses"][str(answer.status_code)]
    schema = told["content"]["application/json"]["schema"]
    validator = OAS31Validator({**schema, "components": described(web)["components"]})
    faults = [f"{rule}: {list(one.absolute_path)}: {one.message[:300]}"
              for one in validator.iter_errors(answer.json)]
    assert not faults, faults[:3]


def addresses(web: Web, rule: str) -> Iterator[str]:
    """What a route can be asked, of things that are there."""
    noun = rule.split("/")[2] if rule.startswith("/v1/") else ""
    names = {**ONE, **{column: web.get(f"/v1/{path}").json["items"][0][column] for path, column in (
        ("members", "member"), ("deductions", "deduction"), ("rosters", "roster"))}}
    names["subject"] = SUBJECTS.get(noun) or names[
        "roster" if noun in ("rosters", "shifts") else "member"]
    names["person"] = web.post("/v1/persons/find", {"about": stream("new")}).json["persons"][0]
    address = re.sub("<([^>]*)>", lambda found: quote(names[found[1]]), rule)
    if rule not in ASKED_ONLY:
        yield address
    yield from (f"{address}?{query}" for query in QUERIES.get(rule, ()))


NOT_JSON = {"/v1/docs", "/v1/docs/<name>", "/v1/problems/<code>", "/metrics",
            "/v1/months/<month>/scores.xlsx", "/v1/openapi.json"}
"""Routes that answer something else."""


def test_answers__are_as_the_description_says(shop: Web) -> None:
    """Of every route that is read; and there is something in the lists."""
    empty: dict[str, bool] = {}
    for rule in of_api(shop.app):
        if "GET" not in (rule.methods or ()) or rule.rule in NOT_JSON or "<job>" in rule.rule:
            continue
        permitted = PERMITS[rule.endpoint]
        role = "manager" if permitted == PUBLIC or "manager" in permitted else min(permitted)
        for address in addresses(shop, rule.rule):
            answer = shop.get(address, role)
            assert answer.status_code == 200, (address, answer.text)
            must_be_as_described(shop, rule.rule, answer)
            items = (answer.json or {}).get("items", [None])
            empty[rule.rule] = empty.get(rule.rule, True) and not items
    assert {rule for rule, is_empty in empty.items() if is_empty} == {
        "/v1/attendance/<subject>", "/v1/leaves/<subject>", "/v1/to-pick", "/v1/to-send",
        "/v1/discrepancies"}


SINGLES = {"/v1/orders": "/v1/orders/{subject}", "/v1/fulfilment": "/v1/orders/{subject}",
           "/v1/to-review": "/v1/orders/{subject}", "/v1/returns": "/v1/returns/{subject}",
           "/v1/deductions": "/v1/deductions/{deduction}", "/v1/members": "/v1/members/{member}",
           "/v1/inventory": "/v1/inventory/sku:{sku}", "/v1/rosters": "/v1/rosters/{roster}",
           "/v1/shifts": "/v1/shifts/{roster}", "/v1/leaves": "/v1/leaves/{member}",
           "/v1/posts": "/v1/posts/{member}", "/v1/skus": "/v1/skus/{subject}",
           "/v1/warehouses": "/v1/warehouses/{warehouse}",
           "/v1/transfers": "/v1/transfers/{transfer}",
           "/v1/sent-transfers": "/v1/transfers/{transfer}",
           "/v1/to-approve": "/v1/stock-movements/{movement}"}
"""Lists, and where a row of them is read alone."""


@pytest.mark.parametrize("path", SINGLES)
def test_values__of_a_list_are_those_of_a_single_read(shop: Web, path: str) -> None:
    """One name, one value: as of one position, also where they are masked or opened."""
    position = shop.ledger().head().position
    query = f"position={position}" + ("&status=unpaid" if path == "/v1/to-review" else "")
    listed = shop.get(f"{path}?{query}", "manager").json["items"]
    assert listed
    for row in [*listed[:5], *listed[-5:]]:
        address = quote(SINGLES[path].format(**row), safe="/:")
        found = shop.get(f"{address}?position={position}", "manager").json
        alone = [found["item"]] if "item" in found else found["items"]
        assert any(agrees(row, one) for one in alone), (row, alone)


def agrees(row: Any, alone: Any) -> bool:
    """Whether what two objects both have is the same; positions are of what they rest on."""
    if isinstance(row, dict) and isinstance(alone, dict):
        return all(agrees(row[name], alone[name]) for name in {*row} & {*alone} - {"position"})
    if isinstance(row, list) and isinstance(alone, list):
        return len(row) == len(alone) and all(map(agrees, row, alone))
    return bool(row == alone)


def test_lists__leave_out_nothing_that_has_to_be_there() -> None:
    """What a role is not shown may be missing, and says so."""
    for name, listed in LISTS.items():
        assert set(listed.sums) <= optional(type_of(REPORTS[name]).row)


def test_description__knows_no_object_of_unknown_members(shop: Web) -> None:
    """But where it says which they are."""
    for name, schema in shop.app.extensions["description"].spec["components"]["schemas"].items():
        for member, told in schema.get("properties", {}).items():
            if told.get("type") == "object" and "additionalProperties" not in told:
                assert re.search("Its members are|of any type", told["description"]), (name, member)
