
"""The rules of orders: what a command may do in which state."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ledger.common.errors import InvalidValues, LedgerError
from ledger.common.moments import Moment
from ledger.core.aggregate import StaleVersion
from ledger.fulfilment.commands import (
    LoseParcel,
    PackOrder,
    PickOrder,
    RefuseParcel,
    ReleaseReservation,
    ReserveOrder,
    VoidParcel,
)
from ledger.orders.commands import AssignOrder, CorrectDetails, HoldOrder, OpenException
from ledger.orders.errors import (
    DetailsPacked,
    OrderAlreadyDispatched,
    OrderAlreadyPlaced,
    OrderEnded,
    OrderNotPaid,
    OrderStarted,
    PiecesUnsent,
    TotalDisagrees,
)
from ledger.orders.order import Order
from ledger.orders.values import ENDED, OPEN, Amounts, Line, PickedFrom
from ledger.stock.pieces import Count
from tests.support.builders import (
    HOUSE,
    NOON,
    end,
    line,
    moved,
    pay,
    place,
    record,
    remark,
    stream,
)
from tests.support.payments import LATER, change, correct, refund
from tests.support.shipping import ARRIVE, CHECK, PACK, PICK, SEND, on, ready
from tests.support.stories import Story, given, goods, levels
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
    ({"amounts": Amounts(total_minor=12.0), "lines": None},  # type: ignore[arg-type]
     ["/amounts/total_minor"]),
    ({"lines": None, "amounts": Amounts(total_minor=-1)}, ["/amounts/total_minor"]),
    ({"lines": None, "amounts": Amounts(total_minor=2**53)}, ["/amounts/total_minor"]),
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
    ((pay(),), "completed", PiecesUnsent),
    ((record(),), "cancelled", OrderEnded),
    ((end(ended_as="cancelled"),), "closed", OrderEnded),
])
def test_end__rejected(history: tuple[Any, ...], ended_as: str,
                       error: type[LedgerError]) -> None:
    given(place(), *history).when(end(ended_as=ended_as)).refused(error)


def test_end__rejected_with_a_reason_that_nothing_would_hold() -> None:
    assert end(ended_as="cancelled", reason="bought twice").reason == "bought twice"
    with pytest.raises(InvalidValues, match="/reason: is only for closed, cancelled"):
        end(ended_as="completed", reason="bought twice")


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
    begun = record(ended=None, ended_as="") if ended_as == "completed" else place()
    story = given(begun, end(ended_as=ended_as))
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

    @rule(amount=st.integers(1, 5000), reference=st.sampled_from([None, "P1", "P2", "P3"]))
    def pay(self, amount: int, reference: str | None) -> None:
        self.attempt(pay(amount_minor=amount, reference=reference))

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


# -- details --------------------------------------------------------------------------------------


def details(**fields: Any) -> CorrectDetails:
    """The buyer said another address."""
    return CorrectDetails(**{"order": stream(), "occurred_at": NOON, "address": "拱墅区 1 号",
                             "consent": "电话确认", **fields})


def test_correct_details__accepted_until_a_parcel_is_packed() -> None:
    story = ready(PICK, CHECK)
    (fact,) = story.when(details(phone="139", province="浙江省")).then("order.details_changed.v1")
    assert (fact.address.n, fact.phone.n, fact.province, fact.consent.n) == (
        "拱墅区 1 号", "139", "浙江省", "电话确认")
    assert story.known[stream()].changed
    story.decide(PACK)
    story.when(details(address="别处")).refused(
        DetailsPacked, f"The details of {stream()} cannot be changed any more: parcel P1 is packed."
        " One that is only packed can be voided first.")
    story.decide(on(VoidParcel, parcel="P1", reason="改地址"))
    story.when(details(address="别处")).then("order.details_changed.v1")


def test_correct_details__ignored_when_nothing_differs_or_the_buyer_was_erased() -> None:
    story = given(place(account="a", address="拱墅区 1 号"))
    story.when(details(address="拱墅区 2 号")).then("order.details_changed.v1")
    story.erased.add(story.known[stream()].whose())
    story.when(details(address="拱墅区 3 号")).then()
    (fact,) = story.when(details(address="拱墅区 3 号", province="浙江省")).then(
        "order.details_changed.v1")  # which is nobody's
    assert (fact.province, fact.address) == ("浙江省", None)


def test_correct_details__rejected_after_the_end_or_the_dispatch() -> None:
    given(place(), end(1, "cancelled")).when(details()).refused(OrderEnded)
    given(record(ended=None, ended_as="")).when(details()).refused(OrderAlreadyDispatched)
    with pytest.raises(InvalidValues):
        details(address=None)


# -- ends -----------------------------------------------------------------------------------------

STEPS = [PICK, CHECK, PACK, SEND, ARRIVE]
ONE_OF_TWO = [on(PickOrder, lines=[PickedFrom("1", 1, "A1")]), CHECK,
              on(PackOrder, parcel="P1", lines=[Count("1", 1)]), SEND]
HISTORIES: dict[str, list[Any]] = {
    "reserved": [], **{name: STEPS[: far + 1] for far, name in enumerate(
        ("picked", "checked", "packed", "sent", "arrived"))},
    **{f"one {name}": ONE_OF_TWO[: far + 1] for far, name in enumerate(
        ("picked", "checked", "packed", "sent"))},
    "released": [on(ReleaseReservation, reason="改期")],
    "held": [on(HoldOrder, reason="拦截")],
    "short": [on(ReleaseReservation, reason="改期"), moved(
        "SH-001", 9, "available", "written_off", "write_off", reason="水湿"),
        on(ReserveOrder, warehouse=HOUSE)],
    "refused": [PICK, CHECK, PACK, SEND, on(RefuseParcel, parcel="P1", reason="拒收")],
    "lost": [PICK, CHECK, PACK, SEND, on(LoseParcel, parcel="P1", reason="丢失")],
}
WAITS = [place(9, lines=[line(quantity=30)]), on(ReserveOrder, 9, warehouse=HOUSE)]


def declared_end(ended_as: str) -> Any:
    """A file says how order 1 ended, and nothing of its dispatch."""
    return record(lines=[line(quantity=2), line("PEN", name="2")], amounts=Amounts(),
                  paid_minor=0, ended_as=ended_as,
                  dispatched=None, courier=None, waybill=None)


WAYS = {**{f"command {ended_as}": end(1, ended_as) for ended_as in ENDED},
        **{f"file {ended_as}": declared_end(ended_as) for ended_as in ENDED}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("waiting", [False, True])
def test_ends__leave_no_piece_and_no_waiter_that_no_command_can_move(
    way: str, history: str, waiting: bool
) -> None:
    """Found by closing an unpaid order: its pieces stayed reserved for ever, and its place in the
    queue. Whatever the end, and however it comes to be known."""
    story = ready(*HISTORIES[history], *(WAITS if waiting else ()))
    story.when(WAYS[way])
    order = story.known[stream()]
    if story.error is not None:
        assert way.startswith("command")
        assert not order.ended
        if isinstance(story.error, PiecesUnsent):
            assert way == "command completed"
            assert order.goods.has(*OPEN)
        return
    if order.ended:
        assert not order.goods.has(*OPEN)
        assert not order.has_parcel("packed")
        assert set(order.exceptions) <= {"courier_lost", "parcel_refused", "completed_unsent"}
    assert ("completed_unsent" in order.exceptions) == (
        way == "file completed" and order.ended == "completed" and order.goods.has("cancelled"))
    for sku in ("SH-001", "PEN"):
        account = story.known[f"stock:{HOUSE}:{sku}"]
        assert not (order.ended and order.id in account.waiting)
        held = levels(story, sku)
        assert held.get("reserved", 0) + held.get("picked", 0) + held.get("packed", 0) == sum(
            pieces for known in story.known.values() if isinstance(known, Order)
            for name, states in known.goods.items() if known.lines[name].sku == sku
            for state, pieces in states.items() if state in ("reserved", "picked", "packed"))
        assert not (account.waiting and held.get("available", 0) > 0)


def test_ends__completed_by_command_is_refused_while_a_piece_is_unsent() -> None:
    story = ready(PICK, CHECK, on(PackOrder, parcel="P1", lines=[Count("1", 2)]), SEND,
                  pay(amount_minor=14970))
    story.when(end()).refused(
        PiecesUnsent, f"{stream()} cannot be completed: 1 pieces of line 2 were never sent. Send "
        "them, or cancel these pieces first.")


def test_ends__completed_by_a_file_of_what_no_warehouse_sends_is_delivered() -> None:
    """A journey is not packed: that it was completed says that the buyer has it."""
    story = given().when(record(dispatched=None, courier=None, waybill=None))
    story.then("order.placed.v1", "order.paid.v1", "order.completed.v1")
    assert goods(story) == {"1": {"delivered": 1}}
    story = given(place(lines=[line(None)]), pay()).when(end())
    story.then("order.completed.v1")
    assert goods(story) == {"1": {"delivered": 1}}


def test_ends__declared_closed_and_then_sent_after_all_takes_the_pieces_again() -> None:
    story = ready(declared_end("closed"))
    assert levels(story) == {"available": 10}
    story.when(record(lines=[line(quantity=2), line("PEN", name="2")], paid_minor=0))
    assert goods(story) == {"1": {"in_transit": 2}, "2": {"in_transit": 1}}
    assert levels(story) == {"available": 8, "with_courier": 2}


def test_exceptions__that_somebody_opened_stay_open() -> None:
    story = ready(on(OpenException, exception="缺货", kind="out_of_stock", note="厂家断货"),
                  on(OpenException, exception="a", kind="check_failed", note="颜色"), PICK, CHECK)
    assert set(story.known[stream()].exceptions) == {"缺货", "a"}
