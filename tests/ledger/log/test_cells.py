"""`verify` finds any changed cell and row of the log's database, on both engines."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from ledger.access.keys import IssueKey
from ledger.common.errors import LedgerError
from ledger.common.personal import Personal
from ledger.core.postings import ACCOUNT_KINDS
from ledger.handlers import access
from ledger.log import key_tables, postgres, schema, sqlite
from ledger.log.keys_backup import backup_keys, restore_keys
from ledger.log.postgres import PostgresStore
from ledger.log.sqlite import SqliteStore
from ledger.log.store import SUFFIX, Store
from ledger.log.verify import verify_with_access
from ledger.log.verify_keys import sealed_in, verify_keys
from ledger.settings import Settings, open_ledger
from ledger.writing.following import follow
from tests.support.cells import ROW, Change, Owned, tenth
from tests.support.envelopes import CONTEXT, NOON
from tests.support.erased import erase
from tests.support.jars import HANDLERS, ShakeJars, opening
from tests.support.logs import add_jars, settings_in
from tests.support.postgres_server import Server
from tests.support.source import ROOT

JARS = 256
TABLES = ["accounts", "events", "heads", "ledgers", "tiles"]


def record(settings: Settings) -> None:
    """A ledger with a complete tile, and one of keys and readings, whose root stands in it."""
    opened = open_ledger(settings, handlers=HANDLERS)
    add_jars(opened, 1, JARS)
    for once in "ab":
        opened.ledger.handle(ShakeJars(once=(once,)), CONTEXT)
    of_keys = open_ledger(settings, name="main" + SUFFIX, handlers=access.HANDLERS)
    of_keys.ledger.handle(IssueKey(key="k1", owner="member:7f3a", role="member", digest="d" * 64,
                                   occurred_at=NOON, expires_at=NOON + timedelta(days=3650)),
                          CONTEXT)
    opened.ledger.close_log(CONTEXT)
    of_keys.close()
    opened.close()


class Victim:
    """A recorded log whose owner can change it, and which is opened anew for each look."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings = settings
        self.owned = Owned(engine, schema.metadata)

    def look(self) -> tuple[list[str], set[tuple[str, int]]]:
        """What `verify` says, and at which positions of which ledger."""
        store = self._store()
        try:
            report, of_keys = verify_with_access(store, "main")
        except LedgerError as error:
            return [f"{error} {error.rule}"], set()
        finally:
            store.close()
        assert report.ok == (not report.problems)
        both = [("main", report)] + ([] if of_keys is None else [("main" + SUFFIX, of_keys)])
        return ([problem.what for _, one in both for problem in one.problems],
                {(name, problem.position) for name, one in both for problem in one.problems})

    def _store(self) -> Store:
        path = self.settings.database_url.removeprefix("sqlite:///")
        return (SqliteStore(Path(path), kinds=ACCOUNT_KINDS) if self.owned.sqlite
                else PostgresStore(str(self.settings.admin_url), kinds=ACCOUNT_KINDS))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def victim(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
           ) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("cells")
    settings, server, name = settings_in(folder), None, ""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        assert isinstance(server, Server)
        name = server.make_log()
        (folder / "master.key").write_bytes(bytes(range(32)))
        settings = Settings(
            database_url=server.url(name), admin_url=server.url(name, "postgres"),
            keys_url=f"sqlite:///{folder}/keys.db", master_key_file=folder / "master.key")
    record(settings)
    engine = (sqlite.make_engine(folder / "log.db") if server is None
              else postgres.make_engine(str(settings.admin_url)))
    yield Victim(settings, engine)
    engine.dispose()
    if server is not None:
        server.drop_database(name)


def some_rows(table: str, rows: list[tuple[Any, ...]]) -> list[int]:
    """All rows, but of the events only those at either end, in the middle, and of a tile's end, and
    of the accounts one row each."""
    if table == "accounts":
        return list({row[1]: row[-1] for row in rows}.values())
    if table != "events":
        return [row[-1] for row in rows]
    positions: dict[bytes, list[int]] = {}
    for row in rows:
        positions.setdefault(row[0], []).append(row[1])
    return [row[-1] for row in rows
            if row[1] in (1, 2, 7, 256, 259, max(positions[row[0]]))]


def event_at(victim: Victim, row: int) -> tuple[str, int]:
    """The name of the ledger and the position of a row of events."""
    ((name, position),) = victim.owned.run(
        "SELECT l.name, e.position FROM saved_events e JOIN saved_ledgers l ON l.id = e.ledger"
        f" WHERE e.{ROW} = ?", row)
    return name, position


@pytest.mark.parametrize("table", TABLES)
def test_verify__finds_any_changed_cell_and_row(
    victim: Victim, table: str, record_property: Callable[[str, object], None]
) -> None:
    """Every column × a bit, another type, too long, nothing, zero; rows gone, twice, swapped."""
    assert victim.look() == ([], set())
    every = [one for one in victim.owned.changes(some_rows) if one.table == table]
    counted: Counter[str] = Counter()
    for change in tenth(every):
        victim.owned.apply(change)
        try:
            must_be_found(victim, change)
        finally:
            victim.owned.restore(table)
        counted[change.kind] += 1
    assert victim.look() == ([], set())
    record_property("changes", f"{'sqlite' if victim.owned.sqlite else 'postgres'} {table}: "
                    f"{counted.total()} of {len(every)} changes, all found: {dict(counted)}")


