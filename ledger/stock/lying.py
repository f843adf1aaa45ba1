"""Where pieces lie that can be counted, and what postings change of that."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from ledger.core.postings import Posting
from ledger.stock.places import AREA, AVAILABLE, SHELF, STOCKTAKE_GAIN_LOSS

WHOLE = ""
"""What stands for the bin where a whole place was counted. A posting without a bin is of pieces of
which nobody knows the bin; that is a bin like any other."""

Lying = tuple[str, str]
"""Where pieces lie that can be counted: an area of `COUNTED`, and a bin of the shelf."""


def legs(posting: Posting) -> Iterator[tuple[Lying, int, bool]]:
    """What a posting changes of what can be counted: where, by how much, and whether its pieces
    come to lie there or leave it, or go from one bin to another."""
    source, target = AREA.get(posting.source), AREA.get(posting.target)
    crossing = source != target
    if source is not None:
        yield (source, posting.bin if source == SHELF else ""), -posting.quantity, crossing
    if target is not None:
        yield (target, posting.to_bin if target == SHELF else ""), posting.quantity, crossing


def lying_changes(postings: Iterable[Posting]) -> dict[Lying, int]:
    """By how much postings change what lies in each area and bin."""
    found: dict[Lying, int] = {}
    for posting in postings:
        if AREA.get(posting.source) == AREA.get(posting.target) and posting.bin == posting.to_bin:
            continue  # nobody would see a difference: most postings only reserve
        for lying, change, _ in legs(posting):
            found[lying] = found.get(lying, 0) + change
    return found


def gained(
    account: str, lying: Lying, change: int, *, cause: str, at: datetime | None = None
) -> Posting:
    """Pieces more or fewer in an area and bin than the books say."""
    area, name = lying
    place = AVAILABLE if area == SHELF else area
    if change > 0:
        return Posting(account=account, quantity=change, source=STOCKTAKE_GAIN_LOSS, target=place,
                       cause=cause, to_bin=name, at=at)
    return Posting(account=account, quantity=-change, source=place, target=STOCKTAKE_GAIN_LOSS,
                   cause=cause, bin=name, at=at)
