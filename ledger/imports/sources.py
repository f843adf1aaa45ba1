"""From the bytes of a file to CSV records, in bounded memory; `workbooks` has those of .xlsx.

Records are numbered as a spreadsheet shows rows: the header is row 1, and a line break inside a
cell does not begin a new row.
"""

import codecs
import csv
import io
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple
from unicodedata import category

from ledger.imports.encodings import CODECS, HEAD, UTF_8, usable_encodings
from ledger.imports.faults import RowFault
from ledger.imports.packed import (
    UNREADABLE,
    WORKBOOK,
    Unreadable,
    holds_workbook,
    packing_of,
    unpacked,
)

CSV = "csv"

CHUNK = 1 << 20
LONGEST_ROW = 1 << 20
"""Characters in one row. In one cell, the csv module allows 131,072."""


UNSEEN = frozenset(("Cc", "Cf", "Zl", "Zp"))
"""The categories of characters that control how others are shown."""


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
    """A file, with what it is found to be by its bytes.

    Shapes: `kind` is csv or xlsx; `packed` is gz or zip where it has to be unpacked, else empty;
    `encoding` is that of a CSV file, xlsx for a workbook, and empty where none fits: `fault` says
    why. Units: `size` in bytes, 0 where it could not be read at all.
    """

    file: Path | Unnamed
    name: str
    size: int
    encoding: str
    fault: RowFault | None = None
    kind: str = CSV
    packed: str = ""


class Broken(NamedTuple):
    """A record that could not be split into cells, with the code and details of its fault."""

    code: str
    details: dict[str, Any]


def open_file(file: Path | Unnamed) -> io.BufferedReader:
    """A reader of the bytes of a file as it is."""
    return file.open("rb") if isinstance(file, Path) else file.open()


def name_of(file: Path | Unnamed) -> str:
    """The name of a file. What would move the cursor of a terminal, or turn the order in which a
    line is read, is � in it: who named a file is not always who reads of it."""
    name = file.name.encode(errors="replace").decode()
    return "".join("\ufffd" if category(one) in UNSEEN else one for one in name)


def named_apart(sources: Iterable[Source]) -> Iterator[Source]:
    """Sources by names of which each is another: the second one of a name is `NAME#2`."""
    taken = set[str]()
    for source in sources:
        name, number = source.name, 1
        while name in taken:
            number += 1
            name = f"{source.name}#{number}"
        taken.add(name)
        fault = source.fault and source.fault._replace(file=name)
        yield source._replace(name=name, fault=fault)


def identify(file: Path | Unnamed, encodings: tuple[str, ...]) -> Source:
    """Find what a file is, and the first encoding in which all of it decodes."""
    name = name_of(file)
    try:
        if not isinstance(file, Path) or stat.S_ISREG(file.stat().st_mode):
            with open_file(file) as content:
                return _identify(file, name, content, encodings)
        why = "it is a folder or a pipe"
    except OSError as error:
        why = error.strerror or str(error)
    return Source(file, name, 0, "", RowFault.of(name, 0, "not_a_file", why=why))


def _identify(
    file: Path | Unnamed, name: str, content: io.BufferedReader, encodings: tuple[str, ...]
) -> Source:
    size = content.seek(0, os.SEEK_END)
    try:
        packed = packing_of(content)
        if packed == WORKBOOK:
            return Source(file, name, size, WORKBOOK, kind=WORKBOOK)
        if packed and holds_workbook(content, packed):
            return Source(file, name, size, WORKBOOK, kind=WORKBOOK, packed=packed)
        source = Source(file, name, size, "", packed=packed)
        return _decoded(source, unpacked(content, packed), encodings)
    except Unreadable as found:
        fault = RowFault.of(name, 0, found.code, **found.details)
        return Source(file, name, size, "", fault, packed=UNREADABLE)


def _decoded(source: Source, content: IO[bytes], encodings: tuple[str, ...]) -> Source:
    """A source with the first encoding that fits, or the fault where none does."""
    content.seek(0)
    start = content.read(HEAD)
    usable, hint = usable_encodings(start, encodings)
    failed: dict[str, int] = {}
    for encoding in usable:
        content.seek(0)
        offset = _undecodable(content, CODECS[encoding])
        if offset is None:
            return source._replace(encoding=encoding)
        failed[encoding] = offset
    # The encoding that got furthest is the likeliest, so the fault is shown where it gave up.
    encoding = max(failed or {encodings[0]: 0}, key=lambda tried: failed.get(tried, 0))
    offset = failed.get(encoding, 0)
    row = _row_at(source, encoding, offset) if failed else 1
    return source._replace(fault=RowFault.of(
        source.name, row, "wrong_encoding", offset=offset, encoding=encoding.upper(), hint=hint,
        tried=", ".join(failed or encodings).upper()))


def _undecodable(file: IO[bytes], encoding: str) -> int | None:
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


def _row_at(source: Source, encoding: str, offset: int) -> int:
    """The number of the row that contains the byte at an offset."""
    with open_file(source.file) as file:
        content = unpacked(file, source.packed)
        text = io.TextIOWrapper(io.BufferedReader(_Until(content, offset)), CODECS[encoding],
                                "ignore", newline="")
        row = sum(1 for _ in records(text))
        content.seek(max(offset - 1, 0))
        begins = offset == 0 or content.read(1) in (b"\n", b"\r")
    return row + 1 if begins else row


class _Until(io.RawIOBase):
    """The first bytes of a file."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file = file
        self.size = self.left = size
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place."""
        at = self.file.seek(offset if whence == os.SEEK_SET else self.size - self.left + offset)
        self.left = self.size - at
        return at

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes."""
        found = self.file.read(min(len(buffer), self.left))
        buffer[: len(found)] = found
        self.left -= len(found)
        return len(found)


def open_text(source: Source) -> tuple[io.TextIOWrapper, Callable[[], int]]:
    """A CSV source as text, and a function that returns how many of its bytes have been read.

    A file that fits no encoding is read as Latin-1, which decodes anything: its rows can still be
    counted.
    """
    file = open_file(source.file)
    codec = CODECS[source.encoding] if source.encoding else "latin-1"
    codec = "utf-8-sig" if codec == UTF_8 else codec
    return io.TextIOWrapper(unpacked(file, source.packed), codec, newline=""), file.tell


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


def records(text: io.TextIOBase, delimiter: str = ",") -> Iterator[list[str] | Broken]:
    """The records of a CSV text in order, the header first; a blank line is an empty list. A first
    line such as `sep=;` says what separates cells, and is not a record."""
    separator = _separator(text.readline(LONGEST_SEPARATOR))
    if not separator:
        text.seek(0)
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True, delimiter=separator or delimiter)
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


LONGEST_SEPARATOR = 12


def _separator(line: str) -> str:
    """What a first line says that cells are separated by; empty if it is not such a line."""
    found = re.fullmatch('\ufeff?("?)sep=([,;|\t])\\1\r?\n?', line, re.IGNORECASE)
    return found[2] if found else ""
