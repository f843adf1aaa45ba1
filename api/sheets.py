"""Rows as CSV and as Excel workbooks. No cell is ever a formula, whatever was recorded; a number is
a number, and a text stays the text that it is, digit by digit.

Which texts are numbers, days and times says the kind of their column, not their looks: a SKU may be
called 10.5.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

import orjson

from api.labels import label
from api.messages import language, tr
from ledger.common.currencies import EXPONENTS
from ledger.common.days import Days
from ledger.common.decimals import plain
from ledger.common.values import MAX_INTEGER, exact
from ledger.log.zones import days_of
from projections import reports
from projections.asking.answering import alongside
from projections.asking.columns import Column, Kind, columns_of
from projections.asking.questions import Question
from projections.asking.typed import type_of
from projections.store.models import ReadModels

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet program takes as the start of a formula: in East Asia full-width signs, too.
"""

MARK = "'"
"""What stands before a text in CSV that a spreadsheet would take for something else."""

LEFT = frozenset((Kind.DAY, Kind.MONTH, Kind.CLOCK, Kind.TIME))
"""The kinds of columns that hold days, months and times: they may become such in a spreadsheet."""

_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,30})?", re.ASCII).fullmatch
"""A decimal as the ledger computes it."""

_MONTH = (r"(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sep(t|tember)?"
          r"|oct(ober)?|nov(ember)?|dec(ember)?)")

_LOOKS = re.compile(
    r"[\d\s.,:/+\-()%$¥￥€£eE]*\d[\d\s.,:/+\-()%$¥￥€£eE]*"
    r"|\d{1,2}(:\d{1,2}){0,2}\s*[ap]m?"
    rf"|{_MONTH}[\s/-]?\d{{1,4}}|\d{{1,4}}[\s/-]?{_MONTH}([\s/-]?\d{{1,4}})?"
    r"|(\d{1,4}\s*年)?\s*\d{1,2}\s*月(\s*\d{1,2}\s*日)?", re.IGNORECASE).fullmatch
"""Texts that a spreadsheet may read as a number, a day or a time, and print otherwise."""

_SAME = re.compile(r"0|[1-9]\d{0,10}", re.ASCII).fullmatch
"""Those among them that it prints as they are: it writes twelve digits as 1.23E+11."""

MADE = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""The creation time in every workbook, so that the same rows make the same bytes."""

WIDEST = 60

LONGEST = 32_767
"""The most characters in a cell of a workbook."""

TYPES = {"csv": "text/csv; charset=utf-8",
         "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
"""The content types of both forms."""

Row = Mapping[str, Any]


def as_csv(rows: Iterable[Row], columns: Sequence[Column]) -> bytes:
    """Rows as CSV in UTF-8 with a byte order mark, for Excel; the first line has the names of the
    columns, whatever language the user speaks, and is there without any row, too.

    A text gets a ' before it that looks like a formula, that a spreadsheet would read as another
    number, a day or a time (18 digits, 007, 3E5, 10.50, 1-2), or that begins with one already. So
    whoever reads the file takes one ' from the beginning of each cell that has it, and has the text
    itself. A whole number that a cell would round is such a text.
    """
    return b"".join(csv_lines(rows, columns))


def csv_lines(rows: Iterable[Row], columns: Sequence[Column]) -> Iterator[bytes]:
    """The same line by line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write("\ufeff")
    names = [column.name for column in columns]
    cells: Iterable[Sequence[Any]] = (
        [_safe(column, _plain(row.get(column.name))) for column in columns] for row in rows)
    for line in chain([names], cells):
        writer.writerow(line)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


Tables = Mapping[str, tuple[Sequence[Column], Iterable[Row]]]
"""Sheets by their titles: the columns, and the rows."""


def heading(column: Column) -> str:
    """What a column is called above a table of the data: in Chinese its label, in English its name.
    """
    return tr(column.key) if language() == "zh" else column.name


def heads(columns: Iterable[Column]) -> dict[str, str]:
    """What columns are called above a table, by their names."""
    return {column.name: heading(column) for column in columns}


