"""What happened to something, event by event, in sentences; the same rows as a file."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from flask import Response, request

from api.console import asking, lists
from api.console.sentences import sentence
from projections.asking.columns import columns_of
from projections.asking.typed import type_of
from projections.audit.answers import TrailRow
from projections.reports import REPORTS

SHOWN = 200
"""So many events are on a page."""

COLUMNS = [one for one in columns_of(TrailRow) if one.name in (
    "position", "type", "occurred_at", "recorded_at", "late", "actor", "role", "client",
    "summary")]
"""What a file has of an event, with the sentence."""


@cache
def _facts() -> frozenset[str]:
    """What reports have columns for: these facts people know by name."""
    return frozenset(one.name for report in REPORTS.values()
                     for one in columns_of(type_of(report).row))


def step(row: Mapping[str, Any], *, currency: str | None = None) -> dict[str, Any]:
    """An event as a page shows it: with its sentence, and what it changed of the facts that reports
    have. All that it changed is on its own page."""
    changes = {name: change for name, change in (row.get("changes") or {}).items()
               if name in _facts()}
    return {**row, "sentence": sentence(row, currency=currency), "changes": changes}


class Timeline(NamedTuple):
    """Events of a history on a page, in the order of the log; `following` is where more begin."""

    path: str
    query: dict[str, Any]
    rows: list[dict[str, Any]]
    following: str | None
    left_out: int

    def as_file(self, form: str, name: str) -> Response:
        """All of them as JSON, CSV or Excel."""
        if form == "json":
            return asking.sheet_of(self.path, self.query)
        return lists.sheet("history", form, COLUMNS, asking.every(self.path, self.query))


def timeline(
    path: str, clocks: Mapping[str, str], *, currency: str | None = None
) -> Timeline:
    """The events of a history of the API; `currency` is that of the amounts in it. Errors:
    Declined."""
    query = {**clocks, "limit": SHOWN, **({"cursor": request.args["cursor"]}
                                          if request.args.get("cursor") else {})}
    found = asking.ask(path, query)
    rows = [step(row, currency=currency) for row in found.items]
    return Timeline(path, query, rows, found.cursor, found.as_of.get("left_out", 0))
