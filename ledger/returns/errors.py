"""What the rules of after-sales cases refuse."""

from ledger.common.errors import Conflict, Refused


class CaseUnknown(Refused):
    """{case} was never opened."""

    code = "case_unknown"
    rule = "R-RET-01"


class CaseDeclaredDifferently(Conflict):
    """{case} is in the ledger with other contents. A case does not change: give a new one a number
    of its own."""

    code = "case_declared_differently"
    rule = "R-RET-02"


class CaseEnded(Refused):
    """{case} is {state}, which is final."""

    code = "case_ended"
    rule = "R-RET-03"


class CaseNotReady(Refused):
    """{case} is {state}; this needs a case that is {needed}."""

    code = "case_not_ready"
    rule = "R-RET-04"


class NotThatManyBack(Refused):
    """Line {line} of {case}: {wanted} pieces were named, but only {there} are {state}."""

    code = "not_that_many_back"
    rule = "R-RET-05"


class RefundExceedsCase(Refused):
    """{case}: {amount_minor} more would make {sum_minor}, but only {most_minor} was {what} (minor
    units)."""

    code = "refund_exceeds_case"
    rule = "R-RET-06"


class CaseNotDone(Refused):
    """{case} cannot be closed: {what}."""

    code = "case_not_done"
    rule = "R-RET-07"


class LineNotOrdered(Refused):
    """Line {line} of {case}: {order} has no line {order_line} with {sku}."""

    code = "line_not_ordered"
    rule = "R-RET-08"


class CaseHasOrder(Refused):
    """{case} belongs to {order} already."""

    code = "case_has_order"
    rule = "R-RET-09"


class GoodsReceivedElsewhere(Refused):
    """The goods of {case} are received in {elsewhere}, not in {wanted}. Receive the rest there,
    too, or open another case for it."""

    code = "goods_received_elsewhere"
    rule = "R-RET-10"


class CaseUnderWay(Refused):
    """{case} cannot be withdrawn: {what}. Close it instead."""

    code = "case_under_way"
    rule = "R-RET-11"


class CaseLineUnknown(Refused):
    """{case} has no goods in a line {line}."""

    code = "case_line_unknown"
    rule = "R-RET-12"


class ApprovalExceedsPayment(Refused):
    """{case}: approving {amount_minor} more would bring approved, unpaid refunds to {unpaid_minor},
    but only {left_minor} of the {paid_minor} paid for {order} is left to refund ({currency}, minor
    units)."""

    code = "approval_exceeds_payment"
    rule = "R-RET-13"
