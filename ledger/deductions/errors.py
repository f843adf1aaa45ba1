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
    """{deduction} is {state}; it has to be {needed}."""

    code = "deduction_not_ready"
    rule = "R-DED-03"


class ProposerDecides(Refused):
    """{actor} proposed {deduction}, and somebody else has to decide it."""

    code = "proposer_decides"
    rule = "R-DED-04"


class OwnCase(Refused):
    """{actor} is charged by {deduction}, and cannot decide it."""

    code = "own_case"
    rule = "R-DED-05"


class PointsOutOfRange(Refused):
    """{rule} takes {least} to {most} points from the {party}; {points} are told."""

    code = "points_out_of_range"
    rule = "R-DED-06"


class WaiverNotAllowed(Refused):
    """{rule} knows no cause that excuses: confirm the deduction, or dismiss it if its facts are not
    established."""

    code = "waiver_not_allowed"
    rule = "R-DED-07"


class OffenderNotInPost(Refused):
    """{member} held none of the posts of {rule} on {day}: {posts}."""

    code = "offender_not_in_post"
    rule = "R-DED-08"


class OffenderNeeded(Refused):
    """{deduction} names nobody who did it. Name the offender first."""

    code = "offender_needed"
    rule = "R-DED-09"


class NobodyLiable(Refused):
    """{rule} on {day}: {why}. Nobody can be charged."""

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
    """The charge of {member} by {deduction} was appealed already: the appeal is {state}."""

    code = "appeal_decided"
    rule = "R-DED-13"


class NoAppeal(Refused):
    """{member} has no open appeal against {deduction}."""

    code = "no_appeal"
    rule = "R-DED-14"


class ThirdPersonNeeded(Refused):
    """{actor} {why}: a third person has to decide the appeal against {deduction}."""

    code = "third_person_needed"
    rule = "R-DED-15"


class RuleComputed(Refused):
    """{rule} is computed from attendance ({kinds}): record that, and it counts by itself."""

    code = "rule_computed"
    rule = "R-DED-16"


class NoSuchEvidence(Refused):
    """Nothing is recorded at position {position} yet, so it shows nothing."""

    code = "no_such_evidence"
    rule = "R-DED-17"


class DeductionNumberTaken(Refused):
    """{deduction} is in the ledger already. Give this one a number of its own."""

    code = "deduction_number_taken"
    rule = "R-DED-18"


class OffenderNotAsked(Refused):
    """{rule} charges all who hold the post: it names no offender."""

    code = "offender_not_asked"
    rule = "R-DED-19"


class NotReduced(Refused):
    """{member} is charged {before} points: {points} are not fewer, or none. To take none, overturn
    it."""

    code = "not_reduced"
    rule = "R-DED-20"


class NotRenewable(Refused):
    """{renewed} cannot be shown anew: {why}."""

    code = "not_renewable"
    rule = "R-DED-21"


class CountedOnce(Refused):
    """{rule} counts once per {per}: there is no occurrence {occurrence}."""

    code = "counted_once"
    rule = "R-DED-22"


class AboutOther(Refused):
    """{rule} counts once per {per}: say which, as {example}; {about} is none."""

    code = "about_other"
    rule = "R-DED-23"
