"""People over HTTP: members, posts, rosters, attendance and leave, on any past day.

Names and contacts are accepted, and never given out.
"""

from api.http import reading, writing
from api.http.reading import STAFF, STAFF_READERS, Listed, no_part, own_row
from api.http.routes import Blueprint
from api.http.writing import Route
from ledger.people import rosters
from ledger.people.commands import (
    ApproveLeave,
    AssignPost,
    ChangeDetails,
    CorrectAttendance,
    EndPost,
    HandOverShift,
    JoinMember,
    LeaveShop,
    RecordAttendance,
    RefuseLeave,
    RequestLeave,
    SetSupervisor,
    WithdrawLeave,
)

OFFICE = {"admin", "manager"}
"""Who decides who works here, in which post, and under whom."""

HEADS = {"manager", "warehouse_head", "reviewer", "service"}
"""Who decides when others work, and sees whether they did; the rules know who heads whom, and a key
of customer service whose owner heads nobody sees only their own."""

ONE = "/v1/members/<member>"
LEAVE = f"{ONE}/leaves/<number>"
GIVEN = ("member",)

group = Blueprint("people", __name__, description="Who works here, when, as what; who was absent.")

writing.add(group, [
    Route("/v1/members", JoinMember, OFFICE, location="/v1/members"),
    Route(f"{ONE}/details", ChangeDetails, OFFICE, GIVEN),
    Route(f"{ONE}/supervisors", SetSupervisor, OFFICE, GIVEN),
    Route(f"{ONE}/departures", LeaveShop, OFFICE, GIVEN),
    Route("/v1/post-terms", AssignPost, OFFICE),
    Route("/v1/post-term-ends", EndPost, OFFICE),
    Route("/v1/rosters", rosters.SetRoster, HEADS, location="/v1/rosters"),
    Route("/v1/roster-days", rosters.SetRosterDay, HEADS),
    Route("/v1/covers", rosters.ArrangeCover, HEADS),
    Route(f"{ONE}/attendance", RecordAttendance, STAFF, GIVEN),
    Route(f"{ONE}/attendance-corrections", CorrectAttendance, STAFF, GIVEN),
    Route(f"{ONE}/hand-overs", HandOverShift, STAFF, GIVEN),
    Route(f"{ONE}/leaves", RequestLeave, STAFF, GIVEN, ignores_given_time=True),
    Route(f"{LEAVE}/approvals", ApproveLeave, STAFF, (*GIVEN, "number"), ignores_given_time=True),
    Route(f"{LEAVE}/refusals", RefuseLeave, STAFF, (*GIVEN, "number"), ignores_given_time=True),
    Route(f"{LEAVE}/withdrawals", WithdrawLeave, STAFF, (*GIVEN, "number"),
           ignores_given_time=True),
])


STAFF_KEY, TERM_KEY = ("member",), ("post", "member", "since")
SHIFT_KEY, PATTERN_KEY = ("roster", "shift"), ("roster", "since", "shift")
FACT_KEY, LEAVE_KEY = ("member", "day", "number"), ("member", "number")

WHOLE = STAFF_READERS | (HEADS - {"service"})
"""Who sees everybody's rows in the lists that heads decide about."""
SEES = STAFF_READERS | HEADS
"""Who may ask for rosters and shifts; whoever heads no team sees none of them."""

reading.add(group, [
    Listed("/v1/members", "staff", "Everybody who ever joined, on a day; by default today.",
           STAFF, visible_part=own_row),
    Listed("/v1/members/<subject>", "staff", "One member, on a day; by default today.",
           STAFF, visible_part=own_row),
    Listed("/v1/posts", "post-terms", "Who held which post from when until when.",
           roles=STAFF, visible_part=own_row),
    Listed("/v1/posts/<subject>", "post-terms", "Who held one post, post:…; or the posts of one "
           "member.", roles=STAFF, visible_part=own_row),
    Listed("/v1/rosters", "rosters", "The shifts that repeat, of every pattern ever in force.",
           roles=SEES, visible_part=no_part, whole=WHOLE),
    Listed("/v1/rosters/<subject>", "rosters", "The shifts that repeat of one roster, roster:….",
           roles=SEES, visible_part=no_part, whole=WHOLE),
    Listed("/v1/shifts", "shifts", "The shifts of a day, covered or not; by default of today.",
           SEES, visible_part=no_part, whole=WHOLE),
    Listed("/v1/shifts/<subject>", "shifts", "The shifts of a day of one roster, roster:….",
           SEES, visible_part=no_part, whole=WHOLE),
    Listed("/v1/attendance", "attendance", "The attendance of a month; by default of this one.",
           STAFF, visible_part=own_row, whole=WHOLE),
    Listed("/v1/attendance/<subject>", "attendance", "The attendance of one member in a month.",
           STAFF, visible_part=own_row, whole=WHOLE),
    Listed("/v1/leaves", "leave", "Leave that was asked for, and what became of it.",
           STAFF, visible_part=own_row, whole=WHOLE),
    Listed("/v1/leaves/<subject>", "leave", "The leave of one member.",
           STAFF, visible_part=own_row, whole=WHOLE),
])
