"""Faulty rows as files: they come in again as they were, and no cell is a formula."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import faulty_rows, sheets
from ledger.imports import profiles
from ledger.imports.cells import converter
from ledger.imports.faults import HIDDEN, BadCell, RowFault
from ledger.imports.faulty_rows import Columns, FaultyRow, Kept
from ledger.imports.headers import ADDED
from ledger.imports.profile import Field
from ledger.imports.workbooks import sheet_rows
from tests.support.shops import HEADER, Shop, counts, order
from tests.support.thorough import tried

NAMES = HEADER.split(",")
COLUMNS = {"a.csv": Columns([name.strip() for name in NAMES], [3])}


def kept(*rows: list[str]) -> Kept:
    return Kept(COLUMNS, (FaultyRow("a.csv", number, cells, [
        RowFault.of("a.csv", number, "not_money", column="总金额")])
        for number, cells in enumerate(rows, 2)))


def files(folder: Path, *rows: list[str]) -> list[Path]:
    """The rows in every form, opened."""
    of_csv, of_book = folder / "rows.csv", folder / "rows.xlsx"
    of_csv.write_bytes(b"".join(faulty_rows.as_csv(kept(*rows), opened=True)))
    of_book.write_bytes(faulty_rows.as_xlsx(kept(*rows), opened=True))
    return [of_csv, of_book]


def test_rows__come_in_again_once_they_are_mended(shop: Shop, tmp_path: Path) -> None:
    """With the columns that were added, and numbers that a spreadsheet would round."""
    rows = [order("1000756800252750123").split(","), order("007").split(",")]
    for path in files(tmp_path, *rows):
        summary = shop.bring(path, dry_run=True)
        assert counts(summary) == (2, 2, 0, 0), list(summary.faults)
    assert counts(shop.bring(path)) == (2, 2, 0, 0)
    assert {entry.stream for entry in shop.log() if entry.type == "order.placed.v1"} == {
        "order:tmall:tmall-report:1000756800252750123", "order:tmall:tmall-report:007"}


def test_rows__that_are_masked_are_never_taken_for_what_stood_there(
    shop: Shop, tmp_path: Path
) -> None:
    """R-IMP-34"""
    path = tmp_path / "masked.csv"
    path.write_bytes(b"".join(faulty_rows.as_csv(kept(order(1).split(",")), opened=False)))
    assert HIDDEN in path.read_text("utf-8")
    assert "上海" not in path.read_text("utf-8")
    summary = shop.bring(path)
    assert [(fault.code, fault.rule) for fault in summary.faults] == [("masked", "R-IMP-34")]


@pytest.mark.parametrize("cells", [["1", "2"], [*order(1).split(","), "more"]])
def test_rows__whose_cells_may_stand_elsewhere_are_masked_whole(cells: list[str]) -> None:
    text = b"".join(faulty_rows.as_csv(kept(cells), opened=False)).decode("utf-8-sig")
    _, found = csv.reader(io.StringIO(text))
    shown = found[: len(NAMES)]
    assert {cell for cell in shown if cell} == {HIDDEN}
    assert found[len(NAMES):len(NAMES) + 2] == ["a.csv", "2"]


@settings(max_examples=tried(300), deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=20)
       | st.sampled_from(("=1+1", "+1", "-2+3", "@x", '="007"', "=\"a\"&\"b\"", "-35.00", "'007",
                          "123456789012345678", "\t=1", "+8613800138000", "3E5", "1-2", "10.50",
                          "2026-09-01 10:00", "＝1+1", "＠x", '="a"&CMD()', "=" + '"' * 300)))
def test_cells__are_no_formulas_but_texts(cell: str) -> None:
    text = b"".join(faulty_rows.as_csv(kept([cell] * len(NAMES)), opened=True))
    found = next(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))["总金额"]
    assert not found.startswith(sheets.FORMULA[1:])
    assert not found.startswith("=") or quoted_text(found)
    assert quoted_text(found) or not sheets.is_changed(found)
    assert found in (cell, f"'{cell}") or found == '="{}"'.format(cell.replace('"', '""'))


quoted_text = re.compile('="([^"]|"")*"').fullmatch
"""A formula that is one text and nothing else."""


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n'"), max_size=20)
       | st.sampled_from(("=1+1", "+8613800138000", '=HYPERLINK("x")', "1-2", "3E5", "10.50")))
def test_cells__are_read_as_the_texts_that_they_were(cell: str) -> None:
    """By an import, whatever was done so that no spreadsheet changes or runs them."""
    profile = profiles.find("tmall-report")
    read = converter(Field(field="remark", kind="text"), profile, 0)
    text = b"".join(faulty_rows.as_csv(kept([cell] * len(NAMES)), opened=True))
    found = next(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))["总金额"]
    try:
        wanted = read(cell)
    except BadCell:
        return
    assert read(found) == wanted


def test_cell__too_long_for_a_workbook_is_never_cut_without_a_word() -> None:
    book = faulty_rows.as_xlsx(kept(["x" * 32_768] * len(NAMES)), opened=True)
    _, found = sheet_rows(io.BytesIO(book), "", ".")
    assert found[0] == HIDDEN


def test_workbook__has_a_sheet_for_each_file() -> None:
    rows = [FaultyRow("", 0, [], [RowFault.of("", 0, "missing_file", kind="items")]),
            FaultyRow("a.csv", 2, order(1).split(","), [])]
    book = io.BytesIO(faulty_rows.as_xlsx(Kept(COLUMNS, iter(rows)), opened=False))
    header, found = sheet_rows(book, "2 a.csv", ".")
    assert tuple(header[-3:]) == ADDED
    assert found[-3:] == ["a.csv", "2", "goes with another row, in which something is wrong"]
    _, of_all = sheet_rows(book, "1", ".")
    assert of_all[0:2] == ["", "0"]
