"""Goods in the warehouse: nothing is packed that no check has seen, and every step has a way back.

Seen in public reports: packed right after the pick; after a failed check one more pick, and packed;
a packed parcel could not be opened; a kit whose parts lie in several bins not be picked.
"""

from typing import Any

import pytest

from ledger.common.errors import InvalidValues
from ledger.fulfilment.commands import (
    CheckOrder,
    PackOrder,
    PickOrder,
    ReleaseReservation,
    UnpickOrder,
    VoidParcel,
)
from ledger.orders.commands import ApproveOrder, SubmitOrder
from ledger.orders.errors import (
    LastCheckFailed,
    NotChecked,
    NotThatMany,
    OrderEnded,
    ParcelOutOfTurn,
    ParcelUnknown,
    PartsDiffer,
)
from ledger.orders.values import PartFrom, PickedFrom
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku
from tests.support.builders import HOUSE, NOON, end, line, opened, received, sell, stream
from tests.support.shipping import CHECK, PACK, PICK, SEND, on, ready
from tests.support.stories import given, goods, levels

VOID = on(VoidParcel, parcel="P1", reason="地址写错")
FAIL = on(CheckOrder, passed=False, note="颜色不符")


def pick(quantity: int, name: str = "1", where: str = "A1") -> PickOrder:
    """Some pieces of a line, out of a bin."""
    return on(PickOrder, lines=[PickedFrom(name, quantity, where)])


def pack(quantity: int, name: str = "1", parcel: str = "P1") -> PackOrder:
    """Some pieces of a line into a parcel."""
    return on(PackOrder, parcel=parcel, lines=[Count(name, quantity)])


# -- checks ---------------------------------------------------------------------------------------


def test_pack__rejected_before_a_check_has_seen_these_pieces() -> None:
    story = ready(pick(1))
    story.when(pack(1)).refused(
        NotChecked, f"Line 1 of {stream()}: 1 pieces are to be packed, and a passed check has seen "
        "0 of those that are picked. Check the order first.")
    story.decide(CHECK)
    story.decide(pick(1))
    story.when(pack(2)).refused(NotChecked)
    story.when(pack(1)).then("order.packed.v1")
    story.when(pack(1, parcel="P2")).refused(NotChecked)
    story.decide(CHECK)
    story.when(pack(1, parcel="P2")).then("order.packed.v1")


def test_pack__rejected_after_a_failed_check_whatever_is_picked_since() -> None:
    story = ready(pick(1), CHECK, FAIL)
    story.decide(pick(1))
    story.when(pack(1)).refused(LastCheckFailed)
    assert story.known[stream()].exceptions == {"check_failed": "check_failed"}
    story.when(CHECK).then("order.checked.v1", "order.exception_closed.v1")
    story.when(pack(2)).then("order.packed.v1")


def test_unpick__takes_what_was_checked_with_it() -> None:
    story = ready(pick(2), CHECK, on(UnpickOrder, lines=[PickedFrom("1", 1, "A1")], reason="改期"))
    story.decide(pick(1))
    story.when(pack(2)).refused(NotChecked)
    story.when(pack(1)).then("order.packed.v1")


# -- the ways back --------------------------------------------------------------------------------


def test_void_parcel__lets_its_pieces_be_packed_again() -> None:
    story = ready(PICK, CHECK, PACK)
    story.when(VOID).then("order.parcel_voided.v1")
    assert goods(story) == {"1": {"picked": 2}, "2": {"picked": 1}}
    assert (levels(story)["picked"], story.known[stream()].parcels["P1"].state) == (2, "voided")
    story.when(VOID).then()
    story.when(SEND).refused(ParcelOutOfTurn)
    story.when(PACK).then("order.packed.v1")
    story.when(SEND).then("order.dispatched.v1")
    story.when(VOID).refused(ParcelOutOfTurn)


def test_void_parcel__rejected_where_there_is_none_or_the_order_has_ended() -> None:
    ready(PICK).when(VOID).refused(ParcelUnknown)
    story = ready(PICK, CHECK, PACK, end(1, "cancelled"))
    assert story.known[stream()].parcels["P1"].state == "voided"
    story.when(VOID).then()
    story.when(on(UnpickOrder, lines=[PickedFrom("1", 1)], reason="改期")).refused(OrderEnded)


