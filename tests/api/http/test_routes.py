"""Rights over a socket: each role's key at each route, and what no answer tells whom.

docs/rights.md is held against the running server: what it grants is not 403, what it does not is.
Answers, problems and previews are searched for what only some may read: marks that stand nowhere
but in the records of one member, in the sums of one order, and in what is sealed.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import pytest

from api.http.reading import STAFF_READERS, SUMS_READERS
from api.http.routes import READERS
from api.http.writing import ROUTES
from ledger.access.keys import ROLES
from ledger.core.commands import OnStream
from ledger.people.commands import RecordAttendance, RequestLeave
from ledger.settings import Settings
from tests.support import samples, source
from tests.support.bodies import WHEN, at, order, stocked
from tests.support.builders import CONTEXT, context, stream
from tests.support.serving import Served
from tests.support.team import JOINED, MONTH, appeal, confirm, grade, printed, propose
from tests.support.team import at as noon
from tests.support.web import Web

POSTS = {"service": "customer_service", "warehouse": "dispatcher",
         "warehouse_head": "warehouse_head", "purchasing": "purchasing", "finance": "finance",
         "operations": "designer", "member": "trainer", "auditor": "supervision",
         "reviewer": "appraisal_committee", "manager": "shop_manager"}
"""The post of each key's owner; those of other roles hold none."""

ACCUSED, HEAD, ROSTER = "member:accused", "member:their-head", "roster:nights"
OF_STAFF = ("deduction:secret-7", "CS-ONLINE-STATUS", "2026-01-07", HEAD, "61.3", "was it me",
            "leave-m1", "fever", "2026-09-09", "it is confirmed")
"""What records of the accused say: a deduction and its rule, the day on which they joined, who
heads them, a grade, an appeal, leave and its reason, and a day on which they were late."""

PLANS = {"warehouse_head": {"leave-m1", "2026-09-09", "fever"}}
"""What of these is for those who plan for everybody, too."""

OFFICE = {"admin": {"2026-01-07"}}
"""What is for those who say when somebody joined."""

SUMS = ("7654321", "1234567")
BUYER = "某先生"

SHOWS_IT = {"/v1/orders/<order>/slip"}
"""Routes that open what is sealed for a buyer, for whoever packs and speaks with them."""

PUBLISHED = {"/v1/policies", "/v1/policy-differences", "/v1/openapi.json"}
"""Routes that name rules, and nobody by them."""

NAMES = {"order": stream(), "case": stream().replace("order:", "case:"), "member": ACCUSED,
         "deduction": "deduction:secret-7", "month": MONTH, "number": "leave-m1", "job": "x",
         "name": "dispatch", "code": "not_found", "person": "person:nobody",
         "subject": "stock:main:SH-001"}
SUBJECTS = {"posts": ACCUSED, "members": ACCUSED, "attendance": ACCUSED, "leaves": ACCUSED,
            "rosters": ROSTER, "shifts": ROSTER}

QUERIES = {
    "/v1/log/root": "position=1", "/v1/deadlines/<name>": "start=2026-09-15T10:00:00Z",
    "/v1/policy-differences": "before=1&after=2", "/v1/search": "q=secret-7",
    "/v1/subjects/<subject>/turns": "condition=paid_minor",
    **dict.fromkeys(("/v1/grading", "/v1/score-warnings", "/v1/scores",
                     "/v1/scores/<member>/explain"), f"month={MONTH}")}
"""What is asked of routes that answer nothing without."""


FACTS = (
    ("member:manager", propose("secret-7", "CS-ONLINE-STATUS", offender=ACCUSED, evidence=[1],
                               about=stream())),
    ("member:reviewer", confirm("secret-7")),
    (ACCUSED, appeal("secret-7", reason="was it me")),
    ("member:reviewer", grade(ACCUSED, "committee", post="customer_service",
                              grades={"pre_sale/1": "61.3"})),
    (HEAD, RecordAttendance(member=ACCUSED, day="2026-09-09", kind="late", minutes=9,
                            occurred_at=noon("2026-09-10"))),
    (ACCUSED, RequestLeave(member=ACCUSED, number="leave-m1", days=["2026-09-21"], reason="fever",
                           occurred_at=noon("2026-09-12"))))