def as_xlsx(
    tables: Tables, about: Mapping[str, Any] | None = None, *, days: Days | None = None
) -> bytes:
    """Tables as a workbook, with a last sheet that says what they are about, and one that says
    which names of the data its heads stand for.

    Amounts whose currency stands in their row are numbers of whole units, with a last line that
    adds them up; days are dates, and with the days of a shop times are dates by its clock. Decimals
    that the ledger computed are numbers; every other text stays a text. A number that a cell would
    round is a text of its digits.
    """
    import xlsxwriter  # slow to import, and needed only here

    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False,
                                    "strings_to_urls": False}) as book:
        book.set_properties({"created": MADE})
        forms = {form: book.add_format({"num_format": form}) for form in (*AMOUNTS, DATE, MOMENT)}
        sums = {form: book.add_format({"num_format": form, "bold": True}) for form in AMOUNTS}
        bold = book.add_format({"bold": True})
        for title, (columns, rows) in tables.items():
            _Sheet(book.add_worksheet(title), columns, forms, days).fill(
                rows, bold, sums if title not in NOT_ADDED else {})
        if about is not None:
            _about(book.add_worksheet("as of"), list(about.items()), bold)
        named = dict.fromkeys((_head(column, columns), column.name)
                              for columns, _ in tables.values() for column in columns)
        _about(book.add_worksheet("columns"), list(named), bold)
    return file.getvalue()


AMOUNTS = ("#,##0", "#,##0.0", "#,##0.00", "#,##0.000")
"""How amounts of currencies look, by the decimals of the currency."""

DATE, MOMENT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"

NOT_ADDED = frozenset({"prices"})
"""Tables whose amounts are of one piece each, so that no sum of them means anything."""


def _head(column: Column, columns: Sequence[Column]) -> str:
    """What a column of a workbook is called; amounts without a currency beside them are in minor
    units, and say so."""
    if column.kind is Kind.MONEY and not _has_currency(columns):
        return heading(column)
    return label(column)


def _has_currency(columns: Iterable[Column]) -> bool:
    return any(column.name == "currency" for column in columns)


class _Sheet:
    """A sheet as it is filled."""

    def __init__(
        self, sheet: Any, columns: Sequence[Column], forms: Mapping[str, Any], days: Days | None
    ) -> None:
        self._sheet, self._columns, self._forms, self._days = sheet, columns, forms, days
        self._widths = [len(_head(column, columns)) for column in columns]
        self._sums: dict[int, int] = {}
        self._currencies: set[str] = set()

    def fill(self, rows: Iterable[Row], bold: Any, sums: Mapping[str, Any]) -> None:
        """Write the heads, the rows, and the sums of their amounts in the forms that there are."""
        self._sheet.write_row(0, 0, [_head(one, self._columns) for one in self._columns], bold)
        self._sheet.freeze_panes(1, 0)
        number = 0
        for number, row in enumerate(rows, 1):
            for at, column in enumerate(self._columns):
                self._put((number, at), column, row)
        if self._columns:
            self._sheet.autofilter(0, 0, number, len(self._columns) - 1)
        if sums and self._sums and len(self._currencies) == 1:
            self._add_up(number + 1, bold, sums)
        for at, width in enumerate(self._widths):
            self._sheet.set_column(at, at, min(WIDEST, width + 2))

    def _put(self, at: tuple[int, int], column: Column, row: Row) -> None:
        value = row.get(column.name)
        if column.kind is Kind.MONEY and not column.many and row.get("currency") in EXPONENTS \
                and value is not None:
            self._put_amount(at, int(value), row["currency"])
            return
        moment = None if column.many else self._moment(column, value)
        if moment is not None:
            form = DATE if column.kind is Kind.DAY else MOMENT
            self._sheet.write_datetime(*at, moment, self._forms[form])
            self._widen(at, form)
            return
        _write(self._sheet, at, _plain(value), decimal=column.kind is Kind.DECIMAL)
        self._widen(at, str(_plain(value)))

    def _put_amount(self, at: tuple[int, int], minor: int, currency: str) -> None:
        digits = EXPONENTS[currency]
        amount = Decimal(minor).scaleb(-digits)
        if abs(minor) <= EXACT:
            self._sheet.write_number(*at, amount, self._forms[AMOUNTS[digits]])
        else:
            self._sheet.write_string(*at, str(amount))
        self._widen(at, f"{amount:,}")
        self._sums[at[1]] = self._sums.get(at[1], 0) + minor
        self._currencies.add(currency)

    def _add_up(self, number: int, bold: Any, sums: Mapping[str, Any]) -> None:
        (currency,) = self._currencies
        digits = EXPONENTS[currency]
        if 0 not in self._sums:
            self._sheet.write_string(number, 0, tr("Total"), bold)
        for at, minor in self._sums.items():
            amount = Decimal(minor).scaleb(-digits)
            if abs(minor) <= EXACT:
                self._sheet.write_number(number, at, amount, sums[AMOUNTS[digits]])
            else:
                self._sheet.write_string(number, at, str(amount), bold)
            self._widen((number, at), f"{amount:,}")

    def _moment(self, column: Column, value: Any) -> datetime | None:
        """A day or a time as a date of the sheet, by the shop's clock."""
        if not isinstance(value, str):
            return None
        try:
            if column.kind is Kind.DAY:
                return datetime.fromisoformat(value)
            if column.kind is Kind.TIME and self._days is not None:
                return self._days.local(datetime.fromisoformat(value)).replace(tzinfo=None)
        except ValueError:
            return None
        return None

    def _widen(self, at: tuple[int, int], text: str) -> None:
        self._widths[at[1]] = max(self._widths[at[1]], len(text))


