"""A history on trial over HTTP: for who reads evidence, and each reading is noted."""

from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from ledger.log.store import SUFFIX
from tests.support.bodies import at, order, stocked
from tests.support.builders import stream
from tests.support.web import Web, problem

KINDS = ("steps", "facts", "differences", "turns?condition=paid_minor>0")


def address(what: str, subject: str = stream()) -> str:
    """Where something is asked of a subject."""
    return f"/v1/subjects/{quote(subject, safe=':')}/{what}"


@pytest.fixture
def paid(web: Web) -> int:
    """An order that is paid, and the position of the payment."""
    stocked(web)
    web.done("/v1/sales", order(warehouse="main"), "service")
    return int(web.done(f"{at()}/payments", {"amount_minor": 4990, "reference": "p"}, "finance")[
        "positions"][-1])


def asked(web: Web, what: str, **more: Any) -> dict[str, Any]:
    """An answer."""
    answer = web.get(address(what, **more), "auditor")
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def test_steps__come_in_pages_that_add_up(web: Web, paid: int) -> None:
    whole = asked(web, "steps")
    assert {"field": "payment_status", "before": "unpaid", "after": "paid"} in next(
        one for one in whole["items"] if one["position"] == paid)["changes"]
    found, here = [], address("steps?limit=1")
    while here:
        page = web.get(here, "auditor").json or {}
        found += page["items"]
        here = page["next"]
    assert found == whole["items"]


def test_facts_turns_and_differences__name_the_event(web: Web, paid: int) -> None:
    (due,) = asked(web, "facts?field=paid_minor")["items"]
    assert (due["value"], due["position"]) == (4990, paid)
    (turn,) = asked(web, "turns?condition=paid_minor%3E%3D4990")["items"]
    assert (turn["position"], turn["holds"]) == (paid, True)
    found = asked(web, f"differences?positions={paid - 1}..{paid}")
    assert {"field": "paid_minor", "before": 0, "after": 4990, "because": [paid]} in found["items"]
    assert found["as_of"]["before"]["position"] == paid - 1
    without = asked(web, f"differences?without={paid}")
    assert {"field": "paid_minor", "before": 4990, "after": 0, "because": [paid]} in without[
        "items"]
    assert str(paid) in without["as_of"]["notes"][-1]


def test_event__is_shown_with_its_leaf(web: Web, paid: int) -> None:
    item = (web.get(f"/v1/events/{paid}", "auditor").json or {})["item"]
    assert (item["position"], item["type"]) == (paid, "order.paid.v1")
    for nowhere in ("x", "-1", "1" * 20):
        problem(web.get(f"/v1/events/{nowhere}", "auditor"), 404, "not_found")
    problem(web.get("/v1/events/999999", "auditor"), 404, "position_beyond_head")


@pytest.mark.parametrize("what", KINDS)
def test_reading__is_for_evidence_and_noted(web: Web, paid: int, what: str) -> None:
    problem(web.get(address(what), "service"), 403, "forbidden")
    before = web.edge.store.head("main" + SUFFIX).position
    assert web.get(address(what), "auditor").status_code == 200
    assert b"reading.noted.v1" in b" ".join(
        one.type.encode() for one in web.edge.store.read("main" + SUFFIX, after=before))
    problem(web.get(address(what, "order:a:b:c"), "auditor"), 404, "nothing_recorded")


@pytest.mark.parametrize(("what", "status", "code"), [
    ("steps?without=x", 400, "not_understood"), ("steps?without=", 400, "not_understood"),
    ("steps?without=1", 404, "not_among_them"), ("steps?positions=1..2", 400, "not_understood"),
    ("facts?field=price", 404, "unknown_fact"), ("turns", 400, "not_understood"),
    ("turns?condition==", 400, "bad_condition"),
    ("differences?positions=3", 400, "bad_span"),
    ("differences?positions=1..2&recorded=..", 422, "two_recordings"),
])
def test_question__rejected(web: Web, paid: int, what: str, status: int, code: str) -> None:
    answer = web.get(address(what), "auditor")
    assert (answer.status_code, (answer.json or {})["code"]) == (status, code), answer.text


