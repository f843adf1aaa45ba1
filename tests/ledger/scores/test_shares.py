"""One score a month for whoever held several posts in it, by the days of each.

The oracle is a straight line: count days, weigh what was graded, take off what was lost, once.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from ledger.common.days import days_from
from ledger.common.decimals import plain
from ledger.people.commands import AssignPost, EndPost
from ledger.people.posts import Post, post_of
from ledger.policies.values import Band, Scorecard, ScorecardItem, Scoring, Sections, Version
from ledger.scores.account import Account
from ledger.scores.commands import SetBonus
from ledger.scores.errors import BonusTooHigh, LeftOutUnknown, MonthNotGraded
from ledger.scores.formula import figures_of
from ledger.scores.shares import shares_of
from ledger.scores.values import SHEETS, Charge, Figure, LeftOut
from tests.support.stories import Story
from tests.support.team import (
    CHEN,
    LIU,
    MONTH,
    WANG,
    ZHOU,
    Step,
    account,
    appeal,
    at,
    confirm,
    continued,
    grade,
    graders,
    opening,
    overturn,
    propose,
    reopen,
    restate,
    seal,
    started,
)

OLD, NEW, THIRD = "customer_service", "dispatcher", "editor"
ALL = days_from("2026-09-01", "2026-09-30")
LATE = ScorecardItem(item="att/1", weight="10", zh="考勤", en="attendance",
                     computed_from=["LATE"])
WORK = ScorecardItem(item="work/1", weight="90", zh="工作", en="work")
VERSION = Version(1, "2026-01-01", Sections(
    scorecards=[Scorecard(post=post, items=[WORK, LATE]) for post in (OLD, NEW, THIRD)],
    coefficients=[Band(coefficient="0.5", below="65"), Band(coefficient="1.2", at_least="65")]))

held = st.dictionaries(st.sampled_from((OLD, NEW, THIRD)),
                       st.sets(st.sampled_from(ALL), min_size=1), min_size=1)
marks = st.sampled_from(("0", "33.3", "60", "87.5", "100"))
losses = st.lists(st.tuples(st.sampled_from((OLD, NEW, THIRD)), st.sampled_from(("month", "att/1")),
                            st.sampled_from(("0.5", "3", "6"))), max_size=5)


def september(
    given: Mapping[str, tuple[str, str]], lost: Sequence[tuple[str, str, str]] = ()
) -> Account:
    """Wang's month: what both sheets of each post got, and charges."""
    found = Account.blank("month:wang:2026-09")
    for post, both in given.items():
        for sheet, mark in zip(SHEETS, both, strict=True):
            found.grade({"member": WANG, "post": post, "sheet": sheet, "grader": LIU, "note": None},
                        {"work/1": mark}, occurred_at=at("2026-10-01"))
    for number, (post, counts_in, points) in enumerate(lost):
        found.charge(WANG, Charge(
            charge=f"deduction:{number}", rule="R", party="offender", post=post, points=points,
            breached_on="2026-09-03", policy=1, counts_in=counts_in), [],
            occurred_at=at("2026-09-04"))
    return found


def figures(found: Account, days: Mapping[str, Any]) -> list[Figure]:
    """Wang's figures."""
    return list(figures_of({WANG: found}, {WANG: days}, VERSION))


# -- the shares -----------------------------------------------------------------------------------


@examples(held)
def test_shares_of_a_period__add_up_to_one_and_follow_the_days(days: dict[str, set[str]]) -> None:
    """R-MON-20."""
    found = shares_of(days)
    assert sum(one.share for one in found.values()) == 1
    everybody = {day for each in days.values() for day in each}
    for post, one in found.items():
        parts = sum(1 / sum(day in each for each in days.values()) for day in days[post])
        assert abs(float(one.share) - parts / len(everybody)) < 0.0002
        assert one.days is None or abs(float(one.days) - parts) < 0.0001
    assert (len(found) == 1) == all(one.days is None for one in found.values())


