"""The guard that stops recording while the clock is suspect, until an admin accepts it."""

from ledger.core import event_types
from ledger.core.clock import STREAM, AcceptClock
from ledger.log.clock import Clock, ClockSuspect
from ledger.log.store import Head, Reader


class ClockGuard:
    """The clock as the writer of one ledger reads it, with what was accepted so far.

    An acceptance of another process counts if it was recorded after this one last found the clock
    in order: it is then about the same trouble. An older one is about trouble that is over.
    """

    def __init__(self, clock: Clock, ledger: bytes) -> None:
        self.clock = clock
        self.ledger = ledger
        self._floor_us = 0
        self._pinned_us = 0
        self._accepted_at = 0
        self._in_order_at = 0

    def stamp(self, head: Head, reader: Reader) -> int:
        """The clock's time for what follows a head. Errors: ClockSuspect (R-LOG-08)."""
        self.clock.must_continue(head.recorded_at)  # an acceptance would have moved the head
        try:
            wall = self.clock.stamp(self._floor(head))
        except ClockSuspect:
            if not self._find_acceptance(reader):
                raise
            wall = self.clock.stamp(self._floor(head))
        self._in_order_at = head.position
        return wall

    def stamp_acceptance(self, command: AcceptClock, head: Head) -> int:
        """The time of an acceptance: the one that the admin saw, whatever the clock says by now.

        Errors: ClockSuspect (R-LOG-08) if something was recorded after the admin looked.
        """
        if head.recorded_at > command.pinned_us:
            raise ClockSuspect(why="something was recorded while it was being accepted")
        return command.floor_us

    def accept(self, command: AcceptClock, position: int) -> None:
        """Let an acceptance count, now that it is recorded."""
        self._floor_us, self._pinned_us = command.floor_us, command.pinned_us
        self._accepted_at = self._in_order_at = position
        self.clock.accept()

    def _floor(self, head: Head) -> int:
        """What the clock must not fall behind: the last event, unless an acceptance covers it.

        It covers what was recorded before it, and what follows while the clock is not yet there
        again: each commit is then a microsecond later than the one before.
        """
        covered_us = self._pinned_us + max(head.position - self._accepted_at + 1, 0)
        return self._floor_us if head.recorded_at <= covered_us else head.recorded_at

    def _find_acceptance(self, reader: Reader) -> bool:
        """Whether another process has recorded one since; it then counts here as well."""
        found = reader.streams(self.ledger, [STREAM], after=self._in_order_at)
        if not found:
            return False
        fact = event_types.decode(found[-1])
        self._floor_us, self._pinned_us = fact.floor_us, fact.pinned_us
        self._accepted_at = found[-1].position
        self.clock.accept()
        return True
