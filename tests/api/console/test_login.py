"""The pages by which people sign in: what opens them, what does not, and what each of them says."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.console import signing
from api.http.key_ring import SESSION
from api.http.limits import SIGNING_IN, Quota
from ledger.access.keys import RevokeKey
from ledger.log.store import SUFFIX
from ledger.people.commands import AssignPost, EndPost, JoinMember
from tests.conftest import on_sqlite
from tests.support.builders import CONTEXT
from tests.support.signing_in import (
    OPERATOR,
    PASSWORD,
    field,
    link_for,
    now,
    send,
    signed_in,
    token_in,
    types_of,
)
from tests.support.team import JOINED, printed
from tests.support.team import at as day_at
from tests.support.web import Web

pytestmark = on_sqlite
AGENT = "member:agent"
WRONG = "Nobody signs in with this name and this password."


def log_in(
    browser: FlaskClient, who: str = "person:first", password: str = PASSWORD, **more: str
) -> Any:
    return send(browser, "/login", "/login", who=who, password=password, **more)


def is_in(browser: FlaskClient) -> bool:
    """Whether a browser is signed in."""
    return browser.get("/sessions").status_code == 200


def cookie(browser: FlaskClient, name: str = "ledger") -> str:
    found = browser.get_cookie(name)
    assert found is not None
    return str(found.value)


# -- links ----------------------------------------------------------------------------------------


def test_link__shows_whom_it_is_for_and_is_not_used_up_by_being_looked_at(web: Web) -> None:
    browser, link = web.app.test_client(), link_for(web)
    for _ in range(3):
        page = browser.get(link)
        assert (page.status_code, "person first" in page.text) == (200, True)
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
    assert not is_in(browser)
    answer = browser.post("/welcome", data={
        "csrf": field(page, "csrf"), "token": token_in(link), "password": "", "again": ""})
    assert (answer.status_code, answer.location) == (303, "/")
    assert is_in(browser)


def test_link__rejected_when_used_void_expired_or_unknown(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = web.app.test_client()
    void, used = link_for(web), link_for(web)
    assert browser.get(void).status_code == 410
    send(browser, used, "/welcome", token=token_in(used))
    again = web.app.test_client().get(used)
    assert (again.status_code, "This link was used on" in again.text) == (410, True)
    for wrong in ("/welcome", "/welcome?token=x", used + "x", f"/welcome?token=oi_{'0' * 32}_x"):
        assert web.app.test_client().get(wrong).status_code == 404
    old = link_for(web, hours=-1)
    page = web.app.test_client().get(old)
    assert (page.status_code, "has expired" in page.text) == (410, True)


def test_link__that_somebody_else_used_meanwhile_opens_nothing(web: Web) -> None:
    link, slow, quick = link_for(web), web.app.test_client(), web.app.test_client()
    csrf = field(slow.get(link), "csrf")
    send(quick, link, "/welcome", token=token_in(link))
    answer = slow.post("/welcome", data={"csrf": csrf, "token": token_in(link)})
    assert (answer.status_code, is_in(slow), is_in(quick)) == (410, False, True)


@pytest.mark.parametrize(("password", "again", "says"), [
    ("short", "short", "The password has 5 characters. It must have 12 to 200."),
    (PASSWORD, "another one", "The two passwords differ. Type the same one twice.")])
def test_link__says_what_is_wrong_with_a_password_and_still_opens(
    web: Web, password: str, again: str, says: str
) -> None:
    link, browser = link_for(web), web.app.test_client()
    answer = send(browser, link, "/welcome", token=token_in(link), password=password, again=again)
    assert (answer.status_code, says in answer.text) == (422, True)
    assert send(browser, link, "/welcome", token=token_in(link)).status_code == 303


# -- passwords ------------------------------------------------------------------------------------


def test_login__leads_to_where_somebody_wanted_to_go(web: Web) -> None:
    signed_in(web)
    browser = web.app.test_client()
    wanted = browser.get("/orders?status=paid")
    assert wanted.location == "/login?next=%2Forders%3Fstatus%3Dpaid"
    page = browser.get(wanted.location)
    answer = browser.post("/login", data={
        "csrf": field(page, "csrf"), "next": field(page, "next"), "who": "person:first",
        "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/orders?status=paid")
    assert browser.get("/login?next=/orders").location == "/orders"


@pytest.mark.parametrize("elsewhere", [
    "//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "evil",
    "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", ""])
def test_login__leads_nowhere_else(web: Web, elsewhere: str) -> None:
    signed_in(web)
    assert log_in(web.app.test_client(), next=elsewhere).location == "/"


@pytest.mark.parametrize(("who", "password"), [
    ("person:first", "wrong password"), ("person:nobody", PASSWORD), ("<script>", PASSWORD),
    ("", ""), ("x" * 1000, "y" * 1000)])
def test_login__rejected_in_the_same_words_whatever_is_wrong(
    web: Web, who: str, password: str
) -> None:
    signed_in(web)
    browser = web.app.test_client()
    answer = log_in(browser, who, password)
    assert (answer.status_code, WRONG in answer.text) == (403, True)
    assert "<script>" not in answer.text
    assert not is_in(browser)


def test_login__is_locked_after_ten_wrong_passwords(web: Web) -> None:
    signed_in(web)
    browser = web.app.test_client()
    for _ in range(9):
        assert WRONG in log_in(browser, password="wrong password").text
    for password in ("wrong password", PASSWORD):
        answer = log_in(browser, password=password)
        assert answer.status_code == 403
        assert re.search(r"This login is locked until 20\d\d-\d\d-\d\d \d\d:\d\d, after too many",
                         answer.text)
    assert not is_in(browser)


def test_login__from_a_network_that_tried_too_often_says_when_to_try_again(web: Web) -> None:
    signed_in(web)
    web.edge.limits.quotas[SIGNING_IN] = Quota(2, 900)
    browser = web.app.test_client()
    for _ in range(2):
        log_in(browser, password="wrong password")
    answer = log_in(browser)
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)


def test_login__names_the_ledger_where_there_are_several(web: Web) -> None:
    signed_in(web)
    assert 'name="ledger"' not in web.app.test_client().get("/login").text
    signed_in(web, "person:second", ledger="other")
    browser = web.app.test_client()
    assert 'name="ledger"' in browser.get("/login").text
    assert log_in(browser, "person:second", ledger="main").status_code == 403
    assert log_in(browser, "person:second", ledger="nowhere").status_code == 403
    assert log_in(browser, "person:second", ledger="other").status_code == 303
    assert "other" in browser.get("/sessions").text


# -- sessions -------------------------------------------------------------------------------------


def test_logout__leaves_a_stolen_cookie_that_opens_nothing(web: Web) -> None:
    browser, thief = signed_in(web), web.app.test_client()
    thief.set_cookie("ledger", cookie(browser))
    assert is_in(thief)
    answer = send(browser, "/sessions", "/logout")
    assert (answer.status_code, answer.location) == (303, "/login")
    assert browser.get_cookie("ledger") is None
    assert not is_in(thief)
    assert types_of(web)[-1] == "key.revoked.v1"


def test_logout__without_a_session_leads_to_the_login(web: Web) -> None:
    web.ledger()
    browser = web.app.test_client()
    assert send(browser, "/login", "/logout").location == "/login"


def test_session__that_was_revoked_leads_to_the_login(web: Web) -> None:
    browser = signed_in(web)
    ring = web.edge.ring(web.edge.store.id_of("main"))
    (key,) = [name.partition(":")[2] for name in ring.keys]
    web.edge.ledger("main" + SUFFIX).handle(
        RevokeKey(key=key, reason="lost", occurred_at=now()), OPERATOR)
    ring.refresh()
    assert browser.get("/sessions").location == "/login?next=%2Fsessions"


def test_sessions__are_listed_and_ended_one_by_one(web: Web) -> None:
    browser, other = signed_in(web), web.app.test_client()
    log_in(other)
    page = browser.get("/sessions")
    found = re.findall(r'name="session" value="(\w+)"', page.text)
    assert len(found) == 2
    assert page.text.count("this one") == 1
    (theirs,) = [one for one in found if cookie(other).startswith(
        f"os_{web.edge.store.id_of('main').hex()}_{one}")]
    assert send(browser, "/sessions", "/sessions", session=theirs).location == "/sessions"
    assert (is_in(browser), is_in(other)) == (True, False)
    (own,) = [one for one in found if one != theirs]
    assert send(browser, "/sessions", "/sessions", session=own).location == "/login"
    assert not is_in(browser)


def test_sessions__of_others_are_not_ended(web: Web) -> None:
    browser, other = signed_in(web), signed_in(web, "person:second")
    theirs = re.findall(r'name="session" value="(\w+)"', other.get("/sessions").text)
    assert send(browser, "/sessions", "/sessions", session=theirs[0]).status_code == 403
    assert is_in(other)


def test_role__is_switched(web: Web) -> None:
    browser = signed_in(web, roles=("auditor", "manager"))
    before = cookie(browser)
    assert "You act as auditor" in browser.get("/sessions").text
    assert send(browser, "/sessions", "/role", role="manager").location == "/"
    assert "You act as manager" in browser.get("/sessions").text
    thief = web.app.test_client()
    thief.set_cookie("ledger", before)
    assert not is_in(thief)
    assert send(browser, "/sessions", "/role", role="admin").status_code == 403
    assert 'value="admin"' not in browser.get("/sessions").text


def test_role__that_a_member_lost_leads_to_the_choice_of_another(web: Web) -> None:
    for command in (*printed("rules", "scorecards"),
                    JoinMember(member=AGENT, joined_on=JOINED, occurred_at=day_at(JOINED)),
                    AssignPost(post="customer_service", member=AGENT, since=JOINED,
                               occurred_at=day_at(JOINED))):
        web.ledger().handle(command, CONTEXT)
    browser = signed_in(web, AGENT, roles=("service",))
    assert browser.get("/orders").status_code == 200
    web.ledger().handle(EndPost(post="customer_service", member=AGENT, until="2026-06-30",
                                occurred_at=day_at("2026-06-30")), CONTEXT)
    who = web.edge.caller(cookie(browser), SESSION)
    assert who is not None
    web.edge.rights(who, fresh=True)
    assert browser.get("/orders").location == "/sessions"
    assert "You may not act as customer service any more" in browser.get("/sessions").text
    assert send(browser, "/sessions", "/role", role="member").status_code == 303
    assert "any more" not in browser.get("/sessions").text


# -- cookies and keys -----------------------------------------------------------------------------


def test_cookie__is_for_our_pages_and_by_https_for_this_host_only(web: Web) -> None:
    link = link_for(web)
    for environ, headers, secure in (
            ({}, {}, False), ({"wsgi.url_scheme": "https"}, {}, True),
            ({}, {"X-Forwarded-Proto": "https"}, True),
            ({"REMOTE_ADDR": "192.0.2.7"}, {"X-Forwarded-Proto": "https"}, False)):
        browser = web.app.test_client()
        scheme = {"base_url": "https://localhost"} if secure else {}
        page = browser.get(link, headers=headers, environ_overrides=environ, **scheme)
        (given,) = page.headers.getlist("Set-Cookie")
        assert given.startswith("__Host-form=" if secure else "form=")
        assert ("Secure" in given) == secure
        for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
            assert word in given
        assert "Domain" not in given
    browser = web.app.test_client()
    page = browser.get(link, base_url="https://localhost")
    answer = browser.post("/welcome", base_url="https://localhost", data={
        "csrf": field(page, "csrf"), "token": token_in(link)})
    (given,) = [one for one in answer.headers.getlist("Set-Cookie") if "ledger=" in one]
    assert given.startswith("__Host-ledger=os_")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"} <= {
        part.strip() for part in given.split(";")}


def test_cookie__opens_no_api_and_a_key_no_page(web: Web) -> None:
    browser, key = signed_in(web), web.token("manager")
    token = cookie(browser)
    assert browser.get("/v1/orders").status_code == 401
    assert browser.get("/v1/orders",
                       headers={"Authorization": f"Bearer {token}"}).status_code == 401
    other = web.app.test_client()
    other.set_cookie("ledger", key)
    assert not is_in(other)
    headers = {"Authorization": f"Bearer {key}"}
    assert web.app.test_client().get("/sessions", headers=headers).status_code == 303


# -- forms from elsewhere -------------------------------------------------------------------------

FORMS = ("/login", "/welcome", "/logout", "/sessions", "/role")


@pytest.mark.parametrize("address", FORMS)
def test_form__rejected_without_what_its_page_gave(web: Web, address: str) -> None:
    browser = signed_in(web)
    for sent in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": "\u4e66"}):
        answer = browser.post(address, data=sent)
        assert answer.status_code == 403
        assert "This form was not sent from a page" in answer.text
    assert is_in(browser)


@pytest.mark.parametrize("address", FORMS)
@pytest.mark.parametrize("site", ["cross-site", "same-site", "x", ""])
def test_form__rejected_from_another_site(web: Web, address: str, site: str) -> None:
    browser = signed_in(web)
    csrf = field(browser.get("/sessions"), "csrf")
    answer = browser.post(address, data={"csrf": csrf}, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 403
    assert is_in(browser)


def test_form__rejected_with_what_another_browser_was_given(web: Web) -> None:
    browser, other = signed_in(web), signed_in(web, "person:second")
    csrf = field(other.get("/sessions"), "csrf")
    assert browser.post("/logout", data={"csrf": csrf}).status_code == 403
    fresh = field(web.app.test_client().get("/login"), "csrf")
    assert browser.post("/logout", data={"csrf": fresh}).status_code == 403
    own = field(browser.get("/sessions"), "csrf")
    answer = browser.post("/logout", data={"csrf": own}, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303


def test_pages__speak_chinese(web: Web) -> None:
    link, browser = link_for(web), web.app.test_client()
    assert "欢迎" in browser.get(f"{link}&lang=zh").text
    assert "登录" in browser.get("/login?lang=zh").text
    assert browser.get_cookie("lang") is not None


def test_strangers__are_told_of_no_ledger(web: Web) -> None:
    signed_in(web, ledger="secretshop")
    web.ledger("main")
    assert "secretshop" not in web.app.test_client().get("/login").text
    assert signing.ledgers(web.edge) == ["main", "secretshop"]
