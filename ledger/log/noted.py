"""Lines POSITION:ROOT in a file of the shop's choice: they prove later that nothing was changed."""

import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from ledger.common.errors import Misconfigured
from ledger.log.verify import BadExpectation, Expectation

MODE = 0o644
"""A new file can be read by everybody: a root says nothing of what was recorded."""


_torn = re.compile(r"[0-9]{1,16}(:[0-9A-Fa-f]{0,63})?").fullmatch
"""A proper beginning of a line POSITION:ROOT."""


class CannotNote(Misconfigured):
    """No line can be appended to {path}: {why}. Nothing was begun. Name a file in a folder that is
    there and may be written."""

    code = "cannot_note"
    rule = "R-VFY-03"


class NotNoted(Misconfigured):
    """The line {line} could not be appended to {path}: {why}. All else is done: keep this line
    elsewhere."""

    code = "not_noted"
    rule = "R-VFY-04"


class NothingExpected(BadExpectation):
    """{path} holds no line POSITION:ROOT: it is empty, and proves nothing."""

    code = "nothing_expected"
    rule = "R-VFY-05"


class BadLine(BadExpectation):
    """Line {line} of {path} is {text!r}, not POSITION:ROOT with 64 hexadecimal digits, nor the
    beginning of such a line that was interrupted and followed by a whole one for a position that is
    not smaller. Nothing was checked. See what became of the file, and mend or remove the line."""

    code = "bad_line"
    rule = "R-VFY-06"


class Torn(NamedTuple):
    """The number of a line that was interrupted while it was written, and what there is of it."""

    line: int
    text: str


class Notes:
    """A file to append lines to, open from the beginning, so that one that cannot be written is
    known before anything is done."""

    def __init__(self, path: Path) -> None:
        """Errors: CannotNote (R-VFY-03)."""
        self.path = path
        try:
            self._file = self._open()
        except OSError as error:
            raise CannotNote(path=path, why=error.strerror or error) from error
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            self.close()
            raise CannotNote(path=path, why="it is not a file")

    def _open(self) -> int:
        how = os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            return os.open(self.path, how)
        except FileNotFoundError:
            made = os.open(self.path, how | os.O_CREAT, MODE)
        os.fchmod(made, MODE)  # whatever the umask takes away
        return made

    def append(self, line: str) -> None:
        """Append a line, in one write, and wait until it is on disk. Errors: NotNoted (R-VFY-04).
        """
        try:
            raw = (b"" if self._at_new_line() else b"\n") + line.encode() + b"\n"
            written = os.write(self._file, raw)
            os.fsync(self._file)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise NotNoted(line=line, path=self.path, why=error.strerror or error) from error
        if written != len(raw):
            raise NotNoted(line=line, path=self.path, why=f"only {written} bytes of it were taken")

    def _at_new_line(self) -> bool:
        """Whether what is there ends a line: another program may have been interrupted."""
        size = os.fstat(self._file).st_size
        return size == 0 or os.pread(self._file, 1, size - 1) == b"\n"

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def expectations(text: str) -> tuple[list[Expectation], list[Torn]]:
    """What --expect names: a line POSITION:ROOT, or with @FILE all lines of a file, and which of
    them are torn. A torn line proves nothing by itself; the whole one that follows it, for a
    position that is not smaller, proves all that it did.

    Errors: BadExpectation (R-VFY-01), BadLine (R-VFY-06); NothingExpected (R-VFY-05) for a file
    without a line.
    """
    if not text.startswith("@"):
        return [Expectation.parse(text)], []
    path = Path(text[1:])
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise BadExpectation(text=text)
    found: list[Expectation] = []
    torn: list[Torn] = []
    begun: list[Torn] = []
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        if not (line := line.strip()):
            continue
        if _torn(line):
            begun.append(Torn(number, line))
            continue
        try:
            whole = Expectation.parse(line)
        except BadExpectation:
            raise BadLine(line=number, path=path, text=line[:100]) from None
        if any(int(one.text.partition(":")[0]) > whole.position for one in begun):
            break
        found.append(whole)
        torn, begun = torn + begun, []
    for one in begun:  # no line that follows vouches for it
        raise BadLine(line=one.line, path=path, text=one.text)
    if not found:
        raise NothingExpected(path=path)
    return found, torn
