"""Notes of who read what people wrote, whose it is, records of staff, evidence and money.

They are kept in a ledger of their own, and each is durable before the answer: what cannot be noted
is not shown.
"""

import logging
import os
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from flask import request

from api.http.problems import detail_of
from api.http.routes import caller, edge, filters
from ledger.access.readings import PERSONS, NoteReading, ReadingNotNoted
from ledger.application import Ledger
from ledger.common.bounds import StreamText
from ledger.common.context import Context
from ledger.common.errors import LedgerError
from ledger.common.values import is_subject
from ledger.log.persons import WrongKeys
from ledger.log.store import SUFFIX
from projections.asking.clocks import NOW
from projections.audit.reports import is_known

log = logging.getLogger("ledger.edge")

_sound = StreamText().sound


class Opened(NamedTuple):
    """What sealed values were opened for, one of `PURPOSES`, and the names of their fields."""

    purpose: str
    fields: Collection[str]


def note_reading(
    position: int, *, persons: Collection[str] = (), about: str | None = None,
    opened: Opened | None = None, asked: str | None = None,
) -> None:
    """Note that the caller reads this route as of a position: before anything of it is shown.

    `persons` are those whose sealed values are in the answer; `about` is the subject that is asked
    for, if the request does not name it, and `asked` the one that it names, where that is not the
    first part of its address. What the request names is noted only if an event is about it.
    `opened` is for what, and which fields were opened. Errors: ReadingNotNoted (R-ACC-05).
    """
    here, who = edge(), caller()
    rule = "" if request.url_rule is None else request.url_rule.rule
    if asked is None:
        asked = next(iter((request.view_args or {}).values()), request.args.get("subject"))
    if about is not None:
        asked = about
    elif asked is not None and not (_can_be_noted(asked) and is_known(
            here.models, who.ledger, asked, NOW.resolve(here.store, who.ledger))):
        asked = None  # whatever a client may write: a note stays for ever
    context = Context(actor=who.actor, role=who.role, client=who.client)
    notes = list(notes_of(rule, asked, filters=filters(), persons=persons, position=position,
                          opened=opened))
    try:
        try:
            _take(here.ledger(who.ledger + SUFFIX), notes, context)
        except WrongKeys:  # the log may name other keys by now, and those may be here
            _take(here.renewed(who.ledger + SUFFIX), notes, context)
    except LedgerError as error:
        log.error("a reading of %s was refused: it could not be noted: %s", rule, error)
        raise ReadingNotNoted(why=detail_of(error)) from error


def _take(ledger: Ledger, notes: Collection[NoteReading], context: Context) -> None:
    for result in ledger.handle_many([(note, context) for note in notes]):
        if isinstance(result, LedgerError):
            raise result


def _can_be_noted(asked: str) -> bool:
    return _sound(asked) and is_subject(asked)


def notes_of(
    route: str, asked: str | None, *, filters: Collection[str], persons: Collection[str],
    position: int, opened: Opened | None = None,
) -> Iterator[NoteReading]:
    """Notes that can be taken, whatever was asked for: no reading is refused by its own note.

    What is asked for is noted if it can be the name of something; of anything else there was
    nothing to show.
    """
    subjects = [asked] if asked is not None and _can_be_noted(asked) else []
    purpose, fields = (None, []) if opened is None else (opened.purpose, sorted(opened.fields))
    whose = sorted(persons)
    for start in range(0, len(whose) or 1, PERSONS):
        yield NoteReading(
            reading=os.urandom(16).hex(), route=route, filters=sorted(filters), subjects=subjects,
            people=whose[start : start + PERSONS], position=position,
            purpose=purpose, fields=fields,
            occurred_at=datetime.now(UTC))
