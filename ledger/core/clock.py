"""The fact that an admin took a suspect clock as right, and the guard that lets it count."""

from datetime import datetime
from typing import ClassVar

from ledger.common.values import Checks
from ledger.core import event_types
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, Handler, Work
from ledger.log.clock import Clock, ClockSuspect
from ledger.log.store import Head, Reader

STREAM = "log:clock"


class ClockLog(Aggregate):
    """All acceptances of a ledger, in the stream `log:clock`."""

    KIND = "log"

    def begin(self) -> None:
        """The state before the first event: no clock was ever suspect."""
        self.floor_us = 0
        self.pinned_us = 0

    class ClockAccepted(Aggregate.Event):
        """An admin took the clock as right, whatever the log's last event says.

        Units: microseconds since 1970-01-01 UTC. While the last event is not later than `pinned_us`
        the clock may stand anywhere from `floor_us` on.
        """

        TOPIC = "log.clock_accepted.v1"
        reason: str
        floor_us: int
        pinned_us: int

    @event(ClockAccepted)
    def _clock_accepted(self, floor_us, pinned_us):
        self.floor_us = floor_us
        self.pinned_us = pinned_us


class AcceptClock(Command, frozen=True, kw_only=True):
    """Take the clock as right."""

    NAME: ClassVar[str] = "log.accept_clock"
    reason: str
    occurred_at: datetime
    floor_us: int
    pinned_us: int

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(ClockLog, STREAM)]

    def check(self, checks: Checks) -> None:
        checks.text("/reason", self.reason, longest=500)


def accept_clock(command: AcceptClock, work: Work) -> list[Aggregate]:
    """Record the acceptance."""
    log: ClockLog = work.load(ClockLog, STREAM)
    log._clock_accepted(reason=command.reason, floor_us=command.floor_us,
                        pinned_us=command.pinned_us, occurred_at=command.occurred_at)
    return [log]


HANDLERS: dict[type[Command], Handler] = {AcceptClock: accept_clock}


class ClockGuard:
    """The clock as the writer of one ledger reads it, with what was accepted so far.

    An acceptance of another process counts if it was recorded after this one last found the clock
    in order: it then speaks of the same trouble. An older one speaks of trouble that is over.
    """

    def __init__(self, clock: Clock, ledger: str) -> None:
        self.clock = clock
        self.ledger = ledger
        self._floor_us = 0
        self._pinned_us = 0
        self._in_order_at = 0

    def stamp(self, head: Head, reader: Reader) -> int:
        """The clock's time for what stands behind a head. Errors: ClockSuspect (R-LOG-08)."""
        try:
            wall = self.clock.stamp(self._floor(head))
        except ClockSuspect:
            if not self._learn(reader):
                raise
            wall = self.clock.stamp(self._floor(head))
        self._in_order_at = head.position
        return wall

    def stamp_acceptance(self, command: AcceptClock, head: Head) -> int:
        """The time of an acceptance, which looks at no clock. Errors: ClockSuspect (R-LOG-08)."""
        if head.recorded_at > command.pinned_us:
            raise ClockSuspect(why="something was recorded while it was being accepted")
        return command.floor_us

    def accept(self, command: AcceptClock, position: int) -> None:
        """Let an acceptance count, now that it is recorded."""
        self._floor_us, self._pinned_us = command.floor_us, command.pinned_us
        self._in_order_at = position
        self.clock.accept()

    def _floor(self, head: Head) -> int:
        return self._floor_us if head.recorded_at <= self._pinned_us else head.recorded_at

    def _learn(self, reader: Reader) -> bool:
        news = reader.streams(self.ledger, [STREAM], after=self._in_order_at)
        if not news:
            return False
        fact = event_types.decode(news[-1])
        self._floor_us, self._pinned_us = fact.floor_us, fact.pinned_us
        self.clock.accept()
        return True
