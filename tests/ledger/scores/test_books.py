"""What is carried between months: nothing is lost, nothing counts twice, whatever the order."""

from datetime import UTC, datetime
from decimal import Decimal

from ledger.common.values import to_us
from ledger.core.aggregate import OutOfOrder
from ledger.people.commands import AssignPost, EndPost, LeaveShop, SetSupervisor
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.commands import WithdrawPolicy
from ledger.policies.errors import PolicyDropsPost, PolicyInForce
from ledger.policies.posts import POSTS as ALL_POSTS
from ledger.policies.values import PostName, Scorecard, ScorecardItem
from ledger.scores.account import Account
from ledger.scores.errors import MonthOutOfTurn, NobodyToScore, NotTheGrader
from tests.support.stories import Story
from tests.support.team import (
    CHEN,
    LI,
    LIU,
    MONTH,
    POSTS,
    RULES,
    WANG,
    ZHAO,
    ZHOU,
    Step,
    appeal,
    at,
    closed,
    computed,
    confirm,
    continued,
    figures,
    grade,
    graders,
    opening,
    overturn,
    propose,
    published,
    reopen,
    restate,
    rule,
    seal,
    started,
)

OCTOBER = "2026-10"
CHARGE: list[Step] = [(CHEN, propose(code="R3", day="2026-09-29")),
                      (ZHOU, confirm(day="2026-10-03"))]
"""Wang is charged 3 points for September, once it is sealed."""


def taken(story: Story, member: str) -> Decimal:
    """The points that all months of a member take, as they stand."""
    accounts = [one for one in story.known.values() if isinstance(one, Account)
                and one.id.startswith(f"month:{member.partition(':')[2]}:")]
    return sum((one.whole_cost(POSTS[member]) + one.carried_in(POSTS[member])
                for one in accounts), Decimal(0))


def test_month__reopened_after_the_next_one_was_sealed_gives_back_in_the_open_one() -> None:
    story = continued(closed(), *CHARGE, *graders(OCTOBER),
                      (CHEN, seal(OCTOBER, "2026-11-02")), (WANG, appeal(day="2026-10-05")),
                      (CHEN, reopen(day="2026-11-03")), (LIU, overturn(day="2026-11-04")))

    assert computed(story, WANG).score == "90"
    assert figures(story, OCTOBER)[WANG].score == "87"
    assert computed(story, WANG, "2026-11").deductions == "-3"
    assert taken(story, WANG) == 0
    continued(story, (CHEN, seal(day="2026-11-05")))


def test_month__reopened_before_the_next_one_is_sealed_counts_the_charge_itself() -> None:
    story = continued(closed(), *CHARGE, (CHEN, reopen()), (CHEN, restate(day="2026-10-07")))

    assert figures(story)[WANG].score == "87"
    assert computed(story, WANG, OCTOBER).deductions == "0"
    continued(story, (WANG, appeal(day="2026-10-08")), (LIU, overturn(day="2026-10-09")))
    assert (computed(story, WANG).score, computed(story, WANG, OCTOBER).deductions) == ("87", "-3")
    continued(story, (CHEN, reopen(day="2026-10-10")), (CHEN, restate(day="2026-10-11")))
    assert figures(story)[WANG].score == "90"
    assert taken(story, WANG) == 0


def test_month__counts_what_is_carried_to_a_post_that_turns_out_not_to_be_held() -> None:
    moved: list[Step] = [
        ("system", EndPost(post="customer_service", member=WANG, until="2026-09-30",
                           occurred_at=at("2026-10-20"))),
        ("system", AssignPost(post="editor", member=WANG, since="2026-10-01",
                              occurred_at=at("2026-10-20")))]
    story = continued(closed(), *CHARGE, *moved, *graders(OCTOBER, posts={**POSTS, WANG: "editor"}),
                      (CHEN, seal(OCTOBER, "2026-11-02")))

    found = figures(story, OCTOBER)[WANG]
    assert (found.post, found.deductions, found.score) == ("editor", "3", "87")


def test_month__restated_without_a_member_who_turns_out_not_to_have_held_the_post() -> None:
    never = EndPost(post="customer_service", member=ZHAO, until="2026-08-31",
                    occurred_at=at("2026-10-04"))
    story = continued(closed(), ("system", never), (CHEN, reopen()))
    facts = story.by(CHEN).when(restate()).then("month.sealed.v1", "closings.month_restated.v1")

    assert (facts[0].member, facts[0].figures) == (ZHAO, [])
    assert [(one.member, one.before, one.after) for one in facts[1].changes] == [
        (ZHAO, "90", None)]
    assert ZHAO not in figures(story)


def test_month__is_booked_no_earlier_than_it_was_sealed() -> None:
    story = closed((CHEN, propose(code="R3", day="2026-09-20")))
    facts = story.by(ZHOU).when(confirm(day="2026-09-21")).then(
        "deduction.confirmed.v1", "month.charged.v1", "month.effect_carried.v1")
    assert [fact.occurred_at for fact in facts] == [
        at("2026-09-21"), at("2026-10-02"), at("2026-10-02")]


