"""What every store of the log must do, on each backend."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log import merkle, schema
from ledger.log.append import append
from ledger.log.backup import UnsoundLog, backup_log
from ledger.log.envelope import Entry
from ledger.log.postgres import PostgresStore
from ledger.log.recorder import LogRecorder
from ledger.log.sqlite import SqliteStore
from ledger.log.store import NOTHING, EventMissing, Head, LogConflict, Store, gapless
from ledger.settings import Settings
from tests.conftest import durable, on_postgres, on_sqlite
from tests.support import tamper
from tests.support.builders import CONTEXT, entry, place, write
from tests.support.envelopes import first, made
from tests.support.postgres_server import Server
from tests.support.thorough import tried
from tests.support.waiting import eventually, in_thread

TAKEN = [entry(1, stream="s", once="o"), entry(2, stream="s", version=2)]


def grow(store: Store, *entries: Entry, ledger: str = "main") -> Head:
    """Append entries as the writer does, with head and tiles."""
    made(store, ledger)
    with store.writing(ledger) as writing:
        return append(writing, writing.head(ledger), entries)


def refused(store: Store, *entries: Entry) -> str:
    """The conflict that entries meet; nothing of them may be written."""
    before, rows = store.head("main"), store.read("main")
    with pytest.raises(LogConflict) as caught:
        grow(store, *entries)
    assert store.head("main") == before
    assert store.read("main") == rows
    assert store.streams("main", ["s", "new"]) == [e for e in rows if e.stream in ("s", "new")]
    assert store.once("main", ["o", "p"]) == {e.once: e.position for e in rows if e.once}
    return str(caught.value.details["what"])


# -- what is read back --------------------------------------------------------------------------


def test_append__accepted(store: Store) -> None:
    full = entry(1, request_hash=bytes(32), once="once:云", causation=7, source='{"import":"a"}',
                 occurred_at=-(2**40), payload='{"t":"云\\u0000"}'.encode(), salt=bytes(range(16)))
    bare = entry(2, recorded_at=2**60, version=0)
    head = grow(store, full, bare)
    assert store.read("main") == [full, bare]
    assert all(type(row) is Entry and type(row.payload) is bytes for row in store.read("main"))
    assert store.head("main") == head == Head(2, 2**60, head.frontier)
    assert merkle.root(merkle.unpack(head.frontier)) == merkle.root_of(
        [full.leaf_hash, bare.leaf_hash])
    assert store.ledgers() == ["main"]


def test_append__accepted_when_nothing_is_given(store: Store) -> None:
    assert grow(store) == NOTHING
    assert store.head("main") == NOTHING
    assert store.ledgers() == ["main"]


def test_append__accepted_when_twice_in_one_transaction(store: Store) -> None:
    rows = [entry(position) for position in range(1, 601)]
    made(store)
    with store.writing("main") as writing:
        head = append(writing, NOTHING, rows[:300])
        assert writing.head("main") == head
        assert writing.read("main", after=290) == rows[290:300]
        assert writing.streams("main", ["s:7"]) == [rows[6]]
        assert writing.commands("main", [rows[6].command_id]) == [rows[6]]
        assert store.head("main") == NOTHING
        head = append(writing, head, rows[300:])
    assert store.head("main") == head
    assert store.read("main") == rows
    assert [tile.number for tile in store.tiles("main", 0, 0, 10)] == [0, 1]


def test_append__rejected_when_entries_and_head_disagree(store: Store) -> None:
    other = made(store, "other")
    made(store)
    with pytest.raises(ValueError, match="do not lead"), store.writing("main") as writing:
        writing.append([entry(1)], Head(2, 0, b""), [])
    with pytest.raises(ValueError, match="do not lead"), store.writing("main") as writing:
        writing.append([entry(1, ledger=other)], Head(1, 0, b""), [])
    assert store.read("main") == store.read("other") == []


def test_writing__rejected_when_the_block_fails(store: Store) -> None:
    grow(store, *TAKEN)
    with pytest.raises(RuntimeError, match="stop"), store.writing("main") as writing:
        rows = [entry(position, once=f"o{position}") for position in range(3, 300)]
        append(writing, writing.head("main"), rows)
        raise RuntimeError("stop")
    assert store.read("main") == TAKEN
    assert store.tiles("main", 0, 0, 9) == []
    assert store.once("main", ["o3"]) == {}
    assert store.position_at("main", 2**60) == 2
    grow(store, entry(3, once="o3"))
    assert store.head("main").position == 3


def test_read__accepted_within_bounds(store: Store) -> None:
    rows = [entry(position) for position in range(1, 8)]
    grow(store, *rows)
    bounds: list[tuple[dict[str, int], list[Entry]]] = [
        ({}, rows), ({"after": 3}, rows[3:]), ({"until": 3}, rows[:3]),
        ({"after": 2, "until": 4}, rows[2:4]), ({"limit": 2}, rows[:2]),
        ({"after": 5, "limit": 9}, rows[5:]), ({"after": 4, "until": 4}, []),
        ({"after": 6, "until": 2}, []), ({"after": 99}, []), ({"until": 99}, rows),
        ({"limit": 0}, []), ({"limit": -1}, []), ({"after": -3}, rows),
        ({"after": -3, "limit": 2}, rows[:2]), ({"until": -1}, []), ({"until": 0}, []),
    ]
    for bound, expected in bounds:
        assert store.read("main", **bound) == expected, bound
    assert store.read("nobody") == []


def test_lookups__accepted(store: Store) -> None:
    ids = [uuid4().bytes for _ in range(3)]
    rows = [
        entry(1, stream="b", command_id=ids[0]), entry(2, stream="a", command_id=ids[1], once="x"),
        entry(3, stream="b", version=2, command_id=ids[0], command_seq=2),
        entry(4, stream="c", command_id=ids[2], once="y"),
    ]
    grow(store, *rows)
    assert store.streams("main", ["b", "a", "b", "none"]) == rows[:3]
    assert store.streams("main", ["b", "c"], after=1) == rows[2:]
    assert store.streams("main", ["b", "c"], upto=1) == [rows[0], rows[3]]
    assert store.streams("main", []) == []
    assert store.streams("main", [f"none:{n}" for n in range(1200)] + ["c"]) == rows[3:]
    assert store.commands("main", [ids[2], ids[0], ids[0]]) == [rows[0], rows[2], rows[3]]
    assert store.commands("main", []) == []
    assert store.once("main", ["x", "y", "z", "x"]) == {"x": 2, "y": 4}
    assert store.once("main", []) == {}
    assert store.repeated("main", until=9, limit=9) == store.odd_tiles("main", 9) == []
    assert store.odd_positions("main", 9) == []
    known = store.known("main")
    assert known is not None
    assert store.standing(known) == {"ledgers": 1, "heads": 1}


def test_position_at__accepted(store: Store) -> None:
    assert store.position_at("main", 5) == 0
    times = [10, 20, 20, 20, 30, 30, 40]
    grow(store, *(entry(n, recorded_at=time) for n, time in enumerate(times, 1)))
    for moment in range(5, 50):
        assert store.position_at("main", moment) == sum(time <= moment for time in times)
    assert store.position_at("nobody", 99) == 0


def test_tiles__accepted(store: Store) -> None:
    rows = [entry(position) for position in range(1, 1100)]
    done = 0
    for size in (255, 1, 1, 254, 2, 500, 86):
        grow(store, *rows[done : done + size])
        done += size
        full = done // merkle.TILE_LEAVES
        tiles = store.tiles("main", 0, 0, 99)
        assert [tile.number for tile in tiles] == list(range(full))
        assert b"".join(tile.hashes for tile in tiles) == b"".join(
            row.leaf_hash for row in rows[: full * merkle.TILE_LEAVES])
        assert merkle.root(merkle.unpack(store.head("main").frontier)) == merkle.root_of(
            row.leaf_hash for row in rows[:done])
    assert [tile.number for tile in store.tiles("main", 0, 2, 1)] == [2]
    assert store.tiles("main", 0, 4, 9) == store.tiles("main", 1, 0, 9) == []


@on_postgres
@pytest.mark.parametrize("behind", [False, True])
def test_writer__leaves_nothing_in_a_session_that_a_pooler_gives_to_others(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, behind: bool
) -> None:
    """What it sets and prepares lasts for a transaction, where each may have another session."""
    if behind:
        monkeypatch.setattr("ledger.log.postgres.pooled", lambda connection: True)
    store.close()
    grow(store, entry(1))
    limits = "SELECT current_setting('lock_timeout'),"
    limits += " current_setting('idle_in_transaction_session_timeout')"
    with store.writing("main") as writing:
        assert writing.rows(limits, ()) == [("1min", "1min")]
        kept = writing.connection
        driver: Any = kept.connection.driver_connection
        assert (driver.prepare_threshold is None) == behind
    after = ("0", "0") if behind else ("1min", "1min")
    assert tuple(kept.exec_driver_sql(limits).one()) == after


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 2, 4, 5, -1])
def test_append__conflict_when_the_position_is_not_the_next(store: Store, position: int) -> None:
    grow(store, *TAKEN)
    assert refused(store, entry(position, stream="new")) == "position"


def test_append__conflict_when_the_first_position_is_not_one(store: Store) -> None:
    assert refused(store, entry(2)) == "position"


@pytest.mark.parametrize("version", [0, 1, 2, 4, -1])
def test_append__conflict_when_the_version_is_not_the_next(store: Store, version: int) -> None:
    grow(store, *TAKEN)
    assert refused(store, entry(3, stream="s", version=version)) == "version of the stream"


@pytest.mark.parametrize("version", [2, -1])
def test_append__conflict_when_a_stream_begins_late(store: Store, version: int) -> None:
    assert refused(store, entry(1, stream="new", version=version)) == "version of the stream"


def test_append__conflict_when_the_command_is_recorded(store: Store) -> None:
    grow(store, *TAKEN)
    again = entry(3, stream="new", command_id=TAKEN[0].command_id)
    assert refused(store, again) == "command"
    grow(store, again._replace(command_seq=2))


def test_append__conflict_when_once_is_taken(store: Store) -> None:
    grow(store, *TAKEN)
    assert refused(store, entry(3, stream="new", once="o")) == "once value"


@pytest.mark.parametrize(("changes", "what"), [
    ({"position": 3}, "position"),
    ({"stream": "new", "version": 1}, "version of the stream"),
    ({"command_id": b"c" * 16}, "command"),
    ({"once": "p"}, "once value"),
])
def test_append__conflict_when_the_batch_disagrees_with_itself(
    store: Store, changes: dict[str, Any], what: str
) -> None:
    grow(store, *TAKEN)
    first = entry(3, stream="new", command_id=b"c" * 16, once="p")
    with pytest.raises(LogConflict) as caught, store.writing("main") as writing:
        writing.append([first, entry(4)._replace(**changes)],
                       Head(changes.get("position", 4), 0, b""), [])
    assert caught.value.details["what"] == what
    assert store.read("main") == TAKEN
    assert store.once("main", ["p"]) == {}
    grow(store, first)


@contextmanager
def raw(store: Store, server: Server | None = None) -> Iterator[Callable[[str], Any]]:
    """A connection of its own, apart from what the ledger does; as the database's owner."""
    if isinstance(store, SqliteStore):
        from ledger.log.sqlite import driver

        connection = driver().connect(str(store.path), isolation_level=None)
    else:
        import psycopg

        assert isinstance(store, PostgresStore)
        connection = psycopg.connect(store.admin_url if server else store.url, autocommit=True)
    try:
        yield connection.execute
    finally:
        connection.close()


