"""The worst bodies that fit: what they cost and what comes back is bounded by what was sent."""

import re
from collections.abc import Callable, Iterator
from typing import Any, get_origin

import orjson
import pytest
from marshmallow.fields import Field

from api.http.writing import ROUTES, Route
from ledger.common.bounds import Items
from ledger.common.errors import MOST_FAULTS
from tests.conftest import on_sqlite
from tests.support.bodies import order
from tests.support.samples import body, leaves, replaced
from tests.support.web import Web, problem

SIZE = 450_000
ANSWER = 100_000
"""Bytes: no answer to a body that is not taken is longer."""

KINDS: dict[str, Callable[[int], bytes]] = {
    "items": lambda size: b"[%s]" % b",".join([b"{}"] * (size // 3)),
    "open": lambda size: b"[" * size,
    "objects": lambda size: b'{"lines":' * (size // 9),
    "deep": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "number": lambda size: b'{"lines":%s}' % (b"9" * size),
    "fraction": lambda size: b'{"lines":1.%s}' % (b"9" * size),
    "exponent": lambda size: b'{"lines":1e%s}' % (b"9" * size),
    "repeated": lambda size: b"{%s}" % b",".join([b'"a":1'] * (size // 6)),
    "unknown": lambda size: b"{%s}" % b",".join(b'"%d":1' % name for name in range(size // 9)),
    "name": lambda size: b'{"%s":1}' % (b"x" * size),
    "names": lambda size: b"{%s}" % b",".join(
        b'"%s%d":1' % (b"x" * (size // 110), name) for name in range(110)),
    "text": lambda size: b'"%s"' % (b"x" * size),
    "empty": lambda size: b" " * size,
}
"""The worst bodies of a size, by their kind."""


def address(route: Route) -> str:
    """The address of a route, of nothing that is there."""
    return re.sub("<[^>]*>", "x:1", route.path)


def lists(route: Route) -> Iterator[bytes]:
    """Bodies of a command in which one list is as long as it may be, of items that are none."""
    for leaf in leaves(route.command):
        if get_origin(leaf.kind) is list:
            most = next((one.most for one in leaf.bounds if isinstance(one, Items)), SIZE)
            whole = replaced(body(route.command), leaf.path, [{}] * min(most, SIZE // 3))
            yield orjson.dumps({name: value for name, value in whole.items()
                                if name not in route.given})


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many values of bodies were looked at."""
    count, real = [0], Field.deserialize

    def counting(self: Any, *given: Any, **more: Any) -> Any:
        count[0] += 1
        return real(self, *given, **more)

    monkeypatch.setattr(Field, "deserialize", counting)
    return count


@on_sqlite
@pytest.mark.parametrize("kind", KINDS)
def test_body__of_the_worst_kind_is_refused_shortly_by_every_route(
    web: Web, worked: list[int], kind: str
) -> None:
    small, large = KINDS[kind](SIZE // 30), KINDS[kind](SIZE)
    for number, route in enumerate(ROUTES):
        sent = small if number % 20 else large
        answer = web.post(address(route), sent, sorted(route.roles)[0])
        assert answer.status_code in (400, 422), (route.path, answer.text)
        assert len(answer.data) < ANSWER, route.path
    assert worked[0] < 250 * len(ROUTES)


@on_sqlite
def test_body__with_a_list_as_long_as_it_may_be_is_refused_shortly_by_every_route(
    web: Web, worked: list[int]
) -> None:
    tried = 0
    for route in ROUTES:
        for sent in lists(route):
            worked[0], tried = 0, tried + 1
            answer = web.post(address(route), sent, sorted(route.roles)[0])
            assert len(answer.data) < ANSWER, route.path
            assert answer.status_code < 500, (route.path, answer.text)
            assert worked[0] < len(sent), route.path
    assert tried > 50


def test_faults__beyond_a_hundred_are_counted(web: Web) -> None:
    """What was found is listed up to a hundred; the rest of a long list is not looked into."""
    lines = [{"line": str(number)} for number in range(2000)]
    found = problem(web.post("/v1/orders", order(lines=lines)), 422, "invalid_values")
    assert len(found["errors"]) == MOST_FAULTS
    assert found["errors_left_out"] > 0
    assert found["detail"].endswith(f"and {found['errors_left_out']} more")


def test_faults__stand_each_at_a_place_of_its_own(web: Web) -> None:
    found = problem(web.post("/v1/orders", order("\0" * 101 + "\u200b")), 422, "invalid_values")
    pointers = [one["pointer"] for one in found["errors"]]
    assert pointers == ["/number"]


def test_fault__tells_a_long_value_and_a_long_name_cut(web: Web) -> None:
    sent = order(currency="x" * 10_000, **{"y" * 10_000: 1})
    found = problem(web.post("/v1/orders", sent), 422, "invalid_values")
    assert [len(one["pointer"]) < 300 and len(one["detail"]) < 500
            for one in found["errors"]] == [True, True]
    assert "x" * 200 + "…" in found["detail"]
    twice = b'{"%s":1,"%s":2}' % (b"z" * 10_000, b"z" * 10_000)
    assert len(problem(web.post("/v1/orders", twice), 400, "malformed_json")["detail"]) < 400
