"""One transaction of the writer: what it stands on, and what it is going to record."""

from typing import NamedTuple

from ledger.log.envelope import Entry
from ledger.log.store import Head, Writing
from ledger.writing.repeats import Repeats


class Batch(NamedTuple):
    """Where the log ends, what is known of the batch's commands, and the new entries."""

    head: Head
    wall: int
    writing: Writing
    repeats: Repeats
    entries: list[Entry]
    once: dict[str, int]

    @property
    def now(self) -> int:
        """The time of recording: later than that of any commit before this one."""
        return max(self.wall, self.head.recorded_at + 1)
