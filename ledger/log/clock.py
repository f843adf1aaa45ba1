"""The clock of the log, and the guard against one that jumps."""

import time
from collections.abc import Callable

from ledger.common.errors import Unavailable

BEHIND_US = 5_000_000
JUMP_US = 60_000_000


class ClockSuspect(Unavailable):
    """The computer's clock is not to be trusted: {why}. Nothing is recorded until it is set right
    or an admin accepts it (`ledger accept-clock --reason …`)."""

    code = "clock_suspect"
    rule = "R-LOG-08"


def _since_boot_us() -> int:
    """Microseconds on a clock that nobody sets; on Linux it goes on while the machine sleeps."""
    source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(source) // 1000


class Clock:
    """Tells the time of recording. Units: microseconds since 1970-01-01 UTC.

    Two checks: the wall clock must not be over 5 s behind the last event, and between two looks it
    must not part by over 60 s from the clock that counts since boot.
    """

    def __init__(
        self,
        wall: Callable[[], int] = lambda: time.time_ns() // 1000,
        steady: Callable[[], int] = _since_boot_us,
    ) -> None:
        self.wall = wall
        self.steady = steady
        self._seen: tuple[int, int] | None = None

    def stamp(self, floor: int) -> int:
        """The wall clock's time, checked against `floor` and the last look.

        Errors: ClockSuspect (R-LOG-08), as often as it is asked until `accept`.
        """
        wall, steady = self.wall(), self.steady()
        if wall < floor - BEHIND_US:
            behind = (floor - wall) / 1e6
            raise ClockSuspect(why=f"it is {behind:.1f} s behind the last event")
        if self._seen is not None:
            parted = (wall - self._seen[0]) - (steady - self._seen[1])
            if abs(parted) > JUMP_US:
                raise ClockSuspect(why=f"it jumped by {parted / 1e6:+.1f} s")
        self._seen = wall, steady
        return wall

    def accept(self) -> int:
        """Take the present time as right, and say it."""
        wall = self.wall()
        self._seen = wall, self.steady()
        return wall
