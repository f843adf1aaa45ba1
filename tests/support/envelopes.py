"""Contexts and raw entries in one line, for tests that need no shop."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from ledger.common.context import Context
from ledger.log import merkle
from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.store import Head, Store, Tile

NOON = datetime(2026, 10, 1, 4, tzinfo=UTC)
"""Noon of a business day in China, long past."""

CONTEXT = Context(actor="system", role="system", client="test")


def context(**fields: Any) -> Context:
    """The context of the tests with some fields changed."""
    return Context(**{"actor": "system", "role": "system", "client": "test", **fields})


def named(number: int = 1) -> Context:
    """A context whose client chose its command id, the same for the same number."""
    return context(command_id=UUID(int=number), by_client=True)


def entry(position: int, **fields: Any) -> Entry:
    """A raw entry of ledger `main`: by default the opening event of a stream of its own."""
    values: dict[str, Any] = {
        "ledger": "main", "position": position, "stream": f"s:{position}", "version": 1,
        "type": "test.happened.v1", "recorded_at": 1_000_000 * position, "occurred_at": 0,
        "command_id": uuid4().bytes, "command_seq": 1, "request_hash": None, "once": None,
        "actor": "system", "role": "system", "client": "test", "correlation": bytes(16),
        "causation": None, "subjects": "[]", "source": None, "payload": b"{}",
        "salt": bytes(16), "payload_hash": b"", "leaf_hash": b"", **fields}
    made = Entry(**values)
    made = made._replace(payload_hash=payload_hash(made.salt, made.payload))
    return made._replace(leaf_hash=leaf_hash(made))


def head_after(before: Head, entries: Iterable[Entry]) -> Head:
    """The head that some more entries lead to."""
    frontier = merkle.unpack(before.frontier)
    position, recorded_at = before.position, before.recorded_at
    for item in entries:
        merkle.push(frontier, position, item.leaf_hash)
        position, recorded_at = item.position, item.recorded_at
    return Head(position, recorded_at, merkle.pack(frontier), before.keys_id)


def write(store: Store, *entries: Entry, ledger: str = "main", tiles: Sequence[Tile] = ()) -> Head:
    """Append raw entries in one transaction."""
    with store.writing(ledger) as writing:
        head = head_after(writing.head(ledger), entries)
        writing.append(entries, head, tiles)
    return head
