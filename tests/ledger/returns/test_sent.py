"""A kit is one thing in selling and several in handling: parts of it come back, or break."""

from typing import Any

import pytest

from ledger.fulfilment.commands import CorrectStep, DeliverParcel
from ledger.orders.errors import NotThatMany
from ledger.orders.order import Order
from ledger.orders.returning import NotThatManyParts
from ledger.returns.commands import (
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    MatchCase,
    ReceiveParcel,
    WithdrawCase,
)
from ledger.returns.errors import LineNotOrdered, PartUnknown
from ledger.returns.values import CaseLine, Match, Outcome
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import AliasSku, BundleSku
from tests.support.builders import HOUSE, received, stream
from tests.support.cases import BACK, case, new, on
from tests.support.kits import (
    KIT,
    arrives,
    back,
    part,
    parts_back,
    sent,
    step,
    stocked,
    wants,
    with_buyer,
)
from tests.support.stories import goods, levels

# -- a part comes back ----------------------------------------------------------------------------


def test_kit__comes_back_in_part_and_the_rest_stays_with_the_buyer() -> None:
    story = with_buyer(wants("R1", part("P1")))
    _, expected = story.when(on(AuthoriseCase, "R1")).then(
        "case.authorised.v1", "order.return_expected.v1")
    assert (expected.lines, parts_back(story)) == ([], {"P1": (1, 0)})
    story.when(arrives("R1")).then("case.goods_received.v1", "order.return_received.v1")
    assert (levels(story, "P1")["returns_inspection"], parts_back(story)) == (1, {"P1": (0, 1)})
    assert goods(story)["1"] == {"delivered": 1}
    story.when(on(InspectGoods, "R1", lines=[Outcome("1", 1, "restocked")]))
    assert levels(story, "P1") == {"available": 10}
    assert levels(story, "P2") == {"available": 18, "customer": 2}
    story.when(on(CloseCase, "R1")).then("case.closed.v1")


def test_kit__is_back_once_its_last_part_is() -> None:
    story = with_buyer(*back("R1", part("P1"), part("P2", 1, name="2")), quantity=2)
    assert (goods(story)["1"], parts_back(story)) == ({"delivered": 2}, {
        "P1": (0, 1), "P2": (0, 1)})
    story.decide(wants("R2", part("P2")))
    story.decide(on(AuthoriseCase, "R2"))
    *_, received = story.decide(arrives("R2"))
    assert received.whole == [Count("1", 1)]
    assert (goods(story)["1"], parts_back(story)) == ({"delivered": 1, "returned": 1}, {})


@pytest.mark.parametrize("how", [CloseCase, WithdrawCase])
def test_kit__part_that_never_came_stays_with_the_buyer(how: type[Any]) -> None:
    story = with_buyer(wants("R1", part("P1")), on(AuthoriseCase, "R1"))
    story.when(on(how, "R1", **({} if how is CloseCase else {"reason": "不退了"})))
    assert story.error is None
    assert parts_back(story) == {}
    story.when(wants("R2", CaseLine(line="1", quantity=1))).then("case.requested.v1")


def test_kit__rejected_for_more_of_a_part_than_was_delivered() -> None:
    story = with_buyer(*back("R1", part("P2", 1)))
    story.when(wants("R2", part("P2", 2))).refused(
        NotThatManyParts,
        f"Line 1 of {stream()}: 2 pieces of its part P2 were named, but only 1 can still come back "
        "of what was delivered.")
    story.when(wants("R2", CaseLine(line="1", quantity=1))).refused(
        NotThatMany,
        f"Line 1 of {stream()}: 1 pieces were asked for, but only 0 are delivered, with all their "
        "parts. Ask for no more; the report fulfilment says where the others are.")
    story.when(wants("R2", part("P1"), part("P2", 1, name="2"))).then("case.requested.v1")
    story = with_buyer(wants("R1", part("P1")), wants("R2", part("P1")), on(AuthoriseCase, "R1"))
    story.when(on(AuthoriseCase, "R2")).refused(NotThatManyParts)
    story = with_buyer(wants("R1", CaseLine(line="1", quantity=1)), on(AuthoriseCase, "R1"))
    story.when(wants("R2", part("P1"))).refused(NotThatManyParts)


def test_kit__rejected_for_what_is_no_part_of_it() -> None:
    story = with_buyer()
    story.when(wants("R1", part("P9"))).refused(
        PartUnknown,
        f"Line 1 of {case()}: a piece of it is made of 1 × P1, 2 × P2, and P9 is not among them. "
        "Name one of these, or no SKU where whole pieces are meant.")
    for command in back("R1", CaseLine(line="1", quantity=1)):
        story.decide(command)
    story.when(on(InspectGoods, lines=[Outcome("1", 1, "damaged", sku="P9")])).refused(
        PartUnknown,
        f"Line 1 of {case()}: a piece of it is made of 1 × P1, 2 × P2, and P9 is not among them. "
        "Name one of these, or no SKU where whole pieces are meant.")


