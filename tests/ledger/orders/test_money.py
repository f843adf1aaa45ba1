"""The money of an order: its lines and its total agree, what is open and too much is said, and a
reference is one payment or one refund."""

from contextlib import suppress
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given as on_any
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from msgspec import structs

from ledger.common.errors import InvalidValues, LedgerError
from ledger.common.moments import Moment
from ledger.common.values import rfc3339
from ledger.orders.commands import (
    CancelPieces,
    ChangeLines,
    ChangePrice,
    CorrectOrder,
    EndOrder,
    PayOrder,
    RefundOrder,
    SupplementOrder,
)
from ledger.orders.declared import RecordOrder
from ledger.orders.errors import (
    AlreadyPaid,
    AmountsNeeded,
    GoodsDisagree,
    LineAmountDisagrees,
    NothingToSupplement,
    NotPaidFor,
    NotThatReference,
    OrderEnded,
    OrderNotPaid,
    PaymentAlike,
    ReferenceUsed,
    RefundAlike,
    StillOpen,
    TotalDisagrees,
)
from ledger.orders.money import Balance, Sums, less_pieces, net_of, shares_of
from ledger.orders.order import MONEY, Order
from ledger.orders.payment import PriceOpen
from ledger.orders.values import Amounts, Line
from ledger.stock.pieces import Count
from tests.support.builders import (
    costing,
    end,
    line,
    opened,
    pay,
    place,
    received,
    record,
    sell,
    stream,
)
from tests.support.payments import LATER, change, correct, refund
from tests.support.stories import Story, given, open_exceptions
from tests.support.thorough import tried

FOR_41 = place(lines=[line(unit_price=4100)], amounts=Amounts(total_minor=4100))


FOR_4990 = place(amounts=Amounts(total_minor=4990))


def on(command: type[Any], **fields: Any) -> Any:
    """A command on the order, an hour after noon."""
    return command(**{"order": stream(), "occurred_at": LATER, **fields})


def lines(*prices: int) -> list[Line]:
    """A line of one piece for each price."""
    return [line(f"S{number}", unit_price=price, name=str(number))
            for number, price in enumerate(prices, 1)]


def changed(*prices: int, **fields: Any) -> ChangeLines:
    """Other lines, as agreed with the buyer."""
    return on(ChangeLines, lines=lines(*prices), consent="旺旺上说好", **fields)


def costs(**amounts: int) -> CorrectOrder:
    """It costs something else than was recorded."""
    return on(CorrectOrder, fact="amounts", amounts=Amounts(**amounts), reason="抄错")


def order_of(story: Story, number: object = "1") -> Order:
    """The order of a story."""
    found: Order = story.load(Order, stream(number))
    return found


def standing(story: Story) -> tuple[str, list[str]]:
    """How an order stands: its payment status, and what the ledger says of its money."""
    return order_of(story).payment_status(), [
        name for name in open_exceptions(story) if name in MONEY]


# -- lines, goods, total --------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong", "says"), [
    (line(quantity=2, unit_price=1750), None),
    (Line(line="1", sku="A", quantity=2, unit_price=1750, amount_minor=999), LineAmountDisagrees),
    (Line(line="1", quantity=3, unit_price=3335, unit_price_scale=3, amount_minor=1000), None),
    (Line(line="1", quantity=3, unit_price=3335, unit_price_scale=3, amount_minor=1001),
     LineAmountDisagrees),
    (Line(line="1", quantity=1, unit_price=800, amount_minor=799, fee=True), LineAmountDisagrees)])
def test_money__of_a_line_is_quantity_times_price(
    wrong: Line, says: type[LedgerError] | None
) -> None:
    story = given().when(place(lines=[wrong], amounts=Amounts()))
    story.refused(says) if says else story.then("order.placed.v1")


@pytest.mark.parametrize(("amounts", "says"), [
    (Amounts(goods_minor=123456, total_minor=123456), GoodsDisagree),
    (Amounts(postage_minor=0, total_minor=1), TotalDisagrees),
    (Amounts(goods_minor=3500, postage_minor=0, discount_minor=0, total_minor=3499),
     TotalDisagrees),
    (Amounts(postage_minor=500, total_minor=3500), TotalDisagrees)])
def test_money__of_an_order_that_does_not_add_up_is_refused(
    amounts: Amounts, says: type[LedgerError]
) -> None:
    two = [line(quantity=2, unit_price=1750)]
    given().when(place(lines=two, amounts=amounts)).refused(says)
    story = given(place(lines=two, amounts=Amounts(total_minor=3500)))
    story.when(on(ChangeLines, lines=two, amounts=amounts, consent="好")).refused(says)


