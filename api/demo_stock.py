"""The second half of the demo's story: stock, one order through to the buyer, an alert."""

from contextlib import closing
from datetime import datetime
from typing import Any

import click

from api.messages import tr
from ledger.application import Ledger
from ledger.commands import Command
from ledger.errors import Refused
from ledger.fulfilment_commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    PackOrder,
    PickOrder,
    SellOrder,
)
from ledger.order_review_commands import ApproveOrder, SubmitOrder
from ledger.order_values import Line, PickedFrom
from ledger.pieces import Count
from ledger.receipts import Context
from ledger.settings import Opened
from ledger.stock_commands import CountLine, CountStock
from ledger.warehouses import OpenWarehouse
from projections.catalogue import PROJECTIONS
from projections.engine import ReadModels
from projections.questions import Question
from projections.reports import run as ask

HOUSE = "hangzhou"
ORDER = "order:taobao:栖墨图书旗舰店:demo-1"
LEVELS = ("sku", "available", "reserved", "packed", "on_hand")


def tell(opened: Opened) -> None:
    """Count stock, sell until it is low, bring one order to its buyer; show levels and the alert.
    """
    ledger = opened.ledger
    _do(ledger, "keeper", OpenWarehouse(name=HOUSE, occurred_at=_at("09:00")))
    _do(ledger, "keeper", CountStock(warehouse=HOUSE, occurred_at=_at("09:30"), counts=[
        CountLine(sku="QM-001", quantity=12, bin="A-01"),
        CountLine(sku="QM-002", quantity=2, bin="A-02")]))
    _do(ledger, "service", _sale("demo-1", Line(
        line="1", sku="QM-001", quantity=3, unit_price=3980, amount_minor=11940)))
    with closing(ReadModels(opened.store, PROJECTIONS)) as models:
        click.echo(tr("Twelve and two books are counted in; three of the first are sold:"))
        _levels(models)
        click.echo(tr("Nobody can buy the same piece twice:"))
        _refused(ledger, _sale("demo-2", Line(
            line="1", sku="QM-002", quantity=3, unit_price=2500, amount_minor=7500)))
        _bring(ledger)
        click.echo(tr("The order is reviewed, picked, checked, packed, dispatched and delivered:"))
        for row in ask(models, "main", "stock-card", Question(subject="sku:QM-001")).rows:
            click.echo(f"  {row['position']:>5}  {', '.join(row['causes']):<12}"
                       f" on_hand {row['on_hand']:>3}  available {row['available']:>3}")
        _levels(models)
        click.echo(tr("One notice is open for each book that is low, with its history:"))
        for row in ask(models, "main", "low-stock", Question()).rows:
            click.echo(f"  {row['sku']}  available {row['available']} of at least "
                       f"{row['threshold']}, since position {row['opened_position']}")


def _at(time: str) -> datetime:
    return datetime.fromisoformat(f"2026-09-30T{time}:00+08:00")


def _do(ledger: Ledger, role: str, command: Command) -> None:
    ledger.handle(command, Context(actor="system", role=role, client="demo"))


def _sale(number: str, line: Line) -> SellOrder:
    return SellOrder(channel="taobao", shop="栖墨图书旗舰店", number=number, currency="CNY",
                     lines=[line], warehouse=HOUSE, occurred_at=_at("10:00"))


def _bring(ledger: Ledger) -> None:
    """From the review to the buyer."""
    def on(time: str) -> dict[str, Any]:
        return {"order": ORDER, "occurred_at": _at(time)}

    three = [Count("1", 3)]
    _do(ledger, "service", ApproveOrder(**on("10:10"), note="电话确认地址"))
    _do(ledger, "service", SubmitOrder(**on("10:11"), warehouse=HOUSE))
    _do(ledger, "dispatcher", PickOrder(**on("10:30"), lines=[PickedFrom("1", 3, "A-01")]))
    _do(ledger, "dispatcher", CheckOrder(**on("10:35"), passed=True))
    _do(ledger, "dispatcher", PackOrder(**on("10:40"), parcel="P1", lines=three))
    _do(ledger, "dispatcher", DispatchParcel(
        **on("18:00"), parcel="P1", courier="顺丰", waybill="SF000001"))
    _do(ledger, "integration", DeliverParcel(**on("23:00"), parcel="P1"))


def _refused(ledger: Ledger, command: Command) -> None:
    try:
        _do(ledger, "service", command)
    except Refused as refusal:
        click.echo(f"  {refusal.rule}  {refusal}")


def _levels(models: ReadModels) -> None:
    for row in ask(models, "main", "inventory", Question()).rows:
        click.echo("  " + "  ".join(f"{name} {row[name]}" for name in LEVELS))
