"""Schemes of pay as a policy has them. What a month comes to by them, `ledger.scores.pay` says."""

from typing import Annotated

import msgspec

from ledger.common.bounds import AnyInteger, Currency, Id, Items, LongText, Name
from ledger.policies.sourced import DecimalText, Names, Sourced

COEFFICIENT, TIERS, ATTAINMENT = PERFORMANCES = ("coefficient", "tiers", "attainment")
"""What the performance pay follows: the coefficient of the score, tiers of it, or the month's plan.
"""

OWN_ORDERS, ALL_ORDERS = COMMISSION_ON = ("own_orders", "all_orders")
"""Whose orders of the month a commission is of, less returns."""

ABSENT_DAYS, LATE_TIMES = FULL_ATTENDANCE = ("absent_days", "late_early_or_leave_times")
"""What loses the pay for full attendance."""

PER = ("rating", "month")
"""What a further sum is paid for."""


class Tier(Sourced, frozen=True, kw_only=True):
    """The share of the performance pay for scores of `at_least` or more, below `below`."""

    pays: DecimalText
    at_least: DecimalText | None = None
    below: DecimalText | None = None


class PayRange(Sourced, frozen=True, kw_only=True):
    """A further sum between two bounds; below 0 it is taken away. Units: minor units.

    `posts` are those that get it, `below` and `at_least` the share of the plan that it needs.
    """

    term: Id
    min_minor: AnyInteger
    max_minor: AnyInteger
    per: Name
    posts: Names
    below: DecimalText | None = None
    at_least: DecimalText | None = None


class PayWarning(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True,
                 forbid_unknown_fields=True):
    """After how many months in a row with a score below `below`, or with the base target missed, a
    warning is due."""

    months: AnyInteger
    below: DecimalText
    or_target_missed: bool = False


class PayScheme(Sourced, frozen=True, kw_only=True):
    """A scheme of pay for some posts. Units: minor units, shares of 1.

    `performance` says what multiplies: `coefficient`, `tiers` (of the score) or `attainment` (of
    the month's plan, and nothing below `nothing_below`). `commission` is the share of the orders
    that `commission_on` names, for `commission_posts`. `terms` are printed without figures, for
    people.
    """

    scheme: Id
    posts: Names
    performance: Name
    base_minor: Annotated[dict[Id, AnyInteger], Items()] = {}
    currency: Currency = "CNY"
    tiers: Annotated[list[Tier], Items()] = []
    performance_share: DecimalText | None = None
    performance_minor: AnyInteger | None = None
    nothing_below: DecimalText | None = None
    full_attendance_share: DecimalText | None = None
    full_attendance_lost_at: Annotated[dict[Id, AnyInteger], Items()] = {}
    commission: DecimalText | None = None
    commission_on: Name | None = None
    commission_posts: Names = []
    ranges: Annotated[list[PayRange], Items()] = []
    warning: PayWarning | None = None
    terms: Annotated[dict[Id, LongText], Items()] = {}
