"""The examples of the description are what the API takes and answers, and what it would record."""

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from api.http.description import EXAMPLES
from ledger.settings import Settings
from projections.asking.clocks import NOW
from projections.audit.trail import rows
from tests.support import examples, operations, source
from tests.support.example_commands import COMMANDS
from tests.support.example_shop import Shop, demo
from tests.support.web import Web

SPEC = Web(Settings(database_url="memory:", keys_url="memory:", master_key_file=None)
           ).app.extensions["description"].spec
BY_ID = {one["operationId"]: one for told in SPEC["paths"].values() for one in told.values()}
REGISTRY: Any = Registry().with_resource(
    "urn:spec", Resource.from_contents(SPEC, default_specification=DRAFT202012))
JSON = "application/json"

WITHOUT = {
    "read_description", "read_metrics", "check_readiness", "start_import", "read_import",
    "list_import_faults", "list_import_rows", "list_import_warnings", "read_person",
    "read_person_events", "withdraw_policy", "confirm_retention", "charge_supervisor",
    "give_up_share", "seal_month", "restate_month"}
"""What has no example: what is asked for by an id that no other ledger knows, files, and what
needs a month or a version that only one request can have."""


def faults(value: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong with a value, by a schema of the description."""
    outside = json.loads(json.dumps(schema).replace('"#/', '"urn:spec#/'))
    checked = Draft202012Validator(outside, registry=REGISTRY)
    return [f"{one.json_path}: {one.message[:200]}" for one in checked.iter_errors(value)]


def shown() -> dict[str, Any]:
    """The operations that have an example."""
    return {name: one for name, one in BY_ID.items() if name not in WITHOUT}


def test_examples__are_there_for_every_operation() -> None:
    assert set(examples.kept()) == set(shown())


@pytest.mark.parametrize("name", sorted(shown()))
def test_examples__are_taken_by_their_own_schemas(name: str) -> None:
    one, example = BY_ID[name], examples.kept()[name]
    given = [operations.resolved(SPEC, each) for each in one["parameters"]]
    for each in given:
        if "example" in each:
            assert faults(each["example"], each["schema"]) == []
    assert set(example.get("parameters", {})) <= {each["name"] for each in given}
    if "body" in example:
        content = one["requestBody"]["content"][JSON]
        assert content["example"] == example["body"]
        assert faults(example["body"], content["schema"]) == []
    if "answer" in example:
        content = one["responses"][str(example["status"])]["content"][JSON]
        assert content["example"] == example["answer"]
        assert faults(example["answer"], content["schema"]) == []


def test_examples__are_those_that_would_be_recorded(tmp_path: Path) -> None:
    """And what each of them changed can be said in JSON, as histories do."""
    shop = Shop(demo(tmp_path))
    try:
        shop.prepare()
        found = examples.record(shop)
        here = shop.web.edge
        changes = [one["changes"] for one in rows(
            here.models, "main", here.store.read("main", limit=10**9),
            NOW.resolve(here.store, "main"))]
    finally:
        shop.web.close()
    assert examples.as_text(found) == source.text(EXAMPLES)
    assert orjson.loads(orjson.dumps(changes)) == changes


def test_examples__name_nothing_random() -> None:
    text = source.text(EXAMPLES)
    assert set(re.findall("[0-9a-f]{64}", text)) <= {"0123456789abcdef" * 4, *re.findall(
        '"digest": "([0-9a-f]{64})"', text)}
    assert set(re.findall("person:[A-Za-z0-9_-]{4,}", text)) == {"person:Zk3f-_09"}


@pytest.mark.parametrize(("value", "expected"), [
    ("2031-05-06T07:08:09.123Z", "2026-11-02T02:00:00Z"),
    ("2026-09-30T15:59:59Z", "2026-09-30T15:59:59Z"),
    ("0" * 64, "0123456789abcdef" * 4),
    ({"erasures:2031-05": 1}, {"erasures:2026-11": 1}),
    ({"person:abc": ["person:abc"]}, {"person:Zk3f-_09": ["person:Zk3f-_09"]}),
    (7, 7),
])
def test_steadied__leaves_what_is_not_random(value: Any, expected: Any) -> None:
    assert examples.steadied(value) == expected


def test_commands__have_an_example_each() -> None:
    written = {name for name, one in BY_ID.items() if "201" in one["responses"]}
    assert written - set(COMMANDS) == WITHOUT & written


def test_next__is_an_address_that_every_client_takes() -> None:
    following = [one["answer"]["next"] for one in examples.kept().values()
                 if isinstance(one.get("answer"), dict) and one["answer"].get("next")]
    assert len(following) > 10
    assert all(re.fullmatch("[!-~]+", address) for address in following)
    assert any("%E6" in address.partition("?")[0] for address in following)
