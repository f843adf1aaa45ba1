"""Who was here, held which post, was on shift or absent on any day, as of both clocks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.days import day_after, month_of
from ledger.common.errors import LedgerError
from ledger.common.values import from_us
from ledger.core.commands import Command
from ledger.log.store import Store
from ledger.people.commands import (
    ApproveLeave,
    AssignPost,
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
from ledger.people.rosters import ArrangeCover, SetRoster, SetRosterDay, Shift
from ledger.settings import Settings, open_ledger
from ledger.writing.genesis import begun
from projections.asking.clocks import NOW, AsOf
from projections.asking.past import NothingRecorded
from projections.asking.questions import BadDay, BadMonth, Question
from projections.asking.written import PERSONAL, revealed
from projections.audit.trail import Asked, found
from projections.audit.trail import rows as audited
from projections.catalogue import PROJECTIONS
from projections.people.reports import staff
from projections.people.rows import People
from projections.reports import run
from projections.store.models import ReadModels
from tests.conftest import on_sqlite
from tests.support.builders import context
from tests.support.days import day_of
from tests.support.team import (
    CHEN,
    JOINED,
    LI,
    LIU,
    MONTH,
    POSTS,
    WANG,
    ZHAO,
    ZHOU,
    Steps,
    at,
    printed,
    record,
    rows,
    team,
)
from tests.support.thorough import tried
from tests.support.written import opening

NAMES = ("staff", "post-terms", "shifts", "rosters", "attendance", "leave")
MONDAY, TUESDAY = "2026-09-07", "2026-09-08"
ROSTER = "roster:customer_service"
EARLY = Shift(name="early", start="09:00", end="16:30", days=[1, 2, 3, 4, 5], members=[WANG],
              director=CHEN)
LATE = Shift(name="late", start="16:00", end="24:00", members=[ZHAO])



def assign(post: str, member: str, since: str, told: str | None = None) -> AssignPost:
    """Somebody holds a post; it happened that day, or was told to have happened on another."""
    return AssignPost(post=post, member=member, since=since, occurred_at=at(told or since))


def end(post: str, member: str, until: str) -> EndPost:
    """Somebody holds it no more."""
    return EndPost(post=post, member=member, until=until, occurred_at=at(until))


def pattern(*shifts: Shift, since: str = JOINED) -> SetRoster:
    """Shifts that repeat."""
    return SetRoster(roster="customer_service", since=since, shifts=list(shifts),
                     occurred_at=at(since))


def cover(**fields: Any) -> ArrangeCover:
    """Li stands in for Wang on Monday."""
    return ArrangeCover(**{"roster": "customer_service", "day": MONDAY, "shift": "early",
                           "absent": WANG, "cover": LI, "occurred_at": at(MONDAY, 8), **fields})


def ask(days: list[str], number: str = "L1", day: str = "2026-09-01") -> RequestLeave:
    """Wang wants to stay away."""
    return RequestLeave(member=WANG, number=number, days=days, reason="a wedding",
                    occurred_at=at(day))


def on_leave(command: type[Any], day: str = "2026-09-02", **fields: Any) -> Any:
    """What became of it."""
    return command(**{"member": WANG, "number": "L1", "occurred_at": at(day), **fields})


def attend(kind: str, name: str = WANG, day: str = MONDAY, **fields: Any) -> RecordAttendance:
    """Attendance of a day."""
    return RecordAttendance(member=name, day=day, kind=kind, occurred_at=at(day, 20), **fields)


def correct(number: int = 1, day: str = TUESDAY) -> CorrectAttendance:
    """It was not so."""
    return CorrectAttendance(member=WANG, month=MONTH, number=number, reason="the wrong one",
                             occurred_at=at(day))


START: Steps = [("system", command) for command in (*team(), *printed("rules", "scorecards"))]
STORY: Steps = [
    *START,
    ("system", pattern(EARLY, LATE)),
    ("system", assign("editor", WANG, "2026-03-01")),
    ("system", end("editor", WANG, "2026-09-07")),
    ("system", SetSupervisor(member=ZHAO, supervisor=CHEN, since=TUESDAY,
                             occurred_at=at(TUESDAY))),
    (WANG, ask([MONDAY, TUESDAY])),
    (LI, on_leave(ApproveLeave)),
    ("system", cover()),
    (LI, attend("late", ZHAO, shift="late", minutes=7)),
    (CHEN, attend("absent", ZHAO, TUESDAY, shift="late")),
    (ZHAO, HandOverShift(member=ZHAO, day=MONDAY, shift="late", note="two parcels",
                         to_member=WANG, occurred_at=at(MONDAY, 23))),
    ("system", LeaveShop(member=ZHOU, last_day=MONDAY, occurred_at=at(MONDAY))),
]


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    made = ReadModels(store, PROJECTIONS)
    yield made
    made.close()


def of(models: ReadModels, member: str, **asked: Any) -> dict[str, Any]:
    """A member's row of the staff."""
    (row,) = [row for row in rows(models, "staff", **asked) if row["member"] == member]
    return row


