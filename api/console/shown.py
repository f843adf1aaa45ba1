"""Which columns of a report people see first: on its page and on a terminal."""

from collections.abc import Iterable, Mapping

from api.messages import language
from projections.asking.columns import Column

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "appeals": ("deduction", "rule", "member", "points", "state", "appealed_at", "decided_by"),
    "attendance": ("member", "day", "kind", "roster", "shift", "minutes", "recorded_by", "stands"),
    "closings": ("month", "what", "by", "occurred_at", "reason", "digest", "position"),
    "deductions": ("deduction", "rule", "month", "about", "offender", "points", "state",
                   "appeal_until", "position"),
    "decisions": ("deduction", "rule", "month", "what", "by", "at", "member", "position"),
    "discrepancies": ("sku", "warehouse", "place", "bin", "level", "lowest", "open", "opened_at",
                      "document"),
    "fulfilment": ("subject", "placed_at", "warehouse", "review_status", "fulfilment_status",
                   "held", "pieces", "parcels"),
    "grading": ("member", "post", "item", "zh", "en", "weight", "computed", "committee", "second",
                "second_grader", "breaches"),
    "inventory": ("sku", "warehouse", "unit", "available", "reserved", "picked", "packed",
                  "returns_inspection", "quarantine", "damaged", "on_hand", "waiting"),
    "leave": ("member", "number", "days", "kind", "state", "asked_at", "decided_by"),
    "low-stock": ("sku", "warehouse", "threshold", "available", "lowest", "open", "opened_at",
                  "closed_at"),
    "open-transfers": ("transfer", "from", "to", "sent_at", "pieces", "position"),
    "orders": ("subject", "shop", "placed_at", "review_status", "payment_status",
               "delivery_status", "exception_kinds", "total_minor", "paid_minor",
               "refunded_minor"),
    "policies": ("version", "effective_from", "title", "sections", "published_by", "withdrawn",
                 "recorded_at"),
    "reconciliation": ("currency", "orders", "total_minor", "paid_minor", "refunded_minor",
                       "net_minor", "value", "pieces_sold", "difference_minor", "signed"),
    "returns": ("subject", "order", "state", "kind", "warehouse", "opened_at", "asked_minor",
                "approved_minor", "paid_minor", "pieces"),
    "scores": ("member", "post", "committee", "second", "bonus", "deductions", "score",
               "coefficient", "sealed"),
    "score-history": ("month", "member", "post", "score", "coefficient", "deductions", "bonus"),
    "stock-card": ("position", "occurred_at", "warehouse", "document", "causes", "received",
                   "issued", "on_hand", "available", "actor"),
    "staff": ("member", "joined_on", "left_on", "here", "posts", "supervisor", "on_leave"),
    "to-approve": ("movement", "warehouse", "what", "requested_by", "happened_at", "reason"),
    "timeline": ("position", "occurred_at", "late", "summary", "actor", "corrected_by"),
    **dict.fromkeys(("to-pick", "to-review", "to-send"), (
        "subject", "status", "placed_at", "age_minutes", "due_at", "late", "warehouse",
        "pieces_to_do", "exception_kinds")),
}
"""The columns that a list shows where nobody asks for all of them."""


def columns_shown(
    report: str, columns: Iterable[Column], *, all_of_them: bool = False
) -> list[Column]:
    """Those that are shown, in their order; of two names for one thing only that in the language of
    whoever looks."""
    known = {one.name: one for one in columns}
    known.pop("en" if language() == "zh" else "zh", None)
    shown = COLUMNS.get(report, tuple(known))
    return list(known.values()) if all_of_them else [
        known[name] for name in shown if name in known]