PARTS = {"goods_minor": 2400, "postage_minor": 600, "discount_minor": 100, "total_minor": 2900}
TWO = [line(quantity=2, unit_price=1200), *(
    Line(line=name, quantity=1, unit_price=price, amount_minor=price, fee=True)
    for name, price in (("postage", 600), ("voucher", -100)))]
SPELLINGS = [Amounts(**{name: PARTS[name] for name in names})
             for many in range(5) for names in combinations(PARTS, many)]


@pytest.mark.parametrize("amounts", SPELLINGS, ids=str)
@pytest.mark.parametrize("sold", [False, True])
def test_money__that_somebody_leaves_out_is_what_the_lines_say(
    amounts: Amounts, sold: bool
) -> None:
    """R-ORD-84: a fen is not all, however little somebody says of what it costs."""
    story = given(opened(), received()) if sold else given()
    placed = sell(1, *TWO, terms="prepaid") if sold else place(lines=TWO, amounts=Amounts())
    story.decide(structs.replace(placed, amounts=amounts))
    fact = next(fact for _, fact in story.placed if isinstance(fact, Order.Placed))
    assert fact.amounts == Amounts(**PARTS)
    assert order_of(story).payment_status() == "unpaid"
    story.decide(pay(amount_minor=1))
    assert order_of(story).balance.open_minor == 2899
    assert standing(story) == ("part_paid", ["part_paid"])
    with pytest.raises(NotPaidFor):
        order_of(story).must_be_sendable()
    story.decide(pay(amount_minor=2899))
    assert standing(story) == ("paid", [])
    order_of(story).must_be_sendable()


@pytest.mark.parametrize("amounts", SPELLINGS, ids=str)
def test_money__of_changed_lines_and_prices_is_filled_in_the_same_way(amounts: Amounts) -> None:
    """R-ORD-84: what a change leaves out is what the lines say, or what it was before."""
    for story in (given(FOR_41), given(place(lines=None, amounts=Amounts()))):
        story.decide(on(ChangeLines, lines=TWO, amounts=amounts, consent="好"))
        assert order_of(story).amounts == Amounts(**PARTS)
        story.decide(on(ChangePrice, amounts=amounts))
        assert order_of(story).amounts == Amounts(**PARTS)
        story.decide(pay(amount_minor=2900))
        story.decide(costs(postage_minor=0, discount_minor=0, total_minor=2400))
        assert order_of(story).amounts.goods_minor == 2400
        story.decide(on(CorrectOrder, fact="amounts", reason="抄错",
                        amounts=structs.replace(amounts, total_minor=2900)))
        assert order_of(story).amounts == Amounts(**PARTS)


@pytest.mark.parametrize("amounts", SPELLINGS, ids=str)
def test_money__has_its_tax_on_top(amounts: Amounts) -> None:
    """A tax is part of the total, stays where a price leaves it out, and is never worked out."""
    total = {} if amounts.total_minor is None else {"total_minor": 2900 + 232}
    taxed = structs.replace(amounts, tax_minor=232, **total)
    expected = Amounts(**{**PARTS, "tax_minor": 232, "total_minor": 3132})
    story = given(place(lines=TWO, amounts=taxed))
    assert order_of(story).amounts == expected
    story.when(on(ChangePrice, amounts=Amounts(total_minor=2900))).refused(TotalDisagrees)
    story.decide(on(ChangePrice, amounts=Amounts(discount_minor=200)))
    assert order_of(story).amounts == structs.replace(
        expected, discount_minor=200, total_minor=3032)
    given().when(place(lines=TWO, amounts=structs.replace(taxed, total_minor=2900))).refused(
        TotalDisagrees)


def test_money__of_a_price_that_names_the_discount_alone_keeps_the_postage() -> None:
    """R-ORD-84: what is signed is by how much the total changes."""
    book = [line(quantity=2, unit_price=1200)]
    story = given(place(lines=book, amounts=Amounts(postage_minor=600)))
    story.decide(on(ChangePrice, amounts=Amounts(discount_minor=400)))
    assert order_of(story).amounts == Amounts(
        goods_minor=2400, postage_minor=600, discount_minor=400, total_minor=2600)
    story.when(on(ChangePrice, amounts=Amounts(total_minor=2400))).refused(TotalDisagrees)
    story.when(on(ChangePrice, amounts=Amounts(discount_minor=3001))).refused(AmountsNeeded)
    given().when(place(lines=book, amounts=Amounts(discount_minor=2401))).refused(AmountsNeeded)
    dear = lines(2**52, 2**52)  # more than an amount can be
    given().when(place(lines=dear, amounts=Amounts())).refused(AmountsNeeded)
    story.when(on(ChangeLines, lines=dear, consent="好")).refused(AmountsNeeded)


