"""A roster as deadlines ask it."""

from datetime import datetime
from typing import cast

from ledger.people.rosters import Roster, SetRoster, Shift
from ledger.people.rotas import rota_of
from tests.support.days import IN_SHANGHAI
from tests.support.stories import given
from tests.support.team import at, team


def test_rota_of__has_the_shifts_of_the_roster_on_a_day() -> None:
    story = given(*team()).when(SetRoster(
        roster="cs", since="2026-09-01", occurred_at=at("2026-09-01"),
        shifts=[Shift(name="late", start="16:30", end="24:00", days=[2])]))
    rota = rota_of(cast(Roster, story.known["roster:cs"]), IN_SHANGHAI)

    (found,) = rota("2026-09-01")
    assert found == ("late", datetime.fromisoformat("2026-09-01T16:30+08:00"),
                     datetime.fromisoformat("2026-09-02T00:00+08:00"))
    assert list(rota("2026-09-02")) == []