# -- days -----------------------------------------------------------------------------------------


def test_staff__tells_everything_of_a_day(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, STORY)

    assert [row["member"] for row in rows(models, "staff", day=MONDAY)] == sorted(POSTS)
    assert of(models, WANG, day=MONDAY) == {
        "member": WANG, "joined_on": JOINED, "left_on": None, "here": True,
        "posts": ["customer_service", "editor"], "supervisor": LI, "on_leave": True,
        "half_leave": None, "shifts": [],
        "attendance": []}
    assert of(models, LI, day=MONDAY)["shifts"] == [
        {"roster": ROSTER, "shift": "early", "start": "09:00", "end": "16:30", "covers": WANG}]
    zhao = of(models, ZHAO, day=MONDAY)
    assert (zhao["attendance"], zhao["supervisor"]) == (["late"], LI)
    assert zhao["shifts"] == [
        {"roster": ROSTER, "shift": "late", "start": "16:00", "end": "24:00", "covers": None}]
    assert of(models, ZHAO, day=TUESDAY)["supervisor"] == CHEN
    assert of(models, WANG, day=TUESDAY)["posts"] == ["customer_service"]
    assert [of(models, ZHOU, day=day)["here"] for day in (MONDAY, TUESDAY)] == [True, False]
    assert of(models, ZHOU, day=TUESDAY) == {
        "member": ZHOU, "joined_on": JOINED, "left_on": MONDAY, "here": False, "posts": [],
        "supervisor": None, "on_leave": False, "half_leave": None, "shifts": [], "attendance": []}
    assert not any(row["here"] for row in rows(models, "staff", day="2025-12-31"))


def test_staff__of_today_where_no_day_is_named(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, STORY)
    today = day_of(datetime.now(UTC))

    answer = run(models, "main", "staff")

    assert answer.rows == rows(models, "staff", day=today)
    assert answer.as_of["notes"] == [f"{today}: today in Asia/Shanghai"]
    assert rows(models, "shifts") == rows(models, "shifts", day=today)


def test_reports__of_a_past_are_of_its_last_day_where_none_is_named(
    ledger: Ledger, models: ReadModels
) -> None:
    record(ledger, [*STORY, (LI, attend("late", WANG, "2026-09-09"))])
    head = ledger.head()
    recorded = day_of(from_us(head.recorded_at))
    for as_of, day in (
            (AsOf.parse(head.position), recorded),
            (AsOf.parse(None, from_us(head.recorded_at).isoformat()), recorded),
            (AsOf.parse(head.position, None, TUESDAY), TUESDAY),
            (AsOf.parse(None, None, TUESDAY), TUESDAY)):
        for name in ("staff", "shifts"):
            answer = run(models, "main", name, Question(as_of=as_of))
            assert answer.rows == rows(models, name, day=day, as_of=as_of)
            assert answer.as_of["notes"][-1] == (
                f"{day}: the day as of which this is, in Asia/Shanghai")
        answer = run(models, "main", "attendance", Question(as_of=as_of))
        assert answer.rows == rows(models, "attendance", month=month_of(day), as_of=as_of)
        assert answer.as_of["notes"][-1] == f"{month_of(day)}: the month as of which this is"


