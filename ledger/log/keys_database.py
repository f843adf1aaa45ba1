"""The keys database: all keys wrapped, by ledger and person, and the master key that opens them."""

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    and_,
    delete,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from ledger.log import migrations
from ledger.log.key_rows import (
    AT_ONCE,
    MasterRow,
    Opened,
    Upto,
    is_master,
    master_row,
    opened,
    wrapped_anew,
)
from ledger.log.key_tables import erased, import_keys, ledger_secrets, master, metadata, persons
from ledger.log.master_key import beside, candidates
from ledger.log.store import LogConflict, StorageFailed
from ledger.log.wrapping import (
    DamagedKeys,
    KeyDamaged,
    Master,
    OtherMasterKey,
    WrongMasterKey,
    of_secret,
)

PATIENCE = 200
"""How often the file of a master key is looked at again, every hundredth of a second."""

_LOCK = ("LOCK TABLE persons, ledger_secrets, import_keys, erased, master"
         " IN SHARE ROW EXCLUSIVE MODE")

_BURY = "INSERT INTO erased VALUES (?, ?, ?, (SELECT number FROM master)) ON CONFLICT "
_UPTO = ("INSERT INTO {} VALUES (?, ?, ?) ON CONFLICT (ledger) DO UPDATE"
         " SET position = excluded.position, leaf = excluded.leaf")


def _make_tables(engine: Engine) -> None:
    """Make missing tables, also those that a database of before has not. Several processes may
    start at once: one at a time looks and makes."""
    if not metadata.tables.keys() <= set(inspect(engine).get_table_names()):
        with engine.connect() as connection, migrations.exclusively(connection):
            metadata.create_all(connection)


