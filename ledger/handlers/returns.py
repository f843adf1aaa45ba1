"""Where cases meet orders, stock and money: what comes back, and what is paid back.

The goods of a case wait for inspection before they can be sold again. In one transaction with the
case, the pieces of its order change their state, and its refund is a refund of the order.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from ledger.common.personal import Plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.core.postings import Posting
from ledger.fulfilment.postings import declare_lines, parts_of_line
from ledger.fulfilment.reserving import serve_waiting
from ledger.orders.errors import RefundExceedsPayment
from ledger.orders.order import Order
from ledger.orders.placing import buyer_of, must_be_in, noted_of
from ledger.returns.case import AWAITED, Case
from ledger.returns.commands import (
    ApproveRefund,
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    MatchCase,
    PayRefund,
    ReceiveGoods,
    ReceiveParcel,
    RecordReturn,
    RejectCase,
    RequestCase,
    WithdrawCase,
)
from ledger.returns.errors import ApprovalExceedsPayment, LineNotOrdered
from ledger.returns.values import NOT_BACK, REFUSED, CaseLine, Outcome
from ledger.stock.pieces import Count, LineParts, Part, sku_of
from ledger.stock.places import (
    AVAILABLE,
    CUSTOMER,
    DAMAGED,
    OTHER_WAREHOUSE,
    QUARANTINE,
    RETURNS_INSPECTION,
    WITH_COURIER,
    WRITTEN_OFF,
    stock_of,
)
from ledger.stock.posting import post, unseen_by
from ledger.stock.skus import Sku, parts_of
from ledger.stock.warehouses import must_be_open

COMES_BACK = (CUSTOMER, RETURNS_INSPECTION, "return")
"""From where to where the goods of a case go, and why."""

PLACE = {
    "restocked": AVAILABLE, "quarantined": QUARANTINE, "damaged": DAMAGED,
    "written_off": WRITTEN_OFF, "missing": CUSTOMER, "not_ours": CUSTOMER,
}
"""Where a piece goes by its disposition: one that never came back leaves the warehouse again."""


# -- a case begins --------------------------------------------------------------------------------


def request_case(command: RequestCase, work: Work) -> list[Aggregate]:
    """No more than was delivered, or paid. Errors: R-RET-02, R-RET-08, R-ORD-03, R-ORD-05,
    R-ORD-22, R-ORD-35."""
    order = known_order(work, command.order)
    must_be_in(order, command.currency)
    case: Case = work.load(Case, command.subject)
    lines = [of_order(order, case.id, line) for line in command.lines]
    facts = {name: getattr(command, name) for name in (
        "channel", "shop", "number", "kind", "order", "currency", "refund_minor")}
    facts["reason"] = noted_of(order, work, command.reason)
    is_new = not case.state
    case.request({**facts, "lines": lines}, occurred_at=command.occurred_at)
    if not is_new:
        return [case]
    if order.lines is not None:
        order.must_be_returnable(case.in_order(case.pieces(AWAITED)), refused=case.kind == REFUSED)
    must_be_refundable(order, command.refund_minor or 0)
    if order.dispatched_at is not None or order.ended:
        return [case]
    # Nothing was sent yet: whoever works on the order has to know before they send it.
    order.open_exception("refund_requested", "refund_requested", occurred_at=command.occurred_at)
    return [case, order]


def known_order(work: Work, name: str) -> Order:
    """Errors: OrderUnknown (R-ORD-03)."""
    order: Order = work.load(Order, name)
    order.must_be_known()
    return order


def of_order(order: Order, case: str, line: CaseLine) -> CaseLine:
    """A line with the SKU that was ordered; as it is, where the order's lines are not known.

    Errors: LineNotOrdered (R-RET-08).
    """
    if order.lines is None:
        return line
    name = line.order_line or line.line
    ordered = order.lines.get(name)
    if ordered is None or ordered.fee or line.sku not in (None, ordered.sku):
        raise LineNotOrdered(case=case, line=line.line, order=order.id, order_line=name,
                             sku=line.sku or "goods")
    return msgspec.structs.replace(line, sku=ordered.sku)


def must_be_refundable(order: Order, amount_minor: int) -> None:
    """Errors: RefundExceedsPayment (R-ORD-05)."""
    refunded = order.refunded_minor + amount_minor
    if amount_minor and refunded > order.paid_minor:
        raise RefundExceedsPayment(
            order=order.id, refund_minor=amount_minor, paid_minor=order.paid_minor,
            refunded_minor=refunded, currency=order.currency)


def receive_parcel(command: ReceiveParcel, work: Work) -> list[Aggregate]:
    """Goods that were not expected are here all the same. Errors: R-RET-02, R-STK-04."""
    case: Case = work.load(Case, command.subject)
    must_be_open(work, command.warehouse)
    facts = {name: getattr(command, name) for name in (
        "channel", "shop", "number", "currency", "warehouse", "lines")}
    facts["note"] = _noted(case, work, command.note)
    if not case.receive_parcel({**facts, "parts": parts_to_record(work, command.lines)},
                               occurred_at=command.occurred_at):
        return [case]
    declare_lines(work, case.newest, command.warehouse, lines=command.lines, way=COMES_BACK)
    return [case]


def record_return(command: RecordReturn, work: Work) -> list[Aggregate]:
    """Record a return of no known order once, with its goods. Errors: R-RET-02, R-STK-04."""
    case: Case = work.load(Case, command.subject)
    if not case.is_new(command.lines, {"currency": command.currency}):
        return [case]
    facts = {name: getattr(command, name) for name in (
        "channel", "shop", "number", "currency", "lines", "warehouse")}
    facts.update({name: Plain(work.person(command.buyer), value) for name in command.PERSONAL
                  if (value := getattr(command, name)) is not None})
    parts = [] if command.warehouse is None else parts_to_record(work, command.lines)
    case.declare({**facts, "parts": parts}, command.at)
    if command.warehouse is not None:
        declare_lines(work, case.newest, command.warehouse, lines=command.lines, way=COMES_BACK)
    return [case]


def _written(case: Case, work: Work, text: str) -> Plain:
    """What was written of a case, for the buyer of its order; before that is known, for whoever a
    file named, else for a person of the case's own. Errors: PersonLost (R-KEY-06)."""
    if case.order is not None:
        return Plain(buyer_of(known_order(work, case.order), work, case), text)
    return Plain(work.person_of(case, case.id), text)


