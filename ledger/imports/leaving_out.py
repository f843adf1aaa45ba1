"""Rows that belong to no table, totals and notes: a profile leaves them out, and nothing else."""

import re
from collections.abc import Callable, Sequence

from ledger.imports.conditions import passes
from ledger.imports.profile import File

Leaves = Callable[[Sequence[str]], bool]

_total = re.compile(
    r"(?:合\s*计|总\s*计|小\s*计|汇\s*总|合\s*計|總\s*計|小\s*計|(?:grand\s*)?totals?|sub-?\s*totals?)"
    r"(?:\s*[:：])?", re.IGNORECASE).fullmatch


def is_total(cell: str) -> bool:
    """Whether a cell that should hold a number or a SKU says that its row is a total. The blanks
    around are no part of the pattern, which would try each way to divide them."""
    return _total(cell.strip()) is not None


class LeftOut:
    """Counts the rows that are left out. Units: `first` is the number of the first one, or 0."""

    def __init__(self, leaves: Leaves | None = None) -> None:
        self._leaves = leaves
        self.count = self.first = 0

    def takes(self, number: int, cells: Sequence[str]) -> bool:
        """Whether a row is left out; if so, it is counted."""
        if self._leaves is None or not self._leaves(cells):
            return False
        self.count += 1
        self.first = self.first or number
        return True


def leaving_out(file: File, places: dict[str, int]) -> Leaves | None:
    """A function that says whether a row is to be left out; None where none ever is. `places` are
    those of the columns."""
    rules = []
    for tests in file.ignored_rows:
        rules.append([(places[file.column_named(name)], passes(test))
                      for name, test in tests.items() if file.column_named(name) in places])
    rules = [rule for rule, tests in zip(rules, file.ignored_rows, strict=True)
             if len(rule) == len(tests)]
    if not rules:
        return None

    def leaves(cells: Sequence[str]) -> bool:
        return any(all(is_so(_cell(cells, place)) for place, is_so in rule) for rule in rules)

    return leaves


def _cell(cells: Sequence[str], place: int) -> str | None:
    """The text of a cell; None where it is blank or not there."""
    return (cells[place].strip() or None) if place < len(cells) else None
