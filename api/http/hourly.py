"""Work that a server does from time to time."""

import math
import time
from collections.abc import Callable

HOUR_S = 3600.0


class Hourly:
    """Does something when it is first called, and then once an hour, however often it is called."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work = work
        self.monotonic = time.monotonic
        self._done_at = -math.inf

    def __call__(self) -> None:
        """Do it, if an hour has passed."""
        now = self.monotonic()
        if now - self._done_at >= HOUR_S:
            self._done_at = now
            self.work()
