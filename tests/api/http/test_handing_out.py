"""Few requests are worked on at a time, and none waits for one that takes long or waits itself."""

import threading
from collections.abc import Callable, Iterator

import pytest

from api.http.handing_out import ENOUGH, HandingOut
from tests.support.waiting import eventually


class Task:
    """A request: what it does, and whether it has begun and ended."""

    def __init__(self, does: Callable[[], object] = lambda: None) -> None:
        self.does, self.begun, self.ended = does, threading.Event(), threading.Event()

    def service(self) -> None:
        self.begun.set()
        self.does()
        self.ended.set()

    def cancel(self) -> None:
        """Nobody waits for it."""


@pytest.fixture
def out(monkeypatch: pytest.MonkeyPatch) -> Iterator[HandingOut]:
    """One at a time, of four threads, with much patience."""
    monkeypatch.setattr("api.http.handing_out.PATIENCE_S", 30)
    found = HandingOut(4, 1)
    yield found
    found.shutdown(timeout=1)


@pytest.fixture
def go() -> Iterator[threading.Event]:
    """What a request waits for."""
    found = threading.Event()
    yield found
    found.set()


def handed(out: HandingOut, *tasks: Task) -> None:
    """Hand out tasks."""
    for task in tasks:
        out.add_task(task)


def test_request__begins_when_the_one_before_has_ended(
    out: HandingOut, go: threading.Event
) -> None:
    first, second = Task(go.wait), Task()
    handed(out, first)
    assert first.begun.wait(10)
    handed(out, second)
    assert not second.begun.wait(0.05)
    go.set()
    assert second.ended.wait(10)


def test_request__begins_while_the_one_before_waits(out: HandingOut, go: threading.Event) -> None:
    def does() -> None:
        out.begin_wait()
        go.wait(10)
        out.end_wait()

    first, others = Task(does), [Task() for _ in range(20)]
    handed(out, first, *others)
    assert all(one.ended.wait(10) for one in others)
    assert not first.ended.is_set()
    go.set()
    assert first.ended.wait(10)
    handed(out, last := Task())
    assert last.ended.wait(10)


def test_request__begins_while_others_take_long(
    out: HandingOut, go: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.handing_out.PATIENCE_S", 0.001)
    long, short = [Task(go.wait) for _ in range(3)], [Task() for _ in range(20)]
    handed(out, *long, *short)
    assert all(one.ended.wait(10) for one in short)
    assert not any(one.ended.is_set() for one in long)
    go.set()
    assert all(one.ended.wait(10) for one in long)


def test_request__that_fails_keeps_no_other_from_beginning(out: HandingOut) -> None:
    def fails() -> None:
        raise SystemExit

    handed(out, Task(fails), last := Task())
    assert last.ended.wait(10)


def test_wait__of_a_thread_of_somebody_else_counts_for_nothing(out: HandingOut) -> None:
    out.begin_wait()
    out.end_wait()
    handed(out, last := Task())
    assert last.ended.wait(10)


def test_gathering__ends_when_there_is_little_to_do(
    out: HandingOut, go: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.handing_out.GATHER_S", 30)
    out.gather()
    tasks = [Task(go.wait) for _ in range(ENOUGH + 2)]
    handed(out, *tasks)
    gathered = threading.Event()
    thread = threading.Thread(target=lambda: (out.gather(), gathered.set()))
    thread.start()
    assert not gathered.wait(0.05)
    go.set()
    assert gathered.wait(10)
    thread.join()


def test_gathering__ends_while_there_is_much_to_do(out: HandingOut, go: threading.Event) -> None:
    handed(out, *[Task(go.wait) for _ in range(ENOUGH + 2)])
    out.gather()
    go.set()


def test_threads__end(out: HandingOut) -> None:
    out.shutdown(timeout=10)
    eventually(lambda: not out.threads)
