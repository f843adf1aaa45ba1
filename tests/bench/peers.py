"""Peers: the recorders of the `eventsourcing` library in their safe mode, on the same events.

They get the finished bytes of a command's events and save them at once: no command, no rule, no
personal field, no tree is counted for them, and each event opens a stream of its own.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from psycopg.conninfo import conninfo_to_dict

from tests.bench.floors import together

PATIENT_S = 60


class Peer(Protocol):
    """A recorder of events, called by many threads."""

    def rate(self, callers: int, seconds: float) -> float:
        """Saves a second, each durable."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Recorder:
    """One of the library's application recorders."""

    def __init__(self, datastore: Any, recorder: Any, payloads: Sequence[bytes]) -> None:
        self.datastore = datastore
        self.recorder = recorder
        self.payloads = payloads

    def rate(self, callers: int, seconds: float) -> float:
        """Saves a second, each durable."""
        return together(callers, self._work, seconds)

    def _work(self, _number: int, until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            self.recorder.insert_events([StoredEvent(
                originator_id=uuid4(), originator_version=1, topic="order.placed.v1",
                state=payload) for payload in self.payloads])
            done += 1
        return done

    def close(self) -> None:
        """Let go of the database."""
        self.datastore.close()


def sqlite(path: Path, payloads: Sequence[bytes]) -> Peer:
    """The library's SQLite recorder on a file: WAL, SQLite's own synchronous=FULL."""
    datastore = SQLiteDatastore(f"file:{path}", lock_timeout=PATIENT_S, pool_timeout=PATIENT_S)
    recorder = SQLiteApplicationRecorder(datastore)
    recorder.create_table()
    return Recorder(datastore, recorder, payloads)


def postgres(url: str, payloads: Sequence[bytes]) -> Peer | None:
    """The library's PostgreSQL recorder without its database functions, which lose the order of
    commits; None where its connection pool (`psycopg_pool`) is not installed."""
    try:
        from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
    except ImportError:
        return None
    told = conninfo_to_dict(url)
    datastore = PostgresDatastore(
        dbname=str(told["dbname"]), host=str(told["host"]), port=str(told.get("port", 5432)),
        user=str(told["user"]), password="", pool_size=16, connect_timeout=PATIENT_S,
        enable_db_functions=False)
    recorder = PostgresApplicationRecorder(datastore)
    recorder.create_table()
    return Recorder(datastore, recorder, payloads)
