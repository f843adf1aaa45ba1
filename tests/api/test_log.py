"""The trail over HTTP: the newest first, of some days, in pages that never shift."""

from typing import Any
from urllib.parse import urlencode

import pytest

from ledger.common.values import from_us
from tests.conftest import on_sqlite
from tests.support.bodies import at, order, stocked
from tests.support.builders import stream
from tests.support.days import day_of
from tests.support.web import Web, problem

NEWEST, OLDEST = "-position", "position"


def shop(web: Web) -> None:
    """Some events, refusals among them."""
    stocked(web)
    for number in range(5):
        web.done("/v1/orders", order(number))
        problem(web.post(f"{at('none')}/payments", {"amount_minor": 1}), 404, "order_unknown")


def read(web: Web, path: str, meanwhile: bool = False, **asked: Any) -> list[int]:
    """The positions of all pages; `meanwhile` something is recorded between two."""
    found, following = [], f"/v1/{path}?{urlencode(asked)}"
    while following:
        answer = web.get(following, "auditor")
        assert answer.status_code == 200, answer.text
        found += [row["position"] for row in (answer.json or {})["items"]]
        following = (answer.json or {})["next"]
        if meanwhile:
            web.done("/v1/orders", order(f"late-{asked['limit']}-{len(found)}"))
    return found


@pytest.mark.parametrize("path", ["audit", "refusals"])
def test_trail__comes_newest_first_in_pages_that_never_shift(web: Web, path: str) -> None:
    shop(web)
    everything = read(web, path, sort=OLDEST, limit=500)
    assert everything == sorted(everything)
    assert len(everything) >= 5
    for limit in (1, 2, 3, 500):
        assert read(web, path, limit=limit) == everything[::-1]
        assert read(web, path, limit=limit, sort=NEWEST) == everything[::-1]
        assert read(web, path, limit=limit, sort=OLDEST) == everything
    assert read(web, path, meanwhile=True, limit=2) == everything[::-1]
    after = read(web, path, meanwhile=True, limit=3, sort=OLDEST)
    assert after[:len(everything)] == everything


def test_trail__of_a_subject_comes_in_either_order(web: Web) -> None:
    shop(web)
    for text in ("a", "b"):
        web.done(f"{at('1')}/remarks", {"remark": text})
    for about in ("sku:SH-001", "stock:main:SH-001", stream("1")):
        oldest = read(web, "audit", subject=about, sort=OLDEST, limit=1)
        assert oldest
        assert oldest == sorted(oldest)
        for limit in (1, 2, 500):
            assert read(web, "audit", subject=about, limit=limit) == oldest[::-1]


def test_trail__is_of_the_days_on_which_it_was_recorded(web: Web) -> None:
    shop(web)
    entries = web.edge.store.read("main")
    days = sorted({day_of(from_us(one.recorded_at)) for one in entries})
    everything = read(web, "audit", sort=OLDEST)
    assert read(web, "audit", sort=OLDEST, **{"from": days[0], "to": days[-1]}) == everything
    assert read(web, "audit", to="2020-01-01") == []
    assert read(web, "audit", **{"from": "2999-01-01"}) == []
    assert read(web, "refusals", **{"from": days[0]}) == read(web, "refusals")
    assert read(web, "refusals", to="2020-01-01") == []


@on_sqlite
@pytest.mark.parametrize(("query", "status", "code"), [
    ("from=2026-09-02&to=2026-09-01", 422, "period_reversed"), ("to=2026-02-30", 400, "day_needed"),
    ("sort=actor", 400, "not_understood"), ("sort=", 400, "not_understood")])
def test_trail__rejected_for_what_is_no_day_or_order(
    web: Web, query: str, status: int, code: str
) -> None:
    """R-PRJ-12, R-PRJ-28."""
    for path in ("audit", "refusals"):
        problem(web.get(f"/v1/{path}?{query}", "auditor"), status, code)


@on_sqlite
def test_trail__is_exported_in_the_order_of_the_log_or_against_it(web: Web) -> None:
    shop(web)

    def exported(query: str) -> list[Any]:
        return [line.split(",")[0] for line in web.get(
            f"/v1/audit?format=csv{query}", "auditor").text.splitlines()[1:]]

    oldest = [str(one) for one in read(web, "audit", sort=OLDEST)]
    assert exported("") == exported("&sort=position") == oldest
    assert exported("&sort=-position") == oldest[::-1]
    closing = [web.get(f"/v1/audit?format=ndjson&sort={sort}", "auditor").text.splitlines()[-1]
               for sort in (NEWEST, OLDEST)]
    assert all(f'"position":{oldest[-1]}' in one for one in closing)
