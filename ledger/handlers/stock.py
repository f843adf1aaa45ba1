"""What happens to warehouses and the pieces in them, by decision or as a fact."""

from collections.abc import Callable
from itertools import chain, count

import msgspec

from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work
from ledger.core.postings import Posting
from ledger.fulfilment.counting import count_accounts, counted_by_sku, settle
from ledger.fulfilment.postings import declare_lines
from ledger.fulfilment.reserving import serve_waiting
from ledger.stock.counts import CountStock, StockCount, count_of
from ledger.stock.movements import MoveStock
from ledger.stock.places import (
    AVAILABLE,
    BETWEEN_WAREHOUSES,
    OTHER_WAREHOUSE,
    STOCKTAKE_GAIN_LOSS,
    WRITTEN_OFF,
    stock_of,
)
from ledger.stock.posting import post, unseen_by
from ledger.stock.skus import real_sku
from ledger.stock.slips import FOUND, WRITE_OFF, RecordSlip, Slip
from ledger.stock.transfers import (
    Arrival,
    DeclareTransfer,
    ReceiveTransfer,
    SendTransfer,
    Transfer,
)
from ledger.stock.warehouses import OpenWarehouse, Warehouse, must_be_open


def open_warehouse(command: OpenWarehouse, work: Work) -> list[Aggregate]:
    """A repeat changes nothing."""
    warehouse: Warehouse = work.load(Warehouse, command.subject)
    warehouse.open(command.name, command.title, occurred_at=command.occurred_at)
    return [warehouse]


def numbered(
    work: Work, command: MoveStock | CountStock, cls: type[Aggregate],
    name_of: Callable[[str, str], str],
) -> str:
    """The stream of a document. One that came without a number gets that of the position where its
    command begins, with a dash and a further number should somebody have taken that."""
    if command.number:
        return name_of(command.warehouse, command.number)
    numbers = chain([str(work.position + 1)],
                    (f"{work.position + 1}-{more}" for more in count(2)))
    return next(name for number in numbers
                if not work.load(cls, name := name_of(command.warehouse, number)).version)


def count_stock(command: CountStock, work: Work) -> list[Aggregate]:
    """What was counted lay there then; its difference from the books of that time is posted. Where
    less lies there than is reserved, the youngest reservations are taken back before.

    Errors: R-STK-04, R-STK-08, R-STK-15, R-STK-18, CountRecorded (R-STK-20).
    """
    must_be_open(work, command.warehouse)
    counting: StockCount = work.load(StockCount, numbered(work, command, StockCount, count_of))
    counting.must_be_new()
    counted = counted_by_sku(work, command.warehouse, command.counts)
    return count_accounts(work, counting, counted, command.occurred_at,
                          record=lambda: counting.count(command))


def send_transfer(command: SendTransfer, work: Work) -> list[Aggregate]:
    """What is not there cannot be sent.

    Errors: R-STK-01, R-STK-03, R-STK-04, R-STK-08, R-STK-15 to R-STK-18, TransferAlreadySent
    (R-TRF-01).
    """
    return _sent(command, work, decided=True)


def _sent(command: SendTransfer, work: Work, *, decided: bool) -> list[Aggregate]:
    """Pieces leave for another warehouse."""
    must_be_open(work, command.source)
    must_be_open(work, command.target)
    lines = [msgspec.structs.replace(
        line, sku=real_sku(work, command.source, line.sku, new=not decided))
        for line in command.lines]
    transfer: Transfer = work.load(Transfer, command.subject)
    transfer.send(command.source, command.target, lines, occurred_at=command.occurred_at,
                  not_counted=command.late == "not_counted")
    post(work, transfer.newest, [
        Posting(account=stock_of(command.source, line.sku), quantity=line.quantity,
                source=AVAILABLE, bin=line.bin, target=BETWEEN_WAREHOUSES, cause="transfer")
        for line in lines], decided=decided, unseen=unseen_by(work, command.late))
    return [transfer]


def receive_transfer(command: ReceiveTransfer, work: Work) -> list[Aggregate]:
    """What arrived lies in the other warehouse; what never will is written off in the first.

    Errors: R-STK-08, R-STK-15, R-STK-18, OutOfOrder (R-GEN-03), TransferUnknown (R-TRF-02),
    MoreReceivedThanSent (R-TRF-03).
    """
    transfer = command.load(work)
    # A name that was sent is kept as it was, even if it has become another name of a SKU since.
    lines = [line if line.sku in transfer.underway else msgspec.structs.replace(
        line, sku=real_sku(work, transfer.target, line.sku, new=True)) for line in command.lines]
    transfer.receive(lines, command.reason, occurred_at=command.occurred_at,
                     not_counted=command.late == "not_counted")
    postings = []
    for line in lines:
        sent = stock_of(transfer.source, line.sku)
        gone = line.place == WRITTEN_OFF
        postings.append(Posting(
            account=sent, quantity=line.quantity, source=BETWEEN_WAREHOUSES,
            target=WRITTEN_OFF if gone else OTHER_WAREHOUSE, cause="loss" if gone else "transfer"))
        if not gone:
            postings.append(Posting(
                account=stock_of(transfer.target, line.sku), quantity=line.quantity,
                source=OTHER_WAREHOUSE, target=line.place, to_bin=line.bin, cause="transfer"))
    accounts = post(work, transfer.newest, postings, decided=False,
                    unseen=unseen_by(work, command.late))
    return [transfer, *serve_waiting(work, accounts, occurred_at=command.occurred_at)]


def declare_transfer(command: DeclareTransfer, work: Work) -> list[Aggregate]:
    """What a file says of a transfer, as far as it is new: it has happened, whatever the books say.

    Errors: R-STK-04, R-STK-08, R-STK-15, R-STK-18, OutOfOrder (R-GEN-03), TransferAlreadySent
    (R-TRF-01).
    """
    transfer: Transfer = work.load(Transfer, command.subject)
    changed: list[Aggregate] = [transfer]
    if not transfer.was_sent(command.source, command.target, command.lines):
        changed += _sent(command, work, decided=False)
    if command.arrived is not None and transfer.underway:
        changed += receive_transfer(ReceiveTransfer(
            number=command.number, occurred_at=command.arrived, lines=[
                Arrival(sku=sku, quantity=pieces) for sku, pieces in transfer.underway.items()]),
            work)
    return list({one.id: one for one in changed}.values())


WAYS = {WRITE_OFF: (AVAILABLE, WRITTEN_OFF), FOUND: (STOCKTAKE_GAIN_LOSS, AVAILABLE)}
"""From where to where the pieces of a slip go."""


def record_slip(command: RecordSlip, work: Work) -> list[Aggregate]:
    """Note a slip once, and post its pieces. Errors: R-SLP-01, R-STK-04, R-STK-18."""
    slip: Slip = work.load(Slip, command.subject)
    if not slip.record(command) or command.warehouse is None:
        return [slip]
    accounts = declare_lines(work, slip.newest, command.warehouse, lines=command.lines,
                             way=(*WAYS[command.kind], command.kind))
    return [slip, *settle(work, accounts, slip.id, command.occurred_at)]


HANDLERS: dict[type[Command], Handler] = {
    OpenWarehouse: open_warehouse,
    CountStock: count_stock,
    SendTransfer: send_transfer,
    ReceiveTransfer: receive_transfer,
    DeclareTransfer: declare_transfer,
    RecordSlip: record_slip,
}
