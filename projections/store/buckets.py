"""Buckets of tokens that all processes of a store share, beside its read models.

A bucket is one number: when it will be full again. Units: microseconds since 1970.
"""

import logging
import time
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from ledger.log import sqlite
from ledger.log.sql import SqlStore
from ledger.log.sqlite import SqliteStore
from ledger.log.store import StorageFailed, Store

log = logging.getLogger("ledger.edge")

_TABLE = "CREATE {unlogged} TABLE IF NOT EXISTS {name} (name text PRIMARY KEY, full_at bigint)"
_TAKE = """INSERT INTO {name} AS held (name, full_at) VALUES (:name, :fresh)
ON CONFLICT (name) DO UPDATE SET full_at = CASE
WHEN held.full_at BETWEEN :now AND :beyond THEN held.full_at + :cost ELSE :fresh END
WHERE held.full_at <= :latest OR held.full_at > :beyond RETURNING full_at"""


class Buckets:
    """The buckets that all processes of a store share.

    A bucket that would be full later than one window from now was written by a clock that has gone
    back since: it counts as full."""

    def __init__(self, engine: Engine, table: str, unlogged: str = "") -> None:
        self._engine, self._table = engine, table
        self._held = text(f"SELECT full_at FROM {table} WHERE name = :name")
        self._take = text(_TAKE.format(name=table))
        with engine.connect() as connection:
            _make(connection, table, unlogged)
            connection.execute(text(f"DELETE FROM {table} WHERE full_at < :now"), {"now": now_us()})

    def take(self, name: str, cost: int, *, window: int, now: int) -> tuple[bool, int]:
        """Whether what fills in `cost` was there and was taken, and when the bucket will be full;
        an empty one fills in a `window`. Errors: StorageFailed (R-LOG-04)."""
        values = {"name": name, "fresh": now + cost, "now": now, "cost": cost,
                  "beyond": now + window, "latest": now + window - cost}
        try:
            with self._engine.connect() as connection:
                full_at = connection.execute(self._take, values).scalar()
                if full_at is not None:
                    return True, int(full_at)
                held = connection.execute(self._held, {"name": name}).scalar()
        except SQLAlchemyError as error:
            raise StorageFailed(why=type(error).__name__) from error
        return False, int(held or now)

    def names(self) -> list[str]:
        """The names of all buckets."""
        with self._engine.connect() as connection:
            return list(connection.execute(text(f"SELECT name FROM {self._table}")).scalars())

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()


def _make(connection: Connection, table: str, unlogged: str) -> None:
    """Make the table; two processes may do so at once."""
    if unlogged:
        connection.execute(text("BEGIN"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {table.partition('.')[0]}"))
        connection.execute(text(_TABLE.format(name=table, unlogged=unlogged)))
        connection.execute(text("COMMIT"))
    else:
        connection.execute(text(_TABLE.format(name=table, unlogged="")))


_LOCK = 5_118_223_907_466_120_990


def buckets_of(store: Store) -> Buckets:
    """The buckets beside the read models of a store. Where they cannot be made, this process has
    some of its own, and the log says so."""
    try:
        if isinstance(store, SqliteStore):
            return Buckets(_in_a_file(store), "buckets")
        if isinstance(store, SqlStore):
            from ledger.log import postgres  # its driver is slow to import

            return Buckets(postgres.make_engine(store.url), "limits.buckets", "UNLOGGED")
    except SQLAlchemyError as error:
        log.error("limits are kept by each process for itself: %s", type(error).__name__)
    return Buckets(sqlite.memory_engine(), "buckets")


def _in_a_file(store: SqliteStore) -> Engine:
    engine = sqlite.make_engine(store.path.with_suffix(".limits"), cache_kib=256)

    @event.listens_for(engine, "connect")
    def _fast(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")  # what a crash loses fills anyway

    return engine


def now_us() -> int:
    """The time, in microseconds since 1970: the same for all processes."""
    return time.time_ns() // 1_000
