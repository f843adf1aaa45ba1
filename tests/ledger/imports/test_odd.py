"""Odd files: read where the profile has the line that allows it, else refused with that line."""

import csv
import gzip
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger.imports import profiles
from ledger.imports.amounts import MARKS
from ledger.imports.conditions import BARE
from ledger.imports.encodings import NAMES
from ledger.imports.file_schemas import KINDS, FieldSchema, FileSchema, MoneySchema, TimesSchema
from ledger.imports.profile import DELIMITERS, Profile
from ledger.imports.times import NAMED, TOKENS
from tests.support.shops import SAMPLES, Shop, codes, counts
from tests.support.source import ROOT
from tests.support.workbooks import save_workbook, workbook_of

ODD = ROOT / "../shared/faults/imports/odd"
HEADER = "order,total,placed,remark\n"


def profile(*, formats: tuple[str, ...] = (), columns: dict[str, Any] | None = None,
            encodings: tuple[str, ...] = ("utf-8",), **file: Any) -> Profile:
    """The profile of the odd files, with lines added."""
    known = {"order": {"field": "number", "kind": "id", "required": True},
             "total": {"field": "total", "kind": "money", "required": True},
             "placed": {"field": "placed", "kind": "time", "required": True},
             "remark": {"field": "remark", "kind": "text", "personal": True}}
    raw = {"name": "odd", "version": 1, "channel": "odd", "shop": "odd",
           "money": {"currency": "CNY", "exponent": 2, "signs": ["¥"]},
           "times": {"zone": "Asia/Shanghai", "formats": ["%Y-%m-%d %H:%M:%S", *formats]},
           "encodings": list(encodings),
           "files": {"orders": {"columns": {**known, **(columns or {})}, **file}},
           "order": {"file": "orders", "number": "number", "remark": "remark",
                     "total_minor": "total", "placed": {"at": "placed"},
                     "declared": {"inferred_from": ["placed"]}}}
    return profiles.parse(yaml.safe_dump(raw, allow_unicode=True), "odd")


FILES: list[tuple[str, tuple[int, str, str] | None, dict[str, Any] | None]] = [
    ("ampm.csv", (2, "placed", "other_format"), {"formats": ("%Y-%m-%d %I:%M:%S %p",)}),
    ("dup_header.csv", (1, "remark", "doubled_column"), {"ignored": ["remark#2"]}),
    ("excel_serial.csv", (2, "placed", "other_format"), {"formats": ("excel",)}),
    ("iso_offset.csv", (2, "placed", "other_format"), {"formats": ("iso",)}),
    ("iso_z.csv", (2, "placed", "other_format"), {"formats": ("iso",)}),
    ("semicolon.csv", (1, "", "other_layout"), {"delimiter": "semicolon"}),
    ("tab.tsv", (1, "", "other_layout"), {"delimiter": "tab"}),
    ("title_rows.csv", (1, "", "other_layout"), {"header_row": 3}),
    ("total_row.csv", (3, "order", "total_row"), {"ignored_rows": [{"order": "equals 合计"}]}),
    ("two_digit_year.csv", (2, "placed", "other_format"), {"formats": ("%y-%m-%d %H:%M:%S",)}),
    ("utf16le.csv", (1, "", "wrong_encoding"), {"encodings": ("utf-8", "utf-16")}),
    ("fullwidth_amount.csv", None, {}),
    ("parenthesis.csv", (2, "total", "negative"), {"columns": {
        "total": {"field": "total", "kind": "money", "negative": True}}}),
    ("rounded_id.csv", (2, "order", "rounded"), None),
    ("zero_width.csv", (2, "order", "invisible"), None),
]
"""Each odd file, its fault, and what a profile says that allows it; None where nothing does."""


@pytest.mark.skipif(not ODD.exists(), reason=f"no odd files at {ODD}")
def test_odd_files__are_all_tried() -> None:
    assert {path.name for path in ODD.iterdir()} == {name for name, _, _ in FILES}