def test_shifts__that_nobody_covers_are_told(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, STORY)

    early, late = rows(models, "shifts", day=MONDAY)
    assert early == {"roster": ROSTER, "shift": "early", "start": "09:00", "end": "16:30",
                     "members": [LI], "director": CHEN, "covered": True, "absent": [],
                     "half_leave": [], "overlaps": []}
    assert (late["end"], late["members"], late["covered"]) == ("24:00", [ZHAO], True)
    early, late = rows(models, "shifts", day=TUESDAY)
    assert (early["members"], early["absent"], early["covered"]) == ([WANG], [WANG], False)
    assert (late["members"], late["absent"], late["covered"]) == ([ZHAO], [ZHAO], False)
    assert [row["shift"] for row in rows(models, "shifts", day="2026-09-12")] == ["late"]
    assert rows(models, "shifts", day="2025-12-31") == []


def test_shifts__know_that_a_member_has_left_and_of_absence_from_which_shift(
    ledger: Ledger, models: ReadModels
) -> None:
    both = [Shift(name=name, start=start, end=end, members=[ZHAO, ZHOU])
            for name, start, end in (("early", "08:00", "12:00"), ("late", "12:00", "24:00"))]
    empty = Shift(name="night", start="22:00", end="24:00")
    record(ledger, [*STORY, ("system", pattern(*both, empty, since=MONDAY))])

    early, late, night = rows(models, "shifts", day=TUESDAY)
    assert (early["overlaps"], late["overlaps"], night["overlaps"]) == ([], [], [])
    assert (early["members"], early["absent"], early["covered"]) == ([ZHAO], [], True)
    assert (late["members"], late["absent"], late["covered"]) == ([ZHAO], [ZHAO], False)
    assert (night["members"], night["absent"], night["covered"]) == ([], [], False)
    whole = CorrectAttendance(member=ZHAO, month=MONTH, number=2, reason="all day",
                              occurred_at=at("2026-09-10"))
    record(ledger, [(CHEN, whole), *((CHEN, attend("absent", ZHAO, TUESDAY, shift=shift))
                                     for shift in ("early", "late"))])
    assert not any(row["covered"] for row in rows(models, "shifts", day=TUESDAY))


def test_rosters__tell_every_pattern(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, [*STORY, ("system", pattern(LATE, since=TUESDAY)),
                    ("system", pattern(EARLY, since=TUESDAY)),
                    ("system", SetRosterDay(roster="customer_service", day="2026-10-01", shifts=[],
                                            occurred_at=at("2026-09-30")))])

    assert [(row["since"], row["shift"]) for row in rows(models, "rosters")] == [
        (JOINED, "early"), (JOINED, "late"), (TUESDAY, "early")]
    assert rows(models, "shifts", day="2026-10-01") == []


# -- what was told --------------------------------------------------------------------------------


def test_post_terms__are_told_by_post_and_by_member(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, STORY)

    editor = {"post": "editor", "member": WANG, "since": "2026-03-01", "until": "2026-09-07"}
    assert rows(models, "post-terms", subject="post:editor") == [editor]
    assert rows(models, "post-terms", subject=WANG) == [
        {"post": "customer_service", "member": WANG, "since": JOINED, "until": None}, editor]
    assert len(rows(models, "post-terms")) == len(POSTS) + 1
    assert rows(models, "post-terms", subject=ZHOU)[0]["until"] == MONDAY


def test_attendance__tells_what_stands(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, [*START, (LI, attend("late", minutes=7, shift="early")), (LI, correct()),
                    (LI, attend("present")), (LI, attend("present", day="2026-10-08"))])

    wrong, right = revealed(rows(models, "attendance", month=MONTH), *opening(ledger))
    assert rows(models, "attendance", month=MONTH)[0]["reason"] == PERSONAL
    assert wrong == {
        "member": WANG, "day": MONDAY, "kind": "late", "roster": None, "shift": "early",
        "minutes": 7, "minutes_early": None, "recorded_by": LI, "stands": False,
        "corrected_by": LI, "reason": "the wrong one", "replaced_by": None, "off_roster": False,
        "number": 1, "position": wrong["position"]}
    assert (right["kind"], right["stands"], right["corrected_by"], right["number"]) == (
        "present", True, None, 2)
    assert of(models, WANG, day=MONDAY)["attendance"] == ["present"]
    assert revealed(rows(models, "attendance", month=MONTH, subject=WANG), *opening(ledger)) == [
        wrong, right]
    assert rows(models, "attendance", month=MONTH, subject=ZHAO) == []
    this = month_of(day_of(datetime.now(UTC)))
    assert rows(models, "attendance") == rows(models, "attendance", month=this)


