"""Equality of read models to the byte: a digest of a projection's rows, and where two sets part."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, Table

from projections.store.folding import Projection
from projections.store.rows import Rows

_encode = msgspec.json.Encoder().encode


class Parting(NamedTuple):
    """Where live rows and rebuilt rows part first.

    `position` is that of the first event whose row differs; `key` names the row within its ledger,
    and is empty where the whole projection belongs to another log or version. `live` and `rebuilt`
    are the two rows as JSON without the ledger's id, None where there is no such row.
    """

    projection: str
    position: int
    key: str
    live: str | None
    rebuilt: str | None


def digest_of(rows: Rows, projection: Projection, ledger: bytes) -> str:
    """SHA-256, in hex, over the rows of every table as lines of JSON, sorted by key, without the
    ledger's id."""
    digest = sha256()
    for table in projection.tables:
        digest.update(f"{table.name}\n".encode())
        for row in rows.all_of(table, ledger):
            digest.update(_encode(tuple(row)[1:]) + b"\n")
    return digest.hexdigest()


def parting_of(live: Rows, rebuilt: Rows, projection: Projection, ledger: bytes) -> Parting | None:
    """The earliest difference between a projection's rows in two read databases, if any."""
    first: Parting | None = None
    for table in projection.tables:
        for parting in _partings(live, rebuilt, (projection.name, table), ledger):
            if first is None or parting.position < first.position:
                first = parting
    return first


def _partings(
    live: Rows, rebuilt: Rows, of: tuple[str, Table], ledger: bytes
) -> Iterator[Parting]:
    name, table = of
    keys = len(table.primary_key)
    place = list(table.c.keys()).index("position")
    ours, theirs = live.all_of(table, ledger), rebuilt.all_of(table, ledger)
    a, b = next(ours, None), next(theirs, None)
    while a is not None or b is not None:
        if b is None or (a is not None and _key(a, keys) < _key(b, keys)):
            left, right = a, None
        elif a is None or _key(b, keys) < _key(a, keys):
            left, right = None, b
        else:
            left, right = a, b
        if left is None or right is None or tuple(left) != tuple(right):
            found = [row for row in (left, right) if row is not None]
            yield Parting(name, min(row[place] for row in found),
                          _encode(found[0][1:keys]).decode(), _json(left), _json(right))
        a = next(ours, None) if left is not None else a
        b = next(theirs, None) if right is not None else b


def _key(row: Row[Any], keys: int) -> list[bytes | int]:
    """A key as the databases sort it: texts by their bytes."""
    return [part.encode() if isinstance(part, str) else part for part in row[1:keys]]


def _json(row: Row[Any] | None) -> str | None:
    return None if row is None else _encode(tuple(row)[1:]).decode()
