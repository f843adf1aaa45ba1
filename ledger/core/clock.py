"""What the log says of its own time: that an admin accepted a clock, that a day was closed."""

from datetime import datetime
from typing import Annotated, ClassVar

from ledger.common.bounds import AnyInteger, At, Day, Reason, Tally, Text
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, OnStream, Wanted
from ledger.log.milestones import DAY_CLOSED, Anchor

STREAM = "log:clock"


class ClockLog(Aggregate):
    """All acceptances of a ledger, in the stream `log:clock`."""

    KIND = "log"

    def begin(self) -> None:
        """The state before the first event: no clock was ever suspect."""
        self.floor_us = 0
        self.pinned_us = 0

    class ClockAccepted(Aggregate.Event):
        """An admin accepted the clock, whatever the time of the log's last event.

        Units: microseconds since 1970-01-01 UTC. Until it has passed `pinned_us`, the time of the
        last event, the clock may stand anywhere from `floor_us` on.
        """

        TOPIC = "log.clock_accepted.v1"
        reason: str
        floor_us: int
        pinned_us: int

    @event(ClockAccepted)
    def _clock_accepted(self, floor_us, pinned_us):
        self.floor_us = floor_us
        self.pinned_us = pinned_us

    def accept(
        self, reason: str, *, floor_us: int, pinned_us: int, occurred_at: datetime
    ) -> None:
        """The clock is accepted as it is."""
        self._clock_accepted(reason=reason, floor_us=floor_us, pinned_us=pinned_us,
                             occurred_at=occurred_at)


class DayLog(Aggregate):
    """A day of the log; its stream is `log:day:<YYYY-MM-DD>`."""

    KIND = "log"

    def begin(self) -> None:
        """It was not closed."""

    class DayClosed(Aggregate.Event):
        """What was recorded on this day stands before it. `access` is how far the ledger of keys
        and readings had come."""

        TOPIC = DAY_CLOSED
        day: str
        access: Anchor

    @event(DayClosed)
    def _day_closed(self):
        pass

    def close(self, day: str, access: Anchor, *, occurred_at: datetime) -> None:
        """The day is closed, or what the log holds of it so far."""
        self._day_closed(day=day, access=access, occurred_at=occurred_at)


class CloseLog(Command, frozen=True, kw_only=True):
    """Close a day of the log, or what it holds of the day so far."""

    NAME: ClassVar[str] = "log.close"
    day: Day
    access_position: Tally
    access_root: Annotated[str, Text(longest=64)]
    occurred_at: At

    @property
    def subject(self) -> str:
        """The stream of the day."""
        return f"log:day:{self.day}"

    def streams(self) -> Wanted:
        return [(DayLog, self.subject)]


class AcceptClock(OnStream, frozen=True, kw_only=True):
    """Accept the clock as it is."""

    NAME: ClassVar[str] = "log.accept_clock"
    AGGREGATE = ClockLog
    reason: Reason
    floor_us: AnyInteger
    pinned_us: AnyInteger

    @property
    def subject(self) -> str:
        """The stream of all acceptances."""
        return STREAM
