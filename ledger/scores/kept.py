"""What a read model keeps of a member's month: all that its account knows."""

from collections.abc import Mapping
from typing import Self

import msgspec

from ledger.scores.account import Account, Grades
from ledger.scores.values import Bonus, Charge, Figure, Lent


class Kept(msgspec.Struct, omit_defaults=True):
    """An account."""

    grades: Mapping[str, Grades] = {}
    bonuses: Mapping[str, Mapping[str, Bonus]] = {}
    charges: Mapping[str, Charge] = {}
    reversed: Mapping[str, Charge] = {}
    carried: Mapping[str, str] = {}
    lent: tuple[Lent, ...] = ()
    figures: tuple[Figure, ...] = ()

    @classmethod
    def of(cls, account: Account) -> Self:
        """What is kept of an account."""
        return cls(account.grades, account.bonuses, account.charges, account.reversed,
                   account.carried, account.lent, account.figures)

    def restored(self, stream: str) -> Account:
        """The account again, for its next event."""
        account = Account.blank(stream)
        account.grades, account.bonuses = self.grades, self.bonuses
        account.charges, account.reversed = self.charges, self.reversed
        account.carried, account.lent, account.figures = self.carried, self.lent, self.figures
        return account
