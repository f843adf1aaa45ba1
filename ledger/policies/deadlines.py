"""Until when something has to be done, by a version of the policies: one pure function, `due`.

It knows no clock and reads no log: whoever asks says when it started, what the roster was, what
suspended it, and which days the shop has. The answers are in UTC.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from ledger.common.days import END_OF_DAY, Days
from ledger.common.phrases import Phrase, there_are
from ledger.policies.errors import DeadlineUnknown, NoShiftThere
from ledger.policies.times import (
    DAY_END,
    DAYS,
    MONTH_DAY,
    MONTH_END,
    NEXT,
    OCCURRED,
    SHIFT_END,
    WORKING_DAYS,
    Deadline,
    Limit,
)
from ledger.policies.values import Version

_DAY = timedelta(days=1)


class Turn(NamedTuple):
    """A shift on a day of a roster, from when to when."""

    name: str
    since: datetime
    until: datetime


class Suspension(NamedTuple):
    """A span in which no deadline that `by` suspends runs; its end is not in it."""

    by: str
    since: datetime
    until: datetime


Rota = Callable[[str], Iterable[Turn]]
"""The shifts that begin on a day."""


def due(
    version: Version, name: str, start: datetime, *, days: Days, roster: Rota | None = None,
    suspensions: Iterable[Suspension] = (),
) -> datetime:
    """Until when what starts at a moment has to be done. Without a roster the printed hours count.

    Never before the start. Elapsed time does not run while it is suspended, and a day that is
    suspended in part is not counted. Errors: DeadlineUnknown (R-POL-13), CalendarEnds (R-POL-14),
    NoShiftThere (R-POL-15).
    """
    row = deadline_of(version, name)
    suspending = [one for one in suspensions if one.by == row.suspended_by]
    return _Reckoning(version, row, days, roster=roster, suspensions=suspending).due(start)


def late_from(version: Version, name: str, limit: datetime, *, days: Days) -> datetime:
    """From when a fact that is not recorded may be called late: the limit itself, or what grace
    leaves to record what happened in time. Errors: R-POL-13, R-POL-14."""
    row = deadline_of(version, name)
    if row.clock != OCCURRED or row.grace is None:
        return limit
    return _Reckoning(version, row, days).limit(row.grace, limit)


def deadline_of(version: Version, name: str) -> Deadline:
    """A deadline by its name. Errors: DeadlineUnknown (R-POL-13)."""
    known = {one.deadline: one for one in version.sections.deadlines or ()}
    if name not in known:
        raise DeadlineUnknown(
            version=version.number, name=name, known=there_are(sorted(known)) if known else Phrase(
                "It has no deadlines at all: publish a policy with the section `deadlines` (the "
                "shipped one: `ledger policies publish deadlines --from DAY`)."))
    return known[name]


def printed_shifts(version: Version, days: Days) -> Rota:
    """The hours that a version prints, as a roster."""
    def on(day: str) -> Iterator[Turn]:
        for one in version.sections.hours or ():
            if date.fromisoformat(day).isoweekday() in one.weekdays:
                yield Turn(one.hours, days.at(day, one.start), days.at(day, one.end))
    return on


class _Reckoning:
    """One deadline, reckoned from one start."""

    def __init__(
        self, version: Version, row: Deadline, days: Days, *, roster: Rota | None = None,
        suspensions: Sequence[Suspension] = (),
    ) -> None:
        self.row = row
        self.shop = days
        self.rota = roster or printed_shifts(version, days)
        self.suspensions = suspensions
        self.calendars = {one.calendar: one for one in version.sections.calendars or ()}
        self.hours = {one.hours: one for one in version.sections.hours or ()}

    def due(self, start: datetime) -> datetime:
        """The limit of what starts then, or the later one."""
        row, local = self.row, self.shop.local(start)
        if row.cutoff is not None and row.later is not None and (
                local >= self.shop.at(local.date(), row.cutoff)):
            return self.limit(row.later, start)
        return self.limit(row, start)

    def limit(self, limit: Limit, start: datetime) -> datetime:
        """What a limit comes to. Errors: CalendarEnds (R-POL-14), NoShiftThere (R-POL-15)."""
        today = self.shop.local(start).date()
        if limit.within is not None:
            if limit.unit not in (DAYS, WORKING_DAYS):
                return self._elapsed(limit, start.astimezone(UTC))
            counted = self._days(limit, today + _DAY)
            for _ in range(limit.within - 1):
                next(counted)
            return self.shop.at(next(counted), limit.by or END_OF_DAY)
        if limit.by is not None:
            days = self._days(limit, today)
            return next(at for day in days if (at := self.shop.at(day, limit.by)) >= start)
        return self._until(limit, start, today)

    def _until(self, limit: Limit, start: datetime, today: date) -> datetime:
        if limit.until == SHIFT_END:
            return self._shift_end(limit, start, today)
        if limit.until == DAY_END:
            found = today
        elif limit.until == MONTH_END:
            found = _in_month(today, 31)
        elif limit.until == MONTH_DAY:
            found = _in_month(today, limit.day or 1, later=limit.of == NEXT)
            if found < today:
                found = _in_month(today, limit.day or 1, later=True)
        else:
            found = self._week_end(limit, today)
        return self.shop.at(next(self._unsuspended(found)), END_OF_DAY)

    # -- days -------------------------------------------------------------------------------------

    def _days(self, limit: Limit, first: date) -> Iterator[date]:
        """The days that count, from a first one on."""
        for day in self._unsuspended(first):
            if self._counts(limit, day):
                yield day

    def _counts(self, limit: Limit, day: date) -> bool:
        return limit.calendar is None or self.calendars[limit.calendar].works_on(day)

    def _unsuspended(self, day: date) -> Iterator[date]:
        while True:
            begins, ends = self.shop.at(day, "00:00"), self.shop.at(day, END_OF_DAY)
            if not any(one.since < ends and one.until > begins for one in self.suspensions):
                yield day
            day += _DAY

    def _week_end(self, limit: Limit, today: date) -> date:
        """Friday, else the last working day before it that is not over."""
        monday = today - timedelta(days=today.weekday())
        while True:
            friday = monday + timedelta(days=4)
            first = max(monday, today)
            for back in range((friday - first).days + 1):
                day = friday - timedelta(days=back)
                if self._counts(limit, day):
                    return day
            monday += timedelta(days=7)

    # -- shifts -----------------------------------------------------------------------------------

    def _shift_end(self, limit: Limit, start: datetime, today: date) -> datetime:
        """The end of the shift that is on, the one that ends last, else of the next to begin: that
        day, or the day after it where one shift is named."""
        ahead = 2 if len(limit.shifts) == 1 else 1
        days = (today + timedelta(days=offset) for offset in range(-1, ahead))
        turns = [turn for day in days for turn in self.rota(day.isoformat())
                 if turn.name in limit.shifts and turn.until > start]
        if turns:
            first = max(start, min(turn.since for turn in turns))
            return max(turn.until for turn in turns if turn.since <= first).astimezone(UTC)
        if self.row.later is None:
            raise NoShiftThere(deadline=self.row.deadline, shifts=", ".join(limit.shifts),
                               day=today.isoformat())
        return self.limit(self.row.later, start)

    # -- elapsed time -----------------------------------------------------------------------------

    def _elapsed(self, limit: Limit, at: datetime) -> datetime:
        """Time runs in the hours of the limit, and not while it is suspended."""
        left = timedelta(**{limit.unit or "seconds": limit.within or 0})
        for since, until in self._running(limit, at):
            if until is None or since + left <= until:
                return since + left
            left -= until - since
        raise AssertionError("hours never end")

    def _running(
        self, limit: Limit, at: datetime
    ) -> Iterator[tuple[datetime, datetime | None]]:
        """The spans from a moment on in which time runs; the last has no end."""
        for since, until in self._open(limit, at):
            begin = since
            for one in sorted(self.suspensions, key=lambda one: one.since):
                if one.until <= begin or (until is not None and one.since >= until):
                    continue
                if one.since > begin:
                    yield begin, one.since
                begin = one.until.astimezone(UTC)
            if until is None or begin < until:
                yield begin, until

    def _open(self, limit: Limit, at: datetime) -> Iterator[tuple[datetime, datetime | None]]:
        if limit.hours is None:
            yield at, None
            return
        hours, day = self.hours[limit.hours], self.shop.local(at).date()
        while True:
            since, until = self.shop.at(day, hours.start), self.shop.at(day, hours.end)
            if day.isoweekday() in hours.weekdays and until > at:
                yield max(since, at), until
            day += _DAY


def _in_month(day: date, number: int, *, later: bool = False) -> date:
    """A day of a day's month or of the next by its number; the last day where the month is shorter.
    """
    first = day.replace(day=1)
    if later:
        first = (first + timedelta(days=31)).replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - _DAY
    return first.replace(day=min(number, last.day))
