"""The review of an order: what is refused, and whether the sentence answers what was asked."""

import msgspec

from ledger.fulfilment.commands import (
    CheckOrder,
    CorrectStep,
    LoseParcel,
    PackOrder,
    PickOrder,
    RefuseParcel,
    ReleaseReservation,
    ReportTransit,
    ReserveOrder,
    UnpickOrder,
    VoidParcel,
)
from ledger.handlers.table import HANDLERS
from ledger.orders.commands import (
    ApproveOrder,
    AssignOrder,
    CancelPieces,
    ChangeLines,
    ChangePrice,
    CloseException,
    CorrectDetails,
    CorrectOrder,
    HoldOrder,
    LiftHold,
    NoteException,
    OnOrder,
    OpenException,
    RefundOrder,
    RemarkOrder,
    ReviewFinance,
    SellBelowFloor,
    SubmitOrder,
)
from ledger.orders.errors import (
    ExceptionUnknown,
    GoodsElsewhere,
    GoodsMoved,
    OrderHeld,
    OrderNotReady,
)
from ledger.orders.order import Order
from ledger.orders.values import PickedFrom
from ledger.policies.values import Signing, Threshold
from ledger.stock.pieces import Count
from ledger.stock.prices import PriceSku
from tests.support.builders import (
    HOUSE,
    NOON,
    costing,
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
from tests.support.shipping import SEND, on, ready
from tests.support.stories import given
from tests.support.team import published
from tests.support.written import WORDS, sealed_for


def test_submit__rejected_before_the_review() -> None:
    given(place()).when(on(SubmitOrder, warehouse=HOUSE)).refused(
        OrderNotReady, f"{stream()} has not been reviewed and approved yet.")


def test_submit__rejected_to_another_warehouse_than_holds_its_goods() -> None:
    given(opened(), received(), sell(), on(ApproveOrder)).when(
        on(SubmitOrder, warehouse="east")).refused(
        GoodsElsewhere,
        f"{stream()} cannot be served from east: pieces of it are reserved in main. What is "
        "reserved or short there can be moved or released.")


def test_change_lines__rejected_where_it_leaves_less_than_was_picked() -> None:
    ready(PICK, PICK).when(on(ChangeLines, lines=[line()], consent="电话确认")).refused(
        GoodsMoved, f"The lines of {stream()} cannot be changed so: of line 1 2 pieces are picked, "
        "and the change leaves 1 of them. Put back what was picked, open what was packed, or leave "
        "the line as it is and open a case for what was sent.")


def test_exception__rejected_when_it_is_not_open() -> None:
    fields = {"order": stream(), "occurred_at": NOON, "exception": "地址", "note": "已电话确认"}
    story = given(place()).when(CloseException(**fields))
    story.refused(ExceptionUnknown, f"{stream()} has no open exception 地址.")
    story.when(OpenException(**fields, kind="address_invalid", owner="member:1")).then(
        "order.exception_opened.v1")
    story.when(NoteException(**fields)).then("order.exception_noted.v1")
    story.when(CloseException(**fields)).then("order.exception_closed.v1")
    story.when(NoteException(**fields)).refused(ExceptionUnknown)


BUYER = "buyer:taobao:reader"
PICK = on(PickOrder, lines=[PickedFrom("1", 1)])
PACK = on(PackOrder, parcel="P1", lines=[Count("1", 1)])

WRITTEN = [
    on(OpenException, exception="e", kind="buyer_remark", note=WORDS),
    on(NoteException, exception="e", note=WORDS), on(CloseException, exception="e", note=WORDS),
    on(HoldOrder, reason=WORDS), on(LiftHold, note=WORDS), on(ApproveOrder, note=WORDS),
    on(AssignOrder, owner="member:7", reason=WORDS),
    on(ChangeLines, lines=[line(quantity=3)], consent=WORDS),
    on(CancelPieces, lines=[Count("1", 1)], reason=WORDS),
    on(ChangePrice, amounts=costing([line(quantity=2)], 5000), reason=WORDS),
    on(ReviewFinance, outcome="approved", note=WORDS), on(SellBelowFloor, reason=WORDS),
    pay(amount_minor=5000),
    on(CorrectOrder, fact="paid", amount_minor=4990, reason=WORDS),
    on(RefundOrder, amount_minor=10, reference="R1", reason=WORDS, account=WORDS),
    on(SubmitOrder, warehouse=HOUSE), on(ReserveOrder, warehouse=HOUSE),
    on(ReleaseReservation, reason=WORDS), on(ReserveOrder, warehouse=HOUSE), PICK,
    on(CheckOrder, passed=False, faulty=[Count("1", 1)], note=WORDS), PICK,
    on(UnpickOrder, lines=[PickedFrom("1", 1)], reason=WORDS), PICK, on(CheckOrder, passed=True),
    PACK, on(VoidParcel, parcel="P1", reason=WORDS),
    on(CorrectDetails, address=WORDS, consent=WORDS), PACK, SEND,
    on(ReportTransit, parcel="P1", note=WORDS), on(RefuseParcel, parcel="P1", reason=WORDS),
    on(LoseParcel, parcel="P1", reason=WORDS), on(CorrectStep, position=1, reason=WORDS),
    end("2", "closed", reason=WORDS), end("3", "cancelled", reason=WORDS)]
"""All commands of an order in which somebody writes something, with those between them. The step
that is corrected is the one before."""


def test_written__is_sealed_for_the_buyer_and_readable_nowhere() -> None:
    story = given(published(
        signing=[Signing(act="order.review_finance", apart_from=[])], thresholds=[Threshold(
            threshold="finance_review", value="4999", unit="fen", zh="x", en="x")]),
        PriceSku(sku="SH-001", amount_minor=9_990, floor_minor=4_991, currency="CNY",
                 occurred_at=NOON),
        opened(), received("SH-001", 3), *(place(number, account="reader", terms="on_delivery")
                    for number in "123"))
    sealing = set()
    for command in WRITTEN:
        if isinstance(command, CorrectStep):
            command = msgspec.structs.replace(command, position=max(
                position for position, fact in story.placed
                if isinstance(fact, Order.CORRECTABLE)))
        if command.PERSONAL and any(getattr(command, name) for name in command.PERSONAL):
            assert sealed_for(story, command) == {BUYER}
            sealing.add(type(command))
        else:
            story.decide(command)
    assert sealing == {cls for cls in HANDLERS if cls.PERSONAL and issubclass(cls, OnOrder)} - {
        RemarkOrder}
    (fact,) = given(place()).when(on(ApproveOrder)).then("order.approved.v1")
    assert fact.note is None


def test_written__of_an_order_without_an_account_is_of_a_person_of_its_own() -> None:
    assert sealed_for(given(place()), on(HoldOrder, reason=WORDS)) == {stream()}


def test_declared_end__has_its_reason_sealed_for_the_buyer() -> None:
    ended = record(ended_as="closed", account="reader", reason=WORDS)
    assert ended.persons() == record(reason="x", account="reader").persons() == [BUYER]
    assert sealed_for(given(), ended) == {BUYER}


def test_hold__changes_nothing_for_the_same_reason_and_is_refused_for_another() -> None:
    story = given(place(), on(HoldOrder, reason="改地址"))
    story.when(on(HoldOrder, reason="改地址")).then()
    story.when(on(HoldOrder, reason="缺货")).refused(
        OrderHeld, f"{stream()} is on hold. Lift the hold first.")
