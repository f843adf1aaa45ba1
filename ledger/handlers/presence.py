"""Handlers for shifts, attendance and leave.

Where a rule counts attendance or leave, the points are charged by the command that records it; and
by one that changes a roster, where that makes a day of leave a working day, or none.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from ledger.common.days import day_after, last_day, month_of
from ledger.common.personal import Plain
from ledger.common.phrases import Phrase
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.people.attendance import OUTCOMES, Attendance, attendance_of
from ledger.people.authority import (
    must_be_member,
    must_head,
    must_plan,
    must_speak_for,
    person_of_member,
    signed_on,
)
from ledger.people.commands import (
    ApproveLeave,
    CorrectAttendance,
    HandOverShift,
    RecordAttendance,
    RefuseLeave,
    RequestLeave,
    WithdrawLeave,
)
from ledger.people.duty import Duties, shift_meant
from ledger.people.errors import (
    AttendanceAhead,
    AttendedOtherwise,
    NotTheHead,
    TakerNotHere,
)
from ledger.people.member import APPROVED, REQUESTED, UNFORESEEN, Leave, Member
from ledger.people.rosters import (
    ArrangeCover,
    Roster,
    SetRoster,
    SetRosterDay,
    Shift,
    members_in,
    members_of,
)
from ledger.policies.values import ABSENT
from ledger.scores.books import Books
from ledger.scores.computed import settle


def _noted(member: str, work: Work, text: str | None, *beside: Aggregate) -> Plain | None:
    """What was written about a member, on its way into an event; None where nothing was. Errors:
    PersonLost (R-KEY-06)."""
    return None if text is None else _written(member, work, text, *beside)


def _written(member: str, work: Work, text: str, *beside: Aggregate) -> Plain:
    return Plain(person_of_member(work, member, *beside), text)


# -- rosters --------------------------------------------------------------------------------------


def set_roster(command: SetRoster, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, R-PPL-13, R-PPL-15, R-PPL-19, R-POL-14."""
    roster: Roster = work.load(Roster, command.subject)
    _must_plan_instead(work, command.shifts, command.since, roster.repeating(command.since))
    roster.set_pattern(command.since, command.shifts, occurred_at=command.occurred_at)
    return [roster, *_settled(work, command, roster, roster.members(), since=command.since)]


