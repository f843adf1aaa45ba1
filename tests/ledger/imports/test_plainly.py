"""What is found without the parser is what the parser finds, however a workbook is written."""

import io
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any
from xml.parsers.expat import ExpatError
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.imports import plainly, workbooks
from ledger.imports.elements import WorkbookDamaged
from ledger.imports.plainly import ROWS, STRINGS, Kind, Piece, pieces
from ledger.imports.workbooks import sheet_rows
from tests.support.workbooks import workbook_of

CELLS = st.sampled_from([
    '<c r="A{n}" t="inlineStr"><is><t>上海 a</t></is></c>', '<c r="B{n}" s="1"><v>45000.5</v></c>',
    '<c r="B{n}"/>', '<c r="C{n}" t="s"><v>1</v></c>', '<c r="C{n}" t="s"><v>77</v></c>',
    '<c r="AB{n}" t="str"><f>A1&amp;B1</f><v>x</v></c>', '<c r="D{n}" t="b"><v>1</v></c>',
    '<c r="A{n}"><v>1.50</v></c>', '<c r="D{n}" s="0" t="n"><v></v></c>', "<c><v>3</v></c>",
    '<c r="E{n}" t="inlineStr"><is><t xml:space="preserve"> &lt; _x0041_</t></is></c>',
    '<c r="F{n}" t="inlineStr"><is><r><t>rich</t></r><rPh sb="0" eb="1"><t>no</t></rPh></is></c>',
    '<c t="str" r="G{n}"><v>turned</v></c>', '<c r="H{n}"><f>SUM(A1)</f><v>4</v></c>',
    '<c r="I{n}" t="e"><v>#REF!</v></c>', '<c r="J{n}"><v>no number</v></c>',
    '<c r="XFE{n}"><v>1</v></c>', '<c r="K{n}" t="inlineStr"><is><t>a]]>b</t></is></c>',
    '<c r="L{n}" t="inlineStr"><is><t>a\r\nb\tc</t></is></c>', "<!-- </row> -->", "<?a </row> ?>",
    '<c r="M{n}" r="N{n}"><v>1</v></c>', '<c r="O{n}" t="inlineStr"><is><t>\x01</t></is></c>',
    '<c r="P{n}" t="inlineStr"><is><t><![CDATA[</row>]]></t></is></c>',
])
ROW = st.tuples(
    st.sampled_from(['<row r="{n}">', '<row r="{n}">\n', "<row>",
                     '<row r="{n}" spans="1:9" ht="1.5">', '\n <row r="{n}" x:y="1">',
                     '<row r="{n}" a="1" a="2">', '<row r="1">']),
    st.lists(CELLS, max_size=4), st.sampled_from(["</row>"] * 8 + ["", "</row >", "</c></row>"]))
SHEETS = st.lists(ROW, max_size=6).map(lambda rows: "".join(
    (before + "".join(cells) + after).replace("{n}", str(number))
    for number, (before, cells, after) in enumerate(rows, 1)))
STRINGS_OF = st.lists(st.sampled_from([
    "<si><t>one</t></si>", '<si><t xml:space="preserve"> 二 </t></si>', "<si><t/></si>",
    "<si><r><t>ri</t></r><r><t>ch</t></r></si>", "<si><t>a &amp; b</t></si>",
    "<si><t>_x0041_</t></si>",
    "<si><t>kana</t><rPh><t>no</t></rPh></si>", "<!-- </si> -->", "<si><t>]]></t></si>", "<si>",
]), max_size=5).map("".join)
CUTS = st.one_of(st.none(), st.tuples(st.integers(0, 10**6), st.sampled_from(
    ["", "<", "&", '"', "</row>", "<row", "\x0b", "\ufffe"])))


def cut(text: str, at: tuple[int, str] | None) -> str:
    """A text with something in place of one of its characters."""
    if at is None or not text:
        return text
    place = at[0] % len(text)
    return text[:place] + at[1] + text[place + 1:]


def of_sheet(sheet: str) -> Any:
    """The rows of a sheet, or that it is damaged."""
    try:
        return list(sheet_rows(workbook_of(sheet, strings="<si><t>a</t></si>" * 2), "", "."))
    except WorkbookDamaged:
        return WorkbookDamaged


