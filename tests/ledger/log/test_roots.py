"""The root at any position: always that of the leaves, and read from tiles instead of rows."""

from collections import Counter
from typing import Any

import pytest

from ledger.log import merkle
from ledger.log.append import append
from ledger.log.roots import frontier_at
from ledger.log.store import EventMissing, Head, Store
from ledger.settings import Settings
from tests.conftest import on_sqlite
from tests.support import tamper
from tests.support.envelopes import LEDGER, entry, made

EVENTS = 800


class Counted:
    """A store that counts what is read from it."""

    def __init__(self, store: Store) -> None:
        self.store, self.rows, self.reads = store, Counter[str](), Counter[str]()

    def __getattr__(self, name: str) -> Any:
        def read(*arguments: Any, **limits: Any) -> Any:
            found = getattr(self.store, name)(*arguments, **limits)
            self.reads[name] += 1
            self.rows[name] += len(found)
            return found

        return read


def grown(store: Store, events: int) -> tuple[Head, list[bytes]]:
    """A log of so many events, with its tiles; its head and leaves."""
    rows = [entry(position) for position in range(1, events + 1)]
    made(store)
    with store.writing(LEDGER) as writing:
        return append(writing, writing.head(LEDGER), rows), [row.leaf_hash for row in rows]


@pytest.mark.parametrize("backend", ["memory", "sqlite"], indirect=True)
def test_root__is_that_of_the_leaves_at_every_position(store: Store) -> None:
    """At most 255 rows are read at the end, and those after the head's own subtrees before."""
    head, leaves = grown(store, EVENTS)
    plain: list[bytes] = []
    for position in range(EVENTS + 1):
        counted = Counted(store)
        assert frontier_at(counted, "main", head, position) == plain  # type: ignore[arg-type]
        assert counted.rows["outlines"] < merkle.TILE_LEAVES
        assert counted.rows["tiles"] <= position // merkle.TILE_LEAVES
        assert sum(counted.reads.values()) <= 2
        if position < EVENTS:
            merkle.push(plain, position, leaves[position])
    assert frontier_at(Counted(store), "main", head, EVENTS) == plain  # type: ignore[arg-type]


def test_root__of_the_head_and_of_what_it_shares_needs_nothing(store: Store) -> None:
    head, leaves = grown(store, 513)
    for position in (0, 512, 513):
        counted = Counted(store)
        found = frontier_at(counted, "main", head, position)  # type: ignore[arg-type]
        assert merkle.root(found) == merkle.root_of(leaves[:position])
        assert not counted.reads


@on_sqlite
@pytest.mark.parametrize("damage", [
    "DELETE FROM tiles WHERE number = 1", "UPDATE tiles SET hashes = x'00' WHERE number = 0",
    "UPDATE tiles SET number = 7 WHERE number = 2"])
def test_root__is_read_from_rows_where_a_tile_is_missing(
    store: Store, settings: Settings, damage: str
) -> None:
    head, leaves = grown(store, EVENTS)
    tamper.intrude(settings, damage)
    for position in (256, 600, 790):
        assert merkle.root(frontier_at(store, "main", head, position)) == merkle.root_of(
            leaves[:position])
    tamper.intrude(settings, "DELETE FROM events WHERE position = 770")
    with pytest.raises(EventMissing):
        frontier_at(store, "main", head, 790)
