"""What the events of orders post to stock: pieces go from place to place as lines change state."""

import json
from datetime import timedelta
from typing import Any

import pytest

from ledger.common.moments import Moment
from ledger.fulfilment.commands import (
    CheckOrder,
    DispatchParcel,
    LoseParcel,
    MoveReservation,
    PackOrder,
    PickOrder,
    RefuseParcel,
    ReleaseReservation,
    ReserveOrder,
)
from ledger.fulfilment.postings import CAUSE, PLACE, shifted
from ledger.orders.commands import ApproveOrder, SubmitOrder
from ledger.orders.errors import NotThatMany, ParcelOutOfTurn
from ledger.orders.values import STATES, Amounts, PickedFrom
from ledger.returns.commands import (
    AuthoriseCase,
    InspectGoods,
    ReceiveGoods,
    RequestCase,
    WithdrawCase,
)
from ledger.returns.values import CaseLine, Outcome
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import BinNeeded, TooManyPostings
from ledger.stock.pieces import Count, Part
from ledger.stock.places import OF_DOCUMENTS, PLACES
from ledger.stock.posting import MOST_POSTINGS
from ledger.stock.skus import BundleSku
from tests.support.books import INSIDE, books
from tests.support.builders import (
    HOUSE,
    NOON,
    end,
    line,
    opened,
    place,
    received,
    record,
    sell,
    stream,
)
from tests.support.cases import new
from tests.support.cases import on as on_case
from tests.support.shipping import ARRIVE, CHECK, PACK, PICK, SEND, on, ready
from tests.support.stories import Story, bins, given, goods, levels

REFUSE = on(RefuseParcel, parcel="P1", reason="拒收")


def posted(fact: Any, sku: str = "SH-001") -> list[tuple[str, str, int, str, str]]:
    """(from, to, quantity, cause, bin) of what an event posts to a SKU's account."""
    return [(one.source, one.target, one.quantity, one.cause, one.bin) for one in fact.postings
            if one.account == f"stock:main:{sku}"]


# -- what becomes of the pieces of a line ----------------------------------------------------------


@pytest.mark.parametrize("before, after, found", [
    ({"unreserved": 3}, {"reserved": 1, "short": 2},
     [("unreserved", "short", 2), ("unreserved", "reserved", 1)]),
    ({"reserved": 2, "short": 1}, {"cancelled": 3},
     [("short", "cancelled", 1), ("reserved", "cancelled", 2)]),
    ({"packed": 2}, {"packed": 1, "in_transit": 1}, [("packed", "in_transit", 1)]),
    ({"delivered": 2}, {"delivered": 2}, []),
])
def test_shifted__moves_no_more_pieces_than_have_to(
    before: Any, after: Any, found: list[Any]
) -> None:
    assert list(shifted(before, after)) == found


def test_places__of_every_state_and_causes_between_them() -> None:
    assert set(PLACE) == set(STATES)
    assert set(PLACE.values()) <= PLACES
    assert set(CAUSE.values()) <= {*OF_DOCUMENTS, "quarantine", "found"}


def test_order__posts_each_of_its_steps_in_the_event_that_says_it() -> None:
    story = given(opened(), received("SH-001", 10, to_bin="A1"), received("PEN", 5))
    (placed,) = story.when(sell(1, line(quantity=2), line("PEN", name="2"))).facts
    assert posted(placed) == [("available", "reserved", 2, "reservation", "")]
    assert posted(placed, "PEN") == [("available", "reserved", 1, "reservation", "")]
    assert [one.line for one in placed.postings] == ["1", "2"]
    story = ready()
    for command, source, target, cause, name in (
            (PICK, "reserved", "picked", "picking", "A1"),
            (PACK, "picked", "packed", "packing", ""),
            (SEND, "packed", "with_courier", "dispatch", ""),
            (ARRIVE, "with_courier", "customer", "delivery", "")):
        if command is PACK:
            assert story.when(CHECK).facts[0].postings == ()
        (fact,) = story.when(command).facts
        assert posted(fact) == [(source, target, 2, cause, name)]
        assert posted(fact, "PEN") == [(source, target, 1, cause, "")]
        assert fact.accounts() == {"stock:main:SH-001", "stock:main:PEN"}


