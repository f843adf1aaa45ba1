"""The commands about people, and the handlers of those that concern nobody's score."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from ledger.common.context import check_member
from ledger.common.days import check_day, check_month, day_of, month_of
from ledger.common.personal import Plain
from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.people.attendance import Attendance, attendance_of
from ledger.people.authority import must_speak_for
from ledger.people.errors import PostUnknown, SupervisorCircle
from ledger.people.holders import MAX_LEVELS, load_posts, policy_on, posts_from
from ledger.people.member import Member
from ledger.people.posts import Post, post_of
from ledger.policies.values import ATTENDANCE, LEAVE

PRESENT = "present"
KINDS = (PRESENT, *(kind for kind in ATTENDANCE if kind != LEAVE))
"""Kinds of attendance that are recorded; days of leave come from approved leave."""

MAX_DAYS = 62


class _OnMember(Command, frozen=True, kw_only=True):
    """A command on a member."""

    member: str
    occurred_at: datetime

    @property
    def subject(self) -> str:
        """The member's stream."""
        return self.member

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(Member, self.member)]

    def check(self, checks: Checks) -> None:
        check_member(checks, "/member", self.member)
        checks.moment("/occurred_at", self.occurred_at)
        for name in ("joined_on", "since", "until", "last_day", "day"):
            if name in self.__struct_fields__:
                check_day(checks, f"/{name}", getattr(self, name))
        if "month" in self.__struct_fields__:
            check_month(checks, "/month", getattr(self, "month"))  # noqa: B009
        for name, longest in (("number", 100), ("post", 100), ("shift", 100), ("name", 100),
                              ("contact", 200), ("reason", 500), ("note", 500)):
            if (value := getattr(self, name, None)) is not None and type(value) is not int:
                checks.text(f"/{name}", value, longest=longest)


class _Named(_OnMember, frozen=True, kw_only=True):
    """A command that tells a name or a contact."""

    name: str | None = None
    contact: str | None = None

    def persons(self) -> list[str]:
        return [self.member] if self.name or self.contact else []


class JoinMember(_Named, frozen=True, kw_only=True):
    """Somebody works here from a day on. `member` is a pseudonym such as member:7f3a."""

    NAME: ClassVar[str] = "member.join"
    joined_on: str


class ChangeDetails(_Named, frozen=True, kw_only=True):
    """A member is called, or reached, otherwise."""

    NAME: ClassVar[str] = "member.change_details"

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.name is None and self.contact is None:
            checks.fault("/name", "missing", "or a contact is needed")


class SetSupervisor(_OnMember, frozen=True, kw_only=True):
    """Somebody is a member's direct supervisor from a day on."""

    NAME: ClassVar[str] = "member.set_supervisor"
    supervisor: str
    since: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        check_member(checks, "/supervisor", self.supervisor)


class LeaveShop(_OnMember, frozen=True, kw_only=True):
    """A member leaves; `last_day` is the last one he is here. His posts end with it."""

    NAME: ClassVar[str] = "member.leave_shop"
    last_day: str
    reason: str | None = None


class AssignPost(_OnMember, frozen=True, kw_only=True):
    """A member holds a post from a day on."""

    NAME: ClassVar[str] = "post.assign"
    post: str
    since: str


class EndPost(_OnMember, frozen=True, kw_only=True):
    """A member holds a post until a day, and that day still."""

    NAME: ClassVar[str] = "post.end"
    post: str
    until: str
    reason: str | None = None


class AskLeave(_OnMember, frozen=True, kw_only=True):
    """A member asks for leave on some days, beforehand; or his direct supervisor for him."""

    NAME: ClassVar[str] = "member.ask_leave"
    number: str
    days: list[str]
    reason: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        _check_days(checks, self.days, least=1)


def _check_days(checks: Checks, days: list[str], *, least: int) -> None:
    if not least <= len(days) <= MAX_DAYS:
        checks.fault("/days", "too_many", f"are {len(days)}, {least} to {MAX_DAYS} can be")
    for index, day in enumerate(days):
        check_day(checks, f"/days/{index}", day)
    if days != sorted(set(days)):
        checks.fault("/days", "not_sorted", "are not in their order, each once")


class ApproveLeave(_OnMember, frozen=True, kw_only=True):
    """Let a member stay away on the days that he asked for."""

    NAME: ClassVar[str] = "member.approve_leave"
    number: str


class RefuseLeave(_OnMember, frozen=True, kw_only=True):
    """Do not let a member stay away."""

    NAME: ClassVar[str] = "member.refuse_leave"
    number: str
    reason: str


class WithdrawLeave(_OnMember, frozen=True, kw_only=True):
    """Take leave back: by the member or his direct supervisor, or by who approved it.

    `days` are those that are taken back; by default, those from today on.
    """

    NAME: ClassVar[str] = "member.withdraw_leave"
    number: str
    days: list[str] = []
    reason: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        _check_days(checks, self.days, least=0)


