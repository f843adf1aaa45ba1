"""Workbooks: each cell as a CSV file of the same table has it, and in memory only a piece."""
# ruff: noqa: DTZ001 - a sheet's times have no zone.

import io
import time
import tracemalloc
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.imports.elements import WorkbookDamaged
from ledger.imports.workbooks import SheetMissing, number_text, sheet_rows
from tests.support.workbooks import LINKS, save_workbook, workbook_of


def rows_of(file: Any, *, sheet: str = "", mark: str = ".") -> list[list[str]]:
    """All rows of a sheet."""
    if isinstance(file, Path):
        file = io.BytesIO(file.read_bytes())
    return list(sheet_rows(file, sheet, mark))


# -- cells -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"constant_memory": True}, {"date_1904": True}])
def test_workbook__is_read_as_its_csv(tmp_path: Path, options: dict[str, Any]) -> None:
    path = save_workbook(tmp_path / "a.xlsx", [
        ["order", "total", "placed", "remark"],
        ["1000756800252750123", 35.5, datetime(2026, 9, 1, 10, 0, 1), "a\nb <&> 上海"],
        [],
        [7, -0.1, datetime(2026, 9, 2), " x "],
        [True, 1234567890123456, None, "_x0041_"],
    ], **options)
    assert rows_of(path) == [
        ["order", "total", "placed", "remark"],
        ["1000756800252750123", "35.5", "2026-09-01 10:00:01", "a\nb <&> 上海"],
        [],
        ["7", "-0.1", "2026-09-02", " x "],
        ["TRUE", "1234567890123456", "", "_x0041_"]]


def test_workbook__has_its_numbers_with_the_mark_of_the_profile(tmp_path: Path) -> None:
    path = save_workbook(tmp_path / "a.xlsx", [[1.5, 2, "1.5"]])
    assert rows_of(path, mark=",") == [["1,5", "2", "1.5"]]


@given(st.integers(-10**15 + 1, 10**15 - 1), st.integers(0, 10))
@example(3, 1)
def test_number__of_fifteen_digits_is_exact(digits: int, decimals: int) -> None:
    number = Decimal(digits).scaleb(-decimals)
    text = number_text(repr(float(number)))
    assert Decimal(text) == number
    assert "E" not in text


@pytest.mark.parametrize(("value", "text"), [
    ("105.30000000000001", "105.3"), ("1E3", "1000"), ("1E-7", "0.0000001"), ("007", "7"),
    ("0", "0"), ("-0", "0"), ("9007199254740991", "9007199254740991"),
    ("9007199254740992", "9.00719925474099E+15"), ("1000756800252750123", "1.00075680025275E+18"),
    ("INF", "INF"),
])
def test_number__is_what_a_spreadsheet_shows(value: str, text: str) -> None:
    assert number_text(value) == text


STYLES = ('<numFmts><numFmt numFmtId="170" formatCode="{code}"/></numFmts><cellXfs><xf numFmtId="0"'
          '/><xf numFmtId="170"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs>')


@pytest.mark.parametrize(("code", "text"), [
    ("yyyy-mm-dd", "2026-09-01"), ("d/m/yy h:mm", "2026-09-01 00:00:00"),
    ("yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;;@", "2026-09-01"),
    ("[$-804]yyyy/m/d", "2026-09-01"), ("0.00", "46266"), ("&quot;day&quot; 0", "46266"),
    ("[Red]0", "46266"), ("00000000", "00046266"), ("[h]:mm", "46266"), ("General", "46266"),
    ("\\d0", "46266"),
])
def test_format__says_whether_a_number_is_a_date(code: str, text: str) -> None:
    file = workbook_of('<row><c s="1"><v>46266</v></c></row>', styles=STYLES.format(code=code))
    assert rows_of(file) == [[text]]


