"""Threads whose errors are not lost, and waiting for what must come true."""

import threading
import time
from collections.abc import Callable
from typing import Any


class Running(threading.Thread):
    """A thread; `join` raises what it raised, and `result` is what it returned."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.work()
        except BaseException as error:
            self.error = error

    def join(self, timeout: float | None = 60) -> None:
        super().join(timeout)
        if self.error is not None:
            raise self.error


def in_thread(work: Callable[[], Any]) -> Running:
    """Run something while the test goes on."""
    return Running(work)


def eventually(true: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait until something is true; fail if it does not come."""
    until = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.002)
