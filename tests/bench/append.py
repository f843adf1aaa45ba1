"""Appending: many threads each sell an order of stock and wait until it is durable."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

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
from tests.bench.logs import record
from tests.bench.message_db import message_db
from tests.bench.orders import CONTEXT, SKUS, Selling, plenty
from tests.support.postgres_server import Server

WARM_UP = 500
"""Orders that are placed before anything is measured."""

_LAST_COMMAND = (
    "WITH own AS (SELECT id FROM ledgers WHERE name = 'main')"
    " SELECT {} FROM events WHERE ledger = (SELECT id FROM own) AND command_id = (SELECT command_id"
    " FROM events WHERE ledger = (SELECT id FROM own) ORDER BY position DESC LIMIT 1)"
    " ORDER BY position")


class Saved(NamedTuple):
    """What one command saved: all columns of its events in one piece, and their payloads."""

    body: bytes
    payloads: list[bytes]

    def told(self) -> dict[str, Any]:
        """What a row of the floor is."""
        return {"row": f"all bytes of one order's {len(self.payloads)} events",
                "bytes": len(self.body)}


def orders_a_second(ledger: Ledger, selling: Selling, scale: Scale) -> Measured:
    """How many orders a second so many callers have recorded."""
    def work(_number: int, until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            ledger.handle(selling.command(), CONTEXT)
            done += 1
        return done

    return lambda: together(scale.callers, work, scale.seconds)


@contextmanager
def _warm(settings: Settings, scale: Scale) -> Iterator[tuple[Opened, dict[str, Measured]]]:
    """A ledger that has stock and some orders, and what to measure on it."""
    opened = open_ledger(settings)
    try:
        record(opened.ledger, plenty())
        known, new = Selling(scale.buyers, "30"), Selling(0, "60")
        record(opened.ledger, (known.command() for _ in range(max(WARM_UP, scale.buyers))))
        yield opened, {
            "ours": orders_a_second(opened.ledger, known, scale),
            "new_buyers": orders_a_second(opened.ledger, new, scale)}
    finally:
        opened.close()


def _result(name: str, goal: Goal, floor: SqliteRows | PostgresRows, ours: dict[str, Measured],
            peer: peers.Peer | None, scale: Scale, how: dict[str, Any]) -> Result:
    short = scale.seconds / 2
    ours = {**ours, "batched": lambda: floor.batched(short)}
    if peer is not None:
        ours = {**ours, "peer": lambda: peer.rate(scale.callers, short)}
    slowest, found = paired(scale.rounds, lambda: floor.rate(short), **ours)
    beside: dict[str, float | str] = {"new_buyers": found["new_buyers"].rate,
                                      "new_buyers_ratio": found["new_buyers"].ratio,
                                      "batched_floor": found["batched"].rate}
    beside |= ({"peer": found["peer"].rate, "peer_ratio": found["peer"].ratio} if peer
               else {"peer": "not_installed"})
    return Result(name=name, unit="/s", ours=found["ours"].rate, floor=slowest,
                  ratio=found["ours"].ratio, goal=goal, beside=beside,
                  how={"callers": scale.callers, "buyers": scale.buyers, "lines": 2,
                       "skus": SKUS, "rounds": scale.rounds, **how})


def append_sqlite(scale: Scale) -> Result:
    """Orders a second into an SQLite file; the floor is one raw row a transaction, one thread."""
    with workplace() as folder:
        file = folder / "ledger.db"
        settings = Settings(database_url=f"sqlite:///{file}",
                            keys_url=f"sqlite:///{folder}/keys.db",
                            master_key_file=folder / "master.key")
        with _warm(settings, scale) as (opened, ours):
            saved = _saved_in_sqlite(file)
            with (closing(SqliteRows(folder / "floor.db", saved.body)) as floor,
                  closing(peers.sqlite(folder / "peer.db", saved.payloads)) as peer):
                return _result(
                    "append_sqlite", Goal("≥", 0.95), floor, ours, peer, scale,
                    {"engine": SQLITE, "floor": "1 thread, 1 row a transaction",
                     **saved.told(), **opened.store.durability()})


def append_postgres(scale: Scale) -> Result:
    """Orders a second into PostgreSQL; the floor is one raw row a transaction, 16 connections."""
    server = Server(durable=True)
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
        saved = _saved_in_postgres(server, ours_db)
        peer = peers.postgres(server.url(peer_db, "postgres"), saved.payloads)
        with closing(PostgresRows(server.url(floor_db, "postgres"), saved.body)) as floor:
            try:
                return _result(
                    "append_postgres", Goal("≥", 0.45), floor, ours, peer, scale,
                    {"engine": "PostgreSQL", "keys": SQLITE, **saved.told(),
                     "floor": "16 psycopg connections in threads, 1 row a transaction",
                     **floor.settings()})
            finally:
                if peer is not None:
                    peer.close()


def _saved_in_sqlite(path: Path) -> Saved:
    with closing(connect(path)) as connection:
        rows, payloads = (connection.execute(_LAST_COMMAND.format(columns)).fetchall()
                          for columns in ("*", "payload"))
    return _saved(rows, payloads)


def _saved_in_postgres(server: Server, database: str) -> Saved:
    import psycopg

    with psycopg.connect(server.url(database, "postgres")) as connection:
        rows, payloads = (connection.execute(_LAST_COMMAND.format(columns)).fetchall()
                          for columns in ("*", "payload"))
    return _saved(rows, payloads)


def _saved(rows: list[tuple[Any, ...]], payloads: list[tuple[bytes]]) -> Saved:
    return Saved(b"".join(bytes_of(rows)), [payload for payload, in payloads])


def beside_peers(scale: Scale) -> Result:
    """Orders a second beside other event stores, on the same server and the same file system in one
    run. What is said to be the floor is the fastest of them on PostgreSQL."""
    on_file = _beside_on_sqlite(scale)
    server = Server(durable=True)
    try:
        with workplace() as folder:
            on_server = _beside_on_postgres(server, folder, scale)
    finally:
        server.stop()
    fastest = max(rate for name, rate in on_server.items() if name != "ours")
    return Result(
        name="peers", unit="/s", ours=on_server["ours"], floor=fastest,
        ratio=on_server["ours"] / fastest, goal=Goal("≥", 1.0),
        beside={**{name: rate for name, rate in on_server.items() if name != "ours"},
                "sqlite": on_file["ours"], "sqlite_library": on_file["library"],
                "sqlite_ratio": on_file["ours"] / on_file["library"]},
        how={"callers": scale.callers, "rounds": scale.rounds, "engine": "PostgreSQL and " + SQLITE,
             "left_out": "they have no commands, rules, sealed values, hashes, tree or guards"})


def _rates(scale: Scale, ours: Measured, others: dict[str, peers.Peer | None]) -> dict[str, float]:
    """The medians of all, each in turn in each round."""
    there = {name: peer for name, peer in others.items() if peer is not None}
    measured = {"ours": ours, **{
        name: partial(peer.rate, scale.callers, scale.seconds) for name, peer in there.items()}}
    found = [{name: rate() for name, rate in measured.items()} for _ in range(scale.rounds)]
    return {name: median(one[name] for one in found) for name in measured}


def _beside_on_sqlite(scale: Scale) -> dict[str, float]:
    with workplace() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/ledger.db",
                            keys_url=f"sqlite:///{folder}/keys.db",
                            master_key_file=folder / "master.key")
        with _warm(settings, scale) as (_, ours):
            payloads = _saved_in_sqlite(folder / "ledger.db").payloads
            with closing(peers.sqlite(folder / "peer.db", payloads)) as library:
                return _rates(scale, ours["ours"], {"library": library})


def _beside_on_postgres(server: Server, folder: Path, scale: Scale) -> dict[str, float]:
    ours_db, library_db, messages_db = (server.make_database() for _ in range(3))
    (folder / "master.key").write_bytes(bytes(range(32)))
    settings = Settings(
        database_url=server.url(ours_db), admin_url=server.url(ours_db, "postgres"),
        keys_url=f"sqlite:///{folder}/keys.db", master_key_file=folder / "master.key")
    with _warm(settings, scale) as (_, ours), ExitStack() as open_:
        payloads = _saved_in_postgres(server, ours_db).payloads
        others = {"library": peers.postgres(server.url(library_db, "postgres"), payloads),
                  "message_db": message_db(server.url(messages_db, "postgres"), payloads)}
        for peer in others.values():
            if peer is not None:
                open_.callback(peer.close)
        return _rates(scale, ours["ours"], others)
