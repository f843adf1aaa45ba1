"""`verify` finds any changed cell and row of the log's database, on both engines."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from ledger.access import IssueKey
from ledger.common.errors import LedgerError
from ledger.handlers import access
from ledger.log import postgres, schema, sqlite
from ledger.log.postgres import PostgresStore
from ledger.log.sqlite import SqliteStore
from ledger.log.store import SUFFIX, Store
from ledger.log.verify import verify_with_access
from ledger.settings import Settings, open_ledger
from tests.support.cells import ROW, Change, Owned, tenth
from tests.support.envelopes import CONTEXT, NOON
from tests.support.jars import HANDLERS, ShakeJars
from tests.support.logs import add_jars, settings_in
from tests.support.postgres_server import Server

JARS = 256
TABLES = ["events", "heads", "ledgers", "tiles"]


def record(settings: Settings) -> None:
    """A ledger with a complete tile, and one of keys and readings, whose root stands in it."""
    opened = open_ledger(settings, handlers=HANDLERS)
    add_jars(opened, 1, JARS)
    opened.ledger.handle(ShakeJars(once=("a", "b")), CONTEXT)
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
        return (SqliteStore(Path(path)) if self.owned.sqlite
                else PostgresStore(str(self.settings.admin_url)))


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
    """All rows, but of the events only those at either end, in the middle, and of a tile's end."""
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
    """A table that is added to the log's database is tried, too."""
    assert sorted(schema.metadata.tables) == TABLES
