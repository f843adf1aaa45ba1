"""An admin accepts a suspect clock; a day of the log is closed."""

from ledger.core.aggregate import Aggregate
from ledger.core.clock import STREAM, AcceptClock, ClockLog, CloseLog, DayLog
from ledger.core.commands import Command, Handler, Work
from ledger.log.milestones import Anchor


def accept_clock(command: AcceptClock, work: Work) -> list[Aggregate]:
    """Record the acceptance."""
    log: ClockLog = work.load(ClockLog, STREAM)
    log.accept(command.reason, floor_us=command.floor_us, pinned_us=command.pinned_us,
               occurred_at=command.occurred_at)
    return [log]


def close_log(command: CloseLog, work: Work) -> list[Aggregate]:
    """Record that the day was closed."""
    log: DayLog = work.load(DayLog, command.subject)
    log.close(command.day, Anchor(command.access_position, command.access_root),
              occurred_at=command.occurred_at)
    return [log]


HANDLERS: dict[type[Command], Handler] = {
    AcceptClock: accept_clock,
    CloseLog: close_log,
}
