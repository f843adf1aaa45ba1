"""The review of an order: what is refused, and whether the sentence answers what was asked."""

from ledger.orders.commands import (
    ApproveOrder,
    AssignOrder,
    ChangeLines,
    CloseException,
    HoldOrder,
    LiftHold,
    NoteException,
    OpenException,
    SubmitOrder,
)
from ledger.orders.errors import ExceptionUnknown, GoodsElsewhere, GoodsMoved, OrderNotReady
from tests.support.builders import HOUSE, NOON, line, opened, place, received, sell, stream
from tests.support.shipping import on, ready
from tests.support.stories import given


def test_submit__rejected_before_the_review() -> None:
    given(place()).when(on(SubmitOrder, warehouse=HOUSE)).refused(
        OrderNotReady, f"{stream()} has not been approved yet.")


def test_submit__rejected_to_another_warehouse_than_holds_its_goods() -> None:
    given(opened(), received(), sell(), on(ApproveOrder)).when(
        on(SubmitOrder, warehouse="east")).refused(
        GoodsElsewhere,
        f"{stream()} cannot be served from east: pieces of it are reserved in main. What is "
        "reserved or short there can be moved or released.")


def test_change_lines__rejected_once_reserved() -> None:
    ready().when(on(ChangeLines, lines=[line()], consent="电话确认")).refused(
        GoodsMoved, f"The lines of {stream()} cannot be changed: pieces of it are reserved.")


def test_exception__rejected_when_it_is_not_open() -> None:
    fields = {"order": stream(), "occurred_at": NOON, "exception": "地址", "note": "已电话确认"}
    story = given(place()).when(CloseException(**fields))
    story.refused(ExceptionUnknown, f"{stream()} has no open exception 地址.")
    story.when(OpenException(**fields, kind="address_invalid", owner="member:1")).then(
        "order.exception_opened.v1")
    story.when(NoteException(**fields)).then("order.exception_noted.v1")
    story.when(CloseException(**fields)).then("order.exception_closed.v1")
    story.when(NoteException(**fields)).refused(ExceptionUnknown)


def test_notes__are_sealed_for_the_buyer() -> None:
    note = "买家来电改期"
    story = given(place(account="reader"))
    for command, topic in ((on(ApproveOrder, note=note), "order.approved.v1"),
                           (on(HoldOrder, reason="x"), "order.held.v1"),
                           (on(LiftHold, note=note), "order.hold_lifted.v1"),
                           (on(AssignOrder, owner="member:7", reason=note),
                            "order.owner_assigned.v1")):
        (fact,) = story.when(command).then(topic)
        for name in type(fact).PERSONAL:
            assert getattr(fact, name).p == "person:buyer:taobao:reader"
        assert type(fact).PERSONAL or topic == "order.held.v1"
    (fact,) = given(place()).when(on(ApproveOrder)).then("order.approved.v1")
    assert fact.note is None
