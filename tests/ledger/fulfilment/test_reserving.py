"""Orders and stock together: from the reservation to the buyer, and every way back."""

from datetime import timedelta
from functools import partial

from ledger.common.moments import Moment
from ledger.fulfilment.commands import (
    CheckOrder,
    LoseParcel,
    MoveReservation,
    PackOrder,
    PickOrder,
    ReleaseBackOrders,
    ReleaseReservation,
    ReserveOrder,
)
from ledger.fulfilment.reserving import MAX_SERVED
from ledger.orders.commands import (
    ChangeLines,
    HoldOrder,
    LiftHold,
    OpenException,
    SubmitOrder,
)
from ledger.orders.errors import (
    GoodsElsewhere,
    LastCheckFailed,
    LineWithoutSku,
    NotThatMany,
    OrderAlreadyDispatched,
    OrderEnded,
    OrderHeld,
    OrderNotReady,
)
from ledger.orders.values import Amounts, Line, PickedFrom
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.errors import OutOfStock, SkuUnknown, WarehouseUnknown
from ledger.stock.movements import MoveStock
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku, RegisterSku
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
from tests.support.shipping import ARRIVE, CHECK, LATER, PACK, PICK, SEND, on, ready
from tests.support.stories import (
    Story,
    account,
    given,
    goods,
    levels,
    open_exceptions,
    waiting,
)


def test_order__accepted_from_the_shelf_to_the_buyer() -> None:
    story = ready()
    assert levels(story) == {"available": 8, "reserved": 2}
    for command, topic, place_name in (
            (PICK, "order.picked.v1", "picked"), (CHECK, "order.checked.v1", "picked"),
            (PACK, "order.packed.v1", "packed"), (SEND, "order.dispatched.v1", "with_courier"),
            (ARRIVE, "order.delivered.v1", "customer")):
        story.when(command).then(topic)
        assert levels(story) == {"available": 8, place_name: 2}
        assert levels(story, "PEN") == {"available": 4, place_name: 1}
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
    assert story.known[stream()].exceptions == {"courier_lost": "courier_lost"}
    story.when(ARRIVE).then("order.delivered.v1", "order.exception_closed.v1")
    assert levels(story) == {"available": 8, "customer": 2}


def test_dispatch__rejected_while_held() -> None:
    story = ready(PICK, CHECK, PACK, on(HoldOrder, reason="买家要求拦截"))
    story.when(SEND).refused(OrderHeld)
    story.when(on(LiftHold)).then("order.hold_lifted.v1")
    story.when(SEND).then("order.dispatched.v1")


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
        "order.checked.v1", "order.exception_opened.v1"]
    assert levels(story) == {"available": 8, "picked": 1, "quarantine": 1}
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
        "order.reserved.v1", "order.exception_opened.v1")
    assert goods(story) == {"1": {"reserved": 1, "short": 2}}
    assert waiting(story) == {"1": 2}
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
    assert waiting(story) == {}


# -- waiting ---------------------------------------------------------------------------------------


def queued(*wanted: int, stock: int = 0, sku: str = "SH-001") -> Story:
    """Orders 1, 2, … that want so many pieces each, in this order; so many are there."""
    story = given(opened(), RegisterSku(sku=sku, occurred_at=NOON))
    if stock:
        story.decide(received(sku, stock))
    for number, quantity in enumerate(wanted, 1):
        story.decide(place(number, lines=[line(sku, quantity=quantity)]))
        story.decide(on(ReserveOrder, number, warehouse=HOUSE))
    return story


def reserved(story: Story, *numbers: int) -> list[int]:
    """How many pieces of their first line these orders have."""
    return [goods(story, number)["1"].get("reserved", 0) for number in numbers]


def test_waiting__is_posted_by_the_order_and_names_the_account() -> None:
    story = queued(5)
    _, fact = story.when(received(quantity=2)).then("stock.moved.v1", "order.reserved.v1")
    assert [(one.source, one.target, one.quantity, one.cause) for one in fact.postings] == [
        ("available", "reserved", 2, "reservation"), ("waiting", "demand", 2, "back_order_ended")]
    assert fact.accounts() == {"stock:main:SH-001"}
    assert waiting(story) == {"1": 3}
    assert account(story).levels == {"supplier": -2, "reserved": 2, "demand": -3, "waiting": 3}


def test_waiting__an_order_that_was_served_in_part_keeps_its_place() -> None:
    story = queued(3, 1)
    since = [one.since for one in account(story).waiting.values()]
    assert since == sorted(set(since))
    assert len(since) == 2
    story.decide(received(quantity=2))
    assert [one.since for one in account(story).waiting.values()] == since
    assert (reserved(story, 1, 2), waiting(story)) == ([2, 0], {"1": 1, "2": 1})
    story.decide(received(quantity=1))
    assert (reserved(story, 1, 2), waiting(story)) == ([3, 0], {"2": 1})


