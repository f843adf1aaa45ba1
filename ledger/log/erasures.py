"""Who was erased, as the log says it: the events that the keys follow.

They stand in one stream for each month in which they were recorded, so that whoever follows reads
a few short streams and not the log.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from ledger.common.decoding import decoded
from ledger.common.values import from_us
from ledger.log.envelope import Entry
from ledger.log.store import Head, Reader

ERASED = "person.erased.v1"
"""The type of the event that says who was erased."""

KIND = "erasures"

SPARE = timedelta(days=2)
"""By how much a month may begin elsewhere than in UTC, and a clock be off."""


class Erased(msgspec.Struct, frozen=True):
    """What whoever follows needs of such an event: the ids of all persons who were erased."""

    persons: Annotated[list[str], msgspec.Meta(min_length=1)]


_erased = msgspec.json.Decoder(Erased)


def stream_of(at: datetime) -> str:
    """The stream of the erasures that are recorded in the month of a time, by UTC."""
    return f"{KIND}:{at.astimezone(UTC):%Y-%m}"


def erased_by(entry: Entry) -> list[str]:
    """The persons whom an event says to be erased; none if it says nothing of the kind.

    Errors: msgspec.DecodeError.
    """
    return decoded(_erased.decode, entry.payload).persons if entry.type == ERASED else []


def erasures(
    reader: Reader, ledger: bytes, head: Head, *, after: Entry | Head | None = None
) -> Sequence[Entry]:
    """The events up to a head, in log order: those after an event or another head, or else all."""
    start: Entry | Head | None = after or next(iter(reader.read(ledger, limit=1)), None)
    if start is None:
        return []
    position = 0 if after is None else after.position
    names, at, until = [], from_us(start.recorded_at) - SPARE, from_us(head.recorded_at) + SPARE
    while at.replace(day=1) <= until:
        names.append(stream_of(at))
        at = (at.replace(day=1) + timedelta(days=32)).replace(day=1)
    found = [entry for entry in reader.streams(ledger, names, after=position)
             if entry.position <= head.position and entry.type == ERASED]
    return sorted(found, key=lambda entry: entry.position)
