"""The history on trial over HTTP: steps, what facts are due to, what differs, when something held.

All of it is evidence: it is read by those who read the trail, and each reading is noted.
"""

from collections.abc import Mapping
from typing import Any

import marshmallow
from flask import Response

from api.http import shapes
from api.http.edge_errors import Problem
from api.http.fields import Text
from api.http.noting import note_reading
from api.http.reading import (
    DEFAULT_LIMIT,
    ClockQuery,
    NoQuery,
    PageQuery,
    at_position,
    paged,
    question,
)
from api.http.routes import Blueprint, caller, edge, unseal
from api.log import EVIDENCE
from ledger.common.errors import Fault
from projections.asking.headers import Header
from projections.asking.questions import Answer
from projections.trial import asking
from projections.trial.answers import (
    DifferenceRow,
    DifferencesHeader,
    DueRow,
    EventShown,
    StepRow,
    TurnRow,
)
from projections.trial.moments import two_of
from projections.trial.verbs import Condition

ONE = "/v1/subjects/<subject>"
MOST_LEFT_OUT = 100

WITHOUT = {"description": "As if the events at these positions had not been recorded: 12 or 12,13.",
           "pattern": "^[0-9]{1,16}(,[0-9]{1,16})*$"}
SPAN = {"description": "Two moments with .. between them; what is left out is the beginning, or "
        "now.", "pattern": r"^.*\.\..*$"}

group = Blueprint("trial", __name__, description="The history of a subject on trial.")


class StepsQuery(PageQuery):
    """As of when, which page, and without which events."""

    without = Text(longest=1000, metadata=WITHOUT)


@group.permit(f"{ONE}/steps", EVIDENCE, name="steps")
@group.arguments(StepsQuery(), location="query")
@group.response(200, shapes.listing(StepRow))
def steps(query: Mapping[str, Any], subject: str) -> Response:
    """Every event about a subject and what it changed of what reports say of it, as the history
    would be without some of them. Nothing is recorded."""
    after, limit = unseal(query["cursor"])[0] if "cursor" in query else 0, query.get(
        "limit", DEFAULT_LIMIT)
    answer = asking.history(edge().models, caller().ledger, subject, question(query).as_of,
                            without=_without(query), after=after)
    note_reading(answer.as_of["position"])
    shown = answer.rows[:limit]
    return paged(answer.as_of, shown, [shown[-1]["position"]] if len(answer.rows) > limit else None)


class FactsQuery(ClockQuery):
    """As of when, and which facts."""

    field = Text(longest=200, metadata={
        "description": "Only this fact, such as paid_minor, or those of a path, such as lines/1."})


@group.permit(f"{ONE}/facts", EVIDENCE, name="facts")
@group.arguments(FactsQuery(), location="query")
@group.response(200, shapes.listing(DueRow))
def facts(query: Mapping[str, Any], subject: str) -> Response:
    """What is known of a subject, and which event each fact is due to."""
    return _whole(asking.due(edge().models, caller().ledger, subject, question(query).as_of,
                             field=query.get("field")))


class TurnsQuery(ClockQuery):
    """As of when, and of which condition."""

    condition = Text(longest=300, required=True, metadata={
        "description": "A fact, one of = != < <= > >=, and a value; a fact alone: that it is "
        "known. Such as paid_minor>=5000."})


@group.permit(f"{ONE}/turns", EVIDENCE, name="turns")
@group.arguments(TurnsQuery(), location="query")
@group.response(200, shapes.listing(TurnRow))
def turns(query: Mapping[str, Any], subject: str) -> Response:
    """When a condition on a subject's facts first held, and each event at which that changed."""
    return _whole(asking.turns(edge().models, caller().ledger, subject, question(query).as_of,
                               condition=Condition.parse(query["condition"])))


class DifferencesQuery(marshmallow.Schema):
    """Which two moments, and without which events."""

    positions = Text(longest=40, metadata=SPAN)
    recorded = Text(longest=100, metadata=SPAN)
    occurred = Text(longest=100, metadata={"description": "Two business times with .. between "
                                           "them; one alone holds for both moments."})
    without = Text(longest=1000, metadata=WITHOUT)


@group.permit(f"{ONE}/differences", EVIDENCE, name="differences")
@group.arguments(DifferencesQuery(), location="query")
@group.response(200, shapes.listing(DifferenceRow, DifferencesHeader))
def differences(query: Mapping[str, Any], subject: str) -> Response:
    """In what a subject differs between two moments, and which events made each difference; without
    a span, between now and now without some events. Nothing is recorded."""
    without = _without(query)
    before, after = two_of(query.get("positions"), query.get("recorded"), query.get("occurred"),
                           same=bool(without))
    return _whole(asking.differences(edge().models, caller().ledger, subject, before=before,
                                     after=after, without=without))


@group.permit("/v1/events/<position>", EVIDENCE, name="event")
@group.arguments(NoQuery(), location="query")
@group.response(200, shapes.item(EventShown, Header))
def event(query: Mapping[str, Any], position: str) -> Response:
    """One event: what it says and changed, what it came of and what came of it, and its leaf in
    the tree over the log."""
    if not (position.isascii() and position.isdigit() and len(position) <= 16):
        raise Problem("not_found")
    as_of, item = asking.event(edge().models, caller().ledger, int(position))
    note_reading(as_of["position"], about=item["stream"])
    return at_position(as_of, {"as_of": as_of, "item": item})


def _whole(answer: Answer) -> Response:
    note_reading(answer.as_of["position"])
    return paged(answer.as_of, answer.rows, None)


def _without(query: Mapping[str, Any]) -> list[int]:
    """Errors: 400."""
    parts = query.get("without", "").split(",") if "without" in query else []
    if len(parts) > MOST_LEFT_OUT or not all(
            part.isascii() and part.isdigit() and len(part) <= 16 for part in parts):
        raise Problem("not_understood", names="without", errors=[Fault(
            "/query/without", "malformed", f"cannot be read: {query['without']!r}")])
    return [int(part) for part in parts]
