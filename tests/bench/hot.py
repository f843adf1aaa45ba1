"""One SKU that everybody wants: sold out by many threads, and never sold twice."""

import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec

from ledger.application import Ledger
from ledger.settings import open_ledger
from ledger.stock.errors import OutOfStock
from ledger.stock.places import stock_of
from tests.bench.floors import SQLITE, connect, together
from tests.bench.harness import Goal, Result, Scale, paired, workplace
from tests.bench.logs import record, settings_of
from tests.bench.orders import CONTEXT, SKUS, WAREHOUSE, Selling, plenty, stocking


class Sale(NamedTuple):
    """What became of a sale: orders a second until the last one, how many, and how many refused."""

    rate: float
    sold: int
    refused: int


def sell_out(ledger: Ledger, selling: Selling, callers: int) -> Sale:
    """Each thread orders until it is refused. The clock stops at the last sale."""
    begun, sold, refused = list[float](), list[float](), list[float]()

    def work(_number: int, _until: float) -> int:
        begun.append(time.perf_counter())
        while True:
            command = selling.command()
            try:
                ledger.handle(command, CONTEXT)
            except OutOfStock:
                refused.append(time.perf_counter())
                return 0
            sold.append(time.perf_counter())

    together(callers, work, 0)
    return Sale(len(sold) / (max(sold) - min(begun)), len(sold), len(refused))


def oversold(log: Path, sku: str) -> int:
    """By how many pieces a SKU was reserved beyond what there was, counted in the log by bare
    hands: the deepest that what is available ever lay below nought."""
    level, lowest, account = 0, 0, stock_of(WAREHOUSE, sku)
    with closing(connect(log)) as connection:
        for payload, in connection.execute(
                "SELECT payload FROM events WHERE instr(subjects, ?) AND ledger ="
                " (SELECT id FROM ledgers WHERE name = 'main') ORDER BY position",
                (f'"{account}"',)):
            for posting in msgspec.json.decode(payload)["postings"]:
                if posting["account"] == account:
                    level += posting["quantity"] * (
                        (posting["to"] == "available") - (posting["from"] == "available"))
                    lowest = min(lowest, level)
    return -lowest


def hot_sku(scale: Scale) -> Result:
    """Sales a second of one SKU until it is sold out; the floor sells as many pieces of 2,000."""
    hot: dict[str, Sale] = {}
    numbers, many = itertools.count(1), min(SKUS, scale.pieces)

    def sale(ledger: Ledger, skus: Sequence[str]) -> Sale:
        record(ledger, stocking(skus, -(-scale.pieces // len(skus))))
        return sell_out(ledger, Selling(scale.buyers, f"7{next(numbers):03d}", _one_of(skus)),
                        scale.callers)

    with workplace() as folder:
        log = folder / "ledger.db"
        opened = open_ledger(settings_of(log))

        def floor() -> float:
            run = next(numbers)
            return sale(opened.ledger, [f"MANY-{run}-{at:05d}" for at in range(many)]).rate

        def ours() -> float:
            name = f"HOT-{next(numbers)}"
            hot[name] = sale(opened.ledger, [name])
            return hot[name].rate

        try:
            record(opened.ledger, plenty())
            known = Selling(scale.buyers, "30")
            record(opened.ledger, (known.command() for _ in range(scale.buyers)))
            slowest, found = paired(scale.rounds, floor, ours=ours)
        finally:
            opened.close()
        beyond = sum(oversold(log, name) for name in hot)
    sales = list(hot.values())
    return Result(
        name="hot_sku", unit="/s", ours=found["ours"].rate, floor=slowest,
        ratio=found["ours"].ratio, goal=Goal("≥", 1.2),
        beside={"oversold": beyond, "sold": sales[0].sold, "refused": sales[0].refused},
        how={"engine": SQLITE, "callers": scale.callers, "pieces": scale.pieces, "lines": 1,
             "buyers": scale.buyers, "rounds": scale.rounds, "synchronous": "FULL",
             "floor": f"as many pieces, spread over {many} SKUs"})


def _one_of(skus: Sequence[str]) -> Callable[[int], list[str]]:
    return lambda number: [skus[number % len(skus)]]
