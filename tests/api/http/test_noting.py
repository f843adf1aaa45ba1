"""Notes of who read: made before the answer, of what has to be, and holding no value."""

import json
import logging
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.http.noting import notes_of
from api.http.reading import NoQuery, PageQuery
from api.http.routes import PERMITS, PUBLIC, Parser, filters
from api.http.writing import ROUTES
from ledger.access.readings import PERSONS, NoteReading
from ledger.common.values import NAME_BYTES, subject
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.sqlite import SqliteStore
from ledger.log.store import SUFFIX, Store
from ledger.settings import Settings
from tests.conftest import durable, on_sqlite
from tests.support.bodies import WHEN, at, order, stocked
from tests.support.builders import CHANNEL, CONTEXT, stream
from tests.support.refusing import refusing
from tests.support.routes import SUBJECTS, filled, of_api, rules
from tests.support.thorough import tried
from tests.support.web import Web, problem

SHOP = "，" * 100
LONGEST = "9" * (NAME_BYTES - len(subject("order", CHANNEL, SHOP, "")))
"""The longest number of an order of such a shop."""

WRITTEN = {"/v1/orders/<order>", "/v1/fulfilment", "/v1/exceptions"}
"""Routes that open what people wrote, for whoever works on orders."""

STAFF = {
    "/v1/appeals", "/v1/attendance", "/v1/attendance/<subject>", "/v1/decisions",
    "/v1/deductions", "/v1/deductions/<deduction>", "/v1/deductions/<deduction>/history",
    "/v1/grading", "/v1/leaves", "/v1/leaves/<subject>", "/v1/members", "/v1/members/<subject>",
    "/v1/months", "/v1/months/<month>/scores.xlsx", "/v1/posts", "/v1/posts/<subject>",
    "/v1/rosters", "/v1/rosters/<subject>", "/v1/score-history", "/v1/score-history/<subject>",
    "/v1/score-warnings",
    "/v1/scores", "/v1/scores/<member>/explain", "/v1/shifts", "/v1/shifts/<subject>"}
EVIDENCE = {"/v1/audit", "/v1/differences", "/v1/refusals", "/v1/events/<position>",
            "/v1/explanations/<report>", *(
    f"/v1/subjects/<subject>/{what}" for what in ("differences", "facts", "steps", "turns"))}
MONEY = {"/v1/orders", "/v1/reconciliation", "/v1/reconciliations/<subject>", "/v1/returns",
         "/v1/revenue", "/v1/takings"}
PERSONS_SHOWN = {"/v1/imports/<job>/rows", "/v1/persons/<person>/events"}
FINDING = "/v1/persons/find"
"""It is sent as a command is, so that no address holds an account, and reads."""

SLIP = "/v1/orders/<order>/slip"
"""What it is read for is sent."""

SUPPOSED = {f"/v1/subjects/<subject>/hypothesis{what}" for what in ("", "/steps")}
"""Commands are sent, and none is recorded."""

SENT = {FINDING, SLIP, *SUPPOSED, "/v1/imports"}
"""Routes to which something else than a command is sent."""

OPEN = {
    "/v1/alerts", "/v1/bins", "/v1/bins/<subject>", "/v1/deadlines/<name>",
    "/v1/discrepancies", "/v1/docs", "/v1/docs/<name>",
    "/v1/imports/<job>", "/v1/imports/<job>/faults", "/v1/imports/<job>/warnings", "/v1/inventory",
    "/v1/inventory/<subject>", "/v1/log/head", "/v1/log/root", "/v1/openapi.json",
    "/v1/orders/<order>/explain", "/v1/orders/<order>/history", "/v1/persons/<person>",
    "/v1/policies", "/v1/policy-differences", "/v1/prices/<subject>", "/v1/problems/<code>",
    "/v1/returns/<case>", "/v1/returns/<case>/history", "/v1/stock-cards/<subject>",
    "/v1/stock-ledger", "/v1/stock/<subject>/explain", "/v1/stock/<subject>/history",
    "/v1/to-approve", "/v1/to-pick", "/v1/to-review", "/v1/to-send", "/v1/transfers",
    "/v1/imports", "/v1/policies/<version>", "/v1/search", "/v1/skus", "/v1/skus/<subject>",
    "/v1/stock-counts/<subject>", "/v1/stock-movements/<movement>", "/v1/sent-transfers",
    "/v1/transfers/<subject>", "/v1/warehouses", "/v1/warehouses/<subject>"}
"""Routes whose readers are not noted: goods, single orders and cases, whose sealed texts they mask,
what was decided about erasing an id, rules, and how the log and imports stand. A search is noted
only where it finds a record of staff."""

