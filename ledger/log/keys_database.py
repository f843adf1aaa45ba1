"""The keys database: all keys wrapped, by ledger and person, and the master key that opens them."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Table, delete, inspect, select
from sqlalchemy.exc import DBAPIError

from ledger.log import migrations
from ledger.log.key_tables import SETTLE, erased, ledger_secrets, master, metadata, persons
from ledger.log.store import LogConflict, StorageFailed
from ledger.log.wrapping import Master, WrongMasterKey, of_person, of_secret

AT_ONCE = 500
"""How many persons one statement names."""

_LOCK = "LOCK TABLE persons, ledger_secrets, erased, master IN SHARE ROW EXCLUSIVE MODE"

_BURY = "INSERT INTO erased VALUES (?, ?, ?, (SELECT number FROM master)) ON CONFLICT "
_UPTO = ("INSERT INTO {} VALUES (?, ?, ?) ON CONFLICT (ledger) DO UPDATE"
         " SET position = excluded.position, leaf = excluded.leaf")


class Upto(NamedTuple):
    """How far a log was looked at: a position and the leaf hash there."""

    position: int
    leaf: bytes


def _make_tables(engine: Engine) -> None:
    """Make missing tables, also those that a database of before has not. Several processes may
    start at once: one at a time looks and makes."""
    if not inspect(engine).has_table(master.name):
        with engine.connect() as connection, migrations.exclusively(connection):
            metadata.create_all(connection)


class KeysDatabase:
    """The wrapped keys of all ledgers, opened with a master key."""

    def __init__(self, engine: Engine, master_key: bytes, *, named: str, key_file: str) -> None:
        self.engine = engine
        self.named = named
        self.key_file = key_file
        self._master = Master(master_key)
        self.lock = threading.Lock()
        _make_tables(engine)
        with self.asking() as connection:
            known = connection.execute(select(master.c.id)).scalar()
        if known is None:
            self.insert(master.name, [(1, 1, self._master.id)])

    @staticmethod
    def holds_any(engine: Engine) -> bool:
        """Whether there are keys that only an existing master key can open."""
        _make_tables(engine)
        with engine.connect() as connection:
            return connection.execute(select(ledger_secrets.c.ledger).limit(1)).first() is not None

    def wrap(self, key: bytes, place: bytes) -> bytes:
        """A key, wrapped for a place."""
        return self._master.wrap(key, place)

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        """A key that was wrapped for a place. Errors: WrongMasterKey (R-KEY-03)."""
        key = self._master.unwrap(wrapped, place)
        if key is None:
            raise WrongMasterKey(path=self.key_file, keys=self.named)
        return key

    @contextmanager
    def changing(self, *, alone: bool = False) -> Iterator[Connection]:
        """A transaction, committed at the end of the block. `alone`: nobody else adds, wraps or
        destroys keys at the same time. Errors: StorageFailed (R-LOG-04).
        """
        sqlite = self.engine.dialect.name == "sqlite"
        try:
            with self.lock, self.engine.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "BEGIN")
                try:
                    if alone and not sqlite:
                        connection.exec_driver_sql(_LOCK)
                    yield connection
                    connection.exec_driver_sql("COMMIT")
                except BaseException:
                    with suppress(DBAPIError):
                        connection.exec_driver_sql("ROLLBACK")
                    raise
        except DBAPIError as error:
            raise StorageFailed(why=str(error.orig)) from error

    def marked(self, sql: str) -> str:
        """A statement with the marks for parameters that the driver takes."""
        return sql if self.engine.dialect.name == "sqlite" else sql.replace("?", "%s")

    def insert(self, table: str, rows: list[tuple[object, ...]], *, whole: bool = False,
               then: Sequence[str] = ()) -> None:
        """Add the rows whose key is free, durably; with `whole`, none unless all are.

        Errors: LogConflict (R-LOG-03), StorageFailed (R-LOG-04).
        """
        marks = ", ".join("?" * len(rows[0]))
        sql = self.marked(f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING")
        with self.changing() as connection:
            if connection.exec_driver_sql(sql, rows).rowcount < len(rows) and whole:
                raise LogConflict(what="person")
            for statement in then:
                connection.exec_driver_sql(statement)

    def destroy(self, ledger: bytes, gone: Mapping[str, int], upto: Upto | None = None) -> None:
        """Delete the keys of persons whom the event at a position erased, and keep that this was
        done; `upto`, if it is known, is how far the log was looked at for it.

        Errors: StorageFailed (R-LOG-04).
        """
        names, held = sorted(gone), list[str]()
        with self.changing(alone=True) as connection:
            for start in range(0, len(names), AT_ONCE):
                theirs = (persons.c.ledger == ledger,
                          persons.c.person.in_(names[start : start + AT_ONCE]))
                held += connection.execute(select(persons.c.person).where(*theirs)).scalars()
                connection.execute(delete(persons).where(*theirs))
            for some, clash in ((held, "(ledger, person) DO UPDATE SET master = excluded.master"),
                                (names, "DO NOTHING")):
                if some:
                    connection.exec_driver_sql(self.marked(_BURY + clash), [
                        (ledger, name, gone[name]) for name in some])
            if upto is not None:
                connection.exec_driver_sql(self.marked(_UPTO.format("followed")), (ledger, *upto))
        if held:
            self._sweep()

    def _sweep(self) -> None:
        """Let what was deleted leave the files of the database soon, as far as it can be done now.

        It is an attempt: readers may be in the way, and PostgreSQL keeps what it has written
        before. Only another master key makes all that worthless.
        """
        with suppress(DBAPIError), self.lock, self.engine.connect() as connection:
            if self.engine.dialect.name != "sqlite":
                connection.exec_driver_sql("VACUUM (SKIP_LOCKED) persons")
                return
            patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
            connection.exec_driver_sql("PRAGMA busy_timeout = 200")
            try:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience}")

    def erasure_of(self, ledger: bytes, person: str) -> int | None:
        """The position of the event that erased a person, if these keys have followed it.

        Errors: StorageFailed (R-LOG-04).
        """
        query = select(erased.c.position).where(
            erased.c.ledger == ledger, erased.c.person == person)
        with self.asking() as connection:
            found: int | None = connection.execute(query).scalar()
            return found

    def upto(self, table: Table, ledger: bytes) -> Upto | None:
        """How far a log was followed, or a backup of its keys was whole, if that is known.

        Errors: StorageFailed (R-LOG-04).
        """
        query = select(table.c.position, table.c.leaf).where(table.c.ledger == ledger)
        with self.asking() as connection:
            found = connection.execute(query).first()
        return None if found is None else Upto(found.position, bytes(found.leaf))

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """A connection for reads. Errors: StorageFailed (R-LOG-04)."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise StorageFailed(why=str(error.orig)) from error

    def adopt(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Take the wrapped keys of a backup, if all of them open; known ones stay as they are.
        Of several keys under one lookup the newest counts. Errors: WrongMasterKey (R-KEY-03).
        """
        of_persons = table is persons
        for row in rows:
            self.unwrap(row["wrapped"], of_person(row["ledger"], row["person"], row["lookup"])
                         if of_persons else of_secret(row["ledger"]))
        if rows:
            taken = [{**row, "current": 0} for row in rows] if of_persons else rows
            values = [tuple(row[column.name] for column in table.columns) for row in taken]
            self.insert(table.name, values, then=SETTLE if of_persons else ())

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
