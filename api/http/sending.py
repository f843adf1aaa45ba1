"""How an answer is handed to the server."""

from typing import Any

import flask
from werkzeug.datastructures import Headers

WITHOUT_BODY = frozenset({204, 304})
"""Statuses whose answers have no body, and so do not say how long it is."""


class Response(flask.Response):
    """An answer whose headers are sent as they were made.

    Werkzeug copies and checks them all once more, to quote an address that is not ASCII and to put
    in the length: here only the length may be missing.
    """

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """The headers that are sent."""
        headers, status = self.headers, self.status_code
        if status < 200 or status in WITHOUT_BODY or not headers.get("Location", "").isascii():
            return super().get_wsgi_headers(environ)
        if self.is_sequence and "Content-Length" not in headers:
            headers["Content-Length"] = str(self.calculate_content_length())
        return headers