FIELDS = ", ".join(Entry._fields)


def insert(store: Store, verb: str = "INSERT", *, tail: str = "", **changes: str) -> str:
    """A statement that puts event 1 in again as the next of a new stream, or otherwise changed."""
    fresh = "CAST('0123456789abcdef' AS " + ("BLOB)" if isinstance(store, SqliteStore)
                                             else "bytea)")
    values = {"position": str(store.head("main").position + 1), "stream": "'new'", "version": "1",
              "command_id": fresh, "once": "NULL", **changes}
    columns = ", ".join(values.get(name, name) for name in Entry._fields)
    return (f"{verb} INTO events ({FIELDS}) SELECT {columns} FROM events"
            f" WHERE ledger = {tamper.MAIN} AND position = 1{tail}")


def changes_of_rows(store: Store) -> dict[str, str]:
    """Statements that would change what is recorded, by what they try."""
    collisions = {"position": {"position": "2"}, "version": {"stream": "'s'", "version": "2"},
                  "command": {"command_id": "command_id"}, "once": {"once": "'o'"}}
    wrong = {"far position": {"position": "999"}, "no position": {"position": "0"},
             "far version": {"stream": "'s'", "version": "9"}, "late begin": {"version": "2"}}
    keys = {"position": "ledger, position", "version": "ledger, stream, version",
            "command": "ledger, command_id, command_seq"}
    found = {
        "update": "UPDATE events SET actor = 'x'",
        "update nothing": "UPDATE events SET actor = actor WHERE position = 1",
        "delete": "DELETE FROM events WHERE position = 2",
        "update tiles": "UPDATE tiles SET level = 9",
        "delete tiles": "DELETE FROM tiles",
        "update accounts": "UPDATE accounts SET position = 2",
        "delete accounts": "DELETE FROM accounts",
        "insert account of an event that names others":
            "INSERT INTO accounts SELECT DISTINCT ledger, 'stock:', 3 FROM accounts",
        "insert account": "INSERT INTO accounts SELECT DISTINCT ledger, subject, 999 FROM accounts",
        **{f"insert {name}": insert(store, **values)
           for name, values in (collisions | wrong).items()},
        **{f"ignore {name}": insert(store, tail=" ON CONFLICT DO NOTHING", **values)
           for name, values in collisions.items()},
        **{f"upsert {name}": insert(store, **collisions[name], tail=(
            f" ON CONFLICT ({columns}) DO UPDATE SET actor = 'x'"))
           for name, columns in keys.items()},
    }
    if not isinstance(store, SqliteStore):
        return {**found, **{f"truncate {table}": f"TRUNCATE {table}"
                            for table in ("events", "tiles", "accounts")},
                "truncate all": "TRUNCATE heads, events, tiles, accounts CASCADE"}
    verbs = ("INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT OR FAIL")
    return {
        **found,
        **{f"{verb} {name}": insert(store, verb, **values)
           for verb in verbs for name, values in collisions.items()},
        "update or replace": "UPDATE OR REPLACE events SET position = 2 WHERE position = 1",
        "replace tiles": "INSERT OR REPLACE INTO tiles SELECT * FROM tiles",
        "replace account":
            "INSERT OR REPLACE INTO accounts SELECT ledger, subject, 999 FROM accounts",
    }


