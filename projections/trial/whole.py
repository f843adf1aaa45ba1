"""In what a whole ledger differs between two moments: the subjects of what was recorded between
them, each with its facts that differ and the events that made it so.

It costs what these events cost, and what their subjects do, however long the log is.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from ledger.common.errors import Invalid
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.accounts import accounts_in
from ledger.log.envelope import Entry
from projections.asking.clocks import AsOf, Cut, header
from projections.asking.giving_way import process
from projections.asking.written import noting_hidden
from projections.store.models import ReadModels
from projections.trial.facts import (
    FEW,
    Matter,
    TooManyEvents,
    facts_after_each,
    history_about,
    is_own,
)
from projections.trial.verbs import changes

READ = 500
"""Events between both moments that one page looks at, at most."""


class OneTimeForAll(Invalid):
    """What differs in the whole ledger is asked of two positions or two times of recording. A
    business time holds for both: name one. Two are compared of a single subject."""

    code = "one_time_for_all"
    rule = "R-SUP-08"


class Place(NamedTuple):
    """Where a page begins: with the subject of a number among those of the event at a position."""

    position: int
    number: int = 0


class Page(NamedTuple):
    """As of what two moments, the subjects that differ, and where the next page begins."""

    as_of: dict[str, Any]
    rows: list[dict[str, Any]]
    next: Place | None


class Whole(NamedTuple):
    """Two moments of a ledger, which are what `before` and `after` come to."""

    models: ReadModels
    ledger: str
    before: Cut
    after: Cut

    @classmethod
    def of(cls, models: ReadModels, ledger: str, before: AsOf, after: AsOf) -> "Whole":
        """Errors: PositionBeyondHead (R-PRJ-05), OneTimeForAll (R-SUP-08)."""
        first, second = (one.resolve(models.store, ledger) for one in (before, after))
        if first.occurred_us != second.occurred_us and first.position:
            raise OneTimeForAll
        return cls(models, ledger, first, second)

    @property
    def span(self) -> tuple[Cut, Cut]:
        """The earlier of both moments, and the later one."""
        early, late = sorted((self.before, self.after), key=lambda one: one.position)
        return early._replace(occurred_us=late.occurred_us), late

    def page(self, start: Place | None = None, *, limit: int) -> Page:
        """Subjects that differ, in the order of the first events that made them so. Shapes: rows as
        `SubjectDifferences`, header as `BetweenHeader`. Errors: whatever refuses the cost."""
        process.begin_long()
        early, late = self.span
        at, rows = start or Place(early.position + 1), list[dict[str, Any]]()
        entries = self.models.store.read(
            self.ledger, after=at.position - 1, until=late.position, limit=READ)
        for entry in entries:
            names = [entry.stream, *accounts_in(entry.subjects, ACCOUNT_KINDS)]
            first = at.number if entry.position == at.position else 0
            for number, name in enumerate(names[first:], first) if late.takes(entry) else ():
                if not self._begins(name, entry):
                    continue
                if len(rows) == limit:
                    return Page(self.header(rows), rows, Place(entry.position, number))
                rows.append(self._row(name))
        more = bool(entries) and entries[-1].position < late.position
        return Page(self.header(rows), rows, Place(entries[-1].position + 1) if more else None)

    def all(self) -> Iterator[dict[str, Any]]:
        """All rows, page by page."""
        page = self.page(limit=READ)
        yield from page.rows
        while page.next is not None:
            page = self.page(page.next, limit=READ)
            yield from page.rows

    def header(self, rows: Any = ()) -> dict[str, Any]:
        """As of when the moments are, and that something in rows is not shown. Shapes: as
        `BetweenHeader`."""
        store = self.models.store
        return noting_hidden({**header(store, self.ledger, self.after),
                              "before": header(store, self.ledger, self.before)}, rows)

    def _begins(self, name: str, entry: Entry) -> bool:
        """Whether an event is the first between both moments that is about a subject: there its row
        stands."""
        early, late = self.span
        return next(filter(late.takes, self._about(name, early.position, entry.position))) == entry

    def _about(self, name: str, after: int, until: int) -> Iterator[Entry]:
        """The events about a subject after one position, up to another."""
        store = self.models.store
        if not name.startswith(ACCOUNT_KINDS):
            yield from store.streams(self.ledger, [name], after=after)
            return
        while after < until:
            page = store.accounts(self.ledger, [name], after=after, until=until, limit=FEW)
            yield from page
            after = page[-1].position if len(page) == FEW else until

    def _row(self, name: str) -> dict[str, Any]:
        """A subject, in what it differs, and the events between both moments."""
        early, late = self.span
        matter, row = Matter(self.models, self.ledger, name, late), {"subject": name}
        try:
            entries = history_about(matter)
        except TooManyEvents:
            return {**row, "too_long": True, "events": [], "differences": []}
        between = [one for one in entries if one.position > early.position]
        known = [{}, *facts_after_each(matter, entries, beyond=early.position)]
        known = known[-len(between) - 1:]
        steps = [{one.field for one in changes(*pair)} for pair in pairwise(known)]
        shown = [(one.position, changed) for one, changed in zip(between, steps, strict=True)
                 if changed or is_own(matter, one)]
        found = changes(known[0], known[-1])
        if self.before.position > self.after.position:
            found = [one._replace(before=one.after, after=one.before) for one in found]
        events = [position for position, _ in shown]
        return {**row, "too_long": False, "events": events, "differences": [
            {**one._asdict(), "because": [
                position for position, changed in shown if one.field in changed] or events}
            for one in found]}
