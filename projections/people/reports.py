"""Reports about people: who was here, held which post, was on shift, was absent, on any day.

A shift that nobody covers is reported, never refused. Names and contacts are in none of them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ledger.common.days import FOR_EVER, month_of
from ledger.common.phrases import Phrase
from ledger.common.values import EPOCH, from_us, rfc3339
from ledger.people.attendance import OUTCOMES, Attendance, Attended, attendance_of
from ledger.people.duty import shifts_in
from ledger.people.member import APPROVED, Leave, Member
from ledger.people.posts import Post
from ledger.people.rosters import Roster, Shift
from projections.asking.answering import Past, Reading, Report, recorded, report
from projections.asking.written import Written
from projections.people.answers import (
    AttendanceRow,
    LeaveRow,
    PostTermRow,
    RosterRow,
    ShiftRow,
    StaffRow,
)
from projections.people.rows import Known, People, Tracked, Wanted, kind_of, known_at

ABSENT = "absent"
"""The kind of attendance that empties a place in a shift."""


def _day(reading: Reading) -> str:
    """The day that is asked about, by default that of the moment: then it is noted. Errors:
    R-PRJ-16."""
    if (asked := reading.question.must_be_of_day()) is not None:
        return asked
    day = _day_by_default(reading)
    if reading.now:
        reading.note(Phrase("{day}: today in {zone}", day=day, zone=reading.days.zone))
    else:
        reading.note(Phrase("{day}: the day as of which this is, in {zone}", day=day,
                            zone=reading.days.zone))
    return day


def _day_by_default(reading: Reading) -> str:
    """The day as of which a question is asked: a past answer must not change with today's date."""
    as_of, days, recorded_at = reading.cut.asked, reading.days, reading.as_of["recorded_at"]
    if reading.now:
        return days.day_of(datetime.now(UTC))
    asked = as_of.occurred or as_of.recorded
    if asked is None:
        return days.day_of(datetime.fromisoformat(recorded_at) if recorded_at else EPOCH)
    try:
        return days.day_of(from_us(asked.at_us))
    except OverflowError:  # the last hours of all, in which the shop has no day any more
        return FOR_EVER


def _only(stream: str | None) -> list[str] | None:
    return None if stream is None else [stream]


# -- a day ----------------------------------------------------------------------------------------


@report(People, Past.ROWS, name="staff", knows=recorded(Member.KIND), row=StaffRow)
def staff(reading: Reading) -> Iterator[dict[str, Any]]:
    """Everybody who ever joined, on a day; by default today, of the past on its last day. The
    subject is a member.

    Shapes: member, joined_on, left_on, here, posts (a list), supervisor, on_leave, half_leave (am
    or pm where the leave is half the day), shifts (objects of roster, shift, start, end, covers:
    the member they stand in for), attendance (the kinds that stand). Whoever is not here that day
    holds no post and is on no shift.
    Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07, BadDay (R-PRJ-16).
    """
    day, asked = _day(reading), reading.question.subject
    found = known_at(reading, Wanted({
        Member.KIND: _only(asked), Post.KIND: None, Roster.KIND: None,
        Attendance.KIND: None if asked is None else [attendance_of(asked, month_of(day))]},
        month_of(day)))
    posts = _posts_on(found, day)
    shifts = _shifts_on(found, day)
    for name, tracked in found.of(Member.KIND).items():
        member: Member = tracked.thing
        if member.joined_on is None:
            continue
        here, attended = member.is_here_on(day), found.get(attendance_of(name, month_of(day)))
        yield {
            "member": name,
            "joined_on": member.joined_on,
            "left_on": member.left_on,
            "here": here,
            "posts": posts.get(name, []) if here else [],
            "supervisor": member.supervisor_on(day) if here else None,
            "on_leave": here and member.is_on_leave(day),
            "half_leave": _half_away(member, day) if here else None,
            "shifts": shifts.get(name, []) if here else [],
            "attendance": [] if attended is None or not here else list(dict.fromkeys(
                one.kind for one in attended.thing.standing(day))),
        }


def _half_away(member: Member, day: str) -> str | None:
    """The half of a day of which a member has leave; None where it is the whole day, or none."""
    halves = member.halves_away(day)
    return next(iter(halves)) if len(halves) == 1 else None


def _posts_on(known: Known, day: str) -> dict[str, list[str]]:
    """The posts that each member held on a day."""
    found: dict[str, list[str]] = {}
    for tracked in known.of(Post.KIND).values():
        for member in tracked.thing.holders_on(day):
            found.setdefault(member, []).append(tracked.thing.name)
    return found


