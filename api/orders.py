"""Orders over HTTP: created, read, explained, and every command on them as a sub-resource."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from api.http import reading, writing
from api.http.history import add_history, etag_of
from api.http.reading import (
    ClockQuery,
    ItemSchema,
    Listed,
    MinPosition,
    ShopQuery,
    question,
    told_as_of,
    wait,
)
from api.http.routes import READERS, Blueprint, caller, edge
from api.http.writing import Route
from ledger.fulfilment import commands as goods
from ledger.orders import commands as orders
from ledger.orders import review_commands as review
from projections.orders.explain import explain_order
from projections.orders.replay import NothingRecorded
from projections.reports import REPORTS

SALES = {"service", "integration", "operations", "manager"}
MONEY = {"finance", "integration", "service", "manager"}
FLOOR = {"warehouse", "warehouse_head", "integration", "manager"}
ONE = "/v1/orders/<order>"
GIVEN = ("order",)

group = Blueprint("orders", __name__, description="Orders, from the buyer's wish to his door.")

writing.add(group, [
    Route("/v1/orders", orders.PlaceOrder, SALES, location="/v1/orders"),
    Route("/v1/sales", goods.SellOrder, SALES, location="/v1/orders"),
    Route(f"{ONE}/payments", orders.PayOrder, MONEY, GIVEN),
    Route(f"{ONE}/refunds", orders.RefundOrder, MONEY, GIVEN),
    Route(f"{ONE}/price-changes", orders.ChangePrice, SALES, GIVEN),
    Route(f"{ONE}/corrections", orders.CorrectOrder, {"finance", "manager"}, GIVEN, seen=True),
    Route(f"{ONE}/remarks", orders.RemarkOrder, SALES, GIVEN),
    Route(f"{ONE}/owners", orders.AssignOrder, SALES, GIVEN),
    Route(f"{ONE}/ends", orders.EndOrder, SALES, GIVEN),
    Route(f"{ONE}/approvals", review.ApproveOrder, SALES, GIVEN, seen=True),
    Route(f"{ONE}/line-changes", review.ChangeLines, SALES, GIVEN, seen=True),
    Route(f"{ONE}/holds", review.HoldOrder, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/hold-lifts", review.LiftHold, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/submissions", review.SubmitOrder, SALES, GIVEN),
    Route(f"{ONE}/exceptions", review.OpenException, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/exception-notes", review.NoteException, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/exception-closings", review.CloseException, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/reservations", goods.ReserveOrder, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/reservation-moves", goods.MoveReservation, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/reservation-releases", goods.ReleaseReservation, SALES | FLOOR, GIVEN),
    Route(f"{ONE}/picks", goods.PickOrder, FLOOR, GIVEN),
    Route(f"{ONE}/checks", goods.CheckOrder, FLOOR, GIVEN),
    Route(f"{ONE}/parcels", goods.PackOrder, FLOOR, GIVEN),
    Route(f"{ONE}/dispatches", goods.DispatchParcel, FLOOR, GIVEN),
    Route(f"{ONE}/transit-reports", goods.ReportTransit, FLOOR | SALES, GIVEN),
    Route(f"{ONE}/deliveries", goods.DeliverParcel, FLOOR | SALES, GIVEN),
    Route(f"{ONE}/losses", goods.LoseParcel, FLOOR | SALES, GIVEN),
])
reading.add(group, [
    Listed("/v1/orders", "orders", "Orders with their statuses and sums.",
           ("subject",), ShopQuery, pushed=True),
    Listed("/v1/fulfilment", "fulfilment", "Where the pieces of orders are.",
           ("subject",), ShopQuery, pushed=True),
    Listed("/v1/exceptions", "exceptions", "What keeps orders from being sent.",
           ("subject", "opened_position"), ShopQuery),
    Listed("/v1/reconciliation", "reconciliation", "What orders and payments add up to.",
           ("currency",), ShopQuery),
])
add_history(group, f"{ONE}/history", "order")


@group.permit(ONE, READERS, name="order")
@group.arguments(MinPosition(), location="headers")
@group.arguments(ClockQuery(), location="query")
@group.response(200, ItemSchema)
def read_order(headers: Mapping[str, Any], query: Mapping[str, Any], order: str) -> Response:
    """One order: its statuses and sums, its lines with their pieces by state, its parcels."""
    wait(headers.get("least"))
    models, name = edge().models, caller().ledger
    asked = question(query)._replace(subject=order)
    answer = REPORTS["orders"](models, name, asked)
    if not answer.rows:
        raise NothingRecorded(ledger=name, subject=order)
    pieces = REPORTS["fulfilment"](models, name, asked).rows
    item = {**answer.rows[0], **(pieces[0] if pieces else {}),
            "position": answer.rows[0]["position"]}
    found = told_as_of(answer.as_of, {"as_of": answer.as_of, "item": item})
    if asked.as_of.now:
        found.headers["ETag"] = etag_of(order, answer.as_of)
    return found


@group.permit(f"{ONE}/explain", READERS, name="order-explain")
@group.arguments(ClockQuery(), location="query")
@group.response(200, ItemSchema)
def explain(query: Mapping[str, Any], order: str) -> Response:
    """Every sum of an order with the events that it adds up from: position, pointer, factor."""
    as_of, figures = explain_order(edge().store, caller().ledger, order, question(query).as_of)
    return told_as_of(as_of, {"as_of": as_of, "item": figures})
