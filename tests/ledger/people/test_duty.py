"""Attendance and leave held against roster and calendar: nights, several shifts, halves, holidays.

The rules are the shipped ones: being late or leaving early costs an agent 2 points, a day of leave
1, and a dispatcher 1 for leave, 2 for a day of absence, all of them in the item of attendance.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume
from hypothesis import given as examples
from hypothesis import strategies as st

from ledger.common.days import day_after
from ledger.common.errors import InvalidValues
from ledger.people.commands import (
    ApproveLeave,
    CorrectAttendance,
    HandOverShift,
    JoinMember,
    LeaveShop,
    RecordAttendance,
    RequestLeave,
    WithdrawLeave,
)
from ledger.people.duty import Duty, halves_of
from ledger.people.errors import (
    AttendanceAhead,
    AttendedAlready,
    AttendedOtherwise,
    HandedOverAlready,
    LeaveOverlaps,
    LeaveTooLate,
    NoShiftThen,
    NotTheHead,
    NotTheirShift,
    NoWorkingDay,
    ReportedLater,
    ShiftNeeded,
    TakerNotHere,
)
from ledger.people.rosters import ArrangeCover, Roster, SetRoster, SetRosterDay, Shift
from ledger.policies.commands import PublishPolicy
from ledger.policies.errors import CalendarEnds
from ledger.policies.times import Calendar
from ledger.policies.values import Policy, Sections
from ledger.scores.account import Account
from ledger.scores.values import account_of
from tests.support.stories import Story
from tests.support.team import (
    CHEN,
    JOINED,
    LI,
    LIU,
    MONTH,
    SEALED,
    WANG,
    ZHAO,
    ZHOU,
    Step,
    at,
    continued,
    opening,
    printed,
    rule,
    started,
    team,
)

AUGUST, OCTOBER = "2026-08", "2026-10"
SHIPPED: list[Step] = [("system", one) for one in (*team(), *printed("rules", "scorecards"))]
NIGHT = Shift(name="night", start="22:00", end="06:00", members=[WANG])
EARLY, LATE = (Shift(name=name, start=start, end=end, members=[ZHAO])
               for name, start, end in (("early", "09:00", "16:30"), ("late", "16:30", "23:00")))
WEEKDAYS = Shift(name="day", start="09:00", end="18:00", members=[ZHOU], days=[1, 2, 3, 4, 5])


def planned(*shifts: Shift, since: str = JOINED, roster: str = "customer_service") -> Step:
    """Shifts that repeat."""
    return "system", SetRoster(roster=roster, since=since, shifts=list(shifts),
                               occurred_at=at(JOINED))


def day_set(day: str, *shifts: Shift, told: str = JOINED) -> Step:
    """A day has shifts of its own."""
    return "system", SetRosterDay(roster="customer_service", day=day, shifts=list(shifts),
                                  occurred_at=at(told))


def start(*steps: Step) -> Story:
    """The team, the shipped policies, and what happened then."""
    return started(*steps, opened=SHIPPED)


def attend(kind: str, name: str = WANG, day: str = "2026-09-03", **fields: Any) -> Step:
    """How a shift ended for somebody, recorded by who manages the shop the day after."""
    return CHEN, RecordAttendance(**{"member": name, "day": day, "kind": kind,
                                     "occurred_at": at(day_after(day)), **fields})


def correct(name: str, number: int, month: str = MONTH) -> Step:
    """What was recorded did not happen."""
    return CHEN, CorrectAttendance(member=name, month=month, number=number, reason="a slip",
                                   occurred_at=at("2026-12-01"))


def ask(days: list[str], name: str = ZHOU, number: str = "L1", **fields: Any) -> Step:
    """Somebody wants to stay away."""
    return name, RequestLeave(**{"member": name, "number": number, "days": days,
                                 "occurred_at": at("2026-08-03"), **fields})


def approve(name: str = ZHOU, number: str = "L1", day: str = "2026-08-03") -> Step:
    """They may."""
    return CHEN, ApproveLeave(member=name, number=number, occurred_at=at(day))


def away(days: list[str], name: str = ZHOU, number: str = "L1", **fields: Any) -> list[Step]:
    """Leave that is asked for and approved."""
    asked = ask(days, name, number, **fields)
    then = fields.get("occurred_at", at("2026-08-03"))
    return [asked, approve(name, number, then.date().isoformat())]


def sick(days: list[str], name: str = ZHOU, number: str = "S1", told: str = "") -> list[Step]:
    """Leave that nobody could foresee, asked for on the day after its last."""
    then = at(day_after(days[-1]))
    return away(days, name, number, kind="unforeseen", occurred_at=then, attachments=["ab" * 32],
                reported_at=at(told or days[0], 1))


def lost(story: Story, name: str, month: str = MONTH) -> Decimal:
    """What attendance took from its item."""
    found = story.known.get(account_of(name, month))
    if not isinstance(found, Account):
        return Decimal(0)
    return found.cost("dispatcher" if name == ZHOU else "customer_service",
                      "reporting_attendance/2")


def tried(story: Story, step: Step) -> Story:
    """The story when somebody tries something."""
    return story.by(step[0]).when(step[1])


# -- nights and several shifts --------------------------------------------------------------------


def test_roster__night_belongs_to_the_day_on_which_it_began() -> None:
    story = start(planned(NIGHT), attend("absent", day="2026-08-31"), attend("late", ZHAO))
    found = story.known["roster:customer_service"]
    assert isinstance(found, Roster)
    assert [found.on_shift("2026-09-01", time) for time in ("00:00", "05:59", "06:00", "22:00")] \
        == [[WANG], [WANG], [], [WANG]]
    assert found.on_shift(JOINED, "00:30") == []
    continued(story, attend("late", day="2026-08-30"), planned(WEEKDAYS, since="2026-09-01"))
    assert found.on_shift("2026-08-31", "23:00") == [WANG]
    again = story.known["roster:customer_service"]
    assert isinstance(again, Roster)
    assert again.on_shift("2026-09-01", "03:00") == [WANG]
    assert lost(story, WANG, AUGUST) == 2
    assert lost(story, WANG) == 0


def test_roster__night_is_one_shift_with_one_outcome() -> None:
    story = start(planned(Shift(name="night", start="22:00", end="06:00", members=[WANG],
                                          days=[1])), attend("late", day="2026-08-31"))
    error = tried(story, attend("present", day="2026-08-31")).refused(AttendedAlready)
    assert str(error) == (
        "member:wang is already recorded as late on 2026-08-31 (shift: night), under number 1. A "
        "shift has one outcome: correct that number first, if it is wrong.")
    error = tried(story, attend("late", day="2026-09-01")).refused(NoShiftThen)
    assert (error.details["day"], error.details["known"]) == ("2026-09-01", "-")
    continued(story, correct(WANG, 1, AUGUST), attend("present", day="2026-08-31"))
    assert lost(story, WANG, AUGUST) == lost(story, WANG) == 0


def test_roster__several_shifts_of_a_day_are_named() -> None:
    story = start(planned(EARLY, LATE), planned(EARLY, roster="hotline"))
    error = tried(story, attend("late", ZHAO, shift="early")).refused(ShiftNeeded)
    assert error.details["own"] == ("customer_service early 09:00–16:30; hotline early 09:00–16:30;"
                                    " customer_service late 16:30–23:00")
    tried(story, attend("late", ZHAO)).refused(ShiftNeeded)
    error = tried(story, attend("late", ZHAO, shift="night")).refused(NotTheirShift)
    assert error.details["shift"] == "night"
    continued(story, attend("late", ZHAO, shift="late"),
              attend("left_early", ZHAO, shift="early", roster="hotline"),
              attend("present", ZHAO, shift="early", roster="customer_service"))
    assert lost(story, ZHAO) == 4


def test_roster__attendance_rejected_where_nobody_planned_the_member() -> None:
    story = start(planned(WEEKDAYS, EARLY))
    error = tried(story, attend("absent", ZHOU, "2026-09-05")).refused(NoShiftThen)
    assert error.details["known"] == "customer_service early 09:00–16:30"
    tried(story, attend("late", LI, roster="customer_service")).refused(NotTheirShift)
    continued(story, attend("late", LI, shift="any"))
    with pytest.raises(InvalidValues):
        attend("meeting_late", roster="customer_service")
    with pytest.raises(InvalidValues):
        attend("late", minutes_early=3)


def test_roster__whoever_stands_in_attends_and_whom_they_cover_too() -> None:
    cover = ArrangeCover(roster="customer_service", day="2026-09-03", shift="night", absent=WANG,
                         cover=ZHAO, occurred_at=at("2026-09-02"))
    story = start(planned(NIGHT, LATE), ("system", cover))
    continued(story, attend("late", ZHAO, shift="night"), attend("present", ZHAO, shift="late"),
              attend("absent", WANG))
    assert lost(story, ZHAO) == 2


def test_roster__both_late_and_early_are_one_outcome_that_costs_both() -> None:
    story = start(planned(NIGHT), attend("late_and_left_early", minutes=5, minutes_early=9))
    assert lost(story, WANG) == 4
    tried(story, attend("left_early")).refused(AttendedAlready)
    continued(story, correct(WANG, 1))
    assert lost(story, WANG) == 0


def test_roster__absence_costs_once_a_day() -> None:
    two = [Shift(name=name, start=start_, end=end, members=[ZHOU])
           for name, start_, end in (("a", "08:00", "12:00"), ("b", "13:00", "18:00"))]
    story = start(planned(*two), attend("absent", ZHOU, shift="b"),
                  attend("absent", ZHOU, shift="a"))
    assert lost(story, ZHOU) == 2
    continued(story, correct(ZHOU, 1))
    assert lost(story, ZHOU) == 2
    continued(story, correct(ZHOU, 2))
    assert lost(story, ZHOU) == 0


def test_meeting__is_left_early_by_who_was_late_but_not_by_who_was_excused() -> None:
    story = start(planned(NIGHT), attend("late"), attend("meeting_late", shift="Monday"),
                  attend("meeting_left_early", shift="Monday"))
    tried(story, attend("meeting_excused", shift="Monday")).refused(AttendedAlready)
    continued(story, attend("meeting_excused", shift="Tuesday"))


# -- leave ----------------------------------------------------------------------------------------

WEEK = [day_after("2026-09-03", number) for number in range(7)]
"""From a Thursday to the next Wednesday."""


def calendar(**fields: Any) -> Step:
    """The calendar of the year: weekdays, but for the days of the national holiday."""
    known = Calendar(**{"calendar": "mainland", "weekdays": [1, 2, 3, 4, 5], "since": "2026-01-01",
                        "until": "2026-12-31", "working": ["2026-10-10"], "source": "x",
                        "holidays": [f"2026-10-0{day}" for day in range(1, 8)], **fields})
    return "system", PublishPolicy(
        policy=Policy(title="year", sections=Sections(calendars=[known])),
        effective_from=JOINED, occurred_at=at(JOINED))


def test_leave__costs_the_working_days_of_the_roster() -> None:
    story = start(planned(WEEKDAYS), *away(WEEK))
    assert lost(story, ZHOU) == 5
    continued(story, day_set("2026-09-07", told="2026-09-01"))
    assert lost(story, ZHOU) == 4
    continued(story, day_set("2026-09-05", Shift(
        name="extra", start="09:00", end="12:00", members=[ZHOU]), told="2026-09-20"))
    assert lost(story, ZHOU) == 5


def test_leave__over_a_holiday_costs_no_points_by_the_calendar() -> None:
    days = [f"2026-10-{day:02d}" for day in range(1, 13)]
    story = start(calendar(), *away(days))
    assert lost(story, ZHOU, OCTOBER) == 4  # 8, 9, 12, and Saturday the 10th, which is worked
    tried(story, attend("late", LI, "2026-10-03")).refused(NoWorkingDay)
    error = tried(start(calendar(), ask(["2027-01-04"])), approve()).refused(CalendarEnds)
    assert (error.details["calendar"], error.details["day"]) == ("mainland", "2027-01-04")


def test_leave__of_half_a_day_costs_half() -> None:
    halves = {"2026-09-03": "pm", "2026-09-04": "am"}
    story = start(planned(WEEKDAYS), *away(WEEK[:2], halves=halves))
    assert lost(story, ZHOU) == 1
    tried(story, ask(["2026-09-03"], number="L2")).refused(LeaveOverlaps)
    tried(story, ask(["2026-09-03"], number="L2", halves={"2026-09-03": "pm"})).refused(
        LeaveOverlaps)
    continued(story, attend("absent", ZHOU), *away(["2026-09-04"], number="L2",
                                                   halves={"2026-09-04": "pm"}))
    assert lost(story, ZHOU) == Decimal("2.5")  # of the day with leave half an absence
    tried(story, attend("present", ZHOU, "2026-09-04")).refused(AttendedOtherwise)
    with pytest.raises(InvalidValues):
        ask(["2026-09-03"], halves={"2026-09-04": "am"})
    with pytest.raises(InvalidValues):
        ask(["2026-09-03"], halves={"2026-09-03": "noon"})


def test_leave__that_nobody_foresaw_takes_the_place_of_the_absence() -> None:
    story = start(planned(WEEKDAYS), attend("absent", ZHOU), attend("absent", ZHOU, "2026-09-04"))
    assert lost(story, ZHOU) == 4
    late = at("2026-09-07")
    tried(story, ask(WEEK[:2], number="L2", occurred_at=late)).refused(LeaveTooLate)
    error = tried(story, ask(WEEK[:2], occurred_at=late, kind="unforeseen",
                             reported_at=at("2026-09-08"))).refused(ReportedLater)
    assert "2026-09-08T04:00:00Z" in str(error)
    continued(story, *sick(WEEK[:2]))
    assert lost(story, ZHOU) == 2
    continued(story, (CHEN, WithdrawLeave(member=ZHOU, number="S1", days=["2026-09-03"],
                                          occurred_at=at("2026-09-20"))))
    assert lost(story, ZHOU) == 3
    with pytest.raises(InvalidValues):
        ask(WEEK, kind="unforeseen")


def test_leave__that_nobody_foresaw_rejected_for_a_shift_that_was_worked() -> None:
    story = start(planned(WEEKDAYS), attend("present", ZHOU))
    asked, approved = sick(["2026-09-03"])
    error = tried(continued(story, asked), approved).refused(AttendedOtherwise)
    assert error.details["what"] == "present"


def test_leave__of_a_sealed_month_takes_the_place_of_an_absence_and_is_carried() -> None:
    away_rule = rule("AWAY", {"offender": ["2", "2"]}, computed_from=["absent"])
    story = started(attend("absent"), *SEALED, opened=opening(away_rule))
    asked, _ = sick(["2026-09-03"], WANG)
    _, approved = sick(["2026-09-03", "2026-10-04"], WANG)
    tried(continued(story, asked), approved).then(
        "member.leave_approved.v1", "month.charge_reversed.v1", "month.effect_carried.v1")
    assert lost(story, WANG) == 0


@pytest.mark.parametrize(("half", "kind", "shift", "costs"), [
    ("pm", "left_early", WEEKDAYS, 0), ("am", "late", WEEKDAYS, 0),
    ("am", "left_early", WEEKDAYS, 2), ("pm", "late", WEEKDAYS, 2),
    ("pm", "late_and_left_early", WEEKDAYS, 2),
    ("am", "late_and_left_early", WEEKDAYS, 2)])
def test_leave__of_half_a_day_takes_the_place_of_what_lies_in_it(
    half: str, kind: str, shift: Shift, costs: int
) -> None:
    """R-PPL-29: in whatever order the two are recorded."""
    day = "2026-09-03"
    leave, went = away([day], WANG, halves={day: half}), attend(kind, WANG, day)
    alone = lost(start(planned(shift), *leave), WANG)
    first = start(planned(shift), *leave)
    continued(first, went)
    assert lost(first, WANG) - alone == costs
    later = start(planned(shift), went, *away(
        [day], WANG, halves={day: half}, kind="unforeseen", reported_at=at(day, 1),
        occurred_at=at(day_after(day))))
    assert lost(later, WANG) == lost(first, WANG)


def test_halves__of_a_day_in_which_a_shift_lies() -> None:
    def half(start: str, end: str) -> set[str]:
        return halves_of([Duty("r", Shift(name="s", start=start, end=end))], None, None)

    assert half("09:00", "12:00") == {"am"}
    assert half("12:00", "18:00") == half("22:00", "06:00") == {"pm"}
    assert half("09:00", "18:00") == halves_of([], None, "s") == {"am", "pm"}


# -- any month ------------------------------------------------------------------------------------

DAYS = [day_after("2026-08-28", number) for number in range(10)]
days = st.sampled_from(DAYS)
patterns = st.lists(st.integers(1, 7), min_size=0, max_size=7, unique=True).map(sorted)
outcomes = st.dictionaries(days, st.sampled_from(["present", "late", "absent"]), max_size=5)
halves = st.sampled_from(["am", "pm", ""])
leaves = st.dictionaries(days, halves, max_size=5)


def month_by_hand(
    name: str, month: str, works: set[str], attended: dict[str, str], taken: dict[str, str],
) -> Decimal:
    """The points of a month, worked out from the rules as they are printed."""
    found = Decimal(0)
    for day in DAYS:
        if day[:7] != month:
            continue
        if day in taken and day in works:
            found += Decimal("0.5") if taken[day] else 1
        kind = attended.get(day)
        if kind == "late" and name == WANG and taken.get(day) != "pm":
            found += 2
        if kind == "absent" and name == ZHOU and taken.get(day) not in ("", "pm"):
            found += 2
    return found


def _possible(
    works: set[str], attended: dict[str, str], taken: dict[str, str]
) -> dict[str, str]:
    """What can be recorded: on days that are worked, and not on leave but for an absence."""
    return {day: kind for day, kind in attended.items()
            if day in works and (taken.get(day) != "" or kind == "absent")}


@examples(st.sampled_from((WANG, ZHOU)), patterns, st.sets(days, max_size=3), outcomes, leaves,
          st.randoms())
def test_leave__and_attendance_cost_the_same_in_any_order(
    name: str, pattern: list[int], free: set[str], attended: dict[str, str],
    taken: dict[str, str], order: Any,
) -> None:
    shift = Shift(name="s", start="22:00", end="06:00", members=[name], days=pattern)
    works = {day for day in DAYS if date.fromisoformat(day).isoweekday() in pattern} - free
    assume(pattern)
    attended = _possible(works, attended, taken)
    leave = {f"L{day}": sick([day], name, f"L{day}") for day in taken}
    for day, half in taken.items():
        if half:
            leave[f"L{day}"] = away(
                [day], name, f"L{day}", halves={day: half}, kind="unforeseen",
                reported_at=at(day, 1), occurred_at=at(day_after(day)))
    first = [planned(shift), *(attend(kind, name, day) for day, kind in attended.items())]
    later: list[list[Step]] = [[day_set(day, told="2026-09-20")] for day in sorted(free)]
    later += leave.values()
    order.shuffle(later)
    story = start(*first, *(step for steps in later for step in steps))
    for month in (AUGUST, MONTH):
        assert lost(story, name, month) == month_by_hand(name, month, works, attended, taken)


@examples(patterns, st.lists(days, min_size=2, max_size=8, unique=True).map(sorted),
          st.integers(1, 7), halves)
def test_leave__split_in_two_costs_the_same(
    pattern: list[int], asked: list[str], cut: int, half: str,
) -> None:
    shift = Shift(name="s", start="09:00", end="18:00", members=[ZHOU], days=pattern)
    kinds = {asked[0]: half} if half else {}
    whole = start(planned(shift), *away(asked, halves=kinds))
    parts = [part for part in (asked[:cut], asked[cut:]) if part]
    split = start(planned(shift), *(step for number, part in enumerate(parts) for step in away(
        part, number=f"P{number}", halves={day: one for day, one in kinds.items()
                                           if day in part})))
    for month in (AUGUST, MONTH):
        assert lost(whole, ZHOU, month) == lost(split, ZHOU, month)


# -- hand-overs -----------------------------------------------------------------------------------


def hand(name: str = ZHAO, shift: str = "early", day: str = "2026-09-03", **fields: Any) -> Step:
    """The note for the next shift, by who had it."""
    return name, HandOverShift(**{"member": name, "day": day, "shift": shift,
                                  "note": "two buyers wait", "occurred_at": at(day, 23), **fields})


def test_roster__shift_is_handed_over_by_who_has_it_that_day() -> None:
    story = start(planned(EARLY, LATE, NIGHT), planned(WEEKDAYS, roster="floor"),
                  *away(["2026-09-08"], ZHAO))
    tried(story, hand(WANG, "early")).refused(NotTheirShift)
    tried(story, hand(ZHAO, "night")).refused(NotTheirShift)
    tried(story, hand(ZHOU, "day", "2026-09-06")).refused(NoShiftThen)
    tried(story, hand(day="2026-09-08")).refused(
        AttendedOtherwise, f"{ZHAO} is on approved leave on 2026-09-08, and cannot be handing a "
        "shift over as well. Take that back first (member.withdraw_leave")
    tried(story, hand(day="2026-09-04", occurred_at=at("2026-09-03"))).refused(AttendanceAhead)
    tried(story, hand()).then("attendance.shift_handed_over.v1")
    tried(story, hand(shift="late", to_member=WANG)).then("attendance.shift_handed_over.v1")
    tried(story, hand(LIU, "any")).then("attendance.shift_handed_over.v1")


def test_roster__shift_is_handed_over_once_whoever_writes_the_note() -> None:
    other = planned(Shift(name="early", start="18:00", end="22:00", members=[ZHAO]), roster="fair")
    story = start(planned(EARLY, LATE), other)
    tried(story, hand()).refused(ShiftNeeded)
    fact, *_ = tried(story, hand(roster="fair")).then("attendance.shift_handed_over.v1")
    assert (fact.roster, fact.shift) == ("fair", "early")
    for by in (ZHAO, LI):
        tried(story, (by, hand(roster="fair", note="and a third")[1])).refused(HandedOverAlready)
    tried(story, hand(roster="customer_service")).then("attendance.shift_handed_over.v1")
    tried(story, hand(day="2026-09-04", roster="fair")).then("attendance.shift_handed_over.v1")
    story = start(hand(WANG, "any"))
    tried(story, hand(WANG, "any")).refused(HandedOverAlready)


def test_roster__shift_is_handed_over_to_somebody_else_who_is_here() -> None:
    with pytest.raises(InvalidValues) as caught:
        hand(to_member=ZHAO)
    assert [fault.where for fault in caught.value.faults] == ["/to_member"]
    gone = "system", LeaveShop(member=ZHOU, last_day="2026-09-02", occurred_at=at("2026-09-02"))
    comes = "system", JoinMember(member="member:new", joined_on="2026-09-04",
                                 occurred_at=at("2026-09-01"))
    story = start(planned(EARLY), gone, comes)
    for taker in (ZHOU, "member:nobody"):
        tried(story, hand(to_member=taker)).refused(TakerNotHere)
    tried(story, hand(to_member="member:new")).then("attendance.shift_handed_over.v1")


# -- who plans, and what a refusal tells ----------------------------------------------------------


def test_roster__rejected_of_who_takes_others_out_of_their_shifts() -> None:
    """R-PPL-15. A roster that names nobody any more plans for those who were in it."""
    shifts = planned(WEEKDAYS, roster="floor")
    gone = "system", LeaveShop(member=ZHOU, last_day="2026-09-20", occurred_at=at("2026-09-20"))
    story = start(shifts)
    empty = [SetRoster(roster="floor", since="2026-09-07", shifts=[], occurred_at=at("2026-09-01")),
             SetRosterDay(roster="floor", day="2026-09-07", shifts=[],
                          occurred_at=at("2026-09-01"))]
    for command in empty:
        tried(story, (LI, command)).refused(NotTheHead)
    tried(story, (LI, SetRosterDay(roster="floor", day="2026-09-06", shifts=[], reason="holiday",
                                   occurred_at=at("2026-09-01")))).then("roster.day_set.v1")
    tried(story, (CHEN, empty[0])).then("roster.pattern_set.v1")
    later = SetRoster(roster="floor", since="2026-09-21", shifts=[], occurred_at=at("2026-09-21"))
    tried(start(shifts, gone), (LI, later)).then("roster.pattern_set.v1")


@pytest.mark.parametrize("command", [
    RecordAttendance(member=ZHOU, day="2026-09-25", kind="late", occurred_at=at("2026-09-26")),
    CorrectAttendance(member=ZHOU, month=MONTH, number=1, reason="slip",
                      occurred_at=at("2026-09-26")),
    CorrectAttendance(member=ZHOU, month=MONTH, number=7, reason="slip",
                      occurred_at=at("2026-09-26")),
    SetRoster(roster="cs", since="2026-09-25", occurred_at=at("2026-09-26"),
              shifts=[Shift(name="x", start="09:00", end="10:00", members=[ZHOU])]),
    ArrangeCover(roster="cs", day="2026-09-25", shift="x", absent=WANG, cover=ZHOU,
                 occurred_at=at("2026-09-26"))])
def test_rights__refusal_says_nothing_of_whom_one_does_not_head(command: Any) -> None:
    """Whether ZHOU is still here, and how many facts there are, is for those who head ZHOU."""
    gone = "system", LeaveShop(member=ZHOU, last_day="2026-09-20", occurred_at=at("2026-09-20"))
    story = start(attend("late", ZHOU), gone)
    for actor in (LI, WANG):
        error = tried(story, (actor, command)).refused(NotTheHead)
        assert not {"2026-09-20", "2026-09-03"} & set(str(error).split())
    tried(story, (CHEN, command))
    assert not isinstance(story.error, NotTheHead)


@pytest.mark.parametrize("first", ["cover", "leave"])
def test_leave__of_who_stood_in_costs_the_same_in_any_order(first: str) -> None:
    """Who stands in for a stand-in takes the shift from them, and the leave of that day with it."""
    day, only = "2026-09-03", Shift(name="day", start="09:00", end="18:00", members=[WANG])
    other = Shift(name="monday", start="09:00", end="18:00", members=[ZHAO], days=[1])
    steps: list[Step] = [
        (CHEN, ArrangeCover(roster="customer_service", day=day, shift="day", absent=ZHAO, cover=LI,
                            occurred_at=at("2026-09-01"))),
        (CHEN, ApproveLeave(member=ZHAO, number="L1", occurred_at=at("2026-09-01")))]
    story = start(
        planned(only), planned(other, roster="other"),
        (CHEN, ArrangeCover(roster="customer_service", day=day, shift="day", absent=WANG,
                            cover=ZHAO, occurred_at=at("2026-09-01"))),
        ask([day], ZHAO), *(steps if first == "cover" else reversed(steps)))
    account = story.known.get(account_of(ZHAO, MONTH))
    assert account is None or not account.charges
