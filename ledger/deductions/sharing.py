"""Who is charged by a deduction, and the supervisor's share that waits for a supervisor.

The offender's charge does not wait: where nobody is known who supervised them that day, the share
of the supervisor stays open, until one is known, who is then charged, or a reviewer gives it up.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ledger.common.personal import Personal, Plain
from ledger.core.aggregate import Aggregate, event
from ledger.deductions.errors import NoShareOpen
from ledger.deductions.values import APPEALED, Share


class DeductionShares(Aggregate):
    """The part of a deduction that knows who is charged; its stream is `deduction:<number>`."""

    KIND = "deduction"

    def begin(self) -> None:
        """Nobody is charged."""
        self.shares: Mapping[str, Share] = {}
        self.charged: tuple[str, ...] = ()
        self.appeals: Mapping[str, str] = {}
        self.share_open: str | None = None
        self.appeal_until_of: Mapping[str, str] = {}

    class SupervisorCharged(Aggregate.Event):
        """It is now known who supervised the offender that day: they are charged, too.
        `appeal_until` is a day."""

        TOPIC = "deduction.supervisor_charged.v1"
        share: Share
        charged_by: str
        appeal_until: str

        def about(self) -> list[str]:
            """The supervisor."""
            return [self.share.member]

    class ShareWaived(Aggregate.Event):
        """Nobody will be charged as the supervisor."""

        TOPIC = "deduction.share_waived.v1"
        waived_by: str
        reason: Personal | None = None

    @event(SupervisorCharged)
    def _supervisor_charged(self, share, appeal_until):
        self.share_open = None
        self.shares = {**self.shares, share.member: share}
        self.charged = (*self.charged, share.member)
        self.appeal_until_of = {**self.appeal_until_of, share.member: appeal_until}

    @event(ShareWaived)
    def _share_waived(self):
        self.share_open = None

    def _fall(self, members: Sequence[str], how: str) -> None:
        """Charges fall, and with them the open appeals against them; with the offender's, what is
        open of the supervisor's."""
        if any(self.shares[name].party == "offender" for name in members if name in self.shares):
            self.share_open = None
        self.shares = {name: one for name, one in self.shares.items() if name not in members}
        self.appeals = {name: how if state == APPEALED and name in members else state
                        for name, state in self.appeals.items()}

    def falls_with(self, member: str) -> list[Share]:
        """The shares that fall with a member's: with the offender's, also the supervisor's."""
        share = self.shares.get(member)
        if share is None or share.party != "offender":
            return [share] if share else []
        return [share, *(one for one in self.shares.values() if one.party == "supervisor")]

    def must_have_open_share(self) -> str:
        """The points of the share that waits. Errors: NoShareOpen (R-DED-32)."""
        if self.share_open is None:
            raise NoShareOpen(deduction=self.id)
        return self.share_open

    def charge_supervisor(
        self, share: Share, by: str, appeal_until: str, *, occurred_at: datetime
    ) -> None:
        """Errors: R-DED-32."""
        self.must_have_open_share()
        self._supervisor_charged(share=share, charged_by=by, appeal_until=appeal_until,
                                 occurred_at=occurred_at)

    def give_up_share(self, reason: Plain, by: str, *, occurred_at: datetime) -> None:
        """Errors: R-DED-32."""
        self.must_have_open_share()
        self._share_waived(reason=reason, waived_by=by, occurred_at=occurred_at)
