"""What a file is by its first bytes, and reading what is packed in it, never without bounds."""

import gzip
import io
import os
from typing import IO, Any, cast
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError

GZ, ZIP, WORKBOOK, UNREADABLE = "gz", "zip", "xlsx", "unreadable"

MOST_TIMES = 250
"""How many times its size a file may become when it is unpacked. Tables become ten or fifty."""

ALWAYS = 64 << 20
"""Bytes that every file may become."""

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
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _kind_of_zip(content)
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
    content.seek(0)
    before = b""
    while piece := content.read(1 << 20):
        if wanted in before + piece:
            return True
        before = piece[-len(wanted):]
    return False


def _kind_of_zip(content: IO[bytes]) -> str:
    size = content.seek(0, os.SEEK_END)
    try:
        with ZipFile(content) as parts:
            names = parts.namelist()
            if "xl/workbook.xml" in names:
                _bounded([info for info in parts.infolist() if info.filename.startswith("xl/")],
                         size)
                return WORKBOOK
            if "xl/workbook.bin" in names or names[:1] == ["mimetype"]:
                raise Unreadable("other_workbook")
            _bounded([_only(parts)], size)
            return ZIP
    except (BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable("bad_archive", why=str(error)) from None


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


def unpacked(file: io.BufferedReader, packed: str) -> io.BufferedReader:
    """The bytes in a file that is packed so, from the start; closing it closes the file. Reading
    raises Unreadable where they end early, are damaged, or become too many."""
    if packed not in (GZ, ZIP):
        file.seek(0)
        return file
    return io.BufferedReader(_Inner(file, packed), 1 << 17)


class _Inner(io.RawIOBase):
    """The one file in another."""

    def __init__(self, file: io.BufferedReader, packed: str) -> None:
        self.file = file
        self.most = most_bytes(file.seek(0, os.SEEK_END))
        file.seek(0)
        self.content: IO[bytes]
        if packed == GZ:
            self.content = cast(IO[bytes], gzip.GzipFile(fileobj=file))
        else:
            parts = ZipFile(file)
            self.content = parts.open(_only(parts))
        self.at = 0
        self._look()

    def _look(self) -> None:
        """Refuse what is an archive or no text again. Errors: Unreadable."""
        buffer = bytearray(1024)
        start = bytes(buffer[:self.readinto(buffer)])
        if start.startswith((b"PK\x03\x04", b"\x1f\x8b", _OLE2, b"%PDF", b"7z\xbc\xaf")):
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
        """Close both."""
        if not self.closed:
            self.content.close()
            self.file.close()
        super().close()
