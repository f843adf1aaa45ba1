"""Orders: what was bought and by whom, who answers for it, how it ended.

`payment.py`, `review.py`, `changing.py`, `packing.py`, `shipping.py`, `steps.py`, `returning.py`
are its other parts. They decide commands such as `PlaceOrder`; what files declare is recorded.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from ledger.common.moments import Moment
from ledger.common.personal import Personal, Plain
from ledger.common.values import rfc3339
from ledger.core.aggregate import Aggregate, event
from ledger.orders.changing import OrderChanges
from ledger.orders.errors import (
    DetailsPacked,
    OrderAlreadyDispatched,
    OrderAlreadyPlaced,
    OrderStarted,
    PiecesUnsent,
    RefundOpen,
)
from ledger.orders.goods import Goods
from ledger.orders.money import agree, costs_of, lines_must_agree
from ledger.orders.payment import OrderPayment
from ledger.orders.price_floor import OrderFloor
from ledger.orders.returning import OrderReturns
from ledger.orders.steps import OrderSteps
from ledger.orders.values import (
    BACK,
    CANCELLED,
    CLOSED,
    COMPLETED,
    OPEN,
    PERSONAL_FIELDS,
    PREPAID,
    Amounts,
    Line,
    Reservation,
)
from ledger.stock.pieces import Count, parts_by_line, quantities, sku_of

DECLARED = "declared"
"""Why details changed where a file says so. Who corrects them says how the buyer agreed."""


class Order(OrderPayment, OrderFloor, OrderChanges, OrderSteps, OrderReturns):
    """An order of one shop on one channel; its stream is `order:<channel>:<shop>:<number>`.

    `details_before` and `province_before` are what was said of details before somebody corrected
    them.
    """

    def begin(self) -> None:
        """Nobody has ordered anything."""
        super().begin()
        self.owner: str | None = None
        self.province: str | None = None
        self.buyer: dict[str, tuple[Personal, int, str]] = {}
        self.written: dict[str, tuple[Personal, int, str]] = {}
        self.details_before: dict[str, tuple[Personal, int, str] | None] = {}
        self.province_before: str | None = None

    # -- facts ------------------------------------------------------------------------------------

    class Placed(Aggregate.Event):
        """The buyer placed the order, with its lines or (order-level exports) without.

        `unstated` names what the source says nothing about, so that a report does not take silence
        for zero: `refunds`. `reserved`: all its goods were reserved along with it. `terms`: whether
        it is paid before it is sent, or on delivery.
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
        terms: str = PREPAID
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
        consent: Personal | None = None

    class Remarked(Aggregate.Event):
        """Someone in the shop wrote a remark on the order."""

        TOPIC = "order.remarked.v1"
        remark: Personal | None = None

    class Completed(Aggregate.Event):
        """The trade succeeded. `unsent` are pieces that a warehouse has not sent, and never will;
        what no warehouse had to send, the buyer has."""

        TOPIC = "order.completed.v1"
        unsent: list[Count] = []
        inferred: list[str] = []

    class Closed(Aggregate.Event):
        """The trade was closed: never paid, or refunded in full. What was not sent never is."""

        TOPIC = "order.closed.v1"
        reason: Personal | None = None
        inferred: list[str] = []

    class Cancelled(Aggregate.Event):
        """The order was cancelled. What was not sent never is."""

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
                buyer_remark, unstated, reserved, terms, occurred_at):
        self.placed_at, self.terms = occurred_at, terms
        self.currency, self.province = currency, province
        self._cost(amounts)
        self.refunds_known = "refunds" not in unstated
        self.lines = None if lines is None else {line.line: line for line in lines}
        self.goods = Goods.of(lines or (), "unreserved" if reserved is None else "reserved")
        if reserved is not None:
            self.warehouse = reserved.warehouse
            self.parts = parts_by_line(reserved.parts)
        self._know(account, recipient, phone, address, buyer_remark)

    @event(DetailsChanged)
    def _details_changed(self, province, account, recipient, phone, address, buyer_remark, reason):
        before, before_province = self.buyer, self.province
        changed = self._know(account, recipient, phone, address, buyer_remark)
        self.province = province or self.province
        self.changed = True
        if reason == DECLARED:
            self.details_before = {name: known for name, known in self.details_before.items()
                                   if name not in changed}
            self.province_before = self.province_before if province is None else None
        else:
            self.details_before = {
                **{name: before.get(name) for name in changed}, **self.details_before}
            if province is not None:
                self.province_before = self.province_before or before_province

    def _know(self, *values: Personal | None) -> Collection[str]:
        """Take the buyer's values that are given. Returns their names."""
        # A value is sealed under the version and field of its event: both are needed to open it.
        sealed = {name: (value, self._version + 1, f"/{name}")
                  for name, value in zip(PERSONAL_FIELDS, values, strict=True)
                  if value is not None}
        if sealed:
            self.buyer = {**self.buyer, **sealed}
        return sealed.keys()

    @event(Remarked)
    def _remarked(self, remark):
        self._note("remark", remark)

    @event(Completed)
    def _completed(self, unsent):
        self._move(unsent, OPEN, "cancelled")
        self.given_up = {**self.given_up, **quantities(unsent)}
        self._end(COMPLETED, "delivered")

    @event(Closed)
    def _closed(self, reason):
        self._end(CLOSED, "cancelled")
        self._note("reason", reason)

    @event(Cancelled)
    def _cancelled(self, reason):
        self._end(CANCELLED, "cancelled")
        self._note("reason", reason)

    def _end(self, ended: str, left: str) -> None:
        """Whatever the end, no piece is left to be sent, and no parcel to be handed over."""
        self.ended = ended
        if left == "cancelled":
            self.given_up = {**self.given_up, **quantities(self.goods.in_states(*OPEN))}
        self.goods = self.goods.all_moved(OPEN, left)
        self.checked, self.check_failed = {}, False
        self._all_parcels(("packed",), "voided")

    def _note(self, name: str, text: Personal | None) -> None:
        if text is not None:
            self.written = {**self.written, name: (text, self._version + 1, f"/{name}")}

    @event(OwnerAssigned)
    def _owner_assigned(self, owner):
        self.owner = owner

    # -- rules ------------------------------------------------------------------------------------

    def place(self, facts: dict[str, Any], *, occurred_at: datetime) -> None:
        """Errors: R-ORD-01, R-ORD-07, R-ORD-53, R-ORD-54, R-ORD-62. Rules: domain.md 1, one order a
        number; R-ORD-84."""
        if self.placed_at is not None:
            raise OrderAlreadyPlaced(order=self.id)
        currency, lines = facts["currency"], facts["lines"]
        lines_must_agree(self.id, currency, lines or ())
        costs = costs_of(self.id, currency, lines, facts["amounts"], cancelled={})
        self._placed(**{**facts, "amounts": costs}, occurred_at=occurred_at)

    def remark(self, remark: Plain, *, occurred_at: datetime) -> None:
        """A remark of the shop; none where the buyer was erased. Errors: R-ORD-03."""
        self.must_be_known()
        if not remark.person.is_erased:
            self._remarked(remark=remark, occurred_at=occurred_at)

    def correct_details(
        self, details: dict[str, Any], consent: Plain, *, occurred_at: datetime
    ) -> None:
        """Another recipient, phone, address or province, with the buyer's consent; where the buyer
        was erased, the province alone, which is nobody's. Errors: R-ORD-03, R-ORD-06,
        DetailsPacked (R-ORD-39)."""
        self.must_not_have_ended()
        for name, parcel in self.parcels.items():
            if parcel.state != "voided":
                raise DetailsPacked(order=self.id, parcel=name, state=parcel.state)
        if self.dispatched_at is not None:
            raise OrderAlreadyDispatched(order=self.id, dispatched_at=rfc3339(self.dispatched_at))
        if consent.person.is_erased:
            details = {name: value for name, value in details.items() if name == "province"}
        if details:
            self._details_changed(**details, consent=consent, occurred_at=occurred_at)

    def must_be_sendable(self) -> None:
        """It is paid for, or to be paid on delivery, and nobody wants the money back. Errors:
        NotPaidFor (R-ORD-40), RefundOpen (R-ORD-41)."""
        self.must_be_paid_for()
        for name, kind in self.exceptions.items():
            if kind == "refund_requested":
                raise RefundOpen(order=self.id, exception=name)

    def settle_exceptions(self, *, occurred_at: datetime) -> None:
        """Close the exceptions that the ledger opened by itself, where what they say is no longer
        so."""
        for name, kind in self.exceptions.items():
            own = name == kind or name.startswith("case:")  # others were opened by somebody
            if own and kind in HOLDS and not HOLDS[kind](self):
                self.close_exception(name, None, occurred_at=occurred_at)

    def settle_money(self, before: "Order", *, occurred_at: datetime) -> None:
        """Open what the ledger says of its money by itself, where that is news, and close what is
        no longer so. Rules: R-ORD-55, R-ORD-63, R-ORD-64, R-ORD-65."""
        for kind in MONEY:
            if HOLDS[kind](self):
                if (self.balance, self.ended) != (before.balance, before.ended) \
                        or not HOLDS[kind](before):
                    self.open_exception(kind, kind, occurred_at=occurred_at)
            elif self.exceptions.get(kind) == kind:
                self.close_exception(kind, None, occurred_at=occurred_at)

    def reopen_exceptions(self, before: "Order", *, occurred_at: datetime) -> None:
        """Open what the ledger opens by itself and what holds again, and did not before."""
        for kind in ("check_failed", "courier_lost", "parcel_refused"):
            if HOLDS[kind](self) and not HOLDS[kind](before):
                self.open_exception(kind, kind, occurred_at=occurred_at)

    def complete(self, *, occurred_at: datetime) -> None:
        """The trade succeeded. Errors: R-ORD-03, R-ORD-06, R-ORD-08, R-ORD-57, R-ORD-42."""
        if self.ended == "completed":
            return
        self.must_not_have_ended()
        self.must_be_settled()
        if unsent := self.unsent():
            raise PiecesUnsent(order=self.id, line=unsent[0].line, pieces=unsent[0].quantity)
        self._completed(occurred_at=occurred_at)

    def unsent(self) -> list[Count]:
        """The pieces that a warehouse still has to send, or that an end gave up: what names a SKU.
        """
        given_up = [Count(line, pieces) for line, pieces in self.given_up.items()]
        return [count for count in (*self.goods.in_states(*OPEN), *given_up)
                if (self.lines or {})[count.line].sku]

    def close(self, reason: Plain | None, *, occurred_at: datetime) -> None:
        """Closed as never paid or refunded in full. Errors: R-ORD-03, R-ORD-06, R-ORD-10."""
        if self.ended == "closed":
            return
        self.must_not_have_ended()
        if self.paid_minor > self.refunded_minor:
            raise OrderStarted(
                order=self.id, left_minor=self.paid_minor - self.refunded_minor,
                paid_minor=self.paid_minor, currency=self.currency)
        self._closed(reason=reason, occurred_at=occurred_at)

    def cancel(self, reason: Plain | None, *, occurred_at: datetime) -> None:
        """Cancelled before dispatch. Errors: R-ORD-03, R-ORD-06, R-ORD-12."""
        if self.ended == "cancelled":
            return
        self.must_not_have_ended()
        if self.dispatched_at is not None:
            raise OrderAlreadyDispatched(order=self.id, dispatched_at=rfc3339(self.dispatched_at))
        self._cancelled(reason=reason, occurred_at=occurred_at)

    def assign(self, owner: str, reason: Plain | None, *, occurred_at: datetime) -> None:
        """A member answers for the order. Errors: R-ORD-03. Rule: domain.md 1, owner."""
        self.must_be_known()
        if owner != self.owner:
            self._owner_assigned(owner=owner, reason=reason, occurred_at=occurred_at)

    def declare(self, fact: type[Aggregate.Event], at: Moment, /, **fields: Any) -> None:
        """Record what a file declares to have happened at a moment. It is not decided: that it
        happened is not in question, whatever the rules would say."""
        assert fact in DECLARABLE, f"{fact.TOPIC} is decided"
        if "inferred" in fact.__struct_fields__:
            fields["inferred"] = at.marks()
        fact.RECORD(self, **fields, **at.envelope())

    def whose(self) -> str | None:
        """The buyer, once an account is known; before that, a person of the order's own."""
        return self.buyer["account"][0].p if "account" in self.buyer else self.sealed_for

    def declared(self) -> dict[str, tuple[Personal, int, str]]:
        """The buyer's values as they were before somebody corrected them, the last remark of the
        shop, and why the order ended."""
        before = {name: known for name, known in self.details_before.items() if known is not None}
        return {**self.buyer, **before, **self.written}

    def revealed(self, name: str) -> str | None:
        """One of the buyer's values, the last remark or why it ended, opened; None if there is none
        or its key is gone."""
        return self._opened({**self.buyer, **self.written}.get(name))

    def revealed_before(self, name: str) -> str | None:
        """What was said of a detail before somebody corrected it, opened; None as above."""
        return self._opened(self.details_before.get(name))

    def _opened(self, found: tuple[Personal, int, str] | None) -> str | None:
        if self._sealer is None or found is None:
            return None
        return self._sealer.reveal(found[0], self.id, *found[1:])


