"""The history on trial over HTTP: steps, what facts are due to, what differs, when something held.

All of it is evidence: it is read by those who read the trail, and each reading is noted.
"""

from collections.abc import Mapping
from typing import Any

import marshmallow
from flask import Response

from api.http import shapes
from api.http.edge_errors import Problem
from api.http.fields import Digits, Free, Items, Text
from api.http.noting import note_reading
from api.http.reading import (
    AFTER,
    DAY_OR_TIME,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    ClockQuery,
    NoQuery,
    PageQuery,
    at_position,
    paged,
    question,
)
from api.http.routes import Blueprint, caller, edge, unseal
from api.log import EVIDENCE
from ledger.common import bounds
from ledger.common.between import fork, given
from ledger.common.context import Context
from ledger.common.errors import Fault
from ledger.common.values import MAX_INTEGER
from projections.asking.clocks import AsOf
from projections.asking.headers import Header
from projections.asking.questions import Answer
from projections.trial import asking
from projections.trial.answers import (
    BetweenHeader,
    DifferenceRow,
    DifferencesHeader,
    DueRow,
    EventShown,
    StepRow,
    SubjectDifferences,
    TurnRow,
)
from projections.trial.moments import two_of
from projections.trial.supposing import MOST_SUPPOSED, Hypothesis, Means, NothingSupposed
from projections.trial.verbs import Condition
from projections.trial.whole import Place, Whole

ONE = "/v1/subjects/<subject>"
MOST_LEFT_OUT = MOST_SUPPOSED

WITHOUT = {"description": "As if the events at these positions had not been recorded: 12 or 12,13.",
           "pattern": "^[0-9]{1,16}(,[0-9]{1,16})*$"}
SPAN = {"description": "Two moments with .. between them; what is left out is the beginning, or "
        "now.", "pattern": r"^.*\.\..*$"}

group = Blueprint("trial", __name__, description="The history of a subject on trial.")


class StepsQuery(PageQuery):
    """As of when, which page, and without which events."""

    without = Text(longest=1000, metadata=WITHOUT)
    after = Digits(metadata=AFTER)


@group.permit(f"{ONE}/steps", EVIDENCE, name="steps")
@group.arguments(StepsQuery(), location="query")
@group.response(200, shapes.listing(StepRow))
def steps(query: Mapping[str, Any], subject: str) -> Response:
    """Every event about a subject and what it changed of what reports say of it, as the history
    would be without some of them. Nothing is recorded."""
    beyond = unseal(query["cursor"])[0] if "cursor" in query else 0
    after, limit = max(beyond, query.get("after", 0)), query.get("limit", DEFAULT_LIMIT)
    answer = asking.history(edge().models, caller().ledger, subject, question(query).as_of,
                            given=Hypothesis(_without(query)), after=after)
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
                                     after=after, given=Hypothesis(without)))


class WholeQuery(marshmallow.Schema):
    """Which two moments, and which page."""

    positions = Text(longest=40, metadata=SPAN)
    recorded = Text(longest=100, metadata=SPAN)
    occurred = Text(longest=40, metadata={**DAY_OR_TIME, "description": "Only what had happened by "
                                          "then, at both moments."})
    limit = Digits(least=1, most=MAX_LIMIT)
    cursor = Text(longest=2000)


@group.permit("/v1/differences", EVIDENCE, name="whole")
@group.arguments(WholeQuery(), location="query")
@group.response(200, shapes.listing(SubjectDifferences, BetweenHeader))
def whole(query: Mapping[str, Any]) -> Response:
    """Which subjects differ between two moments, in the order of the first events that made them
    so, each with its facts and these events. A page looks at 500 events between both at the most:
    it may be short, also empty, and has a next one all the same."""
    before, after = two_of(query.get("positions"), query.get("recorded"), query.get("occurred"))
    place = Place(*unseal(query["cursor"])) if "cursor" in query else None
    found = Whole.of(edge().models, caller().ledger, before, after).page(
        place, limit=query.get("limit", DEFAULT_LIMIT))
    note_reading(found.as_of["position"])
    return paged(found.as_of, found.rows, None if found.next is None else list(found.next))


class HypothesisBody(marshmallow.Schema):
    """What is supposed, and as of when."""

    between = fork(given("without"), {}, fork(given("commands"), {}, given("policy")))
    without = Items(marshmallow.fields.Integer(strict=True), [bounds.Items(most=MOST_LEFT_OUT)],
                    metadata={"description": "As if the events at these positions had not been "
                              "recorded."})
    commands = Items(marshmallow.fields.Nested(Free), [bounds.Items(most=MOST_SUPPOSED)], metadata={
        "description": "Commands that had been sent at the end: each an object with the name of "
        "one as `command`, such as order.pay, its fields, and `actor`, who sends it. When it "
        "happens is `occurred_at`, the moment that is asked about where that is left out."})
    policy = marshmallow.fields.Integer(strict=True, metadata={
        "description": "As if this version of the policies had been in force on every day."})
    position = marshmallow.fields.Integer(
        strict=True, validate=marshmallow.validate.Range(0, MAX_INTEGER))
    recorded_as_of = Text(longest=40, metadata=DAY_OR_TIME)
    occurred_as_of = Text(longest=40, metadata=DAY_OR_TIME)


@group.permit(f"{ONE}/hypothesis", EVIDENCE, name="hypothesis", method="POST")
@group.arguments(NoQuery(), location="query")
@group.arguments(HypothesisBody())
@group.response(200, shapes.listing(DifferenceRow, DifferencesHeader))
def hypothesis(query: Mapping[str, Any], body: Mapping[str, Any], subject: str) -> Response:
    """In what a subject would differ: without some events, with further commands, which the rules
    decide, or under another version of the policies. Nothing is recorded but the note that it was
    asked."""
    as_of = _moment(body)
    return _whole(asking.differences(edge().models, caller().ledger, subject, before=as_of,
                                     after=as_of, given=_given(body), means=_means()))


@group.permit(f"{ONE}/hypothesis/steps", EVIDENCE, name="hypothesis-steps", method="POST")
@group.arguments(NoQuery(), location="query")
@group.arguments(HypothesisBody())
@group.response(200, shapes.listing(StepRow))
def hypothesis_steps(query: Mapping[str, Any], body: Mapping[str, Any], subject: str) -> Response:
    """The history of a subject step by step, as it would be. Nothing is recorded but the note that
    it was asked."""
    return _whole(asking.history(edge().models, caller().ledger, subject, _moment(body),
                                 given=_given(body), means=_means()))


def _given(body: Mapping[str, Any]) -> Hypothesis:
    """Errors: NothingSupposed (R-SUP-02)."""
    given = Hypothesis(tuple(body.get("without", ())), tuple(body.get("commands", ())),
                       body.get("policy"))
    if not given:
        raise NothingSupposed
    return given


def _moment(body: Mapping[str, Any]) -> AsOf:
    return AsOf.parse(
        body.get("position"), body.get("recorded_as_of"), body.get("occurred_as_of"))


def _means() -> Means:
    """Who supposes something, and what decides it."""
    who = caller()
    ledger = edge().ledger(who.ledger)
    return Means(ledger.suppose, Context(actor=who.actor, role=who.role, client=who.client),
                 ledger.clock.wall())


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
