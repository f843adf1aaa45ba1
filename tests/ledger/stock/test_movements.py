"""Movements by hand: what may move, what is refused, what is never clamped."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from ledger.common.errors import InvalidValues
from ledger.fulfilment.commands import ReserveOrder
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import (
    OutOfStock,
    PlaceEmpty,
    SkuUnknown,
    TooManyPostings,
    WarehouseUnknown,
)
from ledger.stock.movements import MAX_MOVES, MovementRecorded, MoveStock, StockMove
from ledger.stock.posting import MOST_POSTINGS
from ledger.stock.skus import RegisterSku
from tests.support.builders import HOUSE, NOON, line, moved, opened, place, received, stream
from tests.support.stories import bins, given, goods, levels

LATER = NOON + timedelta(hours=1)


def several(*moves: StockMove, **fields: Any) -> MoveStock:
    """One movement of several moves."""
    return MoveStock(**{"warehouse": HOUSE, "occurred_at": NOON, "moves": list(moves), **fields})


def come(sku: str, quantity: int = 1, **fields: Any) -> StockMove:
    """Goods that come in."""
    return StockMove(sku=sku, quantity=quantity, source="supplier", target="available",
                     cause="receipt", **fields)


def faults(make: Any, **fields: Any) -> list[str]:
    """Where a command is malformed."""
    with pytest.raises(InvalidValues) as caught:
        make(**{"occurred_at": NOON, **fields})
    return [fault.where for fault in caught.value.faults]


@pytest.mark.parametrize("command", [
    received(warehouse="nowhere"),
    CountStock(warehouse="nowhere", occurred_at=NOON, counts=[CountLine(sku="A", quantity=1)]),
])
def test_stock__rejected_for_an_unknown_warehouse(command: Any) -> None:
    given(opened()).when(command).refused(WarehouseUnknown)


@pytest.mark.parametrize("command", [
    received("NEW"),
    moved("NEW", 1, "stocktake_gain_loss", "available", "opening"),
    moved("NEW", 1, "stocktake_gain_loss", "available", "found"),
    moved("NEW", 1, "stocktake_gain_loss", "available", "adjustment", reason="补录"),
])
def test_move__accepted_for_a_new_sku_that_comes_in(command: MoveStock) -> None:
    given(opened()).when(command).then("stock.moved.v1")


def test_move__rejected_for_an_unknown_sku() -> None:
    move = moved("NEW", 1, "available", "written_off", "write_off", reason="水浸")
    given(opened()).when(move).refused(SkuUnknown)
    given(opened(), RegisterSku(sku="NEW", occurred_at=NOON)).when(move).then("stock.moved.v1")


def test_move__is_one_event_that_posts_to_each_of_its_skus() -> None:
    story = given(opened()).when(several(
        come("A", to_bin="A1", line="1"), come("B"), come("A"), document="receipt:7",
        number="7"))
    (fact,) = story.then("stock.moved.v1")
    assert fact.originator_id == "movement:main:7"
    assert fact.about() == ["receipt:7"]
    assert fact.accounts() == {"stock:main:A", "stock:main:B"}
    assert [(one.account, one.quantity, one.source, one.target, one.cause, one.line, one.to_bin)
            for one in fact.postings] == [
        ("stock:main:A", 1, "supplier", "available", "receipt", "1", "A1"),
        ("stock:main:A", 1, "supplier", "available", "receipt", "", ""),
        ("stock:main:B", 1, "supplier", "available", "receipt", "", "")]
    assert bins(story, "A") == {"A1": 1, "": 1}


def test_move__accepted_with_a_fact_and_a_decision_that_stands_on_it() -> None:
    """In whatever order they are listed: what came in is there before it is put away."""
    story = given(opened()).when(several(
        StockMove(sku="A", quantity=2, source="receiving", target="available", cause="put_away",
                  to_bin="A1"),
        StockMove(sku="A", quantity=2, source="supplier", target="receiving", cause="receipt")))
    (fact,) = story.then("stock.moved.v1")
    assert [one.cause for one in fact.postings] == ["receipt", "put_away"]
    assert (levels(story, "A"), bins(story, "A")) == ({"available": 2}, {"A1": 2})


def test_move__has_a_number_of_its_own_or_gets_one() -> None:
    given(opened(), received(number="1")).when(received(number="1")).refused(
        MovementRecorded,
        "movement:main:1 is in the ledger already. Give this one a number of its own.")
    assert levels(given(opened(), received(number="1"), received(number="2"))) == {"available": 20}
    story = given(opened())
    names = [story.decide(received())[0].originator_id for _ in range(3)]
    assert names == [f"movement:main:{1_002 + index}" for index in range(3)]


def test_move__gets_another_number_where_somebody_took_that() -> None:
    story = given(opened(), received(number="1003"))
    (fact,) = story.when(received()).then("stock.moved.v1")
    assert fact.originator_id == "movement:main:1003-2"
    assert levels(story) == {"available": 20}


# -- decisions and facts ---------------------------------------------------------------------------


def test_decision__rejected_from_an_empty_place() -> None:
    story = given(opened(), received(quantity=3))
    story.when(moved("SH-001", 4, "available", "supplier", "return_to_supplier")).refused(
        OutOfStock)
    story.when(moved("SH-001", 1, "quarantine", "available", "quarantine_lifted", reason="复检合格")
               ).refused(PlaceEmpty)
    story.when(moved("SH-001", 1, "receiving", "available", "put_away")).refused(
        PlaceEmpty,
        "stock:main:SH-001: 1 pieces are to leave receiving, which holds 0. If they did leave "
        "it, count what is there.")
    assert levels(story) == {"available": 3}
    story.when(moved("SH-001", 1, "receiving", "available", "adjustment", reason="已上架"))
    (fact,) = story.then("stock.moved.v1")
    assert [(one.source, one.below) for one in fact.postings] == [("receiving", -1)]


def test_decision__rejected_whole_when_one_of_its_skus_is_missing() -> None:
    story = given(opened(), received("A", 5), received("B", 1)).when(several(*(
        StockMove(sku=sku, quantity=2, source="available", target="customer", cause="gift")
        for sku in "AB")))
    story.refused(OutOfStock)
    assert levels(story, "A") == {"available": 5}


def test_decision__rejected_over_the_sum_of_its_moves() -> None:
    """vendure#1028, medusa#16502: two lines of one SKU, each checked alone."""
    gift = StockMove(sku="SH-001", quantity=2, source="available", target="customer", cause="gift")
    given(opened(), received(quantity=3)).when(several(gift, gift)).refused(OutOfStock)


