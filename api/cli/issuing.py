"""Keys from the command line: given out, listed, replaced, taken back."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from api.http.key_ring import BEARER, KeyRing, digest_of, secret_of
from api.messages import tr
from ledger.access.keys import (
    SYSTEM_ROLE,
    ApiKey,
    IssueKey,
    KeyExpired,
    KeyRevoked,
    KeyUnknown,
    RevokeKey,
    SessionReplaced,
)
from ledger.common.context import Context
from ledger.common.errors import Invalid, Refused
from ledger.common.phrases import Phrase
from ledger.common.values import rfc3339
from ledger.log.store import SUFFIX, Store, must_be_owner
from ledger.log.zones import days_of
from ledger.people.signatures import SYSTEM
from ledger.settings import Opened, open_ledger
from projections.asking.clocks import moment
from projections.catalogue import PROJECTIONS
from projections.rights import Rights, anybody_placed, rights_of
from projections.store.models import ReadModels

SECRET_BYTES = 32


class ExpiryPassed(Invalid):
    """The key would have expired at {at} already, and open nothing. Name a later time."""

    code = "expiry_passed"
    rule = "R-ACC-06"


class RoleNotOfPosts(Refused):
    """{owner} cannot have a key as {role} on {day}: their posts ({posts}) give {roles}. Give the
    owner a post of that role first, or issue a key of a role that theirs give."""

    code = "role_not_of_posts"
    rule = "R-ACC-07"


class OwnerUnknown(Refused):
    """{owner} never joined the shop, so no post gives them a key as {role}. Let them join and give
    them a post; without one, keys act as {roles} only."""

    code = "owner_unknown"
    rule = "R-ACC-08"


class OwnerIsLedger(Refused):
    """{owner} is the ledger itself, which needs no second person: it has keys as {roles} only, not
    as {role}. Name the person or the program whose key it is."""

    code = "owner_is_ledger"
    rule = "R-ACC-09"


WITHOUT_POST = ("admin", "auditor", "integration")
"""What a key acts as whose owner is not a member: a program, an auditor, an operator."""


def must_hold_role(found: Opened, ledger: str, owner: str, role: str) -> None:
    """A member's key has a role that one of their posts gives; nobody else's has the role of a
    post, once somebody holds a post; the ledger's own is an admin's. Errors: RoleNotOfPosts
    (R-ACC-07), OwnerUnknown (R-ACC-08), OwnerIsLedger (R-ACC-09)."""
    if owner == SYSTEM and role != SYSTEM_ROLE:
        raise OwnerIsLedger(owner=owner, role=role, roles=SYSTEM_ROLE)
    if found.store.known(ledger) is None:
        return
    day = days_of(found.store, ledger).day_of(datetime.now(UTC))
    models = ReadModels(found.store, PROJECTIONS)
    try:
        models.catch_up(ledger)
        rights = rights_of(models, ledger, owner, day)
        if anybody_placed(models, ledger):  # before, somebody has to say who holds which post
            _must_be_given(rights, owner, role, day)
    finally:
        models.close()


def _must_be_given(rights: Rights | None, owner: str, role: str, day: str) -> None:
    """Errors: RoleNotOfPosts (R-ACC-07), OwnerUnknown (R-ACC-08)."""
    if rights is None and role not in WITHOUT_POST:
        raise OwnerUnknown(owner=owner, role=role, roles=", ".join(WITHOUT_POST))
    if rights is not None and role not in rights.roles:
        raise RoleNotOfPosts(
            owner=owner, role=role, day=day, posts=", ".join(rights.posts) or Phrase("no post"),
            roles=", ".join(sorted(rights.roles)) or Phrase("no role"))


def held_by_none(models: ReadModels, ledger: str, ring: KeyRing) -> list[ApiKey]:
    """The keys that are good and would not be given out today: their owner's posts give their role
    no longer, or never did, since they are of the time before anybody held one. Sorted by id. Rule:
    R-ACC-10."""
    now, found, placed = datetime.now(UTC), [], anybody_placed(models, ledger)
    today = days_of(models.store, ledger).day_of(now)
    known: dict[str, Rights | None] = {}
    for _, key in sorted(ring.keys.items()):
        if not key.opens_at(now):
            continue
        if key.owner == SYSTEM:
            is_given = key.role == SYSTEM_ROLE
        else:
            if key.owner not in known:
                known[key.owner] = rights_of(models, ledger, key.owner, today)
            rights = known[key.owner]
            is_given = not placed or (
                key.role in WITHOUT_POST if rights is None else key.role in rights.roles)
        if not is_given:
            found.append(key)
    return found


def look(models: ReadModels, store: Store, ledger: str) -> tuple[bool | None, str]:
    """Whether every key that is good acts in a role that it would be given today: None where some
    do not."""
    ring = KeyRing(store, ledger)
    ring.refresh()
    found = held_by_none(models, ledger, ring) if ring.keys else []
    if not found:
        return True, tr("Every key acts in a role that its owner may have.")
    keys = ", ".join(
        f"{key.id.partition(':')[2]} ({key.owner}, {key.role})" for key in found)
    return None, tr("Keys of a role that their owner may not have (any more): {keys}. "
                    "Issue others, and revoke these.", keys=keys)


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

    Errors: R-VAL-01, R-ACC-01, R-ACC-02, R-ACC-04, BadTime (R-PRJ-03), ExpiryPassed (R-ACC-06),
    R-ACC-07 to R-ACC-09.
    """
    now = datetime.now(UTC)
    must_hold_role(found, ledger, owner, role)
    key = secrets.token_hex(6)
    token = secret_of(BEARER, found.store.id_of(ledger),
                      f"{key}{secrets.token_urlsafe(SECRET_BYTES)}")
    at = None if expires is None else moment(
        "expires", expires, found.ledger.days).at_us
    ends = None if at is None else datetime.fromtimestamp(at / 1e6, UTC)
    if ends is not None and ends <= now:
        raise ExpiryPassed(at=rfc3339(ends))
    found.ledger.handle(IssueKey(
        key=key, owner=owner, role=role, digest=digest_of(token),
        expires_at=ends, replaces=replaces, occurred_at=now,
        overlap_until=now + timedelta(hours=overlap_hours) if replaces else None), context)
    return {"key": key, "owner": owner, "role": role, "ledger": ledger,
            "expires_at": rfc3339(ends), "token": token}


