"""The one writer of a ledger in a process: it takes what is queued, decides it and commits it.

Nobody is answered before the commit. A command that is refused fails alone; if a commit fails, all
that was decided on it is forgotten. A command that brings its batch down by a fault of our own is
found by halving the batch, so that the others are not harmed.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from ledger.aggregate import Aggregate
from ledger.clock import AcceptClock, ClockGuard
from ledger.commands import Command
from ledger.errors import Conflict, LedgerError, Misconfigured, Refused, Unavailable
from ledger.log.append import append
from ledger.log.clock import Clock
from ledger.log.envelope import SALT_BYTES, Entry, leaf_hash, payload_hash
from ledger.log.persons import LedgerKeys
from ledger.log.store import ConnectionLost, Forked, Head, LogConflict, Store, Writing
from ledger.receipts import Context, Receipt
from ledger.values import from_us, to_us
from ledger.work import Cache, Work

MAX_COMMANDS = 500
"""Commands that one transaction takes at the most."""

MAX_WAITING = 10_000
"""Commands that may wait; they take a few seconds, and more would wait in vain."""

MAX_DECIDING_S = 0.050
LINGER_S = 0.001
AHEAD_US = 5 * 60 * 1_000_000

_encode = msgspec.json.Encoder().encode


class CommandReused(Conflict):
    """This command id was used before, for something else. A new wish needs a new id."""

    code = "command_reused"
    rule = "R-LOG-09"


class OccurredInFuture(Refused):
    """{stream}: {occurred_at} lies more than 5 minutes ahead of the ledger's clock ({now})."""

    code = "occurred_in_future"
    rule = "R-LOG-10"


class OnceTaken(Conflict):
    """{once} is recorded already, at position {position}; it can happen only once."""

    code = "once_taken"
    rule = "R-LOG-11"


class LedgerClosed(LedgerError):
    """This ledger is closed."""

    code = "ledger_closed"
    rule = "R-LOG-12"


class Overloaded(Unavailable):
    """{waiting} commands wait already. Try again in a moment."""

    code = "overloaded"
    rule = "R-LOG-18"


class _Turn:
    """A caller who waits for some tasks; `failed` keeps those from going on that come later."""

    __slots__ = ("failed", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.failed: BaseException | None = None


class Task:
    """A command on its way through the writer."""

    __slots__ = ("command", "command_id", "context", "entries", "last", "request_hash", "result",
                 "tried", "turn")

    def __init__(self, command: Command, context: Context, request_hash: bytes,
                 turn: _Turn) -> None:
        self.command = command
        self.context = context
        self.command_id = context.command_id or uuid4()
        self.request_hash = request_hash
        self.turn = turn
        self.last = False
        self.tried = False
        self.entries: list[Entry] = []
        self.result: Receipt | BaseException | None = None


class _Batch(NamedTuple):
    """What the entries of one transaction grow from, and they themselves."""

    head: Head
    wall: int
    writing: Writing
    repeats: dict[bytes, list[Entry]]
    entries: list[Entry]

    @property
    def now(self) -> int:
        """The time of recording, which never falls."""
        return max(self.wall, self.head.recorded_at)


class Writer:
    """Writes one ledger, from a thread of its own that starts with the first command."""

    def __init__(self, store: Store, keys: LedgerKeys, clock: Clock, name: str) -> None:
        self.store = store
        self.keys = keys
        self.name = name
        self.guard = ClockGuard(clock, name)
        self._cache = Cache()
        self._queue: deque[Task] = deque()
        self._taken: list[Task] = []
        self._most = MAX_COMMANDS
        self._wakes = threading.Condition()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._closed = False

    # -- callers ----------------------------------------------------------------------------------

    def run(self, items: Sequence[tuple[Command, Context]]) -> list[Task]:
        """Have commands decided in order and wait until all are answered.

        Errors: LedgerClosed (R-LOG-12), Forked (R-LOG-15), Overloaded (R-LOG-18).
        """
        turn = _Turn()
        tasks = [self._task(command, context, turn) for command, context in items]
        tasks[-1].last = True
        self._submit(tasks)
        turn.lock.acquire()
        return tasks

    def close(self) -> None:
        """Finish what is queued, then take no more."""
        if os.getpid() != self._process:
            return
        with self._wakes:
            self._closed = True
            self._wakes.notify()
        if self._thread is not None:
            self._thread.join()

    def _task(self, command: Command, context: Context, turn: _Turn) -> Task:
        request = _encode(command) if context.request is None else context.request
        hashed = self.keys.mac("request", command.NAME.encode() + b"\0" + request)
        return Task(command, context, hashed, turn)

    def _submit(self, tasks: list[Task]) -> None:
        if os.getpid() != self._process:
            raise Forked  # the thread stayed in the other process: nobody would ever answer
        with self._wakes:
            if self._closed:
                raise LedgerClosed
            if len(self._queue) >= MAX_WAITING:
                raise Overloaded(waiting=len(self._queue))
            if self._thread is None:
                thread = threading.Thread(
                    target=self._run, name=f"writer of {self.name}", daemon=True)
                thread.start()
                self._thread = thread
            self._queue.extend(tasks)
            self._wakes.notify()

    # -- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._wait():
                self._linger()
                self._taken = self._take()
                answered = self._commit(self._taken)
                self._queue.extendleft(reversed(self._taken[answered:]))
                done, self._taken = self._taken[:answered], []
                self._answer(done)
        finally:
            with self._wakes:
                self._closed = True
            self._answer([*self._taken, *self._queue])

    def _wait(self) -> bool:
        """Wait for a task. Returns false when there is none and none can come."""
        with self._wakes:
            while not self._queue and not self._closed:
                self._wakes.wait()
            return bool(self._queue)

    def _linger(self) -> None:
        """Wait up to a millisecond while more callers come: one fsync then serves them all."""
        until = time.monotonic() + LINGER_S
        queued = 0
        while queued < len(self._queue) < self._most and time.monotonic() < until:
            queued = len(self._queue)
            time.sleep(0.00005)

    def _take(self) -> list[Task]:
        """The next tasks; one that accepts the clock is a batch of its own."""
        tasks: list[Task] = []
        while self._queue and len(tasks) < self._most:
            if isinstance(self._queue[0].command, AcceptClock):
                return tasks or [self._queue.popleft()]
            tasks.append(self._queue.popleft())
        return tasks

    def _answer(self, tasks: list[Task]) -> None:
        for task in tasks:
            if task.result is None:
                task.result = LedgerClosed()
            if task.last:
                task.turn.lock.release()

    def _commit(self, tasks: list[Task]) -> int:
        """Decide and commit tasks. Returns how many of them, from the first, have their answer."""
        try:
            wanted = [lookup for task in tasks for lookup in task.command.persons()]
            now = self.guard.clock.wall()
            persons = self.keys.resolve(wanted, now) if wanted else {}
            with self.store.writing(self.name) as writing:
                pass
        except BaseException as error:
            self._cache.drop()
            return self._fail(tasks, error)
        return 0