EXACT = 10**15
"""Amounts of more minor units than this have more digits than a cell keeps."""


def _about(sheet: Any, about: Sequence[tuple[str, Any]], bold: Any) -> None:
    sheet.set_column(0, 1, WIDEST // 2)
    for number, (name, value) in enumerate(about):
        sheet.write_string(number, 0, name, bold)
        sheet.write_string(number, 1, str(_plain(value)))


def _write(sheet: Any, at: tuple[int, int], value: Any, *, decimal: bool) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(*at, value)
    elif isinstance(value, int) and abs(value) <= MAX_INTEGER:  # cells are floats
        sheet.write_number(*at, value)
    elif decimal and _is_number(value):
        sheet.write_number(*at, Decimal(value))
    else:
        sheet.write_string(*at, fitting(str(value)))


def fitting(text: str) -> str:
    """A text as a cell of a workbook holds it: one that is too long ends in …, so that it is seen.
    """
    return text if len(text) <= LONGEST else f"{text[:LONGEST - 1]}…"


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and bool(_NUMBER(value)) and plain(Decimal(value)) == value


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    return orjson.dumps(exact(value)).decode() if isinstance(value, dict | list) else value


def _safe(column: Column, value: Any) -> Any:
    """A value as a cell of CSV in a column."""
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return f"{MARK}{value}"
    if not isinstance(value, str) or (column.kind is Kind.DECIMAL and _is_number(value)):
        return value
    odd = column.kind not in LEFT and is_changed(value)
    return f"{MARK}{value}" if odd or value.startswith((*FORMULA, MARK)) else value


def is_changed(text: str) -> bool:
    """Whether a spreadsheet may print a text of CSV otherwise."""
    return bool(_LOOKS(text)) and not _SAME(text)


ALSO_IN_WORKBOOK = {"scores": ("deductions", "appeals", "closings")}
"""Further reports in the workbook of a report, of the same month."""


def workbook(
    models: ReadModels, ledger: str, name: str, asked: Question
) -> tuple[bytes, dict[str, Any]]:
    """A report as an Excel workbook, with what belongs to it on further sheets, as of the same
    position. Returns the bytes, and as of when they hold."""
    first = reports.REPORTS[name](models, ledger, asked)
    same = asked._replace(month=first.as_of.get("month"), sort=None)
    others = ALSO_IN_WORKBOOK.get(name, ()) if asked.subject is None else ()
    answers = {name: first, **{
        other: alongside(models, ledger, reports.REPORTS[other], same, answer=first)
        for other in others}}
    as_of = first.as_of
    return as_xlsx({title: (columns_of(type_of(reports.REPORTS[title]).row), answer.rows)
                    for title, answer in answers.items()}, as_of,
                   days=days_of(models.store, ledger)), as_of
