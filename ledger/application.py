"""The ledger as an application: a command goes in, its events are recorded, a receipt comes out."""

import getpass
from collections.abc import Sequence
from typing import Any

import msgspec

from ledger.common.context import Context, Receipt
from ledger.common.days import Days
from ledger.common.errors import LedgerError
from ledger.common.values import from_us
from ledger.core.accounts import AHEAD_US
from ledger.core.clock import AcceptClock
from ledger.core.commands import Command, Handlers
from ledger.handlers.table import HANDLERS
from ledger.log.beyond import head_at
from ledger.log.clock import Clock
from ledger.log.erasures import erased_by, erasures
from ledger.log.persons import LedgerKeys
from ledger.log.store import Head, Store
from ledger.log.zones import days_of
from ledger.writing.batch import Took
from ledger.writing.closing import Closing, NothingToClose
from ledger.writing.entries import OccurredInFuture
from ledger.writing.errors import (
    BrokenOff,
    CommandReused,
    LedgerClosed,
    OnceTaken,
    Overloaded,
    reason_of,
)
from ledger.writing.following import Reading
from ledger.writing.outcomes import COMMON
from ledger.writing.preview import Foreseen, Preview, foresee
from ledger.writing.repeats import Repeats
from ledger.writing.tasks import Task, Turn
from ledger.writing.writer import MAX_COMMANDS, Writer

__all__ = ["AHEAD_US", "BrokenOff", "CommandReused", "Ledger", "LedgerClosed", "OccurredInFuture",
           "OnceTaken", "Overloaded"]


def _own(command: Command) -> tuple[Any, str] | None:
    """The aggregate that a command is about, as it is loaded; None if it names none."""
    return next((key for key in command.streams() if key[1] == command.subject), None)


