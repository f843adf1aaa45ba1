"""People who are invited to a ledger that is served, and their browsers."""

import re
from datetime import UTC, datetime
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.cli import inviting
from api.http.runtime import Edge
from ledger.access.keys import SYSTEM_ROLE
from ledger.common.context import Context
from ledger.log.store import SUFFIX
from ledger.settings import Opened
from tests.support.web import Web

OPERATOR = Context(actor="user:operator", role=SYSTEM_ROLE, client="cli")
PASSWORD = "correct horse battery"


def access_of(here: Edge, ledger: str = "main") -> Opened:
    """The ledger of keys and logins, as commands of an operator are given it."""
    return Opened(here.ledger(ledger + SUFFIX), here.store, here.keys)


def link_for(
    web: Web, owner: str = "person:first", *, roles: tuple[str, ...] = ("manager",),
    ledger: str = "main", **more: Any,
) -> str:
    """The path and query of a link for somebody."""
    web.ledger(ledger)
    made = inviting.invite(access_of(web.edge, ledger), ledger, OPERATOR, owner=owner,
                           roles=list(roles), **more)
    web.edge.ring(web.edge.store.id_of(ledger)).refresh()
    return str(made["link"]).partition(":8000")[2]


def token_in(link: str) -> str:
    """What is secret in a link."""
    return link.partition("token=")[2]


def types_of(web: Web, ledger: str = "main") -> list[str]:
    """The types of all events of the ledger of keys and logins, but how it began."""
    return [one.type for one in web.edge.store.read(ledger + SUFFIX)
            if not one.type.startswith("log.")]


def field(page: TestResponse, name: str) -> str:
    """What a hidden field of a form holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return found[1]


def send(browser: FlaskClient, form: str, address: str, **fields: str) -> TestResponse:
    """Open a page, and send its form."""
    page = browser.get(form)
    return browser.post(address, data={"csrf": field(page, "csrf"), **fields})


def signed_in(web: Web, owner: str = "person:first", **more: Any) -> FlaskClient:
    """A browser in which somebody has followed their link, with a password."""
    browser = web.app.test_client()
    link = link_for(web, owner, **more)
    answer = send(browser, link, "/welcome", token=token_in(link), password=PASSWORD,
                  again=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/"), answer.text
    return browser


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)
