"""The reference of the API: all of the description, as pages that need nothing from elsewhere."""

import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest

from ledger.settings import Settings
from tests.support.web import Web

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def web() -> Web:
    """A server of an empty ledger."""
    return Web(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))


@pytest.fixture(scope="module")
def spec(web: Web) -> dict[str, Any]:
    """Its description."""
    found: dict[str, Any] = web.app.extensions["description"].spec
    return found


class Page(HTMLParser):
    """The links, ids and tags of a page; that its tags are closed in their order."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what begins."""
        given = dict(attrs)
        assert not {name for name in given if name.startswith("on") or name == "style"}
        assert tag not in ("style", "script") or given.get("src")
        self.links += [link for name in ("href", "src") if (link := given.get(name))]
        self.ids += [given["id"]] if given.get("id") else []
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note what ends."""
        assert self._open.pop() == tag


def test_index__names_every_operation_by_its_group(web: Web, spec: dict[str, Any]) -> None:
    page = Page(web.client.get("/v1/docs").text)
    named = {one["operationId"] for methods in spec["paths"].values()
             for method, one in methods.items() if method in METHODS}
    assert {f"/v1/docs/{name}" for name in named} <= {*page.links}
    assert {tag["name"] for tag in spec["tags"]} <= {*page.ids}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages__are_all_there_and_lead_to_what_is_there(
    web: Web, spec: dict[str, Any], language: str
) -> None:
    found = web.client.get(f"/v1/docs?lang={language}")
    waiting, known = {*Page(found.text).links}, {f"/v1/docs?lang={language}"}
    while waiting - known:
        link = (waiting - known).pop()
        known.add(link)
        path = link.partition("#")[0]
        if not path.startswith("/v1/docs"):
            continue
        answer = web.client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["Content-Language"] == language, path
        waiting |= {*Page(answer.text).links}
    objects = {name for name, one in spec["components"]["schemas"].items() if "properties" in one}
    assert {f"/v1/docs/{name}?lang={language}" for name in objects} <= known
    assert not re.search(r"<h2>[A-Za-z ]+</h2>", web.client.get(
        "/v1/docs/place_order?lang=zh").text)


def test_pages__hold_a_strict_policy_and_are_not_sent_twice(web: Web) -> None:
    found = web.client.get("/v1/docs")
    policy = found.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert found.headers["Vary"] == "Accept-Language"
    again = web.client.get("/v1/docs", headers={"If-None-Match": found.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    for link in Page(found.text).links:
        if link.startswith("/console/"):
            assert web.client.get(link).status_code == 200, link


def test_pages__are_small_and_fast_once_the_description_is_read(web: Web) -> None:
    assert len(web.client.get("/v1/docs").data) < 80_000
    began = time.perf_counter()
    found = web.client.get("/v1/docs/list_orders")
    assert time.perf_counter() - began < 0.1
    assert len(found.data) < 20_000


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/v1/docs/nothing", 404, "not_found"), ("/v1/docs?lang=de", 400, "not_understood"),
    ("/v1/docs/place_order?x=1", 400, "not_understood")])
def test_pages__that_are_not_there_are_problems(
    web: Web, path: str, status: int, code: str
) -> None:
    found = web.client.get(path)
    assert (found.status_code, found.json["code"]) == (status, code)


def test_pages__have_names_that_nothing_else_has(spec: dict[str, Any]) -> None:
    named = [one["operationId"] for methods in spec["paths"].values()
             for method, one in methods.items() if method in METHODS]
    assert len({*named, *spec["components"]["schemas"], "objects"}) == (
        len(named) + len(spec["components"]["schemas"]) + 1)


@pytest.mark.parametrize(("language", "said"), [("en", "What to do"), ("zh", "处理办法")])
def test_problems__have_a_page_in_both_languages(web: Web, language: str, said: str) -> None:
    found = web.client.get(f"/v1/problems/out_of_stock?lang={language}")
    page = Page(found.text)
    assert found.status_code == 200
    assert "R-STK-01" in found.text
    assert said in found.text
    assert "unsafe" not in found.headers["Content-Security-Policy"]
    assert f"/v1/docs?lang={language}" in page.links
    assert web.client.get("/v1/problems/none").status_code == 404
