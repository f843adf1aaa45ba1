"""Operations of the description as pages show them."""

from typing import Any

import pytest

from api.reference.kinds import Kinds
from api.reference.operations import Operation, Reading

SPEC: dict[str, Any] = {
    "components": {
        "schemas": {"Body": {"type": "object", "required": ["sku"], "properties": {
            "sku": {"type": "string", "description": "Which `SKU`."}, "note": {}}}},
        "responses": {"Forbidden": {"description": "Forbidden: `forbidden`."}},
        "parameters": {"sku": {
            "in": "path", "name": "sku", "required": True, "schema": {"type": "string"},
            "description": "A SKU.", "example": "QM-001"}}},
    "paths": {"/v1/skus/{sku}/prices": {
        "post": {
            "operationId": "price_sku", "tags": ["stock"], "security": [{"key": []}],
            "summary": "Set a price.",
            "description": "Set a price.\n\nIt holds <b>from now</b> on.\n\nFor: manager, finance.",
            "parameters": [
                {"$ref": "#/components/parameters/sku"},
                {"in": "header", "name": "Idempotency-Key", "required": True, "example": "k-1"},
                {"in": "query", "name": "preview", "schema": {"type": "boolean"}}],
            "requestBody": {"content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/Body"}, "example": {"sku": "QM-001"}}}},
            "responses": {
                "201": {"description": "Created", "headers": {"ETag": {}},
                        "content": {"application/json": {
                            "schema": {"$ref": "#/components/schemas/Body"},
                            "example": {"sku": "棋"}}}},
                "403": {"$ref": "#/components/responses/Forbidden"}}}}}}


@pytest.fixture
def one() -> Operation:
    """The operation of the description."""
    kinds = Kinds(SPEC["components"]["schemas"], "/v1/docs/{}")
    (found,) = Reading(SPEC, kinds, "/v1/problems/{}").operations
    return found


def test_operation__has_its_summary_once_and_its_roles_apart(one: Operation) -> None:
    assert (one.summary, one.about, one.roles) == (
        "Set a price", "It holds &lt;b&gt;from now&lt;/b&gt; on.", "manager, finance")


def test_operation__has_its_parameters_and_the_fields_of_its_body(one: Operation) -> None:
    assert [(field.name, field.where, field.needed) for field in one.parameters] == [
        ("sku", "path", True), ("Idempotency-Key", "header", True), ("preview", "query", False)]
    assert [(field.name, field.needed, field.about) for field in one.body] == [
        ("sku", True, "Which <code>SKU</code>."), ("note", False, "")]


def test_operation__has_its_answers_and_errors_with_links(one: Operation) -> None:
    (answer,) = one.answers
    assert (answer.status, answer.kind, answer.headers) == (
        "201", '<a href="/v1/docs/Body">Body</a>', ("ETag",))
    assert "棋" in answer.example
    (error,) = one.errors
    assert error.about == (
        'Forbidden: <a href="/v1/problems/forbidden"><code>forbidden</code></a>.')


def test_operation__can_be_sent_from_a_shell(one: Operation) -> None:
    assert one.curl.split(" \\\n  ") == [
        'curl "$SERVER/v1/skus/QM-001/prices"', "-H 'Authorization: Bearer ol_…'",
        "-H 'Idempotency-Key: k-1'", "-H 'Content-Type: application/json'", "-d @body.json"]


def test_operation__is_found_by_its_name_method_path_and_summary(one: Operation) -> None:
    assert one.words == "price_sku post /v1/skus/{sku}/prices set a price"