def _noted(case: Case, work: Work, text: str | None) -> Plain | None:
    """The same; None where nothing was written."""
    return None if text is None else _written(case, work, text)


def parts_to_record(work: Work, lines: Iterable[CaseLine]) -> list[LineParts]:
    """What the pieces of lines are made of, where that is not just their own SKU."""
    goods = [line for line in lines if line.sku and not line.fee]
    work.fetch([(Sku, sku_of(line.sku)) for line in goods if line.sku])
    return [LineParts(line.line, part.sku, part.each) for line in goods if line.sku
            if (parts := parts_of(work, line.sku)) != (Part(line.sku, 1),) for part in parts]


# -- what is decided ------------------------------------------------------------------------------


def match_case(command: MatchCase, work: Work) -> list[Aggregate]:
    """The goods that came turn out to be of an order. Errors: R-RET-01, R-RET-03, R-RET-04,
    R-RET-08, R-RET-09, R-ORD-03, R-ORD-22, R-ORD-35."""
    case = command.load(work)
    order = known_order(work, command.order)
    case.match(order.id, command.lines, occurred_at=command.occurred_at)
    must_be_in(order, case.currency)
    for name in case.goods:
        line = case.lines[name]
        ordered = (order.lines or {}).get(case.order_line(name))
        if ordered is None or ordered.sku is None or not line.sku or (
                parts_of(work, ordered.sku) != parts_of(work, line.sku)):
            raise LineNotOrdered(case=case.id, line=name, order=order.id,
                                 order_line=case.order_line(name), sku=line.sku or "goods")
    came = case.in_order(case.came())
    if not came:
        return [case]
    order.expect_return(case.id, came, occurred_at=command.occurred_at)
    order.receive_return(case.id, came, occurred_at=command.occurred_at)
    return [case, order]


