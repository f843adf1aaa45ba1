"""The orders that the benchmarks place and the stock that they sell: invented, always the same,
their numbers growing as a platform's do."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from ledger.common.context import Context
from ledger.common.moments import Moment
from ledger.core.commands import Command
from ledger.fulfilment.commands import SellOrder
from ledger.orders.declared import RecordOrder
from ledger.orders.values import Amounts, Line
from ledger.stock.movements import MoveStock, StockMove
from ledger.stock.warehouses import OpenWarehouse

CHANNEL, SHOP, WAREHOUSE = "taobao", "云杉书店", "杭州一仓"
SKUS = 2_000
PLENTY = 10**9
CONTEXT = Context(actor="system", role="system", client="bench")
SINCE = datetime(2025, 10, 1, tzinfo=UTC)
STOCKED = SINCE - timedelta(days=60)
EVERY = timedelta(seconds=17)
LATE = 0.2
"""The share of orders that are told late."""

LATEST = timedelta(days=30)
BEHIND = (0, 50, 100)
"""How many orders later an order is sold, sent and ended."""

NAMES = ("沈知夏", "顾云舟", "林初月", "许砚青")


def sku(number: int) -> str:
    """The name of one of the `SKUS`."""
    return f"SKU-{number % SKUS:05d}"


def stocking(skus: Iterable[str], each: int) -> list[Command]:
    """So many pieces of each SKU come into the warehouse."""
    moves = [StockMove(sku=name, quantity=each, source="supplier", target="available",
                       cause="receipt") for name in skus]
    return [OpenWarehouse(name=WAREHOUSE, occurred_at=STOCKED),
            MoveStock(warehouse=WAREHOUSE, moves=moves, occurred_at=STOCKED)]


def plenty() -> list[Command]:
    """More of every SKU than can ever be sold."""
    return stocking(map(sku, range(SKUS)), PLENTY)


def _lines(skus: Sequence[str], quantities: Sequence[int]) -> list[Line]:
    return [Line(line=str(at), sku=name, title="云杉集", quantity=quantity, unit_price=990,
                 amount_minor=990 * quantity)
            for at, (name, quantity) in enumerate(zip(skus, quantities, strict=True), 1)]


def _told(number: str, lines: list[Line]) -> dict[str, Any]:
    """What every telling of an order says."""
    goods = sum(line.amount_minor for line in lines)
    return {"channel": CHANNEL, "shop": SHOP, "number": number, "currency": "CNY", "lines": lines,
            "amounts": Amounts(goods_minor=goods, postage_minor=0, discount_minor=0,
                               total_minor=goods)}


def two_of_many(number: int) -> list[str]:
    """Two SKUs, never the same."""
    return [sku(number), sku(31 * number + 1)]


class Selling:
    """Makes new orders, for any number of threads at once, each of some SKUs, one line a SKU.

    Each is by one of `buyers` buyers, or by a new one where that is 0: such a buyer's key has to
    be durable before the order is. `series` begins their numbers.
    """

    def __init__(self, buyers: int, series: str,
                 skus: Callable[[int], Sequence[str]] = two_of_many) -> None:
        self.buyers = buyers
        self.series = series
        self.skus = skus
        self._numbers = itertools.count()

    def command(self) -> SellOrder:
        """The next order."""
        number = next(self._numbers)
        buyer = number * 7919 % self.buyers if self.buyers else f"new-{number}"
        skus = self.skus(number)
        return SellOrder(
            **_told(f"{self.series}{number:012d}", _lines(skus, range(1, len(skus) + 1))),
            occurred_at=SINCE, account=f"buyer-{buyer}", recipient=NAMES[number % len(NAMES)],
            warehouse=WAREHOUSE)


def histories() -> Iterator[Command]:
    """Orders of two lines without end, each told as it goes on, in the order of time: sold; paid
    and sent, or not; delivered and completed, refunded, or closed.

    Every fifth is told late: all of it happened up to 30 days before.
    """
    random = Random(20251001)
    going: deque[Iterator[Command]] = deque()
    for number in itertools.count():
        going.appendleft(_history(number, random))
        yield from (next(going[behind]) for behind in BEHIND if behind < len(going))
        if len(going) > BEHIND[-1]:
            going.pop()


def _history(number: int, random: Random) -> Iterator[Command]:
    late = random.random() * LATEST if random.random() < LATE else timedelta()
    placed, sent, ended = (SINCE + (number + behind) * EVERY - late for behind in BEHIND)
    paid = random.random() < 0.88
    refunded = paid and random.random() < 0.12
    buyer = random.randrange(20_000)
    told = _told(f"90{number:012d}", _lines([sku(one) for one in random.sample(range(SKUS), 2)],
                                            random.choices((1, 2, 3), k=2)))
    total = told["amounts"].total_minor
    yield SellOrder(
        **told, occurred_at=placed, warehouse=WAREHOUSE, account=f"buyer-{buyer}",
        recipient=NAMES[buyer % len(NAMES)], phone=f"1380000{buyer:05d}", province="浙江省",
        address=f"杭州市云杉路 {buyer} 号")
    dispatch = {"paid": Moment(placed), "paid_minor": total, "dispatched": Moment(sent),
                "courier": "顺丰", "waybill": f"SF{number}"} if paid else {}
    yield RecordOrder(**told, placed=Moment(placed), **dispatch)
    yield RecordOrder(
        **told, placed=Moment(placed), **dispatch, delivered=Moment(ended) if paid else None,
        refunded=Moment(ended) if refunded else None, refunded_minor=total if refunded else None,
        ended=Moment(ended), ended_as="completed" if paid and not refunded else "closed")
