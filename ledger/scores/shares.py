"""Which share of a member's month each of their posts has: by the days that it was held.

A member who moves in the middle of a month has one score, not two. The sources print scores by
month and post and say nothing of a move: docs/adr/0039-one-score-by-days-held.md.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ledger.common.decimals import FINEST, plain, rounded

DaysHeld = Mapping[str, Collection[str]]
"""The days of a month on which a member held each post, by post."""

ONE = Decimal(1)


class Share(NamedTuple):
    """A post's share of a member's month. Units: `share` of 1, a decimal with at most four digits
    after the point; `days` of the month, None where one post has them all."""

    share: Decimal = ONE
    days: str | None = None


WHOLE = Share()


def shares_of(held: DaysHeld) -> dict[str, Share]:
    """The share of each post, by post; together they are 1 exactly. Rule: R-MON-20.

    The days are those on which any of the posts was held: of whoever joins in the month and holds
    one post, that post has all of it. A day on which several are held counts for each in equal
    parts. What rounding leaves falls to the last post by name.
    """
    posts = sorted(post for post, days in held.items() if days)
    if len(posts) == 1:
        return {posts[0]: WHOLE}
    at_once = Counter(day for post in posts for day in held[post])
    days = {post: sum((Fraction(1, at_once[day]) for day in held[post]), Fraction(0))
            for post in posts}
    found: dict[str, Share] = {}
    left = ONE
    for post in posts:
        share = left if post == posts[-1] else _decimal(days[post] / len(at_once))
        left -= share
        found[post] = Share(share, plain(_decimal(days[post])))
    return found


def _decimal(value: Fraction) -> Decimal:
    return rounded(Decimal(value.numerator) / value.denominator, FINEST)
