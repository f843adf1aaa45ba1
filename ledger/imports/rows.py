"""From the records of a file to whole rows: each with its values, its digest and its faults."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

import msgspec

from ledger.common.characters import find_read_otherwise
from ledger.imports.amounts import MARKS
from ledger.imports.faults import BadCell, RowFault, shown
from ledger.imports.headers import Header, find_header
from ledger.imports.leaving_out import LeftOut, is_total
from ledger.imports.packed import UNREADABLE, WORKBOOK, Unreadable
from ledger.imports.profile import Profile
from ledger.imports.references import open_fields
from ledger.imports.sources import Broken, Source
from ledger.imports.tables import open_table

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
        self.layout = profile.files[0].layout
        self.mark = MARKS[profile.decimal]
        if source.fault is not None:
            self.faults = [source.fault]
            return
        try:
            self._use(find_header(source, profile, latest_us=latest_us), profile)
        except Unreadable as found:
            self.faults = [RowFault.of(source.name, 0, found.code, **found.details)]

    def _use(self, header: Header, profile: Profile) -> None:
        self.faults = header.faults
        self.file = header.file
        self.layout = header.file.layout
        self.width = header.width
        self.columns = header.columns
        self.left_out = LeftOut(header.leaves)
        self.spellings = header.spellings
        self.totals = header.totals
        self.constants = header.constants
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
        rows = 0
        if not self.source.size or self.source.packed == UNREADABLE:
            return rows
        with suppress(Unreadable), open_table(self.source, self.layout, self.mark) as table:
            for cells in islice(table.records, self.layout.header_row, None):
                rows += isinstance(cells, Broken) or any(cells)
        return rows

    def rows(self) -> Iterator[Row]:
        """The data rows in order, without blank ones and those that the profile leaves out. A file
        that cannot be read to its end leaves its fault in `faults`."""
        number = header_row = self.layout.header_row
        with open_table(self.source, self.layout, self.mark) as table:
            self.bytes_read = table.bytes_read
            following = islice(table.records, header_row, None)
            try:
                for number, cells in enumerate(following, header_row + 1):
                    if isinstance(cells, Broken):
                        fault = RowFault.of(self.source.name, number, cells.code, **cells.details)
                        yield Row(number, [], None, [fault], torn=True)
                    elif any(cells) and not self.left_out.takes(number, cells):
                        yield self._row(number, cells)
            except Unreadable as found:
                self.faults = [RowFault.of(
                    self.source.name, number, found.code, **found.details)]

    def warnings(self) -> Iterator[RowFault]:
        """What is to be known of the file as a whole once its rows were read."""
        if self.left_out.count:
            yield RowFault.of(self.source.name, self.left_out.first, "rows_left_out",
                              count=self.left_out.count)

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
        found = [RowFault.of(
            self.source.name, number, "other_spelling", column=column,
            value=shown(value, personal=False), other=shown(other, personal=False))
            for column, value, other in self.spellings.taken()]
        return found + [RowFault.of(
            self.source.name, number, "full_width", column=column.name,
            value=shown(cells[column.place], personal=column.personal),
            read=shown(str(values[column.slot]), personal=column.personal))
            for column in self.ids if values and not cells[column.place].isascii()
            and find_read_otherwise(cells[column.place].strip())
            and values[column.slot] is not None]

    def _values(self, number: int, cells: list[str]) -> tuple[list[object], list[RowFault]]:
        name, width = self.source.name, self.width
        if len(cells) < width and self.source.kind == WORKBOOK:  # it leaves out blanks at an end
            cells.extend([""] * (width - len(cells)))
        if any(cells[width:]) or len(cells) < width:  # a comma at the end of a row is not a cell
            code = "too_few_cells" if len(cells) < width else "too_many_cells"
            return [], [RowFault.of(name, number, code, found=len(cells), wanted=width)]
        values: list[object] = [None] * self.slots
        for slot, constant in self.constants:
            values[slot] = constant
        faults: list[RowFault] = []
        for slot, place, column, personal, convert, _ in self.columns:
            try:
                values[slot] = convert(cells[place])
            except BadCell as bad:
                faults.append(RowFault.of(
                    name, number, bad.code, column=column,
                    value=shown(cells[place], personal=personal), **bad.details))
        for place in self.totals:
            if not cells[place][-1:].isdigit() and is_total(cells[place]):
                faults.append(RowFault.of(
                    name, number, "total_row", column=self.names[place], value=cells[place],
                    field=self.names[place], text=cells[place].strip()))
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
