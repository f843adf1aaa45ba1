"""What must not matter to a score, and what the past must answer; and faults that are known.

The orders in which deductions are confirmed, a charge that was overturned, and whether an answer is
kept or worked out anew: none of them changes a figure.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import given as examples
from hypothesis import strategies as st

from ledger.common.errors import LedgerError, Refused
from ledger.core.commands import Command
from ledger.deductions.commands import DismissDeduction, NameOffender, ReduceDeduction
from ledger.people.commands import (
    ApproveLeave,
    AssignPost,
    CorrectAttendance,
    EndPost,
    RecordAttendance,
    RequestLeave,
)
from ledger.policies.errors import PolicyUnsound
from ledger.policies.values import Escalation, Rule, Scorecard, ScorecardItem
from ledger.scores.values import LeftOut
from ledger.settings import Settings, open_ledger
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run
from projections.store.models import ReadModels
from tests.support import score_oracle as people
from tests.support.builders import context, write
from tests.support.envelopes import first
from tests.support.score_oracle import LAWS, days_later
from tests.support.score_shop import MONTHS, Shop
from tests.support.team import (
    CHEN,
    LI,
    LIU,
    MONTH,
    POSTS,
    SEALED,
    WANG,
    ZHAO,
    ZHOU,
    appeal,
    at,
    confirm,
    grade,
    graders,
    opening,
    overturn,
    propose,
    reopen,
    restate,
    rule,
    seal,
    waive,
)
from tests.support.thorough import tried

# -- histories ------------------------------------------------------------------------------------

Step = tuple[Any, ...]
days = st.sampled_from(("2026-07-05", "2026-07-20", "2026-08-03", "2026-08-20", "2026-09-02"))
agents = st.sampled_from((people.WANG, people.ZHAO))
months = st.sampled_from(MONTHS)
codes = st.sampled_from(("RANGE", "THIRD", "THIRD", "SHARED", "ONE", "ITEM"))
charges = st.tuples(st.just("charge"), codes, days, agents, st.integers(1, 3),
                    st.sampled_from(("upheld", "reduced", "overturned")))
presence = st.tuples(st.just("late"), agents, days) | st.tuples(st.just("leave"), agents, days)
closing = (st.tuples(st.just("close"), months) | st.tuples(st.just("mend"), months, agents)
           | st.tuples(st.just("bonus"), agents, months))


def histories(*kinds: st.SearchStrategy[Step], most: int = 8) -> st.SearchStrategy[list[Step]]:
    """What may happen in a shop."""
    return st.lists(st.one_of(*kinds), max_size=most)


@contextmanager
def shop(day: str = "2026-09-20") -> Iterator[Shop]:
    """A shop on a day, in memory."""
    found = Shop()
    found.found()
    found.day = day
    try:
        yield found
    finally:
        found.models.close()
        found.opened.close()


def go(where: Shop, number: int, step: Step) -> None:
    """Do a step; what it asks for may be refused."""
    match step:
        case ("charge", code, day, who, far, how):
            where.take_far(str(number), code, day, who=who, far=far, how=how)
        case ("late", who, day):
            where.attend(who, day, actor=people.CHEN, kind="late", days_back=0)
        case ("leave", who, day):
            asked = {"length": 2, "days_back": 100}
            where.request_leave(who, f"n{number}", day, **asked)
            where.decide_leave(who, f"n{number}", people.CHEN, approving=True)
        case ("close", month):
            where.close(month, again=False, mark="90")
        case ("mend", month, who):
            where.mend(month, who, "80", wait=False)
        case ("bonus", who, month):
            where.bonus(who, month, task="a", actor=people.CHEN, points="3")


def reports(where: Shop, *, registers: bool = True, **asked: Any) -> dict[str, Any]:
    """The scores of the months of the facts and of the one behind them, and the registers."""
    found: dict[str, Any] = {
        month: where.rows(where.models, "scores", month=month, **asked)
        for month in (*MONTHS, "2026-10")}
    for name in ("deductions", "appeals", "decisions") if registers else ():
        found[name] = where.rows(where.models, name, **asked)
    return found


def figures(where: Shop) -> list[Any]:
    """The scores alone."""
    return list(reports(where, registers=False).values())


# -- what must not matter -------------------------------------------------------------------------


@settings(max_examples=tried(15), deadline=None)
@examples(steps=st.lists(charges, min_size=2, max_size=6), data=st.data())
def test_scores__are_the_same_in_any_order_of_confirmations(
    steps: list[Step], data: st.DataObject
) -> None:
    """And if a month is sealed among them, its sum with what is carried is the same."""
    order = data.draw(st.permutations(range(len(steps))))
    sealed_at = data.draw(st.integers(0, len(steps)))

    def played(order: Sequence[int], sealing: bool) -> tuple[Any, Any]:
        with shop("2026-09-20") as where:
            for number, (_, code, day, who, *_) in enumerate(steps, 1):
                where.propose(str(number), code, day, offender=who, actor=people.CHEN,
                              about=f"order:{number}", more=(1, False, 9))
            for count, index in enumerate(order):
                if sealing and count == sealed_at:
                    where.close("2026-08", again=False, mark="90")
                _, code, *_ = steps[index]
                span = LAWS[code].charges["offender"]
                price = {"offender": span[index % 2]} if code == "RANGE" and span else {}
                where.confirm(str(index + 1), people.SUN, price, 0)
            return figures(where), where.taken()

    straight = played(range(len(steps)), False)
    assert played(order, False) == straight
    assert played(order, True)[1] == straight[1]


@settings(max_examples=tried(15), deadline=None)
@examples(steps=histories(charges, presence, closing), code=codes, day=days,
          at_=st.integers(0, 8), later=st.integers(0, 8))
def test_appeal__that_overturns_leaves_the_scores_as_if_nothing_had_been(
    steps: list[Step], code: str, day: str, *, at_: int, later: int
) -> None:
    """Month by month as long as none is sealed; else the sums over all months."""

    def played(more: bool) -> tuple[bool, Any, Any]:
        with shop() as where:
            for number in range(len(steps) + 1):
                if more and number == min(at_, len(steps)):
                    where.take_far("x", code, day, who=people.WANG, far=2, how="")
                if more and number == min(at_ + later, len(steps)):
                    where.decide("x", people.WANG, people.LIU, how="overturned", points="",
                                 days_back=0)
                    row = next(row for row in where.rows(where.models, "deductions")
                               if row["deduction"] == "deduction:x")
                    assert (row["state"], row["points"]) in (
                        ("overturned", "0"), ("confirmed", "2"))
                    assert [one["what"] for one in where.rows(
                        where.models, "decisions") if one["deduction"] == "deduction:x"] == [
                        "overturned", "appealed", "confirmed", "proposed"]
                if number < len(steps):
                    go(where, number, steps[number])
            return bool(where.oracle.seals), figures(where), where.taken()

    sealed, before, taken = played(False)
    _, after, taken_after = played(True)
    assert taken_after == taken
    if not sealed:
        assert after == before


# -- the past -------------------------------------------------------------------------------------


@settings(max_examples=2, deadline=None)
@examples(steps=histories(charges, presence, closing, most=5))
def test_scores__as_of_every_position_are_those_of_the_log_until_then(steps: list[Step]) -> None:
    with shop("2026-08-25") as where:
        begun = where.head
        for number, step in enumerate([("charge", "SHARED", "2026-07-05", people.WANG, 2, ""),
                                       ("close", "2026-07"), *steps,
                                       ("charge", "RANGE", "2026-07-20", people.WANG, 3,
                                        "overturned")]):
            go(where, number, step)
        copy = Settings(database_url="memory:", keys_url="memory:",
                        master_key_file=None).open_store()
        for entry in where.ledger.store.read("main", limit=1_000):
            write(copy, entry if entry.position > 1 else first(
                recorded_at=entry.recorded_at, occurred_at=entry.occurred_at))
            if entry.position < begun:
                continue
            fresh = ReadModels(copy, PROJECTIONS)
            for name, rows in reports(where, registers=entry.position % 4 == 0,
                                      as_of=AsOf.parse(entry.position)).items():
                month = name if name.startswith("2026") else None
                assert rows == run(fresh, "main", "scores" if month else name,
                                   Question(month=month)).rows, (entry.position, name)
            fresh.close()
        copy.close()


def ask_everything(where: Shop, **asked: Any) -> None:
    """Every report of scores; one may say that there is nothing, but not break."""
    for month in (*MONTHS, None):
        for name in ("scores", "score-warnings", "score-terms", "deductions", "appeals",
                     "decisions"):
            for who in (people.WANG, people.LI) if name == "score-terms" else (None,):
                try:
                    where.rows(where.models, name, month=month, subject=who, **asked)
                except LedgerError as error:
                    assert error.code in ("nothing_recorded", "no_month_closed"), error


@settings(max_examples=6, deadline=None)
@examples(steps=histories(charges, presence, closing), days_on=st.lists(
    st.integers(0, 120), min_size=2, max_size=2))
def test_scores__as_of_any_day_of_the_business_are_known(
    steps: list[Step], days_on: list[int]
) -> None:
    with shop("2026-08-25") as where:
        for number, step in enumerate(steps):
            where.day = days_later(where.day, 3)
            go(where, number, step)
        for more in days_on:
            ask_everything(where, as_of=AsOf.parse(None, None, days_later("2026-07-01", more)))


@settings(max_examples=8, deadline=None, derandomize=True, report_multiple_bugs=False,
          phases=[Phase.generate])  # shrinking what is known takes minutes
@examples(steps=st.lists(st.tuples(st.integers(0, 80), charges | closing), min_size=2, max_size=4))
def test_scores__as_of_any_day_are_known_whenever_it_is_said_to_have_happened(
    steps: list[tuple[int, Step]]
) -> None:
    """Each part of a step is dated on a day of its own, and a later step may be dated before an
    earlier one; asked is as of the days of decisions."""
    dated = set()
    with shop("2026-07-06") as where:
        for number, (more, step) in enumerate(steps):
            where.day = days_later("2026-07-10", more)
            if step[0] != "charge":
                go(where, number, step)
                continue
            _, code, day, who, *_ = step
            where.propose(str(number), code, day, offender=who, actor=people.CHEN,
                          about="order:a", more=(1, False, 9))
            where.day = days_later(where.day, 2)
            where.confirm(str(number), people.SUN, {}, 0)
            where.day = days_later(where.day, 1)
            where.appeal(str(number), who, 0)
            dated.add(where.day)
            where.day = days_later(where.day, 1)
            where.decide(str(number), who, people.LIU, how="upheld", points="", days_back=0)
            dated.add(where.day)
        for day in sorted(dated)[:3]:
            ask_everything(where, as_of=AsOf.parse(None, None, day))


# -- what once went wrong -------------------------------------------------------------------------


class Small:
    """A small shop in memory, with the people of `team`."""

    def __init__(self, *rules: Rule, **sections: Any) -> None:
        self.opened = open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                           master_key_file=None))
        self.models = ReadModels(self.opened.store, PROJECTIONS)
        self.record(*opening(*rules, **sections))

    def record(self, *steps: tuple[str, Command]) -> None:
        """Steps, all of them accepted."""
        for actor, command in steps:
            self.opened.ledger.handle(command, context(actor=actor))

    def rows(self, name: str, **asked: Any) -> list[dict[str, Any]]:
        """A report's rows."""
        return run(self.models, "main", name, Question(**asked)).rows

    def figure(self, member: str = WANG, month: str = MONTH, post: str = "") -> dict[str, Any]:
        """A member's figure."""
        return next(row for row in self.rows("scores", month=month)
                    if row["member"] == member and row["post"].startswith(post))

    def amounts(self, member: str, month: str, post: str) -> Decimal:
        """What the terms of a score add up to."""
        return sum((Decimal(term["amount"]) for term in self.rows(
            "score-terms", subject=member, month=month) if term["post"] == post), Decimal(0))

    def close(self) -> None:
        """The end."""
        self.models.close()
        self.opened.close()


