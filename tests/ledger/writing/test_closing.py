"""Each day with events is closed once, by what is recorded after it; its access ledger with it."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.common.values import from_us
from ledger.core.clock import DayLog
from ledger.core.event_types import EventUnreadable
from ledger.log import merkle
from ledger.log.envelope import Entry
from ledger.log.persons import Keys
from ledger.log.store import SUFFIX, Store
from ledger.log.verify import verify
from ledger.settings import Settings
from ledger.writing.closing import NothingToClose
from ledger.writing.genesis import begun, keys_of
from tests.support.clocks import Time
from tests.support.days import day_of
from tests.support.envelopes import CONTEXT, write
from tests.support.envelopes import entry as raw
from tests.support.jars import HANDLERS, adding, opening
from tests.support.thorough import tried

DAY_S = 86_400
ACCESS = "main" + SUFFIX
IN_MEMORY = Settings(database_url="memory:", keys_url="memory:", master_key_file=None)


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


@pytest.fixture
def access(ledger: Ledger, store: Store, keys: Keys, time: Time) -> Iterator[Ledger]:
    """The ledger of its keys and readings, on the same clock."""
    opened = Ledger(store, keys_of(store, keys, ACCESS), name=ACCESS, clock=time.clock(),
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
    ledger: Ledger, access: Ledger, store: Store, time: Time
) -> None:
    access.handle(opening(1), CONTEXT)
    receipt = ledger.close_log(CONTEXT)
    (closing,) = closings(store)
    assert receipt.positions == (closing.position,)
    assert said(closing)["day"] == "2027-01-15"
    head = store.head(ACCESS)
    assert said(closing)["access"] == {
        "position": head.position, "root": merkle.root(merkle.unpack(head.frontier)).hex()}
    with pytest.raises(NothingToClose):
        access.close_log(CONTEXT)
    time.pass_by(DAY_S)
    access.handle(opening(2), CONTEXT)
    assert all(entry.type != DayLog.DayClosed.TOPIC for entry in store.read(ACCESS))


def test_closing__is_not_repeated_while_nothing_happens(
    ledger: Ledger, access: Ledger, store: Store, time: Time
) -> None:
    """Also on a later day; what is recorded in either ledger ends that."""
    ledger.handle(opening(1), CONTEXT)
    assert ledger.close_log(CONTEXT) is not None
    head = store.head("main")
    assert ledger.close_log(CONTEXT) is None
    time.pass_by(DAY_S)
    assert ledger.close_log(CONTEXT) is None
    assert store.head("main") == head
    access.handle(opening(1), CONTEXT)
    assert ledger.close_log(CONTEXT) is not None
    assert ledger.close_log(CONTEXT) is None
    ledger.handle(opening(2), CONTEXT)
    assert ledger.close_log(CONTEXT) is not None


def test_day__is_closed_again_if_only_the_access_ledger_went_on(
    ledger: Ledger, access: Ledger, store: Store, time: Time
) -> None:
    ledger.handle(opening(1), CONTEXT)
    access.handle(opening(1), CONTEXT)
    ledger.close_log(CONTEXT)
    access.handle(opening(2), CONTEXT)
    time.pass_by(DAY_S)
    receipt = ledger.handle(opening(2), CONTEXT)
    early, late = closings(store)
    assert receipt.positions == (late.position + 1,)
    assert (late.stream, late.version) == (early.stream, early.version + 1)
    assert said(late)["access"]["position"] == said(early)["access"]["position"] + 1
    assert verify(store, "main").ok


STEPS = st.lists(st.sampled_from(["main", "access", "close", "hours", "day"]), min_size=15,
                 max_size=25)


@settings(max_examples=tried(100), deadline=None)
@example(["main", "access", "close", "access", "day", "main"])
@given(STEPS)
def test_days__are_closed_with_all_of_both_ledgers(steps: list[str]) -> None:
    """Whatever happens in whatever order: what stands in main on a later day stands after a closing
    that anchors all that the access ledger recorded on earlier days. No closing says
    nothing new."""
    time, store, keys = Time(), IN_MEMORY.open_store(), IN_MEMORY.open_keys()
    both = {"main": Ledger(store, begun(store, keys, clock=time.clock()), clock=time.clock(),
                           handlers=HANDLERS)}
    both["access"] = Ledger(store, keys_of(store, keys, ACCESS), name=ACCESS, clock=time.clock(),
                            handlers=HANDLERS)
    for number, step in enumerate(steps):
        if step in both:
            both[step].handle(opening(number), CONTEXT)
        elif step == "close":
            both["main"].close_log(CONTEXT)
        else:
            time.pass_by(DAY_S if step == "day" else DAY_S / 5)
    days = [day_of(from_us(entry.recorded_at)) for entry in store.read(ACCESS)]
    before, *recorded = store.read("main")
    fresh, closed = True, 0
    for entry in recorded:
        if entry.type == DayLog.DayClosed.TOPIC:
            position = said(entry)["access"]["position"]
            assert fresh or position > closed
            fresh, closed = False, position
        else:
            today = day_of(from_us(entry.recorded_at))
            assert all(day >= today for day in days[closed:])
            assert day_of(from_us(before.recorded_at)) == today or not fresh
            fresh = True
        before = entry
    for one in (*both.values(), store, keys):
        one.close()


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


@pytest.mark.parametrize("payload", [b"[" * 60_000, b"{}", b'{"access":{"position":1,"root":"x"}}'])
def test_close__rejected_with_a_sentence_after_a_closing_that_cannot_be_read(
    ledger: Ledger, payload: bytes
) -> None:
    """R-LOG-41: somebody added it, with hashes and a head that fit."""
    head = ledger.head()
    write(ledger.store, raw(head.position + 1, stream="s:1", version=1, payload=payload,
                            type=DayLog.DayClosed.TOPIC, recorded_at=head.recorded_at + 1))
    with pytest.raises(EventUnreadable, match=f"^Position {head.position + 1} "):
        ledger.close_log(CONTEXT)