class Ledger:
    """One ledger (tenant) on a store: `id` is it, whatever it is called. Thread-safe; close it at
    the end. `took` is called with the seconds that each of its transactions took."""

    def __init__(self, store: Store, keys: LedgerKeys, *, name: str = "main",
                 clock: Clock | None = None, handlers: Handlers = HANDLERS,
                 took: Took = lambda _: None) -> None:
        self.store = store
        self.keys = keys
        self.name = name
        self.clock = clock or Clock()
        self.id = keys.ledger
        self._handlers = handlers
        self._reading = Reading(keys)
        self._writer = Writer(store, keys, self.clock, name, handlers=handlers, took=took)

    # -- reads ------------------------------------------------------------------------------------

    def head(self) -> Head:
        """Where the log ends."""
        return self.store.head(self.id)

    @property
    def days(self) -> Days:
        """Its days, which are those of its zone."""
        return days_of(self.store, self.id)

    @property
    def waiting(self) -> int:
        """How many commands wait for the writer."""
        return len(self._writer._queue)

    def keys_to_read(self) -> LedgerKeys:
        """The keys as of now, without those of whom the log says to be erased. Whoever opens sealed
        values takes them from here, once the log was read that it answers with.

        Errors: BadErasure (R-KEY-10), StorageFailed (R-LOG-04).
        """
        self._reading.catch_up(self.store)
        return self.keys

    def mac(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA-256 under the ledger's secret: a digest from which nobody can guess the data."""
        return self.keys.mac(purpose, data)

    def preview(self, items: Sequence[tuple[Command, Context]]) -> list[int | LedgerError]:
        """How many events each command would record now, or its refusal. Records nothing.

        A command that was recorded before would record nothing.
        """
        tasks = [Task(*item, None, Turn()) for item in items]
        repeats = Repeats(self.id, self.store, self.keys)
        repeats.look_up(task for task in tasks if task.context.command_id is not None)
        repeats.number(tasks)
        work = Preview(self.id, self.store, self.keys, handlers=self._handlers,
                       now=self.clock.wall())
        work.fetch([wanted for command, _ in items for wanted in command.streams()])
        found: list[int | LedgerError] = []
        for task in tasks:
            command, context = task.command, task.context
            if repeats.of(task):
                found.append(0)
                continue
            try:
                events = len(work.decide(command, context.actor))
                work.keep(events)
                found.append(events)
            except LedgerError as error:
                found.append(error)
        return found

    def foresee(
        self, items: Sequence[tuple[Command, Context]], position: int
    ) -> Foreseen:
        """The entries that commands would record, in a log that ends at a position. Nothing is
        written. Errors: those of `foresee`, with whatever refuses the first of them."""
        keys, head = self.keys_to_read(), head_at(self.store, self.id, position)
        return foresee(items, self.store, keys, handlers=self._handlers, head=head,
                       now=self.clock.wall())

    def suppose(
        self, items: Sequence[tuple[Command, Context]], view: Store, until: Head, now: int
    ) -> Foreseen:
        """The same in a log that is another one: `view` reads it, and may leave events out. Units:
        `now`, when it would be recorded, in microseconds since 1970. Errors: as `foresee`."""
        return foresee(items, view, self.keys_to_read(), handlers=self._handlers, head=until,
                       now=now, gaps=True)

    def erased(self) -> set[str]:
        """All persons whom the log says to be erased."""
        return {person for entry in erasures(self.store, self.id, self.head())
                for person in erased_by(entry)}

    def whose(self, commands: Sequence[Command]) -> list[str | None]:
        """The person whom what each command says is sealed for, as far as there is one."""
        work = Preview(self.id, self.store, self.keys, handlers=self._handlers)
        kinds = [command.written_for() or _own(command) for command in commands]
        work.fetch([key for key in kinds if key is not None])
        return [None if key is None else work.load(*key).whose() for key in kinds]

    def outdated(self, items: Sequence[tuple[Command, Context]]) -> list[bool]:
        """Whether each command is not on record, and says what was so before what is known."""
        tasks = [Task(*item, None, Turn()) for item in items]
        repeats = Repeats(self.id, self.store, self.keys)
        repeats.look_up(task for task in tasks if task.context.command_id is not None)
        repeats.number(tasks)
        kinds = [None if repeats.of(task) else _own(task.command) for task in tasks]
        work = Preview(self.id, self.store, self.keys, handlers=self._handlers)
        work.fetch([key for key in kinds if key is not None])
        return [key is not None and task.command.is_older_news(work.load(*key))
                for key, task in zip(kinds, tasks, strict=True)]

    # -- writes -----------------------------------------------------------------------------------

    def handle(self, command: Command, context: Context) -> Receipt:
        """Decide a command and record its events.

        Errors: those of its handler; R-LOG-03, R-LOG-04, R-LOG-08 to R-LOG-15, R-LOG-18, R-LDG-04,
        R-LDG-07, R-LDG-08, R-KEY-05.
        """
        (task,) = self._writer.run([(command, context)])
        if isinstance(task.result, Receipt):
            return task.result
        assert task.result is not None
        raise task.result

    def handle_many(
        self, items: Sequence[tuple[Command, Context]]
    ) -> list[Receipt | LedgerError]:
        """Decide commands in order, each on what the ones before left, each failing alone.

        They go in slices, so that other callers get their turn in between. Errors: what is not
        about a single command (the database, the ledger itself, a bug) is raised, and nothing after
        it is tried; BrokenOff (R-LOG-27) where others were decided before.
        """
        results: list[Receipt | LedgerError] = []
        for start in range(0, len(items), MAX_COMMANDS):
            for task in self._writer.run(items[start : start + MAX_COMMANDS]):
                result = task.result
                if isinstance(result, Receipt) or (
                    isinstance(result, LedgerError)
                    and not isinstance(result, (*COMMON, LedgerClosed))
                ):
                    results.append(result)
                    continue
                assert result is not None
                if not results or not isinstance(result, LedgerError):
                    raise result
                broken = BrokenOff(
                    count=len(items), decided=len(results), why=reason_of(result))
                broken.results = results
                raise broken from result
        return results

    def accept_clock(self, reason: str, context: Context) -> Receipt:
        """Accept the clock although the guard suspects it, and record who did."""
        wall = self.clock.wall()
        command = AcceptClock(reason=reason, occurred_at=from_us(wall), floor_us=wall,
                              pinned_us=self.head().recorded_at)
        filled = frozenset({"occurred_at", "floor_us", "pinned_us"})
        return self.handle(command, msgspec.structs.replace(context, filled=filled))

    def close_log(self, context: Context) -> Receipt | None:
        """Close what the log holds of its last day so far, and anchor the access ledger. None, and
        nothing is recorded, if nothing was since it was last closed, in either ledger."""
        head, wall, closing = self.head(), self.clock.wall(), Closing(self.id, self.name)
        command = closing.now(self.days.day_of(from_us(head.recorded_at)), wall, self.store)
        if command is None:
            raise NothingToClose(ledger=self.name)
        if closing.is_last(command, head, self.store):
            return None
        return self.handle(command, context)

    def must_be_writable(self) -> None:
        """Check that this writer is not one whose every commit is refused, whatever is sent.

        Errors: those of `Continuing.check`: R-LDG-01, R-LDG-02, R-LDG-04, R-LDG-07, R-LDG-08,
        R-KEY-05, R-VFY-02.
        """
        self._writer.continuing.check()

    @property
    def closed(self) -> bool:
        """Whether it takes no more commands: it was closed, or its writer's thread has died."""
        return self._writer.closed

    def close(self) -> None:
        """Finish what is queued, then take no more. The store stays open."""
        self._writer.close()


def default_actor(ledger: Ledger | LedgerKeys, login: str | None = None) -> str:
    """The actor on the command line without `--actor`: a pseudonym of the login.

    A login is often a person's name, and an actor never is one; the same login gives the same
    pseudonym in one ledger, and only someone with the ledger's secret can work out which.
    """
    name = login or getpass.getuser()
    return "cli:" + ledger.mac("actor", name.encode()).hex()[:16]
