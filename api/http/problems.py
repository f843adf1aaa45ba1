"""Errors as RFC 9457 describes them: one body for every error, with everything that is wrong."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from flask import Flask, Response, g, has_request_context, request
from werkzeug.exceptions import HTTPException

from api.fault_words import fault_said
from api.http.edge_errors import EDGE, Problem
from api.messages import language, prefer, tr
from ledger.common.errors import (
    Conflict,
    Fault,
    FaultList,
    Invalid,
    InvalidValues,
    LedgerError,
    Misconfigured,
    NotFound,
    Refused,
    Unanswerable,
    Unavailable,
    summed_up,
)
from ledger.common.values import cut
from ledger.core.aggregate import StaleVersion
from ledger.core.event_types import EventUnreadable, UnknownEventType, UnknownMember
from ledger.deductions.errors import DeductionUnknown
from ledger.log.damage import DatabaseDamaged
from ledger.log.persons import PersonLost
from ledger.log.side_file import FaultyRowsGone
from ledger.log.store import ConnectionLost, EventMissing, StorageFailed
from ledger.log.wrapping import KeyDamaged
from ledger.orders.errors import OrderUnknown
from ledger.returns.errors import CaseUnknown
from ledger.stock.transfers import TransferUnknown
from ledger.writing.errors import CommandReused, LedgerClosed
from projections.asking.past import NothingRecorded

TYPE = "application/problem+json"

FOR_THE_KEEPER: tuple[type[LedgerError], ...] = (
    PersonLost, KeyDamaged, Misconfigured, UnknownEventType, UnknownMember, EventUnreadable,
    EventMissing, LedgerClosed)
"""What is wrong with how this ledger stands or is set up. It is no fault of the code or the client:
whoever keeps the ledger has something to do, and finds it in the server's log, too."""

STATUS: tuple[tuple[type[LedgerError], int], ...] = (
    (StaleVersion, 412), (CommandReused, 422), (OrderUnknown, 404), (CaseUnknown, 404),
    (DeductionUnknown, 404), (TransferUnknown, 404), (InvalidValues, 422), (Unanswerable, 422),
    (Invalid, 400), (FaultyRowsGone, 410),
    (NotFound, 404), (Conflict, 409), (Refused, 422), (Unavailable, 503),
    (PersonLost, 409), (KeyDamaged, 409), *((kind, 503) for kind in FOR_THE_KEEPER),
)
"""The status of an error: that of the first class here that it is an instance of, else 500, which
is a fault of the code."""

PLACES = frozenset({"path", "keys", "url", "near", "text", "role", "why"})
HIDDEN = "‹hidden›"
"""Stands in an answer for where the ledger lies and how it is set up: the server's log has that."""

log = logging.getLogger("ledger.edge")

TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
          405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout",
          409: "Conflict", 410: "Gone", 412: "Precondition Failed", 413: "Content Too Large",
          414: "URI Too Long", 415: "Unsupported Media Type", 422: "Unprocessable Content",
          428: "Precondition Required", 429: "Too Many Requests",
          431: "Request Header Fields Too Large", 500: "Internal Server Error",
          503: "Service Unavailable"}
"""The phrases of RFC 9110 (428, 429 and 431: RFC 6585). What happened stands in `detail`."""

RETRY_AFTER_S = 2


