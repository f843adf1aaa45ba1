"""Counts are observations of a place at a time: what they differ by is posted, what came later
stays."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from ledger.application import Ledger
from ledger.common.errors import InvalidValues
from ledger.fulfilment.commands import PickOrder
from ledger.log.sql_reading import SqlReader
from ledger.log.store import Store
from ledger.orders.commands import ApproveOrder, SubmitOrder
from ledger.orders.values import PickedFrom
from ledger.stock.counts import CountLine, CountRecorded, CountStock
from ledger.stock.errors import TooManyPostings
from ledger.stock.movements import MAX_MOVES
from ledger.stock.posting import MOST_POSTINGS
from ledger.stock.skus import AliasSku
from ledger.writing.work import Wanted, Work
from tests.conftest import on_sqlite
from tests.support.books import books
from tests.support.builders import (
    CONTEXT,
    HOUSE,
    NOON,
    line,
    moved,
    opened,
    received,
    sell,
    stream,
)
from tests.support.stories import Story, account, bins, given, levels

EARLIER, LATER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)


def counted(*lines: tuple[str, int], at: datetime = NOON, place: str = "shelf",
            **fields: Any) -> CountStock:
    """A count of bins of one SKU; "" is the whole place, or what lies in no bin."""
    return CountStock(**{"warehouse": HOUSE, "occurred_at": at, "counts": [
        CountLine(sku="SH-001", quantity=quantity, bin=name, place=place)
        for name, quantity in lines], **fields})


def faults(**fields: Any) -> list[str]:
    """Where a count is malformed."""
    with pytest.raises(InvalidValues) as caught:
        CountStock(**{"warehouse": HOUSE, "occurred_at": NOON, **fields})
    return [fault.where for fault in caught.value.faults]


def variances(story: Story) -> list[tuple[str, int, int, int]]:
    """(bin, counted, book, variance) of the count that was recorded last."""
    (fact,) = [fact for fact in story.facts if fact.TOPIC == "stock.counted.v1"]
    return [(one.bin, one.counted, one.book, one.variance) for one in fact.lines]


def shelf_at(story: Story, at: datetime) -> dict[str, int]:
    """The bins as they were at a time, from raw payloads."""
    return {name: n for name, n in books(story.log, at=at)["stock:main:SH-001"].bins.items() if n}


# -- the whole shelf -------------------------------------------------------------------------------


def test_count__accepted_as_an_opening_and_as_a_delta() -> None:
    """GreaterWMS cyclecount: a counted variance never reaches the stock."""
    story = given(opened()).when(counted(("", 7), document="sheet:1", number="1"))
    (fact,) = story.then("stock.counted.v1")
    assert fact.originator_id == "count:main:1"
    assert (fact.about(), fact.accounts()) == (["sheet:1"], {"stock:main:SH-001"})
    assert [(one.quantity, one.source, one.target, one.cause) for one in fact.postings] == [
        (7, "stocktake_gain_loss", "available", "opening")]
    assert [(one.place, one.bin, one.counted, one.at) for one in fact.observations] == [
        ("shelf", "", 7, NOON)]
    assert variances(story) == [("", 7, 0, 7)]
    story.when(counted(("", 4), at=LATER)).then("stock.counted.v1")
    assert variances(story) == [("", 4, 7, -3)]
    assert [one.cause for one in story.facts[0].postings] == ["count"]
    assert levels(story) == {"available": 4, "stocktake_gain_loss": -4}


def test_count__with_a_variance_of_0_is_an_observation_all_the_same() -> None:
    story = given(opened(), received(occurred_at=EARLIER)).when(counted(("", 10)))
    (fact,) = story.then("stock.counted.v1")
    assert (fact.postings, len(fact.observations)) == ((), 1)
    assert account(story).observed == {("shelf", ""): ((NOON, story.position),)}
    story.decide(received(quantity=5, occurred_at=EARLIER))
    assert levels(story)["available"] == 10


def test_count__of_an_empty_shelf_is_accepted() -> None:
    story = given(opened()).when(counted(("", 0)))
    story.then("stock.counted.v1")
    assert (levels(story), variances(story)) == ({}, [("", 0, 0, 0)])
    story.decide(received(quantity=5, occurred_at=EARLIER))
    assert levels(story) == {"stocktake_gain_loss": 5}


def test_count__of_the_shelf_counts_what_is_reserved_there() -> None:
    """12 on the shelf with 3 of them reserved, counted 12, became 15."""
    story = given(opened(), received(quantity=12, occurred_at=EARLIER),
                  sell(1, line(quantity=3), occurred_at=EARLIER))
    story.when(counted(("", 12))).then("stock.counted.v1")
    assert levels(story) == {"available": 9, "reserved": 3}


def test_count__of_the_shelf_does_not_count_what_was_picked() -> None:
    story = given(opened(), received(quantity=12, occurred_at=EARLIER), sell(
        1, line(quantity=3), occurred_at=EARLIER),
        ApproveOrder(order=stream(), occurred_at=EARLIER),
        SubmitOrder(order=stream(), warehouse=HOUSE, occurred_at=EARLIER),
        PickOrder(order=stream(), lines=[PickedFrom("1", 2)], occurred_at=EARLIER))
    story.when(counted(("", 10))).then("stock.counted.v1")
    assert variances(story) == [("", 10, 10, 0)]
    assert levels(story) == {"available": 9, "reserved": 1, "picked": 2}


def test_count__of_the_whole_shelf_misses_loose_pieces_first() -> None:
    story = given(opened(), counted(("A1", 4), ("A2", 3), at=EARLIER),
                  received(quantity=2, occurred_at=EARLIER + timedelta(minutes=1)))
    story.when(counted(("", 8)))
    assert bins(story) == {"A1": 4, "A2": 3, "": 1}
    story.when(counted(("", 5), at=LATER))
    assert bins(story) == {"A1": 4, "A2": 3, "": -2}
    story.when(counted(("", 9), at=LATER))
    assert bins(story) == {"A1": 4, "A2": 3, "": 2}


def test_count__of_the_whole_shelf_misses_pieces_of_the_only_bin() -> None:
    story = given(opened(), counted(("A1", 4), at=EARLIER),
                  received(quantity=2, occurred_at=EARLIER + timedelta(minutes=1)))
    story.when(counted(("", 3)))
    assert bins(story) == {"A1": 3}
    assert variances(story) == [("", 3, 6, -3)]


# -- bins ------------------------------------------------------------------------------------------


def test_count__of_a_bin_leaves_the_others_untouched() -> None:
    """A spot count of one bin writes off the other bin's."""
    story = given(opened(), counted(("A1", 5), ("A2", 5), at=EARLIER))
    story.when(counted(("A1", 4)))
    assert variances(story) == [("A1", 4, 5, -1)]
    assert bins(story) == {"A1": 4, "A2": 5}
    assert levels(story)["available"] == 9


