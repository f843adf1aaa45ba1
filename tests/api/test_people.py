"""People over HTTP: who may tell what, who sees whom, and any day as of both clocks."""

from typing import Any

import pytest

from ledger.log.store import SUFFIX
from tests.conftest import on_sqlite
from tests.support.builders import CONTEXT
from tests.support.team import JOINED, printed
from tests.support.web import Web, problem

MONDAY, TUESDAY, MONTH = "2026-09-07", "2026-09-08", "2026-09"
FAR = ["2099-01-05", "2099-01-06"]
STAFF = ("manager", "service", "member", "warehouse-head", "reviewer")
EARLY = {"name": "early", "start": "09:00", "end": "16:30", "members": ["member:service"]}
LATE = {"name": "late", "start": "16:00", "end": "24:00", "members": ["member:member"]}


def when(day: str) -> str:
    """Noon of a day."""
    return f"{day}T12:00:00+08:00"


def one(who: str) -> str:
    """The address of a member."""
    return f"/v1/members/member:{who}"


def items(web: Web, path: str, role: str = "manager") -> list[dict[str, Any]]:
    """The items of a list."""
    answer = web.get(path, role)
    assert answer.json is not None, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found


@pytest.fixture
def team(web: Web) -> Web:
    """A shop where everybody has a key."""
    for command in printed("rules", "scorecards"):
        web.ledger().handle(command, CONTEXT)
    for who in STAFF:
        web.done("/v1/members", {"member": f"member:{who}", "joined_on": JOINED,
                                 "name": "王芳", "contact": "13800000000",
                                 "occurred_at": when(JOINED)}, "admin")
    for who in ("service", "member"):
        web.done(f"{one(who)}/supervisors", {"supervisor": "member:manager", "since": JOINED,
                                             "occurred_at": when(JOINED)})
    web.done("/v1/post-terms", {"member": "member:service", "post": "customer_service",
                                "since": JOINED, "occurred_at": when(JOINED)})
    web.done("/v1/rosters", {"roster": "customer_service", "since": JOINED,
                             "shifts": [EARLY, LATE], "occurred_at": when(JOINED)})
    return web


def test_people__told_and_seen_on_any_day(team: Web) -> None:
    joined = team.post("/v1/members", {"member": "member:new", "joined_on": MONDAY,
                                       "occurred_at": when(MONDAY)})
    assert joined.headers["Location"] == "/v1/members/member:new"
    team.done("/v1/covers", {"roster": "customer_service", "day": MONDAY, "shift": "early",
                             "absent": "member:service", "cover": "member:new",
                             "occurred_at": when(MONDAY)}, "warehouse_head")
    team.done(f"{one('member')}/attendance", {
        "day": MONDAY, "kind": "absent", "shift": "late", "occurred_at": when(TUESDAY)}, "manager")
    team.done(f"{one('service')}/hand-overs", {
        "day": MONDAY, "shift": "early", "note": "three parcels", "to_member": "member:member",
        "occurred_at": when(MONDAY)}, "service")
    team.done("/v1/post-term-ends", {"member": "member:service", "post": "customer_service",
                                     "until": MONDAY, "occurred_at": when(MONDAY)})
    team.done(f"{one('service')}/departures", {"last_day": TUESDAY, "occurred_at": when(TUESDAY)})

    (new,) = items(team, f"{one('new')}?day={MONDAY}")
    assert (new["here"], new["shifts"][0]["covers"]) == (True, "member:service")
    assert len(items(team, f"/v1/members?day={MONDAY}", "auditor")) == len(STAFF) + 1
    early, late = items(team, f"/v1/shifts?day={MONDAY}")
    assert (early["members"], early["covered"]) == (["member:new"], True)
    assert (late["end"], late["absent"], late["covered"]) == ("24:00", ["member:member"], False)
    assert items(team, f"/v1/shifts/roster:customer_service?day={MONDAY}") == [early, late]
    assert [row["shift"] for row in items(team, "/v1/rosters")] == ["early", "late"]
    (term,) = items(team, "/v1/posts/post:customer_service")
    assert term == {"post": "customer_service", "member": "member:service", "since": JOINED,
                    "until": MONDAY}
    assert items(team, f"/v1/posts?occurred_as_of={JOINED}")[0]["until"] is None
    (fact,) = items(team, f"/v1/attendance?month={MONTH}")
    assert (fact["kind"], fact["recorded_by"], fact["number"]) == ("absent", "member:manager", 1)
    team.done(f"{one('member')}/attendance-corrections", {
        "month": MONTH, "number": 1, "reason": "he was there"}, "manager")
    assert items(team, f"/v1/attendance/member:member?month={MONTH}")[0]["stands"] is False
    problem(team.get(f"{one('nobody')}"), 404, "nothing_recorded")


