"""What files declare: the difference is recorded, in the file's own times."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example
from hypothesis import given as for_all
from hypothesis import strategies as st

from ledger.common.moments import Moment
from ledger.core.commands import Command
from ledger.fulfilment.commands import CheckOrder, DeliverParcel, PackOrder, ReserveOrder
from ledger.orders.commands import (
    ApproveOrder,
    CancelPieces,
    ChangeLines,
    CorrectDetails,
    HoldOrder,
    SubmitOrder,
)
from ledger.orders.declared import NumberReused
from ledger.orders.errors import SentFromUnknown
from ledger.orders.order import Order
from ledger.orders.values import ENDED, Amounts
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku
from tests.support.builders import (
    CHANNEL,
    HOUSE,
    NOON,
    line,
    opened,
    place,
    received,
    record,
    remark,
    sell,
    stream,
)
from tests.support.shipping import CHECK, PICK, on, ready
from tests.support.stories import Story, given, goods, levels

PAID = Moment(NOON + timedelta(minutes=5))
UNPAID: dict[str, Any] = {"paid": None, "paid_minor": None, "dispatched": None, "ended": None,
                          "ended_as": ""}
WHOLE = ("order.placed.v1", "order.paid.v1", "order.dispatched.v1", "order.completed.v1")


def test_record__accepted_when_new() -> None:
    facts = given().when(record()).then(*WHOLE)
    assert [fact.occurred_at for fact in facts] == [
        NOON, PAID.at, NOON + timedelta(days=1), NOON + timedelta(days=9)]


def test_record__ignored_when_nothing_is_new() -> None:
    given(record(account="reader", remark="易碎")).when(
        record(account="reader", remark="易碎")).then()


def test_record__accepted_when_the_status_is_newer() -> None:
    given(record(**UNPAID)).when(record()).then(*WHOLE[1:])


def test_record__accepted_when_times_are_out_of_order() -> None:
    """A carrier's scan before the payment is a fact, not a mistake of ours."""
    given().when(record(dispatched=Moment(NOON - timedelta(days=1)))).then(*WHOLE)


def test_record__accepted_when_the_price_changed_before_payment() -> None:
    (fact,) = given(record(**UNPAID)).when(
        record(**UNPAID, amounts=Amounts(total_minor=4500))).then("order.price_changed.v1")
    assert fact.inferred == ["occurred_at"]


def test_record__accepted_as_a_correction_when_a_paid_order_has_another_total() -> None:
    fact, _ = given(record()).when(record(amounts=Amounts(total_minor=4500))).then(
        "order.corrected.v1", "order.exception_opened.v1")
    assert (fact.corrected_version, fact.fact, fact.new) == (1, "amounts", {"total_minor": 4500})


def test_record__accepted_when_the_recipient_changed() -> None:
    (fact,) = given(record(recipient="甲")).when(record(recipient="乙")).then(
        "order.details_changed.v1")
    assert fact.recipient.n == "乙"


def test_record__accepted_when_the_province_changed_with_the_address_or_alone() -> None:
    story = given(record(province="天津", address="河西区"))
    (fact,) = story.when(record(province="浙江省", address="拱墅区")).then(
        "order.details_changed.v1")
    assert (fact.province, fact.address.n) == ("浙江省", "拱墅区")
    (alone,) = story.when(record(province="上海", address="拱墅区")).then(
        "order.details_changed.v1")
    assert (alone.province, alone.address) == ("上海", None)
    story.when(record(province="上海")).then()
    story.when(record(address="拱墅区")).then()


def test_record__ignored_when_an_older_file_names_another_province() -> None:
    given(record(province="浙江省")).when(record(**UNPAID, province="天津")).then()


def test_record__accepted_with_the_province_alone_when_the_buyer_was_erased() -> None:
    story = given(record(account="a", province="天津", address="河西区"))
    story.erased.add(story.known[stream()].whose())
    (fact,) = story.when(record(account="a", province="浙江省", address="拱墅区")).then(
        "order.details_changed.v1")
    assert (fact.province, fact.address) == ("浙江省", None)