"""What is recorded of the accused, and by whom."""


_numbers = itertools.count()


DEARER = {"title": "dearer", "sections": {"rules": [{
    "code": "CS-ONLINE-STATUS", "posts": ["customer_service"], "zh": "在线", "en": "online",
    "per": "occurrence", "charges": {"offender": ["4", "4"]}}]}}
"""Rules that price what the accused did otherwise, so that a preview touches their deduction."""


class Asked(NamedTuple):
    """A request: what docs/rights.md calls it, and what is sent."""

    rule: str
    method: str
    path: str
    body: Any = None
    etag: str = ""


def granted() -> dict[str, set[str]]:
    """Which roles docs/rights.md grants which route."""
    found = {}
    for line in (source.ROOT / "docs/rights.md").read_text("utf-8").splitlines():
        if line.startswith("| `"):
            name, *cells = (cell.strip() for cell in line[1:-1].split("|"))
            found[name.strip("`")] = {
                role for role, cell in zip(ROLES, cells, strict=True) if cell}
    return found


def filled(rule: str) -> str:
    """The address of a route, of the accused and of the one order."""
    names = {**NAMES, "subject": SUBJECTS.get(rule.split("/")[-2], NAMES["subject"])}
    path = re.sub("<([^>]*)>", lambda found: quote(names.get(found[1], "x")), rule)
    return f"{path}?{QUERIES[rule]}" if rule in QUERIES else path


def recorded(web: Web) -> None:
    """A shop in which one member has a deduction, grades, leave and a head."""
    stocked(web)
    web.done("/v1/sales", order(warehouse="main", recipient=BUYER, amounts={
        "total_minor": 7654321}, lines=[{
            "line": "1", "sku": "SH-001", "quantity": 1, "unit_price": 7654321,
            "amount_minor": 7654321}]), "service")
    web.done(f"{at()}/payments", {"amount_minor": 7654321, "reference": "p1"}, "finance")
    web.done("/v1/returns", {"channel": "taobao", "shop": "云杉书店", "number": "1",
                             "currency": "CNY", "kind": "refund_only", "refund_minor": 1234567,
                             "order": stream(), "occurred_at": WHEN}, "service")
    ledger = web.ledger()
    for command in printed("rules", "scorecards"):
        ledger.handle(command, CONTEXT)
    for role, post in {**POSTS, "accused": "customer_service"}.items():
        who = {"accused": ACCUSED}.get(role, f"member:{role.replace('_', '-')}")
        web.done("/v1/members", {"member": who, "joined_on": {
            ACCUSED: "2026-01-07"}.get(who, JOINED)}, "admin")
        web.done("/v1/post-terms", {"member": who, "post": post, "since": {
            ACCUSED: "2026-01-07"}.get(who, JOINED)}, "admin")
    web.done("/v1/members", {"member": HEAD, "joined_on": JOINED}, "admin")
    web.done("/v1/post-terms", {"member": HEAD, "post": "customer_service_head",
                                "since": JOINED}, "admin")
    web.done(f"/v1/members/{ACCUSED}/supervisors", {"supervisor": HEAD, "since": "2026-01-07"},
             "admin")
    web.done("/v1/rosters", {"roster": "nights", "since": "2026-01-08", "shifts": [
        {"name": "late", "start": "16:00", "end": "23:00", "members": [ACCUSED]}]})
    for who, command in FACTS:
        ledger.handle(command, context(actor=who))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, str]]]:
    """The shop on a free port, with a key of each role."""
    folder = tmp_path_factory.mktemp("rights")
    web = Web(Settings(database_url=f"sqlite:///{folder}/ledger.db",
                       keys_url=f"sqlite:///{folder}/ledger.keys.db",
                       master_key_file=folder / "ledger.master.key"))
    recorded(web)
    tokens = {role: web.token(role) for role in ROLES}
    web.close()
    found = Served(folder)
    found.start()
    yield found, tokens
    found.stop()


