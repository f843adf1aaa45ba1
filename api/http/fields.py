"""Strict fields, and schemas that are made of the commands: nothing is guessed, nothing coerced.

marshmallow's own fields take "12" and 12.9 for a number, NUL for text and a naive time for a time.
"""

import types
import typing
from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, validate

from ledger.access import ROLES
from ledger.common.values import MAX_INTEGER
from ledger.orders.review import EXCEPTIONS
from ledger.people.commands import KINDS as ATTENDED
from ledger.people.commands import MAX_DAYS
from ledger.people.rosters import MAX_MEMBERS, MAX_SHIFTS
from ledger.returns.values import DISPOSITIONS, KINDS
from ledger.scores.values import SHEETS
from ledger.stock.pieces import LATE
from ledger.stock.places import CAUSES, PLACES
from ledger.stock.transfers import ARRIVALS
from projections.asking.clocks import TIME


class _Seen(validate.Regexp):
    """Something besides white space; a pattern of JSON Schema may stand anywhere in a text."""

    def __init__(self) -> None:
        super().__init__(r"\S")

    def __call__(self, value: Any) -> Any:
        if not value.strip():
            raise ValidationError("Is blank.")
        return value


class Text(fields.String):
    """A text as it is: no number, no NUL, no half of a surrogate pair, not blank unless allowed."""

    def __init__(self, *, longest: int = 2000, blank: bool = False, **more: Any) -> None:
        rules: list[validate.Validator] = [validate.Length(min=0 if blank else 1, max=longest)]
        if not blank:
            rules.append(_Seen())
        super().__init__(validate=rules, **more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if type(value) is not str:
            raise ValidationError("Not a text.")
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise ValidationError("Holds a NUL or half of a surrogate pair.")
        return value


class Word(fields.String):
    """One of some words."""

    def __init__(self, words: Collection[str], **more: Any) -> None:
        super().__init__(validate=validate.OneOf(list(words)), **more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if type(value) is not str:
            raise ValidationError("Not a text.")
        return value


class Whole(fields.Integer):
    """A whole number: never 12.0, "12" or true."""

    def __init__(self, *, least: int = -MAX_INTEGER, most: int = MAX_INTEGER, **more: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(least, most), **more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if type(value) is not int:
            raise ValidationError("Not a whole number.")
        return value


class Digits(fields.Integer):
    """A whole number in an address or a header, where everything is text."""

    def __init__(self, *, least: int = 0, most: int = MAX_INTEGER, **more: Any) -> None:
        super().__init__(validate=validate.Range(least, most), **more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not (value.isascii() and value.isdigit() and len(value) < 18):
            raise ValidationError("Not a whole number.")
        return int(value)


class Truth(fields.Boolean):
    """true or false, nothing that looks like it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if type(value) is not bool:
            raise ValidationError("Not true or false.")
        return value


class Time(fields.DateTime):
    """A time of RFC 3339 with its zone, in the years 1970 to 9998."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if type(value) is not str or not TIME.fullmatch(value):
            raise ValidationError("Not a time with its zone, such as 2026-10-31T23:59:59+08:00.")
        try:
            found = datetime.fromisoformat(value.upper())
        except ValueError:
            raise ValidationError("Not a time that there is.") from None
        if not 1970 <= found.year <= 9998:
            raise ValidationError("Lies outside the years 1970 to 9998.")
        return found


class Etag(fields.String):
    """A version in quotes."""

    def __init__(self, **more: Any) -> None:
        super().__init__(validate=validate.Regexp(r'^"?[1-9][0-9]{0,14}"?$'), **more)


class Free(Schema):
    """An object that is described in words."""

    class Meta:
        """Any fields."""

        unknown = INCLUDE


NAME = {"longest": 100}
PLACE_WORDS = sorted(PLACES)
TEXTS: dict[str, dict[str, Any]] = {
    **{name: {"longest": 100, "blank": True} for name in ("bin", "to_bin", "target")},
    **{name: {"longest": 500} for name in (
        "title", "reason", "cause", "note", "consent", "document", "order", "case", "deduction",
        "about", "gifts")},
    **{name: {"longest": 2000} for name in (
        "province", "recipient", "phone", "address", "buyer_remark", "remark", "source", "reading",
        "conflict", "detect", "consequence", "notes", "zh", "en", "commission", "terms")},
    **{name: {"longest": 200} for name in ("account", "task", "contact")},
}
"""The longest text of a field, by its name: one name is one thing in every command. Else `NAME`."""

WORDS: dict[tuple[str, str], Collection[str]] = {
    ("RequestCase", "kind"): KINDS, ("OpenException", "kind"): EXCEPTIONS,
    ("EndOrder", "ended_as"): ("completed", "closed", "cancelled"),
    ("CorrectOrder", "fact"): ("paid", "refunded"), ("GradeMember", "sheet"): SHEETS,
    ("Outcome", "disposition"): DISPOSITIONS,
    ("StockMove", "from"): PLACE_WORDS, ("StockMove", "to"): PLACE_WORDS,
    ("StockMove", "cause"): tuple(CAUSES), ("Arrival", "place"): ARRIVALS,
    ("SendTransfer", "from"): (), ("SendTransfer", "to"): (), ("IssueKey", "role"): ROLES,
    ("RecordAttendance", "kind"): ATTENDED,
}
"""What a field of a command may say, where that is a list of words; () is a name."""

NUMBERS: dict[str, dict[str, int]] = {
    "quantity": {"least": 1, "most": 10**9}, "each": {"least": 1, "most": 10**9},
    "pieces": {"least": 0}, "points": {"least": 0}, "refund_minor": {"least": 1},
    "evidence": {"least": 1}, "occurrence": {"least": 1, "most": 100}, "version": {"least": 1},
    "threshold": {"least": 0, "most": 10**9}, "expected_version": {"least": 1},
    "unit_price_scale": {"least": 0, "most": 8}, "reused": {"least": 1, "most": 1000},
    "number": {"least": 1}, "minutes": {"least": 0, "most": 24 * 60},
    "days": {"least": 1, "most": 7},
}
"""The bounds of a number, by its name; of others, what JSON keeps exactly."""

LONGEST_LIST = 5000
LISTS = {"shifts": MAX_SHIFTS, "members": MAX_MEMBERS, "days": MAX_DAYS}
"""The most items of a list, by its name; of others, `LONGEST_LIST`."""


@cache
def schema_of(struct: type[msgspec.Struct], *, without: frozenset[str] = frozenset()
              ) -> type[Schema]:
    """The schema of a command, or of a part of one; fields that the address tells are left out."""
    made: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        name = field.encode_name
        if name in without:
            continue
        required = field.required and name != "occurred_at"
        made[name] = _field(struct.__name__, name, field.type, required=required)
    name = struct.__name__ + ("" if not without else "Body")
    return type(name, (Schema,), {
        **made,
        "Meta": type("Meta", (), {"unknown": RAISE, "ordered": True}),
        "__doc__": " ".join((struct.__doc__ or "").split())})


def _field(owner: str, name: str, kind: Any, *, required: bool) -> fields.Field[Any]:
    more: dict[str, Any] = {"required": required}
    if isinstance(kind, types.UnionType):
        more["allow_none"] = True
        kind = next(one for one in typing.get_args(kind) if one is not type(None))
    if typing.get_origin(kind) is list:
        (inner,) = typing.get_args(kind)
        return fields.List(_field(owner, name, inner, required=True),
                           validate=validate.Length(max=LISTS.get(name, LONGEST_LIST)), **more)
    if typing.get_origin(kind) is dict:
        _, inner = typing.get_args(kind)
        return fields.Dict(keys=Text(longest=100), values=_field(owner, name, inner, required=True),
                           **more)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return fields.Nested(schema_of(kind), **more)
    return _plain(owner, name, kind, more)


def _plain(owner: str, name: str, kind: Any, more: dict[str, Any]) -> fields.Field[Any]:
    if kind is bool:
        return Truth(**more)
    if kind is datetime:
        return Time(**more)
    if kind is int:
        return Whole(**NUMBERS.get(name, {}), **more)
    assert kind is str, f"{owner}.{name} is {kind}"
    if name == "late":
        return Word(LATE, **more)
    if name == "currency":
        return Text(longest=3, **more)
    if words := WORDS.get((owner, name)):
        return Word(words, **more)
    return Text(**TEXTS.get(name, NAME), **more)