def authorise_case(command: AuthoriseCase, work: Work) -> list[Aggregate]:
    """The order expects its pieces back. Errors: R-RET-01, R-RET-03, R-RET-04, R-ORD-22."""
    case = command.load(work)
    is_new = case.state == "requested"
    case.authorise(_noted(case, work, command.note), occurred_at=command.occurred_at)
    awaited = case.in_order(case.pieces(AWAITED))
    order = order_of(case, work)
    if order is None or not awaited or not is_new:
        return [case]
    order.expect_return(case.id, awaited, refused=case.kind == REFUSED,
                        occurred_at=command.occurred_at)
    return [case, order]


def order_of(case: Case, work: Work) -> Order | None:
    """The order whose pieces a case moves; None if it has no order, or one without lines."""
    if case.order is None:
        return None
    order: Order = work.load(Order, case.order)
    return None if order.lines is None else order


def reject_case(command: RejectCase, work: Work) -> list[Aggregate]:
    """Errors: R-RET-01, R-RET-03, R-RET-04."""
    case = command.load(work)
    case.reject(_written(case, work, command.reason), occurred_at=command.occurred_at)
    return [case]


def receive_goods(command: ReceiveGoods, work: Work) -> list[Aggregate]:
    """What arrived waits for inspection; it is not for sale. Errors: R-RET-01, R-RET-03 to
    R-RET-05, R-RET-10, R-RET-12, R-STK-04."""
    case = command.load(work)
    must_be_open(work, command.warehouse)
    order = order_of(case, work)
    made_of = {count.line: parts_sent(work, case, order, count.line)
               for count in command.lines if count.line in case.goods}
    parts = [LineParts(line, part.sku, part.each) for line, made in made_of.items()
             if made != (Part(case.lines[line].sku or "", 1),) for part in made]
    case.receive(command.warehouse, command.lines, parts, _noted(case, work, command.note),
                 occurred_at=command.occurred_at)
    if order is not None:
        order.receive_return(case.id, case.in_order(command.lines), refused=case.kind == REFUSED,
                             occurred_at=command.occurred_at)
    post(work, case.newest, list(_came_back(case, order, command.lines)), decided=True)
    return [case] if order is None else [case, order]


def _came_back(
    case: Case, order: Order | None, lines: Iterable[Count]
) -> Iterator[Posting]:
    """What pieces of a case post that came into inspection: from the buyer, or from the courier who
    brings back what the buyer never had, perhaps to another warehouse than the one that sent it.
    Lines that name no SKU post nothing."""
    source, target, cause = COMES_BACK
    sender = order.warehouse if order is not None and case.kind == REFUSED else ""
    for line in lines:
        for part in case.made_of(line.line):
            if not part.sku:
                continue
            posting = Posting(
                account=stock_of(case.warehouse, part.sku), quantity=line.quantity * part.each,
                source=WITH_COURIER if sender else source, target=target, cause=cause,
                line=line.line)
            if sender not in ("", case.warehouse):
                yield msgspec.structs.replace(
                    posting, account=stock_of(sender, part.sku), target=OTHER_WAREHOUSE)
                posting = msgspec.structs.replace(posting, source=OTHER_WAREHOUSE)
            yield posting


def parts_sent(work: Work, case: Case, order: Order | None, line: str) -> tuple[Part, ...]:
    """What a piece of a line is made of: as it was sent, else as it is known now."""
    if order is not None and (name := case.order_line(line)) in order.parts:
        return parts_of_line(work, order, name)
    sku = case.lines[line].sku
    return parts_of(work, sku) if sku else (Part("", 1),)


