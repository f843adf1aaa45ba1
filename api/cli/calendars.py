"""How long the published calendars still say which days are worked."""

from datetime import UTC, date, datetime

from api.messages import tr
from ledger.log.store import Store
from ledger.log.zones import days_of
from ledger.policies.known_years import how_to_publish
from projections.asking.clocks import NOW
from projections.policies import book_of

WARN_DAYS = 60
"""How long before a calendar ends somebody has to think of the next."""


def look(store: Store, ledger: str, today: str | None = None) -> tuple[bool | None, str]:
    """Whether the calendars in force go on: False where one has ended, None where one ends soon and
    no later version goes on, or where there is none."""
    today = today or days_of(store, ledger).day_of(datetime.now(UTC))
    book = book_of(store, ledger, NOW.resolve(store, ledger))
    ends = {one.calendar: one.until for version in (book.on(today), book.latest)
            for one in version.sections.calendars or ()}
    if not ends:
        return None, tr("No calendar is published: no working day can be counted.")
    name = min(ends, key=lambda one: (ends[one], one))
    left = (date.fromisoformat(ends[name]) - date.fromisoformat(today)).days
    said = {"calendar": name, "until": ends[name],
            "how": how_to_publish(int(ends[name][:4]) + 1)}
    if left < 0:
        return False, tr("Calendar {calendar} ended on {until}: nothing is due on a later day. "
                         "{how}", **said)
    if left <= WARN_DAYS:
        return None, tr("Calendar {calendar} ends on {until}, in {left} day(s). {how}", left=left,
                        **said)
    return True, tr("The calendars go on until {until}.", until=ends[name])
