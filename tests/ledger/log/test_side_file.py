"""The side file: what is kept opens for its import alone, for some days; nothing hangs on it."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.common.errors import LedgerError
from ledger.log.import_keys import key_of
from ledger.log.persons import Keys
from ledger.log.rotating import rotate
from ledger.log.side_file import DAY_US, FaultyRowsGone, SideFile, SideFileUnusable, side_file_at
from ledger.settings import Settings
from tests.support.logs import settings_in

OWN, OTHER = b"a" * 16, b"b" * 16
NOW = 1_700_000_000_000_000


def row(number: int) -> bytes:
    return f"{number} 某敏感收件人".encode()


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keys]:
    found = settings_in(tmp_path).open_keys()
    yield found
    found.close()


@pytest.fixture
def side_file(keys: Keys, tmp_path: Path) -> Iterator[SideFile]:
    found = side_file_at(tmp_path / "x.imports.db", keys, days=30)
    yield found
    found.close()


def kept(side_file: SideFile, ledger: bytes = OWN, name: str = "one", *, now: int = NOW
         ) -> list[bytes]:
    return list(side_file.open(ledger, name, now=now))


def test_rows__come_back_as_they_were_and_lie_nowhere_in_clear(
    side_file: SideFile, tmp_path: Path
) -> None:
    rows = [row(number) for number in range(2, 2_502)]
    side_file.keep(OWN, "one", rows, now=NOW)
    side_file.keep(OWN, "two", [row(9)], now=NOW)
    assert kept(side_file) == rows
    assert kept(side_file, name="two") == [row(9)]
    side_file.keep(OWN, "one", rows[:1], now=NOW)
    assert kept(side_file) == rows[:1]
    side_file.close()
    assert not [path for path in tmp_path.iterdir()
                if "某敏感收件人".encode() in path.read_bytes()]


def test_rows__are_of_their_ledger_and_import_alone(side_file: SideFile) -> None:
    """R-IMP-32: an import of which nothing is kept has none either."""
    side_file.keep(OWN, "one", [row(2)], now=NOW)
    for ledger, name in ((OTHER, "one"), (OWN, "two")):
        with pytest.raises(FaultyRowsGone):
            kept(side_file, ledger, name)


def test_rows__are_destroyed_after_their_days_with_their_key(
    side_file: SideFile, keys: Keys, tmp_path: Path
) -> None:
    """R-IMP-32: before somebody destroys them they are not shown either."""
    side_file.keep(OWN, "old", [row(2)], now=NOW)
    side_file.keep(OWN, "new", [row(3)], now=NOW + DAY_US)
    side_file.begin(OWN, b"r" * 16, "old", now=NOW)
    assert side_file.import_of(OWN, b"r" * 16) == "old"
    assert kept(side_file, name="old", now=NOW + 30 * DAY_US - 1)
    later = NOW + 30 * DAY_US
    with pytest.raises(FaultyRowsGone, match="30 days"):
        kept(side_file, name="old", now=later)
    assert key_of(keys, OWN, "old") is not None
    assert [side_file.forget_old(now=later), side_file.forget_old(now=later)] == [1, 0]
    assert key_of(keys, OWN, "old") is None
    assert side_file.import_of(OWN, b"r" * 16) is None
    assert kept(side_file, name="new", now=later) == [row(3)]
    side_file.close()
    with sqlite3.connect(tmp_path / "x.imports.db") as found:
        assert found.execute("SELECT DISTINCT import FROM faulty_rows").fetchall() == [("new",)]


def test_rows__open_after_the_master_key_was_changed(
    side_file: SideFile, keys: Keys, tmp_path: Path
) -> None:
    side_file.keep(OWN, "one", [row(2)], now=NOW)
    rotate(keys)
    assert kept(side_file) == [row(2)]
    again = settings_in(tmp_path).open_keys()
    assert key_of(again, OWN, "one") == key_of(keys, OWN, "one")
    again.close()


@pytest.mark.parametrize("change", [
    "UPDATE faulty_rows SET sealed = zeroblob(60) WHERE number = 1",
    "UPDATE faulty_rows SET sealed = x'00' WHERE number = 0",
    "DELETE FROM faulty_rows",
    "DELETE FROM faulty_rows WHERE number = 0",
    "DELETE FROM faulty_rows WHERE number = 1",
    "DELETE FROM faulty_rows WHERE number = 2",
    "DELETE FROM faulty_rows WHERE number >= 1",
    "DELETE FROM faulty_rows WHERE number = 1; UPDATE faulty_rows SET number = 1 WHERE number = 2",
    "UPDATE faulty_rows SET number = 7 WHERE number = 1",
    "UPDATE faulty_rows SET import = 'x' || number",
    "DROP TABLE faulty_rows",
])
def test_rows__rejected_when_they_were_changed(
    side_file: SideFile, tmp_path: Path, change: str
) -> None:
    """R-IMP-33"""
    side_file.keep(OWN, "one", [row(2), row(3)], now=NOW)
    side_file.close()
    with sqlite3.connect(tmp_path / "x.imports.db") as found:
        found.executescript(change)
    with pytest.raises(SideFileUnusable, match="move it away"):
        kept(side_file)


@pytest.mark.parametrize("damage", [b"no database at all", b"\0" * 8192])
def test_side_file__rejected_when_it_is_none(
    keys: Keys, tmp_path: Path, damage: bytes
) -> None:
    """R-IMP-33: whatever is asked of it; moved away, it is made again."""
    path = tmp_path / "x.imports.db"
    path.write_bytes(damage)
    side_file = side_file_at(path, keys, days=30)
    for ask in (lambda: kept(side_file), lambda: side_file.forget_old(now=NOW),
                lambda: side_file.begin(OWN, b"r" * 16, "one", now=NOW),
                lambda: side_file.keep(OWN, "one", [row(2)], now=NOW)):
        with pytest.raises(SideFileUnusable):
            ask()
    path.rename(tmp_path / "away")
    side_file.keep(OWN, "one", [row(2)], now=NOW)
    assert kept(side_file) == [row(2)]
    side_file.close()


def test_side_file__is_not_made_by_reading(side_file: SideFile, tmp_path: Path) -> None:
    with pytest.raises(FaultyRowsGone):
        kept(side_file)
    assert side_file.forget_old(now=NOW) == 0
    assert side_file.import_of(OWN, b"r" * 16) is None
    assert not (tmp_path / "x.imports.db").exists()


def test_side_file__begun_and_killed_is_cleared_when_it_is_old(
    side_file: SideFile, keys: Keys
) -> None:
    """A kill while rows are written leaves none, and a key that goes with time."""
    def killed() -> Iterator[bytes]:
        yield row(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_file.keep(OWN, "one", killed(), now=NOW)
    with pytest.raises(FaultyRowsGone):
        kept(side_file)
    assert side_file.forget_old(now=NOW + 31 * DAY_US) == 1
    assert key_of(keys, OWN, "one") is None


def test_side_file__lies_beside_the_ledger(tmp_path: Path) -> None:
    found = Settings.from_environment({"LEDGER_DATABASE_URL": f"sqlite:///{tmp_path}/shop.db"})
    assert (found.imports_file, found.faulty_rows_days) == (tmp_path / "shop.imports.db", 30)
    other = Settings.from_environment({
        "LEDGER_DATABASE_URL": "postgresql://app@127.0.0.1/x", "LEDGER_FAULTY_ROWS_DAYS": "7"})
    assert (other.imports_file, other.faulty_rows_days) == (Path("var/imports.db"), 7)
    assert Settings.from_environment({"LEDGER_DATABASE_URL": "memory:"}).imports_file is None
    with pytest.raises(LedgerError, match="LEDGER_FAULTY_ROWS_DAYS"):
        Settings.from_environment({"LEDGER_FAULTY_ROWS_DAYS": "0"})


def test_rows__that_are_kept_twice_at_once_are_whole(side_file: SideFile, tmp_path: Path) -> None:
    """Two people import the same file: what one sealed must not lie there with the key of the
    other."""
    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            both = [[b"%d %d" % (who, number) for number in range(1_500)] for who in (1, 2)]
            list(pool.map(lambda rows: side_file.keep(OWN, "one", rows, now=NOW), both))
            assert kept(side_file) in both