@pytest.fixture
def small(request: pytest.FixtureRequest) -> Iterator[Small]:
    """A small shop with the rules that the test names."""
    found = Small(*request.param)
    yield found
    found.close()


def ruled(*rules: Rule) -> pytest.MarkDecorator:
    """The rules of a small shop."""
    return pytest.mark.parametrize("small", [rules], indirect=True, ids=["small"])


ONE = rule("R1", {"offender": ["1", "1"]})
THREE = rule("R3", {"offender": ["3", "3"]})
BOTH = rule("SHARED", {"offender": ["1", "1"], "supervisor": ["2", "2"]}, exempt="objective")
MORE = rule("MORE", {"offender": ["1", "1"]}, posts=["customer_service", "dispatcher"],
            escalation=Escalation(2, "3"))
EARLY = {"day": "2026-09-20", "occurred_at": at("2026-10-03")}


@ruled(BOTH)
def test_deduction__charges_no_supervisor_without_the_offender(small: Small) -> None:
    """The supervisor's share falls with the agent's (domain.md §4), whenever it is waived."""
    small.record((CHEN, propose(1, "SHARED")), (LIU, waive(1, members=[WANG])))
    with suppress(Refused):
        small.record((ZHOU, confirm(1)))
    assert small.figure(LI)["deductions"] == "0"


