"""On which days and in which shifts a member works: by the rosters, else by the calendar.

A member whom a roster plans works in the shifts that it plans. Whom none plans works on the working
days of the calendar in force; where no calendar is published, on every day, as the sources print
it. Source: docs/adr/0036-attendance-is-held-against-the-roster.md.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from ledger.core.commands import Work
from ledger.people.errors import (
    NoShiftThen,
    NotTheirShift,
    NoWorkingDay,
    ShiftNeeded,
)
from ledger.people.member import AM, HALVES, NOON, PM
from ledger.people.rosters import Roster, Shift
from ledger.policies.book import policy_on
from ledger.policies.times import Calendar
from ledger.policies.values import Version


class Duty(NamedTuple):
    """A shift of a roster; `roster` is its name."""

    roster: str
    shift: Shift

    @property
    def shown(self) -> str:
        """The roster and the shift, for people."""
        return f"{self.roster} {self.shift.shown}"


class Duties:
    """All rosters, as they stand in the work of one command."""

    def __init__(self, work: Work, *also: Roster) -> None:
        names = [name for part in work.streams_of(Roster.KIND) for name in part]
        work.fetch([(Roster, name) for name in names])
        found: dict[str, Roster] = {name: work.load(Roster, name) for name in names}
        self.rosters = [one for _, one in sorted((found | {one.id: one for one in also}).items())]

    def planning(self, member: str, day: str) -> list[Roster]:
        """The rosters that plan a member on a day."""
        return [one for one in self.rosters if one.plans(member, day)]

    def of(self, member: str, day: str) -> list[Duty]:
        """The shifts of a member that begin on a day, by their start."""
        return shifts_in(self.planning(member, day), member, day)


def halves_of(duties: Sequence[Duty], roster: str | None, shift: str | None) -> set[str]:
    """The halves of a day in which a shift of it lies, or all of them where none is named. The
    small hours of a shift that ends on the next day are of its second half; whoever is in no such
    shift works all day."""
    meant = [one.shift for one in duties if shift in (None, one.shift.name)
             and roster in (None, one.roster)]
    found = {AM for one in meant if one.start < NOON}
    found |= {PM for one in meant if one.crosses or one.end > NOON}
    return found or {*HALVES}


def shifts_in(rosters: Sequence[Roster], member: str, day: str) -> list[Duty]:
    """The shifts of a member that begin on a day, by their start."""
    found = [Duty(roster.name, shift) for roster in rosters
             for shift in roster.shifts_of(member, day)]
    return sorted(found, key=lambda duty: (duty.shift.start, duty.roster, duty.shift.name))


def calendar_of(version: Version) -> Calendar | None:
    """The calendar of whoever is on no roster, which is the first one of the policy; None where
    none is published."""
    return next(iter(version.sections.calendars or ()), None)


def works_on(work: Work, duties: Duties, member: str, day: str) -> bool:
    """Whether a day is a working day of a member. Errors: CalendarEnds (R-POL-14)."""
    if duties.planning(member, day):
        return bool(duties.of(member, day))
    calendar = calendar_of(policy_on(work, day))
    return calendar is None or calendar.works_on(date.fromisoformat(day))


def shift_meant(
    work: Work, member: str, day: str, *, roster: str | None, shift: str | None
) -> tuple[str | None, str | None]:
    """The roster and the shift that a fact of attendance is about: the one that it names, or the
    only one of the day. Whoever is on no roster names any shift, or none.

    Errors: NoShiftThen (R-ROS-04), NotTheirShift (R-ROS-05), ShiftNeeded (R-ROS-06), NoWorkingDay
    (R-ROS-07), CalendarEnds (R-POL-14).
    """
    duties = Duties(work)
    planning = duties.planning(member, day)
    if not planning:
        if roster is not None:
            raise NotTheirShift(member=member, day=day, shift=f"{roster} {shift or ''}".strip(),
                                own="-")
        calendar = calendar_of(policy_on(work, day))
        if calendar is not None and not calendar.works_on(date.fromisoformat(day)):
            raise NoWorkingDay(member=member, day=day, calendar=calendar.calendar)
        return None, shift
    own = duties.of(member, day)
    if not own:
        there = [Duty(one.name, shift).shown for one in planning for shift in one.on(day)]
        raise NoShiftThen(member=member, day=day, known="; ".join(there) or "-")
    meant = [duty for duty in own if roster in (None, duty.roster)
             and shift in (None, duty.shift.name)]
    shown = "; ".join(duty.shown for duty in own)
    if not meant:
        raise NotTheirShift(member=member, day=day, own=shown,
                            shift=" ".join(filter(None, (roster, shift))))
    if len(meant) > 1:
        raise ShiftNeeded(member=member, day=day, own=shown)
    return meant[0].roster, meant[0].shift.name
