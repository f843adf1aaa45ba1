"""Imports from files to events: what is recorded, what is not, and what a second run adds."""

import hashlib
import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.application import Ledger, LedgerClosed, Overloaded
from ledger.common.errors import InvalidValues, LedgerError
from ledger.core import event_types
from ledger.erasure.finding import persons_of
from ledger.imports import profiles
from ledger.imports.choices import POLICIES
from ledger.imports.errors import ImportBrokenOff, UnknownPolicy
from ledger.imports.faults import HIDDEN
from ledger.imports.importer import REJECT_EVERYTHING, REJECT_FAILED_ROWS, run_import
from ledger.imports.rows import Row
from ledger.imports.staging import UNSORTED, Staging
from ledger.log.store import ConnectionLost, StorageFailed
from ledger.settings import Settings, open_ledger
from tests.support.erasing import erase
from tests.support.real import TMALL, needs
from tests.support.shops import CONTEXT, HEADER, SAMPLES, Shop, codes, counts, order
from tests.support.source import ROOT
from tests.support.thorough import THOROUGH, tried

# -- one row an order -----------------------------------------------------------------------------


def test_import__accepted(shop: Shop) -> None:
    rows = [order(1), order(2, paid=False, net="0"), order(3, net="5.00", refund="15.00")]
    summary = shop.bring(shop.file(rows))
    assert counts(summary) == (3, 3, 0, 0)
    assert summary.ok
    assert shop.types() == {
        "import.started.v1": 1, "order.placed.v1": 3, "order.paid.v1": 2,
        "order.refund_recorded.v1": 1, "import.completed.v1": 1}
    assert shop.payloads("order.paid.v1") == [{"amount_minor": 2000}] * 2
    refund, = shop.payloads("order.refund_recorded.v1")
    assert refund == {"amount_minor": 1500, "inferred": ["occurred_at"]}


def test_import__accepted_and_each_event_says_where_it_comes_from(shop: Shop) -> None:
    summary = shop.bring(shop.file([order(1), "", order(2, paid=False, net="0")]))
    placed = [entry for entry in shop.log() if entry.type == "order.placed.v1"]
    assert json.loads(placed[1].source) == {
        "import": summary.import_id, "profile": "tmall-report", "profile_version": 1, "rows": [4],
        "zone": "Asia/Shanghai", "printed": "2020-02-01 10:00:00"}
    assert json.loads(placed[1].subjects) == [
        f"import:{summary.import_id}", "order:tmall:tmall-report:2"]
    assert len({entry.correlation for entry in shop.log()}) == 1
    assert shop.log()[0].stream == shop.log()[-1].stream == f"import:{summary.import_id}"
    started, = shop.payloads("import.started.v1")
    assert (started["rows"], started["files"][0]["rows"], started["files"][0]["name"]) \
        == (2, 2, "export.csv")
    assert shop.payloads("import.completed.v1") == [
        {"rows": 2, "accepted": 2, "rejected": 0, "duplicates": 0}]


def test_import__ignored_when_brought_again(shop: Shop) -> None:
    path = shop.file([order(n) for n in range(700)])
    assert counts(shop.bring(path)) == (700, 700, 0, 0)
    again = shop.bring(path)
    assert counts(again) == (700, 0, 0, 700)
    assert again.events == 0
    assert again.ok


def test_import__ignored_when_brought_again_in_another_encoding(shop: Shop) -> None:
    path = shop.file([order(n) for n in range(3)])
    shop.bring(path)
    copy = shop.file(path.read_text("utf-8").encode("gbk"), "gbk.csv")
    assert counts(shop.bring(copy)) == (3, 0, 0, 3)
    assert "import.started.v1" in shop.types()
    assert shop.types()["import.started.v1"] == 1


def test_import__ignored_when_a_row_stands_twice(shop: Shop) -> None:
    assert counts(shop.bring(shop.file([order(1), order(2), order(1)]))) == (3, 2, 0, 1)
    assert shop.types()["order.placed.v1"] == 2


def test_import__accepted_when_a_row_has_changed(shop: Shop) -> None:
    shop.bring(shop.file([order(1), order(2)], "february.csv"))
    summary = shop.bring(shop.file([order(1), order(2, net="5.00", refund="15.00"), order(3)],
                                   "march.csv"))
    assert counts(summary) == (3, 2, 0, 1)
    assert shop.types()["order.placed.v1"] == 3
    assert shop.payloads("order.refund_recorded.v1") == [
        {"amount_minor": 1500, "inferred": ["occurred_at"]}]


def test_import__accepted_with_each_order_whole_and_in_file_order(shop: Shop) -> None:
    rows = [order(1, paid=False, net="0"), order(2), order(1)]
    assert counts(shop.bring(shop.file(rows))) == (3, 3, 0, 0)
    streams = [entry.stream.rpartition(":")[2] for entry in shop.log()[1:-1]]
    assert streams == ["1", "1", "2", "2"]


def test_import__accepted_as_another_when_the_shop_differs(shop: Shop) -> None:
    path = shop.file([order(1)])
    shop.bring(path, shop="north")
    assert counts(shop.bring(path, shop="south")) == (1, 1, 0, 0)
    assert {entry.stream for entry in shop.log() if entry.type == "order.placed.v1"} \
        == {"order:tmall:north:1", "order:tmall:south:1"}


def test_import__ignored_when_it_has_no_rows(shop: Shop) -> None:
    summary = shop.bring(shop.file([]))
    assert counts(summary) == (0, 0, 0, 0)
    assert shop.log() == []