@durable
def test_change__rejected_by_the_database_itself(store: Store, request: Any) -> None:
    grow(store, *TAKEN)
    grow(store, *(entry(position, subjects='["stock:a"]') for position in range(3, 301)))

    def kept() -> list[Any]:
        return [store.read("main"), store.head("main"), store.tiles("main", 0, 0, 9),
                store.indexed("main", ["stock:a"], 0, 2**62)]

    keep = kept()
    server = None if isinstance(store, SqliteStore) else request.getfixturevalue("postgres")
    with raw(store, server) as execute:
        for what, statement in changes_of_rows(store).items():
            try:
                execute(statement)
            except Exception as error:
                assert re.search(r"append-only|events: |tiles: |accounts: |events_",
                                 str(error)), what
            else:
                assert "DO NOTHING" in statement, what
            assert keep == kept(), what
    grow(store, entry(301))
    assert store.missing_guards() == []


_HOLLOW = ("CREATE OR REPLACE FUNCTION {} RETURNS trigger LANGUAGE plpgsql SET search_path = "
           "pg_catalog, pg_temp AS $$ BEGIN RETURN {}; END $$")

HOLLOW_ON_POSTGRES = {
    "bodies": (_HOLLOW.format("events_guard()", "OLD"), set(schema.POSTGRES_GUARDS)
               - {"events_insert", "accounts_insert"}),
    "accounts": (_HOLLOW.format("accounts_insert_guard()", "NULL"), {"accounts_insert"}),
    "insert": (_HOLLOW.format("events_insert_guard()", "NULL"), {"events_insert"}),
    "disabled": ("ALTER TABLE events DISABLE TRIGGER events_row; CREATE SCHEMA o; CREATE TABLE "
                 "o.events (); CREATE TRIGGER events_row BEFORE DELETE OR UPDATE ON o.events "
                 "FOR EACH ROW EXECUTE FUNCTION events_guard()", {"events_row"}),
    "never": ("CREATE OR REPLACE TRIGGER tiles_row BEFORE UPDATE OR DELETE ON tiles FOR EACH ROW "
              "WHEN (false) EXECUTE FUNCTION events_guard()", {"tiles_row"}),
    "some": ("CREATE OR REPLACE TRIGGER tiles_row BEFORE DELETE ON tiles FOR EACH ROW "
             "EXECUTE FUNCTION events_guard()", {"tiles_row"}),
    "path": ("ALTER FUNCTION events_insert_guard() RESET search_path", {"events_insert"}),
}


