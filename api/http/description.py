"""The API's description (OpenAPI 3.1), and what every error means."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, cast

import orjson
from flask import Flask, Response, current_app, request

from api.http.answers import kinds
from api.http.describing import described
from api.http.edge_errors import EDGE, Problem, in_words
from api.http.fields import Free
from api.http.problems import TITLES, status_of
from api.http.remedies import remedy_of
from api.http.routes import PUBLIC, Api, Blueprint
from api.messages import tr

EXAMPLES = Path(__file__).with_name("examples.json")
"""What was recorded of each operation on the demo's ledger: `python -m tests.support.examples`."""

RULES = Path(__file__).with_name("rules.json")
"""What each rule says, by its id: `python -m tests.support.docs` makes it of docs/rules.md."""

group = Blueprint("description", __name__, description="What the API says of itself.")


def configure(app: Flask) -> Api:
    """Set up flask-smorest; it describes, and serves no pages of its own."""
    app.config.update(
        API_TITLE="order-ledger", API_VERSION="v1", OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None, JSON_SORT_KEYS=False,
        API_SPEC_OPTIONS={"components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}})
    return Api(app)


class Description:
    """The description of an API, made when somebody first asks for it: that takes as long as it
    takes to make all routes."""

    def __init__(self, app: Flask, api: Api) -> None:
        self._app, self._api = app, api
        self._lock = Lock()
        self._spec: dict[str, Any] | None = None
        self._sent: tuple[bytes, str] | None = None

    @property
    def spec(self) -> dict[str, Any]:
        """The description: every operation with its name, its answers, and who may use it."""
        with self._lock:
            if self._spec is None:
                endpoints = {
                    (rule.rule.replace("<", "{").replace(">", "}"), method.lower()): rule.endpoint
                    for rule in self._app.url_map.iter_rules() for method in rule.methods or ()}
                self._spec = described(
                    orjson.loads(orjson.dumps(self._api.described())), endpoints,
                    orjson.loads(EXAMPLES.read_bytes()))
            return self._spec

    @property
    def sent(self) -> tuple[bytes, str]:
        """The description as it is sent, and its ETag."""
        if self._sent is None:
            content = orjson.dumps(self.spec)
            self._sent = content, sha256(content).hexdigest()[:32]
        return self._sent


@group.permit("/v1/openapi.json", PUBLIC, name="openapi")
@group.response(200, Free, headers={"ETag": {"$ref": "#/components/headers/Hash"}})
@group.alt_response(304, description="The ETag in `If-None-Match` is still that of it.")
def openapi() -> Response:
    """This description."""
    description: Description = current_app.extensions["description"]
    content, etag = description.sent
    found = Response(content, content_type="application/json")
    found.set_etag(etag)
    return cast(Response, found.make_conditional(request))


@cache
def _rules() -> dict[str, str]:
    found: dict[str, str] = orjson.loads(RULES.read_bytes())
    return found


def meaning_of(code: str) -> dict[str, str]:
    """What an error means, in the language of the request, by what is said of it: what happened,
    what to do, its status and its rule. Errors: 404 for a code that nothing has."""
    errors = {cls.code: cls for cls in kinds()}
    if code not in errors and code not in EDGE:
        raise Problem("problem_unknown", name=code)
    known = errors.get(code)
    words = EDGE[code].words if code in EDGE else " ".join((errors[code].__doc__ or "").split())
    status = EDGE[code].status if code in EDGE else status_of(errors[code])
    said = {
        tr("What happened"): in_words(tr(words)),
        tr("What to do"): remedy_of(status),
        tr("Status"): f"{status} {TITLES.get(status, '')}"}
    if known is not None and known.rule:
        said[tr("Rule")] = f"{known.rule}: {tr(_rules()[known.rule])}"
    return said
