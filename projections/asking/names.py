"""The names of all reports and what each can be asked, for those who offer them and need nothing
else of a report."""

SUBJECT = ("subject",)
PLACE = ("subject", "channel", "shop")
IN_PERIOD = ("since", "until", "month")
PERIOD = ("subject", *IN_PERIOD)
PLACED = (*PLACE, *IN_PERIOD)
MONTH = ("subject", "month")
SCORES = ("subject", "month", "post")
DAY = ("subject", "day")
QUEUE = ("channel", "shop", "status", "owner", "older_than", "sku")

TAKES: dict[str, tuple[str, ...]] = {
    "appeals": MONTH, "attendance": MONTH, "bins": SUBJECT, "closings": ("month",),
    "decisions": MONTH, "deductions": MONTH, "discrepancies": SUBJECT, "exceptions": PLACE,
    "fulfilment": PLACED, "grading": SCORES, "inventory": SUBJECT, "leave": MONTH,
    "low-stock": SUBJECT, "open-transfers": SUBJECT, "orders": PLACED, "policies": (),
    "post-terms": SUBJECT, "prices": SUBJECT,
    "reconciliation": ("channel", "shop", *IN_PERIOD), "returns": PLACED,
    "revenue": ("channel", "shop", "by", *IN_PERIOD), "rosters": SUBJECT,
    "score-history": SCORES, "score-terms": MONTH, "score-warnings": SCORES, "scores": SCORES,
    "shifts": DAY, "staff": DAY, "stock-card": PERIOD, "stock-ledger": PERIOD,
    "takings": ("channel", "shop", *IN_PERIOD), "timeline": SUBJECT,
    "to-approve": SUBJECT, "to-pick": QUEUE, "to-review": QUEUE, "to-send": QUEUE,
}
"""What a report can be asked besides as of when: fields of `questions.Question`. In the order of
the alphabet; a test compares the names with the reports themselves, another what they read."""

REPORTS = tuple(TAKES)

OPTIONS = {"subject": "SUBJECT", "channel": "--channel", "shop": "--shop", "since": "--from",
           "until": "--to", "month": "--month", "day": "--day", "post": "--post",
           "status": "--status", "owner": "--owner", "older_than": "--older-than", "sku": "--sku",
           "by": "--by"}
"""What the command line calls the fields."""


def takers(field: str) -> list[str]:
    """The reports that take a field."""
    return [name for name, taken in TAKES.items() if field in taken]
