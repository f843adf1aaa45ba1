"""What all tests stand on: the three stores, each fresh, and a ledger on them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ledger.application import Ledger
from ledger.core.aggregate import Aggregate
from ledger.log.persons import Keys
from ledger.log.store import Store
from ledger.settings import Settings
from ledger.writing.genesis import begun
from tests.support.postgres_server import Server
from tests.support.real import DATA
from tests.support.replays import is_as_begun, kinds_of
from tests.support.shops import Shop
from tests.support.thorough import tried
from tests.support.web import Web

# No deadline: a busy machine is not a bug.
settings.register_profile("untimed", deadline=None, max_examples=tried(100))
settings.load_profile("untimed")

BACKENDS = ["memory", "sqlite", "postgres"]

durable = pytest.mark.parametrize("backend", ["sqlite", "postgres"], indirect=True)
"""For tests that open a store twice or look at what lies on disk."""

on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("backend", ["postgres"], indirect=True)

without_tables = pytest.mark.without_tables
"""For tests that look at how tables are made: others find them made, on PostgreSQL."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, one per worker of pytest; made when the first test wants it."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def blanks() -> Iterator[None]:
    """All blank aggregates of a class share what it begins with: whatever a test decides, nothing
    has changed that."""
    yield
    changed = [kind.__name__ for kind in kinds_of(Aggregate) if not is_as_begun(kind)]
    assert not changed, f"something was changed in place that {changed} begin with"


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Which kind of store a test runs on."""
    return str(request.param)


@pytest.fixture
def settings(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a fresh, empty installation of this kind. PostgreSQL: as the app's role."""
    if backend == "memory":
        yield Settings(database_url="memory:", keys_url="memory:", master_key_file=None)
    elif backend == "sqlite":
        yield Settings(database_url=f"sqlite:///{tmp_path}/ledger.db",
                       keys_url=f"sqlite:///{tmp_path}/ledger.keys.db",
                       master_key_file=tmp_path / "ledger.master.key")
    else:
        server: Server = request.getfixturevalue("postgres")
        bare = request.node.get_closest_marker("without_tables")
        name = server.make_database() if bare else server.make_log()
        master = tmp_path / "master.key"
        master.touch(0o600)
        master.write_bytes(bytes(range(32)))
        yield Settings(database_url=server.url(name), admin_url=server.url(name, "postgres"),
                       keys_url=f"sqlite:///{tmp_path}/keys.db", master_key_file=master)
        server.drop_database(name)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A fresh store."""
    opened = settings.open_store()
    yield opened
    opened.close()


@pytest.fixture
def keys(settings: Settings) -> Iterator[Keys]:
    """A fresh keys database."""
    opened = settings.open_keys()
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: Store, keys: Keys) -> Iterator[Ledger]:
    """The ledger `main` on the store, with keys."""
    opened = Ledger(store, begun(store, keys))
    yield opened
    opened.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran on real files, or why none did, and how many changes were found."""
    ran = [report for report in terminalreporter.stats.get("passed", [])
           if "real_data" in report.keywords]
    why = "" if DATA.is_dir() else f" (there is no folder {DATA}; LEDGER_TEST_DATA names another)"
    terminalreporter.write_line(f"real data: ran {len(ran)}{why}")
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "changes":
                terminalreporter.write_line(str(value))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop whose files are imported."""
    found = Shop(tmp_path)
    yield found
    found.close()
    found.opened.close()


@pytest.fixture
def web(settings: Settings) -> Iterator[Web]:
    """The API on a fresh installation."""
    found = Web(settings)
    yield found
    found.close()
