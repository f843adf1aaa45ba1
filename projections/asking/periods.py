"""Periods of reports: from the first instant of a day of the shop to the last one of another."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from ledger.common.days import Days, first_day, has_an_end, last_day
from ledger.common.errors import Unanswerable
from ledger.common.phrases import Phrase
from projections.asking.clocks import BadTime, EndOfDay, parsed
from projections.asking.questions import BadMonth, Question


class PeriodReversed(Unanswerable):
    """The period ends on {until}, before it begins on {since}."""

    code: ClassVar[str] = "period_reversed"
    rule: ClassVar[str] = "R-PRJ-12"


class TwoPeriods(Unanswerable):
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


    def and_(self, other: "Period") -> "Period":
        """What lies in both."""
        first = [one for one in (self.first, other.first) if one is not None]
        last = [one for one in (self.last, other.last) if one is not None]
        return Period(max(first, default=None), min(last, default=None), self.note)


ALWAYS = Period(None, None)


def period_of(question: Question, days: Days) -> Period:
    """The period that is asked about in a shop; `ALWAYS` where none is.

    Errors: BadMonth (R-PRJ-13), DayNeeded (R-PRJ-28), PeriodReversed (R-PRJ-12), TwoPeriods
    (R-PRJ-27).
    """
    since, until, month = question.since, question.until, question.month
    if month is not None:
        if since is not None or until is not None:
            raise TwoPeriods
        if not has_an_end(month):
            raise BadMonth(text=month)
        since, until = first_day(month), last_day(month)
    return period_between(since, until, days=days)


def period_between(
    since: str | None, until: str | None, names: tuple[str, str] = ("from", "to"), *, days: Days
) -> Period:
    """The period from a day of a shop to another one, both included, in which `names` call these;
    `ALWAYS` where there is neither. Errors: DayNeeded (R-PRJ-28), PeriodReversed (R-PRJ-12)."""
    if since is None and until is None:
        return ALWAYS
    first = None if since is None else _us(names[0], since, days.begin_of)
    last = None if until is None else _us(names[1], until, days.end_of)
    if first is not None and last is not None and last < first:
        raise PeriodReversed(since=since, until=until)
    return Period(first, last, Phrase(
        "from {since} to {until}, both days included, in {zone}",
        since=since or Phrase("the first event"), until=until or Phrase("now"), zone=days.zone))


def _us(name: str, text: str, of: Callable[[str], int]) -> int:
    """The first or the last microsecond of a day. Errors: DayNeeded (R-PRJ-28)."""
    try:
        if isinstance(parsed(name, text), EndOfDay):
            return of(text)
    except (BadTime, ValueError, OverflowError):
        pass
    raise DayNeeded(name=name, text=text)
