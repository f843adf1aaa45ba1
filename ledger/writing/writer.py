"""The one writer of a ledger in a process: it takes what is queued, decides it and commits it.

Nobody is answered before the commit. A command that is refused fails alone; if a commit fails, all
that was decided in it is forgotten. A command whose handler has a bug would fail its whole batch,
so the batch is halved until that command is alone, and the others succeed.

Refusals are recorded in a transaction of their own, after the batch's other callers have been
answered: when nothing else waits, or within 50 ms. Only then is the refused caller answered,
whether or not the refusal could be recorded.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from ledger.common.context import Context, Receipt
from ledger.common.errors import LedgerError, Refused
from ledger.core.clock import AcceptClock, CloseLog
from ledger.core.commands import Command, Handlers
from ledger.log.append import append
from ledger.log.clock import Clock
from ledger.log.erasures import ERASED
from ledger.log.persons import LedgerKeys
from ledger.log.store import ConnectionLost, Forked, Head, LogConflict, Store, Writing
from ledger.writing import outcomes
from ledger.writing.balances import keep_balances
from ledger.writing.batch import Batch, Took, transaction
from ledger.writing.cache import Cache
from ledger.writing.clock_guard import ClockGuard
from ledger.writing.closing import Closing
from ledger.writing.continuing import Continuing
from ledger.writing.entries import SYSTEM
from ledger.writing.errors import LedgerClosed, Overloaded
from ledger.writing.following import Following
from ledger.writing.refusals import Count, Refusal, Tally, done, entries_of
from ledger.writing.repeats import is_same
from ledger.writing.requests import request_hash
from ledger.writing.tasks import Task, Turn
from ledger.writing.work import Work

MAX_COMMANDS = 500
"""The most commands that one transaction takes."""

MAX_WAITING = 10_000
"""Commands that may wait: a few seconds' work. Further callers would give up before their turn."""

MAX_DECIDING_S = 0.050
"""How long one transaction may decide: it holds the head, and other processes wait for it."""

MAX_UNRECORDED_S = 0.050  # how long a refusal may wait while accepted commands keep coming
LINGER_S = 0.001  # how long a batch waits for more callers


