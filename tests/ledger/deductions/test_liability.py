"""Who may decide what on deductions, what counts once, and that no date takes a right away."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.common.errors import InvalidValues
from ledger.common.values import is_subject, to_us
from ledger.core.aggregate import OutOfOrder, StaleVersion
from ledger.deductions.commands import DismissDeduction, NameOffender, ReduceDeduction
from ledger.deductions.deduction import Deduction
from ledger.deductions.errors import (
    AboutOther,
    AppealTooLate,
    CountedOnce,
    DeductionNotReady,
    NamerDecides,
    NoAppeal,
    NotCharged,
    NotReduced,
    NotRenewable,
    OwnCase,
    OwnNaming,
    ThirdPersonNeeded,
)
from ledger.people.authority import SignatureNeeded
from ledger.people.commands import LeaveShop
from ledger.writing.errors import OnceTaken
from tests.support.stories import Story
from tests.support.team import (
    CHEN,
    LI,
    LIU,
    WANG,
    ZHAO,
    ZHOU,
    appeal,
    at,
    confirm,
    continued,
    cost,
    overturn,
    propose,
    started,
    waive,
)


def dismiss(number: object = "1", **fields: Any) -> DismissDeduction:
    """Nothing shows it."""
    return DismissDeduction(**{"deduction": f"deduction:{number}", "reason": "no proof",
                               "occurred_at": at("2026-09-05"), **fields})


def name(offender: str, **fields: Any) -> NameOffender:
    """Somebody else did it."""
    return NameOffender(**{"deduction": "deduction:1", "offender": offender,
                           "occurred_at": at("2026-09-05"), **fields})


def deduction(story: Story, number: object = "1") -> Deduction:
    """A deduction as the story left it."""
    found = story.known[f"deduction:{number}"]
    assert isinstance(found, Deduction)
    return found


# -- who decides ----------------------------------------------------------------------------------


def test_name_offender__rejected_from_who_is_named_or_is_not_a_member() -> None:
    story = started((CHEN, propose()))
    story.by(WANG).when(name(ZHAO)).refused(OwnNaming)
    story.by(ZHAO).when(name(ZHAO)).refused(OwnNaming)
    story.by("cli:a").when(name(ZHAO)).refused(SignatureNeeded)
    started((CHEN, propose(code="SHARED"))).by(LI).when(name(ZHAO)).refused(OwnNaming)


def test_confirm_deduction__rejected_from_who_named_the_offender_or_was_named_before() -> None:
    story = started((CHEN, propose()), (ZHOU, name(ZHAO)))
    story.by(ZHOU).when(confirm()).refused(NamerDecides)
    story.by(WANG).when(confirm()).refused(OwnCase)
    continued(story, (LIU, confirm()), (ZHAO, appeal()))
    for who, why in ((ZHOU, "named the offender"), (WANG, "was named as the offender")):
        error = story.by(who).when(overturn(member=ZHAO)).refused(ThirdPersonNeeded)
        assert error.details["why"] == why


@pytest.mark.parametrize(("code", "actor"), [("GROUP", WANG), ("GROUP", ZHAO), ("SHARED", LI)])
def test_waive_deduction__rejected_from_whom_it_would_charge(code: str, actor: str) -> None:
    offender = None if code == "GROUP" else WANG
    story = started((CHEN, propose(code=code, offender=offender)))
    story.by(actor).when(waive()).refused(OwnCase)
    story.by(actor).when(dismiss()).refused(OwnCase)


def test_waive_deduction__of_an_appealed_charge_needs_a_third_person_and_ends_the_appeal() -> None:
    story = started((CHEN, propose(code="SHARED")), (ZHOU, confirm()), (WANG, appeal()),
                    (LI, appeal(day="2026-09-09")))
    story.by(ZHOU).when(waive(day="2026-09-10")).refused(ThirdPersonNeeded)
    story.by(LIU).when(waive(day="2026-09-10")).then(
        "deduction.waived.v1", "month.charge_reversed.v1", "month.charge_reversed.v1")
    assert deduction(story).appeals == {WANG: "waived", LI: "waived"}
    story.when(overturn(day="2026-09-11")).refused(DeductionNotReady)


def test_waive_deduction__of_the_offender_excuses_the_supervisor_before_it_is_confirmed() -> None:
    story = started((CHEN, propose(code="SHARED")))
    facts = story.by(ZHOU).when(waive(members=[WANG])).then("deduction.waived.v1")
    assert (facts[0].members, facts[0].offender, facts[0].about()) == ([], WANG, [WANG])
    assert deduction(story).state == "waived"


def test_waive_deduction__rejected_for_who_is_not_liable() -> None:
    started((CHEN, propose(code="SHARED"))).by(ZHOU).when(waive(members=[LIU])).refused(NotCharged)


def test_appeal__ends_with_the_charge_that_it_stands_on() -> None:
    story = started((CHEN, propose(code="SHARED")), (ZHOU, confirm()), (WANG, appeal()),
                    (LI, appeal(day="2026-09-09")), (LIU, overturn()))
    assert deduction(story).appeals == {WANG: "overturned", LI: "overturned"}
    assert deduction(story).state == "overturned"
    story.by(LIU).when(waive(day="2026-09-11")).refused(DeductionNotReady)


def test_appeal__rejected_to_be_decided_by_who_was_charged_once() -> None:
    story = started((CHEN, propose(code="GROUP", offender=None)), (ZHOU, confirm()),
                    (LIU, waive(members=[ZHAO])), (WANG, appeal()))
    story.by(ZHAO).when(overturn()).refused(ThirdPersonNeeded)
    story.by(LIU).when(overturn(member=ZHAO)).refused(NoAppeal)


def test_dismiss_deduction__is_about_who_was_said_to_have_done_it() -> None:
    facts = started((CHEN, propose())).by(ZHOU).when(dismiss()).then("deduction.dismissed.v1")
    assert facts[0].about() == [WANG]


def test_reduce_deduction__rejected_to_nothing() -> None:
    story = started((CHEN, propose()), (ZHOU, confirm()), (WANG, appeal()))
    story.by(LIU).when(ReduceDeduction(
        deduction="deduction:1", member=WANG, points="0", reason="mild",
        occurred_at=at("2026-09-09"))).refused(NotReduced)


# -- when -----------------------------------------------------------------------------------------


def test_confirm_deduction__counts_the_days_of_an_appeal_from_the_recording() -> None:
    story = started((CHEN, propose()))
    story.now = to_us(datetime(2026, 9, 20, 4, tzinfo=UTC))
    continued(story, (ZHOU, confirm(day="2026-09-04")))
    assert deduction(story).appeal_until == "2026-09-27"
    continued(story, (WANG, appeal(day="2026-09-27")))
    started((CHEN, propose()), (ZHOU, confirm())).by(WANG).when(appeal(day="2026-09-13")).refused(
        AppealTooLate)


def test_deduction__rejected_to_be_decided_before_it_was_proposed() -> None:
    story = started((CHEN, propose()))
    story.by(ZHOU).when(confirm(day="2026-08-01")).refused(OutOfOrder)
    continued(story, (ZHOU, confirm(day="2026-09-06")))
    story.by(WANG).when(appeal(day="2026-09-05")).refused(OutOfOrder)


def test_confirm_deduction__rejected_from_who_left_before_it_is_recorded() -> None:
    leaves = LeaveShop(member=ZHOU, last_day="2026-09-10", occurred_at=at("2026-09-10"))
    story = started((CHEN, propose()), ("system", leaves))
    story.now = to_us(datetime(2026, 9, 20, 4, tzinfo=UTC))
    story.by(ZHOU).when(confirm(day="2026-09-05")).refused(SignatureNeeded)


def test_confirm_deduction__rejected_on_what_was_not_seen() -> None:
    story = started((CHEN, propose()), (LI, name(ZHAO)))
    story.by(ZHOU).when(confirm(expected_version=1)).refused(StaleVersion)
    story.when(confirm(expected_version=2)).then("deduction.confirmed.v1", "month.charged.v1")


# -- once -----------------------------------------------------------------------------------------


def test_propose_deduction__rejected_as_a_second_occurrence_of_what_counts_once() -> None:
    order = {"code": "ORDER", "about": "order:taobao:a:1"}
    story = started((CHEN, propose(**order)))
    story.when(propose(2, **order, occurrence=2)).refused(CountedOnce)
    story.when(propose(2, **order, offender=ZHAO)).refused(OnceTaken)
    error = story.when(propose(2, code="ORDER", about="day:2026-09-03")).refused(AboutOther)
    assert str(error) == (
        "ORDER counts once per order. Name one such as order:…; day:2026-09-03 is not one.")


@pytest.mark.parametrize(("about", "fits"), [
    ("order:taobao:云杉书店:1", True), ("order:taobao:a:1~2", True), ("day:2026-09-03", True),
    ("sku:A%2FB", True), ("Order:taobao:a:1", False), ("order:taobao:%61:1", False),
    ("order", False), ("order:", False), ("order:a b", False), (":x", False), ("order:é", False)])
def test_propose_deduction__is_about_a_subject_as_the_ledger_writes_it(
    about: str, fits: bool
) -> None:
    assert is_subject(about) is fits
    if not fits:
        with pytest.raises(InvalidValues):
            propose(about=about)


def test_name_offender__accepted_back_and_forth() -> None:
    story = started((CHEN, propose()), (LI, name(ZHAO)), (LI, name(WANG)), (ZHOU, confirm()))
    assert (cost(story, WANG), cost(story, ZHAO)) == ("1", "0")
    continued(story, (CHEN, propose(2, about="day:2026-09-02")))
    story.by(CHEN).when(propose(3, offender=ZHAO)).refused(OnceTaken)


def test_propose_deduction__proposes_again_what_was_dismissed_once() -> None:
    again = {"evidence": [7], "renews": "deduction:1", "occurred_at": at("2026-09-06")}
    story = started((CHEN, propose()))
    story.by(CHEN).when(propose(2, **again)).refused(NotRenewable)
    continued(story, (ZHOU, dismiss()))
    story.by(CHEN).when(propose(2)).refused(OnceTaken)
    error = story.when(propose(2, **again, code="RANGE", day="2026-09-02")).refused(NotRenewable)
    assert error.details["why"] == "it has another rule and another subject and another day"
    for other in (None, ZHAO):
        story.when(propose(2, **again, offender=other)).refused(NotRenewable)
    continued(story, (CHEN, propose(2, **again)), (ZHOU, confirm(2, day="2026-09-07")))
    assert cost(story, WANG) == "1"
    story.by(CHEN).when(propose(3, **again)).refused(OnceTaken)
