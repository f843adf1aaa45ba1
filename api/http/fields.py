"""Strict fields, and schemas that are made of the commands: nothing is guessed, nothing coerced.

marshmallow's own fields take "12" and 12.9 for a number, NUL for text and a naive time for a time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, get_args, get_origin

import msgspec
from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, validate

from ledger.common import bounds
from ledger.common.bounds import Bound, Each
from ledger.common.checking import split
from ledger.common.errors import MOST_FAULTS, Fault
from ledger.common.values import MAX_INTEGER, Checks, escaped
from projections.asking.clocks import TIME

FORMS = {fault.message: fault for fault in (
    Fault("", "missing", "is missing"),
    Fault("", "null", "is null, and may not be"),
    Fault("", "not_list", "is not a list"),
    Fault("", "not_object", "is not an object"),
    Fault("", "unknown_field", "is no field here"))}
"""What marshmallow itself finds, which knows sentences only: each is said in one of these."""

fields.Field.default_error_messages = {
    **fields.Field.default_error_messages, "required": "is missing",
    "null": "is null, and may not be"}
fields.List.default_error_messages = {"invalid": "is not a list"}
fields.Mapping.default_error_messages = {"invalid": "is not an object"}
fields.Nested.default_error_messages = {"type": "is not an object"}
Schema._default_error_messages = {"type": "is not an object", "unknown": "is no field here"}


def faults_in(found: Any, at: str = "") -> Iterator[Fault]:
    """What marshmallow found, or one of our fields, each with the pointer of its place."""
    if isinstance(found, dict):
        for name, inner in found.items():
            yield from faults_in(inner, at if name == "_schema" else f"{at}/{escaped(name)}")
        return
    for one in found:
        fault = one if isinstance(one, Fault) else FORMS.get(one)
        yield replace(fault or Fault("", "malformed", str(one)), where=at)


class Strict(Schema):
    """An object of known fields. One with a great many others is not looked into at all. `between`
    is what is asked between them, in the words of JSON Schema."""

    between: Mapping[str, Any] = {}

    class Meta:
        """No other fields."""

        unknown = RAISE

    def load(self, data: Any, **more: Any) -> Any:
        """The object as it was checked. Errors: ValidationError."""
        if isinstance(data, dict) and len(data) > len(self.fields) + MOST_FAULTS:
            raise _wrong(Fault(
                "", "too_many", f"has {len(data)} fields, {len(self.fields)} are known here"))
        return super().load(data, **more)


def _wrong(fault: Fault) -> ValidationError:
    return ValidationError([fault])


class Bounded(fields.Field[Any]):
    """A value inside bounds: the same markers that the field of the command has.

    They check it here too, so that the edge takes and refuses what the command does, in its words.
    """

    def __init__(self, *bounds: Bound, metadata: dict[str, Any] | None = None, **more: Any) -> None:
        described: dict[str, Any] = {}
        for bound in bounds:
            described |= bound.schema
        super().__init__(metadata={**described, **(metadata or {})}, **more)
        self.bounds = bounds

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        _must_keep(self.bounds, value)
        return value


def _must_keep(bounds: Iterable[Bound], value: Any) -> None:
    """Errors: ValidationError with the faults."""
    checks = Checks()
    for bound in bounds:
        bound.note(checks, "", value)
    if checks.faults:
        raise ValidationError(list(checks.faults))


class Text(Bounded):
    """A text of a query or a header: not blank, and no longer than this."""

    def __init__(self, *, longest: int = 2000, **more: Any) -> None:
        super().__init__(bounds.Text(longest), **more)


class KeyText(Bounded):
    """A key of the client's own, in a header: 200 characters of printable ASCII, since no other
    character comes through every proxy and library as it was sent."""

    def __init__(self, **more: Any) -> None:
        super().__init__(bounds.Text(200), bounds.Form(_note_unprintable, "^[ -~]*$"), **more)


def _note_unprintable(checks: Checks, where: str, value: Any) -> None:
    if type(value) is str and not (value.isascii() and value.isprintable()):
        checks.fault(where, "not_ascii", "holds something else than printable ASCII")


class Word(Bounded):
    """One of some words."""

    def __init__(self, words: Iterable[str], **more: Any) -> None:
        super().__init__(bounds.Words(*words), **more)


class Digits(fields.Integer):
    """A whole number in an address or a header, where everything is text."""

    def __init__(self, *, least: int = 0, most: int = MAX_INTEGER, **more: Any) -> None:
        self.least, self.most = least, most
        super().__init__(validate=validate.Range(least, most), **more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not (value.isascii() and value.isdigit() and len(value) < 18):
            raise _wrong(Fault("", "not_integer", "is not a whole number"))
        if not self.least <= int(value) <= self.most:
            raise _wrong(Fault("", "out_of_range", f"is not between {self.least} and {self.most}"))
        return int(value)


class Truth(fields.Boolean):
    """true or false, nothing that looks like it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if type(value) is not bool:
            raise _wrong(Fault("", "not_boolean", "is not true or false"))
        return value