class Writer:
    """Writes one ledger, from a thread of its own that starts with the first command."""

    def __init__(
        self, store: Store, keys: LedgerKeys, clock: Clock, name: str, *, handlers: Handlers,
        took: Took,
    ) -> None:
        self.handlers, self._took = handlers, took
        self.store = store
        self.keys = keys
        self.name = name
        self.id = keys.ledger
        self.guard = ClockGuard(clock, self.id)
        self._cache = Cache()
        self._closing = Closing(self.id, name)
        self.continuing = Continuing(store, keys, name)
        self._following = Following(keys)
        self._queue: deque[Task] = deque()
        self._taken: list[Task] = []
        self._batch_limit = MAX_COMMANDS
        self._refused: list[Task] = []
        self._record_by = 0.0
        self._tally = Tally()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self.closed = False

    # -- callers ----------------------------------------------------------------------------------

    def run(self, items: Sequence[tuple[Command, Context]]) -> list[Task]:
        """Submit commands, to be decided in order, and wait until all are answered.

        Errors: LedgerClosed (R-LOG-12), Forked (R-LOG-15), Overloaded (R-LOG-18).
        """
        turn = Turn()
        tasks = [self._task(*item, turn) for item in items]
        tasks[-1].last = True
        self._submit(tasks)
        turn.wait()
        return tasks

    def close(self) -> None:
        """Finish what is queued, then take no more."""
        if os.getpid() != self._process:
            return
        with self._wake:
            self.closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _task(self, command: Command, context: Context, turn: Turn) -> Task:
        hashed = (request_hash(self.keys.mac, command, context.filled) if context.by_client
                  else None)
        return Task(command, context, hashed, turn)

    def _submit(self, tasks: list[Task]) -> None:
        if os.getpid() != self._process:
            raise Forked  # the thread exists in the parent only: nobody would ever answer here
        if threading.current_thread() is self._thread:
            raise RuntimeError("a handler must not send commands: it would wait for itself")
        with self._wake:
            if self.closed:
                raise LedgerClosed
            if len(self._queue) >= MAX_WAITING:
                raise Overloaded(waiting=len(self._queue))
            if self._thread is None:
                thread = threading.Thread(
                    target=self._run, name=f"writer of {self.name}", daemon=True)
                thread.start()
                self._thread = thread
            self._queue.extend(tasks)
            self._wake.notify()

    # -- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._wait():
                if self._queue:
                    self._serve()
                if self._must_record():
                    self._record_refusals()
            self._record_refusals(closing=True)
        finally:
            with self._wake:
                self.closed = True
            outcomes.end(self.keys, self._taken, self._queue, self._refused)

    def _wait(self) -> bool:
        """Wait for something to do. Returns false once the ledger is closed and the queue empty."""
        with self._wake:
            while not self._queue and not self.closed:
                due_at, timeout_s = self._tally.due_at, None
                if due_at is not None:
                    timeout_s = (due_at - self.guard.clock.wall()) / 1e6
                    if timeout_s <= 0:
                        return True
                self._wake.wait(timeout_s)
            return bool(self._queue)

    def _serve(self) -> None:
        """Decide, commit and answer what waits."""
        self._linger()
        self._taken = self._take()
        answered = self._commit(self._taken)
        self._queue.extendleft(reversed(self._taken[answered:]))
        self._answer(self._taken[:answered])
        self._taken = []

    def _linger(self) -> None:
        """Wait up to a millisecond while more callers arrive: one fsync then serves them all."""
        until = time.monotonic() + LINGER_S
        queued = 0
        while queued < len(self._queue) < self._batch_limit and time.monotonic() < until:
            queued = len(self._queue)
            time.sleep(0.00005)

    def _take(self) -> list[Task]:
        """The next tasks. An `AcceptClock` is a batch of its own: what comes before it is
        still judged by the suspect clock, what comes after it no longer."""
        tasks: list[Task] = []
        while self._queue and len(tasks) < self._batch_limit:
            if isinstance(self._queue[0].command, AcceptClock):
                return tasks or [self._queue.popleft()]
            tasks.append(self._queue.popleft())
        return tasks

    def _answer(self, tasks: list[Task]) -> None:
        """Let callers go on, except those whose refusal is to be recorded first."""
        for task in tasks:
            outcomes.settle(task, self.keys)
            if isinstance(task.result, Refused) and task.command.REFUSALS_KEPT:
                if not self._refused:
                    self._record_by = time.monotonic() + MAX_UNRECORDED_S
                self._refused.append(task)
                task.turn.pending += 1
            if task.last:
                task.turn.settle()

    def _commit(self, tasks: list[Task]) -> int:
        """Decide and commit tasks. Returns how many of them, from the first, are answered."""
        at_commit = False
        try:
            work = Work(self.id, self.store, self.keys, self.guard.clock.wall(),
                        handlers=self.handlers, cache=self._cache)
            if lookups := [lookup for task in tasks for lookup in task.command.persons()]:
                work.resolve(lookups)
            with transaction(self.store, self.id, self._took) as writing:
                work, batch, decided = self._decided(tasks, work, writing)
                head = batch.head
                if batch.entries:
                    head = append(writing, head._replace(keys_id=self.keys.id), batch.entries)
                    keep_balances(work.news.values(), batch, self.keys)
                    at_commit = True
                for task in tasks[:decided]:
                    task.sent = at_commit
        except BaseException as error:  # whatever it is, somebody waits for the answer
            self._cache.drop()
            doubt = outcomes.doubt_of(error, at_commit=at_commit)
            return self._answer_or_retry(tasks, doubt or error, doubt)
        last = batch.entries[-1] if batch.entries else None
        for task in tasks[:decided]:
            if task.result is None:
                task.result = task.receipt(head.position, last)
        self._cache.keep(work.news, head, batch.entries)
        self._following.committed(head, batch.entries)
        self._note_pace(len(tasks), decided)
        self._accept_clock(tasks[0], head)
        return decided

    def _note_pace(self, taken: int, decided: int) -> None:
        """Take no more next time than can be decided: what is looked up for the others is looked up
        again. So the limit follows what time allowed, and grows by a quarter while that is more."""
        self._batch_limit = decided if decided < taken else min(
            MAX_COMMANDS, self._batch_limit + self._batch_limit // 4 + 1)

    def _answer_or_retry(
        self, tasks: list[Task], error: BaseException, doubt: ConnectionLost | None
    ) -> int:
        """Answer tasks whose commit failed, or have them tried again. Returns how many it answered.

        A lost connection may have committed the batch, and a conflict may be gone: all tasks are
        tried once more, now looked up by their ids; until then they are in doubt. A database that
        fails or does not fit is nobody's fault: all get that error, and so do later tasks of the
        same callers, which may build on these. Anything else is a bug that one command meets: see
        the module's docstring. The limit grows again with every commit.
        """
        again = (doubt or isinstance(error, LogConflict)) and not any(t.tried for t in tasks)
        for task in tasks:
            task.in_doubt = task.in_doubt if task.recorded else doubt or task.in_doubt
            task.tried = task.tried or bool(again)
        if again:
            return 0
        common = isinstance(error, outcomes.COMMON)
        if len(tasks) > 1 and not common:
            self._batch_limit = len(tasks) // 2
            return 0
        for task in tasks:
            task.result = outcomes.copy_of(error)
            if common:
                task.turn.failed = error
        return len(tasks)

    def _accept_clock(self, task: Task, head: Head) -> None:
        if isinstance(task.command, AcceptClock) and isinstance(task.result, Receipt) \
                and not task.result.replayed:
            self.guard.accept(task.command, head)

    # -- a batch ----------------------------------------------------------------------------------

    def _open(self, tasks: list[Task], work: Work, writing: Writing) -> Batch:
        head = self._head(work, writing)
        repeats = outcomes.look_up(tasks, writing, self.id, self.keys)
        first = tasks[0].command if tasks else None
        wall = (self.guard.stamp_acceptance(first, head) if isinstance(first, AcceptClock)
                else self.guard.stamp(head, writing))
        batch = Batch(head, wall, writing, repeats, [], {})
        continued = self.continuing.due(
            self._cache.own(writing, self.id, self.name), head, batch.now, writing)
        if continued is not None:
            batch.entries.append(continued)
            work.keep(1)
        closing = self._closing.due(head, batch.now, writing)
        if closing is not None and not isinstance(first, CloseLog):
            self._decide(Task(closing, SYSTEM, None, Turn()), work, batch)
        return batch

    def _head(self, work: Work, writing: Writing) -> Head:
        """The head; from here on the cache, the keys and the persons are current as of it."""
        head = writing.head(self.id)
        self.keys.must_fit(head.keys_id)
        since = self._cache.catch_up(writing, self.id, head)
        work.base = head.position
        if self._following.catch_up(writing, head, since):
            work.look_up_again()
        return head

    def _decided(
        self, tasks: list[Task], work: Work, writing: Writing
    ) -> tuple[Work, Batch, int]:
        """Decide tasks, and make the keys that their events are sealed with durable.

        If the keys cannot be written, only those fail that need a new one.
        """
        work.reader = writing
        batch = self._open(tasks, work, writing)
        decided = self._decide_all(tasks, work, batch)
        if why := work.make_persons():
            work = work.again_without_new_persons(why)
            batch = self._open(tasks, work, writing)
            decided = self._decide_all(tasks, work, batch)
        return work, batch, decided

    def _decide_all(self, tasks: list[Task], work: Work, batch: Batch) -> int:
        """Decide tasks in order, as many as time allows, and none after one that erases somebody,
        whose key is destroyed first. Returns how many."""
        work.fetch([wanted for task in tasks for wanted in task.command.streams()])
        until = time.monotonic() + MAX_DECIDING_S
        for decided, task in enumerate(tasks):
            if decided and time.monotonic() > until:
                return decided
            task.entries, task.result = [], None if task.recorded else task.turn.failed
            if task.result is None:
                try:
                    self._decide(task, work, batch)
                except LedgerError as error:
                    task.result = error.with_traceback(None)  # it would keep the batch alive
            if any(entry.type == ERASED for entry in task.entries):
                return decided + 1
        return len(tasks)

    def _decide(self, task: Task, work: Work, batch: Batch) -> None:
        batch.repeats.number([task])
        if recorded := batch.repeats.of(task):
            task.entries = recorded
            if not is_same(task, recorded, self.keys):
                raise outcomes.another(recorded, batch.writing, self.id)
            task.left_out = batch.repeats.left_out(task)
            position = max(batch.head.position, task.entries[-1].position)
            task.result = task.receipt(position)._replace(replayed=True)
            return
        facts = work.decide(task.command, task.context.actor)
        task.left_out = work.left_out
        if not facts and task.context.by_client:
            facts = done(task, work)
        batch.take(task, facts)
        work.keep(len(task.entries))

    # -- refusals ---------------------------------------------------------------------------------

    def _must_record(self) -> bool:
        """Whether to record refusals now: while commands wait, only if many or for too long."""
        if self._refused:
            return (not self._queue or len(self._refused) >= MAX_COMMANDS
                    or time.monotonic() > self._record_by)
        due_at = self._tally.due_at
        return due_at is not None and self.guard.clock.wall() >= due_at

    def _record_refusals(self, *, closing: bool = False) -> None:
        """Put refusals on record, then answer their callers, whether or not that worked."""
        refused = self._refused
        try:
            now = self.guard.clock.wall()
            refusals = [Refusal(task, now) for task in refused]
            records = self._tally.take(refusals, now, closing)
            written = self._commit_records(records, again=self._tally.in_doubt)
            self._tally.settle(records, written, now)
        finally:
            for task in refused:
                task.turn.settle()
            self._refused = []

    def _commit_records(
        self, records: list[Refusal | Count], *, again: bool = False, retry: bool = True
    ) -> set[UUID] | None:
        """Commit records, looked up first if they are tried `again`. Returns the ids of those that
        are in the log; None: nobody knows."""
        if not records:
            return set()
        at_commit = False
        try:
            with transaction(self.store, self.id, self._took) as writing:
                work = Work(self.id, writing, self.keys, self.guard.clock.wall(),
                            handlers=self.handlers)
                batch = self._open([], work, writing)
                ids = [record.entry_id.bytes for record in records] if again else []
                known = {entry.command_id for entry in writing.commands(self.id, ids)}
                new = [record for record in records if record.entry_id.bytes not in known]
                work.now = batch.wall
                entries = [*batch.entries, *entries_of(new, work, batch.head, len(batch.entries))]
                head = append(writing, batch.head._replace(keys_id=self.keys.id), entries)
                at_commit = bool(entries)
        except BaseException as error:  # whatever it is, the callers get their refusals
            self._cache.drop()
            doubt = outcomes.doubt_of(error, at_commit=at_commit)
            if retry and (doubt or isinstance(error, LogConflict)):
                found = self._commit_records(records, again=True, retry=False)
                return found if found or not doubt else None
            return None if doubt else set()
        self._cache.keep({}, head, entries)
        self._following.committed(head, entries)
        return {UUID(bytes=key) for key in known.union(entry.command_id for entry in entries)}
