"""message-db, an event store made of PostgreSQL functions. Its SQL comes from npm when it is
measured, and is never a part of this project."""

import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import psycopg

from tests.bench.floors import together
from tests.bench.harness import FOLDER
from tests.bench.peers import Peer

PACKAGE = "@eventide/message-db@1.3.1"
FUNCTIONS = ("message-store-version", "hash-64", "acquire-lock", "category", "is-category", "id",
             "cardinal-id", "stream-version", "write-message")
PARTS = ("schema/message-store", "types/message", "tables/messages",
         *(f"functions/{name}" for name in FUNCTIONS),
         "indexes/messages-id", "indexes/messages-stream", "indexes/messages-category")
"""What of it writing needs, in the order of its own installer. PostgreSQL makes UUIDs by itself."""

CONNECTIONS = 16
_WRITE = "SELECT write_message(%s, %s, %s, %s::jsonb, %s::jsonb)"


def message_db(url: str, payloads: Sequence[bytes]) -> Peer | None:
    """An empty message-db in a database; None where npm does not bring it."""
    if (folder := _fetched()) is None:
        return None
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path = message_store, public")
        for part in PARTS:
            connection.execute((folder / f"{part}.sql").read_bytes())
    return _MessageDb(url, payloads)


def _fetched() -> Path | None:
    """The folder of its SQL, fetched once."""
    folder = FOLDER / "message-db"
    if not folder.exists():
        folder.mkdir(parents=True)
        try:
            packed = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True,
                                    capture_output=True, text=True).stdout.strip()
            with tarfile.open(folder / packed) as archive:
                archive.extractall(folder, filter="data")
        except (OSError, subprocess.CalledProcessError):
            shutil.rmtree(folder)
            return None
    return folder / "package" / "database"


class _MessageDb:
    """One transaction for the messages of a command, each at once durable, from 16 connections."""

    def __init__(self, url: str, payloads: Sequence[bytes]) -> None:
        path = "-c search_path=message_store,public"
        self.connections = [psycopg.connect(url, options=path) for _ in range(CONNECTIONS)]
        self.messages = [payload.decode() for payload in payloads]
        self.metadata = json.dumps({"actor": "system"})

    def rate(self, callers: int, seconds: float) -> float:
        """Commands a second, by as many callers as there are connections."""
        return together(min(callers, CONNECTIONS), self._work, seconds)

    def _work(self, number: int, until: float) -> int:
        done, connection = 0, self.connections[number]
        while time.perf_counter() < until:
            with connection.transaction():
                for message in self.messages:
                    connection.execute(_WRITE, (str(uuid4()), f"order-{uuid4()}",
                                                "order.placed.v1", message, self.metadata))
            done += 1
        return done

    def close(self) -> None:
        """Let go of the connections."""
        for connection in self.connections:
            connection.close()
