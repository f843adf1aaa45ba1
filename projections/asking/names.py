"""The names of all reports and what each can be asked, for those who offer them and need nothing
else of a report."""

from typing import NamedTuple

SUBJECT = ("subject",)
PLACE = ("subject", "channel", "shop")
IN_PERIOD = ("since", "until", "month")
PERIOD = ("subject", *IN_PERIOD)
PLACED = (*PLACE, *IN_PERIOD)
MONTH = ("subject", "month")
SCORES = ("subject", "month", "post")
DAY = ("subject", "day")
QUEUE = ("channel", "shop", "status", "owner", "older_than", "sku")

FILTERS: dict[str, dict[str, str]] = {
    "appeals": {"state": "state", "member": "member", "rule": "rule"},
    "bins": {"warehouse": "warehouse", "place": "place"},
    "decisions": {"member": "member", "rule": "rule"},
    "deductions": {"state": "state", "member": "shares.member", "rule": "rule", "about": "about"},
    "exceptions": {"kind": "kind", "owner": "owner", "older_than": "opened_at"},
    "fulfilment": {"review_status": "review_status", "fulfilment_status": "fulfilment_status",
                   "warehouse": "warehouse", "sku": "lines.sku", "waybill": "parcels.waybill",
                   "courier": "parcels.courier", "exception": "exceptions.kind"},
    "inventory": {"warehouse": "warehouse"},
    "leave": {"state": "state"},
    "open-transfers": {"from_warehouse": "from", "to_warehouse": "to", "sku": "lines.sku",
                       "older_than": "sent_at"},
    "orders": {"review_status": "review_status", "payment_status": "payment_status",
               "delivery_status": "delivery_status", "exception": "exception_kinds",
               "owner": "owner", "number_ends": "number", "older_than": "placed_at",
               "paid_from": "paid_at", "paid_to": "paid_at",
               "dispatched_from": "dispatched_at", "dispatched_to": "dispatched_at"},
    "returns": {"state": "state", "kind": "kind", "order": "order", "warehouse": "warehouse",
                "sku": "lines.sku", "older_than": "opened_at"},
    "staff": {"post": "posts", "supervisor": "supervisor"},
    "stock-card": {"warehouse": "warehouse"},
    "stock-ledger": {"warehouse": "warehouse"},
}
"""By report the filters that look at one column of its rows each, by their names; `a.b` is the
column b of the rows in a. `projections.asking.filters` says how each compares."""

ENDS, AGE, FROM, TO = "_ends", "older_than", "_from", "_to"
"""What the name of a filter ends with that asks for more than that value."""

DOWN = "-"
"""What stands before a column by which the last comes first."""


class Order(NamedTuple):
    """In which orders a list can come: each by one column, the first where nobody asks; rows that
    have the same there come by `key`, which tells them apart. What is in `moving` may become
    another of a row; all else that a list is sorted by stays as it is."""

    key: tuple[str, ...]
    by: tuple[str, ...]
    moving: tuple[str, ...] = ()


_OF_ORDERS = Order(("subject",), ("-placed_at", "subject"))
_OF_NOTICES = ("-opened_at", "sku", "warehouse")

