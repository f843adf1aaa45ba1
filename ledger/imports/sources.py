"""From the bytes of a file to CSV records, in bounded memory.

Records are numbered as a spreadsheet shows rows: the header is row 1, and a line break inside a
cell does not begin a new row.
"""

import codecs
import csv
import io
import stat
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ledger.imports.faults import RowFault

CHUNK = 1 << 20
LONGEST_ROW = 1 << 20
"""Characters in one row. In one cell, the csv module allows 131,072."""


class Source(NamedTuple):
    """A file, hashed and with its encoding known.

    Units: `size` in bytes. `encoding` is empty where none fits, `digest` where the file could not
    be read at all; `fault` says why. The digest, a plain SHA-256, is kept nowhere.
    """

    path: Path
    name: str
    digest: bytes
    size: int
    encoding: str
    fault: RowFault | None = None


class Broken(NamedTuple):
    """A record that could not be split into cells, with the code and details of its fault."""

    code: str
    details: dict[str, Any]


def identify(path: Path, encodings: tuple[str, ...]) -> Source:
    """Hash a file and find the first encoding in which all of it decodes."""
    name = path.name.encode(errors="replace").decode()
    try:
        if stat.S_ISREG(path.stat().st_mode):
            with path.open("rb") as file:
                return _identify(path, name, file, encodings)
        why = "it is a folder or a pipe"
    except OSError as error:
        why = error.strerror or str(error)
    return Source(path, name, b"", 0, "", RowFault.of(name, 0, "not_a_file", why=why))


def _identify(
    path: Path, name: str, file: io.BufferedReader, encodings: tuple[str, ...]
) -> Source:
    digest, size, start = sha256(), 0, b""
    while chunk := file.read(CHUNK):
        start = start or chunk[:4]
        digest.update(chunk)
        size += len(chunk)
    if start.startswith(codecs.BOM_UTF8):
        encodings = ("utf-8",)
    failed: dict[str, int] = {}
    for encoding in encodings:
        file.seek(0)
        offset = _undecodable(file, encoding)
        if offset is None:
            return Source(path, name, digest.digest(), size, encoding)
        failed[encoding] = offset
    # The encoding that got furthest is the likeliest, so the fault is shown where it gave up.
    encoding = max(failed, key=lambda tried: failed[tried])
    hint = ""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start:
        hint = " (the file looks like UTF-16: save it as CSV UTF-8)"
    row = _row_at(path, encoding, failed[encoding])
    fault = RowFault.of(name, row, "wrong_encoding", offset=failed[encoding],
                        encoding=encoding.upper(), hint=hint, tried=", ".join(failed).upper())
    return Source(path, name, digest.digest(), size, "", fault)


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


def _row_at(path: Path, encoding: str, offset: int) -> int:
    """The number of the row that contains the byte at an offset."""
    with path.open("rb") as file:
        text = io.TextIOWrapper(io.BufferedReader(_Until(file, offset)), encoding, "ignore",
                                newline="")
        row = sum(1 for _ in records(text))
    with path.open("rb") as file:
        file.seek(max(offset - 1, 0))
        begins = offset == 0 or file.read(1) in (b"\n", b"\r")
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
    file = source.path.open("rb")
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
