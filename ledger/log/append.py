"""How the log grows: new entries become leaves of the tree, and the head moves on to the last."""

from collections.abc import Sequence

from ledger.log import merkle
from ledger.log.envelope import Entry
from ledger.log.store import Head, Tile, Writing


def append(writing: Writing, head: Head, entries: Sequence[Entry]) -> Head:
    """Add entries after the head that the transaction holds. Returns the new head."""
    if not entries:
        return head
    frontier = merkle.grown(head.frontier, head.position, (e.leaf_hash for e in entries))
    last = entries[-1]
    grown = Head(last.position, last.recorded_at, frontier, head.keys_id)
    writing.append(entries, grown, _completed(writing, head.position, entries))
    return grown


def _completed(writing: Writing, size: int, entries: Sequence[Entry]) -> list[Tile]:
    """The tiles of leaves that these entries complete."""
    first, last = size // merkle.TILE_LEAVES, (size + len(entries)) // merkle.TILE_LEAVES
    if first == last:
        return []
    start = first * merkle.TILE_LEAVES
    leaves = writing.leaves(start, size)
    leaves += (entry.leaf_hash for entry in entries)
    return [
        Tile(0, first + number, b"".join(leaves[at : at + merkle.TILE_LEAVES]))
        for number, at in enumerate(range(0, (last - first) * merkle.TILE_LEAVES,
                                          merkle.TILE_LEAVES))
    ]