@ruled(ONE)
def test_deduction__names_the_first_offender_again(small: Small) -> None:
    def named(offender: str) -> tuple[str, Command]:
        return LI, NameOffender(deduction="deduction:1", offender=offender,
                                occurred_at=at("2026-09-05"))

    small.record((CHEN, propose(1, "R1", offender=WANG)), named(ZHAO), named(WANG))


@ruled(MORE)
def test_month__sealed_carries_what_a_late_charge_escalates_in_another_post(small: Small) -> None:
    """Wang moves in the middle of the month; his first breach becomes known after the seal."""
    small.record(
        ("system", EndPost(member=WANG, post="customer_service", until="2026-09-15",
                           occurred_at=at("2026-09-15"))),
        ("system", AssignPost(member=WANG, post="dispatcher", since="2026-09-16",
                              occurred_at=at("2026-09-15"))),
        (CHEN, propose(1, "MORE", day="2026-09-20")), (ZHAO, confirm(1, "2026-09-21")),
        (CHEN, propose(2, "MORE", day="2026-09-10", occurred_at=at("2026-09-22"))),
        *[(who, grade(WANG, sheet, post="dispatcher"))
          for who, sheet in ((LIU, "committee"), (WANG, "second"))],
        *SEALED, (ZHAO, confirm(2, "2026-10-05")))

    sealed = small.figure(post="dispatcher")
    assert small.amounts(WANG, MONTH, "dispatcher") == Decimal(sealed["part"])


