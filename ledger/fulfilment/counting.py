"""Counting: what a count posts, and whose reservations are taken back where less lies on the shelf
than is reserved."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ledger.common.values import to_us
from ledger.core.accounts import Touch
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Work
from ledger.fulfilment.postings import parts_of_line, post_order
from ledger.fulfilment.reserving import note_shortage, serve_waiting
from ledger.orders.order import Order
from ledger.stock.account import StockAccount
from ledger.stock.counts import Counted, CountLine, StockCount
from ledger.stock.lying import WHOLE, Lying, lying_changes
from ledger.stock.moving import in_chunks
from ledger.stock.pieces import Count
from ledger.stock.places import AVAILABLE, RESERVED, SHELF, stock_of
from ledger.stock.posting import load_all, observe
from ledger.stock.skus import real_sku


class CountedSku(NamedTuple):
    """What was counted of a SKU, by area and bin."""

    sku: str
    lying: dict[Lying, int]


CountedSkus = Mapping[str, CountedSku]
"""What was counted, by account."""


def counted_by_sku(work: Work, warehouse: str, counts: Iterable[CountLine]) -> CountedSkus:
    """What was counted, by the account of the SKU that a line names. Where lines name bins, what
    one without a bin says lies in no other; the whole shelf is then the sum.

    Errors: BundleHasNoStock (R-STK-08).
    """
    found: dict[str, CountedSku] = {}
    for one in counts:
        sku = real_sku(work, warehouse, one.sku, new=True)
        lying = found.setdefault(stock_of(warehouse, sku), CountedSku(sku, {})).lying
        lying[one.place, one.bin] = lying.get((one.place, one.bin), 0) + one.quantity
    for _, lying in found.values():
        if (SHELF, WHOLE) in lying:
            lying[SHELF, WHOLE] = sum(n for (area, _), n in lying.items() if area == SHELF)
    return found


def count_accounts(
    work: Work, counting: StockCount, counted: CountedSkus, at: datetime, *,
    record: Callable[[], Any], beside: Touch | None = None, first: int | None = None,
) -> list[Aggregate]:
    """Record what was counted at a time, in as many events as it takes, each of which `record`
    begins; `beside` is what the event posts besides, and `first` the position at which the count
    that it corrects was recorded. Orders whose reservations are taken back come first, those that
    get pieces last.

    Errors: TooManyPieces (R-STK-15), TooManyPostings (R-STK-18).
    """
    accounts = {account.id: account for account in load_all(work, counted)}
    later = _later(work, accounts.values(), at, always=first is not None)
    unseen = {name: _unseen(touches, first, at) for name, touches in later.items()}
    for name, own in beside.by_account().items() if beside is not None else ():
        later.setdefault(name, []).append(own)
    causes = {name: "count" if account.position else "opening"
              for name, account in accounts.items()}
    orders: dict[str, Aggregate] = {}
    touched = dict(accounts)
    for name, account in accounts.items():
        missing = _shortage(account, counted[name].lying, at, later.get(name, []),
                            unseen=unseen.get(name))
        for order, others in _take_back(work, account, missing, document=counting.id, at=at):
            orders[order.id] = order
            touched.update((other.id, other) for other in others)
    for chunk in in_chunks(counted.items(), lambda item: len(item[1].lying)):
        fact = record()
        for name, (sku, lying) in chunk:
            book = observe(
                work, fact, accounts[name], counted=lying, at=at, later=later.get(name, []),
                cause=causes[name], unseen=unseen.get(name))
            fact.lines += [
                Counted(sku=sku, place=area, bin=bin_, counted=number, book=book[area, bin_],
                        variance=number - book[area, bin_])
                for (area, bin_), number in lying.items()]
    served = serve_waiting(work, touched.values(), occurred_at=at)
    return list({one.id: one for one in (*orders.values(), counting, *served)}.values())


def _unseen(
    touches: Iterable[Touch], first: int | None, at: datetime
) -> dict[Lying, int]:
    """The pieces that a count has not seen which is corrected, as was said when they were recorded
    after it: they came before it, and are there beside what it counted."""
    found: dict[Lying, int] = {}
    for touch in touches:
        if first is not None and touch.not_counted and touch.position > first:
            for lying, change in lying_changes(
                    one for one in touch.postings if (one.at or touch.at) <= at).items():
                found[lying] = found.get(lying, 0) + change
    return found


def _later(
    work: Work, accounts: Iterable[StockAccount], at: datetime, *, always: bool
) -> dict[str, list[Touch]]:
    """What may have been posted to accounts after a time, by account. Nothing is read of those to
    which nothing was, unless it is `always` wanted."""
    names = [account.id for account in accounts if always or account.latest_at > at]
    found: dict[str, list[Touch]] = {}
    for touch in work.touches(names, to_us(at)) if names else ():
        for name, own in touch.by_account().items():
            found.setdefault(name, []).append(own)
    return found


def _shortage(
    account: StockAccount, lying: Mapping[Lying, int], at: datetime, later: Iterable[Touch], *,
    unseen: Mapping[Lying, int] | None,
) -> int:
    """How many reserved pieces cannot lie on the shelf, if so many were counted."""
    if not any(area == SHELF for area, _ in lying):
        return 0
    _, postings, _ = account.count(lying, at, later, "count", unseen=unseen)
    available = account.level(AVAILABLE) + sum(
        one.quantity * ((one.target == AVAILABLE) - (one.source == AVAILABLE)) for one in postings)
    return min(account.level(RESERVED), max(0, -available))


def settle(
    work: Work, accounts: Iterable[StockAccount], document: str, at: datetime
) -> list[Aggregate]:
    """The orders that the facts of a document leave without their pieces, since fewer are on the
    shelf than are reserved, and then those that get pieces."""
    touched = {account.id: account for account in accounts}
    orders: list[Aggregate] = []
    for account in list(touched.values()):
        missing = min(account.level(RESERVED), max(0, -account.level(AVAILABLE)))
        for order, others in _take_back(work, account, missing, document=document, at=at):
            orders.append(order)
            touched.update((other.id, other) for other in others)
    orders += serve_waiting(work, touched.values(), occurred_at=at)
    return list({order.id: order for order in orders}.values())


def follow(
    work: Work, order: Order, before: Order, *, occurred_at: datetime, decided: bool = True
) -> list[Aggregate]:
    """What follows from the events that an order has recorded since a copy of it was made: they
    post what they did to its pieces, its exceptions close that no longer hold, reservations are
    taken back whose pieces are gone, and others are served with what it let go of. Returns the
    order, then these. Errors: those of `post`."""
    accounts = post_order(work, order, before, decided=decided)
    if order.pending_events:
        order.settle_exceptions(occurred_at=occurred_at)
    others = settle(work, accounts, order.id, occurred_at)
    return list({one.id: one for one in (order, *others)}.values())


def _take_back(
    work: Work, account: StockAccount, pieces: int, *, document: str, at: datetime
) -> Iterator[tuple[Order, list[StockAccount]]]:
    """Take the youngest reservations of a SKU back, until so many pieces are. With each order come
    the accounts of all that it let go of: of a bundle that is more than the SKU."""
    if pieces <= 0:
        return
    # The youngest claim first; of two equal ones, the one that stands behind in the queue.
    for since, name, held in sorted(reservations(work, account), reverse=True):
        order: Order = work.load(Order, name)
        before = order.clone()
        lines = _lines_holding(work, order, account, min(pieces, held))
        if not lines:
            continue
        time = max(at, order.latest_at)
        order.take_back(lines, document, occurred_at=time)
        touched = post_order(work, order, before, since=since)
        note_shortage(order, True, occurred_at=time)
        pieces -= held
        yield order, touched
        if pieces <= 0:
            return


def reservations(work: Work, account: StockAccount) -> list[tuple[int, str, int]]:
    """Whose pieces are reserved in an account: the position since which an order claims them, the
    order, and how many; an order may claim some later than others. They are found by going back
    until all that is reserved is accounted for: what was reserved first is picked first."""
    found: list[tuple[int, str, int]] = []
    left: dict[str, int] = {}
    missing = account.level(RESERVED)
    for touch in work.touches([account.id], 0) if missing > 0 else ():
        own = touch.by_account().get(account.id)
        for one in reversed(own.postings if own else ()):
            if one.target != RESERVED:
                continue
            name = touch.document
            if name not in left:
                left[name] = sum(held for _, held in _held(work, work.load(Order, name), account))
            if taken := min(left[name], one.quantity):
                found.append((touch.position if one.since is None else one.since, name, taken))
                left[name] -= taken
                missing -= taken
        if missing <= 0:
            break
    return found


def _held(work: Work, order: Order, account: StockAccount) -> list[tuple[str, int]]:
    """The reserved pieces of an account, by the line of an order."""
    return [(count.line, count.quantity * part.each)
            for count in order.goods.in_states("reserved")
            for part in parts_of_line(work, order, count.line)
            if stock_of(order.warehouse, part.sku) == account.id]


def _lines_holding(
    work: Work, order: Order, account: StockAccount, pieces: int
) -> list[Count]:
    """As many units of lines, the last ones first, as hold so many pieces of an account."""
    found: list[Count] = []
    for line, held in reversed(_held(work, order, account)):
        if pieces <= 0:
            break
        units = order.goods[line]["reserved"]
        each = held // units
        taken = min(units, -(-pieces // each))
        found.append(Count(line, taken))
        pieces -= taken * each
    return found
