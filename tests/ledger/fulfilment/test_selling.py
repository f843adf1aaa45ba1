"""The ordinary sale, and the general way as its oracle: the same bytes, whatever is sold."""

from contextlib import ExitStack, closing
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.common.context import Receipt
from ledger.common.errors import LedgerError
from ledger.core.commands import Command
from ledger.fulfilment.commands import ReserveOrder, SellOrder
from ledger.handlers import fulfilment
from ledger.log import randomness
from ledger.log.envelope import Entry
from ledger.orders.commands import HoldOrder
from ledger.orders.order import Order
from ledger.orders.values import Amounts, Line
from ledger.settings import Settings, open_ledger
from ledger.stock.account import StockAccount
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.pieces import Part, sku_of
from ledger.stock.places import stock_of
from ledger.stock.prices import PriceSku
from ledger.stock.skus import AliasSku, BundleSku, RegisterSku, Sku
from ledger.writing import writer
from tests.support.builders import (
    HOUSE,
    NOON,
    context,
    end,
    line,
    opened,
    place,
    received,
    remark,
    sell,
    stream,
)
from tests.support.clocks import Time
from tests.support.team import bound
from tests.support.thorough import tried

FEE = Line(line="fee", title="运费", quantity=1, unit_price=800, amount_minor=800, fee=True)
SKUS = ("A", "B", "a", "SET", "LISTED", "NOBODY", "É", "E\u0301")
"""The last two are one SKU in two spellings, as `A` and ` A ` are."""

USUAL = ("A", " A ", "B", "A", "B") * 2
EARLIER = NOON - timedelta(days=1)


class Came(NamedTuple):
    """What came of commands: their receipts or errors, the log, and what the writer holds."""

    answers: list[Receipt | tuple[type[LedgerError], dict[str, Any]]]
    log: list[Entry]
    held: list[Any]


THERE: list[Command] = [
    opened(HOUSE, occurred_at=EARLIER), received("A", 12, occurred_at=EARLIER),
    received("É", 5, occurred_at=EARLIER),
    received("B", 12, occurred_at=EARLIER)]
ODD = Amounts(total_minor=4990)
MAYBE: tuple[list[Command], ...] = (
    [received("a", 2, occurred_at=EARLIER)],
    [AliasSku(sku="a", target="A", occurred_at=EARLIER)],
    [BundleSku(sku="SET", parts=[Part("A", 2), Part("B", 1)], occurred_at=EARLIER)],
    [RegisterSku(sku="LISTED", occurred_at=EARLIER)],
    [received("LISTED", 1)],
    [received("A", 9, occurred_at=EARLIER, to_bin="A1")],
    [CountStock(number="C1", warehouse=HOUSE, occurred_at=NOON + timedelta(hours=1),
                counts=[CountLine(sku="B", quantity=4)])],
    [PriceSku(sku="A", amount_minor=5000, floor_minor=4000, currency="CNY", occurred_at=EARLIER)],
    [PriceSku(sku="B", amount_minor=5000, floor_minor=5000, currency="CNY", occurred_at=EARLIER)],
    [bound(9_000)],
    [place("9", lines=[line("B", quantity=13)], occurred_at=EARLIER, amounts=Amounts()),
     ReserveOrder(order=stream("9"), warehouse=HOUSE, occurred_at=EARLIER),
     received("B", 5, occurred_at=EARLIER)],
    [HoldOrder(order=stream("9"), reason="等买家", occurred_at=EARLIER)],
    [BundleSku(sku="SET", parts=[Part("A", 2), Part("B", 1)], occurred_at=EARLIER),
     place("9", lines=[line("SET", quantity=7)], occurred_at=EARLIER, amounts=Amounts()),
     ReserveOrder(order=stream("9"), warehouse=HOUSE, occurred_at=EARLIER)],  # a B waits for an A
    [sell("8", line("A", quantity=2), occurred_at=EARLIER)])
"""What may be there: names, goods in bins and without, counts, prices, a bound, others."""

shops = st.tuples(*(st.sampled_from(([], [], [], one)) for one in MAYBE)).map(
    lambda drawn: [*THERE, *(one for more in drawn for one in more)])

lines = st.lists(st.tuples(st.sampled_from(USUAL + SKUS), st.integers(1, 3)), min_size=1,
                 max_size=2)
persons = st.fixed_dictionaries({}, optional={
    "account": st.sampled_from(["甲", "乙"]), "recipient": st.just("沈知夏"),
    "buyer_remark": st.just("请尽快")})
said = st.fixed_dictionaries({}, optional={
    "amounts": st.sampled_from([Amounts(), ODD, Amounts(discount_minor=90)]),
    "currency": st.sampled_from(["CNY", "USD"]),
    "warehouse": st.sampled_from([HOUSE, "gone"]),
    "occurred_at": st.sampled_from([NOON, EARLIER, NOON + timedelta(days=9_000)])})


