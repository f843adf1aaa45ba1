"""Stock accounts: folds of postings and observations, with rules of bins and of late facts."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from ledger.core.accounts import Touch, settled, touches_of
from ledger.core.postings import Observation, Posting
from ledger.fulfilment.commands import PickOrder, ReserveOrder
from ledger.orders.commands import ApproveOrder, SubmitOrder
from ledger.orders.values import PickedFrom
from ledger.stock.account import MOST_MOVED, StockAccount, Waiting
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import BinEmpty, BinNeeded, OutOfStock, TooManyPieces
from ledger.stock.movements import MoveStock
from ledger.stock.pieces import Part
from ledger.stock.skus import BundleSku
from tests.support.books import books, state_of
from tests.support.builders import (
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
from tests.support.stories import Story, account, bins, given, levels

EARLIER, LATER = NOON - timedelta(days=1), NOON + timedelta(hours=1)
ACCOUNT = "stock:main:SH-001"


def counted(*lines: tuple[str, int], at: datetime = NOON, **fields: Any) -> CountStock:
    """A count of bins of one SKU; "" is the whole shelf."""
    return CountStock(**{"warehouse": HOUSE, "occurred_at": at, "counts": [
        CountLine(sku="SH-001", quantity=quantity, bin=name) for name, quantity in lines],
        **fields})


def bin_move(quantity: int, source: str, target: str, **fields: Any) -> MoveStock:
    """Pieces that were carried from bin to bin."""
    return moved("SH-001", quantity, "available", "available", "bin_move", bin=source,
                 to_bin=target, **fields)


def gift(quantity: int, *, bin: str = "", **fields: Any) -> MoveStock:
    """Pieces that are given away: a decision."""
    return moved("SH-001", quantity, "available", "customer", "gift", bin=bin, **fields)


def broken(quantity: int, *, bin: str = "", **fields: Any) -> MoveStock:
    """Pieces that broke: a fact."""
    return moved("SH-001", quantity, "available", "damaged", "damage", bin=bin, reason="水浸",
                 **fields)


def shelf_at(story: Story, at: datetime) -> dict[str, int]:
    """The bins as they were at a time: the sum of postings up to it, from raw payloads."""
    known = books(story.log, at=at).get(ACCOUNT)
    return {} if known is None else {name: n for name, n in known.bins.items() if n}


# -- the fold --------------------------------------------------------------------------------------


def posting(source: str, target: str, quantity: int = 1, **fields: Any) -> Posting:
    return Posting(**{"account": ACCOUNT, "quantity": quantity, "source": source,
                      "target": target, "cause": "any", **fields})


def touched(*touches: Touch) -> StockAccount:
    """A fresh account after some touches."""
    found = StockAccount.blank(ACCOUNT)
    for touch in touches:
        found.take(touch)
    return found


def touch(position: int, *postings: Posting, seen: Iterable[Observation] = (),
          document: str = "order:a:b:1", corrects: int | None = None) -> Touch:
    return Touch(position, document, NOON, 0, postings, tuple(seen), corrects)


def test_fold__of_levels_and_bins() -> None:
    found = touched(
        touch(3, posting("supplier", "available", 5, to_bin="A1"),
              posting("supplier", "receiving", 2)),
        touch(7, posting("available", "reserved", 2), posting("receiving", "available", 2)),
        touch(9, posting("reserved", "picked", 2, bin="A1")))
    assert found.levels == {"supplier": -7, "available": 5, "picked": 2}
    assert found.bins == {"A1": 3, "": 2}
    assert (found.position, found.version, found.moved_in_all) == (9, 9, 13)
    assert touched() == StockAccount.blank(ACCOUNT) != found


def test_fold__of_bins_touches_none_where_pieces_stay_on_the_shelf() -> None:
    """Reserving takes no piece out of its bin, whatever a posting names."""
    found = touched(touch(1, posting("supplier", "available", 5, to_bin="A1")),
                    touch(2, posting("available", "reserved", 3), posting("picked", "packed")))
    assert found.bins == {"A1": 5}


def test_fold__of_waiting_is_ordered_by_since_and_order() -> None:
    waits = posting("demand", "waiting", 2)
    found = touched(
        touch(5, waits, document="order:a:b:2"), touch(6, waits, document="order:a:b:9"),
        touch(7, msgspec.structs.replace(waits, since=3), document="order:a:b:3"),
        touch(8, msgspec.structs.replace(waits, since=5), document="order:a:b:1"))
    assert list(found.waiting.items()) == [
        ("order:a:b:3", Waiting(3, 2)), ("order:a:b:1", Waiting(5, 2)),
        ("order:a:b:2", Waiting(5, 2)), ("order:a:b:9", Waiting(6, 2))]
    found.take(touch(9, waits, document="order:a:b:2"))
    assert found.waiting["order:a:b:2"] == Waiting(5, 4)
    found.take(touch(10, posting("waiting", "demand", 3), document="order:a:b:2"))
    assert found.waiting["order:a:b:2"] == Waiting(5, 1)
    found.take(touch(11, posting("waiting", "demand"), document="order:a:b:2"))
    assert "order:a:b:2" not in found.waiting
    found.take(touch(12, waits, document="order:a:b:2"))
    assert found.waiting["order:a:b:2"] == Waiting(12, 2)


def test_fold__of_observations_keeps_each_of_its_bin_in_order_of_time() -> None:
    def seen(at: datetime, **fields: Any) -> Observation:
        return Observation(**{"account": ACCOUNT, "place": "shelf", "counted": 1, "at": at,
                              **fields})

    found = touched(touch(4, seen=[seen(NOON), seen(NOON, bin="A1")]),
                    touch(6, seen=[seen(EARLIER), seen(NOON, place="damaged")]))
    assert found.observed == {("shelf", ""): ((EARLIER, 6), (NOON, 4)),
                              ("shelf", "A1"): ((NOON, 4),), ("damaged", ""): ((NOON, 6),)}
    found.take(touch(8, seen=[seen(NOON, withdrawn=True), seen(LATER)], corrects=4))
    assert found.observed == {("shelf", ""): ((EARLIER, 6), (LATER, 8)),
                              ("shelf", "A1"): ((NOON, 4),), ("damaged", ""): ((NOON, 6),)}


def test_fold__knows_the_latest_time_that_anything_was_posted_at() -> None:
    found = touched(touch(1, posting("supplier", "available", at=LATER)),
                    touch(2, posting("supplier", "available", at=EARLIER)))
    assert found.latest_at == LATER
    assert touched(touch(1, posting("supplier", "available"))).latest_at == NOON


TIMES = st.sampled_from([EARLIER, NOON, LATER])
SHELF_BIN = st.sampled_from(["", "A1", "A2"])
POSTINGS = st.builds(
    posting, *[st.sampled_from(["supplier", "available", "reserved", "picked", "demand", "waiting"])
               ] * 2, st.integers(1, 3), bin=SHELF_BIN, to_bin=SHELF_BIN,
    at=st.one_of(st.none(), TIMES), since=st.one_of(st.none(), st.integers(1, 9)))
SEEN = st.builds(Observation, account=st.just(ACCOUNT), place=st.just("shelf"), bin=SHELF_BIN,
                 counted=st.just(1), at=TIMES, withdrawn=st.booleans())


@examples(st.lists(st.builds(
    lambda postings, seen, **fields: touch(0, *postings, seen=seen, **fields),
    st.lists(POSTINGS, max_size=3), st.lists(SEEN, max_size=2),
    document=st.sampled_from(["order:a:b:1", "order:a:b:2"]), corrects=st.integers(1, 9))))
def test_fold__of_many_at_once_is_that_of_each_in_turn(touches: list[Touch]) -> None:
    turns = [one._replace(position=position) for position, one in enumerate(touches, 1)]
    for first in range(len(turns)):
        found = touched(*turns[:first])
        before = found.clone()
        found.take(*turns[first:])
        assert found == touched(*turns)
        assert list(found.waiting) == list(touched(*turns).waiting)
        assert before == touched(*turns[:first])


def test_clone__is_not_changed_by_what_its_copy_takes() -> None:
    found = touched(touch(1, posting("supplier", "available", 5, to_bin="A1"),
                          posting("demand", "waiting")))
    before = {name: repr(value) for name, value in vars(found).items()}
    copy = found.clone()
    assert copy == found
    copy.take(touch(2, posting("available", "customer", bin="A1"), posting("demand", "waiting"),
                    seen=[Observation(account=ACCOUNT, place="shelf", counted=1, at=NOON)]))
    assert {name: repr(value) for name, value in vars(found).items()} == before
    assert copy != found


def busy() -> Story:
    """A story in which one account is posted to and observed in many ways."""
    return given(
        opened(), counted(("A1", 6), ("A2", 3)), received(quantity=2, occurred_at=LATER),
        place(1, lines=[line(quantity=8)]), ReserveOrder(order=stream(1), warehouse=HOUSE,
                                                         occurred_at=LATER),
        place(2, lines=[line(quantity=9)]), ReserveOrder(order=stream(2), warehouse=HOUSE,
                                                         occurred_at=LATER),
        counted(("A1", 1), at=LATER), received(quantity=1, occurred_at=EARLIER),
        broken(1, bin="A2", occurred_at=LATER + timedelta(hours=1)),
        end(1, "cancelled"))


def test_settled__is_what_a_fresh_fold_of_the_payloads_gives() -> None:
    story = busy()
    fresh = books(story.log)
    assert set(fresh) == {ACCOUNT}
    assert state_of(account(story)) == fresh[ACCOUNT].state()


def test_settled__is_what_the_events_say_and_not_what_a_handler_saw() -> None:
    """What was posted and not recorded is forgotten; positions are those of the log."""
    story = given(opened(), received(quantity=5))
    known = account(story)
    draft = known.clone()
    draft.draft(touch(2_002, posting("available", "customer", 5)))
    (silent,) = story.when(place(2)).facts
    (fact,) = story.when(gift(1)).facts
    touches = list(touches_of([silent, fact], 2_000, 0))
    assert [one.position for one in touches] == [2_002]
    after = settled(touches, {ACCOUNT: known}, {ACCOUNT: draft})[ACCOUNT]
    assert isinstance(after, StockAccount)
    assert (after.position, after.levels["available"]) == (2_002, 4)
    assert (known.position, known.levels["available"]) == (1_002, 5)


def test_settled__is_the_copy_of_a_handler_that_took_just_what_the_events_say() -> None:
    story = given(opened(), received(quantity=5))
    known = account(story)
    taken = touch(2_001, posting("available", "customer", 2))
    draft = known.clone()
    draft.draft(taken)
    assert settled([taken], {ACCOUNT: known}, {ACCOUNT: draft})[ACCOUNT] is draft
    assert draft == settled([taken], {ACCOUNT: known}, {})[ACCOUNT]


def test_settled__of_a_refused_command_is_the_account_as_it_was() -> None:
    story = given(opened(), received(quantity=5))
    before = state_of(account(story))
    story.when(sell(1, line(quantity=3), line(quantity=3, name="2"))).refused(OutOfStock)
    assert state_of(account(story)) == before


# -- bins ------------------------------------------------------------------------------------------


def in_bins(*lines: tuple[str, int]) -> Story:
    """A shelf that was counted bin by bin the day before."""
    return given(opened(), counted(*lines, at=EARLIER))


def test_bins__divide_the_shelf_and_reserving_touches_none() -> None:
    story = in_bins(("A1", 4), ("A2", 2))
    story.decide(sell(1, line(quantity=5)))
    assert levels(story) == {"available": 1, "reserved": 5, "stocktake_gain_loss": -6}
    assert bins(story) == {"A1": 4, "A2": 2}


def test_bins__a_decision_takes_none_below_zero() -> None:
    story = in_bins(("A1", 4), ("A2", 2))
    story.when(gift(3, bin="A2")).refused(
        BinEmpty, "stock:main:SH-001: 3 pieces are to leave bin A2, which holds 2. Name the bin "
                  "that they lie in, or count this one.")
    story.when(gift(1, bin="Z9")).refused(BinEmpty)
    story.when(gift(2, bin="A2")).then("stock.moved.v1")
    assert bins(story) == {"A1": 4}


def test_bins__a_decision_is_checked_over_the_sum_of_its_moves() -> None:
    story = in_bins(("A1", 4), ("A2", 2))
    two = gift(2, bin="A2").moves[0]
    story.when(MoveStock(warehouse=HOUSE, occurred_at=NOON, moves=[two, two])).refused(BinEmpty)
    back = moved("SH-001", 9, "supplier", "available", "receipt", to_bin="A2").moves[0]
    story.when(MoveStock(warehouse=HOUSE, occurred_at=NOON, moves=[two, two, back])).then(
        "stock.moved.v1")


def test_bins__none_named_takes_loose_pieces_first() -> None:
    story = in_bins(("A1", 4), ("A2", 2))
    story.decide(received(quantity=3))
    (fact,) = story.when(gift(3)).then("stock.moved.v1")
    assert [(one.bin, one.quantity) for one in fact.postings] == [("", 3)]
    assert bins(story) == {"A1": 4, "A2": 2}


def test_bins__none_named_takes_the_rest_from_the_only_other_bin() -> None:
    story = in_bins(("A1", 4))
    story.decide(received(quantity=3))
    (fact,) = story.when(gift(5)).then("stock.moved.v1")
    assert [(one.bin, one.quantity) for one in fact.postings] == [("", 3), ("A1", 2)]
    assert bins(story) == {"A1": 2}


def test_bins__none_named_is_refused_where_nobody_knows_which() -> None:
    story = in_bins(("A1", 4), ("A2", 2))
    story.decide(received(quantity=1))
    story.when(gift(2)).refused(
        BinNeeded, "stock:main:SH-001: 2 pieces are to leave the shelf, and not so many lie "
                   "outside its bins. Name the bin: A1 (4), A2 (2).")
    assert bins(story) == {"A1": 4, "A2": 2, "": 1}


def test_bins__only_so_many_are_listed() -> None:
    story = in_bins(*((f"A{number}", 1) for number in range(7)))
    error = story.when(gift(1)).refused(BinNeeded)
    assert error.details["bins"] == "A0 (1), A1 (1), A2 (1), A3 (1), A4 (1) …"


def test_bins__two_moves_without_a_bin_take_each_loose_piece_once() -> None:
    story = in_bins(("A1", 4))
    story.decide(received(quantity=1))
    one = gift(1).moves[0]
    (fact,) = story.when(MoveStock(warehouse=HOUSE, occurred_at=NOON, moves=[one, one])).then(
        "stock.moved.v1")
    assert [(move.bin, move.quantity) for move in fact.postings] == [("", 1), ("A1", 1)]


def test_bins__a_declared_fact_may_take_one_below_zero() -> None:
    story = in_bins(("A1", 4), ("A2", 2), ("A3", 1))
    (fact,) = story.when(broken(3, bin="A2")).then("stock.moved.v1")
    assert bins(story) == {"A1": 4, "A2": -1, "A3": 1}
    assert [one.below for one in fact.postings] == [None]
    story.when(broken(2)).then("stock.moved.v1")
    assert bins(story) == {"A1": 4, "A2": -1, "A3": 1, "": -2}
    story.when(bin_move(1, "Z9", "A2")).refused(BinEmpty)
    assert levels(story)["available"] == 2


def test_bins__a_decision_finds_pieces_beside_a_bin_that_is_below_zero() -> None:
    story = in_bins(("A1", 4), ("A2", 2))
    for command in (broken(3, bin="A2"), gift(3)):
        story.decide(command)
    assert bins(story) == {"A1": 1, "A2": -1}
    story.when(gift(1)).refused(OutOfStock)


def picking(*lines: PickedFrom) -> PickOrder:
    return PickOrder(order=stream(), occurred_at=NOON, lines=list(lines))


KIT = BundleSku(sku="SET", occurred_at=EARLIER, parts=[Part("SH-001", 2), Part("PEN", 1)])


def kits(*pens: tuple[str, int]) -> Story:
    """An order of two kits that can be picked: books lie in A1 and A2, pens where it is said."""
    return given(
        opened(), counted(("A1", 4), ("A2", 2), at=EARLIER), KIT,
        CountStock(warehouse=HOUSE, occurred_at=EARLIER, counts=[
            CountLine(sku="PEN", quantity=quantity, bin=name) for name, quantity in pens]),
        sell(1, line("SET", quantity=2)), ApproveOrder(order=stream(), occurred_at=NOON),
        SubmitOrder(order=stream(), warehouse=HOUSE, occurred_at=NOON))


def test_bins__of_a_kit_whose_parts_lie_in_different_bins() -> None:
    """The bin that is named is that of the parts which lie there; the others come out of theirs."""
    story = kits(("B1", 3)).when(picking(PickedFrom("1", 1, "A1"), PickedFrom("1", 1, "A2")))
    (fact,) = story.then("order.picked.v1")
    assert [(one.account, one.bin, one.quantity) for one in fact.postings] == [
        ("stock:main:SH-001", "A1", 2), ("stock:main:SH-001", "A2", 2),
        ("stock:main:PEN", "B1", 1), ("stock:main:PEN", "B1", 1)]
    assert (bins(story), bins(story, "PEN")) == ({"A1": 2}, {"B1": 1})


def test_bins__of_a_kit_are_needed_where_its_parts_lie_in_several() -> None:
    story = kits(("B1", 3))
    story.when(picking(PickedFrom("1", 1, "B1"))).refused(BinNeeded)
    story.when(picking(PickedFrom("1", 2, "A2"))).refused(BinEmpty)
    story.when(picking(PickedFrom("1", 1, "Z9"))).refused(BinEmpty)


def test_picking__empties_the_bin_that_is_named() -> None:
    story = given(opened(), counted(("A1", 4), ("A2", 2), at=EARLIER), sell(1, line(quantity=3)),
                  ApproveOrder(order=stream(), occurred_at=NOON),
                  SubmitOrder(order=stream(), warehouse=HOUSE, occurred_at=NOON))
    story.when(picking(PickedFrom("1", 3, "A2"))).refused(BinEmpty)
    story.when(picking(PickedFrom("1", 3))).refused(BinNeeded)
    story.when(picking(PickedFrom("1", 1, "A1"), PickedFrom("1", 2, "A2"))).then("order.picked.v1")
    assert levels(story) == {"available": 3, "picked": 3, "stocktake_gain_loss": -6}
    assert bins(story) == {"A1": 3}
    story.decide(end(1, "cancelled"))
    assert bins(story) == {"A1": 3, "": 3}


# -- what is told late -----------------------------------------------------------------------------


def test_late__a_fact_before_a_count_leaves_what_was_counted() -> None:
    """erpnext#54295, #54640: a late entry silently undoes a stocktake (counted 1, shown 43)."""
    story = given(opened(), received(quantity=3, occurred_at=EARLIER), counted(("", 1)))
    (fact,) = story.when(received(quantity=42, occurred_at=EARLIER)).then("stock.moved.v1")
    assert [(one.source, one.target, one.quantity, one.cause, one.at) for one in fact.postings] == [
        ("supplier", "available", 42, "receipt", None),
        ("available", "stocktake_gain_loss", 42, "already_counted", NOON)]
    assert levels(story) == {"available": 1, "stocktake_gain_loss": 44}
    assert shelf_at(story, NOON - timedelta(seconds=1)) == {"": 45}
    assert shelf_at(story, NOON) == {"": 1}


