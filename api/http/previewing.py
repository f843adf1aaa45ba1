"""Previews over HTTP: a command's own route with `?preview=true` says what it would record and
touch. Who may send the command may ask; of what is touched they see what they may read."""

from collections.abc import Callable, Mapping
from typing import Any

import marshmallow
from flask import Request, Response

from api.http.fields import Word
from api.http.noting import note_reading
from api.http.reading import LISTS, at_position, team_of
from api.http.routes import caller, edge
from ledger.common.context import Context
from ledger.core.commands import Command
from projections.preview.answer import SECTIONS, preview


class PreviewQuery(marshmallow.Schema):
    """Whether to record the command, or only to say what it would do."""

    preview = Word(("true", "false"), metadata={
        "description": "true: nothing is recorded, and the answer says what would be."})

    def read(self, request: Request, strictly: Callable[[], Any]) -> Any:
        """The query; most have none."""
        return strictly() if request.query_string else {}


def is_asked(query: Mapping[str, str]) -> bool:
    """Whether a preview is asked for."""
    return query.get("preview") == "true"


def previewed(command: Command, context: Context) -> Response:
    """The answer to a preview. Errors: those of the command; R-PRJ-01; ReadingNotNoted (R-ACC-05).
    Rule: R-PRV-04."""
    who = caller()
    found = preview(edge().models, edge().ledger(who.ledger), [(command, context)])
    seen = {name: _visible(found[name]) for name in SECTIONS}
    if any(_is_noted(row) for section in seen.values() for row in section["rows"]):
        note_reading(found["position"])
    return at_position(found, {**found, **seen})


def _visible(section: dict[str, Any]) -> dict[str, Any]:
    """A section without the rows that the caller could not read in their own report."""
    rows = list(filter(_may_read, section["rows"]))
    if len(rows) == len(section["rows"]):
        return section
    return {"total": len(rows), "rows": rows, "withheld": True}


def _may_read(row: Mapping[str, Any]) -> bool:
    who, listed = caller(), LISTS[row["report"]]
    if listed.visible_part is None or who.role in listed.whole:
        return who.role in listed.roles
    return who.role in listed.roles and (
        (member := row["of"].get("member")) == who.actor or member in team_of(who))


def _is_noted(row: Mapping[str, Any]) -> bool:
    """Whether the reading of such a row is noted, as in its own report."""
    listed = LISTS[row["report"]]
    return listed.money or listed.visible_part is not None