def test_money__of_fees_goes_with_their_lines() -> None:
    story = given(place(lines=TWO, amounts=Amounts()))
    story.decide(on(ChangeLines, lines=TWO[:1], consent="自提"))
    assert order_of(story).amounts == Amounts(
        goods_minor=2400, postage_minor=0, discount_minor=0, total_minor=2400)


def test_money__that_a_file_says_again_in_part_changes_nothing() -> None:
    """R-ORD-52: what was said before somebody changed it is no news, however much of it is said."""
    lines = [line(quantity=2, unit_price=1200)]
    told = record(lines=lines, amounts=Amounts(total_minor=2400), paid=None, paid_minor=None,
                  dispatched=None, ended=None, ended_as="")
    story = given(place(lines=lines, amounts=Amounts()), on(
        ChangeLines, lines=[line(quantity=1, unit_price=1200)], consent="只要一本"))
    story.when(told).then()
    assert order_of(story).balance.total_minor == 1200


def test_money__that_a_file_adds_up_otherwise_is_recorded_with_an_exception() -> None:
    """R-ORD-55."""
    story = given(record(amounts=Amounts(goods_minor=4000, total_minor=4990)))
    assert standing(story) == ("paid", ["amounts_differ"])
    story.decide(record(amounts=Amounts(goods_minor=4990, total_minor=4990)))
    assert standing(story) == ("paid", [])


# -- paid in part, too much, nothing --------------------------------------------------------------


def test_money__of_a_part_is_not_paid() -> None:
    """R-ORD-63."""
    story = given(FOR_41, pay(amount_minor=100))
    assert standing(story) == ("part_paid", ["part_paid"])
    story.when(end()).refused(StillOpen)
    with pytest.raises(NotPaidFor):
        order_of(story).must_be_sendable()
    story.decide(pay(amount_minor=4000))
    assert standing(story) == ("paid", [])


def test_money__beyond_the_total_needs_a_reference_and_waits_for_its_refund() -> None:
    """R-ORD-64."""
    story = given(FOR_41)
    story.when(pay(amount_minor=4101)).refused(AlreadyPaid)
    story.decide(pay(amount_minor=4101, reference="P1"))
    assert standing(story) == ("overpaid", ["overpaid"])
    story.decide(refund(1))
    assert standing(story) == ("paid", [])


def test_money__of_an_ended_order_that_costs_something_else_is_corrected() -> None:
    """R-ORD-81: no other command reaches what an order that has ended costs."""
    wrong = record(amounts=Amounts(goods_minor=4000, total_minor=4990))
    story = given(wrong, end())
    assert standing(story) == ("paid", ["amounts_differ"])
    story.when(changed(4990)).refused(OrderEnded)
    fact, _ = story.when(costs(goods_minor=4990, total_minor=4990)).then(
        "order.corrected.v1", "order.exception_closed.v1")
    assert (fact.corrected_version, fact.old, fact.new) == (
        1, {"goods_minor": 4000, "total_minor": 4990}, {
            "goods_minor": 4990, "postage_minor": 0, "discount_minor": 0, "total_minor": 4990})
    story.decide(costs(goods_minor=4990, total_minor=4990))  # known: nothing more
    story.when(wrong).then()  # the file says what it said before


def test_money__that_costs_less_or_more_is_due_back_or_open() -> None:
    """R-ORD-81, R-ORD-63, R-ORD-64: the ledger opens and closes what follows by itself."""
    story = given(FOR_41, pay(amount_minor=4100))
    story.decide(costs(discount_minor=600, total_minor=3500))
    assert standing(story) == ("overpaid", ["overpaid"])
    story.decide(costs(postage_minor=400, total_minor=4500))
    assert standing(story) == ("part_paid", ["part_paid"])
    story.decide(pay(amount_minor=400))
    assert standing(story) == ("paid", [])


@pytest.mark.parametrize(("amounts", "says"), [
    ({"goods_minor": 4000, "total_minor": 4000}, GoodsDisagree),
    ({"total_minor": 4000}, TotalDisagrees),
    ({"goods_minor": 4100, "discount_minor": 100, "total_minor": 4100}, TotalDisagrees)])
def test_money__is_not_corrected_to_what_does_not_add_up(
    amounts: dict[str, int], says: type[LedgerError]
) -> None:
    given(FOR_41, pay(amount_minor=4100)).when(costs(**amounts)).refused(says)


def test_money__of_an_order_whose_price_still_changes_is_not_corrected() -> None:
    """R-ORD-81: a correction needs no signature, a price does."""
    given(FOR_41).when(costs(discount_minor=600, total_minor=3500)).refused(PriceOpen)
    given(FOR_41, end(ended_as="closed")).when(
        costs(discount_minor=600, total_minor=3500)).then("order.corrected.v1")


