"""The goods of an order: what is refused, and whether the sentence answers what was asked."""

from typing import Any

import pytest

from ledger.fulfilment.commands import (
    DeliverParcel,
    DispatchParcel,
    LoseParcel,
    PackOrder,
    PickOrder,
    ReportTransit,
    ReserveOrder,
)
from ledger.orders.errors import (
    GoodsElsewhere,
    LastCheckFailed,
    NothingPicked,
    NotThatMany,
    OrderLineUnknown,
    OrderNotReady,
    ParcelAlreadyPacked,
    ParcelOutOfTurn,
    ParcelUnknown,
)
from ledger.orders.values import PickedFrom
from ledger.stock.pieces import Count
from tests.support.builders import HOUSE, line, opened, place, received, sell, stream
from tests.support.shipping import ARRIVE, CHECK, PACK, PICK, SEND, on, ready
from tests.support.stories import given


def test_pick__rejected_for_more_than_is_reserved() -> None:
    ready().when(on(PickOrder, lines=[PickedFrom("1", 3)])).refused(
        NotThatMany, f"Line 1 of {stream()}: 3 pieces were asked for, but only 2 are reserved.")


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
        f"{stream()} cannot be packed: its last check failed. Pick other pieces, or check it "
        "again.")
    story.when(CHECK).then("order.checked.v1")
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
    ((SEND,), SEND, "dispatched: it is dispatched"),
    ((), ARRIVE, "delivered: it is packed"),
    ((), on(ReportTransit, parcel="P1", note="已到杭州"), "reported in transit: it is packed"),
    ((SEND, ARRIVE), on(LoseParcel, parcel="P1", reason="丢失"),
     "reported lost: it is delivered"),
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
