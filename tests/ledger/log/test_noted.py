"""Lines for --expect, kept in a file: durable, one a line, and known to be writable first."""

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.log.noted import (
    BadLine,
    CannotNote,
    Notes,
    NothingExpected,
    NotNoted,
    Torn,
    expectations,
)
from ledger.log.verify import BadExpectation, Expectation

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
    assert expectations(f"@{path}") == ([Expectation.parse(line) for line in LINES], [])


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
    ("7", BadLine, "Line 1 of .*/kept is '7', not"),
    (f"{LINES[0]}\n\nx", BadLine, "Line 3 of .*/kept is 'x', not")])
def test_expectations__rejected_of_a_file_that_proves_nothing(
    tmp_path: Path, text: str, error: type[BadExpectation], said: str
) -> None:
    path = tmp_path / "kept"
    path.write_text(text)
    with pytest.raises(BadExpectation, match=said) as refused:
        expectations(f"@{path}")
    assert type(refused.value) is error


@given(st.lists(st.tuples(st.integers(0, 999), st.booleans()), min_size=1, max_size=5), st.data())
def test_expectations__of_a_file_in_which_a_line_was_interrupted(
    lines: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """R-VFY-06: each line is checked, or named and covered by the next whole one, or all is
    refused by file and number."""
    kept = [f"{position}:{position:064x}" for position, _ in lines]
    for at, (_, whole) in enumerate(lines):
        if not whole:
            kept[at] = kept[at][: data.draw(st.integers(1, len(kept[at]) - 1))]
    torn_at = [number for number, (_, whole) in enumerate(lines, 1) if not whole]
    uncovered = [number for number in torn_at if int(kept[number - 1].split(":")[0]) > next(
        (position for position, whole in lines[number:] if whole), -1)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "kept"
        path.write_text("\n".join(kept))
        if uncovered:
            with pytest.raises(BadLine) as refused:
                expectations(f"@{path}")
            said = refused.value.details
            assert (said["path"], kept[said["line"] - 1]) == (path, said["text"])
            assert not lines[said["line"] - 1][1]
        else:
            found, torn = expectations(f"@{path}")
            assert [one.position for one in found] == [at for at, whole in lines if whole]
            assert torn == [Torn(number, kept[number - 1]) for number in torn_at]
