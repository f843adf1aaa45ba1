"""A roster as what deadlines ask it: which shifts begin on a day, from when to when."""

from collections.abc import Iterator

from ledger.common.days import Days
from ledger.people.rosters import Roster
from ledger.policies.deadlines import Rota, Turn


def rota_of(roster: Roster, days: Days) -> Rota:
    """The shifts of a roster; one that ends before it begins ends on the next day."""
    def on(day: str) -> Iterator[Turn]:
        for shift in roster.on(day):
            yield Turn(shift.name, days.at(day, shift.start),
                       days.at(day, shift.end, later=shift.end <= shift.start))
    return on
