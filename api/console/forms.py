"""Commands as forms: the fields are made of the command's own schema, as those of the API are.

A form carries the version that was seen and a key of its own: what is sent twice is recorded once,
and what has changed meanwhile is shown before anybody decides over it.
"""

import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from flask import Response, redirect, request

from api.console import asking, command_words, pages, sessions, words
from api.console.asking import Declined
from api.console.fields import BY_NAME, Field, body_of, fields_of, rows_in
from api.http.edge_errors import Problem
from api.http.routes import caller
from api.http.writing import Route
from api.messages import tr
from ledger.core.commands import OnStream
from projections.preview.answer import SECTIONS

OWN = frozenset(("csrf", "key", "version", "back", "preview", "lang", "done"))
"""What an address or a form of ours has beside the fields of a command."""

FILES = frozenset(("policy.publish",))
"""Commands that nobody fills in: what they hold comes as a file."""

HISTORIES = {"order": "orders", "case": "returns", "deduction": "deductions"}
"""Where the API has the history of a kind of thing."""

DONE = "done"
"""The parameter of the page that is shown afterwards: the position of what was recorded."""


def new_key() -> str:
    """A key under which what a form sends is recorded once."""
    return secrets.token_hex(16)


def _route(name: str) -> Route:
    route = BY_NAME.get(name)
    if route is None or name in FILES:
        raise Problem("not_found")
    if caller().role not in route.roles:
        raise Problem("forbidden", role=caller().role, roles=", ".join(sorted(route.roles)))
    return route


def _given(route: Route) -> dict[str, str]:
    """What the address of the command names, such as the order. Errors: 404."""
    found = {name: request.args.get(name, "") for name in route.given}
    if not all(found.values()):
        raise Problem("not_found")
    return found


def _path(route: Route, given: Mapping[str, str]) -> str:
    path = route.path
    for name, value in given.items():
        path = path.replace(f"<{name}>", quote(value, safe=":"))
    return path


class Filled(NamedTuple):
    """A form as it is filled in: of which command, what its address names, the fields, the version
    that was seen, and the key under which it is recorded once."""

    route: Route
    given: dict[str, str]
    values: Mapping[str, str]
    version: str | None
    key: str

    @property
    def about(self) -> str | None:
        """What the command is about, such as the order; None where its address names nothing."""
        return next(iter(self.given.values()), None)


class Seen(NamedTuple):
    """What a form says of what was sent: what is wrong with which field, the problem, what has
    changed meanwhile, or what would be recorded."""

    faults: Mapping[str, str] = {}
    problem: Mapping[str, Any] | None = None
    changed: Sequence[Mapping[str, Any]] = ()
    foreseen: Mapping[str, Any] | None = None


NONE = Seen()


@pages.page("/do/<command>", "form")
def form(command: str) -> Response:
    """The form of a command, filled in with what its address says."""
    route = _route(command)
    given = _given(route)
    asked = {name: value for name, value in request.args.items()
             if name not in OWN and name not in given}
    return _shown(Filled(route, given, asked, request.args.get("version"), new_key()))


@pages.page("/do/<command>", "send", method="POST")
def send(command: str) -> Response:
    """A form that was sent: recorded, previewed, or shown again with what is wrong."""
    route = _route(command)
    values = {name: value for name, value in request.form.items() if name not in OWN}
    filled = Filled(route, _given(route), values, request.form.get("version") or None,
                    request.form.get("key", ""))
    if "more" in request.form:
        return _shown(filled)
    body, faults = body_of(fields_of(command), values)
    if faults:
        return _shown(filled, Seen(faults), status=422)
    preview = "preview" in request.form
    try:
        found = asking.send(_path(route, filled.given), body, key=filled.key,
                            version=filled.version, query={"preview": "true"} if preview else None)
    except Declined as declined:
        return _again(filled, declined)
    if preview:
        return _shown(filled, Seen(foreseen=found.body))
    return redirect(_after(found.body), 303)  # type: ignore[return-value]


def _after(receipt: Mapping[str, Any]) -> str:
    """Where to go once it is recorded: back, or to what it is about."""
    back = sessions.local(request.args.get("back") or words.address_of(receipt["subject"]))
    query = {DONE: receipt["position"]}
    if receipt.get("waits_for"):
        query["waits"] = ",".join(receipt["waits_for"])
    return f"{back}{'&' if '?' in back else '?'}{urlencode(query)}"


def _again(filled: Filled, declined: Declined) -> Response:
    """The form once more, with what was wrong; what has changed meanwhile, where that is it."""
    problem, changed = declined.problem, list[dict[str, Any]]()
    faults = {fault["pointer"].strip("/").replace("/", "."): fault["detail"]
              for fault in problem.get("errors", ()) if fault.get("pointer")}
    if declined.status == 412:
        changed, version = _meanwhile(filled)
        filled = filled._replace(version=version, key=new_key())
    return _shown(filled, Seen(faults, problem, changed), status=declined.status)


def _meanwhile(filled: Filled) -> tuple[list[dict[str, Any]], str | None]:
    """The events of a thing since the version that was seen, and its version now."""
    subject = filled.about or ""
    kind = subject.partition(":")[0]
    if kind not in HISTORIES:
        return [], None
    try:
        rows = list(asking.every(asking.at(HISTORIES[kind], subject, "history"), {}))
    except Declined:
        return [], None
    own = [row for row in rows if row["stream"] == subject]
    last = int((filled.version or "0").strip('"'))
    return ([row for row in own if row["version"] > last],
            f'"{own[-1]["version"]}"' if own else None)


def _shown(filled: Filled, seen: Seen = NONE, *, status: int = 200) -> Response:
    name = filled.route.command.NAME
    fields = fields_of(name)
    return pages.render(
        "form.html", status=status, title=command_words.command(name), fields=fields,
        filled=filled, values=filled.values, faults=seen.faults, seen=seen,
        sections=_touched(seen.foreseen), rows=partial(_rows, filled.values),
        versioned=issubclass(filled.route.command, OnStream),
        back=sessions.local(request.args.get("back")))


def _rows(values: Mapping[str, str], field: Field) -> range:
    """The rows that a list of a form shows: those that are filled in, and one more."""
    return range(rows_in(field, values) + 1)


def _touched(foreseen: Mapping[str, Any] | None) -> dict[str, list[dict[str, Any]]]:
    """What a preview says would be another, by section."""
    return {} if foreseen is None else {
        name: foreseen[name]["rows"] for name in SECTIONS if foreseen[name]["rows"]}


def waiting_for(said: str) -> str:
    """What an answer waits for: commands are called as on their buttons, all else as it is called.
    """
    return tr(", ").join(command_words.command(one) if one in command_words.COMMANDS
                         else words.called(one) for one in said.split(","))


def address(command: str, filled: Mapping[str, Any], *, back: str | None = None) -> str:
    """The address of a form with what it is filled in with."""
    query = {name: value for name, value in filled.items() if value is not None}
    query["back"] = back or pages.here(done=None, waits=None)
    return f"/do/{command}?{urlencode(query)}"


def is_allowed(command: str) -> bool:
    """Whether the visitor may send a command at all, and looks at the present."""
    return caller().role in BY_NAME[command].roles and not pages.clocks()