@pytest.mark.parametrize("history, command, expected", [
    ([], end(1, "cancelled"), [("reserved", "available", 2, "release", "")]),
    ([], on(ReleaseReservation, reason="改期"), [("reserved", "available", 2, "release", "")]),
    ([PICK], end(1, "cancelled"), [("picked", "available", 2, "unpicking", "")]),
    ([PICK, CHECK, PACK], end(1, "cancelled"), [("packed", "available", 2, "unpacking", "")]),
    ([PICK], on(CheckOrder, passed=False, faulty=[Count("1", 1)], note="破损"),
     [("picked", "quarantine", 1, "quarantine", "")]),
    ([PICK, CHECK, PACK, SEND], on(LoseParcel, parcel="P1", reason="丢失"),
     [("with_courier", "written_off", 2, "loss", "")]),
    ([PICK, CHECK, PACK, SEND], REFUSE, []),
])
def test_order__posts_every_way_back(
    history: list[Any], command: Any, expected: list[Any]
) -> None:
    story = ready(*history).when(command)
    assert story.error is None
    assert posted(story.facts[0]) == expected


def test_order__that_is_cancelled_half_way_posts_from_each_place() -> None:
    story = ready(on(PickOrder, lines=[PickedFrom("1", 1, "A1")])).when(end(1, "cancelled"))
    assert sorted(posted(story.facts[0])) == [
        ("picked", "available", 1, "unpicking", ""), ("reserved", "available", 1, "release", "")]
    assert (levels(story), bins(story)) == ({"available": 10}, {"A1": 9, "": 1})


def test_pick__takes_pieces_out_of_the_bin_that_it_names() -> None:
    story = given(opened(), received("SH-001", 3, to_bin="A1"), received("SH-001", 3, to_bin="A2"),
                  sell(1, line(quantity=3)), on(ApproveOrder), on(SubmitOrder, warehouse=HOUSE))
    pick = on(PickOrder, lines=[PickedFrom("1", 1, "A2"), PickedFrom("1", 1, "A1")])
    (fact,) = story.when(pick).then("order.picked.v1")
    assert posted(fact) == [("reserved", "picked", 1, "picking", "A2"),
                            ("reserved", "picked", 1, "picking", "A1")]
    assert bins(story) == {"A1": 2, "A2": 2}
    story.when(on(PickOrder, lines=[PickedFrom("1", 1)])).refused(BinNeeded)


def test_order__that_is_reserved_elsewhere_posts_in_both_warehouses() -> None:
    story = ready(opened("east"), received("SH-001", 2, warehouse="east"),
                  received("PEN", 9, warehouse="east"))
    released, reserved = story.when(on(MoveReservation, warehouse="east")).then(
        "order.reservation_released.v1", "order.reserved.v1")
    assert released.accounts() == {"stock:main:SH-001", "stock:main:PEN"}
    assert reserved.accounts() == {"stock:east:SH-001", "stock:east:PEN"}


def test_order__without_a_warehouse_posts_nothing() -> None:
    story = given(place()).when(end(1, "cancelled"))
    assert [fact.postings for fact in story.facts] == [()]


def test_kit__posts_to_each_of_its_parts_what_it_was_made_of() -> None:
    story = given(
        opened(), received("SH-001", 9), received("PEN", 9),
        BundleSku(sku="SET", parts=[Part("SH-001", 2), Part("PEN", 1)], occurred_at=NOON))
    (placed,) = story.when(sell(1, line("SET", quantity=3))).facts
    assert (posted(placed), posted(placed, "PEN")) == (
        [("available", "reserved", 6, "reservation", "")],
        [("available", "reserved", 3, "reservation", "")])
    story.decide(BundleSku(sku="SET", parts=[Part("PEN", 9)], occurred_at=NOON))
    story.decide(end(1, "cancelled"))
    assert (levels(story), levels(story, "PEN")) == ({"available": 9}, {"available": 9})


