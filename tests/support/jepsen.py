"""Processes that trade in one shop while everything goes wrong, and the history that they leave.

In the manner of Jepsen: every attempt is written down before it is made and after it was answered,
in a file that a killed process leaves. Afterwards the histories are held against the log.
"""

import json
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from ledger.common.context import Receipt
from ledger.common.errors import LedgerError, Unavailable
from ledger.core.commands import Command
from ledger.log.clock import Clock
from ledger.log.store import ConnectionLost
from ledger.settings import Settings, open_ledger
from tests.support.builders import context, line, pay, place, record, sell
from tests.support.thorough import THOROUGH
from tests.support.waiting import in_thread

SPACE = UUID(int=0x6A65)
SKUS = ("SC-1", "SC-2", "SC-3")
"""Of each there are `PIECES`, which are soon sold: what follows is refused."""

PIECES = 25
THREADS = 3
PAUSE_S = 0.0 if THOROUGH else 0.02
"""How long a thread waits between two commands, so that other tests have a share of the machine."""
EVENTS = {"place": 1, "pay": 1, "record": 4, "sell": 1}
"""How many events each kind of command records."""

RECORDED, REFUSED, FAILED, UNKNOWN = "recorded", "refused", "failed", "unknown"


class Clocks:
    """The wall clock of all processes of a run, which one of them sets.

    Units: microseconds. `offset` is added to the right time; while `frozen` is not 0 the clock
    stands there.
    """

    def __init__(self, spawning: Any) -> None:
        self.offset = spawning.RawValue("q", 0)  # with a lock, whoever is killed would keep it
        self.frozen = spawning.RawValue("q", 0)

    def wall(self) -> int:
        """What the clock shows."""
        return int(self.frozen.value) or time.time_ns() // 1000 + int(self.offset.value)

    def clock(self) -> Clock:
        """The clock of a ledger that shows this time."""
        return Clock(wall=self.wall)


class Attempt(NamedTuple):
    """One attempt and what came of it; `unknown` where the process died before it was answered.

    Shapes: `positions` are those of the receipt, `head` the end of the log in it, `seen` the last
    end of the log that the process had heard of when it made the attempt. `by` is the thread, which
    makes one attempt after the other.
    """

    id: str
    kind: str
    body: str
    outcome: str = UNKNOWN
    code: str = ""
    positions: tuple[int, ...] = ()
    head: int = 0
    replayed: bool = False
    seen: int = 0
    by: str = ""


def command_of(kind: str, name: str) -> Command:
    """The command of a kind under a name; the same name makes the same command."""
    chance = random.Random(f"{kind} {name}")
    if kind == "place":
        return place(name)
    if kind == "pay":
        return pay(name)
    if kind == "record":
        return record(name)
    return sell(name, line(sku=chance.choice(SKUS)))


class History:
    """The history of one process, in a file of its own."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self.seen = 0

    def note(self, attempt: Attempt) -> None:
        """Add a line. It outlives the process, though not the machine."""
        with self._lock:
            self.seen = max(self.seen, attempt.head)
            os.write(self._file, json.dumps(attempt).encode() + b"\n")


def attempts(folder: Path) -> Iterator[Attempt]:
    """All attempts of a run, in the order of each process: those begun, then what came of them."""
    for path in sorted(folder.glob("*.history")):
        begun: dict[str, list[Attempt]] = defaultdict(list)
        for raw in path.read_bytes().split(b"\n"):
            with suppress(ValueError):  # the last line of a process that was killed in it
                found = Attempt(*json.loads(raw))
                found = found._replace(positions=tuple(found.positions))
                if found.outcome == "begun":
                    begun[found.id].append(found._replace(outcome=UNKNOWN))
                else:
                    begun[found.id].pop()
                    yield found
        for left in begun.values():
            yield from left


class _Trader:
    """One thread that trades: commands of its own, some that others send as well, and repeats."""

    def __init__(self, ledger: Any, history: History, name: str, others: str) -> None:
        self.ledger = ledger
        self.history = history
        self.name = name
        self.others = others
        self.chance = random.Random(name)
        self.placed: list[str] = []
        self.sent: list[tuple[str, str, str]] = []
        self.shared = 0

    def trade(self) -> None:
        """Send the next command, and again while nobody knows what came of it."""
        kind, body, id_ = self._next()
        for again in range(4):
            attempt = self._attempt(Attempt(id_, kind, body))
            if attempt.outcome == RECORDED:
                self.sent.append((kind, body, id_))
                if kind == "place" and not attempt.replayed:
                    self.placed.append(body)
            if attempt.outcome not in (UNKNOWN, FAILED):
                return
            time.sleep(0.02 * 2**again)

    def _next(self) -> tuple[str, str, str]:
        """Kind, name and id of the next command."""
        dice = self.chance.random()
        number = f"{self.name}-{len(self.sent)}-{self.chance.randrange(10**9)}"
        if dice < 0.1 and self.sent:
            return self.chance.choice(self.sent)
        if dice < 0.2:  # the same id from several processes, some of them with another body
            self.shared += 1
            body = f"{self.others}-{self.shared}{'x' * (self.chance.random() < 0.2)}"
            return "place", body, str(uuid5(SPACE, f"{self.others} {self.shared}"))
        kind = self.chance.choice(("place", "pay", "record", "sell"))
        if kind == "pay" and self.placed:
            number = self.placed.pop()  # else an order that does not exist: unknown
        return kind, number, str(uuid5(SPACE, f"{kind} {number}"))

    def _attempt(self, attempt: Attempt) -> Attempt:
        attempt = attempt._replace(seen=self.history.seen, by=self.name)
        self.history.note(attempt._replace(outcome="begun"))
        told = context(command_id=UUID(attempt.id), by_client=True)
        try:
            found = came_of(attempt, self.ledger.handle(
                command_of(attempt.kind, attempt.body), told))
        except LedgerError as error:
            found = came_of(attempt, error)
        self.history.note(found)
        return found


def came_of(attempt: Attempt, result: Receipt | LedgerError) -> Attempt:
    """An attempt with what it was answered."""
    if isinstance(result, Receipt):
        return attempt._replace(
            outcome=RECORDED, positions=tuple(result.positions), head=result.position,
            replayed=result.replayed)
    outcome = UNKNOWN if isinstance(result, ConnectionLost) else (
        FAILED if isinstance(result, Unavailable) else REFUSED)
    return attempt._replace(outcome=outcome, code=result.code)


def trade(
    settings: Settings, pipe: Connection, clocks: Clocks, folder: Path, name: str, others: str
) -> None:
    """Trade from several threads until a word comes through the pipe, or the end by force."""
    stopped = threading.Event()
    history = History(folder / f"{name}.history")
    while True:  # the database may be down, or the clock suspect, as it starts
        try:
            opened = open_ledger(settings, clock=clocks.clock())
            break
        except LedgerError:
            time.sleep(0.05)
    pipe.send("ready")

    def work(thread: int) -> None:
        trader = _Trader(opened.ledger, history, f"{name}-{thread}", others)
        while not stopped.is_set():
            trader.trade()
            time.sleep(PAUSE_S)

    threads = [in_thread(lambda n=n: work(n)) for n in range(THREADS)]
    pipe.recv()
    stopped.set()
    for thread in threads:
        thread.join()
    opened.close()
    pipe.send("done")


def by_id(found: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    """The attempts of each command id."""
    grouped: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in found:
        grouped[attempt.id].append(attempt)
    return grouped
