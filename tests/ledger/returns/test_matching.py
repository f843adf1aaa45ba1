"""Parcels that the buyer refused, and that are simply there again one day."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.common.moments import Moment
from ledger.fulfilment.commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    LoseParcel,
    PackOrder,
    PickOrder,
    RefuseParcel,
    ReportTransit,
)
from ledger.orders.commands import ApproveOrder, SubmitOrder
from ledger.orders.errors import NotThatMany, ParcelOutOfTurn
from ledger.orders.order import Order
from ledger.orders.values import PickedFrom
from ledger.returns.commands import (
    ApproveRefund,
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    MatchCase,
    PayRefund,
    ReceiveGoods,
    ReceiveParcel,
)
from ledger.returns.errors import PartlyDelivered, RefusedInParts
from ledger.returns.values import CaseLine, Match, Outcome
from ledger.stock.pieces import Count
from tests.support.builders import (
    HOUSE,
    NOON,
    line,
    opened,
    pay,
    received,
    record,
    sell,
    stream,
)
from tests.support.cases import BACK, ask, case, new, on, orphan
from tests.support.kits import PRICE, sent, step, stocked
from tests.support.stories import Story, given, goods, levels


def on_its_way(*parcels: int, more: tuple[Any, ...] = ()) -> Story:
    """An order of as many books as these parcels hold, P0, P1 and so on, all with a courier."""
    quantity = sum(parcels)
    steps = [
        sell(1, line(quantity=quantity), amounts=PRICE), pay(1, 14970), step(ApproveOrder),
        step(SubmitOrder, warehouse=HOUSE), step(PickOrder, lines=[PickedFrom("1", quantity)]),
        step(CheckOrder, passed=True)]
    for index, pieces in enumerate(parcels):
        steps += [step(PackOrder, parcel=f"P{index}", lines=[Count("1", pieces)]),
                  step(DispatchParcel, parcel=f"P{index}", courier="顺丰")]
    return given(opened(), opened("east"), received("SH-001", 10), *steps, *more)


def there(quantity: int, house: str = HOUSE, sku: str = "SH-001") -> ReceiveParcel:
    """A parcel is back of which nobody knows the order."""
    return new(ReceiveParcel, warehouse=house,
               lines=[CaseLine(line="a", sku=sku, quantity=quantity)])


MATCH = on(MatchCase, order=stream(), lines=[Match("a", "1")])


def parcels(story: Story) -> dict[str, str]:
    """The states of the order's parcels."""
    return {name: one.state for name, one in story.known[stream()].parcels.items()}


def test_parcel__that_comes_back_unannounced_was_refused() -> None:
    story = on_its_way(2, more=(step(ReportTransit, parcel="P0", note="到站"), there(2)))
    facts = story.when(MATCH).then(
        "case.matched.v1", "order.parcel_refused.v1", "order.return_expected.v1",
        "order.return_received.v1")
    assert (facts[0].refused, facts[3].refused) == (True, True)
    assert levels(story) == {"available": 8, "returns_inspection": 2}
    assert (goods(story)["1"], parcels(story)) == ({"returned": 2}, {"P0": "returned"})
    for command in (LoseParcel(order=stream(), occurred_at=BACK, parcel="P0", reason="丢失"),
                    DeliverParcel(order=stream(), occurred_at=BACK, parcel="P0")):
        story.when(command).refused(ParcelOutOfTurn)
    story.decide(on(InspectGoods, lines=[Outcome("a", 2, "restocked")]))
    assert levels(story) == {"available": 10}
    for command in (on(AuthoriseCase), on(ApproveRefund, amount_minor=14970),
                    on(PayRefund, amount_minor=14970), on(CloseCase)):
        assert story.when(command).error is None


def test_parcel__unannounced_whose_piece_is_missing_did_not_leave_it_with_the_customer() -> None:
    story = on_its_way(2, more=(there(2), MATCH, on(InspectGoods, lines=[
        Outcome("a", 1, "missing"), Outcome("a", 1, "restocked")])))
    assert levels(story) == {"available": 9, "written_off": 1}


def test_parcel__announced_as_refused_needs_no_case_of_its_own() -> None:
    story = on_its_way(2, more=(step(RefuseParcel, parcel="P0", reason="拒收"), there(2)))
    story.when(MATCH).then(
        "case.matched.v1", "order.return_expected.v1", "order.return_received.v1",
        "order.exception_closed.v1")
    assert levels(story) == {"available": 8, "returns_inspection": 2}


@pytest.mark.parametrize("way", [
    pytest.param((there(2), MATCH), id="matched"),
    pytest.param((ask("R2", CaseLine(line="1", quantity=2), kind="refused", refund_minor=None),
                  on(AuthoriseCase, "R2"),
                  on(ReceiveGoods, "R2", warehouse=HOUSE, lines=[Count("1", 2)])), id="announced")])
def test_parcel__that_is_back_is_no_exception_any_more(way: tuple[Any, ...]) -> None:
    refused = step(RefuseParcel, parcel="P0", reason="拒收")
    story = on_its_way(2, more=(refused, *way[:-1]))
    assert story.known[stream()].exceptions == {"parcel_refused": "parcel_refused"}
    facts = story.when(way[-1]).facts
    assert type(facts[-1]) is Order.ExceptionClosed
    assert story.known[stream()].exceptions == {}


