"""Signing: who may sign an act, whose signatures may not be one person's, and who stands in."""

from collections.abc import Collection
from typing import Any

import pytest

from ledger.common.errors import LedgerError
from ledger.common.values import to_us
from ledger.core.commands import Command
from ledger.people.commands import (
    ApproveLeave,
    AssignPost,
    EndPost,
    JoinMember,
    LeaveShop,
    RequestLeave,
)
from ledger.people.errors import SignatureNeeded
from ledger.people.rosters import SetRoster, SetRosterDay, Shift
from ledger.people.signatures import (
    NotThePost,
    SameSigner,
    Signature,
    must_sign,
)
from ledger.policies.signing import ACTS
from ledger.policies.values import Signing
from tests.support.stories import Story
from tests.support.team import CHEN, JOINED, LI, WANG, ZHAO, ZHOU, at, published, started, team

DAY = "2026-09-03"
APPROVE, PAY = "case.approve_refund", "case.pay_refund"
ROW = Signing(act=PAY, posts=["customer_service_head"], apart_from=[APPROVE],
              otherwise=["customer_service"])


def shop(row: Signing | None = ROW, *more: tuple[str, Command]) -> Story:
    """The team, with one row of `signing`, or none."""
    rows: list[Command] = [] if row is None else [published(signing=[row])]
    return started(*more, opened=[("system", one) for one in (*team(), *rows)])


def sign(
    story: Story, actor: str, day: str = DAY, *, act: str = PAY, hour: int = 12, now: str = "",
    signed: Collection[str] = (), **amount: Any,
) -> Signature | LedgerError:
    """What comes of an actor's signature at an hour of a day; recorded then, or at noon of `now`.
    `signed` are those who approved."""
    story.actor = actor
    story.now = to_us(at(now) if now else at(day, hour))
    story.touched = {}
    try:
        return must_sign(story, act, at(day, hour), signed={APPROVE: signed}, **amount)
    except LedgerError as error:
        return error


def why(found: Signature | LedgerError) -> tuple[list[str], str]:
    """For whom somebody stood in, and why."""
    assert isinstance(found, Signature), found
    assert found.stood_in is not None
    return found.stood_in.whom, found.stood_in.why


def test_signing__accepted_of_anybody_else_where_no_policy_says_more() -> None:
    story = shop(None)
    assert sign(story, "user:tester", signed=[LI]) == Signature("user:tester")
    assert sign(story, WANG, signed=[LI]) == Signature(WANG)
    assert isinstance(sign(story, LI, signed=[WANG, LI]), SameSigner)
    for act in ACTS:
        assert sign(story, LI, act=act) == Signature(LI)


def test_signing__accepted_of_a_holder_of_the_post_and_of_nobody_else() -> None:
    story = shop()
    assert sign(story, LI, signed=[WANG]) == Signature(LI)
    refused = sign(story, ZHOU)
    assert isinstance(refused, NotThePost)
    assert str(refused) == (
        f"{ZHOU} cannot sign {PAY} on {DAY}: that is for customer_service_head and, while nobody "
        f"of them is on shift, for customer_service, and the posts of {ZHOU} are: dispatcher. Let "
        "one of those sign it.")
    assert isinstance(sign(story, "user:tester"), SignatureNeeded)


def test_signing__rejected_says_nothing_of_what_there_is_none_of() -> None:
    nobody = shop(Signing(act=PAY, posts=["finance"]), (
        "system", JoinMember(member="member:new", joined_on=JOINED, occurred_at=at(JOINED))))
    assert "that is for finance, and member:new holds no post." in str(sign(nobody, "member:new"))
    assert "that is for finance, and the posts of" in str(sign(nobody, WANG))


def test_signing__rejected_of_who_never_joined_says_how_they_join() -> None:
    """R-PPL-13: also of who left, and of who is to come."""
    gone = shop(ROW, (CHEN, LeaveShop(member=LI, last_day="2026-09-01",
                                      occurred_at=at("2026-09-01"))),
                ("system", JoinMember(member="member:soon", joined_on="2026-09-20",
                                      occurred_at=at(JOINED))))
    for actor, told in ((LI, "until 2026-09-01"), ("member:soon", "2026-09-20"),
                        ("member:x", "(member.join)"), ("user:x", "--actor member:…")):
        refused = sign(gone, actor)
        assert isinstance(refused, SignatureNeeded)
        assert told in str(refused)


