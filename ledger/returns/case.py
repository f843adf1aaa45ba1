"""After-sales cases: what a buyer wants back or sends back, and what becomes of it.

It has two independent legs: goods (awaited, received, inspected) and refund (approved, paid).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from ledger.common.bounds import Words
from ledger.common.moments import Moment
from ledger.common.personal import Personal, Plain
from ledger.common.phrases import Phrase
from ledger.core.aggregate import Aggregate, event
from ledger.orders.goods import NO_GOODS, Goods
from ledger.returns.errors import (
    CaseDeclaredDifferently,
    CaseHasOrder,
    CaseLineUnknown,
    CaseNotDone,
    CaseUnderWay,
    DeclinedOtherwise,
    GoodsReceivedElsewhere,
    RefundUndecided,
)
from ledger.returns.inspection import CaseInspection
from ledger.returns.refund import CaseRefund
from ledger.returns.standing import AWAITED, CAME, ENDED, GIVEN_UP, RECEIVED, TAKEN_APART
from ledger.returns.values import (
    DISPOSITIONS,
    KINDS,
    REFUSED,
    RETURN_AND_REFUND,
    WITH_GOODS,
    CaseLine,
    Match,
    Sums,
)
from ledger.stock.pieces import Count, LineParts, parts_by_line, sku_of

ARRIVED = (RECEIVED, TAKEN_APART, *DISPOSITIONS)
"""States of pieces that a parcel brought, or was to have brought."""

__all__ = ["AWAITED", "CAME", "ENDED", "RECEIVED", "TAKEN_APART", "Case"]


class Case(CaseInspection, CaseRefund):
    """A case of one shop; its stream is `case:<channel>:<shop>:<number>`."""

    def begin(self) -> None:
        """It is not open yet."""
        super().begin()
        self.account: Personal | None = None

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
        """The order of a parcel was found. `refused`: it was on its way to the buyer, who never had
        it. `parts` say of lines what their pieces were sent as, where they came in as something
        else."""

        TOPIC = "case.matched.v1"
        order: str
        lines: list[Match]
        refused: bool = False
        parts: list[LineParts] = []

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

    class Withdrawn(Aggregate.Event):
        """The buyer no longer wants it."""

        TOPIC = "case.withdrawn.v1"
        reason: Personal | None = None

    class Closed(Aggregate.Event):
        """Both legs have ended. `given_up` are pieces that never came; `unpayable_minor` was
        approved, and the order has been refunded otherwise; `declined_minor` was asked for, and
        the shop refunds nothing of it."""

        TOPIC = "case.closed.v1"
        given_up: list[Count] = []
        unpayable_minor: int = 0
        note: Personal | None = None
        declined_minor: int = 0

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
    def _matched(self, order, lines, refused, parts):
        self.state, self.order = "requested", order
        self.kind = REFUSED if refused else self.kind
        self.parts = {**self.parts, **parts_by_line(parts)}
        self.matched = {match.line: match.order_line for match in lines}

    @event(Authorised)
    def _authorised(self):
        self.state = "authorised"

    @event(Rejected)
    def _rejected(self):
        self.state = "rejected"
        self.goods = self.goods.all_moved((AWAITED,), GIVEN_UP)

    @event(GoodsReceived)
    def _goods_received(self, warehouse, lines, parts):
        self.warehouse = warehouse
        self.parts = {**self.parts, **parts_by_line(parts)}
        self.goods = self.goods.moved(lines, (AWAITED,), RECEIVED)

    @event(Withdrawn)
    def _withdrawn(self):
        self.state = "withdrawn"
        self.goods = self.goods.all_moved((AWAITED,), GIVEN_UP)

    @event(Closed)
    def _closed(self, given_up, unpayable_minor):
        self.state = "closed"
        self.sums = self.sums._replace(
            approved_minor=self.sums.approved_minor - unpayable_minor)
        self.goods = self.goods.moved(given_up, (AWAITED,), GIVEN_UP)

    # -- rules ------------------------------------------------------------------------------------

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

    def must_want_an_order(self, lines: list[Match]) -> None:
        """It can be matched, and has these lines. Errors: R-RET-01, R-RET-03, R-RET-04,
        CaseHasOrder (R-RET-09), R-RET-12."""
        if self.order is not None:
            raise CaseHasOrder(case=self.id, order=self.order)
        self.must_be("unidentified", "declared")
        for match in lines:
            if match.line not in self.lines:
                raise CaseLineUnknown(case=self.id, line=match.line)

    def match(
        self, order: str, lines: list[Match], parts: list[LineParts], *, refused: bool,
        occurred_at: datetime,
    ) -> None:
        """Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-09, R-RET-12."""
        self.must_want_an_order(lines)
        self._matched(order=order, lines=lines, refused=refused, parts=parts,
                      occurred_at=occurred_at)

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

    def withdraw(self, reason: Plain, *, occurred_at: datetime) -> None:
        """Before goods arrived or money went. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-11."""
        if self.state == "withdrawn":
            return
        self.must_be("requested", "authorised")
        arrived = self.warehouse or self.goods.has(*ARRIVED)
        if arrived or self.sums.approved_minor:
            what = Phrase("goods of it arrived") if arrived else Phrase("a refund was approved")
            raise CaseUnderWay(case=self.id, what=what)
        self._withdrawn(reason=reason, occurred_at=occurred_at)

    def close(
        self, note: Plain | None, *, payable_minor: int | None, declined_minor: int | None,
        occurred_at: datetime,
    ) -> None:
        """Both legs have ended. `payable_minor` can still be refunded of its order: if that is
        nothing, nobody can pay what is approved, nor approve what is asked. Errors: R-RET-01,
        R-RET-03, R-RET-04, R-RET-07, DeclinedOtherwise (R-RET-20), R-RET-21."""
        if self.state == "closed":
            return
        self.must_be("unidentified", "declared", "authorised")
        if self.pieces(RECEIVED):
            raise CaseNotDone(case=self.id, what=Phrase(
                "pieces of it await inspection; inspect them first (case.inspect)"))
        unpaid = self.unpaid_minor
        if unpaid and (payable_minor is None or payable_minor > 0):
            raise CaseNotDone(case=self.id, what=Phrase(
                "an approved refund is not paid; pay it first (case.pay_refund)"))
        self._must_decline(declined_minor, payable_minor or 0)
        self._closed(given_up=self.pieces(AWAITED), unpayable_minor=unpaid, note=note,
                     declined_minor=declined_minor or 0, occurred_at=occurred_at)

    def _must_decline(self, declined_minor: int | None, payable_minor: int) -> None:
        """Where nothing is approved of what was asked for and could be refunded, whoever closes
        says that the buyer does not get it. Who sent nothing back gave up the refund for it.
        Errors: R-RET-20, RefundUndecided (R-RET-21)."""
        falls = bool(self.sums.approved_minor) or (self.kind in WITH_GOODS and not self.came())
        asked = 0 if falls else min(self.sums.asked_minor or 0, payable_minor)
        if asked and declined_minor is None:
            raise RefundUndecided(case=self.id, asked_minor=asked)
        if declined_minor not in (None, asked):
            raise DeclinedOtherwise(case=self.id, declined_minor=declined_minor, asked_minor=asked)
