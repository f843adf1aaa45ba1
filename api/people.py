"""People over HTTP: members, posts, rosters, attendance and leave; what is told, and any past day.

Names and contacts are taken in, and never given out.
"""

from collections.abc import Mapping
from typing import Any

from api import reading, writing
from api.reading import DayQuery, Listed, MonthQuery
from api.routes import EVERYBODY, Blueprint
from api.writing import Route
from ledger import people_commands as told
from ledger import rosters

OFFICE = {"admin", "manager"}
"""Who says who works here, as what, and under whom."""

HEADS = {"manager", "warehouse_head", "reviewer"}
"""Who says when others work, and whether they did."""

STAFF = EVERYBODY - {"auditor", "admin", "integration"}
"""Whoever works here speaks for himself, whatever the role of his key: the rules see to it."""

READ_BY = {"auditor", "reviewer", "manager", "finance", "member"}
DECIDED_BY = READ_BY | HEADS
"""Heads see what they decide about."""

ONE = "/v1/members/<member>"
LEAVE = f"{ONE}/leaves/<number>"
GIVEN = ("member",)

group = Blueprint("people", __name__, description="Who works here, when, as what; who was absent.")

writing.add(group, [
    Route("/v1/members", told.JoinMember, OFFICE, location="/v1/members"),
    Route(f"{ONE}/details", told.ChangeDetails, OFFICE, GIVEN),
    Route(f"{ONE}/supervisors", told.SetSupervisor, OFFICE, GIVEN),
    Route(f"{ONE}/departures", told.LeaveShop, OFFICE, GIVEN),
    Route("/v1/post-terms", told.AssignPost, OFFICE),
    Route("/v1/post-term-ends", told.EndPost, OFFICE),
    Route("/v1/rosters", rosters.SetRoster, HEADS, location="/v1/rosters"),
    Route("/v1/roster-days", rosters.SetRosterDay, HEADS),
    Route("/v1/covers", rosters.ArrangeCover, HEADS),
    Route(f"{ONE}/attendance", told.RecordAttendance, HEADS, GIVEN),
    Route(f"{ONE}/attendance-corrections", told.CorrectAttendance, HEADS, GIVEN),
    Route(f"{ONE}/hand-overs", told.HandOverShift, STAFF, GIVEN),
    Route(f"{ONE}/leaves", told.AskLeave, STAFF, GIVEN, now=True),
    Route(f"{LEAVE}/approvals", told.ApproveLeave, HEADS, (*GIVEN, "number")),
    Route(f"{LEAVE}/refusals", told.RefuseLeave, HEADS, (*GIVEN, "number")),
    Route(f"{LEAVE}/withdrawals", told.WithdrawLeave, STAFF, (*GIVEN, "number"), now=True),
])


def is_of(row: Mapping[str, Any], member: str) -> bool:
    """Whether a row is a member's own."""
    return bool(row["member"] == member)


def is_in(row: Mapping[str, Any], member: str) -> bool:
    """Whether a member is in a shift."""
    return member in row["members"]


STAFF_KEY, TERM_KEY = ("member",), ("post", "member", "since")
SHIFT_KEY, PATTERN_KEY = ("roster", "shift"), ("roster", "since", "shift")
FACT_KEY, LEAVE_KEY = ("member", "day", "number"), ("member", "number")

SEEN_BY = DECIDED_BY - {"member"}
"""Who sees shifts: they tell of others; a member finds his own ones among the staff."""

reading.add(group, [
    Listed("/v1/members", "staff", "Everybody who ever joined, on a day; by default today.",
           STAFF_KEY, DayQuery, READ_BY, own=is_of),
    Listed("/v1/members/<subject>", "staff", "One member, on a day; by default today.",
           STAFF_KEY, DayQuery, READ_BY, own=is_of),
    Listed("/v1/posts", "post-terms", "Who held which post from when until when.",
           TERM_KEY, roles=READ_BY, own=is_of),
    Listed("/v1/posts/<subject>", "post-terms", "Who held one post, post:…; or the posts of one "
           "member.", TERM_KEY, roles=READ_BY, own=is_of),
    Listed("/v1/rosters", "rosters", "The shifts that repeat, of every pattern ever in force.",
           PATTERN_KEY, roles=SEEN_BY, own=is_in),
    Listed("/v1/rosters/<subject>", "rosters", "The shifts that repeat of one roster, roster:….",
           PATTERN_KEY, roles=SEEN_BY, own=is_in),
    Listed("/v1/shifts", "shifts", "The shifts of a day, covered or not; by default of today.",
           SHIFT_KEY, DayQuery, SEEN_BY, own=is_in),
    Listed("/v1/shifts/<subject>", "shifts", "The shifts of a day of one roster, roster:….",
           SHIFT_KEY, DayQuery, SEEN_BY, own=is_in),
    Listed("/v1/attendance", "attendance", "The attendance of a month; by default of this one.",
           FACT_KEY, MonthQuery, DECIDED_BY, own=is_of),
    Listed("/v1/attendance/<subject>", "attendance", "The attendance of one member in a month.",
           FACT_KEY, MonthQuery, DECIDED_BY, own=is_of),
    Listed("/v1/leaves", "leave", "Leave that was asked for, and what became of it.",
           LEAVE_KEY, MonthQuery, DECIDED_BY, own=is_of),
    Listed("/v1/leaves/<subject>", "leave", "The leave of one member.",
           LEAVE_KEY, MonthQuery, DECIDED_BY, own=is_of),
])
