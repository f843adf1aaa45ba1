"""Every word of the data that people see: of the columns of rows, of events, and names of reports.

A word is a pair: the column, or what else it is a word of, and the word itself.
"""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from ledger.access.keys import ROLES
from ledger.common.bounds import Words
from ledger.core.aggregate import Aggregate
from ledger.imports.choices import POLICIES
from projections.asking.columns import Columns, columns_of
from projections.catalogue import PROJECTIONS
from projections.reports import REPORTS
from tests.support import source

Word = tuple[str, str]


@cache
def rows() -> tuple[type[Columns], ...]:
    """Every class of rows of the project."""
    source.modules()
    return tuple(sorted(_under(Columns), key=lambda row: row.__qualname__))


def _under(cls: type) -> set[Any]:
    return {one for inner in cls.__subclasses__() for one in {inner, *_under(inner)}
            if one.__module__.partition(".")[0] in source.FOLDERS}


@cache
def every_word() -> frozenset[Word]:
    """All words, with what they are words of."""
    return frozenset((of, word) for of, word in (
        *_of_rows(), *_of_events(), *(("role", role) for role in ROLES),
        *(("policy", choice) for choice in POLICIES),
        *(("model", one.name) for one in PROJECTIONS),
        *(("report", name) for name in REPORTS)) if word)


def _of_rows() -> Iterator[Word]:
    for row in rows():
        for column in columns_of(row):
            yield from ((column.name, word) for word in column.words)


@cache
def kinds() -> frozenset[str]:
    """Every kind of stream."""
    source.modules()
    return frozenset(cls.KIND for cls in _under(Aggregate) if cls.KIND)


def _of_events() -> Iterator[Word]:
    for event in source.events().values():
        yield from _inside(event, "", ())


def _inside(kind: Any, where: str, above: tuple[Any, ...]) -> Iterator[Word]:
    """The words that a type has, and the types within it."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in above:
            for field in msgspec.structs.fields(kind):
                yield from _inside(field.type, field.encode_name, (*above, kind))
        return
    if get_origin(kind) is Literal:
        yield from ((where, str(word)) for word in get_args(kind))
        return
    for part in get_args(kind):
        if isinstance(part, Words) and get_origin(kind) is Annotated:
            yield from ((where, word) for word in part.words)
        else:
            yield from _inside(part, where, above)