def test_late__not_counted_lets_it_stand() -> None:
    story = given(opened(), received(quantity=3, occurred_at=EARLIER), counted(("", 1)))
    (fact,) = story.when(received(quantity=42, occurred_at=EARLIER, late="not_counted")).then(
        "stock.moved.v1")
    assert (fact.not_counted, len(fact.postings)) == (True, 1)
    assert levels(story) == {"available": 43, "stocktake_gain_loss": 2}
    assert shelf_at(story, NOON - timedelta(seconds=1)) == {"": 45}


def test_late__a_decision_is_kept_within_what_is_there_only_if_it_was_not_counted() -> None:
    story = given(opened(), received(occurred_at=EARLIER), counted(("", 4)))
    story.when(gift(3, occurred_at=EARLIER)).then("stock.moved.v1")
    assert levels(story)["available"] == 4
    story.when(gift(3, occurred_at=EARLIER, late="not_counted")).then("stock.moved.v1")
    assert levels(story)["available"] == 1
    story.when(gift(3, occurred_at=EARLIER, late="not_counted")).refused(OutOfStock)


def test_late__damage_leaves_what_was_counted_and_adds_the_damaged() -> None:
    story = given(opened(), received(occurred_at=EARLIER), counted(("", 7)))
    story.when(broken(3, occurred_at=EARLIER)).then("stock.moved.v1")
    assert levels(story) == {"available": 7, "damaged": 3}


