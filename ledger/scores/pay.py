"""What a scheme of pay says of a month, term by term: the arithmetic, and nobody's wage.

It is asked with figures, so that a shop sees what a policy would pay before it is published. Sums
are in minor units, each rounded to a whole one, a half to the even; what a judgement decides inside
a range has both bounds.
"""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from ledger.common.decimals import ZERO
from ledger.common.phrases import there_are
from ledger.policies.errors import SchemeUnknown
from ledger.policies.pay import (
    ATTAINMENT,
    COEFFICIENT,
    LATE_TIMES,
    TIERS,
    PayRange,
    PayScheme,
    Tier,
)
from ledger.policies.values import Band, Version
from ledger.scores.formula import coefficient_of

ONE = Decimal(1)


class Month(NamedTuple):
    """The figures of a month. Units: points of 100, shares of the plan, minor units of the orders
    that a commission is of, times and days, and closed months in a row up to this one."""

    score: Decimal = Decimal(100)
    attained: Decimal = ONE
    orders_minor: int = 0
    late_times: int = 0
    absent_days: int = 0
    low_months: int = 0


class Term(NamedTuple):
    """A term of a month's pay. Units: minor units."""

    term: str
    min_minor: int
    max_minor: int
    currency: str
    per: str | None = None
    of: str | None = None


def scheme_of(version: Version, name: str, post: str) -> PayScheme:
    """A scheme of a post by its name. Errors: SchemeUnknown (R-POL-16)."""
    schemes = [one for one in version.sections.pay or () if post in one.posts]
    found = next((one for one in schemes if one.scheme == name), None)
    if found is None:
        raise SchemeUnknown(version=version.number, name=name, post=post,
                            known=there_are(sorted(one.scheme for one in schemes)))
    return found


def month_pay(version: Version, name: str, post: str, month: Month) -> list[Term]:
    """What a scheme pays a post for a month, the fixed terms first; last, a term without money
    where a warning is due. Errors: R-POL-16."""
    scheme = scheme_of(version, name, post)
    fixed = [Term(term, whole, whole, scheme.currency, of=of)
             for term, sum_, of in _fixed(version, scheme, post, month)
             for whole in [_whole(sum_)]]
    ranges = [Term(one.term, one.min_minor, one.max_minor, scheme.currency, one.per)
              for one in scheme.ranges if post in one.posts and _reached(one, month.attained)]
    warned = [Term("warning", 0, 0, scheme.currency)] if _is_warned(scheme, month) else []
    return [*fixed, *ranges, *warned]


def _is_warned(scheme: PayScheme, month: Month) -> bool:
    """Whether it is the last of so many low months in a row that a warning is due."""
    if (warning := scheme.warning) is None:
        return False
    low = month.score < Decimal(warning.below) or (
        warning.or_target_missed and month.attained < ONE)
    return low and month.low_months >= warning.months


def _fixed(
    version: Version, scheme: PayScheme, post: str, month: Month
) -> Iterator[tuple[str, Decimal, str | None]]:
    base = Decimal(scheme.base_minor.get(post, 0))
    if post in scheme.base_minor:
        times = ONE
        if scheme.performance == COEFFICIENT:
            times = _coefficient(month.score, version.sections.coefficients or ())
        yield "base", base * times, None
    if scheme.full_attendance_share is not None and not _loses(scheme, month):
        yield "full_attendance", base * Decimal(scheme.full_attendance_share), None
    if scheme.performance == TIERS:
        share = _tier(month.score, scheme.tiers) * Decimal(scheme.performance_share or 0)
        yield "performance", base * share, None
    if scheme.performance == ATTAINMENT:
        share = month.attained if month.attained >= Decimal(scheme.nothing_below or 0) else ZERO
        yield "performance", Decimal(scheme.performance_minor or 0) * min(share, ONE), None
    if scheme.commission is not None and post in scheme.commission_posts:
        yield ("commission", Decimal(scheme.commission) * month.orders_minor,
               scheme.commission_on)


def _coefficient(score: Decimal, bands: Sequence[Band]) -> Decimal:
    return Decimal(coefficient_of(score, bands) or 1)


def _tier(score: Decimal, tiers: Sequence[Tier]) -> Decimal:
    return next(Decimal(one.pays) for one in tiers
                if (one.at_least is None or score >= Decimal(one.at_least))
                and (one.below is None or score < Decimal(one.below)))


def _loses(scheme: PayScheme, month: Month) -> bool:
    return any((month.late_times if kind == LATE_TIMES else month.absent_days) >= times
               for kind, times in scheme.full_attendance_lost_at.items())


def _reached(one: PayRange, attained: Decimal) -> bool:
    return (one.below is None or attained < Decimal(one.below)) and (
        one.at_least is None or attained >= Decimal(one.at_least))


def _whole(sum_: Decimal) -> int:
    return int(sum_.quantize(ONE, ROUND_HALF_EVEN))
