"""What a caller hears after a COMMIT whose reply was lost: a receipt, a refusal, or "not known"."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from ledger.application import Ledger, LedgerClosed
from ledger.common.context import Receipt
from ledger.log import sqlite
from ledger.log.postgres import PostgresStore
from ledger.log.sqlite import SqliteStore
from ledger.log.store import ConnectionLost, LogConflict, StorageFailed, Store
from ledger.writing import outcomes as deciding
from ledger.writing.cache import Cache
from ledger.writing.tasks import Task, Turn
from ledger.writing.writer import Writer
from tests.conftest import on_postgres, on_sqlite
from tests.support.batches import outcomes
from tests.support.envelopes import CONTEXT, named
from tests.support.jars import JarAlreadyOpen, JarUnknown, adding, filling, opening
from tests.support.postgres_server import Server
from tests.support.soundness import must_be_sound
from tests.support.waiting import in_thread

Writings = Callable[[str], Any]
DOWN = StorageFailed(why="the server is down")
FULL = StorageFailed(why="the disk is full")


class Line:
    """A store's transactions, each with what is to go wrong with it, in order.

    `lost`: it is committed, and the reply is lost. `broken`: the connection breaks before the
    COMMIT, in a way that nobody can tell from `lost`. `down`: it does not begin. `full`: the
    COMMIT fails. `odd`: it is committed, then something else than the database fails.
    """

    def __init__(self, store: Store) -> None:
        self.writing = store.writing
        self.plan: list[str] = []
        self.then: Callable[[], object] = bool

    @contextmanager
    def __call__(self, name: str) -> Iterator[Any]:
        fate = self.plan.pop(0) if self.plan else "fine"
        if fate == "down":
            raise DOWN
        with self.writing(name) as writing:
            yield writing
            if fate == "broken":
                raise ConnectionLost(why="a test says so")
            if fate == "full":
                raise FULL
        if fate == "lost":
            self.then()
            raise ConnectionLost(why="a test says so")
        if fate == "odd":
            raise MemoryError


@pytest.fixture
def line(store: Store, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Line:
    """The way to the database, which a test breaks; one jar is open and full."""
    found = Line(store)
    ledger.handle_many([(opening(), CONTEXT), (adding(), CONTEXT)])
    monkeypatch.setattr(store, "writing", found)
    return found


def tried(ledger: Ledger, command: Any, context: Any = CONTEXT) -> Any:
    """What comes of a command."""
    try:
        return ledger.handle(command, context)
    except Exception as error:
        return error


@pytest.mark.parametrize(("plan", "heard", "events"), [
    (["lost"], Receipt, 3),
    (["broken"], Receipt, 3),
    (["lost", "down"], ConnectionLost, 3),
    (["broken", "down"], ConnectionLost, 2),
    (["lost", "lost"], Receipt, 3),
    (["broken", "broken"], ConnectionLost, 2),
    (["broken", "lost"], ConnectionLost, 3),
    (["broken", "full"], StorageFailed, 2),
    (["lost", "full"], Receipt, 3),
    (["odd"], Receipt, 3),
    (["odd", "down"], ConnectionLost, 3),
    (["down"], ConnectionLost, 2),
    (["full"], StorageFailed, 2),
])
def test_outcome__is_what_is_known(
    ledger: Ledger, store: Store, line: Line, plan: list[str], heard: type, events: int
) -> None:
    """"Nothing was recorded" is proof; a caller who hears "not known" asks again by the id."""
    line.plan = list(plan)
    result = tried(ledger, opening(2), named())
    line.plan = []
    assert type(result) is heard, result
    assert len(must_be_sound(store)) == events
    again = ledger.handle(opening(2), named())
    assert (again.positions, again.replayed) == ((4,), events == 3)
    assert len(must_be_sound(store)) == 3


def test_outcome__under_a_key_that_nobody_looked_up_is_not_known(
    ledger: Ledger, store: Store, line: Line
) -> None:
    """R-LOG-13: an earlier request under the key may be recorded. Who has no key sent none."""
    line.plan = ["lost", "down"]
    assert type(tried(ledger, opening(2), named())) is ConnectionLost
    line.plan = ["down"]
    assert type(tried(ledger, opening(2), named())) is ConnectionLost
    assert ledger.handle(opening(2), named()).replayed
    line.plan = ["down"]
    assert type(tried(ledger, opening(3))) is StorageFailed
    assert len(must_be_sound(store)) == 3


def test_outcome__under_a_key_is_not_known_while_the_ledger_itself_is_not_found(
    ledger: Ledger, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No error but these two lets anybody believe that nothing was recorded."""
    for error in (LogConflict(what="position"), StorageFailed(why="no")):
        monkeypatch.setattr(ledger._writer.keys, "must_fit", raising(error))
        assert type(tried(ledger, opening(2), named())) is ConnectionLost
        assert type(tried(ledger, opening(2))) is type(error)


