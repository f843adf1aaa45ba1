"""People by date: who was here, who held which post, who supervised whom, who was absent."""

from typing import Any

import msgspec
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from ledger.common.days import day_after
from ledger.common.errors import InvalidValues, LedgerError
from ledger.core.commands import Command
from ledger.people.attendance import Attendance, attendance_of
from ledger.people.commands import (
    ApproveLeave,
    AssignPost,
    ChangeDetails,
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
from ledger.people.errors import (
    AskerApproves,
    AttendanceAhead,
    AttendanceCorrected,
    AttendanceUnknown,
    AttendedAlready,
    AttendedOtherwise,
    LeaveDaysPast,
    LeaveDecided,
    LeaveNumberTaken,
    LeaveOverlaps,
    LeaveTooLate,
    LeaveUnknown,
    MemberGone,
    MemberJoinedDifferently,
    MemberNotYet,
    MemberUnknown,
    NoLeaveThen,
    NotTheHead,
    OnlyForOneself,
    OwnPresence,
    PostHeldAlready,
    PostNotHeld,
    PostUnknown,
    SignatureNeeded,
    SupervisorCircle,
)
from ledger.people.member import Member
from ledger.people.posts import Post, post_of
from ledger.scores.account import Account
from ledger.scores.values import account_of
from tests.support.stories import Story, given
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
    at,
    closed,
    continued,
    printed,
    started,
    team,
)
from tests.support.written import WORDS, sealed_for

NEW = "member:new"
OTHER = "member:other"


SHIPPED: list[Step] = [("system", one) for one in (*team(), *printed("rules", "scorecards"))]


def start(*steps: Step) -> Story:
    """The team, the shipped policies, and what happened then."""
    return started(*steps, opened=SHIPPED)


def join(member: str = NEW, day: str = JOINED, **fields: Any) -> JoinMember:
    """Somebody new."""
    return JoinMember(member=member, joined_on=day, occurred_at=at(day), **fields)


def member(story: Story, name: str = WANG) -> Member:
    """A member as the story left them."""
    found = story.known[name]
    assert isinstance(found, Member)
    return found


def post(story: Story, name: str = "customer_service") -> Post:
    """A post as the story left it."""
    found = story.known[post_of(name)]
    assert isinstance(found, Post)
    return found


def lost(story: Story, name: str = WANG, month: str = MONTH) -> str:
    """What attendance took from its item."""
    found = story.known.get(account_of(name, month))
    if not isinstance(found, Account):
        return "0"
    of = "dispatcher" if name == ZHOU else "customer_service"
    return str(found.cost(of, "reporting_attendance/2"))


# -- joining and leaving --------------------------------------------------------------------------


def test_leave_shop__its_reason_is_sealed_for_the_member() -> None:
    leaves = LeaveShop(member=NEW, last_day=JOINED, reason="搬家", occurred_at=at(JOINED))
    (fact,) = given(join()).when(leaves).then("member.left.v1")
    assert (fact.reason.p, leaves.persons()) == (f"person:{NEW}", [NEW])


def test_written__is_sealed_for_the_member() -> None:
    """Also where the month's account follows: it does not repeat why."""
    story = start()
    for actor, command in (
            (WANG, on_leave(RequestLeave, days=TWO, reason=WORDS)),
            (LI, on_leave(RefuseLeave, reason=WORDS)),
            (WANG, on_leave(RequestLeave, days=TWO, number="L2", reason=WORDS)),
            (LI, on_leave(WithdrawLeave, number="L2", reason=WORDS)),
            (LI, attend("late", note=WORDS)), (LI, correct()),
            (LI, EndPost(member=WANG, post="customer_service", until="2026-12-31", reason=WORDS,
                         occurred_at=at("2026-09-05")))):
        assert command.persons() == [WANG]
        assert sealed_for(story.by(actor), command) == {WANG}


def test_join__accepted_once_with_a_sealed_name() -> None:
    story = given()
    facts = story.when(join(name="王芳", contact="13800000000")).then("member.joined.v1")
    assert facts[0].name.c == "c"
    assert facts[0].PERSONAL == ("name", "contact")
    story.when(join()).then()
    story.when(join(day="2026-02-01")).refused(MemberJoinedDifferently)


