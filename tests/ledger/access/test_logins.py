"""Logins: a link opens once, a password while nothing locks it; what ends takes its sessions."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.access.keys import ApiKey, IssueKey, KeyRevoked, KeyUnknown, SessionReplaced
from ledger.access.logins import (
    SESSION,
    EndLogin,
    Invite,
    LinkExpired,
    LinkUnknown,
    LinkUsed,
    LinkVoid,
    LockLogin,
    Login,
    LoginLocked,
    LoginShut,
    LoginUnknown,
    PasswordWrong,
    RoleNotInvited,
    SignIn,
    SwitchRole,
    UnlockLogin,
    UseLink,
)
from ledger.core.commands import Command
from tests.support.stories import Story, given
from tests.support.team import at
from tests.support.thorough import tried

NOW = at("2026-09-02")
OWNER = "member:2c91"
HASH = "$argon2id$of a password"


def link(number: int) -> str:
    return f"{number:064x}"


def invited(number: int = 1, *, owner: str = OWNER, **fields: Any) -> Invite:
    return Invite(**{"owner": owner, "roles": ["manager"], "digest": link(number),
                     "expires_at": NOW + timedelta(hours=24), "occurred_at": NOW, **fields})


def used(number: int = 1, session: str = "s1", **fields: Any) -> UseLink:
    return UseLink(**{"owner": OWNER, "link": link(number), "session": session, "role": "manager",
                      "digest": "a" * 64, "occurred_at": NOW, **fields})


def signed_in(session: str = "s2", **fields: Any) -> SignIn:
    return SignIn(**{"owner": OWNER, "password": HASH, "session": session, "role": "manager",
                     "digest": "b" * 64, "occurred_at": NOW, **fields})


def switched(replaces: str, session: str = "s3", **fields: Any) -> SwitchRole:
    return SwitchRole(**{"owner": OWNER, "replaces": replaces, "session": session,
                         "role": "reviewer", "digest": "c" * 64, "occurred_at": NOW, **fields})


def locked(**fields: Any) -> LockLogin:
    return LockLogin(**{"owner": OWNER, "reason": "x", "occurred_at": NOW, **fields})


def ended() -> EndLogin:
    return EndLogin(owner=OWNER, reason="left", occurred_at=NOW)


def key(story: Story, session: str) -> ApiKey:
    found = story.known[f"key:{session}"]
    assert isinstance(found, ApiKey)
    return found


def test_link__opens_a_session_once() -> None:
    story = given(invited())
    opened, issued = story.when(used()).then("login.opened.v1", "key.issued.v1")
    assert (opened.session, opened.way, opened.digest) == ("s1", "link", link(1))
    assert (issued.owner, issued.role, issued.session) == (OWNER, "manager", True)
    assert issued.expires_at == NOW + SESSION
    assert opened.about() == ["key:s1"]
    assert str(story.when(used(session="s9")).refused(LinkUsed)).startswith(
        "This link was used on 2026-09-02T04:00:00Z")


def test_link__sets_a_password_with_which_its_owner_signs_in() -> None:
    story = given(invited())
    story.when(signed_in()).refused(PasswordWrong)
    story.when(used(password=HASH)).then(
        "login.password_set.v1", "login.opened.v1", "key.issued.v1")
    story.when(signed_in(password="$another")).refused(PasswordWrong)
    (opened, _) = story.when(signed_in()).then("login.opened.v1", "key.issued.v1")
    assert opened.way == "password"


def test_link__rejected_when_it_is_unknown_void_or_has_expired() -> None:
    story = given(invited(1), invited(2))
    story.when(used(3)).refused(LinkUnknown)
    story.when(used(1)).refused(LinkVoid)
    story.when(used(2, occurred_at=NOW + timedelta(hours=24))).refused(LinkExpired)
    story.when(used(2, owner="member:other")).refused(LinkUnknown)
    story.when(used(2)).then("login.opened.v1", "key.issued.v1")


def test_link__does_not_open_what_was_shut_or_has_ended() -> None:
    story = given(invited(), locked())
    story.when(used()).refused(LoginShut)
    given(invited(), ended()).when(used()).refused(LinkVoid)


def test_lock__ends_by_itself_by_an_operator_or_with_a_link() -> None:
    story = given(invited(), used(password=HASH), locked(until=NOW + timedelta(minutes=15)))
    story.when(signed_in()).refused(LoginLocked)
    assert not key(story, "s1").revoked, "who guesses wrongly signs nobody out"
    story.when(locked(until=NOW + timedelta(minutes=16))).then()
    later = NOW + timedelta(minutes=15)
    story.when(signed_in(occurred_at=later)).then("login.opened.v1", "key.issued.v1")
    story.when(locked(until=later + timedelta(minutes=15), occurred_at=later)).then(
        "login.locked.v1")
    story.when(UnlockLogin(owner=OWNER, reason="x", occurred_at=later)).then("login.unlocked.v1")
    story.when(UnlockLogin(owner=OWNER, reason="x", occurred_at=later)).then()
    story.when(signed_in("s5", occurred_at=later)).then("login.opened.v1", "key.issued.v1")
    again = given(invited(), used(password=HASH), invited(2),
                  locked(until=NOW + timedelta(minutes=15)), used(2, "s7"))
    again.when(signed_in("s8")).then("login.opened.v1", "key.issued.v1")


def test_lock__by_an_operator_revokes_the_sessions_that_are_open() -> None:
    story = given(invited(), used(password=HASH), signed_in())
    story.when(locked()).then("login.locked.v1", "key.revoked.v1", "key.revoked.v1")
    assert key(story, "s1").revoked
    assert key(story, "s2").revoked
    story.when(signed_in("s4")).refused(LoginShut)
    story.when(locked()).then()


def test_end__revokes_the_sessions_and_forgets_the_password() -> None:
    story = given(invited(), used(password=HASH))
    story.when(ended()).then("login.ended.v1", "key.revoked.v1")
    story.when(signed_in()).refused(PasswordWrong)
    story.when(ended()).refused(LoginUnknown)
    story.when(invited(2)).then("login.invited.v1")
    story.when(signed_in()).refused(PasswordWrong)
    story.when(used(2, "s9")).then("login.opened.v1", "key.issued.v1")


@pytest.mark.parametrize("command", [
    locked(), ended(), UnlockLogin(owner=OWNER, reason="x", occurred_at=NOW)])
def test_login__rejected_when_nobody_was_invited(command: Command) -> None:
    given().when(command).refused(LoginUnknown)


def test_switch__replaces_a_session_and_ends_no_later() -> None:
    story = given(invited(), used())
    later = NOW + timedelta(hours=1)
    _, issued, _ = story.when(switched("s1", occurred_at=later)).then(
        "login.opened.v1", "key.issued.v1", "key.revoked.v1")
    assert (issued.replaces, issued.expires_at) == ("s1", NOW + SESSION)
    story.when(switched("s1", "s4", occurred_at=later)).refused(KeyRevoked)


def test_switch__rejected_for_the_key_of_a_program_or_the_session_of_another() -> None:
    story = given(
        invited(), used(), invited(2, owner="member:other"),
        used(2, "theirs", owner="member:other"),
        IssueKey(key="program", owner=OWNER, role="manager", digest="0" * 64, occurred_at=NOW))
    for other in ("program", "theirs", "none"):
        story.when(switched(other)).refused(KeyUnknown)


def test_role__of_who_is_no_member_is_one_that_they_were_invited_to() -> None:
    story = given(invited(owner="person:first"))
    story.when(used(owner="person:first", role="admin")).refused(RoleNotInvited)
    story.when(used(owner="person:first")).then("login.opened.v1", "key.issued.v1")


def test_session__is_not_replaced_by_a_key() -> None:
    story = given(invited(), used())
    story.when(IssueKey(key="new", owner=OWNER, role="manager", digest="0" * 64, replaces="s1",
                        occurred_at=NOW)).refused(SessionReplaced)


# -- whatever happens -----------------------------------------------------------------------------

_minutes = st.integers(0, 60)
_steps = st.one_of(
    st.tuples(st.just("invite"), _minutes), st.tuples(st.just("link"), st.integers(1, 6)),
    st.tuples(st.just("sign in"), _minutes), st.tuples(st.just("lock"), _minutes),
    st.tuples(st.just("shut"), _minutes), st.tuples(st.just("unlock"), _minutes),
    st.tuples(st.just("end"), _minutes))


@hypothesis_settings(max_examples=tried(200), deadline=None)
@hypothesis_given(steps=st.lists(_steps, max_size=20))
def test_login__opens_by_no_link_twice_and_never_while_it_is_shut(steps: list[Any]) -> None:
    story, links, opened = given(), 0, 0
    seen: list[str] = []
    for number, (what, value) in enumerate(steps):
        now = NOW + timedelta(minutes=number * 5)
        links += what == "invite"
        before = story.known.get(f"login:{OWNER}") or Login.blank("login:none")
        story.when(_command(what, value, f"s{number}", links, now))
        for fact in story.facts:
            if fact.TOPIC == "login.opened.v1":
                opened += 1
                assert not before.shut
                assert not before.ended
                if fact.way == "link":
                    assert fact.digest not in seen
                    assert fact.digest == before.newest_link
                    seen.append(fact.digest)
                else:
                    assert before.locked_until is None or before.locked_until <= now
    found = story.known.get(f"login:{OWNER}")
    if found is not None and (found.ended or found.shut):
        assert not any(one.opens_at(NOW) for one in story.known.values()
                       if isinstance(one, ApiKey))
    assert opened == sum(isinstance(one, ApiKey) for one in story.known.values())


def _command(what: str, value: int, session: str, links: int, now: datetime) -> Command:
    if what == "invite":
        return invited(links, expires_at=now + timedelta(minutes=value), occurred_at=now)
    if what == "link":
        return used(value, session, password=HASH, occurred_at=now)
    if what == "sign in":
        return signed_in(session, occurred_at=now)
    if what in ("lock", "shut"):
        until = now + timedelta(minutes=value) if what == "lock" else None
        return locked(until=until, occurred_at=now)
    kind = UnlockLogin if what == "unlock" else EndLogin
    return kind(owner=OWNER, reason="x", occurred_at=now)


