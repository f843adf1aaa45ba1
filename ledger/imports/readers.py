"""Reading CSV files as platforms write them, in bounded memory.

Rows are numbered as a spreadsheet shows them: the header is row 1, and a cell with a line break in
it does not begin a new row.
"""

import codecs
import csv
import io
import stat
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ledger.imports.cells import converter
from ledger.imports.faults import BadCell, RowFault, reason, shown
from ledger.imports.profiles import File, Profile

CHUNK = 1 << 20
LONGEST_ROW = 1 << 20
"""Characters of one row; of one cell, the csv module takes 131,072."""


class Source(NamedTuple):
    """A file, hashed and with its encoding known.

    Units: `size` in bytes. `encoding` is empty where no encoding fits, and `fault` says why.
    """

    path: Path
    name: str
    sha256: str
    size: int
    encoding: str
    fault: RowFault | None = None


class Broken(NamedTuple):
    """A row that is no list of cells, with the code and details of its fault."""

    code: str
    details: dict[str, Any]


def file_fault(name: str, row: int, code: str, *, column: str = "", **details: Any) -> RowFault:
    """A fault of a file or of its header."""
    rule, words = reason(code, details)
    return RowFault(name, row, column, "", code, rule, words)


def identify(path: Path, encodings: tuple[str, ...]) -> Source:
    """Hash a file and find the first encoding that all of it is written in."""
    name = path.name.encode(errors="replace").decode()
    try:
        if stat.S_ISREG(path.stat().st_mode):
            with path.open("rb") as file:
                return _identify(path, name, file, encodings)
        why = "it is a folder or a pipe"
    except OSError as error:
        why = error.strerror or str(error)
    return Source(path, name, "", 0, "", file_fault(name, 0, "not_a_file", why=why))


def _identify(
    path: Path, name: str, file: io.BufferedReader, encodings: tuple[str, ...]
) -> Source:
    digest, size, start = sha256(), 0, b""
    while chunk := file.read(CHUNK):
        start = start or chunk[:4]
        digest.update(chunk)
        size += len(chunk)
    if start.startswith(codecs.BOM_UTF8):
        encodings = ("utf-8",)
    failed: dict[str, int] = {}
    for encoding in encodings:
        file.seek(0)
        offset = _undecodable(file, encoding)
        if offset is None:
            return Source(path, name, digest.hexdigest(), size, encoding)
        failed[encoding] = offset
    encoding = max(failed, key=lambda tried: failed[tried])
    hint = ""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start:
        hint = " (the file looks like UTF-16: save it as CSV UTF-8)"
    row = _row_at(path, encoding, failed[encoding])
    fault = file_fault(name, row, "wrong_encoding", offset=failed[encoding],
                       encoding=encoding.upper(), hint=hint, tried=", ".join(failed).upper())
    return Source(path, name, digest.hexdigest(), size, "", fault)


def _undecodable(file: io.BufferedReader, encoding: str) -> int | None:
    """The offset of the first byte that does not decode, None if all do."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    base = 0
    while True:
        chunk = file.read(CHUNK)
        pending = decoder.getstate()[0]
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            return base - len(pending) + error.start
        if not chunk:
            return None
        base += len(chunk)


def _row_at(path: Path, encoding: str, offset: int) -> int:
    """The number of the row that holds the byte at an offset."""
    with path.open("rb") as file:
        text = io.TextIOWrapper(io.BufferedReader(_Until(file, offset)), encoding, "ignore",
                                newline="")
        row = sum(1 for _ in records(text))
    with path.open("rb") as file:
        file.seek(max(offset - 1, 0))
        begins = offset == 0 or file.read(1) in (b"\n", b"\r")
    return row + 1 if begins else row


class _Until(io.RawIOBase):
    """The first bytes of a file."""

    def __init__(self, file: io.BufferedReader, size: int) -> None:
        self.file = file
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes."""
        found = self.file.read(min(len(buffer), self.left))
        buffer[: len(found)] = found
        self.left -= len(found)
        return len(found)


def open_text(source: Source) -> tuple[io.TextIOWrapper, Callable[[], int]]:
    """A source as text, and how many of its bytes are read by now."""
    file = source.path.open("rb")
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding or "latin-1"
    return io.TextIOWrapper(file, encoding, newline=""), file.tell


