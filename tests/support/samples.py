"""Samples of commands, made from the bounds of their fields: sound ones, and values at the edges.

A sample keeps the bounds of its fields. It may break a rule between fields, which no bound speaks
of: a test that wants a command looks only at the faults of bounds.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from ledger.common import bounds
from ledger.common.bounds import Bound, Each, Form, Items, Number, Text, Time, Whole, Words
from ledger.common.checking import split
from ledger.common.context import check_actor, check_member
from ledger.common.currencies import check_currency
from ledger.common.days import check_day, check_month, check_time_of_day
from ledger.common.values import check_sha256, check_subject
from ledger.core.commands import Command
from ledger.erasure.commands import check_person

FORMS: dict[Callable[..., None], tuple[str, list[str]]] = {
    check_day: ("2026-09-30", ["2026-02-30", "2026-9-3", "1969-12-31", ""]),
    check_month: ("2026-09", ["2026-13", "1969-12", "2026-09-01", ""]),
    check_time_of_day: ("16:30", ["24:01", "7:00", "noon", ""]),
    check_member: ("member:7f3a", ["system", "member:", "member:王方", "7f3a", ""]),
    check_person: ("person:Zk3f-_09", ["member:1", "person:", "person:王方", "person:a b", ""]),
    check_actor: ("member:7f3a", ["Member:7f3a", "nobody", ""]),
    check_sha256: ("0123456789abcdef" * 4, ["0" * 63, "A" * 64, ""]),
    check_subject: ("day:2026-09-03", ["day", "Day:1", "order:a b", ""]),
    check_currency: ("CNY", ["cny", "CN", "CNY1", "A1B", "XXX", ""]),
}
"""A sound value of each form, and unsound ones."""

FITTING: dict[tuple[str | int, ...], Any] = {
    ("import.complete", "rows"): 3,
    ("member.hand_over_shift", "to_member"): "member:b08e",
    ("member.record_attendance", "kind"): "late_and_left_early",
    ("order.correct", "amounts"): None,
    ("order.correct", "fact"): "paid",
    ("roster.set_day", "shifts", 0, "end"): "24:00",
    ("roster.set_pattern", "shifts", 0, "end"): "24:00",
    ("stock.correct", "document"): "movement:main:1",
    ("stock.correct", "moves", 0, "to_bin"): "y",
    ("stock.correct", "moves", 0, "from"): "available",
    ("stock.correct", "moves", 0, "to"): "available",
    ("stock.correct", "counts"): [],
    ("stock.move", "moves", 0, "to_bin"): "y",
    ("stock.move", "moves", 0, "from"): "available",
    ("stock.move", "moves", 0, "to"): "available",
    ("transfer.send", "to"): "y",
    ("transfer.declare", "to"): "y",
}
"""What a sound body needs besides to keep the rules between fields, by command and path."""

Path = tuple[str | int, ...]


class Leaf(NamedTuple):
    """A value inside a command: where it stands, and what bounds it."""

    path: Path
    bounds: list[Bound]
    kind: Any


def sample(annotated: Any, each: Bound | None = None) -> Any:
    """A sound value of a field, as JSON has it."""
    kind, found, _ = split(annotated)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return body(kind, _tighter(found))
    if get_origin(kind) is list:
        return [sample(get_args(kind)[0])]
    if get_origin(kind) is dict:
        key, value = get_args(kind)
        return {sample(key): sample(value)}
    if kind in (bool, datetime, date):
        return {bool: False, datetime: "2026-09-30T12:00:00Z", date: "2026-09-30"}[kind]
    return _sound(found[-1] if each is None else each)


def _sound(bound: Bound) -> Any:
    match bound:
        case Text():
            return "x"
        case Whole():
            return max(bound.least, min(bound.most, 1))
        case Words():
            return bound.words[-1]
        case Number():
            return bound.least
        case Form():
            return FORMS[bound.check][0]
    raise AssertionError(bound)


def _tighter(found: list[Bound]) -> Bound | None:
    return next((one.bound for one in found if isinstance(one, Each)), None)


def body(struct: type[msgspec.Struct], each: Bound | None = None) -> dict[str, Any]:
    """A sound command, or a part of one, with all its fields."""
    return {field.encode_name: sample(field.type, each) for field in msgspec.structs.fields(struct)}


def fitting(command: type[Command]) -> dict[str, Any]:
    """A body that keeps the rules between its fields, too."""
    made = body(command)
    for path, value in FITTING.items():
        if path[0] == command.NAME:
            made = replaced(made, path[1:], value)
    return made


def leaves(struct: type[msgspec.Struct], at: Path = (), each: Bound | None = None
           ) -> Iterator[Leaf]:
    """All values inside a command; of lists and maps, the first one and the whole."""
    for field in msgspec.structs.fields(struct):
        yield from _leaves(field.type, (*at, field.encode_name), each)


def _leaves(annotated: Any, at: Path, each: Bound | None = None) -> Iterator[Leaf]:
    kind, found, _ = split(annotated)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from leaves(kind, at, _tighter(found))
        return
    yield Leaf(at, found if each is None else [each], kind)
    if get_origin(kind) is list:
        yield from _leaves(get_args(kind)[0], (*at, 0))
    elif get_origin(kind) is dict:
        key, value = get_args(kind)
        yield from _leaves(value, (*at, sample(key)))


def edges(leaf: Leaf, whole: Any) -> list[Any]:
    """Values at the edges of a leaf's bounds, inside and outside; `whole` is the sound one."""
    found: list[Any] = [7, "x", True, 1.5]
    for bound in leaf.bounds:
        found += _edges(bound, whole)
    return found


