"""Waiting for what happens on connections, however many of them are idle.

waitress asks every connection, at every event, whether it would read or write: of a thousand idle
ones that costs more than answering the one that is not. Here a connection is asked when something
has happened on it, and each time while a thread may work for it.
"""

import select
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Any, Protocol

from waitress import wasyncore

_FLAGS = {EVENT_READ: select.POLLIN, EVENT_WRITE: select.POLLOUT,
          EVENT_READ | EVENT_WRITE: select.POLLIN | select.POLLOUT}


class Watched(Protocol):
    """What waits for bytes or for room to send some: a connection, the server, its trigger."""

    _fileno: int | None

    def readable(self) -> bool:
        """Whether it would read."""
        ...

    def writable(self) -> bool:
        """Whether it would write."""
        ...


class Watch:
    """What is waited for, and on which files. Used by the thread that receives; another one may
    only `forget` what it closes."""

    def __init__(self) -> None:
        self._selector = DefaultSelector()
        self._waits_for: dict[int, int] = {}
        self._asked: set[Any] = set()

    def look_at(self, one: Watched) -> None:
        """Ask it before the next wait what it would do."""
        self._asked.add(one)

    def forget(self, file: int | None) -> None:
        """Wait no more for a file, which is about to be closed."""
        if file is not None and self._waits_for.pop(file, 0):
            with suppress(KeyError):
                self._selector.unregister(file)

    def wait(self, seconds: float) -> None:
        """Wait so long for something to happen, and deal with it."""
        for one in [*self._asked]:
            self._ask(one)
        for key, events in self._selector.select(seconds):
            if key.data._fileno == key.fd:  # else what came before it in this round has closed it
                self._deal_with(key.data, events)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._selector.close()

    def _deal_with(self, one: Any, events: int) -> None:
        self._asked.add(one)
        if events & EVENT_READ and not one.readable():
            self._leave(one)
            events &= ~EVENT_READ
        if events:
            wasyncore.readwrite(one, _FLAGS[events])

    def _ask(self, one: Any) -> None:
        """Wait for what it would do. Who would read nothing, since a thread works for it, is waited
        for as before: most clients send nothing until they have their answer, and so nobody need
        wake this thread when they have it."""
        file = one._fileno
        if file is None or getattr(one, "is_quiet", False):
            self._asked.discard(one)
        if file is None:
            return
        would, known = _wish(one), self._waits_for.get(file, 0)
        if not would and known != EVENT_READ:
            self._leave(one)
            would, known = _wish(one), 0  # the thread may have ended just before
        if not would or would == known:
            return
        if known:
            self._selector.modify(file, would, one)
        else:
            self._selector.register(file, would, one)
        self._waits_for[file] = would
        one.is_left = False

    def _leave(self, one: Any) -> None:
        """Wait for nothing on it, until the thread that works for it has woken this one."""
        one.is_left = True
        self.forget(one._fileno)


def _wish(one: Watched) -> int:
    return EVENT_READ * bool(one.readable()) | EVENT_WRITE * bool(one.writable())
