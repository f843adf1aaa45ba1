"""Orders: what was bought, what it costs, what was paid and refunded, how it ended.

Here are its events and the rules that decide commands such as `PlaceOrder`. What a file declares to
have happened is not decided but recorded: `declared.py`.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from ledger.common.bounds import MOST_IN_ALL, Words
from ledger.common.personal import Personal, Plain
from ledger.common.values import rfc3339
from ledger.core.aggregate import Aggregate, event
from ledger.orders.errors import (
    AlreadyPaid,
    NothingToCorrect,
    OrderAlreadyDispatched,
    OrderAlreadyPlaced,
    OrderEnded,
    OrderNotPaid,
    OrderStarted,
    PaidTooMuch,
    PriceFixed,
    RefundedMoreThanPaid,
    RefundExceedsPayment,
    TotalDisagrees,
)
from ledger.orders.review import OrderReview
from ledger.orders.values import OPEN, PERSONAL_FIELDS, Amounts, Line, Payment, Reservation
from ledger.stock.pieces import parts_by_line, sku_of


class Order(OrderReview):
    """An order of one shop on one channel; its stream is `order:<channel>:<shop>:<number>`."""

    KIND = "order"

    def begin(self) -> None:
        """Nothing is known."""
        super().begin()
        self.currency, self.amounts = "", Amounts()
        self.lines: dict[str, Line] | None = None
        self.paid_minor = self.refunded_minor = 0
        self.paid_at: datetime | None = None
        self.owner: str | None = None
        self.province: str | None = None
        self.buyer: dict[str, tuple[Personal, int, str]] = {}
        self.written: dict[str, tuple[Personal, int, str]] = {}
        self.last_version = {"amounts": 1, "paid": 0, "refunded": 0, "lines": 1}

    # -- facts ------------------------------------------------------------------------------------

    class Placed(Aggregate.Event):
        """The buyer placed the order, with its lines or (order-level exports) without.

        `unstated` names what the source says nothing about, so that a report does not take silence
        for zero: `refunds`. `reserved`: all its goods were reserved along with it.
        """

        TOPIC = "order.placed.v1"
        channel: str
        shop: str
        number: str
        currency: str
        amounts: Amounts
        lines: list[Line] | None = None
        pieces: int | None = None
        points: int | None = None
        gifts: list[str] = []
        province: str | None = None
        account: Personal | None = None
        recipient: Personal | None = None
        phone: Personal | None = None
        address: Personal | None = None
        buyer_remark: Personal | None = None
        unstated: list[str] = []
        reserved: Reservation | None = None
        inferred: list[str] = []

        def about(self) -> list[str]:
            """The SKUs of its lines."""
            return [sku_of(line.sku) for line in self.lines or () if line.sku]

    class DetailsChanged(Aggregate.Event):
        """The buyer's account, the recipient, their address, its province or a remark differ."""

        TOPIC = "order.details_changed.v1"
        province: str | None = None
        account: Personal | None = None
        recipient: Personal | None = None
        phone: Personal | None = None
        address: Personal | None = None
        buyer_remark: Personal | None = None
        reason: str | None = None

    class PriceChanged(Aggregate.Event):
        """The price changed before payment."""

        TOPIC = "order.price_changed.v1"
        old: Amounts
        new: Amounts
        reason: Personal | None = None
        allowed_by: str | None = None
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

    class Paid(Aggregate.Event):
        """The buyer paid."""

        TOPIC = "order.paid.v1"
        amount_minor: int
        payments: list[Payment] = []
        inferred: list[str] = []

    class Remarked(Aggregate.Event):
        """Someone in the shop wrote a remark on the order."""

        TOPIC = "order.remarked.v1"
        remark: Personal | None = None

    class RefundRecorded(Aggregate.Event):
        """Part or all of what was paid was refunded; `case` is the one that it settles, if any."""

        TOPIC = "order.refund_recorded.v1"
        amount_minor: int
        case: str | None = None
        reason: Personal | None = None
        account: Personal | None = None
        inferred: list[str] = []

    class Completed(Aggregate.Event):
        """The trade succeeded."""

        TOPIC = "order.completed.v1"
        inferred: list[str] = []

    class Closed(Aggregate.Event):
        """The trade was closed: never paid, or refunded in full."""

        TOPIC = "order.closed.v1"
        reason: Personal | None = None
        inferred: list[str] = []

    class Cancelled(Aggregate.Event):
        """The order was cancelled."""

        TOPIC = "order.cancelled.v1"
        reason: Personal | None = None
        inferred: list[str] = []

    class OwnerAssigned(Aggregate.Event):
        """The order and its after-sales belong to this member from now on."""

        TOPIC = "order.owner_assigned.v1"
        owner: str
        reason: Personal | None = None

        def about(self) -> list[str]:
            """The member."""
            return [self.owner]

    # -- mutators ---------------------------------------------------------------------------------

    @event(Placed)
    def _placed(self, currency, amounts, lines, province, account, recipient, phone, address,
                buyer_remark, reserved, occurred_at):
        self.placed_at = occurred_at
        self.currency, self.amounts, self.province = currency, amounts, province
        self.lines = None if lines is None else {line.line: line for line in lines}
        state = "unreserved" if reserved is None else "reserved"
        self.goods = {line.line: {state: line.quantity} for line in lines or () if not line.fee}
        if reserved is not None:
            self.warehouse = reserved.warehouse
            self.parts = parts_by_line(reserved.parts)
        self._know(account, recipient, phone, address, buyer_remark)

    @event(DetailsChanged)
    def _details_changed(self, province, account, recipient, phone, address, buyer_remark):
        self._know(account, recipient, phone, address, buyer_remark)
        self.province = province or self.province

    def _know(self, *values: Personal | None) -> None:
        # A value is sealed under the version and field of its event: both are needed to open it.
        sealed = {name: (value, self._version + 1, f"/{name}")
                  for name, value in zip(PERSONAL_FIELDS, values, strict=True)
                  if value is not None}
        if sealed:
            self.buyer = {**self.buyer, **sealed}

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
            self._know_lines(msgspec.convert(new["lines"], list[Line]))
        self._note_version(fact)

    @event(Paid)
    def _paid(self, amount_minor, occurred_at):
        self.paid_minor += amount_minor
        self.paid_at = self.paid_at or occurred_at
        self._note_version("paid")

    @event(Remarked)
    def _remarked(self, remark):
        self._note("remark", remark)

    @event(RefundRecorded)
    def _refund_recorded(self, amount_minor):
        self.refunded_minor += amount_minor
        self._note_version("refunded")

    @event(Completed)
    def _completed(self):
        self.ended = "completed"

    @event(Closed)
    def _closed(self, reason):
        self.ended = "closed"
        self._note("reason", reason)

    @event(Cancelled)
    def _cancelled(self, reason):
        self.ended = "cancelled"
        self._shift(self._all(OPEN), OPEN, "cancelled")
        self._note("reason", reason)

    def _note(self, name: str, text: Personal | None) -> None:
        if text is not None:
            self.written = {**self.written, name: (text, self._version + 1, f"/{name}")}

    @event(OwnerAssigned)
    def _owner_assigned(self, owner):
        self.owner = owner

    # -- rules ------------------------------------------------------------------------------------

    def place(self, facts: dict[str, Any], *, occurred_at: datetime) -> None:
        """Take a new order. Errors: R-ORD-01, R-ORD-07. Rule: domain.md 1, one order a number."""
        if self.placed_at is not None:
            raise OrderAlreadyPlaced(order=self.id)
        amounts: Amounts = facts["amounts"]
        known = (amounts.goods_minor, amounts.postage_minor, amounts.discount_minor)
        if amounts.total_minor is not None and None not in known:
            goods, postage, discount = known
            total = goods + postage - discount  # type: ignore[operator]
            if total != amounts.total_minor:
                raise TotalDisagrees(
                    order=self.id, total_minor=amounts.total_minor, sum_minor=total)
        self._placed(**facts, occurred_at=occurred_at)

    def change_price(
        self, new: Amounts, *, occurred_at: datetime, reason: Plain | None, allowed_by: str | None
    ) -> None:
        """A new price before payment. Errors: R-ORD-03, R-ORD-04."""
        self.must_be_known()
        if self.paid_minor or self.ended:
            raise PriceFixed(order=self.id, state=self.ended or "paid")
        if new != self.amounts:
            self._price_changed(old=self.amounts, new=new, reason=reason, allowed_by=allowed_by,
                                occurred_at=occurred_at)

    def pay(self, amount_minor: int, payments: list[Payment], *, occurred_at: datetime) -> None:
        """Money came in. Errors: R-ORD-03, R-ORD-06, R-ORD-09, R-ORD-34."""
        self.must_be_known()
        if self.ended:
            raise OrderEnded(order=self.id, state=self.ended)
        total = self.amounts.total_minor
        if total is not None and self.paid_minor >= total and self.paid_at is not None:
            raise AlreadyPaid(order=self.id)
        if (in_all := self.paid_minor + amount_minor) > MOST_IN_ALL:
            raise PaidTooMuch(order=self.id, paid_minor=in_all, most_minor=MOST_IN_ALL,
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

    def remark(self, remark: Plain, *, occurred_at: datetime) -> None:
        """A remark of the shop; none where the buyer was erased. Errors: R-ORD-03."""
        self.must_be_known()
        if not remark.person.is_erased:
            self._remarked(remark=remark, occurred_at=occurred_at)

    def complete(self, *, occurred_at: datetime) -> None:
        """The trade succeeded. Errors: R-ORD-03, R-ORD-06, R-ORD-08."""
        self.must_be_known()
        if self.ended == "completed":
            return
        if self.ended:
            raise OrderEnded(order=self.id, state=self.ended)
        if self.paid_at is None:
            raise OrderNotPaid(order=self.id)
        self._completed(occurred_at=occurred_at)

    def close(self, reason: Plain | None, *, occurred_at: datetime) -> None:
        """Closed as never paid or refunded in full. Errors: R-ORD-03, R-ORD-06, R-ORD-10."""
        self.must_be_known()
        if self.ended == "closed":
            return
        if self.ended:
            raise OrderEnded(order=self.id, state=self.ended)
        if self.paid_minor > self.refunded_minor:
            raise OrderStarted(
                order=self.id, left_minor=self.paid_minor - self.refunded_minor,
                paid_minor=self.paid_minor, currency=self.currency)
        self._closed(reason=reason, occurred_at=occurred_at)

    def cancel(self, reason: Plain | None, *, occurred_at: datetime) -> None:
        """Cancelled before dispatch. Errors: R-ORD-03, R-ORD-06, R-ORD-12."""
        self.must_be_known()
        if self.ended == "cancelled":
            return
        if self.ended:
            raise OrderEnded(order=self.id, state=self.ended)
        if self.dispatched_at is not None:
            raise OrderAlreadyDispatched(order=self.id, dispatched_at=rfc3339(self.dispatched_at))
        self._cancelled(reason=reason, occurred_at=occurred_at)

    def assign(self, owner: str, reason: Plain | None, *, occurred_at: datetime) -> None:
        """A member answers for the order. Errors: R-ORD-03. Rule: domain.md 1, owner."""
        self.must_be_known()
        if owner != self.owner:
            self._owner_assigned(owner=owner, reason=reason, occurred_at=occurred_at)

    def whose(self) -> str | None:
        """The buyer, once an account is known; before that, a person of the order's own."""
        return self.buyer["account"][0].p if "account" in self.buyer else self.sealed_for

    def declared(self) -> dict[str, tuple[Personal, int, str]]:
        """The buyer's values, the last remark of the shop, and why the order ended."""
        return {**self.buyer, **self.written}

    def revealed(self, name: str) -> str | None:
        """One of these values, opened; None if there is none or its key is gone."""
        if self._sealer is None or (found := self.declared().get(name)) is None:
            return None
        return self._sealer.reveal(found[0], self.id, *found[1:])
