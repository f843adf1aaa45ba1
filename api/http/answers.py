"""What an operation may answer besides what was asked for, and what its answers' headers say."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from api.http.edge_errors import EDGE
from api.http.problems import TITLES, TYPE, status_of
from api.http.standing import ANSWERED, SCHEMA
from ledger.common.errors import LedgerError

if TYPE_CHECKING:
    from api.http.writing import Route

PROBLEM = {"$ref": "#/components/schemas/Problem"}

WITH_CODES = frozenset({401, 403, 412, 413, 415, 428, 429})
"""The statuses whose codes are named: of the others there are too many."""

TEXT: dict[str, Any] = {"type": "string"}

HEADERS: Mapping[str, dict[str, Any]] = {
    ANSWERED: {
        "description": "The last event that this answer knows: its position and, after a colon, "
                       "the first 8 bytes of its leaf hash in hex; 0 for none.",
        "schema": SCHEMA},
    "ETag": {
        "description": "The version of what this is about, in quotes: what `If-Match` takes.",
        "schema": {**TEXT, "pattern": '^"[0-9]+"$'}},
    "Hash": {"description": "The hash of it, in quotes.",
             "schema": {**TEXT, "pattern": '^"[0-9a-f]+"$'}},
    "Location": {
        "description": "The address at which what was made can be read.",
        "schema": {**TEXT, "format": "uri-reference"}},
    "Idempotency-Replayed": {
        "description": "There, and true, if the command was accepted before under its key: this "
                       "is the receipt of the first.",
        "schema": {**TEXT, "enum": ["true"]}},
    "Link": {
        "description": 'The address of the next page, with rel="next", if there is one.',
        "schema": TEXT},
    "Content-Disposition": {"description": "A name for the file.", "schema": TEXT},
    "Preference-Applied": {
        "description": "The preference that was followed; else it is not there.", "schema": TEXT},
    "Retry-After": {
        "description": "In how many seconds to ask again.",
        "schema": {**TEXT, "pattern": "^[0-9]+$"}},
    "RateLimit": {
        "description": "What is left of each limit of the key (`r`), and in how many seconds there "
                       "will be more (`t`). Only where a limit counted the request.",
        "schema": TEXT},
    "RateLimit-Policy": {
        "description": "What each limit of the key allows: so much (`q`, of `qu`, else requests) "
                       "in so many seconds (`w`).",
        "schema": TEXT},
    "WWW-Authenticate": {"description": "That a key is needed.", "schema": TEXT},
}
"""The headers of answers, by name."""

LIMITED = ("RateLimit", "RateLimit-Policy")
"""The headers of every answer to a key that a limit counts."""

OF_PROBLEMS: Mapping[int, tuple[str, ...]] = {
    **dict.fromkeys(TITLES, LIMITED), 401: ("WWW-Authenticate",),
    **dict.fromkeys((409, 429, 503), ("Retry-After", *LIMITED))}

SEEN = {"ETag": {"$ref": "#/components/headers/ETag"}}
"""The header of an answer that bears the version of what was asked for."""


def headers(*names: str) -> dict[str, Any]:
    """References to headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def problem_statuses(path: str, names: frozenset[str], *, method: str, public: bool,
                     route: "Route | None") -> Iterator[int]:
    """The statuses of the problems that an operation can answer with; `names` are those of what is
    asked besides the path: of its query and its headers."""
    inside = "{" in path
    if public:
        yield from (400,) if "lang" in names else ()
        yield from (404,) if inside else ()
        return
    yield from (400, 401, 403, 409, 414, 429, 503)
    if method == "post" or inside or names & {"position", "before"}:
        yield 404
    if method == "post" or names & {"position", "positions", "from", "month", "format"}:
        yield 422
    if method == "post":
        yield from (413, 415)
    if "If-Match" in names:
        yield 412
    if route is not None and route.requires_if_match:
        yield 428


def problems() -> dict[str, Any]:
    """Every problem as a response of its own, by the name that `problem_response` gives it."""
    codes = _codes()
    return {_name(status): {
        "description": _said(status, codes[status] if status in WITH_CODES else []),
        "content": {TYPE: {"schema": PROBLEM}},
        "headers": headers(*OF_PROBLEMS[status])}
        for status in TITLES}


def problem_response(status: int) -> dict[str, Any]:
    """A reference to the response of a problem."""
    return {"$ref": f"#/components/responses/{_name(status)}"}


def _name(status: int) -> str:
    return TITLES[status].replace(" ", "")


def _said(status: int, codes: list[str]) -> str:
    if not codes:
        return f"{TITLES[status]}."
    return f"{TITLES[status]}: {', '.join(f'`{code}`' for code in codes)}."


def _codes() -> dict[int, list[str]]:
    """The codes of the errors, by their status."""
    found: dict[int, set[str]] = {}
    for code, said in EDGE.items():
        found.setdefault(said.status, set()).add(code)
    for kind in kinds():
        found.setdefault(status_of(kind), set()).add(kind.code)
    return {status: sorted(codes) for status, codes in found.items()}


def kinds() -> Iterator[type[LedgerError]]:
    """Every class of an error of the ledger."""
    waiting: list[type[LedgerError]] = [LedgerError]
    while waiting:
        yield (one := waiting.pop())
        waiting.extend(one.__subclasses__())
