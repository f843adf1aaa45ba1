"""Appending: many threads each place an order and wait until it is durable."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ledger.application import Ledger
from ledger.settings import Opened, Settings, open_ledger
from tests.bench import peers
from tests.bench.floors import (
    SQLITE,
    PostgresRows,
    SqliteRows,
    bytes_of,
    connect,
    together,
)
from tests.bench.harness import Goal, Measured, Result, Scale, paired, workplace
from tests.bench.orders import CONTEXT, Placing
from tests.postgres_server import Server

WARM_UP = 500
"""Orders that are placed before anything is measured."""


def _orders_a_second(ledger: Ledger, placing: Placing, scale: Scale) -> Measured:
    def work(_number: int, until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            ledger.handle(placing.command(), CONTEXT)
            done += 1
        return done

    return lambda: together(scale.callers, work, scale.seconds)


@contextmanager
def _warm(settings: Settings, scale: Scale) -> Iterator[tuple[Opened, dict[str, Measured]]]:
    """A ledger that has some orders, and what to measure on it."""
    opened = open_ledger(settings)
    try:
        known = Placing(scale.buyers)
        opened.ledger.handle_many([(known.command(), CONTEXT) for _ in range(
            max(WARM_UP, scale.buyers))])
        yield opened, {
            "ours": _orders_a_second(opened.ledger, known, scale),
            "new_buyers": _orders_a_second(opened.ledger, Placing(0), scale)}
    finally:
        opened.close()


def _result(name: str, goal: Goal, floor: Measured, ours: dict[str, Measured],
            peer: peers.Peer | None, scale: Scale, how: dict[str, Any]) -> Result:
    if peer is not None:
        ours = {**ours, "peer": lambda: peer.rate(scale.callers, scale.seconds / 2)}
    slowest, found = paired(scale.rounds, floor, **ours)
    beside: dict[str, float | str] = {"new_buyers": found["new_buyers"].rate,
                                      "new_buyers_ratio": found["new_buyers"].ratio}
    beside |= ({"peer": found["peer"].rate, "peer_ratio": found["peer"].ratio} if peer
               else {"peer": "not_installed"})
    return Result(name=name, unit="/s", ours=found["ours"].rate, floor=slowest,
                  ratio=found["ours"].ratio, goal=goal, beside=beside,
                  how={"callers": scale.callers, "buyers": scale.buyers, "lines": 2,
                       "rounds": scale.rounds, **how})


def append_sqlite(scale: Scale) -> Result:
    """Orders a second into an SQLite file; the floor is one raw row a transaction, one thread."""
    with workplace() as folder:
        file = folder / "ledger.db"
        settings = Settings(database_url=f"sqlite:///{file}",
                            keys_url=f"sqlite:///{folder}/keys.db",
                            master_key_file=folder / "master.key")
        with _warm(settings, scale) as (opened, ours):
            body, payload = _sqlite_event(file)
            with (closing(SqliteRows(folder / "floor.db", body)) as floor,
                  closing(peers.sqlite(folder / "peer.db", payload)) as peer):
                return _result(
                    "append_sqlite", Goal("≥", 1.0), lambda: floor.rate(scale.seconds / 2), ours,
                    peer, scale, {"engine": SQLITE, "floor": "1 thread, 1 row a transaction",
                                  "bytes": len(body), **opened.store.durability()})


def append_postgres(scale: Scale) -> Result:
    """Orders a second into PostgreSQL; the floor is one raw row a transaction, 16 connections."""
    server = Server()
    try:
        with workplace() as folder:
            return _append_postgres(server, folder, scale)
    finally:
        server.stop()


def _append_postgres(server: Server, folder: Path, scale: Scale) -> Result:
    ours_db, floor_db, peer_db = (server.make_database() for _ in range(3))
    (folder / "master.key").write_bytes(bytes(range(32)))
    settings = Settings(
        database_url=server.url(ours_db), admin_url=server.url(ours_db, "postgres"),
        keys_url=f"sqlite:///{folder}/keys.db", master_key_file=folder / "master.key")
    with _warm(settings, scale) as (_, ours):
        body, payload = _postgres_event(server, ours_db)
        peer = peers.postgres(server.url(peer_db, "postgres"), payload)
        with closing(PostgresRows(server.url(floor_db, "postgres"), body)) as floor:
            try:
                return _result(
                    "append_postgres", Goal("≥", 0.5), lambda: floor.rate(scale.seconds / 2),
                    ours, peer, scale,
                    {"engine": "PostgreSQL", "keys": SQLITE, "bytes": len(body),
                     "floor": "16 psycopg connections in threads, 1 row a transaction",
                     **floor.settings()})
            finally:
                if peer is not None:
                    peer.close()


def _sqlite_event(path: Path) -> tuple[bytes, bytes]:
    """All bytes of one event and those of its payload."""
    with closing(connect(path)) as connection:
        return (bytes_of(connection.execute("SELECT * FROM events LIMIT 1"))[0],
                connection.execute("SELECT payload FROM events LIMIT 1").fetchone()[0])


def _postgres_event(server: Server, database: str) -> tuple[bytes, bytes]:
    import psycopg

    with psycopg.connect(server.url(database, "postgres")) as connection:
        row = connection.execute("SELECT * FROM events LIMIT 1").fetchall()
        payload = connection.execute("SELECT payload FROM events LIMIT 1").fetchone()
        assert payload is not None
        return bytes_of(row)[0], payload[0]
