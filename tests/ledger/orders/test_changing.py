"""What is changed of an order while it goes on: its lines, and pieces that are given up.

Seen in public reports: a line could not be swapped once it was reserved, and the tenth of ten
pieces not be cancelled.
"""

from typing import Any

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from ledger.fulfilment.commands import PackOrder, PickOrder, ReserveOrder
from ledger.orders.changing import LOOSE, changed
from ledger.orders.commands import ApproveOrder, CancelPieces, ChangeLines
from ledger.orders.errors import (
    GoodsMoved,
    LinesOfSent,
    NothingLeft,
    NotThatMany,
    OrderEnded,
)
from ledger.orders.goods import Goods
from ledger.orders.values import STATES, Line, PickedFrom
from ledger.stock.pieces import Count
from tests.support.builders import HOUSE, end, line, opened, place, received, record, sell, stream
from tests.support.shipping import CHECK, PACK, PICK, SEND, on, ready
from tests.support.stories import Story, given, goods, levels
from tests.support.thorough import tried


def change(*lines: Line, number: object = 1) -> ChangeLines:
    """Other lines, as the buyer wants."""
    return on(ChangeLines, number, lines=list(lines), consent="旺旺确认")


def cancel(quantity: int, name: str = "1") -> CancelPieces:
    """The buyer does not want so many pieces of a line."""
    return on(CancelPieces, lines=[Count(name, quantity)], reason="买家少要")


def waiting(story: Story, number: object, sku: str = "SH-001", quantity: int = 1) -> Story:
    """Another order waits for a SKU."""
    for command in (place(number, lines=[line(sku, quantity=quantity)]),
                    on(ReserveOrder, number, warehouse=HOUSE)):
        story.decide(command)
    return story


# -- lines ----------------------------------------------------------------------------------------

def test_lines__of_what_was_sent_are_declared_and_not_changed() -> None:
    """Changed, they would leave with the courier what no shelf had lost."""
    sent = {"warehouse": HOUSE, "ended": None, "ended_as": ""}
    story = given(opened(), received(), record(lines=None, **sent))
    story.when(change(line(quantity=2))).refused(LinesOfSent)
    story.decide(record(lines=[line(quantity=2)], **sent))
    assert goods(story)["1"] == {"in_transit": 2}
    assert levels(story) == {"available": 8, "with_courier": 2}
    assert given(opened(), received(), record(lines=None, **{**sent, "warehouse": None})).when(
        change(line(quantity=2))).error is None



def test_change_lines__keeps_what_is_reserved_and_reserves_what_is_wanted_besides() -> None:
    story = given(opened(), received("SH-001", 3), sell(1, line(quantity=2)))
    story.when(change(line(quantity=3))).then("order.lines_changed.v1", "order.reserved.v1")
    assert (goods(story), levels(story)) == ({"1": {"reserved": 3}}, {"reserved": 3})
    story.when(change(line(quantity=5))).then(
        "order.lines_changed.v1", "order.reserved.v1", "order.exception_opened.v1")
    assert goods(story) == {"1": {"reserved": 3, "short": 2}}
    story.when(change(line(quantity=1))).then(
        "order.lines_changed.v1", "order.exception_closed.v1")
    assert (goods(story), levels(story)) == (
        {"1": {"reserved": 1}}, {"available": 2, "reserved": 1})


def test_change_lines__gives_others_what_it_lets_go_of_and_never_what_it_keeps() -> None:
    story = waiting(given(opened(), received("SH-001", 2), received("PEN", 1),
                          sell(1, line(quantity=2))), 2, quantity=2)
    story.when(change(line(quantity=2, name="7"))).then("order.lines_changed.v1")
    assert goods(story) == {"7": {"reserved": 2}}
    assert goods(story, 2) == {"1": {"short": 2}}
    story.when(change(line("PEN", name="7"), line(name="8"))).then(
        "order.lines_changed.v1", "order.reserved.v1", "order.reserved.v1")
    assert goods(story) == {"7": {"reserved": 1}, "8": {"reserved": 1}}
    assert goods(story, 2) == {"1": {"short": 1, "reserved": 1}}


def test_change_lines__leaves_unreserved_what_was_not_reserved_before() -> None:
    story = given(opened(), received("SH-001", 9), place())
    (fact,) = story.when(change(line(quantity=4), line("PEN", name="2"))).then(
        "order.lines_changed.v1")
    assert fact.about() == ["sku:SH-001", "sku:PEN"]
    assert goods(story) == {"1": {"unreserved": 4}, "2": {"unreserved": 1}}


