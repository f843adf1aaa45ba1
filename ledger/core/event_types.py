"""Stored types: the allow-list of what the log may hold, and how bytes become events.

A type is known because its class was registered under that name; a name in a row never imports a
module. An unknown type stops the reader, and so does an unknown member of an enumeration: a field
with `Words`. An unknown field does not.
"""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from ledger.common.bounds import Words
from ledger.common.checking import Checker, checker_of
from ledger.common.decoding import decoded
from ledger.common.errors import LedgerError
from ledger.common.values import Checks, from_us
from ledger.log.envelope import Entry, Outline
from ledger.log.milestones import MILESTONES


class UnknownEventType(LedgerError):
    """Position {position} holds an event of type {type!r}, which this version does not know.
    Install the version that recorded it, or a newer one."""

    code: ClassVar[str] = "unknown_event_type"
    rule: ClassVar[str] = "R-LOG-01"


class UnknownMember(LedgerError):
    """Position {position} holds an event of type {type!r} whose {where} {what}, and this version
    knows no other. Install the version that recorded it, or a newer one."""

    code: ClassVar[str] = "unknown_member"
    rule: ClassVar[str] = "R-LOG-40"


class EventUnreadable(LedgerError):
    """Position {position} holds an event of type {type!r} that cannot be read: {why}. Run `ledger
    verify`, and restore a backup into a new database."""

    code: ClassVar[str] = "event_unreadable"
    rule: ClassVar[str] = "R-LOG-41"


class _Unknown(Exception):
    """A payload has a member of an enumeration that is not known here."""


class _Strict:
    """A decoder of a type with enumerations, which refuses members that it does not know."""

    def __init__(self, decoder: msgspec.json.Decoder[Any], checker: Checker) -> None:
        self.type = decoder.type
        self._decode, self._test, self.note = decoder.decode, checker.test, checker.note

    def decode(self, payload: bytes) -> Any:
        """The event. Errors: _Unknown."""
        event = self._decode(payload)
        if not self._test(event):
            checks = Checks()
            self.note(checks, "", event)
            raise _Unknown(checks.faults[0])
        return event


_not_literal = re.compile(r"Invalid enum value (?P<value>.*) - at `\$(?P<where>.*)`").fullmatch
_decoders: dict[str, msgspec.json.Decoder[Any] | _Strict] = {}


def register(topic: str, event_class: type) -> None:
    """Allow a type and name the class that reads it. Errors: ValueError if it is taken."""
    known = _decoders.get(topic)
    if known is not None and known.type.__qualname__ != event_class.__qualname__:
        raise ValueError(f"event type {topic} is taken by {known.type}")
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(event_class)
    checker = checker_of(event_class, only=Words)
    _decoders[topic] = decoder if checker is None else _Strict(decoder, checker)


for milestone in MILESTONES:
    register(milestone.TOPIC, milestone)


def waiting_in(entries: Sequence[Entry]) -> list[str]:
    """What has to be done before more comes of entries, each once: those whose type has
    `waits_for` say it, such as the command that approves them."""
    waiting = [entry for entry in entries if hasattr(_decoders[entry.type].type, "waits_for")]
    if not waiting:
        return []
    return list(dict.fromkeys(event.waits_for() for event in decode_payloads(waiting)))


def known_types() -> dict[str, type]:
    """Every allowed type with its class."""
    return {topic: decoder.type for topic, decoder in sorted(_decoders.items())}


def decode_payloads(entries: Sequence[Entry | Outline]) -> list[Any]:
    """The events of entries with their own fields only, for readers who have the entries as well.

    Errors: UnknownEventType (R-LOG-01), UnknownMember (R-LOG-40), EventUnreadable (R-LOG-41) if a
    payload does not fit its type.
    """
    try:
        return [_decoders[entry.type].decode(entry.payload) for entry in entries]
    except (KeyError, _Unknown, msgspec.DecodeError, RecursionError):  # the first one says where
        return [_decoded(entry) for entry in entries]


def _decoded(entry: Entry | Outline) -> Any:
    """Errors: as `decode_payloads`."""
    decoder = _decoders.get(entry.type)
    if decoder is None:
        raise UnknownEventType(position=entry.position, type=entry.type)
    try:
        return decoded(decoder.decode, entry.payload)
    except _Unknown as unknown:
        (fault,) = unknown.args
        where, what = fault.where, fault.message
    except msgspec.DecodeError as error:  # an enumeration of the base is a Literal
        if (found := _not_literal(str(error))) is None:
            raise EventUnreadable(
                position=entry.position, type=entry.type, why=error) from None
        where, what = found["where"].replace(".", "/"), f"is {found['value']}"
    raise UnknownMember(position=entry.position, type=entry.type, where=where, what=what)


def decode(entry: Entry) -> Any:
    """The event of an entry, ready for its aggregate to fold. Errors: as `decode_payloads`."""
    event = _decoded(entry)
    attributes = event.__dict__
    attributes["originator_id"] = entry.stream
    attributes["originator_version"] = entry.version
    attributes["occurred_at"] = from_us(entry.occurred_at)
    return event