def test_leave__asked_approved_and_taken_back(team: Web) -> None:
    leaves = f"{one('service')}/leaves"
    asked = {"number": "L1", "days": FAR, "reason": "a wedding"}
    body = problem(team.post(leaves, asked, "member"), 422, "only_for_oneself")
    assert body["rule"] == "R-PPL-14"
    team.done(leaves, asked, "service")
    problem(team.post(f"{leaves}/L1/approvals", {}, "service"), 422, "own_presence")
    problem(team.post(f"{leaves}/L1/approvals", {}, "reviewer"), 422, "not_the_head")
    team.done(f"{leaves}/L1/approvals", {}, "manager")
    (row,) = items(team, "/v1/leaves?month=2099-01", "warehouse_head")
    assert (row["state"], row["decided_by"], row["days"]) == ("approved", "member:manager", FAR)
    assert row["reason"] == "a wedding"
    assert items(team, f"{one('service')}?day={FAR[0]}")[0]["on_leave"] is True
    problem(team.post(f"{leaves}/L1/withdrawals", {}, "member"), 422, "only_for_oneself")
    team.done(f"{leaves}/L1/withdrawals", {}, "service")
    team.done(leaves, {**asked, "number": "L2"}, "service")
    team.done(f"{leaves}/L2/refusals", {"reason": "stocktake"}, "manager")
    assert [row["state"] for row in items(team, "/v1/leaves/member:service?sort=asked_at")] == [
        "withdrawn", "refused"]


@on_sqlite
def test_leave__is_asked_for_now_whatever_is_told(team: Web) -> None:
    answer = team.post(f"{one('service')}/leaves", {
        "number": "L1", "days": ["2026-09-09"], "occurred_at": when("2026-09-01")}, "service")
    problem(answer, 422, "leave_too_late")


@on_sqlite
@pytest.mark.parametrize("path", ["/v1/members", "/v1/posts", f"/v1/attendance?month={MONTH}",
                                  "/v1/leaves"])
def test_member__sees_own_rows_only_and_reads_are_noted(team: Web, path: str) -> None:
    for who in ("service", "member"):
        team.done(f"{one(who)}/attendance", {"day": MONDAY, "kind": "present",
                                             "occurred_at": when(TUESDAY)})
        team.done(f"{one(who)}/leaves", {"number": "L", "days": FAR},
                  "service" if who == "service" else "member")
    team.done("/v1/post-terms", {"member": "member:member", "post": "customer_service",
                                 "since": JOINED, "occurred_at": when(JOINED)})

    assert {row["member"] for row in items(team, path, "member")} == {"member:member"}
    assert len({row["member"] for row in items(team, path)}) > 1
    bare = path.partition("?")[0]
    assert items(team, path.replace(bare, f"{bare}/member:service"), "member") == []
    assert {row["member"] for row in items(team, path, "service")} == {"member:service"}
    problem(team.get(path, "integration"), 403, "forbidden")
    noted = [entry for entry in team.edge.store.read("main" + SUFFIX)
             if entry.type == "reading.noted.v1"]
    assert [entry.actor for entry in noted].count("member:member") == 2


@on_sqlite
def test_members__are_narrowed_by_what_is_seen_of_them(team: Web) -> None:
    day = f"/v1/members?day={MONDAY}"
    assert [row["member"] for row in items(team, f"{day}&post=customer_service")] == [
        "member:service"]
    assert items(team, f"{day}&post=customer_service", "member") == []
    assert {row["member"] for row in items(team, f"{day}&supervisor=member:manager")} == {
        "member:service", "member:member"}
    assert [row["member"] for row in items(team, f"{day}&supervisor=member:manager", "member")] == [
        "member:member"]


