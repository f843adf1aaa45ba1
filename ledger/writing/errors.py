"""What the writer of a ledger refuses, whatever the command is."""

from ledger.common.errors import Conflict, LedgerError, Unavailable


class CommandReused(Conflict):
    """This command id was used before, for something else. Use a new id for a new command."""

    code = "command_reused"
    rule = "R-LOG-09"


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
