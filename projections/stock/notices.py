"""Low stock and discrepancies: each notice opens when a level falls too low, and closes when it no
longer is."""

from collections.abc import Iterable
from typing import Any

from ledger.log.envelope import Outline
from ledger.stock.places import AVAILABLE, SHELF
from projections.stock import low
from projections.stock.state import Inventory, Notice, Noticed, Stocked
from projections.stock.tables import LEVELS, LOW

When = tuple[Outline, int]
"""Since or until when a notice is open: an event, and when that happened in the business."""

AVAILABLE_ONLY = ((LEVELS.index(AVAILABLE), AVAILABLE),)
"""What is looked at where something was said of when a SKU is low, or an item is new."""


def look(
    state: Inventory, one: Stocked, when: When, places: Iterable[tuple[int, str]]
) -> None:
    """Open, keep or close the notices of an item, by what lies in physical places that changed.
    Shapes: a place comes with where it stands in `LEVELS`."""
    for at, place in places:
        level = one.levels[at]
        if place == AVAILABLE:
            _notice(one, (LOW, ""), when, level, threshold=_threshold(state, one.key[1], level))
        if level < 0 or one.open:
            _notice(one, (place, ""), when, level, threshold=0)


def look_in_bins(one: Stocked, when: When, names: Iterable[str]) -> None:
    """Open, keep or close the notices of bins of the shelf that changed."""
    for name in names:
        if name:
            _notice(one, (SHELF, name), when, one.bins[name][0], threshold=0)


def _threshold(state: Inventory, sku: str, level: int) -> int:
    """How few available pieces of a SKU are too few, of which there are so many."""
    if sku in state.for_others and state.for_others[sku][0]:
        return level  # without stock of its own it is never low
    if sku in state.thresholds:
        return state.thresholds[sku][0]
    return low.in_force(state.rules) if state.rules else low.DEFAULT


def _notice(one: Stocked, about: Noticed, when: When, level: int, *, threshold: int) -> None:
    known = one.open.get(about)
    if level < threshold:
        entry, at = when
        if known is None:
            one.open[about] = Notice(entry.position, at, threshold, level, entry.stream, None, None,
                                     entry.position)
        elif level < known.lowest:
            known.lowest, known.position = level, entry.position
    elif known is not None:
        entry, at = when
        known.closed_position = known.position = entry.position
        known.closed_at = at
        one.closed.append((about, known))
        del one.open[about]


def look_at_rules(state: Inventory, entry: Outline, event: Any) -> None:
    """Take what a policy says of low stock, and look at everything where another rule holds now."""
    low.take(state.rules, event, state.days)
    if low.reach(state.rules, entry):
        for sku in sorted({sku for sku, _ in state.items} - set(state.thresholds)):
            look_again(state, sku, entry)


def look_again(state: Inventory, sku: str, entry: Outline) -> None:
    """Something was said of when a SKU is low: in each warehouse it may be, or be no more."""
    for (name, _), one in list(state.items.items()):
        if name == sku:
            look(state, one, (entry, entry.occurred_at), AVAILABLE_ONLY)
