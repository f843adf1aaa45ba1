"""Reads of a database that may be damaged: what it cannot read is left out, and ends nothing.

Whoever has no way around it is told that it is damaged.
"""

from collections.abc import Callable, Iterator
from functools import partial
from struct import error as StructError
from typing import Any, TypeVar, get_type_hints

import msgspec

from ledger.log.envelope import Entry, leaf_hash, payload_hash
from ledger.log.store import Head, Known, StorageFailed, Store, ValueNotStored, Which

PAGE = 1_000

UNREADABLE = 100
"""How many rows in a row may be unreadable before the rest is not tried: what is wrong is then a
column, not a cell."""

UNHASHABLE = (TypeError, ValueError, AttributeError, StructError, RecursionError,
               msgspec.MsgspecError)
"""What hashing raises for a cell that cannot have been recorded."""

_TYPES: dict[type, dict[str, Any]] = {row: get_type_hints(row) for row in (Entry, Head, Known)}
_T = TypeVar("_T")


class DatabaseDamaged(StorageFailed):
    """The database is damaged, and nothing was recorded now: {why}. To send it again mends nothing.
    Keep a copy of the database as it is. Then `ledger backup` it and `ledger restore` that into a
    new place, or restore an older backup; `ledger verify` says what is damaged."""

    code = "database_damaged"
    rule = "R-LOG-29"


def unfit(row: Entry | Head | Known) -> str | None:
    """The first column whose value has a type that nothing recorded has; None for a fit row."""
    for name, value in row._asdict().items():
        if type(value) is bool or not isinstance(value, _TYPES[type(row)][name]):
            return name
        if isinstance(value, int) and not -2**63 <= value < 2**63:
            return name
    return None


def intact(entry: Entry) -> bool:
    """Whether an event is, by its own hashes, the one that was recorded. That it is in the tree is
    for `verify` to say."""
    try:
        return (payload_hash(entry.salt, entry.payload) == entry.payload_hash
                and leaf_hash(entry) == entry.leaf_hash)
    except UNHASHABLE:
        return False


def attempt(store: Store, read: Callable[[], _T]) -> _T | None:
    """What a read gives; None if a cell in its way cannot be read, though the database can.

    Errors: StorageFailed (R-LOG-04) if the database cannot be reached.
    """
    try:
        return read()
    except (StorageFailed, ValueNotStored):
        store.schema()
        return None


def rows_of(
    store: Store, ledger: Which, until: int, unreadable: Callable[[int], None]
) -> Iterator[Entry]:
    """All rows up to a position, in order and in bounded memory. Of those that the database cannot
    read, `unreadable` gets the position; they are left out, and pages grow smaller around them."""
    after, limit, failed = 0, PAGE, 0
    while failed < UNREADABLE:
        rows = attempt(store, partial(store.read, ledger, after=after, until=until, limit=limit))
        if rows:
            yield from rows
            yield from _more_at(store, ledger, rows)
            after, limit, failed = rows[-1].position, min(limit * 2, PAGE), 0
        elif rows is not None:
            return
        elif limit > 1:
            limit //= 2
        else:
            after, failed = _unreadable_after(store, ledger, int(after), until), failed + 1
            unreadable(after)


def _more_at(store: Store, ledger: Which, page: list[Entry]) -> list[Entry]:
    """Rows at the position at which a page ends that are not in it: where the index is gone, there
    may be several."""
    last = page[-1].position
    found = attempt(store, partial(store.read, ledger, after=last - 1, until=last))
    here = [row for row in found or () if row.position == last]
    return here[sum(row.position == last for row in page):]


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
