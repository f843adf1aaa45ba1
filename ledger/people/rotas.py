"""A roster as what deadlines ask it: which shifts begin on a day, from when to when."""

from collections.abc import Iterator

from ledger.people.rosters import Roster
from ledger.policies.deadlines import Rota, Turn, moment_of


def rota_of(roster: Roster) -> Rota:
    """The shifts of a roster; one that ends before it begins ends on the next day."""
    def on(day: str) -> Iterator[Turn]:
        for shift in roster.on(day):
            yield Turn(shift.name, moment_of(day, shift.start),
                       moment_of(day, shift.end, later=shift.end <= shift.start))
    return on
