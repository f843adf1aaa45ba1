"""Orders over HTTP: created, read, explained, and every command on them as a sub-resource."""

from collections.abc import Mapping
from typing import Any

import marshmallow
from flask import Response

from api.http import reading, shapes, single, things, writing
from api.http.answers import SEEN
from api.http.fields import Word
from api.http.history import add_history, etag_of
from api.http.noting import Opened, note_reading
from api.http.opening import opened_rows
from api.http.reading import (
    ClockQuery,
    Listed,
    NoQuery,
    at_position,
    question,
)
from api.http.routes import READERS, Blueprint, caller, edge
from api.http.single import Found, Single
from api.http.standing import caught_up
from api.http.things import Things
from api.http.writing import Route
from ledger.access.readings import PURPOSES
from ledger.fulfilment.commands import (
    CheckOrder,
    CorrectStep,
    DeliverParcel,
    DispatchParcel,
    LoseParcel,
    MoveReservation,
    PackOrder,
    PickOrder,
    RefuseParcel,
    ReleaseReservation,
    ReportTransit,
    ReserveOrder,
    SellOrder,
    UnpickOrder,
    VoidParcel,
)
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
    OpenException,
    PayOrder,
    RefundOrder,
    RemarkOrder,
    ReviewFinance,
    SellBelowFloor,
    SubmitOrder,
    SupplementOrder,
)
from ledger.orders.placing import PlaceOrder
from ledger.reconciliation.commands import SignReconciliation
from ledger.reconciliation.signing import Reconciliation
from projections.asking.answering import alongside
from projections.asking.past import nothing_about
from projections.asking.questions import Question
from projections.explaining.one_order import explain_order
from projections.orders.answers import ExplainedOrder, OneOrder
from projections.orders.signed import OneReconciliation, reconciliation
from projections.orders.slip_answers import SlipRow
from projections.orders.story import story_of
from projections.reports import REPORTS
from projections.slips import slip_of

SALES = {"service", "integration", "operations", "manager"}
MONEY = {"finance", "integration", "service", "manager"}
FLOOR = {"warehouse", "warehouse_head", "integration", "manager"}
WORKERS = (SALES | FLOOR) - {"integration"}
"""Who sees why an order is held, and what is written of its exceptions."""

TAKINGS = {"finance", "manager", "auditor", "operations", "integration"}
"""Who reads what the shop takes."""

SLIP = {"warehouse", "warehouse_head", "service"}
"""Who reads to whom an order goes: whoever sends it, and whoever speaks with the buyer."""

ONE = "/v1/orders/<order>"
GIVEN = ("order",)

group = Blueprint("orders", __name__, description="Orders, from placing to the buyer's door.")

