"""The guard that stops recording while the clock is suspect, until an admin accepts it."""

from typing import NamedTuple

from ledger.core import event_types
from ledger.core.clock import STREAM, AcceptClock
from ledger.log import merkle
from ledger.log.clock import Clock, ClockSuspect
from ledger.log.store import Head, Reader


class _Mark(NamedTuple):
    """How far a log had come: to a position, and the hash of its last `leaves` leaves."""

    position: int
    leaves: int
    hash: bytes

    @classmethod
    def of(cls, head: Head) -> "_Mark":
        """A head by the smallest tree of its frontier, which is quickly computed again."""
        size = head.position & -head.position
        return cls(head.position, size, head.frontier[-merkle.HASH_BYTES :])

    def stands_in(self, reader: Reader, ledger: bytes) -> bool:
        """Whether the log still has it, and is not another that somebody restored."""
        rows = reader.outlines(ledger, after=self.position - self.leaves, until=self.position,
                               limit=self.leaves)
        return len(rows) == self.leaves and self.hash == merkle.grown(
            b"", 0, (row.leaf_hash for row in rows))


class ClockGuard:
    """The clock as the writer of one ledger reads it, with what was accepted so far.

    An acceptance of another process counts if it was recorded after this one last found the clock
    in order: it is then about the same trouble. An older one is about trouble that is over. Where
    the log is another by now, since somebody restored a backup, the guard knows of it what it would
    if it began now.
    """

    def __init__(self, clock: Clock, ledger: bytes) -> None:
        self.clock = clock
        self.ledger = ledger
        self._floor_us = 0
        self._pinned_us = 0
        self._accepted: _Mark | None = None
        self._in_order: Head | None = None

    def stamp(self, head: Head, reader: Reader) -> int:
        """The clock's time for what follows a head. Errors: ClockSuspect (R-LOG-08)."""
        self.clock.must_continue(head.recorded_at)  # an acceptance would have moved the head
        try:
            wall = self.clock.stamp(self._floor(head, reader))
        except ClockSuspect:
            if not self._find_acceptance(reader):
                raise
            wall = self.clock.stamp(self._floor(head, reader))
        self._in_order = head
        return wall

    def stamp_acceptance(self, command: AcceptClock, head: Head) -> int:
        """The time of an acceptance: the one that the admin saw, whatever the clock says by now.

        Errors: ClockSuspect (R-LOG-08) if something was recorded after the admin looked.
        """
        if head.recorded_at > command.pinned_us:
            raise ClockSuspect(why="something was recorded while it was being accepted")
        return command.floor_us

    def accept(self, command: AcceptClock, head: Head) -> None:
        """Let an acceptance count, now that it is recorded right before a head."""
        self._floor_us, self._pinned_us = command.floor_us, command.pinned_us
        self._accepted, self._in_order = _Mark.of(head), head
        self.clock.accept()

    def _floor(self, head: Head, reader: Reader) -> int:
        """What the clock must not fall behind: the last event, unless an acceptance covers it.

        It covers what was recorded before it, and what follows while the clock is not yet there
        again: each commit is then a microsecond later than the one before.
        """
        if self._accepted is None:
            return head.recorded_at
        covered_us = self._pinned_us + max(head.position - self._accepted.position + 1, 0)
        if head.recorded_at > covered_us:
            return head.recorded_at
        if not self._accepted.stands_in(reader, self.ledger):
            self._accepted = None
            return head.recorded_at
        return self._floor_us

    def _find_acceptance(self, reader: Reader) -> bool:
        """Whether another process has recorded one since; it then counts here as well."""
        seen = self._in_order
        if seen is not None and not _Mark.of(seen).stands_in(reader, self.ledger):
            seen = self._in_order = None
        found = reader.streams(self.ledger, [STREAM], after=seen.position if seen else 0)
        if not found:
            return False
        fact = event_types.decode(found[-1])
        self._floor_us, self._pinned_us = fact.floor_us, fact.pinned_us
        self._accepted = _Mark(found[-1].position, 1, found[-1].leaf_hash)
        self.clock.accept()
        return True
