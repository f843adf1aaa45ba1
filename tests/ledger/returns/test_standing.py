"""However a case ends, nothing of it is left in a state that nothing leads out of."""

from typing import Any

import pytest

from ledger.fulfilment.commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    PackOrder,
    PickOrder,
)
from ledger.orders.commands import ApproveOrder, CloseException, RefundOrder, SubmitOrder
from ledger.orders.values import Amounts, PickedFrom
from ledger.returns.case import AWAITED, Case
from ledger.returns.commands import (
    ApproveRefund,
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    MatchCase,
    PayRefund,
    ReceiveGoods,
    ReceiveParcel,
    RejectCase,
    WithdrawCase,
)
from ledger.returns.errors import CaseNotDone, CaseUnderWay
from ledger.returns.values import CaseLine, Match, Outcome
from ledger.stock.pieces import Count
from tests.support.builders import (
    HOUSE,
    end,
    line,
    opened,
    pay,
    place,
    received,
    record,
    sell,
    stream,
)
from tests.support.cases import BACK, ask, case, new, on, orphan
from tests.support.kits import PRICE, sent, step, stocked
from tests.support.stories import given, goods, levels, open_exceptions

BACK_AGAIN = ask("R1", CaseLine(line="1", quantity=1), refund_minor=None)
MONEY = ask("R1", kind="refund_only", lines=[], refund_minor=5000)
OF = [on(AuthoriseCase), on(ApproveRefund, amount_minor=5000)]


def known(story: Any) -> Case:
    """The case."""
    found = story.known[case()]
    assert isinstance(found, Case)
    return found


# -- goods ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "before"), [
    (on(RejectCase, reason="已拆封"), []), (on(WithdrawCase, reason="不退了"), []),
    (on(WithdrawCase, reason="不退了"), [on(AuthoriseCase)]), (on(CloseCase), [on(AuthoriseCase)])])
def test_ends__await_nothing_any_more(how: Any, before: list[Any]) -> None:
    story = stocked(*sent(1, step(DeliverParcel, parcel="P")), BACK_AGAIN, *before, how)
    assert known(story).pieces(AWAITED) == []
    assert known(story).goods["1"] == {"given_up": 1}
    assert goods(story)["1"] == {"delivered": 1}
    story.when(ask("R2", CaseLine(line="1", quantity=1))).then("case.requested.v1")


def test_ends__rejected_case_whose_goods_came_is_still_inspected() -> None:
    story = stocked(*sent(1, step(DeliverParcel, parcel="P")), new(
        ReceiveParcel, warehouse=HOUSE, lines=[CaseLine(line="a", sku="KIT", quantity=1)]),
        on(MatchCase, order=stream(), lines=[Match("a", "1")]), on(RejectCase, reason="已拆封"))
    assert levels(story, "P2")["returns_inspection"] == 2
    story.decide(on(InspectGoods, lines=[Outcome("a", 1, "restocked")]))
    assert levels(story, "P2") == {"available": 20}


def test_ends__case_whose_goods_came_to_no_warehouse_is_not_withdrawn() -> None:
    story = stocked(*sent(1, step(DeliverParcel, parcel="P")), orphan(
        "R1", CaseLine(line="a", sku="KIT", quantity=1), warehouse=None),
        on(MatchCase, order=stream(), lines=[Match("a", "1")]))
    story.when(on(WithdrawCase, reason="不退了")).refused(CaseUnderWay)
    for command in (on(AuthoriseCase), on(InspectGoods, lines=[Outcome("a", 1, "damaged")]),
                    on(CloseCase)):
        assert story.when(command).error is None


@pytest.mark.parametrize("delivered", [False, True])
def test_ends__case_that_is_older_than_the_lines_of_its_order(delivered: bool) -> None:
    """The order could expect nothing back, since nobody knew what was in it."""
    named = CaseLine(line="1", sku="SH-001", quantity=1)
    story = given(opened(), record(1, lines=None, ended=None, ended_as=""),
                  ask("R1", named, refund_minor=None), on(AuthoriseCase))
    story.decide(record(1, lines=[line()], ended=None, ended_as="",
                        delivered=record().dispatched if delivered else None))
    story.when(on(ReceiveGoods, warehouse=HOUSE, lines=[Count("1", 1)]))
    assert (story.error is None) is delivered
    if delivered:
        assert goods(story)["1"] == {"returned": 1}
        story.decide(on(InspectGoods, lines=[Outcome("1", 1, "restocked")]))
    story.when(on(CloseCase)).then("case.closed.v1")


