"""The ledger as an application: a command goes in, a receipt comes out, events lie in the log.

One writer thread per process and ledger takes what is queued, decides it in order on aggregates in
memory and commits it in one transaction. Nobody is answered before the commit. A command that is
refused fails alone; if the commit fails, everything that was decided on it is forgotten.
"""

import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from ledger import handlers
from ledger.aggregate import Aggregate
from ledger.clock import STREAM as CLOCK_STREAM
from ledger.clock import AcceptClock, ClockLog
from ledger.commands import Command
from ledger.errors import Conflict, LedgerError, Refused, Unavailable
from ledger.log import codec, merkle
from ledger.log.clock import Clock, ClockSuspect
from ledger.log.envelope import SALT_BYTES, Entry, leaf_hash, payload_hash
from ledger.log.persons import LedgerKeys
from ledger.log.store import Head, Reader, Store, Tile, Writing
from ledger.personal import Person, Personal, Plain, Sealer
from ledger.receipts import Context, Receipt
from ledger.values import from_us, to_us

MAX_COMMANDS = 500
"""Commands that one transaction takes at the most."""

MAX_DECIDING_S = 0.050
LINGER_S = 0.001
CACHED_AGGREGATES = 10_000
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


class _Work:
    """What the handlers of one batch see: aggregates as the commands before left them."""

    def __init__(self, ledger: "Ledger", reader: Reader, persons: dict[str, Person]) -> None:
        self.ledger = ledger
        self.reader = reader
        self.persons = persons
        self.sealer: Sealer = ledger.keys
        self.known: dict[str, Aggregate] = {}
        self.touched: dict[str, Aggregate] = {}

    def fetch(self, wanted: list[tuple[type[Aggregate], str]], cache: "_Cache | None") -> None:
        """Load what is not in the cache with one query."""
        missing: dict[str, type[Aggregate]] = {}
        for cls, stream in wanted:
            if stream in self.known or stream in missing:
                continue
            cached = None if cache is None else cache.get(stream)
            if cached is None:
                missing[stream] = cls
            else:
                self.known[stream] = cached
        if not missing:
            return
        loaded = {stream: cls.blank(stream) for stream, cls in missing.items()}
        for entry in self.reader.streams(self.ledger.name, list(missing)):
            codec.decode(entry).mutate(loaded[entry.stream])
        self.known.update(loaded)

    def load(self, cls: type[Any], stream: str) -> Any:
        """A copy of an aggregate that this command may change."""
        if stream not in self.touched:
            if stream not in self.known:
                self.fetch([(cls, stream)], None)
            self.touched[stream] = self.known[stream].clone().sealed_by(self.sealer)
        return self.touched[stream]

    def person(self, lookup: str) -> Person:
        """The person behind a lookup."""
        if lookup not in self.persons:
            self.persons.update(self.ledger.keys.resolve([lookup], self.ledger.clock.wall()))
        return self.persons[lookup]

    def person_by_id(self, person: str) -> Person:
        """A person who is known already."""
        return self.ledger.keys.by_id(person)

    def decide(self, command: Command) -> list[Aggregate]:
        """Run the handler of a command. What it changed has pending events."""
        self.touched = {}
        return handlers.find(type(command))(command, self)


class _Preview(_Work):
    """A work that leaves nothing behind: it makes no keys and seals nothing."""

    def __init__(self, ledger: "Ledger") -> None:
        super().__init__(ledger, ledger.store, {})
        self.sealer = _Unsealed(ledger.keys)

    def person(self, lookup: str) -> Person:
        return Person(lookup, b"")


class _Unsealed:
    """Lets a preview compare values that it has not sealed: they stand open in `n`, in memory."""

    def __init__(self, keys: LedgerKeys) -> None:
        self.keys = keys

    def seal(self, plain: Plain, stream: str, version: int, field: str) -> Personal:
        return Personal(plain.person.id, plain.value, "", "")

    def reveal(self, sealed: Personal, stream: str, version: int, field: str) -> str | None:
        return self.keys.reveal(sealed, stream, version, field) if sealed.c else sealed.n


