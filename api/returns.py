"""After-sales cases over HTTP."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from api.http import reading, writing
from api.http.answers import SEEN
from api.http.history import add_history, etag_of
from api.http.reading import (
    ClockQuery,
    ItemSchema,
    Listed,
    PlacedQuery,
    at_position,
    question,
)
from api.http.routes import READERS, Blueprint, caller, edge
from api.http.writing import Route
from ledger.returns.commands import (
    ApproveRefund,
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    MatchCase,
    PayRefund,
    ReceiveGoods,
    ReceiveParcel,
    RejectCase,
    RequestCase,
    WithdrawCase,
)
from projections.asking.past import nothing_about
from projections.reports import REPORTS

SERVICE = {"service", "manager", "integration"}
FLOOR = {"warehouse", "warehouse_head", "integration", "manager"}
ONE = "/v1/returns/<case>"
GIVEN = ("case",)

group = Blueprint("returns", __name__, description="What comes back, and what is paid back.")

writing.add(group, [
    Route("/v1/returns", RequestCase, SERVICE, location="/v1/returns"),
    Route("/v1/returned-parcels", ReceiveParcel, FLOOR, location="/v1/returns"),
    Route(f"{ONE}/matches", MatchCase, SERVICE | FLOOR, GIVEN),
    Route(f"{ONE}/authorisations", AuthoriseCase, SERVICE, GIVEN),
    Route(f"{ONE}/rejections", RejectCase, SERVICE, GIVEN),
    Route(f"{ONE}/receipts", ReceiveGoods, FLOOR, GIVEN),
    Route(f"{ONE}/inspections", InspectGoods, FLOOR, GIVEN),
    Route(f"{ONE}/refund-approvals", ApproveRefund, {"manager", "finance", "service"}, GIVEN),
    Route(f"{ONE}/refunds", PayRefund, {"finance", "integration", "manager"}, GIVEN),
    Route(f"{ONE}/withdrawals", WithdrawCase, SERVICE, GIVEN),
    Route(f"{ONE}/closings", CloseCase, SERVICE, GIVEN),
])
reading.add(group, [
    Listed("/v1/returns", "returns", "After-sales cases.", ("subject",), PlacedQuery,
           paged_by_report=True, sums=("asked_minor", "approved_minor", "paid_minor")),
])
add_history(group, f"{ONE}/history", "case")


@group.permit(ONE, READERS, name="case")
@group.arguments(ClockQuery(), location="query")
@group.response(200, ItemSchema, headers=SEEN)
def read_case(query: Mapping[str, Any], case: str) -> Response:
    """One case: where its goods are, how far its refund."""
    asked = question(query)._replace(subject=case)
    answer = REPORTS["returns"](edge().models, caller().ledger, asked)
    if not answer.rows:
        raise nothing_about(case, answer.as_of)
    found = at_position(answer.as_of, {"as_of": answer.as_of, "item": answer.rows[0]})
    if asked.as_of.now:
        found.headers["ETag"] = etag_of(case, answer.as_of)
    return found
