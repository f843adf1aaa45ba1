"""Logins from the command line: who is invited, and what is locked or ended."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from api.cli.issuing import must_hold_role
from api.http.binding import bind_of
from api.http.key_ring import LINK, KeyRing, digest_of, secret_of
from ledger.access.logins import (
    EndLogin,
    Invite,
    LockLogin,
    Login,
    UnlockLogin,
)
from ledger.common.context import Context
from ledger.common.errors import Invalid
from ledger.common.values import rfc3339
from ledger.settings import Opened

SECRET_BYTES = 32
HOURS = 24
"""How long a link opens a session where nothing else is wanted."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""Where a server listens that listens everywhere, as its own machine reaches it."""


class BadAddress(Invalid):
    """{address!r} is not where a browser finds the console. Name it with its scheme and no path,
    such as https://ledger.example.com."""

    code = "bad_address"
    rule = "R-LGN-14"


def invite(
    found: Opened, ledger: str, context: Context, *, owner: str, roles: list[str],
    hours: int = HOURS, address: str | None = None,
) -> dict[str, Any]:
    """Give out a link. Shapes: the record that is printed, with `link`, which is shown this once.

    Errors: R-VAL-01, R-ACC-07 to R-ACC-09, BadBind (R-SET-11), BadAddress (R-LGN-14).
    """
    base = address_of(address)
    for role in roles:
        must_hold_role(found, ledger, owner, role)
    now = datetime.now(UTC)
    token = secret_of(LINK, found.store.id_of(ledger), secrets.token_urlsafe(SECRET_BYTES))
    ends = now + timedelta(hours=hours)
    found.ledger.handle(Invite(owner=owner, roles=roles, digest=digest_of(token), expires_at=ends,
                               occurred_at=now), context)
    return {"owner": owner, "roles": ", ".join(roles), "ledger": ledger,
            "expires_at": rfc3339(ends), "link": f"{base}/welcome?token={token}"}


def address_of(named: str | None) -> str:
    """Where a browser finds the console: what is named, else where the server listens. Errors:
    BadBind (R-SET-11), BadAddress (R-LGN-14)."""
    if named is None:
        host, _, port = bind_of().rpartition(":")
        return f"http://{EVERYWHERE.get(host, host)}:{port}"
    try:
        parts = urlsplit(named)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.path not in ("", "/") or parts.query or parts.fragment or "@" in named:
        raise BadAddress(address=named)
    return named.rstrip("/")


def listed(found: Opened, ledger: str) -> list[dict[str, Any]]:
    """All logins, in the order of their owners."""
    ring, now = KeyRing(found.store, ledger), datetime.now(UTC)
    ring.refresh()
    open_now = [key.owner for key in ring.keys.values() if key.session and key.opens_at(now)]
    return [{
        "owner": one.owner, "roles": ", ".join(one.roles), "state": state_of(one, now),
        "password": bool(one.password), "opened_at": rfc3339(one.opened_at),
        "sessions": open_now.count(one.owner)} for _, one in sorted(ring.logins.items())]


def state_of(login: Login, now: datetime) -> str:
    """How a login stands: `invited` is one that was never used, and has a link that is open."""
    if login.ended:
        return "ended"
    if login.shut or (login.locked_until is not None and now < login.locked_until):
        return "locked"
    if login.newest_link not in (None, *login.used):
        return "invited" if now < login.links[login.newest_link or ""] else "expired"
    return "good"


def lock(found: Opened, context: Context, owner: str, reason: str) -> None:
    """Let a login open nothing until it is unlocked. Errors: LoginUnknown (R-LGN-01)."""
    found.ledger.handle(LockLogin(owner=owner, reason=reason, occurred_at=datetime.now(UTC)),
                        context)


def unlock(found: Opened, context: Context, owner: str, reason: str) -> None:
    """Let a login open sessions again. Errors: LoginUnknown (R-LGN-01)."""
    found.ledger.handle(UnlockLogin(owner=owner, reason=reason, occurred_at=datetime.now(UTC)),
                        context)


def end(found: Opened, context: Context, owner: str, reason: str) -> None:
    """End a login with its sessions. Errors: LoginUnknown (R-LGN-01)."""
    found.ledger.handle(EndLogin(owner=owner, reason=reason, occurred_at=datetime.now(UTC)),
                        context)
