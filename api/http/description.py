"""The API's description (OpenAPI 3.1), its page, and a page for every error."""

from html import escape
from pathlib import Path
from typing import Any

import orjson
from flask import Flask, Response, current_app, send_from_directory

from api.http.edge_errors import EDGE, Problem, in_words
from api.http.fields import Free
from api.http.problems import TITLES, TYPE
from api.http.routes import PERMITS, PUBLIC, Api, Blueprint
from api.http.standing import described
from api.messages import tr
from ledger.common.errors import LedgerError

STATIC = Path(__file__).parents[1] / "static"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>order-ledger API</title>
<script src="/v1/docs/rapidoc-min.js"></script></head><body>
<rapi-doc spec-url="/v1/openapi.json" render-style="read" allow-server-selection="false"
 load-fonts="false" show-header="false" allow-authentication="true" theme="light"></rapi-doc>
</body></html>"""
POLICY = ("default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
          " object-src 'none'; base-uri 'none'; frame-ancestors 'none'")

group = Blueprint("description", __name__, description="What the API says of itself.")


def configure(app: Flask) -> Api:
    """Set up flask-smorest; it describes, and serves no pages of its own."""
    app.config.update(
        API_TITLE="order-ledger", API_VERSION="v1", OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None, JSON_SORT_KEYS=False,
        API_SPEC_OPTIONS={
            "info": {"description": (
                "An append-only, provable log of what a shop did. Whole numbers are exact: a sum "
                "beyond 2^53-1, or below its negative, is written as a string of its digits.")},
            "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}})
    return Api(app)


def describe(app: Flask, api: Api) -> dict[str, Any]:
    """The description: errors are problems, and every route says who may use it."""
    description: dict[str, Any] = orjson.loads(orjson.dumps(api.spec.to_dict()))
    schemas = description["components"].setdefault("schemas", {})
    schemas["Problem"] = _problem()
    roles = {(rule.rule.replace("<", "{").replace(">", "}"), method.lower()): PERMITS[rule.endpoint]
             for rule in app.url_map.iter_rules() for method in rule.methods or ()}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                _amend(operation, roles[path, method], method)
    description["components"].pop("responses", None)
    return description


def _amend(operation: dict[str, Any], roles: frozenset[str], method: str) -> None:
    answers = operation["responses"] = {
        status: answer for status, answer in operation.get("responses", {}).items()
        if str(status)[0] in "23" or "content" in answer}
    answers.pop("default", None)
    for kind in operation.pop("x-also", ()):
        answers["200"].setdefault("content", {})[kind] = {
                "schema": {"type": "string", "format": "binary"}}
    problem = {"content": {TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    public = roles == PUBLIC
    statuses = [400, 404] if public else [400, 401, 403, 404, 409, 422, 503]
    if method == "post":
        statuses += [412, 413, 415, 422, 428]
    for status in statuses:
        answers.setdefault(str(status), {"description": TITLES[status], **problem})
    operation["security"] = [] if public else [{"key": []}]
    if not public:
        described(operation, method)
        said = operation.get("description", "")
        operation["description"] = f"{said}\n\nFor: {', '.join(sorted(roles))}.".strip()


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    fields = {**dict.fromkeys(("type", "title", "detail", "instance", "code"), text),
              "status": {"type": "integer"}, "rule": {"type": ["string", "null"]},
              "errors": {"type": "array", "items": {
                  "type": "object", "properties": dict.fromkeys(
                      ("pointer", "detail", "code"), text)}}}
    own = {"open": {"type": "boolean", "description": "Of what was asked as of a time and is not "
                                                      "there: whether this may change."}}
    return {"type": "object", "properties": {**fields, **own}, "required": list(fields)}


@group.permit("/v1/openapi.json", PUBLIC, name="openapi")
@group.response(200, Free)
def openapi() -> Response:
    """This description."""
    return Response(orjson.dumps(current_app.extensions["description"]),
                    content_type="application/json")


@group.permit("/v1/docs", PUBLIC, name="docs")
@group.response(200, content_type="text/html")
def docs() -> Response:
    """This description as a page; it needs nothing from elsewhere."""
    found = Response(PAGE, content_type="text/html; charset=utf-8")
    found.headers["Content-Security-Policy"] = POLICY
    return found


@group.permit("/v1/docs/rapidoc-min.js", PUBLIC, name="docs-script")
@group.response(200, content_type="text/javascript")
def script() -> Response:
    """What draws the page: RapiDoc, MIT licence."""
    return send_from_directory(STATIC, "rapidoc-min.js", mimetype="text/javascript")


@group.permit("/v1/problems/<code>", PUBLIC, name="problem")
@group.response(200, content_type="text/html")
def problem(code: str) -> Response:
    """What an error means, by its code."""
    kinds: list[type[LedgerError]] = [LedgerError, *_all(LedgerError)]
    errors = {cls.code: cls for cls in kinds}
    if code not in errors and code not in EDGE:
        raise Problem("problem_unknown", name=code)
    words = EDGE[code].words if code in EDGE else " ".join((errors[code].__doc__ or "").split())
    rule = f"<p>{escape(errors[code].rule)}" if code in errors else ""
    return Response(f"<!doctype html><meta charset=utf-8><title>{escape(code)}</title>"
                    f"<h1>{escape(code)}</h1><p>{escape(in_words(tr(words)))}{rule}",
                    content_type="text/html; charset=utf-8")


def _all(cls: type[LedgerError]) -> list[type[LedgerError]]:
    return [one for sub in cls.__subclasses__() for one in (sub, *_all(sub))]
