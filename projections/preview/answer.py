"""A preview: commands are decided as if they were recorded, their events are folded into the read
models in a transaction that is undone, and the same questions are asked before and after.

So it says what the reports will say: nothing of it is computed in another way.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ledger.application import Ledger
from ledger.common.context import Context
from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.log.envelope import Entry
from ledger.policies.book import BOOK, PolicyBook
from ledger.stock.places import ALREADY_COUNTED
from ledger.writing.preview import Foreseen
from projections.asking.clocks import NOW
from projections.asking.past import NothingRecorded
from projections.policies import book_of, falling_away
from projections.preview.asked import (
    ALERTS,
    CLAIMS,
    DEDUCTIONS,
    LEVELS,
    ORDERS,
    PEOPLE,
    POLICIES,
    SCORES,
    THEN,
    Ask,
    Touched,
    asks,
)
from projections.preview.differences import differences
from projections.preview.pricing import repriced, resting
from projections.preview.sealed import in_sealed, sealed
from projections.preview.signed import SignedMonths
from projections.reports import REPORTS
from projections.store.models import ReadModels
from projections.store.trial import trying

COUNTED, SEALED, SIGNED = "counted_since", "sealed_months", "signed_months"
FALLING = "falls_away"

SECTIONS = (LEVELS, THEN, COUNTED, ALERTS, CLAIMS, ORDERS, PEOPLE, DEDUCTIONS, SCORES, POLICIES,
            FALLING, SEALED, SIGNED)
"""What an answer has, in this order."""

LIMIT = 200
"""As many events, and rows of a section, are shown."""

Rows = dict[Ask, list[dict[str, Any]]]


def preview(
    models: ReadModels, ledger: Ledger, items: Sequence[tuple[Command, Context]], *,
    limit: int = LIMIT,
) -> dict[str, Any]:
    """What commands would record and touch, if they were recorded now. Nothing is written: not to
    the log, nor to the keys, nor to the read models.

    Shapes: {position, replayed, events: {total, rows: [{type, stream, version, occurred_at}]},
    and each of `SECTIONS`: {total, rows: [{report, of, change, before, after}]}, limit, notes};
    `position` is that of the last event that it rests on. At most `limit` rows of each are shown,
    `total` counts all. Errors: whatever refuses the first of the commands that is refused;
    ReadModelsUnready (R-PRJ-01). Rules: R-PRV-01, R-PRV-02.
    """
    with trying(models, ledger.name) as trial:
        found = ledger.foresee(items, trial.position)
        touched = Touched.by(found.entries, found.entries[-1].recorded_at if found.entries else 0,
                             ledger.days)
        asked = asks(found.entries, touched)
        before, old = _answers(trial, ledger.name, asked), sealed(trial, ledger.name, touched)
        months = SignedMonths(trial, ledger.name, found.entries)
        standing, old_book = months.standing(), _book(trial, ledger.name, found)
        trial.fold(found.entries)
        after, new = _answers(trial, ledger.name, asked), sealed(trial, ledger.name, touched)
        signed, new_book = list(months.differing(standing, months.standing())), _book(
            trial, ledger.name, found)
    sections: dict[str, list[dict[str, Any]]] = {name: [] for name in SECTIONS}
    for ask in asked:
        sections[ask.section] += differences(ask, before[ask], after[ask])
    register = [row for ask in asked if ask.report == "deductions" for row in before[ask]]
    if old_book is not None and new_book is not None:
        sections[DEDUCTIONS] += repriced(register, old_book, new_book, days=ledger.days)
        sections[FALLING] += _falling(old_book, new_book)
    elif register and touched.members:
        sections[DEDUCTIONS] += resting(register, touched.members, touched.days[0],
                                        days=ledger.days)
    sections[SIGNED] += signed
    sections[SEALED] += in_sealed(touched, old, new)
    sections[COUNTED] += _counted(found.entries)
    return _shown(found, sections, touched, limit)


def _book(models: ReadModels, ledger: str, found: Foreseen) -> PolicyBook | None:
    """The policies, where they are what would change."""
    if not any(entry.stream == BOOK for entry in found.entries):
        return None
    return book_of(models.store, ledger, NOW.resolve(models.store, ledger))


def _falling(before: PolicyBook, after: PolicyBook) -> Iterator[dict[str, Any]]:
    """What the last policy no longer says of a section that is replaced. Shapes: of {section,
    name}, before: what it said. Rule: R-PRV-08."""
    for one in falling_away(before.latest.sections, after.latest.sections):
        was = one["was"]
        yield {"report": "policies", "of": {"section": one["section"], "name": one["name"]},
               "change": "falls away", "before": was if isinstance(was, dict) else {"value": was},
               "after": None}


def _answers(models: ReadModels, ledger: str, asked: Iterable[Ask]) -> Rows:
    """What the reports answer; nothing of what is not known yet."""
    found: Rows = {}
    for ask in asked:
        try:
            found[ask] = REPORTS[ask.report](models, ledger, ask.question).rows
        except NothingRecorded:
            found[ask] = []
    return found


def _counted(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    """What a later count has found already, so that it is posted back at that count. Shapes: of
    {account, bin, counted_at}, with the pieces and the places between which they go back."""
    for entry in entries:
        for one in event_types.decode(entry).postings:
            if one.cause == ALREADY_COUNTED:
                at = from_us(entry.occurred_at) if one.at is None else one.at
                yield {"report": "stock-card", "of": {
                    "account": one.account, "bin": one.bin, "counted_at": rfc3339(at)},
                    "change": "posted back", "before": None,
                    "after": {"quantity": one.quantity, "from": one.source, "to": one.target}}


def _shown(
    found: Foreseen, sections: dict[str, list[dict[str, Any]]], touched: Touched, limit: int
) -> dict[str, Any]:
    events = [{"type": entry.type, "stream": entry.stream, "version": entry.version,
               "occurred_at": rfc3339(from_us(entry.occurred_at))} for entry in found.entries]
    notes = ["nothing is recorded: this is what would be"]
    if found.replayed:
        notes.append("it was recorded before, under the same key: nothing would be recorded again")
    if touched.cut:
        notes.append(f"only the months up to {touched.months[-1]} were looked at")
    return {"position": found.head.position, "replayed": found.replayed,
            "events": _bounded(events, limit),
            **{name: _bounded(rows, limit) for name, rows in sections.items()},
            "limit": limit, "notes": notes}


def _bounded(rows: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    return {"total": len(rows), "rows": rows[:limit]}