class _Cache:
    """The aggregates that were touched last, true as of `position`."""

    def __init__(self) -> None:
        self.position = -1
        self._kept: OrderedDict[str, Aggregate] = OrderedDict()

    def get(self, stream: str) -> Aggregate | None:
        found = self._kept.get(stream)
        if found is not None:
            self._kept.move_to_end(stream)
        return found

    def keep(self, aggregates: dict[str, Aggregate], position: int) -> None:
        self._kept.update(aggregates)
        while len(self._kept) > CACHED_AGGREGATES:
            self._kept.popitem(last=False)
        self.position = position

    def catch_up(self, reader: Reader, ledger: str, position: int) -> None:
        """Forget what another process changed since."""
        if self.position == position:
            return
        if self.position < 0 or position - self.position > 1000:
            self._kept.clear()
        else:
            for entry in reader.read(ledger, after=self.position, limit=1000):
                self._kept.pop(entry.stream, None)
        self.position = position

    def drop(self) -> None:
        self.position = -1
        self._kept.clear()


class _Task:
    """A command on its way through the writer."""

    __slots__ = ("command", "command_id", "context", "done", "entries", "request_hash", "result")

    def __init__(self, command: Command, context: Context, request_hash: bytes,
                 done: Callable[[], None]) -> None:
        self.command = command
        self.context = context
        self.command_id = context.command_id or uuid4()
        self.request_hash = request_hash
        self.entries: list[Entry] = []
        self.result: Receipt | BaseException | None = None
        self.done = done


class _Batch(NamedTuple):
    """What the entries of one transaction grow from."""

    head: Head
    now: int
    frontier: list[bytes]
    entries: list[Entry]
    tiles: list[Tile]


