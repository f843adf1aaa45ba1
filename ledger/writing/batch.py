"""One transaction of the writer: what it stands on, and what it is going to record."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from ledger.log.envelope import Entry
from ledger.log.store import Head, Store, Writing
from ledger.writing.entries import Origin, check_times, entry_of, must_be_free, once_values
from ledger.writing.repeats import Repeats
from ledger.writing.tasks import Task

Took = Callable[[float], object]
"""Takes the seconds that a transaction took, from waiting for the head to its commit."""


@contextmanager
def transaction(store: Store, ledger: bytes, took: Took) -> Iterator[Writing]:
    """A transaction of a ledger's writer; `took` is called once it is committed. Errors: those
    of `Store.writing`."""
    begun = time.perf_counter()
    with store.writing(ledger) as writing:
        yield writing
    took(time.perf_counter() - begun)


class Batch(NamedTuple):
    """Where the log ends, what is known of the batch's commands, and the new entries."""

    head: Head
    wall: int
    writing: Writing
    repeats: Repeats
    entries: list[Entry]
    once: dict[str, int]

    @property
    def now(self) -> int:
        """The time of recording: later than that of any commit before this one."""
        return max(self.wall, self.head.recorded_at + 1)

    def take(self, task: Task, facts: list[Any]) -> None:
        """Add the entries of what a task's command led to.

        Errors: OccurredInFuture (R-LOG-10), OnceTaken (R-LOG-11).
        """
        check_times(facts, self.wall)
        ledger, position = self.writing.ledger, self.head.position + len(self.entries)
        once = once_values(facts, position)
        if once:
            must_be_free(once, {**self.writing.once(ledger, list(once)), **self.once})
        origin = Origin(ledger, self.now, task.key, task.request_hash, task.context)
        task.entries = [entry_of(fact, origin, position + seq, seq)
                        for seq, fact in enumerate(facts, 1)]
        if task.entries:
            self.entries.extend(task.entries)
            self.repeats.add(task)
            self.once.update(once)
