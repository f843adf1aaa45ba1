"""The commands about people."""

from typing import Annotated, ClassVar

from ledger.common.between import Said, among, empty, fork, given
from ledger.common.bounds import (
    At,
    Contact,
    Day,
    Id,
    Items,
    MemberId,
    Month,
    Name,
    Note,
    Ordinal,
    PersonName,
    Reason,
    Sha256,
    Whole,
    Words,
)
from ledger.common.days import month_of
from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.core.commands import OnStream, Wanted
from ledger.people.attendance import BOTH, KINDS, OUTCOMES, Attendance, attendance_of
from ledger.people.member import HALVES, LEAVE_KINDS, PLANNED, UNFORESEEN, Member
from ledger.people.posts import Post, post_of

MAX_DAYS = 62
MAX_EVIDENCE = 20


class _OnMember(OnStream, frozen=True, kw_only=True):
    """A command on a member."""

    AGGREGATE: ClassVar[type[Aggregate]] = Member
    member: MemberId

    @property
    def subject(self) -> str:
        """The member's stream."""
        return self.member

    def persons(self) -> list[str]:
        return [self.member] if any(getattr(self, name) for name in self.PERSONAL) else []


class _Named(_OnMember, frozen=True, kw_only=True):
    """A command with a name or a contact."""

    PERSONAL: ClassVar[tuple[str, ...]] = ("name", "contact")
    name: PersonName | None = None
    contact: Contact | None = None


class JoinMember(_Named, frozen=True, kw_only=True):
    """Somebody works here from a day on. `member` is a pseudonym such as member:7f3a."""

    NAME: ClassVar[str] = "member.join"
    joined_on: Day


class ChangeDetails(_Named, frozen=True, kw_only=True):
    """Change a member's name or contact."""

    NAME: ClassVar[str] = "member.change_details"
    BETWEEN: ClassVar[Said] = fork(empty("name"), given("contact", type="string"))

    def check(self, checks: Checks) -> None:
        if self.name is None and self.contact is None:
            checks.fault("/name", "missing", "or a contact is needed")


class SetSupervisor(_OnMember, frozen=True, kw_only=True):
    """Somebody is a member's direct supervisor from a day on."""

    NAME: ClassVar[str] = "member.set_supervisor"
    supervisor: MemberId
    since: Day


class LeaveShop(_OnMember, frozen=True, kw_only=True):
    """A member leaves; `last_day` is the last day here. The member's posts end with it."""

    NAME: ClassVar[str] = "member.leave_shop"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    last_day: Day
    reason: Reason | None = None


class _OnPost(_OnMember, frozen=True, kw_only=True):
    """A command on a post and who holds it."""

    AGGREGATE = Post
    post: Id

    @property
    def subject(self) -> str:
        """The post's stream."""
        return post_of(self.post)

    def streams(self) -> Wanted:
        return [(Member, self.member), *super().streams()]


class AssignPost(_OnPost, frozen=True, kw_only=True):
    """A member holds a post from a day on."""

    NAME: ClassVar[str] = "post.assign"
    since: Day


class EndPost(_OnPost, frozen=True, kw_only=True):
    """A member holds a post until a day, and that day still."""

    NAME: ClassVar[str] = "post.end"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    until: Day
    reason: Reason | None = None


class RequestLeave(_OnMember, frozen=True, kw_only=True):
    """Ask for leave on some days, beforehand: as the member, or as the direct supervisor.

    `halves` says of which days it is the morning (`am`) or the afternoon (`pm`) alone. Leave that
    nobody could foresee, such as an illness, may be asked for afterwards: `reported_at` is when the
    member reported it, `attachments` are the SHA-256 of papers that you keep, in hex.
    """

    NAME: ClassVar[str] = "member.request_leave"
    PERSONAL: ClassVar[tuple[str, ...]] = ("attachments", "reason")
    BETWEEN: ClassVar[Said] = {
        "properties": {"days": {"uniqueItems": True}},
        **fork(among("kind", UNFORESEEN), given("reported_at", type="string"))}
    number: Id
    days: Annotated[list[Day], Items(least=1, most=MAX_DAYS)]
    halves: Annotated[dict[Day, Annotated[str, Words(*HALVES)]], Items(most=MAX_DAYS)] = {}
    kind: Annotated[str, Words(*LEAVE_KINDS)] = PLANNED
    reported_at: At | None = None
    attachments: Annotated[list[Sha256], Items(most=MAX_EVIDENCE)] = []
    reason: Reason | None = None

    def check(self, checks: Checks) -> None:
        _check_days(checks, self.days)
        for day in sorted(set(self.halves) - set(self.days)):
            checks.fault("/halves", "not_among", f"{day} is not one of the days of this leave")
        if self.kind == UNFORESEEN and self.reported_at is None:
            checks.fault("/reported_at", "missing", "is needed: when the member reported it")