def test_unpick__lets_pieces_lie_in_their_bins_and_be_released() -> None:
    story = ready(PICK)
    story.when(on(UnpickOrder, lines=[PickedFrom("1", 2, "B7"), PickedFrom("2", 1)],
                  reason="改期")).then("order.unpicked.v1")
    assert goods(story) == {"1": {"reserved": 2}, "2": {"reserved": 1}}
    account = story.known[f"stock:{HOUSE}:SH-001"]
    assert (levels(story), account.bins) == ({"available": 8, "reserved": 2}, {"A1": 8, "B7": 2})
    claims = {one.since for fact in story.facts for one in fact.postings}
    assert claims == {next(position for position, fact in story.placed
                           if fact.TOPIC == "order.placed.v1")}
    story.when(on(ReleaseReservation, reason="改期")).then("order.reservation_released.v1")
    assert levels(story) == {"available": 10}


def test_unpick__rejected_beyond_what_is_picked() -> None:
    ready(pick(1)).when(on(UnpickOrder, lines=[PickedFrom("1", 2)], reason="改期")).refused(
        NotThatMany)


# -- kits -----------------------------------------------------------------------------------------


def kit(*parts: PartFrom, quantity: int = 2) -> PickedFrom:
    """Pieces of the kit, out of the bins of its parts."""
    return PickedFrom("1", quantity, "", list(parts))


@pytest.fixture
def story() -> Any:
    """Two kits of one P1 and two P2 each are sold, whose parts lie in two bins each."""
    return given(
        opened(), *(received(sku, 2, to_bin=name) for sku, name in (
            ("P1", "A1"), ("P1", "A2"), ("P2", "B1"), ("P2", "B2"))),
        BundleSku(sku="KIT", parts=[Part("P1", 1), Part("P2", 2)], occurred_at=NOON),
        sell(1, line("KIT", quantity=2)), on(ApproveOrder), on(SubmitOrder, warehouse=HOUSE))


def test_pick__of_a_kit_whose_parts_lie_in_several_bins(story: Any) -> None:
    wanted = kit(PartFrom("P1", 1, "A1"), PartFrom("P1", 1, "A2"), PartFrom("P2", 2, "B1"),
                 PartFrom("P2", 2, "B2"))
    story.when(on(PickOrder, lines=[wanted])).then("order.picked.v1")
    assert story.known[f"stock:{HOUSE}:P1"].bins == {"A1": 1, "A2": 1}
    assert story.known[f"stock:{HOUSE}:P2"].bins == {}
    story.when(on(UnpickOrder, lines=[wanted], reason="改期")).then("order.unpicked.v1")
    assert story.known[f"stock:{HOUSE}:P2"].bins == {"B1": 2, "B2": 2}


@pytest.mark.parametrize("parts, says", [
    ([PartFrom("P1", 1, "A1")], "Line 1 of {}: 2 pieces of P1 are to be named for this many of the "
     "line, and the bins add up to 1."),
    ([PartFrom("P9", 2)], "Line 1 of {}: 0 pieces of P9 are to be named for this many of the line, "
     "and the bins add up to 2."),
])
def test_pick__rejected_where_the_bins_of_a_part_are_not_of_all_of_it(
    story: Any, parts: list[PartFrom], says: str
) -> None:
    story.when(on(PickOrder, lines=[kit(*parts)])).refused(PartsDiffer, says.format(stream()))


@pytest.mark.parametrize("command", [PickOrder, PackOrder])
def test_parcel__rejected_with_nothing_in_it(command: type[PickOrder] | type[PackOrder]) -> None:
    """An empty parcel could be sent, and its order would count as sent with it."""
    named = {"parcel": "P1"} if command is PackOrder else {}
    with pytest.raises(InvalidValues) as found:
        on(command, lines=[], **named)
    assert [(fault.where, fault.code) for fault in found.value.faults] == [("/lines", "too_few")]
