"""Movements and transfers as files declare them."""

import re
from contextlib import closing
from typing import Any

import pytest

from ledger.common.context import Context
from ledger.imports import profiles
from ledger.imports.errors import CountsAreStock
from ledger.imports.importer import run_import
from ledger.imports.references import WAYS
from ledger.stock.movements import StockMove
from ledger.stock.places import CAUSES
from ledger.stock.warehouses import OpenWarehouse
from tests.support.builders import NOON
from tests.support.reporting import report
from tests.support.shops import SAMPLES, Shop, codes, counts

SAMPLE = SAMPLES / "platforms/generic-stock-movements.csv"
HEADER, *ROWS = SAMPLE.read_text("utf-8").splitlines()
PROFILE = "generic-stock-movements"


def house(shop: Shop, name: str) -> None:
    """Open a warehouse."""
    shop.opened.ledger.handle(OpenWarehouse(name=name, occurred_at=NOON),
                              Context(actor="system", role="manager", client="tests"))


def bring(shop: Shop, *rows: str, **more: Any) -> Any:
    """Import rows of a stock ledger of two warehouses."""
    house(shop, "main")
    house(shop, "north")
    return shop.bring(shop.file(rows, header=HEADER), profile=PROFILE, **more)


def levels(shop: Shop) -> dict[tuple[str, str], tuple[int, int]]:
    """By warehouse and SKU, how many pieces are available and damaged."""
    return {(row["warehouse"], row["sku"]): (row["available"], row["damaged"])
            for row in report(shop, "inventory")}


def test_sample__moves_what_it_says_once(shop: Shop) -> None:
    house(shop, "north")
    assert counts(shop.bring(SAMPLE, profile=PROFILE)) == (7, 7, 0, 0)
    assert levels(shop) == {("main", "CUP-1"): (29, 0), ("main", "TRAY-2"): (8, 3),
                            ("north", "CUP-1"): (10, 0)}
    assert shop.types()["stock.moved.v1"] == 3
    again = shop.file(SAMPLE.read_bytes(), "again.csv")
    assert counts(shop.bring(again, profile=PROFILE)) == (7, 0, 0, 7)


def test_transfer__arrives_with_a_later_file(shop: Shop) -> None:
    sent = "T1,transfer,A,5,main,north,,2026-09-01 08:00:00,{},,"
    bring(shop, sent.format(""))
    assert levels(shop) == {("main", "A"): (-5, 0)}
    assert counts(bring(shop, sent.format("2026-09-02 08:00:00"))) == (1, 1, 0, 0)
    assert levels(shop) == {("main", "A"): (-5, 0), ("north", "A"): (5, 0)}


@pytest.mark.parametrize(("rows", "expected"), [
    (["T1,transfer,A,5,main,,,2026-09-01 08:00:00,,,"], [(2, "to", "empty")]),
    (["T1,transfer,A,5,main,south,,2026-09-01 08:00:00,,,"], [(2, "number", "warehouse_unknown")]),
    (["T1,transfer,A,5,main,main,,2026-09-01 08:00:00,,,"], [(2, "to", "same_place")]),
    (["M1,damage,A,5,main,,,2026-09-01 08:00:00,,,"], [(2, "reason", "missing")]),
    (["M1,receipt,A,-5,,main,,2026-09-01 08:00:00,,,"], [(2, "quantity", "out_of_range")]),
    (["M1,receipt,A,0,,main,,2026-09-01 08:00:00,,,"], [(2, "quantity", "nothing_moves")]),
    (["M1,gift,A,1,main,,,2026-09-01 08:00:00,,,"], [(2, "number", "sku_unknown")]),
    (["M1,receipt,A,5,,main,,2026-09-01 08:00:00,,,",
      "M1,receipt,B,5,,main,,2026-09-02 08:00:00,,,"],
     [(3, "moved_at", "rows_disagree")])])
def test_row__rejected_at_its_cell(
    shop: Shop, rows: list[str], expected: list[tuple[int, str, str]]
) -> None:
    summary = bring(shop, *rows)
    assert codes(summary) == expected
    assert not shop.types()["stock.moved.v1"] + shop.types()["transfer.sent.v1"]


@pytest.mark.parametrize("side", ["from", "to"])
def test_transfer__rejected_where_the_profile_names_one_side_alone(shop: Shop, side: str) -> None:
    house(shop, "main")
    text = (profiles.PACKAGED / f"{PROFILE}.yaml").read_text("utf-8")
    known = profiles.parse(re.sub(rf"\b{side}: {side}\b,?", "", text), PROFILE)
    path = shop.file(["T1,transfer,A,5,main,main,,2026-09-01 08:00:00,,,"], header=HEADER)
    (fault,) = shop.bring(path, profile=known).faults
    assert (fault.row, fault.column, fault.value, fault.code) == (2, "", "", "no_side")
    assert f"the `{side}` of a transfer" in fault.reason


def test_movements__are_refused_without_stock(shop: Shop) -> None:
    with pytest.raises(CountsAreStock):
        bring(shop, ROWS[0], stock="none")


def test_adjustment__waits_for_a_second_person_where_a_person_imports_it(shop: Shop) -> None:
    house(shop, "main")
    path = shop.file(["M1,adjustment,A,2,main,,,2026-09-01 08:00:00,,,found"], header=HEADER)
    by = Context(actor="service:desk", role="manager", client="tests")
    with closing(run_import(shop.opened.ledger, [path], profiles.find(PROFILE), context=by,
                            staging_dir=shop.staging)) as summary:
        assert counts(summary) == (1, 1, 0, 0)
    assert (shop.types()["movement.requested.v1"], levels(shop)) == (1, {})


@pytest.mark.parametrize("kind", sorted(CAUSES))
def test_kind__moves_as_its_cause_allows(kind: str) -> None:
    source, target = WAYS[kind]
    assert source in CAUSES[kind].sources
    assert target in CAUSES[kind].targets
    assert StockMove(sku="A", quantity=1, source=source, target=target, cause=kind, bin="",
                     to_bin="B").cause == kind


def test_profile__rejected_where_a_kind_has_no_word_in_the_ledger() -> None:
    text = (profiles.PACKAGED / f"{PROFILE}.yaml").read_text("utf-8")
    with pytest.raises(profiles.InvalidProfile, match="'borrowed' is not one of"):
        profiles.parse(text.replace("values: [receipt,", "values: [borrowed,"), PROFILE)
