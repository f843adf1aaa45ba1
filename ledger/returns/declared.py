"""What a file declares about a case of a known order: recorded as far as it is new."""

from typing import Annotated, ClassVar

from ledger.common.bounds import Id, InAll, Items, Payable, Reason, Stream, Words
from ledger.common.moments import Moment
from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.orders.order import Order
from ledger.returns.commands import NewCase
from ledger.returns.values import (
    KINDS,
    MAX_LINES,
    REFUND_ONLY,
    RETURN_AND_REFUND,
    Outcome,
)


class DeclareCase(NewCase, frozen=True, kw_only=True):
    """Declare all that a file says of a case: what the buyer wants, what came back and when, what
    became of it, what was refunded. Units: minor units; `refunded_minor` is all of it so far.

    A line without `order_line` is the order's line of its SKU; without a price it costs what that
    costs. `outcomes` are of what came. `closed`: both sides are done with it.
    """

    NAME: ClassVar[str] = "case.declare"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    INCIDENTAL: ClassVar[tuple[str, ...]] = ("reason",)
    REFUSALS_KEPT: ClassVar[bool] = False
    order: Stream
    kind: Annotated[str, Words(*KINDS)] = RETURN_AND_REFUND
    requested: Moment
    came: Moment | None = None
    outcomes: Annotated[list[Outcome], Items(most=MAX_LINES)] = []
    refund_minor: Payable | None = None
    refunded: Moment | None = None
    refunded_minor: InAll | None = None
    refund_reference: Id | None = None
    closed: Moment | None = None
    reason: Reason | None = None
    warehouse: Id | None = None
    """Where it came in; None moves no stock."""

    def written_for(self) -> tuple[type[Aggregate], str]:
        """The order, whose buyer asks for it."""
        return Order, self.order

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.kind != REFUND_ONLY and not self.lines:
            checks.fault("/lines", "missing", "are needed: what comes back?")
        if self.refunded_minor and self.refunded is None:
            checks.fault("/refunded", "half", "needs both a time and an amount")
