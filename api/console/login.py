"""The pages by which somebody signs in and out, and sees where they are signed in."""

from typing import Any

from flask import Response, make_response, redirect, request

from api.console import sessions, signing, words
from api.console.pages import page, render, when
from api.http.edge_errors import EDGE, Problem
from api.http.routes import caller, edge
from api.messages import tr
from ledger.access.logins import (
    LinkExpired,
    LinkUnknown,
    LinkUsed,
    LinkVoid,
    LoginLocked,
    LoginShut,
    PasswordWrong,
)
from ledger.access.passwords import LONGEST, SHORTEST
from ledger.common.days import Days
from ledger.common.errors import LedgerError
from ledger.common.values import rfc3339
from ledger.log.zones import days_of
from ledger.writing.genesis import DEFAULT_ZONE

STATUS: tuple[tuple[type[LedgerError], int], ...] = (
    (LinkUnknown, 404), (LinkUsed, 410), (LinkVoid, 410), (LinkExpired, 410),
    (PasswordWrong, 403), (LoginLocked, 403), (LoginShut, 403), (signing.NoRoleNow, 403),
    (signing.PasswordTooShort, 422), (signing.PasswordsDiffer, 422))
"""The status of a page that says why nobody was signed in."""

TIMES = ("at", "until")
"""What is a time in those errors."""

@page("/login", "login")
def login_page() -> Response:
    """The form to sign in; who is signed in already goes on."""
    if sessions.visitor() is not None:
        return _to(_next())
    return _login()


@page("/login", "log_in", method="POST")
def sign_in() -> Response:
    """Sign in with a password."""
    try:
        token = signing.sign_in(edge(), signing.Typed(
            _ledger(), request.form.get("who", ""), request.form.get("password", "")),
            sessions.network())
    except (LedgerError, Problem) as error:
        return _login(error)
    return sessions.enter(_to(_next()), token)


@page("/welcome", "welcome")
def welcome_page() -> Response:
    """For whom a link is, and until when: to look at it uses nothing up."""
    try:
        return _welcome(request.args.get("token", ""))
    except LedgerError as error:
        return _nothing_opened(error)


@page("/welcome", "accept_invitation", method="POST")
def use_link() -> Response:
    """Open a session by a link."""
    token = request.form.get("token", "")
    passwords = request.form.get("password", ""), request.form.get("again", "")
    try:
        opened = signing.use_link(edge(), token, passwords, sessions.network())
    except (signing.PasswordTooShort, signing.PasswordsDiffer) as error:
        return _welcome(token, error)
    except (LedgerError, Problem) as error:
        return _nothing_opened(error)
    return sessions.enter(_to("/"), opened)


@page("/logout", "logout", method="POST")
def sign_out() -> Response:
    """End the session: its cookie opens nothing any more, wherever it is."""
    if (who := sessions.visitor()) is not None:
        signing.revoke(edge(), who, who.key)
    return sessions.leave(_to("/login"))


@page("/sessions", "sessions")
def sessions_page() -> Response:
    """Where somebody is signed in, and the roles in which they may act."""
    who = caller()
    login = signing.login_of(edge(), who)
    rows = [{**one, "since": when(one["issued_at"]), "until": when(one["expires_at"])}
            for one in signing.own_sessions(edge(), who)]
    return render("sessions.html", who=who, rows=rows,
                  roles=() if login is None else signing.roles_of(edge(), who.ledger, login))


@page("/sessions", "end_session", method="POST")
def end_session() -> Response:
    """End one of one's own sessions."""
    who, session = caller(), request.form.get("session", "")
    signing.revoke(edge(), who, session)
    if session == who.key:
        return sessions.leave(_to("/login"))
    return _to(sessions.PAGE)


@page("/role", "role", method="POST")
def choose_role() -> Response:
    """Act in another role."""
    token = signing.switch_role(edge(), caller(), request.form.get("role", ""))
    return sessions.enter(_to(_next()), token)


# -- shared ---------------------------------------------------------------------------------------


def _next() -> str:
    """Where somebody wanted to go, if that is here."""
    wanted = request.values.get("next", "/")
    return sessions.local(wanted)


def _ledger() -> str:
    """The ledger that somebody signs in to: the one they name, else the only one."""
    known = signing.ledgers(edge())
    only = known[0] if len(known) == 1 else "main"
    return request.form.get("ledger", "").strip() or only


def _to(address: str) -> Response:
    return make_response(redirect(address, 303))


def _login(error: LedgerError | Problem | None = None) -> Response:
    return _page(
        "login.html", error, _ledger(), next=_next(), several=len(signing.ledgers(edge())) > 1,
        who=request.form.get("who", ""))


def _welcome(token: str, error: LedgerError | None = None) -> Response:
    """Errors: R-LGN-02 to R-LGN-05, R-LGN-08."""
    found = signing.invited(edge(), token)
    return _page("welcome.html", error, found.ledger, token=token, owner=found.login.owner,
                 until=_here(rfc3339(found.expires_at) or "", found.ledger), shortest=SHORTEST,
                 longest=LONGEST)


def _nothing_opened(error: LedgerError | Problem) -> Response:
    return _page("welcome.html", error, _ledger(), token=None)


def _page(
    template: str, error: LedgerError | Problem | None, ledger: str, **values: Any
) -> Response:
    """A page, which says what is wrong, with the status of that. Where it leads learns no link."""
    status, problem = _said(error, ledger)
    found = render(template, status=status, problem=problem, ledger=ledger, **values)
    if isinstance(error, Problem):
        found.headers.update(error.headers)
    found.headers["Referrer-Policy"] = "no-referrer"
    return found


def _here(moment: str, ledger: str) -> str:
    """A time by the clock of a ledger's shop; of a ledger that is not there, by that of any."""
    known = ledger in signing.ledgers(edge())
    return words.moment(moment, days_of(edge().store, ledger) if known else Days(DEFAULT_ZONE))


def _said(error: LedgerError | Problem | None, ledger: str) -> tuple[int, str | None]:
    if error is None:
        return 200, None
    if isinstance(error, Problem):
        return error.status, tr(EDGE[error.code].words, **error.details)
    for kind, status in STATUS:
        if isinstance(error, kind):
            return status, tr(error.template, **{
                name: _here(value, ledger) if name in TIMES else value
                for name, value in error.details.items()})
    raise error  # the ledger cannot be used at all: the page of that says so
