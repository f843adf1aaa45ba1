"""The log leads and the keys follow: whom the log says to be erased has no key.

It is looked at when a ledger is opened, and by the writer under the head's lock, before it decides,
and after its own commit; and by whoever reads, before anything sealed is opened. So a crash between
the event and the keys heals itself, and neither an old keys database nor a restored backup of keys
brings anybody back.
"""

import threading
from collections.abc import Iterable, Sequence

import msgspec

from ledger.common.errors import Misconfigured
from ledger.log.envelope import Entry
from ledger.log.erasures import ERASED, erased_by, erasures
from ledger.log.key_rows import Upto
from ledger.log.persons import LedgerKeys
from ledger.log.store import Head, Reader, StorageFailed


class BadErasure(Misconfigured):
    """The event at position {position} says who was erased, and cannot be read, so nobody knows
    whose keys are to be destroyed. Run `ledger verify`, and restore a backup into a new
    database."""

    code = "bad_erasure"
    rule = "R-KEY-10"


def follow(reader: Reader, keys: LedgerKeys, head: Head | None = None) -> bool:
    """Destroy the keys of all whom the log, up to a head, says to be erased, as far as this was not
    done before. Returns whether it met any.

    Where the log is not the one that was followed before, it is looked at from its beginning.
    Errors: BadErasure (R-KEY-10), StorageFailed (R-LOG-04).
    """
    head = reader.head(keys.ledger) if head is None else head
    if not head.position:
        return False
    before = keys.followed()
    start = None if before is None else _at(reader, keys.ledger, before.position)
    if start is not None and before is not None and start.leaf_hash != before.leaf:
        start = None
    found = erasures(reader, keys.ledger, head, after=start)
    last = _at(reader, keys.ledger, head.position) if found or (before and not start) else None
    if last is not None:
        keys.destroy(gone(found), Upto(last.position, last.leaf_hash))
    return bool(found)


def follow_since(reader: Reader, keys: LedgerKeys, before: Head | None, head: Head) -> bool:
    """The same for a process that holds opened keys, and looked at the log up to another head
    before: whoever was erased since has none here, also where another process has destroyed them
    already. Returns whether any were let go of.

    Errors: BadErasure (R-KEY-10), StorageFailed (R-LOG-04).
    """
    if before == head:
        return False
    if before is None or not 0 < before.position <= head.position:
        keys.forget_opened()
        follow(reader, keys, head)
        return True
    if found := gone(erasures(reader, keys.ledger, head, after=before)):
        keys.let_go(found)
        follow(reader, keys, head)
    return bool(found)


def gone(entries: Iterable[Entry]) -> dict[str, int]:
    """Whom events say to be erased, each with the position of the first of them.

    Errors: BadErasure (R-KEY-10).
    """
    found: dict[str, int] = {}
    for entry in entries:
        try:
            persons = erased_by(entry)
        except msgspec.DecodeError:
            raise BadErasure(position=entry.position) from None
        for person in persons:
            found.setdefault(person, entry.position)
    return found


def _at(reader: Reader, ledger: bytes, position: int) -> Entry | None:
    """The entry at a position, if there is one."""
    found = reader.read(ledger, after=position - 1, until=position, limit=1)
    return found[0] if found else None


class Following:
    """Lets the keys follow what a writer meets. Nothing is asked of the keys database where nobody
    was erased."""

    def __init__(self, keys: LedgerKeys) -> None:
        self._keys = keys
        self._at: Head | None = None

    def catch_up(self, reader: Reader, head: Head, entries: Sequence[Entry] | None) -> bool:
        """Follow up to a head, which the caller holds. `entries` are those since the head before;
        None if they are not known. Returns whether persons who were looked up before are to be
        looked up again.

        If the keys cannot be reached, what is known of them is forgotten, and it is tried again.
        Errors: BadErasure (R-KEY-10).
        """
        again = False
        try:
            if self._at is None or (entries is None and self._at != head):
                again = follow_since(reader, self._keys, self._at, head)
            elif entries:
                again = self._destroy(entries)
        except StorageFailed:
            self._at = None
            self._keys.forget_opened()
            return True
        self._at = head
        self._keys.is_current()
        return again

    def committed(self, head: Head, entries: Sequence[Entry]) -> None:
        """Follow what the writer has recorded itself, up to this head. If the keys cannot be
        reached, the next batch tries again."""
        try:
            self._destroy(entries)
        except StorageFailed:
            self._at = None
            self._keys.forget_opened()
        else:
            self._at = None if self._at is None else head  # what is still owed stays so

    def _destroy(self, entries: Sequence[Entry]) -> bool:
        found = gone(entry for entry in entries if entry.type == ERASED)
        if found:
            self._keys.destroy(found, Upto(entries[-1].position, entries[-1].leaf_hash))
        return bool(found)


class Reading:
    """Lets the keys follow what is read: nothing is opened of whoever the log says to be erased, up
    to where the log ends when it is asked. Nothing but the head is asked for where that is the one
    of before, and nothing of the keys where nobody was erased."""

    def __init__(self, keys: LedgerKeys) -> None:
        self._keys = keys
        self._at: Head | None = None
        self._lock = threading.Lock()

    def catch_up(self, reader: Reader) -> None:
        """Follow up to the head. If the keys cannot be reached, none is held any more.

        Errors: BadErasure (R-KEY-10), StorageFailed (R-LOG-04).
        """
        with self._lock:
            head = reader.head(self._keys.ledger)
            try:
                follow_since(reader, self._keys, self._at, head)
            except BaseException:
                self._at = None
                self._keys.forget_opened()
                raise
            self._at = head
