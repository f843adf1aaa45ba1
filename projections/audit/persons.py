"""All that is held on a person: each event about them, with what is sealed for them opened."""

from collections.abc import Iterator
from typing import Any

from ledger.common.days import Days
from ledger.common.decoding import any_json
from ledger.common.personal import Personal
from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.erasure.traces import Group
from ledger.log.envelope import Entry
from ledger.log.persons import LedgerKeys
from ledger.log.store import Reader
from projections.asking.written import PERSONAL, Sealed, opened
from projections.audit.timeline import is_late

SHARED = ("deduction", "post")
"""Streams in which several persons meet: only what is sealed for the person is shown."""

STREAMS = 200
"""How many streams are read at a time."""


def held_on(
    reader: Reader, keys: LedgerKeys, group: Group, seen: int, *, days: Days
) -> Iterator[dict[str, Any]]:
    """The events up to the position `seen` of all that persons who go together stand in, stream by
    stream.

    Shapes: position, stream, version, type, occurred_at, recorded_at, late, and `event`,
    its fields. What is sealed for others is masked.
    """
    keys.load(group.persons)
    names = sorted(group.streams | group.persons)
    for start in range(0, len(names), STREAMS):
        for entry in reader.streams(keys.ledger, names[start : start + STREAMS]):
            if entry.position > seen:
                continue
            fact = event_types.decode(entry)
            own = {name: value for name in type(fact).PERSONAL
                   if (value := getattr(fact, name)) is not None}
            if entry.stream.partition(":")[0] in SHARED and not any(
                    value.p in group.persons for value in own.values()):
                continue
            yield {**_known(entry, days), "event": {
                **any_json(entry.payload), **_opened(entry, own, keys, group)}}


def _opened(
    entry: Entry, own: dict[str, Personal], keys: LedgerKeys, group: Group
) -> dict[str, Any]:
    return {
        name: PERSONAL if value.p not in group.persons else opened(
            Sealed(value, entry.stream, entry.version, f"/{name}"), keys.reveal, keys.is_erased)
        for name, value in own.items()}


def _known(entry: Entry, days: Days) -> dict[str, Any]:
    return {"position": entry.position, "stream": entry.stream, "version": entry.version,
            "type": entry.type, "occurred_at": rfc3339(from_us(entry.occurred_at)),
            "recorded_at": rfc3339(from_us(entry.recorded_at)), "late": is_late(entry, days)}
