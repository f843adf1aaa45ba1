"""What the rules of signed months refuse."""

from ledger.common.errors import Refused


class PeriodNotOver(Refused):
    """{month} is not over on {day}, so what came in of it cannot be signed yet. Sign it from the
    first day of the next month on."""

    code = "period_not_over"
    rule = "R-REC-01"


class TakingsChanged(Refused):
    """The figures of {stream} have changed since they were read: their digest is now {digest}. Read
    the report `reconciliation` of {month} again, then sign what it shows."""

    code = "takings_changed"
    rule = "R-REC-02"


class DifferencesDoNotAddUp(Refused):
    """What the orders of {stream} cost differs from what came in by other sums than the differences
    that are given. Still without a cause, in minor units: {missing}."""

    code = "differences_do_not_add_up"
    rule = "R-REC-03"


class CauseNeedsNote(Refused):
    """The difference of {amount_minor} {currency} has the cause `other`, and no note says which one
    it is. Write it into `note`, without naming a person."""

    code = "cause_needs_note"
    rule = "R-REC-04"


class SignedAlready(Refused):
    """{stream} is signed already, with the same figures and differences, by its event of version
    {version}. Sign it again when either changes."""

    code = "signed_already"
    rule = "R-REC-05"


class NothingToSign(Refused):
    """No order of {stream} was placed, paid or refunded in {month}, so there is nothing to sign.
    Check the month, the channel and the shop."""

    code = "nothing_to_sign"
    rule = "R-REC-06"