def test_record__leaves_details_that_somebody_corrected_until_a_file_says_something_new() -> None:
    """R-ORD-52. The platform goes on printing the address that the buyer gave it."""
    before = {"address": "旧路 1 号", "province": "天津"}
    story = given(record(**UNPAID, **before, phone="1"), on(
        CorrectDetails, address="新路 2 号", province="浙江省", consent="电话"))
    story.when(record(**before, phone="1")).then(*WHOLE[1:])
    order = story.known[stream()]
    assert (order.revealed("address"), order.province) == ("新路 2 号", "浙江省")
    story.when(record(address="新路 2 号", province="浙江省", phone="1")).then()
    (fact,) = story.when(record(**before, phone="2")).then("order.details_changed.v1")
    assert (fact.address, fact.province, fact.phone.n) == (None, None, "2")
    (fact,) = story.when(record(address="三路", province="上海", phone="2")).then(
        "order.details_changed.v1")
    assert (fact.address.n, fact.province) == ("三路", "上海")
    (fact,) = story.when(record(**before, phone="2")).then("order.details_changed.v1")
    assert (fact.address.n, fact.province) == ("旧路 1 号", "天津")


def test_record__leaves_details_that_were_corrected_twice() -> None:
    story = given(record(**UNPAID, address="旧路"), *(
        on(CorrectDetails, address=street, consent="电话") for street in ("新路", "再新路")))
    story.when(record(**UNPAID, address="旧路")).then()


@pytest.mark.parametrize("reserved", [False, True])
def test_record__leaves_lines_that_somebody_changed_until_a_file_says_something_new(
    reserved: bool
) -> None:
    """R-ORD-52. Whether or not goods have moved for it."""
    before, after, new = ([line(sku)] for sku in ("SH-001", "PEN", "BAG"))
    paid: dict[str, Any] = {"dispatched": None, "ended": None, "ended_as": ""}
    stock = [opened(), received("SH-001", 1), received("PEN", 1)]
    story = given(*stock, record(**UNPAID, lines=before),
                  *([on(ReserveOrder, warehouse=HOUSE)] if reserved else ()),
                  on(ChangeLines, lines=after, consent="电话"))
    story.when(record(**paid, lines=before)).then(WHOLE[1])
    assert story.known[stream()].lines["1"].sku == "PEN"
    story.when(record(**paid, lines=after)).then()
    story.when(record(**paid, lines=new)).then(
        "order.exception_opened.v1" if reserved else "order.corrected.v1")
    story.when(record(**paid, lines=before)).then(
        "order.exception_closed.v1" if reserved else "order.corrected.v1")


def test_record__agrees_where_it_leaves_out_pieces_that_were_cancelled() -> None:
    """R-ORD-52. Whether or not the platform took them off, too."""
    story = given(record(**UNPAID, lines=[line(quantity=5), line("PEN", name="2")]),
                  on(CancelPieces, lines=[Count("1", 2), Count("2", 1)], reason="买家来电"))
    story.when(record(**UNPAID, lines=[line(quantity=3)])).then()
    story.when(record(**UNPAID, lines=[line(quantity=5), line("PEN", name="2")])).then()
    story.when(record(**UNPAID, lines=[line(quantity=4)])).then("order.exception_opened.v1")
    story.when(record(**UNPAID, lines=[line(quantity=3)])).then("order.exception_closed.v1")


def test_record__rejected_when_the_number_is_another_buyers() -> None:
    given(record(account="a")).when(record(account="b")).refused(NumberReused)


def test_record__rejected_when_the_number_comes_again_later() -> None:
    later = Moment(NOON + timedelta(days=2))
    given(record()).when(record(placed=later, reuse_gap_days=1)).refused(NumberReused)
    given(record()).when(record(placed=later, reuse_gap_days=3)).then()


def test_record__accepted_when_a_re_used_number_is_said_to_be_one() -> None:
    story = given(record(account="a")).when(record(account="b", reused=2))
    story.then(*WHOLE)
    assert set(story.known) == {stream(), f"{stream()}~2"}


def test_record__accepted_after_a_decision() -> None:
    given(place()).when(record()).then(*WHOLE[1:])


REFUNDED = {"refunded": Moment(NOON + timedelta(days=12)), "refunded_minor": 990}


PERSONAL = st.fixed_dictionaries({}, optional={
    name: st.sampled_from(["甲", "乙"]) for name in ("recipient", "phone", "remark", "reason")})
STATES = st.sampled_from([UNPAID, {}, {"ended_as": "cancelled"}])
SAYS = st.one_of(
    st.builds(lambda state, said, account: record(**{**state, **said, **account}), STATES, PERSONAL,
              st.sampled_from([{}, {"account": "读者"}])),
    st.just(remark()), st.just(HoldOrder(order=stream(), reason="改地址", occurred_at=NOON)))


ACCOUNT_FIRST = record(**UNPAID, account="读者", recipient="甲")
ACCOUNT_LATER = [record(**UNPAID, recipient="甲"), record(**UNPAID, account="读者")]