# -- money ----------------------------------------------------------------------------------------


def test_ends__case_whose_refund_the_platform_paid_can_be_closed() -> None:
    story = given(opened(), received(), sell(1, amounts=PRICE), pay(1, 14970), MONEY, *OF)
    story.when(on(CloseCase)).refused(CaseNotDone)
    story.decide(RefundOrder(order=stream(), amount_minor=14970, reference="R1",
                             occurred_at=BACK, reason="平台"))
    closed, *_ = story.when(on(CloseCase)).then("case.closed.v1", "order.exception_closed.v1")
    assert closed.unpayable_minor == 5000
    assert known(story).unpaid_minor == 0


# -- exceptions -----------------------------------------------------------------------------------


def bought(*more: Any) -> Any:
    """An order of two books of which nothing was sent."""
    return given(opened(), received(), sell(1, line(quantity=2), amounts=PRICE), pay(1, 14970),
                 *more)


@pytest.mark.parametrize("ends", [
    [on(RejectCase, reason="不行")], [on(WithdrawCase, reason="不退了")],
    [on(AuthoriseCase), on(CloseCase, declined_minor=5000)],
    [*OF, on(PayRefund, amount_minor=5000)]])
def test_ends__close_the_exception_that_the_case_opened(ends: list[Any]) -> None:
    story = bought(MONEY)
    assert open_exceptions(story) == [case()]
    for command in ends:
        assert story.when(command).error is None
    assert story.facts[-1].TOPIC == "order.exception_closed.v1"
    assert open_exceptions(story) == []


def test_ends__close_the_exception_of_their_case_alone() -> None:
    story = bought(MONEY, ask("R2", kind="refund_only", lines=[], refund_minor=100))
    assert open_exceptions(story) == [case("R1"), case("R2")]
    story.decide(on(RejectCase, reason="不行"))
    assert open_exceptions(story) == [case("R2")]


def test_ends__refund_that_is_paid_in_part_keeps_the_exception_open() -> None:
    story = bought(MONEY, *OF, on(PayRefund, amount_minor=4999))
    assert open_exceptions(story) == [case()]
    story.decide(on(PayRefund, amount_minor=1))
    assert open_exceptions(story) == []
    story.when(on(CloseCase)).then("case.closed.v1")


def test_ends__exception_that_a_person_closed_stays_closed() -> None:
    story = bought(MONEY, CloseException(order=stream(), exception=case(), note="已问",
                                         occurred_at=BACK))
    story.when(on(RejectCase, reason="不行")).then("case.rejected.v1")


def test_exception__is_of_money_for_what_is_sent_later() -> None:
    """Goods that are there may come back meanwhile; that keeps nobody from sending the rest."""
    first = [step(ApproveOrder), step(SubmitOrder, warehouse=HOUSE),
             step(PickOrder, lines=[PickedFrom("1", 1)]), step(CheckOrder, passed=True),
             step(PackOrder, parcel="P", lines=[Count("1", 1)]),
             step(DispatchParcel, parcel="P", courier="顺丰"), step(DeliverParcel, parcel="P")]
    story = bought(*first)
    story.when(BACK_AGAIN).then("case.requested.v1")
    story = bought(*first)
    story.when(MONEY).then("case.requested.v1", "order.exception_opened.v1")
    assert open_exceptions(story) == [case()]


def test_exception__is_of_orders_that_still_have_something_to_send() -> None:
    half = stocked(*sent(1))
    half.when(MONEY).then("case.requested.v1")
    unsent = bought()
    unsent.when(MONEY).then("case.requested.v1", "order.exception_opened.v1")
    unlisted = given(place(1, lines=None, amounts=Amounts(total_minor=5000)), pay(1, 5000))
    unlisted.when(MONEY).then("case.requested.v1", "order.exception_opened.v1")
    ended = bought(end(1, "cancelled"))
    ended.when(MONEY).then("case.requested.v1")