class RecordAttendance(_OnMember, frozen=True, kw_only=True):
    """Tell whether a member was there, and in time. Units: `minutes` late or early.

    Where a rule counts the kind, the points are taken from its item at once.
    """

    NAME: ClassVar[str] = "member.record_attendance"
    day: str
    kind: str
    shift: str | None = None
    minutes: int | None = None
    note: str | None = None

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return _with_attendance(self.member, month_of(self.day))

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.kind not in KINDS:
            checks.fault("/kind", "unknown", f"is {self.kind!r}, not one of {', '.join(KINDS)}")
        if self.minutes is not None:
            checks.integer("/minutes", self.minutes, least=0, most=24 * 60)


class CorrectAttendance(_OnMember, frozen=True, kw_only=True):
    """Tell that fact `number` of a member's attendance in a month was recorded wrongly.

    Record what was right anew. A sealed month can be corrected, too.
    """

    NAME: ClassVar[str] = "member.correct_attendance"
    month: str
    number: int
    reason: str

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return _with_attendance(self.member, self.month)

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.integer("/number", self.number, least=1)


class HandOverShift(_OnMember, frozen=True, kw_only=True):
    """Tell the next one in writing how things stand at the end of a shift: by who had it, or by
    his direct supervisor."""

    NAME: ClassVar[str] = "member.hand_over_shift"
    day: str
    shift: str
    note: str
    to_member: str | None = None

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return _with_attendance(self.member, month_of(self.day))

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.to_member is not None:
            check_member(checks, "/to_member", self.to_member)


def _with_attendance(member: str, month: str) -> list[tuple[type[Aggregate], str]]:
    return [(Member, member), (Attendance, attendance_of(member, month))]


# -- handlers -------------------------------------------------------------------------------------


def join_member(command: JoinMember, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-02."""
    member: Member = work.load(Member, command.member)
    member.join(command.joined_on, *_details(command, work), occurred_at=command.occurred_at)
    return [member]


def _details(command: JoinMember | ChangeDetails, work: Work) -> tuple[Plain | None, Plain | None]:
    if not command.persons():
        return None, None
    person = work.person(command.member)
    name, contact = (Plain(person, told) if told else None
                     for told in (command.name, command.contact))
    return name, contact


def change_details(command: ChangeDetails, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01."""
    member: Member = work.load(Member, command.member)
    member.change_details(*_details(command, work), occurred_at=command.occurred_at)
    return [member]


def set_supervisor(command: SetSupervisor, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03, SupervisorCircle (R-PPL-07)."""
    member: Member = work.load(Member, command.member)
    work.load(Member, command.supervisor).must_be_here(command.since)
    member.set_supervisor(command.supervisor, command.since, occurred_at=command.occurred_at)
    days, at = [command.since], 0
    while at < len(days):  # a circle may close on a later day, when somebody above changes
        for day in _walk_up(command, work, days[at]):
            if day > command.since and day not in days:
                days.append(day)
        at += 1
    return [member]


def _walk_up(command: SetSupervisor, work: Work, day: str) -> Iterator[str]:
    """The days on which the supervisors above a member change. Errors: R-PPL-07."""
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
    """Whatever he holds ends with his last day; what would begin later never does.

    Errors: R-PPL-01, R-PPL-03.
    """
    member: Member = work.load(Member, command.member)
    member.leave_shop(command.last_day, command.reason, occurred_at=command.occurred_at)
    posts = list(load_posts(work, posts_from(work, command.last_day)).values())
    for post in posts:
        post.leave(command.member, command.last_day, occurred_at=command.occurred_at)
    return [member, *posts]


def assign_post(command: AssignPost, work: Work) -> list[Aggregate]:
    """Errors: R-PPL-01, R-PPL-03 to R-PPL-05."""
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
    post.end(command.member, command.until, command.reason, occurred_at=command.occurred_at)
    return [post]


def ask_leave(command: AskLeave, work: Work) -> list[Aggregate]:
    """By himself, or by his direct supervisor, who then does not approve it.

    Errors: R-PPL-01, R-PPL-03, R-PPL-09, R-PPL-10, R-PPL-13, OnlyForOneself (R-PPL-14).
    """
    member: Member = work.load(Member, command.member)
    today = day_of(command.occurred_at)
    by = must_speak_for(work, member, today, "asking for leave")
    member.ask_leave(command.number, command.days, today, by, reason=command.reason,
                     occurred_at=command.occurred_at)
    return [member]


def hand_over_shift(command: HandOverShift, work: Work) -> list[Aggregate]:
    """By himself, or by his direct supervisor.

    Errors: R-PPL-01, R-PPL-03, R-PPL-13, OnlyForOneself (R-PPL-14).
    """
    member: Member = work.load(Member, command.member)
    by = must_speak_for(work, member, day_of(command.occurred_at), "handing over a shift")
    member.must_be_here(command.day)
    found: Attendance = work.load(Attendance, attendance_of(member.id, month_of(command.day)))
    found.hand_over(member.id, {"day": command.day, "shift": command.shift, "note": command.note,
                                "to_member": command.to_member}, by,
                    occurred_at=command.occurred_at)
    return [found]


HANDLERS: dict[type[Command], Handler] = {
    JoinMember: join_member,
    ChangeDetails: change_details,
    SetSupervisor: set_supervisor,
    LeaveShop: leave_shop,
    AssignPost: assign_post,
    EndPost: end_post,
    AskLeave: ask_leave,
    HandOverShift: hand_over_shift,
}
