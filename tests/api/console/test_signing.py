"""Signing in and out, without pages: links that open once, wrong passwords, sessions and keys."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from api.cli import inviting
from api.console import signing
from api.http.edge_errors import Problem
from api.http.key_ring import SESSION
from api.http.limits import PASSWORDS, SIGNING_IN, Quota
from ledger.access import passwords
from ledger.access.logins import (
    LinkUnknown,
    LinkUsed,
    LinkVoid,
    LoginLocked,
    LoginShut,
    PasswordWrong,
)
from ledger.common.errors import LedgerError
from ledger.people.commands import AssignPost, JoinMember, LeaveShop
from tests.conftest import on_sqlite
from tests.support.builders import CONTEXT
from tests.support.signing_in import OPERATOR, PASSWORD, access_of, link_for, token_in, types_of
from tests.support.team import JOINED, printed
from tests.support.team import at as day_at
from tests.support.web import Web

NETWORK = "192.0.2.1"
OWNER = "person:first"
AGENT, HEAD = "member:agent", "member:head"


def with_password(web: Web, owner: str = OWNER, **more: Any) -> str:
    """The token of a session of somebody who set a password."""
    link = token_in(link_for(web, owner, **more))
    return signing.use_link(web.edge, link, (PASSWORD, PASSWORD), NETWORK)


def sign_in(web: Web, password: str = PASSWORD, who: str = OWNER, ledger: str = "main") -> str:
    return signing.sign_in(web.edge, signing.Typed(ledger, who, password), NETWORK)


def tries(web: Web, many: int, who: str = OWNER) -> list[str]:
    """The codes of so many wrong passwords."""
    found = []
    for _ in range(many):
        with pytest.raises(LedgerError) as error:
            sign_in(web, "wrong password", who)
        found.append(error.value.code)
    return found


def test_link__opens_a_session_that_acts_as_its_owner(web: Web) -> None:
    who = web.edge.caller(with_password(web), SESSION)
    assert who is not None
    assert (who.actor, who.role, who.ledger, who.session) == (OWNER, "manager", "main", True)
    assert who.client == f"session:{who.key}"


def test_link__opens_one_session_also_for_many_at_once(web: Web) -> None:
    token = token_in(link_for(web))

    def follow(_: int) -> str:
        try:
            return signing.use_link(web.edge, token, ("", ""), NETWORK)
        except LinkUsed:
            return ""

    with ThreadPoolExecutor(8) as pool:
        opened = [one for one in pool.map(follow, range(8)) if one]
    assert len(opened) == 1
    assert types_of(web).count("login.opened.v1") == 1


def test_link__rejected_when_it_is_void_unknown_or_has_expired(web: Web) -> None:
    first, second = (token_in(link_for(web)) for _ in range(2))
    with pytest.raises(LinkVoid):
        signing.invited(web.edge, first)
    for wrong in ("", "x", second + "x", second.replace("oi_", "ol_"), f"oi_{'0' * 32}_x"):
        with pytest.raises(LinkUnknown):
            signing.invited(web.edge, wrong)
    assert signing.invited(web.edge, second).login.owner == OWNER


def test_session__opens_nothing_as_a_key_and_a_key_nothing_as_a_session(web: Web) -> None:
    session, key = with_password(web), web.token("manager")
    assert web.edge.caller(session) is None
    assert web.edge.caller(key, SESSION) is None
    assert web.edge.caller(session.replace("os_", "ol_")) is None
    answer = web.client.get("/v1/orders", headers={"Authorization": f"Bearer {session}"})
    assert answer.status_code == 401


def test_session__that_was_signed_out_opens_nothing(web: Web) -> None:
    stolen = with_password(web)
    who = web.edge.caller(stolen, SESSION)
    assert who is not None
    signing.revoke(web.edge, who, who.key)
    assert web.edge.caller(stolen, SESSION) is None
    other = web.edge.caller(sign_in(web), SESSION)
    assert other is not None
    assert [one["session"] for one in signing.own_sessions(web.edge, other)] == [other.key]


def test_session__of_another_is_not_ended(web: Web) -> None:
    mine = web.edge.caller(with_password(web), SESSION)
    theirs = web.edge.caller(with_password(web, "person:second"), SESSION)
    assert mine is not None
    assert theirs is not None
    for other in (theirs.key, "none", web.token("manager").split("_")[2].split("-")[0]):
        with pytest.raises(Problem, match="forbidden"):
            signing.revoke(web.edge, mine, other)


def test_password__opens_sessions_and_short_forms_of_a_member_do(web: Web) -> None:
    with_password(web, "member:2c91")
    for typed in ("2c91", " member:2c91 "):
        who = web.edge.caller(sign_in(web, who=typed), SESSION)
        assert who is not None
        assert who.actor == "member:2c91"


@on_sqlite
def test_password__rejected_ten_times_locks_the_login_for_the_right_one_too(web: Web) -> None:
    with_password(web)
    assert tries(web, 10) == ["password_wrong"] * 9 + ["login_locked"]
    with pytest.raises(LoginLocked) as error:
        sign_in(web)
    assert error.value.details["until"] > day_at("2026-01-01").isoformat()
    assert types_of(web).count("login.locked.v1") == 1
    inviting.unlock(access_of(web.edge), OPERATOR, OWNER, "it was them")
    web.edge.ring(web.edge.store.id_of("main")).refresh()
    assert sign_in(web)
    assert tries(web, 10)[-1] == "login_locked"


@on_sqlite
def test_password__of_many_wrong_ones_at_once_no_more_than_ten_are_tried(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_password(web)
    tried: list[str] = []

    def slow(password: str, kept: str, keyed: passwords.Keyed) -> bool:
        tried.append(password)
        time.sleep(0.05)
        return False

    monkeypatch.setattr(signing, "is_right", slow)

    def attempt(_: int) -> str:
        try:
            return sign_in(web, "wrong password")
        except LedgerError as error:
            return error.code

    with ThreadPoolExecutor(30) as pool:
        codes = list(pool.map(attempt, range(30)))
    assert len(tried) == 10
    assert set(codes) == {"password_wrong", "login_locked"}
    assert types_of(web).count("login.locked.v1") == 1


@on_sqlite
def test_login__that_nobody_has_is_answered_like_one_that_somebody_has(web: Web) -> None:
    with_password(web)
    web.ledger("other")
    for who in ("person:nobody", "no such thing", "", "x" * 500):
        assert tries(web, 10, who) == ["password_wrong"] * 9 + ["login_locked"]
        assert tries(web, 1, who) == ["login_locked"]
        web.edge.limits.quotas[SIGNING_IN] = Quota(10_000, 900)
    with pytest.raises(PasswordWrong):
        sign_in(web, ledger="nowhere")
    with pytest.raises(PasswordWrong):
        sign_in(web, ledger="other")
    assert types_of(web).count("login.locked.v1") == 0


@on_sqlite
def test_login__that_nobody_has_costs_one_password(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes the time is tried once, against something as slow, whoever signs in."""
    with_password(web)
    kept: list[str] = []
    monkeypatch.setattr(signing, "is_right", lambda password, known, keyed: kept.append(known))
    tries(web, 1, "person:nobody")
    tries(web, 1, OWNER)
    assert kept[0] == passwords.NOBODY
    assert kept[1].startswith(kept[0][:30])
    assert len(kept) == 2


