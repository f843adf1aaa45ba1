"""What a page asks of the API, in the same process.

A page is shown what the API answers to whoever looks at it: the same rights, notes of readings,
masks, clocks, limits and errors. Nothing of that is written a second time.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import IO, Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit

import orjson
from flask import Response, current_app, g, request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import stream_encode_multipart

from api.http.edge_errors import Problem
from api.http.reading import MAX_LIMIT
from api.http.routes import CALLER, PERMITS, caller
from api.messages import language

KEPT = ("REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "HTTP_HOST",
        "wsgi.url_scheme", "wsgi.errors", "wsgi.version", "wsgi.multithread", "wsgi.multiprocess",
        "wsgi.run_once")
"""What a question to the API has from the request for the page."""

EXPORTED = 100_000
"""The most rows in one file."""


class Declined(Exception):
    """What the API answered with a problem: its status, its body as RFC 9457 has it, and when to
    ask again, if it says so."""

    def __init__(
        self, status: int, problem: Mapping[str, Any], retry_after: str | None = None
    ) -> None:
        super().__init__(problem.get("detail", ""))
        self.status, self.problem, self.retry_after = status, problem, retry_after

    @classmethod
    def by(cls, found: Response) -> "Declined":
        """What a response with a problem says."""
        return cls(found.status_code, orjson.loads(found.get_data()),
                   found.headers.get("Retry-After"))


class Answered(NamedTuple):
    """What the API answered."""

    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def as_of(self) -> dict[str, Any]:
        """As of when it holds."""
        found: dict[str, Any] = self.body["as_of"]
        return found

    @property
    def item(self) -> dict[str, Any]:
        """The one thing that was asked for."""
        found: dict[str, Any] = self.body["item"]
        return found

    @property
    def items(self) -> list[dict[str, Any]]:
        """The rows of a page."""
        found: list[dict[str, Any]] = self.body["items"]
        return found

    @property
    def cursor(self) -> str | None:
        """Where the next page begins; None on the last one."""
        following = self.body.get("next")
        return None if following is None else dict(parse_qsl(urlsplit(following).query))["cursor"]

    @property
    def version(self) -> str | None:
        """The version of the thing, as `If-Match` takes it."""
        return self.headers.get("ETag")


def at(*parts: object) -> str:
    """An address of the API: its parts are quoted. Such as at("orders", "order:…")."""
    return "/".join(("/v1", *(quote(str(part), safe=":") for part in parts)))


def may(endpoint: str) -> bool:
    """Whether whoever looks at the page may use an endpoint, such as `orders.list-orders`."""
    return caller().role in PERMITS.get(endpoint, ())


def denied(endpoint: str) -> Problem:
    """That the visitor may not use an endpoint."""
    return Problem("forbidden", role=caller().role, roles=", ".join(sorted(PERMITS[endpoint])))


def sheet_of(path: str, query: Mapping[str, Any]) -> Response:
    """A file that the API answers, as it is. Errors: Declined."""
    found = answer("GET", path, query)
    if found.status_code >= 400:
        raise Declined.by(found)
    response = Response(found.get_data(), found.status_code, content_type=found.content_type)
    if "Content-Disposition" in found.headers:
        response.headers["Content-Disposition"] = found.headers["Content-Disposition"]
    return response


def ask(path: str, query: Mapping[str, Any] | None = None) -> Answered:
    """What the API answers to a question. Errors: Declined."""
    found = answer("GET", path, {name: value for name, value in (query or {}).items()
                                 if value is not None})
    return _understood(found)


def ask_if(endpoint: str, path: str, query: Mapping[str, Any] | None = None) -> Answered | None:
    """The same, where the visitor may ask it, and there is an answer; else None."""
    if not may(endpoint):
        return None
    try:
        return ask(path, query)
    except Declined as declined:
        if declined.status in (403, 404):
            return None
        raise


def every(path: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All rows of a list, page by page. Errors: Declined; 422 where there are too many."""
    asked, count = {**query, "limit": MAX_LIMIT}, 0
    while True:
        found = ask(path, asked)
        count += len(found.items)
        if count > EXPORTED:
            raise Problem("too_many_rows", most=EXPORTED)
        yield from found.items
        if found.cursor is None:
            return
        asked = {**asked, "cursor": found.cursor}


def send(
    path: str, body: Mapping[str, Any], *, key: str | None, version: str | None = None,
    query: Mapping[str, Any] | None = None,
) -> Answered:
    """What the API answers to a command, sent under a key; or to a question that is sent, which has
    none. Errors: Declined."""
    content = orjson.dumps(body)
    headers = {"Idempotency-Key": key, "If-Match": version}
    return _understood(answer(
        "POST", path, query or {}, body=Body(io.BytesIO(content), len(content)),
        headers={name: value for name, value in headers.items() if value is not None}))


def upload(
    path: str, files: Sequence[tuple[str, IO[bytes]]], fields: Mapping[str, str], *, key: str,
    query: Mapping[str, Any] | None = None,
) -> Answered:
    """What the API answers to files, each with its name, that are sent to it with further fields.
    Errors: Declined."""
    values = MultiDict([*fields.items(), *(
        ("file", FileStorage(content, filename=name)) for name, content in files)])
    content, length, boundary = stream_encode_multipart(values, use_tempfile=True)
    with closing(content):
        return _understood(answer(
            "POST", path, query or {}, headers={"Idempotency-Key": key},
            body=Body(content, length, f'multipart/form-data; boundary="{boundary}"')))


def _understood(found: Response) -> Answered:
    if found.status_code >= 400:
        raise Declined.by(found)
    return Answered(orjson.loads(found.get_data()), dict(found.headers))


class Body(NamedTuple):
    """What is sent: its bytes, how many there are, and what they are."""

    content: IO[bytes]
    length: int
    type: str = "application/json"


NOTHING = Body(io.BytesIO(), 0, "")


def answer(
    method: str, path: str, query: Mapping[str, Any], *, body: Body = NOTHING,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response of the API to a request that the visitor makes in this process."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    environ = {
        **{name: request.environ[name] for name in KEPT if name in request.environ},
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "QUERY_STRING": urlencode(query),
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "REQUEST_URI": path,
        "wsgi.input": body.content, "CONTENT_LENGTH": str(body.length),
        "CONTENT_TYPE": body.type,
        "HTTP_ACCEPT_LANGUAGE": language(), "HTTP_X_REQUEST_ID": g.request_id,
        CALLER: caller(),
        **{f"HTTP_{name.upper().replace('-', '_')}": value
           for name, value in (headers or {}).items()}}
    with app.app_context(), app.request_context(environ):
        found: Response = app.full_dispatch_request()
        return found
