"""Formulas over HTTP: for who reads evidence, each reading noted, and worked out again by a client.
"""

from decimal import Decimal
from typing import Any

import pytest

from ledger.common.decoding import any_json
from ledger.log.store import SUFFIX
from projections.explaining.formulas import evaluated, number_at
from tests.support.bodies import at, order, stocked
from tests.support.web import Web

AVAILABLE = "/v1/explanations/inventory?subject=stock:main:SH-001&figure=available"


@pytest.fixture
def sold(web: Web) -> Web:
    """A shop with an order that is paid."""
    stocked(web)
    web.done("/v1/sales", order(warehouse="main"), "service")
    web.done(f"{at()}/payments", {"amount_minor": 4990, "reference": "p"}, "finance")
    return web


def asked(web: Web, address: str) -> dict[str, Any]:
    """An answer."""
    answer = web.get(address, "auditor")
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def test_explain__is_worked_out_again_by_who_reads_the_events(sold: Web) -> None:
    """R-PRJ-43"""
    said = {entry.position: any_json(entry.payload) for entry in sold.edge.store.read("main")}
    rows = asked(sold, AVAILABLE)["items"]
    (level,) = asked(sold, "/v1/inventory/stock:main:SH-001")["items"]
    value = evaluated(rows, lambda position, pointer: number_at(said[position], pointer))
    assert value == Decimal(rows[0]["reported"]) == level["available"]
    assert {row["figure"] for row in asked(
        sold, "/v1/explanations/orders?channel=taobao")["items"]} == {
            "total_minor", "paid_minor", "refunded_minor"}


def test_explain__of_a_subject_is_that_of_its_report_to_so_many_levels(sold: Web) -> None:
    all_steps = asked(sold, AVAILABLE)["items"]
    of_subject = "/v1/explanations/stock:main:SH-001?figure=available"
    assert asked(sold, of_subject)["items"] == all_steps
    (top,) = asked(sold, f"{of_subject}&depth=1")["items"]
    assert top == all_steps[0]


def test_explain__of_the_past(sold: Web) -> None:
    head = sold.edge.store.head("main").position
    address = "/v1/explanations/reconciliation?figure=paid_minor"
    (now, *_), (then, *_) = (asked(sold, f"{address}&position={position}")["items"]
                             for position in (head, head - 1))
    assert (now["value"], then["value"]) == ("4990", "0")


def test_explain__is_evidence_and_noted(sold: Web) -> None:
    assert sold.get(AVAILABLE, "service").status_code == 403
    before = sold.edge.store.head(f"main{SUFFIX}").position
    asked(sold, AVAILABLE)
    assert sold.edge.store.head(f"main{SUFFIX}").position > before


@pytest.mark.parametrize(("address", "code", "said"), [
    ("/v1/explanations/staff", "not_explained", "reconciliation"),
    ("/v1/explanations/inventory?figure=none", "unknown_figure", "available"),
    ("/v1/explanations/inventory?by=day", "not_understood", "/query/by"),
    ("/v1/explanations/inventory?from=2026-09-01", "not_understood", "/query/from"),
    ("/v1/explanations/stock-card", "subject_needed", "sku:"),
    ("/v1/explanations/inventory?position=99999", "position_beyond_head", "99999")])
def test_explain__says_what_cannot_be_asked(
    sold: Web, address: str, code: str, said: str
) -> None:
    answer = sold.get(address, "auditor")
    assert (answer.json or {})["code"] == code, answer.text
    assert said in answer.text
