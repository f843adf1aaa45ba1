"""Closed answers over HTTP: whatever is recorded while an answer is made, it is of one moment.

An event is recorded after every read that a request makes of the store, so nothing hangs on time.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from werkzeug.test import TestResponse

from api.http import runtime
from api.http.routes import PERMITS
from ledger.common.context import Context, Receipt
from ledger.common.values import from_us, rfc3339
from ledger.core.commands import Command
from ledger.erasure.commands import HoldPerson, LiftPersonHold
from ledger.erasure.finding import persons_of
from ledger.log.clock import Clock
from ledger.people.commands import CorrectAttendance, RecordAttendance, RequestLeave
from ledger.people.rosters import SetRoster, Shift
from ledger.returns.commands import RequestCase
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.skus import RegisterSku
from ledger.stock.transfers import Sending, SendTransfer
from ledger.stock.warehouses import OpenWarehouse
from tests.support.builders import (
    CHANNEL,
    CONTEXT,
    HOUSE,
    NOON,
    SHOP,
    context,
    opened,
    pay,
    place,
    received,
    sell,
    stream,
)
from tests.support.builders import remark as remarked
from tests.support.clocks import SECOND, Time
from tests.support.operations import resolved
from tests.support.projecting import put
from tests.support.routes import filled, rules
from tests.support.signing import sign
from tests.support.team import (
    CHARGED,
    CHEN,
    LI,
    OPENING,
    SEALED,
    WANG,
    ZHOU,
    at,
    grade,
    propose,
    published,
    record,
    reopen,
    restate,
    rule,
)
from tests.support.thorough import THOROUGH
from tests.support.web import Web

STEPS = range(6) if THOROUGH else (0, 2)
BETWEEN = 4
"""Between which commits the times lie that are asked about, and how many commits there are while an
answer as of now is made."""

in_memory = pytest.mark.parametrize("backend", ["memory"], indirect=True)

READS = ("head", "read", "outlines", "streams", "commands", "position_at")

DAYS = {"/v1/members", "/v1/members/<subject>", "/v1/shifts", "/v1/shifts/<subject>"}
MONTHS = {"/v1/attendance", "/v1/attendance/<subject>"}
"""Routes that answer for today, or for this month, unless another is named."""

TIMELESS = {
    "/v1/deadlines/<name>", "/v1/differences",
    "/v1/docs", "/v1/docs/<name>", "/v1/events/<position>",
    "/v1/subjects/<subject>/differences", "/v1/imports/<job>", "/v1/imports/<job>/faults",
    "/v1/imports/<job>/rows", "/v1/imports/<job>/warnings", "/v1/log/head", "/v1/log/root",
    "/v1/months/<month>/scores.xlsx", "/v1/policies/<version>", "/v1/search",
    "/v1/openapi.json", "/v1/persons/<person>",
    "/v1/persons/<person>/events", "/v1/policy-differences", "/v1/problems/<code>"}
"""Routes that take no moment. Of those that answer from the log, `/v1/log/root` and the differences
name what never changes, a deadline is asked of a start, and the workbook is what its reports say as
of one position. Whoever is erased is so at every position: of a person there is no past to ask for.
"""


class Meanwhile:
    """Records what changes every answer, after each read of the ledger by the thread of a test."""

    def __init__(self, web: Web, time: Time) -> None:
        self.web, self.time, self.left, self.number = web, time, 0, 0
        self._asker = threading.get_ident()
        self._snapshots, self._reading = 0, web.edge.models.reading
        web.edge.models.reading = self._in_a_snapshot
        for name in READS:
            setattr(web.edge.store, name, self._watched(getattr(web.edge.store, name)))

    def _watched(self, read: Callable[..., Any]) -> Callable[..., Any]:
        def watched(ledger: str | bytes, *args: Any, **named: Any) -> Any:
            found = read(ledger, *args, **named)
            own = ledger in ("main", self.web.edge.store.id_of("main"))
            if own and self.left and threading.get_ident() == self._asker:
                left, self.left = self.left, 0
                self.record()
                self.left = left - 1
            return found

        return watched

    @contextmanager
    def _in_a_snapshot(self, *which: str) -> Iterator[Any]:
        self._snapshots += 1
        try:
            with self._reading(*which) as found:
                yield found
        finally:
            self._snapshots -= 1

    def record(self) -> None:
        """One commit, a second later; the read models follow, unless they are being read: in
        memory, that keeps them where they are."""
        self.number += 1
        self.time.pass_by(1)
        results = self.web.ledger().handle_many(
            [(command, whose) for whose, command in _more(self.number)])
        assert sum(isinstance(result, Receipt) for result in results) == len(results) - 1, results
        if not self._snapshots:
            self.web.edge.models.catch_up("main")


def _more(number: int) -> list[tuple[Context, Command]]:
    """Something of each kind; one payment is refused."""
    name, when = f"more-{number}", at("2026-10-06") + timedelta(minutes=number)
    leave = (date(2099, 1, 1) + timedelta(days=number)).isoformat()
    staff: list[tuple[str, Command]] = [
        (WANG, RequestLeave(member=WANG, number=name, days=[leave], occurred_at=NOON)),
        (LI, RecordAttendance(member=WANG, day="2026-10-05", kind="late", minutes=number,
                              occurred_at=when)),
        (LI, CorrectAttendance(member=WANG, month="2026-10", number=number, reason="no",
                               occurred_at=when)),
        (CHEN, SetRoster(roster="desk", since="2026-01-01", occurred_at=NOON, shifts=[
            Shift(name=name, start="09:00", end="16:30", members=[WANG])])),
        (ZHOU, propose(name, code="R3", about=stream(name))),
        (CHEN, reopen(occurred_at=when)),
        (WANG, grade(WANG, "second", grades={"work/1": str(number % 90)}, occurred_at=when)),
        (CHEN, restate(occurred_at=when)),
        ("system", published(rule(name, {"offender": ["1", "1"]}), since="2099-01-01"))]
    shop: list[Command] = [
        remarked(text=name), place(name), pay(name), sell(f"{name}-s"), received(quantity=1),
        pay(f"{name}-unknown"), _case(name)]
    return [*((CONTEXT, one) for one in shop),
            *((context(actor=actor), one) for actor, one in staff)]


def _case(number: str) -> RequestCase:
    return RequestCase(channel=CHANNEL, shop=SHOP, number=number, currency="CNY", order=stream(),
                       kind="refund_only", refund_minor=1, occurred_at=NOON)


@pytest.fixture
def meanwhile(web: Web, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """A shop in which everything is there that can be asked for."""
    time = Time()
    time.wall = Clock().wall()  # it began by the computer's
    monkeypatch.setattr(runtime, "clock_of", lambda *_: time.clock())
    ledger = web.ledger()
    put(ledger, opened(), received(quantity=1000, number="M1"), CountStock(
            warehouse=HOUSE, number="C1", occurred_at=NOON,
            counts=[CountLine(sku="SH-001", quantity=1000)]), sell("1"), pay("1"), _case("1"),
        OpenWarehouse(name="two", occurred_at=NOON), RegisterSku(sku="SH-001", occurred_at=NOON),
        SendTransfer(number="T1", source=HOUSE, target="two", occurred_at=NOON,
                     lines=[Sending(sku="SH-001", quantity=1)]))
    record(ledger, [*OPENING, *CHARGED, *SEALED])
    web.edge.models.catch_up("main")
    sign(ledger, web.edge.models, CHEN)
    for role in ("auditor", "manager"):
        web.token(role)
    found = Meanwhile(web, time)
    found.record()
    return found


def queries(web: Web) -> dict[str, set[str]]:
    """What each route can be asked by, as the API describes itself."""
    told = web.app.extensions["description"].spec
    return {path.replace("{", "<").replace("}", ">"): {
        given["name"] for one in found.get("get", {}).get("parameters", [])
        if (given := resolved(told, one))["in"] == "query"}
        for path, found in told["paths"].items()}


def addresses(web: Web) -> list[tuple[str, str]]:
    """Every route that can be asked as of a moment, in every form, with a role that may."""
    found, known = [], queries(web)
    for route, endpoint in rules(web):
        if route in TIMELESS:
            continue
        role = next(one for one in ("manager", "auditor") if one in PERMITS[endpoint])
        asked = {"day": "2026-10-05"} if route in DAYS else {}
        asked |= {"month": "2026-10"} if route in MONTHS else {}
        asked |= {"limit": "500"} if "limit" in known[route] else {}
        address = filled(route, web).replace(quote("member:service"), quote(WANG))
        address += f"{'&' if '?' in address else '?'}{urlencode(asked)}"
        found.append((address, role))
        if route == "/v1/audit":
            found += [(f"{address}&{urlencode(more)}", role) for more in (
                {"subject": stream()}, {"subject": "sku:SH-001"}, {"type": "order.remarked.v1"},
                {"actor": WANG}, {"format": "ndjson"}, {"format": "csv"}, {"format": "xlsx"})]
    return found


def ask(web: Web, address: str, role: str, **asked: str) -> TestResponse:
    """An answer."""
    found = web.client.get(f"{address}&{urlencode(asked)}", headers=web.headers(role, "main", {}))
    assert found.status_code == 200, (address, found.text)
    return found


def said(answer: TestResponse) -> Any:
    """What an answer says, but for where the log ends now, and how old an order is by now."""
    if answer.content_type != "application/json":
        return answer.data
    found = answer.json
    assert found is not None
    for row in found.get("items", ()):
        row.pop("age_minutes", None)
    return {**found, "as_of": {name: found["as_of"][name] for name in (
        "position", "recorded_at")}, "next": None}


@in_memory
def test_routes__take_a_moment_or_are_known_to_take_none(web: Web) -> None:
    known = queries(web)
    assert {route for route, _ in rules(web) if "position" not in known.get(route, ()) or
            route == "/v1/log/root"} == TIMELESS


@in_memory
def test_closed__answers_of_every_route_never_change(web: Web, meanwhile: Meanwhile) -> None:
    """Whichever of the times between two commits is asked about, while those are made."""
    final = 0
    for address, role in addresses(web):
        if "format=" in address:
            continue
        for number in STEPS:
            time = rfc3339(from_us(meanwhile.time.wall + number * SECOND + SECOND // 2))
            meanwhile.left = number + 2
            answer = ask(web, address, role, recorded_as_of=time)
            meanwhile.left = 0
            assert answer.json is not None
            if not answer.json["as_of"]["open"]:
                final += 1
                again = ask(web, address, role, recorded_as_of=time)
                assert said(again) == said(answer), (address, number)


@in_memory
def test_now__answers_of_every_route_are_those_of_their_own_position(
    web: Web, meanwhile: Meanwhile
) -> None:
    for address, role in addresses(web):
        meanwhile.left = BETWEEN
        answer = ask(web, address, role)
        meanwhile.left = 0
        position = answer.headers["Ledger-Position"].partition(":")[0]
        if answer.content_type == "application/json":
            assert answer.json is not None
            assert answer.json["as_of"]["position"] == int(position), address
        again = ask(web, address, role, position=position)
        assert said(again) == said(answer), address


@in_memory
def test_person__answers_are_of_the_position_that_they_name(
    web: Web, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are held and let go, and what they stand in grows, while the answers are made."""
    ledger = web.ledger()
    person = persons_of(ledger.store, ledger.keys, stream())[0]
    held_at = {ledger.head().position: False}
    record_more = meanwhile.record

    def record() -> None:
        record_more()
        held = not held_at[max(held_at)]
        of = HoldPerson(person=person, reason="x", occurred_at=NOON) if held else LiftPersonHold(
            person=person, occurred_at=NOON)
        held_at[ledger.handle(of, CONTEXT).position] = held

    def asked(path: str, left: int) -> tuple[int, dict[str, Any]]:
        meanwhile.left = left
        answer = web.client.get(path, headers=web.headers("manager", "main", {}))
        meanwhile.left = 0
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        assert answer.headers["Ledger-Position"].partition(":")[0] == str(
            answer.json["as_of"]["position"])
        return answer.json["as_of"]["position"], answer.json["item"]

    monkeypatch.setattr(meanwhile, "record", record)
    one, grown = f"/v1/persons/{person}", list[bool]()
    for left in range(1, BETWEEN + 1):
        position, status = asked(one, left)
        assert status["held"] == held_at[max(at for at in held_at if at <= position)], left
        position, shown = asked(f"{one}/events", left)
        _, later = asked(f"{one}/events", 0)
        assert shown["events"] == [
            event for event in later["events"] if event["position"] <= position], left
        grown.append(len(later["events"]) > len(shown["events"]))
    assert any(grown), "something was recorded while an answer was made"
