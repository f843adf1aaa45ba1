"""Where the ledger stands: every answer says it, and a client may send it back.

`Ledger-Position` is a mark (`projections/asking/marks.py`) of the last event that an answer knows.
Sent back, it must be of this log; a read then waits until its rows know that event, too.
"""

from typing import Any

from flask import Flask, Response, g, request

from api.http.edge_errors import Problem
from api.http.routes import caller, edge
from ledger.common.errors import Fault
from projections.asking.marks import FORM, Mark, mark_at, must_hold

ANSWERED = "Ledger-Position"
LEAST = "Ledger-Min-Position"
"""The same for reads, under the name of what it does."""

MAX_WAIT_S, MAX_WAITERS = 2.0, 16

SCHEMA = {"type": "string", "pattern": f"^{FORM}$"}
SENT = ("The `Ledger-Position` of an answer that was seen, whole or only its number. Another event "
        "there, or a log that ends before it, is 409 `ledger_went_back`")


def parameters(method: str) -> list[dict[str, Any]]:
    """The headers in which an operation takes a mark, described."""
    names = {ANSWERED: f"{SENT}."}
    if method == "get":
        names = dict.fromkeys((ANSWERED, LEAST), f"{SENT}; rows that do not know it yet are waited "
                                                 "for, 2 s at the most, then it is 503.")
    return [{"in": "header", "name": name, "required": False, "schema": SCHEMA, "description": said}
            for name, said in names.items()]


def mark(found: Response, position: int, leaf: bytes = b"") -> Response:
    """Say on a response as of which position it is."""
    found.headers[ANSWERED] = str(mark_at(edge().store, caller().ledger, position, leaf))
    return found


def caught_up(name: str) -> None:
    """Wait until the read models know all that is recorded by now, for a reading that is sent, and
    so was not waited for. What takes too long is answered as of where the rows are."""
    here = edge()
    here.begin(name)
    if here.reached(name) < (head := here.store.head(name).position):
        here.wait_for(name, head, MAX_WAIT_S)


def install(app: Flask) -> None:
    """Make an app look at the marks that are sent, and put one on every answer to a key."""
    app.before_request(_meet)
    app.after_request(_say)


def _meet() -> None:
    """Errors: 400; LedgerWentBack (R-PRJ-17); 503 if the read models do not get there in time."""
    if "caller" not in g:
        return
    here, name = edge(), caller().ledger
    if reads := request.method == "GET":
        here.begin(name)
    for header in (ANSWERED, LEAST) if reads else (ANSWERED,):
        sent = request.headers.get(header)
        seen = None if sent is None else _parsed(header, sent)
        if seen is not None:
            must_hold(here.store, name, seen)
        if seen is not None and reads:
            _wait(seen.position)


def _parsed(header: str, sent: str) -> Mark:
    try:
        return Mark.parse(sent)
    except ValueError:
        raise Problem("not_understood", names=header, errors=[Fault(
            f"/headers/{header}", "malformed", f"is {sent[:100]!r}, not a position such as "
            "12 or 12:0123456789abcdef")]) from None


def _wait(position: int) -> None:
    here, name = edge(), caller().ledger
    if here.reached(name) >= position:
        return
    if here.waiting >= MAX_WAITERS:
        raise Problem("behind", position=position)
    here.waiting += 1
    try:
        if not here.wait_for(name, position, MAX_WAIT_S):
            raise Problem("behind", position=position)
    finally:
        here.waiting -= 1


def _say(response: Response) -> Response:
    if "caller" in g and response.status_code < 400 and ANSWERED not in response.headers:
        mark(response, edge().store.head(caller().ledger).position)
    return response
