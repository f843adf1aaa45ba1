"""What the reports about people hold: a class a row, see `projections.asking.columns`."""

from typing import Annotated

from ledger.people.attendance import KINDS
from ledger.people.member import HALVES, LEAVE_KINDS, LEAVE_STATES
from projections.asking.columns import (
    Clock,
    Columns,
    Day,
    Subject,
    Time,
    Written,
    code,
    says,
)

AttendanceKind = Annotated[str, code(*KINDS)]
Half = Annotated[str, code(*HALVES)]


class OwnShift(Columns):
    """A shift that a member is in."""

    roster: Subject
    shift: str
    start: Clock
    end: Clock
    covers: Subject | None


class StaffRow(Columns):
    """A member on a day."""

    member: Subject
    joined_on: Day
    left_on: Day | None
    here: bool
    posts: list[str]
    supervisor: Subject | None
    on_leave: bool
    half_leave: Annotated[Half | None, says(
        "The half, where the leave is half the day; null otherwise.")]
    shifts: list[OwnShift]
    attendance: list[AttendanceKind]


class ShiftRow(Columns):
    """A shift of a day."""

    roster: Subject
    shift: str
    start: Clock
    end: Clock
    members: Annotated[list[Subject], says("Who is in it, and works here that day.")]
    director: Subject | None
    covered: bool
    absent: list[Subject]
    half_leave: Annotated[list[str], says("Who has leave of half the day, with the half.")]
    overlaps: list[Subject]


class PostTermRow(Columns):
    """Who held a post from when until when."""

    post: str
    member: Subject
    since: Annotated[Day, says("The first day.")]
    until: Day | None


class RosterRow(Columns):
    """A shift that repeats."""

    roster: Subject
    since: Annotated[Day, says("The day from which the pattern is in force.")]
    shift: str
    start: Clock
    end: Clock
    days: Annotated[list[int], says(
        "The weekdays on which it is, 1 is Monday.", "weekdays")]
    members: Annotated[list[Subject], says("Who is in it.")]
    director: Subject | None


class AttendanceRow(Columns):
    """What was recorded of a member's attendance."""

    member: Subject
    day: Day
    kind: Annotated[AttendanceKind, says("What was recorded.")]
    roster: str | None
    shift: str | None
    minutes: int | None
    minutes_early: int | None
    recorded_by: str
    stands: Annotated[bool, says("Whether it stands: it was not corrected.")]
    corrected_by: str | None
    reason: Annotated[Written | None, says("Why it was corrected.")]
    replaced_by: str | None
    off_roster: bool
    number: Annotated[int, says("Its number in the month.")]
    position: int


class LeaveRow(Columns):
    """Leave that was asked for."""

    member: Subject
    number: str
    days: Annotated[list[Day], says("The days of it.", "days_of_leave")]
    halves: dict[str, Half]
    kind: Annotated[str, code(*LEAVE_KINDS), says("Whether it was planned.")]
    state: Annotated[str, code(*LEAVE_STATES)]
    asked_at: Time
    reported_at: Time | None
    decided_by: str | None
    reason: Annotated[Written | None, says("The last reason that was given.")]
    attachments: Written | None
    position: int
