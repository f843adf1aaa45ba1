"""What happens to an order: placed, paid, reviewed, ended, and what files declare about it."""

from typing import Any

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.fulfilment.counting import follow
from ledger.fulfilment.postings import post_order
from ledger.fulfilment.reserving import reserve, serve_waiting, waited_for
from ledger.handlers.prices import must_be_signed, priced, priced_otherwise
from ledger.orders.commands import (
    ApproveOrder,
    AssignOrder,
    CancelPieces,
    ChangeLines,
    ChangePrice,
    CloseException,
    CorrectDetails,
    CorrectOrder,
    EndOrder,
    HoldOrder,
    LiftHold,
    NoteException,
    OnOrder,
    OpenException,
    PayOrder,
    RefundOrder,
    RemarkOrder,
    ReviewFinance,
    SubmitOrder,
    SupplementOrder,
)
from ledger.orders.declaration import Declaration
from ledger.orders.declared import RecordOrder
from ledger.orders.finance import FINANCE
from ledger.orders.order import Order
from ledger.orders.papers import PAID_BY
from ledger.orders.placing import PlaceOrder, noted_of, written_of
from ledger.orders.price_floor import BELOW_FLOOR
from ledger.orders.references import Paper, claim_of, claim_to
from ledger.orders.settling import finance_bound, must_be_reviewed, settle, settle_finance
from ledger.orders.values import OPEN
from ledger.people.signatures import must_sign
from ledger.policies.signing import ALLOW_PRICE, APPROVE_ORDER, REVIEW_FINANCE


def place_order(command: PlaceOrder, work: Work) -> list[Aggregate]:
    """Take a new order. Errors: R-ORD-01, R-ORD-07, R-ORD-53, R-ORD-54, R-SIG-01, R-PPL-13."""
    order = work.load(Order, command.subject)
    order.place(command.facts(work), occurred_at=command.occurred_at)
    settle_finance(work, order, occurred_at=command.occurred_at)
    priced(work, order, occurred_at=command.occurred_at)
    return [order]


def change_price(command: ChangePrice, work: Work) -> list[Aggregate]:
    """A new price before payment, which whoever sends it allows: nobody can name another person as
    having allowed it. Errors: R-ORD-04, R-ORD-07, R-ORD-53, R-ORD-54, R-SIG-01, R-PPL-13."""
    order = command.load(work)
    before = order.clone()
    costs = order.price_of(command.amounts)
    change_minor = (costs.total() or 0) - (order.amounts.total() or 0)
    signed = must_sign(work, ALLOW_PRICE, command.occurred_at, amount_minor=abs(change_minor))
    order.change_price(costs, occurred_at=command.occurred_at,
                       reason=noted_of(order, work, command.reason),
                       allowed_by=signed.by, stood_in=signed.stood_in)
    settle(work, order, before, occurred_at=command.occurred_at)
    priced(work, order, occurred_at=command.occurred_at)
    return [order]


def pay_order(command: PayOrder, work: Work) -> list[Aggregate]:
    """A payment came in, once. Errors: R-ORD-09, R-ORD-34, R-ORD-56, R-ORD-78."""
    order = command.load(work)
    before, claim = order.clone(), None
    if command.reference is not None:
        claim = claim_to(work, order, Paper("payment", command.reference, command.amount_minor))
        if claim is None:
            return [order]
    order.pay(command.amount_minor, command.payments, reference=command.reference, claim=claim,
              occurred_at=command.occurred_at)
    settle(work, order, before, occurred_at=command.occurred_at)
    return [order]


def supplement_order(command: SupplementOrder, work: Work) -> list[Aggregate]:
    """The buyer paid what a change of lines added, once. Errors: R-ORD-06, R-ORD-34, R-ORD-56,
    R-ORD-60."""
    order = command.load(work)
    before = order.clone()
    claim = claim_to(work, order, Paper("payment", command.reference, command.amount_minor))
    if claim is None:
        return [order]
    order.supplement(command.amount_minor, command.reference, claim=claim,
                     occurred_at=command.occurred_at)
    settle(work, order, before, occurred_at=command.occurred_at)
    return [order]


