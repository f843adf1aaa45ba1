"""Lines that are told again: in another order, at another scale, in other words, or others."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from ledger.common.moments import Moment
from ledger.fulfilment.commands import ReserveOrder
from ledger.orders.commands import CloseException
from ledger.orders.comparing import are_the_same, with_attributes
from ledger.orders.values import Line
from ledger.stock.pieces import Count
from tests.support.builders import HOUSE, NOON, line, opened, received, record, stream
from tests.support.stories import Story, given, goods, open_exceptions

UNSENT: dict[str, Any] = {"paid": None, "paid_minor": None, "dispatched": None, "ended": None,
                          "ended_as": ""}
TWO = [line(), line("SH-002", name="2")]
OTHER = [line(quantity=2)]
THIRD = [line(quantity=3)]


def printed(attributes: str | None) -> Line:
    """A line as a platform prints it."""
    return msgspec.structs.replace(line(), attributes=attributes)


def reserved() -> Story:
    """An order of two lines, whose goods are reserved."""
    return given(opened(), received("SH-001"), received("SH-002"), record(**UNSENT, lines=TWO),
                 ReserveOrder(order=stream(), warehouse=HOUSE, occurred_at=NOON))


LINES = st.lists(st.builds(
    Line, line=st.sampled_from("123"), sku=st.sampled_from([None, "A", "B"]),
    title=st.sampled_from([None, "书"]), quantity=st.integers(1, 2),
    unit_price=st.sampled_from([100, 1000]), unit_price_scale=st.sampled_from([2, 3]),
    amount_minor=st.just(100), fee=st.booleans(),
    attributes=st.sampled_from([None, "红", "蓝"])), max_size=4)


@for_all(lines=LINES, order=st.randoms())
def test_lines__are_the_same_in_any_order_and_under_any_names(
    lines: list[Line], order: Any
) -> None:
    """R-ORD-50."""
    again = [msgspec.structs.replace(one, line=str(number)) for number, one in enumerate(lines, 5)]
    order.shuffle(again)
    assert are_the_same(lines, again)
    assert with_attributes(lines, again) == lines


@for_all(lines=LINES.filter(len), which=st.integers(0, 3), change=st.sampled_from([
    {"sku": "C"}, {"quantity": 3}, {"unit_price": 777}]))
def test_lines__differ_by_what_is_sold_how_many_and_at_which_price(
    lines: list[Line], which: int, change: dict[str, Any]
) -> None:
    at = which % len(lines)
    other = msgspec.structs.replace(lines[at], **change)
    assert not are_the_same(lines, [*lines[:at], other, *lines[at + 1:]])
    assert not are_the_same(lines, lines[1:])


def test_lines__in_another_order_are_nothing_new_once_reserved() -> None:
    """R-ORD-50. An item list without names of lines numbers its rows."""
    turned = [line("SH-002"), msgspec.structs.replace(
        line(name="2"), unit_price=499000, unit_price_scale=4)]
    story = reserved().when(record(**UNSENT, lines=turned))
    story.then()
    assert goods(story) == {"1": {"reserved": 1}, "2": {"reserved": 1}}


def test_lines__that_differ_leave_all_other_facts_of_the_file_in_parcel_and_money() -> None:
    """R-ORD-51."""
    story = reserved()
    opened_, *_ = story.when(record(lines=OTHER)).then(
        "order.exception_opened.v1", "order.paid.v1", "order.dispatched.v1", "order.completed.v1")
    assert (opened_.kind, opened_.declared, opened_.note) == ("lines_differ", OTHER, None)
    assert goods(story) == {"1": {"in_transit": 1}, "2": {"in_transit": 1}}


def test_lines__that_differ_open_one_exception_until_a_file_agrees_again() -> None:
    story = reserved()
    story.when(record(**UNSENT, lines=OTHER)).then("order.exception_opened.v1")
    story.when(record(**UNSENT, lines=OTHER)).then()
    story.when(record(**UNSENT, lines=THIRD)).then(
        "order.exception_closed.v1", "order.exception_opened.v1")
    story.when(record(**UNSENT, lines=TWO)).then("order.exception_closed.v1")
    assert open_exceptions(story) == []
    story.when(record(**UNSENT, lines=THIRD)).then("order.exception_opened.v1")


def test_lines__that_differ_are_not_told_again_once_somebody_closed_it() -> None:
    story = reserved().when(record(**UNSENT, lines=OTHER))
    story.when(CloseException(order=stream(), exception="lines_differ", note="已核对",
                              occurred_at=NOON)).then("order.exception_closed.v1")
    story.when(record(**UNSENT, lines=OTHER)).then()
    assert open_exceptions(story) == []


def test_lines__that_differ_are_corrected_while_all_goods_are_where_the_order_is() -> None:
    story = given(record(lines=TWO))
    story.when(record(lines=OTHER)).then("order.corrected.v1")
    assert goods(story) == {"1": {"in_transit": 2}}
    order = story.known[stream()]
    order.goods = order.goods.moved([Count("1", 1)], ("in_transit",), "returning")
    story.when(record(lines=TWO)).then("order.exception_opened.v1")


@pytest.mark.parametrize("before", [None, "红"])
def test_attributes__fill_a_gap_or_are_corrected_and_move_no_piece(before: str | None) -> None:
    story = given(opened(), received(), record(**UNSENT, lines=[printed(before)]),
                  ReserveOrder(order=stream(), warehouse=HOUSE, occurred_at=NOON))
    told = record(**UNSENT, lines=[printed("蓝")])
    (fact,) = story.when(told).then("order.corrected.v1")
    assert fact.new["lines"][0]["attributes"] == "蓝"
    assert goods(story) == {"1": {"reserved": 1}}
    story.when(told).then()
    story.when(record(**UNSENT, lines=[line()])).then()


def test_attributes__of_what_has_gone_out_are_nothing_new() -> None:
    """Older files come again after an upgrade, and each of their orders would be corrected."""
    sent = {"ended": None, "ended_as": "", "dispatched": Moment(NOON + timedelta(days=1))}
    given(record(**sent)).when(record(**sent, lines=[printed("蓝")])).then()
    closed = {**UNSENT, "ended": Moment(NOON + timedelta(days=1)), "ended_as": "closed"}
    given(record(**closed)).when(record(**closed, lines=[printed("蓝")])).then()