# -- what comes back unopened ----------------------------------------------------------------------


def everywhere(story: Story) -> int:
    """All pieces of the SKU in the warehouse, with couriers, with customers and written off."""
    found = books(story.log)["stock:main:SH-001"].levels
    return sum(found[name] for name in (*INSIDE, "with_courier", "customer", "written_off"))


REFUSED = new(RequestCase, kind="refused", order=stream(), lines=[CaseLine(line="1", quantity=2)])


def test_refused_parcel__is_ten_pieces_in_all_places_together_throughout() -> None:
    """拒收 makes 12 pieces of 10: a refused parcel had to be recorded as delivered before."""
    story = ready(PICK, CHECK, PACK, SEND)
    for command, seen, state in (
            (REFUSE, {"available": 8, "with_courier": 2}, "returning_to_sender"),
            (REFUSED, {"available": 8, "with_courier": 2}, "returning_to_sender"),
            (on_case(AuthoriseCase), {"available": 8, "with_courier": 2}, "returning_to_sender"),
            (on_case(ReceiveGoods, warehouse=HOUSE, lines=[Count("1", 2)]),
             {"available": 8, "returns_inspection": 2}, "returned"),
            (on_case(InspectGoods, lines=[Outcome("1", 2, "restocked", "A1")]),
             {"available": 10}, "returned")):
        story.decide(command)
        assert levels(story) == seen
        assert goods(story)["1"] == {state: 2}
        assert everywhere(story) == 10
    assert bins(story) == {"A1": 10}


def test_refused_parcel__what_is_missing_in_it_is_written_off() -> None:
    """The buyer does not have it, either: it never was with them."""
    story = ready(PICK, CHECK, PACK, SEND, REFUSE, REFUSED, on_case(AuthoriseCase), on_case(
        ReceiveGoods, warehouse=HOUSE, lines=[Count("1", 2)]))
    story.decide(on_case(InspectGoods, lines=[
        Outcome("1", 1, "missing"), Outcome("1", 1, "damaged")]))
    assert levels(story) == {"available": 8, "written_off": 1, "damaged": 1}


def test_refused_parcel__may_be_delivered_or_lost_after_all() -> None:
    story = ready(PICK, CHECK, PACK, SEND, REFUSE)
    story.when(REFUSE).then()
    story.when(ARRIVE).then("order.delivered.v1", "order.exception_closed.v1")
    assert (levels(story), goods(story)["1"]) == (
        {"available": 8, "customer": 2}, {"delivered": 2})
    story.when(REFUSE).refused(ParcelOutOfTurn)
    story = ready(PICK, CHECK, PACK, SEND, REFUSE, on(LoseParcel, parcel="P1", reason="丢失"))
    assert (levels(story), everywhere(story)) == ({"available": 8, "written_off": 2}, 10)


def test_refused_parcel__of_two_leaves_the_other_on_its_way() -> None:
    story = ready(PICK, CHECK, on(PackOrder, parcel="P1", lines=[Count("1", 1)]),
                  on(PackOrder, parcel="P2", lines=[Count("1", 1), Count("2", 1)]), SEND,
                  on(DispatchParcel, parcel="P2", courier="顺丰", waybill="SF2"), REFUSE)
    assert goods(story)["1"] == {"in_transit": 1, "returning_to_sender": 1}


def test_refused_parcel__stays_with_the_courier_when_its_case_is_withdrawn() -> None:
    story = ready(PICK, CHECK, PACK, SEND, REFUSE, REFUSED, on_case(AuthoriseCase))
    story.when(on_case(WithdrawCase, reason="改为再次派送")).then(
        "case.withdrawn.v1", "order.return_ended.v1")
    assert goods(story)["1"] == {"returning_to_sender": 2}
    assert levels(story) == {"available": 8, "with_courier": 2}
    story.when(ARRIVE).then("order.delivered.v1", "order.exception_closed.v1")


