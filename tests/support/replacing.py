"""Another process restores a backup where the database of a running one was."""

from pathlib import Path

import psycopg
from sqlalchemy import make_url

from ledger.log.memory import MemoryStore
from ledger.log.sqlite import SqliteStore
from ledger.log.store import Store
from ledger.settings import Settings
from ledger.writing import continuing
from ledger.writing.continuing import Attribution
from tests.support.postgres_server import Server

WHO = Attribution("member:7f3a", "the disk broke")


def replaced(store: Store, backup: Path, settings: Settings, server: Server | None = None) -> None:
    """Put what a backup holds in the place of a store's database, under whoever has that open. Of
    PostgreSQL the read models go, too."""
    if isinstance(store, MemoryStore):
        store.close()
        continuing.restore(store, backup, WHO)
    elif isinstance(store, SqliteStore):
        fresh = SqliteStore(store.path.with_name("fresh.db"), kinds=store.kinds)
        fresh.prepare()
        continuing.restore(fresh, backup, WHO)
        fresh.close()
        renamed(fresh.path, store.path)
    else:
        assert server is not None
        _emptied(server, str(make_url(settings.database_url).database))
        fresh_store = settings.open_store()
        continuing.restore(fresh_store, backup, WHO)
        fresh_store.close()


def renamed(fresh: Path, path: Path) -> None:
    """Put an SQLite file that is closed in the place of another, as `mv` does."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    fresh.rename(path)


def _emptied(server: Server, name: str) -> None:
    server.admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    with psycopg.connect(server.url(name, "postgres"), autocommit=True) as connection:
        for (schema,) in connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname ~ '^(read_|public$)'").fetchall():
            connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
        connection.execute("CREATE SCHEMA public")
