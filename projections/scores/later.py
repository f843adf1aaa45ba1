"""Which sealed figures rest on other news: facts that came after the seal and are about its month.

A sealed score stays as it was sealed. What is known now is computed again beside it: a fact that
would change no figure is not mentioned.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal

from ledger.common.decimals import ZERO
from ledger.scores.account import Account
from ledger.scores.values import Figure
from projections.people.later import POST

ATTENDANCE, LEAVE = "attendance_known_later", "leave_known_later"
CHARGE = "charge_known_later"
WORDS = (ATTENDANCE, LEAVE, CHARGE, POST)
"""Why a sealed figure would come out otherwise."""

Key = tuple[str, str]
"""A member and a post."""


def rests_on(
    accounts: Mapping[str, Account], computed: Iterable[Figure], left_out: Collection[Key]
) -> dict[Key, list[str]]:
    """Why figures of a sealed month would come out otherwise, in words, sorted, by member and post.

    Shapes: `accounts` by member, `computed` the figures that come out of what is known now,
    `left_out` those who get none. A key without a sealed figure is that of one that there would be.
    charge_known_later, attendance_known_later and leave_known_later: points of the month that count
    in another one, since it was sealed; post_known_later: who held which posts. No policy begins in
    a sealed month. Rule: R-MON-27.
    """
    final = {(one.member, one.post): one for account in accounts.values()
             for one in account.figures}
    found: dict[Key, set[str]] = {}
    for who, account in accounts.items():
        held = [post for member, post in final if member == who]
        for post, word in _charged(account):
            if held:
                found.setdefault((who, post if post in held else held[0]), set()).add(word)
    now = {(one.member, one.post): one for one in computed}
    for key in {*final, *now}.difference(left_out):
        if _coming_to(final.get(key)) != _coming_to(now.get(key)):
            found.setdefault(key, set()).add(POST)
    return {key: sorted(words) for key, words in sorted(found.items())}


def _charged(account: Account) -> Iterator[tuple[str, str]]:
    """Posts of which points count in another month, each with the word for what they were taken
    for; what was given back there counts nothing."""
    sums: dict[tuple[str, str], Decimal] = {}
    for one in account.lent:
        key = one.charge, one.carry.post
        sums[key] = sums.get(key, ZERO) + Decimal(one.carry.points)
    for (charge, post), points in sums.items():
        if points:
            yield post, {"attendance": ATTENDANCE, "leave": LEAVE}.get(
                charge.partition(":")[0], CHARGE)


def _coming_to(figure: Figure | None) -> tuple[str | None, str | None] | None:
    """What a month comes to for a member. Points that count in another month still come off an item
    here, and off the total less: only the sum is compared."""
    return None if figure is None else (figure.score, figure.coefficient)


def of_month(found: Mapping[Key, list[str]]) -> list[str]:
    """The words for a month: those of its figures."""
    return sorted({word for words in found.values() for word in words})
