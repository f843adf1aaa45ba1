"""The keys follow the log: whoever it says was erased has no key any more."""

from collections.abc import Sequence

from ledger.log.envelope import Entry
from ledger.log.erasures import erased_by
from ledger.log.persons import LedgerKeys


def erases(entries: Sequence[Entry]) -> bool:
    """Whether these entries erase anybody."""
    return any(erased_by(entry) for entry in entries)


def follow(keys: LedgerKeys, entries: Sequence[Entry]) -> None:
    """Destroy the keys of those whom these entries erase."""
    if gone := {person: entry.position for entry in entries for person in erased_by(entry)}:
        keys.destroy(gone)
