"""The clock of the log, and the guard against one that jumps."""

import time
from collections.abc import Callable

from ledger.common.errors import Unavailable

BEHIND_US = 5_000_000
JUMP_US = 60_000_000
SLEWED_PPM = 500
"""How fast an honest clock may part from the one that counts since boot, in millionths: the most
that NTP slews a clock, and more than a computer's own oscillator is wrong by."""

AHEAD_DAYS = 30
DAY_US = 86_400_000_000


class ClockSuspect(Unavailable):
    """The computer's clock cannot be trusted: {why}. Nothing is recorded until it is corrected or
    an admin accepts it (`ledger accept-clock --reason …`)."""

    code = "clock_suspect"
    rule = "R-LOG-08"


def _since_boot_us() -> int:
    """Microseconds on a clock that nobody can set; on Linux it goes on while the machine sleeps."""
    source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(source) // 1000


class Clock:
    """The clock that stamps what is recorded. Units: microseconds since 1970-01-01 UTC.

    Three checks: the wall clock must not be more than 5 s behind the last event; when the first
    thing is recorded it must not be more than `ahead_days` ahead of the last event; and it must
    stay within 60 s of where the clock that counts since boot says it should be, as of the first
    reading or the last acceptance. What it parts from that by 500 ppm of the time that passed is
    taken as slewing, and followed; so many small jumps are one. `since` is a later time that is
    known to have come, from elsewhere than the log.
    """

    def __init__(
        self,
        wall: Callable[[], int] = lambda: time.time_ns() // 1000,
        steady: Callable[[], int] = _since_boot_us,
        *,
        ahead_days: int = AHEAD_DAYS,
        since: int = 0,
    ) -> None:
        self.wall = wall
        self.steady = steady
        self.ahead_days = ahead_days
        self.since = since
        self._continued = False
        self._begin()

    def _begin(self) -> int:
        """Take the present offset between the two clocks as right. Returns the wall clock's."""
        wall, self._seen = self.wall(), self.steady()
        self._offset = wall - self._seen
        self._suspect_since = 0
        return wall

    def must_continue(self, last: int) -> None:
        """Check, before the first thing is recorded, that the log's last event is not too
        long ago; `last` is its time, 0 in an empty log. Errors: ClockSuspect (R-LOG-08)."""
        if self._continued:
            return
        # What passed since this clock was first read is certain, unless it was set meanwhile: then
        # this is where it begins, as for a process that starts now.
        if abs(self._parted(self.wall(), self.steady())) > JUMP_US:
            self._begin()
        limit = self.ahead_days * DAY_US
        ahead = self._offset + self._seen - max(last, self.since)
        if last and ahead > limit:
            raise ClockSuspect(
                why=f"it is {ahead // DAY_US} days ahead of the last event, and nobody was here to "
                    f"see whether they have passed (LEDGER_CLOCK_AHEAD_DAYS is {self.ahead_days})")

    def stamp(self, floor: int) -> int:
        """The wall clock's time, checked against `floor` and the clock that counts since boot.

        A suspect clock stays suspect until it is right again or `accept` is called: what passes
        meanwhile allows for no slewing. Errors: ClockSuspect (R-LOG-08).
        """
        wall, steady = self.wall(), self.steady()
        if wall < floor - BEHIND_US:
            behind = (floor - wall) / 1e6
            raise ClockSuspect(why=f"it is {behind:.1f} s behind the last event")
        parted = self._parted(wall, steady)
        if abs(parted) > JUMP_US:
            self._suspect_since = self._suspect_since or steady
            raise ClockSuspect(why=f"it jumped by {parted / 1e6:+.1f} s")
        self._seen, self._suspect_since, self._continued = steady, 0, True
        self._offset = wall - steady - parted
        return wall

    def _parted(self, wall: int, steady: int) -> int:
        """How far the wall clock is from where it should be, beyond what slewing explains."""
        until = self._suspect_since or steady
        slewed = max(until - self._seen, 0) * SLEWED_PPM // 1_000_000
        parted = wall - steady - self._offset
        return parted - max(-slewed, min(parted, slewed))

    def accept(self) -> int:
        """Take the present time as right, and return it."""
        self._continued = True
        return self._begin()
