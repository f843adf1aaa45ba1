"""The commands about after-sales cases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from ledger.common.moments import Moment
from ledger.common.values import MAX_INTEGER, Checks, subject
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command
from ledger.returns.case import Case
from ledger.returns.values import (
    DISPOSITIONS,
    KINDS,
    MAX_LINES,
    REFUND_ONLY,
    CaseLine,
    Match,
    Outcome,
)
from ledger.stock.pieces import Count, check_late


class _NewCase(Command, frozen=True, kw_only=True):
    """What identifies a case, however it begins."""

    channel: str
    shop: str
    number: str
    currency: str
    lines: list[CaseLine] = []

    @property
    def subject(self) -> str:
        """The case's stream."""
        return subject("case", self.channel, self.shop, self.number)

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(Case, self.subject)]

    def check(self, checks: Checks) -> None:
        for name in ("channel", "shop", "number"):
            checks.text(f"/{name}", getattr(self, name), longest=100)
        checks.currency("/currency", self.currency)
        if len(self.lines) > MAX_LINES:
            checks.fault("/lines", "too_many", f"are {len(self.lines)}, {MAX_LINES} are allowed")
        seen: dict[str, int] = {}
        for index, line in enumerate(self.lines):
            at = f"/lines/{index}"
            _check_line(line, checks, at)
            if (other := seen.setdefault(line.line, index)) != index:
                checks.fault(f"{at}/line", "twice", f"is the name of /lines/{other} already")


def _check_line(line: CaseLine, checks: Checks, at: str) -> None:
    checks.text(f"{at}/line", line.line, longest=100)
    for name, longest in (("sku", 100), ("title", 500), ("order_line", 100)):
        if (value := getattr(line, name)) is not None:
            checks.text(f"{at}/{name}", value, longest=longest)
    checks.integer(f"{at}/quantity", line.quantity, least=1, most=10**9)
    least = -MAX_INTEGER if line.fee else 0
    checks.integer(f"{at}/unit_price", line.unit_price, least=least)
    checks.integer(f"{at}/unit_price_scale", line.unit_price_scale, least=0, most=8)
    checks.integer(f"{at}/amount_minor", line.amount_minor, least=least)


class RequestCase(_NewCase, frozen=True, kw_only=True):
    """A buyer wants money back, or to send goods back. Units: minor units."""

    NAME: ClassVar[str] = "case.request"
    kind: str
    order: str
    occurred_at: datetime
    refund_minor: int | None = None
    reason: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.moment("/occurred_at", self.occurred_at)
        checks.text("/order", self.order, longest=500)
        if self.kind not in KINDS:
            checks.fault("/kind", "unknown", f"is {self.kind!r}, not {' or '.join(KINDS)}")
        elif self.kind == REFUND_ONLY and self.refund_minor is None:
            checks.fault("/refund_minor", "missing", f"is needed for {REFUND_ONLY}")
        elif self.kind != REFUND_ONLY and not self.lines:
            checks.fault("/lines", "missing", "are needed: what comes back?")
        for index, line in enumerate(self.lines):
            if line.fee:
                checks.fault(f"/lines/{index}/fee", "not_goods", "is no goods to send back")
        if self.refund_minor is not None:
            checks.integer("/refund_minor", self.refund_minor, least=1)
        if self.reason is not None:
            checks.text("/reason", self.reason, longest=500)


class ReceiveParcel(_NewCase, frozen=True, kw_only=True):
    """A parcel came back, and nobody knows of which order."""

    NAME: ClassVar[str] = "case.receive_parcel"
    warehouse: str
    occurred_at: datetime
    note: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/warehouse", self.warehouse, longest=100)
        checks.moment("/occurred_at", self.occurred_at)
        if not self.lines:
            checks.fault("/lines", "missing", "are needed: what came back?")
        for index, line in enumerate(self.lines):
            if line.sku is None or line.fee:
                checks.fault(f"/lines/{index}/sku", "missing", "is needed: which goods came back?")
        _check_note(self, checks, "note")


class RecordReturn(_NewCase, frozen=True, kw_only=True):
    """Declare what a file tells to have come back; with a warehouse, into its inspection."""

    NAME: ClassVar[str] = "case.record"
    REFUSALS_KEPT: ClassVar[bool] = False
    at: Moment
    warehouse: str | None = None
    account: str | None = None
    reason: str | None = None

    @property
    def buyer(self) -> str:
        """The lookup of the person whose data this is."""
        return subject("buyer", self.channel, self.account or "")

    @property
    def occurred_at(self) -> datetime:
        """When the goods came back."""
        return self.at.at

    def persons(self) -> list[str]:
        return [] if self.account is None else [self.buyer]

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.moment("/at", self.at.at)
        if not self.lines:
            checks.fault("/lines", "missing", "are needed: what came back?")
        for name in ("warehouse", "account", "reason"):
            _check_note(self, checks, name)


