"""The keys database: all keys wrapped, by ledger and person, and the master key that opens them."""

import threading
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, Table, inspect, select

from ledger.log import migrations
from ledger.log.key_tables import SETTLE, ledger_secrets, metadata, persons
from ledger.log.store import LogConflict
from ledger.log.wrapping import Master, WrongMasterKey, of_person, of_secret


def _make_tables(engine: Engine) -> None:
    """Make missing tables. Several processes may start at once: one at a time looks and makes."""
    if not inspect(engine).has_table(ledger_secrets.name):
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

    def insert(self, connection: object, table: str, rows: list[tuple[object, ...]],
                *, whole: bool = False, then: Sequence[str] = ()) -> None:
        """Add the rows whose key is free, durably; with `whole`, none unless all are.

        Errors: LogConflict (R-LOG-03).
        """
        mark = "?" if self.engine.dialect.name == "sqlite" else "%s"
        marks = ", ".join([mark] * len(rows[0]))
        sql = f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING"
        connection.exec_driver_sql("BEGIN")  # type: ignore[attr-defined]
        added = connection.exec_driver_sql(sql, rows).rowcount  # type: ignore[attr-defined]
        if whole and added < len(rows):
            connection.exec_driver_sql("ROLLBACK")  # type: ignore[attr-defined]
            raise LogConflict(what="person")
        for statement in then:
            connection.exec_driver_sql(statement)  # type: ignore[attr-defined]
        connection.exec_driver_sql("COMMIT")  # type: ignore[attr-defined]

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
            with self.lock, self.engine.connect() as connection:
                self.insert(connection, table.name, values, then=SETTLE if of_persons else ())

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
