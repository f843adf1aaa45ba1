"""The commands about policies."""

from typing import ClassVar

from ledger.common.bounds import At, Day, Ordinal, Reason
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.values import Policy


class PublishPolicy(Command, frozen=True, kw_only=True):
    """Let a policy hold from a day on."""

    NAME: ClassVar[str] = "policy.publish"
    policy: Policy
    effective_from: Day
    occurred_at: At

    @property
    def subject(self) -> str:
        """The book's stream."""
        return BOOK

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(PolicyBook, BOOK)]


class WithdrawPolicy(Command, frozen=True, kw_only=True):
    """Take back the last version, before the day from which it would hold."""

    NAME: ClassVar[str] = "policy.withdraw"
    version: Ordinal
    reason: Reason
    occurred_at: At

    @property
    def subject(self) -> str:
        """The book's stream."""
        return BOOK

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(PolicyBook, BOOK)]
