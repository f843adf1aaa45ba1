"""From a workbook (.xlsx) to the rows of a sheet, as texts, in bounded memory.

The kept libraries hold a whole sheet, or all of its strings, in memory: a full one takes a gigabyte
in them. Here the parser of Python's standard library reads the parts of the file piece by piece. A
cell is written out as a CSV file of the same table has it: a number to the 15 digits that a
spreadsheet keeps, a date as `2026-09-01 10:00:00` (`2026-09-01` where its format shows no time).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from functools import lru_cache
from typing import IO, NamedTuple
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError

from ledger.imports.elements import Parser, WorkbookDamaged
from ledger.imports.plainly import ROWS, STRINGS, PlainParser, Row
from ledger.imports.sources import LONGEST_ROW
from ledger.imports.strings import SharedStrings
from ledger.imports.times import of_serial

LONGEST_CELL = 1 << 17
"""Characters in one cell; Excel allows 32,767."""

LARGEST_PART, MOST_SAID = 16 << 20, 100_000
"""Bytes of a part that is read as a whole, and elements of it that are kept: Excel has 65,490
formats of cells, and a part holds more than is kept."""

LONGEST_FORMAT = 255
"""Characters of the format of a number, as Excel has them."""

WIDEST, DEEPEST = 16_384, 1_048_576
"""The most columns and rows that a sheet of Excel has."""

EXACT = 2**53
"""From here on a number in a sheet is not exact."""

DAYS_TO_1904 = 1_462
_DATES = frozenset((*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)))
"""The numbers of the formats of dates and times that no workbook spells out."""
_ONLY_DATES = frozenset((14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58))
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
_escaped = re.compile(r"_x([0-9A-Fa-f]{4})_")


class SheetMissing(Exception):
    """The workbook has no sheet of that name."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        super().__init__(", ".join(names))


class Format(NamedTuple):
    """How the number in a cell is meant: a date, one with a time of day, or with leading zeros."""

    is_date: bool = False
    has_time: bool = False
    digits: int = 0