def test_late__at_the_very_instant_of_a_count_was_seen_by_it() -> None:
    story = given(opened(), counted(("", 7)))
    story.decide(received(quantity=2))
    assert levels(story) == {"available": 7, "stocktake_gain_loss": -5}
    story.decide(received(quantity=2, occurred_at=NOON + timedelta(microseconds=1)))
    assert levels(story)["available"] == 9


def test_late__is_seen_by_the_first_count_after_it() -> None:
    """Between two counts the shelf held what the first of them found."""
    days = [NOON + timedelta(days=day) for day in range(5)]
    story = given(opened(), received(occurred_at=days[0]), counted(("", 9), at=days[2]),
                  counted(("", 8), at=days[4]))
    for at, back in ((days[1], days[2]), (days[2], days[2]), (days[3], days[4])):
        (fact,) = story.when(received(quantity=3, occurred_at=at)).then("stock.moved.v1")
        assert [one.at for one in fact.postings] == [None, back]
    assert [shelf_at(story, day)[""] for day in days] == [10, 13, 9, 12, 8]
    assert levels(story)["available"] == 8


def test_late__after_the_last_count_changes_what_is_there() -> None:
    story = given(opened(), counted(("", 5)), received(quantity=3, occurred_at=LATER))
    assert levels(story)["available"] == 8