def inspect_goods(command: InspectGoods, work: Work) -> list[Aggregate]:
    """Each piece gets its place; only what is restocked can be sold again. Errors: R-RET-01,
    R-RET-03 to R-RET-05, R-RET-12, R-STK-02."""
    case = command.load(work)
    case.inspect(command.lines, not_counted=command.late == "not_counted",
                 occurred_at=command.occurred_at)
    accounts = post(work, case.newest, list(_inspected(case, command.lines)), decided=True,
                    unseen=unseen_by(work, command.late)) if case.warehouse else []
    return [case, *serve_waiting(work, accounts, occurred_at=command.occurred_at)]


def _inspected(case: Case, lines: Iterable[Outcome]) -> Iterator[Posting]:
    """What pieces of a case post that leave inspection for the place of their disposition."""
    for line in lines:
        target = PLACE[line.disposition]
        if case.kind == REFUSED and line.disposition in NOT_BACK:
            target = WRITTEN_OFF  # the buyer does not have it, either
        yield from (
            Posting(account=stock_of(case.warehouse, part.sku), quantity=line.quantity * part.each,
                    source=RETURNS_INSPECTION, target=target, cause="inspection", line=line.line,
                    to_bin=line.bin)
            for part in case.made_of(line.line) if part.sku)


def approve_refund(command: ApproveRefund, work: Work) -> list[Aggregate]:
    """With the goods or before them. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-06, R-RET-13."""
    case = command.load(work)
    case.approve_refund(command.amount_minor, _noted(case, work, command.note),
                        occurred_at=command.occurred_at)
    order = known_order(work, case.order or "")
    unpaid_minor = case.sums.approved_minor - case.sums.paid_minor
    left_minor = order.paid_minor - order.refunded_minor
    if unpaid_minor > left_minor:
        raise ApprovalExceedsPayment(
            case=case.id, amount_minor=command.amount_minor, unpaid_minor=unpaid_minor,
            left_minor=left_minor, paid_minor=order.paid_minor, order=order.id,
            currency=order.currency)
    return [case]


def pay_refund(command: PayRefund, work: Work) -> list[Aggregate]:
    """A refund of the order. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-06, R-ORD-05, R-ORD-08."""
    case = command.load(work)
    case.pay_refund(command.amount_minor, occurred_at=command.occurred_at)
    order = known_order(work, case.order or "")
    order.refund(command.amount_minor, occurred_at=command.occurred_at, case=case.id)
    return [case, order]


def withdraw_case(command: WithdrawCase, work: Work) -> list[Aggregate]:
    """The order no longer expects anything back. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-11."""
    case = command.load(work)
    awaited = _awaited(case)
    case.withdraw(_written(case, work, command.reason), occurred_at=command.occurred_at)
    return _ended(work, case, awaited, command.occurred_at)


def close_case(command: CloseCase, work: Work) -> list[Aggregate]:
    """Both legs have ended; what never came stays with the buyer. Errors: R-RET-01, R-RET-03,
    R-RET-04, R-RET-07."""
    case = command.load(work)
    awaited = _awaited(case)
    case.close(_noted(case, work, command.note), occurred_at=command.occurred_at)
    return _ended(work, case, awaited, command.occurred_at)


def _awaited(case: Case) -> list[Count]:
    """The pieces that the order expects back for a case, since the shop agreed."""
    return case.in_order(case.pieces(AWAITED)) if case.state == "authorised" else []


def _ended(
    work: Work, case: Case, awaited: list[Count], occurred_at: datetime
) -> list[Aggregate]:
    """An ended case, and its order, which no longer expects the awaited pieces."""
    order = order_of(case, work)
    if order is None or not awaited:
        return [case]
    order.end_return(case.id, awaited, refused=case.kind == REFUSED, occurred_at=occurred_at)
    return [case, order]


HANDLERS: dict[type[Command], Handler] = {
    RequestCase: request_case,
    ReceiveParcel: receive_parcel,
    RecordReturn: record_return,
    MatchCase: match_case,
    AuthoriseCase: authorise_case,
    RejectCase: reject_case,
    ReceiveGoods: receive_goods,
    InspectGoods: inspect_goods,
    ApproveRefund: approve_refund,
    PayRefund: pay_refund,
    WithdrawCase: withdraw_case,
    CloseCase: close_case,
}
