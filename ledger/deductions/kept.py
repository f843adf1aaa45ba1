"""What a read model keeps of a deduction: enough for its next event, and for the register."""

from collections.abc import Mapping
from typing import Self

import msgspec

from ledger.deductions.deduction import Deduction
from ledger.deductions.values import Breach, Share


class Kept(msgspec.Struct, omit_defaults=True):
    """A deduction."""

    state: str
    breach: Breach
    proposers: tuple[str, ...]
    named: tuple[str | None, ...]
    occurrence: int = 1
    renews: str | None = None
    decided_by: str = ""
    appeal_until: str = ""
    shares: Mapping[str, Share] = {}
    charged: tuple[str, ...] = ()
    appeals: Mapping[str, str] = {}
    acknowledged: tuple[str, ...] = ()
    excused: tuple[str, ...] = ()
    share_open: str | None = None
    appeal_until_of: Mapping[str, str] = {}

    @classmethod
    def of(cls, one: Deduction) -> Self:
        """What is kept of a deduction."""
        return cls(one.state, one.breach, one.proposers, one.named, one.occurrence, one.renews,
                   one.decided_by, one.appeal_until, one.shares, one.charged, one.appeals,
                   one.acknowledged, one.excused, one.share_open, one.appeal_until_of)

    def restored(self, stream: str) -> Deduction:
        """The deduction again, for its next event."""
        one = Deduction.blank(stream)
        one.state, one.breach = self.state, self.breach
        one.proposers, one.named = self.proposers, self.named
        one.occurrence, one.renews = self.occurrence, self.renews
        one.decided_by, one.appeal_until = self.decided_by, self.appeal_until
        one.shares, one.charged, one.appeals = self.shares, self.charged, self.appeals
        one.acknowledged, one.excused = self.acknowledged, self.excused
        one.share_open, one.appeal_until_of = self.share_open, self.appeal_until_of
        return one