RULES = [{"code": "LATE", "posts": ["customer_service"], "zh": "慢", "en": "late",
          "per": "occurrence", "charges": {"offender": ["1", "3"]}}]


def staffed(web: Web) -> None:
    """A member with a post, a shift, leave that was asked for, and a deduction."""
    web.done("/v1/policies", {"policy": {"title": "ours", "sections": {"rules": RULES}},
                              "effective_from": "2026-01-01"}, "admin")
    web.done("/v1/members", {"member": "member:service", "joined_on": "2026-01-01",
                             "name": "王芳"}, "admin")
    web.done("/v1/post-terms", {"member": "member:service", "post": "customer_service",
                                "since": "2026-01-01"}, "admin")
    web.done("/v1/rosters", {"roster": "desk", "since": "2026-01-01", "shifts": [
        {"name": "early", "start": "09:00", "end": "16:30", "members": ["member:service"]}]})
    web.done("/v1/members/member:service/leaves", {"number": "L", "days": ["2099-01-05"],
                                                   "reason": "去看病"}, "service")
    web.done("/v1/deductions", {"number": "1", "rule": "LATE", "about": "day:2026-09-03",
                                "evidence": [1], "breached_at": "2026-09-03T12:00:00+08:00",
                                "offender": "member:service", "note": "太慢"}, "warehouse")


def held(web: Web) -> None:
    """A shop with an order that is held, for a reason and with an exception."""
    stocked(web)
    web.done("/v1/sales", order(warehouse="main"), "service")
    web.done(f"{at()}/exceptions", {"exception": "e", "kind": "buyer_remark", "note": "要发票"},
             "service")
    web.done(f"{at()}/holds", {"reason": "改地址"}, "service")


def notes(store: Store) -> list[dict[str, Any]]:
    """The payloads of the notes in the ledger of keys and readings."""
    return [json.loads(one.payload) for one in store.read("main" + SUFFIX)
            if one.type == "reading.noted.v1"]


def test_routes__are_all_known_to_be_noted_or_not(web: Web) -> None:
    """A new route has to be one or the other."""
    known = [WRITTEN, STAFF, EVIDENCE, MONEY, PERSONS_SHOWN, OPEN]
    assert {rule for rule, _ in rules(web)} == set().union(*known)
    assert sum(map(len, known)) == len(set().union(*known))
    sent = {rule.rule for rule in of_api(web.app)
            if rule.rule.startswith("/v1/") and "POST" in (rule.methods or ())}
    assert sent - {route.path for route in ROUTES} == SENT


@durable
def test_reading__rejected_where_it_cannot_be_noted_and_nothing_else_is(
    web: Web, settings: Settings
) -> None:
    """R-ACC-05. Every route that is noted, in every form; all others answer, and work goes on."""
    held(web)
    staffed(web)
    for role in ("service", "manager", "auditor"):
        web.token(role)
    before = notes(web.edge.store)
    refused = 0
    with refusing(settings, web.edge.store.id_of("main" + SUFFIX)):
        for rule, endpoint in rules(web):
            role = "service" if rule in WRITTEN else next(
                (one for one in ("auditor", "manager", "service") if one in PERMITS[endpoint]), "")
            assert role or PERMITS[endpoint] == PUBLIC
            answer = web.get(filled(rule, web), role or "auditor")
            if rule in OPEN:
                assert answer.status_code in (200, 400, 404), (rule, answer.text)
                continue
            found = problem(answer, 503, "reading_not_noted")
            assert found["rule"] == "R-ACC-05"
            assert "What needs none can be read." in found["detail"]
            assert not re.search("改地址|要发票|去看病|太慢|王芳", answer.text)
            refused += 1
        for form in ("ndjson", "csv", "xlsx"):
            problem(web.get(f"/v1/audit?format={form}", "auditor"), 503, "reading_not_noted")
        problem(web.post(FINDING, {"about": stream()}), 503, "reading_not_noted")
        for rule in WRITTEN:  # nothing is opened for these, so nothing is noted
            assert web.get(filled(rule, web), "auditor").status_code == 200, rule
        web.done("/v1/orders", order("2"), "service")
    assert refused == len(WRITTEN | STAFF | EVIDENCE | MONEY | PERSONS_SHOWN)
    assert notes(web.edge.store) == before
    assert web.get("/v1/audit", "auditor").status_code == 200


class _ReadOnly(Settings):
    """An installation whose log lies on media that cannot be written."""

    def open_store(self, *, prepare: bool = True) -> Store:
        return SqliteStore(Path(self.database_url.removeprefix("sqlite:///")), read_only=True,
                           kinds=ACCOUNT_KINDS)


