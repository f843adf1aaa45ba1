"""Commands that many callers send at the same time, as the writer takes them: in one batch."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ledger.application import Ledger
from ledger.core.commands import Command
from tests.support.envelopes import CONTEXT
from tests.support.waiting import eventually, in_thread


@contextmanager
def paused(ledger: Ledger) -> Iterator[None]:
    """Hold the writer, so that what is sent meanwhile becomes one batch."""
    holds, go = threading.Event(), threading.Event()

    def hold() -> None:
        with ledger.store.writing(ledger.name):
            holds.set()
            go.wait(30)

    holding = in_thread(hold)
    assert holds.wait(10)
    try:
        yield
    finally:
        go.set()
        holding.join()


def outcomes(ledger: Ledger, *commands: Command) -> list[Any]:
    """What comes of commands that many callers send at the same time, as one batch."""

    def call(command: Command) -> Any:
        try:
            return ledger.handle(command, CONTEXT)
        except Exception as error:
            return error

    with paused(ledger):
        threads = []
        for number, command in enumerate(commands, 1):
            threads.append(in_thread(lambda command=command: call(command)))
            eventually(lambda number=number: waiting(ledger) >= number)
    for thread in threads:
        thread.join()
    return [thread.result for thread in threads]


def waiting(ledger: Ledger) -> int:
    """How many commands the writer holds or has before it."""
    return len(ledger._writer._queue) + len(ledger._writer._taken)
