"""Another master key in the place of the old one, which is destroyed.

First the keys database notes the id of the key that is to come, and that key is written beside the
old one; then one transaction wraps all keys with it; then its file takes the place of the old one,
which is overwritten and removed. What a process that was killed in between left is brought to its
end, or undone, by whoever opens the keys next: the database says which of the files counts.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ledger.common.errors import Misconfigured
from ledger.log.keys_database import KeysDatabase
from ledger.log.master_key import KEY_BYTES, beside, synced
from ledger.log.wrapping import Master, WrongMasterKey, master_id

GONE = bytes(KEY_BYTES)
"""What an old master key is overwritten with."""


class MasterKeyFixed(Misconfigured):
    """The master key at {path} cannot be changed here, and nothing was done: {why}. Run this as the
    user who owns the file, where its folder can be written to."""

    code = "master_key_fixed"
    rule = "R-KEY-11"


def rotate(keys: KeysDatabase, *, leave_damaged: bool = False) -> tuple[int, int]:
    """Wrap all keys of all ledgers with a new master key, and destroy the old one. Returns how many
    were wrapped, and how many were not, since they are damaged: none unless asked for.

    Errors: MasterKeyFixed (R-KEY-11), DamagedKeys (R-KEY-16), WrongMasterKey (R-KEY-03),
    StorageFailed (R-LOG-04).
    """
    path = keys.key_file
    if path is None:
        raise MasterKeyFixed(path="memory", why="it is in no file")
    path = Path(os.path.realpath(path))
    with _alone(path, wait=True):
        _heal(keys, path)
        row = keys.master_row()
        if row is None or master_id(path) != row.id:
            raise WrongMasterKey(path=path, keys=keys.named)
        _keep_old(path)
        key = secrets.token_bytes(KEY_BYTES)
        new = Master(key)
        try:
            keys.note_next(new)
            _write_new(path, key)
            done = keys.wrap_anew(new, leave_damaged=leave_damaged)
        except BaseException:
            with suppress(Exception):  # what cannot be undone now is at the next opening
                _heal(keys, path)
            raise
        _heal(keys, path)
    keys.sweep()
    return done


def heal(keys: KeysDatabase) -> None:
    """Bring to its end, or undo, what a rotation that was killed has left, unless one is going on
    or the folder cannot be written to."""
    if keys.key_file is None:
        return
    path = Path(os.path.realpath(keys.key_file))
    if beside(path, "new").exists() or beside(path, "old").exists():
        with suppress(OSError), _alone(path, wait=False):
            _heal(keys, path)


@contextmanager
def _alone(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the folder of the master key, by a lock that ends with the process. Without `wait`:
    BlockingIOError if another process holds it."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(folder)


def _heal(keys: KeysDatabase, path: Path) -> None:
    """Let the key that the database names be at the path, and destroy what it names no more."""
    row = keys.master_row()
    new, old = beside(path, "new"), beside(path, "old")
    if row is None:
        return
    found = master_id(new)
    if found == row.id != master_id(path):
        _put_in_place(new, path)
    elif new.exists() and (found == row.next or (row.next and _is_part(new))):
        _destroy(new)
    if not old.exists():
        return
    if old.samefile(path):
        old.unlink()
    elif master_id(path) == row.id and (
            master_id(old) == row.former or old.read_bytes() == GONE):
        _destroy(old)


def _keep_old(path: Path) -> None:
    """Give the old key a second name, by which it is found to be overwritten. It is the first thing
    that is done, and shows whether anything can be. Errors: MasterKeyFixed (R-KEY-11)."""
    if path.stat().st_uid != os.geteuid():
        raise MasterKeyFixed(path=path, why="it belongs to another user")
    for name in ("new", "old"):
        if (there := beside(path, name)).exists():
            raise MasterKeyFixed(path=path, why=f"{there} is left from a change of the master key "
                                 "of another keys database, which has to be opened first")
    try:
        with path.open("r+b"):
            pass
        os.link(path, beside(path, "old"))
    except OSError as error:
        raise MasterKeyFixed(path=path, why=error.strerror) from error


def _write_new(path: Path, key: bytes) -> None:
    was = path.stat()
    descriptor = os.open(beside(path, "new"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with suppress(OSError):
            os.fchown(file.fileno(), -1, was.st_gid)
        os.fchmod(file.fileno(), was.st_mode & 0o777)
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    synced(path.parent)


def _put_in_place(new: Path, path: Path) -> None:
    os.replace(new, path)
    synced(path.parent)


def _destroy(path: Path) -> None:
    """Overwrite a key, as far as the file system writes in place, and remove it."""
    with path.open("r+b") as file:
        file.write(GONE)
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    synced(path.parent)


def _is_part(path: Path) -> bool:
    """Whether a key was not written whole: its process was killed."""
    return path.stat().st_size < KEY_BYTES