@pytest.mark.parametrize(("name", "refused", "more"), FILES)
@pytest.mark.skipif(not ODD.exists(), reason=f"no odd files at {ODD}")
def test_odd_file__is_read_with_the_line_that_allows_it(
    shop: Shop, name: str, refused: tuple[int, str, str] | None, more: dict[str, Any] | None
) -> None:
    if refused is not None:
        summary = shop.bring(ODD / name, profile=profile())
        row, column, code = refused
        assert (row, code) in [(row, code) for row, _, code in codes(summary)]
        assert column in [fault.column for fault in summary.faults if fault.code == code]
        assert shop.log() == []
    if more is not None:
        assert counts(shop.bring(ODD / name, profile=profile(**more))) == (1, 1, 0, 0)


# -- the same table in other files -----------------------------------------------------------------


def as_csv_rows(path: Path) -> list[list[str]]:
    """The rows of a sample."""
    with path.open(encoding="gb18030", newline="") as file:
        return list(csv.reader(file))


def test_workbook__gives_the_events_of_its_csv_and_brings_nothing_after_it(shop: Shop) -> None:
    path = SAMPLES / "taobao/ExportOrderList202608312359.csv"
    rows = as_csv_rows(path)
    book = save_workbook(shop.folder / "orders.xlsx", rows)
    first = shop.bring(book, profile="taobao-orders")
    assert (first.accepted, first.rejected) == (first.rows, 0)
    events = [(entry.type, entry.stream, entry.payload) for entry in shop.log()
              if not entry.type.startswith("import.")]
    again = shop.bring(path, profile="taobao-orders")
    assert (again.rows, again.duplicates, again.events) == (first.rows, first.rows, 0)
    with_keys = {(kind, stream) for kind, stream, _ in events}
    assert len(with_keys) > first.rows


def test_gz__gives_what_is_in_it(shop: Shop) -> None:
    text = (HEADER + "A1,35.00,2026-09-01 10:00:00,x\n").encode()
    plain, packed = shop.folder / "a.csv", shop.folder / "a.csv.gz"
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    assert counts(shop.bring(packed, profile=profile())) == (1, 1, 0, 0)
    assert counts(shop.bring(plain, profile=profile())) == (1, 0, 0, 1)


@pytest.mark.parametrize("rows", [1, 2_000])
def test_workbook__that_breaks_off_is_refused_whole(shop: Shop, rows: int) -> None:
    header = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>'
                     for name in HEADER.strip().split(","))
    good = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
                   for cell in ("A1", "35.00", "2026-09-01 10:00:00", "x"))
    path = shop.folder / "a.xlsx"
    path.write_bytes(workbook_of(
        f"<row>{header}</row>{f'<row>{good}</row>' * rows}<row r='1'/>").getvalue())
    summary = shop.bring(path, profile=profile(), policy="reject_failed_rows")
    (row, _, code), = codes(summary)
    assert (code, row > 0) == ("bad_workbook", rows > 1)
    assert shop.log() == []


def test_number__of_a_workbook_that_is_not_exact_is_not_an_id(shop: Shop) -> None:
    book = save_workbook(shop.folder / "a.xlsx", [
        HEADER.strip().split(","), [1000756800252750123, 35, "2026-09-01 10:00:00", "x"],
        [123456789012345, 35, "2026-09-01 10:00:00", "x"]])
    assert codes(shop.bring(book, profile=profile())) == [(2, "order", "mangled")]


# -- rows that are left out, and ids that differ in case ------------------------------------------


def test_rows_left_out__are_counted_in_a_warning(shop: Shop) -> None:
    path = shop.folder / "a.csv"
    path.write_text(HEADER + "#note\nA1,35.00,2026-09-01 10:00:00,x\n合计,35.00\n", "utf-8")
    summary = shop.bring(path, profile=profile(
        ignored_rows=[{"order": "begins #"}, {"order": "equals 合计"}]))
    assert counts(summary) == (1, 1, 0, 0)
    assert [(warning.row, warning.code) for warning in summary.warnings] == [(2, "rows_left_out")]


def test_total_row__rejected_even_where_all_of_it_could_be_read(shop: Shop) -> None:
    path = shop.folder / "a.csv"
    path.write_text(HEADER + "合计,35.00,2026-09-01 10:00:00,x\n", "utf-8")
    assert codes(shop.bring(path, profile=profile())) == [(2, "order", "total_row")]


