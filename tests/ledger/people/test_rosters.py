"""Rosters: weekday patterns, overlaps, 24:00, single days, who stands in for whom."""

from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from ledger.common.errors import InvalidValues
from ledger.people.errors import MemberUnknown, NotOnShift, OnShiftAlready, ShiftUnknown
from ledger.people.rosters import ArrangeCover, Roster, SetRoster, SetRosterDay, Shift
from tests.support.stories import Story, given
from tests.support.team import JOINED, LI, WANG, ZHAO, ZHOU, at, team

EARLY = Shift(name="early", start="09:00", end="16:30", days=[1, 3, 5], members=[WANG])
LATE = Shift(name="late", start="16:00", end="24:00", days=[1, 2, 3, 4, 5, 6, 7], members=[ZHAO])
MONDAY, TUESDAY, SATURDAY = "2026-09-07", "2026-09-08", "2026-09-12"


def pattern(*shifts: Shift, since: str = JOINED) -> SetRoster:
    """Shifts that repeat."""
    return SetRoster(roster="customer_service", since=since, shifts=list(shifts),
                     occurred_at=at(since))


def cover(**fields: Any) -> ArrangeCover:
    """Zhou stands in for Wang on Monday."""
    return ArrangeCover(**{"roster": "customer_service", "day": MONDAY, "shift": "early",
                           "absent": WANG, "cover": ZHOU, "occurred_at": at(MONDAY, 8), **fields})


def roster(story: Story) -> Roster:
    """The roster as the story left it."""
    found = story.known["roster:customer_service"]
    assert isinstance(found, Roster)
    return found


def test_roster__tells_who_is_on_shift_at_any_time() -> None:
    found = roster(given(*team(), pattern(EARLY, LATE)))

    assert found.on_shift(MONDAY, "08:59") == []
    assert found.on_shift(MONDAY, "09:00") == [WANG]
    assert found.on_shift(MONDAY, "16:15") == [WANG, ZHAO]
    assert found.on_shift(MONDAY, "16:30") == [ZHAO]
    assert found.on_shift(MONDAY, "23:59") == [ZHAO]
    assert found.on_shift(TUESDAY, "10:00") == []
    assert [shift.name for shift in found.on(SATURDAY)] == ["late"]


def test_roster__changes_from_a_day_on_and_keeps_the_past() -> None:
    other = Shift(name="all day", start="08:00", end="24:00", members=[ZHOU])
    story = given(*team(), pattern(EARLY, LATE), pattern(other, since=TUESDAY))
    story.when(pattern(other, since=TUESDAY)).then()

    assert roster(story).on_shift(MONDAY, "10:00") == [WANG]
    assert roster(story).on_shift(TUESDAY, "10:00") == [ZHOU]
    assert roster(story).on("2025-12-31") == []


def test_roster__of_a_single_day_takes_the_place_of_the_pattern() -> None:
    story = given(*team(), pattern(EARLY, LATE), SetRosterDay(
        roster="customer_service", day=MONDAY, shifts=[], reason="holiday",
        occurred_at=at(MONDAY)))

    assert roster(story).on(MONDAY) == []
    assert roster(story).on_shift("2026-09-14", "10:00") == [WANG]


def test_roster__knows_who_stands_in() -> None:
    story = given(*team(), pattern(EARLY, LATE))
    story.when(cover()).then("roster.cover_arranged.v1")
    story.when(cover()).then()

    assert roster(story).on_shift(MONDAY, "10:00") == [ZHOU]
    assert roster(story).on_shift("2026-09-09", "10:00") == [WANG]


def test_roster__knows_who_stands_in_for_who_stands_in() -> None:
    story = given(*team(), pattern(EARLY, LATE))
    story.when(cover()).then("roster.cover_arranged.v1")
    story.when(cover(absent=ZHOU, cover=LI)).then("roster.cover_arranged.v1")

    (shift, seats), _ = roster(story).seats(MONDAY)
    assert (shift.members, seats) == ([WANG], [(WANG, LI)])
    assert roster(story).on_shift(MONDAY, "10:00") == [LI]


def test_roster__rejected() -> None:
    story = given(*team(), pattern(EARLY, LATE))
    story.when(cover(shift="night")).refused(ShiftUnknown)
    story.when(cover(absent=LI)).refused(NotOnShift)
    story.when(cover(cover="member:nobody")).refused(MemberUnknown)
    story.when(cover(cover=WANG)).refused(OnShiftAlready)
    story.when(pattern(Shift(name="x", start="09:00", end="10:00", members=["member:nobody"]))
               ).refused(MemberUnknown)


@pytest.mark.parametrize("fields", [
    {"start": "9:00"}, {"end": "24:01"}, {"start": "24:00", "end": "06:00"}, {"end": "09:00"},
    {"days": [0]},
    {"days": [8]}, {"members": ["wang"]}, {"members": [WANG, WANG]}, {"name": " "}])
def test_roster__rejected_when_a_shift_is_not_well_formed(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValues):
        pattern(Shift(**{"name": "early", "start": "09:00", "end": "16:30", **fields}))


TIMES = st.integers(0, 24).map(lambda hour: f"{hour:02d}:00")


@examples(st.lists(st.tuples(TIMES, TIMES, st.sampled_from([WANG, ZHAO, ZHOU])), max_size=8))
def test_roster__shifts_may_overlap(spans: list[tuple[str, str, str]]) -> None:
    shifts = [Shift(name=str(number), start=start, end=end, members=[who])
              for number, (start, end, who) in enumerate(spans) if start not in (end, "24:00")]
    found = roster(given(*team(), pattern(*shifts)))
    for hour in range(24):
        time, after = f"{hour:02d}:30", f"{hour + 24}:30"
        assert found.on_shift(MONDAY, time) == sorted({
            who for start, end, who in spans if start != "24:00" and any(
                start <= one < (end if start < end else f"{int(end[:2]) + 24}:00")
                for one in (time, after)) and start != end})
