"""Refused attempts in sentences: in the words of the rule, without what is not recorded."""

import re
from typing import Any

import pytest

from api.console.sentences import sentence
from ledger.common.errors import Invalid
from tests.support import source

RAW = re.compile(r"[a-z]+_[a-z]+|\b(order|case|member|deduction|sku):[0-9a-z]|\{|\}")


def refused(code: str, **more: Any) -> dict[str, Any]:
    """A refused attempt, as the trail shows it."""
    return {"type": "command.refused.v1", "stream": "command:1", "actor": "member:7f3a",
            "payload": {"command": "order.sell", "rule": "R-STK-01", "code": code, **more}}


def test_refused__says_why_in_the_words_of_the_rule() -> None:
    said = sentence(refused("proposer_decides", subjects=["deduction:2609-5"], details={
        "actor": "member:0a47", "deduction": "deduction:2609-5"}))
    assert said == ("Refused: member 0a47 proposed deduction 2609-5, and somebody else has to "
                    "decide it, deduction 2609-5, rule R-STK-01")


def test_refused__takes_from_its_subjects_what_is_not_recorded() -> None:
    said = sentence(refused(
        "out_of_stock", subjects=["order:taobao:pine:7", "policy:book", "sku:QM-002"],
        details={"wanted": 3, "available": 2}))
    assert said.endswith("3 pieces are wanted, but only 2 can be taken, order 7, SKU QM-002, "
                         "rule R-STK-01")


def test_refused__in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert sentence(refused("out_of_stock", details={"wanted": 3, "available": 2})).endswith(
        "需要 3 件，只能取 2 件，规则 R-STK-01")


def test_refused__for_a_reason_that_is_not_known_any_more() -> None:
    assert sentence(refused("gone")) == "Refused, rule R-STK-01"


@pytest.mark.parametrize("language", ["en_US.UTF-8", "zh_CN.UTF-8"])
def test_refused__for_any_rule_shows_no_code(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", language)
    source.check(f"{error.code}: {said}" for error in source.errors()
                 if not issubclass(error, Invalid)  # it is about one request, and not recorded
                 for said in [sentence(refused(error.code))]
                 if RAW.search(said.replace("order.sell", "")))


def test_refusals__that_are_counted_say_how_many() -> None:
    assert sentence({"type": "command.refusals_counted.v1", "payload": {
        "rule": "R-STK-01", "code": "out_of_stock", "count": 31}}) == (
            "Refused 31 more times, rule R-STK-01")