def test_a_declared_fact__below_zero_is_recorded_with_a_discrepancy_and_never_clamped() -> None:
    """GreaterWMS dn/views.py:583: negative stock hidden by clamping to 0."""
    story = given(opened(), received(quantity=1)).when(
        moved("SH-001", 3, "available", "damaged", "damage", reason="水浸"))
    (fact,) = story.then("stock.moved.v1")
    assert [(one.source, one.below) for one in fact.postings] == [("available", -2)]
    assert levels(story) == {"available": -2, "damaged": 3}
    (fact,) = story.when(received(quantity=1)).then("stock.moved.v1")
    assert fact.postings[0].below is None
    assert levels(story) == {"available": -1, "damaged": 3}


def test_a_declared_fact__says_the_level_at_its_last_posting_out_of_a_place() -> None:
    gone = StockMove(sku="SH-001", quantity=2, source="available", target="written_off",
                     cause="write_off")
    story = given(opened(), received(quantity=1)).when(several(gone, gone, reason="水浸"))
    (fact,) = story.then("stock.moved.v1")
    assert [one.below for one in fact.postings] == [None, -3]


@pytest.mark.parametrize("held", ["reserved", "picked", "packed"])
def test_move__does_not_touch_what_belongs_to_orders(held: str) -> None:
    for cause in ("damage", "write_off", "found", "return_to_supplier"):
        assert faults(MoveStock, warehouse=HOUSE, reason="破损", moves=[StockMove(
            sku="A", quantity=1, source=held, target="damaged", cause=cause)]) == ["/moves/0"]
    adjusted = StockMove(
        sku="A", quantity=1, source="available", target=held, cause="adjustment")
    adjusting = partial(
        MoveStock, warehouse=HOUSE, occurred_at=NOON, reason="破损", moves=[adjusted])
    if held == "reserved":
        with pytest.raises(InvalidValues, match="/moves/0"):
            adjusting()
    else:  # what was counted wrongly there can be put right
        assert adjusting().moves


def test_move__serves_who_waits_in_the_same_command() -> None:
    story = given(opened(), received(quantity=1), place(lines=[line(quantity=3)]), ReserveOrder(
        order=stream(), warehouse=HOUSE, occurred_at=NOON))
    story.when(received(quantity=5, occurred_at=LATER)).then(
        "stock.moved.v1", "order.reserved.v1", "order.exception_closed.v1")
    assert goods(story)["1"] == {"reserved": 3}
    assert levels(story) == {"available": 3, "reserved": 3}


