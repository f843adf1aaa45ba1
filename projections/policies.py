"""The policy book: its versions, and where two of them differ."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec

from ledger.common.days import Days
from ledger.common.errors import NotFound
from ledger.common.phrases import there_are
from ledger.common.values import from_us, rfc3339, subject
from ledger.core import event_types
from ledger.log.store import Store
from ledger.people.rosters import Roster
from ledger.people.rotas import rota_of
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.deadlines import deadline_of, due, late_from
from ledger.policies.errors import CalendarEnds
from ledger.policies.times import CLOCKS, STARTS, SUSPENDING
from ledger.policies.values import Sections, Version
from ledger.scores.pay import Month, month_pay
from projections.asking.clocks import BadTime, Cut, header
from projections.asking.columns import Columns, Day, Time, code, says
from projections.asking.past import NothingRecorded
from projections.asking.questions import PRESENT, Answer, Question
from projections.asking.sorting import sort_of
from projections.asking.typed import typed
from projections.store.models import ReadModels

LAST_YEAR = 9000

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

NAMED_BY = ("code", "item", "post", "scheme", "deadline", "threshold", "calendar", "term", "act",
            "hours", "coefficient", "pays")
"""The fields that name a part of a list, so that it is found in another version: the first that a
part has. A deadline may run in `hours`, which name only the part that has no other name."""


RETENTION = ("waits", "confirmed")
"""How a version stands that says how long what is kept."""


class PolicyRow(Columns):
    """A published version of the policies."""

    version: Annotated[int, says("The number of the version.")]
    effective_from: Day
    title: Annotated[str, says("Its title.")]
    source: Annotated[str | None, says("Where it comes from.")]
    sections: list[Annotated[str, code(*Sections.__struct_fields__)]]
    notes: list[str]
    withdrawn: bool
    published_by: str
    retention: Annotated[str, code(*RETENTION)] | None
    retention_confirmed_by: str | None
    recorded_at: Time
    position: Annotated[int, says("The position of the event.")]


class PolicyDifference(Columns):
    """Where two versions differ."""

    where: str
    before: Annotated[Any, says("What the first says; of any type, null: nothing.")]
    after: Annotated[Any, says("What the second says; of any type, null: nothing.")]


class PolicyDifferences(Columns):
    """What differs between two versions."""

    before: Annotated[int, says("The number of the first.")]
    after: Annotated[int, says("The number of the second.")]
    differences: Annotated[list[PolicyDifference], says("Where they differ.")]


LOCAL = "The same in the shop's time, with its weekday: 2026-09-30 18:00 Wednesday."


class DeadlineAnswer(Columns):
    """Until when something has to be done."""

    deadline: str
    version: Annotated[int, says("The version in force on the day of the start.")]
    starts_at: Annotated[str, code(*STARTS), says("What it runs from.")]
    start: Annotated[Time, says("When it starts.")]
    due_at: Annotated[Time, says("Until when it has to be done.")]
    late_from: Time | None
    start_local: Annotated[str, says(LOCAL)]
    due_at_local: Annotated[str, says(LOCAL)]
    late_from_local: Annotated[str | None, says(LOCAL)]
    late_from_unknown: str | None
    clock: Annotated[str, code(*CLOCKS), says("What decides whether it was kept.")]
    suspended_by: Annotated[str, code(*SUSPENDING)] | None
    to: Annotated[list[str], says("The posts that it concerns.")]


class VersionUnknown(NotFound):
    """The policies have no version {number}. {known}"""

    code = "version_unknown"
    rule = "R-POL-07"


class Book(PolicyBook):
    """A policy book that is asked about."""

    def must_know(self, number: int) -> Version:
        """A version by its number. Errors: VersionUnknown (R-POL-07)."""
        found = self.numbered(number)
        if not found.number:
            raise VersionUnknown(number=number,
                                 known=there_are(str(one.number) for one in self.versions))
        return found


def book_of(store: Store, ledger: str, cut: Cut) -> Book:
    """The policy book as a cut has it."""
    book = Book.blank(BOOK)
    for entry in store.streams(ledger, [BOOK]):
        if cut.takes(entry):
            event_types.decode(entry).apply(book)
    return book


def listed(store: Store, ledger: str, cut: Cut) -> list[dict[str, Any]]:
    """The versions that were published by a cut, in order.

    Shapes: version, effective_from, title, source, sections (names), notes, withdrawn,
    published_by, retention (None if the version says none, else `waits` or `confirmed`),
    retention_confirmed_by, recorded_at, position.
    """
    withdrawn, confirmed, rows = set(), dict[int, str](), list[dict[str, Any]]()
    for entry in filter(cut.takes, store.streams(ledger, [BOOK])):
        event = event_types.decode(entry)
        if isinstance(event, PolicyBook.Withdrawn):
            withdrawn.add(event.version)
            continue
        if isinstance(event, PolicyBook.RetentionConfirmed):
            confirmed[event.version] = event.confirmed_by
            continue
        rows.append({
            "version": event.version, "effective_from": event.effective_from,
            "title": event.title, "source": event.source,
            "sections": [name for name in Sections.__struct_fields__
                         if getattr(event.sections, name) is not None],
            "notes": event.notes, "withdrawn": False, "published_by": entry.actor,
            "retention": None if event.sections.retention is None else "waits",
            "retention_confirmed_by": None,
            "recorded_at": rfc3339(from_us(entry.recorded_at)), "position": entry.position})
    for row in rows:
        row["withdrawn"] = row["version"] in withdrawn
        if (who := confirmed.get(row["version"])) is not None:
            row.update(retention="confirmed", retention_confirmed_by=who)
    return rows


@typed(PolicyRow)
def policies(models: ReadModels, ledger: str, question: Question = PRESENT) -> Answer:
    """The published versions, as a report: out of the log itself, no read model keeps them."""
    cut, sort = question.as_of.resolve(models.store, ledger), sort_of(
        "policies", PolicyRow, question)
    rows = listed(models.store, ledger, cut)
    return Answer(header(models.store, ledger, cut), sort.sorted(rows))


def differences(before: Sections, after: Sections) -> list[dict[str, Any]]:
    """Where two policies differ. Shapes: where (a path of names), before, after
    (None where one of them says nothing)."""
    a, b = (dict(_leaves("", msgspec.to_builtins(each))) for each in (before, after))
    return [{"where": path, "before": a.get(path), "after": b.get(path)}
            for path in sorted({*a, *b}) if a.get(path) != b.get(path)]


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The single values of a policy, each with its path; parts of lists go by their names."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{path}/{name}", inner)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for name, inner in _named(value):
            yield from _leaves(f"{path}/{name}", inner)
    elif value not in (None, [], {}):
        yield path, value


def _named(parts: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each part with its name. What several have in common, as two ranges of pay may have their
    term, names the first of them, and the others with their number."""
    seen = Counter[str]()
    for number, part in enumerate(parts):
        name = str(next((part[key] for key in NAMED_BY if isinstance(part.get(key), str)), number))
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}#{seen[name]}", part


