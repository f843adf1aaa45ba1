"""Stock in warehouses: what may move, what is asked, what is never clamped."""

from datetime import timedelta

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from ledger.common.errors import InvalidValues
from ledger.stock.account import StockAccount
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import (
    AliasOfAlias,
    BundleHasNoStock,
    BundleInsideItself,
    CountedSince,
    NewerCount,
    OutOfStock,
    PlaceEmpty,
    SkuUnknown,
)
from ledger.stock.movements import MoveStock, StockMove
from ledger.stock.pieces import Part
from ledger.stock.places import CAUSES, stock_of
from ledger.stock.skus import AliasSku, BundleSku, RegisterSku
from tests.support.builders import HOUSE, NOON, moved, opened, received, sell
from tests.support.stories import Story, given

EARLIER = NOON - timedelta(days=1)


def levels(story: Story, sku: str = "SH-001") -> dict[str, int]:
    """The places of a SKU that hold something."""
    item = story.known[stock_of(HOUSE, sku)]
    assert isinstance(item, StockAccount)
    assert sum(item.levels.values()) == 0
    return {place: count for place, count in item.levels.items() if count}


def counted(quantity: int, **fields: object) -> CountStock:
    """A count of one SKU."""
    return CountStock(**{"warehouse": HOUSE, "occurred_at": NOON, "counts": [  # type: ignore
        CountLine(sku="SH-001", quantity=quantity)], **fields})


def test_decision__rejected_from_an_empty_place() -> None:
    story = given(opened(), received(quantity=3))
    story.when(moved("SH-001", 4, "available", "supplier", "return_to_supplier")
               ).refused(OutOfStock)
    story.when(moved("SH-001", 1, "quarantine", "available", "quarantine_lifted", reason="复检合格")
               ).refused(PlaceEmpty)
    assert levels(story) == {"available": 3, "supplier": -3}


def test_fact__accepted_below_zero_with_a_discrepancy() -> None:
    """A write-off of more than the books hold is recorded and never clamped to 0."""
    story = given(opened(), received(quantity=3)).when(
        moved("SH-001", 5, "available", "written_off", "write_off", reason="水浸"))
    (fact,) = story.then("stock.moved.v1")
    assert [(below.place, below.level) for below in fact.below_zero] == [("available", -2)]
    assert levels(story)["available"] == -2
    (fact,) = story.when(received(quantity=1)).then("stock.moved.v1")
    assert fact.below_zero == []


def test_move__rejected_with_everything_that_is_wrong() -> None:
    with pytest.raises(InvalidValues) as caught:
        MoveStock(warehouse="", occurred_at=NOON, late="perhaps", moves=[
            StockMove(sku="", quantity=0, source="shelf", target="available", cause="magic"),
            StockMove(sku="A", quantity=1, source="supplier", target="available", cause="gift"),
            StockMove(sku="A", quantity=1, source="available", target="available",
                      cause="bin_move", bin="A1", to_bin="A1"),
            StockMove(sku="A", quantity=1, source="available", target="written_off",
                      cause="write_off")])
    assert [fault.where for fault in caught.value.faults] == [
        "/warehouse", "/moves/0/sku", "/moves/0/quantity", "/moves/0/from", "/moves/0/cause",
        "/late", "/moves/1", "/moves/2", "/reason"]


def test_move__rejected_for_an_unknown_sku() -> None:
    move = moved("NEW", 1, "available", "written_off", "write_off", reason="水浸")
    given(opened()).when(move).refused(SkuUnknown)
    given(opened(), RegisterSku(sku="NEW", occurred_at=NOON)).when(move).then("stock.moved.v1")


def test_late_receipt__rejected_before_a_count_until_it_says_what_it_was() -> None:
    """erpnext#54295, #54640: a late entry silently undoes a stocktake (counted 1, shown 43)."""
    late = {"quantity": 42, "occurred_at": EARLIER}
    story = given(opened(), received(quantity=3, occurred_at=EARLIER), counted(1))
    story.when(received(**late)).refused(CountedSince)
    story.when(received(**late, late="already_counted")).then("stock.moved.v1")
    assert levels(story)["available"] == 1
    story.when(received(**late, late="movement")).then("stock.moved.v1")
    assert levels(story)["available"] == 43
    story.when(counted(5, occurred_at=EARLIER)).refused(
        NewerCount,
        "stock:main:SH-001 was counted again at 2026-10-01T04:00:00Z, after this count "
        "(2026-09-30T04:00:00Z). The later count stands; if it is wrong, count once more.")


