"""Times that a policy sets: deadlines, hours and working days, as data."""

from datetime import date
from typing import Annotated

import msgspec

from ledger.common.bounds import AnyInteger, Id, Items, LongText, Name
from ledger.policies.errors import CalendarEnds
from ledger.policies.known_years import how_to_publish
from ledger.policies.sourced import Names, Sourced

DAYS, WORKING_DAYS = "days", "working_days"
UNITS = ("seconds", "minutes", "hours", DAYS, WORKING_DAYS)

DAY_END, SHIFT_END, WEEK_END, MONTH_END, MONTH_DAY = UNTIL = (
    "day_end", "shift_end", "week_end", "month_end", "month_day")
"""The ends that a deadline can run to. A week ends on Friday, else on the last working day before
the holiday that Friday lies in."""

THIS, NEXT = OF = ("this", "next")
"""Which month a day of the month is of: the one in which something starts, or the next."""

STARTS = ("payment", "ready", "arrived", "handed_over", "opened", "recorded", "confirmed", "asked",
          "ended", "shift_start")
"""What a deadline can run from."""

RECORDED, OCCURRED = CLOCKS = ("recorded", "occurred")
"""What decides whether a deadline was kept: when it was recorded, or when it happened."""

CAMPAIGN = "campaign"
SUSPENDING = (CAMPAIGN,)
"""What can suspend a deadline."""


class Limit(Sourced, frozen=True, kw_only=True):
    """Until when something has to be done, counted from its start: `within` so many `unit`s (whole
    days end at `by`, else at the day's end), `by` a time of the day itself, or `until` an end.

    `calendar` names the calendar whose working days count, `hours` the hours in which seconds to
    hours run. `shifts` are those whose end counts (`shift_end`); `day` and `of` say which day of
    which month (`month_day`).
    """

    within: AnyInteger | None = None
    unit: Name | None = None
    by: Name | None = None
    until: Name | None = None
    shifts: Names = []
    day: AnyInteger | None = None
    of: Name | None = None
    calendar: Id | None = None
    hours: Id | None = None


class Deadline(Limit, frozen=True, kw_only=True):
    """The time by which something has to be done.

    What starts at `cutoff` or after it on its day has the limit `later`, and so has what is due at
    the end of a shift on a day without one. `clock` says whether it counts when something was
    recorded or when it happened, and `grace` how long after the limit a fact may be recorded before
    it is called late. `to` are the posts that it concerns.
    """

    deadline: Id
    zh: LongText
    en: LongText
    starts_at: Name
    clock: Name = RECORDED
    cutoff: Name | None = None
    later: Limit | None = None
    grace: Limit | None = None
    suspended_by: Name | None = None
    to: Names = []


class Hours(Sourced, frozen=True, kw_only=True):
    """Hours of the day on some weekdays: those in which somebody is online, and printed shifts.

    Units: times HH:MM, 24:00 included; `weekdays` 1 (Monday) to 7.
    """

    hours: Id
    start: Name
    end: Name
    zh: LongText
    en: LongText
    weekdays: Annotated[list[AnyInteger], Items()] = msgspec.field(
        default_factory=lambda: list(range(1, 8)))


class Calendar(Sourced, frozen=True, kw_only=True):
    """Working days. Units: `weekdays` 1 (Monday) to 7; days as YYYY-MM-DD.

    `holidays` are not worked although their weekday is, `working` are worked although their weekday
    is not. It covers the days from `since` to `until`, both included.
    """

    calendar: Id
    weekdays: Annotated[list[AnyInteger], Items()]
    since: Name
    until: Name
    holidays: Names = []
    working: Names = []

    def covers(self, day: date) -> bool:
        """Whether it says anything of a day."""
        return self.since <= day.isoformat() <= self.until

    def works_on(self, day: date) -> bool:
        """Whether a day is a working day. Errors: CalendarEnds (R-POL-14)."""
        text = day.isoformat()
        if not self.covers(day):
            raise CalendarEnds(calendar=self.calendar, since=self.since, until=self.until, day=text,
                               how=how_to_publish(day.year))
        return text in self.working or (
            day.isoweekday() in self.weekdays and text not in self.holidays)
