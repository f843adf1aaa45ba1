"""What the rules of after-sales cases refuse."""

from ledger.common.errors import Conflict, Refused


class CaseUnknown(Refused):
    """{case} was never opened."""

    code = "case_unknown"
    rule = "R-RET-01"


class CaseToldDifferently(Conflict):
    """{case} is in the ledger with other contents. A case does not change: give a new one a number
    of its own."""

    code = "case_told_differently"
    rule = "R-RET-02"


class CaseEnded(Refused):
    """{case} is {state}, which is final."""

    code = "case_ended"
    rule = "R-RET-03"


class CaseNotReady(Refused):
    """{case} is {state}; it has to be {needed} first."""

    code = "case_not_ready"
    rule = "R-RET-04"


class NotThatManyBack(Refused):
    """{case}, line {line}: {wanted} pieces are told, {there} of it are {state}."""

    code = "not_that_many_back"
    rule = "R-RET-05"


class RefundExceedsCase(Refused):
    """{case}: {amount_minor} more would bring it to {sum_minor}, above the {most_minor} that was
    {what} (minor units)."""

    code = "refund_exceeds_case"
    rule = "R-RET-06"


class CaseNotDone(Refused):
    """{case} cannot be closed: {what}."""

    code = "case_not_done"
    rule = "R-RET-07"


class LineNotOrdered(Refused):
    """{case}, line {line}: {order} has no {sku} in a line {order_line}."""

    code = "line_not_ordered"
    rule = "R-RET-08"


class CaseHasOrder(Refused):
    """{case} belongs to {order} already."""

    code = "case_has_order"
    rule = "R-RET-09"
