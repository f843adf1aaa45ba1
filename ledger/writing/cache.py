"""The aggregates and accounts that a writer touched last, true as of a head of the log."""

from collections import OrderedDict
from collections.abc import Sequence

from ledger.core.accounts import Account
from ledger.core.aggregate import Aggregate, Unfolded
from ledger.core.postings import ACCOUNT_KINDS
from ledger.log import merkle
from ledger.log.accounts import accounts_in
from ledger.log.envelope import Entry
from ledger.log.milestones import STREAM, last_own
from ledger.log.store import Head, Reader, gapless
from ledger.log.verify import must_end_at

CACHED_AGGREGATES = 10_000
"""How many of each kind are kept: orders, which come and go, do not push out what they name."""

CAUGHT_UP_EVENTS = 1_000

Known = Aggregate | Account | Unfolded
Key = tuple[type[Aggregate] | type[Account], str]
"""What an aggregate or an account is known under. The class belongs to it: whoever takes the name
of an order for that of a case has a case that does not exist, and everybody else still has the
order."""


def _leads(head: Head, entries: Sequence[Entry], to: Head) -> bool:
    """Whether a log that ended at one head ends at another once these entries followed."""
    leaves = (entry.leaf_hash for entry in entries)
    return merkle.grown(head.frontier, head.position, leaves) == to.frontier


class Cache:
    """The aggregates and accounts that were touched last, true as of a head."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self._own: Entry | None = None
        self._kept: dict[str, OrderedDict[str, Known]] = {}

    def get(self, cls: type[Aggregate] | type[Account], stream: str) -> Known | None:
        """An aggregate or account of this class, if it is kept."""
        kept = self._kept.get(cls.KIND)
        found = None if kept is None else kept.get(stream)
        if kept is not None and type(found) is Unfolded:
            found = kept[stream] = found.folded()
        if kept is None or type(found) is not cls:
            return None
        kept.move_to_end(stream)
        return found

    def own(self, reader: Reader, ledger: bytes, named: str) -> Entry:
        """The last event of the log itself, which says how it goes on. Errors: BadOpening
        (R-LDG-01), BadContinuation (R-LDG-07)."""
        if self._own is None:
            self._own = last_own(reader, ledger, named)
        return self._own

    def keep(
        self, aggregates: dict[Key, Known], head: Head, entries: Sequence[Entry]
    ) -> None:
        """Keep what a commit changed or read; the log now ends at this head, with these entries."""
        if entries and entries[0].stream == STREAM:
            self._own = entries[0]
        for (cls, stream), found in aggregates.items():
            if names(cls, stream):
                self._kept.setdefault(cls.KIND, OrderedDict())[stream] = found
        for kept in self._kept.values():
            while len(kept) > CACHED_AGGREGATES:
                kept.popitem(last=False)
        self.head = head

    def catch_up(self, reader: Reader, ledger: bytes, head: Head) -> Sequence[Entry] | None:
        """Forget what another process changed since the cache's head. Returns what was recorded
        since; None if that is not known.

        All is forgotten if that is more than a look through is worth, or if the log below is
        another, since somebody restored a backup: the hashes of what was recorded since lead from
        the tree's frontier as it was known to the log's, or it is not the same log. A head that
        another process left, or that was there at the start, is checked against the last event, and
        against the tree where what is known does not lead to it.
        Errors: EventMissing (R-LOG-19), HeadUnsound (R-VFY-02).
        """
        if self.head == head:
            return ()
        found: Sequence[Entry] | None = None
        known = 0 if self.head is None else self.head.position
        near = 0 < head.position - known <= CAUGHT_UP_EVENTS
        must_end_at(reader, ledger, head, whole=self.head is None or not near)
        if self.head is None or not near:
            self.drop()
        else:
            entries = gapless(reader.read(ledger, after=known, until=head.position), ledger,
                              after=known, until=head.position)
            for entry in entries:
                self._forget(entry.stream, *accounts_in(entry.subjects, ACCOUNT_KINDS))
                if entry.stream == STREAM:
                    self._own = None
            if _leads(self.head, entries, head):
                found = entries
            else:
                must_end_at(reader, ledger, head, whole=True)
                self.drop()
        self.head = head
        return found

    def _forget(self, *streams: str) -> None:
        for stream in streams:
            kept = self._kept.get(stream.partition(":")[0])
            if kept is not None:
                kept.pop(stream, None)

    def drop(self) -> None:
        """Forget everything."""
        self.head = self._own = None
        self._kept.clear()


def names(cls: type[Aggregate] | type[Account], stream: str) -> bool:
    """Whether a stream's name is one of this kind; no other can hold such an aggregate."""
    return stream.startswith(f"{cls.KIND}:")
