"""Orders as they are decided, read back and replayed by the library: all three agree."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.moments import Moment
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.log.store import Store
from ledger.orders.commands import AssignOrder, ChangePrice, RefundOrder
from ledger.orders.order import Order
from tests.support.builders import (
    CONTEXT,
    NOON,
    costing,
    end,
    line,
    pay,
    place,
    record,
    remark,
    stream,
)
from tests.support.replays import check_clone, check_payloads, check_replay, run
from tests.support.thorough import tried

on_memory = pytest.mark.parametrize("backend", ["memory"], indirect=True)

fast = hypothesis_settings(max_examples=tried(100), deadline=None,
                           suppress_health_check=[HealthCheck.function_scoped_fixture])

NUMBERS = itertools.count()

AMOUNT = st.sampled_from([0, 1, 2500, 4990, 9980])
TIME = st.integers(0, 60 * 24 * 30).map(lambda minutes: NOON + timedelta(minutes=minutes))
NAME = st.sampled_from(["张三", "李四"])


def on_order(number: int) -> st.SearchStrategy[Command]:
    """Any command on one order, sensible or not."""
    name = stream(number)
    amounts = AMOUNT.map(lambda total: costing([line()], total))
    return st.one_of(
        st.builds(place, st.just(number), occurred_at=TIME, recipient=NAME, account=NAME),
        st.builds(pay, st.just(number), AMOUNT.filter(bool), occurred_at=TIME,
                  reference=st.none() | st.integers(1, 99).map(str)),
        st.builds(ChangePrice, order=st.just(name), occurred_at=TIME, amounts=amounts),
        st.builds(RefundOrder, order=st.just(name), occurred_at=TIME, account=st.none() | NAME,
                  amount_minor=AMOUNT.map(lambda amount: amount + 1),
                  reference=st.integers(1, 99).map(str)),
        st.builds(remark, st.just(number), NAME),
        st.builds(end, st.just(number), st.sampled_from(["completed", "closed", "cancelled"])),
        st.builds(AssignOrder, order=st.just(name), occurred_at=TIME, owner=st.just("member:1")),
        st.builds(record, st.just(number), amounts=amounts, paid_minor=AMOUNT, recipient=NAME,
                  account=NAME, refunded=TIME.map(Moment), refunded_minor=AMOUNT, remark=NAME,
                  ended_as=st.sampled_from(["completed", "closed", "cancelled"])),
    )


@on_memory
@given(data=st.data())
@fast
def test_replay__accepted_as_equal_to_what_was_decided(
    ledger: Ledger, store: Store, data: st.DataObject
) -> None:
    number = next(NUMBERS)
    commands = data.draw(st.lists(on_order(number), min_size=1, max_size=12))
    run(ledger, [place(number), *commands])
    check_replay(ledger, store, Order, stream(number))


@on_memory
@given(data=st.data())
@fast
def test_clone__ignored_by_the_aggregate_it_was_made_of(
    ledger: Ledger, data: st.DataObject
) -> None:
    """A command that is thrown away leaves no trace."""
    number = next(NUMBERS)
    some = st.lists(on_order(number), max_size=6)
    run(ledger, [place(number), *data.draw(some)])
    check_clone(ledger, Order, stream(number), data.draw(some), data.draw(some))


@on_memory
@given(data=st.data())
@fast
def test_payload__accepted_as_json_of_texts_and_whole_numbers(
    ledger: Ledger, store: Store, data: st.DataObject
) -> None:
    number = next(NUMBERS)
    run(ledger, data.draw(st.lists(on_order(number), max_size=8)))
    check_payloads(store, stream(number))


@on_memory
def test_event__accepted_as_it_was_decided(ledger: Ledger, store: Store) -> None:
    ledger.handle(record(recipient="张三", lines=[line("A"), line("B", name="2")]), CONTEXT)
    (first, *_) = (event_types.decode(entry) for entry in store.read("main", after=1))
    assert type(first) is Order.Placed
    assert first.originator_id == stream()
    assert first.originator_version == 1
    assert first.occurred_at == first.timestamp == NOON
    assert [item.sku for item in first.lines] == ["A", "B"]
    assert first.about() == ["sku:A", "sku:B"]
    assert first.recipient.p.startswith("person:")
