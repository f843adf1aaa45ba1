"""Timelines: every event about a subject, in log order, with what it changed.

An event stands in a stream, which the log itself finds; the table holds only the further subjects
of events (SKUs, imports, members), so it is as small as it can be.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar
from urllib.parse import unquote

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table

from ledger.common.days import Days
from ledger.common.decoding import any_json
from ledger.common.values import from_us, rfc3339
from ledger.core.postings import held_in
from ledger.log.envelope import Entry, Outline, listed_subjects
from projections.asking.answering import Reading
from projections.asking.entries import entries_at, entries_between
from projections.asking.written import PERSONAL
from projections.audit.answers import EventRow
from projections.store.folding import Fact
from projections.store.rows import FETCHED, Change, Key, Rows, ledger_column, metadata

LONGEST_LIST = 3

subjects = Table(
    "subjects", metadata,
    ledger_column(),
    Column("subject", Key, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("ledger", "subject", "position", name="subjects_pk"),
    sqlite_with_rowid=False,
)


Subjects = tuple[bytes, dict[str, list[int]]]
"""A ledger and the positions that are about each subject."""


class Timeline:
    """Folds the subjects of events, besides their own streams. Its state: positions by subject."""

    name: ClassVar[str] = "timeline"
    version: ClassVar[int] = 1
    tables: ClassVar[tuple[Table, ...]] = (subjects,)

    def load(
        self, rows: Rows, ledger: bytes, entries: Sequence[Outline], *, days: Days
    ) -> Subjects:
        """Nothing: rows are only added."""
        return ledger, defaultdict(list)

    def fold(self, state: Subjects, facts: Iterable[Fact]) -> None:
        """Take the subjects of facts."""
        _, found = state
        for entry, _ in facts:
            if entry.subjects == f'["{entry.stream}"]':
                continue  # most events are about nothing else: reading it would cost more
            for subject in listed_subjects(entry.subjects):
                if subject != entry.stream:
                    found[subject].append(entry.position)

    def changes(self, state: Subjects) -> Iterator[Change]:
        """The new rows."""
        ledger, found = state
        yield Change(subjects, [(ledger, subject, position) for subject in sorted(found)
                                for position in found[subject]], [])


def about(reading: Reading, subject: str, after: int | None = None) -> Iterator[Entry]:
    """The entries about a subject after a position, up to the cut of a reading, in log order.

    What the table does not know yet is looked for in the log itself.
    """
    store, ledger, cut, after = reading.models.store, reading.ledger, reading.cut, after or 0
    own = store.streams(ledger, [subject], after=after)
    index = entries_at(store, ledger, _positions(reading, subject, after))
    later = entries_between(store, ledger, max(after, reading.folded), cut.position)
    rest = _only_about(subject, later)
    return filter(cut.takes, heapq.merge(own, index, rest, key=attrgetter("position")))


def about_back(reading: Reading, subject: str, before: int | None = None) -> Iterator[Entry]:
    """The entries about a subject before a position, of those that the cut of a reading has, the
    newest first."""
    store, ledger, cut = reading.models.store, reading.ledger, reading.cut
    until = cut.position if before is None else min(cut.position, before - 1)
    own = [one for one in store.streams(ledger, [subject]) if one.position <= until]
    later = list(_only_about(subject, entries_between(store, ledger, reading.folded, until)))
    return filter(cut.takes, heapq.merge(
        reversed(own), _index_back(reading, subject, until), reversed(later),
        key=attrgetter("position"), reverse=True))


def _only_about(subject: str, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Those that are about a subject and stand in another stream."""
    return (entry for entry in entries
            if entry.stream != subject and subject in listed_subjects(entry.subjects))


def _index_back(reading: Reading, subject: str, until: int) -> Iterator[Entry]:
    """What the table knows about a subject up to a position, the newest first."""
    rows = Rows(reading.connection)
    while found := rows.select(
            "SELECT position FROM subjects WHERE ledger = ? AND subject = ? AND position <= ?"
            f" ORDER BY position DESC LIMIT {FETCHED}", (reading.id, subject, until)):
        positions = [row[0] for row in reversed(found)]
        yield from reversed(list(entries_at(reading.models.store, reading.ledger, positions)))
        until = positions[0] - 1


