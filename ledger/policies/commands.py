"""The commands about policies."""

from typing import ClassVar

from ledger.common.bounds import Day, Ordinal, Reason
from ledger.core.commands import OnStream
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.values import Policy


class _OnBook(OnStream, frozen=True, kw_only=True):
    """A command on the book of policies."""

    AGGREGATE = PolicyBook

    @property
    def subject(self) -> str:
        """The book's stream."""
        return BOOK


class PublishPolicy(_OnBook, frozen=True, kw_only=True):
    """Let a policy hold from a day on."""

    NAME: ClassVar[str] = "policy.publish"
    policy: Policy
    effective_from: Day


class WithdrawPolicy(_OnBook, frozen=True, kw_only=True):
    """Take back the last version, before the day from which it would hold."""

    NAME: ClassVar[str] = "policy.withdraw"
    version: Ordinal
    reason: Reason


class ConfirmRetention(_OnBook, frozen=True, kw_only=True):
    """Confirm how long a version keeps persons, as somebody else than who published it."""

    NAME: ClassVar[str] = "policy.confirm_retention"
    version: Ordinal