@on_sqlite
def test_reading__rejected_on_read_only_media(web: Web, settings: Settings) -> None:
    held(web)
    sent = {role: web.headers(role, "main", {}) for role in ("service", "auditor")}
    web.close()
    other = Web(_ReadOnly(
        database_url=settings.database_url, keys_url=settings.keys_url,
        master_key_file=settings.master_key_file))
    try:
        for path in (at(), "/v1/exceptions"):
            problem(other.client.get(path, headers=sent["service"]), 503, "reading_not_noted")
            assert other.client.get(path, headers=sent["auditor"]).status_code == 200
        problem(other.client.get("/v1/audit", headers=sent["auditor"]), 503, "reading_not_noted")
        assert other.client.get("/v1/to-send", headers=sent["service"]).status_code == 200
    finally:
        other.close()


@durable
def test_note__is_durable_when_the_answer_comes(web: Web, settings: Settings) -> None:
    """Another process finds it, with what was asked for and whose values were opened."""
    held(web)
    asked = [(at(), "service"), ("/v1/exceptions?limit=5", "service"),
             (f"/v1/audit?format=ndjson&subject={quote(stream())}&actor=member:service",
              "auditor"),
             ("/v1/members?day=2026-10-01", "auditor"), ("/v1/reconciliation", "finance")]
    other = settings.open_store()
    try:
        for number, (path, role) in enumerate(asked, 1):
            assert web.get(path, role).status_code == 200
            assert len(notes(other)) == number
        *_, last = [one for one in other.read("main" + SUFFIX) if one.type == "reading.noted.v1"]
        assert (last.actor, last.role) == ("member:finance", "finance")
        found = notes(other)
        (person,) = found[0]["persons"]
        assert [(one["route"], one.get("filters", []), one.get("subjects", []),
                 one.get("persons", [])) for one in found] == [
            ("/v1/orders/<order>", [], [stream()], [person]),
            ("/v1/exceptions", ["limit"], [], [person]),
            ("/v1/audit", ["actor", "format", "subject"], [stream()], []),
            ("/v1/members", ["day"], [], []), ("/v1/reconciliation", [], [], [])]
        assert person.startswith("person:")
        about = [json.loads(one.subjects) for one in other.read("main" + SUFFIX)
                 if one.type == "reading.noted.v1"]
        assert {stream(), person} < set(about[0])
    finally:
        other.close()


@on_sqlite
def test_note__names_only_whose_values_are_on_the_page(web: Web) -> None:
    stocked(web)
    for number in ("1", "2"):
        web.done("/v1/sales", order(number, warehouse="main"), "service")
        web.done(f"{at(number)}/exceptions", {"exception": "e", "kind": "buyer_remark",
                                              "note": "要发票"}, "service")
    page = web.get("/v1/exceptions?limit=1", "service").json
    assert page is not None
    web.client.get(page["next"], headers=web.headers("service", "main", {}))
    first, second = (one["persons"] for one in notes(web.edge.store))
    assert (len(first), len(second)) == (1, 1)
    assert first != second


@on_sqlite
def test_note__takes_no_name_of_a_filter_from_the_client(web: Web) -> None:
    """A name that the code does not know could be anything, a value too."""
    stocked(web)
    web.done("/v1/orders", order(), "service")
    for rule, endpoint in rules(web):
        if rule in OPEN:
            continue
        role = next(one for one in ("auditor", "manager", "service") if one in PERMITS[endpoint])
        path, _, query = filled(rule, web).partition("?")
        answer = web.get(f"{path}?{quote('某先生')}=1&{query}", role)
        assert answer.status_code == 400, (rule, answer.text)
    answer = web.post(f"{FINDING}?{quote('某先生')}=1", {"about": stream()})
    assert answer.status_code == 400, answer.text
    assert notes(web.edge.store) == []


@hypothesis_settings(max_examples=tried(200))
@given(st.sets(st.text() | st.sampled_from(sorted(PageQuery().fields))))
def test_note__holds_only_names_of_filters_that_the_route_takes(names: set[str]) -> None:
    """Whether or not the request is refused for the others."""
    app, query = Flask("app"), urlencode(dict.fromkeys(names, "1"))
    for taken in (PageQuery(), NoQuery()):
        with app.test_request_context(f"/?{query}"):
            Parser().load_querystring(request, taken)
            assert filters() == names & set(taken.fields)
            (note,) = notes_of("/v1/audit", None, filters=filters(), persons=[], position=1)
            assert set(note.filters) == names & set(taken.fields)


