"""What a new order is made of, whether it is placed, sold or declared."""

from operator import attrgetter
from typing import Annotated, Any, ClassVar, Protocol

from ledger.common.bounds import (
    At,
    Currency,
    Id,
    Items,
    LongText,
    Name,
    Tally,
    Whole,
    Words,
)
from ledger.common.personal import Person, Plain
from ledger.common.values import Checks, subject
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Wanted, Work
from ledger.orders.errors import OtherCurrency
from ledger.orders.order import Order
from ledger.orders.values import (
    MAX_LINES,
    PERSONAL_FIELDS,
    PREPAID,
    TERMS,
    Amounts,
    Line,
    Price,
)
from ledger.policies.book import BOOK, PolicyBook
from ledger.stock.prices import PRICES, Prices


class _Priced(Protocol):
    """A line with a price: of an order, or of a case."""

    @property
    def unit_price(self) -> int: ...

    @property
    def amount_minor(self) -> int: ...


Lines = Annotated[list[Line], Items(most=MAX_LINES)]


_personal_of = attrgetter(*PERSONAL_FIELDS)


def must_be_in(order: Order, currency: str) -> None:
    """Amounts in another currency are not of this order. Errors: OtherCurrency (R-ORD-35)."""
    if currency != order.currency:
        raise OtherCurrency(order=order.id, known=order.currency, currency=currency)


def buyer_of(order: Order, work: Work, *beside: Aggregate) -> Person:
    """The person that the order's data already belongs to, else one of the order's own. `beside`
    is where else something was written of it. Errors: PersonLost (R-KEY-06)."""
    return work.person_of(order, order.id, *beside)


def written_of(order: Order, work: Work, text: str) -> Plain:
    """What was written of an order, on its way into an event, where it is sealed for the buyer.
    Errors: PersonLost (R-KEY-06)."""
    return Plain(buyer_of(order, work), text)


def noted_of(order: Order, work: Work, text: str | None) -> Plain | None:
    """The same; None where nothing was written. Errors: PersonLost (R-KEY-06)."""
    return None if text is None else written_of(order, work, text)


class NewOrder(Command, frozen=True, kw_only=True):
    """What identifies and describes an order, wherever it comes from."""

    PERSONAL: ClassVar[tuple[str, ...]] = PERSONAL_FIELDS
    channel: Id
    shop: Name
    number: Id
    currency: Currency
    amounts: Amounts = Amounts()
    lines: Lines | None = None
    pieces: Tally | None = None
    points: Tally | None = None
    gifts: Annotated[list[LongText], Items()] = []
    province: LongText | None = None
    account: LongText | None = None
    recipient: LongText | None = None
    phone: LongText | None = None
    address: LongText | None = None
    buyer_remark: LongText | None = None
    reused: Annotated[int, Whole(least=1, most=1000)] = 1
    terms: Annotated[str, Words(*TERMS)] = PREPAID

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
        """The personal values that are given, by field."""
        return {name: value for name, value in zip(PERSONAL_FIELDS, _personal_of(self), strict=True)
                if value is not None}

    def streams(self) -> Wanted:
        prices: Wanted = [(Prices, PRICES)] if self.lines else []
        return [(Order, self.subject), (PolicyBook, BOOK), *prices]

    def persons(self) -> list[str]:
        return [self.buyer] if self.personal() else []

    def check(self, checks: Checks) -> None:
        check_lines(self.lines or [], checks)

    def facts(self, work: Work) -> dict[str, Any]:
        """The fields of `Order.Placed` but for its time."""
        opened = self.personal()
        person = work.person(self.buyer) if opened else None
        return {
            "channel": self.channel, "shop": self.shop, "number": self.number,
            "currency": self.currency, "amounts": self.amounts, "lines": self.lines,
            "pieces": self.pieces, "points": self.points, "gifts": self.gifts,
            "province": self.province, "terms": self.terms,
            **{name: Plain(person, value) for name, value in opened.items() if person},
        }


def check_lines(lines: list[Line], checks: Checks) -> None:
    """Note lines of one name, and goods that cost less than nothing; a fee may, such as a voucher.
    """
    seen: set[str] = set()
    for index, line in enumerate(lines):
        if line.line in seen:
            checks.fault(f"/lines/{index}/line", "twice",
                         f"{line.line} is already a line of the order")
        seen.add(line.line)
        if not line.fee:
            check_price(checks, index, line)


def check_price(checks: Checks, index: int, line: _Priced) -> None:
    """Note what of a line of goods is below 0."""
    for name, value in (("unit_price", line.unit_price), ("amount_minor", line.amount_minor)):
        if type(value) is int and value < 0:
            checks.integer(f"/lines/{index}/{name}", value, least=0)


class PlaceOrder(NewOrder, frozen=True, kw_only=True):
    """Take a new order."""

    NAME: ClassVar[str] = "order.place"
    amounts: Price = Amounts()
    occurred_at: At
