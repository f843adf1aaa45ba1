"""Orders and stock together: from the reservation to the buyer, and every way back."""

from datetime import timedelta

from ledger.common.moments import Moment
from ledger.fulfilment.commands import (
    CheckOrder,
    LoseParcel,
    MoveReservation,
    PackOrder,
    PickOrder,
    ReleaseReservation,
    ReserveOrder,
)
from ledger.orders.commands import ChangeLines, HoldOrder, LiftHold, SubmitOrder
from ledger.orders.errors import (
    GoodsElsewhere,
    GoodsMoved,
    LastCheckFailed,
    LineWithoutSku,
    NotThatMany,
    OrderAlreadyDispatched,
    OrderEnded,
    OrderHeld,
    OrderNotReady,
    ParcelOutOfTurn,
)
from ledger.orders.values import Amounts, Line, PickedFrom
from ledger.stock.errors import OutOfStock, SkuUnknown, WarehouseUnknown
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku
from tests.support.builders import (
    HOUSE,
    NOON,
    end,
    line,
    opened,
    place,
    received,
    record,
    sell,
    stream,
)
from tests.support.shipping import ARRIVE, CHECK, PACK, PICK, SEND, on, ready
from tests.support.stories import given, goods, levels


def test_order__accepted_from_the_shelf_to_the_buyer() -> None:
    story = ready()
    assert levels(story) == {"available": 8, "reserved": 2}
    story.when(PICK).then("order.picked.v1", "stock.moved.v1")
    assert levels(story) == {"available": 8, "reserved": 2}
    story.when(CHECK).then("order.checked.v1")
    story.when(PACK).then("order.packed.v1", "stock.moved.v1", "stock.moved.v1")
    assert levels(story) == {"available": 8, "packed": 2}
    story.when(SEND).then("order.dispatched.v1", "stock.moved.v1", "stock.moved.v1")
    assert levels(story) == {"available": 8, "with_courier": 2}
    story.when(ARRIVE).then("order.delivered.v1", "stock.moved.v1", "stock.moved.v1")
    assert levels(story) == {"available": 8, "customer": 2}
    assert goods(story) == {"1": {"delivered": 2}, "2": {"delivered": 1}}
    story.when(ARRIVE).then()


def test_dispatch__accepted_in_two_parcels() -> None:
    story = ready(PICK, CHECK, on(PackOrder, parcel="P1", lines=[Count("1", 1)]),
                  on(PackOrder, parcel="P2", lines=[Count("1", 1), Count("2", 1)]), SEND)
    assert goods(story) == {"1": {"in_transit": 1, "packed": 1}, "2": {"packed": 1}}
    story.when(ARRIVE)
    assert goods(story)["1"] == {"delivered": 1, "packed": 1}
    assert levels(story) == {"available": 8, "packed": 1, "customer": 1}


def test_parcel__accepted_as_lost() -> None:
    story = ready(PICK, CHECK, PACK, SEND, on(LoseParcel, parcel="P1", reason="追件无果"))
    assert goods(story)["1"] == {"lost": 2}
    assert levels(story) == {"available": 8, "written_off": 2}
    story.when(ARRIVE).refused(ParcelOutOfTurn)


def test_dispatch__rejected_while_held() -> None:
    story = ready(PICK, CHECK, PACK, on(HoldOrder, reason="买家要求拦截"))
    story.when(SEND).refused(OrderHeld)
    story.when(on(LiftHold)).then("order.hold_lifted.v1")
    story.when(SEND).then("order.dispatched.v1", "stock.moved.v1", "stock.moved.v1")


def test_pick__rejected_before_the_warehouse_has_the_order() -> None:
    given(opened(), received(), sell()).when(
        on(PickOrder, lines=[PickedFrom("1", 1)])).refused(OrderNotReady)


def test_submit__rejected_before_the_review() -> None:
    given(place()).when(on(SubmitOrder, warehouse=HOUSE)).refused(OrderNotReady)


def test_pick__rejected_beyond_what_is_reserved() -> None:
    ready().when(on(PickOrder, lines=[PickedFrom("1", 2), PickedFrom("1", 1)])
                 ).refused(NotThatMany)


