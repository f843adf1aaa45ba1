"""Long work waits for short work, and not for ever."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from projections.asking import giving_way, past
from projections.asking.clocks import AsOf
from projections.asking.giving_way import GivingWay
from projections.asking.questions import Question
from projections.reports import REPORTS
from tests.conftest import on_sqlite
from tests.support.bodies import order, stocked
from tests.support.web import Web

FOREVER_S = 60.0


@contextmanager
def waiting(way: GivingWay) -> Iterator[threading.Thread]:
    """A thread that waits for short work."""
    thread = threading.Thread(target=way.wait)
    thread.start()
    yield thread
    thread.join(FOREVER_S)
    assert not thread.is_alive()


def test_wait__ends_with_the_short_work() -> None:
    way = GivingWay(FOREVER_S)
    way.begin()
    with waiting(way) as thread:
        thread.join(0.05)
        assert thread.is_alive()
        way.end()
        way.end()  # there is none any more


def test_wait__ends_by_itself_where_there_is_always_short_work() -> None:
    way = GivingWay(0.001)
    way.begin()
    with waiting(way):
        pass


def test_wait__is_for_nobody_where_there_is_no_short_work() -> None:
    way = GivingWay(FOREVER_S)
    way.begin()
    way.begin()  # the same thread has begun something else
    way.end()
    with waiting(way):
        pass


@on_sqlite
def test_past__of_one_thing_is_short_and_waits_for_nobody(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked(web)
    order_id = web.done("/v1/orders", order(), "service")["subject"]
    asked, waits = list[int](), list[object]()

    class Asking(GivingWay):
        def wait(self) -> None:
            asked.append(self._short)
            super().wait()

    way = Asking()
    monkeypatch.setattr(way._none, "wait_for", lambda *given: waits.append(given))
    monkeypatch.setattr(giving_way, "process", way)
    monkeypatch.setattr(past, "process", way)
    last = web.edge.store.head("main").position
    assert web.get(f"/v1/orders/{order_id}?position={last}").status_code == 200
    assert set(asked) == {1}
    assert waits == []
    way.begin()
    thread = threading.Thread(target=way.wait)  # which has begun nothing short
    thread.start()
    thread.join(FOREVER_S)
    assert len(waits) == 1


@on_sqlite
def test_past__of_everything_waits_between_its_pieces_for_requests_and_not_for_itself(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked(web)
    web.done("/v1/orders", order(), "service")
    waits: list[int] = []

    class Counting(GivingWay):
        def wait(self) -> None:
            waits.append(self._short)

    counting = Counting()
    monkeypatch.setattr(giving_way, "process", counting)
    monkeypatch.setattr(past, "process", counting)
    assert web.get("/v1/orders?position=3").status_code == 200
    assert set(waits) == {0}
    counting.begin()
    waits.clear()
    asked = Question(as_of=AsOf(position=2))
    assert REPORTS["orders"](web.edge.models, "main", asked).rows == []
    assert set(waits) == {0}  # the same thread had begun something short


def test_requests__are_short_work_until_they_are_answered(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    way, under_way = GivingWay(), list[int]()
    begin = way.begin

    def begun() -> None:
        begin()
        under_way.append(way._short)

    monkeypatch.setattr(way, "begin", begun)
    monkeypatch.setattr(giving_way, "process", way)
    for path in ("/livez", "/nowhere", "/v1/orders"):
        web.client.get(path)
    assert (under_way, way._short) == ([1, 1, 1], 0)
