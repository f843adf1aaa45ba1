"""Where charges meet the members' months, sealed ones too.

A change in a sealed month is recorded there, and what it costs is carried to the open month, so
that the sealed score stays what it was. When the sealed month is reopened, it counts there again.
Source: docs/adr/0015-scores-are-accounts.md.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from ledger.common.days import last_day, month_after, month_of
from ledger.common.decimals import ZERO, plain
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Work
from ledger.policies.book import BOOK, PolicyBook
from ledger.scores.account import Account
from ledger.scores.charges import Charges, whole_cost, with_charge
from ledger.scores.closings import CLOSINGS, OPEN, Closings
from ledger.scores.formula import cost_of
from ledger.scores.values import Carry, Charge, account_of


class Books:
    """The accounts that one command changes."""

    def __init__(self, work: Work, occurred_at: datetime) -> None:
        self.changed: dict[str, Aggregate] = {}
        self._work = work
        self._closings: Closings = work.load(Closings, CLOSINGS)
        self._occurred_at = occurred_at
        self._book: PolicyBook = work.load(PolicyBook, BOOK)

    def _at(self, month: str) -> datetime:
        """When a change is booked: in a month that was once sealed, no earlier than its sealing, so
        that an answer as of an earlier business time still shows the final figures."""
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
        month = month_of(charge.breached_on)
        account = self.account(member, month)
        carried = self._carried(account, charge.charge, charge)
        account.charge(member, charge, carried, occurred_at=self._at(month))
        self._pass_on(member, month, charge.charge, carried)

    def reduce(self, member: str, month: str, name: str, *, points: str) -> None:
        """Take fewer points for a charge."""
        account = self.account(member, month)
        carried = self._carried(account, name, account.reduced(name, points))
        account.reduce({"member": member, "charge": name, "points": points}, carried,
                       occurred_at=self._at(month))
        self._pass_on(member, month, name, carried)

    def reverse(self, member: str, month: str, name: str) -> None:
        """Take no points for a charge; if it is not there, nothing changes."""
        account = self.account(member, month)
        if name not in account.charges:
            return
        carried = self._carried(account, name, None)
        account.reverse({"member": member, "charge": name}, carried, occurred_at=self._at(month))
        self._pass_on(member, month, name, carried)

    def bring_back(self, member: str, month: str) -> None:
        """Count in a reopened month again what it passed on to months that are still open. What
        counts in a month that was sealed meanwhile stays there: that score is final."""
        for charge, carry in self.account(member, month).lent:
            if not self._closings.is_sealed(carry.to_month):
                back = plain(-Decimal(carry.points))
                self._carry((member, carry.to_month, carry.post), (month, charge, back))
                self._carry((member, month, carry.post), (carry.to_month, charge, carry.points))

    def carry_on(self, member: str, month: str, posts: Iterable[str]) -> None:
        """Pass on to the next open month what other months passed on to this one, in which the
        member is left out: without a figure here, it would be lost."""
        account, to = self.account(member, month), self._closings.open_from(month_after(month))
        for post in sorted(posts):
            if points := account.carried_in(post):
                name = f"left out of {month}"
                self._carry((member, month, post), (to, name, plain(-points)))
                self._carry((member, to, post), (month, name, plain(points)))

    def _carried(self, account: Account, name: str, after: Charge | None) -> list[Carry]:
        """What of a change does not count in its own month, by post. `after` is the charge as the
        change leaves it; None: it falls.

        In an open month, nothing. In a sealed one, all of it, except for posts in which the member
        was left out. In a reopened one, what undoes a part of the charge that counts in a month
        sealed meanwhile: the points were taken there, and can only be given back in an open month.
        """
        if self._closings.seal_of(account.month).state == OPEN:
            return []
        sealed = self._closings.is_sealed(account.month)
        to = self._closings.open_from(
            max(self._work.days.month_of(self._occurred_at), month_after(account.month)))
        charges = with_charge(account.charges, name, after)
        found: list[Carry] = []
        # Every post is compared: where a rule escalates, one charge more or less changes what later
        # charges count, of other posts too.
        for post in sorted(account.posts() | {one.post for one in charges.values()}):
            points = self._cost(account, charges, post) - self._cost(account, account.charges, post)
            if not sealed:
                lent = self._lent(account, name, post)
                points = -min(lent, -points) if lent > 0 > points else ZERO
            if points:
                found.append(Carry(post, to, plain(points)))
        return found

    def _lent(self, account: Account, name: str, post: str) -> Decimal:
        """The points of a charge that count in months which are sealed."""
        return sum((Decimal(one.carry.points) for one in account.lent
                    if (one.charge, one.carry.post) == (name, post)
                    and self._closings.is_sealed(one.carry.to_month)), ZERO)

    def _cost(self, account: Account, charges: Charges, post: str) -> Decimal:
        """What charges take from the sealed figure of a post. Charges of a post that turned out not
        to be held have no figure: they count, whole, in that of the first post held."""
        scored = {one.post for one in account.figures}
        left_out = (one.post for one in self._closings.seal_of(account.month).left_out
                    if account_of(one.member, account.month) == account.id)
        if not scored or post in left_out:
            return ZERO
        if post not in scored:
            return whole_cost(charges, post)
        return cost_of(charges, post, self._book.on(last_day(account.month)))

    def _pass_on(self, member: str, month: str, name: str, carried: Iterable[Carry]) -> None:
        """Count in other months what is carried to them."""
        for one in carried:
            self._carry((member, one.to_month, one.post), (month, name, one.points))

    def _carry(self, to: tuple[str, str, str], what: tuple[str, str, str]) -> None:
        (member, month, post), (from_month, name, points) = to, what
        self.account(member, month).carry(
            {"member": member, "post": post, "from_month": from_month, "charge": name,
             "points": points}, occurred_at=self._at(from_month))
