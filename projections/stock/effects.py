"""What postings do to the levels of an item: by how much each changes, and what flowed.

It follows from a few words and a number, and the same few are posted over and over: so it is worked
out once and kept.
"""

from functools import lru_cache
from typing import NamedTuple

from ledger.core.postings import Posting
from ledger.stock.places import (
    ALREADY_COUNTED,
    BETWEEN_WAREHOUSES,
    CORRECTION,
    COUNTED,
    MEMO,
    ON_HAND,
    OTHER_WAREHOUSE,
    PHYSICAL,
    PLACES,
    SHELF,
)
from projections.stock.tables import FLOWS, LEVELS

KNOWN = PLACES | frozenset(MEMO)
"""The places that a posting can name."""

SHORT = 8
"""How many moves an effect that is kept is of: more, each to a bin of its own, hardly come again.
"""

KEPT = 10_000
"""How many effects are kept."""

_on_hand, _shelf = frozenset(ON_HAND), frozenset(COUNTED[SHELF])


class UnknownPlace(Exception):
    """A posting names a place that is not `KNOWN`."""


Move = tuple[str, str, str, int, str, str]
"""What of a posting its effect follows from: source, target, cause, quantity, bin, to_bin. Units:
whole units of what is moved."""


def move_of(one: Posting) -> Move:
    """The move that a posting is."""
    return one.source, one.target, one.cause, one.quantity, one.bin, one.to_bin


class Effect(NamedTuple):
    """What moves do that happen to an item at one time.

    `row` is what flowed, in the order of `FLOWS`, then by how much each of `LEVELS` changes;
    `levels` are those changes that are not 0, each with its index in `LEVELS`; `bins` those of the
    shelf, each with its bin. `physical` are the indexes and names of the places among them that
    cannot hold less than nothing.
    """

    row: tuple[int, ...]
    levels: tuple[tuple[int, int], ...]
    physical: tuple[tuple[int, str], ...]
    bins: tuple[tuple[str, int], ...]


def effect_of(moves: tuple[Move, ...]) -> Effect:
    """What moves do. Errors: UnknownPlace."""
    return _known_effect(moves) if len(moves) <= SHORT else _effect(moves)


def _effect(moves: tuple[Move, ...]) -> Effect:
    changed = dict.fromkeys(KNOWN, 0)
    for source, target, _, quantity, _, _ in moves:
        if not KNOWN.issuperset((source, target)):
            raise UnknownPlace
        changed[source] -= quantity
        changed[target] += quantity
    touched = [(at, place) for at, place in enumerate(LEVELS) if changed[place]]
    return Effect(
        (*_flows(moves), *(changed[place] for place in LEVELS)),
        tuple((at, changed[place]) for at, place in touched),
        tuple((at, place) for at, place in touched if place in PHYSICAL),
        _of_bins(moves))


_known_effect = lru_cache(KEPT)(_effect)


def _flows(moves: tuple[Move, ...]) -> tuple[int, ...]:
    """What flowed. What a correction takes back counts against what it was, and not as having gone
    the other way; and so does what is posted back in all, which a count had found to be more or
    fewer than the books said."""
    flows = dict.fromkeys(FLOWS, 0)
    counted = 0
    for source, target, cause, quantity, _, _ in moves:
        leaves, enters = source in _on_hand, target in _on_hand
        if cause == CORRECTION:
            source, target, quantity = target, source, -quantity
            leaves, enters = enters, leaves
        if cause == ALREADY_COUNTED:
            counted += quantity * (enters - leaves)
        elif enters and not leaves:
            flows["received"] += quantity
        elif leaves and not enters:
            flows["issued"] += quantity
        if target == BETWEEN_WAREHOUSES:
            flows["sent"] += quantity
        elif source == BETWEEN_WAREHOUSES:
            flows["arrived" if target == OTHER_WAREHOUSE else "lost"] += quantity
    flows["received" if counted < 0 else "issued"] -= abs(counted)
    return tuple(flows.values())


def _of_bins(moves: tuple[Move, ...]) -> tuple[tuple[str, int], ...]:
    """By how much what lies in each bin changes, where it does."""
    found: dict[str, int] = {}
    for source, target, _, quantity, left, entered in moves:
        if source in _shelf:
            found[left] = found.get(left, 0) - quantity
        if target in _shelf:
            found[entered] = found.get(entered, 0) + quantity
    return tuple((name, change) for name, change in found.items() if change)