@durable
def test_missing_guards__names_those_that_guard_nothing(store: Store, request: Any) -> None:
    """Each has its name still, and is on another table, switched off or does something else."""
    if isinstance(store, SqliteStore):
        with raw(store) as execute:
            for gone, name in enumerate(sorted(schema.SQLITE_GUARDS), 1):
                table, action = name.split("_")
                execute(f"DROP TRIGGER {name}")
                execute(f"CREATE TRIGGER {name} BEFORE {action} ON {table} BEGIN SELECT 1; END")
                assert store.missing_guards() == sorted(schema.SQLITE_GUARDS)[:gone]
        return
    with raw(store, request.getfixturevalue("postgres")) as execute:
        for statements, names in HOLLOW_ON_POSTGRES.values():
            execute(statements)
            assert names <= set(store.missing_guards())
        assert set(store.missing_guards()) == set(schema.POSTGRES_GUARDS)


@durable
def test_insert__accepted_when_it_is_the_next(store: Store) -> None:
    """The statements above are refused for what they change, not for how they are written."""
    grow(store, *TAKEN)
    with raw(store) as execute:
        execute(insert(store))
    assert [row.stream for row in store.read("main")] == ["s", "s", "new"]


@on_postgres
@pytest.mark.parametrize("statement", [
    "UPDATE events SET actor = 'x'", "DELETE FROM events", "TRUNCATE events", "DELETE FROM tiles",
    "UPDATE tiles SET level = 1", "UPDATE accounts SET position = 1", "DELETE FROM accounts",
    "TRUNCATE accounts", "ALTER TABLE accounts DISABLE TRIGGER accounts_insert",
    "TRUNCATE heads", "DELETE FROM heads",
    "DELETE FROM alembic_version", "UPDATE alembic_version SET version_num = 'x'",
    "ALTER TABLE events DISABLE TRIGGER ALL", "ALTER TABLE events DISABLE TRIGGER events_row",
    "DROP TRIGGER events_row ON events", "DROP TABLE events", "CREATE TABLE public.mine (a int)",
    "CREATE OR REPLACE FUNCTION events_guard() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER aa BEFORE INSERT ON events EXECUTE FUNCTION events_guard()",
    "SET session_replication_role = replica",
])
def test_change__rejected_for_the_applications_role(store: Store, statement: str) -> None:
    grow(store, *TAKEN)
    with raw(store) as execute, pytest.raises(Exception, match="permission denied|must be owner"):
        execute(statement)
    assert store.read("main") == TAKEN


