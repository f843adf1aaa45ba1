"""The log's own events: how a ledger began, and what changed about the log itself.

They are plain structs and stand by themselves, so that whoever checks a log without keys can read
them. What makes them stands in `ledger/writing`.
"""

import re
from typing import Any, ClassVar

import msgspec

from ledger.common.decoding import decoded
from ledger.common.errors import Misconfigured
from ledger.log import merkle
from ledger.log.envelope import Entry, Outline
from ledger.log.store import Reader, shown

STREAM = "log:ledger"
"""The stream of the log's own events."""

FORMAT = 2
"""The edition of the log's format: docs/log-format.md."""

ID_BYTES = 16


class BadOpening(Misconfigured):
    """The first event of ledger {ledger!r} cannot be the one that opened it: {why}. Run `ledger
    verify`, and restore a backup into a new database."""

    code = "bad_opening"
    rule = "R-LDG-01"


class BadContinuation(Misconfigured):
    """Position {position} of ledger {ledger!r} should say what changed about the log, but {why}.
    Run `ledger verify`, and restore a backup into a new database."""

    code = "bad_continuation"
    rule = "R-LDG-07"


class OwnStream:
    """The log's own stream, `log:ledger`, begins every ledger. It changes no aggregate."""

    KIND: ClassVar[str] = "log"


class Milestone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """An event of the log itself."""

    TOPIC: ClassVar[str] = ""
    AGGREGATE: ClassVar[type[OwnStream]] = OwnStream
    PERSONAL: ClassVar[tuple[str, ...]] = ()


class Origin(msgspec.Struct, frozen=True):
    """A ledger that another one follows, and how far it had come: the root there, in hex."""

    id: str
    position: int
    root: str


class Anchor(msgspec.Struct, frozen=True):
    """How far another ledger had come: the position, and the root there in hex."""

    position: int
    root: str


DAY_CLOSED = "log.day_closed.v1"
"""The type of the event that closes a day."""


class Closed(msgspec.Struct, frozen=True):
    """What whoever checks a log needs of an event that closed a day."""

    access: Anchor


class Opened(Milestone, frozen=True, kw_only=True, omit_defaults=True):
    """A ledger begins: position 1 of each.

    `id` is its 16 random bytes in hex, `format` the edition of the log's format, `keys_id` names
    the keys that belong to it, in hex. `program` is the version that made it, `host` the database
    in which it began. Days are those of `zone`, for life. `access` is the id of the ledger that
    holds its keys and readings; such a ledger names instead the one that it is `of`. `continues`
    are the ledgers that this one follows, if any.
    """

    TOPIC: ClassVar[str] = "log.opened.v1"
    id: str
    format: int
    keys_id: str
    program: str
    host: str
    zone: str
    access: str | None = None
    of: str | None = None
    continues: list[Origin] = []


class Restored(msgspec.Struct, frozen=True):
    """Who read a backup into a database, and why: it ended at this position with this root, in
    hex."""

    position: int
    root: str
    by: str
    reason: str


class KeysLost(msgspec.Struct, frozen=True):
    """Who gave up the keys that a ledger had, and why."""

    by: str
    reason: str


class Continued(Milestone, frozen=True, kw_only=True, omit_defaults=True):
    """A ledger goes on, and something about its log is not as it was.

    `program`, `format`, `keys_id` and `host` say what is so from here on, as when it was opened. A
    restored backup says so in `restored`; other keys than before say in `keys_lost` that the
    old ones are lost.
    """

    TOPIC = "log.continued.v1"
    program: str
    format: int
    keys_id: str
    host: str
    restored: Restored | None = None
    keys_lost: KeysLost | None = None


MILESTONES: tuple[type[Milestone], ...] = (Opened, Continued)
"""All types of the log's own events."""

_TOPICS = {milestone.TOPIC for milestone in MILESTONES}
_opened = msgspec.json.Decoder(Opened)
_continued = msgspec.json.Decoder(Continued)
_closed = msgspec.json.Decoder(Closed)
_keys_id = re.compile("[0-9a-f]{64}").fullmatch


def anchored(entry: Entry) -> tuple[int, bytes]:
    """How far the access ledger had come by an event that closed a day: the position and the root.

    Errors: msgspec.DecodeError, ValueError if nothing recorded can be so.
    """
    access = decoded(_closed.decode, entry.payload).access
    return access.position, bytes.fromhex(access.root)


def said(entry: Entry) -> Opened | Continued:
    """What one of the log's own events says. Errors: msgspec.DecodeError."""
    if entry.type == Opened.TOPIC:
        return decoded(_opened.decode, entry.payload)
    return decoded(_continued.decode, entry.payload)