def test_money__of_declared_lines_that_do_not_multiply_is_corrected() -> None:
    """The lines are the file's, and another command's: they bind nobody who corrects the total."""
    odd = Line(line="1", sku="A", quantity=3, unit_price=333, amount_minor=1000)
    story = given(record(lines=[odd], amounts=Amounts(goods_minor=999, total_minor=999),
                         paid_minor=1000))
    assert standing(story) == ("overpaid", ["amounts_differ", "overpaid"])
    story.decide(costs(goods_minor=1000, total_minor=1000))
    assert standing(story) == ("paid", [])


@pytest.mark.parametrize(("fields", "faults"), [
    ({"fact": "amounts"}, [("/amounts", "missing")]),
    ({"fact": "paid"}, [("/amount_minor", "missing")]),
    ({"fact": "paid", "amount_minor": 1, "amounts": Amounts(total_minor=1)},
     [("/amounts", "not_expected")]),
    ({"fact": "amounts", "amount_minor": 1, "reference": "P1", "amounts": Amounts(total_minor=1)},
     [("/amount_minor", "not_expected"), ("/reference", "not_expected")]),
    ({"fact": "amounts", "amounts": Amounts(goods_minor=1)}, [("/amounts/total_minor", "missing")]),
    ({"fact": "amounts", "amounts": Amounts(goods_minor=1, postage_minor=0, discount_minor=2)},
     [("/amounts", "out_of_range")])])
def test_money__is_corrected_by_what_the_fact_is_made_of(
    fields: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidValues) as refused:
        on(CorrectOrder, reason="抄错", **fields)
    assert [(fault.where, fault.code) for fault in refused.value.faults] == faults


@pytest.mark.parametrize("ended_as", ["closed", "cancelled"])
def test_money__after_the_end_is_recorded_and_waits_for_its_refund(ended_as: str) -> None:
    """R-ORD-65."""
    story = given(FOR_41, end(ended_as=ended_as))
    story.when(pay(amount_minor=4100)).refused(AlreadyPaid)
    late = pay(amount_minor=4100, reference="P1", occurred_at=end().occurred_at)
    story.decide(late)
    assert standing(story) == ("overpaid", ["refund_due"])
    story.decide(refund(4100, occurred_at=late.occurred_at))
    assert standing(story) == ("refunded", [])


def test_money__of_a_cancelled_order_waits_for_its_refund() -> None:
    story = given(FOR_41, pay(amount_minor=4100), end(ended_as="cancelled"))
    assert standing(story) == ("overpaid", ["refund_due"])
    story.decide(refund(4100, occurred_at=end().occurred_at))
    assert standing(story) == ("refunded", [])


def test_money__that_no_file_speaks_of_is_not_said_to_be_due() -> None:
    story = given(record(ended_as="closed"))
    assert standing(story) == ("paid", [])


def test_money__of_an_order_for_nothing_is_paid_by_its_placing() -> None:
    """R-ORD-66."""
    story = given(place(lines=[line(unit_price=0)], amounts=Amounts(total_minor=0)))
    assert standing(story) == ("paid", [])
    order_of(story).must_be_sendable()
    order_of(story).must_be_settled()


def test_money__that_came_back_for_a_piece_leaves_nothing_open() -> None:
    story = given(FOR_41, pay(amount_minor=4100), refund(1000))
    assert standing(story) == ("part_refunded", [])


# -- lines and total change together --------------------------------------------------------------


def test_money__of_changed_lines_goes_back_or_is_supplemented() -> None:
    """The wrong product for 100 becomes one for 10, and the buyer adds one for 20."""
    story = given(place(lines=lines(10000), amounts=Amounts(total_minor=10000)),
                  pay(amount_minor=10000), changed(1000))
    assert standing(story) == ("overpaid", ["overpaid"])
    story.decide(refund(9000))
    assert (standing(story), order_of(story).amounts.total_minor) == (("paid", []), 1000)
    story.decide(changed(1000, 2000))
    assert standing(story) == ("part_paid", ["part_paid"])
    more = on(SupplementOrder, amount_minor=2000, reference="S1")
    story.when(on(SupplementOrder, amount_minor=2001, reference="S1")).refused(NothingToSupplement)
    story.decide(more)
    assert standing(story) == ("paid", [])
    story.when(more).then()
    balance = order_of(story).balance
    assert (balance.left_minor, balance.total_minor) == (3000, 3000)


def test_money__that_the_platform_refunded_before_the_lines_changed_is_for_that() -> None:
    story = given(place(lines=lines(10000, 1000), amounts=Amounts(total_minor=11000)),
                  pay(amount_minor=11000), refund(1000), changed(10000))
    assert standing(story) == ("paid", [])