def requests() -> Iterator[Asked]:
    """Every route of docs/rights.md: what is read; and what is sent, unsound and as a preview, so
    that nothing is recorded."""
    commands = {route.path: route for route in ROUTES}
    for name in granted():
        method, rule = name.split()
        path = filled(rule)
        if method == "GET":
            yield Asked(rule, method, path)
        elif (route := commands.get(rule)) is None:
            yield Asked(rule, method, path, {"purpose": "pack"})
        else:
            yield Asked(rule, method, path, {"no_such_field": 1})
            body = {name: _meant(name, value) for name, value in samples.fitting(
                route.command).items() if name not in (*route.given, "expected_version")}
            versioned = issubclass(route.command, OnStream)  # others take no If-Match
            for etag in ('"1"', '"2"', '"3"') if versioned else ("",):
                yield Asked(rule, method, f"{path}?preview=true", body, etag)


def _meant(name: str, value: Any) -> Any:
    """A sample of a field, made to be about the accused, the order and the case, where it can be.
    """
    named = {**NAMES, "offender": ACCUSED, "absent": ACCUSED, "roster": "nights", "shift": "late",
             "post": "customer_service", "sheet": "second", "rule": "CS-ONLINE-STATUS",
             "about": stream(), "since": "2026-09-01", "day": "2026-09-09", "evidence": [1],
             "renews": "deduction:secret-7", "grades": {"pre_sale/1": "5"}, "policy": DEARER,
             "effective_from": JOINED}
    if name == "shifts":
        return [{"name": "late", "start": "16:30", "end": "24:00", "members": [ACCUSED]}]
    if name in ("number", "month"):
        return {"number": value, "month": MONTH}[name]
    return named.get(name, value)


def answered(served: Served, token: str, asked: Asked) -> tuple[int, str]:
    """The status of an answer, and all that it says."""
    more = {"If_Match": asked.etag} if asked.etag else {}
    status, body = served.request(asked.method, asked.path, asked.body, key=token,
                                  Idempotency_Key=f"k{next(_numbers)}", **more)
    return status, body.decode("utf-8", "replace") if isinstance(body, bytes) else orjson.dumps(
        body).decode()


def told(role: str, asked: Asked, said: str) -> set[str]:
    """What an answer tells a role that it may not know: nothing that it names itself is told."""
    sent = f"{asked.path} {orjson.dumps(asked.body).decode()}".replace("%3A", ":")
    hidden: set[str] = set()
    if role not in STAFF_READERS and asked.rule not in PUBLISHED:
        hidden |= set(OF_STAFF) - PLANS.get(role, set()) - OFFICE.get(role, set())
    one = "<order>" in asked.rule or "<case>" in asked.rule
    if role not in SUMS_READERS and not (one and role in READERS):
        hidden |= set(SUMS)
    if asked.rule not in SHOWS_IT:
        hidden.add(BUYER)
    return {mark for mark in hidden if mark in said and mark not in sent}


@pytest.mark.parametrize("role", ROLES)
def test_rights__every_route_is_what_the_page_says_and_tells_nobody_more(
    role: str, served: tuple[Served, dict[str, str]]
) -> None:
    server, tokens = served
    permitted, wrong, leaks = granted(), [], []
    for asked in requests():
        status, said = answered(server, tokens[role], asked)
        may = role in permitted[f"{asked.method} {asked.rule}"]
        # A request that is not understood is refused before anything could be told.
        if may == (status == 403) or status == 400 or status >= 500:
            wrong.append((asked.rule, status, said[:200]))
        leaks += [(asked.method, asked.path, mark, said[:600]) for mark in told(role, asked, said)]
    assert not wrong
    assert not leaks


def test_rights__marks_are_told_to_those_who_may_know(
    served: tuple[Served, dict[str, str]]
) -> None:
    """What is searched for above is there to be found."""
    server, tokens = served
    said = "".join(answered(server, tokens["manager"], asked)[1] for asked in requests()
                   if asked.method == "GET" or asked.rule == "/v1/deductions")
    slip = Asked("/v1/orders/<order>/slip", "POST", f"{at()}/slip", {"purpose": "pack"})
    said += answered(server, tokens["warehouse"], slip)[1]
    assert [mark for mark in (*OF_STAFF, *SUMS, BUYER) if mark not in said] == []
