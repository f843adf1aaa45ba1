"""The commands about after-sales cases."""

from datetime import datetime
from typing import Annotated, ClassVar

from ledger.common.between import Said, among, fork, given
from ledger.common.bounds import (
    At,
    Currency,
    Id,
    Items,
    Name,
    Note,
    Payable,
    Reason,
    Stream,
    Text,
    Words,
)
from ledger.common.moments import Moment
from ledger.common.values import Checks, subject
from ledger.core.commands import Command, OnStream, Wanted, Work
from ledger.orders.placing import check_price
from ledger.returns.case import Case
from ledger.returns.values import (
    KINDS,
    MAX_LINES,
    REFUND_ONLY,
    WITH_GOODS,
    CaseLine,
    Match,
    Outcome,
)
from ledger.stock.pieces import Count, Late

SOME = Items(least=1, most=MAX_LINES)


class NewCase(Command, frozen=True, kw_only=True):
    """What identifies a case, however it begins."""

    channel: Id
    shop: Name
    number: Id
    currency: Currency
    lines: Annotated[list[CaseLine], Items(most=MAX_LINES)] = []

    @property
    def subject(self) -> str:
        """The case's stream."""
        return subject("case", self.channel, self.shop, self.number)

    def streams(self) -> Wanted:
        return [(Case, self.subject)]

    def check(self, checks: Checks) -> None:
        seen: dict[str, int] = {}
        for index, line in enumerate(self.lines):
            if not line.fee:
                check_price(checks, index, line)
            if (other := seen.setdefault(line.line, index)) != index:
                checks.fault(f"/lines/{index}/line", "twice",
                             f"is the name of /lines/{other} already")


class RequestCase(NewCase, frozen=True, kw_only=True):
    """A buyer wants money back, or to send goods back. Units: minor units."""

    NAME: ClassVar[str] = "case.request"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    BETWEEN: ClassVar[Said] = {
        "properties": {"lines": {"items": {"properties": {"fee": {"enum": [False]}}}}},
        **fork(among("kind", REFUND_ONLY), given("refund_minor", type="integer"),
               given("lines", minItems=1))}
    kind: Annotated[str, Words(*KINDS)]
    order: Stream
    occurred_at: At
    refund_minor: Payable | None = None
    reason: Reason | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.kind == REFUND_ONLY and self.refund_minor is None:
            checks.fault("/refund_minor", "missing", f"is needed for {REFUND_ONLY}")
        elif self.kind in WITH_GOODS and not self.lines:
            checks.fault("/lines", "missing", "are needed: what comes back?")
        for index, line in enumerate(self.lines):
            if line.fee:
                checks.fault(f"/lines/{index}/fee", "not_goods",
                             "is a fee, and cannot be sent back")


class ReceiveParcel(NewCase, frozen=True, kw_only=True):
    """A parcel came back, and nobody knows of which order."""

    NAME: ClassVar[str] = "case.receive_parcel"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    BETWEEN: ClassVar[Said] = given("lines", minItems=1, items={
        "required": ["sku"],
        "properties": {"sku": {"type": "string"}, "fee": {"enum": [False]}}})
    warehouse: Id
    occurred_at: At
    note: Note | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if not self.lines:
            checks.fault("/lines", "missing", "are needed: what came back?")
        for index, line in enumerate(self.lines):
            if line.sku is None or line.fee:
                checks.fault(f"/lines/{index}/sku", "missing", "is needed: which goods came back?")


class RecordReturn(NewCase, frozen=True, kw_only=True):
    """Declare what came back according to a file; with a warehouse, into its inspection."""

    NAME: ClassVar[str] = "case.record"
    PERSONAL: ClassVar[tuple[str, ...]] = ("account", "reason")
    REFUSALS_KEPT: ClassVar[bool] = False
    at: Moment
    warehouse: Id | None = None
    account: Annotated[str, Text(longest=500)] | None = None
    reason: Reason | None = None

    @property
    def buyer(self) -> str:
        """The lookup of the person whose data this is: the account, else the case itself."""
        if self.account is None:
            return self.subject
        return subject("buyer", self.channel, self.account)

    @property
    def occurred_at(self) -> datetime:
        """When the goods came back."""
        return self.at.at

    def persons(self) -> list[str]:
        return [] if self.account is None and self.reason is None else [self.buyer]

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if not self.lines:
            checks.fault("/lines", "missing", "are needed: what came back?")


# -- on a known case ------------------------------------------------------------------------------


class OnCase(OnStream, frozen=True, kw_only=True):
    """A command on one known case."""

    AGGREGATE = Case
    case: Stream

    @property
    def subject(self) -> str:
        """The case's stream."""
        return self.case

    def load(self, work: Work) -> Case:
        """The case. Errors: CaseUnknown (R-RET-01)."""
        case: Case = work.load(Case, self.case)
        case.must_be_known()
        return case


class MatchCase(OnCase, frozen=True, kw_only=True):
    """Say which order the goods of a case belong to, line by line."""

    NAME: ClassVar[str] = "case.match"
    order: Stream
    lines: Annotated[list[Match], SOME]


class AuthoriseCase(OnCase, frozen=True, kw_only=True):
    """The shop agrees to what the buyer wants."""

    NAME: ClassVar[str] = "case.authorise"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    note: Note | None = None


class RejectCase(OnCase, frozen=True, kw_only=True):
    """The shop does not agree."""

    NAME: ClassVar[str] = "case.reject"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    reason: Reason


class ReceiveGoods(OnCase, frozen=True, kw_only=True):
    """Awaited pieces arrived in a warehouse."""

    NAME: ClassVar[str] = "case.receive_goods"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    warehouse: Id
    lines: Annotated[list[Count], SOME]
    note: Note | None = None


class InspectGoods(OnCase, frozen=True, kw_only=True):
    """Say what becomes of pieces that arrived. `late` says `not_counted` of pieces that a count has
    not seen which came after the inspection and is recorded before."""

    NAME: ClassVar[str] = "case.inspect"
    lines: Annotated[list[Outcome], SOME]
    late: Late = ""


class ApproveRefund(OnCase, frozen=True, kw_only=True):
    """So much more may be paid back. Units: minor units."""

    NAME: ClassVar[str] = "case.approve_refund"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    amount_minor: Payable
    note: Note | None = None


class PayRefund(OnCase, frozen=True, kw_only=True):
    """So much was paid back; with the platform's reference it is recorded once. Units: minor units.
    """

    NAME: ClassVar[str] = "case.pay_refund"
    amount_minor: Payable
    reference: Id | None = None


class WithdrawCase(OnCase, frozen=True, kw_only=True):
    """The buyer no longer wants it."""

    NAME: ClassVar[str] = "case.withdraw"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    reason: Reason


class CloseCase(OnCase, frozen=True, kw_only=True):
    """Both legs have ended; what never came is no longer awaited. Where a refund was asked for and
    nothing of it is approved, `declined_minor` says that the buyer does not get it. Units: minor
    units."""

    NAME: ClassVar[str] = "case.close"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    declined_minor: Payable | None = None
    note: Note | None = None
