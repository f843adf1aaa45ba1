"""What was wrong in the files of an import, as its events keep it: files, codes and rows."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Annotated

import msgspec

from ledger.common.bounds import Id, IdText, Items, Tally, Text
from ledger.imports.faults import RowFault

MOST_RUNS = 2_000
"""Runs of rows that are named in all; the count of faults is whole all the same."""


class FaultTally(msgspec.Struct, frozen=True, kw_only=True):
    """The faults, or warnings, of one code in one file, which has no name where none of the files
    is meant.

    Shapes: `count` is how many there are; `rows` are their rows, each a number or a run such
    as `3-7`, the header is row 1, and 0 is the file as a whole. Of very many runs the last ones are
    left out.
    """

    file: Annotated[str, Text(longest=2000, blank=True)]
    code: Id
    count: Tally
    rows: Annotated[list[Annotated[str, IdText(longest=40)]], Items(least=0)]


def tallies(faults: Iterable[RowFault]) -> list[FaultTally]:
    """Faults, which come by file and row, counted by file and code."""
    found: list[FaultTally] = []
    left = MOST_RUNS
    for file, of_file in groupby(faults, attrgetter("file")):
        runs: dict[str, list[tuple[int, int]]] = {}
        counts: dict[str, int] = {}
        for fault in of_file:
            counts[fault.code] = counts.get(fault.code, 0) + 1
            rows = runs.setdefault(fault.code, [])
            if rows and fault.row <= rows[-1][1] + 1:
                rows[-1] = rows[-1][0], fault.row
            elif left > 0:
                rows.append((fault.row, fault.row))
                left -= 1
        found += [FaultTally(file=file, code=code, count=counts[code],
                             rows=[_run(*run) for run in runs[code]]) for code in runs]
    return found


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
