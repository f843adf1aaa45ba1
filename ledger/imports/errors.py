"""What an import refuses as a whole, whatever its files hold."""

from ledger.common.errors import Invalid, Unavailable


class UnknownPolicy(Invalid):
    """The policy {policy!r} is neither reject_everything nor reject_failed_rows."""

    code = "unknown_policy"
    rule = "R-IMP-17"


class ImportBrokenOff(Unavailable):
    """The import broke off: {why}. {events} event(s) of it are known to be in the log. Import the
    same files again: what is there is known again, and not recorded twice."""

    code = "import_broken_off"
    rule = "R-IMP-21"


class ImportOnDamaged(ImportBrokenOff):
    """The import broke off, since the database is damaged: {why}. {events} event(s) of it are known
    to be in the log. To import the same files again mends nothing. Keep a copy of the database as
    it is. Then `ledger backup` it and `ledger restore` that into a new place, or restore an older
    backup, and import the files there."""

    code = "import_on_damaged"
    rule = "R-IMP-22"


class NoWarehouse(Invalid):
    """The profile {profile!r} does not say where the goods are kept, so no stock can move. Add
    `stock: {{warehouse: NAME}}` to a copy of it, or import without stock."""

    code = "no_warehouse"
    rule = "R-IMP-18"


class CountsAreStock(Invalid):
    """The profile {profile!r} records what was counted or moved, so it cannot be imported without
    stock."""

    code = "counts_are_stock"
    rule = "R-IMP-19"
