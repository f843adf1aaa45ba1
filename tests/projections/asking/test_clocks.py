"""As of when a question is asked: both clocks, days, zones, positions."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ledger.application import Ledger
from ledger.common.days import Days
from ledger.common.values import to_us
from ledger.log.clock import Clock
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.writing.genesis import begun
from projections.asking.clocks import (
    NOW,
    AsOf,
    BadPosition,
    BadTime,
    Cut,
    PlusLost,
    PositionBeyondHead,
    TwoRecordings,
    header,
    moment,
)
from tests.support.builders import entry
from tests.support.days import IN_SHANGHAI
from tests.support.projecting import put, tell

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(("text", "at"), [
    ("2026-10-31T23:59:59+08:00", datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC)),
    ("2026-10-31T15:59:59Z", datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC)),
    ("2026-10-31t15:59:59.25z", datetime(2026, 10, 31, 15, 59, 59, 250000, tzinfo=UTC)),
    ("2026-10-31 15:59:59.000001-00:30", datetime(2026, 10, 31, 16, 29, 59, 1, tzinfo=UTC)),
])
def test_moment__takes_times_with_their_zone(text: str, at: datetime) -> None:
    assert moment("occurred_as_of", text, IN_SHANGHAI) == (to_us(at), None)


def test_moment__takes_a_day_to_its_end_in_the_shops_zone_and_says_so() -> None:
    found = moment("occurred_as_of", "2020-02-14", IN_SHANGHAI)
    assert found.at_us == to_us(datetime(2020, 2, 14, 23, 59, 59, 999999, SHANGHAI))
    assert found.note == (
        "occurred_as_of 2020-02-14 is taken to the end of that day in Asia/Shanghai")
    assert moment("x", "2020-02-14", Days("UTC")).at_us - found.at_us == 8 * 3600 * 10**6


@pytest.mark.parametrize("text", [
    "2026-10-31T23:59:59", "2026-10-31T23:59+08:00", "20261031T235959Z", "2026-W44-6", "2026-13-01",
    "2026-02-30", "2026-10-31T24:00:01Z", "2026-10-31T23:59:60Z", "2026-10-31T23:59:59+0800",
    "2026-10-31T23:59:59.1234567Z", "now", "", "9999-12-31", "１２",
    "2026-10-31T23:59:59+24:00", "2026-10-31\n",
])
def test_moment__rejects_what_is_no_time_with_a_zone(text: str) -> None:
    with pytest.raises(BadTime) as refused:
        moment("occurred_as_of", text, IN_SHANGHAI)
    assert refused.value.rule == "R-PRJ-03"
    assert "occurred_as_of" in str(refused.value)
    assert "%2B" not in str(refused.value)


@pytest.mark.parametrize("text", ["2026-10-31T23:59:59 08:00", "2026-10-31 23:59:59.1 08:00"])
def test_moment__rejects_a_time_that_lost_its_plus(text: str) -> None:
    with pytest.raises(PlusLost, match="occurred_as_of .* a . became a space.*%2B"):
        moment("occurred_as_of", text, IN_SHANGHAI)


@pytest.mark.parametrize("given", [-1, "-1", "1.0", "", "x", "²", "9" * 30, " 1"])
def test_position__rejects_what_is_no_position(given: int | str) -> None:
    with pytest.raises(BadPosition) as refused:
        AsOf.parse(given)
    assert refused.value.rule == "R-PRJ-04"


def test_as_of__rejects_two_states_of_recording() -> None:
    with pytest.raises(TwoRecordings) as refused:
        AsOf.parse(1, "2026-10-31")
    assert refused.value.rule == "R-PRJ-06"


def test_as_of__without_anything_is_now() -> None:
    assert AsOf.parse() == NOW
    assert NOW.now
    assert not AsOf.parse(0).now


def at_noon(store: Store, keys: Keys, offsets: list[int]) -> Ledger:
    """A ledger that records an order at each of these seconds behind noon, one event each."""
    noon = to_us(datetime(2026, 10, 1, 4, tzinfo=UTC))
    now = [noon - 10**6]
    clock = Clock(wall=lambda: now[0], steady=lambda: now[0])
    ledger = Ledger(store, begun(store, keys, clock=clock), clock=clock)
    for number, offset in enumerate(offsets):
        now[0] = noon + offset * 10**6
        put(ledger, tell(number))
    return ledger


def test_resolve__finds_what_was_recorded_by_then(store: Store, keys: Keys) -> None:
    ledger = at_noon(store, keys, [0, 10, 10, 20])
    found = {text: AsOf.parse(recorded_as_of=f"2026-10-01T{text}Z").resolve(store, "main").position
             for text in ("03:59:59", "04:00:00", "04:00:09.999999", "04:00:10",
                          "04:00:10.000001", "05:00:00")}
    assert list(found.values()) == [1, 2, 2, 3, 4, 5]
    ledger.close()


def test_resolve__takes_any_position_up_to_the_head(store: Store, keys: Keys) -> None:
    ledger = at_noon(store, keys, [0, 1])
    head = store.head("main")
    asked = [AsOf.parse(n) for n in (0, 2, "3", None)]
    assert [one.resolve(store, "main") for one in asked] == [
        Cut(0, None, head, closed=True, asked=asked[0]),
        Cut(2, None, head, closed=True, asked=asked[1]),
        Cut(3, None, head, closed=True, asked=asked[2]), Cut(3, None, head)]
    with pytest.raises(PositionBeyondHead) as refused:
        AsOf.parse(4).resolve(store, "main")
    assert refused.value.rule == "R-PRJ-05"
    ledger.close()


def test_resolve__takes_a_future_of_the_business(ledger: Ledger) -> None:
    cut = AsOf.parse(occurred_as_of="2999-01-01").resolve(ledger.store, "main")
    assert cut[:2] == (1, to_us(datetime(2999, 1, 1, 23, 59, 59, 999999, SHANGHAI)))
    assert not cut.closed


def test_cut__takes_what_is_recorded_and_had_occurred() -> None:
    cut = Cut(5, 100)
    assert cut.takes(entry(5, occurred_at=100))
    assert not cut.takes(entry(6, occurred_at=100))
    assert not cut.takes(entry(5, occurred_at=101))
    assert Cut(5).takes(entry(5, occurred_at=10**15))


def test_header__says_as_of_what_an_answer_is(store: Store, keys: Keys) -> None:
    ledger = at_noon(store, keys, [0, 10])
    as_of = AsOf.parse(recorded_as_of="2026-10-01T12:00:05+08:00", occurred_as_of="2026-10-01")
    assert header(store, "main", as_of.resolve(store, "main")) == {
        "ledger": "main", "position": 2, "head": 3, "recorded_at": "2026-10-01T04:00:00Z",
        "recorded_as_of": "2026-10-01T04:00:05Z",
        "occurred_as_of": "2026-10-01T15:59:59.999999Z", "open": False,
        "notes": ["occurred_as_of 2026-10-01 is taken to the end of that day in Asia/Shanghai"]}
    ledger.close()


def test_header__says_that_nothing_was_recorded_by_then(store: Store, keys: Keys) -> None:
    assert header(store, "main", Cut(0))["notes"] == ["nothing is recorded yet"]
    ledger = at_noon(store, keys, [0])
    as_of = AsOf.parse(recorded_as_of="2026-09-30")
    found = header(store, "main", as_of.resolve(store, "main"))
    assert (found["position"], found["recorded_at"]) == (0, None)
    assert found["notes"][-1] == "nothing was recorded by then"
    ledger.close()
