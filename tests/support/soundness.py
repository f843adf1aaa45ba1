"""Whether a log is what it should be, looked at row by row."""

import json
from collections import Counter

from ledger.common.values import MAX_INTEGER
from ledger.log import merkle
from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.milestones import STREAM
from ledger.log.store import Store


def must_be_sound(store: Store, name: str = "main") -> list[Entry]:
    """Every row again: gapless, in order, each hash, the tree, no command torn. Returns all but the
    log's own."""
    rows: list[Entry] = []
    while page := store.read(name, after=len(rows)):
        rows += page
    head = store.head(name)
    assert [row.position for row in rows] == list(range(1, head.position + 1))
    versions: Counter[str] = Counter()
    seqs: Counter[bytes] = Counter()
    for row in rows:
        versions[row.stream] += 1
        seqs[row.command_id] += 1
        assert (row.version, row.command_seq) == (versions[row.stream], seqs[row.command_id])
        assert payload_hash(row.salt, row.payload) == row.payload_hash
        assert leaf_hash(row) == row.leaf_hash
    assert [row.recorded_at for row in rows] == sorted(row.recorded_at for row in rows)
    frontier = merkle.unpack(head.frontier)
    assert merkle.root(frontier) == merkle.root_of(row.leaf_hash for row in rows)
    tiles = store.tiles(name, 0, 0, 10_000)
    assert b"".join(tile.hashes for tile in tiles) == b"".join(
        row.leaf_hash for row in rows[: head.position // 256 * 256])
    must_be_indexed(store, rows, name)
    return [row for row in rows if row.stream != STREAM]


def must_be_indexed(store: Store, rows: list[Entry], name: str = "main") -> None:
    """The index of accounts is what the subjects of all rows make it, neither less nor more."""
    named = Counter((subject, row.position) for row in rows for subject in json.loads(row.subjects)
                    if subject.startswith(store.kinds))
    accounts = list({account for account, _ in named})
    assert Counter(store.indexed(name, accounts, 1, MAX_INTEGER)) == named
    assert store.odd_accounts(name, 9) == []


def changes(store: Store, name: str = "main") -> list[Entry]:
    """Every row that changed something: all but the refusals and the log's own."""
    return [row for row in must_be_sound(store, name) if not row.stream.startswith("command:")]