@ruled(THREE)
def test_month__restated_has_nothing_of_a_charge_that_was_carried_and_overturned(
    small: Small
) -> None:
    """Overturned is as if never charged: 90 points, not 93 here and 3 less in October."""
    small.record(*SEALED, (CHEN, propose(1, "R3", **EARLY)), (ZHOU, confirm(1, "2026-10-03")),
                 (WANG, appeal(1, "2026-10-04")), (CHEN, reopen(day="2026-10-05")),
                 (LIU, overturn(1, day="2026-10-06")))
    with suppress(Refused):
        small.record((CHEN, restate(day="2026-10-07")))
    assert small.figure()["score"] == "90"
    assert small.figure(month="2026-10")["deductions"] == "0"


@ruled(THREE)
def test_month__sealed_takes_what_was_carried_to_a_post_that_the_member_left(small: Small) -> None:
    """Wang is a dispatcher from October on; in September he broke a rule of his old post."""
    small.record(
        *SEALED,
        ("system", EndPost(member=WANG, post="customer_service", until="2026-09-30",
                           occurred_at=at("2026-10-01"))),
        ("system", AssignPost(member=WANG, post="dispatcher", since="2026-10-01",
                              occurred_at=at("2026-10-01"))),
        (CHEN, propose(1, "R3", **EARLY)), (ZHOU, confirm(1, "2026-10-03")),
        *graders("2026-10", but=WANG),
        *[(who, grade(WANG, sheet, "2026-11-01", post="dispatcher", month="2026-10"))
          for who, sheet in ((LIU, "committee"), (WANG, "second"))],
        (CHEN, seal("2026-10", "2026-11-02")))