HOLDS: dict[str, Callable[[Order], bool]] = {
    "out_of_stock": lambda order: order.goods.has("short"),
    "check_failed": lambda order: order.check_failed and order.goods.has(*OPEN),
    "refund_requested": lambda order: not order.ended,
    "platform_already_shipped": lambda order: not order.ended and order.delivered_at is None,
    "courier_lost": lambda order: order.goods.has("lost"),
    "parcel_refused": lambda order: order.goods.has(BACK),
    "completed_unsent": lambda order: order.ended == COMPLETED and bool(order.given_up),
    "part_paid": lambda order: order.is_part_paid(),
    "overpaid": lambda order: not order.is_void() and order.due_back_minor() > 0,
    "refund_due": lambda order: order.is_void() and order.due_back_minor() > 0,
    "amounts_differ": lambda order: order.refunded_minor > order.paid_minor or not agree(
        None if order.lines is None else order.lines.values(), order.amounts, order.dropped()),
}
"""The kinds of the exceptions that the ledger opens by itself, and how long they hold."""

MONEY = ("part_paid", "overpaid", "refund_due", "amounts_differ")
"""Those among them that are about money."""


DECLARABLE: frozenset[type[Aggregate.Event]] = frozenset({
    Order.Placed, Order.LinesDeclared, Order.DetailsChanged, Order.PriceChanged, Order.Corrected,
    Order.Paid, Order.RefundRecorded, Order.Remarked, Order.Dispatched, Order.Delivered,
    Order.Completed, Order.Closed, Order.Cancelled, Order.PiecesCancelled, Order.ExceptionOpened,
    Order.ExceptionClosed, Order.Stated, Order.ParcelRefused, Order.ParcelLost})
"""What a file can declare to have happened to an order."""
