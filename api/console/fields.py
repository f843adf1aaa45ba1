"""The fields of a form: made of the schema that the API has of a command, and read back."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import marshmallow

from api.console import pages
from api.console.nouns import ROUTES
from api.http import fields as strict
from api.http.fields import schema_of
from api.http.writing import Route
from api.messages import tr
from ledger.common.currencies import EXPONENTS

SENTENCES = frozenset((
    "note", "reason", "remark", "consent", "document", "buyer_remark", "address"))
"""The fields in which people write sentences: they have several lines."""

MOST_ROWS = 200
"""The most rows of a list in a form; a longer list comes as a file."""

_MONTH = "(0[1-9]|1[0-2])$"

_AMOUNT = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,16})?", re.ASCII).fullmatch
"""An amount as people write it: no exponent, of which few digits make a number of a million."""


class Field(NamedTuple):
    """A field of a form. `name` is its path with dots, such as lines.0.quantity, where a row of a
    list has * in place of its number. `kind`: text, area, number, money, date, month, time, choice,
    truth; or group, list and map, which have `parts`."""

    name: str
    kind: str
    required: bool = False
    words: tuple[str, ...] = ()
    parts: tuple["Field", ...] = ()
    least: int | None = None

    @property
    def last(self) -> str:
        """The last part of its name: what it is called by."""
        return self.name.rpartition(".")[2]

    def at(self, row: int) -> "Field":
        """The field in a row of the list that it is part of: a row that is left empty is none, so
        a browser does not insist on it."""
        return self._replace(name=self.name.replace("*", str(row), 1), required=False,
                             parts=tuple(part.at(row) for part in self.parts))


BY_NAME: Mapping[str, Route] = {route.command.NAME: route for route in ROUTES}
"""The routes of commands."""


@cache
def fields_of(command: str) -> tuple[Field, ...]:
    """The fields of a command's form; when it happened comes last, where that may be said."""
    route = BY_NAME[command]
    without = frozenset({*route.given, *route.looked_up, "expected_version"})
    found = list(_fields(schema_of(route.command, without=without)(), ""))
    when = [one for one in found if one.name == "occurred_at"]
    rest = [one for one in found if one.name != "occurred_at"]
    return (*rest, *([] if route.ignores_given_time else when))


def _fields(schema: marshmallow.Schema, above: str) -> Iterator[Field]:
    for name, one in schema.fields.items():
        yield _field(one, f"{above}{name}")


def _field(one: Any, name: str) -> Field:
    required = bool(one.required)
    if isinstance(one, marshmallow.fields.Nested):
        return Field(name, "group", required, parts=tuple(_fields(one.schema, f"{name}.")))
    if isinstance(one, strict.Items):
        return Field(name, "list", required, parts=(_field(one.inner, f"{name}.*"),))
    if isinstance(one, strict.Map):
        return Field(name, "map", required, parts=(
            Field(f"{name}.*.key", "text", required=True),
            _field(one.value_field, f"{name}.*.value")))
    if isinstance(one, strict.Truth):
        return Field(name, "truth", required)
    if isinstance(one, strict.Time):
        return Field(name, "time", required)
    return _plain(name, required, one.metadata)


def _plain(name: str, required: bool, described: Mapping[str, Any]) -> Field:
    if "enum" in described:
        return Field(name, "choice", required, words=tuple(filter(None, described["enum"])))
    if described.get("type") == "integer":
        return Field(name, "money" if name.endswith("_minor") else "number", required,
                     least=described.get("minimum"))
    if described.get("format") == "date":
        return Field(name, "date", required)
    if str(described.get("pattern", "")).endswith(_MONTH):
        return Field(name, "month", required)
    return Field(name, "area" if name in SENTENCES else "text", required)


# -- reading what was sent ------------------------------------------------------------------------


def rows_in(field: Field, values: Mapping[str, str]) -> int:
    """How many rows of a list or a map are filled in."""
    start = re.compile(re.escape(field.name) + r"\.(\d{1,4})(\.|$)")
    numbers = [int(found[1]) for name, value in values.items()
               if value and (found := start.match(name))]
    return min(max(numbers, default=-1) + 1, MOST_ROWS)


def every_field(fields: Iterable[Field]) -> Iterator[Field]:
    """Fields, and those that they are made of."""
    for one in fields:
        yield one
        yield from every_field(one.parts)


class Wrong(ValueError):
    """What was filled in cannot be read."""


def body_of(
    fields: tuple[Field, ...], values: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The body of a command of what was filled in, and what cannot be read of it, by name. What was
    left empty is left out."""
    faults: dict[str, str] = {}
    found = _object(fields, values, faults)
    return found or {}, faults


def _object(
    fields: tuple[Field, ...], values: Mapping[str, str], faults: dict[str, str]
) -> dict[str, Any] | None:
    found = {}
    for one in fields:
        value = _value(one, values, faults)
        if value is not None:
            found[one.last] = value
    return found or None


def _value(field: Field, values: Mapping[str, str], faults: dict[str, str]) -> Any:
    if field.kind == "group":
        return _object(field.parts, values, faults)
    if field.kind == "list":
        rows = [_value(field.parts[0].at(row), values, faults)
                for row in range(rows_in(field, values))]
        return [one for one in rows if one is not None] or None
    if field.kind == "map":
        rows = [_object(tuple(part.at(row) for part in field.parts), values, faults)
                for row in range(rows_in(field, values))]
        return {one["key"]: one.get("value") for one in rows if one and "key" in one} or None
    text = values.get(field.name, "").strip()
    if not text:
        return None
    try:
        return _read(field.kind, text, values.get("currency") or "CNY")
    except Wrong as wrong:
        faults[field.name] = str(wrong)
        return None


def _read(kind: str, text: str, currency: str) -> Any:
    """Errors: Wrong."""
    if kind == "number":
        if not re.fullmatch(r"-?[0-9]{1,16}", text, re.ASCII):
            raise Wrong(tr("is not a whole number"))
        return int(text)
    if kind == "money":
        return _minor(text, currency)
    if kind == "truth":
        return text == "true"
    if kind == "time":
        return _moment(text)
    return text


def _minor(text: str, currency: str) -> int:
    digits = text.replace(",", "").removeprefix("¥")
    if _AMOUNT(digits) is None:
        raise Wrong(tr("is not an amount such as 175.00"))
    amount = Decimal(digits).scaleb(EXPONENTS.get(currency, 2))
    if amount != amount.to_integral_value():
        raise Wrong(tr("is not an amount such as 175.00"))
    return int(amount)


def _moment(text: str) -> str:
    """A moment in the shop's zone, as a browser sends it, with its zone."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = pages.days().at(found.date(), found.time().isoformat())
    except (ValueError, OverflowError):
        raise Wrong(tr("is not a time such as 2026-10-31 23:59")) from None
    return found.isoformat()
