"""Who may decide is asked of the day of recording, whatever day a decision is dated to."""

import pytest

from ledger.common.values import to_us
from ledger.core.commands import Command
from ledger.deductions.errors import AppealTooLate
from ledger.people.commands import (
    ApproveLeave,
    AssignPost,
    CorrectAttendance,
    EndPost,
    HandOverShift,
    JoinMember,
    LeaveShop,
    RecordAttendance,
    RefuseLeave,
    RequestLeave,
    SetSupervisor,
    WithdrawLeave,
)
from ledger.people.errors import LeaveDaysPast, NotTheHead, OnlyForOneself
from ledger.people.rosters import ArrangeCover, SetRoster, SetRosterDay, Shift
from ledger.policies.posts import COMMITTEE
from ledger.scores.account import Account
from ledger.scores.errors import NotTheGrader
from ledger.scores.values import account_of
from tests.support.stories import Story
from tests.support.team import (
    CHEN,
    JOINED,
    LI,
    LIU,
    MONTH,
    WANG,
    ZHAO,
    ZHOU,
    Step,
    appeal,
    at,
    confirm,
    grade,
    printed,
    propose,
    published,
    rule,
    started,
    team,
)

BEFORE, MOVED, NOW = "2026-09-09", "2026-09-10", "2026-09-20"
NEW = "member:new"


def shop(*steps: Step, now: str = NOW) -> Story:
    """The team and the shipped rules; from `now` on, things are recorded on that day."""
    story = started(*steps, opened=[
        ("system", one) for one in (*team(), *printed("rules", "scorecards"))])
    story.now = to_us(at(now))
    return story


def moved(who: str, post: str) -> list[Step]:
    """Somebody gives a post up for that of a dispatcher, and nobody is under them any more."""
    found: list[Command] = [
        EndPost(post=post, member=who, until=BEFORE, occurred_at=at(BEFORE)),
        AssignPost(post="dispatcher", member=who, since=MOVED, occurred_at=at(BEFORE))]
    above = {CHEN: (LI, ZHOU), LI: (WANG, ZHAO)}[who]
    found += [SetSupervisor(member=one, supervisor=LIU, since=MOVED, occurred_at=at(BEFORE))
              for one in above]
    return [("system", one) for one in found]


def asked(member: str = WANG, *days: str) -> Step:
    """Leave that was asked for."""
    return member, RequestLeave(member=member, number="1", days=list(days or (MOVED,)),
                                occurred_at=at("2026-09-01"))


NIGHT = Shift(name="night", start="22:00", end="06:00", members=[LI])


@pytest.mark.parametrize("on", ["2026-08-01", BEFORE, MOVED, NOW, "2026-10-01"])
def test_roster__rejected_on_whatever_day_from_who_plans_for_nobody(on: str) -> None:
    """Before the first post of whoever plans, and after the last, they plan for nobody either."""
    story = shop(("system", JoinMember(member=NEW, joined_on=BEFORE, occurred_at=at(BEFORE))),
                 ("system", AssignPost(post="customer_service", member=NEW, since=MOVED,
                                       occurred_at=at(BEFORE))),
                 ("system", EndPost(post="customer_service", member=NEW, until=NOW,
                                    occurred_at=at(BEFORE))),
                 ("system", SetRoster(roster="cs", since=JOINED, shifts=[NIGHT],
                                      occurred_at=at(JOINED))), *moved(CHEN, "shop_manager"))
    for actor in (NEW, CHEN):
        story.by(actor).when(SetRoster(roster="cs", since=on, shifts=[], occurred_at=at(NOW)))
        story.refused(NotTheHead)
        story.when(SetRosterDay(roster="cs", day=on, shifts=[], occurred_at=at(NOW)))
        story.refused(NotTheHead)
        story.when(ArrangeCover(roster="cs", day=on, shift="night", absent=LI, cover=WANG,
                                occurred_at=at(NOW))).refused(NotTheHead)


