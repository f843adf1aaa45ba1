"""The schema of the log in its revisions, run by Alembic.

The events table is never copied into a new one: Alembic's batch mode would drop its triggers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

FIRST_EDITION = ("0001",)
"""What the log's first edition left. Other bytes were hashed then, and what was hashed cannot be
hashed otherwise without becoming another log: such a database is never upgraded."""

HEAD = "2_0002"
KNOWN = ("2_0001", HEAD)
"""Every revision that this version can upgrade from, the last one its own. A test compares them
with the files in `versions/`."""

SAME_LOG = ("2_0001", HEAD)
"""Revisions whose tables of the log are those of `HEAD`: a copy that is only read needs no more."""


@contextmanager
def exclusively(connection: Connection) -> Iterator[None]:
    """A transaction for one process at a time: two may start on an empty database."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
    else:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7016996765293437281)")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def upgrade(connection: Connection) -> None:
    """Bring the schema of a connection's database to `HEAD`."""
    from alembic import command  # slow to import, and needed only here
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