def test_cell__of_every_kind_is_written_out() -> None:
    file = workbook_of(
        '<row r="2"><c r="B2" t="s"><v>1</v></c><c t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r>'
        '<rPh><t>c</t></rPh></is></c><c r="E2" t="str"><f>1+1</f><v>2_x000D_</v></c>'
        '<c r="F2" t="e"><v>#REF!</v></c><c r="G2" t="b"><v>0</v></c>'
        '<c r="H2" t="d"><v>2026-09-01T10:00:00</v></c><c r="I2" s="2"><v>46266.5</v></c>'
        '<c r="J2" s="2"><v>0.25</v></c><c r="K2"/></row>',
        strings="<si><t>x</t></si><si><r><t>y</t></r><t>z</t><rPh><t>w</t></rPh></si>",
        styles=STYLES.format(code="0"))
    assert rows_of(file) == [[], ["", "yz", "ab", "", "2\r", "#REF!", "FALSE",
                                  "2026-09-01 10:00:00", "2026-09-01 12:00:00", "06:00:00", ""]]


def test_element__of_another_prefix_is_not_one_of_the_sheet() -> None:
    assert rows_of(workbook_of("<row><c><v>1</v></c><x:row><x:c><x:v>2</x:v></x:c></x:row></row>")
                   ) == [["1"]]
    file = io.BytesIO()
    with ZipFile(workbook_of("")) as parts, ZipFile(file, "w") as prefixed:
        prefixed.writestr("xl/workbook.xml", parts.read("xl/workbook.xml"))
        prefixed.writestr("xl/worksheets/sheet2.xml",
                          "<x:worksheet><x:row><x:c><x:v>1</x:v></x:c><row/></x:row></x:worksheet>")
        prefixed.writestr("xl/_rels/workbook.xml.rels", LINKS.replace("sheet1", "sheet2"))
    assert rows_of(file) == [["1"]]


def test_sheet__is_the_first_or_that_of_a_name(tmp_path: Path) -> None:
    path = save_workbook(tmp_path / "a.xlsx", [["x"]], sheet="订单", before="Notes")
    assert rows_of(path) == []
    assert rows_of(path, sheet="订单") == [["x"]]
    with pytest.raises(SheetMissing) as caught:
        rows_of(path, sheet="Orders")
    assert caught.value.names == ["Notes", "订单"]


# -- what is broken --------------------------------------------------------------------------------


@pytest.mark.parametrize("sheet", [
    '<row><c t="s"><v>7</v></c></row>', '<row><c t="s"><v>-1</v></c></row>',
    '<row><c t="s"><v>x</v></c></row>', "<row><c><v>x</v></c></row>", "<row>",
    '<row r="2"/><row r="1"/>', '<row r="0"/>', '<row r="1048577"/>', '<row r="x"/>',
    '<row><c r="B1"/><c r="A1"/></row>', '<row><c r="XFE1"/></row>', '<row><c r="1"/></row>',
    '<row><c s="9"><v>1</v></c></row>', f"<row><c><v>{'1' * 200_000}</v></c></row>",
    f'<row><c t="inlineStr"><is><t>{"x" * 200_000}</t></is></c></row>',
])
def test_workbook__rejected_when_damaged(sheet: str) -> None:
    with pytest.raises(WorkbookDamaged):
        rows_of(workbook_of(sheet, strings="<si><t>x</t></si>", styles=STYLES.format(code="0")))


@pytest.mark.parametrize("more", [
    {"strings": f"<si><t>{'x' * 200_000}</t></si>"}, {"links": "<Relationships/>"},
    {"links": "<Relationships>"},
])
def test_workbook__rejected_when_a_part_is_damaged(more: dict[str, str]) -> None:
    with pytest.raises(WorkbookDamaged):
        rows_of(workbook_of('<row><c t="s"><v>0</v></c></row>', **more))


def test_workbook__rejected_when_it_declares_entities() -> None:
    file = io.BytesIO()
    with ZipFile(file, "w") as parts:
        parts.writestr("xl/workbook.xml", '<!DOCTYPE a [<!ENTITY b "c">]><workbook/>')
    with pytest.raises(WorkbookDamaged, match="document type"):
        rows_of(file)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.data())
def test_workbook__of_any_bytes_is_rows_or_damaged(content: bytes, data: st.DataObject) -> None:
    whole = workbook_of('<row><c><v>1</v></c><c t="s"><v>0</v></c></row>',
                        strings="<si><t>x</t></si>").getvalue()
    at = data.draw(st.integers(0, len(whole)))
    try:
        rows = rows_of(io.BytesIO(whole[:at] + content + whole[at + len(content):]))
        assert all(isinstance(cell, str) for row in rows for cell in row)
    except (WorkbookDamaged, SheetMissing):
        pass


