"""Months that are graded, sealed, reopened and restated; what comes later is carried."""

from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from ledger.common.errors import InvalidValues, LedgerError
from ledger.people.authority import SignatureNeeded
from ledger.people.commands import AssignPost, EndPost
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.commands import WithdrawPolicy
from ledger.policies.errors import (
    PolicyInForce,
    PolicyInSealedMonth,
    PolicyNotLast,
    PolicyOutOfOrder,
)
from ledger.policies.values import Scorecard, ScorecardItem
from ledger.scores.closings import CLOSINGS, Closings, digest_of
from ledger.scores.commands import GradeMember, SetBonus
from ledger.scores.errors import (
    BonusTooHigh,
    FiguresChanged,
    GraderMissing,
    ItemComputed,
    ItemUnknown,
    LeftOutUnknown,
    MonthNotBegun,
    MonthNotGraded,
    MonthNotOver,
    MonthNotReopened,
    MonthNotSealed,
    MonthSealed,
    NothingToRestate,
    NotInPost,
    NotTheGrader,
    OwnBonus,
    RestatementNeeded,
)
from ledger.scores.values import LeftOut, account_of
from tests.support.stories import given
from tests.support.team import (
    CHEN,
    LI,
    LIU,
    MONTH,
    POSTS,
    RULES,
    SCORING,
    WANG,
    ZHAO,
    ZHOU,
    appeal,
    at,
    closed,
    computed,
    confirm,
    continued,
    figures,
    grade,
    graders,
    overturn,
    propose,
    published,
    reopen,
    restate,
    rule,
    seal,
    started,
    team,
)
from tests.support.thorough import tried
from tests.support.written import WORDS, sealed_for

# -- grades ---------------------------------------------------------------------------------------


def test_month__graded_by_the_committee_and_the_second_grader() -> None:
    story = started()
    facts = story.by(LIU).when(grade(WANG, "committee")).then("month.graded.v1")
    assert (facts[0].grader, facts[0].grades) == (LIU, {"work/1": "90"})
    story.when(grade(WANG, "committee")).then()
    story.by(WANG).when(grade(WANG, "second")).then("month.graded.v1")


@pytest.mark.parametrize(("actor", "sheet"), [
    (CHEN, "committee"), (WANG, "committee"), ("system", "committee"), (LIU, "second"),
    (ZHAO, "second")])
def test_month__rejected_to_be_graded_by_anybody_else(actor: str, sheet: str) -> None:
    started().by(actor).when(grade(WANG, sheet)).refused(NotTheGrader)


@pytest.mark.parametrize(("second", "right", "wrong"), [
    ("supervisor", LI, WANG), ("shop_manager", CHEN, LI)])
def test_month__graded_by_whom_the_scorecard_names(second: str, right: str, wrong: str) -> None:
    card = Scorecard(post="customer_service", second_grader=second, items=[
        ScorecardItem(item="work/1", weight="100", zh="x", en="x")])
    story = given(*team(), published(*RULES, scorecards=[card]))

    story.by(wrong).when(grade(WANG, "second")).refused(NotTheGrader)
    story.by(right).when(grade(WANG, "second")).then("month.graded.v1")


def test_rights__refusal_of_a_grade_says_neither_posts_nor_who_heads_whom() -> None:
    """Whether Wang was ever a dispatcher, and whom Wang works under, is not for who grades neither.
    """
    card = Scorecard(post="customer_service", second_grader="supervisor", items=[
        ScorecardItem(item="work/1", weight="100", zh="x", en="x")])
    story = given(*team(), published(*RULES, scorecards=[card]))
    for post in ("customer_service", "dispatcher"):
        for sheet in ("committee", "second"):
            error = story.by(ZHAO).when(grade(WANG, sheet, post=post)).refused(NotTheGrader)
            assert LI not in str(error)


def test_month__rejected_to_be_graded_by_a_supervisor_who_is_not_set() -> None:
    card = Scorecard(post="shop_manager", second_grader="supervisor", items=[
        ScorecardItem(item="work/1", weight="100", zh="x", en="x")])
    story = given(*team(), published(*RULES, scorecards=[card]))

    error = story.by(LI).when(grade(CHEN, "second")).refused(GraderMissing)
    assert error.details["day"] == "2026-09-30"


