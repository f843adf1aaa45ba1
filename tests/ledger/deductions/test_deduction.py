"""Deductions: who proposes, who decides, who is charged how much, and what an appeal does."""

from typing import Any

import pytest

from ledger.common.errors import InvalidValues, LedgerError
from ledger.common.personal import Personal
from ledger.common.values import subject
from ledger.deductions.commands import (
    AcknowledgeDeduction,
    ChargeSupervisor,
    DismissDeduction,
    GiveUpShare,
    NameOffender,
    ReduceDeduction,
    UpholdDeduction,
)
from ledger.deductions.errors import (
    AppealDecided,
    AppealOpen,
    AppealTooLate,
    DeductionNotReady,
    DeductionNumberTaken,
    DeductionUnknown,
    EverybodyExcused,
    NoAppeal,
    NobodyLiable,
    NoShareOpen,
    NoSuchEvidence,
    NotCharged,
    NotReduced,
    OffenderNeeded,
    OffenderNotExpected,
    OffenderNotInPost,
    OwnCase,
    PartyNotCharged,
    PointsNeeded,
    PointsOutOfRange,
    ProposerDecides,
    RuleComputed,
    RuleUnknown,
    SupervisorMissing,
    SupervisorNotInPost,
    ThirdPersonNeeded,
    WaiverNotAllowed,
)
from ledger.people.authority import SignatureNeeded
from ledger.people.commands import AssignPost, EndPost, SetSupervisor
from ledger.writing.errors import OnceTaken
from tests.support.stories import Story, given
from tests.support.team import (
    CHEN,
    JOINED,
    LI,
    LIU,
    RULES,
    WANG,
    ZHAO,
    ZHOU,
    Step,
    account,
    appeal,
    at,
    confirm,
    continued,
    cost,
    opening,
    overturn,
    propose,
    published,
    rule,
    started,
    team,
    waive,
)
from tests.support.written import WORDS, sealed_for

# -- proposed -------------------------------------------------------------------------------------


def test_propose_deduction__accepted_from_anybody_with_evidence() -> None:
    facts = started().by("system").when(propose()).then("deduction.proposed.v1")

    assert facts[0].proposed_by == "system"
    assert facts[0].policy == 1
    assert facts[0].about() == ["day:2026-09-03", WANG]


@pytest.mark.parametrize(("fields", "error"), [
    ({"code": "NONE"}, RuleUnknown),
    ({"day": "2025-12-31"}, RuleUnknown),
    ({"offender": ZHOU}, OffenderNotInPost),
    ({"offender": "member:nobody"}, OffenderNotInPost),
    ({"code": "GROUP"}, OffenderNotExpected),
    ({"code": "LATE"}, RuleComputed),
    ({"evidence": [1, 2_000]}, NoSuchEvidence),
])
def test_propose_deduction__rejected(fields: dict[str, Any], error: type[LedgerError]) -> None:
    started().when(propose(**fields)).refused(error)


@pytest.mark.parametrize("fields", [
    {"evidence": []}, {"evidence": [0]}, {"evidence": [1, 1]}, {"attachments": ["abc"]},
    {"offender": "wang"}, {"offender": "cli:wang"}, {"about": "yesterday"}, {"occurrence": 0},
    {"breached_at": at("2026-09-30")}])
def test_propose_deduction__rejected_when_not_well_formed(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValues):
        propose(**fields)


def test_propose_deduction__keeps_no_hash_of_a_file_in_clear() -> None:
    """A note of a few words could be guessed from it for ever."""
    files = [f"{number:064x}" for number in (1, 2)]
    story = started().when(propose(attachments=files))
    kept = story.facts[0].attachments
    assert isinstance(kept, Personal)
    assert kept.n == " ".join(files)  # where a story keeps what is sealed
    assert started().when(propose(2)).facts[0].attachments is None


def test_propose_deduction__rejected_under_a_number_that_is_taken() -> None:
    started((CHEN, propose())).when(propose(day="2026-09-02")).refused(DeductionNumberTaken)