def last_own(reader: Reader, ledger: bytes, named: str) -> Entry:
    """The last event in which a log says how it was opened or continued, of whatever format.

    Errors: BadOpening (R-LDG-01), BadContinuation (R-LDG-07).
    """
    last = next(reversed(reader.streams(ledger, [STREAM])), None)
    if last is None or last.position == 1:
        opening(last, named)
    elif (why := _fault_in_form(last)) is not None:
        raise BadContinuation(ledger=named, position=last.position, why=why)
    assert last is not None
    return last


def gave_up_at(reader: Reader, ledger: bytes) -> int:
    """The position at which a ledger's keys were given up last; 0 if they never were.

    Errors: BadContinuation (R-LDG-07).
    """
    at = 0
    for own in reader.streams(ledger, [STREAM]):
        if own.position == 1:
            continue
        if (why := _fault_in_form(own)) is not None:
            raise BadContinuation(ledger=shown(ledger), position=own.position, why=why)
        if decoded(_continued.decode, own.payload).keys_lost:
            at = own.position
    return at


def _fault_in_form(entry: Any) -> str | None:
    """Why an event cannot say how a ledger was continued; None if it can."""
    if (entry.type, entry.stream) != (Continued.TOPIC, STREAM):
        return f"it is {entry.type} in {entry.stream}"
    try:
        keys_id = decoded(_continued.decode, entry.payload).keys_id
    except msgspec.MsgspecError:
        return "it cannot be read"
    return None if _keys_id(keys_id) else f"it names keys {keys_id!r}"


class OwnEvents:
    """What a log says of itself, one event after the other: `last` is the last of them that could
    be recorded as it is."""

    def __init__(self) -> None:
        self.begun = False
        self.last: Entry | None = None

    def fault_in(self, entry: Any, position: int, frontier: list[bytes]) -> str | None:
        """Why an event cannot say of the log what it says; None if it can, or says nothing of it.
        The first is to be one of the log's own, whatever it says. `position` and `frontier` are
        those of the log before it."""
        begun, self.begun = self.begun, True
        if begun and entry.stream != STREAM and entry.type not in _TOPICS:
            return None
        why = self._fault_in_continuation(entry, Anchor(position, merkle.root(frontier).hex())) \
            if begun else fault_in_current_opening(entry)
        if why is None:
            self.last = entry
            return None
        return f"this cannot be how the ledger was {'continued' if begun else 'opened'}: {why}"

    def _fault_in_continuation(self, entry: Any, before: Anchor) -> str | None:
        if (why := _fault_in_form(entry)) is not None:
            return why
        fact = decoded(_continued.decode, entry.payload)
        if fact.format != FORMAT:
            return f"it names format {fact.format}"
        kept = said(self.last).keys_id if self.last else fact.keys_id
        if self.last and (fact.keys_id != kept) != (fact.keys_lost is not None):
            return "the keys are others and none were lost, or they are the same and some were"
        back = fact.restored
        if back is not None and (back.position, back.root) != (before.position, before.root):
            return "it was restored from another backup than stands before it"
        return None


def opened_as(reader: Reader, ledger: bytes, named: str) -> Opened:
    """How a ledger was opened, as its log says. Errors: BadOpening (R-LDG-01)."""
    return opening(next(iter(reader.read(ledger, limit=1)), None), named)


def opening(entry: Entry | Outline | None, named: str) -> Opened:
    """How a ledger was opened, from its first entry. Errors: BadOpening (R-LDG-01)."""
    why = fault_in_opening(entry)
    if why is not None:
        raise BadOpening(ledger=named, why=why)
    assert entry is not None
    return decoded(_opened.decode, entry.payload)


def fault_in_opening(entry: Any) -> str | None:
    """Why an entry cannot be the one that opens its ledger; None if it can."""
    if entry is None or (entry.position, entry.version) != (1, 1):
        return "there is no event at position 1"
    if (entry.type, entry.stream) != (Opened.TOPIC, STREAM):
        return f"it is {entry.type}, not {Opened.TOPIC}"
    try:
        found = decoded(_opened.decode, entry.payload)
    except msgspec.MsgspecError:
        return "it cannot be read"
    if found.id != entry.ledger.hex():
        return "it names another ledger"
    return None if _keys_id(found.keys_id) else f"it names keys {found.keys_id!r}"


def fault_in_current_opening(entry: Any) -> str | None:
    """Why an entry cannot be the one that opens a ledger of this format; None if it can."""
    why = fault_in_opening(entry)
    if why is None and (found := decoded(_opened.decode, entry.payload).format) != FORMAT:
        return f"it is of format {found}, and this version knows format {FORMAT}"
    return why
