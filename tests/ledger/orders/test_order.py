
"""The rules of orders: what a command may do in which state."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ledger.common.errors import InvalidValues, LedgerError
from ledger.common.moments import Moment
from ledger.core.aggregate import StaleVersion
from ledger.orders.commands import AssignOrder
from ledger.orders.errors import (
    OrderAlreadyDispatched,
    OrderAlreadyPlaced,
    OrderEnded,
    OrderNotPaid,
    OrderStarted,
    TotalDisagrees,
)
from ledger.orders.order import Order
from ledger.orders.values import Amounts, Line
from tests.support.builders import NOON, end, pay, place, record, remark, stream
from tests.support.payments import LATER, change, correct, refund
from tests.support.stories import Story, given
from tests.support.thorough import tried

# -- placed ----------------------------------------------------------------------------------------


def test_place__accepted() -> None:
    (placed,) = given().when(place()).then("order.placed.v1")
    assert placed.about() == ["sku:SH-001"]


def test_place__conflict_when_placed() -> None:
    given(place()).when(place()).refused(OrderAlreadyPlaced)


def test_place__rejected_when_the_total_disagrees() -> None:
    amounts = Amounts(goods_minor=4990, postage_minor=600, discount_minor=0, total_minor=4990)
    given().when(place(amounts=amounts)).refused(TotalDisagrees)


@pytest.mark.parametrize("fields, places", [
    ({"number": " "}, ["/number"]),
    ({"shop": "a\0b"}, ["/shop"]),
    ({"recipient": "\ud83d"}, ["/recipient"]),
    ({"currency": "yuan"}, ["/currency"]),
    ({"occurred_at": NOON.replace(tzinfo=None)}, ["/occurred_at"]),
    ({"amounts": Amounts(total_minor=12.0)}, ["/amounts/total_minor"]),  # type: ignore[arg-type]
    ({"amounts": Amounts(total_minor=-1)}, ["/amounts/total_minor"]),
    ({"amounts": Amounts(total_minor=2**53)}, ["/amounts/total_minor"]),
    ({"lines": [Line(line="1", quantity=-1, unit_price=1, amount_minor=1)]}, ["/lines/0/quantity"]),
    ({"lines": [Line(line="1", quantity=True, unit_price=1, amount_minor=1)]},
     ["/lines/0/quantity"]),
    ({"lines": [Line(line="1", quantity=1, unit_price=1, amount_minor=1)] * 2}, ["/lines/1/line"]),
    ({"number": "", "currency": "", "pieces": -1}, ["/number", "/currency", "/pieces"]),
])
def test_place__rejected_when_values_are_malformed(fields: dict[str, Any],
                                                   places: list[str]) -> None:
    with pytest.raises(InvalidValues) as caught:
        place(**{"number": "1", **fields})
    assert sorted(fault.where for fault in caught.value.faults) == sorted(places)


# -- remark, owner, end ----------------------------------------------------------------------------


def test_remark__accepted() -> None:
    (fact,) = given(place(account="reader")).when(remark()).then("order.remarked.v1")
    assert fact.remark.p == "person:buyer:taobao:reader"


def test_assign__ignored_when_the_owner_has_it() -> None:
    give = AssignOrder(order=stream(), occurred_at=NOON, owner="member:7")
    (fact,) = given(place()).when(give).then("order.owner_assigned.v1")
    assert fact.about() == ["member:7"]
    given(place(), give).when(give).then()


@pytest.mark.parametrize("history, ended_as, error", [
    ((), "completed", OrderNotPaid),
    ((pay(),), "closed", OrderStarted),
    ((pay(), end()), "cancelled", OrderEnded),
    ((end(ended_as="cancelled"),), "closed", OrderEnded),
])
def test_end__rejected(history: tuple[Any, ...], ended_as: str,
                       error: type[LedgerError]) -> None:
    given(place(), *history).when(end(ended_as=ended_as)).refused(error)


def test_close__rejected_while_money_is_left() -> None:
    given(place(), pay(), refund(990)).when(end(ended_as="closed")).refused(
        OrderStarted,
        f"{stream()} cannot be closed: 4000 of the 4990 paid is not refunded (CNY, minor units). "
        "Refund it first; before dispatch, the order can be cancelled instead.")


def test_cancel__rejected_when_dispatched() -> None:
    sent = record(ended=None, ended_as="")
    given(sent).when(end(ended_as="cancelled")).refused(
        OrderAlreadyDispatched,
        f"{stream()} cannot be cancelled: it was dispatched at 2026-10-02T04:00:00Z. Open a case "
        "for what is to come back.")


@pytest.mark.parametrize("ended_as", ["completed", "closed", "cancelled"])
def test_end__ignored_when_repeated(ended_as: str) -> None:
    """A command that comes again and again changes nothing."""
    paid = (pay(),) if ended_as == "completed" else ()
    story = given(place(), *paid, end(ended_as=ended_as))
    for _ in range(1000):
        story.when(end(ended_as=ended_as)).then()


def test_command__conflict_when_the_version_is_stale() -> None:
    given(place(), pay()).when(remark(expected_version=1)).refused(StaleVersion)
    given(place(), pay()).when(remark(expected_version=2)).then("order.remarked.v1")


# -- any order of commands -------------------------------------------------------------------------


@settings(max_examples=tried(60), stateful_step_count=30)
class Orders(RuleBasedStateMachine):
    """Whatever is tried in whatever order: sums agree, ends are final, replay gives the same."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.facts: list[Any] = []

    def attempt(self, command: Any) -> None:
        self.story.facts, self.story.error = [], None
        self.story.when(command)
        self.facts.extend(self.story.facts)

    @rule(total=st.integers(0, 5000))
    def place(self, total: int) -> None:
        self.attempt(place(amounts=Amounts(total_minor=total)))

    @rule(amount=st.integers(0, 5000))
    def pay(self, amount: int) -> None:
        self.attempt(pay(amount_minor=amount))

    @rule(amount=st.integers(1, 5000))
    def refund(self, amount: int) -> None:
        self.attempt(refund(amount))

    @rule(fact=st.sampled_from(["paid", "refunded"]), amount=st.integers(0, 5000))
    def correct(self, fact: str, amount: int) -> None:
        self.attempt(correct(fact, amount))

    @rule(total=st.integers(0, 5000))
    def change_price(self, total: int) -> None:
        self.attempt(change(total))

    @rule(ended_as=st.sampled_from(["completed", "closed", "cancelled"]))
    def end(self, ended_as: str) -> None:
        self.attempt(end(ended_as=ended_as))

    @rule(paid=st.none() | st.integers(0, 5000), refunded=st.none() | st.integers(0, 5000))
    def declare(self, paid: int | None, refunded: int | None) -> None:
        declared = {"paid": None if paid is None else Moment(NOON), "paid_minor": paid}
        back = {} if not refunded else {"refunded": Moment(LATER), "refunded_minor": refunded}
        self.attempt(record(**declared, **back, dispatched=None, ended=None, ended_as=""))

    @invariant()
    def is_what_its_events_say(self) -> None:
        order = self.story.known.get(stream())
        if order is None:
            return
        assert isinstance(order, Order)
        replayed = None
        for fact in self.facts:
            replayed = fact.mutate(replayed)
        assert replayed == order or not self.facts
        assert order.version == len(self.facts)
        assert order.paid_minor >= 0
        assert order.refunded_minor >= 0
        ends = [fact for fact in self.facts if fact.TOPIC.split(".")[1] in
                ("completed", "closed", "cancelled")]
        assert len(ends) <= 1


TestOrders = Orders.TestCase
