"""What values may be, as the reference says it."""

from typing import Any

import pytest

from api.reference.kinds import Kinds

SCHEMAS: dict[str, Any] = {
    "Id": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[a-z]+$"},
    "Line": {"type": "object", "properties": {"line": {"$ref": "#/components/schemas/Id"}}}}
LINE = {"$ref": "#/components/schemas/Line"}
KINDS = Kinds(SCHEMAS, "/v1/docs/{}?lang=en")


@pytest.mark.parametrize(("schema", "said"), [
    ({"$ref": "#/components/schemas/Id"}, "text, 1 to 100 characters <code>^[a-z]+$</code>"),
    (LINE, '<a href="/v1/docs/Line?lang=en">Line</a>'),
    ({"type": "array", "items": LINE, "maxItems": 9},
     'list of <a href="/v1/docs/Line?lang=en">Line</a>, at most 9'),
    ({"anyOf": [LINE, {"type": "null"}]},
     '<a href="/v1/docs/Line?lang=en">Line</a> or null'),
    ({"type": ["integer", "null"], "minimum": 0, "maximum": 2**53 - 1},
     "whole number, at least 0 or null"),
    ({"type": "integer", "minimum": -(2**53) + 1, "maximum": 2**53 - 1}, "whole number"),
    ({"type": "integer", "minimum": 1, "maximum": 8}, "whole number, 1 to 8"),
    ({"enum": ["paid", True], "type": "string"}, "<code>paid</code> or <code>true</code>"),
    ({"type": "string", "format": "date"}, "day, such as 2026-09-27"),
    ({"type": "string", "x-kind": "subject"}, "subject"),
    ({"type": "string", "pattern": "^[^\\u0000]*$", "maxLength": 5}, "text, at most 5 characters"),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of whole number"),
    ({"type": "boolean"}, "true or false"), ({"type": "object"}, "object"), ({}, "anything"),
    ({"enum": ["<script>"]}, "<code>&lt;script&gt;</code>")])
def test_kinds__are_said_on_a_line(schema: dict[str, Any], said: str) -> None:
    assert KINDS.said(schema) == said


def test_kinds__name_objects_only() -> None:
    assert KINDS.named(LINE) == "Line"
    assert KINDS.named({"$ref": "#/components/schemas/Id"}) is None
    assert KINDS.named({"type": "string"}) is None


def test_kinds__in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    chinese = Kinds(SCHEMAS, "/v1/docs/{}")
    assert chinese.said({"anyOf": [LINE, {"type": "null"}]}) == (
        '<a href="/v1/docs/Line">Line</a> 或 null')
    assert chinese.said({"type": "string", "minLength": 1, "maxLength": 9}) == "文本，1 至 9 个字符"