def respond(
    status: int, code: str, detail: str, *, rule: str | None = None,
    errors: Iterable[Fault] = (), left_out: int = 0, headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """A response that holds a problem; `left_out` more faults were found than `errors` has, and
    `more` are members of its own kind."""
    listed = FaultList.of(errors)
    body: dict[str, Any] = {
        "type": f"/v1/problems/{code}", "title": TITLES.get(status, "Error"), "status": status,
        "detail": detail, "instance": cut(request.path), "code": code, "rule": rule,
        "errors": [{"pointer": fault.where, "detail": fault_said(fault.message), "code": fault.code}
                   for fault in listed.faults],
        "errors_left_out": listed.left_out + left_out, "request_id": g.get("request_id"), **more}
    found = Response(orjson.dumps(body), status, content_type=TYPE)
    in_language(found)
    found.headers.update(headers or {})
    if status == 503:
        found.headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    return found


def in_language(found: Response) -> None:
    """Say in which language the words of a response are, and that another may be asked for."""
    found.headers["Content-Language"] = language()
    found.vary.add("Accept-Language")


def status_of(kind: type[LedgerError]) -> int:
    """The status with which an error of the ledger is answered."""
    return next((status for cls, status in STATUS if issubclass(kind, cls)), 500)


def of_ledger(error: LedgerError) -> Response:
    """The response to an error of the ledger. Those that no client can mend are logged."""
    if isinstance(error, StorageFailed) and not isinstance(error, DatabaseDamaged) \
            and _was_not_looked_up():
        error = ConnectionLost(**error.details)
    status = status_of(type(error))
    if isinstance(error, FOR_THE_KEEPER) or status == 500:
        log.error("%s (%s): %s", error.code, error.rule, error,
                  exc_info=error if status == 500 else None)
    if status == 500:
        return of_edge(Problem("our_fault"))
    if isinstance(error, CommandReused):
        return respond(status, error.code, tr(EDGE[error.code].words), rule=error.rule)
    more: dict[str, Any] = {"open": error.open} if isinstance(error, NothingRecorded) else {}
    return respond(status, error.code, detail_of(error), rule=error.rule, errors=error.faults,
                   left_out=error.left_out, **more)


def of_edge(error: Problem) -> Response:
    """The response to an error of the edge."""
    words = EDGE[error.code].words
    return respond(error.status, error.code, tr(words, **error.details), errors=error.errors,
                   headers=error.headers)


def detail_of(error: LedgerError) -> str:
    """What an error says to a client: not where the ledger lies, nor how it is set up."""
    details = error.details
    if isinstance(error, InvalidValues) and error.faults:
        listed = FaultList(list(error.faults), error.left_out)
        details = {**details, "summary": summed_up(listed, fault_said)}
    if isinstance(error, Misconfigured):
        details = {name: HIDDEN if name in PLACES else value for name, value in details.items()}
    return tr(error.template, **details)


def handed_over() -> None:
    """Note that a request is the writer's from now on, which answers what it knows of it."""
    g.handed_over = True


def _was_not_looked_up() -> bool:
    """Whether a request may have been recorded before, and failed before anybody looked."""
    return "Idempotency-Key" in request.headers and "handed_over" not in g


def of_http(error: HTTPException) -> Response:
    """The response to what Flask refuses: 404, 405 with its `Allow`, 413 and others."""
    status = error.code or 500
    if status == 500:
        return of_edge(Problem("our_fault"))
    headers = dict(error.get_headers())
    kept: dict[str, str] = {name: headers[name] for name in ("Allow", "Retry-After")
                            if name in headers}
    code = error.name.lower().replace(" ", "_").replace("-", "_")
    return of_edge(Problem(code if code in EDGE else "http_error", status=status, headers=kept,
                           name=error.name, method=request.method,
                           allowed=kept.get("Allow", "nothing")))


def of_unexpected(error: Exception) -> Response:
    """The response to what nobody foresaw: a fault of the code, which is logged."""
    log.error("unexpected", exc_info=error)
    return of_edge(Problem("our_fault"))


def preferred_language() -> str | None:
    """The language that the request under way prefers, or that was chosen for it; None outside a
    request."""
    if not has_request_context():
        return None
    chosen: str | None = g.get("language")
    return chosen or request.accept_languages.best_match(("en", "zh"), "en") or "en"


def register(app: Flask) -> None:
    """Make an app answer every error with a problem, in the language of the request."""
    prefer(preferred_language)
    app.register_error_handler(Problem, of_edge)
    app.register_error_handler(LedgerError, of_ledger)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, of_unexpected)
