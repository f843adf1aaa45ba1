"""What the writer of a ledger refuses, whatever the command is."""

from collections.abc import Sequence

from ledger.common.context import Receipt
from ledger.common.errors import Conflict, LedgerError, Unavailable


class CommandReused(Conflict):
    """This command id was used before, for something else. Use a new id for a new command."""

    code = "command_reused"
    rule = "R-LOG-09"


class RecordedUnderLostKeys(Conflict):
    """Something was recorded under this command id, at position {positions}, before the ledger's
    keys were lost: whether it was this very request, nobody can say any more. Look there; if it was
    something else, use a new id."""

    code = "recorded_under_lost_keys"
    rule = "R-LOG-28"


class OnceTaken(Conflict):
    """{once} is already recorded, at position {position}; it can happen only once."""

    code = "once_taken"
    rule = "R-LOG-11"


class LedgerClosed(LedgerError):
    """This ledger is closed."""

    code = "ledger_closed"
    rule = "R-LOG-12"


class Overloaded(Unavailable):
    """{waiting} commands are already waiting. Try again in a moment."""

    code = "overloaded"
    rule = "R-LOG-18"


class BrokenOff(Unavailable):
    """Of {count} commands the first {decided} were decided, and what they recorded is in the log;
    whether what comes after them is, is not known: {why}"""

    code = "broken_off"
    rule = "R-LOG-27"

    results: Sequence[Receipt | LedgerError] = ()
    """What came of those that were decided."""


def reason_of(error: LedgerError) -> str:
    """Why something failed, without what the error says of a single command."""
    return str(error.details.get("why", error))
