"""Workbooks for tests: real ones of a library, and the XML of one by hand."""

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter

BOOK = ('<workbook xmlns:r="r"><workbookPr{book}/><sheets><sheet name="Orders" r:id="a"/>'
        "</sheets></workbook>")
LINKS = ('<Relationships><Relationship Id="a" Type="x/worksheet" Target="worksheets/sheet1.xml"/>'
         "</Relationships>")


def save_workbook(
    path: Path, rows: Sequence[Sequence[Any]], *, sheet: str = "Orders", before: str = "",
    **options: Any
) -> Path:
    """Save rows as a workbook: texts as texts, numbers as numbers, times as dates. `before` is the
    name of an empty sheet in front."""
    with xlsxwriter.Workbook(str(path), options) as book:
        if before:
            book.add_worksheet(before)
        page = book.add_worksheet(sheet)
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        day = book.add_format({"num_format": "d mmm yyyy"})
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, datetime):
                    page.write_datetime(
                        row, column, cell, day if cell.time() == cell.min.time() else moment)
                elif isinstance(cell, str):
                    page.write_string(row, column, cell)
                elif cell is not None:
                    page.write(row, column, cell)
    return path


def workbook_of(sheet: str, *, strings: str | None = None, styles: str = "", book: str = "",
                links: str = LINKS) -> io.BytesIO:
    """A workbook with this XML between `<sheetData>`."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", BOOK.format(book=book))
        parts.writestr("xl/_rels/workbook.xml.rels", links)
        if styles:
            parts.writestr("xl/styles.xml", f"<styleSheet>{styles}</styleSheet>")
        if strings is not None:
            parts.writestr("xl/sharedStrings.xml", f"<sst>{strings}</sst>")
        parts.writestr("xl/worksheets/sheet1.xml",
                       f"<worksheet><sheetData>{sheet}</sheetData></worksheet>")
    file.seek(0)
    return file
