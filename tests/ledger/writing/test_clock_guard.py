"""The clock guard: what stops recording, who lets it go on, and that recorded time never falls."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.application import Ledger, OccurredInFuture
from ledger.common.context import Receipt
from ledger.common.values import from_us
from ledger.log.backup import backup_log, restore_log
from ledger.log.clock import BEHIND_US, JUMP_US, ClockSuspect
from ledger.log.memory import MemoryStore
from ledger.log.persons import Keys
from ledger.log.store import StorageFailed, Store
from ledger.writing.genesis import begun
from tests.support.batches import paused, waiting
from tests.support.clocks import SECOND, START, Time
from tests.support.envelopes import CONTEXT, context
from tests.support.jars import HANDLERS, adding, opening
from tests.support.soundness import must_be_sound
from tests.support.waiting import eventually, in_thread

in_memory = pytest.mark.parametrize("backend", ["memory"], indirect=True)

ADMIN = context(actor="member:admin", role="admin")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ledger(store: Store, keys: Keys, time: Time) -> Any:
    opened = Ledger(store, begun(store, keys, clock=time.clock()), handlers=HANDLERS,
                    clock=time.clock())
    yield opened
    opened.close()


@pytest.fixture
def other(store: Store, ledger: Ledger, time: Time) -> Any:
    """The ledger of another process on the same machine."""
    opened = Ledger(store, ledger.keys, handlers=HANDLERS, clock=time.clock())
    yield opened
    opened.close()


def recorded(store: Store) -> list[int]:
    """Seconds after the start at which events were recorded, but those that close a day."""
    return [(row.recorded_at - START) // SECOND for row in must_be_sound(store)
            if row.type != "log.day_closed.v1"]


def jars(store: Store) -> int:
    """How many jars were opened."""
    return sum(entry.type == "jar.opened.v1" for entry in store.read("main"))


def test_handle__accepted_while_time_passes(ledger: Ledger, store: Store, time: Time) -> None:
    for number, seconds in enumerate((0, 1, 86_400 * 400, 0)):
        time.pass_by(seconds)
        ledger.handle(opening(number), CONTEXT)
    assert recorded(store) == [0, 1, 34_560_001, 34_560_001]


def test_handle__accepted_when_the_clock_is_set_a_little(
    ledger: Ledger, store: Store, time: Time
) -> None:
    """It steps by less than a minute in all, stands, and steps back by less than 5 s."""
    ledger.handle(opening(0), CONTEXT)
    for number, jump in enumerate((29, 30, -4.9), 1):
        time.pass_by(1)
        time.jump(jump)
        ledger.handle(opening(number), CONTEXT)
    time.steady += 4 * SECOND
    ledger.handle(opening(4), CONTEXT)
    assert recorded(store) == [0, 30, 61, 61, 61]


@pytest.mark.parametrize(("jumps", "seconds", "jump"), [(20, 100, 59), (20, 100, -4),
                                                        (200, 3600, 2.5), (200, 3600, -2.5)])
def test_handle__rejected_when_the_clock_creeps(
    ledger: Ledger, store: Store, time: Time, jumps: int, *, seconds: int, jump: float
) -> None:
    """Small jumps are one jump: what counts is how far it has come since the process began."""
    ledger.handle(opening(0), CONTEXT)
    with pytest.raises(ClockSuspect, match="jumped"):
        for number in range(1, jumps + 1):
            time.pass_by(seconds)
            time.jump(jump)
            ledger.handle(opening(number), CONTEXT)
    before = jars(store)
    time.pass_by(86_400 * 200)
    for _ in range(2):
        with pytest.raises(ClockSuspect):  # waiting does not make it right
            ledger.handle(opening(jumps + 1), CONTEXT)
    ledger.accept_clock("it is right now", ADMIN)
    for number in range(2):
        time.jump(29)
        ledger.handle(opening(jumps + 2 + number), CONTEXT)
    assert jars(store) == before + 2
    time.jump(29)
    with pytest.raises(ClockSuspect):
        ledger.handle(opening(jumps + 4), CONTEXT)


@pytest.mark.parametrize("ppm", [450, -450])
def test_handle__accepted_when_the_clock_is_slewed_for_weeks(
    ledger: Ledger, store: Store, time: Time, ppm: int
) -> None:
    """NTP slews by 500 ppm at most; after hours of it, a jump is a jump as before."""
    for day in range(40):
        ledger.handle(opening(day), CONTEXT)
        time.pass_by(86_400)
        time.jump(86_400 * ppm / 1e6)
    ledger.handle(opening(40), CONTEXT)
    assert jars(store) == 41
    time.jump(61)
    with pytest.raises(ClockSuspect, match="jumped"):
        ledger.handle(opening(41), CONTEXT)


def test_handle__rejected_when_the_first_clock_is_far_ahead_of_the_log(
    ledger: Ledger, store: Store, time: Time
) -> None:
    ledger.handle(opening(1), CONTEXT)
    time.jump(86_400 * 29 + 1)
    narrow = Ledger(store, ledger.keys, handlers=HANDLERS, clock=time.clock(ahead_days=28))
    with pytest.raises(ClockSuspect, match="29 days ahead"):
        narrow.handle(opening(2), CONTEXT)
    soon = Ledger(store, ledger.keys, handlers=HANDLERS, clock=time.clock())
    soon.handle(opening(2), CONTEXT)
    time.jump(86_400 * 31 + 1)
    late, other = (Ledger(store, ledger.keys, handlers=HANDLERS, clock=time.clock())
                   for _ in range(2))
    for one in (late, other):
        for _ in range(2):
            with pytest.raises(ClockSuspect, match="31 days ahead"):
                one.handle(opening(3), CONTEXT)
            time.pass_by(60)
    time.jump(-86_400 * 2)
    late.handle(opening(3), CONTEXT)  # it was set right
    time.jump(86_400 * 31 + 1)
    third = Ledger(store, ledger.keys, handlers=HANDLERS, clock=time.clock())
    with pytest.raises(ClockSuspect, match="31 days ahead"):
        third.handle(opening(4), CONTEXT)
    third.accept_clock("the shop was closed", ADMIN)
    third.handle(opening(4), CONTEXT)
    other.accept_clock("the shop was closed", ADMIN)
    other.handle(opening(5), CONTEXT)
    late.handle(opening(6), CONTEXT)
    for one in (narrow, soon, late, other, third):
        one.close()


def test_handle__accepted_when_the_first_event_comes_late(
    ledger: Ledger, other: Ledger, time: Time
) -> None:
    """A process that began in time was there while the days passed."""
    ledger.handle(opening(1), CONTEXT)
    time.pass_by(86_400 * 40)
    other.handle(opening(2), CONTEXT)


@pytest.mark.parametrize("jump", [-5.1, -61, 60.1, 86_400 * 365 * 73])
def test_handle__rejected_when_the_clock_jumps(
    ledger: Ledger, store: Store, time: Time, jump: float
) -> None:
    """R-LOG-08, for as long as the clock is not set right."""
    ledger.handle(opening(), CONTEXT)
    time.jump(jump)
    for _ in range(2):
        with pytest.raises(ClockSuspect):
            ledger.handle(opening(2), CONTEXT)
        time.pass_by(0.001)
    with pytest.raises(ClockSuspect):
        ledger.handle_many([(opening(3), CONTEXT), (opening(4), CONTEXT)])
    assert recorded(store) == [0]
    time.jump(-jump)
    assert ledger.handle(opening(2), CONTEXT).positions == (3,)


def test_handle__rejected_from_the_start_when_the_clock_is_behind_the_log(
    ledger: Ledger, store: Store, time: Time, keys: Keys
) -> None:
    ledger.handle(opening(), CONTEXT)
    time.jump(-BEHIND_US / SECOND - 1)
    late = Ledger(store, ledger.keys, handlers=HANDLERS, clock=time.clock())
    with pytest.raises(ClockSuspect, match=r"6\.0 s behind"):
        late.handle(opening(2), CONTEXT)
    late.close()


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_accept_clock__accepted(ledger: Ledger, store: Store, time: Time, jump: float) -> None:
    ledger.handle(opening(), CONTEXT)
    time.jump(jump)
    with pytest.raises(ClockSuspect):
        ledger.handle(opening(2), CONTEXT)
    receipt = ledger.accept_clock("the server's clock was wrong", ADMIN)
    assert receipt.versions == {"log:clock": 1}
    time.pass_by(10)
    ledger.handle(opening(2), CONTEXT)
    accepted = store.streams("main", ["log:clock"])[0]
    assert (accepted.type, accepted.actor) == ("log.clock_accepted.v1", "member:admin")
    assert accepted.occurred_at == START + jump * SECOND
    assert recorded(store) == ([0, 3600, 3610] if jump > 0 else [0, 0, 0])
    time.jump(-jump)
    with pytest.raises(ClockSuspect):
        ledger.handle(opening(3), CONTEXT)


def test_accept_clock__accepted_after_a_year_in_the_future(
    ledger: Ledger, store: Store, time: Time
) -> None:
    """Someone recorded in 2099; recorded time stands still until the clock has caught up."""
    time.jump(86_400 * 365 * 73)
    wrong = Ledger(store, ledger.keys, handlers=HANDLERS, clock=time.clock(ahead_days=36_500))
    wrong.handle(opening(), CONTEXT)
    wrong.close()
    time.jump(-86_400 * 365 * 73)
    ledger.accept_clock("it is 2026", ADMIN)
    for number in range(2, 5):
        time.pass_by(3600)
        ledger.handle(opening(number), CONTEXT)
    assert recorded(store) == [86_400 * 365 * 73] * 5
    ahead = from_us(time.wall) + timedelta(minutes=6)
    with pytest.raises(OccurredInFuture):
        ledger.handle(opening(9, occurred_at=ahead), CONTEXT)
    time.jump(-3 * 3600 - 60)
    time.steady -= 3 * 3600 * SECOND + 60 * SECOND
    with pytest.raises(ClockSuspect, match="behind"):
        ledger.handle(opening(9), CONTEXT)


def test_accept_clock__accepted_by_another_process(
    ledger: Ledger, other: Ledger, store: Store, time: Time
) -> None:
    for one in (ledger, other):
        one.handle(opening(id(one)), CONTEXT)
    time.jump(-3600)
    for one in (ledger, other):
        with pytest.raises(ClockSuspect):
            one.handle(adding(id(one)), CONTEXT)
    ledger.accept_clock("set right", ADMIN)
    for one in (other, ledger):
        one.handle(adding(id(one)), CONTEXT)
    fresh = Ledger(store, ledger.keys, handlers=HANDLERS, clock=time.clock())
    fresh.handle(opening(7), CONTEXT)
    fresh.close()
    assert recorded(store) == [0] * 6


def test_accept_clock__ignored_for_a_later_jump(
    ledger: Ledger, other: Ledger, store: Store, time: Time
) -> None:
    """An acceptance speaks of the trouble that was, also to those who read of it only later."""
    ledger.handle(opening(), CONTEXT)
    time.jump(3600)
    ledger.accept_clock("set right", ADMIN)
    other.handle(opening(2), CONTEXT)
    time.jump(3600)
    for one in (other, ledger):
        with pytest.raises(ClockSuspect, match="jumped"):
            one.handle(opening(3), CONTEXT)
    fresh = Ledger(store, ledger.keys, handlers=HANDLERS, clock=time.clock())
    fresh.handle(opening(3), CONTEXT)
    time.jump(JUMP_US / SECOND + 1)
    with pytest.raises(ClockSuspect, match="jumped"):
        fresh.handle(opening(4), CONTEXT)
    fresh.close()
    assert recorded(store) == [0, 3600, 3600, 7200]


def test_accept_clock__ignored_when_it_cannot_be_recorded(
    ledger: Ledger, store: Store, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock is not right before somebody's word for it is on disk."""
    ledger.handle(opening(), CONTEXT)
    time.jump(3600)
    writing = store.writing

    def fail(name: str) -> Any:
        raise StorageFailed(why="a test says so")

    monkeypatch.setattr(store, "writing", fail)
    with pytest.raises(StorageFailed):
        ledger.accept_clock("set right", ADMIN)
    monkeypatch.setattr(store, "writing", writing)
    with pytest.raises(ClockSuspect):
        ledger.handle(opening(2), CONTEXT)
    ledger.accept_clock("set right", ADMIN)
    assert ledger.handle(opening(2), CONTEXT).positions == (4,)


