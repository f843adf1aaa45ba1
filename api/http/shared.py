"""What several operations share stands once in the description, what nothing uses not at all."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, get_origin

from ledger.common import bounds

LONG = 200
"""A pattern of so many characters stands once."""


def hoisted(spec: dict[str, Any]) -> dict[str, Any]:
    """A description in which shared parameters and schemas are components."""
    components = spec["components"]
    _hoist_parameters(spec["paths"], components.setdefault("parameters", {}))
    used: dict[str, Any] = {}
    known = _kinds()
    spec = _changed(spec, lambda found: _reference(found, known, used))
    spec["components"]["schemas"] |= used
    _drop_unused(spec)
    return spec


def _hoist_parameters(paths: Mapping[str, Any], components: dict[str, Any]) -> None:
    """Parameters that stand alike at two operations."""
    operations = [one for spec in paths.values() for one in spec.values()]
    count = Counter(_key(given) for one in operations for given in one["parameters"])
    names: dict[str, str] = {}
    for one in operations:
        one["parameters"] = [
            given if count[_key(given)] < 2 else
            {"$ref": f"#/components/parameters/{_named(given, names, components)}"}
            for given in one["parameters"]]


def _named(given: dict[str, Any], names: dict[str, str], components: dict[str, Any]) -> str:
    """The name of a parameter among the components; a number makes it one of its own."""
    key = _key(given)
    if key not in names:
        name, number = given["name"], 2
        while name in components:
            name, number = f"{given['name']}{number}", number + 1
        names[key] = name
        components[name] = given
    return names[key]


def _key(given: Mapping[str, Any]) -> str:
    return json.dumps(given, sort_keys=True, default=str)


def _kinds() -> dict[str, tuple[str, dict[str, Any]]]:
    """The kinds of texts that have a long pattern, by what is said of them."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, kind in vars(bounds).items():
        if get_origin(kind) is Annotated:
            said: dict[str, Any] = {}
            for bound in kind.__metadata__:
                said |= bound.schema
            if len(said.get("pattern", "")) >= LONG:
                found.setdefault(_key(said), (name, said))
    return found


def _reference(found: dict[str, Any], known: Mapping[str, tuple[str, dict[str, Any]]],
               used: dict[str, Any]) -> dict[str, Any]:
    """A schema, or a reference to the kind of text that it is."""
    if len(found.get("pattern", "")) < LONG:
        return found
    optional = found.get("type") == ["string", "null"]
    key = _key({**found, "type": "string"})
    if key not in known:
        return found
    name, said = known[key]
    used[name] = said
    reference = {"$ref": f"#/components/schemas/{name}"}
    return {"anyOf": [reference, {"type": "null"}]} if optional else reference


def _changed(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """A value in which every object was changed."""
    if isinstance(value, dict):
        return change({name: inner if name.startswith("example") else _changed(inner, change)
                       for name, inner in value.items()})
    if isinstance(value, list):
        return [_changed(inner, change) for inner in value]
    return value


def _drop_unused(spec: dict[str, Any]) -> None:
    """Components that are reached from no operation."""
    components = spec["components"]
    reached: set[tuple[str, str]] = set()
    waiting = list(_references(spec["paths"]))
    while waiting:
        kind, name = place = waiting.pop()
        if place not in reached:
            reached.add(place)
            waiting.extend(_references(components[kind][name]))
    for kind, members in components.items():
        if kind != "securitySchemes":
            components[kind] = {name: one for name, one in sorted(members.items())
                                if (kind, name) in reached}


def _references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            _, _, kind, name = value["$ref"].split("/")
            yield kind, name
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