def test_pack__rejected_after_a_failed_check() -> None:
    story = ready(PICK, on(CheckOrder, passed=False, note="颜色不符"))
    story.when(PACK).refused(LastCheckFailed)


def test_check__accepted_with_a_faulty_piece_in_quarantine() -> None:
    story = ready(PICK).when(on(CheckOrder, passed=False, faulty=[Count("1", 1)], note="封面破损"))
    assert [fact.TOPIC for fact in story.facts] == [
        "order.checked.v1", "order.exception_opened.v1", "stock.moved.v1", "stock.moved.v1"]
    assert levels(story) == {"available": 8, "reserved": 1, "quarantine": 1}
    assert goods(story)["1"] == {"picked": 1, "unreserved": 1}


def test_cancel__accepted_and_releases_what_was_reserved() -> None:
    story = ready(PICK).when(end(1, "cancelled"))
    assert levels(story) == {"available": 10}
    assert levels(story, "PEN") == {"available": 5}
    assert goods(story) == {"1": {"cancelled": 2}, "2": {"cancelled": 1}}


def test_cancel__ignored_when_repeated() -> None:
    """medusa#5158: cancel repeated thousands of times."""
    story = ready(end(1, "cancelled"))
    for _ in range(3):
        story.when(end(1, "cancelled")).then()
    assert levels(story) == {"available": 10}


def test_cancel__rejected_after_dispatch() -> None:
    ready(PICK, CHECK, PACK, SEND).when(end(1, "cancelled")).refused(OrderAlreadyDispatched)


def test_pick__rejected_after_the_end() -> None:
    ready(end(1, "cancelled")).when(PICK).refused(OrderEnded)


# -- reserving ------------------------------------------------------------------------------------


def test_sell__rejected_for_an_unknown_sku_or_warehouse() -> None:
    given(opened()).when(sell()).refused(SkuUnknown)
    given().when(sell()).refused(WarehouseUnknown)


def test_reserve__accepted_for_what_is_there_and_waits_for_the_rest() -> None:
    story = given(opened(), received(quantity=1), place(lines=[line(quantity=3)]))
    story.when(on(ReserveOrder, warehouse=HOUSE)).then(
        "order.reserved.v1", "order.exception_opened.v1", "stock.moved.v1",
        "stock.back_ordered.v1")
    assert goods(story) == {"1": {"reserved": 1, "short": 2}}
    story.when(on(ReserveOrder, warehouse=HOUSE)).then()


def test_back_orders__accepted_first_in_first_served() -> None:
    story = given(
        opened(), received(quantity=1),
        place(1, lines=[line(quantity=3)]), on(ReserveOrder, 1, warehouse=HOUSE),
        place(2, lines=[line(quantity=1)]), on(ReserveOrder, 2, warehouse=HOUSE))
    story.when(received(quantity=1))
    assert (goods(story, 1), goods(story, 2)) == (
        {"1": {"reserved": 2, "short": 1}}, {"1": {"short": 1}})
    story.when(sell(3)).refused(OutOfStock)
    story.when(received(quantity=5))
    assert (goods(story, 1), goods(story, 2)) == ({"1": {"reserved": 3}}, {"1": {"reserved": 1}})
    assert levels(story) == {"available": 3, "reserved": 4}


def test_back_orders__accepted_for_the_next_when_the_first_is_cancelled() -> None:
    story = given(
        opened(), received(quantity=1),
        place(1, lines=[line(quantity=1)]), on(ReserveOrder, 1, warehouse=HOUSE),
        place(2, lines=[line(quantity=1)]), on(ReserveOrder, 2, warehouse=HOUSE),
        end(1, "cancelled"))
    assert goods(story, 2) == {"1": {"reserved": 1}}
    story.when(end(2, "cancelled"))
    assert levels(story) == {"available": 1}


def test_release__accepted_once() -> None:
    """medusa#11703, erpnext#24519: created = consumed + released + live, always."""
    story = ready(on(ReleaseReservation, reason="改地址"))
    assert levels(story) == {"available": 10}
    story.when(on(ReleaseReservation, reason="改地址")).then()


