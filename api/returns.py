"""After-sales cases over HTTP."""

from api.http import reading, single, writing
from api.http.history import add_history
from api.http.reading import Listed
from api.http.routes import READERS, Blueprint, caller, edge
from api.http.single import Found, Single
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
from projections.asking.questions import Question
from projections.reports import REPORTS
from projections.returns import CaseRow

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
    Listed("/v1/returns", "returns", "After-sales cases.",
           sums=("asked_minor", "approved_minor", "paid_minor")),
])
add_history(group, f"{ONE}/history", "case")


def _case(asked: Question) -> Found:
    answer = REPORTS["returns"](edge().models, caller().ledger, asked)
    if not answer.rows:
        raise nothing_about(asked.subject or "", answer.as_of)
    return answer.as_of, answer.rows[0]


single.add(group, Single(ONE, "case", "case",
                         "One case: where its goods are, how far its refund.", READERS, _case,
                         CaseRow))
