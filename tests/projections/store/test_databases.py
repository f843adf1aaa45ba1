"""Read databases that are thrown away: they are whole while they are there, and leave nothing."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from projections.catalogue import PROJECTIONS
from projections.store.databases import FilePlace, Generation, in_a_file, in_memory
from projections.store.folding import tables_of

HOLDING = """
from projections.store.databases import in_a_file
with in_a_file([]) as generation:
    with generation.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE big (id INTEGER PRIMARY KEY, text TEXT)")
    for text in "ab":
        with generation.writing() as connection:
            for number in range(20_000):
                connection.exec_driver_sql(
                    "REPLACE INTO big VALUES (?, ?)", (number, text * 200))
    print("there", flush=True)
    input()
"""


def test_file__has_room_for_what_no_memory_holds_and_is_undone_by_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def change(text: str) -> None:
        with generation.writing() as connection:
            for number in range(20_000):
                connection.exec_driver_sql(
                    "REPLACE INTO big VALUES (?, ?)", (number, text * 2_000))
            if text == "c":
                raise KeyError

    with in_a_file([]) as generation:
        with generation.writing() as connection:
            connection.exec_driver_sql("CREATE TABLE big (id INTEGER PRIMARY KEY, text TEXT)")
        change("a")
        change("b")
        with pytest.raises(KeyError):
            change("c")
        with generation.reading() as connection:
            assert connection.exec_driver_sql(
                "SELECT COUNT(*), MIN(text), MAX(text) FROM big").one() == (
                    20_000, "b" * 2_000, "b" * 2_000)
        assert list(tmp_path.iterdir()) == []


def test_file__leaves_nothing_however_its_process_ends(tmp_path: Path) -> None:
    """Whoever runs out of memory is killed, and nobody clears up after it."""
    with subprocess.Popen(
            [sys.executable, "-c", HOLDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        process.kill()
    assert list(tmp_path.iterdir()) == []


def _schema(generation: Generation) -> dict[str, str]:
    """What a read database is made of: tables and indexes, by their names."""
    with generation.reading() as connection:
        found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql <> ''")
        return {name: " ".join(sql.split()) for name, sql in found}


def test_tables__that_are_thrown_away_are_those_that_are_kept(tmp_path: Path) -> None:
    kept = _schema(FilePlace(tmp_path / "log.db").create())
    assert len(kept) > 20
    with in_a_file() as thrown_away:
        assert _schema(thrown_away) == kept
    assert _schema(in_memory()) == kept
    named: set[str] = set()
    for projection in PROJECTIONS:
        some = _schema(in_memory(tables=tables_of(projection)))
        assert {name: kept[name] for name in some} == some
        named.update(some)
    assert named == set(kept)
