"""The table in a file: its records, whatever kind of file it is."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import IO, NamedTuple, Protocol

from ledger.imports.elements import WorkbookDamaged
from ledger.imports.packed import WORKBOOK, Unreadable, workbook_in
from ledger.imports.profile import DELIMITERS, Layout
from ledger.imports.sources import Broken, Source, open_file, open_text, records
from ledger.imports.workbooks import SheetMissing, sheet_rows


class Counter(Protocol):
    """Says how many bytes have been read."""

    def __call__(self) -> int: ...


class Table(NamedTuple):
    """An open table: its records from the first on, and how much of its file has been read."""

    records: Iterator[list[str] | Broken]
    bytes_read: Counter


@contextmanager
def open_table(source: Source, layout: Layout, mark: str) -> Iterator[Table]:
    """Open the table of a source. `mark` stands before the decimals of a workbook's numbers.

    Reading raises Unreadable where the file is damaged, or has no such sheet.
    """
    if source.kind == WORKBOOK:
        with open_file(source.file) as file, workbook_in(file, source.packed) as book, closing(
                _of_workbook(book, layout, mark)) as found:
            yield Table(found, file.tell)
        return
    text, bytes_read = open_text(source)
    with text:
        yield Table(records(text, DELIMITERS[layout.delimiter]), bytes_read)


def _of_workbook(
    file: IO[bytes], layout: Layout, mark: str
) -> Generator[list[str] | Broken]:
    try:
        yield from sheet_rows(file, layout.sheet, mark)
    except WorkbookDamaged as error:
        raise Unreadable("bad_workbook", why=str(error)) from None
    except SheetMissing as error:
        raise Unreadable("no_sheet", sheet=layout.sheet, sheets=", ".join(error.names)) from None
