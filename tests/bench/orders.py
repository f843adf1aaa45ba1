"""The orders that the benchmarks place: invented, always the same, their numbers growing as a
platform's do."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from ledger.order_commands import PlaceOrder
from ledger.order_history import RecordOrder
from ledger.order_values import Amounts, Line, Moment
from ledger.receipts import Context

CHANNEL, SHOP = "taobao", "云杉书店"
SKUS = 2_000
CONTEXT = Context(actor="system", role="system", client="bench")
SINCE = datetime(2025, 10, 1, tzinfo=UTC)
NAMES = ("沈知夏", "顾云舟", "林初月", "许砚青")


def _line(name: str, sku: int, quantity: int) -> Line:
    price = 990 + sku
    return Line(line=name, sku=f"SKU-{sku:05d}", title="云杉集", quantity=quantity,
                unit_price=price, amount_minor=price * quantity)


def _amounts(lines: list[Line]) -> Amounts:
    goods = sum(line.amount_minor for line in lines)
    return Amounts(goods_minor=goods, postage_minor=0, discount_minor=0, total_minor=goods)


class Placing:
    """Makes new orders of two lines, for any number of threads at once.

    Each is by one of `buyers` buyers, or by a new one where that is 0: such a buyer's key has to
    be durable before the order is.
    """

    def __init__(self, buyers: int) -> None:
        self.buyers = buyers
        self._numbers = itertools.count(1)

    def command(self) -> PlaceOrder:
        """The next order."""
        number = next(self._numbers)
        buyer = number * 7919 % self.buyers if self.buyers else f"new-{number}"
        lines = [_line("1", number % SKUS, 1), _line("2", number * 31 % SKUS, 2)]
        return PlaceOrder(
            channel=CHANNEL, shop=SHOP, number=f"{self._prefix}{number:012d}", currency="CNY",
            occurred_at=SINCE, amounts=_amounts(lines), lines=lines, account=f"buyer-{buyer}",
            recipient=NAMES[number % len(NAMES)])

    @property
    def _prefix(self) -> str:
        return "30" if self.buyers else "60"


def histories() -> Iterator[RecordOrder]:
    """Whole orders as a file tells them, without end: paid or not, sent, refunded, completed."""
    random = Random(20251001)
    for number in itertools.count(1):
        placed = SINCE + timedelta(seconds=17 * number)
        lines = [_line(str(at), random.randrange(SKUS), random.randint(1, 3))
                 for at in range(1, random.choice((2, 2, 3, 3, 4)))]
        amounts = _amounts(lines)
        total = amounts.total_minor or 0
        paid = random.random() < 0.88
        refunded = paid and random.random() < 0.12
        buyer = random.randrange(20_000)
        yield RecordOrder(
            channel=CHANNEL, shop=SHOP, number=f"90{number:012d}", currency="CNY",
            amounts=amounts, lines=lines, province="浙江省", account=f"buyer-{buyer}",
            recipient=NAMES[buyer % len(NAMES)], phone=f"1380000{buyer:05d}",
            address=f"杭州市云杉路 {buyer} 号", placed=Moment(placed),
            paid=Moment(placed + timedelta(minutes=3)) if paid else None,
            paid_minor=total if paid else None,
            dispatched=Moment(placed + timedelta(days=1)) if paid else None,
            courier="顺丰" if paid else None, waybill=f"SF{number}" if paid else None,
            refunded=Moment(placed + timedelta(days=5)) if refunded else None,
            refunded_minor=total if refunded else None,
            ended=Moment(placed + timedelta(days=9)),
            ended_as="completed" if paid and not refunded else "closed")
