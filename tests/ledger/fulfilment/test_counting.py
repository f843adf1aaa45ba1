"""Counts below what is reserved: whose reservations are taken back, and what becomes of them."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from ledger.application import Ledger
from ledger.common.values import from_us
from ledger.fulfilment.commands import PickOrder, ReleaseReservation, ReserveOrder
from ledger.fulfilment.counting import reservations
from ledger.log.persons import Keys
from ledger.log.sql_reading import SqlReader
from ledger.log.store import Store
from ledger.orders.commands import ApproveOrder, HoldOrder, SubmitOrder
from ledger.orders.values import PickedFrom
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.pieces import Part
from ledger.stock.skus import BundleSku
from ledger.writing import work
from ledger.writing.genesis import begun
from tests.conftest import on_sqlite
from tests.support.books import books, state_of
from tests.support.builders import (
    CONTEXT,
    HOUSE,
    NOON,
    end,
    line,
    moved,
    opened,
    place,
    received,
    sell,
    stream,
)
from tests.support.clocks import SECOND, Time
from tests.support.shipping import on
from tests.support.stories import (
    Story,
    account,
    bins,
    given,
    goods,
    levels,
    open_exceptions,
    waiting,
)

EARLIER, LATER = NOON - timedelta(days=1), NOON + timedelta(hours=4)


def counted(quantity: int, *, sku: str = "SH-001", bin: str = "", at: datetime = LATER,
            **fields: Any) -> CountStock:
    """A count of one SKU."""
    return CountStock(warehouse=HOUSE, occurred_at=at, counts=[
        CountLine(sku=sku, quantity=quantity, bin=bin, **fields)])


def sold(*pieces: int, stock: int = 10) -> Story:
    """Orders 1, 2, …, each with so many pieces reserved, in this order."""
    story = given(opened(), received(quantity=stock, to_bin="A1", occurred_at=EARLIER))
    for number, quantity in enumerate(pieces, 1):
        story.decide(sell(number, line(quantity=quantity)))
    return story


def held(story: Story, *numbers: int) -> list[dict[str, int]]:
    """The pieces of the first line of these orders by state."""
    return [goods(story, number)["1"] for number in numbers]


def topics(story: Story) -> list[str]:
    assert story.error is None, story.error
    return [fact.TOPIC for fact in story.facts]


def must_agree(story: Story) -> None:
    """The accounts are what their payloads say, and no place of a decision is below zero."""
    for name, book in books(story.log).items():
        assert state_of(story.known[name]) == book.state()
        assert book.levels["available"] >= 0
        assert sum(book.bins.values()) == book.levels["available"] + book.levels["reserved"]


# -- what is taken back ----------------------------------------------------------------------------


def test_count__above_what_is_reserved_takes_nothing_back() -> None:
    """Shelf of 10 with 3 reserved, counted 10: variance 0; counted 3: all of them are there."""
    story = sold(3)
    assert topics(story.when(counted(10, bin="A1"))) == ["stock.counted.v1"]
    assert levels(story) == {"available": 7, "reserved": 3}
    assert topics(story.when(counted(3, bin="A1"))) == ["stock.counted.v1"]
    assert levels(story) == {"reserved": 3, "stocktake_gain_loss": 7}
    must_agree(story)


def test_count__below_what_is_reserved_takes_the_youngest_back() -> None:
    story = sold(3, 4, 3)
    story.when(counted(5, bin="A1"))
    third, its_exception, second, exception, count = story.then(
        "order.reservation_taken_back.v1", "order.exception_opened.v1",
        "order.reservation_taken_back.v1", "order.exception_opened.v1", "stock.counted.v1")
    assert (third.originator_id, second.originator_id) == (stream(3), stream(2))
    assert third.about() == second.about() == [count.originator_id]
    assert (its_exception.kind, exception.kind) == ("out_of_stock", "out_of_stock")
    assert held(story, 1, 2, 3) == [{"reserved": 3}, {"reserved": 2, "short": 2}, {"short": 3}]
    assert waiting(story) == {"2": 2, "3": 3}
    assert levels(story) == {"reserved": 5, "stocktake_gain_loss": 5}
    assert bins(story) == {"A1": 5}
    assert [open_exceptions(story, number) for number in (1, 2, 3)] == [
        [], ["out_of_stock"], ["out_of_stock"]]
    must_agree(story)


def test_taken_back__posts_the_pieces_and_the_wait_with_its_old_claim() -> None:
    story = sold(3)
    (placed,) = [fact.position for fact in story.log if fact.stream == stream(1)]
    fact = story.when(counted(2, bin="A1")).facts[0]
    assert [(one.source, one.target, one.quantity, one.since) for one in fact.postings] == [
        ("reserved", "available", 1, None), ("demand", "waiting", 1, placed)]
    assert fact.accounts() == {"stock:main:SH-001"}
    assert account(story).waiting[stream(1)].since == placed


def test_taken_back__keeps_its_place_before_those_who_came_later() -> None:
    story = given(opened(), received(quantity=2, occurred_at=EARLIER), sell(1, line(quantity=2)),
                  place(2, lines=[line()]), on(ReserveOrder, 2, warehouse=HOUSE))
    assert waiting(story) == {"2": 1}
    story.when(counted(1))
    assert waiting(story) == {"1": 1, "2": 1}
    story.decide(received(quantity=1, occurred_at=LATER + timedelta(hours=1)))
    assert held(story, 1, 2) == [{"reserved": 2}, {"short": 1}]
    assert open_exceptions(story, 1) == []


def test_taken_back__twice_keeps_its_place_all_the_same() -> None:
    story = sold(2, 2, stock=4)
    since = [one for one, _, _ in sorted(reservations(story, account(story)))]
    story.decide(counted(0, bin="A1"))
    assert [one.since for one in account(story).waiting.values()] == since
    story.decide(received(quantity=4, to_bin="A1", occurred_at=LATER + timedelta(hours=1)))
    assert held(story, 1, 2) == [{"reserved": 2}, {"reserved": 2}]
    assert sorted(one for one, _, _ in reservations(story, account(story))) == since
    story.decide(counted(1, bin="A1", at=LATER + timedelta(hours=2)))
    assert waiting(story) == {"1": 1, "2": 2}
    assert [one.since for one in account(story).waiting.values()] == since
    must_agree(story)


def test_taken_back__is_whoever_claims_since_last_and_not_who_was_served_last() -> None:
    """Order 1 waited first and was served after order 2 had its pieces."""
    story = given(opened(), received(quantity=1, occurred_at=EARLIER), place(
        1, lines=[line(quantity=2)]), on(ReserveOrder, 1, warehouse=HOUSE))
    story.decide(on(HoldOrder, 1, reason="地址不清"))
    story.decide(received(quantity=1, occurred_at=EARLIER))
    story.decide(sell(2, line()))
    story.decide(received(quantity=1, occurred_at=EARLIER))
    assert held(story, 1, 2) == [{"reserved": 1, "short": 1}, {"reserved": 1}]
    story.decide(counted(2))
    assert held(story, 1, 2) == [{"reserved": 1, "short": 1}, {"reserved": 1}]
    story.decide(counted(1, at=LATER + timedelta(hours=1)))
    assert held(story, 1, 2) == [{"reserved": 1, "short": 1}, {"short": 1}]


def test_taken_back__an_order_on_hold_loses_its_pieces_as_any_other() -> None:
    story = sold(3, 3)
    story.decide(on(HoldOrder, 2, reason="拦截"))
    story.decide(counted(4, bin="A1"))
    assert held(story, 1, 2) == [{"reserved": 3}, {"reserved": 1, "short": 2}]


def test_taken_back__what_was_picked_is_no_longer_on_the_shelf() -> None:
    story = sold(3, 3)
    for number in (1, 2):
        story.decide(on(ApproveOrder, number))
        story.decide(on(SubmitOrder, number, warehouse=HOUSE))
    story.decide(on(PickOrder, 2, lines=[PickedFrom("1", 2, "A1")]))
    story.decide(counted(2, bin="A1"))
    assert held(story, 1, 2) == [{"reserved": 2, "short": 1}, {"picked": 2, "short": 1}]
    assert levels(story) == {"reserved": 2, "picked": 2, "stocktake_gain_loss": 6}
    must_agree(story)


def test_taken_back__only_so_many_lines_and_the_last_ones_first() -> None:
    story = given(opened(), received(quantity=6, occurred_at=EARLIER), sell(
        1, line(quantity=3), line(quantity=3, name="2")))
    story.decide(counted(2))
    assert goods(story) == {"1": {"reserved": 2, "short": 1}, "2": {"short": 3}}


def test_taken_back__is_dated_no_earlier_than_the_order() -> None:
    """A count of the morning finds what was reserved at noon missing."""
    story = given(opened(), received(quantity=5, occurred_at=EARLIER - timedelta(days=1)), sell(
        1, line(quantity=5)))
    story.when(counted(3, at=EARLIER))
    fact = story.facts[0]
    assert (fact.TOPIC, fact.occurred_at) == ("order.reservation_taken_back.v1", NOON)
    assert held(story, 1) == [{"reserved": 3, "short": 2}]


def test_count__of_one_bin_takes_back_what_the_shelf_lacks_and_not_the_bin() -> None:
    """The pieces of an order lie on the shelf, wherever: what is free elsewhere covers them."""
    story = given(opened(), received(quantity=5, to_bin="A1", occurred_at=EARLIER), received(
        quantity=5, to_bin="A2", occurred_at=EARLIER), sell(1, line(quantity=6)))
    assert topics(story.when(counted(1, bin="A1"))) == ["stock.counted.v1"]
    assert (held(story, 1), bins(story)) == ([{"reserved": 6}], {"A1": 1, "A2": 5})
    story.when(counted(0, bin="A1", at=LATER + timedelta(hours=1)))
    assert held(story, 1) == [{"reserved": 5, "short": 1}]
    must_agree(story)


def test_count__older_than_the_last_takes_nothing_back() -> None:
    story = sold(3)
    story.decide(counted(10, bin="A1"))
    assert topics(story.when(counted(1, bin="A1", at=NOON))) == ["stock.counted.v1"]
    assert held(story, 1) == [{"reserved": 3}]
    assert levels(story) == {"available": 7, "reserved": 3}


def test_count__of_another_place_takes_nothing_back() -> None:
    story = sold(10)
    assert topics(story.when(counted(0, place="damaged"))) == ["stock.counted.v1"]
    assert held(story, 1) == [{"reserved": 10}]


def test_count__finds_more_and_serves_who_waits() -> None:
    story = given(opened(), received(quantity=1, occurred_at=EARLIER), place(
        1, lines=[line(quantity=3)]), on(ReserveOrder, 1, warehouse=HOUSE))
    assert topics(story.when(counted(4))) == [
        "stock.counted.v1", "order.reserved.v1", "order.exception_closed.v1"]
    assert (held(story, 1), levels(story)["available"]) == ([{"reserved": 3}], 1)


def test_damage__of_what_is_reserved_takes_the_youngest_back_at_once() -> None:
    """Two of the ten reserved pieces break: nobody fails at packing."""
    broken = moved("SH-001", 2, "available", "damaged", "damage", reason="摔落")
    story = given(opened(), received(quantity=10, occurred_at=EARLIER), sell(1, line(quantity=5)),
                  sell(2, line(quantity=5)))
    damage, taken, exception = story.when(broken).then(
        "stock.moved.v1", "order.reservation_taken_back.v1", "order.exception_opened.v1")
    assert [one.below for one in damage.postings] == [-2]
    assert (taken.originator_id, taken.about()) == (stream(2), [damage.originator_id])
    assert exception.kind == "out_of_stock"
    assert levels(story) == {"reserved": 8, "damaged": 2}
    assert held(story, 1, 2) == [{"reserved": 5}, {"reserved": 3, "short": 2}]
    must_agree(story)


def test_breakage__of_what_is_reserved_takes_the_youngest_reservation_back() -> None:
    """What broke was reserved: the youngest order knows at once, and a count then has nothing to
    say."""
    story = given(opened(), received(quantity=5, occurred_at=EARLIER), sell(1, line(quantity=3)),
                  sell(2, line(quantity=2)), moved(
                      "SH-001", 2, "available", "damaged", "damage", reason="水浸"))
    assert levels(story) == {"reserved": 3, "damaged": 2}
    story.decide(counted(3))
    assert levels(story) == {"reserved": 3, "damaged": 2}
    assert held(story, 1, 2) == [{"reserved": 3}, {"short": 2}]
    must_agree(story)


def test_damage__of_more_than_lies_there_takes_all_back_and_leaves_a_discrepancy() -> None:
    story = given(opened(), received(quantity=2, occurred_at=EARLIER), sell(1, line(quantity=1)))
    story.decide(moved("SH-001", 3, "available", "written_off", "write_off", reason="摔落"))
    assert levels(story) == {"available": -1, "written_off": 3}
    assert held(story, 1) == [{"short": 1}]


def test_damage__that_a_count_has_seen_takes_nothing_back() -> None:
    story = given(opened(), received(quantity=2, occurred_at=EARLIER), sell(1, line(quantity=2)),
                  counted(2))
    assert topics(story.when(moved("SH-001", 1, "available", "damaged", "damage", reason="摔落"))
                  ) == ["stock.moved.v1"]
    assert held(story, 1) == [{"reserved": 2}]


# -- kits ------------------------------------------------------------------------------------------

KIT = BundleSku(sku="SET", parts=[Part("SH-001", 2), Part("PEN", 1)], occurred_at=EARLIER)


def kits(*pieces: int) -> Story:
    """Orders of so many kits, and 10 books and 10 pens."""
    story = given(opened(), KIT, received("SH-001", 10, occurred_at=EARLIER),
                  received("PEN", 10, occurred_at=EARLIER))
    for number, quantity in enumerate(pieces, 1):
        story.decide(sell(number, line("SET", quantity=quantity)))
    return story


def test_kit__is_taken_back_whole_and_frees_its_other_parts() -> None:
    story = kits(2, 3)
    story.when(counted(9))
    assert held(story, 1, 2) == [{"reserved": 2}, {"reserved": 2, "short": 1}]
    assert levels(story) == {"available": 1, "reserved": 8, "stocktake_gain_loss": 1}
    assert levels(story, "PEN") == {"available": 6, "reserved": 4}
    # It waits for both: the book that is left and the pens are claimed by it.
    assert (waiting(story), waiting(story, "PEN")) == ({"2": 2}, {"2": 1})
    since = [account(story, sku).waiting[stream(2)].since for sku in ("SH-001", "PEN")]
    assert since[0] == since[1]
    must_agree(story)


def test_kit__whose_two_parts_are_missing_is_taken_back_once_for_both() -> None:
    story = kits(2, 3)
    story.when(CountStock(warehouse=HOUSE, occurred_at=LATER, counts=[
        CountLine(sku="SH-001", quantity=9), CountLine(sku="PEN", quantity=4)]))
    assert held(story, 1, 2) == [{"reserved": 2}, {"reserved": 2, "short": 1}]
    assert levels(story, "PEN") == {"reserved": 4, "stocktake_gain_loss": 6}
    must_agree(story)


def test_kit__and_a_line_of_its_own_part_in_one_order() -> None:
    story = given(opened(), KIT, received("SH-001", 5, occurred_at=EARLIER),
                  received("PEN", 5, occurred_at=EARLIER),
                  sell(1, line("SET", quantity=2), line(quantity=1, name="2")))
    story.decide(counted(3))  # a kit gives back two books for the one that is missing besides
    assert goods(story) == {"1": {"reserved": 1, "short": 1}, "2": {"reserved": 1}}
    assert levels(story) == {"reserved": 3, "stocktake_gain_loss": 2}
    assert levels(story, "PEN") == {"available": 4, "reserved": 1}
    must_agree(story)


# -- who holds what --------------------------------------------------------------------------------


def test_reservations__are_found_by_what_posted_them() -> None:
    story = sold(3, 4, 1)
    assert [(name, n) for _, name, n in sorted(reservations(story, account(story)))] == [
        (stream(1), 3), (stream(2), 4), (stream(3), 1)]
    for command in (on(ReleaseReservation, 2, reason="改期"), end(3, "cancelled")):
        story.decide(command)
    assert [(name, n) for _, name, n in reservations(story, account(story))] == [(stream(1), 3)]
    story.decide(end(1, "cancelled"))
    assert reservations(story, account(story)) == []


def test_reservations__are_read_no_further_back_than_they_reach(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    story = sold(1, 1, 1)
    for _ in range(50):
        story.decide(received(quantity=1, occurred_at=LATER))
    story.decide(sell(9, line(quantity=2)))
    for number in (1, 2, 3):
        story.decide(end(number, "cancelled"))
    read: list[int] = []
    touches = story.touches

    def reading(*asked: Any) -> Any:
        for touch in touches(*asked):
            read.append(touch.position)
            yield touch

    monkeypatch.setattr(story, "touches", reading)
    assert [name for _, name, _ in reservations(story, account(story))] == [stream(9)]
    assert len(read) == 4


@on_sqlite
def test_count__reads_back_only_to_what_may_have_happened_after_it(
    store: Store, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is recorded more than five minutes before it happens: nothing older is asked for."""
    monkeypatch.setattr(work, "READ_BACK", 10)
    time = Time()
    ledger = Ledger(store, begun(store, keys), clock=time.clock(ahead_days=4_000))
    ledger.handle(opened(), CONTEXT)
    for _ in range(60):
        time.pass_by(60)
        ledger.handle(received(quantity=1, occurred_at=from_us(time.wall)), CONTEXT)
    time.pass_by(60)
    # Other systems' clocks may be ahead: this one was told before it happened.
    ahead = from_us(time.wall + 4 * 60 * SECOND)
    ledger.handle(received(quantity=7, occurred_at=ahead), CONTEXT)
    time.pass_by(3 * 60)
    asked: list[Any] = []
    accounts = SqlReader.accounts

    def asking(self: Any, *given: Any, **more: Any) -> Any:
        asked.append(more)
        return accounts(self, *given, **more)

    monkeypatch.setattr(SqlReader, "accounts", asking)
    receipt = ledger.handle(counted(57, at=from_us(time.wall - 6 * 60 * SECOND)), CONTEXT)
    (entry,) = store.read("main", after=receipt.positions[0] - 1, limit=1)
    (line_,) = msgspec.json.decode(entry.payload)["lines"]
    assert (line_["book"], line_["variance"]) == (58, -1)
    assert [more for more in asked if more.get("descending")] == asked[:2]
    asked.clear()
    ledger.handle(counted(66, at=ahead), CONTEXT)
    assert asked == []
    ledger.close()


def test_kit__that_is_taken_back_leaves_its_other_parts_to_who_waits() -> None:
    story = kits(2)
    story.decide(place(2, lines=[line("PEN", quantity=10)]))
    story.decide(ReserveOrder(order=stream(2), warehouse=HOUSE, occurred_at=NOON))
    assert held(story, 2) == [{"reserved": 8, "short": 2}]
    story.decide(HoldOrder(order=stream(1), occurred_at=NOON, reason="改地址"))
    story.decide(counted(0))
    assert held(story, 1, 2) == [{"short": 2}, {"reserved": 10}]
