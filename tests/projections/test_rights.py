"""Rights by post: whose key acts as what, whom a head sees, and what a history leaves out."""

import re
from typing import Any

import pytest

from api.cli.issuing import (
    OwnerIsLedger,
    OwnerUnknown,
    RoleNotOfPosts,
    held_by_none,
    issue,
    look,
)
from api.http.key_ring import KeyRing
from api.http.reading import SUMS_READERS
from api.http.routes import PERMITS, READERS
from ledger.access.keys import ROLES
from ledger.log.store import SUFFIX
from ledger.settings import Opened
from tests.conftest import on_sqlite
from tests.support.bodies import at, order, stocked
from tests.support.builders import CONTEXT, stream
from tests.support.routes import filled, rules
from tests.support.team import JOINED, printed
from tests.support.web import Web, problem

PAID, SUM = 100, r"_minor|unit_price|\b4990\b"
NOT_OF_THE_SHOP = {"/v1/openapi.json", "/v1/policies", "/v1/policy-differences"}
"""Routes that name sums, and tell none that was taken."""

CS, HEAD, OTHER, FLOOR = ("member:agent", "member:service", "member:other", "member:warehouse")


@pytest.fixture
def shop(web: Web) -> Web:
    """An agent and their head, one of another post, and somebody of the warehouse."""
    for command in printed("rules", "scorecards"):
        web.ledger().handle(command, CONTEXT)
    for who, post in ((CS, "customer_service"), (HEAD, "customer_service_head"),
                      (OTHER, "designer"), (FLOOR, "dispatcher")):
        web.done("/v1/members", {"member": who, "joined_on": JOINED}, "admin")
        web.done("/v1/post-terms", {"member": who, "post": post, "since": JOINED}, "admin")
    return web


def members(web: Web, path: str, role: str = "service") -> set[str]:
    """Of whom a list shows rows."""
    answer = web.get(path, role)
    assert answer.json is not None, answer.text
    return {row["member"] for row in answer.json["items"]}


def given_out(web: Web, owner: str, role: str) -> dict[str, Any]:
    """A key from the command line."""
    access = web.edge.ledger("main" + SUFFIX)
    return issue(Opened(access, web.edge.store, web.edge.keys), "main", CONTEXT, owner=owner,
                 role=role)


def look_again(web: Web, role: str) -> None:
    """Do not wait for the second after which the posts of a caller are looked up again."""
    who = web.edge.caller(web.token(role))
    assert who is not None
    web.edge.rights(who, fresh=True)


@on_sqlite
def test_rights__a_key_is_given_out_in_a_role_of_the_posts_of_its_owner(shop: Web) -> None:
    for owner, role in ((CS, "service"), (CS, "member"), (FLOOR, "warehouse"),
                        ("member:nobody", "auditor"), ("service:erp", "integration")):
        assert given_out(shop, owner, role)["role"] == role
    with pytest.raises(RoleNotOfPosts, match="dispatcher"):
        given_out(shop, FLOOR, "manager")
    with pytest.raises(OwnerUnknown):
        given_out(shop, "member:nobody", "finance")


@on_sqlite
def test_rights__a_key_opens_nothing_once_its_owner_has_left_the_post_or_the_shop(
    shop: Web,
) -> None:
    assert shop.get("/v1/orders", "service").status_code == 200
    shop.done("/v1/post-term-ends", {"member": HEAD, "post": "customer_service_head",
                                     "until": "2026-01-31"}, "admin")
    look_again(shop, "service")
    problem(shop.get("/v1/orders", "service"), 403, "role_not_held")
    shop.done("/v1/members/member:warehouse/departures", {"last_day": "2026-01-31"}, "admin")
    look_again(shop, "warehouse")
    problem(shop.get("/v1/orders", "warehouse"), 403, "role_not_held")


@on_sqlite
def test_rights__a_head_sees_and_plans_the_team_and_nobody_else(shop: Web) -> None:
    assert members(shop, "/v1/members") == {CS, HEAD}
    assert members(shop, "/v1/members", "warehouse") == {FLOOR}
    shift = {"name": "early", "start": "09:00", "end": "17:00", "members": [CS]}
    shop.done("/v1/rosters", {"roster": "cs", "since": JOINED, "shifts": [shift]}, "service")
    answer = shop.post("/v1/rosters", {"roster": "design", "since": JOINED, "shifts": [
        {**shift, "members": [OTHER]}]}, "service")
    problem(answer, 422, "not_the_head")
    late = {"day": "2026-09-08", "kind": "late"}
    seen = shop.post(f"/v1/members/{CS}/attendance?preview=true", late, "service").json
    assert seen is not None
    assert {row["of"]["member"] for row in (*seen["people"]["rows"], *seen["scores"]["rows"])} == {
        CS}
    shop.done(f"/v1/members/{CS}/attendance", {"day": "2026-09-07", "kind": "present"}, "service")
    problem(shop.post(f"/v1/members/{OTHER}/attendance", {"day": "2026-09-07", "kind": "present"},
                      "service"), 422, "not_the_head")
    assert members(shop, "/v1/attendance?month=2026-09") == {CS}
    found = shop.get("/v1/rosters", "service").json
    assert found is not None
    assert [row["members"] for row in found["items"]] == [[CS]]


