"""The payment of an order: what it costs, what was paid and refunded, and was recorded wrongly."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from ledger.common.bounds import MOST_IN_ALL, Words
from ledger.common.personal import Personal, Plain
from ledger.common.signed import StoodIn
from ledger.core.aggregate import Aggregate, event
from ledger.orders.errors import (
    AllPaidBack,
    AlreadyPaid,
    NothingToCorrect,
    NotPaidFor,
    OrderNotPaid,
    PaidTooMuch,
    PriceFixed,
    RefundedMoreThanPaid,
    RefundExceedsPayment,
)
from ledger.orders.standing import OrderStanding
from ledger.orders.values import ON_DELIVERY, PREPAID, Amounts, Line, Payment
from ledger.stock.pieces import sku_of


class OrderPayment(OrderStanding):
    """The part of an order that knows its money."""

    def begin(self) -> None:
        """It has no price yet."""
        super().begin()
        self.currency, self.amounts, self.terms = "", Amounts(), PREPAID
        self.paid_minor = self.refunded_minor = 0
        self.paid_at: datetime | None = None
        self.last_version = {"amounts": 1, "paid": 0, "refunded": 0, "lines": 1}

    # -- facts ------------------------------------------------------------------------------------

    class PriceChanged(Aggregate.Event):
        """The price changed before payment. `allowed_by` signed it, with a key of their own."""

        TOPIC = "order.price_changed.v1"
        old: Amounts
        new: Amounts
        reason: Personal | None = None
        allowed_by: str | None = None
        stood_in: StoodIn | None = None
        inferred: list[str] = []

    class Corrected(Aggregate.Event):
        """An earlier event of this order was wrong: `new` takes the place of what it said.

        `corrected_version` is that of the event; `fact` is amounts, paid, refunded or lines.
        """

        TOPIC = "order.corrected.v1"
        kind: Annotated[str, Words("did_not_occur", "incorrect_data")]
        corrected_version: int
        fact: Annotated[str, Words("amounts", "paid", "refunded", "lines")]
        old: dict[str, Any]
        new: dict[str, Any]
        reason: Personal | None = None
        inferred: list[str] = []

        def about(self) -> list[str]:
            """The SKUs of its new lines."""
            return [sku_of(line["sku"]) for line in self.new.get("lines", ()) if line.get("sku")]

    class Paid(Aggregate.Event):
        """The buyer paid."""

        TOPIC = "order.paid.v1"
        amount_minor: int
        payments: list[Payment] = []
        inferred: list[str] = []

    class RefundRecorded(Aggregate.Event):
        """Part or all of what was paid was refunded; `case` is the one that it settles, if any."""

        TOPIC = "order.refund_recorded.v1"
        amount_minor: int
        case: str | None = None
        reason: Personal | None = None
        account: Personal | None = None
        inferred: list[str] = []

    # -- mutators ---------------------------------------------------------------------------------

    @event(PriceChanged)
    def _price_changed(self, new):
        self.amounts = new
        self._note_version("amounts")

    def _note_version(self, fact: str) -> None:
        """Keep which event states a fact last: the one that a correction of it names."""
        self.last_version = {**self.last_version, fact: self._version + 1}

    @event(Corrected)
    def _corrected(self, fact, new):
        if fact == "amounts":
            self.amounts = Amounts(**new)
        elif fact == "paid":
            self.paid_minor = new["paid_minor"]
        elif fact == "refunded":
            self.refunded_minor = new["refunded_minor"]
        else:
            self._correct_lines(msgspec.convert(new["lines"], list[Line]))
        self._note_version(fact)

    @event(Paid)
    def _paid(self, amount_minor, occurred_at):
        self.paid_minor += amount_minor
        self.paid_at = self.paid_at or occurred_at
        self._note_version("paid")

    @event(RefundRecorded)
    def _refund_recorded(self, amount_minor):
        self.refunded_minor += amount_minor
        self._note_version("refunded")

    # -- rules ------------------------------------------------------------------------------------

    def must_be_paid_for(self) -> None:
        """Nothing is left to pay before it is sent, and not all was paid back. An order that costs
        nothing is paid by its placing. Errors: NotPaidFor (R-ORD-40)."""
        if self.terms == ON_DELIVERY or (total := self.amounts.total()) == 0:
            return
        if self.paid_at is None or self.paid_minor < (total or 0):
            raise NotPaidFor(order=self.id, paid_minor=self.paid_minor, total_minor=total,
                             currency=self.currency)
        if 0 < self.paid_minor <= self.refunded_minor:
            raise AllPaidBack(order=self.id, refunded_minor=self.refunded_minor,
                              currency=self.currency)

    def change_price(
        self, new: Amounts, *, occurred_at: datetime, reason: Plain | None, allowed_by: str,
        stood_in: StoodIn | None = None,
    ) -> None:
        """A new price before payment. Errors: R-ORD-03, R-ORD-04."""
        self.must_be_known()
        if self.paid_minor or self.ended:
            raise PriceFixed(order=self.id, state=self.ended or "paid")
        if new != self.amounts:
            self._price_changed(old=self.amounts, new=new, reason=reason, allowed_by=allowed_by,
                                stood_in=stood_in, occurred_at=occurred_at)

    def pay(self, amount_minor: int, payments: list[Payment], *, occurred_at: datetime) -> None:
        """Money came in. Errors: R-ORD-03, R-ORD-06, R-ORD-09, R-ORD-34."""
        self.must_not_have_ended()
        total = self.amounts.total_minor
        if total is not None and self.paid_minor >= total and self.paid_at is not None:
            raise AlreadyPaid(order=self.id)
        if (in_all := self.paid_minor + amount_minor) > MOST_IN_ALL:
            raise PaidTooMuch(order=self.id, paid_minor=in_all, max_minor=MOST_IN_ALL,
                              currency=self.currency)
        self._paid(amount_minor=amount_minor, payments=payments, occurred_at=occurred_at)

    def refund(
        self, amount_minor: int, *, occurred_at: datetime, case: str | None = None,
        reason: Plain | None = None, account: Plain | None = None,
    ) -> None:
        """Money has gone back. Errors: R-ORD-03, R-ORD-05, R-ORD-08."""
        self.must_be_known()
        if self.paid_at is None:
            raise OrderNotPaid(order=self.id)
        if self.refunded_minor + amount_minor > self.paid_minor:
            raise RefundExceedsPayment(
                order=self.id, refund_minor=amount_minor, paid_minor=self.paid_minor,
                refunded_minor=self.refunded_minor + amount_minor, currency=self.currency)
        self._refund_recorded(amount_minor=amount_minor, case=case, reason=reason,
                              account=account, occurred_at=occurred_at)

    def correct(
        self, fact: str, amount_minor: int, reason: Plain | None, *, occurred_at: datetime
    ) -> None:
        """Another sum paid or refunded than was recorded. Errors: R-ORD-03, R-ORD-11, R-ORD-13."""
        self.must_be_known()
        known = {"paid": self.paid_minor, "refunded": self.refunded_minor}
        version = self.last_version[fact]
        if not version:
            raise NothingToCorrect(order=self.id, fact=fact)
        if amount_minor == known[fact]:
            return
        after = {**known, fact: amount_minor}
        if after["refunded"] > after["paid"]:
            raise RefundedMoreThanPaid(
                order=self.id, paid_minor=after["paid"], refunded_minor=after["refunded"],
                currency=self.currency)
        self._corrected(
            kind="incorrect_data", corrected_version=version, fact=fact, reason=reason,
            old={f"{fact}_minor": known[fact]}, new={f"{fact}_minor": amount_minor},
            occurred_at=occurred_at)
