"""The platform's references of payments and refunds: each is one payment, or one refund, of a shop.

A reference is a claim, which can happen only once in a ledger, whatever the command that brings it
is called. Where it was recorded for the wrong order, a correction frees the claim, and the next one
under the same reference claims it again.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ledger.core.commands import Work
from ledger.orders.errors import ReferenceUsed
from ledger.orders.order import Order


class Claim(NamedTuple):
    """What can happen only once, where it did, and in which order."""

    name: str
    position: int
    order: str


class Paper(NamedTuple):
    """A payment or a refund: its kind, the platform's reference, if it has any, its amount in minor
    units, and the case that pays it, if one does."""

    kind: str
    reference: str | None
    amount_minor: int
    case: str | None = None


def claim_to(work: Work, order: Order, paper: Paper) -> str | None:
    """What a payment or refund of an order claims; None where it has no reference, or is on record
    already, in this order, with this amount and for this case. Errors: ReferenceUsed (R-ORD-56)."""
    after = None
    if paper.reference is None:
        return None
    for claim, is_free in _claims(work, order, paper.kind, paper.reference):
        if not is_free:
            known: Order = work.load(Order, claim.order)
            known_minor = known.references.get(f"{paper.kind}:{paper.reference}", 0)
            case = known.case_of(paper.reference)
            if claim.order == order.id and known_minor == paper.amount_minor \
                    and paper.case in (None, case):
                return None
            raise ReferenceUsed(
                order=paper.case or order.id, other=case or claim.order, position=claim.position,
                kind=paper.kind, reference=paper.reference, known_minor=known_minor,
                amount_minor=paper.amount_minor)
        after = claim
    return _name(order, paper.kind, paper.reference, after)


def claim_of(work: Work, order: Order, kind: str, reference: str) -> str | None:
    """The claim that an order has to a reference; None if it has none."""
    return next((claim.name for claim, is_free in _claims(work, order, kind, reference)
                 if claim.order == order.id and not is_free), None)


def _claims(
    work: Work, order: Order, kind: str, reference: str
) -> Iterator[tuple[Claim, bool]]:
    """All claims to a reference so far, in order, and whether they are free; all but the last one
    are."""
    name = _name(order, kind, reference, None)
    while (found := work.taken(name)) is not None:
        claim = Claim(name, *found)
        holder: Order = work.load(Order, claim.order)
        yield claim, name in holder.freed_references
        name = _name(order, kind, reference, claim)


def _name(order: Order, kind: str, reference: str, after: Claim | None) -> str:
    """A claim to a reference of the order's shop, the first one or that after another."""
    _, channel, shop, _ = order.id.split(":")
    which = kind if after is None else f"{kind}~{after.position}"
    return f"{which}:{channel}:{shop}:{reference}"