def test_money__of_changed_lines_keeps_postage_and_discount_unless_it_is_said() -> None:
    story = given(place(lines=lines(1000, 500), amounts=Amounts(
        goods_minor=1500, postage_minor=300, discount_minor=400, total_minor=1400)))
    (fact,) = story.when(changed(1000)).then("order.lines_changed.v1")
    assert fact.new_amounts == Amounts(
        goods_minor=1000, postage_minor=300, discount_minor=400, total_minor=900)
    story.when(changed(50)).refused(AmountsNeeded)
    story.when(changed(50, amounts=costing(lines(50), 50))).then("order.lines_changed.v1")


def test_money__of_cancelled_pieces_goes_back_with_their_share_of_the_discount() -> None:
    """R-ORD-59."""
    story = given(place(lines=[line(quantity=10, unit_price=1000)], amounts=Amounts(
        goods_minor=10000, postage_minor=0, discount_minor=1005, total_minor=8995)),
        pay(amount_minor=8995), on(CancelPieces, lines=[Count("1", 1)], reason="少要"))
    assert order_of(story).amounts == Amounts(
        goods_minor=9000, postage_minor=0, discount_minor=904, total_minor=8096)
    assert standing(story) == ("overpaid", ["overpaid"])
    story.decide(refund(899))
    assert standing(story) == ("paid", [])


def test_money__that_a_file_says_as_it_was_before_the_lines_changed_is_no_news() -> None:
    told: RecordOrder = record(dispatched=None, courier=None, waybill=None, ended=None,
                               ended_as="")
    story = given(told, changed(4000))
    assert order_of(story).amounts.total_minor == 4000
    story.when(told).then()


# -- references -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [
    lambda amount, number="1": pay(number, amount, reference="P1"),
    lambda amount, number="1": refund(amount, order=stream(number), reference="P1")])
def test_money__under_one_reference_is_recorded_once(make: Any) -> None:
    story = given(place(1), pay(1), place(2), pay(2), make(10))
    story.when(make(10)).then()
    story.when(make(11)).refused(ReferenceUsed)
    story.when(make(10, "2")).refused(ReferenceUsed)


@pytest.mark.parametrize("fact", ["paid", "refunded"])
def test_money__recorded_for_the_wrong_order_frees_its_reference(fact: str) -> None:
    def make(number: str) -> PayOrder | RefundOrder:
        if fact == "paid":
            return pay(number, 10, reference="P1")
        return refund(10, order=stream(number), reference="P1")

    story = given(place(1), pay(1), place(2), pay(2), make("1"))
    known = 5000 if fact == "paid" else 10
    story.when(_corrected(fact, known)).refused(NotThatReference)
    story.when(_corrected(fact, known - 10, "P2")).refused(NotThatReference)
    story.decide(_corrected(fact, known - 10))
    assert standing(story) == ("paid", [])
    story.decide(make("2"))
    story.when(make("1")).refused(ReferenceUsed)


@pytest.mark.parametrize("known", [
    refund(10, reference=None), refund(10),
    record(refunded_minor=10, refunded=Moment(LATER))])
@pytest.mark.parametrize("reference", [None, "P1"])
def test_money__refunded_alike_is_one_refund_unless_both_have_a_reference(
    known: Any, reference: str | None
) -> None:
    """R-ORD-77. What a file says is refunded in all has no reference."""
    story = given(record(), known)
    story.when(refund(11, reference=reference and "P11")).then("order.refund_recorded.v1")
    again = story.when(refund(10, reference=reference))
    if reference and getattr(known, "reference", None):
        again.then("order.refund_recorded.v1")
        return
    assert f"before, at {rfc3339(LATER)}" in str(again.refused(RefundAlike))
    story.decide(correct("refunded", 20))
    assert order_of(story).refunded_minor == 20


@pytest.mark.parametrize("known", [pay(reference=None), pay(reference="P0"), record()])
def test_money__paid_alike_beyond_the_total_is_one_payment_unless_both_have_a_reference(
    known: Any,
) -> None:
    """R-ORD-78. What a file says is paid in all has no reference."""
    story = given(*([] if isinstance(known, RecordOrder) else [place()]), known)
    story.when(pay(amount_minor=4991, reference="P1")).then(
        "order.paid.v1", "order.exception_opened.v1")
    again = story.when(pay(reference="P2"))
    if getattr(known, "reference", None):
        assert again.facts[0].TOPIC == "order.paid.v1"
        return
    assert "If the buyer has paid twice" in str(again.refused(PaymentAlike))
    story.decide(correct("paid", 14971))
    assert (order_of(story).paid_minor, standing(story)) == (14971, ("overpaid", ["overpaid"]))
    assert story.decide(pay(reference="P2"))[0].TOPIC == "order.paid.v1"


