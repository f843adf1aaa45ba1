"""The names of all reports, for those who offer them and need nothing else of a report."""

REPORTS = (
    "appeals", "attendance", "bins", "closings", "decisions", "deductions", "discrepancies",
    "exceptions", "fulfilment", "grading", "inventory", "leave", "low-stock", "orders", "policies",
    "post-terms", "reconciliation", "returns", "rosters", "score-history", "score-terms",
    "score-warnings", "scores", "shifts", "staff", "stock-card", "stock-ledger", "timeline",
)
"""In the order of the alphabet; a test compares them with the reports themselves."""
