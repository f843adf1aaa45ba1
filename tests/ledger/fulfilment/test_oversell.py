"""The last piece is sold once: many buyers, few pieces, every backend, one process or several."""

from collections import Counter

import msgspec
import pytest

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.core import event_types
from ledger.core.accounts import touch_of
from ledger.log.store import Store
from ledger.orders.order import Order
from ledger.settings import Settings, open_ledger
from ledger.stock.account import StockAccount
from ledger.stock.errors import OutOfStock
from ledger.stock.places import stock_of
from ledger.writing.refusals import Attempts
from tests.conftest import durable, on_postgres
from tests.support import children
from tests.support.books import books, state_of, told
from tests.support.builders import CONTEXT, HOUSE, line, opened, received, sell
from tests.support.children import Child
from tests.support.waiting import in_thread

BUYERS, PIECES = 64, 10


def item(store: Store, sku: str = "SH-001") -> StockAccount:
    """The stock of a SKU after all that the log holds; never below zero on the way."""
    found = StockAccount.blank(stock_of(HOUSE, sku))
    entries = store.accounts("main", [found.id], limit=10_000)
    for entry in entries:
        found.take(touch_of(entry).by_account()[found.id])
        assert found.level("available") >= 0
        assert sum(found.levels.values()) == 0
    rows = store.read("main", limit=10_000)
    assert state_of(found) == books(map(told, rows))[found.id].state()
    return found


def refusals(store: Store) -> int:
    """How many refusals are on record, one by one or counted."""
    found = ((entry.type, msgspec.json.decode(entry.payload))
             for entry in store.read("main", limit=10_000))
    return sum(payload.get("count", 1) for kind, payload in found
               if kind in (Attempts.Refused.TOPIC, Attempts.RefusalsCounted.TOPIC)
               and payload["code"] == "out_of_stock")


def stocked(ledger: Ledger, pieces: int = PIECES) -> None:
    """So many pieces of one SKU in a warehouse."""
    ledger.handle(opened(), CONTEXT)
    ledger.handle(received(quantity=pieces), CONTEXT)


def test_oversell__rejected_for_54_of_64_buyers_of_10_pieces(ledger: Ledger) -> None:
    """magento2#25653, vendure PR#4930, saleor, openfoodnetwork#4018: the last unit sold twice."""
    stocked(ledger)

    def buy(number: int) -> str:
        try:
            ledger.handle(sell(number), CONTEXT)
        except LedgerError as error:
            return error.code
        return "sold"

    threads = [in_thread(lambda n=n: buy(n)) for n in range(BUYERS)]
    for thread in threads:
        thread.join()
    assert Counter(thread.result for thread in threads) == {
        "sold": PIECES, "out_of_stock": BUYERS - PIECES}
    assert item(ledger.store).levels == {"supplier": -PIECES, "reserved": PIECES}
    ledger.close()  # the last of them are counted
    assert refusals(ledger.store) == BUYERS - PIECES


@on_postgres
def test_oversell__rejected_for_54_of_64_buyers_in_four_processes(settings: Settings) -> None:
    here = open_ledger(settings)
    stocked(here.ledger)
    buying = [Child(children.buy, settings, start, BUYERS // 4) for start in (0, 16, 32, 48)]
    for child in buying:
        assert child.hear() == "ready"
    for child in buying:
        child.say("go")
    outcomes: Counter[str] = sum((child.hear() for child in buying), Counter())
    assert [child.end() for child in buying] == [0] * 4
    assert outcomes == {"sold": PIECES, "out_of_stock": BUYERS - PIECES}
    assert item(here.store).levels == {"supplier": -PIECES, "reserved": PIECES}
    assert refusals(here.store) == BUYERS - PIECES
    here.close()


def test_oversell__rejected_by_one_piece(ledger: Ledger) -> None:
    stocked(ledger)
    with pytest.raises(OutOfStock, match="11 pieces are wanted, but only 10 can be taken"):
        ledger.handle(sell(1, line(quantity=11)), CONTEXT)
    ledger.handle(sell(1, line(quantity=10)), CONTEXT)


def test_oversell__rejected_for_two_lines_that_fit_only_singly(ledger: Ledger) -> None:
    """vendure#1028, medusa#16502: two lines of one SKU, each checked alone."""
    stocked(ledger)
    with pytest.raises(OutOfStock, match="12 pieces are wanted, but only 10 can be taken"):
        ledger.handle(sell(1, line(quantity=6), line(quantity=6, name="2")), CONTEXT)
    assert item(ledger.store).levels["available"] == PIECES


@durable
def test_accounts__of_three_writers_on_one_sku_are_never_stale(settings: Settings) -> None:
    """Stores, writers and caches of their own, as of three web servers: each takes what another has
    left, and each in its turn sells the last piece."""
    three = [open_ledger(settings) for _ in range(3)]
    stocked(three[0].ledger, 2)
    for number, opened_ in enumerate(three * 4):
        ledger = opened_.ledger
        ledger.handle(sell(number), CONTEXT)
        if number % 2:
            with pytest.raises(OutOfStock, match="only 0 can be taken"):
                ledger.handle(sell(f"late-{number}"), CONTEXT)
            three[number % 3 - 1].ledger.handle(received(quantity=2), CONTEXT)
        live = ledger._writer._cache.get(StockAccount, stock_of(HOUSE, "SH-001"))
        if not number % 2:
            assert live is not None
            assert state_of(live) == state_of(item(opened_.store))
    assert item(three[0].store).levels == {"supplier": -14, "available": 2, "reserved": 12}
    for opened_ in three:
        opened_.close()


@durable
def test_accounts__of_three_processes_on_one_sku_are_never_stale(settings: Settings) -> None:
    """They sell, receive, cancel and count it at once: whatever one has in memory is what the log
    says, up to where it has seen it, and nothing is sold twice."""
    here = open_ledger(settings)
    stocked(here.ledger)
    trading = [Child(children.trade, settings, seed, 25) for seed in range(3)]
    for child in trading:
        assert child.hear() == "ready"
    for child in trading:
        child.say("go")
    found = [child.hear() for child in trading]
    assert [child.end() for child in trading] == [0] * 3
    assert [stale for _, stale in found] == [[]] * 3
    assert sum(compared for compared, _ in found) > 30
    sold = item(here.store)
    assert sold.level("reserved") == sum(
        known.goods.sums(["reserved"])["reserved"] for known in orders(here.store).values())
    here.close()


def orders(store: Store) -> dict[str, Order]:
    """All orders, by the log."""
    found: dict[str, Order] = {}
    for entry in store.read("main", limit=10_000):
        if entry.stream.startswith("order:"):
            event_types.decode(entry).mutate(
                found.setdefault(entry.stream, Order.blank(entry.stream)))
    return found
