"""What all routes share. Each says who may use it; one that does not say is denied."""

import base64
import hmac
from collections.abc import Callable, Collection, Iterable
from functools import partial, wraps
from typing import Any, ClassVar

import flask_smorest
import marshmallow
import orjson
from flask import Flask, Request, current_app, g, request
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from api.http import limiting, problems
from api.http.edge_errors import Problem
from api.http.fields import faults_in, names_of, with_between
from api.http.key_ring import Caller
from api.http.runtime import Edge
from api.messages import tr
from ledger.access.keys import ROLES, SYSTEM_ROLE
from ledger.common.decoding import sent_json
from ledger.common.errors import Fault, InvalidValues
from ledger.common.phrases import Phrase
from ledger.common.values import cut, escaped, repeated_name
from ledger.people.signatures import SYSTEM

PUBLIC = frozenset({"anyone"})
EVERYBODY = frozenset(ROLES)
READERS = EVERYBODY - {"member", "admin"}
"""Who reads business facts."""

PERMITS: dict[str, frozenset[str]] = {}
"""Who may use an endpoint: roles, or `PUBLIC`."""

CALLER = "ledger.caller"
"""Where a request that is made in this process says on whose behalf it is. No header of a client
is called so: those begin with HTTP_."""

CONSOLE = "console"
"""The group of the pages, which know their visitors by themselves."""

LARGEST_BODY = 1 << 20
"""The most bytes of a body."""

LARGER_BODIES: dict[str, int] = {}
"""The most bytes of the bodies that may be larger, by path."""


def largest_body(path: str) -> int:
    """The most bytes of a body that is sent to a path."""
    return LARGER_BODIES.get(path, LARGEST_BODY)


def edge() -> Edge:
    """The runtime behind this app, opened."""
    found: Edge = current_app.extensions["edge"]
    return found.open()


def caller() -> Caller:
    """Who makes this request."""
    found: Caller = g.caller
    return found


def filters() -> frozenset[str]:
    """The names of this request's filters, of those that its route takes."""
    found: frozenset[str] = g.get("filters", frozenset())
    return found


def admit() -> None:
    """Find out who makes the request and whether they may. Errors: 401, 403, 429."""
    endpoint = request.endpoint
    if endpoint is None or endpoint.startswith(f"{CONSOLE}."):
        return  # no such route or method: Flask answers 404 or 405; or a page
    permitted = PERMITS.get(endpoint, frozenset())
    if permitted == PUBLIC:
        return
    found = bearer()
    if found is None:
        if "Authorization" in request.headers:
            limiting.refuse_guesses(edge().limits)
        raise Problem("unauthorized", headers={"WWW-Authenticate": 'Bearer realm="ledger"'})
    g.caller = found
    limiting.spend_on_a_request(edge().limits, found)
    must_hold_role(found)
    if found.role not in permitted:
        raise Problem("forbidden", role=found.role, roles=", ".join(sorted(permitted)) or "–")


def bearer() -> Caller | None:
    """Who holds the key that a request names; None if it names none, or one that opens nothing."""
    inside: Caller | None = request.environ.get(CALLER)
    if inside is not None:
        return inside
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return edge().caller(token.strip()) if scheme.lower() == "bearer" else None


def must_hold_role(who: Caller) -> None:
    """The key or session of a member who has held a post acts only in a role that one of their
    posts gives today, and that of a leaver in none; one of the ledger itself, which needs no second
    person, as `admin` only. Errors: 403."""
    if who.actor == SYSTEM and who.role != SYSTEM_ROLE:
        raise Problem("role_not_held", role=who.role, actor=who.actor, roles=SYSTEM_ROLE,
                      day=edge().today(who.ledger), posts=Phrase("no post"))
    if not who.actor.startswith("member:"):
        return
    found = edge().rights(who)
    if found is not None and not found.gives(who.role):
        found = edge().rights(who, fresh=True)  # a post may have been given only just now
    if found is not None and not found.gives(who.role):
        raise Problem(
            "role_not_held", role=who.role, actor=who.actor, day=edge().today(who.ledger),
            posts=", ".join(found.posts) or Phrase("no post"),
            roles=", ".join(sorted(found.roles)) or Phrase("no role"))


