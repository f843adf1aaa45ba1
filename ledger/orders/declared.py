"""What a file declares about an order: recorded as far as it is new, with the file's own times.

A declaration is not decided, since what it says has happened. What differs from the order as known
is recorded; refused is only what cannot be the same order.
"""

from collections.abc import Collection
from typing import Annotated, ClassVar

import msgspec

from ledger.common.bounds import Id, InAll, Items, LongText, Waybills, Whole, Words
from ledger.common.errors import Refused
from ledger.common.moments import Moment
from ledger.common.values import Checks
from ledger.orders.order import Order
from ledger.orders.placing import NewOrder
from ledger.orders.values import AMOUNT_FIELDS, ENDED, MAX_LINES, Payment
from ledger.stock.pieces import Count

MAX_REUSE_GAP_DAYS = 100_000


class NumberReused(Refused):
    """{order} is in the ledger as another order ({why}). If the platform gave its number a second
    time, record this one as a re-used number."""

    code = "number_reused"
    rule = "R-ORD-02"


class BuyerLost(Refused):
    """The buyer of {order} is on record, and there is no key of theirs: nobody can say whether this
    is the same one. If there is a backup of the keys, restore it (`ledger restore --keys FILE`). If
    they are lost for good, `ledger give-up-keys` goes on with new ones."""

    code = "buyer_lost"
    rule = "R-KEY-08"


class Sent(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Pieces of an order that went out together."""

    at: Moment
    lines: Annotated[list[Count], Items(least=1, most=MAX_LINES)]
    courier: LongText | None = None
    waybill: Waybills | None = None


class RecordOrder(NewOrder, frozen=True, kw_only=True):
    """Declare what a file says of an order: all of it, in the file's own times."""

    NAME: ClassVar[str] = "order.record"
    PERSONAL: ClassVar[tuple[str, ...]] = (*NewOrder.PERSONAL, "remark", "reason")
    INCIDENTAL: ClassVar[tuple[str, ...]] = ("reason",)
    REFUSALS_KEPT: ClassVar[bool] = False
    placed: Moment
    declared: Moment | None = None
    """When the file was made, for changes that have no time of their own."""
    stated: Moment | None = None
    """When the file itself was made, where that is known: it decides what is older news."""
    paid: Moment | None = None
    paid_minor: InAll | None = None
    paid_reference: Id | None = None
    """The platform's reference of the payment, of the last one where there are several."""
    payments: Annotated[list[Payment], Items()] = []
    refunded: Moment | None = None
    refunded_minor: InAll | None = None
    refund_reference: Id | None = None
    dispatched: Moment | None = None
    sent: Annotated[list[Sent], Items(most=MAX_LINES)] = []
    """What went out, where a file says so of each line; `dispatched` is about all that is left."""
    courier: LongText | None = None
    waybill: Waybills | None = None
    delivered: Moment | None = None
    refused: Moment | None = None
    """When the buyer did not take what was sent, and it was on its way back."""
    lost: Moment | None = None
    """When the courier had lost what was sent."""
    ended: Moment | None = None
    ended_as: Annotated[str, Words("", *ENDED)] = ""
    cancelled: Annotated[list[Count], Items(most=MAX_LINES)] = []
    """Pieces that are no longer wanted, while the rest of the order goes on."""
    reason: LongText | None = None
    remark: LongText | None = None
    reuse_gap_days: Annotated[int, Whole(least=0, most=MAX_REUSE_GAP_DAYS)] = 0
    warehouse: Id | None = None
    """Where the goods went out from; None moves no stock."""

    def persons(self) -> list[str]:
        written = self.remark is not None or self.reason is not None
        return [self.buyer] if written or self.personal() else []

    def passed_over(self, before: Order) -> Collection[str]:
        return self.PERSONAL if self.stated is None and self.is_older_than(before) else ()

    def is_older_news(self, subject: Order) -> bool:
        """By the file's own time, of anything that it speaks of; without one, by what happened."""
        if self.stated is None:
            return subject.placed_at is not None and self.is_older_than(subject)
        return any(self.stated.at < subject.stated[fact]
                   for fact in self.speaks_of() if fact in subject.stated)

    def is_older_than(self, order: Order) -> bool:
        """Whether it shows an earlier state of an order than this: an old export brought late.

        What a platform has done does not vanish: a file that lacks a known payment, dispatch or
        end, or has a smaller sum, was made before. A sum that really was wrong is corrected by
        `CorrectOrder`.
        """
        return (
            (order.paid_at is not None and self.paid is None)
            or (order.dispatched_at is not None and self.dispatched is None and not self.sent)
            or (order.delivered_at is not None and self.delivered is None)
            or (bool(order.ended) and self.ended is None)
            or (self.paid_minor or 0) < order.paid_minor
            or (self.refunded_minor or 0) < order.refunded_minor
        )

    def speaks_of(self) -> list[str]:
        """The facts of which it says something that a newer file may say otherwise, sorted."""
        said = {name: getattr(self.amounts, name) for name in AMOUNT_FIELDS} | self.personal()
        said |= {"province": self.province, "remark": self.remark, "lines": self.lines,
                 "ended": self.ended}
        return sorted(name for name, value in said.items() if value is not None)

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if (self.paid is None) != (self.paid_minor is None):
            checks.fault("/paid", "half", "needs both a time and an amount")
        if self.refunded_minor and self.refunded is None:
            checks.fault("/refunded", "half", "needs both a time and an amount")
        if self.ended is not None and not self.ended_as:
            checks.fault("/ended_as", "unknown", f"is empty, not one of {', '.join(ENDED)}")
