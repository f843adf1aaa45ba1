"""What stands between two slashes of an address, whatever it is.

WSGI decodes a path before anybody can divide it, so a SKU `a/b`, sent as `a%2Fb`, would be two
parts of an address that there is not. So routes are found by the path as it was sent.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask, Request
from werkzeug.routing import MapAdapter, ValidationError
from werkzeug.routing.converters import UnicodeConverter
from werkzeug.wsgi import get_host

_KEPT = re.compile(rb"%(2[Ff]|25|(?![0-9A-Fa-f]{2}))")
"""An encoded slash or percent sign, and a percent sign that encodes nothing."""


def routed(environ: Mapping[str, Any]) -> str:
    """The path by which a route is found: decoded, but for slashes and percent signs inside of its
    parts. Where the path as it was sent is not known, each slash divides it."""
    uri = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    sent, before, path = (one.encode("latin-1") for one in (
        uri.partition("?")[0], environ.get("SCRIPT_NAME", ""), environ["PATH_INFO"]))
    if not sent.startswith(before) or unquote_to_bytes(sent[len(before):]) != path:
        return path.replace(b"%", b"%25").decode(errors="replace")
    kept = _KEPT.sub(lambda found: b"%25" + (found[1].upper() or b"25"), sent[len(before):])
    return unquote_to_bytes(kept).decode(errors="replace")


class Segment(UnicodeConverter):
    """A part of a path. Any text can be one, but for one with a NUL character: nothing that is
    recorded has one, nor does every database take it in a question."""

    def to_python(self, value: str) -> str:
        """What was kept by `routed`, decoded. Errors: ValidationError: there is no such address."""
        if "\0" in value:
            raise ValidationError
        return value.replace("%2F", "/").replace("%25", "%")


def install(app: Flask) -> None:
    """Make an app find routes so. Those that it has already are not changed.

    All routes hold for every host, so Flask's own way, which looks for a host's part of the map, is
    left out: it costs as much as finding the route.
    """
    app.url_map.converters["default"] = Segment
    app.url_map.merge_slashes = False  # else an address is answered with HTML, and another one

    def create_url_adapter(request: Request | None) -> MapAdapter | None:
        if request is None:
            return None  # outside of a request no address is made
        environ: dict[str, Any] = request.environ
        request.host = get_host(environ)
        sent = environ.get("REQUEST_URI", environ.get("RAW_URI", "%"))
        path = routed(environ).lstrip("/") if "%" in sent else request.path
        return app.url_map.bind(
            request.host, environ.get("SCRIPT_NAME", ""), "", environ["wsgi.url_scheme"],
            environ["REQUEST_METHOD"], path, environ["QUERY_STRING"])

    app.create_url_adapter = create_url_adapter  # type: ignore[method-assign]
