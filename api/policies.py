"""Policies over HTTP: published versions, and how two of them differ."""

from collections.abc import Mapping
from typing import Annotated, Any

import marshmallow
import msgspec
from flask import Response

from api.http import reading, shapes, writing
from api.http.fields import Digits, Text, Time
from api.http.reading import Listed, NoQuery, at_position
from api.http.routes import READERS, Blueprint, caller, edge
from api.http.writing import Route
from ledger.log.zones import days_of
from ledger.policies.commands import ConfirmRetention, PublishPolicy, WithdrawPolicy
from projections.asking.clocks import NOW, header
from projections.asking.columns import Columns, Day, says
from projections.policies import (
    DeadlineAnswer,
    PolicyDifferences,
    book_of,
    deadline,
    differences,
    roster_of,
)

WRITERS = {"admin", "manager"}
READ_BY = READERS | {"member", "admin"}
"""Everybody who is judged by the rules may read them."""

group = Blueprint("policies", __name__, description="Score rules, scorecards, pay, deadlines.")

writing.add(group, [
    Route("/v1/policies", PublishPolicy, WRITERS),
    Route("/v1/policy-withdrawals", WithdrawPolicy, WRITERS, ignores_given_time=True),
    Route("/v1/retention-confirmations", ConfirmRetention, WRITERS, ignores_given_time=True),
])
reading.add(group, [
    Listed("/v1/policies", "policies", "The published versions.", roles=READ_BY),
])


class PolicyVersion(Columns):
    """A version of the policies."""

    version: Annotated[int, says("Its number.")]
    effective_from: Annotated[Day, says("From which day on it holds.")]
    sections: Annotated[dict[str, Any], says(
        "What holds with it. Its members are the sections, by their names.")]


@group.permit("/v1/policies/<version>", READ_BY, name="policy")
@group.arguments(NoQuery(), location="query")
@group.response(200, shapes.item(PolicyVersion))
def read_policy(query: Mapping[str, Any], version: str) -> Response:
    """A version with all sections that hold with it, those of the versions before it too."""
    store, ledger = edge().store, caller().ledger
    cut = NOW.resolve(store, ledger)
    found = book_of(store, ledger, cut).must_know(
        int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0)
    as_of = header(store, ledger, cut)
    return at_position(as_of, {"as_of": as_of, "item": {
        "version": found.number, "effective_from": found.effective_from,
        "sections": msgspec.to_builtins(found.sections)}})


class VersionsQuery(marshmallow.Schema):
    """Two versions."""

    before = Digits(least=1, required=True)
    after = Digits(least=1, required=True)


@group.permit("/v1/policy-differences", READ_BY, name="differences")
@group.arguments(VersionsQuery(), location="query")
@group.response(200, shapes.item(PolicyDifferences))
def read_differences(query: Mapping[str, Any]) -> Response:
    """What differs between two versions."""
    store, ledger = edge().store, caller().ledger
    cut = NOW.resolve(store, ledger)
    book = book_of(store, ledger, cut)
    before, after = (book.must_know(query[name]).sections for name in ("before", "after"))
    found = differences(before, after)
    as_of = header(store, ledger, cut)
    return at_position(as_of, {"as_of": as_of, "item": {**query, "differences": found}})


class DeadlineQuery(marshmallow.Schema):
    """When something started, and the roster whose shifts count instead of the printed ones."""

    start = Time(required=True)
    roster = Text(longest=100)


@group.permit("/v1/deadlines/<name>", READ_BY, name="deadline")
@group.arguments(DeadlineQuery(), location="query")
@group.response(200, shapes.item(DeadlineAnswer))
def read_deadline(query: Mapping[str, Any], name: str) -> Response:
    """Until when what started at a time has to be done, by the version in force on that day."""
    store, ledger = edge().store, caller().ledger
    cut, start, days = NOW.resolve(store, ledger), query["start"], days_of(store, ledger)
    version = book_of(store, ledger, cut).on(days.day_of(start))
    roster = (None if query.get("roster") is None
              else roster_of(store, ledger, cut, query["roster"]))
    as_of = header(store, ledger, cut)
    return at_position(as_of, {"as_of": as_of, "item": deadline(
        version, name, start, days=days, roster=roster)})