def test_change_details__rejected_for_who_never_joined() -> None:
    story = given(join())
    story.when(ChangeDetails(member=NEW, name="王方", occurred_at=at(JOINED))).then(
        "member.details_changed.v1")
    story.when(ChangeDetails(member=OTHER, name="王方", occurred_at=at(JOINED))).refused(
        MemberUnknown)
    with pytest.raises(InvalidValues):
        ChangeDetails(member=NEW, occurred_at=at(JOINED))


@pytest.mark.parametrize("name", ["王芳", "wang", "cli:wang", "member:王芳", "member:", "system"])
def test_join__rejected_under_a_name(name: str) -> None:
    with pytest.raises(InvalidValues):
        join(name)


def test_leave_shop__ends_every_post() -> None:
    story = start(("system", LeaveShop(member=WANG, last_day="2026-09-15",
                                       occurred_at=at("2026-09-15"))))

    assert [member(story).is_here_on(day) for day in ("2025-12-31", "2026-01-01", "2026-09-15",
                                                      "2026-09-16")] == [False, True, True, False]
    assert [post(story).held_by(WANG, day) for day in ("2026-09-15", "2026-09-16")] == [True, False]
    story.when(AssignPost(post="editor", member=WANG, since="2026-10-01",
                          occurred_at=at("2026-10-01"))).refused(MemberGone)


# -- posts and supervisors ------------------------------------------------------------------------


def test_assign_post__rejected() -> None:
    def assign(**fields: Any) -> AssignPost:
        return AssignPost(**{"post": "editor", "member": WANG, "since": "2026-03-01",
                             "occurred_at": at("2026-03-01"), **fields})

    story = start()
    story.when(assign(post="king")).refused(PostUnknown)
    story.when(assign(member=OTHER)).refused(MemberUnknown)
    story.when(assign(post="customer_service")).refused(PostHeldAlready)
    story.when(assign()).then("post.assigned.v1")
    story.when(assign()).then()
    story.when(EndPost(post="editor", member=ZHAO, until="2026-05-01",
                       occurred_at=at("2026-05-01"))).refused(PostNotHeld)
    ended = EndPost(post="editor", member=WANG, until="2026-05-01", occurred_at=at("2026-05-01"))
    story.when(ended).then("post.term_ended.v1")
    story.when(ended).then()
    story.when(assign(since="2026-05-01")).refused(PostHeldAlready)
    story.when(assign(since="2026-05-02")).then("post.assigned.v1")


DAYS = [day_after("2026-01-01", number) for number in range(30)]


@examples(st.lists(st.tuples(st.sampled_from([WANG, ZHAO]), st.booleans(),
                             st.integers(0, 29)), max_size=20))
def test_posts__are_held_as_a_calendar_would_show(steps: list[tuple[str, bool, int]]) -> None:
    story = given(join(WANG), join(ZHAO))
    terms: list[tuple[str, int, int]] = []
    for who, begins, number in steps:
        day = DAYS[number]
        fields: dict[str, Any] = {"post": "editor", "member": who, "occurred_at": at(day)}
        story.when(AssignPost(**fields, since=day) if begins else EndPost(**fields, until=day))
        if story.error is not None or not story.facts:
            continue
        if begins:
            terms.append((who, number, 99))
        else:
            (ended,) = (one for one in terms if one[0] == who and one[1] <= number + 1
                        and one[2] > number)
            terms[terms.index(ended)] = (who, ended[1], number)
    if post_of("editor") in story.known:
        found = post(story, "editor")
        for number, day in enumerate(DAYS):
            assert found.holders_on(day) == sorted(
                who for who, since, until in terms if since <= number <= until)


def test_post__taken_back_was_never_held() -> None:
    slip = AssignPost(post="editor", member=WANG, since="2026-05-01", occurred_at=at("2026-04-01"))
    story = start(("system", slip), ("system", EndPost(
        post="editor", member=WANG, until="2026-04-30", occurred_at=at("2026-04-02"))))
    assert post(story, "editor").holders_between("2026-01-01", "2026-12-31") == []


def test_leave_shop__takes_back_what_would_begin_later() -> None:
    later = AssignPost(post="editor", member=WANG, since="2026-11-01", occurred_at=at("2026-09-01"))
    story = start(("system", later), ("system", LeaveShop(
        member=WANG, last_day="2026-09-30", occurred_at=at("2026-09-20"))))
    assert WANG not in post(story, "editor").holders_between("2026-01-01", "2027-12-31")
    assert WANG not in post(story, "customer_service").holders_on("2026-10-01")


