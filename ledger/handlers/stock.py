"""What happens to warehouses, SKUs and the pieces in them, by decision or as a fact."""

from collections import defaultdict

import msgspec

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.fulfilment.following import declare_lines
from ledger.fulfilment.reserving import serve_waiting
from ledger.stock.commands import CountStock, MoveStock
from ledger.stock.errors import AliasOfAlias, UnitFixed
from ledger.stock.item import StockItem
from ledger.stock.pieces import sku_of
from ledger.stock.places import (
    AVAILABLE,
    BETWEEN_WAREHOUSES,
    CAUSES,
    STOCKTAKE_GAIN_LOSS,
    WRITTEN_OFF,
    Move,
    stock_of,
)
from ledger.stock.skus import (
    AliasSku,
    BundleSku,
    RegisterSku,
    SetThreshold,
    Sku,
    parts_of,
    real_sku,
)
from ledger.stock.slips import FOUND, WRITE_OFF, RecordSlip, Slip
from ledger.stock.transfers import ReceiveTransfer, SendTransfer, Transfer, TransferUnknown
from ledger.stock.warehouses import OpenWarehouse, Warehouse, must_be_open


def open_warehouse(command: OpenWarehouse, work: Work) -> list[Aggregate]:
    """A repeat changes nothing."""
    warehouse: Warehouse = work.load(Warehouse, command.subject)
    warehouse.open(command.name, command.title, occurred_at=command.occurred_at)
    return [warehouse]


def register_sku(command: RegisterSku, work: Work) -> list[Aggregate]:
    """A repeat changes nothing. Errors: UnitFixed (R-STK-14)."""
    sku: Sku = work.load(Sku, command.subject)
    if sku.target and not sku.registered:
        # What comes in under another name is counted as the SKU that it names.
        target: Sku = work.load(Sku, sku_of(sku.target))
        if command.unit != target.unit:
            raise UnitFixed(sku=command.sku, known=target.unit, unit=command.unit)
    sku.register(command.sku, command.title, command.unit, occurred_at=command.occurred_at)
    return [sku]


def alias_sku(command: AliasSku, work: Work) -> list[Aggregate]:
    """Errors: BundleInsideItself (R-STK-06), AliasOfAlias (R-STK-07), R-STK-09, R-STK-12."""
    sku: Sku = work.load(Sku, command.subject)
    target: Sku = work.load(Sku, sku_of(command.target))
    if target.target:
        raise AliasOfAlias(sku=command.sku, target=command.target,
                           why=f"that is another name of {target.target} itself")
    sku.alias(command.sku, command.target, target.unit, occurred_at=command.occurred_at)
    parts_of(work, command.sku)
    return [sku]


def bundle_sku(command: BundleSku, work: Work) -> list[Aggregate]:
    """Errors: BundleInsideItself (R-STK-06), SkuIsAlias (R-STK-11), R-STK-09, R-STK-12."""
    sku: Sku = work.load(Sku, command.subject)
    sku.bundle(command.sku, command.parts, occurred_at=command.occurred_at)
    parts_of(work, command.sku)
    return [sku]


def set_threshold(command: SetThreshold, work: Work) -> list[Aggregate]:
    """A repeat changes nothing."""
    sku: Sku = work.load(Sku, command.subject)
    sku.set_threshold(command.sku, command.threshold, occurred_at=command.occurred_at)
    return [sku]


COMING_IN = ("opening", "receipt", "found", "adjustment")
"""Causes by which a SKU may become known."""


def move_stock(command: MoveStock, work: Work) -> list[Aggregate]:
    """Decisions are refused where too few pieces lie, facts are always recorded.

    Errors: R-STK-01 to R-STK-05, R-STK-08.
    """
    must_be_open(work, command.warehouse)
    coming = {move.sku for move in command.moves if move.cause in COMING_IN}
    moves: dict[tuple[str, bool], list[Move]] = defaultdict(list)
    for move in command.moves:
        sku = real_sku(work, command.warehouse, move.sku, new=move.sku in coming)
        moves[sku, CAUSES[move.cause].decision].append(move.move())
    changed: dict[str, Aggregate] = {}
    for (sku, decision), listed in moves.items():
        item: StockItem = work.load(StockItem, stock_of(command.warehouse, sku))
        record = item.decide_or_declare if decision else item.declare
        record(sku, listed, occurred_at=command.occurred_at, document=command.document,
               reason=command.reason, late=command.late)
        changed[item.id] = item
    return serve_waiting(work, changed.values(), occurred_at=command.occurred_at)


