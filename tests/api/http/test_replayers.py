"""Questions about the past of everything go to a process beside the server, and come back whole."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.http import replayers
from api.http.replayers import Asked, PastNotFolded, beside
from projections.asking.answering import replays
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.reports import REPORTS
from tests.conftest import on_postgres, on_sqlite
from tests.support.bodies import order, stocked
from tests.support.serving import Served
from tests.support.web import Web, problem

WITHIN_S = 60.0


@pytest.fixture(autouse=True)
def _long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every past is long enough."""
    monkeypatch.setattr(replayers, "LONG", 1)


def filled(web: Web) -> list[Question]:
    """A shop, and questions about parts of its past."""
    stocked(web)
    for number in range(3):
        web.done("/v1/sales", order(f"拾{number}", warehouse="main"), "service")
    head = web.edge.store.head("main").position
    web.edge.models.catch_up("main")
    return [Question(as_of=AsOf(position=head - back)) for back in (0, 2, head - 1)]


def replayers_of(web: Web) -> list[replayers.Replayer]:
    """The processes that wait for a question."""
    return web.edge.replayers._idle


def same_answers(web: Web) -> None:
    """Hold what is answered beside against what is answered here."""
    asked = filled(web)
    names = [name for name, report in REPORTS.items() if replays(report, asked[0])]
    assert len(names) > 5
    for name in names:
        for question in asked:
            there = beside(web.edge.replayers, web.edge.store, name)
            assert there(web.edge.models, "main", question) == REPORTS[name](
                web.edge.models, "main", question), name
    assert len(replayers_of(web)) == 1


@on_sqlite
def test_answers__are_those_of_this_process(web: Web) -> None:
    same_answers(web)


@on_postgres
def test_answers__are_those_of_this_process_on_postgres(web: Web) -> None:
    same_answers(web)


@on_sqlite
def test_rows__arrive_in_pieces_and_whole(web: Web) -> None:
    for number in range(replayers.CHUNK + 3):
        web.done("/v1/orders", order(str(number)))
    head = web.edge.store.head("main").position
    answer = web.edge.replayers.answer(Asked("main", "orders", Question(as_of=AsOf(position=head))))
    assert len({row["number"] for row in answer.rows}) == replayers.CHUNK + 3


@on_sqlite
def test_errors__are_those_of_the_report(web: Web) -> None:
    filled(web)
    said = problem(web.get("/v1/orders?position=2&review_status=nonsense"), 400, "unknown_word")
    assert "nonsense" in said["detail"]
    assert web.get("/v1/orders?position=2").status_code == 200
    assert len(replayers_of(web)) == 1


@on_sqlite
def test_process__that_was_killed_is_replaced(web: Web) -> None:
    filled(web)
    assert web.get("/v1/orders?position=2").status_code == 200
    (first,) = replayers_of(web)
    os.kill(first._process.pid, signal.SIGKILL)
    first._process.wait(WITHIN_S)
    assert web.get("/v1/orders?position=3").status_code == 200
    (second,) = replayers_of(web)
    assert second is not first


@on_sqlite
def test_process__that_is_killed_at_work_is_replaced(web: Web) -> None:
    asked = Asked("main", "orders", filled(web)[0])
    web.edge.replayers.answer(asked)
    (first,) = replayers_of(web)
    os.kill(first._process.pid, signal.SIGSTOP)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(web.edge.replayers.answer(asked)))
    thread.start()
    os.kill(first._process.pid, signal.SIGKILL)
    thread.join(WITHIN_S)
    assert found[0].rows


@on_sqlite
def test_question__is_refused_where_no_process_can_live(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-PRJ-36. What asks of now, or of one thing, is answered all the same."""
    (asked, *_) = filled(web)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(PastNotFolded):
        web.edge.replayers.answer(Asked("main", "orders", asked))
    problem(web.get("/v1/orders?position=2"), 503, "past_not_folded")
    assert web.get("/v1/orders").status_code == 200
    assert replayers_of(web) == []


@on_sqlite
def test_close__ends_the_processes(web: Web) -> None:
    filled(web)
    web.get("/v1/orders?position=2")
    (one,) = replayers_of(web)
    web.edge.replayers.close()
    assert one._process.returncode is not None


def test_memory__is_answered_here(web: Web) -> None:
    """What is in memory is in no other process."""
    asked = filled(web)[0]
    beside(web.edge.replayers, web.edge.store, "orders")(web.edge.models, "main", asked)
    assert bool(replayers_of(web)) == (web.edge.store.__class__.__name__ != "MemoryStore")


@contextmanager
def served(folder: Path) -> Iterator[tuple[Served, int]]:
    """A server that was asked of its past, and the process beside it."""
    one = Served(folder)
    one.start()
    key = one.issue()
    for number in range(300):
        assert one.request("POST", "/v1/orders", order(number), key=key,
                           Idempotency_Key=f"k{number}")[0] == 201
    assert one.request("GET", "/v1/orders?position=290", key=key)[0] == 200
    try:
        assert one.process is not None
        yield one, *children_of(one.process.pid)
    finally:
        if one.process is not None and one.process.poll() is None:
            one.stop()


def children_of(pid: int) -> list[int]:
    """The processes that a process started."""
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def gone(pid: int) -> bool:
    """Whether a process ends in time."""
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_process__ends_with_the_server(tmp_path: Path, how: signal.Signals) -> None:
    """However that ends. Ctrl-C, which goes to both, is no reason to end before it does."""
    with served(tmp_path) as (server, child):
        os.kill(child, signal.SIGINT)
        assert server.process is not None
        server.process.send_signal(how)
        server.process.wait(WITHIN_S)
        assert gone(child)
