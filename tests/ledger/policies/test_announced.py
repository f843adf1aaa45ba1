"""Calendars out of a library: those that are shipped, and none that were not announced."""

from datetime import date, timedelta

import pytest
from chinese_calendar import is_workday
from chinese_calendar.constants import holidays

from ledger.policies.announced import CalendarNotAnnounced, calendars_of, written
from ledger.policies.checks import findings
from ledger.policies.reader import parse, read
from ledger.policies.values import Sections

LAST = max(day.year for day in holidays)


def test_calendar__of_2026_is_the_one_that_is_shipped() -> None:
    shipped = {one.calendar: one for one in read("deadlines").sections.calendars or ()}

    for one in calendars_of(2026):
        known = shipped.pop(one.calendar)
        assert one.weekdays == known.weekdays
        assert [day for day in one.holidays if day >= known.since] == sorted(known.holidays)
        assert [day for day in one.working if day >= known.since] == sorted(known.working)
        assert (one.since, one.until) == ("2025-01-01", known.until)
    assert shipped == {}


@pytest.mark.parametrize("year", range(2005, LAST + 1))
def test_calendar__says_of_every_day_what_the_library_says(year: int) -> None:
    mainland, dispatch = calendars_of(year)
    first = date(year - 1, 1, 1)

    for day in (first + timedelta(days=n) for n in range((date(year, 12, 31) - first).days + 1)):
        assert mainland.works_on(day) == is_workday(day), day
        assert dispatch.works_on(day) == (is_workday(day) or (
            day.isoweekday() == 6 and day not in holidays)), day


def test_calendar__written_is_a_sound_policy_file() -> None:
    policy = parse("x", written(LAST))

    assert findings(policy.sections, Sections()) == []
    assert policy.sections.calendars == calendars_of(LAST)


@pytest.mark.parametrize("year", [2003, LAST + 1])
def test_calendar__rejected_of_a_year_that_was_not_announced(year: int) -> None:
    with pytest.raises(CalendarNotAnnounced, match=f"of 2004 to {LAST}, and not of {year}"):
        written(year)
