"""Who may see what: two shops differ in nothing but what is confidential, and whoever may not see
that is answered the same in both, whatever they ask and send.

What an answer does not depend on, it cannot tell: not by a row or a value, nor by a number of rows,
an ETag, a cursor, an order of rows, what a search finds, or the words of a refusal.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import urlencode

import pytest

from api.http.reading import STAFF_READERS, SUMS_READERS
from api.http.routes import PERMITS, PUBLIC, READERS
from api.log import EVIDENCE
from api.orders import SLIP, TAKINGS, WORKERS
from api.people import WHOLE
from ledger.settings import Settings
from tests.support.fullness import MONEY, STAFF, WORDS, Told, commands, fill, said
from tests.support.routes import filled, rules
from tests.support.team import ZHOU
from tests.support.web import Web

Kind = Mapping[str, Collection[str]]
"""By route, the roles whose answers may say what is confidential."""

HEADED = ("/v1/attendance", "/v1/attendance/<subject>", "/v1/leaves", "/v1/leaves/<subject>",
          "/v1/rosters", "/v1/rosters/<subject>", "/v1/shifts", "/v1/shifts/<subject>")
OF_STAFF = ("/v1/appeals", "/v1/decisions", "/v1/deductions", "/v1/deductions/<deduction>",
            "/v1/deductions/<deduction>/history", "/v1/grading", "/v1/members",
            "/v1/members/<subject>",
            "/v1/orders/<order>/history", "/v1/score-history", "/v1/score-history/<subject>",
            "/v1/scores",
            "/v1/scores/<member>/explain")
ONE_BY_ONE = ("/v1/orders/<order>", "/v1/orders/<order>/explain", "/v1/orders/<order>/history",
              "/v1/returns/<case>", "/v1/returns/<case>/history")
TRIAL = tuple(f"/v1/subjects/<subject>/{what}" for what in ("differences", "facts", "steps"))
OF_LOG = dict.fromkeys(("/v1/audit", "/v1/differences"), EVIDENCE)
PERSON = {"/v1/persons/<person>/events": {"manager"}}

KINDS: Mapping[str, tuple[Told, Kind]] = {
    "staff": (STAFF, {**dict.fromkeys(HEADED, WHOLE - {"service"}),
                      **dict.fromkeys(OF_STAFF, STAFF_READERS), **OF_LOG}),
    "words": (WORDS, {
        **dict.fromkeys(("/v1/orders/<order>", "/v1/fulfilment", "/v1/exceptions"), WORKERS),
        **dict.fromkeys(("/v1/appeals", "/v1/decisions"), STAFF_READERS),
        **dict.fromkeys(("/v1/leaves", "/v1/leaves/<subject>"), WHOLE - {"service"}),
        "/v1/audit": EVIDENCE, **PERSON}),
    "money": (MONEY, {
        **dict.fromkeys(ONE_BY_ONE, READERS), **dict.fromkeys(
            ("/v1/reconciliation", "/v1/reconciliations/<subject>", "/v1/revenue", "/v1/takings"),
            TAKINGS),
        **dict.fromkeys(TRIAL, EVIDENCE), "/v1/explanations/<report>": EVIDENCE,
        **dict.fromkeys(("/v1/orders", "/v1/returns"), SUMS_READERS), **OF_LOG,
        **PERSON}),
}
"""What is confidential, and to whom it is shown where: exactly there, and to nobody else."""

ASKED = {"/v1/members": {"day": "2026-09-28"}, "/v1/shifts": {"day": "2026-09-28"},
         "/v1/attendance": {"month": "2026-09"}}
"""What is asked besides; of a subject as of all."""

Make = Callable[[Told], Web]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes a shop with what is confidential."""
    made: list[Web] = []

    def making(told: Told) -> Web:
        made.append(web := shop(told))
        return web

    yield making
    for web in made:
        web.close()


def shop(told: Told) -> Web:
    """A shop with what is confidential."""
    web = Web(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    fill(web, told=told)
    return web


@pytest.fixture(scope="module")
def one() -> Iterator[Web]:
    """The shop that others are held against, for tests that only read."""
    web = shop(Told())
    yield web
    web.close()


def address_of(rule: str, web: Web, **more: str) -> str:
    """The address of a route, and what is asked."""
    address = filled(rule, web).replace("member%3Aservice", "member%3Awang")
    asked = {**ASKED.get(rule.removesuffix("/<subject>"), {}), **more}
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}" if asked else address


def routes(web: Web) -> Iterator[tuple[str, list[str]]]:
    """Every route that is no one's to read without a key, and the roles that may."""
    for rule, endpoint in rules(web):
        if PERMITS[endpoint] != PUBLIC:
            yield rule, sorted(PERMITS[endpoint])


