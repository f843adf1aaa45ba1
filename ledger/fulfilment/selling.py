"""The ordinary sale, decided by a look at what it touches: nearly every order is one, and loading,
copying and comparing were half of what it cost (docs/adr/0041).

It refuses nothing. Left to the general way, `sell_order`, are: an order that is there already, a
warehouse that is not open; a SKU that is another name or a bundle, that stands on two lines, or to
which nothing was ever posted; orders that wait, too few pieces, more lines or pieces than an event
or an account may take; sums that do not agree, an amount that finance looks at, a price with a
floor. Where both can decide, they record the same bytes (tests/ledger/fulfilment/test_selling.py).
"""

from collections.abc import Iterator

from ledger.common.errors import LedgerError
from ledger.core.commands import Work
from ledger.core.postings import Posting
from ledger.fulfilment.commands import SellOrder
from ledger.fulfilment.postings import CAUSE
from ledger.orders.money import costs_of, lines_must_agree
from ledger.orders.order import Order
from ledger.orders.settling import finance_bound_of
from ledger.orders.values import Amounts, Line, Reservation
from ledger.stock.account import MOST_MOVED, StockAccount
from ledger.stock.pieces import sku_of
from ledger.stock.places import AVAILABLE, RESERVED, stock_of
from ledger.stock.posting import MOST_POSTINGS
from ledger.stock.prices import PRICES, Prices, prices_at
from ledger.stock.skus import Sku
from ledger.stock.warehouses import Warehouse, warehouse_of


def sell_ordinary(command: SellOrder, work: Work) -> bool:
    """Record a sale, if it is an ordinary one. Returns whether it was; if not, nothing happened."""
    stream, at, lines = command.subject, command.occurred_at, command.lines or []
    if not work.is_new(Order, stream) or len(lines) > MOST_POSTINGS \
            or not work.see(Warehouse, warehouse_of(command.warehouse)).version:
        return False
    found = dict(_reserved_from(command.warehouse, lines, work))
    if len(found) < sum(not line.fee for line in lines):
        return False
    costs = _costs(command, stream, work)
    if costs is None:
        return False
    postings = tuple(Posting(account=account.id, quantity=line.quantity, source=AVAILABLE,
                             target=RESERVED, cause=CAUSE[AVAILABLE, RESERVED], line=line.line)
                     for line, account in found.values())
    position = work.position + 1
    work.tell(
        Order.Placed, stream,
        {**command.facts(work), "amounts": costs, "reserved": Reservation(command.warehouse),
         "postings": postings, "occurred_at": at},
        [account.after_reserving(line.quantity, at, position) for line, account in found.values()])
    return True


def _reserved_from(
    warehouse: str, lines: list[Line], work: Work
) -> Iterator[tuple[str, tuple[Line, StockAccount]]]:
    """The line and account of each line of goods of which nothing has to be asked but whether so
    many pieces are there, by the account's name: texts that differ may name the same one. A line
    that is left out, and an account that comes twice, make fewer than there are lines: then the
    sale is no ordinary one."""
    for line in lines:
        if line.fee or line.sku is None:
            continue
        sku: Sku = work.see(Sku, sku_of(line.sku))
        account: StockAccount = work.see(StockAccount, stock_of(warehouse, line.sku))
        if not (sku.target or sku.parts or account.waiting) and account.position \
                and line.quantity <= account.level(AVAILABLE) \
                and account.moved_in_all + line.quantity <= MOST_MOVED:
            yield account.id, (line, account)


def _costs(command: SellOrder, stream: str, work: Work) -> Amounts | None:
    """What the order costs; None if its sums do not agree, or anybody has to look at them."""
    lines, at = command.lines or [], command.occurred_at
    try:
        lines_must_agree(stream, command.currency, lines)
        costs = costs_of(stream, command.currency, lines, command.amounts, cancelled={})
    except LedgerError:  # the general way says what is wrong first
        return None
    bound = finance_bound_of(work, at, command.currency)
    if bound is not None and (costs.total_minor or 0) > bound:
        return None
    prices: Prices = work.see(Prices, PRICES)
    if prices.begun and any(price.floor_minor is not None for price in prices_at(
            work, {line.sku for line in lines if line.sku}, at).values()):
        return None
    return costs
