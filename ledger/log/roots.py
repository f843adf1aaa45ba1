"""The tree of a ledger as it was at any of its positions, without reading its events again."""

from ledger.log import merkle
from ledger.log.store import Head, Reader, Tile, Which, gapless

TILES = 100
"""How many tiles are read at a time."""

ROWS = 1_000


def frontier_at(reader: Reader, ledger: Which, head: Head, position: int) -> list[bytes]:
    """The frontier of the tree over the events up to a position, not beyond the ledger's head.

    The full subtrees that the tree of the head shares with it are taken from the head; the leaves
    after them from the stored tiles, 8 KiB for 256 events; from rows only those of what has no
    whole tile. All of these are what `verify` checks. Errors: EventMissing (R-LOG-19).
    """
    frontier, size = _shared(head.position, merkle.unpack(head.frontier), position)
    while size < position:
        for leaf in _leaves(reader, ledger, size, position):
            merkle.push(frontier, size, leaf)
            size += 1
    return frontier


def _shared(size: int, frontier: list[bytes], position: int) -> tuple[list[bytes], int]:
    """The subtrees of a frontier that an earlier position has, too, and how many leaves they hold:
    those of the highest bits that both numbers have in common."""
    same = 0
    for number in range(size.bit_length() - 1, -1, -1):
        bit = 1 << number
        if (size ^ position) & bit:
            break
        same |= size & bit
    return frontier[: same.bit_count()], same


def _leaves(reader: Reader, ledger: Which, size: int, position: int) -> list[bytes]:
    """Some leaves after the first `size`, at least one and none beyond a position."""
    first, complete = size // merkle.TILE_LEAVES, position // merkle.TILE_LEAVES
    if first < complete:
        found = reader.tiles(ledger, 0, first, min(TILES, complete - first))
        if whole := _whole(found, first):
            return merkle.unpack(whole)[size - first * merkle.TILE_LEAVES :]
    rows = reader.outlines(ledger, after=size, until=position, limit=ROWS)
    return [row.leaf_hash for row in gapless(rows, ledger, after=size, until=position)]


def _whole(tiles: list[Tile], first: int) -> bytes:
    """The hashes of tiles from a number on, up to the first one that is missing or not whole."""
    found = []
    for number, tile in enumerate(tiles, first):
        if tile.number != number or len(tile.hashes) != merkle.TILE_LEAVES * merkle.HASH_BYTES:
            break
        found.append(tile.hashes)
    return b"".join(found)
