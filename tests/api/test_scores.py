"""Deductions and months over HTTP: who may, on what was seen, and what a member sees of others."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from ledger.common.days import first_day, month_of
from ledger.log.store import SUFFIX
from ledger.scores.commands import GradeMember
from projections.asking.names import FILTERS
from projections.asking.sorting import orders_of
from tests.conftest import on_sqlite
from tests.support.days import day_of
from tests.support.team import graders
from tests.support.web import Web, problem

NOW = datetime.now(UTC)
MONTH = month_of(day_of(datetime.fromisoformat(f"{day_of(NOW)[:7]}-01T00:00:00+08:00")
                        - timedelta(days=1)))
"""The month that is over."""

DAY, JOINED = f"{MONTH}-03", "2026-01-01"
POSTS = {"service": "customer_service", "member": "customer_service",
         "manager": "shop_manager", "reviewer": "appraisal_committee",
         "warehouse-head": "appraisal_committee"}
RULES = [
    {"code": "RANGE", "posts": ["customer_service"], "zh": "慢", "en": "late", "per": "occurrence",
     "charges": {"offender": ["1", "3"], "supervisor": ["2", "2"]}},
    {"code": "ALL", "posts": ["customer_service"], "zh": "全", "en": "all", "per": "occurrence",
     "charges": {"all_of_post": ["1", "1"]}}]
ONE = "/v1/deductions/deduction:1"
PROPOSED = {"number": "1", "rule": "RANGE", "about": f"day:{DAY}", "evidence": [1],
            "breached_at": f"{DAY}T12:00:00+08:00", "offender": "member:service"}
POINTS = {"points": {"offender": "2"}}


def items(web: Web, path: str, role: str = "manager") -> list[dict[str, Any]]:
    """The items of a list."""
    answer = web.get(path, role)
    assert answer.json is not None, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def seen(web: Web, path: str = ONE, role: str = "manager") -> str:
    """The ETag of what is read."""
    found = web.get(path, role).headers["ETag"]
    assert isinstance(found, str)
    return found


@pytest.fixture
def shop(web: Web) -> Web:
    """Five people with keys, and two rules."""
    web.done("/v1/policies", {"policy": {"title": "ours", "sections": {"rules": RULES}},
                              "effective_from": JOINED}, "admin")
    for who, post in POSTS.items():
        member = f"member:{who}"
        web.done("/v1/members", {"member": member, "joined_on": JOINED}, "admin")
        web.done("/v1/post-terms", {"member": member, "post": post, "since": JOINED}, "admin")
    for who in ("service", "member"):
        web.done(f"/v1/members/member:{who}/supervisors",
                 {"supervisor": "member:manager", "since": JOINED}, "admin")
    return web


@pytest.fixture
def charged(shop: Web) -> Web:
    """The agent of customer service is charged 2 points, and so is the manager."""
    made = shop.post("/v1/deductions", PROPOSED, "warehouse")
    assert (made.status_code, made.headers["Location"]) == (201, ONE)
    shop.done(f"{ONE}/confirmations", POINTS, "reviewer", If_Match=made.headers["ETag"])
    return shop


def grade(web: Web) -> None:
    """Everybody gets 90, except for the committee, which is not scored."""
    for actor, step in graders(MONTH, posts={f"member:{who}": post for who, post in POSTS.items()}):
        assert isinstance(step, GradeMember)
        web.done("/v1/grades", {
            "member": step.member, "month": step.month, "post": step.post, "sheet": step.sheet,
            "grades": step.grades}, actor.removeprefix("member:"))


# -- decisions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["deductions", "appeals", "decisions"])
def test_deductions__tell_by_no_filter_and_no_order_what_is_not_shown(
    charged: Web, path: str
) -> None:
    """R-ACC-13. Whoever sees only their own gets the same rows, and of each the same part, however
    they ask; the manager is charged too, and nothing of that is found by asking for it."""
    charged.done(f"{ONE}/appeals", {"reason": "no"}, "service")
    own = items(charged, f"/v1/{path}", "service")
    assert own
    others = items(charged, f"/v1/{path}", "member")
    assert others == []
    for field in FILTERS[path]:
        for text in ("member:manager", "member:service", "RANGE", "confirmed", "appealed",
                     f"day:{DAY}"):
            for role, there in (("service", own), ("member", [])):
                answer = charged.get(f"/v1/{path}?{field}={text}", role)
                if answer.status_code == 400:
                    continue
                found = (answer.json or {})["items"]
                assert all(one in there for one in found), (field, text)
                if text == "member:manager":
                    assert found == [], field
    for word in orders_of(path):
        for role, there in (("service", own), ("member", [])):
            following: str | None = f"/v1/{path}?sort={word}&limit=1"
            seen_rows = []
            while following:
                page = charged.get(following, role).json or {}
                seen_rows += page["items"]
                following = page["next"]
            assert sorted(map(repr, seen_rows)) == sorted(map(repr, there)), word


def test_deduction__proposed_confirmed_appealed_and_overturned(charged: Web) -> None:
    (row,) = items(charged, f"/v1/deductions?month={MONTH}")
    assert (row["state"], row["points"], row["proposed_by"]) == (
        "confirmed", "4", "member:warehouse")
    problem(charged.post(f"{ONE}/appeals", {"reason": "no"}, "member"), 422, "not_charged")
    charged.done(f"{ONE}/acknowledgements", {}, "service")
    charged.done(f"{ONE}/appeals", {"reason": "I was at the telephone"}, "service")
    body = {"member": "member:service", "reason": "that is so"}
    problem(charged.post(f"{ONE}/overturns", body, "reviewer", If_Match=seen(charged)), 422,
            "third_person_needed")
    problem(charged.post(f"{ONE}/overturns", body, "service", If_Match='"1"'), 403, "forbidden")
    charged.tokens["third", "main"] = charged.token("reviewer", owner="member:warehouse-head")
    charged.done(f"{ONE}/overturns", body, "third", If_Match=seen(charged))
    assert items(charged, "/v1/deductions")[0]["state"] == "overturned"
    assert [row["what"] for row in items(charged, "/v1/decisions?sort=at")] == [
        "proposed", "confirmed", "acknowledged", "appealed", "overturned"]


def test_deduction__rejected_to_be_decided_on_what_was_not_seen(shop: Web) -> None:
    shop.done("/v1/deductions", PROPOSED, "warehouse")
    path = f"{ONE}/confirmations"
    problem(shop.post(path, POINTS, "reviewer"), 428, "precondition_required")
    problem(shop.post(path, POINTS, "reviewer", If_Match='"7"'), 412, "stale_version")
    body = problem(shop.post(path, {"points": {"offender": "9"}}, "reviewer", If_Match='"1"'), 422,
                   "points_out_of_range")
    assert body["rule"] == "R-DED-06"
    problem(shop.post(path, POINTS, "service", If_Match='"1"'), 403, "forbidden")


def test_deduction__is_decided_now_whatever_date_is_given(shop: Web) -> None:
    shop.done("/v1/deductions", PROPOSED, "warehouse")
    shop.done(f"{ONE}/confirmations", {**POINTS, "occurred_at": f"{DAY}T12:00:00+08:00"},
              "reviewer", If_Match='"1"')
    (row,) = items(shop, "/v1/deductions")
    assert row["appeal_until"] >= day_of(NOW + timedelta(days=7))


@on_sqlite
def test_refusal__is_on_record_with_its_rule(shop: Web) -> None:
    problem(shop.post("/v1/deductions", {**PROPOSED, "rule": "NONE"}, "warehouse"), 422,
            "rule_unknown")
    (row,) = items(shop, "/v1/audit?type=command.refused.v1", "auditor")
    assert (row["payload"]["command"], row["payload"]["rule"]) == ("deduction.propose", "R-DED-01")


# -- what a member sees ---------------------------------------------------------------------------


@on_sqlite
def test_member__sees_of_a_deduction_his_own_share_alone(charged: Web) -> None:
    whole = {**PROPOSED, "number": "2", "rule": "ALL", "offender": None}
    charged.done("/v1/deductions", {name: value for name, value in whole.items()
                                    if value is not None}, "warehouse")
    charged.done("/v1/deductions/deduction:2/confirmations", {}, "reviewer", If_Match='"1"')

    (row,) = items(charged, "/v1/deductions", "member")
    assert (row["deduction"], row["points"]) == ("deduction:2", "1")
    assert [share["member"] for share in row["shares"]] == ["member:member"]
    assert len(items(charged, "/v1/deductions", "auditor")[1]["shares"]) == 2
    problem(charged.get(ONE, "member"), 404, "nothing_recorded")
    assert charged.get(ONE, "service").status_code == 200
    for path in (f"{ONE}/history", "/v1/months", "/v1/audit"):
        problem(charged.get(path, "service"), 403, "forbidden")
    assert items(charged, f"/v1/grading?month={MONTH}", "service") == []
    problem(charged.get(f"/v1/scores/member:service/explain?month={MONTH}", "member"), 404,
            "nothing_recorded")


@on_sqlite
def test_reading__of_staff_records_is_noted(charged: Web) -> None:
    for path in ("/v1/deductions", ONE, f"{ONE}/history", f"/v1/scores?month={MONTH}",
                 f"/v1/scores/member:service/explain?month={MONTH}", "/v1/months",
                 f"/v1/grading?month={MONTH}", f"/v1/months/{MONTH}/scores.xlsx"):
        assert charged.get(path, "auditor").status_code == 200, path
    noted = [entry.actor for entry in charged.edge.store.read("main" + SUFFIX)
             if entry.type == "reading.noted.v1"]
    assert noted.count("member:auditor") == 8


# -- months ---------------------------------------------------------------------------------------


def test_month__graded_sealed_explained_and_reopened(charged: Web) -> None:
    grade(charged)
    table = charged.get(f"/v1/scores?month={MONTH}").json
    assert table is not None
    assert (table["as_of"]["month"], table["as_of"]["state"]) == (MONTH, "open")
    seals = f"/v1/months/{MONTH}/seals"
    body = problem(charged.post(seals, {"digest": "0" * 64}), 422, "figures_changed")
    assert table["as_of"]["digest"] in body["detail"]
    charged.done(seals, {"digest": table["as_of"]["digest"]})
    problem(charged.post(seals, {}, "reviewer"), 403, "forbidden")
    problem(charged.post(seals, {}), 422, "month_sealed")

    rows = {row["member"]: row for row in items(charged, "/v1/scores")}
    assert (rows["member:service"]["score"], rows["member:service"]["sealed"]) == ("88", True)
    for row in rows.values():
        assert Decimal(row["score"]) == Decimal("0.75") * Decimal(row["committee"]) + Decimal(
            "0.25") * Decimal(row["second"]) + Decimal(row["bonus"]) - Decimal(row["deductions"])
    assert [row["member"] for row in items(charged, "/v1/scores", "member")] == ["member:member"]
    assert [row["member"] for row in items(charged, "/v1/scores?post=shop_manager")] == [
        "member:manager"]
    charged.done(f"/v1/months/{MONTH}/reopenings", {"reason": "a slip"})
    charged.done(seals, {})
    assert [row["what"] for row in items(charged, "/v1/months")] == ["sealed", "reopened", "sealed"]
    assert len(items(charged, "/v1/score-history")) == 3


@on_sqlite
def test_month__is_explained_and_a_workbook(charged: Web) -> None:
    grade(charged)
    charged.done(f"/v1/months/{MONTH}/seals", {})
    explained = charged.get(f"/v1/scores/member:service/explain?month={MONTH}", "service").json
    assert explained is not None
    (post,) = explained["item"]["posts"]
    sum_ = sum(Decimal(term["factor"]) * Decimal(term["value"]) for term in post["terms"])
    assert sum_ == Decimal(post["score"]) == 88

    raw = charged.get(f"/v1/months/{MONTH}/scores.xlsx", "finance")
    book = CalamineWorkbook.from_filelike(io.BytesIO(raw.data))
    assert book.sheet_names == ["scores", "deductions", "appeals", "closings", "as of", "columns"]
    head, *rows = book.get_sheet_by_name("scores").to_python()
    assert {row[head.index("Member")]: row[head.index("Score")] for row in rows} == {
        "member:manager": 88.0, "member:member": 90.0, "member:service": 88.0}
    assert charged.get("/v1/months/2026-13/scores.xlsx").status_code == 400


@on_sqlite
def test_grading__shows_what_is_graded_and_the_breaches(charged: Web) -> None:
    grade(charged)
    rows = items(charged, f"/v1/grading?month={MONTH}&post=customer_service", "reviewer")
    assert [(row["member"], row["item"], row["committee"], row["second"]) for row in rows] == [
        (f"member:{who}", "work/1", "90", "90") for who in ("member", "service")]
    assert first_day(MONTH) <= DAY
