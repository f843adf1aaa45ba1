"""Who may sign in to the console: facts of the ledger `NAME.access`.

Somebody is invited by a link that opens once, and may set a password. A login opens sessions, which
are keys (`ledger.access.keys`).
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from ledger.access.keys import ROLES, ApiKey, KeyId
from ledger.common.bounds import ActorId, At, Items, Reason, Sha256, Text, Words
from ledger.common.errors import NotFound, Refused
from ledger.common.values import rfc3339, subject
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import OnStream, Wanted

SESSION = timedelta(hours=12)
"""How long a session opens anything."""

LINK, PASSWORD, SWITCH = "link", "password", "switch"
WAYS = (LINK, PASSWORD, SWITCH)
"""How a session was opened: by a link, by a password, or in the place of one in another role."""

Role = Annotated[str, Words(*ROLES)]
PasswordHash = Annotated[str, Text(longest=200)]


class LoginUnknown(NotFound):
    """Nobody was invited as {owner}."""

    code: ClassVar[str] = "login_unknown"
    rule: ClassVar[str] = "R-LGN-01"


class LinkUnknown(NotFound):
    """This link opens nothing. Ask for another one."""

    code: ClassVar[str] = "link_unknown"
    rule: ClassVar[str] = "R-LGN-02"


class LinkUsed(Refused):
    """This link was used on {at}: each opens once. Sign in with your password, or ask for another
    link."""

    code: ClassVar[str] = "link_used"
    rule: ClassVar[str] = "R-LGN-03"


class LinkVoid(Refused):
    """A newer link has taken the place of this one. Use that, or ask for another one."""

    code: ClassVar[str] = "link_void"
    rule: ClassVar[str] = "R-LGN-04"


class LinkExpired(Refused):
    """This link has expired on {at}. Ask for another one."""

    code: ClassVar[str] = "link_expired"
    rule: ClassVar[str] = "R-LGN-05"


class PasswordWrong(Refused):
    """Nobody signs in with this name and this password."""

    code: ClassVar[str] = "password_wrong"
    rule: ClassVar[str] = "R-LGN-06"


class LoginLocked(Refused):
    """This login is locked until {until}, after too many wrong passwords."""

    code: ClassVar[str] = "login_locked"
    rule: ClassVar[str] = "R-LGN-07"


class LoginShut(Refused):
    """This login is locked until an operator unlocks it."""

    code: ClassVar[str] = "login_shut"
    rule: ClassVar[str] = "R-LGN-08"


class RoleNotInvited(Refused):
    """{owner} was not invited to act as {role}."""

    code: ClassVar[str] = "role_not_invited"
    rule: ClassVar[str] = "R-LGN-09"


class Login(Aggregate):
    """Whether and how somebody signs in; its stream is `login:<owner>`."""

    KIND = "login"

    def begin(self) -> None:
        """Nobody was invited."""
        self.roles: tuple[str, ...] = ()
        self.role = ""
        self.password = ""
        self.newest_link: str | None = None
        self.links: dict[str, datetime] = {}
        self.used: dict[str, datetime] = {}
        self.sessions: dict[str, datetime] = {}
        self.locked_until: datetime | None = None
        self.locks = 0
        self.shut = self.ended = False
        self.opened_at: datetime | None = None

    class Invited(Aggregate.Event):
        """Somebody was given a link that opens one session, until it expires. `digest` is the
        SHA-256 of what is secret in it, in hex. It makes those before it void."""

        TOPIC = "login.invited.v1"
        roles: list[Role]
        digest: str
        expires_at: datetime

    class PasswordSet(Aggregate.Event):
        """A password was set. `hash` is Argon2id's of its MAC under the ledger's secret."""

        TOPIC = "login.password_set.v1"
        hash: str

    class Opened(Aggregate.Event):
        """A session was opened, in a role; by a link, its digest is here."""

        TOPIC = "login.opened.v1"
        session: str
        way: Annotated[str, Words(*WAYS)]
        role: Role
        expires_at: datetime
        digest: str | None = None

        def about(self) -> list[str]:
            """The key that the session is."""
            return [subject("key", self.session)]

    class Locked(Aggregate.Event):
        """Nobody signs in with it: until a time, or until it is unlocked."""

        TOPIC = "login.locked.v1"
        reason: str
        until: datetime | None = None

    class Unlocked(Aggregate.Event):
        """It opens sessions again."""

        TOPIC = "login.unlocked.v1"
        reason: str

    class Ended(Aggregate.Event):
        """It opens nothing any more: its link and its password are void."""

        TOPIC = "login.ended.v1"
        reason: str

    @event(Invited)
    def _invited(self, roles, digest, expires_at):
        self.roles, self.newest_link, self.ended = tuple(roles), digest, False
        self.links = {**self.links, digest: expires_at}

    @event(PasswordSet)
    def _password_set(self, hash):
        self.password = hash

    @event(Opened)
    def _opened(self, session, role, expires_at, digest, occurred_at):
        self.role, self.opened_at = role, occurred_at
        going_on = {one: ends for one, ends in self.sessions.items() if ends > occurred_at}
        self.sessions = {**going_on, session: expires_at}
        if digest is not None:
            self.used = {**self.used, digest: occurred_at}
            self.locked_until = None

    @event(Locked)
    def _locked(self, until):
        self.locked_until, self.shut = until, self.shut or until is None
        self.locks += 1

    @event(Unlocked)
    def _unlocked(self):
        self.locked_until, self.shut = None, False

    @event(Ended)
    def _ended(self):
        self.ended, self.password, self.newest_link = True, "", None
        self.locked_until, self.shut, self.sessions = None, False, {}

    # -- what must be so --------------------------------------------------------------------------

    @property
    def owner(self) -> str:
        """Who signs in with it."""
        return self.id.partition(":")[2]

    def must_be_known(self) -> None:
        """Errors: LoginUnknown (R-LGN-01)."""
        if not self.version or self.ended:
            raise LoginUnknown(owner=self.owner)

    def must_open_by_link(self, digest: str, now: datetime) -> None:
        """A link opens a session, once. Errors: LinkUnknown (R-LGN-02), LinkUsed (R-LGN-03),
        LinkVoid (R-LGN-04), LinkExpired (R-LGN-05), LoginShut (R-LGN-08)."""
        if digest not in self.links:
            raise LinkUnknown
        if (used := self.used.get(digest)) is not None:
            raise LinkUsed(at=rfc3339(used))
        if digest != self.newest_link:
            raise LinkVoid
        if now >= (ends := self.links[digest]):
            raise LinkExpired(at=rfc3339(ends))
        if self.shut:
            raise LoginShut

    def must_not_be_locked(self, now: datetime) -> None:
        """Errors: LoginLocked (R-LGN-07), LoginShut (R-LGN-08)."""
        if self.shut:
            raise LoginShut
        if self.locked_until is not None and now < self.locked_until:
            raise LoginLocked(until=rfc3339(self.locked_until))

    def must_open_by_password(self, hash: str, now: datetime) -> None:
        """The password that was found right is still the one of the login. Errors: PasswordWrong
        (R-LGN-06), R-LGN-07, R-LGN-08."""
        if not self.password or hash != self.password:
            raise PasswordWrong
        self.must_not_be_locked(now)

    def must_act_as(self, role: str) -> None:
        """A member acts in what their posts give, which is looked at with every request; anybody
        else in what they were invited to. Errors: RoleNotInvited (R-LGN-09)."""
        if not self.owner.startswith("member:") and role not in self.roles:
            raise RoleNotInvited(owner=self.owner, role=role)

    # -- what is recorded -------------------------------------------------------------------------

    def invite(self, facts: dict[str, Any], *, occurred_at: datetime) -> None:
        """A link is given out."""
        self._invited(**facts, occurred_at=occurred_at)

    def set_password(self, hash: str, *, occurred_at: datetime) -> None:
        """A password is set."""
        self._password_set(hash=hash, occurred_at=occurred_at)

    def open(self, facts: dict[str, Any], *, occurred_at: datetime) -> None:
        """A session is opened."""
        self._opened(**facts, occurred_at=occurred_at)

    def lock(self, until: datetime | None, reason: str, *, occurred_at: datetime) -> None:
        """It is locked, unless it is already."""
        still = self.locked_until is not None and self.locked_until > occurred_at
        if self.shut or (until is not None and still):
            return
        self._locked(until=until, reason=reason, occurred_at=occurred_at)

    def unlock(self, reason: str, *, occurred_at: datetime) -> None:
        """It is unlocked, if it was locked."""
        if self.shut or self.locked_until is not None:
            self._unlocked(reason=reason, occurred_at=occurred_at)

    def end(self, reason: str, *, occurred_at: datetime) -> None:
        """It ends."""
        self._ended(reason=reason, occurred_at=occurred_at)


def stream_of(owner: str) -> str:
    """The stream of somebody's login."""
    return subject("login", *owner.split(":"))