writing.add(group, [
    Route("/v1/orders", PlaceOrder, SALES, location="/v1/orders"),
    Route("/v1/sales", SellOrder, SALES, location="/v1/orders"),
    Route(f"{ONE}/payments", PayOrder, MONEY, GIVEN),
    Route(f"{ONE}/supplements", SupplementOrder, MONEY, GIVEN),
    Route(f"{ONE}/refunds", RefundOrder, MONEY, GIVEN),
    Route(f"{ONE}/price-changes", ChangePrice, SALES, GIVEN),
    Route(f"{ONE}/corrections", CorrectOrder, {"finance", "manager"}, GIVEN,
           requires_if_match=True),
    Route(f"{ONE}/remarks", RemarkOrder, SALES, GIVEN),
    Route(f"{ONE}/owners", AssignOrder, SALES, GIVEN),
    Route(f"{ONE}/ends", EndOrder, SALES, GIVEN),
    Route(f"{ONE}/approvals", ApproveOrder, SALES, GIVEN, requires_if_match=True),
    Route(f"{ONE}/finance-reviews", ReviewFinance, {"finance", "manager"}, GIVEN,
           requires_if_match=True),
    Route(f"{ONE}/below-floor-sales", SellBelowFloor, {"finance", "manager"}, GIVEN,
           requires_if_match=True),
    Route(f"{ONE}/line-changes", ChangeLines, SALES, GIVEN, requires_if_match=True),
    Route(f"{ONE}/detail-corrections", CorrectDetails, SALES, GIVEN, requires_if_match=True),
    Route(f"{ONE}/piece-cancellations", CancelPieces, SALES, GIVEN),
    Route(f"{ONE}/holds", HoldOrder, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/hold-lifts", LiftHold, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/submissions", SubmitOrder, SALES, GIVEN),
    Route(f"{ONE}/exceptions", OpenException, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/exception-notes", NoteException, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/exception-closings", CloseException, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/reservations", ReserveOrder, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/reservation-moves", MoveReservation, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/reservation-releases", ReleaseReservation, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/picks", PickOrder, FLOOR, GIVEN),
    Route(f"{ONE}/unpicks", UnpickOrder, FLOOR, GIVEN),
    Route(f"{ONE}/checks", CheckOrder, FLOOR, GIVEN),
    Route(f"{ONE}/parcels", PackOrder, FLOOR, GIVEN),
    Route(f"{ONE}/parcel-voidings", VoidParcel, FLOOR, GIVEN),
    Route(f"{ONE}/dispatches", DispatchParcel, FLOOR, GIVEN),
    Route(f"{ONE}/transit-reports", ReportTransit, FLOOR | SALES, GIVEN),
    Route(f"{ONE}/deliveries", DeliverParcel, FLOOR | SALES, GIVEN),
    Route(f"{ONE}/parcel-refusals", RefuseParcel, FLOOR | SALES, GIVEN),
    Route(f"{ONE}/step-corrections", CorrectStep, {"warehouse_head", "manager"}, GIVEN),
    Route(f"{ONE}/losses", LoseParcel, FLOOR | SALES, GIVEN),
])
writing.add(group, [
    Route("/v1/reconciliations", SignReconciliation, {"finance", "manager"},
          location="/v1/reconciliations", ignores_given_time=True),
])
reading.add(group, [
    Listed("/v1/orders", "orders", "Orders with their statuses and sums.",
           sums=("total_minor", "paid_minor", "refunded_minor")),
    Listed("/v1/fulfilment", "fulfilment", "Where the pieces of orders are.", opened_for=WORKERS),
    Listed("/v1/exceptions", "exceptions", "What keeps orders from being sent.",
           opened_for=WORKERS),
    Listed("/v1/to-review", "to-review", "Orders that nobody has approved, the newest first."),
    Listed("/v1/to-pick", "to-pick",
           "Orders with pieces to take from the shelf, the newest first."),
    Listed("/v1/to-send", "to-send", "Orders with pieces to hand over, the newest first."),
    Listed("/v1/reconciliation", "reconciliation", "What orders and payments add up to.",
           roles=TAKINGS, money=True),
    Listed("/v1/revenue", "revenue", "What came in and went out, by shop, agent or day.",
           roles=TAKINGS, money=True),
    Listed("/v1/takings", "takings", "The payments and refunds that make what came in.",
           roles=TAKINGS, money=True),
])
things.add(group, Things(
    "/v1/reconciliations", Reconciliation.KIND, "Signed months, with every signature.", TAKINGS,
    reconciliation, OneReconciliation, "month", listed=False, money=True))
add_history(group, f"{ONE}/history", "order")


def _order(asked: Question) -> Found:
    models, name, order = edge().models, caller().ledger, asked.subject or ""
    answer = REPORTS["orders"](models, name, asked)
    if not answer.rows:
        raise nothing_about(order, answer.as_of)
    pieces = alongside(models, name, REPORTS["fulfilment"], asked, answer=answer).rows
    item = {**answer.rows[0], **(pieces[0] if pieces else {}),
            "position": answer.rows[0]["position"]}
    cut = asked.as_of.pinned(answer.as_of["position"]).resolve(models.store, name)
    if (story := story_of(models.store, name, order, cut)) is not None:
        item["lines"] = story.described(item["lines"])
    if caller().role in WORKERS:
        (item,) = opened_rows([item], answer.as_of["position"], about=order)
    return answer.as_of, item


single.add(group, Single(
    ONE, "order", "order",
    "One order: its statuses and sums, its lines with their pieces by state, its parcels.",
    READERS, _order, OneOrder))


@group.permit(f"{ONE}/explain", READERS, name="order-explain")
@group.arguments(ClockQuery(), location="query")
@group.response(200, shapes.item(ExplainedOrder))
def explain(query: Mapping[str, Any], order: str) -> Response:
    """Every sum of an order with the events that it adds up from: position, pointer, factor."""
    as_of, figures = explain_order(edge().store, caller().ledger, order, question(query).as_of)
    return at_position(as_of, {"as_of": as_of, "item": figures})


class SlipBody(marshmallow.Schema):
    """What the slip is opened for."""

    purpose = Word(PURPOSES, required=True)


@group.permit(f"{ONE}/slip", SLIP, name="slip", method="POST")
@group.arguments(NoQuery(), location="query")
@group.arguments(SlipBody())
@group.response(200, shapes.item(SlipRow), headers=SEEN)
def read_slip(query: Mapping[str, str], body: Mapping[str, str], order: str) -> Response:
    """The slip of an order: where it goes, what is in it, where that lies, and what has changed
    since it was approved. Who reads it is noted, with the purpose and the names of the fields that
    were opened for it."""
    here, name = edge(), caller().ledger
    caught_up(name)
    slip = slip_of(here.models, name, order).opened(here.ledger(name).keys_to_read())
    position = slip.as_of["position"]
    note_reading(position, persons=slip.persons, about=slip.item["order"],
                 opened=Opened(body["purpose"], slip.fields))
    found = at_position(slip.as_of, {"as_of": slip.as_of, "item": slip.item})
    found.headers["ETag"] = etag_of(order, slip.as_of)
    return found