@for_all(said=st.lists(SAYS, min_size=2, max_size=6))
@example(said=[ACCOUNT_FIRST, record(**UNPAID, phone="甲")])
@example(said=[ACCOUNT_FIRST, record(**UNPAID, remark="甲")])
@example(said=[ACCOUNT_FIRST, record(ended_as="cancelled", reason="甲")])
@example(said=[*ACCOUNT_LATER, remark()])
def test_record__seals_all_for_the_buyer_once_an_account_is_known(said: list[Command]) -> None:
    """Whoever writes it, and whether or not the file names the account again."""
    story = Story()
    for command in said:
        story.when(command)
        known = story.known.get(stream())
        if isinstance(known, Order):
            buyer = f"buyer:{CHANNEL}:读者" if "account" in known.buyer else stream()
            persons = {value.p for fact in story.facts for name in fact.PERSONAL
                       if (value := getattr(fact, name)) is not None}
            assert persons <= {f"person:{buyer}"}


@pytest.mark.parametrize("older", [
    UNPAID,
    {"dispatched": None, "ended": None, "ended_as": ""},
    {"ended": None, "ended_as": ""},
    {},
    {"recipient": "甲", "amounts": Amounts(total_minor=1), **UNPAID},
])
def test_record__ignored_when_an_older_export_comes_late(older: dict[str, Any]) -> None:
    given(record(**REFUNDED)).when(record(**older)).then()


@for_all(order=st.permutations(range(5)))
def test_record__same_end_whatever_order_the_exports_come_in(order: list[int]) -> None:
    """Five exports of one order, each later than the one before, brought in any order."""
    stages: list[dict[str, Any]] = [
        UNPAID, {"dispatched": None, "ended": None, "ended_as": ""},
        {"ended": None, "ended_as": ""}, {}, REFUNDED]
    story = Story()
    for number in order:
        story.decide(record(**stages[number]))
    final = story.known[stream()]
    assert (final.paid_minor, final.refunded_minor, final.ended) == (  # type: ignore[attr-defined]
        4990, 990, "completed")
    assert final.version == 5


# -- ends, dispatches and arrivals, in any order of telling ----------------------------------------

UNTOLD: dict[str, Any] = {"dispatched": None, "courier": None, "waybill": None, "ended": None,
                          "ended_as": ""}
SENT, ARRIVED, OVER = (Moment(NOON + timedelta(days=day)) for day in (1, 2, 9))
FIVE = [line(quantity=5)]


def told(**fields: Any) -> Any:
    """What a file says of an order of 5 books."""
    return record(**{**UNTOLD, "lines": FIVE, "amounts": Amounts(), **fields})


def sold(*more: Any) -> Story:
    """An order of 5 of 10 books, reserved."""
    return given(opened(), received(), sell("1", *FIVE), *more)


def exceptions(story: Story) -> set[str]:
    """The kinds of the open exceptions of the order."""
    return set(story.known[stream()].exceptions.values())


@pytest.mark.parametrize("ended_as", ENDED)
def test_ends__and_was_sent_all_the_same_but_for_what_was_cancelled_before(ended_as: str) -> None:
    story = sold(on(CancelPieces, lines=[Count("1", 2)], reason="少要"),
                 told(ended=OVER, ended_as=ended_as))
    assert (goods(story)["1"], levels(story)) == ({"cancelled": 5}, {"available": 10})
    assert exceptions(story) == {"completed_unsent" if ended_as == "completed" else "refund_due"}
    story.decide(told(dispatched=SENT, ended=OVER, ended_as=ended_as))
    assert goods(story)["1"] == {"cancelled": 2, "in_transit": 3}
    assert levels(story) == {"available": 7, "with_courier": 3}
    assert exceptions(story) == (set() if ended_as == "completed" else {"refund_due"})


def test_ends__completed_after_it_was_closed_opens_an_exception_for_what_was_not_sent() -> None:
    story = sold(told(ended=OVER, ended_as="closed"), told(ended=OVER, ended_as="completed"))
    assert exceptions(story) == {"completed_unsent"}
    story.decide(told(ended=OVER, ended_as="cancelled"))
    assert exceptions(story) == {"refund_due"}


@pytest.mark.parametrize(("ended_as", "state"), [
    ("completed", "delivered"), ("closed", "cancelled"), ("cancelled", "cancelled")])
def test_ends__before_its_lines_are_known_leaves_nothing_to_be_sent(
    ended_as: str, state: str
) -> None:
    story = given(opened(), received(), told(lines=None, ended=OVER, ended_as=ended_as),
                  told(ended=OVER, ended_as=ended_as))
    assert goods(story)["1"] == {state: 5}


