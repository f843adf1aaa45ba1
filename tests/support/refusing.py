"""A database that takes no more events of one ledger, whatever the reason."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from ledger.log.sqlite import driver
from ledger.settings import Settings, sqlite_path

WHY = "there is no room"

_SQLITE = ("CREATE TRIGGER refusing BEFORE INSERT ON events WHEN NEW.ledger = x'{id}'"
           f" BEGIN SELECT RAISE(FAIL, '{WHY}'); END")
_POSTGRES = ("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
             f" 'BEGIN RAISE EXCEPTION ''{WHY}''; END';"
             "CREATE TRIGGER refusing BEFORE INSERT ON events FOR EACH ROW"
             " WHEN (NEW.ledger = decode('{id}', 'hex')) EXECUTE FUNCTION refuse()")


@contextmanager
def refusing(settings: Settings, ledger: bytes) -> Iterator[None]:
    """Events of a ledger, by its id, are refused meanwhile; those of others are not."""
    path = sqlite_path(settings.database_url)
    if path is not None:
        _on_file(str(path), _SQLITE.format(id=ledger.hex()))
        yield
        _on_file(str(path), "DROP TRIGGER refusing")
        return
    assert settings.admin_url is not None
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        admin.execute(_POSTGRES.format(id=ledger.hex()).encode())
        yield
        admin.execute("DROP TRIGGER refusing ON events; DROP FUNCTION refuse()")


def _on_file(path: str, statement: str) -> None:
    connection: sqlite3.Connection = driver().connect(path)
    with closing(connection):
        connection.execute(statement)