def test_accept_clock__rejected_when_something_was_recorded_meanwhile(
    ledger: Ledger, other: Ledger, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.handle(opening(), CONTEXT)
    before = ledger.head()
    time.pass_by(1)
    other.handle(opening(2), CONTEXT)
    monkeypatch.setattr(ledger, "head", lambda: before)
    with pytest.raises(ClockSuspect, match="while it was being accepted"):
        ledger.accept_clock("set right", ADMIN)
    monkeypatch.undo()
    ledger.accept_clock("set right", ADMIN)


def test_accept_clock__accepted_for_what_comes_after_it_only(
    ledger: Ledger, store: Store, time: Time
) -> None:
    """In one queue: what came before the acceptance is refused, what came after it is not."""
    ledger.handle(opening(), CONTEXT)
    time.jump(3600)
    calls: list[Any] = [
        lambda: ledger.handle(opening(0), CONTEXT), lambda: ledger.handle(opening(2), CONTEXT),
        lambda: ledger.accept_clock("set right", ADMIN),
        lambda: ledger.handle(opening(3), CONTEXT)]
    with paused(ledger):
        threads = []
        for number, call in enumerate(calls, 1):
            threads.append(in_thread(lambda call=call: outcome(call)))
            eventually(lambda number=number: waiting(ledger) >= number)
    for thread in threads:
        thread.join()
    assert [type(thread.result) for thread in threads] == [
        ClockSuspect, ClockSuspect, Receipt, Receipt]
    assert recorded(store) == [0, 3600, 3600]


def outcome(call: Any) -> Any:
    """A receipt or the error."""
    try:
        return call()
    except ClockSuspect as error:
        return error


def test_accept_clock__accepted_once_when_it_is_repeated(
    ledger: Ledger, store: Store, time: Time
) -> None:
    who = context(command_id=UUID(int=3), role="admin", by_client=True)
    first = ledger.accept_clock("set right", who)
    time.pass_by(5)
    again = ledger.accept_clock("set right", who)
    assert again == first._replace(replayed=True)
    time.jump(3600)
    assert ledger.accept_clock("set right", who).replayed
    with pytest.raises(ClockSuspect):
        ledger.handle(opening(2), CONTEXT)
    assert len(must_be_sound(store)) == 1


def test_occurred_at__rejected_more_than_five_minutes_ahead(ledger: Ledger, time: Time) -> None:
    limit = from_us(time.wall) + timedelta(minutes=5)
    ledger.handle(opening(occurred_at=limit), CONTEXT)
    with pytest.raises(OccurredInFuture):
        ledger.handle(opening(2, occurred_at=limit + timedelta(microseconds=1)), CONTEXT)


@in_memory
def test_acceptance__counts_in_a_backup_that_was_restored_under_the_process(
    ledger: Ledger, other: Ledger, store: MemoryStore, time: Time, *, tmp_path: Path
) -> None:
    """It stands at a position up to which this process found the clock in order, in a log that is
    gone; the log in its place counts from its beginning."""
    ledger.handle(opening(0), CONTEXT)
    backup_log(store, "main", tmp_path / "log.gz")
    for number in range(1, 9):
        ledger.handle(opening(number), CONTEXT)
    store.close()
    restore_log(store, tmp_path / "log.gz")
    time.jump(100)
    with pytest.raises(ClockSuspect):
        ledger.handle(opening(20), CONTEXT)
    other.accept_clock("it is right", ADMIN)
    ledger.handle(opening(21), CONTEXT)
    assert recorded(store)[-1] == 100


@in_memory
def test_acceptance__is_gone_with_the_log_that_held_it(
    ledger: Ledger, store: MemoryStore, time: Time, tmp_path: Path
) -> None:
    ledger.handle(opening(0), CONTEXT)
    backup_log(store, "main", tmp_path / "log.gz")
    time.jump(-3600)
    ledger.accept_clock("it was an hour ahead", ADMIN)
    ledger.handle(opening(1), CONTEXT)
    store.close()
    restore_log(store, tmp_path / "log.gz")
    with pytest.raises(ClockSuspect, match="behind"):
        ledger.handle(opening(2), CONTEXT)