def test_late__nothing_is_posted_back_where_nothing_was_counted() -> None:
    story = given(opened(), received(occurred_at=EARLIER), counted(("", 7)))
    story.when(moved("SH-001", 3, "supplier", "quarantine", "receipt", occurred_at=EARLIER)).then(
        "stock.moved.v1")
    assert levels(story)["quarantine"] == 3


def test_late__of_another_place_that_was_counted() -> None:
    story = given(opened(), CountStock(warehouse=HOUSE, occurred_at=NOON, counts=[
        CountLine(sku="SH-001", quantity=2, place="damaged")]), received(occurred_at=EARLIER))
    story.decide(broken(3, occurred_at=EARLIER))
    assert levels(story) == {"available": 7, "damaged": 2, "stocktake_gain_loss": 1}


def test_late__out_of_a_bin_that_was_counted() -> None:
    story = given(opened(), counted(("A1", 4), ("A2", 2)))
    for command in (broken(1, bin="A1", occurred_at=EARLIER), gift(1, bin="A2", occurred_at=LATER)):
        story.decide(command)
    assert (bins(story), levels(story)["damaged"]) == ({"A1": 4, "A2": 1}, 1)
    assert shelf_at(story, EARLIER) == {"A1": -1}


def test_late__without_a_bin_meets_counts_of_the_whole_shelf_only() -> None:
    story = given(opened(), counted(("A1", 4)))
    story.decide(received(quantity=3, occurred_at=EARLIER))
    assert bins(story) == {"A1": 4, "": 3}
    story = given(opened(), counted(("", 4)))
    story.decide(received(quantity=3, occurred_at=EARLIER))
    assert bins(story) == {"": 4}


