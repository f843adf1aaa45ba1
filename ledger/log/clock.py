"""The clock of the log, and the guard against one that jumps."""

import time
from collections.abc import Callable

from ledger.common.errors import Unavailable

BEHIND_US = 5_000_000
JUMP_US = 60_000_000


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

    Two checks: the wall clock must not be more than 5 s behind the last event, and between two
    readings it must not drift by more than 60 s from the clock that counts since boot.
    """

    def __init__(
        self,
        wall: Callable[[], int] = lambda: time.time_ns() // 1000,
        steady: Callable[[], int] = _since_boot_us,
    ) -> None:
        self.wall = wall
        self.steady = steady
        self._last_reading: tuple[int, int] | None = None

    def stamp(self, floor: int) -> int:
        """The wall clock's time, checked against `floor` and the last reading.

        A suspect clock stays suspect until it is right again or `accept` is called: a reading that
        was refused is not kept. Errors: ClockSuspect (R-LOG-08).
        """
        wall, steady = self.wall(), self.steady()
        if wall < floor - BEHIND_US:
            behind = (floor - wall) / 1e6
            raise ClockSuspect(why=f"it is {behind:.1f} s behind the last event")
        if self._last_reading is not None:
            drift = (wall - self._last_reading[0]) - (steady - self._last_reading[1])
            if abs(drift) > JUMP_US:
                raise ClockSuspect(why=f"it jumped by {drift / 1e6:+.1f} s")
        self._last_reading = wall, steady
        return wall

    def accept(self) -> int:
        """Take the present time as right, and return it."""
        wall = self.wall()
        self._last_reading = wall, self.steady()
        return wall
