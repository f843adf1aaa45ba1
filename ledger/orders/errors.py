"""What the rules of orders refuse."""

from ledger.common.errors import Conflict, Refused


class OrderAlreadyPlaced(Conflict):
    """{order} is in the ledger already. Read it, or give this order its own number."""

    code = "order_already_placed"
    rule = "R-ORD-01"


class OrderUnknown(Refused):
    """{order} was never placed. Place it first, or correct its name."""

    code = "order_unknown"
    rule = "R-ORD-03"


class PriceFixed(Refused):
    """The price of {order} cannot change any more: it is {state}. What it costs is put right with
    order.correct (amounts)."""

    code = "price_fixed"
    rule = "R-ORD-04"


class RefundExceedsPayment(Refused):
    """A refund of {refund_minor} would bring {order} to {refunded_minor} refunded of {paid_minor}
    paid ({currency}, minor units). Refund no more than is left, or record the payment that is
    missing first (order.pay)."""

    code = "refund_exceeds_payment"
    rule = "R-ORD-05"


class OrderEnded(Refused):
    """{order} is {state}, which is final. What was recorded wrongly is put right with order.correct
    or order.correct_step; what comes back after it, with a case (case.request)."""

    code = "order_ended"
    rule = "R-ORD-06"


class LineAmountDisagrees(Refused):
    """Line {line} of {order}: {quantity} pieces at {unit_price} (10^-{scale} {currency}) are
    {product_minor}, and the line says {amount_minor} ({currency}, minor units). Correct the price,
    the quantity or the amount."""

    code = "line_amount_disagrees"
    rule = "R-ORD-53"


class GoodsDisagree(Refused):
    """The lines of {order} add up to {sum_minor}, and its goods are said to be {goods_minor}
    ({currency}, minor units). Correct the lines, or goods_minor."""

    code = "goods_disagree"
    rule = "R-ORD-54"


class TotalDisagrees(Refused):
    """The total of {order} is {total_minor}, but goods + postage - discount + tax is {sum_minor}.
    Send amounts that add up (`amounts`: goods_minor, postage_minor, discount_minor, tax_minor,
    total_minor)."""

    code = "total_disagrees"
    rule = "R-ORD-07"


class OrderNotPaid(Refused):
    """{order} has not been paid. Record the payment first (order.pay)."""

    code = "order_not_paid"
    rule = "R-ORD-08"


class AlreadyPaid(Refused):
    """{amount_minor} are said to have come for {order}, of which {open_minor} are still to be paid
    ({currency}, minor units). If so much has come, give the platform's reference of the payment: it
    is recorded, and what is too much waits for its refund."""

    code = "already_paid"
    rule = "R-ORD-09"


class PaymentAlike(Refused):
    """{amount_minor} ({currency}, minor units) came for {order} before, at {known_at}, which is
    more than is still to be paid, and not both payments have a reference. If it is the same one, it
    is on record. If the buyer has paid twice, say with order.correct (paid) what was paid in all:
    what is too much waits for its refund."""

    code = "payment_alike"
    rule = "R-ORD-78"


class RefundAlike(Refused):
    """{amount_minor} ({currency}, minor units) were refunded for {order} before, at {known_at}, and
    not both refunds have a reference. If it is the same one, it is on record. If it is another,
    give the platform's reference of it; where the first has none, say with order.correct (refunded)
    what was refunded in all."""

    code = "refund_alike"
    rule = "R-ORD-77"


class StillOpen(Refused):
    """{order} cannot be completed: {open_minor} of {total_minor} are still to be paid ({currency},
    minor units). Record the payment, or change the lines and the total with the buyer's consent."""

    code = "still_open"
    rule = "R-ORD-57"


class NothingToSupplement(Refused):
    """A supplement of {amount_minor} was given for {order}, of which {open_minor} are open beyond
    what was paid ({currency}, minor units). Change its lines first, with the buyer's consent; a
    first payment, or more than is open, is recorded with order.pay."""

    code = "nothing_to_supplement"
    rule = "R-ORD-60"


