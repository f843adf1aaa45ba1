"""Every operation says what a stranger needs: its name, its answers, and what stands where."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.http.describing import described
from ledger.settings import Settings
from tests.support import operations
from tests.support.web import Web

TOLD = Web(Settings(database_url="memory:", keys_url="memory:", master_key_file=None)
           ).app.extensions["description"].spec


def each() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its path and its method."""
    for path, told in TOLD["paths"].items():
        for method, operation in told.items():
            yield path, method, operation


def resolved(value: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for."""
    return operations.resolved(TOLD, value)


def by_id(name: str) -> dict[str, Any]:
    """An operation."""
    return next(told for _, _, told in each() if told["operationId"] == name)


def test_operations__have_names_that_never_change() -> None:
    # One is new: run `python -m tests.support.operations`. One is gone: clients call it.
    assert operations.kept() == operations.named()
    names = [told["operationId"] for _, _, told in each()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in names)


def test_operations__say_in_a_line_and_in_full_what_they_do() -> None:
    for path, method, told in each():
        assert 5 < len(told["summary"]) < 160, (path, method)
        assert "\n" not in told["summary"]
        assert told["summary"] in told["description"]
        assert re.search("For: [a-z_, ]+[.]$", told["description"])


def test_tags__are_described() -> None:
    known = {tag["name"] for tag in TOLD["tags"] if tag["description"]}
    assert {tag for _, _, told in each() for tag in told["tags"]} == known


def test_parameters__are_described_and_those_of_paths_shown() -> None:
    for path, method, told in each():
        given = [resolved(one) for one in told["parameters"]]
        assert all(one["description"] for one in given), (path, method)
        inside = [one for one in given if one["in"] == "path"]
        assert [one["name"] for one in inside] == re.findall("{([^}]*)}", path)
        assert all(re.search(one["schema"]["pattern"], one["example"]) for one in inside)


def test_problems__are_described_for_each_status() -> None:
    for path, method, told in each():
        problems = {status: resolved(answer) for status, answer in told["responses"].items()
                    if status[0] == "4"}
        assert all(list(answer["content"]) == ["application/problem+json"]
                   for answer in problems.values()), (path, method)


@pytest.mark.parametrize(("name", "expected"), [
    ("read_version", {"200"}),
    ("read_problem", {"200", "400", "404"}),
    ("list_orders", {"200", "400", "401", "403", "404", "409", "414", "422", "429",
                     "503"}),
    ("read_person", {"200", "400", "401", "403", "404", "409", "414", "429", "503"}),
    ("open_warehouse", {"200", "201", "400", "401", "403", "404", "409", "413", "414", "415", "422",
                        "429", "503"}),
    ("approve_order", {"200", "201", "400", "401", "403", "404", "409", "412", "413", "414", "415",
                       "422", "428", "429", "503"}),
])
def test_statuses__are_those_that_an_operation_can_give(name: str, expected: set[str]) -> None:
    assert set(by_id(name)["responses"]) == expected


@pytest.mark.parametrize(("name", "status", "expected"), [
    ("place_order", "201", {"Ledger-Position", "ETag", "Location", "Preference-Applied"}),
    ("place_order", "200", {"Ledger-Position", "ETag", "Location", "Idempotency-Replayed",
                            "Preference-Applied"}),
    ("pay_order", "201", {"Ledger-Position", "ETag", "Preference-Applied"}),
    ("read_order", "200", {"Ledger-Position", "ETag"}),
    ("list_orders", "200", {"Ledger-Position", "Link"}),
    ("download_scores", "200", {"Ledger-Position", "Content-Disposition"}),
    ("read_order", "401", {"WWW-Authenticate"}),
    ("read_order", "503", {"Retry-After"}),
])
def test_headers__are_described(name: str, status: str, expected: set[str]) -> None:
    found = resolved(by_id(name)["responses"][status])["headers"]
    limited = set() if status == "401" else {"RateLimit", "RateLimit-Policy"}
    assert set(found) == expected | limited
    assert all(resolved(one)["description"] for one in found.values())


def test_components__are_all_used() -> None:
    told = str(TOLD)
    for kind, members in TOLD["components"].items():
        if kind != "securitySchemes":
            assert [name for name in members if f"#/components/{kind}/{name}'" not in told] == []


def test_described__needs_a_word_for_what_stands_in_a_path() -> None:
    raw = {"info": {}, "components": {"schemas": {}}, "paths": {"/v1/{odd}": {"get": {}}}}
    with pytest.raises(KeyError):
        described(raw, {("/v1/{odd}", "get"): "reference.problem"}, {})
