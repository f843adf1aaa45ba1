"""Files whose rows are lines: orders, returns, slips and counts made of several rows."""

import csv
import json
import tarfile
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.accounts import touch_of
from ledger.imports import profiles
from ledger.imports.errors import CountsAreStock, NoWarehouse
from ledger.imports.importer import REJECT_FAILED_ROWS
from ledger.orders.money import rounded
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.warehouses import OpenWarehouse
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run
from projections.store.models import ReadModels
from tests.support.builders import NOON
from tests.support.real import RETAIL, needs
from tests.support.shops import CONTEXT, SAMPLES, Shop, codes, counts

RETAIL_HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
COUNT_HEADER = "sku,quantity,bin,warehouse,counted_at,sheet"
GENERIC_HEADER = "order,line,sku,quantity,unit_price,placed_at,dispatched_at"
ORDERS = sorted((SAMPLES / "taobao").glob("ExportOrderList*.csv"))
ITEMS = sorted((SAMPLES / "taobao").glob("ExportOrderDetail*.csv"))


def invoice(number: str, sku: str, quantity: int, price: str = "1.25", customer: str = "17850.0",
            *, day: int = 1) -> str:
    """A row of the retail data."""
    return (f"{number},{sku},PAPER LANTERN,{quantity},2011-03-{day:02d} 08:26:00,{price},"
            f"{customer},France")


def retail(shop: Shop, *rows: str, name: str = "day.csv") -> Path:
    """A file of such rows."""
    return shop.file(rows, name, RETAIL_HEADER)


def moves(shop: Shop) -> list[tuple[str, int, str, str, str]]:
    """(SKU, pieces, from, to, cause) of everything that is posted to stock, in log order."""
    return [(one.account.rpartition(":")[2], one.quantity, one.source, one.target, one.cause)
            for entry in shop.log() for one in touch_of(entry).postings]


# -- rows that make an order together -------------------------------------------------------------


def test_lines__accepted_as_one_order_wherever_its_rows_lie(shop: Shop) -> None:
    one = retail(shop, invoice("536365", "71053", 6, "3.39"), invoice("536366", "22633", 1),
                 invoice("536365", "POST", 1, "18.00"))
    assert counts(shop.bring(one, profile="online-retail")) == (3, 3, 0, 0)
    first, second = shop.payloads("order.placed.v1")
    assert [(line["line"], line["sku"], line.get("fee", False), line["unit_price"],
             line["unit_price_scale"], line["amount_minor"]) for line in first["lines"]] == [
        ("1", "71053", False, 3390, 3, 2034), ("2", "POST", True, 18000, 3, 1800)]
    assert first["amounts"] == {"goods_minor": 2034, "postage_minor": 1800, "total_minor": 3834}
    assert (first["province"], second["number"]) == ("France", "536366")
    source = json.loads(next(e for e in shop.log() if e.type == "order.placed.v1").source)
    assert source["rows"] == [2, 4]


def test_lines__tell_the_rows_of_a_long_order_as_a_run(shop: Shop) -> None:
    shop.bring(retail(shop, *(invoice("536365", f"SKU-{n}", n) for n in range(1, 51))),
               profile="online-retail")
    assert {json.dumps(json.loads(e.source)["rows"]) for e in shop.log()
            if touch_of(e).postings} == {'["2-51"]'}


def test_lines__keep_twins_of_one_file_and_count_those_of_two_once(shop: Shop) -> None:
    twins = [invoice("536365", "71053", 6), invoice("536365", "71053", 6)]
    one, two = retail(shop, *twins), retail(shop, *twins, invoice("9", "1", 1), name="again.csv")
    assert counts(shop.bring(one, two, profile="online-retail")) == (5, 3, 0, 2)
    assert [len(placed["lines"]) for placed in shop.payloads("order.placed.v1")] == [2, 1]
    assert shop.bring(two, profile="online-retail").events == 0