def test_signing__rejected_of_a_stand_in_names_who_is_there_and_how_that_is_known() -> None:
    """R-SIG-01."""
    story = shop()
    assert str(sign(story, WANG)) == (
        f"{WANG} cannot sign {PAY} on {DAY}: customer_service may stand in for "
        "customer_service_head only while nobody of them who may sign it is on shift, and now "
        f"somebody is ({LI}: on shift, since no roster of that week says otherwise). Let one of "
        "those sign it.")
    shifts = [Shift(name="early", start="09:00", end="13:00", members=[LI, WANG])]
    planned = shop(ROW, (CHEN, SetRoster(roster="cs", since=JOINED, shifts=shifts,
                                         occurred_at=at(JOINED))))
    assert f"({LI}: on shift by the roster)" in str(sign(planned, WANG))
    both = Signing(act=PAY, posts=["customer_service_head", "dispatcher"],
                   otherwise=["customer_service"])
    told = str(sign(shop(both, (CHEN, SetRoster(roster="cs", since=JOINED, shifts=shifts,
                                                occurred_at=at(JOINED)))), WANG))
    assert f"{LI}: on shift by the roster; " in told
    assert f"{ZHOU}: on shift, since no roster" in told


def test_signing__rejected_of_who_signed_before_whatever_the_post() -> None:
    assert isinstance(sign(shop(), LI, signed=[LI]), SameSigner)
    alone = Signing(act=PAY, posts=["customer_service_head"], apart_from=[])
    assert sign(shop(alone), LI, signed=[LI]) == Signature(LI)
    silent = Signing(act=PAY, posts=["customer_service_head"])
    assert isinstance(sign(shop(silent), LI, signed=[LI]), SameSigner)


def test_signing__rejected_of_a_leaver_and_when_it_is_dated_back_to_a_post_held_then() -> None:
    story = shop(ROW, (CHEN, EndPost(post="customer_service_head", member=LI, until="2026-09-10",
                                     occurred_at=at("2026-09-10"))))
    assert sign(story, LI, "2026-09-10") == Signature(LI)
    assert isinstance(sign(story, LI, "2026-09-11"), NotThePost)
    assert isinstance(sign(story, LI, "2026-09-10", now="2026-09-11"), NotThePost)
    story = shop(ROW, (CHEN, LeaveShop(member=LI, last_day="2026-09-10",
                                       occurred_at=at("2026-09-10"))))
    assert isinstance(sign(story, LI, "2026-09-11"), SignatureNeeded)
    assert isinstance(sign(story, LI, "2026-09-10", now="2026-09-11"), SignatureNeeded)
    late = shop(ROW, ("system", AssignPost(post="customer_service_head", member=ZHOU,
                                           since="2026-09-05", occurred_at=at("2026-09-05"))))
    assert isinstance(sign(late, ZHOU, "2026-09-04", now="2026-09-05"), NotThePost)
    assert sign(late, ZHOU, "2026-09-05") == Signature(ZHOU)


@pytest.mark.parametrize("since", ["2026-01-01", "2026-09-04", "2026-09-05"])
@pytest.mark.parametrize("stricter", [
    ROW, Signing(act=PAY, posts=["finance"]), Signing(act=PAY, apart_from=[APPROVE])])
def test_signing__asks_what_the_policy_of_the_day_of_recording_asks_however_it_is_dated(
    stricter: Signing, since: str
) -> None:
    """Published with effect from before, or in force since only, it is not escaped by a date."""
    lax = Signing(act=PAY, apart_from=[])
    story = started(opened=[("system", one) for one in (
        *team(), published(since="2026-01-01", signing=[lax]),
        published(since=since, signing=[stricter]))])
    dated_back = sign(story, ZHOU, "2026-09-03", now="2026-09-06", signed=[ZHOU])
    today = sign(story, ZHOU, "2026-09-06", signed=[ZHOU])
    assert type(dated_back) is type(today)
    assert isinstance(dated_back, NotThePost | SameSigner)


def leave_of_the_head() -> list[tuple[str, Command]]:
    """The head is on leave on the day."""
    return [(LI, RequestLeave(member=LI, number="1", days=[DAY], occurred_at=at("2026-09-01"))),
            (CHEN, ApproveLeave(member=LI, number="1", occurred_at=at("2026-09-02")))]


def test_signing__accepted_of_a_stand_in_only_while_nobody_of_the_post_is_there() -> None:
    assert isinstance(sign(shop(), WANG), NotThePost)
    away = shop(ROW, *leave_of_the_head())
    assert why(sign(away, WANG)) == ([LI], "away")
    assert isinstance(sign(away, ZHOU), NotThePost)
    assert isinstance(sign(away, WANG, "2026-09-04"), NotThePost)
    assert isinstance(sign(away, WANG, DAY, now="2026-09-04"), NotThePost)  # the head is back


