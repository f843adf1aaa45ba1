"""Commands over HTTP: one route a command, its schema made of the command itself."""

import re
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

import marshmallow
import msgspec
import orjson
from flask import Request, Response, request
from msgspec import UNSET, UnsetType

from api.http import previewing, shapes, single
from api.http.bodies import Reader, Sent
from api.http.edge_errors import Problem
from api.http.fields import Etag, KeyText, is_etag, schema_of
from api.http.history import etag_of
from api.http.problems import handed_over
from api.http.reading import at_position
from api.http.routes import Blueprint, caller, described, edge
from api.http.standing import mark
from ledger.common.context import Context, Receipt
from ledger.core.commands import Command, OnStream
from ledger.writing import requests
from projections.asking.columns import Columns, says
from projections.preview.typed import Preview


class Route(NamedTuple):
    """A route of a command: `given` are the fields that are in the address.

    `location` is where what it makes can be read, and `makes` the kind of it where the command may
    come without its number, and is then about something else. With `ignores_given_time` it happens
    now, whatever the body says: no deadline is met by an earlier date. `looked_up` are fields that
    `look_up` fills in from the others, and no client names: `said` is then what the route is
    described by, since the words about the command speak of them.
    """

    path: str
    command: type[Command]
    roles: Collection[str]
    given: tuple[str, ...] = ()
    location: str = ""
    makes: str = ""
    requires_if_match: bool = False
    ignores_given_time: bool = False
    looked_up: tuple[str, ...] = ()
    look_up: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
    said: str | None = None

    def made(self, command: Command, receipt: Receipt) -> str:
        """What a command is about: the document that it made, also where that got its number."""
        return next((one for one in receipt.versions if self.makes and one.startswith(
            f"{self.makes}:")), command.subject)


class ReceiptAnswer(Columns, kw_only=True):
    """What a command recorded."""

    command_id: str
    positions: Annotated[list[int], says("The positions of the events that it recorded.")]
    versions: Annotated[dict[str, int], says(
        "The versions of the streams that it recorded something in, by stream.")]
    position: Annotated[int, says("The position of the last event; of none, the log's last one.")]
    left_out: Annotated[bool | UnsetType, says(
        "It is true, and there, where what is personal in the command was left out, since whose "
        "it is was erased.")] = UNSET
    waits_for: Annotated[list[str] | UnsetType, says(
        "What has to be done before more comes of it: the command that approves it, or the "
        "exceptions that it opened; else it is not there.")] = UNSET
    subject: Annotated[str, says("What the command is about, such as the order that it made.")]


class KeyHeaders(marshmallow.Schema):
    """Under which key a command may be repeated."""

    idempotency_key = KeyText(required=True, data_key="Idempotency-Key")
    prefer = marshmallow.fields.String(data_key=single.PREFER, metadata={
        "description": "`return=representation`: the answer is the thing itself beside the "
                       "receipt, as its own address answers, for who may read it there; "
                       "`Preference-Applied` says so. `return=minimal`: the receipt alone, as "
                       "without it. Any other preference is left to others (RFC 7240)."})

    def read(self, request: Request, strictly: Callable[[], Any]) -> Any:
        """The headers; those that are plainly sound are not looked at closely."""
        key, etag = request.headers.get("Idempotency-Key"), request.headers.get("If-Match")
        if key is None or not _is_key(key) or (etag is not None and not is_etag(etag)):
            return strictly()
        return {"idempotency_key": key} if etag is None else {
            "idempotency_key": key, "if_match": etag}


_is_key = re.compile("[!-~]{1,200}").fullmatch
"""Whether a key is sound for sure: without a blank, with one it may be."""


class SeenHeaders(KeyHeaders):
    """The same, and which version the decision rests on."""

    if_match = Etag(data_key="If-Match")


ROUTES: list[Route] = []
"""All routes of commands."""

_running: set[UUID] = set()
_lock = threading.Lock()


def add(group: Blueprint, routes: Collection[Route]) -> None:
    """Register the routes of commands."""
    for route in routes:
        ROUTES.append(route)
        _add(group, route)