PAID = record(amounts=Amounts(total_minor=4990), paid_reference="P1", refund_reference="R1",
              refunded=Moment(LATER), refunded_minor=500)
"""A file that says under which references an order was paid and partly refunded."""


def test_money__of_a_file_and_by_hand_is_one_under_one_reference() -> None:
    """R-ORD-82: whichever of the two comes first."""
    by_hand = (on(PayOrder, amount_minor=4990, reference="P1"), refund(500, reference="R1"))
    story = given(PAID)
    for command in by_hand:
        story.when(command).then()
    story = given(FOR_4990, *by_hand)
    story.decide(PAID)
    order = order_of(story)
    assert (order.paid_minor, order.refunded_minor) == (4990, 500)
    assert order.references == {"payment:P1": 4990, "refund:R1": 500}


def test_money__of_a_file_beyond_what_is_known_has_the_reference_of_that() -> None:
    """R-ORD-82."""
    story = given(FOR_4990, on(PayOrder, amount_minor=4990, reference="P1"),
                  refund(200, reference="R0"))
    story.decide(PAID)
    assert order_of(story).references == {"payment:P1": 4990, "refund:R0": 200, "refund:R1": 300}
    story.when(refund(300, reference="R1")).then()
    story.when(refund(500, reference="R1")).refused(ReferenceUsed)


def test_money__of_one_payment_for_two_orders_counts_for_both() -> None:
    """R-ORD-82: what a file says happened, whatever else it was for."""
    story = given(PAID, record(2, paid_reference="P1"))
    assert [order_of(story, number).paid_minor for number in (1, 2)] == [4990, 4990]
    assert order_of(story, 2).references == {}
    story.when(on(PayOrder, order=stream(2), amount_minor=1, reference="P1")).refused(ReferenceUsed)


def test_money__paid_alike_in_two_parts_is_two_payments() -> None:
    story = given(FOR_41, pay(amount_minor=2050), pay(amount_minor=2050, reference="P1"))
    assert standing(story) == ("paid", [])
    story.when(pay(amount_minor=2050, reference="P2")).refused(PaymentAlike)


def test_money__paid_alike_is_one_payment_where_no_total_is_known() -> None:
    """Nothing else bounds it."""
    story = given(place(lines=None, amounts=Amounts()), pay(amount_minor=10))
    story.when(pay(amount_minor=10)).refused(PaymentAlike)
    story.when(pay(amount_minor=10, reference="P1")).refused(PaymentAlike)
    story.when(pay(amount_minor=11)).then("order.paid.v1")


def test_money__refunded_alike_is_another_refund_once_the_first_is_taken_back() -> None:
    story = given(place(), pay(), refund(10, reference="P1"), refund(20, reference="P2"))
    story.decide(_corrected("refunded", 20))
    story.when(refund(20, reference=None)).refused(RefundAlike)
    story.when(refund(10, reference=None)).then("order.refund_recorded.v1")


def test_money__refunded_for_a_case_is_known_by_the_case() -> None:
    """The platform's refund of the same amount may be the same, unless it has a reference."""
    order = order_of(given(place(), pay()))
    for case in ("case:c:s:1", "case:c:s:2"):
        order.refund(10, occurred_at=LATER, case=case)
    with pytest.raises(RefundAlike):
        order.refund(10, occurred_at=LATER)
    order.refund(10, occurred_at=LATER, reference="P1")
    assert order.refunded_minor == 30


def _corrected(
    fact: str, amount_minor: int, reference: str | None = "P1"
) -> CorrectOrder:
    return on(CorrectOrder, fact=fact, amount_minor=amount_minor, reason="别的订单",
              reference=reference)


# -- shares ---------------------------------------------------------------------------------------


def test_shares__are_exact_to_the_fen() -> None:
    """R-ORD-58."""
    amounts = Amounts(discount_minor=100)
    assert shares_of(lines(1000, 1000, 1000), amounts, {}) == {"1": 34, "2": 33, "3": 33}
    assert shares_of(lines(1, 2, 997), amounts, {}) == {"1": 0, "2": 0, "3": 100}
    assert shares_of(lines(0, 0), amounts, {}) == {"1": 50, "2": 50}
    assert net_of(lines(1000, 500), Amounts(total_minor=1200), {}) == {"1": 800, "2": 400}


@on_any(prices=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 9)), min_size=1,
                        max_size=20), discount=st.integers(0, 10**6), gone=st.integers(0, 8))
