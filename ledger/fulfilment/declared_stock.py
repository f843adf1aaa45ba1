"""Where papers and stock meet: what a file declares to have gone, or come, moves the stock.

A declared movement is always recorded; what it leaves below nought is a discrepancy.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.fulfilment.commands import serving
from ledger.fulfilment.reserving import ready
from ledger.stock.commands import must_be_open
from ledger.stock.item import StockItem
from ledger.stock.parts import sku_of
from ledger.stock.places import AVAILABLE, STOCKTAKE_GAIN_LOSS, WRITTEN_OFF, Move, stock_of
from ledger.stock.skus import Sku, parts_of
from ledger.stock.slips import FOUND, WRITE_OFF, RecordSlip, Slip

WAYS = {WRITE_OFF: (AVAILABLE, WRITTEN_OFF), FOUND: (STOCKTAKE_GAIN_LOSS, AVAILABLE)}
"""From where to where the pieces of a slip go."""


class _Line(Protocol):
    """A line of some paper. Units: pieces."""

    @property
    def line(self) -> str: ...
    @property
    def sku(self) -> str | None: ...
    @property
    def quantity(self) -> int: ...
    @property
    def fee(self) -> bool: ...


def declare_lines(
    work: Work, warehouse: str, lines: Iterable[_Line], way: tuple[str, str, str], *,
    document: str, occurred_at: datetime,
) -> list[Aggregate]:
    """Move the goods of a paper's lines, one event a SKU.

    Shapes: `way` is (from, to, cause). Errors: WarehouseUnknown (R-STK-04), CountedSince
    (R-STK-05).
    """
    must_be_open(work, warehouse)
    source, target, cause = way
    goods = [line for line in lines if line.sku and not line.fee]
    work.fetch([(Sku, sku_of(line.sku)) for line in goods if line.sku])
    moves: dict[str, list[Move]] = {}
    for line in goods:
        for part in parts_of(work, line.sku or ""):
            moves.setdefault(part.sku, []).append(Move(
                quantity=line.quantity * part.each, source=source, target=target, cause=cause,
                line=line.line))
    ready(work, warehouse, moves)
    items: list[Aggregate] = []
    for sku, found in moves.items():
        item: StockItem = work.load(StockItem, stock_of(warehouse, sku))
        item.declare(sku, found, occurred_at=occurred_at, document=document)
        items.append(item)
    return items


def record_slip(command: RecordSlip, work: Work) -> list[Aggregate]:
    """Note a slip once, and move its pieces. Errors: R-SLP-01, R-STK-04, R-STK-05."""
    slip: Slip = work.load(Slip, command.subject)
    if not slip.record(command) or command.warehouse is None:
        return [slip]
    return [slip, *declare_lines(
        work, command.warehouse, command.lines, (*WAYS[command.kind], command.kind),
        document=slip.id, occurred_at=command.at.at)]


HANDLERS: dict[type[Command], Handler] = {RecordSlip: serving(record_slip)}