@pytest.mark.parametrize(("last", "shares"), [
    ("2026-08-31", {NEW: "1"}), ("2026-09-01", {OLD: "0.0333", NEW: "0.9667"}),
    ("2026-09-15", {OLD: "0.5", NEW: "0.5"}), ("2026-09-30", {OLD: "1"})])
def test_shares_of_a_period__of_a_move_on_any_day(last: str, shares: dict[str, str]) -> None:
    """A move on the first gives one post."""
    old, new = Post.blank(post_of(OLD)), Post.blank(post_of(NEW))
    old.assign(WANG, "2026-01-01", occurred_at=at("2026-01-01"))
    old.end(WANG, last, None, occurred_at=at("2026-09-01"))
    new.assign(WANG, days_from(last, "2026-10-01")[1], occurred_at=at("2026-09-01"))

    days = {post.name: found[WANG] for post in (old, new)
            if (found := post.days_held("2026-09-01", "2026-09-30"))}
    assert shares_of(days) == shares_of({post: days[post] for post in reversed(days)})
    assert {post: plain(one.share) for post, one in shares_of(days).items()} == shares


def test_shares_of_a_period__are_whole_for_whoever_joins_in_it() -> None:
    assert shares_of({NEW: ALL[19:]})[NEW] == (1, None)


def test_shares_of_a_period__of_posts_held_at_once_are_equal() -> None:
    found = shares_of({OLD: ALL, NEW: ALL[:10], THIRD: ALL[:10]})
    assert {post: (str(one.share), one.days) for post, one in found.items()} == {
        OLD: ("0.7778", "23.3333"), NEW: ("0.1111", "3.3333"), THIRD: ("0.1111", "3.3333")}


# -- the score ------------------------------------------------------------------------------------


@examples(held, st.data(), losses)
def test_score_of_a_period__is_what_a_straight_line_gives(
    days: dict[str, set[str]], data: st.DataObject, lost: list[tuple[str, str, str]]
) -> None:
    """R-MON-21: what is lost is taken once."""
    given = {post: data.draw(st.tuples(marks, marks)) for post in days}
    found = figures(september(given, lost), days)

    results, taken = {}, Decimal(0)
    for post, (first, second) in given.items():
        results[post] = 10 + (Decimal("0.75") * Decimal(first) + Decimal("0.25") * Decimal(second)
                              ) * Decimal("0.9")
        taken += min(Decimal(10), sum((Decimal(points) for one, item, points in lost
                                       if (one, item) == (post, "att/1")), Decimal(0)))
    taken += sum(Decimal(points) for post, item, points in lost
                 if item == "month" or post not in days)
    everybody = {day for each in days.values() for day in each}
    parts = {post: sum(Fraction(1, sum(day in each for each in days.values()))
                       for day in days[post]) / len(everybody) for post in days}
    shares = {post: (Decimal(part.numerator) / part.denominator).quantize(
        Decimal("0.0001"), ROUND_HALF_UP) for post, part in parts.items()}
    shares[max(days)] += 1 - sum(shares.values())
    score = sum(shares[post] * results[post] for post in days) - taken

    assert {Decimal(str(one.score)) for one in found} == {score}
    assert min(results.values()) <= score + taken <= max(results.values())
    assert len({one.coefficient for one in found}) == 1
    assert [one.post for one in found] == sorted(days)
    if len(days) > 1:
        assert sum(Decimal(str(one.part)) for one in found) == score


@examples(marks, marks, losses)
def test_score_of_a_period__of_one_post_is_as_printed(
    first: str, second: str, lost: list[tuple[str, str, str]]
) -> None:
    (found,) = figures(september({OLD: (first, second)}, lost), {OLD: ALL})
    assert found.score is not None
    assert Decimal(found.score) == Decimal("0.75") * Decimal(str(found.committee)) \
        + Decimal("0.25") * Decimal(str(found.second)) - Decimal(found.deductions)
    assert (found.share, found.days, found.part) == ("1", None, None)