@given(st.lists(st.sampled_from([
    "<row>", "</row>", "<row/>", '<c r="A1">', "<c>", '<c t="s">', "</c>", "<v>", "</v>", "<is>",
    "</is>", "<t>", "</t>", "1", "x", "<rPh>", "</rPh>", "&#49;", "<a:row/>", "&b;"]), max_size=12))
def test_sheet__of_any_elements_is_rows_or_damaged(pieces: list[str]) -> None:
    try:
        rows = rows_of(workbook_of("".join(pieces), strings="<si><t>x</t></si>"))
        assert all(isinstance(cell, str) for row in rows for cell in row)
    except WorkbookDamaged:
        pass


LONG = "x" * 100_000
CELL = '<c t="s"><v>0</v></c>'
FORMAT = '<numFmts><numFmt numFmtId="170" formatCode="{}"/></numFmts><cellXfs>{}</cellXfs>'
ONE = '<xf numFmtId="170"/>'


@pytest.mark.parametrize(("sheet", "more"), [
    (f"<row/><row>{CELL * 11}</row>", {"strings": f"<si><t>{LONG}</t></si>"}),
    (f"<row><c r=\"{'A' * 100_000}1\"/></row>", {}),
    (f"<row><c z=\"{'z' * 400_000}\"/></row>", {}),
    (f"<row>{'<z>' * 500_000}", {}),
    ("<row/>", {"strings": "<z>" * 500_000}),
    ("<row/>", {"styles": f"<z>{' ' * (16 << 20)}</z>"}),
    ("<row/>", {"styles": FORMAT.format("[" * 100_000, ONE)}),
    ("<row/>", {"styles": FORMAT.format("0", ONE * 100_001)}),
])
def test_workbook__that_is_made_to_grow_is_refused_within_bounds(
    sheet: str, more: dict[str, str]
) -> None:
    """A few bytes that are packed may be told to become gigabytes, or hours."""
    file = workbook_of(sheet.replace("<row/>", f"<row>{CELL}</row>"), **more)
    began = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(WorkbookDamaged, match="far too|follows"):
            rows_of(file)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 20


def test_part__that_is_of_no_use_is_not_held() -> None:
    tracemalloc.start()
    try:
        file = workbook_of("<row><c><v>1</v></c></row>", styles="<z/>" * 500_000)
        assert rows_of(file) == [["1"]]
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("cell", [
    "<c><v>某先生</v></c>", '<c t="s"><v>某先生</v></c>', '<c s="某先生"><v>1</v></c>',
    '<c r="某先生"/>'])
def test_damage__is_told_without_what_stands_in_the_cell(cell: str) -> None:
    """It may be personal, and many read what is wrong in a file."""
    with pytest.raises(WorkbookDamaged) as caught:
        rows_of(workbook_of(f"<row>{cell}</row>", strings="", styles=STYLES.format(code="0")))
    assert "某" not in str(caught.value)


# -- memory ----------------------------------------------------------------------------------------


def test_workbook__is_never_in_memory_as_a_whole() -> None:
    def highest(rows: int) -> int:
        sheet = "".join(f'<row><c t="s"><v>{number}</v></c><c><v>{number}</v></c></row>'
                        for number in range(rows))
        strings = "".join(f"<si><t>{'x' * 100}{number}</t></si>" for number in range(rows))
        file = workbook_of(sheet, strings=strings)
        del sheet, strings
        tracemalloc.start()
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("ledger.imports.strings.HELD_CHARACTERS", 1 << 14)
                for row in sheet_rows(file, "", "."):
                    assert row[0].endswith(row[1])
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = highest(3_000), highest(12_000)
    assert many < few * 1.5


def test_workbook__is_read_only_as_far_as_it_is_wanted() -> None:
    class Counted(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            self.taken += len(found)
            return found

    rows = "".join(f"<row><c t='s'><v>{number}</v></c></row>" for number in range(30_000))
    strings = "".join(f"<si><t>{hash(str(number))}</t></si>" for number in range(30_000))
    file = Counted(workbook_of(rows, strings=strings).getvalue())
    next(sheet_rows(file, "", "."))
    assert file.taken < len(file.getvalue()) / 2