def test_count__of_bins_finds_what_differs_in_each() -> None:
    """Bins counted 4 and 6 where books say 5 and 5: "variance 0"."""
    story = given(opened(), counted(("A1", 5), ("A2", 5), at=EARLIER))
    story.when(counted(("A1", 4), ("A2", 6)))
    assert variances(story) == [("A1", 4, 5, -1), ("A2", 6, 5, 1)]
    assert bins(story) == {"A1": 4, "A2": 6}
    assert levels(story) == {"available": 10, "stocktake_gain_loss": -10}


def test_count__of_a_bin_that_never_was_finds_all_of_it() -> None:
    story = given(opened(), counted(("A1", 5), at=EARLIER))
    story.when(counted(("Z9", 2), ("Z8", 0)))
    assert variances(story) == [("Z9", 2, 0, 2), ("Z8", 0, 0, 0)]
    assert bins(story) == {"A1": 5, "Z9": 2}


def test_count__of_bins_and_of_what_lies_in_none_is_one_of_the_whole_shelf() -> None:
    story = given(opened(), counted(("A1", 5), ("A2", 5), at=EARLIER),
                  received(quantity=3, occurred_at=EARLIER + timedelta(minutes=1)))
    story.when(counted(("A1", 4), ("A2", 5), ("", 1)))
    assert variances(story) == [("A1", 4, 5, -1), ("A2", 5, 5, 0), ("", 10, 12, -2)]
    assert bins(story) == {"A1": 4, "A2": 5, "": 1}
    assert set(account(story).observed) == {("shelf", "A1"), ("shelf", "A2"), ("shelf", "")}
    # So what came in before, to no known bin, was seen, too.
    story.decide(received(quantity=9, occurred_at=EARLIER))
    assert levels(story)["available"] == 10