# -- the second sheet -----------------------------------------------------------------------------


def test_month__takes_the_last_word_of_the_second_grader() -> None:
    card = Scorecard(post="customer_service", second_grader="supervisor", items=[
        ScorecardItem(item="work/1", weight="100", zh="x", en="x")])
    story = started((WANG, grade(WANG, "second", "2026-09-05", grades={"work/1": "100"})),
                 ("system", published(since="2026-09-15", scorecards=[card])),
                 (LI, grade(WANG, "second", grades={"work/1": "60"})))

    assert computed(story, WANG).second == "60"
    changed = SetSupervisor(member=WANG, supervisor=CHEN, since="2026-09-20",
                            occurred_at=at("2026-10-01"))
    continued(story, ("system", changed), (CHEN, grade(WANG, "second", grades={"work/1": "80"})))
    assert computed(story, WANG).second == "80"


def test_month__rejected_to_be_graded_by_a_head_who_has_left() -> None:
    card = Scorecard(post="customer_service", second_grader="supervisor", items=[
        ScorecardItem(item="work/1", weight="100", zh="x", en="x")])
    leaves = LeaveShop(member=LI, last_day="2026-09-30", occurred_at=at("2026-09-30"))
    story = started(("system", leaves), opened=opening(*RULES, scorecards=[card]))
    assert story.by(LI).when(grade(WANG, "second", "2026-10-01")).error is not None
    story.by(WANG).when(grade(WANG, "second")).refused(NotTheGrader)


# -- in turn, and in order ------------------------------------------------------------------------


def test_month__rejected_to_be_sealed_out_of_turn() -> None:
    story = continued(closed(), *graders("2026-11"), *graders(OCTOBER))
    for month in ("2026-11", "2026-08"):
        error = story.by(CHEN).when(seal(month, "2026-12-02")).refused(MonthOutOfTurn)
        assert error.details["due"] == OCTOBER
    continued(story, (CHEN, seal(OCTOBER, "2026-12-02")))


def test_month__rejected_to_be_sealed_first_where_nobody_is_scored() -> None:
    started().by(CHEN).when(seal("2025-11", "2026-09-01")).refused(NobodyToScore)


def test_month__rejected_to_be_sealed_before_what_it_rests_on() -> None:
    started(*graders()[:-1], (CHEN, grade(CHEN, "second", "2026-10-05"))).by(CHEN).when(
        seal(day="2026-10-04")).refused(OutOfOrder)
    closed().by(CHEN).when(reopen(day="2026-10-01")).refused(OutOfOrder)


# -- policies -------------------------------------------------------------------------------------


def test_policy__rejected_to_be_withdrawn_after_its_day_whatever_date_is_given() -> None:
    story = started(("system", published(*RULES, since="2026-09-15")))
    story.now = to_us(datetime(2026, 10, 2, tzinfo=UTC))
    story.when(WithdrawPolicy(version=2, reason="late", occurred_at=at("2026-09-10"))).refused(
        PolicyInForce)


def test_policy__rejected_when_it_drops_a_post_that_is_held() -> None:
    posts = [PostName(post=name, zh=zh, en=en, role=role)
             for name, (zh, en, role) in ALL_POSTS.items()]
    fewer = [one for one in posts if one.post != "dispatcher"]
    story = started()
    story.when(published(posts=fewer, since="2026-09-10")).refused(PolicyDropsPost)
    ends = EndPost(post="dispatcher", member=ZHOU, until="2026-09-09",
                   occurred_at=at("2026-09-09"))
    continued(story, ("system", ends), ("system", published(posts=fewer, since="2026-09-10")),
              *graders())
    book = story.known[BOOK]
    assert isinstance(book, PolicyBook)
    assert "dispatcher" in book.posts_in(MONTH)
    assert "dispatcher" not in book.posts_in(OCTOBER)
    continued(story, (CHEN, seal()))
    assert figures(story)[ZHOU].score == "90"


def test_deduction__counts_in_its_item_until_a_scorecard_loses_that() -> None:
    def card(item: ScorecardItem) -> Scorecard:
        return Scorecard(post="customer_service", items=[item])

    late = rule("SLOW", {"offender": ["5", "5"]}, counts_in="a/1")
    counted = card(ScorecardItem(item="a/1", weight="100", zh="x", en="x", computed_from=["SLOW"]))
    other = card(ScorecardItem(item="b/1", weight="100", zh="x", en="x"))
    story = started((CHEN, propose(code="SLOW")), (ZHOU, confirm()),
                    opened=opening(late, *RULES, scorecards=[counted]))
    found = computed(story, WANG)
    assert (found.deductions, found.committee, found.score) == ("0", "95", "95")

    continued(story, ("system", published(*RULES, since="2026-09-20", scorecards=[other])))
    found = computed(story, WANG)
    assert (found.deductions, found.committee) == ("5", None)
