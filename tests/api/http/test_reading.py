"""What a list takes of a query, and what it refuses: nothing that it does not use."""

import inspect
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.pool import Pool

from api.http.reading import LISTS
from api.http.routes import PERMITS, PUBLIC
from api.http.writing import ROUTES
from ledger.common.moments import Moment
from ledger.core.commands import Command
from ledger.orders.commands import CloseException, OpenException
from ledger.settings import Settings
from ledger.writing.genesis import begun
from projections.asking.marks import mark_at
from projections.asking.names import OPTIONS, ORDERS, TAKES
from projections.asking.sorting import orders_of
from tests.conftest import on_sqlite
from tests.support.bodies import order, stocked
from tests.support.builders import (
    CONTEXT,
    NOON,
    line,
    moved,
    opened,
    pay,
    place,
    received,
    stream,
)
from tests.support.cases import orphan
from tests.support.projecting import put, try_all
from tests.support.routes import filled, rules
from tests.support.thorough import tried
from tests.support.web import Web, problem

IN_MEMORY = Settings(database_url="memory:", keys_url="memory:", master_key_file=None)

NAMES = {"since": "from", "until": "to"}
"""What a query calls the fields, where it is another name."""

WORTH = {"month": "2026-09", "since": "2026-09-01", "until": "2026-09-02", "day": "2026-09-01",
         "older_than": "2h", "by": "day", "sort": "subject", "status": "pending_review"}

FIELDS = [field for field in OPTIONS if field != "subject"]
"""A subject stands in the address."""


def lists(web: Web) -> Iterator[tuple[str, str, str]]:
    """The lists: the report of each, its address, and a role that may read it."""
    for rule, endpoint in rules(web):
        name = endpoint.rpartition(".")[2]
        if name.startswith("list-"):
            yield (name.removeprefix("list-").removesuffix("-of"),
                   filled(rule, web).partition("?")[0], min(PERMITS[endpoint]))


@on_sqlite
def test_period_and_every_parameter__is_used_or_rejected(web: Web) -> None:
    """R-PRJ-22, over HTTP: of all parameters a list refuses those that its report does not take."""
    stocked(web)
    web.done("/v1/orders", order(), "service")
    sent = {NAMES.get(field, field): WORTH.get(field, "a") for field in FIELDS}
    for name, address, role in lists(web):
        found = problem(web.get(f"{address}?{urlencode(sent)}", role), 400, "not_understood")
        refused = {one["pointer"].removeprefix("/query/") for one in found["errors"]}
        assert refused == {*sent} - {NAMES.get(field, field) for field in TAKES[name]}, name


@on_sqlite
def test_parameter__rejected_when_it_is_unknown_or_given_twice(web: Web) -> None:
    """R-PRJ-31. Wherever a query is read."""
    stocked(web)
    web.done("/v1/orders", order(), "service")
    for name, address, role in lists(web):
        for query, pointer in (("unknown=1", "/query/unknown"),
                               (urlencode([("limit", "1"), ("limit", "2")]), "/query/limit")):
            found = problem(web.get(f"{address}?{query}", role), 400, "not_understood")
            assert [one["pointer"] for one in found["errors"]] == [pointer], name


@on_sqlite
@pytest.mark.parametrize(("query", "status", "code"), [
    ("month=2026-09&from=2026-09-01", 422, "two_periods"), ("month=2026-9", 400, "bad_month"),
    ("from=2026-09-02&to=2026-09-01", 422, "period_reversed"), ("to=2026-02-30", 400, "day_needed"),
    ("from=yesterday", 400, "day_needed"), ("from=20260902", 400, "day_needed"),
    ("to=2026-09-02T00:00:00%2B08:00", 400, "day_needed"), ("month=2026-09-01", 400, "bad_month")])
def test_period__rejected_over_http(web: Web, query: str, status: int, code: str) -> None:
    """R-PRJ-12, R-PRJ-13, R-PRJ-27, R-PRJ-28."""
    for path in ("orders", "fulfilment", "returns", "reconciliation", "revenue", "stock-ledger"):
        problem(web.get(f"/v1/{path}?{query}", "manager"), status, code)
    problem(web.get("/v1/revenue?by=weather", "manager"), 400, "unknown_way")


