"""What the routes of commands answer: the version of the subject, and where what they make is."""

import re
from functools import cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from api.http import writing
from api.http.routes import PERMITS
from api.http.writing import ROUTES, Route
from ledger.access.keys import ROLES
from ledger.common.context import Receipt
from ledger.core.commands import Command, OnStream
from ledger.settings import Settings
from tests.conftest import on_sqlite
from tests.support import samples
from tests.support.builders import CONTEXT, place, stream
from tests.support.erasing import buyer
from tests.support.fullness import IN_PATH, commands, fill
from tests.support.operations import resolved
from tests.support.routes import of_api
from tests.support.web import Web, problem

MEMORY = Settings(database_url="memory:", keys_url="memory:", master_key_file=None)
VERSIONS = {"other:1": 3}
"""What a command touched besides its subject, and to which version."""

_web = Web(MEMORY)


@cache
def _person() -> str:
    """Somebody who is there, for what is looked up about them."""
    _web.ledger().handle(place(account="旧信先生"), CONTEXT)
    return buyer(_web.ledger())


def path_of(route: Route, body: dict[str, Any]) -> str:
    """The address of a route for a command; what the address says leaves the body."""
    return re.sub("<([a-z]+)>", lambda found: quote(body.pop(found[1])), route.path)


def role_of(route: Route) -> str:
    """A role that may use a route."""
    return min(PERMITS[next(name for name in PERMITS
                            if name.endswith("." + route.command.NAME.replace(".", "-")))])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
@pytest.mark.parametrize("touched", [True, False], ids=["changed", "nothing changed"])
def test_routes__answer_with_the_version_of_their_subject(
    route: Route, touched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Command] = []

    def decided(command: Command, key: str, *, filled: frozenset[str]) -> Receipt:
        sent.append(command)
        versions = {**VERSIONS, **({command.subject: 7} if touched else {})}
        return Receipt(UUID(int=1), (5,), versions, 5)

    monkeypatch.setattr(writing, "decide", decided)
    body = samples.fitting(route.command)
    body.pop("expected_version", None)
    if route.looked_up:
        body = {name: value for name, value in body.items() if name not in route.looked_up}
        body["person"] = _person()
    path = path_of(route, body)
    seen = {"If_Match": '"6"'} if issubclass(route.command, OnStream) else {}
    answer = _web.post(path, body, role_of(route), **seen)
    assert answer.status_code == 201, answer.text
    (command,) = sent
    assert type(command) is route.command
    assert answer.headers.get("ETag") == ('"7"' if touched else None)
    if route.location:
        assert answer.headers["Location"] == (
            f"{route.location}/{command.subject.replace('%', '%25')}")


@pytest.mark.parametrize("route", [one for one in ROUTES if not issubclass(one.command, OnStream)],
                         ids=lambda route: route.path)
def test_version__rejected_where_none_is_looked_at(route: Route) -> None:
    """R-PRJ-31. Whoever sends it believes that it is."""
    body = samples.fitting(route.command)
    answer = _web.post(path_of(route, body), body, role_of(route), If_Match='"1"')
    found = problem(answer, 400, "not_understood")
    assert [one["pointer"] for one in found["errors"]] == ["/headers/If-Match"]


@on_sqlite
def test_version__is_looked_at_by_every_post_that_says_so_and_refused_by_all_others(
    web: Web
) -> None:
    """R-PRJ-31. One that was never there is stale for the one, and not understood by the other."""
    fill(web)
    described = web.app.extensions["description"].spec
    paths = {rule.endpoint: re.sub("<([^>]*)>", r"{\1}", rule.rule)
             for rule in of_api(web.app)}
    takes = {path for path, told in described["paths"].items()
             if "post" in told and "If-Match" in {
                 resolved(described, one)["name"] for one in told["post"]["parameters"]}}
    asked, posts = set(), {path for path, told in described["paths"].items() if "post" in told}
    for sent in commands(web):
        path = paths[sent.endpoint]
        role = min(PERMITS[sent.endpoint], key=["manager", *ROLES].index)
        answer = web.post(sent.address, sent.body, role, If_Match='"999999"')
        assert (answer.status_code == 400) == (path not in takes), (path, answer.text)
        assert answer.status_code > 299, (path, answer.text)
        asked.add(path)
    problem(web.post("/v1/imports", {}, If_Match='"1"'), 400, "not_understood")
    assert posts - takes - asked == {"/v1/imports"}
    assert len(takes - asked) < 10  # of these no example is recorded


@on_sqlite
@pytest.mark.parametrize("kind", ["order", "case", "deduction", "number"])
def test_version__is_looked_at_of_what_is_there_alone(web: Web, kind: str) -> None:
    """404 before 412: of what there is not, no version can be stale."""
    fill(web)
    unknown = {"order": stream("none"), "case": "case:taobao:x:none", "deduction": "deduction:none",
               "number": "none"}[kind]
    asked = 0
    for sent in commands(web, IN_PATH | {kind: unknown}):
        about = "leaves" not in sent.address and f"/{quote(unknown)}/" in sent.address
        if about and not sent.reads:
            role = next(one for one in ("manager", "reviewer") if one in PERMITS[sent.endpoint])
            problem(web.post(sent.address, sent.body, role, If_Match='"7"'), 404,
                    f"{'transfer' if kind == 'number' else kind}_unknown")
            asked += 1
    assert asked