@on_sqlite
def test_rights__a_history_leaves_out_who_is_accused(shop: Web) -> None:
    shop.done("/v1/orders", order())
    placed_at = shop.edge.store.head("main").position
    shop.done("/v1/deductions", {
        "number": "1", "rule": "CS-DISPATCH-LATE", "about": stream(), "evidence": [placed_at],
        "breached_at": "2026-10-01T12:00:00+08:00", "offender": CS}, "manager")
    seen = {}
    for role in ("auditor", "integration", "operations"):
        answer = shop.get(f"{at()}/history", role)
        assert answer.json is not None, answer.text
        kinds = {row["type"].partition(".")[0] for row in answer.json["items"]}
        seen[role] = ("deduction" in kinds, answer.json["as_of"]["left_out"])
    assert seen == {"auditor": (True, 0), "integration": (False, 1), "operations": (False, 1)}


@on_sqlite
@pytest.mark.parametrize("role", ["warehouse", "warehouse_head", "purchasing", "service", "admin"])
def test_rights__money_is_read_by_those_who_work_with_it(web: Web, role: str) -> None:
    for path in ("/v1/reconciliation", "/v1/revenue"):
        problem(web.get(path, role), 403, "forbidden")


@on_sqlite
def test_rights__no_key_acts_as_the_ledger_itself_where_two_persons_are_needed(web: Web) -> None:
    """R-ACC-09. `system` needs no second person."""
    web.ledger()
    web.token("admin")
    for role in ROLES:
        if role == "admin":
            assert given_out(web, "system", role)["owner"] == "system"
            continue
        with pytest.raises(OwnerIsLedger):
            given_out(web, "system", role)
        token = web.token(role, owner="system")  # given out before there was the rule
        answer = web.client.get("/v1/log/head", headers={"Authorization": f"Bearer {token}"})
        problem(answer, 403, "role_not_held")


@on_sqlite
def test_rights__doctor_names_keys_of_roles_that_their_owners_do_not_have(web: Web) -> None:
    """R-ACC-10. Keys from before anybody held a post, of a former post, of a leaver."""
    def named() -> set[tuple[str, str]]:
        web.edge.models.catch_up("main")
        ring = KeyRing(web.edge.store, "main")
        ring.refresh()
        found = held_by_none(web.edge.models, "main", ring)
        ok, said = look(web.edge.models, web.edge.store, "main")
        assert ok is (None if found else True)
        assert all(key.owner in said for key in found)
        return {(key.owner, key.role) for key in found}

    for command in printed("rules", "scorecards"):
        web.ledger().handle(command, CONTEXT)
    for role in ("admin", "service", "warehouse", "finance"):
        web.token(role)
    web.token("manager", owner="clerk:1")
    web.token("integration", owner="service:erp")
    web.token("admin", owner="system")
    assert named() == set()
    for who, post in ((HEAD, "customer_service_head"), (FLOOR, "dispatcher")):
        web.done("/v1/members", {"member": who, "joined_on": JOINED}, "admin")
        web.done("/v1/post-terms", {"member": who, "post": post, "since": JOINED}, "admin")
    before = {("member:finance", "finance"), ("clerk:1", "manager")}
    assert named() == before
    web.done("/v1/post-term-ends", {"member": HEAD, "post": "customer_service_head",
                                    "until": "2026-01-31"}, "admin")
    web.done("/v1/members/member:warehouse/departures", {"last_day": "2026-01-31"}, "admin")
    assert named() == before | {(HEAD, "service"), (FLOOR, "warehouse")}


@on_sqlite
@pytest.mark.parametrize("role", sorted(READERS))
def test_rights__lists_tell_sums_to_those_who_work_with_money_only(web: Web, role: str) -> None:
    """R-ACC-11, R-ACC-12. No list, of whatever route, adds up to what the shop takes for anybody
    else; who reads one that does is noted."""
    stocked(web)
    web.done("/v1/sales", order(warehouse="main"), "service")
    web.done(f"{at()}/payments", {"amount_minor": PAID, "reference": "p1"}, "finance")
    web.done("/v1/returns", {"channel": "tmall", "shop": "flagship", "number": "1",
                             "currency": "CNY", "kind": "refund_only", "refund_minor": PAID,
                             "order": stream()}, "service")
    told = set()
    for rule, endpoint in rules(web):
        if role not in PERMITS[endpoint] or "<order>" in rule or "<case>" in rule:
            continue
        before = web.edge.store.head("main" + SUFFIX).position
        answer = web.get(filled(rule, web), role)
        said = answer.data.decode(errors="replace")
        if re.search(SUM, said) and rule not in NOT_OF_THE_SHOP:
            told.add(rule)
            taken = web.edge.store.read("main" + SUFFIX, after=before)
            assert "reading.noted.v1" in {one.type for one in taken}, rule
    assert bool(told) == (role in SUMS_READERS), told
    assert web.get(at(), role).json["item"]["total_minor"] is not None  # type: ignore[index]
