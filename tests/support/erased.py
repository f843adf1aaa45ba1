"""Erasures as another process records them, for tests of what follows."""

import msgspec

from ledger.common.values import from_us
from ledger.log.append import append
from ledger.log.envelope import Entry
from ledger.log.erasures import ERASED, stream_of
from ledger.log.store import Store
from tests.support.envelopes import entry, made


def erase(store: Store, *persons: str, ledger: str = "main", payload: bytes | None = None,
          months: int = 0) -> Entry:
    """Record that persons were erased; their keys are left as they are."""
    own = made(store, ledger)
    with store.writing(own) as writing:
        head = writing.head(own)
        at = head.recorded_at + 1 + months * 31 * 86_400_000_000
        stream = stream_of(from_us(at))
        version = len(writing.streams(own, [stream])) + 1
        body = msgspec.json.encode({"persons": list(persons)}) if payload is None else payload
        one = entry(head.position + 1, ledger=own, stream=stream, version=version, type=ERASED,
                    recorded_at=at, subjects="[]", payload=body)
        append(writing, head, [one])
    return one
