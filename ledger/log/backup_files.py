"""The files of backups: gzipped lines of JSON objects, each file whole or not there."""

import gzip
import json
import os
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger.common.errors import Misconfigured
from ledger.log.sections import BadBackup, KeysBackup, LogBackup

LOG_FORMAT = "order-ledger/backup-log/v2"
KEYS_FORMAT = "order-ledger/backup-keys/v2"


class FileExists(Misconfigured):
    """{path} exists. Give the backup a new name; an old one is never overwritten."""

    code = "file_exists"
    rule = "R-BAK-03"


@contextmanager
def new_file(path: Path) -> Iterator[gzip.GzipFile]:
    """A gzip file that appears under its name only when it is whole and on disk.

    Until then it has a name of its own: two that are made at once do not write into one file, and
    the one that is done first has the name.
    """
    if path.exists():
        raise FileExists(path=path)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}.partial")
    raw = partial.open("xb")
    try:
        with raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, mtime=0) as file:
                yield file
            raw.flush()
            os.fsync(raw.fileno())
        os.link(partial, path)
    except FileExistsError:
        raise FileExists(path=path) from None
    finally:
        partial.unlink(missing_ok=True)


def line_of(value: dict[str, Any]) -> bytes:
    """A line of a backup."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def lines_of(path: Path, expected: str) -> Iterator[dict[str, Any]]:
    """The lines of a backup, all objects; at their end the file is known to be whole."""
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise BadBackup(path=path, why="it is not a regular file")
        with gzip.open(path, "rb") as file:
            for number, raw in enumerate(file):
                line = json.loads(raw)
                if not isinstance(line, dict):
                    raise BadBackup(path=path, why=f"line {number + 1} is not a JSON object")
                if number == 0:
                    _must_be(path, line.get("format"), expected)
                yield line
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        why = ("it is not compressed by gzip" if isinstance(error, gzip.BadGzipFile) else
               getattr(error, "strerror", None) or str(error))
        raise BadBackup(path=path, why=why) from error


def _must_be(path: Path, found: object, expected: str) -> None:
    """Errors: KeysBackup (R-BAK-06), LogBackup (R-BAK-07), BadBackup (R-BAK-01)."""
    if found == expected:
        return
    if found == KEYS_FORMAT:
        raise KeysBackup(path=path)
    if found == LOG_FORMAT:
        raise LogBackup(path=path)
    raise BadBackup(path=path, why=f"its first line does not say {expected}")
