"""The API's reference as pages made from its description: an index, a page an operation, a page an
object. They are read without JavaScript, and need nothing from elsewhere."""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from threading import Lock
from typing import Any, cast
from urllib.parse import urlencode

import marshmallow
from flask import Response, current_app, g, render_template, request

from api.console.pages import HEADERS, LANGUAGES, asset
from api.http.description import Description, meaning_of
from api.http.edge_errors import Problem
from api.http.fields import Word
from api.http.problems import in_language
from api.http.routes import PUBLIC, Blueprint
from api.messages import language
from api.reference.kinds import Kinds
from api.reference.operations import Operation, Reading

OBJECTS = "objects"
"""The name of the page that lists all objects."""

KEPT = 200
"""So many pages are kept as they were made, those that were read last."""

group = Blueprint("reference", __name__, template_folder="templates",
                  description="The pages that describe the API.")


class LanguageQuery(marshmallow.Schema):
    """In which language the page is; without it, in the one that the browser prefers."""

    lang = Word(LANGUAGES, metadata={"description": "The language of the page."})


@group.permit("/v1/docs", PUBLIC, name="docs")
@group.arguments(LanguageQuery(), location="query")
@group.response(200, content_type="text/html")
def index(query: Mapping[str, Any]) -> Response:
    """Every operation by its group, as a page; it needs nothing from elsewhere."""
    return _page("", query)


@group.permit("/v1/docs/<name>", PUBLIC, name="docs-page")
@group.arguments(LanguageQuery(), location="query")
@group.response(200, content_type="text/html")
def page(query: Mapping[str, Any], name: str) -> Response:
    """An operation or an object of the description, by its name, as a page."""
    return _page(name, query)


@group.permit("/v1/problems/<code>", PUBLIC, name="problem")
@group.arguments(LanguageQuery(), location="query")
@group.response(200, content_type="text/html")
def problem(query: Mapping[str, Any], code: str) -> Response:
    """What an error means, by its code: what happened, what to do, and by which rule."""
    _speak(query)
    said = meaning_of(code)
    asked = f"?{urlencode(query)}" if query else ""
    found = Response(render_template(
        "reference/problem.html", code=code, said=said,
        **_shared("problems", asked)),
        content_type="text/html; charset=utf-8", headers=HEADERS)
    found.headers["Cache-Control"] = "no-cache"
    in_language(found)
    return found


def _speak(query: Mapping[str, Any]) -> None:
    if query.get("lang") is not None:
        g.language = query["lang"]


def _shared(name: str, asked: str) -> dict[str, Any]:
    """What every page needs; `asked` is what its links ask for."""
    config = current_app.config
    return {"asked": asked, "lang": language(), "name": name,
            "info": {"title": config["API_TITLE"], "version": config["API_VERSION"]},
            "css": asset("console.css"), "script": asset("reference.js"), "icon": asset("icon.svg")}


def _page(name: str, query: Mapping[str, Any]) -> Response:
    _speak(query)
    content, etag = _pages().get(name, urlencode(query))
    found = Response(content, content_type="text/html; charset=utf-8", headers=HEADERS)
    found.headers["Cache-Control"] = "no-cache"
    found.set_etag(etag)
    in_language(found)
    return cast(Response, found.make_conditional(request))


def _pages() -> "_Pages":
    known = current_app.extensions
    if "reference" not in known:
        known["reference"] = _Pages(known["description"])
    found: _Pages = known["reference"]
    return found


# -- pages that are kept --------------------------------------------------------------------------


class _Pages:
    """The pages of a description, made when somebody first asks for each."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str, str], tuple[bytes, str]] = OrderedDict()
        self._readings: dict[tuple[str, str], Reading] = {}

    def get(self, name: str, query: str) -> tuple[bytes, str]:
        """A page in the language of the request, and its ETag. Errors: 404 for a name that nothing
        has."""
        key = name, language(), query
        with self._lock:
            if key not in self._kept:
                content = self._rendered(name, f"?{query}" if query else "").encode()
                self._kept[key] = content, sha256(content).hexdigest()[:32]
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def _reading(self, asked: str) -> Reading:
        """The description read in the language of the request, with links that ask for it."""
        key = language(), asked
        if key not in self._readings:
            spec = self._description.spec
            kinds = Kinds(spec["components"]["schemas"], f"/v1/docs/{{}}{asked}")
            self._readings[key] = Reading(spec, kinds, "/v1/problems/{}")
        return self._readings[key]

    def _rendered(self, name: str, asked: str) -> str:
        spec, reading = self._description.spec, self._reading(asked)
        shared = _shared(name, asked)
        if not name:
            return render_template(
                "reference/index.html", about=reading.prose(spec["info"]["description"]),
                groups=_grouped(spec, reading.operations), **shared)
        for one in reading.operations:
            if one.name == name:
                return render_template("reference/operation.html", one=one, **shared)
        schemas = spec["components"]["schemas"]
        if name == OBJECTS:
            return render_template("reference/objects.html", objects=sorted(
                known for known in schemas if "properties" in schemas[known]), **shared)
        if name not in schemas:
            raise Problem("not_found")
        return render_template(
            "reference/object.html", about=reading.prose(schemas[name].get("description", "")),
            fields=reading.fields(schemas[name]), kind=reading.kinds.said(schemas[name]),
            used=[one for one in reading.operations if _uses(one, name)], **shared)


def _grouped(
    spec: Mapping[str, Any], operations: list[Operation]
) -> list[tuple[str, str, list[Operation]]]:
    """Operations by their groups, in the order of the description, with what a group is about."""
    return [(tag["name"], tag.get("description", ""),
             [one for one in operations if one.group == tag["name"]]) for tag in spec["tags"]]


def _uses(one: Operation, name: str) -> bool:
    """Whether an operation takes an object, or answers it."""
    return any(f">{name}</a>" in kind for kind in (
        one.body_kind, *(answer.kind for answer in one.answers)))