@ruled(THREE)
def test_month__sealed_without_a_member_carries_on_what_was_carried_to_him(small: Small) -> None:
    small.record(*SEALED, (CHEN, propose(1, "R3", **EARLY)), (ZHOU, confirm(1, "2026-10-03")),
                 *graders("2026-10", but=WANG),
                 (CHEN, seal("2026-10", "2026-11-02", left_out=[
                     LeftOut(WANG, "customer_service", "absent")])))
    assert small.figure(month="2026-11")["deductions"] == "3"


def test_policy__rejected_where_a_supervisors_points_would_count_in_an_item() -> None:
    """His scorecard may lack it: then nobody would lose them."""
    card = Scorecard(post="customer_service", items=[
        ScorecardItem(item="work/1", weight="90", zh="x", en="x"),
        ScorecardItem(item="att/1", weight="10", zh="x", en="x", computed_from=["IN"])])
    with pytest.raises(PolicyUnsound, match="a supervisor's charge counts in the month"):
        Small(rule("IN", {"offender": ["1", "1"], "supervisor": ["2", "2"]},
                   counts_in="att/1"), scorecards=[card])


@ruled(rule("AWAY", {"offender": ["1", "1"]}, computed_from=["leave"]))
def test_score__takes_a_day_of_leave_once(small: Small) -> None:
    for number in "ab":
        try:
            small.record((WANG, RequestLeave(member=WANG, number=number, days=["2026-09-03"],
                                         occurred_at=at("2026-09-01"))),
                         (CHEN, ApproveLeave(member=WANG, number=number,
                                             occurred_at=at("2026-09-02"))))
        except Refused:
            assert number == "b"
    assert small.figure()["deductions"] == "1"


@ruled(rule("LATE", {"offender": ["2", "2"]}, computed_from=["late"]))
def test_score__rejected_to_be_charged_for_a_day_that_is_yet_to_come(small: Small) -> None:
    late = RecordAttendance(member=WANG, day="2026-09-30", kind="late",
                            occurred_at=at("2026-09-05"))
    with suppress(LedgerError):
        small.record((LI, late))
    assert small.figure()["deductions"] == "0"


@ruled(ONE)
def test_appeal__accepted_in_time_though_the_confirmation_is_dated_back(small: Small) -> None:
    """The proposal is of 4 September: it cannot have been confirmed in August. Over HTTP, too,
    the reviewer tells when he confirmed, while an appeal always happens now."""
    small.record((CHEN, propose(1, "R1")))
    try:
        small.record((ZHOU, confirm(1, "2026-08-01")))
    except Refused:
        small.record((ZHOU, confirm(1, "2026-09-05")))
    small.record((WANG, appeal(1, "2026-09-05")))


@ruled(rule("MORE", {"offender": ["1", "4"]}, escalation=Escalation(2, "2")))
def test_score__escalates_in_the_order_of_the_facts_of_a_day(small: Small) -> None:
    """4 points at nine, 1 at six: 4 + 2 x 1."""
    for number, hour, points in (("2", 9, "4"), ("1", 18, "1")):
        small.record((CHEN, propose(number, "MORE", about=f"order:{number}",
                                    breached_at=at("2026-09-03", hour))),
                     (ZHOU, confirm(number, points={"offender": points})))
    assert small.figure()["deductions"] == "6"


