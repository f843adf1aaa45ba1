"""The members whose months the benchmarks ask about: invented, always the same.

Each month everybody is charged five times and graded; then the month is sealed. A fifth of the
charges is confirmed after that, so that its effect is carried to the month that is open.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

from ledger.common.days import day_after, first_day, last_day, month_after
from ledger.people.commands import AssignPost, JoinMember
from ledger.policies.commands import PublishPolicy
from ledger.policies.posts import COMMITTEE as GRADERS
from ledger.policies.values import Policy, Sections
from tests.support.days import day_of
from tests.support.team import Step, at, confirm, graders, propose, rule, seal

POST, MANAGER, COMMITTEE = "editor", "member:manager", "member:committee"
BEGUN = "2000-01"
MEMBERS = 500
CHARGES, LATE = 5, 1
"""Charges of a member in a month, and how many of them are confirmed when it is sealed."""

EVENTS = 3 * CHARGES + LATE + 3
"""Events of a member in a month: a charge is three, one that is late four; two grades, a seal."""

JOINED = datetime(1999, 12, 1, tzinfo=UTC)
RULES = [rule("R1", {"offender": ["0.5", "0.5"]}, posts=[POST])]


class Staff(NamedTuple):
    """How many members there are, and for how many months they are scored."""

    members: int
    months: int

    @classmethod
    def of(cls, events: int) -> "Staff":
        """About so many events. Like the SKUs, the members are as many in a long log as in a short
        one: what grows is their history."""
        members = min(MEMBERS, events // EVENTS)
        return cls(members, events // (EVENTS * members))

    def member(self, number: int) -> str:
        """The name of one of them."""
        return f"member:{number % self.members:05d}"

    def month(self, number: int) -> str:
        """One of the months."""
        months = BEGUN
        for _ in range(number % self.months):
            months = month_after(months)
        return months

    def steps(self) -> Iterator[Step]:
        """What is decided of them, in the order of time."""
        numbers, late, month = count(1), list[Step](), BEGUN
        for _ in range(self.months):
            for number in range(self.members):
                member = self.member(number)
                charges = [self._charged(next(numbers), member, month, nth)
                           for nth in range(CHARGES)]
                yield from (step for steps in charges[LATE:] for step in steps)
                yield from (steps[0] for steps in charges[:LATE])
                late += [steps[1] for steps in charges[:LATE]]
                yield from self._graded(member, month)
            yield MANAGER, seal(month, first_day(month_after(month)))
            yield from late
            late, month = [], month_after(month)

    def opening(self) -> Iterator[Step]:
        """They join and get their post."""
        yield "system", PublishPolicy(policy=Policy(title="bench", sections=Sections(rules=RULES)),
                                      effective_from=day_of(JOINED), occurred_at=JOINED)
        posts = {MANAGER: "", COMMITTEE: GRADERS,
                 **{self.member(number): POST for number in range(self.members)}}
        for member, post in posts.items():
            yield "system", JoinMember(member=member, joined_on=day_of(JOINED), occurred_at=JOINED)
            if post:
                yield "system", AssignPost(member=member, post=post, since=day_of(JOINED),
                                           occurred_at=JOINED)

    @staticmethod
    def _charged(number: int, member: str, month: str, nth: int) -> list[Step]:
        """A proposal and its confirmation: a late one comes after the month's end."""
        day = f"{month}-{nth + 2:02d}"
        decided = day_after(first_day(month_after(month))) if nth < LATE else day
        return [(MANAGER, propose(number, day=day, about=f"order:{number}", offender=member,
                                  occurred_at=at(day))),
                (COMMITTEE, confirm(number, decided))]

    @staticmethod
    def _graded(member: str, month: str) -> list[Step]:
        return graders(month, last_day(month),
                       posts={COMMITTEE: GRADERS, member: POST})
