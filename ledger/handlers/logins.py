"""Logins: who is invited, what opens a session, and what ends it."""

from datetime import datetime

from ledger.access.keys import ApiKey, KeyUnknown
from ledger.access.logins import (
    LINK,
    PASSWORD,
    SESSION,
    SWITCH,
    EndLogin,
    Invite,
    LockLogin,
    Login,
    SignIn,
    SwitchRole,
    UnlockLogin,
    UseLink,
)
from ledger.common.values import subject
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work


def invite(command: Invite, work: Work) -> list[Aggregate]:
    """A link makes those before it void, and a login that had ended begins again."""
    login: Login = work.load(Login, command.subject)
    login.invite({"roles": command.roles, "digest": command.digest,
                  "expires_at": command.expires_at}, occurred_at=command.occurred_at)
    return [login]


def use_link(command: UseLink, work: Work) -> list[Aggregate]:
    """A session, and perhaps a password. Errors: R-LGN-02 to R-LGN-05, R-LGN-08, R-LGN-09."""
    login: Login = work.load(Login, command.subject)
    login.must_open_by_link(command.link, command.occurred_at)
    if command.password is not None:
        login.set_password(command.password, occurred_at=command.occurred_at)
    return _opened(command, work, LINK, link=command.link)


def sign_in(command: SignIn, work: Work) -> list[Aggregate]:
    """A session. Errors: R-LGN-06 to R-LGN-09."""
    login: Login = work.load(Login, command.subject)
    login.must_open_by_password(command.password, command.occurred_at)
    return _opened(command, work, PASSWORD)


def switch_role(command: SwitchRole, work: Work) -> list[Aggregate]:
    """A session in the place of one. Errors: R-ACC-01 (also for a key of somebody else, or of a
    program), R-ACC-02, R-ACC-04, R-LGN-07 to R-LGN-09."""
    login: Login = work.load(Login, command.subject)
    old: ApiKey = work.load(ApiKey, subject("key", command.replaces))
    old.must_open_at(command.replaces, command.occurred_at)
    if not old.session or old.owner != command.owner or old.expires_at is None:
        raise KeyUnknown(key=command.replaces)
    login.must_not_be_locked(command.occurred_at)
    old.revoke("another role", occurred_at=command.occurred_at)
    return [*_opened(command, work, SWITCH, ends=old.expires_at), old]


def _opened(
    command: UseLink | SignIn | SwitchRole, work: Work, way: str, *,
    ends: datetime | None = None, link: str | None = None,
) -> list[Aggregate]:
    """Errors: RoleNotInvited (R-LGN-09)."""
    login: Login = work.load(Login, command.subject)
    login.must_act_as(command.role)
    key: ApiKey = work.load(ApiKey, subject("key", command.session))
    ends = ends or command.occurred_at + SESSION
    login.open({"session": command.session, "way": way, "role": command.role, "expires_at": ends,
                "digest": link}, occurred_at=command.occurred_at)
    key.issue({"owner": command.owner, "role": command.role, "digest": command.digest,
               "expires_at": ends, "session": True,
               "replaces": command.replaces if isinstance(command, SwitchRole) else None},
              occurred_at=command.occurred_at)
    return [login, key]


def lock_login(command: LockLogin, work: Work) -> list[Aggregate]:
    """What an operator locks has no open session, either. Errors: R-LGN-01."""
    login: Login = work.load(Login, command.subject)
    login.must_be_known()
    closed = [] if command.until else _closed(login, command, work)
    login.lock(command.until, command.reason, occurred_at=command.occurred_at)
    return [login, *closed]


def unlock_login(command: UnlockLogin, work: Work) -> list[Aggregate]:
    """Errors: R-LGN-01."""
    login: Login = work.load(Login, command.subject)
    login.must_be_known()
    login.unlock(command.reason, occurred_at=command.occurred_at)
    return [login]


def end_login(command: EndLogin, work: Work) -> list[Aggregate]:
    """Errors: R-LGN-01."""
    login: Login = work.load(Login, command.subject)
    login.must_be_known()
    closed = _closed(login, command, work)
    login.end(command.reason, occurred_at=command.occurred_at)
    return [login, *closed]


def _closed(login: Login, command: LockLogin | EndLogin, work: Work) -> list[Aggregate]:
    """The sessions that were open, revoked."""
    found: list[Aggregate] = []
    for session in login.sessions:
        key: ApiKey = work.load(ApiKey, subject("key", session))
        if key.opens_at(command.occurred_at):
            key.revoke(command.reason, occurred_at=command.occurred_at)
            found.append(key)
    return found


HANDLERS: dict[type[Command], Handler] = {
    Invite: invite,
    UseLink: use_link,
    SignIn: sign_in,
    SwitchRole: switch_role,
    LockLogin: lock_login,
    UnlockLogin: unlock_login,
    EndLogin: end_login,
}
