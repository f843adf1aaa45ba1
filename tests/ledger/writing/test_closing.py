"""Each day with events is closed once, by what is recorded after it; its access ledger with it."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.core.clock import DayLog
from ledger.log import merkle
from ledger.log.envelope import Entry
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.log.verify import verify
from ledger.writing.closing import NothingToClose
from ledger.writing.genesis import SUFFIX, begun, keys_of
from tests.support.clocks import Time
from tests.support.envelopes import CONTEXT
from tests.support.jars import HANDLERS, adding, opening

DAY_S = 86_400


@pytest.fixture
def time() -> Time:
    """A clock at 16:00 of a day in China."""
    return Time()


@pytest.fixture
def ledger(store: Store, keys: Keys, time: Time) -> Iterator[Ledger]:
    """A ledger of jars on that clock."""
    opened = Ledger(store, begun(store, keys, clock=time.clock()), clock=time.clock(),
                    handlers=HANDLERS)
    yield opened
    opened.close()


def closings(store: Store) -> list[Entry]:
    return [entry for entry in store.read("main") if entry.type == DayLog.DayClosed.TOPIC]


def said(entry: Entry) -> Any:
    return msgspec.json.decode(entry.payload)


def test_day__is_closed_by_the_first_thing_recorded_after_it(
    ledger: Ledger, store: Store, time: Time
) -> None:
    ledger.handle(opening(1), CONTEXT)
    ledger.handle(opening(2), CONTEXT)
    assert closings(store) == []
    time.pass_by(DAY_S)
    receipt = ledger.handle(opening(3), CONTEXT)
    ledger.handle(opening(4), CONTEXT)
    (closing,) = closings(store)
    assert receipt.positions == (closing.position + 1,)
    assert (closing.actor, closing.stream) == ("system", "log:day:2027-01-15")
    assert said(closing)["day"] == "2027-01-15"
    last = store.read("main", after=closing.position - 2, limit=1)[0]
    assert last.recorded_at < closing.recorded_at == time.wall
    assert verify(store, "main").ok


def test_day__without_events_is_not_closed_and_no_closing_closes_itself(
    ledger: Ledger, store: Store, time: Time
) -> None:
    ledger.handle(opening(1), CONTEXT)
    time.pass_by(5 * DAY_S)
    ledger.handle(opening(2), CONTEXT)
    time.pass_by(5 * DAY_S)
    ledger.handle(opening(3), CONTEXT)
    assert [said(one)["day"] for one in closings(store)] == ["2027-01-15", "2027-01-20"]
    ledger.close_log(CONTEXT)
    head = store.head("main").position
    time.pass_by(DAY_S)
    assert ledger.handle(opening(4), CONTEXT).positions == (head + 1,)


def test_day__is_closed_by_a_refusal_as_well(ledger: Ledger, store: Store, time: Time) -> None:
    ledger.handle(opening(1), CONTEXT)
    time.pass_by(DAY_S)
    with pytest.raises(LedgerError):
        ledger.handle(adding(9), CONTEXT)
    assert len(closings(store)) == 1
    ledger.handle(opening(2), CONTEXT)
    assert len(closings(store)) == 1
    assert verify(store, "main").ok


def test_closing__anchors_the_access_ledger(
    ledger: Ledger, store: Store, keys: Keys, time: Time
) -> None:
    access = Ledger(store, keys_of(store, keys, "main" + SUFFIX), name="main" + SUFFIX,
                    clock=time.clock(), handlers=HANDLERS)
    access.handle(opening(1), CONTEXT)
    receipt = ledger.close_log(CONTEXT)
    (closing,) = closings(store)
    assert receipt.positions == (closing.position,)
    assert said(closing)["day"] == "2027-01-15"
    head = store.head("main" + SUFFIX)
    assert said(closing)["access"] == {
        "position": head.position, "root": merkle.root(merkle.unpack(head.frontier)).hex()}
    with pytest.raises(NothingToClose):
        access.close_log(CONTEXT)
    time.pass_by(DAY_S)
    access.handle(opening(2), CONTEXT)
    assert all(entry.type != DayLog.DayClosed.TOPIC for entry in store.read("main" + SUFFIX))
    access.close()


def test_day__is_closed_once_by_two_writers(
    ledger: Ledger, store: Store, keys: Keys, time: Time
) -> None:
    other = Ledger(store, keys_of(store, keys, "main"), clock=time.clock(), handlers=HANDLERS)
    ledger.handle(opening(1), CONTEXT)
    other.handle(opening(2), CONTEXT)
    time.pass_by(DAY_S)
    for number, one in enumerate((ledger, other, ledger), 3):
        one.handle(opening(number), CONTEXT)
    assert len(closings(store)) == 1
    other.close()
