"""The prices of a SKU as a report: all that it had, and which one is in force."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.stock.prices import PriceSku
from ledger.stock.skus import AliasSku
from projections import reports
from projections.asking.clocks import AsOf
from projections.asking.past import NothingRecorded
from projections.asking.questions import Question, SubjectNeeded
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.support.builders import CONTEXT, NOON, context


def price(amount: int, floor: int | None, days: int) -> PriceSku:
    """A price from some day on."""
    return PriceSku(sku="SH-001", amount_minor=amount, floor_minor=floor, currency="CNY",
                    reason="年中调价", occurred_at=NOON + timedelta(days=days))


def asked(ledger: Ledger, as_of: AsOf | None = None, **fields: Any) -> list[tuple[Any, ...]]:
    """The rows of the report: amount, floor, who, whether it is in force."""
    models = ReadModels(ledger.store, PROJECTIONS)
    try:
        rows = reports.run(models, "main", "prices", Question(
            as_of=as_of or AsOf(), sort="since", **{"subject": "sku:SH-001", **fields})).rows
    finally:
        models.close()
    return [(row["amount_minor"], row["floor_minor"], row["priced_by"], row["in_force"])
            for row in rows]


def test_prices__shows_all_of_a_sku_by_when_they_hold_from(ledger: Ledger) -> None:
    for command in (price(4_990, 3_000, 0), price(3_990, None, -5)):
        ledger.handle(command, context(actor="member:chen"))
    ledger.handle(price(5_990, 4_000, 3), CONTEXT)
    assert asked(ledger) == [
        (3_990, None, "member:chen", False), (4_990, 3_000, "member:chen", False),
        (5_990, 4_000, "system", True)]
    before = AsOf.parse(occurred_as_of="2026-10-02")
    assert asked(ledger, before) == [
        (3_990, None, "member:chen", False), (4_990, 3_000, "member:chen", True)]
    named = AliasSku(sku="SH-001", target="SH-002", occurred_at=NOON + timedelta(days=4))
    ledger.handle(named, CONTEXT)
    assert [row[-1] for row in asked(ledger)] == [False, False, False]


def test_prices__rejected_of_no_sku(ledger: Ledger) -> None:
    with pytest.raises(SubjectNeeded):
        asked(ledger, subject=None)
    for subject in ("sku:nothing", "order:taobao:x:1"):
        with pytest.raises(NothingRecorded):
            asked(ledger, subject=subject)
