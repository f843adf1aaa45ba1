"""Handlers for people: who works here, in which post and on which shift, attendance and leave.

Where a rule counts attendance or leave, the points are charged by the command that records it.
"""

from collections.abc import Iterable, Iterator, Sequence

from ledger.common.days import day_of, month_of
from ledger.common.personal import Plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.people.attendance import Attendance, attendance_of
from ledger.people.authority import (
    MAX_LEVELS,
    must_be_member,
    must_head,
    must_speak_for,
    person_of_member,
)
from ledger.people.commands import (
    ApproveLeave,
    AssignPost,
    ChangeDetails,
    CorrectAttendance,
    EndPost,
    HandOverShift,
    JoinMember,
    LeaveShop,
    RecordAttendance,
    RefuseLeave,
    RequestLeave,
    SetSupervisor,
    WithdrawLeave,
)
from ledger.people.errors import (
    AttendanceAhead,
    AttendedOtherwise,
    PostUnknown,
    SupervisorCircle,
)
from ledger.people.holders import load_posts, posts_from, posts_of
from ledger.people.member import Member
from ledger.people.posts import Post, post_of
from ledger.people.rosters import ArrangeCover, Roster, SetRoster, SetRosterDay, members_of
from ledger.policies.book import policy_on
from ledger.policies.values import ABSENT, LEAVE, OFFENDER
from ledger.scores.books import Books
from ledger.scores.values import COMPUTED, Charge


