"""The commands about orders and their handlers."""

from datetime import datetime
from typing import Any, ClassVar

from ledger.common.personal import Person, Plain
from ledger.common.values import MAX_INTEGER, Checks, subject
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.orders.order import Order
from ledger.orders.values import MAX_LINES, PERSONAL_FIELDS, Amounts, Line, Payment


class NewOrder(Command, frozen=True, kw_only=True):
    """What identifies and describes an order, however it is told."""

    channel: str
    shop: str
    number: str
    currency: str
    amounts: Amounts = Amounts()
    lines: list[Line] | None = None
    pieces: int | None = None
    points: int | None = None
    gifts: list[str] = []
    province: str | None = None
    account: str | None = None
    recipient: str | None = None
    phone: str | None = None
    address: str | None = None
    buyer_remark: str | None = None
    reused: int = 1

    @property
    def subject(self) -> str:
        """The order's stream; `~n` marks the nth order under a re-used number."""
        name = subject("order", self.channel, self.shop, self.number)
        return name if self.reused == 1 else f"{name}~{self.reused}"

    @property
    def buyer(self) -> str:
        """The lookup of the person whose data this is: the account, else the order itself."""
        if self.account is None:
            return self.subject
        return subject("buyer", self.channel, self.account)

    def personal(self) -> dict[str, str]:
        """The personal values that are told, by field."""
        return {name: value for name in PERSONAL_FIELDS
                if (value := getattr(self, name)) is not None}

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(Order, self.subject)]

    def persons(self) -> list[str]:
        return [self.buyer] if self.personal() else []

    def check(self, checks: Checks) -> None:
        for name in ("channel", "shop", "number"):
            checks.text(f"/{name}", getattr(self, name), longest=100)
        checks.currency("/currency", self.currency)
        checks.integer("/reused", self.reused, least=1, most=1000)
        for name in ("province", *PERSONAL_FIELDS):
            if (value := getattr(self, name)) is not None:
                checks.text(f"/{name}", value, longest=2000)
        for name in Amounts.__struct_fields__:
            if (value := getattr(self.amounts, name)) is not None:
                checks.integer(f"/amounts/{name}", value)
        if self.pieces is not None:
            checks.integer("/pieces", self.pieces, least=0)
        if self.points is not None:
            checks.integer("/points", self.points, least=0)
        check_lines(self.lines or [], checks)

    def facts(self, work: Work) -> dict[str, Any]:
        """The fields of `Order.Placed` but for its time."""
        opened = self.personal()
        person = work.person(self.buyer) if opened else None
        return {
            "channel": self.channel, "shop": self.shop, "number": self.number,
            "currency": self.currency, "amounts": self.amounts, "lines": self.lines,
            "pieces": self.pieces, "points": self.points, "gifts": self.gifts,
            "province": self.province,
            **{name: Plain(person, value) for name, value in opened.items() if person},
        }


def check_lines(lines: list[Line], checks: Checks) -> None:
    """Note what is wrong with the lines of an order."""
    if len(lines) > MAX_LINES:
        checks.fault("/lines", "too_many", f"are {len(lines)}, {MAX_LINES} are allowed")
    seen: set[str] = set()
    for index, line in enumerate(lines):
        at = f"/lines/{index}"
        checks.text(f"{at}/line", line.line, longest=100)
        if line.line in seen:
            checks.fault(f"{at}/line", "twice", f"{line.line} stands in the order already")
        seen.add(line.line)
        if line.sku is not None:
            checks.text(f"{at}/sku", line.sku, longest=100)
        if line.title is not None:
            checks.text(f"{at}/title", line.title, longest=500)
        checks.integer(f"{at}/quantity", line.quantity, least=1, most=10**9)
        least = -MAX_INTEGER if line.fee else 0
        checks.integer(f"{at}/unit_price", line.unit_price, least=least)
        checks.integer(f"{at}/unit_price_scale", line.unit_price_scale, least=0, most=8)
        checks.integer(f"{at}/amount_minor", line.amount_minor, least=least)


class PlaceOrder(NewOrder, frozen=True, kw_only=True):
    """Take a new order."""

    NAME: ClassVar[str] = "order.place"
    occurred_at: datetime

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.moment("/occurred_at", self.occurred_at)
        for name in Amounts.__struct_fields__:
            value = getattr(self.amounts, name)
            if type(value) is int and value < 0:
                checks.fault(f"/amounts/{name}", "negative", f"is {value}, below 0")


def place_order(command: PlaceOrder, work: Work) -> list[Aggregate]:
    """Take a new order. Errors: R-ORD-01, R-ORD-07."""
    order = work.load(Order, command.subject)
    order.place(command.facts(work), occurred_at=command.occurred_at)
    return [order]


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


def change_price(command: ChangePrice, work: Work) -> list[Aggregate]:
    """A new price before payment. Errors: R-ORD-04."""
    order = command.load(work)
    order.change_price(command.amounts, occurred_at=command.occurred_at, reason=command.reason,
                       allowed_by=command.allowed_by)
    return [order]


def pay_order(command: PayOrder, work: Work) -> list[Aggregate]:
    """A payment came in. Errors: R-ORD-06, R-ORD-09."""
    order = command.load(work)
    order.pay(command.amount_minor, command.payments, occurred_at=command.occurred_at)
    return [order]


def _buyer(order: Order, work: Work) -> Person:
    """The person that the order's data belongs to already, else one of the order's own."""
    for sealed, _, _ in order.buyer.values():
        return work.person_by_id(sealed.p)
    return work.person(order.id)


def refund_order(command: RefundOrder, work: Work) -> list[Aggregate]:
    """Money went back. Errors: R-ORD-05, R-ORD-08."""
    order = command.load(work)
    account = None if command.account is None else Plain(_buyer(order, work), command.account)
    order.refund(command.amount_minor, occurred_at=command.occurred_at, reason=command.reason,
                 account=account)
    return [order]


def correct_order(command: CorrectOrder, work: Work) -> list[Aggregate]:
    """A sum was recorded wrongly. Errors: R-ORD-05, R-ORD-11."""
    order = command.load(work)
    order.correct(command.fact, command.amount_minor, command.reason,
                  occurred_at=command.occurred_at)
    return [order]


def remark_order(command: RemarkOrder, work: Work) -> list[Aggregate]:
    """The shop wrote a remark."""
    order = command.load(work)
    order.remark(Plain(_buyer(order, work), command.remark), occurred_at=command.occurred_at)
    return [order]


def end_order(command: EndOrder, work: Work) -> list[Aggregate]:
    """The order ended. Errors: R-ORD-06, R-ORD-08, R-ORD-10."""
    order = command.load(work)
    if command.ended_as == "completed":
        order.complete(occurred_at=command.occurred_at)
    elif command.ended_as == "closed":
        order.close(command.reason, occurred_at=command.occurred_at)
    else:
        order.cancel(command.reason, occurred_at=command.occurred_at)
    return [order]


def assign_order(command: AssignOrder, work: Work) -> list[Aggregate]:
    """A member answers for the order."""
    order = command.load(work)
    order.assign(command.owner, command.reason, occurred_at=command.occurred_at)
    return [order]


HANDLERS: dict[type[Command], Handler] = {
    PlaceOrder: place_order,
    ChangePrice: change_price,
    PayOrder: pay_order,
    RefundOrder: refund_order,
    CorrectOrder: correct_order,
    RemarkOrder: remark_order,
    EndOrder: end_order,
    AssignOrder: assign_order,
}
