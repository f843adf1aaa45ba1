"""What a profile may say, as JSON Schema for editors: made of the schemas that read one."""

import json
from typing import Any

from marshmallow import Schema, fields, validate

from ledger.imports.conditions import TestOf
from ledger.imports.file_schemas import Columns, FieldSchema
from ledger.imports.order_schemas import FORMERLY, OrderSchema, SumFrom, TextFrom
from ledger.imports.schemas import ProfileSchema

TEXT = {"type": "string"}
NAMES = {"type": "array", "items": TEXT, "minItems": 1}

TEXT_FROM = {"anyOf": [
    TEXT, *({"type": "object", "properties": {how: NAMES}, "required": [how],
             "additionalProperties": False} for how in ("first", "join"))]}
SUM_FROM = {"anyOf": [
    TEXT,
    {"type": "object", "properties": {"lines": {"enum": ["goods", "fees", "all"]}},
     "required": ["lines"], "additionalProperties": False},
    {"type": "object", "properties": {"of": TEXT, "when": TEXT}, "required": ["of"],
     "additionalProperties": False},
    {"type": "object", "properties": {"sum": NAMES, "less": NAMES, "when": TEXT},
     "required": ["sum"], "additionalProperties": False}]}

NUMBER_OR_TEXT = {"type": ["string", "integer"]}
LOOSER: dict[str, Any] = {
    "default": NUMBER_OR_TEXT, "quantity": NUMBER_OR_TEXT,
    "values": {"anyOf": [{"type": "object", "additionalProperties": TEXT}, NAMES]}}
"""Keys that may also be written in a shorter way, which is read as the longer one."""

PLAIN: dict[type[fields.Field[Any]], dict[str, Any]] = {
    fields.String: TEXT, fields.Integer: {"type": "integer"}, fields.Boolean: {"type": "boolean"}}


class _Maker:
    """Makes the JSON Schema of a schema; `whole`: with the keys that a profile needs which extends
    no other one."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole

    def schema(self, schema: Schema) -> dict[str, Any]:
        """An object with the keys of a schema, and no others."""
        known = {field.data_key or name: field for name, field in schema.fields.items()}
        properties = {name: LOOSER.get(name) or self.field(field) for name, field in known.items()}
        if isinstance(schema, OrderSchema):
            properties |= {old: properties[new] for old, new in FORMERLY.items()}
        found = {"type": "object", "description": _described(schema), "properties": properties,
                 "additionalProperties": False}
        needed = [name for name, field in known.items() if field.required]
        return {**found, "required": needed} if self.whole and needed else found

    def field(self, field: fields.Field[Any]) -> dict[str, Any]:
        """What a key may hold."""
        if isinstance(field, TextFrom | SumFrom):
            return TEXT_FROM if isinstance(field, TextFrom) else SUM_FROM
        if isinstance(field, TestOf):
            return {"type": ["string", "object"]}
        if isinstance(field, Columns):
            one = self.schema(FieldSchema())
            return {"type": "object", "minProperties": 1, "additionalProperties": {
                "anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}}
        if isinstance(field, fields.Nested):
            return self.schema(field.schema)
        if isinstance(field, fields.List):
            return _bounded({"type": "array", "items": self.field(field.inner)}, field)
        if isinstance(field, fields.Dict):
            assert field.value_field is not None
            return {"type": "object", "additionalProperties": self.field(field.value_field)}
        return _bounded(dict(PLAIN[type(field)]), field)


def _described(schema: Schema) -> str:
    return " ".join((schema.__doc__ or "").split())


def _bounded(found: dict[str, Any], field: fields.Field[Any]) -> dict[str, Any]:
    """The same with the bounds that a field's validators keep."""
    for one in field.validators:
        if isinstance(one, validate.OneOf):
            found["enum"] = list(one.choices)
        elif isinstance(one, validate.Range):
            found |= _within(("minimum", one.min), ("maximum", one.max))
        elif isinstance(one, validate.Length):
            of = "Items" if found["type"] == "array" else "Length"
            found |= _within((f"min{of}", one.min), (f"max{of}", one.max))
        elif isinstance(one, validate.Regexp):
            found["pattern"] = f"^{one.regex.pattern.removesuffix(chr(92) + 'Z')}$"
    return found


def _within(*bounds: tuple[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in bounds if value is not None}


def profile_schema() -> dict[str, Any]:
    """The schema of a profile. One that `extends` another says only what is different."""
    part = _Maker(whole=False).schema(ProfileSchema())
    part["properties"]["extends"] = TEXT
    whole = _Maker(whole=True).schema(ProfileSchema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "A profile: how a platform's export is read",
            "if": {"required": ["extends"]}, "then": part, "else": whole}


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(profile_schema(), indent=1, ensure_ascii=False) + "\n"
