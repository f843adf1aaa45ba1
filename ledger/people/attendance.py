"""Attendance of a member in a month, and the shifts that the member handed over.

Each month has a stream of its own, so that no stream grows for ever.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

from ledger.common.bounds import Words
from ledger.common.personal import Personal, Plain
from ledger.common.values import subject
from ledger.core.aggregate import Aggregate, event
from ledger.people.errors import (
    AttendanceCorrected,
    AttendanceUnknown,
    AttendedAlready,
    HandedOverAlready,
)
from ledger.policies.values import ABSENT, ATTENDANCE, LEAVE

PRESENT, LATE, LEFT_EARLY, BOTH = "present", "late", "left_early", "late_and_left_early"
OUTCOMES = (PRESENT, LATE, LEFT_EARLY, BOTH, ABSENT)
"""How a shift ended for a member: one of these, once."""

KINDS = (*OUTCOMES, *(kind for kind in ATTENDANCE if kind not in (*OUTCOMES, LEAVE)))
"""Kinds of attendance that are recorded; days of leave come from approved leave. Those that are no
outcome of a shift are about meetings, each on its own."""

EXCUSED = "meeting_excused"
"""Who is excused from a meeting was neither late for it nor left it early."""


def attendance_of(member: str, month: str) -> str:
    """The stream of a member's attendance in a month. `member` is the member's stream."""
    return subject("attendance", member.partition(":")[2], month)


class Attended(NamedTuple):
    """A fact of attendance; it stands unless it was corrected. `number` counts those of the month.

    `roster` and `shift` name the shift, or `shift` the meeting; a day with one shift needs neither.
    """

    number: int
    day: str
    kind: str
    shift: str | None = None
    stands: bool = True
    roster: str | None = None

    def excludes(self, kind: str, roster: str | None, shift: str | None) -> bool:
        """Whether another fact of the day cannot stand beside it: a second outcome of the shift, or
        the same about a meeting. A fact of the whole day is one of every shift."""
        if (self.kind in OUTCOMES) != (kind in OUTCOMES):
            return False
        if kind in OUTCOMES:
            return None in (self.shift, shift) or (
                self.shift == shift and (None in (self.roster, roster) or self.roster == roster))
        return self.shift == shift and (self.kind == kind or EXCUSED in (self.kind, kind))


class HandedOver(NamedTuple):
    """A shift of which the note for the next one is written."""

    day: str
    shift: str
    roster: str | None = None

    def is_of(self, other: "HandedOver") -> bool:
        """Whether both are of one shift; who names no roster may mean that of the other."""
        return self[:2] == other[:2] and (
            None in (self.roster, other.roster) or self.roster == other.roster)


class Attendance(Aggregate):
    """A member's attendance in a month; its stream is `attendance:<member>:<YYYY-MM>`."""

    KIND = "attendance"

    def begin(self) -> None:
        """Nothing is recorded."""
        self.attended: tuple[Attended, ...] = ()
        self.handed_over: tuple[HandedOver, ...] = ()

    class Recorded(Aggregate.Event):
        """Whether the member was there, and on time. `number` counts the facts of the month.

        Units: `minutes` late, or early where that is the outcome; `minutes_early` where both are.
        """

        TOPIC = "attendance.recorded.v1"
        member: str
        number: int
        day: str
        kind: Annotated[str, Words(*KINDS)]
        recorded_by: str
        shift: str | None = None
        minutes: int | None = None
        minutes_early: int | None = None
        roster: str | None = None
        note: Personal | None = None

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    class Corrected(Aggregate.Event):
        """What was recorded under this number did not happen."""

        TOPIC = "attendance.corrected.v1"
        member: str
        number: int
        corrected_by: str
        reason: Personal | None = None

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    class ShiftHandedOver(Aggregate.Event):
        """The member left a written note on how things stand to whoever takes over."""

        TOPIC = "attendance.shift_handed_over.v1"
        member: str
        day: str
        shift: str
        note: str
        recorded_by: str
        to_member: str | None = None
        roster: str | None = None

        def about(self) -> list[str]:
            """The member, and whoever takes over."""
            return [self.member] if self.to_member is None else [self.member, self.to_member]

    @event(Recorded)
    def _recorded(self, number, day, kind, shift, roster):
        self.attended = (*self.attended, Attended(number, day, kind, shift, roster=roster))

    @event(Corrected)
    def _corrected(self, number):
        self.attended = tuple(one._replace(stands=False) if one.number == number else one
                              for one in self.attended)

    @event(ShiftHandedOver)
    def _shift_handed_over(self, day, shift, roster):
        self.handed_over = (*self.handed_over, HandedOver(day, shift, roster))

    @property
    def month(self) -> str:
        """Its month."""
        return self.id.rpartition(":")[2]

    def standing(self, day: str) -> list[Attended]:
        """The facts of a day that were not corrected."""
        return [one for one in self.attended if one.day == day and one.stands]

    def record(
        self, member: str, facts: Mapping[str, str | int | Plain | None], by: str, *,
        occurred_at: datetime,
    ) -> int:
        """The number of the new fact. A shift has one outcome.

        Errors: AttendedAlready (R-PPL-25).
        """
        day, kind = str(facts["day"]), str(facts["kind"])
        roster, shift = (None if facts[name] is None else str(facts[name])
                         for name in ("roster", "shift"))
        for one in self.standing(day):
            if one.excludes(kind, roster, shift):
                raise AttendedAlready(member=member, kind=one.kind, day=day, number=one.number,
                                      shift=one.shift or "-")
        number = len(self.attended) + 1
        self._recorded(**facts, member=member, number=number, recorded_by=by,
                       occurred_at=occurred_at)
        return number

    def day_of(self, number: int) -> str | None:
        """The day of a fact, whether it stands or not; None where there is none."""
        return next((one.day for one in self.attended if one.number == number), None)

    def known(self, member: str, number: int) -> Attended:
        """A fact that stands. Errors: AttendanceUnknown (R-PPL-12), AttendanceCorrected
        (R-PPL-24)."""
        found = next((one for one in self.attended if one.number == number), None)
        if found is None:
            raise AttendanceUnknown(member=member, number=number, month=self.month)
        if not found.stands:
            raise AttendanceCorrected(member=member, number=number, month=self.month)
        return found

    def correct(
        self, member: str, number: int, reason: Plain, by: str, *, occurred_at: datetime
    ) -> None:
        """Record that a fact did not happen. Errors: R-PPL-12, R-PPL-24."""
        self.known(member, number)
        self._corrected(member=member, number=number, reason=reason, corrected_by=by,
                        occurred_at=occurred_at)

    def hand_over(
        self, member: str, facts: Mapping[str, str | None], by: str, *, occurred_at: datetime
    ) -> None:
        """Record the note left at the end of a shift, once a shift. Errors: HandedOverAlready
        (R-PPL-27)."""
        new = HandedOver(str(facts["day"]), str(facts["shift"]), facts["roster"])
        if any(one.is_of(new) for one in self.handed_over):
            raise HandedOverAlready(member=member, shift=new.shift, day=new.day)
        self._shift_handed_over(**facts, member=member, recorded_by=by, occurred_at=occurred_at)
