"""Deductions over HTTP: proposed, decided, appealed; the register and who decided what."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from api import reading, writing
from api.history import add_history, etag_of
from api.noting import note_read
from api.reading import (
    STAFF,
    STAFF_READERS,
    ClockQuery,
    ItemSchema,
    Listed,
    MinPosition,
    MonthQuery,
    question,
    told_as_of,
    wait,
)
from api.routes import EVERYBODY, Blueprint, caller, edge
from api.writing import Route
from ledger import deduction_commands as told
from projections.replay import NothingRecorded
from projections.reports import REPORTS

REVIEWERS = {"reviewer", "manager"}
PROPOSERS = EVERYBODY - {"auditor", "admin", "member"}
CHARGED = EVERYBODY - {"auditor", "admin", "integration"}
"""Whoever may be charged acts for himself, whatever the role of his key."""

ONE = "/v1/deductions/<deduction>"
GIVEN = ("deduction",)

group = Blueprint("deductions", __name__, description="What costs whom how many points, and why.")

writing.add(group, [
    Route("/v1/deductions", told.ProposeDeduction, PROPOSERS, location="/v1/deductions"),
    Route(f"{ONE}/offenders", told.NameOffender, REVIEWERS, GIVEN, seen=True),
    Route(f"{ONE}/confirmations", told.ConfirmDeduction, REVIEWERS, GIVEN, seen=True),
    Route(f"{ONE}/waivers", told.WaiveDeduction, REVIEWERS, GIVEN, seen=True),
    Route(f"{ONE}/dismissals", told.DismissDeduction, REVIEWERS, GIVEN, seen=True),
    Route(f"{ONE}/acknowledgements", told.AcknowledgeDeduction, CHARGED, GIVEN, now=True),
    Route(f"{ONE}/appeals", told.AppealDeduction, CHARGED, GIVEN, now=True),
    Route(f"{ONE}/upheld-appeals", told.UpholdDeduction, REVIEWERS, GIVEN, seen=True),
    Route(f"{ONE}/reductions", told.ReduceDeduction, REVIEWERS, GIVEN, seen=True),
    Route(f"{ONE}/overturns", told.OverturnDeduction, REVIEWERS, GIVEN, seen=True),
])


def concerns(row: Mapping[str, Any], member: str) -> bool:
    """Whether a deduction is about a member."""
    return member == row["offender"] or any(
        share["member"] == member for share in row["shares"])


def is_of(row: Mapping[str, Any], member: str) -> bool:
    """Whether a row is a member's own."""
    return bool(row["member"] == member)


reading.add(group, [
    Listed("/v1/deductions", "deductions", "The register of deductions.", ("deduction",),
           MonthQuery, STAFF, own=concerns),
    Listed("/v1/appeals", "appeals", "Appeals, open and decided.", ("deduction", "member"),
           MonthQuery, STAFF, own=is_of),
    Listed("/v1/decisions", "decisions", "Who did what to deductions.", ("deduction", "position"),
           MonthQuery, STAFF_READERS, own=is_of),
])
add_history(group, f"{ONE}/history", "deduction", staff=True)


@group.permit(ONE, STAFF, name="deduction")
@group.arguments(MinPosition(), location="headers")
@group.arguments(ClockQuery(), location="query")
@group.response(200, ItemSchema)
def read_deduction(
    headers: Mapping[str, Any], query: Mapping[str, Any], deduction: str
) -> Response:
    """One deduction; of the others' there is none for who sees only his own."""
    wait(headers.get("least"))
    asked, who = question(query)._replace(subject=deduction), caller()
    answer = REPORTS["deductions"](edge().models, who.ledger, asked)
    note_read(answer.as_of["position"])
    rows = [row for row in answer.rows
            if who.role in STAFF_READERS or concerns(row, who.actor)]
    if not rows:
        raise NothingRecorded(ledger=who.ledger, subject=deduction)
    found = told_as_of(answer.as_of, {"as_of": answer.as_of, "item": rows[0]})
    if asked.as_of.now:
        found.headers["ETag"] = etag_of(deduction, answer.as_of)
    return found
