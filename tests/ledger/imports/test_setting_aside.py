"""Rows that were not taken: which are kept, as they were, and which cells may be personal."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.imports import profiles
from ledger.imports.choices import REJECT_FAILED_ROWS
from ledger.imports.faulty_rows import Kept
from ledger.imports.faulty_rows import kept as kept_of
from ledger.imports.profile import Profile
from ledger.log.side_file import SideFile, SideFileUnusable, side_file_at
from tests.support.shops import SAMPLES, Shop, order
from tests.support.workbooks import save_workbook

LINES = "订单号,下单时间,SKU,数量,单价,收件人"


@pytest.fixture
def side_file(shop: Shop, tmp_path: Path) -> Iterator[SideFile]:
    found = side_file_at(tmp_path / "x.imports.db", shop.opened.keys, days=30)
    yield found
    found.close()


def kept(shop: Shop, side_file: SideFile, *files: Path, **more: Any) -> Kept:
    summary = shop.bring(*files, side_file=side_file, **more)
    ledger = shop.opened.ledger
    return kept_of(side_file, ledger.id, summary.import_id, now=ledger.clock.wall())


def by_lines() -> Profile:
    return profiles.parse("""
name: lines
version: 1
about: One row a line.
channel: own
shop: ours
money: {currency: CNY, exponent: 2}
times: {zone: Asia/Shanghai, formats: ["%Y-%m-%d %H:%M"]}
files:
  orders:
    columns:
      订单号: {field: number, kind: id, required: true}
      下单时间: {field: placed, kind: time}
      SKU: {field: sku, kind: id}
      数量: {field: quantity, kind: integer}
      单价: {field: price, kind: money}
      收件人: {field: recipient, kind: text, personal: true}
    ignored: [备注]
order:
  file: orders
  number: number
  recipient: recipient
  placed: {at: placed}
  lines: {of: orders, sku: sku, quantity: quantity, unit_price: price}