def test_late__in_a_bin_meets_the_first_count_of_it_or_of_the_whole_shelf() -> None:
    bin_at, whole_at = NOON + timedelta(days=2), NOON + timedelta(days=1)
    story = given(opened(), counted(("A1", 4)), counted(("A1", 4), at=bin_at),
                  counted(("", 4), at=whole_at))
    (fact,) = story.when(received(quantity=3, occurred_at=LATER, late="")).then("stock.moved.v1")
    assert [one.at for one in fact.postings] == [None, whole_at]
    move = moved("SH-001", 3, "supplier", "available", "receipt", to_bin="A1", occurred_at=LATER)
    (fact,) = story.when(move).then("stock.moved.v1")
    assert [(one.at, one.bin) for one in fact.postings] == [(None, ""), (whole_at, "A1")]
    assert bins(story) == {"A1": 4}


def test_late__a_move_between_bins_is_not_seen_by_who_counts_the_whole_shelf() -> None:
    story = given(opened(), counted(("A1", 5), at=EARLIER), counted(("", 5)))
    story.decide(bin_move(2, "A1", "A2", occurred_at=EARLIER + timedelta(hours=1)))
    assert bins(story) == {"A1": 3, "A2": 2}


def test_late__a_move_between_bins_is_seen_by_who_counts_one_of_them() -> None:
    """The missing pieces of the bin that was counted are found in the other."""
    story = given(opened(), counted(("A1", 5), at=EARLIER), counted(("A1", 3)))
    assert levels(story) == {"available": 3, "stocktake_gain_loss": -3}
    story.decide(bin_move(2, "A1", "A2", occurred_at=EARLIER + timedelta(hours=1)))
    assert bins(story) == {"A1": 3, "A2": 2}
    assert levels(story) == {"available": 5, "stocktake_gain_loss": -5}


