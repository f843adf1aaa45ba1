"""What a value may be, as people read it: a schema of the description on one line of HTML."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from api.messages import tr

Schema = Mapping[str, Any]

SAFE = 2**53 - 1
"""Whole numbers beyond this are not exact in JSON, so that as a bound it says nothing."""

LONGEST_PATTERN = 60

KNOWN = {"Currency": "currency", "Subject": "subject", "Stream": "subject"}
"""Texts with names of their own, by the kind that they are."""


class Kinds:
    """Says what values may be; objects are links to their own pages."""

    def __init__(self, schemas: Mapping[str, Schema], address: str) -> None:
        self._schemas = schemas
        self._address = address
        self._forms = _forms()

    def named(self, schema: Schema) -> str | None:
        """The name of the object that a schema is, if it is one by name."""
        name = schema.get("$ref", "").rpartition("/")[2]
        return name if name and "properties" in self._schemas[name] else None

    def said(self, schema: Schema) -> Markup:
        """What a value may be."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if self.named(schema):
                return Markup('<a href="{}">{}</a>').format(self._address.format(name), name)
            return self.said({"x-kind": KNOWN.get(name, ""), **self._schemas[name]})
        for several in ("anyOf", "oneOf"):
            if several in schema and "type" not in schema:
                return _either([self.said(one) for one in schema[several]])
        kind = schema.get("type")
        if isinstance(kind, list):
            return _either([self.said({**schema, "type": one}) for one in kind])
        if "enum" in schema and kind != "null":
            return _either([Markup("<code>{}</code>").format(_literal(one))
                            for one in schema["enum"]])
        return self._plain(str(kind or ""), schema)

    def _plain(self, kind: str, schema: Schema) -> Markup:
        if kind == "array":
            return _with(tr("list of {what}", what="{}"), self.said(schema.get("items", {})),
                         _between(schema, "minItems", "maxItems"))
        if kind == "object":
            inner = schema.get("additionalProperties")
            if isinstance(inner, dict):
                return _with(tr("object of {what}", what="{}"), self.said(inner), "")
            return escape(tr("object"))
        if kind in ("integer", "number"):
            return _with("{}", escape(tr("whole number") if kind == "integer" else tr("number")),
                         _between(schema, "minimum", "maximum"))
        if kind == "string":
            return self._text(schema)
        return escape({"boolean": tr("true or false"), "null": "null"}.get(kind, tr("anything")))

    def _text(self, schema: Schema) -> Markup:
        form, known = schema.get("format", ""), self._forms
        kind = schema.get("x-kind", "")
        said = known.get(kind) or known.get(form) or tr("text")
        more = _between(schema, "minLength", "maxLength")
        if more and not known.get(form):
            more = tr("{bounds} characters", bounds=more)
        pattern = schema.get("pattern", "")
        if kind or form or len(pattern) > LONGEST_PATTERN or "\\u0000" in pattern or not pattern:
            return _with("{}", escape(said), more)
        return _with("{}", escape(said), more) + Markup(" <code>{}</code>").format(pattern)


def _forms() -> Mapping[str, str]:
    """What texts of a form or kind are."""
    return {
        "date-time": tr("time, such as 2026-09-27T10:31:00+08:00"),
        "date": tr("day, such as 2026-09-27"), "uri-reference": tr("address"),
        "binary": tr("file"), "time": tr("time, such as 2026-09-27T02:31:00Z"),
        "day": tr("day, such as 2026-09-27"), "month": tr("month, such as 2026-09"),
        "time of day": tr("time of day, such as 16:30"), "subject": tr("subject"),
        "decimal": tr("decimal in a text"), "money": tr("amount in minor units, in a text"),
        "currency": tr("currency of ISO 4217"), "hash": tr("SHA-256 in hex"),
        "written": tr("text that somebody wrote, masked"), "uuid": tr("UUID"),
    }


def _either(parts: list[Markup]) -> Markup:
    """One of several, each once."""
    return Markup(escape(tr(" or "))).join(dict.fromkeys(parts))


def _with(template: str, what: Markup, more: str) -> Markup:
    said = Markup(escape(template)).format(what)
    return said if not more else said + escape(tr(", ") + more)


def _between(schema: Schema, least: str, most: str) -> str:
    """The bounds of a value, as far as they say something."""
    low, high = schema.get(least), schema.get(most)
    if low == -SAFE or (low == 0 and least != "minimum"):
        low = None
    high = None if high == SAFE else high
    if low is not None and high is not None:
        return str(low) if low == high else tr("{low} to {high}", low=low, high=high)
    if high is not None:
        return tr("at most {high}", high=high)
    return "" if low is None else tr("at least {low}", low=low)


def _literal(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(
        value, bool) else str(value)
