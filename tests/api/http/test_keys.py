"""Keys, roles and tenants: what is not allowed is denied, and nobody sees another's things."""

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api import create_app
from api.cli import issuing
from api.cli.keys import issue_command, list_command, revoke_command, rotate_command
from api.http import key_ring
from api.http.routes import PERMITS, PUBLIC
from ledger.access.keys import ROLES, IssueKey
from ledger.application import Ledger
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log import sql_reading
from ledger.log.backup import backup_log
from ledger.log.memory import MemoryStore
from ledger.log.milestones import STREAM as LOG
from ledger.log.milestones import Opened as OpenedFact
from ledger.log.store import SUFFIX
from ledger.settings import Opened, Settings
from ledger.writing.genesis import begun, keys_of
from tests.conftest import on_sqlite
from tests.support import tamper
from tests.support.bodies import at, order, stocked
from tests.support.builders import CONTEXT, stream
from tests.support.postgres_server import Server
from tests.support.replacing import replaced
from tests.support.routes import of_api
from tests.support.thorough import tried
from tests.support.web import Web, problem

METHODS = ("GET", "POST")


def routes(web: Web) -> list[tuple[str, str, str]]:
    """All routes: endpoint, method, and an address with names filled in."""
    names = {"order": stream(), "case": stream().replace("order:", "case:"), "sku": "SH-001",
             "subject": "stock:main:SH-001", "number": "1", "job": "x", "code": "not_found",
             "member": "member:member", "month": "2026-09", "deduction": "deduction:1"}
    found = []
    for rule in of_api(web.app):
        address = rule.rule
        for name, value in names.items():
            address = address.replace(f"<{name}>", quote(value))
        found += [(rule.endpoint, method, address) for method in METHODS
                  if method in (rule.methods or ())]
    return found


@on_sqlite
def test_routes__all_declare_who_may_use_them(web: Web) -> None:
    for endpoint, method, address in routes(web):
        assert endpoint in PERMITS, endpoint
        assert PERMITS[endpoint] == PUBLIC or PERMITS[endpoint] <= set(ROLES), endpoint
        if PERMITS[endpoint] == PUBLIC:
            continue
        problem(web.client.open(address, method=method), 401, "unauthorized")
        for role in ROLES:
            answer = web.client.open(address, method=method, headers=web.headers(role, "main", {}))
            assert (answer.status_code == 403) == (role not in PERMITS[endpoint]), (
                endpoint, role, answer.status_code)
    assert web.edge.store.head("main").position == 1


@on_sqlite
def test_route__denied_when_it_declares_nothing(settings: Settings) -> None:
    routes = create_app(settings)
    routes.add_url_rule("/v1/forgotten", "forgotten", lambda: "secret")
    web = Web(settings, routes)
    problem(web.get("/v1/forgotten", "auditor"), 403, "forbidden")
    web.close()


@on_sqlite
@pytest.mark.parametrize("token", [
    "", "ol_main_0", "ol_main_" + "0" * 60, "x", "ol_../main_x", "ol__x", f"ol_{'0' * 32}_x",
    f"ol_{'0' * 32}_", f"ol_{'0' * 31}_x", f"ol_{'0' * 31}g_x", "\u4e66"])