@on_postgres
def test_insert__rejected_when_another_table_is_named_events(store: Store) -> None:
    grow(store, *TAKEN)
    statement = insert(store, position="1").replace("events", "public.events")
    with raw(store) as execute:
        execute("CREATE TEMP TABLE events (LIKE public.events)")
        with pytest.raises(Exception, match="not the next position|duplicate key"):
            execute(statement)
        execute("INSERT INTO events SELECT * FROM public.events")
        execute("UPDATE events SET position = 99 WHERE position = 1")
        with pytest.raises(Exception, match="no event here names it"):
            execute("INSERT INTO public.accounts SELECT DISTINCT ledger, 'stock:a', 99 FROM events")


OWN_MEANINGS = {
    "never <>": "CREATE FUNCTION mine.never(int8, int8) RETURNS bool LANGUAGE sql"
                " AS 'SELECT false'; CREATE OPERATOR mine.<>"
                " (LEFTARG = int8, RIGHTARG = int8, FUNCTION = mine.never)",
    "never >": "CREATE FUNCTION mine.never(int4, int4) RETURNS bool LANGUAGE sql"
               " AS 'SELECT false'; CREATE OPERATOR mine.>"
               " (LEFTARG = int4, RIGHTARG = int4, FUNCTION = mine.never)",
    "octet_length": "CREATE FUNCTION mine.octet_length(text) RETURNS int4 LANGUAGE sql"
                    " AS 'SELECT 0'",
}
"""What the application's role may define in a schema of its own."""