class _OnLogin(OnStream, frozen=True, kw_only=True):
    """A command on a login."""

    AGGREGATE = Login
    owner: ActorId

    @property
    def subject(self) -> str:
        """The login's stream."""
        return stream_of(self.owner)


class Invite(_OnLogin, frozen=True, kw_only=True):
    """Give out a link that opens one session; those before it are void."""

    NAME: ClassVar[str] = "login.invite"
    roles: Annotated[list[Role], Items(least=1, most=len(ROLES))]
    digest: Sha256
    expires_at: At


class _Opening(_OnLogin, frozen=True, kw_only=True):
    """A command that opens a session: `session` is the id of the key that it is, `digest` the
    SHA-256 of its token."""

    session: KeyId
    digest: Sha256
    role: Role

    def streams(self) -> Wanted:
        return [*super().streams(), (ApiKey, subject("key", self.session))]


class UseLink(_Opening, frozen=True, kw_only=True):
    """Open a session by a link, of whose secret `link` is the SHA-256, and perhaps set a password.
    """

    NAME: ClassVar[str] = "login.use_link"
    link: Sha256
    password: PasswordHash | None = None


class SignIn(_Opening, frozen=True, kw_only=True):
    """Open a session by a password that was found right: `password` is what was kept of it then."""

    NAME: ClassVar[str] = "login.sign_in"
    password: PasswordHash


class SwitchRole(_Opening, frozen=True, kw_only=True):
    """Open a session in another role in the place of one, which ends, and no later than it would
    have."""

    NAME: ClassVar[str] = "login.switch_role"
    replaces: KeyId

    def streams(self) -> Wanted:
        return [*super().streams(), (ApiKey, subject("key", self.replaces))]


class LockLogin(_OnLogin, frozen=True, kw_only=True):
    """Let nobody sign in with it: until a time, or until it is unlocked, which ends its sessions,
    too."""

    NAME: ClassVar[str] = "login.lock"
    until: At | None = None
    reason: Reason


class UnlockLogin(_OnLogin, frozen=True, kw_only=True):
    """Let a login open sessions again."""

    NAME: ClassVar[str] = "login.unlock"
    reason: Reason


class EndLogin(_OnLogin, frozen=True, kw_only=True):
    """End a login with its sessions."""

    NAME: ClassVar[str] = "login.end"
    reason: Reason
