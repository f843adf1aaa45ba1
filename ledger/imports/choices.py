"""What the caller of an import can choose; it needs nothing else of imports."""

REJECT_EVERYTHING = "reject_everything"
REJECT_FAILED_ROWS = "reject_failed_rows"
POLICIES = (REJECT_EVERYTHING, REJECT_FAILED_ROWS)
"""What to do when rows have faults."""

DECLARED, NO_STOCK = STOCK = ("declared", "none")
"""Whether goods move: as the files declare, or not at all, because the files are history."""
