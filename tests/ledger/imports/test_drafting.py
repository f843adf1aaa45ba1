"""Drafts of profiles: of an ordinary header one runs at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger.imports import profiles
from ledger.imports.drafting import NothingToDraft, drafted
from tests.support.shops import Shop, counts
from tests.support.workbooks import save_workbook

CHINESE = """订单编号,下单时间,付款时间,商家编码,数量,单价,运费,实付金额,收货人,订单状态,业务员
D1,2026-03-01 10:00:00,2026-03-01 10:05:00,SH-1,2,10.00,5.00,30.00,王芳,交易成功,李
D1,2026-03-01 10:00:00,2026-03-01 10:05:00,SH-2,1,5.00,5.00,30.00,王芳,交易成功,李
D2,2026-03-02 10:00:00,,SH-2,1,5.00,0,,李雷,已取消,李
"""
ENGLISH = """Report of March;;;;
;;;;
Order ID;Order Date;SKU;Qty;Unit Price;Total;Buyer
A-1;13/04/2026 10:00;PEN;2;€ 1,50;€ 3,00;anna
A-2;14/04/2026 10:00;PEN;1;€ 1.250,50;€ 1.250,50;bob
"""


def draft(shop: Shop, text: str, name: str = "x.csv") -> tuple[Path, str]:
    path = shop.file(text.encode(), name)
    return path, drafted(path)


@pytest.mark.parametrize(("text", "placed"), [(CHINESE, 2), (ENGLISH, 2)])
def test_draft__of_an_ordinary_header_runs_at_once(shop: Shop, text: str, placed: int) -> None:
    path, made = draft(shop, text)
    profile = profiles.parse(made, "draft")
    summary = shop.bring(path, profile=profile)
    assert summary.ok, (made, list(summary.faults))
    assert shop.types()["order.placed.v1"] == placed


@pytest.mark.parametrize(("file", "name"), [
    ("微店订单20260902.csv", "own"), ("Orders 2026-09.CSV", "orders-2026-09"),
    ("20260902_export.csv", "export"), ("x" * 60 + ".csv", "x" * 40), ("-.csv", "own")])
def test_draft__is_called_as_a_profile_may_be(shop: Shop, file: str, name: str) -> None:
    _, made = draft(shop, CHINESE, file)
    assert yaml.safe_load(made)["name"] == name
    assert profiles.parse(made, "draft").name == name


def test_draft__says_what_orders_hold(shop: Shop) -> None:
    path, made = draft(shop, CHINESE)
    shop.bring(path, profile=profiles.parse(made, "draft"))
    first, _ = shop.payloads("order.placed.v1")
    assert [(line["sku"], line["quantity"], line["unit_price"]) for line in first["lines"]] == [
        ("SH-1", 2, 1000), ("SH-2", 1, 500)]
    assert shop.payloads("order.paid.v1") == [{"amount_minor": 3000}]
    assert shop.types()["order.cancelled.v1"] == 1
    assert yaml.safe_load(made)["files"]["orders"]["ignored"] == ["业务员"]
    assert not any("王芳" in str(entry.payload) for entry in shop.log())


@pytest.mark.parametrize(("cell", "used"), [
    ("05.09.2026 12:00", False), ("yes", False), ("1.234,50", True), ("€ 5", True), ("", True)])
def test_draft__takes_a_column_for_amounts_only_where_it_may_hold_them(
    shop: Shop, cell: str, used: bool
) -> None:
    _, made = draft(shop, f"Order;Order time;Refunded\nA;2026-09-01 10:00;{cell}\n")
    ignored = yaml.safe_load(made)["files"]["orders"].get("ignored", [])
    assert ("Refunded" in ignored) is not used


def test_draft__says_that_a_payment_without_an_amount_is_not_recorded(shop: Shop) -> None:
    text = "Order,Order time,Payment time{}\nA,2026-09-01 10:00,2026-09-01 10:01{}\n"
    assert "without `paid_minor`" in draft(shop, text.format("", ""))[1]
    assert "without `paid_minor`" not in draft(shop, text.format(",Total", ",5.00"), "y.csv")[1]


def test_draft__of_a_workbook_is_that_of_its_text(shop: Shop, tmp_path: Path) -> None:
    rows = [line.split(",") for line in CHINESE.splitlines()]
    book = save_workbook(tmp_path / "x.xlsx", rows)
    _, made = draft(shop, CHINESE)
    assert drafted(book) == made
    assert shop.bring(book, profile=profiles.parse(made, "draft")).ok


def test_draft__finds_the_layout_the_money_and_the_times(shop: Shop) -> None:
    _, made = draft(shop, ENGLISH)
    found: Any = yaml.safe_load(made)
    assert (found["files"]["orders"]["delimiter"], found["files"]["orders"]["header_row"]) == (
        "semicolon", 3)
    assert found["money"] == {"currency": "EUR", "exponent": 2, "signs": ["€"], "decimal": "comma"}
    assert found["times"]["formats"] == ["%d/%m/%Y %H:%M"]


def test_draft__says_what_nobody_can_tell(shop: Shop) -> None:
    """Days and months that are both below 13, and words of a status that are not known."""
    _, made = draft(shop, ENGLISH.replace("13/04", "03/04").replace("14/04", "05/04"))
    assert "see which of the two it is" in made
    _, made = draft(shop, CHINESE.replace("已取消", "不明"))
    assert "订单状态" in yaml.safe_load(made)["files"]["orders"]["ignored"]
    assert made.splitlines()[1].startswith("# The column 订单状态")


@pytest.mark.parametrize("text", [
    "", "a,b\n1,2\n", "订单编号,数量\n1,2\n", "\0", "订单编号,下单时间,x,x\n"])
def test_draft__rejected_when_there_is_nothing_to_guess(shop: Shop, text: str) -> None:
    """R-IMP-37"""
    with pytest.raises(NothingToDraft):
        draft(shop, text)


def test_draft__keeps_names_that_yaml_would_take_for_something_else(shop: Shop) -> None:
    text = 'order id,placed,"a: b","#c",yes,- d,"q""q"\n1,2026-03-01 10:00:00,1,2,3,4,5\n'
    path, made = draft(shop, text)
    assert yaml.safe_load(made)["files"]["orders"]["ignored"] == [
        "a: b", "#c", "yes", "- d", 'q"q']
    assert counts(shop.bring(path, profile=profiles.parse(made, "draft"))) == (1, 1, 0, 0)
