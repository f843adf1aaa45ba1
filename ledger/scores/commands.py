"""The commands about monthly scores."""

from typing import Annotated, ClassVar

from ledger.common.bounds import (
    Id,
    Items,
    MemberId,
    Month,
    Note,
    Number,
    Points,
    Reason,
    Sha256,
    Text,
    Words,
)
from ledger.common.personal import Plain
from ledger.core.commands import OnStream, Wanted, Work
from ledger.people.authority import person_of_member
from ledger.scores.account import Account
from ledger.scores.closings import CLOSINGS, Closings
from ledger.scores.values import SHEETS, LeftOut, account_of

MAX_ITEMS = 200


class _OnAccount(OnStream, frozen=True, kw_only=True):
    """A command on a member's month."""

    AGGREGATE = Account
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    member: MemberId
    month: Month
    post: Id
    note: Note | None = None

    @property
    def subject(self) -> str:
        """The account's stream."""
        return account_of(self.member, self.month)

    def streams(self) -> Wanted:
        return [*super().streams(), (Closings, CLOSINGS)]

    def persons(self) -> list[str]:
        return [] if self.note is None else [self.member]

    def noted(self, work: Work, account: Account) -> Plain | None:
        """The note on its way into an event, where it is sealed for the member. Errors: PersonLost
        (R-KEY-06)."""
        if self.note is None:
            return None
        return Plain(person_of_member(work, self.member, account), self.note)


class GradeMember(_OnAccount, frozen=True, kw_only=True):
    """Grade items of a member's scorecard.

    `sheet` is `committee` or `second`. Units: `grades` in percent of each item's weight, "0" to
    "100", with at most one digit after the point.
    """

    NAME: ClassVar[str] = "month.grade"
    sheet: Annotated[str, Words(*SHEETS)]
    grades: Annotated[dict[Id, Annotated[str, Number(most="100", digits=1)]],
                      Items(least=1, most=MAX_ITEMS)]


class SetBonus(_OnAccount, frozen=True, kw_only=True):
    """Grant points for a voluntary task; "0" takes them back. Units: points."""

    NAME: ClassVar[str] = "month.set_bonus"
    task: Annotated[str, Text(longest=200)]
    points: Points


class _OnMonth(OnStream, frozen=True, kw_only=True):
    """A command on a month of the whole ledger."""

    AGGREGATE = Closings
    month: Month

    @property
    def subject(self) -> str:
        """The stream of the closed months."""
        return CLOSINGS


class SealMonth(_OnMonth, frozen=True, kw_only=True):
    """Close a month: its figures are final. `left_out` get none.

    `digest` is that of the figures as they were seen: if they have changed since, it is refused.
    """

    NAME: ClassVar[str] = "month.seal"
    left_out: Annotated[list[LeftOut], Items()] = []
    digest: Sha256 | None = None
    note: Note | None = None


class ReopenMonth(_OnMonth, frozen=True, kw_only=True):
    """Let the figures of a sealed month change."""

    NAME: ClassVar[str] = "month.reopen"
    reason: Reason


class RestateMonth(_OnMonth, frozen=True, kw_only=True):
    """Close a reopened month again; the restatement is numbered and says what changed.

    `digest` is that of the figures as they were seen: if they have changed since, it is refused.
    """

    NAME: ClassVar[str] = "month.restate"
    reason: Reason
    left_out: Annotated[list[LeftOut], Items()] = []
    digest: Sha256 | None = None
