"""Reserving: which pieces an order gets, which it waits for, and who gets those that come in.

The check is over the whole order, with bundles taken apart: two lines that share a part share its
stock.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Work
from ledger.core.postings import Posting
from ledger.fulfilment.postings import CAUSE, parts_of_line, post_order, prefetch_stock
from ledger.orders.errors import LineWithoutSku
from ledger.orders.order import Order
from ledger.orders.values import Line
from ledger.stock.account import StockAccount
from ledger.stock.errors import OutOfStock, SkuUnknown
from ledger.stock.pieces import Count, LineParts, Part, sku_of
from ledger.stock.places import AVAILABLE, RESERVED, stock_of
from ledger.stock.posting import load_all
from ledger.stock.skus import Sku, parts_of

MAX_SERVED = 100
"""How many waiting orders one command serves at most; `ReleaseBackOrders` serves the next."""

OUT_OF_STOCK = "out_of_stock"
"""The exception of an order that waits, which opens and closes by itself."""


class Allotment(NamedTuple):
    """What can be reserved of some lines, what is short, and what their pieces are made of."""

    lines: list[Count]
    short: list[Count]
    parts: dict[str, tuple[Part, ...]]

    def parts_to_record(
        self, skus: Mapping[str, str], known: Collection[str] = ()
    ) -> list[LineParts]:
        """Each line's parts, except where a piece of the line is just one piece of its own SKU, and
        nothing else is `known` of it."""
        return [LineParts(line, part.sku, part.each)
                for line, parts in self.parts.items()
                if line in known or parts != (Part(skus[line], 1),)
                for part in parts]

    def postings(self, warehouse: str) -> list[Posting]:
        """What goes to the reserved pieces of a new order."""
        return [Posting(account=stock_of(warehouse, part.sku), quantity=count.quantity * part.each,
                        source=AVAILABLE, target=RESERVED, cause=CAUSE[AVAILABLE, RESERVED],
                        line=count.line)
                for count in self.lines for part in self.parts[count.line]]


# -- reserving ------------------------------------------------------------------------------------


def allot(
    work: Work, order: str, warehouse: str, wanted: Iterable[tuple[str, str, int]], *,
    fixed: Mapping[str, tuple[Part, ...]] | None = None,
) -> Allotment:
    """What can be reserved for an order of (line, SKU, quantity), over the sum of all lines.
    `fixed` says of lines what their pieces are made of, whatever the SKU is made of by now.

    No order gets a piece for which an earlier one waits, unless that is on hold. Errors: SkuUnknown
    (R-STK-03).
    """
    left: dict[str, int] = {}
    found = Allotment([], [], {})
    wanted = list(wanted)
    made_of = [(fixed or {}).get(line) or parts_of(work, sku) for line, sku, _ in wanted]
    prefetch_stock(work, warehouse, {part.sku for parts in made_of for part in parts})
    for (line, _, quantity), parts in zip(wanted, made_of, strict=True):
        each = _each_of(work, warehouse, parts)
        for name, account in each.accounts.items():
            if name not in left:
                left[name] = _free_for(work, account, order)
        units = min(quantity, *(left[name] // pieces for name, pieces in each.pieces.items()))
        for name, pieces in each.pieces.items():
            left[name] -= units * pieces
        found.parts[line] = parts
        if units:
            found.lines.append(Count(line, units))
        if units < quantity:
            found.short.append(Count(line, quantity - units))
    return found


class _Each(NamedTuple):
    """The accounts that a unit of a line is made of, and how many pieces of each. Texts that differ
    may name the same SKU."""

    accounts: dict[str, StockAccount]
    pieces: dict[str, int]


def _each_of(work: Work, warehouse: str, parts: Iterable[Part]) -> _Each:
    """Errors: SkuUnknown (R-STK-03)."""
    found = _Each({}, {})
    for part in parts:
        account = known_stock(work, warehouse, part.sku)
        found.accounts[account.id] = account
        found.pieces[account.id] = found.pieces.get(account.id, 0) + part.each
    return found


def known_stock(work: Work, warehouse: str, sku: str) -> StockAccount:
    """The stock of a SKU. Errors: SkuUnknown (R-STK-03)."""
    account: StockAccount = work.load(StockAccount, stock_of(warehouse, sku))
    if not account.position and not work.see(Sku, sku_of(sku)).version:
        raise SkuUnknown(sku=sku, warehouse=warehouse)
    return account


def _free_for(work: Work, account: StockAccount, order: str) -> int:
    """The available pieces less those for which earlier orders wait that can be served. An order
    that is not in the queue yet ranks last."""
    free = account.level(AVAILABLE)
    for name, waiting in account.waiting.items() if free > 0 else ():
        if name == order or free <= 0:
            break
        if _can_be_served(work.see(Order, name)):
            free -= waiting.quantity
    return max(0, free)


def _can_be_served(order: Order) -> bool:
    """An order on hold keeps its place in the queue, and is passed over."""
    return order.held_for is None and not order.ended


def must_not_be_short(work: Work, order: Order, warehouse: str, found: Allotment) -> None:
    """Nothing is short. Errors: OutOfStock (R-STK-01), for the first SKU that is."""
    if not found.short:
        return
    wanted: dict[str, int] = {}
    for count in (*found.lines, *found.short):
        for part in found.parts[count.line]:
            name = stock_of(warehouse, part.sku)
            wanted[name] = wanted.get(name, 0) + count.quantity * part.each
    for name, pieces in wanted.items():
        account = work.load(StockAccount, name)
        free = _free_for(work, account, order.id)
        if pieces > free:
            raise OutOfStock(stock=account.id, wanted=pieces, available=free)


def reserve(
    work: Work, order: Order, warehouse: str, *, occurred_at: datetime, all_or_none: bool = False,
    states: tuple[str, ...] = ("unreserved", "short"),
) -> list[StockAccount]:
    """Reserve for an order what is there; it waits for what is not, which is an exception as long
    as it does. Returns the accounts that it posted to.

    Errors: OutOfStock (R-STK-01) for `all_or_none`, SkuUnknown (R-STK-03), R-STK-18, R-ORD-06,
    R-ORD-20, R-ORD-32, LineWithoutSku (R-ORD-33).
    """
    order.must_be_open()
    lines = order.lines or {}
    wanted = [(count.line, _sku(order, count.line), count.quantity)
              for count in order.goods.in_states(*states)]
    # What is reserved, waited for or picked of a line says what it is made of, also of the rest.
    fixed = {line: parts_of_line(work, order, line) for line, states in order.goods.items()
             if states.keys() - {"unreserved", "cancelled"}}
    found = allot(work, order.id, warehouse, wanted, fixed=fixed)
    if all_or_none:
        must_not_be_short(work, order, warehouse, found)
    before = order.clone()
    # Lines that were short already stay so: an event records only what is short in addition.
    newly = [Count(count.line, new) for count in found.short
             if (new := count.quantity - before.goods[count.line].get("short", 0)) > 0]
    if not found.lines and not newly:
        return []
    parts = found.parts_to_record(
        {line: lines[line].sku or "" for line in found.parts}, order.parts)
    order.reserve(warehouse, found.lines, newly, parts, occurred_at=occurred_at)
    accounts = post_order(work, order, before)
    note_shortage(order, bool(newly), occurred_at=occurred_at)
    return accounts


def _sku(order: Order, line: str) -> str:
    assert order.lines is not None
    if (sku := order.lines[line].sku) is None:
        raise LineWithoutSku(order=order.id, line=line)
    return sku


def note_shortage(order: Order, is_new: bool, *, occurred_at: datetime) -> None:
    """Open the exception of an order that waits for more, close it once it waits for nothing."""
    if is_new and order.goods.has("short"):
        order.open_exception(OUT_OF_STOCK, OUT_OF_STOCK, occurred_at=occurred_at)
    order.settle_exceptions(occurred_at=occurred_at)


def waited_for(order: Order, work: Work) -> list[StockAccount]:
    """The accounts in which an order waits."""
    skus = {part.sku for count in order.goods.in_states("short")
            for part in parts_of_line(work, order, count.line)}
    return load_all(work, [stock_of(order.warehouse, sku) for sku in sorted(skus)])


def serve_waiting(
    work: Work, accounts: Iterable[StockAccount], *, occurred_at: datetime
) -> list[Aggregate]:
    """The waiting orders that get what came to be available in some accounts: first in, first
    served, and no more than `MAX_SERVED`."""
    found: dict[str, Aggregate] = {}
    for account in accounts:
        if account.waiting and account.level(AVAILABLE) > 0:
            most = MAX_SERVED - len(found)
            for served in _serve_orders(work, account, most, occurred_at=occurred_at):
                found[served.id] = served
    return list(found.values())


def _serve_orders(
    work: Work, account: StockAccount, most: int, *, occurred_at: datetime
) -> list[Aggregate]:
    """The orders that wait for one SKU and get pieces of it, so many at most.

    One that gets none, since it lacks another part of a bundle, keeps its claim: so once the claims
    before it take all that is there, nobody after it gets any.
    """
    served: list[Aggregate] = []
    claimed = 0
    work.fetch([(Order, name) for name in account.waiting])
    for name in list(account.waiting):
        if account.level(AVAILABLE) <= claimed or len(served) == most:
            break
        order: Order = work.load(Order, name)
        if not _can_be_served(order):
            continue
        at = max(occurred_at, order.latest_at)  # what came earlier waited for the order
        if reserve(work, order, order.warehouse, occurred_at=at, states=("short",)):
            served.append(order)
        if (still := account.waiting.get(name)) is not None:
            claimed += still.quantity
    return served


def lines_wanted(lines: Iterable[Line]) -> list[tuple[str, str, int]]:
    """The goods of lines as `allot` wants them."""
    return [(line.line, line.sku or "", line.quantity) for line in lines if not line.fee]
