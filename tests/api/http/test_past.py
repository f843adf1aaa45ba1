"""Questions about the past: answered once for all their pages, and only so many at a time."""

import threading
from typing import Any

import pytest

from api.http import past
from projections.asking import past as replaying
from tests.support.bodies import order
from tests.support.web import Web, problem


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often a whole log was folded again."""
    count, real = [0], replaying._batches

    def counting(*given: Any) -> Any:
        count[0] += 1
        return real(*given)

    monkeypatch.setattr(replaying, "_batches", counting)
    return count


def sold(web: Web, many: int = 3) -> int:
    """Orders, and the position of the last one."""
    for number in range(many):
        web.done("/v1/orders", order(number))
    return web.edge.store.head("main").position


def test_pages__of_the_past_are_found_once(web: Web, replays: list[int]) -> None:
    asked: str | None = f"/v1/orders?position={sold(web)}&limit=1"
    numbers, heads = [], set()
    while asked:
        web.done("/v1/orders", order(f"later-{len(numbers)}"))
        found = web.get(asked).json
        assert found is not None
        numbers += [one["number"] for one in found["items"]]
        heads.add(found["as_of"]["head"])
        asked = found["next"]
    assert sorted(numbers) == ["0", "1", "2"]
    assert (replays[0], len(heads)) == (1, 3)


def test_past__that_may_still_change_is_found_again_once_it_could_have(
    web: Web, replays: list[int]
) -> None:
    sold(web)
    asked = "/v1/orders?occurred_as_of=2026-10-31&limit=1"
    assert [web.get(asked).status_code for _ in range(3)] == [200] * 3
    assert replays[0] == 1
    web.done("/v1/orders", order("new"))
    found = web.get("/v1/orders?occurred_as_of=2026-10-31").json
    assert found is not None
    assert "new" in {one["number"] for one in found["items"]}


def test_kept__rows_are_bounded(
    web: Web, replays: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "ROWS", 4)
    last = sold(web)
    for position in (last, last - 1, last, last - 1):
        assert web.get(f"/v1/orders?position={position}").status_code == 200
    assert replays[0] == 4
    assert web.edge.kept._rows <= 4


def test_past__refused_while_as_many_are_answered_as_may_be(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-PRJ-34. What asks of one thing, or of now, is answered all the same."""
    last = sold(web)
    monkeypatch.setattr(replaying, "_replays", threading.BoundedSemaphore(1))
    assert replaying._replays.acquire(blocking=False)
    answer = web.get(f"/v1/orders?position={last - 1}")
    problem(answer, 503, "past_busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert web.get("/v1/orders").status_code == 200
    replaying._replays.release()
    assert web.get(f"/v1/orders?position={last - 1}").status_code == 200
    assert replaying._replays.acquire(blocking=False)


@pytest.mark.parametrize(("processors", "most"), [(1, 1), (2, 1), (3, 2), (64, 2)])
def test_past__leaves_a_processor_to_those_who_write(processors: int, most: int) -> None:
    """R-PRJ-34."""
    assert replaying.replays_on(processors) == most
