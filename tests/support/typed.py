"""Rows held against what is declared of them: nothing more, nothing less, in the same order."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import msgspec
from msgspec import UNSET

from projections.asking.columns import Columns, columns_of
from projections.asking.questions import Answer
from projections.asking.typed import type_of
from tests.support import source


def must_be(found: Mapping[str, Any], declared: type[Columns]) -> None:
    """An object is what its class says: each member of its type, none too many, none missing but
    those that may be."""
    try:
        msgspec.convert(found, declared)
    except msgspec.ValidationError as error:
        raise AssertionError(f"{declared.__name__}: {error}: {found}") from None


def must_be_rows(rows: Iterable[Mapping[str, Any]], declared: type[Columns]) -> None:
    """Rows are what their class says, and their columns stand in its order."""
    order = [column.name for column in columns_of(declared)]
    for row in rows:
        must_be(row, declared)
        assert list(row) == [name for name in order if name in row], declared.__name__


def must_be_typed(answer: Answer, report: Any) -> None:
    """An answer is what its report declares."""
    must_be(answer.as_of, type_of(report).header)
    must_be_rows(answer.rows, type_of(report).row)


def declared() -> list[type[Columns]]:
    """All classes of what is answered, whichever modules a test has imported."""
    for path in source.python_files("projections"):
        import_module(".".join(path.relative_to(source.ROOT).with_suffix("").parts))
    found = [Columns]
    for one in found:
        found += one.__subclasses__()
    return found[1:]


def optional(row: type[Columns]) -> set[str]:
    """The members that may be missing."""
    return {field.encode_name for field in msgspec.structs.fields(row) if field.default is UNSET}