def test_leave__tells_what_became_of_it(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, [*START, (WANG, ask([MONDAY, TUESDAY])), (LI, on_leave(ApproveLeave)),
                    (WANG, ask(["2026-10-09"], "L2", "2026-09-03")),
                    (LI, on_leave(RefuseLeave, number="L2", reason="stocktake")),
                    (WANG, ask(["2026-10-12"], "L3", "2026-09-04")),
                    (WANG, on_leave(WithdrawLeave, number="L3"))])

    first, second, third = revealed(rows(models, "leave", sort="asked_at"), *opening(ledger))
    assert rows(models, "leave")[0]["reason"] == PERSONAL
    assert first == {
        "member": WANG, "number": "L1", "days": [MONDAY, TUESDAY], "halves": {},
        "kind": "planned", "state": "approved", "asked_at": "2026-09-01T04:00:00Z",
        "reported_at": None, "decided_by": LI, "reason": "a wedding", "attachments": None,
        "position": first["position"]}
    assert (second["state"], second["decided_by"], second["reason"]) == ("refused", LI, "stocktake")
    assert (third["state"], third["decided_by"]) == ("withdrawn", None)
    assert [row["number"] for row in rows(models, "leave", month="2026-10", subject=WANG)] == [
        "L3", "L2"]
    assert rows(models, "leave", subject=ZHAO) == []


@on_sqlite
@pytest.mark.parametrize("name", NAMES)
def test_reports__rejected(ledger: Ledger, models: ReadModels, name: str) -> None:
    record(ledger, STORY)
    for subject in ("member:nobody", "sku:SH-001", "order:1"):
        with pytest.raises(NothingRecorded):
            rows(models, name, subject=subject)
    if name in ("staff", "shifts"):
        for day in ("2026-9-7", "2026-02-30", "yesterday", "20260907", ""):
            with pytest.raises(BadDay):
                rows(models, name, day=day)
    if name in ("attendance", "leave"):
        with pytest.raises(BadMonth):
            rows(models, name, month="2026-13")


# -- both clocks ----------------------------------------------------------------------------------


def test_staff__knows_a_post_change_that_was_told_late(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, STORY)
    before = ledger.head().position
    record(ledger, [("system", assign("trainer", ZHAO, MONDAY, "2026-09-20"))])

    assert of(models, ZHAO, day=MONDAY)["posts"] == ["customer_service", "trainer"]
    assert of(models, ZHAO, day=MONDAY, as_of=AsOf.parse(before))["posts"] == ["customer_service"]
    for occurred, posts in (("2026-09-19", ["customer_service"]),
                            ("2026-09-20", ["customer_service", "trainer"])):
        by_then = AsOf.parse(None, None, occurred)
        assert of(models, ZHAO, day=MONDAY, as_of=by_then)["posts"] == posts
    assert of(models, ZHAO, day=MONDAY, as_of=AsOf.parse(before, None, "2026-09-20"))["posts"] == [
        "customer_service"]


def test_reports__of_the_head_are_those_of_the_present(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, [*STORY, (LI, attend("late", WANG, "2026-09-09")), (LI, correct())])
    as_of = AsOf.parse(ledger.head().position)

    for name in NAMES:
        for asked in ({}, {"subject": WANG}, {"subject": ROSTER}, {"subject": "post:editor"}):
            more: dict[str, Any] = {"day": MONDAY, "month": MONTH, **asked}
            try:
                now = rows(models, name, **more)
            except NothingRecorded:
                continue
            assert rows(models, name, **more, as_of=as_of) == now


