"""Entries of the log by their positions."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from ledger.log.envelope import Entry
from ledger.log.store import Store, gapless
from projections.store.rows import FETCHED


def entries_between(store: Store, ledger: str, after: int, until: int) -> Iterator[Entry]:
    """The entries after one position, up to and with another."""
    while after < until and (entries := store.read(ledger, after=after, until=until,
                                                   limit=FETCHED)):
        yield from gapless(entries, ledger, after=after)
        after = entries[-1].position


def entries_at(store: Store, ledger: str, positions: Iterable[int]) -> Iterator[Entry]:
    """The entries at positions, neighbours with one query."""
    for _, run in groupby(enumerate(positions), lambda pair: pair[1] - pair[0]):
        neighbours = [position for _, position in run]
        yield from entries_between(store, ledger, neighbours[0] - 1, neighbours[-1])
