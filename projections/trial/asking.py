"""The questions about a subject's history, as the command line and the API ask them: each answers
as of when, and rows.
"""

from collections.abc import Collection
from typing import Any

from ledger.common.days import Days
from ledger.common.values import from_us, rfc3339
from ledger.log.envelope import Entry
from ledger.log.zones import days_of
from projections.asking.clocks import AsOf, PositionBeyondHead, header
from projections.asking.questions import Answer
from projections.audit.timeline import shown
from projections.audit.trail import rows
from projections.store.models import ReadModels
from projections.trial import verbs
from projections.trial.answers import StepRow
from projections.trial.facts import Matter
from projections.trial.verbs import Condition, is_late

LOOKED = 1_000
"""So many events after one are looked at for what it caused."""

_STEP = tuple(name for name in StepRow.__struct_fields__ if name not in ("late", "changes"))


def history(
    models: ReadModels, ledger: str, subject: str, as_of: AsOf, *, without: Collection[int] = (),
    after: int = 0,
) -> Answer:
    """Every event about a subject after a position, with what it changed, as the history would be
    without some of them. Shapes: rows as `StepRow`. Errors: as `verbs.steps`."""
    cut = as_of.resolve(models.store, ledger)
    found = []
    for entry, changes, late in verbs.steps(
            Matter(models, ledger, subject, cut), without=without):
        if entry.position > after:
            row = shown(entry)
            found.append({**{name: row[name] for name in _STEP}, "late": late,
                          "changes": [one._asdict() for one in changes]})
    return Answer(_noted(header(models.store, ledger, cut), without), found)


def _noted(as_of: dict[str, Any], without: Collection[int]) -> dict[str, Any]:
    """A header that says what was left out, and what that leaves open."""
    if not without:
        return as_of
    left_out = ", ".join(map(str, sorted(without)))
    return {**as_of, "notes": [*as_of["notes"], f"without the events at {left_out}: what follows "
            "is taken as it was recorded, and no rule is asked again"]}


def due(
    models: ReadModels, ledger: str, subject: str, as_of: AsOf, *, field: str | None = None
) -> Answer:
    """Which event each fact of a subject is due to. Shapes: rows as `DueRow`. Errors: as
    `verbs.blame`."""
    cut = as_of.resolve(models.store, ledger)
    days = days_of(models.store, ledger)
    found = verbs.blame(Matter(models, ledger, subject, cut), field=field)
    return Answer(header(models.store, ledger, cut), [
        {"field": one.field, "value": one.value, **_of(one.entry, days)} for one in found])


def differences(
    models: ReadModels, ledger: str, subject: str, *, before: AsOf, after: AsOf,
    without: Collection[int] = (),
) -> Answer:
    """In what a subject differs between two moments, the second without some events. Shapes: rows
    as `DifferenceRow`, header as `DifferencesHeader`. Errors: as `verbs.diff`."""
    store = models.store
    first, second = before.resolve(store, ledger), after.resolve(store, ledger)
    found = verbs.diff(Matter(models, ledger, subject, first),
                       Matter(models, ledger, subject, second), without=without)
    as_of = {**_noted(header(store, ledger, second), without),
             "before": header(store, ledger, first), "came": [one.position for one in found.came],
             "went": [one.position for one in found.went]}
    return Answer(as_of, [one._asdict() for one in found.differences])


def turns(
    models: ReadModels, ledger: str, subject: str, as_of: AsOf, *, condition: Condition
) -> Answer:
    """When a condition on a subject's facts began and ended to hold. Shapes: rows as `TurnRow`.
    Errors: as `verbs.bisect`."""
    cut = as_of.resolve(models.store, ledger)
    days = days_of(models.store, ledger)
    found = verbs.bisect(Matter(models, ledger, subject, cut), condition)
    return Answer(header(models.store, ledger, cut), [
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
    (row,) = rows(models, ledger, [entry])
    return header(store, ledger, cut), {
        **row, "late": is_late(entry, days_of(store, ledger)), "leaf_hash": entry.leaf_hash.hex(),
        "together": [one.position for one in store.commands(ledger, [entry.command_id])],
        "caused": [one.position for one in later if one.causation == row["command_id"]],
        "corrects": verbs.corrected_by(entry),
        "corrected_by": _corrector(store.streams(ledger, [entry.stream]), position)}


def _corrector(entries: list[Entry], position: int) -> int | None:
    return next((one.position for one in entries if verbs.corrected_by(one) == position), None)


def _of(entry: Entry, days: Days) -> dict[str, Any]:
    return {"position": entry.position, "type": entry.type, "actor": entry.actor,
            "occurred_at": rfc3339(from_us(entry.occurred_at)),
            "recorded_at": rfc3339(from_us(entry.recorded_at)), "late": is_late(entry, days)}
