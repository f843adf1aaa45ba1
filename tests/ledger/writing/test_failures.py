"""When the database fails: every caller hears it, nothing is half written, the writer goes on."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from ledger.application import BrokenOff, Ledger
from ledger.common.context import Receipt
from ledger.common.errors import LedgerError
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.persons import Keys, WrongKeys
from ledger.log.postgres import PostgresStore
from ledger.log.sqlite import SqliteStore
from ledger.log.store import (
    AdminNeeded,
    ConnectionLost,
    FirstEdition,
    LogConflict,
    NewerDatabase,
    OlderDatabase,
    OtherDatabase,
    StorageFailed,
    Store,
    ValueNotStored,
)
from ledger.settings import Settings, open_ledger
from tests.conftest import durable, on_postgres, on_sqlite, without_tables
from tests.support import source
from tests.support.batches import outcomes
from tests.support.envelopes import CONTEXT, context, entry, made, named, write
from tests.support.jars import HANDLERS, adding, filling, opening
from tests.support.postgres_server import Server
from tests.support.soundness import must_be_sound
from tests.support.waiting import eventually, in_thread

MANY = [opening(n, owner="张" * 2000) for n in range(30)]


@contextmanager
def full_disk(store: Store, settings: Settings) -> Iterator[None]:
    """No event can be committed that needs more room."""
    if isinstance(store, SqliteStore):
        with store.reading() as reader:
            (pages,) = reader.rows("PRAGMA page_count", ())[0]

        def limit(connection: Any, _record: Any) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages}")

        event.listen(store.engine, "connect", limit)
        store.close()
        yield
        event.remove(store.engine, "connect", limit)
        store.close()
        return
    assert settings.admin_url is not None
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        admin.execute("CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS"
                      " 'BEGIN RAISE EXCEPTION ''no space left''; END'")
        admin.execute("CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON events DEFERRABLE"
                      " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION full()")
        try:
            yield  # the error comes with the COMMIT
        finally:
            admin.execute("DROP TRIGGER full_disk ON events")


@durable
def test_handle__rejected_for_all_when_the_commit_fails(
    ledger: Ledger, store: Store, settings: Settings
) -> None:
    """R-LOG-04: what was decided on uncommitted facts is forgotten with them."""
    ledger.handle(opening("a"), CONTEXT)
    with full_disk(store, settings):
        results = outcomes(ledger, *MANY, adding(0), opening("a"))
    assert {type(result) for result in results} == {StorageFailed}
    assert len({id(result) for result in results}) == len(results)
    assert "full" in str(results[0]) or "no space" in str(results[0])
    assert [row.stream for row in must_be_sound(store)] == ["jar:a"]
    with pytest.raises(LedgerError, match="was never opened"):
        ledger.handle(adding(0), CONTEXT)
    assert ledger.handle(adding("a"), CONTEXT).versions == {"jar:a": 2}
    assert ledger.handle(MANY[0], CONTEXT).positions == (5,)
    assert [row.type for row in must_be_sound(store)] == [
        "jar.opened.v1", "command.refused.v1", "jar.coins_added.v1", "jar.opened.v1"]


@durable
def test_handle_many__rejected_from_the_failure_on(
    ledger: Ledger, store: Store, settings: Settings
) -> None:
    """What comes after a failed commit is not decided as if it had not been there."""
    items = [(opening(n, owner="张" * 200), CONTEXT) for n in range(1200)]
    with full_disk(store, settings), pytest.raises(StorageFailed):
        ledger.handle_many(items)
    assert must_be_sound(store) == []
    assert all(isinstance(r, Receipt) for r in ledger.handle_many(items[1000:]))


def test_handle_many__rejected_after_a_failure_in_its_middle(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One list may lie in several batches; those after a failed one are not decided either."""
    writing = store.writing
    calls = iter(["ok", "fail"])

    def fail_once(name: str) -> Any:
        if next(calls, "ok") == "fail":
            raise StorageFailed(why="a test says so")
        return writing(name)

    monkeypatch.setattr(store, "writing", fail_once)
    monkeypatch.setattr(ledger._writer, "_batch_limit", 3)
    with pytest.raises(BrokenOff) as broken:
        ledger.handle_many([(opening(n), CONTEXT) for n in range(20)])
    assert broken.value.details == {"count": 20, "decided": 3, "why": "a test says so"}
    assert [one.positions for one in broken.value.results] == [(2,), (3,), (4,)]
    assert len(must_be_sound(store)) == 3
    assert ledger.handle(opening(19), CONTEXT).positions == (5,)