def test_supervisor__is_known_for_any_day() -> None:
    def head(who: str, since: str) -> SetSupervisor:
        return SetSupervisor(member=WANG, supervisor=who, since=since, occurred_at=at(since))

    story = start(("system", head(CHEN, "2026-09-10")), ("system", head(ZHAO, "2026-05-01")))
    story.when(head(ZHAO, "2026-05-01")).then()

    assert [member(story).supervisor_on(day) for day in (
        "2025-12-31", "2026-04-30", "2026-05-01", "2026-09-09", "2026-09-10")] == [
        None, LI, ZHAO, ZHAO, CHEN]


def test_supervisor__rejected_in_a_circle() -> None:
    story = start()
    for who, above in ((CHEN, WANG), (CHEN, CHEN), (LI, WANG)):
        story.when(SetSupervisor(member=who, supervisor=above, since="2026-06-01",
                                 occurred_at=at("2026-06-01"))).refused(SupervisorCircle)


# -- attendance -----------------------------------------------------------------------------------


def attend(kind: str, name: str = WANG, day: str = "2026-09-03", **fields: Any) -> RecordAttendance:
    """Attendance of a day."""
    return RecordAttendance(**{"member": name, "day": day, "kind": kind, "occurred_at": at(day, 20),
                               **fields})


def test_attendance__is_computed_into_its_item_and_not_deducted_again() -> None:
    story = start((LI, attend("late_and_left_early", minutes=12, minutes_early=5)),
                  (LI, attend("present", day="2026-09-04")), (CHEN, attend("absent", ZHOU)),
                  (LI, attend("meeting_late")))

    assert (lost(story), lost(story, ZHOU)) == ("4", "2")
    found = story.known[account_of(WANG, MONTH)]
    assert isinstance(found, Account)
    assert found.cost("customer_service", "month") == 0


def correct(number: int = 1, month: str = MONTH, day: str = "2026-09-04") -> CorrectAttendance:
    """What was recorded of Wang did not happen."""
    return CorrectAttendance(member=WANG, month=month, number=number, reason=WORDS,
                             occurred_at=at(day))


def test_attendance__corrected_gives_the_points_back() -> None:
    story = start((LI, attend("late")))
    story.by(LI).when(correct(2)).refused(AttendanceUnknown)
    story.by(WANG).when(correct()).refused(OwnPresence)
    story.by(LI).when(correct()).then("attendance.corrected.v1", "month.charge_reversed.v1")
    assert lost(story) == "0"
    story.when(correct()).refused(AttendanceCorrected)
    with pytest.raises(InvalidValues):
        correct(month="2026-9")


def test_attendance__is_numbered_in_a_stream_of_its_month() -> None:
    story = start((LI, attend("late")), (LI, attend("left_early", day="2026-09-04")),
                  (LI, attend("late", day="2026-10-08")))

    months = [story.known[attendance_of(WANG, month)] for month in (MONTH, "2026-10")]
    assert [month.id for month in months] == ["attendance:wang:2026-09", "attendance:wang:2026-10"]
    assert [[one.number for one in month.attended] for month in months
            if isinstance(month, Attendance)] == [[1, 2], [1]]
    account = story.known[account_of(WANG, "2026-10")]
    assert isinstance(account, Account)
    assert list(account.charges) == ["attendance:1"]
    facts = story.by(LI).when(correct(1, "2026-10", "2026-10-09")).then(
        "attendance.corrected.v1", "month.charge_reversed.v1")
    assert facts[0].about() == [WANG]
    assert (lost(story), lost(story, month="2026-10")) == ("4", "0")


def test_attendance__of_a_sealed_month_is_corrected_and_carried() -> None:
    story = closed((LI, attend("late")))
    story.by(LI).when(correct(day="2026-10-05")).then(
        "attendance.corrected.v1", "month.charge_reversed.v1", "month.effect_carried.v1")


def test_attendance__rejected_from_oneself_or_without_a_key_of_ones_own() -> None:
    story = start()
    story.by(WANG).when(attend("present")).refused(OwnPresence)
    story.by("cli:terminal").when(attend("present")).refused(SignatureNeeded)
    with pytest.raises(InvalidValues):
        attend("asleep")
    with pytest.raises(InvalidValues):
        attend("leave")


