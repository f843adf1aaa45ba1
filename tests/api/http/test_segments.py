"""A part of an address may be any text: it is found as it was sent."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.segments import Segment, routed
from ledger.common.values import subject
from ledger.settings import Settings
from tests.support.bodies import WHEN
from tests.support.routes import of_api
from tests.support.serving import Served
from tests.support.web import Web

ODD = ("a/b", "/", "//a//", "50%", "%2F", "%252f", "a?b", "a#b", "..", ".", "a/../b", "龙井", "x ",
       "a;b=c", "a+b&c", "\\", "a/prices", "a\tb")
"""Ids of which an address says something else, if they are not encoded, or decoded too early."""
COUNTED = {"position", "version"}
"""What stands in an address and is a number."""

REFERENCE = "/v1/docs/<name>"
"""Pages of a book: a name of no page leads nowhere."""


def environ(path: bytes, **more: str) -> dict[str, Any]:
    """What a server says of a path as it was sent."""
    return {"SCRIPT_NAME": "", "REQUEST_URI": f"{path.decode('latin-1')}?q=%2F",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"), **more}


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
                min_size=1), st.booleans())
def test_routed__is_divided_where_it_was_sent_divided(parts: list[str], raw: bool) -> None:
    sent = "".join(f"/{quote(part, safe='')}" for part in parts).encode()
    if raw:
        sent = sent.replace(b"%2E", b".").replace(b"%2F", b"%2f")
    found = routed(environ(sent))
    assert [Segment.to_python(None, one)  # type: ignore[arg-type]
            for one in found.split("/")[1:]] == parts


@pytest.mark.parametrize(("path", "wanted"), [
    ("/v1/a%2Fb/c", "/v1/a%2Fb/c"), ("/v1/100%/c", "/v1/100%25/c"), ("/v1/%32F", "/v1/2F"),
    ("/v1/%%32F", "/v1/%252F"), ("/%76%31/a", "/v1/a")])
def test_routed__decodes_all_that_divides_nothing(path: str, wanted: str) -> None:
    assert routed(environ(path.encode())) == wanted


def test_routed__believes_the_path_of_whoever_stands_before_it() -> None:
    """Below a prefix; and where something rewrote the path, or nothing says how it was sent."""
    below = {"SCRIPT_NAME": "/shop", "REQUEST_URI": "/shop/v1/a%2Fb", "PATH_INFO": "/v1/a/b"}
    assert routed(below) == "/v1/a%2Fb"
    assert routed(environ(b"/v1/a%2Fb", PATH_INFO="/v1/c%2Fd")) == "/v1/c%252Fd"
    assert routed({"PATH_INFO": "/v1/a/b"}) == "/v1/a/b"
    assert routed({"PATH_INFO": "/v1/a/b", "RAW_URI": "/v1/a%2Fb"}) == "/v1/a%2Fb"


# -- over a socket --------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path)
    found.start()
    yield found
    found.stop()


def routes() -> list[tuple[str, str]]:
    """Every method and path of a route that has something in its path."""
    web = Web(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    return sorted((method, rule.rule) for rule in of_api(web.app) if rule.arguments
                  for method in {"GET", "POST"} & set(rule.methods or ())
                  if not rule.arguments & COUNTED and rule.rule != REFERENCE)


def test_routes__are_found_for_any_id_over_a_socket(served: Served) -> None:
    """Each that has an id in its path: whatever it answers of that id, it is the route that does.
    """
    key, connection, seen = served.issue(), served.connect(), set[str]()
    for method, rule in routes():
        for number, odd in enumerate(ODD):
            path = re.sub("<([^>]*)>", quote(odd, safe=""), rule)
            status, found = served.request(
                method, path, {} if method == "POST" else None, key=key, connection=connection,
                Idempotency_Key=f"{len(seen)}-{number}")
            seen.add(path)
            if isinstance(found, dict):
                assert found.get("code") not in ("not_found", "method_not_allowed"), (path, found)
            assert status != 308, path


def test_routes__rejected_for_an_id_with_a_nul_character(web: Web) -> None:
    """PostgreSQL takes none in a question, and nothing that is recorded has one: wherever the log
    lies, nothing is there."""
    for method, rule in routes():
        path = re.sub("<([^>]*)>", "order:%00", rule)
        answer = web.get(path) if method == "GET" else web.post(path, {})
        assert (answer.status_code, (answer.json or {})["code"]) == (404, "not_found"), path


@pytest.mark.parametrize("path", ["/v1//skus", "/v1/skus//a", "/v1///orders/x", "/v1/skus/"])
def test_address__with_nothing_between_two_slashes_is_none(web: Web, path: str) -> None:
    """It leads nowhere else, least of all to the host that a client named."""
    for answer in (web.get(path), web.post(path, {})):
        assert (answer.status_code, (answer.json or {})["code"]) == (404, "not_found")
        assert "Location" not in answer.headers


def test_things__with_any_id_are_acted_on_over_a_socket(served: Served) -> None:
    """SKUs and transfers, by the ids that a shop chose, as they are."""
    key, connection = served.issue(), served.connect()
    count = iter(range(10_000))

    def done(path: str, body: dict[str, Any]) -> Any:
        status, found = served.request("POST", path, {"occurred_at": WHEN, **body}, key=key,
                                       connection=connection, Idempotency_Key=f"k{next(count)}")
        assert status == 201, (path, found)
        return found

    def read(path: str) -> Any:
        status, found = served.request("GET", path, key=key, connection=connection)
        assert status == 200, (path, found)
        return found

    for name in ("one", "two"):
        done("/v1/warehouses", {"name": name})
    for odd in (one for one in ODD if one.isprintable()):
        at, about = quote(odd, safe=""), quote(subject("sku", odd), safe="")
        done(f"/v1/skus/{at}/prices", {"amount_minor": 500, "floor_minor": 1, "currency": "CNY"})
        done(f"/v1/skus/{at}/thresholds", {"threshold": 2})
        (price,) = read(f"/v1/prices/{about}")["items"]
        assert price["amount_minor"] == 500
        assert read(f"/v1/skus/{about}")["item"]["price"]["amount_minor"] == 500
        done(f"/v1/skus/{quote(f'!{odd}', safe='')}/parts", {"parts": [{"sku": odd, "each": 2}]})
        done(f"/v1/skus/{quote(f'!!{odd}', safe='')}/aliases", {"target": odd})
        done("/v1/stock-movements", {"warehouse": "one", "moves": [
            {"sku": odd, "quantity": 3, "from": "supplier", "to": "available",
             "cause": "receipt"}]})
        lines = [{"sku": odd, "quantity": 1}]
        done("/v1/transfers", {"number": odd, "from": "one", "to": "two", "lines": lines})
        received = done(f"/v1/transfers/{at}/receipts", {"lines": lines})
        assert received["subject"] == subject("transfer", odd)
        assert read(f"/v1/transfers/{quote(received['subject'], safe='')}")["item"][
            "underway"] == []