class _Lines:
    """The lines of a text, none of them and no row of them longer than it may be."""

    def __init__(self, text: io.TextIOBase) -> None:
        self.text = text
        self.characters = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.text.readline(LONGEST_ROW)
        if not line:
            raise StopIteration
        self.characters += len(line)
        if self.characters >= LONGEST_ROW:
            while line and line[-1] not in "\r\n":
                line = self.text.readline(LONGEST_ROW)
            raise csv.Error("row too long")
        return line


def records(text: io.TextIOBase) -> Iterator[list[str] | Broken]:
    """The rows of a CSV text in order, the header first; a blank line is an empty list."""
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    while True:
        lines.characters = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.characters >= LONGEST_ROW or "field limit" in str(error):
                yield Broken("row_too_long", {})
            else:
                yield Broken("bad_quotes", {"why": str(error)})
            continue
        yield cells


class Header(NamedTuple):
    """A header that was matched with a kind of file. A header with faults reads no row."""

    file: File
    width: int
    plan: tuple[tuple[int, int, str, bool, Callable[[str], object]], ...]
    faults: list[RowFault]


def match_header(
    cells: list[str], source: Source, profile: Profile, latest_us: int
) -> Header:
    """Tell which kind of file a header belongs to, and how its cells become fields."""
    names = [cell.lstrip("\ufeff").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    file = min(profile.files, key=lambda known: len(_header_faults(names, known)))
    faults = [
        file_fault(source.name, 1, code, column=column, kind=file.kind,
                   encoding=source.encoding.upper())
        for code, column in _header_faults(names, file)]
    if faults:
        return Header(file, len(cells), (), faults)
    places = {name: index for index, name in enumerate(names)}
    plan = []
    slot = 0
    for column, fields in file.columns.items():
        for field in fields:
            if column in places:
                convert = converter(field, profile, latest_us)
                personal = any(other.personal for other in fields)
                plan.append((slot, places[column], column, personal, convert))
            slot += 1
    return Header(file, len(cells), tuple(plan), [])


def _header_faults(names: list[str], file: File) -> list[tuple[str, str]]:
    known = file.columns.keys() | file.ignored
    faults = [("missing_column", column) for column, fields in file.columns.items()
              if column not in names and not any(field.optional for field in fields)]
    faults += [("unknown_column", name) for name in dict.fromkeys(names) if name not in known]
    faults += [("doubled_column", name) for name in dict.fromkeys(names) if names.count(name) > 1]
    return faults


class RowReader:
    """Turns the cells of a file's rows into the values of its fields."""

    def __init__(self, header: Header, source: Source) -> None:
        self.header = header
        self.name = source.name
        self.slots = len(header.file.fields())
        self.columns = {index: column for _, index, column, _, _ in header.plan}

    def read(self, row: int, cells: list[str]) -> tuple[list[object], list[RowFault]]:
        """The values of a row, one for each field, and all that is wrong in it."""
        width = self.header.width
        if any(cells[width:]) or len(cells) < width:  # a comma at the end of a row is no cell
            code = "too_few_cells" if len(cells) < width else "too_many_cells"
            return [], [file_fault(self.name, row, code, found=len(cells), wanted=width)]
        values: list[object] = [None] * self.slots
        faults: list[RowFault] = []
        for slot, index, column, personal, convert in self.header.plan:
            try:
                values[slot] = convert(cells[index])
            except BadCell as bad:
                rule, words = reason(bad.code, bad.details)
                value = shown(cells[index], personal=personal)
                faults.append(RowFault(self.name, row, column, value, bad.code, rule, words))
        return values, faults

    def volatile(self) -> frozenset[int]:
        """The cells that may change while a row stays the same one."""
        fields = list(self.header.file.fields().values())
        return frozenset(index for slot, index, *_ in self.header.plan if fields[slot].volatile)

    def characters(self, row: int, cells: list[str]) -> list[RowFault]:
        """The cells that hold what is no character; their values are not shown."""
        faults = []
        for index, cell in enumerate(cells):
            column = self.columns.get(index, "")
            if "\0" in cell:
                faults.append(file_fault(self.name, row, "nul", column=column))
            if not cell.isascii() and any("\ud800" <= c <= "\udfff" for c in cell):
                faults.append(file_fault(self.name, row, "surrogate", column=column))
        return faults