@on_postgres
@pytest.mark.parametrize("own", OWN_MEANINGS.values(), ids=OWN_MEANINGS)
def test_insert__rejected_whatever_the_search_path_says(store: Store, own: str) -> None:
    """A guard asks what PostgreSQL means by `<>`, not what the schema of whoever inserts does."""
    grow(store, *TAKEN)
    with raw(store) as execute:
        execute("CREATE SCHEMA mine")
        execute(own)
        execute("SET search_path = mine, pg_catalog, public")
        for changes, message in (
            ({"position": "99"}, "not the next position"),
            ({"version": "9"}, "not the next version"),
            ({"subjects": f"'[\"{'x' * 1001}\"]'"}, "one that is too long"),
        ):
            with pytest.raises(Exception, match=message):
                execute(insert(store, **changes))
    assert store.read("main") == TAKEN


@on_postgres
def test_read_models__accepted_in_schemas_of_the_applications_own(store: Store) -> None:
    with raw(store) as execute:
        execute("CREATE SCHEMA read_1")
        execute("CREATE TABLE read_1.orders (a int)")
        execute("INSERT INTO read_1.orders VALUES (1)")
        execute("DROP SCHEMA read_1 CASCADE")


@on_sqlite
def test_append__rejected_when_the_file_is_read_only(store: SqliteStore) -> None:
    from ledger.log.store import StorageFailed

    grow(store, *TAKEN)
    reader = SqliteStore(store.path, read_only=True, kinds=ACCOUNT_KINDS)
    reader.prepare()
    with pytest.raises(StorageFailed, match="readonly"):
        grow(reader, entry(3))
    assert reader.read("main") == TAKEN
    assert "readonly" in (reader.refuses_writes() or "")
    reader.close()


def test_refuses_writes__records_nothing_where_it_does_not(store: Store) -> None:
    grow(store, *TAKEN)
    before = store.head("main")
    assert store.refuses_writes() is None
    assert store.head("main") == before
    grow(store, entry(3))


# -- two ledgers --------------------------------------------------------------------------------


OPERATIONS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["s", "t"]),
                                st.sampled_from([1, 2]), st.sampled_from([None, "x", "y"]),
                                st.sampled_from([1, 2, 3])), max_size=14)


