"""Until when orders are to be dispatched, by the versions of the policies that a cut of the log
knows: the version in force on the day of the payment counts."""

from datetime import datetime

from ledger.common.values import from_us
from ledger.core import event_types
from ledger.log.store import Store
from ledger.log.zones import days_of
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.deadlines import due, late_from
from ledger.policies.errors import CalendarEnds, DeadlineUnknown
from ledger.policies.values import Version
from projections.asking.clocks import Cut

DISPATCH = "dispatch"
"""The deadline of what is paid: the latest one."""


class Dues:
    """The limits of orders, as a cut has the policies."""

    def __init__(self, store: Store, ledger: str, cut: Cut) -> None:
        self.days = days_of(store, ledger)
        self.book = PolicyBook.blank(BOOK)
        for entry in store.streams(ledger, [BOOK]):
            if cut.takes(entry):
                event_types.decode(entry).apply(self.book)

    def of(self, paid_at: datetime | None, at: int) -> tuple[datetime | None, bool | None]:
        """Until when an order is to be dispatched that nobody has sent, and whether it is late at a
        moment in microseconds: only once what was done in time could be recorded.

        None: it is not paid, or no policy sets a limit; or, of whether it is late, no calendar says
        which days are worked.
        """
        if paid_at is None:
            return None, None
        version: Version = self.book.on(self.days.day_of(paid_at))
        try:
            limit = due(version, DISPATCH, paid_at, days=self.days)
        except (DeadlineUnknown, CalendarEnds):
            return None, None
        try:
            return limit, from_us(at) > late_from(
                version, DISPATCH, limit, days=self.days)
        except CalendarEnds:
            return limit, None