def test_token__rejected_when_it_opens_nothing(web: Web, token: str) -> None:
    web.token()
    answer = web.client.get("/v1/orders", headers={"Authorization": f"Bearer {token}".encode()
                                                   .decode("latin-1")})
    problem(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@on_sqlite
def test_token__rejected_when_it_has_ended(web: Web) -> None:
    now = datetime.now(UTC)
    for ends, status in ((now - timedelta(seconds=1), 401), (now + timedelta(hours=1), 200)):
        token = web.token(expires_at=ends)
        answer = web.client.get("/v1/orders", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


def test_key__is_noted_as_used_once_a_day(web: Web) -> None:
    for _ in range(3):
        web.get("/v1/orders")
    web.edge.close()
    used = [one for one in web.edge.open().store.read("main.access") if one.type == "key.used.v1"]
    assert len(used) == (0 if web.edge.store.url == "memory:" else 1)


@on_sqlite
def test_token__of_a_ledger_that_is_none_leaves_nothing_behind(web: Web) -> None:
    web.token()
    for number in range(5):
        headers = {"Authorization": f"Bearer ol_{number:032x}_x"}
        problem(web.client.get("/v1/orders", headers=headers), 401, "unauthorized")
    assert list(web.edge._rings) == [web.ledger().id]


@on_sqlite
def test_key__stays_with_its_ledger_whatever_that_is_called(web: Web, settings: Settings) -> None:
    token = web.token()
    headers = {"Authorization": f"Bearer {token}"}
    web.done("/v1/orders", order())
    web.edge.close()
    for name, called in (("main", "second"), ("main.access", "second.access")):
        tamper.intrude(settings, f"UPDATE ledgers SET name = '{called}' WHERE name = '{name}'")
    found = web.client.get("/v1/orders", headers=headers)
    assert found.json is not None
    assert (found.status_code, found.json["as_of"]["ledger"]) == (200, "second")
    other = web.edge.store.id_of("second.access").hex()
    moved = token.replace(token.split("_")[1], other)
    problem(web.client.get("/v1/orders", headers={"Authorization": f"Bearer {moved}"}), 401,
            "unauthorized")


# -- two tenants ----------------------------------------------------------------------------------


def test_tenants__see_nothing_of_each_other_on_any_route(web: Web) -> None:
    stocked(web)
    web.done("/v1/sales", order(warehouse="main"), "service")
    before = web.edge.store.head("main").position
    for endpoint, method, address in sorted(routes(web), key=lambda route: route[1]):
        if PERMITS[endpoint] == PUBLIC:
            continue
        role = sorted(PERMITS[endpoint])[0]
        if method == "GET":
            address += "?position=0" if endpoint == "log.root" else ""
            answer = web.get(address, role, "other")
            assert answer.status_code in (200, 404, 400), (address, answer.text)
            if answer.status_code == 200 and answer.is_json:
                told = answer.json or {}
                assert [one for one in told.get("items", []) if one.get("type") != OpenedFact.TOPIC
                        and one.get("subject") != LOG] == [], address
                asked = unquote(address.rpartition("/")[2])  # a note says what is not there
                assert "SH-001" not in answer.text.replace(asked, "")
                assert "云杉" not in answer.text
        else:
            answer = web.post(address, {}, role, "other")
            assert answer.status_code >= 400, (address, answer.text)
    assert web.edge.store.head("main").position == before


@on_sqlite
@hypothesis_settings(max_examples=tried(15), deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(("main", "other")), st.integers(1, 3),
                                st.sampled_from(("orders", "payments", "remarks"))), max_size=12))
def test_tenants__have_logs_of_their_own(web: Web, steps: list[tuple[str, int, str]]) -> None:
    bodies: dict[str, Any] = {"payments": {"amount_minor": 1}, "remarks": {"remark": "x"}}
    for ledger, number, what in steps:
        other = "main" if ledger == "other" else "other"
        before = web.edge.open().store.head(other)
        if what == "orders":
            web.post("/v1/orders", order(number), "service", ledger)
        else:
            web.post(f"{at(number)}/{what}", bodies[what], "service", ledger)
        assert web.edge.store.head(other) == before


