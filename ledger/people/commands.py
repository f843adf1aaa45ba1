"""The commands about people, and the handlers of those that concern nobody's score."""

from datetime import datetime
from typing import ClassVar

from ledger.common.context import check_member
from ledger.common.days import check_day, check_month, month_of
from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command
from ledger.people.attendance import Attendance, attendance_of
from ledger.people.member import Member
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
