"""The commands of the review of orders: approve, change lines, hold, submit, exceptions."""

from typing import ClassVar

from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.orders.commands import OnOrder, check_lines
from ledger.orders.review import EXCEPTIONS
from ledger.orders.values import Line


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


def approve_order(command: ApproveOrder, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-06, R-ORD-20."""
    order = command.load(work)
    order.approve(command.note, occurred_at=command.occurred_at)
    return [order]


def change_lines(command: ChangeLines, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-06, R-ORD-20, R-ORD-25."""
    order = command.load(work)
    order.change_lines(command.lines, command.consent, occurred_at=command.occurred_at)
    return [order]


def hold_order(command: HoldOrder, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-06, R-ORD-20."""
    order = command.load(work)
    order.hold(command.reason, occurred_at=command.occurred_at)
    return [order]


def lift_hold(command: LiftHold, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-03."""
    order = command.load(work)
    order.lift_hold(command.note, occurred_at=command.occurred_at)
    return [order]


def submit_order(command: SubmitOrder, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-06, R-ORD-20, R-ORD-21, R-ORD-25."""
    order = command.load(work)
    order.submit(command.warehouse, occurred_at=command.occurred_at)
    return [order]


def open_exception(command: OpenException, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-03."""
    order = command.load(work)
    order.open_exception(command.exception, command.kind, command.note, command.owner,
                         occurred_at=command.occurred_at)
    return [order]


def note_exception(command: NoteException, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-24."""
    order = command.load(work)
    order.note_exception(command.exception, command.note, command.owner,
                         occurred_at=command.occurred_at)
    return [order]


def close_exception(command: CloseException, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-24."""
    order = command.load(work)
    order.close_exception(command.exception, command.note, occurred_at=command.occurred_at)
    return [order]


HANDLERS: dict[type[Command], Handler] = {
    ApproveOrder: approve_order,
    ChangeLines: change_lines,
    HoldOrder: hold_order,
    LiftHold: lift_hold,
    SubmitOrder: submit_order,
    OpenException: open_exception,
    NoteException: note_exception,
    CloseException: close_exception,
}