def test_signing__accepted_of_a_stand_in_where_the_roster_has_nobody_of_the_post() -> None:
    shifts = [Shift(name="early", start="09:00", end="13:00", members=[LI, WANG]),
              Shift(name="late", start="13:00", end="22:00", members=[WANG])]
    story = shop(ROW, (CHEN, SetRoster(roster="cs", since=JOINED, shifts=shifts,
                                       occurred_at=at(JOINED))))
    assert isinstance(sign(story, WANG, hour=12), NotThePost)
    assert why(sign(story, WANG, hour=13)) == ([LI], "away")
    assert why(sign(story, WANG, hour=8)) == ([LI], "away")


def test_signing__accepted_of_a_stand_in_where_the_post_is_vacant_or_asked_itself() -> None:
    assert why(sign(shop(), WANG, signed=[LI])) == ([LI], "signed_already")
    vacant = shop(Signing(act=PAY, posts=["finance"], otherwise=["customer_service"]))
    assert why(sign(vacant, WANG)) == (["post:finance"], "vacant")
    assert isinstance(sign(vacant, WANG, signed=[WANG]), SameSigner)
    assert why(sign(vacant, ZHAO, signed=[WANG])) == (["post:finance"], "vacant")


@pytest.mark.parametrize(("amount_minor", "asked"), [(4_999, False), (5_000, False), (5_001, True)])
def test_signing__is_asked_from_an_amount_on(amount_minor: int, asked: bool) -> None:
    story = shop(Signing(act=PAY, posts=["customer_service_head"], above_minor=5_000))
    found = sign(story, ZHOU, amount_minor=amount_minor)
    assert isinstance(found, NotThePost) == asked
    same = sign(story, LI, signed=[LI], amount_minor=amount_minor)
    assert isinstance(same, SameSigner) == asked


def rostered(*shifts: Shift, since: str = JOINED) -> tuple[str, Command]:
    """Shifts that repeat."""
    return CHEN, SetRoster(roster="cs", since=since, shifts=list(shifts), occurred_at=at(JOINED))


DAILY = Shift(name="day", start="09:00", end="18:00", members=[LI, WANG])


@pytest.mark.parametrize(("half", "away"), [("am", 10), ("pm", 15)])
def test_signing__rejected_of_a_stand_in_in_the_half_of_the_day_that_is_no_leave(
    half: str, away: int
) -> None:
    ask = RequestLeave(member=LI, number="1", days=[DAY], halves={DAY: half},
                       occurred_at=at("2026-09-01"))
    grant = ApproveLeave(member=LI, number="1", occurred_at=at("2026-09-02"))
    for rosters in ((), (rostered(DAILY),)):
        story = shop(ROW, *rosters, (LI, ask), (CHEN, grant))
        for hour in (10, 15):
            found = sign(story, WANG, hour=hour)
            if hour == away:
                assert why(found) == ([LI], "away")
            else:
                assert isinstance(found, NotThePost)


def test_signing__leave_from_a_night_is_of_the_day_on_which_it_began() -> None:
    night = Shift(name="night", start="22:00", end="06:00", members=[LI, WANG])
    story = shop(ROW, rostered(night), *leave_of_the_head())
    assert isinstance(sign(story, WANG, DAY, hour=2), NotThePost)  # still in the night before
    assert why(sign(story, WANG, DAY, hour=23)) == ([LI], "away")
    assert why(sign(story, WANG, "2026-09-04", hour=2)) == ([LI], "away")
    assert isinstance(sign(story, WANG, "2026-09-04", hour=23), NotThePost)


def test_signing__rejected_of_a_stand_in_for_who_is_on_no_roster_that_week() -> None:
    """A roster of before or of later does not say that they are away."""
    alone = Shift(name="day", start="09:00", end="18:00", members=[WANG])
    off = shop(ROW, rostered(DAILY), rostered(alone, since="2026-06-01"))
    later = shop(ROW, rostered(DAILY, since="2026-12-01"))
    for story in (off, later):
        assert isinstance(sign(story, WANG), NotThePost)
    single = SetRosterDay(roster="cs", day="2026-09-01", shifts=[DAILY], occurred_at=at(JOINED))
    by_day = shop(ROW, (CHEN, single))
    assert why(sign(by_day, WANG)) == ([LI], "away")  # planned on Tuesday, and not today
    assert isinstance(sign(by_day, WANG, "2026-09-10"), NotThePost)