# -- malformed and large ---------------------------------------------------------------------------


def test_move__rejected_with_everything_that_is_wrong() -> None:
    assert faults(MoveStock, warehouse="", late="perhaps", moves=[
        StockMove(sku="", quantity=0, source="shelf", target="available", cause="magic"),
        StockMove(sku="A", quantity=1, source="supplier", target="available", cause="gift"),
        StockMove(sku="A", quantity=1, source="available", target="available",
                  cause="bin_move", bin="A1", to_bin="A1"),
        StockMove(sku="A", quantity=1, source="available", target="written_off",
                  cause="write_off")]) == [
        "/warehouse", "/moves/0/sku", "/moves/0/quantity", "/moves/0/from", "/moves/0/cause",
        "/late", "/moves/1", "/moves/2", "/reason"]


def test_move__rejected_from_or_to_a_place_that_is_no_place_of_goods() -> None:
    for source, target in (("demand", "waiting"), ("waiting", "available"), ("x", "available")):
        assert "/moves/0/from" in faults(MoveStock, warehouse=HOUSE, moves=[StockMove(
            sku="A", quantity=1, source=source, target=target, cause="receipt")])


def test_move__rejected_when_there_are_too_many() -> None:
    one = received().moves
    assert faults(MoveStock, warehouse=HOUSE, moves=[]) == ["/moves"]
    assert faults(MoveStock, warehouse=HOUSE, moves=one * (MAX_MOVES + 1)) == ["/moves"]


def test_move__of_5000_skus_is_a_handful_of_events_in_one_stream() -> None:
    story = given(opened()).when(several(
        *(come(f"SKU-{number}") for number in range(MAX_MOVES)), number="1", document="slip:9"))
    facts = story.then(*["stock.moved.v1"] * 3)
    assert {fact.originator_id for fact in facts} == {"movement:main:1"}
    assert [len(fact.postings) for fact in facts] == [MOST_POSTINGS, MOST_POSTINGS, 1_000]
    assert {fact.document for fact in facts} == {"slip:9"}
    accounts = [fact.accounts() for fact in facts]
    assert not accounts[0] & accounts[1]
    assert not accounts[1] & accounts[2]
    assert all(levels(story, f"SKU-{number}") == {"available": 1} for number in range(MAX_MOVES))


def test_move__keeps_what_is_of_one_sku_in_one_event() -> None:
    """Each event is whole: a decision about a SKU is checked over the sum of its moves."""
    story = given(opened()).when(several(
        *(come(f"SKU-{number // 3}") for number in range(3_000))))
    first, second = story.then("stock.moved.v1", "stock.moved.v1")
    assert (len(first.postings), len(second.postings)) == (1_998, 1_002)
    assert not first.accounts() & second.accounts()


def test_move__rejected_whole_when_the_last_of_its_events_is() -> None:
    story = given(opened(), received("LAST", 1)).when(several(
        *(come(f"SKU-{number}") for number in range(MOST_POSTINGS)),
        StockMove(sku="LAST", quantity=2, source="available", target="customer", cause="gift")))
    story.refused(OutOfStock)
    assert "stock:main:SKU-0" not in story.known


def test_move__rejected_with_more_moves_of_one_sku_than_an_event_holds() -> None:
    given(opened()).when(several(*[come("A")] * (MOST_POSTINGS + 1), number="1")).refused(
        TooManyPostings,
        "movement:main:1 would post 2001 times to stock, its lines times the parts that they are "
        "made of, and 2000 is the most for one event. Split it, or let no stock move.")
    given(opened()).when(several(*[come("A")] * MOST_POSTINGS)).then("stock.moved.v1")


def test_move__is_not_bounded_by_what_a_count_has_seen_already() -> None:
    """What came in late to 1,500 bins is posted back at the count, and put away beside it."""
    count = CountStock(warehouse=HOUSE, occurred_at=LATER, counts=[CountLine(sku="A", quantity=0)])
    put_away = StockMove(sku="A", quantity=1, source="receiving", target="available",
                         cause="put_away")
    arrived = StockMove(sku="A", quantity=1, source="supplier", target="receiving", cause="receipt")
    story = given(opened(), count).when(several(
        *(come("A", to_bin=f"A{number}") for number in range(1_500)), put_away, arrived))
    (fact,) = story.then("stock.moved.v1")
    assert len(fact.postings) == 2 * 1_501 + 1
    assert levels(story, "A") == {"stocktake_gain_loss": 1_501}
