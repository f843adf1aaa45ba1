"""Read databases that are thrown away: they are whole while they are there, and leave nothing."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from projections.store.databases import in_a_file

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
