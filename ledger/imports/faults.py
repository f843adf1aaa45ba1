"""What can be wrong in an imported file: codes, their rules, and the words people read."""

from typing import Any, NamedTuple, Self

HIDDEN = "‹hidden›"
"""Shown instead of the value of a personal column in every list of faults."""

SHOWN = 80
"""The most characters of a value that a fault shows."""


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
    "not_a_file": ("R-IMP-02", "cannot be read as a file: {why}"),
    "empty_file": ("R-IMP-02", "has no header row"),
    "old_workbook": (
        "R-IMP-29", "is a workbook of the old kind (.xls): save it as .xlsx or CSV"),
    "locked_workbook": ("R-IMP-29", "is a workbook with a password: save it without one"),
    "other_workbook": (
        "R-IMP-29", "is a workbook of another kind (.xlsb, .ods): save it as .xlsx or CSV"),
    "not_table": (
        "R-IMP-29", "is {what}, not a table, whatever its name says: open it in a spreadsheet "
        "and save it as .xlsx or CSV"),
    "bad_workbook": ("R-IMP-29", "the workbook is damaged: {why}"),
    "no_sheet": ("R-IMP-29", "has no sheet {sheet}; its sheets are {sheets}"),
    "bad_archive": ("R-IMP-29", "cannot be unpacked: {why}"),
    "locked_archive": ("R-IMP-29", "has a password: unpack it first"),
    "many_in_archive": (
        "R-IMP-29", "holds {found} files, not one: unpack it, and name the files themselves"),
    "nested_archive": (
        "R-IMP-29", "holds another archive, or a workbook of an old kind: unpack it first"),
    "grows_too_far": (
        "R-IMP-29", "becomes more than {times} times its size when it is unpacked: unpack it "
        "first, if that is right"),
    "other_layout": (
        "R-IMP-04", "its header is not found where the profile says, but with {keys} at {kind} "
        "in `files` it is"),
    "rows_left_out": (
        "R-IMP-30", "is left out, as `ignored_rows` of the profile says; such rows: {count}"),
    "total_row": (
        "R-IMP-30", "looks like a row of totals: the profile can leave it out, by "
        "`ignored_rows: [{field}: equals {text}]`"),
    "other_spelling": (
        "R-IMP-31", "differs from {other} in upper and lower case only: they are two"),
    "wrong_encoding": (
        "R-IMP-03",
        "byte {offset} is not valid {encoding}{hint}; encodings tried: {tried}"),
    "missing_column": ("R-IMP-04", "this column is missing ({kind}, read as {encoding})"),
    "unknown_column": (
        "R-IMP-04", "the profile does not know column {number} ({kind}, read as {encoding}): "
        "add it there, as a field or as ignored"),
    "doubled_column": (
        "R-IMP-04", "column {number} has the name of one before it: the profile can call it by "
        "that name and its place, `NAME#2`"),
    "missing_file": (
        "R-IMP-04",
        "no file with the columns of {kind} was given; name the files of all kinds at once"),
    "too_few_cells": (
        "R-IMP-05", "the row has {found} cells, but the header has {wanted}; if it is a note, "
        "`ignored_rows` in the profile can leave it out"),
    "too_many_cells": ("R-IMP-05", "the row has {found} cells, but the header has {wanted}"),
    "bad_quotes": ("R-IMP-05", "the quotation marks in this row are unbalanced ({why})"),
    "row_too_long": (
        "R-IMP-05",
        "the row, or one of its cells, is far too long: a quotation mark may be missing"),
    "nul": ("R-IMP-06", "contains a NUL character"),
    "surrogate": ("R-IMP-06", "contains half of a surrogate pair, which is not a character"),
    "mangled": (
        "R-IMP-07", "a spreadsheet has changed this number and its digits are lost: "
        "export the file again, and do not save it from a spreadsheet"),
    "rounded": (
        "R-IMP-23",
        "is a number of {digits} digits that ends in zeros, as a spreadsheet leaves one "
        "that it has rounded: export the file again, and do not save it from a spreadsheet. If the "
        "platform's own numbers are so, say that you trust them (`--trust-numbers`; over HTTP "
        "`trust_numbers`)"),
    "formula_error": (
        "R-IMP-07", "is what a spreadsheet shows where a formula fails: mend it there, or, if it "
        "means nothing, name it in `blank` of its field"),
    "not_money": ("R-IMP-08", "is not an amount of money"),
    "other_decimal": (
        "R-IMP-08", "is an amount of money only with a decimal {word}, {mark}: say "
        "`decimal: {word}` in `money` if all are written so"),
    "other_sign": (
        "R-IMP-08", "is an amount of money only without {sign}: if it stands for {currency}, add "
        "it to `signs` of `money`"),
    "other_currency": (
        "R-IMP-08", "is not {currency}, the currency of the profile, nor one of its `signs`"),
    "too_many_decimals": (
        "R-IMP-08", "has more decimals than the {exponent} allowed for {currency} here"),
    "negative": (
        "R-IMP-08", "is negative, and the profile does not say that it may be (`negative: true`)"),
    "not_integer": ("R-IMP-09", "is not a whole number"),
    "not_time": ("R-IMP-10", "is not a time in one of the formats {formats}"),
    "other_format": (
        "R-IMP-10", "is not a time in one of the formats {formats}, but looks like {found}: add "
        "that to `formats` of `times`, or of its field"),
    "in_future": ("R-IMP-10", "is in the future"),
    "unknown_value": (
        "R-IMP-11", "is not one of the values that the profile knows: if it is right, add it to "
        "`values` of its field"),
    "empty": ("R-IMP-12", "is empty"),
    "amount_without_time": ("R-IMP-13", "is not zero, but the time when it was {what} is missing"),
    "not_products": (
        "R-IMP-09", "has a part that the `pattern` of its field does not match: {pattern}; between "
        "the parts stands {between}"),
    "no_side": (
        "R-IMP-12", "nothing says the `{side}` of a transfer, which goes between two warehouses: "
        "name the field that does, or a constant, under `movement`"),
    "nothing_moves": ("R-IMP-27", "is 0 in all rows of the movement: nothing moves"),
    "no_time_of_count": (
        "R-IMP-12", "nothing says when it was counted: name a column as `at` of `count`, or say "
        "when the file was made, by its name (`stated`) or as it is imported (`--as-of`; over HTTP "
        "`as_of`)"),
    "line_twice": (
        "R-IMP-14", "appears twice in the order, with different cells (see row {other})"),
    "rows_disagree": (
        "R-IMP-26",
        "says something else than row {other} of the same number, and the profile does not say "
        "which counts: `across_rows: first` at the column, `last`, `sum`, `least` or `most`"),
    "no_pieces": (
        "R-IMP-27", "is 0: nothing is made of the row, and its order is recorded without it"),
    "no_key": (
        "R-IMP-28", "is empty, so that nobody can say what the row belongs to. If it goes on what "
        "stands above it, say `continues: true` under `order`"),
    "no_join": (
        "R-IMP-28", "is empty, so that nobody can say which row of {kind} it belongs to"),
    "files_disagree": (
        "R-IMP-24",
        "the order is another one in row {other} of {its}, and nothing says which file is the "
        "newer: import each by itself and say when it was made (`--as-of`; over HTTP `as_of`)"),
    "too_many_statements": (
        "R-IMP-14", "the order appears here in more than {most} different rows"),
    "full_width": (
        "R-IMP-20", "has full-width letters, digits or blanks, and is read as {read}"),
    "masked": (
        "R-IMP-34", "is a mask, not what stood there: ask for the rows with what is personal"),
    "rows_beyond": (
        "R-IMP-33", "of all rows with faults the first {most} are kept here"),
    "warnings_beyond": (
        "R-IMP-33", "of all warnings the first {most} are kept here"),
    "rows_not_kept": (
        "R-IMP-33", "the rows with faults could not be kept beside the ledger: {why}"),
    "refusal_lost": (
        "R-IMP-32", "the list of imports does not show this one, which could not be recorded: "
        "{why}"),
    "row_missing": ("R-IMP-15", "has no matching row in {kind}"),
    "row_unmatched": ("R-IMP-15", "matches no row in {kind}"),
}


class BadCell(Exception):
    """A cell cannot be converted; the code is one of `REASONS`."""

    def __init__(self, code: str, **details: Any) -> None:
        self.code = code
        self.details = details
        super().__init__(code)


def reason(code: str, details: dict[str, Any]) -> tuple[str, str]:
    """The rule of a fault and its words."""
    rule, words = REASONS[code]
    return rule, words.format(**details)


def shown(value: str, *, personal: bool) -> str:
    """A value as it may appear in a list of faults."""
    if personal and value.strip():
        return HIDDEN
    return value if len(value) <= SHOWN else value[:SHOWN] + "…"