def _shifts_on(known: Known, day: str) -> dict[str, list[dict[str, Any]]]:
    """The shifts that each member was in on a day, by their start."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, tracked in known.of(Roster.KIND).items():
        for shift, seats in tracked.thing.seats(day):
            for planned, actual in seats:
                found.setdefault(actual, []).append({
                    "roster": name, "shift": shift.name, "start": shift.start, "end": shift.end,
                    "covers": None if planned == actual else planned})
    return {member: sorted(shifts, key=lambda shift: shift["start"])
            for member, shifts in found.items()}


@report(People, Past.ROWS, name="shifts", knows=recorded(Roster.KIND), row=ShiftRow)
def shifts(reading: Reading) -> Iterator[dict[str, Any]]:
    """The shifts of a day, by default today, of the past those of its last day. The subject is a
    roster.

    Shapes: roster, shift, start, end, members (those in it who work here that day, or who stand in
    for them), director, covered (somebody is there), absent (the members who have approved leave of
    the whole day, or are recorded absent from that shift or that day, and whom nobody stands in
    for), half_leave (the members who have leave of half the day, with the half), overlaps (the
    members who are in another shift at the same time). A shift whose end is before its start ends
    on the next day.
    Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07, BadDay (R-PRJ-16).
    """
    day = _day(reading)
    found = known_at(reading, Wanted({
        Roster.KIND: None, Member.KIND: None, Attendance.KIND: None},
        month_of(day)))
    there = [(name, shift) for name, tracked in found.of(Roster.KIND).items()
             for shift in tracked.thing.on(day)]
    asked = reading.question.subject
    return (_shown(found, day, one, there) for one in there if asked in (None, one[0]))


def _shown(
    known: Known, day: str, one: tuple[str, Shift], there: list[tuple[str, Shift]]
) -> dict[str, Any]:
    roster, shift = one
    members = [name for name in dict.fromkeys(shift.members)
               if name in known and known[name].thing.is_here_on(day)]
    absent = [name for name in members if _is_absent(known, day, name, one)]
    busy = {name for other in there if other is not one and shift.overlaps(other[1])
            for name in other[1].members}
    return {
        "roster": roster, "shift": shift.name, "start": shift.start, "end": shift.end,
        "members": members, "director": shift.director,
        "covered": len(absent) < len(members), "absent": absent,
        "half_leave": [f"{name} {half}" for name in members
                       if (half := _half_away(known[name].thing, day)) is not None],
        "overlaps": [name for name in members if name in busy]}


def _is_absent(known: Known, day: str, name: str, one: tuple[str, Shift]) -> bool:
    if known[name].thing.is_away(day):
        return True
    attended = known.get(attendance_of(name, month_of(day)))
    roster, shift = one[0].partition(":")[2], one[1].name
    return attended is not None and any(
        fact.kind == ABSENT and fact.excludes(ABSENT, roster, shift)
        for fact in attended.thing.standing(day))


# -- what was recorded ----------------------------------------------------------------------------


@report(People, Past.ROWS, name="post-terms", knows=recorded(Post.KIND, Member.KIND),
        row=PostTermRow)
def post_terms(reading: Reading) -> Iterator[dict[str, Any]]:
    """Who held which post from when until when; None: still. The subject is a post or a member.

    Shapes: post, member, since, until. Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07.
    """
    asked = reading.question.subject
    is_post = asked is not None and kind_of(asked) == Post.KIND
    found = known_at(reading, Wanted({Post.KIND: _only(asked) if is_post else None}))
    return ({"post": tracked.thing.name, **term._asdict()}
            for tracked in found.of(Post.KIND).values() for term in sorted(
                tracked.thing.terms, key=lambda term: (term.since, term.member))
            if is_post or asked in (None, term.member))


@report(People, Past.ROWS, name="rosters", knows=recorded(Roster.KIND), row=RosterRow)
def rosters(reading: Reading) -> Iterator[dict[str, Any]]:
    """The shifts that repeat, of every pattern that was ever in force. The subject is a roster.

    Shapes: roster, since, shift, start, end, days (weekdays, 1 is Monday), members, director.
    Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07.
    """
    found = known_at(reading, Wanted({Roster.KIND: _only(reading.question.subject)}))
    return ({"roster": name, "since": since, "shift": shift.name, "start": shift.start,
             "end": shift.end, "days": shift.days, "members": shift.members,
             "director": shift.director}
            for name, tracked in found.of(Roster.KIND).items()
            for since, pattern in sorted(dict(tracked.thing.patterns).items())
            for shift in pattern)


@report(People, Past.ROWS, name="attendance", knows=recorded(Member.KIND), row=AttendanceRow)
def attendance(reading: Reading) -> Iterator[dict[str, Any]]:
    """What was recorded of attendance in a month; by default this one, of the past its last. The
    subject is a member.

    Shapes: member, day, kind, roster, shift, minutes, minutes_early, recorded_by, stands,
    corrected_by, reason (of the correction), replaced_by (the number of the leave that took the
    place of an absence), off_roster (by the rosters as they are now, the member has no such shift
    that day), number, position. Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07, R-PRJ-13.
    """
    member, month = reading.question.subject, reading.question.must_be_of_month()
    if month is None:
        month = month_of(_day_by_default(reading))
        reading.note(Phrase("{month}: this month", month=month) if reading.now else
                     Phrase("{month}: the month as of which this is", month=month))
    found = known_at(reading, Wanted({
        Attendance.KIND: None if member is None else [attendance_of(member, month)],
        Member.KIND: _only(member), Roster.KIND: None}, month))
    return (row for tracked in found.of(Attendance.KIND).values()
            for row in _attended(found, tracked))


def _attended(known: Known, tracked: Tracked) -> Iterator[dict[str, Any]]:
    found: Attendance = tracked.thing
    member = f"{Member.KIND}:{found.id.split(':')[1]}"
    for one in sorted(found.attended, key=lambda one: (one.day, one.number)):
        note = tracked.notes[str(one.number)]
        yield {"member": member, "day": one.day, "kind": one.kind, "roster": one.roster,
               "shift": note.shift, "minutes": note.minutes, "minutes_early": note.minutes_early,
               "recorded_by": note.recorded_by, "stands": one.stands,
               "corrected_by": note.corrected_by, "reason": Written.of(note.reason),
               "replaced_by": _replaced_by(known, member, one),
               "off_roster": one.stands and _is_off_roster(known, member, one),
               "number": one.number, "position": note.position}


def _replaced_by(known: Known, member: str, fact: Attended) -> str | None:
    """The leave that took the place of an absence."""
    if member not in known or fact.kind != ABSENT or not fact.stands \
            or not known[member].thing.is_away(fact.day):
        return None
    leave: dict[str, Leave] = known[member].thing.leave
    return max(number for number, one in leave.items()
               if one.state == APPROVED and fact.day in one.days)


def _is_off_roster(known: Known, member: str, fact: Attended) -> bool:
    """Whether an outcome no longer matches the rosters, which may be set for the past."""
    planning = [tracked.thing for tracked in known.of(Roster.KIND).values()
                if tracked.thing.plans(member, fact.day)]
    if fact.kind not in OUTCOMES:
        return False
    if not planning:  # nobody plans them, so that any shift is theirs that no roster has named
        return fact.roster is not None
    return not any(fact.roster in (None, duty.roster) and fact.shift in (None, duty.shift.name)
                   for duty in shifts_in(planning, member, fact.day))


@report(People, Past.ROWS, name="leave", knows=recorded(Member.KIND), row=LeaveRow)
def leave(reading: Reading) -> Iterator[dict[str, Any]]:
    """Leave that was asked for, of a month or all. The subject is a member.

    Shapes: member, number, days (a list), halves (an object: of which days it is the morning, am,
    or the afternoon, pm, alone), kind (planned, or unforeseen), state, asked_at, reported_at,
    decided_by (who approved or refused it), reason (the last one given), attachments (SHA-256 of
    papers), position. Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07, R-PRJ-13.
    """
    month = reading.question.must_be_of_month()
    found = known_at(reading, Wanted({Member.KIND: _only(reading.question.subject)}))
    return ({"member": name, "number": number, "days": list(asked.days),
             "halves": {day: half for day, half in asked.halves.items() if day in asked.days},
             "kind": asked.kind, "state": asked.state,
             "asked_at": rfc3339(from_us(tracked.notes[number].at)),
             "reported_at": (at := tracked.notes[number].reported_at) and rfc3339(from_us(at)),
             "decided_by": asked.decided_by or None,
             "reason": Written.of(tracked.notes[number].reason),
             "attachments": Written.of(tracked.notes[number].attachments),
             "position": tracked.notes[number].position}
            for name, tracked in found.of(Member.KIND).items()
            for number, asked in sorted(tracked.thing.leave.items())
            if month is None or month in map(month_of, asked.days))


REPORTS: dict[str, Report] = {
    "staff": staff,
    "post-terms": post_terms,
    "shifts": shifts,
    "rosters": rosters,
    "attendance": attendance,
    "leave": leave,
}
