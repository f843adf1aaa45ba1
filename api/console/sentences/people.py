"""What happened to members, posts, rosters and attendance, in sentences."""

from collections.abc import Mapping
from typing import Any

from api.console.sentences.telling import Event, Sentence, joined, listed
from api.console.words import word
from api.messages import tr


def _days(e: Event) -> str:
    """Days of leave, each with its half where it is one."""
    halves = e.inner("halves")
    return listed(f"{day} {word(halves[day], 'half_leave')}" if day in halves else str(day)
                  for day in e.each("days"))


def _attendance(e: Event) -> str:
    return joined(
        tr("Attendance on {day}: {kind}", day=e.text("day"), kind=e.word("kind"))
        if e.has("kind") else tr("Attendance recorded"),
        _minutes(e), e.has("shift") and tr("shift {shift}", shift=e.word("shift")))


def _minutes(e: Event) -> str:
    early = e.has("kind") in ("left_early", "meeting_left_early")
    minutes = e.text("minutes")
    return joined(
        minutes and (tr("{minutes} minutes early", minutes=minutes) if early
                     else tr("{minutes} minutes late", minutes=minutes)),
        e.has("minutes_early") and tr("{minutes} minutes early", minutes=e.text("minutes_early")))


def _handed_over(e: Event) -> str:
    return joined(
        tr("Shift {shift} of {day} handed over", shift=e.word("shift"), day=e.text("day")),
        e.has("to_member") and tr("to {member}", member=e.stream_of("to_member")))


def _shifts(e: Event) -> str:
    return listed(_shift(one) for one in e.each("shifts"))


def _shift(one: Mapping[str, Any]) -> str:
    name, start, end = (str(one.get(part, "")) for part in ("name", "start", "end"))
    return f"{word(name, 'shift')} {start}–{end}".strip(" –")


def _details(e: Event) -> str:
    return tr("Has a new {what}", what=tr(", ").join(said for name, said in (
        ("name", tr("name")), ("contact", tr("contact"))) if name in e.payload)) if {
        "name", "contact"} & e.payload.keys() else tr("Details changed")


def _leave(e: Event) -> str:
    return joined(
        tr("Could not come: {days}", days=_days(e)) if e.has("kind") == "unforeseen"
        else tr("Asked for leave: {days}", days=_days(e)),
        e.who("requested_by") and e.has("requested_by") != e.stream and tr(
            "asked for by {member}", member=e.who("requested_by")))


def _decided(e: Event, text: str, by: str) -> str:
    return joined(text, e.who(by) and tr("by {member}", member=e.who(by)))


def _post(e: Event) -> str:
    return e.post(e.stream.partition(":")[2])


def _day_set(e: Event) -> str:
    day = e.text("day")
    if e.each("shifts"):
        return tr("Shifts of {day}: {shifts}", day=day, shifts=_shifts(e))
    return tr("No shifts on {day}", day=day)


def _cover(e: Event) -> str:
    return tr("{cover} stands in for {absent}, shift {shift} of {day}",
              cover=e.stream_of("cover"), absent=e.stream_of("absent"), shift=e.word("shift"),
              day=e.text("day")) if e.has("cover") else tr("Somebody stands in")


SENTENCES: Mapping[str, Sentence] = {
    "attendance.recorded": _attendance,
    "attendance.corrected": lambda e: _decided(
        e, tr("Did not happen: record {number}", number=e.text("number")), "corrected_by"),
    "attendance.shift_handed_over": _handed_over,
    "member.joined": lambda e: tr("Works here from {day}", day=e.text("joined_on")),
    "member.left": lambda e: tr("Left, last day {day}", day=e.text("last_day")),
    "member.details_changed": _details,
    "member.supervisor_set": lambda e: joined(
        tr("Supervised by {member}", member=e.stream_of("supervisor")),
        e.has("since") and tr("from {day} on", day=e.text("since"))),
    "member.leave_requested": _leave,
    "member.leave_approved": lambda e: _decided(
        e, tr("Leave {number} approved", number=e.text("number")), "approved_by"),
    "member.leave_refused": lambda e: _decided(
        e, tr("Leave {number} refused", number=e.text("number")), "refused_by"),
    "member.leave_withdrawn": lambda e: _decided(
        e, tr("Leave taken back: {days}", days=_days(e)), "withdrawn_by"),
    "member.erased": lambda e: tr("The member's data were erased"),
    "post.assigned": lambda e: joined(
        tr("{member} holds the post {post}", member=e.stream_of("member"), post=_post(e))
        if e.has("member") else tr("Post assigned"),
        e.has("since") and tr("from {day} on", day=e.text("since"))),
    "post.term_ended": lambda e: joined(
        tr("{member} no longer holds the post {post}", member=e.stream_of("member"), post=_post(e))
        if e.has("member") else tr("Term ended"),
        e.has("until") and tr("last day {day}", day=e.text("until"))),
    "roster.pattern_set": lambda e: joined(
        tr("Weekly shifts: {shifts}", shifts=_shifts(e)),
        e.has("since") and tr("from {day} on", day=e.text("since"))),
    "roster.day_set": _day_set,
    "roster.cover_arranged": _cover,
}
"""By the type of an event, what makes a sentence of it."""

