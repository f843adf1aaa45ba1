"""Processes of their own that decide deductions and close months."""

import os
from multiprocessing.connection import Connection

from ledger.common.errors import LedgerError
from ledger.settings import Settings, open_ledger
from tests.support.builders import context
from tests.support.team import CHEN, ZHOU, confirm, propose
from tests.support.waiting import in_thread


def obey(settings: Settings, pipe: Connection) -> None:
    """Handle what arrives, an actor and a command, and answer with the outcome; None ends it."""
    opened = open_ledger(settings)
    pipe.send("ready")
    while (asked := pipe.recv()) is not None:
        actor, command = asked
        try:
            opened.ledger.handle(command, context(actor=actor))
            pipe.send("accepted")
        except LedgerError as error:
            pipe.send(error.code)
    opened.close()


def confirm_all(settings: Settings, pipe: Connection, numbers: list[str], day: str) -> None:
    """Confirm deductions one after the other; answer with how many."""
    opened = open_ledger(settings)
    pipe.send("ready")
    pipe.recv()
    for number in numbers:
        opened.ledger.handle(confirm(number, day), context(actor=ZHOU))
    pipe.send(len(numbers))
    opened.close()


def confirm_until_killed(settings: Settings, pipe: Connection, run: int) -> None:
    """Propose and confirm from three threads for ever; write each confirmed number as a line."""
    opened = open_ledger(settings)
    pipe.send("ready")

    def work(thread: int) -> None:
        for count in range(1_000_000):
            number = f"{run}-{thread}-{count}"
            opened.ledger.handle(
                propose(number, "SHARED", about=f"order:{number}"), context(actor=CHEN))
            opened.ledger.handle(confirm(number, "2026-10-20"), context(actor=ZHOU))
            os.write(pipe.fileno(), f"{number}\n".encode())

    for thread in [in_thread(lambda n=n: work(n)) for n in range(3)]:
        thread.join(None)
