"""Backups of keys, wrapped as they are: the master key is in none of them.

The first line names the master key, and how far in each log all keys are here that were in use. So
whoever restores it can tell a person whose key was lost from one whom no backup has known yet.
"""

import base64
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, LargeBinary, Table, select, update

from ledger.log.backup_files import KEYS_FORMAT, line_of, lines_of, new_file
from ledger.log.key_rows import AT_ONCE, Upto
from ledger.log.key_tables import SETTLE, erased, ledger_secrets, persons
from ledger.log.keys_database import KeysDatabase
from ledger.log.sections import BadBackup
from ledger.log.store import Store
from ledger.log.wrapping import Master, OtherMasterKey, place_of

_WHOLE = ("INSERT INTO restored VALUES (?, ?, ?) ON CONFLICT (ledger) DO UPDATE SET position ="
          " excluded.position, leaf = excluded.leaf WHERE excluded.position > restored.position")


class Saved(NamedTuple):
    """How many keys a backup holds, and how many not, since they are damaged."""

    keys: int
    damaged: int


class Restored(NamedTuple):
    """How many keys a backup holds, and of how many persons none was taken, since they were erased
    after it was made."""

    keys: int
    erased: int


class _Line(NamedTuple):
    """A row in a backup, and in which line it stands."""

    number: int
    row: dict[str, Any]


def backup_keys(keys: KeysDatabase, path: Path, store: Store | None = None) -> Saved:
    """Write all wrapped keys into a new file. `store` holds the logs that they belong to.

    Errors: FileExists (R-BAK-03), StorageFailed (R-LOG-04).
    """
    whole = {} if store is None else _heads(store)  # first: their keys are there already
    count = damaged = 0
    with new_file(path) as file, keys.snapshot() as (connection, master):
        file.write(line_of({"format": KEYS_FORMAT, "master": master.id.hex(), "logs": [
            {"ledger": ledger.hex(), "position": upto.position, "leaf": upto.leaf.hex()}
            for ledger, upto in whole.items()]}))
        for table in (ledger_secrets, persons):
            for row in connection.execute(select(table)):
                if master.unwrap(row.wrapped, place_of(row)) is None:
                    damaged += 1
                    continue
                values = {name: base64.b64encode(value).decode() if isinstance(value, bytes)
                          else value for name, value in row._mapping.items()}
                file.write(line_of({"table": table.name, **values}))
                count += 1
        file.write(line_of({"keys": count}))
    return Saved(count, damaged)


def _heads(store: Store) -> dict[bytes, Upto]:
    """Where the logs of a store end."""
    found = {}
    for name in store.ledgers():
        ledger = store.id_of(name)
        position = store.head(ledger).position
        for entry in store.read(ledger, after=position - 1, until=position, limit=1):
            found[ledger] = Upto(entry.position, entry.leaf_hash)
    return found


def restore_keys(keys: KeysDatabase, path: Path) -> Restored:
    """Add the keys of a backup to a keys database. Those that it holds already stay as they are,
    but for damaged ones, and none is dropped. Of several keys under one lookup the newest counts.
    Who was erased gets no key back.

    Errors: BadBackup (R-BAK-01); OtherMasterKey (R-KEY-15) where the backup is of another master
    key; StorageFailed (R-LOG-04).
    """
    lines = list(lines_of(path, KEYS_FORMAT))
    if len(lines) < 2 or lines[-1].get("keys") != len(lines) - 2:
        raise BadBackup(path=path, why="its closing line is missing or gives another count")
    wanted, whole = _first_line(path, lines[0])
    rows: dict[str, list[_Line]] = {ledger_secrets.name: [], persons.name: []}
    tables = {table.name: table for table in (ledger_secrets, persons)}
    for number, line in enumerate(lines[1:-1], 2):
        table = tables.get(name) if isinstance(name := line.get("table"), str) else None
        if table is None:
            raise BadBackup(path=path, why=f"line {number} is of no table of the keys")
        rows[table.name].append(_Line(number, _row(path, table, line, number=number)))
    gone = 0
    with keys.adding(wanted, path) as (connection, master):
        _must_open(path, [line for some in rows.values() for line in some], master,
                   named=keys.key_named)
        for name, some in rows.items():
            for start in range(0, len(some), AT_ONCE):
                gone += _take(connection, tables[name], some[start : start + AT_ONCE], master)
        for statement in SETTLE:
            connection.exec_driver_sql(statement)
        for ledger, upto in whole.items():
            connection.exec_driver_sql(keys.marked(_WHOLE), (ledger, *upto))
    return Restored(len(lines) - 2, gone)