def test_reports__leave_out_what_had_not_happened_yet(ledger: Ledger, models: ReadModels) -> None:
    late_asked = [(WANG, ask([MONDAY], day="2026-09-06")),
                  (LI, on_leave(ApproveLeave, "2026-09-05")),
                  (LI, on_leave(WithdrawLeave, "2026-09-05")),
                  (LI, attend("late")), (LI, correct(day="2026-09-06"))]
    record(ledger, [*START, *late_asked])
    early = {"as_of": AsOf.parse(None, None, "2026-09-05"), "month": MONTH}

    assert rows(models, "leave", **early) == []
    assert rows(models, "attendance", **early) == []
    assert of(models, WANG, day=MONDAY, **early)["on_leave"] is False
    assert rows(models, "leave", month=MONTH)[0]["state"] == "withdrawn"
    assert rows(models, "staff", as_of=AsOf.parse(0)) == []


def test_past__knows_streams_that_the_read_model_has_not_seen(
    ledger: Ledger, models: ReadModels
) -> None:
    record(ledger, START)
    models.catch_up("main")
    record(ledger, [("system", JoinMember(member="member:new", joined_on=MONDAY,
                                          occurred_at=at(MONDAY)))])
    asked = Question(day=MONDAY, as_of=AsOf.parse(ledger.head().position))

    seen = unhurried(models, asked)
    assert seen["member:new"]["here"] is True
    assert "member:new" not in unhurried(models, Question(day=MONDAY))


def unhurried(models: ReadModels, asked: Question) -> dict[str, dict[str, Any]]:
    """The staff as the read models know them without catching up."""
    return {row["member"]: row for row in staff(models, "main", asked).rows}


# -- the read model -------------------------------------------------------------------------------


def test_people__rebuilt_equal_live(ledger: Ledger, models: ReadModels) -> None:
    models.batch = 3
    for step in STORY:
        record(ledger, [step])
        models.catch_up("main")
    live = models.digest("main", People.name)

    assert models.compare_with_rebuild("main") == []
    models.batch = 1000
    models.rebuild("main", [People.name])
    assert models.digest("main", People.name) == live


def test_people__of_another_ledger_stay_there(
    store: Store, ledger: Ledger, keys: Any, models: ReadModels
) -> None:
    record(ledger, STORY)
    other = Ledger(store, begun(store, keys, "other"), name="other")
    try:
        for name in NAMES:
            for as_of in (AsOf(), AsOf.parse(0)):
                assert run(models, "other", name, Question(as_of=as_of)).rows == []
        other.handle(JoinMember(member=WANG, joined_on=MONDAY, occurred_at=at(MONDAY)), context())
        (row,) = run(models, "other", "staff", Question(day=MONDAY)).rows
        assert (row["joined_on"], row["posts"]) == (MONDAY, [])
        with pytest.raises(NothingRecorded):
            run(models, "other", "staff", Question(subject=ZHAO))
    finally:
        other.close()


def test_audit__tells_what_changed_of_people(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, [*STORY, (LI, attend("late", WANG, "2026-09-09")), (LI, correct())])
    models.catch_up("main")

    cut = NOW.resolve(ledger.store, "main")
    entries = found(models, "main", Asked(subject=WANG), cut).entries
    told = list(audited(models, "main", entries, cut))

    changes = {row["type"]: row["changes"] for row in told}
    assert changes["attendance.corrected.v1"]["attended"]["after"] == [
        {"number": 1, "day": "2026-09-09", "kind": "late", "shift": "early", "stands": False,
         "roster": "customer_service"}]
    assert changes["member.leave_approved.v1"]["leave"]["after"]["L1"]["state"] == "approved"
    assert "attendance.shift_handed_over.v1" in changes
    assert {"post.assigned.v1", "roster.cover_arranged.v1"} <= changes.keys()


# -- against a naive model ------------------------------------------------------------------------

DAYS = [day_after("2026-09-07", number) for number in range(8)]
WHO = (WANG, ZHAO, LIU)
numbers = st.integers(0, len(DAYS) - 1)
acts = st.one_of(
    st.tuples(st.sampled_from(["assign", "end", "leave"]), numbers, st.sampled_from(WHO),
              st.just(WANG)),
    st.tuples(st.sampled_from(["supervise", "cover"]), numbers, st.sampled_from(WHO),
              st.sampled_from(WHO)))