@on_sqlite
def test_note__takes_nothing_from_the_client_that_the_ledger_does_not_know(web: Web) -> None:
    """A name and a number, written where a subject belongs, would stay in a note for ever."""
    held(web)
    staffed(web)
    asked = "张三丰13900001111"
    tried_at = 0
    for rule, endpoint in rules(web):
        role = next((one for one in ("auditor", "manager", "service")
                     if one in PERMITS[endpoint]), "")
        kind = SUBJECTS.get(rule.split("/")[2], "order:").partition(":")[0]
        for text in (asked, f"{kind}:{asked}", f"{stream()}:{asked}"):
            path = re.sub("<[^>]*>", quote(text), rule)
            for query in ({"position": "3"}, {"subject": text}, {"subject": text, "position": "3"}):
                if "<" in rule or "subject" in query:
                    web.get(f"{path}?{urlencode(query)}", role or "auditor")
                    tried_at += 1
    assert tried_at > 200
    kept = [column for one in web.edge.store.read("main" + SUFFIX) for column in one
            if isinstance(column, str | bytes)]
    assert not [column for column in kept if (asked if isinstance(column, str)
                                              else asked.encode()) in column]
    assert web.get("/v1/audit?subject=sku:SH-001", "auditor").status_code == 200
    assert notes(web.edge.store)[-1]["subjects"] == ["sku:SH-001"]


@hypothesis_settings(max_examples=tried(50))
@given(st.none() | st.text())
def test_note__can_be_made_whatever_is_asked_for(asked: str | None) -> None:
    (note,) = notes_of("/v1/orders/<order>", asked, filters=["limit"], persons=[], position=1)
    assert note.route == "/v1/orders/<order>"
    assert note.subjects in ([asked], [])


def test_note__of_many_persons_is_several() -> None:
    persons = [f"person:{number:020}" for number in range(2 * PERSONS + 1)]
    found = list(notes_of("/v1/exceptions", None, filters=[], persons=persons, position=1))
    assert [person for note in found for person in note.people] == persons
    assert len({note.reading for note in found}) == 3


def test_note__fits_the_log_with_all_that_it_can_hold(web: Web) -> None:
    persons = [f"person:{number:020}" for number in range(PERSONS)]
    (note,) = notes_of("/v1/exceptions", stream(), filters=["limit"], persons=persons, position=1)
    assert isinstance(note, NoteReading)
    web.token()
    assert web.edge.ledger("main" + SUFFIX).handle(note, CONTEXT).positions


@on_sqlite
def test_note__of_an_order_with_the_longest_name(web: Web) -> None:
    stocked(web)
    name = subject("order", CHANNEL, SHOP, LONGEST)
    web.done("/v1/sales", order(LONGEST, shop=SHOP, warehouse="main"), "service")
    address = f"/v1/orders/{quote(name)}"
    web.done(f"{address}/holds", {"reason": "改地址", "occurred_at": WHEN}, "service")
    assert web.get(address, "service").json["item"]["held"] == "改地址"  # type: ignore[index]
    assert web.get(f"/v1/audit?subject={quote(name)}&limit=5", "auditor").status_code == 200
    assert [(one["route"], one.get("filters", []), one["subjects"])
            for one in notes(web.edge.store)] == [
        ("/v1/orders/<order>", [], [name]), ("/v1/audit", ["limit", "subject"], [name])]


@on_sqlite
def test_note__refuses_no_read_of_any_route(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    """Each route with a subject, the longest that there can be and what cannot be one."""
    asked = 0
    with caplog.at_level(logging.ERROR):
        for rule, _ in rules(web):
            if "<" not in rule or "/docs/" in rule:
                continue
            kind = re.findall("<([^>]*)>", rule)[0].replace("subject", "member")
            longest = f"{kind}:{quote('，') * 200}"[:NAME_BYTES]
            for text in (longest, f"{longest}0", "１ \u200b"):
                path = re.sub("<[^>]*>", quote(text), rule)
                answer = web.get(path, "auditor")
                assert answer.status_code in (200, 400, 403, 404), (path, answer.text)
                asked += 1
    assert asked > 20
    assert caplog.records == []


@on_sqlite
def test_name__that_is_too_long_for_a_note_is_refused_where_it_is_made(web: Web) -> None:
    found = problem(web.post("/v1/orders", order(f"{LONGEST}9", shop=SHOP), "service"),
                    422, "invalid_values")
    assert [(fault["pointer"], fault["code"]) for fault in found["errors"]] == [
        ("/shop", "name_too_long")]