def _check_days(checks: Checks, days: list[str]) -> None:
    if days != sorted(set(days)):
        checks.fault("/days", "not_sorted", "are not in order, each once")


class ApproveLeave(_OnMember, frozen=True, kw_only=True):
    """Let a member stay away on the days that were asked for."""

    NAME: ClassVar[str] = "member.approve_leave"
    number: Id


class RefuseLeave(_OnMember, frozen=True, kw_only=True):
    """Do not let a member stay away."""

    NAME: ClassVar[str] = "member.refuse_leave"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    number: Id
    reason: Reason


class WithdrawLeave(_OnMember, frozen=True, kw_only=True):
    """Take leave back: as the member, the direct supervisor, or whoever approved it.

    `days` are those that are taken back; by default, those from today on.
    """

    NAME: ClassVar[str] = "member.withdraw_leave"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    number: Id
    days: Annotated[list[Day], Items(most=MAX_DAYS)] = []
    reason: Reason | None = None

    def check(self, checks: Checks) -> None:
        _check_days(checks, self.days)


class _OnAttendance(_OnMember, frozen=True, kw_only=True):
    """A command on what a member's attendance in a month was."""

    AGGREGATE = Attendance

    def streams(self) -> Wanted:
        return [(Member, self.member), *super().streams()]


class RecordAttendance(_OnAttendance, frozen=True, kw_only=True):
    """Record how a shift ended for a member, or that they were late for a meeting. Units: `minutes`
    late, or early; `minutes_early` where both were so.

    A shift belongs to the day on which it begins, and has one outcome. `shift` names it where the
    member has several that day, and `roster` where two have the same name. Where a rule counts the
    kind, the points are taken from its item at once.
    """

    NAME: ClassVar[str] = "member.record_attendance"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    BETWEEN: ClassVar[Said] = fork(
        among("kind", BOTH), otherwise={
            **empty("minutes_early"),
            **fork(among("kind", *OUTCOMES), otherwise=empty("roster"))})
    day: Day
    kind: Annotated[str, Words(*KINDS)]
    shift: Name | None = None
    minutes: Annotated[int, Whole(least=0, most=24 * 60)] | None = None
    minutes_early: Annotated[int, Whole(least=0, most=24 * 60)] | None = None
    roster: Id | None = None
    note: Note | None = None

    def check(self, checks: Checks) -> None:
        if self.minutes_early is not None and self.kind != BOTH:
            checks.fault("/minutes_early", "not_expected", f"is only for {BOTH}")
        if self.roster is not None and self.kind not in OUTCOMES:
            checks.fault("/roster", "not_expected", "is only for the outcome of a shift")

    @property
    def subject(self) -> str:
        """The stream of the member's attendance in the month."""
        return attendance_of(self.member, month_of(self.day))


class CorrectAttendance(_OnAttendance, frozen=True, kw_only=True):
    """Withdraw fact `number` of a member's attendance in a month: it was recorded wrongly.

    What is right is then recorded again. A sealed month can be corrected, too.
    """

    NAME: ClassVar[str] = "member.correct_attendance"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    month: Month
    number: Ordinal
    reason: Reason

    @property
    def subject(self) -> str:
        """The stream of the member's attendance in the month."""
        return attendance_of(self.member, self.month)


class HandOverShift(_OnAttendance, frozen=True, kw_only=True):
    """Leave a note for the next shift on how things stand: as the member whose shift ends, or as
    the direct supervisor. A shift is handed over once, by who was in it; `roster` says whose shift
    it is where two have the same name."""

    NAME: ClassVar[str] = "member.hand_over_shift"
    day: Day
    shift: Name
    note: Note
    to_member: MemberId | None = None
    roster: Id | None = None

    def check(self, checks: Checks) -> None:
        if self.to_member == self.member:
            checks.fault("/to_member", "same", "is the member whose shift ends")

    @property
    def subject(self) -> str:
        """The stream of the member's attendance in the month."""
        return attendance_of(self.member, month_of(self.day))
