"""The questions about a subject's history, as the command line and the API ask them: each answers
as of when, and rows.
"""

from collections.abc import Mapping
from typing import Any

from ledger.common.days import Days
from ledger.common.phrases import Phrase
from ledger.common.values import from_us, rfc3339
from ledger.log.envelope import Entry
from ledger.log.zones import days_of
from projections.asking.clocks import AsOf, PositionBeyondHead, header
from projections.asking.questions import Answer
from projections.asking.written import noting_hidden
from projections.audit.corrections import Corrections
from projections.audit.timeline import is_late, shown
from projections.audit.trail import rows
from projections.store.models import ReadModels
from projections.trial import verbs
from projections.trial.answers import StepRow
from projections.trial.facts import Matter
from projections.trial.left_out import must_stand
from projections.trial.supposing import REALITY, Hypothesis, Means, Supposed, suppose
from projections.trial.verbs import Changed, Condition

LOOKED = 1_000
"""So many events after one are looked at for what it caused."""

_STEP = tuple(name for name in StepRow.__struct_fields__
              if name not in ("late", "corrects", "corrected_by", "changes"))


def history(
    models: ReadModels, ledger: str, subject: str, as_of: AsOf, *,
    given: Hypothesis = REALITY, means: Means | None = None, after: int = 0,
) -> Answer:
    """Every event about a subject after a position, with what it changed, as the history is, or
    would be if something is supposed. Shapes: rows as `StepRow`. Errors: as `verbs.steps`,
    `must_stand` and `suppose`."""
    cut = as_of.resolve(models.store, ledger)
    would = _supposed(Matter(models, ledger, subject, cut), given, means)
    steps = list(verbs.steps(would.matter, may_be_gone=bool(given)))
    corrections = Corrections.about(
        would.matter.models.store, ledger, [one.entry for one in steps],
        takes=would.matter.cut.takes)
    found, below = [], dict[str, int]()
    for entry, changes, late in steps:
        below |= {one.field: entry.position for one in changes if _is_below(one)}
        if entry.position > after:
            row = shown(entry)
            found.append({**{name: row[name] for name in _STEP}, "late": late,
                          **corrections.of(entry.position),
                          "changes": [one._asdict() for one in changes]})
    noted = _noted(header(models.store, ledger, cut), would, below if given else {})
    return Answer(noting_hidden(noted, [one["changes"] for one in found]), found)


def _supposed(matter: Matter, given: Hypothesis, means: Means | None) -> Supposed:
    """A subject as it would be; as it is, where nothing is supposed."""
    if not given:
        return Supposed(matter, matter)
    kept = must_stand(matter, given.without)
    would = suppose(matter, given, means)
    return would._replace(notes=[*would.notes, *kept])


def _noted(
    as_of: dict[str, Any], would: Supposed, below: Mapping[str, int]
) -> dict[str, Any]:
    """A header that says what is supposed, and what comes of it that cannot be."""
    return {**as_of, "notes": [*as_of["notes"], *would.notes, *(
        Phrase("{name} falls below zero at position {position}", name=name, position=position)
        for name, position in sorted(below.items()))]}


def _answer(as_of: dict[str, Any], rows: list[dict[str, Any]]) -> Answer:
    return Answer(noting_hidden(as_of, rows), rows)


def _is_below(one: Changed) -> bool:
    return isinstance(one.after, int) and one.after < 0 <= (one.before or 0)


def due(
    models: ReadModels, ledger: str, subject: str, as_of: AsOf, *, field: str | None = None
) -> Answer:
    """Which event each fact of a subject is due to. Shapes: rows as `DueRow`. Errors: as
    `verbs.blame`."""
    cut = as_of.resolve(models.store, ledger)
    days = days_of(models.store, ledger)
    found = verbs.blame(Matter(models, ledger, subject, cut), field=field)
    return _answer(header(models.store, ledger, cut), [
        {"field": one.field, "value": one.value, **_of(one.entry, days)} for one in found])


def differences(
    models: ReadModels, ledger: str, subject: str, *, before: AsOf, after: AsOf,
    given: Hypothesis = REALITY, means: Means | None = None,
) -> Answer:
    """In what a subject differs between two moments, the second as it would be if something is
    supposed. Shapes: rows as `DifferenceRow`, header as `DifferencesHeader`. Errors: as
    `verbs.diff`, `must_stand` and `suppose`."""
    store = models.store
    first, second = before.resolve(store, ledger), after.resolve(store, ledger)
    would = _supposed(Matter(models, ledger, subject, second), given, means)
    found = verbs.diff(would.real._replace(cut=first), would.matter)
    rows = [one._replace(because=one.because or list(would.elsewhere))
            for one in found.differences]
    below = {} if not given else {one.field: one.because[-1] for one in rows
                                  if _is_below(Changed(one.field, one.before, one.after))}
    as_of = {**_noted(header(store, ledger, second), would, below),
             "before": header(store, ledger, first), "came": [one.position for one in found.came],
             "went": [one.position for one in found.went], "supposed": [
                 {"type": one.type, "stream": one.stream, "position": one.position,
                  "occurred_at": rfc3339(from_us(one.occurred_at))} for one in would.added]}
    return _answer(as_of, [one._asdict() for one in rows])


def turns(
    models: ReadModels, ledger: str, subject: str, as_of: AsOf, *, condition: Condition
) -> Answer:
    """When a condition on a subject's facts began and ended to hold. Shapes: rows as `TurnRow`.
    Errors: as `verbs.bisect`."""
    cut = as_of.resolve(models.store, ledger)
    days = days_of(models.store, ledger)
    found = verbs.bisect(Matter(models, ledger, subject, cut), condition)
    return _answer(header(models.store, ledger, cut), [
        {"holds": one.holds, "value": one.value, **_of(one.entry, days)} for one in found])


def event(
    models: ReadModels, ledger: str, position: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """As of what, and the event at a position. Shapes: as `EventShown`. What came of it is looked
    for among the next `LOOKED` events. Errors: PositionBeyondHead (R-PRJ-05)."""
    store = models.store
    cut = AsOf().resolve(store, ledger)
    if not 0 < position <= cut.position:
        raise PositionBeyondHead(position=position, ledger=ledger, head=cut.position)
    (entry, *later) = store.read(ledger, after=position - 1, limit=LOOKED + 1)
    (row,) = rows(models, ledger, [entry], cut)
    return noting_hidden(header(store, ledger, cut), row), {
        **row, "leaf_hash": entry.leaf_hash.hex(),
        "together": [one.position for one in store.commands(ledger, [entry.command_id])],
        "caused": [one.position for one in later if one.causation == row["command_id"]]}


def _of(entry: Entry, days: Days) -> dict[str, Any]:
    return {"position": entry.position, "type": entry.type, "actor": entry.actor,
            "occurred_at": rfc3339(from_us(entry.occurred_at)),
            "recorded_at": rfc3339(from_us(entry.recorded_at)), "late": is_late(entry, days)}
