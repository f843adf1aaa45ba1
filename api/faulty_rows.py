"""Faulty rows of imports as files that people mend: each row as it was, and what is wrong in it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from api.messages import tr, translated
from api.sheets import FORMULA, LONGEST, MADE, MARK, is_changed
from ledger.imports.faults import HIDDEN, REASONS, RowFault
from ledger.imports.faulty_rows import Columns, FaultyRow, Kept
from ledger.imports.headers import ADDED

FORMS = ("csv", "xlsx")

LONGEST_TEXT = 255
"""Characters of a text in a formula."""

_is_protected = re.compile('="[^"]*"').fullmatch
_odd_title = re.compile(r"[\[\]:*?/\\']")
LONGEST_TITLE = 31
NO_COLUMNS = Columns([], [])


def said(fault: RowFault) -> str:
    """What is wrong, in the user's language."""
    known = REASONS.get(fault.code)
    return fault.reason if known is None else translated(known[1], fault.reason)


def faults_of(kept: Kept) -> Iterator[RowFault]:
    """All faults of rows that are kept, in their order."""
    return (fault for row in kept.rows for fault in row.faults)


def as_csv(kept: Kept, *, opened: bool) -> Iterator[bytes]:
    """The rows as CSV in UTF-8 with a byte order mark, line by line; with the columns of all files.

    What a spreadsheet would change, or take for a formula, is protected as exports of platforms
    are, by `="…"`; an import reads that as the text itself.
    """
    names = list(dict.fromkeys(name for columns in kept.columns.values() for name in columns.names))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow([*map(_protected, names), *ADDED])
    for row in kept.rows:
        columns = kept.columns.get(row.file, NO_COLUMNS)
        cells = dict(zip(columns.names, _shown(row, columns, opened=opened), strict=False))
        writer.writerow([_protected(cell) for cell in (
            *(cells.get(name, "") for name in names), *_added(row))])
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def as_xlsx(kept: Kept, *, opened: bool) -> bytes:
    """The rows as a workbook with a sheet for each file; every cell is a text. What is too long for
    a cell is masked, so that nobody takes a part of it for the whole: the CSV has it."""
    import xlsxwriter  # slow to import, and needed only here

    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"created": MADE})
        sheets, written = dict[str, Any](), Counter[str]()

        def write(name: str, cells: Iterable[str]) -> None:
            for at, cell in enumerate(cells):
                sheets[name].write_string(
                    written[name], at, cell if len(cell) <= LONGEST else HIDDEN)
            written[name] += 1

        for row in kept.rows:
            name, columns = row.file, kept.columns.get(row.file, NO_COLUMNS)
            if name not in sheets:
                sheets[name] = book.add_worksheet(_title(name, len(sheets) + 1))
                write(name, [*columns.names, *ADDED])
            write(name, [*_shown(row, columns, opened=opened), *_added(row)])
    return file.getvalue()


def _title(file: str, number: int) -> str:
    title = _odd_title.sub("_", file)[:LONGEST_TITLE - 4]
    return f"{number} {title}".strip()


def _shown(row: FaultyRow, columns: Columns, *, opened: bool) -> list[str]:
    """The cells under the columns. Where they may stand under others, all may be personal."""
    width = len(columns.names)
    moved = len(row.cells) < width or any(row.cells[width:])
    hidden = range(width) if moved else columns.personal
    cells = [*row.cells, *[""] * width][:width]
    if not opened:
        for place in hidden:
            cells[place] = HIDDEN if cells[place].strip() else ""
    return cells


def _added(row: FaultyRow) -> list[str]:
    """Where the row stands, and what is wrong in it."""
    words = [tr("{label}: {value}", label=fault.column, value=said(fault)) if fault.column
             else said(fault) for fault in row.faults]
    return [row.file, str(row.row),
            "; ".join(words) or tr("goes with another row, in which something is wrong")]


def _protected(cell: str) -> str:
    if not (is_changed(cell) or cell.startswith(FORMULA)) or _is_protected(cell):
        return cell
    quoted = cell.replace('"', '""')
    return f'="{quoted}"' if len(cell) <= LONGEST_TEXT else f"{MARK}{cell}"
