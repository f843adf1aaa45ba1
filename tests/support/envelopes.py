"""Contexts and raw entries in one line, for tests that need no shop."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import md5
from typing import Any
from uuid import UUID, uuid4

import msgspec

from ledger.common.context import Context
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log import merkle, zones
from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.milestones import FORMAT, STREAM, Opened
from ledger.log.store import Head, Known, Store, Tile
from tests.support.days import IN_SHANGHAI

NOON = datetime(2026, 10, 1, 4, tzinfo=UTC)
"""Noon of a business day in China, long past."""

CONTEXT = Context(actor="system", role="system", client="test")

LEDGER = bytes(range(16))
"""The id of the ledger `main` of raw entries."""

KEYS = bytes(32)
"""The id of the keys that a ledger of raw entries names."""


def context(**fields: Any) -> Context:
    """The context of the tests with some fields changed."""
    return Context(**{"actor": "system", "role": "system", "client": "test", **fields})


def named(number: int = 1) -> Context:
    """A context whose client chose its command id, the same for the same number."""
    return context(command_id=UUID(int=number), by_client=True)


def posting_to(subjects: str) -> bytes:
    """A payload that posts to just those accounts that subjects, as they are stored, name."""
    accounts = [one for one in json.loads(subjects) if one.startswith(ACCOUNT_KINDS)]
    return msgspec.json.encode({"postings": [{"account": one} for one in accounts]} if accounts
                               else {})


def entry(position: int, **fields: Any) -> Entry:
    """A raw entry of ledger `main`: by default the opening event of a stream of its own, which
    posts to the accounts that it names."""
    if "stock:" in fields.get("subjects", "") and "payload" not in fields:
        fields["payload"] = posting_to(fields["subjects"])
    values: dict[str, Any] = {
        "ledger": LEDGER, "position": position, "stream": f"s:{position}", "version": 1,
        "type": "test.happened.v1", "recorded_at": 1_000_000 * position, "occurred_at": 0,
        "command_id": uuid4().bytes, "command_seq": 1, "request_hash": None, "once": None,
        "actor": "system", "role": "system", "client": "test", "correlation": bytes(16),
        "causation": None, "subjects": "[]", "source": None, "payload": b"{}",
        "salt": bytes(16), "payload_hash": b"", "leaf_hash": b"", **fields}
    made = Entry(**values)
    made = made._replace(payload_hash=payload_hash(made.salt, made.payload))
    return made._replace(leaf_hash=leaf_hash(made))


def first(ledger: bytes = LEDGER, **fields: Any) -> Entry:
    """A raw entry that opens a ledger."""
    fact = Opened(id=ledger.hex(), format=FORMAT, keys_id=KEYS.hex(),
                  program="1", host="memory", zone=IN_SHANGHAI.zone)
    return entry(1, **{"ledger": ledger, "stream": STREAM, "type": Opened.TOPIC,
                       "payload": msgspec.json.encode(fact), **fields})


def head_after(before: Head, entries: Iterable[Entry]) -> Head:
    """The head that some more entries lead to."""
    frontier = merkle.unpack(before.frontier)
    position, recorded_at = before.position, before.recorded_at
    for item in entries:
        merkle.push(frontier, position, item.leaf_hash)
        position, recorded_at = item.position, item.recorded_at
    return Head(position, recorded_at, merkle.pack(frontier), before.keys_id or KEYS)


def known(name: str = "main") -> Known:
    """A ledger under an id that is made of its name; that of `main` is `LEDGER`."""
    own = LEDGER if name == "main" else md5(name.encode(), usedforsecurity=False).digest()
    return Known(own, name)


def made(store: Store, name: str = "main") -> bytes:
    """The id of a ledger; if it is not there, one is made that has no event, not even an opening:
    its days are known all the same.
    """
    if (found := store.known(name)) is None:
        found = known(name)
        with store.beginning(found):
            pass
        zones._known[found.id] = IN_SHANGHAI
    return found.id


def _moved(one: Entry, ledger: bytes) -> Entry:
    moved = one._replace(ledger=ledger)
    return moved._replace(leaf_hash=leaf_hash(moved))


def write(
    store: Store, *entries: Entry, ledger: str = "main", tiles: Sequence[Tile] = (),
    keys_id: bytes | None = None,
) -> Head:
    """Append raw entries in one transaction; the ledger is made if it is not there. `keys_id` is
    what the head names from then on, if it is other than before."""
    own = made(store, ledger)
    entries = tuple(one if one.ledger == own else _moved(one, own) for one in entries)
    with store.writing(own) as writing:
        head = head_after(writing.head(own), entries)
        head = head._replace(keys_id=keys_id or head.keys_id)
        writing.append(entries, head, tiles)
    return head
