"""Counts: the bins of a SKU add up, and when it was counted may be said of the file."""

from typing import Any

import pytest
import yaml

from ledger.common.values import to_us
from ledger.imports import profiles
from ledger.imports.profile import Profile
from tests.support.builders import NOON
from tests.support.reporting import report
from tests.support.shops import Shop, codes, counts


def counted(**changes: Any) -> Profile:
    """A list of what was counted, without a column that says when."""
    raw = {"name": "counted", "version": 1, "channel": "x", "shop": "x",
           "money": {"currency": "CNY", "exponent": 2}, "stock": {"warehouse": "main"},
           "times": {"zone": "Asia/Shanghai", "formats": ["%Y-%m-%d"]},
           "files": {"rows": {"columns": {
               "sku": {"field": "sku", "kind": "id"},
               "pieces": {"field": "quantity", "kind": "integer"},
               "bin": {"field": "bin", "kind": "text"}}}},
           "count": {"file": "rows", "sku": "sku", "quantity": "quantity", "bin": "bin"},
           **changes}
    return profiles.parse(yaml.safe_dump(raw), "counted")


def bring(shop: Shop, name: str = "count.csv", profile: Profile | None = None, **more: Any) -> Any:
    """Import three rows of two SKUs."""
    path = shop.file(("A,3,A-1", "A,4,A-2", "B,0,"), name, "sku,pieces,bin")
    return shop.bring(path, profile=profile or counted(), **more)


def test_count_without_a_time__rejected_where_nothing_says_when(shop: Shop) -> None:
    assert [code for _, _, code in codes(bring(shop))] == ["no_time_of_count"] * 2
    assert shop.log() == []


@pytest.mark.parametrize(("name", "more"), [
    ("count.csv", {"as_of_us": to_us(NOON)}), ("count-2026-07-01.csv", {})])
def test_count_without_a_time__is_of_when_its_file_was_made(
    shop: Shop, name: str, more: dict[str, Any]
) -> None:
    profile = counted(stated={"name": "count-([0-9-]{10})", "format": "%Y-%m-%d"})
    assert counts(bring(shop, name, profile, **more)) == (3, 3, 0, 0)
    assert {row["sku"]: row["on_hand"] for row in report(shop, "inventory")} == {"A": 7, "B": 0}
    assert counts(bring(shop, name, profile, **more)) == (3, 0, 0, 3)
