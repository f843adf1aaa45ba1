"""The Merkle tree of RFC 9162 over leaf hashes: a frontier that grows, and its root.

A frontier is the list of the roots of the full subtrees that the leaves so far make up, the largest
first: one for each bit that is set in the number of leaves.
"""

from collections.abc import Iterable
from hashlib import sha256

HASH_BYTES = 32
TILE_LEAVES = 256
EMPTY_ROOT = sha256(b"").digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def push(frontier: list[bytes], size: int, leaf: bytes) -> None:
    """Add the leaf with index `size` to the frontier, in place."""
    while size & 1:
        leaf = sha256(b"\x01" + frontier.pop() + leaf).digest()
        size >>= 1
    frontier.append(leaf)


def root(frontier: list[bytes]) -> bytes:
    """The root of the tree with this frontier; without leaves, SHA-256 of nothing."""
    if not frontier:
        return EMPTY_ROOT
    right = frontier[-1]
    for left in reversed(frontier[:-1]):
        right = node_hash(left, right)
    return right


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in order."""
    return root(unpack(grown(b"", 0, leaves)))


def pack(frontier: list[bytes]) -> bytes:
    """A frontier as the head row stores it."""
    return b"".join(frontier)


def unpack(packed: bytes) -> list[bytes]:
    """A frontier from the head row."""
    return [packed[i : i + HASH_BYTES] for i in range(0, len(packed), HASH_BYTES)]


def grown(packed: bytes, size: int, leaves: Iterable[bytes]) -> bytes:
    """The packed frontier of a tree of `size` leaves once these follow."""
    frontier = unpack(packed)
    for number, leaf in enumerate(leaves, size):
        push(frontier, number, leaf)
    return pack(frontier)
