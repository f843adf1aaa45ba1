"""What prices cost those who have none: no statement more for any order."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.core.commands import Command
from ledger.log.memory import MemoryStore
from ledger.log.persons import Keys
from ledger.log.sql_reading import SqlReader
from ledger.log.store import Store
from ledger.orders.commands import ApproveOrder, CancelPieces, ChangeLines, ChangePrice, SubmitOrder
from ledger.orders.values import Amounts
from ledger.stock.pieces import Count
from ledger.stock.prices import PRICES, PriceSku
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
