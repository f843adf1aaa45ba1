"""Checks a struct against the bounds of its fields, which are read from its markers once.

An import makes hundreds of thousands of commands, nearly all of them sound. So the bounds of a
struct become one Python expression, put together from the conditions of its fields: a third of the
cost of asking each bound in turn. Only a struct that fails it is gone through field by field.
"""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec

from ledger.common.bounds import USABLE, Bound, Check, Each
from ledger.common.values import Checks, escaped

Test = Callable[[Any], bool]


class Part(NamedTuple):
    """How a value is checked: `condition` is true for a sound `v`, and `note` records the faults of
    any other."""

    condition: str
    note: Check


class Checker(NamedTuple):
    """A quick test of a struct, and what notes its faults if it fails."""

    test: Test
    note: Check


_names: dict[str, Any] = dict(USABLE)
_numbers = count()


def _named(function: Callable[..., Any]) -> str:
    """A name under which conditions can call a function."""
    name = f"f{next(_numbers)}"
    _names[name] = function
    return name


def _compiled(lines: list[str]) -> Test:
    """A function of these lines. They are made of the markers of our own classes, never of what
    comes from outside."""
    found: dict[str, Test] = {}
    exec("\n ".join(["def test(v):", *lines]), _names, found)
    return found["test"]


def _test_name(part: Part) -> str:
    """The name of a function that tests one value of several."""
    return part.condition.removesuffix("(v)") if part.condition[:-3] in _names else _named(
        _compiled([f"return {part.condition}"]))


def split(kind: Any) -> tuple[Any, list[Bound], bool]:
    """A field's type as a bare type, its bounds, and whether it may be None."""
    optional = False
    if get_origin(kind) in (Union, UnionType):
        kinds = [one for one in get_args(kind) if one is not NoneType]
        if len(kinds) > 1:  # a detail of a refusal is a text or a number, without bounds
            return kind, [], NoneType in get_args(kind)
        (kind,), optional = kinds, True
    if get_origin(kind) is not Annotated:
        return kind, [], optional
    bare, *markers = get_args(kind)
    bare, inner, maybe = split(bare)
    return bare, [*inner, *(one for one in markers if isinstance(one, Bound))], optional or maybe


@cache
def checker_of(
    struct: type[msgspec.Struct], each: Bound | None = None, *, only: type[Bound] = Bound
) -> Checker | None:
    """How a struct is checked; None if nothing of it is bounded. `each`: see `Each`. `only` bounds
    of this kind are looked at."""
    parts = [(field.name, field.encode_name, part) for field in msgspec.structs.fields(struct)
             if (part := _part(field.type, each, only=only)) is not None]
    if not parts:
        return None

    def note(checks: Checks, at: str, value: Any) -> None:
        for name, encoded, part in parts:
            part.note(checks, f"{at}/{encoded}", getattr(value, name))

    lines = [line for name, _, part in parts
             for line in (f"v = s.{name}", f"if not ({part.condition}): return False")]
    return Checker(_compiled(["s = v", *lines, "return True"]), note)


def _part(
    kind: Any, each: Bound | None = None, *, only: type[Bound] = Bound
) -> Part | None:
    bare, bounds, optional = split(kind)
    inner = [one.bound for one in bounds if isinstance(one, Each)]
    own = [one for one in bounds if not isinstance(one, Each)] if each is None else [each]
    parts = [Part(one.condition or f"{_named(one.sound)}(v)", one.note) for one in own
             if isinstance(one, only)]
    origin, arguments = get_origin(bare), get_args(bare)
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        struct = checker_of(bare, *inner, only=only)  # type: ignore[arg-type]
        parts += [] if struct is None else [Part(f"{_named(struct.test)}(v)", struct.note)]
    elif origin is list:
        part = _part(arguments[0], only=only)
        parts += [] if part is None else [_list(part)]
    elif origin is dict:
        parts += _map(*(_part(argument, only=only) for argument in arguments))
    if not parts:
        return None
    return _optional(parts) if optional else _all(parts)


def _all(parts: list[Part]) -> Part:
    def note(checks: Checks, at: str, value: Any) -> None:
        before = len(checks.faults)
        for part in parts:
            part.note(checks, at, value)
            if len(checks.faults) > before:
                return  # of a list that is too long, 400,000 items need no look of their own

    return Part(" and ".join(part.condition for part in parts), note)


def _optional(parts: list[Part]) -> Part:
    part = _all(parts)

    def note(checks: Checks, at: str, value: Any) -> None:
        if value is not None:
            part.note(checks, at, value)

    return Part(f"(v is None or {part.condition})", note)


def _list(part: Part) -> Part:
    def note(checks: Checks, at: str, values: Any) -> None:
        for index, value in enumerate(values):
            part.note(checks, f"{at}/{index}", value)

    return Part(f"all(map({_test_name(part)}, v))", note)


def _map(key: Part | None, value: Part | None) -> list[Part]:
    """A map: the faults of a name and of what it stands for have the same pointer."""
    parts = [part for part in (key, value) if part is not None]

    def note(checks: Checks, at: str, values: Mapping[str, Any]) -> None:
        for name, inner in values.items():
            where = f"{at}/{escaped(name)}"
            if key is not None:
                key.note(checks, where, name)
            if value is not None:
                value.note(checks, where, inner)

    conditions = [f"all(map({_test_name(part)}, {items}))"
                  for part, items in ((key, "v"), (value, "v.values()")) if part is not None]
    return [Part(" and ".join(conditions), note)] if parts else []