def child(code: str, settings: Settings, **more: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with the settings in its environment."""
    environment = {**os.environ, **more, "LEDGER_DATABASE_URL": settings.database_url,
                   "LEDGER_KEYS_URL": settings.keys_url,
                   "LEDGER_MASTER_KEY_FILE": str(settings.master_key_file)}
    return subprocess.run([sys.executable, "-c", code], env=environment, text=True, timeout=60,
                          capture_output=True, check=False, cwd=source.ROOT)


FILE_SIZE = """
import os, resource
from ledger.settings import open_ledger
from ledger.common.errors import LedgerError
from tests.support.envelopes import CONTEXT
from tests.support.jars import HANDLERS, adding, opening
from tests.support.soundness import must_be_sound
opened = open_ledger(handlers=HANDLERS)
opened.ledger.handle(opening("a"), CONTEXT)
path = os.environ["LEDGER_DATABASE_URL"].removeprefix("sqlite:///")
size = max(os.path.getsize(path), os.path.getsize(path + "-wal"))
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, resource.RLIM_INFINITY))
results = []
for number in range(40):
    try:
        results.append(opened.ledger.handle(opening(number, owner="x" * 2000), CONTEXT))
    except LedgerError as error:
        results.append(error.code)
        break
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(results[-1], len(results))
opened.ledger.handle(adding("a"), CONTEXT)
opened.ledger.handle(opening(len(results) - 1), CONTEXT)
assert len(must_be_sound(opened.store)) == len(results) + 2
"""


@on_sqlite
def test_handle__rejected_when_a_file_may_not_grow(settings: Settings) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = child(FILE_SIZE, settings)
    assert done.returncode == 0, done.stderr
    code, count = done.stdout.split()
    assert code == "connection_lost"  # after a write that failed at the COMMIT nobody knows
    assert 1 < int(count) < 40


@on_sqlite
def test_handle__rejected_when_the_file_is_read_only(
    ledger: Ledger, store: SqliteStore, keys: Keys
) -> None:
    ledger.handle(opening(), CONTEXT)
    reader = SqliteStore(store.path, kinds=store.kinds, read_only=True)
    other = Ledger(reader, ledger.keys, handlers=HANDLERS)
    with pytest.raises(StorageFailed, match="readonly"):
        other.handle(opening(2), CONTEXT)
    assert len(must_be_sound(reader)) == 1
    other.close()
    reader.close()


@on_sqlite
def test_handle__rejected_when_another_process_holds_the_file(
    ledger: Ledger, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.handle(opening(), CONTEXT)
    with store.writing("main") as writing:
        writing.rows("PRAGMA busy_timeout = 50", ())
    other = SqliteStore(store.path, kinds=ACCOUNT_KINDS)
    with other.writing("main"), pytest.raises(StorageFailed, match="locked"):
        ledger.handle(opening(2), CONTEXT)
    other.close()
    ledger.handle(opening(2), CONTEXT)
    assert len(must_be_sound(store)) == 2


# -- the keys -----------------------------------------------------------------------------------


@durable
def test_handle__rejected_alone_when_the_keys_cannot_be_written(
    ledger: Ledger, store: Store, keys: Keys
) -> None:
    """A broken keys database stops what needs keys, and nothing else."""
    ledger.handle(opening(0, owner="张三"), CONTEXT)
    with keys.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE persons RENAME TO gone")
    first, private, known, last = outcomes(
        ledger, opening(1), opening(2, owner="李四"), adding(0), opening(3))
    assert [type(result) for result in (first, private, known, last)] == [
        Receipt, StorageFailed, Receipt, Receipt]
    with keys.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO persons")
    ledger.handle(opening(2, owner="李四"), CONTEXT)
    assert len(must_be_sound(store)) == 5


@durable
def test_handle__rejected_alone_when_a_key_is_damaged(
    ledger: Ledger, store: Store, keys: Keys
) -> None:
    """R-KEY-12: one damaged key fails one command, and not those that came with it."""
    ledger.handle(opening(0, owner="张三"), CONTEXT)
    ledger.handle(opening(1, owner="李四"), CONTEXT)
    with keys.engine.connect() as connection:
        connection.exec_driver_sql(
            "UPDATE persons SET wrapped = zeroblob(92) WHERE person = (SELECT min(person)"
            " FROM persons)")
    ledger.keys.forget_opened()
    found = outcomes(ledger, opening(2, owner="张三"), opening(3, owner="李四"),
                     opening(4, owner="王五"), adding(0), opening(5))
    assert sorted(type(result).__name__ for result in found[:2]) == ["KeyDamaged", "Receipt"]
    assert [type(result) for result in found[2:]] == [Receipt] * 3
    assert len(must_be_sound(store)) == 6


def test_handle__rejected_when_the_log_names_other_keys(
    ledger: Ledger, store: Store, tmp_path: Path
) -> None:
    """R-KEY-05, also for a ledger that was opened before the log named others."""
    other_keys = Settings(database_url=f"sqlite:///{tmp_path}/o.db",
                          keys_url=f"sqlite:///{tmp_path}/o.keys.db",
                          master_key_file=tmp_path / "o.key").open_keys()
    main = store.known("main")
    assert main is not None
    other = Ledger(store, other_keys.of(main, keys_id=None), handlers=HANDLERS)
    ledger.handle(opening(), CONTEXT)
    results = outcomes(other, opening(2), opening(3))
    assert {type(result) for result in results} == {WrongKeys}
    assert len(must_be_sound(store)) == 1
    other.close()
    other_keys.close()


# -- PostgreSQL ---------------------------------------------------------------------------------


def kill_connections(store: PostgresStore, server: Server) -> int:
    """Break all connections of the application to this database. Returns how many."""
    return len(server.admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = %s AND usename = 'ledger_app'",
        (store.engine.url.database,)).fetchall())


@on_postgres
def test_handle__accepted_when_idle_connections_broke(
    ledger: Ledger, store: PostgresStore, postgres: Server
) -> None:
    ledger.handle(opening(), CONTEXT)
    store.read("main")
    assert kill_connections(store, postgres) >= 2
    assert store.head("main").position == 2
    assert ledger.handle(opening(2), CONTEXT).positions == (3,)
    must_be_sound(store)


@on_postgres
def test_handle__accepted_when_its_connection_breaks_in_the_middle(
    ledger: Ledger, store: PostgresStore, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer takes the batch once more, and finds out by itself what was committed."""
    ledger.handle(opening(), CONTEXT)
    insert = store.writer.insert

    def break_then_insert(self: Any, entries: Any) -> None:
        monkeypatch.setattr(store.writer, "insert", insert)
        kill_connections(store, postgres)
        insert(self, entries)

    monkeypatch.setattr(store.writer, "insert", break_then_insert)
    results = outcomes(ledger, opening(2), adding(1), filling(3))
    assert [result.positions for result in results] == [(3,), (4,), (5, 6, 7, 8)]
    assert len(must_be_sound(store)) == 7


