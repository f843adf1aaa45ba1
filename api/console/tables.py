"""Tables that are parts of pages: some columns of some rows of the API."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from projections.asking.columns import Column, Columns, columns_of
from projections.asking.typed import type_of
from projections.reports import REPORTS


class Part(NamedTuple):
    """A table on a page: its columns, its rows, and the report that explains its figures."""

    columns: list[Column]
    rows: Sequence[Mapping[str, Any]]
    report: str | None = None


def part(row: type[Columns], names: str, rows: Sequence[Mapping[str, Any]]) -> Part:
    """A table of the columns that are named, with blanks between them."""
    known = {one.name: one for one in columns_of(row)}
    return Part([known[name] for name in names.split()], rows)


def of_report(
    report: str, names: str, rows: Sequence[Mapping[str, Any]], *, explained: bool = False
) -> Part:
    """The same of rows of a report."""
    found = part(type_of(REPORTS[report]).row, names, rows)
    return found._replace(report=report) if explained else found
