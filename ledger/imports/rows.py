"""From the records of a file to whole rows: each with its values, its digest and its faults."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from ledger.common.characters import find_read_otherwise
from ledger.imports.cells import converter
from ledger.imports.faults import BadCell, RowFault, shown
from ledger.imports.profile import File, Profile
from ledger.imports.references import ids_of, needed_of, open_fields
from ledger.imports.showing import column_shown, hidden_fields
from ledger.imports.sources import Broken, Source, open_text, records

_encode = msgspec.json.Encoder().encode


class Row(NamedTuple):
    """A data row, whole: nothing about its cells is left to ask.

    Shapes: `values` has one value a field, None where the cell is blank or has a fault; it is empty
    where cells could not be matched with columns. `digest` is over all cells, None where they
    contain what is not a character; it distinguishes the rows of one import. `open_digest` is over
    the values that are not personal, and goes into the log. `torn` means that the text could not be
    split into cells, so that the row may have swallowed others. `warnings` say what was read
    otherwise than it is printed.
    """

    number: int
    values: list[object]
    digest: bytes | None
    faults: list[RowFault]
    open_digest: bytes = b""
    torn: bool = False
    warnings: Sequence[RowFault] = ()


REMEMBERED = 4_096
"""Cells of a column whose values are kept while its file is read."""

LONGEST_REMEMBERED = 64
"""Characters of a cell that is kept: longer ones hardly come again, and memory stays bounded."""


class Remembered(dict[str, object]):
    """The values of a column's cells by their text: in most columns few texts come over and over.

    A value is shared by all cells that say the same, so nobody may change one.
    """

    def __init__(self, convert: Callable[[str], object]) -> None:
        self._convert = convert

    def __missing__(self, cell: str) -> object:
        """The value of a cell that is not kept. Errors: BadCell, each time."""
        value = self._convert(cell)
        if len(cell) <= LONGEST_REMEMBERED:
            if len(self) >= REMEMBERED:
                self.clear()
            self[cell] = value
        return value


class Column(NamedTuple):
    """How one field is filled: its slot in the values, and the place of its cell in a row."""

    slot: int
    place: int
    name: str
    personal: bool
    convert: Callable[[str], object]
    is_id: bool


class Header(NamedTuple):
    """A header and the kind of file it matches. One with faults reads no row."""

    file: File
    width: int
    columns: tuple[Column, ...]
    faults: list[RowFault]


OPEN = b"order-ledger/row/v2"
"""What the digests are keyed with that a statement's id is made of: docs/log-format.md."""


class RowKeys(NamedTuple):
    """What digests are keyed with: `whole`, which covers personal values, is forgotten with the
    import."""

    whole: bytes
    open: bytes = OPEN