def test_kit__delivery_is_not_taken_back_once_a_part_of_it_came_back() -> None:
    story = with_buyer(*back("R1", part("P1")))
    delivered = next(position for position, fact in story.placed if isinstance(
        fact, Order.Delivered))
    story.when(step(CorrectStep, position=delivered, reason="误点"))
    assert story.error is not None
    assert story.error.rule == "R-COR-02"


# -- nobody knew of it ----------------------------------------------------------------------------


def unknown(*lines: CaseLine) -> Any:
    """A parcel of no known order."""
    return new(ReceiveParcel, warehouse=HOUSE, lines=list(lines))


def of(name: str, sku: str, quantity: int = 1) -> CaseLine:
    """So many pieces of a SKU, in a line."""
    return CaseLine(line=name, sku=sku, quantity=quantity)


def match(*names: str) -> Any:
    """They are of the kit."""
    return on(MatchCase, order=stream(), lines=[Match(name, "1") for name in names])


def test_kit__part_of_it_is_matched() -> None:
    story = with_buyer(unknown(of("a", "P1")))
    story.when(match("a")).then(
        "case.matched.v1", "order.return_expected.v1", "order.return_received.v1")
    assert (goods(story)["1"], parts_back(story)) == ({"delivered": 1}, {"P1": (0, 1)})
    assert levels(story, "P1") == {"available": 9, "returns_inspection": 1}


def test_kit__in_its_parts_is_matched_as_a_whole() -> None:
    story = with_buyer(unknown(of("a", "P1"), of("b", "P2", 3)), match("a", "b"), quantity=2)
    assert (goods(story)["1"], parts_back(story)) == ({"delivered": 1, "returned": 1}, {
        "P2": (0, 1)})


def test_kit__whose_part_was_missing_is_matched_without_it() -> None:
    story = with_buyer(unknown(of("a", "KIT")), on(InspectGoods, lines=[
        Outcome("a", 1, "missing", sku="P2"), Outcome("a", 1, "restocked", sku="P2"),
        Outcome("a", 1, "restocked", sku="P1")]))
    story.when(match("a"))
    assert story.error is None
    assert (goods(story)["1"], parts_back(story)) == ({"delivered": 1}, {
        "P1": (0, 1), "P2": (0, 1)})
    assert levels(story, "P2") == {"available": 19, "customer": 1}


# -- what was sent says what it is made of --------------------------------------------------------


def bundled(*parts: Part, sku: str = "KIT") -> BundleSku:
    """A SKU is made of these by now."""
    return BundleSku(sku=sku, parts=list(parts), occurred_at=BACK)


def test_kit__that_was_no_kit_when_it_was_sent_comes_back_as_one_thing() -> None:
    story = with_buyer(bundled(*KIT), *back("R1", CaseLine(line="1", quantity=1)), parts=())
    assert levels(story, "KIT") == {"returns_inspection": 1}
    story.when(wants("R2", part("P1"))).refused(LineNotOrdered)
    story.decide(on(InspectGoods, lines=[Outcome("1", 1, "restocked")]))
    assert levels(story, "KIT") == {"available": 1}
    assert levels(story, "P1") == {"available": 10}


def test_kit__that_is_none_any_more_comes_back_in_parts() -> None:
    story = with_buyer(bundled(), *back("R1", CaseLine(line="1", quantity=1)))
    story.decide(on(InspectGoods, lines=[Outcome("1", 1, "restocked")]))
    assert (levels(story, "P1"), levels(story, "P2")) == ({"available": 10}, {"available": 20})


def test_kit__in_an_unknown_parcel_becomes_what_it_was_sent_as() -> None:
    story = with_buyer(bundled(*KIT), unknown(of("a", "KIT")), parts=())
    assert levels(story, "P2")["returns_inspection"] == 2
    story.when(match("a"))
    assert story.error is None
    assert levels(story, "KIT") == {"returns_inspection": 1}
    assert (levels(story, "P1"), levels(story, "P2")) == ({"available": 10}, {"available": 20})
    story.decide(on(InspectGoods, lines=[Outcome("a", 1, "restocked")]))
    assert levels(story, "KIT") == {"available": 1}


def test_merge__of_names_brings_back_what_the_name_stands_for_now() -> None:
    old = sent(1, step(DeliverParcel, parcel="P"), sku="OLD")
    story = stocked(received("OLD", 1), *old, AliasSku(sku="OLD", target="NEW", occurred_at=BACK),
                    *back("R1", CaseLine(line="1", quantity=1)))
    assert levels(story, "NEW") == {"returns_inspection": 1, "customer": -1}
    story.decide(on(InspectGoods, lines=[Outcome("1", 1, "restocked")]))
    assert levels(story, "NEW")["available"] == 1
    story = stocked(received("OLD", 1), *old, AliasSku(sku="OLD", target="NEW", occurred_at=BACK),
                    wants("R1", CaseLine(line="1", sku="NEW", quantity=1)))
    assert story.known[case()].lines["1"].sku == "OLD"
