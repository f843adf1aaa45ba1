"""The log over HTTP: where it ends, what was refused, and the audit trail."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from datetime import date
from typing import Any
from uuid import UUID

import marshmallow
from flask import Response

from api import sheets
from api.http import shapes
from api.http.edge_errors import Problem
from api.http.fields import Digits, Text, Word
from api.http.noting import note_reading
from api.http.reading import (
    AFTER,
    DAY,
    DEFAULT_LIMIT,
    MOMENT,
    PageQuery,
    as_json,
    at_position,
    paged,
    question,
    sort_field,
)
from api.http.routes import READERS, Blueprint, caller, edge, unseal
from api.http.standing import mark
from ledger.common.errors import Fault
from ledger.common.values import NAME_BYTES, from_us, rfc3339
from ledger.log import merkle
from ledger.log.roots import frontier_at
from ledger.log.store import Head
from ledger.log.zones import days_of
from ledger.writing.refusals import Attempts
from projections.asking.clocks import Cut, PositionBeyondHead, header
from projections.asking.columns import columns_of
from projections.asking.headers import LogHeader
from projections.asking.names import DOWN
from projections.asking.past import cost, turn
from projections.asking.periods import Period, period_between
from projections.audit.answers import Root, TrailRow
from projections.audit.trail import SCANNED, Asked, Start, found, rows, span

EVIDENCE = {"auditor", "manager"}
"""Who reads the trail of what people did."""

EXPORTS = {"ndjson": "application/x-ndjson", **sheets.TYPES}
FORMS = ("json", *EXPORTS)
NAMES = ("position", "recorded_at", "occurred_at", "type", "stream", "version", "actor", "role",
         "client", "command_id", "summary")
COLUMNS = sorted((column for column in columns_of(TrailRow) if column.name in NAMES),
                 key=lambda column: NAMES.index(column.name))
"""What CSV and Excel have of an event."""
EXPORTED = 100_000
"""The most events in one export."""

LOG_ORDER = "position"
SORTS = (f"{DOWN}{LOG_ORDER}", LOG_ORDER)
"""The orders of the trail, the usual one first."""

group = Blueprint("log", __name__, description="The log itself, and who did what.")


@group.permit("/v1/log/head", READERS | {"admin"}, name="head")
@group.response(200, shapes.item(Root, LogHeader))
def head() -> Response:
    """Where the log ends: position, root of the tree, time of recording. Keep it elsewhere."""
    here, name = edge(), caller().ledger
    end = here.store.head(name)
    return _root(end.position, end)


class RootQuery(marshmallow.Schema):
    """At which position."""

    position = Digits(required=True)


@group.permit("/v1/log/root", READERS | {"admin"}, name="root")
@group.arguments(RootQuery(), location="query")
@group.response(200, shapes.item(Root, LogHeader))
def root(query: Mapping[str, Any]) -> Response:
    """The root of the tree over the first so many events: what `ledger verify --expect` takes."""
    return _root(query["position"], edge().store.head(caller().ledger))


def _root(position: int, end: Head) -> Response:
    """The root at a position of a log that ends there or later."""
    here, name = edge(), caller().ledger
    if position > end.position:
        raise PositionBeyondHead(ledger=name, position=position, head=end.position)
    last = here.store.read(name, after=position - 1, limit=1) if position else []
    with nullcontext() if position == end.position else turn(position // merkle.TILE_LEAVES):
        tree_root = merkle.root(frontier_at(here.store, name, end, position)).hex()
    as_of = {"ledger": name, "position": position, "head": end.position}
    return at_position(as_of, {"as_of": as_of, "item": {
        "position": position, "root": tree_root, "expect": f"{position}:{tree_root}",
        "recorded_at": rfc3339(from_us(last[0].recorded_at)) if last else None}})


class TrailQuery(PageQuery):
    """Recorded on which days, in which order."""

    since = Text(longest=MOMENT, data_key="from", metadata=DAY)
    until = Text(longest=MOMENT, data_key="to", metadata=DAY)
    after = Digits(metadata=AFTER)
    sort = sort_field(SORTS)


@group.permit("/v1/refusals", EVIDENCE, name="refusals")
@group.arguments(TrailQuery(), location="query")
@group.response(200, shapes.listing(TrailRow))
def refusals(query: Mapping[str, Any]) -> Response:
    """What was refused: which command, from whom, by which rule; the newest first."""
    return _trail(query, Asked(type=Attempts.Refused.TOPIC, period=_period(query),
                                after=query.get("after", 0)))


class AuditQuery(TrailQuery):
    """Of whom, about what, of which day."""

    subject = Text(longest=NAME_BYTES)
    actor = Text(longest=100)
    client = Text(longest=100)
    type = Text(longest=100)
    day = Text(longest=MOMENT, metadata=DAY)
    command_id = Text(longest=40, metadata={"format": "uuid"})
    format = Word(FORMS)


@group.permit("/v1/audit", EVIDENCE, name="audit")
@group.arguments(AuditQuery(), location="query")
@group.response(200, shapes.listing(TrailRow))
@group.doc(**{"x-also": list(EXPORTS.values())})
def audit(query: Mapping[str, Any]) -> Response:
    """Who did what, when it happened and when it was known, and what it changed.

    As JSON in pages, the newest first; whole as NDJSON with a closing line, as CSV or as Excel, in
    the order of the log unless `sort` says otherwise.
    """
    asked = Asked(
        subject=query.get("subject"), actor=query.get("actor"), client=query.get("client"),
        type=query.get("type"),
        command=_parsed("command_id", query.get("command_id"), UUID), period=_period(query),
        after=query.get("after", 0))
    form = query.get("format", "json")
    if form == "json":
        return _trail(query, asked)
    cut = _cut(query)
    note_reading(cut.position)
    with turn(cut.position):
        down = query.get("sort", LOG_ORDER).startswith(DOWN)
        return mark(_exported(form, _all(asked, cut, down=down)), cut.position)


def _exported(form: str, found_rows: Iterable[dict[str, Any]]) -> Response:
    return {"ndjson": _ndjson, "csv": _csv, "xlsx": _xlsx}[form](found_rows)


def _parsed(name: str, text: str | None, parse: Any) -> Any:
    try:
        return None if text is None else parse(text)
    except ValueError:
        raise Problem("not_understood", names=name, errors=[
            Fault(f"/query/{name}", "malformed", f"cannot be read: {text!r}")]) from None


def _cut(query: Mapping[str, Any]) -> Cut:
    return question(query).as_of.resolve(edge().store, caller().ledger)


def _period(query: Mapping[str, Any]) -> Period:
    """On which days, or on which single one, it was recorded. Errors: those of `period_between`."""
    days = days_of(edge().store, caller().ledger)
    found = period_between(query.get("since"), query.get("until"), days=days)
    day = _parsed("day", query.get("day"), lambda text: date.fromisoformat(text).isoformat())
    return found if day is None else found.and_(period_between(day, day, days=days))


def _trail(query: Mapping[str, Any], asked: Asked) -> Response:
    here, name, cut = edge(), caller().ledger, _cut(query)
    limit = query.get("limit", DEFAULT_LIMIT)
    start = Start(unseal(query["cursor"])[0] if "cursor" in query else None,
                  query.get("sort", SORTS[0]).startswith(DOWN))
    if asked.subject is None and asked.command is None:
        after, until = span(here.models, name, asked, cut, start=start)
        cost(min(SCANNED, until - after))
    trail = found(here.models, name, asked, cut, start=start, limit=limit)
    as_of = header(here.store, name, cut)
    note_reading(as_of["position"])
    shown = list(rows(here.models, name, trail.entries, cut, subject=asked.subject))
    return paged(as_of, shown, None if trail.beyond is None else [trail.beyond])


def _all(asked: Asked, cut: Cut, *, down: bool) -> Iterator[dict[str, Any]]:
    """All rows that were asked for, page by page. Errors: 422 `too_much`, never only a part."""
    here, name = edge(), caller().ledger
    start, count = Start(down=down), 0
    while True:
        trail = found(here.models, name, asked, cut, start=start, limit=1000)
        yield from rows(here.models, name, trail.entries, cut, subject=asked.subject)
        count += len(trail.entries)
        if count > EXPORTED:
            raise Problem("too_much", most=EXPORTED)
        if trail.beyond is None:
            return
        start = start._replace(beyond=trail.beyond)


def _ndjson(exported: Iterable[dict[str, Any]]) -> Response:
    """One line per event, then a closing line: count, last position, hash of the lines before."""
    lines, digest, last = [], hashlib.sha256(), 0
    for row in exported:
        line = as_json(row) + b"\n"
        digest.update(line)
        lines.append(line)
        last = max(last, row["position"])
    lines.append(as_json({"closing": True, "count": len(lines), "position": last,
                          "sha256": digest.hexdigest()}) + b"\n")
    return Response(b"".join(lines), content_type=EXPORTS["ndjson"])


def _csv(exported: Iterable[dict[str, Any]]) -> Response:
    return _file(sheets.as_csv(exported, COLUMNS), "csv")


def _xlsx(exported: Iterable[dict[str, Any]]) -> Response:
    return _file(sheets.as_xlsx(
        {"audit": (COLUMNS, exported)}, days=days_of(edge().store, caller().ledger)), "xlsx")


def _file(content: bytes, ending: str) -> Response:
    found_file = Response(content, content_type=sheets.TYPES[ending])
    found_file.headers["Content-Disposition"] = f'attachment; filename="audit.{ending}"'
    return found_file
