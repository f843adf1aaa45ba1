"""Finance review: what costs more than the policy's bound is not packed or sent before finance has
seen as much, whatever changes of it."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given as on_any
from hypothesis import settings
from hypothesis import strategies as st

from ledger.common.errors import LedgerError
from ledger.core.commands import Command
from ledger.fulfilment.commands import CheckOrder, DispatchParcel, PackOrder, PickOrder
from ledger.orders.commands import (
    ApproveOrder,
    ChangeLines,
    ChangePrice,
    CloseException,
    ReviewFinance,
    SubmitOrder,
)
from ledger.orders.finance import FINANCE, FinanceReviewOpen, NothingToReview
from ledger.orders.order import Order
from ledger.orders.values import Amounts, PickedFrom
from ledger.people.signatures import SameSigner
from ledger.policies.values import Signing
from ledger.stock.pieces import Count
from tests.support.builders import HOUSE, end, line, opened, place, received, record, sell, stream
from tests.support.shipping import on
from tests.support.stories import Story, given, open_exceptions
from tests.support.team import CHEN, WANG, bound, team
from tests.support.thorough import tried

BOUND = 5_000
REVIEW = on(ReviewFinance, outcome="approved", note="合同已核")
REFUSE = on(ReviewFinance, outcome="refused", note="价格不对")
CLOSE = on(CloseException, exception=FINANCE, note="没问题")
PICK = on(PickOrder, lines=[PickedFrom("1", 1)])
CHECK = on(CheckOrder, passed=True)
PACK = on(PackOrder, parcel="P1", lines=[Count("1", 1)])
SEND = on(DispatchParcel, parcel="P1", courier="顺丰", waybill="SF1")


def costs(minor: int) -> dict[str, Any]:
    """A line of one piece at a price, and the total."""
    return {"lines": [line(unit_price=minor)], "amounts": Amounts(total_minor=minor)}


def repriced(minor: int) -> ChangeLines:
    """The piece costs something else, as agreed with the buyer."""
    change: ChangeLines = on(ChangeLines, **costs(minor), consent="旺旺上说好")
    return change


def sold(minor: int, *policies: Command) -> Story:
    """An order at a price, to be paid at the door, that Wang approved."""
    story = given(*team(), *(policies or [bound(BOUND)]), opened(), received(),
                  sell(1, line(unit_price=minor), amounts=Amounts(total_minor=minor)))
    story.by(WANG).decide(on(ApproveOrder))
    story.decide(on(SubmitOrder, warehouse=HOUSE))
    return story


def order_of(story: Story) -> Order:
    """The order."""
    found: Order = story.load(Order, stream())
    return found


def waits(story: Story) -> bool:
    """Whether the order has the exception."""
    return FINANCE in open_exceptions(story)


def test_policy_readers__money_of_orders_above_finance_review_waits_for_it() -> None:
    """R-ORD-70."""
    assert not waits(sold(BOUND))
    story = sold(BOUND + 1)
    assert waits(story)
    for command in (PICK, CHECK):
        story.decide(command)
    story.when(PACK).refused(
        FinanceReviewOpen, f"{stream()} costs 5001 CNY (minor units): above 5000, finance looks at "
        "it before it is packed and sent, and has approved up to 0. Let finance review it "
        "(order.review_finance).")
    story.when(CLOSE).refused(FinanceReviewOpen)
    story.by(CHEN).when(REVIEW).then("order.finance_reviewed.v1", "order.exception_closed.v1")
    story.when(REVIEW).then()
    for command in (PACK, SEND):
        story.decide(command)
    assert order_of(story).dispatched_at is not None


def test_signing__finance_review_rejected_of_who_approved_the_order() -> None:
    story = sold(BOUND + 1)
    story.by(WANG).when(REVIEW).refused(SameSigner)
    by_anybody = Signing(act="order.review_finance", apart_from=[])
    alone = sold(BOUND + 1, bound(BOUND, signing=[by_anybody]))
    alone.by(WANG).when(REVIEW).then("order.finance_reviewed.v1", "order.exception_closed.v1")


def test_money__raised_above_what_finance_saw_waits_again_and_lowered_does_not() -> None:
    """R-ORD-72."""
    story = sold(BOUND + 1)
    story.by(CHEN).decide(REVIEW)
    for price, expected in ((BOUND + 2, True), (BOUND + 1, False), (9_000, True), (10, False)):
        story.decide(repriced(price))
        assert waits(story) == expected, price
    story.when(REVIEW).refused(NothingToReview)
    story.decide(on(ChangePrice, amounts=Amounts(goods_minor=10, postage_minor=9_000,
                                                 total_minor=9_010)))
    assert waits(story)
    story.decide(REVIEW)
    story.decide(REFUSE)
    assert waits(story)
    story.decide(end(ended_as="cancelled"))
    assert not waits(story)
    story.when(REVIEW).refused(NothingToReview)


@pytest.mark.parametrize(("placed", "expected"), [
    (place(**costs(BOUND + 1)), True), (place(**costs(BOUND)), False),
    (place(**costs(BOUND + 1), currency="HKD"), False),
    (place(lines=[line(unit_price=BOUND + 1)], amounts=Amounts()), True)])
def test_money__of_a_new_order_is_held_against_finance_review(
    placed: Command, expected: bool
) -> None:
    assert waits(given(bound(BOUND), placed)) is expected


def test_policy_readers__finance_review_is_that_of_the_day_of_the_order() -> None:
    later = bound(1, since="2027-01-01")
    assert not waits(given(bound(BOUND), later, place(**costs(BOUND))))
    assert waits(given(bound(1), bound(BOUND, since="2027-01-01"), place(**costs(BOUND))))


def test_money__that_a_file_declares_is_recorded_and_waits_for_finance() -> None:
    story = given(*team(), bound(BOUND), record(**costs(BOUND + 1), paid_minor=BOUND + 1))
    assert (waits(story), order_of(story).ended) == (True, "completed")
    story.by(CHEN).when(REVIEW).then("order.finance_reviewed.v1", "order.exception_closed.v1")


STEPS = st.one_of(
    st.sampled_from([REVIEW, REFUSE, CLOSE, PICK, CHECK, PACK, SEND]),
    st.builds(repriced, st.sampled_from([1, BOUND, BOUND + 1, BOUND + 2, 9_000])))


@settings(max_examples=tried(40), deadline=None)
@on_any(st.lists(STEPS, max_size=12), st.sampled_from([1, BOUND, BOUND + 1, 9_000]))
def test_money__above_the_bound_is_sent_only_after_a_review_of_as_much(
    steps: list[Command], first: int
) -> None:
    story, seen = sold(first).by(CHEN), 0
    for step in (*steps, PICK, CHECK, PACK, SEND):
        facts: list[Any] = []
        with suppress(LedgerError):
            facts = story.decide(step)
        for fact in facts:
            if isinstance(fact, Order.FinanceReviewed):
                seen = fact.amount_minor if fact.outcome == "approved" else 0
        total = order_of(story).amounts.total_minor or 0
        assert waits(story) == (total > BOUND and total > seen)
        if any(isinstance(fact, Order.Dispatched | Order.Packed) for fact in facts):
            assert total <= max(BOUND, seen)