def _first_line(path: Path, line: dict[str, Any]) -> tuple[bytes, dict[bytes, Upto]]:
    """The id of the master key that a backup needs, and how far it is whole."""
    try:
        wanted = bytes.fromhex(line["master"])
        if not isinstance(line["logs"], list):
            raise ValueError
        whole = {bytes.fromhex(one["ledger"]): Upto(one["position"], bytes.fromhex(one["leaf"]))
                 for one in line["logs"]}
        if not all(type(upto.position) is int and 0 < upto.position < 2**63
                   and len(upto.leaf) == 32 and len(ledger) == 16
                   for ledger, upto in whole.items()):
            raise ValueError
        return wanted, whole
    except (TypeError, ValueError, LookupError, AttributeError):
        raise BadBackup(path=path, why="its first line does not name the master key and how far in "
                        "each log the keys are whole") from None


def _must_open(path: Path, lines: list[_Line], master: Master, *, named: str) -> None:
    """Errors: BadBackup (R-BAK-01) for a line whose key does not open; OtherMasterKey (R-KEY-15)
    if none does."""
    closed = [line for line in lines if _opened(line.row, master) is None]
    if closed and len(closed) == len(lines):
        raise OtherMasterKey(path=named, keys=path)
    for line in closed:
        raise BadBackup(path=path, why=f"line {line.number}: its key does not open: the line is "
                        "damaged, or was put there from elsewhere")


def _opened(row: dict[str, Any], master: Master) -> bytes | None:
    return master.unwrap(row["wrapped"], place_of(row))


def _take(connection: Connection, table: Table, lines: list[_Line], master: Master) -> int:
    """Take what is not here, and what is here and damaged. Returns how many were erased."""
    keyed = [column.name for column in table.primary_key]
    some = {tuple(line.row[name] for name in keyed): line.row for line in lines}
    gone: set[tuple[Any, ...]] = set()
    if table is persons:
        names = [row["person"] for row in some.values()]
        gone = {tuple(row) for row in connection.execute(
            select(erased.c.ledger, erased.c.person).where(erased.c.person.in_(names)))}
    here = {tuple(getattr(row, name) for name in keyed): row for row in connection.execute(
        select(table).where(table.c[keyed[-1]].in_([key[-1] for key in some])))}
    missing = [{**row, "current": 0} if table is persons else row
               for key, row in some.items() if key not in here and key not in gone]
    if missing:
        connection.execute(table.insert(), missing)
    for key, row in some.items():
        if key in here and key not in gone and master.unwrap(
                here[key].wrapped, place_of(here[key])) is None:
            changed = {name: value for name, value in row.items() if name not in keyed}
            if table is persons:
                changed["current"] = 0  # which one counts is settled when all are there
            connection.execute(update(table).where(
                *(table.c[name] == value for name, value in zip(keyed, key, strict=True))
            ).values(**changed))
    return len(gone & some.keys())


def _row(path: Path, table: Table, line: dict[str, Any], *, number: int) -> dict[str, Any]:
    """A row of the keys, of the types that its table has. Errors: BadBackup (R-BAK-01)."""
    found: dict[str, Any] = {}
    for column in table.columns:
        value: Any = line.get(column.name)
        try:
            if isinstance(column.type, LargeBinary):
                value, fits = base64.b64decode(value, validate=True), True
            elif column.type.python_type is str:
                fits = bool(value.encode())
            else:
                fits = type(value) is int and 0 <= value < 2**63
        except (TypeError, ValueError, AttributeError):
            fits = False
        found[column.name] = value
        if not fits:
            raise BadBackup(path=path, why=f"line {number} has no fit {column.name}")
    return found
