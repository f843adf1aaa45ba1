"""What was decided on one state of things, and rests on another by now: said in words, beside it.

What is recorded later changes nothing that was charged before. Whoever reads the charge sees why a
new one would come out otherwise.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ledger.common.days import Days
from ledger.core import event_types
from ledger.deductions.kept import Kept
from ledger.deductions.values import CONFIRMED, PROPOSED
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.values import Rule
from projections.asking.answering import Reading

POLICY_PUBLISHED_LATER = "policy_published_later"
"""A policy that was published since, with effect from before the breach, prices it otherwise, or
knows no such rule."""

PRICES = ("charges", "counts_in", "escalation", "on_loss", "posts", "per", "excludes")
"""The fields of a rule that decide whom a breach costs how much."""

STANDING = (PROPOSED, CONFIRMED)
"""The states of a deduction that still may cost something."""


def prices(rule: Rule | None) -> dict[str, Any] | None:
    """What a rule costs; None where there is no such rule."""
    if rule is None:
        return None
    return {name: msgspec.to_builtins(getattr(rule, name)) for name in PRICES}


def resting(reading: Reading) -> Callable[[Kept], list[str]]:
    """What says of a deduction on which later news it rests, as a reading's cut has them.

    Shapes: a list of words such as `POLICY_PUBLISHED_LATER`, empty if there are none. Rule:
    R-PRV-06.
    """
    book = PolicyBook.blank(BOOK)
    for entry in filter(reading.cut.takes,
                        reading.models.store.streams(reading.ledger, [BOOK])):
        event_types.decode(entry).apply(book)

    def rests_on(kept: Kept) -> list[str]:
        return [POLICY_PUBLISHED_LATER] if _is_priced_otherwise(book, kept, reading.days) else []

    return rests_on


def _is_priced_otherwise(book: PolicyBook, kept: Kept, days: Days) -> bool:
    breach = kept.breach
    now = book.on(days.day_of(breach.breached_at))
    if kept.state not in STANDING or now.number <= breach.policy:
        return False
    return prices(now.rule(breach.rule)) != prices(book.numbered(breach.policy).rule(breach.rule))
