"""How much one key may ask for in a while: token buckets that all processes of a ledger share.

A bucket is one number, when it will be full again, in a table beside the read models. What a
process takes from it is a fiftieth at a time, so that few requests write anything.
"""

import hashlib
import logging
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from math import ceil
from typing import NamedTuple

from ledger.common.errors import Misconfigured
from ledger.log.store import StorageFailed
from projections.store.buckets import Buckets, now_us

REQUESTS, PAST, BAD_KEYS = "requests", "past", "bad_keys"
PASSWORDS, SIGNING_IN = "passwords", "signing_in"
"""Wrong passwords of one login, and of one network."""

DEFAULTS: Mapping[str, tuple[str, str]] = {
    REQUESTS: ("LEDGER_REQUEST_LIMIT", "off"),
    PAST: ("LEDGER_PAST_LIMIT", "3000000/60"),
    BAD_KEYS: ("LEDGER_BAD_KEY_LIMIT", "100/60"),
    PASSWORDS: ("LEDGER_PASSWORD_LIMIT", "10/900"),
    SIGNING_IN: ("LEDGER_SIGNING_IN_LIMIT", "50/900")}
"""What is limited, by which setting, and how much of it where that says nothing."""

SHARE = 50
"""A process takes this part of a bucket at a time, or as much as is wanted at once."""

HOLDERS = 10_000
"""How many holders a process remembers."""

OFF = "off"
_LIMIT = re.compile(r"([0-9]{1,12})/([0-9]{1,5})", re.ASCII)

log = logging.getLogger("ledger.edge")


class BadLimit(Misconfigured):
    """{name} is {text!r}. It must be off, or how much in how many seconds, up to 86400, such as
    6000/60."""

    code = "bad_limit"
    rule = "R-SET-13"


class Quota(NamedTuple):
    """So much in so many seconds: what a full bucket holds, and how long an empty one fills."""

    most: int
    window_s: int

    @property
    def window_us(self) -> int:
        """How long an empty bucket fills, in microseconds."""
        return self.window_s * 1_000_000

    def filled_in(self, tokens: int) -> int:
        """The microseconds in which so many tokens come back."""
        return -(-tokens * self.window_us // self.most)


def quotas_of(environment: Mapping[str, str] = os.environ) -> dict[str, Quota]:
    """What is limited, by the settings. Errors: BadLimit (R-SET-13)."""
    found: dict[str, Quota] = {}
    for kind, (name, default) in DEFAULTS.items():
        said = environment.get(name) or default
        parts = _LIMIT.fullmatch(said)
        if said == OFF:
            continue
        if parts is None or not int(parts[1]) or not 1 <= int(parts[2]) <= 86_400:
            raise BadLimit(name=name, text=said)
        found[kind] = Quota(int(parts[1]), int(parts[2]))
    return found


class Taken(NamedTuple):
    """What came of taking: how much is left, and in how many seconds to ask again where there was
    too little; 0 where it was given."""

    kind: str
    quota: Quota
    left: int
    wait_s: int


class _Lease:
    """What a process has taken from a bucket for a holder, and what it knows of it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tokens = self.full_at = 0


class Limits:
    """What each holder may still ask for. Thread-safe."""

    def __init__(
        self, quotas: Mapping[str, Quota], buckets: Buckets, clock: Callable[[], int] = now_us
    ) -> None:
        self.quotas = dict(quotas)
        self._buckets, self.clock = buckets, clock
        self._leases: OrderedDict[tuple[str, str], _Lease] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, kind: str, holder: str, tokens: int = 1) -> Taken | None:
        """Take tokens, or say when they will be there; None where nothing limits this. What costs
        more than a whole bucket takes the whole bucket."""
        quota = self.quotas.get(kind)
        if quota is None:
            return None
        tokens, now = min(tokens, quota.most), self.clock()
        lease = self._lease(kind, holder)
        with lease.lock:
            if lease.tokens < tokens and not self._fetch(lease, (kind, holder), tokens, now):
                spent = lease.full_at + quota.filled_in(tokens) - quota.window_us - now
                return Taken(kind, quota, _left(lease, quota, now), max(1, ceil(spent / 1e6)))
            lease.tokens -= tokens
            return Taken(kind, quota, _left(lease, quota, now), 0)

    def give_back(self, kind: str, holder: str) -> None:
        """Give back one token that was taken in advance, and is not spent after all."""
        if kind in self.quotas:
            lease = self._lease(kind, holder)
            with lease.lock:
                lease.tokens += 1

    def _lease(self, kind: str, holder: str) -> _Lease:
        with self._lock:
            found = self._leases.setdefault((kind, holder), _Lease())
            self._leases.move_to_end((kind, holder))
            if len(self._leases) > HOLDERS:
                self._leases.popitem(last=False)
            return found

    def _fetch(self, lease: _Lease, of: tuple[str, str], tokens: int, now: int) -> bool:
        """Whether there are enough tokens now. A bucket that is known to be too empty still is not
        asked again: whoever is refused writes nothing. Where none can be asked, nobody is refused.
        """
        quota = self.quotas[of[0]]
        beyond = now + quota.window_us
        if beyond - quota.filled_in(tokens) < lease.full_at <= beyond:
            return False
        name = hashlib.sha256("\0".join(of).encode()).hexdigest()[:32]  # nobody's address is kept
        try:
            for many in dict.fromkeys((max(tokens, quota.most // SHARE), tokens)):
                given, lease.full_at = self._buckets.take(
                    name, quota.filled_in(many), window=quota.window_us, now=now)
                if given:
                    lease.tokens += many
                    return True
        except StorageFailed as error:
            log.error("a limit cannot be looked at, and refuses nothing: %s", error)
            lease.tokens += tokens
            return True
        return False

    def close(self) -> None:
        """Let go of the buckets."""
        self._buckets.close()


def _left(lease: _Lease, quota: Quota, now: int) -> int:
    """The tokens that a holder has still, as far as this process knows."""
    empty_us = min(max(lease.full_at - now, 0), quota.window_us)
    return lease.tokens + quota.most - -(-empty_us * quota.most // quota.window_us)