def test_lines__move_stock_once_a_sku_and_never_for_a_fee(shop: Shop) -> None:
    shop.bring(retail(shop, invoice("1", "A1", 6), invoice("1", "A1", 2), invoice("1", "POST", 1),
                      invoice("2", "A2", 1, "0.001")), profile="online-retail")
    sent, came = ("available", "with_courier", "dispatch"), ("with_courier", "customer", "delivery")
    assert moves(shop) == [("A1", 6, *sent), ("A1", 2, *sent), ("A1", 6, *came), ("A1", 2, *came),
                           ("A2", 1, *sent), ("A2", 1, *came)]
    assert [[one.below for one in touch_of(entry).postings] for entry in shop.log()
            if touch_of(entry).postings] == [[None, -8], [None, None], [-1], [None]]
    assert shop.types()["warehouse.opened.v1"] == 1


def test_lines__rejected_at_the_row_that_is_wrong(shop: Shop) -> None:
    file = retail(shop, invoice("1", "A1", 6), invoice("1", "A2", 0), invoice("1", "A3", 1, "-2"),
                  invoice("2", "A1", 1, "1.2345"), invoice("3", "A1", 1, customer="1.7E+09"))
    summary = shop.bring(file, profile="online-retail", policy=REJECT_FAILED_ROWS)
    assert counts(summary) == (5, 0, 5, 0)
    assert codes(summary) == [
        (4, "UnitPrice", "out_of_range"), (4, "", "out_of_range"),
        (5, "UnitPrice", "too_many_decimals"), (6, "CustomerID", "mangled")]


@given(st.integers(-10**9, 10**9), st.integers(0, 4))
def test_rounded__is_half_to_even(value: int, finer: int) -> None:
    assert rounded(value, finer) == round(value / 10**finer) or finer > 2
    exact, unit = rounded(value, finer), 10**finer
    assert abs(2 * (exact * unit - value)) <= unit
    if abs(2 * (exact * unit - value)) == unit and finer:
        assert exact % 2 == 0


def test_rounded__of_a_coarser_price(shop: Shop) -> None:
    assert (rounded(7, -2), rounded(25, 1), rounded(35, 1), rounded(-25, 1)) == (700, 2, 4, -2)


# -- what a row is --------------------------------------------------------------------------------


def test_rows__become_orders_returns_and_slips(shop: Shop) -> None:
    summary = shop.bring(retail(
        shop, invoice("1", "A1", 6), invoice("1", "A2", 3, "0.00", ""), invoice("C2", "A1", -2),
        invoice("C2", "M", -1, "5.00"), invoice("3", "A1", -1, "0.00", ""),
        invoice("4", "A2", 4, "0.00", ""), invoice("A5", "B", 1, "-11062.06", "")),
        profile="online-retail")
    assert counts(summary) == (7, 7, 0, 0)
    assert [(p["number"], len(p["lines"])) for p in shop.payloads("order.placed.v1")] == [
        ("1", 1), ("A5", 1)]
    case, = shop.payloads("case.declared.v1")
    assert [(line["quantity"], line["amount_minor"], line.get("fee", False))
            for line in case["lines"]] == [(2, 250, False), (1, 500, True)]
    assert case["account"]["c"]
    assert [(p["number"], p["kind"]) for p in shop.payloads("slip.recorded.v1")] == [
        ("1", "found"), ("3", "write_off"), ("4", "found")]
    assert sorted(moves(shop)) == sorted([
        ("A1", 6, "available", "with_courier", "dispatch"),
        ("A1", 6, "with_courier", "customer", "delivery"),
        ("A2", 3, "stocktake_gain_loss", "available", "found"),
        ("A1", 2, "customer", "returns_inspection", "return"),
        ("A1", 1, "available", "written_off", "write_off"),
        ("A2", 4, "stocktake_gain_loss", "available", "found")])
    assert shop.payloads("order.placed.v1")[1]["amounts"]["total_minor"] == -1106206


def test_slip__rejected_when_declared_differently(shop: Shop) -> None:
    shop.bring(retail(shop, invoice("3", "A1", -1, "0.00", "")), profile="online-retail")
    summary = shop.bring(retail(shop, invoice("3", "A1", -2, "0.00", "")), profile="online-retail")
    fault, = summary.faults
    assert (fault.rule, fault.code, fault.column, fault.value) == (
        "R-SLP-01", "slip_declared_differently", "InvoiceNo", "3")


