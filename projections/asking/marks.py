"""Marks: a position with the beginning of its leaf hash, so that it is of one log only.

A client keeps the mark of an answer and sends it back. After a backup was restored the log may end
before that position, or hold another event there: what the client relies on is then not in it.
"""

import re
from typing import NamedTuple

from ledger.common.errors import Conflict
from ledger.log.store import Store

LEAF_BYTES = 8
FORM = r"(?:0|[1-9][0-9]{0,14})(?::[0-9a-f]{16})?"
_FORM = re.compile(FORM)


class LedgerWentBack(Conflict):
    """Ledger {ledger!r} went back: it was answered up to position {position}, and what it holds
    now, up to {head}, is not that. A backup was restored, perhaps. Read again what you rely on, and
    send again what is missing."""

    code = "ledger_went_back"
    rule = "R-PRJ-17"


class Mark(NamedTuple):
    """A position, and the first bytes of its leaf hash; None where only the position is known."""

    position: int
    leaf: bytes | None = None

    @classmethod
    def parse(cls, text: str) -> "Mark":
        """From `POSITION` or `POSITION:HEX16`. Errors: ValueError."""
        position, _, leaf = text.partition(":")
        if not _FORM.fullmatch(text):
            raise ValueError(text)
        return cls(int(position), bytes.fromhex(leaf) if leaf else None)

    def __str__(self) -> str:
        return f"{self.position}:{self.leaf.hex()}" if self.leaf else str(self.position)


def mark_at(store: Store, ledger: str, position: int, leaf: bytes = b"") -> Mark:
    """The mark of a position that is in the log; its leaf hash is read where it is not given.

    Position 0 is the same in all logs: nothing.
    """
    if not leaf and position:
        leaf = b"".join(entry.leaf_hash for entry in store.outlines(
            ledger, after=position - 1, until=position, limit=1))
    return Mark(position, leaf[:LEAF_BYTES] or None)


def must_hold(store: Store, ledger: str, mark: Mark) -> None:
    """Check that a log holds what was answered from it. Errors: LedgerWentBack (R-PRJ-17)."""
    head = store.head(ledger).position
    if mark.position > head or (
            mark.leaf is not None and mark_at(store, ledger, mark.position) != mark):
        raise LedgerWentBack(ledger=ledger, position=mark.position, head=head)
