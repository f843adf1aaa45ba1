"""Explanations of stock: every level is the sum of its postings, at any pair of clocks."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from ledger.application import Ledger
from ledger.log.store import Store
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.places import stock_of
from projections.asking.clocks import NOW, AsOf
from projections.asking.past import NothingRecorded
from projections.explaining import limits
from projections.explaining.levels import explain_stock
from projections.explaining.limits import TooLongToExplain
from tests.support.builders import CONTEXT, HOUSE, NOON, line, moved, opened, received, sell

ACCOUNT = stock_of(HOUSE, "SH-001")


@pytest.fixture
def counted(ledger: Ledger) -> Ledger:
    """Ten came, two were sold, nine were counted before that; one that came late had been counted.
    """
    for command in (
            opened(), received(quantity=10, to_bin="A", occurred_at=NOON),
            sell(1, line(quantity=2), occurred_at=NOON + timedelta(hours=2)),
            CountStock(warehouse=HOUSE, occurred_at=NOON + timedelta(hours=1), counts=[
                CountLine(sku="SH-001", quantity=9)]),
            received(quantity=1, occurred_at=NOON + timedelta(minutes=1))):
        ledger.handle(command, CONTEXT)
    return ledger


def test_explain__adds_up_by_place_and_bin(counted: Ledger, store: Store) -> None:
    _, found = explain_stock(store, "main", ACCOUNT, NOW)
    levels = {place: figure["value"] for place, figure in found["figures"].items()}
    assert levels == {"available": 7, "reserved": 2, "supplier": -11, "stocktake_gain_loss": 2}
    assert {name: figure["value"] for name, figure in found["bins"].items()} == {"A": 9, "": 0}
    for figure in (*found["figures"].values(), *found["bins"].values()):
        assert figure["value"] == sum(term["factor"] * term["value"] for term in figure["terms"])
    documents = {term["document"].split(":")[0] for term in found["figures"]["available"]["terms"]}
    assert documents == {"movement", "order", "count"}


def test_explain__takes_what_counts_by_then(counted: Ledger, store: Store) -> None:
    """A posting counts at its own time: one event may do so at two."""
    then = AsOf.parse(occurred_as_of="2026-10-01T04:30:00Z")
    _, found = explain_stock(store, "main", ACCOUNT, then)
    assert found["figures"]["available"]["value"] == 11
    _, found = explain_stock(store, "main", ACCOUNT, AsOf(3))
    assert found["figures"]["available"]["value"] == 10
    with pytest.raises(NothingRecorded):
        explain_stock(store, "main", stock_of(HOUSE, "NEW"), NOW)


def test_explain__says_of_a_count_that_movements_before_it_came_later(
    counted: Ledger, store: Store
) -> None:
    """R-MON-28"""
    at = NOON + timedelta(minutes=2)
    gone = moved("SH-001", 1, "available", "written_off", "write_off", reason="水浸",
                 occurred_at=NOON + timedelta(hours=3))

    def counts(position: int | None = None) -> list[list[str]]:
        _, found = explain_stock(store, "main", ACCOUNT, AsOf(position))
        assert [row["counted"] for row in found["counts"]] == [9]
        return [row["rests_on"] for row in found["counts"]]

    assert (counts(counted.head().position - 1), counts()) == ([[]], [["movement_known_later"]])
    counted.handle(gone, CONTEXT)
    assert counts() == [["movement_known_later"]]
    counted.handle(replace(gone, occurred_at=at), CONTEXT)
    assert counts() == [[]], "one came and one went before the count: it saw what the books say"


def test_explain__refused_when_too_many_events_posted(
    counted: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST", 3)
    with pytest.raises(TooLongToExplain, match="more than 3 events"):
        explain_stock(store, "main", ACCOUNT, NOW)