def raising(error: BaseException) -> Callable[..., Any]:
    """What raises an error, whatever it is given."""
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(("owner", "name"), [
    (deciding, "settle"), (Task, "receipt"), (Turn, "settle"), (Cache, "keep"),
    (Writer, "_accept_clock")])
@pytest.mark.parametrize("times", [1, 2, 1000])
def test_outcome__is_heard_when_the_thread_dies_between_commit_and_answer(
    ledger: Ledger, store: Store, line: Line, monkeypatch: pytest.MonkeyPatch, owner: Any,
    name: str, times: int,
) -> None:
    """R-LOG-13: everybody is answered, and of what is recorded nobody hears otherwise."""
    real, left = getattr(owner, name), [times]

    def fail(*given: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise MemoryError
        return real(*given, **more)

    monkeypatch.setattr(owner, name, fail)
    results: list[Any] = []
    callers = [in_thread(lambda n=n: results.append(tried(ledger, opening(n), named(n))))
               for n in (2, 3)]
    for caller in callers:
        caller.join(30)
        assert not caller.is_alive()
    held = len(must_be_sound(store)) - 2
    known = [one for one in results if isinstance(one, Receipt | ConnectionLost)]
    assert len(results) == 2
    assert len(known) >= held > 0
    assert all(isinstance(one, Receipt | ConnectionLost | LedgerClosed) for one in results)


@pytest.mark.parametrize("plan", [["lost", "down"], ["broken", "down"], ["lost", "broken"]])
def test_outcome__is_never_nothing_for_a_batch_in_doubt(
    ledger: Ledger, store: Store, line: Line, plan: list[str]
) -> None:
    line.plan = ["fine", *plan]  # the first is the pause
    results = outcomes(ledger, opening(2), filling(3), opening(4))
    line.plan = []
    held = {row.stream for row in must_be_sound(store)}
    for number, result in zip((2, 3, 4), results, strict=True):
        if not isinstance(result, ConnectionLost):
            assert isinstance(result, Receipt) == (f"jar:{number}" in held)
            assert isinstance(result, Receipt | StorageFailed)
    assert len({id(result) for result in results}) == 3



def test_outcome__is_a_refusal_only_when_it_was_looked_up(
    ledger: Ledger, store: Store, line: Line
) -> None:
    """After a lost reply a command is not refused because of what it did itself."""
    line.plan = ["lost"]
    assert isinstance(tried(ledger, opening(2)), Receipt)
    line.plan = ["broken"]
    assert isinstance(tried(ledger, opening(2)), JarAlreadyOpen)
    line.plan = ["lost", "down"]
    assert isinstance(tried(ledger, opening(5)), ConnectionLost)
    assert [row.stream for row in must_be_sound(store)][2:] == ["jar:2", "jar:5"]


def test_outcome__is_a_receipt_although_later_commands_fail(
    ledger: Ledger, store: Store, line: Line
) -> None:
    """What the log was seen to hold is answered, whatever becomes of the rest of its batch."""
    first = ledger.handle(opening(2), named())
    line.plan = ["full"]
    assert tried(ledger, opening(2), named()) == first._replace(replayed=True)
    line.then = lambda: setattr(ledger._writer, "_batch_limit", 1)
    line.plan = ["lost", "full", "full"]  # both are recorded; then each is looked up alone
    found = ledger.handle_many([(opening(3), named(3)), (opening(4), named(4))])
    assert [type(one) for one in found] == [Receipt, Receipt]
    assert len(must_be_sound(store)) == 5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_outcome__is_in_doubt_when_the_thread_dies_of_it(
    ledger: Ledger, store: Store, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LOG-12 would say that the ledger is closed, and not that the command is recorded."""
    line.plan = ["odd", "down"]

    def die(*_: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(ledger._writer, "_wait", lambda wait=ledger._writer._wait: (
        die() if ledger._writer._queue and ledger._writer._queue[0].tried else wait()))
    assert isinstance(tried(ledger, opening(2)), ConnectionLost)
    assert isinstance(tried(ledger, opening(3)), LedgerClosed)
    assert [row.stream for row in must_be_sound(store)][2:] == ["jar:2"]


@pytest.mark.parametrize(("plan", "heard"), [
    (["lost"], 1), (["broken"], 1), (["lost", "down"], 1), (["broken", "down"], 1),
    (["lost", "broken"], 1), (["broken", "broken"], 1), (["odd", "down", "down"], 1),
    (["down"], 0), (["full"], 0),
])
def test_outcome__of_a_refusal_is_on_record_once(
    ledger: Ledger, store: Store, line: Line, plan: list[str], heard: int
) -> None:
    """Its record is in doubt like any other: it is looked up before it is made again."""
    line.plan = ["fine", *plan]  # the refusal is decided, and then it goes on record
    assert isinstance(tried(ledger, adding("none")), JarUnknown)
    line.plan = []
    ledger.close()
    rows = must_be_sound(store)[2:]
    assert [row.type for row in rows] == (
        ["command.refused.v1"] if heard else ["command.refusals_counted.v1"])


@on_postgres
def test_outcome__is_not_known_when_the_server_goes_at_the_commit(
    ledger: Ledger, store: PostgresStore, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing: the COMMIT arrives, its reply does not, and then nobody may connect."""
    ledger.handle(opening(), CONTEXT)
    connection, database = store._connection, store.engine.url.database
    assert connection is not None
    execute = connection.exec_driver_sql

    def lose(statement: str, parameters: Any = None) -> Any:
        found = execute(statement, parameters)
        if statement != "COMMIT":
            return found
        postgres.admin.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        postgres.admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = %s AND usename = 'ledger_app'", (database,))
        return execute("SELECT 1")  # as far as a client knows, this is the reply

    monkeypatch.setattr(connection, "exec_driver_sql", lose)
    result = tried(ledger, opening(2), named())
    refused = tried(ledger, opening(3), named(3))
    postgres.admin.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
    assert type(result) is ConnectionLost, result
    assert type(refused) is ConnectionLost, refused
    assert [row.stream for row in must_be_sound(store)] == ["jar:1", "jar:2"]
    assert ledger.handle(opening(2), named()).replayed
    assert not ledger.handle(opening(3), named(3)).replayed


def test_doubt__is_only_where_a_commit_was_not_answered() -> None:
    lost = ConnectionLost(why="x")
    assert deciding.doubt_of(lost, at_commit=False) is lost
    assert deciding.doubt_of(FULL, at_commit=True) is None
    assert deciding.doubt_of(MemoryError(), at_commit=False) is None
    assert str(deciding.doubt_of(MemoryError(), at_commit=True)).count("MemoryError") == 1


@on_sqlite
@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize(("name", "heard"), [
    ("SQLITE_IOERR_FSYNC", ConnectionLost), ("SQLITE_IOERR_WRITE", ConnectionLost),
    ("SQLITE_FULL", ConnectionLost), ("SQLITE_NOMEM", ConnectionLost),
    ("SQLITE_BUSY", StorageFailed), ("SQLITE_CONSTRAINT", StorageFailed)])
def test_outcome__of_a_failed_commit_of_sqlite_is_known_only_where_it_wrote_nothing(
    ledger: Ledger, store: SqliteStore, name: str, heard: type, committed: bool
) -> None:
    """A commit that failed to reach the disk may be found there after a crash."""
    committed = committed and heard is ConnectionLost
    fails = [True]

    @event.listens_for(store.engine, "do_execute")
    def fail(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        if statement == "BEGIN IMMEDIATE" and not fails:
            raise failure("SQLITE_BUSY")  # the retry finds nothing out
        if statement == "COMMIT" and fails:
            fails.pop()
            cursor.execute("COMMIT" if committed else "ROLLBACK")
            raise failure(name)

    result = tried(ledger, opening(2), named())
    event.remove(store.engine, "do_execute", fail)
    assert type(result) is heard, result
    again = ledger.handle(opening(2), named())
    assert (again.positions, again.replayed) == ((2,), committed)
    assert len(must_be_sound(store)) == 1


def failure(name: str) -> Exception:
    """An error of SQLite, as its driver raises it."""
    error: Any = sqlite.driver().OperationalError(name)
    error.sqlite_errorcode = CODES[name]
    return error  # type: ignore[no-any-return]


CODES = {"SQLITE_BUSY": 5, "SQLITE_NOMEM": 7, "SQLITE_FULL": 13, "SQLITE_CONSTRAINT": 19,
         "SQLITE_IOERR_FSYNC": 10 | 4 << 8, "SQLITE_IOERR_WRITE": 10 | 3 << 8}
"""The codes in sqlite3.h."""