def _edges(bound: Bound, whole: Any) -> list[Any]:
    match bound:
        case Text():
            return ["", " ", "\0", "\ud800", "两\n行", "x\u200b", "x\uff11", "x（\uff0d）",
                    "order:a:%EF%BC%A1:1", "order:a:b:%EF%BC%91", "order:a:%E2%80%8B:1",
                    "x" * bound.longest, "x" * (bound.longest + 1)]
        case Whole():
            return [bound.least - 1, bound.least, bound.most, bound.most + 1]
        case Words():
            return [*bound.words, "wrong", ""]
        case Number():
            digits = "1" * bound.digits
            return [bound.least, bound.most, f"0.{digits}", f"0.{digits}1", "-0.1", "1e2", "",
                    "1000000000"]
        case Form():
            return [FORMS[bound.check][0], *FORMS[bound.check][1]]
        case Time():
            return []
        case Items():
            return [_of_size(whole, size) for size in (
                bound.least - 1, bound.least, bound.most, bound.most + 1) if size >= 0]
    raise AssertionError(bound)


def _of_size(whole: Any, size: int) -> Any:
    if isinstance(whole, list):
        return whole * size
    ((key, value),) = whole.items()
    if key == FORMS[check_day][0]:
        first = date.fromisoformat(key)
        return {str(first + timedelta(number)): value for number in range(size)}
    return {f"x{number}": value for number in range(size)}


def inside(told: Any, path: Path) -> Any:
    """The value at a path."""
    for step in path:
        told = told[step]
    return told


def holds(told: Any, path: Path) -> bool:
    """Whether there is anything at a path: some fields of a command exclude others."""
    for step in path:
        if told in (None, []):
            return False
        told = told[step]
    return bool(told != [])


def replaced(told: Any, path: Path, value: Any) -> Any:
    """The same with another value at a path."""
    if not path:
        return value
    copy = list(told) if isinstance(told, list) else dict(told)
    copy[path[0]] = replaced(told[path[0]], path[1:], value)  # type: ignore[index]
    return copy


def pointer(path: Path) -> str:
    """A path as a JSON pointer."""
    return "".join(f"/{step}" for step in path)


ALIASES = {name: alias for name, alias in vars(bounds).items() if hasattr(alias, "__metadata__")}
"""The names for kinds of fields."""
