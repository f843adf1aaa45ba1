"""Counting: what a count posts, and whose reservations are taken back where less lies on the shelf
than is reserved."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ledger.common.values import to_us
from ledger.core.accounts import Touch
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Work
from ledger.fulfilment.postings import parts_of_line, post_order
from ledger.fulfilment.reserving import note_shortage, serve_waiting
from ledger.orders.order import Order
from ledger.stock.account import WHOLE, Lying, StockAccount
from ledger.stock.counts import Counted, CountLine, StockCount
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
    record: Callable[[], Any], beside: Touch | None = None,
) -> list[Aggregate]:
    """Record what was counted at a time, in as many events as it takes, each of which `record`
    begins; `beside` is what the event posts besides. Orders whose reservations are taken back come
    first, those that get pieces last.

    Errors: TooManyPieces (R-STK-15), TooManyPostings (R-STK-18).
    """
    accounts = {account.id: account for account in load_all(work, counted)}
    later = _later(work, accounts.values(), at)
    for name, own in beside.by_account().items() if beside is not None else ():
        later.setdefault(name, []).append(own)
    causes = {name: "count" if account.position else "opening"
              for name, account in accounts.items()}
    orders: dict[str, Aggregate] = {}
    for name, account in accounts.items():
        missing = _shortage(account, counted[name].lying, at, later.get(name, []))
        for order in _take_back(work, account, missing, document=counting.id, at=at):
            orders[order.id] = order
    for chunk in in_chunks(counted.items(), lambda item: len(item[1].lying)):
        fact = record()
        for name, (sku, lying) in chunk:
            book = observe(work, fact, accounts[name], counted=lying, at=at,
                           later=later.get(name, []), cause=causes[name])
            fact.lines += [
                Counted(sku=sku, place=area, bin=bin_, counted=number, book=book[area, bin_],
                        variance=number - book[area, bin_])
                for (area, bin_), number in lying.items()]
    served = serve_waiting(work, accounts.values(), occurred_at=at)
    return list({one.id: one for one in (*orders.values(), counting, *served)}.values())


def _later(
    work: Work, accounts: Iterable[StockAccount], at: datetime
) -> dict[str, list[Touch]]:
    """What may have been posted to accounts after a time, by account: nothing is read of those to
    which nothing was."""
    names = [account.id for account in accounts if account.latest_at > at]
    found: dict[str, list[Touch]] = {}
    for touch in work.touches(names, to_us(at)) if names else ():
        for name, own in touch.by_account().items():
            found.setdefault(name, []).append(own)
    return found


def _shortage(
    account: StockAccount, lying: Mapping[Lying, int], at: datetime, later: Iterable[Touch]
) -> int:
    """How many reserved pieces cannot lie on the shelf, if so many were counted."""
    if not any(area == SHELF for area, _ in lying):
        return 0
    _, postings, _ = account.count(lying, at, later, "count")
    available = account.level(AVAILABLE) + sum(
        one.quantity * ((one.target == AVAILABLE) - (one.source == AVAILABLE)) for one in postings)
    return min(account.level(RESERVED), max(0, -available))


def settle(
    work: Work, accounts: Iterable[StockAccount], document: str, at: datetime
) -> list[Aggregate]:
    """The orders that the facts of a document leave without their pieces, since fewer are on the
    shelf than are reserved, and then those that get pieces."""
    accounts = list(accounts)
    orders: list[Aggregate] = []
    for account in accounts:
        missing = min(account.level(RESERVED), max(0, -account.level(AVAILABLE)))
        orders += _take_back(work, account, missing, document=document, at=at)
    orders += serve_waiting(work, accounts, occurred_at=at)
    return list({order.id: order for order in orders}.values())


def _take_back(
    work: Work, account: StockAccount, pieces: int, *, document: str, at: datetime
) -> Iterable[Order]:
    """Take the youngest reservations of a SKU back, until so many pieces are."""
    if not pieces:
        return
    # The youngest claim first; of two equal ones, the one that stands behind in the queue.
    for since, name, held in sorted(reservations(work, account), reverse=True):
        order: Order = work.load(Order, name)
        before = order.clone()
        lines = _lines_holding(work, order, account, min(pieces, held))
        time = max(at, order.latest_at)
        order.take_back(lines, document, occurred_at=time)
        post_order(work, order, before, since=since)
        note_shortage(order, True, occurred_at=time)
        pieces -= held
        yield order
        if pieces <= 0:
            return


def reservations(work: Work, account: StockAccount) -> list[tuple[int, str, int]]:
    """Whose pieces are reserved in an account: the position since which an order claims them, the
    order, and how many. They are found by going back until all that is reserved is accounted for.
    """
    found: dict[str, tuple[int, str, int]] = {}
    missing = account.level(RESERVED)
    for touch in work.touches([account.id], 0) if missing > 0 else ():
        own = touch.by_account().get(account.id)
        reserving = [one for one in own.postings if one.target == RESERVED] if own else []
        if reserving and touch.document not in found:
            order: Order = work.load(Order, touch.document)
            held = sum(pieces for _, pieces in _held(work, order, account))
            since = reserving[0].since
            found[order.id] = (touch.position if since is None else since, order.id, held)
            missing -= held
        if missing <= 0:
            break
    return [one for one in found.values() if one[2] > 0]


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
