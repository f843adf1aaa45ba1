"""Long work gives way to short work between two pieces of it, as long as somebody waits for little.

One interpreter works for all threads of a process. Whoever folds a whole log would keep a till
waiting at every statement, and the till would be as slow as the past is long.
"""

from threading import Condition, local

from ledger.common import waits

PATIENCE_S = 0.02
"""How long a piece of long work waits at the most: it goes on, however much short work there is."""


class GivingWay:
    """Who does what in this process. Thread-safe."""

    def __init__(self, patience: float = PATIENCE_S) -> None:
        self._patience = patience
        self._short = 0
        self._none = Condition()
        self._mine = local()

    def begin(self) -> None:
        """Begin work in this thread that is short."""
        self.end()
        self._mine.short = True
        self._count(1)

    def end(self) -> None:
        """End it, if it has begun."""
        if getattr(self._mine, "short", False):
            self._mine.short = False
            self._count(-1)

    def begin_long(self) -> None:
        """Begin work in this thread that is long: others go before it."""
        self.end()
        waits.process.begin()

    def wait(self) -> None:
        """Between two pieces of long work: let short work end. What is short itself, such as one
        order's past, waits for nobody."""
        if self._short and not getattr(self._mine, "short", False):
            with self._none:
                self._none.wait_for(lambda: not self._short, self._patience)

    def _count(self, change: int) -> None:
        with self._none:
            self._short += change
            if not self._short:
                self._none.notify_all()


process = GivingWay()
"""Of this process: requests are short, and what folds a whole log again is long."""