class RowReader:
    """Reads the rows of one file.

    `faults` are those of the file and its header. Where there are any, the rows can be counted but
    not read.
    """

    def __init__(
        self, source: Source, profile: Profile, keys: RowKeys, *, latest_us: int
    ) -> None:
        self.source = source
        self.keys = keys
        self.faults: list[RowFault] = []
        self.bytes_read: Callable[[], int] = lambda: 0
        if source.fault is not None:
            self.faults = [source.fault]
            return
        text, _ = open_text(source)
        with text:
            first = next(records(text), [])
        if isinstance(first, Broken):
            self.faults = [RowFault.of(source.name, 1, first.code, **first.details)]
        elif not any(first):
            self.faults = [RowFault.of(source.name, 1, "empty_file")]
        else:
            self._use(match_header(first, source, profile, latest_us=latest_us), profile)

    def _use(self, header: Header, profile: Profile) -> None:
        self.faults = header.faults
        self.file = header.file
        self.width = header.width
        self.columns = header.columns
        fields = list(header.file.fields().values())
        self.slots = len(fields)
        self.ids = [column for column in header.columns if column.is_id]
        opened = open_fields(profile, header.file)
        self.open = [slot for slot, field in enumerate(fields) if field.field in opened]
        self.names = {column.place: column.name for column in header.columns}
        self.volatile = frozenset(
            column.place for column in header.columns if fields[column.slot].volatile)

    def count(self) -> int:
        """How many data rows the file has, whether or not they can be read."""
        if not self.source.size:
            return 0
        text, _ = open_text(self.source)
        with text:
            rows = sum(1 for cells in records(text) if isinstance(cells, Broken) or any(cells))
        return max(rows - 1, 0)

    def rows(self) -> Iterator[Row]:
        """The data rows in order, without blank ones."""
        text, self.bytes_read = open_text(self.source)
        with text:
            following = records(text)
            next(following)
            for number, cells in enumerate(following, 2):
                if isinstance(cells, Broken):
                    fault = RowFault.of(self.source.name, number, cells.code, **cells.details)
                    yield Row(number, [], None, [fault], torn=True)
                elif any(cells):
                    yield self._row(number, cells)

    def _row(self, number: int, cells: list[str]) -> Row:
        """The row that these cells make."""
        values, faults = self._values(number, cells)
        digest = self._digest(cells)
        if digest is None:
            faults += self._not_characters(number, cells)
        warnings = self._warnings(number, cells, values)
        if faults:
            return Row(number, values, digest, faults, warnings=warnings)
        open_cells = _encode([values[slot] for slot in self.open])
        return Row(number, values, digest, faults,
                   blake2b(open_cells, key=self.keys.open, digest_size=16).digest(),
                   warnings=warnings)

    def _warnings(
        self, number: int, cells: list[str], values: list[object]
    ) -> Sequence[RowFault]:
        """What was full-width in an id: it is another text now, and nobody should have to guess."""
        return [RowFault.of(
            self.source.name, number, "full_width", column=column.name,
            value=shown(cells[column.place], personal=column.personal),
            read=shown(str(values[column.slot]), personal=column.personal))
            for column in self.ids if values and not cells[column.place].isascii()
            and find_read_otherwise(cells[column.place].strip())
            and values[column.slot] is not None]

    def _values(self, number: int, cells: list[str]) -> tuple[list[object], list[RowFault]]:
        name, width = self.source.name, self.width
        if any(cells[width:]) or len(cells) < width:  # a comma at the end of a row is not a cell
            code = "too_few_cells" if len(cells) < width else "too_many_cells"
            return [], [RowFault.of(name, number, code, found=len(cells), wanted=width)]
        values: list[object] = [None] * self.slots
        faults: list[RowFault] = []
        for slot, place, column, personal, convert, _ in self.columns:
            try:
                values[slot] = convert(cells[place])
            except BadCell as bad:
                faults.append(RowFault.of(
                    name, number, bad.code, column=column,
                    value=shown(cells[place], personal=personal), **bad.details))
        return values, faults

    def _digest(self, cells: list[str]) -> bytes | None:
        """The keyed digest of a row's cells; None where one contains what is not a character.

        Cells that may change while the row stays the same one are left out.
        """
        try:
            packed = _encode(cells)
        except UnicodeEncodeError:
            return None
        if b"\\u0000" in packed and any("\0" in cell for cell in cells):
            return None
        if self.volatile:
            packed = _encode([cell for at, cell in enumerate(cells) if at not in self.volatile])
        return blake2b(packed, key=self.keys.whole, digest_size=16).digest()

    def _not_characters(self, number: int, cells: list[str]) -> Iterator[RowFault]:
        """The cells that contain what is not a character; their values are not shown."""
        for index, cell in enumerate(cells):
            column = self.names.get(index, "")
            if "\0" in cell:
                yield RowFault.of(self.source.name, number, "nul", column=column)
            if not cell.isascii() and any("\ud800" <= c <= "\udfff" for c in cell):
                yield RowFault.of(self.source.name, number, "surrogate", column=column)


def match_header(
    cells: list[str], source: Source, profile: Profile, *, latest_us: int
) -> Header:
    """Find the kind of file that a header belongs to, and how its cells become fields."""
    names = [cell.lstrip("\ufeff").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    # The kind with the fewest faults is the one that was meant: its faults are worth reading.
    file = min(profile.files, key=lambda known: len(_header_faults(names, known)))
    faults = [
        RowFault.of(source.name, 1, code, column=column_shown(column, profile), number=number,
                    kind=file.kind, encoding=source.encoding.upper())
        for code, column, number in _header_faults(names, file)]
    if faults:
        return Header(file, len(cells), (), faults)
    places = {name: index for index, name in enumerate(names)}
    columns = []
    slot, ids, hidden = 0, ids_of(profile, file), hidden_fields(profile, file)
    needed = needed_of(profile, file)
    for column, fields in file.columns.items():
        personal = any(field.field in hidden for field in fields)
        for field in fields:
            if column in places:
                is_id = field.field in ids
                asked = replace(field, required=field.required or field.field in needed)
                known = Remembered(converter(asked, profile, latest_us, is_id=is_id))
                columns.append(Column(
                    slot, places[column], column, personal, known.__getitem__, is_id))
            slot += 1
    return Header(file, len(cells), tuple(columns), [])


def _header_faults(names: list[str], file: File) -> list[tuple[str, str, int]]:
    """(code, column, its number) for all that keeps a header from being that of a kind of file; a
    column that is missing has the number 0."""
    known = file.columns.keys() | file.ignored
    first = {name: number for number, name in reversed(list(enumerate(names, 1)))}
    faults = [("missing_column", column, 0) for column, fields in file.columns.items()
              if column not in first and not any(field.optional for field in fields)]
    faults += [("unknown_column", name, first[name]) for name in dict.fromkeys(names)
               if name not in known]
    faults += [("doubled_column", name, names.index(name, first[name]) + 1)
               for name in dict.fromkeys(names) if names.count(name) > 1]
    return faults
