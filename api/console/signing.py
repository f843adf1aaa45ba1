"""Signing in and out: what opens a session, what ends it, and how wrong passwords are counted."""

import secrets
import threading
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple

from api.http import limiting
from api.http.edge_errors import Problem
from api.http.key_ring import (
    LINK,
    SESSION,
    Caller,
    KeyRing,
    digest_of,
    secret_of,
)
from api.http.limits import PASSWORDS, SIGNING_IN
from api.http.runtime import Edge
from ledger.access.keys import ROLES, RevokeKey
from ledger.access.logins import (
    LinkUnknown,
    LockLogin,
    Login,
    LoginLocked,
    PasswordWrong,
    SignIn,
    SwitchRole,
    UseLink,
)
from ledger.access.passwords import LONGEST, NOBODY, SHORTEST, Keyed, hashed, is_right
from ledger.common.context import Context, is_actor
from ledger.common.errors import Invalid, Refused
from ledger.common.values import cut, rfc3339
from ledger.core.commands import Command
from ledger.log.store import SUFFIX
from projections.rights import BASE

CLIENT = "console"
SECRET_BYTES = 32
UNKNOWN = 10_000
"""Of how many logins that nobody has a process remembers the wrong passwords."""


class PasswordTooShort(Invalid):
    """The password has {length} characters. It must have {shortest} to {longest}."""

    code: ClassVar[str] = "password_too_short"
    rule: ClassVar[str] = "R-LGN-11"


class PasswordsDiffer(Invalid):
    """The two passwords differ. Type the same one twice."""

    code: ClassVar[str] = "passwords_differ"
    rule: ClassVar[str] = "R-LGN-12"


class NoRoleNow(Refused):
    """No post gives {owner} a role on {day}. Let a manager give them a post."""

    code: ClassVar[str] = "no_role_now"
    rule: ClassVar[str] = "R-LGN-13"


class Invited(NamedTuple):
    """Whom a link is for: on which ledger, and until when it opens a session."""

    ledger: str
    login: Login
    digest: str

    @property
    def expires_at(self) -> datetime:
        """Until when it opens one."""
        return self.login.links[self.digest]


