"""Scores, deductions, appeals and policies in reports, now and as of any time."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.deductions.commands import ChargeSupervisor
from ledger.log.store import Store
from ledger.people.commands import AssignPost, EndPost, SetSupervisor
from ledger.policies.values import Scorecard, ScorecardItem
from ledger.scores.values import LeftOut, account_of
from ledger.settings import Settings, open_ledger
from ledger.writing.genesis import begun
from projections.asking.clocks import NOW, AsOf
from projections.asking.past import NothingRecorded
from projections.asking.questions import BadMonth, Question, SubjectNeeded
from projections.asking.written import PERSONAL, revealed
from projections.catalogue import PROJECTIONS
from projections.deductions import Deductions
from projections.policies import VersionUnknown, book_of, differences, listed
from projections.reports import run
from projections.scores.accounts import Months
from projections.scores.book import NoMonthClosed
from projections.scores.terms import explain_score
from projections.store.models import ReadModels
from tests.support.builders import context
from tests.support.team import (
    CHARGED,
    CHEN,
    LI,
    LIU,
    MONTH,
    OPENING,
    POSTS,
    RULES,
    SCORING,
    SEALED,
    WANG,
    ZHOU,
    Steps,
    appeal,
    at,
    confirm,
    grade,
    graders,
    opening,
    overturn,
    propose,
    published,
    record,
    reopen,
    restate,
    rows,
    rule,
    seal,
    team,
)
from tests.support.thorough import tried
from tests.support.written import opening as opening_of

FIELDS = ["member", "post", "committee", "second", "bonus", "deductions", "score", "coefficient",
          "policy_version", "sealed", "restatement", "share", "days", "part", "rests_on"]

CLOSED: Steps = [*OPENING, *CHARGED, *SEALED]
RESTATED: Steps = [*CLOSED, (WANG, appeal(day="2026-10-03")), (CHEN, reopen()),
                   (LIU, overturn(day="2026-10-05")), (CHEN, restate())]


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """The read models of the store."""
    made = ReadModels(store, PROJECTIONS)
    yield made
    made.close()


def of(models: ReadModels, member: str, **asked: Any) -> dict[str, Any]:
    """The score of one member."""
    (row,) = [row for row in rows(models, "scores", **asked) if row["member"] == member]
    return row


def test_scores__show_the_last_closed_month(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, CLOSED)

    found = rows(models, "scores")

    assert [list(row) for row in found] == [FIELDS] * 5
    assert of(models, WANG) == {
        "member": WANG, "post": "customer_service", "committee": "90", "second": "90", "bonus": "0",
        "deductions": "3", "score": "87", "coefficient": "1.0", "policy_version": 1,
        "sealed": True, "restatement": 0, "share": "1", "days": None, "part": "87",
        "rests_on": []}
    assert [row["member"] for row in found] == sorted(set(POSTS) - {LIU})


def test_scores__of_an_open_month_stand_as_they_are(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, [*OPENING, *CHARGED, (LIU, grade(WANG, "committee"))])

    found = of(models, WANG, month=MONTH)

    assert (found["committee"], found["second"], found["deductions"], found["score"]) == (
        "90", None, "3", None)
    assert (found["sealed"], found["restatement"]) == (False, 0)
    with pytest.raises(NoMonthClosed):
        rows(models, "scores")
    with pytest.raises(BadMonth):
        rows(models, "scores", month="2026-13")


def test_scores__say_what_is_undecided(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, [*OPENING, *CHARGED, (CHEN, propose(2, code="SHARED", day="2026-09-20")),
                    (WANG, appeal(day="2026-10-03"))])

    answer = run(models, "main", "scores", Question(month=MONTH))
    assert answer.as_of["notes"][-1] == "not yet decided: deductions 1, appeals 1"


def test_scores__restated_bear_the_number(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, RESTATED)

    found = of(models, WANG)

    assert (found["score"], found["coefficient"], found["sealed"], found["restatement"]) == (
        "90", "1.5", True, 1)


def test_scores__are_known_as_of_both_clocks(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, RESTATED)
    sealed_at = next(entry.position for entry in ledger.store.read("main", limit=1000)
                     if entry.type == "closings.month_sealed.v1")

    assert of(models, WANG, as_of=AsOf.parse(sealed_at))["score"] == "87"
    assert of(models, WANG, month=MONTH, as_of=AsOf.parse(sealed_at - 1))["sealed"] is False
    assert of(models, WANG, month=MONTH, as_of=AsOf.parse(None, None, "2026-09-30"))[
        "deductions"] == "3"
    assert of(models, WANG, month=MONTH, as_of=AsOf.parse(None, None, "2026-09-29"))[
        "deductions"] == "0"
    assert of(models, WANG, as_of=AsOf.parse(None, None, "2026-10-02"))["score"] == "87"
    assert of(models, WANG, as_of=AsOf.parse(None, None, "2026-10-06"))["score"] == "90"


def test_scores__of_one_member_are_the_same_as_in_the_table(
    ledger: Ledger, models: ReadModels
) -> None:
    record(ledger, [*OPENING, *CHARGED, (LIU, grade(WANG, "committee"))])
    head = ledger.head().position

    for as_of in (AsOf(), AsOf.parse(head)):
        asked = {"month": MONTH, "as_of": as_of}
        assert rows(models, "scores", subject=WANG, **asked) == [of(models, WANG, **asked)]


def test_score_terms__add_up_to_the_score(ledger: Ledger, models: ReadModels) -> None:
    record(ledger, [*CLOSED, (CHEN, propose(2, code="SHARED")),
                    (ZHOU, confirm(2, day="2026-10-03"))])

    for member in (WANG, LI):
        for month in (MONTH, "2026-10"):
            found = rows(models, "score-terms", subject=member, month=month)
            _, explained = explain_score(models, "main", member, Question(month=month))
            sum_ = sum(Decimal(row["amount"]) for row in found)
            post = explained["posts"][0]
            if post["score"] is not None:
                assert sum_ == Decimal(post["score"]) == Decimal(post["as_computed"])
            else:
                assert sum_ == -Decimal(post["deductions"])
            for row in found:
                assert row["positions"], row
    with pytest.raises(SubjectNeeded):
        rows(models, "score-terms", month=MONTH)
    with pytest.raises(NothingRecorded):
        rows(models, "score-terms", month=MONTH, subject="member:nobody")


@pytest.mark.parametrize("out", [(), ("customer_service",)], ids=["both", "one"])
def test_scores_of_a_period__of_two_posts_are_the_sum_of_their_terms(
    ledger: Ledger, models: ReadModels, out: tuple[str, ...]
) -> None:
    """Wang moves on the 11th; a seal that leaves the old post out gives the new one all days."""
    record(ledger, [
        *OPENING, ("system", EndPost(member=WANG, post="customer_service", until="2026-09-10",
                                     occurred_at=at("2026-09-10"))),
        ("system", AssignPost(member=WANG, post="dispatcher", since="2026-09-11",
                              occurred_at=at("2026-09-10"))),
        (CHEN, propose(code="R3")), (ZHOU, confirm()), *graders(marks={WANG: "60"}),
        *graders(posts={WANG: "dispatcher", LIU: "appraisal_committee"}),
        (CHEN, seal(left_out=[LeftOut(WANG, post, "short_time") for post in out]))])

    shown = rows(models, "scores", subject=WANG)
    terms = rows(models, "score-terms", subject=WANG, month=MONTH)
    for row in shown:
        assert sum(Decimal(one["amount"]) for one in terms if one["post"] == row["post"]) \
            == Decimal(row["part"])
        assert row["rests_on"] == []
    assert {Decimal(row["score"]) for row in shown} == {
        sum(Decimal(row["part"]) for row in shown)}
    assert {row["post"]: (row["share"], row["days"]) for row in shown} == (
        {"dispatcher": ("1", None)} if out else
        {"customer_service": ("0.3333", "10"), "dispatcher": ("0.6667", "20")})


def test_score_terms__name_the_events_that_they_rest_on(
    ledger: Ledger, models: ReadModels
) -> None:
    record(ledger, CLOSED)

    found = {row["what"]: row for row in rows(models, "score-terms", subject=WANG)}

    (charge,) = (row for what, row in found.items() if what.startswith("R3 "))
    assert (charge["factor"], charge["value"], charge["amount"]) == ("-1", "3", "-3")
    for row in found.values():
        for position in row["positions"]:
            (entry,) = ledger.store.read("main", after=position - 1, limit=1)
            assert entry.stream == account_of(WANG, MONTH)


def test_deductions__show_the_register_the_appeals_and_who_decided(
    ledger: Ledger, models: ReadModels
) -> None:
    record(ledger, [*OPENING, (CHEN, propose(code="SHARED", evidence=[2, 3])), (ZHOU, confirm()),
                    (WANG, appeal()), (LIU, overturn())])

    (found,) = rows(models, "deductions", month=MONTH)
    assert (found["state"], found["points"], found["evidence"], found["proposed_by"],
            found["decided_by"], found["policy_version"]) == ("overturned", "0", [2, 3], CHEN,
                                                              ZHOU, 1)
    assert [(share["member"], share["points"], share["stands"], share["appeal"])
            for share in found["shares"]] == [(LI, "2", False, None),
                                              (WANG, "1", False, "overturned")]
    (heard,) = revealed(rows(models, "appeals", month=MONTH), *opening_of(ledger))
    assert {row["why"] for row in rows(models, "decisions", month=MONTH)} == {None, PERSONAL}
    assert (heard["member"], heard["state"], heard["decided_by"], heard["reason"], heard["why"]) \
        == (WANG, "overturned", LIU, "I was on leave", "that is so")
    decisions = rows(models, "decisions", month=MONTH, sort="at")
    assert [(row["what"], row["by"]) for row in decisions] == [
        ("proposed", CHEN), ("confirmed", ZHOU), ("appealed", WANG), ("overturned", LIU)]
    assert rows(models, "deductions", month="2026-08") == []
    assert rows(models, "appeals", as_of=AsOf.parse(None, None, "2026-09-08"))[0]["state"] == \
        "appealed"


def test_score_warnings__count_closed_months_below_the_pass_mark(
    ledger: Ledger, models: ReadModels
) -> None:
    low = {ZHOU: "50"}
    record(ledger, [*OPENING, *graders("2026-08", marks=low), (CHEN, seal("2026-08", "2026-09-01")),
                    *graders(marks=low), (CHEN, seal(day="2026-10-01"))])

    (found,) = rows(models, "score-warnings")
    assert (found["member"], found["months"], found["calls_for"], found["warning"]) == (
        ZHOU, ["2026-08", "2026-09"], None, False)


def test_score_warnings__count_a_month_once_for_who_moved_posts(
    ledger: Ledger, models: ReadModels
) -> None:
    """R-MON-29. 22 days as a dispatcher and 9 as an agent in August, the other way in September."""
    moved: Steps = [
        ("system", EndPost(post="dispatcher", member=ZHOU, until="2026-08-22",
                           occurred_at=at("2026-08-22"))),
        ("system", AssignPost(post="customer_service", member=ZHOU, since="2026-08-23",
                              occurred_at=at("2026-08-23")))]
    scoring = msgspec.structs.replace(SCORING, warnings={"customer_service": 2})
    low = {ZHOU: "50"}
    august = [(by, msgspec.structs.replace(one, post="customer_service"))
              for by, one in graders("2026-08", marks=low) if one.member == ZHOU]
    now = {**POSTS, ZHOU: "customer_service"}
    record(ledger, [*opening(*RULES, scoring=scoring), *moved,
                    *graders("2026-08", marks=low), *august, (CHEN, seal("2026-08", "2026-09-01"))])
    (found,) = rows(models, "score-warnings")
    assert (found["member"], found["post"], found["months"], found["calls_for"]) == (
        ZHOU, "dispatcher", ["2026-08"], None)
    record(ledger, [*graders(posts=now, marks=low), (CHEN, seal(day="2026-10-01"))])
    (found,) = rows(models, "score-warnings")
    assert found == {"member": ZHOU, "post": "customer_service", "months": ["2026-08", MONTH],
                     "calls_for": 2, "warning": True}
    assert rows(models, "score-warnings", post="dispatcher") == []


def test_grading__says_which_share_of_a_supervisor_waits(
    ledger: Ledger, models: ReadModels
) -> None:
    """Sealing does not wait for it: what is charged later is carried on."""
    card = Scorecard(post="customer_service", second_grader="member", source="ours", items=[
        ScorecardItem(item="work/1", weight="100", zh="工作", en="work", shows=["SHARED"])])
    unheaded: Steps = [("system", one) for one in team() if not isinstance(one, SetSupervisor)]
    record(ledger, [
        *unheaded, ("system", EndPost(post="customer_service_head", member=LI, until="2026-01-31",
                                      occurred_at=at("2026-01-31"))),
        ("system", published(*RULES, scoring=SCORING, scorecards=[card])),
        (CHEN, propose(code="SHARED")), (LIU, confirm())])

    def waits(**asked: Any) -> tuple[list[str | None], list[bool]]:
        answer = run(models, "main", "grading", Question(month=MONTH, **asked))
        said = [note.endswith("shares of supervisors 1") for note in answer.as_of["notes"][-1:]]
        return [one["share_open"] for row in answer.rows if row["member"] == WANG
                for one in row["breaches"]], said

    assert waits() == (["2"], [True])
    at_once = ledger.head().position
    assert waits(as_of=AsOf(at_once))[0] == waits(as_of=AsOf(at_once), subject=WANG)[0] == ["2"]
    posts = {name: post for name, post in POSTS.items() if name != LI}
    record(ledger, [*graders(posts=posts), (CHEN, seal())])
    notes = run(models, "main", "scores", Question(month=MONTH)).as_of["notes"]
    assert notes[-1] == "not yet decided: deductions 0, appeals 0, shares of supervisors 1"
    record(ledger, [
        ("system", SetSupervisor(member=WANG, supervisor=CHEN, since=MONTH + "-01",
                                 occurred_at=at("2026-10-03"))),
        (LIU, ChargeSupervisor(deduction="deduction:1", occurred_at=at("2026-10-04")))])
    assert waits() == ([None], [])
    assert waits(as_of=AsOf(at_once))[0] == ["2"]
    assert of(models, CHEN, month=MONTH)["deductions"] == "0"
    assert of(models, CHEN, month="2026-10")["deductions"] == "2"


def test_policy__versions_are_listed_and_compared(ledger: Ledger, models: ReadModels) -> None:
    dearer = rule("R3", {"offender": ["4", "4"]})
    record(ledger, [*OPENING, ("system", published(dearer, since="2026-11-01"))])

    assert [(row["version"], row["effective_from"], row["sections"])
            for row in rows(models, "policies")] == [
        (2, "2026-11-01", ["rules"]), (1, "2026-01-01", ["rules", "scoring", "coefficients"])]
    book = book_of(ledger.store, "main", NOW.resolve(ledger.store, "main"))
    assert {"where": "/rules/R3/charges/offender", "before": ["3", "3"], "after": ["4", "4"]} in \
        differences(book.must_know(1).sections, book.must_know(2).sections)
    with pytest.raises(VersionUnknown):
        book.must_know(3)
    assert listed(ledger.store, "main", AsOf.parse(1).resolve(ledger.store, "main")) == []


@examples(cut=st.integers(1, 12))
@settings(max_examples=tried(12), deadline=None)
def test_scores__replay_alike_in_any_batch_size(cut: int) -> None:
    opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                  master_key_file=None))
    record(opened.ledger, RESTATED[:len(OPENING)])
    live = ReadModels(opened.store, (Months(), Deductions()))
    for number, (actor, command) in enumerate(RESTATED[len(OPENING):]):
        opened.ledger.handle(command, context(actor=actor))
        if number % cut == 0:
            live.catch_up("main")
    live.catch_up("main")
    fresh = ReadModels(opened.store, (Months(), Deductions()))
    fresh.catch_up("main")

    for name in ("scores", "deductions", "appeals", "decisions"):
        assert run(live, "main", name).rows == run(fresh, "main", name).rows
    for made in (live, fresh):
        made.close()
    opened.close()


def test_month__of_another_ledger_stays_closed_to_this_one(
    store: Store, ledger: Ledger, keys: Any, models: ReadModels
) -> None:
    record(ledger, CLOSED)
    other = Ledger(store, begun(store, keys, "other"), name="other")
    try:
        record(other, [*OPENING, (LIU, grade(WANG, "committee"))])
        found = run(models, "other", "scores", Question(month=MONTH)).rows
        assert next(row for row in found if row["member"] == WANG)["deductions"] == "0"
        with pytest.raises(NoMonthClosed):
            run(models, "other", "scores")
    finally:
        other.close()