def count_stock(command: CountStock, work: Work) -> list[Aggregate]:
    """What was counted is what lies there. Errors: R-STK-04, R-STK-08, R-STK-10."""
    must_be_open(work, command.warehouse)
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for count in command.counts:
        sku = real_sku(work, command.warehouse, count.sku, new=True)
        counts[sku][count.bin] = counts[sku].get(count.bin, 0) + count.quantity
    items: list[Aggregate] = []
    for sku, bins in counts.items():
        item: StockItem = work.load(StockItem, stock_of(command.warehouse, sku))
        item.count(sku, bins, occurred_at=command.occurred_at, document=command.document)
        items.append(item)
    return serve_waiting(work, items, occurred_at=command.occurred_at)


def send_transfer(command: SendTransfer, work: Work) -> list[Aggregate]:
    """What is not there cannot be sent.

    Errors: R-STK-01, R-STK-03 to R-STK-05, R-STK-08, TransferAlreadySent (R-TRF-01).
    """
    must_be_open(work, command.source)
    must_be_open(work, command.target)
    lines = [msgspec.structs.replace(line, sku=real_sku(work, command.source, line.sku, new=False))
             for line in command.lines]
    transfer: Transfer = work.load(Transfer, command.subject)
    transfer.send(command.source, command.target, lines, occurred_at=command.occurred_at)
    moves: dict[str, list[Move]] = defaultdict(list)
    for line in lines:
        moves[line.sku].append(Move(quantity=line.quantity, source=AVAILABLE, bin=line.bin,
                                    target=BETWEEN_WAREHOUSES, cause="transfer"))
    items: list[Aggregate] = []
    for sku, listed in moves.items():
        item: StockItem = work.load(StockItem, stock_of(command.source, sku))
        item.decide_or_declare(sku, listed, occurred_at=command.occurred_at, document=transfer.id,
                 late=command.late)
        items.append(item)
    return [transfer, *items]


def receive_transfer(command: ReceiveTransfer, work: Work) -> list[Aggregate]:
    """What arrived lies in the other warehouse; what never will is written off in the first.

    Errors: R-STK-05, R-STK-08, TransferUnknown (R-TRF-02), MoreReceivedThanSent (R-TRF-03).
    """
    transfer: Transfer = work.load(Transfer, command.subject)
    if not transfer.version:
        raise TransferUnknown(transfer=transfer.id)
    # A name that was sent is kept as it was, even if it has become another name of a SKU since.
    lines = [line if line.sku in transfer.underway else msgspec.structs.replace(
        line, sku=real_sku(work, transfer.target, line.sku, new=True)) for line in command.lines]
    transfer.receive(lines, command.reason, occurred_at=command.occurred_at)
    moves: dict[tuple[str, str], list[Move]] = defaultdict(list)
    for line in lines:
        gone = line.place == WRITTEN_OFF
        moves[transfer.source if gone else transfer.target, line.sku].append(Move(
            quantity=line.quantity, source=BETWEEN_WAREHOUSES, target=line.place,
            to_bin=line.bin, cause="loss" if gone else "transfer"))
    work.fetch([(StockItem, stock_of(*key)) for key in moves])
    items: list[Aggregate] = []
    for (warehouse, sku), listed in moves.items():
        item: StockItem = work.load(StockItem, stock_of(warehouse, sku))
        item.declare(sku, listed, occurred_at=command.occurred_at, document=transfer.id,
                     reason=command.reason, late=command.late)
        items.append(item)
    return serve_waiting(work, [transfer, *items], occurred_at=command.occurred_at)


WAYS = {WRITE_OFF: (AVAILABLE, WRITTEN_OFF), FOUND: (STOCKTAKE_GAIN_LOSS, AVAILABLE)}
"""From where to where the pieces of a slip go."""


def record_slip(command: RecordSlip, work: Work) -> list[Aggregate]:
    """Note a slip once, and move its pieces. Errors: R-SLP-01, R-STK-04, R-STK-13."""
    slip: Slip = work.load(Slip, command.subject)
    if not slip.record(command) or command.warehouse is None:
        return [slip]
    items = declare_lines(
        work, command.warehouse, command.lines, (*WAYS[command.kind], command.kind),
        document=slip.id, occurred_at=command.at.at)
    return serve_waiting(work, [slip, *items], occurred_at=command.occurred_at)


HANDLERS: dict[type[Command], Handler] = {
    OpenWarehouse: open_warehouse,
    RegisterSku: register_sku,
    AliasSku: alias_sku,
    BundleSku: bundle_sku,
    SetThreshold: set_threshold,
    MoveStock: move_stock,
    CountStock: count_stock,
    SendTransfer: send_transfer,
    ReceiveTransfer: receive_transfer,
    RecordSlip: record_slip,
}
