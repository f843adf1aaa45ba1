"""The page of each error says what happened and what to do, in both languages."""

import re
from html import unescape

import pytest

from api.http.answers import kinds
from api.http.edge_errors import EDGE
from api.http.remedies import remedy_of
from ledger.common.errors import LedgerError
from tests.support import docs, messages
from tests.support.web import Web


def answered() -> list[type[LedgerError]]:
    """The kinds of errors that there are, without those of tests."""
    return [kind for kind in kinds() if not kind.__module__.startswith("tests.")]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page__of_every_error_says_what_to_do(web: Web, language: str) -> None:
    codes = {*EDGE, *(kind.code for kind in answered())}
    for code in codes:
        answer = web.client.get(f"/v1/problems/{code}", headers={"Accept-Language": language})
        assert (answer.status_code, answer.headers["Content-Language"]) == (200, language), code
        assert "Accept-Language" in answer.headers["Vary"]
        said = unescape(answer.text)
        assert ("处理办法" if language == "zh" else "What to do") in said
        assert f"<h1><code>{code}</code></h1>" in said


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page__says_what_the_rule_says(web: Web, language: str) -> None:
    says, known = docs.rules(), messages.catalogue()
    for kind in answered():
        said = unescape(web.client.get(f"/v1/problems/{kind.code}",
                                       headers={"Accept-Language": language}).text)
        if kind.rule:
            text = says[kind.rule]
            wanted = known[text] if language == "zh" else text
            assert f"{kind.rule}: {wanted}</dd>" in said
            assert (language == "zh") == bool(re.search("[一-鿿]", wanted))
    said = web.client.get("/v1/problems/past_busy").text
    assert "R-PRJ-34" in said
    assert "503 Service Unavailable" in said


def test_remedy__of_a_status_that_has_none_is_that_of_its_hundred() -> None:
    assert remedy_of(405) == remedy_of(400)
    assert remedy_of(501) == remedy_of(500)
