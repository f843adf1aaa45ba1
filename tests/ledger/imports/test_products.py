"""Several products in one cell."""

import pytest
import yaml

from ledger.imports import profiles
from ledger.imports.faults import BadCell
from ledger.imports.products import parser, wrong_in
from ledger.imports.profile import Profile
from tests.support.reporting import report
from tests.support.shops import Shop, codes, counts

PATTERN = r"(?P<title>.+?) \[(?P<sku>[^\]]+)\] ?[x×] ?(?P<quantity>\d+)(?: @ ?(?P<price>[\d.]+))?"


def orders(pattern: str = PATTERN) -> Profile:
    """One row an order, its goods in one cell, sent from a warehouse that no column names."""
    return profiles.parse(yaml.safe_dump({
        "name": "cells", "version": 1, "channel": "x", "shop": "x",
        "money": {"currency": "CNY", "exponent": 2},
        "times": {"zone": "Asia/Shanghai", "formats": ["%Y-%m-%d"]},
        "files": {"orders": {
            "columns": {
                "no": {"field": "number", "kind": "id"},
                "goods": {"field": "goods", "kind": "products", "between": "|",
                          "pattern": pattern},
                "at": {"field": "at", "kind": "time"}},
            "constants": {"courier": {"kind": "text", "value": "顺丰"}}}},
        "order": {"file": "orders", "number": "number", "lines": {"of": "orders",
                                                                 "products": "goods"},
                  "goods_minor": {"lines": "goods"}, "courier": "courier",
                  "placed": {"at": "at"}, "dispatched": {"at": "at"}}}), "cells")


def bring(shop: Shop, goods: str, profile: Profile | None = None) -> None:
    """Import an order with these goods."""
    shop.bring(shop.file([f"1,{goods},2026-09-01"], header="no,goods,at"),
               profile=profile or orders())


def test_cell__gives_a_line_for_each_product(shop: Shop) -> None:
    bring(shop, "Blue cup [CUP-1] x 2 @ 5.00|Oak tray [TRAY-2]×1 @7| Spare lid [LID] x 0 @ 1")
    (placed,), (sent,) = shop.payloads("order.placed.v1"), shop.payloads("order.dispatched.v1")
    assert [(line["sku"], line["title"], line["quantity"], line["amount_minor"])
            for line in placed["lines"]] == [("CUP-1", "Blue cup", 2, 1000),
                                             ("TRAY-2", "Oak tray", 1, 700)]
    assert (placed["amounts"]["goods_minor"], sent["courier"]) == (1700, "顺丰")


def test_cell__has_skus_as_a_column_of_their_own_has_them(shop: Shop) -> None:
    """Full-width ones are those of ASCII, or the same goods would be two."""
    bring(shop, "Blue cup [ＣＵＰ-１　] x ２")
    (placed,) = shop.payloads("order.placed.v1")
    assert [(line["sku"], line["quantity"]) for line in placed["lines"]] == [("CUP-1", 2)]


def test_cell__without_prices_has_pieces_all_the_same(shop: Shop) -> None:
    bring(shop, "Blue cup [CUP-1] x 2")
    (order,) = report(shop, "fulfilment")
    assert [(line["sku"], line["ordered"]) for line in order["lines"]] == [("CUP-1", 2)]


@pytest.mark.parametrize(("goods", "code"), [
    ("Blue cup", "not_products"), ("Blue cup [CUP-1] x 2 @ 1.234", "too_many_decimals"),
    ("Blue cup [1.2E+17] x 1", "mangled"), ("", "empty"), ("Blue cup [CUP-1] x 2|", "")])
def test_cell__rejected_where_a_part_is_not_a_product(shop: Shop, goods: str, code: str) -> None:
    bring(shop, goods)
    assert shop.summary is not None
    assert [found for _, _, found in codes(shop.summary)] == ([code] if code else [])
    assert counts(shop.summary)[2] == bool(code)


@pytest.mark.parametrize("pattern", ["(", "(?P<sku>.+)", "(?P<sku>.+)x(?P<quantity>.+)(?P<no>.)"])
def test_pattern__rejected_without_its_groups(pattern: str) -> None:
    assert wrong_in(pattern)
    with pytest.raises(profiles.InvalidProfile, match=r"Not a pattern|Needs groups"):
        orders(pattern)


def test_parser__reads_parts_in_order() -> None:
    parse = parser(r"(?P<quantity>\d+)(?P<sku>[A-Z])", ",", sku=str, integer=int, money=int)
    assert parse("2A, 1B") == [["A", 2, None, None, None], ["B", 1, None, None, None]]
    with pytest.raises(BadCell):
        parse("2A, B")


@pytest.mark.parametrize(("constant", "says"), [
    ({"kind": "integer", "value": "five"}, "is not of the kind integer"),
    ({"kind": "choice", "value": "a"}, "has values"), ({"kind": "text"}, "Missing data")])
def test_constant__rejected_where_it_is_not_of_its_kind(
    constant: dict[str, str], says: str
) -> None:
    raw = {"name": "a", "version": 1, "channel": "x", "shop": "x",
           "money": {"currency": "CNY", "exponent": 2},
           "times": {"zone": "Asia/Shanghai", "formats": ["%Y-%m-%d"]},
           "files": {"orders": {"columns": {"no": {"field": "number", "kind": "id"},
                                            "at": {"field": "at", "kind": "time"}},
                                "constants": {"pieces": constant}}},
           "order": {"file": "orders", "number": "number", "placed": {"at": "at"}}}
    with pytest.raises(profiles.InvalidProfile, match=says):
        profiles.parse(yaml.safe_dump(raw), "a")
