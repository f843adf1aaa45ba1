"""Bodies are read quickly, and as strictly as the fields say; the worst that fit cost little."""

import json
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import count
from typing import Any, get_origin

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow.fields import Field

from api import create_app
from api.http.bodies import Reader
from api.http.fields import schema_of
from api.http.writing import ROUTES, Route
from ledger.common.bounds import Items
from ledger.common.errors import MOST_FAULTS
from ledger.common.values import repeated_name
from tests.conftest import on_sqlite
from tests.support.bodies import LINE, order
from tests.support.builders import stream
from tests.support.samples import body, edges, fitting, leaves, replaced
from tests.support.thorough import tried
from tests.support.waiting import eventually
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


@on_sqlite
@pytest.mark.parametrize(("number", "status"), [
    ("2", 201), ("2.0", 201), ("2.000", 201), ("2e0", 201), ("0.2E1", 201), ("20e-1", 201),
    ("2.5", 422), ('"2"', 422), ("true", 422), ("1.99999999999999999999", 422), ("2e400", 400),
    ("2e18", 422), ("NaN", 400)])
def test_number__is_whole_by_its_value_however_it_is_spelled(
    web: Web, number: str, status: int
) -> None:
    body = order(lines=[{**LINE, "quantity": 2, "amount_minor": 9980}],
                 amounts={"total_minor": 9980})
    sent = json.dumps(body).replace('"quantity": 2', f'"quantity": {number}').encode()
    answer = web.post("/v1/orders", sent)
    assert answer.status_code == status, answer.text
    if status == 201:
        (placed,) = (one for one in web.edge.store.read("main") if one.stream == stream())
        assert json.loads(placed.payload)["lines"][0]["quantity"] == 2


# -- read quickly, and as strictly ----------------------------------------------------------------

@pytest.fixture(scope="module")
def routes() -> list[Route]:
    """The routes whose bodies are read quickly; there are some once an app is made."""
    create_app()
    return [route for route in ROUTES if not route.looked_up]


def at(routes: list[Route], path: str) -> Reader:
    """What reads the bodies of a path."""
    (route,) = [route for route in routes if route.path == path]
    return reader(route)


odd = st.one_of(
    st.sampled_from([None, True, 0, -1, 1.0, 12.0, 1e300, 0.5, 2**53, 2**63, 2**64, 10**30, "12",
                     "", "x", "\0", "\ud800", "12:30", "2026-10-31T23:59:59+08:00", [], {}, [[]]]),
    st.text(max_size=5), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["2026-10-01 12:00:00Z", "2026-10-01t12:00:00z", "2026-10-01T12:00:00", "1.5",
                     "2026-10-01T12:00:00.1234567Z", "2026-10-01T24:00:00Z", "9999-01-01T00:00:00Z",
                     "2026-10-01T12:00:60Z", "2026-10-01T12:00:00+0800", "1969-12-31T23:59:59Z",
                     "2026-10-01T12:00:00,5Z", "1970-01-01T00:00:00+01:00", "2026-10-01"]))
anything = st.recursive(
    odd, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one,
                                                                max_size=3), max_leaves=5)


def elsewhere(route: Route) -> frozenset[str]:
    """The fields that stand in the address or a header."""
    return frozenset({*route.given, *route.looked_up, "expected_version"})


def reader(route: Route) -> Reader:
    """What reads the bodies of a route."""
    return Reader(route.command, without=elsewhere(route), ignores_time=route.ignores_given_time)


def sound(route: Route) -> tuple[dict[str, Any], dict[str, Any]]:
    """A sound body of a route, and what stands elsewhere."""
    whole = fitting(route.command)
    own = {name: value for name, value in whole.items() if name not in elsewhere(route)}
    return own, {name: whole[name] for name in route.given}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects inside a value, itself first."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from objects(one)


def written(value: Any, *, twice: int, spaced: bool, plain: bool) -> bytes:
    """A value as JSON; the nth name stands there twice."""
    names, colon = count(), " : " if spaced else ":"

    def told(one: Any) -> str:
        if isinstance(one, list):
            return f"[{','.join(map(told, one))}]"
        if not isinstance(one, dict):
            return json.dumps(one, ensure_ascii=plain)
        pairs = []
        for name, within in one.items():
            pair = f"{json.dumps(name, ensure_ascii=plain)}{colon}{told(within)}"
            pairs += [pair] * (2 if next(names) == twice else 1)
        return f"{{{','.join(pairs)}}}"

    return told(value).encode(errors="surrogatepass")


@st.composite
def bodies(draw: st.DrawFn, route: Route) -> bytes:
    """A body that is sound, nearly so, or not at all."""
    own, _ = sound(route)
    found = [leaf for leaf in leaves(route.command) if leaf.path[0] in own]
    for _ in range(draw(st.integers(0, 2))):
        leaf = draw(st.sampled_from(found))
        one = draw(st.sampled_from(list(objects(own))))
        match draw(st.sampled_from(["value", "edge", "less", "more"])):
            case "value":
                own = _with(own, leaf.path, draw(anything))
            case "edge" if get_origin(leaf.kind) is None:
                own = _with(own, leaf.path, draw(st.sampled_from(edges(leaf, None))))
            case "less" if one:
                one.pop(draw(st.sampled_from(sorted(one))))
            case "more":
                named = draw(st.sampled_from(["x", "number", "expected_version", *route.given]))
                one[named] = draw(anything)
    return written(own, twice=draw(st.integers(-12, 12)), spaced=draw(st.booleans()),
                   plain=draw(st.booleans()))


