"""What all pages share: who sees them, in which language, as of when, and what errors look like."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import orjson
from flask import Blueprint, Flask, Response, g, redirect, render_template, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from api.console import sessions, words
from api.console.asking import Declined, may
from api.http import limiting, problems
from api.http.edge_errors import Problem
from api.http.routes import CONSOLE, caller, edge, largest_body
from api.messages import language, tr
from ledger.common.days import Days
from ledger.common.errors import LedgerError
from ledger.common.values import is_subject
from ledger.log.zones import days_of
from projections.asking.clocks import NOW
from projections.audit.reports import is_known

STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml"}

POLICY = ("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
          "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
HEADERS = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin",
           "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

LANGUAGES = ("en", "zh")
CLOCKS = ("recorded_as_of", "occurred_as_of", "position")
"""The parameters of an address that say as of when."""

OPEN = {"console.static", "console.login", "console.log_in", "console.welcome",
        "console.accept_invitation", "console.logout"}
"""What is shown to who is not logged in."""

group = Blueprint(CONSOLE, __name__, template_folder="templates")


class Entry(NamedTuple):
    """An entry of the menu: the address, what it is called, and who may see it: whoever may use an
    endpoint of the API."""

    path: str
    label: str
    endpoint: str


def page(rule: str, name: str, *, method: str = "GET") -> Callable[[Any], Any]:
    """Register a page."""
    return group.route(rule, endpoint=name, methods=[method])


FORMS = ("json", "csv", "xlsx")
"""What the rows of a page can be had as, by what its address ends with."""


def must_be_form(ending: str) -> None:
    """Errors: 404 for what the rows of a page cannot be had as."""
    if ending not in FORMS:
        raise Problem("not_found")


def thing(rule: str, name: str) -> Callable[[Any], Any]:
    """Register the page of a single thing, whose address ends with its name; with .json, .csv or
    .xlsx behind that, its rows as such a file. A thing that is called so itself is shown."""
    def decorate(view: Callable[[str, str | None], Response]) -> Any:
        def found(**given: str) -> Response:
            (own,) = given.values()
            stem, _, ending = own.rpartition(".")
            if stem and ending in FORMS and not _is_there(own):
                return view(stem, ending)
            return view(own, None)

        group.add_url_rule(rule, name, found)
        return view

    return decorate


def _is_there(subject: str) -> bool:
    here, name = edge(), caller().ledger
    return is_subject(subject) and is_known(
        here.models, name, subject, NOW.resolve(here.store, name))


# -- every request --------------------------------------------------------------------------------


@group.before_request
def _begin() -> Response | None:
    """Who asks, and in which language. Whoever is not logged in is asked to do so first, and a form
    is taken from a page of ours only, and not into the past. Errors: 403, 422, 429."""
    found = _met()
    if found is None and request.method == "POST":  # else what was sent is not even read
        sessions.guard()
        if clocks():
            raise Problem("only_read")
    return found


def _met() -> Response | None:
    """Who asks, and in which language; where they go first, if that is elsewhere. Errors: 403, 429.
    """
    asked = request.args.get("lang") or request.cookies.get("lang")
    g.language = asked if asked in LANGUAGES else language()  # found once for all words of a page
    if request.endpoint == "console.static":
        return None
    request.max_content_length = largest_body(request.path)
    found = sessions.visitor()
    if found is not None:
        g.caller = found
        limiting.spend_on_a_request(edge().limits, found)
        return sessions.must_act()
    if request.endpoint not in OPEN:
        wanted = here() if request.method == "GET" else "/"
        return redirect(f"/login?{urlencode({'next': wanted})}", 303)  # type: ignore[return-value]
    return None


@group.after_request
def _end(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    sessions.remember(response)
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie("lang", request.args["lang"], max_age=365 * 86_400, httponly=True,
                            samesite="Lax", secure=request.is_secure)
    return response


@page("/console/<name>", "static")
def static(name: str) -> Response:
    """The stylesheet and the script, for ever under the hash of what is in them."""
    path = STATIC / Path(name).name
    if path.suffix not in TYPES or not path.is_file():
        raise Problem("not_found")
    response = Response(path.read_bytes(), content_type=TYPES[path.suffix])
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@cache
def _hash(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a file that pages need."""
    return f"/console/{name}?{_hash(name)}"


def here(**changes: str | None) -> str:
    """The address of this page with some parameters changed, or without those that are None."""
    path = quote(request.path, safe="/:")
    query = {name: value for name, value in {**request.args, **changes}.items()
             if value is not None and name != "lang"}
    return f"{path}?{urlencode(query)}" if query else path


