"""Rosters: who is on shift, by weekday and by day. Shifts may overlap, and end at 24:00 or later:
a shift whose end is before its start ends on the next day, and belongs to the day it began.

A shift that nobody covers is reported, never refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar, NamedTuple

import msgspec

from ledger.common.bounds import Day, Id, Items, MemberId, Name, Reason, TimeOfDay, Whole
from ledger.common.days import day_after
from ledger.common.phrases import there_are
from ledger.common.values import Checks, subject
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import OnStream
from ledger.people.errors import NotOnShift, OnShiftAlready, ShiftUnknown

MAX_SHIFTS = 50
MAX_MEMBERS = 200


class Shift(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
            forbid_unknown_fields=True):
    """A shift. Units: times HH:MM, 24:00 included as an end; weekdays 1 (Monday) to 7.

    An `end` before the `start` is one of the next day: 22:00–06:00 is one shift, of the day on
    which it begins. `director` is who is in charge of a weekend duty.
    """

    name: Name
    start: TimeOfDay
    end: TimeOfDay
    members: Annotated[list[MemberId], Items(most=MAX_MEMBERS)] = []
    days: Annotated[list[Annotated[int, Whole(least=1, most=7)]], Items(most=7)] = msgspec.field(
        default_factory=lambda: list(range(1, 8)))
    director: MemberId | None = None

    @property
    def crosses(self) -> bool:
        """Whether it ends on the day after the one on which it begins."""
        return self.end < self.start

    def covers(self, time: str) -> bool:
        """Whether a time of the day on which it begins lies in it; its end does not."""
        return self.start <= time and (self.crosses or time < self.end)

    def reaches(self, time: str) -> bool:
        """Whether a time of the day after the one on which it begins lies in it."""
        return self.crosses and time < self.end

    def overlaps(self, other: "Shift") -> bool:
        """Whether two shifts that begin on the same day have a moment in common."""
        return self.start < other.span_end and other.start < self.span_end

    @property
    def span_end(self) -> str:
        """Its end as hours of the day on which it begins, such as 30:00 for 06:00 of the next."""
        hours, _, minutes = self.end.partition(":")
        return f"{int(hours) + 24}:{minutes}" if self.crosses else self.end

    @property
    def shown(self) -> str:
        """Its name and times, for people."""
        return f"{self.name} {self.start}–{self.end}"


class Seat(NamedTuple):
    """Who is planned for a shift, and who is in it: somebody else where a cover is arranged."""

    planned: str
    actual: str


class Roster(Aggregate):
    """A roster, usually of a post; its stream is `roster:<name>`."""

    KIND = "roster"

    def begin(self) -> None:
        """Nobody is on shift."""
        self.patterns: tuple[tuple[str, tuple[Shift, ...]], ...] = ()
        self.single: Mapping[str, tuple[Shift, ...]] = {}
        self.covers: Mapping[str, tuple[tuple[str, str, str], ...]] = {}

    class PatternSet(Aggregate.Event):
        """These shifts repeat by weekday, from a day on."""

        TOPIC = "roster.pattern_set.v1"
        since: str
        shifts: list[Shift]

        def about(self) -> list[str]:
            """The members."""
            return members_of(self.shifts)

    class DaySet(Aggregate.Event):
        """One day has shifts of its own; none on a holiday."""

        TOPIC = "roster.day_set.v1"
        day: str
        shifts: list[Shift]
        reason: str | None = None

        def about(self) -> list[str]:
            """The members."""
            return members_of(self.shifts)

    class CoverArranged(Aggregate.Event):
        """Somebody stands in for somebody else."""

        TOPIC = "roster.cover_arranged.v1"
        day: str
        shift: str
        absent: str
        cover: str
        reason: str | None = None

        def about(self) -> list[str]:
            """Both members."""
            return [self.absent, self.cover]

    @event(PatternSet)
    def _pattern_set(self, since, shifts):
        self.patterns = (*self.patterns, (since, tuple(shifts)))

    @event(DaySet)
    def _day_set(self, day, shifts):
        self.single = {**self.single, day: tuple(shifts)}

    @event(CoverArranged)
    def _cover_arranged(self, day, shift, absent, cover):
        known = self.covers.get(day, ())
        self.covers = {**self.covers, day: (*known, (shift, absent, cover))}

    def members(self) -> set[str]:
        """Whoever it ever planned, or lets stand in."""
        shifts = [*(one for _, pattern in self.patterns for one in pattern),
                  *(one for day in self.single.values() for one in day)]
        return members_in(shifts) | {cover for day in self.covers.values() for *_, cover in day}

    @property
    def name(self) -> str:
        """Its name."""
        return self.id.partition(":")[2]

    def on(self, day: str) -> list[Shift]:
        """The shifts of a day, with those who stand in for others."""
        return [msgspec.structs.replace(shift, members=[seat.actual for seat in seats])
                for shift, seats in self.seats(day)]

    def seats(self, day: str) -> list[tuple[Shift, list[Seat]]]:
        """The shifts of a day as planned, each with who is in it."""
        return [(shift, self._seats(day, shift)) for shift in self._planned(day)]

    def _planned(self, day: str) -> Iterable[Shift]:
        if day in self.single:
            return self.single[day]
        weekday = date.fromisoformat(day).isoweekday()
        return [shift for shift in self.repeating(day) if weekday in shift.days]

    def repeating(self, day: str) -> Sequence[Shift]:
        """The shifts of the pattern in force on a day, whatever its weekday."""
        begun = [(since, number, shifts) for number, (since, shifts) in enumerate(self.patterns)
                 if since <= day]
        # of several that begin on the same day, the one set last
        return max(begun, key=lambda one: one[:2])[2] if begun else ()

    def _seats(self, day: str, shift: Shift) -> list[Seat]:
        """Who is in a shift. Covers apply in turn: whoever stands in may be stood in for too."""
        actual = list(shift.members)
        for name, absent, cover in self.covers.get(day, ()):
            if name == shift.name and absent in actual:
                actual[actual.index(absent)] = cover
        return list(map(Seat, shift.members, actual))

    def on_shift(self, day: str, time: str) -> list[str]:
        """Who is on shift at a time, HH:MM, of a day; sorted. Right after midnight these are those
        whose shift began the day before."""
        there = [shift for shift in self.on(day) if shift.covers(time)]
        there += [shift for shift in self.on(day_after(day, -1)) if shift.reaches(time)]
        return sorted({member for shift in there for member in shift.members})

    def begun_on(self, member: str, day: str, time: str) -> list[str]:
        """The days on which the shifts began that a member is in at a time of a day: that day, and
        right after midnight the day before."""
        before = day_after(day, -1)
        return [begun for begun, is_now in ((day, Shift.covers), (before, Shift.reaches))
                if any(member in shift.members and is_now(shift, time)
                       for shift in self.on(begun))]

    def plans(self, member: str, day: str) -> bool:
        """Whether a member is in it on a day: in the pattern in force, on whatever weekday, or in
        the shifts of that day."""
        return member in members_in(self.repeating(day)) or bool(self.shifts_of(member, day))

    def shifts_of(self, member: str, day: str) -> list[Shift]:
        """The shifts of a day that a member is planned for, or stands in for somebody."""
        return [shift for shift, seats in self.seats(day) if any(member in seat for seat in seats)]

    def planned_about(self, day: str) -> set[str]:
        """Whom the pattern in force on a day plans, on whatever weekday, and whom days of the same
        week do that have shifts of their own."""
        week = _week_of(day)
        single = [shifts for one, shifts in self.single.items() if _week_of(one) == week]
        return members_in(shift for shifts in (self.repeating(day), *single) for shift in shifts)

    def set_pattern(self, since: str, shifts: list[Shift], *, occurred_at: datetime) -> None:
        """Let shifts repeat."""
        if (since, tuple(shifts)) not in self.patterns[-1:]:
            self._pattern_set(since=since, shifts=shifts, occurred_at=occurred_at)

    def set_day(
        self, day: str, shifts: list[Shift], reason: str | None, *, occurred_at: datetime
    ) -> None:
        """Give a day shifts of its own."""
        if self.single.get(day) != tuple(shifts):
            self._day_set(day=day, shifts=shifts, reason=reason, occurred_at=occurred_at)

    def arrange_cover(self, facts: Mapping[str, str | None], *, occurred_at: datetime) -> None:
        """Errors: ShiftUnknown (R-ROS-01), NotOnShift (R-ROS-02), OnShiftAlready (R-ROS-03)."""
        day, name, absent = str(facts["day"]), str(facts["shift"]), str(facts["absent"])
        if (name, absent, facts["cover"]) in self.covers.get(day, ()):
            return
        shifts = {shift.name: shift for shift in self.on(day)}
        if name not in shifts:
            raise ShiftUnknown(roster=self.id, shift=name, day=day,
                               known=there_are(shifts))
        if absent not in shifts[name].members:
            raise NotOnShift(member=absent, shift=name, roster=self.id, day=day)
        if facts["cover"] in shifts[name].members:
            raise OnShiftAlready(member=facts["cover"], shift=name, roster=self.id, day=day)
        self._cover_arranged(**facts, occurred_at=occurred_at)


def _week_of(day: str) -> tuple[int, int]:
    return date.fromisoformat(day).isocalendar()[:2]


def members_in(shifts: Iterable[Shift]) -> set[str]:
    """Whoever works in some shifts; who directs them, does not."""
    return {member for shift in shifts for member in shift.members}


def members_of(shifts: Iterable[Shift]) -> list[str]:
    """The members and directors of some shifts, each once."""
    return list(dict.fromkeys(
        who for shift in shifts for who in (*shift.members, shift.director) if who))


# -- commands -------------------------------------------------------------------------------------


class _OnRoster(OnStream, frozen=True, kw_only=True):
    """A command on a roster."""

    AGGREGATE = Roster
    roster: Id

    @property
    def subject(self) -> str:
        """The roster's stream."""
        return subject("roster", self.roster)


