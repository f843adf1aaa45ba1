"""The log as if some of its events had not been recorded, or had said something else."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ledger.common.values import MAX_INTEGER
from ledger.log.accounts import Balance
from ledger.log.envelope import Entry, Outline
from ledger.log.store import Store, Which

Row = Entry | Outline
One = TypeVar("One", Entry, Outline)


class Otherwise:
    """Reads one ledger without the events at some positions, without what had not happened by a
    time, and with others in the place of some; of every other ledger what the store says. It writes
    nothing. What is read by position alone stays as it is: positions have no gaps.

    `ledger` is the id of the ledger. Units: `occurred_us` in microseconds since 1970.
    """

    def __init__(
        self, store: Store, ledger: bytes, *, without: Collection[int] = (),
        instead: Mapping[int, Entry] | None = None, occurred_us: int | None = None,
    ) -> None:
        self.store = store
        self.ledger = ledger
        self.without = frozenset(without)
        self.instead = instead or {}
        self.occurred_us = occurred_us

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def _is_own(self, ledger: Which) -> bool:
        return ledger == self.ledger or (
            isinstance(ledger, str) and self.store.id_of(ledger) == self.ledger)

    def _stands(self, row: Row) -> bool:
        return row.position not in self.without and (
            self.occurred_us is None or row.occurred_at <= self.occurred_us)

    def _kept(self, ledger: Which, rows: list[Entry]) -> list[Entry]:
        if not self._is_own(ledger):
            return rows
        return [self.instead.get(row.position, row) for row in rows if self._stands(row)]

    def streams(
        self, ledger: Which, names: Sequence[str], *, after: int = 0, upto: int = MAX_INTEGER
    ) -> list[Entry]:
        """As `Reader.streams`."""
        return self._kept(ledger, self.store.streams(ledger, names, after=after, upto=upto))

    def commands(self, ledger: Which, ids: Sequence[bytes]) -> list[Entry]:
        """As `Reader.commands`."""
        return self._kept(ledger, self.store.commands(ledger, ids))

    def once(self, ledger: Which, values: Sequence[str]) -> dict[str, int]:
        """As `Reader.once`."""
        found = self.store.once(ledger, values)
        if not self._is_own(ledger):
            return found
        return {value: at for value, at in found.items() if any(
            map(self._stands, self.store.read(ledger, after=at - 1, limit=1)))}

    def balances(self, ledger: Which, subjects: Sequence[str]) -> list[Balance]:
        """None of its own ledger: each was made of all events."""
        return [] if self._is_own(ledger) else self.store.balances(ledger, subjects)

    def accounts(
        self, ledger: Which, subjects: Sequence[str], *, after: int = 0, until: int | None = None,
        limit: int = 10_000, descending: bool = False,
    ) -> list[Entry]:
        """As `AccountReader.accounts`."""
        def page(beyond: int | None) -> list[Entry]:
            low, high = (after, until if beyond is None else beyond - 1) if descending else (
                after if beyond is None else beyond, until)
            return self.store.accounts(ledger, subjects, after=low, until=high, limit=limit,
                                       descending=descending)

        if not self._is_own(ledger):
            return page(None)
        return self._kept(ledger, list(self._filled(page, limit)))

    def touching(
        self, ledger: Which, known: Mapping[str, int], *, until: int | None = None,
        limit: int = 10_000,
    ) -> list[Outline]:
        """As `AccountReader.touching`."""
        def page(beyond: int | None) -> list[Outline]:
            return self.store.touching(
                ledger, known if beyond is None else {
                    name: max(at, beyond) for name, at in known.items()},
                until=until, limit=limit)

        if not self._is_own(ledger):
            return page(None)
        found = list(self._filled(page, limit))
        return [Outline.of(self.instead[row.position]) if row.position in self.instead else row
                for row in found]

    def _filled(
        self, page: Callable[[int | None], list[One]], limit: int
    ) -> Iterator[One]:
        """The first `limit` rows that stand, of pages that begin beyond a position."""
        taken, beyond = 0, None
        while taken < limit:
            rows = page(beyond)
            for row in rows:
                if self._stands(row) and taken < limit:
                    taken += 1
                    yield row
            if len(rows) < limit:
                return
            beyond = rows[-1].position
