"""The command that signs a month."""

from typing import Annotated, ClassVar

from ledger.common.between import Said, empty, fork, given
from ledger.common.bounds import Id, Items, Month, Name, Sha256
from ledger.common.values import Checks
from ledger.core.commands import OnStream
from ledger.reconciliation.figures import Difference, stream_of
from ledger.reconciliation.signing import Reconciliation

MAX_DIFFERENCES = 500


class SignReconciliation(OnStream, frozen=True, kw_only=True):
    """Sign what came in of a month against what its orders cost: of a channel and shop, or of all.

    `digest` is that of the figures as the report `reconciliation` of the month showed them: if they
    have changed since, it is refused. `differences` say why what the orders cost differs from what
    came in: per currency they add up to exactly that. Units: minor units, below 0 where more came
    in.
    """

    NAME: ClassVar[str] = "reconciliation.sign"
    AGGREGATE = Reconciliation
    BETWEEN: ClassVar[Said] = fork(
        empty("channel"), empty("shop"), given("shop", type="string"))
    month: Month
    channel: Id | None = None
    shop: Name | None = None
    digest: Sha256
    differences: Annotated[list[Difference], Items(most=MAX_DIFFERENCES)] = []

    def check(self, checks: Checks) -> None:
        """A shop is one of a channel."""
        for name, value, other in (("channel", self.channel, self.shop),
                                   ("shop", self.shop, self.channel)):
            if value is None and other is not None:
                checks.fault(f"/{name}", "missing", "is needed: a shop is one of a channel")

    @property
    def subject(self) -> str:
        """The stream of the month."""
        return stream_of(self.month, self.channel, self.shop)