class ReferenceUsed(Conflict):
    """The {kind} {reference} is on record at position {position}, for {other}, with {known_minor}
    (minor units); here it is {amount_minor} of {order}. If that one was recorded wrongly, take it
    back there (order.correct, with the reference); else give this one its own reference."""

    code = "reference_used"
    rule = "R-ORD-56"


class NotThatReference(Refused):
    """{order} has {recorded_minor} recorded as {fact} under {reference}; without it {left_minor}
    are {fact} in all ({currency}, minor units). Give that sum, or correct the reference."""

    code = "not_that_reference"
    rule = "R-ORD-61"


class PaidTooMuch(Refused):
    """{order} would be paid {paid_minor} in all, and one order is paid {max_minor} at most
    ({currency}, minor units). Check the amount and its unit."""

    code = "paid_too_much"
    rule = "R-ORD-34"


class OtherCurrency(Refused):
    """{order} is in {known}, and this is in {currency}. An order has one currency: correct the
    amounts and their currency."""

    code = "other_currency"
    rule = "R-ORD-35"


class OrderStarted(Refused):
    """{order} cannot be closed: {left_minor} of the {paid_minor} paid is not refunded ({currency},
    minor units). Refund it first; before dispatch, the order can be cancelled instead."""

    code = "order_started"
    rule = "R-ORD-10"


class NothingToCorrect(Refused):
    """Nothing was ever {fact} for {order}, so there is no record of it to correct. Check the order;
    what is missing is recorded with order.pay or order.refund."""

    code = "nothing_to_correct"
    rule = "R-ORD-11"


class OrderAlreadyDispatched(Refused):
    """{order} cannot be cancelled: it was dispatched at {dispatched_at}. Open a case for what is to
    come back."""

    code = "order_already_dispatched"
    rule = "R-ORD-12"


class RefundedMoreThanPaid(Refused):
    """With this correction {order} would have {refunded_minor} refunded of {paid_minor} paid
    ({currency}, minor units). If both sums are wrong, correct the other one first."""

    code = "refunded_more_than_paid"
    rule = "R-ORD-13"


class OrderHeld(Refused):
    """{order} is on hold. Lift the hold first."""

    code = "order_held"
    rule = "R-ORD-20"


class OrderNotReady(Refused):
    """{order} has not been {step} yet. Do that first ({command})."""

    code = "order_not_ready"
    rule = "R-ORD-21"


class NotThatMany(Refused):
    """Line {line} of {order}: {wanted} pieces were asked for, but only {there} are {state}. Ask for
    no more; the report fulfilment says where the others are."""

    code = "not_that_many"
    rule = "R-ORD-22"


class ParcelUnknown(Refused):
    """{order} has no parcel {parcel}. Pack it first, or correct its name."""

    code = "parcel_unknown"
    rule = "R-ORD-23"


class NothingUnderWay(Refused):
    """{order} has no pieces on their way that are in no parcel. Name the parcel."""

    code = "nothing_under_way"
    rule = "R-ORD-47"


class ExceptionUnknown(Refused):
    """{order} has no open exception {exception}. `ledger report exceptions` lists those that are
    open."""

    code = "exception_unknown"
    rule = "R-ORD-24"


class GoodsMoved(Refused):
    """The lines of {order} cannot be changed so: of line {line} {pieces} pieces are {state}, and
    the change leaves {kept} of them. Put back what was picked, open what was packed, or leave the
    line as it is and open a case for what was sent."""

    code = "goods_moved"
    rule = "R-ORD-25"


class AmountsNeeded(Refused):
    """With these lines, and the postage and discount as they are, {order} would cost {total_minor}
    ({currency}, minor units). Give its new amounts with the lines."""

    code = "amounts_needed"
    rule = "R-ORD-62"


class LastCheckFailed(Refused):
    """{order} cannot be packed: its last check failed. Put right what was wrong, and check it
    again."""

    code = "last_check_failed"
    rule = "R-ORD-27"


class NothingPicked(Refused):
    """{order} has nothing to check: no picked pieces of it wait to be packed. Record what was
    picked first (order.pick)."""

    code = "nothing_picked"
    rule = "R-ORD-28"


