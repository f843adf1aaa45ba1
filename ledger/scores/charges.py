"""What the charges of a month count: those that an account holds, or those that a change leaves.

They are a plain value, so that a change can be costed before it is recorded, by the same functions
that record it.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from ledger.common.decimals import ZERO
from ledger.common.values import EPOCH
from ledger.scores.values import Charge

Charges = Mapping[str, Charge]
"""Charges by name."""


def with_charge(charges: Charges, name: str, charge: Charge | None) -> Charges:
    """The charges once one of them is set to another; None: once it is gone."""
    if charge is not None:
        return {**charges, name: charge}
    return {other: one for other, one in charges.items() if other != name}


def counted(charges: Charges) -> dict[str, Decimal]:
    """The points that each charge counts, by its name.

    Where a rule escalates, each of the month's charges from the nth on counts more, in the order of
    the facts: the order of confirmations makes no difference, nor does a charge that was reversed.
    """
    found: dict[str, Decimal] = {}
    seen: dict[tuple[str, str], int] = {}
    for charge in sorted(charges.values(), key=_order):
        nth = seen[charge.rule, charge.party] = seen.get((charge.rule, charge.party), 0) + 1
        more = charge.escalation
        factor = Decimal(more.factor) if more and nth >= more.from_nth else Decimal(1)
        found[charge.charge] = Decimal(charge.points) * factor
    return found


def _order(charge: Charge) -> tuple[str, datetime, int, str]:
    """By when it happened; what is known by its day alone comes before the others of that day."""
    return (charge.breached_on, charge.breached_at or EPOCH, len(charge.charge), charge.charge)


def cost_in(charges: Charges, post: str, counts_in: str) -> Decimal:
    """The points that the charges of a post take from the month's total, or from an item."""
    points = counted(charges)
    return sum((points[one.charge] for one in charges.values()
                if (one.post, one.counts_in) == (post, counts_in)), ZERO)


def whole_cost(charges: Charges, post: str) -> Decimal:
    """The points that the charges of a post take, wherever they count."""
    points = counted(charges)
    return sum((points[one.charge] for one in charges.values() if one.post == post), ZERO)