@pytest.mark.parametrize(("first", "second", "same"), [
    ({}, {}, True),
    ({}, {"evidence": [2, 3]}, True),
    ({}, {"occurrence": 2}, False),
    ({}, {"day": "2026-09-02"}, False),
    ({}, {"offender": ZHAO}, False),
    ({"code": "ORDER", "about": "order:a"}, {"code": "ORDER", "about": "order:a",
                                              "offender": ZHAO, "day": "2026-09-02"}, True),
    ({"code": "MILD", "about": "review:a"}, {"code": "SHARP", "about": "review:a"}, True),
    ({"code": "MILD", "about": "review:a"}, {"code": "SHARP", "about": "review:b"}, False),
    ({"code": "GROUP", "offender": None}, {"code": "GROUP", "offender": None}, True),
])
def test_propose_deduction__knows_the_same_facts_by_one_value(
    first: dict[str, Any], second: dict[str, Any], same: bool
) -> None:
    story = started((CHEN, propose(1, **first)))
    again = story.when(propose(2, **second))

    if same:
        again.refused(OnceTaken)
    else:
        again.then("deduction.proposed.v1")


# -- decided --------------------------------------------------------------------------------------


def test_confirm_deduction__charges_the_offender() -> None:
    facts = started((CHEN, propose())).by(LI).when(confirm()).then(
        "deduction.confirmed.v1", "month.charged.v1")

    assert facts[0].shares[0].points == "1"
    assert facts[0].appeal_until == "2026-09-12"
    assert facts[1].charge.charge == "deduction:1"
    assert facts[1].about() == [WANG, "deduction:1"]


def test_confirm_deduction__charges_the_supervisor_beside_the_offender() -> None:
    story = started((CHEN, propose(code="SHARED")), (LIU, confirm()))

    assert (cost(story, WANG), cost(story, LI, "customer_service_head")) == ("1", "2")


def test_confirm_deduction__charges_all_who_held_the_post_that_day() -> None:
    story = started((CHEN, propose(code="GROUP", offender=None)), (LI, confirm()))

    assert [cost(story, member) for member in (WANG, ZHAO, LI)] == ["1", "1", "0"]


def test_confirm_deduction__records_a_breach_without_points_as_0() -> None:
    story = started((CHEN, propose(code="BREACH")), (LI, confirm()))

    assert account(story, WANG).charges["deduction:1"].points == "0"


@pytest.mark.parametrize("points", ["2", "3.5", "4"])
def test_confirm_deduction__accepted_inside_the_range(points: str) -> None:
    story = started((CHEN, propose(code="RANGE")), (LI, confirm(points={"offender": points})))

    assert cost(story, WANG) == points


@pytest.mark.parametrize(("code", "points", "error"), [
    ("RANGE", {}, PointsNeeded), ("RANGE", {"offender": "1.9"}, PointsOutOfRange),
    ("RANGE", {"offender": "4.1"}, PointsOutOfRange), ("R1", {"offender": "2"}, PointsOutOfRange),
    ("R1", {"supervisor": "1"}, PartyNotCharged), ("BREACH", {"offender": "1"}, PointsOutOfRange),
    ("LOSS", {"offender": "2"}, PointsOutOfRange)])
def test_confirm_deduction__rejected_with_points_outside_the_range(
    code: str, points: dict[str, str], error: type[LedgerError]
) -> None:
    started((CHEN, propose(code=code))).by(LI).when(confirm(points=points)).refused(error)


def test_confirm_deduction__takes_more_points_where_a_loss_lifts_them() -> None:
    story = started((CHEN, propose(code="LOSS", loss=True)),
                    (LI, confirm(points={"offender": "8"})))

    assert cost(story, WANG) == "8"


def test_confirm_deduction__rejected_by_its_proposer() -> None:
    started((LI, propose())).by(LI).when(confirm()).refused(ProposerDecides)


@pytest.mark.parametrize(("code", "offender", "actor"), [
    ("R1", WANG, WANG), ("SHARED", WANG, LI), ("GROUP", None, ZHAO)])
def test_confirm_deduction__rejected_by_whom_it_charges(
    code: str, offender: str | None, actor: str
) -> None:
    story = started((CHEN, propose(code=code, offender=offender)))
    story.by(actor).when(confirm()).refused(OwnCase)


@pytest.mark.parametrize("actor", ["system", "cli:abc", "member:nobody"])
def test_confirm_deduction__rejected_without_the_key_of_a_member(actor: str) -> None:
    started((CHEN, propose())).by(actor).when(confirm()).refused(SignatureNeeded)


def test_confirm_deduction__rejected_when_unknown_or_decided() -> None:
    started().by(LI).when(confirm()).refused(DeductionUnknown)
    started((CHEN, propose()), (LI, confirm())).by(LIU).when(confirm()).refused(DeductionNotReady)


