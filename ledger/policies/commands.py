"""The commands about policies."""

from datetime import datetime
from typing import ClassVar

from ledger.common.days import check_day
from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.values import Policy

MAX_NOTES = 200


class PublishPolicy(Command, frozen=True, kw_only=True):
    """Let a policy hold from a day on."""

    NAME: ClassVar[str] = "policy.publish"
    policy: Policy
    effective_from: str
    occurred_at: datetime

    @property
    def subject(self) -> str:
        """The book's stream."""
        return BOOK

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(PolicyBook, BOOK)]

    def check(self, checks: Checks) -> None:
        checks.moment("/occurred_at", self.occurred_at)
        check_day(checks, "/effective_from", self.effective_from)
        checks.text("/policy/title", self.policy.title, longest=200)
        if self.policy.source is not None:
            checks.text("/policy/source", self.policy.source)
        if len(self.policy.notes) > MAX_NOTES:
            checks.fault("/policy/notes", "too_many", f"{MAX_NOTES} are allowed")
        for index, note in enumerate(self.policy.notes):
            checks.text(f"/policy/notes/{index}", note)


class WithdrawPolicy(Command, frozen=True, kw_only=True):
    """Take back the last version, before the day from which it would hold."""

    NAME: ClassVar[str] = "policy.withdraw"
    version: int
    reason: str
    occurred_at: datetime

    @property
    def subject(self) -> str:
        """The book's stream."""
        return BOOK

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(PolicyBook, BOOK)]

    def check(self, checks: Checks) -> None:
        checks.moment("/occurred_at", self.occurred_at)
        checks.integer("/version", self.version, least=1)
        checks.text("/reason", self.reason, longest=500)