def refund_order(command: RefundOrder, work: Work) -> list[Aggregate]:
    """The platform refunded, once. Errors: R-ORD-05, R-ORD-08, R-ORD-56, R-ORD-77."""
    order = command.load(work)
    before, claim = order.clone(), None
    if command.reference is not None:
        claim = claim_to(work, order, Paper("refund", command.reference, command.amount_minor))
        if claim is None:
            return [order]
    order.refund(command.amount_minor, occurred_at=command.occurred_at,
                 reason=noted_of(order, work, command.reason),
                 account=noted_of(order, work, command.account),
                 reference=command.reference, claim=claim)
    settle(work, order, before, occurred_at=command.occurred_at)
    return [order]


def correct_order(command: CorrectOrder, work: Work) -> list[Aggregate]:
    """A sum, or what it costs, was recorded wrongly. Errors: R-ORD-07, R-ORD-11, R-ORD-13,
    R-ORD-54, R-ORD-61, R-ORD-81, R-SIG-01, R-PPL-13."""
    order, at = command.load(work), command.occurred_at
    before, reason = order.clone(), written_of(order, work, command.reason)
    if command.amounts is not None:
        order.correct_amounts(command.amounts, reason, occurred_at=at)
        settle(work, order, before, occurred_at=at)
        priced(work, order, occurred_at=at)
        return [order]
    assert command.amount_minor is not None, "the command's check asks for one of the two"
    freed = None if command.reference is None else claim_of(
        work, order, PAID_BY[command.fact], command.reference)
    order.correct(command.fact, command.amount_minor, reason, reference=command.reference,
                  freed=freed, occurred_at=at)
    settle(work, order, before, occurred_at=at)
    return [order]


def remark_order(command: RemarkOrder, work: Work) -> list[Aggregate]:
    """The shop wrote a remark."""
    order = command.load(work)
    order.remark(written_of(order, work, command.remark), occurred_at=command.occurred_at)
    return [order]


def assign_order(command: AssignOrder, work: Work) -> list[Aggregate]:
    """A member answers for the order."""
    order = command.load(work)
    order.assign(command.owner, noted_of(order, work, command.reason),
                 occurred_at=command.occurred_at)
    return [order]


def end_order(command: EndOrder, work: Work) -> list[Aggregate]:
    """The order ended; what was not sent of it is free, for those that wait.

    Errors: R-ORD-06, R-ORD-08, R-ORD-10, R-ORD-12, R-ORD-42.
    """
    order, at = command.load(work), command.occurred_at
    before = order.clone()
    if command.ended_as == "completed":
        order.complete(occurred_at=at)
    elif command.ended_as == "closed":
        order.close(noted_of(order, work, command.reason), occurred_at=at)
    else:
        order.cancel(noted_of(order, work, command.reason), occurred_at=at)
    settle(work, order, before, occurred_at=at)
    priced_otherwise(work, order, before, occurred_at=at)
    return follow(work, order, before, occurred_at=at)


def cancel_pieces(command: CancelPieces, work: Work) -> list[Aggregate]:
    """What was reserved of them is free, for those that wait. Errors: R-ORD-03, R-ORD-06, R-ORD-22,
    R-ORD-29, R-ORD-36."""
    order = command.load(work)
    before = order.clone()
    order.cancel_pieces(command.lines, written_of(order, work, command.reason),
                        occurred_at=command.occurred_at)
    settle(work, order, before, occurred_at=command.occurred_at)
    priced_otherwise(work, order, before, occurred_at=command.occurred_at)
    return follow(work, order, before, occurred_at=command.occurred_at)