def test_ids_that_differ_in_case__warn_with_both(shop: Shop) -> None:
    path = shop.folder / "a.csv"
    path.write_text(HEADER + "".join(f"{number},35.00,2026-09-01 10:00:00,x\n"
                                     for number in ("85123A", "85123a", "85123A")), "utf-8")
    summary = shop.bring(path, profile=profile())
    warning, = summary.warnings
    assert (warning.row, warning.column, warning.value, warning.code) == (
        3, "order", "85123a", "other_spelling")
    assert "85123A" in warning.reason


@pytest.mark.parametrize("rules", [
    {"ignored_rows": [{"nothing": "blank"}]}, {"ignored_rows": [{"order": "negative"}]},
    {"ignored_rows": [{}]}, {"delimiter": ","}, {"header_row": 0}, {"headers": "loose"},
    {"sheet": ""}, {"headers": "tolerant", "ignored": ["ORDER"]},
])
def test_profile__rejected_when_a_file_could_not_be_laid_out_so(rules: dict[str, Any]) -> None:
    with pytest.raises(profiles.InvalidProfile, match="orders"):
        profile(**rules)


# -- the page on profiles --------------------------------------------------------------------------


PAGE = (ROOT / "docs/profiles.md").read_text("utf-8")


def example(containing: str) -> Profile:
    """An example of the page, added to a profile of the three columns that it leaves out."""
    block = next(block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
                 if containing in block)
    raw = yaml.safe_load(block.replace("columns: {…}", "columns: {}"))
    base = {"name": "page", "version": 1, "channel": "page", "shop": "page",
            "money": {"currency": "CNY", "exponent": 2},
            "times": {"zone": "Asia/Shanghai", "formats": ["%Y-%m-%d %H:%M"]},
            "order": {"file": "orders", "number": "number", "total_minor": "total",
                      "discount_minor": "discount", "placed": {"at": "placed"}}}
    columns = {"Nr": {"field": "number", "kind": "id"}, "Zeit": {"field": "placed", "kind": "time"},
               "Betrag": {"field": "total", "kind": "money"},
               "Rabatt": {"field": "discount", "kind": "money"}}
    raw["files"]["orders"]["columns"] = {**columns, **raw["files"]["orders"]["columns"]}
    return profiles.parse(yaml.safe_dump({**base, **raw}, allow_unicode=True), "page")


def test_page__example_of_a_layout_reads_what_it_says(shop: Shop) -> None:
    path = shop.folder / "a.csv"
    path.write_text("书店订单\n2026\nＮＲ;zeit;betrag ;Rabatt\nA1;2026-09-01 10:00;35.00;1\n"
                    "总计;;35.00;1\n导出时间：2026-09-02\n", "utf-8")
    summary = shop.bring(path, profile=example("header_row: 3"))
    assert (counts(summary), codes(summary)) == ((1, 1, 0, 0), [])
    assert [warning.row for warning in summary.warnings] == [5]


def test_page__example_of_cells_reads_what_it_says(shop: Shop) -> None:
    path = shop.folder / "a.csv"
    path.write_text("Nr,Zeit,Betrag,Rabatt,Währung,Bezahlt am\n"
                    'A1,01.09.2026 10:00,"1.234,50 €",,EUR,46266.5\n'
                    'A2,2026-09-01T10:00:00Z,"1,00","1,00",eur,01.09.26\n', "utf-8")
    profile = example("decimal: comma")
    assert counts(shop.bring(path, profile=profile)) == (2, 2, 0, 0)
    path.write_text(path.read_text("utf-8").replace("EUR", "USD"), "utf-8")
    assert codes(shop.bring(path, profile=profile)) == [(2, "Währung", "other_currency")]


def test_page__names_every_key_and_choice_of_files_cells_money_and_times() -> None:
    keys = [*FieldSchema().fields, *FileSchema().fields, *MoneySchema().fields,
            *TimesSchema().fields, *NAMES, *TOKENS, *NAMED, *DELIMITERS, *MARKS, *KINDS, *BARE]
    assert [key for key in keys if f"`{key}" not in PAGE and f"{key}`" not in PAGE] == []