@on_postgres
@pytest.mark.parametrize("committed", [True, False])
def test_handle__accepted_when_the_connection_breaks_at_the_commit(
    ledger: Ledger, store: PostgresStore, postgres: Server, monkeypatch: pytest.MonkeyPatch,
    committed: bool,
) -> None:
    """Nobody can tell whether the commit came through: the log itself is asked, by command."""
    ledger.handle(opening(), CONTEXT)
    connection = store._connection
    assert connection is not None
    execute = connection.exec_driver_sql
    commits = iter(["of the pause", "of the first command"])

    def break_at_commit(statement: str, parameters: Any = None) -> Any:
        if statement == "COMMIT" and next(commits, None) is None:
            if committed:
                execute(statement)
            kill_connections(store, postgres)
        return execute(statement, parameters)

    monkeypatch.setattr(connection, "exec_driver_sql", break_at_commit)
    results = outcomes(ledger, opening(2), adding(1), opening(2), filling(3))
    assert [getattr(result, "positions", None) for result in results] == [
        (3,), (4,), None, (5, 6, 7, 8)]
    assert results[2].code == "jar_already_open"
    assert len(must_be_sound(store)) == 7


@on_postgres
def test_handle__rejected_when_the_connection_breaks_again(
    ledger: Ledger, store: PostgresStore, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.handle(opening(), CONTEXT)
    insert = store.writer.insert

    def break_then_insert(self: Any, entries: Any) -> None:
        kill_connections(store, postgres)
        insert(self, entries)

    monkeypatch.setattr(store.writer, "insert", break_then_insert)
    assert {type(r) for r in outcomes(ledger, opening(2), opening(3))} == {ConnectionLost}
    monkeypatch.setattr(store.writer, "insert", insert)
    assert ledger.handle(opening(2), CONTEXT).positions == (3,)
    must_be_sound(store)


@on_postgres
def test_append__rejected_when_a_value_is_none_of_the_databases(store: PostgresStore) -> None:
    """R-LOG-14: psycopg's own errors, raised while it copies, come in the ledger's words too."""
    with pytest.raises(ValueNotStored, match="0x00"):
        write(store, entry(1, client="a\0b"))
    with pytest.raises(OverflowError):
        write(store, entry(1)._replace(causation=2**70))
    with pytest.raises(LogConflict):
        write(store, entry(1, version=2**40))  # psycopg would make a 0 of it in 32 bits
    assert write(store, entry(1)).position == 1


def test_handle__rejected_when_a_name_holds_nul() -> None:
    """A NUL never reaches a database: neither commands nor their context let it in."""
    for bad in ({"actor": "a\0"}, {"client": "a\0"}, {"role": "a\0"}):
        with pytest.raises(LedgerError):
            context(**bad)


@on_postgres
def test_writing__rejected_when_another_holds_the_head_too_long(
    store: PostgresStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, entry(1))
    assert store._connection is not None
    store._connection.exec_driver_sql("SET lock_timeout = '50ms'")
    other = settings.open_store()
    with other.writing("main"), pytest.raises(StorageFailed, match="lock timeout"):
        write(store, entry(2))
    other.close()
    write(store, entry(2))


@on_postgres
def test_writing__accepted_when_another_was_stopped_in_the_middle(
    store: PostgresStore, settings: Settings
) -> None:
    """A process that stands still with the head row loses it; what it had begun is gone."""
    made(store)
    other = settings.open_store()
    with pytest.raises(StorageFailed), other.writing("main") as writing:
        writing.run("SET LOCAL idle_in_transaction_session_timeout = '50ms'", ())
        waiting = in_thread(lambda: write(store, entry(1)))
        waiting.join()
        writing.append([entry(1)], waiting.result, [])
    assert store.head("main").position == 1
    other.close()


# -- schema -------------------------------------------------------------------------------------


@durable
def test_prepare__accepted_by_many_at_once(settings: Settings) -> None:
    """Several processes may start on an empty database; here their threads do."""
    starting = [in_thread(lambda: open_ledger(settings, handlers=HANDLERS)) for _ in range(6)]
    opened = []
    for thread in starting:
        thread.join()
        opened.append(thread.result)
    assert len({one.ledger.keys.id for one in opened}) == 1
    for number, one in enumerate(opened):
        one.ledger.handle(opening(number, owner="张三"), CONTEXT)
    assert len(must_be_sound(opened[0].store)) == 6
    for one in opened:
        one.close()


@durable
@pytest.mark.parametrize(("revision", "error"), [
    ("9999", NewerDatabase), ("0000", OlderDatabase), ("0001", FirstEdition)])
def test_prepare__rejected_when_the_schema_is_another(
    store: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, revision: str,
    error: type[LedgerError],
) -> None:
    from ledger.log import migrations

    monkeypatch.setattr(migrations, "KNOWN", ("0000", *migrations.KNOWN))
    url = settings.admin_url or settings.database_url
    owner = PostgresStore(url, kinds=ACCOUNT_KINDS) if settings.admin_url else store
    with owner.engine.connect() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    with pytest.raises(error):
        settings.open_store()
    if error is not OlderDatabase:
        with pytest.raises(error):
            store.upgrade()
    if owner is not store:
        owner.close()


@on_postgres
def test_upgrade__accepted_twice(store: PostgresStore) -> None:
    write(store, entry(1))
    store.upgrade()
    assert store.head("main").position == 1


@on_postgres
@without_tables
def test_prepare__rejected_for_a_role_that_owns_nothing(
    settings: Settings, postgres: Server
) -> None:
    app = PostgresStore(settings.database_url, kinds=ACCOUNT_KINDS)
    with pytest.raises(AdminNeeded, match="ledger_app"):
        app.prepare()
    assert app.schema()[0] is None
    app.close()
    other = postgres.make_database()
    astray = PostgresStore(settings.database_url, admin_url=postgres.url(other, "postgres"),
                           kinds=ACCOUNT_KINDS)
    with pytest.raises(OtherDatabase):
        astray.prepare()
    astray.close()
    postgres.drop_database(other)


@on_postgres
@without_tables
def test_prepare__accepted_for_one_role_that_does_everything(
    settings: Settings, postgres: Server
) -> None:
    assert settings.admin_url is not None
    store = PostgresStore(settings.admin_url, kinds=ACCOUNT_KINDS)
    store.prepare()
    write(store, entry(1))
    assert store.missing_guards() == []
    store.close()


def test_prepare__rejected_when_nobody_answers(tmp_path: Path) -> None:
    store = PostgresStore(f"postgresql://nobody@/none?host={tmp_path}", kinds=ACCOUNT_KINDS)
    with pytest.raises(StorageFailed):
        store.prepare()
    with pytest.raises(StorageFailed):
        store.head("main")
    with pytest.raises(StorageFailed), store.writing("main"):
        pass
    store.close()


@on_sqlite
def test_reading__rejected_when_all_connections_are_taken(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = store.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.01)
    monkeypatch.setattr(pool, "_max_overflow", 0)
    held, stack = [], ExitStack()
    while len(held) < 20:
        try:
            held.append(stack.enter_context(store.reading()))
        except StorageFailed:
            break
    with pytest.raises(StorageFailed):
        store.head("main")
    stack.close()
    assert store.head("main").position == 0


def test_errors__ignore_the_values_of_a_statement(settings: Settings) -> None:
    """What a database complains about goes into log files; names of buyers do not."""
    store = settings.open_store()
    if isinstance(store, SqliteStore | PostgresStore):
        mark = "?" if isinstance(store, SqliteStore) else "%s"
        with pytest.raises(Exception) as caught, store.engine.connect() as connection:
            connection.exec_driver_sql(f"SELECT * FROM nowhere WHERE name = {mark}", ("张三",))
        assert "张三" not in str(caught.value)
    store.close()


SIGNALLED = """
import os, signal
from ledger.settings import open_ledger
from tests.support.envelopes import CONTEXT
from tests.support.jars import HANDLERS, opening
opened = open_ledger(handlers=HANDLERS)
keys = opened.ledger.keys
make = keys.make
def make_and_die(*arguments):
    make(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
keys.make = make_and_die
opened.ledger.handle(opening(owner="张三"), CONTEXT)
"""


@on_sqlite
def test_keys__accepted_before_the_event_when_killed_between(settings: Settings) -> None:
    """A key is on disk before the first event that needs it; without an event it does no harm."""
    assert child(SIGNALLED, settings).returncode == -signal.SIGKILL
    opened = open_ledger(settings, handlers=HANDLERS)
    assert opened.ledger.head().position == 1
    with opened.keys.engine.connect() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM persons").scalar()
    assert count == 1
    opened.ledger.handle(opening(owner="张三"), named())
    with opened.keys.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM persons").scalar() == 1
    opened.close()


def test_eventually__rejected_when_it_does_not_come() -> None:
    with pytest.raises(AssertionError):
        eventually(lambda: False, timeout_s=0.01)
