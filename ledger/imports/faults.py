"""What can be wrong in an imported file: codes, their rules, and the words people read."""

from typing import Any, NamedTuple, Self

HIDDEN = "‹hidden›"
"""Stands for the value of a personal column in every list of faults."""

SHOWN = 80
"""Characters of a value that a fault shows at the most."""


class RowFault(NamedTuple):
    """One thing that is wrong: where it is, which value is wrong, and why.

    `row` counts as a spreadsheet does: the header is row 1. 0 means the file as a whole.
    """

    file: str
    row: int
    column: str
    value: str
    code: str
    rule: str
    reason: str

    @classmethod
    def of(
        cls, file: str, row: int, code: str, *, column: str = "", value: str = "", **details: Any
    ) -> Self:
        """A fault with the rule and words of its code; details fill in the words."""
        rule, words = reason(code, details)
        return cls(file, row, column, value, code, rule, words)


REASONS: dict[str, tuple[str, str]] = {
    "not_a_file": ("R-IMP-02", "is not a file that can be read twice: {why}"),
    "empty_file": ("R-IMP-02", "holds no header row"),
    "wrong_encoding": (
        "R-IMP-03",
        "byte {offset} does not belong to {encoding}{hint}; tried were {tried}"),
    "missing_column": ("R-IMP-04", "this column is missing ({kind}, read as {encoding})"),
    "unknown_column": (
        "R-IMP-04", "the profile does not know this column ({kind}, read as {encoding}): "
        "name it there, as a field or as ignored"),
    "doubled_column": ("R-IMP-04", "this column stands twice in the header"),
    "missing_file": ("R-IMP-04", "no file with the columns of {kind} was given"),
    "too_few_cells": ("R-IMP-05", "the row has {found} cells, the header {wanted}"),
    "too_many_cells": ("R-IMP-05", "the row has {found} cells, the header {wanted}"),
    "bad_quotes": ("R-IMP-05", "the quotation marks of this row do not pair ({why})"),
    "row_too_long": (
        "R-IMP-05", "the row, or a cell of it, is far too long: a quotation mark may be missing"),
    "nul": ("R-IMP-06", "holds a NUL character"),
    "surrogate": ("R-IMP-06", "holds half a surrogate pair, which is no character"),
    "mangled": (
        "R-IMP-07", "a spreadsheet has changed this number and its digits are lost: "
        "export the file again, and do not save it from a spreadsheet"),
    "not_money": ("R-IMP-08", "is not an amount of money"),
    "too_many_decimals": ("R-IMP-08", "has more than the {exponent} decimals of {currency} here"),
    "negative": ("R-IMP-08", "is below 0, and the profile does not say what that means"),
    "not_integer": ("R-IMP-09", "is not a whole number"),
    "not_time": ("R-IMP-10", "is not a time written as {formats}"),
    "in_future": ("R-IMP-10", "lies in the future"),
    "unknown_value": ("R-IMP-11", "is none of the values that the profile knows"),
    "empty": ("R-IMP-12", "is empty"),
    "amount_without_time": ("R-IMP-13", "is not 0, but there is no time of {what}"),
    "line_twice": ("R-IMP-14", "stands twice in the order, with different cells (row {other})"),
    "too_many_statements": (
        "R-IMP-14", "the order stands here in more than {most} different rows"),
    "row_missing": ("R-IMP-15", "no row of {kind} belongs to this"),
    "row_unmatched": ("R-IMP-15", "belongs to no row of {kind}"),
}


class BadCell(Exception):
    """One cell cannot be taken; the code is one of `REASONS`."""

    def __init__(self, code: str, **details: Any) -> None:
        self.code = code
        self.details = details
        super().__init__(code)


def reason(code: str, details: dict[str, Any]) -> tuple[str, str]:
    """The rule of a fault and its words."""
    rule, words = REASONS[code]
    return rule, words.format(**details)


def shown(value: str, *, personal: bool) -> str:
    """A value as a list of faults may show it."""
    if personal and value.strip():
        return HIDDEN
    return value if len(value) <= SHOWN else value[:SHOWN] + "…"
