"""What the rules of deductions refuse."""

from ledger.common.errors import Refused


class RuleUnknown(Refused):
    """There is no rule {rule!r} in the policy in force on {day} (version {version})."""

    code = "rule_unknown"
    rule = "R-DED-01"


class DeductionUnknown(Refused):
    """{deduction} was never proposed."""

    code = "deduction_unknown"
    rule = "R-DED-02"


class DeductionNotReady(Refused):
    """{deduction} is {state}; this step needs one that is {needed}."""

    code = "deduction_not_ready"
    rule = "R-DED-03"


class ProposerDecides(Refused):
    """{actor} proposed {deduction}, and somebody else has to decide it."""

    code = "proposer_decides"
    rule = "R-DED-04"


class OwnCase(Refused):
    """{actor} is, or would be, charged by {deduction}; somebody else has to decide it."""

    code = "own_case"
    rule = "R-DED-05"


class PointsOutOfRange(Refused):
    """{rule} takes {least} to {most} points from {party}, not {points}."""

    code = "points_out_of_range"
    rule = "R-DED-06"


class WaiverNotAllowed(Refused):
    """{rule} allows no excuse: confirm the deduction, or dismiss it if its facts are not
    established."""

    code = "waiver_not_allowed"
    rule = "R-DED-07"


class OffenderNotInPost(Refused):
    """{member} held none of the posts of {rule} on {day}: {posts}."""

    code = "offender_not_in_post"
    rule = "R-DED-08"


class OffenderNeeded(Refused):
    """{deduction} does not say who did it. Name the offender first."""

    code = "offender_needed"
    rule = "R-DED-09"


class NobodyLiable(Refused):
    """Nobody held a post of {rule} on {day}, so nobody can be charged: {posts}."""

    code = "nobody_liable"
    rule = "R-DED-10"


class NotCharged(Refused):
    """{deduction} does not charge {member}."""

    code = "not_charged"
    rule = "R-DED-11"


class AppealTooLate(Refused):
    """{deduction} could be appealed until the end of {until}; {day} is too late."""

    code = "appeal_too_late"
    rule = "R-DED-12"


class AppealDecided(Refused):
    """The appeal of {member} against {deduction} was already decided: {state}."""

    code = "appeal_decided"
    rule = "R-DED-13"


class NoAppeal(Refused):
    """{member} has no open appeal against {deduction}."""

    code = "no_appeal"
    rule = "R-DED-14"


class ThirdPersonNeeded(Refused):
    """A third person has to decide the appeal against {deduction}: {actor} {why}."""

    code = "third_person_needed"
    rule = "R-DED-15"


class RuleComputed(Refused):
    """{rule} is computed from attendance ({kinds}): record that, and the points are charged."""

    code = "rule_computed"
    rule = "R-DED-16"


class NoSuchEvidence(Refused):
    """There is no event at position {position} yet, so it cannot be evidence."""

    code = "no_such_evidence"
    rule = "R-DED-17"


class DeductionNumberTaken(Refused):
    """{deduction} is already in the ledger. Use a new number for a new deduction."""

    code = "deduction_number_taken"
    rule = "R-DED-18"


class OffenderNotExpected(Refused):
    """{rule} charges all who held the post, so no offender is named."""

    code = "offender_not_expected"
    rule = "R-DED-19"


class NotReduced(Refused):
    """{points} is not a reduction: {member} is charged {before} points. Give fewer than that and
    more than 0, or overturn the charge."""

    code = "not_reduced"
    rule = "R-DED-20"


class NotRenewable(Refused):
    """{renewed} cannot be proposed again: {why}."""

    code = "not_renewable"
    rule = "R-DED-21"


class CountedOnce(Refused):
    """{rule} counts once per {per}, so there cannot be an occurrence {occurrence}."""

    code = "counted_once"
    rule = "R-DED-22"


class AboutOther(Refused):
    """{rule} counts once per {per}. Name one such as {example}; {about} is not one."""

    code = "about_other"
    rule = "R-DED-23"


class NamerDecides(Refused):
    """{actor} named the offender of {deduction}, and somebody else has to decide it."""

    code = "namer_decides"
    rule = "R-DED-24"


class OwnNaming(Refused):
    """{actor} is named by {deduction}, or would be charged by it, and somebody else has to name the
    offender."""

    code = "own_naming"
    rule = "R-DED-25"


class PartyNotCharged(Refused):
    """{rule} takes no points from {party}. It charges {parties}."""

    code = "party_not_charged"
    rule = "R-DED-26"


class PointsNeeded(Refused):
    """{rule} takes {least} to {most} points from {party}. Say how many."""

    code = "points_needed"
    rule = "R-DED-27"


class SupervisorMissing(Refused):
    """{rule} also charges the supervisor of {offender}, who had none on {day}. Set one first, or
    give the share up."""

    code = "supervisor_missing"
    rule = "R-DED-28"


class SupervisorNotInPost(Refused):
    """{rule} also charges {supervisor}, who supervised {offender} on {day} but held no post."""

    code = "supervisor_not_in_post"
    rule = "R-DED-29"


class EverybodyExcused(Refused):
    """Everybody whom {deduction} would charge is excused. Waive it for all instead."""

    code = "everybody_excused"
    rule = "R-DED-30"


class AppealOpen(Refused):
    """{member} has already appealed against {deduction}, and the appeal is not decided yet."""

    code = "appeal_open"
    rule = "R-DED-31"


class NoShareOpen(Refused):
    """No share of {deduction} waits for a supervisor: it was charged, given up, or never open."""

    code = "no_share_open"
    rule = "R-DED-32"