class _Strangers:
    """Logins that nobody has, as they are answered: like those that somebody has."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def locked(self, name: str) -> tuple[int, datetime]:
        """How often one was locked, and until when."""
        return self._known.get(name, (0, datetime.fromtimestamp(0, UTC)))

    def lock(self, name: str, until: datetime) -> None:
        """Lock one."""
        with self._lock:
            self._known[name] = self.locked(name)[0] + 1, until
            self._known.move_to_end(name)
            if len(self._known) > UNKNOWN:
                self._known.popitem(last=False)


strangers = _Strangers()


def ledgers(here: Edge) -> list[str]:
    """The ledgers of the database, without those of their keys and readings."""
    return sorted(name for name in here.store.ledgers() if not name.endswith(SUFFIX))


def owner_of(typed: str) -> str:
    """Whom somebody means who signs in as `member:2c91`, or shorter as `2c91`."""
    typed = typed.strip()
    return typed if ":" in typed or typed == "system" else f"member:{typed}"


# -- with a password ------------------------------------------------------------------------------


class Typed(NamedTuple):
    """What somebody typed who signs in."""

    ledger: str
    who: str
    password: str


class _Asked(NamedTuple):
    """The login that is meant, if somebody has it, and how its wrong passwords are counted."""

    ledger: str
    ring: KeyRing | None
    login: Login | None
    named: str
    now: datetime

    @property
    def counted(self) -> str:
        """The holder of its wrong passwords: another one after each lock."""
        locks = strangers.locked(self.named)[0] if self.login is None else self.login.locks
        return f"{self.named}/{locks}"

    def must_not_be_locked(self) -> None:
        """That an operator locked it is said to who knows the password. Errors: LoginLocked
        (R-LGN-07)."""
        if self.login is not None:
            if not self.login.shut:
                self.login.must_not_be_locked(self.now)
        elif self.now < (until := strangers.locked(self.named)[1]):
            raise LoginLocked(until=rfc3339(until))


def sign_in(here: Edge, typed: Typed, network: str) -> str:
    """The token of a new session. A try is counted before it is made, and given back if it was
    right: of many at once no more are tried. Errors: PasswordWrong (R-LGN-06), LoginLocked
    (R-LGN-07), LoginShut (R-LGN-08), NoRoleNow (R-LGN-13); 429 for too many of one network."""
    limiting.spend(here.limits, SIGNING_IN, network)
    asked = _meant(here, typed)
    asked.must_not_be_locked()
    taken = here.limits.take(PASSWORDS, asked.counted)
    if taken is not None and taken.wait_s:
        raise _locked(here, asked)
    login = asked.login
    kept = NOBODY if login is None or not login.password else login.password
    if not is_right(typed.password, kept, _keyed(here, asked)) or login is None:
        if taken is not None and not taken.left:
            raise _locked(here, asked)
        raise PasswordWrong
    here.limits.give_back(PASSWORDS, asked.counted)
    here.limits.give_back(SIGNING_IN, network)
    role = _first_role(here, asked.ledger, login, (login.role, *login.roles))
    session, token = _new_session(here, asked.ledger)
    _handle(here, asked.ledger, SignIn(
        owner=login.owner, session=session, digest=digest_of(token), role=role, password=kept,
        occurred_at=asked.now), _by(login.owner, role))
    return token


def _meant(here: Edge, typed: Typed) -> _Asked:
    owner, own = owner_of(typed.who), here.store.id_of(typed.ledger)
    ring = here.ring(own) if typed.ledger in ledgers(here) else None
    login = ring.login(owner) if ring is not None and is_actor(owner) else None
    return _Asked(typed.ledger, ring, login, f"{own.hex()}/{cut(owner)}", datetime.now(UTC))


def _locked(here: Edge, asked: _Asked) -> LoginLocked:
    """Lock a login, which goes on record where somebody has it."""
    quota = here.limits.quotas[PASSWORDS]
    until = asked.now + timedelta(seconds=quota.window_s)
    if asked.login is None:
        strangers.lock(asked.named, until)
    else:
        _handle(here, asked.ledger, LockLogin(
            owner=asked.login.owner, until=until, occurred_at=asked.now,
            reason=f"{quota.most} wrong passwords in {quota.window_s} s"), _by("system", "system"))
    return LoginLocked(until=rfc3339(until))


def _keyed(here: Edge, asked: _Asked) -> Keyed:
    """What keys passwords; of a ledger that is not there, something that takes as long."""
    return here.ledger(asked.ledger + SUFFIX).mac if asked.ring is not None else _keyless


def _keyless(purpose: str, data: bytes) -> bytes:
    return data


# -- with a link ----------------------------------------------------------------------------------


def invited(here: Edge, token: str) -> Invited:
    """Whom a link is for, if it opens a session now. Errors: R-LGN-02 to R-LGN-05, R-LGN-08."""
    ring, digest = here.ring_of(token, LINK), digest_of(token)
    login = None if ring is None else ring.login_of(digest)
    if ring is None or ring.ledger_name is None or login is None:
        raise LinkUnknown
    login.must_open_by_link(digest, datetime.now(UTC))
    return Invited(ring.ledger_name, login, digest)


def use_link(here: Edge, token: str, passwords: tuple[str, str], network: str) -> str:
    """The token of a new session; the login has the password from now on, if one was typed.
    Errors: those of `invited`; PasswordTooShort (R-LGN-11), PasswordsDiffer (R-LGN-12), NoRoleNow
    (R-LGN-13); 429."""
    limiting.spend(here.limits, SIGNING_IN, network)
    found = invited(here, token)
    password = _chosen(passwords)
    role = _first_role(here, found.ledger, found.login, found.login.roles)
    session, opened = _new_session(here, found.ledger)
    kept = None if not password else hashed(password, here.ledger(found.ledger + SUFFIX).mac)
    owner = found.login.owner
    _handle(here, found.ledger, UseLink(
        owner=owner, session=session, digest=digest_of(opened), role=role, link=found.digest,
        password=kept, occurred_at=datetime.now(UTC)), _by(owner, role))
    here.limits.give_back(SIGNING_IN, network)
    return opened


def _chosen(passwords: tuple[str, str]) -> str:
    """The password that was typed twice; "" for none. Errors: R-LGN-11, R-LGN-12."""
    first, second = passwords
    if first != second:
        raise PasswordsDiffer
    if first and not SHORTEST <= len(first) <= LONGEST:
        raise PasswordTooShort(length=len(first), shortest=SHORTEST, longest=LONGEST)
    return first


# -- while signed in ------------------------------------------------------------------------------


def roles_of(here: Edge, ledger: str, login: Login) -> tuple[str, ...]:
    """In which roles somebody may act today: a member whom the shop knows in those that their
    posts give, anybody else in those that they were invited to."""
    rights = here.rights(_as(here, ledger, login.owner), fresh=True)
    if rights is None or (rights.here and not rights.placed):
        return login.roles
    return tuple(sorted(rights.roles, key=lambda role: (role == BASE, ROLES.index(role))))


def switch_role(here: Edge, who: Caller, role: str) -> str:
    """The token of a session in another role, in the place of one. Errors: 403 for a role that
    somebody does not have; R-ACC-02, R-ACC-04, R-LGN-07 to R-LGN-09."""
    login = login_of(here, who)
    roles = () if login is None else roles_of(here, who.ledger, login)
    if role not in roles:
        raise Problem("forbidden", role=cut(role), roles=", ".join(roles) or "–")
    session, token = _new_session(here, who.ledger)
    _handle(here, who.ledger, SwitchRole(
        owner=who.actor, replaces=who.key, session=session, digest=digest_of(token), role=role,
        occurred_at=datetime.now(UTC)), _by(who.actor, role, who.client))
    return token


def login_of(here: Edge, who: Caller) -> Login | None:
    """The login of whoever is signed in."""
    return here.ring(bytes.fromhex(who.ledger_id)).login(who.actor)


def own_sessions(here: Edge, who: Caller) -> list[dict[str, Any]]:
    """The sessions of a caller that are open, the latest first."""
    ring, now = here.ring(bytes.fromhex(who.ledger_id)), datetime.now(UTC)
    ring.refresh()
    found = [{"session": name.partition(":")[2], "role": key.role,
              "issued_at": rfc3339(key.issued_at), "expires_at": rfc3339(key.expires_at),
              "this": name == f"key:{who.key}"}
             for name, key in ring.keys.items()
             if key.session and key.owner == who.actor and key.opens_at(now)]
    return sorted(found, key=itemgetter("issued_at"), reverse=True)


def revoke(here: Edge, who: Caller, session: str) -> None:
    """End one of the caller's own sessions; one that has ended stays so. Errors: 403 for another's.
    """
    ring = here.ring(bytes.fromhex(who.ledger_id))
    key = ring.keys.get(f"key:{session}")
    if key is None or not key.session or key.owner != who.actor:
        raise Problem("forbidden", role=who.role, roles="–")
    _handle(here, who.ledger, RevokeKey(key=session, reason="signed out",
                                        occurred_at=datetime.now(UTC)),
            _by(who.actor, who.role, who.client))


# -- shared ---------------------------------------------------------------------------------------


def _first_role(here: Edge, ledger: str, login: Login, wanted: tuple[str, ...]) -> str:
    """The role in which a session opens: the first that is wanted and that there is, such as the
    one of the last time, or of the link; else another. Errors: NoRoleNow (R-LGN-13)."""
    found = roles_of(here, ledger, login)
    for role in (*wanted, *found):
        if role in found:
            return role
    raise NoRoleNow(owner=login.owner, day=here.today(ledger))


def _as(here: Edge, ledger: str, owner: str) -> Caller:
    return Caller("", owner, "", ledger, here.store.id_of(ledger).hex())


def _by(actor: str, role: str, client: str = CLIENT) -> Context:
    return Context(actor=actor, role=role, client=client)


def _new_session(here: Edge, ledger: str) -> tuple[str, str]:
    """The id of a session, and its token, which nobody but its browser ever has."""
    session = secrets.token_hex(6)
    secret = f"{session}{secrets.token_urlsafe(SECRET_BYTES)}"
    return session, secret_of(SESSION, here.store.id_of(ledger), secret)


def _handle(here: Edge, ledger: str, command: Command, context: Context) -> None:
    """Record something about a login, and know it here at once."""
    here.ledger(ledger + SUFFIX).handle(command, context)
    here.ring(here.store.id_of(ledger)).refresh()
