"""Handlers of attendance and leave: what rules count of it is charged as it is recorded."""

from collections.abc import Iterable

from ledger.aggregate import Aggregate
from ledger.attendance import Attendance, attendance_of
from ledger.charging import Books
from ledger.commands import Command, Handler, Work
from ledger.days import day_of, month_of
from ledger.month_values import COMPUTED, Charge
from ledger.people import Member
from ledger.people_commands import (
    ApproveLeave,
    CorrectAttendance,
    RecordAttendance,
    WithdrawLeave,
)
from ledger.people_errors import LeaveTooLate
from ledger.policy_values import LEAVE, OFFENDER
from ledger.signatures import must_be_member, must_speak_for
from ledger.staff import policy_on, posts_of


def record_attendance(command: RecordAttendance, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, R-PPL-11, R-PPL-13."""
    member: Member = work.load(Member, command.member)
    by = must_be_member(work, day_of(command.occurred_at))
    member.must_be_here(command.day)
    member.must_not_be(by, "recording attendance")
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
    """Errors: R-PPL-11 to R-PPL-13."""
    member: Member = work.load(Member, command.member)
    by = must_be_member(work, day_of(command.occurred_at))
    member.must_not_be(by, "correcting attendance")
    found: Attendance = work.load(Attendance, attendance_of(member.id, command.month))
    found.correct(member.id, command.number, command.reason, by, occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    books.reverse(member.id, command.month, f"attendance:{command.number}", reason=command.reason)
    return [found, *books.changed.values()]


def approve_leave(command: ApproveLeave, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-08, R-PPL-09, R-PPL-11, R-PPL-13."""
    member: Member = work.load(Member, command.member)
    by = must_be_member(work, day_of(command.occurred_at))
    books = Books(work, command.occurred_at)
    if member.approve_leave(command.number, by, occurred_at=command.occurred_at):
        days = member.leave[command.number].days
        _charge(work, books, member, _names(command.number, days), kind=LEAVE)
    return [member, *books.changed.values()]


def _names(number: str, days: Iterable[str]) -> dict[str, str]:
    """What the charges of leave are called, each with its day."""
    return {f"leave:{number}:{day}": day for day in days}


def withdraw_leave(command: WithdrawLeave, work: Work) -> list[Aggregate]:
    """By himself before it begins; by his direct supervisor, or by who approved it, at any time.

    Errors: R-PPL-08 to R-PPL-10, R-PPL-13, OnlyForOneself (R-PPL-14).
    """
    member: Member = work.load(Member, command.member)
    today = day_of(command.occurred_at)
    by = must_be_member(work, today)
    known = member.leave.get(command.number)
    if known is None or by != known.decided_by:
        must_speak_for(work, member, today, "taking leave back")
    books = Books(work, command.occurred_at)
    if member.withdraw_leave(command.number, command.reason, by, occurred_at=command.occurred_at):
        first = member.leave[command.number].days[0]
        if by == member.id and today > first:
            raise LeaveTooLate(first=first, day=today)
        for name, day in _names(command.number, member.leave[command.number].days).items():
            books.reverse(member.id, month_of(day), name, reason=command.reason or "withdrawn")
    return [member, *books.changed.values()]


HANDLERS: dict[type[Command], Handler] = {
    RecordAttendance: record_attendance,
    CorrectAttendance: correct_attendance,
    ApproveLeave: approve_leave,
    WithdrawLeave: withdraw_leave,
}