def wished(act: tuple[str, int, str, str]) -> Command:
    """An act as a command."""
    what, number, who, other = act
    day = DAYS[number]
    if what == "supervise":
        return SetSupervisor(member=who, supervisor=other, since=day, occurred_at=at(day))
    if what == "cover":
        return cover(day=day, absent=who, cover=other, occurred_at=at(day))
    if what == "leave":
        return LeaveShop(member=who, last_day=day, occurred_at=at(day))
    return assign("editor", who, day) if what == "assign" else end("editor", who, day)


class Naive:
    """A calendar: what holds on each day is written into that day."""

    def __init__(self) -> None:
        self.terms: list[dict[str, Any]] = []
        self.heads: list[tuple[str, str, str]] = []
        self.gone: dict[str, str] = {}
        self.seats = {day: [[WANG, WANG], [ZHAO, ZHAO]] for day in DAYS}

    def take(self, act: tuple[str, int, str, str]) -> None:
        """An act that was accepted and changed something."""
        what, number, who, other = act
        day = DAYS[number]
        if what == "assign":
            self.terms.append({"who": who, "since": day, "days": set(DAYS[number:])})
        elif what == "end":
            self.end(who, day, day_after(day))
        elif what == "leave":
            self.gone[who] = day
            self.end(who, day, DAYS[-1])
        elif what == "supervise":
            self.heads.append((day, who, other))
        elif (seat := next((one for one in self.seats[day] if one[1] == who), None)) is not None:
            seat[1] = other

    def end(self, who: str, day: str, latest: str) -> None:
        """Whoever holds the post that day does not on the next; nor who would, from a day on."""
        for term in self.terms:
            if term["who"] == who and term["since"] <= latest:
                term["days"] = {one for one in term["days"] if one <= day}

    def row(self, who: str, day: str) -> tuple[Any, ...]:
        """here, whether he is an editor, supervisor, for whom he stands in each of his shifts"""
        if who in self.gone and day > self.gone[who]:
            return False, False, None, []
        told = [(since, order, head) for order, (since, member, head) in enumerate(self.heads)
                if member == who and since <= day]
        editor = any(term["who"] == who and day in term["days"] for term in self.terms)
        covers = [None if planned == actual else planned
                  for planned, actual in self.seats[day] if actual == who]
        return True, editor, max(told)[2] if told else None, covers


@examples(history=st.lists(acts, max_size=14), day=numbers, cut=st.integers(0, 14),
          occurred=numbers)
@settings(max_examples=tried(40), deadline=None)
def test_staff__of_any_day_is_what_a_calendar_would_tell(
    history: list[tuple[str, int, str, str]], day: int, cut: int, occurred: int
) -> None:
    opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                  master_key_file=None))
    models = ReadModels(opened.store, (People(),))
    shift = Shift(name="early", start="09:00", end="24:00", members=[WANG, ZHAO])
    record(opened.ledger, [("system", command) for command in (
        *(JoinMember(member=who, joined_on=JOINED, occurred_at=at(JOINED)) for who in WHO),
        pattern(shift))])
    now, then, by_then, position = Naive(), Naive(), Naive(), opened.ledger.head().position
    for number, act in enumerate(history):
        try:
            receipt = opened.ledger.handle(wished(act), context())
        except LedgerError:
            continue
        if receipt.positions:
            now.take(act)
            if number < cut:
                then.take(act)
                position = receipt.position
            if act[1] <= occurred:
                by_then.take(act)
    for naive, as_of in ((now, AsOf()), (then, AsOf.parse(position)),
                         (by_then, AsOf.parse(None, None, DAYS[occurred]))):
        asked = Question(day=DAYS[day], as_of=as_of)
        for row in run(models, "main", "staff", asked).rows:
            assert (row["here"], row["posts"] == ["editor"], row["supervisor"],
                    [one["covers"] for one in row["shifts"]]) == naive.row(
                        row["member"], DAYS[day])
    models.close()
    opened.close()
