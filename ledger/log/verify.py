"""Proves that a stored log is what was recorded: every row is read and hashed again.

It checks the payload's hash, the leaf, the order of positions, versions and recording times, and
the tree against the head and the stored tiles. An earlier position and root that someone kept
elsewhere prove that nothing before it was changed or cut off.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import NamedTuple

from ledger.common.errors import Invalid
from ledger.log import merkle
from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.store import Head, Store

BATCH = 1_000
MAX_PROBLEMS = 1_000


class BadExpectation(Invalid):
    """{text!r} is not POSITION:ROOT, such as 58000:9f86d081… with 64 hexadecimal digits."""

    code = "bad_expectation"
    rule = "R-VFY-01"


class Expectation(NamedTuple):
    """A position and the tree's root there, noted earlier and kept elsewhere."""

    position: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> "Expectation":
        """From POSITION:ROOT with the root in hexadecimal. Errors: BadExpectation (R-VFY-01)."""
        number, _, digits = text.partition(":")
        try:
            position, root = int(number), bytes.fromhex(digits)
        except ValueError:
            raise BadExpectation(text=text) from None
        if position < 0 or len(root) != merkle.HASH_BYTES:
            raise BadExpectation(text=text)
        return cls(position, root)


class Problem(NamedTuple):
    """What is wrong, and at which position it shows first."""

    position: int
    what: str


class Report(NamedTuple):
    """What a verification found. `root` is that of the rows as they are stored."""

    ok: bool
    events: int
    position: int
    root: bytes
    problems: list[Problem]


class _Walk:
    """One pass over the rows in order."""

    def __init__(self, expected: list[Expectation]) -> None:
        self.problems: list[Problem] = []
        self.frontier: list[bytes] = []
        self.position = 0
        self.events = 0
        self.recorded_at = 0
        self.versions: dict[str, int] = {}
        self.tile: list[bytes] = []
        self.tiles: list[bytes] = []
        self.expected = {e.position: e.root for e in expected}

    def note(self, position: int, what: str) -> None:
        """Keep a problem, up to a number that a person can still read."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(position, what))

    def step(self, entry: Entry) -> None:
        """Check one row against itself and the rows before it."""
        position = entry.position
        if position != self.position + 1:
            self.note(position, f"positions {self.position + 1} to {position - 1} are missing"
                      if position > self.position else "the position is out of order")
        if payload_hash(entry.salt, entry.payload) != entry.payload_hash:
            self.note(position, "the payload is not the one that was recorded")
        leaf = leaf_hash(entry)
        if leaf != entry.leaf_hash:
            self.note(position, "the envelope is not the one that was recorded")
        if entry.recorded_at < self.recorded_at:
            self.note(position, "it was recorded before the event that precedes it")
        self._version(entry)
        merkle.push(self.frontier, self.events, entry.leaf_hash)
        self.events += 1
        self.position = position
        self.recorded_at = entry.recorded_at
        self._tile(entry.leaf_hash)
        if position in self.expected and self.expected.pop(position) != merkle.root(self.frontier):
            self.note(position, "the root here is not the expected one: something at or before "
                      "this position was changed since it was noted")

    def _version(self, entry: Entry) -> None:
        last = self.versions.get(entry.stream)
        if entry.version != (last + 1 if last is not None else min(entry.version, 1)):
            self.note(entry.position, f"version {entry.version} of {entry.stream} follows {last}")
        self.versions[entry.stream] = entry.version

    def _tile(self, leaf: bytes) -> None:
        self.tile.append(leaf)
        if len(self.tile) == merkle.TILE_LEAVES:
            self.tiles.append(sha256(b"".join(self.tile)).digest())
            self.tile.clear()

    def finish(self, head: Head) -> None:
        """Check the end against the head row and what was expected."""
        if head.position != self.position:
            self.note(min(head.position, self.position) + 1,
                      f"the log ends at {self.position}, but its head says {head.position}")
        elif merkle.unpack(head.frontier) != self.frontier:
            self.note(self.position, "the head's tree is not the tree of the events")
        if 0 in self.expected and self.expected.pop(0) != merkle.EMPTY_ROOT:
            self.note(0, "the expected root of an empty log is another one")
        for position in sorted(self.expected):
            self.note(self.position + 1, f"the log ends at {self.position}, but position "
                      f"{position} was noted earlier: events were cut off")


def verify(
    store: Store,
    ledger: str,
    *,
    expected: list[Expectation] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Re-hash every stored event of a ledger and check it against everything that speaks of it.

    Shapes: `progress` is called with events done and the head's position. Memory: one number per
    stream and 32 bytes per 256 events. The head is read first, so what is recorded while this runs
    is left to the next run.
    """
    head = store.head(ledger)
    walk = _Walk(expected or [])
    for entry in _rows(store, ledger, head.position):
        walk.step(entry)
        if progress is not None and walk.events % BATCH == 0:
            progress(walk.events, head.position)
    walk.finish(head)
    beyond = store.read(ledger, after=head.position, limit=1)
    if beyond and store.head(ledger).position < beyond[0].position:
        walk.note(beyond[0].position, f"it lies beyond {head.position}, where the head says that "
                  "the log ends")
    if not walk.problems:  # a missing row would make every tile after it look wrong
        _check_tiles(store, ledger, walk)
    problems = sorted(walk.problems, key=lambda problem: problem.position)
    return Report(not problems, walk.events, walk.position, merkle.root(walk.frontier), problems)


def _rows(store: Store, ledger: str, position: int) -> Iterator[Entry]:
    """All rows up to a position, in order and in bounded memory."""
    after = 0
    while rows := store.read(ledger, after=after, until=position, limit=BATCH):
        yield from rows
        after = rows[-1].position


def _check_tiles(store: Store, ledger: str, walk: _Walk) -> None:
    number = 0
    while stored := store.tiles(ledger, 0, number, BATCH):
        for tile in stored:
            known = walk.tiles[number] if number < len(walk.tiles) else None
            if tile.number != number or sha256(tile.hashes).digest() != known:
                first = number * merkle.TILE_LEAVES + 1
                walk.note(first, f"the stored tile {tile.number} of the tree is not that of "
                          f"its {merkle.TILE_LEAVES} events")
            number += 1
    if number < len(walk.tiles):
        walk.note(number * merkle.TILE_LEAVES + 1, "a complete tile of the tree is missing")