def test_waiting__a_reservation_that_was_waited_for_claims_since_then() -> None:
    """So a count takes the youngest claims back, and not those that were served last."""
    story = queued(2)
    (since,) = [one.since for one in account(story).waiting.values()]
    served = story.when(received(quantity=2)).facts[1]
    assert [one.since for one in served.postings if one.target == "reserved"] == [since]


def test_waiting__nobody_new_gets_a_piece_for_which_others_wait() -> None:
    story = queued(3, 4, stock=1)
    story.when(sell(9)).refused(OutOfStock)
    story.decide(received(quantity=5))
    assert reserved(story, 1, 2) == [3, 3]
    story.decide(received(quantity=2))
    story.when(sell(9)).then("order.placed.v1")
    assert reserved(story, 2, 9) == [4, 1]


def test_waiting__an_order_on_hold_is_passed_over_and_keeps_its_place() -> None:
    story = queued(5, 5)
    story.decide(on(HoldOrder, 1, reason="地址不清"))
    story.decide(received(quantity=6))
    assert (reserved(story, 1, 2), waiting(story)) == ([0, 5], {"1": 5})
    assert levels(story) == {"available": 1, "reserved": 5}
    story.when(on(LiftHold, 1)).then("order.hold_lifted.v1", "order.reserved.v1")
    assert (reserved(story, 1), waiting(story)) == ([1], {"1": 4})
    story.decide(received(quantity=9))
    assert reserved(story, 1) == [5]
    assert open_exceptions(story, 1) == []


def test_waiting__lifting_a_hold_takes_nothing_from_those_that_were_before() -> None:
    story = queued(5, 5)
    story.decide(on(HoldOrder, 2, reason="地址不清"))
    story.when(on(LiftHold, 2)).then("order.hold_lifted.v1")
    story.decide(received(quantity=6))
    assert reserved(story, 1, 2) == [5, 1]


def test_waiting__a_hold_frees_what_was_kept_for_the_order() -> None:
    """One that waits for two parts claims the one that is there; on hold, it claims nothing."""
    story = given(
        opened(), RegisterSku(sku="PEN", occurred_at=NOON), received("SH-001", 1),
        BundleSku(sku="SET", parts=[Part("SH-001", 1), Part("PEN", 1)], occurred_at=NOON),
        place(1, lines=[line("SET")]), on(ReserveOrder, 1, warehouse=HOUSE),
        place(2, lines=[line("SH-001")]), on(ReserveOrder, 2, warehouse=HOUSE))
    assert (reserved(story, 1, 2), waiting(story)) == ([0, 0], {"1": 1, "2": 1})
    assert waiting(story, "PEN") == {"1": 1}
    story.when(on(HoldOrder, 1, reason="地址不清")).then(
        "order.held.v1", "order.reserved.v1", "order.exception_closed.v1")
    assert reserved(story, 1, 2) == [0, 1]


def test_waiting__a_new_order_gets_what_an_order_on_hold_waits_for() -> None:
    story = queued(5)
    story.decide(on(HoldOrder, 1, reason="地址不清"))
    story.decide(received(quantity=2))
    story.when(sell(2, line(quantity=2))).then("order.placed.v1")


def test_waiting__a_kit_that_lacks_a_part_keeps_its_claim_on_the_others() -> None:
    kit = BundleSku(sku="SET", parts=[Part("SH-001", 2), Part("PEN", 1)], occurred_at=NOON)
    story = given(
        opened(), RegisterSku(sku="PEN", occurred_at=NOON), RegisterSku(
            sku="SH-001", occurred_at=NOON), kit,
        place(1, lines=[line("SET", quantity=2)]), on(ReserveOrder, 1, warehouse=HOUSE),
        place(2, lines=[line("SH-001", quantity=3)]), on(ReserveOrder, 2, warehouse=HOUSE))
    story.when(received("SH-001", 4)).then("stock.moved.v1")
    story.when(received("SH-001", 1)).then(
        "stock.moved.v1", "order.reserved.v1")
    assert (reserved(story, 1, 2), waiting(story)) == ([0, 1], {"1": 4, "2": 2})
    story.decide(received("PEN", 1))
    assert (reserved(story, 1, 2), waiting(story)) == ([1, 1], {"1": 2, "2": 2})
    assert levels(story) == {"available": 2, "reserved": 3}
    story.decide(received("PEN", 5))
    assert (reserved(story, 1, 2), waiting(story)) == ([2, 1], {"2": 2})
    assert levels(story, "PEN") == {"available": 4, "reserved": 2}


