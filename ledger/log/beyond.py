"""The log up to a position, with entries after it that nobody has recorded: what it would be."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ledger.common.values import MAX_INTEGER
from ledger.log.accounts import Span, accounts_in, between
from ledger.log.envelope import Entry, Outline, listed_subjects
from ledger.log.store import Head, Store, Which


class Beyond:
    """Reads one ledger as it is up to `until`, and `entries` after that; of every other ledger, and
    of what is not about entries, what the store says. It writes nothing, and does not see what is
    recorded meanwhile. `ledger` is the id of the ledger."""

    def __init__(
        self, store: Store, ledger: bytes, until: Head, entries: Sequence[Entry] = ()
    ) -> None:
        self.store = store
        self.ledger = ledger
        self.until = until
        self.entries = list(entries)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def _is_own(self, ledger: Which) -> bool:
        return ledger == self.ledger or (
            isinstance(ledger, str) and self.store.id_of(ledger) == self.ledger)

    def head(self, ledger: Which) -> Head:
        """The head, behind the entries. Nobody has hashed these: it has no frontier of theirs."""
        if not self._is_own(ledger):
            return self.store.head(ledger)
        if not self.entries:
            return self.until
        last = self.entries[-1]
        return Head(last.position, last.recorded_at, b"", self.until.keys_id)

    def _added(self, after: int, until: int | None) -> Iterator[Entry]:
        return (one for one in self.entries if one.position > after
                and (until is None or one.position <= until))

    def _upto(self, until: int | None) -> int:
        return self.until.position if until is None else min(until, self.until.position)

    def read(
        self, ledger: Which, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Entry]:
        """As `Reader.read`."""
        if not self._is_own(ledger):
            return self.store.read(ledger, after=after, until=until, limit=limit)
        found = self.store.read(ledger, after=after, until=self._upto(until), limit=limit)
        return [*found, *islice(self._added(after, until), max(limit - len(found), 0))]

    def outlines(
        self, ledger: Which, *, after: int = 0, until: int | None = None, limit: int = 10_000
    ) -> list[Outline]:
        """As `Reader.outlines`."""
        if not self._is_own(ledger):
            return self.store.outlines(ledger, after=after, until=until, limit=limit)
        found = self.store.outlines(ledger, after=after, until=self._upto(until), limit=limit)
        added = islice(self._added(after, until), max(limit - len(found), 0))
        return [*found, *map(Outline.of, added)]

    def streams(
        self, ledger: Which, names: Sequence[str], *, after: int = 0, upto: int = MAX_INTEGER
    ) -> list[Entry]:
        """As `Reader.streams`."""
        found = self.store.streams(ledger, names, after=after, upto=upto)
        if not self._is_own(ledger):
            return found
        return [*(one for one in found if one.position <= self.until.position),
                *(one for one in self._added(after, None)
                  if one.stream in names and one.version <= upto)]

    def commands(self, ledger: Which, ids: Sequence[bytes]) -> list[Entry]:
        """As `Reader.commands`."""
        found = self.store.commands(ledger, ids)
        if not self._is_own(ledger):
            return found
        return [*(one for one in found if one.position <= self.until.position),
                *(one for one in self.entries if one.command_id in ids)]

    def once(self, ledger: Which, values: Sequence[str]) -> dict[str, int]:
        """As `Reader.once`."""
        found = self.store.once(ledger, values)
        if not self._is_own(ledger):
            return found
        return {**{value: at for value, at in found.items() if at <= self.until.position},
                **{one.once: one.position for one in self.entries
                   if one.once is not None and one.once in values}}

    def position_at(self, ledger: Which, recorded_at: int) -> int:
        """As `Reader.position_at`."""
        found = self.store.position_at(ledger, recorded_at)
        if not self._is_own(ledger):
            return found
        return max([min(found, self.until.position),
                    *(one.position for one in self.entries if one.recorded_at <= recorded_at)])

    def accounts(
        self, ledger: Which, subjects: Sequence[str], *, after: int = 0, until: int | None = None,
        limit: int = 10_000, descending: bool = False,
    ) -> list[Entry]:
        """As `AccountReader.accounts`."""
        own = self._is_own(ledger)
        found = self.store.accounts(
            ledger, subjects, after=after, until=self._upto(until) if own else until, limit=limit,
            descending=descending)
        added = [one for one in self._added(after, until) if own and not set(subjects).isdisjoint(
            accounts_in(one.subjects, self.store.kinds))]
        return [*reversed(added), *found][:limit] if descending else [*found, *added][:limit]

    def touching(
        self, ledger: Which, known: Mapping[str, int], *, until: int | None = None,
        limit: int = 10_000,
    ) -> list[Outline]:
        """As `AccountReader.touching`."""
        if not self._is_own(ledger):
            return self.store.touching(ledger, known, until=until, limit=limit)
        found = self.store.touching(ledger, known, until=self._upto(until), limit=limit)
        added = (Outline.of(one) for one in self._added(0, until)
                 if any(known.get(name, one.position) < one.position
                        for name in accounts_in(one.subjects, self.store.kinds)))
        return [*found, *added][:limit]

    def streams_of(
        self, ledger: Which, kind: str, *, naming: str | None = None,
        during: Span | None = None, after: str = "", limit: int = 10_000,
    ) -> list[str]:
        """As `StreamFinder.streams_of`; it may also name streams that begin meanwhile."""
        found = self.store.streams_of(ledger, kind, naming=naming, during=during, after=after,
                                      limit=limit)
        if not self._is_own(ledger):
            return found
        first, last = between(kind, after)
        added = {one.stream for one in self.entries if first < one.stream < last
                 and (naming is None or naming in listed_subjects(one.subjects))
                 and (during is None or during[0] <= one.occurred_at <= during[1])}
        return sorted({*found, *added}, key=str.encode)[:limit]


def head_at(store: Store, ledger: bytes, position: int) -> Head:
    """The head of a log when it ended at a position; of an earlier one nobody asks the frontier."""
    head = store.head(ledger)
    if position >= head.position:
        return head
    at = store.read(ledger, after=position - 1, limit=1) if position else []
    return Head(position, at[0].recorded_at if at else 0, b"", head.keys_id)
