"""What a preview holds: see `projections.asking.columns`."""

from typing import Annotated, Any, cast

import msgspec
from msgspec import UNSET, UnsetType

from projections.asking.columns import Columns, Subject, Time, says
from projections.preview.answer import SECTIONS

OF_REPORT = "Its members are columns of that report"
"""Why an object has no members of its own here."""


class PreviewedEvent(Columns):
    """An event that would be recorded."""

    type: str
    stream: Subject
    version: int
    occurred_at: Time


class PreviewedRow(Columns):
    """A row of a report that would be another one."""

    report: Annotated[str, says("The report.")]
    of: Annotated[dict[str, Any], says(f"Which row it is. {OF_REPORT} that name a row, and "
                                       "`at` or `month` where it was asked as of one.")]
    change: Annotated[str, says("What becomes of the row.")]
    before: Annotated[dict[str, Any] | None, says(
        f"What would differ, as it is. {OF_REPORT}; null where there is no such row.")]
    after: Annotated[dict[str, Any] | None, says(
        f"What would differ, as it would be. {OF_REPORT}; null where there would be no such row.")]


class PreviewedRows(Columns):
    """Rows that would be others."""

    total: Annotated[int, says("How many there are in all.")]
    rows: Annotated[list[PreviewedRow], says("The first of them.")]
    withheld: Annotated[bool | UnsetType, says(
        "It is true, and there, where there are rows that the caller may not read.")] = UNSET


class PreviewedEvents(Columns):
    """Events that would be recorded."""

    total: Annotated[int, says("How many there are in all.")]
    rows: Annotated[list[PreviewedEvent], says("The first of them.")]


SAID = {
    "levels": "Levels of stock.", "levels_then": "Levels of stock as of earlier times.",
    "counted_since": "What a later count has found already.", "alerts": "Notices and exceptions.",
    "claims": "Where the pieces of orders are.", "orders": "Orders, cases and transfers.",
    "people": "Members, posts, rosters, attendance and leave.",
    "deductions": "Deductions, and what they would cost.", "scores": "Scores.",
    "policies": "Policies.", "falls_away": "What the policies say, and would no longer say.",
    "sealed_months": "Sealed months that what is recorded falls in.",
    "signed_months": "Signed months whose figures would be others."}
"""What the sections are about."""

Preview = cast(type[Columns], msgspec.defstruct("Preview", [
    ("position", Annotated[int, says("The position of the last event that it rests on.")]),
    ("replayed", Annotated[bool, says("Whether it was recorded before, under the same key.")]),
    ("events", Annotated[PreviewedEvents, says("The events that would be recorded.")]),
    *((name, Annotated[PreviewedRows, says(SAID[name])]) for name in SECTIONS),
    ("limit", Annotated[int, says("How many rows of each there are at most.")]),
    ("notes", Annotated[list[str], says("What else is to be said of it, in sentences.")]),
], bases=(Columns,), namespace={"__doc__": "What a command would record and touch."}))
"""What a command would record and touch."""
