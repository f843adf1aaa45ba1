"""The signatures of a month: one small stream for a month, of a shop or of all.

A signature does not close the month: what is recorded in it later is said by the report, and a
later signature names the one before.
"""

from collections.abc import Sequence
from datetime import datetime

from ledger.common.days import month_of
from ledger.core.aggregate import Aggregate, event
from ledger.reconciliation.errors import (
    CauseNeedsNote,
    DifferencesDoNotAddUp,
    NothingToSign,
    PeriodNotOver,
    SignedAlready,
    TakingsChanged,
)
from ledger.reconciliation.figures import OTHER, Difference, Money, digest_of, missing_of


def must_be_over(month: str, day: str) -> None:
    """Errors: PeriodNotOver (R-REC-01)."""
    if month_of(day) <= month:
        raise PeriodNotOver(month=month, day=day)


class Reconciliation(Aggregate):
    """A month's signatures; its stream is `reconciliation:<month>`, and for one shop
    `reconciliation:<month>:<channel>:<shop>`."""

    KIND = "reconciliation"

    def begin(self) -> None:
        """Nobody signed it."""
        self.digest = ""
        self.differences: tuple[Difference, ...] = ()

    # -- facts ------------------------------------------------------------------------------------

    class Signed(Aggregate.Event):
        """Somebody signed what came in of a month against what its orders cost, and why these
        differ. `digest`: see `digest_of`; `supersedes` is the version of the signature before."""

        TOPIC = "reconciliation.signed.v1"
        month: str
        signer: str
        figures: list[Money]
        differences: list[Difference]
        digest: str
        channel: str | None = None
        shop: str | None = None
        supersedes: int | None = None

    # -- mutators ---------------------------------------------------------------------------------

    @event(Signed)
    def _signed(self, digest, differences):
        self.digest, self.differences = digest, tuple(differences)

    # -- rules ------------------------------------------------------------------------------------

    def sign(
        self, said: dict[str, str | None], figures: list[Money], differences: Sequence[Difference],
        *, digest: str, today: str, occurred_at: datetime,
    ) -> None:
        """Sign figures that were seen, today. Shapes: said {month, channel, shop, signer}.

        Errors: R-REC-01 to R-REC-06, R-GEN-03.
        """
        month = str(said["month"])
        must_be_over(month, today)
        self.must_follow(occurred_at)
        if not figures:
            raise NothingToSign(stream=self.id, month=month)
        if digest != (now := digest_of(self.id, figures)):
            raise TakingsChanged(stream=self.id, month=month, digest=now)
        for one in differences:
            if one.cause == OTHER and one.note is None:
                raise CauseNeedsNote(amount_minor=one.amount_minor, currency=one.currency)
        if missing := missing_of(figures, differences):
            raise DifferencesDoNotAddUp(stream=self.id, missing=", ".join(
                f"{amount} {currency}" for currency, amount in missing.items()))
        if (digest, tuple(differences)) == (self.digest, self.differences):
            raise SignedAlready(stream=self.id, version=self.version)
        self._signed(**said, figures=figures, differences=list(differences), digest=digest,
                     supersedes=self.version or None, occurred_at=occurred_at)