def test_import__ignored_when_the_log_moved_on_since(shop: Shop) -> None:
    first, then = order(1), order(1, net="0", refund="20.00")
    old = shop.file([first], "old.csv")
    shop.bring(old)
    shop.bring(shop.file([then], "new.csv"))
    assert counts(shop.bring(old)) == (1, 0, 0, 1)
    assert counts(shop.bring(shop.file([first, then], "both.csv"))) == (2, 0, 0, 2)
    assert counts(shop.bring(shop.file([first], "copy.csv"), dry_run=True)) == (1, 0, 0, 1)
    assert "order.corrected.v1" not in shop.types()


# -- dry runs -------------------------------------------------------------------------------------


def test_dry_run__records_nothing_and_tells_what_would_be(shop: Shop) -> None:
    path = shop.file([order(n) for n in range(1200)] + [order(7)])
    summary = shop.bring(path, dry_run=True)
    assert counts(summary) == (1201, 1200, 0, 1)
    assert shop.log() == []
    assert counts(shop.bring(path)) == (1201, 1200, 0, 1)
    assert counts(shop.bring(path, dry_run=True)) == (1201, 0, 0, 1201)


def test_dry_run__previews_only_what_a_rule_may_refuse(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that appears nowhere else is certainly new: it is not decided twice."""
    asked: list[int] = []
    preview = type(shop.opened.ledger).preview

    def counted(ledger: Any, items: Any) -> Any:
        asked.append(len(items))
        return preview(ledger, items)

    monkeypatch.setattr(type(shop.opened.ledger), "preview", counted)
    path = shop.file([order(number) for number in range(300)])
    assert counts(shop.bring(path, dry_run=True)) == (300, 300, 0, 0)
    assert sum(asked) < 10
    shop.bring(path)
    asked.clear()
    assert counts(shop.bring(path, dry_run=True)) == (300, 0, 0, 300)
    assert sum(asked) >= 300


def test_dry_run__tells_every_fault(shop: Shop) -> None:
    path = shop.file([order(1, total="x"), order("1E+9"), order(3)])
    summary = shop.bring(path, dry_run=True, policy=REJECT_FAILED_ROWS)
    assert counts(summary) == (3, 1, 2, 0)
    assert codes(summary) == [(2, "总金额", "not_money"), (3, "订单编号", "mangled")]


# -- faults and policies --------------------------------------------------------------------------


def test_import__rejected_when_a_row_has_a_fault(shop: Shop) -> None:
    summary = shop.bring(shop.file([order(1), order(2, total="?"), order(3), order(3)]))
    assert counts(summary) == (4, 0, 4, 0)
    assert codes(summary) == [(3, "总金额", "not_money")]
    assert "No row was recorded" in summary.message
    assert shop.log() == []
    assert not summary.ok


def test_import__rejected_with_every_fault_at_once(shop: Shop) -> None:
    rows = [order(n, total="a lot") for n in range(3000)]
    summary = shop.bring(shop.file(rows))
    assert summary.fault_count == 3000
    assert [fault.row for fault in summary.faults] == list(range(2, 3002))
    assert {fault.rule for fault in summary.faults} == {"R-IMP-08"}


def test_import__rejected_rows_only_when_the_policy_says_so(shop: Shop) -> None:
    rows = [order(1), order(2, total="?"), order(3), order(2)]
    summary = shop.bring(shop.file(rows), policy=REJECT_FAILED_ROWS)
    assert counts(summary) == (4, 2, 2, 0)
    assert shop.types()["order.placed.v1"] == 2
    assert shop.payloads("import.completed.v1")[0]["rejected"] == 2
    again = shop.bring(shop.file(rows), policy=REJECT_FAILED_ROWS)
    assert counts(again) == (4, 0, 2, 2)
    assert again.events == 0


def test_import__rejected_when_money_has_no_time(shop: Shop) -> None:
    rows = [order(1, paid=False, net="20.00"), order(2, paid=False, net="0", refund="1.00")]
    summary = shop.bring(shop.file(rows))
    assert [(f.row, f.code, f.value, f.rule) for f in summary.faults] == [
        (2, "amount_without_time", "20.00", "R-IMP-13"),
        (3, "amount_without_time", "0.00", "R-IMP-13")]


def test_import__rejected_when_a_command_would_be_malformed(shop: Shop) -> None:
    summary = shop.bring(shop.file([order("9" * 101)]))
    fault, = summary.faults
    assert (fault.row, fault.column, fault.code) == (2, "订单编号", "too_long")
    assert fault.rule == "R-VAL-01"


def test_import__rejected_before_recording_when_a_rule_refuses(shop: Shop) -> None:
    shop.bring(shop.file([order(1), order(2)], "a.csv"))
    later = shop.file([order(3), order(2, day=9)], "b.csv")
    summary = shop.bring(later)
    assert counts(summary) == (2, 0, 2, 0)
    fault, = summary.faults
    assert (fault.row, fault.column, fault.value, fault.code, fault.rule) == (
        3, "订单编号", "2", "number_reused", "R-ORD-02")
    assert [one["faults"] for one in shop.refused()] == [
        [{"file": "b.csv", "code": "number_reused", "count": 1, "rows": ["3"]}]]
    summary = shop.bring(later, policy=REJECT_FAILED_ROWS)
    assert counts(summary) == (2, 1, 1, 0)
    assert shop.types()["order.placed.v1"] == 3


def test_import__rejected_when_only_refusals_are_left(shop: Shop) -> None:
    shop.bring(shop.file([order(1)], "a.csv"))
    summary = shop.bring(shop.file([order(1, day=9)], "b.csv"), policy=REJECT_FAILED_ROWS)
    assert counts(summary) == (1, 0, 1, 0)
    assert len(shop.refused()) == summary.events == 1


def test_import__rejected_when_a_file_cannot_be_used(shop: Shop) -> None:
    good = shop.file([order(1)], "good.csv")
    bad = shop.file([order(2), order(3)], "bad.csv", HEADER.replace("总金额", "金额"))
    for policy in (REJECT_EVERYTHING, REJECT_FAILED_ROWS):
        summary = shop.bring(good, bad, policy=policy)
        assert counts(summary) == (3, 0, 3, 0)
        assert codes(summary) == [(1, "总金额", "missing_column"), (1, HIDDEN, "unknown_column")]
    assert shop.log() == []


@pytest.mark.parametrize(("raw", "code"), [
    (b"", "empty_file"), (b"\xff\xff", "wrong_encoding"), (b'"a', "bad_quotes"),
])
def test_import__rejected_when_a_file_is_none(shop: Shop, raw: bytes, code: str) -> None:
    summary = shop.bring(shop.file(raw))
    assert [fault.code for fault in summary.faults] == [code]
    assert not summary.ok


def test_import__rejected_when_the_policy_is_unknown(shop: Shop) -> None:
    with pytest.raises(UnknownPolicy):
        shop.bring(shop.file([]), policy="reject_some")


def test_import__rejected_when_an_order_stands_in_too_many_rows(shop: Shop) -> None:
    rows = [order(1, total=str(n)) for n in range(1, 1002)] + [order(2)]
    summary = shop.bring(shop.file(rows), policy=REJECT_FAILED_ROWS)
    assert counts(summary) == (1002, 1, 1001, 0)
    assert codes(summary) == [(2, "", "too_many_statements")]


# -- several files, joined ------------------------------------------------------------------------

ORDERS = ("order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
          "order_delivered_carrier_date,order_delivered_customer_date,"
          "order_estimated_delivery_date")
FILES = {
    "orders": (ORDERS, ["a1,c1,delivered,2018-06-12 20:07:44,,2018-06-13 13:09:00,,",
                        "a2,c2,canceled,2018-06-12 20:07:44,2018-06-12 20:44:26,,,"]),
    "items": ("order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value",
              ["a1,1,p1,s1,,10.5,1.5", "a1,2,p1,s1,,10.5,1.5"]),
    "payments": ("order_id,payment_sequential,payment_type,payment_installments,payment_value",
                 ["a1,1,credit_card,1,20.0", "a1,2,voucher,1,4.0", "a2,1,boleto,1,7.0"]),
    "customers": ("customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,"
                  "customer_state", ["c1,u1,9121,santo andre,SP", "c2,u2,20231,rio de janeiro,RJ"]),
}


def joined(shop: Shop, **changed: list[str]) -> list[Path]:
    """The four files of Olist, some of them with other rows."""
    return [shop.file(changed.get(kind, rows), f"{kind}.csv", header)
            for kind, (header, rows) in FILES.items()]


def test_join__accepted(shop: Shop) -> None:
    summary = shop.bring(*joined(shop), profile="olist")
    assert counts(summary) == (9, 9, 0, 0)
    first, second = shop.payloads("order.placed.v1")
    assert first["amounts"] == {"goods_minor": 2100, "postage_minor": 300, "total_minor": 2400}
    assert [(line["line"], line["sku"], line["quantity"], line["amount_minor"])
            for line in first["lines"]] == [("1", "p1", 1, 1050), ("2", "p1", 1, 1050)]
    assert second["amounts"] == {}
    assert "lines" not in second
    paid = shop.payloads("order.paid.v1")
    assert paid[0] == {"amount_minor": 2400, "inferred": ["occurred_at"], "payments": [
        {"method": "credit_card", "amount_minor": 2000},
        {"method": "voucher", "amount_minor": 400}]}
    assert shop.payloads("order.cancelled.v1") == [{"inferred": ["occurred_at"]}]
    source = json.loads(next(e for e in shop.log() if e.type == "order.placed.v1").source)
    assert source["rows"] == {"orders": [2], "items": [2, 3], "payments": [2, 3], "customers": [2]}


def test_join__ignored_when_brought_again_or_rows_are_repeated(shop: Shop) -> None:
    shop.bring(*joined(shop), profile="olist")
    more = joined(shop, items=[*FILES["items"][1], FILES["items"][1][0]])
    assert counts(shop.bring(*more, profile="olist")) == (10, 0, 0, 10)


def test_join__rejected_when_rows_belong_to_nothing(shop: Shop) -> None:
    files = joined(shop, items=["a9,1,p1,s1,,1.0,1.0"], customers=[FILES["customers"][1][0]])
    summary = shop.bring(*files, profile="olist", policy=REJECT_FAILED_ROWS)
    assert [(fault.file, fault.row, fault.code) for fault in summary.faults] == [
        ("items.csv", 2, "row_unmatched"), ("orders.csv", 3, "row_missing")]
    assert counts(summary) == (7, 4, 3, 0)


def test_join__rejected_when_a_line_stands_twice_and_differs(shop: Shop) -> None:
    files = joined(shop, items=["a1,1,p1,s1,,10.5,1.5", "a1,1,p2,s1,,9.0,1.5"])
    summary = shop.bring(*files, profile="olist", policy=REJECT_FAILED_ROWS)
    assert [(fault.file, fault.row, fault.column, fault.code) for fault in summary.faults] == [
        ("items.csv", 3, "order_item_id", "line_twice")]
    assert counts(summary) == (9, 3, 6, 0)


def test_join__rejected_whole_when_one_row_has_a_fault(shop: Shop) -> None:
    files = joined(shop, items=["a1,1,p1,s1,,10.5,1.5", "a1,2,p1,s1,,ten,1.5"])
    summary = shop.bring(*files, profile="olist", policy=REJECT_FAILED_ROWS)
    assert [(fault.file, fault.row, fault.code) for fault in summary.faults] == [
        ("items.csv", 3, "not_money")]
    assert counts(summary) == (9, 3, 6, 0)
    assert shop.types()["order.placed.v1"] == 1


def test_join__rejected_when_a_kind_of_file_is_missing(shop: Shop) -> None:
    summary = shop.bring(*joined(shop)[:3], profile="olist")
    fault, = summary.faults
    assert (fault.code, fault.file, fault.row) == ("missing_file", "", 0)
    assert "customers" in fault.reason


# -- ids that look alike ---------------------------------------------------------------------------


def test_full_width__read_as_ascii_with_a_warning(shop: Shop) -> None:
    summary = shop.bring(shop.file([order("Ａ１２"), order("13"), order("１４", total="x")]),
                         policy=REJECT_FAILED_ROWS)
    assert counts(summary) == (3, 2, 1, 0)
    assert [one["number"] for one in shop.payloads("order.placed.v1")] == ["A12", "13"]
    assert summary.warning_count == 2
    assert [(one.row, one.column, one.value, one.code, one.reason) for one in summary.warnings] == [
        (2, "订单编号", "Ａ１２", "full_width",
         "has full-width letters, digits or blanks, and is read as A12"),
        (4, "订单编号", "１４", "full_width",
         "has full-width letters, digits or blanks, and is read as 14")]
    assert counts(shop.bring(shop.file([order("A12")]))) == (1, 0, 0, 1)


def test_rounded__numbers_are_refused_with_their_place_unless_they_are_trusted(shop: Shop) -> None:
    """R-IMP-23; the import's record says that they were."""
    export = shop.file([order("13"), order("1000756800252750000")])
    summary = shop.bring(export)
    (fault,) = summary.faults
    assert (fault.row, fault.column, fault.value, fault.code, fault.rule) == (
        3, "订单编号", "1000756800252750000", "rounded", "R-IMP-23")
    assert "is a number of 19 digits" in fault.reason
    assert counts(shop.bring(export, policy=REJECT_FAILED_ROWS)) == (2, 1, 1, 0)
    assert counts(shop.bring(export, trust_numbers=True)) == (2, 1, 0, 1)
    assert [one.get("trust_numbers") for one in shop.payloads("import.started.v1")] == [None, True]


def test_blanks__of_another_kind_are_read_as_blanks_or_rejected(shop: Shop) -> None:
    rows = [order("a\u30001"), order("a\xa02"), order("a\u20033"), order("\u3000b1\xa0")]
    summary = shop.bring(shop.file(rows), policy=REJECT_FAILED_ROWS)
    assert [one["number"] for one in shop.payloads("order.placed.v1")] == ["a 1", "a 2", "b1"]
    assert [(one.row, one.code) for one in summary.warnings] == [(2, "full_width"),
                                                                 (3, "full_width")]
    assert [(one.row, one.code) for one in summary.faults] == [(4, "odd_blank")]


def test_full_width__joins_the_rows_that_it_means(shop: Shop) -> None:
    items = ["ａ１,１,ｐ1,s1,,10.5,1.5", *FILES["items"][1][1:]]
    summary = shop.bring(*joined(shop, items=items), profile="olist")
    assert (summary.ok, summary.rejected) == (True, 0)
    placed, _ = shop.payloads("order.placed.v1")
    assert [(line["line"], line["sku"]) for line in placed["lines"]] == [("1", "p1"), ("2", "p1")]
    assert {(one.column, one.value) for one in summary.warnings} == {
        ("order_id", "ａ１"), ("order_item_id", "１"), ("product_id", "ｐ1")}


def test_invisible__rejected_in_ids_and_names(shop: Shop) -> None:
    path = shop.file([order("1\u200b2"), order("13")])
    fault, = shop.bring(path).faults
    assert (fault.row, fault.column, fault.code) == (2, "订单编号", "invisible")
    assert "U+200B" in fault.reason
    with pytest.raises(InvalidValues, match=r"/shop: holds U\+FEFF"):
        shop.bring(path, shop="云\ufeff杉")
    assert shop.log() == []


# -- a platform that nobody foresaw ---------------------------------------------------------------

KIOSK = """
name: kiosk
version: 3
channel: kiosk
shop: corner
money: {currency: EUR, exponent: 2, signs: [€]}
times: {zone: Europe/Berlin, formats: ["%d.%m.%Y %H:%M"]}
files:
  sales:
    columns:
      Nr: {field: number, kind: id, required: true}
      Zeit: {field: at, kind: time, required: true}
      Summe: {field: sum, kind: money, required: true}
      Stand: {field: state, kind: choice, values: {offen: "", fertig: completed}}
      Name: {field: name, kind: text, personal: true, optional: true}
order:
  file: sales
  number: number
  account: name
  total_minor: sum
  placed: {at: at}
  paid: {at: at}
  paid_minor: sum
  ended: {by: state, completed: {inferred_from: [at]}}
"""


def test_profile__accepted_when_it_is_only_yaml(shop: Shop) -> None:
    path = shop.file(["7,30.10.2022 02:30,€ 4.50,fertig,Ada"], header="Nr,Zeit,Summe,Stand,Name")
    summary = shop.bring(path, profile=profiles.parse(KIOSK, "kiosk"))
    assert counts(summary) == (1, 1, 0, 0)
    assert shop.types() == {"import.started.v1": 1, "order.placed.v1": 1, "order.paid.v1": 1,
                            "order.completed.v1": 1, "import.completed.v1": 1}
    placed = next(entry for entry in shop.log() if entry.type == "order.placed.v1")
    assert placed.occurred_at == 1667089800 * 10**6


def test_profile__accepted_as_another_import_when_it_was_edited(shop: Shop) -> None:
    path = shop.file(["7,30.10.2022 12:30,4.50,fertig"], header="Nr,Zeit,Summe,Stand")
    raw = yaml.safe_load(KIOSK)
    del raw["order"]["ended"]
    shop.bring(path, profile=profiles.parse(yaml.safe_dump(raw), "kiosk"))
    summary = shop.bring(path, profile=profiles.parse(KIOSK, "kiosk"))
    assert counts(summary) == (1, 1, 0, 0)
    assert summary.events == 3


# -- personal data --------------------------------------------------------------------------------


def test_faults__hide_personal_values(shop: Shop) -> None:
    row = order(1).replace("上海", "某路1号")
    fault, = shop.bring(shop.file([row])).faults
    assert fault.value == HIDDEN
    assert "某路" not in "".join(map(str, fault))


def stall() -> profiles.Profile:
    """The kiosk with an address, which nothing but a comparison can tell apart."""
    raw = yaml.safe_load(KIOSK)
    raw["files"]["sales"]["columns"]["Adresse"] = {
        "field": "address", "kind": "text", "personal": True, "optional": True}
    raw["order"]["address"] = "address"
    del raw["order"]["paid_minor"], raw["order"]["paid"]
    return profiles.parse(yaml.safe_dump(raw), "stall")


def sale(address: str, *, state: str = "offen") -> str:
    return f"7,30.10.2022 12:30,4.50,{state},Ada,{address}"


def bring(shop: Shop, *rows: str, **more: Any) -> tuple[int, int]:
    """How many events rows bring, but for those of the import itself, and how many of the rows are
    duplicates."""
    path = shop.file(rows, header="Nr,Zeit,Summe,Stand,Name,Adresse")
    before = len(shop.log())
    summary = shop.bring(path, profile=stall(), **more)
    brought = [entry for entry in shop.log()[before:] if not entry.stream.startswith("import:")]
    return len(brought), summary.duplicates


def addresses(shop: Shop) -> list[str | None]:
    """What was sealed as the order's address, in log order."""
    return [shop.opened.ledger.keys.reveal(value, entry.stream, entry.version, "/address")
            for entry in shop.log() if entry.type.startswith(("order.placed", "order.details"))
            if (value := event_types.decode(entry).address) is not None]


@pytest.mark.parametrize("policy", POLICIES)
def test_personal__changed_is_another_statement_and_repeated_the_same(
    shop: Shop, policy: str
) -> None:
    """Nothing of an id says which address it is; the sealed values do, until they are erased."""
    assert bring(shop, sale("Allee 1"), policy=policy) == (1, 0)
    assert bring(shop, sale("Allee 2"), policy=policy) == (1, 0)
    assert bring(shop, sale("Allee 1"), policy=policy) == (0, 1)
    assert bring(shop, sale("Allee 2"), policy=policy) == (0, 1)
    assert bring(shop, sale("Allee 1"), sale("Allee 2"), policy=policy) == (0, 2)
    assert bring(shop, sale("Allee 3"), policy=policy) == (1, 0)
    assert addresses(shop) == ["Allee 1", "Allee 2", "Allee 3"]


def test_personal__changed_after_a_statement_that_sealed_nothing(shop: Shop) -> None:
    """The order was completed, under the address that was known; then that changed, and again."""
    bring(shop, sale("Allee 1"))
    assert bring(shop, sale("Allee 1", state="fertig")) == (1, 0)
    assert bring(shop, sale("Allee 2", state="fertig")) == (1, 0)
    assert bring(shop, sale("Allee 3", state="fertig")) == (1, 0)
    for address in ("Allee 1", "Allee 2", "Allee 3"):
        assert bring(shop, sale(address, state="fertig")) == (0, 1)
    assert bring(shop, sale("Allee 1")) == (0, 1)
    assert addresses(shop) == ["Allee 1", "Allee 2", "Allee 3"]


def test_personal__changed_inside_one_file(shop: Shop) -> None:
    rows = [sale("Allee 1"), sale("Allee 1", state="fertig"), sale("Allee 2", state="fertig"),
            sale("Allee 2")]
    assert bring(shop, *rows)[0] == 3
    assert bring(shop, *rows, sale("Allee 2")) == (0, 5)
    assert addresses(shop) == ["Allee 1", "Allee 2"]


def test_personal__compared_no_more_once_it_is_erased(shop: Shop) -> None:
    """A row with another address cannot be told from the first: nobody can try addresses out."""
    bring(shop, sale("Allee 1"))
    with shop.opened.keys.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM persons")
    shop.opened.ledger.keys._by_id.clear()
    for address in ("Allee 1", "Allee 2", ""):
        assert bring(shop, sale(address)) == (0, 1)
    assert addresses(shop) == [None]


def test_personal__is_in_no_plain_hash_of_a_file(shop: Shop) -> None:
    """A file of one row could be guessed from its hash, whatever was erased since."""
    path = shop.file([order(1)])
    shop.bring(path)
    raw = path.read_bytes()
    plain = [hashlib.new(name, raw).hexdigest() for name in ("md5", "sha1", "sha256", "blake2b")]
    for entry in shop.log():
        whole = repr(entry)
        assert not any(one in whole or repr(bytes.fromhex(one))[2:-1] in whole for one in plain)


def test_import__counts_what_it_recorded_itself(shop: Shop, monkeypatch: pytest.MonkeyPatch
                                                ) -> None:
    """It was killed after the first rows, and a file of another name brought the others."""
    rows = [order(number) for number in range(30)]
    one, other = shop.file(rows, "one.csv"), shop.file(rows, "other.csv")
    handle_many = Ledger.handle_many

    def broken(ledger: Ledger, items: Any) -> Any:
        handle_many(ledger, items[:8])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Ledger, "handle_many", broken)
        shop.bring(one)
    shop.bring(other)
    shop.bring(one)
    completed = shop.payloads("import.completed.v1")
    assert sum(one["accepted"] for one in completed) == 30
    assert [one["accepted"] + one["duplicates"] for one in completed] == [30, 30]


