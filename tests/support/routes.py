"""Every route that is read, with the address of something that is there."""

import re
from urllib.parse import quote

from flask import Flask
from werkzeug.routing import Rule

from api.http.routes import CONSOLE
from ledger.erasure.finding import NobodyFound, persons_of
from tests.support.builders import stream
from tests.support.web import Web

NAMES = {"order": stream(), "case": stream().replace("order:", "case:"), "job": "x",
         "subject": "stock:main:SH-001", "code": "not_found", "member": "member:service",
         "month": "2026-09", "version": "1", "deduction": "deduction:1", "name": "dispatch",
         "position": "2", "movement": "movement:main:M1", "report": "orders"}
SUBJECTS = {"posts": "member:service", "members": "member:service", "attendance": "member:service",
            "leaves": "member:service", "rosters": "roster:desk", "shifts": "roster:desk",
            "prices": "sku:SH-001", "skus": "sku:SH-001", "warehouses": "warehouse:main",
            "transfers": "transfer:T1", "subjects": stream(), "stock-counts": "count:main:C1",
            "reconciliations": "reconciliation:2026-10", "score-history": "member:service"}
ASKED = {**dict.fromkeys(("/v1/scores", "/v1/score-warnings", "/v1/grading",
                          "/v1/scores/<member>/explain"), "?month=2026-09"), "/v1/search": "?q=SH",
         "/v1/subjects/<subject>/turns": "?condition=paid_minor"}
"""What has to be asked of some."""


def of_api(app: Flask) -> list[Rule]:
    """The routes of an app that are no pages."""
    return [rule for rule in app.url_map.iter_rules()
            if not rule.endpoint.startswith(f"{CONSOLE}.")]


def rules(web: Web) -> list[tuple[str, str]]:
    """The routes under /v1 that are read, each with its endpoint."""
    return sorted((rule.rule, rule.endpoint) for rule in of_api(web.app)
                  if rule.rule.startswith("/v1/") and "GET" in (rule.methods or ()))


def filled(rule: str, web: Web) -> str:
    """The address of a route, of something that is there."""
    names = {**NAMES, "subject": SUBJECTS.get(rule.split("/")[2], NAMES["subject"])}
    if "<person>" in rule:
        names["person"] = _person(web)
    address = re.sub("<([^>]*)>", lambda found: quote(names[found[1]]), rule)
    return f"{address}{ASKED.get(rule, '')}"


def _person(web: Web) -> str:
    """Somebody for whom something in the order is sealed; nobody, where there is nothing."""
    ledger = web.ledger()
    try:
        return persons_of(ledger.store, ledger.keys, stream())[0]
    except NobodyFound:
        return "person:nobody"
