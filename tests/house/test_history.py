"""What an earlier version stored: its event types, and a whole ledger of its own.

`tests/data/first-edition` holds the log that the version before the second edition made of its
demo. Other bytes were hashed then: this version must leave such a file as it is and say so.
What is stored may only change knowingly: a change that means to replaces the files here in the same
commit and says in the changelog what becomes of a ledger that exists. Otherwise the code is wrong,
not the file.
"""

import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.core.postings import ACCOUNT_KINDS
from ledger.log.sqlite import SqliteStore, driver
from ledger.log.store import FirstEdition
from ledger.settings import Settings, open_ledger
from tests.support import registry, source

DATA = source.ROOT / "tests/data/first-edition"


@pytest.fixture
def first_edition(tmp_path: Path) -> Path:
    """The file of the log of the first edition, unpacked."""
    path = tmp_path / "ledger.db"
    path.write_bytes(lzma.decompress((DATA / "ledger.db.xz").read_bytes()))
    return path


def test_registry__is_the_one_that_is_kept() -> None:
    kept = json.loads(registry.FILE.read_text("utf-8"))
    assert registry.registry() == kept
    assert registry.text() == registry.FILE.read_text("utf-8"), "the same, in another order"


def prepare(path: Path) -> None:
    """Open the store, which checks its schema."""
    Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{path}"}).open_store()


def begin(path: Path) -> None:
    """Open the ledger, to record in it."""
    open_ledger(Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{path}"}))


def upgrade(path: Path) -> None:
    """Upgrade the store, which is not checked before."""
    store = SqliteStore(path, kinds=ACCOUNT_KINDS)
    try:
        store.upgrade()
    finally:
        store.close()


def everything(path: Path) -> dict[str, list[Any]]:
    """Every definition and every row of a database, by table."""
    connection = driver().connect(str(path))
    try:
        found = connection.execute("SELECT * FROM sqlite_schema").fetchall()
        tables = [name for kind, name, *_ in found if kind == "table"]
        return {"schema": found, **{
            name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}}
    finally:
        connection.close()


@pytest.mark.parametrize("use", [prepare, begin, upgrade])
def test_first_edition__rejected_and_left_as_it_is(
    first_edition: Path, use: Callable[[Path], None]
) -> None:
    """R-LOG-20: neither read nor upgraded in place; the sentence says what to do instead."""
    before = everything(first_edition)
    with pytest.raises(FirstEdition, match="the version that made it.*import the files"):
        use(first_edition)
    assert everything(first_edition) == before