def rotate(
    found: Opened, ledger: str, context: Context, key: str, *, overlap_hours: int
) -> dict[str, Any]:
    """Give out another key in the place of one, which ends after some hours.

    Errors: KeyUnknown (R-ACC-01), KeyRevoked (R-ACC-02), KeyExpired (R-ACC-04), SessionReplaced
    (R-LGN-10).
    """
    old = {row["key"]: row for row in listed(found, ledger)}.get(key)
    if old is None:
        raise KeyUnknown(key=key)
    if old["session"]:
        raise SessionReplaced(key=key)
    if old["state"] != "good":
        raise KeyRevoked(key=key) if old["state"] == "revoked" else KeyExpired(key=key)
    return issue(found, ledger, context, owner=old["owner"], role=old["role"],
                 expires=old["expires_at"], replaces=key, overlap_hours=overlap_hours)


def revoke(found: Opened, context: Context, key: str, reason: str) -> None:
    """Take a key back. Errors: KeyUnknown (R-ACC-01)."""
    found.ledger.handle(
        RevokeKey(key=key, reason=reason, occurred_at=datetime.now(UTC)), context)


def listed(found: Opened, ledger: str) -> list[dict[str, Any]]:
    """All keys, and the sessions that are open, in the order of their ids; never their secrets."""
    ring, now = KeyRing(found.store, ledger), datetime.now(UTC)
    ring.refresh()
    return [{
        "key": name.partition(":")[2], "owner": key.owner, "role": key.role,
        "state": "good" if key.opens_at(now) else "revoked" if key.revoked else "expired",
        "session": key.session,
        "issued_at": rfc3339(key.issued_at), "expires_at": rfc3339(key.expires_at),
        "used_on": key.used_on or None} for name, key in sorted(ring.keys.items())
        if key.opens_at(now) or not key.session]