def test_subject_of_another_ledger__is_not_there(web: Web, paid: int) -> None:
    web.ledger("other")
    for what in KINDS:
        assert web.get(address(what), "auditor", "other").status_code == 404


def suppose(
    web: Web, body: Any, role: str = "auditor", subject: str = stream(), what: str = "hypothesis"
) -> Any:
    """What a hypothesis is answered."""
    return web.post(address(what, subject), body, role)


def test_what_if__over_http_says_what_would_differ_and_records_nothing(
    web: Web, paid: int
) -> None:
    head = web.edge.store.head("main")
    refund = {"command": "order.refund", "order": stream(), "amount_minor": 990.0,
              "reference": "r"}
    answer = suppose(web, {"commands": [refund]})
    assert answer.status_code == 200, answer.text
    found = answer.json or {}
    assert {"field": "refunded_minor", "before": 0, "after": 990,
            "because": [head.position + 1]} in found["items"]
    assert [one["type"] for one in found["as_of"]["supposed"]] == ["order.refund_recorded.v1"]
    assert "with order.refund" in found["as_of"]["notes"][-1]
    without = suppose(web, {"without": [paid]}).json or {}
    assert without == asked(web, f"differences?without={paid}")
    assert web.edge.store.head("main") == head
    then = suppose(web, {"commands": [refund], "position": paid}).json or {}
    assert (then["as_of"]["position"], then["as_of"]["open"]) == (paid, False)


@pytest.mark.parametrize("what", ["hypothesis", "hypothesis/steps"])
def test_what_if__over_http_is_for_evidence_and_noted(web: Web, paid: int, what: str) -> None:
    problem(suppose(web, {"without": [paid]}, "service", what=what), 403, "forbidden")
    before = web.edge.store.head("main" + SUFFIX).position
    assert suppose(web, {"without": [paid]}, what=what).status_code == 200
    assert f"/v1/subjects/<subject>/{what}".encode() in b" ".join(
        one.payload for one in web.edge.store.read("main" + SUFFIX, after=before))


def test_what_if__over_http_also_comes_step_by_step(web: Web, paid: int) -> None:
    refund = {"command": "order.refund", "order": stream(), "amount_minor": 990, "reference": "r"}
    head = web.edge.store.head("main")
    *steps, last = (suppose(web, {"commands": [refund]}, what="hypothesis/steps").json or {})[
        "items"]
    assert steps == asked(web, "steps")["items"]
    assert last["type"] == "order.refund_recorded.v1"
    assert {"field": "refunded_minor", "before": 0, "after": 990} in last["changes"]
    without = suppose(web, {"without": [paid]}, what="hypothesis/steps").json
    assert without == asked(web, f"steps?without={paid}") | {"next": None}
    assert web.edge.store.head("main") == head


@pytest.mark.parametrize("what", ["hypothesis", "hypothesis/steps"])
@pytest.mark.parametrize(("body", "status", "code"), [
    ({}, 422, "nothing_supposed"), ({"without": [1]}, 404, "not_among_them"),
    ({"commands": [{}]}, 422, "bad_supposition"),
    ({"commands": [{"command": ["order.pay"]}]}, 422, "bad_supposition"),
    ({"without": ["1"]}, 422, "invalid_values"),
    ({"commands": ["x"]}, 422, "invalid_values"), ({"colour": 1}, 422, "invalid_values"),
    ({"policy": 7}, 404, "version_unknown"), ({"without": [True]}, 422, "invalid_values"),
    ({"policy": 1, "position": 2**40}, 404, "position_beyond_head"),
    ({"policy": 1, "recorded_as_of": "yesterday"}, 400, "bad_time"),
    ({"commands": [{"command": "order.refund", "order": stream(), "amount_minor": 4991,
                    "reference": "r"}]}, 422, "refund_exceeds_payment"),
])
def test_what_if__over_http_rejected(
    web: Web, paid: int, body: Any, status: int, code: str, what: str
) -> None:
    answer = suppose(web, body, what=what)
    assert (answer.status_code, (answer.json or {})["code"]) == (status, code), answer.text