def must_be_found(victim: Victim, change: Change) -> None:
    """A change is named by its position, or by its table."""
    said, where = victim.look()
    assert said, change
    if change.table == "events":
        if change.column in ("ledger", "position") or change.kind == "column":
            return
        name, position = event_at(victim, change.row)
        assert where & {(name, position), (name, position + (change.kind == "removed"))}, (
            change, said)
    else:
        assert any(change.table[:-1] in one for one in said), (change, said)


def test_cells__are_those_of_all_tables() -> None:
    """A table that is added to the log's database is tried, too, if it is of the log."""
    assert sorted(schema.metadata.tables) == sorted([*TABLES, "balances"])


# -- the keys ---------------------------------------------------------------------------------

UNSEEN = {
    "persons": {"created_at", "current", "doubled"}, "ledger_secrets": {"doubled"},
    "erased": {"master", "doubled"},
    "import_keys": {"ledger", "import_id", "wrapped", "doubled", "removed"},
    "followed": {"position", "leaf", "doubled", "removed"},
    "restored": {"ledger", "position", "leaf", "doubled", "removed"},
    "master": {"one", "number", "former", "next", "doubled", "removed"},
}
"""Columns of the keys database that may be changed without its being seen, and rows that may be
gone or stand twice: docs/threats.md says what comes of it. None of them gives a wrong value."""


@pytest.fixture(params=["sqlite", "postgres"])
def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Settings, Owned]]:
    """Keys of four people, of whom one was erased, and a backup that was restored."""
    settings, server, name = settings_in(tmp_path), None, ""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        assert isinstance(server, Server)
        name = server.make_database()
        settings = replace(settings, keys_url=server.url(name, "postgres"))
    opened = open_ledger(settings, handlers=HANDLERS)
    opened.ledger.handle_many([(opening(number, owner=f"主人{number % 4}"), CONTEXT)
                               for number in range(6)])
    backup_keys(opened.keys, tmp_path / "keys.gz", opened.store)
    restore_keys(opened.keys, tmp_path / "keys.gz")
    erase(opened.store, msgspec.json.decode(opened.store.read("main")[2].payload)["owner"]["p"])
    follow(opened.store, opened.ledger.keys)
    opened.close()
    engine = (sqlite.make_engine(tmp_path / "log.keys.db") if server is None
              else postgres.make_engine(settings.keys_url))
    yield settings, Owned(engine, key_tables.metadata)
    engine.dispose()
    if server is not None:
        server.drop_database(name)


def opened_values(settings: Settings) -> tuple[str | None, list[str | None]]:
    """What `verify --keys` says first, and what the sealed fields read, if both ledgers open."""
    open_ledger(settings, name="main" + SUFFIX, handlers=access.HANDLERS, make=False).close()
    opened = open_ledger(settings, handlers=HANDLERS, make=False)
    try:
        report = verify_keys(opened.store, opened.ledger.keys)
        said = next((problem.what for problem in report.problems), None)
        read: list[str | None] = []
        for row in opened.store.read("main"):
            for pointer, raw in sealed_in(msgspec.json.decode(row.payload)):
                try:
                    read.append(opened.ledger.keys.reveal(
                        Personal(**raw), row.stream, row.version, pointer))
                except LedgerError:
                    read.append(None)
        return said, read
    finally:
        opened.close()


def test_verify_keys__finds_changed_cells_and_reads_no_wrong_value(
    guarded: tuple[Settings, Owned], record_property: Callable[[str, object], None]
) -> None:
    settings, owned = guarded
    said, before = opened_values(settings)
    assert (said, before.count(None), len(before)) == (None, 2, 6)
    every = list(owned.changes(lambda table, rows: [row[-1] for row in rows]))
    counted: Counter[str] = Counter()
    for change in tenth(every):
        owned.apply(change)
        try:
            said, read = opened_values(settings)
        except LedgerError as error:
            said, read = f"{error} {error.rule}", []
        finally:
            for table in owned.tables:
                owned.restore(table)
        assert all(now in (None, was) for now, was in zip(read, before, strict=False)), change
        if said is None:
            assert (change.column or change.kind) in UNSEEN[change.table], change
        counted["unseen" if said is None else "found"] += 1
    record_property("changes", f"{'sqlite' if owned.sqlite else 'postgres'} keys: "
                    f"{counted.total()} of {len(every)} changes, none read wrong: {dict(counted)}")


def test_cells__that_may_change_unseen_are_named_for_the_reader() -> None:
    page = (ROOT / "docs" / "threats.md").read_text("utf-8")
    assert sorted(UNSEEN) == sorted(key_tables.metadata.tables)
    assert all(f"`{table}`" in page or f"`{table}.{column}`" in page
               for table, columns in UNSEEN.items()
               for column in columns - {"doubled", "removed"})