def test_parcel__that_another_case_awaits_is_not_taken_for_it() -> None:
    story = on_its_way(2, 1, more=(
        step(RefuseParcel, parcel="P0", reason="拒收"),
        ask("R2", CaseLine(line="1", quantity=2), kind="refused", refund_minor=None),
        on(AuthoriseCase, "R2"), there(1), MATCH))
    assert parcels(story) == {"P0": "returning_to_sender", "P1": "returning_to_sender"}
    story.decide(on(ReceiveGoods, "R2", warehouse=HOUSE, lines=[Count("1", 2)]))
    assert parcels(story) == {"P0": "returned", "P1": "returned"}
    assert levels(story) == {"available": 7, "returns_inspection": 3}


def test_parcel__that_holds_just_what_came_was_refused() -> None:
    story = on_its_way(3, 2, more=(there(2), MATCH))
    assert parcels(story) == {"P0": "dispatched", "P1": "returned"}
    assert goods(story)["1"] == {"in_transit": 3, "returned": 2}
    assert levels(story) == {"available": 5, "with_courier": 3, "returns_inspection": 2}


def test_parcel__of_which_only_some_came_keeps_the_rest_with_the_courier() -> None:
    story = on_its_way(3, more=(there(2), MATCH))
    assert parcels(story) == {"P0": "returning_to_sender"}
    assert levels(story) == {"available": 7, "with_courier": 1, "returns_inspection": 2}
    assert story.known[stream()].exceptions == {"parcel_refused": "parcel_refused"}
    story.decide(LoseParcel(order=stream(), occurred_at=BACK, parcel="P0", reason="丢失"))
    assert levels(story) == {"available": 7, "returns_inspection": 2, "written_off": 1}


def test_parcel__comes_back_to_another_warehouse() -> None:
    story = on_its_way(2, more=(there(2, "east"), MATCH))
    assert levels(story) == {"available": 8, "other_warehouse": 2}
    assert levels(story, house="east") == {"returns_inspection": 2, "other_warehouse": -2}


def test_parcel__of_an_order_that_a_file_declared_sent() -> None:
    sent_by_file = record(1, lines=[line(quantity=3)], warehouse=HOUSE, paid_minor=14970,
                          ended=None, ended_as="")
    story = given(opened(), received("SH-001", 10), sent_by_file, there(2))
    assert levels(story) == {
        "available": 7, "with_courier": 3, "customer": -2, "returns_inspection": 2}
    (_, received_) = story.when(MATCH).then("case.matched.v1", "order.return_received.v1")
    assert received_.unannounced
    assert levels(story) == {"available": 7, "with_courier": 1, "returns_inspection": 2}
    assert goods(story)["1"] == {"in_transit": 1, "returned": 2}
    delivered = record(1, lines=[line(quantity=3)], warehouse=HOUSE, paid_minor=14970,
                       delivered=Moment(NOON + timedelta(days=6)), ended=None, ended_as="")
    story.decide(delivered)
    assert levels(story) == {"available": 7, "customer": 1, "returns_inspection": 2}


def test_parcel__that_a_file_says_came_back_was_with_the_courier() -> None:
    story = on_its_way(2, more=(orphan("R1", CaseLine(line="a", sku="SH-001", quantity=2),
                                       warehouse=None), MATCH))
    assert levels(story) == {"available": 8, "customer": 2}
    assert parcels(story) == {"P0": "returned"}


def test_parcel__with_a_kit_comes_back_whole() -> None:
    story = stocked(*sent(2), there(2, sku="KIT"), MATCH)
    assert levels(story, "P2") == {"available": 16, "returns_inspection": 4}
    story.decide(on(InspectGoods, lines=[Outcome("a", 1, "damaged", sku="P2")]))
    assert levels(story, "P2") == {"available": 16, "returns_inspection": 3, "damaged": 1}


def test_parcel__rejected_where_only_a_part_of_it_was_delivered() -> None:
    story = on_its_way(2, 1, more=(step(DeliverParcel, parcel="P0"), there(3)))
    story.when(MATCH).refused(
        PartlyDelivered,
        f"{case()} cannot be matched with {stream()}: of line 1 3 pieces came, 2 were delivered, "
        "and 1 are still with the courier. What the buyer sent back and what the courier brings "
        "back are different cases: close this one and receive each for itself, or report the "
        "delivery first.")
    story.decide(step(DeliverParcel, parcel="P1"))
    story.when(MATCH).then(
        "case.matched.v1", "order.return_expected.v1", "order.return_received.v1")


def test_parcel__rejected_in_parts_where_nobody_opened_it() -> None:
    story = stocked(*sent(1), there(1, sku="P1"))
    story.when(MATCH).refused(
        RefusedInParts,
        f"{case()}: pieces of line 1 of {stream()} that were refused come back whole, unopened. "
        "Name whole pieces, and say what became of each part in the inspection.")
    story = stocked(*sent(1, step(RefuseParcel, parcel="P", reason="拒收")))
    story.when(ask("R2", CaseLine(line="1", sku="P1", quantity=1), kind="refused")).refused(
        RefusedInParts)


def test_parcel__rejected_that_is_only_packed() -> None:
    packed = sent(1)[:-1]
    stocked(*packed).when(ask("R2", CaseLine(line="1", quantity=1), kind="refused")).refused(
        NotThatMany)
    stocked(*packed, there(1, sku="KIT")).when(MATCH).refused(NotThatMany)