def test_count__accepted_as_a_delta_and_as_an_opening() -> None:
    """GreaterWMS cyclecount: a counted variance never reaches the stock."""
    story = given(opened()).when(counted(7))
    opening, fact = story.then("stock.moved.v1", "stock.counted.v1")
    assert (opening.moves[0].cause, fact.book, fact.variance) == ("opening", 0, 7)
    story.when(counted(4))
    move, fact = story.then("stock.moved.v1", "stock.counted.v1")
    assert (move.moves[0].cause, fact.book, fact.variance) == ("count", 7, -3)
    assert levels(story) == {"available": 4, "stocktake_gain_loss": -4}
    story.when(counted(4)).then("stock.counted.v1")


def test_count__accepted_below_what_is_reserved() -> None:
    """The shelf is what it is: available falls, the reservations stay."""
    story = given(opened(), received(quantity=2), sell()).when(counted(0))
    assert levels(story) == {"supplier": -2, "reserved": 1, "stocktake_gain_loss": 1}


def test_count__accepted_bin_by_bin_when_it_opens() -> None:
    story = given(opened()).when(counted(0, counts=[
        CountLine(sku="SH-001", quantity=2, bin="A1"), CountLine(sku="SH-001", quantity=3, bin="B2")
    ]))
    fact, _ = story.then("stock.moved.v1", "stock.counted.v1")
    assert [(move.to_bin, move.quantity) for move in fact.moves] == [("A1", 2), ("B2", 3)]


def test_alias__accepted_as_data_of_the_shop() -> None:
    story = given(opened(), received("85123A", 5),
                  AliasSku(sku="85123a", target="85123A", occurred_at=NOON),
                  received("85123a", 2))
    assert levels(story, "85123A")["available"] == 7
    story.when(AliasSku(sku="X", target="85123a", occurred_at=NOON)).refused(AliasOfAlias)
    story.when(AliasSku(sku="X", target="X", occurred_at=NOON)).refused(AliasOfAlias)


def test_bundle__rejected_inside_itself() -> None:
    def bundle(sku: str, *parts: str) -> BundleSku:
        return BundleSku(sku=sku, parts=[Part(part, 1) for part in parts], occurred_at=NOON)

    given().when(bundle("A", "A")).refused(BundleInsideItself)
    story = given(bundle("A", "B"), bundle("B", "C"))
    error = story.when(bundle("C", "A")).refused(BundleInsideItself)
    assert error.details["path"].count(">") == 3
    given(opened(), bundle("A", "B")).when(received("A")).refused(BundleHasNoStock)


MOVES = st.sampled_from([
    StockMove(sku="SH-001", quantity=quantity, source=source, target=target, cause=name)
    for name, cause in CAUSES.items() for source in cause.sources for target in cause.targets
    for quantity in (1, 3) if source != target])


@examples(st.lists(MOVES, max_size=30))
def test_places__sum_to_zero_and_decisions_never_pass_below(moves: list[StockMove]) -> None:
    story = given(opened(), received())
    for move in moves:
        before = dict(levels(story))
        story.when(MoveStock(warehouse=HOUSE, occurred_at=NOON, reason="试", moves=[move]))
        after = levels(story)
        if CAUSES[move.cause].decision:
            assert after.get(move.source, 0) >= min(0, before.get(move.source, 0)) \
                or move.source in ("supplier",)
        else:
            (fact,) = story.facts
            left = after.get(move.source, 0)
            physical = move.source not in ("supplier", "stocktake_gain_loss", "written_off")
            assert [(b.place, b.level) for b in fact.below_zero] == (
                [(move.source, left)] if physical and left < 0 else [])
