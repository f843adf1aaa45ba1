"""Reports about people: who was here, held which post, was on shift, was absent, on any day.

A shift that nobody covers is told, never refused. Names and contacts are in none of them.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from ledger.common.days import SHOP_ZONE, day_of, month_of
from ledger.common.values import from_us, rfc3339
from ledger.people.attendance import Attendance, attendance_of
from ledger.people.member import Member
from ledger.people.posts import Post
from ledger.people.rosters import Roster, Shift
from projections.asking.past import NothingRecorded
from projections.asking.questions import Answer, Question, noted
from projections.people.rows import Known, Tracked, Wanted, kind_of, known_at
from projections.store.models import ReadModels

Report = Callable[[ReadModels, str, Question], Answer]

ABSENT = "absent"
"""The kind of attendance that empties a place in a shift."""


def _subject(models: ReadModels, ledger: str, question: Question, *kinds: str) -> str | None:
    """The subject, if one is asked for. Errors: NothingRecorded (R-PRJ-07)."""
    asked = question.subject
    if asked is not None and (kind_of(asked) not in kinds
                              or not models.store.streams(ledger, [asked], upto=1)):
        raise NothingRecorded(ledger=ledger, subject=asked)
    return asked


def _day(question: Question) -> tuple[str, list[str]]:
    """The day that is asked about, by default today, and what is to be said of it."""
    asked = question.must_be_of_day()
    day = asked or day_of(datetime.now(UTC))
    return day, [] if asked else [f"{day}: today in {SHOP_ZONE}"]


def _only(stream: str | None) -> list[str] | None:
    return None if stream is None else [stream]


def _answered(known: Known, rows: Iterator[dict[str, Any]], question: Question,
              notes: list[str] | None = None) -> Answer:
    known.as_of["notes"].extend(notes or ())
    return noted(Answer(known.as_of, list(rows)), question)


# -- a day ----------------------------------------------------------------------------------------


def staff(models: ReadModels, ledger: str, question: Question) -> Answer:
    """Everybody who ever joined, on a day; by default today. The subject is a member.

    Shapes: member, joined_on, left_on, here, posts (a list), supervisor, on_leave, shifts (objects
    of roster, shift, start, end, covers: for whom he stands in), attendance (the kinds that stand).
    Who is not here that day holds nothing and is nowhere.
    Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07, BadDay (R-PRJ-16).
    """
    day, notes = _day(question)
    member, month = _subject(models, ledger, question, Member.KIND), month_of(day)
    known = known_at(models, ledger, question.as_of, Wanted({
        Member.KIND: _only(member), Post.KIND: None, Roster.KIND: None,
        Attendance.KIND: None if member is None else [attendance_of(member, month)]}, month))
    return _answered(known, _staff(known, day), question, notes)


def _staff(known: Known, day: str) -> Iterator[dict[str, Any]]:
    posts = _posts_on(known, day)
    shifts = _shifts_on(known, day)
    for name, tracked in known.of(Member.KIND).items():
        member: Member = tracked.thing
        if member.joined_on is None:
            continue
        here, attended = member.is_here_on(day), known.found.get(attendance_of(name, month_of(day)))
        yield {
            "member": name,
            "joined_on": member.joined_on,
            "left_on": member.left_on,
            "here": here,
            "posts": posts.get(name, []) if here else [],
            "supervisor": member.supervisor_on(day) if here else None,
            "on_leave": here and member.is_on_leave(day),
            "shifts": shifts.get(name, []) if here else [],
            "attendance": [] if attended is None or not here else list(dict.fromkeys(
                one.kind for one in attended.thing.standing(day))),
        }


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


def shifts(models: ReadModels, ledger: str, question: Question) -> Answer:
    """The shifts of a day, by default today. The subject is a roster.

    Shapes: roster, shift, start, end, members (those in it who work here that day, or who stand in
    for them), director, covered (somebody is there), absent (the members who have approved leave,
    or are recorded absent from that shift or that day, and whom nobody stands in for).
    Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07, BadDay (R-PRJ-16).
    """
    day, notes = _day(question)
    roster = _subject(models, ledger, question, Roster.KIND)
    known = known_at(models, ledger, question.as_of, Wanted({
        Roster.KIND: _only(roster), Member.KIND: None, Attendance.KIND: None}, month_of(day)))
    rows = (_shown(known, day, name, shift) for name, tracked in known.of(Roster.KIND).items()
            for shift in tracked.thing.on(day))
    return _answered(known, rows, question, notes)


def _shown(known: Known, day: str, roster: str, shift: Shift) -> dict[str, Any]:
    members = [name for name in dict.fromkeys(shift.members)
               if name in known.found and known.found[name].thing.is_here_on(day)]
    absent = [name for name in members if _is_absent(known, day, name, shift.name)]
    return {
        "roster": roster, "shift": shift.name, "start": shift.start, "end": shift.end,
        "members": members, "director": shift.director,
        "covered": len(absent) < len(members), "absent": absent}


def _is_absent(known: Known, day: str, name: str, shift: str) -> bool:
    if known.found[name].thing.is_on_leave(day):
        return True
    attended = known.found.get(attendance_of(name, month_of(day)))
    return attended is not None and any(
        one.kind == ABSENT and attended.notes[str(one.number)].shift in (None, shift)
        for one in attended.thing.standing(day))


# -- what was told --------------------------------------------------------------------------------


def post_terms(models: ReadModels, ledger: str, question: Question) -> Answer:
    """Who held which post from when until when; None: still. The subject is a post or a member.

    Shapes: post, member, since, until. Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07.
    """
    asked = _subject(models, ledger, question, Post.KIND, Member.KIND)
    is_post = asked is not None and kind_of(asked) == Post.KIND
    known = known_at(models, ledger, question.as_of, Wanted({
        Post.KIND: _only(asked) if is_post else None}))
    rows = ({"post": tracked.thing.name, **term._asdict()}
            for tracked in known.of(Post.KIND).values() for term in sorted(
                tracked.thing.terms, key=lambda term: (term.since, term.member))
            if is_post or asked in (None, term.member))
    return _answered(known, rows, question)


def rosters(models: ReadModels, ledger: str, question: Question) -> Answer:
    """The shifts that repeat, of every pattern that was ever in force. The subject is a roster.

    Shapes: roster, since, shift, start, end, days (weekdays, 1 is Monday), members, director.
    Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07.
    """
    roster = _subject(models, ledger, question, Roster.KIND)
    known = known_at(models, ledger, question.as_of, Wanted({Roster.KIND: _only(roster)}))
    rows = ({"roster": name, "since": since, "shift": shift.name, "start": shift.start,
             "end": shift.end, "days": shift.days, "members": shift.members,
             "director": shift.director}
            for name, tracked in known.of(Roster.KIND).items()
            for since, told in sorted(dict(tracked.thing.patterns).items()) for shift in told)
    return _answered(known, rows, question)


def attendance(models: ReadModels, ledger: str, question: Question) -> Answer:
    """What was recorded of attendance in a month; by default this one. The subject is a member.

    Shapes: member, day, kind, shift, minutes, recorded_by, stands, corrected_by, reason (of the
    correction), number, position. Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07, R-PRJ-13.
    """
    asked = question.must_be_of_month()
    month = asked or month_of(day_of(datetime.now(UTC)))
    member = _subject(models, ledger, question, Member.KIND)
    known = known_at(models, ledger, question.as_of, Wanted({
        Attendance.KIND: None if member is None else [attendance_of(member, month)]}, month))
    rows = (row for tracked in known.of(Attendance.KIND).values() for row in _attended(tracked))
    return _answered(known, rows, question, [] if asked else [f"{month}: this month"])


def _attended(tracked: Tracked) -> Iterator[dict[str, Any]]:
    found: Attendance = tracked.thing
    member = f"{Member.KIND}:{found.id.split(':')[1]}"
    for one in sorted(found.attended, key=lambda one: (one.day, one.number)):
        note = tracked.notes[str(one.number)]
        yield {"member": member, "day": one.day, "kind": one.kind, "shift": note.shift,
               "minutes": note.minutes, "recorded_by": note.recorded_by, "stands": one.stands,
               "corrected_by": note.corrected_by, "reason": note.reason, "number": one.number,
               "position": note.position}


def leave(models: ReadModels, ledger: str, question: Question) -> Answer:
    """Leave that was asked for, of a month or all. The subject is a member.

    Shapes: member, number, days (a list), state, asked_at, decided_by (who approved or refused
    it), reason (the last that was told), position. Errors: R-PRJ-01, R-PRJ-05, R-PRJ-07, R-PRJ-13.
    """
    month = question.must_be_of_month()
    member = _subject(models, ledger, question, Member.KIND)
    known = known_at(models, ledger, question.as_of, Wanted({Member.KIND: _only(member)}))
    rows = ({"member": name, "number": number, "days": list(asked.days), "state": asked.state,
             "asked_at": rfc3339(from_us(tracked.notes[number].at)),
             "decided_by": asked.decided_by or None, "reason": tracked.notes[number].reason,
             "position": tracked.notes[number].position}
            for name, tracked in known.of(Member.KIND).items()
            for number, asked in sorted(tracked.thing.leave.items())
            if month is None or month in map(month_of, asked.days))
    return _answered(known, rows, question)


REPORTS: dict[str, Report] = {
    "staff": staff,
    "post-terms": post_terms,
    "shifts": shifts,
    "rosters": rosters,
    "attendance": attendance,
    "leave": leave,
}