# -- leave ----------------------------------------------------------------------------------------


def ask(days: list[str], today: str = "2026-09-01", number: str = "L1") -> RequestLeave:
    """Wang wants to stay away."""
    return RequestLeave(member=WANG, number=number, days=days, occurred_at=at(today))


def on_leave(command: type[Any], day: str = "2026-09-01", **fields: Any) -> Any:
    """A decision about it."""
    return command(**{"member": WANG, "number": "L1", "occurred_at": at(day), **fields})


TWO = ["2026-09-30", "2026-10-01"]


def test_leave__is_asked_for_beforehand_and_costs_its_days() -> None:
    story = start((WANG, ask(TWO)))
    story.by(WANG).when(on_leave(ApproveLeave)).refused(OwnPresence)
    story.by(LI).when(on_leave(ApproveLeave)).then(
        "member.leave_approved.v1", "month.charged.v1", "month.charged.v1")
    story.when(on_leave(ApproveLeave)).then()

    assert (lost(story), lost(story, month="2026-10")) == ("1", "1")
    assert [member(story).is_on_leave(day) for day in ("2026-09-29", *TWO)] == [False, True, True]


@pytest.mark.parametrize(("command", "error"), [
    (ask(TWO, "2026-10-01"), LeaveTooLate), (ask(["2025-12-31"], "2025-12-30"), MemberNotYet)])
def test_leave__rejected(command: Command, error: type[LedgerError]) -> None:
    start().by(WANG).when(command).refused(error)


def test_leave__rejected_when_decided_or_unknown() -> None:
    story = start((WANG, ask(TWO)))
    story.by(LI).when(on_leave(ApproveLeave, number="L2")).refused(LeaveUnknown)
    story.when(on_leave(RefuseLeave, reason="stocktake")).then("member.leave_refused.v1")
    story.when(on_leave(ApproveLeave)).refused(LeaveDecided)
    error = story.by(WANG).when(ask(TWO)).refused(LeaveNumberTaken)
    assert error.details["state"] == "refused"
    story = start((WANG, ask(TWO)))
    story.by(WANG).when(ask(TWO[:1])).refused(LeaveNumberTaken)
    story.when(ask(TWO)).then()


def test_leave__is_asked_for_and_taken_back_by_oneself_or_the_direct_supervisor() -> None:
    story = start()
    for other in (ZHAO, CHEN, "system", "cli:terminal"):
        story.by(other).when(ask(TWO)).refused(OnlyForOneself)
    story.by(LI).when(ask(TWO)).then("member.leave_requested.v1")
    error = story.when(on_leave(ApproveLeave)).refused(AskerApproves)
    assert str(error) == (
        "member:li asked for leave L1 of member:wang. Let somebody else approve it.")
    story.by(CHEN).when(on_leave(ApproveLeave)).then(
        "member.leave_approved.v1", "month.charged.v1", "month.charged.v1")
    story.by(ZHAO).when(on_leave(WithdrawLeave)).refused(OnlyForOneself)
    story.by(LIU).when(on_leave(WithdrawLeave, number="L9")).refused(OnlyForOneself)
    error = story.by(CHEN).when(on_leave(WithdrawLeave, "2026-10-02")).refused(NoLeaveThen)
    assert error.details["wanted"] == "2026-10-02 or later"
    story.when(on_leave(WithdrawLeave, days=["2026-10-02"])).refused(NoLeaveThen)
    facts = story.when(on_leave(WithdrawLeave, "2026-10-02", days=TWO)).then(
        "member.leave_withdrawn.v1", "month.charge_reversed.v1", "month.charge_reversed.v1")
    assert facts[0].withdrawn_by == CHEN


def test_leave__rejected_from_a_supervisor_who_has_left() -> None:
    story = start(("system", LeaveShop(member=LI, last_day="2026-08-31",
                                       occurred_at=at("2026-08-31"))))
    story.by(LI).when(ask(TWO)).refused(SignatureNeeded)