@given(operations=OPERATIONS)
@hypothesis_settings(max_examples=tried(30), deadline=None,
                     suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_ledgers__ignored_by_each_other(store: Store, operations: Any) -> None:
    run = uuid4().hex
    model: dict[str, list[Entry]] = {"a": [], "b": []}
    for name, stream, version, once, command in operations:
        ledger, rows = f"{name}{run}", model[name]
        row = entry(len(rows) + 1, ledger=made(store, ledger), stream=stream, version=version,
                    once=once, command_id=bytes([command]) * 16)
        last = max((r.version for r in rows if r.stream == stream), default=0)
        fits = (version == last + 1
                and row.command_id not in {r.command_id for r in rows}
                and (once is None or once not in {r.once for r in rows}))
        try:
            grow(store, row, ledger=ledger)
        except LogConflict:
            assert not fits
        else:
            assert fits
            rows.append(row)
    for name, rows in model.items():
        ledger = name + run
        assert store.read(ledger) == rows
        assert store.head(ledger).position == len(rows)
        assert store.streams(ledger, ["s", "t"]) == rows
        assert store.commands(ledger, [bytes([n]) * 16 for n in (1, 2, 3)]) == rows
        assert store.once(ledger, ["x", "y"]) == {r.once: r.position for r in rows if r.once}
        assert store.position_at(ledger, 2**60) == len(rows)


# -- the order of commits -----------------------------------------------------------------------


class Watch:
    """Reads the log all the time and notes every order in which positions became visible."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seen: list[int] = []
        self.wrong: list[str] = []
        self.done = threading.Event()
        self.thread = in_thread(self._run)

    def _run(self) -> None:
        while not self.done.is_set():
            self.look()

    def look(self) -> None:
        """One look: what is new, and that nothing is missing before it."""
        rows = [row.position for row in self.store.read("main")]
        head = self.store.head("main").position
        if rows != list(range(1, len(rows) + 1)) or rows[: len(self.seen)] != self.seen:
            self.wrong.append(f"{self.seen} then {rows}")
        if head < len(rows):
            self.wrong.append(f"head {head} after {len(rows)} events")
        self.seen = rows

    def finish(self) -> list[int]:
        """Stop and say what was seen."""
        self.done.set()
        self.thread.join()
        self.look()
        assert self.wrong == []
        return self.seen


def handle_many(ledger: Ledger) -> None:
    """One write path."""
    results = ledger.handle_many([(place(n), CONTEXT) for n in range(5)])
    assert all(hasattr(result, "positions") for result in results)


def record(ledger: Ledger) -> None:
    """One write path."""
    from eventsourcing.persistence import StoredEvent

    LogRecorder(ledger.store, "main").insert_events([StoredEvent("r", 1, "t", b"")])


@pytest.mark.parametrize("path", [
    lambda ledger: ledger.handle(place(), CONTEXT), handle_many, record,
], ids=["handle", "handle_many", "recorder"])
def test_commit__ignored_by_all_while_delayed(
    settings: Settings, store: Store, ledger: Ledger, path: Callable[[Ledger], Any]
) -> None:
    """A transaction takes a position and hangs: nobody may come out with the next one before."""
    before = ledger.head()
    other = store if settings.database_url == "memory:" else settings.open_store()
    holds, go = threading.Event(), threading.Event()

    def hang() -> None:
        with other.writing("main") as writing:
            append(writing, before, [
                entry(before.position + 1, ledger=ledger.id, recorded_at=before.recorded_at + 1)])
            holds.set()
            assert go.wait(30)

    hanging = in_thread(hang)
    assert holds.wait(10)
    watch = Watch(store)
    writing = in_thread(lambda: path(ledger))
    if isinstance(store, PostgresStore):
        eventually(lambda: lock_waits(store) == 1)
    writing.join(0.15)
    assert writing.is_alive()
    assert store.head("main") == before
    assert watch.seen in ([], [1])  # the opening
    go.set()
    hanging.join()
    writing.join()
    assert len(watch.finish()) == store.head("main").position >= 3
    if other is not store:
        other.close()


def lock_waits(store: PostgresStore) -> int:
    """How many connections of this database wait for a lock."""
    with store.reading() as reader:
        return int(reader.rows(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()", ())[0][0])


def test_append__accepted_without_gaps_from_many_threads(store: Store) -> None:
    made(store)
    watch = Watch(store)

    def work(number: int) -> None:
        for turn in range(1, 26):
            with store.writing("main") as writing:
                head = writing.head("main")
                append(writing, head, [
                    entry(head.position + 1, stream=f"t:{number}", version=2 * turn - 1),
                    entry(head.position + 2, stream=f"t:{number}", version=2 * turn)])

    threads = [in_thread(lambda n=n: work(n)) for n in range(6)]
    for thread in threads:
        thread.join()
    assert watch.finish() == list(range(1, 301))
    rows = store.read("main")
    assert merkle.root_of(row.leaf_hash for row in rows) == merkle.root(
        merkle.unpack(store.head("main").frontier))
    for one, next_one in zip(rows[::2], rows[1::2], strict=True):
        assert one.stream == next_one.stream
        assert next_one.version == one.version + 1


# -- a position that is missing -------------------------------------------------------------------


@pytest.mark.parametrize(("held", "after", "until", "missing"), [
    ([3, 4], 2, 9, None), ([], 2, 2, None), ([], 2, None, None), ([], 0, 0, None),
    ([4, 5], 2, 9, 3), ([3, 5], 2, None, 4), ([3, 4, 6, 8], 2, 8, 5), ([], 2, 3, 3),
])
def test_gapless__says_which_position_is_missing(
    held: list[int], after: int, until: int | None, missing: int | None
) -> None:
    rows = [entry(position) for position in held]
    if missing is None:
        assert gapless(rows, "main", after=after, until=until) is rows
        return
    with pytest.raises(EventMissing) as caught:
        gapless(rows, "main", after=after, until=until)
    assert caught.value.details == {"position": missing, "ledger": "main"}


@pytest.mark.parametrize("missing", [1, 3, 5])
def test_readers__stop_at_a_position_that_is_missing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: int
) -> None:
    """A backup without an event would restore as a log that never held it."""
    write(store, first(), *(entry(number) for number in range(2, 6)))
    read = store.read
    monkeypatch.setattr(store, "read", lambda *names, **more: [
        row for row in read(*names, **more) if row.position != missing])
    with pytest.raises(UnsoundLog, match="position"):
        backup_log(store, "main", tmp_path / "log.backup")
    if missing < 5:  # the library's notifications have no end that is known
        with pytest.raises(EventMissing, match=f"position {missing} "):
            LogRecorder(store, "main").select_notifications(0, 10)