@pytest.mark.parametrize(("fields", "error"), [
    ({"post": "dispatcher"}, NotInPost), ({"month": "2025-12"}, NotInPost),
    ({"grades": {"work/2": "90"}}, ItemUnknown), ({"month": "2026-11"}, MonthNotBegun)])
def test_month__rejected_to_be_graded(fields: dict[str, Any], error: type[LedgerError]) -> None:
    started().by(LIU).when(grade(WANG, "committee", **fields)).refused(error)


def test_month__rejected_to_grade_what_is_computed() -> None:
    card = Scorecard(post="customer_service", items=[
        ScorecardItem(item="work/1", weight="90", zh="x", en="x"),
        ScorecardItem(item="attendance/1", weight="10", zh="x", en="x", computed_from=["LATE"])])
    story = given(*team(), published(rule("LATE", {"offender": ["2", "2"]}, computed_from=["late"],
                                          counts_in="attendance/1"), scorecards=[card]))

    error = story.by(LIU).when(grade(WANG, "committee", grades={"attendance/1": "90"})).refused(
        ItemComputed)
    assert str(error) == ("attendance/1 of customer_service cannot be graded: the points there are "
                          "computed from LATE.")
    story.when(grade(WANG, "committee", grades={"attendance/1": "90", "work/2": "1"})).refused(
        ItemUnknown)


@pytest.mark.parametrize("fields", [
    {"grades": {}}, {"grades": {"work/1": "101"}}, {"grades": {"work/1": "-1"}},
    {"grades": {"work/1": "90.55"}}, {"grades": {"work/1": "1e1"}}, {"sheet": "third"},
    {"month": "2026-13"}, {"month": "September"}, {"member": "wang"}])
def test_month__rejected_when_grades_are_not_well_formed(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValues):
        GradeMember(**{"member": WANG, "month": MONTH, "post": "customer_service",
                       "sheet": "committee", "grades": {"work/1": "90"}, "occurred_at":
                       at("2026-10-01"), **fields})


def bonus(points: str, **fields: Any) -> SetBonus:
    """Points for a voluntary task."""
    return SetBonus(**{"member": WANG, "month": MONTH, "post": POSTS[WANG], "task": "trains others",
                       "points": points, "occurred_at": at("2026-09-30"), **fields})


def test_month__takes_bonus_work_up_to_20() -> None:
    story = started((LIU, bonus("12.5")), (LIU, bonus("7.5", task="stocktake")))
    story.by(LIU).when(bonus("0.1", task="more")).refused(BonusTooHigh)
    story.when(bonus("12")).then("month.bonus_set.v1")
    story.when(bonus("12")).then()
    assert computed(story, WANG).bonus == "19.5"


def test_written__is_sealed_for_the_member_whose_month_it_is() -> None:
    story = started().by(LIU)
    noted = bonus("5", note=WORDS)
    assert noted.persons() == [WANG]
    assert sealed_for(story, noted) == {WANG}
    story.when(noted).then()
    story.when(bonus("5", note="another")).then("month.bonus_set.v1")
    story.when(bonus("5")).then("month.bonus_set.v1")
    graded = grade(WANG, "second", "2026-09-30", note=WORDS)
    assert sealed_for(story.by(WANG), graded) == {WANG}


def test_month__takes_no_bonus_work_from_oneself_or_in_other_posts() -> None:
    story = started()
    story.by(WANG).when(bonus("1")).refused(OwnBonus)
    story.by(LIU).when(bonus("1", member=ZHOU, post="dispatcher")).refused(BonusTooHigh)
    story.by("cli:a").when(bonus("1")).refused(SignatureNeeded)


# -- closing --------------------------------------------------------------------------------------