def test_count__of_a_bin_that_was_below_zero_sets_it_right() -> None:
    story = given(opened(), counted(("A1", 2), ("A2", 5), at=EARLIER), moved(
        "SH-001", 3, "available", "damaged", "damage", bin="A1", reason="水浸",
        occurred_at=EARLIER + timedelta(minutes=1)))
    assert bins(story) == {"A1": -1, "A2": 5}
    story.when(counted(("A1", 0)))
    assert variances(story) == [("A1", 0, -1, 1)]
    assert (bins(story), levels(story)["available"]) == ({"A2": 5}, 5)


def test_count__of_other_places() -> None:
    story = given(opened(), received(occurred_at=EARLIER), moved(
        "SH-001", 4, "available", "damaged", "damage", reason="水浸", occurred_at=EARLIER))
    story.when(counted(("", 3), place="damaged"))
    (fact,) = story.facts
    assert [(one.source, one.target, one.quantity) for one in fact.postings] == [
        ("damaged", "stocktake_gain_loss", 1)]
    story.when(counted(("", 2), place="quarantine"))
    assert levels(story) == {
        "available": 6, "damaged": 3, "quarantine": 2, "stocktake_gain_loss": -1}
    assert bins(story) == {"": 6}


@pytest.mark.parametrize("place", ["picked", "packed", "receiving", "returns_inspection"])
def test_count__of_each_other_place_is_taken(place: str) -> None:
    story = given(opened(), counted(("", 2), place=place))
    assert levels(story) == {place: 2, "stocktake_gain_loss": -2}
    assert (bins(story), account(story).observed) == ({}, {(place, ""): ((NOON, 1002),)})


def test_count__of_several_places_at_once() -> None:
    story = given(opened(), received(occurred_at=EARLIER))
    story.when(counted(counts=[
        CountLine(sku="SH-001", quantity=9), CountLine(sku="SH-001", quantity=1, place="damaged")]))
    assert levels(story) == {"available": 9, "damaged": 1}


def test_count__sums_other_names_of_one_sku() -> None:
    alias = AliasSku(sku="a", target="A", occurred_at=NOON)
    story = given(opened(), alias).when(counted(counts=[
        CountLine(sku="a", quantity=2), CountLine(sku="A", quantity=3)]))
    (fact,) = story.then("stock.counted.v1")
    assert [(one.sku, one.counted) for one in fact.lines] == [("A", 5)]
    assert levels(story, "A")["available"] == 5


# -- at its own time -------------------------------------------------------------------------------


def test_count__nets_what_moved_after_it() -> None:
    """msupply mobile#638, hmis#16234: sold between counting (10:00) and entering it (11:00)."""
    story = given(opened(), counted(("", 100), at=EARLIER), sell(
        1, line(quantity=15), occurred_at=NOON + timedelta(minutes=5)))
    story.when(counted(("", 100)))
    assert variances(story) == [("", 100, 100, 0)]
    assert levels(story) == {"available": 85, "reserved": 15, "stocktake_gain_loss": -100}
    story.decide(received(quantity=30, occurred_at=NOON + timedelta(minutes=30)))
    story.when(counted(("", 100), at=NOON + timedelta(minutes=20)))
    assert variances(story) == [("", 100, 100, 0)]
    assert levels(story) == {"available": 115, "reserved": 15, "stocktake_gain_loss": -100}


def test_count__nets_what_was_picked_after_it_out_of_its_bin() -> None:
    story = given(opened(), counted(("A1", 6), ("A2", 4), at=EARLIER),
                  sell(1, line(quantity=5), occurred_at=EARLIER),
                  ApproveOrder(order=stream(), occurred_at=EARLIER),
                  SubmitOrder(order=stream(), warehouse=HOUSE, occurred_at=EARLIER),
                  PickOrder(order=stream(), occurred_at=LATER, lines=[PickedFrom("1", 5, "A1")]))
    assert bins(story) == {"A1": 1, "A2": 4}
    story.when(counted(("A1", 5), ("A2", 4)))
    assert variances(story) == [("A1", 5, 6, -1), ("A2", 4, 4, 0)]
    assert bins(story) == {"A2": 4}


def test_count__at_the_very_instant_of_a_movement_counts_it_as_before() -> None:
    for more in ([], [received(quantity=3, occurred_at=LATER)]):
        story = given(opened(), received(quantity=5), *more)
        story.when(counted(("", 5)))
        assert variances(story) == [("", 5, 5, 0)]