def test_stock__moves_only_where_it_is_declared(shop: Shop) -> None:
    file = retail(shop, invoice("1", "A1", 6), invoice("C2", "A1", -2))
    shop.bring(file, profile="online-retail", stock="none")
    assert moves(shop) == []
    assert not shop.types()["warehouse.opened.v1"]
    with pytest.raises(NoWarehouse, match="taobao-orders") as caught:
        shop.bring(*ORDERS, profile="taobao-orders", stock="declared")
    assert caught.value.rule == "R-IMP-18"
    with pytest.raises(CountsAreStock) as refused:
        shop.bring(file, profile="stock-count", stock="none")
    assert refused.value.rule == "R-IMP-19"


# -- Taobao's item list ---------------------------------------------------------------------------


def lines_known(shop: Shop) -> tuple[int, int]:
    """How many lines and pieces the orders have by now."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in shop.log():
        payload = json.loads(entry.payload)
        if entry.type == "order.corrected.v1" and payload["fact"] == "lines":
            payload = payload["new"]
        if payload.get("lines"):
            found[entry.stream] = payload["lines"]
    every = [line for lines in found.values() for line in lines]
    return len(every), sum(line["quantity"] for line in every)


def test_taobao_items__join_the_order_list_with_their_control_totals(shop: Shop) -> None:
    summary = shop.bring(*ORDERS, *ITEMS, profile="taobao-items")
    assert (summary.rejected, shop.types()["order.placed.v1"]) == (0, 500)
    assert lines_known(shop) == (826, 982)
    assert shop.bring(*ORDERS, *ITEMS, profile="taobao-items").events == 0
    assert not moves(shop)


def test_taobao_items__tell_the_lines_of_orders_that_were_known_without(shop: Shop) -> None:
    shop.bring(*ORDERS, profile="taobao-orders")
    before = shop.types()
    shop.bring(*ORDERS, *ITEMS, profile="taobao-items")
    assert shop.types() - before == {
        "order.lines_declared.v1": 500, "import.started.v1": 1, "import.completed.v1": 1}
    assert lines_known(shop) == (826, 982)


def test_taobao_items__have_the_attributes_of_their_lines_as_printed(shop: Shop) -> None:
    shop.bring(*ORDERS, *ITEMS, profile="taobao-items")
    printed = Counter(line.get("attributes") for placed in shop.payloads("order.placed.v1")
                      for line in placed["lines"])
    assert printed["版本：平装"] > 100


def test_taobao_items__come_again_with_attributes_only_for_what_is_still_to_be_sent(
    shop: Shop,
) -> None:
    """Whoever brings last year's files again does not get a correction of each of its orders."""
    older = yaml.safe_load((profiles.PACKAGED / "taobao-items.yaml").read_text("utf-8"))
    items = older["files"]["items"]
    del items["columns"]["商品属性"], older["order"]["lines"]["attributes"]
    items["ignored"].append("商品属性")
    bare = shop.folder / "bare.yaml"
    bare.write_text(yaml.safe_dump(older, allow_unicode=True), "utf-8")
    shop.bring(ORDERS[-1], ITEMS[-1], profile=str(bare))
    shop.bring(ORDERS[-1], ITEMS[-1], profile="taobao-items")
    entries = shop.log()
    gone = {entry.stream for entry in entries if entry.type in (
        "order.dispatched.v1", "order.completed.v1", "order.closed.v1", "order.cancelled.v1")}
    corrected = {entry.stream for entry in entries if entry.type == "order.corrected.v1"}
    placed = {entry.stream for entry in entries if entry.type == "order.placed.v1"}
    assert corrected == placed - gone
    assert len(corrected) < len(placed) / 4


def test_taobao_items__are_the_same_when_only_status_and_remark_changed(shop: Shop) -> None:
    shop.bring(ORDERS[0], ITEMS[0], profile="taobao-items")
    text = ITEMS[0].read_text("gb18030").replace("等待买家付款", "交易成功")
    changed = shop.folder / "items.csv"
    changed.write_text(text, "gb18030")
    assert shop.bring(ORDERS[0], changed, profile="taobao-items").events == 0


