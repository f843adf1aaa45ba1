"""No time, day, number, name or file makes any route end in a fault of the code."""

import io
import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.http.routes import PERMITS
from api.http.writing import ROUTES
from ledger.settings import Settings
from tests.support.bodies import order, stocked
from tests.support.routes import of_api
from tests.support.samples import fitting, leaves, replaced
from tests.support.thorough import tried
from tests.support.web import Web

TIMES = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "9999-12-31", "1969-12-31",
         "1970-01-01T00:00:00+23:59", "9998-12-31T23:59:59.999999-12:00", "2026-02-30",
         "2026-10-31T24:00:00Z", "2026-12-31T23:59:60Z", "2026-10-31T23:59:59 08:00", "0000-00",
         "9999-12", "9999-13", "2026-09", "2026-09-30", "2026-W40", "١٢٣٤-٠١-٠١"]
NUMBERS = ["0", "-1", "1", "007", "1e3", "99999999999999999999", str(2**53), str(2**63 - 1),
           str(2**63), "²", "٣", "1_0", "NaN"]
NAMES = ["", ".", "..", "%", "%00", "\0", "\ud800", "a/b", "a\\b", "order:a:b:1", "order::", ":",
         "stock:main:SH-001", "member:x", "person:x", "deduction:1", "x" * 1500, "％", "\u202e",
         "'; DROP TABLE x;--", "\r\nX: y", "{x}", "{0}", "%s", "case:a:b:1~2"]

odd = st.one_of(st.sampled_from([*TIMES, *NUMBERS, *NAMES]), st.text(max_size=20))
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), odd),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(odd, inner, max_size=3)),
    max_leaves=6)


def text(value: str) -> str:
    """A text that can be sent: what is half a character is sent as bytes that are none."""
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A shop with an order, that all examples ask."""
    folder = tmp_path_factory.mktemp("fuzz")
    web = Web(Settings(database_url=f"sqlite:///{folder}/a.db",
                       keys_url=f"sqlite:///{folder}/a.keys.db",
                       master_key_file=folder / "a.master.key"))
    stocked(web)
    web.done("/v1/orders", order(1))
    web.get("/v1/orders")
    yield web
    web.close()


def rules(web: Web, method: str) -> list[tuple[str, str]]:
    """Routes of a method, each with a role that may use it."""
    return sorted((rule.rule, min(PERMITS[rule.endpoint] - {"anyone"}, default="manager"))
                  for rule in of_api(web.app) if method in (rule.methods or ()))


FIELDS = sorted({"position", "recorded_as_of", "occurred_as_of", "limit", "cursor", "channel",
                 "shop", "from", "to", "month", "by", "status", "owner", "older_than", "sku",
                 "post", "day", "subject", "actor", "type", "after", "format", "leave_out",
                 "q", "sort", "number", "waybill", "size", "first", "second"})

HEADERS = ["Ledger-Position", "Ledger-Min-Position", "If-Match", "Idempotency-Key",
           "X-Request-Id", "Accept-Language", "Accept", "Prefer", "Content-Type"]

sent = st.dictionaries(st.sampled_from(HEADERS), st.one_of(
    st.sampled_from([*NUMBERS, "12:0123456789abcdef", "*", 'W/"1"', '"3"', "zh;q=x", "return=",
                     "application/json; charset=x", "multipart/form-data"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)), max_size=2)

FUZZED = settings(max_examples=tried(300), deadline=None,
                  suppress_health_check=[HealthCheck.function_scoped_fixture])


def headers(web: Web, role: str, more: dict[str, str]) -> dict[str, str]:
    """What a request has, as WSGI gives it."""
    fitting = {name: value.encode("latin-1", "ignore").decode("latin-1")
               for name, value in more.items()}
    return web.headers(role, "main", {"Idempotency-Key": "k", **fitting})


@FUZZED
@given(st.data())
def test_get__ends_in_no_fault_of_the_code(shop: Web, data: st.DataObject) -> None:
    rule, role = data.draw(st.sampled_from(rules(shop, "GET")))
    path = re.sub("<[^>]*>", lambda _: text(data.draw(odd)) or "x", rule)
    asked = data.draw(st.dictionaries(st.sampled_from(FIELDS), odd, max_size=3))
    query = urlencode({name: value.encode("utf-8", "surrogatepass")
                       for name, value in asked.items()})
    answer = shop.client.get(f"{path}?{query}", headers=headers(shop, role, data.draw(sent)))
    assert answer.status_code != 500, (path, query, answer.text)
    assert answer.headers["X-Request-Id"]


@FUZZED
@given(st.data())
def test_post__ends_in_no_fault_of_the_code(shop: Web, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(ROUTES))
    path = re.sub("<[^>]*>", lambda _: text(data.draw(odd)) or "x", route.path)
    body: Any = {name: value for name, value in fitting(route.command).items()
                 if name not in (*route.given, *route.looked_up, "expected_version")}
    leaf = data.draw(st.sampled_from([leaf for leaf in leaves(route.command)
                                      if body.get(leaf.path[0])] or [None]))
    if leaf is not None:
        body = replaced(body, leaf.path, data.draw(st.one_of(odd, anything)))
    if data.draw(st.booleans()):
        body = data.draw(anything)
    answer = shop.client.post(path, data=json.dumps(body), headers={
        "Content-Type": "application/json",
        **headers(shop, min(route.roles), data.draw(sent))})
    assert answer.status_code != 500, (path, body, answer.text)


@FUZZED
@given(name=odd, profile=odd, options=st.dictionaries(
    st.sampled_from(["as_of", "shop", "policy", "stock", "trust_numbers", "file", "x"]), odd,
    max_size=2), more=sent)
def test_upload__ends_in_no_fault_of_the_code(
    shop: Web, name: str, profile: str, options: dict[str, str], more: dict[str, str]
) -> None:
    more.pop("Content-Type", None)
    fields = {key: value.encode("utf-8", "replace").decode() for key, value in options.items()}
    plain = name.encode("utf-8", "replace").decode().replace("\r", "").replace("\n", "")
    answer = shop.client.post("/v1/imports", data={
        **fields, "profile": profile.encode("utf-8", "replace").decode(),
        "file": (io.BytesIO(b"a,b\n1,2\n"), plain)}, headers=headers(shop, "integration", more))
    assert answer.status_code != 500, answer.text
