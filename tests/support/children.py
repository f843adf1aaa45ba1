"""Processes of their own: what they run, and how a test starts them."""

import json
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from ledger.common.context import Receipt
from ledger.common.errors import LedgerError
from ledger.common.personal import Personal
from ledger.common.values import from_us
from ledger.core.accounts import touch_of
from ledger.log import rotating
from ledger.log.keys_database import KeysDatabase
from ledger.log.verify import verify_with_access
from ledger.settings import Settings, open_copy, open_ledger
from ledger.stock.account import StockAccount
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.places import stock_of
from tests.support.builders import HOUSE, end, line, received, sell
from tests.support.envelopes import CONTEXT, named
from tests.support.jars import HANDLERS, adding, filling, opening
from tests.support.waiting import in_thread

SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["tests.support.children"])
"""Each child is a fork of a process that has imported everything and opened nothing."""


NOBODY = 65534
"""The user who owns nothing."""


class Child:
    """A child process with a pipe to talk through."""

    def __init__(self, work: Callable[..., None], settings: Settings, *arguments: Any) -> None:
        self.pipe, theirs = SPAWN.Pipe()
        self.process: BaseProcess = SPAWN.Process(
            target=work, args=(settings, theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()

    def hear(self, timeout_s: float = 60) -> Any:
        """What it says next."""
        assert self.pipe.poll(timeout_s), "the child says nothing"
        return self.pipe.recv()

    def say(self, word: Any) -> None:
        """Send it something."""
        self.pipe.send(word)

    def end(self) -> int | None:
        """Wait until it has ended. Returns its exit code."""
        self.process.join(60)
        return self.process.exitcode


def race(settings: Settings, pipe: Connection, seed: int, jars: int) -> None:
    """Open and fill all jars in an order of its own, from three threads; send what came of it."""
    opened = open_ledger(settings, handlers=HANDLERS)
    pipe.send("ready")
    pipe.recv()

    def work(thread: int) -> Counter[str]:
        numbers, outcomes = list(range(jars)), Counter[str]()
        random.Random(f"{seed}-{thread}").shuffle(numbers)
        for number in numbers:
            for command in (opening(number, owner=f"主人{number}"), adding(number)):
                try:
                    receipt = opened.ledger.handle(command, CONTEXT)
                    outcomes[type(command).__name__] += len(receipt.positions)
                except LedgerError as error:
                    outcomes[error.code] += 1
        return outcomes

    threads = [in_thread(lambda n=n: work(n)) for n in range(3)]
    for thread in threads:
        thread.join()
    pipe.send(sum((thread.result for thread in threads), Counter()))
    opened.close()


def repeat(settings: Settings, pipe: Connection) -> None:
    """Send the command of `named(1)` again."""
    opened = open_ledger(settings, handlers=HANDLERS)
    pipe.send(opened.ledger.handle(filling(), named(1)))
    opened.close()


def append_until_killed(settings: Settings, pipe: Connection, run: int) -> None:
    """Fill jars from four threads for ever; write each acknowledged number as a line."""
    opened = open_ledger(settings, handlers=HANDLERS)
    pipe.send("ready")

    def work(thread: int) -> None:
        for count in range(1_000_000):
            number = f"{run}-{thread}-{count}"
            opened.ledger.handle(filling(number, owner="主人"), CONTEXT)
            os.write(pipe.fileno(), f"{number}\n".encode())

    for thread in [in_thread(lambda n=n: work(n)) for n in range(4)]:
        thread.join(None)


def write_until_stopped(settings: Settings, pipe: Connection, own: int) -> None:
    """Fill jars, four events each, until something is heard; send how many events it recorded."""
    opened, recorded = open_ledger(settings, handlers=HANDLERS), 0
    pipe.send("ready")
    while not pipe.poll():
        receipts = opened.ledger.handle_many([
            (filling(f"{own}-{recorded}-{number}", owner="主人"), CONTEXT) for number in range(20)])
        recorded += sum(len(receipt.positions) for receipt in receipts
                        if isinstance(receipt, Receipt))
    pipe.send(recorded)
    opened.close()


def verify_as_nobody(settings: Settings, pipe: Connection, path: Path) -> None:
    """Verify a copy as a user who may write nothing; send what was found."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    store = open_copy(path, "main")
    pipe.send(verify_with_access(store, "main"))
    store.close()


def buy(settings: Settings, pipe: Connection, start: int, buyers: int) -> None:
    """Let so many buyers each want one piece at once; send what came of it."""
    opened = open_ledger(settings)
    pipe.send("ready")
    pipe.recv()

    def one(number: int) -> str:
        try:
            opened.ledger.handle(sell(number), CONTEXT)
        except LedgerError as error:
            return error.code
        return "sold"

    threads = [in_thread(lambda n=n: one(n)) for n in range(start, start + buyers)]
    for thread in threads:
        thread.join()
    pipe.send(Counter(thread.result for thread in threads))
    opened.close()


def trade(settings: Settings, pipe: Connection, seed: int, steps: int) -> None:
    """Do this and that with one SKU. After each step, compare what this process has in memory of
    its stock with what the log makes of it up to where this process has seen it; send how often
    the two were compared, and where they differed."""
    opened = open_ledger(settings)
    chance, account = random.Random(seed), stock_of(HOUSE, "SH-001")
    pipe.send("ready")
    pipe.recv()
    compared, stale = 0, []
    for step in range(steps):
        number = f"{seed}-{step}"
        command = chance.choice((
            sell(number, line(quantity=chance.randint(1, 3))),
            received(quantity=chance.randint(1, 3)), end(f"{seed}-{chance.randint(0, step)}",
                                                         "cancelled"),
            CountStock(warehouse=HOUSE, occurred_at=from_us(opened.ledger.clock.wall()), counts=[
                CountLine(sku="SH-001", quantity=chance.randint(3, 9))])))
        with suppress(LedgerError):
            opened.ledger.handle(command, CONTEXT)
        cache = opened.ledger._writer._cache
        live, head = cache.get(StockAccount, account), cache.head
        if live is not None and head is not None:
            found = StockAccount.blank(account)
            for entry in opened.store.accounts("main", [account], until=head.position):
                found.take(touch_of(entry).by_account()[account])
            compared += 1
            stale += [] if found == live else [head.position]
    pipe.send((compared, stale))
    opened.close()


def open_jar_as(settings: Settings, pipe: Connection, program: str, number: int) -> None:
    """Open a jar as another version of the program; send the positions of its receipt."""
    opened = open_ledger(settings, handlers=HANDLERS)
    opened.ledger._writer.continuing.program = program
    pipe.send(opened.ledger.handle(opening(number), CONTEXT).positions)
    opened.close()


def rotate_and_die(settings: Settings, pipe: Connection, name: str, after: bool) -> None:
    """Change the master key, and be killed before or after the first call of this name."""
    owner: Any = {"note_next": KeysDatabase, "wrap_anew": KeysDatabase, "unlink": Path,
                  "fchmod": os, "replace": os}.get(name, rotating)
    real = getattr(owner, name)

    def killed(*given: Any, **more: Any) -> None:
        if after:
            real(*given, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    keys = settings.open_keys()
    setattr(owner, name, killed)
    rotating.rotate(keys)


def go_on_with_keys(settings: Settings, pipe: Connection, name: str) -> None:
    """Open jars of people who are new, one for each number that comes; send who was known there."""
    opened = open_ledger(settings, handlers=HANDLERS)
    pipe.send("ready")
    while (number := pipe.recv()) is not None:
        opened.ledger.handle(opening(number, owner=f"{name}{number}"), CONTEXT)
        keys = opened.ledger.keys
        keys.forget_opened()
        pipe.send([keys.reveal(Personal(**json.loads(entry.payload)["owner"]),
                               entry.stream, entry.version, "/owner")
                   for entry in opened.store.read("main") if b'"owner":{' in entry.payload])
    opened.close()
