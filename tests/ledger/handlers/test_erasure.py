"""Two people erase a person: who may, who goes along, and that nothing brings them back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.common.context import Receipt
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.erasure.commands import (
    ConfirmErasure,
    HoldPerson,
    LiftPersonHold,
    RequestErasure,
    WithdrawErasure,
)
from ledger.erasure.errors import (
    AlreadyErased,
    AskerConfirms,
    ErasureNotRequested,
    ErasureRequested,
    GroupChanged,
    MemberStillHere,
    PersonHeld,
    PersonUnknown,
    SeenTooEarly,
    TooManyTogether,
)
from ledger.erasure.finding import confirmation_of, persons_of, request_of, status_of
from ledger.handlers import erasure
from ledger.log.erasures import ERASED, erased_by
from ledger.orders.commands import HoldOrder, LiftHold, RefundOrder
from ledger.orders.declared import BuyerLost
from ledger.people.commands import ChangeDetails, JoinMember, LeaveShop, RequestLeave
from ledger.returns.commands import (
    CloseCase,
    InspectGoods,
    ReceiveParcel,
    RejectCase,
    RequestCase,
)
from ledger.returns.values import CaseLine, Outcome
from ledger.settings import Settings, open_ledger
from tests.support.builders import (
    CONTEXT,
    NOON,
    context,
    named,
    opened,
    pay,
    place,
    record,
    remark,
    stream,
)
from tests.support.erasing import ASKS, CONFIRMS, ask, buyer, confirm, erase, sealed_for

PHONE = "13800000001"


@pytest.fixture
def shop() -> Iterator[Ledger]:
    """A ledger in memory."""
    found = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    yield found.ledger
    found.close()


def facts(ledger: Ledger, after: int = 0) -> list[Any]:
    """What was recorded, without the events of the log itself."""
    return [event_types.decode(entry) for entry in ledger.store.read(ledger.id, after=after)
            if not entry.type.startswith("log.")]


def hold(person: str) -> HoldPerson:
    return HoldPerson(person=person, reason="纠纷", occurred_at=NOON)


# -- two people -----------------------------------------------------------------------------------


def test_confirm__erases_the_person(shop: Ledger) -> None:
    shop.handle(place(account="a", phone=PHONE), CONTEXT)
    person = buyer(shop)
    ask(shop, person)
    with pytest.raises(AskerConfirms):
        confirm(shop, person, by=ASKS)
    receipt = confirm(shop, person)
    last = shop.store.read(shop.id)[-1]
    assert (last.type, erased_by(last), last.position) == (ERASED, [person], receipt.position)
    assert shop.keys.is_erased(person)
    fact = facts(shop)[0]
    assert shop.keys.reveal(fact.phone, stream(), 1, "/phone") is None


def test_confirm__erases_also_whose_key_is_damaged(tmp_path: Path) -> None:
    """R-KEY-12: a damaged key concerns nobody else, and an old backup may open it still."""
    found = open_ledger(Settings(
        database_url=f"sqlite:///{tmp_path}/a.db", keys_url=f"sqlite:///{tmp_path}/a.keys.db",
        master_key_file=tmp_path / "key"))
    shop = found.ledger
    shop.handle(JoinMember(member="member:1", name="张三", joined_on="2026-09-01",
                            occurred_at=NOON), CONTEXT)
    shop.handle(place(account="a", phone=PHONE), CONTEXT)
    shop.handle(place(2, account="b", phone=PHONE), CONTEXT)
    one, two = buyer(shop), buyer(shop, 2)
    shop.keys.forget_opened()
    with found.keys.changing() as connection:
        connection.exec_driver_sql(
            "UPDATE persons SET wrapped = zeroblob(92) WHERE person <> ?", (one,))
    for person in (one, two):
        assert status_of(shop.store, shop.keys, person)["erased"] is False
        erase(shop, person)
        assert status_of(shop.store, shop.keys, person)["erased"] is True
    found.close()


def test_confirm__rejected_before_it_was_requested(shop: Ledger) -> None:
    shop.handle(place(phone=PHONE), CONTEXT)
    person = buyer(shop)
    with pytest.raises(ErasureNotRequested):
        confirm(shop, person)
    ask(shop, person)
    shop.handle(WithdrawErasure(person=person, occurred_at=NOON), CONFIRMS)
    for command in (WithdrawErasure(person=person, occurred_at=NOON),
                    confirmation_of(shop.store, shop.keys, person, occurred_at=NOON)):
        with pytest.raises(ErasureNotRequested):
            shop.handle(command, CONFIRMS)


def test_request__is_one_at_a_time(shop: Ledger) -> None:
    shop.handle(place(phone=PHONE), CONTEXT)
    person = buyer(shop)
    ask(shop, person)
    assert not ask(shop, person).positions
    for ground, who in (("unlawful", ASKS), ("requested", CONFIRMS)):
        with pytest.raises(ErasureRequested):
            shop.handle(RequestErasure(person=person, ground=ground, occurred_at=NOON), who)


def test_request__rejected_for_nobody(shop: Ledger) -> None:
    shop.handle(place(phone=PHONE), CONTEXT)
    with pytest.raises(PersonUnknown):
        ask(shop, "person:nobody")
    with pytest.raises(PersonUnknown):
        shop.handle(hold("person:nobody"), CONTEXT)
    with pytest.raises(PersonUnknown):
        confirm(shop, "person:nobody")


def test_person__is_asked_nothing_about_once_erased(shop: Ledger) -> None:
    shop.handle(place(phone=PHONE), CONTEXT)
    person = buyer(shop)
    confirmation = confirmation_of(shop.store, shop.keys, person, occurred_at=NOON)
    erase(shop, person)
    for command in (RequestErasure(person=person, ground="requested", occurred_at=NOON),
                    hold(person), LiftPersonHold(person=person, occurred_at=NOON), confirmation,
                    WithdrawErasure(person=person, occurred_at=NOON)):
        with pytest.raises(AlreadyErased):
            shop.handle(command, CONFIRMS)


def test_hold__keeps_a_person_and_their_kin(shop: Ledger) -> None:
    shop.handle_many([(place(phone=PHONE), CONTEXT), (remark(), CONTEXT)])
    person = buyer(shop)
    shop.handle(hold(person), CONTEXT)
    assert not shop.handle(hold(person), CONTEXT).positions
    ask(shop, person)
    with pytest.raises(PersonHeld):
        confirm(shop, person)
    shop.handle(LiftPersonHold(person=person, occurred_at=NOON), CONTEXT)
    assert not shop.handle(LiftPersonHold(person=person, occurred_at=NOON), CONTEXT).positions
    confirm(shop, person)
    assert shop.keys.is_erased(person)


def test_request__takes_a_person_whose_key_is_lost() -> None:
    """They are known by what is sealed for them; once erased, nobody waits for the key any more."""
    found = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    shop = found.ledger
    shop.handle(place(account="a", phone=PHONE), CONTEXT)
    person = buyer(shop)
    with found.keys.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM persons")
    shop.keys.forget_opened()
    with pytest.raises(BuyerLost):
        shop.handle(record(account="a"), CONTEXT)
    for found_in in (None, stream(2)):
        with pytest.raises(PersonUnknown):
            shop.handle(RequestErasure(person=person, ground="requested", found_in=found_in,
                                       occurred_at=NOON), ASKS)
    request = request_of(shop.store, shop.keys, person, ground="requested", occurred_at=NOON)
    assert request.found_in == stream()
    shop.handle(request, ASKS)
    at = confirm(shop, person).position
    assert shop.keys.is_erased(person)
    shop.handle(record(account="a", phone=PHONE, remark="李雷"), CONTEXT)
    assert facts(shop, at)
    assert not any(b'"p":' in entry.payload for entry in shop.store.read(shop.id, after=at))
    found.close()


# -- who goes along -------------------------------------------------------------------------------


def refused_goods(shop: Ledger) -> None:
    """An order that says nothing of its buyer, and a case of it that does."""
    shop.handle_many([
        (place(), CONTEXT), (pay(), CONTEXT),
        (RequestCase(channel="taobao", shop="云杉书店", number="R1", kind="refund_only",
                     order=stream(), currency="CNY", refund_minor=1, reason="李雷不喜欢",
                     occurred_at=NOON), CONTEXT)])


def test_confirm__marks_an_order_whose_buyer_stands_in_its_cases_only(shop: Ledger) -> None:
    refused_goods(shop)
    (person,) = persons_of(shop.store, shop.keys, "case:taobao:云杉书店:R1")
    assert persons_of(shop.store, shop.keys, stream()) == [person]
    at = erase(shop, person).position
    shop.handle_many([
        (remark(text="李雷"), CONTEXT),
        (RefundOrder(order=stream(), amount_minor=1, reference="R1",
                     account="6222", occurred_at=NOON), CONTEXT),
        (RejectCase(case="case:taobao:云杉书店:R1", reason="李雷", occurred_at=NOON), CONTEXT)])
    assert [type(fact).TOPIC for fact in facts(shop, at)] == [
        "order.refund_recorded.v1", "case.rejected.v1", "order.exception_closed.v1"]
    assert not any(b'"p":' in entry.payload for entry in shop.store.read(shop.id, after=at))


def test_confirm__rejected_when_somebody_new_goes_together_with_them(shop: Ledger) -> None:
    shop.handle(place(), CONTEXT)
    shop.handle(remark(), CONTEXT)
    person = buyer(shop)
    ask(shop, person)
    confirmation = confirmation_of(shop.store, shop.keys, person, occurred_at=NOON)
    shop.handle(record(account="a", phone=PHONE), CONTEXT)
    with pytest.raises(GroupChanged):
        shop.handle(confirmation, CONFIRMS)
    both = persons_of(shop.store, shop.keys, stream())
    assert len(both) == 2
    confirm(shop, person)
    assert all(shop.keys.is_erased(one) for one in both)


def test_confirm__rejected_when_it_was_looked_up_too_long_ago(
    shop: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "MOST_SINCE", 2)
    shop.handle(place(phone=PHONE), CONTEXT)
    person = buyer(shop)
    confirmation = confirmation_of(shop.store, shop.keys, person, occurred_at=NOON)
    shop.handle_many([(place(n), CONTEXT) for n in (2, 3)])
    ask(shop, person)
    with pytest.raises(SeenTooEarly):
        shop.handle(confirmation, CONFIRMS)


def test_confirm__rejected_when_too_many_go_together(
    shop: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.handle(place(phone=PHONE), CONTEXT)
    person = buyer(shop)
    ask(shop, person)
    monkeypatch.setattr(erasure, "MOST", 0)
    with pytest.raises(TooManyTogether):
        confirm(shop, person)


def test_confirm__rejected_for_a_member_who_is_here(shop: Ledger) -> None:
    member = "member:7f3a"
    shop.handle(JoinMember(member=member, joined_on="2026-09-01", name="张三", occurred_at=NOON),
                CONTEXT)
    (person,) = persons_of(shop.store, shop.keys, member)
    ask(shop, person)
    with pytest.raises(MemberStillHere):
        confirm(shop, person)
    without = confirmation_of(shop.store, shop.keys, person, occurred_at=NOON)
    with pytest.raises(GroupChanged):
        shop.handle(ConfirmErasure(person=person, together=without.together, seen=1,
                                   occurred_at=NOON), CONFIRMS)
    shop.handle(LeaveShop(member=member, last_day="2026-09-02", occurred_at=NOON), CONTEXT)
    at = confirm(shop, person).position
    shop.handle(ChangeDetails(member=member, name="张三", occurred_at=NOON), named())
    assert not sealed_for(shop, person, after=at)
    assert [type(one).TOPIC for one in facts(shop, at)] == ["command.done.v1"]


def test_confirm__marks_a_member_of_whom_only_leave_was_written(shop: Ledger) -> None:
    """Nothing in the member's own stream is theirs, and yet nobody new is made for them."""
    member = "member:7f3a"
    shop.handle(JoinMember(member=member, joined_on="2026-09-01", occurred_at=NOON), CONTEXT)
    shop.handle(RequestLeave(member=member, number="1", days=["2026-12-30"], reason="病假",
                             occurred_at=NOON), context(actor=member))
    shop.handle(LeaveShop(member=member, last_day="2026-09-02", occurred_at=NOON), CONTEXT)
    (person,) = persons_of(shop.store, shop.keys, member)
    at = erase(shop, person).position
    shop.handle(ChangeDetails(member=member, name="张三", occurred_at=NOON), CONTEXT)
    assert shop.keys.find([member]) == {}
    assert not facts(shop, at)


