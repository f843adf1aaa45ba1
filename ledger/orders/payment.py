"""The payment of an order: what it costs, what was paid and refunded, and was recorded wrongly."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from ledger.common.bounds import MOST_IN_ALL, Words
from ledger.common.errors import Refused
from ledger.common.personal import Personal, Plain
from ledger.common.signed import StoodIn
from ledger.core.aggregate import Aggregate, event
from ledger.orders.errors import (
    AllPaidBack,
    AlreadyPaid,
    NothingToCorrect,
    NothingToSupplement,
    NotPaidFor,
    NotThatReference,
    OrderNotPaid,
    PaidTooMuch,
    PaymentAlike,
    PriceFixed,
    RefundAlike,
    RefundedMoreThanPaid,
    RefundExceedsPayment,
    StillOpen,
)
from ledger.orders.money import Sums, adjusted, costs_of, lines_must_agree, net_of
from ledger.orders.papers import PAID_BY, OrderPapers, Recorded
from ledger.orders.values import (
    CANCELLED,
    CLOSED,
    ON_DELIVERY,
    PREPAID,
    Amounts,
    Line,
    LineRefund,
    Payment,
)
from ledger.stock.pieces import sku_of


class PriceOpen(Refused):
    """{order} is neither paid nor ended, so what it costs is not corrected: change its price, which
    is signed (order.change_price)."""

    code = "price_open"
    rule = "R-ORD-81"


class OrderPayment(OrderPapers):
    """The part of an order that knows its money. `paid_at` is when it was paid first, as long as
    not all of it turned out to be wrong."""

    def begin(self) -> None:
        """It has no price yet."""
        super().begin()
        self.terms = PREPAID
        self.paid_at: datetime | None = None
        self.refunds_known = True

    @property
    def paid_minor(self) -> int:
        """What was paid in all."""
        return self.balance.paid_minor

    @property
    def refunded_minor(self) -> int:
        """What was refunded in all."""
        return self.balance.refunded_minor

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
        `reference` is that of a payment or refund which was not this order's, `freed` the claim
        to it, and `corrected_at` when it occurred; without one, the last one is put right.
        """

        TOPIC = "order.corrected.v1"
        kind: Annotated[str, Words("did_not_occur", "incorrect_data")]
        corrected_version: int
        fact: Annotated[str, Words("amounts", "paid", "refunded", "lines")]
        old: dict[str, Any]
        new: dict[str, Any]
        reason: Personal | None = None
        reference: str | None = None
        freed: str | None = None
        corrected_at: datetime | None = None
        inferred: list[str] = []

        def about(self) -> list[str]:
            """The SKUs of its new lines."""
            return [sku_of(line["sku"]) for line in self.new.get("lines", ()) if line.get("sku")]

    class Paid(Aggregate.Event):
        """The buyer paid. `reference` is the platform's; `supplement`: it is for what a change of
        lines added."""

        TOPIC = "order.paid.v1"
        amount_minor: int
        payments: list[Payment] = []
        reference: str | None = None
        supplement: bool = False
        inferred: list[str] = []

    class RefundRecorded(Aggregate.Event):
        """Part or all of what was paid was refunded; `case` is the one that it settles, if any, and
        `lines` how much of it is for which line; `reference` is the platform's."""

        TOPIC = "order.refund_recorded.v1"
        amount_minor: int
        reference: str | None = None
        case: str | None = None
        lines: list[LineRefund] = []
        reason: Personal | None = None
        account: Personal | None = None
        inferred: list[str] = []

    # -- mutators ---------------------------------------------------------------------------------

    @event(PriceChanged)
    def _price_changed(self, new):
        self._cost(new)

    @event(Corrected)
    def _corrected(self, fact, old, new, reason, reference, freed, occurred_at):
        if fact == "amounts":
            # Somebody gives a reason, a file none: what it said before is then known to be wrong.
            self.amounts_before = None if reason is None else Amounts(**old)
            self._cost(Amounts(**new))
        elif fact == "lines":
            self._correct_lines(msgspec.convert(new["lines"], list[Line]))
        else:
            before, after = old[f"{fact}_minor"], new[f"{fact}_minor"]
            self.balance = self.balance.corrected(fact, after - before)
            self.sums_before = {
                **self.sums_before, fact: (*self.sums_before.get(fact, ()), before)}
            self._forget_alike(fact, None if reference is None else before - after)
            if fact == "paid":
                self.paid_at = (self.paid_at or occurred_at) if after else None
            elif not after:
                self.refunded_of = {}
        if freed is not None:
            self._free(fact, reference, freed)
        self._note_version(fact)

    @event(Paid)
    def _paid(self, amount_minor, reference, occurred_at):
        self.balance = self.balance.paid(amount_minor)
        self.paid_at = self.paid_at or occurred_at
        self._refer("payment", reference, amount_minor, Recorded(occurred_at, self._version + 1))
        self._note_alike("payment", amount_minor, occurred_at, reference)
        self._note_version("paid")

    @event(RefundRecorded)
    def _refund_recorded(self, amount_minor, reference, case, lines, occurred_at):
        self.balance = self.balance.refunded(amount_minor, claimed=case is not None)
        self.refunds_known = True
        recorded = Recorded(occurred_at, self._version + 1, case, tuple(lines))
        self._refer("refund", reference, amount_minor, recorded)
        self._note_alike("refund", amount_minor, occurred_at, reference or case)
        self._refund_lines(recorded, 1)
        self._note_version("refunded")

    # -- rules ------------------------------------------------------------------------------------

    def is_void(self) -> bool:
        """Whether nothing is owed for it: it was closed or cancelled."""
        return self.ended in (CLOSED, CANCELLED)

    def payment_status(self) -> str:
        """One of `PAYMENT_STATUSES`."""
        return self.balance.status(was_paid=self.paid_at is not None,
                                   is_void=self.is_void() and self.refunds_known)

    def due_back_minor(self) -> int:
        """What was paid of it, and is to be refunded: too much, or all since it was closed or
        cancelled. Of an order whose source says nothing of refunds it is not known, so 0."""
        if not self.is_void():
            return self.balance.excess_minor
        return max(0, self.balance.left_minor) if self.refunds_known else 0

    def is_part_paid(self) -> bool:
        """Whether some of it is paid, and some is still open."""
        return (not self.ended and self.balance.left_minor > 0 and self.balance.open_minor > 0)

    def must_be_paid_for(self) -> None:
        """Nothing is left to pay before it is sent, and not all was paid back. An order that costs
        nothing is paid by its placing. Errors: NotPaidFor (R-ORD-40), AllPaidBack (R-ORD-44)."""
        if self.terms == ON_DELIVERY or (total := self.balance.total_minor) == 0:
            return
        if 0 < self.paid_minor <= self.refunded_minor:
            raise AllPaidBack(order=self.id, refunded_minor=self.refunded_minor,
                              currency=self.currency)
        if self.paid_at is None or self.balance.open_minor:
            raise NotPaidFor(order=self.id, paid_minor=self.paid_minor, total_minor=total,
                             currency=self.currency)

    def must_be_settled(self) -> None:
        """It is paid in full, or all of it was refunded. Errors: OrderNotPaid (R-ORD-08),
        StillOpen (R-ORD-57)."""
        if self.paid_at is None and self.balance.total_minor != 0:
            raise OrderNotPaid(order=self.id)
        if self.balance.open_minor and self.balance.left_minor > 0:
            raise StillOpen(order=self.id, open_minor=self.balance.open_minor,
                            total_minor=self.balance.total_minor, currency=self.currency)

    def change_price(
        self, new: Amounts, *, occurred_at: datetime, reason: Plain | None, allowed_by: str,
        stood_in: StoodIn | None = None,
    ) -> None:
        """A new price, by `price_of`, before payment. Errors: R-ORD-03, R-ORD-04."""
        self.must_be_known()
        if new == self.amounts:
            return
        if self.paid_minor or self.ended:
            raise PriceFixed(order=self.id, state=self.ended or "paid")
        self._price_changed(old=self.amounts, new=new, reason=reason, allowed_by=allowed_by,
                            stood_in=stood_in, occurred_at=occurred_at)

    def price_of(self, new: Amounts) -> Amounts:
        """What it costs at a new price: postage and discount that this leaves out stay. Errors:
        R-ORD-03, R-ORD-07, R-ORD-53, R-ORD-54, R-ORD-62. Rule: R-ORD-84."""
        self.must_be_known()
        if new == self.amounts:
            return new
        lines = None if self.lines is None else self.lines.values()
        lines_must_agree(self.id, self.currency, lines or ())
        return costs_of(self.id, self.currency, lines, adjusted(new, self.amounts),
                        cancelled=self.dropped())

    def pay(
        self, amount_minor: int, payments: list[Payment], *, occurred_at: datetime,
        reference: str | None = None, claim: str | None = None,
    ) -> None:
        """Money came in, also after the order has ended; what nothing was owed for waits for its
        refund. Errors: R-ORD-03, AlreadyPaid (R-ORD-09), R-ORD-34, PaymentAlike (R-ORD-78)."""
        self.must_be_known()
        balance = self.balance
        most = 0 if self.is_void() else (
            None if balance.total_minor is None else balance.open_minor)
        if reference is None and most is not None and amount_minor > most:
            raise AlreadyPaid(order=self.id, amount_minor=amount_minor, open_minor=most,
                              currency=self.currency)
        if most is None or amount_minor > most:
            self._must_be_another(PaymentAlike, "payment", amount_minor, reference)
        self._must_not_be_too_much(amount_minor)
        self._paid(amount_minor=amount_minor, payments=payments, reference=reference,
                   occurred_at=occurred_at, once=claim)

    def _must_not_be_too_much(self, amount_minor: int) -> None:
        if (in_all := self.paid_minor + amount_minor) > MOST_IN_ALL:
            raise PaidTooMuch(order=self.id, paid_minor=in_all, max_minor=MOST_IN_ALL,
                              currency=self.currency)

    def supplement(
        self, amount_minor: int, reference: str, *, occurred_at: datetime, claim: str | None
    ) -> None:
        """The buyer paid what a change of lines added. Errors: R-ORD-03, R-ORD-06,
        NothingToSupplement (R-ORD-60)."""
        self.must_not_have_ended()
        open_minor = self.balance.open_minor
        if self.balance.left_minor <= 0 or amount_minor > open_minor:
            raise NothingToSupplement(order=self.id, amount_minor=amount_minor,
                                      open_minor=open_minor if self.paid_minor else 0,
                                      currency=self.currency)
        self._must_not_be_too_much(amount_minor)
        self._paid(amount_minor=amount_minor, payments=[], reference=reference, supplement=True,
                   occurred_at=occurred_at, once=claim)

    def refund(
        self, amount_minor: int, *, occurred_at: datetime, case: str | None = None,
        lines: Sequence[LineRefund] = (), reason: Plain | None = None,
        account: Plain | None = None, reference: str | None = None, claim: str | None = None,
    ) -> None:
        """Money has gone back. Errors: R-ORD-03, R-ORD-05, R-ORD-08, RefundAlike (R-ORD-77)."""
        self.must_be_known()
        if self.paid_at is None:
            raise OrderNotPaid(order=self.id)
        if case is None:
            self._must_be_another(RefundAlike, "refund", amount_minor, reference)
        if self.refunded_minor + amount_minor > self.paid_minor:
            raise RefundExceedsPayment(
                order=self.id, refund_minor=amount_minor, paid_minor=self.paid_minor,
                refunded_minor=self.refunded_minor + amount_minor, currency=self.currency)
        self._refund_recorded(amount_minor=amount_minor, case=case, lines=list(lines),
                              reason=reason, account=account, reference=reference,
                              occurred_at=occurred_at, once=claim)

    def wanted(self) -> dict[str, int]:
        """The pieces of each line of goods, without those that somebody cancelled."""
        dropped = self.dropped()
        return {name: line.quantity - dropped.get(name, 0)
                for name, line in (self.lines or {}).items() if not line.fee}

    def net_of_lines(self) -> dict[str, int]:
        """What the buyer pays for each line of goods, after its share of the discount. Units: minor
        units. Rule: R-ORD-58."""
        return net_of((self.lines or {}).values(), self.amounts, self.dropped())

    def postage_minor(self) -> int:
        """The postage as stated, else as the lines say it. Units: minor units."""
        if self.amounts.postage_minor is not None:
            return self.amounts.postage_minor
        return Sums.of((self.lines or {}).values(), self.dropped()).postage_minor

    def correct_amounts(
        self, new: Amounts, reason: Plain, *, occurred_at: datetime
    ) -> None:
        """It costs something else than was recorded, and its price cannot change any more. Errors:
        R-ORD-03, R-ORD-07, R-ORD-54, PriceOpen (R-ORD-81)."""
        self.must_be_known()
        if self.paid_at is None and not self.ended:
            raise PriceOpen(order=self.id)
        if new == self.amounts:
            return
        lines = None if self.lines is None else self.lines.values()
        new = costs_of(self.id, self.currency, lines, new, cancelled=self.dropped())
        if new == self.amounts:
            return
        self._corrected(
            kind="incorrect_data", corrected_version=self.last_version["amounts"], fact="amounts",
            old=msgspec.to_builtins(self.amounts), new=msgspec.to_builtins(new), reason=reason,
            occurred_at=occurred_at)

    def correct(
        self, fact: str, amount_minor: int, reason: Plain | None, *, occurred_at: datetime,
        reference: str | None = None, freed: str | None = None,
    ) -> None:
        """Another sum paid or refunded than was recorded; `reference` is that of what was not this
        order's. Errors: R-ORD-03, R-ORD-11, R-ORD-13, NotThatReference (R-ORD-61)."""
        self.must_be_known()
        known = {"paid": self.paid_minor, "refunded": self.refunded_minor}
        version, corrected_at = self.last_version[fact], None
        if not version:
            raise NothingToCorrect(order=self.id, fact=fact)
        if reference is not None:
            of = self.references.get(f"{PAID_BY[fact]}:{reference}")
            left = self.without(fact, known[fact], of or 0)
            if of is None or amount_minor != left:
                raise NotThatReference(order=self.id, fact=fact, reference=reference,
                                       recorded_minor=of or 0, currency=self.currency,
                                       left_minor=left)
            paper = self.recorded[f"{PAID_BY[fact]}:{reference}"]
            version, corrected_at = paper.version, paper.at
        elif amount_minor == known[fact]:
            return
        after = {**known, fact: amount_minor}
        if after["refunded"] > after["paid"]:
            raise RefundedMoreThanPaid(
                order=self.id, paid_minor=after["paid"], refunded_minor=after["refunded"],
                currency=self.currency)
        self._corrected(
            kind="incorrect_data", corrected_version=version, fact=fact, reason=reason,
            old={f"{fact}_minor": known[fact]}, new={f"{fact}_minor": amount_minor},
            reference=reference, freed=freed, corrected_at=corrected_at, occurred_at=occurred_at)
