"""Single things over HTTP: each is read as of any moment, and answers a write that asks for it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from flask import Response, request
from werkzeug.http import parse_list_header

from api.http import shapes
from api.http.answers import SEEN
from api.http.edge_errors import Problem
from api.http.history import etag_of
from api.http.reading import ClockQuery, at_position, question
from api.http.routes import Blueprint, caller
from ledger.common.errors import LedgerError
from projections.asking.columns import Columns
from projections.asking.questions import PRESENT, Question

PREFER, APPLIED = "Prefer", "Preference-Applied"
REPRESENTATION, MINIMAL = "return=representation", "return=minimal"

Found = tuple[dict[str, Any], dict[str, Any]]
"""As of when it holds, and the thing itself."""


class Single(NamedTuple):
    """The route of a single thing, whose stream begins with `kind`: by whom and how it is read.

    `read` is given a question with the thing's stream as its subject; it masks or opens what is
    sealed, and notes the reading where that is due. `row` declares what it holds.
    """

    path: str
    kind: str
    name: str
    what: str
    roles: Collection[str]
    read: Callable[[Question], Found]
    row: type[Columns]


SINGLES: dict[str, Single] = {}
"""By kind, what is read back of what was written."""


def add(group: Blueprint, single: Single) -> None:
    """Register the route of a single thing."""
    SINGLES[single.kind] = single
    shapes.may_be_written(single.row)

    def view(query: Mapping[str, Any], **given: str) -> Response:
        (subject,) = given.values()
        asked = question(query)._replace(subject=subject)
        as_of, item = single.read(asked)
        found = at_position(as_of, {"as_of": as_of, "item": item})
        if asked.as_of.now:
            found.headers["ETag"] = etag_of(subject, as_of)
        return found

    view.__doc__ = single.what
    found: Callable[..., Any] = view
    for wrap in (group.response(200, shapes.item(single.row), headers=SEEN),
                 group.arguments(ClockQuery(), location="query")):
        found = wrap(found)
    group.permit(single.path, single.roles, name=single.name)(found)


def preferred() -> str | None:
    """What the client prefers to be answered, of what is understood; of two the first (RFC 7240).
    """
    if PREFER not in request.headers:
        return None
    said = [one.partition(";")[0].replace(" ", "").replace('"', "").lower()
            for value in request.headers.getlist(PREFER) for one in parse_list_header(value)]
    return next((one for one in said if one in (REPRESENTATION, MINIMAL)), None)


def written(subject: str) -> Found | None:
    """A thing that the caller has just written; None where they may not read it, or it cannot be
    read at present: what was accepted is never answered with an error. Rule: R-PRJ-33."""
    single = SINGLES.get(subject.partition(":")[0])
    if single is None or caller().role not in single.roles:
        return None
    try:
        return single.read(PRESENT._replace(subject=subject))
    except (LedgerError, Problem):
        return None