@st.composite
def sale(draw: st.DrawFn) -> SellOrder:
    """Somebody buys, mostly as one does."""
    goods = [line(sku, quantity=quantity, name=str(at))
             for at, (sku, quantity) in enumerate(draw(lines))]
    fees = draw(st.sampled_from([(), (), (), (FEE,)]))
    return sell(draw(st.sampled_from("1234567")), *goods, *fees, **draw(persons),
                **draw(st.just({}) | st.just({}) | said))


later = st.sampled_from([remark("1"), end("2", "cancelled"), end("1", "completed")])


def came_of(shop: list[Command], batches: list[list[Command]], *, generally: bool) -> Came:
    """What comes of commands, with chance and time always the same."""
    chance, time = Random(7), Time()
    with ExitStack() as stack:
        for name in ("os.urandom", "secrets.token_bytes"):
            stack.enter_context(patch(name, chance.randbytes))
        stack.enter_context(patch.object(randomness.time, "time_ns", lambda: time.wall * 1_000))
        randomness._spare.clear()
        # A batch that is cut by time would be two, with other times of recording.
        stack.enter_context(patch.object(writer, "MAX_DECIDING_S", 60))
        if generally:
            stack.enter_context(patch.object(fulfilment, "sell_ordinary", lambda *_: False))
        made = stack.enter_context(closing(open_ledger(
            Settings(database_url="memory:", keys_url="memory:", master_key_file=None),
            clock=time.clock())))
        try:
            return _tried(made.ledger, [shop, *batches])
        finally:
            randomness._spare.clear()


def _tried(ledger: Ledger, batches: list[list[Command]]) -> Came:
    answers: list[Any] = []
    numbers = iter(range(1, 1_000))
    for batch in batches:
        items = [(command, context(command_id=UUID(int=next(numbers)))) for command in batch]
        answers += [_told(one) for one in ledger.handle_many(items)]
    held = [ledger._writer._cache.get(cls, name) for cls, name in (
        *((Order, stream(number)) for number in "123456789"),
        *((StockAccount, stock_of(HOUSE, sku)) for sku in SKUS),
        *((Sku, sku_of(sku)) for sku in SKUS))]
    return Came(answers, [entry for entry in ledger.store.read("main")
                          if not entry.stream.startswith("command:")], held)


def _told(answer: Any) -> Any:
    return (type(answer), answer.details) if isinstance(answer, LedgerError) else answer


@settings(max_examples=tried(400), deadline=None)
@given(shops, st.lists(st.lists(sale() | sale() | sale() | later, min_size=1, max_size=6),
                       min_size=1, max_size=3))
def test_ordinary_sale__records_what_the_general_way_does(
    shop: list[Command], batches: list[list[Command]]
) -> None:
    assert came_of(shop, batches, generally=False) == came_of(shop, batches, generally=True)


@pytest.mark.parametrize("more", [*MAYBE, MAYBE[0] + MAYBE[1]])
def test_ordinary_sale__leaves_what_is_out_of_the_ordinary_to_the_general_way(
    more: list[Command]
) -> None:
    """Each thing that may be in its way alone, and then one sale of everything there is."""
    sold = [*((sku, 1) for sku in SKUS), ("B", 2), ("B", 3), ("B", 5), ("A", 12), ("A", 1)]
    sales: list[Command] = [sell(100 + number, line(sku, quantity=quantity), account="甲")
                            for number, (sku, quantity) in enumerate(sold)]
    sales += [sell("1", line("A"), line("A", name="2")), sell("2", FEE, line("B"), amounts=ODD),
              sell("100", line("A")), sell("3", line("A"), warehouse="gone")]
    shop = [*THERE, *more]
    assert came_of(shop, [sales], generally=False) == came_of(shop, [sales], generally=True)


@pytest.mark.parametrize(("one", "other", "each"), [("A", "A ", 7), ("É", "E\u0301", 3)])
def test_ordinary_sale__counts_two_spellings_of_a_sku_together(
    one: str, other: str, each: int
) -> None:
    """Each line alone would be there, and both are not; nor is what a sale before has taken."""
    both = sell("1", line(one, quantity=each), line(other, quantity=each, name="2"))
    half = sell("2", line(one, quantity=each - 1), line(other, quantity=1, name="2"))
    after = sell("3", line(one, quantity=each))
    came = came_of(THERE, [[both, half, after]], generally=False)
    assert came == came_of(THERE, [[both, half, after]], generally=True)
    assert [isinstance(answer, Receipt) for answer in came.answers[-3:]] == [False, True, False]


def test_ordinary_sale__is_what_nearly_every_order_is() -> None:
    """Or the property above would compare the general way with itself."""
    shop = [opened(HOUSE, occurred_at=EARLIER), received("A", 9, occurred_at=EARLIER),
            received("B", 9, occurred_at=EARLIER), bound(20_000)]
    with patch.object(fulfilment, "allot", side_effect=AssertionError):
        came = came_of(shop, [[sell("1", line("A"), line("B", name="2"), FEE, account="甲")]],
                       generally=False)
    assert [entry.type for entry in came.log[-1:]] == ["order.placed.v1"]
