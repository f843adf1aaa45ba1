"""What a file declares about a case: each step of it that the ledger does not know yet is taken.

It has happened, so nobody signs for it. Refused is what cannot be so: pieces that were never sent,
or more money than was paid.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from ledger.common.moments import Moment
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.fulfilment.counting import follow
from ledger.handlers.returns import (
    REFUND_REQUESTED,
    authorise_case,
    close_case,
    inspect_goods,
    known_order,
    match_case,
    must_be_refundable,
    receive_goods,
    receive_of,
    record_return,
)
from ledger.orders.money import product_of
from ledger.orders.order import Order
from ledger.orders.placing import must_be_in, noted_of
from ledger.orders.references import Paper, claim_to
from ledger.orders.review import PARCEL_REFUSED
from ledger.orders.settling import settle
from ledger.orders.values import BACK, Line
from ledger.returns.case import AWAITED, ENDED, RECEIVED, Case
from ledger.returns.commands import (
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    MatchCase,
    ReceiveGoods,
    RecordReturn,
)
from ledger.returns.declared import DeclareCase
from ledger.returns.errors import CaseDeclaredDifferently
from ledger.returns.matching import is_for_unsent, must_be_delivered
from ledger.returns.sent import back_of, named, of_order
from ledger.returns.values import REFUND_ONLY, REFUSED, CaseLine, Match
from ledger.returns.worth import room_for
from ledger.stock.pieces import Count, quantities


def declare_case(command: DeclareCase, work: Work) -> list[Aggregate]:
    """What a file says of a case. Errors: R-RET-02, R-RET-05, R-RET-06, R-RET-08, R-RET-12,
    R-RET-14 to R-RET-18, R-ORD-03, R-ORD-05, R-ORD-22, R-ORD-35, R-ORD-56, R-STK-04."""
    declared = _Declared(command, work)
    if declared.case.state in ENDED and declared.case.order == declared.order.id:
        return [declared.case]
    declared.opened()
    declared.came()
    declared.judged()
    declared.refunded()
    declared.closed()
    return list(declared.changed.values())


class _Declared:
    """One declaration, step by step. `changed` are the aggregates that it may change."""

    def __init__(self, command: DeclareCase, work: Work) -> None:
        self.command, self.work = command, work
        self.order: Order = known_order(work, command.order)
        must_be_in(self.order, command.currency)
        self.case: Case = work.load(Case, command.subject)
        self.changed: dict[str, Aggregate] = {}
        self._note([self.case, self.order])

    def _note(self, changed: list[Aggregate]) -> None:
        self.changed |= {one.id: one for one in changed}

    # -- it begins --------------------------------------------------------------------------------

    def opened(self) -> None:
        """The case is there, of this order, with these lines; the shop has agreed."""
        command, case, at = self.command, self.case, self.command.requested.at
        lines = list(_of_order(self.work, self.order, command.lines))
        if case.order not in (None, self.order.id) or (case.state and [
                (one.line, one.quantity) for one in case.lines.values()]
                != [(one.line, one.quantity) for one in lines]):
            raise CaseDeclaredDifferently(case=case.id)
        if not case.state and command.kind == REFUSED and command.came is not None \
                and self.order.lines is not None:
            at = command.came.at
            self._came_unannounced(lines)
        elif not case.state:
            self._requested(lines)
        elif case.order is None:
            self._matched(lines, at)
        if case.state == "requested":
            self._note(authorise_case(AuthoriseCase(case=case.id, occurred_at=at), self.work))

    def _came_unannounced(self, lines: list[CaseLine]) -> None:
        """The courier has brought it back, whoever may have known that it would."""
        command, came = self.command, self.command.came
        assert came is not None
        self._note(record_return(RecordReturn(
            channel=command.channel, shop=command.shop, number=command.number,
            currency=command.currency, lines=lines, at=came, warehouse=command.warehouse),
            self.work))
        self._matched(lines, came.at)

    def _matched(self, lines: list[CaseLine], at: datetime) -> None:
        """It turns out to be of this order."""
        matches = [Match(one.line, one.order_line or one.line) for one in lines]
        self._note(match_case(MatchCase(
            case=self.case.id, order=self.order.id, lines=matches, occurred_at=at), self.work))

    def _requested(self, lines: list[CaseLine]) -> None:
        command, case, order, at = self.command, self.case, self.order, self.command.requested.at
        refused = command.kind == REFUSED
        lines = [of_order(self.work, order, case.id, one, refused=refused) for one in lines]
        if command.kind != REFUND_ONLY:
            self._gone(lines, refused=refused)
        facts = {name: getattr(command, name) for name in (
            "channel", "shop", "number", "kind", "currency", "refund_minor")}
        case.request({**facts, "order": order.id, "lines": lines,
                      "reason": noted_of(order, self.work, command.reason)}, occurred_at=at)
        if order.lines is not None:
            back = back_of(self.work, case, order, case.pieces(AWAITED))
            if not refused:
                must_be_delivered(case, order, back)
            order.must_be_returnable(back, refused=refused)
        if is_for_unsent(case, order) and not command.refunded_minor:
            order.open_exception(case.id, REFUND_REQUESTED, occurred_at=at)

    def _gone(self, lines: list[CaseLine], *, refused: bool) -> None:
        """What the buyer sends back had arrived, and what was refused is on its way back: of pieces
        that are in no parcel nobody else says so."""
        order, before = self.order, self.order.clone()
        state, fact = (BACK, Order.ParcelRefused) if refused else ("delivered", Order.Delivered)
        wanted = quantities([Count(one.order_line or one.line, one.quantity) for one in lines])
        lacking = any(pieces > order.goods[name].get(state, 0)
                      for name, pieces in wanted.items() if name in order.goods)
        if not lacking or not order.loose():
            return
        at = self.command.requested.at
        order.declare(fact, Moment(at, inferred=True))
        if refused:
            order.open_exception(PARCEL_REFUSED, PARCEL_REFUSED, occurred_at=at)
        self._note(follow(self.work, order, before, occurred_at=at, decided=False))

    # -- its goods --------------------------------------------------------------------------------

    def came(self) -> None:
        """What was awaited is here."""
        came, case = self.command.came, self.case
        if came is None or not (awaited := case.pieces(AWAITED)):
            return
        if self.command.warehouse is not None:
            self._note(receive_goods(ReceiveGoods(
                case=case.id, warehouse=self.command.warehouse, lines=awaited,
                occurred_at=came.at), self.work))
            return
        case.receive("", awaited, [], None, occurred_at=came.at)
        if self.order.lines is not None:
            receive_of(self.work, case, self.order, awaited, occurred_at=came.at)

    def judged(self) -> None:
        """What the file says became of it, of what awaits inspection."""
        waiting = quantities(self.case.pieces(RECEIVED))
        found = [msgspec.structs.replace(one, quantity=pieces) for one in self.command.outcomes
                 if (pieces := min(one.quantity, waiting.get(one.line, 0)))]
        if found and self.command.came is not None:
            self._note(inspect_goods(InspectGoods(
                case=self.case.id, lines=found, occurred_at=self.command.came.at), self.work))

    # -- its money --------------------------------------------------------------------------------

    def refunded(self) -> None:
        """What was refunded in all, as far as the case does not know it. What a list of orders has
        said before of the same money is not refunded again. Errors: R-ORD-05, R-ORD-56, R-RET-06.
        """
        command, case, order, moment = self.command, self.case, self.order, self.command.refunded
        more = (command.refunded_minor or 0) - case.sums.paid_minor
        if moment is None or more <= 0:
            return
        claim = None
        if command.refund_reference is not None:
            claim = claim_to(self.work, order, Paper(
                "refund", command.refund_reference, more, case.id))
            if claim is None:
                return
        new = max(0, more - self._of_no_case())
        must_be_refundable(order, new)
        by, before, room = self.work.actor, order.clone(), room_for(case, order)
        case.approve_refund(more - case.unpaid_minor, None, by=by, stood_in=None,
                            occurred_at=moment.at)
        case.pay_refund(more, by=by, stood_in=None, occurred_at=moment.at)
        if new:
            order.declare(Order.RefundRecorded, moment, amount_minor=new, case=case.id,
                          lines=room.shared(new), reference=command.refund_reference, once=claim)
            settle(self.work, order, before, occurred_at=moment.at)
        if order.exceptions.get(case.id) == REFUND_REQUESTED:
            order.close_exception(case.id, None, occurred_at=moment.at)

    def _of_no_case(self) -> int:
        """What the platform refunded by what was recorded before, such as a list of orders, as far
        as no case is known that it was for."""
        of_cases, of_none = 0, 0
        for _, fact in self.work.story(self.order.id):
            if isinstance(fact, Order.RefundRecorded):
                of_cases += fact.amount_minor if fact.case is not None else 0
                of_none += fact.amount_minor if fact.case is None else 0
        if not of_none:
            return 0
        cases = {name for part in self.work.streams_of("case", naming=self.order.id)
                 for name in part}
        paid: int = sum(self.work.load(Case, name).sums.paid_minor for name in cases)
        return max(0, of_none - (paid - of_cases))

    def closed(self) -> None:
        """Both sides are done with it, once nothing of it waits for anybody."""
        case, closed = self.case, self.command.closed
        if closed is None or case.pieces(RECEIVED) or case.unpaid_minor \
                or (case.sums.asked_minor and not case.sums.approved_minor):
            return
        self._note(close_case(CloseCase(case=case.id, occurred_at=closed.at), self.work))


def _of_order(work: Work, order: Order, lines: list[CaseLine]) -> Iterator[CaseLine]:
    """Lines with the lines of the order that they are of, at what these cost."""
    left = {name: one.quantity for name, one in (order.lines or {}).items() if not one.fee}
    for line in lines:
        name = line.order_line or _line_of(work, order, line, left)
        ordered = (order.lines or {}).get(name or "")
        if ordered is None or name is None:
            yield line
            continue
        left[name] = left.get(name, 0) - line.quantity
        yield msgspec.structs.replace(
            _priced(line, ordered, order.currency), order_line=None if name == line.line else name)


def _line_of(
    work: Work, order: Order, line: CaseLine, left: dict[str, int]
) -> str | None:
    """The order's line of the SKU of a line, one with so many pieces first; that of the line's own
    name, where it has no SKU."""
    if line.sku is None:
        return line.line
    wanted = named(work, line.sku)
    same = [name for name in left
            if named(work, (order.lines or {})[name].sku or "") == wanted]
    return next((name for name in same if left[name] >= line.quantity), next(iter(same), None))


def _priced(line: CaseLine, ordered: Line, currency: str) -> CaseLine:
    """A line that says nothing of its price, at that of the order's line."""
    if line.unit_price or line.amount_minor:
        return line
    return msgspec.structs.replace(
        line, unit_price=ordered.unit_price, unit_price_scale=ordered.unit_price_scale,
        amount_minor=product_of(
            msgspec.structs.replace(ordered, quantity=line.quantity), currency))


HANDLERS: dict[type[Command], Handler] = {DeclareCase: declare_case}