def test_confirm_deduction__rejected_until_somebody_says_who_did_it() -> None:
    story = started((CHEN, propose(offender=None)))
    error = story.by(LI).when(confirm()).refused(OffenderNeeded)
    assert str(error) == "deduction:1 does not say who did it. Name the offender first."
    story.when(NameOffender(deduction="deduction:1", offender=ZHOU, occurred_at=at("2026-09-05")))
    story.refused(OffenderNotInPost)
    continued(story, (LI, NameOffender(deduction="deduction:1", offender=ZHAO,
                                       occurred_at=at("2026-09-05"))), (ZHOU, confirm()))

    assert cost(story, ZHAO) == "1"


def test_confirm_deduction__rejected_when_nobody_is_liable() -> None:
    early = published(*RULES, since="2025-01-01")
    story = continued(given(early, *team()), ("system", propose(
        code="GROUP", offender=None, day="2025-06-01")))
    story.by(LI).when(confirm()).refused(NobodyLiable)


def test_charge_supervisor__rejected_when_the_supervisor_cannot_be_charged() -> None:
    headless = rule("BOSS", {"offender": ["1", "1"], "supervisor": ["1", "1"]}, posts=["editor"])
    edits = AssignPost(post="editor", member=LIU, since=JOINED, occurred_at=at(JOINED))
    story = started(("system", edits), (CHEN, propose(code="BOSS", offender=LIU)),
                    opened=opening(headless))
    facts = story.by(ZHOU).when(confirm()).then("deduction.confirmed.v1", "month.charged.v1")
    assert (facts[0].share_open, [share.member for share in facts[0].shares]) == ("1", [LIU])
    story.by(WANG).when(charge()).refused(SupervisorMissing)
    ends = EndPost(post="shop_manager", member=CHEN, until="2026-08-31",
                   occurred_at=at("2026-09-04"))
    above = SetSupervisor(member=LIU, supervisor=CHEN, since=JOINED, occurred_at=at("2026-09-04"))
    continued(story, ("system", above), ("system", ends))
    error = story.by(WANG).when(charge()).refused(SupervisorNotInPost)
    assert error.details["supervisor"] == CHEN


HEADLESS = rule("BOSS", {"offender": ["1", "1"], "supervisor": ["2", "2"]}, posts=["editor"],
                exempt="objective")


def charge(day: str = "2026-09-07") -> ChargeSupervisor:
    """It is known by now who supervised the offender."""
    return ChargeSupervisor(deduction="deduction:1", occurred_at=at(day))


def waiting(*steps: Step) -> Story:
    """Liu, whom nobody supervises, is charged; the share of a supervisor waits."""
    edits = AssignPost(post="editor", member=LIU, since=JOINED, occurred_at=at(JOINED))
    return started(("system", edits), (CHEN, propose(code="BOSS", offender=LIU)),
                   (ZHOU, confirm()), *steps, opened=opening(HEADLESS))


ABOVE: Step = ("system", SetSupervisor(member=LIU, supervisor=LI, since=JOINED,
                                       occurred_at=at("2026-09-06")))


def test_charge_supervisor__once_one_is_known_for_that_day() -> None:
    story = waiting()
    story.by(CHEN).when(charge()).refused(SupervisorMissing)
    continued(story, ABOVE)
    story.by(CHEN).when(charge()).refused(ProposerDecides)
    story.by(LI).when(charge()).refused(OwnCase)
    facts = story.by(ZHOU).when(charge()).then(
        "deduction.supervisor_charged.v1", "month.charged.v1")
    assert (facts[0].about(), facts[0].appeal_until) == ([LI], "2026-09-14")
    assert cost(story, LI, "customer_service_head") == "2"
    story.by(ZHOU).when(charge()).refused(NoShareOpen)
    story.by(LI).when(appeal(day="2026-09-14")).then("deduction.appealed.v1")


def test_charge_supervisor__falls_with_the_offender_before_and_after_it_is_charged() -> None:
    story = waiting(ABOVE, (ZHOU, charge()), (LIU, appeal()))
    story.by(WANG).when(overturn(member=LIU)).then(
        "deduction.overturned.v1", "month.charge_reversed.v1", "month.charge_reversed.v1")
    story = waiting(ABOVE, (LIU, appeal()), (WANG, overturn(member=LIU)))
    story.by(ZHOU).when(charge("2026-09-11")).refused(DeductionNotReady)


def test_share__given_up_with_a_reason_is_charged_to_nobody() -> None:
    story = waiting()
    give_up = GiveUpShare(deduction="deduction:1", reason="nobody was",
                          occurred_at=at("2026-09-06"))
    story.by(LIU).when(give_up).refused(OwnCase)
    story.by(ZHOU).when(give_up).then("deduction.share_waived.v1")
    story.by(ZHOU).when(give_up).refused(NoShareOpen)
    story.by(ZHOU).when(charge()).refused(NoShareOpen)
    started((CHEN, propose(code="SHARED")), (LIU, confirm())).by(LIU).when(charge()).refused(
        NoShareOpen)


