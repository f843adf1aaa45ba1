"""The event types as they are stored: each topic with its class and its fields, types and defaults.

`python -m tests.support.registry` writes them to tests/data/registry.json, for a change of what is
stored that is meant.
"""

import json
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from ledger.core.aggregate import Aggregate
from tests.support import source

FILE = source.ROOT / "tests/data/registry.json"


def registry() -> dict[str, Any]:
    """Every event type of the program: its class, and its fields in the order of the payload.

    Under `*` are those that any event may have.
    """
    return {"*": {"class": Aggregate.Event.__qualname__, "fields": _fields(Aggregate.Event)},
            **{topic: {"class": cls.__qualname__,
                       "fields": [_field(field) for field in source.own_fields(cls)]}
               for topic, cls in source.events().items()}}


def _fields(cls: type) -> list[dict[str, Any]]:
    return [_field(field) for field in msgspec.structs.fields(cls)]


def _field(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    return {"name": field.encode_name, "type": _type(field.type), **_default(field)}


def _default(field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    if field.default is not msgspec.NODEFAULT:
        default = msgspec.to_builtins(field.default)
        return {"default": list(default) if isinstance(default, tuple) else default}
    if field.default_factory is not msgspec.NODEFAULT:
        return {"default": msgspec.to_builtins(field.default_factory())}
    return {}


def _type(kind: Any) -> Any:
    """A type as JSON: a name, a struct with its fields, or a container with what it holds."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {"struct": kind.__name__, "fields": _fields(kind)}
    origin = get_origin(kind)
    if origin is Annotated:  # a bound is checked when a command is made, and stored nowhere
        return _type(get_args(kind)[0])
    if origin is None:
        return getattr(kind, "__name__", str(kind))
    name = "union" if origin in (Union, UnionType) else origin.__name__
    return {name: ["..." if inner is ... else _type(inner) for inner in get_args(kind)]}


def text() -> str:
    """The registry as the file holds it."""
    return json.dumps(registry(), indent=1, ensure_ascii=False) + "\n"


def main(file: Path = FILE) -> None:
    """Write the registry of this version."""
    file.write_text(text(), "utf-8")


if __name__ == "__main__":
    main()