def set_roster_day(command: SetRosterDay, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, R-PPL-13, R-PPL-15, R-PPL-19, R-POL-14."""
    roster: Roster = work.load(Roster, command.subject)
    _must_plan_instead(work, command.shifts, command.day, roster.on(command.day))
    members = roster.members()
    roster.set_day(command.day, command.shifts, command.reason, occurred_at=command.occurred_at)
    return [roster, *_settled(work, command, roster, members | roster.members(),
                              since=command.day, until=command.day)]


def arrange_cover(command: ArrangeCover, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, R-PPL-13, R-PPL-15, R-PPL-19, R-ROS-01 to R-ROS-03, R-POL-14.
    """
    must_plan(work, [command.absent, command.cover], command.day)
    _must_be_here(work, [command.cover], command.day)
    roster: Roster = work.load(Roster, command.subject)
    roster.arrange_cover(
        {"day": command.day, "shift": command.shift, "absent": command.absent,
         "cover": command.cover, "reason": command.reason}, occurred_at=command.occurred_at)
    return [roster, *_settled(work, command, roster, {command.absent, command.cover},
                              since=command.day, until=command.day)]


def _must_plan_instead(
    work: Work, shifts: Sequence[Shift], day: str, before: Sequence[Shift]
) -> None:
    """Who plans may plan for everybody in the new shifts, and for those whom they take out of the
    shifts before, as far as these are still here. Whether somebody is here is said to those only.

    Errors: R-PPL-01, R-PPL-03, R-PPL-13, R-PPL-15, R-PPL-19.
    """
    planned, replaced = members_of(shifts), members_in(before)
    work.fetch([(Member, member) for member in replaced])
    must_plan(work, [*planned, *(
        member for member in sorted(replaced.difference(planned))
        if work.load(Member, member).is_here_on(day))], day)
    _must_be_here(work, planned, day)


def _must_be_here(work: Work, members: Sequence[str], day: str) -> None:
    work.fetch([(Member, member) for member in members])
    for member in members:
        work.load(Member, member).must_be_here(day)


def _settled(
    work: Work, command: SetRoster | SetRosterDay | ArrangeCover, roster: Roster,
    members: Iterable[str], *, since: str, until: str | None = None,
) -> list[Aggregate]:
    """The accounts of members whose leave now costs other days than before."""
    duties, books = Duties(work, roster), Books(work, command.occurred_at)
    work.fetch([(Member, member) for member in members])
    for name in sorted(members):
        member: Member = work.load(Member, name)
        days = {day for leave in member.leave.values() if leave.state == APPROVED
                for day in leave.days if since <= day <= (until or day)}
        settle(work, books, member, days, duties=duties)
    return list(books.changed.values())


# -- attendance -----------------------------------------------------------------------------------


def record_attendance(command: RecordAttendance, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, R-PPL-11, R-PPL-13, R-PPL-15 to R-PPL-17, R-PPL-19, R-PPL-25,
    R-ROS-04 to R-ROS-07, R-POL-14."""
    member: Member = work.load(Member, command.member)
    member.must_not_be(work.actor, Phrase("recording attendance"))
    today = work.days.day_of(command.occurred_at)
    by = _must_know(work, member, command.day, command.occurred_at)
    member.must_be_here(command.day)
    if command.day > today:
        raise AttendanceAhead(day=command.day)
    roster, shift = None, command.shift
    if command.kind in OUTCOMES:
        if member.is_away(command.day):
            raise AttendedOtherwise(member=member.id, what=Phrase("on approved leave"),
                                    day=command.day, kind=command.kind)
        roster, shift = shift_meant(work, member.id, command.day, roster=command.roster,
                                    shift=command.shift)
    found: Attendance = work.load(Attendance, attendance_of(member.id, month_of(command.day)))
    found.record(
        member.id, {"day": command.day, "kind": command.kind, "shift": shift, "roster": roster,
                    "minutes": command.minutes, "minutes_early": command.minutes_early,
                    "note": _noted(member.id, work, command.note, found)}, by,
        occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    settle(work, books, member, [command.day])
    return [found, *books.changed.values()]


def _must_know(work: Work, member: Member, day: str, at: datetime) -> str:
    """The actor of the command, who heads a member on a day, or when it is recorded: once all who
    did on that day are gone, whoever came after them puts it right. Errors: NotTheHead (R-PPL-15),
    SignatureNeeded (R-PPL-13)."""
    today = signed_on(work, at)  # who heads them now learns that they were not here then
    try:
        return must_head(work, member.id, day if member.is_here_on(day) else today)
    except NotTheHead:
        if day >= today or not member.is_here_on(day):
            raise
        return must_head(work, member.id, today)


def correct_attendance(command: CorrectAttendance, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-11 to R-PPL-13, R-PPL-15, R-PPL-24."""
    member: Member = work.load(Member, command.member)
    member.must_not_be(work.actor, Phrase("correcting attendance"))
    found: Attendance = work.load(Attendance, attendance_of(member.id, command.month))
    day = found.day_of(command.number) or last_day(command.month)
    try:
        by = _must_know(work, member, min(day, work.days.day_of(command.occurred_at)),
                        command.occurred_at)
    except NotTheHead as error:  # of which day the fact is, is for who heads the member
        raise NotTheHead(**error.details | {"day": command.month}) from None
    found.known(member.id, command.number)
    reason = _written(member.id, work, command.reason, found)
    found.correct(member.id, command.number, reason, by, occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    settle(work, books, member, [day])
    return [found, *books.changed.values()]


def hand_over_shift(command: HandOverShift, work: Work) -> list[Aggregate]:
    """By the member, or by the direct supervisor; of a shift that the member has that day. Whoever
    takes over may do so on the next day, as after a night.

    Errors: R-PPL-01, R-PPL-03, R-PPL-13, OnlyForOneself (R-PPL-14), R-PPL-16, R-PPL-17, R-PPL-19,
    R-PPL-27, TakerNotHere (R-PPL-28), R-ROS-04 to R-ROS-07, R-POL-14.
    """
    member: Member = work.load(Member, command.member)
    by = must_speak_for(work, member, signed_on(work, command.occurred_at),
                        Phrase("handing over a shift"))
    member.must_be_here(command.day)
    if command.day > work.days.day_of(command.occurred_at):
        raise AttendanceAhead(day=command.day)
    if member.is_away(command.day):
        raise AttendedOtherwise(member=member.id, what=Phrase("on approved leave"), day=command.day,
                                kind=Phrase("handing a shift over"))
    _must_take_over(command, work)
    roster, shift = shift_meant(work, member.id, command.day, roster=command.roster,
                                shift=command.shift)
    found: Attendance = work.load(Attendance, attendance_of(member.id, month_of(command.day)))
    found.hand_over(member.id, {"day": command.day, "shift": shift, "note": command.note,
                                "to_member": command.to_member, "roster": roster}, by,
                    occurred_at=command.occurred_at)
    return [found]


def _must_take_over(command: HandOverShift, work: Work) -> None:
    """Errors: TakerNotHere (R-PPL-28)."""
    if command.to_member is None:
        return
    taker: Member = work.load(Member, command.to_member)
    if not (taker.is_here_on(command.day) or taker.is_here_on(day_after(command.day))):
        raise TakerNotHere(to_member=taker.id, member=command.member, day=command.day)


# -- leave ----------------------------------------------------------------------------------------


def request_leave(command: RequestLeave, work: Work) -> list[Aggregate]:
    """By the member, or by the direct supervisor, who then does not approve it.

    Errors: R-PPL-01, R-PPL-03, R-PPL-10, R-PPL-13, OnlyForOneself (R-PPL-14), R-PPL-18 to
    R-PPL-20, R-PPL-26.
    """
    member: Member = work.load(Member, command.member)
    today = work.days.day_of(command.occurred_at)
    by = must_speak_for(work, member, signed_on(work, command.occurred_at),
                        Phrase("asking for leave"))
    said = {name: _noted(member.id, work, command.said(name)) for name in command.PERSONAL}
    asked = Leave(tuple(command.days), REQUESTED, by, halves=command.halves, kind=command.kind)
    member.request_leave(command.number, asked, today, said=said, reported_at=command.reported_at,
                         occurred_at=command.occurred_at)
    return [member]


def approve_leave(command: ApproveLeave, work: Work) -> list[Aggregate]:
    """Leave that nobody could foresee takes the place of the absence that was recorded.

    Errors: R-PPL-08, R-PPL-09, R-PPL-11, R-PPL-13, R-PPL-15, R-PPL-17, R-PPL-23, R-POL-14.
    """
    member: Member = work.load(Member, command.member)
    member.must_not_be(work.actor, Phrase("approving leave"))
    by = must_head(work, member.id, signed_on(work, command.occurred_at))
    books = Books(work, command.occurred_at)
    if member.approve_leave(command.number, by, occurred_at=command.occurred_at):
        leave = member.leave[command.number]
        for day in leave.days:
            _must_not_be_otherwise(work, member, leave, day)
        settle(work, books, member, leave.days)
    return [member, *books.changed.values()]


def _must_not_be_otherwise(work: Work, member: Member, leave: Leave, day: str) -> None:
    """Errors: AttendedOtherwise (R-PPL-17)."""
    found: Attendance = work.load(Attendance, attendance_of(member.id, month_of(day)))
    for one in found.standing(day) if member.is_away(day) else ():
        replaced = one.kind == ABSENT and leave.kind == UNFORESEEN
        if one.kind in OUTCOMES and not replaced:
            raise AttendedOtherwise(member=member.id, what=one.kind, day=day,
                                    kind=Phrase("on leave"))


def refuse_leave(command: RefuseLeave, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-08, R-PPL-09, R-PPL-11, R-PPL-13, R-PPL-15."""
    member: Member = work.load(Member, command.member)
    member.must_not_be(work.actor, Phrase("refusing leave"))
    by = must_head(work, member.id, signed_on(work, command.occurred_at))
    member.refuse_leave(command.number, _written(member.id, work, command.reason), by,
                        occurred_at=command.occurred_at)
    return [member]


def withdraw_leave(command: WithdrawLeave, work: Work) -> list[Aggregate]:
    """Past days are taken back only by the direct supervisor, or by whoever approved them. Which
    have passed, says the day of the recording.

    Errors: R-PPL-08, R-PPL-09, R-PPL-13, OnlyForOneself (R-PPL-14), R-PPL-21, R-PPL-22.
    """
    member: Member = work.load(Member, command.member)
    today, signed = work.days.day_of(command.occurred_at), signed_on(work, command.occurred_at)
    by = must_be_member(work, today)
    known = member.leave.get(command.number)
    if known is None or by != known.decided_by:
        must_speak_for(work, member, signed, Phrase("taking leave back"))
    days = member.withdraw_leave(
        command.number, command.days, _noted(member.id, work, command.reason), by=by, today=today,
        signed=signed, occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    settle(work, books, member, days)
    return [member, *books.changed.values()]


HANDLERS: dict[type[Command], Handler] = {
    RequestLeave: request_leave,
    HandOverShift: hand_over_shift,
    SetRoster: set_roster,
    SetRosterDay: set_roster_day,
    ArrangeCover: arrange_cover,
    RecordAttendance: record_attendance,
    CorrectAttendance: correct_attendance,
    ApproveLeave: approve_leave,
    RefuseLeave: refuse_leave,
    WithdrawLeave: withdraw_leave,
}