@on_sqlite
def test_parameter__rejected_when_it_is_unknown_on_every_route(web: Web) -> None:
    """R-PRJ-31. Also where no query is read at all."""
    stocked(web)
    web.done("/v1/orders", order(), "service")
    seen = set()
    for rule, endpoint in rules(web):
        roles = PERMITS[endpoint]
        headers = {} if roles == PUBLIC else web.headers(min(roles), "main", {})
        answer = web.client.get(f"{filled(rule, web).partition('?')[0]}?dry_run=true",
                                headers=headers)
        found = problem(answer, 400, "not_understood")
        assert "/query/dry_run" in [one["pointer"] for one in found["errors"]], rule
        seen.add(endpoint.partition(".")[0])
    for route in ROUTES:
        role = min(PERMITS[next(name for name in PERMITS if name.endswith(
            "." + route.command.NAME.replace(".", "-")))])
        answer = web.post(re.sub("<[a-z]+>", "x", route.path) + "?dry_run=true", {}, role)
        assert problem(answer, 400, "not_understood")["errors"][0]["pointer"] == "/query/dry_run"
    assert seen > {"orders", "stock", "log", "imports", "description"}


def test_every_list__can_be_sorted(web: Web) -> None:
    assert {name for name, _, _ in lists(web)} == ORDERS.keys() == LISTS.keys()
    assert not [name for name, one in LISTS.items() if {
        word.removeprefix("-") for word in orders_of(name)} & set(one.sums)]


SHOWN = ("orders", "fulfilment", "exceptions", "returns", "to-review", "stock-cards/sku:A",
         "inventory", "bins", "stock-ledger", "takings", "alerts")
STEPS = st.one_of(
    st.tuples(st.just("place"), st.integers(1, 9), st.integers(0, 2)),
    st.tuples(st.just("pay"), st.integers(1, 9), st.integers(0, 2)),
    st.tuples(st.just("doubt"), st.integers(1, 9), st.integers(0, 2)),
    st.tuples(st.just("settle"), st.integers(1, 9), st.integers(0, 2)),
    st.tuples(st.just("come"), st.sampled_from("AB"), st.integers(0, 2)),
    st.tuples(st.just("go"), st.sampled_from("AB"), st.integers(0, 2)),
    st.tuples(st.just("back"), st.integers(1, 9), st.integers(0, 2)))


def step(kind: str, what: Any, hours: int) -> Command:
    """What is recorded between two pages; the ledger may refuse it."""
    when = {"occurred_at": NOON + timedelta(hours=hours)}
    match kind:
        case "place":
            return place(what, lines=[line("A")], **when)
        case "pay":
            return pay(what, 4990, **when)
        case "doubt":
            return OpenException(order=stream(what), exception="e", kind="address_invalid",
                                 note="odd", **when)
        case "settle":
            return CloseException(order=stream(what), exception="e", note="done", **when)
        case "come":
            return received(what, 5, to_bin=f"{what}-{hours}", **when)
        case "go":
            return moved(what, 1, "available", "damaged", "damage", reason="wet", **when)
    return orphan(what, at=Moment(NOON + timedelta(hours=hours)))