def test_change_lines__rejected_where_it_leaves_less_than_was_sent() -> None:
    story = ready(PICK, CHECK, PACK, SEND)
    for lines in ([line()], [line("PEN", name="2")], [line(quantity=2, name="3")]):
        story.when(change(*lines)).refused(GoodsMoved)
    story.when(change(line(quantity=3), line("PEN", name="2"))).then(
        "order.lines_changed.v1")
    assert goods(story) == {"1": {"in_transit": 2, "unreserved": 1}, "2": {"in_transit": 1}}


def test_change__asks_for_another_approval() -> None:
    story = ready()
    story.when(on(ApproveOrder)).then()
    story.when(change(line(quantity=2)))
    story.when(on(ApproveOrder)).then("order.approved.v1")
    story.when(on(ApproveOrder)).then()


LINES = st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 4)), min_size=1, max_size=4)
SOME_STATES = st.dictionaries(st.sampled_from(STATES), st.integers(1, 3), min_size=1)


def named(found: list[tuple[str, int]], names: list[str]) -> list[Line]:
    """Lines of SKUs and quantities."""
    return [line(sku, quantity=quantity, name=name)
            for name, (sku, quantity) in zip(names, found, strict=False)]


@for_all(states=st.lists(SOME_STATES, min_size=1, max_size=4), skus=st.lists(
    st.sampled_from("AB"), min_size=4, max_size=4), new=LINES, names=st.permutations("12345"))
@settings(max_examples=tried(300))
def test_changed__takes_nothing_that_moved_and_loses_nothing_reserved(
    states: list[dict[str, int]], skus: list[str], new: Any, names: list[str]
) -> None:
    """Whatever lines take the place of others: pieces that are reserved or waited for are either
    kept, by a line of their SKU, or let go of."""
    before = Goods({str(number): one for number, one in enumerate(states, 1)})
    old = [line(sku, quantity=sum(before[name].values()), name=name)
           for name, sku in zip(before, skus, strict=False)]
    lines = named(new, list(names))
    found = changed(before, old, lines)
    known = {one.line: one.sku for one in old}
    for one in lines:
        after = found.goods[one.line]
        moved = sum(pieces for state, pieces in after.items() if state not in LOOSE)
        assert sum(after.values()) == max(one.quantity, moved)
        if (source := found.source.get(one.line)) is not None:
            assert known[source] == one.sku
    assert len(set(found.source.values())) == len(found.source)
    for sku in "AB":
        for state in ("reserved", "short"):
            had = sum(before[name].get(state, 0) for name in known if known[name] == sku)
            has = sum(found.goods[one.line].get(state, 0) for one in lines if one.sku == sku)
            gone = sum(one.pieces for one in found.released
                       if known[one.line] == sku and one.state == state)
            assert had == has + gone


# -- pieces ---------------------------------------------------------------------------------------


def test_cancel_pieces__leaves_the_rest_to_be_sent_and_completed() -> None:
    """Ten ordered, nine sent, the tenth cancelled: the order is complete."""
    story = given(opened(), received("SH-001", 10), sell(1, line(quantity=10)))
    story.when(cancel(1)).then("order.pieces_cancelled.v1")
    assert goods(story) == {"1": {"reserved": 9, "cancelled": 1}}
    assert levels(story) == {"available": 1, "reserved": 9}
    story.when(cancel(10)).refused(NotThatMany)


def test_cancel_pieces__of_those_that_are_waited_for_closes_the_exception() -> None:
    story = waiting(given(opened(), received("SH-001", 2)), 1, quantity=3)
    story.when(cancel(1)).then("order.pieces_cancelled.v1", "order.exception_closed.v1")
    assert goods(story) == {"1": {"reserved": 2, "cancelled": 1}}
    assert story.known[f"stock:{HOUSE}:SH-001"].waiting == {}


def test_cancel_pieces__serves_who_waits() -> None:
    story = waiting(given(opened(), received("SH-001", 2), sell(1, line(quantity=2))), 2)
    story.when(cancel(1)).then(
        "order.pieces_cancelled.v1", "order.reserved.v1", "order.exception_closed.v1")
    assert goods(story, 2) == {"1": {"reserved": 1}}


def test_cancel_pieces__rejected_of_all_and_of_what_somebody_has_in_hand() -> None:
    story = given(opened(), received("SH-001", 2), sell(1, line(quantity=2)))
    story.when(cancel(2)).refused(
        NothingLeft, f"Nothing of {stream()} would be left. Cancel or close the order itself.")
    ready(PICK).when(cancel(1)).refused(NotThatMany)
    ready(PICK, CHECK, on(PackOrder, parcel="P", lines=[Count("1", 1)])).when(
        cancel(1)).refused(NotThatMany)
    given(place(), end(1, "cancelled")).when(cancel(1)).refused(OrderEnded)
    story = ready(on(PickOrder, lines=[PickedFrom("1", 1, "A1")]))
    story.when(cancel(1)).then("order.pieces_cancelled.v1")
