"""What can be asked of a subject's history: its steps, which event a fact is due to, what differs
between two moments, and when a condition first held. Nothing here writes.
"""

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from ledger.common.errors import Invalid, NotFound
from ledger.log.envelope import Entry
from projections.asking.past import NothingRecorded
from projections.audit.timeline import is_late
from projections.trial.facts import Facts, Matter, facts_after_each, history_about, is_own


class UnknownFact(NotFound):
    """Nothing named {name!r} was ever known of {subject}. There is: {known}."""

    code = "unknown_fact"
    rule = "R-PRJ-40"


class BadCondition(Invalid):
    """{text!r} is not a condition. Write a fact, one of = != < <= > >=, and a value, such as
    paid_minor>=5000, or a fact alone: that it is known."""

    code = "bad_condition"
    rule = "R-PRJ-41"


class Changed(NamedTuple):
    """A fact before and after; None where it was not known."""

    field: str
    before: Any
    after: Any


class Step(NamedTuple):
    """An event, what it changed, and whether it was known only on a later day than it happened."""

    entry: Entry
    changes: list[Changed]
    late: bool


def steps(matter: Matter, *, may_be_gone: bool = False) -> Iterator[Step]:
    """The history of a subject, step by step, with what others decided where that changed
    something. Errors: NothingRecorded (R-PRJ-07) unless it may be gone, TooManyEvents
    (R-PRJ-37)."""
    yield from _steps(matter, _at(matter) if may_be_gone else history_about(matter))


def _steps(matter: Matter, entries: Sequence[Entry]) -> Iterator[Step]:
    before: Facts = {}
    for entry, after in zip(entries, facts_after_each(matter, entries), strict=True):
        changed = changes(before, after)
        if changed or is_own(matter, entry):
            yield Step(entry, changed, is_late(entry, matter.days))
        before = after


def changes(before: Facts, after: Facts) -> list[Changed]:
    """The facts in which two states differ, by name."""
    return [Changed(name, before.get(name), after.get(name))
            for name in sorted({*before, *after}) if before.get(name) != after.get(name)]


# -- which event a fact is due to -----------------------------------------------------------------


class Due(NamedTuple):
    """A fact, its value (None: it is not known any more), and the event that it is due to."""

    field: str
    value: Any
    entry: Entry


def blame(matter: Matter, *, field: str | None = None) -> list[Due]:
    """The facts of a subject, each with the event that made it what it is, by name; `field` is one
    of them, or the path of several. Errors: UnknownFact (R-PRJ-40), as `steps`."""
    found: dict[str, Due] = {}
    for step in steps(matter):
        for one in step.changes:
            found[one.field] = Due(one.field, one.after, step.entry)
    if field is None:
        return [found[name] for name in sorted(found) if found[name].value is not None]
    wanted = [found[name] for name in sorted(found)
              if name == field or name.startswith(f"{field}/")]
    if not wanted:
        raise UnknownFact(name=field, subject=matter.subject, known=", ".join(sorted(found)))
    return wanted


# -- what differs ---------------------------------------------------------------------------------


class Difference(NamedTuple):
    """A fact in which two moments differ, and the positions of the events that made it: those that
    changed it and belong to one moment only, or where none of these did, all that belong to one
    only: what others made of it hangs on them."""

    field: str
    before: Any
    after: Any
    because: list[int]


class Compared(NamedTuple):
    """What differs, and the events that belong to one of the moments only."""

    differences: list[Difference]
    came: list[Entry]
    went: list[Entry]


def diff(before: Matter, after: Matter) -> Compared:
    """In what a subject differs between two moments, or from what it would be. Before it had begun,
    nothing is known of it. Errors: as `steps`, of a subject that is known at neither."""
    first, second = _at(before), _at(after)
    if not first and not second:
        history_about(after)  # it says why there is nothing
    (was, left), (now, right) = _walked(before, first), _walked(after, second)
    old, new = ({one.entry.position for one in found} for found in (left, right))
    apart = [one for one in (*left, *right) if one.entry.position in old ^ new]
    return Compared([Difference(one.field, one.before, one.after, _because(one.field, apart))
                     for one in changes(was, now)],
                    [one.entry for one in right if one.entry.position not in old],
                    [one.entry for one in left if one.entry.position not in new])


def _because(field: str, apart: Sequence[Step]) -> list[int]:
    """The positions of the steps that changed a fact, or of all."""
    return sorted([one.entry.position for one in apart if field in {
        changed.field for changed in one.changes}] or [one.entry.position for one in apart])


def _at(matter: Matter) -> list[Entry]:
    """The events of a subject at a moment, which may lie before it began."""
    try:
        return history_about(matter)
    except NothingRecorded:
        return []


def _walked(matter: Matter, entries: Sequence[Entry]) -> tuple[Facts, list[Step]]:
    """What is known at the end, and the steps to it."""
    found = list(_steps(matter, entries))
    known = {one.field: one.after for step in found for one in step.changes}
    return {name: value for name, value in known.items() if value is not None}, found


# -- when a condition first held ------------------------------------------------------------------


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge}
_condition = re.compile(r"(?P<field>[^=!<>]+)(?:(?P<sign>[!<>]?=|[<>])(?P<value>.*))?").fullmatch


class Condition(NamedTuple):
    """A condition on a fact; without a sign, that it is known."""

    field: str
    sign: str | None
    value: str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """From a text such as `paid_minor>=5000`. Errors: BadCondition (R-PRJ-41)."""
        found = _condition(text.strip())
        if found is None:
            raise BadCondition(text=text)
        return cls(found["field"].strip(), found["sign"], (found["value"] or "").strip())

    def holds(self, facts: Facts) -> bool:
        """Whether it does. Numbers are compared as numbers, all else as texts; what is not known is
        equal to nothing."""
        known = facts.get(self.field)
        if known is None or self.sign is None:
            return known is not None if self.sign is None else self.sign == "!="
        said = str(known).lower() if isinstance(known, bool) else str(known)
        pair = _number(said), _number(self.value)
        return OPERATORS[self.sign](*((said, self.value) if None in pair else pair))


def _number(text: str) -> Decimal | None:
    """The number that a text is; None where it is none, such as NaN, which nothing is less than."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


class Turned(NamedTuple):
    """An event at which a condition began to hold, or ended to."""

    entry: Entry
    holds: bool
    value: Any


def bisect(matter: Matter, condition: Condition) -> list[Turned]:
    """The events at which a condition began or ended to hold, in order; none where it never held.
    Errors: UnknownFact (R-PRJ-40), as `steps`."""
    entries = history_about(matter)
    found: list[Turned] = []
    names: set[str] = set()
    for entry, facts in zip(entries, facts_after_each(matter, entries), strict=True):
        names |= facts.keys()
        held = bool(found) and found[-1].holds
        if (holds := condition.holds(facts)) != held:
            found.append(Turned(entry, holds, facts.get(condition.field)))
    if condition.field not in names:
        raise UnknownFact(name=condition.field, subject=matter.subject,
                          known=", ".join(sorted(names)))
    return found
