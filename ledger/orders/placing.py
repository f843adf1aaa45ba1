"""What a new order is made of, however it comes: decided, sold or declared."""

from datetime import datetime
from typing import Any, ClassVar

from ledger.common.personal import Plain
from ledger.common.values import MAX_INTEGER, Checks, subject
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Work
from ledger.orders.order import Order
from ledger.orders.values import MAX_LINES, PERSONAL_FIELDS, Amounts, Line


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
