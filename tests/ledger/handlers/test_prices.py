"""What prices cost those who have none: no statement more for any order."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.core import event_types
from ledger.core.commands import Command
from ledger.handlers import prices
from ledger.log.memory import MemoryStore
from ledger.log.persons import Keys
from ledger.log.sql_reading import SqlReader
from ledger.log.store import Store
from ledger.orders.commands import (
    ApproveOrder,
    CancelPieces,
    ChangeLines,
    ChangePrice,
    SellBelowFloor,
    SubmitOrder,
)
from ledger.orders.order import Order
from ledger.orders.price_floor import BELOW_FLOOR
from ledger.orders.values import Amounts
from ledger.stock.pieces import Count
from ledger.stock.prices import PRICES, FloorOfTooMany, PriceSku
from ledger.stock.skus import AliasSku
from ledger.writing.genesis import begun
from tests.support.builders import (
    CONTEXT,
    HOUSE,
    NOON,
    end,
    line,
    opened,
    place,
    received,
    record,
    sell,
    stream,
)
from tests.support.shipping import on

COMMANDS: list[Command] = [
    place(1), record(2), sell(3, line(quantity=2)),
    on(ChangePrice, amounts=Amounts(goods_minor=4990, postage_minor=0, total_minor=4990)),
    on(ChangeLines, lines=[line(quantity=2)], consent="好"),
    on(CancelPieces, lines=[Count("1", 1)], reason="一本"),
    on(ApproveOrder, number=3), on(SubmitOrder, number=3, warehouse=HOUSE),
    end(1, "cancelled")]


@pytest.fixture
def shop(store: Store, keys: Keys) -> Iterator[Ledger]:
    """A ledger of the shop's commands, with goods."""
    found = Ledger(store, begun(store, keys))
    for command in (opened(), received()):
        found.handle(command, CONTEXT)
    yield found
    found.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names of the streams of each query."""
    found: list[list[str]] = []
    for cls in (SqlReader, *MemoryStore.__mro__[:2]):
        if (whole := vars(cls).get("streams")) is not None:
            def streams(self: Any, ledger: Any, names: Any, whole: Any = whole, **more: Any) -> Any:
                found.append(list(names))
                return whole(self, ledger, names, **more)

            monkeypatch.setattr(cls, "streams", streams)
    return found


def test_prices__that_nobody_has_cost_no_statement(
    shop: Ledger, asked: list[list[str]]
) -> None:
    """Whether there are any is asked along with the order; no SKU is read for it."""
    for command in COMMANDS:
        asked.clear()
        shop.handle(command, CONTEXT)
        assert not any(names == [PRICES] for names in asked), command.NAME
        named = {name for names in asked for name in names if name.startswith("sku:")}
        assert not named or command.NAME in ("order.sell", "order.record", "order.change_lines")
    assert sum(PRICES in names for names in asked) <= 1


def test_prices__are_read_of_all_skus_of_an_order_at_once(
    shop: Ledger, asked: list[list[str]]
) -> None:
    shop.handle(PriceSku(sku="PEN", amount_minor=5, currency="CNY",
                         occurred_at=NOON - timedelta(days=1)), CONTEXT)
    asked.clear()
    lines = [line(f"S{at}", name=str(at)) for at in range(9)]
    shop.handle(place(9, lines=lines, amounts=Amounts(total_minor=9 * 4990)), CONTEXT)
    assert sum(bool([name for name in names if name.startswith("sku:")]) for names in asked) == 1


def priced(floor: int | None, *, at: timedelta = timedelta(), **fields: Any) -> PriceSku:
    """A price of the book that was said for before."""
    return PriceSku(**{"sku": "SH-001", "amount_minor": 6000, "floor_minor": floor,
                       "currency": "CNY", "occurred_at": NOON + at, **fields})


def waiting(shop: Ledger, *numbers: int) -> list[int]:
    """The orders among those that have the exception."""
    orders = {stream(number): Order.blank(stream(number)) for number in numbers}
    for entry in shop.store.read(shop.id, limit=1000):
        if entry.stream in orders:
            event_types.decode(entry).mutate(orders[entry.stream])
    return [number for number in numbers if BELOW_FLOOR in orders[stream(number)].exceptions]


def test_price_sku__of_before_says_so_of_the_open_orders_placed_since(shop: Ledger) -> None:
    """R-STK-26: nothing of it waits without a word; the exception goes with the floor, too."""
    day = timedelta(days=1)
    for command in (
        AliasSku(sku="BOOK", target="SH-001", occurred_at=NOON - 9 * day),
        place(1, occurred_at=NOON - day), place(2), place(3, occurred_at=NOON + day),
        place(4), end(4, "cancelled"), place(5, lines=[line("BOOK")]),
        place(6, lines=[line("PEN")]), sell(7, occurred_at=NOON + day)):
        shop.handle(command, CONTEXT)
    found = shop.handle(priced(5500), CONTEXT)
    assert waiting(shop, 1, 2, 3, 4, 5, 6, 7) == [2, 3, 5, 7]
    assert {stream(2), stream(5)} <= found.versions.keys()
    assert shop.handle(priced(5500), CONTEXT).positions == ()  # said before
    shop.handle(priced(4000, at=day), CONTEXT)  # another price since then
    assert waiting(shop, 1, 2, 3, 4, 5, 6, 7) == [2, 5]
    shop.handle(on(SellBelowFloor, number=2, reason="老顾客"), CONTEXT)
    shop.handle(priced(None, at=timedelta(hours=-1)), CONTEXT)
    assert waiting(shop, 1, 2, 3, 4, 5, 6, 7) == [5]
    shop.handle(priced(4900, at=timedelta(minutes=-1), amount_minor=5000), CONTEXT)
    shop.handle(priced(4980), CONTEXT)  # what holds at noon
    assert waiting(shop, 1, 2, 3, 4, 5, 6, 7) == []


def test_price_sku__of_before_is_refused_where_it_reaches_too_many(
    shop: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-STK-26: a price takes no longer than so many orders; from now on it holds all the same."""
    monkeypatch.setattr(prices, "MOST_CONCERNED", 2)
    for number in (1, 2, 3):
        shop.handle(place(number), CONTEXT)
    with pytest.raises(FloorOfTooMany):
        shop.handle(priced(5500), CONTEXT)
    shop.handle(priced(5500, occurred_at=datetime.now(UTC)), CONTEXT)
    assert waiting(shop, 1, 2, 3) == []
    shop.handle(end(1, "cancelled"), CONTEXT)
    shop.handle(priced(5500), CONTEXT)
    assert waiting(shop, 1, 2, 3) == [2, 3]