class OrderLineUnknown(Refused):
    """{order} has no goods in a line {line}. `ledger report timeline {order}` shows its lines."""

    code = "order_line_unknown"
    rule = "R-ORD-29"


class ParcelOutOfTurn(Refused):
    """Parcel {parcel} of {order} cannot be {wanted}: its state is {state}. Record the step before
    it first, or correct one that was recorded wrongly (order.correct_step)."""

    code = "parcel_out_of_turn"
    rule = "R-ORD-30"


class ParcelAlreadyPacked(Refused):
    """{order} already has a parcel {parcel}, which is {state}. Give this one another name."""

    code = "parcel_already_packed"
    rule = "R-ORD-31"


class GoodsElsewhere(Refused):
    """{order} cannot be served from {warehouse}: pieces of it are {state} in {elsewhere}. What is
    reserved or short there can be moved or released."""

    code = "goods_elsewhere"
    rule = "R-ORD-32"


class SentFromUnknown(Refused):
    """{order} cannot be served from {warehouse}: pieces of it are {state}, and nobody said which
    warehouse sent them. Wait until a file says that they arrived, or place what else is wanted as
    an order of its own."""

    code = "sent_from_unknown"
    rule = "R-ORD-45"


class LinesOfSent(Refused):
    """The lines of {order} cannot be given so: none of them is known, and {warehouse} has sent
    them. Declare them with order.record, as a file does."""

    code = "lines_of_sent"
    rule = "R-ORD-46"


class LineWithoutSku(Refused):
    """Line {line} of {order} names no SKU, so nothing can be reserved for it. Change its lines
    first."""

    code = "line_without_sku"
    rule = "R-ORD-33"


class NothingLeft(Refused):
    """Nothing of {order} would be left. Cancel or close the order itself."""

    code = "nothing_left"
    rule = "R-ORD-36"


class NotChecked(Refused):
    """Line {line} of {order}: {wanted} pieces are to be packed, and a passed check has seen {seen}
    of those that are picked. Check the order first."""

    code = "not_checked"
    rule = "R-ORD-37"


class WaybillUsed(Conflict):
    """{other} went under the waybill {waybill} of {courier}, at position {position}. If {order}
    lies in the same parcel, say that it is merged with that one (merged_with); if the waybill was
    typed on the wrong order, take that dispatch back first (order.correct_step)."""

    code = "waybill_used"
    rule = "R-ORD-48"


class NotMerged(Refused):
    """{order} cannot go with {other}: no parcel of that order went from the same warehouse with
    {courier} under the waybill {waybill}. Send that one first, and give the same courier and
    waybill."""

    code = "not_merged"
    rule = "R-ORD-38"


class DetailsPacked(Refused):
    """The details of {order} cannot be changed any more: parcel {parcel} is {state}. One that is
    only packed can be voided first."""

    code = "details_packed"
    rule = "R-ORD-39"


class NotPaidFor(Refused):
    """{order} cannot be sent: {paid_minor} of {total_minor} are paid ({currency}, minor units).
    Record the payment first; an order that is paid at the door is placed with terms on_delivery."""

    code = "not_paid_for"
    rule = "R-ORD-40"


class AllPaidBack(Refused):
    """{order} cannot be sent: all that was paid is refunded ({refunded_minor} {currency}, minor
    units). Cancel or close it."""

    code = "all_paid_back"
    rule = "R-ORD-44"


class RefundOpen(Refused):
    """{order} cannot be sent: the buyer wants money back ({exception}). End that case, or close the
    exception, first."""

    code = "refund_open"
    rule = "R-ORD-41"


class PiecesUnsent(Refused):
    """{order} cannot be completed: {pieces} pieces of line {line} were never sent. Send them, or
    cancel these pieces first."""

    code = "pieces_unsent"
    rule = "R-ORD-42"


class PartsDiffer(Refused):
    """Line {line} of {order}: {wanted} pieces of {sku} are to be named for this many of the line,
    and the bins add up to {there}. Give bins that add up to {wanted}."""

    code = "parts_differ"
    rule = "R-ORD-43"