def test_leave__taken_back_gives_the_points_back() -> None:
    story = start((WANG, ask(TWO)), (LI, on_leave(ApproveLeave)))
    story.by(WANG).when(on_leave(WithdrawLeave, "2026-10-02")).refused(NoLeaveThen)
    error = story.when(on_leave(WithdrawLeave, "2026-10-01", days=TWO)).refused(LeaveDaysPast)
    assert error.details["first"] == TWO[0]
    story.when(on_leave(WithdrawLeave, "2026-10-01")).then(
        "member.leave_withdrawn.v1", "month.charge_reversed.v1")
    assert (lost(story), lost(story, month="2026-10")) == ("1", "0")
    assert member(story).leave["L1"].days == ("2026-09-30",)
    story.by(LI).when(on_leave(WithdrawLeave, "2026-10-02", days=TWO)).then(
        "member.leave_withdrawn.v1", "month.charge_reversed.v1")
    assert (lost(story), member(story).leave["L1"].state) == ("0", "withdrawn")


def test_leave__rejected_where_it_contradicts() -> None:
    story = start((WANG, ask(TWO)))
    story.by(WANG).when(ask(TWO[1:], number="L2")).refused(LeaveOverlaps)
    story.by(ZHAO).when(on_leave(ApproveLeave)).refused(NotTheHead)
    continued(story, (LI, attend("absent", day=TWO[0])))
    error = story.by(LI).when(on_leave(ApproveLeave)).refused(AttendedOtherwise)
    assert str(error) == ("member:wang is absent on 2026-09-30, and cannot be on leave as well. "
                          "Take that back first (member.withdraw_leave, "
                          "member.correct_attendance).")
    story = start((WANG, ask(TWO)), (LI, on_leave(ApproveLeave)))
    story.by(LI).when(attend("absent", day=TWO[0])).refused(AttendedOtherwise)


def test_attendance__rejected_twice_ahead_or_from_who_is_not_a_head() -> None:
    story = start((LI, attend("late", shift="early")), (LI, attend("absent", shift="late")))
    story.by(LI).when(attend("late", shift="early")).refused(AttendedAlready)
    error = story.when(attend("present", shift="late")).refused(AttendedAlready)
    assert (error.details["kind"], error.details["number"]) == ("absent", 2)
    story.when(attend("absent")).refused(AttendedAlready)
    story.when(attend("late", day="2027-09-03", occurred_at=at("2026-09-03"))).refused(
        AttendanceAhead)
    story.by(ZHAO).when(attend("late", shift="late")).refused(NotTheHead)
    continued(story, (LI, correct(2)), (CHEN, attend("late", shift="late")))


def test_hand_over__is_kept_in_writing() -> None:
    story = start()
    note = HandOverShift(member=WANG, day="2026-09-03", shift="early", note="three parcels open",
                         to_member=ZHAO, occurred_at=at("2026-09-03", 17))
    facts = story.by(WANG).when(note).then("attendance.shift_handed_over.v1")
    assert facts[0].about() == [WANG, ZHAO]
    facts = story.by(LI).when(msgspec.structs.replace(note, shift="late")).then(
        "attendance.shift_handed_over.v1")
    assert facts[0].recorded_by == LI
    for other in (ZHAO, CHEN, "cli:terminal"):
        story.by(other).when(note).refused(OnlyForOneself)


# -- what a fold leaves out -----------------------------------------------------------------------


@examples(st.data())
def test_mutators__take_any_part_of_a_history(data: st.DataObject) -> None:
    story = start()
    facts: list[Any] = []
    for actor, command in (
            (WANG, ask(TWO)), (LI, on_leave(ApproveLeave)), (WANG, on_leave(WithdrawLeave)),
            (WANG, ask(["2026-10-09"], number="L2")),
            (LI, on_leave(RefuseLeave, number="L2", reason="stocktake")),
            (LI, attend("late")), (LI, correct()), (LI, attend("absent")),
            ("system", EndPost(post="customer_service", member=WANG, until="2026-09-20",
                               occurred_at=at("2026-09-20"))),
            ("system", AssignPost(post="customer_service", member=WANG, since="2026-09-25",
                                  occurred_at=at("2026-09-25"))),
            ("system", LeaveShop(member=WANG, last_day="2026-12-31",
                                 occurred_at=at("2026-12-31")))):
        story.by(actor).when(command)
        assert story.error is None, story.error
        facts += story.facts
    kept = data.draw(st.lists(st.booleans(), min_size=len(facts), max_size=len(facts)))
    found: dict[str, Any] = {}
    for fact, is_kept in zip(facts, kept, strict=True):
        stream = fact.originator_id
        if is_kept and not stream.startswith("month:"):
            fact.apply(found.setdefault(stream, fact.AGGREGATE.blank(stream)))