def sheet_rows(file: IO[bytes], sheet: str, mark: str) -> Iterator[list[str]]:
    """The rows of a sheet, the first one if it has no name, from row 1 on, blank ones too. `mark`
    stands before the decimals of a number. Errors: WorkbookDamaged, SheetMissing."""
    try:
        with ZipFile(file) as parts:
            yield from _rows(parts, sheet, mark)
    except (BadZipFile, ZlibError, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise WorkbookDamaged(str(error)) from None
    except expat.ExpatError as error:
        raise WorkbookDamaged(f"its XML is broken: {error}") from None
    except KeyError as error:
        raise WorkbookDamaged(f"a part is missing: {error}") from None
    except (ValueError, IndexError):  # their words hold what stands in the cell
        raise WorkbookDamaged("a cell refers to nothing, or is no number as it says") from None


def _rows(parts: ZipFile, sheet: str, mark: str) -> Iterator[list[str]]:
    book = _Book(parts)
    path = book.path_of(sheet)
    with closing(SharedStrings(_strings(parts))) as strings:
        reading = _Sheet(strings, _formats(parts), mark, from_1904=book.from_1904)
        with parts.open(path) as content:
            yield from _parsed(content, reading)


# -- parts that are small --------------------------------------------------------------------------


def _local(name: str) -> str:
    return name[name.find(":") + 1:]


class _Elements(Parser):
    """Collects what the elements at the end of some paths say."""

    def __init__(self, parts: ZipFile, path: str, *wanted: tuple[str, ...]) -> None:
        self.found: list[tuple[tuple[str, ...], dict[str, str]]] = []
        self._path: list[str] = []
        self._wanted = wanted
        if path in parts.namelist():
            if parts.getinfo(path).file_size > LARGEST_PART:
                raise WorkbookDamaged(f"{path} is far too large")
            with parts.open(path) as content:
                for _ in self.feed(content):
                    pass

    def begin(self, name: str, found: dict[str, str]) -> None:
        """Note it, if it is wanted."""
        self._path.append(name)
        path = next((one for one in self._wanted if (*self._path[-len(one):],) == one), None)
        if path is not None:
            self.found.append((path, {_local(key): value for key, value in found.items()}))
            if len(self.found) > MOST_SAID:
                raise WorkbookDamaged("it says far too much of itself")

    def end(self, name: str) -> None:
        """It is closed."""
        self._path.pop()

    def of(self, *path: str) -> list[dict[str, str]]:
        """What the elements at the end of one of the paths say."""
        return [said for where, said in self.found if where == path]


class _Book:
    """The sheets of a workbook by name."""

    def __init__(self, parts: ZipFile) -> None:
        book = _Elements(parts, "xl/workbook.xml", ("sheet",), ("workbookPr",))
        links = _Elements(
            parts, "xl/_rels/workbook.xml.rels", ("Relationship",)).of("Relationship")
        self.targets = {link["Id"]: link["Target"] for link in links
                        if link["Type"].endswith("/worksheet")}
        self.sheets = [(sheet["name"], sheet["id"]) for sheet in book.of("sheet")]
        self.from_1904 = any(said.get("date1904") in ("1", "true")
                             for said in book.of("workbookPr"))

    def path_of(self, sheet: str) -> str:
        """The part that a sheet lies in. Errors: SheetMissing, WorkbookDamaged."""
        for name, link in self.sheets:
            if sheet in ("", name) and link in self.targets:
                target = self.targets[link]
                return target[1:] if target.startswith("/") else f"xl/{target}"
        if not sheet:
            raise WorkbookDamaged("it has no sheet")
        raise SheetMissing([name for name, _ in self.sheets])


def _formats(parts: ZipFile) -> list[Format]:
    """The formats of cells by their number."""
    styles = _Elements(parts, "xl/styles.xml", ("numFmts", "numFmt"), ("cellXfs", "xf"))
    codes = {int(said["numFmtId"]): said["formatCode"] for said in styles.of("numFmts", "numFmt")}
    return [_format(int(said.get("numFmtId", 0)), codes) for said in styles.of("cellXfs", "xf")]


def _format(number: int, codes: dict[int, str]) -> Format:
    if number not in codes:
        return Format(number in _DATES, number in _DATES - _ONLY_DATES)
    if len(codes[number]) > LONGEST_FORMAT:
        raise WorkbookDamaged("a format in it is far too long")
    code = _LITERALS.sub("", codes[number].partition(";")[0]).lower().strip()
    if re.fullmatch("0{2,}", code):
        return Format(digits=len(code))
    is_date = bool(re.search("[ymdhs]", code)) and "[" not in code and "general" not in code
    return Format(is_date, is_date and bool(re.search("[hs]", code)))


# -- parts that are large --------------------------------------------------------------------------


class _Strings(PlainParser):
    """Gathers the shared strings of the piece that was read last."""

    KIND = STRINGS

    def __init__(self) -> None:
        self.ready: list[str] = []
        self._texts: list[str] = []
        self._in_text = self._in_reading = False
        self._room = LONGEST_CELL

    def take(self, text: str) -> None:
        """A string that needed no parser."""
        if len(text) > LONGEST_CELL:
            raise WorkbookDamaged("a text in it is far too long")
        self.ready.append(_unescaped(text))

    def begin(self, name: str, found: dict[str, str]) -> None:
        """A string, its text, or how it is read aloud, which is left out."""
        if name == "rPh":
            self._in_reading = True
        elif name == "t":
            self._in_text = not self._in_reading
        elif name == "si":
            self._texts, self._room = [], LONGEST_CELL

    def end(self, name: str) -> None:
        """A whole string is ready."""
        if name == "t":
            self._in_text = False
        elif name == "rPh":
            self._in_reading = False
        elif name == "si":
            self.ready.append(_unescaped("".join(self._texts)))

    def text(self, text: str) -> None:
        """More of its text."""
        if self._in_text:
            self._room -= len(text)
            if self._room < 0:
                raise WorkbookDamaged("a text in it is far too long")
            self._texts.append(text)


def _strings(parts: ZipFile) -> Iterator[str]:
    """The shared strings in order, piece by piece."""
    if "xl/sharedStrings.xml" not in parts.namelist():
        return
    strings = _Strings()
    with parts.open("xl/sharedStrings.xml") as content:
        for _ in strings.feed(content):
            ready, strings.ready = strings.ready, []
            yield from ready


def _unescaped(text: str) -> str:
    """`_x000D_` stands for a character that XML cannot hold."""
    if "_x" not in text:
        return text
    return _escaped.sub(lambda found: chr(int(found[1], 16)), text)


def _parsed(content: IO[bytes], sheet: "_Sheet") -> Iterator[list[str]]:
    for _ in sheet.feed(content):
        ready, sheet.ready = sheet.ready, []
        yield from ready


class _Sheet(PlainParser):
    """Gathers the rows of the piece of a sheet that was read last."""

    KIND = ROWS

    def __init__(
        self, strings: SharedStrings, formats: list[Format], mark: str, *, from_1904: bool
    ) -> None:
        self.ready: list[list[str]] = []
        self._strings, self._formats, self._mark = strings, formats, mark
        self._shift = DAYS_TO_1904 if from_1904 else 0
        self._number = 0
        self._cells: list[str] = []
        self._kind = self._style = ""
        self._texts: list[str] | None = None
        self._value: list[str] = []
        self._in_reading = False
        self._room, self._room_of_row = LONGEST_CELL, LONGEST_ROW
        self._written: dict[str, Callable[[str], str]] = {
            "s": lambda value: self._strings[int(value)], "str": _unescaped,
            "inlineStr": _unescaped, "e": str, "b": lambda value: ("FALSE", "TRUE")[value == "1"],
            "d": lambda value: value.replace("T", " ").removesuffix(".000")}

    def begin(self, name: str, found: dict[str, str]) -> None:
        """A row, a cell in it, or what the cell holds."""
        if name == "c":
            place = found.get("r")
            if place is not None or len(self._cells) == WIDEST:
                self._leave_blank(_column((place or "ZZZ").rstrip("0123456789")))
            self._cells.append("")
            self._kind, self._style = found.get("t", ""), found.get("s", "")
            self._value, self._room = [], LONGEST_CELL
        elif name == "v" or (name == "t" and not self._in_reading):
            self._texts = self._value
        elif name == "row":
            self._begin_row(int(found.get("r", self._number + 1)))
        elif name == "rPh":
            self._in_reading = True

    def end(self, name: str) -> None:
        """A cell or a row is whole."""
        if name in ("v", "t"):
            self._texts = None
        elif name == "c":
            if self._value:
                self._end_cell(self._kind, self._style, "".join(self._value))
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._in_reading = False

    def text(self, text: str) -> None:
        """More of what a cell holds."""
        if self._texts is not None:
            self._room -= len(text)
            if self._room < 0:
                raise WorkbookDamaged(f"a cell in row {self._number} is far too long")
            self._texts.append(text)

    def take(self, row: Row) -> None:
        """A row that needed no parser. Most of its cells are texts, one beside the other."""
        self._begin_row(row.number)
        cells = self._cells
        for letters, style, kind, string, value in row.cells:
            column = _column(letters)
            if column != len(cells) or column == WIDEST:
                self._leave_blank(column)
            if kind == "inlineStr" and 0 < (length := len(string)) <= LONGEST_CELL \
                    and "_x" not in string:
                self._room_of_row -= length
                cells.append(string)
                continue
            cells.append("")
            if text := string or value:
                self._end_cell(kind, style, text)
        self._end_row()

    def _begin_row(self, number: int) -> None:
        if not self._number < number <= DEEPEST:
            raise WorkbookDamaged(f"row {number} follows row {self._number}")
        self.ready.extend([[]] * (number - self._number - 1))
        self._number, self._cells, self._room_of_row = number, [], LONGEST_ROW

    def _leave_blank(self, column: int) -> None:
        """Leave the cells blank that stand before a column."""
        if not len(self._cells) <= column < WIDEST:
            raise WorkbookDamaged(
                f"a cell of row {self._number} follows column {len(self._cells)}")
        self._cells.extend([""] * (column - len(self._cells)))

    def _end_cell(self, kind: str, style: str, value: str) -> None:
        """The text of a cell."""
        if len(value) > LONGEST_CELL:
            raise WorkbookDamaged(f"a cell in row {self._number} is far too long")
        write = self._written.get(kind)
        text = self._of_number(value, style) if write is None else write(value)
        self._room_of_row -= len(text)
        if self._room_of_row < 0:
            self._end_row()  # as soon as it is known: there may be thousands of cells
        self._cells[-1] = text

    def _end_row(self) -> None:
        """A row is whole. Many cells may share one long text: together they are no longer than a
        row of CSV."""
        if self._room_of_row < 0:
            raise WorkbookDamaged(f"row {self._number} is far too long")
        self.ready.append(self._cells)

    def _of_number(self, value: str, style: str) -> str:
        """The text of a number or a date."""
        form = self._formats[int(style)] if style and self._formats else PLAIN
        text = number_text(value)
        if form.is_date and (written := self._of_date(text, form)):
            return written
        return (text.zfill(form.digits) if text.isdigit() else text).replace(".", self._mark)

    def _of_date(self, text: str, form: Format) -> str:
        whole, _, part = text.partition(".")
        if whole == "0" and part:  # a time of day
            at = of_serial(f"{30_000}.{part}")
            return "" if at is None else f"{at:%H:%M:%S}"
        at = of_serial(f"{int(whole) + self._shift}.{part or 0}") if whole.isdigit() else None
        if at is None:
            return ""
        return f"{at:%Y-%m-%d %H:%M:%S}" if part or form.has_time else f"{at:%Y-%m-%d}"


PLAIN = Format()


@lru_cache(WIDEST)
def _column(letters: str) -> int:
    """The number of a column, from 0, by its letters such as `AB`; that of the widest sheet has
    three of them."""
    number = 0
    for letter in letters if len(letters) <= 3 else "ZZZ":
        number = number * 26 + ord(letter) - 64
    return number - 1


def number_text(value: str) -> str:
    """A number as a spreadsheet shows it: to 15 digits, a whole one below 2^53 in full, and what is
    not exact any more as `1.00075680025275E+18`, which is refused as an id."""
    if value.isdigit() and len(value) <= 15 and value.isascii():
        return value.lstrip("0") or "0"
    number = float(value)
    if not abs(number) < EXACT:
        return f"{number:.14E}"
    if number.is_integer():
        return str(int(number))
    return f"{Decimal(f'{number:.15g}'):f}"
