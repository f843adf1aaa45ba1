"""Periods of reports: from the first instant of a day of the shop to the last one of another."""

import re
from datetime import date, timedelta
from typing import ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from ledger.common.days import SHOP_ZONE, first_day, is_month, last_day
from ledger.common.errors import Invalid
from ledger.common.values import to_us
from projections.asking.clocks import BadTime, end_of_day, moment
from projections.asking.questions import BadMonth, Question

_day = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII).fullmatch


class PeriodReversed(Invalid):
    """The period ends on {until}, before it begins on {since}."""

    code: ClassVar[str] = "period_reversed"
    rule: ClassVar[str] = "R-PRJ-12"


class TwoPeriods(Invalid):
    """A month and a first or last day were both given. Name the month, or the days."""

    code: ClassVar[str] = "two_periods"
    rule: ClassVar[str] = "R-PRJ-27"


class DayNeeded(BadTime):
    """{name} is {text!r}. A period has whole days: name one such as 2026-09-30."""

    code: ClassVar[str] = "day_needed"
    rule: ClassVar[str] = "R-PRJ-28"


class Period(NamedTuple):
    """From when to when, both included. Units: microseconds since 1970; None where it is open.
    `note` says it in words."""

    first: int | None
    last: int | None
    note: str | None = None

    def holds(self, at: int) -> bool:
        """Whether a moment lies in it."""
        return (self.first is None or at >= self.first) and (self.last is None or at <= self.last)


ALWAYS = Period(None, None)


def period_of(question: Question) -> Period:
    """The period that is asked about; `ALWAYS` where none is.

    Errors: BadMonth (R-PRJ-13), BadTime (R-PRJ-03), DayNeeded (R-PRJ-28), PeriodReversed
    (R-PRJ-12), TwoPeriods (R-PRJ-27).
    """
    since, until, month = question.since, question.until, question.month
    if month is not None:
        if since is not None or until is not None:
            raise TwoPeriods
        if not is_month(month):
            raise BadMonth(text=month)
        since, until = first_day(month), last_day(month)
    return period_between(since, until)


def period_between(
    since: str | None, until: str | None, names: tuple[str, str] = ("from", "to")
) -> Period:
    """The period from a day to another one, both included, in which `names` call these; `ALWAYS`
    where there is neither. Errors: BadTime (R-PRJ-03), DayNeeded (R-PRJ-28), PeriodReversed
    (R-PRJ-12)."""
    if since is None and until is None:
        return ALWAYS
    first = None if since is None else _end(names[0], since, before=1) + 1
    last = None if until is None else _end(names[1], until)
    if first is not None and last is not None and last < first:
        raise PeriodReversed(since=since, until=until)
    return Period(first, last, f"from {since or 'the first event'} to {until or 'now'}, "
                               f"both days included, in {SHOP_ZONE}")


def _end(name: str, text: str, *, before: int = 0) -> int:
    """The last microsecond of a day, or of one so many days before it."""
    found = moment(name, text)
    if not _day(text):
        raise DayNeeded(name=name, text=text)
    if not before:
        return found.at_us
    day = date.fromisoformat(text) - timedelta(days=before)
    return to_us(end_of_day(day, ZoneInfo(SHOP_ZONE)))
