"""Waybills: each is used once, by whoever dispatched under it first.

That is a claim, which can happen only once in a ledger. Where a dispatch did not occur, its claim
is free, and the next one under the same waybill claims it again, whichever order it is of.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ledger.core.commands import Work
from ledger.orders.errors import WaybillUsed
from ledger.orders.order import Order


class Claim(NamedTuple):
    """What can happen only once, where it did, and whether the order has freed it since."""

    name: str
    position: int
    order: str
    is_free: bool


def claim_to(work: Work, order: str, courier: str, waybill: str | None) -> str | None:
    """What a dispatch of an order under a waybill claims; None where there is no waybill. Errors:
    WaybillUsed (R-ORD-48)."""
    if waybill is None:
        return None
    after = None
    for claim in _claims(work, courier, waybill):
        if not claim.is_free:
            raise WaybillUsed(order=order, other=claim.order, position=claim.position,
                              courier=courier, waybill=waybill)
        after = claim
    return _name(courier, waybill, after)


def claim_at(work: Work, courier: str | None, waybill: str | None, position: int) -> str | None:
    """What the dispatch at a position claimed; None if it claimed nothing."""
    return next((claim.name for claim in _claims(work, courier, waybill)
                 if claim.position == position), None)


def used_at(work: Work, courier: str | None, waybill: str | None) -> int | None:
    """The position at which a waybill was dispatched under by whoever uses it now; None if nobody
    does."""
    return next((claim.position for claim in _claims(work, courier, waybill)
                 if not claim.is_free), None)


def _claims(work: Work, courier: str | None, waybill: str | None) -> Iterator[Claim]:
    """All claims to a waybill so far, in order; all but the last one are free."""
    name = None if waybill is None else _name(courier, waybill, None)
    while name is not None and (found := work.taken(name)) is not None:
        position, stream = found
        order: Order = work.load(Order, stream)
        claim = Claim(name, position, stream, name in order.freed)
        yield claim
        name = _name(courier, waybill, claim)


def _name(courier: str | None, waybill: str | None, after: Claim | None) -> str:
    """A claim to a waybill, the first one or that after another."""
    which = "waybill" if after is None else f"waybill~{after.position}"
    return f"{which}:{courier}:{waybill}"
