"""How somebody comes by a calendar: the command is named for years that it writes."""

import pytest

from ledger.policies.announced import CalendarNotAnnounced, written
from ledger.policies.known_years import how_to_publish, known_years


def test_calendar__is_offered_for_just_the_years_that_it_is_written_for() -> None:
    last = max(known_years())
    assert f"`ledger policies calendar {last}` writes one" in how_to_publish(last)
    assert "calendar: " in written(last)
    told = how_to_publish(last + 1)
    assert f"`ledger policies calendar {last + 1}`" not in told
    assert f"`ledger policies calendar {last}`" in told
    with pytest.raises(CalendarNotAnnounced):
        written(last + 1)
