"""What the rules of after-sales cases refuse."""

from ledger.common.errors import Conflict, Refused


class CaseUnknown(Refused):
    """{case} was never opened. Open it first (case.request), or check its name; `ledger report
    returns` lists the cases."""

    code = "case_unknown"
    rule = "R-RET-01"


class CaseDeclaredDifferently(Conflict):
    """{case} is in the ledger with other contents. A case does not change: give a new one a number
    of its own."""

    code = "case_declared_differently"
    rule = "R-RET-02"


class CaseEnded(Refused):
    """{case} is {state}, which is final. Open another case for what still comes back."""

    code = "case_ended"
    rule = "R-RET-03"


class CaseNotReady(Refused):
    """{case} is {state}; this needs a case that is {needed}. Record the step before it first."""

    code = "case_not_ready"
    rule = "R-RET-04"


class NotThatManyBack(Refused):
    """Line {line} of {case}: {wanted} pieces were named, but only {there} are {state}. Name no
    more; the report returns says where the others are."""

    code = "not_that_many_back"
    rule = "R-RET-05"


class RefundExceedsCase(Refused):
    """{case}: {amount_minor} more would make {sum_minor}, but only {max_minor} was {what}
    (minor units). Give no more than is left, or have the rest approved first
    (case.approve_refund)."""

    code = "refund_exceeds_case"
    rule = "R-RET-06"


class CaseNotDone(Refused):
    """{case} cannot be closed: {what}."""

    code = "case_not_done"
    rule = "R-RET-07"


class RefundUndecided(Refused):
    """{case} cannot be closed: a refund of {asked_minor} was asked for, and nothing of it is
    approved (minor units). Approve and pay it, or close it with "declined_minor": {asked_minor},
    which says that the buyer does not get it."""

    code = "refund_undecided"
    rule = "R-RET-21"


class LineNotOrdered(Refused):
    """Line {line} of {case}: {order} has no line {order_line} with {sku}. Name a line of the
    order and its SKU, as `ledger report timeline {order}` shows them."""

    code = "line_not_ordered"
    rule = "R-RET-08"


class CaseHasOrder(Refused):
    """{case} belongs to {order} already. Open another case for another order."""

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
    """{case} has no goods in a line {line}. Check the line; `ledger report returns {case}`
    shows its lines."""

    code = "case_line_unknown"
    rule = "R-RET-12"


class ApprovalExceedsPayment(Refused):
    """{case}: approving {amount_minor} more would bring approved, unpaid refunds to
    {unpaid_minor}, but only {left_minor} of the {paid_minor} paid for {order} is left to refund
    ({currency}, minor units). Approve less, or record the payment that is missing first
    (order.pay)."""

    code = "approval_exceeds_payment"
    rule = "R-RET-13"


class DeclinedOtherwise(Refused):
    """{case}: {declined_minor} is not what can be declined. What was asked for, can still be
    refunded, and has nothing approved of it, is {asked_minor} (minor units)."""

    code = "declined_otherwise"
    rule = "R-RET-20"


class RefundExceedsLines(Refused):
    """{case}: with {amount_minor} it comes to {sum_minor}, and its lines, after their share of the
    discount (with the postage, where the whole order comes back), leave {most_minor} to refund
    (minor units). Refund less, or open a case for the other lines."""

    code = "refund_exceeds_lines"
    rule = "R-RET-19"


class PartUnknown(Refused):
    """Line {line} of {case}: a piece of it is made of {parts}, and {sku} is not among them. Name
    one of these, or no SKU where whole pieces are meant."""

    code = "part_unknown"
    rule = "R-RET-14"


class RefusedInParts(Refused):
    """{case}: pieces of line {order_line} of {order} that were refused come back whole, unopened.
    Name whole pieces, and say what became of each part in the inspection."""

    code = "refused_in_parts"
    rule = "R-RET-16"


class NotDeliveredYet(Refused):
    """{case} is about {wanted} pieces of line {line} of {order}, of which only {there} were
    delivered; {under_way} are still with the courier. If the buyer refused them, report the parcel
    as refused and request a case of the kind refused; else wait for the delivery."""

    code = "not_delivered_yet"
    rule = "R-RET-17"


class PartlyDelivered(Refused):
    """{case} cannot be matched with {order}: of line {line} {wanted} pieces came, {there} were
    delivered, and {under_way} are still with the courier. What the buyer sent back and what the
    courier brings back are different cases: close this one and receive each for itself, or report
    the delivery first."""

    code = "partly_delivered"
    rule = "R-RET-18"
