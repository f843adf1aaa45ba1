"""Notes of who read evidence and staff records, kept in a ledger of their own."""

from datetime import UTC, datetime

from flask import request

from api.http.routes import caller, edge
from ledger.access import SUFFIX, NoteRead
from ledger.common.context import Context

LONGEST = 2000


def note_read(position: int) -> None:
    """Note, after the answer, that the caller read this route as of a position."""
    here, who = edge(), caller()
    note = NoteRead(
        actor=who.actor, route=request.path, position=position, occurred_at=datetime.now(UTC),
        query=request.query_string.decode(errors="replace").replace("\0", "")[:LONGEST])
    here.later(lambda: here.ledger(who.ledger + SUFFIX).handle(
        note, Context(actor=who.actor, role=who.role, client=f"key:{who.key}")))