@pytest.mark.parametrize("decision", [
    ApproveLeave(member=WANG, number="1", occurred_at=at(BEFORE)),
    RefuseLeave(member=WANG, number="1", reason="stocktake", occurred_at=at(BEFORE))])
def test_leave__rejected_to_be_decided_by_a_former_head_whatever_the_date(
    decision: Command,
) -> None:
    both = (*moved(LI, "customer_service_head"), *moved(CHEN, "shop_manager"))
    for who in (LI, CHEN):
        shop(asked(), *both).by(who).when(decision).refused(NotTheHead)
        assert shop(asked(), *both, now=BEFORE).by(who).when(decision).error is None


def test_leave__rejected_to_be_spoken_for_by_a_former_supervisor_whatever_the_date() -> None:
    story = shop(asked(), *moved(LI, "customer_service_head"))
    days = ["2026-09-25"]
    for one in (RequestLeave(member=WANG, number="2", days=days, occurred_at=at(BEFORE)),
                WithdrawLeave(member=WANG, number="1", days=[MOVED], occurred_at=at(BEFORE)),
                HandOverShift(member=WANG, day=BEFORE, shift="early", note="all is done",
                              occurred_at=at(BEFORE))):
        story.by(LI).when(one).refused(OnlyForOneself)


def test_leave__rejected_to_be_taken_back_by_oneself_once_it_is_past_whatever_the_date() -> None:
    """It has cost points, which no date gives back."""
    story = shop(asked(), (CHEN, ApproveLeave(member=WANG, number="1", occurred_at=at(BEFORE))))
    own = WithdrawLeave(member=WANG, number="1", days=[MOVED], occurred_at=at(BEFORE))
    story.by(WANG).when(own).refused(LeaveDaysPast)
    account = story.known[account_of(WANG, MONTH)]
    assert isinstance(account, Account)
    assert len(account.charges) == 1
    story.by(LI).when(own).then("member.leave_withdrawn.v1", "month.charge_reversed.v1")


def test_attendance__of_before_is_recorded_and_corrected_by_who_heads_the_member_now() -> None:
    """Nobody is left of those who headed the member on that day."""
    story = shop(
        ("system", JoinMember(member=NEW, joined_on=MOVED, occurred_at=at(BEFORE))),
        ("system", AssignPost(post="shop_manager", member=NEW, since=MOVED,
                              occurred_at=at(BEFORE))),
        ("system", LeaveShop(member=CHEN, last_day=BEFORE, occurred_at=at(BEFORE))))
    late = RecordAttendance(member=LI, day=BEFORE, kind="late", occurred_at=at(NOW))
    story.by(WANG).when(late).refused(NotTheHead)
    assert story.by(NEW).when(late).error is None
    story.when(CorrectAttendance(member=LI, month=MONTH, number=1, reason="a slip",
                                 occurred_at=at(NOW)))
    assert story.error is None


def test_appeal__rejected_out_of_time_whatever_the_date() -> None:
    story = started(opened=[("system", one) for one in (
        *team(), published(rule("R1", {"offender": ["1", "1"]})))])
    story.by(LI).when(propose()).by(CHEN).when(confirm())
    story.now = to_us(at("2026-11-20"))
    story.by(WANG).when(appeal()).refused(AppealTooLate)
    story.now = to_us(at("2026-09-08"))
    story.when(appeal()).then("deduction.appealed.v1")


def test_month__rejected_to_be_graded_by_former_graders_whatever_the_date() -> None:
    left = EndPost(post=COMMITTEE, member=LIU, until=BEFORE, occurred_at=at(BEFORE))
    story = started(("system", left), opened=[("system", one) for one in (
        *team(), published(rule("R1", {"offender": ["1", "1"]})))])
    story.now = to_us(at(NOW))
    story.by(LIU).when(grade(WANG, "committee", day=BEFORE)).refused(NotTheGrader)
    story.now = to_us(at(BEFORE))
    story.when(grade(WANG, "committee", day=BEFORE))
    assert story.error is None
