"""The working days of mainland China as they were announced, out of a library that people keep.

The State Council announces the holidays of a year, and the weekends that are worked in their place,
in the last months of the year before. What the library does not have yet is refused: the dates of
the feasts alone would look like a calendar and be wrong by every moved weekend.
"""

from collections.abc import Collection
from datetime import date, timedelta
from importlib.metadata import version

from ledger.common.errors import Refused
from ledger.policies.known_years import known_years
from ledger.policies.times import Calendar

LIBRARY = "chinesecalendar"
WORKED = {"mainland": [1, 2, 3, 4, 5], "dispatch": [1, 2, 3, 4, 5, 6]}
"""The weekdays of each calendar that is written: those of the offices, and of dispatch."""


class CalendarNotAnnounced(Refused):
    """{library} {version} has the announced days of {first} to {last}, and not of {year}. Once the
    State Council has announced them, update the library, or copy what `ledger policies calendar
    {last}` writes and put in the days of the announcement."""

    code = "calendar_not_announced"
    rule = "R-POL-17"


def library() -> str:
    """The library and its version."""
    return f"{LIBRARY} {version(LIBRARY)}"


def calendars_of(year: int) -> list[Calendar]:
    """The calendars of a year and the one before it, so that what began in that one is counted.

    Errors: CalendarNotAnnounced (R-POL-17).
    """
    from chinese_calendar.constants import holidays, workdays

    known = known_years()
    if year not in known:
        raise CalendarNotAnnounced(library=LIBRARY, version=version(LIBRARY), first=min(known),
                                   last=max(known), year=year)
    years = {year - 1, year} & known
    return [_calendar(name, weekdays, years, holidays, workdays)
            for name, weekdays in WORKED.items()]


def _calendar(
    name: str, weekdays: list[int], years: Collection[int], *days: Collection[date]
) -> Calendar:
    """`days` are the holidays and the days that are worked in their place."""
    free, worked = (sorted(day for day in some if day.year in years) for some in days)
    return Calendar(
        calendar=name, weekdays=weekdays, since=date(min(years), 1, 1).isoformat(),
        until=(date(max(years) + 1, 1, 1) - timedelta(days=1)).isoformat(),
        holidays=[day.isoformat() for day in free],
        working=[day.isoformat() for day in worked if day.isoweekday() not in weekdays])


def written(year: int) -> str:
    """A policy file with these calendars. Errors: CalendarNotAnnounced (R-POL-17)."""
    lines = [f"# Working days as {library()} has them; compare them with the announcement.",
             f"title: 工作日历 {year}", "source: 国务院办公厅关于节假日安排的通知", "calendars:"]
    for one in calendars_of(year):
        lines += [f"- calendar: {one.calendar}", f"  weekdays: {_listed(one.weekdays)}",
                  f"  since: {one.since}", f"  until: {one.until}",
                  f"  holidays: {_listed(one.holidays)}", f"  working: {_listed(one.working)}"]
    return "\n".join(lines) + "\n"


def _listed(values: list[str] | list[int]) -> str:
    return f"[{', '.join(map(str, values))}]"
