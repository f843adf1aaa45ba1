"""Until when something has to be done: each row of the sources by hand, and what holds of any."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.common.values import Checks
from ledger.policies.deadlines import Suspension, Turn, due, late_from, printed_shifts
from ledger.policies.errors import CalendarEnds, DeadlineUnknown, NoShiftThere
from ledger.policies.reader import read
from ledger.policies.times import Calendar, Deadline, Hours, Limit
from ledger.policies.times_checks import TimesChecks
from ledger.policies.values import Sections, Version
from tests.support.days import IN_SHANGHAI
from tests.support.thorough import tried

SHANGHAI = ZoneInfo("Asia/Shanghai")
PRINTED = Version(1, "2026-01-01", read("deadlines").sections)
CAMPAIGN = "campaign"


def at(text: str) -> datetime:
    """A moment of the shop, as `2026-09-30 14:00`; 24:00 is the next midnight."""
    day, clock = text.split()
    if clock == "24:00":
        return at(f"{day} 00:00") + timedelta(days=1)
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(("name", "start", "limit"), [
    ("dispatch", "2026-02-14 10:00", "2026-02-16 10:00"),
    ("dispatch_usual", "2026-12-31 23:59:59", "2027-01-01 23:59:59"),
    ("dispatch_same_day", "2026-09-01 15:59", "2026-09-01 18:00"),
    ("dispatch_same_day", "2026-09-01 16:00", "2026-09-02 18:00"),
    ("dispatch_same_day", "2026-09-05 16:00", "2026-09-07 18:00"),
    ("dispatch_same_day", "2026-09-06 10:00", "2026-09-07 18:00"),
    ("dispatch_same_day", "2026-09-19 17:00", "2026-09-20 18:00"),
    ("dispatch_same_day", "2026-09-30 16:00", "2026-10-08 18:00"),
    ("dispatch_after_ready", "2026-09-24 09:00", "2026-09-28 24:00"),
    ("dispatch_after_ready", "2026-02-13 09:00", "2026-02-14 24:00"),
    ("dispatch_after_ready", "2026-02-14 23:00", "2026-02-24 24:00"),
    ("unsendable_told", "2026-09-01 18:00", "2026-09-01 18:00"),
    ("unsendable_told", "2026-09-01 18:00:01", "2026-09-02 18:00"),
    ("unsendable_told", "2026-09-05 19:00", "2026-09-07 18:00"),
    ("unsendable_settled", "2026-09-01 18:10", "2026-09-01 23:00"),
    ("unsendable_settled", "2026-09-01 23:00", "2026-09-02 23:00"),
    ("courier_exceptions", "2026-09-01 08:00", "2026-09-01 16:30"),
    ("courier_exceptions", "2026-09-01 16:30", "2026-09-02 16:30"),
    ("enquiry", "2026-09-01 10:00", "2026-09-01 16:30"),
    ("enquiry", "2026-09-01 16:30", "2026-09-01 23:00"),
    ("enquiry", "2026-09-01 17:59", "2026-09-01 23:00"),
    ("enquiry", "2026-09-01 18:00", "2026-09-02 12:00"),
    ("enquiry", "2026-09-30 18:00", "2026-10-08 12:00"),
    ("enquiry", "2026-10-09 20:00", "2026-10-10 12:00"),
    ("enquiry_follow_up", "2026-12-31 09:00", "2027-01-01 24:00"),
    ("first_reply", "2026-09-01 10:00:00", "2026-09-01 10:00:45"),
    ("first_reply", "2026-09-01 22:59:30", "2026-09-02 09:00:15"),
    ("first_reply", "2026-09-01 03:00:00", "2026-09-01 09:00:45"),
    ("phone", "2026-09-01 10:00:00", "2026-09-01 10:00:10"),
    ("daily_report", "2026-09-30 09:00", "2026-10-08 10:00"),
    ("daily_report", "2026-10-09 09:00", "2026-10-10 10:00"),
    ("weekly_report", "2026-09-07 09:00", "2026-09-11 24:00"),
    ("weekly_report", "2026-09-12 09:00", "2026-09-18 24:00"),
    ("weekly_report", "2026-09-21 09:00", "2026-09-24 24:00"),
    ("weekly_report", "2026-09-28 09:00", "2026-09-30 24:00"),
    ("weekly_report", "2026-10-01 09:00", "2026-10-09 24:00"),
    ("weekly_report", "2026-02-16 09:00", "2026-02-27 24:00"),
    ("daily_count_report", "2026-09-05 08:30", "2026-09-05 18:00"),
    ("daily_count_report", "2026-09-06 08:30", "2026-09-07 18:00"),
    ("bad_rating", "2026-09-24 09:00", "2026-09-29 24:00"),
    ("bad_rating", "2026-09-18 23:59", "2026-09-21 24:00"),
    ("month_end_statement", "2026-02-03 09:00", "2026-02-28 24:00"),
    ("month_end_statement", "2026-08-31 23:59", "2026-08-31 24:00"),
    ("paid_undispatched_settled", "2026-08-31 20:00", "2026-09-07 24:00"),
    ("paid_undispatched_settled", "2026-12-31 20:00", "2027-01-07 24:00"),
    ("target_set", "2026-02-01 09:00", "2026-02-28 24:00"),
    ("target_set", "2026-08-31 09:00", "2026-09-30 24:00"),
    ("help_request", "2026-09-04 09:00", "2026-09-06 24:00"),
    ("customer_papers", "2026-09-04 09:00", "2026-09-04 24:00"),
    ("cash_hand_in", "2026-09-04 23:59:59", "2026-09-04 24:00"),
    ("goods_in_slip", "2026-09-04 00:00", "2026-09-04 24:00"),
    ("listing", "2026-09-29 09:00", "2026-10-02 24:00"),
])
def test_due__is_what_is_worked_out_by_hand(name: str, start: str, limit: str) -> None:
    found = due(PRINTED, name, at(start), days=IN_SHANGHAI)

    assert found == at(limit)
    assert found.tzinfo is UTC


def test_due__every_printed_row_is_worked_out_by_hand() -> None:
    (marked,) = (one for one in test_due__is_what_is_worked_out_by_hand.pytestmark
                 if one.name == "parametrize")
    assert {name for name, *_ in marked.args[1]} == {
        one.deadline for one in PRINTED.sections.deadlines or ()}


@pytest.mark.parametrize(("name", "limit", "late"), [
    ("dispatch", "2026-09-04 10:00", "2026-09-07 12:00"),
    ("dispatch_same_day", "2026-09-30 18:00", "2026-10-08 12:00"),
    ("first_reply", "2026-09-01 10:00", "2026-09-01 10:00"),
    ("bad_rating", "2026-09-01 24:00", "2026-09-01 24:00"),
])
def test_late_from__leaves_grace_to_record_what_happened_in_time(
    name: str, limit: str, late: str
) -> None:
    assert late_from(PRINTED, name, at(limit), days=IN_SHANGHAI) == at(late)


def test_due__rejected_of_a_deadline_that_is_not_there() -> None:
    with pytest.raises(DeadlineUnknown, match="no deadline 'tea'. There are: bad_rating, cash"):
        due(PRINTED, "tea", at("2026-09-01 10:00"), days=IN_SHANGHAI)


@pytest.mark.parametrize(("name", "start"), [
    ("daily_report", "2026-12-31 09:00"), ("bad_rating", "2026-12-30 09:00"),
    ("weekly_report", "2027-01-01 09:00"), ("dispatch_same_day", "2026-12-31 16:00"),
    ("daily_count_report", "2025-12-31 09:00")])
def test_due__rejected_beyond_the_calendar(name: str, start: str) -> None:
    with pytest.raises(CalendarEnds, match="covers 2026-01-01 to 2026-12-31, and nobody has said"):
        due(PRINTED, name, at(start), days=IN_SHANGHAI)


def rota(*turns: tuple[str, str, str]) -> Any:
    """A roster of single shifts."""
    known = [Turn(name, at(since), at(until)) for name, since, until in turns]
    return lambda day: [one for one in known
                        if one.since.astimezone(SHANGHAI).date().isoformat() == day]


def test_due__takes_the_roster_before_the_printed_shifts() -> None:
    shifts = rota(("early", "2026-09-01 10:00", "2026-09-01 15:00"),
                  ("early", "2026-09-02 07:00", "2026-09-02 12:00"),
                  ("late", "2026-09-01 22:00", "2026-09-02 06:00"))

    def found(name: str, start: str) -> datetime:
        return due(PRINTED, name, at(start), days=IN_SHANGHAI, roster=shifts)

    assert found("courier_exceptions", "2026-09-01 11:00") == at("2026-09-01 15:00")
    assert found("courier_exceptions", "2026-09-01 15:00") == at("2026-09-02 12:00")
    assert found("courier_exceptions", "2026-09-04 15:00") == at("2026-09-05 24:00")
    assert found("enquiry", "2026-09-01 15:00") == at("2026-09-02 06:00")
    assert found("enquiry", "2026-09-02 05:00") == at("2026-09-02 06:00")
    assert found("enquiry", "2026-09-02 15:00") == at("2026-09-03 12:00")
    with pytest.raises(NoShiftThere, match=r"runs to the end of a shift \(late\)"):
        found("unsendable_settled", "2026-09-04 10:00")


def test_due__a_campaign_suspends_what_it_suspends() -> None:
    campaign = [Suspension(CAMPAIGN, at("2026-09-01 12:00"), at("2026-09-03 00:00")),
                Suspension(CAMPAIGN, at("2026-09-02 00:00"), at("2026-09-04 00:00"))]

    def found(name: str, start: str) -> datetime:
        return due(PRINTED, name, at(start), days=IN_SHANGHAI, suspensions=campaign)

    assert found("dispatch_usual", "2026-09-01 10:00") == at("2026-09-04 22:00")
    assert found("dispatch_usual", "2026-09-02 10:00") == at("2026-09-05 00:00")
    assert found("dispatch_usual", "2026-08-31 12:00") == at("2026-09-01 12:00")
    assert found("dispatch", "2026-09-01 10:00") == at("2026-09-03 10:00")


# -- what holds of any row ------------------------------------------------------------------------

BEGIN = at("2026-03-01 00:00")
moments = st.integers(0, 120 * 24 * 60).map(lambda minutes: BEGIN + timedelta(minutes=minutes))
clocks = st.sampled_from(["00:00", "09:30", "18:00", "24:00"])
limits = st.one_of(
    st.builds(Limit, within=st.integers(1, 90), unit=st.sampled_from(["seconds", "hours"]),
              hours=st.sampled_from([None, "online"])),
    st.builds(Limit, within=st.integers(1, 9), unit=st.just("days"), by=st.none() | clocks),
    st.builds(Limit, within=st.integers(1, 9), unit=st.just("working_days"),
              by=st.none() | clocks, calendar=st.just("c")),
    st.builds(Limit, by=clocks, calendar=st.sampled_from([None, "c"])),
    st.builds(Limit, until=st.sampled_from(["day_end", "month_end"])),
    st.builds(Limit, until=st.just("week_end"), calendar=st.just("c")),
    st.builds(Limit, until=st.just("month_day"), day=st.integers(1, 31),
              of=st.sampled_from(["this", "next"])))
days = st.integers(0, 150).map(lambda n: (date(2026, 3, 1) + timedelta(days=n)).isoformat())
online = Hours(hours="online", zh="在线", en="online", start="09:00", end="23:00",
               weekdays=[1, 2, 3, 4, 5, 6])


@st.composite
def versions(draw: st.DrawFn) -> Version:
    """A version with one deadline `d` that publication would take, and a calendar."""
    limit = draw(limits)
    holidays = draw(st.sets(days, max_size=30))
    working = draw(st.sets(days, max_size=10)) - holidays
    weekdays = draw(st.sampled_from([[1, 2, 3, 4, 5], [4, 6], [7, 1]]))
    calendar = Calendar(calendar="c", weekdays=weekdays, since="2026-01-01",
                        until="2027-12-31", holidays=sorted(holidays), working=sorted(working))
    fields = {name: getattr(limit, name) for name in Limit.__struct_fields__}
    row = Deadline(deadline="d", zh="d", en="d", starts_at="opened", suspended_by=CAMPAIGN,
                   **fields)
    checks = Checks()
    TimesChecks(checks, {"c": calendar}, {"online"}, set()).deadline("", row)
    assert checks.faults == []
    return Version(1, "2026-01-01", Sections(deadlines=[row], calendars=[calendar],
                                             hours=[online]))


spans = st.lists(st.tuples(moments, st.integers(1, 9 * 24 * 60)).map(
    lambda one: Suspension(CAMPAIGN, one[0], one[0] + timedelta(minutes=one[1]))), max_size=4)


@settings(max_examples=tried(300), deadline=None)
@given(versions(), moments, moments, spans)
def test_due__never_before_the_start_and_never_earlier_for_a_later_start(
    version: Version, one: datetime, other: datetime, suspensions: list[Suspension]
) -> None:
    first, second = (due(version, "d", start, days=IN_SHANGHAI, suspensions=suspensions)
                     for start in sorted((one, other)))

    assert first <= second
    assert min(one, other) <= first
    assert max(one, other) <= second


@settings(max_examples=tried(300), deadline=None)
@given(versions(), moments, spans, spans)
def test_due__a_suspension_only_lengthens(
    version: Version, start: datetime, some: list[Suspension], more: list[Suspension]
) -> None:
    assert due(version, "d", start, days=IN_SHANGHAI, suspensions=some) <= due(
        version, "d", start, days=IN_SHANGHAI, suspensions=[*some, *more])


@settings(max_examples=tried(300), deadline=None)
@given(versions(), moments)
def test_due__a_working_day_falls_on_a_working_day(version: Version, start: datetime) -> None:
    (row,), (calendar,) = version.sections.deadlines or (), version.sections.calendars or ()
    found = due(version, "d", start, days=IN_SHANGHAI).astimezone(SHANGHAI)

    if row.calendar is not None:
        last = found - timedelta(microseconds=1) if row.by != "00:00" else found
        assert calendar.works_on(last.date())


@settings(max_examples=tried(300), deadline=None)
@given(moments, st.integers(1, 12))
def test_due__counts_as_many_working_days_as_it_says(start: datetime, many: int) -> None:
    row = Deadline(deadline="d", zh="d", en="d", starts_at="opened", within=many,
                   unit="working_days", calendar="mainland")
    version = Version(1, "", Sections(deadlines=[row], calendars=PRINTED.sections.calendars))
    mainland = next(one for one in PRINTED.sections.calendars or () if one.calendar == "mainland")

    found = due(version, "d", start, days=IN_SHANGHAI)
    last = found.astimezone(SHANGHAI).date()  # the midnight after it

    first = start.astimezone(SHANGHAI).date()
    between = [first + timedelta(days=n) for n in range(1, (last - first).days)]
    assert sum(map(mainland.works_on, between)) == many


def test_printed_shifts__are_the_hours_of_the_weekday() -> None:
    names = {day: {turn.name for turn in printed_shifts(PRINTED, IN_SHANGHAI)(day)}
             for day in ("2026-09-05", "2026-09-06")}

    assert names["2026-09-05"] - names["2026-09-06"] == {"dispatch"}
