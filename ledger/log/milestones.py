"""The log's own events: how a ledger began, and what changed about the log itself.

They are plain structs and stand by themselves, so that whoever checks a log without keys can read
them. What makes them stands in `ledger/writing`.
"""

from typing import Any, ClassVar

import msgspec

from ledger.common.errors import Misconfigured
from ledger.log.envelope import Entry, Outline
from ledger.log.store import Reader

STREAM = "log:ledger"
"""The stream of the log's own events."""

FORMAT = 2
"""The edition of the log's format: docs/log-format.md."""

ID_BYTES = 16


class BadOpening(Misconfigured):
    """The first event of ledger {ledger!r} is not how it was opened: {why}. Run `ledger verify`,
    and restore a backup into a new database."""

    code = "bad_opening"
    rule = "R-LDG-01"


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


MILESTONES: tuple[type[Milestone], ...] = (Opened,)
"""All types of the log's own events."""

_opened = msgspec.json.Decoder(Opened)
_closed = msgspec.json.Decoder(Closed)


def anchored(entry: Entry) -> Anchor:
    """How far the access ledger had come by an event that closed a day.

    Errors: msgspec.DecodeError if nothing recorded can be so.
    """
    return _closed.decode(entry.payload).access


def opened_as(reader: Reader, ledger: bytes, named: str) -> Opened:
    """How a ledger was opened, as its log says. Errors: BadOpening (R-LDG-01)."""
    return opening(next(iter(reader.read(ledger, limit=1)), None), named)


def opening(entry: Entry | Outline | None, named: str) -> Opened:
    """How a ledger was opened, from its first entry. Errors: BadOpening (R-LDG-01)."""
    why = misfit(entry)
    if why is not None:
        raise BadOpening(ledger=named, why=why)
    assert entry is not None
    return _opened.decode(entry.payload)


def misfit(entry: Any) -> str | None:
    """Why an entry cannot be the one that opens its ledger; None if it can."""
    if entry is None or (entry.position, entry.version) != (1, 1):
        return "there is no event at position 1"
    if (entry.type, entry.stream) != (Opened.TOPIC, STREAM):
        return f"it is {entry.type}, not {Opened.TOPIC}"
    try:
        found = _opened.decode(entry.payload)
    except msgspec.MsgspecError:
        return "it cannot be read"
    if found.id != entry.ledger.hex():
        return "it names another ledger"
    return None


def misopened(entry: Any) -> str | None:
    """Why an entry cannot be the one that opens a ledger of this format; None if it can."""
    why = misfit(entry)
    if why is None and (found := _opened.decode(entry.payload).format) != FORMAT:
        return f"it is of format {found}, and this version knows format {FORMAT}"
    return why