def correct_details(command: CorrectDetails, work: Work) -> list[Aggregate]:
    """Another address or contact, as long as nothing is packed. Errors: R-ORD-03, R-ORD-06,
    R-ORD-12, R-ORD-39."""
    order = command.load(work)
    details: dict[str, Any] = {
        name: written_of(order, work, value) for name in ("recipient", "phone", "address")
        if (value := getattr(command, name)) is not None and value != order.revealed(name)}
    if command.province not in (None, order.province):
        details["province"] = command.province
    order.correct_details(details, written_of(order, work, command.consent),
                          occurred_at=command.occurred_at)
    return [order]


def approve_order(command: ApproveOrder, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-06, R-ORD-20, R-SIG-01, R-PPL-13."""
    order = command.load(work)
    order.must_be_open()
    signed = must_sign(work, APPROVE_ORDER, command.occurred_at)
    order.approve(noted_of(order, work, command.note), signed.by, occurred_at=command.occurred_at)
    return [order]


def review_finance(command: ReviewFinance, work: Work) -> list[Aggregate]:
    """Finance looks at an order that costs much, after and apart from who approved it. Errors:
    R-ORD-03, R-ORD-71, R-SIG-01, R-SIG-02, R-PPL-13."""
    order, at = command.load(work), command.occurred_at
    bound = order.must_be_reviewable(finance_bound(work, order))
    signed = must_sign(work, REVIEW_FINANCE, at, signed={APPROVE_ORDER: order.approvers},
                       amount_minor=order.costs_minor())
    order.review_finance(command.outcome, bound, signed.by, signed.stood_in,
                         note=noted_of(order, work, command.note), occurred_at=at)
    settle_finance(work, order, occurred_at=at)
    return [order]


def change_lines(command: ChangeLines, work: Work) -> list[Aggregate]:
    """Where goods were reserved, what is wanted besides is reserved, or waited for, before others
    get what it let go of. Errors: R-ORD-06, R-ORD-20, R-ORD-25, R-ORD-33, R-ORD-46,
    R-ORD-53, R-ORD-54, R-ORD-62, R-STK-03, R-SIG-01, R-PPL-13."""
    order, at = command.load(work), command.occurred_at
    before = order.clone()
    served = before.goods.has(*OPEN[1:])
    order.change_lines(command.lines, written_of(order, work, command.consent), command.amounts,
                       occurred_at=at)
    settle(work, order, before, occurred_at=at)
    priced(work, order, occurred_at=at)
    freed = {account.id: account for account in post_order(work, order, before)}
    if served and order.pending_events and order.goods.has("unreserved"):
        freed |= {account.id: account for account in reserve(
            work, order, order.warehouse, occurred_at=at)}
    order.settle_exceptions(occurred_at=at)
    others = serve_waiting(work, freed.values(), occurred_at=at)
    return list({one.id: one for one in (order, *others)}.values())


def hold_order(command: HoldOrder, work: Work) -> list[Aggregate]:
    """What it waits for goes to the next who wait. Errors: R-ORD-06, R-ORD-20."""
    order = command.load(work)
    order.hold(written_of(order, work, command.reason), occurred_at=command.occurred_at)
    return _served(order, work, command)


def _served(order: Order, work: Work, command: OnOrder) -> list[Aggregate]:
    """An order whose turn to be served has come or gone, and who is served instead."""
    served = serve_waiting(work, waited_for(order, work), occurred_at=command.occurred_at)
    return list({one.id: one for one in (order, *served)}.values())


def lift_hold(command: LiftHold, work: Work) -> list[Aggregate]:
    """It gets what is there for it by now. Errors: R-ORD-03."""
    order = command.load(work)
    order.lift_hold(noted_of(order, work, command.note), occurred_at=command.occurred_at)
    return _served(order, work, command)


def submit_order(command: SubmitOrder, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-06, R-ORD-20, R-ORD-21, R-ORD-32, R-ORD-45, R-ORD-73."""
    order = command.load(work)
    order.submit(command.warehouse, occurred_at=command.occurred_at)
    must_be_signed(work, order)
    return [order]


def open_exception(command: OpenException, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-03."""
    order = command.load(work)
    order.open_exception(command.exception, command.kind, written_of(order, work, command.note),
                         command.owner, occurred_at=command.occurred_at)
    return [order]


def note_exception(command: NoteException, work: Work) -> list[Aggregate]:
    """Errors: R-ORD-24."""
    order = command.load(work)
    order.note_exception(command.exception, written_of(order, work, command.note), command.owner,
                         occurred_at=command.occurred_at)
    return [order]


def close_exception(command: CloseException, work: Work) -> list[Aggregate]:
    """What waits for finance is settled by its review alone, and what is below its floor by a
    signature. Errors: R-ORD-24, R-ORD-70, R-ORD-73."""
    order = command.load(work)
    if order.exceptions.get(command.exception) == command.exception:
        if command.exception == FINANCE:
            must_be_reviewed(work, order)
        elif command.exception == BELOW_FLOOR:
            must_be_signed(work, order)
    order.close_exception(command.exception, written_of(order, work, command.note),
                          occurred_at=command.occurred_at)
    return [order]


def record_order(command: RecordOrder, work: Work) -> list[Aggregate]:
    """What a file declares about an order; if it names a warehouse, the stock moves, too.

    Errors: NumberReused (R-ORD-02), BuyerLost (R-KEY-08), PersonLost (R-KEY-06),
    OtherCurrency (R-ORD-35), R-STK-04, R-STK-18.
    """
    order: Order = work.load(Order, command.subject)
    before = order.clone()
    sent = order.dispatched_at
    _declare(order, command, work)
    if not order.pending_events:
        return [order]
    at = order.newest.timestamp
    if order.submitted and sent is None and order.dispatched_at is not None:
        # The platform reports a dispatch that the warehouse did not.
        order.open_exception("platform_already_shipped", "platform_already_shipped",
                             occurred_at=at)
    settle(work, order, before, occurred_at=at)
    priced_otherwise(work, order, before, occurred_at=at)
    if not order.warehouse:  # none of its pieces is in any stock, so nothing follows for others
        order.settle_exceptions(occurred_at=at)
        return [order]
    return follow(work, order, before, occurred_at=at, decided=False)


def _declare(order: Order, command: RecordOrder, work: Work) -> None:
    """Record what a file says beyond what is known."""
    declaration = Declaration(order, command, command.declared or command.placed, work)
    if order.placed_at is None:
        unstated = ["refunds"] if command.refunded_minor is None else []
        order.declare(Order.Placed, command.placed, **command.facts(work), unstated=unstated)
    else:
        declaration.must_be_the_same()
        if order.lines is None and command.lines is not None:
            declaration.first_lines(command.lines)
        if declaration.is_older():
            declaration.record_missing()
            return
        declaration.lines()
        declaration.details()
        declaration.amounts()
    declaration.remark()
    declaration.record_missing()
    declaration.said()


HANDLERS: dict[type[Command], Handler] = {
    PlaceOrder: place_order,
    ChangePrice: change_price,
    PayOrder: pay_order,
    SupplementOrder: supplement_order,
    RefundOrder: refund_order,
    CorrectOrder: correct_order,
    RemarkOrder: remark_order,
    AssignOrder: assign_order,
    EndOrder: end_order,
    ApproveOrder: approve_order,
    ReviewFinance: review_finance,
    ChangeLines: change_lines,
    CancelPieces: cancel_pieces,
    CorrectDetails: correct_details,
    HoldOrder: hold_order,
    LiftHold: lift_hold,
    SubmitOrder: submit_order,
    OpenException: open_exception,
    NoteException: note_exception,
    CloseException: close_exception,
    RecordOrder: record_order,
}
