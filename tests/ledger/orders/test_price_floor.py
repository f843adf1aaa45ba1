"""The price floor: what is sold below it waits for the signature of somebody else than who sold it
so, and no longer than it is below it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given as on_any
from hypothesis import settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.fulfilment.commands import CheckOrder, PackOrder, PickOrder
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.orders.commands import (
    ApproveOrder,
    CancelPieces,
    ChangeLines,
    ChangePrice,
    CloseException,
    CorrectOrder,
    SellBelowFloor,
    SubmitOrder,
)
from ledger.orders.money import net_of
from ledger.orders.order import Order
from ledger.orders.price_floor import (
    BELOW_FLOOR,
    BelowFloorRefused,
    BelowFloorUnsigned,
    NothingBelowFloor,
    sold_below,
)
from ledger.orders.values import Amounts, Line, PickedFrom
from ledger.people.signatures import NotThePost, SameSigner
from ledger.policies.values import Signing
from ledger.stock.pieces import Count, Part
from ledger.stock.prices import PriceSku
from ledger.stock.skus import AliasSku, BundleSku
from ledger.writing.genesis import begun
from tests.support.builders import (
    CONTEXT,
    HOUSE,
    NOON,
    context,
    end,
    line,
    opened,
    place,
    received,
    record,
    sell,
    stream,
)
from tests.support.shipping import on
from tests.support.stories import Story, given, open_exceptions
from tests.support.team import CHEN, LI, WANG, ZHAO, printed, published, team
from tests.support.thorough import tried

FLOOR, PRICE = 3_000, 4_990
SIGN = on(SellBelowFloor, reason="清仓，书角有折痕")
SUBMIT = on(SubmitOrder, warehouse=HOUSE)
CLOSE = on(CloseException, exception=BELOW_FLOOR, note="没问题")
OPENED = ["order.placed.v1", "order.below_floor_priced.v1", "order.exception_opened.v1"]


def priced(
    sku: str = "SH-001", floor: int | None = FLOOR, *, amount: int = PRICE, currency: str = "CNY",
    days: int = -1,
) -> PriceSku:
    """A price and its floor, from the day before the orders on."""
    return PriceSku(sku=sku, amount_minor=amount, floor_minor=floor, currency=currency,
                    occurred_at=NOON + timedelta(days=days))


def costs(minor: int, quantity: int = 1, **fields: Any) -> dict[str, Any]:
    """A line of so many pieces at a price, and the total."""
    return {"lines": [line(unit_price=minor, quantity=quantity, **fields)],
            "amounts": Amounts(total_minor=minor * quantity)}


def repriced(minor: int, quantity: int = 1) -> ChangeLines:
    """The pieces cost something else, as agreed with the buyer."""
    change: ChangeLines = on(ChangeLines, **costs(minor, quantity), consent="旺旺上说好")
    return change


def discounted(by: int, goods: int = PRICE) -> ChangePrice:
    """So much less for the whole order."""
    change: ChangePrice = on(ChangePrice, amounts=Amounts(
        goods_minor=goods, postage_minor=0, discount_minor=by, total_minor=goods - by))
    return change


def sold(minor: int, *before: Command, quantity: int = 1) -> Story:
    """Pieces that Wang sold at a price, to be paid at the door, and approved."""
    story = given(*team(), *(before or [priced()]), opened(), received())
    story.by(WANG).decide(sell(1, line(unit_price=minor, quantity=quantity)))
    story.decide(on(ApproveOrder))
    return story


def order_of(story: Story) -> Order:
    """The order."""
    found: Order = story.load(Order, stream())
    return found


def waits(story: Story) -> bool:
    """Whether the order has the exception."""
    return BELOW_FLOOR in open_exceptions(story)


# -- decided --------------------------------------------------------------------------------------


def test_money__below_the_floor_is_not_submitted_before_somebody_else_signed_it() -> None:
    """R-ORD-73."""
    assert not waits(sold(FLOOR))
    story = sold(FLOOR - 1)
    assert waits(story)
    story.when(SUBMIT).refused(
        BelowFloorUnsigned, f"{stream()} sells 1 pieces of SH-001 (line 1) for 2999 CNY (minor "
        "units), and its floor is 3000 each. Let somebody sign it who did not set this price "
        "(order.sell_below_floor), or raise the price.")
    story.when(CLOSE).refused(BelowFloorUnsigned)
    fact, _ = story.by(CHEN).when(SIGN).then(
        "order.below_floor_signed.v1", "order.exception_closed.v1")
    assert (fact.signed_by, fact.lines[0].lacking_minor) == (CHEN, 1)
    story.when(SIGN).then()
    story.when(SUBMIT).then("order.submitted.v1")


@pytest.mark.parametrize("low", [repriced(FLOOR - 1), discounted(PRICE - FLOOR + 1)])
def test_money__lowered_below_the_floor_later_is_not_packed_and_raised_again_it_is(
    low: Command
) -> None:
    story = sold(PRICE)
    for command in (SUBMIT, on(PickOrder, lines=[PickedFrom("1", 1)]), on(CheckOrder, passed=True)):
        story.decide(command)
    pack = on(PackOrder, parcel="P1", lines=[Count("1", 1)])
    story.decide(low)
    assert waits(story)
    story.when(pack).refused(BelowFloorUnsigned)
    story.when(discounted(0) if isinstance(low, ChangePrice) else repriced(FLOOR))
    assert story.facts[-1].TOPIC == "order.exception_closed.v1"
    story.when(pack).then("order.packed.v1")


def test_money__signed_counts_for_no_more_pieces_and_no_lower_price() -> None:
    """R-ORD-75."""
    story = sold(2_500, quantity=2)
    story.by(CHEN).decide(SIGN)
    for price, quantity, expected in ((2_499, 2, True), (2_500, 3, True), (2_500, 2, False),
                                      (2_600, 1, False), (FLOOR, 9, False), (2_499, 1, True)):
        story.by(WANG).decide(repriced(price, quantity))
        assert waits(story) == expected, (price, quantity)
    story.by(CHEN).decide(SIGN)
    assert not waits(story)


def test_money__of_cancelled_and_ended_orders_waits_for_nobody() -> None:
    story = sold(FLOOR - 1, quantity=3)
    story.decide(on(CancelPieces, lines=[Count("1", 2)], reason="只要一本"))
    assert waits(story)
    story.decide(end(ended_as="cancelled"))
    assert not waits(story)
    story.by(CHEN).when(SIGN).refused(NothingBelowFloor)
    sold(FLOOR).by(CHEN).when(SIGN).refused(NothingBelowFloor)  # R-ORD-74


# -- who signs ------------------------------------------------------------------------------------


def test_signing__below_the_floor_rejected_of_who_sold_it_so() -> None:
    story = sold(FLOOR - 1)
    story.when(SIGN).refused(SameSigner)
    story.by(ZHAO).decide(repriced(FLOOR - 2))
    for seller in (WANG, ZHAO):
        story.by(seller).when(SIGN).refused(SameSigner)
    story.by(CHEN).decide(SIGN)
    alone = sold(FLOOR - 1, priced(), published(
        signing=[Signing(act="order.sell_below_floor", apart_from=[])]))
    alone.when(SIGN).then("order.below_floor_signed.v1", "order.exception_closed.v1")


def test_signing__below_the_floor_is_for_the_posts_of_the_policy() -> None:
    story = sold(FLOOR - 1, priced(), *printed("signing"))
    story.by(LI).when(SIGN).refused(NotThePost)
    story.by(CHEN).when(SIGN).then("order.below_floor_signed.v1", "order.exception_closed.v1")


def test_policy_readers__signing_of_who_may_ask_to_sell_below_the_floor() -> None:
    story = given(*team(), priced(), published(
        signing=[Signing(act="order.ask_below_floor", posts=["customer_service_head"])]))
    story.by(WANG).when(place(**costs(FLOOR - 1))).refused(
        BelowFloorRefused, f"{stream()} would sell 1 pieces of SH-001 (line 1) for 2999 CNY (minor "
        f"units), below its floor of 3000 each, and {WANG} cannot ask for such a price "
        "(order.ask_below_floor): that is for customer_service_head, and the posts of "
        f"{WANG} are: customer_service. Raise the price to the floor, or let one of those place "
        "or price the order so.")
    story.when(place(**costs(FLOOR))).then("order.placed.v1")
    story.by(LI).when(place(2, **costs(FLOOR - 1))).then(*OPENED)


def test_policy_readers__signing_below_the_floor_by_amount() -> None:
    row = Signing(act="order.sell_below_floor", posts=["finance"], above_minor=100)
    for lacking, may in ((50, True), (51, False)):
        story = sold(FLOOR - lacking, priced(), published(signing=[row]), quantity=2).by(CHEN)
        story.when(SIGN)
        assert (story.error is None) is may, lacking


# -- which price ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("prices", "expected"), [
    ([], False), ([priced(floor=None)], False), ([priced(currency="HKD")], False),
    ([priced(days=1)], False), ([priced(), priced(floor=100, days=1)], True),
    ([priced(floor=100, days=-2), priced()], True), ([priced(), priced(floor=100, days=-2)], True),
    ([priced(days=-2), priced(floor=None)], False)])
def test_money__of_an_order_is_held_against_the_price_of_when_it_was_placed(
    prices: list[Command], expected: bool
) -> None:
    """What was recorded for which day counts, and not in which order."""
    assert waits(given(*prices, place(**costs(FLOOR - 1)))) is expected
    assert not waits(given(*prices, place(**costs(FLOOR))))


def test_money__of_an_order_dated_back_is_held_against_the_price_of_its_day() -> None:
    lowered = [priced(days=-9), priced(floor=100, days=-1)]
    for days, expected in ((-10, False), (-5, True), (0, False)):
        at = NOON + timedelta(days=days)
        assert waits(given(*lowered, place(**costs(FLOOR - 1), occurred_at=at))) is expected, days


def test_money__that_falls_below_a_floor_said_afterwards_is_signed_before_it_is_sent() -> None:
    story = given(*team(), opened(), received())
    story.by(WANG).decide(sell(1, line(unit_price=FLOOR - 1)))
    story.decide(on(ApproveOrder))
    story.decide(priced())
    assert not waits(story)
    story.when(SUBMIT).refused(BelowFloorUnsigned)
    story.by(CHEN).decide(SIGN)
    story.when(SUBMIT).then("order.submitted.v1")


def test_money__of_another_name_and_of_a_bundle() -> None:
    """Another name has the price of what it names then, a bundle its own and not its parts'."""
    name = AliasSku(sku="sh001", target="SH-001", occurred_at=NOON - timedelta(hours=1))
    kit = BundleSku(sku="KIT", parts=[Part("SH-001", 2)], occurred_at=NOON - timedelta(days=2))
    aliased = place(**costs(FLOOR - 1, sku="sh001"))
    for late, expected in ((0, True), (3, False)):
        at = NOON + timedelta(hours=late - 1)
        named = msgspec.structs.replace(name, occurred_at=at)
        assert waits(given(priced(), named, aliased)) is expected
    bundled = place(**costs(FLOOR - 1, sku="KIT"))
    assert not waits(given(priced(), kit, bundled))
    assert waits(given(priced(), priced("KIT"), kit, bundled))