class Parser(FlaskParser):
    """Reads requests strictly; everything that is wrong leaves as one problem."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {
        "json": None, "form": None, "query": marshmallow.RAISE,
        "headers": marshmallow.EXCLUDE, "files": marshmallow.EXCLUDE}

    _nothing: ClassVar[dict[Any, dict[str, Any]]] = {}
    """What an empty query is understood as, by the schema of a route; none has required fields that
    it then lacks."""

    def parse(
        self, argmap: Any, req: Request | None = None, *, location: str | None = None, **more: Any
    ) -> Any:
        """What stands at a location. A schema with a way of its own to `read` it is asked: it is
        given the request, and what reads it in the way of all others. What a query says that says
        nothing is found once for a schema."""
        strictly = partial(super().parse, argmap, req, location=location, **more)
        if location == "query" and not request.query_string:
            if argmap not in self._nothing:
                self._nothing[argmap] = strictly()
            g.filters = frozenset()
            return dict(self._nothing[argmap])
        read = getattr(argmap, "read", None)
        return strictly() if read is None else read(req or request, strictly)

    def load_querystring(self, req: Request, schema: Any) -> Any:
        """The query. Which filters were named is kept for the note of a reading: only those that
        the route takes, whatever else a client writes. Errors: 400 if one is given twice
        (R-PRJ-31)."""
        twice = [Fault(f"/query/{escaped(name)}", "twice", "is given twice")
                 for name, values in req.args.lists() if len(values) > 1]
        if twice:
            names = ", ".join(fault.where.rpartition("/")[2] for fault in twice)
            raise Problem("not_understood", names=names, errors=twice)
        taken = {field.data_key or name for name, field in schema.fields.items()}
        g.filters = frozenset(taken.intersection(req.args))
        return super().load_querystring(req, schema)

    def load_json(self, req: Request, schema: Any) -> Any:
        """The body. Errors: 400 if it is not JSON, 413, 415."""
        if req.mimetype != "application/json":
            raise Problem("not_json")
        try:
            orjson.loads(sent := req.get_data(cache=True))
            found, twice = sent_json(sent), repeated_name(sent)
        except ValueError as error:
            raise Problem("malformed_json", why=_not_text(sent) or error) from None
        if twice is not None:
            raise Problem("malformed_json", why=tr(
                "the name {name!r} stands twice", name=cut(twice)))
        return found

    def handle_error(self, error: Any, req: Any, schema: Any, **more: Any) -> Any:
        """Everything that marshmallow found, as pointers."""
        faults = [fault for location, found in error.messages.items()
                  for fault in faults_in(found, "" if location == "json" else f"/{location}")]
        if any(fault.where.startswith(("/headers", "/query")) for fault in faults):
            names = ", ".join(fault.where.rpartition("/")[2] for fault in faults)
            raise Problem("not_understood", names=names, errors=faults)
        raise InvalidValues(faults)


def _reads(view: Callable[..., Any], place: str, name: str = "") -> bool:
    """Whether something of a view reads a place of the request, and so refuses what it does not
    know; with a name, whether it reads that there."""
    parameters = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ())
    return any(one["in"] == place and (not name or any(
        field.data_key == name for field in one["schema"].fields.values()))
        for one in parameters if isinstance(one, dict))


def _without_version(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that looks at no version. Errors: 400 where one is named (R-PRJ-31)."""

    @wraps(view)
    def strict(*args: Any, **given: Any) -> Any:
        if "If-Match" in request.headers:
            raise Problem("not_understood", names="If-Match", errors=[Fault(
                "/headers/If-Match", "unknown", "is no field here")])
        return view(*args, **given)

    return strict


