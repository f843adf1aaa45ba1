"""Idle connections cost nothing, and nothing that is sent waits for a wake-up that was lost."""

import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import pytest

from api.http.receiving import Channel
from tests.support.receiving import HOST, Running
from tests.support.waiting import eventually

GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
HOUR_S = 3600.0


@pytest.fixture
def patient() -> Iterator[Running]:
    """A server that looks at its connections only when it is woken, and never of its own accord."""
    found = Running(steps_s=HOUR_S)
    found.server.adj.cleanup_interval = HOUR_S
    found.server.next_channel_cleanup = time.time() + HOUR_S
    yield found
    found.stop()


class Client:
    """A connection that stays open."""

    def __init__(self, running: Running) -> None:
        self.raw = running.connect()
        self._file = self.raw.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.raw.close()

    def send(self, data: bytes = GET) -> None:
        """Send a request, or a part of one."""
        self.raw.sendall(data)

    def read(self) -> bytes:
        """The body of one answer."""
        length = 0
        while (line := self._file.readline()) != b"\r\n":
            assert line
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return self._file.read(length)

    def asks(self) -> bytes:
        """The body of the answer to a request."""
        self.send()
        return self.read()


def test_idle_connections__are_not_asked(
    patient: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = [0], Channel.readable

    def counting(channel: Channel) -> bool:
        asked[0] += 1
        return real(channel)

    with ExitStack() as held:
        for _ in range(40):
            held.enter_context(Client(patient)).asks()
        busy = held.enter_context(Client(patient))
        for _ in range(2):
            busy.asks()
        monkeypatch.setattr(Channel, "readable", counting)
        for _ in range(20):
            busy.asks()
    assert asked[0] < 20 * 10


def test_request__that_comes_while_one_is_worked_on_is_answered(patient: Running) -> None:
    """What comes early is not read at once, and not forgotten, however often."""
    with Client(patient) as client:
        for _ in range(20):
            patient.let_go.clear()
            patient.held.clear()
            client.send()
            assert patient.held.wait(10)
            client.send()
            time.sleep(0.002)
            patient.let_go.set()
            assert [client.read(), client.read()] == [b"nothing"] * 2


def test_client__that_goes_while_it_is_worked_for_is_let_go(patient: Running) -> None:
    patient.let_go.clear()
    with Client(patient) as client:
        client.send()
        assert patient.held.wait(10)
    patient.let_go.set()
    eventually(lambda: not patient.server.active_channels)
    with Client(patient) as another:  # which may have the same number of a file
        assert another.asks() == b"nothing"


def test_answer__that_the_client_takes_slowly_arrives_whole(patient: Running) -> None:
    patient.says = b"x" * 20_000_000
    with Client(patient) as client:
        client.send()
        time.sleep(0.1)  # until nothing more goes into the buffers between the two
        assert len(client.read()) == len(patient.says)
        patient.says = b"short"
        assert client.asks() == b"short"


class Step(NamedTuple):
    """A request: after how many bytes it pauses, how long, and whether others follow it before its
    answer is read."""

    cut: int
    pause_s: float
    is_early: bool


def answered(running: Running, steps: Iterable[Step]) -> int:
    """How many requests of a connection were answered."""
    count = early = 0
    with Client(running) as client:
        for step in steps:
            client.send(GET[:step.cut])
            time.sleep(step.pause_s)
            client.send(GET[step.cut:])
            early += 1
            if step.is_early and early < 4:
                continue
            count += sum(client.read() == b"nothing" for _ in range(early))
            early = 0
        return count + sum(client.read() == b"nothing" for _ in range(early))


@pytest.mark.parametrize("seed", range(3))
def test_requests__of_many_connections_are_all_answered(patient: Running, seed: int) -> None:
    """Whole, in pieces, early and one after the other."""
    chance = random.Random(seed)
    plans = [[Step(chance.randrange(len(GET)), chance.choice((0, 0, 0.002)), chance.random() < 0.3)
              for _ in range(40)] for _ in range(12)]
    with ThreadPoolExecutor(len(plans)) as pool:
        assert list(pool.map(partial(answered, patient), plans)) == [40] * len(plans)