# -- nothing brings them back ---------------------------------------------------------------------


def test_order__takes_nothing_of_an_erased_buyer(shop: Ledger) -> None:
    shop.handle_many([(place(account="a", phone=PHONE), CONTEXT), (pay(), CONTEXT)])
    at = erase(shop, buyer(shop)).position
    results = shop.handle_many([
        (remark(), CONTEXT),
        (HoldOrder(order=stream(), reason="改地址", occurred_at=NOON), CONTEXT),
        (RefundOrder(order=stream(), amount_minor=1, reference="R1",
                     account="6222", reason="赔", occurred_at=NOON),
         CONTEXT)])
    assert all(type(result) is Receipt for result in results), results
    held, refunded = facts(shop, at)
    assert (held.reason, refunded.account, refunded.reason, refunded.amount_minor) == (
        None, None, None, 1)


def test_receipt__says_what_was_left_out(shop: Ledger) -> None:
    """Also when the same comes again; of what names nothing personal it says nothing."""
    shop.handle_many([(place(account="a", phone=PHONE), CONTEXT), (place(2, account="b"), CONTEXT)])
    erase(shop, buyer(shop))
    told: list[tuple[Command, bool]] = [
        (remark(), True), (HoldOrder(order=stream(), reason="改地址", occurred_at=NOON), True),
        (LiftHold(order=stream(), occurred_at=NOON), False), (pay(), False),
        (remark(2), False)]
    for command_id, (command, left_out) in enumerate(told, 1):
        for again in (False, True):
            receipt = shop.handle(command, named(command_id))
            assert isinstance(receipt, Receipt)
            assert (receipt.left_out, receipt.replayed) == (left_out, again), command


