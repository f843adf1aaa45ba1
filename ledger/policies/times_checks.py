"""What has to be sound of deadlines, hours and calendars before they are published.

A limit that cannot be reckoned is refused: one that says nothing, two things at once, or names what
it does not use.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise

from ledger.common.days import check_day, is_day
from ledger.common.values import Checks, quoted
from ledger.policies.times import (
    CLOCKS,
    DAYS,
    MONTH_DAY,
    OCCURRED,
    OF,
    SHIFT_END,
    STARTS,
    SUSPENDING,
    UNITS,
    UNTIL,
    WEEK_END,
    WORKING_DAYS,
    Calendar,
    Deadline,
    Hours,
    Limit,
)

_TIME = re.compile("([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
MOST_WITHIN = 100_000
"""Of the largest unit that is more than two centuries."""


class TimesChecks:
    """The checks of times, with the calendars and the names of hours and posts that are known."""

    def __init__(
        self, checks: Checks, calendars: Mapping[str, Calendar], hours: Collection[str],
        posts: Collection[str],
    ) -> None:
        self.checks = checks
        self.calendars = calendars
        self.known_hours = hours
        self.posts = posts

    def deadline(self, at: str, one: Deadline) -> None:
        """A deadline, with its other limits."""
        self._limit(at, one)
        self._one_of(f"{at}/starts_at", one.starts_at, STARTS)
        self._one_of(f"{at}/clock", one.clock, CLOCKS)
        if one.suspended_by is not None:
            self._one_of(f"{at}/suspended_by", one.suspended_by, SUSPENDING)
        if one.cutoff is not None:
            self._time(f"{at}/cutoff", one.cutoff)
        self._posts(f"{at}/to", one.to)
        self._others(at, one)

    def _others(self, at: str, one: Deadline) -> None:
        if one.cutoff is not None and one.later is None:
            self._fault(f"{at}/later", "missing", f"{one.deadline} has a cutoff: say which limit "
                                                  "holds for what starts after it")
        if one.later is not None:
            self._limit(f"{at}/later", one.later)
            if one.cutoff is None and one.until != SHIFT_END:
                self._fault(f"{at}/later", "unused", "is read only with a cutoff, or where a shift "
                                                     "is missing")
            if one.later.until == SHIFT_END:
                self._fault(f"{at}/later/until", "mixed", "cannot be the end of a shift: it holds "
                                                          "where there is none")
        if one.grace is not None:
            self._limit(f"{at}/grace", one.grace)
            if one.clock != OCCURRED:
                self._fault(f"{at}/grace", "unused", f"is read only where the clock is {OCCURRED}")

    def _limit(self, at: str, one: Limit) -> None:
        said = [name for name in ("within", "until") if getattr(one, name) is not None]
        if not said and one.by is None:
            self._fault(at, "empty", "says no limit: within, by or until")
        if len(said) > 1 or (one.until is not None and one.by is not None):
            self._fault(at, "mixed", "says more than one limit: within (whole days may have a by), "
                                     "by, or until")
        if one.within is not None:
            self.checks.integer(f"{at}/within", one.within, least=1, most=MOST_WITHIN)
            self._one_of(f"{at}/unit", one.unit or "", UNITS)
        if one.by is not None:
            self._time(f"{at}/by", one.by)
        if one.until is not None:
            self._one_of(f"{at}/until", one.until, UNTIL)
        self._end(at, one)
        self._unused(at, one)

    def _end(self, at: str, one: Limit) -> None:
        """What the end of a shift, of a week or a day of a month needs."""
        if one.until == MONTH_DAY:
            if one.day is None:
                self._fault(f"{at}/day", "missing", "is needed: which day of the month, 1 to 31")
            else:
                self.checks.integer(f"{at}/day", one.day, least=1, most=31)
            self._one_of(f"{at}/of", one.of or "", OF)
        if one.until == SHIFT_END and not one.shifts:
            self._fault(f"{at}/shifts", "missing", "is needed: the shifts whose end counts")
        for name in one.shifts:
            self._one_of(f"{at}/shifts", name, self.known_hours)
        if one.calendar is not None:
            self._one_of(f"{at}/calendar", one.calendar, self.calendars)
        elif one.unit == WORKING_DAYS or one.until == WEEK_END:
            self._fault(f"{at}/calendar", "missing", "is needed: whose working days count")
        if one.until == WEEK_END and (calendar := self.calendars.get(one.calendar or "")) and (
                not set(calendar.weekdays) & set(range(1, 6))):
            self._fault(f"{at}/calendar", "no_week", "has no working day from Monday to Friday")
        if one.hours is not None:
            self._one_of(f"{at}/hours", one.hours, self.known_hours)

    def _unused(self, at: str, one: Limit) -> None:
        """What a limit of this kind does not read."""
        whole = one.unit in (DAYS, WORKING_DAYS)
        elapsed = one.within is not None and not whole
        read = {
            "unit": one.within is not None,
            "by": one.within is None or whole,
            "shifts": one.until == SHIFT_END,
            "day": one.until == MONTH_DAY,
            "of": one.until == MONTH_DAY,
            "calendar": one.unit == WORKING_DAYS or one.until == WEEK_END or (
                one.within is None and one.until is None),
            "hours": elapsed,
        }
        for name, is_read in read.items():
            if getattr(one, name) not in (None, []) and not is_read:
                self._fault(f"{at}/{name}", "unused", "is not read by a limit of this kind")

    def hours(self, at: str, one: Hours) -> None:
        """Hours of some weekdays."""
        self._time(f"{at}/start", one.start)
        self._time(f"{at}/end", one.end)
        if one.end <= one.start:
            self._fault(f"{at}/end", "not_ordered", f"{one.end} is not after {one.start}")
        self._weekdays(at, one.weekdays)

    def calendar(self, at: str, calendar: Calendar) -> None:
        """A calendar, with every day that it moves."""
        for name in ("since", "until"):
            check_day(self.checks, f"{at}/{name}", getattr(calendar, name))
        if calendar.since > calendar.until:
            self._fault(f"{at}/until", "not_ordered", "ends before it begins")
        self._weekdays(at, calendar.weekdays)
        for name in ("holidays", "working"):
            days = getattr(calendar, name)
            for index, day in enumerate(days):
                where = f"{at}/{name}/{index}"
                check_day(self.checks, where, day)
                if is_day(day) and not calendar.since <= day <= calendar.until:
                    self._fault(where, "outside",
                                f"{day} is outside {calendar.since} to {calendar.until}")
            for day, other in pairwise(sorted(days)):
                if day == other:
                    self._fault(f"{at}/{name}", "twice", f"{day} is in it twice")
        for day in sorted(set(calendar.holidays) & set(calendar.working)):
            self._fault(f"{at}/working", "twice", f"{day} is a holiday and a working day")

    # -- values -----------------------------------------------------------------------------------

    def _weekdays(self, at: str, weekdays: list[int]) -> None:
        if not weekdays:
            self._fault(f"{at}/weekdays", "empty", "names no day of the week")
        for index, weekday in enumerate(weekdays):
            self.checks.integer(f"{at}/weekdays/{index}", weekday, least=1, most=7)

    def _time(self, where: str, text: str) -> None:
        if not _TIME.fullmatch(text):
            self._fault(where, "not_time", f"is {quoted(text)}, not a time such as 18:00")

    def _posts(self, where: str, posts: Iterable[str]) -> None:
        for post in posts:
            if post not in self.posts:
                self._fault(where, "unknown_post", f"{quoted(post)} is not a post")

    def _one_of(self, where: str, value: str, known: Collection[str]) -> None:
        if value not in known:
            self._fault(where, "unknown",
                        f"is {quoted(value)}, not one of {', '.join(sorted(known))}")

    def _fault(self, where: str, code: str, message: str) -> None:
        self.checks.fault(where, code, message)
