"""An admin accepts a suspect clock."""

from ledger.core.aggregate import Aggregate
from ledger.core.clock import STREAM, AcceptClock, ClockLog
from ledger.core.commands import Command, Handler, Work


def accept_clock(command: AcceptClock, work: Work) -> list[Aggregate]:
    """Record the acceptance."""
    log: ClockLog = work.load(ClockLog, STREAM)
    log._clock_accepted(reason=command.reason, floor_us=command.floor_us,
                        pinned_us=command.pinned_us, occurred_at=command.occurred_at)
    return [log]


HANDLERS: dict[type[Command], Handler] = {
    AcceptClock: accept_clock,
}
