"""What the pieces of a case post: they come into inspection, and leave it for their places."""

from collections.abc import Iterable, Iterator

import msgspec

from ledger.core.postings import Posting
from ledger.orders.order import Order
from ledger.returns.case import Case
from ledger.returns.values import NOT_BACK, REFUSED, Outcome
from ledger.stock.pieces import Count
from ledger.stock.places import (
    AVAILABLE,
    CUSTOMER,
    DAMAGED,
    OTHER_WAREHOUSE,
    QUARANTINE,
    RETURNS_INSPECTION,
    WITH_COURIER,
    WRITTEN_OFF,
    stock_of,
)

COMES_BACK = (CUSTOMER, RETURNS_INSPECTION, "return")
"""From where to where the goods of a case go, and why."""

PLACE = {
    "restocked": AVAILABLE, "quarantined": QUARANTINE, "damaged": DAMAGED,
    "written_off": WRITTEN_OFF, "missing": CUSTOMER, "not_ours": CUSTOMER,
}
"""Where a piece goes by its disposition: one that never came back leaves the warehouse again."""


def came_back(
    case: Case, order: Order | None, lines: Iterable[Count]
) -> Iterator[Posting]:
    """What pieces of a case post that came into inspection: from the buyer, or from the courier who
    brings back what the buyer never had, perhaps to another warehouse than the one that sent it.
    Lines that name no SKU post nothing."""
    source, target, cause = COMES_BACK
    sender = order.warehouse if order is not None and case.kind == REFUSED else ""
    for line in lines:
        for part in case.made_of(line.line):
            if not part.sku:
                continue
            posting = Posting(
                account=stock_of(case.warehouse, part.sku), quantity=line.quantity * part.each,
                source=WITH_COURIER if sender else source, target=target, cause=cause,
                line=line.line)
            if sender:
                yield from by_courier(posting, sender, part.sku)
            else:
                yield posting


def by_courier(posting: Posting, sender: str, sku: str) -> Iterator[Posting]:
    """A posting of what the courier had of the warehouse that sent it, perhaps into another one."""
    account = stock_of(sender, sku)
    if account != posting.account:
        yield msgspec.structs.replace(posting, account=account, target=OTHER_WAREHOUSE)
        posting = msgspec.structs.replace(posting, source=OTHER_WAREHOUSE)
    yield posting


def judged(case: Case, lines: Iterable[Outcome]) -> Iterator[Posting]:
    """What pieces of a case post that leave inspection for the place of their disposition."""
    for line in lines:
        target = PLACE[line.disposition]
        if case.kind == REFUSED and line.disposition in NOT_BACK:
            target = WRITTEN_OFF  # the buyer does not have it, either
        yield from (
            Posting(account=stock_of(case.warehouse, part.sku), quantity=line.quantity * part.each,
                    source=RETURNS_INSPECTION, target=target, cause="inspection", line=line.line,
                    to_bin=line.bin)
            for part in case.made_of(line.line) if part.sku)
