"""Where charges meet the members' months: also those that are sealed.

A change in a sealed month is recorded there, and what it costs is carried to the open month, so
that the sealed score stays what it was. When the sealed month is reopened, it counts there again.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from ledger.common.days import day_of, last_day, month_after, month_of
from ledger.common.decimals import ZERO, plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Work
from ledger.policies.book import BOOK, PolicyBook
from ledger.scores.account import Account
from ledger.scores.closings import CLOSINGS, OPEN, Closings
from ledger.scores.formula import cost_of
from ledger.scores.values import Carry, Charge, account_of

Record = Callable[[Account, list[Carry]], None]


class Books:
    """The accounts that one command changes."""

    def __init__(self, work: Work, occurred_at: datetime) -> None:
        self.changed: dict[str, Aggregate] = {}
        self._work = work
        self._closings: Closings = work.load(Closings, CLOSINGS)
        self._occurred_at = occurred_at
        self._book: PolicyBook = work.load(PolicyBook, BOOK)

    def _at(self, month: str) -> datetime:
        """When a change is booked: in a month that was sealed never before that."""
        if self._closings.seal_of(month).state == OPEN:
            return self._occurred_at
        return max(self._occurred_at, self._closings.latest_at)

    def account(self, member: str, month: str) -> Account:
        """A member's month, to be changed."""
        found: Account = self._work.load(Account, account_of(member, month))
        self.changed[found.id] = found
        return found

    def charge(self, member: str, charge: Charge) -> None:
        """Take points in the month of the fact."""
        self._record(
            member, month_of(charge.breached_on), charge.charge,
            lambda account, carried: account.charge(
                member, charge, carried, occurred_at=self._at(month_of(charge.breached_on))),
            reason=charge.rule)

    def reduce(self, member: str, month: str, name: str, *, points: str, reason: str) -> None:
        """Take fewer points for a charge."""
        facts = {"member": member, "charge": name, "points": points, "reason": reason}
        self._record(
            member, month, name,
            lambda account, carried: account.reduce(facts, carried, occurred_at=self._at(month)),
            reason=reason)

    def reverse(self, member: str, month: str, name: str, *, reason: str) -> None:
        """Take no points for a charge; of one that is not there, nothing changes."""
        if name not in self.account(member, month).charges:
            return
        facts = {"member": member, "charge": name, "reason": reason}
        self._record(
            member, month, name,
            lambda account, carried: account.reverse(facts, carried, occurred_at=self._at(month)),
            reason=reason)

    def bring_back(self, member: str, month: str, *, reason: str) -> None:
        """Let count in a reopened month again what it left to months that are open still."""
        for charge, carry in self.account(member, month).lent:
            if not self._closings.is_sealed(carry.to_month):
                back = plain(-Decimal(carry.points))
                self._carry((member, carry.to_month, carry.post), (month, charge, back),
                            reason=reason)
                self._carry((member, month, carry.post), (carry.to_month, charge, carry.points),
                            reason=reason)

    def carry_on(self, member: str, month: str, posts: Iterable[str]) -> None:
        """Let what other months left to a month in which a member is left out count in the next."""
        account, to = self.account(member, month), self._closings.open_from(month_after(month))
        for post in sorted(posts):
            if points := account.carried_in(post):
                name = f"left out of {month}"
                self._carry((member, month, post), (to, name, plain(-points)), reason=name)
                self._carry((member, to, post), (month, name, plain(points)), reason=name)

    def _record(
        self, member: str, month: str, name: str, record: Record, *, reason: str
    ) -> None:
        account = self.account(member, month)
        carried = [] if self._closings.seal_of(month).state == OPEN else list(
            self._carried(account, month, name, record))
        record(account, carried)
        for one in carried:
            self._carry((member, one.to_month, one.post), (month, name, one.points), reason=reason)

    def _carried(
        self, account: Account, month: str, name: str, record: Record
    ) -> Iterator[Carry]:
        """What of a change does not count in its own month, by post.

        In a sealed month, all of it, but for posts in which the member was left out. In a reopened
        one, what undoes a part of the charge that counts in a month which is sealed meanwhile.
        """
        probe, to = account.clone(), self._closings.open_from(
            max(month_of(day_of(self._occurred_at)), month_after(month)))
        record(probe, [])
        for post in sorted(probe.posts() | account.posts()):
            points = self._cost(probe, month, post) - self._cost(account, month, post)
            if not self._closings.is_sealed(month):
                lent = sum((Decimal(one.carry.points) for one in account.lent
                            if (one.charge, one.carry.post) == (name, post)
                            and self._closings.is_sealed(one.carry.to_month)), ZERO)
                points = -min(lent, -points) if lent > 0 > points else ZERO
            if points:
                yield Carry(post, to, plain(points))

    def _cost(self, account: Account, month: str, post: str) -> Decimal:
        """What charges take from the sealed figure of a post, or of the one that stands for it."""
        scored = {one.post for one in account.figures}
        left_out = (one.post for one in self._closings.seal_of(month).left_out
                    if account_of(one.member, month) == account.id)
        if not scored or post in left_out:
            return ZERO
        if post not in scored:
            return account.whole_cost(post)
        return cost_of(account, post, self._book.on(last_day(month)))

    def _carry(self, to: tuple[str, str, str], what: tuple[str, str, str], *, reason: str) -> None:
        (member, month, post), (from_month, name, points) = to, what
        self.account(member, month).carry(
            {"member": member, "post": post, "from_month": from_month, "charge": name,
             "points": points, "reason": reason}, occurred_at=self._at(from_month))