def _add(group: Blueprint, route: Route) -> None:
    versioned = issubclass(route.command, OnStream)
    without = frozenset({*route.given, *route.looked_up, "expected_version"})
    schema = schema_of(route.command, without=without)
    reader = Reader(route.command, without=without, ignores_time=route.ignores_given_time)
    strict, asked = schema(), previewing.PreviewQuery()
    sent_with = SeenHeaders() if versioned else KeyHeaders()

    def view(**given: str) -> Response:
        parse = group.ARGUMENTS_PARSER.parse
        headers = parse(sent_with, request, location="headers")
        query = parse(asked, request, location="query")
        etag = headers.get("if_match")
        more: dict[str, Any] = {**given, **(
            {"expected_version": _version(etag)} if versioned else {})}
        lacks = route.requires_if_match and etag is None
        sent = None if route.looked_up or lacks or request.mimetype != "application/json" \
            else reader.read(request.get_data(cache=True), more)
        values = parse(strict, request, location="json") if sent is None else {}
        if lacks:
            raise Problem("precondition_required")
        command, now = sent or _strictly(route, {**values, **more})
        filled = frozenset({*route.looked_up, *(["occurred_at"] if now else [])})
        if previewing.is_asked(query):
            return previewing.previewed(
                command, context_of(headers["idempotency_key"], filled=filled))
        receipt = decide(command, headers["idempotency_key"], filled=filled)
        return _answer(receipt, command, route)

    view.__doc__ = route.said or route.command.__doc__
    receipt = shapes.one(ReceiptAnswer)
    written = {"oneOf": [receipt, shapes.written(ReceiptAnswer)]}
    done = {"oneOf": [*written["oneOf"], shapes.one(Preview)]}
    group.permit(route.path, route.roles, name=route.command.NAME.replace(".", "-"),
                 method="POST")(described(view, [
        group.alt_response(200, schema=done, description="Done before, or nothing is changed by "
                           "it; or the preview that was asked for"),
        group.response(201, written), group.arguments(strict),
        group.arguments(asked, location="query"),
        group.arguments(sent_with, location="headers")]))


def _version(etag: str | None) -> int | None:
    return None if etag is None else int(etag.strip('"'))


def _strictly(route: Route, values: dict[str, Any]) -> Sent:
    """The command of values that the fields have let through. Errors: InvalidValues."""
    now = route.ignores_given_time or "occurred_at" not in values
    if now:
        values["occurred_at"] = datetime.now(UTC)
    if route.looked_up:
        values |= route.look_up(values)
    return Sent(msgspec.convert(values, route.command), now)


def context_of(key: str, *, filled: frozenset[str]) -> Context:
    """Who sends a command under a key, and what the server filled in."""
    who = caller()
    return Context(
        actor=who.actor, role=who.role, client=who.client, by_client=True, filled=filled,
        command_id=requests.command_id(edge().ledger(who.ledger).id, who.actor, key))


def decide(command: Command, key: str, *, filled: frozenset[str]) -> Receipt:
    """Have a command decided for the caller, once a key; `filled` are the fields that the server
    filled in. Errors: 409, those of the command."""
    ledger, context = edge().ledger(caller().ledger), context_of(key, filled=filled)
    command_id = context.command_id
    assert command_id is not None
    with _lock:
        if command_id in _running:
            raise Problem("still_running", headers={"Retry-After": "1"})
        _running.add(command_id)
    try:
        handed_over()
        receipt = ledger.handle(command, context)
    finally:
        with _lock:
            _running.discard(command_id)
    edge().wrote()
    return receipt


def _answer(receipt: Receipt, command: Command, route: Route) -> Response:
    made = receipt.positions and not receipt.replayed
    subject = route.made(command, receipt)
    found = _body(receipt, subject)
    found.status_code = 201 if made else 200
    if receipt.replayed:
        found.headers["Idempotency-Replayed"] = "true"
    if route.location:
        found.headers["Location"] = f"{route.location}/{quote(subject, safe=':')}"
    return found


def _body(receipt: Receipt, subject: str) -> Response:
    """The receipt, with the thing itself where the client prefers that and may read it."""
    said = {**receipt.shown(), "subject": subject}
    preferred = single.preferred()
    thing = single.written(subject) if preferred == single.REPRESENTATION else None
    if thing is not None:
        as_of, item = thing
        found = at_position(as_of, {"receipt": said, "as_of": as_of, "item": item})
        found.headers["ETag"] = etag_of(subject, as_of)
    else:
        found = mark(Response(orjson.dumps(said), content_type="application/json"),
                     receipt.position, receipt.leaf)
        if (version := receipt.versions.get(subject)) is not None:
            found.headers["ETag"] = f'"{version}"'
    if thing is not None or preferred == single.MINIMAL:
        found.headers[single.APPLIED] = preferred
    return found
