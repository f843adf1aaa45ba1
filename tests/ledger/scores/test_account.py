"""Members' months: charges in any order, escalation, what is carried, and how a score is made."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from ledger.common.decimals import ZERO, plain, rounded
from ledger.policies.values import (
    Band,
    Escalation,
    Scorecard,
    ScorecardItem,
    Sections,
    Version,
    weights_of,
)
from ledger.scores.account import Account
from ledger.scores.charges import counted as counted_of
from ledger.scores.charges import whole_cost, with_charge
from ledger.scores.formula import coefficient_of, cost_of, figure_of, sheet_of
from ledger.scores.values import COMMITTEE_SHEET, SECOND_SHEET, Carry, Charge
from tests.support.builders import NOON

WANG, POST = "member:wang", "customer_service"
DOUBLES = Escalation(3, "2")

CARD = Scorecard(post=POST, items=[
    ScorecardItem(item="pre_sale/1", weight="60", zh="接待", en="reception"),
    ScorecardItem(item="after_sale/1", weight="30", zh="售后", en="after-sales"),
    ScorecardItem(item="attendance/1", weight="10", zh="考勤", en="attendance",
         computed_from=["AT-LATE"])])
BANDS = [Band(coefficient="0.5", below="65"), Band(coefficient="1.0", at_least="65", below="80"),
         Band(coefficient="1.2", at_least="80", below="95"),
         Band(coefficient="1.5", at_least="95")]
VERSION = Version(1, "2026-01-01", Sections(scorecards=[CARD], coefficients=BANDS))


def charge(name: str, day: str = "2026-09-03", **fields: Any) -> Charge:
    """Half a point for an enquiry that was not followed up."""
    return Charge(**{"charge": f"deduction:{name}", "rule": "CS-FOLLOWUP", "party": "offender",
                     "post": POST, "points": "0.5", "breached_on": day, "policy": 1,
                     "escalation": DOUBLES, **fields})


def account(*charges: Charge) -> Account:
    """A month with charges."""
    found = Account.blank("month:wang:2026-09")
    for one in charges:
        found.charge(WANG, one, [], occurred_at=NOON)
    return found


def graded(found: Account, sheet: str, grader: str, **grades: str) -> Account:
    """A month with grades of both gradable items."""
    both = {"pre_sale/1": grades["pre"], "after_sale/1": grades["after"]}
    found.grade({"member": WANG, "post": POST, "sheet": sheet, "grader": grader, "note": None},
                both, occurred_at=NOON)
    return found


def full() -> Account:
    """A month that is graded: committee 90 and 80, the member himself 100 and 100."""
    found = graded(account(), COMMITTEE_SHEET, "member:liu", pre="90", after="80")
    return graded(found, SECOND_SHEET, WANG, pre="100", after="100")


def reverse(found: Account, name: str) -> None:
    """A charge falls."""
    found.reverse({"member": WANG, "charge": f"deduction:{name}"}, [], occurred_at=NOON)


def counted(found: Account) -> list[Decimal]:
    """The points of each charge, by the order of the facts."""
    return [points for _, points in sorted(
        found.counted().items(), key=lambda pair: found.charges[pair[0]].breached_on)]


# -- charges --------------------------------------------------------------------------------------


def test_deductions__count_double_from_the_third_of_a_month() -> None:
    found = account(*(charge(str(day), f"2026-09-{day:02d}") for day in range(1, 6)))

    assert counted(found) == list(map(Decimal, ("0.5", "0.5", "1.0", "1.0", "1.0")))
    assert found.cost(POST, "month") == 4


@examples(st.permutations(range(1, 7)), st.sets(st.integers(1, 6)))
def test_deductions__count_the_same_in_any_order_of_confirmations(
    order: list[int], fallen: set[int]
) -> None:
    charges = {day: charge(str(day), f"2026-09-{day:02d}") for day in order}
    found = account(*(charges[day] for day in order))
    for day in fallen:
        reverse(found, str(day))
    left = account(*(one for day, one in sorted(charges.items()) if day not in fallen))

    assert counted(found) == counted(left)
    assert figure_of(found, WANG, POST, VERSION) == figure_of(left, WANG, POST, VERSION)
    assert set(found.reversed) == {f"deduction:{day}" for day in fallen}


def test_charges__are_a_value_that_a_change_leaves_alone() -> None:
    found = account(charge("1"), charge("2"), charge("3"))
    less = found.reduced("deduction:3", "0.25")

    for after, cost in ((less, "1.5"), (None, "1.0"), (charge("3"), "2.0")):
        assert whole_cost(with_charge(found.charges, "deduction:3", after), POST) == Decimal(cost)
    more = with_charge(found.charges, "deduction:0", charge("0", "2026-09-01"))
    assert counted_of(more)["deduction:3"] == 1
    assert (len(found.charges), found.whole_cost(POST)) == (3, 2)


def test_deductions__of_other_rules_and_parts_escalate_by_themselves() -> None:
    found = account(charge("1"), charge("2", rule="CS-OTHER"), charge("3", party="supervisor"),
                    charge("4"))

    assert set(found.counted().values()) == {Decimal("0.5")}


def test_deduction__lowers_its_item_and_no_more_than_that() -> None:
    late = {"rule": "AT-LATE", "counts_in": "attendance/1", "points": "4", "escalation": None}
    found = full()
    for name in ("a", "b", "c"):
        found.charge(WANG, charge(name, **late), [], occurred_at=NOON)

    item = sheet_of(found, POST, COMMITTEE_SHEET, VERSION).items[-1]
    assert (item.points, item.lost) == (0, 12)
    assert cost_of(found.charges, POST, VERSION) == 10
    assert figure_of(found, WANG, POST, VERSION).deductions == "0"


# -- scores ---------------------------------------------------------------------------------------


def test_score__is_three_quarters_committee_and_a_quarter_self_exactly() -> None:
    found = full()
    found.charge(WANG, charge("1"), [], occurred_at=NOON)
    found.set_bonus({"member": WANG, "post": POST, "task": "trains others", "points": "2.5"}, None,
                    occurred_at=NOON)

    figure = figure_of(found, WANG, POST, VERSION)

    assert figure.committee == "88"          # 54 + 24 + 10
    assert figure.second == "100"
    assert (figure.bonus, figure.deductions) == ("2.5", "0.5")
    assert figure.score == "93"              # 66 + 25 + 2.5 - 0.5
    assert (figure.coefficient, figure.policy_version) == ("1.2", 1)


def test_score__is_unknown_until_both_sheets_are_graded() -> None:
    found = graded(account(), COMMITTEE_SHEET, "member:liu", pre="90", after="80")

    figure = figure_of(found, WANG, POST, VERSION)

    assert (figure.committee, figure.second, figure.score, figure.coefficient) == (
        "88", None, None, None)
    assert sheet_of(found, POST, SECOND_SHEET, VERSION).missing == ["pre_sale/1", "after_sale/1"]


def test_score__takes_the_mean_of_several_committee_members_to_one_digit() -> None:
    found = full()
    graded(found, COMMITTEE_SHEET, "member:chen", pre="91", after="80")
    graded(found, COMMITTEE_SHEET, "member:zhou", pre="91", after="81")

    items = sheet_of(found, POST, COMMITTEE_SHEET, VERSION).items

    assert [item.grade for item in items[:2]] == [Decimal("90.7"), Decimal("80.3")]
    assert items[0].graders == ("member:chen", "member:liu", "member:zhou")
    assert items[0].points == Decimal("54.42")


def test_score__is_not_clamped() -> None:
    found = full()
    for number in range(30):
        found.charge(WANG, charge(str(number), rule=f"R{number}", points="10"), [],
                     occurred_at=NOON)

    figure = figure_of(found, WANG, POST, VERSION)

    assert (figure.score, figure.coefficient) == ("-209", "0.5")


@pytest.mark.parametrize(("score", "coefficient"), [
    ("-3", "0.5"), ("64.9999", "0.5"), ("65", "1.0"), ("79.9", "1.0"), ("80", "1.2"),
    ("94.99", "1.2"), ("95", "1.5"), ("120", "1.5")])
def test_score__has_the_coefficient_of_its_band(score: str, coefficient: str) -> None:
    assert coefficient_of(Decimal(score), BANDS) == coefficient


def test_score__of_a_post_without_a_scorecard_is_one_item_of_100() -> None:
    found = Account.blank("month:wang:2026-09")
    for sheet, grade in ((COMMITTEE_SHEET, "80"), (SECOND_SHEET, "90")):
        found.grade({"member": WANG, "post": "keeper", "sheet": sheet, "grader": "member:liu",
                     "note": None}, {"work/1": grade}, occurred_at=NOON)

    assert figure_of(found, WANG, "keeper", VERSION).score == "82.5"


def test_score__of_a_scaled_scorecard_scales_points_with_the_weight() -> None:
    card = Scorecard(post=POST, normalise=True, items=[
        ScorecardItem(item="a/1", weight="100", zh="a", en="a"),
        ScorecardItem(item="attendance/1", weight="10", zh="b", en="b", computed_from=["AT-LATE"])])
    version = Version(1, "2026-01-01", Sections(scorecards=[card]))
    found = account(charge("1", rule="AT-LATE", counts_in="attendance/1", points="2",
                           escalation=None))

    assert weights_of(card) == {"a/1": Decimal("90.9091"), "attendance/1": Decimal("9.0909")}
    item = sheet_of(found, POST, COMMITTEE_SHEET, version).items[0]
    assert (item.lost, item.points) == (Decimal("1.8182"), Decimal("7.2727"))


@examples(st.lists(st.decimals("0.1", "60", places=1), min_size=1, max_size=30))
def test_score__of_scaled_weights_stays_inside_100(weights: list[Decimal]) -> None:
    card = Scorecard(post=POST, normalise=True, items=[
        ScorecardItem(item=f"i/{number}", weight=plain(weight), zh="x", en="x")
        for number, weight in enumerate(weights)])

    found = weights_of(card)

    assert sum(found.values()) == 100
    total = sum(weights)
    for name, weight in zip(found, weights, strict=True):
        assert abs(found[name] - weight * 100 / total) <= Decimal("0.0001")


# -- what is carried ------------------------------------------------------------------------------


@examples(st.lists(st.sampled_from(["0.5", "1", "3"]), max_size=5))
def test_month__computes_to_the_same_score_when_its_changes_are_carried(
    late: Iterable[str]
) -> None:
    found = full()
    before = figure_of(found, WANG, POST, VERSION).score
    for number, points in enumerate(late):
        one = charge(str(number), points=points)
        after = with_charge(found.charges, one.charge, one)
        more = cost_of(after, POST, VERSION) - cost_of(found.charges, POST, VERSION)
        carried = [Carry(POST, "2026-10", plain(more))]
        found.charge(WANG, one, carried, occurred_at=NOON)

        assert figure_of(found, WANG, POST, VERSION).score == before


def test_decimals__are_written_without_exponent_or_idle_zeros() -> None:
    assert [plain(Decimal(text)) for text in ("1E+2", "1.500", "-0.0", "0.0001", "10")] == [
        "100", "1.5", "0", "0.0001", "10"]
    assert rounded(Decimal("0.00005")) == Decimal("0.0001")
    assert ZERO == 0