class Ledger:
    """One ledger (tenant) on a store. Thread-safe; close it at the end."""

    def __init__(self, store: Store, keys: LedgerKeys, *, name: str = "main",
                 clock: Clock | None = None) -> None:
        self.store = store
        self.keys = keys
        self.name = name
        self.clock = clock or Clock()
        self._cache = _Cache()
        self._accepted = ClockLog.blank(CLOCK_STREAM)
        self._queue: deque[_Task] = deque()
        self._wakes = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    # -- reads ------------------------------------------------------------------------------------

    def head(self) -> Head:
        """Where the log ends."""
        return self.store.head(self.name)

    def mac(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA-256 under the ledger's secret: a digest that testifies to nothing by itself."""
        return self.keys.mac(purpose, data)

    def preview(self, items: Sequence[tuple[Command, Context]]) -> list[int | LedgerError]:
        """How many events each command would record now, or its refusal. Records nothing."""
        work = _Preview(self)
        work.fetch([s for command, _ in items for s in command.streams()], None)
        found: list[int | LedgerError] = []
        for command, _ in items:
            try:
                changed = work.decide(command)
            except LedgerError as error:
                found.append(error)
                continue
            found.append(sum(len(aggregate.collect_events()) for aggregate in changed))
            work.known.update(work.touched)
        return found

    # -- writes -----------------------------------------------------------------------------------

    def handle(self, command: Command, context: Context) -> Receipt:
        """Decide a command and record its events. Errors: those of its handler and of the log."""
        turn = threading.Lock()
        turn.acquire()
        task = self._task(command, context, turn.release)
        self._submit([task])
        turn.acquire()
        if isinstance(task.result, BaseException):
            raise task.result
        assert task.result is not None
        return task.result

    def handle_many(
        self, items: Sequence[tuple[Command, Context]]
    ) -> list[Receipt | LedgerError]:
        """Decide commands in order, each on what the ones before left, each failing alone.

        Errors: what is not about a single command (Unavailable, a bug) is raised; what was
        committed before it stays.
        """
        if not items:
            return []
        turn = threading.Lock()
        turn.acquire()
        tasks = [self._task(command, context, _nothing) for command, context in items]
        tasks[-1].done = turn.release
        self._submit(tasks)
        turn.acquire()
        results: list[Receipt | LedgerError] = []
        for task in tasks:
            result = task.result
            assert result is not None
            if not isinstance(result, Receipt | LedgerError) or isinstance(result, Unavailable):
                raise result
            results.append(result)
        return results

    def accept_clock(self, reason: str, context: Context) -> Receipt:
        """Take the clock as right although the guard suspects it, and record who said so."""
        wall, pinned = self.clock.accept(), self.head().recorded_at
        before = self._accepted
        self._accepted = self._clock_log()
        self._accepted.floor_us, self._accepted.pinned_us = wall, pinned
        try:
            return self.handle(
                AcceptClock(reason=reason, occurred_at=from_us(wall), floor_us=wall,
                            pinned_us=pinned), context)
        except BaseException:
            self._accepted = before
            raise

    def close(self) -> None:
        """Finish what is queued, then take no more. The store stays open."""
        with self._wakes:
            self._closed = True
            self._wakes.notify()
        if self._thread is not None:
            self._thread.join()

    def _task(self, command: Command, context: Context, done: Callable[[], None]) -> _Task:
        request = context.request
        if request is None:
            request = _encode(command)
        hashed = self.keys.mac("request", command.NAME.encode() + b"\0" + request)
        return _Task(command, context, hashed, done)

    def _submit(self, tasks: list[_Task]) -> None:
        with self._wakes:
            if self._closed:
                raise LedgerClosed
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=f"writer of {self.name}", daemon=True)
                self._thread.start()
            self._queue.extend(tasks)
            self._wakes.notify()

    # -- the writer -------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._wakes:
                while not self._queue:
                    if self._closed:
                        return
                    self._wakes.wait()
            self._linger()
            tasks = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_COMMANDS))]
            left = self._commit(tasks)
            if left:
                self._queue.extendleft(reversed(left))
            for task in tasks[: len(tasks) - len(left)]:
                task.done()

    def _linger(self) -> None:
        """Wait up to a millisecond while more callers come: one fsync then serves them all."""
        until = time.monotonic() + LINGER_S
        queued = 0
        while queued < len(self._queue) < MAX_COMMANDS and time.monotonic() < until:
            queued = len(self._queue)
            time.sleep(0.00005)

    def _commit(self, tasks: list[_Task]) -> list[_Task]:
        """Decide and commit tasks; those that time did not allow are returned."""
        try:
            lookups = [name for task in tasks for name in task.command.persons()]
            persons = self.keys.resolve(lookups, self.clock.wall()) if lookups else {}
            with self.store.writing(self.name) as writing:
                decided, changed = self._decide_all(tasks, writing, persons)
            if changed is not None:
                self._cache.keep(changed, self._cache.position)
            return tasks[decided:]
        except BaseException as error:  # whatever it is, somebody waits for the answer
            self._cache.drop()
            for task in tasks:
                task.result = error
            return []

    def _decide_all(
        self, tasks: list[_Task], writing: Writing, persons: dict[str, Person]
    ) -> tuple[int, dict[str, Aggregate]]:
        head = writing.head(self.name)
        self._cache.catch_up(writing, self.name, head.position)
        batch = _Batch(head, self._stamp(head), merkle.unpack(head.frontier), [], [])
        repeats = self._repeats(tasks, writing)
        work = _Work(self, writing, persons)
        work.fetch([s for task in tasks for s in task.command.streams()], self._cache)
        changed: dict[str, Aggregate] = {}
        until = time.monotonic() + MAX_DECIDING_S
        decided = 0
        for task in tasks:
            if decided and time.monotonic() > until:
                break
            decided += 1
            if task.command_id.bytes in repeats:
                task.result = self._repeated(task, repeats[task.command_id.bytes], head)
                continue
            try:
                task.entries = self._decide(task, work, batch, writing)
            except LedgerError as error:
                task.result = error
                continue
            touched = dict(work.touched)
            work.known.update(touched)
            changed.update(touched)
            if task.entries:
                repeats[task.command_id.bytes] = task.entries
        self._write(batch, writing)
        position = head.position + len(batch.entries)
        for task in tasks[:decided]:
            if task.result is None:
                task.result = _receipt(task, position)
        self._cache.position = position
        return decided, changed

    def _stamp(self, head: Head) -> int:
        pinned = head.recorded_at <= self._accepted.pinned_us
        floor = self._accepted.floor_us if pinned else head.recorded_at
        try:
            return max(self.clock.stamp(floor), head.recorded_at)
        except ClockSuspect:
            accepted = self._clock_log()
            if accepted.version == self._accepted.version:
                raise
            self._accepted = accepted
            self.clock.accept()
            return self._stamp(head)

    def _clock_log(self) -> ClockLog:
        log = ClockLog.blank(CLOCK_STREAM)
        for entry in self.store.streams(self.name, [CLOCK_STREAM]):
            codec.decode(entry).mutate(log)
        return log

    def _repeats(self, tasks: list[_Task], writing: Writing) -> dict[bytes, list[Entry]]:
        named = [t.command_id.bytes for t in tasks if t.context.command_id is not None]
        found: dict[bytes, list[Entry]] = {}
        for entry in writing.commands(self.name, named) if named else ():
            found.setdefault(entry.command_id, []).append(entry)
        return found

    def _repeated(self, task: _Task, entries: list[Entry], head: Head) -> Receipt | LedgerError:
        if entries[0].request_hash != task.request_hash:
            return CommandReused()
        task.entries = entries
        return _receipt(task, max(head.position, entries[-1].position))._replace(replayed=True)

    def _decide(
        self, task: _Task, work: _Work, batch: _Batch, writing: Writing
    ) -> list[Entry]:
        facts: list[Any] = [fact for aggregate in work.decide(task.command)
                 for fact in aggregate.collect_events()]
        ahead = batch.now + AHEAD_US
        once: list[str] = []
        for fact in facts:
            if to_us(fact.occurred_at) > ahead:
                raise OccurredInFuture(
                    stream=fact.originator_id, occurred_at=fact.occurred_at.isoformat(),
                    now=from_us(batch.now).isoformat())
            if (value := fact.__dict__.get("once")) is not None:
                once.append(value)
        if once:
            self._check_once(once, batch, writing)
        position = batch.head.position + len(batch.entries)
        entries = [self._entry(task, fact, position + seq, seq, batch.now)
                   for seq, fact in enumerate(facts, 1)]
        batch.entries.extend(entries)
        return entries

    def _check_once(self, once: list[str], batch: _Batch, writing: Writing) -> None:
        taken = writing.once(self.name, once)
        taken.update((e.once, e.position) for e in batch.entries if e.once in once)
        for value in once:
            if value in taken:
                raise OnceTaken(once=value, position=taken[value])
            taken[value] = batch.head.position + len(batch.entries) + 1

    def _entry(self, task: _Task, fact: Any, position: int, seq: int, now: int) -> Entry:
        context = task.context
        subjects = sorted({fact.originator_id, *fact.about(), *context.subjects},
                          key=lambda text: text.encode())
        source = context.source
        if printed := fact.__dict__.get("printed"):
            source = {**(source or {}), "printed": printed}
        salt = os.urandom(SALT_BYTES)
        payload = _encode(fact)
        command_id = task.command_id.bytes
        correlation = command_id if context.correlation is None else context.correlation.bytes
        entry = Entry(
            self.name, position, fact.originator_id, fact.originator_version, fact.TOPIC, now,
            to_us(fact.occurred_at), command_id, seq, task.request_hash, fact.__dict__.get("once"),
            context.actor, context.role, context.client, correlation, context.causation,
            _encode(subjects).decode(), None if source is None else _encode(source).decode(),
            payload, salt, payload_hash(salt, payload), b"")
        return entry._replace(leaf_hash=leaf_hash(entry, subjects))

    def _write(self, batch: _Batch, writing: Writing) -> None:
        if not batch.entries:
            return
        extend_tree(batch, writing, self.name)
        head = Head(batch.head.position + len(batch.entries), batch.now,
                    merkle.pack(batch.frontier), self.keys.id)
        writing.append(batch.entries, head, batch.tiles)


def extend_tree(batch: _Batch, writing: Writing, ledger: str) -> None:
    """Push the new leaves and collect the tiles that they complete."""
    size = batch.head.position
    for entry in batch.entries:
        merkle.push(batch.frontier, size, entry.leaf_hash)
        size += 1
    first, last = batch.head.position // merkle.TILE_LEAVES, size // merkle.TILE_LEAVES
    if first == last:
        return
    start = first * merkle.TILE_LEAVES
    older = writing.read(ledger, after=start, until=batch.head.position)
    leaves = [entry.leaf_hash for entry in (*older, *batch.entries)]
    for number in range(first, last):
        at = number * merkle.TILE_LEAVES - start
        batch.tiles.append(Tile(0, number, b"".join(leaves[at : at + merkle.TILE_LEAVES])))


def _receipt(task: _Task, position: int) -> Receipt:
    return Receipt(
        task.command_id,
        tuple(entry.position for entry in task.entries),
        {entry.stream: entry.version for entry in task.entries},
        position,
    )


def _nothing() -> None:
    """The answer that nobody waits for."""
