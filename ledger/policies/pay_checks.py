"""What has to be sound of a scheme of pay before it is published."""

from ledger.common.currencies import check_currency
from ledger.common.decimals import check_decimal
from ledger.common.values import Checks, quoted
from ledger.policies.bands import check_bands
from ledger.policies.pay import (
    ATTAINMENT,
    COMMISSION_ON,
    FULL_ATTENDANCE,
    PER,
    PERFORMANCES,
    TIERS,
    PayRange,
    PayScheme,
)


def check_scheme(checks: Checks, at: str, scheme: PayScheme) -> None:
    """All that is wrong in a scheme but for its posts: a figure that nothing would read, too."""
    _one_of(checks, f"{at}/performance", scheme.performance, PERFORMANCES)
    check_currency(checks, f"{at}/currency", scheme.currency)
    for post, minor in scheme.base_minor.items():
        checks.integer(f"{at}/base_minor/{post}", minor, least=0)
        if post not in scheme.posts:
            checks.fault(f"{at}/base_minor/{post}", "unused", "is not a post of the scheme")
    if scheme.performance_minor is not None:
        checks.integer(f"{at}/performance_minor", scheme.performance_minor, least=0)
    for name in ("performance_share", "nothing_below", "full_attendance_share", "commission"):
        if (share := getattr(scheme, name)) is not None:
            check_decimal(checks, f"{at}/{name}", share, most="1")
    _attendance(checks, at, scheme)
    _commission(checks, at, scheme)
    for index, one in enumerate(scheme.ranges):
        _range(checks, f"{at}/ranges/{index}", one)
    if (warning := scheme.warning) is not None:
        checks.integer(f"{at}/warning/months", warning.months, least=1, most=120)
        check_decimal(checks, f"{at}/warning/below", warning.below, most="100")
    _performance(checks, at, scheme)


def _performance(checks: Checks, at: str, scheme: PayScheme) -> None:
    if (scheme.performance == TIERS) != bool(scheme.tiers):
        checks.fault(f"{at}/tiers", "tiers",
                     f"{scheme.scheme} pays by {scheme.performance}: a scheme has tiers if and "
                     "only if it pays by tiers")
    if scheme.performance_share is not None and scheme.performance != TIERS:
        checks.fault(f"{at}/performance_share", "unused", "is read only by a scheme of tiers")
    for name in ("performance_minor", "nothing_below"):
        if getattr(scheme, name) is not None and scheme.performance != ATTAINMENT:
            checks.fault(f"{at}/{name}", "unused", "is read only by a scheme of attainment")
    if scheme.tiers:
        for index, tier in enumerate(scheme.tiers):
            check_decimal(checks, f"{at}/tiers/{index}/pays", tier.pays, most="10")
        check_bands(checks, f"{at}/tiers", scheme.tiers, f"the tiers of {scheme.scheme}")


def _attendance(checks: Checks, at: str, scheme: PayScheme) -> None:
    for kind, times in scheme.full_attendance_lost_at.items():
        where = f"{at}/full_attendance_lost_at/{kind}"
        _one_of(checks, where, kind, FULL_ATTENDANCE)
        checks.integer(where, times, least=1, most=1000)
    if scheme.full_attendance_lost_at and scheme.full_attendance_share is None:
        checks.fault(f"{at}/full_attendance_share", "missing", "is needed: what is lost")


def _commission(checks: Checks, at: str, scheme: PayScheme) -> None:
    if scheme.commission_on is not None:
        _one_of(checks, f"{at}/commission_on", scheme.commission_on, COMMISSION_ON)
    if (scheme.commission is None) != (scheme.commission_on is None) or (
            (scheme.commission is None) != (not scheme.commission_posts)):
        checks.fault(f"{at}/commission", "mixed",
                     "needs commission_on and commission_posts, and these need a commission")


def _range(checks: Checks, at: str, one: PayRange) -> None:
    _one_of(checks, f"{at}/per", one.per, PER)
    if one.min_minor > one.max_minor:
        checks.fault(at, "not_ordered", f"{one.term} is {one.min_minor} to {one.max_minor}: the "
                                        "range is the wrong way round")
    if not one.posts:
        checks.fault(f"{at}/posts", "missing", f"{one.term} names no post")
    for name in ("below", "at_least"):
        if (share := getattr(one, name)) is not None:
            check_decimal(checks, f"{at}/{name}", share, most="10")


def _one_of(checks: Checks, where: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        checks.fault(where, "unknown", f"is {quoted(value)}, not one of {', '.join(known)}")