@on_sqlite
def test_login__that_an_operator_locked_says_so_to_its_owner_only(web: Web) -> None:
    with_password(web)
    inviting.lock(access_of(web.edge), OPERATOR, OWNER, "a phone was lost")
    web.edge.ring(web.edge.store.id_of("main")).refresh()
    assert tries(web, 1) == ["password_wrong"]
    with pytest.raises(LoginShut):
        sign_in(web)


@on_sqlite
def test_network__that_tries_too_often_waits(web: Web) -> None:
    web.edge.open().limits.quotas[SIGNING_IN] = Quota(3, 900)
    with_password(web)
    for _ in range(5):
        assert sign_in(web), "the right password costs nothing"
    with web.app.test_request_context():
        tries(web, 3)
        with pytest.raises(Problem, match="too_many_sign_ins"):
            sign_in(web)
        assert signing.sign_in(
            web.edge, signing.Typed("main", OWNER, PASSWORD), "192.0.2.2"), "others go on"


@on_sqlite
def test_limits__that_are_off_lock_nothing(web: Web) -> None:
    del web.edge.open().limits.quotas[PASSWORDS]
    with_password(web)
    assert set(tries(web, 12)) == {"password_wrong"}


@on_sqlite
@pytest.mark.parametrize(("typed", "code"), [
    (("short", "short"), "password_too_short"), (("x" * 201, "x" * 201), "password_too_short"),
    ((PASSWORD, PASSWORD + "x"), "passwords_differ"), (("", PASSWORD), "passwords_differ")])
