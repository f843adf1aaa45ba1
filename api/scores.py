"""Monthly scores over HTTP: grades, bonus work, closing, the table and how a score came about."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from api import sheets
from api.http import reading, shapes, writing
from api.http.noting import note_reading
from api.http.opening import opened_rows
from api.http.reading import (
    STAFF,
    STAFF_READERS,
    Listed,
    NoQuery,
    at_position,
    no_part,
    own_row,
    query_of,
    question,
)
from api.http.routes import EVERYBODY, Blueprint, caller, edge
from api.http.standing import mark
from api.http.writing import Route
from api.sheets import workbook
from ledger.common.values import subject
from ledger.scores.commands import GradeMember, ReopenMonth, RestateMonth, SealMonth, SetBonus
from projections.asking.past import NothingRecorded
from projections.asking.questions import Question
from projections.scores.answers import ExplainedScore
from projections.scores.terms import explain_score

GRADERS = EVERYBODY - {"auditor", "admin", "integration"}
"""The second grader may be the members themselves: the rules say who grades what."""

ONE_MONTH = "/v1/months/<month>"

group = Blueprint("scores", __name__, description="Members' months: grades, scores, closing.")

writing.add(group, [
    Route("/v1/grades", GradeMember, GRADERS, ignores_given_time=True),
    Route("/v1/bonuses", SetBonus, {"reviewer", "manager"}, ignores_given_time=True),
    Route(f"{ONE_MONTH}/seals", SealMonth, {"manager"}, ("month",), ignores_given_time=True),
    Route(f"{ONE_MONTH}/reopenings", ReopenMonth, {"manager"}, ("month",), ignores_given_time=True),
    Route(f"{ONE_MONTH}/restatements", RestateMonth, {"manager"}, ("month",),
           ignores_given_time=True),
])
reading.add(group, [
    Listed("/v1/scores", "scores", "The scores of a month; by default the last closed one.",
           STAFF, visible_part=own_row),
    Listed("/v1/score-history", "score-history", "The scores of all closed months.",
           STAFF, visible_part=own_row),
    Listed("/v1/score-history/<subject>", "score-history",
           "The scores of one member in all closed months.", STAFF, visible_part=own_row),
    Listed("/v1/score-warnings", "score-warnings", "Closed months below the pass mark.",
           STAFF, visible_part=own_row),
    Listed("/v1/months", "closings", "What was done to close months.",
           STAFF_READERS, visible_part=no_part),
    Listed("/v1/grading", "grading", "What lies before the graders of a month.",
           STAFF_READERS | {"service", "warehouse_head"}, visible_part=no_part),
])


@group.permit("/v1/scores/<member>/explain", STAFF, name="explain-score")
@group.arguments(query_of("score-terms", paged=False)(), location="query")
@group.response(200, shapes.item(ExplainedScore))
def explain(query: Mapping[str, Any], member: str) -> Response:
    """Why a member's month has its score: terms that add up to it, with their events."""
    _must_be_own(member)
    as_of, item = explain_score(edge().models, caller().ledger, member, question(query))
    (item,) = opened_rows([item], as_of["position"], noted=True)
    return at_position(as_of, {"as_of": as_of, "item": item})


def _must_be_own(member: str) -> None:
    """Members who see only themselves and their team find nobody else. Errors: R-PRJ-07."""
    who = caller()
    if who.role in STAFF_READERS or who.actor == member:
        return
    rights = edge().rights(who) if who.actor.startswith("member:") else None
    if rights is None or member not in rights.team:
        raise NothingRecorded(ledger=who.ledger, subject=member)


@group.permit(f"{ONE_MONTH}/scores.xlsx", STAFF_READERS, name="workbook")
@group.arguments(NoQuery(), location="query")
@group.response(200)
@group.doc(**{"x-also": [sheets.TYPES["xlsx"]]})
def read_workbook(query: Mapping[str, Any], month: str) -> Response:
    """A month as an Excel workbook: scores, deductions, appeals, and how it was closed."""
    found, as_of = workbook(edge().models, caller().ledger, "scores", Question(month=month))
    note_reading(as_of["position"], about=subject("month", as_of["month"]))
    answer = Response(found, content_type=sheets.TYPES["xlsx"])
    answer.headers["Content-Disposition"] = f'attachment; filename="scores-{as_of["month"]}.xlsx"'
    return mark(answer, as_of["position"])
