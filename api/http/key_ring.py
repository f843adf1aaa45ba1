"""The keys and logins of a ledger, as they are folded from the facts of its access ledger."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ledger.access.keys import ApiKey
from ledger.access.logins import Login, stream_of
from ledger.core import event_types
from ledger.log.damage import intact
from ledger.log.milestones import opened_as
from ledger.log.store import Store, Which, gapless

SEEN_S = 1.0
"""How stale the known keys may be: a revoked key opens nothing after this."""

UNKNOWN_S = 0.1
"""How often, at the most, a token that is not known makes the access ledger be asked: it may have
been issued since. However many wrong ones come, the database is asked no more often."""

BEARER, SESSION, LINK = "ol", "os", "oi"
"""How what is secret begins: the token of a key, that of a session, and what is in a link."""

log = logging.getLogger("ledger.edge")


def secret_of(kind: str, ledger: bytes, secret: str) -> str:
    """What opens something of a ledger: it says what it is, and of which."""
    return f"{kind}_{ledger.hex()}_{secret}"


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


class Caller(NamedTuple):
    """Who holds the key of a request, or its session. It belongs to the ledger with this id, in
    hex, whatever it is called by now."""

    key: str
    actor: str
    role: str
    ledger: str
    ledger_id: str
    session: bool = False

    @property
    def client(self) -> str:
        """Through what something is done: a key, or a session."""
        return f"{'session' if self.session else 'key'}:{self.key}"


class _Folded:
    """The keys of one ledger as of the event of its access ledger that was folded last. Rows beyond
    the head are in no tree, and a key of which an event was changed opens nothing."""

    def __init__(self, store: Store, ledger: Which) -> None:
        self.ledger = ledger
        self.known = store.known(ledger)
        access = None if self.known is None else opened_as(
            store, self.known.id, self.known.name).access
        self.access = bytes.fromhex(access or "")
        self.position, self.leaf = 0, b""
        self.keys: dict[str, ApiKey] = {}
        self.by_digest: dict[str, ApiKey] = {}
        self.logins: dict[str, Login] = {}
        self.by_link: dict[str, Login] = {}
        self.noted: dict[str, str] = {}
        self.changed: set[str] = set()

    def goes_on(self, store: Store) -> bool:
        """Fold what was recorded since. False, and nothing is folded, where the log does not lead
        on from the last event: another one has taken its place, such as a restored backup."""
        if store.known(self.ledger) != self.known:
            return False
        after, until = max(self.position - 1, 0), store.head(self.access).position
        found = gapless(store.read(self.access, after=after, until=until, limit=10**9),
                        self.access, after=after)
        if self.position:
            if not found or found[0].leaf_hash != self.leaf:
                return False
            found = found[1:]
        for entry in found:
            if entry.stream not in self.changed:
                if entry.stream.startswith("key:"):
                    self._fold_key(entry)
                elif entry.stream.startswith("login:"):
                    self._fold_login(entry)
            self.position, self.leaf = entry.position, entry.leaf_hash
        return True

    def _fold_key(self, entry: Any) -> None:
        key = self.keys.setdefault(entry.stream, ApiKey.blank(entry.stream))
        if self._is_intact(entry):
            event_types.decode(entry).mutate(key)
        else:
            key.revoked = True
        self.by_digest[key.digest] = key

    def _fold_login(self, entry: Any) -> None:
        login = self.logins.setdefault(entry.stream, Login.blank(entry.stream))
        if self._is_intact(entry):
            event_types.decode(entry).mutate(login)
        else:
            login.shut = True
        if login.newest_link is not None:
            self.by_link[login.newest_link] = login

    def _is_intact(self, entry: Any) -> bool:
        """Whether an event is the one that was recorded: run `ledger verify` where it is not, since
        somebody changed it in the database. From then on its stream opens nothing."""
        if intact(entry):
            return True
        log.error("%s opens nothing: position %s is not what was recorded", entry.stream,
                  entry.position)
        self.changed.add(entry.stream)
        return False


class KeyRing:
    """The keys and logins of one ledger, folded from the facts of the access ledger that its own
    opening names."""

    def __init__(self, store: Store, ledger: Which) -> None:
        self.store = store
        self._folded = _Folded(store, ledger)
        self._until = self._asks_again = 0.0
        self._lock = threading.Lock()

    @property
    def keys(self) -> dict[str, ApiKey]:
        """The keys, by their streams."""
        return self._folded.keys

    def refresh(self) -> None:
        """Fold what was recorded since the last time, or all, if the log is another."""
        with self._lock:
            if not self._folded.goes_on(self.store):
                other = _Folded(self.store, self._folded.ledger)
                other.goes_on(self.store)
                self._folded = other
            self._until = time.monotonic() + SEEN_S

    @property
    def ledger_name(self) -> str | None:
        """What the ledger is called; None where there is none."""
        return None if self._folded.known is None else self._folded.known.name

    @property
    def logins(self) -> dict[str, Login]:
        """The logins, by their streams."""
        return self._folded.logins

    def caller(self, token: str, *, session: bool = False) -> tuple[Caller, ApiKey] | None:
        """Who holds the token of a key, or of a session; None if it opens nothing."""
        digest = digest_of(token)
        folded = self._lately(lambda known: digest in known.by_digest)
        key = folded.by_digest.get(digest)
        if key is None or folded.known is None or key.session != session \
                or not key.opens_at(datetime.now(UTC)):
            return None
        return Caller(key.id.partition(":")[2], key.owner, key.role, folded.known.name,
                      folded.known.id.hex(), session), key

    def login(self, owner: str) -> Login | None:
        """Somebody's login, as it was at most a second ago; None if nobody was invited."""
        stream = stream_of(owner)
        return self._lately(lambda known: stream in known.logins).logins.get(stream)

    def login_of(self, link: str) -> Login | None:
        """The login that a link is of, by its digest; None if it was never given out."""
        return self._lately(lambda known: link in known.by_link).by_link.get(link)

    def _lately(self, knows: Callable[[_Folded], bool]) -> _Folded:
        """What was recorded until a second ago; until now, where something is not known, as far
        as that was not asked for just before."""
        if time.monotonic() > self._until:
            self.refresh()
        if not knows(self._folded) and time.monotonic() > self._asks_again:
            self._asks_again = time.monotonic() + UNKNOWN_S
            self.refresh()
        return self._folded

    def first_on(self, day: str, key: ApiKey) -> bool:
        """Whether a key is used for the first time on a day, and nobody here was asked before."""
        noted = self._folded.noted
        if key.used_on >= day or noted.get(key.id) == day:
            return False
        noted[key.id] = day
        return True
