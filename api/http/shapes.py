"""What answers hold, as JSON Schema: made of the classes that declare the rows of reports.

Each class is a schema of the description under its own name. An answer may get further members
later, so a schema forbids none; the tests hold that it has none that are not declared.
"""

from functools import cache
from typing import Any

import msgspec

from projections.asking.columns import Columns, columns_of
from projections.asking.headers import Header

PLACE = "#/components/schemas/"

_named: dict[str, dict[str, Any]] = {}
_declared: list[type[Columns]] = []
_written: list[dict[str, Any]] = []


def one(declared: type[Columns]) -> dict[str, Any]:
    """The schema of an object that is an answer by itself."""
    if declared not in _declared:
        _declared.append(declared)
    return {"$ref": f"{PLACE}{declared.__name__}"}


def listing(
    row: type[Columns], header: type[Header] = Header, *, name: str | None = None
) -> dict[str, Any]:
    """The schema of a page of rows."""
    return _named_schema(name or f"{row.__name__}s", {
        "as_of": one(header),
        "items": {"type": "array", "items": one(row)},
        "next": {"type": ["string", "null"], "format": "uri-reference",
                 "description": "The address of the next page; null on the last one."},
    }, f"A page, and as of when it holds. {_first(row)}")


def item(declared: type[Columns], header: type[Columns] = Header) -> dict[str, Any]:
    """The schema of one thing, and as of when it holds."""
    return _named_schema(f"{declared.__name__}Answer", {
        "as_of": one(header), "item": one(declared)}, f"As of when it holds. {_first(declared)}")


def may_be_written(declared: type[Columns]) -> None:
    """Say that a thing may be the answer to its own write."""
    _written.append(one(declared))


def written(receipt: type[Columns]) -> dict[str, Any]:
    """The schema of a receipt with the thing itself."""
    return _named_schema("Written", {
        "receipt": one(receipt), "as_of": one(Header), "item": {"anyOf": _written}},
        "What a command recorded, and what it was recorded of, as its own address answers.")


def _first(declared: type[Columns]) -> str:
    return " ".join((declared.__doc__ or "").partition("\n\n")[0].split())


def _named_schema(name: str, members: dict[str, Any], said: str) -> dict[str, Any]:
    made = {"type": "object", "description": said, "properties": members,
            "required": list(members)}
    assert _named.setdefault(name, made) == made, f"two answers are called {name}"
    return {"$ref": f"{PLACE}{name}"}


def schemas() -> dict[str, Any]:
    """All schemas that answers are made of, by their names."""
    _, found = msgspec.json.schema_components(_declared, ref_template=PLACE + "{name}")
    classes = {cls.__name__: cls for cls in _reached(tuple(_declared))}
    assert classes.keys() == found.keys(), classes.keys() ^ found.keys()
    return {**_named, **{name: _shown(classes[name], schema) for name, schema in found.items()}}


def _reached(declared: tuple[type[Columns], ...]) -> list[type[Columns]]:
    """Some classes, and all that they are made of."""
    found = list(declared)
    for cls in found:
        found += [inner for inner in parts_of(cls) if inner not in found]
    return found


@cache
def parts_of(declared: type[Columns]) -> tuple[type[Columns], ...]:
    """The classes that the members of one are made of."""
    return tuple(column.of for column in columns_of(declared) if column.of is not None)


def _shown(declared: type[Columns], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with the meanings of its members; it forbids none that come later."""
    schema = {name: value for name, value in schema.items()
              if name not in ("additionalProperties", "title")}
    for column in columns_of(declared):
        found = schema["properties"][column.name]
        schema["properties"][column.name] = {**found, "description": column.meaning}
    return schema