@given(before=st.lists(STEPS, min_size=4, max_size=14), data=st.data())
@settings(max_examples=tried(60), deadline=None)
def test_pages__hold_each_row_that_is_there_all_the_time_once(before: list[Any], data: Any) -> None:
    """Whatever is recorded between them, in whichever order they come."""
    with closing(Web(IN_MEMORY)) as web:
        put(web.ledger(), opened(), received("A", 5), received("B", 1))
        try_all(web.ledger(), [(step(*one), CONTEXT) for one in before])
        path = data.draw(st.sampled_from(SHOWN))
        name = next(one for one in LISTS if LISTS[one].path.startswith(
            f"/v1/{path.partition('/')[0]}"))
        order, word = ORDERS[name], data.draw(st.sampled_from(orders_of(name)))
        first = page = web.get(f"/v1/{path}?sort={word}&limit=500").json or {}

        def keys(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
            return [tuple(row[one] for one in order.key) for row in answer["items"]]

        there, seen = set(keys(first)), []
        following = f"/v1/{path}?sort={word}&limit={data.draw(st.integers(1, 3))}"
        while following:
            page = web.get(following).json or {}
            seen += keys(page)
            following = page["next"]
            try_all(web.ledger(), [(step(*one), CONTEXT)
                                   for one in data.draw(st.lists(STEPS, max_size=3))])
            there &= set(keys(web.get(f"/v1/{path}?limit=500").json or {}))
        assert len(set(seen)) == len(seen)
        assert there <= set(seen)
        if word.removeprefix("-") in order.moving:
            assert seen == keys(first)
        else:
            assert [one for one in seen if one in there] == [
                one for one in keys(first) if one in there]


def test_cursor__rejected_of_another_order(web: Web) -> None:
    for number in (1, 2):
        web.done("/v1/orders", order(number))
    first = web.get("/v1/orders?limit=1&sort=placed_at").json or {}
    cursor = first["next"].partition("cursor=")[2]
    problem(web.get(f"/v1/orders?limit=1&cursor={cursor}"), 400, "bad_cursor")
    problem(web.get(f"/v1/orders?limit=1&sort=subject&cursor={cursor}"), 400, "bad_cursor")
    found = problem(web.get("/v1/orders?sort=total_minor"), 400, "unknown_word")
    assert "-placed_at, placed_at, subject, -subject" in found["detail"]


READ = ["heads", "BEGIN", "progress", "stock_levels", "COMMIT"]
"""What a look-up of a level asks the databases: of the log where it ends, then one snapshot."""


@contextmanager
def statements() -> Iterator[list[tuple[int, str]]]:
    """Those that this thread runs on connections that are opened meanwhile, by their tables and
    with what tells the connections apart."""
    found: list[tuple[int, str]] = []
    here = threading.get_ident()

    def opened(connection: Any, _record: Any) -> None:
        def ran(text: str) -> None:
            if threading.get_ident() == here:
                table = re.search(r"(?<=FROM )\w+", text)
                found.append((id(connection), table[0] if table else text))

        connection.set_trace_callback(ran)

    event.listen(Pool, "connect", opened)
    try:
        yield found
    finally:
        event.remove(Pool, "connect", opened)


@on_sqlite
def test_level__is_read_in_one_snapshot_with_one_look_at_the_log(web: Web) -> None:
    with statements() as found:
        stocked(web)
        address, headers = "/v1/inventory/sku:SH-001", web.headers("manager", "main", {})
        first = web.get(address)
        found.clear()
        again = web.client.get(address, headers=headers)
    assert [one for _, one in found] == READ
    assert len({connection for connection, _ in found}) == 2
    assert again.data == first.data
    assert again.headers["Ledger-Position"] == first.headers["Ledger-Position"] == str(
        mark_at(web.edge.store, "main", first.json["as_of"]["position"]))  # type: ignore[index]


def test_views__are_no_coroutines(web: Web) -> None:
    """Flask is told so, and does not ask at each request: see `api._serve`."""
    hooks = (web.app.before_request_funcs, web.app.after_request_funcs,
             web.app.teardown_request_funcs)
    functions: list[Any] = [*web.app.view_functions.values(),
                            *(one for found in hooks for one in found[None])]
    assert not [one for one in functions if inspect.iscoroutinefunction(inspect.unwrap(one))]


def test_ledgers__of_one_server_have_days_of_their_own(web: Web) -> None:
    """The same moment is of another day, month and deadline, now and in the past, whatever zone the
    machine is in."""
    here = web.edge.open()
    begun(here.store, here.keys, "berlin", zone="Europe/Berlin")
    found: dict[str, Any] = {}
    for name in ("main", "berlin"):
        web.ledger(name)
        web.done("/v1/orders", order(occurred_at="2026-08-31T20:30:00Z"), "service", ledger=name)
        days = [row["of"] for row in rows_over(web, "/v1/revenue?by=day", name)]
        months = [len(rows_over(web, f"/v1/orders?month={month}", name))
                  for month in ("2026-08", "2026-09")]
        past = [len(rows_over(web, f"/v1/revenue?occurred_as_of={day}", name))
                for day in ("2026-08-31", "2026-09-01")]
        (note,) = web.get("/v1/orders?occurred_as_of=2026-08-31",
                          ledger=name).json["as_of"]["notes"][:1]
        found[name] = days, months, past, note.rpartition(" ")[2]
    assert found == {"main": (["2026-09-01"], [0, 1], [0, 1], "Asia/Shanghai"),
                     "berlin": (["2026-08-31"], [1, 0], [1, 1], "Europe/Berlin")}


def rows_over(web: Web, path: str, ledger: str) -> list[dict[str, Any]]:
    """The rows of an answer."""
    answer = web.get(path, ledger=ledger)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found