def _positions(reading: Reading, subject: str, after: int) -> Iterator[int]:
    rows = Rows(reading.connection)
    while True:
        found = rows.select(
            "SELECT position FROM subjects WHERE ledger = ? AND subject = ? AND position > ?"
            f" AND position <= ? ORDER BY position LIMIT {FETCHED}",
            (reading.id, subject, after, reading.cut.position))
        yield from (row[0] for row in found)
        if len(found) < FETCHED:
            return
        after = found[-1][0]


def shown(entry: Entry) -> dict[str, Any]:
    """An event as a timeline shows it; personal values show as `‹personal›`.

    Shapes: `payload` is the event's object, `summary` one line of it, `subjects` a list of texts,
    `source` an object or None.
    """
    payload = masked(any_json(entry.payload))
    return {
        "position": entry.position,
        "type": entry.type,
        "stream": entry.stream,
        "version": entry.version,
        "occurred_at": rfc3339(from_us(entry.occurred_at)),
        "recorded_at": rfc3339(from_us(entry.recorded_at)),
        "actor": entry.actor,
        "role": entry.role,
        "client": entry.client,
        "causation": entry.causation,
        "summary": summary(payload),
        "payload": payload,
        "subjects": listed_subjects(entry.subjects),
        "source": None if entry.source is None else any_json(entry.source),
    }


def marked(entry: Entry, days: Days, corrections: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as `shown`, with whether it was known late, and what corrects and is corrected.
    Shapes: as `EventRow`, in the order of its columns."""
    row = {**shown(entry), "late": is_late(entry, days), **corrections}
    return {name: row[name] for name in EventRow.__struct_fields__}


def is_late(entry: Entry, days: Days) -> bool:
    """Whether an event was recorded on a later day of the shop than it happened."""
    return days.is_late(from_us(entry.occurred_at), from_us(entry.recorded_at))


def without_sums(row: dict[str, Any]) -> dict[str, Any]:
    """An event as `shown` has it, without what was to be paid for the goods: the history of an
    account is about goods, and all its orders together would tell what the shop takes. Rule:
    R-ACC-12."""
    payload = _goods_only(row["payload"])
    return {**row, "payload": payload, "summary": summary(payload)}


def _goods_only(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _goods_only(part) for name, part in value.items()
                if not name.endswith("_minor") and not name.startswith("unit_price")}
    if isinstance(value, list):
        return [_goods_only(part) for part in value]
    return value


def masked(value: Any) -> Any:
    """A value with everything personal in it hidden."""
    if isinstance(value, dict):
        if value.keys() == {"p", "n", "c", "h"}:
            return PERSONAL
        return {name: masked(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(masked(part) for part in value)
    return value


def summary(payload: dict[str, Any]) -> str:
    """A payload on one line: `amount_minor 100, payments [2]`; of a change, old → new; of what it
    posts and observes, `QM-001 available → reserved 3` and `QM-001 shelf A-01 counted 12`."""
    old, new = payload.get("old"), payload.get("new")
    parts = []
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                parts.append(f"{name} {_short(old.get(name))} → {_short(new.get(name))}")
    shown_already = {*(("old", "new") if parts else ()), *POSTED}
    parts += [f"{name} {_short(value)}" for name, value in payload.items()
              if name not in shown_already]
    posted = [say(one) for name, say in POSTED.items() for one in payload.get(name, ())]
    more = len(posted) - LONGEST_LIST
    return ", ".join([*parts, *posted[:LONGEST_LIST], *([f"… [{more} more]"] if more > 0 else [])])


def _posting(one: dict[str, Any]) -> str:
    ends = (" ".join(filter(None, (one[place], one.get(name)))) for place, name in (
        ("from", "bin"), ("to", "to_bin")))
    return f"{_goods(one)} {' → '.join(ends)} {one['quantity']}"


def _observation(one: dict[str, Any]) -> str:
    where = " ".join(filter(None, (one["place"], one.get("bin"))))
    said = "counted" if not one.get("withdrawn") else "no longer counted"
    return f"{_goods(one)} {where} {said} {one['counted']}"


def _goods(one: dict[str, Any]) -> str:
    """What the account of a posting holds."""
    return unquote(held_in(one["account"]).partition(":")[2])


POSTED = {"postings": _posting, "observations": _observation}
"""How what events post and observe is said, by the fields that hold it."""


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return f"({', '.join(f'{name} {_short(part)}' for name, part in value.items())})"
    if isinstance(value, list):
        if len(value) > LONGEST_LIST or any(isinstance(part, dict) for part in value):
            return f"[{len(value)}]"
        return f"[{', '.join(map(_short, value))}]"
    return "–" if value is None else str(value)
