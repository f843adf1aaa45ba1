"""What the rows of the keys say, and how all of them are wrapped with another master key."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, bindparam, literal, select, tuple_, update

from ledger.log.key_tables import ledger_secrets, master, persons
from ledger.log.wrapping import Master, place_of

AT_ONCE = 500
"""How many persons one statement names."""


class Upto(NamedTuple):
    """How far a log was looked at: a position and the leaf hash there."""

    position: int
    leaf: bytes


class MasterRow(NamedTuple):
    """Which master key wraps all keys, by number and id, which one before, and which is to come."""

    number: int
    id: bytes
    former: bytes | None
    next: bytes | None


class Opened(NamedTuple):
    """A person with lookup and key; no key where it is damaged."""

    person: str
    lookup: bytes
    key: bytes | None


def master_row(connection: Connection) -> MasterRow | None:
    """Which master key wraps all keys, if the database knows it."""
    found = connection.execute(select(
        master.c.number, master.c.id, master.c.former, master.c.next)).first()
    return None if found is None else MasterRow(*found)


def is_master(connection: Connection, used: Master) -> bool:
    """Whether this is the master key that wraps all keys."""
    row = master_row(connection)
    return row is not None and row.id == used.id


def wrapped_anew(connection: Connection, used: Master, new: Master) -> tuple[int, int]:
    """Wrap what is there with another master key. Returns how many keys, and how many not."""
    done = left = 0
    for table in (ledger_secrets, persons):
        for rows in _in_parts(connection, table):
            changed = _wrap(connection, table, rows, used=used, new=new)
            done, left = done + changed, left + len(rows) - changed
    return done, left


def _in_parts(connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
    """All rows of a table, some at a time."""
    places = list(table.primary_key)
    query = select(table).order_by(*places).limit(AT_ONCE)
    rows = connection.execute(query).fetchall()
    while rows:
        yield rows
        last = (literal(getattr(rows[-1], column.name)) for column in places)
        rows = connection.execute(query.where(tuple_(*places) > tuple_(*last))).fetchall()


def _wrap(connection: Connection, table: Table, rows: Sequence[Any], *, used: Master, new: Master
          ) -> int:
    """Wrap the keys of some rows. Returns how many open."""
    keys = [(row, place, used.unwrap(row.wrapped, place)) for row in rows
            if (place := place_of(row))]
    places = list(table.primary_key)
    changes = [{**{f"at_{column.name}": getattr(row, column.name) for column in places},
                "now": new.wrap(key, place)} for row, place, key in keys if key is not None]
    if changes:
        connection.execute(update(table).where(
            *(column == bindparam(f"at_{column.name}") for column in places)).values(
                wrapped=bindparam("now")), changes)
    return len(changes)
