"""Clocks that tests move by hand."""

from ledger.log.clock import AHEAD_DAYS, Clock

SECOND = 1_000_000
START = 1_800_000_000 * SECOND
"""Where such a clock begins. Units: microseconds since 1970."""


class Time:
    """A wall clock and one that nobody sets, both moved by hand; each ledger may look at it."""

    def __init__(self) -> None:
        self.wall = START
        self.steady = 5_000 * SECOND

    def pass_by(self, seconds: float) -> None:
        """Time goes on as it does."""
        self.wall += int(seconds * SECOND)
        self.steady += int(seconds * SECOND)

    def jump(self, seconds: float) -> None:
        """Someone sets the wall clock."""
        self.wall += int(seconds * SECOND)

    def clock(self, *, ahead_days: int = AHEAD_DAYS) -> Clock:
        """A clock of a ledger that shows this time."""
        return Clock(wall=lambda: self.wall, steady=lambda: self.steady, ahead_days=ahead_days)