def test_what_if__over_http_rejected_about_nothing(web: Web, paid: int) -> None:
    problem(suppose(web, {"without": [paid]}, subject="order:a:b:c"), 404, "nothing_recorded")


def test_diff__of_the_whole_ledger_comes_in_pages(web: Web, paid: int) -> None:
    here, rows = f"/v1/differences?positions={paid - 1}..&limit=1", []
    while here:
        page = web.get(here, "auditor").json or {}
        assert page["as_of"]["before"]["position"] == paid - 1
        rows += page["items"]
        here = page["next"]
    (row,) = (one for one in rows if one["subject"] == stream())
    assert row["differences"] == asked(web, f"differences?positions={paid - 1}..")["items"]
    problem(web.get("/v1/differences?positions=1..", "service"), 403, "forbidden")
    problem(web.get("/v1/differences?cursor=x", "auditor"), 400, "bad_cursor")
    problem(web.get("/v1/differences?positions=1..&occurred=2026-01-01..2026-01-02", "auditor"),
            400, "one_time_for_all")


def test_diff__of_the_whole_ledger_is_noted(web: Web, paid: int) -> None:
    before = web.edge.store.head("main" + SUFFIX).position
    assert web.get("/v1/differences?recorded=2026-01-01..", "auditor").status_code == 200
    assert b"/v1/differences" in b" ".join(
        one.payload for one in web.edge.store.read("main" + SUFFIX, after=before))


def test_blame__every_history_marks_what_was_known_late(web: Web, paid: int) -> None:
    """The trail, an order's and an account's history, the steps, one event: each says of each event
    whether it was recorded on a later day of the shop than it happened."""
    web.done(f"{at()}/remarks", {"remark": "x", "occurred_at": "2026-01-02T03:04:05Z"}, "service")
    late: dict[int, bool] = {}
    for where in ("/v1/audit?sort=position", f"/v1/orders/{quote(stream(), safe=':')}/history",
                  "/v1/stock/stock:main:SH-001/history", address("steps")):
        answer = web.get(where, "auditor")
        assert answer.status_code == 200, (where, answer.text)
        for row in (answer.json or {})["items"]:
            days = [datetime.fromisoformat(row[name]).astimezone(ZoneInfo("Asia/Shanghai")).date()
                    for name in ("occurred_at", "recorded_at")]
            assert row["late"] == (days[0] < days[1]), (where, row)
            assert late.setdefault(row["position"], row["late"]) == row["late"]
    assert True in late.values()
    position = max(late)
    item = (web.get(f"/v1/events/{position}", "auditor").json or {})["item"]
    assert item["late"] == late[position]


def test_news__are_what_was_recorded_after_a_position(web: Web, paid: int) -> None:
    """What has changed since an answer is one question, of a subject and of the whole ledger; it
    comes in pages that add up, in either order, and as a file."""
    web.done(f"{at()}/remarks", {"remark": "x"}, "service")
    subject = quote(stream(), safe="")
    for where, sort in ((address("steps?"), ""), ("/v1/audit?", "&sort=position"),
                         ("/v1/audit?", "&sort=-position"),
                         (f"/v1/audit?subject={subject}", "&sort=position"),
                         (f"/v1/audit?subject={subject}", "&sort=-position")):
        every = (web.get(f"{where}&limit=500{sort}", "auditor").json or {})["items"]
        new = [one for one in every if one["position"] > paid]
        assert 0 < len(new) < len(every)
        found, here = [], f"{where}&limit=1&after={paid}{sort}"
        while here:
            page = web.get(here, "auditor")
            assert page.status_code == 200, (here, page.text)
            found += (page.json or {})["items"]
            here = (page.json or {})["next"]
        assert found == new, where
        last = max(one["position"] for one in every)
        assert (web.get(f"{where}&after={last}{sort}", "auditor").json or {})["items"] == []
        assert web.get(f"{where}&after=-1{sort}", "auditor").status_code == 400
    lines = web.get(f"/v1/audit?after={paid}&format=ndjson", "auditor").text.splitlines()
    assert len(lines) == len(web.edge.store.read("main", after=paid)) + 1
