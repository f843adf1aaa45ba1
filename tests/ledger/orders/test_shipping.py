"""The goods of an order: what is refused, and whether the sentence answers what was asked."""

from typing import Any

import pytest

from ledger.common.moments import Moment
from ledger.fulfilment.commands import (
    CheckOrder,
    CorrectStep,
    DeliverParcel,
    DispatchParcel,
    LoseParcel,
    PackOrder,
    PickOrder,
    RefuseParcel,
    ReportTransit,
    ReserveOrder,
)
from ledger.orders.commands import (
    ApproveOrder,
    CancelPieces,
    ChangeLines,
    CloseException,
    OpenException,
    SubmitOrder,
)
from ledger.orders.errors import (
    AllPaidBack,
    GoodsElsewhere,
    LastCheckFailed,
    NothingPicked,
    NothingUnderWay,
    NotMerged,
    NotPaidFor,
    NotThatMany,
    OrderEnded,
    OrderLineUnknown,
    OrderNotReady,
    ParcelAlreadyPacked,
    ParcelOutOfTurn,
    ParcelUnknown,
    RefundOpen,
    WaybillUsed,
)
from ledger.orders.values import Amounts, PickedFrom
from ledger.returns.commands import AuthoriseCase, ReceiveGoods, RequestCase
from ledger.returns.values import CaseLine
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
from tests.support.payments import refund
from tests.support.shipping import ARRIVE, CHECK, LATER, PACK, PICK, SEND, on, ready
from tests.support.stories import Story, given, goods, levels

R1 = "case:taobao:云杉书店:R1"


def test_pick__rejected_for_more_than_is_reserved() -> None:
    ready().when(on(PickOrder, lines=[PickedFrom("1", 3)])).refused(
        NotThatMany, f"Line 1 of {stream()}: 3 pieces were asked for, but only 2 are reserved. Ask "
        "for no more; the report fulfilment says where the others are.")


def test_pick__rejected_for_a_line_that_the_order_does_not_have() -> None:
    ready().when(on(PickOrder, lines=[PickedFrom("9", 1)])).refused(
        OrderLineUnknown, f"{stream()} has no goods in a line 9.")


def test_pick__rejected_before_the_warehouse_has_the_order() -> None:
    given(opened(), received(), sell()).when(on(PickOrder, lines=[PickedFrom("1", 1)])).refused(
        OrderNotReady, f"{stream()} has not been submitted to the warehouse yet.")


@pytest.mark.parametrize("history", [(), (PICK, CHECK, PACK)])
def test_check__rejected_when_nothing_waits_for_it(history: tuple[Any, ...]) -> None:
    ready(*history).when(CHECK).refused(
        NothingPicked,
        f"{stream()} has nothing to check: no picked pieces of it wait to be packed.")


def test_pack__rejected_after_a_failed_check_until_it_is_checked_again() -> None:
    story = ready(PICK, on(type(CHECK), passed=False, note="颜色不符"))
    story.when(PACK).refused(
        LastCheckFailed,
        f"{stream()} cannot be packed: its last check failed. Put right what was wrong, and "
        "check it again.")
    story.when(on(PickOrder, lines=[PickedFrom("2", 1)])).refused(NotThatMany)
    story.when(PACK).refused(LastCheckFailed)
    story.when(CHECK).then("order.checked.v1", "order.exception_closed.v1")
    story.when(PACK).then("order.packed.v1")


def test_pack__rejected_into_a_parcel_that_is_packed() -> None:
    story = ready(PICK, CHECK, on(PackOrder, parcel="P1", lines=[Count("1", 1)]))
    story.when(on(PackOrder, parcel="P1", lines=[Count("1", 1)])).refused(
        ParcelAlreadyPacked,
        f"{stream()} already has a parcel P1, which is packed. Give this one another name.")


@pytest.mark.parametrize("command", [
    on(DispatchParcel, parcel="P9", courier="顺丰"), on(DeliverParcel, parcel="P9"),
    on(LoseParcel, parcel="P9", reason="丢失"), on(ReportTransit, parcel="P9", note="已到杭州"),
])
def test_parcel__rejected_when_the_order_has_none_of_that_name(command: Any) -> None:
    ready(PICK, CHECK, PACK).when(command).refused(
        ParcelUnknown, f"{stream()} has no parcel P9. Pack it first, or correct its name.")