def test_taobao_items__accepted_with_a_comma_at_the_end_of_every_row(shop: Shop) -> None:
    header, *rows = ITEMS[0].read_bytes().splitlines()
    comma = shop.folder / "items.csv"
    comma.write_bytes(b"\r\n".join((header, *(row + b"," for row in rows))))
    assert shop.bring(ORDERS[0], comma, profile="taobao-items").rejected == 0


# -- lines that are told again --------------------------------------------------------------------


def generic(shop: Shop, *rows: str, **more: Any) -> Any:
    """Orders as anyone writes them, imported."""
    return shop.bring(shop.file(rows, header=GENERIC_HEADER), profile="generic", **more)


ROW = "7,1,SH-001,2,49.90,2026-03-01 10:00,"


def test_generic__accepted(shop: Shop) -> None:
    generic(shop, ROW, "8,1,SH-002,1,5.00,2026-03-01 11:00,2026-03-02 09:00",
            "7,2,VOUCHER,1,0,2026-03-01 10:00,")
    first, _ = shop.payloads("order.placed.v1")
    assert [line["sku"] for line in first["lines"]] == ["SH-001", "VOUCHER"]
    assert first["amounts"] == {"goods_minor": 9980, "postage_minor": 0}
    assert moves(shop) == [("SH-002", 1, "available", "with_courier", "dispatch")]


def test_generic__has_the_references_of_its_money(shop: Shop) -> None:
    """R-ORD-82."""
    header = ("order,line,sku,quantity,unit_price,placed_at,paid_at,paid,payment_reference,"
              "refunded_at,refunded,refund_reference")
    row = "7,1,SH-001,2,49.90,2026-03-01 10:00,2026-03-01 10:05,99.80,P7,{},{},{}"
    for number, end in enumerate([("", "", ""), ("2026-03-03 10:00", "9.80", "R7")]):
        assert shop.bring(shop.file([row.format(*end)], f"{number}.csv", header),
                          profile="generic", stock="none").ok
    (paid,), (refunded,) = map(shop.payloads, ("order.paid.v1", "order.refund_recorded.v1"))
    assert (paid["amount_minor"], paid["reference"]) == (9980, "P7")
    assert (refunded["amount_minor"], refunded["reference"]) == (980, "R7")


def test_generic__rejected_when_a_line_stands_twice(shop: Shop) -> None:
    summary = generic(shop, ROW, ROW.replace("SH-001", "SH-002"))
    assert codes(summary) == [(3, "line", "twice")]


def test_lines__corrected_when_they_are_told_differently(shop: Shop) -> None:
    generic(shop, ROW, stock="none")
    generic(shop, ROW.replace("SH-001", "SH-009"), stock="none")
    corrected, = shop.payloads("order.corrected.v1")
    assert (corrected["fact"], corrected["old"]["lines"][0]["sku"],
            corrected["new"]["lines"][0]["sku"]) == ("lines", "SH-001", "SH-009")
    generic(shop, f"{ROW}2026-03-02 09:00".replace("SH-001", "SH-009"), stock="none")
    assert shop.types()["order.dispatched.v1"] == 1


SENT = f"{ROW}2026-03-02 09:00"


def test_lines__that_differ_once_goods_have_moved_open_an_exception(shop: Shop) -> None:
    """R-ORD-51. The order beside it is recorded, and the file counts as read."""
    generic(shop, SENT)
    summary = generic(shop, SENT.replace("SH-001", "SH-009"), ROW.replace("7,1", "8,1"))
    assert (counts(summary), summary.ok) == ((2, 2, 0, 0), True)
    opened, = shop.payloads("order.exception_opened.v1")
    assert (opened["kind"], [line["sku"] for line in opened["declared"]]) == (
        "lines_differ", ["SH-009"])
    generic(shop, SENT.replace("SH-001", "SH-009"), ROW.replace("7,1", "9,1"))
    assert shop.types()["order.exception_opened.v1"] == 1


