"""From the header of a file to the kind of file that it is."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger.common.values import to_us
from ledger.imports import profiles
from ledger.imports.faults import HIDDEN
from ledger.imports.headers import find_header, match_header
from ledger.imports.profile import Profile
from ledger.imports.sources import Source, identify

TMALL = profiles.find("tmall-report")
OLIST = profiles.find("olist")
NOW = to_us(datetime(2026, 11, 24, tzinfo=UTC))
HEADER = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额"


def header_faults(header: str) -> set[tuple[str, str]]:
    """(code, column) of what is wrong in a header of the Tmall report."""
    matched = match_header(lambda _: header.split(","), _any_source(), TMALL, latest_us=NOW)
    return {(fault.code, fault.column) for fault in matched.faults}


def _any_source() -> Source:
    return Source(Path("export.csv"), "export.csv", 0, "utf-8")


def test_header__accepted_with_blanks_and_mark() -> None:
    assert header_faults("\ufeff" + HEADER) == set()
    assert header_faults(HEADER + ",") == set()
    assert header_faults(",".join(reversed(HEADER.split(",")))) == set()


def test_header__rejected_with_every_column() -> None:
    header = HEADER.replace("总金额", "颜色").replace("退款金额", "订单编号")
    assert header_faults(header) == {
        ("missing_column", "总金额"), ("missing_column", "退款金额"),
        ("unknown_column", HIDDEN), ("doubled_column", "订单编号")}


def test_header__tells_the_kinds_of_files_apart() -> None:
    for file in OLIST.files:
        cells = [*file.columns, *file.ignored]
        found = match_header(lambda _, cells=cells: cells, _any_source(), OLIST, latest_us=NOW)
        assert found.file is file


# -- files that are laid out otherwise -------------------------------------------------------------


def profile(**file: Any) -> Profile:
    """A profile with three columns, and more that is said of its file."""
    raw = {
        "name": "kiosk", "version": 1, "channel": "kiosk", "shop": "corner",
        "money": {"currency": "EUR", "exponent": 2},
        "times": {"zone": "Europe/Berlin", "formats": ["%d.%m.%Y"]},
        "files": {"sales": {"columns": {
            "Nr": {"field": "number", "kind": "id", "required": True},
            "Zeit": {"field": "at", "kind": "time", "required": True},
            "Summe": {"field": "sum", "kind": "money"}}, **file}},
        "order": {"file": "sales", "number": "number", "placed": {"at": "at"},
                  "total_minor": "sum"}}
    return profiles.parse(yaml.safe_dump(raw, allow_unicode=True), "kiosk")


def found(folder: Path, text: str, known: Profile) -> list[tuple[int, str, str]]:
    """(row, code, reason) of what is wrong with the header of a file."""
    path = folder / "export.csv"
    path.write_text(text, "utf-8", newline="")
    header = find_header(identify(path, ("utf-8",)), known, latest_us=NOW)
    return [(fault.row, fault.code, fault.reason) for fault in header.faults]


@pytest.mark.parametrize(("text", "keys"), [
    ("Nr\tZeit\tSumme\n1\t1.9.2026\t2\n", {"delimiter": "tab"}),
    ("Nr;Zeit;Summe\n", {"delimiter": "semicolon"}),
    ("Nr|Zeit|Summe\n", {"delimiter": "pipe"}),
    ("Orders\n\nNr,Zeit,Summe\n", {"header_row": 3}),
    ("a;b\n;;\nNr;Zeit;Summe\n", {"delimiter": "semicolon", "header_row": 3}),
    ("NR , ｚｅｉｔ,Sum me\n", {"headers": "tolerant"}),
    ("x\nNR|ZEIT|SUMME\n", {"delimiter": "pipe", "header_row": 2, "headers": "tolerant"}),
])
def test_layout__rejected_with_the_lines_that_would_read_it(
    tmp_path: Path, text: str, keys: dict[str, Any]
) -> None:
    (row, code, reason), = found(tmp_path, text, profile())
    assert (row, code) == (1, "other_layout")
    for key, value in keys.items():
        assert f"`{key}: {value}`" in reason
    assert found(tmp_path, text, profile(**keys)) == []


def test_layout__that_reads_more_names_what_is_still_wrong(tmp_path: Path) -> None:
    codes = [code for _, code, _ in found(tmp_path, "Nr;Zeit;Total\n", profile())]
    assert codes == ["other_layout", "missing_column", "unknown_column"]


def test_separator__that_a_file_names_itself_needs_no_line(tmp_path: Path) -> None:
    assert found(tmp_path, "sep=;\r\nNr;Zeit;Summe\r\n", profile()) == []


def test_doubled_column__is_called_by_its_place(tmp_path: Path) -> None:
    text = "Nr,Zeit,Summe,Summe,Summe\n"
    assert [code for _, code, _ in found(tmp_path, text, profile())] == ["doubled_column"]
    assert found(tmp_path, text, profile(ignored=["Summe#2", "Summe#3"])) == []
    columns = {"Nr": {"field": "number", "kind": "id"}, "Zeit": {"field": "at", "kind": "time"},
               "Summe": {"field": "net", "kind": "money"},
               "Summe#2": {"field": "sum", "kind": "money"}}
    (tmp_path / "export.csv").write_text("Nr,Zeit,Summe,Summe\n", "utf-8")
    header = find_header(identify(tmp_path / "export.csv", ("utf-8",)), profile(columns=columns),
                         latest_us=NOW)
    assert {(column.name, column.place) for column in header.columns} == {
        ("Nr", 0), ("Zeit", 1), ("Summe", 2), ("Summe#2", 3)}


@pytest.mark.parametrize("text", ["", "\n\n", ",,\n"])
def test_header__rejected_when_there_is_none(tmp_path: Path, text: str) -> None:
    assert [code for _, code, _ in found(tmp_path, text, profile())] == ["empty_file"]
