"""Headers are sent as Werkzeug would send them, without its second look at each."""

import flask
import pytest

from api.http.sending import Response


@pytest.mark.parametrize("status", [200, 201, 202, 204, 304, 404, 503])
@pytest.mark.parametrize("headers", [
    {}, {"ETag": '"3"'}, {"Location": "/v1/orders/order:taobao:%E4%BA%91:1"},
    {"Location": "/v1/imports/云"}, {"Content-Length": "4"}])
@pytest.mark.parametrize("body", [b"", b"four", [b"fo", b"ur"]])
def test_headers__are_those_of_werkzeug(
    status: int, headers: dict[str, str], body: bytes | list[bytes]
) -> None:
    sent, wanted = (kind(body, status, headers).get_wsgi_headers({})
                    for kind in (Response, flask.Response))
    assert sorted(sent) == sorted(wanted)


def test_stream__does_not_say_its_length() -> None:
    assert "Content-Length" not in Response(iter([b"a"])).get_wsgi_headers({})
