"""Below how many available pieces a SKU is low where nobody set a number of its own: what the
policies say, version by version.

A version comes into force with the first event on or after its day. So it depends on the events and
their order alone, and a rebuild finds the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ledger.common.days import Days
from ledger.log.envelope import Outline
from ledger.policies.book import PolicyBook
from ledger.policies.values import LOW_STOCK, Version
from projections.store.rows import Rows

DEFAULT = 10
"""What holds where no policy says anything."""

SAYING = (PolicyBook.Published.TOPIC, PolicyBook.Withdrawn.TOPIC)


class Rule(msgspec.Struct):
    """What a version says, and the position at which it came into force; 0 as long as it has not,
    and None once it never will."""

    since: int
    threshold: int
    position: int | None = 0


def load(rows: Rows, ledger: bytes) -> dict[int, Rule]:
    """What the versions say, by their numbers."""
    found: list[Any] = list(rows.select(
        "SELECT version, since, threshold, position FROM stock_low_rules WHERE ledger = ?",
        (ledger,)))
    return {number: Rule(*said) for number, *said in found}


def may_change(rules: Mapping[int, Rule], entries: Sequence[Outline]) -> bool:
    """Whether some entries may bring another rule into force."""
    until = max((entry.occurred_at for entry in entries), default=0)
    return any(entry.type in SAYING for entry in entries) or any(
        rule.position == 0 and rule.since <= until for rule in rules.values())


def take(rules: dict[int, Rule], event: object, days: Days) -> None:
    """Take what a version says, or that it was withdrawn. One that says nothing of thresholds
    leaves what holds as it is."""
    if isinstance(event, PolicyBook.Withdrawn) and event.version in rules:
        rules[event.version].position = None
    elif isinstance(event, PolicyBook.Published) and event.sections.thresholds is not None:
        said = Version(event.version, event.effective_from, event.sections).threshold(LOW_STOCK)
        rules[event.version] = Rule(days.begin_of(event.effective_from),
                                    DEFAULT if said is None else said)


def reach(rules: Mapping[int, Rule], entry: Outline) -> bool:
    """Bring into force what begins on the day of an entry or before it; whether any does."""
    begun = [rule for rule in rules.values()
             if rule.position == 0 and rule.since <= entry.occurred_at]
    for rule in begun:
        rule.position = entry.position
    return bool(begun)


def in_force(rules: Mapping[int, Rule]) -> int:
    """How few pieces are too few."""
    held = [number for number, rule in rules.items() if rule.position]
    return rules[max(held)].threshold if held else DEFAULT
