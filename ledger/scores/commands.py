"""The commands about monthly scores."""

from datetime import datetime
from typing import ClassVar

from ledger.common.context import check_member
from ledger.common.days import check_month
from ledger.common.decimals import check_decimal
from ledger.common.values import Checks, check_sha256
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command
from ledger.scores.account import Account
from ledger.scores.closings import CLOSINGS, Closings
from ledger.scores.values import SHEETS, LeftOut, account_of

MAX_ITEMS = 200


class _OnAccount(Command, frozen=True, kw_only=True):
    """A command on a member's month."""

    member: str
    month: str
    post: str
    occurred_at: datetime
    note: str | None = None

    @property
    def subject(self) -> str:
        """The account's stream."""
        return account_of(self.member, self.month)

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(Account, self.subject), (Closings, CLOSINGS)]

    def check(self, checks: Checks) -> None:
        check_member(checks, "/member", self.member)
        check_month(checks, "/month", self.month)
        checks.text("/post", self.post, longest=100)
        checks.moment("/occurred_at", self.occurred_at)
        if self.note is not None:
            checks.text("/note", self.note, longest=500)


class GradeMember(_OnAccount, frozen=True, kw_only=True):
    """Grade items of a member's scorecard.

    `sheet` is `committee` or `second`. Units: `grades` in percent of each item's weight, "0" to
    "100", with at most one digit behind the point.
    """

    NAME: ClassVar[str] = "month.grade"
    sheet: str
    grades: dict[str, str]

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.sheet not in SHEETS:
            checks.fault("/sheet", "unknown", f"is {self.sheet!r}, not {' or '.join(SHEETS)}")
        if not 0 < len(self.grades) <= MAX_ITEMS:
            checks.fault("/grades", "too_many", f"are {len(self.grades)}, 1 to {MAX_ITEMS} can be")
        for item, grade in self.grades.items():
            where = f"/grades/{item.replace('~', '~0').replace('/', '~1')}"
            check_decimal(checks, where, grade, most="100")
            if isinstance(grade, str) and len(grade.partition(".")[2]) > 1:
                checks.fault(where, "too_fine", f"is {grade}; one digit behind the point is enough")


class SetBonus(_OnAccount, frozen=True, kw_only=True):
    """Grant points for a voluntary task; "0" takes them back. Units: points."""

    NAME: ClassVar[str] = "month.set_bonus"
    task: str
    points: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/task", self.task, longest=200)
        check_decimal(checks, "/points", self.points, most="100")


class _OnMonth(Command, frozen=True, kw_only=True):
    """A command on a month of the whole ledger."""

    month: str
    occurred_at: datetime

    @property
    def subject(self) -> str:
        """The stream of the closed months."""
        return CLOSINGS

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(Closings, CLOSINGS)]

    def check(self, checks: Checks) -> None:
        check_month(checks, "/month", self.month)
        checks.moment("/occurred_at", self.occurred_at)
        if "reason" in self.__struct_fields__:
            checks.text("/reason", getattr(self, "reason"), longest=500)  # noqa: B009
        if (digest := getattr(self, "digest", None)) is not None:
            check_sha256(checks, "/digest", digest)
        for index, one in enumerate(getattr(self, "left_out", ())):
            for name in ("member", "post", "reason"):
                checks.text(f"/left_out/{index}/{name}", getattr(one, name), longest=500)


class SealMonth(_OnMonth, frozen=True, kw_only=True):
    """Close a month: its figures are final. `left_out` get none.

    `digest` is that of the figures as they were seen: if they have changed since, it is refused.
    """

    NAME: ClassVar[str] = "month.seal"
    left_out: list[LeftOut] = []
    digest: str | None = None
    note: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.note is not None:
            checks.text("/note", self.note, longest=500)


class ReopenMonth(_OnMonth, frozen=True, kw_only=True):
    """Let the figures of a sealed month change."""

    NAME: ClassVar[str] = "month.reopen"
    reason: str


class RestateMonth(_OnMonth, frozen=True, kw_only=True):
    """Close a reopened month again; the restatement is numbered and says what changed.

    `digest` is that of the figures as they were seen: if they have changed since, it is refused.
    """

    NAME: ClassVar[str] = "month.restate"
    reason: str
    left_out: list[LeftOut] = []
    digest: str | None = None