def test_import__counts_whom_somebody_erased_meanwhile(shop: Shop) -> None:
    """R-KEY-09: nothing of theirs is taken, and the row is counted, here and in the log."""
    path = shop.file([sale("Allee 1")], header="Nr,Zeit,Summe,Stand,Name,Adresse")
    shop.bring(path, profile=stall())
    ledger = shop.opened.ledger
    (person,) = persons_of(shop.opened.store, ledger.keys, shop.log()[1].stream)

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "record" and not ledger.keys.is_erased(person):
            erase(ledger, person)

    again = shop.file([sale("Allee 2", state="fertig")], "again.csv",
                      "Nr,Zeit,Summe,Stand,Name,Adresse")
    summary = run_import(ledger, [again], stall(), context=CONTEXT, staging_dir=shop.staging,
                         progress=progress)
    assert ledger.keys.is_erased(person)
    assert (summary.erased, summary.accepted) == (1, 1)
    assert shop.payloads("import.completed.v1")[-1]["erased"] == 1
    summary.close()


@pytest.mark.parametrize("held", [0, 1, 2])
def test_staging__holds_no_value_in_the_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    monkeypatch.setattr("ledger.imports.staging.remove", lambda path: None)
    monkeypatch.setattr("ledger.imports.staging.HELD", held)
    staging = Staging(tmp_path)
    rows = [Row(2, ["俞女士 青禾苑8幢", [1, "printed"]], b"digest", [], b"open"),
            Row(3, ["俞女士 青禾苑9幢", None], b"other", [])]
    for row in rows:
        staging.add(0, 0, staging.hashed(str(row.values[0])), row)
    staging.group()
    file, = tmp_path.iterdir()
    raw = file.read_bytes()
    assert b"digest" in raw
    assert not any(str(row.values[0]).encode() in raw for row in rows)
    assert [(row.number, row.values, row.open_digest) for _, row in staging.firsts() if row] == [
        (row.number, row.values, row.open_digest) for row in rows]
    staging.close()


