"""What the rules of policies refuse."""

from collections.abc import Sequence

from ledger.common.errors import Fault, FaultList, NotFound, Refused, summed_up


class PolicyUnsound(Refused):
    """The policy has {count} fault(s): {summary}"""

    code = "policy_unsound"
    rule = "R-POL-03"

    def __init__(self, faults: Sequence[Fault]) -> None:
        listed = FaultList.of(faults)
        self.faults, self.left_out = listed
        super().__init__(count=len(listed.faults) + listed.left_out, summary=summed_up(listed))


class PolicyOutOfOrder(Refused):
    """Version {version} holds from {effective_from} on, and a later version cannot begin before
    that, on {wanted}. Withdraw version {version} first, if it is not in force yet."""

    code = "policy_out_of_order"
    rule = "R-POL-04"


class PolicyInSealedMonth(Refused):
    """A policy cannot begin on {wanted}: months up to {month} are closed. It can begin on {free} at
    the earliest."""

    code = "policy_in_sealed_month"
    rule = "R-POL-05"


class PolicyInForce(Refused):
    """Version {version} cannot be withdrawn: it has been in force since {since}. Publish a new
    version instead."""

    code = "policy_in_force"
    rule = "R-POL-06"


class PolicyDropsPost(Refused):
    """Members hold {posts} on {day} or later, and the policy no longer names that. End their terms
    first."""

    code = "policy_drops_post"
    rule = "R-POL-08"


class PolicyNotLast(Refused):
    """Only the last version can be withdrawn, which is {last}, not {version}."""

    code = "policy_not_last"
    rule = "R-POL-09"


class NoRetentionThere(Refused):
    """Version {version} does not say how long persons are kept, so there is nothing to confirm."""

    code = "no_retention_there"
    rule = "R-POL-10"


class NoVersionThere(NoRetentionThere):
    """The policies have no version {version}, or it was withdrawn, so there is nothing to confirm.
    `ledger policies list` shows all."""

    code = "no_version_there"
    rule = "R-POL-12"


class PublisherConfirms(Refused):
    """{actor} published version {version}, and cannot confirm its retention as well. Let
    somebody else confirm it (policy.confirm_retention)."""

    code = "publisher_confirms"
    rule = "R-POL-11"


class DeadlineUnknown(NotFound):
    """Version {version} of the policies has no deadline {name!r}. {known}"""

    code = "deadline_unknown"
    rule = "R-POL-13"


class CalendarEnds(Refused):
    """Calendar {calendar} covers {since} to {until}, and nobody has said whether {day} is worked.
    {how}"""

    code = "calendar_ends"
    rule = "R-POL-14"


class NoShiftThere(Refused):
    """Deadline {deadline} runs to the end of a shift ({shifts}), and no such shift is on the roster
    around {day}. Set the roster of that day."""

    code = "no_shift_there"
    rule = "R-POL-15"


class SchemeUnknown(NotFound):
    """Version {version} of the policies pays no {post} by a scheme {name!r}. {known}"""

    code = "scheme_unknown"
    rule = "R-POL-16"
