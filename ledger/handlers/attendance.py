"""Handlers of attendance and leave: what rules count of it is charged as it is recorded."""

from collections.abc import Iterable

from ledger.common.days import day_of, month_of
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.people.attendance import Attendance, attendance_of
from ledger.people.authority import must_be_member, must_head, must_speak_for
from ledger.people.commands import (
    ApproveLeave,
    CorrectAttendance,
    RecordAttendance,
    RefuseLeave,
    WithdrawLeave,
)
from ledger.people.errors import AttendanceAhead, AttendedOtherwise
from ledger.people.holders import posts_of
from ledger.people.member import Member
from ledger.policies.book import policy_on
from ledger.policies.values import ABSENT, LEAVE, OFFENDER
from ledger.scores.books import Books
from ledger.scores.values import COMPUTED, Charge


def record_attendance(command: RecordAttendance, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, R-PPL-11, R-PPL-13, R-PPL-15 to R-PPL-17."""
    member: Member = work.load(Member, command.member)
    member.must_be_here(command.day)
    member.must_not_be(work.actor, "recording attendance")
    if command.day > day_of(command.occurred_at):
        raise AttendanceAhead(day=command.day)
    by = must_head(work, member.id, command.day)
    if command.kind == ABSENT and member.is_on_leave(command.day):
        raise AttendedOtherwise(member=member.id, what="on approved leave", day=command.day,
                                kind=ABSENT)
    found: Attendance = work.load(Attendance, attendance_of(member.id, month_of(command.day)))
    number = found.record(
        member.id, {"day": command.day, "kind": command.kind, "shift": command.shift,
                    "minutes": command.minutes, "note": command.note}, by,
        occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    _charge(work, books, member, {f"attendance:{number}": command.day}, kind=command.kind)
    return [found, *books.changed.values()]


def _charge(
    work: Work, books: Books, member: Member, days: dict[str, str], *, kind: str
) -> None:
    """Take what the rules in force take for a kind of attendance, day by day."""
    for name, day in days.items():
        version, held = policy_on(work, day), posts_of(work, member.id, day)
        for rule in version.said.rules or ():
            post = next((post for post in rule.posts if post in held), None)
            if post is None or kind not in rule.computed_from:
                continue
            points = rule.charges.get(OFFENDER) or ["0", "0"]
            books.charge(member.id, Charge(
                charge=name, rule=rule.code, part=COMPUTED, post=post, points=points[0],
                breached_on=day, policy=version.number, counts_in=rule.counts_in,
                escalation=rule.escalation))
            break


def correct_attendance(command: CorrectAttendance, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-11 to R-PPL-13, R-PPL-15."""
    member: Member = work.load(Member, command.member)
    member.must_not_be(work.actor, "correcting attendance")
    found: Attendance = work.load(Attendance, attendance_of(member.id, command.month))
    by = must_head(work, member.id, found.known(member.id, command.number).day)
    found.correct(member.id, command.number, command.reason, by, occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    books.reverse(member.id, command.month, f"attendance:{command.number}", reason=command.reason)
    return [found, *books.changed.values()]


def approve_leave(command: ApproveLeave, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-08, R-PPL-09, R-PPL-11, R-PPL-13, R-PPL-15, R-PPL-17."""
    member: Member = work.load(Member, command.member)
    member.must_not_be(work.actor, "approving leave")
    by = must_head(work, member.id, day_of(command.occurred_at))
    books = Books(work, command.occurred_at)
    if member.approve_leave(command.number, by, occurred_at=command.occurred_at):
        days = member.leave[command.number].days
        for day in days:
            _must_not_be_absent(work, member, day)
        _charge(work, books, member, _names(command.number, days), kind=LEAVE)
    return [member, *books.changed.values()]


def _must_not_be_absent(work: Work, member: Member, day: str) -> None:
    """Errors: AttendedOtherwise (R-PPL-17)."""
    found: Attendance = work.load(Attendance, attendance_of(member.id, month_of(day)))
    if any(one.kind == ABSENT for one in found.standing(day)):
        raise AttendedOtherwise(member=member.id, what=ABSENT, day=day, kind=LEAVE)


def refuse_leave(command: RefuseLeave, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-08, R-PPL-09, R-PPL-11, R-PPL-13, R-PPL-15."""
    member: Member = work.load(Member, command.member)
    member.must_not_be(work.actor, "refusing leave")
    by = must_head(work, member.id, day_of(command.occurred_at))
    member.refuse_leave(command.number, command.reason, by, occurred_at=command.occurred_at)
    return [member]


def _names(number: str, days: Iterable[str]) -> dict[str, str]:
    """What the charges of leave are called, each with its day."""
    return {f"leave:{number}:{day}": day for day in days}


def withdraw_leave(command: WithdrawLeave, work: Work) -> list[Aggregate]:
    """Days that have come, only his direct supervisor, or who approved it, takes back.

    Errors: R-PPL-08 to R-PPL-10, R-PPL-13, OnlyForOneself (R-PPL-14).
    """
    member: Member = work.load(Member, command.member)
    today = day_of(command.occurred_at)
    by = must_be_member(work, today)
    known = member.leave.get(command.number)
    if known is None or by != known.decided_by:
        must_speak_for(work, member, today, "taking leave back")
    days = member.withdraw_leave(command.number, command.days, command.reason, by=by, today=today,
                                 occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    for name, day in _names(command.number, days).items():
        books.reverse(member.id, month_of(day), name, reason=command.reason or "withdrawn")
    return [member, *books.changed.values()]


HANDLERS: dict[type[Command], Handler] = {
    RecordAttendance: record_attendance,
    CorrectAttendance: correct_attendance,
    ApproveLeave: approve_leave,
    RefuseLeave: refuse_leave,
    WithdrawLeave: withdraw_leave,
}