def test_money__of_gifts_is_no_sale_beside_one_and_alone_it_is() -> None:
    book, gift = line(), line("PEN", unit_price=0, name="2")
    prices = [priced(), priced("PEN", floor=100)]
    for lines, expected in (([book, gift], False), ([gift], True),
                            ([book, line("PEN", unit_price=1, name="2")], True)):
        total = sum(one.amount_minor for one in lines)
        order = place(lines=lines, amounts=Amounts(total_minor=total))
        assert waits(given(*prices, order)) is expected


# -- declared -------------------------------------------------------------------------------------


def test_money__below_the_floor_that_a_file_declares_is_recorded_and_waits() -> None:
    story = given(*team(), priced(), record(**costs(FLOOR - 1), paid_minor=FLOOR - 1))
    assert (waits(story), order_of(story).ended) == (True, "completed")
    story.by(CHEN).when(SIGN).then(
        "order.below_floor_signed.v1", "order.exception_closed.v1")
    assert order_of(story).sellers == ()
    story.when(record(**costs(FLOOR - 1), paid_minor=FLOOR - 1)).then()


def test_money__that_a_newer_file_raises_closes_the_exception() -> None:
    unsent = {"dispatched": None, "courier": None, "waybill": None, "ended": None, "ended_as": ""}
    story = given(priced(), record(**costs(FLOOR - 1), paid_minor=FLOOR - 1, **unsent))
    assert waits(story)
    story.decide(record(**costs(FLOOR), paid_minor=FLOOR, **unsent))
    assert not waits(story)