def _without_query(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that takes no query. Errors: 400 where there is one (R-PRJ-31)."""

    @wraps(view)
    def strict(*args: Any, **given: Any) -> Any:
        if request.args:
            raise Problem("not_understood", names=", ".join(request.args), errors=[
                Fault(f"/query/{escaped(name)}", "unknown_field", "is no field here")
                for name in request.args])
        return view(*args, **given)

    return strict


class Blueprint(flask_smorest.Blueprint):
    """A group of routes under /v1."""

    ARGUMENTS_PARSER = Parser()

    def permit(
        self, rule: str, roles: Collection[str], *, name: str, method: str = "GET",
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a view for roles. Its endpoint is `GROUP.name`."""

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            PERMITS[f"{self.name}.{name}"] = frozenset(roles)
            strict = view if _reads(view, "query") else _without_query(view)
            if method == "POST" and not _reads(view, "headers", "If-Match"):
                strict = _without_version(strict)
            self.add_url_rule(rule, name, strict, methods=[method])
            return view

        return decorate


def described(
    view: Callable[..., Any], decorators: Iterable[Callable[..., Any]]
) -> Callable[..., Any]:
    """A view that reads its request itself, described as flask-smorest's decorators describe it:
    what they wrap around a view costs as much as all that Flask does."""
    found: Any = view
    for decorate in decorators:
        found = decorate(found)
    view._apidoc = found._apidoc  # type: ignore[attr-defined]
    return view


class ProblemSchema(marshmallow.Schema):
    """An error (RFC 9457)."""

    type = marshmallow.fields.String(required=True)
    title = marshmallow.fields.String(required=True)
    status = marshmallow.fields.Integer(required=True)
    detail = marshmallow.fields.String(required=True)
    instance = marshmallow.fields.String(required=True)
    code = marshmallow.fields.String(required=True)
    rule = marshmallow.fields.String(allow_none=True, required=True)
    errors = marshmallow.fields.List(marshmallow.fields.Dict(), required=True)
    errors_left_out = marshmallow.fields.Integer(required=True)
    request_id = marshmallow.fields.String(allow_none=True, required=True)


class Api(flask_smorest.Api):
    """flask-smorest with its known faults cured: errors are problems, 405 keeps its `Allow`."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        self._served = app
        self._to_describe: list[Blueprint] = []
        super().__init__(app)
        self.ma_plugin.converter.add_attribute_function(names_of)

    def register_blueprint(self, blp: "Blueprint") -> None:
        """Serve the routes of a group. They are described when somebody asks."""
        self._served.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._served.register_blueprint(blp)
        self._to_describe.append(blp)

    def described(self) -> dict[str, Any]:
        """What flask-smorest says of all routes. It can be asked for once."""
        while self._to_describe:
            group = self._to_describe.pop(0)
            group.register_views_in_doc(
                self, self._served, self.spec, name=group.name, parameters=None)
            self.spec.tag({"name": group.name, "description": group.description})
        found: dict[str, Any] = self.spec.to_dict()
        schemas = found["components"]["schemas"]
        for (schema, *_), name in self.ma_plugin.converter.refs.items():
            if between := getattr(schema, "between", None):
                schemas[name] = with_between(schemas[name], between)
        return found

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Any HTTP error as a problem."""
        return problems.of_http(error)


# -- cursors --------------------------------------------------------------------------------------


def seal(last: list[Any]) -> str:
    """A cursor after an item: opaque, and valid for this list and this ledger only."""
    content = orjson.dumps([request.path, _filters(), last])
    return base64.urlsafe_b64encode(_mark(content) + content).decode().rstrip("=")


def unseal(cursor: str) -> list[Any]:
    """The item that a cursor stands after. Errors: 400 `bad_cursor`."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        path, filters, last = orjson.loads(raw[16:])
    except (ValueError, TypeError):
        raw, path, filters, last = b"", "", {}, []
    if not raw or not hmac.compare_digest(raw[:16], _mark(raw[16:])) \
            or (path, filters) != (request.path, _filters()):
        raise Problem("bad_cursor", errors=[
            Fault("/query/cursor", "bad_cursor", "belongs to another list")])
    found: list[Any] = last
    return found


def _mark(content: bytes) -> bytes:
    return edge().ledger(caller().ledger).mac("cursor", content)[:16]


def _not_text(sent: bytes) -> str | None:
    """Where a body stops being UTF-8; None where all of it is."""
    try:
        sent.decode()
    except UnicodeDecodeError as error:
        return tr("it is not UTF-8 from byte {at} on. Send it in UTF-8.", at=error.start)
    return None


def _filters() -> dict[str, str]:
    return {name: value for name, value in sorted(request.args.items())
            if name not in ("cursor", "limit")}


def install(app: Flask) -> None:
    """Make an app check the caller of every request."""
    app.before_request(admit)