# -- on a known case ------------------------------------------------------------------------------


class OnCase(Command, frozen=True, kw_only=True):
    """A command on one known case."""

    case: str
    occurred_at: datetime

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(Case, self.case)]

    def check(self, checks: Checks) -> None:
        checks.text("/case", self.case, longest=500)
        checks.moment("/occurred_at", self.occurred_at)
        for name in ("note", "reason"):
            if hasattr(self, name):
                _check_note(self, checks, name)

    def load(self, work: Any) -> Case:
        """The case. Errors: CaseUnknown (R-RET-01)."""
        case: Case = work.load(Case, self.case)
        case.must_be_known()
        return case


class MatchCase(OnCase, frozen=True, kw_only=True):
    """Say which order the goods of a case belong to, line by line."""

    NAME: ClassVar[str] = "case.match"
    order: str
    lines: list[Match]

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/order", self.order, longest=500)
        _check_some(self.lines, checks)
        for index, match in enumerate(self.lines):
            checks.text(f"/lines/{index}/line", match.line, longest=100)
            checks.text(f"/lines/{index}/order_line", match.order_line, longest=100)


class AuthoriseCase(OnCase, frozen=True, kw_only=True):
    """The shop agrees to what the buyer wants."""

    NAME: ClassVar[str] = "case.authorise"
    note: str | None = None


class RejectCase(OnCase, frozen=True, kw_only=True):
    """The shop does not agree."""

    NAME: ClassVar[str] = "case.reject"
    reason: str


class ReceiveGoods(OnCase, frozen=True, kw_only=True):
    """Awaited pieces arrived in a warehouse."""

    NAME: ClassVar[str] = "case.receive_goods"
    warehouse: str
    lines: list[Count]
    note: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/warehouse", self.warehouse, longest=100)
        _check_counts(self.lines, checks)


class InspectGoods(OnCase, frozen=True, kw_only=True):
    """Say what becomes of pieces that arrived. `late`: see `MoveStock`."""

    NAME: ClassVar[str] = "case.inspect"
    lines: list[Outcome]
    late: str = ""

    def check(self, checks: Checks) -> None:
        super().check(checks)
        _check_counts(self.lines, checks)
        for index, outcome in enumerate(self.lines):
            at = f"/lines/{index}"
            if outcome.disposition not in DISPOSITIONS:
                checks.fault(f"{at}/disposition", "unknown",
                             f"is {outcome.disposition!r}, not one of {', '.join(DISPOSITIONS)}")
            checks.text(f"{at}/bin", outcome.bin, longest=100, empty=True)
            if outcome.note is not None:
                checks.text(f"{at}/note", outcome.note, longest=500)
        check_late(self.late, checks)


class ApproveRefund(OnCase, frozen=True, kw_only=True):
    """So much more may be paid back. Units: minor units."""

    NAME: ClassVar[str] = "case.approve_refund"
    amount_minor: int
    note: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.integer("/amount_minor", self.amount_minor, least=1)


class PayRefund(OnCase, frozen=True, kw_only=True):
    """So much was paid back. Units: minor units."""

    NAME: ClassVar[str] = "case.pay_refund"
    amount_minor: int

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.integer("/amount_minor", self.amount_minor, least=1)


class WithdrawCase(OnCase, frozen=True, kw_only=True):
    """The buyer does not want it any more."""

    NAME: ClassVar[str] = "case.withdraw"
    reason: str


class CloseCase(OnCase, frozen=True, kw_only=True):
    """Both legs have ended; what never came is not awaited any more."""

    NAME: ClassVar[str] = "case.close"
    note: str | None = None


def _check_some(lines: Sequence[Any], checks: Checks) -> None:
    if not 0 < len(lines) <= MAX_LINES:
        checks.fault("/lines", "too_many", f"are {len(lines)}, 1 to {MAX_LINES} can be")


def _check_counts(lines: Sequence[Any], checks: Checks) -> None:
    _check_some(lines, checks)
    for index, count in enumerate(lines):
        checks.text(f"/lines/{index}/line", count.line, longest=100)
        checks.integer(f"/lines/{index}/quantity", count.quantity, least=1, most=10**9)


def _check_note(command: Command, checks: Checks, name: str) -> None:
    if (value := getattr(command, name)) is not None:
        checks.text(f"/{name}", value, longest=500)
