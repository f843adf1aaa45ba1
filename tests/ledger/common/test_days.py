"""Days of a shop: those of its zone, whatever the clock there does, and the machine has."""

import pickle
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.common.days import Days, UnknownZone, day_after, last_day, month_after, month_of
from ledger.common.values import from_us, to_us
from tests.support.thorough import tried

ZONES = sorted(zone for zone in zoneinfo.available_timezones()
               if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/")))
BERLIN = Days("Europe/Berlin")

zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(1980, 1, 1), datetime(2035, 1, 1),  # noqa: DTZ001
                       timezones=st.just(UTC))


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    """Both sides read the rules that are installed with the program."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache()


@settings(max_examples=tried(500), deadline=None)
@given(zones, moments)
def test_days__are_those_of_the_zone(zone: str, moment: datetime) -> None:
    days, local = Days(zone), moment.astimezone(zoneinfo.ZoneInfo(zone))
    day = days.day_of(moment)
    assert day == local.date().isoformat()
    assert days.time_of(moment) == f"{local:%H:%M}"
    assert days.month_of(moment) == month_of(day) == f"{local:%Y-%m}"
    assert datetime.fromisoformat(days.shown(moment)) == moment.replace(microsecond=0)


@settings(max_examples=tried(500), deadline=None)
@given(zones, moments)
def test_days__lie_side_by_side(zone: str, moment: datetime) -> None:
    """Each moment is of one day and one month: their bounds leave no gap, and overlap nowhere."""
    days, us = Days(zone), to_us(moment)
    day, month = days.day_of(moment), days.month_of(moment)
    if (follows := days.day_of(from_us(days.end_of(day) + 1))) == day_after(day):
        assert days.begin_of(day) <= us <= days.end_of(day)
    else:  # an island that moved to the other side of the date line: it had no such day
        assert follows == day_after(day, 2)
    first, last = days.span_of(month)
    assert first <= us <= last
    assert days.span_of(month_after(month))[0] == last + 1
    assert (days.begin_of(f"{month}-01"), days.end_of(last_day(month))) == (first, last)


@pytest.mark.parametrize(("day", "hours"), [
    ("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_day__is_as_long_as_the_clock_makes_it(day: str, hours: int) -> None:
    length = BERLIN.end_of(day) + 1 - BERLIN.begin_of(day)
    assert length == timedelta(hours=hours) // timedelta(microseconds=1)
    assert BERLIN.at(day, "24:00") - BERLIN.at(day, "00:00") == timedelta(hours=hours)


def test_time_of_day__that_comes_twice_is_the_earlier_and_one_that_is_skipped_is_moved_on() -> None:
    assert BERLIN.at("2026-10-25", "02:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert BERLIN.at("2026-03-29", "02:30") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert BERLIN.shown(BERLIN.at("2026-03-29", "02:30")) == "2026-03-29 03:30:00+02:00"
    assert BERLIN.at(date(2026, 3, 28), "02:30", later=True) == BERLIN.at("2026-03-29", "02:30")


@pytest.mark.parametrize("name", [
    "Mars/Olympus", "", "localtime", "europe/berlin", "Europe/Berlin ", "../zones", "/etc/passwd",
    "posix/Europe/Berlin", "+08:00", "Asia/Shanghai\n"])
def test_zone__rejected_when_nobody_knows_it(name: str) -> None:
    """R-LDG-11"""
    with pytest.raises(UnknownZone):
        Days(name)


def test_days__are_a_value() -> None:
    assert pickle.loads(pickle.dumps(BERLIN)) == BERLIN == Days("Europe/Berlin")
    assert len({BERLIN, Days("Europe/Berlin"), Days("UTC")}) == 2
    assert repr(BERLIN) == "Days('Europe/Berlin')"
