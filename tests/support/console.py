"""Pages as visitors meet them: the demo's ledger, somebody of each role, and what a page says."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import quote
from weakref import WeakKeyDictionary

from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from api.console.fields import BY_NAME
from api.demo.stock import SHOP
from api.http.routes import CONSOLE
from tests.support.demo import demo_in
from tests.support.signing_in import send, signed_in
from tests.support.web import Web

ORDER = f"order:taobao:{SHOP}:demo-1"
CASE = f"case:taobao:{SHOP}:demo-R1"

PEOPLE = {
    "manager": "member:0a47", "reviewer": "member:4be0", "service": "member:2c91",
    "warehouse_head": "member:e6a2", "warehouse": "member:5d14", "finance": "member:91fc",
    "member": "member:c3d8", "auditor": "person:auditor", "integration": "program:first",
    "admin": "person:operator"}
"""Somebody who may have each role in the demo. Nobody there buys or operates the shop."""

NAMES = {"order": ORDER, "case": CASE, "sku": "sku:QM-001", "month": "2026-09",
         "member": "member:2c91", "deduction": "deduction:2609-1", "position": "1977",
         "report": "inventory", "subject": ORDER, "version": "4", "form": "csv",
         "job": "import:06744f5c8a2405e7bdee", "command": "order.remark", "name": "console.css",
         "key": "0"}
ASKED = {"search": "?q=demo-1", "event": "", "explain": "?subject=sku:QM-001&figure=available",
         "explain-file": "?subject=sku:QM-001&figure=available",
         "form": f"?order={quote(ORDER, safe=':')}", "diff": "?positions=1975..",
         "diff-moments": f"?subject={quote(ORDER)}&since=2026-09-30&until=2026-10-08",
         "policy-differences": "?before=3&after=4", "proof": "?root=5:ab",
         "order": "?refused=1", "welcome": "?token=x"}
"""What has to be asked of some pages, by their names."""

@contextmanager
def demo(folder: Path) -> Iterator[Web]:
    """The demo's ledger, served."""
    with demo_in(folder) as settings:
        web = Web(settings)
        try:
            yield web
        finally:
            web.close()


_cookies: WeakKeyDictionary[Web, dict[str, str]] = WeakKeyDictionary()
"""The sessions that were opened already, by role."""


def visit(web: Web, role: str = "manager", language: str = "en") -> FlaskClient:
    """The browser of somebody of a role, who is logged in."""
    known = _cookies.setdefault(web, {})
    if role not in known:
        known[role] = _session(web, role)
    client = web.app.test_client()
    client.set_cookie("ledger", known[role])
    client.set_cookie("lang", language)
    return client


def _session(web: Web, role: str) -> str:
    """The cookie of somebody who followed a link, and acts in a role."""
    browser = signed_in(web, PEOPLE[role], roles=(role,))
    if f'value="{role}"' in browser.get("/sessions").text:
        send(browser, "/sessions", "/role", role=role)
    cookie = browser.get_cookie("ledger")
    assert cookie is not None
    return str(cookie.value)


def pages(web: Web) -> dict[str, str]:
    """The address of every page, by its name, with something that is there."""
    return {rule.endpoint.partition(".")[2]: address(rule) for rule in _rules(web)
            if "GET" in (rule.methods or ())}


def _rules(web: Web) -> list[Rule]:
    return [rule for rule in web.app.url_map.iter_rules()
            if rule.endpoint.startswith(f"{CONSOLE}.")]


def address(rule: Rule) -> str:
    """The address of a page of something that is there."""
    name = rule.endpoint.partition(".")[2]
    path = re.sub("<([^>]*)>", lambda found: quote(NAMES[found[1].rpartition(":")[2]], safe=":"),
                  rule.rule)
    return f"{path}{ASKED.get(name, '')}"


def csrf(response: TestResponse) -> str:
    """What the forms of a page have to send back."""
    found = re.search(r'name="csrf" value="([^"]*)"', response.text)
    assert found is not None, response.text
    return found[1]


def filled(response: TestResponse) -> dict[str, str]:
    """What a form has in its fields, as a browser would send it."""
    form = response.text[response.text.rindex('<form method="post" class="fields"'):]
    fields = {name: unescape(value) for name, value in re.findall(
        r'<input[^>]* name="([^"]*)"[^>]* value="([^"]*)"', form)}
    return fields | dict.fromkeys(re.findall(r'<textarea[^>]* name="([^"]*)"', form), "")


def forms() -> dict[str, str]:
    """The address of the form of every command."""
    given = {**NAMES, "sku": "QM-001", "number": "1", "person": "person:1",
             "movement": "movement:hangzhou:1"}
    return {name: f"/do/{name}?" + "&".join(
        f"{field}={quote(given[field], safe=':')}" for field in route.given)
        for name, route in BY_NAME.items()}


def said(response: TestResponse) -> str:
    """What a page says to who reads it: its text and its labels, without codes."""
    html = response.text
    for tag in ("script", "style", "code", "pre", "svg"):
        html = re.sub(rf"<{tag}[ >].*?</{tag}>", " ", html, flags=re.DOTALL)
    html = re.sub(r'<(\w+)[^>]* translate="no".*?</\1>', " ", html, flags=re.DOTALL)
    labels = re.findall(r'(?:placeholder|aria-label)="([^"]*)"', html)
    return unescape(" ".join([re.sub("<[^>]*>", " ", html), *labels]))


def first_link(html: str, begin: str) -> str:
    """The address of the first link of a page that begins so."""
    found = re.search(rf'href="({re.escape(begin)}[^"]*)"', html)
    assert found is not None, html
    return unescape(found[1])
