"""From the bytes of a file to CSV records, in bounded memory.

Records are numbered as a spreadsheet shows rows: the header is row 1, and a line break inside a
cell does not begin a new row.
"""

import codecs
import csv
import io
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple

from ledger.imports.faults import RowFault

CHUNK = 1 << 20
LONGEST_ROW = 1 << 20
"""Characters in one row. In one cell, the csv module allows 131,072."""


class Unnamed:
    """A copy of a file that has no name in any folder: nobody else can open it, and nothing of it
    is left when the process ends, however it does. `name` is what its faults call it, and `digest`
    is its SHA-256.
    """

    def __init__(self, name: str, content: IO[bytes], folder: Path) -> None:
        self.name = name
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        digest = sha256()
        try:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
                self._file.write(chunk)
            self._file.flush()
        except BaseException:
            self.close()
            raise
        self.digest = digest.digest()

    def open(self) -> io.BufferedReader:
        """A reader of its own, from the start."""
        return io.BufferedReader(_Reread(self._file.fileno()))

    def close(self) -> None:
        """Let go of it; it is then gone."""
        self._file.close()


class _Reread(io.RawIOBase):
    """Reads an open file from a place of its own; closing it leaves the file open."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place."""
        end = os.fstat(self.descriptor).st_size
        self.at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: end}[whence]
        return self.at

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes."""
        found = os.pread(self.descriptor, len(buffer), self.at)
        buffer[: len(found)] = found
        self.at += len(found)
        return len(found)


class Source(NamedTuple):
    """A file with its encoding known.

    Units: `size` in bytes, 0 where it could not be read at all. `encoding` is empty where none
    fits; `fault` says why.
    """

    file: Path | Unnamed
    name: str
    size: int
    encoding: str
    fault: RowFault | None = None


class Broken(NamedTuple):
    """A record that could not be split into cells, with the code and details of its fault."""

    code: str
    details: dict[str, Any]


def _opened(file: Path | Unnamed) -> io.BufferedReader:
    return file.open("rb") if isinstance(file, Path) else file.open()


def identify(file: Path | Unnamed, encodings: tuple[str, ...]) -> Source:
    """Find the first encoding in which all of a file decodes."""
    name = file.name.encode(errors="replace").decode()
    try:
        if not isinstance(file, Path) or stat.S_ISREG(file.stat().st_mode):
            with _opened(file) as content:
                return _identify(file, name, content, encodings)
        why = "it is a folder or a pipe"
    except OSError as error:
        why = error.strerror or str(error)
    return Source(file, name, 0, "", RowFault.of(name, 0, "not_a_file", why=why))


def _identify(
    file: Path | Unnamed, name: str, content: io.BufferedReader, encodings: tuple[str, ...]
) -> Source:
    start, size = content.read(4), content.seek(0, os.SEEK_END)
    if start.startswith(codecs.BOM_UTF8):
        encodings = ("utf-8",)
    failed: dict[str, int] = {}
    for encoding in encodings:
        content.seek(0)
        offset = _undecodable(content, encoding)
        if offset is None:
            return Source(file, name, size, encoding)
        failed[encoding] = offset
    # The encoding that got furthest is the likeliest, so the fault is shown where it gave up.
    encoding = max(failed, key=lambda tried: failed[tried])
    hint = ""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start:
        hint = " (the file looks like UTF-16: save it as CSV UTF-8)"
    row = _row_at(file, encoding, failed[encoding])
    fault = RowFault.of(name, row, "wrong_encoding", offset=failed[encoding],
                        encoding=encoding.upper(), hint=hint, tried=", ".join(failed).upper())
    return Source(file, name, size, "", fault)


def _undecodable(file: io.BufferedReader, encoding: str) -> int | None:
    """The offset of the first byte that does not decode, None if all do."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    base = 0
    while True:
        chunk = file.read(CHUNK)
        pending = decoder.getstate()[0]
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            return base - len(pending) + error.start
        if not chunk:
            return None
        base += len(chunk)


def _row_at(file: Path | Unnamed, encoding: str, offset: int) -> int:
    """The number of the row that contains the byte at an offset."""
    with _opened(file) as content:
        text = io.TextIOWrapper(io.BufferedReader(_Until(content, offset)), encoding, "ignore",
                                newline="")
        row = sum(1 for _ in records(text))
    with _opened(file) as content:
        content.seek(max(offset - 1, 0))
        begins = offset == 0 or content.read(1) in (b"\n", b"\r")
    return row + 1 if begins else row


class _Until(io.RawIOBase):
    """The first bytes of a file."""

    def __init__(self, file: io.BufferedReader, size: int) -> None:
        self.file = file
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes."""
        found = self.file.read(min(len(buffer), self.left))
        buffer[: len(found)] = found
        self.left -= len(found)
        return len(found)


def open_text(source: Source) -> tuple[io.TextIOWrapper, Callable[[], int]]:
    """A source as text, and a function that returns how many of its bytes have been read.

    A file that fits no encoding is read as Latin-1, which decodes anything: its rows can still be
    counted.
    """
    file = _opened(source.file)
    encoding = "utf-8-sig" if source.encoding == "utf-8" else source.encoding or "latin-1"
    return io.TextIOWrapper(file, encoding, newline=""), file.tell


class _Lines:
    """The lines of a text. A row, of one or more lines, must not exceed `LONGEST_ROW`.

    The limit is checked here because the csv module would gather an endless row in memory first.
    """

    def __init__(self, text: io.TextIOBase) -> None:
        self.text = text
        self.characters = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.text.readline(LONGEST_ROW)
        if not line:
            raise StopIteration
        self.characters += len(line)
        if self.characters >= LONGEST_ROW:
            while line and line[-1] not in "\r\n":
                line = self.text.readline(LONGEST_ROW)
            raise csv.Error("row too long")
        return line


def records(text: io.TextIOBase) -> Iterator[list[str] | Broken]:
    """The records of a CSV text in order, the header first; a blank line is an empty list."""
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True)
    while True:
        lines.characters = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.characters >= LONGEST_ROW or "field limit" in str(error):
                yield Broken("row_too_long", {})
            else:
                yield Broken("bad_quotes", {"why": str(error)})
            continue
        yield cells