def test_account__is_a_new_person_in_a_new_order(shop: Ledger) -> None:
    """Also in one batch with the erasure: without a lookup nobody can know that it was erased."""
    shop.handle(place(account="a", phone=PHONE), CONTEXT)
    old = buyer(shop)
    ask(shop, old)
    results = shop.handle_many([
        (confirmation_of(shop.store, shop.keys, old, occurred_at=NOON), CONFIRMS),
        (place(2, account="a", phone=PHONE), CONTEXT), (remark(1), CONTEXT),
        (remark(2), CONTEXT)])
    assert all(type(result) is Receipt for result in results), results
    assert buyer(shop, 2) != old
    assert not sealed_for(shop, old, after=results[0].position)
    assert len(sealed_for(shop, buyer(shop, 2))) == 2


def test_case__takes_nothing_of_an_erased_buyer(shop: Ledger) -> None:
    case = "case:taobao:云杉书店:R1"
    shop.handle_many([
        (opened(), CONTEXT),
        (ReceiveParcel(channel="taobao", shop="云杉书店", number="R1", currency="CNY",
                       warehouse="main", note="李雷寄回", occurred_at=NOON,
                       lines=[CaseLine(line="1", sku="SH-001", quantity=1, unit_price=1,
                                       amount_minor=1)]), CONTEXT)])
    (person,) = persons_of(shop.store, shop.keys, case)
    at = erase(shop, person).position
    shop.handle_many([
        (InspectGoods(case=case, occurred_at=NOON, lines=[
            Outcome(line="1", quantity=1, disposition="damaged")]), CONTEXT),
        (CloseCase(case=case, note="李雷", occurred_at=NOON), CONTEXT)])
    assert facts(shop, at)[-1].note is None


def test_repeat__answers_its_first_receipt_after_the_erasure(shop: Ledger) -> None:
    command = place(account="a", phone=PHONE)
    first = shop.handle(command, named(1))
    erase(shop, buyer(shop))
    again = shop.handle(command, named(1))
    assert (again.replayed, again.positions) == (True, first.positions)