def test_waiting__is_served_by_what_a_late_pick_leaves_on_the_shelf() -> None:
    """The count had seen the shelf without the picked pieces: others lie there."""
    story = ready(place(2, lines=[line(quantity=9)]), on(ReserveOrder, 2, warehouse=HOUSE))
    story.decide(CountStock(warehouse=HOUSE, occurred_at=LATER + timedelta(hours=1), counts=[
        CountLine(sku="SH-001", quantity=10)]))
    assert (reserved(story, 2), waiting(story)) == ([8], {"2": 1})
    story.when(PICK).then("order.picked.v1", "order.reserved.v1", "order.exception_closed.v1")
    assert (reserved(story, 2), waiting(story)) == ([9], {})
    assert levels(story) == {"available": 1, "reserved": 9, "picked": 2, "stocktake_gain_loss": -2}


def test_waiting__one_command_serves_only_so_many_orders() -> None:
    """Those that are looked at and get nothing do not count."""
    story = queued(*[1] * (MAX_SERVED + 12))
    for number in range(1, 6):
        story.decide(on(HoldOrder, number, reason="地址不清"))
    facts = story.when(received(quantity=MAX_SERVED + 20)).facts
    assert [fact.TOPIC for fact in facts].count("order.reserved.v1") == MAX_SERVED
    assert list(waiting(story)) == ["1", "2", "3", "4", "5", *map(
        str, range(MAX_SERVED + 6, MAX_SERVED + 13))]
    more = ReleaseBackOrders(warehouse=HOUSE, sku="SH-001", occurred_at=LATER)
    facts = story.when(more).facts
    assert [fact.TOPIC for fact in facts].count("order.reserved.v1") == 7
    story.when(more).then()
    assert levels(story) == {"available": 13, "reserved": MAX_SERVED + 7}


def test_waiting__one_command_serves_only_so_many_orders_over_all_of_its_skus() -> None:
    story = given(opened(), *(RegisterSku(sku=sku, occurred_at=NOON) for sku in "AB"))
    for number in range(MAX_SERVED):
        story.decide(place(number, lines=[line("AB"[number % 2])]))
        story.decide(on(ReserveOrder, number, warehouse=HOUSE))
    for number in range(MAX_SERVED, MAX_SERVED + 4):
        story.decide(place(number, lines=[line("A"), line("B", name="2")]))
        story.decide(on(ReserveOrder, number, warehouse=HOUSE))
    facts = story.when(MoveStock(warehouse=HOUSE, occurred_at=NOON, moves=[
        *received("A", 100).moves, *received("B", 100).moves])).facts
    served = {fact.originator_id for fact in facts if fact.TOPIC == "order.reserved.v1"}
    assert len(served) == MAX_SERVED


def test_out_of_stock__opens_and_closes_by_itself() -> None:
    story = given(opened(), received(quantity=1), place(lines=[line(quantity=3)]))
    story.when(on(ReserveOrder, warehouse=HOUSE)).then(
        "order.reserved.v1", "order.exception_opened.v1")
    assert open_exceptions(story) == ["out_of_stock"]
    story.when(received(quantity=1)).then("stock.moved.v1", "order.reserved.v1")
    assert open_exceptions(story) == ["out_of_stock"]
    story.when(received(quantity=1)).then(
        "stock.moved.v1", "order.reserved.v1", "order.exception_closed.v1")
    assert open_exceptions(story) == []


def test_out_of_stock__closes_with_whatever_ends_the_wait() -> None:
    for command in (end(1, "cancelled"), on(ReleaseReservation, 1, reason="改期")):
        story = queued(3, 2, stock=1).when(command)
        assert "order.exception_closed.v1" in [fact.TOPIC for fact in story.facts]
        assert open_exceptions(story, 1) == []
        assert (waiting(story), reserved(story, 2)) == ({"2": 1}, [1])


def test_out_of_stock__that_somebody_opened_is_not_closed() -> None:
    story = queued(1)
    story.decide(on(OpenException, 1, exception="other", kind="out_of_stock", note="供应商缺货"))
    story.decide(received(quantity=1))
    assert open_exceptions(story, 1) == ["other"]


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


def test_move__rejected_while_a_courier_has_a_parcel_from_the_first_warehouse() -> None:
    """Where its pieces are with a courier is said of one warehouse: they arrive from there."""
    story = ready(opened("east"), received("PEN", 1, warehouse="east"), PICK, CHECK,
                  on(PackOrder, parcel="P1", lines=[Count("1", 2)]), SEND,
                  on(CheckOrder, passed=False, faulty=[Count("2", 1)], note="破损"))
    assert goods(story) == {"1": {"in_transit": 2}, "2": {"unreserved": 1}}
    for command in (ReserveOrder, MoveReservation):
        story.when(on(command, warehouse="east")).refused(GoodsElsewhere)
    story.when(ARRIVE).then("order.delivered.v1")
    assert levels(story) == {"available": 8, "customer": 2}
    story.when(on(ReserveOrder, warehouse="east")).then("order.reserved.v1")


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


