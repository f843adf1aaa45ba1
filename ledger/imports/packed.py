"""What a file is by its first bytes, and reading what is packed in it, never without bounds."""

import gzip
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError

GZ, ZIP, WORKBOOK, UNREADABLE = "gz", "zip", "xlsx", "unreadable"

MOST_TIMES = 250
"""How many times its size a file may become when it is unpacked. Tables become ten or fifty."""

ALWAYS = 64 << 20
"""Bytes that every file may become."""

IN_MEMORY = 4 << 20
"""Bytes of a workbook that are unpacked in memory; more lie in a file meanwhile."""

MOST_PARTS = 10_000
"""Parts of an archive: whoever opens it holds the names of all in memory."""

_PK, _BOOK = b"PK\x03\x04", "xl/workbook.xml"
_PART = b"PK\x01\x02"
"""What each part begins with in the list of an archive's parts."""
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PAGES = (b"<!doctype html", b"<html", b"<table", b"<meta", b"<head")
_LITTER = ("__MACOSX/", ".DS_Store")
"""What macOS adds to archives."""


class Unreadable(Exception):
    """A file that holds no table that can be read here. The code is one of `faults.REASONS`."""

    def __init__(self, code: str, **details: Any) -> None:
        self.code = code
        self.details = details
        super().__init__(code)


def packing_of(content: io.BufferedReader) -> str:
    """How a file is packed: gz, zip (of one file), xlsx, or not at all. Errors: Unreadable."""
    content.seek(0)
    start = content.read(1024)
    if start.startswith(b"\x1f\x8b"):
        return GZ
    if start.startswith((_PK, b"PK\x05\x06")):
        return _kind_of_zip(content, content.seek(0, os.SEEK_END))
    _refuse(start, content)
    return ""


def _refuse(start: bytes, content: IO[bytes]) -> None:
    """Refuse what is known not to be a table as text. Errors: Unreadable."""
    if start.startswith(_OLE2):
        raise Unreadable("locked_workbook" if _is_in(content, _ENCRYPTED) else "old_workbook")
    if start.startswith(b"%PDF"):
        raise Unreadable("not_table", what="PDF")
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES):
        raise Unreadable("not_table", what="HTML")


def _is_in(content: IO[bytes], wanted: bytes) -> bool:
    return _times_in(content, wanted, most=0) > 0


def _times_in(content: IO[bytes], wanted: bytes, *, most: int) -> int:
    """How many times some bytes, which never overlap, are in others: counted until there are more
    than that."""
    content.seek(0)
    before, times = b"", 0
    while times <= most and (piece := content.read(1 << 20)):
        times += (before + piece).count(wanted)
        before = piece[1 - len(wanted):]
    return times