class Items(fields.List[Any]):
    """A list whose size is looked at first: one that is too long costs no look at its items, and
    one with many faults none at the rest of them."""

    def __init__(self, inner: fields.Field[Any], sizes: Iterable[Bound], **more: Any) -> None:
        super().__init__(inner, **more)
        self.sizes = tuple(sizes)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        _must_keep(self.sizes, value)
        found, faults, count = [], {}, 0
        for index, one in enumerate(value):
            try:
                found.append(self.inner.deserialize(one, **more))
            except ValidationError as error:
                faults[index] = error.messages
                count += sum(1 for _ in faults_in(error.messages))
            if count > MOST_FAULTS:
                break
        if faults:
            raise ValidationError(faults)
        return found


class Map(fields.Dict):
    """An object of any names; what is wrong with a name or its value stands at that name. Its size
    is looked at first."""

    def __init__(self, sizes: Iterable[Bound], **more: Any) -> None:
        super().__init__(**more)
        self.sizes = tuple(sizes)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if isinstance(value, dict):
            _must_keep(self.sizes, value)
        try:
            return super()._deserialize(value, attr, data, **more)  # type: ignore[no-untyped-call]
        except ValidationError as error:
            found: Any = error.messages
            if isinstance(found, dict):
                found = {name: said.get("key") or said["value"] for name, said in found.items()}
            raise ValidationError(found) from None


class Time(fields.DateTime):
    """A time of RFC 3339 with its zone, in the years 1970 to 9998."""

    def __init__(self, **more: Any) -> None:
        super().__init__(metadata={"pattern": bounds.YEARS}, **more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        return time_of(value)


def time_of(value: Any) -> datetime:
    """The time that a body says. Errors: ValidationError."""
    if type(value) is not str or not TIME.fullmatch(value):
        raise _wrong(Fault(
            "", "not_time", "is not a time with its zone, such as 2026-10-31T23:59:59+08:00"))
    try:
        found = datetime.fromisoformat(value.upper())
    except ValueError:
        raise _wrong(Fault("", "not_time", "is not a time that there is")) from None
    if not 1970 <= found.year <= 9998:
        raise _wrong(Fault("", "out_of_range", "lies outside the years 1970 to 9998"))
    return found


class Etag(fields.String):
    """A version in quotes."""

    def __init__(self, **more: Any) -> None:
        super().__init__(metadata={"pattern": f"^{_ETAG.pattern}$"}, **more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not _ETAG.fullmatch(value):
            raise _wrong(Fault("", "not_version", 'is not a version as an ETag gives it, such as '
                                                  '"3"; `*` and weak ones are not taken'))
        return value


_ETAG = re.compile(r'"?[1-9][0-9]{0,14}"?')
is_etag = _ETAG.fullmatch


class Free(Schema):
    """An object that is described in words."""

    class Meta:
        """Any fields."""

        unknown = INCLUDE


@cache
def schema_of(
    struct: type[msgspec.Struct], *, without: frozenset[str] = frozenset(), each: Each | None = None
) -> type[Schema]:
    """The schema of a command, or of a part of one; fields that are in the address are left out.
    `each`: what bounds all its fields more tightly."""
    made: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        name = field.encode_name
        if name in without:
            continue
        required = field.required and name != "occurred_at"
        made[name] = _field(field.type, None if each is None else each.bound, required=required)
    name = each.name if each is not None else struct.__name__ + ("Body" if without else "")
    return type(name, (Strict,), {
        **made, "between": getattr(struct, "BETWEEN", {}),
        "__doc__": " ".join((struct.__doc__ or "").split())})


def _field(annotated: Any, each: Bound | None = None, *, required: bool) -> fields.Field[Any]:
    kind, found, optional = split(annotated)
    more: dict[str, Any] = {"required": required, **({"allow_none": True} if optional else {})}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        tighter = next((one for one in found if isinstance(one, Each)), None)
        return fields.Nested(schema_of(kind, each=tighter), **more)
    if get_origin(kind) in (list, dict):
        return _items(kind, found, more)
    if kind is bool:
        return Truth(**more)
    if kind is datetime:
        return Time(**more)
    assert found, f"{annotated} has no bounds"
    return Bounded(*(found if each is None else [each]), **more)


def _items(kind: Any, sizes: list[Bound], more: dict[str, Any]) -> fields.Field[Any]:
    """A list or a map; their sizes are described by different words of JSON Schema."""
    metadata: dict[str, Any] = {}
    for size in sizes:
        metadata |= size.schema
    if get_origin(kind) is list:
        (inner,) = get_args(kind)
        return Items(_field(inner, required=True), sizes, metadata=metadata, **more)
    key, value = get_args(kind)
    return Map(
        sizes, keys=_field(key, required=True), values=_field(value, required=True),
        metadata={name.replace("Items", "Properties"): most for name, most in metadata.items()},
        **more)


def with_between(schema: Any, between: Mapping[str, Any]) -> Any:
    """The description of an object with what is said between its fields, or of one of them there.
    """
    if not isinstance(schema, dict):
        return between
    found = dict(schema)
    for name, said in between.items():
        if name == "required":
            found[name] = sorted({*schema.get(name, ()), *said})
        elif isinstance(said, Mapping):
            found[name] = with_between(schema.get(name), said)
        else:
            found[name] = said
    return found


def names_of(converter: Any, field: fields.Field[Any], **more: Any) -> dict[str, Any]:
    """What apispec lacks of the description of a map: which names it may have."""
    return {"propertyNames": dict(field.key_field.metadata)} \
        if isinstance(field, Map) and field.key_field is not None else {}
