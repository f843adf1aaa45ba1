"""Kits, their parts and their cases in any order: whatever happens, pieces are conserved, and
nothing is left that no command leads out of."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.fulfilment.commands import DeliverParcel
from ledger.orders.order import Order
from ledger.returns.case import AWAITED, CAME, ENDED, RECEIVED, Case
from ledger.returns.commands import (
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    MatchCase,
    ReceiveGoods,
    ReceiveParcel,
    RejectCase,
    WithdrawCase,
)
from ledger.returns.values import DISPOSITIONS, CaseLine, Match, Outcome
from ledger.stock.pieces import Count, Part
from ledger.stock.places import stock_of
from ledger.stock.skus import BundleSku
from tests.support.builders import HOUSE, stream
from tests.support.cases import BACK, ask, case, new, on
from tests.support.kits import sent, step, stocked
from tests.support.stories import Story, goods, levels
from tests.support.thorough import tried

SKUS, CASES = ("P1", "P2"), ("R1", "R2", "R3")
HELD = ("KIT", *SKUS)
KITS = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 3)).map(
    lambda parts: tuple(Part(sku, each) for sku, each in sorted(parts.items())))
"""What a KIT is made of; at times it is no bundle."""

PIECES = st.sampled_from((1, 1, 2, 3))
LINE = st.tuples(st.sampled_from(("KIT", *HELD)), PIECES)
SOME = st.lists(LINE, min_size=1, max_size=2)
STEP = st.one_of(
    st.tuples(st.sampled_from(("ask", "send back", "come", "find")), st.sampled_from(CASES), SOME),
    st.tuples(st.sampled_from(("send back", "find")), st.sampled_from(CASES), SOME),
    st.tuples(st.sampled_from(("agree", "reject", "withdraw", "close", "match")),
              st.sampled_from(CASES), st.just([])),
    st.tuples(st.just("receive"), st.sampled_from(CASES), st.lists(LINE, min_size=1, max_size=1)),
    st.tuples(st.sampled_from(DISPOSITIONS), st.sampled_from(CASES), SOME),
    st.tuples(st.sampled_from(DISPOSITIONS), st.sampled_from(CASES), SOME),
    st.tuples(st.just("redefine"), st.just(""), KITS))
"""What is done, with which case, and the goods that it names."""


def command_of(what: str, number: str, more: Any) -> list[Any]:
    """The commands of a step."""
    if what == "redefine":
        return [BundleSku(sku="KIT", parts=list(more), occurred_at=BACK)]
    if what == "send back":
        return [command for one in ("ask", "agree", "receive")
                for command in command_of(one, number, more)]
    if what == "find":
        return [command for one in ("come", "match") for command in command_of(one, number, more)]
    if what in ("ask", "come"):
        lines = [CaseLine(line=str(index), sku=sku, quantity=pieces,
                          order_line="1" if what == "ask" else None)
                 for index, (sku, pieces) in enumerate(more)]
        return [ask(number, *lines, refund_minor=None) if what == "ask" else new(
            ReceiveParcel, number, warehouse=HOUSE, lines=lines)]
    if what == "receive":
        return [on(ReceiveGoods, number, warehouse=HOUSE, lines=[Count(name, more[0][1])])
                for name in "01"]
    if what == "match":
        return [on(MatchCase, number, order=stream(), lines=[Match(name, "1") for name in names])
                for names in ("01", "0")]
    if what in DISPOSITIONS:
        return [on(InspectGoods, number, lines=[Outcome(name, pieces, what, sku=sku)])
                for sku, pieces in more for name in "01"]
    return [{"agree": on(AuthoriseCase, number), "close": on(CloseCase, number),
             "reject": on(RejectCase, number, reason="不行"),
             "withdraw": on(WithdrawCase, number, reason="不退了")}[what]]


def cases_of(story: Story) -> list[Case]:
    """The cases of a story."""
    return [one for one in story.known.values() if isinstance(one, Case)]


def pieces_of(story: Story, *states: str) -> Counter[str]:
    """The pieces of all cases in some states, by SKU."""
    found = Counter[str]()
    for one in cases_of(story):
        for count in one.goods.in_states(*states):
            for part in one.made_of(count.line):
                found[part.sku] += count.quantity * part.each
    return found


def must_add_up(story: Story, sold: Counter[str], quantity: int) -> None:
    """Pieces are in one place each, and cases, order and stock say the same of them."""
    waiting, back = pieces_of(story, RECEIVED), pieces_of(story, *CAME)
    for sku in HELD:
        known = levels(story, sku) if stock_of(HOUSE, sku) in story.known else {}
        assert known.get("returns_inspection", 0) == waiting[sku]
        assert known.get("customer", 0) == sold[sku] - back[sku]
    order = story.known[stream()]
    assert isinstance(order, Order)
    states = order.goods["1"]
    assert sum(states.values()) == quantity
    for part in order.parts_back.get("1", {}).values():
        assert 0 < part.pieces <= states.get("delivered", 0) * part.each
    for one in cases_of(story):
        quantities = {**one.lines, **one.apart}
        assert {name: sum(known.values()) for name, known in one.goods.items()} == {
            name: line.quantity for name, line in quantities.items()}


def bring_to_their_ends(story: Story) -> None:
    """Everything that awaits something gets it."""
    for known in cases_of(story):
        number = known.id.rpartition(":")[2]
        for count in known.pieces(RECEIVED):
            story.decide(on(InspectGoods, number, lines=[
                Outcome(count.line, count.quantity, "restocked")]))
        state = story.known[known.id].state
        if state not in ENDED:
            story.decide(on(RejectCase, number, reason="不行") if state == "requested"
                         else on(CloseCase, number))


@settings(max_examples=tried(300), deadline=None)
@given(kit=KITS, quantity=st.integers(1, 3),
       steps=st.lists(STEP, min_size=4, max_size=16))
def test_kit__pieces_come_back_as_they_were_sent_and_none_is_lost(
    kit: tuple[Part, ...], quantity: int, steps: list[tuple[str, str, Any]]
) -> None:
    story = stocked(*sent(quantity, step(DeliverParcel, parcel="P")), parts=kit,
                    quantity=quantity)
    made_of = kit or (Part("KIT", 1),)
    sold = Counter({part.sku: part.each * quantity for part in made_of})
    for what, number, more in steps:
        for command in command_of(what, number, more):
            story.when(command)
            must_add_up(story, sold, quantity)
    bring_to_their_ends(story)
    must_add_up(story, sold, quantity)
    for one in cases_of(story):
        assert one.state in ENDED
        assert not one.goods.has(AWAITED, RECEIVED)
    order = story.known[stream()]
    assert isinstance(order, Order)
    assert not order.awaited
    assert not order.goods.has("returning")
    # What the buyer has left can come back, part by part, and is what was sent.
    known = order.parts_back.get("1", {})
    left = {part.sku: pieces for part in made_of if (
        pieces := goods(story)["1"].get("delivered", 0) * part.each
        - (known[part.sku].pieces if part.sku in known else 0))}
    if left:
        lines = [CaseLine(line=str(index), order_line="1", sku=sku, quantity=pieces)
                 for index, (sku, pieces) in enumerate(left.items())]
        story.decide(ask("LAST", *lines, refund_minor=None))
        story.decide(on(AuthoriseCase, "LAST"))
        story.decide(on(ReceiveGoods, "LAST", warehouse=HOUSE, lines=[
            Count(one.line, one.quantity) for one in lines]))
        bring_to_their_ends(story)
        last = story.known[case("LAST")]
        assert {last.sku(name): count for name, count in (
            (one.line, one.quantity) for one in last.pieces("restocked"))} == left
    assert goods(story)["1"] == {"returned": quantity}
    assert not order.parts_back or story.known[stream()].parts_back == {}
