"""What comes back: asked for, received, inspected piece by piece, paid back."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.common.errors import InvalidValues
from ledger.fulfilment.commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    LoseParcel,
    PackOrder,
    PickOrder,
    RefuseParcel,
    ReserveOrder,
)
from ledger.orders.commands import ApproveOrder, CorrectOrder, RefundOrder, SubmitOrder
from ledger.orders.errors import (
    NotThatMany,
    OrderUnknown,
    ParcelOutOfTurn,
    ReferenceUsed,
    RefundExceedsPayment,
)
from ledger.orders.order import Order
from ledger.orders.values import Amounts, PickedFrom
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
    RequestCase,
    WithdrawCase,
)
from ledger.returns.errors import (
    ApprovalExceedsPayment,
    CaseDeclaredDifferently,
    CaseEnded,
    CaseHasOrder,
    CaseLineUnknown,
    CaseNotDone,
    CaseNotReady,
    CaseUnderWay,
    CaseUnknown,
    DeclinedOtherwise,
    GoodsReceivedElsewhere,
    LineNotOrdered,
    NotDeliveredYet,
    NotThatManyBack,
    RefundExceedsCase,
    RefundExceedsLines,
    RefundUndecided,
)
from ledger.returns.values import CaseLine, Match, Outcome
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import WarehouseUnknown
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku
from tests.support.builders import (
    HOUSE,
    NOON,
    line,
    moved,
    opened,
    pay,
    place,
    received,
    sell,
    stream,
)
from tests.support.cases import AGREE, BACK, TWO, ask, case, new, on, orphan
from tests.support.stories import Story, bins, given, goods, levels
from tests.support.written import WORDS, sealed_for

LATER = NOON + timedelta(hours=3)
PRICE = Amounts(total_minor=14970)


def delivered(
    *more: Any, quantity: int = 3, sku: str = "SH-001", last: Any = None
) -> Story:
    """An order of 3 books that the buyer has and has paid; `last` is what became of its parcel."""
    def step(cls: type[Any], **fields: Any) -> Any:
        return cls(order=stream(), occurred_at=LATER, **fields)

    pieces = [Count("1", quantity)]
    return given(
        opened(), received("SH-001", 10), received("PEN", 10),
        BundleSku(sku="SET", occurred_at=NOON, parts=[Part("SH-001", 2), Part("PEN", 1)]),
        sell(1, line(sku, quantity=quantity), amounts=PRICE), pay(1, 14970),
        step(ApproveOrder), step(SubmitOrder, warehouse=HOUSE),
        step(PickOrder, lines=[PickedFrom("1", quantity)]), step(CheckOrder, passed=True),
        step(PackOrder, parcel="P", lines=pieces), step(DispatchParcel, parcel="P", courier="顺丰"),
        last or step(DeliverParcel, parcel="P"), *more)


ARRIVE = on(ReceiveGoods, warehouse=HOUSE, lines=TWO)
BOTH_FINE = on(InspectGoods, lines=[Outcome("1", 2, "restocked")])


# -- both legs ------------------------------------------------------------------------------------


def test_case__accepted_from_the_request_to_its_end() -> None:
    story = delivered(received(quantity=2, occurred_at=LATER))
    story.when(ask()).then("case.requested.v1")
    story.when(AGREE).then("case.authorised.v1", "order.return_expected.v1")
    assert goods(story)["1"] == {"delivered": 1, "returning": 2}
    story.when(ARRIVE).then("case.goods_received.v1", "order.return_received.v1")
    assert goods(story)["1"] == {"delivered": 1, "returned": 2}
    story.when(BOTH_FINE).then("case.inspected.v1")
    story.when(on(ApproveRefund, amount_minor=9980)).then("case.refund_approved.v1")
    _, refund = story.when(on(PayRefund, amount_minor=9980)).then(
        "case.refunded.v1", "order.refund_recorded.v1")
    assert (refund.amount_minor, refund.case) == (9980, case())
    story.when(on(CloseCase)).then("case.closed.v1")
    assert levels(story) == {"available": 11, "customer": 1}


def test_restock__only_after_inspection() -> None:
    story = delivered(ask(), AGREE, ARRIVE)
    assert levels(story) == {"available": 7, "customer": 1, "returns_inspection": 2}
    story.when(on(InspectGoods, lines=[Outcome("1", 1, "restocked", "A-01")]))
    assert levels(story) == {"available": 8, "customer": 1, "returns_inspection": 1}


@pytest.mark.parametrize(("disposition", "place_name"), [
    ("restocked", "available"), ("quarantined", "quarantine"), ("damaged", "damaged"),
    ("written_off", "written_off"), ("missing", "customer"), ("not_ours", "customer")])
def test_inspect__accepted_piece_by_piece(disposition: str, place_name: str) -> None:
    story = delivered(ask(), AGREE, ARRIVE)
    before = levels(story)
    story.when(on(InspectGoods, lines=[Outcome("1", 1, disposition)]))
    after = levels(story)
    assert after["returns_inspection"] == 1
    assert after[place_name] == before.get(place_name, 0) + 1


def test_refund__accepted_before_the_goods_and_without() -> None:
    story = delivered(ask(), AGREE, on(ApproveRefund, amount_minor=9980),
                      on(PayRefund, amount_minor=9980), ARRIVE, BOTH_FINE)
    story.when(on(CloseCase)).then("case.closed.v1")
    only = ask("R2", kind="refund_only", refund_minor=100, lines=[])
    more = [on(AuthoriseCase, "R2"), on(ApproveRefund, "R2", amount_minor=60),
            on(PayRefund, "R2", amount_minor=60)]
    for command in (only, *more, on(CloseCase, "R2")):
        story.when(command)
        assert story.error is None
    order = story.known[stream()]
    assert isinstance(order, Order)
    assert order.refunded_minor == 10040


def test_goods__accepted_without_a_refund() -> None:
    story = delivered(ask(refund_minor=None), AGREE, ARRIVE, BOTH_FINE)
    story.when(on(CloseCase)).then("case.closed.v1")


def test_request__opens_an_exception_before_dispatch() -> None:
    story = given(opened(), received(), sell(1, amounts=PRICE), pay(1, 14970))
    story.when(ask(kind="refund_only", lines=[])).then(
        "case.requested.v1", "order.exception_opened.v1")


def test_close__gives_up_what_never_came() -> None:
    story = delivered(ask(), AGREE, on(ReceiveGoods, warehouse=HOUSE, lines=[Count("1", 1)]),
                      on(InspectGoods, lines=[Outcome("1", 1, "damaged")]))
    closed, _ = story.when(on(CloseCase, declined_minor=9980)).then(
        "case.closed.v1", "order.return_ended.v1")
    assert closed.given_up == [Count("1", 1)]
    assert goods(story)["1"] == {"delivered": 2, "returned": 1}


WRITTEN = [
    on(AuthoriseCase, note=WORDS), on(ReceiveGoods, warehouse=HOUSE, lines=TWO, note=WORDS),
    BOTH_FINE, on(ApproveRefund, amount_minor=10, note=WORDS), on(PayRefund, amount_minor=10),
    on(CloseCase, note=WORDS)]
"""All that is written of a case on its way, with what lies between."""


def test_written__is_sealed_for_the_buyer_of_the_order() -> None:
    story = delivered()
    assert sealed_for(story, ask(reason=WORDS)) == {stream()}
    for command in WRITTEN:
        if command.PERSONAL:
            assert sealed_for(story, command) == {stream()}
        else:
            story.decide(command)
    for command in (on(RejectCase, reason=WORDS), on(WithdrawCase, reason=WORDS)):
        assert sealed_for(delivered(ask()), command) == {stream()}


def test_written__before_the_order_is_known_is_of_the_account_or_the_case() -> None:
    for account, person in (("reader", "buyer:taobao:reader"), (None, case("C1"))):
        command = orphan(account=account, reason=WORDS)
        assert command.persons() == [person]
        story = given(opened())
        assert sealed_for(story, command) == {person}
        story.decide(on(InspectGoods, "C1", lines=[Outcome("1", 2, "restocked")]))
        assert sealed_for(story, on(CloseCase, "C1", note=WORDS)) == {person}
    parcel = new(ReceiveParcel, warehouse=HOUSE, note=WORDS,
                 lines=[CaseLine(line="1", sku="SH-001", quantity=2)])
    story = delivered()
    assert sealed_for(story, parcel) == {case()}
    story.decide(on(MatchCase, order=stream(), lines=[Match("1", "1")]))
    assert sealed_for(story, on(AuthoriseCase, note=WORDS)) == {stream()}


def test_withdraw__lets_the_pieces_go() -> None:
    story = delivered(ask(), AGREE)
    story.when(on(WithdrawCase, reason="不退了")).then("case.withdrawn.v1", "order.return_ended.v1")
    assert goods(story)["1"] == {"delivered": 3}
    story.when(on(WithdrawCase, reason="不退了")).then()


def test_order_without_lines__accepted_with_goods_that_are_named() -> None:
    story = given(opened(), place(1, lines=None), pay(1))
    named = CaseLine(line="1", sku="SH-001", quantity=2)
    for command in (ask("R1", named, refund_minor=100), AGREE, ARRIVE, BOTH_FINE,
                    on(CloseCase, declined_minor=100)):
        story.when(command)
        assert story.error is None
    assert levels(story) == {"available": 2, "customer": -2}


# -- refused parcels -------------------------------------------------------------------------------


def refused(*more: Any, quantity: int = 3) -> Story:
    """An order of 3 books whose parcel the buyer refused."""
    back = RefuseParcel(order=stream(), occurred_at=LATER, parcel="P", reason="拒收")
    return delivered(*more, quantity=quantity, last=back)


def refusal(number: object = "R1", quantity: int = 3, **fields: Any) -> RequestCase:
    """The case that takes a refused parcel back."""
    return ask(number, CaseLine(line="1", quantity=quantity), kind="refused", **{
        "refund_minor": 14970, **fields})


THREE = [Count("1", 3)]


def test_refused__goes_from_the_courier_to_inspection_and_never_by_the_customer() -> None:
    story = refused(refusal())
    story.when(AGREE).then("case.authorised.v1", "order.return_expected.v1")
    received_, *_ = story.when(on(ReceiveGoods, warehouse=HOUSE, lines=THREE)).then(
        "case.goods_received.v1", "order.return_received.v1", "order.exception_closed.v1")
    assert [(one.source, one.target) for one in received_.postings] == [
        ("with_courier", "returns_inspection")]
    story.when(on(InspectGoods, lines=[Outcome("1", 3, "restocked", "A1")])).then(
        "case.inspected.v1")
    assert (levels(story), bins(story)) == ({"available": 10}, {"": 7, "A1": 3})
    assert goods(story)["1"] == {"returned": 3}
    for command in (on(ApproveRefund, amount_minor=14970), on(PayRefund, amount_minor=14970),
                    on(CloseCase)):
        assert story.when(command).error is None


@pytest.mark.parametrize("disposition", ["missing", "not_ours"])
def test_refused__what_was_not_in_it_is_lost_and_not_with_the_customer(disposition: str) -> None:
    story = refused(refusal(), AGREE, on(ReceiveGoods, warehouse=HOUSE, lines=THREE), on(
        InspectGoods, lines=[Outcome("1", 1, disposition), Outcome("1", 2, "restocked")]))
    assert levels(story) == {"available": 9, "written_off": 1}


def test_refused__comes_back_in_parts_and_the_rest_stays_with_the_courier() -> None:
    story = refused(refusal(), AGREE, on(ReceiveGoods, warehouse=HOUSE, lines=TWO), on(
        InspectGoods, lines=[Outcome("1", 2, "restocked")]))
    assert levels(story) == {"available": 9, "with_courier": 1}
    story.when(on(CloseCase, declined_minor=14970)).then(
        "case.closed.v1", "order.return_ended.v1")
    assert goods(story)["1"] == {"returned": 2, "returning_to_sender": 1}
    story.when(LoseParcel(order=stream(), occurred_at=BACK, parcel="P", reason="丢失"))
    assert levels(story) == {"available": 9, "written_off": 1}
    assert goods(story)["1"] == {"returned": 2, "lost": 1}


def test_refused__rejected_for_more_than_is_on_its_way_back() -> None:
    refused().when(refusal(quantity=4)).refused(NotThatMany)
    delivered().when(refusal()).refused(NotThatMany)
    story = refused(refusal("R1"), refusal("R2"), on(AuthoriseCase, "R1"))
    story.when(on(AuthoriseCase, "R2")).refused(NotThatMany)
    story.when(refusal("R3")).refused(NotThatMany)
    story.decide(on(ReceiveGoods, "R1", warehouse=HOUSE, lines=THREE))
    assert levels(story) == {"available": 7, "returns_inspection": 3}


def test_refused__parcel_ends_when_its_goods_are_back() -> None:
    """Nobody can lose or deliver it any more, least of all with the pieces of another parcel."""
    story = refused(refusal(), AGREE, on(ReceiveGoods, warehouse=HOUSE, lines=THREE))
    assert story.known[stream()].parcels["P"].state == "returned"
    for command in (LoseParcel(order=stream(), occurred_at=BACK, parcel="P", reason="丢失"),
                    DeliverParcel(order=stream(), occurred_at=BACK, parcel="P")):
        story.when(command).refused(ParcelOutOfTurn)


def test_refused__case_of_a_buyer_who_has_the_goods_is_of_another_kind() -> None:
    refused().when(ask("R1", CaseLine(line="1", quantity=3), refund_minor=1)).refused(
        NotDeliveredYet,
        f"{case()} is about 3 pieces of line 1 of {stream()}, of which only 0 were delivered; 3 "
        "are still with the courier. If the buyer refused them, report the parcel as refused and "
        "request a case of the kind refused; else wait for the delivery.")


# -- bundles, waiting orders, repeats -------------------------------------------------------------


def test_bundle__comes_back_as_the_parts_that_were_sent() -> None:
    changed = BundleSku(sku="SET", occurred_at=BACK, parts=[Part("PEN", 9)])
    story = delivered(changed, ask(), AGREE, ARRIVE, sku="SET")
    assert levels(story)["returns_inspection"] == 4
    assert levels(story, "PEN")["returns_inspection"] == 2
    story.when(BOTH_FINE).then("case.inspected.v1")
    assert levels(story) == {"available": 8, "customer": 2}
    assert levels(story, "PEN") == {"available": 9, "customer": 1}


def test_restock__serves_the_order_that_waits() -> None:
    waiting = place(2, lines=[line(quantity=8)])
    story = delivered(ask(), AGREE, ARRIVE, waiting, ReserveOrder(
        order=stream(2), warehouse=HOUSE, occurred_at=BACK))
    assert goods(story, 2)["1"] == {"reserved": 7, "short": 1}
    story.when(BOTH_FINE).then(
        "case.inspected.v1", "order.reserved.v1", "order.exception_closed.v1")
    assert goods(story, 2)["1"] == {"reserved": 8}


def test_commands__repeated_change_nothing() -> None:
    story = delivered(ask())
    story.when(ask()).then()
    story.when(AGREE)
    story.when(AGREE).then()
    story.when(ask()).then()
    story.when(ask(order=stream(1), kind="refund_only", lines=[])).refused(CaseDeclaredDifferently)


# -- goods that were not expected ------------------------------------------------------------------


def test_parcel__accepted_before_its_order_is_known() -> None:
    sku = CaseLine(line="a", sku="SH-001", quantity=2)
    story = delivered(new(ReceiveParcel, lines=[sku], warehouse=HOUSE))
    assert levels(story)["returns_inspection"] == 2
    story.when(on(InspectGoods, lines=[Outcome("a", 1, "restocked")])).then("case.inspected.v1")
    match = on(MatchCase, order=stream(), lines=[Match("a", "1")])
    story.when(match).then(
        "case.matched.v1", "order.return_expected.v1", "order.return_received.v1")
    assert goods(story)["1"] == {"delivered": 1, "returned": 2}
    story.when(match).refused(CaseHasOrder)
    story.when(new(ReceiveParcel, lines=[sku], warehouse=HOUSE)).then()
    story.when(AGREE).then("case.authorised.v1")
    story.when(on(ApproveRefund, amount_minor=14971)).refused(ApprovalExceedsPayment)
    story.when(on(ApproveRefund, amount_minor=9000)).then("case.refund_approved.v1")
    story.when(on(ApproveRefund, amount_minor=981)).refused(RefundExceedsLines)
    story.when(on(ApproveRefund, amount_minor=5971)).refused(
        ApprovalExceedsPayment,
        f"{case()}: approving 5971 more would bring approved, unpaid refunds to 14971, but only "
        f"14970 of the 14970 paid for {stream()} is left to refund (CNY, minor units).")
    story.when(on(ApproveRefund, amount_minor=980)).then("case.refund_approved.v1")


def test_match__leaves_out_what_never_came() -> None:
    sku = CaseLine(line="a", sku="SH-001", quantity=2)
    story = delivered(new(ReceiveParcel, lines=[sku], warehouse=HOUSE),
                      on(InspectGoods, lines=[Outcome("a", 2, "not_ours")]))
    story.when(on(MatchCase, order=stream(), lines=[Match("a", "1")])).then("case.matched.v1")
    assert goods(story)["1"] == {"delivered": 3}


def test_orphan__accepted_as_declared_and_inspected_later() -> None:
    story = given(opened())
    facts = story.when(orphan(account="17850")).then("case.declared.v1")
    assert facts[0].account.p == "person:buyer:taobao:17850"
    assert levels(story) == {"returns_inspection": 2, "customer": -2}
    story.when(orphan(account="17850")).then()
    story.when(on(CloseCase, "C1")).refused(CaseNotDone)
    story.when(on(InspectGoods, "C1", lines=[Outcome("1", 2, "quarantined")]))
    assert levels(story) == {"quarantine": 2, "customer": -2}
    story.when(on(ApproveRefund, "C1", amount_minor=1)).refused(CaseNotReady)
    story.when(on(CloseCase, "C1")).then("case.closed.v1")


def test_orphan__moves_no_stock_without_a_warehouse() -> None:
    story = given()
    story.when(orphan(warehouse=None)).then("case.declared.v1")
    story.when(on(InspectGoods, "C1", lines=[Outcome("1", 2, "written_off")])).then(
        "case.inspected.v1")


def test_orphan__declared_again_after_its_match_changes_nothing() -> None:
    story = delivered(orphan(), on(MatchCase, "C1", order=stream(), lines=[Match("1", "1")]))
    story.when(orphan()).then()


# -- refusals -------------------------------------------------------------------------------------


def test_return__rejected_for_more_than_was_delivered() -> None:
    story = delivered()
    story.when(ask("R1", CaseLine(line="1", quantity=4))).refused(NotThatMany)
    story.when(ask()).then("case.requested.v1")
    story.when(AGREE)
    story.when(ask("R2")).refused(NotThatMany)
    two_lines = [CaseLine(line="a", order_line="1", quantity=1),
                 CaseLine(line="b", order_line="1", quantity=1)]
    story.when(ask("R2", *two_lines)).refused(NotThatMany)


def test_return__rejected_for_two_cases_that_only_fit_singly() -> None:
    story = delivered(ask("R1"), ask("R2"), on(AuthoriseCase, "R1"))
    story.when(on(AuthoriseCase, "R2")).refused(NotThatMany)


def test_receive__rejected_for_more_than_is_awaited() -> None:
    story = delivered(ask(), AGREE)
    story.when(on(ReceiveGoods, warehouse=HOUSE, lines=[Count("1", 3)])).refused(
        NotThatManyBack,
        f"Line 1 of {case()}: 3 pieces were named, but only 2 are awaited. Name no "
        "more; the report returns says where the others are.")
    story.when(on(ReceiveGoods, warehouse=HOUSE, lines=[Count("9", 1)])).refused(
        CaseLineUnknown, f"{case()} has no goods in a line 9.")
    story.when(ARRIVE)
    story.when(ARRIVE).refused(NotThatManyBack)


def test_inspect__rejected_for_more_than_arrived() -> None:
    story = delivered(ask(), AGREE, ARRIVE)
    twice = [Outcome("1", 2, "restocked"), Outcome("1", 1, "damaged")]
    story.when(on(InspectGoods, lines=twice)).refused(NotThatManyBack)


def test_inspect__before_a_count_leaves_what_was_counted() -> None:
    count = CountStock(warehouse=HOUSE, occurred_at=BACK + timedelta(days=1),
                       counts=[CountLine(sku="SH-001", quantity=9)])
    story = delivered(ask(), AGREE, ARRIVE, count)
    assert levels(story)["available"] == 9
    (fact,) = story.when(BOTH_FINE).then("case.inspected.v1")
    assert [(one.source, one.target, one.cause, one.at) for one in fact.postings] == [
        ("returns_inspection", "available", "inspection", None),
        ("available", "stocktake_gain_loss", "already_counted", count.occurred_at)]
    assert levels(story) == {"available": 9, "customer": 1}
    story = delivered(ask(), AGREE, ARRIVE, count)
    story.decide(on(InspectGoods, lines=BOTH_FINE.lines, late="not_counted"))
    assert levels(story) == {"available": 11, "customer": 1, "stocktake_gain_loss": -2}


def test_refund__rejected_beyond_what_was_asked_approved_or_paid() -> None:
    story = delivered()
    story.when(ask(refund_minor=14971)).refused(RefundExceedsPayment)
    story.when(ask())
    story.when(AGREE)
    story.when(on(PayRefund, amount_minor=1)).refused(RefundExceedsCase)
    story.when(on(ApproveRefund, amount_minor=9981)).refused(RefundExceedsCase)
    story.when(on(ApproveRefund, amount_minor=5000))
    story.when(on(PayRefund, amount_minor=5001)).refused(
        RefundExceedsCase,
        f"{case()}: 5001 more would make 5001, but only 5000 was approved (minor units).")


def test_close__rejected_before_both_legs_ended() -> None:
    story = delivered(ask(), AGREE, ARRIVE)
    story.when(on(CloseCase)).refused(CaseNotDone)
    story.when(BOTH_FINE)
    story.when(on(ApproveRefund, amount_minor=5000))
    story.when(on(CloseCase)).refused(CaseNotDone)
    story.when(on(PayRefund, amount_minor=5000))
    story.when(on(CloseCase)).then("case.closed.v1")
    story.when(on(CloseCase)).then()


def test_close__rejected_while_nothing_is_approved_of_what_was_asked() -> None:
    """R-RET-20, R-RET-21. The goods are back, and the buyer waits for an answer."""
    story = delivered(ask(), AGREE, ARRIVE, BOTH_FINE)
    story.when(on(CloseCase)).refused(
        RefundUndecided, f"{case()} cannot be closed: a refund of 9980 was asked for, and nothing "
        'of it is approved (minor units). Approve and pay it, or close it with "declined_minor": '
        "9980, which says that the buyer does not get it.")
    story.when(on(CloseCase, declined_minor=9979)).refused(DeclinedOtherwise)
    closed, *_ = story.when(on(CloseCase, declined_minor=9980, note="拆封")).then("case.closed.v1")
    assert closed.declined_minor == 9980
    for late in (on(ApproveRefund, amount_minor=1), on(WithdrawCase, reason="不退了"),
                 on(RejectCase, reason="不行"), on(PayRefund, amount_minor=1)):
        story.when(late).refused(CaseEnded)


@pytest.mark.parametrize(("more", "declined"), [
    ([ask(kind="refund_only", lines=[], refund_minor=500), AGREE], 500),
    ([ask(), AGREE], None),
    ([ask(refund_minor=None), AGREE, ARRIVE, BOTH_FINE], None),
    ([ask(), AGREE, ARRIVE, on(InspectGoods, lines=[Outcome("1", 2, "missing")])], None),
    ([ask(), AGREE, ARRIVE, BOTH_FINE, on(ApproveRefund, amount_minor=1),
      on(PayRefund, amount_minor=1)], None),
    ([ask(), AGREE, ARRIVE, BOTH_FINE, RefundOrder(
        order=stream(), amount_minor=14970, reference="T1", occurred_at=BACK)], None),
    ([ask(), AGREE, ARRIVE, BOTH_FINE, RefundOrder(
        order=stream(), amount_minor=14000, reference="T1", occurred_at=BACK)], 970)])
def test_close__asks_for_a_decision_just_where_one_is_open(
    more: list[Any], declined: int | None
) -> None:
    """Nothing was sent back, was asked, or is left to be refunded; or the approver said how much.
    """
    story = delivered(*more)
    if declined is None:
        story.when(on(CloseCase, declined_minor=1)).refused(DeclinedOtherwise)
    else:
        story.when(on(CloseCase)).refused(RefundUndecided)
    assert story.when(on(CloseCase, declined_minor=declined)).error is None
    assert story.facts[0].TOPIC == "case.closed.v1"


def test_refund__rejected_for_two_cases_that_only_fit_singly() -> None:
    story = delivered(*(command for number in ("R1", "R2") for command in (
        ask(number, kind="refund_only", lines=[], refund_minor=10_000), on(AuthoriseCase, number),
        on(ApproveRefund, number, amount_minor=10_000))), on(PayRefund, amount_minor=10_000))
    story.when(on(PayRefund, "R2", amount_minor=10_000)).refused(RefundExceedsPayment)


def test_case__rejected_for_goods_of_another_order() -> None:
    story = delivered()
    story.when(ask("R1", CaseLine(line="7", quantity=1))).refused(
        LineNotOrdered, f"Line 7 of {case()}: {stream()} has no line 7 with goods.")
    story.when(ask("R1", CaseLine(line="1", sku="PEN", quantity=1))).refused(LineNotOrdered)
    story.when(ask(order=stream("unknown"))).refused(OrderUnknown)
    story.when(new(ReceiveParcel, warehouse=HOUSE, lines=[
        CaseLine(line="1", sku="PEN", quantity=1)]))
    story.when(on(MatchCase, order=stream(), lines=[Match("1", "1")])).refused(LineNotOrdered)


def test_case__rejected_out_of_its_order() -> None:
    story = delivered(ask())
    story.when(ARRIVE).refused(
        CaseNotReady, f"{case()} is requested; this needs a case that is authorised.")
    story.when(on(ApproveRefund, amount_minor=1)).refused(CaseNotReady)
    story.when(on(RejectCase, reason="已拆封")).then("case.rejected.v1")
    story.when(AGREE).refused(CaseEnded)
    story.when(on(AuthoriseCase, "R9")).refused(CaseUnknown)


def test_reject__rejected_once_the_shop_has_agreed() -> None:
    delivered(ask(), AGREE).when(on(RejectCase, reason="已拆封")).refused(
        CaseNotReady, f"{case()} is authorised; this needs a case that is requested.")


def test_withdraw__rejected_when_goods_or_money_went() -> None:
    delivered(ask(), AGREE, ARRIVE).when(on(WithdrawCase, reason="不退了")).refused(
        CaseUnderWay,
        f"{case()} cannot be withdrawn: goods of it arrived. Close it instead.")
    delivered(ask(), AGREE, on(ApproveRefund, amount_minor=1)).when(
        on(WithdrawCase, reason="不退了")).refused(
        CaseUnderWay,
        f"{case()} cannot be withdrawn: a refund was approved. Close it instead.")


def test_receive__rejected_in_a_warehouse_that_is_unknown_or_another() -> None:
    story = delivered(opened("east"), ask(), AGREE)
    story.when(on(ReceiveGoods, warehouse="west", lines=TWO)).refused(WarehouseUnknown)
    story.when(on(ReceiveGoods, warehouse=HOUSE, lines=[Count("1", 1)]))
    story.when(on(ReceiveGoods, warehouse="east", lines=[Count("1", 1)])).refused(
        GoodsReceivedElsewhere,
        f"The goods of {case()} are received in main, not in east. Receive the rest there, too, "
        "or open another case for it.")


def test_case__rejected_when_opened_with_other_contents() -> None:
    story = delivered(orphan(), opened("east"))
    story.when(orphan("C1", CaseLine(line="1", sku="SH-001", quantity=3))).refused(
        CaseDeclaredDifferently)
    sku = CaseLine(line="a", sku="SH-001", quantity=2)
    story.when(new(ReceiveParcel, lines=[sku], warehouse=HOUSE))
    story.when(new(ReceiveParcel, lines=[sku], warehouse="east")).refused(CaseDeclaredDifferently)


def test_commands__rejected_with_all_that_is_wrong() -> None:
    with pytest.raises(InvalidValues) as caught:
        ask("R1", CaseLine(line="1", quantity=0), CaseLine(line="1", quantity=1, fee=True),
            kind="swap", refund_minor=0)
    assert [fault.where for fault in caught.value.faults] == [
        "/lines/0/quantity", "/kind", "/refund_minor", "/lines/1/line", "/lines/1/fee"]
    with pytest.raises(InvalidValues) as caught:
        on(InspectGoods, lines=[Outcome("1", 1, "eaten")], late="never")
    assert [fault.where for fault in caught.value.faults] == ["/lines/0/disposition", "/late"]
    for broken in ({"kind": "refund_only", "refund_minor": None}, {"lines": []}):
        with pytest.raises(InvalidValues):
            new(RequestCase, **{"kind": "return_and_refund", "order": stream(), **broken})


def test_levels__of_goods_that_went_around_end_where_they_began() -> None:
    story = delivered(moved("SH-001", 1, "available", "damaged", "damage", reason="破损"),
                      ask("R1", CaseLine(line="1", quantity=3), refund_minor=None), AGREE,
                      on(ReceiveGoods, warehouse=HOUSE, lines=[Count("1", 3)]),
                      on(InspectGoods, lines=[Outcome("1", 3, "restocked")]), on(CloseCase))
    assert levels(story) == {"available": 9, "damaged": 1}


def _approved(number: object, line_name: str) -> list[Any]:
    return [ask(number, CaseLine(line=line_name, quantity=1), kind="refund_only",
                refund_minor=4990),
            on(AuthoriseCase, number), on(ApproveRefund, number, amount_minor=4990)]


TWO_LINES = [place(lines=[line(name="1"), line("SH-002", name="2")],
                   amounts=Amounts(total_minor=9980)), pay(amount_minor=9980)]


def test_refund__rejected_under_the_reference_of_another_case() -> None:
    """R-ORD-56: it would change nothing, and leave the case approved and unpaid for ever."""
    story = given(*TWO_LINES, *_approved("R1", "1"), *_approved("R2", "2"),
                  on(PayRefund, "R1", amount_minor=4990, reference="P1"))
    error = story.when(on(PayRefund, "R2", amount_minor=4990, reference="P1")).refused(
        ReferenceUsed)
    assert case("R1") in str(error)
    assert case("R2") in str(error)
    story.when(on(PayRefund, "R1", amount_minor=4990, reference="P1")).then()


def test_refund__of_the_platform_is_taken_back_before_a_case_has_paid_it() -> None:
    """R-ORD-56, R-ORD-61."""
    story = given(*TWO_LINES, *_approved("R1", "1"),
                  RefundOrder(order=stream(), occurred_at=BACK, amount_minor=4990, reference="P1"))
    pays = on(PayRefund, amount_minor=4990, reference="P1")
    story.when(pays).refused(ReferenceUsed)
    story.decide(CorrectOrder(order=stream(), occurred_at=BACK, fact="refunded", amount_minor=0,
                              reference="P1", reason="是售后单的"))
    story.decide(pays)
    story.when(on(CloseCase)).then("case.closed.v1")


@pytest.mark.parametrize("reference", [None, "P1"])
def test_refund__that_was_another_orders_can_be_paid_by_another_case(
    reference: str | None
) -> None:
    """R-RET-19: what a line got back, and did not, is not counted against it."""
    story = given(*TWO_LINES, *_approved("R1", "1"),
                  on(PayRefund, amount_minor=4990, reference=reference))
    story.decide(CorrectOrder(order=stream(), occurred_at=BACK, fact="refunded", amount_minor=0,
                              reference=reference, reason="别的订单"))
    for command in (*_approved("R2", "1"), on(PayRefund, "R2", amount_minor=4990)):
        story.decide(command)
    assert story.load(Order, stream()).refunded_of["1"][case("R2")] == 4990