def test_month__sealed_with_every_figure_and_their_digest() -> None:
    story = closed((CHEN, propose()), (ZHOU, confirm()))

    found = figures(story)
    assert set(found) == set(POSTS) - {LIU}
    assert (found[WANG].committee, found[WANG].second, found[WANG].deductions,
            found[WANG].score) == ("90", "90", "1", "89")
    closings = story.known[CLOSINGS]
    assert isinstance(closings, Closings)
    assert closings.months[MONTH].digest == digest_of(list(found.values()))
    assert closings.last_closed() == MONTH


def test_month__rejected_to_be_sealed_before_it_is_over_or_graded() -> None:
    story = started(*graders()[:-1])
    story.by(CHEN).when(seal(day="2026-09-30")).refused(MonthNotOver)
    error = story.when(seal()).refused(MonthNotGraded)
    assert "member:chen shop_manager (second: work/1)" in str(error)
    story.by("cli:a").when(seal()).refused(SignatureNeeded)


def test_left_out__says_why_in_a_word_that_names_nobody() -> None:
    """ADR 26: an event about many members seals nothing for one of them."""
    with pytest.raises(InvalidValues, match="/left_out/0/reason"):
        seal(left_out=[LeftOut(CHEN, "shop_manager", "long ill")])


def test_month__sealed_without_a_member_who_is_left_out() -> None:
    left_out = [LeftOut(CHEN, "shop_manager", "graded_elsewhere")]
    story = started(*graders()[:-1], (CHEN, seal(left_out=left_out)))

    assert CHEN not in figures(story)
    started(*graders()).by(CHEN).when(seal(left_out=[LeftOut(LIU, "keeper", "other")])).refused(
        LeftOutUnknown)


def test_month__rejected_to_change_when_sealed() -> None:
    story = closed()
    story.by(CHEN).when(seal()).refused(MonthSealed)
    story.by(LIU).when(grade(WANG, "committee", day="2026-10-03",
                             grades={"work/1": "10"})).refused(MonthSealed)
    story.when(bonus("1", occurred_at=at("2026-10-03"))).refused(MonthSealed)


def test_month__that_is_sealed_carries_a_later_charge_to_the_open_one() -> None:
    story = closed((CHEN, propose(code="R3")))
    before = computed(story, WANG)

    facts = story.by(ZHOU).when(confirm(day="2026-10-20")).then(
        "deduction.confirmed.v1", "month.charged.v1", "month.effect_carried.v1")

    assert (facts[1].carried[0].to_month, facts[1].carried[0].points) == ("2026-10", "3")
    assert (facts[2].from_month, facts[2].points) == (MONTH, "3")
    assert computed(story, WANG) == before
    assert computed(story, WANG, "2026-10").deductions == "3"


def test_month__that_is_sealed_carries_what_an_appeal_gives_back() -> None:
    story = closed((CHEN, propose(code="R3", day="2026-09-29")), (ZHOU, confirm(day="2026-09-30")))
    continued(story, (WANG, appeal(day="2026-10-03")), (LIU, overturn(day="2026-10-05")))

    assert figures(story)[WANG].score == "87"
    assert computed(story, WANG).score == "87"
    assert computed(story, WANG, "2026-10").deductions == "-3"


def test_month__carries_past_all_sealed_months() -> None:
    story = continued(closed((CHEN, propose())), *graders("2026-10"),
                      (CHEN, seal("2026-10", "2026-11-02")))
    story.by(ZHOU).when(confirm(day="2026-10-20"))

    assert story.facts[1].carried[0].to_month == "2026-11"


def test_month__reopened_and_restated_says_what_changed() -> None:
    story = closed((CHEN, propose(code="R3", day="2026-09-29")), (ZHOU, confirm(day="2026-09-30")),
                   )
    continued(story, (WANG, appeal(day="2026-10-03")), (CHEN, reopen()),
              (LIU, overturn(day="2026-10-05")))
    facts = story.by(CHEN).when(restate()).then("month.sealed.v1", "closings.month_restated.v1")

    assert (facts[0].member, facts[0].restatement) == (WANG, 1)
    facts = facts[1:]
    assert (facts[0].number, facts[0].reason) == (1, "appeal")
    assert [(one.member, one.before, one.after) for one in facts[0].changes] == [
        (WANG, "87", "90")]
    assert figures(story)[WANG].score == "90"
    assert account_of(WANG, "2026-10") not in story.known
    continued(story, (CHEN, reopen(day="2026-10-07")),
              (LIU, grade(ZHAO, "committee", "2026-10-08", grades={"work/1": "70"})))
    assert story.by(CHEN).when(restate(day="2026-10-09")).then(
        "month.sealed.v1", "closings.month_restated.v1")[1].number == 2


