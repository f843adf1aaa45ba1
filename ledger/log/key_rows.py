"""What the rows of the keys say, and how all of them are wrapped with another master key."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, bindparam, literal, select, tuple_, update

from ledger.log.key_tables import master, persons
from ledger.log.master_key import KEY_BYTES
from ledger.log.wrapping import Master, of_person, place_of

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
    """A person with the MAC of a lookup and a key. Where the row is damaged there is no key, and a
    MAC only if they were looked up by it."""

    person: str
    mac: bytes | None
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


def opened(row: Any, ledger: bytes, used: Master, macs: Mapping[bytes, bytes]) -> Opened:
    """A person's key out of a row. One that holds what nobody can have recorded is damaged. `macs`
    are those that were looked up, by their lookups."""
    found = None if not isinstance(row.lookup, bytes) else used.unwrap(
        row.wrapped, of_person(ledger, row.person, row.lookup))
    if found is None:
        return Opened(row.person, macs.get(row.lookup), None)
    return Opened(row.person, found[KEY_BYTES:], found[:KEY_BYTES])


def wrapped_anew(connection: Connection, table: Table, used: Master, *, new: Master
                 ) -> tuple[int, int]:
    """Wrap what is in a table with another master key. Returns how many keys, and how many not."""
    done = left = 0
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
    places = list(table.primary_key)
    columns = ["lookup", "wrapped"] if table is persons else ["wrapped"]
    changes = [{**{f"at_{column.name}": getattr(row, column.name) for column in places}, **now}
               for row in rows if (now := _row_anew(row, used=used, new=new)) is not None]
    if changes:
        connection.execute(update(table).where(
            *(column == bindparam(f"at_{column.name}") for column in places)).values(
                {name: bindparam(f"now_{name}") for name in columns}), changes)
    return len(changes)


def _row_anew(row: Any, *, used: Master, new: Master) -> dict[str, bytes] | None:
    """What changes in a row with another master key; None where it does not open."""
    if hasattr(row, "person"):
        found = opened(row, row.ledger, used, {})
        if found.key is None or found.mac is None:
            return None
        lookup, wrapped = new.wrap_person(row.ledger, row.person, found.key, found.mac)
        return {"now_lookup": lookup, "now_wrapped": wrapped}
    place = place_of(row)
    secret = used.unwrap(row.wrapped, place)
    return None if secret is None else {"now_wrapped": new.wrap(secret, place)}