def test_late__picking_before_a_count_leaves_as_many_on_the_shelf() -> None:
    story = given(opened(), received(quantity=5, occurred_at=EARLIER),
                  sell(1, line(quantity=2), occurred_at=EARLIER),
                  ApproveOrder(order=stream(), occurred_at=EARLIER),
                  SubmitOrder(order=stream(), warehouse=HOUSE, occurred_at=EARLIER),
                  counted(("", 5)))
    story.decide(PickOrder(order=stream(), occurred_at=EARLIER + timedelta(hours=1),
                           lines=[PickedFrom("1", 2)]))
    assert levels(story) == {"available": 5, "picked": 2, "stocktake_gain_loss": -2}


def test_late__what_was_reserved_before_a_count_stays_on_the_shelf() -> None:
    story = given(opened(), received(quantity=5, occurred_at=EARLIER), counted(("", 5)),
                  sell(1, line(quantity=2), occurred_at=EARLIER))
    assert levels(story) == {"available": 3, "reserved": 2}


def test_late__the_past_is_told_as_it_was_and_nothing_present_changes() -> None:
    """Whatever is told late, in whatever order: only the time between it and the count changes."""
    long_ago = NOON - timedelta(hours=9)
    story = given(opened(), received(quantity=3, to_bin="A1", occurred_at=long_ago),
                  received(quantity=3, to_bin="A2", occurred_at=long_ago),
                  counted(("A1", 4), ("A2", 3)))
    before = bins(story)
    hours = [NOON - timedelta(hours=hour) for hour in range(1, 5)]
    late = [received(quantity=5, occurred_at=hours[3]), broken(1, bin="A1", occurred_at=hours[2]),
            gift(2, bin="A2", occurred_at=hours[1]), bin_move(1, "A1", "A2", occurred_at=hours[0])]
    expected = Counter({"A1": 3, "A2": 3})
    for command, change in zip(late, ({"": 5}, {"A1": -1}, {"A2": -2}, {"A1": -1, "A2": 1}),
                               strict=True):
        story.decide(command)
        expected.update(change)
        assert shelf_at(story, command.occurred_at) == {
            name: n for name, n in expected.items() if n}
        if command.moves[0].bin:  # pieces of no known bin were in none that was counted
            assert {name: n for name, n in bins(story).items() if name} == before


# -- the bound -------------------------------------------------------------------------------------


def test_moved__counts_what_is_posted_back_and_has_a_bound() -> None:
    found = touched(touch(1, posting("supplier", "available", MOST_MOVED - 5)))
    with pytest.raises(TooManyPieces) as caught:
        found.declare([posting("available", "customer", 6)], NOON)
    assert caught.value.details["pieces"] == MOST_MOVED + 1
    assert found.declare([posting("available", "customer", 5)], NOON)
    found.take(touch(2, seen=[Observation(account=ACCOUNT, place="shelf", counted=1, at=NOON)]))
    with pytest.raises(TooManyPieces):
        found.decide([posting("available", "customer", 3)], NOON)
