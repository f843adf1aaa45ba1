"""Faulty rows as the side file keeps them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.imports import faulty_rows
from ledger.imports.faults import RowFault
from ledger.imports.faulty_rows import (
    MOST_ROWS,
    Columns,
    FaultyRow,
    keep,
    kept,
    kept_warnings,
)
from ledger.log.side_file import SideFile, SideFileUnusable, side_file_at
from tests.support.logs import settings_in

OWN = (b"a" * 16, "one")
COLUMNS = {"a.csv": Columns(["number", "name"], [1])}


def row(number: int) -> FaultyRow:
    return FaultyRow("a.csv", number, [str(number), "x"], [
        RowFault.of("a.csv", number, "empty", column="number")])


@pytest.fixture
def side_file(tmp_path: Path) -> Iterator[SideFile]:
    keys = settings_in(tmp_path).open_keys()
    found = side_file_at(None, keys, days=30)
    yield found
    found.close()
    keys.close()


def test_rows__come_back_as_they_were(side_file: SideFile) -> None:
    rows = [row(number) for number in range(2, 1_502)]
    keep(side_file, OWN, COLUMNS, rows, now=1)
    found = kept(side_file, *OWN, now=2)
    assert (found.columns, list(found.rows)) == (COLUMNS, rows)


def test_rows__beyond_the_most_are_named(side_file: SideFile) -> None:
    keep(side_file, OWN, COLUMNS, map(row, range(2, MOST_ROWS + 3)), now=1)
    *rows, last = kept(side_file, *OWN, now=2).rows
    assert [one.row for one in rows] == list(range(2, MOST_ROWS + 2))
    assert [fault.code for fault in last.faults] == ["rows_beyond"]


def test_rows__beyond_the_most_bytes_are_named(
    side_file: SideFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for them has them all in one answer."""
    monkeypatch.setattr(faulty_rows, "MOST_BYTES", 1_000)
    keep(side_file, OWN, COLUMNS, map(row, range(2, 100)), now=1)
    *rows, last = kept(side_file, *OWN, now=2).rows
    assert rows == [row(number) for number in range(2, len(rows) + 2)]
    assert 2 < len(rows) < 30
    assert [fault.reason for fault in last.faults] == [
        f"of all rows with faults the first {len(rows)} are kept here"]


def test_warnings__are_kept_beside_rows_and_beyond_the_most_are_named(side_file: SideFile) -> None:
    """However many there are of either, they take no room from one another."""
    warned = [RowFault.of("a.csv", number, "full_width", column="number", value="１", read="1")
              for number in range(2, MOST_ROWS + 5)]
    for rows in ([], [row(2), row(3)], list(map(row, range(2, MOST_ROWS + 5)))):
        for warnings in ([], warned[:3], warned):
            keep(side_file, OWN, COLUMNS, rows, now=1, warnings=iter(warnings))
            assert list(kept(side_file, *OWN, now=2).rows)[:MOST_ROWS] == rows[:MOST_ROWS]
            *found, last = [*kept_warnings(side_file, *OWN, now=2), None]
            assert found[:MOST_ROWS] == warnings[:MOST_ROWS]
            assert [one.code for one in found[MOST_ROWS:]] == (
                ["warnings_beyond"] if warnings is warned else [])
            assert last is None


def test_rows__rejected_when_they_are_of_another_kind(side_file: SideFile) -> None:
    """R-IMP-33: as a later version may have written them."""
    side_file.keep(*OWN, [b"?"], now=1)
    with pytest.raises(SideFileUnusable):
        kept(side_file, *OWN, now=2)
