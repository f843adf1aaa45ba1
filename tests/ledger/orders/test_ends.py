"""Orders of which files tell that they ended, were sent or arrived, in any order of telling: every
piece is where it is, and none is left where nobody moves it."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.common.moments import Moment
from ledger.fulfilment.commands import DeliverParcel, PackOrder
from ledger.orders.commands import CancelPieces
from ledger.orders.values import ENDED
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku
from tests.support.builders import HOUSE, NOON, line, opened, place, received, record, sell, stream
from tests.support.shipping import CHECK, PICK, on, ready
from tests.support.stories import Story, given, goods, levels

UNTOLD: dict[str, Any] = {"dispatched": None, "courier": None, "waybill": None, "ended": None,
                          "ended_as": ""}
SENT, ARRIVED, OVER = (Moment(NOON + timedelta(days=day)) for day in (1, 2, 9))
FIVE = [line(quantity=5)]


def told(**fields: Any) -> Any:
    """What a file says of an order of 5 books."""
    return record(**{**UNTOLD, "lines": FIVE, **fields})


def sold(*more: Any) -> Story:
    """An order of 5 of 10 books, reserved."""
    return given(opened(), received(), sell("1", *FIVE), *more)


def exceptions(story: Story) -> set[str]:
    """The kinds of the open exceptions of the order."""
    return set(story.known[stream()].exceptions.values())


@pytest.mark.parametrize("ended_as", ENDED)
def test_ends__and_was_sent_all_the_same_but_for_what_was_cancelled_before(ended_as: str) -> None:
    story = sold(on(CancelPieces, lines=[Count("1", 2)], reason="少要"),
                 told(ended=OVER, ended_as=ended_as))
    assert (goods(story)["1"], levels(story)) == ({"cancelled": 5}, {"available": 10})
    assert exceptions(story) == ({"completed_unsent"} if ended_as == "completed" else set())
    story.decide(told(dispatched=SENT, ended=OVER, ended_as=ended_as))
    assert goods(story)["1"] == {"cancelled": 2, "in_transit": 3}
    assert levels(story) == {"available": 7, "with_courier": 3}
    assert not exceptions(story)


def test_ends__completed_after_it_was_closed_opens_an_exception_for_what_was_not_sent() -> None:
    story = sold(told(ended=OVER, ended_as="closed"), told(ended=OVER, ended_as="completed"))
    assert exceptions(story) == {"completed_unsent"}
    story.decide(told(ended=OVER, ended_as="cancelled"))
    assert not exceptions(story)


@pytest.mark.parametrize(("ended_as", "state"), [
    ("completed", "delivered"), ("closed", "cancelled"), ("cancelled", "cancelled")])
def test_ends__before_its_lines_are_known_leaves_nothing_to_be_sent(
    ended_as: str, state: str
) -> None:
    story = given(opened(), received(), told(lines=None, ended=OVER, ended_as=ended_as),
                  told(ended=OVER, ended_as=ended_as))
    assert goods(story)["1"] == {state: 5}


@pytest.mark.parametrize("before", [
    [place(lines=[line("KIT", quantity=3)]),
     on(CancelPieces, lines=[Count("1", 1)], reason="少要")],
    [told(lines=[line("KIT", quantity=2)], ended=OVER, ended_as="closed")],
], ids=["a piece cancelled", "closed"])
def test_kit__is_sent_as_its_parts_whatever_was_cancelled_of_it(before: list[Any]) -> None:
    """Nobody reserved it, so nothing says what it is made of but its master data."""
    story = given(opened(), received("P1"), received("P2"),
                  BundleSku(sku="KIT", parts=[Part("P1", 1), Part("P2", 2)], occurred_at=NOON),
                  *before)
    ended = story.known[stream()].ended
    quantity = sum(goods(story)["1"].values())
    story.decide(told(lines=[line("KIT", quantity=quantity)], dispatched=SENT, warehouse=HOUSE,
                      ended=OVER if ended else None, ended_as=ended))
    assert levels(story, "P1") == {"available": 8, "with_courier": 2}
    assert levels(story, "P2") == {"available": 6, "with_courier": 4}


def test_parcel__that_arrives_does_not_keep_what_is_in_none_from_arriving() -> None:
    """The platform sent all, of which the warehouse had packed some."""
    lines = [line(quantity=2), line("PEN", name="2")]
    story = ready(PICK, CHECK, on(PackOrder, parcel="P1", lines=[Count("1", 2)]),
                  told(lines=lines, dispatched=SENT), on(DeliverParcel, parcel="P1"))
    assert goods(story) == {"1": {"delivered": 2}, "2": {"in_transit": 1}}
    facts = story.when(told(lines=lines, dispatched=SENT, delivered=ARRIVED)).facts
    assert [fact.TOPIC for fact in facts][:1] == ["order.delivered.v1"]
    assert levels(story, "PEN") == {"available": 4, "customer": 1}
    story.when(told(lines=lines, dispatched=SENT, delivered=ARRIVED)).then()


def test_parcel__told_to_have_arrived_before_it_was_told_to_be_sent() -> None:
    story = sold(told(delivered=ARRIVED), told(dispatched=SENT, delivered=ARRIVED))
    assert goods(story)["1"] == {"delivered": 5}
    assert levels(story) == {"available": 5, "customer": 5}
