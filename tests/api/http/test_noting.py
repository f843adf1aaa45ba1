"""Notes of who read: each can be taken, whatever was asked for."""

import json
import logging
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.http.noting import note_of
from ledger.common.values import NAME_BYTES, subject
from ledger.log.store import SUFFIX
from tests.conftest import on_sqlite
from tests.support.bodies import order, stocked
from tests.support.builders import CHANNEL
from tests.support.thorough import tried
from tests.support.web import Web, problem

SHOP = "，" * 100
LONGEST = "9" * (NAME_BYTES - len(subject("order", CHANNEL, SHOP, "")))
"""The longest number of an order of such a shop."""


@settings(max_examples=tried(50))
@given(st.none() | st.text(), st.lists(st.text(), max_size=3))
def test_note__can_be_made_of_anything(asked: str | None, filters: list[str]) -> None:
    note = note_of("member:auditor", "/v1/orders/<order>", asked, filters=filters,
                   position=1)
    assert note.route == "/v1/orders/<order>"
    assert note.about_subject in (asked, None)


@on_sqlite
def test_note__of_an_order_with_the_longest_name(web: Web) -> None:
    stocked(web)
    stream = subject("order", CHANNEL, SHOP, LONGEST)
    web.done("/v1/sales", order(LONGEST, shop=SHOP, warehouse="main"), "service")
    address = f"/v1/orders/{quote(stream)}"
    web.done(f"{address}/holds", {"reason": "改地址"}, "service")
    assert web.get(address, "service").json["item"]["held"] == "改地址"  # type: ignore[index]
    assert web.get(f"/v1/audit?subject={quote(stream)}&limit=5", "auditor").status_code == 200
    assert _notes(web) == [("/v1/orders/<order>", "", stream),
                           ("/v1/audit", "limit subject", stream)]


@on_sqlite
def test_note__refuses_no_read_of_any_route(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    """Each route with a subject, the longest that there can be and what cannot be one."""
    rules = sorted({rule.rule for rule in web.app.url_map.iter_rules()
                    if rule.rule.startswith("/v1/") and "GET" in (rule.methods or ())
                    and "<" in rule.rule and "/docs/" not in rule.rule})
    asked = 0
    with caplog.at_level(logging.ERROR):
        for rule in rules:
            kind = re.findall("<([^>]*)>", rule)[0].replace("subject", "member")
            longest = f"{kind}:{quote('，') * 200}"[:NAME_BYTES]
            for text in (longest, f"{longest}0", "１ \u200b"):
                path = re.sub("<[^>]*>", quote(text), rule)
                answer = web.get(path, "auditor")
                assert answer.status_code in (200, 400, 403, 404), (path, answer.text)
                asked += 1
        web.close()
    assert asked > 20
    assert caplog.records == []


@on_sqlite
def test_name__that_is_too_long_for_a_note_is_refused_where_it_is_made(web: Web) -> None:
    found = problem(web.post("/v1/orders", order(f"{LONGEST}9", shop=SHOP), "service"),
                    422, "invalid_values")
    assert [(fault["pointer"], fault["code"]) for fault in found["errors"]] == [
        ("/shop", "name_too_long")]


def _notes(web: Web) -> list[tuple[Any, ...]]:
    web.close()  # notes are written after the answers
    held = [json.loads(one.payload) for one in web.edge.open().store.read("main" + SUFFIX)
            if one.type == "reads.evidence_shown.v1"]
    return [(one["route"], one["query"], one["about_subject"]) for one in held]
