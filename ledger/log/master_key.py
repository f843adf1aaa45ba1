"""The file of the master key, which unwraps all keys of persons."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from ledger.common.errors import Misconfigured

KEY_BYTES = 32


class MissingMasterKey(Misconfigured):
    """There is no master key at {path}, but {keys} holds keys that need it. Restore the file from
    where you keep its copy; without it no personal value can be read."""

    code = "missing_master_key"
    rule = "R-KEY-01"


class NoMasterKeyYet(MissingMasterKey):
    """There is no master key at {path}. If there was one, restore it from where you keep its copy.
    For a new ledger in PostgreSQL make one, with `head -c 32 /dev/urandom > {path}; chmod 600
    {path}`, and keep a copy of it elsewhere."""

    code = "no_master_key_yet"
    rule = "R-KEY-14"


class MasterKeyRequired(Misconfigured):
    """LEDGER_MASTER_KEY_FILE must name a file with 32 random bytes when the log is in PostgreSQL.
    Make one with `head -c 32 /dev/urandom > FILE; chmod 600 FILE`."""

    code = "master_key_required"
    rule = "R-KEY-02"


class BadMasterKey(Misconfigured):
    """The master key at {path} must be exactly 32 bytes long; it has {found}."""

    code = "bad_master_key"
    rule = "R-KEY-04"


def missing_key(path: Path, keys: str, *, empty: bool) -> MissingMasterKey:
    """What to say where there is none for a keys database, which may hold no keys yet."""
    return (NoMasterKeyYet if empty else MissingMasterKey)(path=path, keys=keys)


def read_master_key(path: Path, *, make: bool) -> bytes | None:
    """The 32 bytes of a master key file; None if there is none. With `make`, a missing one is made,
    readable by its owner only.

    Errors: BadMasterKey (R-KEY-04).
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        if not make:
            return None
        _write_once(path, secrets.token_bytes(KEY_BYTES))
        return read_master_key(path, make=False)
    if len(key) != KEY_BYTES:
        raise BadMasterKey(path=path, found=len(key))
    return key


def _write_once(path: Path, content: bytes) -> None:
    """Write a file unless it exists. It appears whole and durable, readable by its owner only.

    Another process may be starting at the same time: it must never read half a key, and the first
    key that appears is the one that both use.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
    synced(path.parent)


def synced(folder: Path) -> None:
    """Let what was done to the files of a folder be on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def beside(path: Path, name: str) -> Path:
    """A file next to a master key: `new`, the one that is to come, or `old`, the one before."""
    return path.with_name(f"{path.name}.{name}")


def candidates(path: Path) -> list[bytes]:
    """The keys that may be the master key: the one at a path, and one that is to take its place."""
    found = []
    path = Path(os.path.realpath(path))
    for one in (path, beside(path, "new")):
        with suppress(OSError):
            found.append(one.read_bytes())
    return [key for key in found if len(key) == KEY_BYTES]