# -- counts ---------------------------------------------------------------------------------------


def count(shop: Shop, *rows: str, **more: Any) -> Any:
    """A sheet of counts, imported."""
    return shop.bring(shop.file(rows, header=COUNT_HEADER), profile="stock-count", **more)


def test_count__opens_the_stock_with_all_bins_of_a_sku(shop: Shop) -> None:
    rows = ("SH-001,7,A-01,,2026-03-01 08:00,S1", "SH-002,0,,,2026-03-01 08:00,S1",
            "SH-001,3,A-02,,2026-03-01 08:00,S1")
    summary = count(shop, *rows)
    assert (counts(summary), summary.ok) == ((3, 3, 0, 0), True)
    first, second = shop.payloads("stock.counted.v1")
    assert (first["document"], first["lines"]) == ("S1", [
        {"sku": "SH-001", "counted": 7, "book": 0, "variance": 7, "bin": "A-01"},
        {"sku": "SH-001", "counted": 3, "book": 0, "variance": 3, "bin": "A-02"}])
    assert second["lines"] == [{"sku": "SH-002", "counted": 0, "book": 0, "variance": 0}]
    assert sum(move[1] for move in moves(shop)) == 10
    assert {move[4] for move in moves(shop)} == {"opening"}
    assert count(shop, *rows).events == 0


def test_count__records_the_variance_of_a_later_one(shop: Shop) -> None:
    count(shop, "SH-001,7,,,2026-03-01 08:00,S1")
    count(shop, "SH-001,5,,,2026-03-31 18:00,S2")
    assert moves(shop)[1:] == [("SH-001", 2, "available", "stocktake_gain_loss", "count")]


def test_count__accepted_of_an_older_sheet_which_leaves_the_present_as_it_is(shop: Shop) -> None:
    count(shop, "SH-001,7,,,2026-03-01 08:00,S1")
    assert count(shop, "SH-001,5,,,2026-02-01 08:00,S2").ok
    assert moves(shop)[1:] == [
        ("SH-001", 5, "stocktake_gain_loss", "available", "count"),
        ("SH-001", 5, "available", "stocktake_gain_loss", "already_counted")]


def test_count__rejected_with_its_rows(shop: Shop) -> None:
    summary = count(shop, "SH-002,5,,attic,2026-03-01 08:00,S2")
    assert [(fault.row, fault.rule, fault.value) for fault in summary.faults] == [
        (2, "R-STK-04", "SH-002")]
    summary = count(shop, "SH-003,-1,,,2026-03-01 08:00,S2", "SH-004,1,A,,2026-03-01 08:00,S2",
                    "SH-004,2,A,,2026-03-01 08:00,S2")
    assert codes(summary) == [(2, "quantity", "negative"), (4, "", "twice")]


def test_count__of_another_warehouse_that_is_open(shop: Shop) -> None:
    shop.opened.ledger.handle(OpenWarehouse(name="attic", occurred_at=NOON), CONTEXT)
    shop.opened.ledger.handle(CountStock(
        warehouse="attic", occurred_at=NOON, counts=[CountLine(sku="SH-9", quantity=1)]), CONTEXT)
    assert count(shop, "SH-002,5,,attic,2026-03-01 08:00,S2").ok
    counted = next(e for e in reversed(shop.log()) if e.type == "stock.counted.v1")
    assert counted.stream.startswith("count:attic:")
    assert '"stock:attic:SH-002"' in counted.subjects


# -- profiles -------------------------------------------------------------------------------------


def faults_of(name: str, **changed: Any) -> set[str]:
    """Where a shipped profile is wrong after changes at its top level."""
    raw = yaml.safe_load(profiles.available()[name].read_text("utf-8"))
    with pytest.raises(profiles.InvalidProfile) as caught:
        profiles.parse(yaml.safe_dump({**raw, **changed}), name)
    return {fault.where for fault in caught.value.faults}


def test_profile__rejected_when_it_extends_nothing() -> None:
    assert faults_of("taobao-items", extends="jingdong") == {"/extends"}