def _kind_of_zip(content: IO[bytes], size: int) -> str:
    """What an archive is, in a file of a size. Errors: Unreadable."""
    try:
        with _opened(content) as parts:
            names = parts.namelist()
            if _BOOK in names:
                _bounded([info for info in parts.infolist() if info.filename.startswith("xl/")],
                         size)
                return WORKBOOK
            if "xl/workbook.bin" in names or names[:1] == ["mimetype"]:
                raise Unreadable("other_workbook")
            _bounded([_only(parts)], size)
            return ZIP
    except (BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable("bad_archive", why=str(error)) from None


def _opened(content: IO[bytes]) -> ZipFile:
    """An archive. Errors: Unreadable where it has far too many parts; those of ZipFile."""
    if (found := _times_in(content, _PART, most=MOST_PARTS)) > MOST_PARTS:
        raise Unreadable("many_in_archive", found=found)
    return ZipFile(content)


def _only(parts: ZipFile) -> ZipInfo:
    """The one file in an archive. Errors: Unreadable."""
    found = [info for info in parts.infolist()
             if not info.is_dir() and not info.filename.startswith(_LITTER[0])
             and not info.filename.endswith(_LITTER[1])]
    if len(found) != 1:
        raise Unreadable("many_in_archive", found=len(found))
    return found[0]


def _bounded(infos: list[ZipInfo], size: int) -> None:
    """Refuse what has a password or becomes far too large. Errors: Unreadable."""
    if any(info.flag_bits & 1 for info in infos):
        raise Unreadable("locked_archive")
    if sum(info.file_size for info in infos) > most_bytes(size):
        raise Unreadable("grows_too_far", times=MOST_TIMES)


def most_bytes(size: int) -> int:
    """What a file of a size may become."""
    return max(ALWAYS, MOST_TIMES * size)


def holds_workbook(file: io.BufferedReader, packed: str) -> bool:
    """Whether the one file in another is a workbook. Errors: Unreadable."""
    size = file.seek(0, os.SEEK_END)
    inner = _Inner(file, packed)
    if inner.read(4) != _PK:
        return False
    with workbook_in(file, packed) as book:
        try:
            with _opened(book) as parts:
                if _BOOK not in parts.namelist():
                    return False
        except (BadZipFile, ValueError, OSError, NotImplementedError):
            return False
        return _kind_of_zip(book, size) == WORKBOOK


@contextmanager
def workbook_in(file: io.BufferedReader, packed: str) -> Iterator[IO[bytes]]:
    """A workbook, all parts of which can be reached: one that is packed is unpacked into a file
    that has no name and is gone once it is closed. Errors: Unreadable."""
    if packed not in (GZ, ZIP):
        yield file
        return
    with SpooledTemporaryFile(IN_MEMORY) as book:
        shutil.copyfileobj(io.BufferedReader(_Inner(file, packed), 1 << 17), book)
        book.seek(0)
        yield cast(IO[bytes], book)


def unpacked(file: io.BufferedReader, packed: str) -> io.BufferedReader:
    """The bytes in a file that is packed so, from the start; closing it closes the file. Reading
    raises Unreadable where they end early, are damaged, or become too many."""
    if packed not in (GZ, ZIP):
        file.seek(0)
        return file
    inner = _Inner(file, packed, own=True)
    inner.must_be_text()
    return io.BufferedReader(inner, 1 << 17)


class _Inner(io.RawIOBase):
    """The one file in another, which is its `own` if it closes with it."""

    def __init__(self, file: io.BufferedReader, packed: str, *, own: bool = False) -> None:
        self.file, self.own = file, own
        self.most = most_bytes(file.seek(0, os.SEEK_END))
        file.seek(0)
        self.content: IO[bytes]
        if packed == GZ:
            self.content = cast(IO[bytes], gzip.GzipFile(fileobj=file))
        else:
            parts = ZipFile(file)
            self.content = parts.open(_only(parts))
        self.at = 0

    def must_be_text(self) -> None:
        """Refuse what is an archive or no text again. Errors: Unreadable."""
        buffer = bytearray(1024)
        start = bytes(buffer[:self.readinto(buffer)])
        if start.startswith((_PK, b"\x1f\x8b", _OLE2, b"%PDF", b"7z\xbc\xaf")):
            raise Unreadable("nested_archive")
        _refuse(start, io.BytesIO(start))
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place; to one before this, from the start."""
        try:
            self.at = self.content.seek(offset, whence)
        except (BadZipFile, EOFError, OSError, ZlibError) as error:
            raise Unreadable("bad_archive", why=str(error)) from None
        return self.at

    def readinto(self, buffer: Any, /) -> int:
        """The next bytes. Errors: Unreadable."""
        try:
            found = self.content.read(len(buffer))
        except (BadZipFile, EOFError, OSError, ZlibError, NotImplementedError) as error:
            raise Unreadable("bad_archive", why=str(error)) from None
        self.at += len(found)
        if self.at > self.most:
            raise Unreadable("grows_too_far", times=MOST_TIMES)
        buffer[:len(found)] = found
        return len(found)

    def close(self) -> None:
        """Close it, and what it is in if that is its own."""
        if not self.closed:
            self.content.close()
            if self.own:
                self.file.close()
        super().close()