def _with(own: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    try:
        found: dict[str, Any] = replaced(own, path, value)
    except (KeyError, IndexError, TypeError, ValueError):  # an earlier change took it away
        return own
    return found


@pytest.mark.parametrize("spread", [False, True])
def test_reader__takes_a_sound_body_of_every_route_at_once(
    routes: list[Route], spread: bool
) -> None:
    assert len(routes) > 90
    for route in routes:
        own, more = sound(route)
        sent = reader(route).read(written(own, twice=-1, spaced=spread, plain=spread), more)
        assert sent is not None, route.path
        assert sent.now == (route.ignores_given_time or "occurred_at" not in own)


@settings(max_examples=tried(4000), deadline=None,
          suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_reader__takes_nothing_that_the_fields_refuse_and_makes_the_same_of_it(
    routes: list[Route], data: st.DataObject,
) -> None:
    route = data.draw(st.sampled_from(routes))
    body_, (_, more) = data.draw(bodies(route)), sound(route)
    sent = reader(route).read(body_, more)
    if sent is None:
        return
    assert repeated_name(body_) is None
    values = {**schema_of(route.command, without=elsewhere(route))().load(orjson.loads(body_)),
              **more}
    assert sent.now == (route.ignores_given_time or "occurred_at" not in values)
    if sent.now:
        values["occurred_at"] = sent.command.occurred_at  # type: ignore[attr-defined]
    assert sent.command == msgspec.convert(values, route.command)


@pytest.mark.parametrize("bad", [
    b'{"a":1,"a":1}', b'{"name":"x","name":"x"}', b'{"name":"x:y","name":"x:y"}',
    b'{"name":"x","n\\u0061me":"x"}', b'{"name":"x","occurred_at":null}', b'{"name":"x","of":1}',
    b'{"name":"x","expected_version":1}', b"[]", b"1", b"null", b"{", b"", b'{"name":1.0}',
    b'{"name":"\xff"}', b'{"name":"x","occurred_at":"2026-10-01T12:00:00"}',
    b'{"name":"x","occurred_at":1790000000}'])
def test_reader__leaves_to_the_fields_what_is_wrong(routes: list[Route], bad: bytes) -> None:
    reads = at(routes, "/v1/warehouses").read
    assert reads(b'{"name":"x"}', {}) is not None
    assert reads(bad, {}) is None


@pytest.mark.parametrize(("sent", "taken"), [
    (order(), True), (order(lines=[{**LINE, "x": 1}]), False),
    (order(amounts={"total_minor": 4990, "x": 1}), False),
    (order(lines=[{**LINE, "quantity": 1.0}]), False),
    (order(lines=[{**LINE, "picked_from": None}]), False),
    (order(occurred_at="2026-10-01t12:00:00z"), True),
    (order(occurred_at="2026-10-01 12:00:00"), False), (order(shop="a:b \\ \" :"), True)])
def test_reader__looks_inside(routes: list[Route], sent: dict[str, Any], taken: bool) -> None:
    found = at(routes, "/v1/orders").read(orjson.dumps(sent), {})
    assert (found is not None) is taken


ANSWERED = settings(max_examples=tried(400), deadline=None,
                    suppress_health_check=[HealthCheck.function_scoped_fixture])


@on_sqlite
@ANSWERED
@given(st.data())
def test_answer__is_the_same_however_a_body_is_read(
    web: Web, routes: list[Route], data: st.DataObject
) -> None:
    """Compared as previews, which leave the ledger as it is."""
    route = data.draw(st.sampled_from(routes))
    sent = data.draw(bodies(route))
    matched = {"If_Match": data.draw(st.sampled_from(["1", "x"]))} if data.draw(
        st.booleans()) else {}

    def answered() -> tuple[int, Any]:
        answer = web.post(f"{address(route)}?preview=true", sent, min(route.roles), key="k",
                          **matched)
        told = answer.json or {}
        told.pop("request_id", None)
        return answer.status_code, told if answer.status_code >= 400 else None

    quickly = answered()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Reader, "read", lambda *given: None)
        assert answered() == quickly


@on_sqlite
@pytest.mark.parametrize(("path", "role"), [
    ("/v1/persons/find", "service"), ("/v1/orders/order:x:1/slip", "warehouse")])
def test_question__of_the_worst_kind_is_refused_shortly(web: Web, path: str, role: str) -> None:
    """They are sent with POST, and are no commands."""
    for kind, made in KINDS.items():
        answer = web.post(path, made(SIZE), role)
        assert 400 <= answer.status_code < 500, (kind, answer.text)
        assert len(answer.data) < ANSWER, kind


@on_sqlite
@pytest.mark.parametrize("first", [b"", "订单编号\n".encode()])
def test_import__of_empty_lines_is_rejected_shortly(web: Web, first: bytes) -> None:
    sent = web.headers("manager", "main", {"Idempotency-Key": "one"})
    answer = web.client.post(
        "/v1/imports", headers=sent,
        data={"profile": "taobao-orders", "file": (BytesIO(first + b"\n" * SIZE), "orders.csv")})
    assert answer.status_code == 202, answer.text
    path = f"/v1/imports/{(answer.json or {})['import']}"
    eventually(lambda: (web.get(path).json or {})["state"] != "running")
    ended = web.get(path)
    assert (ended.json or {})["state"] == "rejected"
    assert (ended.json or {})["faults"] < 100
    assert len(ended.data) < ANSWER
