"""The money of an order: what is paid and refunded, which prices are fixed, what is corrected."""

from typing import Any

import pytest

from ledger.orders.errors import (
    AlreadyPaid,
    NothingToCorrect,
    OrderNotPaid,
    OrderUnknown,
    PriceFixed,
    RefundedMoreThanPaid,
    RefundExceedsPayment,
)
from tests.support.builders import end, pay, place, stream
from tests.support.payments import change, correct, refund
from tests.support.stories import given


def test_pay__accepted() -> None:
    given(place()).when(pay()).then("order.paid.v1")


def test_pay__accepted_in_parts() -> None:
    parts = (pay(amount_minor=4000), pay(amount_minor=990))
    given(place()).when(parts[0]).then("order.paid.v1", "order.exception_opened.v1")
    given(place(), parts[0]).when(parts[1]).then("order.paid.v1", "order.exception_closed.v1")
    given(place(), *parts).when(pay(amount_minor=1)).refused(AlreadyPaid)


def test_pay__rejected_when_unknown() -> None:
    given().when(pay()).refused(OrderUnknown)


def test_pay__rejected_when_paid() -> None:
    given(place(), pay()).when(pay()).refused(AlreadyPaid)


def test_pay__rejected_when_closed() -> None:
    given(place(), end(ended_as="closed")).when(pay()).refused(AlreadyPaid)


def test_refund__accepted() -> None:
    given(place(), pay(), refund(4000)).when(refund(990)).then("order.refund_recorded.v1")


def test_refund__rejected_when_more_than_was_paid() -> None:
    given(place(), pay(), refund(4000)).when(refund(991)).refused(RefundExceedsPayment)


def test_refund__rejected_when_unpaid() -> None:
    given(place()).when(refund(1)).refused(OrderNotPaid)


def test_correct__accepted_and_names_what_it_corrects() -> None:
    (fact,) = given(place(), pay(), refund(4990)).when(correct("refunded", 500)).then(
        "order.corrected.v1")
    assert (fact.corrected_version, fact.old, fact.new) == (
        3, {"refunded_minor": 4990}, {"refunded_minor": 500})


def test_correct__ignored_when_it_is_so() -> None:
    given(place(), pay()).when(correct("paid", 4990)).then()


def test_correct__rejected_when_nothing_was_paid() -> None:
    given(place()).when(correct("paid", 1)).refused(NothingToCorrect)


def test_correct__rejected_when_less_is_paid_than_refunded() -> None:
    story = given(place(), pay(), refund(4000))
    story.when(correct("paid", 3999)).refused(
        RefundedMoreThanPaid,
        f"With this correction {stream()} would have 4000 refunded of 3999 paid (CNY, minor "
        "units). If both sums are wrong, correct the other one first.")
    story.when(correct("refunded", 4991)).refused(RefundedMoreThanPaid)


def test_change_price__accepted() -> None:
    (fact,) = given(place()).when(change(4500)).then("order.price_changed.v1")
    assert (fact.old.total_minor, fact.new.total_minor) == (4990, 4500)


def test_change_price__ignored_when_it_is_the_same() -> None:
    given(place()).when(change(4990)).then()


@pytest.mark.parametrize("history", [(pay(),), (end(ended_as="cancelled"),)])
def test_change_price__rejected_when_fixed(history: tuple[Any, ...]) -> None:
    given(place(), *history).when(change(1)).refused(PriceFixed)
