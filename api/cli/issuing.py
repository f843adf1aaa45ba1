"""Keys from the command line: given out, listed, replaced, taken back."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from api.http.runtime import KeyRing
from ledger.access import IssueKey, KeyExpired, KeyRevoked, KeyUnknown, RevokeKey
from ledger.common.context import Context
from ledger.common.days import SHOP_ZONE
from ledger.common.errors import Invalid
from ledger.common.values import rfc3339
from ledger.log.store import SUFFIX, must_be_owner
from ledger.settings import Opened, open_ledger
from projections.asking.clocks import moment

SECRET_BYTES = 32


class ExpiryPassed(Invalid):
    """The key would have expired at {at} already, and open nothing. Name a later time."""

    code = "expiry_passed"
    rule = "R-ACC-06"


def opened(ledger: str) -> Opened:
    """The ledger of a ledger's keys, which is there.

    Errors: BadLedgerName (R-LDG-09), MissingLedger (R-SET-03).
    """
    must_be_owner(ledger)
    return open_ledger(name=ledger + SUFFIX, make=False)


def issue(
    found: Opened, ledger: str, context: Context, *, owner: str, role: str,
    expires: str | None = None, replaces: str | None = None, overlap_hours: int = 0,
) -> dict[str, Any]:
    """Make a key. Shapes: the record that is printed, with `token`, which is shown this once.

    Errors: R-VAL-01, R-ACC-01, R-ACC-02, R-ACC-04, BadTime (R-PRJ-03), ExpiryPassed (R-ACC-06).
    """
    now = datetime.now(UTC)
    key = secrets.token_hex(6)
    token = f"ol_{found.store.id_of(ledger).hex()}_{key}{secrets.token_urlsafe(SECRET_BYTES)}"
    at = None if expires is None else moment("expires", expires, SHOP_ZONE).at_us
    ends = None if at is None else datetime.fromtimestamp(at / 1e6, UTC)
    if ends is not None and ends <= now:
        raise ExpiryPassed(at=rfc3339(ends))
    found.ledger.handle(IssueKey(
        key=key, owner=owner, role=role, digest=hashlib.sha256(token.encode()).hexdigest(),
        expires_at=ends, replaces=replaces, occurred_at=now,
        overlap_until=now + timedelta(hours=overlap_hours) if replaces else None), context)
    return {"key": key, "owner": owner, "role": role, "ledger": ledger,
            "expires_at": rfc3339(ends), "token": token}


def rotate(
    found: Opened, ledger: str, context: Context, key: str, *, overlap_hours: int
) -> dict[str, Any]:
    """Give out another key in the place of one, which ends after some hours.

    Errors: KeyUnknown (R-ACC-01), KeyRevoked (R-ACC-02), KeyExpired (R-ACC-04).
    """
    old = {row["key"]: row for row in listed(found, ledger)}.get(key)
    if old is None:
        raise KeyUnknown(key=key)
    if old["state"] != "good":
        raise KeyRevoked(key=key) if old["state"] == "revoked" else KeyExpired(key=key)
    return issue(found, ledger, context, owner=old["owner"], role=old["role"],
                 expires=old["expires_at"], replaces=key, overlap_hours=overlap_hours)


def revoke(found: Opened, context: Context, key: str, reason: str) -> None:
    """Take a key back. Errors: KeyUnknown (R-ACC-01)."""
    found.ledger.handle(
        RevokeKey(key=key, reason=reason, occurred_at=datetime.now(UTC)), context)


def listed(found: Opened, ledger: str) -> list[dict[str, Any]]:
    """All keys, in the order of their ids; never their secrets."""
    ring, now = KeyRing(found.store, ledger), datetime.now(UTC)
    ring.refresh()
    return [{
        "key": name.partition(":")[2], "owner": key.owner, "role": key.role,
        "state": "good" if key.opens_at(now) else "revoked" if key.revoked else "expired",
        "issued_at": rfc3339(key.issued_at), "expires_at": rfc3339(key.expires_at),
        "used_on": key.used_on or None} for name, key in sorted(ring.keys.items())]
