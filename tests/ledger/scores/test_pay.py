"""What the printed schemes pay, worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.policies.errors import SchemeUnknown
from ledger.policies.reader import read
from ledger.policies.values import Sections, Version
from ledger.scores.pay import Month, month_pay


def printed() -> Version:
    """The printed schemes, with the coefficients of the scorecards."""
    return Version(1, "", read("pay").sections.over(read("scorecards").sections))


def paid(scheme: str, post: str, **figures: Any) -> dict[str, tuple[int, int]]:
    """The terms of a month."""
    month = Month(**{name: Decimal(value) if isinstance(value, str) else value
                     for name, value in figures.items()})
    return {one.term: (one.min_minor, one.max_minor)
            for one in month_pay(printed(), scheme, post, month)}


@pytest.mark.parametrize(("score", "base"), [
    ("64.9", 100_000), ("65", 200_000), ("80", 240_000), ("94.9", 240_000), ("95", 300_000)])
def test_pay__of_the_first_scheme_is_base_times_coefficient(score: str, base: int) -> None:
    assert paid("scheme_1", "dispatcher", score=score) == {"base": (base, base)}


def test_pay__of_customer_service_has_a_commission_and_rewards() -> None:
    assert paid("scheme_1", "customer_service", score="80", orders_minor=1_234_525) == {
        "base": (240_000, 240_000), "commission": (24_690, 24_690),
        "rating_amended_by_service": (1_000, 2_000),
        "rating_caused_by_own_service": (-10_000, -5_000)}


@pytest.mark.parametrize(("figures", "terms"), [
    ({"attained": "0.29"}, {"performance": 0, "head_penalty": -5_000}),
    ({"attained": "0.30"}, {"performance": 15_000}),
    ({"attained": "0.999"}, {"performance": 49_950}),
    ({"attained": "1.2"}, {"performance": 50_000, "over_plan_bonus_of_head": 10_000}),
])
def test_pay__of_the_plan_follows_what_was_attained(
    figures: dict[str, Any], terms: dict[str, int]
) -> None:
    found = paid("plan", "department_manager", **figures)

    assert {name: least for name, (least, _) in found.items()} == {"base": 350_000, **terms}


def test_pay__flagship_has_no_base_so_shares_of_it_are_of_what_a_shop_adds() -> None:
    (scheme,) = (one for one in read("pay").sections.pay or () if one.scheme == "flagship")
    with_base = replace(scheme, base_minor={"customer_service": 300_000})
    version = Version(1, "", Sections(pay=[with_base]))

    def terms(**figures: Any) -> dict[str, int]:
        return {one.term: one.min_minor for one in month_pay(
            version, "flagship", "customer_service", Month(**figures))}

    full = {"base": 300_000, "full_attendance": 30_000}
    assert terms(score=Decimal(80)) == {**full, "performance": 60_000}
    assert terms(score=Decimal("79.9")) == {**full, "performance": 36_000}
    assert terms(score=Decimal(60), late_times=2) == {**full, "performance": 24_000}
    assert terms(score=Decimal(59), low_months=2) == {**full, "performance": 0}
    assert terms(score=Decimal(59), low_months=3) == {**full, "performance": 0, "warning": 0}
    assert terms(attained=Decimal("0.9"), low_months=3)["warning"] == 0
    assert terms(late_times=3) == {"base": 300_000, "performance": 60_000}
    assert terms(absent_days=1) == {"base": 300_000, "performance": 60_000}


def test_pay__rejected_of_a_scheme_that_the_post_has_not() -> None:
    with pytest.raises(SchemeUnknown, match="no keeper by a scheme 'plan'. There is none yet"):
        paid("plan", "keeper")