class KeysDatabase:
    """The wrapped keys of all ledgers, opened with a master key."""

    def __init__(self, engine: Engine, master_key: bytes, *, named: str, key_file: Path | None
                 ) -> None:
        self.engine = engine
        self.named = named
        self.key_file = key_file
        self._master = Master(master_key)
        self._renewing = threading.Lock()
        self.lock = threading.Lock()
        _make_tables(engine)
        if (row := self.master_row()) is None or row.id != self._master.id:
            self._acquaint()

    @staticmethod
    def holds_any(engine: Engine) -> bool:
        """Whether there are keys that only an existing master key can open."""
        _make_tables(engine)
        with engine.connect() as connection:
            return connection.execute(select(ledger_secrets.c.ledger).limit(1)).first() is not None

    # -- the master key ---------------------------------------------------------------------------

    def master_row(self) -> MasterRow | None:
        """Which master key wraps all keys; None in a database of before, as long as nobody looked.

        Errors: StorageFailed (R-LOG-04).
        """
        with self.asking() as connection:
            return master_row(connection)

    def _acquaint(self) -> None:
        """Let a database that holds no keys, or does not know its master key yet, know this one.

        Errors: WrongMasterKey (R-KEY-03).
        """
        with self.changing(alone=True) as connection:
            row = master_row(connection)
            secret = connection.execute(select(ledger_secrets).limit(1)).first()
            person = connection.execute(select(persons).limit(1)).first()
            empty = secret is None and person is None
            opens = secret is not None and self._master.unwrap(
                secret.wrapped, of_secret(secret.ledger)) is not None
            if empty or (row is None and opens):
                connection.execute(delete(master))
                connection.execute(insert(master).values(
                    one=1, number=1 if row is None else row.number + 1, id=self._master.id))
        self.renew(self._master)

    def renew(self, used: Master) -> bool:
        """Whether another master key is in use than the one that was used; it is read again then.

        Errors: WrongMasterKey (R-KEY-03) if the one in use is not to be found; StorageFailed
        (R-LOG-04).
        """
        with self._renewing:
            if self._master is not used:
                return True
            for _ in range(PATIENCE):
                row = self.master_row()
                if row is not None and row.id == used.id:
                    return False
                for key in () if self.key_file is None else candidates(self.key_file):
                    if row is not None and row.id == (found := Master(key)).id:
                        self._master = found
                        return True
                time.sleep(0.01)  # its file may be taking its place right now
            raise WrongMasterKey(path=self.key_named, keys=self.named)

    def note_next(self, new: Master) -> None:
        """Note which master key is to come. Errors: StorageFailed (R-LOG-04)."""
        with self.changing(alone=True) as connection:
            connection.execute(update(master).values(next=new.id))

    def wrap_anew(self, new: Master, *, leave_damaged: bool = False) -> tuple[int, int]:
        """Wrap all keys of all ledgers with another master key, in one transaction. Returns how
        many were wrapped, and how many were not: keys of persons that do not open, which then stay
        as they are.

        Errors: DamagedKeys (R-KEY-16), WrongMasterKey (R-KEY-03), StorageFailed (R-LOG-04).
        """
        while True:
            used = self._master
            with self.changing(alone=True) as connection:
                row = master_row(connection)
                if fits := row is not None and row.id == used.id:
                    done = self._wrapped_anew(connection, used, new, leave_damaged=leave_damaged)
                    connection.execute(update(master).values(
                        number=master.c.number + 1, id=new.id, former=used.id, next=None))
            if fits:
                self._master = new
                return done
            self.renew(used)

    def _wrapped_anew(
        self, connection: Connection, used: Master, new: Master, *, leave_damaged: bool
    ) -> tuple[int, int]:
        secrets, damaged = wrapped_anew(connection, ledger_secrets, used, new=new)
        keys, left = wrapped_anew(connection, persons, used, new=new)
        wrapped_anew(connection, import_keys, used, new=new)  # a damaged one opens nothing for long
        if damaged or (left and not leave_damaged):
            raise DamagedKeys(count=damaged + left, keys=self.named)
        return secrets + keys, left

    # -- rows -------------------------------------------------------------------------------------

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
            raise StorageFailed(why=f"the keys database: {error.orig}") from error

    @property
    def _share(self) -> str:
        """Lets who adds a key wait for another master key that is just coming into use."""
        return "" if self.engine.dialect.name == "sqlite" else " FOR SHARE"

    def marked(self, sql: str) -> str:
        """A statement with the marks for parameters that the driver takes."""
        return sql if self.engine.dialect.name == "sqlite" else sql.replace("?", "%s")

    def insert(self, table: str, rows: Callable[[Master], list[tuple[object, ...]]], *,
               whole: bool = False) -> None:
        """Add the rows whose key is free, durably; with `whole`, none unless all are. They are made
        again if another master key is in use by now: a row counts only with that.

        Errors: LogConflict (R-LOG-03), WrongMasterKey (R-KEY-03), StorageFailed (R-LOG-04).
        """
        while True:
            used = self._master
            made = rows(used)
            sql = self.marked(f"INSERT INTO {table} SELECT {', '.join('?' * len(made[0]))} FROM"
                              f" master WHERE id = ?{self._share} ON CONFLICT DO NOTHING")
            with self.changing() as connection:
                added = connection.exec_driver_sql(sql, [(*row, used.id) for row in made]).rowcount
                fits = added == len(made) or is_master(connection, used)
                if fits and whole and added < len(made):
                    raise LogConflict(what="person")
            if fits:
                return
            self.renew(used)

    def secret_of(self, ledger: bytes) -> bytes | None:
        """A ledger's secret, if it has one. Errors: KeyDamaged (R-KEY-12), WrongMasterKey
        (R-KEY-03), StorageFailed (R-LOG-04)."""
        return self.key_at(
            select(ledger_secrets.c.wrapped).where(ledger_secrets.c.ledger == ledger),
            of_secret(ledger), f"ledger {ledger.hex()}")

    def key_at(self, query: Select[Any], place: bytes, whose: str) -> bytes | None:
        """The one key that a query finds, opened at its place, if it finds one. Errors: as
        `secret_of`."""
        while True:
            used = self._master
            with self.asking() as connection:
                wrapped = connection.execute(query).scalar()
            key = None if wrapped is None else used.unwrap(wrapped, place)
            if wrapped is None or key is not None:
                return key
            if not self.renew(used):
                raise KeyDamaged(whose=whose, keys=self.named)

    def opened(self, ledger: bytes, people: Collection[str]) -> list[Opened]:
        """The keys of some persons of a ledger, as far as there are any. Errors: WrongMasterKey
        (R-KEY-03), StorageFailed (R-LOG-04)."""
        return self._opened(ledger, lambda _: persons.c.person.in_(people))

    def looked_up(self, ledger: bytes, macs: Collection[bytes]) -> list[Opened]:
        """The keys that count for some lookups, by their MACs. Errors: as `opened`."""
        return self._opened(ledger, lambda lookups: and_(
            persons.c.current == 1, persons.c.lookup.in_(lookups)), macs)

    def _opened(self, ledger: bytes, which: Callable[[Collection[bytes]], ColumnElement[bool]],
                macs: Collection[bytes] = ()) -> list[Opened]:
        """Rows, and with them whose they are: another master key has other lookups."""
        while True:
            used = self._master
            lookups = {used.lookup(mac): mac for mac in macs}
            query = select(
                master.c.id, persons.c.person, persons.c.lookup, persons.c.wrapped).select_from(
                    master.outerjoin(persons, and_(persons.c.ledger == ledger, which(lookups))))
            with self.asking() as connection:
                rows = connection.execute(query).fetchall()
            if (rows and rows[0].id == used.id) or not self.renew(used):
                return [opened(row, ledger, used, lookups) for row in rows
                        if row.person is not None]

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
            self.sweep()

    def sweep(self) -> None:
        """Let what was deleted leave the files of the database soon, as far as it can be done now.

        It is an attempt: readers may be in the way, and PostgreSQL keeps what it has written
        before. Only another master key makes all that worthless.
        """
        with suppress(DBAPIError), self.lock, self.engine.connect() as connection:
            if self.engine.dialect.name != "sqlite":
                connection.exec_driver_sql(
                    "VACUUM (SKIP_LOCKED) persons, ledger_secrets, import_keys")
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
        fits = (found is not None and type(found.position) is int and found.position > 0
                and isinstance(found.leaf, bytes))  # whatever else is there is not known
        return Upto(*found) if found is not None and fits else None

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """A connection for reads. Errors: StorageFailed (R-LOG-04)."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise StorageFailed(why=f"the keys database: {error.orig}") from error

    @contextmanager
    def snapshot(self) -> Iterator[tuple[Connection, Master]]:
        """All keys as they are at one moment, and the master key that opens them.

        Errors: WrongMasterKey (R-KEY-03), StorageFailed (R-LOG-04).
        """
        sqlite = self.engine.dialect.name == "sqlite"
        with self.lock, self.asking() as connection:
            while True:
                used = self._master
                connection.exec_driver_sql(
                    "BEGIN" if sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                if is_master(connection, used):
                    break
                connection.exec_driver_sql("ROLLBACK")
                self.renew(used)
            try:
                yield connection, used
            finally:
                connection.exec_driver_sql("ROLLBACK")

    @contextmanager
    def adding(self, wanted: bytes, source: Path) -> Iterator[tuple[Connection, Master]]:
        """A transaction of whoever adds keys that are wrapped already, with the master key of this
        id: nobody else changes keys meanwhile.

        Errors: OtherMasterKey (R-KEY-15), WrongMasterKey (R-KEY-03), StorageFailed (R-LOG-04).
        """
        while True:
            used = self._master
            with self.changing(alone=True) as connection:
                if is_master(connection, used):
                    if wanted != used.id:
                        raise OtherMasterKey(path=self.key_named, keys=source)
                    yield connection, used
                    return
            self.renew(used)

    @property
    def keeps_old_master(self) -> bool:
        """Whether a file of the old master key is still next to the new one's."""
        return self.key_file is not None and beside(
            Path(os.path.realpath(self.key_file)), "old").exists()

    @property
    def key_named(self) -> str:
        """The master key, as a message names it."""
        return str(self.key_file or "memory")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