def test_confirm_deduction__rejected_when_everybody_is_excused() -> None:
    started((CHEN, propose(code="GROUP", offender=None)), (LI, waive(members=[WANG])),
            (LI, waive(members=[ZHAO]))).by(LI).when(confirm()).refused(EverybodyExcused)


def test_dismiss_deduction__accepted_and_nobody_is_charged() -> None:
    story = started((CHEN, propose()))
    story.by(LI).when(DismissDeduction(deduction="deduction:1", reason="the log shows otherwise",
                                       occurred_at=at("2026-09-05")))
    story.then("deduction.dismissed.v1")
    story.by(LIU).when(confirm()).refused(DeductionNotReady)


# -- waived ---------------------------------------------------------------------------------------


def test_waive_deduction__accepted_for_a_cause_that_the_rule_allows() -> None:
    story = started((CHEN, propose(code="SHARED")), (LIU, waive()))

    assert story.known["deduction:1"].state == "waived"  # type: ignore[attr-defined]
    story.by(LI).when(confirm()).refused(DeductionNotReady)


def test_waive_deduction__rejected_where_no_exemption_exists() -> None:
    started((CHEN, propose())).by(LI).when(waive()).refused(WaiverNotAllowed)


def test_waive_deduction__of_one_member_leaves_the_others_charges_alone() -> None:
    story = started((CHEN, propose(code="GROUP", offender=None)), (LI, confirm()),
                    (LIU, waive(members=[WANG])))

    assert [cost(story, member) for member in (WANG, ZHAO)] == ["0", "1"]
    story.by(LIU).when(waive(members=[ZHOU])).refused(NotCharged)


def test_waive_deduction__before_it_is_confirmed_excuses_single_members() -> None:
    story = started((CHEN, propose(code="GROUP", offender=None)), (LI, waive(members=[WANG])),
                    (LI, confirm()))

    assert [cost(story, member) for member in (WANG, ZHAO)] == ["0", "1"]


def test_waive_deduction__of_the_offender_takes_the_supervisors_share_along() -> None:
    story = started((CHEN, propose(code="SHARED")), (LIU, confirm()), (LIU, waive(members=[WANG])))

    assert (cost(story, WANG), cost(story, LI, "customer_service_head")) == ("0", "0")


# -- appealed -------------------------------------------------------------------------------------


def appealed(code: str = "R1", **fields: Any) -> Story:
    """Chen proposed, Zhou confirmed, Wang appealed; Liu can decide."""
    return started((CHEN, propose(code=code, **fields)), (ZHOU, confirm()), (WANG, appeal()))


def test_appeal__accepted_until_the_end_of_the_last_day() -> None:
    for day in ("2026-09-05", "2026-09-12"):
        started((CHEN, propose()), (LI, confirm())).by(WANG).when(appeal(day=day)).then(
            "deduction.appealed.v1")


def test_appeal__rejected_out_of_time() -> None:
    started((CHEN, propose()), (LI, confirm())).by(WANG).when(
        appeal(day="2026-09-13")).refused(AppealTooLate)


def test_appeal__rejected_by_someone_else() -> None:
    started((CHEN, propose()), (LI, confirm())).by(ZHAO).when(appeal()).refused(NotCharged)


def test_appeal__rejected_before_it_is_confirmed_and_twice() -> None:
    started((CHEN, propose())).by(WANG).when(appeal()).refused(DeductionNotReady)
    appealed().by(WANG).when(appeal()).refused(AppealOpen)
    story = started((CHEN, propose(code="GROUP", offender=None)), (ZHOU, confirm()),
                    (WANG, appeal()), (LIU, overturn()))
    error = story.by(WANG).when(appeal(day="2026-09-11")).refused(AppealDecided)
    assert error.details["state"] == "overturned"


def test_appeal__accepted_after_it_was_acknowledged_once() -> None:
    story = started((CHEN, propose()), (LI, confirm()))
    seen = AcknowledgeDeduction(deduction="deduction:1", occurred_at=at("2026-09-06"))
    story.by(WANG).when(seen).then("deduction.acknowledged.v1")
    story.when(seen).then()
    story.by(ZHAO).when(seen).refused(NotCharged)
    story.by(WANG).when(appeal()).then("deduction.appealed.v1")


