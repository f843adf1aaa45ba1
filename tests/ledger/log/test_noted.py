"""Lines for --expect, kept in a file: durable, one a line, and known to be writable first."""

import os
import stat
from pathlib import Path

import pytest

from ledger.log.noted import CannotNote, Notes, NothingExpected, NotNoted, expectations
from ledger.log.verify import BadExpectation

LINES = [f"{number}:{number:064x}" for number in (1, 20, 300)]


def noted(path: Path, *lines: str) -> None:
    notes = Notes(path)
    for line in lines:
        notes.append(line)
    notes.close()


def test_notes__are_what_expect_reads(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    before = os.umask(0o077)
    try:
        noted(path, LINES[0])
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    noted(path, *LINES[1:])
    assert path.read_text() == "".join(f"{line}\n" for line in LINES)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as Notepad writes it
    assert expectations(f"@{path}") == [one for line in LINES for one in expectations(line)]


def test_notes__begin_a_line_after_one_that_was_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text(f"{LINES[0]}\n7:00")
    noted(path, LINES[1])
    assert path.read_text().splitlines() == [LINES[0], "7:00", LINES[1]]


def test_notes__leave_the_mode_of_a_file_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.touch(0o600)
    noted(path, LINES[0])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "none/kept", "pipe", "/dev/null"])
def test_notes__rejected_before_anything_is_done(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CannotNote, match="No line can be appended to"):
        Notes(tmp_path / name)


def test_notes__rejected_with_the_line_that_was_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, as far as a test has one: also where only a part of the line was taken."""
    def full(file: int, raw: bytes) -> int:
        raise OSError(28, "No space left on device")

    notes = Notes(tmp_path / "kept")
    for write in (full, lambda file, raw: 3):
        monkeypatch.setattr("ledger.log.noted.os.write", write)
        with pytest.raises(NotNoted, match=LINES[0]):
            notes.append(LINES[0])
    notes.close()


def test_expectations__rejected_of_a_pipe(tmp_path: Path) -> None:
    """Which would be waited for until somebody writes into it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadExpectation):
        expectations(f"@{tmp_path}/pipe")


@pytest.mark.parametrize(("text", "error", "said"), [
    ("", NothingExpected, "it is empty"), ("\n\n", NothingExpected, "it is empty"),
    ("7", BadExpectation, "'7' is not"), (f"{LINES[0]}\nx", BadExpectation, "'x' is not")])
def test_expectations__rejected_of_a_file_that_proves_nothing(
    tmp_path: Path, text: str, error: type[BadExpectation], said: str
) -> None:
    path = tmp_path / "kept"
    path.write_text(text)
    with pytest.raises(BadExpectation, match=said) as refused:
        expectations(f"@{path}")
    assert type(refused.value) is error