def test_month__rejected_to_be_restated_when_nothing_changed_or_it_is_not_reopened() -> None:
    story = closed()
    error = story.by(CHEN).when(restate()).refused(MonthNotReopened)
    assert error.details["state"] == "sealed"
    error = story.when(reopen("2026-08")).refused(MonthNotSealed)
    assert error.details["state"] == "open"
    continued(story, (CHEN, reopen()))
    story.when(reopen()).refused(MonthNotSealed)
    story.when(restate()).refused(NothingToRestate)


def test_month__reopened_by_mistake_is_sealed_as_it_was() -> None:
    story = continued(closed(), (CHEN, reopen()))
    story.by(CHEN).when(seal(day="2026-10-06")).then("closings.month_sealed.v1")
    story.when(seal(day="2026-10-06")).refused(MonthSealed)
    continued(story, (CHEN, reopen(day="2026-10-07")),
              (LIU, grade(ZHAO, "committee", "2026-10-08", grades={"work/1": "70"})))
    story.by(CHEN).when(seal(day="2026-10-09")).refused(RestatementNeeded)


def test_month__reopened_counts_again_what_it_left_to_the_open_one() -> None:
    story = closed((CHEN, propose(code="R3", day="2026-09-29")), (ZHOU, confirm(day="2026-09-30")))
    continued(story, (WANG, appeal(day="2026-10-03")), (LIU, overturn(day="2026-10-05")))

    story.by(CHEN).when(reopen()).then(
        "month.effect_carried.v1", "month.effect_carried.v1", "closings.month_reopened.v1")
    assert computed(story, WANG).score == "90"
    assert computed(story, WANG, "2026-10").deductions == "0"
    facts = story.when(restate()).then("month.sealed.v1", "closings.month_restated.v1")
    assert [(one.before, one.after) for one in facts[1].changes] == [("87", "90")]


def test_month__reopened_leaves_what_a_sealed_month_counts_where_it_is() -> None:
    story = closed((CHEN, propose(code="R3")))
    continued(story, (ZHOU, confirm(day="2026-10-20")), *graders("2026-10"),
              (CHEN, seal("2026-10", "2026-11-02")))

    story.by(CHEN).when(reopen(day="2026-11-03")).then("closings.month_reopened.v1")
    assert computed(story, WANG).score == "90"
    assert computed(story, WANG, "2026-10").score == "87"
    continued(story, (CHEN, reopen("2026-10", day="2026-11-04")), (CHEN, seal(day="2026-11-04")))
    assert computed(story, WANG, "2026-10").score == "87"


def test_month__counts_what_is_carried_in_the_post_that_the_member_holds_then() -> None:
    moves = [("system", EndPost(post="customer_service", member=WANG, until="2026-09-30",
                                occurred_at=at("2026-09-30"))),
             ("system", AssignPost(post="editor", member=WANG, since="2026-10-01",
                                   occurred_at=at("2026-10-01")))]
    story = continued(closed((CHEN, propose(code="R3"))), (ZHOU, confirm(day="2026-10-20")), *moves,
                      *graders("2026-10", posts={**POSTS, WANG: "editor"}),
                      (CHEN, seal("2026-10", "2026-11-02")))
    found = figures(story, "2026-10")[WANG]
    assert (found.post, found.deductions, found.score) == ("editor", "3", "87")


