"""After-sales cases: what a buyer wants back or sends back, and what becomes of it.

It has two independent legs: goods (awaited, received, inspected) and refund (approved, paid).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

from ledger.common.bounds import Words
from ledger.common.moments import Moment
from ledger.common.personal import Personal, Plain
from ledger.core.aggregate import Aggregate, event
from ledger.orders.goods import NO_GOODS, Goods
from ledger.returns.errors import (
    CaseDeclaredDifferently,
    CaseEnded,
    CaseHasOrder,
    CaseLineUnknown,
    CaseNotDone,
    CaseNotReady,
    CaseUnderWay,
    CaseUnknown,
    GoodsReceivedElsewhere,
    NotThatManyBack,
    RefundExceedsCase,
)
from ledger.returns.values import (
    DISPOSITIONS,
    KINDS,
    NOT_BACK,
    RETURN_AND_REFUND,
    WITH_GOODS,
    CaseLine,
    Match,
    Outcome,
    Sums,
)
from ledger.stock.pieces import Count, LineParts, parts_by_line, sku_of

AWAITED, RECEIVED = "awaited", "awaiting_inspection"
CAME = (RECEIVED, *(found for found in DISPOSITIONS if found not in NOT_BACK))
"""States of pieces that came back."""

ENDED = ("rejected", "withdrawn", "closed")


class Case(Aggregate):
    """A case of one shop; its stream is `case:<channel>:<shop>:<number>`."""

    KIND = "case"

    def begin(self) -> None:
        """It is not open yet."""
        self.state = self.kind = self.currency = self.warehouse = ""
        self.order: str | None = None
        self.account: Personal | None = None
        self.lines: dict[str, CaseLine] = {}
        self.matched: dict[str, str] = {}
        self.goods: Goods = NO_GOODS
        self.parts: dict[str, tuple[LineParts, ...]] = {}
        self.sums = Sums()

    # -- facts ------------------------------------------------------------------------------------

    class Requested(Aggregate.Event):
        """A buyer wants money back, with or without sending goods."""

        TOPIC = "case.requested.v1"
        channel: str
        shop: str
        number: str
        kind: Annotated[str, Words(*KINDS)]
        order: str
        currency: str
        lines: list[CaseLine] = []
        refund_minor: int | None = None
        reason: Personal | None = None

        def about(self) -> list[str]:
            """The order."""
            return [self.order]

    class ParcelReceived(Aggregate.Event):
        """A parcel came back whose order is not known. `parts`: see `LineParts`."""

        TOPIC = "case.parcel_received.v1"
        channel: str
        shop: str
        number: str
        currency: str
        warehouse: str
        lines: list[CaseLine]
        parts: list[LineParts] = []
        note: Personal | None = None

        def about(self) -> list[str]:
            """The SKUs."""
            return [sku_of(line.sku) for line in self.lines if line.sku]

    class Declared(Aggregate.Event):
        """A file says what came back, but neither of which order nor in what condition."""

        TOPIC = "case.declared.v1"
        channel: str
        shop: str
        number: str
        currency: str
        lines: list[CaseLine]
        warehouse: str | None = None
        parts: list[LineParts] = []
        account: Personal | None = None
        reason: Personal | None = None
        inferred: list[str] = []

        def about(self) -> list[str]:
            """The SKUs."""
            return list(dict.fromkeys(sku_of(line.sku) for line in self.lines if line.sku))

    class Matched(Aggregate.Event):
        """The order of a parcel was found."""

        TOPIC = "case.matched.v1"
        order: str
        lines: list[Match]

        def about(self) -> list[str]:
            """The order."""
            return [self.order]

    class Authorised(Aggregate.Event):
        """The shop agrees."""

        TOPIC = "case.authorised.v1"
        note: Personal | None = None

    class Rejected(Aggregate.Event):
        """The shop does not agree."""

        TOPIC = "case.rejected.v1"
        reason: Personal | None = None

    class GoodsReceived(Aggregate.Event):
        """Awaited pieces arrived in a warehouse. `parts`: see `LineParts`."""

        TOPIC = "case.goods_received.v1"
        warehouse: str
        lines: list[Count]
        parts: list[LineParts] = []
        note: Personal | None = None

    class Inspected(Aggregate.Event):
        """What became of pieces that had arrived."""

        TOPIC = "case.inspected.v1"
        lines: list[Outcome]
        not_counted: bool = False

    class RefundApproved(Aggregate.Event):
        """So much more may be paid back."""

        TOPIC = "case.refund_approved.v1"
        amount_minor: int
        note: Personal | None = None

    class Refunded(Aggregate.Event):
        """So much was paid back."""

        TOPIC = "case.refunded.v1"
        amount_minor: int

    class Withdrawn(Aggregate.Event):
        """The buyer no longer wants it."""

        TOPIC = "case.withdrawn.v1"
        reason: Personal | None = None

    class Closed(Aggregate.Event):
        """Both legs have ended. `given_up` are pieces that never came."""

        TOPIC = "case.closed.v1"
        given_up: list[Count] = []
        note: Personal | None = None

    # -- mutators ---------------------------------------------------------------------------------

    @event(Requested)
    def _requested(self, kind, order, currency, lines, refund_minor):
        self.state, self.kind, self.order, self.currency = "requested", kind, order, currency
        self.sums = Sums(refund_minor)
        self._take(lines, AWAITED if kind in WITH_GOODS else None)

    @event(ParcelReceived)
    def _parcel_received(self, warehouse, currency, lines, parts):
        self.state, self.kind, self.warehouse = "unidentified", RETURN_AND_REFUND, warehouse
        self.currency, self.parts = currency, parts_by_line(parts)
        self._take(lines, RECEIVED)

    @event(Declared)
    def _declared(self, warehouse, currency, lines, parts, account):
        self.state, self.kind, self.warehouse = "declared", RETURN_AND_REFUND, warehouse or ""
        self.currency, self.parts, self.account = currency, parts_by_line(parts), account
        self._take(lines, RECEIVED)

    def _take(self, lines: list[CaseLine], state: str | None) -> None:
        self.lines = {line.line: line for line in lines}
        self.goods = NO_GOODS if state is None else Goods.of(lines, state)

    @event(Matched)
    def _matched(self, order, lines):
        self.state, self.order = "requested", order
        self.matched = {match.line: match.order_line for match in lines}

    @event(Authorised)
    def _authorised(self):
        self.state = "authorised"

    @event(Rejected)
    def _rejected(self):
        self.state = "rejected"

    @event(GoodsReceived)
    def _goods_received(self, warehouse, lines, parts):
        self.warehouse = warehouse
        self.parts = {**self.parts, **parts_by_line(parts)}
        self.goods = self.goods.moved(lines, (AWAITED,), RECEIVED)

    @event(Inspected)
    def _inspected(self, lines):
        for outcome in lines:
            self.goods = self.goods.moved((outcome,), (RECEIVED,), outcome.disposition)

    @event(RefundApproved)
    def _refund_approved(self, amount_minor):
        self.sums = self.sums._replace(approved_minor=self.sums.approved_minor + amount_minor)

    @event(Refunded)
    def _refunded(self, amount_minor):
        self.sums = self.sums._replace(paid_minor=self.sums.paid_minor + amount_minor)

    @event(Withdrawn)
    def _withdrawn(self):
        self.state = "withdrawn"

    @event(Closed)
    def _closed(self, given_up):
        self.state = "closed"
        self.goods = self.goods.moved(given_up, (AWAITED,), "given_up")

    # -- rules ------------------------------------------------------------------------------------

    def pieces(self, state: str) -> list[Count]:
        """All pieces of a state, by line."""
        return self.goods.in_states(state)

    def came(self) -> list[Count]:
        """All pieces that came back, by line."""
        return self.goods.in_states(*CAME)

    def order_line(self, line: str) -> str:
        """The line of the order that a line of the case is about."""
        return self.matched.get(line) or self.lines[line].order_line or line

    def made_of(self, line: str) -> tuple[LineParts, ...]:
        """What a piece of a line is made of."""
        return self.parts.get(line) or (LineParts(line, self.lines[line].sku or "", 1),)

    def in_order(self, counts: Iterable[Count]) -> list[Count]:
        """The same pieces, by the lines of the order."""
        found: dict[str, int] = {}
        for count in counts:
            name = self.order_line(count.line)
            found[name] = found.get(name, 0) + count.quantity
        return [Count(name, quantity) for name, quantity in found.items()]

    def must_be_known(self) -> None:
        """Errors: CaseUnknown (R-RET-01)."""
        if not self.state:
            raise CaseUnknown(case=self.id)

    def must_be(self, *states: str) -> None:
        """Errors: CaseUnknown (R-RET-01), CaseEnded (R-RET-03), CaseNotReady (R-RET-04)."""
        self.must_be_known()
        if self.state in ENDED and self.state not in states:
            raise CaseEnded(case=self.id, state=self.state)
        if self.state not in states:
            raise CaseNotReady(case=self.id, state=self.state, needed=" or ".join(states))

    def must_have(self, counts: Iterable[Any], state: str) -> None:
        """Every line has so many pieces of a state. Errors: R-RET-05, R-RET-12."""
        if (lacking := self.goods.lacking(counts, (state,))) is None:
            return
        if lacking.there is None:
            raise CaseLineUnknown(case=self.id, line=lacking.line)
        raise NotThatManyBack(case=self.id, line=lacking.line, wanted=lacking.wanted,
                              there=lacking.there, state=state)

    def is_new(self, lines: list[CaseLine], fields: Mapping[str, Any]) -> bool:
        """Whether it is new; if not, it has to be the same. Errors: R-RET-02."""
        if not self.state:
            return True
        if list(self.lines.values()) != lines or any(
                getattr(self, name) != value for name, value in fields.items()):
            raise CaseDeclaredDifferently(case=self.id)
        return False

    def request(self, facts: dict[str, Any], *, occurred_at: datetime) -> None:
        """Errors: R-RET-02."""
        if self.is_new(facts["lines"], {"kind": facts["kind"], "order": facts["order"]}):
            self._requested(**facts, occurred_at=occurred_at)

    def receive_parcel(self, facts: dict[str, Any], *, occurred_at: datetime) -> bool:
        """A parcel of no known order; whether it is new. Errors: R-RET-02."""
        fields = {name: facts[name] for name in ("warehouse", "currency")}
        if new := self.is_new(facts["lines"], fields):
            self._parcel_received(**facts, occurred_at=occurred_at)
        return new

    def declare(self, facts: dict[str, Any], at: Moment) -> None:
        """A file declares it."""
        self._declared(**facts, inferred=at.marks(), **at.envelope())

    def match(self, order: str, lines: list[Match], *, occurred_at: datetime) -> None:
        """Errors: R-RET-01, R-RET-03, R-RET-04, CaseHasOrder (R-RET-09)."""
        if self.order is not None:
            raise CaseHasOrder(case=self.id, order=self.order)
        self.must_be("unidentified", "declared")
        self._matched(order=order, lines=lines, occurred_at=occurred_at)

    def authorise(self, note: Plain | None, *, occurred_at: datetime) -> None:
        """Errors: R-RET-01, R-RET-03, R-RET-04."""
        if self.state != "authorised":
            self.must_be("requested")
            self._authorised(note=note, occurred_at=occurred_at)

    def reject(self, reason: Plain, *, occurred_at: datetime) -> None:
        """Errors: R-RET-01, R-RET-03, R-RET-04."""
        if self.state != "rejected":
            self.must_be("requested")
            self._rejected(reason=reason, occurred_at=occurred_at)

    def receive(
        self, warehouse: str, lines: list[Count], parts: list[LineParts], note: Plain | None, *,
        occurred_at: datetime,
    ) -> None:
        """No more than is awaited. Errors: R-RET-01, R-RET-03 to R-RET-05, R-RET-10, R-RET-12."""
        self.must_be("authorised")
        self.must_have(lines, AWAITED)
        if self.warehouse not in ("", warehouse):
            raise GoodsReceivedElsewhere(case=self.id, elsewhere=self.warehouse, wanted=warehouse)
        self._goods_received(warehouse=warehouse, lines=lines, parts=parts, note=note,
                             occurred_at=occurred_at)

    def inspect(self, lines: list[Outcome], *, not_counted: bool, occurred_at: datetime) -> None:
        """No more than has arrived. Errors: R-RET-01, R-RET-03 to R-RET-05, R-RET-12."""
        self.must_be("unidentified", "declared", "requested", "authorised", "rejected")
        self.must_have(lines, RECEIVED)
        self._inspected(lines=lines, not_counted=not_counted, occurred_at=occurred_at)

    def approve_refund(
        self, amount_minor: int, note: Plain | None, *, occurred_at: datetime
    ) -> None:
        """No more than was asked. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-06."""
        self.must_be("authorised")
        approved = self.sums.approved_minor + amount_minor
        self._at_most(amount_minor, approved, self.sums.asked_minor, "asked")
        self._refund_approved(amount_minor=amount_minor, note=note, occurred_at=occurred_at)

    def pay_refund(self, amount_minor: int, *, occurred_at: datetime) -> None:
        """No more than was approved. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-06."""
        self.must_be("authorised")
        paid = self.sums.paid_minor + amount_minor
        self._at_most(amount_minor, paid, self.sums.approved_minor, "approved")
        self._refunded(amount_minor=amount_minor, occurred_at=occurred_at)

    def _at_most(self, amount_minor: int, sum_minor: int, most: int | None, what: str) -> None:
        if most is not None and sum_minor > most:
            raise RefundExceedsCase(case=self.id, amount_minor=amount_minor, sum_minor=sum_minor,
                                    most_minor=most, what=what)

    def withdraw(self, reason: Plain, *, occurred_at: datetime) -> None:
        """Before goods arrived or money went. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-11."""
        if self.state == "withdrawn":
            return
        self.must_be("requested", "authorised")
        if self.warehouse or self.sums.approved_minor:
            what = "goods of it arrived" if self.warehouse else "a refund was approved"
            raise CaseUnderWay(case=self.id, what=what)
        self._withdrawn(reason=reason, occurred_at=occurred_at)

    def close(self, note: Plain | None, *, occurred_at: datetime) -> None:
        """Both legs have ended. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-07."""
        if self.state == "closed":
            return
        self.must_be("unidentified", "declared", "authorised")
        if self.pieces(RECEIVED):
            raise CaseNotDone(case=self.id, what="pieces of it await inspection")
        if self.sums.paid_minor < self.sums.approved_minor:
            raise CaseNotDone(case=self.id, what="an approved refund is not paid")
        self._closed(given_up=self.pieces(AWAITED), note=note, occurred_at=occurred_at)
