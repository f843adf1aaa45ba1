"""Imports as the ledger has them: what became of each, and where its faults are.

All of it is in the events, so the list outlives every process and is the same after a rebuild.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import field

from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.imports.record import Import
from ledger.log.envelope import Entry
from ledger.log.store import Store, Which
from projections.asking.columns import Columns, Subject, Time, code, says

STATES = DONE, PART, REJECTED, UNFINISHED = ("done", "part", "rejected", "unfinished")
"""What became of an import: all of it was taken, a part, or nothing. One that is not finished runs,
or broke off: the same files, imported again, finish it."""

_id = re.compile("(?:import:)?([0-9a-f]{20})").fullmatch


class ImportedFile(Columns):
    """A file that was imported."""

    name: Annotated[str, says("Its name.")]
    bytes: Annotated[int, says("Its size.")]
    rows: Annotated[int, says("Its data lines.")]
    encoding: Annotated[str | None, says("How its text was encoded; empty where it is none.")]


class Decided(Columns):
    """What became of the rows of an import."""

    rows: Annotated[int, says("All rows: those that follow added up.")]
    accepted: Annotated[int, says("Rows that were recorded.")]
    rejected: Annotated[int, says("Rows that were rejected.")]
    duplicates: Annotated[int, says("Rows that brought nothing new.")]
    erased: Annotated[int, says("Rows that name somebody who was erased.")]


class FaultCount(Columns):
    """The faults, or warnings, of one code in one file."""

    file: Annotated[str, says("The file; empty: the files together.")]
    code: Annotated[str, says("The code of the fault.")]
    count: Annotated[int, says("How many such there are.")]
    rows: Annotated[list[str], says(
        "Their rows, each a number or a run such as 3-7, the header is 1, and 0 is the file as a "
        "whole; of very many runs only the first.")]


class ImportRow(Columns):
    """An import, and what became of it."""

    stream: Annotated[Subject, says("The stream of the import.")] = field(name="import")
    state: Annotated[str, code(*STATES)]
    started_at: Annotated[Time, says("When it began.")]
    by: Annotated[str, says("Who imported it.")]
    files: Annotated[list[ImportedFile], says("Its files.")]
    profile: Annotated[str, says("The profile by which they were read.")]
    channel: Annotated[str | None, says("The channel, if it is known.")]
    shop: Annotated[str | None, says("The shop, if it is one.")]
    policy: Annotated[str, says("What becomes of good rows where others are rejected.")]
    rows: Annotated[int, says("How many rows it has.")]
    completed: Annotated[Decided | None, says("What became of its rows; null until then.")]
    faults: Annotated[list[FaultCount], says("Where its faults are.")]
    warnings: Annotated[list[FaultCount], says(
        "Where something was read otherwise than it is printed.")]
    position: Annotated[int, says("The position of its last event.")]


def stream_of(text: str) -> str | None:
    """The stream of an import that somebody names by it or by its id; None if it is neither."""
    found = _id(text)
    return None if found is None else f"import:{found[1]}"


def read(store: Store, ledger: Which, stream: str) -> dict[str, Any] | None:
    """An import as of now, as `shown` has it; None if nothing is recorded of it."""
    entries = list(store.streams(ledger, [stream]))
    return shown(entries) if entries else None


def shown(entries: Sequence[Entry]) -> dict[str, Any]:
    """An import as a dict of what `ImportRow` declares, by all its events."""
    events = [event_types.decode(entry) for entry in entries]
    first_ones = [(entry, event) for entry, event in zip(entries, events, strict=True)
                  if not isinstance(event, Import.Completed)]
    begun = [one for one in first_ones if isinstance(one[1], Import.Started)]
    entry, first = (begun or first_ones[-1:])[0]
    ends = [event for event in events if isinstance(event, Import.Completed)]
    last = ends[-1] if ends else first
    completed = _decided(last) if ends or not begun else None
    return {
        "import": entry.stream, "state": _state(completed, refused=not begun),
        "started_at": rfc3339(from_us(entry.recorded_at)), "by": entry.actor,
        "files": msgspec.to_builtins(first.files), "profile": first.profile,
        "channel": first.channel or None, "shop": first.shop or None, "policy": first.policy,
        "rows": first.rows, "completed": completed,
        "faults": msgspec.to_builtins(last.faults) if completed else [],
        "warnings": msgspec.to_builtins(last.warnings) if completed else [],
        "position": entries[-1].position}


def _decided(last: Any) -> dict[str, int]:
    """What became of the rows; of an import that was refused all are rejected."""
    if isinstance(last, Import.Refused):
        return {"rows": last.rows, "accepted": 0, "rejected": last.rows, "duplicates": 0,
                "erased": 0}
    return {name: getattr(last, name) for name in (
        "rows", "accepted", "rejected", "duplicates", "erased")}


def _state(completed: dict[str, int] | None, *, refused: bool) -> str:
    if completed is None:
        return UNFINISHED
    if not completed["rejected"] and not refused:
        return DONE
    return PART if completed["accepted"] else REJECTED