def test_profile__rejected_when_it_tells_nothing_or_two_things() -> None:
    assert faults_of("generic", count={"file": "lines", "sku": "sku", "quantity": "quantity",
                                       "at": "placed"}) == {""}


def test_profile__rejected_when_tests_and_lines_name_no_fitting_field() -> None:
    raw = yaml.safe_load(profiles.available()["online-retail"].read_text("utf-8"))
    order = {**raw["order"], "rows": [{"are": "sale", "when": {"title": "negative"}},
                                      {"are": "sale", "when": {"colour": "blank"}}],
             "lines": {**raw["order"]["lines"], "sku": "at"}}
    assert faults_of("online-retail", order=order) == {
        "/order/rows/0", "/order/rows/1", "/order/lines/sku"}
    order = {**raw["order"], "rows": [{"are": "gift", "when": {"title": "green"}}]}
    assert any(where.startswith("/order/rows/0") for where in
               faults_of("online-retail", order=order))


def test_profile__rejected_when_nobody_says_where_was_counted() -> None:
    raw = yaml.safe_load(profiles.available()["stock-count"].read_text("utf-8"))
    told = {name: field for name, field in raw["count"].items() if name != "warehouse"}
    assert profiles.parse(yaml.safe_dump({**raw, "count": told}), "stock-count").warehouse == "main"
    del raw["stock"]
    with pytest.raises(profiles.InvalidProfile, match="/count/warehouse"):
        profiles.parse(yaml.safe_dump({**raw, "count": told}), "stock-count")


# -- the real file --------------------------------------------------------------------------------


DAYS = 12  # as many as are imported here


def unpack(folder: Path) -> list[Path]:
    """The real file's parts, one a day."""
    with tarfile.open(RETAIL) as archive:
        archive.extractall(folder, filter="data")
    return sorted(folder.rglob("*.csv"))


def told_plainly(files: Sequence[Path]) -> dict[str, Any]:
    """What files say, without the ledger's code: each row is a sale or an adjustment of stock."""
    found: Counter[str] = Counter()
    value = Decimal(0)
    for file in files:
        with file.open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                pieces, price = int(row["Quantity"]), Decimal(row["UnitPrice"])
                if row["InvoiceNo"].startswith("C"):
                    kind = "cancelled"
                elif pieces < 0 and not row["InvoiceNo"].startswith("A"):
                    kind = "written_off"
                elif price == 0 and not row["CustomerID"]:
                    kind = "found"
                else:
                    kind = "sold"
                found[f"pieces_{kind}"] += abs(pieces)
                found["lines"] += 1
                value += pieces * price
    return {**found, "value": value}


@needs(RETAIL)
def test_retail__has_its_control_totals(tmp_path: Path) -> None:
    """The plain reading is that of those who published the file; then it can be believed."""
    assert told_plainly(unpack(tmp_path)) == {
        "lines": 370931, "pieces_sold": 3897261, "pieces_cancelled": 156831,
        "pieces_written_off": 149456, "pieces_found": 48325, "value": Decimal("6781619.004")}


@needs(RETAIL)
def test_retail__accepted_with_its_control_totals(shop: Shop) -> None:
    files = unpack(shop.folder / "retail")[:DAYS]
    told = told_plainly(files)
    assert counts(shop.bring(*files, profile="online-retail")) == (
        told["lines"], told["lines"], 0, 0)
    models = ReadModels(shop.opened.store, PROJECTIONS)
    figures, = run(models, "main", "reconciliation").rows
    assert {name: figures[name] for name in told} | {"value": Decimal(figures["value"])} == told
    ledger = run(models, "main", "stock-ledger", Question()).rows
    assert len(ledger) > 1000
    assert all(row["opening"] + row["received"] - row["issued"] == row["closing"]
               for row in ledger)
    models.close()
    one = shop.folder / "one.csv"
    with one.open("wb") as target:
        for number, file in enumerate(files[:12]):
            lines = file.read_bytes().splitlines(keepends=True)
            target.writelines(lines[number > 0:])
    assert shop.bring(one, profile="online-retail").events == 0