@pytest.mark.parametrize("history, command, says", [
    ((SEND,), SEND, "dispatched: its state is dispatched"),
    ((), ARRIVE, "delivered: its state is packed"),
    ((), on(ReportTransit, parcel="P1", note="已到杭州"),
     "reported in transit: its state is packed"),
    ((SEND, ARRIVE), on(LoseParcel, parcel="P1", reason="丢失"),
     "reported lost: its state is delivered"),
])
def test_parcel__rejected_out_of_turn(history: tuple[Any, ...], command: Any, says: str) -> None:
    ready(PICK, CHECK, PACK, *history).when(command).refused(
        ParcelOutOfTurn, f"Parcel P1 of {stream()} cannot be {says}.")


def test_reserve__rejected_in_a_second_warehouse() -> None:
    story = given(opened(), opened("east"), received(quantity=1), received(warehouse="east"),
                  place(lines=[line(quantity=3)]), on(ReserveOrder, warehouse=HOUSE))
    story.when(on(ReserveOrder, warehouse="east")).refused(
        GoodsElsewhere,
        f"{stream()} cannot be served from east: pieces of it are short or reserved in main. What "
        "is reserved or short there can be moved or released.")


# -- what lets a parcel go ------------------------------------------------------------------------


def packed(number: object = 1, **fields: Any) -> Story:
    """An order of a book that costs 49.90, in a parcel P1."""
    known = {"terms": "prepaid", "amounts": Amounts(total_minor=4990), **fields}
    return given(opened(), received("SH-001", 9), sell(number, line(), **known),
                 *to_the_parcel(number))


def to_the_parcel(number: object) -> list[Any]:
    """From the review to a packed parcel P1."""
    return [on(ApproveOrder, number), on(SubmitOrder, number, warehouse=HOUSE),
            on(PickOrder, number, lines=[PickedFrom("1", 1)]),
            on(CheckOrder, number, passed=True),
            on(PackOrder, number, parcel="P1", lines=[Count("1", 1)])]


def test_dispatch__rejected_before_it_is_paid_for() -> None:
    story = packed()
    story.when(SEND).refused(
        NotPaidFor, f"{stream()} cannot be sent: 0 of 4990 are paid (CNY, minor units). Record the "
        "payment first; an order that is paid at the door is placed with terms on_delivery.")
    story.decide(pay(amount_minor=4900))
    story.when(SEND).refused(NotPaidFor)
    story.decide(pay(amount_minor=90))
    story.when(SEND).then("order.dispatched.v1")


@pytest.mark.parametrize("fields", [
    {"terms": "on_delivery"}, {"amounts": Amounts(total_minor=0)},
    {"amounts": Amounts(goods_minor=4990, postage_minor=0, discount_minor=4990)}])
def test_dispatch__accepted_unpaid_where_nothing_is_to_be_paid_before(fields: Any) -> None:
    packed(**fields).when(SEND).then("order.dispatched.v1")


def test_dispatch__rejected_when_all_was_paid_back() -> None:
    story = packed()
    story.decide(pay())
    story.decide(refund(990))
    story.when(SEND).then("order.dispatched.v1")
    story = packed()
    story.decide(pay())
    story.decide(refund(4990))
    story.when(SEND).refused(
        AllPaidBack, f"{stream()} cannot be sent: all that was paid is refunded (4990 CNY, minor "
        "units). Cancel or close it.")


def test_dispatch__rejected_while_the_buyer_wants_money_back() -> None:
    story = packed()
    story.decide(pay())
    story.decide(on(OpenException, exception="退款", kind="refund_requested", note="不想要了"))
    story.when(SEND).refused(
        RefundOpen, f"{stream()} cannot be sent: the buyer wants money back (退款). End that case, "
        "or close the exception, first.")
    story.decide(on(CloseException, exception="退款", note="买家撤回"))
    story.when(SEND).then("order.dispatched.v1")


# -- one waybill, several orders ------------------------------------------------------------------


