"""The commands about orders and their handlers."""

from datetime import datetime
from typing import ClassVar

from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Work
from ledger.orders.order import Order
from ledger.orders.placing import check_lines
from ledger.orders.review import EXCEPTIONS
from ledger.orders.values import Amounts, Line, Payment


class OnOrder(Command, frozen=True, kw_only=True):
    """A command on one known order."""

    order: str
    occurred_at: datetime
    expected_version: int | None = None

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(Order, self.order)]

    def check(self, checks: Checks) -> None:
        checks.text("/order", self.order, longest=500)
        checks.moment("/occurred_at", self.occurred_at)
        if self.expected_version is not None:
            checks.integer("/expected_version", self.expected_version, least=1)

    def load(self, work: Work) -> Order:
        """The order, at the version that the client saw. Errors: StaleVersion (R-LOG-02)."""
        order: Order = work.load(Order, self.order)
        order.must_be_at(self.expected_version)
        order.must_be_known()
        return order


class ChangePrice(OnOrder, frozen=True, kw_only=True):
    """Change an order's price before payment."""

    NAME: ClassVar[str] = "order.change_price"
    amounts: Amounts
    reason: str | None = None
    allowed_by: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        for name in Amounts.__struct_fields__:
            if (value := getattr(self.amounts, name)) is not None:
                checks.integer(f"/amounts/{name}", value, least=0)


class PayOrder(OnOrder, frozen=True, kw_only=True):
    """Record a payment, in minor units."""

    NAME: ClassVar[str] = "order.pay"
    amount_minor: int
    payments: list[Payment] = []

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.integer("/amount_minor", self.amount_minor, least=0)


class RefundOrder(OnOrder, frozen=True, kw_only=True):
    """Record a refund, in minor units; `account` is where the money went."""

    NAME: ClassVar[str] = "order.refund"
    amount_minor: int
    reason: str | None = None
    account: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.integer("/amount_minor", self.amount_minor, least=1)
        if self.account is not None:
            checks.text("/account", self.account, longest=200)


class CorrectOrder(OnOrder, frozen=True, kw_only=True):
    """Say that another sum was paid, or refunded, in all than is recorded; in minor units."""

    NAME: ClassVar[str] = "order.correct"
    fact: str
    amount_minor: int
    reason: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.fact not in ("paid", "refunded"):
            checks.fault("/fact", "unknown", f"is {self.fact!r}, not paid or refunded")
        checks.integer("/amount_minor", self.amount_minor, least=0)
        checks.text("/reason", self.reason, longest=500)


class RemarkOrder(OnOrder, frozen=True, kw_only=True):
    """Write a remark to an order."""

    NAME: ClassVar[str] = "order.remark"
    remark: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/remark", self.remark)


class EndOrder(OnOrder, frozen=True, kw_only=True):
    """Complete, close or cancel an order."""

    NAME: ClassVar[str] = "order.end"
    ended_as: str
    reason: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.ended_as not in ("completed", "closed", "cancelled"):
            checks.fault("/ended_as", "unknown",
                         f"is {self.ended_as!r}, not completed, closed or cancelled")


class AssignOrder(OnOrder, frozen=True, kw_only=True):
    """Make a member the owner of an order."""

    NAME: ClassVar[str] = "order.assign"
    owner: str
    reason: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/owner", self.owner, longest=100)


class ApproveOrder(OnOrder, frozen=True, kw_only=True):
    """Customer service confirmed the order with the buyer."""

    NAME: ClassVar[str] = "order.approve"
    note: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.note is not None:
            checks.text("/note", self.note, longest=500)


class ChangeLines(OnOrder, frozen=True, kw_only=True):
    """Correct the lines of an order; `consent` says how the buyer agreed."""

    NAME: ClassVar[str] = "order.change_lines"
    lines: list[Line]
    consent: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        check_lines(self.lines, checks)
        checks.text("/consent", self.consent, longest=500)


class HoldOrder(OnOrder, frozen=True, kw_only=True):
    """Let nobody work on an order for now."""

    NAME: ClassVar[str] = "order.hold"
    reason: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/reason", self.reason, longest=500)


class LiftHold(ApproveOrder, frozen=True, kw_only=True):
    """Let an order be worked on again."""

    NAME: ClassVar[str] = "order.lift_hold"


class SubmitOrder(OnOrder, frozen=True, kw_only=True):
    """Give an approved order to a warehouse."""

    NAME: ClassVar[str] = "order.submit"
    warehouse: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/warehouse", self.warehouse, longest=100)


class OpenException(OnOrder, frozen=True, kw_only=True):
    """Say what keeps an order from being sent, or went wrong on its way."""

    NAME: ClassVar[str] = "order.open_exception"
    exception: str
    kind: str
    note: str
    owner: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/exception", self.exception, longest=100)
        checks.text("/note", self.note, longest=500)
        if self.kind not in EXCEPTIONS:
            checks.fault("/kind", "unknown",
                         f"is {self.kind!r}, not one of {', '.join(EXCEPTIONS)}")
        if self.owner is not None:
            checks.text("/owner", self.owner, longest=100)


class NoteException(OnOrder, frozen=True, kw_only=True):
    """Say what was done about an exception."""

    NAME: ClassVar[str] = "order.note_exception"
    exception: str
    note: str
    owner: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/exception", self.exception, longest=100)
        checks.text("/note", self.note, longest=500)
        if self.owner is not None:
            checks.text("/owner", self.owner, longest=100)


class CloseException(OnOrder, frozen=True, kw_only=True):
    """Settle an exception."""

    NAME: ClassVar[str] = "order.close_exception"
    exception: str
    note: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/exception", self.exception, longest=100)
        checks.text("/note", self.note, longest=500)