def positioned(web: Web) -> set[str]:
    """The routes that can be asked as of a position."""
    paths = web.app.extensions["description"].spec["paths"]
    return {path.replace("{", "<").replace("}", ">") for path, told in paths.items()
            if any("position" in one.get("$ref", "") for one in told.get("get", {}).get(
                "parameters", ())) and path != "/v1/log/root"}


@pytest.mark.parametrize("kind", KINDS)
def test_reads__say_nothing_confidential_but_to_whom_it_is_shown(
    kind: str, make: Make
) -> None:
    """R-ACC-13. As of now for every second role, and as of the past for the others. Neither shop
    was asked before: an answer that is kept costs nothing, and says so in its headers."""
    told, shown = KINDS[kind]
    one, other = make(Told()), make(told)
    past = {"position": str(one.edge.store.head("main").position - 1)}
    found, dated = defaultdict(set), positioned(one)
    read = dict(routes(one))
    for rule, roles in read.items():
        for role, clock in zip(roles, itertools.cycle(({}, past)), strict=False):
            if differ((one, other), role, lambda web: address_of(
                    rule, web, **(clock if rule in dated else {}))):  # noqa: B023
                found[rule].add(role)
    assert {rule: sorted(roles) for rule, roles in found.items()} == {
        rule: sorted(set(roles) & set(read[rule])) for rule, roles in shown.items()}


def differ(webs: Collection[Web], role: str, address: Callable[[Web], str]) -> bool:
    """Whether a role is answered differently in two shops."""
    first, second = (said(web.get(address(web), role)) for web in webs)
    return first != second


@pytest.mark.parametrize("form", ["ndjson", "csv", "xlsx"])
def test_exports__are_for_those_who_read_evidence(form: str, one: Web) -> None:
    for role in READERS | {"admin", "member"}:
        answer = one.get(f"/v1/audit?format={form}", role)
        assert (answer.status_code == 200) == (role in EVIDENCE), role


def test_reads__of_one_member_say_nothing_of_another(make: Make) -> None:
    """A dispatcher who heads nobody: of the two agents they read nothing."""
    one, other = make(Told()), make(STAFF)
    tokens = [web.token("warehouse", owner=ZHOU) for web in (one, other)]
    asked = 0
    for rule, roles in routes(one):
        if "warehouse" in roles:
            answers = [said(web.client.get(address_of(rule, web), headers={
                "Authorization": f"Bearer {token}"}))
                for web, token in zip((one, other), tokens, strict=True)]
            assert answers[0] == answers[1], rule
            assert '"digest"' not in answers[0][2], rule
            asked += 1
    assert asked > 40


BEYOND = {"staff": STAFF_READERS | {"warehouse_head"}, "words": WORKERS | SLIP,
          "money": SUMS_READERS}
"""Who may be told what by what they send: a thing is answered as its own address answers."""


@pytest.mark.parametrize("kind", KINDS)
def test_writes__say_nothing_confidential(kind: str, make: Make) -> None:
    """Nor do previews, refusals, and things that come with a receipt. One order and one case are
    shown whole to whoever may write to them."""
    one, other = make(Told()), make(KINDS[kind][0])
    asked = 0
    for number, pair in enumerate(zip(list(commands(one)), list(commands(other)), strict=True)):
        endpoint, hows = pair[0].endpoint, ("",) if pair[0].reads else ("?preview=true", "")
        whole = kind == "money" and endpoint.startswith(("orders", "returns"))
        for role, how in itertools.product(sorted(PERMITS[endpoint] - BEYOND[kind]), hows):
            answers = [said(web.post(f"{each.address}{how}", each.body, role,
                                     key=f"{number}{role}", Prefer="return=representation",
                                     **each.seen))
                       for web, each in zip((one, other), pair, strict=True)]
            asked += 1
            assert answers[0] == answers[1] or (whole and not how), (endpoint, role, answers)
    assert asked > 50


@pytest.mark.parametrize("kind", KINDS)
def test_previews__differ_for_who_may_see(kind: str, make: Make) -> None:
    """The shops do differ in what is sent about here: whoever may see it does."""
    webs = [make(Told()), make(KINDS[kind][0])]
    sent = {"staff": "people.roster-set_day", "words": "orders.slip",
            "money": "orders.order-pay"}[kind]
    role = "warehouse" if kind == "words" else "manager"
    pairs = [next(one for one in commands(web) if one.endpoint == sent) for web in webs]
    first, second = (
        said(web.post(each.address + ("" if each.reads else "?preview=true"), each.body, role))
        for web, each in zip(webs, pairs, strict=True))
    assert (first[0], second[0]) == (200, 200)
    assert first != second