def test_count__nets_what_was_posted_back_at_a_count_after_it() -> None:
    """A late fact changed the book between it and the count that saw it, and that alone."""
    day = timedelta(days=1)
    story = given(opened(), counted(("", 5), at=NOON - 4 * day), counted(("", 5), at=NOON),
                  received(quantity=3, occurred_at=NOON - 2 * day))
    story.when(counted(("", 8), at=NOON - day))
    assert variances(story) == [("", 8, 8, 0)]
    story.when(counted(("", 5), at=NOON - 3 * day))
    assert variances(story) == [("", 5, 5, 0)]


def test_count__older_than_the_last_changes_nothing_now() -> None:
    """Its variance is posted at its time, and back at the first count after it."""
    day = timedelta(days=1)
    story = given(opened(), counted(("", 10), at=NOON - 2 * day), counted(("", 9), at=NOON),
                  counted(("", 8), at=NOON + day))
    story.when(counted(("", 4), at=NOON - day))
    (fact,) = story.then("stock.counted.v1")
    assert [(one.quantity, one.source, one.at, one.cause) for one in fact.postings] == [
        (6, "available", None, "count"), (6, "stocktake_gain_loss", NOON, "already_counted")]
    assert variances(story) == [("", 4, 10, -6)]
    assert levels(story) == {"available": 8, "stocktake_gain_loss": -8}
    assert [shelf_at(story, at)[""] for at in (
        NOON - 2 * day, NOON - day, NOON, NOON + day)] == [10, 4, 9, 8]
    # What is told of the time before it was seen by it, and no more by the one after it.
    (fact,) = story.when(received(quantity=3, occurred_at=NOON - day - timedelta(hours=1))).facts
    assert [one.at for one in fact.postings] == [None, NOON - day]


def test_count__older_of_a_bin_and_of_another_at_once() -> None:
    story = given(opened(), counted(("A1", 5), ("A2", 5), at=NOON - timedelta(days=2)),
                  counted(("A1", 3), at=LATER))
    story.when(counted(("A1", 4), ("A2", 4)))
    assert bins(story) == {"A1": 3, "A2": 4}
    assert shelf_at(story, NOON) == {"A1": 4, "A2": 4}


def test_count__older_of_the_whole_shelf_is_posted_back_at_one_of_the_whole_shelf() -> None:
    story = given(opened(), received(occurred_at=NOON - timedelta(days=2)),
                  counted(("", 9), at=LATER))
    story.when(counted(("", 7)))
    assert levels(story)["available"] == 9
    assert shelf_at(story, NOON) == {"": 7}


def test_count__older_misses_the_pieces_that_were_loose_then() -> None:
    """They were carried to a bin since: that one is as it was counted."""
    carried = moved("SH-001", 2, "available", "available", "bin_move", to_bin="A1",
                    occurred_at=NOON + timedelta(minutes=5))
    came = received(quantity=2, occurred_at=EARLIER + timedelta(minutes=1))
    story = given(opened(), counted(("A1", 3), at=EARLIER), came, carried,
                  counted(("", 5), at=LATER))
    assert bins(story) == {"A1": 5}
    story.when(counted(("", 4)))
    assert variances(story) == [("", 4, 5, -1)]
    assert (bins(story), levels(story)["available"]) == ({"A1": 5}, 5)
    assert shelf_at(story, NOON) == {"A1": 3, "": 1}


def test_count__that_contradicts_what_left_since_says_how_far_below_it_goes() -> None:
    gone = moved("SH-001", 4, "available", "customer", "gift", occurred_at=LATER)
    story = given(opened(), received(quantity=5, occurred_at=EARLIER), gone)
    story.when(counted(("", 2)))
    assert [one.below for one in story.facts[0].postings] == [-2]
    assert levels(story) == {"available": -2, "customer": 4, "stocktake_gain_loss": 3}


def test_count__at_the_very_instant_of_another_is_the_later_news() -> None:
    story = given(opened(), counted(("", 5)))
    story.when(counted(("", 6)))
    assert (variances(story), levels(story)["available"]) == ([("", 6, 5, 1)], 6)


# -- malformed, repeated and large -----------------------------------------------------------------


def test_count__has_a_number_of_its_own_or_gets_one() -> None:
    story = given(opened(), counted(("", 1), number="1"))
    story.when(counted(("", 2), number="1", at=LATER)).refused(
        CountRecorded, "count:main:1 is in the ledger already. Give this one a number of its own.")
    (fact,) = story.when(counted(("", 2), at=LATER)).then("stock.counted.v1")
    assert fact.originator_id == "count:main:1003"


