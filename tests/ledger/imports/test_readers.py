"""From bytes to values: encodings, CSV, headers, and cells that a spreadsheet has touched."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.common.values import to_us
from ledger.imports import profiles
from ledger.imports.cells import converter
from ledger.imports.faults import HIDDEN, BadCell, RowFault
from ledger.imports.profiles import Field, Profile
from ledger.imports.readers import (
    LONGEST_ROW,
    Broken,
    RowReader,
    Source,
    identify,
    match_header,
    open_text,
    records,
)

TMALL = profiles.find("tmall-report")
TAOBAO = profiles.find("taobao-orders")
OLIST = profiles.find("olist")
NOW = to_us(datetime(2026, 11, 24, tzinfo=UTC))
HEADER = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额"


def value(text: str, kind: str = "text", *, profile: Profile = TMALL, **more: Any) -> Any:
    """What a cell means."""
    return converter(Field(field="it", kind=kind, **more), profile, NOW)(text)


def code(text: str, kind: str, **more: Any) -> str:
    """Why a cell is refused."""
    with pytest.raises(BadCell) as caught:
        value(text, kind, **more)
    return caught.value.code


# -- money ----------------------------------------------------------------------------------------


@given(st.integers(0, 10**15 - 1), st.sampled_from(["", "¥", "￥"]), st.sampled_from(["", "元"]),
       st.booleans(), st.sampled_from(["", "0", "000"]))
@example(17880, "", "", False, "")
def test_money__accepted_exactly(
    minor: int, before: str, after: str, grouped: bool, zeros: str
) -> None:
    amount = Decimal(minor).scaleb(-2)
    number = f"{amount:,.2f}" if grouped else f"{amount:.2f}"
    assert value(f"{before}{number}{zeros}{after}", "money") == minor


@pytest.mark.parametrize(("text", "minor"), [
    ("178.8", 17880), ("0.0", 0), ("7", 700), ("-0.00", 0), ('="12.50"', 1250), ("'12.50", 1250),
    (" 35.00\u3000", 3500), ("", None), ("1,234.5元", 123450), ("188320.0", 18832000),
])
def test_money__accepted_as_exports_write_it(text: str, minor: int | None) -> None:
    assert value(text, "money") == minor


@pytest.mark.parametrize(("text", "why"), [
    ("三十五元", "not_money"), ("abc", "not_money"), ("1.5E+3", "not_money"), ("1,23", "not_money"),
    ("12,34.00", "not_money"), (".5", "not_money"), ("5.", "not_money"), ("nan", "not_money"),
    ("１２", "not_money"), ("1 2", "not_money"), ("9" * 16, "not_money"), ("--1", "not_money"),
    ("35.005", "too_many_decimals"), ("0.001", "too_many_decimals"), ("-35.00", "negative"),
])
def test_money__rejected(text: str, why: str) -> None:
    assert code(text, "money") == why


@given(st.integers(0, 10**9), st.integers(3, 8))
def test_money__rejected_rather_than_rounded(minor: int, decimals: int) -> None:
    assert code(f"{Decimal(minor).scaleb(-2):.2f}".ljust(decimals, "0") + "0001", "money") \
        == "too_many_decimals"


# -- numbers, ids, texts, choices -----------------------------------------------------------------


@pytest.mark.parametrize(("text", "found"), [
    ('="994109261320502953"', "994109261320502953"), ("'15400009000", "15400009000"),
    ('=""', None), ("'", None), ("994109261320502953\t", "994109261320502953"), ("A-7", "A-7"),
    ("1e3f", "1e3f"), ("007", "007"),
])
def test_id__accepted_without_its_protection(text: str, found: str | None) -> None:
    assert value(text, "id") == found


@pytest.mark.parametrize("text", ["1.23E+17", "9.94e17", '="1E+5"', "17850.0", "#REF!", "#N/A"])
def test_id__rejected_when_a_spreadsheet_changed_it(text: str) -> None:
    assert code(text, "id") == "mangled"


def test_id__accepted_as_a_float_where_the_profile_says_so() -> None:
    assert value("17850.0", "id", float_id=True) == "17850"
    assert value("9121", "id", pad=5) == "09121"


@pytest.mark.parametrize(("text", "found"), [("3", 3), ("-0", 0), ("'4", 4), ("", None)])
def test_integer__accepted(text: str, found: int | None) -> None:
    assert value(text, "integer") == found


@pytest.mark.parametrize(("text", "why"), [
    ("1.0", "not_integer"), ("two", "not_integer"), ("-3", "negative"), ("٣", "not_integer"),
])
def test_integer__rejected(text: str, why: str) -> None:
    assert code(text, "integer") == why


def test_text__accepted_trimmed_of_wide_blanks() -> None:
    assert value("\u3000请尽快 发货 ") == "请尽快 发货"
    assert value("'90s") == "'90s"
    assert value("订单未关闭", blank=("订单未关闭",)) is None


def test_choice__accepted_or_rejected() -> None:
    values = {"交易成功": "completed", "等待买家付款": ""}
    assert value("交易成功", "choice", values=values) == "completed"
    assert value("等待买家付款", "choice", values=values) is None
    assert code("处理中", "choice", values=values) == "unknown_value"
    assert value("处理中", "choice", values=values, otherwise="") is None
    assert value("上海 上海市 杨浦区", "choice", values={"上海": "上海"}, first_word=True) == "上海"


def test_cell__rejected_when_empty_but_required() -> None:
    assert code('=""', "money", required=True) == "empty"


# -- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "utc"), [
    ("2026-08-31 22:01:47", datetime(2026, 8, 31, 14, 1, 47, tzinfo=UTC)),
    ("2026/8/31 21:23", datetime(2026, 8, 31, 13, 23, tzinfo=UTC)),
    ("2026/8/3 9:12", datetime(2026, 8, 3, 1, 12, tzinfo=UTC)),
])
def test_time__accepted_in_several_formats(text: str, utc: datetime) -> None:
    assert value(text, "time", profile=TAOBAO) == [to_us(utc), text]


def test_time__accepted_as_the_earlier_when_ambiguous() -> None:
    found = value("2018-02-17 23:30:00", "time", profile=OLIST)
    assert found[0] == to_us(datetime(2018, 2, 18, 1, 30, tzinfo=UTC))


@pytest.mark.parametrize("text", [
    "2026-02-30 10:00:00", "2026/13/5 9:12", "昨天下午", "2026-08-31", "2026-08-31T22:01:47",
    "2026-08-31 22:01:47+08:00", "2026-W05-1 00:00:00", "２026-08-31 22:01:47",
    "1969-12-31 00:00:00", "0000-01-01 00:00:00", "2026-08-31 24:00:00",
])
def test_time__rejected(text: str) -> None:
    assert code(text, "time", profile=TAOBAO) == "not_time"


def test_time__rejected_when_in_the_future() -> None:
    assert code("2027-01-01 00:00:00", "time") == "in_future"


# -- encodings ------------------------------------------------------------------------------------


def source(folder: Path, raw: bytes, encodings: tuple[str, ...] = ("utf-8", "gb18030")) -> Source:
    """A file with these bytes, identified."""
    path = folder / "export.csv"
    path.write_bytes(raw)
    return identify(path, encodings)


def rows(found: Source) -> list[Any]:
    """All rows of a file, the header too."""
    text, _ = open_text(found)
    with text:
        return list(records(text))


@pytest.mark.parametrize(("encoding", "known"), [
    ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gbk", "gb18030"), ("gb18030", "gb18030"),
])
def test_encoding__accepted(tmp_path: Path, encoding: str, known: str) -> None:
    found = source(tmp_path, f"{HEADER}\r\n1,上海\r\n".encode(encoding))
    assert found.encoding == known
    assert found.fault is None
    assert rows(found) == [HEADER.split(","), ["1", "上海"]]


def test_encoding__accepted_when_a_character_lies_across_two_chunks(tmp_path: Path) -> None:
    raw = b"x" * ((1 << 20) - 1) + "上海".encode()
    assert source(tmp_path, raw).encoding == "utf-8"


@pytest.mark.parametrize(("raw", "row", "offset"), [
    ("甲,乙\r\n".encode("gbk") + b"1,\xff\xfe\r\n", 2, 9),
    ("甲,乙\r\n1,2\r\n".encode("gbk") + b"\xff,2\r\n", 3, 12),
    ("甲,乙\r\n".encode("gbk") + b'"1\r\n2",\xff\r\n', 2, 14),
    ("\ufeff甲,乙\r\n1,2\r\n".encode() + b"3,\x80\r\n", 3, 19),
    (b"\xff", 1, 0),
])
def test_encoding__rejected_with_byte_and_row(
    tmp_path: Path, raw: bytes, row: int, offset: int
) -> None:
    fault = source(tmp_path, raw).fault
    assert fault is not None
    assert (fault.row, fault.code, fault.rule) == (row, "wrong_encoding", "R-IMP-03")
    assert f"byte {offset} " in fault.reason


def test_encoding__rejected_with_a_hint_when_utf_16(tmp_path: Path) -> None:
    fault = source(tmp_path, "甲,乙\r\n".encode("utf-16")).fault
    assert fault is not None
    assert "UTF-16" in fault.reason


def test_encoding__rejected_when_half_a_surrogate_pair_is_encoded(tmp_path: Path) -> None:
    raw = b"a,b\r\n1,\xed\xa0\xbd\r\n"
    fault = source(tmp_path, raw, ("utf-8",)).fault
    assert fault is not None
    assert (fault.row, fault.code) == (2, "wrong_encoding")


def test_identify__rejected_when_there_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        fault = identify(path, ("utf-8",)).fault
        assert fault is not None
        assert fault.code == "not_a_file"


# -- rows -----------------------------------------------------------------------------------------


def test_rows__accepted_with_quoted_commas_and_line_breaks(tmp_path: Path) -> None:
    raw = b'a,b\r\n="12","x, ""y""\r\nz"\r\n\r\n3,4'
    assert rows(source(tmp_path, raw)) == [["a", "b"], ['="12"', 'x, "y"\r\nz'], [], ["3", "4"]]


@pytest.mark.parametrize("raw", [b'a\n"x" y\n2\n', b'a\n"x\n', b'a\n1,"2'])
def test_rows__rejected_when_quotes_do_not_pair(tmp_path: Path, raw: bytes) -> None:
    found = rows(source(tmp_path, raw))
    assert isinstance(found[1], Broken)
    assert found[1].code == "bad_quotes"


def test_rows__rejected_when_endless_and_read_on_behind(tmp_path: Path) -> None:
    raw = b"a\n" + b"x" * (3 * LONGEST_ROW) + b"\n2\n" + b"y" * 200_000 + b"\n3\n"
    found = rows(source(tmp_path, raw))
    assert [one if isinstance(one, list) else one.code for one in found] == [
        ["a"], "row_too_long", ["2"], "row_too_long", ["3"]]


# -- headers and rows of a profile ----------------------------------------------------------------


def header_faults(tmp_path: Path, header: str, profile: Profile = TMALL) -> set[tuple[str, str]]:
    """(code, column) of what is wrong in a header."""
    found = source(tmp_path, b"")
    matched = match_header(header.split(","), found, profile, NOW)
    return {(fault.code, fault.column) for fault in matched.faults}


def test_header__accepted_with_blanks_and_mark(tmp_path: Path) -> None:
    assert header_faults(tmp_path, "\ufeff" + HEADER) == set()
    assert header_faults(tmp_path, HEADER + ",") == set()
    assert header_faults(tmp_path, ",".join(reversed(HEADER.split(",")))) == set()


def test_header__rejected_with_every_column(tmp_path: Path) -> None:
    header = HEADER.replace("总金额", "颜色").replace("退款金额", "订单编号")
    assert header_faults(tmp_path, header) == {
        ("missing_column", "总金额"), ("missing_column", "退款金额"),
        ("unknown_column", "颜色"), ("doubled_column", "订单编号")}


def test_header__tells_the_kinds_of_files_apart(tmp_path: Path) -> None:
    found = source(tmp_path, b"")
    for file in OLIST.files:
        cells = [*file.columns, *file.ignored]
        assert match_header(cells, found, OLIST, NOW).file is file


def read(tmp_path: Path, line: str) -> tuple[list[object], list[RowFault]]:
    """The values and faults of one row of the Tmall report."""
    found = source(tmp_path, b"")
    reader = RowReader(match_header(HEADER.split(","), found, TMALL, NOW), found)
    return reader.read(7, line.split(","))


def test_row__accepted(tmp_path: Path) -> None:
    values, faults = read(tmp_path, "6,327.7,148.9,浙江省,2020-02-20 23:56:39,,178.8")
    assert faults == []
    assert values[:4] == ["6", 32770, 14890, "浙江省"]
    assert values[5:] == [None, 17880]


def test_row__rejected_with_all_its_faults_and_no_personal_value(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "1E+5,x,1,某人的完整地址,2020-02-30 00:00:00,,-1")
    assert [(fault.row, fault.column, fault.value, fault.code) for fault in faults] == [
        (7, "订单编号", "1E+5", "mangled"), (7, "总金额", "x", "not_money"),
        (7, "收货地址", HIDDEN, "unknown_value"),
        (7, "订单创建时间", "2020-02-30 00:00:00", "not_time"), (7, "退款金额", "-1", "negative")]


@pytest.mark.parametrize(("line", "why"), [("1,2", "too_few_cells"), ("1," * 9, "too_many_cells")])
def test_row__rejected_when_its_width_differs(tmp_path: Path, line: str, why: str) -> None:
    values, faults = read(tmp_path, line)
    assert values == []
    assert [fault.code for fault in faults] == [why]
