"""Which days a ledger has: those of the zone that its first event names, for life."""

from ledger.common.days import Days, UnknownZone
from ledger.common.errors import Misconfigured
from ledger.log.milestones import Opened, opened_as
from ledger.log.store import NOBODY, LedgerUnknown, Reader, Which, shown


class OtherZone(Misconfigured):
    """The days of ledger {ledger!r} are those of {zone}, for ever, and this version knows no such
    time zone. Use a version that knows it."""

    code = "other_zone"
    rule = "R-LDG-05"


_known: dict[bytes, Days] = {}
"""By the ids of ledgers, which are random and never used again, as is the event that says it."""


def days_of(reader: Reader, ledger: Which) -> Days:
    """The days of a ledger. Errors: LedgerUnknown (R-LDG-02), BadOpening (R-LDG-01), OtherZone
    (R-LDG-05)."""
    own = ledger if isinstance(ledger, bytes) else reader.id_of(ledger)
    if own not in _known:
        if own == NOBODY:
            raise LedgerUnknown(ledger=shown(ledger))
        _known[own] = days_in(opened_as(reader, own, shown(ledger)), shown(ledger))
    return _known[own]


def days_in(opened: Opened, ledger: str) -> Days:
    """The days of a ledger that was opened so. Errors: OtherZone (R-LDG-05)."""
    try:
        return Days(opened.zone)
    except UnknownZone as error:
        raise OtherZone(ledger=ledger, zone=opened.zone) from error
