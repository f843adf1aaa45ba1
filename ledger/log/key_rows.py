"""What the rows of the keys say, and how all of them are wrapped with another master key."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, literal, select, tuple_, update

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
        places = list(table.primary_key)
        after: tuple[Any, ...] | None = None
        while True:
            query = select(table).order_by(*places).limit(AT_ONCE)
            if after is not None:
                query = query.where(tuple_(*places) > tuple_(*map(literal, after)))
            rows = connection.execute(query).fetchall()
            if not rows:
                break
            after = tuple(getattr(rows[-1], column.name) for column in places)
            changes = []
            for row in rows:
                key = used.unwrap(row.wrapped, place := place_of(row))
                if key is not None:
                    changes.append({**{f"at_{c.name}": getattr(row, c.name) for c in places},
                                    "anew": new.wrap(key, place)})
            if changes:
                connection.execute(update(table).where(
                    *(column == bindparam(f"at_{column.name}") for column in places)).values(
                        wrapped=bindparam("anew")), changes)
            done, left = done + len(changes), left + len(rows) - len(changes)
    return done, left