def join_member(command: JoinMember, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-02."""
    member: Member = work.load(Member, command.member)
    member.join(command.joined_on, *_details(command, work), occurred_at=command.occurred_at)
    return [member]


def _details(command: JoinMember | ChangeDetails, work: Work) -> tuple[Plain | None, Plain | None]:
    if not command.persons():
        return None, None
    person = person_of_member(work, command.member)
    name, contact = (Plain(person, value) if value else None
                     for value in (command.name, command.contact))
    return name, contact


def change_details(command: ChangeDetails, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01."""
    member: Member = work.load(Member, command.member)
    member.change_details(*_details(command, work), occurred_at=command.occurred_at)
    return [member]


def set_supervisor(command: SetSupervisor, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, SupervisorCircle (R-PPL-07), R-PPL-19."""
    member: Member = work.load(Member, command.member)
    work.load(Member, command.supervisor).must_be_here(command.since)
    member.set_supervisor(command.supervisor, command.since, occurred_at=command.occurred_at)
    days, at = [command.since], 0
    while at < len(days):  # a circle may close later, on a day when a supervisor above changes
        for day in _walk_up(command, work, days[at]):
            if day > command.since and day not in days:
                days.append(day)
        at += 1
    return [member]


def _walk_up(command: SetSupervisor, work: Work, day: str) -> Iterator[str]:
    """The days on which a supervisor above a member changes. Errors: R-PPL-07."""
    above: str | None = command.member
    for level in range(MAX_LEVELS):
        if above is None or (level and above == command.member):
            break
        known: Member = work.load(Member, above)
        yield from (since for since, _ in known.supervisors)
        above = known.supervisor_on(day)
    if above == command.member:
        raise SupervisorCircle(member=command.member, supervisor=command.supervisor, since=day)


def leave_shop(command: LeaveShop, work: Work) -> list[Aggregate]:
    """The member's posts end with the last day; those that would begin later never do.

    Errors: R-PPL-01, R-PPL-03, R-PPL-19.
    """
    member: Member = work.load(Member, command.member)
    member.leave_shop(command.last_day, _noted(command.member, work, command.reason),
                      occurred_at=command.occurred_at)
    posts = list(load_posts(work, posts_from(work, command.last_day)).values())
    for post in posts:
        post.leave(command.member, command.last_day, occurred_at=command.occurred_at)
    return [member, *posts]


def _written(member: str, work: Work, text: str, *beside: Aggregate) -> Plain:
    """What was written about a member, on its way into an event. Errors: PersonLost (R-KEY-06)."""
    return Plain(person_of_member(work, member, *beside), text)


def _noted(member: str, work: Work, text: str | None, *beside: Aggregate) -> Plain | None:
    """The same; None where nothing was written. Errors: PersonLost (R-KEY-06)."""
    return None if text is None else _written(member, work, text, *beside)


def assign_post(command: AssignPost, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03 to R-PPL-05, R-PPL-19."""
    member: Member = work.load(Member, command.member)
    member.must_be_here(command.since)
    post = _known_post(work, command.post, command.since)
    post.assign(command.member, command.since, occurred_at=command.occurred_at)
    return [post]


def _known_post(work: Work, name: str, day: str) -> Post:
    if name not in (known := policy_on(work, day).posts()):
        raise PostUnknown(post=name, known=", ".join(known))
    post: Post = work.load(Post, post_of(name))
    return post


def end_post(command: EndPost, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-06."""
    post: Post = work.load(Post, post_of(command.post))
    reason = _noted(command.member, work, command.reason, post)
    post.end(command.member, command.until, reason, occurred_at=command.occurred_at)
    return [post]


def request_leave(command: RequestLeave, work: Work) -> list[Aggregate]:
    """By the member, or by the direct supervisor, who then does not approve it.

    Errors: R-PPL-01, R-PPL-03, R-PPL-10, R-PPL-13, OnlyForOneself (R-PPL-14), R-PPL-18 to R-PPL-20.
    """
    member: Member = work.load(Member, command.member)
    today = day_of(command.occurred_at)
    by = must_speak_for(work, member, today, "asking for leave")
    member.request_leave(command.number, command.days, today, by,
                         reason=_noted(member.id, work, command.reason),
                         occurred_at=command.occurred_at)
    return [member]


def hand_over_shift(command: HandOverShift, work: Work) -> list[Aggregate]:
    """By the member, or by the direct supervisor.

    Errors: R-PPL-01, R-PPL-03, R-PPL-13, OnlyForOneself (R-PPL-14), R-PPL-19.
    """
    member: Member = work.load(Member, command.member)
    by = must_speak_for(work, member, day_of(command.occurred_at), "handing over a shift")
    member.must_be_here(command.day)
    found: Attendance = work.load(Attendance, attendance_of(member.id, month_of(command.day)))
    found.hand_over(member.id, {"day": command.day, "shift": command.shift, "note": command.note,
                                "to_member": command.to_member}, by,
                    occurred_at=command.occurred_at)
    return [found]


def set_roster(command: SetRoster, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, R-PPL-19."""
    _must_be_here(work, members_of(command.shifts), command.since)
    roster: Roster = work.load(Roster, command.subject)
    roster.set_pattern(command.since, command.shifts, occurred_at=command.occurred_at)
    return [roster]


def set_roster_day(command: SetRosterDay, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, R-PPL-19."""
    _must_be_here(work, members_of(command.shifts), command.day)
    roster: Roster = work.load(Roster, command.subject)
    roster.set_day(command.day, command.shifts, command.reason, occurred_at=command.occurred_at)
    return [roster]


def arrange_cover(command: ArrangeCover, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, R-PPL-19, R-ROS-01 to R-ROS-03."""
    _must_be_here(work, [command.cover], command.day)
    roster: Roster = work.load(Roster, command.subject)
    roster.arrange_cover(
        {"day": command.day, "shift": command.shift, "absent": command.absent,
         "cover": command.cover, "reason": command.reason}, occurred_at=command.occurred_at)
    return [roster]


def _must_be_here(work: Work, members: Sequence[str], day: str) -> None:
    work.fetch([(Member, member) for member in members])
    for member in members:
        work.load(Member, member).must_be_here(day)


# -- attendance and leave --------------------------------------------------------------------------


def record_attendance(command: RecordAttendance, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, R-PPL-11, R-PPL-13, R-PPL-15 to R-PPL-17, R-PPL-19, R-PPL-25."""
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
                    "minutes": command.minutes,
                    "note": _noted(member.id, work, command.note, found)}, by,
        occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    _charge(work, books, member, {f"attendance:{number}": command.day}, kind=command.kind)
    return [found, *books.changed.values()]


def _charge(
    work: Work, books: Books, member: Member, days: dict[str, str], *, kind: str
) -> None:
    """Take what the rules in force take for a kind of attendance, day by day: of several rules
    that count it, the first one in the policy charges."""
    for name, day in days.items():
        version, held = policy_on(work, day), posts_of(work, member.id, day)
        for rule in version.sections.rules or ():
            post = next((post for post in rule.posts if post in held), None)
            if post is None or kind not in rule.computed_from:
                continue
            points = rule.charges.get(OFFENDER) or ["0", "0"]
            books.charge(member.id, Charge(
                charge=name, rule=rule.code, party=COMPUTED, post=post, points=points[0],
                breached_on=day, policy=version.number, counts_in=rule.counts_in,
                escalation=rule.escalation))
            break


def correct_attendance(command: CorrectAttendance, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-11 to R-PPL-13, R-PPL-15, R-PPL-24."""
    member: Member = work.load(Member, command.member)
    member.must_not_be(work.actor, "correcting attendance")
    found: Attendance = work.load(Attendance, attendance_of(member.id, command.month))
    by = must_head(work, member.id, found.known(member.id, command.number).day)
    reason = _written(member.id, work, command.reason, found)
    found.correct(member.id, command.number, reason, by, occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    books.reverse(member.id, command.month, f"attendance:{command.number}")
    return [found, *books.changed.values()]


def approve_leave(command: ApproveLeave, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-08, R-PPL-09, R-PPL-11, R-PPL-13, R-PPL-15, R-PPL-17, R-PPL-23."""
    member: Member = work.load(Member, command.member)
    member.must_not_be(work.actor, "approving leave")
    by = must_head(work, member.id, day_of(command.occurred_at))
    books = Books(work, command.occurred_at)
    if member.approve_leave(command.number, by, occurred_at=command.occurred_at):
        days = member.leave[command.number].days
        for day in days:
            _must_not_be_absent(work, member, day)
        _charge(work, books, member, _charges_of_leave(command.number, days), kind=LEAVE)
    return [member, *books.changed.values()]


def _must_not_be_absent(work: Work, member: Member, day: str) -> None:
    """Errors: AttendedOtherwise (R-PPL-17)."""
    found: Attendance = work.load(Attendance, attendance_of(member.id, month_of(day)))
    if any(one.kind == ABSENT for one in found.standing(day)):
        raise AttendedOtherwise(member=member.id, what=ABSENT, day=day, kind="on leave")


def refuse_leave(command: RefuseLeave, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-08, R-PPL-09, R-PPL-11, R-PPL-13, R-PPL-15."""
    member: Member = work.load(Member, command.member)
    member.must_not_be(work.actor, "refusing leave")
    by = must_head(work, member.id, day_of(command.occurred_at))
    member.refuse_leave(command.number, _written(member.id, work, command.reason), by,
                        occurred_at=command.occurred_at)
    return [member]


def _charges_of_leave(number: str, days: Iterable[str]) -> dict[str, str]:
    """The names under which days of leave are charged, each with its day."""
    return {f"leave:{number}:{day}": day for day in days}


def withdraw_leave(command: WithdrawLeave, work: Work) -> list[Aggregate]:
    """Past days are taken back only by the direct supervisor, or by whoever approved them.

    Errors: R-PPL-08, R-PPL-09, R-PPL-13, OnlyForOneself (R-PPL-14), R-PPL-21, R-PPL-22.
    """
    member: Member = work.load(Member, command.member)
    today = day_of(command.occurred_at)
    by = must_be_member(work, today)
    known = member.leave.get(command.number)
    if known is None or by != known.decided_by:
        must_speak_for(work, member, today, "taking leave back")
    days = member.withdraw_leave(
        command.number, command.days, _noted(member.id, work, command.reason), by=by, today=today,
        occurred_at=command.occurred_at)
    books = Books(work, command.occurred_at)
    for name, day in _charges_of_leave(command.number, days).items():
        books.reverse(member.id, month_of(day), name)
    return [member, *books.changed.values()]


HANDLERS: dict[type[Command], Handler] = {
    JoinMember: join_member,
    ChangeDetails: change_details,
    SetSupervisor: set_supervisor,
    LeaveShop: leave_shop,
    AssignPost: assign_post,
    EndPost: end_post,
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