def test_refused_parcel__is_refused_before_a_case_of_the_kind_takes_it_back() -> None:
    ready(PICK, CHECK, PACK, SEND).when(REFUSED).refused(NotThatMany)
    ready(PICK, CHECK, PACK, SEND, ARRIVE).when(REFUSED).refused(NotThatMany)


# -- what a file declares --------------------------------------------------------------------------


def test_declared_dispatch__before_a_count_leaves_what_was_counted() -> None:
    """A file cannot say whether the count saw it; it did, as almost always."""
    count = CountStock(warehouse=HOUSE, occurred_at=NOON + timedelta(days=2),
                       counts=[CountLine(sku="SH-001", quantity=9)])
    story = given(opened(), received(), count).when(record(warehouse=HOUSE))
    assert story.error is None
    assert levels(story) == {"available": 9, "with_courier": 1}
    past = books(story.log, at=NOON + timedelta(days=1))["stock:main:SH-001"]
    assert past.levels["available"] == 9
    # Between the dispatch and the count, one was missing that nobody had told of.
    assert sum(past.bins.values()) == 9


def test_declared__is_never_clamped_and_says_how_far_below_it_goes() -> None:
    story = given(opened(), received(quantity=1)).when(record(
        lines=[line(quantity=3)], warehouse=HOUSE, delivered=Moment(NOON + timedelta(days=3)),
        amounts=Amounts()))
    below = [(fact.TOPIC, one.source, one.below) for fact in story.facts for one in fact.postings]
    assert below == [("order.dispatched.v1", "available", -2),
                     ("order.delivered.v1", "with_courier", None)]


# -- bounds ----------------------------------------------------------------------------------------


def many(lines: int, sku: str) -> list[Any]:
    """So many lines of one SKU."""
    return [line(sku, name=str(number)) for number in range(lines)]


PAIR = BundleSku(sku="PAIR", parts=[Part("A", 1), Part("B", 1)], occurred_at=NOON)


def test_order__rejected_when_its_lines_times_parts_are_too_many_for_an_event() -> None:
    story = given(opened(), received("A", 5_000), received("B", 5_000), PAIR)
    story.when(sell(1, *many(MOST_POSTINGS // 2 + 1, "PAIR"))).refused(
        TooManyPostings,
        f"{stream()} would post 2002 times to stock, its lines times the parts that they are made "
        "of, and 2000 is the most for one event. Split it, or let no stock move.")
    (fact,) = story.when(sell(1, *many(MOST_POSTINGS // 2, "PAIR"))).facts
    assert len(fact.postings) == MOST_POSTINGS
    assert levels(story, "A") == {"available": 4_000, "reserved": 1_000}


def test_order__rejected_when_what_it_waits_for_makes_it_too_many() -> None:
    lines = [line("A", quantity=2, name=str(number)) for number in range(1_001)]
    story = given(opened(), received("A", 1), place(1, lines=lines))
    story.when(on(ReserveOrder, warehouse=HOUSE)).then(
        "order.reserved.v1", "order.exception_opened.v1")
    assert len(story.facts[0].postings) == 1_002
    story = given(opened(), received("A", 1), received("B", 1), PAIR, place(
        1, lines=many(1_001, "PAIR")))
    story.when(on(ReserveOrder, warehouse=HOUSE)).refused(TooManyPostings)


def test_declared__rejected_when_it_is_too_many_for_an_event() -> None:
    story = given(opened(), received("A", 1), received("B", 1), PAIR)
    story.when(record(lines=many(1_001, "PAIR"), warehouse=HOUSE, amounts=Amounts())).refused(
        TooManyPostings)
    story.when(record(lines=many(1_001, "PAIR"), amounts=Amounts()))
    assert story.error is None


def test_payload__holds_nothing_of_what_is_not_said() -> None:
    story = given(opened(), received(quantity=1, number="1"))
    opening, moving = (json.loads(fact.payload) for fact in story.log)
    assert not {"postings", "observations", "corrects"} & set(opening)
    assert moving["postings"] == [{
        "account": "stock:main:SH-001", "quantity": 1, "from": "supplier", "to": "available",
        "cause": "receipt"}]
