"""What an earlier version stored, this one reads: its event types, and a whole ledger of its own.

`tests/data/first-edition` holds the log, the keys and the master key that the version before the
packages made of its demo, with the root that it proved and the digests of its read models.
What is stored may only change knowingly: a change that means to replaces the files here in the same
commit and says in the changelog what becomes of a ledger that exists. Otherwise the code is wrong,
not the file.
"""

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.common.personal import Personal
from ledger.log.verify import Expectation, verify
from ledger.settings import Opened, Settings, open_ledger
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.support import registry, source
from tests.support.builders import CONTEXT, place

DATA = source.ROOT / "tests/data/first-edition"
EXPECTED = json.loads((DATA / "expected.json").read_text("utf-8"))
FILES = ("ledger.db", "ledger.keys.db")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """The ledger of the first edition, unpacked and opened by this version."""
    for name in FILES:
        (tmp_path / name).write_bytes(lzma.decompress((DATA / f"{name}.xz").read_bytes()))
    (tmp_path / "ledger.master.key").write_bytes((DATA / "ledger.master.key").read_bytes())
    found = open_ledger(Settings.from_environment({
        "LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db"}))
    yield found
    found.close()


def test_registry__is_the_one_that_is_kept() -> None:
    kept = json.loads(registry.FILE.read_text("utf-8"))
    assert registry.registry() == kept
    assert registry.text() == registry.FILE.read_text("utf-8"), "the same, in another order"


def test_first_edition__verifies_to_the_root_that_was_noted(opened: Opened) -> None:
    noted = Expectation.parse(EXPECTED["root"])
    report = verify(opened.store, "main", expected=[noted])
    assert (report.ok, report.position, report.root) == (True, *noted), report.problems


def test_first_edition__rebuilds_to_the_same_rows(opened: Opened) -> None:
    models = ReadModels(opened.store, PROJECTIONS)
    try:
        statuses = models.rebuild("main")
        assert [status.error for status in statuses] == [None] * len(PROJECTIONS)
        assert {name: models.digest("main", name) for name in models.names()} == EXPECTED["digests"]
    finally:
        models.close()


def test_first_edition__opens_every_personal_value(opened: Opened) -> None:
    sealed = [(entry.stream, entry.version, f"/{name}", Personal(**value))
              for entry in opened.store.read("main")
              for name, value in _payload(entry.payload).items()
              if isinstance(value, dict) and value.keys() == {"p", "n", "c", "h"}]
    assert len(sealed) > 100
    keys = opened.ledger.keys
    assert all(keys.reveal(value, *where) for *where, value in sealed)


def _payload(raw: bytes) -> dict[str, Any]:
    return msgspec.json.decode(raw)  # type: ignore[no-any-return]


def test_first_edition__goes_on(opened: Opened) -> None:
    position = opened.ledger.head().position
    opened.ledger.handle(place("after the move", recipient="张三"), CONTEXT)
    assert opened.ledger.head().position == position + 1
    assert verify(opened.store, "main", expected=[Expectation.parse(EXPECTED["root"])]).ok