def falling_away(before: Sections, after: Sections) -> list[dict[str, Any]]:
    """What a section said and no longer says: a section that is published replaces all of it.
    Shapes: section, name (of a part of a list, or of a value that is as if nobody had set it), was.
    """
    found = []
    for section in Sections.__struct_fields__:
        old, new = (getattr(one, section) for one in (before, after))
        if old is None or old is new:
            continue
        kept = dict(_set_in(new))
        found += [{"section": section, "name": name, "was": was}
                  for name, was in _set_in(old) if name not in kept]
    return found


def _set_in(section: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a section by their names, or its values that are not those of an empty one."""
    if isinstance(section, list):
        yield from _named(msgspec.to_builtins(section))
    elif section is not None:
        unset = type(section)()
        for name in section.__struct_fields__:
            if (value := getattr(section, name)) != getattr(unset, name):
                yield name, msgspec.to_builtins(value)


# -- what a version answers -----------------------------------------------------------------------


def deadline(
    version: Version, name: str, start: datetime, *, days: Days, roster: Roster | None = None
) -> dict[str, Any]:
    """Until when what starts at a moment has to be done. Without a roster the printed shifts count.

    Shapes: deadline, version, starts_at, start, due_at, late_from (from when what is not recorded
    may be called late; None where the calendar that grace is counted by has ended, which
    `late_from_unknown` then says), each of the three again in the shop's time with its weekday
    (`_local`), clock, suspended_by, to. Errors: R-POL-13 to R-POL-15, BadTime (R-PRJ-03) of a start
    so late that no time is left to count in.
    """
    row = deadline_of(version, name)
    if start.year > LAST_YEAR:
        raise BadTime(name="start", text=start.isoformat())
    limit = due(version, name, start, days=days,
                roster=None if roster is None else rota_of(roster, days))
    late, unknown = None, None
    try:
        late = late_from(version, name, limit, days=days)
    except CalendarEnds as error:  # the limit itself may need no calendar
        unknown = error
    times = {"start": start.astimezone(UTC), "due_at": limit, "late_from": late}
    return {"deadline": name, "version": version.number, "starts_at": row.starts_at,
            **{name: at and rfc3339(at) for name, at in times.items()},
            **{f"{name}_local": at and local(at, days) for name, at in times.items()},
            "late_from_unknown": unknown and str(unknown), "clock": row.clock,
            "suspended_by": row.suspended_by, "to": row.to}


def local(at: datetime, days: Days) -> str:
    """A moment as the shop's clock and calendar have it: 2026-09-30 18:00 Wednesday."""
    day = days.day_of(at)
    return f"{day} {days.time_of(at)} {WEEKDAYS[date.fromisoformat(day).weekday()]}"


def roster_of(store: Store, ledger: str, cut: Cut, name: str) -> Roster:
    """A roster as a cut has it. Errors: NothingRecorded (R-PRJ-07)."""
    stream = subject(Roster.KIND, name)
    roster, known = Roster.blank(stream), False
    for entry in store.streams(ledger, [stream]):
        if cut.takes(entry):
            event_types.decode(entry).apply(roster)
            known = True
    if not known:
        raise NothingRecorded(ledger=ledger, subject=stream)
    return roster


def pay(version: Version, scheme: str, post: str, month: Month) -> list[dict[str, Any]]:
    """What a scheme pays a post for a month with these figures. Shapes: term, min_minor,
    max_minor, currency, per, of, version. Errors: SchemeUnknown (R-POL-16)."""
    return [{**one._asdict(), "version": version.number}
            for one in month_pay(version, scheme, post, month)]
