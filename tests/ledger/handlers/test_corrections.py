"""Corrections of stock: what is taken back was never there, what is right was always there, and
what was counted stays as it was counted."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given as examples
from hypothesis import note, settings
from hypothesis import strategies as st

from ledger.common.errors import InvalidValues
from ledger.common.moments import Moment
from ledger.fulfilment.commands import (
    CheckOrder,
    CorrectStep,
    DispatchParcel,
    LoseParcel,
    PackOrder,
    PickOrder,
    RefuseParcel,
    UnpickOrder,
)
from ledger.orders.commands import ApproveOrder, ChangeLines, SubmitOrder
from ledger.orders.errors import OrderEnded, WaybillUsed
from ledger.orders.order import Order
from ledger.orders.values import PickedFrom
from ledger.stock.account import StockAccount
from ledger.stock.corrections import (
    AlreadyCorrected,
    CorrectStock,
    EventUnknown,
    NotCorrectable,
    StandsOn,
)
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.movements import StockMove
from ledger.stock.pieces import Count
from ledger.stock.places import AREA, SHELF, stock_of
from ledger.stock.skus import RegisterSku
from ledger.stock.slips import RecordSlip, SlipLine
from ledger.stock.transfers import Arrival, ReceiveTransfer, Sending, SendTransfer
from tests.support.builders import (
    HOUSE,
    NOON,
    SHOP,
    end,
    line,
    moved,
    opened,
    received,
    record,
    sell,
    stream,
)
from tests.support.shipping import ARRIVE, CHECK, PACK, PICK, SEND, on, ready
from tests.support.stories import Story, given, goods, levels
from tests.support.thorough import tried

STOCK = stock_of(HOUSE, "SH-001")
LATER = NOON + timedelta(days=30)
BINS = ("", "A", "B")


def at(hour: int) -> datetime:
    """An hour of the business."""
    return NOON + timedelta(hours=hour)


def counted(quantity: int, hour: int, number: str = "c", **fields: Any) -> CountStock:
    """A count of one SKU."""
    return CountStock(warehouse=HOUSE, number=number, occurred_at=at(hour), counts=[
        CountLine(sku="SH-001", quantity=quantity, **fields)])


def correct(document: str, position: int, **fields: Any) -> CorrectStock:
    """What an event says did not occur."""
    return CorrectStock(**{"document": document, "position": position, "kind": "did_not_occur",
                           "reason": "录错", "occurred_at": LATER, **fields})


def position_of(story: Story, document: str, nth: int = -1) -> int:
    """That of an event of a document, by default the last."""
    return [position for position, fact in story.placed if fact.originator_id == document][nth]


def shelf_at(story: Story, moment: datetime, name: str) -> int:
    """What lay in a bin at a moment, by what all documents posted."""
    found = 0
    for touch in story.history:
        for one in touch.postings:
            if one.account == STOCK and (one.at or touch.at) <= moment:
                found += one.quantity * ((AREA.get(one.target) == SHELF and one.to_bin == name)
                                         - (AREA.get(one.source) == SHELF and one.bin == name))
    return found


# -- against a simple model -----------------------------------------------------------------------


class Deed(NamedTuple):
    """What happened in a bin in truth: pieces came or went, or so many were counted."""

    hour: int
    bin: str
    change: int | None
    counted: int


def deeds_in(names: tuple[str, ...]) -> st.SearchStrategy[list[tuple[Deed, int, bool]]]:
    """What is told in turn, each with what is corrected then, and whether it is dropped."""
    deed = st.builds(Deed, st.integers(0, 40), st.sampled_from(names),
                     st.one_of(st.none(), st.integers(-5, 5).filter(bool)), st.integers(0, 9))
    return st.lists(st.tuples(deed, st.integers(0, 9), st.booleans()), min_size=1, max_size=9,
                    unique_by=lambda one: one[0].hour)


def simulated(deeds: list[Deed], hour: int, name: str) -> int:
    """What lay in a bin at an hour, if all of this and nothing else happened."""
    level = 0
    for deed in sorted(deeds):
        if deed.hour <= hour and deed.bin == name:
            level = deed.counted if deed.change is None else level + deed.change
    return level


def as_move(deed: Deed) -> StockMove:
    assert deed.change
    if deed.change > 0:
        return StockMove(sku="SH-001", quantity=deed.change, source="supplier",
                         target="available", cause="receipt", to_bin=deed.bin)
    return StockMove(sku="SH-001", quantity=-deed.change, source="available",
                     target="written_off", cause="write_off", bin=deed.bin)


def as_command(deed: Deed, number: int) -> tuple[str, Any]:
    """The command that records a deed, and its document."""
    if deed.change is None:
        return f"count:{HOUSE}:{number}", counted(
            deed.counted, deed.hour, str(number), bin=deed.bin)
    move = as_move(deed)
    return f"movement:{HOUSE}:{number}", moved(
        "SH-001", move.quantity, move.source, move.target, move.cause, bin=move.bin,
        to_bin=move.to_bin, number=str(number), occurred_at=at(deed.hour), reason="水浸")


@settings(max_examples=tried(400), deadline=None)
@examples(st.one_of(deeds_in(("A", "B")), deeds_in(("",))))
def test_stock__is_what_happened_however_late_and_however_wrongly_it_was_told(
    told: list[tuple[Deed, int, bool]]
) -> None:
    """Movements and counts come in any order of their times; after each of them one of those before
    may be corrected, or a correction of it. At every hour the shelf holds what it held in truth:
    each of its bins where they are counted, and the whole where nobody names any."""
    story = given(opened(), RegisterSku(sku="SH-001", occurred_at=NOON))
    told_of: dict[str, list[Deed | None]] = {}
    for number, (deed, which, drop) in enumerate(told):
        document, command = as_command(deed, number)
        assert story.when(command).error is None, story.error
        told_of[document] = [deed]
        if which < len(told_of):
            document, versions = sorted(told_of.items())[which]
            fields: dict[str, Any] = {}
            if drop:
                versions.append(versions[-2] if len(versions) > 1 else None)
            else:
                first = versions[0]
                assert first is not None
                new = first._replace(counted=deed.counted,
                                     change=first.change and (deed.change or 3))
                fields = {"kind": "incorrect_data", **(
                    {"counts": [CountLine(sku="SH-001", quantity=new.counted, bin=new.bin)]}
                    if new.change is None else {"moves": [as_move(new)]})}
                versions.append(new)
            story.when(correct(document, position_of(story, document), **fields))
            assert story.error is None, story.error
        note((type(command).__name__, told_of))
        valid = [one[-1] for one in told_of.values() if one[-1] is not None]
        for hour in range(-1, 42):
            for name in BINS:
                assert shelf_at(story, at(hour), name) == simulated(valid, hour, name), (hour, name)
    account = story.known[STOCK]
    assert isinstance(account, StockAccount)
    assert account.bins == {name: level for name in BINS
                            if (level := simulated(valid, 99, name))}


# -- examples -------------------------------------------------------------------------------------


def receipt(quantity: int, number: str = "r", **fields: Any) -> Any:
    return received(quantity=quantity, number=number, **fields)


RECEIPT = f"movement:{HOUSE}:r"


def test_movement__taken_back_with_what_is_right_in_the_same_event() -> None:
    story = given(opened(), receipt(10))
    story.when(correct(RECEIPT, position_of(story, RECEIPT), kind="incorrect_data", moves=[
        StockMove(sku="SH-001", quantity=8, source="supplier", target="available",
                  cause="receipt", to_bin="A")]))
    (fact,) = story.then("movement.corrected.v1")
    assert [(one.quantity, one.source, one.target, one.cause, one.at) for one in fact.postings] == [
        (10, "available", "supplier", "correction", NOON),
        (8, "supplier", "available", "receipt", NOON)]
    assert levels(story) == {"available": 8}
    assert story.known[STOCK].bins == {"A": 8}


def test_correction__conflict_when_it_is_the_second() -> None:
    story = given(opened(), receipt(10))
    first = correct(RECEIPT, position_of(story, RECEIPT))
    story.when(first).then("movement.corrected.v1")
    assert levels(story) == {}
    story.when(first).refused(AlreadyCorrected)
    story.when(correct(RECEIPT, position_of(story, RECEIPT))).then("movement.corrected.v1")
    assert levels(story) == {"available": 10}


def test_correction__rejected_of_an_event_of_another_document() -> None:
    story = given(opened(), receipt(10), receipt(5, "other"))
    other = position_of(story, f"movement:{HOUSE}:other")
    story.when(correct(RECEIPT, other)).refused(
        EventUnknown, f"{RECEIPT} holds no event at position {other}. Look at its history, and "
        "name the position of the event that is wrong.")
    story.when(correct(f"movement:{HOUSE}:none", other)).refused(EventUnknown)


def test_correction__declared_below_zero_takes_the_youngest_reservation_back() -> None:
    """What was sold of goods that never came is waited for again, and its orders are told."""
    story = given(opened(), receipt(5), receipt(5, "other"), sell(1, line(quantity=4)),
                  sell(2, line(quantity=4)))
    story.when(correct(RECEIPT, position_of(story, RECEIPT)))
    story.then("movement.corrected.v1", "order.reservation_taken_back.v1",
               "order.exception_opened.v1")
    assert story.facts[0].postings[0].below == -3
    assert (goods(story, 1), goods(story, 2)) == (
        {"1": {"reserved": 4}}, {"1": {"reserved": 1, "short": 3}})
    assert levels(story) == {"reserved": 5}


def test_correction__of_what_no_count_had_seen_changes_the_level() -> None:
    story = given(opened(), receipt(5), counted(5, 2), receipt(3, "found", late="not_counted",
                                                               occurred_at=at(1)))
    assert levels(story)["available"] == 8
    found = f"movement:{HOUSE}:found"
    story.when(correct(found, position_of(story, found)))
    assert levels(story) == {"available": 5}


def test_slip__taken_back_and_not_replaced() -> None:
    slip = f"slip:shop:{SHOP}:S1"
    story = given(opened(), receipt(10), written_off(3))
    assert levels(story)["available"] == 7
    story.when(correct(slip, position_of(story, slip))).then("slip.corrected.v1")
    assert levels(story) == {"available": 10}
    story.when(written_off(3)).then()


def written_off(quantity: int) -> RecordSlip:
    return RecordSlip(channel="shop", shop=SHOP, number="S1", currency="CNY", kind="write_off",
                      warehouse=HOUSE, at=Moment(NOON), lines=[
                          SlipLine(line="1", sku="SH-001", quantity=quantity)])


def test_transfer__taken_back_newest_first() -> None:
    story = given(opened(), opened("north"), receipt(10),
                  SendTransfer(number="T1", source=HOUSE, target="north", occurred_at=at(1),
                               lines=[Sending(sku="SH-001", quantity=6)]),
                  ReceiveTransfer(number="T1", occurred_at=at(2),
                                  lines=[Arrival(sku="SH-001", quantity=4)]))
    sent, came = (position_of(story, "transfer:T1", nth) for nth in (0, 1))
    story.when(correct("transfer:T1", sent)).refused(
        StandsOn, f"The event at position {sent} of transfer:T1 cannot be taken back: the one at "
        f"position {came} stands on it. Correct the newest first.")
    story.when(correct("transfer:T1", came)).then("transfer.corrected.v1")
    assert story.known["transfer:T1"].underway == {"SH-001": 6}
    assert levels(story) == {"available": 4, "between_warehouses": 6}
    assert levels(story, house="north") == {}
    story.when(correct("transfer:T1", sent)).then("transfer.corrected.v1")
    assert levels(story) == {"available": 10}
    assert story.known["transfer:T1"].underway == {}


@pytest.mark.parametrize(("fields", "where"), [
    ({"document": "order:taobao:shop:1"}, ["/document"]),
    ({"kind": "was_a_joke", "moves": received().moves}, ["/kind"]),
    ({"reason": ""}, ["/reason"]),
    ({"kind": "incorrect_data"}, ["/kind"]),
    ({"moves": received().moves}, ["/moves"]),
    ({"counts": [CountLine(sku="A", quantity=1)]}, ["/counts"]),
    ({"kind": "incorrect_data", "moves": received().moves,
      "counts": [CountLine(sku="A", quantity=1)]}, ["/kind"]),
    ({"position": 0}, ["/position"]),
    ({"document": "slip:a:b:1", "kind": "incorrect_data", "moves": received().moves}, ["/kind"]),
    ({"document": "transfer:1", "kind": "incorrect_data"}, ["/kind"]),
])
def test_correction__rejected_with_everything_that_is_wrong(
    fields: dict[str, Any], where: list[str]
) -> None:
    with pytest.raises(InvalidValues) as caught:
        correct(**{"document": RECEIPT, "position": 2, **fields})
    assert [fault.where for fault in caught.value.faults] == where


def test_correction__rejected_where_it_does_not_fit_the_document() -> None:
    story = given(opened(), receipt(10), counted(9, 1))
    count = f"count:{HOUSE}:c"
    for document, fields in ((RECEIPT, {"counts": [CountLine(sku="SH-001", quantity=1)]}),
                             (count, {"moves": receipt(1).moves})):
        story.when(correct(document, position_of(story, document), kind="incorrect_data", **fields)
                   ).refused(NotCorrectable)


def test_correction__rejected_of_what_an_older_count_saw_and_a_newer_did_not() -> None:
    """Counted 1 at 8; 5 were found at 2 that it had not seen; then 3 were counted at 5, which did
    see them. A new count says what lies there."""
    story = given(opened(), counted(1, 8), receipt(
        5, "found", occurred_at=at(2), late="not_counted"))
    wrong = correct(f"movement:{HOUSE}:found", position_of(story, f"movement:{HOUSE}:found"))
    story.when(counted(3, 5, "older")).when(wrong).refused(NotCorrectable)
    assert levels(story)["available"] == 6
    assert levels(story.when(counted(1, 9, "again")))["available"] == 1


# -- steps of orders ------------------------------------------------------------------------------

LOST = on(LoseParcel, parcel="P1", reason="追件无果")
BACK = on(RefuseParcel, parcel="P1", reason="拒收")


def step(story: Story, nth: int = -1) -> CorrectStep:
    """The last step of order 1, or another, did not occur."""
    steps = [position for position, fact in story.placed
             if fact.originator_id == stream(1) and isinstance(fact, Order.CORRECTABLE)]
    return on(CorrectStep, position=steps[nth], reason="点错")


def state_of(story: Story) -> Any:
    """What is known of order 1 and of all stock."""
    order = story.known[stream(1)]
    return (goods(story), order.parcels, order.dispatched_at, order.delivered_at,
            levels(story), levels(story, "PEN"), story.known[STOCK].bins)


@pytest.mark.parametrize("steps", [
    [PICK], [PICK, CHECK],
    [PICK, on(CheckOrder, passed=False, faulty=[Count("1", 1)], note="破损")],
    [PICK, CHECK, PACK], [PICK, CHECK, PACK, SEND], [PICK, CHECK, PACK, SEND, BACK],
    [PICK, CHECK, PACK, SEND, LOST], [PICK, CHECK, PACK, SEND, ARRIVE],
    [PICK, CHECK, PACK, SEND, BACK, ARRIVE], [PICK, CHECK, PACK, SEND, BACK, LOST],
], ids=["pick", "check", "fault", "pack", "send", "refuse", "lose", "deliver", "deliver after all",
        "lose on the way back"])
def test_step__taken_back_and_taken_again(steps: list[Any]) -> None:
    """What did not occur leaves everything as it was before; the correction may be corrected, too,
    and the step then be taken back once more."""
    story = ready(*steps[:-1])
    before = state_of(story)
    wrong = story.decide(steps[-1])[0]
    after = state_of(story)
    position = next(position for position, fact in story.placed if fact is wrong)
    story.when(on(CorrectStep, position=position, reason="点错"))
    assert story.error is None, story.error
    assert state_of(story) == before
    story.when(step(story))
    assert story.error is None, story.error
    assert state_of(story)[0] == after[0]
    assert state_of(story)[1:2] + state_of(story)[4:] == after[1:2] + after[4:]
    story.when(step(story))
    assert state_of(story) == before


def test_step__rejected_once_its_pieces_have_moved_on() -> None:
    story = ready(PICK, CHECK, PACK)
    picked, packed = position_of(story, stream(1), -3), position_of(story, stream(1))
    story.when(on(CorrectStep, position=picked, reason="点错")).refused(
        StandsOn, f"The event at position {picked} of {stream(1)} cannot be taken back: the one at "
        f"position {packed} stands on it. Correct the newest first.")
    story.when(step(story)).then("order.step_corrected.v1")
    story.when(on(CorrectStep, position=picked, reason="点错")).then("order.step_corrected.v1")
    assert goods(story) == {"1": {"reserved": 2}, "2": {"reserved": 1}}


@pytest.mark.parametrize(("steps", "kind"), [
    ([PICK, on(CheckOrder, passed=False, note="破损")], "check_failed"),
    ([PICK, CHECK, PACK, SEND, BACK], "parcel_refused"),
    ([PICK, CHECK, PACK, SEND, LOST], "courier_lost")])
def test_step__that_occurred_after_all_opens_its_exception_again(
    steps: list[Any], kind: str
) -> None:
    story = ready(*steps)
    for then in ({}, {kind: kind}, {}):
        story.when(step(story))
        assert story.error is None, story.error
        assert story.known[stream(1)].exceptions == then


def test_step__rejected_once_other_goods_take_the_place_of_its_pieces() -> None:
    """Pieces of the line are picked again, but they are pens: the books are on their shelf."""
    pens = [line("PEN", name="1", quantity=2), line("PEN", name="2")]
    story = ready(PICK)
    picked = story.position
    story.decide(on(UnpickOrder, lines=PICK.lines, reason="改期"))
    story.decide(on(ChangeLines, lines=pens, consent="旺旺"))
    story.decide(on(PickOrder, lines=[PickedFrom("1", 2)]))
    before = levels(story), levels(story, "PEN")
    story.when(on(CorrectStep, position=picked, reason="点错")).refused(StandsOn)
    assert (levels(story), levels(story, "PEN")) == before == (
        {"available": 10}, {"available": 2, "picked": 2, "reserved": 1})


def test_step__rejected_where_it_is_no_step_of_pieces() -> None:
    story = ready()
    story.when(on(CorrectStep, position=story.position, reason="点错")).refused(NotCorrectable)
    story.when(on(CorrectStep, position=2, reason="点错")).refused(EventUnknown)
    story = given(opened(), received(), record(warehouse=HOUSE, ended=None, ended_as=""))
    story.when(step(story)).refused(NotCorrectable)
    story = ready(PICK, end(1, "cancelled"))
    story.when(step(story)).refused(OrderEnded)


def test_dispatch__may_be_repeated_with_the_same_waybill_once_it_was_taken_back() -> None:
    story = ready(PICK, CHECK, PACK, SEND)
    story.when(step(story)).then("order.step_corrected.v1")
    story.when(SEND).then("order.dispatched.v1")
    assert levels(story)["with_courier"] == 2
    story.when(step(story)).then("order.step_corrected.v1")
    story.when(SEND).then("order.dispatched.v1")


def test_dispatch__of_another_order_has_the_waybill_that_was_typed_on_the_wrong_one() -> None:
    """Each claim to it is freed or used, whichever order it is of; and nobody takes it back that
    somebody else uses by now."""
    story = ready(PICK, CHECK, PACK, SEND)
    again = on(DispatchParcel, 2, parcel="P1", courier="顺丰", waybill="SF1")
    for command in (sell(2, line()), on(ApproveOrder, 2), on(SubmitOrder, 2, warehouse=HOUSE),
                    on(PickOrder, 2, lines=[PickedFrom("1", 1)]),
                    on(CheckOrder, 2, passed=True),
                    on(PackOrder, 2, parcel="P1", lines=[Count("1", 1)])):
        story.decide(command)
    story.when(again).refused(WaybillUsed)
    story.when(step(story)).then("order.step_corrected.v1")
    freed = step(story)
    story.when(again).then("order.dispatched.v1")
    story.when(SEND).refused(WaybillUsed)
    story.when(freed).refused(StandsOn)
    sent = position_of(story, stream(2))
    story.when(on(CorrectStep, 2, position=sent, reason="点错")).then("order.step_corrected.v1")
    story.when(freed).then("order.step_corrected.v1")
    assert story.known[stream(1)].parcels["P1"].state == "dispatched"
    story.when(again).refused(WaybillUsed)


def test_step__conflict_when_it_is_the_second() -> None:
    story = ready(PICK)
    first = step(story)
    story.when(first).then("order.step_corrected.v1")
    story.when(PICK).then("order.picked.v1")
    story.when(first).refused(AlreadyCorrected)


# -- what attackers found -------------------------------------------------------------------------


def test_correction__takes_no_bin_for_no_bin_and_not_for_any() -> None:
    story = given(opened(), receipt(10), moved(
        "SH-001", 10, "available", "available", "bin_move", to_bin="X", occurred_at=at(1)),
        counted(10, 3, bin="X"))
    story.decide(correct(RECEIPT, position_of(story, RECEIPT), kind="incorrect_data",
                         moves=receipt(8).moves))
    assert levels(story) == {"available": 8}
    assert story.known[STOCK].bins == {"X": 10, "": -2}


def test_count__corrected_leaves_what_it_had_not_seen() -> None:
    count = f"count:{HOUSE}:c"
    story = given(opened(), receipt(8), counted(8, 2),
                  receipt(2, "found", occurred_at=at(1), late="not_counted"))
    assert levels(story)["available"] == 10
    story.decide(correct(count, position_of(story, count), kind="incorrect_data", counts=[
        CountLine(sku="SH-001", quantity=9)]))
    assert levels(story)["available"] == 11
    assert story.placed[-1][1].lines[0].variance == 1


def test_corrections__of_corrections_grow_no_longer_with_their_number() -> None:
    story = given(opened(), receipt(10))
    for quantity in range(1, 30):
        story.decide(correct(RECEIPT, position_of(story, RECEIPT), kind="incorrect_data",
                             moves=receipt(quantity).moves))
        assert levels(story) == {"available": quantity}
        assert len(story.placed[-1][1].postings) <= 2


def test_step__corrected_keeps_the_age_of_its_claim() -> None:
    """What is picked and put back is claimed since it was ordered, so the younger order waits."""
    story = ready(received("SH-001", 4, to_bin="A1"), sell(2, line(quantity=2)), PICK)
    story.decide(step(story))
    story.decide(counted(3, 9))
    assert (goods(story, 1)["1"], goods(story, 2)) == (
        {"reserved": 2}, {"1": {"reserved": 1, "short": 1}})


def test_step__corrected_leaves_a_later_check_failed() -> None:
    one = on(PickOrder, lines=[PickedFrom("1", 1)])
    story = ready(one, one, on(CheckOrder, passed=False, note="颜色不符"))
    second = [position for position, fact in story.placed if isinstance(fact, Order.Picked)][1]
    story.decide(on(CorrectStep, position=second, reason="点错"))
    assert story.known[stream(1)].check_failed