def test_money__corrected_above_the_floor_closes_the_exception_and_below_it_waits() -> None:
    story = given(*team(), priced(), record(
        lines=[line()], amounts=Amounts(goods_minor=PRICE, postage_minor=0, total_minor=2_000),
        paid_minor=2_000)).by(WANG)
    for total, expected in ((PRICE, False), (FLOOR - 1, True), (FLOOR, False)):
        story.decide(on(CorrectOrder, fact="amounts", reason="平台结算单", amounts=Amounts(
            goods_minor=PRICE, postage_minor=0, discount_minor=PRICE - total, total_minor=total)))
        assert waits(story) is expected, total
    assert order_of(story).sellers == (WANG,)


# -- any ------------------------------------------------------------------------------------------

LINES = st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(1, 7),
                           st.integers(0, 999), st.integers(0, 3)), min_size=1, max_size=5)


@settings(max_examples=tried(300), deadline=None)
@on_any(LINES, st.integers(0, 100), st.dictionaries(st.sampled_from("ABC"), st.integers(0, 600)))
def test_money__is_below_the_floor_if_its_share_of_a_piece_is(
    drawn: list[tuple[str, int, int, int]], percent: int, floors: dict[str, int]
) -> None:
    """What the buyer pays for a line lies within a fen of its exact share, worked out here."""
    lines = [Line(line=str(at), sku=sku, quantity=quantity, unit_price=price,
                  amount_minor=quantity * price)
             for at, (sku, quantity, price, _) in enumerate(drawn)]
    cancelled = {str(at): min(dropped, quantity - 1)
                 for at, (_, quantity, _, dropped) in enumerate(drawn)}
    left = {one.line: one.quantity - cancelled[one.line] for one in lines}
    gross = {one.line: left[one.line] * one.unit_price for one in lines}
    whole = sum(gross.values())
    discount = whole * percent // 100
    amounts = Amounts(discount_minor=discount)
    found = {one.line: one for one in sold_below(lines, amounts, cancelled, floors)}
    net = net_of(lines, amounts, cancelled)
    for one in lines:
        exact = gross[one.line] - Fraction(discount * gross[one.line], whole or 1)
        assert abs(net[one.line] - exact) < 1
        is_sale = one.unit_price > 0 or whole == 0
        assert (one.line in found) == (one.sku in floors and is_sale and Fraction(
            net[one.line], left[one.line]) < floors[one.sku])


