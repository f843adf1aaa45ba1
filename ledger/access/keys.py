"""Keys of programs and people: facts of the ledger `NAME.access`.

A key is 256 random bits, shown once; the log holds their SHA-256. It belongs to an actor, acts in
one role on one ledger, and may expire. A session is a key that a login issued: a browser holds its
token in a cookie, and it opens nothing elsewhere.
"""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar

from ledger.common.bounds import ActorId, At, IdText, Reason, Text, Words
from ledger.common.errors import NotFound, Refused
from ledger.common.values import subject
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import OnStream, Wanted

ROLES = ("auditor", "service", "warehouse", "warehouse_head", "purchasing", "finance", "member",
         "operations", "reviewer", "manager", "integration", "admin")
"""The roles in which keys act. The ledger itself is not one: it acts as `system`."""

SYSTEM_ROLE = "admin"
"""The only role of a key whose owner is `system`: what the ledger itself does needs no second
person, so nobody may do it with a key."""

KeyId = Annotated[str, IdText(longest=40)]


class KeyUnknown(NotFound):
    """There is no key {key}."""

    code: ClassVar[str] = "key_unknown"
    rule: ClassVar[str] = "R-ACC-01"


class KeyRevoked(Refused):
    """The key {key} was revoked."""

    code: ClassVar[str] = "key_revoked"
    rule: ClassVar[str] = "R-ACC-02"


class KeyExpired(Refused):
    """The key {key} has expired. Issue a new one."""

    code: ClassVar[str] = "key_expired"
    rule: ClassVar[str] = "R-ACC-04"


class SessionReplaced(Refused):
    """The key {key} is a session, which is not replaced by a key. Whoever it belongs to signs in
    again, or has a key issued."""

    code: ClassVar[str] = "session_replaced"
    rule: ClassVar[str] = "R-LGN-10"


class ApiKey(Aggregate):
    """A key; its stream is `key:<id>`."""

    KIND = "key"

    def begin(self) -> None:
        """It was never issued."""
        self.owner = ""
        self.role = ""
        self.digest = ""
        self.issued_at: datetime | None = None
        self.expires_at: datetime | None = None
        self.revoked = self.session = False
        self.used_on = ""

    class Issued(Aggregate.Event):
        """A key was given out. `digest` is the SHA-256 of its secret, in hex. A `session` was given
        out by a login, to a browser."""

        TOPIC = "key.issued.v1"
        owner: str
        role: Annotated[str, Words(*ROLES)]
        digest: str
        expires_at: datetime | None = None
        replaces: str | None = None
        session: bool = False

        def about(self) -> list[str]:
            """The key that it replaces."""
            return [] if self.replaces is None else [subject("key", self.replaces)]

    class ExpirySet(Aggregate.Event):
        """The key expires at this time."""

        TOPIC = "key.expiry_set.v1"
        expires_at: datetime

    class Revoked(Aggregate.Event):
        """The key no longer opens anything."""

        TOPIC = "key.revoked.v1"
        reason: str

    class Used(Aggregate.Event):
        """The key was used, for the first time on this day (UTC)."""

        TOPIC = "key.used.v1"
        day: str

    @event(Issued)
    def _issued(self, owner, role, digest, expires_at, session, occurred_at):
        self.owner, self.role, self.digest, self.session = owner, role, digest, session
        self.expires_at, self.issued_at = expires_at, occurred_at

    @event(ExpirySet)
    def _expiry_set(self, expires_at):
        self.expires_at = expires_at

    @event(Revoked)
    def _revoked(self):
        self.revoked = True

    @event(Used)
    def _used(self, day):
        self.used_on = day

    def must_be_issued(self, key: str) -> None:
        """Errors: KeyUnknown (R-ACC-01)."""
        if self.issued_at is None:
            raise KeyUnknown(key=key)

    def issue(self, facts: dict[str, Any], *, occurred_at: datetime) -> None:
        """It is given out."""
        self._issued(**facts, occurred_at=occurred_at)

    def expire(self, expires_at: datetime, *, occurred_at: datetime) -> None:
        """It expires at a time, since another replaces it."""
        self._expiry_set(expires_at=expires_at, occurred_at=occurred_at)

    def revoke(self, reason: str, *, occurred_at: datetime) -> None:
        """It opens nothing any more, once."""
        if not self.revoked:
            self._revoked(reason=reason, occurred_at=occurred_at)

    def note_use(self, day: str, *, occurred_at: datetime) -> None:
        """It was used; the first use of a day is recorded."""
        if self.used_on < day:
            self._used(day=day, occurred_at=occurred_at)

    def must_be_no_session(self, key: str) -> None:
        """Errors: SessionReplaced (R-LGN-10)."""
        if self.session:
            raise SessionReplaced(key=key)

    def opens_at(self, now: datetime) -> bool:
        """Whether it opens anything at a time."""
        return not self.revoked and (self.expires_at is None or now < self.expires_at)

    def must_open_at(self, key: str, now: datetime) -> None:
        """Errors: KeyUnknown (R-ACC-01), KeyRevoked (R-ACC-02), KeyExpired (R-ACC-04)."""
        self.must_be_issued(key)
        if self.revoked:
            raise KeyRevoked(key=key)
        if not self.opens_at(now):
            raise KeyExpired(key=key)


class _OnKey(OnStream, frozen=True, kw_only=True):
    """A command on a key."""

    AGGREGATE = ApiKey
    key: KeyId

    @property
    def subject(self) -> str:
        """The key's stream."""
        return subject("key", self.key)


class IssueKey(_OnKey, frozen=True, kw_only=True):
    """Give out a key; the one that it replaces ends at `overlap_until`."""

    NAME: ClassVar[str] = "key.issue"
    owner: ActorId
    role: Annotated[str, Words(*ROLES)]
    digest: Annotated[str, Text(longest=64)]
    expires_at: At | None = None
    replaces: KeyId | None = None
    overlap_until: At | None = None

    def streams(self) -> Wanted:
        old = [] if self.replaces is None else [(ApiKey, subject("key", self.replaces))]
        return [*super().streams(), *old]


class RevokeKey(_OnKey, frozen=True, kw_only=True):
    """Let a key open nothing any more."""

    NAME: ClassVar[str] = "key.revoke"
    reason: Reason


class NoteUse(_OnKey, frozen=True, kw_only=True):
    """Note that a key was used on a day."""

    NAME: ClassVar[str] = "key.note_use"
    day: date