def test_merged_parcel__goes_under_the_waybill_of_another_order() -> None:
    story = packed(1, terms="on_delivery")
    for command in (sell(2, line()), *to_the_parcel(2)):
        story.decide(command)
    merged = on(DispatchParcel, 2, parcel="P1", courier="顺丰", waybill="SF1",
                merged_with=stream(1))
    story.when(merged).refused(
        NotMerged, f"{stream(2)} cannot go with {stream(1)}: no parcel of that order went from the "
        "same warehouse with 顺丰 under the waybill SF1. Send that one first, and give the same "
        "courier and waybill.")
    story.decide(SEND)
    story.when(on(DispatchParcel, 2, parcel="P1", courier="顺丰", waybill="SF1")).refused(
        WaybillUsed, f"{stream(1)} went under the waybill SF1 of 顺丰, at position "
        f"{story.position}. If {stream(2)} lies in the same parcel, say that it is merged with "
        "that one (merged_with); if the waybill was typed on the wrong order, take that dispatch "
        "back first (order.correct_step).")
    for wrong in ({"waybill": "SF2"}, {"courier": "中通"}, {"waybill": None},
                  {"merged_with": stream(2)}):
        story.when(on(DispatchParcel, 2, **{
            "parcel": "P1", "courier": "顺丰", "waybill": "SF1", "merged_with": stream(1),
            **wrong})).refused(NotMerged)
    (fact,) = story.when(merged).then("order.dispatched.v1")
    assert fact.about() == [stream(1)]
    assert goods(story, 2) == {"1": {"in_transit": 1}}


def test_parcel__found_after_it_was_lost_arrives_or_comes_back() -> None:
    lost = on(LoseParcel, parcel="P1", reason="追件无果")
    story = ready(PICK, CHECK, PACK, SEND)
    story.when(lost).then("order.parcel_lost.v1", "order.exception_opened.v1")
    story.when(on(RefuseParcel, parcel="P1", reason="找到退回")).then(
        "order.parcel_refused.v1", "order.exception_closed.v1", "order.exception_opened.v1")
    assert levels(story) == {"available": 8, "with_courier": 2}
    story.when(lost).then("order.parcel_lost.v1", "order.exception_closed.v1",
                          "order.exception_opened.v1")
    story.when(ARRIVE).then("order.delivered.v1", "order.exception_closed.v1")
    assert levels(story) == {"available": 8, "customer": 2}


def test_parcels__go_with_the_order_when_a_platform_says_so() -> None:
    """What the platform says of the whole order is said of its parcels, too."""
    story = ready(PICK, CHECK, PACK)
    story.decide(record(lines=[line(quantity=2), line("PEN", name="2")], account=None,
                        delivered=Moment(LATER), ended=None, ended_as="", paid_minor=0))
    assert {one.state for one in story.known[stream()].parcels.values()} == {"delivered"}
    assert goods(story) == {"1": {"delivered": 2}, "2": {"delivered": 1}}


def test_parcel__that_was_lost_and_may_be_found_keeps_its_order_at_its_warehouse() -> None:
    """Else what is found would be posted where it never was."""
    story = ready(PICK, CHECK, PACK, SEND, on(LoseParcel, parcel="P1", reason="追件无果"),
                  opened("east"), received("SH-001", 5, warehouse="east"), on(
                      ChangeLines, consent="旺旺", lines=[
                          line(quantity=4), line("PEN", name="2")]))
    story.when(on(ReserveOrder, warehouse="east")).refused(GoodsElsewhere)
    story.when(on(ReserveOrder, warehouse=HOUSE)).then("order.reserved.v1")
    story.when(ARRIVE).then("order.delivered.v1", "order.exception_closed.v1")
    assert levels(story) == {"available": 6, "reserved": 2, "customer": 2}


# -- what is in no parcel, or in part --------------------------------------------------------------


def declared() -> Story:
    """A file said that the warehouse sent 2 books and a pen, and named no parcel."""
    return given(opened(), received("SH-001", 10), received("PEN", 5), record(
        lines=[line(quantity=2), line("PEN", name="2")], warehouse=HOUSE, ended=None, ended_as=""))