@ruled(ONE)
def test_scores__as_of_a_day_between_a_reopening_and_a_later_seal_are_known(small: Small) -> None:
    """Business times are given by people; docs/time.md lets an event count for nothing."""
    try:
        small.record(*graders(), (CHEN, seal(day="2026-10-05")),
                     (CHEN, reopen(day="2026-10-03")))
    except Refused:
        return
    small.rows("scores", month=MONTH, as_of=AsOf.parse(None, None, "2026-10-04"))


def late_confirmation(small: Small) -> None:
    """An appeal is dated before the confirmation, and its end before the appeal."""
    small.record((CHEN, propose(1, "R3")), (ZHOU, confirm(1, "2026-09-07")))
    with suppress(Refused):
        small.record((WANG, appeal(1, "2026-09-06")), (LIU, ReduceDeduction(
            deduction="deduction:1", member=WANG, points="1", reason="half",
            occurred_at=at("2026-09-05"))))


@ruled(THREE)
def test_appeals__as_of_a_day_before_the_confirmation_are_known(small: Small) -> None:
    late_confirmation(small)
    small.rows("appeals", as_of=AsOf.parse(None, None, "2026-09-06"))


@ruled(THREE)
def test_appeals__as_of_a_day_before_the_appeal_are_known(small: Small) -> None:
    late_confirmation(small)
    small.rows("appeals", as_of=AsOf.parse(None, None, "2026-09-05"))


@ruled(BOTH)
def test_appeal__of_the_supervisor_ends_when_his_share_falls(small: Small) -> None:
    small.record((CHEN, propose(1, "SHARED")), (ZHOU, confirm(1)), (LI, appeal(1)),
                 (WANG, appeal(1)), (LIU, overturn(1)))
    assert [row["state"] for row in small.rows("appeals") if row["member"] == LI] != ["appealed"]


# -- what is wrong still --------------------------------------------------------------------------


def dismissed(day: str = "2026-09-05") -> tuple[str, Command]:
    """Nothing shows the first one."""
    return ZHOU, DismissDeduction(deduction="deduction:1", reason="no proof", occurred_at=at(day))


def renewed(number: object, **fields: Any) -> tuple[str, Command]:
    """The first one is shown anew."""
    return CHEN, propose(number, "R1", renews="deduction:1", occurred_at=at("2026-09-06"),
                         **fields)


def named(offender: str, number: object = "1", day: str = "2026-09-05") -> tuple[str, Command]:
    """It is known who did it."""
    return LIU, NameOffender(deduction=f"deduction:{number}", offender=offender,
                             occurred_at=at(day))


@pytest.mark.parametrize("fields", [{"offender": ZHAO}, {"occurrence": 2}], ids=["who", "nth"])
@ruled(ONE)
def test_deduction__dismissed_is_renewed_once(small: Small, fields: dict[str, Any]) -> None:
    small.record((CHEN, propose(1, "R1")), dismissed(), renewed(2))
    with pytest.raises(LedgerError):
        small.record(renewed(3, **fields))


@ruled(ONE)
def test_deduction__renewed_charges_no_other_for_what_he_is_charged_with(small: Small) -> None:
    small.record((CHEN, propose(1, "R1")), (CHEN, propose(2, "R1", offender=ZHAO)),
                 (LIU, confirm(2)), dismissed())
    with suppress(LedgerError):
        small.record(renewed(3, offender=ZHAO), (LIU, confirm(3, "2026-09-07")))
    assert small.figure(ZHAO)["deductions"] == "1"


@ruled(ONE)
def test_deduction__renewed_names_whom_the_dismissed_one_named(small: Small) -> None:
    small.record((CHEN, propose(1, "R1", offender=None)), named(WANG),
                 dismissed(), renewed(2, offender=None),
                 named(WANG, 2, "2026-09-07"))


@ruled(rule("SHARED", {"offender": ["1", "1"], "supervisor": ["2", "2"]}, exempt="objective",
            posts=["customer_service", "customer_service_head"]))
