"""The description of the API is valid and is what the code does, whatever it is asked."""

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from api import create_app
from api.http import description
from api.http.describing import described
from api.http.routes import PERMITS
from api.http.writing import ROUTES
from ledger.settings import Settings
from projections.asking.names import TAKES
from tests.support import source
from tests.support.routes import of_api
from tests.support.thorough import THOROUGH
from tests.support.web import Web

IN_MEMORY = Settings(database_url="memory:", keys_url="memory:", master_key_file=None)
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance,
          status_code_conformance, negative_data_rejection, unsupported_method]

FINDING = "POST /v1/persons/find"
"""GET there asks for a person who is called so."""

_web = Web(IN_MEMORY)
schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", _web.app)
feedback = FeedbackSources(constants_value_source=make_constants_value_source(schema))


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def ask(case: schemathesis.Case) -> None:
    """Have a request answered, and compare the answer with the description."""
    checks = [one for one in CHECKS
              if (one, case.operation.label) != (unsupported_method, FINDING)]
    case.call_and_validate(headers={"Authorization": f"Bearer {_web.token()}"}, checks=checks)


OPERATIONS = [found.ok().label for found in schema.get_all_operations()]


@pytest.mark.parametrize("operation", OPERATIONS if THOROUGH else OPERATIONS[::6])
def test_operation__answers_as_it_is_described(operation: str) -> None:
    # Not by `schema.parametrize()`: it makes the requests when tests are collected, 25 seconds
    # in each worker.
    build_operation_test(
        config=schema.config, operation=schema.find_operation_by_label(operation), test_func=ask,
        given_kwargs={}, feedback=feedback)()


def test_description__speaks_of_no_field_that_nobody_can_send() -> None:
    looked_up = [route for route in ROUTES if route.looked_up]
    for route in looked_up:
        path = route.path.replace("<", "{").replace(">", "}")
        told = _web.app.extensions["description"].spec["paths"][path]["post"]
        text = f"{told['summary']} {told['description']}"
        assert [name for name in route.looked_up if re.search(f"`{name}`", text)] == []
    assert len(looked_up) > 1


def test_description__is_valid_and_whole() -> None:
    app = _web.app
    told = app.extensions["description"].spec
    validate(told)
    listed = {(path, method) for path, operations in told["paths"].items()
                 for method in operations}
    served = {(rule.rule.replace("<", "{").replace(">", "}"), method.lower())
              for rule in of_api(app) for method in rule.methods or ()
              if method in ("GET", "POST")}
    assert listed == served
    assert {rule.endpoint for rule in of_api(app)} == set(PERMITS) & {
        rule.endpoint for rule in of_api(app)}


def test_description__is_made_once_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(description, "described",
                        lambda *given: made.append(given) or described(*given))
    app = create_app(IN_MEMORY)
    assert made == []
    first, again = (app.test_client().get("/v1/openapi.json") for _ in range(2))
    assert len(made) == 1
    assert first.data == again.data
    known = {"If-None-Match": first.headers["ETag"]}
    assert app.test_client().get("/v1/openapi.json", headers=known).status_code == 304


def test_page__has_the_route_of_every_report() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (`/v1/.+`) \|$",
                           source.text(source.ROOT / "docs/http.md"), re.MULTILINE))
    assert list(rows) == list(TAKES)
    made: dict[str, list[str]] = {}
    for rule in of_api(_web.app):
        name = rule.endpoint.rpartition(".")[2]
        if name.startswith("list-"):
            made.setdefault(name[5:].removesuffix("-of"), []).append(f"`{rule.rule}`")
    assert {name: sorted(rows[name].split(", ")) for name in made} == {
        name: sorted(paths) for name, paths in made.items()}