def test_parcel__that_has_no_name_is_delivered_refused_lost_and_found() -> None:
    """Else nobody could say what became of what a platform says it sent."""
    story = declared()
    story.when(on(LoseParcel, reason="追件无果")).then(
        "order.parcel_lost.v1", "order.exception_opened.v1")
    assert levels(story) == {"available": 8, "written_off": 2}
    story.when(on(LoseParcel, reason="追件无果")).then()
    story.when(on(RefuseParcel, reason="找到退回")).then(
        "order.parcel_refused.v1", "order.exception_closed.v1", "order.exception_opened.v1")
    assert levels(story) == {"available": 8, "with_courier": 2}
    story.when(on(RefuseParcel, reason="找到退回")).then()
    story.when(on(DeliverParcel)).then("order.delivered.v1", "order.exception_closed.v1")
    assert goods(story) == {"1": {"delivered": 2}, "2": {"delivered": 1}}
    assert levels(story) == {"available": 8, "customer": 2}
    story.when(on(DeliverParcel)).refused(
        NothingUnderWay,
        f"{stream()} has no pieces on their way that are in no parcel. Name the parcel.")
    ready(PICK, CHECK, PACK, SEND).when(on(DeliverParcel)).refused(NothingUnderWay)


def test_parcel__that_came_back_in_part_holds_what_is_left_of_it() -> None:
    """Two of three were received of the first; the second is refused, and the first one arrives."""
    def pack(parcel: str) -> list[Any]:
        return [on(PickOrder, lines=[PickedFrom("1", 3)]), CHECK,
                on(PackOrder, parcel=parcel, lines=[Count("1", 3)]),
                on(DispatchParcel, parcel=parcel, courier="顺丰")]

    refuse = [on(RefuseParcel, parcel=parcel, reason="拒收") for parcel in ("P1", "P2")]
    story = given(
        opened(), received("SH-001", 10), sell(1, line(quantity=6)), on(ApproveOrder),
        on(SubmitOrder, warehouse=HOUSE), *pack("P1"), *pack("P2"), refuse[0],
        RequestCase(channel="taobao", shop="云杉书店", number="R1", currency="CNY", kind="refused",
                    order=stream(), lines=[CaseLine(line="1", quantity=2)], occurred_at=LATER),
        AuthoriseCase(case=R1, occurred_at=LATER),
        ReceiveGoods(case=R1, warehouse=HOUSE, lines=[Count("1", 2)], occurred_at=LATER), refuse[1])
    assert goods(story) == {"1": {"returned": 2, "returning_to_sender": 4}}
    story.when(ARRIVE).then("order.delivered.v1")
    assert goods(story) == {"1": {"returned": 2, "returning_to_sender": 3, "delivered": 1}}
    assert levels(story)["with_courier"] == 3


def test_step__of_what_was_sent_is_corrected_after_an_end_too() -> None:
    """Delivered by mistake, completed, and then the parcel is found to be lost."""
    story = ready(PICK, CHECK, PACK, SEND, ARRIVE, pay(amount_minor=14970))
    arrived = next(position for position, fact in story.placed
                   if fact.TOPIC == "order.delivered.v1")
    story.decide(end())
    story.when(on(CorrectStep, position=arrived, reason="点错")).then("order.step_corrected.v1")
    assert goods(story) == {"1": {"in_transit": 2}, "2": {"in_transit": 1}}
    sent = next(position for position, fact in story.placed
                if fact.TOPIC == "order.dispatched.v1")
    story.when(on(CorrectStep, position=sent, reason="点错")).refused(OrderEnded)
    story.when(on(LoseParcel, parcel="P1", reason="追件无果")).then(
        "order.parcel_lost.v1", "order.exception_opened.v1")


def test_check__that_failed_for_pieces_that_are_all_given_up_is_settled() -> None:
    story = given(opened(), received("SH-001", 3), received("PEN", 1),
                  sell(1, line(quantity=1), line("PEN", name="2")), on(ApproveOrder),
                  on(SubmitOrder, warehouse=HOUSE), on(PickOrder, lines=[PickedFrom("2", 1)]),
                  CHECK, on(PackOrder, parcel="P1", lines=[Count("2", 1)]), SEND,
                  on(PickOrder, lines=[PickedFrom("1", 1)]),
                  on(CheckOrder, passed=False, faulty=[Count("1", 1)], note="破损"))
    assert story.known[stream()].exceptions == {"check_failed": "check_failed"}
    story.when(on(CancelPieces, lines=[Count("1", 1)], reason="断货")).then(
        "order.pieces_cancelled.v1", "order.exception_closed.v1")
