"""Links lead from what was made or listed to what can be read and done of it."""

import re

import pytest

from ledger.settings import Settings
from tests.support.web import Web

SPEC = Web(Settings(database_url="memory:", keys_url="memory:", master_key_file=None)
           ).app.extensions["description"].spec
BY_ID = {one["operationId"]: (path, one)
         for path, operations in SPEC["paths"].items() for one in operations.values()}


def links(name: str, status: str) -> dict[str, dict[str, str]]:
    """Where an answer leads, with the parameters."""
    found = BY_ID[name][1]["responses"][status].get("links", {})
    assert all(other == link["operationId"] for other, link in found.items())
    return {other: link["parameters"] for other, link in found.items()}


@pytest.mark.parametrize(("name", "status", "other", "given"), [
    ("place_order", "201", "read_order", {"path.order": "$response.body#/subject"}),
    ("pay_order", "201", "read_order", {"path.order": "$request.path.order"}),
    ("list_orders", "200", "read_order", {"path.order": "$response.body#/items/0/subject"}),
    ("read_order", "200", "pay_order", {"path.order": "$request.path.order"}),
    ("read_order", "200", "approve_order", {
        "path.order": "$request.path.order", "header.If-Match": "$response.header.ETag"}),
    ("request_case", "201", "read_case", {"path.case": "$response.body#/subject"}),
    ("list_inventory", "200", "list_inventory_of", {
        "path.subject": "sku:{$response.body#/items/0/sku}"}),
    ("register_sku", "201", "read_sku", {"path.subject": "$response.body#/subject"}),
    ("request_leave", "201", "approve_leave", {
        "path.member": "$request.path.member", "path.number": "$request.body#/number"}),
    ("start_import", "202", "read_import", {"path.job": "$response.body#/import"}),
])
def test_links__lead_on(name: str, status: str, other: str, given: dict[str, str]) -> None:
    found = links(name, status)[other]
    assert {key: found[key] for key in given} == given


def test_links__name_every_parameter_of_the_path() -> None:
    for name, (_, one) in BY_ID.items():
        for status in one["responses"]:
            for other, given in links(name, status).items() if status[0] == "2" else ():
                inside = re.findall("{([^}]*)}", BY_ID[other][0])
                assert {f"path.{each}" for each in inside} <= set(given), (name, other)


def test_writes__lead_to_what_they_wrote() -> None:
    written = {name for name, (path, one) in BY_ID.items()
               if "201" in one["responses"] and path.startswith(("/v1/orders", "/v1/returns"))}
    assert [name for name in sorted(written) if not {"read_order", "read_case"} & set(
        links(name, "201"))] == []
