"""Deductions over HTTP: proposed, decided, appealed; the register and who decided what."""

from decimal import Decimal
from typing import Any

from api.http import reading, single, writing
from api.http.history import add_history
from api.http.opening import opened_rows
from api.http.reading import (
    STAFF,
    STAFF_READERS,
    Listed,
    own_row,
)
from api.http.routes import EVERYBODY, Blueprint, caller, edge
from api.http.single import Found, Single
from api.http.writing import Route
from ledger.common.decimals import plain
from ledger.deductions.commands import (
    AcknowledgeDeduction,
    AppealDeduction,
    ChargeSupervisor,
    ConfirmDeduction,
    DismissDeduction,
    GiveUpShare,
    NameOffender,
    OverturnDeduction,
    ProposeDeduction,
    ReduceDeduction,
    UpholdDeduction,
    WaiveDeduction,
)
from projections.asking.past import nothing_about
from projections.asking.questions import Question
from projections.deductions import DeductionRow
from projections.reports import REPORTS

REVIEWERS = {"reviewer", "manager"}
PROPOSERS = EVERYBODY - {"auditor", "admin", "member"}
CHARGED = EVERYBODY - {"auditor", "admin", "integration"}
"""Whoever may be charged acts for themselves, whatever the role of their key."""

ONE = "/v1/deductions/<deduction>"
GIVEN = ("deduction",)

group = Blueprint("deductions", __name__, description="What costs whom how many points, and why.")

writing.add(group, [
    Route("/v1/deductions", ProposeDeduction, PROPOSERS, location="/v1/deductions"),
    Route(f"{ONE}/offenders", NameOffender, REVIEWERS, GIVEN,
           requires_if_match=True, ignores_given_time=True),
    Route(f"{ONE}/confirmations", ConfirmDeduction, REVIEWERS, GIVEN,
           requires_if_match=True, ignores_given_time=True),
    Route(f"{ONE}/supervisor-charges", ChargeSupervisor, REVIEWERS, GIVEN,
           requires_if_match=True, ignores_given_time=True),
    Route(f"{ONE}/given-up-shares", GiveUpShare, REVIEWERS, GIVEN,
           requires_if_match=True, ignores_given_time=True),
    Route(f"{ONE}/waivers", WaiveDeduction, REVIEWERS, GIVEN,
           requires_if_match=True, ignores_given_time=True),
    Route(f"{ONE}/dismissals", DismissDeduction, REVIEWERS, GIVEN,
           requires_if_match=True, ignores_given_time=True),
    Route(f"{ONE}/acknowledgements", AcknowledgeDeduction, CHARGED, GIVEN, ignores_given_time=True),
    Route(f"{ONE}/appeals", AppealDeduction, CHARGED, GIVEN, ignores_given_time=True),
    Route(f"{ONE}/upheld-appeals", UpholdDeduction, REVIEWERS, GIVEN,
           requires_if_match=True, ignores_given_time=True),
    Route(f"{ONE}/reductions", ReduceDeduction, REVIEWERS, GIVEN,
           requires_if_match=True, ignores_given_time=True),
    Route(f"{ONE}/overturns", OverturnDeduction, REVIEWERS, GIVEN,
           requires_if_match=True, ignores_given_time=True),
])


def concerning(row: dict[str, Any], member: str) -> dict[str, Any] | None:
    """A deduction as the offender, or a member who is charged, sees it: only their own shares."""
    shares = [share for share in row["shares"] if share["member"] == member]
    if not shares and row["offender"] != member:
        return None
    standing = sum((Decimal(one["points"]) for one in shares if one["stands"]), Decimal(0))
    return {**row, "shares": shares, "points": plain(standing)}


reading.add(group, [
    Listed("/v1/deductions", "deductions", "The register of deductions.",
           roles=STAFF, visible_part=concerning),
    Listed("/v1/appeals", "appeals", "Appeals, open and decided.",
           roles=STAFF, visible_part=own_row),
    Listed("/v1/decisions", "decisions", "Who did what to deductions.",
           roles=STAFF, visible_part=own_row),
])
add_history(group, f"{ONE}/history", "deduction", staff=True)


def _deduction(asked: Question) -> Found:
    who, deduction = caller(), asked.subject or ""
    answer = REPORTS["deductions"](edge().models, who.ledger, asked)
    row = answer.rows[0] if answer.rows else None
    if row is not None and who.role not in STAFF_READERS:
        row = concerning(row, who.actor)
    rows = opened_rows([] if row is None else [row], answer.as_of["position"], noted=True,
                       about=deduction if answer.rows else None)
    if not rows:
        raise nothing_about(deduction, answer.as_of)
    return answer.as_of, rows[0]


single.add(group, Single(ONE, "deduction", "deduction",
                         "One deduction; members who see only their own find no other.", STAFF,
                         _deduction, DeductionRow))