def test_change_lines__keeps_both_versions() -> None:
    story = given(opened(), received(), place()).when(
        on(ChangeLines, lines=[line(quantity=2)], consent="电话确认")).then(
        "order.lines_changed.v1")
    assert (story[0].old, story[0].new) == ([line()], [line(quantity=2)])


# -- history --------------------------------------------------------------------------------------


def test_history__accepted_below_zero_with_a_discrepancy_and_never_clamped() -> None:
    """GreaterWMS dn/views.py: negative stock hidden by clamping to 0."""
    story = given(opened(), received(quantity=1)).when(
        record(lines=[line(quantity=3)], warehouse=HOUSE))
    assert [(one.source, one.below) for fact in story.facts for one in fact.postings] == [
        ("available", -2)]
    assert levels(story) == {"available": -2, "with_courier": 3}


def test_history__accepted_step_by_step_at_its_own_times() -> None:
    arrived = Moment(NOON + timedelta(days=3))
    story = given(opened(), received()).when(record(warehouse=HOUSE, delivered=arrived))
    posted = [(fact.TOPIC, fact.occurred_at) for fact in story.facts if fact.postings]
    assert posted == [("order.dispatched.v1", NOON + timedelta(days=1)),
                      ("order.delivered.v1", arrived.at)]
    story.when(record(warehouse=HOUSE, delivered=arrived)).then()


def test_history__accepted_over_our_own_reservation() -> None:
    """The platform shipped what the warehouse still has: the exception says so."""
    story = ready().when(record(
        1, lines=[line(quantity=2), line("PEN", name="2")], warehouse=HOUSE,
        amounts=Amounts()))
    assert story.error is None, story.error
    assert levels(story) == {"available": 8, "with_courier": 2}
    assert "order.exception_opened.v1" in [fact.TOPIC for fact in story.facts]


def test_bundle__that_changes_while_a_line_waits_is_what_it_was() -> None:
    """What is reserved and waited for of a line says what it is made of; a bundle that changes
    later changes nothing of it, whichever of its pieces come last."""
    kit = partial(BundleSku, sku="SET", occurred_at=NOON)
    story = given(
        opened(), received("A", 1), received("B", 1), received("C", 9),
        kit(parts=[Part("A", 1), Part("B", 1)]), place(1, lines=[line("SET", quantity=3)]),
        on(ReserveOrder, warehouse=HOUSE), kit(parts=[Part("C", 2)]))
    story.decide(received("C", 5))
    assert levels(story, "C") == {"available": 14}
    story.decide(received("A", 2))
    story.decide(received("B", 2))
    assert goods(story) == {"1": {"reserved": 3}}
    assert (levels(story, "A"), levels(story, "B")) == ({"reserved": 3}, {"reserved": 3})
    story.when(end(1, "cancelled"))
    assert (levels(story, "A"), levels(story, "C")) == ({"available": 3}, {"available": 14})


def test_served__no_earlier_than_it_began_to_wait() -> None:
    """A receipt of an earlier day that is told late waited for the order, not the order for it."""
    story = given(opened(), received(quantity=1), place(lines=[line(quantity=3)]),
                  on(ReserveOrder, warehouse=HOUSE))
    facts = story.decide(received(quantity=5, occurred_at=NOON - timedelta(days=2)))
    assert [fact.occurred_at for fact in facts if fact.TOPIC.startswith("order.")] == [LATER] * 2


def test_reserving__counts_two_spellings_of_a_sku_together() -> None:
    """As lines of an order and as parts of a bundle: what is not there is waited for."""
    story = given(opened(), received("A", 12), place(1, lines=[
        line("A", quantity=7), line("A ", quantity=7, name="2")], amounts=Amounts()))
    story.decide(on(ReserveOrder, 1, warehouse=HOUSE))
    assert goods(story) == {"1": {"reserved": 7}, "2": {"reserved": 5, "short": 2}}
    kit = given(opened(), received("A", 5), BundleSku(
        sku="KIT", parts=[Part("A", 1), Part("A ", 1)], occurred_at=NOON), place(
            1, lines=[line("KIT", quantity=3)], amounts=Amounts()))
    kit.decide(on(ReserveOrder, 1, warehouse=HOUSE))
    assert goods(kit) == {"1": {"reserved": 2, "short": 1}}
