"""Whose browser it is: the cookie of a session, and forms that only our own pages send."""

import hmac
import secrets
from datetime import timedelta
from ipaddress import ip_address

from flask import Response, g, redirect, request

from api.http.edge_errors import Problem
from api.http.key_ring import SESSION, Caller
from api.http.limiting import network_of
from api.http.routes import caller, edge, must_hold_role
from ledger.access import logins

PAGE = "/sessions"
"""Where somebody sees where they are signed in, and chooses a role."""

WITHOUT_ROLE = {"console.sessions", "console.end_session", "console.role", "console.logout",
                "console.login", "console.log_in", "console.welcome", "console.accept_invitation"}
"""The pages of who has no role any more, too: they choose another, or sign out."""

FORM_COOKIE = "form"
FIELD = "csrf"
OWN = ("same-origin", "none")
"""What `Sec-Fetch-Site` says of a form of ours, or of an address that was typed."""


def visitor() -> Caller | None:
    """Whose session the cookie of this request is of; None where it opens nothing."""
    if "visitor" not in g:
        token = request.cookies.get(_name("ledger"), "")
        g.visitor = edge().caller(token, SESSION) if token else None
    found: Caller | None = g.visitor
    return found


def must_act() -> Response | None:
    """Where whoever is signed in goes who lost the role of their session; None while they hold it.
    """
    if request.endpoint in WITHOUT_ROLE:
        return None
    try:
        must_hold_role(caller())
    except Problem as error:
        if error.code != "role_not_held":
            raise
        return redirect(PAGE, 303)  # type: ignore[return-value]
    return None


def is_local(address: str) -> bool:
    """Whether an address is a path of this server, and leads nowhere else: not `//elsewhere`, nor
    anything that a browser would read as that."""
    return (address.startswith("/") and not address.startswith("//")
            and "\\" not in address and address.isprintable())


def local(address: str | None) -> str:
    """An address of these pages; the first one where it leads elsewhere, or is none."""
    return address if address and is_local(address) else "/"


def network() -> str:
    """From which network a request comes: behind a proxy of this machine, the one that it names."""
    remote = request.remote_addr or ""
    named = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return network_of(named if named and _is_loopback(remote) else remote)


# -- cookies --------------------------------------------------------------------------------------


def enter(response: Response, token: str) -> Response:
    """Give the browser a session."""
    _set(response, "ledger", token, logins.SESSION)
    return response


def leave(response: Response) -> Response:
    """Take the session from the browser."""
    response.delete_cookie(_name("ledger"), path="/", secure=_is_secure(), httponly=True,
                           samesite="Lax")
    return response


def _set(response: Response, name: str, value: str, age: timedelta | None) -> None:
    response.set_cookie(_name(name), value, max_age=age, path="/", secure=_is_secure(),
                        httponly=True, samesite="Lax")


def _name(name: str) -> str:
    """What a cookie is called: by https so that no other host, and no page by http, can set it."""
    return f"__Host-{name}" if _is_secure() else name


def _is_secure() -> bool:
    """Whether the browser came by https, perhaps to a proxy of this machine."""
    return request.scheme == "https" or (
        request.headers.get("X-Forwarded-Proto", "") == "https"
        and _is_loopback(request.remote_addr or ""))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


# -- forms ----------------------------------------------------------------------------------------


def csrf_token() -> str:
    """What a form of this page has to send back: an HMAC under the session's token, or before
    there is one, under a value that only this browser has."""
    return _mac(_kept())


def _kept() -> str:
    """The secret of this browser; one is made where there is none, and set with the answer."""
    kept = request.cookies.get(_name("ledger")) or request.cookies.get(_name(FORM_COOKIE))
    if not kept:
        kept = g.setdefault("form_secret", secrets.token_urlsafe(32))
    return kept


def _mac(kept: str) -> str:
    return hmac.new(kept.encode(), b"a form of the console", "sha256").hexdigest()


def guard() -> None:
    """Take a form only from a page of ours. Errors: 403 for any other."""
    kept = request.cookies.get(_name("ledger")) or request.cookies.get(_name(FORM_COOKIE))
    sent = request.form.get(FIELD, "")
    site = request.headers.get("Sec-Fetch-Site", OWN[0])
    if site not in OWN or not kept or not hmac.compare_digest(
            _mac(kept).encode(), sent.encode(errors="replace")):
        raise Problem("foreign_form")


def remember(response: Response) -> Response:
    """Give the browser what its forms are known by, if it has nothing yet."""
    if "form_secret" in g:
        _set(response, FORM_COOKIE, g.form_secret, None)
    return response
