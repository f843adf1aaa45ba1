"""Reads of a database that may be damaged: what it cannot read is left out, and ends nothing."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from ledger.log.envelope import Entry
from ledger.log.store import StorageFailed, Store, Which

PAGE = 1_000

_T = TypeVar("_T")


def attempt(store: Store, read: Callable[[], _T]) -> _T | None:
    """What a read gives; None if a cell in its way cannot be read, though the database can.

    Errors: StorageFailed (R-LOG-04) if the database cannot be reached.
    """
    try:
        return read()
    except StorageFailed:
        store.schema()
        return None


def rows_of(
    store: Store, ledger: Which, until: int, unreadable: Callable[[int], None]
) -> Iterator[Entry]:
    """All rows up to a position, in order and in bounded memory. Of those that the database cannot
    read, `unreadable` gets the position; they are left out, and pages grow smaller around them."""
    after, limit = 0, PAGE
    while True:
        rows = attempt(store, partial(store.read, ledger, after=after, until=until, limit=limit))
        if rows:
            yield from rows
            after, limit = rows[-1].position, min(limit * 2, PAGE)
        elif rows is not None:
            return
        elif limit > 1:
            limit //= 2
        else:
            after = _unreadable_after(store, ledger, int(after), until)
            unreadable(after)


def _unreadable_after(store: Store, ledger: Which, after: int, until: int) -> int:
    """The position of the first row after one, which cannot be read."""
    low, step = after, 1
    while low + step < until and _readable(store, ledger, after, low + step):
        low, step = low + step, step * 2
    high = min(low + step, until)
    while low + 1 < high:
        middle = (low + high) // 2
        if _readable(store, ledger, after, middle):
            low = middle
        else:
            high = middle
    return high


def _readable(store: Store, ledger: Which, after: int, until: int) -> bool:
    return attempt(store, partial(store.read, ledger, after=after, until=until, limit=1)
                    ) is not None