Shifts = Annotated[list[Shift], Items(most=MAX_SHIFTS)]


def _check_shifts(checks: Checks, shifts: Sequence[Shift]) -> None:
    seen: set[str] = set()
    for index, shift in enumerate(shifts):
        at = f"/shifts/{index}"
        if shift.name in seen:
            checks.fault(f"{at}/name", "twice", f"{shift.name} is the name of another shift")
        seen.add(shift.name)
        if shift.start == "24:00" or shift.end == shift.start:
            checks.fault(f"{at}/end", "not_ordered", f"{shift.end} leaves no time after "
                         f"{shift.start}; a whole day is 00:00 to 24:00")
        if len(set(shift.members)) < len(shift.members):
            checks.fault(f"{at}/members", "twice", "names one of them twice")


class SetRoster(_OnRoster, frozen=True, kw_only=True):
    """Let shifts repeat by weekday, from a day on."""

    NAME: ClassVar[str] = "roster.set_pattern"
    since: Day
    shifts: Shifts

    def check(self, checks: Checks) -> None:
        _check_shifts(checks, self.shifts)


class SetRosterDay(_OnRoster, frozen=True, kw_only=True):
    """Give a day shifts of its own; none, if nobody works."""

    NAME: ClassVar[str] = "roster.set_day"
    day: Day
    shifts: Shifts
    reason: Reason | None = None

    def check(self, checks: Checks) -> None:
        _check_shifts(checks, self.shifts)


class ArrangeCover(_OnRoster, frozen=True, kw_only=True):
    """Let somebody stand in for somebody else in a shift of a day."""

    NAME: ClassVar[str] = "roster.arrange_cover"
    day: Day
    shift: Name
    absent: MemberId
    cover: MemberId
    reason: Reason | None = None
