"""Deductions over HTTP: proposed, decided, appealed; the register and who decided what."""

from collections.abc import Mapping
from typing import Any

from api import reading, writing
from api.history import add_history
from api.reading import Listed, MonthQuery
from api.routes import EVERYBODY, Blueprint
from api.writing import Route
from ledger import deduction_commands as told

REVIEWERS = {"reviewer", "manager"}
PROPOSERS = EVERYBODY - {"auditor", "admin", "member"}
CHARGED = EVERYBODY - {"auditor", "admin", "integration"}
"""Whoever may be charged acts for himself, whatever the role of his key."""

READ_BY = {"auditor", "reviewer", "manager", "finance", "member"}
ONE = "/v1/deductions/<deduction>"
GIVEN = ("deduction",)

group = Blueprint("deductions", __name__, description="What costs whom how many points, and why.")

writing.add(group, [
    Route("/v1/deductions", told.ProposeDeduction, PROPOSERS, location="/v1/deductions"),
    Route(f"{ONE}/offenders", told.NameOffender, REVIEWERS, GIVEN),
    Route(f"{ONE}/confirmations", told.ConfirmDeduction, REVIEWERS, GIVEN),
    Route(f"{ONE}/waivers", told.WaiveDeduction, REVIEWERS, GIVEN),
    Route(f"{ONE}/dismissals", told.DismissDeduction, REVIEWERS, GIVEN),
    Route(f"{ONE}/acknowledgements", told.AcknowledgeDeduction, CHARGED, GIVEN, now=True),
    Route(f"{ONE}/appeals", told.AppealDeduction, CHARGED, GIVEN, now=True),
    Route(f"{ONE}/upheld-appeals", told.UpholdDeduction, REVIEWERS, GIVEN),
    Route(f"{ONE}/reductions", told.ReduceDeduction, REVIEWERS, GIVEN),
    Route(f"{ONE}/overturns", told.OverturnDeduction, REVIEWERS, GIVEN),
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
           MonthQuery, READ_BY, own=concerns),
    Listed("/v1/deductions/<subject>", "deductions", "One deduction.", ("deduction",),
           MonthQuery, READ_BY, own=concerns),
    Listed("/v1/appeals", "appeals", "Appeals, open and decided.", ("deduction", "member"),
           MonthQuery, READ_BY, own=is_of),
    Listed("/v1/decisions", "decisions", "Who did what to deductions.", ("deduction", "position"),
           MonthQuery, READ_BY - {"member"}, own=is_of),
])
add_history(group, f"{ONE}/history", "deduction")
