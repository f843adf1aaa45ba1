"""What the rules of policies refuse."""

from collections.abc import Sequence

from ledger.common.errors import Fault, Refused


class PolicyUnsound(Refused):
    """{count} thing(s) in the policy cannot hold: {summary}"""

    code = "policy_unsound"
    rule = "R-POL-03"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = faults
        summary = "; ".join(f"{fault.where}: {fault.message}" for fault in faults)
        super().__init__(count=len(faults), summary=summary)


class PolicyOutOfOrder(Refused):
    """Version {version} holds from {effective_from} on; a later version cannot begin before it, on
    {wanted}. Withdraw that version first, if it is not in force yet."""

    code = "policy_out_of_order"
    rule = "R-POL-04"


class PolicyInSealedMonth(Refused):
    """A policy cannot begin on {wanted}: {month} is sealed. The first day that is free is
    {free}."""

    code = "policy_in_sealed_month"
    rule = "R-POL-05"


class PolicyInForce(Refused):
    """Version {version} cannot be withdrawn: {why}. Publish a new version instead."""

    code = "policy_in_force"
    rule = "R-POL-06"


class PolicyDropsPost(Refused):
    """Members hold {posts} on {day} or later, and the policy knows no such post any more. End what
    they hold first."""

    code = "policy_drops_post"
    rule = "R-POL-08"