def test_deduction__charges_the_offender_whom_it_excused_as_a_supervisor(small: Small) -> None:
    """Chen pays for Li, who does not: a supervisor's charge stands on the offender's."""
    small.record((ZHAO, propose(1, "SHARED")), (ZHOU, waive(1, members=[LI])), named(LI))
    with suppress(LedgerError):
        small.record((ZHOU, confirm(1)))
    assert (small.figure(LI)["deductions"], small.figure(CHEN)["deductions"]) in (
        ("1", "2"), ("0", "0"))


@ruled(THREE)
def test_month__left_out_in_one_post_carries_on_what_was_carried_to_none(small: Small) -> None:
    """Wang is a dispatcher and an editor from October on; of September he owes 3 points."""
    posts = ("dispatcher", "editor")
    small.record(
        *SEALED,
        ("system", EndPost(member=WANG, post="customer_service", until="2026-09-30",
                           occurred_at=at("2026-10-01"))),
        *[("system", AssignPost(member=WANG, post=post, since="2026-10-01",
                                occurred_at=at("2026-10-01"))) for post in posts],
        (CHEN, propose(1, "R3", **EARLY)), (ZHOU, confirm(1, "2026-10-03")),
        *graders("2026-10", but=WANG),
        *[(who, grade(WANG, sheet, "2026-11-01", post="editor", month="2026-10"))
          for who, sheet in ((LIU, "committee"), (WANG, "second"))],
        (CHEN, seal("2026-10", "2026-11-02", left_out=[
            LeftOut(WANG, "dispatcher", "short_time")])))
    lost = [Decimal(row["deductions"]) for month in ("2026-10", "2026-11")
            for row in small.rows("scores", month=month) if row["member"] == WANG]
    assert sum(lost) == 3


@ruled(THREE)
def test_month__left_out_gives_back_nothing_that_was_not_taken(small: Small) -> None:
    """Wang has no figure of September: his charge of it costs him nothing. It falls in October."""
    small.record((CHEN, propose(1, "R3")), (ZHOU, confirm(1)),
                 *graders(but=WANG),
                 (CHEN, seal(left_out=[LeftOut(WANG, "customer_service", "absent")])),
                 (WANG, appeal(1, "2026-10-03")), (LIU, overturn(1, day="2026-10-04")))
    assert small.figure(month="2026-10")["deductions"] == "0"


LATE = rule("LATE", {"offender": ["6", "6"]}, computed_from=["late"], counts_in="att/1")


def test_month__sealed_gives_back_what_is_corrected_in_a_post_that_was_never_held() -> None:
    """Six points twice of an item of ten; but Wang was an editor, so that twelve are taken."""
    card = Scorecard(post="customer_service", items=[
        ScorecardItem(item="work/1", weight="90", zh="x", en="x"),
        ScorecardItem(item="att/1", weight="10", zh="x", en="x", computed_from=["LATE"])])
    small = Small(LATE, scorecards=[card])
    small.record(
        *[(CHEN, RecordAttendance(member=WANG, day=day, kind="late", occurred_at=at(day)))
          for day in ("2026-09-02", "2026-09-03")],
        ("system", EndPost(member=WANG, post="customer_service", until="2026-08-31",
                           occurred_at=at("2026-09-05"))),
        ("system", AssignPost(member=WANG, post="editor", since="2026-09-01",
                              occurred_at=at("2026-09-05"))),
        *graders(posts={**POSTS, WANG: "editor"}), (CHEN, seal()))
    assert small.figure()["deductions"] == "12"
    small.record((CHEN, CorrectAttendance(member=WANG, month=MONTH, number=1, reason="a slip",
                                          occurred_at=at("2026-10-05"))))
    assert small.figure(month="2026-10")["deductions"] == "-6"
    small.close()


def test_policy__rejected_where_rules_that_exclude_each_other_count_differently() -> None:
    """It would not be clear that both are about the same fact."""
    with pytest.raises(PolicyUnsound, match="counts once per review"):
        Small(rule("MILD", {"offender": ["3", "3"]}, per="review", excludes="SHARP"),
              rule("SHARP", {"offender": ["5", "5"]}, per="occurrence", excludes="MILD"))