""", "lines")


def test_rows__of_an_order_come_along_with_the_one_that_has_a_fault(
    shop: Shop, side_file: SideFile
) -> None:
    """Who mends a line and imports what came back must not get an order of one line."""
    path = shop.file(["1,2026-01-01 10:00,A,1,1.00,甲,x", "2,2026-01-01 10:00,A,1,1.00,乙,x",
                      "1,2026-01-01 10:00,B,many,1.00,甲,y", "3,2026-01-01 10:00,C,1,1.00,丙,x",
                      "1,2026-01-01 10:00,C,1,1.00,甲,"], header=LINES + ",备注")
    found = kept(shop, side_file, path, profile=by_lines(), policy=REJECT_FAILED_ROWS)
    assert found.columns["export.csv"].personal == [5, 6]  # and what nobody reads
    rows = list(found.rows)
    assert [(row.row, row.cells[2], [fault.code for fault in row.faults]) for row in rows] == [
        (2, "A", []), (4, "B", ["not_integer"]), (6, "C", [])]
    assert rows[1].cells == ["1", "2026-01-01 10:00", "B", "many", "1.00", "甲", "y"]


def test_rows__of_a_workbook_are_those_of_its_csv(
    shop: Shop, side_file: SideFile, tmp_path: Path
) -> None:
    lines = ["1,2026-01-01 10:00,A,many,1.00,甲", "2,2026-01-01 10:00,A,1,1.00,"]
    of_csv = kept(shop, side_file, shop.file(lines, header=LINES), profile=by_lines())
    book = save_workbook(tmp_path / "book.xlsx", [row.split(",") for row in (LINES, *lines)])
    of_book = kept(shop, side_file, book, profile=by_lines())
    assert list(of_csv.columns.values()) == list(of_book.columns.values())
    assert [(row.row, row.cells) for row in of_csv.rows] == [
        (row.row, row.cells) for row in of_book.rows]


def test_rows__of_two_files_of_one_name_are_named_apart(
    shop: Shop, side_file: SideFile, tmp_path: Path
) -> None:
    """Two months lie in two folders, and their columns stand in another order: what is personal is
    masked where it stands, and each row has its own faults alone."""
    for folder in ("01", "02"):
        (tmp_path / folder).mkdir()
    first = shop.file(["1,2026-01-01 10:00,A,many,1.00,甲", "2,2026-01-01 10:00,A,1,1.00,乙"],
                      "01/a.csv", header=LINES)
    other = shop.file(["丙,3,2026-01-01 10:00,A,1,1.00", "丁,4,2026-01-01 10:00,A,1,x"],
                      "02/a.csv", header="收件人,订单号,下单时间,SKU,数量,单价")
    found = kept(shop, side_file, first, other, profile=by_lines(), policy=REJECT_FAILED_ROWS)
    assert {name: columns.personal for name, columns in found.columns.items()} == {
        "a.csv": [5], "a.csv#2": [0]}
    assert [(row.file, row.row, [fault.code for fault in row.faults]) for row in found.rows] == [
        ("a.csv", 2, ["not_integer"]), ("a.csv#2", 3, ["not_money"])]


@pytest.mark.parametrize("sample", sorted((SAMPLES / "broken").glob("*.csv")), ids=lambda p: p.stem)
def test_rows__of_every_broken_sample_have_all_its_faults(
    shop: Shop, side_file: SideFile, sample: Path
) -> None:
    found = kept(shop, side_file, sample, profile="taobao-orders")
    assert shop.summary is not None
    rows = list(found.rows)
    assert [fault for row in rows for fault in row.faults] == list(shop.summary.faults)
    assert [row.row for row in rows] == sorted(row.row for row in rows)


def test_rows__that_were_taken_are_not_kept(shop: Shop, side_file: SideFile) -> None:
    path = shop.file([order(1), order(2, total="x"), order(3)])
    assert [row.row for row in kept(shop, side_file, path).rows] == [3]
    assert [one["faults"] for one in shop.refused()] == [
        [{"file": "export.csv", "code": "not_money", "count": 1, "rows": ["3"]}]]
    again = kept(shop, side_file, path, policy=REJECT_FAILED_ROWS)
    assert [row.row for row in again.rows] == [3]
    assert shop.payloads("import.completed.v1") == [
        {"rows": 3, "accepted": 2, "rejected": 1, "duplicates": 0, "faults": [
            {"file": "export.csv", "code": "not_money", "count": 1, "rows": ["3"]}]}]


def test_refusal__is_recorded_once_for_the_same_faults(shop: Shop, side_file: SideFile) -> None:
    path = shop.file([order(1, total="x")])
    assert [shop.bring(path, side_file=side_file).events for _ in range(3)] == [1, 0, 0]
    assert shop.bring(path, side_file=side_file, dry_run=True).events == 0
    assert len(shop.refused()) == 1


def test_side_file__that_cannot_be_written_is_told_and_hinders_nothing(
    shop: Shop, side_file: SideFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-IMP-33: a full disk costs the rows, and neither the orders nor the list of imports."""
    def full(*_: object, **__: object) -> None:
        raise SideFileUnusable(path="x.imports.db", why=OSError(errno.ENOSPC, "the disk is full"))

    monkeypatch.setattr(side_file, "keep", full)
    monkeypatch.setattr(side_file, "begin", full)
    summary = shop.bring(shop.file([order(1), order(2, total="x")]), side_file=side_file,
                         policy=REJECT_FAILED_ROWS)
    assert (summary.accepted, summary.rejected) == (1, 1)
    assert [one.code for one in summary.warnings] == ["rows_not_kept"]
    refused = shop.bring(shop.file([order(3, total="x")], "b.csv"), side_file=side_file)
    assert [one.code for one in refused.warnings] == ["rows_not_kept"]
    assert len(shop.refused()) == 1
