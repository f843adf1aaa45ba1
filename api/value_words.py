"""States and kinds as a message names them: in Chinese they have names of the shop, in English and
in JSON they are the words of the data."""

WORDED = frozenset({"state", "needed", "wanted", "kind", "what", "fact", "place"})
"""The details of messages that are such words, one or several with `or` between them."""

VALUES = frozenset((
    "open", "completed", "closed", "cancelled", "unreserved", "short", "reserved", "picked",
    "packed", "voided", "dispatched", "in_transit", "returning_to_sender", "delivered", "returning",
    "returned", "lost", "refused", "reported in transit", "prepaid", "on_delivery", "paid",
    "refunded", "payment", "refund", "requested", "authorised", "rejected", "withdrawn", "awaited",
    "awaiting_inspection", "taken_apart", "given_up", "restocked", "quarantined", "damaged",
    "written_off", "missing", "not_ours", "proposed", "confirmed", "waived", "dismissed",
    "overturned", "appealed", "upheld", "reduced", "present", "late", "left_early",
    "late_and_left_early", "absent", "leave", "meeting_late", "meeting_left_early",
    "meeting_excused", "waiting", "sealed", "reopened", "available", "quarantine", "shelf",
    "unforeseen", "planned", "asked", "amounts",
))
"""All that have a translation."""