def test_score_of_a_period__waits_for_the_sheets_of_every_post() -> None:
    found = figures(september({OLD: ("90", "90")}), {OLD: ALL[:15], NEW: ALL[15:]})
    assert [(one.score, one.coefficient) for one in found] == [(None, None)] * 2


# -- a move in mid-month, from the terms to the restatement ---------------------------------------

MOVED: list[Step] = [
    ("system", EndPost(member=WANG, post=OLD, until="2026-09-10", occurred_at=at("2026-09-10"))),
    ("system", AssignPost(member=WANG, post=NEW, since="2026-09-11",
                          occurred_at=at("2026-09-10")))]
"""Ten days in the old post, twenty in the new one."""


def marked(post: str, mark: str) -> list[Step]:
    """Both sheets of a post of Wang's."""
    return [(who, grade(WANG, sheet, post=post, grades={"work/1": mark}))
            for who, sheet in ((LIU, "committee"), (WANG, "second"))]


def moved(*steps: Step) -> Story:
    """Wang moves; he is 60 in the old post, 90 in the new one."""
    return started(*MOVED, *steps, *graders(but=WANG), *marked(OLD, "60"), *marked(NEW, "90"))


def sealed(story: Story) -> dict[str, tuple[str | None, str, str | None, str | None]]:
    """Score, share, days and part by post, as sealed."""
    return {one.post: (one.score, one.share, one.days, one.part)
            for one in account(story, WANG).figures}


def test_month_of_a_period__sealed_has_one_score_of_two_posts() -> None:
    story = continued(moved((CHEN, propose(code="R3")), (ZHOU, confirm())), (CHEN, seal()))

    assert sealed(story) == {  # 60 x 0.3333 + 90 x 0.6667 - 3
        OLD: ("77.001", "0.3333", "10", "16.998"), NEW: ("77.001", "0.6667", "20", "60.003")}


def test_month_of_a_period__restated_gives_back_a_deduction_once() -> None:
    story = continued(
        moved((CHEN, propose(code="R3")), (ZHOU, confirm())), (CHEN, seal()),
        (WANG, appeal(day="2026-09-08")), (CHEN, reopen()), (LIU, overturn(day="2026-10-05")),
        (CHEN, restate()))

    assert {score for score, *_ in sealed(story).values()} == {"80.001"}


def test_month_of_a_period__restated_follows_a_term_that_was_recorded_late() -> None:
    story = continued(
        moved(), (CHEN, seal()), ("system", EndPost(
            member=WANG, post=NEW, until="2026-09-20", occurred_at=at("2026-10-03"))),
        (CHEN, reopen()), (CHEN, restate()))

    assert sealed(story) == {OLD: ("75", "0.5", "10", "30"), NEW: ("75", "0.5", "10", "45")}


def test_month_of_a_period__leaves_a_post_out_and_the_other_has_all_of_it() -> None:
    """R-MON-22."""
    story = started(*MOVED, *graders(but=WANG), *marked(NEW, "90"))
    story.by(CHEN).when(seal()).refused(MonthNotGraded)
    twice = [LeftOut(WANG, OLD, "short_time")] * 2
    story.when(seal(left_out=twice)).refused(LeftOutUnknown)
    continued(story, (CHEN, seal(left_out=twice[:1])))

    assert sealed(story) == {NEW: ("90", "1", None, None)}


def test_bonus_of_a_period__is_20_at_the_most_for_all_posts() -> None:
    def task(post: str, points: str) -> SetBonus:
        return SetBonus(member=WANG, month=MONTH, post=post, task="t", points=points,
                        occurred_at=at("2026-09-30"))

    story = started(*MOVED, (LIU, task(OLD, "15")), opened=opening(
        scoring=Scoring(bonus_posts=[OLD, NEW])))
    story.by(LIU).when(task(NEW, "5.5")).refused(BonusTooHigh)
    story.when(task(NEW, "5")).then("month.bonus_set.v1")
