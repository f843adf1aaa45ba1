"""Stored types: the allow-list of what the log may hold, and how bytes become events.

A type is known because its class was registered under that name; a name in a row never imports a
module. An unknown type stops the reader, an unknown field does not.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from ledger.common.errors import LedgerError
from ledger.common.values import from_us
from ledger.log.envelope import Entry, Outline

_decoders: dict[str, msgspec.json.Decoder[Any]] = {}


class UnknownEventType(LedgerError):
    """Position {position} holds an event of type {type!r}, which this version does not know.
    Install the version that recorded it, or a newer one."""

    code: ClassVar[str] = "unknown_event_type"
    rule: ClassVar[str] = "R-LOG-01"


def register(topic: str, event_class: type) -> None:
    """Allow a type and name the class that reads it. Errors: ValueError if it is taken."""
    known = _decoders.get(topic)
    if known is not None and known.type.__qualname__ != event_class.__qualname__:
        raise ValueError(f"event type {topic} is taken by {known.type}")
    _decoders[topic] = msgspec.json.Decoder(event_class)


def known_types() -> dict[str, type]:
    """Every allowed type with its class."""
    return {topic: decoder.type for topic, decoder in sorted(_decoders.items())}


def decode_payloads(entries: Sequence[Entry | Outline]) -> list[Any]:
    """The events of entries with their own fields only, for readers who have the entries as well.

    Errors: UnknownEventType (R-LOG-01); msgspec.DecodeError if a payload does not fit its type.
    """
    try:
        return [_decoders[entry.type].decode(entry.payload) for entry in entries]
    except KeyError:
        unknown = next(entry for entry in entries if entry.type not in _decoders)
        raise UnknownEventType(position=unknown.position, type=unknown.type) from None


def decode(entry: Entry) -> Any:
    """The event of an entry, ready for its aggregate to fold. Errors: as `decode_payloads`."""
    decoder = _decoders.get(entry.type)
    if decoder is None:
        raise UnknownEventType(position=entry.position, type=entry.type)
    event = decoder.decode(entry.payload)
    attributes = event.__dict__
    attributes["originator_id"] = entry.stream
    attributes["originator_version"] = entry.version
    attributes["occurred_at"] = from_us(entry.occurred_at)
    return event
