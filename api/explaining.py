"""Every figure of a report with its formula, over HTTP: evidence, whose reading is noted."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from api.http import shapes
from api.http.edge_errors import Problem
from api.http.fields import Digits, Text
from api.http.noting import note_reading
from api.http.reading import MAX_LIMIT, NAMED, ClockQuery, asked_as, paged, question
from api.http.routes import Blueprint, caller, edge
from api.log import EVIDENCE
from ledger.common.errors import Fault
from projections.asking.names import OPTIONS, TAKES
from projections.explaining.answers import ExplainedRow
from projections.explaining.figures import (
    EXPLAINED,
    explain,
    must_be_explained,
    report_about,
    to_depth,
)

group = Blueprint("explaining", __name__, description="Why a figure is what it is.")

FIGURE = {"description": "Only this figure: a column of the report, such as available or score."}
DEPTH = {"description": "Only so many levels of a formula: 1 is the figure itself."}
SORT = {"description": "By which column the rows of the report come, as in its own list."}
FIELDS = sorted({field for report in EXPLAINED for field in TAKES[report]})
"""What may be asked of any of the reports."""

ExplainQuery = ClockQuery.from_dict({
    "figure": Text(longest=100, metadata=FIGURE),
    "depth": Digits(least=1, most=MAX_LIMIT, metadata=DEPTH),
    **{field: asked_as(field) for field in FIELDS},
    "sort": Text(longest=100, metadata=SORT)})


@group.permit("/v1/explanations/<report>", EVIDENCE, name="explanation")
@group.arguments(ExplainQuery(), location="query")
@group.response(200, shapes.listing(ExplainedRow))
def explanation(query: Mapping[str, Any], report: str) -> Response:
    """The figures of a report, each with the formula that it comes of, down to the numbers that
    stand in events: position, pointer, factor. A program can work them out again. In place of a
    report may stand the name of an order, a SKU in a warehouse or a month."""
    asked = dict(query)
    if ":" in report:
        report, about = report_about(report)
        asked |= about
    must_be_explained(report)
    _must_take(report, query)
    answer = explain(edge().models, caller().ledger, report, question(asked),
                     figure=query.get("figure"))
    note_reading(answer.as_of["position"], asked=asked.get("subject"))
    return paged(answer.as_of, to_depth(answer.rows, query.get("depth")), None)


def _must_take(report: str, query: Mapping[str, Any]) -> None:
    """Errors: 400, for what another report takes."""
    wrong = [NAMED.get(name, name) for name in OPTIONS
             if name in query and name not in TAKES[report]]
    if wrong:
        raise Problem("not_understood", names=", ".join(wrong), errors=[Fault(
            f"/query/{name}", "unknown_field", "is no field here") for name in wrong])