def test_appeal__overturned_reverses_the_charge() -> None:
    story = appealed()
    facts = story.by(LIU).when(overturn()).then(
        "deduction.overturned.v1", "month.charge_reversed.v1")

    assert facts[0].reason.p == f"person:{WANG}"
    assert cost(story, WANG) == "0"
    assert list(account(story, WANG).reversed) == ["deduction:1"]


def test_appeal__of_the_offender_overturned_takes_the_supervisors_share_along() -> None:
    story = continued(appealed("SHARED"), (LIU, overturn()))

    assert (cost(story, WANG), cost(story, LI, "customer_service_head")) == ("0", "0")


def test_appeal__of_the_supervisor_overturned_touches_only_their_share() -> None:
    story = started((CHEN, propose(code="SHARED")), (ZHOU, confirm()), (LI, appeal()),
                    (LIU, overturn(member=LI)))

    assert (cost(story, WANG), cost(story, LI, "customer_service_head")) == ("1", "0")


def test_appeal__of_one_member_of_a_group_touches_only_them() -> None:
    story = started((CHEN, propose(code="GROUP", offender=None)), (LI, confirm()), (WANG, appeal()),
                    (LIU, overturn()))

    assert [cost(story, member) for member in (WANG, ZHAO)] == ["0", "1"]


def test_appeal__reduced_takes_fewer_points() -> None:
    story = started((CHEN, propose(code="RANGE")), (ZHOU, confirm(points={"offender": "4"})),
                    (WANG, appeal()))
    less = {"deduction": "deduction:1", "member": WANG, "reason": "half of it",
            "occurred_at": at("2026-09-10")}
    story.by(LIU).when(ReduceDeduction(points="4", **less)).refused(NotReduced)
    story.when(ReduceDeduction(points="1.5", **less)).then(
        "deduction.reduced.v1", "month.charge_reduced.v1")

    assert cost(story, WANG) == "1.5"


def test_written__is_sealed_for_the_member_whom_it_is_about() -> None:
    """Of several who are charged it is the offender; before anybody is named, the deduction."""
    why = {"deduction": "deduction:1", "occurred_at": at("2026-09-10"), "reason": WORDS}
    story = started()
    assert sealed_for(story.by(CHEN), propose(code="SHARED", note=WORDS)) == {WANG}
    assert sealed_for(story.by(ZHOU), confirm(note=WORDS)) == {WANG}
    assert sealed_for(story.by(LI), appeal(reason=WORDS)) == {LI}
    assert sealed_for(story.by(LIU), UpholdDeduction(**why, member=LI)) == {LI}
    assert sealed_for(story.by(WANG), appeal(reason=WORDS, day="2026-09-11")) == {WANG}
    assert sealed_for(story.by(LIU), overturn(reason=WORDS, day="2026-09-12")) == {WANG}
    story = started()
    unnamed = propose(code="GROUP", offender=None, note=WORDS)
    assert sealed_for(story.by(CHEN), unnamed) == {"deduction:1"}
    assert sealed_for(story.by(LI), waive(members=[WANG], cause=WORDS)) == {WANG}
    story = started((CHEN, propose()))
    assert sealed_for(story.by(ZHOU), DismissDeduction(**why)) == {WANG}


def test_appeal__upheld_changes_nothing_but_the_history() -> None:
    story = appealed()
    upheld = UpholdDeduction(deduction="deduction:1", member=WANG, reason="no leave was asked",
                             occurred_at=at("2026-09-10"))
    story.by(LIU).when(upheld).then("deduction.upheld.v1")

    assert cost(story, WANG) == "1"
    story.when(overturn()).refused(NoAppeal)


@pytest.mark.parametrize("actor", [CHEN, ZHOU, WANG])
def test_appeal__rejected_to_be_decided_by_who_had_a_part_in_it(actor: str) -> None:
    appealed().by(actor).when(overturn()).refused(ThirdPersonNeeded)


def test_appeal__overturned_makes_later_charges_of_the_month_count_less() -> None:
    story = started()
    for number in range(1, 5):
        continued(story, (CHEN, propose(number, code="THIRD", day=f"2026-09-0{number}",
                                        occurred_at=at("2026-09-05"))),
                  (ZHOU, confirm(number)))
    assert cost(story, WANG) == "3.0"  # 0.5 + 0.5 + 1 + 1

    continued(story, (WANG, appeal(1)), (LIU, overturn(1)))

    assert cost(story, WANG) == "2.0"  # 0.5 + 0.5 + 1


def test_deduction__stream_is_its_subject() -> None:
    assert propose("D 1").subject == subject("deduction", "D 1") == "deduction:D%201"
