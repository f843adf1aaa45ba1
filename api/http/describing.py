"""The description made whole: what flask-smorest knows of a route, and what the routes share."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from api.http import answers, linking, shapes, shared
from api.http.addresses import in_path
from api.http.operation_ids import operation_id
from api.http.routes import PERMITS, PUBLIC
from api.http.standing import ANSWERED, parameters
from api.http.writing import ROUTES, Route
from projections.asking.names import SAID

JSON = "application/json"

INFO: Mapping[str, Any] = {
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "description": (
        "An append-only, provable log of what a shop did. Whole numbers are exact: a sum "
        "beyond 2^53-1, or below its negative, is written as a string of its digits.\n\n"
        "Every request needs a key. A command needs an `Idempotency-Key` of the client's own, too: "
        "sent again under it, it is answered with the receipt of the first.")}


class Operation(NamedTuple):
    """An operation as it is being described: `spec` is what is changed."""

    path: str
    method: str
    endpoint: str
    route: Route | None
    spec: dict[str, Any]

    @property
    def roles(self) -> frozenset[str]:
        """Who may use it."""
        return PERMITS[self.endpoint]

    @property
    def public(self) -> bool:
        """Whether it needs no key."""
        return self.roles == PUBLIC


def described(raw: dict[str, Any], endpoints: Mapping[tuple[str, str], str],
              examples: Mapping[str, Any]) -> dict[str, Any]:
    """The description of every operation that is in `raw`; `endpoints` are by path and method,
    `examples` by the names of operations."""
    raw["info"] |= INFO
    raw["servers"] = [{"url": "/", "description": "This server."}]
    components = raw["components"]
    components["schemas"]["Problem"] = _problem()
    components["schemas"] |= shapes.schemas()
    components["responses"] = answers.problems()
    components["headers"] = dict(answers.HEADERS)
    operations = list(_operations(raw["paths"], endpoints))
    for one in operations:
        _amend(one)
        _fill(one, examples.get(one.spec["operationId"], {}))
    linking.link({one.spec["operationId"]: one for one in operations})
    return shared.hoisted(raw)


def _operations(paths: dict[str, Any], endpoints: Mapping[tuple[str, str], str]
                ) -> Iterator[Operation]:
    routes = {route.path.replace("<", "{").replace(">", "}"): route for route in ROUTES}
    for path, spec in paths.items():
        spec.pop("parameters", None)
        for method, operation in spec.items():
            endpoint = endpoints[path, method]
            route = routes.get(path) if method == "post" else None
            yield Operation(path, method, endpoint, route, operation)


def _amend(one: Operation) -> None:
    commands = {route.command.NAME.replace(".", "-"): route.command for route in ROUTES}
    one.spec["operationId"] = operation_id(one.endpoint, commands)
    one.spec["security"] = [] if one.public else [{"key": []}]
    _say(one)
    asked = one.spec.get("parameters", [])
    for given in asked:
        given.setdefault("description", _ASKED.get(given["name"], ""))
    one.spec["parameters"] = [
        *(in_path(one.path, name) for name in re.findall("{([^}]*)}", one.path)),
        *asked, *([] if one.public else parameters(one.method))]
    _answer(one)


def _say(one: Operation) -> None:
    """One line as the summary; all of it, and for whom it is, as the description."""
    said = "\n\n".join(one.spec.pop(name) for name in ("summary", "description")
                       if one.spec.get(name))
    text = "\n\n".join(" ".join(part.split()) for part in said.split("\n\n"))
    one.spec["summary"] = re.split(r"(?<=[.])\s|;\s", text, maxsplit=1)[0]
    who = "anybody" if one.public else ", ".join(sorted(one.roles))
    one.spec["description"] = f"{text}\n\nFor: {who}."


_ASKED: Mapping[str, str] = {
    **SAID,
    "Idempotency-Key": "A key of the client's own for this request: sent again under it, the "
                       "command is answered with the receipt of the first.",
    "If-Match": "The version that the decision rests on, as an `ETag` gave it.",
    "position": "As of which position of the log.",
    "recorded_as_of": "As it was known then.",
    "occurred_as_of": "What had happened by then.",
    "limit": "How many items a page has at the most.",
    "cursor": "Where the page begins, as `next` of the page before gave it.",
    "channel": "Only of this channel.", "shop": "Only of this shop.",
    "from": "From this day on.", "to": "Until this day, and that day still.",
    "month": "Of this month.", "day": "Of this day.", "post": "Only of this post.",
    "status": "Only of this status.", "owner": "Only of this owner.", "sku": "Only with this SKU.",
    "older_than": "So many minutes, hours or days ago, or earlier: 30m, 12h, 3d.",
    "by": "What the sums are by.", "profile": "Only by this profile.",
    "subject": "Only about this subject.", "actor": "Only by this actor.",
    "client": "Only through this key or program.", "type": "Only of this type of event.",
    "command_id": "Only of this command.", "format": "In which form.",
    "start": "When it started.", "roster": "By the days of this roster.",
    "before": "The number of the earlier version.", "after": "The number of the later version.",
}
"""What is asked for by a name, unless a route says more of it."""


def _answer(one: Operation) -> None:
    """What may be answered: as asked for, or a problem."""
    kept = {status: answer for status, answer in one.spec.get("responses", {}).items()
            if str(status)[0] in "23" or "content" in answer}
    kept.pop("default", None)
    for kind in one.spec.pop("x-also", ()):
        kept["200"].setdefault("content", {})[kind] = {
            "schema": {"type": "string", "format": "binary"}}
    names = frozenset(given["name"] for given in one.spec["parameters"])
    for status, answer in kept.items():
        if not one.public and str(status)[0] == "2":
            answer["headers"] = {
                **answers.headers(
                    ANSWERED, *answers.LIMITED, *_extra(one, str(status), answer)),
                **answer.get("headers", {})}
    for status in answers.problem_statuses(
            one.path, names, method=one.method, public=one.public, route=one.route):
        kept.setdefault(str(status), answers.problem_response(status))
    one.spec["responses"] = dict(sorted(kept.items()))


def _extra(one: Operation, status: str, answer: Mapping[str, Any]) -> Iterator[str]:
    """The names of the headers that an answer has by its kind."""
    if one.route is not None:
        yield "ETag"
        yield "Preference-Applied"
        if one.route.location:
            yield "Location"
        if status == "200":
            yield "Idempotency-Replayed"
    if any(given["name"] == "cursor" for given in one.spec["parameters"]):
        yield "Link"
    if len(answer.get("content", {})) > 1 or JSON not in answer.get("content", {JSON: {}}):
        yield "Content-Disposition"


def _fill(one: Operation, example: Mapping[str, Any]) -> None:
    """Show what was recorded of an operation. A key of a client's own is shown for each: under one
    key, another request is refused."""
    for given in one.spec["parameters"]:
        if given["name"] == "Idempotency-Key":
            given["example"] = f"example-{one.spec['operationId']}"
        if given["name"] in example.get("parameters", {}):
            shown = example["parameters"][given["name"]]
            given["example"] = int(shown) if given["schema"]["type"] == "integer" else shown
    if "body" in example:
        one.spec["requestBody"]["content"][JSON]["example"] = example["body"]
    if "answer" in example:
        one.spec["responses"][str(example["status"])]["content"][JSON]["example"] = (
            example["answer"])


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    fields = {**dict.fromkeys(("type", "title", "detail", "instance", "code"), text),
              "status": {"type": "integer"}, "rule": {"type": ["string", "null"]},
              "errors_left_out": {"type": "integer", "minimum": 0},
              "request_id": {"type": ["string", "null"]},
              "errors": {"type": "array", "items": {
                  "type": "object", "properties": dict.fromkeys(
                      ("pointer", "detail", "code"), text)}}}
    own = {"open": {"type": "boolean", "description": "Of what was asked as of a time and is not "
                                                      "there: whether this may change."}}
    return {"type": "object", "description": "An error (RFC 9457); its code never changes.",
            "properties": {**fields, **own}, "required": list(fields)}
