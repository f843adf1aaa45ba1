"""The table in a file, in whatever kind of file it stands."""

import gzip
from pathlib import Path

import pytest

from ledger.imports.packed import Unreadable
from ledger.imports.profile import Layout
from ledger.imports.sources import identify
from ledger.imports.tables import open_table
from tests.support.workbooks import save_workbook, workbook_of

ROWS = [["order", "total"], ["A1", "35.5"], ["A,2", "7"]]


@pytest.mark.parametrize(("name", "delimiter"), [
    ("comma", ","), ("tab", "\t"), ("semicolon", ";"), ("pipe", "|")])
def test_table__has_the_same_records_whatever_separates_them(
    tmp_path: Path, name: str, delimiter: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("".join(delimiter.join(f'"{cell}"' for cell in row) + "\n" for row in ROWS))
    with open_table(identify(path, ("utf-8",)), Layout(delimiter=name), ".") as table:
        assert list(table.records) == ROWS
        assert table.bytes_read() == path.stat().st_size


def test_table__of_a_workbook_has_them_too(tmp_path: Path) -> None:
    path = save_workbook(tmp_path / "a.xlsx", [["order", "total"], ["A1", 35.5], ["A,2", 7]])
    with open_table(identify(path, ("utf-8",)), Layout(), ".") as table:
        assert list(table.records) == ROWS
        assert 0 < table.bytes_read() <= path.stat().st_size
    with (open_table(identify(path, ("utf-8",)), Layout(sheet="x"), ".") as table,
          pytest.raises(Unreadable, match="no_sheet")):
        next(table.records)


def test_table__that_breaks_off_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook_of("<row><c><v>1</v></c></row><row r='1'/>").getvalue())
    with (open_table(identify(path, ("utf-8",)), Layout(), ".") as table,
          pytest.raises(Unreadable, match="bad_workbook")):
        list(table.records)


@pytest.mark.parametrize(("first", "delimiter"), [
    ("sep=;", ";"), ('"sep=;"', ";"), ("SEP=|", "|"), ("sep=\t", "\t"), ("\ufeffsep=;", ";")])
def test_separator__that_a_file_names_holds_and_is_no_row(
    tmp_path: Path, first: str, delimiter: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{first}\r\na{delimiter}b\r\n", "utf-8", newline="")
    with open_table(identify(path, ("utf-8",)), Layout(), ".") as table:
        assert list(table.records) == [["a", "b"]]


@pytest.mark.parametrize("first", ["sep=", "sep=;x", "xsep=;", "sep==", "sep;"])
def test_separator__is_not_what_only_looks_so(tmp_path: Path, first: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{first}\na,b\n", "utf-8")
    with open_table(identify(path, ("utf-8",)), Layout(), ".") as table:
        assert list(table.records) == [[first], ["a", "b"]]


def test_gz__of_a_separator_line_is_read_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    for text, rows in (("sep=;\na;b\n", [["a", "b"]]), ("a,b\n1,2\n", [["a", "b"], ["1", "2"]])):
        path.write_bytes(gzip.compress(text.encode()))
        with open_table(identify(path, ("utf-8",)), Layout(), ".") as table:
            assert list(table.records) == rows
