"""The keys of a ledger, as they are folded from the facts of its access ledger."""

import hashlib
import logging
import threading
import time
from datetime import UTC, datetime
from typing import NamedTuple

from ledger.access.keys import ApiKey
from ledger.core import event_types
from ledger.log.damage import intact
from ledger.log.milestones import opened_as
from ledger.log.store import Store, Which, gapless

SEEN_S = 1.0
"""How stale the known keys may be: a revoked key opens nothing after this."""

UNKNOWN_S = 0.1
"""How often, at the most, a token that is not known makes the access ledger be asked: it may have
been issued since. However many wrong ones come, the database is asked no more often."""

log = logging.getLogger("ledger.edge")


class Caller(NamedTuple):
    """Who holds the key of a request. It belongs to the ledger with this id, in hex, whatever it is
    called by now."""

    key: str
    actor: str
    role: str
    ledger: str
    ledger_id: str


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
            if entry.stream.startswith("key:") and entry.stream not in self.changed:
                key = self.keys.setdefault(entry.stream, ApiKey.blank(entry.stream))
                if intact(entry):
                    event_types.decode(entry).mutate(key)
                else:  # run `ledger verify`: somebody changed it in the database
                    log.error("%s opens nothing: position %s is not what was recorded",
                              key.id, entry.position)
                    key.revoked = True
                    self.changed.add(key.id)
                self.by_digest[key.digest] = key
            self.position, self.leaf = entry.position, entry.leaf_hash
        return True


class KeyRing:
    """The keys of one ledger, folded from the facts of the access ledger that its own opening
    names."""

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

    def caller(self, token: str) -> tuple[Caller, ApiKey] | None:
        """Who holds a token; None if it opens nothing."""
        if time.monotonic() > self._until:
            self.refresh()
        digest = hashlib.sha256(token.encode()).hexdigest()
        if digest not in self._folded.by_digest and time.monotonic() > self._asks_again:
            self._asks_again = time.monotonic() + UNKNOWN_S
            self.refresh()
        folded = self._folded
        key = folded.by_digest.get(digest)
        if key is None or folded.known is None or not key.opens_at(datetime.now(UTC)):
            return None
        return Caller(key.id.partition(":")[2], key.owner, key.role, folded.known.name,
                      folded.known.id.hex()), key

    def first_on(self, day: str, key: ApiKey) -> bool:
        """Whether a key is used for the first time on a day, and nobody here was asked before."""
        noted = self._folded.noted
        if key.used_on >= day or noted.get(key.id) == day:
            return False
        noted[key.id] = day
        return True
