"""Processes beside the server that answer questions about the past of everything.

Whoever folds a whole log again works for seconds, and one interpreter works for all threads of a
process: a till would wait at every statement. So the server hands such a question to a process of
its own, which reads the same log and the same read models, writes nothing, has no keys, and lets
everybody else go first where processors are short. It begins with the first such question, and ends
once nothing was asked for a while or the server is gone, however that ended.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection, Pipe
from typing import NamedTuple

from ledger.common.errors import LedgerError, Unavailable
from ledger.log.memory import MemoryStore
from ledger.log.store import Store
from ledger.settings import Settings
from projections.asking.answering import Report, replays
from projections.asking.giving_way import process
from projections.asking.past import turn
from projections.asking.questions import PRESENT, Answer, Question
from projections.catalogue import PROJECTIONS
from projections.reports import REPORTS
from projections.store.models import ReadModels

LONG = 32
"""Events from which on folding them is worth a process of its own."""

IDLE_S, ENDS_S = 600.0, 5.0
"""How long such a process waits for a question, and how long it has to end."""

CHUNK = 250
"""Rows that are sent at a time: taking them in is work of the server's own interpreter."""

NICE = 19


class Asked(NamedTuple):
    """What a process is asked."""

    ledger: str
    report: str
    question: Question


class PastNotFolded(Unavailable):
    """The process that answers questions about the past ended twice before it answered. Ask again
    in a moment, or about one order, case or SKU; the log of the server says why."""

    code = "past_not_folded"
    rule = "R-PRJ-36"


class Replayers:
    """The processes of a server: as many as there are questions at a time. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[Replayer] = []
        self._lock = threading.Lock()
        self._closed = False

    def answer(self, asked: Asked) -> Answer:
        """What a report answers. Errors: those of the report, PastNotFolded (R-PRJ-36)."""
        for _ in range(2):  # one that was idle may have just ended
            with self._lent() as one:
                try:
                    return one.answer(asked)
                except (EOFError, OSError):
                    one.end()
        raise PastNotFolded

    @contextmanager
    def _lent(self) -> Iterator["Replayer"]:
        with self._lock:
            one = self._idle.pop() if self._idle else None
        one = one or Replayer(self._settings)
        try:
            yield one
        except LedgerError:
            self._give_back(one)
            raise
        except BaseException:
            one.end()
            raise
        self._give_back(one)

    def _give_back(self, one: "Replayer") -> None:
        with self._lock:
            if not (self._closed or one.ended):
                self._idle.append(one)
                return
        one.end()

    def close(self) -> None:
        """End them."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for one in idle:
            one.end()


class Replayer:
    """One process, as the server holds it. One question at a time."""

    def __init__(self, settings: Settings) -> None:
        self._pipe, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        with suppress(OSError):  # if it has ended, the first question says so
            self._pipe.send(settings)
        self.ended = False

    def answer(self, asked: Asked) -> Answer:
        """What it answers. Errors: those of the report; EOFError or OSError if it has ended."""
        self._pipe.send(asked)
        first = self._pipe.recv()
        if isinstance(first, Exception):
            raise first
        answer: Answer = first
        while chunk := self._pipe.recv():
            answer.rows.extend(chunk)
            process.wait()
        return answer

    def end(self) -> None:
        """End it, in whatever it does."""
        if not self.ended:
            self.ended = True
            self._pipe.close()
            self._process.terminate()
            try:
                self._process.wait(ENDS_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def beside(replayers: Replayers, store: Store, name: str) -> Report:
    """A report by its name, which answers questions about a long past in a process beside this
    one. What is in memory is in no other process."""
    report = REPORTS[name]
    if isinstance(store, MemoryStore):
        return report

    def answer(models: ReadModels, ledger: str, question: Question = PRESENT) -> Answer:
        if not replays(report, question):
            return report(models, ledger, question)
        position = question.as_of.resolve(models.store, ledger).position
        if position < LONG:
            return report(models, ledger, question)
        with turn(position):
            return replayers.answer(Asked(ledger, name, question))

    return answer


# -- the process itself ---------------------------------------------------------------------------


def serve(pipe: Connection) -> None:
    """Answer what comes through a pipe, until nothing does any more."""
    settings: Settings = pipe.recv()
    with (closing(settings.open_store(prepare=False)) as store,
          closing(ReadModels(store, PROJECTIONS)) as models):
        while pipe.poll(IDLE_S):
            _answer(pipe, models, pipe.recv())


def _answer(pipe: Connection, models: ReadModels, asked: Asked) -> None:
    try:
        answer = REPORTS[asked.report](models, asked.ledger, asked.question)
    except LedgerError as error:
        pipe.send(error)
        return
    pipe.send(answer._replace(rows=[]))
    for at in range(0, len(answer.rows), CHUNK):
        pipe.send(answer.rows[at : at + CHUNK])
    pipe.send([])


def main() -> None:
    """Serve the pipe whose number is the argument. The server says when it is time to end: Ctrl-C,
    which goes to both, does not. Whatever ends it, its temporary tables go with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    with suppress(OSError):  # where the system forbids that
        os.nice(NICE)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