def test_key__opens_at_once_when_another_process_issued_it(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong tokens ask the access ledger again only now and then."""
    web.token("manager")
    here = web.edge
    ring = here.ring(here.store.id_of("main"))
    asked: list[int] = []
    refresh = ring.refresh
    monkeypatch.setattr(ring, "refresh", lambda: (asked.append(1), refresh()))
    monkeypatch.setattr(ring, "_until", time.monotonic() + 3600)  # nothing is asked for by itself
    token = f"ol_{here.store.id_of('main').hex()}_abcdef-secret"
    elsewhere = Ledger(here.store, keys_of(here.store, here.keys, "main" + SUFFIX),
                       name="main" + SUFFIX)
    elsewhere.handle(IssueKey(
        key="abcdef", owner="member:new", role="manager", occurred_at=datetime.now(UTC),
        digest=hashlib.sha256(token.encode()).hexdigest()), CONTEXT)
    elsewhere.close()
    found = here.caller(token)
    assert found is not None
    assert (found.actor, asked) == ("member:new", [1])
    monkeypatch.setattr(ring, "_asks_again", time.monotonic() + 3600)
    assert here.caller(f"{token}x") is None
    assert asked == [1]


# -- from the command line ------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`ledger keys …` on a new ledger."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/shop.db")
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")

    def invoke(command: Any, *arguments: str) -> Result:
        return CliRunner().invoke(command, list(arguments))

    return invoke


def keys(run: Any) -> dict[str, dict[str, Any]]:
    return {one["key"]: one for one in json.loads(run(list_command, "--json").stdout)}


def test_keys__are_issued_listed_rotated_and_revoked(run: Any) -> None:
    told = json.loads(run(issue_command, "--owner", "member:7f3a", "--role", "service",
                          "--expires", "2099-01-01", "--json").stdout)
    assert told["token"].split("_")[2].startswith(told["key"])
    assert told["expires_at"] == "2099-01-01T15:59:59.999999Z"
    new = json.loads(run(rotate_command, told["key"], "--overlap-hours", "0", "--json").stdout)
    found = keys(run)
    assert (found[told["key"]]["state"], found[new["key"]]["state"]) == ("expired", "good")
    assert (found[new["key"]]["owner"], found[new["key"]]["role"]) == ("member:7f3a", "service")
    assert run(revoke_command, new["key"], "--reason", "lost").exit_code == 0
    assert keys(run)[new["key"]]["state"] == "revoked"
    assert told["token"] not in run(list_command).output


def test_keys__rejected_when_unknown_revoked_or_misnamed(run: Any) -> None:
    told = json.loads(run(issue_command, "--owner", "system", "--role", "admin", "--json").stdout)
    assert "R-ACC-01" in run(revoke_command, "nokey", "--reason", "x").stderr
    assert "R-ACC-01" in run(rotate_command, "nokey").stderr
    run(revoke_command, told["key"], "--reason", "x")
    assert "R-ACC-02" in run(rotate_command, told["key"]).stderr
    assert "R-ACC-06" in run(issue_command, "--owner", "system", "--role", "admin", "--expires",
                             "2020-01-01").stderr
    old = json.loads(run(issue_command, "--owner", "system", "--role", "admin", "--json").stdout)
    run(rotate_command, old["key"], "--overlap-hours", "0")
    assert "has expired" in run(rotate_command, old["key"]).stderr
    assert "R-LDG-09" in run(issue_command, "--owner", "system", "--role", "admin", "--ledger",
                             "a.b").stderr
    result = run(issue_command, "--owner", "张三", "--role", "admin")
    assert "--owner" in result.stderr
    assert run(issue_command, "--owner", "system", "--role", "king").exit_code == 2


@pytest.fixture
def server(backend: str, request: pytest.FixtureRequest) -> Server | None:
    """The server of this kind of store, if it has one."""
    found: Server | None = request.getfixturevalue("postgres") if backend == "postgres" else None
    return found


def test_keys__are_those_of_a_backup_that_was_restored_under_the_process(
    web: Web, settings: Settings, tmp_path: Path, monkeypatch: Any, *, server: Server | None
) -> None:
    """What another process does then counts here within a second, though the positions at which it
    is recorded were known already, with other events."""
    monkeypatch.setattr(key_ring, "SEEN_S", 0)
    web.done("/v1/orders", order(1))
    backup_log(web.edge.store, "main", tmp_path / "log.gz")
    for _ in range(6):
        web.token(expires_at=None)
    assert web.get("/v1/orders").status_code == 200
    replaced(web.edge.store, tmp_path / "log.gz", settings, server)
    store = web.edge.store if settings.database_url == "memory:" else settings.open_store()
    access = Ledger(store, keys_of(store, web.edge.keys, "main.access"), name="main.access")
    new = issuing.issue(Opened(access, store, web.edge.keys), "main", CONTEXT, owner="user:tester",
                        role="manager")["token"]
    old = web.tokens["manager", "main"]
    issuing.revoke(Opened(access, store, web.edge.keys), CONTEXT, old.split("_")[2].split("-")[0],
                   "left")
    access.close()
    web.edge.models.catch_up("main")
    for token, status in ((new, 200), (old, 401)):
        named = {"Authorization": f"Bearer {token}"}
        assert web.client.get("/v1/orders", headers=named).status_code == status
    problem(web.post("/v1/orders", order(2)), 401, "unauthorized")
    if store is not web.edge.store:
        store.close()


def test_ledger__is_the_one_that_has_the_name_after_a_restore(
    web: Web, settings: Settings, tmp_path: Path, monkeypatch: Any, *, server: Server | None
) -> None:
    """Another ledger of the same name: it is read and written, not the one that is gone."""
    monkeypatch.setattr(sql_reading, "NAMES_S", 0)
    web.done("/v1/orders", order(1))
    elsewhere = MemoryStore(kinds=ACCOUNT_KINDS)
    begun(elsewhere, web.edge.keys)
    backup_log(elsewhere, "main", tmp_path / "log.gz")
    replaced(web.edge.store, tmp_path / "log.gz", settings, server)
    web.tokens.clear()
    web.done("/v1/orders", order(2))
    known = elsewhere.known("main")
    assert known is not None
    assert web.edge.store.known("main") == known
    listed = web.get("/v1/orders").json or {}
    assert [row["number"] for row in listed["items"]] == [order(2)["number"]]
