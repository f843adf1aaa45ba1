"""Cases as files declare them: each step once, whatever is known of it already."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as tried_with
from hypothesis import settings
from hypothesis import strategies as st

from ledger.common.errors import LedgerError
from ledger.common.moments import Moment
from ledger.core.commands import Command
from ledger.orders.errors import NotThatMany, OrderUnknown, RefundExceedsPayment
from ledger.orders.order import Order
from ledger.returns.case import Case
from ledger.returns.commands import CloseCase, WithdrawCase
from ledger.returns.errors import CaseDeclaredDifferently, LineNotOrdered, RefundExceedsCase
from ledger.returns.values import CaseLine, Outcome
from tests.support.builders import HOUSE, NOON, line, opened, received, record, stream
from tests.support.cases import AGREE, BACK, ask, case, declared, on
from tests.support.stories import Story, given, levels
from tests.support.thorough import tried

ORDERED = (opened(), received(quantity=10), record(
    lines=[line(quantity=2)], paid_minor=9980, delivered=Moment(NOON + timedelta(days=2)),
    warehouse=HOUSE))
"""Two books that were sent, paid and delivered."""

CAME = {"came": Moment(BACK + timedelta(days=1))}
FOUND = {**CAME, "outcomes": [Outcome("a", 2, "damaged")]}
PAID = {"refunded": Moment(BACK + timedelta(days=2)), "refunded_minor": 9980}
STEPS: list[dict[str, Any]] = [{}, CAME, FOUND, {**FOUND, **PAID}]
"""What files say of a case as time goes by."""


def state(story: Story) -> Any:
    """The case, the order and the stock as they are."""
    known = story.known[case()]
    order: Order = story.known[stream()]
    return (known.state, known.kind, dict(known.goods.items()), known.sums, dict(
        order.goods.items()), order.refunded_minor, levels(story))


@settings(max_examples=tried(40), deadline=None)
@tried_with(st.lists(st.sampled_from(range(len(STEPS))), max_size=6))
def test_declared__ends_alike_whichever_files_came_before(steps: list[int]) -> None:
    by_steps, at_once = given(*ORDERED), given(*ORDERED)
    for step in [*steps, len(STEPS) - 1]:
        by_steps.when(declared(**STEPS[step]))
        assert by_steps.error is None
    at_once.when(declared(**STEPS[-1]))
    for story in (by_steps, at_once):
        story.when(declared(**STEPS[-1]))
        assert story.facts == []
    assert state(by_steps) == state(at_once)


@pytest.mark.parametrize("history", [
    [ask("R1", *[CaseLine(line="a", sku="SH-001", order_line="1", quantity=2)])],
    [ask("R1", *[CaseLine(line="a", sku="SH-001", order_line="1", quantity=2)]),
     AGREE]])
def test_declared__goes_on_with_what_somebody_asked_for(history: list[Command]) -> None:
    story = given(*ORDERED, *history).when(declared(**FOUND))
    assert story.error is None
    known: Case = story.known[case()]
    assert dict(known.goods.items()) == {"a": {"damaged": 2}}


def test_declared__of_a_case_that_has_ended_changes_nothing() -> None:
    story = given(*ORDERED, declared(), on(WithdrawCase, reason="不退了")).when(declared(**FOUND))
    assert (story.error, story.facts) == (None, [])


def test_declared__closes_once_nothing_waits_for_anybody() -> None:
    closed = {"closed": Moment(BACK + timedelta(days=3))}
    story = given(*ORDERED).when(declared(**CAME, **closed))
    assert story.known[case()].state == "authorised"
    story.when(declared(**FOUND, **PAID, **closed))
    assert story.known[case()].state == "closed"
    story.when(on(CloseCase, occurred_at=BACK + timedelta(days=4)))
    assert (story.error, story.facts) == (None, [])


@pytest.mark.parametrize(("command", "error"), [
    (declared(order=stream("2")), OrderUnknown),
    (declared("R1", CaseLine(line="a", sku="SH-001", quantity=3)), NotThatMany),
    (declared("R1", CaseLine(line="a", sku="SH-009", quantity=1)), LineNotOrdered),
    (declared(refunded=Moment(BACK), refunded_minor=9981), RefundExceedsPayment),
    (declared(refund_minor=100, refunded=Moment(BACK), refunded_minor=101), RefundExceedsCase)])
def test_declared__rejected_where_it_cannot_be_so(
    command: Command, error: type[LedgerError]
) -> None:
    given(*ORDERED).when(command).refused(error)


def test_declared__rejected_where_the_case_is_known_with_other_pieces() -> None:
    given(*ORDERED, declared()).when(
        declared("R1", CaseLine(line="a", sku="SH-001", quantity=1))).refused(
            CaseDeclaredDifferently)


def test_declared__costs_what_the_order_says_where_the_file_does_not() -> None:
    story = given(*ORDERED).when(declared())
    (known,) = story.known[case()].lines.values()
    assert (known.unit_price, known.amount_minor, known.order_line) == (4990, 9980, "1")