@on_sqlite
@pytest.mark.parametrize("path", ["/v1/shifts", "/v1/rosters"])
def test_member__sees_no_shifts_of_others(team: Web, path: str) -> None:
    problem(team.get(path, "member"), 403, "forbidden")
    assert len(items(team, path, "warehouse_head")) == 2
    (row,) = items(team, "/v1/members", "member")
    assert [shift["shift"] for shift in row["shifts"]] == ["late"]


@on_sqlite
def test_personal_values__are_taken_in_and_never_given_out(team: Web) -> None:
    team.done(f"{one('member')}/details", {"name": "王方", "contact": "13900000000"})
    for path in ("/v1/members", one("member"), "/v1/audit?subject=member:member"):
        answer = team.get(path, "auditor")
        assert answer.status_code == 200
        for value in ("王芳", "王方", "13800000000", "13900000000"):
            assert value not in answer.text


@on_sqlite
@pytest.mark.parametrize("path, code, rule", [
    ("/v1/members?day=2026-02-30", "bad_day", "R-PRJ-16"),
    ("/v1/shifts?day=monday", "bad_day", "R-PRJ-16"),
    ("/v1/attendance?month=2026-13", "bad_month", "R-PRJ-13"),
    ("/v1/leaves?month=2026", "bad_month", "R-PRJ-13"),
    ("/v1/members?month=2026-09", "not_understood", None)])
def test_lists__rejected(web: Web, path: str, code: str, rule: str | None) -> None:
    assert problem(web.get(path), 400, code)["rule"] == rule


@on_sqlite
@pytest.mark.parametrize("path, body, code, rule", [
    ("/v1/members", {"member": "王芳", "joined_on": MONDAY}, "invalid_values", "R-VAL-01"),
    ("/v1/members", {"member": "member:new", "joined_on": "monday"}, "invalid_values", "R-VAL-01"),
    (f"{one('member')}/attendance", {"day": MONDAY, "kind": "asleep"}, "invalid_values",
     "R-VAL-01"),
    (f"{one('member')}/attendance", {"day": "2025-01-01", "kind": "late"}, "member_not_yet",
     "R-PPL-19"),
    (f"{one('manager')}/attendance", {"day": MONDAY, "kind": "late"}, "own_presence", "R-PPL-11"),
    (f"{one('member')}/attendance-corrections", {"month": MONTH, "number": 9, "reason": "x"},
     "attendance_unknown", "R-PPL-12"),
    (f"{one('member')}/leaves/L9/approvals", {}, "leave_unknown", "R-PPL-08"),
    (f"{one('nobody')}/departures", {"last_day": MONDAY}, "member_unknown", "R-PPL-01"),
    ("/v1/post-terms", {"member": "member:member", "post": "king", "since": MONDAY},
     "post_unknown", "R-PPL-04"),
    ("/v1/covers", {"roster": "customer_service", "day": MONDAY, "shift": "night",
                    "absent": "member:member", "cover": "member:service"}, "shift_unknown",
     "R-ROS-01"),
    ("/v1/rosters", {"roster": "customer_service", "since": MONDAY, "shifts": [
        {**EARLY, "end": "24:01"}]}, "invalid_values", "R-VAL-01")])
def test_commands__rejected(
    team: Web, path: str, body: dict[str, Any], code: str, rule: str
) -> None:
    assert problem(team.post(path, body), 422, code)["rule"] == rule


@on_sqlite
def test_people__of_another_ledger_are_not_there(team: Web) -> None:
    problem(team.get(one("member"), ledger="other"), 404, "nothing_recorded")
    for path in ("/v1/members", "/v1/posts", "/v1/rosters", "/v1/shifts", "/v1/attendance",
                 "/v1/leaves"):
        answer = team.get(path, ledger="other")
        assert answer.json is not None
        assert answer.json["items"] == []