def test_count__rejected_when_malformed() -> None:
    assert faults(counts=[]) == ["/counts"]
    assert faults(counts=[CountLine(sku=f"SKU-{number}", quantity=1)
                          for number in range(MAX_MOVES + 1)]) == ["/counts"]
    assert faults(counts=[
        CountLine(sku="A", quantity=1), CountLine(sku="A", quantity=-1)
    ]) == ["/counts/1/quantity", "/counts/1"]
    assert faults(counts=[CountLine(sku="A", quantity=1, place="damaged", bin="A1")]) == [
        "/counts/0/bin"]
    for place in ("available", "reserved", "customer", "waiting"):
        assert faults(counts=[CountLine(sku="A", quantity=1, place=place)]) == ["/counts/0/place"]


def test_count__of_5000_skus_is_a_handful_of_events() -> None:
    story = given(opened()).when(counted(number="1", counts=[
        CountLine(sku=f"SKU-{number}", quantity=number + 1) for number in range(MAX_MOVES)]))
    facts = story.then(*["stock.counted.v1"] * 3)
    assert [len(fact.observations) for fact in facts] == [MOST_POSTINGS, MOST_POSTINGS, 1_000]
    assert {fact.originator_id for fact in facts} == {"count:main:1"}
    for fact in facts:
        assert len(fact.lines) == len(fact.postings) == len(fact.observations)
        assert {one.account for one in fact.postings} == fact.accounts()


def test_count__keeps_the_bins_of_one_sku_in_one_event() -> None:
    lines = [CountLine(sku=f"SKU-{sku}", quantity=1, bin=f"A{name}")
             for sku in range(700) for name in range(3)]
    story = given(opened()).when(counted(counts=lines))
    first, second = story.then("stock.counted.v1", "stock.counted.v1")
    assert (len(first.observations), len(second.observations)) == (1_998, 102)
    assert not first.accounts() & second.accounts()


def test_count__rejected_of_more_bins_of_one_sku_than_an_event_holds() -> None:
    lines = [(f"A{number}", 1) for number in range(MOST_POSTINGS + 1)]
    given(opened()).when(counted(*lines)).refused(TooManyPostings)
    given(opened()).when(counted(*lines[1:])).then("stock.counted.v1")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the log while a test runs."""
    found: list[str] = []
    for cls, names in ((Work, ("fetch",)), (SqlReader, ("streams", "accounts", "touching"))):
        for name in names:
            asked = getattr(cls, name)

            def counting(self: Any, *given: Any, _asked: Any = asked, _name: str = name,
                         **more: Any) -> Any:
                found.append(_name)
                return _asked(self, *given, **more)

            monkeypatch.setattr(cls, name, counting)
    return found


@on_sqlite
def test_count__accepted_of_5000_skus_with_few_reads(ledger: Ledger, reads: list[str]) -> None:
    """erpnext#49507: a 5,000-line stocktake takes 10 minutes."""
    ledger.handle(opened(), CONTEXT)
    lines = [CountLine(sku=f"SKU-{number}", quantity=number + 1) for number in range(MAX_MOVES)]
    reads.clear()
    ledger.handle(counted(counts=lines), CONTEXT)
    assert ledger.store.head("main").position == 2 + 3
    assert reads.count("touching") == 1
    assert reads.count("accounts") <= 1
    assert len(reads) <= 10
    assert sizes(ledger.store) == [MOST_POSTINGS, MOST_POSTINGS, 1_000]
    reads.clear()
    again = [msgspec.structs.replace(one, quantity=one.quantity + 1) for one in lines]
    ledger.handle(counted(counts=again, at=LATER), CONTEXT)
    assert ledger.store.head("main").position == 2 + 6
    assert len(reads) <= 10


def sizes(store: Store) -> list[int]:
    """How often each count of the log posts."""
    return [len(msgspec.json.decode(entry.payload)["postings"])
            for entry in store.read("main", limit=100) if entry.type == "stock.counted.v1"]


def test_wanted__of_a_count_is_known_before_it_is_decided() -> None:
    """So that a batch loads it with all others."""
    wanted: Wanted = counted(("", 1), number="1").streams()
    assert [name for _, name in wanted] == [
        "count:main:1", "warehouse:main", "sku:SH-001", "stock:main:SH-001"]