def test_chosen_password__rejected_and_the_link_still_opens(
    web: Web, typed: tuple[str, str], code: str
) -> None:
    token = token_in(link_for(web))
    with pytest.raises(LedgerError) as error:
        signing.use_link(web.edge, token, typed, NETWORK)
    assert error.value.code == code
    assert signing.use_link(web.edge, token, ("", ""), NETWORK)


def test_role__is_switched_to_one_that_one_has(web: Web) -> None:
    who = web.edge.caller(with_password(web, roles=("auditor", "manager")), SESSION)
    assert who is not None
    assert who.role == "auditor"
    other = web.edge.caller(signing.switch_role(web.edge, who, "manager"), SESSION)
    assert other is not None
    assert other.role == "manager"
    assert [one["session"] for one in signing.own_sessions(web.edge, other)] == [other.key]
    with pytest.raises(Problem, match="forbidden"):
        signing.switch_role(web.edge, other, "admin")
    again = web.edge.caller(sign_in(web), SESSION)
    assert again is not None
    assert again.role == "manager", "the one of the last time"
    linked = web.edge.caller(with_password(web, roles=("auditor", "manager")), SESSION)
    assert linked is not None
    assert linked.role == "auditor", "the one of the link"


def test_session__ends_after_twelve_hours(web: Web) -> None:
    who = web.edge.caller(with_password(web), SESSION)
    assert who is not None
    (one,) = signing.own_sessions(web.edge, who)
    since, until = (datetime.fromisoformat(one[name]) for name in ("issued_at", "expires_at"))
    assert until - since == timedelta(hours=12)


# -- whose roles follow from their posts ----------------------------------------------------------


@pytest.fixture
def shop(web: Web) -> Web:
    """An agent of customer service, and whoever heads them."""
    for command in (*printed("rules", "scorecards"), *(
            one for who, post in ((AGENT, "customer_service"), (HEAD, "customer_service_head"))
            for one in (JoinMember(member=who, joined_on=JOINED, occurred_at=day_at(JOINED)),
                        AssignPost(post=post, member=who, since=JOINED,
                                   occurred_at=day_at(JOINED))))):
        web.ledger().handle(command, CONTEXT)
    return web


@on_sqlite
def test_role__of_a_member_is_one_that_their_posts_give(shop: Web) -> None:
    who = shop.edge.caller(with_password(shop, AGENT, roles=("service",)), SESSION)
    assert who is not None
    assert who.role == "service"
    login = signing.login_of(shop.edge, who)
    assert login is not None
    assert signing.roles_of(shop.edge, "main", login) == ("service", "member")
    other = shop.edge.caller(signing.switch_role(shop.edge, who, "member"), SESSION)
    assert other is not None
    with pytest.raises(Problem, match="forbidden"):
        signing.switch_role(shop.edge, other, "manager")


@on_sqlite
def test_role__of_who_left_is_none(shop: Web) -> None:
    link = token_in(link_for(shop, AGENT, roles=("service",)))
    shop.ledger().handle(LeaveShop(member=AGENT, last_day="2026-02-01", reason="x",
                                   occurred_at=day_at("2026-02-01")), CONTEXT)
    with pytest.raises(signing.NoRoleNow):
        signing.use_link(shop.edge, link, ("", ""), NETWORK)
    assert "login.opened.v1" not in types_of(shop)