def test_shares__add_up_to_the_discount(
    prices: list[tuple[int, int]], discount: int, gone: int
) -> None:
    several = [line(f"S{n}", unit_price=price, quantity=pieces, name=str(n))
               for n, (price, pieces) in enumerate(prices)]
    goods = sum(one.amount_minor for one in several)
    amounts = Amounts(goods_minor=goods, postage_minor=0, discount_minor=min(discount, goods),
                      total_minor=goods - min(discount, goods))
    assert sum(shares_of(several, amounts, {}).values()) == amounts.discount_minor
    assert sum(net_of(several, amounts, {}).values()) == amounts.total_minor
    cancelled = {"0": min(gone, several[0].quantity)}
    after = less_pieces(several, amounts, {}, cancelled)
    assert sum(net_of(several, after, cancelled).values()) == after.total() >= 0


# -- whatever happens -----------------------------------------------------------------------------


class Money(RuleBasedStateMachine):
    """Whatever comes in whatever order: every coin is owed, open or due back, as its exceptions
    say, and what is due back can be refunded."""

    def __init__(self) -> None:
        super().__init__()
        self.story = given(place(lines=lines(1000, 500), amounts=Amounts(
            goods_minor=1500, postage_minor=100, discount_minor=200, total_minor=1400)))

    def attempt(self, command: Any) -> None:
        """Decide it, if the rules let it pass."""
        with suppress(LedgerError):
            self.story.decide(command)

    @rule(amount=st.integers(1, 2000), reference=st.none() | st.integers(1, 9).map("P{}".format))
    def pay(self, amount: int, reference: str | None) -> None:
        self.attempt(on(PayOrder, amount_minor=amount, reference=reference))

    @rule()
    def pay_what_is_open(self) -> None:
        if amount := order_of(self.story).balance.open_minor:
            self.attempt(on(PayOrder, amount_minor=amount))

    @rule(amount=st.integers(1, 2000), reference=st.integers(1, 9).map("S{}".format))
    def supplement(self, amount: int, reference: str) -> None:
        self.attempt(on(SupplementOrder, amount_minor=amount, reference=reference))

    @rule(amount=st.integers(1, 2000), reference=st.integers(1, 9).map("R{}".format))
    def refund(self, amount: int, reference: str) -> None:
        self.attempt(on(RefundOrder, amount_minor=amount, reference=reference))

    @rule(prices=st.lists(st.integers(1, 2000), min_size=1, max_size=3))
    def change_lines(self, prices: list[int]) -> None:
        self.attempt(changed(*prices))

    @rule(name=st.sampled_from(["1", "2"]))
    def cancel_pieces(self, name: str) -> None:
        self.attempt(on(CancelPieces, lines=[Count(name, 1)], reason="不要了"))

    @rule(total=st.integers(0, 2000))
    def change_price(self, total: int) -> None:
        self.attempt(change(total))

    @rule(fact=st.sampled_from(["paid", "refunded"]), amount=st.integers(0, 2000))
    def correct(self, fact: str, amount: int) -> None:
        self.attempt(correct(fact, amount))

    @rule(goods=st.none() | st.integers(0, 2000), discount=st.integers(0, 2000))
    def correct_amounts(self, goods: int | None, discount: int) -> None:
        sums = Sums.of((order := order_of(self.story)).lines.values(), order.dropped())
        goods = sums.goods_minor if goods is None else goods
        self.attempt(costs(goods_minor=goods, postage_minor=0, discount_minor=min(goods, discount)))

    @rule(ended_as=st.sampled_from(["completed", "closed", "cancelled"]))
    def end(self, ended_as: str) -> None:
        self.attempt(on(EndOrder, ended_as=ended_as))

    @invariant()
    def says_where_every_coin_is(self) -> None:
        order = order_of(self.story)
        balance, (_, exceptions) = order.balance, standing(self.story)
        assert 0 <= balance.refunded_minor <= balance.paid_minor
        void = order.ended in ("closed", "cancelled")
        let_go = balance.credited_minor + balance.claimed_minor
        owed = 0 if void else (balance.total_minor or 0) - let_go
        over = balance.left_minor - owed if balance.left_minor > 0 else 0
        wanted = ("refund_due" if void else "overpaid") if over > 0 else (
            "part_paid" if over < 0 and not order.ended else None)
        assert exceptions == ([wanted] if wanted else []), (balance, order.ended)

    def teardown(self) -> None:
        if due := order_of(self.story).due_back_minor():
            self.story.decide(on(RefundOrder, amount_minor=due, reference="last"))
        assert not {"overpaid", "refund_due"} & set(open_exceptions(self.story))


def test_money__is_owed_open_or_due_back_whatever_happens() -> None:
    run_state_machine_as_test(Money, settings=settings(
        max_examples=tried(60), stateful_step_count=25, deadline=None))


@on_any(total=st.integers(0, 500), steps=st.lists(st.tuples(
    st.sampled_from(["pay", "refund", "claim", "total"]), st.integers(0, 500)), max_size=12))
