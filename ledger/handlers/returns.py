"""Where cases meet orders, stock and money: what comes back, and what is paid back.

The goods of a case wait for inspection before they can be sold again. In one transaction with the
case, the pieces of its order change their state, and its refund is a refund of the order.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from ledger.common.personal import Plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.fulfilment.postings import declare_lines
from ledger.fulfilment.reserving import serve_waiting
from ledger.orders.errors import RefundExceedsPayment
from ledger.orders.order import Order
from ledger.orders.placing import buyer_of, must_be_in, noted_of
from ledger.orders.references import Paper, claim_to
from ledger.orders.review import PARCEL_REFUSED
from ledger.orders.settling import settle
from ledger.orders.values import BACK
from ledger.people.signatures import SYSTEM, must_sign
from ledger.policies.signing import APPROVE_REFUND, PAY_REFUND
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
from ledger.returns.errors import ApprovalExceedsPayment, RefundExceedsLines
from ledger.returns.matching import (
    is_for_unsent,
    matched,
    must_be_delivered,
    must_have_gone,
    take_back,
)
from ledger.returns.moving import COMES_BACK, came_back, judged
from ledger.returns.sent import (
    back_of,
    comes_as,
    of_order,
    part_named,
    parts_made_of,
    parts_to_record,
)
from ledger.returns.values import REFUSED, CaseLine, Outcome
from ledger.returns.worth import Room, room_for
from ledger.stock.pieces import Count, LineParts, Part, sku_of
from ledger.stock.posting import post, unseen_by
from ledger.stock.skus import Sku, parts_of
from ledger.stock.warehouses import must_be_open

REFUND_REQUESTED = "refund_requested"
"""The exception of an order of which something is still to be sent, while the buyer wants money
back. It has the name of the case, and closes with it."""


# -- a case begins --------------------------------------------------------------------------------


def request_case(command: RequestCase, work: Work) -> list[Aggregate]:
    """No more than was delivered, or paid. Errors: R-RET-02, R-RET-08, R-RET-14 to R-RET-17,
    R-ORD-03, R-ORD-05, R-ORD-22, R-ORD-35."""
    order = known_order(work, command.order)
    must_be_in(order, command.currency)
    case: Case = work.load(Case, command.subject)
    refused = command.kind == REFUSED
    lines = [of_order(work, order, case.id, line, refused=refused) for line in command.lines]
    facts = {name: getattr(command, name) for name in (
        "channel", "shop", "number", "kind", "order", "currency", "refund_minor")}
    facts["reason"] = noted_of(order, work, command.reason)
    is_new = not case.state
    case.request({**facts, "lines": lines}, occurred_at=command.occurred_at)
    if not is_new:
        return [case]
    if order.lines is not None:
        back = back_of(work, case, order, case.pieces(AWAITED))
        if not refused:
            must_be_delivered(case, order, back)
        order.must_be_returnable(back, refused=refused)
    must_be_refundable(order, command.refund_minor or 0)
    if not is_for_unsent(case, order):
        return [case]
    # Whoever works on the order has to know before they send what the buyer may not want any more.
    order.open_exception(case.id, REFUND_REQUESTED, occurred_at=command.occurred_at)
    return [case, order]


def known_order(work: Work, name: str) -> Order:
    """Errors: OrderUnknown (R-ORD-03)."""
    order: Order = work.load(Order, name)
    order.must_be_known()
    return order


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
    if not case.receive_parcel({**facts, "parts": _parts_of_goods(work, command.lines)},
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
    parts = [] if command.warehouse is None else _parts_of_goods(work, command.lines)
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


def _parts_of_goods(work: Work, lines: Iterable[CaseLine]) -> list[LineParts]:
    """What the pieces of lines are made of, as it is known today."""
    goods = [line for line in lines if line.sku and not line.fee]
    work.fetch([(Sku, sku_of(line.sku)) for line in goods if line.sku])
    return [part for line in goods if line.sku
            for part in parts_to_record(line, parts_of(work, line.sku))]


# -- what is decided ------------------------------------------------------------------------------


def match_case(command: MatchCase, work: Work) -> list[Aggregate]:
    """The goods that came turn out to be of an order: sent back by the buyer, or refused, where
    they were still on their way. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-08, R-RET-09,
    R-RET-12, R-RET-16, R-RET-18, R-ORD-03, R-ORD-22, R-ORD-35."""
    case = command.load(work)
    order = known_order(work, command.order)
    case.must_want_an_order(command.lines)
    must_be_in(order, case.currency)
    found = matched(work, case, order, command.lines)
    refused = must_have_gone(case, order, found.back)
    case.match(order.id, command.lines, found.parts, refused=refused,
               occurred_at=command.occurred_at)
    post(work, case.newest, found.postings, decided=True)
    if not (found.back.lines or found.back.parts):
        return [case]
    if refused:
        take_back(work, case, order, found.back.lines, occurred_at=command.occurred_at)
        if order.goods.has(BACK):  # more of it is still under way
            order.open_exception(PARCEL_REFUSED, PARCEL_REFUSED, occurred_at=command.occurred_at)
    else:
        order.expect_return(case.id, found.back, occurred_at=command.occurred_at)
        order.receive_return(case.id, found.back, occurred_at=command.occurred_at,
                             made_of=parts_made_of(work, order, found.back))
    order.settle_exceptions(occurred_at=command.occurred_at)
    return [case, order]


def authorise_case(command: AuthoriseCase, work: Work) -> list[Aggregate]:
    """The order expects its pieces back. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-15,
    R-ORD-22."""
    case = command.load(work)
    is_new = case.state == "requested"
    case.authorise(_noted(case, work, command.note), occurred_at=command.occurred_at)
    awaited = case.pieces(AWAITED)
    order = order_of(case, work)
    if order is None or not awaited or not is_new:
        return [case]
    order.expect_return(case.id, back_of(work, case, order, awaited),
                        refused=case.kind == REFUSED, occurred_at=command.occurred_at)
    return [case, order]


def order_of(case: Case, work: Work) -> Order | None:
    """The order whose pieces a case moves; None if it has no order, or one without lines."""
    if case.order is None:
        return None
    order: Order = work.load(Order, case.order)
    return None if order.lines is None else order


def reject_case(command: RejectCase, work: Work) -> list[Aggregate]:
    """Nothing is awaited any more. Errors: R-RET-01, R-RET-03, R-RET-04."""
    case = command.load(work)
    case.reject(_written(case, work, command.reason), occurred_at=command.occurred_at)
    return _ended(work, case, [], command.occurred_at)


def receive_goods(command: ReceiveGoods, work: Work) -> list[Aggregate]:
    """What arrived waits for inspection; it is not for sale. Errors: R-RET-01, R-RET-03 to
    R-RET-05, R-RET-10, R-RET-12, R-RET-15, R-ORD-22, R-STK-04."""
    case = command.load(work)
    must_be_open(work, command.warehouse)
    order = order_of(case, work)
    lines = dict.fromkeys(count.line for count in command.lines if count.line in case.lines)
    parts = [part for line in lines if line in case.goods for part in parts_to_record(
        case.lines[line], comes_as(work, case, order, line), known=line in case.parts)]
    case.receive(command.warehouse, command.lines, parts, _noted(case, work, command.note),
                 occurred_at=command.occurred_at)
    if order is not None:
        receive_of(work, case, order, command.lines, occurred_at=command.occurred_at)
    post(work, case.newest, list(came_back(case, order, command.lines)), decided=True)
    return [case] if order is None else [case, order]


def receive_of(
    work: Work, case: Case, order: Order, lines: list[Count], *, occurred_at: datetime
) -> None:
    """The order has its pieces back. What it did not know to be awaited, since its lines came to be
    known after the case, it expects first. Errors: R-RET-15, R-ORD-22, R-ORD-29."""
    refused, at = case.kind == REFUSED, occurred_at
    back = back_of(work, case, order, lines)
    new = back.less(back.at_most(order.awaited_for(case.id)))
    if new.lines or new.parts:
        order.expect_return(case.id, new, refused=refused, occurred_at=at)
    order.receive_return(case.id, back, refused=refused, occurred_at=at,
                         made_of=parts_made_of(work, order, back))
    order.settle_exceptions(occurred_at=at)


def inspect_goods(command: InspectGoods, work: Work) -> list[Aggregate]:
    """Each piece gets its place, or each part of it; only what is restocked can be sold again.
    Errors: R-RET-01, R-RET-03 to R-RET-05, R-RET-12, R-RET-14, R-STK-02."""
    case = command.load(work)
    case.inspect([_as_made(work, case, outcome) for outcome in command.lines],
                 not_counted=command.late == "not_counted", occurred_at=command.occurred_at)
    accounts = post(work, case.newest, list(judged(case, case.newest.lines)), decided=True,
                    unseen=unseen_by(work, command.late)) if case.warehouse else []
    return [case, *serve_waiting(work, accounts, occurred_at=command.occurred_at)]


def _as_made(work: Work, case: Case, outcome: Outcome) -> Outcome:
    """An outcome that names a part by the name that it came in under."""
    if outcome.sku is None or outcome.line not in case.goods:
        return outcome
    made_of = [Part(part.sku, part.each) for part in case.made_of(outcome.line)]
    part = part_named(work, made_of, outcome.sku)
    return outcome if part is None else msgspec.structs.replace(outcome, sku=part.sku)


def approve_refund(command: ApproveRefund, work: Work) -> list[Aggregate]:
    """With the goods or before them. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-06, R-RET-13,
    R-RET-19, R-SIG-01, R-SIG-02, R-PPL-13."""
    case = command.load(work)
    signed = must_sign(work, APPROVE_REFUND, command.occurred_at, amount_minor=command.amount_minor)
    case.approve_refund(command.amount_minor, _noted(case, work, command.note), by=signed.by,
                        stood_in=signed.stood_in, occurred_at=command.occurred_at)
    order = known_order(work, case.order or "")
    unpaid_minor = case.unpaid_minor
    left_minor = order.paid_minor - order.refunded_minor
    if unpaid_minor > left_minor:
        raise ApprovalExceedsPayment(
            case=case.id, amount_minor=command.amount_minor, unpaid_minor=unpaid_minor,
            left_minor=left_minor, paid_minor=order.paid_minor, order=order.id,
            currency=order.currency)
    _must_be_within(room_for(case, order), case, command.amount_minor, unpaid_minor)
    return [case]


def _must_be_within(room: Room, case: Case, amount_minor: int, sum_minor: int) -> None:
    """So much can still be refunded of what a case is for. Errors: RefundExceedsLines (R-RET-19).
    """
    if sum_minor > room.in_all_minor:
        raise RefundExceedsLines(case=case.id, amount_minor=amount_minor, sum_minor=sum_minor,
                                 most_minor=room.in_all_minor)


def pay_refund(command: PayRefund, work: Work) -> list[Aggregate]:
    """A refund of the order, paid by somebody else than who approved it; with a reference it is
    recorded once. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-06, R-RET-19, R-ORD-05, R-ORD-08,
    R-ORD-56, R-SIG-01, R-SIG-02, R-PPL-13."""
    case = command.load(work)
    order, claim = known_order(work, case.order or ""), None
    if command.reference is not None:
        claim = claim_to(work, order, Paper(
            "refund", command.reference, command.amount_minor, case.id))
        if claim is None:
            return [case]
    signed = must_sign(work, PAY_REFUND, command.occurred_at, amount_minor=command.amount_minor,
                       signed={APPROVE_REFUND: case.approvers - {SYSTEM}})
    room, before = room_for(case, order), order.clone()
    case.pay_refund(command.amount_minor, by=signed.by, stood_in=signed.stood_in,
                    occurred_at=command.occurred_at)
    if command.amount_minor <= order.balance.left_minor:  # else it is more than was paid
        _must_be_within(room, case, command.amount_minor, command.amount_minor)
    order.refund(command.amount_minor, case=case.id, lines=room.shared(command.amount_minor),
                 reference=command.reference, claim=claim, occurred_at=command.occurred_at)
    settle(work, order, before, occurred_at=command.occurred_at)
    if not case.unpaid_minor:
        _settle(case, order, command.occurred_at)
    return [case, order]


def withdraw_case(command: WithdrawCase, work: Work) -> list[Aggregate]:
    """The order no longer expects anything back. Errors: R-RET-01, R-RET-03, R-RET-04, R-RET-11."""
    case = command.load(work)
    awaited = _awaited(case)
    case.withdraw(_written(case, work, command.reason), occurred_at=command.occurred_at)
    return _ended(work, case, awaited, command.occurred_at)


def close_case(command: CloseCase, work: Work) -> list[Aggregate]:
    """Both legs have ended; what never came stays with the buyer. Errors: R-RET-01, R-RET-03,
    R-RET-04, R-RET-07, R-RET-20, R-RET-21."""
    case = command.load(work)
    awaited = _awaited(case)
    order = None if case.order is None else known_order(work, case.order)
    payable_minor = None if order is None else room_for(case, order).in_all_minor
    case.close(_noted(case, work, command.note), payable_minor=payable_minor,
               declined_minor=command.declined_minor, occurred_at=command.occurred_at)
    return _ended(work, case, awaited, command.occurred_at)


def _awaited(case: Case) -> list[Count]:
    """The pieces that the order expects back for a case, since the shop agreed."""
    return case.pieces(AWAITED) if case.state == "authorised" else []


def _ended(
    work: Work, case: Case, awaited: list[Count], occurred_at: datetime
) -> list[Aggregate]:
    """An ended case, and its order, which no longer expects pieces for it, nor is kept back."""
    if case.order is None or not case.pending_events:
        return [case]
    order = known_order(work, case.order)
    if order.lines is not None:
        order.end_return(case.id, back_of(work, case, order, awaited),
                         refused=case.kind == REFUSED, occurred_at=occurred_at)
    _settle(case, order, occurred_at)
    return [case, order]


def _settle(case: Case, order: Order, occurred_at: datetime) -> None:
    """What the ledger opened for a case, the ledger closes."""
    if order.exceptions.get(case.id) == REFUND_REQUESTED:
        order.close_exception(case.id, None, occurred_at=occurred_at)


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
