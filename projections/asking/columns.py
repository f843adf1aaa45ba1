"""The columns of what is answered: one class a row says what a report's rows hold, of which kind.

It is the one source of the JSON schema, of the columns of tables, CSV and workbooks, of their
labels and of the page docs/reports.md. The rows themselves stay plain dictionaries: nothing is
converted on the way, and tests hold every row against its class.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, UnsetType

from projections.asking.words import WORDS


class Kind(StrEnum):
    """What a column holds. Units: of `MONEY` minor units of the currency that stands beside it."""

    SUBJECT = "subject"
    TEXT = "text"
    WRITTEN = "written"
    CODE = "code"
    TRUTH = "true or false"
    WHOLE = "whole number"
    DECIMAL = "decimal"
    MONEY = "money"
    CURRENCY = "currency"
    TIME = "time"
    DAY = "day"
    MONTH = "month"
    CLOCK = "time of day"
    HASH = "hash"
    OBJECT = "object"
    MAP = "map"
    ANY = "anything"


class Columns(msgspec.Struct, forbid_unknown_fields=True):
    """What a row holds: its members are its columns, in their order. One that may be missing has
    the default UNSET, and its meaning says when it does; one that may be null says so."""


def _of(kind: Kind, **more: Any) -> Meta:
    return Meta(extra={"kind": kind}, extra_json_schema={"x-kind": kind.value, **more.pop(
        "schema", {})}, **more)


def code(*words: str) -> Meta:
    """That a text is one of some words; "" among them stands for none."""
    assert len(set(words)) == len(words) > 0, words
    return Meta(extra={"kind": Kind.CODE, "words": words},
                pattern=f"^({'|'.join(words)})$",
                extra_json_schema={"x-kind": Kind.CODE.value, "enum": list(words)})


def says(meaning: str, called: str | None = None) -> Meta:
    """What a column holds here, where its name alone does not say it; and what people call it,
    where they call it otherwise than the columns of that name elsewhere."""
    return Meta(description=meaning, extra=None if called is None else {"called": called})


Subject = Annotated[str, _of(Kind.SUBJECT)]
"""What something is about: a stream such as order:… or member:…."""

Written = Annotated[str, _of(Kind.WRITTEN)]
"""What a person wrote, sealed in the log: masked, unless it was opened for whoever reads it."""

Decimal = Annotated[str, _of(Kind.DECIMAL, pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
"""A number that the ledger computed, exact, as a text."""

Money = Annotated[int, _of(Kind.MONEY)]
Sum = Annotated[int | Annotated[str, Meta(pattern="^-?[0-9]{16,}$")], _of(Kind.MONEY)]
"""What many amounts add up to: in JSON a text of its digits, where a number would not be exact."""

FOR_MONEY = "It is there for those who work with money."
"""Why a sum may be missing."""

Currency = Annotated[str, _of(Kind.CURRENCY, pattern="^[A-Z]{3}$")]
Time = Annotated[str, _of(
    Kind.TIME, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z$",
    schema={"format": "date-time"})]
Late = Annotated[bool, says(
    "Whether it was recorded on a later day of the shop than it happened.", "known_late")]
Day = Annotated[str, _of(Kind.DAY, pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
                         schema={"format": "date"})]
Month = Annotated[str, _of(Kind.MONTH, pattern="^[0-9]{4}-[0-9]{2}$")]
Clock = Annotated[str, _of(Kind.CLOCK, pattern="^[0-9]{2}:[0-9]{2}$")]
Hash = Annotated[str, _of(Kind.HASH, pattern="^[0-9a-f]{64}$")]


class Column(NamedTuple):
    """A column: its name, what it holds, and what that means.

    `many`: it is a list of such. `nullable`: it may be null. `optional`: it may be missing, and the
    meaning says when. `words` are those that a code may be, `of` is the class of an object.
    """

    name: str
    kind: Kind
    meaning: str
    many: bool = False
    nullable: bool = False
    optional: bool = False
    words: tuple[str, ...] = ()
    of: type[Columns] | None = None
    called: str | None = None

    @property
    def key(self) -> str:
        """Under which key the catalogues of messages have its label."""
        return f"column:{self.called or self.name}"


@cache
def columns_of(row: type[Columns]) -> tuple[Column, ...]:
    """The columns of a row, in their order."""
    return tuple(_columns(row))


def _columns(row: type[Columns]) -> Iterator[Column]:
    for field in msgspec.structs.fields(row):
        found = _found(field.type)
        meaning = found.meaning or WORDS.get(field.encode_name)
        assert meaning, f"nobody says what {row.__name__}.{field.encode_name} is"
        yield Column(field.encode_name, found.kind, meaning, found.many, found.nullable,
                     field.default is UNSET, found.words, found.of, found.called)


class _Found(NamedTuple):
    """What an annotation says."""

    kind: Kind
    meaning: str | None = None
    many: bool = False
    nullable: bool = False
    words: tuple[str, ...] = ()
    of: type[Columns] | None = None
    called: str | None = None


def _found(annotated: Any) -> _Found:
    """What an annotation says, whatever stands around it."""
    if get_origin(annotated) is Annotated:
        inner, *metas = get_args(annotated)
        found = _found(inner)
        for meta in metas:
            extra = meta.extra or {}
            found = found._replace(kind=extra.get("kind", found.kind),
                                   words=extra.get("words", found.words),
                                   called=extra.get("called", found.called),
                                   meaning=meta.description or found.meaning)
        return found
    if get_origin(annotated) in (Union, UnionType):
        parts = [one for one in get_args(annotated) if one is not UnsetType]
        kinds = [one for one in parts if one is not type(None)]
        return _found(kinds[0])._replace(nullable=len(kinds) < len(parts))
    return _plain(annotated)


def _plain(kind: Any) -> _Found:
    if get_origin(kind) is list:
        return _found(*get_args(kind))._replace(many=True, meaning=None)
    if get_origin(kind) is dict:
        return _Found(Kind.MAP, of=_found(get_args(kind)[1]).of)
    if isinstance(kind, type) and issubclass(kind, Columns):
        return _Found(Kind.OBJECT, of=kind)
    return _Found({bool: Kind.TRUTH, int: Kind.WHOLE, str: Kind.TEXT}.get(kind, Kind.ANY))