STEPS = st.one_of(
    st.sampled_from([SIGN, CLOSE, SUBMIT, discounted(0), discounted(PRICE - FLOOR + 1)]),
    st.builds(repriced, st.sampled_from([1, FLOOR - 1, FLOOR, PRICE]), st.integers(1, 3)))


@settings(max_examples=tried(60), deadline=None)
@on_any(st.lists(st.tuples(st.sampled_from([WANG, CHEN]), STEPS), max_size=10),
        st.sampled_from([1, FLOOR - 1, FLOOR, PRICE]))
def test_signing__below_the_floor_goes_to_the_warehouse_only_with_another_persons(
    steps: list[tuple[str, Command]], first: int
) -> None:
    story, lowest, sellers = sold(first), {(FLOOR, 10**6)}, set[str]()
    sellers |= {WANG} if first < FLOOR else set()
    for actor, step in (*steps, (CHEN, SUBMIT)):
        facts: list[Any] = []
        with suppress(LedgerError):
            facts = story.by(actor).decide(step)
        order = order_of(story)
        (net,), pieces = order.net_of_lines().values(), (order.lines or {})["1"].quantity
        for fact in facts:
            if isinstance(fact, Order.BelowFloorPriced):
                sellers.add(fact.set_by or "")
            elif isinstance(fact, Order.BelowFloorSigned):
                assert fact.signed_by not in sellers
                lowest = {(FLOOR, 10**6), (Fraction(net, pieces), pieces)}
            elif isinstance(fact, Order.Submitted):
                assert not waits(story)
        allowed = any(Fraction(net, pieces) >= unit and pieces <= most for unit, most in lowest)
        assert waits(story) == (not allowed)


# -- on stores ------------------------------------------------------------------------------------


@pytest.fixture
def shop(store: Store, keys: Keys) -> Iterator[Ledger]:
    """A ledger of the shop's commands, on each store."""
    found = Ledger(store, begun(store, keys))
    yield found
    found.close()


def test_signing__below_the_floor_rests_on_what_every_store_keeps(
    shop: Ledger, store: Store
) -> None:
    """Another process reads who sold it so, and the price, out of the log."""
    for command in (*team(), priced(), opened(), received()):
        shop.handle(command, CONTEXT)
    shop.handle(sell(1, line(unit_price=FLOOR - 1)), context(actor=WANG))
    shop.handle(on(ApproveOrder), context(actor=WANG))
    other = Ledger(store, shop.keys)
    with pytest.raises(SameSigner):
        other.handle(SIGN, context(actor=WANG))
    with pytest.raises(BelowFloorUnsigned):
        other.handle(SUBMIT, context(actor=WANG))
    assert len(other.handle(SIGN, context(actor=CHEN)).positions) == 2
    shop.handle(SUBMIT, context(actor=WANG))
    other.close()


def test_money__below_the_floor_signed_and_lowered_at_once_waits_again(shop: Ledger) -> None:
    """Whichever comes first, a lower price than was signed is not let through."""
    for command in (*team(), priced(), opened(), received()):
        shop.handle(command, CONTEXT)
    shop.handle(sell(1, line(unit_price=FLOOR - 1)), context(actor=WANG))
    shop.handle(on(ApproveOrder), context(actor=WANG))
    with ThreadPoolExecutor(2) as both:
        waiting = [both.submit(shop.handle, command, context(actor=actor)) for actor, command in (
            (CHEN, SIGN), (ZHAO, repriced(FLOOR - 2)))]
    assert [one.exception() for one in waiting] == [None, None]
    order = Order.blank(stream())
    for entry in shop.store.streams("main", [stream()]):
        event_types.decode(entry).mutate(order)
    signed = order.signed_below["1"].net_minor
    assert (BELOW_FLOOR in order.exceptions) == (signed == FLOOR - 1)
