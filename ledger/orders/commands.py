"""The commands about orders and their handlers."""

from typing import Annotated, ClassVar

from ledger.common.between import Said, among, empty, fork, given
from ledger.common.bounds import (
    Id,
    IdText,
    InAll,
    Items,
    LongText,
    Name,
    Note,
    Paid,
    Payable,
    Reason,
    Stream,
    Text,
    Words,
)
from ledger.common.values import Checks
from ledger.core.commands import OnStream, Wanted, Work
from ledger.orders.finance import OUTCOMES
from ledger.orders.order import Order
from ledger.orders.placing import Lines, check_lines
from ledger.orders.review import EXCEPTIONS
from ledger.orders.values import ADDED_UP, ENDED, MAX_LINES, Payment, Price
from ledger.policies.book import BOOK, PolicyBook
from ledger.stock.pieces import Count
from ledger.stock.prices import PRICES, Prices

AMOUNTS = "amounts"
"""The fact that an order costs so much."""


class OnOrder(OnStream, frozen=True, kw_only=True):
    """A command on one known order."""

    AGGREGATE = Order
    order: Stream

    @property
    def subject(self) -> str:
        """The order's stream."""
        return self.order

    def load(self, work: Work) -> Order:
        """The order. Errors: OrderUnknown (R-ORD-03)."""
        return known_order(work, self.order)


def known_order(work: Work, name: str) -> Order:
    """An order that was placed. Errors: OrderUnknown (R-ORD-03)."""
    order: Order = work.load(Order, name)
    order.must_be_known()
    return order


class OnPrices(OnOrder, frozen=True, kw_only=True):
    """A command that prices of SKUs are asked for: they come with the order, in one query."""

    def streams(self) -> Wanted:
        return [*super().streams(), (PolicyBook, BOOK), (Prices, PRICES)]


class ChangePrice(OnPrices, frozen=True, kw_only=True):
    """Change an order's price before payment. Whoever sends it allows it, with their own key."""

    NAME: ClassVar[str] = "order.change_price"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    amounts: Price
    reason: Reason | None = None


class PayOrder(OnOrder, frozen=True, kw_only=True):
    """Record a payment, in minor units; `reference` is the platform's, and each is recorded once.
    What is more than is still to be paid needs it."""

    NAME: ClassVar[str] = "order.pay"
    amount_minor: Paid
    payments: Annotated[list[Payment], Items()] = []
    reference: Id | None = None


class SupplementOrder(OnOrder, frozen=True, kw_only=True):
    """Record what the buyer paid besides for changed lines, in minor units; `reference` is the
    platform's."""

    NAME: ClassVar[str] = "order.supplement"
    amount_minor: Paid
    reference: Id


class RefundOrder(OnOrder, frozen=True, kw_only=True):
    """Record a refund that the platform made, in minor units; `reference` is the platform's, and
    each is recorded once. Without it, one of each amount is. `account` is where the money went.
    What the shop decides goes through a case."""

    NAME: ClassVar[str] = "order.refund"
    PERSONAL: ClassVar[tuple[str, ...]] = ("account", "reason")
    amount_minor: Payable
    reference: Id | None = None
    reason: Reason | None = None
    account: Annotated[str, Text(longest=200)] | None = None


KNOWN_TOTAL = fork(empty("total_minor"), {
    "required": ADDED_UP, "properties": {name: {"type": "integer"} for name in ADDED_UP}})
"""Amounts say what an order costs in all, or what that adds up from."""


class CorrectOrder(OnPrices, frozen=True, kw_only=True):
    """Say that another sum was paid, or refunded, in all than is recorded; in minor units. With the
    reference of a payment or refund that was not this order's, the sum is the one without it, and
    the reference is free for the order that it belongs to.

    With the fact `amounts`, say that the order costs something else than is recorded: `amounts`
    take the place of all that are known, and agree with its lines. A price that still can change is
    no correction: see order.change_price.
    """

    NAME: ClassVar[str] = "order.correct"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    BETWEEN: ClassVar[Said] = fork(
        among("fact", AMOUNTS),
        {"required": ["amounts"], "properties": {
            "amounts": {"type": "object", **KNOWN_TOTAL}, "amount_minor": {"type": "null"},
            "reference": {"type": "null"}}},
        {"required": ["amount_minor"], "properties": {
            "amount_minor": {"type": "integer"}, "amounts": {"type": "null"}}})
    fact: Annotated[str, Words("paid", "refunded", AMOUNTS)]
    amount_minor: InAll | None = None
    amounts: Price | None = None
    reason: Reason
    reference: Id | None = None

    def check(self, checks: Checks) -> None:
        """A sum is corrected by a sum, and amounts by amounts, which say what it costs in all."""
        of_amounts = self.fact == AMOUNTS
        needed = "amounts" if of_amounts else "amount_minor"
        if getattr(self, needed) is None:
            checks.fault(f"/{needed}", "missing", f"is needed for {self.fact}")
        for name in ("amount_minor", "reference") if of_amounts else ("amounts",):
            if getattr(self, name) is not None:
                checks.fault(f"/{name}", "not_expected",
                             f"is only for {'paid, refunded' if of_amounts else AMOUNTS}")
        if of_amounts and self.amounts is not None:
            if (total := self.amounts.total()) is None:
                checks.fault("/amounts/total_minor", "missing", "is needed")
            else:
                checks.integer("/amounts", total, least=0)


