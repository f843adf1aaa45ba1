"""Notes of who read evidence and staff records, kept in a ledger of their own."""

from collections.abc import Collection
from datetime import UTC, datetime

from flask import request

from api.http.routes import caller, edge
from ledger.access import NoteRead
from ledger.common.bounds import StreamText
from ledger.common.context import Context
from ledger.log.store import SUFFIX

LONGEST_FILTERS = 2000

_sound = StreamText().sound


def note_read(position: int) -> None:
    """Note, after the answer, that the caller read this route as of a position."""
    here, who = edge(), caller()
    rule = "" if request.url_rule is None else request.url_rule.rule
    asked = next(iter((request.view_args or {}).values()), request.args.get("subject"))
    note = note_of(who.actor, rule, asked, filters=request.args.keys(), position=position)
    here.later(lambda: here.ledger(who.ledger + SUFFIX).handle(
        note, Context(actor=who.actor, role=who.role, client=f"key:{who.key}")))


def note_of(
    actor: str, rule: str, asked: str | None, *, filters: Collection[str], position: int
) -> NoteRead:
    """A note that can be taken, whatever was asked for: no read is refused by its own note.

    What is asked for is noted if it can be the name of something; of anything else there was
    nothing to show.
    """
    return NoteRead(
        actor=actor, route=rule, position=position, occurred_at=datetime.now(UTC),
        query=" ".join(sorted(filters))[:LONGEST_FILTERS],
        about_subject=asked if asked is not None and _sound(asked) else None)
