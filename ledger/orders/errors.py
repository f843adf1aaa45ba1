"""What the rules of orders refuse."""

from ledger.common.errors import Conflict, Refused


class OrderAlreadyPlaced(Conflict):
    """{order} is in the ledger already. Read it, or give this order its own number."""

    code = "order_already_placed"
    rule = "R-ORD-01"


class OrderUnknown(Refused):
    """{order} was never placed."""

    code = "order_unknown"
    rule = "R-ORD-03"


class PriceFixed(Refused):
    """The price of {order} cannot change any more: it is {state}."""

    code = "price_fixed"
    rule = "R-ORD-04"


class RefundExceedsPayment(Refused):
    """A refund of {refund_minor} would bring {order} to {refunded_minor} refunded of {paid_minor}
    paid ({currency}, minor units)."""

    code = "refund_exceeds_payment"
    rule = "R-ORD-05"


class OrderEnded(Refused):
    """{order} is {state}, which is final."""

    code = "order_ended"
    rule = "R-ORD-06"


class TotalDisagrees(Refused):
    """The total of {order} is {total_minor}, but goods + postage - discount is {sum_minor}."""

    code = "total_disagrees"
    rule = "R-ORD-07"


class OrderNotPaid(Refused):
    """{order} has not been paid."""

    code = "order_not_paid"
    rule = "R-ORD-08"


class AlreadyPaid(Refused):
    """{order} has been paid in full."""

    code = "already_paid"
    rule = "R-ORD-09"


class OrderStarted(Refused):
    """{order} is {state}: it cannot be closed as unpaid. Refund or cancel it."""

    code = "order_started"
    rule = "R-ORD-10"


class NothingToCorrect(Refused):
    """Nothing was ever {fact} for {order}, so there is no record of it to correct."""

    code = "nothing_to_correct"
    rule = "R-ORD-11"


class OrderHeld(Refused):
    """{order} is on hold ({reason}). Lift the hold first."""

    code = "order_held"
    rule = "R-ORD-20"


class OrderNotReady(Refused):
    """{order} is not {step} yet."""

    code = "order_not_ready"
    rule = "R-ORD-21"


class NotThatMany(Refused):
    """{order}, line {line}: {wanted} pieces are told, {there} are {state}."""

    code = "not_that_many"
    rule = "R-ORD-22"


class ParcelUnknown(Refused):
    """{order}: parcel {parcel} is {state}, so this cannot happen to it."""

    code = "parcel_unknown"
    rule = "R-ORD-23"


class ExceptionUnknown(Refused):
    """{order} has no open exception {exception}."""

    code = "exception_unknown"
    rule = "R-ORD-24"


class GoodsMoved(Refused):
    """The lines of {order} cannot change any more: pieces of it are {state}."""

    code = "goods_moved"
    rule = "R-ORD-25"


class LinesDiffer(Refused):
    """{order}: other lines are told than are known, and goods of it moved in {warehouse} already.
    Correct the order and its stock by hand."""

    code = "lines_differ"
    rule = "R-ORD-26"