ORDERS: dict[str, Order] = {
    "appeals": Order(("deduction", "member"), ("-appealed_at", "deduction", "member")),
    "attendance": Order(("member", "day", "number"), ("member", "day")),
    "bins": Order(("sku", "warehouse", "place", "bin"), ("sku", "warehouse"), ("quantity",)),
    "closings": Order(("position",), ("-position", "month")),
    "decisions": Order(("deduction", "position"), ("-at", "deduction")),
    "deductions": Order(("deduction",), ("-breached_at", "deduction", "rule")),
    "discrepancies": Order(("opened_position", "sku", "warehouse", "place", "bin"), _OF_NOTICES),
    "exceptions": Order(("subject", "opened_position"), ("-opened_at", "subject")),
    "fulfilment": _OF_ORDERS,
    "grading": Order(("member", "post", "item"), ("member", "post", "item")),
    "inventory": Order(("sku", "warehouse"), ("sku", "warehouse"), ("available", "on_hand")),
    "leave": Order(("member", "number"), ("-asked_at", "member")),
    "low-stock": Order(("opened_position", "sku", "warehouse"), _OF_NOTICES),
    "open-transfers": Order(("transfer",), ("-sent_at", "transfer")),
    "orders": _OF_ORDERS,
    "policies": Order(("version",), ("-version",)),
    "post-terms": Order(("post", "member", "since"), ("post", "member", "since")),
    "prices": Order(("position",), ("-since",)),
    "reconciliation": Order(("currency",), ("currency",)),
    "returns": Order(("subject",), ("-opened_at", "subject")),
    "revenue": Order(("currency", "of"), ("currency", "of")),
    "rosters": Order(("roster", "since", "shift"), ("roster", "since")),
    "score-history": Order(("month", "member", "post"), ("-month", "member"), ("score",)),
    "score-warnings": Order(("member", "post"), ("member", "post")),
    "scores": Order(("member", "post"), ("member", "post"), ("score",)),
    "shifts": Order(("roster", "shift"), ("roster", "start")),
    "staff": Order(("member",), ("member", "joined_on")),
    "stock-card": Order(("warehouse", "occurred_at", "position"), ("warehouse", "occurred_at")),
    "stock-ledger": Order(("sku", "warehouse"), ("sku", "warehouse"),
                          ("closing", "received", "issued")),
    "takings": Order(("position",), ("-at", "position")),
    "to-approve": Order(("movement",), ("-happened_at", "movement")),
    **dict.fromkeys(("to-pick", "to-review", "to-send"), Order(("subject",), ("-placed_at",))),
}
"""In which orders each list comes. What has a time comes newest first; a stock card by its running
balances."""

_TAKES: dict[str, tuple[str, ...]] = {
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

TAKES: dict[str, tuple[str, ...]] = {
    name: (*taken, *FILTERS.get(name, ()), *(("sort",) if name in ORDERS else ()))
    for name, taken in _TAKES.items()}
"""What a report can be asked besides as of when: fields of `questions.Question`. In the order of
the alphabet; a test compares the names with the reports themselves, another what they read."""

REPORTS = tuple(TAKES)

OPTIONS = {
    "subject": "SUBJECT", "since": "--from", "until": "--to",
    **{field: f"--{field.replace('_', '-')}" for field in dict.fromkeys((
        "channel", "shop", "month", "day", "post", "status", "owner", "older_than", "sku", "by",
        *(field for filters in FILTERS.values() for field in filters), "sort"))}}
"""What the command line calls the fields."""

SAID = {
    "about": "Only about this order, or this member.",
    "courier": "Only with a parcel of this courier.",
    "delivery_status": "Only of this delivery status.",
    "dispatched_from": "Dispatched on this day or later.",
    "dispatched_to": "Dispatched on this day or earlier.",
    "exception": "Only with an open exception of this kind.",
    "from_warehouse": "Only from this warehouse.",
    "fulfilment_status": "Only of this fulfilment status.",
    "kind": "Only of this kind.",
    "member": "Only about this member.",
    "number_ends": "Only those whose number ends so.",
    "order": "Only of this order.",
    "paid_from": "Paid on this day or later.",
    "paid_to": "Paid on this day or earlier.",
    "payment_status": "Only of this payment status.",
    "place": "Only in this place.",
    "review_status": "Only of this review status.",
    "rule": "Only by this rule.",
    "state": "Only in this state.",
    "supervisor": "Only under this supervisor.",
    "to_warehouse": "Only to this warehouse.",
    "warehouse": "Only of this warehouse.",
    "waybill": "Only with a parcel under this waybill.",
}
"""What is said of the filters that no other question shares."""


def takers(field: str) -> list[str]:
    """The reports that take a field."""
    return [name for name, taken in TAKES.items() if field in taken]