@pytest.mark.parametrize("before", [
    [place(lines=[line("KIT", quantity=3)]),
     on(CancelPieces, lines=[Count("1", 1)], reason="少要")],
    [told(lines=[line("KIT", quantity=2)], ended=OVER, ended_as="closed")],
], ids=["a piece cancelled", "closed"])
def test_kit__is_sent_as_its_parts_whatever_was_cancelled_of_it(before: list[Any]) -> None:
    """Nobody reserved it, so nothing says what it is made of but its master data."""
    story = given(opened(), received("P1"), received("P2"),
                  BundleSku(sku="KIT", parts=[Part("P1", 1), Part("P2", 2)], occurred_at=NOON),
                  *before)
    ended = story.known[stream()].ended
    quantity = sum(goods(story)["1"].values())
    story.decide(told(lines=[line("KIT", quantity=quantity)], dispatched=SENT, warehouse=HOUSE,
                      ended=OVER if ended else None, ended_as=ended))
    assert levels(story, "P1") == {"available": 8, "with_courier": 2}
    assert levels(story, "P2") == {"available": 6, "with_courier": 4}


def test_parcel__that_arrives_does_not_keep_what_is_in_none_from_arriving() -> None:
    """The platform sent all, of which the warehouse had packed some."""
    lines = [line(quantity=2), line("PEN", name="2")]
    story = ready(PICK, CHECK, on(PackOrder, parcel="P1", lines=[Count("1", 2)]),
                  told(lines=lines, dispatched=SENT), on(DeliverParcel, parcel="P1"))
    assert goods(story) == {"1": {"delivered": 2}, "2": {"in_transit": 1}}
    facts = story.when(told(lines=lines, dispatched=SENT, delivered=ARRIVED)).facts
    assert [fact.TOPIC for fact in facts][:1] == ["order.delivered.v1"]
    assert levels(story, "PEN") == {"available": 4, "customer": 1}
    story.when(told(lines=lines, dispatched=SENT, delivered=ARRIVED)).then()


def test_parcel__told_to_have_arrived_before_it_was_told_to_be_sent() -> None:
    story = sold(told(delivered=ARRIVED), told(dispatched=SENT, delivered=ARRIVED))
    assert goods(story)["1"] == {"delivered": 5}
    assert levels(story) == {"available": 5, "customer": 5}


def test_parcel__sent_from_nobody_knows_where_is_no_warehouse_s() -> None:
    """Else it would arrive out of a courier's hands who never got it from there."""
    story = given(opened(), received(), told(dispatched=SENT), on(ApproveOrder))
    story.when(on(SubmitOrder, warehouse=HOUSE)).refused(SentFromUnknown)
    story.decide(told(dispatched=SENT, delivered=ARRIVED))
    assert (goods(story)["1"], levels(story)) == ({"delivered": 5}, {"available": 10})
    story.when(on(SubmitOrder, warehouse=HOUSE)).then("order.submitted.v1")


def test_ends__sent_by_a_file_takes_the_youngest_reservation_when_nothing_is_free() -> None:
    story = given(opened(), received(), sell("2", line(quantity=4)), sell("3", line(quantity=4)),
                  told(dispatched=SENT, warehouse=HOUSE))
    assert levels(story) == {"reserved": 5, "with_courier": 5}
    assert story.known[stream("2")].goods["1"] == {"reserved": 4}
    assert story.known[stream("3")].goods["1"] == {"reserved": 1, "short": 3}
    assert story.known[stream("3")].exceptions == {"out_of_stock": "out_of_stock"}


def test_parcel__sent_by_a_file_leaves_no_check_for_what_is_picked_later() -> None:
    lines = [line(quantity=2), line("PEN", name="2")]
    story = ready(PICK, CHECK, told(lines=lines, dispatched=SENT))
    assert story.known[stream()].checked == {}
    story = ready(PICK, on(CheckOrder, passed=False, note="破损"),
                  told(lines=lines, dispatched=SENT))
    assert "check_failed" not in exceptions(story)


@pytest.mark.parametrize(("ended_as", "state"), [
    ("closed", "cancelled"), ("cancelled", "cancelled"), ("completed", "delivered")])
def test_ends__leave_nothing_of_lines_that_become_known_later(ended_as: str, state: str) -> None:
    """An order list brings an order that has ended, an item list its lines; then other ones."""
    ended = {**UNPAID, "ended": Moment(NOON + timedelta(days=1)), "ended_as": ended_as}
    story = given(record(**ended, lines=None))
    story.when(record(**ended, lines=[line(quantity=2)])).then("order.lines_declared.v1")
    assert story.known[stream()].goods == {"1": {state: 2}}
    story.when(record(**ended, lines=[line("PEN", quantity=3)])).then("order.corrected.v1")
    assert story.known[stream()].goods == {"1": {state: 3}}