class RemarkOrder(OnOrder, frozen=True, kw_only=True):
    """Write a remark to an order."""

    NAME: ClassVar[str] = "order.remark"
    PERSONAL: ClassVar[tuple[str, ...]] = ("remark",)
    remark: LongText


class EndOrder(OnPrices, frozen=True, kw_only=True):
    """Complete, close or cancel an order; `reason` says why, where it is not completed."""

    NAME: ClassVar[str] = "order.end"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    BETWEEN: ClassVar[Said] = fork(among("ended_as", "completed"), empty("reason"))
    ended_as: Annotated[str, Words(*ENDED)]
    reason: Reason | None = None

    def check(self, checks: Checks) -> None:
        """What is not recorded is not taken."""
        if self.ended_as == "completed" and self.reason is not None:
            checks.fault("/reason", "not_expected", "is only for closed, cancelled")


class AssignOrder(OnOrder, frozen=True, kw_only=True):
    """Make a member the owner of an order."""

    NAME: ClassVar[str] = "order.assign"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    owner: Name
    reason: Reason | None = None


class ApproveOrder(OnOrder, frozen=True, kw_only=True):
    """Customer service confirmed the order with the buyer."""

    NAME: ClassVar[str] = "order.approve"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    note: Note | None = None


class ReviewFinance(OnOrder, frozen=True, kw_only=True):
    """Finance looked at an order that costs more than the policy's bound. It may be sent as long as
    it costs no more than what was approved."""

    NAME: ClassVar[str] = "order.review_finance"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    outcome: Annotated[str, Words(*OUTCOMES)]
    note: Note | None = None


class SellBelowFloor(OnPrices, frozen=True, kw_only=True):
    """Sign that an order sells something below its floor, and say why. It counts for no more
    pieces, and no lower a price, than the order has now."""

    NAME: ClassVar[str] = "order.sell_below_floor"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    reason: Reason


class ChangeLines(OnPrices, frozen=True, kw_only=True):
    """Correct the lines of an order, and what it costs with them; `consent` says how the buyer
    agreed. Without amounts, the total changes as the lines do. What is reserved stays so as far as
    it is still wanted; what is wanted besides is reserved with it."""

    NAME: ClassVar[str] = "order.change_lines"
    PERSONAL: ClassVar[tuple[str, ...]] = ("consent",)
    lines: Lines
    amounts: Price | None = None
    consent: Note

    def check(self, checks: Checks) -> None:
        check_lines(self.lines, checks)


class CorrectDetails(OnOrder, frozen=True, kw_only=True):
    """Correct whom and where an order goes to; `consent` says how the buyer agreed."""

    NAME: ClassVar[str] = "order.correct_details"
    PERSONAL: ClassVar[tuple[str, ...]] = ("recipient", "phone", "address", "consent")
    BETWEEN: ClassVar[Said] = fork(empty("recipient", "phone", "address"),
                                   given("province", type="string"))
    recipient: LongText | None = None
    phone: LongText | None = None
    address: LongText | None = None
    province: LongText | None = None
    consent: Note

    def check(self, checks: Checks) -> None:
        if not any((self.recipient, self.phone, self.address, self.province)):
            checks.fault("", "empty", "corrects nothing: give recipient, phone, address or "
                                      "province")


class CancelPieces(OnPrices, frozen=True, kw_only=True):
    """Give up pieces that were not sent yet, and that nobody has picked; `reason` says why, and how
    the buyer agreed."""

    NAME: ClassVar[str] = "order.cancel_pieces"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    lines: Annotated[list[Count], Items(least=1, most=MAX_LINES)]
    reason: Reason


class HoldOrder(OnOrder, frozen=True, kw_only=True):
    """Let nobody work on an order for now."""

    NAME: ClassVar[str] = "order.hold"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    reason: Reason


class LiftHold(ApproveOrder, frozen=True, kw_only=True):
    """Let an order be worked on again."""

    NAME: ClassVar[str] = "order.lift_hold"


class SubmitOrder(OnPrices, frozen=True, kw_only=True):
    """Give an approved order to a warehouse."""

    NAME: ClassVar[str] = "order.submit"
    warehouse: Id


class OpenException(OnOrder, frozen=True, kw_only=True):
    """Say what keeps an order from being sent, or went wrong on its way."""

    NAME: ClassVar[str] = "order.open_exception"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    exception: Id
    kind: Annotated[str, Words(*EXCEPTIONS)]
    note: Note
    owner: Name | None = None


ExceptionName = Annotated[str, IdText(longest=600)]
"""What an exception is called: one that the ledger opened for a case has the name of that."""


class NoteException(OnOrder, frozen=True, kw_only=True):
    """Say what was done about an exception."""

    NAME: ClassVar[str] = "order.note_exception"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    exception: ExceptionName
    note: Note
    owner: Name | None = None


class CloseException(OnOrder, frozen=True, kw_only=True):
    """Settle an exception."""

    NAME: ClassVar[str] = "order.close_exception"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    exception: ExceptionName
    note: Note
