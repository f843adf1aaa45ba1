"""Finding what somebody types: an order's number or its last digits, a waybill, a SKU, a member."""

from collections.abc import Collection, Mapping
from typing import Any

import marshmallow
from flask import Response

from api.http import shapes
from api.http.fields import Digits, Text, Word
from api.http.noting import note_reading
from api.http.reading import STAFF_READERS, at_position
from api.http.routes import READERS, Blueprint, caller, edge
from api.stock import APPROVERS
from projections.names import KINDS, SHORTEST, NameRow, SearchHeader, find

READ_BY: Mapping[str, Collection[str]] = {
    **dict.fromkeys(KINDS, READERS),
    "movement": APPROVERS | {"finance", "auditor"},
    **dict.fromkeys(("member", "deduction"), STAFF_READERS),
}
"""Who is shown what: who may read its list, and all of it."""

NOTED = {"member", "deduction"}
"""What is a record of staff."""

MOST, USUAL = 100, 20

group = Blueprint("search", __name__, description="Finding things by what they are called.")


class SearchQuery(marshmallow.Schema):
    """What is looked for: a whole name, or how one begins or ends."""

    q = Text(longest=200, required=True, validate=marshmallow.validate.Length(
        min=SHORTEST, error=f"has fewer than {SHORTEST} characters"), metadata={
        "minLength": SHORTEST,
        "description": "A number, a name, a waybill: whole, its beginning, or its end."})
    kind = Word(KINDS, metadata={"description": "Only by this."})
    limit = Digits(least=1, most=MOST)


@group.permit("/v1/search", READERS, name="search")
@group.arguments(SearchQuery(), location="query")
@group.response(200, shapes.listing(NameRow, SearchHeader))
def search(query: Mapping[str, Any]) -> Response:
    """Things by what they are called: those of that very name first, then the newest. Each has its
    kind, its subject, by what it was found, and the text that was found. Only what the caller may
    read is looked at, and nothing personal. `as_of.more` says whether there are more."""
    who, limit = caller(), query.get("limit", USUAL)
    kinds = [kind for kind in KINDS if who.role in READ_BY[kind]
             and query.get("kind") in (None, kind)]
    found = find(edge().models, who.ledger, query["q"], kinds=kinds, limit=limit)
    if any(row["kind"] in NOTED for row in found.rows):
        note_reading(found.as_of["position"])
    as_of = {**found.as_of, "more": found.more}
    return at_position(as_of, {"as_of": as_of, "items": found.rows, "next": None})