def clocks() -> dict[str, str]:
    """As of when this page is asked: the parameters that are set."""
    return {name: request.args[name] for name in CLOCKS if request.args.get(name)}


def link(path: str, **query: Any) -> str:
    """The address of another page as of the same moment."""
    asked = {**clocks(), **{name: value for name, value in query.items() if value is not None}}
    return f"{path}?{urlencode(asked)}" if asked else path


def explanation(report: str, row: Mapping[str, Any], figure: str) -> str:
    """The address of the reason of a figure in a row of a report."""
    asked = {name: value for name, value in request.args.items()
             if value and name not in ("lang", "columns", "cursor", "limit", "sort", "done")}
    about = row.get("subject") or (f"sku:{row['sku']}" if "sku" in row else row.get("member"))
    if about:
        asked["subject"] = about
    return f"/explain/{report}?{urlencode({**asked, 'figure': figure})}"


# -- what templates know --------------------------------------------------------------------------


def render(template: str, /, *, status: int = 200, **context: Any) -> Response:
    """A page."""
    return Response(render_template(template, status=status, **context), status,
                    mimetype="text/html")


class _Asked(dict[str, str]):
    """The parameters of the address; what it does not have is empty."""

    def __missing__(self, name: str) -> str:
        return ""


def _known() -> dict[str, Any]:
    """What every template knows."""
    who = g.get("caller")
    return {"lang": language(), "visitor": who, "menu": _menu() if who else [],
            "clocks": clocks(), "csrf": sessions.csrf_token, "asked": _Asked(request.args.items()),
            "path": request.path}


MENU = (
    Entry("/orders", "Orders", "orders.list-orders"),
    Entry("/inventory", "Stock", "stock.list-inventory"),
    Entry("/returns", "Returns", "returns.list-returns"),
    Entry("/scores", "Scores", "scores.list-scores"),
    Entry("/deductions", "Deductions", "deductions.list-deductions"),
    Entry("/members", "People", "people.list-staff"),
    Entry("/imports", "Imports", "imports.imports"),
    Entry("/policies", "Policies", "policies.list-policies"),
    Entry("/audit", "Audit", "log.audit"),
    Entry("/reports", "Reports", "orders.list-orders"),
)


def _menu() -> list[Entry]:
    return [entry._replace(label=tr(entry.label)) for entry in MENU if may(entry.endpoint)]


def when(text: str | None) -> str:
    """A moment in the shop's zone."""
    return "" if text is None else words.moment(text, days())


def days() -> Days:
    """The days of the shop."""
    if "days" not in g:
        g.days = days_of(edge().store, caller().ledger)
    found: Days = g.days
    return found


# -- errors ---------------------------------------------------------------------------------------


@group.errorhandler(Declined)
def _declined(error: Declined) -> Response:
    shown = wrong(error.status, error.problem)
    if error.retry_after is not None:
        shown.headers["Retry-After"] = error.retry_after
    return shown


def wrong(status: int, problem: Mapping[str, Any]) -> Response:
    """A page that says what was wrong, which rule says so, and what to do."""
    return render("error.html", status=status, problem=problem)


def _of(found: Response) -> Response:
    """The page of a problem."""
    shown = wrong(found.status_code, orjson.loads(found.get_data()))
    for name in ("Retry-After", "Allow"):
        if name in found.headers:
            shown.headers[name] = found.headers[name]
    return shown


@group.errorhandler(LedgerError)
def _of_ledger(error: LedgerError) -> Response:
    return _of(problems.of_ledger(error))


@group.errorhandler(Problem)
def _of_edge(error: Problem) -> Response:
    return _of(problems.of_edge(error))


@group.errorhandler(HTTPException)
def _of_http(error: HTTPException) -> Response:
    return _of(problems.of_http(error))


@group.errorhandler(Exception)
def _unexpected(error: Exception) -> Response:
    return _of(problems.of_unexpected(error))


def _nowhere(error: HTTPException) -> Response:
    """An address or a method that there is not: a page for people, a problem for programs. It does
    nothing, so no form is guarded against."""
    if request.path.startswith("/v1/") or "text/html" not in request.headers.get("Accept", ""):
        return problems.of_http(error)
    try:
        found = _met()
    except Problem as problem:
        return _end(_of_edge(problem))
    return _end(_of_http(error) if found is None else found)


def install(app: Flask) -> None:
    """Serve the pages."""
    app.register_blueprint(group)
    for kind in (NotFound, MethodNotAllowed):
        app.register_error_handler(kind, _nowhere)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        _=tr, may=may, link=link, here=here, asset=asset, label=words.label, word=words.word,
        called=words.called)
    app.jinja_env.filters["moment"] = when
    app.context_processor(_known)


