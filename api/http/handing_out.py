"""How requests are handed out to threads: few are worked on at a time.

One interpreter works for all threads. Where sixteen look things up at once, each of them loses its
turn at every statement and waits for fifteen others to get it back, which costs twice of what the
look-up does. So the next one begins when the one before it has ended, waits for a commit, or takes
longer than most do.
"""

import threading
import time
from typing import Any

from waitress.task import ThreadedTaskDispatcher

PATIENCE_S = 0.003
"""What has been worked on for longer keeps no other from beginning."""

ENOUGH, GATHER_S = 1, 0.005
"""While more requests than these wait, no further one is received, for so long at the most."""


class HandingOut(ThreadedTaskDispatcher):
    """Threads of which at most `few` work on what they began a moment ago, and any number on what
    takes longer or waits. Thread-safe."""

    def __init__(self, threads: int, few: int) -> None:
        super().__init__()
        self._few = few
        self._begun: dict[int, float] = {}
        self._mine = threading.local()
        self._watched = False
        self._short = threading.Condition(self.lock)
        self.set_thread_count(threads)

    def handler_thread(self, thread_no: int) -> None:
        """Work on one request after the other, until the thread is to stop."""
        self._mine.me = me = threading.get_ident()
        while True:
            with self.lock:
                self._begun.pop(me, None)
                while not self.stop_count and (not self.queue or self._are_busy()):
                    self._idle()
                if self.stop_count:
                    self.active_count -= 1
                    self.stop_count -= 1
                    self.threads.discard(thread_no)
                    self.thread_exit_cv.notify()
                    return
                task = self.queue.popleft()
                if len(self.queue) == ENOUGH:
                    self._short.notify()
                self._begun[me] = time.monotonic()
                if self.queue and not self._watched:
                    self.queue_cv.notify()
            try:
                task.service()
            except BaseException:
                self.logger.exception("Exception when servicing %r", task)

    def add_task(self, task: Any) -> None:
        """Take a request that has arrived whole."""
        with self.lock:
            self.queue.append(task)
            if not (self._watched and self._are_busy()):
                self.queue_cv.notify()

    def gather(self) -> None:
        """Wait a little while there is enough to do: receiving more would only take the interpreter
        away from those who answer."""
        with self.lock:
            if len(self.queue) > ENOUGH:
                self._short.wait(GATHER_S)

    def begin_wait(self) -> None:
        """This thread waits: another may begin."""
        me = getattr(self._mine, "me", None)
        if me is not None:
            with self.lock:
                self._begun.pop(me, None)
                if self.queue:
                    self.queue_cv.notify()

    def end_wait(self) -> None:
        """This thread goes on with what it works on, whoever else has begun meanwhile."""
        me = getattr(self._mine, "me", None)
        if me is not None:
            with self.lock:
                self._begun[me] = time.monotonic()

    def _idle(self) -> None:
        """Wait for something to do. Where something is to be done, one thread watches how long the
        others take."""
        watches = bool(self.queue) and not self._watched
        self.active_count -= 1
        self._watched = self._watched or watches
        self.queue_cv.wait(PATIENCE_S if watches else None)
        if watches:
            self._watched = False
        self.active_count += 1

    def _are_busy(self) -> bool:
        """Whether as many work as may, on what they began a moment ago."""
        if len(self._begun) < self._few:
            return False
        late = time.monotonic() - PATIENCE_S
        return sum(begun > late for begun in self._begun.values()) >= self._few