def test_balance__adds_up(total: int, steps: list[tuple[str, int]]) -> None:
    """What refunds let go of is never more than what they were, nor than what was owed."""
    balance = Balance(total)
    for what, amount in steps:
        if what == "pay":
            balance = balance.paid(amount)
        elif what == "total":
            balance = balance.costing(amount)
        else:
            balance = balance.refunded(min(amount, balance.left_minor), claimed=what == "claim")
        let_go = balance.credited_minor + balance.claimed_minor
        assert 0 <= let_go <= balance.refunded_minor


# -- what somebody has put right ------------------------------------------------------------------


UNENDED = record(ended=None, ended_as="", dispatched=None)


@pytest.mark.parametrize("again", [UNENDED, record()])
@pytest.mark.parametrize("sums", [[4000], [4500, 4000], [0], [5000]])
def test_money__that_was_put_right_stays_so_whatever_a_file_repeats(
    again: RecordOrder, sums: list[int]
) -> None:
    """What was paid: a file that says what it said before brings nothing back."""
    story = given(UNENDED, *(correct("paid", amount) for amount in sums))
    story.decide(again)
    assert order_of(story).paid_minor == sums[-1]
    story.decide(record(paid_minor=6000))
    assert order_of(story).paid_minor == 6000


def test_money__refunded_that_was_put_right_stays_so_whatever_a_file_repeats() -> None:
    file = record(refunded=Moment(LATER), refunded_minor=500)
    story = given(file, correct("refunded", 300))
    story.when(file).then()
    assert order_of(story).refunded_minor == 300


def test_money__of_another_order_is_not_counted_again_by_the_file_that_said_so() -> None:
    """R-ORD-61, R-ORD-82: one coin, and the order that it belongs to has it."""
    file = record(1, paid_reference="P1")
    story = given(file, place(2), _corrected("paid", 0, reference="P1"),
                  on(PayOrder, order=stream(2), amount_minor=4990, reference="P1"))
    story.when(file).then()
    assert [order_of(story, number).paid_minor for number in (1, 2)] == [0, 4990]


@pytest.mark.parametrize("reference", [None, "P1"])
@pytest.mark.parametrize("total", [4990, None])
def test_money__that_was_all_wrong_was_never_paid(
    reference: str | None, total: int | None
) -> None:
    """R-ORD-08: it is not completed, and its price changes as before any payment."""
    story = given(place(lines=None, amounts=Amounts(total_minor=total)),
                  pay(reference=reference), _corrected("paid", 0, reference=reference))
    assert standing(story) == ("unpaid", [])
    story.when(end()).refused(OrderNotPaid)
    story.when(costs(total_minor=10)).refused(PriceOpen)
    story.decide(correct("paid", total or 10))
    story.when(end()).then("order.completed.v1")


@pytest.mark.parametrize("more", [0, 3000])
def test_money__put_right_without_its_reference_still_frees_it(more: int) -> None:
    """R-ORD-61: the sum is right already, and no other payment is taken for it."""
    others = [pay(amount_minor=more, reference="P2")] if more else []
    story = given(place(amounts=Amounts(total_minor=9000)), place(2),
                  pay(amount_minor=4990, reference="P1"), *others, correct("paid", more))
    story.decide(_corrected("paid", more, reference="P1"))
    assert order_of(story).paid_minor == more
    story.when(on(PayOrder, order=stream(2), amount_minor=4990, reference="P1")).then(
        "order.paid.v1")


@pytest.mark.parametrize("paid", [{}, {"paid_minor": 100}, {"paid": None, "paid_minor": None}])
def test_money__refunded_beyond_what_was_paid_has_an_exception_until_one_is_put_right(
    paid: dict[str, Any]
) -> None:
    """R-ORD-55: a file is recorded as it is, and not believed."""
    story = given(record(refunded=Moment(LATER), refunded_minor=5000, **paid))
    assert standing(story)[1] == ["amounts_differ"]
    story.decide(correct("refunded", 0))
    assert "amounts_differ" not in standing(story)[1]


@pytest.mark.parametrize("stated", [
    {"total_minor": 4990}, {"goods_minor": 4990, "total_minor": 4990}])
def test_money__that_was_corrected_stays_so_where_a_file_says_less_of_it(
    stated: dict[str, int]
) -> None:
    """R-ORD-81: the file knows no discount, and repeats what it said."""
    file = record(amounts=Amounts(**stated))
    story = given(file, costs(goods_minor=4990, postage_minor=0, discount_minor=990,
                              total_minor=4000))
    story.when(file).then()
    assert order_of(story).balance.total_minor == 4000
    story.decide(record(amounts=Amounts(total_minor=4500)))
    assert order_of(story).balance.total_minor == 4500