def test_import__is_the_same_however_few_of_its_rows_stay_in_memory(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.imports.staging.HELD", 2)
    monkeypatch.setattr("ledger.imports.importer.MAX_ROWS_KEPT", 0)
    rows = [order(1), order(2, total="a lot"), order(3), order(3, refund="5.00"), order(4)]
    summary = shop.bring(shop.file(rows), policy=REJECT_FAILED_ROWS)
    assert counts(summary) == (5, 4, 1, 0)
    assert [fault.row for fault in summary.faults] == [3]


def test_staging__removes_what_a_killed_run_left(tmp_path: Path) -> None:
    (tmp_path / "import-1-aa.staging").write_bytes(b"old")
    (tmp_path / "ledger.db").write_bytes(b"log")
    staging = Staging(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.db"]
    staging.close()


@pytest.mark.parametrize("query", UNSORTED)
def test_staging__streams_in_bounded_memory(tmp_path: Path, query: str) -> None:
    staging = Staging(tmp_path)
    staging.group()
    assert not [step for step in staging.plan(query) if "TEMP B-TREE" in step]
    staging.close()


# -- interrupted ----------------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from ledger.common.context import Context
from ledger.imports import profiles
from ledger.imports.importer import run_import
from ledger.settings import Settings, open_ledger
folder = Path(sys.argv[1])
opened = open_ledger(Settings(
    database_url=f"sqlite:///{folder / 'x.db'}", keys_url=f"sqlite:///{folder / 'x.keys.db'}",
    master_key_file=folder / "x.key"))
def report(stage, done, total):
    print(stage, done, flush=True)
run_import(opened.ledger, [folder / "export.csv"], profiles.find("tmall-report"), progress=report,
           context=Context(actor="system", role="integration", client="tests"), staging_dir=folder)
"""


def test_import__accepted_to_its_end_when_it_was_killed(shop: Shop, tmp_path: Path) -> None:
    shop.file([order(n) for n in range(4000)])
    with subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("record"):
                child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    shop.opened.close()
    shop.opened = open_ledger(Settings(
        database_url=f"sqlite:///{tmp_path / 'x.db'}", master_key_file=tmp_path / "x.key",
        keys_url=f"sqlite:///{tmp_path / 'x.keys.db'}"))
    assert 0 < shop.types()["order.placed.v1"] < 4000
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".staging"]
    summary = shop.bring(tmp_path / "export.csv")
    assert summary.rejected == 0
    assert summary.accepted > 0
    assert shop.types() == {"import.started.v1": 1, "order.placed.v1": 4000, "order.paid.v1": 4000,
                            "import.completed.v1": 1}
    assert shop.payloads("import.completed.v1") == [
        {"rows": 4000, "accepted": 4000, "rejected": 0, "duplicates": 0}]
    assert shop.bring(tmp_path / "export.csv").events == 0


def test_import__leaves_nothing_behind_when_the_ledger_fails(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(items: object) -> None:
        raise StorageFailed(why="the disk is full")

    monkeypatch.setattr(shop.opened.ledger, "handle_many", fail)
    with pytest.raises(ImportBrokenOff):
        shop.bring(shop.file([order(1)]))
    assert list(shop.staging.iterdir()) == []


@pytest.mark.parametrize("error", [
    StorageFailed(why="the disk is full"), ConnectionLost(why="it broke"),
    Overloaded(waiting=10_000), LedgerClosed()])
def test_import__says_how_far_it_got_when_the_ledger_fails_and_is_finished_by_the_same_file(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, error: LedgerError
) -> None:
    """R-IMP-21: not that nothing was recorded, nor anything about a key, nor that rows are bad."""
    ledger, file = shop.opened.ledger, shop.file([order(number) for number in range(1200)])
    real = ledger._writer._commit

    def commit(tasks: Any) -> int:
        if len(shop.log()) < 700:
            return real(tasks)
        for task in tasks:
            task.result = error
        return len(tasks)

    with monkeypatch.context() as patch:
        patch.setattr(ledger._writer, "_commit", commit)
        with pytest.raises(ImportBrokenOff) as broken:
            shop.bring(file)
    held = len(shop.log())
    assert 700 <= broken.value.details["events"] == held
    assert "nothing was recorded" not in str(broken.value)
    summary = shop.bring(file)
    assert (summary.rows, summary.rejected) == (1200, 0)
    assert shop.types()["order.placed.v1"] == 1200


# -- however the rows are cut up ------------------------------------------------------------------


@settings(deadline=None, max_examples=tried(30))
@given(st.lists(st.lists(st.integers(1, 12), max_size=20), min_size=1, max_size=5), st.booleans())
def test_import__accepted_once_however_files_overlap(
    parts: list[list[int]], together: bool
) -> None:
    with TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        files = [shop.file([order(n) for n in part], f"{number}.csv")
                 for number, part in enumerate(parts)]
        seen = {n for part in parts for n in part}
        for group in [files] if together else [[file] for file in files]:
            shop.bring(*group)
        assert shop.types()["order.placed.v1"] == shop.types()["order.paid.v1"] == len(seen)
        events = len(shop.log())
        assert counts(shop.bring(*files))[1] == 0
        assert len(shop.log()) == events
        shop.close()
        shop.opened.close()


# -- our own sample files -------------------------------------------------------------------------

SAMPLE = [SAMPLES / "taobao" / f"ExportOrderList{stamp}.csv" for stamp in
          ("202608312359", "202609302359")]


def taobao_totals(shop: Shop) -> dict[str, int]:
    """What the log says of the sample shop."""
    found: Counter[str] = Counter()
    for topic in ("paid", "refund_recorded"):
        found[topic] = sum(p["amount_minor"] for p in shop.payloads(f"order.{topic}.v1"))
    for payload in shop.payloads("order.placed.v1"):
        found.update(payload["amounts"])
        found["pieces"] += payload["pieces"]
    return dict(found)


@pytest.mark.parametrize("together", [True, False])
def test_taobao_sample__accepted_with_its_control_totals(shop: Shop, together: bool) -> None:
    if together:
        assert counts(shop.bring(*SAMPLE, profile="taobao-orders")) == (591, 579, 0, 12)
    else:
        assert counts(shop.bring(SAMPLE[0], profile="taobao-orders")) == (247, 247, 0, 0)
        assert counts(shop.bring(SAMPLE[1], profile="taobao-orders")) == (344, 332, 0, 12)
    assert taobao_totals(shop) == {
        "goods_minor": 4888290, "postage_minor": 194100, "discount_minor": 270020,
        "total_minor": 4812370, "paid": 4489470, "refund_recorded": 205580, "pieces": 982}
    types = shop.types()
    assert (types["order.placed.v1"], types["order.paid.v1"]) == (500, 468)
    assert (types["order.completed.v1"], types["order.closed.v1"]) == (398, 48)
    assert types["order.dispatched.v1"] == 455
    assert shop.bring(*SAMPLE, profile="taobao-orders").events == 0


def test_taobao_sample__keeps_no_personal_value_in_the_clear(shop: Shop) -> None:
    shop.bring(SAMPLE[0], profile="taobao-orders")
    text = SAMPLE[0].read_text("gb18030")
    log = "".join(f"{e.payload.decode()}{e.subjects}{e.source}{e.stream}" for e in shop.log())
    for secret in ("旧信先生_q0349", "陆星溪", "砚台路75号", "15400000349", "尽快发货,孩子开学"):
        assert secret in text
        assert secret not in log
    assert "四川省" in log


@pytest.mark.parametrize(("name", "rows"), [
    ("mangled-ids", [(2, "mangled"), (4, "mangled"), (5, "mangled")]),
    ("unknown-status", [(3, "unknown_value"), (5, "unknown_value")]),
    ("bad-money", [(2, "not_money"), (3, "negative"), (4, "too_many_decimals"), (5, "not_money")]),
    ("bad-dates", [(2, "not_time"), (3, "not_time"), (4, "not_time"), (5, "not_time")]),
    ("wrong-encoding", [(4, "wrong_encoding")]),
    ("missing-column", [(1, "missing_column")]),
    ("nul-and-surrogates", [(3, "nul")]),
    ("truncated", [(6, "bad_quotes")]),
])
def test_broken_sample__rejected(shop: Shop, name: str, rows: list[tuple[int, str]]) -> None:
    summary = shop.bring(SAMPLES / "broken" / f"{name}.csv", profile="taobao-orders")
    assert [(fault.row, fault.code) for fault in summary.faults] == rows
    assert counts(summary) == (5, 0, 5, 0)
    assert shop.log() == []


# -- real files -----------------------------------------------------------------------------------


@needs(TMALL)
def test_tmall_report__accepted_with_its_control_totals(shop: Shop) -> None:
    summary = shop.bring(TMALL)
    assert counts(summary) == (28010, 28010, 0, 0)
    placed = shop.payloads("order.placed.v1")
    paid = [p["amount_minor"] for p in shop.payloads("order.paid.v1")]
    refunds = [p["amount_minor"] for p in shop.payloads("order.refund_recorded.v1")]
    assert len(placed) == 28010
    assert sum(p["amounts"]["total_minor"] for p in placed) == 299576061
    assert (len(paid), sum(paid)) == (24087, 247482307)
    assert (len(refunds), sum(refunds)) == (5646, 57233592)
    assert sum(paid) - sum(refunds) == 190248715
    copy = shop.folder / "gbk.csv"
    lines = TMALL.read_text("utf-8").splitlines(keepends=True)[: None if THOROUGH else 3001]
    copy.write_bytes("".join(lines).encode("gbk"))
    summary, rows = shop.bring(copy), len(lines) - 1
    assert (counts(summary), summary.events) == ((rows, 0, 0, rows), 0)


@needs(TMALL)
def test_tmall_report__rejected_with_a_fault_in_each_row(shop: Shop) -> None:
    lines = TMALL.read_text("utf-8").splitlines()[1 :: 1 if THOROUGH else 9]
    path = shop.file([line.replace(",2020-", ",2O20-", 1) for line in lines])
    summary = shop.bring(path)
    assert (summary.rejected, summary.fault_count) == (len(lines), len(lines))
    assert sum(fault.code == "not_time" for fault in summary.faults) == len(lines)


@pytest.mark.parametrize(("what", "code"), [
    ("missing", "not_a_file"), ("folder", "not_a_file"), ("not_text", "wrong_encoding")])
@pytest.mark.parametrize("among_good_ones", [False, True])
def test_import__rejected_with_the_file_that_cannot_be_read(
    shop: Shop, what: str, code: str, among_good_ones: bool
) -> None:
    wrong = shop.folder / "wrong.csv"
    if what == "folder":
        wrong.mkdir()
    elif what == "not_text":
        wrong.write_bytes(b"\xff\xff\x00\x81" * 40)
    good = [shop.file([order(1)])] if among_good_ones else []
    summary = shop.bring(*good, wrong)
    assert not summary.ok
    faults = list(summary.faults)
    assert {fault.file for fault in faults} == {"wrong.csv"}
    assert faults[0].code == code
    assert shop.log() == []


# -- erased buyers --------------------------------------------------------------------------------


def few_orders(shop: Shop, *changes: tuple[str, str], name: str = "few.csv") -> Path:
    """The first orders of the sample; in the first of them texts are changed."""
    header, first, *rest = SAMPLE[0].read_text("gb18030").splitlines()[:6]
    for old, new in changes:
        assert old in first
        first = first.replace(old, new)
    return shop.file([first, *rest], name, header)


def test_import__counts_rows_about_an_erased_buyer_and_takes_nothing_of_theirs(shop: Shop) -> None:
    """Neither the same file again, nor one with another phone, remark or account, brings the buyer
    back; what is not personal in it is recorded."""
    assert shop.bring(few_orders(shop), profile="taobao-orders").erased == 0
    first = shop.payloads("order.placed.v1")[0]
    ledger, person = shop.opened.ledger, first["phone"]["p"]
    erase(ledger, person)
    for changes in ([], [("15400000349", "15400000350")],
                    [("旧信先生_q0349", "别人"), ("砚台路", "新路")]):
        again = shop.bring(few_orders(shop, *changes), profile="taobao-orders")
        assert (again.events, again.erased, again.duplicates) == (0, 1, 5), changes
    last = ledger.head().position
    changed = few_orders(shop, ('"128.00","0","0.00"', '"127.00","0","0.00"'),
                         ('"136.00","0.00"', '"135.00","0.00"'), ("旧信先生_q0349", "别人"))
    found = shop.bring(changed, profile="taobao-orders")
    assert (found.accepted, found.erased, found.rejected) == (1, 1, 0)
    assert b'"p":' not in b"".join(
        entry.payload for entry in ledger.store.read(ledger.id, after=last))
    for file in (changed, few_orders(shop, name="other.csv")):
        again = shop.bring(file, profile="taobao-orders")
        assert (again.events, again.erased) == (0, 1)