def of_strings(strings: str) -> Any:
    """The shared strings of a workbook, or that they are damaged."""
    with ZipFile(workbook_of("", strings=strings)) as book:
        try:
            return list(workbooks._strings(book))
        except (WorkbookDamaged, ExpatError):
            return WorkbookDamaged


def without(content: Any, kind: Kind) -> Iterator[Piece]:
    """Everything is for the parser."""
    yield Piece([], content.read())


def both(read: Callable[[str], Any], text: str, piece: int) -> tuple[Any, Any]:
    """What is read of a text, and what the parser alone reads of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plainly, "PIECE", piece)
        quick = read(text)
        patch.setattr(plainly, "pieces", without)
        return quick, read(text)


SIZES = st.sampled_from([7, 100, 1 << 16])


@given(SHEETS, CUTS, SIZES)
def test_sheet__is_read_as_the_parser_reads_it(sheet: str, at: Any, piece: int) -> None:
    quick, parsed = both(of_sheet, cut(sheet, at), piece)
    assert quick == parsed


@given(STRINGS_OF, CUTS, SIZES)
def test_strings__are_read_as_the_parser_reads_them(strings: str, at: Any, piece: int) -> None:
    quick, parsed = both(of_strings, cut(strings, at), piece)
    assert quick == parsed


def parts(text: str, kind: Kind) -> tuple[int, bytes]:
    """How many are found in a part of a workbook, and what is for the parser."""
    found = list(pieces(io.BytesIO(text.encode()), kind))
    return sum(len(one.found) for one in found), b"".join(one.rest for one in found)


def test_plain__is_what_spreadsheets_write() -> None:
    row = ('<row r="{}" spans="1:3" x14ac:dyDescent="0.2"><c r="A1" s="3" t="s"><v>0</v></c>'
           '<c r="B1" s="2"/><c r="C1" t="inlineStr"><is><t>x</t></is></c></row>')
    many = "".join(row.format(number) for number in range(1, 2001))
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<worksheet><sheetData>'
    tail = "</sheetData></worksheet>"
    assert parts(head + many + tail, ROWS) == (2000, (head + tail).encode())
    newer = many.replace('"><c r="A1"', '">\n<c r="A1"').replace("</row>", "</row>\n")
    assert parts(head + newer + tail, ROWS) == (2000, (head + "\n" + tail).encode())
    head, tail = '<sst count="2" uniqueCount="2">', "</sst>"
    assert parts(head + "<si><t>甲</t></si>" * 2 + tail, STRINGS) == (2, (head + tail).encode())


@pytest.mark.parametrize("head", [
    '<?xml version="1.0" encoding="GBK"?><worksheet><sheetData>', "<worksheet><!-- <sheetData>",
    "<x:worksheet><x:sheetData>", "<worksheet>", "<worksheet><sheetData><other>"])
def test_head__that_leaves_a_doubt_leaves_all_to_the_parser(head: str) -> None:
    text = head + '<row r="1"></row>'
    assert parts(text, ROWS) == (0, text.encode())


def test_row__with_very_long_attributes_is_for_the_parser() -> None:
    """They are not kept in memory, one beside the other."""
    text = f'<worksheet><sheetData><row r="1" a="{"x" * 1000}"></row>'
    assert parts(text, ROWS) == (0, text.encode())


def test_head__that_is_long_takes_no_memory_of_its_own() -> None:
    head = "<worksheet>" + "<a b='c'/>" * 90_000 + "<sheetData>"
    tracemalloc.start()
    found = parts(head + '<row r="1"></row>', ROWS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == (1, head.encode())
    assert peak < 10 * len(head)


def test_row__that_never_ends_is_for_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not gathered in memory."""
    monkeypatch.setattr(plainly, "LONGEST", 100)
    monkeypatch.setattr(plainly, "PIECE", 10)
    text = "<worksheet><sheetData><row r=\"1\">" + "x" * 1000
    found = list(pieces(io.BytesIO(text.encode()), ROWS))
    assert max(len(one.rest) for one in found) < 200
    assert b"".join(one.rest for one in found) == text.encode()
