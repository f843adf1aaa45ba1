"""The audit trail: a read over the log, never a copy of it.

Who did what, when it happened and when it was known; with a subject also what each step changed.
"""

from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from ledger.core import event_types
from ledger.core.accounts import touch_of
from ledger.core.aggregate import Aggregate
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.envelope import Entry
from ledger.log.store import gapless
from ledger.log.zones import days_of
from ledger.stock.account import StockAccount
from projections.asking.answering import reading_log
from projections.asking.clocks import Cut
from projections.asking.periods import ALWAYS, Period
from projections.audit.corrections import Corrections
from projections.audit.known import AGGREGATES, known_to
from projections.audit.timeline import Timeline, about, about_back, marked
from projections.store.models import ReadModels

SCANNED = 20_000
"""Events that one page looks at, at most, where no subject is asked for."""

FOLDED = 2_000
"""Events of one stream that are folded to show what a later one changed."""


class Asked(NamedTuple):
    """What of the log is asked for; None is all. `period` are the days of recording; `after` is the
    position that somebody has seen."""

    subject: str | None = None
    actor: str | None = None
    client: str | None = None
    type: str | None = None
    command: UUID | None = None
    period: Period = ALWAYS
    after: int = 0

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is asked for."""
        return ((self.actor is None or entry.actor == self.actor)
                and (self.client is None or entry.client == self.client)
                and (self.type is None or entry.type == self.type)
                and (self.command is None or entry.command_id == self.command.bytes)
                and self.period.holds(entry.recorded_at))


class Found(NamedTuple):
    """A page: entries, and the position beyond which the next page begins (None: no more)."""

    entries: list[Entry]
    beyond: int | None


class Start(NamedTuple):
    """Where a page begins: beyond a position (None: it is the first page), which is before it where
    the newest come first (`down`), else after it."""

    beyond: int | None = None
    down: bool = False


FIRST = Start()


def found(
    models: ReadModels, ledger: str, asked: Asked, cut: Cut, *, start: Start = FIRST,
    limit: int = 100,
) -> Found:
    """The entries of a cut that are asked for, in the order of the log or against it."""
    store = models.store
    if asked.command is not None:
        entries = [one for one in store.commands(ledger, [asked.command.bytes])
                   if asked.takes(one) and cut.takes(one) and one.position > asked.after]
        return Found(entries[::-1] if start.down else entries, None)
    if asked.subject is not None:
        with reading_log(models, ledger, Timeline, cut) as reading:
            new: Iterator[Entry] = takewhile(
                lambda one: one.position > asked.after,
                about_back(reading, asked.subject, start.beyond)) if start.down else about(
                reading, asked.subject, max(asked.after, start.beyond or 0))
            return _taken(filter(asked.takes, new), limit)
    low, high = span(models, ledger, asked, cut, start=start)
    after, until = (max(low, high - SCANNED), high) if start.down else (
        low, min(high, low + SCANNED))
    scanned = gapless(store.read(ledger, after=after, until=until, limit=SCANNED), ledger,
                      after=after, until=until)
    entries = [one for one in scanned if cut.takes(one) and asked.takes(one)]
    if start.down:
        entries.reverse()
    if len(entries) > limit:
        return Found(entries[:limit], entries[limit - 1].position)
    if start.down:
        return Found(entries, after + 1 if after > low else None)
    return Found(entries, until if until < high else None)


def span(
    models: ReadModels, ledger: str, asked: Asked, cut: Cut, *, start: Start
) -> tuple[int, int]:
    """After which position, and up to which one, a page and those behind it have to be looked for
    where no subject is asked for."""
    low, high, period = asked.after, cut.position, asked.period
    if period.first is not None:
        low = max(low, models.store.position_at(ledger, period.first - 1))
    if period.last is not None:
        high = min(high, models.store.position_at(ledger, period.last))
    if start.beyond is not None:
        low, high = (low, min(high, start.beyond - 1)) if start.down else (
            max(low, start.beyond), high)
    return low, max(low, high)


def _taken(entries: Iterator[Entry], limit: int) -> Found:
    listed = list(islice(entries, limit + 1))
    more = len(listed) > limit
    return Found(listed[:limit], listed[limit - 1].position if more else None)


def rows(
    models: ReadModels, ledger: str, entries: Iterable[Entry], cut: Cut, *,
    subject: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Entries as the trail shows them, each with what it changed: of the subject, where that is an
    account, else of its own stream; and with what it corrects, and what corrects it in the cut.

    Shapes: as `timeline.shown`, with command_id, currency, and changes: {field: {before, after}};
    both are None for an event that comes after `FOLDED` others of its stream, since all of them
    would have to be read.
    """
    entries, days = list(entries), days_of(models.store, ledger)
    corrections = Corrections.about(models.store, ledger, entries, takes=cut.takes)
    of_account = subject is not None and subject.startswith(ACCOUNT_KINDS)
    states = (_account_states(models, ledger, entries, subject or "") if of_account
              else _states(models, ledger, entries))
    for entry in entries:
        state = states.get(entry.position, None if of_account or entry.version > FOLDED
                           else ({}, {}))
        before, after = state or ({}, {})
        changes = {name: {"before": before.get(name), "after": value}
                   for name, value in after.items() if before.get(name) != value}
        yield {**marked(entry, days, corrections.of(entry.position)),
               "command_id": str(UUID(bytes=entry.command_id)), "currency": after.get("currency"),
               "changes": None if state is None else changes}


Changed = dict[int, tuple[dict[str, Any], dict[str, Any]]]
"""What was known before and after an event, by its position."""


def _account_states(
    models: ReadModels, ledger: str, entries: list[Entry], account: str
) -> Changed:
    """What an account held before and after each of some events that touched it."""
    changed: Changed = {}
    if not entries:
        return changed
    found = StockAccount.blank(account)
    wanted = {entry.position for entry in entries}
    for entry in models.store.accounts(
            ledger, [account], until=max(wanted), limit=FOLDED):
        before = _held(found)
        found.take(touch_of(entry).by_account()[account])
        if entry.position in wanted:
            changed[entry.position] = before, _held(found)
    return changed


def _held(account: StockAccount) -> dict[str, Any]:
    """What lies in an account and who waits, as JSON has it."""
    return {name: msgspec.to_builtins(getattr(account, name))
            for name in ("levels", "bins", "waiting")}


def _states(models: ReadModels, ledger: str, entries: list[Entry]) -> Changed:
    """What was known of their streams before and after each of some events."""
    wanted = {(entry.stream, entry.version) for entry in entries
              if entry.version <= FOLDED and entry.stream.split(":")[0] in AGGREGATES}
    known = sorted({stream for stream, _ in wanted})
    upto = max((version for _, version in wanted), default=0)
    changed: Changed = {}
    states: dict[str, Aggregate] = {}
    for entry in models.store.streams(ledger, known, upto=upto) if known else ():
        if entry.stream not in states:
            states[entry.stream] = AGGREGATES[entry.stream.split(":")[0]].blank(entry.stream)
        aggregate, is_wanted = states[entry.stream], (entry.stream, entry.version) in wanted
        before = known_to(aggregate) if is_wanted else {}
        event_types.decode(entry).mutate(aggregate)
        if is_wanted:
            changed[entry.position] = before, known_to(aggregate)
    return changed
