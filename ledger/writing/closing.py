"""When a day of the log is over: the first thing recorded after it closes it.

The closing event stands after everything of its day, and anchors the ledger of keys and readings:
whoever keeps a root of the ledger has kept one of its access ledger, too.
"""

from ledger.common.errors import Invalid
from ledger.common.values import from_us
from ledger.core.clock import CloseLog, DayLog
from ledger.core.event_types import EventUnreadable
from ledger.log.envelope import Entry
from ledger.log.milestones import anchored, opened_as
from ledger.log.store import Head, Reader
from ledger.log.zones import days_of


class NothingToClose(Invalid):
    """The days of {ledger} are closed in the log of the ledger that it belongs to. Name that
    one."""

    code = "nothing_to_close"
    rule = "R-LDG-06"


class Closing:
    """Knows which ledger is anchored in this one. An access ledger's days are closed in its
    owner's log, and not in its own."""

    def __init__(self, ledger: bytes, name: str) -> None:
        self.ledger = ledger
        self.name = name
        self._access: bytes | None = None

    def due(self, head: Head, now: int, reader: Reader) -> CloseLog | None:
        """What closes the day of the last event, if it is over and not closed yet.

        A closing that stands at the end of the log has closed all of it; but the access ledger may
        have gone on since, and then its day is closed once more.
        Units: `now` in microseconds since 1970. Days are those of the ledger's zone.
        """
        if not head.position:
            return None
        days = days_of(reader, self.ledger)
        day = days.day_of(from_us(head.recorded_at))
        if day >= days.day_of(from_us(now)):
            return None
        closing = self.now(day, now, reader)
        return None if closing is None or self.is_last(closing, head, reader) else closing

    def is_last(self, closing: CloseLog, head: Head, reader: Reader) -> bool:
        """Whether the last event says what a closing would say: nothing was recorded since, in
        either ledger."""
        (last,) = reader.read(self.ledger, after=head.position - 1, limit=1)
        return _anchors(last, closing)

    def now(self, day: str, now: int, reader: Reader) -> CloseLog | None:
        """What closes a day at a time; None for an access ledger."""
        if self._access is None:
            first = opened_as(reader, self.ledger, self.name)
            self._access = bytes.fromhex(first.access or "")
        if not self._access:
            return None
        head = reader.head(self._access)
        return CloseLog(day=day, access_position=head.position, access_root=head.root.hex(),
                        occurred_at=from_us(now))


def _anchors(last: Entry, closing: CloseLog) -> bool:
    """Whether the last event closed a day, when the access ledger had come as far as now.

    Errors: EventUnreadable (R-LOG-41).
    """
    if last.type != DayLog.DayClosed.TOPIC:
        return False
    try:
        position, root = anchored(last)
    except ValueError as error:  # also msgspec's own
        raise EventUnreadable(position=last.position, type=last.type, why=error) from None
    return (position, root.hex()) == (closing.access_position, closing.access_root)
