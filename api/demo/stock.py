"""The demo's stock: counted and sold, one order to its buyer and a book of it back, an alert."""

from contextlib import closing
from datetime import datetime
from typing import Any

import click

from api.messages import tr
from ledger.application import Ledger
from ledger.common.context import Context
from ledger.common.errors import Refused
from ledger.core.commands import Command
from ledger.fulfilment.commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    PackOrder,
    PickOrder,
    SellOrder,
)
from ledger.orders.commands import ApproveOrder, PayOrder, SubmitOrder
from ledger.orders.values import Line, PickedFrom
from ledger.returns.commands import (
    ApproveRefund,
    AuthoriseCase,
    CloseCase,
    InspectGoods,
    PayRefund,
    ReceiveGoods,
    RequestCase,
)
from ledger.returns.values import CaseLine, Outcome
from ledger.settings import Opened
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.pieces import Count
from ledger.stock.warehouses import OpenWarehouse
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run as ask
from projections.store.models import ReadModels

HOUSE = "hangzhou"
CHANNEL, SHOP = "taobao", "栖墨图书旗舰店"
ORDER, CASE = f"order:{CHANNEL}:{SHOP}:demo-1", f"case:{CHANNEL}:{SHOP}:demo-R1"
LEVELS = ("sku", "available", "reserved", "packed", "on_hand")


def run(opened: Opened) -> None:
    """Count stock, sell until it is low, bring one order to its buyer and a book of it back."""
    ledger = opened.ledger
    do(ledger, "keeper", OpenWarehouse(name=HOUSE, occurred_at=_at("09:00")))
    do(ledger, "keeper", CountStock(warehouse=HOUSE, occurred_at=_at("09:30"), counts=[
        CountLine(sku="QM-001", quantity=12, bin="A-01"),
        CountLine(sku="QM-002", quantity=2, bin="A-02")]))
    do(ledger, "service", _sale("demo-1", Line(
        line="1", sku="QM-001", quantity=3, unit_price=3980, amount_minor=11940)))
    with closing(ReadModels(opened.store, PROJECTIONS)) as models:
        click.echo(tr("Twelve copies of one book and two of another are counted; three of the "
                      "first are sold:"))
        _levels(models)
        click.echo(tr("Nobody can buy the same piece twice:"))
        _refused(ledger, _sale("demo-2", Line(
            line="1", sku="QM-002", quantity=3, unit_price=2500, amount_minor=7500)))
        _deliver(ledger)
        click.echo(tr("The order is reviewed, picked, checked, packed, dispatched and delivered:"))
        for row in ask(models, "main", "stock-card", Question(subject="sku:QM-001")).rows:
            click.echo(f"  {row['position']:>5}  {', '.join(row['causes']):<12}"
                       f" on_hand {row['on_hand']:>3}  available {row['available']:>3}")
        _levels(models)
        _return(ledger)
        click.echo(tr("One book comes back and is inspected before it is sold again:"))
        for row in ask(models, "main", "returns", Question(subject=CASE)).rows:
            click.echo(f"  {row['state']}  restocked {row['pieces']['restocked']}"
                       f"  refunded {row['paid_minor']} of {row['asked_minor']} {row['currency']}")
        _levels(models)
        click.echo(tr("A book that runs low gets one notice, which is closed when there is enough "
                      "again:"))
        for row in ask(models, "main", "low-stock", Question()).rows:
            until = "" if row["closed_position"] is None else f" to {row['closed_position']}"
            click.echo(f"  {row['sku']}  available {row['available']} of at least "
                       f"{row['threshold']}, since position {row['opened_position']}{until}")


def _at(time: str, day: str = "09-27") -> datetime:
    return datetime.fromisoformat(f"2026-{day}T{time}:00+08:00")


def do(ledger: Ledger, role: str, command: Command) -> None:
    """Let somebody in a role send a command."""
    ledger.handle(command, Context(actor="system", role=role, client="demo"))


def _sale(number: str, line: Line) -> SellOrder:
    return SellOrder(channel=CHANNEL, shop=SHOP, number=number, currency="CNY",
                     lines=[line], warehouse=HOUSE, occurred_at=_at("10:00"))


def _deliver(ledger: Ledger) -> None:
    """From the review to the buyer."""
    def on(time: str) -> dict[str, Any]:
        return {"order": ORDER, "occurred_at": _at(time)}

    three = [Count("1", 3)]
    do(ledger, "integration", PayOrder(**on("10:02"), amount_minor=11940))
    do(ledger, "service", ApproveOrder(**on("10:10"), note="电话确认地址"))
    do(ledger, "service", SubmitOrder(**on("10:11"), warehouse=HOUSE))
    do(ledger, "dispatcher", PickOrder(**on("10:30"), lines=[PickedFrom("1", 3, "A-01")]))
    do(ledger, "dispatcher", CheckOrder(**on("10:35"), passed=True))
    do(ledger, "dispatcher", PackOrder(**on("10:40"), parcel="P1", lines=three))
    do(ledger, "dispatcher", DispatchParcel(
        **on("18:00"), parcel="P1", courier="顺丰", waybill="SF000001"))
    do(ledger, "integration", DeliverParcel(**on("23:00"), parcel="P1"))


def _return(ledger: Ledger) -> None:
    """A book comes back, and its price is refunded."""
    def on(time: str) -> dict[str, Any]:
        return {"case": CASE, "occurred_at": _at(time, "09-30")}

    do(ledger, "service", RequestCase(
        channel=CHANNEL, shop=SHOP, number="demo-R1", currency="CNY", order=ORDER,
        kind="return_and_refund", lines=[CaseLine(line="1", quantity=1)], refund_minor=3980,
        reason="买重了", occurred_at=_at("09:00", "09-30")))
    do(ledger, "service", AuthoriseCase(**on("09:05")))
    do(ledger, "keeper", ReceiveGoods(**on("15:00"), warehouse=HOUSE, lines=[Count("1", 1)]))
    do(ledger, "keeper", InspectGoods(**on("15:20"), lines=[
        Outcome("1", 1, "restocked", "A-01")]))
    do(ledger, "service", ApproveRefund(**on("15:30"), amount_minor=3980))
    do(ledger, "finance", PayRefund(**on("16:00"), amount_minor=3980))
    do(ledger, "service", CloseCase(**on("16:01")))


def _refused(ledger: Ledger, command: Command) -> None:
    try:
        do(ledger, "service", command)
    except Refused as refusal:
        click.echo(f"  {refusal.rule}  {refusal}")


def _levels(models: ReadModels) -> None:
    for row in ask(models, "main", "inventory", Question()).rows:
        click.echo("  " + "  ".join(f"{name} {row[name]}" for name in LEVELS))