def test_month__sealed_only_with_the_figures_that_were_seen() -> None:
    story = started(*graders())
    seen = digest_of([computed(story, member) for member in POSTS if member != LIU])
    continued(story, (LIU, grade(ZHAO, "committee", grades={"work/1": "70"})))
    error = story.by(CHEN).when(seal(digest=seen)).refused(FiguresChanged)
    story.when(seal(digest=error.details["digest"])).then(
        *["month.sealed.v1"] * 5, "closings.month_sealed.v1")
    assert digest_of(list(figures(story).values())) == error.details["digest"]


# -- policies -------------------------------------------------------------------------------------


def test_policy__holds_from_its_day_and_keeps_the_sections_that_it_lacks() -> None:
    story = started()
    new = published(rule("NEW", {"offender": ["1", "1"]}), since="2026-09-15")
    continued(story, ("system", new))
    book = story.known[BOOK]
    assert isinstance(book, PolicyBook)

    assert [book.on(day).number for day in ("2025-12-31", "2026-01-01", "2026-09-14",
                                            "2026-09-15")] == [0, 1, 1, 2]
    assert book.on("2026-09-15").sections.scoring == SCORING
    assert book.on("2026-09-15").rule("R1") is None


def test_policy__rejected_in_a_sealed_month_or_before_the_last_one() -> None:
    story = closed()
    error = story.when(published(*RULES, since="2026-09-30")).refused(PolicyInSealedMonth)
    assert error.details["free"] == "2026-10-01"
    continued(story, ("system", published(*RULES, since="2026-12-01")))
    story.when(published(*RULES, since="2026-11-30")).refused(PolicyOutOfOrder)


def test_policy__withdrawn_before_its_day() -> None:
    story = started(("system", published(*RULES, since="2026-12-01")))
    take_back = WithdrawPolicy(version=2, reason="a slip", occurred_at=at("2026-11-30"))
    error = story.when(WithdrawPolicy(
        version=1, reason="a slip", occurred_at=at("2026-11-30"))).refused(PolicyNotLast)
    assert error.details["last"] == 2
    given().when(take_back).refused(PolicyNotLast)
    story.when(WithdrawPolicy(version=2, reason="late", occurred_at=at("2026-12-01"))).refused(
        PolicyInForce)
    story.when(take_back).then("policy.withdrawn.v1")
    continued(story, ("system", published(*RULES, since="2026-11-01")))
    book = story.known[BOOK]
    assert isinstance(book, PolicyBook)
    assert [one.number for one in book.versions] == [1, 3]


def test_deduction__uses_the_version_of_the_day_of_its_fact() -> None:
    dearer = rule("R1", {"offender": ["9", "9"]})
    story = started(("system", published(dearer, since="2026-09-15")), (CHEN, propose()),
                    (ZHOU, confirm(day="2026-09-20")))

    assert computed(story, WANG).deductions == "1"


# -- whatever happens -----------------------------------------------------------------------------


STEPS = st.lists(st.tuples(
    st.sampled_from(["propose", "confirm", "appeal", "overturn", "seal", "reopen", "restate"]),
    st.integers(1, 6)), max_size=25)


@settings(max_examples=tried(60), deadline=None)
@examples(STEPS)
def test_month__that_is_sealed_never_changes_whatever_is_decided_later(
    steps: list[tuple[str, int]]
) -> None:
    story = started(*graders())
    for what, number in steps:
        day = f"2026-09-{number:02d}"
        actor, step = {
            "propose": (CHEN, propose(number, code=("THIRD", "R3")[number % 2], day=day,
                                      occurred_at=at("2026-10-01"))),
            "confirm": (ZHOU, confirm(number, day="2026-10-02")),
            "appeal": (WANG, appeal(number, day="2026-10-03")),
            "overturn": (LIU, overturn(number, day="2026-10-04")),
            "seal": (CHEN, seal(day="2026-10-04")),
            "reopen": (CHEN, reopen(day="2026-10-04")),
            "restate": (CHEN, restate(day="2026-10-04")),
        }[what]
        story.by(actor).when(step)
        closings = story.known.get(CLOSINGS)
        if isinstance(closings, Closings) and closings.is_sealed(MONTH):
            assert computed(story, WANG).score == figures(story)[WANG].score
            assert figures(story)[LI].score == "90"