def test_move__rejected_to_a_warehouse_without_the_goods() -> None:
    """medusa#16488: a reservation moved to an empty place without a check."""
    story = ready(opened("east"), received("SH-001", 1, warehouse="east"),
                  received("PEN", 9, warehouse="east"))
    story.when(on(MoveReservation, warehouse="east")).refused(OutOfStock)
    assert levels(story) == {"available": 8, "reserved": 2}


def test_move__accepted_where_the_goods_are() -> None:
    story = ready(opened("east"), received("SH-001", 2, warehouse="east"),
                  received("PEN", 9, warehouse="east"), on(MoveReservation, warehouse="east"))
    assert levels(story) == {"available": 10}
    assert levels(story, house="east") == {"reserved": 2}


def test_reserve__rejected_in_a_second_warehouse() -> None:
    story = given(opened(), opened("east"), received(quantity=1), received(warehouse="east"),
                  place(lines=[line(quantity=3)]), on(ReserveOrder, warehouse=HOUSE))
    story.when(on(ReserveOrder, warehouse="east")).refused(GoodsElsewhere)


def test_reserve__rejected_for_a_line_without_a_sku() -> None:
    nameless = Line(line="2", title="云杉集", quantity=1, unit_price=4990, amount_minor=4990)
    story = given(opened(), received(), place(lines=[line(), nameless]))
    story.when(on(ReserveOrder, warehouse=HOUSE)).refused(
        LineWithoutSku,
        f"Line 2 of {stream()} names no SKU, so nothing can be reserved for it. Change its lines "
        "first.")


def test_bundle__rejected_when_its_parts_do_not_suffice_over_all_lines() -> None:
    """medusa#16502: a bundle's part that another line takes, too."""
    story = given(
        opened(), received("SH-001", 3), received("PEN", 9),
        BundleSku(sku="SET", parts=[Part("SH-001", 2), Part("PEN", 1)], occurred_at=NOON))
    story.when(sell(1, line("SET"), line("SH-001", quantity=2, name="2"))).refused(OutOfStock)
    story.when(sell(1, line("SET"), line("SH-001", name="2")))
    assert levels(story) == {"reserved": 3}
    assert levels(story, "PEN") == {"available": 8, "reserved": 1}
    story.when(end(1, "cancelled"))
    assert (levels(story), levels(story, "PEN")) == ({"available": 3}, {"available": 9})


def test_change_lines__rejected_once_reserved() -> None:
    story = given(opened(), received(), place()).when(
        on(ChangeLines, lines=[line(quantity=2)], consent="电话确认")).then(
        "order.lines_changed.v1")
    assert (story[0].old, story[0].new) == ([line()], [line(quantity=2)])
    ready().when(on(ChangeLines, lines=[line()], consent="电话确认")).refused(GoodsMoved)


# -- history --------------------------------------------------------------------------------------


def test_history__accepted_below_zero_with_a_discrepancy_and_never_clamped() -> None:
    """GreaterWMS dn/views.py: negative stock hidden by clamping to 0."""
    story = given(opened(), received(quantity=1)).when(
        record(lines=[line(quantity=3)], warehouse=HOUSE))
    moved = [fact for fact in story.facts if fact.TOPIC == "stock.moved.v1"]
    assert [(b.place, b.level) for fact in moved for b in fact.below_zero] == [("available", -2)]
    assert levels(story) == {"available": -2, "with_courier": 3}


def test_history__accepted_step_by_step_at_its_own_times() -> None:
    arrived = Moment(NOON + timedelta(days=3))
    story = given(opened(), received()).when(record(warehouse=HOUSE, delivered=arrived))
    moved = [fact for fact in story.facts if fact.TOPIC == "stock.moved.v1"]
    assert [fact.occurred_at for fact in moved] == [NOON + timedelta(days=1), arrived.at]
    story.when(record(warehouse=HOUSE, delivered=arrived)).then()


def test_history__accepted_over_our_own_reservation() -> None:
    """The platform shipped what the warehouse still has: the exception says so."""
    story = ready().when(record(
        1, lines=[line(quantity=2), line("PEN", name="2")], warehouse=HOUSE,
        amounts=Amounts()))
    assert story.error is None, story.error
    assert levels(story) == {"available": 8, "with_courier": 2}
    assert "order.exception_opened.v1" in [fact.TOPIC for fact in story.facts]
