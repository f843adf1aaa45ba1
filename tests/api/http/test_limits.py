"""Token buckets: shared by processes, cheap, and never in the way of who stays within them."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.limits import (
    BAD_KEYS,
    PASSWORDS,
    PAST,
    REQUESTS,
    SHARE,
    SIGNING_IN,
    BadLimit,
    Limits,
    Quota,
    quotas_of,
)
from ledger.log import sqlite
from ledger.log.store import StorageFailed
from ledger.settings import Settings
from projections.store.buckets import Buckets, buckets_of

START = 10**15
SECOND = 1_000_000


class Time:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


def limits(quota: Quota, time: Time, buckets: Buckets | None = None) -> Limits:
    """Limits of requests."""
    return Limits({REQUESTS: quota}, buckets or Buckets(sqlite.memory_engine(), "buckets"), time)


def given_of(found: Limits, many: int, tokens: int = 1) -> int:
    """How often, of so many times, tokens were given."""
    taken = [found.take(REQUESTS, "key", tokens) for _ in range(many)]
    return sum(one is not None and not one.wait_s for one in taken)


@pytest.mark.parametrize(("said", "expected"), [
    ({}, {PAST: Quota(3_000_000, 60), BAD_KEYS: Quota(100, 60), PASSWORDS: Quota(10, 900),
          SIGNING_IN: Quota(50, 900)}),
    ({"LEDGER_REQUEST_LIMIT": "6000/60", "LEDGER_PAST_LIMIT": "off", "LEDGER_PASSWORD_LIMIT": "off",
      "LEDGER_SIGNING_IN_LIMIT": "5/60", "LEDGER_BAD_KEY_LIMIT": "1/86400"},
     {REQUESTS: Quota(6000, 60), BAD_KEYS: Quota(1, 86_400), SIGNING_IN: Quota(5, 60)}),
])
def test_quotas__accepted(said: Mapping[str, str], expected: dict[str, Quota]) -> None:
    assert quotas_of(said) == expected


def test_tokens__that_are_given_back_can_be_taken_again() -> None:
    found = limits(Quota(3, 60), Time())
    for _ in range(10):
        assert given_of(found, 1) == 1
        found.give_back(REQUESTS, "key")
    assert given_of(found, 5) == 3
    found.give_back(PAST, "key")  # which nothing limits


@pytest.mark.parametrize("said", ["0/60", "5", "5/0", "5/86401", "-1/60", "5/60s", "on", "٥/60"])
def test_quotas__rejected(said: str) -> None:
    """R-SET-13."""
    with pytest.raises(BadLimit):
        quotas_of({"LEDGER_REQUEST_LIMIT": said})


def test_bucket__gives_what_it_holds_and_fills_again() -> None:
    time = Time()
    found = limits(Quota(60, 60), time)
    assert given_of(found, 100) == 60
    refused = found.take(REQUESTS, "key")
    assert refused is not None
    assert (refused.left, refused.wait_s) == (0, 1)
    time.now += 10 * SECOND
    assert given_of(found, 100) == 10
    assert found.take(REQUESTS, "another") == (REQUESTS, Quota(60, 60), 59, 0)
    time.now += 3600 * SECOND
    assert given_of(found, 100) == 60


def test_bucket__gives_what_costs_more_than_all_of_it_when_it_is_full() -> None:
    time = Time()
    found = limits(Quota(60, 60), time)
    assert given_of(found, 2, tokens=1000) == 1
    refused = found.take(REQUESTS, "key", 1000)
    assert refused is not None
    assert refused.wait_s == 60
    time.now += 60 * SECOND
    assert given_of(found, 1, tokens=1000) == 1


def test_bucket__counts_as_full_where_the_clock_went_back() -> None:
    time = Time()
    buckets = Buckets(sqlite.memory_engine(), "buckets")
    assert given_of(limits(Quota(60, 60), time, buckets), 100) == 60
    time.now -= 86_400 * SECOND
    assert given_of(limits(Quota(60, 60), time, buckets), 100) == 60


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3 * SECOND)), max_size=200),
       st.integers(1, 120), st.integers(1, 30))
def test_bucket__gives_no_more_than_its_rate_to_two_processes(
    steps: list[tuple[int, int]], most: int, window_s: int
) -> None:
    """And no less: what was refused is given after the time that was said."""
    time, quota = Time(), Quota(most, window_s)
    buckets = Buckets(sqlite.memory_engine(), "buckets")
    two = [limits(quota, time, buckets), limits(quota, time, buckets)]
    given_out = 0
    for which, passed in steps:
        time.now += passed
        taken = two[which].take(REQUESTS, "key")
        assert taken is not None
        assert taken.left >= 0
        given_out += not taken.wait_s
        assert given_out <= most + (time.now - START) * most / quota.window_us
        if taken.wait_s:
            time.now += taken.wait_s * SECOND
            again = two[which].take(REQUESTS, "key")
            assert again is not None
            assert not again.wait_s
            given_out += 1


def test_bucket__is_seldom_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fiftieth is taken at once; whoever is refused writes nothing."""
    asked: list[str] = []
    real = Buckets.take

    def counting(self: Buckets, *args: Any, **named: Any) -> Any:
        asked.append(args[0])
        return real(self, *args, **named)

    monkeypatch.setattr(Buckets, "take", counting)
    found = limits(Quota(1000, 60), Time())
    assert given_of(found, 1000) == 1000
    assert len(asked) == SHARE
    assert given_of(found, 1000) == 0
    assert len(asked) <= SHARE + 2


def test_bucket__refuses_nobody_where_it_cannot_be_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise StorageFailed(why="the disk is full")

    monkeypatch.setattr(Buckets, "take", broken)
    assert given_of(limits(Quota(1, 60), Time()), 10) == 10
    assert "refuses nothing" in caplog.text


def test_bucket__of_a_store_in_memory_is_this_process_s_own() -> None:
    store = Settings(database_url="memory:", keys_url="memory:", master_key_file=None).open_store()
    found = limits(Quota(5, 60), Time(), buckets_of(store))
    assert given_of(found, 10) == 5
